/* The draws that random operators are made of: their elements are functions of (seed, run, stream,
 * place).
 *
 *   aotc.uniform.default([s0,4], 7, f32)      out[i,j] = philox of stream 7 at place 4 i + j,
 *                                             its high 24 bits as a number in [0, 1)
 *
 * A draw has no state: its `stream` is a number of its own, the run's seed and number come from the
 * frame, and philox gives the word of each place.  So threads, tiles and devices agree, an element
 * may be computed again wherever it is used, and the next run has new values. */
#include "ir/ops/random_draw.h"
#include "ir/ops/shape_util.h"

#include <math.h>

#define PI 3.14159265358979323846

/* ---- draws: elements ------------------------------------------------------------------------- */

/* A draw takes up to WORDS_A_DRAW words of a place; each has a stream of its own. */
enum { WORDS_A_DRAW = 4 };

static const Expr *place_of(LowerCx *cx, const Node *node, const Expr *const *index)
{
    const TensorType *t = &node->results[0]->type;
    return shape_linear(cx->ir->exprs, index, t->sizes, t->rank);
}

static Scalar *word(LowerCx *cx, const Node *node, const Expr *const *index, int part)
{
    int64_t stream = node_int(node, "stream") * WORDS_A_DRAW + part;
    Scalar *in[] = {scalar_int(cx->scalars, DT_I64, stream),
                    scalar_index(cx->scalars, DT_I64, place_of(cx, node, index))};
    return scalar_make(cx->scalars, S_RANDOM, DT_U32, in, 2);
}

static Scalar *high_bits(LowerCx *cx, Scalar *bits, int n, DType dtype)
{
    Scalar *shift = scalar_int(cx->scalars, DT_U32, 32 - n);
    Scalar *top = scalar_2(cx->scalars, S_SHR, bits, shift);
    return scalar_cast(cx->scalars, dtype, scalar_cast(cx->scalars, DT_I32, top));
}

static Scalar *number(LowerCx *cx, DType dtype, double value)
{
    return scalar_float(cx->scalars, dtype, value);
}

static Scalar *times(LowerCx *cx, Scalar *a, double factor)
{
    return scalar_2(cx->scalars, S_MUL, a, number(cx, a->dtype, factor));
}

/* [0, 1) in steps of 2^-53, of two words. */
static Scalar *wide_uniform(LowerCx *cx, Scalar *a, Scalar *b)
{
    Scalar *high = times(cx, high_bits(cx, a, 27, DT_F64), 0x1p26);
    return times(cx, scalar_2(cx->scalars, S_ADD, high, high_bits(cx, b, 26, DT_F64)), 0x1p-53);
}

/* As many bits as the dtype holds exactly: no value rounds to 1. */
static int uniform_bits(DType dtype)
{
    return dtype == DT_F16 ? 11 : dtype == DT_BF16 ? 8 : dtype == DT_F32 ? 24 : 3;
}

static Scalar *element_uniform(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    DType dtype = node->results[0]->type.dtype;
    if (dtype == DT_F64)
        return wide_uniform(cx, word(cx, node, index, 0), word(cx, node, index, 1));
    int bits = uniform_bits(dtype);
    return times(cx, high_bits(cx, word(cx, node, index, 0), bits, DT_F32), ldexp(1, -bits));
}

/* Box and Muller, with (0, 1] under the logarithm. */
static Scalar *element_normal(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    ScalarPool *pool = cx->scalars;
    DType       dtype = dtype_compute(node->results[0]->type.dtype);
    Scalar     *a = word(cx, node, index, 0), *b = word(cx, node, index, 1), *u;
    if (dtype == DT_F64) {
        u = wide_uniform(cx, a, word(cx, node, index, 2));
        u = scalar_2(pool, S_ADD, u, number(cx, DT_F64, 0x1p-53));
    } else {
        u = scalar_2(pool, S_ADD, scalar_cast(pool, dtype, a), number(cx, dtype, 1));
        u = times(cx, u, 0x1p-32);
    }
    Scalar *radius = scalar_1(pool, S_SQRT, times(cx, scalar_1(pool, S_LOG, u), -2));
    Scalar *turn = dtype == DT_F64
                       ? times(cx, wide_uniform(cx, b, word(cx, node, index, 3)), 2 * PI)
                       : times(cx, high_bits(cx, b, 24, dtype), 2 * PI * 0x1p-24);
    return scalar_2(pool, S_MUL, radius, scalar_1(pool, S_COS, turn));
}

static Scalar *element_words(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    ScalarPool *pool = cx->scalars;
    Scalar     *low = scalar_cast(pool, DT_I64, word(cx, node, index, 0));
    if (!node_bool(node, "wide"))
        return low;
    Scalar *high = scalar_cast(pool, DT_I64, word(cx, node, index, 1));
    high = scalar_2(pool, S_SHL, high, scalar_int(pool, DT_I64, 32));
    return scalar_2(pool, S_BITOR, high, low);
}

/* Rejection methods take as many words as they need: the scalar functions make them from a key of
 * stream and place. */
static Scalar *rejection(LowerCx *cx, const Node *node, ScalarOp op, const Expr *const *index)
{
    ExprPool *pool = cx->ir->exprs;
    DType     dtype = dtype_compute(node->results[0]->type.dtype);
    int64_t   stream = node_int(node, "stream") * WORDS_A_DRAW;
    Scalar   *in[3] = {scalar_int(cx->scalars, DT_I64, stream),
                       scalar_index(cx->scalars, DT_I64, place_of(cx, node, index)), NULL};
    int       n = 2;
    if (op == S_BINOMIAL) { /* three operands at most: stream and place in one */
        const Expr *key =
            expr_add(pool, place_of(cx, node, index),
                     expr_mul(pool, expr_int(pool, stream), expr_int(pool, INT64_C(1) << 40)));
        in[0] = scalar_index(cx->scalars, DT_I64, key);
        n = 1;
    }
    for (int i = 0; i < node->n_args; i++)
        if (node->args[i].kind == ARG_VALUE)
            in[n++] = scalar_cast(cx->scalars, dtype, shape_load(cx, node->args[i].value, index));
    return scalar_make(cx->scalars, op, dtype, in, n);
}

static Scalar *element_poisson(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    return rejection(cx, node, S_POISSON, index);
}

static Scalar *element_gamma(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    return rejection(cx, node, S_GAMMA, index);
}

static Scalar *element_binomial(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    return rejection(cx, node, S_BINOMIAL, index);
}

/* ---- draws: types ---------------------------------------------------------------------------- */

/* Streams of a graph that was read from text are taken. */
static void note_stream(const Node *node)
{
    int64_t next = node_int(node, "stream") + 1;
    if (node->graph->ir->next_stream < next)
        node->graph->ir->next_stream = next;
}

static Error *infer_draw(Node *node)
{
    const Expr *sizes[MAX_RANK];
    int         rank;
    DType       dtype = DT_I64;
    TRY(shape_exprs(node, "size", sizes, &rank));
    if (schema_param(node->schema, "dtype") >= 0)
        dtype = node_arg(node, "dtype")->dtype;
    if (dtype != DT_I64 && !dtype_is_float(dtype))
        return node_error(node, E_VALUE, "random numbers of dtype %s", dtype_name(dtype));
    note_stream(node);
    shape_result(node, 0, dtype, sizes, rank);
    return NULL;
}

static Error *infer_rejection(Node *node)
{
    const TensorType *t = &shape_first_tensor(node)->type;
    if (!dtype_is_float(t->dtype))
        return node_error(node, E_VALUE, "random numbers of dtype %s", dtype_name(t->dtype));
    note_stream(node);
    shape_result(node, 0, t->dtype, t->sizes, t->rank);
    return NULL;
}

/* ---- draws: building ------------------------------------------------------------------------- */

Arg random_stream(Build *b)
{
    return arg_int(b->graph, b->graph->ir->next_stream++);
}

Value *random_draw(Build *b, const char *schema, const Expr *const *sizes, int rank, DType dtype)
{
    Arg args[] = {arg_exprs(b->graph, sizes, rank), random_stream(b), arg_dtype(dtype)};
    return build_internal(b, schema, args, 3);
}

Value *random_draw_like(Build *b, const char *schema, const Value *like, DType dtype)
{
    return b->error ? NULL : random_draw(b, schema, like->type.sizes, like->type.rank, dtype);
}

Value *random_words(Build *b, const Expr *const *sizes, int rank, bool wide)
{
    Arg args[] = {arg_exprs(b->graph, sizes, rank), random_stream(b), arg_bool(b->graph, wide)};
    return build_internal(b, WORDS, args, 3);
}
/* ---- rows ------------------------------------------------------------------------------------ */
#define DRAW(text, infer_fn, element_fn)                                                           \
    {                                                                                              \
        .schema = text, .kind = OP_INDEXED, .infer = infer_fn, .element = element_fn,              \
        .is_random = true                                                                          \
    }

const OpDesc random_draw_ops[] = {
    DRAW(UNIFORM, infer_draw, element_uniform),
    DRAW(NORMAL, infer_draw, element_normal),
    DRAW(WORDS, infer_draw, element_words),
    DRAW(POISSON, infer_rejection, element_poisson),
    DRAW(GAMMA, infer_rejection, element_gamma),
    DRAW(BINOMIAL, infer_rejection, element_binomial),
    {0},
};
