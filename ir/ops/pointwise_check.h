/* Inference of pointwise rows with what eager PyTorch checks beyond sizes and promotion. */
#ifndef AOTC_IR_OPS_POINTWISE_CHECK_H
#define AOTC_IR_OPS_POINTWISE_CHECK_H

#include "ir/ops.h"

/* Only integers and bool have bits. */
Error *infer_bits(Node *node);
/* alpha is no fraction where the result is an integer (BinaryOps.h, alpha_check). */
Error *infer_alpha(Node *node);
/* As infer_alpha; bool has no minus. */
Error *infer_minus(Node *node);
/* As infer_minus, and `other` comes first: its strides count. */
Error *infer_rsub(Node *node);
/* No bool. */
Error *infer_no_bool(Node *node);
/* Floating point only: no kernel for integers. */
Error *infer_floating(Node *node);
/* As infer_floating, with a row-major result. */
Error *infer_floating_row_major(Node *node);
/* As infer_floating; alpha is not 0 (celu), lambd not negative (softshrink). */
Error *infer_celu(Node *node);
Error *infer_softshrink(Node *node);
/* All tensors have one dtype. */
Error *infer_same_dtype(Node *node);
/* As infer_same_dtype, floating point only. */
Error *infer_lerp(Node *node);
/* At least one of min and max. */
Error *infer_clamp(Node *node);
/* The condition is bool, or u8 as in old programs. */
Error *infer_where(Node *node);
/* `value` has no dims. */
Error *infer_fill(Node *node);
/* As infer_fill; `mask` is bool. */
Error *infer_masked_fill(Node *node);

#endif
