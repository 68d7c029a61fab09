/* Products of narrow numbers: fp8 with scales, int8 weights and int8 by int8.
 *
 *   aten._scaled_mm(%a, %b, %sa, %sb, out_dtype=bf16)     mm(f32(a) * sa, f32(b) * sb) : bf16
 *
 * In: a node.  Out: nodes before it, which widen the operands and round once. */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <string.h>

/* torch.nn.functional.ScalingType: how many elements share a scale. */
enum { SCALE_TENSOR = 0, SCALE_ROW = 1 };

static Value *cast_arg(Build *b, const Node *node, const char *name, DType dtype)
{
    return b->error ? NULL : build_cast(b, node_tensor(node, name), dtype);
}

/* The scale of an operand; one of the tensor or one of each row. */
static Error *read_scale(const Node *node, const char *name, const char *recipe, Value **out)
{
    const Arg *arg = node_arg(node, name);
    int64_t    kind;
    if (arg->kind != ARG_LIST) {
        *out = node_tensor(node, name);
        return NULL;
    }
    if (arg->n_items != 1)
        return node_error(node, E_UNSUPPORTED, "%s: %d levels of scales", name, arg->n_items);
    TRY(shape_ints(node, recipe, &kind, 1));
    if (kind != SCALE_TENSOR && kind != SCALE_ROW)
        return node_error(node, E_UNSUPPORTED, "%s: scales of blocks (recipe %lld)", name,
                          (long long)kind);
    *out = arg->items[0].value;
    return NULL;
}

static Error *expand_scaled_mm(Node *node, Value **results)
{
    Build      b = build_at(node);
    Value     *scale_a, *scale_b, *bias = node_tensor(node, "bias");
    const Arg *dtype = node_arg(node, "out_dtype");
    DType      to = dtype->kind == ARG_DTYPE ? dtype->dtype : node_tensor(node, "self")->type.dtype;
    TRY(read_scale(node, "scale_a", "recipe_a", &scale_a));
    TRY(read_scale(node, "scale_b", "recipe_b", &scale_b));
    Value *x = build_binary(&b, "aten.mul.Tensor", cast_arg(&b, node, "self", DT_F32), scale_a);
    Value *y = build_binary(&b, "aten.mul.Tensor", cast_arg(&b, node, "mat2", DT_F32), scale_b);
    Value *out = build_binary(&b, "aten.mm.default", x, y);
    if (bias)
        out = build_binary(&b, "aten.add.Tensor", out, bias);
    bool has_result_scale =
        schema_param(node->schema, "scale_result") >= 0 && node_tensor(node, "scale_result");
    if (has_result_scale && dtype_size(to) == 1)
        out = build_binary(&b, "aten.mul.Tensor", out, node_tensor(node, "scale_result"));
    results[0] = b.error ? NULL : build_cast(&b, out, to);
    return b.error;
}

const OpDesc scaled_matmul_ops[] = {
    EXPAND_FN("aten::_scaled_mm(Tensor self, Tensor mat2, Tensor scale_a, Tensor scale_b, Tensor? "
              "bias=None, Tensor? scale_result=None, ScalarType? out_dtype=None, bool "
              "use_fast_accum=False) -> Tensor",
              expand_scaled_mm,
              .samples =
                  "self=f8e4m3[3,16] mat2=f8e4m3[16,32]{1,16} scale_a=f32[] scale_b=f32[] "
                  "out_dtype=f32 | self=f8e4m3[3,16] mat2=f8e4m3[16,32]{1,16} scale_a=f32[3,1] "
                  "scale_b=f32[1,32] bias=bf16[32] out_dtype=bf16"),
    EXPAND_FN(
        "aten::_scaled_mm_v2(Tensor self, Tensor mat2, Tensor[] scale_a, int[] recipe_a, "
        "int[] swizzle_a, Tensor[] scale_b, int[] recipe_b, int[] swizzle_b, Tensor? bias, "
        "ScalarType? out_dtype, int[] contraction_dim=[], bool use_fast_accum=False) -> "
        "Tensor",
        expand_scaled_mm,
        .samples =
            "self=f8e4m3[3,16] mat2=f8e4m3[16,32]{1,16} scale_a=[f32[1]] recipe_a=[0] "
            "swizzle_a=[0] scale_b=[f32[1]] recipe_b=[0] swizzle_b=[0] bias=None out_dtype=bf16"),
    EXPAND("aten::_int_mm(Tensor self, Tensor mat2) -> Tensor",
           "return aten.mm.default(aten._to_copy.default(%self, i32), "
           "aten._to_copy.default(%mat2, i32))",
           .samples = "self=i8[17,8] mat2=i8[8,16]"),
    EXPAND("aten::_weight_int8pack_mm(Tensor self, Tensor mat2, Tensor scales) -> Tensor",
           "%x = aten._to_copy.default(%self, f32)\n"
           "%w = aten._to_copy.default(aten.t.default(%mat2), f32)\n"
           "%y = aten.mul.Tensor(aten.mm.default(%x, %w), %scales)\n"
           "return aten._to_copy.default(%y, dtype(%self))",
           .samples = "self=bf16[3,32] mat2=i8[32,32] scales=bf16[32] | self=f32[3,32] "
                      "mat2=i8[32,32] scales=f32[32]"),
    {0},
};
