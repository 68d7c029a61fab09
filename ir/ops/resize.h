/* What upsampling of floats and of bytes, and grid sampling share. */
#ifndef AOTC_IR_OPS_RESIZE_H
#define AOTC_IR_OPS_RESIZE_H

#include "ir/ops/shape_util.h"

enum { MAX_RESIZED = 3 }; /* spatial dims */

/* One spatial dim: what PyTorch computes source positions from (UpSample.h). */
typedef struct Axis {
    const Expr *in, *out;
    double      scale; /* the factor given by the user, 0 when none */
} Axis;

/* Of all spatial dims of an upsampling call; checks its sizes and scales. */
Error *upsample_axes(const Node *node, Axis *axes);
/* Elements of the input from one of the output to the next. */
double resize_scale(const Axis *axis, int64_t in, int64_t out, bool align);
/* Its value is the number of elements that it is wide. */
typedef enum ResizeFilter {
    FILTER_LINEAR = 2,
    FILTER_CUBIC = 4,
    FILTER_LANCZOS = 6,
} ResizeFilter;
ResizeFilter resize_filter_of(const Node *node);
/* Weight at distance |x|: a tent, the cubic kernel of Keys with parameter a, or Lanczos' kernel,
 * sinc(x) sinc(x / 3). */
Value       *resize_filter(Build *b, Value *x, ResizeFilter filter, double a);
/* Bilinear and bicubic resizing of u8 images, antialiased or not (ir/ops/resize_bytes.c). */
Error       *expand_resize_bytes(Node *node, Value **results);

/* Weights of four taps, at distances 1 + t, t, 1 - t, 2 - t. */
void cubic_weights(ScalarPool *p, Scalar *t, Scalar **w);

#endif
