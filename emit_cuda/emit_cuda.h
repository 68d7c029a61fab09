/* emit_cuda: text of a Plan as CUDA C++ (device functions) and C (host program, tables of
 * abi/aotc_model.h).
 *
 * In: a Plan that was lowered for CUDA (PassCtx.target_is_cuda).  Out: kernels_<n>.cu, each one
 * compiled by nvcc to a cubin a target, and model.c, which takes the cubins in by .incbin under the
 * names emit_cuda_image_name() gives.  The fold plan is C and runs on the CPU.  Equal plans give
 * equal bytes. */
#ifndef AOTC_EMIT_CUDA_H
#define AOTC_EMIT_CUDA_H

#include "emit_c/emit_c.h"

/* An instruction set that device code is compiled for. */
typedef struct CudaArch {
    const char *name;  /* "sm_90a", "compute_80": nvcc's own names */
    int         sm;    /* 90 */
    bool        exact; /* runs on that compute capability alone */
    bool        ptx;   /* text that the driver compiles */
} CudaArch;

/* options->n_files: parts that the device code is split into, at least 1. */
Error *emit_cuda(const Plan *plan, Arena *arena, const EmitOptions *options, const CudaArch *archs,
                 int n_archs, EmitFile **files, int *n_files);

/* "kernels_0.sm_90a.cubin" */
const char *emit_cuda_image_name(Arena *arena, int part, const CudaArch *arch);

#endif
