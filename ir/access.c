/* Accesses of loops; see access.h. */
#include "ir/access.h"

typedef struct Dependence {
    const Symbol *var;
    bool          found;
} Dependence;

static void look_for_var(void *user, Scalar *a)
{
    Dependence *d = user;
    d->found |= a->index && expr_contains(a->index, d->var);
}

static void look_into_scalar(void *user, Symbol *symbol)
{
    if (symbol->kind == SYM_SCALAR && symbol->scalar)
        scalar_walk(&symbol->scalar, 1, look_for_var, user);
}

static bool by_value(const Expr *index, const Symbol *var)
{
    Dependence d = {var, false};
    expr_symbols(index, look_into_scalar, &d);
    return d.found;
}

bool access_depends(const Expr *index, const Symbol *var)
{
    return expr_contains(index, var) || by_value(index, var);
}

AccessKind access_kind(ExprPool *pool, const Expr *index, const Symbol *var, int width)
{
    const Expr *coeff, *rest;
    if (by_value(index, var))
        return ACCESS_APART;
    if (!expr_contains(index, var))
        return ACCESS_SAME;
    if (!expr_linear(pool, index, var, &coeff, &rest) || !expr_is_value(coeff, 1))
        return ACCESS_APART;
    return expr_is_value(expr_mod(pool, rest, expr_int(pool, width)), 0) ? ACCESS_ADJACENT
                                                                         : ACCESS_APART;
}

const Stage *kernel_inner_stage(const Kernel *k)
{
    for (int s = 0; s < k->n_stages; s++)
        if (k->stages[s]->n_inner)
            return k->stages[s];
    return NULL;
}

/* ---- what several stages read ---------------------------------------------------------------- */

typedef struct Repeated {
    ExprPool      *pool;
    const Kernel  *k;
    const Symbol  *var;
    int            width, stage, n, cap;
    const Scalar **out;
    int            first_stage[64];
    bool           again[64];
} Repeated;

static bool is_written(const Kernel *k, const Buffer *b)
{
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++)
            if (k->stages[s]->loops[l]->out == b)
                return true;
    return false;
}

static void note_load(void *user, Scalar *a)
{
    Repeated *r = user;
    if (a->op != S_LOAD || a->mask || a->buffer->kind == BUFFER_LOCAL ||
        is_written(r->k, a->buffer))
        return;
    bool moves = r->width > 1 ? access_kind(r->pool, a->index, r->var, r->width) == ACCESS_ADJACENT
                              : expr_contains(a->index, r->var) && !by_value(a->index, r->var);
    if (!moves)
        return;
    for (int i = 0; i < r->n; i++)
        if (r->out[i]->buffer == a->buffer && r->out[i]->index == a->index) {
            r->again[i] |= r->first_stage[i] != r->stage;
            return;
        }
    if (r->n < r->cap && r->n < 64) {
        r->first_stage[r->n] = r->stage;
        r->out[r->n++] = a;
    }
}

static void walk_loop(const Loop *loop, void (*visit)(void *cx, Scalar *a), void *cx)
{
    Scalar *roots[2] = {loop->value, loop->mask};
    scalar_walk(roots, loop->mask ? 2 : 1, visit, cx);
}

static bool moves_with_point(const Kernel *k, const Expr *index)
{
    for (int d = 0; d < k->n_outer; d++)
        if (expr_contains(index, k->outer[d]))
            return true;
    return false;
}

static bool is_first_of_point(const Repeated *r, int i)
{
    return r->k->stages[r->first_stage[i]] == kernel_inner_stage(r->k) &&
           moves_with_point(r->k, r->out[i]->index);
}

/* All that stages with inner dims make. */
static Repeated stage_loads(ExprPool *pool, const Kernel *k, int width, const Scalar **out, int cap)
{
    const Stage *inner = kernel_inner_stage(k);
    Repeated     r = {pool, k, NULL, width, 0, 0, cap, out, {0}, {false}};
    if (!inner)
        return r;
    r.var = inner->inner[inner->n_inner - 1];
    for (int s = 0; s < k->n_stages; s++) {
        r.stage = s;
        for (int l = 0; l < k->stages[s]->n_loops && k->stages[s]->n_inner; l++)
            walk_loop(k->stages[s]->loops[l], note_load, &r);
    }
    return r;
}

int kernel_row_loads(ExprPool *pool, const Kernel *k, int width, bool with_first,
                     const Scalar **out, int cap)
{
    Repeated r = stage_loads(pool, k, width, out, cap);
    int      n = 0;
    for (int i = 0; i < r.n; i++)
        if (r.again[i] || (with_first && is_first_of_point(&r, i)))
            out[n++] = out[i];
    return n;
}

int kernel_fixed_loads(ExprPool *pool, const Kernel *k, int width, const Scalar **out, int cap)
{
    Repeated r = stage_loads(pool, k, width, out, cap);
    int      n = 0;
    for (int i = 0; i < r.n; i++)
        if (!moves_with_point(k, out[i]->index))
            out[n++] = out[i];
    return n;
}

int kernel_repeated_loads(ExprPool *pool, const Kernel *k, int width, const Scalar **out, int cap)
{
    return kernel_row_loads(pool, k, width, false, out, cap);
}

typedef struct Wanted {
    const Buffer *buffer;
    bool          found;
} Wanted;

static void look_for_buffer(void *user, Scalar *a)
{
    Wanted *w = user;
    w->found |= a->op == S_LOAD && a->buffer == w->buffer;
}

int kernel_kept_rows(const Kernel *k, const Buffer **out, int cap)
{
    int n = 0;
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++) {
            const Loop *loop = k->stages[s]->loops[l];
            Wanted      w = {loop->out, false};
            if (loop->out->kind != BUFFER_LOCAL || !loop->out->is_row)
                continue;
            for (int later = s + 1; later < k->n_stages; later++)
                for (int j = 0; j < k->stages[later]->n_loops; j++)
                    walk_loop(k->stages[later]->loops[j], look_for_buffer, &w);
            if (w.found && n < cap)
                out[n++] = loop->out;
        }
    return n;
}

/* ---- tiles ----------------------------------------------------------------------------------- */

/* Of the 48 KiB that a block gets without an opt-in (CUDA guide, "Shared Memory"). */
#define MAX_TILE_BYTES (40 * 1024)

int tile_stride(int tile, DType dtype)
{
    int size = dtype_size(dtype);
    return tile + (size < 4 ? 4 / size : 1);
}

typedef struct Tiled {
    ExprPool      *pool;
    const Kernel  *k;
    const Symbol  *along, *across;
    int            tile, n, bytes;
    const Scalar **out;
} Tiled;

static void note_tiled_load(void *user, Scalar *a)
{
    Tiled *t = user;
    if (a->op != S_LOAD || a->mask || a->buffer->kind == BUFFER_LOCAL ||
        is_written(t->k, a->buffer) ||
        access_kind(t->pool, a->index, t->along, 1) != ACCESS_ADJACENT ||
        access_kind(t->pool, a->index, t->across, 1) != ACCESS_APART)
        return;
    for (int i = 0; i < t->n; i++)
        if (t->out[i]->buffer == a->buffer && t->out[i]->index == a->index)
            return;
    DType dtype = a->buffer->dtype;
    int   bytes = t->tile * tile_stride(t->tile, dtype) * dtype_size(dtype);
    if (t->n == MAX_TILED_LOADS || t->bytes + bytes > MAX_TILE_BYTES)
        return;
    t->bytes += bytes;
    t->out[t->n++] = a;
}

int kernel_tiled_loads(ExprPool *pool, const Kernel *k, int dim, int tile,
                       const Scalar *out[MAX_TILED_LOADS])
{
    Tiled t = {pool, k, k->outer[dim], k->outer[k->n_outer - 1], tile, 0, 0, out};
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++)
            walk_loop(k->stages[s]->loops[l], note_tiled_load, &t);
    return t.n;
}
