/* What the files that lower templates share: lower_template.c (products, and which file has which
 * template), lower_conv.c, lower_attention.c, lower_scatter.c, lower_rows.c. */
#ifndef AOTC_PASSES_LOWER_TEMPLATE_H
#define AOTC_PASSES_LOWER_TEMPLATE_H

#include "passes/lower_internal.h"

/* ---- lower_template.c ------------------------------------------------------------------------ */
/* E_UNSUPPORTED, the operator's name in front. */
Error  *lower_refuse(const Node *node, const char *what);
bool    arg_is_one(const Arg *arg);
/* A number as a constant of dtype, or as an expression of symbols. */
Scalar *arg_scalar(LowerCx *cx, const Arg *arg, DType dtype);
void    set_outer(Lower *lo, Kernel *k, const Expr *const *sizes, int n); /* new variables */
/* Memory of a raw result; order: its dims from the outermost on, NULL as they are. */
Buffer *raw_buffer(Lower *lo, Value *out, DType dtype, const int *order);
/* The operand with these strides. */
Operand operand_pick(Ir *ir, const Operand *o, const Expr *const *strides, int n);
/* In which sums of products are kept. */
DType   accumulator_dtype(DType dtype);

/* ---- one template each ----------------------------------------------------------------------- */
Error *lower_conv(Lower *lo, Node *node);
Error *lower_attention(Lower *lo, Node *node);
Error *lower_scatter(Lower *lo, Node *node);
Error *lower_scan(Lower *lo, Node *node);
Error *lower_sort(Lower *lo, Node *node);
Error *lower_call(Lower *lo, Node *node);
Error *lower_recurrent(Lower *lo, Node *node);
Error *lower_embedding_bag(Lower *lo, Node *node);
Error *lower_item(Lower *lo, Node *node);
Error *lower_nonzero(Lower *lo, Node *node);
Error *lower_move(Lower *lo, Node *node);

#endif
