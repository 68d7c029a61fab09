/* What operators that make tensors share: creation.c, conversion.c, range.c, triangle.c,
 * window_function.c. */
#ifndef AOTC_IR_OPS_CREATION_H
#define AOTC_IR_OPS_CREATION_H

#include "ir/ops.h"

/* Memory formats in the numbering of the export schema. */
enum {
    FORMAT_CONTIGUOUS = 1,
    FORMAT_CHANNELS_LAST = 2,
    FORMAT_CHANNELS_LAST_3D = 3,
    FORMAT_PRESERVE = 4
};

/* The argument of a parameter; NULL where the schema has no such parameter or it is None. */
const Arg *creation_arg(const Node *node, const char *name);
/* dtype=, or what stands for it. */
DType      creation_dtype(const Node *node, DType otherwise);
/* memory_format=, or what stands for it. */
int64_t    creation_memory_format(const Node *node, int64_t otherwise);
/* Only dense tensors exist here. */
Error     *creation_check_layout(const Node *node);
/* Type of the result, on device= or the device of the first tensor. */
void       creation_set_type(Node *node, TensorType type);
/* The same with strides of a memory format. */
Error     *creation_set_format(Node *node, DType dtype, const Expr *const *sizes, int rank,
                               int64_t format);
/* Like self, dense in the order of its strides unless a format is asked for.  self is the only
 * tensor argument. */
Error     *creation_infer_like(Node *node);
/* Numbers of a result are made in the dtype that computes; lowering rounds. */
DType      creation_element_dtype(const Node *node);
/* dtype of a Python number as a tensor; the default dtype is taken to be float32. */
DType      creation_dtype_of_number(const Arg *arg);

#endif
