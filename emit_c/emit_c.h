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
    /* The user's source of custom operators: the folder that it includes files from.  NULL:
     * emitted.
     */
    const char *source_folder;
} EmitFile;

typedef enum EmitDevice { EMIT_CPU, EMIT_CUDA } EmitDevice;

/* Where the constants of a plan stand in the package's weights. */
typedef struct WeightLayout {
    uint64_t *offsets; /* of plan->constants, multiples of 64 */
    uint64_t  total;   /* bytes of all weights */
} WeightLayout;

typedef struct EmitOptions {
    int         n_files;  /* kernels are split over that many files; 0 or 1: all in model.c */
    const char *target;   /* "x86-64-v3" */
    const char *producer; /* "aotc 0.1" */
    EmitDevice  device;
    const WeightLayout *layout; /* NULL: the plan's own, for a package of this plan alone */
} EmitOptions;

Error *emit_c(const Plan *plan, Arena *arena, const EmitOptions *options, EmitFile **files,
              int *n_files);

/* Lays out the weights of n plans of one model, one layout each and one total.  A storage of the
 * export stands once, where the first constant of the first plan that uses it comes in table order;
 * its buffers' own offsets are inside it.  Folded constants are each plan's own. */
void     emit_layout_weights(Arena *arena, const Plan *const *plans, int n, WeightLayout *out);
/* Bytes at offsets[i]: of the whole storage, or of the folded buffer. */
uint64_t emit_constant_bytes(const PlanConstant *constant);

#endif
