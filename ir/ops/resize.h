/* What upsampling and grid sampling share. */
#ifndef AOTC_IR_OPS_RESIZE_H
#define AOTC_IR_OPS_RESIZE_H

#include "ir/ops/shape_util.h"

/* Weights of four taps, at distances 1 + t, t, 1 - t, 2 - t. */
void cubic_weights(ScalarPool *p, Scalar *t, Scalar **w);

#endif
