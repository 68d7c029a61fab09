/* Runs the fold entry of freshly built code: folded and packed constants come from the model's own
 * kernels. */
#ifndef AOTC_AOTC_FREEZE_H
#define AOTC_AOTC_FREEZE_H

#include "aotc/toolchain.h"
#include "package/write.h"

typedef struct FrozenWeights {
    WeightPiece *pieces; /* sorted by offset; data borrowed from the export or in `memory` */
    int          n;
    uint64_t     bytes;
    void        *memory; /* munmap'ed by freeze_release() */
    size_t       memory_bytes;
} FrozenWeights;

/* E_TOOLCHAIN when the code cannot be loaded here (another machine's), E_INTERNAL when a fold
 * kernel fails. */
Error *freeze_weights(Arena *arena, const Plan *plan, const BuiltObject *object,
                      FrozenWeights *out);
void   freeze_release(FrozenWeights *weights);

#endif
