/* Pointwise operators: one element of the result from one element of every input.
 *
 * In: a node.  Out: `body`, a text of the scalar vocabulary (ir/scalar.h) over the parameter names:
 *
 *   aten.add.Tensor(%a, %b, alpha=2)      add(self, mul(other, alpha))
 *
 * Operands have the promoted dtype; f16 and bf16 are computed in f32 and rounded once.  A function
 * picks the text where an argument (a mode, an exponent, None) decides.  Formulas are those of ATen
 * (aten/src/ATen/native/cpu). */
#include "ir/ops/ops_internal.h"
#include "ir/ops/pointwise_body.h"
#include "ir/ops/pointwise_check.h"
#include "ir/ops/rows.h"
#include "ir/ops/sample_texts.h"
#include "ir/ops/shape_util.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool has_arg(const Node *node, const char *name)
{
    return node_arg(node, name)->kind != ARG_NONE;
}

/* clamp and clip: either bound may be absent. A NaN stays. */
static Scalar *body_clamp(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    bool min = has_arg(node, "min"), max = has_arg(node, "max");
    return body_text(cx, node, in, dtype,
                     min && max ? "minimum(maximum(self, min), max)"
                     : min      ? "maximum(self, min)"
                     : max      ? "minimum(self, max)"
                                : "self");
}

/* The exponents for which eager PyTorch multiplies (pow_tensor_scalar_optimized_kernel). */
static Scalar *body_pow_number(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    static const struct {
        double      exponent;
        const char *text;
        bool        floats_only;
    } table[] = {
        {0, "select(eq(self, self), 1, 1)", false},
        {1, "self", false},
        {2, "mul(self, self)", false},
        {3, "mul(mul(self, self), self)", false},
        {4, "mul(mul(self, self), mul(self, self))", false},
        {0.5, "sqrt(self)", true},
        {-0.5, "rsqrt(self)", true},
        {-1, "reciprocal(self)", true},
        {-2, "reciprocal(mul(self, self))", true},
    };
    const Arg *arg = node_arg(node, "exponent");
    int64_t    whole;
    double     exponent = NAN;
    if (arg->kind == ARG_FLOAT && !arg->expr)
        exponent = arg->number;
    else if (arg->kind != ARG_FLOAT && arg_as_expr(arg) && expr_is_int(arg_as_expr(arg), &whole))
        exponent = (double)whole;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].exponent == exponent && (dtype_is_float(dtype) || !table[i].floats_only))
            return body_text(cx, node, in, dtype, table[i].text);
    return body_text(cx, node, in, dtype, "pow(self, exponent)");
}

static Error *infer_pow_number(Node *node)
{
    const Arg *arg = node_arg(node, "exponent");
    int64_t    exponent;
    DType      dtype = infer_promoted_dtype(node, PROMOTE_DEFAULT);
    if (!dtype_is_float(dtype) && arg->kind != ARG_FLOAT && arg_as_expr(arg) &&
        expr_is_int(arg_as_expr(arg), &exponent) && exponent < 0)
        return node_error(node, E_VALUE, "integers to a negative integer power (%lld)",
                          (long long)exponent);
    return infer_pointwise(node);
}

static Scalar *body_pow_base(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    const Arg *base = node_arg(node, "self");
    bool       is_two = (base->kind == ARG_FLOAT && !base->expr && base->number == 2) ||
                  (base->kind == ARG_INT && expr_is_value(base->expr, 2));
    return body_text(cx, node, in, dtype,
                     is_two && dtype_is_float(dtype) ? "exp2(exponent)" : "pow(self, exponent)");
}

static const char *rounding_mode(const Node *node)
{
    const Arg *mode = node_arg(node, "rounding_mode");
    return mode->kind == ARG_STRING ? mode->string : NULL;
}

/* div with a mode: true division (integers become f32), or rounded and of the promoted dtype. */
static Error *infer_div_mode(Node *node)
{
    const char *mode = rounding_mode(node);
    if (mode && strcmp(mode, "trunc") && strcmp(mode, "floor"))
        return node_error(node, E_VALUE,
                          "rounding_mode is \"%s\", not None, \"trunc\" or \"floor\"", mode);
    TRY(infer_pointwise(node));
    if (!mode)
        node_result_type(node, 0)->dtype = infer_promoted_dtype(node, PROMOTE_INT_TO_FLOAT);
    return NULL;
}

static Scalar *body_div_mode(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    const char *mode = rounding_mode(node);
    if (mode)
        return body_text(cx, node, in, dtype,
                         !strcmp(mode, "floor") ? "floordiv(self, other)"
                                                : "truncdiv(self, other)");
    DType   result = dtype_compute(node->results[0]->type.dtype);
    Scalar *a = scalar_cast(cx->scalars, result, body_text(cx, node, in, dtype, "self"));
    Scalar *other[64] = {0};
    int     at = schema_param(node->schema, "other");
    other[schema_param(node->schema, "self")] = a;
    if (in[at])
        other[at] = scalar_cast(cx->scalars, result, in[at]);
    return body_text(cx, node, other, result, "div(self, other)");
}

/* Replacements are limits of the result's dtype, not of the one that computes. */
static Scalar *body_nan_to_num(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    if (!dtype_is_float(dtype))
        return in[0];
    DType       result = node->results[0]->type.dtype;
    double      largest = result == DT_F16    ? 65504
                          : result == DT_BF16 ? 0x1.fep127
                          : result == DT_F64  ? 0x1.fffffffffffffp1023
                                              : 0x1.fffffep127;
    double      nan = has_arg(node, "nan") ? node_float(node, "nan") : 0;
    double      high = has_arg(node, "posinf") ? node_float(node, "posinf") : largest;
    double      low = has_arg(node, "neginf") ? node_float(node, "neginf") : -largest;
    const char *text = arena_printf(
        cx->ir->arena,
        "select(isnan(self), %.17g, select(isinf(self), select(gt(self, 0), %.17g, %.17g), "
        "self))",
        nan, high, low);
    return body_text(cx, node, in, dtype, text);
}

static Scalar *body_round_decimals(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    if (!dtype_is_float(dtype))
        return in[0];
    int64_t     decimals = node_int(node, "decimals");
    double      scale = pow(10, (double)llabs(decimals));
    const char *form = decimals < 0 ? "mul(round(div(self, %.17g)), %.17g)"
                                    : "div(round(mul(self, %.17g)), %.17g)";
    if (decimals == 0)
        return body_text(cx, node, in, dtype, "round(self)");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    return body_text(cx, node, in, dtype, arena_printf(cx->ir->arena, form, scale, scale));
#pragma GCC diagnostic pop
}

/* float_power computes in f64. */
static Error *expand_float_power(Node *node, Value **results)
{
    Build       b = build_at(node);
    Arg         args[2] = {node->args[0], node->args[1]};
    const char *op = !strcmp(node->schema->overload, "Tensor_Tensor")   ? "aten.pow.Tensor_Tensor"
                     : !strcmp(node->schema->overload, "Tensor_Scalar") ? "aten.pow.Tensor_Scalar"
                                                                        : "aten.pow.Scalar";
    for (int i = 0; i < 2; i++)
        if (args[i].kind == ARG_VALUE && args[i].value->kind == VALUE_TENSOR) {
            Value *wide = build_cast(&b, args[i].value, DT_F64);
            if (b.error)
                return b.error;
            args[i] = arg_value(wide);
        }
    results[0] = build_args(&b, op, args, 2);
    return b.error;
}

/* ---- rows ------------------------------------------------------------------------------------ */
const OpDesc pointwise_ops[] = {
    /* arithmetic */
    BODY_INFER("aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", DEFAULT,
               infer_alpha, "add(self, mul(other, alpha))",
               .samples = BINARY_INT_SAMPLES
               " | self=f32[4] other=f32[4] alpha=-2 | self=i64[4] other=i64[4] alpha=3 | "
               "self=bool[6] other=bool[6] | ! self=i64[4] other=i64[4] alpha=1.5"),
    BODY_INFER("aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor", DEFAULT,
               infer_alpha, "add(self, mul(other, alpha))",
               .samples = SCALAR_SAMPLES " | self=f32[4] other=2 alpha=3"),
    BODY_INFER("aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", DEFAULT,
               infer_minus, "sub(self, mul(other, alpha))",
               .samples = BINARY_INT_SAMPLES
               " | self=f32[4] other=f32[4] alpha=0.5 | ! self=bool[6] other=bool[6]"),
    BODY_INFER("aten::sub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor", DEFAULT,
               infer_minus, "sub(self, mul(other, alpha))",
               .samples = SCALAR_SAMPLES " | self=f32[4] other=2 alpha=3"),
    BODY_INFER("aten::subtract.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor",
               DEFAULT, infer_minus, "sub(self, mul(other, alpha))",
               .samples = BINARY_ALIAS_SAMPLES),
    BODY_INFER("aten::subtract.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor",
               DEFAULT, infer_minus, "sub(self, mul(other, alpha))",
               .samples = SCALAR_ALIAS_SAMPLES),
    BODY_INFER("aten::rsub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", DEFAULT,
               infer_rsub, "sub(other, mul(self, alpha))",
               .samples = BINARY_INT_SAMPLES
               " | self=f32[4] other=f32[4] alpha=0.5 | ! self=bool[6] other=bool[6]"),
    BODY_INFER("aten::rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor", DEFAULT,
               infer_rsub, "sub(other, mul(self, alpha))",
               .samples = SCALAR_SAMPLES " | self=f32[4] other=2 alpha=3"),
    BODY("aten::mul.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, "mul(self, other)",
         .samples =
             BINARY_INT_SAMPLES " | self=bool[6] other=bool[6] | self=i64[4]@special other=i64[4]"),
    BODY("aten::mul.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, "mul(self, other)",
         .samples = SCALAR_SAMPLES),
    BODY("aten::multiply.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, "mul(self, other)",
         .samples = BINARY_ALIAS_SAMPLES),
    BODY("aten::multiply.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, "mul(self, other)",
         .samples = SCALAR_ALIAS_SAMPLES),
    BODY("aten::div.Tensor(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT, "div(self, other)",
         .samples = BINARY_INT_SAMPLES
         " | self=bool[6] other=i64[6]@1..3 | self=i64[4] other=i64[4]@[0,1,-2,3]"),
    BODY("aten::div.Scalar(Tensor self, Scalar other) -> Tensor", INT_TO_FLOAT, "div(self, other)",
         .samples = SCALAR_SAMPLES),
    BODY("aten::divide.Tensor(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "div(self, other)", .samples = BINARY_ALIAS_SAMPLES),
    BODY("aten::divide.Scalar(Tensor self, Scalar other) -> Tensor", INT_TO_FLOAT,
         "div(self, other)", .samples = SCALAR_ALIAS_SAMPLES),
    BODY("aten::true_divide.Tensor(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "div(self, other)", .samples = BINARY_ALIAS_SAMPLES),
    BODY("aten::true_divide.Scalar(Tensor self, Scalar other) -> Tensor", INT_TO_FLOAT,
         "div(self, other)", .samples = SCALAR_ALIAS_SAMPLES),
    BODY_FN(
        "aten::div.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor",
        DEFAULT, infer_div_mode, body_div_mode,
        .samples =
            "self=f32[3,5] other=f32[5] rounding_mode='floor' | self=f32[3,5] other=f32[5] "
            "rounding_mode='trunc' | self=f32[4] other=f32[4] rounding_mode=None | "
            "self=i64[12]@-9..9 other=i64[12]@[1,-2,3,-4] rounding_mode='floor' | "
            "self=i64[12]@-9..9 other=i64[12]@[1,-2,3,-4] rounding_mode='trunc' | self=i32[4] "
            "other=i32[4]@1..3 rounding_mode=None | self=u8[4] other=u8[4]@1..3 "
            "rounding_mode='floor' | self=f16[9] other=f16[9] rounding_mode='floor' | self=bf16[9] "
            "other=bf16[9] rounding_mode='trunc' | self=f32[16]@special other=f32[16]@[2,-3,0,inf] "
            "rounding_mode='floor' | ! self=f32[2] other=f32[2] rounding_mode='round'"),
    BODY_FN("aten::div.Scalar_mode(Tensor self, Scalar other, *, str? rounding_mode) -> Tensor",
            DEFAULT, infer_div_mode, body_div_mode,
            .samples =
                "self=f32[3,5] other=0.7 rounding_mode='floor' | self=i64[5] other=-2 "
                "rounding_mode='floor' | self=i64[5] other=-2 rounding_mode='trunc' | self=f32[3] "
                "other=2 rounding_mode=None | self=i32[0] other=2 rounding_mode='trunc'"),
    BODY_FN("aten::divide.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor",
            DEFAULT, infer_div_mode, body_div_mode,
            .samples = "self=f32[5] other=f32[5] rounding_mode='floor' | self=i64[5] "
                       "other=i64[5]@1..3 rounding_mode='trunc'"),
    BODY_FN("aten::divide.Scalar_mode(Tensor self, Scalar other, *, str? rounding_mode) -> Tensor",
            DEFAULT, infer_div_mode, body_div_mode,
            .samples = "self=f32[5] other=0.7 rounding_mode='floor' | self=i64[5] other=2 "
                       "rounding_mode='trunc'"),
    BODY("aten::floor_divide(Tensor self, Tensor other) -> Tensor", DEFAULT,
         "floordiv(self, other)",
         .samples = BINARY_SAMPLES " | self=i64[12]@-9..9 other=i64[12]@[1,-2,3,-4] | self=u8[5] "
                                   "other=u8[5]@1..3 | self=i32[4] other=f32[4]"),
    BODY("aten::floor_divide.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT,
         "floordiv(self, other)", .samples = SCALAR_SAMPLES " | self=i64[9]@-9..9 other=-4"),
    BODY("aten::remainder.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, "mod(self, other)",
         .samples = BINARY_SAMPLES " | self=i64[12]@-9..9 other=i64[12]@[1,-2,3,-4] | self=u8[5] "
                                   "other=u8[5]@1..3 | self=i32[4] other=f32[4]"),
    BODY("aten::remainder.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, "mod(self, other)",
         .samples = "self=f32[3,5] other=1.5 | self=f32[3] other=2 | self=f32[0,4] other=2.5 | "
                    "self=f32[14]@special other=-0.5 | self=f16[7] other=0.3 | self=bf16[7] "
                    "other=3 | self=i64[5] other=2 | self=i32[5] other=1.5 | self=u8[4] other=3 | "
                    "self=f64[] other=2 | self=i64[9]@-9..9 other=-4"),
    BODY("aten::remainder.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", DEFAULT,
         "mod(self, other)",
         .samples = "self=5 other=i64[6]@[1,-2,3] | self=1.5 other=f32[5] | self=-7 other=f32[0] | "
                    "self=3 other=bf16[4]"),
    BODY("aten::fmod.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, "fmod(self, other)",
         .samples = BINARY_SAMPLES " | self=i64[12]@-9..9 other=i64[12]@[1,-2,3,-4] | self=u8[5] "
                                   "other=u8[5]@1..3 | self=i32[4] other=f32[4]"),
    BODY("aten::fmod.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, "fmod(self, other)",
         .samples = "self=f32[3,5] other=1.5 | self=f32[3] other=2 | self=f32[0,4] other=2.5 | "
                    "self=f32[14]@special other=-0.5 | self=f16[7] other=0.3 | self=bf16[7] "
                    "other=3 | self=i64[5] other=2 | self=i32[5] other=1.5 | self=u8[4] other=3 | "
                    "self=f64[] other=2 | self=i64[9]@-9..9 other=-4"),
    BODY_INFER("aten::_add_relu.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor",
               DEFAULT, infer_alpha, "maximum(add(self, mul(other, alpha)), 0)",
               .samples = "self=f32[3,4] other=f32[4] | self=f32[5] other=f32[5] alpha=2 | "
                          "self=i64[4] other=i64[4]"),
    BODY_INFER("aten::_add_relu.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor",
               DEFAULT, infer_alpha, "maximum(add(self, mul(other, alpha)), 0)",
               .samples = "self=f32[5] other=-0.5 | self=i64[5] other=2 alpha=-1"),
    BODY("aten::addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor",
         DEFAULT, "add(self, mul(mul(value, tensor1), tensor2))",
         .samples = "self=f32[3,4] tensor1=f32[3,1] tensor2=f32[4] | self=f32[5] tensor1=f32[5] "
                    "tensor2=f32[5] value=-0.5 | self=i64[4] tensor1=i64[4] tensor2=i64[4] value=2 "
                    "| self=bf16[5] tensor1=bf16[5] tensor2=bf16[5] | self=f32[0] tensor1=f32[0] "
                    "tensor2=f32[0] | self=f64[] tensor1=f64[] tensor2=f64[]"),
    BODY("aten::addcdiv(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor",
         DEFAULT, "add(self, div(mul(value, tensor1), tensor2))",
         .samples = "self=f32[3,4] tensor1=f32[3,1] tensor2=f32[4]@1..3 | self=f32[5] "
                    "tensor1=f32[5] tensor2=f32[5]@1..2 value=-0.5 | self=bf16[5] tensor1=bf16[5] "
                    "tensor2=bf16[5]@1..2 | self=f32[0] tensor1=f32[0] tensor2=f32[0] | ! "
                    "self=i64[4] tensor1=i64[4] tensor2=i64[4]"),
    BODY_FN("aten::pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor", DEFAULT,
            infer_pow_number, body_pow_number,
            .samples = "self=f32[3,5] exponent=2 | self=f32[5] exponent=3 | self=f32[5]@0..3 "
                       "exponent=0.5 | self=f32[5]@0.1..3 exponent=-0.5 | self=f32[5]@0.1..3 "
                       "exponent=-1 | self=f32[5]@0.1..3 exponent=-2 | self=f32[5]@0..3 "
                       "exponent=1.7 | self=f32[16]@special exponent=2.5 | self=i64[5] exponent=3 "
                       "| self=i64[5] exponent=0 | self=i32[5] exponent=0.5 | ! self=i64[5] "
                       "exponent=-1 | self=f16[7] exponent=2 | self=bf16[7]@0..3 exponent=0.5 | "
                       "self=f64[] exponent=4 | self=f32[0] exponent=2 | self=u8[5] exponent=2"),
    BODY("aten::pow.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor", DEFAULT,
         "pow(self, exponent)",
         .samples = "self=f32[3,5]@0..3 exponent=f32[5] | self=i64[5] exponent=i64[5]@0..4 | "
                    "self=i64[6]@[1,-1,2] exponent=i64[6]@[-1,-2,-3] | self=f32[5]@0..2 "
                    "exponent=i64[5]@0..3 | self=f32[16]@special exponent=f32[16]@[2,3,-1,0.5,0] | "
                    "self=bf16[5]@0..2 exponent=bf16[5] | self=f16[5]@0..2 exponent=f16[5] | "
                    "self=f32[0] exponent=f32[]"),
    BODY_FN("aten::pow.Scalar(Scalar self, Tensor exponent) -> Tensor", DEFAULT, NULL,
            body_pow_base,
            .samples = "self=2 exponent=f32[5] | self=2 exponent=i64[5]@0..5 | self=1.5 "
                       "exponent=i64[4] | self=1 exponent=f32[3] | self=0.5 exponent=bf16[4]"),
    EXPAND_FN("aten::float_power.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor",
              expand_float_power,
              .samples = "self=f32[5]@0..3 exponent=f32[5] | self=i64[4] exponent=i64[4]@0..3 | "
                         "self=f16[3]@0..2 exponent=f32[]"),
    EXPAND_FN("aten::float_power.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor",
              expand_float_power,
              .samples = "self=f32[5]@0..3 exponent=1.5 | self=i64[4] exponent=2"),
    EXPAND_FN("aten::float_power.Scalar(Scalar self, Tensor exponent) -> Tensor",
              expand_float_power, .samples = "self=2 exponent=f32[5] | self=1.5 exponent=i64[4]"),
    EXPAND("aten::square(Tensor self) -> Tensor", "return aten.pow.Tensor_Scalar(%self, 2)",
           .samples = "self=f32[3,5] | self=i64[4] | self=f32[0] | self=bf16[5] | self=bool[3]"),
    BODY_INFER("aten::lerp.Scalar(Tensor self, Tensor end, Scalar weight) -> Tensor", FIRST,
               infer_lerp,
               "select(lt(abs(weight), 0.5), add(self, mul(weight, sub(end, self))), sub(end, "
               "mul(sub(end, self), "
               "sub(1, weight))))",
               .samples = "self=f32[3,4] end=f32[3,4] weight=0.3 | self=f32[5] end=f32[5] "
                          "weight=0.75 | self=bf16[5] end=bf16[5] weight=0.5 | self=f32[2,3] "
                          "end=f32[3] weight=2 | self=f64[] end=f64[] weight=0.1 | ! self=f32[2] "
                          "end=f64[2] weight=0.5 | ! self=i64[2] end=i64[2] weight=1"),
    BODY_INFER("aten::lerp.Tensor(Tensor self, Tensor end, Tensor weight) -> Tensor", FIRST,
               infer_lerp,
               "select(lt(abs(weight), 0.5), add(self, mul(weight, sub(end, self))), sub(end, "
               "mul(sub(end, self), "
               "sub(1, weight))))",
               .samples = "self=f32[3,4] end=f32[3,4] weight=f32[4]@0..1 | self=f16[5] end=f16[5] "
                          "weight=f16[5]@0..1 | self=f32[0] end=f32[0] weight=f32[0] | self=f64[2] "
                          "end=f64[2] weight=f64[]@0..1"),
    BODY("aten::hypot(Tensor self, Tensor other) -> Tensor", DEFAULT, "hypot(self, other)",
         .samples = BINARY_SAMPLES),
    BODY("aten::atan2(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT, "atan2(self, other)",
         .samples = BINARY_SAMPLES " | self=i64[5] other=i64[5] | self=bool[3] other=f32[3]"),
    BODY("aten::arctan2(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT, "atan2(self, other)",
         .samples = BINARY_FLOAT_ALIAS_SAMPLES),
    BODY("aten::copysign.Tensor(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "copysign(self, other)",
         .samples = BINARY_SAMPLES " | self=i64[5] other=i64[5] | self=bool[3] other=f32[3]"),
    BODY("aten::copysign.Scalar(Tensor self, Scalar other) -> Tensor", INT_TO_FLOAT,
         "copysign(self, other)",
         .samples = "self=f32[5] other=-1.5 | self=i64[4] other=-2 | self=f32[16]@special "
                    "other=-0.0 | self=f16[5] other=1"),
    BODY("aten::nextafter(Tensor self, Tensor other) -> Tensor", DEFAULT, "nextafter(self, other)",
         .samples = "self=f32[3,4] other=f32[4] | self=f64[5] other=f64[5] | self=f32[16]@special "
                    "other=f32[16]@[1,0,inf,-inf] | self=bf16[6] other=bf16[6] | self=f32[0] "
                    "other=f32[0] | ! self=i64[2] other=i64[2]"),
    BODY("aten::ldexp.Tensor(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "mul(self, exp2(other))",
         .samples = "self=f32[3,4] other=i64[4]@-3..5 | self=f32[5] other=f32[5] | self=i64[3] "
                    "other=i64[3]@0..3 | self=f16[4] other=i32[4]@0..3"),
    BODY("aten::logaddexp(Tensor self, Tensor other) -> Tensor", DEFAULT,
         "select(and(isinf(self), eq(self, other)), self, add(maximum(self, other), "
         "log1p(exp(neg(abs(sub(self, other)))))))",
         .samples = BINARY_SAMPLES),
    BODY("aten::logaddexp2(Tensor self, Tensor other) -> Tensor", DEFAULT,
         "select(and(isinf(self), eq(self, other)), self, add(maximum(self, other), "
         "mul(log1p(exp2(neg(abs(sub(self, other))))), 1.4426950408889634)))",
         .samples = BINARY_SAMPLES),
    BODY("aten::xlogy.Tensor(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log(other))))",
         .samples =
             "self=f32[3,5] other=f32[5]@0..3 | self=f32[16]@special other=f32[16]@[0,1,nan,inf,2] "
             "| self=i64[5] other=i64[5]@1..5 | self=bf16[5] other=bf16[5]@0.1..3 | self=f32[0] "
             "other=f32[] | self=f64[3] other=f32[3]@0.1..2"),
    BODY("aten::xlogy.Scalar_Self(Scalar self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log(other))))",
         .samples = "self=2 other=f32[5]@0.1..3 | self=0 other=f32[5]@[0,nan,inf,1,2] | self=1.5 "
                    "other=i64[4]@1..4"),
    BODY("aten::xlogy.Scalar_Other(Tensor self, Scalar other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log(other))))",
         .samples = "self=f32[5] other=2 | self=f32[16]@special other=0 | self=i64[4] other=1.5"),
    BODY("aten::special_xlogy(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log(other))))",
         .samples = "self=f32[3,5] other=f32[5]@0..3 | self=i64[5] other=i64[5]@1..5"),
    BODY("aten::special_xlogy.self_scalar(Scalar self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log(other))))",
         .samples = "self=2 other=f32[5]@0.1..3"),
    BODY("aten::special_xlogy.other_scalar(Tensor self, Scalar other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log(other))))",
         .samples = "self=f32[5] other=2"),
    BODY("aten::special_xlog1py(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log1p(other))))",
         .samples =
             "self=f32[3,5] other=f32[5]@0..3 | self=f32[16]@special other=f32[16]@[0,1,nan,inf,2] "
             "| self=i64[5] other=i64[5]@1..5 | self=bf16[5] other=bf16[5]@0.1..3 | self=f32[0] "
             "other=f32[] | self=f64[3] other=f32[3]@0.1..2"),
    BODY("aten::special_xlog1py.self_scalar(Scalar self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log1p(other))))",
         .samples = "self=2 other=f32[5]@0.1..3 | self=0 other=f32[5]@[0,nan,inf,1,2] | self=1.5 "
                    "other=i64[4]@1..4"),
    BODY("aten::special_xlog1py.other_scalar(Tensor self, Scalar other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log1p(other))))",
         .samples = "self=f32[5] other=2 | self=f32[16]@special other=0 | self=i64[4] other=1.5"),
    BODY("aten::maximum(Tensor self, Tensor other) -> Tensor", DEFAULT, "maximum(self, other)",
         .samples =
             BINARY_INT_SAMPLES " | self=bool[6] other=bool[6] | self=i64[8]@special other=i64[8]"),
    BODY("aten::max.other(Tensor self, Tensor other) -> Tensor", DEFAULT, "maximum(self, other)",
         .samples = BINARY_ALIAS_SAMPLES),
    BODY("aten::minimum(Tensor self, Tensor other) -> Tensor", DEFAULT, "minimum(self, other)",
         .samples =
             BINARY_INT_SAMPLES " | self=bool[6] other=bool[6] | self=i64[8]@special other=i64[8]"),
    BODY("aten::min.other(Tensor self, Tensor other) -> Tensor", DEFAULT, "minimum(self, other)",
         .samples = BINARY_ALIAS_SAMPLES),
    BODY("aten::fmax(Tensor self, Tensor other) -> Tensor", DEFAULT, "fmax(self, other)",
         .samples =
             BINARY_INT_SAMPLES " | self=bool[6] other=bool[6] | self=i64[8]@special other=i64[8]"),
    BODY("aten::fmin(Tensor self, Tensor other) -> Tensor", DEFAULT, "fmin(self, other)",
         .samples =
             BINARY_INT_SAMPLES " | self=bool[6] other=bool[6] | self=i64[8]@special other=i64[8]"),
    BODY_FN("aten::clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor", DEFAULT,
            infer_clamp, body_clamp,
            .samples = "self=f32[3,5] min=-1 max=1 | self=f32[5] min=0 | self=f32[5] max=0.5 | "
                       "self=f32[5] min=1 max=-1 | self=i64[9] min=-2 max=2 | self=i64[5] min=-1.5 "
                       "max=1.5 | self=f32[16]@special min=-2 max=2 | self=bf16[5] min=-1 max=1 | "
                       "self=f32[0] min=0 | self=u8[5] min=2 max=5 | ! self=f32[3]"),
    BODY_FN(
        "aten::clamp.Tensor(Tensor self, Tensor? min=None, Tensor? max=None) -> Tensor", DEFAULT,
        infer_clamp, body_clamp,
        .samples =
            "self=f32[3,5] min=f32[5]@-2..0 max=f32[5]@0..2 | self=f32[5] min=f32[] | "
            "self=f32[2,3] max=f32[3] | self=i64[9] min=i64[9] max=i64[9] | self=i64[4] min=f32[4] "
            "| self=f32[16]@special min=f32[16]@[nan,-1] max=f32[16]@[1,nan,2] | ! self=f32[3]"),
    BODY_FN("aten::clip(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor", DEFAULT,
            infer_clamp, body_clamp, .samples = "self=f32[3,5] min=-1 max=1 | self=i64[9] min=-2"),
    BODY_FN("aten::clip.Tensor(Tensor self, Tensor? min=None, Tensor? max=None) -> Tensor", DEFAULT,
            infer_clamp, body_clamp, .samples = "self=f32[3,5] min=f32[5]@-2..0 max=f32[5]@0..2"),
    BODY("aten::clamp_min(Tensor self, Scalar min) -> Tensor", DEFAULT, "maximum(self, min)",
         .samples = "self=f32[3,5] min=0.5 | self=i64[5] min=1 | self=i64[5] min=0.5 | "
                    "self=f32[16]@special min=0 | self=f16[4] min=0"),
    BODY("aten::clamp_min.Tensor(Tensor self, Tensor min) -> Tensor", DEFAULT, "maximum(self, min)",
         .samples = "self=f32[3,5] min=f32[5] | self=i64[4] min=i64[] | self=f32[16]@special "
                    "min=f32[16]@[0,nan]"),
    BODY("aten::clamp_max(Tensor self, Scalar max) -> Tensor", DEFAULT, "minimum(self, max)",
         .samples = "self=f32[3,5] max=0.5 | self=i64[5] max=1 | self=f32[16]@special max=0 | "
                    "self=f16[4] max=0"),
    BODY("aten::clamp_max.Tensor(Tensor self, Tensor max) -> Tensor", DEFAULT, "minimum(self, max)",
         .samples = "self=f32[3,5] max=f32[5] | self=i64[4] max=i64[] | self=f32[16]@special "
                    "max=f32[16]@[0,nan]"),
    BODY_INFER("aten::heaviside(Tensor self, Tensor values) -> Tensor", DEFAULT, infer_same_dtype,
               "select(eq(self, 0), values, select(gt(self, 0), 1, 0))",
               .samples = "self=f32[9]@[0,-1,2] values=f32[9] | self=i64[6]@-1..1 values=i64[6] | "
                          "self=f32[16]@special values=f32[] | self=f32[0] values=f32[] | ! "
                          "self=f32[2] values=f64[2]"),

    /* one operand, any dtype */
    BODY("aten::abs(Tensor self) -> Tensor", DEFAULT, "abs(self)",
         .samples = UNARY_SAMPLES " | self=i64[8]@special | self=u8[4]"),
    BODY("aten::absolute(Tensor self) -> Tensor", DEFAULT, "abs(self)",
         .samples = "self=f32[5] | self=i64[5]"),
    BODY_INFER("aten::neg(Tensor self) -> Tensor", DEFAULT, infer_minus, "neg(self)",
               .samples = UNARY_SAMPLES " | self=i64[8]@special | self=u8[4] | ! self=bool[3]"),
    BODY_INFER("aten::negative(Tensor self) -> Tensor", DEFAULT, infer_minus, "neg(self)",
               .samples = "self=f32[5] | self=i64[5]"),
    BODY("aten::sign(Tensor self) -> Tensor", DEFAULT, "sign(self)",
         .samples = UNARY_SAMPLES " | self=i64[8]@special | self=u8[4]"),
    BODY("aten::sgn(Tensor self) -> Tensor", DEFAULT, "sign(self)",
         .samples = UNARY_SAMPLES " | self=i64[5] | self=bool[3]"),
    BODY("aten::ceil(Tensor self) -> Tensor", DEFAULT, "ceil(self)",
         .samples = UNARY_SAMPLES
         " | self=i64[5] | self=f32[10]@[0.5,1.5,2.5,-0.5,-1.5,8388609,-2147483648,1e10]"),
    BODY("aten::floor(Tensor self) -> Tensor", DEFAULT, "floor(self)",
         .samples = UNARY_SAMPLES
         " | self=i64[5] | self=f32[10]@[0.5,1.5,2.5,-0.5,-1.5,8388609,-2147483648,1e10]"),
    BODY("aten::trunc(Tensor self) -> Tensor", DEFAULT, "trunc(self)",
         .samples = UNARY_SAMPLES
         " | self=i64[5] | self=f32[10]@[0.5,1.5,2.5,-0.5,-1.5,8388609,-2147483648,1e10]"),
    BODY("aten::fix(Tensor self) -> Tensor", DEFAULT, "trunc(self)",
         .samples = "self=f32[5] | self=i64[5]"),
    BODY("aten::round(Tensor self) -> Tensor", DEFAULT, "round(self)",
         .samples = UNARY_SAMPLES
         " | self=i64[5] | self=f32[10]@[0.5,1.5,2.5,-0.5,-1.5,8388609,-2147483648,1e10]"),
    BODY_FN(
        "aten::round.decimals(Tensor self, *, int decimals) -> Tensor", DEFAULT, NULL,
        body_round_decimals,
        .samples =
            "self=f32[3,5] decimals=1 | self=f32[6]@100..999 decimals=-2 | self=f64[5] decimals=3 "
            "| self=f32[16]@special decimals=2 | self=f32[4] decimals=0 | self=bf16[5] decimals=1"),
    BODY_FN("aten::special_round(Tensor self, *, int decimals=0) -> Tensor", DEFAULT, NULL,
            body_round_decimals, .samples = "self=f32[5] | self=f32[5] decimals=1"),
    BODY("aten::frac(Tensor self) -> Tensor", DEFAULT, "sub(self, trunc(self))",
         .samples = UNARY_SAMPLES),
    BODY("aten::conj_physical(Tensor self) -> Tensor", DEFAULT, "self",
         .samples = "self=f32[5] | self=i64[4] | self=f32[0]"),
    BODY("aten::_conj_physical(Tensor self) -> Tensor", DEFAULT, "self",
         .samples = "self=f32[5] | self=i64[4] | self=f32[0]"),
    BODY_INFER("aten::relu(Tensor self) -> Tensor", DEFAULT, infer_no_bool, "maximum(self, 0)",
               .samples = UNARY_SAMPLES " | self=i64[5] | ! self=bool[3]"),
    BODY_FN("aten::nan_to_num(Tensor self, float? nan=None, float? posinf=None, float? "
            "neginf=None) -> Tensor",
            DEFAULT, NULL, body_nan_to_num,
            .samples = "self=f32[16]@special | self=f32[16]@special nan=1.5 posinf=9.0 neginf=-9.0 "
                       "| self=f16[16]@special | self=bf16[16]@special | self=f64[16]@special | "
                       "self=i64[4] | self=f32[0] | self=f32[16]@special nan=2.0"),

    {0},
};
