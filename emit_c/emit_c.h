/* emit_c: text of a Plan as C: kernels, host program, tables of abi/aotc_model.h.
 *
 * In: a Plan (every decision is taken).  Out: C files for one shared object.  The text needs
 * -fopenmp-simd to be fast (not OpenMP itself), -fno-strict-aliasing to be correct (arena memory is
 * reused under several types), and libm. Equal plans give equal bytes. */
#ifndef AOTC_EMIT_C_H
#define AOTC_EMIT_C_H

#include "ir/loops.h"

typedef struct EmitFile {
    const char *name; /* "model.c", "kernels_0.c": tables and host program are in model.c */
    const char *text;
    size_t      n; /* bytes of text */
} EmitFile;

typedef enum EmitDevice { EMIT_CPU, EMIT_CUDA } EmitDevice;

typedef struct EmitOptions {
    int         n_files;  /* kernels are split over that many files; 0 or 1: all in model.c */
    const char *target;   /* "x86-64-v3" */
    const char *producer; /* "aotc 0.1" */
    EmitDevice  device;
} EmitOptions;

Error *emit_c(const Plan *plan, Arena *arena, const EmitOptions *options, EmitFile **files,
              int *n_files);

/* Where constants stand in the package's weights: offsets[i] belongs to plan->constants.items[i]
 * and is a multiple of 64. A storage is laid out once, where its first constant stands in table
 * order; its buffers' own offsets are inside it. */
void     emit_layout_constants(const Plan *plan, uint64_t *offsets, uint64_t *total);
/* Bytes at offsets[i]: of the whole storage, or of the folded buffer. */
uint64_t emit_constant_bytes(const PlanConstant *constant);

#endif
