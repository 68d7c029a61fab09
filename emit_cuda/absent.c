/* Families whose device code is not there yet refuse their kernels by name; a family's own file
 * overrides its function here. */
#include "emit_cuda/cuda_internal.h"

#define ABSENT(function)                                                                           \
    __attribute__((weak)) Error *function(CudaEmit *c, const Kernel *k)                            \
    {                                                                                              \
        return emit_unsupported(&c->e, k, "no CUDA code for kernels of kind %s yet",               \
                                kernel_kind_name(k->kind));                                        \
    }

ABSENT(cuda_emit_gemm)
ABSENT(cuda_emit_conv)
ABSENT(cuda_emit_depthwise)
