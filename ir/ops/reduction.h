/* What reductions and the norms made of them share. */
#ifndef AOTC_IR_OPS_REDUCTION_H
#define AOTC_IR_OPS_REDUCTION_H

#include "ir/ops/shape_util.h"

typedef struct ReduceDims {
    int dim[MAX_RANK], n;
} ReduceDims;

/* The argument, NULL where the operator has none of that name or it is None. */
const Arg *reduce_arg(const Node *node, const char *name);
bool       reduce_flag(const Node *node, const char *name); /* false where not given */
/* dim as one number, a list or None; None and [] are all dims. */
Error     *reduce_dims(const Node *node, int rank, ReduceDims *out);
Error     *reduce_need_float(const Node *node, DType dtype);
/* A reduction by dotted name over (dims, keepdim); NULL after an error. */
Value     *build_reduce(Build *b, const char *op, Value *x, const ReduceDims *dims, bool keepdim);
/* Without the dims that a keepdim reduction left at size 1. */
Value     *reduce_drop_dims(Build *b, Value *x, const ReduceDims *dims, bool keepdim);

#endif
