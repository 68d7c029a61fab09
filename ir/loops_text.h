/* Text of plans in both directions: one function states the fields of a struct in order, and
 * printing, parsing and checking follow it.  A field more is one line more.
 *
 *   loops_io.c      words, numbers, expressions, operands: the vocabulary below
 *   loops_fields.c  buffers, templates, kernels: what they hold, in order
 *   loops_scalar.c  element computations and the loops around them, printed
 *   loops_scalar_parse.c  the same, read
 *   loops_print.c   plans, their tables, kernels and steps, printed
 *   loops_parse.c   the same, read
 *   loops_verify.c  what has to hold in a plan
 *
 * The form is in docs/ir-text.md. */
#ifndef AOTC_IR_LOOPS_TEXT_H
#define AOTC_IR_LOOPS_TEXT_H

#include "ir/loops.h"
#include "ir/scalar_internal.h"
#include "ir/text_parse.h"

typedef VEC(Symbol *) SymbolList;

typedef enum IoMode { IO_PRINT, IO_PARSE, IO_CHECK } IoMode;

/* After the first error, or the first problem found, every call does nothing. */
typedef struct PlanIo {
    IoMode        mode;
    Arena        *arena;
    Plan         *plan;
    Error        *error;
    const char   *problem; /* CHECK: what is wrong, without the kernel's name */
    const Kernel *kernel;  /* CHECK: the one that is looked at */

    /* PRINT */
    Text       *out;
    bool        is_at_start; /* of a line: no space before the next word */
    bool       *is_used;     /* by Buffer.id; NULL: not wanted */
    SymbolList *symbols;     /* sizes and unbacked ones in what was printed; NULL: not wanted */
    SymbolList  indirect;    /* defined so far */

    /* PARSE */
    Parser      in;
    NameMap    *buffers, *kernels; /* by name */
    ScalarPool *pool;              /* of the kernel being read */
    NameMap    *values;            /* $0, … of the stage being read */
} PlanIo;

/* ---- loops_io.c ------------------------------------------------------------------------------ */
void io_put(PlanIo *io, const char *word); /* PRINT: a word, a space before it where one is due */
void io_fail(PlanIo *io, Error *error);    /* keeps the first */
/* A word that stands there always. */
void io_word(PlanIo *io, const char *word);
/* Left out where it is false, 0, NULL or empty; else the name, then the value. */
void io_flag(PlanIo *io, const char *name, bool *value);
void io_int(PlanIo *io, const char *name, int *value);
void io_index(PlanIo *io, const char *name, int *value); /* -1: left out */
void io_int64(PlanIo *io, const char *name, int64_t *value);
void io_int64s(PlanIo *io, const char *name, int64_t *values, int n); /* all 0: left out */
void io_double(PlanIo *io, const char *name, double *value);
void io_dtype(PlanIo *io, const char *name, DType *value);
void io_choice(PlanIo *io, const char *name, const char *const *names, int n, int *value);
void io_string(PlanIo *io, const char *name, const char **value);
void io_buffer_if(PlanIo *io, const char *name, Buffer **value);
void io_operand_if(PlanIo *io, const char *name, Operand *value, int n);
void io_expr_if(PlanIo *io, const char *name, const Expr **value);
void io_exprs(PlanIo *io, const char *name, const Expr *const **items, int *n);
/* The same, but CHECK wants them there. */
void io_expr(PlanIo *io, const char *name, const Expr **value);
void io_loop_expr(PlanIo *io, const char *name, const Expr **value); /* over loop variables */
void io_symbol(PlanIo *io, const char *name, Symbol **value);
void io_buffer(PlanIo *io, const char *name, Buffer **value);
/* CHECK wants n strides; a packed one has none, it is a buffer alone. */
void io_operand(PlanIo *io, const char *name, Operand *value, int n);
void io_packed(PlanIo *io, const char *name, Operand *value, int n, bool is_packed);

/* PRINT and PARSE alone. */
void         put_expr(PlanIo *io, const Expr *e);
void         put_buffer(PlanIo *io, const Buffer *b); /* %name */
const Expr  *get_expr(PlanIo *io);                    /* NULL after an error */
Buffer      *get_buffer(PlanIo *io);
void         put_dims(PlanIo *io, Symbol *const *vars, const Expr *const *sizes, int n);
/* over i0 < s0, r1 < 64: makes the loop variables. */
void         get_dims(PlanIo *io, Symbol ***vars, const Expr ***sizes, int *n);
/* A list between `open`, which has been read, and `close`. */
const Expr **get_exprs(PlanIo *io, const char *close, int *n);

/* ---- loops_fields.c -------------------------------------------------------------------------- */
extern const char *const reduce_op_names[]; /* by ReduceOp */
enum { N_REDUCE_OPS = 8 };
void io_buffer_type(PlanIo *io, Buffer *b); /* f32[s0,64]{64,1}, f32[4096]/16 */
void io_buffer_fields(PlanIo *io, Buffer *b);
void io_template(PlanIo *io, Kernel *k);
void io_kernel_fields(PlanIo *io, Kernel *k); /* how it runs, costs, where it comes from */
void io_where(PlanIo *io, Where *where);

/* ---- loops_scalar.c, loops_scalar_parse.c ---------------------------------------------------- */
DType  scalar_usual_dtype(const Scalar *a); /* of a call that does not state it: as its operands */
DType  loop_value_dtype(const Loop *loop);  /* of what is stored; NONE: says itself */
void   put_own_loop(PlanIo *io, const Loop *loop); /* with its dims */
Loop  *get_own_loop(PlanIo *io);
void   put_stage(PlanIo *io, const Kernel *k, const Stage *stage, int level);
/* After the word "stage". */
Stage *get_stage(PlanIo *io, const Kernel *k);
void   io_loop(PlanIo *io, const char *name, Loop **loop, bool is_needed);

/* ---- loops_print.c, loops_parse.c ------------------------------------------------------------ */
void    put_kernel(PlanIo *io, const Kernel *k, int level);
Kernel *get_kernel(PlanIo *io); /* after the word "kernel" */
#endif
