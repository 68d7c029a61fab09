/* Scalar: the closed vocabulary of element computations; meaning and folding in scalar.c, one
 * spelling row per emitter.
 *
 * A Scalar is a node of a hash-consed DAG inside one loop nest (equal computations are one node).
 * Text form is function calls: `select(gt(self, 0), self, mul(self, 2))`.  Each has one dtype,
 * operands must have the dtype that the table says (casts are explicit). */
#ifndef AOTC_IR_SCALAR_H
#define AOTC_IR_SCALAR_H

#include "ir/dtype.h"
#include "ir/expr.h"

/* X(enum, text name, operands, result): result 'a' as operands, 'b' bool, 'x' stated by the node.
 * Float functions follow C's <math.h>; NaN propagates through maximum and minimum; integer div
 * rounds as named. */
/* clang-format off */
#define SCALAR_OPS(X)                                                                              \
    X(CONST, "const", 0, 'x') /* value */                                                          \
    X(INDEX, "index", 0, 'x') /* value of an integer Expr, as i64 or float */                      \
    X(LOAD, "load", 0, 'x')   /* buffer[index], where mask (if any) holds; else 0 */               \
    X(INDIRECT, "indirect", 1,                                                                     \
      'x') /* i64 operand checked against [-bound, bound), wrapped: bound to a symbol */           \
    X(CAST, "cast", 1, 'x') /* value conversion as in PyTorch's .to() */                           \
    X(BITCAST, "bitcast", 1, 'x')                                                                  \
    X(ADD, "add", 2, 'a')                                                                          \
    X(SUB, "sub", 2, 'a')                                                                          \
    X(MUL, "mul", 2, 'a')                                                                          \
    X(DIV, "div", 2, 'a') /* true division, floats */                                              \
        X(FLOORDIV, "floordiv", 2, 'a') X(TRUNCDIV, "truncdiv", 2, 'a') /* ints and floats */      \
        X(MOD, "mod", 2, 'a')   /* sign of the divisor (remainder) */                              \
        X(FMOD, "fmod", 2, 'a') /* sign of the dividend */                                         \
        X(POW, "pow", 2, 'a') X(MAXIMUM, "maximum", 2, 'a') X(MINIMUM, "minimum", 2, 'a')          \
            X(FMAX, "fmax", 2, 'a') X(FMIN, "fmin", 2, 'a') /* the number where one is NaN */      \
        X(FMA, "fma", 3, 'a') X(NEG, "neg", 1, 'a') X(ABS, "abs", 1, 'a') X(SIGN, "sign", 1, 'a')  \
            X(EXP, "exp", 1, 'a') X(EXP2, "exp2", 1, 'a') X(EXPM1, "expm1", 1, 'a')                \
                X(LOG, "log", 1, 'a') X(LOG2, "log2", 1, 'a') X(LOG10, "log10", 1, 'a')            \
                    X(LOG1P, "log1p", 1, 'a') X(SQRT, "sqrt", 1, 'a') X(RSQRT, "rsqrt", 1, 'a') X( \
                        RECIPROCAL, "reciprocal", 1,                                               \
                        'a') X(SIN, "sin", 1, 'a') X(COS, "cos", 1, 'a') X(TAN, "tan", 1, 'a')     \
                        X(ASIN, "asin", 1, 'a') X(ACOS, "acos", 1, 'a') X(ATAN, "atan", 1, 'a')    \
                            X(ATAN2, "atan2", 2, 'a') X(SINH, "sinh", 1, 'a')                      \
                                X(COSH, "cosh", 1, 'a') X(TANH, "tanh", 1, 'a')                    \
                                    X(ASINH, "asinh", 1, 'a') X(ACOSH, "acosh", 1, 'a')            \
                                        X(ATANH, "atanh", 1, 'a') X(ERF, "erf", 1, 'a')            \
                                            X(ERFC, "erfc", 1, 'a')                                \
                                            X(NDTR, "ndtr", 1, 'a') /* (1 + erf(x / sqrt 2)) / 2 */ \
                                            X(TANH_PLUS_1, "tanh_plus_1", 1, 'a') /* 1 + tanh(x) */  \
                                            X(EXP_TO_1, "exp_to_1", 1, 'a') /* e^x, x <= 0 */      \
                                            X(ERFINV, "erfinv", 1, 'a')                            \
                                                X(LGAMMA, "lgamma", 1, 'a') X(DIGAMMA, "digamma",  \
                                                                              1, 'a')              \
                                                    X(SIGMOID, "sigmoid", 1,                       \
                                                      'a') X(HYPOT, "hypot", 2, 'a')               \
                                                        X(COPYSIGN, "copysign", 2,                 \
                                                          'a') X(NEXTAFTER, "nextafter", 2, 'a')   \
                                                            X(CEIL, "ceil", 1, 'a')                \
                                                                X(FLOOR, "floor", 1, 'a')          \
                                                                    X(TRUNC, "trunc", 1, 'a')      \
                                                                        X(ROUND, "round", 1,       \
                                                                          'a') /* half to even */  \
        X(BITAND, "bitand", 2, 'a') X(BITOR, "bitor", 2, 'a') X(BITXOR, "bitxor", 2, 'a')          \
            X(BITNOT, "bitnot", 1, 'a') X(SHL, "shl", 2, 'a') X(SHR, "shr", 2, 'a')                \
                X(EQ, "eq", 2, 'b') X(NE, "ne", 2, 'b') X(LT, "lt", 2, 'b') X(LE, "le", 2, 'b')    \
                    X(GT, "gt", 2, 'b') X(GE, "ge", 2, 'b') X(AND, "and", 2, 'b')                  \
                        X(OR, "or", 2, 'b') X(XOR, "xor", 2, 'b') X(NOT, "not", 1, 'b')            \
                            X(ISNAN, "isnan", 1, 'b') X(ISINF, "isinf", 1, 'b')                    \
                                X(SIGNBIT, "signbit", 1, 'b')                                      \
                                    X(SELECT, "select", 3, 'x') /* bool, a, b */                   \
        /* rare ones, whose text goes into a model that uses them: polynomials are of (x, degree) */\
        X(BESSEL_J0, "bessel_j0", 1, 'a')                                                          \
        X(BESSEL_J1, "bessel_j1", 1, 'a')                                                          \
        X(BESSEL_Y0, "bessel_y0", 1, 'a')                                                          \
        X(BESSEL_Y1, "bessel_y1", 1, 'a')                                                          \
        X(BESSEL_K0, "bessel_k0", 1, 'a')                                                          \
        X(BESSEL_K1, "bessel_k1", 1, 'a')                                                          \
        X(BESSEL_K0E, "bessel_k0e", 1, 'a')                                                        \
        X(BESSEL_K1E, "bessel_k1e", 1, 'a')                                                        \
        X(AIRY_AI, "airy_ai", 1, 'a')                                                              \
        X(NDTRI, "ndtri", 1, 'a')                                                                  \
        X(ERFCX, "erfcx", 1, 'a')                                                                  \
        X(LOG_NDTR, "log_ndtr", 1, 'a')                                                            \
        X(ZETA, "zeta", 2, 'a')                                                                    \
        X(IGAMMA, "igamma", 2, 'a')                                                                \
        X(IGAMMAC, "igammac", 2, 'a')                                                              \
        X(CHEBYSHEV_T, "chebyshev_t", 2, 'a')                                                      \
        X(CHEBYSHEV_U, "chebyshev_u", 2, 'a')                                                      \
        X(CHEBYSHEV_V, "chebyshev_v", 2, 'a')                                                      \
        X(CHEBYSHEV_W, "chebyshev_w", 2, 'a')                                                      \
        X(HERMITE_H, "hermite_h", 2, 'a')                                                          \
        X(HERMITE_HE, "hermite_he", 2, 'a')                                                        \
        X(LAGUERRE_L, "laguerre_l", 2, 'a')                                                        \
        X(LEGENDRE_P, "legendre_p", 2, 'a')                                                        \
        X(GCD, "gcd", 2, 'a')                                                                      \
        X(RANDOM, "random", 2, 'x') /* philox: (stream i64, offset i64) -> u32 bits */             \
        X(POISSON, "poisson", 3, 'x') /* (stream i64, offset i64, rate) -> as rate */              \
        X(GAMMA, "gamma", 3, 'x') /* (stream i64, offset i64, shape): scale 1 */                   \
        X(BINOMIAL, "binomial", 3, 'x') /* (stream * 2^40 + offset i64, count, probability) */
/* clang-format on */

typedef enum ScalarOp {
#define X(name, text, n, result) S_##name,
    SCALAR_OPS(X)
#undef X
        S_COUNT
} ScalarOp;

typedef struct Scalar Scalar;
struct Buffer;

struct Scalar {
    ScalarOp       op;
    DType          dtype;
    int            id; /* creation order in its ScalarPool: operands always have smaller ids */
    int            n_in;
    Scalar        *in[3];
    int64_t        i;      /* CONST of an integer or bool dtype */
    double         f;      /* CONST of a float dtype */
    const Expr    *index;  /* INDEX; LOAD: offset in elements from the start of the buffer */
    struct Buffer *buffer; /* LOAD */
    Scalar        *mask;   /* LOAD: bool, or NULL */
    Symbol        *symbol; /* INDIRECT */
    const char  *what; /* INDIRECT: "index" or the operator, for the message when the check fails */
    struct Node *node; /* where it comes from (first of equal ones); may be NULL */
};

/* Owner of the DAG of one loop nest. */
typedef struct ScalarPool ScalarPool;
ScalarPool               *scalar_pool_create(ExprPool *exprs);
ExprPool                 *scalar_pool_exprs(ScalarPool *pool);

Scalar     *scalar_int(ScalarPool *pool, DType dtype, int64_t value); /* any dtype */
Scalar     *scalar_float(ScalarPool *pool, DType dtype, double value);
Scalar     *scalar_index(ScalarPool *pool, DType dtype,
                         const Expr *index); /* bool Exprs give DT_BOOL */
Scalar     *scalar_load(ScalarPool *pool, struct Buffer *buffer, const Expr *index, Scalar *mask);
/* Result: the symbol's Expr to be used in indices. A constant or provably valid operand needs no
 * check and is folded. */
const Expr *scalar_indirect(ScalarPool *pool, Scalar *value, const Expr *bound, const char *what);
Scalar *scalar_cast(ScalarPool *pool, DType dtype, Scalar *a); /* a itself when nothing changes */
Scalar *scalar_make(ScalarPool *pool, ScalarOp op, DType dtype, Scalar *const *in,
                    int n); /* folds constants */
Scalar *scalar_1(ScalarPool *pool, ScalarOp op, Scalar *a);
Scalar *scalar_2(ScalarPool *pool, ScalarOp op, Scalar *a, Scalar *b);
Scalar *scalar_select(ScalarPool *pool, Scalar *condition, Scalar *a, Scalar *b);
Scalar *scalar_and(ScalarPool *pool, Scalar *a, Scalar *b); /* either may be NULL: true */

/* Rebuilds a in `pool` with symbols replaced (from[i] -> to[i]) and loads rewritten by `load` (may
 * be NULL; returns NULL to keep a load).  Used when loops are re-indexed and fused. */
Scalar *scalar_rewrite(ScalarPool *pool, Scalar *a, Symbol *const *from, const Expr *const *to,
                       int n, Scalar *(*load)(void *cx, Scalar *load), void *cx);

/* a with nodes replaced: `replace` sees each node rebuilt in `pool`, and returns NULL to keep it.
 */
Scalar *scalar_replace(ScalarPool *pool, Scalar *a, Scalar *(*replace)(void *cx, Scalar *node),
                       void *cx);

/* Text of an operator's body: calls of the vocabulary, names resolved by `lookup` (parameters),
 * number literals take the dtype of the other operand.  `dtype` is what floats literals get where
 * nothing else says.  E_FORMAT on a bad text. */
Error *scalar_parse(ScalarPool *pool, const char *text, DType dtype,
                    Scalar *(*lookup)(void *cx, const char *name), void *cx, Scalar **out);

const char *scalar_op_name(ScalarOp op);
/* Is its value new in each run?  The first operand (of RANDOM, POISSON and GAMMA the second too) is
 * i64. */
bool        scalar_is_random(ScalarOp op);
bool        scalar_is_transcendental(ScalarOp op); /* cost: tens of cycles a vector */
int         scalar_cost(
            const Scalar *a); /* of the whole DAG: 1 an operation, 10 a transcendental, loads 1 */
/* Operands first, each once; also what index expressions refer to through SYM_SCALAR symbols. */
void scalar_walk(Scalar *const *roots, int n, void (*visit)(void *cx, Scalar *a), void *cx);
void scalar_print(Text *text, const Scalar *a);

#endif
