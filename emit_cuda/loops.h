/* What the files that print KERNEL_LOOPS for a GPU share: loops.c (points of the outer dims,
 * launches), loops_rows.c (stages of a row), loops_tiles.c (through shared memory), loops_store.c
 * (stores, reductions). */
#ifndef AOTC_EMIT_CUDA_LOOPS_H
#define AOTC_EMIT_CUDA_LOOPS_H

#include "emit_cuda/vector.h"

typedef struct LoopStore {
    const Loop *loop;
    int         item, mask; /* of the nest; mask -1: none */
    const char *index;      /* NULL: no memory */
    const char *acc;        /* REDUCE: the accumulator */
    const char *to;         /* what to assign to in place of memory: a vector's element, or NULL */
} LoopStore;

/* Loads in registers: `stem`_<i>[chunk][v]. */
typedef struct LoopLoads {
    const Scalar *loads[64];
    int           n;
} LoopLoads;

/* A value of an earlier stage in a variable: what later stages load. */
typedef struct LoopKept {
    const Buffer *buffer;
    const Expr   *index; /* NULL: a LOCAL buffer */
    const char   *text;
} LoopKept;

typedef struct LoopText {
    CudaEmit           *c;
    Emit               *e;
    const Kernel       *k;
    const CudaSchedule *plan;
    VEC(LoopStore) stores; /* of the nest being printed */
    VEC(LoopKept) kept;
    VectorPlan    vector;   /* var is the last outer (FLAT) or inner (ROWS) variable */
    const Symbol *tiles[2]; /* TILES: which one along tile_dim, along the last outer dim */
    const Buffer *rows[64]; /* LOCAL rows in registers: row_<i>[chunk][v] */
    int           n_rows;
    LoopLoads     caches, fixed; /* of a row; of all rows */
    CudaSchedule  second;        /* of the function that adds up what blocks share */
    const char   *from, *to;     /* of the inner points, where the first one does a part */
} LoopText;

/* Do values of a point stand in arrays over the vector? */
bool        loops_in_columns(const LoopText *t);
/* Is the stage's innermost loop one over a vector (vector.h)?  Points that warps share are stored
 * by one of these, element by element. */
bool        loops_has_vector(const LoopText *t, const Stage *stage);
/* Number of points, vectors counting as one. */
const Expr *loops_points(LoopText *t);

/* Position in rows, -1: none. */
int loops_row_of(const LoopText *t, const Buffer *b);

/* ---- loops.c --------------------------------------------------------------------------------- */
const char *loops_int(const LoopText *t); /* type of indices */
/* An expression over sizes, in that type. */
const char *loops_expr(LoopText *t, const Expr *e);
void        loops_line(LoopText *t, int indent, const char *text);
void        loops_nest(LoopText *t, Nest *nest, int indent);
/* `const int32_t i0 = p / 12, i1 = p % 12 * 4;` decodes the flat index over dims, last one fastest
 * and in steps. */
const char *loops_decode(LoopText *t, const char *flat, const Symbol *const *vars,
                         const Expr *const *sizes, int n, int step);

/* ---- loops_rows.c ---------------------------------------------------------------------------- */
/* All stages of one point: outer variables and `lane` are in scope. */
Error      *loops_print_row(LoopText *t, int indent);
/* reads_ahead: what stands in front of the loop over points; `decode` gives the outer variables. */
Error      *loops_print_ahead(LoopText *t, const char *decode, int indent);
/* The first stage of a part, its accumulators to scratch memory; and the function behind it. */
Error      *loops_print_part(LoopText *t, int indent);
Error      *loops_print_sum(LoopText *t, int indent);
const Expr *loops_scratch(LoopText *t);

/* ---- loops_tiles.c --------------------------------------------------------------------------- */
/* The points of a tile: `lane`, the tile's variables and those of other outer dims are in scope. */
Error *loops_print_tile(LoopText *t);

/* ---- loops_store.c --------------------------------------------------------------------------- */
/* Values, masks and indices of a stage announced; then their stores and steps printed in order. */
void        loops_announce(LoopText *t, Nest *nest, const Stage *stage);
Error      *loops_print_stores(LoopText *t, Nest *nest, const Stage *stage);
const char *loops_position(LoopText *t, const Stage *stage); /* of the inner point, in the row */
/* REDUCE: its accumulator declared; all threads of the row get the result; its value as out dtype.
 */
void        loops_declare(LoopText *t, const Loop *loop, int indent);
void        loops_combine(LoopText *t, const LoopStore *store, int indent);
const char *loops_result(LoopText *t, const LoopStore *store);
const char *loops_acc_type(LoopText *t, const Loop *loop);
int         loops_acc_bytes(const Loop *loop);
/* A function of accumulators a and b. */
const char *loops_step_function(LoopText *t, const Loop *loop);
const char *loops_name(LoopText *t, const char *stem, const Loop *loop);
bool        loops_is_placed(const Loop *loop);

#endif
