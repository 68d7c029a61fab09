/* Operators that put the elements of their inputs elsewhere by a rule of positions: cat, stack,
 * flip, roll, repeat.
 *
 * In: a node.  Out: `element` gives the scalar of one result element:
 *
 *   aten.cat.default([%a, %b])     out[i]  =  select(i < n, a[i], b[i - n])
 *
 * No load happens outside of its tensor: loads are masked. */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <string.h>

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
    return out ? out : shape_zero(cx, type->dtype);
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
            v[i] = build_at_least(&b, v[i], kind == 'd' ? 3 : kind == 'h' || kind == 'c' ? 1 : 2);
            if (!b.error && kind == 'h' && v[i]->type.rank == 1)
                dim = 0;
        }
    }
    results[0] = BUILD(&b, "aten.cat.default", arg_values(b.graph, v, n), arg_int(b.graph, dim));
    return b.error;
}

/* pad_sequence: tensors of different first sizes, padded to the longest and stacked. */
static Error *expand_pad_sequence(Node *node, Value **results)
{
    Build       b = build_at(node);
    ExprPool   *pool = shape_pool(node);
    Value     **v;
    int         n;
    bool        is_left = strcmp(node_arg(node, "padding_side")->string, "left") == 0;
    const Expr *length = expr_int(pool, 0), *pads[2 * MAX_RANK];
    TRY(shape_tensors(node, "sequences", &v, &n));
    if (n == 0)
        return node_error(node, E_VALUE, "needs a tensor");
    for (int i = 0; i < n; i++) {
        if (v[i]->type.rank == 0 || v[i]->type.rank != v[0]->type.rank)
            return node_error(node, E_VALUE, "sequences of rank %d and %d", v[0]->type.rank,
                              v[i]->type.rank);
        length = expr_max(pool, length, v[i]->type.sizes[0]);
    }
    int rank = v[0]->type.rank;
    for (int i = 0; i < n && !b.error; i++) {
        for (int d = 0; d < 2 * rank; d++)
            pads[d] = expr_int(pool, 0);
        pads[2 * rank - 1 - is_left] = expr_sub(pool, length, v[i]->type.sizes[0]);
        v[i] = BUILD(&b, "aten.constant_pad_nd.default", arg_value(v[i]),
                     arg_exprs(b.graph, pads, 2 * rank), *node_arg(node, "padding_value"));
    }
    if (b.error)
        return b.error;
    results[0] = BUILD(&b, "aten.stack.default", arg_values(b.graph, v, n),
                       arg_int(b.graph, node_bool(node, "batch_first") ? 0 : 1));
    return b.error;
}

/* flatten_dense_tensors: all elements one after the other. */
static Error *expand_flatten_dense(Node *node, Value **results)
{
    Build   b = build_at(node);
    Value **v;
    int     n;
    TRY(shape_tensors(node, "tensors", &v, &n));
    for (int i = 0; i < n; i++)
        v[i] = BUILD(&b, "aten.flatten.using_ints", arg_value(v[i]));
    if (!b.error)
        results[0] = BUILD(&b, "aten.cat.default", arg_values(b.graph, v, n));
    return b.error;
}

/* unflatten_dense_tensors: the reverse, with the sizes of `tensors`. */
static Error *expand_unflatten_dense(Node *node, Value **results)
{
    Build       b = build_at(node);
    ExprPool   *pool = shape_pool(node);
    Value     **v, *flat = node_tensor(node, "flat");
    int         n;
    const Expr *at = expr_int(pool, 0);
    TRY(shape_tensors(node, "tensors", &v, &n));
    for (int i = 0; i < n && !b.error; i++) {
        const Expr *end = expr_add(pool, at, tensor_numel(node->graph->ir, &v[i]->type));
        results[i] =
            build_reshape(&b, build_slice(&b, flat, 0, at, end), v[i]->type.sizes, v[i]->type.rank);
        at = end;
    }
    return b.error;
}

/* ---- flip, roll, repeat ---------------------------------------------------------------------- */
static Error *infer_flip(Node *node)
{
    int dims[MAX_RANK], n;
    TRY(shape_dims(node, "dims", shape_first_type(node)->rank, dims, &n));
    return infer_like_first(node);
}

static Scalar *element_flip(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    ExprPool         *pool = cx->ir->exprs;
    const TensorType *in_type = shape_first_type(node);
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
        TRY(shape_wrap_dim(node, dim, shape_first_type(node)->rank, &wrapped));
    }
    return infer_like_first(node);
}

/* Without dims the tensor rolls as if it were flat; a dim given twice rolls twice. */
static Scalar *element_roll(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    ExprPool         *pool = cx->ir->exprs;
    const TensorType *t = shape_first_type(node);
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
    const TensorType *t = shape_first_type(node);
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
    const TensorType *t = shape_first_type(node);
    const Expr       *in[MAX_RANK];
    int               out_rank = node->results[0]->type.rank;
    for (int d = 0; d < t->rank; d++)
        in[d] = expr_mod(cx->ir->exprs, index[out_rank - t->rank + d], t->sizes[d]);
    return shape_load(cx, shape_first_tensor(node), in);
}

static Error *infer_repeat_interleave(Node *node)
{
    ExprPool         *pool = shape_pool(node);
    const TensorType *t = shape_first_type(node);
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
    const TensorType *t = shape_first_type(node);
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

/* ---- resize ---------------------------------------------------------------------------------- */
/* The elements in the order of memory; what is new is undefined in eager PyTorch, and 0 here. */
static Error *expand_resize(Node *node, Value **results)
{
    Build       b = build_at(node);
    Ir         *ir = node->graph->ir;
    Value      *self = shape_first_tensor(node);
    const Arg  *format = node_arg(node, "memory_format");
    const Expr *sizes[MAX_RANK], *have = tensor_numel(ir, &self->type), *want, *more;
    int         rank;
    TRY(shape_exprs(node, "size", sizes, &rank));
    if (!tensor_is_contiguous(ir, &self->type) ||
        (format->kind == ARG_MEMORY_FORMAT && format->integer != 1))
        return node_error(node, E_UNSUPPORTED, "%s: a memory format other than contiguous",
                          node->schema->name);
    want = expr_product(ir->exprs, sizes, rank);
    more = expr_max(ir->exprs, expr_sub(ir->exprs, want, have), expr_int(ir->exprs, 0));
    const Expr *pads[2] = {expr_int(ir->exprs, 0), more};
    Value      *row = build_reshape(&b, self, &have, 1);
    row = b.error ? NULL
                  : BUILD(&b, "aten.constant_pad_nd.default", arg_value(row),
                          arg_exprs(node->graph, pads, 2));
    row = b.error ? NULL : build_slice(&b, row, 0, expr_int(ir->exprs, 0), want);
    Value *out = b.error ? NULL : build_reshape(&b, row, sizes, rank);
    results[0] = b.error ? NULL : BUILD(&b, "aten.clone.default", arg_value(out));
    return b.error;
}

const OpDesc arrange_ops[] = {
    INDEXED("aten::cat(Tensor[] tensors, int dim=0) -> Tensor", infer_cat, element_cat,
            .samples = "tensors=[f32[2,3],f32[1,3]] | tensors=[f32[2,3],f32[2,1]] dim=1 | "
                       "tensors=[f32[2],i64[3]] | tensors=[f32[0],f32[2,3]] | "
                       "tensors=[bf16[2,2],bf16[2,2],bf16[2,0]] dim=-1 | tensors=[bool[2],bool[1]] "
                       "| tensors=[f32[1,2,3,2]{12,1,4,2},f32[1,2,3,2]{12,1,4,2}] dim=1 | ! "
                       "tensors=[f32[2,3],f32[2,2]] | ! tensors=[f32[],f32[1]]"),
    EXPAND_FN("aten::pad_sequence(Tensor[] sequences, bool batch_first=False, float "
              "padding_value=0., str padding_side=\"right\") -> Tensor",
              expand_pad_sequence,
              .samples = "sequences=[f32[3,4],f32[5,4]] | sequences=[f32[3],f32[1],f32[0]] "
                         "batch_first=true padding_value=2.5 | sequences=[i64[2,3],i64[4,3]] "
                         "padding_side='left' | ! sequences=[f32[3],f32[3,4]]"),
    EXPAND_FN("aten::flatten_dense_tensors(Tensor[] tensors) -> Tensor", expand_flatten_dense,
              .samples = "tensors=[f32[2,3],f32[4],f32[]] | tensors=[bf16[0,2],bf16[3]]"),
    EXPAND_FN("aten::unflatten_dense_tensors(Tensor flat, Tensor[] tensors) -> Tensor[]",
              expand_unflatten_dense,
              .samples = "flat=f32[10] tensors=[f32[2,3],f32[4]] | flat=f32[3] "
                         "tensors=[f32[],f32[0,5],f32[2,1]]"),
    EXPAND_FN("aten::concat(Tensor[] tensors, int dim=0) -> Tensor", expand_cat,
              .samples = "tensors=[f32[2,3],f32[1,3]]"),
    EXPAND_FN("aten::concatenate(Tensor[] tensors, int dim=0) -> Tensor", expand_cat,
              .samples = "tensors=[f32[2,3],f32[1,3]]"),
    EXPAND_FN("aten::stack(Tensor[] tensors, int dim=0) -> Tensor", expand_stack,
              .samples = "tensors=[f32[2,3],f32[2,3]] | tensors=[f32[2],f32[2]] dim=-1 | "
                         "tensors=[i64[],i64[]] | ! tensors=[f32[2],f32[3]]"),
    EXPAND_FN("aten::_stack(Tensor[] tensors, int dim=0) -> Tensor", expand_stack,
              .samples = "tensors=[f32[2,3],f32[2,3]] dim=1"),
    EXPAND_FN("aten::hstack(Tensor[] tensors) -> Tensor", expand_xstack,
              .samples =
                  "tensors=[f32[2],f32[2]] | tensors=[f32[2,3],f32[2,3]] | tensors=[f32[],f32[]]"),
    EXPAND_FN("aten::vstack(Tensor[] tensors) -> Tensor", expand_xstack,
              .samples =
                  "tensors=[f32[2],f32[2]] | tensors=[f32[2,3],f32[2,3]] | tensors=[f32[],f32[]]"),
    EXPAND_FN("aten::dstack(Tensor[] tensors) -> Tensor", expand_xstack,
              .samples =
                  "tensors=[f32[2],f32[2]] | tensors=[f32[2,3],f32[2,3]] | tensors=[f32[],f32[]]"),
    EXPAND_FN("aten::row_stack(Tensor[] tensors) -> Tensor", expand_xstack,
              .samples =
                  "tensors=[f32[2],f32[2]] | tensors=[f32[2,3],f32[2,3]] | tensors=[f32[],f32[]]"),
    EXPAND_FN("aten::column_stack(Tensor[] tensors) -> Tensor", expand_xstack,
              .samples =
                  "tensors=[f32[2],f32[2]] | tensors=[f32[2,3],f32[2,3]] | tensors=[f32[],f32[]]"),

    INDEXED("aten::flip(Tensor self, int[] dims) -> Tensor", infer_flip, element_flip,
            .samples = "self=f32[3,4] dims=[0] | self=f32[2,3,4] dims=[0,-1] | self=i64[5] dims=[] "
                       "| self=f32[0] dims=[0] | ! self=f32[3] dims=[0,0]"),
    EXPAND_FN("aten::fliplr(Tensor self) -> Tensor", expand_flip_dim,
              .samples = "self=f32[3,4] | self=i64[2,2,2]"),
    EXPAND_FN("aten::flipud(Tensor self) -> Tensor", expand_flip_dim,
              .samples = "self=f32[3,4] | self=i64[2,2,2]"),
    EXPAND_FN("aten::rot90(Tensor self, int k=1, int[] dims=[0, 1]) -> Tensor", expand_rot90,
              .samples = "self=f32[3,4] | self=f32[3,4] k=2 | self=f32[2,3,4] k=-1 dims=[1,2] | "
                         "self=f32[3,4] k=4 | ! self=f32[3]"),
    INDEXED("aten::roll(Tensor self, SymInt[1] shifts, int[1] dims=[]) -> Tensor", infer_roll,
            element_roll,
            .samples =
                "self=f32[3,4] shifts=[1] | self=f32[3,4] shifts=[1,-2] dims=[0,1] | self=f32[5] "
                "shifts=[7] dims=[-1] | self=f32[0] shifts=[1] | ! self=f32[3,4] shifts=[1,2]"),
    EXPAND_FN("aten::fft_fftshift(Tensor self, int[1]? dim=None) -> Tensor", expand_fftshift,
              .samples = "self=f32[5] | self=f32[3,4] | self=f32[3,4] dim=[1]"),
    EXPAND_FN("aten::fft_ifftshift(Tensor self, int[1]? dim=None) -> Tensor", expand_fftshift,
              .samples = "self=f32[5] | self=f32[3,4] | self=f32[3,4] dim=[1]"),
    EXPAND_FN("aten::resize(Tensor self, SymInt[] size, *, MemoryFormat? memory_format=None) -> "
              "Tensor",
              expand_resize,
              .samples = "self=f32[3,4] size=[2,3] | self=i64[3,4] size=[12] | self=f32[0] "
                         "size=[0,2] | ~ self=f32[2,2] size=[3,3]"),
    INDEXED("aten::repeat(Tensor self, SymInt[] repeats) -> Tensor", infer_repeat, element_repeat,
            .samples = "self=f32[2,3] repeats=[2,2] | self=f32[3] repeats=[2,1,2] | self=f32[] "
                       "repeats=[3] | self=f32[2] repeats=[0] | ! self=f32[2,3] repeats=[2]"),
    INDEXED("aten::tile(Tensor self, SymInt[] dims) -> Tensor", infer_repeat, element_repeat,
            .samples = "self=f32[2,3] dims=[2] | self=f32[3] dims=[2,2]"),
    INDEXED(
        "aten::repeat_interleave.self_int(Tensor self, SymInt repeats, int? dim=None, *, SymInt? "
        "output_size=None) -> Tensor",
        infer_repeat_interleave, element_repeat_interleave,
        .samples = "self=f32[2,3] repeats=2 | self=f32[2,3] repeats=3 dim=1 | self=f32[2] "
                   "repeats=0 | self=i64[3] repeats=2 dim=-1 output_size=6"),
    {0},
};
