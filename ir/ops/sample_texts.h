/* Texts of samples that many rows share (OpDesc.samples; the grammar is in
 * docs/adding-an-operator.md).  A row may join several: UNARY_SAMPLES " | self=f32[2]@0..1". */
#ifndef AOTC_IR_OPS_SAMPLE_TEXTS_H
#define AOTC_IR_OPS_SAMPLE_TEXTS_H

/* One tensor: f(x) of floats, and of what is promoted to them. */
#define UNARY_SAMPLES                                                                              \
    "self=f32[3,5] | self=f32[16]@special | self=f32[0,4] | self=f64[] | self=f32[2,3]{1,2} | "    \
    "self=f16[7] | self=bf16[9]"
#define UNARY_INT_SAMPLES UNARY_SAMPLES " | self=i64[5] | self=bool[3] | self=u8[4]"
/* The same function under another name. */
#define UNARY_ALIAS_SAMPLES "self=f32[5] | self=f16[3]"

#endif
