/* Texts of samples that many rows share (OpDesc.samples; the grammar is in
 * docs/adding-an-operator.md).  A row may join several: UNARY_SAMPLES " | self=f32[2]@0..1". */
#ifndef AOTC_IR_OPS_SAMPLE_TEXTS_H
#define AOTC_IR_OPS_SAMPLE_TEXTS_H

/* One tensor: f(x) of floats, and of what is promoted to them. */
#define UNARY_SAMPLES                                                                              \
    "self=f32[3,5] | self=f32[16]@special | self=f32[0,4] | self=f64[] | self=f32[2,3]{1,2} | "    \
    "self=f16[7] | self=bf16[9]"
#define UNARY_INT_SAMPLES UNARY_SAMPLES " | self=i64[5] | self=bool[3] | self=u8[4]"
/* f(x) of positive numbers. */
#define UNARY_POSITIVE_SAMPLES                                                                     \
    "self=f32[3,5]@0.01..9 | self=f32[16]@special | self=f32[0,4] | self=f64[]@0..5 | "            \
    "self=f16[7]@0.1..9 | self=bf16[9]@0.1..9 | self=i64[5]@1..9 | self=bool[3]"
/* f(x) of [-1, 1]. */
#define UNARY_UNIT_SAMPLES                                                                         \
    "self=f32[3,5]@-1..1 | self=f32[16]@special | self=f32[0,4] | self=f64[]@-1..1 | "             \
    "self=f16[7]@-1..1 | self=bf16[9]@-1..1 | self=i64[5]@-1..1 | self=bool[3]"
/* The same function under another name. */
#define UNARY_ALIAS_SAMPLES "self=f32[5]@0..1 | self=f16[3]@0..1"

/* Two tensors of numbers. */
#define BINARY_SAMPLES                                                                             \
    "self=f32[3,5] other=f32[3,5] | self=f32[2,1,3] other=f32[4,1] | self=f32[] other=f32[3] | "   \
    "self=f32[0,4] other=f32[4] | self=f32[16]@special other=f32[16]@[1,-0,2,inf,nan,-inf,0] | "   \
    "self=f32[2,3]{1,2} other=f32[2,3] | self=f16[7] other=f16[7] | self=bf16[5] other=f32[5] | "  \
    "self=f64[3] other=f32[]"
#define BINARY_INT_SAMPLES                                                                         \
    BINARY_SAMPLES " | self=i64[5] other=i64[5]@1..4 | self=i32[4] other=i8[4]@1..3 | self=u8[6] " \
                   "other=u8[6]@1..9 | self=i64[3] other=f32[3] | ! self=f32[3] other=f32[4]"
#define BINARY_ALIAS_SAMPLES "self=f32[3,2] other=f32[2] | self=i64[4] other=i64[4]@1..4"
#define BINARY_FLOAT_ALIAS_SAMPLES                                                                 \
    "self=f32[3,2]@0..3 other=f32[2]@0..3 | self=f16[4]@0..3 other=f16[4]@0..3"
/* A tensor and a number. */
#define SCALAR_SAMPLES                                                                             \
    "self=f32[3,5] other=1.5 | self=f32[3] other=2 | self=f32[0,4] other=2.5 | "                   \
    "self=f32[16]@special other=-0.5 | self=f16[7] other=0.3 | self=bf16[7] other=3 | "            \
    "self=i64[5] other=2 | self=i32[5] other=1.5 | self=u8[4] other=3 | self=f64[] other=2"
#define SCALAR_ALIAS_SAMPLES "self=f32[4] other=1.5 | self=i64[4] other=2"
/* Comparisons. */
#define COMPARE_SAMPLES                                                                            \
    "self=i64[9]@0..2 other=i64[9]@0..2 | self=f32[2,1,3] other=f32[4,1] | self=f32[16]@special "  \
    "other=f32[16]@[0,-1,1,-inf,inf,nan,7] | self=f32[0,4] other=f32[4] | self=bool[8] "           \
    "other=bool[8] | self=bf16[5] other=f32[] | self=u8[4] other=i32[4]@0..3"
#define COMPARE_SCALAR_SAMPLES                                                                     \
    "self=i64[9]@0..2 other=1 | self=f32[16]@special other=0 | self=f32[0,4] other=1 | "           \
    "self=bool[4] other=true | self=f16[5] other=0.5 | self=i32[5] other=0.5"
/* Bits. */
#define BITS_SAMPLES                                                                               \
    "self=i64[3,3] other=i64[3] | self=bool[8] other=bool[8] | self=u8[5] other=i8[5] | "          \
    "self=i32[0] other=i32[0] | self=i16[] other=i16[4] | ! self=f32[2] other=f32[2]"
#define BITS_SCALAR_SAMPLES                                                                        \
    "self=i64[5] other=6 | self=bool[4] other=true | self=u8[5]@0..255 other=15 | self=i32[0] "    \
    "other=1 | ! self=f32[2] other=1"
#define BITS_SCALAR_TENSOR_SAMPLES                                                                 \
    "self=6 other=i64[5] | self=true other=bool[4] | ! self=1 other=f32[2]"
#define SHIFT_SAMPLES                                                                              \
    "self=i64[3,3] other=i64[3]@0..5 | self=u8[5] other=u8[5]@0..7 | self=i32[0] other=i32[0] | "  \
    "self=i8[6]@-128..127 other=i8[6]@0..9 | self=i32[4]@special other=i32[4]@[0,31,32,-1]"
#define SHIFT_SCALAR_SAMPLES "self=i64[5] other=3 | self=u8[5]@0..255 other=2 | self=i32[0] other=1"

/* Reductions to one number, over one dim, over dims. */
#define REDUCE_ALL_SAMPLES                                                                         \
    "self=f32[3,5] | self=f32[] | self=f64[7] | self=f16[33] | self=bf16[4,4] | "                  \
    "self=f32[3,4]{1,3} | self=f32[7,130]"
#define REDUCE_DIM_SAMPLES                                                                         \
    "self=f32[3,5] dim=1 | self=f32[2,3,4] dim=-2 keepdim=true | self=f32[] dim=0 | self=f64[7] "  \
    "dim=0 | self=f16[5,3] dim=0 | self=bf16[4,4] dim=-1 | self=f32[3,4]{1,3} dim=0 | "            \
    "self=f32[0,3] dim=1 | ! self=f32[3,5] dim=2"
#define REDUCE_DIMS_SAMPLES                                                                        \
    "self=f32[3,5] dim=[1] | self=f32[2,3,4] dim=[0,-1] keepdim=true | self=f32[2,3] dim=[] | "    \
    "self=f32[] dim=[0] | self=f16[5,3] dim=[0] | self=bf16[4,4] dim=[-1] | self=f32[3,4]{1,3} "   \
    "dim=[0] | self=f32[0,3] dim=[1] | self=f32[3,300] dim=[1] | ! self=f32[3,5] dim=[2] | ! "     \
    "self=f32[3,5] dim=[1,-1]"

/* aten::X_loss(Tensor self, Tensor target, int reduction=1). */
#define LOSS_SAMPLES                                                                               \
    "self=f32[3,4] target=f32[3,4] | self=f32[3,4] target=f32[3,4] reduction=0 | self=f32[2,3] "   \
    "target=f32[2,3] reduction=2 | self=f32[] target=f32[] | self=bf16[5] target=bf16[5] | "       \
    "self=f64[3] target=f64[3]"

/* Views and copies of one tensor without further arguments. */
#define SAME_SAMPLES                                                                               \
    "self=f32[2,3] | self=f32[] | self=i64[0,3] | self=bool[4] | self=bf16[3,2]{1,3}"
/* Softmax and its like. */
#define SOFTMAX_SAMPLES                                                                            \
    "self=f32[2,3,5] dim=-1 | self=f32[3,4] dim=0 | self=f32[] dim=0 | self=f32[0,3] dim=1 | "     \
    "self=f16[7] dim=0 | self=bf16[2,6] dim=1 | self=f64[4] dim=0 | self=f32[2,300] dim=1 | "      \
    "self=f32[2,8]@[1,inf,2,-inf,0,nan,3,4,-inf] dim=1"
#endif
