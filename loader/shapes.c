/* aotc_complete_shapes(): sizes of all inputs from those of some, by the same tables as bind.c. */
#include "loader/internal.h"

#include <stdlib.h>
#include <string.h>

typedef struct Sizes {
    const aotc_model_entry *e;
    int64_t *const         *shapes;
    int64_t                *sym, *exprs;
    bool                   *is_set;
} Sizes;

static int64_t clamp(int64_t v, int64_t min, int64_t max)
{
    return v < min ? min : v > max ? max : v;
}

/* A number that is given as a tensor: zero or the next that it may be, as nothing else is known. */
static void take_scalar(Sizes *x, const aotc_model_tensor *t)
{
    if (t->symbol < 0 || x->is_set[t->symbol])
        return;
    const aotc_model_symbol *s = &x->e->symbols[t->symbol];
    x->sym[t->symbol] = t->flags & AOTC_TENSOR_LITERAL ? t->literal_int
                        : s->is_float                  ? 0
                                                       : clamp(0, s->min, s->max);
    x->is_set[t->symbol] = true;
}

/* size == value * symbol + add */
static bool take_dim(Sizes *x, const aotc_model_dim *dim, int64_t *size)
{
    if (dim->kind == AOTC_DIM_CONST && *size < 0)
        *size = dim->value;
    if (dim->kind != AOTC_DIM_SYMBOL)
        return true;
    const aotc_model_symbol *s = &x->e->symbols[dim->index];
    int64_t                 *v = &x->sym[dim->index], whole;
    if (!x->is_set[dim->index]) {
        /* A run refuses what is out of range before it computes with it. */
        int64_t wanted = 0;
        if (*size >= 0 && dim->value && !__builtin_sub_overflow(*size, dim->add, &whole))
            wanted = whole / dim->value;
        *v = clamp(wanted, s->min, s->max);
        x->is_set[dim->index] = true;
    }
    return *size >= 0 || (!__builtin_mul_overflow(dim->value, *v, &whole) &&
                          !__builtin_add_overflow(whole, dim->add, size));
}

static bool complete(Sizes *x)
{
    const aotc_model_entry *e = x->e;
    for (int i = 0; i < e->n_inputs; i++) {
        const aotc_model_tensor *t = table_tensor(e->inputs, i);
        if (t->flags & AOTC_TENSOR_SCALAR)
            take_scalar(x, t);
        for (int d = 0; d < t->rank; d++)
            if (!take_dim(x, &t->dims[d], &x->shapes[i][d]))
                return false;
    }
    /* Those that a run sets: any value, nothing here depends on it. */
    for (int i = 0; i < e->n_symbols; i++)
        if (!x->is_set[i] && !e->symbols[i].is_float)
            x->sym[i] = clamp(2, e->symbols[i].min, e->symbols[i].max);
    if (e->exprs(x->sym, x->exprs))
        return false;
    for (int i = 0; i < e->n_inputs; i++) {
        const aotc_model_tensor *t = table_tensor(e->inputs, i);
        for (int d = 0; d < t->rank; d++)
            if (t->dims[d].kind == AOTC_DIM_EXPR && x->shapes[i][d] < 0)
                x->shapes[i][d] = x->exprs[t->dims[d].index];
    }
    return true;
}

aotc_status aotc_complete_shapes(const aotc_model *m, int64_t *const *shapes, aotc_error *error)
{
    error_clear(error);
    if (!m || !shapes)
        return error_set(error, AOTC_E_ARGUMENT, "model or shapes is NULL");
    const aotc_model_entry *e = m->entry;
    Sizes                   x = {.e = e, .shapes = shapes};
    x.sym = calloc((size_t)e->n_symbols + 1, sizeof *x.sym);
    x.exprs = calloc((size_t)e->n_exprs + 1, sizeof *x.exprs);
    x.is_set = calloc((size_t)e->n_symbols + 1, sizeof *x.is_set);
    aotc_status s = AOTC_OK;
    if (!x.sym || !x.exprs || !x.is_set)
        s = error_set(error, AOTC_E_MEMORY, "out of memory for sizes");
    else if (!complete(&x))
        s = error_set(error, AOTC_E_GUARD, "a size overflows 64 bits");
    free(x.sym);
    free(x.exprs);
    free(x.is_set);
    return s;
}
