/* Windows over the last dims of a tensor: pooling, im2col. */
#ifndef AOTC_IR_OPS_WINDOWS_H
#define AOTC_IR_OPS_WINDOWS_H

#include "ir/ops/shape_util.h"

#define WINDOWS                                                                                    \
    "aotc::windows(Tensor self, int[] kernel, int[] stride, int[] padding, int[] dilation, float " \
    "pad_value, bool "                                                                             \
    "ceil_mode) -> Tensor"
#define ADAPTIVE_WINDOWS                                                                           \
    "aotc::adaptive_windows(Tensor self, SymInt[] output_size, float pad_value) -> Tensor"
#define WINDOW_COUNT                                                                               \
    "aotc::window_count(Tensor self, int[] kernel, int[] stride, int[] padding, bool ceil_mode, "  \
    "bool "                                                                                        \
    "count_include_pad) -> Tensor"
#define ADAPTIVE_COUNT "aotc::adaptive_count(Tensor self, SymInt[] output_size) -> Tensor"
#define WINDOW_OFFSET                                                                              \
    "aotc::window_offset(Tensor k, Tensor self, int[] kernel, int[] stride, int[] padding, int[] " \
    "dilation) -> Tensor"
#define ADAPTIVE_OFFSET                                                                            \
    "aotc::adaptive_offset(Tensor k, Tensor self, SymInt[] output_size) -> Tensor"

typedef struct Window {
    int     n; /* spatial dims: the last ones of the input */
    int64_t kernel[3], stride[3], padding[3], dilation[3];
    bool    ceil_mode;
} Window;

/* Of an aten operator; n spatial dims.  An empty stride means the kernel. */
Error      *window_read(const Node *node, int n, Window *w);
/* Of an internal operator, checked. */
Error      *window_read_internal(const Node *node, Window *w);
/* Positive sizes; `half`: padding is at most half of the kernel, as pooling has it. */
Error      *window_check(const Node *node, const Window *w, bool half);
/* Number of windows along a dim; with ceil_mode the last one still starts inside the input or its
 * left padding. */
const Expr *window_places(ExprPool *pool, const Expr *in, const Window *w, int i);

/* None in output_size keeps the size of the dim. */
Error *window_adaptive_sizes(const Node *node, const Expr **out, int *n);
bool   window_is_divisible(ExprPool *pool, const Expr *in, const Expr *out);

/* dtype of WINDOW_COUNT and ADAPTIVE_COUNT. */
DType window_count_dtype(DType dtype);

/* aotc.windows of `self`. */
Value *build_windows(Build *b, Value *self, const Window *w, double pad_value);
/* The last n dims, as an argument. */
Arg    window_dims(Graph *g, int n);

#endif
