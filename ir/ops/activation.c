/* Activations: what stands between the layers of a network.
 *
 * In: a node.  Out: `body`, as in pointwise.c, or nodes before it:
 *
 *   aten.silu.default(%a)      mul(self, sigmoid(self)) */
#include "ir/ops/pointwise_body.h"
#include "ir/ops/pointwise_check.h"
#include "ir/ops/rows.h"
#include "ir/ops/sample_texts.h"
#include "ir/ops/shape_util.h"

#include <string.h>

/* 0.5 x (1 + erf(x / sqrt 2)), or the approximation by tanh (Hendrycks and Gimpel, arXiv
 * 1606.08415). */
static Scalar *body_gelu(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    const Arg *approximate = node_arg(node, "approximate");
    bool       is_tanh = approximate->kind == ARG_STRING && !strcmp(approximate->string, "tanh");
    return body_text(cx, node, in, dtype,
                     is_tanh ? "mul(mul(0.5, self), tanh_plus_1(mul(0.7978845608028654, "
                               "add(self, mul(0.044715, mul(self, mul(self, self)))))))"
                             : "mul(self, ndtr(self))");
}

static Error *infer_gelu(Node *node)
{
    const Arg *approximate = node_arg(node, "approximate");
    if (approximate->kind == ARG_STRING && strcmp(approximate->string, "none") &&
        strcmp(approximate->string, "tanh"))
        return node_error(node, E_VALUE, "approximate is \"%s\", not \"none\" or \"tanh\"",
                          approximate->string);
    return infer_floating(node);
}

static Error *expand_glu(Node *node, Value **results)
{
    Build   b = build_at(node);
    Value  *x = node_tensor(node, "self");
    int     dim;
    int64_t size;
    TRY(shape_dim(node, "dim", x->type.rank, &dim));
    if (x->type.rank == 0)
        return node_error(node, E_VALUE, "glu of a tensor without dims");
    const Expr *n = x->type.sizes[dim], *zero = shape_int(node, 0);
    if (expr_is_int(n, &size) && size % 2)
        return node_error(node, E_VALUE, "glu halves dim %d, whose size %lld is odd", dim,
                          (long long)size);
    const Expr *half = expr_floordiv(shape_pool(node), n, shape_int(node, 2));
    Value      *a = build_slice(&b, x, dim, zero, half), *gate = build_slice(&b, x, dim, half, n);
    if (!b.error)
        gate = BUILD(&b, "aten.sigmoid.default", arg_value(gate));
    if (!b.error)
        results[0] = BUILD(&b, "aten.mul.Tensor", arg_value(a), arg_value(gate));
    return b.error;
}

/* One slope, or one a channel (dim 1). */
static Error *expand_prelu(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value      *x = node_tensor(node, "self"), *w = node_tensor(node, "weight");
    const Expr *sizes[MAX_RANK], *n = tensor_numel(b.graph->ir, &w->type);
    int         rank = x->type.rank;
    for (int d = 0; d < rank; d++)
        sizes[d] = shape_int(node, 1);
    if (!expr_is_value(n, 1)) {
        const Expr *channels = rank >= 2 ? x->type.sizes[1] : shape_int(node, 1);
        if (expr_is_const(channels) && expr_is_const(n) && channels != n)
            return node_error(node, E_VALUE, "weight has %s elements for %s channels",
                              expr_text(b.graph->ir->arena, n),
                              expr_text(b.graph->ir->arena, channels));
        sizes[1] = n;
    }
    w = build_reshape(&b, w, sizes, rank);
    if (!b.error)
        results[0] = BUILD(&b, "aten._prelu_kernel.default", arg_value(x), arg_value(w));
    return b.error;
}

/* ---- rows ------------------------------------------------------------------------------------ */
const OpDesc activation_ops[] = {
    BODY_FN(
        "aten::gelu(Tensor self, *, str approximate=\"none\") -> Tensor", DEFAULT, infer_gelu,
        body_gelu,
        .samples =
            "self=f32[3,5] | self=f32[6]@[0,-0,nan,-30,30,7] | self=f32[0,4] | self=f64[] | "
            "self=f32[2,3]{1,2} | self=f16[7] | self=bf16[9] | self=f32[3,5] approximate='tanh' | "
            "self=bf16[5] approximate='tanh' | ! self=i64[2] | ! self=f32[2] approximate='erf'"),
    BODY_INFER("aten::silu(Tensor self) -> Tensor", DEFAULT, infer_floating,
               "div(self, add(1, exp(neg(self))))", .samples = UNARY_SAMPLES " | ! self=i64[2]"),
    BODY_INFER("aten::mish(Tensor self) -> Tensor", DEFAULT, infer_floating,
               "mul(self, tanh(log1p(exp(self))))", .samples = UNARY_SAMPLES " | ! self=i64[2]"),
    BODY_INFER("aten::hardsigmoid(Tensor self) -> Tensor", DEFAULT, infer_floating,
               "mul(minimum(maximum(add(self, 3), 0), 6), 0.16666666666666666)",
               .samples = UNARY_SAMPLES " | self=f32[8]@-6..6 | ! self=i64[2]"),
    BODY_INFER("aten::hardswish(Tensor self) -> Tensor", DEFAULT, infer_floating,
               "mul(mul(self, minimum(maximum(add(self, 3), 0), 6)), 0.16666666666666666)",
               .samples = UNARY_SAMPLES " | self=f32[8]@-6..6 | ! self=i64[2]"),
    BODY("aten::hardtanh(Tensor self, Scalar min_val=-1, Scalar max_val=1) -> Tensor", FIRST,
         "minimum(maximum(self, min_val), max_val)",
         .samples = UNARY_SAMPLES
         " | self=f32[5] min_val=-0.5 max_val=2 | self=i64[5] | self=f32[5] min_val=0 max_val=6"),
    BODY("aten::relu6(Tensor self) -> Tensor", DEFAULT, "minimum(maximum(self, 0), 6)",
         .samples = UNARY_SAMPLES " | self=f32[8]@-9..9 | self=i64[5]"),
    BODY_INFER(
        "aten::leaky_relu(Tensor self, Scalar negative_slope=0.01) -> Tensor", FIRST,
        infer_floating, "select(gt(self, 0), self, mul(self, negative_slope))",
        .samples = UNARY_SAMPLES
        " | self=f32[5] negative_slope=0.2 | self=f32[5] negative_slope=-0.5 | ! self=i64[2]"),
    BODY_INFER("aten::_prelu_kernel(Tensor self, Tensor weight) -> Tensor", FIRST, infer_floating,
               "select(gt(self, 0), self, mul(weight, self))",
               .samples = "self=f32[2,3,4] weight=f32[1,3,1] | self=f32[5] weight=f32[1] | "
                          "self=bf16[4] weight=bf16[1]"),
    EXPAND_FN("aten::prelu(Tensor self, Tensor weight) -> Tensor", expand_prelu,
              .samples =
                  "self=f32[2,3,4] weight=f32[3] | self=f32[5] weight=f32[1] | self=f32[] "
                  "weight=f32[] | self=bf16[2,3] weight=bf16[3] | ! self=f32[2,3] weight=f32[2]"),
    BODY_INFER(
        "aten::elu(Tensor self, Scalar alpha=1, Scalar scale=1, Scalar input_scale=1) -> Tensor",
        FIRST, infer_floating,
        "select(le(self, 0), mul(expm1(mul(self, input_scale)), mul(alpha, scale)), mul(self, "
        "scale))",
        .samples = UNARY_SAMPLES
        " | self=f32[5] alpha=0.5 scale=1.5 input_scale=2 | self=f32[5] alpha=2 | ! self=i64[2]"),
    BODY_INFER("aten::celu(Tensor self, Scalar alpha=1.) -> Tensor", FIRST, infer_celu,
               "select(le(self, 0), mul(alpha, expm1(div(self, alpha))), self)",
               .samples = UNARY_SAMPLES
               " | self=f32[5] alpha=0.5 | ! self=f32[2] alpha=0 | ! self=i64[2]"),
    BODY_INFER(
        "aten::selu(Tensor self) -> Tensor", FIRST, infer_floating,
        "mul(1.0507009873554805, select(le(self, 0), mul(1.6732632423543772, expm1(self)), self))",
        .samples = UNARY_SAMPLES " | ! self=i64[2]"),
    BODY_INFER(
        "aten::softplus(Tensor self, Scalar beta=1, Scalar threshold=20) -> Tensor", FIRST,
        infer_floating,
        "select(gt(mul(self, beta), threshold), self, div(log1p(exp(mul(self, beta))), beta))",
        .samples = UNARY_SAMPLES
        " | self=f32[5] beta=2 threshold=1 | self=f32[5]@-30..30 | ! self=i64[2]"),
    BODY_INFER("aten::log_sigmoid(Tensor self) -> Tensor", DEFAULT, infer_floating_row_major,
               "sub(minimum(self, 0), log1p(exp(neg(abs(self)))))",
               .samples = UNARY_SAMPLES " | self=f32[5]@-90..90 | ! self=i64[2]"),
    EXPAND("aten::log_sigmoid_forward(Tensor self) -> (Tensor output, Tensor buffer)",
           "return aten.log_sigmoid.default(%self), "
           "aten.exp.default(aten.neg.default(aten.abs.default(%self)))",
           .samples = "~ self=f32[3,5] | ~ self=f32[0]"),
    BODY_INFER(
        "aten::softshrink(Tensor self, Scalar lambd=0.5) -> Tensor", FIRST, infer_softshrink,
        "select(gt(self, lambd), sub(self, lambd), select(lt(self, neg(lambd)), add(self, lambd), "
        "mul(self, 0)))",
        .samples =
            UNARY_SAMPLES " | self=f32[5] lambd=1.5 | ! self=f32[2] lambd=-1 | ! self=i64[2]"),
    BODY_INFER("aten::hardshrink(Tensor self, Scalar lambd=0.5) -> Tensor", FIRST, infer_floating,
               "select(and(ge(self, neg(lambd)), le(self, lambd)), 0, self)",
               .samples = UNARY_SAMPLES " | self=f32[5] lambd=1.5 | ! self=i64[2]"),
    BODY("aten::threshold(Tensor self, Scalar threshold, Scalar value) -> Tensor", FIRST,
         "select(le(self, threshold), value, self)",
         .samples = "self=f32[3,5] threshold=0.5 value=-9 | self=i64[5] threshold=1 value=0 | "
                    "self=f32[16]@special threshold=0 value=1 | self=bf16[5] threshold=0 value=2 | "
                    "self=f32[0] threshold=0 value=0"),
    EXPAND_FN("aten::glu(Tensor self, int dim=-1) -> Tensor", expand_glu,
              .samples = "self=f32[3,6] | self=f32[4,3] dim=0 | self=bf16[2,4] dim=-1 | "
                         "self=f32[0,4] | ! self=f32[3,5] | ! self=f32[]"),
    EXPAND("aten::native_dropout_backward(Tensor grad_output, Tensor mask, float scale) -> Tensor",
           "return aten.mul.Scalar(aten.mul.Tensor(%grad_output, %mask), %scale)",
           .samples = "grad_output=f32[3,4] mask=bool[3,4] scale=2.0 | grad_output=bf16[5] "
                      "mask=bool[5] scale=1.25"),

    {0},
};
