/* Which dtypes an operator takes: found out, not stated. */
#ifndef AOTC_AOTC_OPS_DTYPES_H
#define AOTC_AOTC_OPS_DTYPES_H

#include "ir/sample.h"

/* Bit d: some sample of the row goes through inference, all passes, lowering and the emitter of
 * that kind of device with dtype d in place of its first tensor's (and of those that have the same;
 * of an operator without tensors: as its `dtype`).  Samples that eager PyTorch refuses do not
 * count. `wanted`: the dtypes to try. */
Error *op_dtypes(Ir *ir, const OpDesc *row, bool is_cuda, uint32_t wanted, uint32_t *out);

/* Are there any, or is the row one that needs none (pointwise)?  Without, nothing is known. */
bool op_has_samples(const OpDesc *row);

/* "f16 bf16 f32 f64 …" with words for whole groups: "float int bool"; "-" for none. */
const char *dtypes_text(Arena *arena, uint32_t dtypes);

#define ALL_DTYPES (((1u << DT_COUNT) - 1) & ~(1u << DT_NONE))

#endif
