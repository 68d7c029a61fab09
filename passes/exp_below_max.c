/* Exponentials that are at most 1: of a row's elements less their maximum, as softmax has them.
 *
 *   stage over r0 < 768 { $0 = mul(%x[768*i0 + r0], 2);  %e[768*i0 + r0] = $0;  %m[i0] = max($0) }
 *   stage over r0 < 768 { %s[i0] = sum(exp(sub(%e[768*i0 + r0], %m[i0]))) }
 *
 * has exp_to_1 in place of exp: GPUs compute that in 5 instructions instead of 8. */
#include "passes/lower_internal.h"

typedef struct Below {
    const Kernel *k;
    int           stage; /* of the exponential */
    ScalarPool   *pool;
} Below;

/* Does the stage keep `value` where `load` reads it, as it is? */
static bool stores(const Stage *stage, const Scalar *value, const Scalar *load)
{
    if (load->op != S_LOAD || load->mask || load->dtype != value->dtype)
        return false;
    for (int l = 0; l < stage->n_loops; l++) {
        const Loop *loop = stage->loops[l];
        if (loop->kind == LOOP_POINTWISE && loop->out == load->buffer &&
            loop->index == load->index && loop->value == value && !loop->mask && !loop->accumulate)
            return true;
    }
    return false;
}

/* Is `top` the maximum over a row whose element is `a`? */
static bool is_max_over(const Below *b, const Scalar *a, const Scalar *top)
{
    if (top->op != S_LOAD || top->mask)
        return false;
    for (int s = 0; s < b->stage; s++)
        for (int l = 0; l < b->k->stages[s]->n_loops; l++) {
            const Loop *loop = b->k->stages[s]->loops[l];
            if (loop->kind == LOOP_REDUCE && loop->reduce == REDUCE_MAX &&
                loop->out == top->buffer && loop->index == top->index &&
                (loop->value == a || stores(b->k->stages[s], loop->value, a)))
                return true;
        }
    return false;
}

static Scalar *replace(void *cx, Scalar *node)
{
    const Below *b = cx;
    Scalar      *x = node->in[0];
    if (node->op != S_EXP || node->dtype != DT_F32 || x->op != S_SUB ||
        !is_max_over(b, x->in[0], x->in[1]))
        return NULL;
    return scalar_1(b->pool, S_EXP_TO_1, x);
}

void exp_below_max(Kernel *k, Arena *arena)
{
    for (int s = 1; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++) {
            Loop *loop = ARENA_NEW(arena, Loop);
            *loop = *k->stages[s]->loops[l];
            Below b = {k, s, loop->pool};
            loop->value = scalar_replace(loop->pool, loop->value, replace, &b);
            k->stages[s]->loops[l] = loop;
        }
}
