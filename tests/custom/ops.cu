/* The custom operators of the tests on a device: what make_custom.py says in Python. */
#include "aotc_op.h"

#include <stdio.h>
#include <string.h>

#define F(t) ((float *)(t)->data)
#define EACH(n) (unsigned)(((n) + 127) / 128 ? ((n) + 127) / 128 : 1), 128, 0, (cudaStream_t)op->stream

static int32_t launched(const aotc_op *op)
{
    cudaError_t error = cudaGetLastError();
    if (error)
        snprintf(op->message, op->message_bytes, "%s: %s", op->name, cudaGetErrorString(error));
    return error;
}

__global__ void scaled_add(const float *x, const float *y, float alpha, float *out, int64_t n)
{
    int64_t i = blockIdx.x * (int64_t)blockDim.x + threadIdx.x;
    if (i < n)
        out[i] = x[i] + alpha * y[i];
}

// aotc-op: mylib::scaled_add(Tensor x, Tensor y, float alpha=1.) -> Tensor
int32_t mylib_scaled_add_cuda(const aotc_op *op, const aotc_op_tensor *x, const aotc_op_tensor *y, double alpha,
                              const aotc_op_tensor *result)
{
    scaled_add<<<EACH(x->numel)>>>(F(x), F(y), (float)alpha, F(result), x->numel);
    return launched(op);
}

// aotc-op: mylib::add_to(Tensor(a0!) acc, Tensor x) -> ()
int32_t mylib_add_to_cuda(const aotc_op *op, const aotc_op_tensor *acc, const aotc_op_tensor *x)
{
    scaled_add<<<EACH(x->numel)>>>(F(acc), F(x), 1, F(acc), x->numel);
    return launched(op);
}

__global__ void row_sums(const float *x, float *out, int64_t rows, int64_t columns, int64_t *count)
{
    int64_t i = blockIdx.x * (int64_t)blockDim.x + threadIdx.x;
    if (i == 0)
        ++*count;
    if (i >= rows)
        return;
    float sum = 0;
    for (int64_t j = 0; j < columns; j++)
        sum += x[i * columns + j];
    out[i] = sum;
}

// aotc-op: mylib::add_and_sum(Tensor(a0!) acc, Tensor x, Tensor(a2!) count) -> Tensor
int32_t mylib_add_and_sum_cuda(const aotc_op *op, const aotc_op_tensor *acc, const aotc_op_tensor *x,
                               const aotc_op_tensor *count, const aotc_op_tensor *result)
{
    scaled_add<<<EACH(x->numel)>>>(F(acc), F(x), 1, F(acc), x->numel);
    row_sums<<<EACH(x->sizes[0])>>>(F(x), F(result), x->sizes[0], x->sizes[1], (int64_t *)count->data);
    return launched(op);
}

__global__ void scale_and_sum(const float *x, const float *weight, float n, float *scaled, float *sums, int64_t rows,
                              int64_t columns)
{
    int64_t j = blockIdx.x * (int64_t)blockDim.x + threadIdx.x;
    if (j >= columns)
        return;
    float sum = 0;
    for (int64_t i = 0; i < rows; i++) {
        scaled[i * columns + j] = x[i * columns + j] * n;
        sum += weight ? x[i * columns + j] * weight[j] : x[i * columns + j];
    }
    sums[j] = sum;
}

// aotc-op: mylib::two(Tensor x, SymInt n, Tensor? weight=None) -> (Tensor, Tensor)
int32_t mylib_two_cuda(const aotc_op *op, const aotc_op_tensor *x, int64_t n, const aotc_op_tensor *weight,
                       const aotc_op_tensor *result0, const aotc_op_tensor *result1)
{
    if (n == 13) {
        snprintf(op->message, op->message_bytes, "%s does not like %d rows", op->name, (int)n);
        return 7;
    }
    scale_and_sum<<<EACH(x->sizes[1])>>>(F(x), weight ? F(weight) : NULL, (float)n, F(result0), F(result1), x->sizes[0],
                                         x->sizes[1]);
    return launched(op);
}

struct Values {
    float v[11];
};

__global__ void sum_times(const float *x, int64_t n, Values values, float *out)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    out[threadIdx.x] = (float)(sum * values.v[threadIdx.x]);
}

// aotc-op: mylib::kinds(Tensor x, bool flag, str mode, SymInt[] dims, float[] weights, bool[] signs, Scalar number, Scalar real, ScalarType dtype, SymInt? limit=None, float? low=None, str? names=None) -> Tensor
int32_t mylib_kinds_cuda(const aotc_op *op, const aotc_op_tensor *x, int32_t flag, const char *mode, const aotc_op_ints *dims,
                         const aotc_op_floats *weights, const aotc_op_ints *signs, const aotc_op_scalar *number,
                         const aotc_op_scalar *real, int32_t dtype, const int64_t *limit, const double *low, const char *names,
                         const aotc_op_tensor *result)
{
    double of_dims = 0, of_weights = 0, of_signs = 0;
    for (int64_t i = 0; i < dims->n; i++)
        of_dims += (double)dims->items[i];
    for (int64_t i = 0; i < weights->n; i++)
        of_weights += weights->items[i];
    for (int64_t i = 0; i < signs->n; i++)
        of_signs += (double)signs->items[i];
    Values values = {{(float)flag, (float)strlen(mode), (float)of_dims, (float)of_weights, (float)of_signs, (float)number->i,
                      (float)real->f, (float)(dtype == AOTC_OP_F16), limit ? (float)*limit : -1, low ? (float)*low : -1,
                      (float)(names == NULL)}};
    sum_times<<<1, 11, 0, (cudaStream_t)op->stream>>>(F(x), x->numel, values, F(result));
    return launched(op);
}

__global__ void half_of(const float *x, const float *extra, float *out, int64_t n)
{
    int64_t i = blockIdx.x * (int64_t)blockDim.x + threadIdx.x;
    if (i < n)
        out[i] = x[i] / 2 + (extra ? extra[i] : 0);
}

// aotc-op: mylib::halves(Tensor[] xs, Tensor?[] extra) -> Tensor[]
int32_t mylib_halves_cuda(const aotc_op *op, const aotc_op_tensors *xs, const aotc_op_tensors *extra,
                          const aotc_op_tensors *result)
{
    const aotc_op_tensor *add = extra->items[0];
    for (int64_t k = 0; k < xs->n; k++)
        half_of<<<EACH(xs->items[k]->numel)>>>(F(xs->items[k]), add ? F(add) : NULL, F(result->items[k]), xs->items[k]->numel);
    return launched(op);
}
