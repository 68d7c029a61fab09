/* Operators whose result elements are chosen elements of their inputs: cat, flip, roll, repeat,
 * gather, index, embedding, the functional scatters of views, and (as templates) scatters by index.
 *
 * In: a node.  Out: `element` gives the scalar of one result element:
 *
 *   aten.cat.default([%a, %b])     out[i]  =  select(i < n, a[i], b[i - n])
 *   aten.gather.default(%x, 0, %k) out[i]  =  x[indirect(k[i])]
 *
 * No load happens outside of its tensor: loads are masked, indices from tensors are checked. */
#include "ir/ops/shape_util.h"

#include <string.h>

static Scalar *zero_of(LowerCx *cx, DType dtype)
{
    return scalar_int(cx->scalars, dtype, 0);
}

static const TensorType *self_type(const Node *node)
{
    return &shape_first_tensor(node)->type;
}

/* ---- cat ------------------------------------------------------------------------------------- */
/* PyTorch skips tensors of sizes [0] whatever the rank of the others. */
static bool is_legacy_empty(const TensorType *type)
{
    return type->rank == 1 && expr_is_value(type->sizes[0], 0);
}

static Error *infer_cat(Node *node)
{
    ExprPool   *pool = shape_pool(node);
    const Expr *sizes[MAX_RANK];
    Value     **v;
    int         n, dim = 0, rank = -1;
    DType       dtype = DT_NONE;
    TRY(shape_tensors(node, "tensors", &v, &n));
    for (int i = 0; i < n; i++) {
        if (!v[i])
            return node_error(node, E_VALUE, "tensor %d is missing", i);
        const TensorType *t = &v[i]->type;
        dtype = i == 0 ? t->dtype : dtype_promote(dtype, t->dtype);
        if (is_legacy_empty(t))
            continue;
        if (rank < 0) {
            rank = t->rank;
            TRY(shape_dim(node, "dim", rank, &dim));
            memcpy(sizes, t->sizes, sizeof *sizes * (size_t)rank);
            continue;
        }
        if (t->rank != rank)
            return node_error(node, E_VALUE, "tensors of rank %d and %d", rank, t->rank);
        for (int d = 0; d < rank; d++) {
            int64_t a, b;
            if (d == dim)
                sizes[d] = expr_add(pool, sizes[d], t->sizes[d]);
            else if (expr_is_int(sizes[d], &a) && expr_is_int(t->sizes[d], &b) && a != b)
                return node_error(node, E_VALUE, "sizes %lld and %lld of dim %d differ",
                                  (long long)a, (long long)b, d);
            else if (expr_is_const(t->sizes[d]))
                sizes[d] = t->sizes[d];
        }
    }
    if (n == 0 || rank == 0)
        return node_error(node, E_VALUE, "needs tensors of rank 1 or more");
    if (rank < 0) {
        sizes[0] = expr_int(pool, 0);
        rank = 1;
    }
    shape_result(node, 0, dtype, sizes, rank);
    return NULL;
}

static Scalar *element_cat(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    ExprPool         *pool = cx->ir->exprs;
    const TensorType *type = &node->results[0]->type;
    const Arg        *list = node_arg(node, "tensors");
    int               dim = node_dim(node, "dim", type->rank);
    const Expr       *in[MAX_RANK], *end = type->sizes[dim];
    Scalar           *out = NULL;
    memcpy(in, index, sizeof *in * (size_t)type->rank);
    /* From the last to the first, so that each select asks only for an upper bound. */
    for (int i = list->n_items - 1; i >= 0; i--) {
        Value *v = list->items[i].value;
        if (is_legacy_empty(&v->type) || expr_is_value(v->type.sizes[dim], 0))
            continue;
        const Expr *start = expr_sub(pool, end, v->type.sizes[dim]);
        /* An index that is wanted lies inside the result: the outermost bounds need no test. */
        const Expr *below = out ? expr_cmp(pool, EXPR_LT, index[dim], end) : expr_bool(pool, true);
        const Expr *from = expr_is_value(start, 0) ? expr_bool(pool, true)
                                                   : expr_cmp(pool, EXPR_LE, start, index[dim]);
        end = start;
        if (shape_is_false(below) || shape_is_false(from))
            continue;
        in[dim] = expr_sub(pool, index[dim], start);
        Scalar *lower = shape_condition(cx, below), *upper = shape_condition(cx, from);
        Scalar *mask = lower || upper ? scalar_and(cx->scalars, lower, upper) : NULL;
        Scalar *both = mask && cx->mask ? scalar_and(cx->scalars, cx->mask, mask)
                       : mask           ? mask
                                        : cx->mask;
        Scalar *x = scalar_cast(cx->scalars, type->dtype, cx->load(cx, v, in, both));
        out = !out || !lower ? x : scalar_select(cx->scalars, lower, x, out);
    }
    return out ? out : zero_of(cx, type->dtype);
}

static Error *expand_cat(Node *node, Value **results)
{
    return expand_as_op(node, "aten.cat.default", results);
}

/* stack: every tensor gets a new dim of size 1. */
static Error *expand_stack(Node *node, Value **results)
{
    Build   b = build_at(node);
    Value **v;
    int     n, dim;
    TRY(shape_tensors(node, "tensors", &v, &n));
    if (n == 0)
        return node_error(node, E_VALUE, "needs a tensor");
    TRY(shape_dim(node, "dim", v[0]->type.rank + 1, &dim));
    for (int i = 0; i < n; i++)
        v[i] = build_unsqueeze(&b, v[i], dim);
    results[0] = BUILD(&b, "aten.cat.default", arg_values(b.graph, v, n), arg_int(b.graph, dim));
    return b.error;
}

static Value *at_least(Build *b, Value *v, int rank)
{
    if (b->error || v->type.rank >= rank)
        return v;
    const char *op = rank == 1   ? "aten.atleast_1d.default"
                     : rank == 2 ? "aten.atleast_2d.default"
                                 : "aten.atleast_3d.default";
    return BUILD(b, op, arg_value(v));
}

/* hstack, vstack, dstack, column_stack, row_stack. */
static Error *expand_xstack(Node *node, Value **results)
{
    Build   b = build_at(node);
    char    kind = node->schema->base[0];
    Value **v;
    int     n, dim = kind == 'd' ? 2 : kind == 'v' || kind == 'r' ? 0 : 1;
    TRY(shape_tensors(node, "tensors", &v, &n));
    for (int i = 0; i < n && !b.error; i++) {
        int rank = v[i]->type.rank;
        if (kind == 'c' && rank <= 1) {
            v[i] = build_unsqueeze(&b, rank == 0 ? build_unsqueeze(&b, v[i], 0) : v[i], 1);
        } else {
            v[i] = at_least(&b, v[i], kind == 'd' ? 3 : kind == 'h' || kind == 'c' ? 1 : 2);
            if (!b.error && kind == 'h' && v[i]->type.rank == 1)
                dim = 0;
        }
    }
    results[0] = BUILD(&b, "aten.cat.default", arg_values(b.graph, v, n), arg_int(b.graph, dim));
    return b.error;
}

/* ---- flip, roll, repeat ---------------------------------------------------------------------- */
static Error *infer_flip(Node *node)
{
    int dims[MAX_RANK], n;
    TRY(shape_dims(node, "dims", self_type(node)->rank, dims, &n));
    return infer_like_first(node);
}

static Scalar *element_flip(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    ExprPool         *pool = cx->ir->exprs;
    const TensorType *in_type = self_type(node);
    const Expr       *in[MAX_RANK];
    int               dims[MAX_RANK], n = 0;
    (void)shape_dims(node, "dims", in_type->rank, dims, &n); /* infer has checked it */
    memcpy(in, index, sizeof *in * (size_t)in_type->rank);
    for (int i = 0; i < n && in_type->rank > 0; i++)
        in[dims[i]] = expr_sub(pool, expr_sub(pool, in_type->sizes[dims[i]], index[dims[i]]),
                               expr_int(pool, 1));
    return shape_load(cx, shape_first_tensor(node), in);
}

static Error *expand_flip_dim(Node *node, Value **results)
{
    Build   b = build_at(node);
    int64_t dim = strcmp(node->schema->base, "fliplr") == 0 ? 1 : 0;
    results[0] = BUILD(&b, "aten.flip.default", node->args[0], arg_ints(b.graph, &dim, 1));
    return b.error;
}

static Error *expand_rot90(Node *node, Value **results)
{
    Build   b = build_at(node);
    int     dims[MAX_RANK], n;
    int64_t k;
    Value  *self = shape_first_tensor(node);
    TRY(shape_const_int(node, "k", &k));
    TRY(shape_dims(node, "dims", self->type.rank, dims, &n));
    if (n != 2)
        return node_error(node, E_VALUE, "needs two dims");
    k = ((k % 4) + 4) % 4;
    Value *v = self;
    if (k == 2)
        v = BUILD(&b, "aten.flip.default", arg_value(v), arg_dims(b.graph, dims, 2));
    else if (k != 0)
        v = build_transpose(
            &b, BUILD(&b, "aten.flip.default", arg_value(v), arg_dims(b.graph, &dims[k == 1], 1)),
            dims[0], dims[1]);
    else
        v = BUILD(&b, "aten.clone.default", arg_value(v));
    results[0] = v;
    return b.error;
}

/* fft_fftshift and its inverse: every dim turned by half its size. */
static Error *expand_fftshift(Node *node, Value **results)
{
    Build       b = build_at(node);
    ExprPool   *pool = shape_pool(node);
    Value      *self = shape_first_tensor(node);
    const Expr *shifts[MAX_RANK];
    int         dims[MAX_RANK], n, up = strcmp(node->schema->base, "fft_ifftshift") == 0;
    TRY(shape_dims(node, "dim", self->type.rank, dims, &n));
    if (shape_is_none(node, "dim"))
        for (n = 0; n < self->type.rank; n++)
            dims[n] = n;
    for (int i = 0; i < n; i++) {
        const Expr *size = expr_add(pool, self->type.sizes[dims[i]], expr_int(pool, up));
        shifts[i] = expr_floordiv(pool, size, expr_int(pool, 2));
    }
    results[0] = n == 0 ? BUILD(&b, "aten.clone.default", arg_value(self))
                        : BUILD(&b, "aten.roll.default", arg_value(self),
                                arg_exprs(b.graph, shifts, n), arg_dims(b.graph, dims, n));
    return b.error;
}

static Error *infer_roll(Node *node)
{
    const Expr *shifts[MAX_RANK], *dims[MAX_RANK];
    int         n, n_dims;
    TRY(shape_exprs(node, "shifts", shifts, &n));
    TRY(shape_exprs(node, "dims", dims, &n_dims));
    if (n_dims == 0 ? n != 1 : n != n_dims)
        return node_error(node, E_VALUE, "%d shifts for %d dims", n, n_dims);
    for (int i = 0; i < n_dims; i++) {
        int64_t dim;
        int     wrapped;
        if (!expr_is_int(dims[i], &dim))
            return node_error(node, E_UNSUPPORTED, "dims have to be constant");
        TRY(shape_wrap_dim(node, dim, self_type(node)->rank, &wrapped));
    }
    return infer_like_first(node);
}

/* Without dims the tensor rolls as if it were flat; a dim given twice rolls twice. */
static Scalar *element_roll(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    ExprPool         *pool = cx->ir->exprs;
    const TensorType *t = self_type(node);
    const Expr       *in[MAX_RANK], *shifts[MAX_RANK], *dims[MAX_RANK];
    int               n, n_dims;
    (void)shape_exprs(node, "shifts", shifts, &n); /* infer has checked both */
    (void)shape_exprs(node, "dims", dims, &n_dims);
    memcpy(in, index, sizeof *in * (size_t)t->rank);
    if (n_dims == 0) {
        const Expr *flat = expr_sub(pool, shape_linear(pool, index, t->sizes, t->rank), shifts[0]);
        shape_delinear(pool, expr_mod(pool, flat, expr_product(pool, t->sizes, t->rank)), t->sizes,
                       t->rank, in);
    }
    for (int i = 0; i < n_dims && t->rank > 0; i++) {
        int64_t dim = dims[i]->value + (dims[i]->value < 0 ? t->rank : 0);
        in[dim] = expr_mod(pool, expr_sub(pool, in[dim], shifts[i]), t->sizes[dim]);
    }
    return shape_load(cx, shape_first_tensor(node), in);
}

static Error *infer_repeat(Node *node)
{
    const TensorType *t = self_type(node);
    const Expr       *by[MAX_RANK], *sizes[MAX_RANK];
    bool              is_tile = schema_param(node->schema, "repeats") < 0;
    int               n;
    TRY(shape_exprs(node, is_tile ? "dims" : "repeats", by, &n));
    if (n < t->rank && !is_tile)
        return node_error(node, E_VALUE, "%d repeats for rank %d", n, t->rank);
    int rank = n > t->rank ? n : t->rank;
    for (int d = 0; d < rank; d++) {
        int         r = d - (rank - n), from = d - (rank - t->rank);
        const Expr *times = r >= 0 ? by[r] : shape_int(node, 1);
        sizes[d] = from >= 0 ? expr_mul(shape_pool(node), times, t->sizes[from]) : times;
    }
    shape_result(node, 0, t->dtype, sizes, rank);
    return NULL;
}

static Scalar *element_repeat(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    const TensorType *t = self_type(node);
    const Expr       *in[MAX_RANK];
    int               out_rank = node->results[0]->type.rank;
    for (int d = 0; d < t->rank; d++)
        in[d] = expr_mod(cx->ir->exprs, index[out_rank - t->rank + d], t->sizes[d]);
    return shape_load(cx, shape_first_tensor(node), in);
}

static Error *infer_repeat_interleave(Node *node)
{
    ExprPool         *pool = shape_pool(node);
    const TensorType *t = self_type(node);
    const Expr       *sizes[MAX_RANK], *times = arg_as_expr(node_arg(node, "repeats"));
    int               dim, rank = t->rank;
    if (shape_is_none(node, "dim") || rank == 0) {
        sizes[0] = expr_mul(pool, expr_product(pool, t->sizes, t->rank), times);
        rank = 1;
    } else {
        TRY(shape_dim(node, "dim", t->rank, &dim));
        memcpy(sizes, t->sizes, sizeof *sizes * (size_t)t->rank);
        sizes[dim] = expr_mul(pool, t->sizes[dim], times);
    }
    shape_result(node, 0, t->dtype, sizes, rank);
    return NULL;
}

static Scalar *element_repeat_interleave(LowerCx *cx, const Node *node, int result,
                                         const Expr *const *index)
{
    (void)result;
    ExprPool         *pool = cx->ir->exprs;
    const TensorType *t = self_type(node);
    const Expr       *in[MAX_RANK], *times = arg_as_expr(node_arg(node, "repeats"));
    if (shape_is_none(node, "dim") || t->rank == 0) {
        shape_delinear(pool, expr_floordiv(pool, index[0], times), t->sizes, t->rank, in);
    } else {
        int dim = node_dim(node, "dim", t->rank);
        memcpy(in, index, sizeof *in * (size_t)t->rank);
        in[dim] = expr_floordiv(pool, index[dim], times);
    }
    return shape_load(cx, shape_first_tensor(node), in);
}

/* ---- gather and the like --------------------------------------------------------------------- */
static Error *check_index(const Node *node, const TensorType *index)
{
    return dtype_is_int(index->dtype)
               ? NULL
               : node_error(node, E_VALUE, "indices of dtype %s", dtype_name(index->dtype));
}

static Error *infer_gather(Node *node)
{
    const TensorType *t = shape_type(node, "self"), *k = shape_type(node, "index");
    int               dim;
    TRY(shape_dim(node, "dim", t->rank, &dim));
    TRY(check_index(node, k));
    if ((t->rank ? t->rank : 1) != (k->rank ? k->rank : 1) &&
        !expr_is_value(expr_product(shape_pool(node), k->sizes, k->rank), 0))
        return node_error(node, E_VALUE, "index has rank %d, self %d", k->rank, t->rank);
    shape_result(node, 0, t->dtype, k->sizes, k->rank);
    return NULL;
}

static Scalar *element_gather(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    Value      *self = node_tensor(node, "self"), *k = node_tensor(node, "index");
    int         rank = self->type.rank, dim = rank ? node_dim(node, "dim", rank) : 0;
    const Expr *in[MAX_RANK], *size = rank ? self->type.sizes[dim] : expr_int(cx->ir->exprs, 1);
    const Expr *at = shape_loaded_index(cx, k, index, size);
    for (int d = 0; d < rank; d++)
        in[d] = d == dim ? at : index[d];
    return shape_load(cx, self, in);
}

static Error *infer_index_select(Node *node)
{
    const TensorType *t = shape_type(node, "self"), *k = shape_type(node, "index");
    const Expr       *sizes[MAX_RANK];
    int               dim;
    TRY(shape_dim(node, "dim", t->rank, &dim));
    TRY(check_index(node, k));
    if (k->rank > 1)
        return node_error(node, E_VALUE, "index has rank %d", k->rank);
    memcpy(sizes, t->sizes, sizeof *sizes * (size_t)t->rank);
    if (t->rank > 0)
        sizes[dim] = k->rank ? k->sizes[0] : shape_int(node, 1);
    shape_result(node, 0, t->dtype, sizes, t->rank);
    return NULL;
}

static Scalar *element_index_select(LowerCx *cx, const Node *node, int result,
                                    const Expr *const *index)
{
    (void)result;
    Value      *self = node_tensor(node, "self"), *k = node_tensor(node, "index");
    int         rank = self->type.rank, dim = rank ? node_dim(node, "dim", rank) : 0;
    const Expr *in[MAX_RANK];
    if (rank == 0)
        return shape_load(cx, self, in);
    memcpy(in, index, sizeof *in * (size_t)rank);
    in[dim] = shape_loaded_index(cx, k, &index[dim], self->type.sizes[dim]);
    return shape_load(cx, self, in);
}

static Error *infer_embedding(Node *node)
{
    const TensorType *w = shape_type(node, "weight"), *k = shape_type(node, "indices");
    const Expr       *sizes[MAX_RANK + 1];
    TRY(check_index(node, k));
    if (w->rank != 2 || k->rank >= MAX_RANK)
        return node_error(node, E_VALUE, "weight has rank %d, not 2", w->rank);
    memcpy(sizes, k->sizes, sizeof *sizes * (size_t)k->rank);
    sizes[k->rank] = w->sizes[1];
    shape_result(node, 0, w->dtype, sizes, k->rank + 1);
    return NULL;
}

static Scalar *element_embedding(LowerCx *cx, const Node *node, int result,
                                 const Expr *const *index)
{
    (void)result;
    Value      *w = node_tensor(node, "weight"), *k = node_tensor(node, "indices");
    const Expr *row = shape_loaded_index(cx, k, index, w->type.sizes[0]);
    return shape_load(cx, w, (const Expr *[]){row, index[k->type.rank]});
}

static Error *infer_take(Node *node)
{
    const TensorType *k = shape_type(node, "index");
    TRY(check_index(node, k));
    shape_result(node, 0, shape_type(node, "self")->dtype, k->sizes, k->rank);
    return NULL;
}

static Scalar *element_take(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    ExprPool         *pool = cx->ir->exprs;
    Value            *self = node_tensor(node, "self");
    const TensorType *t = &self->type;
    const Expr       *in[MAX_RANK];
    const Expr       *flat = shape_loaded_index(cx, node_tensor(node, "index"), index,
                                                expr_product(pool, t->sizes, t->rank));
    shape_delinear(pool, flat, t->sizes, t->rank, in);
    return shape_load(cx, self, in);
}

static Error *expand_take_along_dim(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value      *self = node_tensor(node, "self"), *k = node_tensor(node, "indices");
    const Expr *minus = shape_int(node, -1), *ss[MAX_RANK], *ks[MAX_RANK], *both[MAX_RANK];
    int         dim = 0, n;
    if (shape_is_none(node, "dim")) {
        self = build_reshape(&b, self, &minus, 1);
        k = build_reshape(&b, k, &minus, 1);
    } else {
        int rank = self->type.rank;
        TRY(shape_dim(node, "dim", rank, &dim));
        if (k->type.rank != rank)
            return node_error(node, E_VALUE, "indices have rank %d, self %d", k->type.rank, rank);
        TRY(shape_broadcast(node, self->type.sizes, rank, k->type.sizes, rank, both, &n));
        memcpy(ss, both, sizeof both);
        memcpy(ks, both, sizeof both);
        ss[dim] = self->type.sizes[dim];
        ks[dim] = k->type.sizes[dim];
        self = build_expand_to(&b, self, ss, rank);
        k = build_expand_to(&b, k, ks, rank);
    }
    results[0] =
        BUILD(&b, "aten.gather.default", arg_value(self), arg_int(b.graph, dim), arg_value(k));
    return b.error;
}

static Error *infer_one_hot(Node *node)
{
    const TensorType *t = self_type(node);
    const Expr       *sizes[MAX_RANK + 1], *n = arg_as_expr(node_arg(node, "num_classes"));
    TRY(check_index(node, t));
    if (!n || expr_is_value(n, -1))
        return node_error(node, E_UNSUPPORTED,
                          "num_classes has to be given: its default depends on the data");
    if (t->rank == MAX_RANK)
        return node_error(node, E_LIMIT, "rank %d cannot grow", MAX_RANK);
    memcpy(sizes, t->sizes, sizeof *sizes * (size_t)t->rank);
    sizes[t->rank] = n;
    shape_result(node, 0, DT_I64, sizes, t->rank + 1);
    return NULL;
}

static Scalar *element_one_hot(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    Value  *self = shape_first_tensor(node);
    Scalar *k = scalar_cast(cx->scalars, DT_I64, shape_load(cx, self, index));
    Scalar *here = scalar_index(cx->scalars, DT_I64, index[self->type.rank]);
    return scalar_cast(cx->scalars, DT_I64, scalar_2(cx->scalars, S_EQ, k, here));
}

/* ---- advanced indexing ----------------------------------------------------------------------- */
/* x[i, :, j]: the broadcast dims of the index tensors stand where the first one stood if these are
 * neighbours, else in front; the dims without an index tensor keep their order. */
typedef struct Advanced {
    Value      *index[MAX_RANK]; /* by dim of self, NULL: whole dim */
    const Expr *sizes[MAX_RANK]; /* broadcast of the index tensors */
    int         rank;            /* of the broadcast */
    int         at;              /* its first dim in the result */
    int         first, n;        /* first indexed dim; how many */
} Advanced;

static Error *advanced_index(const Node *node, Advanced *a)
{
    const TensorType *t = shape_type(node, "self");
    Value           **v;
    int               n, last = -1;
    TRY(shape_tensors(node, "indices", &v, &n));
    memset(a, 0, sizeof *a);
    a->first = -1;
    if (n > t->rank)
        return node_error(node, E_VALUE, "%d indices for a tensor of rank %d", n, t->rank);
    for (int d = 0; d < n; d++) {
        if (!v[d])
            continue;
        if (v[d]->type.dtype == DT_BOOL || v[d]->type.dtype == DT_U8)
            return node_error(node, E_UNSUPPORTED,
                              "an index of dtype %s gives a size that depends on the data",
                              dtype_name(v[d]->type.dtype));
        TRY(check_index(node, &v[d]->type));
        const Expr *both[MAX_RANK];
        TRY(shape_broadcast(node, a->sizes, a->rank, v[d]->type.sizes, v[d]->type.rank, both,
                            &a->rank));
        memcpy(a->sizes, both, sizeof both);
        a->index[d] = v[d];
        a->n++;
        if (a->first < 0)
            a->first = d;
        last = d;
    }
    if (a->n == 0)
        return node_error(node, E_VALUE, "at least one index has to be given");
    if (t->rank - a->n + a->rank > MAX_RANK)
        return node_error(node, E_LIMIT, "the result has more than %d dims", MAX_RANK);
    a->at = last - a->first + 1 == a->n ? a->first : 0;
    return NULL;
}

static Error *infer_index(Node *node)
{
    const TensorType *t = shape_type(node, "self");
    const Expr       *sizes[MAX_RANK];
    Advanced          a;
    int               n = 0;
    TRY(advanced_index(node, &a));
    for (int d = 0; d < t->rank; d++)
        if (!a.index[d])
            sizes[n++] = t->sizes[d];
    memmove(sizes + a.at + a.rank, sizes + a.at, sizeof *sizes * (size_t)(n - a.at));
    memcpy(sizes + a.at, a.sizes, sizeof *sizes * (size_t)a.rank);
    shape_result(node, 0, t->dtype, sizes, n + a.rank);
    return NULL;
}

/* The index into self, under mask: no error is raised where the mask does not hold. */
static void advanced_map(LowerCx *cx, const Advanced *a, const TensorType *self,
                         const Expr *const *index, const Expr **in)
{
    for (int d = 0, next = 0; d < self->rank; d++) {
        if (a->index[d]) {
            const Expr *at[MAX_RANK];
            shape_broadcast_index(cx->ir->exprs, &a->index[d]->type, index + a->at, a->rank, at);
            in[d] = shape_loaded_index(cx, a->index[d], at, self->sizes[d]);
            continue;
        }
        if (next == a->at)
            next += a->rank;
        in[d] = index[next++];
    }
}

static Scalar *element_index(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    Value      *self = node_tensor(node, "self");
    const Expr *in[MAX_RANK];
    Advanced    a;
    if (advanced_index(node, &a) != NULL)
        return zero_of(cx, self->type.dtype); /* infer has refused it */
    advanced_map(cx, &a, &self->type, index, in);
    return shape_load(cx, self, in);
}

/* where(mask, self[indices], fill); indices outside of the mask may be wild and are not looked at.
 */
static Scalar *element_masked_index(LowerCx *cx, const Node *node, int result,
                                    const Expr *const *index)
{
    (void)result;
    Value      *self = node_tensor(node, "self"), *m = node_tensor(node, "mask");
    const Expr *in[MAX_RANK], *at[MAX_RANK];
    DType       dtype = self->type.dtype;
    Advanced    a;
    if (advanced_index(node, &a) != NULL)
        return zero_of(cx, dtype);
    shape_broadcast_index(cx->ir->exprs, &m->type, index, node->results[0]->type.rank, at);
    Scalar *keep = scalar_cast(cx->scalars, DT_BOOL, shape_load(cx, m, at));
    Scalar *outside = cx->mask;
    cx->mask = scalar_and(cx->scalars, outside, keep);
    advanced_map(cx, &a, &self->type, index, in);
    Scalar *x = cx->load(cx, self, in, cx->mask);
    cx->mask = outside;
    Scalar *fill = dtype_is_float(dtype)
                       ? scalar_float(cx->scalars, dtype, node_float(node, "fill"))
                       : scalar_int(cx->scalars, dtype, node_int(node, "fill"));
    return scalar_select(cx->scalars, keep, x, fill);
}

/* ---- functional scatters of views ------------------------------------------------------------ */
/* src where `inside`, else self. */
static Scalar *blend(LowerCx *cx, const Node *node, const Expr *const *index,
                     const Expr *const *src_index, Scalar *inside)
{
    Value  *self = node_tensor(node, "self"), *src = node_tensor(node, "src");
    Scalar *outside = inside ? scalar_1(cx->scalars, S_NOT, inside) : NULL;
    Scalar *s = cx->load(cx, src, src_index, scalar_and(cx->scalars, cx->mask, inside));
    s = scalar_cast(cx->scalars, self->type.dtype, s);
    if (!inside)
        return s;
    Scalar *x = cx->load(cx, self, index, scalar_and(cx->scalars, cx->mask, outside));
    return scalar_select(cx->scalars, inside, s, x);
}

static Error *infer_scatter_view(Node *node)
{
    int dim;
    if (schema_param(node->schema, "dim") >= 0)
        TRY(shape_dim(node, "dim", shape_type(node, "self")->rank, &dim));
    return infer_like_first(node);
}

static Scalar *element_select_scatter(LowerCx *cx, const Node *node, int result,
                                      const Expr *const *index)
{
    (void)result;
    ExprPool         *pool = cx->ir->exprs;
    const TensorType *t = shape_type(node, "self");
    const Expr       *in[MAX_RANK];
    int               dim = node_dim(node, "dim", t->rank), n = 0;
    const Expr *at = shape_wrap_index(pool, arg_as_expr(node_arg(node, "index")), t->sizes[dim]);
    const Expr *here = expr_cmp(pool, EXPR_EQ, index[dim], at);
    for (int d = 0; d < t->rank; d++)
        if (d != dim)
            in[n++] = index[d];
    if (shape_is_false(here))
        return shape_load(cx, node_tensor(node, "self"), index);
    return blend(cx, node, index, in, shape_condition(cx, here));
}

static Scalar *element_slice_scatter(LowerCx *cx, const Node *node, int result,
                                     const Expr *const *index)
{
    (void)result;
    ExprPool         *pool = cx->ir->exprs;
    const TensorType *t = shape_type(node, "self"), *s = shape_type(node, "src");
    const Expr       *in[MAX_RANK], *first = arg_as_expr(node_arg(node, "start")),
                              *zero = expr_int(pool, 0);
    const Expr *step = arg_as_expr(node_arg(node, "step"));
    int         dim = node_dim(node, "dim", t->rank);
    memcpy(in, index, sizeof *in * (size_t)t->rank);
    first = first
                ? expr_min(pool, expr_max(pool, shape_wrap_index(pool, first, t->sizes[dim]), zero),
                           t->sizes[dim])
                : zero;
    const Expr *from = expr_sub(pool, index[dim], first);
    in[dim] = expr_floordiv(pool, from, step);
    /* src has as many elements as the slice: its size is the end. */
    Scalar     *inside = shape_in_range(cx, in[dim], s->sizes[dim]);
    const Expr *fits = expr_cmp(pool, EXPR_EQ, expr_mod(pool, from, step), zero);
    if (!shape_is_true(fits))
        inside = scalar_and(cx->scalars, inside, shape_condition(cx, fits));
    return blend(cx, node, index, in, inside);
}

static Scalar *element_diagonal_scatter(LowerCx *cx, const Node *node, int result,
                                        const Expr *const *index)
{
    (void)result;
    ExprPool         *pool = cx->ir->exprs;
    const TensorType *t = shape_type(node, "self"), *s = shape_type(node, "src");
    const Expr       *in[MAX_RANK];
    int     d1 = node_dim(node, "dim1", t->rank), d2 = node_dim(node, "dim2", t->rank), n = 0;
    int64_t offset = node_int(node, "offset");
    for (int d = 0; d < t->rank; d++)
        if (d != d1 && d != d2)
            in[n++] = index[d];
    in[n] = offset >= 0 ? index[d1] : index[d2];
    const Expr *on =
        expr_cmp(pool, EXPR_EQ, expr_add(pool, index[d1], expr_int(pool, offset)), index[d2]);
    Scalar *inside =
        scalar_and(cx->scalars, shape_condition(cx, on), shape_in_range(cx, in[n], s->sizes[n]));
    return blend(cx, node, index, in, inside);
}

/* Strides from the largest down, each larger than all that the smaller ones reach: then a flat
 * offset has one index. */
static Error *strided_order(const Node *node, int64_t *sizes, int64_t *strides, int *order,
                            int *rank)
{
    const Expr *e[MAX_RANK];
    int         n;
    TRY(shape_exprs(node, "size", e, rank));
    TRY(shape_ints(node, "size", sizes, *rank));
    TRY(shape_exprs(node, "stride", e, &n));
    if (n != *rank)
        return node_error(node, E_VALUE, "%d sizes and %d strides", *rank, n);
    TRY(shape_ints(node, "stride", strides, n));
    for (int i = 0; i < n; i++) {
        int k = i;
        for (; k > 0 && strides[order[k - 1]] < strides[i]; k--)
            order[k] = order[k - 1];
        order[k] = i;
    }
    int64_t reach = 0;
    for (int k = n - 1; k >= 0; k--) {
        if (sizes[order[k]] > 1 && strides[order[k]] <= reach)
            return node_error(node, E_UNSUPPORTED, "as_strided_scatter into elements that overlap");
        reach += (sizes[order[k]] - 1) * strides[order[k]];
    }
    return NULL;
}

static Error *infer_strided_scatter(Node *node)
{
    int64_t sizes[MAX_RANK], strides[MAX_RANK];
    int     order[MAX_RANK], rank;
    TRY(strided_order(node, sizes, strides, order, &rank));
    if (!tensor_is_contiguous(node->graph->ir, shape_type(node, "self")))
        return node_error(node, E_UNSUPPORTED,
                          "as_strided_scatter into a tensor that is not contiguous");
    return infer_like_first(node);
}

static Scalar *element_strided_scatter(LowerCx *cx, const Node *node, int result,
                                       const Expr *const *index)
{
    (void)result;
    ExprPool         *pool = cx->ir->exprs;
    const TensorType *t = shape_type(node, "self");
    const Expr       *in[MAX_RANK], *offset = arg_as_expr(node_arg(node, "storage_offset"));
    int64_t           sizes[MAX_RANK], strides[MAX_RANK];
    int               order[MAX_RANK], rank = 0;
    Scalar           *inside = NULL;
    if (strided_order(node, sizes, strides, order, &rank) != NULL)
        return zero_of(cx, t->dtype); /* infer has refused it */
    const Expr *rest = shape_linear(pool, index, t->sizes, t->rank);
    rest = offset ? expr_sub(pool, rest, offset) : rest;
    for (int k = 0; k < rank; k++) {
        int d = order[k];
        in[d] = expr_int(pool, 0);
        if (sizes[d] == 1)
            continue;
        const Expr *stride = expr_int(pool, strides[d]);
        in[d] = expr_floordiv(pool, rest, stride);
        rest = expr_mod(pool, rest, stride);
        inside =
            scalar_and(cx->scalars, inside, shape_in_range(cx, in[d], expr_int(pool, sizes[d])));
    }
    const Expr *hit = expr_cmp(pool, EXPR_EQ, rest, expr_int(pool, 0));
    if (!shape_is_true(hit))
        inside = scalar_and(cx->scalars, inside, shape_condition(cx, hit));
    return blend(cx, node, index, in, inside);
}

/* ---- diagonals ------------------------------------------------------------------------------- */
static Error *diag_embed_dims(const Node *node, int *d1, int *d2)
{
    int rank = self_type(node)->rank + 1;
    if (rank < 2 || rank > MAX_RANK)
        return node_error(node, E_VALUE, "does not take a tensor of rank %d", rank - 1);
    TRY(shape_dim(node, "dim1", rank, d1));
    TRY(shape_dim(node, "dim2", rank, d2));
    return *d1 == *d2 ? node_error(node, E_VALUE, "dim1 and dim2 are the same") : NULL;
}

static Error *infer_diag_embed(Node *node)
{
    const TensorType *t = self_type(node);
    const Expr       *sizes[MAX_RANK];
    int               d1, d2, n = 0;
    int64_t           offset;
    TRY(diag_embed_dims(node, &d1, &d2));
    TRY(shape_const_int(node, "offset", &offset));
    for (int d = 0; d <= t->rank; d++)
        sizes[d] = d == d1 || d == d2 ? expr_add(shape_pool(node), t->sizes[t->rank - 1],
                                                 shape_int(node, offset < 0 ? -offset : offset))
                                      : t->sizes[n++];
    shape_result(node, 0, t->dtype, sizes, t->rank + 1);
    return NULL;
}

static Scalar *element_diag_embed(LowerCx *cx, const Node *node, int result,
                                  const Expr *const *index)
{
    (void)result;
    ExprPool         *pool = cx->ir->exprs;
    const TensorType *t = self_type(node);
    const Expr       *in[MAX_RANK];
    int               d1 = 0, d2 = 1, n = 0;
    int64_t           offset = node_int(node, "offset");
    (void)diag_embed_dims(node, &d1, &d2); /* infer has checked it */
    for (int d = 0; d <= t->rank; d++)
        if (d != d1 && d != d2)
            in[n++] = index[d];
    in[n] = offset >= 0 ? index[d1] : index[d2];
    const Expr *on =
        expr_cmp(pool, EXPR_EQ, expr_add(pool, index[d1], expr_int(pool, offset)), index[d2]);
    if (shape_is_false(on))
        return zero_of(cx, t->dtype);
    Scalar *mask =
        scalar_and(cx->scalars, shape_condition(cx, on), shape_in_range(cx, in[n], t->sizes[n]));
    return shape_masked_load(cx, shape_first_tensor(node), in, mask, zero_of(cx, t->dtype));
}

static Error *expand_diag(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *self = shape_first_tensor(node);
    bool   is_flat = strcmp(node->schema->base, "diagflat") == 0;
    Arg    offset = *node_arg(node, is_flat ? "offset" : "diagonal");
    if (is_flat || self->type.rank == 1) {
        const Expr *minus = shape_int(node, -1);
        if (self->type.rank != 1)
            self = build_reshape(&b, self, &minus, 1);
        results[0] = BUILD(&b, "aten.diag_embed.default", arg_value(self), offset);
    } else {
        results[0] = BUILD(&b, "aten.diagonal.default", arg_value(self), offset);
    }
    return b.error;
}

static Error *expand_trace(Node *node, Value **results)
{
    Build   b = build_at(node);
    int64_t zero = 0;
    Value  *d = BUILD(&b, "aten.diagonal.default", node->args[0]);
    results[0] = BUILD(&b, "aten.sum.dim_IntList", arg_value(d), arg_ints(b.graph, &zero, 1));
    return b.error;
}

/* meshgrid: tensor i along dim i, expanded over all; "xy" swaps the first two dims of the results.
 */
static Error *expand_meshgrid(Node *node, Value **results)
{
    Build       b = build_at(node);
    const Expr *sizes[MAX_RANK], *ones[MAX_RANK];
    Value     **v;
    int         n;
    bool        swap = schema_param(node->schema, "indexing") >= 0 &&
                strcmp(node_arg(node, "indexing")->string, "xy") == 0;
    TRY(shape_tensors(node, "tensors", &v, &n));
    if (n > MAX_RANK || n > node->n_results)
        return node_error(node, E_LIMIT, "%d tensors", n);
    swap = swap && n >= 2;
    for (int i = 0; i < n; i++) {
        int dim = swap && i < 2 ? 1 - i : i;
        sizes[dim] = v[i]->type.rank == 0 ? shape_int(node, 1) : v[i]->type.sizes[0];
    }
    for (int i = 0; i < n && !b.error; i++) {
        int dim = swap && i < 2 ? 1 - i : i;
        for (int d = 0; d < n; d++)
            ones[d] = d == dim ? sizes[d] : shape_int(node, 1);
        results[i] = build_expand_to(&b, build_reshape(&b, v[i], ones, n), sizes, n);
    }
    return b.error;
}

/* block_diag: every block padded to the full width, then stacked. */
static Error *expand_block_diag(Node *node, Value **results)
{
    Build       b = build_at(node);
    ExprPool   *pool = shape_pool(node);
    const Expr *width = expr_int(pool, 0), *left = expr_int(pool, 0), *zero = expr_int(pool, 0);
    Value     **v;
    int         n;
    TRY(shape_tensors(node, "tensors", &v, &n));
    for (int i = 0; i < n && !b.error; i++) {
        v[i] = at_least(&b, v[i], 2);
        width = b.error ? width : expr_add(pool, width, v[i]->type.sizes[1]);
    }
    for (int i = 0; i < n && !b.error; i++) {
        const Expr *columns = v[i]->type.sizes[1];
        const Expr *right = expr_sub(pool, expr_sub(pool, width, left), columns);
        const Expr *pad[4] = {left, right, zero, zero};
        v[i] =
            BUILD(&b, "aten.constant_pad_nd.default", arg_value(v[i]), arg_exprs(b.graph, pad, 4));
        left = expr_add(pool, left, columns);
    }
    results[0] = BUILD(&b, "aten.cat.default", arg_values(b.graph, v, n), arg_int(b.graph, 0));
    return b.error;
}

static Error *expand_cartesian_prod(Node *node, Value **results)
{
    Build       b = build_at(node);
    const Expr *sizes[MAX_RANK], *ones[MAX_RANK], *minus = shape_int(node, -1);
    Value     **v;
    int         n;
    TRY(shape_tensors(node, "tensors", &v, &n));
    if (n > MAX_RANK)
        return node_error(node, E_LIMIT, "%d tensors", n);
    for (int i = 0; i < n; i++)
        sizes[i] = v[i]->type.rank == 1 ? v[i]->type.sizes[0] : shape_int(node, 1);
    if (n == 1) {
        results[0] = build_reshape(&b, v[0], &minus, 1);
        return b.error;
    }
    for (int i = 0; i < n && !b.error; i++) {
        for (int d = 0; d < n; d++)
            ones[d] = d == i ? sizes[d] : shape_int(node, 1);
        v[i] = build_expand_to(&b, build_reshape(&b, v[i], ones, n), sizes, n);
        v[i] = build_reshape(&b, v[i], &minus, 1);
    }
    results[0] = BUILD(&b, "aten.stack.default", arg_values(b.graph, v, n), arg_int(b.graph, 1));
    return b.error;
}

/* ---- search in sorted values: the number of boundaries below --------------------------------- */
static Error *count_below(Node *node, Build *b, Value *sorted, Value *x, bool right,
                          Value **results)
{
    bool    narrow = node_bool(node, "out_int32");
    int64_t last = -1;
    if (sorted->type.rank > 1) /* one row for all otherwise */
        sorted = build_unsqueeze(b, sorted, sorted->type.rank - 1);
    x = build_unsqueeze(b, x, x->type.rank);
    Value *below =
        BUILD(b, right ? "aten.le.Tensor" : "aten.lt.Tensor", arg_value(sorted), arg_value(x));
    Value *n = BUILD(b, "aten.sum.dim_IntList", arg_value(below), arg_ints(b->graph, &last, 1));
    results[0] = narrow ? build_cast(b, n, DT_I32) : n;
    return b->error;
}

static Error *expand_bucketize(Node *node, Value **results)
{
    Build b = build_at(node);
    return count_below(node, &b, node_tensor(node, "boundaries"), node_tensor(node, "self"),
                       node_bool(node, "right"), results);
}

static Error *expand_searchsorted(Node *node, Value **results)
{
    Build      b = build_at(node);
    const Arg *side = node_arg(node, "side");
    Value     *sorted = node_tensor(node, "sorted_sequence"), *sorter = node_tensor(node, "sorter");
    bool       right = node_bool(node, "right") ||
                 (side->kind == ARG_STRING && strcmp(side->string, "right") == 0);
    if (sorter)
        sorted = BUILD(&b, "aten.gather.default", arg_value(sorted), arg_int(b.graph, -1),
                       arg_value(sorter));
    return b.error ? b.error
                   : count_below(node, &b, sorted, node_tensor(node, "self"), right, results);
}

/* ---- scatters by index (templates) ----------------------------------------------------------- */
static Error *infer_index_put(Node *node)
{
    Advanced a;
    Value  **v;
    int      n;
    TRY(shape_tensors(node, "indices", &v, &n));
    for (int i = 0; i < n; i++) /* masks: passes/index_masks.c looks at them */
        if (v[i] && (v[i]->type.dtype == DT_BOOL || v[i]->type.dtype == DT_U8))
            return infer_like_first(node);
    TRY(advanced_index(node, &a));
    return infer_like_first(node);
}

static Error *infer_scatter(Node *node)
{
    const TensorType *t = shape_type(node, "self"), *k = shape_type(node, "index");
    int               dim;
    TRY(shape_dim(node, "dim", t->rank, &dim));
    TRY(check_index(node, k));
    if (strncmp(node->schema->base, "index_", 6) == 0 && k->rank > 1)
        return node_error(node, E_VALUE, "index has rank %d", k->rank);
    if (schema_param(node->schema, "reduce") >= 0) {
        static const char *const known[] = {"sum",  "prod", "mean",    "amax",
                                            "amin", "add",  "multiply"};
        const char              *how = node_arg(node, "reduce")->string;
        size_t                   i = 0, n = sizeof known / sizeof *known;
        while (i < n && strcmp(known[i], how) != 0)
            i++;
        if (i == n)
            return node_error(node, E_VALUE, "reduce is '%s'", how);
    }
    return infer_like_first(node);
}

#define SCATTER_REDUCE                                                                             \
    "aotc::scatter_reduce(Tensor self, int dim, Tensor index, Tensor src, str reduce, bool "       \
    "include_self) -> Tensor"
#define INDEX_REDUCE                                                                               \
    "aotc::index_reduce(Tensor self, int dim, Tensor index, Tensor source, str reduce, bool "      \
    "include_self) -> Tensor"

/* scatter_reduce and index_reduce: kernels know all reductions but the mean, which is a sum over a
 * number of terms. */
static Error *expand_scatter_reduce(Node *node, Value **results)
{
    Build       b = build_at(node);
    bool        by_element = strcmp(node->schema->base, "scatter_reduce") == 0;
    const char *schema = by_element ? SCATTER_REDUCE : INDEX_REDUCE;
    Arg         args[6], source = node->args[3];
    memcpy(args, node->args, sizeof args);
    bool is_mean = strcmp(args[4].string, "mean") == 0, include = node_bool(node, "include_self");
    if (is_mean)
        args[4] = arg_text("sum");
    Value *out = build_internal(&b, schema, args, 6);
    results[0] = out;
    if (!is_mean || b.error)
        return b.error;
    const char *adder = by_element ? "aten.scatter_add.default" : "aten.index_add.default";
    Value      *ones = BUILD(&b, "aten.full_like.default", source, arg_int(b.graph, 1));
    Value      *n = BUILD(&b, "aten.full_like.default", args[0], arg_int(b.graph, include));
    if (!b.error)
        n = BUILD(&b, adder, arg_value(n), args[1], args[2], arg_value(ones));
    if (!b.error)
        n = BUILD(&b, "aten.clamp_min.default", arg_value(n), arg_int(b.graph, 1));
    if (b.error)
        return b.error;
    bool is_float = dtype_is_float(out->type.dtype);
    results[0] = BUILD(&b, "aten.div.Tensor_mode", arg_value(out), arg_value(n),
                       is_float ? arg_none() : arg_text("floor"));
    return b.error;
}

static Error *infer_put(Node *node)
{
    TRY(check_index(node, shape_type(node, "index")));
    return infer_like_first(node);
}

static Error *expand_hacked_twin(Node *node, Value **results)
{
    const char *op =
        strcmp(node->schema->base, "index") == 0           ? "aten.index.Tensor"
        : strcmp(node->schema->base, "_unsafe_index") == 0 ? "aten._unsafe_index.Tensor"
        : strcmp(node->schema->base, "index_put") == 0     ? "aten.index_put.default"
                                                           : "aten._unsafe_index_put.default";
    return expand_as_op(node, op, results);
}

/* Adds values where mask holds; indices are forced into the tensor, as eager does. */
static Error *expand_masked_put_accumulate(Node *node, Value **results)
{
    Build     b = build_at(node);
    ExprPool *pool = shape_pool(node);
    Value    *self = node_tensor(node, "self"), **index;
    int       n;
    TRY(shape_tensors(node, "indices", &index, &n));
    if (n > self->type.rank)
        return node_error(node, E_VALUE, "%d indices for a tensor of rank %d", n, self->type.rank);
    Value *masked_out = BUILD(&b, "aten.logical_not.default", *node_arg(node, "mask"));
    Value *values = BUILD(&b, "aten.masked_fill.Scalar", *node_arg(node, "values"),
                          arg_value(masked_out), arg_int(b.graph, 0));
    for (int d = 0; d < n; d++)
        if (index[d]) {
            const Expr *size = self->type.sizes[d];
            index[d] =
                BUILD(&b, "aten.clamp.default", arg_value(index[d]), arg_expr(expr_neg(pool, size)),
                      arg_expr(expr_sub(pool, size, expr_int(pool, 1))));
        }
    results[0] = BUILD(&b, "aten._unsafe_index_put.default", arg_value(self),
                       arg_values(b.graph, index, n), arg_value(values), arg_bool(b.graph, true));
    return b.error;
}

/* Where mask holds, the next elements of source in row-major order. */
static Error *expand_masked_scatter(Node *node, Value **results)
{
    Build             b = build_at(node);
    const TensorType *self = shape_type(node, "self"), *mask = shape_type(node, "mask");
    const Expr       *sizes[MAX_RANK], *minus = shape_int(node, -1);
    int               rank;
    if (mask->dtype != DT_BOOL)
        return node_error(node, E_VALUE, "mask is %s, not bool", dtype_name(mask->dtype));
    TRY(shape_broadcast(node, self->sizes, self->rank, mask->sizes, mask->rank, sizes, &rank));
    Value *x = build_expand_to(&b, node_tensor(node, "self"), sizes, rank);
    Value *m = build_expand_to(&b, node_tensor(node, "mask"), sizes, rank);
    Value *order = BUILD(&b, "aten.cumsum.default", arg_value(build_reshape(&b, m, &minus, 1)),
                         arg_int(b.graph, 0));
    order = BUILD(&b, "aten.sub.Scalar", arg_value(order), arg_int(b.graph, 1));
    Value *taken = BUILD(&b, "aten.take.default", *node_arg(node, "source"), arg_value(order));
    taken = build_reshape(&b, taken, sizes, rank);
    results[0] = BUILD(&b, "aten.where.self", arg_value(m), arg_value(taken), arg_value(x));
    return b.error;
}

static Error *expand_index_put_impl(Node *node, Value **results)
{
    Build b = build_at(node);
    results[0] = build_args(&b, "aten.index_put.default", node->args, 4);
    return b.error;
}

/* ---- sizes and numbers that only the run knows ----------------------------------------------- */
static Symbol *new_unbacked(Node *node, const char *prefix, ExprType type)
{
    Ir *ir = node->graph->ir;
    for (;; ir->next_id++) {
        const char *name = arena_printf(ir->arena, "%s%d", prefix, ir->next_id);
        if (!expr_symbol_find(ir->exprs, name))
            return expr_symbol_named(ir->exprs, name, SYM_UNBACKED, type);
    }
}

/* The importer's symbol stays: its range is in the export. */
static Error *infer_nonzero(Node *node)
{
    const TensorType *t = self_type(node), *known = node_result_type(node, 0);
    const Expr       *rows;
    if (known->rank == 2 && known->sizes && expr_contains_kind(known->sizes[0], SYM_UNBACKED)) {
        rows = known->sizes[0];
    } else {
        Symbol *symbol = new_unbacked(node, "u", EXPR_TYPE_INT);
        symbol->min = 0;
        rows = symbol->self;
    }
    shape_result(node, 0, DT_I64, (const Expr *[]){rows, shape_int(node, t->rank)}, 2);
    return NULL;
}

static Error *infer_item(Node *node)
{
    const TensorType *t = self_type(node);
    Value            *result = node->results[0];
    int64_t           n;
    if (expr_is_int(expr_product(shape_pool(node), t->sizes, t->rank), &n) && n != 1)
        return node_error(node, E_VALUE, "takes a tensor of one element, not %lld", (long long)n);
    if (dtype_info(t->dtype)->is_complex)
        return node_error(node, E_UNSUPPORTED, "complex numbers are not supported");
    if (result->kind == VALUE_SCALAR && result->symbol)
        return NULL;
    ExprType type = t->dtype == DT_BOOL        ? EXPR_TYPE_BOOL
                    : dtype_is_float(t->dtype) ? EXPR_TYPE_FLOAT
                                               : EXPR_TYPE_INT;
    result->kind = VALUE_SCALAR;
    result->symbol = new_unbacked(node, type == EXPR_TYPE_FLOAT ? "zuf" : "u", type);
    return NULL;
}

#define INDEXED(text, infer_fn, element_fn, ...)                                                   \
    {                                                                                              \
        .schema = text, .kind = OP_INDEXED, .infer = infer_fn, .element = element_fn, __VA_ARGS__  \
    }
#define COMPOSITE(text, fn, ...)                                                                   \
    {                                                                                              \
        .schema = text, .kind = OP_COMPOSITE, .expand_fn = fn, __VA_ARGS__                         \
    }
#define TEMPLATE(text, which, infer_fn, ...)                                                       \
    {                                                                                              \
        .schema = text, .kind = OP_TEMPLATE, .infer = infer_fn, .template_kind = which,            \
        __VA_ARGS__                                                                                \
    }
#define SCATTER(text, infer_fn, ...) TEMPLATE(text, TEMPLATE_SCATTER, infer_fn, __VA_ARGS__)

const OpDesc indexing_ops[] = {
    INDEXED("aten::cat(Tensor[] tensors, int dim=0) -> Tensor", infer_cat, element_cat),
    COMPOSITE("aten::concat(Tensor[] tensors, int dim=0) -> Tensor", expand_cat),
    COMPOSITE("aten::concatenate(Tensor[] tensors, int dim=0) -> Tensor", expand_cat),
    COMPOSITE("aten::stack(Tensor[] tensors, int dim=0) -> Tensor", expand_stack),
    COMPOSITE("aten::_stack(Tensor[] tensors, int dim=0) -> Tensor", expand_stack),
    COMPOSITE("aten::hstack(Tensor[] tensors) -> Tensor", expand_xstack),
    COMPOSITE("aten::vstack(Tensor[] tensors) -> Tensor", expand_xstack),
    COMPOSITE("aten::dstack(Tensor[] tensors) -> Tensor", expand_xstack),
    COMPOSITE("aten::row_stack(Tensor[] tensors) -> Tensor", expand_xstack),
    COMPOSITE("aten::column_stack(Tensor[] tensors) -> Tensor", expand_xstack),

    INDEXED("aten::flip(Tensor self, int[] dims) -> Tensor", infer_flip, element_flip),
    COMPOSITE("aten::fliplr(Tensor self) -> Tensor", expand_flip_dim),
    COMPOSITE("aten::flipud(Tensor self) -> Tensor", expand_flip_dim),
    COMPOSITE("aten::rot90(Tensor self, int k=1, int[] dims=[0, 1]) -> Tensor", expand_rot90),
    INDEXED("aten::roll(Tensor self, SymInt[1] shifts, int[1] dims=[]) -> Tensor", infer_roll,
            element_roll),
    COMPOSITE("aten::fft_fftshift(Tensor self, int[1]? dim=None) -> Tensor", expand_fftshift),
    COMPOSITE("aten::fft_ifftshift(Tensor self, int[1]? dim=None) -> Tensor", expand_fftshift),
    INDEXED("aten::repeat(Tensor self, SymInt[] repeats) -> Tensor", infer_repeat, element_repeat),
    INDEXED("aten::tile(Tensor self, SymInt[] dims) -> Tensor", infer_repeat, element_repeat),
    INDEXED(
        "aten::repeat_interleave.self_int(Tensor self, SymInt repeats, int? dim=None, *, SymInt? "
        "output_size=None) -> Tensor",
        infer_repeat_interleave, element_repeat_interleave),

    INDEXED("aten::gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor",
            infer_gather, element_gather),
    INDEXED("aten::index_select(Tensor self, int dim, Tensor index) -> Tensor", infer_index_select,
            element_index_select),
    INDEXED("aten::embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, bool "
            "scale_grad_by_freq=False, "
            "bool sparse=False) -> Tensor",
            infer_embedding, element_embedding),
    INDEXED("aten::take(Tensor self, Tensor index) -> Tensor", infer_take, element_take),
    COMPOSITE("aten::take_along_dim(Tensor self, Tensor indices, int? dim=None) -> Tensor",
              expand_take_along_dim),
    INDEXED("aten::one_hot(Tensor self, int num_classes=-1) -> Tensor", infer_one_hot,
            element_one_hot),
    INDEXED("aten::index.Tensor(Tensor self, Tensor?[] indices) -> Tensor", infer_index,
            element_index),
    INDEXED("aten::_unsafe_index.Tensor(Tensor self, Tensor?[] indices) -> Tensor", infer_index,
            element_index),
    COMPOSITE("aten::index.Tensor_hacked_twin(Tensor self, Tensor[] indices) -> Tensor",
              expand_hacked_twin),
    COMPOSITE("aten::_unsafe_index.Tensor_hacked_twin(Tensor self, Tensor[] indices) -> Tensor",
              expand_hacked_twin),
    INDEXED("aten::_unsafe_masked_index(Tensor self, Tensor mask, Tensor?[] indices, Scalar fill) "
            "-> Tensor",
            infer_index, element_masked_index),

    INDEXED("aten::select_scatter(Tensor self, Tensor src, int dim, SymInt index) -> Tensor",
            infer_scatter_view, element_select_scatter),
    INDEXED("aten::slice_scatter(Tensor self, Tensor src, int dim=0, SymInt? start=None, SymInt? "
            "end=None, SymInt "
            "step=1) -> Tensor",
            infer_scatter_view, element_slice_scatter),
    INDEXED("aten::diagonal_scatter(Tensor self, Tensor src, int offset=0, int dim1=0, int dim2=1) "
            "-> Tensor",
            infer_scatter_view, element_diagonal_scatter),
    INDEXED(
        "aten::as_strided_scatter(Tensor self, Tensor src, SymInt[] size, SymInt[] stride, SymInt? "
        "storage_offset=None) -> Tensor",
        infer_strided_scatter, element_strided_scatter),

    INDEXED("aten::diag_embed(Tensor self, int offset=0, int dim1=-2, int dim2=-1) -> Tensor",
            infer_diag_embed, element_diag_embed),
    COMPOSITE("aten::diag(Tensor self, int diagonal=0) -> Tensor", expand_diag),
    COMPOSITE("aten::diagflat(Tensor self, int offset=0) -> Tensor", expand_diag),
    COMPOSITE("aten::trace(Tensor self) -> Tensor", expand_trace),
    COMPOSITE("aten::meshgrid(Tensor[] tensors) -> Tensor[]", expand_meshgrid),
    COMPOSITE("aten::meshgrid.indexing(Tensor[] tensors, *, str indexing) -> Tensor[]",
              expand_meshgrid),
    COMPOSITE("aten::block_diag(Tensor[] tensors) -> Tensor", expand_block_diag),
    COMPOSITE("aten::cartesian_prod(Tensor[] tensors) -> Tensor", expand_cartesian_prod),

    COMPOSITE("aten::bucketize.Tensor(Tensor self, Tensor boundaries, *, bool out_int32=False, "
              "bool right=False) -> "
              "Tensor",
              expand_bucketize),
    COMPOSITE("aten::searchsorted.Tensor(Tensor sorted_sequence, Tensor self, *, bool "
              "out_int32=False, bool "
              "right=False, str? side=None, Tensor? sorter=None) -> Tensor",
              expand_searchsorted),

    SCATTER("aten::index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) "
            "-> Tensor",
            infer_index_put),
    SCATTER("aten::_unsafe_index_put(Tensor self, Tensor?[] indices, Tensor values, bool "
            "accumulate=False) -> Tensor",
            infer_index_put),
    COMPOSITE("aten::index_put.hacked_twin(Tensor self, Tensor[] indices, Tensor values, bool "
              "accumulate=False) -> "
              "Tensor",
              expand_hacked_twin),
    COMPOSITE(
        "aten::_unsafe_index_put.hacked_twin(Tensor self, Tensor[] indices, Tensor values, bool "
        "accumulate=False) -> Tensor",
        expand_hacked_twin),
    COMPOSITE("aten::_index_put_impl(Tensor self, Tensor?[] indices, Tensor values, bool "
              "accumulate=False, bool "
              "unsafe=False) -> Tensor",
              expand_index_put_impl),
    COMPOSITE("aten::_unsafe_masked_index_put_accumulate(Tensor self, Tensor mask, Tensor?[] "
              "indices, Tensor values) -> Tensor",
              expand_masked_put_accumulate),
    COMPOSITE("aten::masked_scatter(Tensor self, Tensor mask, Tensor source) -> Tensor",
              expand_masked_scatter),
    SCATTER("aten::put(Tensor self, Tensor index, Tensor source, bool accumulate=False) -> Tensor",
            infer_put),
    SCATTER("aten::index_copy(Tensor self, int dim, Tensor index, Tensor source) -> Tensor",
            infer_scatter),
    SCATTER("aten::index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) "
            "-> Tensor",
            infer_scatter),
    SCATTER(
        "aten::index_fill.int_Scalar(Tensor self, int dim, Tensor index, Scalar value) -> Tensor",
        infer_scatter),
    SCATTER(
        "aten::index_fill.int_Tensor(Tensor self, int dim, Tensor index, Tensor value) -> Tensor",
        infer_scatter),
    SCATTER("aten::scatter.src(Tensor self, int dim, Tensor index, Tensor src) -> Tensor",
            infer_scatter),
    SCATTER("aten::scatter.value(Tensor self, int dim, Tensor index, Scalar value) -> Tensor",
            infer_scatter),
    SCATTER("aten::scatter.reduce(Tensor self, int dim, Tensor index, Tensor src, *, str reduce) "
            "-> Tensor",
            infer_scatter),
    SCATTER("aten::scatter.value_reduce(Tensor self, int dim, Tensor index, Scalar value, *, str "
            "reduce) -> Tensor",
            infer_scatter),
    SCATTER("aten::scatter_add(Tensor self, int dim, Tensor index, Tensor src) -> Tensor",
            infer_scatter),
    COMPOSITE("aten::scatter_reduce.two(Tensor self, int dim, Tensor index, Tensor src, str "
              "reduce, *, bool "
              "include_self=True) -> Tensor",
              expand_scatter_reduce),
    COMPOSITE("aten::index_reduce(Tensor self, int dim, Tensor index, Tensor source, str reduce, "
              "*, bool "
              "include_self=True) -> Tensor",
              expand_scatter_reduce),
    SCATTER(SCATTER_REDUCE, infer_scatter),
    SCATTER(INDEX_REDUCE, infer_scatter),

    TEMPLATE("aten::nonzero(Tensor self) -> Tensor", TEMPLATE_NONZERO, infer_nonzero),
    TEMPLATE("aten::item(Tensor self) -> Scalar", TEMPLATE_ITEM, infer_item),
    TEMPLATE("aten::_local_scalar_dense(Tensor self) -> Scalar", TEMPLATE_ITEM, infer_item),
    {0},
};
