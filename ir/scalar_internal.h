/* What the files of the scalar library share.
 *
 *   scalar.c        pool, hash-consing, indirect indices, walking, rewriting
 *   scalar_fold.c   constants: PyTorch's arithmetic by dtype
 *   scalar_rules.c  simplifications that keep every bit
 *   scalar_parse.c  text of operator bodies
 *   scalar_print.c  text for dumps */
#ifndef AOTC_IR_SCALAR_INTERNAL_H
#define AOTC_IR_SCALAR_INTERNAL_H

#include "ir/scalar.h"

/* Number of operands; result 'a', 'b' or 'x' as in SCALAR_OPS. */
int  scalar_op_arity(ScalarOp op);
char scalar_op_result(ScalarOp op);
bool scalar_op_commutes(ScalarOp op);

/* The node with exactly these operands. */
Scalar *scalar_intern(ScalarPool *pool, const Scalar *like);

/* The node of an indirect index whose symbol exists: for readers of text. */
Scalar *scalar_new_indirect(ScalarPool *pool, Scalar *value, Symbol *symbol, const char *what);

/* What a number becomes when stored in dtype. */
int64_t scalar_wrap(DType dtype, int64_t value);
double  scalar_round(DType dtype, double value);
/* Every value of `from` has one in `to`, and comes back unchanged. */
bool    scalar_is_lossless(DType from, DType to);
/* NULL where a constant stays a computation (NaN of unclear sign, division by zero, out of range).
 */
Scalar *scalar_fold(ScalarPool *pool, ScalarOp op, DType dtype, Scalar *const *in, int n);
Scalar *scalar_fold_cast(ScalarPool *pool, DType dtype, const Scalar *a);
/* NULL when no rule applies. */
Scalar *scalar_apply_rules(ScalarPool *pool, ScalarOp op, DType dtype, Scalar *const *in);

bool scalar_is_int_value(const Scalar *a, int64_t value); /* a CONST of an integer or bool dtype */
bool scalar_is_float_value(const Scalar *a, double value);

#endif
