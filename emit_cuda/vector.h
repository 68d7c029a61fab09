/* Loops over adjacent elements in registers: 16-byte loads in front of an unrolled `for v`, its
 * body by nest.h, 16-byte stores behind it.
 *
 *   const aotc_vec<float, 4> load_0 = aotc_load<4>(x + (at0 + i5));
 *   aotc_vec<aotc_bf16, 4> store_0;
 *   #pragma unroll
 *   for (int v = 0; v < 4; v++) {
 *       const int32_t i1 = i5 + v;
 *       store_0[v] = aotc_f32_to_bf16(load_0[v] * s[i1 / 2]);
 *   }
 *   aotc_store(y + (at0 + i5), store_0);
 *
 * Use: the nest has the levels around the loop, and `base` (a multiple of width) as a variable of
 * one of them.  vector_open adds the loop and takes the loads that are adjacent; then the values
 * are announced, with vector_store for each store: its result is what to assign to in place of the
 * memory, or NULL when the store is no vector.  vector_close, nest_open, the stores, nest_close.
 * Loads that are the same for all v are hoisted by the nest itself, others stay in the loop.  A
 * load under a mask is a vector where the mask is the same for all v: nothing is read where it is
 * false.
 *
 * Which loads and stores are vectors is access_kind()'s answer (ir/access.h) for `var` and width:
 * a schedule made with the same question has no surprises. */
#ifndef AOTC_EMIT_CUDA_VECTOR_H
#define AOTC_EMIT_CUDA_VECTOR_H

#include "emit_cuda/cuda_internal.h"
#include "ir/access.h"

typedef struct VectorPlan {
    Emit         *e;
    const Symbol *var, *base; /* var is base + v */
    int           width;
    /* Names of what the body has declared: `whole`, a bool that says that all pointers are aligned
     * and all of the vector exists, and `count`, how many elements of it do.  NULL: always, all. */
    const char   *whole, *count;
    int           n_loads, n_stores; /* for names: kept from nest to nest of one function */
    Text          front, behind;     /* of the loop being made */
    int           indent;
} VectorPlan;

void        vector_open(VectorPlan *plan, Nest *nest, Loop *const *loops, int n);
const char *vector_store(VectorPlan *plan, Nest *nest, const Loop *loop);
void        vector_close(VectorPlan *plan, Nest *nest);
/* Is the store one? */
bool        vector_is_store(const VectorPlan *plan, const Loop *loop);
/* A load as text: "aotc_load<4>(x + (at0 + i5))"; the index is that of v == 0. */
const char *vector_load_text(const VectorPlan *plan, Nest *nest, const Scalar *load);
/* "AOTC_ADDRESS(x) | AOTC_ADDRESS(y)" of the kernel's buffers whose alignment is the caller's, or
 * NULL. */
const char *vector_addresses(Emit *e, const Kernel *k);

#endif
