/* What the files that print KERNEL_LOOPS share: kernel.c (outer loops, locals) and kernel_stage.c
 * (stages). */
#ifndef AOTC_EMIT_C_KERNEL_SHAPE_H
#define AOTC_EMIT_C_KERNEL_SHAPE_H

#include "emit_c/nest.h"

/* Bytes of a row of a LOCAL buffer on the stack; longer ones stand in scratch memory. */
#define EMIT_MAX_STACK_ROW (16 * 1024)

typedef enum ShapeKind { SHAPE_FLAT, SHAPE_ROWS, SHAPE_TILE } ShapeKind;

typedef struct Local {
    const Buffer *buffer;
    const char   *name, *type;
    int           stage;   /* that stores it */
    bool          is_kept; /* another stage reads it: it has memory */
    bool          is_row, is_reduced;
    const Expr   *n; /* elements of a row */
} Local;

typedef struct ShapeStore {
    const Loop *loop;
    int         item, mask;
    const char *index; /* NULL: no memory */
    const char *acc;   /* REDUCE: the accumulator */
} ShapeStore;

typedef struct Shape {
    Emit         *e;
    const Kernel *k;
    ShapeKind     kind;
    int           tile, block;
    bool          is_blocked;
    VEC(Local) locals;
    VEC(ShapeStore) stores; /* of the nest being printed */
    const Stage *stage;
} Shape;

/* Bytes of scratch memory that a thread needs, or NULL. */
const Expr *emit_loops_scratch(Emit *e, const Kernel *k);

Local      *shape_local(Shape *shape, const Buffer *b);
const char *shape_local_text(Shape *shape, const Local *local, const Stage *stage);
const char *shape_inner_position(Shape *shape, const Stage *stage);
const char *shape_loop(Shape *shape, const Symbol *var, const Expr *size, bool narrow);
bool        shape_is_narrow(const Shape *shape, const Expr *size);

/* POINTWISE loops of a stage: values and indices announced to the nest; then their stores printed
 * in order. */
void   shape_add_stage(Shape *shape, Nest *nest, const Stage *stage);
void   shape_print_stores(Shape *shape, Nest *nest);
/* A stage of a row or tile. */
Error *shape_print_stage(Shape *shape, const Stage *stage, int number, int indent);

/* Declares the symbols and pointers that the body names. */
void emit_used_symbols_of(Emit *e, const Kernel *k, const char *body, int indent);

#endif
