/* A product's result that nothing is fused behind is stored as its readers round it.
 *
 *   gemm … result %r : f32
 *   stage { %y[i0] = add(cast(cast(%r[i0], bf16), f32), …) }
 *
 * stores %r as bf16 and reads it without the inner cast: the same values, half the bytes.  Kernels
 * for GPUs alone: those of the CPU store their sums in f32. */
#include "passes/lower_internal.h"

/* Of a buffer. */
typedef struct Result {
    bool    is_candidate, is_read_whole; /* by something that does not round it */
    DType   dtype; /* what all readers so far round to; DT_NONE before the first */
    Buffer *narrow;
} Result;

typedef struct Narrow {
    Result     *of; /* by Buffer.id, with room for a narrow one of each */
    ScalarPool *pool;
} Narrow;

static bool is_half(DType dtype)
{
    return dtype == DT_F16 || dtype == DT_BF16;
}

static void note_result(Lower *lo, Kernel *k, void *cx)
{
    Narrow *n = cx;
    (void)lo;
    if ((k->kind == KERNEL_GEMM || k->kind == KERNEL_CONV) && !k->n_stages && !k->is_host &&
        k->result->kind == BUFFER_TEMP && k->result->dtype == DT_F32 && !k->result->alias)
        n->of[k->result->id].is_candidate = true;
}

static void read_whole(Narrow *n, const Scalar *value)
{
    if (value && value->op == S_LOAD)
        n->of[value->buffer->id].is_read_whole = true;
}

static void note_use(void *cx, Scalar *value)
{
    Narrow *n = cx;
    bool    rounds = value->op == S_CAST && is_half(value->dtype);
    for (int i = 0; i < value->n_in; i++) {
        const Scalar *in = value->in[i];
        if (in->op != S_LOAD)
            continue;
        Result *r = &n->of[in->buffer->id];
        if (!rounds || (r->dtype && r->dtype != value->dtype))
            r->is_read_whole = true;
        r->dtype = value->dtype;
    }
    read_whole(n, value->mask);
}

static void load_whole(void *cx, Scalar *load)
{
    read_whole(cx, load);
}

static void note_reader(Lower *lo, Kernel *k, void *cx)
{
    Narrow  *n = cx;
    Operand *ops[MAX_KERNEL_OPERANDS];
    int      n_ops = kernel_operands(k, ops);
    (void)lo;
    for (int i = 0; i < n_ops; i++)
        if (ops[i]->buffer)
            n->of[ops[i]->buffer->id].is_read_whole = true;
    if (template_loop(k))
        loop_for_each_load(template_loop(k), load_whole, n);
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++) {
            const Loop *loop = k->stages[s]->loops[l];
            read_whole(n, loop->value);
            read_whole(n, loop->mask);
            loop_for_each_scalar(loop, note_use, n);
            if (loop->is_scatter) /* its index may hold what value and mask do not */
                loop_for_each_load(loop, load_whole, n);
        }
}

static void note_steps(Narrow *n, Step *const *steps, int n_steps)
{
    for (int i = 0; i < n_steps; i++) {
        if (steps[i]->from)
            n->of[steps[i]->from->id].is_read_whole = true;
        if (steps[i]->flag)
            n->of[steps[i]->flag->id].is_read_whole = true;
        note_steps(n, steps[i]->then_steps.items, steps[i]->then_steps.n);
        note_steps(n, steps[i]->else_steps.items, steps[i]->else_steps.n);
    }
}

static Scalar *read_narrow(void *cx, Scalar *node)
{
    Narrow *n = cx;
    if (node->op != S_CAST || node->in[0]->op != S_LOAD)
        return NULL;
    const Scalar *load = node->in[0];
    Buffer       *narrow = n->of[load->buffer->id].narrow;
    return narrow ? scalar_load(n->pool, narrow, load->index, load->mask) : NULL;
}

static void rewrite(Lower *lo, Kernel *k, void *cx)
{
    Narrow *n = cx;
    if (k->result && n->of[k->result->id].narrow)
        k->result = n->of[k->result->id].narrow;
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++) {
            Loop *loop = ARENA_NEW(lo->ir->arena, Loop);
            *loop = *k->stages[s]->loops[l];
            n->pool = loop->pool;
            loop->value = scalar_replace(loop->pool, loop->value, read_narrow, n);
            if (loop->mask)
                loop->mask = scalar_replace(loop->pool, loop->mask, read_narrow, n);
            k->stages[s]->loops[l] = loop;
        }
}

void narrow_results(Lower *lo, Block *block)
{
    int    n_buffers = lo->plan->buffers.n, found = 0;
    Narrow n = {.of = ARENA_ARRAY(lo->ir->arena, Result, 2 * n_buffers + 1)};
    if (!lower_for_cuda(lo))
        return;
    each_kernel(lo, block->steps.items, block->steps.n, note_result, &n);
    each_kernel(lo, block->steps.items, block->steps.n, note_reader, &n);
    note_steps(&n, block->steps.items, block->steps.n);
    for (int i = 0; i < n_buffers; i++)
        if (lo->plan->buffers.items[i]->alias)
            n.of[lo->plan->buffers.items[i]->alias->id].is_read_whole = true;
    for (int i = 0; i < n_buffers; i++) {
        Buffer *wide = lo->plan->buffers.items[i];
        if (!n.of[i].is_candidate || n.of[i].is_read_whole || !n.of[i].dtype)
            continue;
        n.of[i].narrow = new_buffer(lo, BUFFER_TEMP, wide->name, n.of[i].dtype, wide->rank,
                                    wide->sizes, wide->strides);
        wide->kind = BUFFER_LOCAL;
        found++;
    }
    if (found)
        each_kernel(lo, block->steps.items, block->steps.n, rewrite, &n);
}
