/* One loop nest being printed: scalars become statements at the outermost loop that has all they
 * depend on.
 *
 *   y[768*i0 + j] = x[768*i0 + j] * exp(s[i0])        const float v0 = aotc_exp_f32(s[i0]);
 *                                               ->    const int64_t at0 = 768*i0;
 *                                                     for (j …)
 *                                                         y[at0 + j] = (x[at0 + j] * v0);
 *
 * Level 0 is before the nest's first loop (all outer variables are in scope), level n inside its
 * n-th loop.  Use: nest_init, nest_var and nest_bind for what is in scope, nest_level for each
 * loop, nest_value and nest_offset for all that will be printed, then nest_open, the caller's
 * stores, nest_close. */
#ifndef AOTC_EMIT_C_NEST_H
#define AOTC_EMIT_C_NEST_H

#include "emit_c/emit_internal.h"

typedef struct NestItem {
    const Scalar *scalar; /* NULL: an index offset */
    const char   *index;  /* LOAD: subscript; offset: its value */
    const char   *text;   /* how users write it; set when printed */
    int           level;
    int           uses, user; /* user: the last one's item, -1 the caller */
    bool          as_variable;
} NestItem;

typedef struct NestVar {
    const Symbol *symbol;
    int           level;
} NestVar;

/* Text of a buffer's element that is no memory access (LOCAL buffers, accumulators, vectors in
 * registers), register type. */
typedef struct NestBinding {
    const Buffer *buffer;
    const Expr   *index; /* of the loads that it stands for; NULL: all */
    const char   *text;
    int           level;
} NestBinding;

typedef struct NestLevel {
    const char *loop;           /* "for (int64_t i0 = 0; i0 < s0; i0++)" */
    const char *first;          /* a line at the top of its body, or NULL */
    const char *front, *behind; /* whole lines around the loop, or NULL */
} NestLevel;

typedef struct NestStore {
    const Buffer *buffer;
    const Expr   *index;
    int           item;
} NestStore;

typedef struct Nest {
    Emit         *e;
    const Kernel *k;
    Text         *out;
    int           indent;     /* of what is printed next */
    bool          simd;       /* the innermost loop is a vector loop */
    const char   *reductions; /* clauses of the caller's accumulators */
    const Symbol *narrow;     /* the innermost variable when it is int32_t */
    bool          keep_loads; /* loads are statements: the kernel stores to memory that it reads */
    bool          is_int32;   /* loop variables and all index arithmetic are int32_t */
    VEC(NestVar) vars;
    VEC(NestBinding) bindings;
    VEC(NestLevel) levels;
    VEC(NestItem) items;
    VEC(NestStore) stores;
    VEC(int) checked;   /* items INDIRECT checked inside a vector loop */
    bool   checks_zero; /* some integer is divided by a value */
    bool   has_masked_load, has_random;
    int   *table; /* items by scalar, open addressing */
    int    table_size;
    Error *error;
} Nest;

void nest_init(Nest *nest, Emit *e, const Kernel *k, int indent);
void nest_var(Nest *nest, const Symbol *symbol, int level);
void nest_bind(Nest *nest, const Buffer *buffer, const char *text, int level);
/* The same for loads at one index only. */
void nest_bind_at(Nest *nest, const Buffer *buffer, const Expr *index, const char *text, int level);
/* The next loop; its variable is at the new level (symbol NULL: none). */
void nest_level(Nest *nest, const Symbol *symbol, const char *loop, const char *first);
/* Whole lines in front of the loop of the last level, behind what that loop hoists; the words of
 * nest_later() in them become the texts of their items. */
void nest_front(Nest *nest, const char *lines);
const char *nest_later(Nest *nest, int item);
/* The same behind its end. */
void        nest_behind(Nest *nest, const char *lines);

/* Announces a value, an index; later loads of what `nest_stored` says are that value. */
int         nest_value(Nest *nest, const Scalar *value);
/* The same for a value that the caller writes once. */
int         nest_root(Nest *nest, const Scalar *value);
const char *nest_index(Nest *nest, const Expr *index);
void        nest_stored(Nest *nest, const Buffer *buffer, const Expr *index, int item);
/* The value must be a name: it is written twice. */
void        nest_want_variable(Nest *nest, int item);
bool        nest_is_innermost(const Nest *nest, int item);

/* Prints loops and statements up to the innermost body; then item texts are known. */
Error      *nest_open(Nest *nest);
const char *nest_text(const Nest *nest, int item);
void        nest_line(Nest *nest, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Closes the loops and reports what the checks of the vector loop found. */
void        nest_close(Nest *nest);

/* Every scalar that a loop computes with, operands first, those of its index included. */
void emit_walk_loop(Arena *arena, const Loop *loop, void (*visit)(void *cx, const Scalar *scalar),
                    void *cx);
/* Position of the kernel in plan->kernels: its number in the tables and in failures. */
int  emit_kernel_index(const Emit *e, const Kernel *k);
/* Do two buffers stand in the same memory? */
bool emit_shares_memory(const Buffer *a, const Buffer *b);
/* Does the kernel store to memory that it also reads or writes under another name? */
bool emit_has_aliases(const Kernel *k);
/* Declarations of the symbols and pointers whose names occur in `body`. */
void emit_used_symbols(Emit *e, const char *body, int indent, const char *frame);
void emit_used_pointers(Emit *e, const Kernel *k, const char *body, int indent);
bool emit_mentions(const char *body, const char *name);
/* Comment, then "AOTC… void K(const aotc_model_frame *f, int32_t thread)" and "{". */
void emit_kernel_signature(Emit *e, const Kernel *k);
void emit_kernel_comment(Emit *e, const Kernel *k);

#endif
