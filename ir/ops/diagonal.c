/* Diagonals and grids: diag_embed, diag, trace, meshgrid, block_diag, cartesian_prod.
 *
 * In: a node.  Out: `element` of a diagonal, nodes for the others:
 *
 *   aten.diag_embed.default(%x)    out[i, j]  =  select(i == j, x[i], 0) */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <string.h>

/* ---- diagonals ------------------------------------------------------------------------------- */
static Error *diag_embed_dims(const Node *node, int *d1, int *d2)
{
    int rank = shape_first_type(node)->rank + 1;
    if (rank < 2 || rank > MAX_RANK)
        return node_error(node, E_VALUE, "does not take a tensor of rank %d", rank - 1);
    TRY(shape_dim(node, "dim1", rank, d1));
    TRY(shape_dim(node, "dim2", rank, d2));
    return *d1 == *d2 ? node_error(node, E_VALUE, "dim1 and dim2 are the same") : NULL;
}

static Error *infer_diag_embed(Node *node)
{
    const TensorType *t = shape_first_type(node);
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
    const TensorType *t = shape_first_type(node);
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
        return shape_zero(cx, t->dtype);
    Scalar *mask =
        scalar_and(cx->scalars, shape_condition(cx, on), shape_in_range(cx, in[n], t->sizes[n]));
    return shape_masked_load(cx, shape_first_tensor(node), in, mask, shape_zero(cx, t->dtype));
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
        v[i] = build_at_least(&b, v[i], 2);
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

const OpDesc diagonal_ops[] = {
    INDEXED("aten::diag_embed(Tensor self, int offset=0, int dim1=-2, int dim2=-1) -> Tensor",
            infer_diag_embed, element_diag_embed,
            .samples = "self=f32[3] | self=f32[2,3] offset=1 | self=f32[2,3] offset=-1 dim1=0 "
                       "dim2=2 | self=i64[0]"),
    EXPAND_FN(
        "aten::diag(Tensor self, int diagonal=0) -> Tensor", expand_diag,
        .samples =
            "self=f32[3] | self=f32[3] diagonal=-1 | self=f32[3,4] diagonal=1 | ! self=f32[2,2,2]"),
    EXPAND_FN("aten::diagflat(Tensor self, int offset=0) -> Tensor", expand_diag,
              .samples = "self=f32[3] | self=f32[2,2] offset=1 | self=f32[]"),
    EXPAND_FN("aten::trace(Tensor self) -> Tensor", expand_trace,
              .samples = "self=f32[3,4] | self=i32[3,3] | self=bf16[2,2] | ! self=f32[3]"),
    EXPAND_FN("aten::meshgrid(Tensor[] tensors) -> Tensor[]", expand_meshgrid,
              .samples = "tensors=[f32[2],f32[3]] | tensors=[i64[2],i64[],i64[2]]"),
    EXPAND_FN("aten::meshgrid.indexing(Tensor[] tensors, *, str indexing) -> Tensor[]",
              expand_meshgrid,
              .samples = "tensors=[f32[2],f32[3]] indexing='xy' | tensors=[f32[2],f32[3]] "
                         "indexing='ij' | ! tensors=[f32[2]] indexing='ab'"),
    EXPAND_FN("aten::block_diag(Tensor[] tensors) -> Tensor", expand_block_diag,
              .samples = "tensors=[f32[2,3],f32[],f32[2]] | tensors=[i64[2,2],f32[1,1]]"),
    EXPAND_FN("aten::cartesian_prod(Tensor[] tensors) -> Tensor", expand_cartesian_prod,
              .samples =
                  "tensors=[f32[2],f32[3]] | tensors=[i64[2],i64[2],i64[2]] | tensors=[f32[3]]"),
    {0},
};
