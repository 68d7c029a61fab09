/* What reading and writing by index tensors share; the functions are in indexing.c. */
#ifndef AOTC_IR_OPS_ADVANCED_H
#define AOTC_IR_OPS_ADVANCED_H

#include "ir/ops/shape_util.h"

/* x[i, :, j]: the broadcast dims of the index tensors stand where the first one stood if these are
 * neighbours, else in front; the dims without an index tensor keep their order. */
typedef struct Advanced {
    Value      *index[MAX_RANK]; /* by dim of self, NULL: whole dim */
    const Expr *sizes[MAX_RANK]; /* broadcast of the index tensors */
    int         rank;            /* of the broadcast */
    int         at;              /* its first dim in the result */
    int         first, n;        /* first indexed dim; how many */
} Advanced;

/* E_VALUE where the indices do not fit self, E_UNSUPPORTED for masks. */
Error *advanced_index(const Node *node, Advanced *a);
/* An index tensor has to hold integers. */
Error *check_index(const Node *node, const TensorType *index);

#endif
