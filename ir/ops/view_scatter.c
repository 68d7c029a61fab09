/* Functional scatters of views: a copy of self in which src stands where the view was.
 *
 * In: a node.  Out: `element` gives the scalar of one result element:
 *
 *   aten.select_scatter.default(%x, %y, 0, 3)   out[i, j]  =  select(i == 3, y[j], x[i, j])
 *
 * No load happens outside of its tensor: loads are masked. */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <string.h>

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
        return shape_zero(cx, t->dtype); /* infer has refused it */
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

const OpDesc view_scatter_ops[] = {
    INDEXED("aten::select_scatter(Tensor self, Tensor src, int dim, SymInt index) -> Tensor",
            infer_scatter_view, element_select_scatter,
            .samples = "self=f32[3,4] src=f32[4] dim=0 index=1 | self=f32[3,4] src=f32[3] dim=-1 "
                       "index=-1 | ! self=f32[3,4] src=f32[3] dim=0 index=0"),
    INDEXED("aten::slice_scatter(Tensor self, Tensor src, int dim=0, SymInt? start=None, SymInt? "
            "end=None, SymInt "
            "step=1) -> Tensor",
            infer_scatter_view, element_slice_scatter,
            .samples =
                "self=f32[5,4] src=f32[2,4] start=1 end=3 | self=f32[5,4] src=f32[5,2] dim=1 "
                "step=2 | self=f32[5] src=f32[0] start=2 end=2 | ! self=f32[5] src=f32[3] end=2"),
    INDEXED("aten::diagonal_scatter(Tensor self, Tensor src, int offset=0, int dim1=0, int dim2=1) "
            "-> Tensor",
            infer_scatter_view, element_diagonal_scatter,
            .samples = "self=f32[3,4] src=f32[3] | self=f32[3,4] src=f32[3] offset=1 | "
                       "self=f32[2,3,4] src=f32[3,2] dim1=0 dim2=2 | ! self=f32[3,4] src=f32[4]"),
    INDEXED(
        "aten::as_strided_scatter(Tensor self, Tensor src, SymInt[] size, SymInt[] stride, SymInt? "
        "storage_offset=None) -> Tensor",
        infer_strided_scatter, element_strided_scatter,
        .samples = "self=f32[12] src=f32[3,2] size=[3,2] stride=[4,1] storage_offset=1 | "
                   "self=f32[3,4] src=f32[3] size=[3] stride=[5]"),
    {0},
};
