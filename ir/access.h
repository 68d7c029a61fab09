/* How loads and stores of a kernel move through memory: what schedulers ask before they choose a
 * vector, and emitters before they print one. */
#ifndef AOTC_IR_ACCESS_H
#define AOTC_IR_ACCESS_H

#include "ir/loops.h"

/* What an access does when `var`, a multiple of `width`, takes its next `width` values. */
typedef enum AccessKind {
    ACCESS_SAME,     /* one element */
    ACCESS_ADJACENT, /* the next ones in memory, from a multiple of width on */
    ACCESS_APART,
} AccessKind;

AccessKind access_kind(ExprPool *pool, const Expr *index, const Symbol *var, int width);
/* Does the value move with var? */
bool       access_depends(const Expr *index, const Symbol *var);

/* Stage with inner dims, or NULL.  All of them have the same ones. */
const Stage *kernel_inner_stage(const Kernel *k);

/* Loads that at least two stages with inner dims make, each once: without mask, adjacent (width 1:
 * any that moves with the last inner variable), from memory that the kernel does not write.
 * Returns how many. */
int kernel_repeated_loads(ExprPool *pool, const Kernel *k, int width, const Scalar **out, int cap);
/* Those, and (with_first) the loads of the first stage with inner dims that move with the outer
 * ones.
 */
int kernel_row_loads(ExprPool *pool, const Kernel *k, int width, bool with_first,
                     const Scalar **out, int cap);
/* Those that do not move with the outer dims: one row of values for all points. */
int kernel_fixed_loads(ExprPool *pool, const Kernel *k, int width, const Scalar **out, int cap);
/* LOCAL rows that a later stage reads, in order of their stores. */
int kernel_kept_rows(const Kernel *k, const Buffer **out, int cap);

/* Elements from one row of a tile in shared memory to the next: an odd number of 4-byte banks, so
 * that columns are read without conflicts. */
int tile_stride(int tile, DType dtype);
/* Most loads of a kernel that go through tiles. */
#define MAX_TILED_LOADS 8
/* Loads of a kernel without inner dims that are adjacent along the outer dim `dim` and apart along
 * the last one, each once, whose tiles (tile x tile elements) fit a block's shared memory together.
 * Without mask, from memory that the kernel does not write.  Returns how many. */
int kernel_tiled_loads(ExprPool *pool, const Kernel *k, int dim, int tile,
                       const Scalar *out[MAX_TILED_LOADS]);

#endif
