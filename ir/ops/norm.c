/* Softmax and normalizations, as reductions and pointwise operators.
 *
 * In: a node.  Out: nodes before it:
 *
 *   aten.layer_norm(%x, [n], %w, %b, eps)     m = mean(x);  d = x - m;  y = d * rsqrt(mean(d * d) +
 * eps) * w + b aten.batch_norm(%x, %w, %b, %m, %v, false)    y = x * s + (b - m * s),  s = w *
 * rsqrt(v + eps)
 *
 * Statistics take two passes, which does not cancel.  f16 and bf16 are computed in f32 and rounded
 * once. */
#include "ir/ops/rows.h"
#include "ir/ops/sample_texts.h"
#include "ir/ops/shape_util.h"

#include <math.h>
#include <string.h>

/* ---- short forms ----------------------------------------------------------------------------- */
static const Arg *arg_given(const Node *node, const char *name)
{
    int at = schema_param(node->schema, name);
    return at < 0 || node->args[at].kind == ARG_NONE ? NULL : &node->args[at];
}

static Value *add(Build *b, Value *x, Value *y)
{
    return build_binary(b, "aten.add.Tensor", x, y);
}

static Value *sub(Build *b, Value *x, Value *y)
{
    return build_binary(b, "aten.sub.Tensor", x, y);
}

static Value *mul(Build *b, Value *x, Value *y)
{
    return build_binary(b, "aten.mul.Tensor", x, y);
}

/* Over dims, which stay with size 1. */
static Value *reduce(Build *b, const char *op, Value *x, const int *dims, int n)
{
    return b->error
               ? NULL
               : BUILD(b, op, arg_value(x), arg_dims(b->graph, dims, n), arg_bool(b->graph, true));
}

static Value *optional_cast(Build *b, Value *v, DType dtype)
{
    return v ? build_cast(b, v, dtype) : NULL;
}

/* y * weight + bias, either absent. */
static Value *affine(Build *b, Value *y, Value *weight, Value *bias)
{
    if (weight)
        y = mul(b, y, weight);
    return bias ? add(b, y, bias) : y;
}

static Error *need_float(const Node *node, const Value *x)
{
    if (!dtype_is_float(x->type.dtype))
        return node_error(node, E_VALUE, "%s needs a floating point input, got %s",
                          node->schema->name, dtype_name(x->type.dtype));
    return NULL;
}

/* ---- softmax --------------------------------------------------------------------------------- */
typedef enum SoftmaxKind { SOFTMAX, SOFTMAX_SAFE, SOFTMAX_LOG } SoftmaxKind;

/* exp(x - max) / sum, or x - max - log sum; SAFE: a row of -inf gives 0 instead of NaN. */
static Value *build_softmax(Build *b, Value *x, int dim, SoftmaxKind kind)
{
    Value *top = reduce(b, "aten.amax.default", x, &dim, 1);
    if (kind == SOFTMAX_SAFE) {
        Value *is_closed = build_with_float(b, "aten.eq.Scalar", top, -INFINITY);
        if (!b->error)
            top = BUILD(b, "aten.where.ScalarSelf", arg_value(is_closed), arg_int(b->graph, 0),
                        arg_value(top));
    }
    Value *shifted = sub(b, x, top), *e = build_unary(b, "aten.exp.default", shifted);
    Value *sum = reduce(b, "aten.sum.dim_IntList", e, &dim, 1);
    if (kind == SOFTMAX_LOG)
        return sub(b, shifted, build_unary(b, "aten.log.default", sum));
    Value *scale = build_unary(b, "aten.reciprocal.default", sum);
    if (kind == SOFTMAX_SAFE) {
        Value *is_empty = build_with_float(b, "aten.eq.Scalar", sum, 0);
        if (!b->error)
            scale = BUILD(b, "aten.where.ScalarSelf", arg_value(is_empty), arg_int(b->graph, 0),
                          arg_value(scale));
    }
    return mul(b, e, scale);
}

/* softmax.int and the like have "dtype", to which the input is cast first; _softmax has
 * "half_to_float". */
static Error *expand_softmax(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value      *x = node_tensor(node, "self");
    const Arg  *given = arg_given(node, "dtype"), *half = arg_given(node, "half_to_float");
    DType       dtype = given && given->kind == ARG_DTYPE ? given->dtype : x->type.dtype;
    SoftmaxKind kind = strstr(node->schema->base, "log")    ? SOFTMAX_LOG
                       : strstr(node->schema->base, "safe") ? SOFTMAX_SAFE
                                                            : SOFTMAX;
    int         dim;
    TRY(shape_dim(node, "dim", x->type.rank, &dim));
    if (half && node_bool(node, "half_to_float"))
        dtype = DT_F32;
    x = build_cast(&b, x, dtype);
    if (b.error)
        return b.error;
    TRY(need_float(node, x));
    if (x->type.rank && expr_is_value(x->type.sizes[dim], 0))
        results[0] = build_unary(&b, "aten.clone.default", x);
    else
        results[0] = build_cast(
            &b, build_softmax(&b, build_cast(&b, x, dtype_compute(dtype)), dim, kind), dtype);
    return b.error;
}

/* ---- statistics ------------------------------------------------------------------------------ */
typedef struct Stats {
    Value *mean, *variance, *rstd, *centered;
} Stats;

/* Mean and biased variance over dims, which stay with size 1. */
static Stats build_stats(Build *b, Value *x, const int *dims, int n, double eps)
{
    Stats s;
    s.mean = reduce(b, "aten.mean.dim", x, dims, n);
    s.centered = sub(b, x, s.mean);
    s.variance = reduce(b, "aten.mean.dim", mul(b, s.centered, s.centered), dims, n);
    s.rstd = build_unary(b, "aten.rsqrt.default",
                         build_with_float(b, "aten.add.Scalar", s.variance, eps));
    return s;
}

/* ---- layer norm, rms norm -------------------------------------------------------------------- */
/* The last dims, which normalized_shape repeats. */
static Error *normalized_dims(const Node *node, const Value *x, int dims[MAX_RANK], int *n)
{
    const Expr *sizes[MAX_RANK];
    TRY(shape_exprs(node, "normalized_shape", sizes, n));
    if (*n < 1 || *n > x->type.rank)
        return node_error(node, E_VALUE, "normalized_shape has %d dims, the input %d", *n,
                          x->type.rank);
    for (int i = 0; i < *n; i++) {
        dims[i] = x->type.rank - *n + i;
        const Expr *size = x->type.sizes[dims[i]];
        if (expr_is_const(size) && expr_is_const(sizes[i]) && size != sizes[i])
            return node_error(node, E_VALUE, "normalized_shape has %s for dim %d, the input %s",
                              expr_text(node->graph->ir->arena, sizes[i]), dims[i],
                              expr_text(node->graph->ir->arena, size));
    }
    return NULL;
}

static Error *expand_layer_norm(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *x = node_tensor(node, "input"), *weight = node_tensor(node, "weight"),
          *bias = node_tensor(node, "bias");
    DType dtype = x->type.dtype, compute = dtype_compute(dtype);
    DType stats_dtype = weight ? weight->type.dtype : dtype;
    int   dims[MAX_RANK], n;
    TRY(need_float(node, x));
    TRY(normalized_dims(node, x, dims, &n));
    Stats  s = build_stats(&b, build_cast(&b, x, compute), dims, n, node_float(node, "eps"));
    Value *y = mul(&b, s.centered, s.rstd);
    bias = optional_cast(&b, bias, compute);
    y = affine(&b, y, optional_cast(&b, weight, compute), bias);
    results[0] = build_cast(&b, y, dtype);
    if (node->schema->n_returns == 3) {
        results[1] = build_cast(&b, s.mean, stats_dtype);
        results[2] = build_cast(&b, s.rstd, stats_dtype);
    }
    return b.error;
}

/* x * rsqrt(mean(x^2) + eps) * weight; eps None is the smallest step of the dtype that computes. */
static Error *expand_rms_norm(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *x = node_tensor(node, "input"), *weight = node_tensor(node, "weight");
    DType  dtype = x->type.dtype, compute = dtype_compute(dtype);
    int    dims[MAX_RANK], n;
    double eps = arg_given(node, "eps")                    ? node_float(node, "eps")
                 : compute == DT_F64 || compute == DT_C128 ? 0x1p-52
                                                           : 0x1p-23;
    if (!dtype_info(dtype)->is_complex)
        TRY(need_float(node, x));
    TRY(normalized_dims(node, x, dims, &n));
    Value *wide = build_cast(&b, x, compute);
    Value *square = reduce(&b, "aten.mean.dim", mul(&b, wide, wide), dims, n);
    Value *rstd =
        build_unary(&b, "aten.rsqrt.default", build_with_float(&b, "aten.add.Scalar", square, eps));
    weight = optional_cast(&b, weight, compute);
    Value *y = affine(&b, mul(&b, wide, rstd), weight, NULL);
    results[0] = build_cast(&b, y, dtype);
    if (node->schema->n_returns == 2)
        results[1] = rstd;
    return b.error;
}

/* ---- batch norm ------------------------------------------------------------------------------ */
/* A vector of channels beside a tensor of that rank: [1, C, 1, …]. */
static Value *per_channel(Build *b, Value *v, int rank)
{
    const Expr *sizes[MAX_RANK], *one = expr_int(b->graph->ir->exprs, 1);
    if (!v || b->error)
        return NULL;
    for (int d = 0; d < rank; d++)
        sizes[d] = d == 1 ? v->type.sizes[0] : one;
    return build_reshape(b, v, sizes, rank);
}

static Value *no_elements(Build *b, DType dtype)
{
    int64_t zero = 0;
    return BUILD(b, "aten.full.default", arg_ints(b->graph, &zero, 1), arg_int(b->graph, 0),
                 arg_dtype(dtype));
}

static Error *check_channels(const Node *node, const Value *x)
{
    TRY(need_float(node, x));
    if (x->type.rank < 2)
        return node_error(node, E_VALUE, "the input has rank %d, 2 or more are needed",
                          x->type.rank);
    static const char *const names[] = {"weight", "bias", "running_mean", "running_var"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const Arg *arg = arg_given(node, names[i]);
        if (!arg)
            continue;
        const TensorType *t = &arg->value->type;
        if (t->rank != 1 || (expr_is_const(t->sizes[0]) && expr_is_const(x->type.sizes[1]) &&
                             t->sizes[0] != x->type.sizes[1]))
            return node_error(node, E_VALUE, "%s is %s, not one number for each of %s channels",
                              names[i], tensor_type_text(node->graph->ir->arena, t),
                              expr_text(node->graph->ir->arena, x->type.sizes[1]));
    }
    return NULL;
}

/* Inference: one multiplication and one addition a channel, which fold into a convolution before.
 */
static Value *build_scale_shift(Build *b, Node *node, Value *x, Value *mean, Value *variance)
{
    DType  compute = dtype_compute(x->type.dtype);
    int    rank = x->type.rank;
    Value *weight = optional_cast(b, node_tensor(node, "weight"), compute);
    Value *bias = optional_cast(b, node_tensor(node, "bias"), compute);
    mean = build_cast(b, mean, compute);
    Value *scale = build_with_float(b, "aten.add.Scalar", build_cast(b, variance, compute),
                                    node_float(node, "eps"));
    scale = build_unary(b, "aten.rsqrt.default", scale);
    if (weight)
        scale = mul(b, weight, scale);
    Value *shift = mul(b, mean, scale);
    shift = bias ? sub(b, bias, shift) : build_unary(b, "aten.neg.default", shift);
    scale = per_channel(b, scale, rank);
    Value *y = mul(b, build_cast(b, x, compute), scale);
    return build_cast(b, add(b, y, per_channel(b, shift, rank)), x->type.dtype);
}

/* (1 - momentum) * old + momentum * new, in the dtype of old. */
static Value *running(Build *b, Value *old, Value *value, double momentum)
{
    if (b->error)
        return NULL;
    Value *kept = build_with_float(b, "aten.mul.Scalar", old, 1 - momentum);
    Value *fresh =
        build_with_float(b, "aten.mul.Scalar", build_cast(b, value, old->type.dtype), momentum);
    return add(b, kept, fresh);
}

/* Results of a training step: y, mean, rstd and, where asked for, the new running statistics. */
static Error *build_training(Build *b, Node *node, Value *x, Value **results, bool wants_running)
{
    DType       dtype = x->type.dtype, compute = dtype_compute(dtype);
    int         dims[MAX_RANK], n = 0, rank = x->type.rank;
    ExprPool   *pool = b->graph->ir->exprs;
    const Expr *count = expr_int(pool, 1), *channels = x->type.sizes[1];
    for (int d = 0; d < rank; d++)
        if (d != 1) {
            dims[n++] = d;
            count = expr_mul(pool, count, x->type.sizes[d]);
        }
    Value *weight = optional_cast(b, node_tensor(node, "weight"), compute);
    Value *bias = optional_cast(b, node_tensor(node, "bias"), compute);
    Stats  s = build_stats(b, build_cast(b, x, compute), dims, n, node_float(node, "eps"));
    Value *y = mul(b, s.centered, s.rstd);
    bias = per_channel(b, bias, rank);
    y = affine(b, y, per_channel(b, weight, rank), bias);
    results[0] = build_cast(b, y, dtype);
    Value *mean = build_reshape(b, s.mean, &channels, 1);
    if (node->schema->n_returns >= 3) { /* in the dtype of the parameters, else of the input */
        const char *names[] = {"weight", "bias", "running_mean"};
        DType       stats = dtype;
        for (int i = 2; i >= 0; i--)
            if (arg_given(node, names[i]))
                stats = node_tensor(node, names[i])->type.dtype;
        results[1] = build_cast(b, mean, stats);
        results[2] = build_cast(b, build_reshape(b, s.rstd, &channels, 1), stats);
    }
    if (!wants_running || b->error)
        return b->error;
    /* The running variance is unbiased: n / (n - 1). */
    const Expr *less = expr_max(pool, expr_int(pool, 0), expr_sub(pool, count, expr_int(pool, 1)));
    Value      *variance = BUILD(b, "aten.mul.Scalar",
                                 arg_value(build_reshape(b, s.variance, &channels, 1)), arg_expr(count));
    if (!b->error)
        variance = BUILD(b, "aten.div.Scalar", arg_value(variance), arg_expr(less));
    double momentum = node_float(node, "momentum");
    results[node->schema->n_returns - 2] =
        running(b, node_tensor(node, "running_mean"), mean, momentum);
    results[node->schema->n_returns - 1] =
        running(b, node_tensor(node, "running_var"), variance, momentum);
    return b->error;
}

/* All forms; what they lack of "training" says which they are. */
static Error *expand_batch_norm(Node *node, Value **results)
{
    Build      b = build_at(node);
    Value     *x = node_tensor(node, "input");
    const Arg *training = arg_given(node, "training"), *mean = arg_given(node, "running_mean");
    bool       functional = strstr(node->schema->base, "functional") != NULL;
    bool       trains = training ? node_bool(node, "training") : functional;
    int        n = node->schema->n_returns;
    if (x->type.rank == 1 && expr_is_value(x->type.sizes[0], 0) && (trains || n == 1)) {
        /* Eager lets tensors of no elements pass; running statistics stay. */
        results[0] = build_unary(&b, "aten.clone.default", x);
        for (int i = 1; i < n; i++)
            results[i] = functional && i >= n - 2
                             ? node_tensor(node, i == n - 2 ? "running_mean" : "running_var")
                             : no_elements(&b, i == 3 ? DT_U8 : x->type.dtype);
        return b.error;
    }
    TRY(check_channels(node, x));
    if (trains && mean && !functional)
        return node_error(node, E_UNSUPPORTED,
                          "%s in training mode changes its running statistics in place",
                          node->schema->name);
    if (trains) {
        TRY(build_training(&b, node, x, results, functional));
        if (n == 6) /* a reserve that only the backward pass reads */
            results[3] = no_elements(&b, DT_U8);
        return b.error;
    }
    if (!mean || !arg_given(node, "running_var"))
        return node_error(node, E_VALUE, "inference needs running statistics");
    results[0] = build_scale_shift(&b, node, x, node_tensor(node, "running_mean"),
                                   node_tensor(node, "running_var"));
    DType stats = node_tensor(node, "running_mean")->type.dtype;
    for (int i = 1; i < n && !b.error; i++)
        results[i] = functional && i >= n - 2
                         ? node_tensor(node, i == n - 2 ? "running_mean" : "running_var")
                         : no_elements(&b, i == 3 ? DT_U8 : stats);
    return b.error;
}

/* ---- group norm, instance norm --------------------------------------------------------------- */
/* [N, C, …] as [N, G, C/G, …], normalized over all but the first two, with weight and bias as [G,
 * C/G, 1, …]. *y has the sizes of x; statistics are [N, G, 1, …]. */
static Stats build_group_norm(Build *b, Value *x, const Expr *groups, Value *weight, Value *bias,
                              double eps, Value **y)
{
    ExprPool   *pool = b->graph->ir->exprs;
    int         rank = x->type.rank + 1, dims[MAX_RANK];
    const Expr *sizes[MAX_RANK], *channel[MAX_RANK], *one = expr_int(pool, 1);
    DType       dtype = x->type.dtype, compute = dtype_compute(dtype);
    sizes[0] = x->type.sizes[0];
    sizes[1] = channel[0] = groups;
    sizes[2] = channel[1] =
        expr_is_value(groups, 1) ? x->type.sizes[1] : expr_floordiv(pool, x->type.sizes[1], groups);
    for (int d = 3; d < rank; d++) {
        sizes[d] = x->type.sizes[d - 1];
        channel[d - 1] = one;
    }
    for (int d = 2; d < rank; d++)
        dims[d - 2] = d;
    Value *split = build_reshape(b, build_cast(b, x, compute), sizes, rank);
    Stats  s = build_stats(b, split, dims, rank - 2, eps);
    Value *out = mul(b, s.centered, s.rstd);
    weight = weight ? build_reshape(b, build_cast(b, weight, compute), channel, rank - 1) : NULL;
    bias = bias ? build_reshape(b, build_cast(b, bias, compute), channel, rank - 1) : NULL;
    out = build_reshape(b, affine(b, out, weight, bias), x->type.sizes, x->type.rank);
    *y = build_cast(b, out, dtype);
    return s;
}

static Error *check_groups(const Node *node, const Value *x, const char *param)
{
    int64_t groups, channels;
    TRY(need_float(node, x));
    TRY(shape_const_int(node, param, &groups));
    if (x->type.rank < 2 || x->type.rank >= MAX_RANK)
        return node_error(node, E_VALUE, "the input has rank %d", x->type.rank);
    if (groups < 1 || (expr_is_int(x->type.sizes[1], &channels) && channels % groups))
        return node_error(node, E_VALUE, "%s channels cannot be split into %lld groups",
                          expr_text(node->graph->ir->arena, x->type.sizes[1]), (long long)groups);
    return NULL;
}

static Error *expand_group_norm(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *x = node_tensor(node, "input");
    bool   native = node->schema->n_returns == 3;
    TRY(check_groups(node, x, native ? "group" : "num_groups"));
    const Expr *groups = arg_as_expr(node_arg(node, native ? "group" : "num_groups"));
    Stats       s = build_group_norm(&b, x, groups, node_tensor(node, "weight"),
                                     node_tensor(node, "bias"), node_float(node, "eps"), &results[0]);
    if (native) {
        const Value *weight = node_tensor(node, "weight");
        DType        dtype = weight ? weight->type.dtype : x->type.dtype;
        const Expr  *sizes[2] = {x->type.sizes[0], groups};
        results[1] = build_cast(&b, build_reshape(&b, s.mean, sizes, 2), dtype);
        results[2] = build_cast(&b, build_reshape(&b, s.rstd, sizes, 2), dtype);
    }
    return b.error;
}

/* Statistics of each image and channel, or running ones as in batch norm. */
static Error *expand_instance_norm(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *x = node_tensor(node, "input");
    TRY(check_channels(node, x));
    if (node_bool(node, "use_input_stats")) {
        if (arg_given(node, "running_mean"))
            return node_error(node, E_UNSUPPORTED,
                              "instance_norm that changes its running statistics in place");
        build_group_norm(&b, x, x->type.sizes[1], node_tensor(node, "weight"),
                         node_tensor(node, "bias"), node_float(node, "eps"), &results[0]);
        return b.error;
    }
    if (!arg_given(node, "running_mean") || !arg_given(node, "running_var"))
        return node_error(node, E_VALUE,
                          "instance_norm without input statistics needs running ones");
    results[0] = build_scale_shift(&b, node, x, node_tensor(node, "running_mean"),
                                   node_tensor(node, "running_var"));
    return b.error;
}

/* Batch norm of one batch with a channel for each instance; the new statistics are the means over
 * instances, as in at::instance_norm. */
static Error *expand_instance_norm_functional(Node *node, Value **results)
{
    Build       b = build_at(node);
    ExprPool   *pool = shape_pool(node);
    Value      *x = node_tensor(node, "input"), *v[4];
    const char *names[4] = {"weight", "bias", "running_mean", "running_var"};
    const Expr *sizes[MAX_RANK], *each[2];
    int64_t     first = 0;
    TRY(check_channels(node, x));
    memcpy(sizes, x->type.sizes, sizeof *sizes * (size_t)x->type.rank);
    memcpy(each, x->type.sizes, sizeof each);
    sizes[0] = expr_int(pool, 1);
    sizes[1] = expr_mul(pool, each[0], each[1]);
    for (int i = 0; i < 4; i++) {
        v[i] = node_tensor(node, names[i]);
        if (v[i])
            v[i] = BUILD(&b, "aten.repeat.default", arg_value(v[i]), arg_exprs(b.graph, each, 1));
    }
    Value *row = build_reshape(&b, x, sizes, x->type.rank);
    if (b.error)
        return b.error;
    Node *f = BUILD_NODE(&b, "aten._native_batch_norm_legit_functional.default", arg_value(row),
                         v[0] ? arg_value(v[0]) : arg_none(), v[1] ? arg_value(v[1]) : arg_none(),
                         arg_value(v[2]), arg_value(v[3]), arg_bool(b.graph, true),
                         *node_arg(node, "momentum"), *node_arg(node, "eps"));
    if (b.error)
        return b.error;
    results[0] = build_reshape(&b, f->results[0], x->type.sizes, x->type.rank);
    for (int i = 1; i < 3; i++)
        results[i] =
            BUILD(&b, "aten.mean.dim", arg_value(build_reshape(&b, f->results[2 + i], each, 2)),
                  arg_ints(b.graph, &first, 1));
    return b.error;
}

/* ---- weight norm ----------------------------------------------------------------------------- */
/* v * (g / norm of v over all dims but one); the second result is the norm. */
static Error *expand_weight_norm(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *v = node_tensor(node, "v"), *g = node_tensor(node, "g");
    Value *norm = BUILD(&b, "aten.norm_except_dim.default", arg_value(v), arg_int(b.graph, 2),
                        *node_arg(node, "dim"));
    results[0] = mul(&b, v, build_binary(&b, "aten.div.Tensor", g, norm));
    if (node->schema->n_returns == 2)
        results[1] = norm;
    return b.error;
}

/* ---- rows ------------------------------------------------------------------------------------ */
/* Kept whole for patterns (attention) until the late decomposition. */
#define EXPAND_LATE(text, fn, ...)                                                                 \
    {                                                                                              \
        .schema = text, .kind = OP_COMPOSITE, .expand_fn = fn, .keep_for_template = true,          \
        __VA_ARGS__                                                                                \
    }

const OpDesc norm_ops[] = {
    EXPAND_LATE("aten::softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor",
                expand_softmax,
                .samples = SOFTMAX_SAMPLES " | self=i64[3] dim=0 dtype=f32 | self=bf16[4] dim=0 "
                                           "dtype=f32 | ! self=f32[3] dim=1 | ! self=i64[3] dim=0"),
    EXPAND_LATE("aten::_softmax(Tensor self, int dim, bool half_to_float) -> Tensor",
                expand_softmax,
                .samples = "self=f32[2,3,5] dim=-1 half_to_float=false | self=f16[7] dim=0 "
                           "half_to_float=false | self=f32[3,4] dim=0 half_to_float=false"),
    EXPAND_LATE("aten::_safe_softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor",
                expand_softmax,
                .samples =
                    "self=f32[2,3,5] dim=-1 | self=f32[2,4]@[-inf,-inf,-inf,-inf,1,2,-inf,0] dim=1 "
                    "| self=bf16[3,4] dim=0"),
    EXPAND_LATE("aten::log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor",
                expand_softmax,
                .samples = SOFTMAX_SAMPLES " | self=i64[3] dim=0 dtype=f32 | self=bf16[4] dim=0 "
                                           "dtype=f32 | ! self=f32[3] dim=1 | ! self=i64[3] dim=0"),
    EXPAND_LATE("aten::_log_softmax(Tensor self, int dim, bool half_to_float) -> Tensor",
                expand_softmax,
                .samples = "self=f32[2,3,5] dim=-1 half_to_float=false | self=f16[7] dim=0 "
                           "half_to_float=false | self=f32[3,4] dim=0 half_to_float=false"),
    EXPAND_LATE("aten::special_softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor",
                expand_softmax, .samples = "self=f32[3,4] dim=1"),
    EXPAND_LATE(
        "aten::special_log_softmax(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor",
        expand_softmax, .samples = "self=f32[3,4] dim=1"),
    EXPAND_LATE(
        "aten::layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, "
        "Tensor? bias=None, "
        "float eps=1.0000000000000001e-05, bool cudnn_enable=True) -> Tensor",
        expand_layer_norm,
        .samples =
            "input=f32[2,3,8] normalized_shape=[8] weight=f32[8] bias=f32[8] | input=f32[2,3,4] "
            "normalized_shape=[3,4] | input=bf16[3,16] normalized_shape=[16] weight=bf16[16] "
            "bias=bf16[16] | input=f32[4,5] normalized_shape=[5] weight=f32[5] eps=0.1 | "
            "input=f32[0,4] normalized_shape=[4] | input=f64[3,7] normalized_shape=[7] | ! "
            "input=f32[2,8] normalized_shape=[4]"),
    EXPAND_LATE("aten::native_layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight, "
                "Tensor? bias, "
                "float eps) -> (Tensor, Tensor, Tensor)",
                expand_layer_norm,
                .samples =
                    "input=f32[2,3,8] normalized_shape=[8] weight=f32[8] bias=f32[8] eps=1e-5 | "
                    "input=f32[2,3,4] normalized_shape=[3,4] weight=None bias=None eps=1e-3 | "
                    "input=bf16[3,16] normalized_shape=[16] weight=None bias=None eps=1e-5"),
    EXPAND_LATE("aten::rms_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, "
                "float? eps=None) -> "
                "Tensor",
                expand_rms_norm,
                .samples = "input=f32[2,3,8] normalized_shape=[8] weight=f32[8] | input=f32[2,3,4] "
                           "normalized_shape=[3,4] | input=bf16[3,16] normalized_shape=[16] "
                           "weight=bf16[16] eps=1e-6"),
    EXPAND_LATE("aten::_fused_rms_norm(Tensor input, int[] normalized_shape, Tensor? weight, "
                "float? eps) -> "
                "(Tensor, Tensor)",
                expand_rms_norm,
                .samples = "input=f32[2,3,8] normalized_shape=[8] weight=f32[8] eps=1e-5"),
    EXPAND_FN(
        "aten::batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, "
        "Tensor? "
        "running_var, bool training, float momentum, float eps, bool cudnn_enabled) -> Tensor",
        expand_batch_norm,
        .samples =
            "input=f32[2,3,4,5] weight=f32[3] bias=f32[3] running_mean=f32[3] "
            "running_var=f32[3]@0.1..2 training=false momentum=0.1 eps=1e-5 cudnn_enabled=false | "
            "input=f32[4,3] weight=None bias=None running_mean=f32[3] running_var=f32[3]@0.1..2 "
            "training=false momentum=0.1 eps=1e-3 cudnn_enabled=false | input=f32[0] weight=None "
            "bias=None running_mean=f32[0] running_var=f32[0] training=false momentum=0.1 eps=1e-5 "
            "cudnn_enabled=false | input=bf16[2,3,4] "
            "weight=bf16[3] bias=bf16[3] running_mean=bf16[3] running_var=bf16[3]@0.5..2 "
            "training=false momentum=0.1 eps=1e-5 cudnn_enabled=false | input=f32[4,3,2] "
            "weight=f32[3] bias=f32[3] running_mean=None running_var=None training=true "
            "momentum=0.1 eps=1e-5 cudnn_enabled=false"),
    EXPAND_FN("aten::native_batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? "
              "running_mean, Tensor? "
              "running_var, bool training, float momentum, float eps) -> (Tensor, Tensor, Tensor)",
              expand_batch_norm,
              .samples = "input=f32[2,3,4,5] weight=f32[3] bias=f32[3] running_mean=f32[3] "
                         "running_var=f32[3]@0.1..2 training=false momentum=0.1 eps=1e-5"),
    EXPAND_FN("aten::_native_batch_norm_legit(Tensor input, Tensor? weight, Tensor? bias, "
              "Tensor(a!) running_mean, "
              "Tensor(b!) running_var, bool training, float momentum, float eps) -> (Tensor, "
              "Tensor, Tensor)",
              expand_batch_norm,
              .samples = "input=f32[2,3,4,5] weight=f32[3] bias=f32[3] running_mean=f32[3] "
                         "running_var=f32[3]@0.1..2 training=false momentum=0.1 eps=1e-5"),
    EXPAND_FN(
        "aten::_native_batch_norm_legit.no_stats(Tensor input, Tensor? weight, Tensor? bias, "
        "bool training, "
        "float momentum, float eps) -> (Tensor, Tensor, Tensor)",
        expand_batch_norm,
        .samples =
            "input=f32[2,3,4,5] weight=f32[3] bias=f32[3] training=true momentum=0.1 eps=1e-5"),
    EXPAND_FN("aten::_native_batch_norm_legit_functional(Tensor input, Tensor? weight, Tensor? "
              "bias, Tensor "
              "running_mean, Tensor running_var, bool training, float momentum, float eps) -> "
              "(Tensor, Tensor, "
              "Tensor, Tensor running_mean_out, Tensor running_var_out)",
              expand_batch_norm,
              .samples = "input=f32[2,3,4,5] weight=f32[3] bias=f32[3] running_mean=f32[3] "
                         "running_var=f32[3]@0.1..2 training=true momentum=0.1 eps=1e-5"),
    EXPAND_FN(
        "aten::_native_batch_norm_legit_no_training(Tensor input, Tensor? weight, Tensor? bias, "
        "Tensor "
        "running_mean, Tensor running_var, float momentum, float eps) -> (Tensor, Tensor, Tensor)",
        expand_batch_norm,
        .samples = "input=f32[2,3,4,5] weight=f32[3] bias=f32[3] running_mean=f32[3] "
                   "running_var=f32[3]@0.1..2 momentum=0.1 eps=1e-5"),
    EXPAND_FN("aten::_batch_norm_no_update(Tensor input, Tensor? weight, Tensor? bias, Tensor? "
              "running_mean, "
              "Tensor? running_var, float momentum, float eps) -> (Tensor, Tensor, Tensor, Tensor)",
              expand_batch_norm,
              .samples = "input=f32[2,3,4,5] weight=f32[3] bias=f32[3] running_mean=f32[3] "
                         "running_var=f32[3]@0.1..2 momentum=0.1 eps=1e-5"),
    EXPAND_FN("aten::_batch_norm_with_update_functional(Tensor input, Tensor? weight, Tensor? "
              "bias, Tensor "
              "running_mean, Tensor running_var, float momentum, float eps) -> (Tensor, Tensor, "
              "Tensor, Tensor, "
              "Tensor running_mean_out, Tensor running_var_out)",
              expand_batch_norm,
              .samples = "input=f32[2,3,4,5] weight=f32[3] bias=f32[3] running_mean=f32[3] "
                         "running_var=f32[3]@0.1..2 momentum=0.1 eps=1e-5"),
    EXPAND_FN("aten::group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? "
              "bias=None, float "
              "eps=1.0000000000000001e-05, bool cudnn_enabled=True) -> Tensor",
              expand_group_norm,
              .samples =
                  "input=f32[2,6,4] num_groups=3 weight=f32[6] bias=f32[6] | input=f32[2,4,3,3] "
                  "num_groups=2 | input=bf16[1,4,5] num_groups=1 weight=bf16[4] bias=bf16[4] | "
                  "input=f32[2,4] num_groups=4 | ! input=f32[2,5,4] num_groups=2"),
    EXPAND_FN("aten::native_group_norm(Tensor input, Tensor? weight, Tensor? bias, SymInt N, "
              "SymInt C, SymInt HxW, "
              "int group, float eps) -> (Tensor, Tensor, Tensor)",
              expand_group_norm,
              .samples =
                  "input=f32[2,6,4] weight=f32[6] bias=f32[6] N=2 C=6 HxW=4 group=3 eps=1e-5 | "
                  "input=f32[2,4,3,3] weight=None bias=None N=2 C=4 HxW=9 group=2 eps=1e-5"),
    EXPAND_FN(
        "aten::instance_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? "
        "running_mean, Tensor? "
        "running_var, bool use_input_stats, float momentum, float eps, bool cudnn_enabled) "
        "-> Tensor",
        expand_instance_norm,
        .samples =
            "input=f32[2,3,4,5] weight=f32[3] bias=f32[3] running_mean=None running_var=None "
            "use_input_stats=true momentum=0.1 eps=1e-5 cudnn_enabled=false | input=f32[2,3,7] "
            "weight=None bias=None running_mean=f32[3] running_var=f32[3]@0.1..2 "
            "use_input_stats=false momentum=0.1 eps=1e-5 cudnn_enabled=false"),
    EXPAND_FN(
        INSTANCE_NORM_FUNCTIONAL, expand_instance_norm_functional,
        .samples =
            "input=f32[2,3,4] running_mean=f32[3] running_var=f32[3]@0..2 momentum=0.3 eps=0.001 | "
            "input=f32[2,2,3,3] weight=f32[2] bias=f32[2] running_mean=f32[2] "
            "running_var=f32[2]@0..2 "
            "momentum=0.1 eps=0.00001"),
    EXPAND_FN("aten::_weight_norm(Tensor v, Tensor g, int dim=0) -> Tensor", expand_weight_norm,
              .samples = "v=f32[3,4] g=f32[3,1] | v=f32[3,4,2] g=f32[1,4,1] dim=1"),
    EXPAND_FN("aten::_weight_norm_interface(Tensor v, Tensor g, int dim=0) -> (Tensor, Tensor)",
              expand_weight_norm,
              .samples = "v=f32[3,4] g=f32[3,1] | v=f32[3,4,2] g=f32[1,1,2] dim=2"),
    {0},
};
