/* Writes at places that index tensors name: index_put, scatter, index_add, masked_scatter.
 *
 * In: a node.  Out: result types; kernels of TEMPLATE_SCATTER do the writing.  The others become
 * nodes of those:
 *
 *   aten.scatter_reduce.two(..., "mean")  ->  a sum, and the number of terms that divides it */
#include "ir/ops/advanced.h"
#include "ir/ops/rows.h"

#include <string.h>

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

#define SCATTER(text, infer_fn, ...) TEMPLATE(text, TEMPLATE_SCATTER, infer_fn, __VA_ARGS__)

const OpDesc scatter_ops[] = {
    SCATTER("aten::index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) "
            "-> Tensor",
            infer_index_put,
            .samples =
                "self=f32[4,5] indices=[i64[2]@[1,3]] values=f32[2,5] | self=f32[4,5] "
                "indices=[None,i64[2]@[0,4]] values=f32[] | self=f32[4,5] "
                "indices=[i64[6]@0..3,i64[6]@0..4] values=f32[6] accumulate=true | self=i64[4] "
                "indices=[i64[7]@-4..3] values=i64[7] accumulate=true | self=f32[4] "
                "indices=[bool[4]] values=f32[] | self=bf16[3,2] indices=[i64[0]] values=bf16[0,2] "
                "| ! self=f32[4] indices=[i64[2]@0..3] values=f64[2]"),
    SCATTER("aten::_unsafe_index_put(Tensor self, Tensor?[] indices, Tensor values, bool "
            "accumulate=False) -> Tensor",
            infer_index_put, .samples = "self=f32[4,5] indices=[i64[2]@[1,3]] values=f32[2,5]"),
    EXPAND_FN("aten::_index_put_impl(Tensor self, Tensor?[] indices, Tensor values, bool "
              "accumulate=False, bool "
              "unsafe=False) -> Tensor",
              expand_index_put_impl,
              .samples = "self=f32[4,5] indices=[i64[2]@[1,3]] values=f32[5]"),
    EXPAND_FN(
        "aten::_unsafe_masked_index_put_accumulate(Tensor self, Tensor mask, Tensor?[] "
        "indices, Tensor values) -> Tensor",
        expand_masked_put_accumulate,
        .samples =
            "self=f32[4,5] mask=bool[3,5] indices=[i64[3,1]@0..3,i64[5]@0..4] values=f32[3,5]"),
    EXPAND_FN("aten::masked_scatter(Tensor self, Tensor mask, Tensor source) -> Tensor",
              expand_masked_scatter,
              .samples = "self=f32[3,4] mask=bool[3,4] source=f32[12] | self=f32[3,4] "
                         "mask=bool[4]@[1,0] source=f32[2,5] | self=i64[0] mask=bool[0] "
                         "source=i64[2] | ! self=f32[3] mask=bool[3] source=f64[3]"),
    SCATTER("aten::put(Tensor self, Tensor index, Tensor source, bool accumulate=False) -> Tensor",
            infer_put,
            .samples = "self=f32[3,4] index=i64[3]@[0,5,-1] source=f32[3] | self=f32[3,4] "
                       "index=i64[6]@0..11 source=f32[6] accumulate=true"),
    SCATTER("aten::index_copy(Tensor self, int dim, Tensor index, Tensor source) -> Tensor",
            infer_scatter,
            .samples = "self=f32[4,3] dim=0 index=i64[2]@[3,1] source=f32[2,3] | self=f32[2,4] "
                       "dim=-1 index=i64[2]@[0,2] source=f32[2,2] | ! self=f32[4,3] dim=0 "
                       "index=i64[2]@[3,1] source=f32[3,3]"),
    SCATTER("aten::index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) "
            "-> Tensor",
            infer_scatter,
            .samples = "self=f32[4,3] dim=0 index=i64[5]@0..3 source=f32[5,3] | self=f32[2,4] "
                       "dim=1 index=i32[2]@[0,2] source=f32[2,2] alpha=2 | self=i64[4] dim=0 "
                       "index=i64[6]@0..3 source=i64[6] | self=bf16[3] dim=0 index=i64[2]@[0,2] "
                       "source=bf16[2] | ! self=f32[4] dim=0 index=i64[2]@0..3 source=f64[2]"),
    SCATTER(
        "aten::index_fill.int_Scalar(Tensor self, int dim, Tensor index, Scalar value) -> Tensor",
        infer_scatter,
        .samples = "self=f32[4,3] dim=0 index=i64[2]@[3,1] value=1.5 | self=i64[2,4] dim=-1 "
                   "index=i64[2]@[0,2] value=7 | self=f32[4] dim=0 index=i64[0] value=1"),
    SCATTER(
        "aten::index_fill.int_Tensor(Tensor self, int dim, Tensor index, Tensor value) -> Tensor",
        infer_scatter,
        .samples = "self=f32[4,3] dim=0 index=i64[2]@[3,1] value=f32[] | ! self=f32[4] dim=0 "
                   "index=i64[1]@[1] value=f32[2]"),
    SCATTER("aten::scatter.src(Tensor self, int dim, Tensor index, Tensor src) -> Tensor",
            infer_scatter,
            .samples = "self=f32[3,4] dim=1 index=i64[3,2]@[0,2,1,3] src=f32[3,2] | self=f32[4,3] "
                       "dim=0 index=i64[2,3]@[3,1,0,0,2,2] src=f32[3,4] | self=f32[3] dim=0 "
                       "index=i64[0] src=f32[2] | ! self=f32[3] dim=0 index=i64[2]@[0,1] "
                       "src=f64[2] | ! self=f32[3] dim=0 index=i64[2]@[0,7] src=f32[2]"),
    SCATTER("aten::scatter.value(Tensor self, int dim, Tensor index, Scalar value) -> Tensor",
            infer_scatter,
            .samples = "self=f32[3,4] dim=1 index=i64[3,2]@0..3 value=1.5 | self=i64[5] dim=0 "
                       "index=i64[3]@0..4 value=9"),
    SCATTER("aten::scatter.reduce(Tensor self, int dim, Tensor index, Tensor src, *, str reduce) "
            "-> Tensor",
            infer_scatter,
            .samples = "self=f32[3,4] dim=1 index=i64[3,2]@0..3 src=f32[3,2] reduce='add' | "
                       "self=f32[4] dim=0 index=i64[6]@0..3 src=f32[6] reduce='multiply' | ! "
                       "self=f32[4] dim=0 index=i64[2]@0..3 src=f32[2] reduce='max'"),
    SCATTER("aten::scatter.value_reduce(Tensor self, int dim, Tensor index, Scalar value, *, str "
            "reduce) -> Tensor",
            infer_scatter,
            .samples = "self=f32[3,4] dim=1 index=i64[3,2]@0..3 value=2 reduce='add' | self=f32[4] "
                       "dim=0 index=i64[6]@0..3 value=1.5 reduce='multiply'"),
    SCATTER("aten::scatter_add(Tensor self, int dim, Tensor index, Tensor src) -> Tensor",
            infer_scatter,
            .samples = "self=f32[3,4] dim=1 index=i64[3,5]@0..3 src=f32[3,5] | self=i64[4] dim=0 "
                       "index=i64[6]@0..3 src=i64[6] | self=bf16[4] dim=0 index=i64[3]@0..3 "
                       "src=bf16[3] | self=f32[] dim=0 index=i64[]@0..0 src=f32[]"),
    EXPAND_FN(
        "aten::scatter_reduce.two(Tensor self, int dim, Tensor index, Tensor src, str "
        "reduce, *, bool "
        "include_self=True) -> Tensor",
        expand_scatter_reduce,
        .samples =
            "self=f32[3,4] dim=1 index=i64[3,5]@0..3 src=f32[3,5] reduce='sum' | self=f32[4] dim=0 "
            "index=i64[6]@0..3 src=f32[6] reduce='prod' | self=f32[4] dim=0 index=i64[6]@0..2 "
            "src=f32[6] reduce='mean' | self=f32[4] dim=0 index=i64[6]@0..2 src=f32[6] "
            "reduce='amax' include_self=false | self=f32[4] dim=0 index=i64[6]@0..2 src=f32[6] "
            "reduce='amin' | self=f32[4] dim=0 index=i64[6]@0..2 src=f32[6] reduce='mean' "
            "include_self=false | self=i64[4] dim=0 index=i64[6]@0..3 src=i64[6] reduce='sum' | "
            "self=i64[4] dim=0 index=i64[6]@0..3 src=i64[6] reduce='mean' | ! self=f32[4] dim=0 "
            "index=i64[2]@0..3 src=f32[2] reduce='median'"),
    EXPAND_FN("aten::index_reduce(Tensor self, int dim, Tensor index, Tensor source, str reduce, "
              "*, bool "
              "include_self=True) -> Tensor",
              expand_scatter_reduce,
              .samples =
                  "self=f32[4,3] dim=0 index=i64[5]@0..3 source=f32[5,3] reduce='prod' | "
                  "self=f32[4] dim=0 index=i64[5]@0..2 source=f32[5] reduce='mean' | self=f32[4] "
                  "dim=0 index=i64[5]@0..2 source=f32[5] reduce='amax' include_self=false | "
                  "self=f32[4] dim=0 index=i64[5]@0..2 source=f32[5] reduce='amin'"),
    SCATTER(SCATTER_REDUCE, infer_scatter),
    SCATTER(INDEX_REDUCE, infer_scatter),
    {0},
};
