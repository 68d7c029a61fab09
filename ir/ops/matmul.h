/* What products share. */
#ifndef AOTC_IR_OPS_MATMUL_H
#define AOTC_IR_OPS_MATMUL_H

#include "ir/ops.h"

/* The summed sizes of both operands agree. */
Error *matmul_check_inner(const Node *node, const Expr *a, const Expr *b);

#endif
