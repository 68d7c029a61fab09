/* C spelling of Scalars and Exprs, shared by emit_c and emit_cuda: both give their generated files
 * a prelude with the aotc_* functions and types named here.
 *
 * A value in memory has its storage type (`aotc_bf16`, `uint8_t` for bool); in a variable it has
 * its register type: float for f16, bf16 and fp8 (always a representable value), int for bool. */
#ifndef AOTC_EMIT_C_CFAMILY_H
#define AOTC_EMIT_C_CFAMILY_H

#include "ir/loops.h"

const char *c_storage_type(DType dtype); /* NULL for complex */
const char *c_register_type(DType dtype);
/* dtype that registers hold: f32 for the narrow floats, itself otherwise. */
DType       c_register_dtype(DType dtype);

/* `element` (an lvalue of storage type) as register value, and back. */
const char *c_load(Arena *arena, DType dtype, const char *element);
const char *c_store(Arena *arena, DType dtype, const char *value);

const char *c_const(Arena *arena, DType dtype, int64_t i, double f);
/* PyTorch's .to(): `value` is a register value of `from`; the result one of `to`. */
const char *c_cast(Arena *arena, DType from, DType to, const char *value);
/* A call of the vocabulary but CONST, INDEX, LOAD, INDIRECT. NULL when the op has no spelling for
 * the dtype. */
const char *c_op(Arena *arena, const Scalar *s, const char *const in[3]);
/* Does C text evaluate operand `i` under a condition, or twice: then it should be a variable? */
bool        c_op_wants_variables(ScalarOp op);
/* The text that its function is in, where not math.c.inc: for need_text(). */
const char *c_op_runtime(ScalarOp op);

/* First value of an accumulator, and one step: "(a + v)"; both of register dtype. */
const char *c_reduce_init(ReduceOp op, DType dtype, Arena *arena);
const char *c_reduce_step(Arena *arena, ReduceOp op, DType dtype, const char *acc,
                          const char *value);
/* Accumulators of integer sums and products are unsigned, where overflow wraps. */
const char *c_accumulator_type(ReduceOp op, DType dtype);

/* How symbols are written; NULL members: by name. */
typedef struct CExprStyle {
    const char *(*symbol)(void *cx, const Symbol *symbol); /* text of a symbol */
    void *cx;
    bool  checked; /* sums and products through aotc_checked_*(…, &bad): for tables of sizes */
} CExprStyle;
void        c_print_expr(Text *text, const Expr *e, const CExprStyle *style);
/* Text quoted as a C string. */
const char *c_string(Arena *arena, const char *text);

#endif
