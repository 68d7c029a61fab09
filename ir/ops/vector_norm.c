/* Norms of vectors and matrices, sums of powers, distances.
 *
 *   aten.linalg_vector_norm.default(%x, 2, [1])       sqrt(sum(x * x, [1]))
 *
 * f16 and bf16 are computed in f32 and rounded once. */
#include "ir/ops/linalg.h"
#include "ir/ops/reduction.h"
#include "ir/ops/rows.h"
#include "ir/ops/sample_texts.h"

#include <math.h>
#include <string.h>

/* ---- norms ----------------------------------------------------------------------------------- */
/* sum |x|^p, of x in the dtype that computes; how many are not 0 where p is. */
static Value *build_power_sum(Build *b, Value *x, double p, const ReduceDims *dims, bool keepdim)
{
    Value *power;
    if (p == 0)
        power = build_cast(b, build_with_float(b, "aten.ne.Scalar", x, 0), x->type.dtype);
    else if (p == 2)
        power = build_binary(b, "aten.mul.Tensor", x, x);
    else
        power = build_unary(b, "aten.abs.default", x);
    if (p != 0 && p != 1 && p != 2)
        power = build_with_float(b, "aten.pow.Tensor_Scalar", power, p);
    return build_reduce(b, "aten.sum.dim_IntList", power, dims, keepdim);
}

/* (sum |x|^p)^(1/p) and its limits. */
static Value *build_norm(Build *b, Value *x, double p, const ReduceDims *dims, bool keepdim)
{
    if (b->error)
        return NULL;
    if (isinf(p))
        return build_reduce(b, p > 0 ? "aten.amax.default" : "aten.amin.default",
                            build_unary(b, "aten.abs.default", x), dims, keepdim);
    Value *total = build_power_sum(b, x, p, dims, keepdim);
    if (p == 2)
        return build_unary(b, "aten.sqrt.default", total);
    return p == 0 || p == 1 ? total : build_with_float(b, "aten.pow.Tensor_Scalar", total, 1 / p);
}

typedef Value *BuildNorm(Build *b, Value *x, double p, const ReduceDims *dims, bool keepdim);

/* The norm of the node's "self" over dims in its dtype argument. */
static Error *build_node_norm(Node *node, BuildNorm *build, double p, const ReduceDims *dims,
                              bool keepdim, Value **result)
{
    Build      b = build_at(node);
    Value     *x = node_tensor(node, "self");
    const Arg *given = reduce_arg(node, "dtype");
    DType      dtype = given && given->kind == ARG_DTYPE ? given->dtype : x->type.dtype;
    TRY(reduce_need_float(node, dtype));
    x = build_cast(&b, x, dtype_compute(dtype));
    *result = b.error ? NULL : build_cast(&b, build(&b, x, p, dims, keepdim), dtype);
    return b.error;
}

/* linalg_vector_norm has "ord", norm has "p"; None is 2. */
static double order_of(const Node *node)
{
    const char *name = schema_param(node->schema, "ord") >= 0 ? "ord" : "p";
    return reduce_arg(node, name) ? node_float(node, name) : 2;
}

static Error *expand_norm(Node *node, Value **results)
{
    ReduceDims dims;
    TRY(reduce_dims(node, shape_type(node, "self")->rank, &dims));
    bool is_sum = !strcmp(node->schema->base, "linalg__powsum");
    return build_node_norm(node, is_sum ? build_power_sum : build_norm, order_of(node), &dims,
                           reduce_flag(node, "keepdim"), &results[0]);
}

/* Matrix norms by sums of columns or rows: 1, -1, inf, -inf.  dims.dim: rows, columns. */
static Error *build_matrix_norm(Node *node, double order, ReduceDims dims, Value **result)
{
    Build      b = build_at(node);
    Value     *x = node_tensor(node, "self");
    bool       keepdim = reduce_flag(node, "keepdim"), by_column = fabs(order) == 1;
    const Arg *given = reduce_arg(node, "dtype");
    DType      dtype = given && given->kind == ARG_DTYPE ? given->dtype : x->type.dtype;
    if (!by_column && !isinf(order))
        return node_error(node, E_VALUE, "a matrix norm of order %g", order);
    TRY(reduce_need_float(node, dtype));
    ReduceDims summed = {{dims.dim[by_column ? 0 : 1]}, 1},
               chosen = {{dims.dim[by_column ? 1 : 0]}, 1};
    Value *sums =
        build_reduce(&b, "aten.sum.dim_IntList",
                     build_unary(&b, "aten.abs.default", build_cast(&b, x, dtype_compute(dtype))),
                     &summed, true);
    Value *norm = build_reduce(&b, order > 0 ? "aten.amax.default" : "aten.amin.default", sums,
                               &chosen, true);
    *result = build_cast(&b, reduce_drop_dims(&b, norm, &dims, keepdim), dtype);
    return b.error;
}

/* linalg_norm: without an order all is one vector; with one, two dims are a matrix. */
static Error *expand_linalg_norm(Node *node, Value **results)
{
    int        rank = shape_type(node, "self")->rank;
    const Arg *order = reduce_arg(node, "ord");
    ReduceDims dims;
    bool       is_matrix = strstr(node->schema->base, "matrix") != NULL;
    TRY(reduce_dims(node, rank, &dims));
    if (order && !reduce_arg(node, "dim") && rank > 2 && !is_matrix)
        return node_error(node, E_VALUE, "ord without dim wants 1 or 2 dims, not %d", rank);
    is_matrix |= order && dims.n == 2;
    if (is_matrix && dims.n != 2)
        return node_error(node, E_VALUE, "a matrix norm over %d dims", dims.n);
    bool is_text = order && order->kind == ARG_STRING;
    bool frobenius = is_text && !strcmp(order->string, "fro");
    if (is_text && !strcmp(order->string, "nuc") && dims.n == 2)
        return la_expand_spectral_norm(node, SPECTRAL_SUM, dims.dim, &results[0]);
    if (is_text && !frobenius)
        return node_error(node, E_VALUE, "norm \"%s\" over %d dims", order->string, dims.n);
    if (is_matrix && !frobenius && fabs(node_float(node, "ord")) == 2)
        return la_expand_spectral_norm(
            node, node_float(node, "ord") > 0 ? SPECTRAL_LARGEST : SPECTRAL_SMALLEST, dims.dim,
            &results[0]);
    if (!is_matrix || frobenius)
        return build_node_norm(node, build_norm, order && !frobenius ? node_float(node, "ord") : 2,
                               &dims, reduce_flag(node, "keepdim"), &results[0]);
    return build_matrix_norm(node, node_float(node, "ord"), dims, &results[0]);
}

/* Norm over all dims but one, which stays in its place; dim -1: over all. */
static Error *expand_norm_except_dim(Node *node, Value **results)
{
    Build      b = build_at(node);
    Value     *x = node_tensor(node, "v");
    ReduceDims dims = {.n = 0};
    int        kept = -1;
    TRY(reduce_need_float(node, x->type.dtype));
    if (node_int(node, "dim") != -1)
        TRY(shape_dim(node, "dim", x->type.rank, &kept));
    for (int d = 0; d < x->type.rank; d++)
        if (d != kept)
            dims.dim[dims.n++] = d;
    DType  dtype = x->type.dtype;
    Value *wide = build_cast(&b, x, dtype_compute(dtype));
    double p = (double)node_int(node, "pow");
    if (dims.n == 0) /* an empty list would mean all dims */
        results[0] = build_unary(&b, "aten.abs.default", x);
    else
        results[0] = build_cast(&b, build_norm(&b, wide, p, &dims, kept >= 0), dtype);
    return b.error;
}

static Error *expand_dist(Node *node, Value **results)
{
    Build      b = build_at(node);
    ReduceDims dims = {.n = 0};
    Value     *d =
        build_binary(&b, "aten.sub.Tensor", node_tensor(node, "self"), node_tensor(node, "other"));
    if (b.error)
        return b.error;
    DType dtype = d->type.dtype;
    TRY(reduce_need_float(node, dtype));
    for (; dims.n < d->type.rank; dims.n++)
        dims.dim[dims.n] = dims.n;
    results[0] = build_cast(
        &b, build_norm(&b, build_cast(&b, d, dtype_compute(dtype)), order_of(node), &dims, false),
        dtype);
    return b.error;
}

/* Slices along dim whose p-norm is above maxnorm are scaled down to it. */
static Error *expand_renorm(Node *node, Value **results)
{
    Build      b = build_at(node);
    Value     *x = node_tensor(node, "self");
    ReduceDims others = {.n = 0};
    int        dim;
    double     most = node_float(node, "maxnorm");
    DType      dtype = x->type.dtype;
    if (!dtype_info(dtype)->is_complex)
        TRY(reduce_need_float(node, dtype));
    TRY(shape_dim(node, "dim", x->type.rank, &dim));
    if (x->type.rank < 2 || node_float(node, "p") <= 0 || most < 0)
        return node_error(node, E_VALUE, "renorm needs rank 2 or more, p > 0 and maxnorm >= 0");
    for (int d = 0; d < x->type.rank; d++)
        if (d != dim)
            others.dim[others.n++] = d;
    Value *wide = build_cast(&b, x, dtype_compute(dtype));
    Value *norm = b.error ? NULL
                          : BUILD(&b, "aten.linalg_vector_norm.default", arg_value(wide),
                                  *node_arg(node, "p"), arg_dims(b.graph, others.dim, others.n),
                                  arg_bool(b.graph, true));
    /* 1e-7 as in eager PyTorch (Normalization.cpp, renorm_scale_factor) */
    Value *factor = BUILD(&b, "aten.add.Scalar", arg_value(norm), arg_float(1e-7));
    factor = BUILD(&b, "aten.mul.Scalar",
                   arg_value(build_unary(&b, "aten.reciprocal.default", factor)), arg_float(most));
    Value *above = BUILD(&b, "aten.gt.Scalar", arg_value(norm), arg_float(most));
    factor = BUILD(&b, "aten.where.ScalarOther", arg_value(above), arg_value(factor),
                   arg_int(b.graph, 1));
    Value *y = BUILD(&b, "aten.mul.Tensor", arg_value(wide), arg_value(factor));
    results[0] = b.error ? NULL : build_cast(&b, y, dtype);
    return b.error;
}

/* ---- rows ------------------------------------------------------------------------------------ */
const OpDesc vector_norm_ops[] = {
    EXPAND_FN(
        "aten::renorm(Tensor self, Scalar p, int dim, Scalar maxnorm) -> Tensor", expand_renorm,
        .samples = "self=f32[3,4] p=2 dim=0 maxnorm=1.5 | self=f32[2,3,4] p=1 dim=-1 maxnorm=2 | "
                   "self=f32[3,2] p=inf dim=1 maxnorm=0.5 | self=bf16[3,4] p=2 dim=0 maxnorm=1"),
    EXPAND_FN(
        "aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool "
        "keepdim=False, *, "
        "ScalarType? dtype=None) -> Tensor",
        expand_norm,
        .samples =
            "self=f32[3,5] | self=f32[3,5] ord=1 dim=[1] | self=f32[3,5] ord=inf dim=[0] "
            "keepdim=true | self=f32[3,5] ord=-inf | self=f32[3,5]@[0,1,2] ord=0 dim=[1] | "
            "self=f32[3,5] ord=3.5 | self=f32[4] ord=-1 | self=bf16[5] dtype=f32 | self=f16[9] | "
            "self=f32[0] | self=f32[2,3,4] dim=[0,2] | self=f32[] | ! self=i64[4]"),
    EXPAND_FN(
        "aten::linalg__powsum(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, "
        "*, ScalarType? dtype=None) -> Tensor",
        expand_norm,
        .samples = "self=f32[3,5] | self=f32[3,5] ord=3 dim=[1] keepdim=true | self=bf16[9] "
                   "ord=1 dtype=f32 | self=f32[0]"),
    EXPAND_FN("aten::norm.Scalar(Tensor self, Scalar p=2) -> Tensor", expand_norm,
              .samples = "self=f32[3,5] | self=f32[5] p=1 | self=f32[5] p=inf"),
    EXPAND_FN("aten::norm.ScalarOpt_dim(Tensor self, Scalar? p, int[1] dim, bool keepdim=False) -> "
              "Tensor",
              expand_norm,
              .samples = "self=f32[3,5] p=2 dim=[1] | self=f32[3,5] p=None dim=[0] keepdim=true | "
                         "self=f32[3,5] p=0 dim=[0,1]"),
    EXPAND_FN("aten::norm.ScalarOpt_dim_dtype(Tensor self, Scalar? p, int[1] dim, bool keepdim, *, "
              "ScalarType "
              "dtype) -> Tensor",
              expand_norm,
              .samples = "self=f32[3,5] p=2 dim=[1] keepdim=false dtype=f64 | self=bf16[3,5] p=1 "
                         "dim=[1] keepdim=true dtype=f32"),
    EXPAND_FN("aten::norm.ScalarOpt_dtype(Tensor self, Scalar? p, *, ScalarType dtype) -> Tensor",
              expand_norm,
              .samples = "self=f32[3,5] p=2 dtype=f64 | self=bf16[5] p=None dtype=f32"),
    EXPAND_FN("aten::native_norm(Tensor self, Scalar p=2) -> Tensor", expand_norm,
              .samples = "self=f32[3,5] | self=f32[5] p=1"),
    EXPAND_FN("aten::native_norm.ScalarOpt_dim_dtype(Tensor self, Scalar? p, int[1] dim, bool "
              "keepdim, ScalarType? "
              "dtype) -> Tensor",
              expand_norm,
              .samples = "self=f32[3,5] p=2 dim=[1] keepdim=false dtype=None | self=f32[3,5] p=1 "
                         "dim=[0] keepdim=true dtype=f64"),
    EXPAND_FN("aten::frobenius_norm.dim(Tensor self, int[1] dim, bool keepdim=False) -> Tensor",
              expand_norm,
              .samples = "self=f32[3,5] dim=[0,1] | self=f32[2,3,4] dim=[1,2] keepdim=true | "
                         "self=f32[3] dim=[0] | self=f64[2,2] dim=[-2,-1]"),
    EXPAND_FN(
        "aten::linalg_norm(Tensor self, Scalar? ord=None, int[1]? dim=None, bool keepdim=False, *, "
        "ScalarType? dtype=None) -> Tensor",
        expand_linalg_norm,
        .samples = "self=f32[3,5] | self=f32[5] ord=1 | self=f32[3,4] ord=1 | self=f32[3,4] "
                   "ord=inf dim=[0,1] keepdim=true | self=f32[2,3] ord=2 dim=[1] | self=f32[4] "
                   "ord=inf | self=f32[3,4] ord=-1 | ! self=f32[2,2,2] ord=1"),
    EXPAND_FN(
        "aten::linalg_norm.ord_str(Tensor self, str ord, int[1]? dim=None, bool keepdim=False, *, "
        "ScalarType? dtype=None) -> Tensor",
        expand_linalg_norm,
        .samples = "self=f32[3,5] ord='fro' | self=f32[2,3,4] ord='fro' dim=[0,2] keepdim=true | "
                   "self=f32[3,3] ord='nuc'"),
    EXPAND_FN(
        "aten::linalg_matrix_norm(Tensor self, Scalar ord, int[] dim=[-2, -1], bool "
        "keepdim=False, *, "
        "ScalarType? dtype=None) -> Tensor",
        expand_linalg_norm,
        .samples =
            "self=f32[3,5] ord=1 | self=f32[2,3,4] ord=-inf | self=f32[3,5] ord=inf keepdim=true | "
            "self=f32[2,3,4] ord=-1 dim=[0,2] | self=f32[3,5] ord=2 | self=f32[2,3,4] ord=-2 "
            "dim=[2,0] keepdim=true | self=f64[2,3] ord=2 | ! self=f32[3] ord=1 | ! self=f32[3,3] "
            "ord=3"),
    EXPAND_FN(
        "aten::linalg_matrix_norm.str_ord(Tensor self, str ord=\"fro\", int[] dim=[-2, -1], bool "
        "keepdim=False, *, ScalarType? dtype=None) -> Tensor",
        expand_linalg_norm,
        .samples =
            "self=f32[3,5] | self=f32[2,3,4] ord='fro' keepdim=true | self=f32[2,4,3] ord='nuc' | "
            "self=c64[3,3] ord='nuc' | ! self=f32[3,3] ord='max'"),
    EXPAND_FN(
        "aten::norm_except_dim(Tensor v, int pow=2, int dim=0) -> Tensor", expand_norm_except_dim,
        .samples = "v=f32[3,4] | v=f32[2,3,4] dim=2 | v=f32[3,4] pow=1 dim=1 | v=f32[3,4] dim=-1"),
    EXPAND_FN("aten::dist(Tensor self, Tensor other, Scalar p=2) -> Tensor", expand_dist,
              .samples =
                  "self=f32[3,4] other=f32[3,4] | self=f32[3,4] other=f32[4] p=1 | self=f32[5] "
                  "other=f32[5] p=inf | self=f32[5] other=f32[5] p=0 | self=bf16[5] other=bf16[5]"),
    {0},
};
