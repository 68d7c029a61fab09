/* What the function of a custom operator takes and gives: docs/custom-operators.md.
 *
 * C and C++.  A file for `aotc --op-source` states the schema of each operator, as PyTorch prints
 * it, in a comment, and defines its function:
 *
 *   // aotc-op: mylib::scaled_add(Tensor x, Tensor? bias, float alpha=1.0) -> Tensor
 *   int32_t mylib_scaled_add(const aotc_op *op, const aotc_op_tensor *x, const aotc_op_tensor
 * *bias, double alpha, const aotc_op_tensor *result)
 *
 * The name is namespace_name, or namespace_name_overload; for CUDA devices with _cuda behind it.
 * After `op` stand the parameters in schema order, then the results:
 *
 *   Tensor          const aotc_op_tensor *         int, SymInt   int64_t
 *   Tensor[]        const aotc_op_tensors *        float         double
 *   int[], bool[]   const aotc_op_ints *           bool          int32_t (0 or 1)
 *   float[]         const aotc_op_floats *         str           const char *
 *   str[]           const aotc_op_strings *        Scalar        const aotc_op_scalar *
 *   Scalar[]        const aotc_op_scalars *        ScalarType    int32_t (AOTC_OP_F32 …; None: 0)
 *   Device          int32_t (AOTC_OP_CPU …)        Layout, MemoryFormat  int32_t, as in the export
 *
 * An optional one (T?) is a pointer, NULL for None: const int64_t * for int?.  In lists of tensors
 * an item may be NULL.  A result that is a list is a const aotc_op_tensors *.
 *
 * Tensors are row-major whatever the model had; memory of results is there, not initialized, sizes
 * are those of the export (register_fake) for this run.  Writing is allowed to results and to
 * arguments that the schema marks, Tensor(a!).  All of it is the caller's and gone after the call.
 *
 * Returns 0; anything else fails the run, with the text in op->message, the node and the user's
 * line of Python in the error.  On the CPU it is called by one thread of the run, the others wait.
 * On a device, tensors are device memory and all work must be queued on op->stream without waiting:
 * the stream may be captured into a CUDA graph, whose replays do not call the function again.
 *
 * Append-only: fields are added at the end, meanings never change. */
#ifndef AOTC_OP_H
#define AOTC_OP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of elements.  BOOL is a byte, 0 or 1; F16, BF16 two bytes; F8E4M3 is PyTorch's float8_e4m3fn. */
enum {
    AOTC_OP_BOOL = 1,
    AOTC_OP_U8 = 2,
    AOTC_OP_I8 = 3,
    AOTC_OP_I16 = 4,
    AOTC_OP_I32 = 5,
    AOTC_OP_I64 = 6,
    AOTC_OP_U16 = 7,
    AOTC_OP_U32 = 8,
    AOTC_OP_U64 = 9,
    AOTC_OP_F8E4M3 = 10,
    AOTC_OP_F8E5M2 = 11,
    AOTC_OP_F16 = 12,
    AOTC_OP_BF16 = 13,
    AOTC_OP_F32 = 14,
    AOTC_OP_F64 = 15
};

enum { AOTC_OP_CPU = 1, AOTC_OP_CUDA = 2 }; /* DLPack's device types */

typedef struct aotc_op_tensor {
    void          *data; /* of the first element; not to be read where numel is 0 */
    const int64_t *sizes;
    const int64_t *strides; /* in elements: row-major */
    int64_t        numel;
    int32_t        rank;
    int32_t        dtype; /* AOTC_OP_F32 … */
} aotc_op_tensor;

enum { AOTC_OP_IS_INT = 0, AOTC_OP_IS_FLOAT = 1, AOTC_OP_IS_BOOL = 2 };

/* A Python number: both forms of the value, and which one it was. */
typedef struct aotc_op_scalar {
    double  f;
    int64_t i;
    int64_t kind; /* AOTC_OP_IS_… */
} aotc_op_scalar;

typedef struct aotc_op_tensors {
    const aotc_op_tensor *const *items;
    int64_t                      n;
} aotc_op_tensors;

typedef struct aotc_op_ints {
    const int64_t *items;
    int64_t        n;
} aotc_op_ints;

typedef struct aotc_op_floats {
    const double *items;
    int64_t       n;
} aotc_op_floats;

typedef struct aotc_op_strings {
    const char *const *items;
    int64_t            n;
} aotc_op_strings;

typedef struct aotc_op_scalars {
    const aotc_op_scalar *items;
    int64_t               n;
} aotc_op_scalars;

/* The call. */
typedef struct aotc_op {
    uint32_t    struct_size;
    int32_t     device;  /* AOTC_OP_CPU, AOTC_OP_CUDA */
    const char *name;    /* "mylib.scaled_add.default" */
    void       *stream;  /* CUstream, which is a cudaStream_t; NULL on the CPU */
    char       *message; /* for the text of an error, empty before: snprintf(op->message, …) */
    uint64_t    message_bytes;
} aotc_op;

#ifdef __cplusplus
}
#endif

#endif
