/* Views of a part: slice, select, diagonal, unfold, as_strided.
 *
 * In: a node.  Out: `infer` gives sizes and eager strides, `view` maps an index of the result to
 * one of the argument:
 *
 *   aten.slice.Tensor(%x, 0, 3, 9, 2)    out (i)  ->  in (2*i + 3) */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <string.h>

/* ---- slice, select, diagonal, unfold --------------------------------------------------------- */
static const Expr *clamp(ExprPool *pool, const Expr *v, const Expr *low, const Expr *high)
{
    if (expr_prove_le(pool, v, low))
        v = low;
    else if (!expr_prove_le(pool, low, v))
        v = expr_max(pool, v, low);
    return expr_prove_le(pool, v, high)   ? v
           : expr_prove_le(pool, high, v) ? high
                                          : expr_min(pool, v, high);
}

/* Dim, first element, step and number of elements of slice and narrow. */
static Error *slice_range(const Node *node, int *dim, const Expr **start, const Expr **step,
                          const Expr **length)
{
    ExprPool         *pool = shape_pool(node);
    const TensorType *in = shape_first_type(node);
    const Expr       *zero = expr_int(pool, 0);
    if (in->rank == 0)
        return node_error(node, E_VALUE, "a tensor of rank 0 cannot be sliced");
    TRY(shape_dim(node, "dim", in->rank, dim));
    const Expr *size = in->sizes[*dim], *first = arg_as_expr(node_arg(node, "start"));
    *start = first ? clamp(pool, shape_wrap_index(pool, first, size), zero, size) : zero;
    *step = expr_int(pool, 1);
    if (schema_param(node->schema, "length") >= 0) {
        *length = arg_as_expr(node_arg(node, "length"));
        return NULL;
    }
    const Expr *last = arg_as_expr(node_arg(node, "end"));
    *step = arg_as_expr(node_arg(node, "step"));
    if (expr_range(*step).max < 1)
        return node_error(node, E_VALUE, "the step has to be positive");
    /* INT64_MAX stands for "to the end" */
    if (!last || expr_is_value(last, INT64_MAX))
        last = size;
    else
        last = clamp(pool, shape_wrap_index(pool, last, size), *start, size);
    const Expr *count = expr_sub(pool, last, *start);
    *length = expr_is_value(*step, 1) ? count : expr_ceildiv(pool, count, *step);
    return NULL;
}

static Error *infer_slice(Node *node)
{
    const TensorType *in = shape_first_type(node);
    const Expr       *sizes[MAX_RANK], *strides[MAX_RANK], *start, *step, *length;
    int               dim;
    TRY(slice_range(node, &dim, &start, &step, &length));
    memcpy(sizes, in->sizes, sizeof *sizes * (size_t)in->rank);
    memcpy(strides, in->strides, sizeof *strides * (size_t)in->rank);
    sizes[dim] = length;
    strides[dim] = expr_mul(shape_pool(node), strides[dim], step);
    shape_result_strided(node, 0, in->dtype, sizes, strides, in->rank);
    return NULL;
}

static void map_slice(const Node *node, const Expr *const *out, const Expr **in)
{
    ExprPool   *pool = shape_pool(node);
    const Expr *start, *step, *length;
    int         dim;
    if (slice_range(node, &dim, &start, &step, &length) != NULL)
        return;
    for (int d = 0; d < shape_first_type(node)->rank; d++)
        in[d] = d == dim ? expr_add(pool, start, expr_mul(pool, out[d], step)) : out[d];
}

static Error *infer_select(Node *node)
{
    const TensorType *in = shape_first_type(node);
    const Expr       *sizes[MAX_RANK], *strides[MAX_RANK];
    int               dim, n = 0;
    int64_t           index, size;
    if (in->rank == 0)
        return node_error(node, E_VALUE, "a tensor of rank 0 has no dim to select from");
    TRY(shape_dim(node, "dim", in->rank, &dim));
    const Expr *at = arg_as_expr(node_arg(node, "index"));
    if (!at)
        return node_error(node, E_VALUE, "index is missing");
    if (expr_is_int(at, &index) && expr_is_int(in->sizes[dim], &size) &&
        (index < -size || index >= size))
        return node_error(node, E_VALUE, "index %lld is out of range for dim %d of size %lld",
                          (long long)index, dim, (long long)size);
    for (int d = 0; d < in->rank; d++)
        if (d != dim) {
            sizes[n] = in->sizes[d];
            strides[n++] = in->strides[d];
        }
    shape_result_strided(node, 0, in->dtype, sizes, strides, n);
    return NULL;
}

static void map_select(const Node *node, const Expr *const *out, const Expr **in)
{
    const TensorType *type = shape_first_type(node);
    int               dim = node_dim(node, "dim", type->rank), n = 0;
    const Expr       *at = arg_as_expr(node_arg(node, "index"));
    for (int d = 0; d < type->rank; d++)
        in[d] = d == dim ? shape_wrap_index(shape_pool(node), at, type->sizes[dim]) : out[n++];
}

static Error *infer_diagonal(Node *node)
{
    ExprPool         *pool = shape_pool(node);
    const TensorType *in = shape_first_type(node);
    const Expr       *sizes[MAX_RANK], *strides[MAX_RANK], *zero = expr_int(pool, 0);
    int               d1, d2, n = 0;
    int64_t           offset;
    TRY(shape_dim(node, "dim1", in->rank, &d1));
    TRY(shape_dim(node, "dim2", in->rank, &d2));
    TRY(shape_const_int(node, "offset", &offset));
    if (d1 == d2)
        return node_error(node, E_VALUE, "dim1 and dim2 are the same");
    for (int d = 0; d < in->rank; d++)
        if (d != d1 && d != d2) {
            sizes[n] = in->sizes[d];
            strides[n++] = in->strides[d];
        }
    const Expr *rows = in->sizes[d1], *columns = in->sizes[d2], *shift = expr_int(pool, offset);
    if (offset >= 0)
        columns = expr_sub(pool, columns, shift);
    else
        rows = expr_add(pool, rows, shift);
    sizes[n] = expr_max(pool, expr_min(pool, rows, columns), zero);
    strides[n++] = expr_add(pool, in->strides[d1], in->strides[d2]);
    shape_result_strided(node, 0, in->dtype, sizes, strides, n);
    return NULL;
}

static void map_diagonal(const Node *node, const Expr *const *out, const Expr **in)
{
    ExprPool *pool = shape_pool(node);
    int       rank = shape_first_type(node)->rank, n = 0;
    int       d1 = node_dim(node, "dim1", rank), d2 = node_dim(node, "dim2", rank);
    int64_t   offset = node_int(node, "offset");
    for (int d = 0; d < rank; d++)
        if (d != d1 && d != d2)
            in[d] = out[n++];
    in[d1] = offset < 0 ? expr_add(pool, out[n], expr_int(pool, -offset)) : out[n];
    in[d2] = offset > 0 ? expr_add(pool, out[n], expr_int(pool, offset)) : out[n];
}

static Error *infer_unfold(Node *node)
{
    ExprPool         *pool = shape_pool(node);
    const TensorType *in = shape_first_type(node);
    const Expr       *sizes[MAX_RANK + 1], *strides[MAX_RANK + 1];
    int               dim;
    int64_t           size, step;
    TRY(shape_dim(node, "dimension", in->rank, &dim));
    TRY(shape_const_int(node, "size", &size));
    TRY(shape_const_int(node, "step", &step));
    if (step < 1 || size < 0 || in->rank == MAX_RANK)
        return node_error(node, E_VALUE, "size %lld and step %lld", (long long)size,
                          (long long)step);
    for (int d = 0; d < in->rank; d++) {
        sizes[d] = in->sizes[d];
        strides[d] = in->strides[d];
    }
    sizes[in->rank] = expr_int(pool, size);
    strides[in->rank] = in->rank > 0 ? in->strides[dim] : expr_int(pool, 1);
    if (in->rank > 0) {
        const Expr *room = expr_sub(pool, in->sizes[dim], expr_int(pool, size));
        if (expr_range(room).max < 0)
            return node_error(node, E_VALUE, "windows of %lld are larger than dim %d",
                              (long long)size, dim);
        sizes[dim] =
            expr_add(pool, expr_floordiv(pool, room, expr_int(pool, step)), expr_int(pool, 1));
        strides[dim] = expr_mul(pool, in->strides[dim], expr_int(pool, step));
    }
    shape_result_strided(node, 0, in->dtype, sizes, strides, in->rank + 1);
    return NULL;
}

static void map_unfold(const Node *node, const Expr *const *out, const Expr **in)
{
    ExprPool *pool = shape_pool(node);
    int       rank = shape_first_type(node)->rank;
    if (rank == 0)
        return;
    int dim = node_dim(node, "dimension", rank);
    for (int d = 0; d < rank; d++)
        in[d] = out[d];
    in[dim] =
        expr_add(pool, expr_mul(pool, out[dim], expr_int(pool, node_int(node, "step"))), out[rank]);
}

/* ---- as_strided ------------------------------------------------------------------------------ */
/* order: dims of a dense tensor from the largest stride to the smallest; false when it has holes or
 * overlaps. */
static bool dense_order(ExprPool *pool, const TensorType *type, int order[MAX_RANK])
{
    const Expr *expected = expr_int(pool, 1);
    bool        used[MAX_RANK] = {false};
    for (int k = type->rank - 1; k >= 0; k--) {
        int found = -1;
        for (int d = type->rank - 1; d >= 0 && found < 0; d--)
            if (!used[d] &&
                (expr_is_value(type->sizes[d], 1) || shape_same(pool, type->strides[d], expected)))
                found = d;
        if (found < 0)
            return false;
        used[found] = true;
        order[k] = found;
        expected = expr_mul(pool, expected, type->sizes[found]);
    }
    return true;
}

static Error *infer_as_strided(Node *node)
{
    const TensorType *in = shape_first_type(node);
    const Expr       *sizes[MAX_RANK], *strides[MAX_RANK];
    int               rank, n, order[MAX_RANK];
    TRY(shape_exprs(node, "size", sizes, &rank));
    TRY(shape_exprs(node, "stride", strides, &n));
    if (n != rank)
        return node_error(node, E_VALUE, "%d sizes and %d strides", rank, n);
    if (!dense_order(shape_pool(node), in, order))
        return node_error(node, E_UNSUPPORTED,
                          "as_strided of a tensor that is not dense is not supported");
    shape_result_strided(node, 0, in->dtype, sizes, strides, rank);
    return NULL;
}

static void map_as_strided(const Node *node, const Expr *const *out, const Expr **in)
{
    ExprPool         *pool = shape_pool(node);
    const TensorType *base = shape_first_type(node);
    const TensorType *to = &node->results[0]->type;
    const Expr       *flat = arg_as_expr(node_arg(node, "storage_offset")), *sizes[MAX_RANK],
               *index[MAX_RANK];
    int order[MAX_RANK];
    if (!dense_order(pool, base, order))
        return;
    /* An offset counts from the start of the storage, the base begins at its own offset. */
    flat = !flat                  ? expr_int(pool, 0)
           : base->storage_offset ? expr_sub(pool, flat, base->storage_offset)
                                  : flat;
    for (int d = 0; d < to->rank; d++)
        flat = expr_add(pool, flat, expr_mul(pool, out[d], to->strides[d]));
    for (int k = 0; k < base->rank; k++)
        sizes[k] = base->sizes[order[k]];
    shape_delinear(pool, flat, sizes, base->rank, index);
    for (int k = 0; k < base->rank; k++)
        in[order[k]] = index[k];
}

/* narrow from a place that is data: elements start, start + 1, …, by index. */
static Error *expand_narrow_at(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *self = node_tensor(node, "self"), *start = node_tensor(node, "start");
    int    dim;
    TRY(shape_dim(node, "dim", self->type.rank, &dim));
    Value *at = BUILD(&b, "aten.arange.default", *node_arg(node, "length"), arg_dtype(DT_I64));
    Value *wrapped =
        BUILD(&b, "aten.add.Scalar", arg_value(start), arg_expr(self->type.sizes[dim]));
    Value *is_negative = build_with_int(&b, "aten.lt.Scalar", start, 0);
    if (b.error)
        return b.error;
    start =
        BUILD(&b, "aten.where.self", arg_value(is_negative), arg_value(wrapped), arg_value(start));
    at = build_binary(&b, "aten.add.Tensor", at, start);
    results[0] = BUILD(&b, "aten.index_select.default", arg_value(self), arg_int(b.graph, dim),
                       arg_value(at));
    return b.error;
}

const OpDesc slice_ops[] = {
    EXPAND_FN("aten::narrow.Tensor(Tensor(a) self, int dim, Tensor start, SymInt length) -> "
              "Tensor(a)",
              expand_narrow_at,
              .samples = "self=f32[5,3] dim=0 start=i64[]@[1] length=2 | self=f32[5,3] dim=0 "
                         "start=i64[]@[-2] length=2 | self=f32[5] dim=0 start=i64[]@[3] length=0"),
    VIEW("aten::slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, "
         "SymInt step=1) -> "
         "Tensor(a)",
         infer_slice, map_slice,
         .samples = "self=f32[5,4] start=1 end=3 | self=f32[5,4] dim=1 step=2 | self=f32[5] "
                    "start=-3 end=-1 | self=f32[5] start=3 end=1 | self=f32[5] start=-9 end=99 "
                    "step=3 | self=i64[0,2] end=4 | self=f32[3,4]{1,3} dim=-1 start=1 | ! "
                    "self=f32[5] step=0 | ! self=f32[]"),
    VIEW("aten::narrow(Tensor(a) self, int dim, SymInt start, SymInt length) -> Tensor(a)",
         infer_slice, map_slice,
         .samples = "self=f32[5,4] dim=0 start=1 length=2 | self=f32[5,4] dim=-1 start=-2 length=2 "
                    "| self=f32[5] dim=0 start=2 length=0 | ! self=f32[5] dim=0 start=3 length=3"),
    VIEW("aten::select.int(Tensor(a) self, int dim, SymInt index) -> Tensor(a)", infer_select,
         map_select,
         .samples = "self=f32[5,4] dim=0 index=2 | self=f32[2,3,4] dim=-1 index=-1 | self=i64[3] "
                    "dim=0 index=0 | ! self=f32[5] dim=0 index=5 | ! self=f32[] dim=0 index=0"),
    VIEW("aten::diagonal(Tensor(a) self, int offset=0, int dim1=0, int dim2=1) -> Tensor(a)",
         infer_diagonal, map_diagonal,
         .samples = "self=f32[3,4] | self=f32[3,4] offset=1 | self=f32[4,3] offset=-2 | "
                    "self=f32[2,3,4] dim1=0 dim2=2 | self=f32[2,3,4] dim1=-1 dim2=-2 | "
                    "self=f32[3,3] offset=5 | ! self=f32[3,3] dim1=0 dim2=0"),
    VIEW("aten::unfold(Tensor(a) self, int dimension, int size, int step) -> Tensor(a)",
         infer_unfold, map_unfold,
         .samples = "self=f32[7] dimension=0 size=3 step=2 | self=f32[2,6] dimension=1 size=2 "
                    "step=1 | self=f32[4,3] dimension=-2 size=4 step=1 | self=f32[3] dimension=0 "
                    "size=0 step=1 | ! self=f32[3] dimension=0 size=4 step=1"),
    VIEW("aten::as_strided(Tensor(a) self, SymInt[] size, SymInt[] stride, SymInt? "
         "storage_offset=None) -> Tensor(a)",
         infer_as_strided, map_as_strided,
         .samples = "self=f32[12] size=[3,2] stride=[2,1] | self=f32[12] size=[3,3] stride=[1,2] "
                    "storage_offset=2 | self=f32[4] size=[2,2] stride=[0,1] | self=f32[3,4] "
                    "size=[] stride=[] storage_offset=5 | ! self=f32[4] size=[3,2] stride=[2,1]"),
    {0},
};
