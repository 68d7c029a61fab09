/* Reductions over dims, and the statistics that are made of them.
 *
 * In: a node.  Out: for a row of kind OP_REDUCTION what is accumulated, with texts around it:
 *
 *   aten.mean.dim(%x, [1])       sum of x over dim 1, then div(x, n)
 *
 * Composites become such rows and pointwise operators: var is two passes, mean((x - mean(x))^2)
 * with a corrected count. f16 and bf16 are computed in f32 and rounded once. */
#include "ir/ops/linalg.h"
#include "ir/ops/ops_internal.h"
#include "ir/ops/reduction.h"
#include "ir/ops/rows.h"
#include "ir/ops/sample_texts.h"
#include "ir/ops/shape_util.h"

#include <math.h>
#include <string.h>

const Arg *reduce_arg(const Node *node, const char *name)
{
    int at = schema_param(node->schema, name);
    return at < 0 || node->args[at].kind == ARG_NONE ? NULL : &node->args[at];
}

bool reduce_flag(const Node *node, const char *name)
{
    return reduce_arg(node, name) && node_bool(node, name);
}

/* ---- the dims of a node ---------------------------------------------------------------------- */
/* dim as one number, a list or None; None and [] are all dims. */
Error *reduce_dims(const Node *node, int rank, ReduceDims *out)
{
    out->n = 0;
    if (schema_param(node->schema, "dim") >= 0)
        TRY(shape_dims(node, "dim", rank, out->dim, &out->n));
    if (out->n == 0)
        for (; out->n < rank; out->n++)
            out->dim[out->n] = out->n;
    return NULL;
}

static Arg dims_arg(Build *b, const ReduceDims *dims)
{
    return arg_dims(b->graph, dims->dim, dims->n);
}

/* Number of elements that are reduced into one. */
static const Expr *dims_count(Build *b, const Value *x, const ReduceDims *dims)
{
    const Expr *sizes[MAX_RANK];
    int         n = x->type.rank ? dims->n : 0;
    for (int i = 0; i < n; i++)
        sizes[i] = x->type.sizes[dims->dim[i]];
    return expr_product(b->graph->ir->exprs, sizes, n);
}

Value *build_reduce(Build *b, const char *op, Value *x, const ReduceDims *dims, bool keepdim)
{
    return b->error ? NULL
                    : BUILD(b, op, arg_value(x), dims_arg(b, dims), arg_bool(b->graph, keepdim));
}

Value *reduce_drop_dims(Build *b, Value *x, const ReduceDims *dims, bool keepdim)
{
    if (b->error || keepdim || x->type.rank == 0)
        return x;
    return BUILD(b, "aten.squeeze.dims", arg_value(x), dims_arg(b, dims));
}

Error *reduce_need_float(const Node *node, DType dtype)
{
    if (!dtype_is_float(dtype))
        return node_error(node, E_VALUE, "%s needs a floating point input, got %s",
                          node->schema->name, dtype_name(dtype));
    return NULL;
}

/* ---- inference ------------------------------------------------------------------------------- */
/* mean: the dtype argument, or a floating point input. */
static Error *infer_mean(Node *node)
{
    const Arg *dtype = reduce_arg(node, "dtype");
    TRY(reduce_need_float(node, dtype ? dtype->dtype : shape_type(node, "self")->dtype));
    return infer_reduction(node);
}

static Error *infer_truth(Node *node)
{
    DType dtype = shape_type(node, "self")->dtype;
    if (dtype != DT_BOOL)
        return node_error(node, E_VALUE, "%s of %s, not bool", node->schema->base,
                          dtype_name(dtype));
    return infer_reduction(node);
}

/* ---- max and min with indices ---------------------------------------------------------------- */
static Error *expand_extreme(Node *node, Value **results)
{
    Build b = build_at(node);
    bool  max = !strcmp(node->schema->base, "max");
    Arg   x = *node_arg(node, "self"), dim = *node_arg(node, "dim"),
        keepdim = *node_arg(node, "keepdim");
    results[0] = BUILD(&b, max ? "aten.amax.default" : "aten.amin.default", x, dim, keepdim);
    results[1] = BUILD(&b, max ? "aten.argmax.default" : "aten.argmin.default", x, dim, keepdim);
    return b.error;
}

static Error *expand_aminmax(Node *node, Value **results)
{
    Build      b = build_at(node);
    ReduceDims dims;
    Value     *x = node_tensor(node, "self");
    TRY(reduce_dims(node, x->type.rank, &dims));
    results[0] = build_reduce(&b, "aten.amin.default", x, &dims, reduce_flag(node, "keepdim"));
    results[1] = build_reduce(&b, "aten.amax.default", x, &dims, reduce_flag(node, "keepdim"));
    return b.error;
}

/* any and all over a list of dims; over no dim they are the truth of each element. */
static Error *expand_truth(Node *node, Value **results)
{
    Build      b = build_at(node);
    const Arg *list = reduce_arg(node, "dim");
    bool       any = !strcmp(node->schema->base, "any");
    Value     *x = node_tensor(node, "self");
    ReduceDims dims;
    if (list && list->kind == ARG_LIST && list->n_items == 0) {
        x = BUILD(&b, "aten.ne.Scalar", arg_value(x), arg_int(b.graph, 0));
        results[0] =
            build_cast(&b, x, node_tensor(node, "self")->type.dtype == DT_U8 ? DT_U8 : DT_BOOL);
        return b.error;
    }
    TRY(reduce_dims(node, x->type.rank, &dims));
    if (dims.n == x->type.rank && !reduce_flag(node, "keepdim")) {
        results[0] = build_unary(&b, any ? "aten.any.default" : "aten.all.default", x);
        return b.error;
    }
    /* From the last dim to the first, so that earlier positions stay. */
    for (int d = x->type.rank - 1; d >= 0; d--)
        for (int i = 0; i < dims.n && !b.error; i++)
            if (dims.dim[i] == d)
                x = BUILD(&b, any ? "aten.any.dim" : "aten.all.dim", arg_value(x),
                          arg_int(b.graph, d), *node_arg(node, "keepdim"));
    results[0] = x;
    return b.error;
}

/* ---- counts and means without NaN ------------------------------------------------------------ */
static Error *expand_count_nonzero(Node *node, Value **results)
{
    Build      b = build_at(node);
    Value     *x = node_tensor(node, "self");
    ReduceDims dims;
    TRY(reduce_dims(node, x->type.rank, &dims));
    x = BUILD(&b, "aten.ne.Scalar", arg_value(x), arg_int(b.graph, 0));
    results[0] = build_reduce(&b, "aten.sum.dim_IntList", x, &dims, false);
    return b.error;
}

static Error *expand_nanmean(Node *node, Value **results)
{
    Build      b = build_at(node);
    Value     *x = node_tensor(node, "self");
    const Arg *dtype = reduce_arg(node, "dtype");
    ReduceDims dims;
    bool       keepdim = reduce_flag(node, "keepdim");
    TRY(reduce_need_float(node, x->type.dtype));
    TRY(reduce_dims(node, x->type.rank, &dims));
    DType  result = dtype ? dtype->dtype : x->type.dtype;
    Value *wide = build_cast(&b, x, dtype_compute(result));
    Value *sum = build_reduce(&b, "aten.nansum.default", wide, &dims, keepdim);
    Value *is_number =
        build_unary(&b, "aten.logical_not.default", build_unary(&b, "aten.isnan.default", wide));
    Value *n = build_reduce(&b, "aten.sum.dim_IntList", is_number, &dims, keepdim);
    results[0] = build_cast(&b, build_binary(&b, "aten.div.Tensor", sum, n), result);
    return b.error;
}

/* Sums the dims that were broadcast away again. */
static Error *expand_sum_to_size(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value      *x = node_tensor(node, "self");
    const Expr *sizes[MAX_RANK];
    int         rank;
    ReduceDims  dims = {.n = 0};
    TRY(shape_exprs(node, "size", sizes, &rank));
    int lead = x->type.rank - rank;
    if (lead < 0)
        return node_error(node, E_VALUE, "a tensor of rank %d cannot be summed to rank %d",
                          x->type.rank, rank);
    for (int d = 0; d < x->type.rank; d++) {
        bool shrinks =
            d >= lead && expr_is_value(sizes[d - lead], 1) && !expr_is_value(x->type.sizes[d], 1);
        if (d >= lead && !shrinks && expr_is_const(sizes[d - lead]) &&
            expr_is_const(x->type.sizes[d]) && sizes[d - lead] != x->type.sizes[d])
            return node_error(node, E_VALUE,
                              "dim %d cannot be summed to the size that is asked for", d);
        if (d < lead || shrinks)
            dims.dim[dims.n++] = d;
    }
    results[0] = x;
    if (rank == 0) /* a sum in any case, which makes integers of bool */
        results[0] = build_unary(&b, "aten.sum.default", x);
    else if (dims.n)
        results[0] = build_reshape(&b, build_reduce(&b, "aten.sum.dim_IntList", x, &dims, true),
                                   sizes, rank);
    return b.error;
}

/* ---- variance -------------------------------------------------------------------------------- */
/* What is taken off the count: `correction` (1 when None), or `unbiased` as 1 or 0. */
static double correction_of(const Node *node)
{
    if (schema_param(node->schema, "unbiased") >= 0)
        return node_bool(node, "unbiased") ? 1 : 0;
    return reduce_arg(node, "correction") ? node_float(node, "correction") : 1;
}

/* max(0, n - correction) as an argument. */
static Error *corrected_count(const Node *node, const Expr *n, double correction, Arg *out)
{
    ExprPool *pool = shape_pool(node);
    int64_t   count;
    if (correction == floor(correction) && fabs(correction) < 1e9) {
        const Expr *less = expr_sub(pool, n, expr_int(pool, (int64_t)correction));
        *out = arg_expr(expr_max(pool, expr_int(pool, 0), less));
        return NULL;
    }
    if (!expr_is_int(n, &count))
        return node_error(node, E_UNSUPPORTED,
                          "a fraction as correction of a count that is not constant");
    *out = arg_float(fmax(0, (double)count - correction));
    return NULL;
}

/* x in the dtype that computes; *mean with dims of size 1. */
static Error *build_variance(Node *node, Build *b, Value *x, const ReduceDims *dims,
                             Value **variance, Value **mean)
{
    Arg count;
    TRY(corrected_count(node, dims_count(b, x, dims), correction_of(node), &count));
    *mean = build_reduce(b, "aten.mean.dim", x, dims, true);
    Value *centered = build_binary(b, "aten.sub.Tensor", x, *mean);
    Value *sum = build_reduce(b, "aten.sum.dim_IntList",
                              build_binary(b, "aten.mul.Tensor", centered, centered), dims,
                              reduce_flag(node, "keepdim"));
    *variance = b->error ? NULL : BUILD(b, "aten.div.Scalar", arg_value(sum), count);
    return b->error;
}

/* var, std, var_mean, std_mean. */
static Error *expand_variance(Node *node, Value **results)
{
    Build      b = build_at(node);
    Value     *x = node_tensor(node, "self"), *mean;
    DType      dtype = x->type.dtype;
    ReduceDims dims;
    TRY(reduce_need_float(node, dtype));
    TRY(reduce_dims(node, x->type.rank, &dims));
    x = build_cast(&b, x, dtype_compute(dtype));
    if (b.error)
        return b.error;
    TRY(build_variance(node, &b, x, &dims, &results[0], &mean));
    if (!strncmp(node->schema->base, "std", 3))
        results[0] = build_unary(&b, "aten.sqrt.default", results[0]);
    results[0] = build_cast(&b, results[0], dtype);
    if (node->schema->n_returns == 2)
        results[1] =
            build_cast(&b, reduce_drop_dims(&b, mean, &dims, reduce_flag(node, "keepdim")), dtype);
    return b.error;
}

/* ---- logsumexp ------------------------------------------------------------------------------- */
/* log sum exp(x - m) + m, where m is the maximum, or 0 where that is infinite. */
static Error *expand_logsumexp(Node *node, Value **results)
{
    Build      b = build_at(node);
    Value     *x = node_tensor(node, "self");
    DType      dtype = dtype_is_float(x->type.dtype) ? x->type.dtype : DT_F32;
    bool       keepdim = reduce_flag(node, "keepdim");
    ReduceDims dims;
    TRY(reduce_dims(node, x->type.rank, &dims));
    x = build_cast(&b, x, dtype_compute(dtype));
    Value *shift = NULL, *total = x;
    if (!b.error && !expr_is_value(dims_count(&b, x, &dims), 0)) {
        Value *top = build_reduce(&b, "aten.amax.default", x, &dims, true);
        Value *is_open = build_unary(&b, "aten.isinf.default", top);
        if (!b.error)
            shift = BUILD(&b, "aten.where.ScalarSelf", arg_value(is_open), arg_int(b.graph, 0),
                          arg_value(top));
        total = build_binary(&b, "aten.sub.Tensor", x, shift);
    }
    total = build_reduce(&b, "aten.sum.dim_IntList", build_unary(&b, "aten.exp.default", total),
                         &dims, keepdim);
    total = build_unary(&b, "aten.log.default", total);
    if (shift)
        total =
            build_binary(&b, "aten.add.Tensor", total, reduce_drop_dims(&b, shift, &dims, keepdim));
    results[0] = build_cast(&b, total, dtype);
    return b.error;
}

/* ---- rows ------------------------------------------------------------------------------------ */
#define REDUCE(text, op, ...)                                                                      \
    {                                                                                              \
        .schema = text, .kind = OP_REDUCTION, .reduce = REDUCE_##op, __VA_ARGS__                   \
    }
#define MEAN(text, ...)                                                                            \
    {                                                                                              \
        .schema = text, .kind = OP_REDUCTION, .infer = infer_mean, .reduce = REDUCE_SUM,           \
        .after = "div(x, n)", __VA_ARGS__                                                          \
    }
#define NANSUM(text, ...)                                                                          \
    {                                                                                              \
        .schema = text, .kind = OP_REDUCTION, .reduce = REDUCE_SUM,                                \
        .before = "select(isnan(x), 0, x)", __VA_ARGS__                                            \
    }

const OpDesc reduction_ops[] = {
    REDUCE("aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor", SUM,
           .samples =
               REDUCE_ALL_SAMPLES " | self=i32[5] | self=bool[9] | self=u8[40] | self=f32[0,3] | "
                                  "self=f32[5] dtype=f64 | self=f32[8]@special"),
    REDUCE("aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? "
           "dtype=None) -> "
           "Tensor",
           SUM,
           .samples = REDUCE_DIMS_SAMPLES
           " | self=i32[3,4] dim=[0] | self=bool[9] dim=None | self=f32[5,2] dim=[1] dtype=f64 | "
           "self=f32[3,0] dim=[1] | self=f32[3,4] dim=None keepdim=true"),
    REDUCE("aten::prod(Tensor self, *, ScalarType? dtype=None) -> Tensor", PROD,
           .samples = REDUCE_ALL_SAMPLES
           " | self=i32[5] | self=bool[4] | self=f32[0] | self=i64[3] dtype=f32"),
    REDUCE("aten::prod.dim_int(Tensor self, int dim, bool keepdim=False, *, ScalarType? "
           "dtype=None) -> Tensor",
           PROD,
           .samples = REDUCE_DIM_SAMPLES
           " | self=i32[3,4] dim=0 | self=f32[3,0] dim=1 | self=i64[3,2] dim=1 dtype=f32"),
    REDUCE("aten::amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor", MAX,
           .samples = REDUCE_DIMS_SAMPLES
           " | self=i64[3,4] dim=[0] | self=bool[6] dim=[0] | self=f32[2,8]@special dim=[1] | "
           "self=f32[2,5]@[1,nan,3,2,-inf] dim=[1] | ! self=f32[3,0] dim=[1]"),
    REDUCE("aten::max(Tensor self) -> Tensor", MAX,
           .samples =
               REDUCE_ALL_SAMPLES " | self=i64[8]@special | self=bool[4] | self=f32[8]@special | "
                                  "self=f32[5]@[-inf,1,2] | ! self=f32[0]"),
    REDUCE("aten::amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor", MIN,
           .samples = REDUCE_DIMS_SAMPLES
           " | self=i64[3,4] dim=[0] | self=bool[6] dim=[0] | self=f32[2,8]@special dim=[1] | "
           "self=f32[2,5]@[1,nan,3,2,-inf] dim=[1] | ! self=f32[3,0] dim=[1]"),
    REDUCE("aten::min(Tensor self) -> Tensor", MIN,
           .samples =
               REDUCE_ALL_SAMPLES " | self=i64[8]@special | self=bool[4] | self=f32[8]@special | "
                                  "self=f32[5]@[-inf,1,2] | ! self=f32[0]"),
    REDUCE("aten::argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor", ARGMAX,
           .samples = "self=f32[3,5] | self=f32[3,5] dim=1 | self=f32[2,3,4] dim=-2 keepdim=true | "
                      "self=f32[] | self=i64[4,5]@0..3 dim=0 | "
                      "self=f32[2,8]@[1,nan,3,nan,-inf,inf,2] dim=1 | self=bf16[9] | self=f32[0,3] "
                      "dim=1 | ! self=f32[0] | ! self=f32[3,0] dim=1 | self=f32[6]@[2,2,5,5,1,1]"),
    REDUCE("aten::argmin(Tensor self, int? dim=None, bool keepdim=False) -> Tensor", ARGMIN,
           .samples = "self=f32[3,5] | self=f32[3,5] dim=1 | self=f32[2,3,4] dim=-2 keepdim=true | "
                      "self=f32[] | self=i64[4,5]@0..3 dim=0 | "
                      "self=f32[2,8]@[1,nan,3,nan,-inf,inf,2] dim=1 | self=bf16[9] | self=f32[0,3] "
                      "dim=1 | ! self=f32[0] | ! self=f32[3,0] dim=1 | self=f32[6]@[2,2,5,5,1,1]"),
    REDUCE("aten::any(Tensor self) -> Tensor", ANY,
           .samples = "self=bool[4] | self=f32[3,5] | self=i64[3]@0..0 | self=f32[0] | "
                      "self=u8[5]@0..1 | self=f32[] | self=f32[4]@[nan] | self=bf16[4]@[0]"),
    REDUCE("aten::any.dim(Tensor self, int dim, bool keepdim=False) -> Tensor", ANY,
           .samples =
               "self=bool[3,4] dim=1 | self=f32[3,2]@[0,1] dim=0 keepdim=true | self=i64[2,0] "
               "dim=-1 | self=u8[3,3]@0..1 dim=1 | self=bool[] dim=0 | ! self=bool[2] dim=1"),
    REDUCE("aten::_is_any_true(Tensor self) -> Tensor", ANY, .infer = infer_truth,
           .samples = "self=bool[4] | self=bool[0] | self=bool[3]@[1] | ! self=f32[2]"),
    REDUCE("aten::all(Tensor self) -> Tensor", ALL,
           .samples = "self=bool[4] | self=f32[3,5] | self=i64[3]@0..0 | self=f32[0] | "
                      "self=u8[5]@0..1 | self=f32[] | self=f32[4]@[nan] | self=bf16[4]@[0]"),
    REDUCE("aten::all.dim(Tensor self, int dim, bool keepdim=False) -> Tensor", ALL,
           .samples =
               "self=bool[3,4] dim=1 | self=f32[3,2]@[0,1] dim=0 keepdim=true | self=i64[2,0] "
               "dim=-1 | self=u8[3,3]@0..1 dim=1 | self=bool[] dim=0 | ! self=bool[2] dim=1"),
    REDUCE("aten::_is_all_true(Tensor self) -> Tensor", ALL, .infer = infer_truth,
           .samples = "self=bool[4] | self=bool[0] | self=bool[3]@[1] | ! self=f32[2]"),
    MEAN("aten::mean(Tensor self, *, ScalarType? dtype=None) -> Tensor",
         .samples = REDUCE_ALL_SAMPLES
         " | self=f32[0] | self=i64[4] dtype=f32 | self=f32[5] dtype=f64 | ! self=i64[4]"),
    MEAN("aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) "
         "-> Tensor",
         .samples = REDUCE_DIMS_SAMPLES " | self=f32[3,4] dim=None | self=f32[3,0] dim=[1] | "
                                        "self=i64[4,2] dim=[0] dtype=f32 | ! self=i64[4] dim=[0]"),
    NANSUM("aten::nansum(Tensor self, int[1]? dim=None, bool keepdim=False, *, ScalarType? "
           "dtype=None) -> Tensor",
           .samples = "self=f32[3,4]@[1,nan,2,3] | self=f32[3,4]@[1,nan,2,3] dim=[1] | "
                      "self=f32[3,4]@[nan] dim=[0] keepdim=true | self=i64[4] | "
                      "self=bf16[5]@[1,nan] | self=f32[5]@[1,nan] dtype=f64"),
    EXPAND_FN("aten::any.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor",
              expand_truth,
              .samples = "self=bool[3,4,2] dim=[0,2] | self=f32[3,2]@[0,1] dim=None | "
                         "self=i64[2,0] dim=[-1] keepdim=true | self=bool[2,2] dim=[]"),
    EXPAND_FN("aten::all.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor",
              expand_truth,
              .samples = "self=bool[3,4,2] dim=[0,2] | self=f32[3,2]@[0,1] dim=None | "
                         "self=i64[2,0] dim=[-1] keepdim=true | self=bool[2,2] dim=[]"),
    EXPAND_FN("aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor "
              "indices)",
              expand_extreme,
              .samples = REDUCE_DIM_SAMPLES
              " | self=i64[4,5]@0..3 dim=0 | self=bool[3,3] dim=1 | "
              "self=f32[2,8]@[1,nan,3,nan,-inf,inf,2] dim=1 | ! self=f32[3,0] dim=1"),
    EXPAND_FN("aten::min.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor "
              "indices)",
              expand_extreme,
              .samples = REDUCE_DIM_SAMPLES
              " | self=i64[4,5]@0..3 dim=0 | self=bool[3,3] dim=1 | "
              "self=f32[2,8]@[1,nan,3,nan,-inf,inf,2] dim=1 | ! self=f32[3,0] dim=1"),
    EXPAND_FN("aten::aminmax(Tensor self, *, int? dim=None, bool keepdim=False) -> (Tensor min, "
              "Tensor max)",
              expand_aminmax,
              .samples = "self=f32[3,5] | self=f32[3,5] dim=1 | self=f32[2,3] dim=0 keepdim=true | "
                         "self=i64[4] | self=f32[] | self=f32[4]@[1,nan] | ! self=f32[0]"),
    EXPAND_FN("aten::_aminmax(Tensor self) -> (Tensor, Tensor)", expand_aminmax,
              .samples = "self=f32[3,5] | self=i64[4]"),
    EXPAND_FN("aten::_aminmax.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor, Tensor)",
              expand_aminmax, .samples = "self=f32[3,5] dim=1 | self=i64[4,2] dim=0 keepdim=true"),
    EXPAND_FN("aten::count_nonzero(Tensor self, int? dim=None) -> Tensor", expand_count_nonzero,
              .samples = "self=i64[3,4]@0..1 | self=f32[3,4]@[0,1,nan] dim=1 | self=bool[5] | "
                         "self=f32[0] | self=f32[]"),
    EXPAND_FN(
        "aten::count_nonzero.dim_IntList(Tensor self, int[] dim) -> Tensor", expand_count_nonzero,
        .samples = "self=i64[3,4,2]@0..1 dim=[0,2] | self=bool[5] dim=[0] | self=f32[2,0] dim=[1]"),
    EXPAND_FN("aten::nanmean(Tensor self, int[1]? dim=None, bool keepdim=False, *, ScalarType? "
              "dtype=None) -> "
              "Tensor",
              expand_nanmean,
              .samples = "self=f32[3,4]@[1,nan,2,3] | self=f32[3,4]@[1,nan,2,3] dim=[1] | "
                         "self=f32[3,4]@[nan] dim=[0] keepdim=true | self=bf16[5]@[1,nan]"),
    EXPAND_FN("aten::sum_to_size(Tensor self, SymInt[] size) -> Tensor", expand_sum_to_size,
              .samples = "self=f32[3,4] size=[1,4] | self=f32[2,3,4] size=[4] | self=f32[2,3] "
                         "size=[2,3] | self=i64[3,2] size=[3,1] | ! self=f32[3,4] size=[2,4]"),
    EXPAND_FN("aten::var(Tensor self, bool unbiased=True) -> Tensor", expand_variance,
              .samples = "self=f32[3,5] | self=f32[7] unbiased=false | self=f32[1] | self=f32[0] | "
                         "self=bf16[9] | self=f64[5] | self=f16[33] | ! self=i64[4]"),
    EXPAND_FN(
        "aten::var.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> Tensor",
        expand_variance,
        .samples = "self=f32[3,5] dim=[1] | self=f32[2,3,4] dim=[0,-1] keepdim=true | "
                   "self=f32[3,5] dim=[0] unbiased=false | self=f32[3,1] dim=[1] | self=f32[4] "
                   "dim=None | self=bf16[4,5] dim=[1]"),
    EXPAND_FN(
        "aten::var.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, "
        "bool keepdim=False) "
        "-> Tensor",
        expand_variance,
        .samples =
            "self=f32[3,5] | self=f32[3,5] dim=[1] correction=0 | self=f32[2,3,4] dim=[0,-1] "
            "correction=1 keepdim=true | self=f32[3,5] dim=[1] correction=2 | self=f32[3,5] "
            "dim=[1] correction=0.5 | self=f32[3,2] dim=[1] correction=3 | self=f32[3,0] dim=[1] | "
            "self=bf16[4,5] dim=[1] | self=f64[7] dim=[0] correction=0 | self=f32[3,400] dim=[1]"),
    EXPAND_FN("aten::std(Tensor self, bool unbiased=True) -> Tensor", expand_variance,
              .samples = "self=f32[3,5] | self=f32[7] unbiased=false | self=f32[1] | self=f32[0] | "
                         "self=bf16[9] | self=f64[5] | self=f16[33] | ! self=i64[4]"),
    EXPAND_FN(
        "aten::std.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> Tensor",
        expand_variance,
        .samples = "self=f32[3,5] dim=[1] | self=f32[2,3,4] dim=[0,-1] keepdim=true | "
                   "self=f32[3,5] dim=[0] unbiased=false | self=f32[3,1] dim=[1] | self=f32[4] "
                   "dim=None | self=bf16[4,5] dim=[1]"),
    EXPAND_FN(
        "aten::std.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, "
        "bool keepdim=False) "
        "-> Tensor",
        expand_variance,
        .samples =
            "self=f32[3,5] | self=f32[3,5] dim=[1] correction=0 | self=f32[2,3,4] dim=[0,-1] "
            "correction=1 keepdim=true | self=f32[3,5] dim=[1] correction=2 | self=f32[3,5] "
            "dim=[1] correction=0.5 | self=f32[3,2] dim=[1] correction=3 | self=f32[3,0] dim=[1] | "
            "self=bf16[4,5] dim=[1] | self=f64[7] dim=[0] correction=0 | self=f32[3,400] dim=[1]"),
    EXPAND_FN("aten::var_mean(Tensor self, bool unbiased=True) -> (Tensor, Tensor)",
              expand_variance,
              .samples = "self=f32[3,5] | self=f32[7] unbiased=false | self=f32[1] | self=f32[0] | "
                         "self=bf16[9] | self=f64[5] | self=f16[33] | ! self=i64[4]"),
    EXPAND_FN("aten::var_mean.dim(Tensor self, int[1]? dim, bool unbiased=True, bool "
              "keepdim=False) -> (Tensor, "
              "Tensor)",
              expand_variance,
              .samples = "self=f32[3,5] dim=[1] | self=f32[2,3,4] dim=[0,-1] keepdim=true | "
                         "self=f32[3,5] dim=[0] unbiased=false | self=f32[3,1] dim=[1] | "
                         "self=f32[4] dim=None | self=bf16[4,5] dim=[1]"),
    EXPAND_FN(
        "aten::var_mean.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool "
        "keepdim=False) -> (Tensor, Tensor)",
        expand_variance,
        .samples =
            "self=f32[3,5] | self=f32[3,5] dim=[1] correction=0 | self=f32[2,3,4] dim=[0,-1] "
            "correction=1 keepdim=true | self=f32[3,5] dim=[1] correction=2 | self=f32[3,5] "
            "dim=[1] correction=0.5 | self=f32[3,2] dim=[1] correction=3 | self=f32[3,0] dim=[1] | "
            "self=bf16[4,5] dim=[1] | self=f64[7] dim=[0] correction=0 | self=f32[3,400] dim=[1]"),
    EXPAND_FN("aten::std_mean(Tensor self, bool unbiased=True) -> (Tensor, Tensor)",
              expand_variance,
              .samples = "self=f32[3,5] | self=f32[7] unbiased=false | self=f32[1] | self=f32[0] | "
                         "self=bf16[9] | self=f64[5] | self=f16[33] | ! self=i64[4]"),
    EXPAND_FN("aten::std_mean.dim(Tensor self, int[1]? dim, bool unbiased=True, bool "
              "keepdim=False) -> (Tensor, "
              "Tensor)",
              expand_variance,
              .samples = "self=f32[3,5] dim=[1] | self=f32[2,3,4] dim=[0,-1] keepdim=true | "
                         "self=f32[3,5] dim=[0] unbiased=false | self=f32[3,1] dim=[1] | "
                         "self=f32[4] dim=None | self=bf16[4,5] dim=[1]"),
    EXPAND_FN(
        "aten::std_mean.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool "
        "keepdim=False) -> (Tensor, Tensor)",
        expand_variance,
        .samples =
            "self=f32[3,5] | self=f32[3,5] dim=[1] correction=0 | self=f32[2,3,4] dim=[0,-1] "
            "correction=1 keepdim=true | self=f32[3,5] dim=[1] correction=2 | self=f32[3,5] "
            "dim=[1] correction=0.5 | self=f32[3,2] dim=[1] correction=3 | self=f32[3,0] dim=[1] | "
            "self=bf16[4,5] dim=[1] | self=f64[7] dim=[0] correction=0 | self=f32[3,400] dim=[1]"),
    EXPAND_FN(
        "aten::logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor", expand_logsumexp,
        .samples = "self=f32[3,5] dim=[1] | self=f32[2,3,4] dim=[0,-1] keepdim=true | self=f32[] "
                   "dim=[0] | self=f16[5,3] dim=[0] | self=bf16[4,4] dim=[-1] | self=f32[3,4]{1,3} "
                   "dim=[0] | self=f32[0,3] dim=[1] | self=f32[3,300] dim=[1] | ! self=f32[3,5] "
                   "dim=[2] | self=f32[3,4]@-90..90 dim=[1] | self=f32[2,4]@[-inf] dim=[1] | "
                   "self=f32[2,3]@[inf,1] dim=[1] | self=i64[3,4] dim=[0]"),
    EXPAND_FN("aten::special_logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor",
              expand_logsumexp, .samples = "self=f32[3,4] dim=[1]"),
    {0},
};
