/* Values of loops as statements for one element, for bodies whose templates ask for
 * elements by index (attention, scans, sorts).  Loop variables must be in scope. */
#ifndef AOTC_EMIT_CUDA_ELEMENT_H
#define AOTC_EMIT_CUDA_ELEMENT_H

#include "emit_cuda/cuda_internal.h"

/* Statements, then "return <value>;" of the loop's register type. */
Error      *cuda_element_value(CudaEmit *c, const Loop *loop, int indent);
/* "const int64_t <vars>" of `flat` over the sizes, last one fastest. */
void        cuda_element_decode(CudaEmit *c, int indent, const char *flat, Symbol *const *vars,
                                const Expr *const *sizes, int n);
/* Blocks that a grid needs for `count` items, `each` a block: C text. */
const char *cuda_ceil_div(CudaEmit *c, const char *count, int each);

#endif
