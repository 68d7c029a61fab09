/* What ops.c, ops_infer.c, ops_build.c and ops_expand.c share. */
#ifndef AOTC_IR_OPS_OPS_INTERNAL_H
#define AOTC_IR_OPS_OPS_INTERNAL_H

#include "ir/ops.h"

Where node_where(const Node *node);

/* Types from kind alone. */
Error *infer_pointwise(Node *node);
Error *infer_reduction(Node *node);

/* Number of tensors that an operator returning a list makes for these arguments; -1 when they do
 * not say. */
int count_list_results(const Node *node);

#endif
