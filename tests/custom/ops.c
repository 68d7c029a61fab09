/* Custom operators of the tests: what make_custom.py says in Python. */
#include "aotc_op.h"

#include <stdio.h>
#include <string.h>

#define F(t) ((float *)(t)->data)

/* aotc-op: mylib::scaled_add(Tensor x, Tensor y, float alpha=1.) -> Tensor */
int32_t mylib_scaled_add(const aotc_op *op, const aotc_op_tensor *x, const aotc_op_tensor *y,
                         double alpha, const aotc_op_tensor *result)
{
    if (y->rank != 2 || y->strides[0] != y->sizes[1] || y->strides[1] != 1 ||
        x->dtype != AOTC_OP_F32) {
        snprintf(op->message, op->message_bytes, "y is not row-major");
        return 1;
    }
    for (int64_t i = 0; i < x->numel; i++)
        F(result)[i] = F(x)[i] + (float)alpha * F(y)[i];
    return 0;
}

// aotc-op: mylib::add_to(Tensor(a0!) acc, Tensor x) -> ()
int32_t mylib_add_to(const aotc_op *op, const aotc_op_tensor *acc, const aotc_op_tensor *x)
{
    for (int64_t i = 0; i < acc->numel; i++)
        F(acc)[i] += F(x)[i];
    return 0;
}

// aotc-op: mylib::add_and_sum(Tensor(a0!) acc, Tensor x, Tensor(a2!) count) -> Tensor
int32_t mylib_add_and_sum(const aotc_op *op, const aotc_op_tensor *acc, const aotc_op_tensor *x,
                          const aotc_op_tensor *count, const aotc_op_tensor *result)
{
    memset(F(result), 0, (size_t)result->numel * 4);
    for (int64_t i = 0; i < acc->numel; i++) {
        F(acc)[i] += F(x)[i];
        F(result)[i / x->sizes[1]] += F(x)[i];
    }
    ((int64_t *)count->data)[0]++;
    return 0;
}

// aotc-op: mylib::two(Tensor x, SymInt n, Tensor? weight=None) -> (Tensor, Tensor)
int32_t mylib_two(const aotc_op *op, const aotc_op_tensor *x, int64_t n,
                  const aotc_op_tensor *weight, const aotc_op_tensor *result0,
                  const aotc_op_tensor *result1)
{
    int64_t columns = result1->numel;
    if (n == 13) {
        snprintf(op->message, op->message_bytes, "%s does not like %d rows", op->name, (int)n);
        return 7;
    }
    memset(F(result1), 0, (size_t)columns * 4);
    for (int64_t i = 0; i < x->numel; i++) {
        F(result0)[i] = F(x)[i] * (float)n;
        F(result1)[i % columns] += weight ? F(x)[i] * F(weight)[i % columns] : F(x)[i];
    }
    return 0;
}

// aotc-op: mylib::kinds(Tensor x, bool flag, str mode, SymInt[] dims, float[] weights, bool[]
// signs, Scalar number, Scalar real, ScalarType dtype, SymInt? limit=None, float? low=None, str?
// names=None) -> Tensor
int32_t mylib_kinds(const aotc_op *op, const aotc_op_tensor *x, int32_t flag, const char *mode,
                    const aotc_op_ints *dims, const aotc_op_floats *weights,
                    const aotc_op_ints *signs, const aotc_op_scalar *number,
                    const aotc_op_scalar *real, int32_t dtype, const int64_t *limit,
                    const double *low, const char *names, const aotc_op_tensor *result)
{
    double sum = 0, of_dims = 0, of_weights = 0, of_signs = 0;
    for (int64_t i = 0; i < x->numel; i++)
        sum += F(x)[i];
    for (int64_t i = 0; i < dims->n; i++)
        of_dims += (double)dims->items[i];
    for (int64_t i = 0; i < weights->n; i++)
        of_weights += weights->items[i];
    for (int64_t i = 0; i < signs->n; i++)
        of_signs += (double)signs->items[i];
    if (number->kind != AOTC_OP_IS_INT || real->kind != AOTC_OP_IS_FLOAT)
        return 1;
    const double values[] = {flag,
                             (double)strlen(mode),
                             of_dims,
                             of_weights,
                             of_signs,
                             (double)number->i,
                             real->f,
                             dtype == AOTC_OP_F16,
                             limit ? (double)*limit : -1,
                             low ? *low : -1,
                             names == NULL};
    for (int i = 0; i < 11; i++)
        F(result)[i] = (float)(sum * values[i]);
    return 0;
}

// aotc-op: mylib::halves(Tensor[] xs, Tensor?[] extra) -> Tensor[]
int32_t mylib_halves(const aotc_op *op, const aotc_op_tensors *xs, const aotc_op_tensors *extra,
                     const aotc_op_tensors *result)
{
    const aotc_op_tensor *add = extra->items[0];
    if (xs->n != result->n || extra->n != 1)
        return 1;
    for (int64_t k = 0; k < xs->n; k++)
        for (int64_t i = 0; i < xs->items[k]->numel; i++)
            F(result->items[k])[i] = F(xs->items[k])[i] / 2 + (add ? F(add)[i] : 0);
    return 0;
}

/* The bytes as they are: for every dtype. */
// aotc-op: mylib::same(Tensor x, int dtype) -> Tensor
int32_t mylib_same(const aotc_op *op, const aotc_op_tensor *x, int64_t dtype,
                   const aotc_op_tensor *result)
{
    static const int sizes[] = {0, 1, 1, 1, 2, 4, 8, 2, 4, 8, 1, 1, 2, 2, 4, 8};
    if (x->dtype != dtype || result->dtype != dtype)
        return 1;
    memcpy(result->data, x->data, (size_t)(x->numel * sizes[x->dtype]));
    return 0;
}

/* No result and no write: an effect. */
// aotc-op: mylib::check_positive(Tensor x) -> ()
int32_t mylib_check_positive(const aotc_op *op, const aotc_op_tensor *x)
{
    for (int64_t i = 0; i < x->numel; i++)
        if (!(F(x)[i] > 0)) {
            snprintf(op->message, op->message_bytes, "element %d is not positive", (int)i);
            return 1;
        }
    return 0;
}

// aotc-op: mylib::silent(Tensor x) -> Tensor
int32_t mylib_silent(const aotc_op *op, const aotc_op_tensor *x, const aotc_op_tensor *result)
{
    return 3;
}
