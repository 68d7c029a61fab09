/* Pointwise operators: one element of the result from one element of every input.
 *
 * In: a node.  Out: `body`, a text of the scalar vocabulary (ir/scalar.h) over the parameter names:
 *
 *   aten.add.Tensor(%a, %b, alpha=2)      add(self, mul(other, alpha))
 *
 * Operands have the promoted dtype; f16 and bf16 are computed in f32 and rounded once.  A function
 * picks the text where an argument (a mode, an exponent, None) decides.  Formulas are those of ATen
 * (aten/src/ATen/native/cpu). */
#include "ir/ops/ops_internal.h"
#include "ir/ops/sample_texts.h"
#include "ir/ops/shape_util.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- texts chosen by a function -------------------------------------------------------------- */
typedef struct BodyNames {
    LowerCx       *cx;
    const Node    *node;
    Scalar *const *in;
    DType          dtype;
} BodyNames;

static Scalar *number_of(const BodyNames *names, const Arg *arg)
{
    ScalarPool *pool = names->cx->scalars;
    if (arg->kind == ARG_FLOAT && !arg->expr)
        return scalar_float(pool, names->dtype, arg->number);
    const Expr *e = arg->kind == ARG_FLOAT ? arg->expr : arg_as_expr(arg);
    if (!e)
        return NULL;
    int64_t value;
    if (expr_is_int(e, &value))
        return scalar_int(pool, names->dtype, value);
    DType own = e->type == EXPR_TYPE_BOOL ? DT_BOOL : e->type == EXPR_TYPE_FLOAT ? DT_F64 : DT_I64;
    return scalar_cast(pool, names->dtype, scalar_index(pool, own, e));
}

static Scalar *body_name(void *user, const char *name)
{
    const BodyNames *names = user;
    int              i = schema_param(names->node->schema, name);
    if (i < 0)
        return NULL;
    return names->in[i] ? names->in[i] : number_of(names, &names->node->args[i]);
}

/* The scalar of a text; NULL (refused by lowering) when it does not parse. */
static Scalar *body_text(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype,
                         const char *text)
{
    BodyNames names = {cx, node, in, dtype};
    Scalar   *out = NULL;
    return scalar_parse(cx->scalars, text, dtype, body_name, &names, &out) ? NULL : out;
}

static bool has_arg(const Node *node, const char *name)
{
    return node_arg(node, name)->kind != ARG_NONE;
}

/* clamp and clip: either bound may be absent. A NaN stays. */
static Scalar *body_clamp(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    bool min = has_arg(node, "min"), max = has_arg(node, "max");
    return body_text(cx, node, in, dtype,
                     min && max ? "minimum(maximum(self, min), max)"
                     : min      ? "maximum(self, min)"
                     : max      ? "minimum(self, max)"
                                : "self");
}

/* 0.5 x (1 + erf(x / sqrt 2)), or the approximation by tanh (Hendrycks and Gimpel, arXiv
 * 1606.08415). */
static Scalar *body_gelu(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    const Arg *approximate = node_arg(node, "approximate");
    bool       is_tanh = approximate->kind == ARG_STRING && !strcmp(approximate->string, "tanh");
    return body_text(cx, node, in, dtype,
                     is_tanh ? "mul(mul(0.5, self), add(1, tanh(mul(0.7978845608028654, "
                               "add(self, mul(0.044715, mul(self, mul(self, self))))))))"
                             : "mul(mul(self, 0.5), add(1, erf(mul(self, 0.7071067811865476))))");
}

static Error *infer_gelu(Node *node)
{
    const Arg *approximate = node_arg(node, "approximate");
    if (approximate->kind == ARG_STRING && strcmp(approximate->string, "none") &&
        strcmp(approximate->string, "tanh"))
        return node_error(node, E_VALUE, "approximate is \"%s\", not \"none\" or \"tanh\"",
                          approximate->string);
    return infer_pointwise(node);
}

/* The exponents for which eager PyTorch multiplies (pow_tensor_scalar_optimized_kernel). */
static Scalar *body_pow_number(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    static const struct {
        double      exponent;
        const char *text;
        bool        floats_only;
    } table[] = {
        {0, "select(eq(self, self), 1, 1)", false},
        {1, "self", false},
        {2, "mul(self, self)", false},
        {3, "mul(mul(self, self), self)", false},
        {4, "mul(mul(self, self), mul(self, self))", false},
        {0.5, "sqrt(self)", true},
        {-0.5, "rsqrt(self)", true},
        {-1, "reciprocal(self)", true},
        {-2, "reciprocal(mul(self, self))", true},
    };
    const Arg *arg = node_arg(node, "exponent");
    int64_t    whole;
    double     exponent = NAN;
    if (arg->kind == ARG_FLOAT && !arg->expr)
        exponent = arg->number;
    else if (arg->kind != ARG_FLOAT && arg_as_expr(arg) && expr_is_int(arg_as_expr(arg), &whole))
        exponent = (double)whole;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].exponent == exponent && (dtype_is_float(dtype) || !table[i].floats_only))
            return body_text(cx, node, in, dtype, table[i].text);
    return body_text(cx, node, in, dtype, "pow(self, exponent)");
}

static Error *infer_pow_number(Node *node)
{
    const Arg *arg = node_arg(node, "exponent");
    int64_t    exponent;
    DType      dtype = infer_promoted_dtype(node, PROMOTE_DEFAULT);
    if (!dtype_is_float(dtype) && arg->kind != ARG_FLOAT && arg_as_expr(arg) &&
        expr_is_int(arg_as_expr(arg), &exponent) && exponent < 0)
        return node_error(node, E_VALUE, "integers to a negative integer power (%lld)",
                          (long long)exponent);
    return infer_pointwise(node);
}

static Scalar *body_pow_base(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    const Arg *base = node_arg(node, "self");
    bool       is_two = (base->kind == ARG_FLOAT && !base->expr && base->number == 2) ||
                  (base->kind == ARG_INT && expr_is_value(base->expr, 2));
    return body_text(cx, node, in, dtype,
                     is_two && dtype_is_float(dtype) ? "exp2(exponent)" : "pow(self, exponent)");
}

static const char *rounding_mode(const Node *node)
{
    const Arg *mode = node_arg(node, "rounding_mode");
    return mode->kind == ARG_STRING ? mode->string : NULL;
}

/* div with a mode: true division (integers become f32), or rounded and of the promoted dtype. */
static Error *infer_div_mode(Node *node)
{
    const char *mode = rounding_mode(node);
    if (mode && strcmp(mode, "trunc") && strcmp(mode, "floor"))
        return node_error(node, E_VALUE,
                          "rounding_mode is \"%s\", not None, \"trunc\" or \"floor\"", mode);
    TRY(infer_pointwise(node));
    if (!mode)
        node_result_type(node, 0)->dtype = infer_promoted_dtype(node, PROMOTE_INT_TO_FLOAT);
    return NULL;
}

static Scalar *body_div_mode(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    const char *mode = rounding_mode(node);
    if (mode)
        return body_text(cx, node, in, dtype,
                         !strcmp(mode, "floor") ? "floordiv(self, other)"
                                                : "truncdiv(self, other)");
    DType   result = dtype_compute(node->results[0]->type.dtype);
    Scalar *a = scalar_cast(cx->scalars, result, body_text(cx, node, in, dtype, "self"));
    Scalar *other[64] = {0};
    int     at = schema_param(node->schema, "other");
    other[schema_param(node->schema, "self")] = a;
    if (in[at])
        other[at] = scalar_cast(cx->scalars, result, in[at]);
    return body_text(cx, node, other, result, "div(self, other)");
}

/* Replacements are limits of the result's dtype, not of the one that computes. */
static Scalar *body_nan_to_num(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    if (!dtype_is_float(dtype))
        return in[0];
    DType       result = node->results[0]->type.dtype;
    double      largest = result == DT_F16    ? 65504
                          : result == DT_BF16 ? 0x1.fep127
                          : result == DT_F64  ? 0x1.fffffffffffffp1023
                                              : 0x1.fffffep127;
    double      nan = has_arg(node, "nan") ? node_float(node, "nan") : 0;
    double      high = has_arg(node, "posinf") ? node_float(node, "posinf") : largest;
    double      low = has_arg(node, "neginf") ? node_float(node, "neginf") : -largest;
    const char *text = arena_printf(
        cx->ir->arena,
        "select(isnan(self), %.17g, select(isinf(self), select(gt(self, 0), %.17g, %.17g), "
        "self))",
        nan, high, low);
    return body_text(cx, node, in, dtype, text);
}

static Scalar *body_logit(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    if (!has_arg(node, "eps"))
        return body_text(cx, node, in, dtype, "log(div(self, sub(1, self)))");
    double      eps = node_float(node, "eps");
    const char *x = arena_printf(
        cx->ir->arena, "select(lt(self, %.17g), %.17g, select(gt(self, %.17g), %.17g, self))", eps,
        eps, 1 - eps, 1 - eps);
    return body_text(cx, node, in, dtype,
                     arena_printf(cx->ir->arena, "log(div(%s, sub(1, %s)))", x, x));
}

static Scalar *body_round_decimals(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    if (!dtype_is_float(dtype))
        return in[0];
    int64_t     decimals = node_int(node, "decimals");
    double      scale = pow(10, (double)llabs(decimals));
    const char *form = decimals < 0 ? "mul(round(div(self, %.17g)), %.17g)"
                                    : "div(round(mul(self, %.17g)), %.17g)";
    if (decimals == 0)
        return body_text(cx, node, in, dtype, "round(self)");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    return body_text(cx, node, in, dtype, arena_printf(cx->ir->arena, form, scale, scale));
#pragma GCC diagnostic pop
}

/* |self - other| <= atol + |rtol * other|, and equal infinities; integers are compared in f64. */
static Scalar *body_isclose(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    Scalar *wide[64] = {0};
    DType   compute = dtype_is_float(dtype) ? dtype : DT_F64;
    wide[0] = scalar_cast(cx->scalars, compute, in[0]);
    wide[1] = scalar_cast(cx->scalars, compute, in[1]);
    const char *nans = node_bool(node, "equal_nan") ? "and(isnan(self), isnan(other))" : "false";
    const char *text =
        arena_printf(cx->ir->arena,
                     "or(or(eq(self, other), %s), and(lt(abs(sub(self, other)), inf), "
                     "le(abs(sub(self, other)), add(%.17g, abs(mul(%.17g, other))))))",
                     nans, node_float(node, "atol"), node_float(node, "rtol"));
    return body_text(cx, node, wide, compute, text);
}

/* sum over j < p of lgamma(x - j / 2), plus p (p - 1) / 4 log pi. */
static Scalar *body_mvlgamma(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    int64_t p = node_int(node, "p");
    if (p < 1 || p > 64)
        return NULL;
    Scalar *sum =
        scalar_float(cx->scalars, dtype, (double)(p * (p - 1)) / 4 * log(3.14159265358979323846));
    for (int64_t j = 0; j < p; j++) {
        Scalar *x =
            scalar_2(cx->scalars, S_SUB, in[0], scalar_float(cx->scalars, dtype, (double)j / 2));
        sum = scalar_2(cx->scalars, S_ADD, sum, scalar_1(cx->scalars, S_LGAMMA, x));
    }
    return sum;
}

static Scalar *body_rrelu(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    double slope = (node_float(node, "lower") + node_float(node, "upper")) / 2;
    return body_text(
        cx, node, in, dtype,
        arena_printf(cx->ir->arena, "select(gt(self, 0), self, mul(self, %.17g))", slope));
}

/* ---- Bessel functions ------------------------------------------------------------------------ */
/* Chebyshev coefficients of S. L. Moshier's Cephes library (i0.c, i1.c): exp(-x) I(x) on [0, 8],
 * and exp(-x) sqrt(x) I(x) on (8, inf). */
static const double i0_small[] = {
    -4.41534164647933937950e-18, 3.33079451882223809783e-17,  -2.43127984654795469359e-16,
    1.71539128555513303061e-15,  -1.16853328779934516808e-14, 7.67618549860493561688e-14,
    -4.85644678311192946090e-13, 2.95505266312963983461e-12,  -1.72682629144155570723e-11,
    9.67580903537323691224e-11,  -5.18979560163526290666e-10, 2.65982372468238665035e-9,
    -1.30002500998624804212e-8,  6.04699502254191894932e-8,   -2.67079385394061173391e-7,
    1.11738753912010371815e-6,   -4.41673835845875056359e-6,  1.64484480707288970893e-5,
    -5.75419501008210370398e-5,  1.88502885095841655729e-4,   -5.76375574538582365885e-4,
    1.63947561694133579842e-3,   -4.32430999505057594430e-3,  1.05464603945949983183e-2,
    -2.37374148058994688156e-2,  4.93052842396707084878e-2,   -9.49010970480476444210e-2,
    1.71620901522208775349e-1,   -3.04682672343198398683e-1,  6.76795274409476084995e-1};
static const double i0_large[] = {
    -7.23318048787475395456e-18, -4.83050448594418207126e-18, 4.46562142029675999901e-17,
    3.46122286769746109310e-17,  -2.82762398051658348494e-16, -3.42548561967721913462e-16,
    1.77256013305652638360e-15,  3.81168066935262242075e-15,  -9.55484669882830764870e-15,
    -4.15056934728722208663e-14, 1.54008621752140982691e-14,  3.85277838274214270114e-13,
    7.18012445138366623367e-13,  -1.79417853150680611778e-12, -1.32158118404477131188e-11,
    -3.14991652796324136454e-11, 1.18891471078464383424e-11,  4.94060238822496958910e-10,
    3.39623202570838634515e-9,   2.26666899049817806459e-8,   2.04891858946906374183e-7,
    2.89137052083475648297e-6,   6.88975834691682398426e-5,   3.36911647825569408990e-3,
    8.04490411014108831608e-1};
static const double i1_small[] = {
    2.77791411276104639959e-18,  -2.11142121435816608115e-17, 1.55363195773620046921e-16,
    -1.10559694773538630805e-15, 7.60068429473540693410e-15,  -5.04218550472791168711e-14,
    3.22379336594557470981e-13,  -1.98397439776494371520e-12, 1.17361862988909016308e-11,
    -6.66348972350202774223e-11, 3.62559028155211703701e-10,  -1.88724975172282928790e-9,
    9.38153738649577178388e-9,   -4.44505912879632808065e-8,  2.00329475355213526229e-7,
    -8.56872026469545474066e-7,  3.47025130813767847674e-6,   -1.32731636560394358279e-5,
    4.78156510755005422638e-5,   -1.61760815825896745588e-4,  5.12285956168575772895e-4,
    -1.51357245063125314899e-3,  4.15642294431288815669e-3,   -1.05640848946261981558e-2,
    2.47264490306265168283e-2,   -5.29459812080949914269e-2,  1.02643658689847095384e-1,
    -1.76416518357834055153e-1,  2.52587186443633654823e-1};
static const double i1_large[] = {
    7.51729631084210481353e-18,  4.41434832307170791151e-18,  -4.65030536848935832153e-17,
    -3.20952592199342395980e-17, 2.96262899764595013876e-16,  3.30820231092092828324e-16,
    -1.88035477551078244854e-15, -3.81440307243700780478e-15, 1.04202769841288027642e-14,
    4.27244001671195135429e-14,  -2.10154184277266431302e-14, -4.08355111109219731823e-13,
    -7.19855177624590851209e-13, 2.03562854414708950722e-12,  1.41258074366137813316e-11,
    3.25260358301548823856e-11,  -1.89749581235054123450e-11, -5.58974346219658380687e-10,
    -3.83538038596423702205e-9,  -2.63146884688951950684e-8,  -2.51223623787020892529e-7,
    -3.88256480887769039346e-6,  -1.10588938762623716291e-4,  -9.76109749136146840777e-3,
    7.78576235018280120474e-1};

static Scalar *chebyshev(ScalarPool *pool, Scalar *x, const double *coefficients, size_t n)
{
    DType   dtype = x->dtype;
    Scalar *b0 = scalar_float(pool, dtype, coefficients[0]), *b1 = scalar_float(pool, dtype, 0),
           *b2 = b1;
    for (size_t i = 1; i < n; i++) {
        b2 = b1;
        b1 = b0;
        b0 = scalar_2(pool, S_ADD, scalar_2(pool, S_SUB, scalar_2(pool, S_MUL, x, b1), b2),
                      scalar_float(pool, dtype, coefficients[i]));
    }
    return scalar_2(pool, S_MUL, scalar_float(pool, dtype, 0.5), scalar_2(pool, S_SUB, b0, b2));
}

/* order 0 or 1; scaled: times exp(-|x|). */
static Scalar *bessel_i(LowerCx *cx, Scalar *x, int order, bool scaled)
{
    ScalarPool *pool = cx->scalars;
    DType       dtype = x->dtype;
    Scalar     *a = scalar_1(pool, S_ABS, x);
    Scalar     *eight = scalar_float(pool, dtype, 8), *two = scalar_float(pool, dtype, 2);
    Scalar     *near = scalar_2(pool, S_SUB, scalar_2(pool, S_DIV, a, two), two);
    Scalar     *far =
        scalar_2(pool, S_SUB, scalar_2(pool, S_DIV, scalar_float(pool, dtype, 32), a), two);
    Scalar *low = order ? scalar_2(pool, S_MUL, chebyshev(pool, near, i1_small, 29), a)
                        : chebyshev(pool, near, i0_small, 30);
    Scalar *high = order ? chebyshev(pool, far, i1_large, 25) : chebyshev(pool, far, i0_large, 25);
    high = scalar_2(pool, S_DIV, high, scalar_1(pool, S_SQRT, a));
    Scalar *out = scalar_select(pool, scalar_2(pool, S_LE, a, eight), low, high);
    if (!scaled)
        out = scalar_2(pool, S_MUL, out, scalar_1(pool, S_EXP, a));
    if (order) {
        Scalar *is_negative = scalar_2(pool, S_LT, x, scalar_float(pool, dtype, 0));
        out = scalar_select(pool, is_negative, scalar_1(pool, S_NEG, out), out);
    }
    return out;
}

static Scalar *body_i0(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    (void)node, (void)dtype;
    return bessel_i(cx, in[0], 0, false);
}

static Scalar *body_i0e(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    (void)node, (void)dtype;
    return bessel_i(cx, in[0], 0, true);
}

static Scalar *body_i1(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    (void)node, (void)dtype;
    return bessel_i(cx, in[0], 1, false);
}

static Scalar *body_i1e(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    (void)node, (void)dtype;
    return bessel_i(cx, in[0], 1, true);
}

/* ---- inference where the default does not do ------------------------------------------------- */
/* Only integers and bool have bits. */
static Error *infer_bits(Node *node)
{
    TRY(infer_pointwise(node));
    DType dtype = node_result_type(node, 0)->dtype;
    if (dtype_is_float(dtype))
        return node_error(node, E_VALUE, "%s of %s", node->schema->base, dtype_name(dtype));
    return NULL;
}

/* bool has no minus. */
static Error *infer_minus(Node *node)
{
    TRY(infer_pointwise(node));
    if (node_result_type(node, 0)->dtype == DT_BOOL)
        return node_error(node, E_VALUE, "%s of bool tensors; use bitwise_xor or logical_not",
                          node->schema->base);
    return NULL;
}

/* at::native::relu: "Boolean inputs not supported". */
static Error *infer_relu(Node *node)
{
    TRY(infer_pointwise(node));
    if (node_result_type(node, 0)->dtype == DT_BOOL)
        return node_error(node, E_VALUE, "%s of a bool tensor", node->schema->base);
    return NULL;
}

/* rrelu without training is leaky_relu with the mean slope. */
static Error *infer_rrelu(Node *node)
{
    if (node_bool(node, "training"))
        return node_error(node, E_UNSUPPORTED, "rrelu with training=True is random");
    return infer_pointwise(node);
}

/* A value of any dtype takes the place of self: the result is like self. */
static Error *infer_masked_fill(Node *node)
{
    const TensorType *mask = shape_type(node, "mask");
    if (mask->dtype != DT_BOOL)
        return node_error(node, E_VALUE, "mask is %s, not bool", dtype_name(mask->dtype));
    return infer_pointwise(node);
}

/* ---- composites ------------------------------------------------------------------------------ */
static Error *expand_glu(Node *node, Value **results)
{
    Build   b = build_at(node);
    Value  *x = node_tensor(node, "self");
    int     dim;
    int64_t size;
    TRY(shape_dim(node, "dim", x->type.rank, &dim));
    if (x->type.rank == 0)
        return node_error(node, E_VALUE, "glu of a tensor without dims");
    const Expr *n = x->type.sizes[dim], *zero = shape_int(node, 0);
    if (expr_is_int(n, &size) && size % 2)
        return node_error(node, E_VALUE, "glu halves dim %d, whose size %lld is odd", dim,
                          (long long)size);
    const Expr *half = expr_floordiv(shape_pool(node), n, shape_int(node, 2));
    Value      *a = build_slice(&b, x, dim, zero, half), *gate = build_slice(&b, x, dim, half, n);
    if (!b.error)
        gate = BUILD(&b, "aten.sigmoid.default", arg_value(gate));
    if (!b.error)
        results[0] = BUILD(&b, "aten.mul.Tensor", arg_value(a), arg_value(gate));
    return b.error;
}

/* One slope, or one a channel (dim 1). */
static Error *expand_prelu(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value      *x = node_tensor(node, "self"), *w = node_tensor(node, "weight");
    const Expr *sizes[MAX_RANK], *n = tensor_numel(b.graph->ir, &w->type);
    int         rank = x->type.rank;
    for (int d = 0; d < rank; d++)
        sizes[d] = shape_int(node, 1);
    if (!expr_is_value(n, 1)) {
        const Expr *channels = rank >= 2 ? x->type.sizes[1] : shape_int(node, 1);
        if (expr_is_const(channels) && expr_is_const(n) && channels != n)
            return node_error(node, E_VALUE, "weight has %s elements for %s channels",
                              expr_text(b.graph->ir->arena, n),
                              expr_text(b.graph->ir->arena, channels));
        sizes[1] = n;
    }
    w = build_reshape(&b, w, sizes, rank);
    if (!b.error)
        results[0] = BUILD(&b, "aten._prelu_kernel.default", arg_value(x), arg_value(w));
    return b.error;
}

/* dropout of any kind: nothing happens at inference. */
static Error *expand_dropout(Node *node, Value **results)
{
    double p = node_float(node, "p");
    if (p < 0 || p > 1)
        return node_error(node, E_VALUE, "p is %g, not in 0 … 1", p);
    if (node_bool(node, "train") && p != 0)
        return node_error(node, E_UNSUPPORTED, "%s with train=True is random", node->schema->name);
    results[0] = node_tensor(node, "input");
    return NULL;
}

static Error *expand_native_dropout(Node *node, Value **results)
{
    Build      b = build_at(node);
    const Arg *train = node_arg(node, "train");
    bool is_training = train->kind != ARG_BOOL || !expr_is_const(train->expr) || train->expr->value;
    Value *x = node_tensor(node, "input");
    if (is_training && node_float(node, "p") != 0)
        return node_error(node, E_UNSUPPORTED, "native_dropout with train=True is random");
    results[0] = x;
    results[1] = BUILD(&b, "aten.full_like.default", arg_value(x), arg_bool(b.graph, true),
                       arg_dtype(DT_BOOL));
    return b.error;
}

/* float_power computes in f64. */
static Error *expand_float_power(Node *node, Value **results)
{
    Build       b = build_at(node);
    Arg         args[2] = {node->args[0], node->args[1]};
    const char *op = !strcmp(node->schema->overload, "Tensor_Tensor")   ? "aten.pow.Tensor_Tensor"
                     : !strcmp(node->schema->overload, "Tensor_Scalar") ? "aten.pow.Tensor_Scalar"
                                                                        : "aten.pow.Scalar";
    for (int i = 0; i < 2; i++)
        if (args[i].kind == ARG_VALUE && args[i].value->kind == VALUE_TENSOR) {
            Value *wide = build_cast(&b, args[i].value, DT_F64);
            if (b.error)
                return b.error;
            args[i] = arg_value(wide);
        }
    results[0] = build_args(&b, op, args, 2);
    return b.error;
}

static Value *build_invert(Build *b, Value *v, bool invert)
{
    return b->error || !invert ? v : BUILD(b, "aten.logical_not.default", arg_value(v));
}

/* isin: compare with every test element, any of them. */
static Error *expand_isin(Node *node, Value **results)
{
    Build       b = build_at(node);
    ExprPool   *pool = shape_pool(node);
    Value      *x = node_tensor(node, "elements"), *test = node_tensor(node, "test_elements");
    const Expr *n = tensor_numel(b.graph->ir, &test->type);
    Value *column = build_unsqueeze(&b, x, x->type.rank), *row = build_reshape(&b, test, &n, 1);
    if (b.error)
        return b.error;
    Value *equal = BUILD(&b, "aten.eq.Tensor", arg_value(column), arg_value(row));
    if (!b.error)
        equal = BUILD(&b, "aten.any.dim", arg_value(equal), arg_expr(expr_int(pool, -1)));
    results[0] = build_invert(&b, equal, node_bool(node, "invert"));
    return b.error;
}

static Error *expand_isin_number(Node *node, Value **results)
{
    Build b = build_at(node);
    results[0] = build_invert(&b, BUILD(&b, "aten.eq.Scalar", node->args[0], node->args[1]),
                              node_bool(node, "invert"));
    return b.error;
}

static Error *expand_number_isin(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *equal = BUILD(&b, "aten.eq.Scalar", node->args[1], node->args[0]);
    if (!b.error)
        equal = BUILD(&b, "aten.any.default", arg_value(equal));
    results[0] = build_invert(&b, equal, node_bool(node, "invert"));
    return b.error;
}

/* n-th difference along dim, of the input with prepend and append around it. */
static Error *expand_diff(Node *node, Value **results)
{
    Build   b = build_at(node);
    Value  *x = node_tensor(node, "self"), *parts[3];
    int64_t n;
    int     dim, count = 0;
    if (x->type.rank == 0)
        return node_error(node, E_VALUE, "diff of a tensor without dims");
    TRY(shape_const_int(node, "n", &n));
    TRY(shape_dim(node, "dim", x->type.rank, &dim));
    if (n < 0 || n > 64)
        return node_error(node, n < 0 ? E_VALUE : E_LIMIT, "diff of order %lld", (long long)n);
    if (node_tensor(node, "prepend"))
        parts[count++] = node_tensor(node, "prepend");
    parts[count++] = x;
    if (node_tensor(node, "append"))
        parts[count++] = node_tensor(node, "append");
    if (count > 1)
        x = BUILD(&b, "aten.cat.default", arg_values(b.graph, parts, count), arg_int(b.graph, dim));
    for (int64_t i = 0; i < n && !b.error; i++) {
        const Expr *size = x->type.sizes[dim], *one = shape_int(node, 1);
        const Expr *end = expr_is_value(size, 0) ? size : expr_sub(shape_pool(node), size, one);
        Value      *high = build_slice(&b, x, dim, one, size),
              *low = build_slice(&b, x, dim, shape_int(node, 0), end);
        if (!b.error)
            x = BUILD(&b, x->type.dtype == DT_BOOL ? "aten.logical_xor.default" : "aten.sub.Tensor",
                      arg_value(high), arg_value(low));
    }
    results[0] = x;
    return b.error;
}

/* cross product: a[i+1] b[i+2] - a[i+2] b[i+1]. */
static Error *expand_cross(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *x = node_tensor(node, "self"), *y = node_tensor(node, "other"), *p[4];
    int    dim = -1;
    if (!shape_is_none(node, "dim"))
        TRY(shape_dim(node, "dim", x->type.rank, &dim));
    for (int d = 0; d < x->type.rank && dim < 0; d++)
        dim = expr_is_value(x->type.sizes[d], 3) ? d : -1;
    int back = x->type.rank - dim; /* the same dim of other, which may have fewer */
    if (dim < 0 || back > y->type.rank || !expr_is_value(x->type.sizes[dim], 3))
        return node_error(node, E_VALUE, "the cross product needs a dim of size 3");
    for (int i = 0; i < 4; i++) {
        Value *from = i % 2 == 0 ? x : y;
        int    shift = i == 0 || i == 3 ? -1 : -2, at = from->type.rank - back;
        p[i] = BUILD(&b, "aten.roll.default", arg_value(from), arg_dims(b.graph, &shift, 1),
                     arg_dims(b.graph, &at, 1));
    }
    if (b.error)
        return b.error;
    Value *left = BUILD(&b, "aten.mul.Tensor", arg_value(p[0]), arg_value(p[1]));
    Value *right = BUILD(&b, "aten.mul.Tensor", arg_value(p[2]), arg_value(p[3]));
    if (!b.error)
        results[0] = BUILD(&b, "aten.sub.Tensor", arg_value(left), arg_value(right));
    return b.error;
}

/* ---- rows ------------------------------------------------------------------------------------ */
#define BODY(text, promotion, body_text, ...)                                                      \
    {                                                                                              \
        .schema = text, .kind = OP_POINTWISE, .promote = PROMOTE_##promotion, .body = body_text,   \
        __VA_ARGS__                                                                                \
    }
#define BODY_INFER(text, promotion, infer_fn, body_text, ...)                                      \
    {                                                                                              \
        .schema = text, .kind = OP_POINTWISE, .promote = PROMOTE_##promotion, .infer = infer_fn,   \
        .body = body_text, __VA_ARGS__                                                             \
    }
#define BODY_FN(text, promotion, infer_fn, fn, ...)                                                \
    {                                                                                              \
        .schema = text, .kind = OP_POINTWISE, .promote = PROMOTE_##promotion, .infer = infer_fn,   \
        .body_fn = fn, __VA_ARGS__                                                                 \
    }
#define EXPAND(text, expansion, ...)                                                               \
    {                                                                                              \
        .schema = text, .kind = OP_COMPOSITE, .expand = expansion, __VA_ARGS__                     \
    }
#define EXPAND_FN(text, fn, ...)                                                                   \
    {                                                                                              \
        .schema = text, .kind = OP_COMPOSITE, .expand_fn = fn, __VA_ARGS__                         \
    }

const OpDesc pointwise_ops[] = {
    /* arithmetic */
    BODY("aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", DEFAULT,
         "add(self, mul(other, alpha))"),
    BODY("aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor", DEFAULT,
         "add(self, mul(other, alpha))"),
    BODY_INFER("aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", DEFAULT,
               infer_minus, "sub(self, mul(other, alpha))"),
    BODY_INFER("aten::sub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor", DEFAULT,
               infer_minus, "sub(self, mul(other, alpha))"),
    BODY_INFER("aten::subtract.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor",
               DEFAULT, infer_minus, "sub(self, mul(other, alpha))"),
    BODY_INFER("aten::subtract.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor",
               DEFAULT, infer_minus, "sub(self, mul(other, alpha))"),
    BODY_INFER("aten::rsub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", DEFAULT,
               infer_minus, "sub(other, mul(self, alpha))"),
    BODY_INFER("aten::rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor", DEFAULT,
               infer_minus, "sub(other, mul(self, alpha))"),
    BODY("aten::mul.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, "mul(self, other)"),
    BODY("aten::mul.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, "mul(self, other)"),
    BODY("aten::multiply.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, "mul(self, other)"),
    BODY("aten::multiply.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, "mul(self, other)"),
    BODY("aten::div.Tensor(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT, "div(self, other)"),
    BODY("aten::div.Scalar(Tensor self, Scalar other) -> Tensor", INT_TO_FLOAT, "div(self, other)"),
    BODY("aten::divide.Tensor(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "div(self, other)"),
    BODY("aten::divide.Scalar(Tensor self, Scalar other) -> Tensor", INT_TO_FLOAT,
         "div(self, other)"),
    BODY("aten::true_divide.Tensor(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "div(self, other)"),
    BODY("aten::true_divide.Scalar(Tensor self, Scalar other) -> Tensor", INT_TO_FLOAT,
         "div(self, other)"),
    BODY_FN("aten::div.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor",
            DEFAULT, infer_div_mode, body_div_mode),
    BODY_FN("aten::div.Scalar_mode(Tensor self, Scalar other, *, str? rounding_mode) -> Tensor",
            DEFAULT, infer_div_mode, body_div_mode),
    BODY_FN("aten::divide.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor",
            DEFAULT, infer_div_mode, body_div_mode),
    BODY_FN("aten::divide.Scalar_mode(Tensor self, Scalar other, *, str? rounding_mode) -> Tensor",
            DEFAULT, infer_div_mode, body_div_mode),
    BODY("aten::floor_divide(Tensor self, Tensor other) -> Tensor", DEFAULT,
         "floordiv(self, other)"),
    BODY("aten::floor_divide.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT,
         "floordiv(self, other)"),
    BODY("aten::remainder.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT,
         "mod(self, other)"),
    BODY("aten::remainder.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT,
         "mod(self, other)"),
    BODY("aten::remainder.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", DEFAULT,
         "mod(self, other)"),
    BODY("aten::fmod.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, "fmod(self, other)"),
    BODY("aten::fmod.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, "fmod(self, other)"),
    BODY("aten::_add_relu.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", DEFAULT,
         "maximum(add(self, mul(other, alpha)), 0)"),
    BODY("aten::_add_relu.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor", DEFAULT,
         "maximum(add(self, mul(other, alpha)), 0)"),
    BODY("aten::addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor",
         DEFAULT, "add(self, mul(mul(value, tensor1), tensor2))"),
    BODY("aten::addcdiv(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor",
         DEFAULT, "add(self, div(mul(value, tensor1), tensor2))"),
    BODY_FN("aten::pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor", DEFAULT,
            infer_pow_number, body_pow_number),
    BODY("aten::pow.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor", DEFAULT,
         "pow(self, exponent)"),
    BODY_FN("aten::pow.Scalar(Scalar self, Tensor exponent) -> Tensor", DEFAULT, NULL,
            body_pow_base),
    EXPAND_FN("aten::float_power.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor",
              expand_float_power),
    EXPAND_FN("aten::float_power.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor",
              expand_float_power),
    EXPAND_FN("aten::float_power.Scalar(Scalar self, Tensor exponent) -> Tensor",
              expand_float_power),
    EXPAND("aten::square(Tensor self) -> Tensor", "return aten.pow.Tensor_Scalar(%self, 2)"),
    BODY("aten::lerp.Scalar(Tensor self, Tensor end, Scalar weight) -> Tensor", FIRST,
         "select(lt(abs(weight), 0.5), add(self, mul(weight, sub(end, self))), sub(end, "
         "mul(sub(end, self), "
         "sub(1, weight))))"),
    BODY("aten::lerp.Tensor(Tensor self, Tensor end, Tensor weight) -> Tensor", FIRST,
         "select(lt(abs(weight), 0.5), add(self, mul(weight, sub(end, self))), sub(end, "
         "mul(sub(end, self), "
         "sub(1, weight))))"),
    BODY("aten::hypot(Tensor self, Tensor other) -> Tensor", DEFAULT, "hypot(self, other)"),
    BODY("aten::atan2(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT, "atan2(self, other)"),
    BODY("aten::arctan2(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT, "atan2(self, other)"),
    BODY("aten::copysign.Tensor(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "copysign(self, other)"),
    BODY("aten::copysign.Scalar(Tensor self, Scalar other) -> Tensor", INT_TO_FLOAT,
         "copysign(self, other)"),
    BODY("aten::nextafter(Tensor self, Tensor other) -> Tensor", DEFAULT, "nextafter(self, other)"),
    BODY("aten::ldexp.Tensor(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "mul(self, exp2(other))"),
    BODY("aten::logaddexp(Tensor self, Tensor other) -> Tensor", DEFAULT,
         "select(and(isinf(self), eq(self, other)), self, add(maximum(self, other), "
         "log1p(exp(neg(abs(sub(self, other)))))))"),
    BODY("aten::logaddexp2(Tensor self, Tensor other) -> Tensor", DEFAULT,
         "select(and(isinf(self), eq(self, other)), self, add(maximum(self, other), "
         "mul(log1p(exp2(neg(abs(sub(self, other))))), 1.4426950408889634)))"),
    BODY("aten::xlogy.Tensor(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log(other))))"),
    BODY("aten::xlogy.Scalar_Self(Scalar self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log(other))))"),
    BODY("aten::xlogy.Scalar_Other(Tensor self, Scalar other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log(other))))"),
    BODY("aten::special_xlogy(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log(other))))"),
    BODY("aten::special_xlogy.self_scalar(Scalar self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log(other))))"),
    BODY("aten::special_xlogy.other_scalar(Tensor self, Scalar other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log(other))))"),
    BODY("aten::special_xlog1py(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log1p(other))))"),
    BODY("aten::special_xlog1py.self_scalar(Scalar self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log1p(other))))"),
    BODY("aten::special_xlog1py.other_scalar(Tensor self, Scalar other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log1p(other))))"),
    BODY("aten::maximum(Tensor self, Tensor other) -> Tensor", DEFAULT, "maximum(self, other)"),
    BODY("aten::max.other(Tensor self, Tensor other) -> Tensor", DEFAULT, "maximum(self, other)"),
    BODY("aten::minimum(Tensor self, Tensor other) -> Tensor", DEFAULT, "minimum(self, other)"),
    BODY("aten::min.other(Tensor self, Tensor other) -> Tensor", DEFAULT, "minimum(self, other)"),
    BODY("aten::fmax(Tensor self, Tensor other) -> Tensor", DEFAULT, "fmax(self, other)"),
    BODY("aten::fmin(Tensor self, Tensor other) -> Tensor", DEFAULT, "fmin(self, other)"),
    BODY_FN("aten::clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor", DEFAULT, NULL,
            body_clamp),
    BODY_FN("aten::clamp.Tensor(Tensor self, Tensor? min=None, Tensor? max=None) -> Tensor",
            DEFAULT, NULL, body_clamp),
    BODY_FN("aten::clip(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor", DEFAULT, NULL,
            body_clamp),
    BODY_FN("aten::clip.Tensor(Tensor self, Tensor? min=None, Tensor? max=None) -> Tensor", DEFAULT,
            NULL, body_clamp),
    BODY("aten::clamp_min(Tensor self, Scalar min) -> Tensor", DEFAULT, "maximum(self, min)"),
    BODY("aten::clamp_min.Tensor(Tensor self, Tensor min) -> Tensor", DEFAULT,
         "maximum(self, min)"),
    BODY("aten::clamp_max(Tensor self, Scalar max) -> Tensor", DEFAULT, "minimum(self, max)"),
    BODY("aten::clamp_max.Tensor(Tensor self, Tensor max) -> Tensor", DEFAULT,
         "minimum(self, max)"),
    BODY("aten::heaviside(Tensor self, Tensor values) -> Tensor", DEFAULT,
         "select(eq(self, 0), values, select(gt(self, 0), 1, 0))"),
    EXPAND_FN("aten::cross(Tensor self, Tensor other, int? dim=None) -> Tensor", expand_cross),
    EXPAND_FN("aten::linalg_cross(Tensor self, Tensor other, *, int dim=-1) -> Tensor",
              expand_cross),
    EXPAND_FN("aten::diff(Tensor self, int n=1, int dim=-1, Tensor? prepend=None, Tensor? "
              "append=None) -> Tensor",
              expand_diff),

    /* one operand, any dtype */
    BODY("aten::abs(Tensor self) -> Tensor", DEFAULT, "abs(self)"),
    BODY("aten::absolute(Tensor self) -> Tensor", DEFAULT, "abs(self)"),
    BODY_INFER("aten::neg(Tensor self) -> Tensor", DEFAULT, infer_minus, "neg(self)"),
    BODY_INFER("aten::negative(Tensor self) -> Tensor", DEFAULT, infer_minus, "neg(self)"),
    BODY("aten::sign(Tensor self) -> Tensor", DEFAULT, "sign(self)"),
    BODY("aten::sgn(Tensor self) -> Tensor", DEFAULT, "sign(self)"),
    BODY("aten::ceil(Tensor self) -> Tensor", DEFAULT, "ceil(self)"),
    BODY("aten::floor(Tensor self) -> Tensor", DEFAULT, "floor(self)"),
    BODY("aten::trunc(Tensor self) -> Tensor", DEFAULT, "trunc(self)"),
    BODY("aten::fix(Tensor self) -> Tensor", DEFAULT, "trunc(self)"),
    BODY("aten::round(Tensor self) -> Tensor", DEFAULT, "round(self)"),
    BODY_FN("aten::round.decimals(Tensor self, *, int decimals) -> Tensor", DEFAULT, NULL,
            body_round_decimals),
    BODY_FN("aten::special_round(Tensor self, *, int decimals=0) -> Tensor", DEFAULT, NULL,
            body_round_decimals),
    BODY("aten::frac(Tensor self) -> Tensor", DEFAULT, "sub(self, trunc(self))"),
    BODY("aten::conj_physical(Tensor self) -> Tensor", DEFAULT, "self"),
    BODY("aten::_conj_physical(Tensor self) -> Tensor", DEFAULT, "self"),
    BODY_INFER("aten::relu(Tensor self) -> Tensor", DEFAULT, infer_relu, "maximum(self, 0)",
               .samples = UNARY_SAMPLES " | self=i64[5] | ! self=bool[3]"),
    BODY_FN("aten::nan_to_num(Tensor self, float? nan=None, float? posinf=None, float? "
            "neginf=None) -> Tensor",
            DEFAULT, NULL, body_nan_to_num),

    /* functions of floats */
    BODY("aten::exp(Tensor self) -> Tensor", INT_TO_FLOAT, "exp(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::exp2(Tensor self) -> Tensor", INT_TO_FLOAT, "exp2(self)"),
    BODY("aten::special_exp2(Tensor self) -> Tensor", INT_TO_FLOAT, "exp2(self)"),
    BODY("aten::expm1(Tensor self) -> Tensor", INT_TO_FLOAT, "expm1(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::special_expm1(Tensor self) -> Tensor", INT_TO_FLOAT, "expm1(self)"),
    BODY("aten::log(Tensor self) -> Tensor", INT_TO_FLOAT, "log(self)"),
    BODY("aten::log2(Tensor self) -> Tensor", INT_TO_FLOAT, "log2(self)"),
    BODY("aten::log10(Tensor self) -> Tensor", INT_TO_FLOAT, "log10(self)"),
    BODY("aten::log1p(Tensor self) -> Tensor", INT_TO_FLOAT, "log1p(self)"),
    BODY("aten::special_log1p(Tensor self) -> Tensor", INT_TO_FLOAT, "log1p(self)"),
    BODY("aten::sqrt(Tensor self) -> Tensor", INT_TO_FLOAT, "sqrt(self)"),
    BODY("aten::rsqrt(Tensor self) -> Tensor", INT_TO_FLOAT, "rsqrt(self)"),
    BODY("aten::reciprocal(Tensor self) -> Tensor", INT_TO_FLOAT, "reciprocal(self)"),
    BODY("aten::sin(Tensor self) -> Tensor", INT_TO_FLOAT, "sin(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::cos(Tensor self) -> Tensor", INT_TO_FLOAT, "cos(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::tan(Tensor self) -> Tensor", INT_TO_FLOAT, "tan(self)"),
    BODY("aten::asin(Tensor self) -> Tensor", INT_TO_FLOAT, "asin(self)"),
    BODY("aten::arcsin(Tensor self) -> Tensor", INT_TO_FLOAT, "asin(self)"),
    BODY("aten::acos(Tensor self) -> Tensor", INT_TO_FLOAT, "acos(self)"),
    BODY("aten::arccos(Tensor self) -> Tensor", INT_TO_FLOAT, "acos(self)"),
    BODY("aten::atan(Tensor self) -> Tensor", INT_TO_FLOAT, "atan(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::arctan(Tensor self) -> Tensor", INT_TO_FLOAT, "atan(self)"),
    BODY("aten::sinh(Tensor self) -> Tensor", INT_TO_FLOAT, "sinh(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::cosh(Tensor self) -> Tensor", INT_TO_FLOAT, "cosh(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::tanh(Tensor self) -> Tensor", INT_TO_FLOAT, "tanh(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::asinh(Tensor self) -> Tensor", INT_TO_FLOAT, "asinh(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::arcsinh(Tensor self) -> Tensor", INT_TO_FLOAT, "asinh(self)"),
    BODY("aten::acosh(Tensor self) -> Tensor", INT_TO_FLOAT, "acosh(self)"),
    BODY("aten::arccosh(Tensor self) -> Tensor", INT_TO_FLOAT, "acosh(self)"),
    BODY("aten::atanh(Tensor self) -> Tensor", INT_TO_FLOAT, "atanh(self)"),
    BODY("aten::arctanh(Tensor self) -> Tensor", INT_TO_FLOAT, "atanh(self)"),
    BODY("aten::erf(Tensor self) -> Tensor", INT_TO_FLOAT, "erf(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::special_erf(Tensor self) -> Tensor", INT_TO_FLOAT, "erf(self)"),
    BODY("aten::erfc(Tensor self) -> Tensor", INT_TO_FLOAT, "erfc(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::special_erfc(Tensor self) -> Tensor", INT_TO_FLOAT, "erfc(self)"),
    BODY("aten::erfinv(Tensor self) -> Tensor", INT_TO_FLOAT, "erfinv(self)"),
    BODY("aten::special_erfinv(Tensor self) -> Tensor", INT_TO_FLOAT, "erfinv(self)"),
    BODY("aten::lgamma(Tensor self) -> Tensor", INT_TO_FLOAT, "lgamma(self)"),
    BODY("aten::special_gammaln(Tensor self) -> Tensor", INT_TO_FLOAT, "lgamma(self)"),
    BODY("aten::digamma(Tensor self) -> Tensor", INT_TO_FLOAT, "digamma(self)"),
    BODY("aten::special_digamma(Tensor self) -> Tensor", INT_TO_FLOAT, "digamma(self)"),
    BODY("aten::special_psi(Tensor self) -> Tensor", INT_TO_FLOAT, "digamma(self)"),
    BODY("aten::sigmoid(Tensor self) -> Tensor", INT_TO_FLOAT, "sigmoid(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::special_expit(Tensor self) -> Tensor", INT_TO_FLOAT, "sigmoid(self)"),
    BODY("aten::deg2rad(Tensor self) -> Tensor", INT_TO_FLOAT, "mul(self, 0.017453292519943295)"),
    BODY("aten::rad2deg(Tensor self) -> Tensor", INT_TO_FLOAT, "mul(self, 57.295779513082321)"),
    BODY("aten::angle(Tensor self) -> Tensor", INT_TO_FLOAT,
         "select(isnan(self), self, select(lt(self, 0), pi, 0))"),
    BODY("aten::sinc(Tensor self) -> Tensor", INT_TO_FLOAT,
         "select(eq(self, 0), 1, div(sin(mul(self, pi)), mul(self, pi)))"),
    BODY("aten::special_sinc(Tensor self) -> Tensor", INT_TO_FLOAT,
         "select(eq(self, 0), 1, div(sin(mul(self, pi)), mul(self, pi)))"),
    BODY("aten::special_spherical_bessel_j0(Tensor x) -> Tensor", INT_TO_FLOAT,
         "select(isinf(x), 0, select(lt(abs(x), 0.5), add(1, mul(mul(x, x), "
         "add(-0.16666666666666666, "
         "mul(mul(x, x), add(0.0083333333333333332, mul(mul(x, x), add(-0.00019841269841269841, "
         "mul(mul(x, x), 2.7557319223985893e-06)))))))), div(sin(x), x)))"),
    BODY_FN("aten::logit(Tensor self, float? eps=None) -> Tensor", INT_TO_FLOAT, NULL, body_logit),
    BODY_FN("aten::special_logit(Tensor self, float? eps=None) -> Tensor", INT_TO_FLOAT, NULL,
            body_logit),
    BODY("aten::special_entr(Tensor self) -> Tensor", INT_TO_FLOAT,
         "select(isnan(self), self, select(gt(self, 0), mul(neg(self), log(self)), select(eq(self, "
         "0), 0, -inf)))"),
    BODY("aten::special_ndtr(Tensor self) -> Tensor", INT_TO_FLOAT,
         "mul(0.5, erfc(mul(self, -0.7071067811865476)))"),
    BODY_FN("aten::mvlgamma(Tensor self, int p) -> Tensor", INT_TO_FLOAT, NULL, body_mvlgamma),
    BODY_FN("aten::special_multigammaln(Tensor self, int p) -> Tensor", INT_TO_FLOAT, NULL,
            body_mvlgamma),
    BODY_FN("aten::i0(Tensor self) -> Tensor", INT_TO_FLOAT, NULL, body_i0),
    BODY_FN("aten::special_i0(Tensor self) -> Tensor", INT_TO_FLOAT, NULL, body_i0),
    BODY_FN("aten::special_modified_bessel_i0(Tensor self) -> Tensor", INT_TO_FLOAT, NULL, body_i0),
    BODY_FN("aten::special_i0e(Tensor self) -> Tensor", INT_TO_FLOAT, NULL, body_i0e),
    BODY_FN("aten::special_i1(Tensor self) -> Tensor", INT_TO_FLOAT, NULL, body_i1),
    BODY_FN("aten::special_modified_bessel_i1(Tensor self) -> Tensor", INT_TO_FLOAT, NULL, body_i1),
    BODY_FN("aten::special_i1e(Tensor self) -> Tensor", INT_TO_FLOAT, NULL, body_i1e),

    /* activations */
    BODY_FN("aten::gelu(Tensor self, *, str approximate=\"none\") -> Tensor", DEFAULT, infer_gelu,
            body_gelu),
    BODY("aten::silu(Tensor self) -> Tensor", DEFAULT, "div(self, add(1, exp(neg(self))))"),
    BODY("aten::mish(Tensor self) -> Tensor", DEFAULT, "mul(self, tanh(log1p(exp(self))))"),
    BODY("aten::hardsigmoid(Tensor self) -> Tensor", DEFAULT,
         "mul(minimum(maximum(add(self, 3), 0), 6), 0.16666666666666666)"),
    BODY("aten::hardswish(Tensor self) -> Tensor", DEFAULT,
         "mul(mul(self, minimum(maximum(add(self, 3), 0), 6)), 0.16666666666666666)"),
    BODY("aten::hardtanh(Tensor self, Scalar min_val=-1, Scalar max_val=1) -> Tensor", FIRST,
         "minimum(maximum(self, min_val), max_val)"),
    BODY("aten::relu6(Tensor self) -> Tensor", DEFAULT, "minimum(maximum(self, 0), 6)"),
    BODY("aten::leaky_relu(Tensor self, Scalar negative_slope=0.01) -> Tensor", FIRST,
         "select(gt(self, 0), self, mul(self, negative_slope))"),
    BODY_FN("aten::rrelu(Tensor self, Scalar lower=0.125, Scalar upper=0.33333333333333331, bool "
            "training=False, "
            "Generator? generator=None) -> Tensor",
            FIRST, infer_rrelu, body_rrelu),
    BODY("aten::_prelu_kernel(Tensor self, Tensor weight) -> Tensor", FIRST,
         "select(gt(self, 0), self, mul(weight, self))"),
    EXPAND_FN("aten::prelu(Tensor self, Tensor weight) -> Tensor", expand_prelu),
    BODY("aten::elu(Tensor self, Scalar alpha=1, Scalar scale=1, Scalar input_scale=1) -> Tensor",
         FIRST,
         "select(le(self, 0), mul(expm1(mul(self, input_scale)), mul(alpha, scale)), mul(self, "
         "scale))"),
    BODY("aten::celu(Tensor self, Scalar alpha=1.) -> Tensor", FIRST,
         "select(le(self, 0), mul(alpha, expm1(div(self, alpha))), self)"),
    BODY(
        "aten::selu(Tensor self) -> Tensor", FIRST,
        "mul(1.0507009873554805, select(le(self, 0), mul(1.6732632423543772, expm1(self)), self))"),
    BODY("aten::softplus(Tensor self, Scalar beta=1, Scalar threshold=20) -> Tensor", FIRST,
         "select(gt(mul(self, beta), threshold), self, div(log1p(exp(mul(self, beta))), beta))"),
    BODY("aten::log_sigmoid(Tensor self) -> Tensor", DEFAULT,
         "sub(minimum(self, 0), log1p(exp(neg(abs(self)))))"),
    EXPAND("aten::log_sigmoid_forward(Tensor self) -> (Tensor output, Tensor buffer)",
           "return aten.log_sigmoid.default(%self), "
           "aten.exp.default(aten.neg.default(aten.abs.default(%self)))"),
    BODY("aten::softshrink(Tensor self, Scalar lambd=0.5) -> Tensor", FIRST,
         "select(gt(self, lambd), sub(self, lambd), select(lt(self, neg(lambd)), add(self, lambd), "
         "mul(self, 0)))"),
    BODY("aten::hardshrink(Tensor self, Scalar lambd=0.5) -> Tensor", FIRST,
         "select(and(ge(self, neg(lambd)), le(self, lambd)), 0, self)"),
    BODY("aten::threshold(Tensor self, Scalar threshold, Scalar value) -> Tensor", FIRST,
         "select(le(self, threshold), value, self)"),
    EXPAND_FN("aten::glu(Tensor self, int dim=-1) -> Tensor", expand_glu),
    EXPAND_FN("aten::dropout(Tensor input, float p, bool train) -> Tensor", expand_dropout),
    EXPAND_FN("aten::feature_dropout(Tensor input, float p, bool train) -> Tensor", expand_dropout),
    EXPAND_FN("aten::alpha_dropout(Tensor input, float p, bool train) -> Tensor", expand_dropout),
    EXPAND_FN("aten::feature_alpha_dropout(Tensor input, float p, bool train) -> Tensor",
              expand_dropout),
    EXPAND("aten::native_dropout_backward(Tensor grad_output, Tensor mask, float scale) -> Tensor",
           "return aten.mul.Scalar(aten.mul.Tensor(%grad_output, %mask), %scale)"),
    EXPAND_FN("aten::native_dropout(Tensor input, float p, bool? train) -> (Tensor, Tensor)",
              expand_native_dropout),

    /* bits */
    BODY_INFER("aten::bitwise_and.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "bitand(self, other)"),
    BODY_INFER("aten::bitwise_and.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "bitand(self, other)"),
    BODY_INFER("aten::bitwise_and.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", DEFAULT,
               infer_bits, "bitand(self, other)"),
    BODY_INFER("aten::__and__.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "bitand(self, other)"),
    BODY_INFER("aten::__and__.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "bitand(self, other)"),
    BODY_INFER("aten::bitwise_or.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "bitor(self, other)"),
    BODY_INFER("aten::bitwise_or.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "bitor(self, other)"),
    BODY_INFER("aten::bitwise_or.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", DEFAULT,
               infer_bits, "bitor(self, other)"),
    BODY_INFER("aten::__or__.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "bitor(self, other)"),
    BODY_INFER("aten::__or__.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "bitor(self, other)"),
    BODY_INFER("aten::bitwise_xor.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "bitxor(self, other)"),
    BODY_INFER("aten::bitwise_xor.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "bitxor(self, other)"),
    BODY_INFER("aten::bitwise_xor.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", DEFAULT,
               infer_bits, "bitxor(self, other)"),
    BODY_INFER("aten::__xor__.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "bitxor(self, other)"),
    BODY_INFER("aten::__xor__.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "bitxor(self, other)"),
    BODY_INFER("aten::bitwise_not(Tensor self) -> Tensor", DEFAULT, infer_bits, "bitnot(self)"),
    BODY_INFER("aten::bitwise_left_shift.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT,
               infer_bits, "shl(self, other)"),
    BODY_INFER("aten::bitwise_left_shift.Tensor_Scalar(Tensor self, Scalar other) -> Tensor",
               DEFAULT, infer_bits, "shl(self, other)"),
    BODY_INFER("aten::bitwise_left_shift.Scalar_Tensor(Scalar self, Tensor other) -> Tensor",
               DEFAULT, infer_bits, "shl(self, other)"),
    BODY_INFER("aten::__lshift__.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "shl(self, other)"),
    BODY_INFER("aten::__lshift__.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "shl(self, other)"),
    BODY_INFER("aten::bitwise_right_shift.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT,
               infer_bits, "shr(self, other)"),
    BODY_INFER("aten::bitwise_right_shift.Tensor_Scalar(Tensor self, Scalar other) -> Tensor",
               DEFAULT, infer_bits, "shr(self, other)"),
    BODY_INFER("aten::bitwise_right_shift.Scalar_Tensor(Scalar self, Tensor other) -> Tensor",
               DEFAULT, infer_bits, "shr(self, other)"),
    BODY_INFER("aten::__rshift__.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "shr(self, other)"),
    BODY_INFER("aten::__rshift__.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "shr(self, other)"),

    /* truth */
    BODY("aten::eq.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "eq(self, other)"),
    BODY("aten::eq.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "eq(self, other)"),
    BODY("aten::ne.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "ne(self, other)"),
    BODY("aten::ne.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "ne(self, other)"),
    BODY("aten::not_equal.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "ne(self, other)"),
    BODY("aten::not_equal.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "ne(self, other)"),
    BODY("aten::lt.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "lt(self, other)"),
    BODY("aten::lt.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "lt(self, other)"),
    BODY("aten::less.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "lt(self, other)"),
    BODY("aten::less.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "lt(self, other)"),
    BODY("aten::le.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "le(self, other)"),
    BODY("aten::le.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "le(self, other)"),
    BODY("aten::less_equal.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE,
         "le(self, other)"),
    BODY("aten::less_equal.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE,
         "le(self, other)"),
    BODY("aten::gt.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "gt(self, other)"),
    BODY("aten::gt.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "gt(self, other)"),
    BODY("aten::greater.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "gt(self, other)"),
    BODY("aten::greater.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "gt(self, other)"),
    BODY("aten::ge.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "ge(self, other)"),
    BODY("aten::ge.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "ge(self, other)"),
    BODY("aten::greater_equal.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE,
         "ge(self, other)"),
    BODY("aten::greater_equal.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE,
         "ge(self, other)"),
    BODY("aten::logical_and(Tensor self, Tensor other) -> Tensor", COMPARE,
         "and(ne(self, 0), ne(other, 0))"),
    BODY("aten::logical_or(Tensor self, Tensor other) -> Tensor", COMPARE,
         "or(ne(self, 0), ne(other, 0))"),
    BODY("aten::logical_xor(Tensor self, Tensor other) -> Tensor", COMPARE,
         "xor(ne(self, 0), ne(other, 0))"),
    BODY("aten::logical_not(Tensor self) -> Tensor", COMPARE, "eq(self, 0)"),
    BODY("aten::isnan(Tensor self) -> Tensor", COMPARE, "isnan(self)"),
    BODY("aten::isinf(Tensor self) -> Tensor", COMPARE, "isinf(self)"),
    BODY("aten::isfinite(Tensor self) -> Tensor", COMPARE, "not(or(isnan(self), isinf(self)))"),
    BODY("aten::isposinf(Tensor self) -> Tensor", COMPARE, "and(isinf(self), gt(self, 0))"),
    BODY("aten::isneginf(Tensor self) -> Tensor", COMPARE, "and(isinf(self), lt(self, 0))"),
    BODY("aten::isreal(Tensor self) -> Tensor", COMPARE, "true"),
    BODY("aten::signbit(Tensor self) -> Tensor", COMPARE, "signbit(self)"),
    BODY_FN("aten::isclose(Tensor self, Tensor other, float rtol=1.0000000000000001e-05, float "
            "atol=1e-08, bool "
            "equal_nan=False) -> Tensor",
            COMPARE, NULL, body_isclose),
    EXPAND_FN("aten::isin.Tensor_Tensor(Tensor elements, Tensor test_elements, *, bool "
              "assume_unique=False, bool "
              "invert=False) -> Tensor",
              expand_isin),
    EXPAND_FN("aten::isin.Tensor_Scalar(Tensor elements, Scalar test_element, *, bool "
              "assume_unique=False, bool "
              "invert=False) -> Tensor",
              expand_isin_number),
    EXPAND_FN("aten::isin.Scalar_Tensor(Scalar element, Tensor test_elements, *, bool "
              "assume_unique=False, bool "
              "invert=False) -> Tensor",
              expand_number_isin),

    /* choice */
    BODY("aten::where.self(Tensor condition, Tensor self, Tensor other) -> Tensor", DEFAULT,
         "select(condition, self, other)"),
    BODY("aten::where.ScalarSelf(Tensor condition, Scalar self, Tensor other) -> Tensor", DEFAULT,
         "select(condition, self, other)"),
    BODY("aten::where.ScalarOther(Tensor condition, Tensor self, Scalar other) -> Tensor", DEFAULT,
         "select(condition, self, other)"),
    BODY("aten::where.Scalar(Tensor condition, Scalar self, Scalar other) -> Tensor", DEFAULT,
         "select(condition, self, other)"),
    BODY_INFER("aten::masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor", FIRST,
               infer_masked_fill, "select(mask, value, self)"),
    BODY_INFER("aten::masked_fill.Tensor(Tensor self, Tensor mask, Tensor value) -> Tensor", FIRST,
               infer_masked_fill, "select(mask, value, self)"),
    BODY("aten::fill.Scalar(Tensor self, Scalar value) -> Tensor", FIRST, "value"),
    BODY("aten::fill.Tensor(Tensor self, Tensor value) -> Tensor", FIRST, "value"),
    BODY("aten::copy(Tensor self, Tensor src, bool non_blocking=False) -> Tensor", FIRST, "src"),
    EXPAND("aten::zero(Tensor self) -> Tensor", "return aten.zeros_like.default(%self)"),
    {0},
};
