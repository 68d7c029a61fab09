/* Affine quantization: fake_quantize of ATen (quantization-aware training) and the operators of
 * torch.ao.quantization (quantized_decomposed), which PT2E exports leave around what runs on bytes.
 *
 *   quantize     clamp(round(x * (1 / scale)) + zero_point, quant_min, quant_max) as a small
 * integer dequantize   (q - zero_point) * scale
 *
 * All of it is pointwise and fuses with its neighbours.  Rounding is to even; the reciprocal is
 * taken first, as eager does (FakeQuantizeCore.cpp; torch/ao/quantization/fx/_decomposed.py). */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <float.h>
#include <string.h>

/* ---- scale and zero point -------------------------------------------------------------------- */

/* Parameters of a call: numbers, tensors of one element, or one for each place along an axis. */
typedef struct Affine {
    const Arg *scale, *zero;
    bool       is_channel;
    int        axis;
    Value     *x;
} Affine;

static const Arg *either(const Node *node, const char *name, const char *other)
{
    return node_arg(node, schema_param(node->schema, name) >= 0 ? name : other);
}

static Error *affine_of(const Node *node, Affine *a)
{
    *a = (Affine){.scale = either(node, "scale", "scales"),
                  .zero = either(node, "zero_point", "zero_points"),
                  .is_channel = schema_param(node->schema, "axis") >= 0,
                  .x = node->args[0].value};
    return a->is_channel ? shape_dim(node, "axis", a->x->type.rank, &a->axis) : NULL;
}

/* A parameter's tensor beside x: a row along the axis, or 0-d. */
static Value *beside(Build *b, const Affine *a, Value *v)
{
    const Expr *sizes[MAX_RANK];
    if (b->error)
        return NULL;
    for (int d = 0; d < a->x->type.rank; d++)
        sizes[d] = expr_int(b->graph->ir->exprs, d == a->axis ? -1 : 1);
    return build_reshape(b, v, sizes, a->is_channel ? a->x->type.rank : 0);
}

/* x op the number or tensor. */
static Value *apply(Build *b, const char *op, Value *x, const Affine *a, const Arg *by)
{
    bool        is_tensor = by->kind == ARG_VALUE && by->value->kind == VALUE_TENSOR;
    const char *name =
        arena_printf(b->graph->ir->arena, "aten.%s.%s", op, is_tensor ? "Tensor" : "Scalar");
    Arg right = *by;
    if (is_tensor)
        right = arg_value(beside(b, a, by->value));
    return BUILD(b, name, arg_value(x), right);
}

/* x * (1 / scale), the reciprocal in `dtype`: of a number or of a tensor of one element that is
 * what eager computes with. */
static Value *scaled(Build *b, Value *x, const Affine *a, DType dtype)
{
    bool   is_tensor = a->scale->kind == ARG_VALUE && a->scale->value->kind == VALUE_TENSOR;
    double scale = 0;
    if (!is_tensor) {
        scale = a->scale->kind == ARG_FLOAT ? a->scale->number : 0;
        scale = dtype == DT_F32 ? (double)(1.0f / (float)scale) : 1 / scale;
        return build_with_float(b, "aten.mul.Scalar", x, scale);
    }
    Value *s = a->scale->value;
    if (!a->is_channel)
        s = build_cast(b, s, dtype);
    s = build_unary(b, "aten.reciprocal.default", s);
    if (!a->is_channel)
        s = b->error ? NULL : build_cast(b, s, x->type.dtype);
    Arg inverse = arg_value(s);
    return b->error ? NULL : apply(b, "mul", x, a, &inverse);
}

static Value *clamped(Build *b, const Node *node, Value *q)
{
    const Arg *low = node_arg(node, "quant_min"), *high = node_arg(node, "quant_max");
    bool       is_tensor = low->kind == ARG_VALUE && low->value->kind == VALUE_TENSOR;
    return BUILD(b, is_tensor ? "aten.clamp.Tensor" : "aten.clamp.default", arg_value(q), *low,
                 *high);
}

static bool is_half(DType dtype)
{
    return dtype == DT_F16 || dtype == DT_BF16;
}

/* ---- fake_quantize --------------------------------------------------------------------------- */

/* Quantized values within the bounds: what the gradient passes. */
static Value *within(Build *b, const Node *node, Value *q)
{
    Value *above = BUILD(b, "aten.ge.Scalar", arg_value(q), *node_arg(node, "quant_min"));
    Value *below = BUILD(b, "aten.le.Scalar", arg_value(q), *node_arg(node, "quant_max"));
    return build_binary(b, "aten.logical_and.default", above, below);
}

/* Where fake_quant_enabled is 0 x passes. */
static void pass_disabled(Build *b, const Node *node, Value *x, Value **results)
{
    const Expr *none[1];
    Value      *on = build_reshape(b, node_tensor(node, "fake_quant_enabled"), none, 0);
    Value      *off = build_with_int(b, "aten.eq.Scalar", on, 0);
    if (b->error)
        return;
    results[0] = BUILD(b, "aten.where.self", arg_value(off), arg_value(x), arg_value(results[0]));
    results[1] = build_binary(b, "aten.logical_or.default", results[1], off);
}

/* Eager clamps with fmax, which takes the bound for NaN; along channels as i64, which has it below
 * all. */
static Value *bounded(Build *b, const Node *node, const Affine *a, Value *q)
{
    int64_t low;
    if (!b->error)
        b->error = shape_const_int(node, "quant_min", &low);
    if (!a->is_channel && !b->error)
        q = build_with_float(b, "aten.nan_to_num.default", q, (double)low);
    return clamped(b, node, q);
}

static Error *expand_fake_quantize(Node *node, Value **results)
{
    Build  b = build_at(node);
    Affine a;
    TRY(affine_of(node, &a));
    bool float_zero = a.zero->kind == ARG_VALUE && a.zero->value->kind == VALUE_TENSOR &&
                      dtype_is_float(a.zero->value->type.dtype);
    Value *q = scaled(&b, build_cast(&b, a.x, dtype_compute(a.x->type.dtype)), &a, DT_F32);
    if (float_zero)
        q = build_unary(&b, "aten.round.default", apply(&b, "add", q, &a, a.zero));
    else
        q = apply(&b, "add", build_unary(&b, "aten.round.default", q), &a, a.zero);
    if (a.is_channel)
        q = b.error ? NULL : build_cast(&b, q, DT_I64);
    Value *y = apply(&b, "sub", bounded(&b, node, &a, q), &a, a.zero);
    y = b.error ? NULL : build_cast(&b, y, dtype_compute(a.x->type.dtype));
    y = apply(&b, "mul", y, &a, a.scale);
    results[0] = b.error ? NULL : build_cast(&b, y, a.x->type.dtype);
    if (node->n_results > 1)
        results[1] = within(&b, node, q);
    if (schema_param(node->schema, "fake_quant_enabled") >= 0)
        pass_disabled(&b, node, a.x, results);
    return b.error;
}

/* ---- quantized_decomposed -------------------------------------------------------------------- */

static Error *expand_quantize(Node *node, Value **results)
{
    Build  b = build_at(node);
    Affine a;
    TRY(affine_of(node, &a));
    Value *q = is_half(a.x->type.dtype) ? build_cast(&b, a.x, DT_F32) : a.x;
    q = build_unary(&b, "aten.round.default", scaled(&b, q, &a, DT_F64));
    q = clamped(&b, node, apply(&b, "add", q, &a, a.zero));
    results[0] = b.error ? NULL : build_cast(&b, q, node_arg(node, "dtype")->dtype);
    return b.error;
}

static Error *expand_dequantize(Node *node, Value **results)
{
    Build      b = build_at(node);
    Affine     a;
    const Arg *out = node_arg(node, "out_dtype");
    DType      dtype = out->kind == ARG_DTYPE ? out->dtype : DT_F32;
    TRY(affine_of(node, &a));
    Value *y = a.is_channel ? a.x : build_cast(&b, a.x, dtype);
    if (a.zero->kind != ARG_NONE)
        y = apply(&b, "sub", y, &a, a.zero);
    y = apply(&b, "mul", y, &a, a.scale);
    results[0] = b.error ? NULL : build_cast(&b, y, dtype);
    return b.error;
}

/* The extreme of all elements and 0. */
static Value *extreme(Build *b, const char *reduce, const char *bound, Arg x)
{
    return build_with_int(b, bound, BUILD(b, reduce, x), 0);
}

/* Scale and zero point for the range of x, symmetric or not (torch/ao/quantization/utils.py,
 * determine_qparams). */
static Error *expand_choose_qparams(Node *node, Value **results)
{
    Build       b = build_at(node);
    bool        is_symmetric = strstr(node->schema->base, "symmetric") != NULL;
    int64_t     low, high, one = 1;
    const Expr *flat = shape_int(node, 1);
    TRY(shape_const_int(node, "quant_min", &low));
    TRY(shape_const_int(node, "quant_max", &high));
    Value *least = extreme(&b, "aten.amin.default", "aten.clamp_max.default", node->args[0]);
    Value *most = extreme(&b, "aten.amax.default", "aten.clamp_min.default", node->args[0]);
    Value *eps = BUILD(&b, "aten.full.default", arg_ints(b.graph, &one, 1), *node_arg(node, "eps"),
                       arg_dtype(DT_F32));
    double steps = (double)(high - low);
    if (is_symmetric) {
        most = build_binary(&b, "aten.maximum.default", build_unary(&b, "aten.neg.default", least),
                            most);
        steps /= 2;
    }
    Value *scale = is_symmetric ? most : build_binary(&b, "aten.sub.Tensor", most, least);
    scale = build_with_float(&b, "aten.div.Scalar", scale, steps);
    scale = build_binary(&b, "aten.maximum.default", scale, eps);
    Value *zero;
    if (is_symmetric) {
        bool is_u8 = node_arg(node, "dtype")->dtype == DT_U8;
        zero = BUILD(&b, "aten.full.default", arg_ints(b.graph, &one, 1),
                     arg_int(b.graph, is_u8 ? 128 : 0), arg_dtype(DT_I64));
    } else {
        zero = build_unary(&b, "aten.round.default",
                           build_binary(&b, "aten.div.Tensor", least, scale));
        zero = b.error ? NULL : build_cast(&b, zero, DT_I64);
        zero = clamped(&b, node, build_with_int(&b, "aten.rsub.Scalar", zero, low));
    }
    results[0] = b.error ? NULL : build_cast(&b, build_reshape(&b, scale, &flat, 1), DT_F64);
    results[1] = b.error ? NULL : build_reshape(&b, zero, &flat, 1);
    return b.error;
}

/* Scale and zero point of each row, in f64 and i64 (int8 activations of language models). */
#define PER_TOKEN                                                                                  \
    "%least = aten.clamp_max.default(aten.amin.default(%input, [-1], true), 0)\n"                  \
    "%most = aten.clamp_min.default(aten.amax.default(%input, [-1], true), 0)\n"                   \
    "%wide = aten.div.Scalar(aten.sub.Tensor(%most, %least), 255.0)\n"                             \
    "%scale = aten.clamp_min.default(%wide, 1.1920928955078125e-07)\n"                             \
    "%low = aten.div.Tensor(%least, %scale)\n"                                                     \
    "%high = aten.div.Tensor(%most, %scale)\n"                                                     \
    "%error = aten.add.Tensor(aten.add.Scalar(%low, -128), aten.add.Scalar(%high, 127))\n"         \
    "%zero = aten.where.self(aten.gt.Scalar(%error, 0), aten.rsub.Scalar(%low, -128), "            \
    "aten.rsub.Scalar(%high, 127))\n"                                                              \
    "%whole = aten.round.default(aten.clamp.default(%zero, -128, 127))\n"                          \
    "return aten._to_copy.default(%scale, f64), aten._to_copy.default(%whole, i64)"

/* ---- rows ------------------------------------------------------------------------------------ */
const OpDesc quantize_ops[] = {
    EXPAND_FN("aten::fake_quantize_per_tensor_affine(Tensor self, float scale, int zero_point, int "
              "quant_min, int quant_max) -> Tensor",
              expand_fake_quantize,
              .samples = "self=f32[3,5] scale=0.1 zero_point=3 quant_min=0 quant_max=255 | "
                         "self=f32[7]@special scale=0.3 zero_point=0 quant_min=-8 quant_max=7 | "
                         "self=f64[4] scale=0.05 zero_point=-1 quant_min=-128 quant_max=127 | "
                         "self=f32[0,3] scale=1.0 zero_point=0 quant_min=0 quant_max=1"),
    EXPAND_FN(
        "aten::fake_quantize_per_tensor_affine.tensor_qparams(Tensor self, Tensor scale, Tensor "
        "zero_point, int quant_min, int quant_max) -> Tensor",
        expand_fake_quantize,
        .samples =
            "self=f32[3,5] scale=f32[1]@[0.1] zero_point=i32[1]@[2] quant_min=-8 quant_max=7"),
    EXPAND_FN("aten::fake_quantize_per_tensor_affine_cachemask(Tensor self, float scale, int "
              "zero_point, int quant_min, int quant_max) -> (Tensor output, Tensor mask)",
              expand_fake_quantize,
              .samples = "self=f32[3,5] scale=0.1 zero_point=3 quant_min=0 quant_max=15"),
    EXPAND_FN(
        "aten::_fake_quantize_per_tensor_affine_cachemask_tensor_qparams(Tensor self, Tensor "
        "scale, Tensor zero_point, Tensor fake_quant_enabled, int quant_min, int quant_max) -> "
        "(Tensor output, Tensor mask)",
        expand_fake_quantize,
        .samples =
            "self=f32[3,5] scale=f32[1]@[0.1] zero_point=i32[1]@[2] fake_quant_enabled=i64[1]@[1] "
            "quant_min=-8 quant_max=7 | self=f32[3,5] scale=f32[1]@[0.1] zero_point=i32[1]@[2] "
            "fake_quant_enabled=i64[1]@[0] quant_min=-8 quant_max=7"),
    EXPAND_FN("aten::fake_quantize_per_channel_affine(Tensor self, Tensor scale, Tensor "
              "zero_point, int axis, int quant_min, int quant_max) -> Tensor",
              expand_fake_quantize,
              .samples =
                  "self=f32[3,5] scale=f32[3]@[0.1,0.2,0.5] zero_point=i32[3]@[0,1,-2] axis=0 "
                  "quant_min=-8 quant_max=7 | self=f32[2,4,3] scale=f32[4]@[0.1,0.2,0.5,1] "
                  "zero_point=f32[4]@[0,1.5,-2,0.25] axis=1 quant_min=0 quant_max=15"),
    EXPAND_FN("aten::fake_quantize_per_channel_affine_cachemask(Tensor self, Tensor scale, Tensor "
              "zero_point, int axis, int quant_min, int quant_max) -> (Tensor output, Tensor mask)",
              expand_fake_quantize,
              .samples = "self=f32[3,5] scale=f32[3]@[0.1,0.2,0.5] zero_point=i32[3]@[0,1,-2] "
                         "axis=0 quant_min=-8 quant_max=7"),
    EXPAND_FN("quantized_decomposed::quantize_per_tensor(Tensor input, float scale, int "
              "zero_point, int quant_min, int quant_max, ScalarType dtype) -> Tensor",
              expand_quantize,
              .samples =
                  "input=f32[3,5] scale=0.1 zero_point=3 quant_min=0 quant_max=255 dtype=u8 | "
                  "input=bf16[9] scale=0.03 zero_point=0 quant_min=-128 quant_max=127 dtype=i8 | "
                  "input=f32[4] scale=0.5 zero_point=1 quant_min=-32768 quant_max=32767 dtype=i16"),
    EXPAND_FN("quantized_decomposed::quantize_per_tensor.tensor(Tensor input, Tensor scale, Tensor "
              "zero_point, int quant_min, int quant_max, ScalarType dtype) -> Tensor",
              expand_quantize,
              .samples = "input=f32[3,5] scale=f64[1]@[0.1] zero_point=i64[1]@[3] quant_min=0 "
                         "quant_max=255 dtype=u8 | input=f32[3,5] scale=f32[]@[0.07] "
                         "zero_point=i32[]@[0] quant_min=-128 quant_max=127 dtype=i8"),
    EXPAND_FN("quantized_decomposed::quantize_per_tensor.tensor2(Tensor input, Tensor scale, "
              "Tensor zero_point, Tensor quant_min, Tensor quant_max, ScalarType dtype) -> Tensor",
              expand_quantize,
              .samples = "input=f32[3,5] scale=f64[1]@[0.1] zero_point=i64[1]@[3] "
                         "quant_min=i64[]@[0] quant_max=i64[]@[255] dtype=u8"),
    EXPAND_FN(
        "quantized_decomposed::dequantize_per_tensor(Tensor input, float scale, int zero_point, "
        "int quant_min, int quant_max, ScalarType dtype, *, ScalarType? out_dtype=None) -> Tensor",
        expand_dequantize,
        .samples = "input=u8[3,5]@0..255 scale=0.1 zero_point=3 quant_min=0 quant_max=255 dtype=u8 "
                   "| input=i8[9]@-9..9 scale=0.03 zero_point=0 quant_min=-128 quant_max=127 "
                   "dtype=i8 out_dtype=bf16"),
    EXPAND_FN("quantized_decomposed::dequantize_per_tensor.tensor(Tensor input, Tensor scale, "
              "Tensor zero_point, int quant_min, int quant_max, ScalarType dtype, *, ScalarType? "
              "out_dtype=None) -> Tensor",
              expand_dequantize,
              .samples = "input=u8[3,5]@0..255 scale=f64[1]@[0.1] zero_point=i64[1]@[3] "
                         "quant_min=0 quant_max=255 dtype=u8"),
    EXPAND_FN("quantized_decomposed::dequantize_per_tensor.tensor2(Tensor input, Tensor scale, "
              "Tensor zero_point, Tensor quant_min, Tensor quant_max, ScalarType dtype, *, "
              "ScalarType? out_dtype=None) -> Tensor",
              expand_dequantize,
              .samples = "input=u8[3,5]@0..255 scale=f64[1]@[0.1] zero_point=i64[1]@[3] "
                         "quant_min=i64[]@[0] quant_max=i64[]@[255] dtype=u8"),
    EXPAND_FN("quantized_decomposed::quantize_per_channel(Tensor input, Tensor scales, Tensor "
              "zero_points, int axis, int quant_min, int quant_max, ScalarType dtype) -> Tensor",
              expand_quantize,
              .samples = "input=f32[3,5] scales=f32[3]@[0.1,0.2,0.5] zero_points=i64[3]@[0,1,-2] "
                         "axis=0 quant_min=-128 quant_max=127 dtype=i8 | input=f32[2,4,3] "
                         "scales=f64[4]@[0.1,0.2,0.5,1] zero_points=i32[4]@[0,1,2,3] axis=1 "
                         "quant_min=0 quant_max=255 dtype=u8"),
    EXPAND_FN("quantized_decomposed::dequantize_per_channel(Tensor input, Tensor scales, Tensor? "
              "zero_points, int axis, int quant_min, int quant_max, ScalarType dtype, *, "
              "ScalarType? out_dtype=None) -> Tensor",
              expand_dequantize,
              .samples = "input=i8[3,5]@-9..9 scales=f32[3]@[0.1,0.2,0.5] "
                         "zero_points=i64[3]@[0,1,-2] axis=0 quant_min=-128 quant_max=127 dtype=i8 "
                         "| input=i8[3,5]@-9..9 scales=f32[5]@[0.1,0.2,0.5,1,2] zero_points=None "
                         "axis=1 quant_min=-128 quant_max=127 dtype=i8"),
    EXPAND_FN("quantized_decomposed::choose_qparams.tensor(Tensor input, int quant_min, int "
              "quant_max, float eps, ScalarType dtype) -> (Tensor, Tensor)",
              expand_choose_qparams,
              .samples = "input=f32[3,5] quant_min=0 quant_max=255 eps=1e-5 dtype=u8 | "
                         "input=f32[4]@[0,0,0,0] quant_min=-128 quant_max=127 eps=0.01 dtype=i8"),
    EXPAND_FN("quantized_decomposed::choose_qparams_symmetric.tensor(Tensor input, int quant_min, "
              "int quant_max, float eps, ScalarType dtype) -> (Tensor, Tensor)",
              expand_choose_qparams,
              .samples = "input=f32[3,5] quant_min=-127 quant_max=127 eps=1e-5 dtype=i8"),
    EXPAND("quantized_decomposed::choose_qparams_per_token_asymmetric(Tensor input, ScalarType "
           "dtype) -> (Tensor, Tensor)",
           PER_TOKEN, .samples = "input=f32[2,3,8] dtype=i8"),
    EXPAND("quantized_decomposed::_choose_qparams_per_token_asymmetric_impl(Tensor input, "
           "ScalarType dtype) -> (Tensor, Tensor)",
           PER_TOKEN, .samples = "input=f32[3,8] dtype=i8"),
    EXPAND("quantized_decomposed::quantize_per_token(Tensor input, Tensor scales, Tensor "
           "zero_points, int quant_min, int quant_max, ScalarType dtype) -> Tensor",
           "%x = aten.mul.Tensor(%input, aten.reciprocal.default(%scales))\n"
           "%q = aten.round.default(aten.add.Tensor(%x, %zero_points))\n"
           "return aten._to_copy.default(aten.clamp.default(%q, %quant_min, %quant_max), %dtype)",
           .samples =
               "input=f32[2,3,8] scales=f64[2,3,1]@[0.1,0.2,0.3,0.4,0.5,0.6] "
               "zero_points=i64[2,3,1]@[0,1,2,3,-4,5] quant_min=-128 quant_max=127 dtype=i8"),
    EXPAND("quantized_decomposed::dequantize_per_token(Tensor input, Tensor scales, Tensor "
           "zero_points, int quant_min, int quant_max, ScalarType dtype, ScalarType output_dtype) "
           "-> Tensor",
           "%x = aten.mul.Tensor(aten.sub.Tensor(%input, %zero_points), %scales)\n"
           "return aten._to_copy.default(%x, %output_dtype)",
           .samples = "input=i8[2,3,8]@-9..9 scales=f64[2,3,1]@[0.1,0.2,0.3,0.4,0.5,0.6] "
                      "zero_points=i64[2,3,1]@[0,1,2,3,-4,5] quant_min=-128 quant_max=127 dtype=i8 "
                      "output_dtype=f32"),
    EXPAND("quantized_decomposed::convert_element_type.no_fuse(Tensor input, ScalarType dtype) -> "
           "Tensor",
           "return aten._to_copy.default(%input, %dtype)", .samples = "input=f32[3] dtype=f16"),
    {0},
};
