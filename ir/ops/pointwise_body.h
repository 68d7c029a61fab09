/* Element computations of pointwise rows that a function chooses. */
#ifndef AOTC_IR_OPS_POINTWISE_BODY_H
#define AOTC_IR_OPS_POINTWISE_BODY_H

#include "ir/ops.h"

/* The scalar of a text over the names of the parameters, as OpDesc.body; `in` has the elements of
 * tensors (NULL: the argument is a number) in the order of the parameters.  NULL, which lowering
 * refuses, when the text does not parse. */
Scalar *body_text(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype, const char *text);

#endif
