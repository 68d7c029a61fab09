/* The operators of model.py for the CPU; ops.cu has them for CUDA devices. */
#include "aotc_op.h"

#include <math.h>
#include <stdio.h>

/* aotc-op: example::rms_norm(Tensor x, Tensor weight, float eps=1e-06) -> Tensor */
int32_t example_rms_norm(const aotc_op *op, const aotc_op_tensor *x, const aotc_op_tensor *weight,
                         double eps, const aotc_op_tensor *result)
{
    const float *from = x->data, *w = weight->data;
    float       *to = result->data;
    int64_t      columns = x->sizes[x->rank - 1];
    if (x->dtype != AOTC_OP_F32) {
        snprintf(op->message, op->message_bytes, "%s is written for float32", op->name);
        return 1;
    }
    for (int64_t row = 0; row < x->numel; row += columns) {
        float sum = 0;
        for (int64_t i = 0; i < columns; i++)
            sum += from[row + i] * from[row + i];
        float scale = 1 / sqrtf(sum / (float)columns + (float)eps);
        for (int64_t i = 0; i < columns; i++)
            to[row + i] = from[row + i] * scale * w[i];
    }
    return 0;
}

/* aotc-op: example::count_rows(Tensor(a0!) counter, Tensor x) -> () */
int32_t example_count_rows(const aotc_op *op, const aotc_op_tensor *counter,
                           const aotc_op_tensor *x)
{
    (void)op;
    *(int64_t *)counter->data += x->sizes[0];
    return 0;
}
