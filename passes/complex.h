/* Complex numbers as pairs of real values: what the files of complexify share.
 *
 * In: real parts and imaginary parts.  Out: nodes before the one that is replaced. After the first
 * error every helper gives NULL and Build.error says what it was. */
#ifndef AOTC_PASSES_COMPLEX_H
#define AOTC_PASSES_COMPLEX_H

#include "ir/ops/shape_util.h"
#include "passes/graph_util.h"

/* im NULL: exactly real. */
typedef struct Pair {
    Value *re, *im;
} Pair;

typedef struct Complexify {
    PassCtx *cx;
    Graph   *graph;
    Pair    *of; /* by value id */
    int      n_of;
    bool     changed;
    /* the node at hand */
    Build    b;
    Node    *node;
    DType    real; /* dtype of the parts that it computes with */
} Complexify;

/* ---- building -------------------------------------------------------------------------------- */
Value *cx_1(Complexify *c, const char *op, Value *a);
Value *cx_2(Complexify *c, const char *op, Value *a, Value *b);
Value *cx_number(Complexify *c, const char *op, Value *a, double number);
Value *cx_add(Complexify *c, Value *a, Value *b);
Value *cx_sub(Complexify *c, Value *a, Value *b);
Value *cx_mul(Complexify *c, Value *a, Value *b);
Value *cx_div(Complexify *c, Value *a, Value *b);
Value *cx_neg(Complexify *c, Value *a);
Value *cx_scale(Complexify *c, Value *a, double factor);
Value *cx_where(Complexify *c, Value *condition, Value *a, Value *b);
Value *cx_zero(Complexify *c, Value *like);
Value *cx_im(Complexify *c, Pair a);    /* zeros where there is none */
Value *cx_stack(Complexify *c, Pair a); /* [..., 2] */

/* ---- arithmetic and functions: complex_math.c ------------------------------------------------ */
Pair   pair_add(Complexify *c, Pair a, Pair b);
Pair   pair_sub(Complexify *c, Pair a, Pair b);
Pair   pair_mul(Complexify *c, Pair a, Pair b);
Pair   pair_div(Complexify *c, Pair a, Pair b);
Pair   pair_pow(Complexify *c, Pair a, Pair b);
Pair   pair_neg(Complexify *c, Pair a);
Pair   pair_conj(Complexify *c, Pair a);
/* log(exp(a) + exp(b)) */
Pair   pair_log_add_exp(Complexify *c, Pair a, Pair b);
Value *pair_abs(Complexify *c, Pair a);
Value *pair_angle(Complexify *c, Pair a);
Value *pair_is_nonzero(Complexify *c, Pair a);
/* Function of one complex number by the operator's base name; NULL when there is none. */
typedef Pair (*PairFunction)(Complexify *c, Pair a);
PairFunction pair_function(const char *base);

/* ---- operators: complex_rules.c -------------------------------------------------------------- */
/* How an operator is said in real ones: fills `results` (one a result; im NULL where it is real).
 */
typedef Error *(*ComplexRule)(Complexify *c, Pair *results);
ComplexRule complex_rule(const Node *node);
/* Has it no row, and a rule in every call? */
bool        complex_replaces(const OpSchema *schema);
/* The fft family (complex_fft.c), which takes real tensors too; NULL for others. */
ComplexRule complex_fft_rule(const char *base);
/* Functions of fixed texts (complex_linalg.c); NULL for others. */
ComplexRule complex_call_rule(const Node *node);
/* Reductions and running reductions (complex_reduce.c); NULL for others. */
ComplexRule complex_reduce_rule(const char *base);
/* The operator applied to real and to imaginary parts: whatever moves or adds elements. */
Error      *complex_by_parts(Complexify *c, Pair *results);
/* Argument i as a pair of c->real parts; numbers become 0-d tensors. */
Pair        complex_operand(Complexify *c, const Arg *arg);
Pair        cx_operand(Complexify *c, int i);
/* An argument of the node by name; NULL where there is none or it is None. */
const Arg  *cx_named(const Complexify *c, const char *name);
/* The node's operator with the first argument replaced; NULL after an error. */
Node       *cx_with_first(Complexify *c, Value *x);
DType       complex_part(DType dtype); /* f32 for c64, f64 for c128; DT_NONE for others */

#endif
