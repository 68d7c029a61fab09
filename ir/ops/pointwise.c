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
#include "ir/ops/pointwise_check.h"
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
                     is_tanh ? "mul(mul(0.5, self), tanh_plus_1(mul(0.7978845608028654, "
                               "add(self, mul(0.044715, mul(self, mul(self, self)))))))"
                             : "mul(mul(self, 0.5), erf_plus_1(mul(self, 0.7071067811865476)))");
}

static Error *infer_gelu(Node *node)
{
    const Arg *approximate = node_arg(node, "approximate");
    if (approximate->kind == ARG_STRING && strcmp(approximate->string, "none") &&
        strcmp(approximate->string, "tanh"))
        return node_error(node, E_VALUE, "approximate is \"%s\", not \"none\" or \"tanh\"",
                          approximate->string);
    return infer_floating(node);
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
    if (n == 0) { /* nothing is joined either */
        results[0] = BUILD(&b, "aten.clone.default", arg_value(x));
        return b.error;
    }
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
    BODY_INFER("aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", DEFAULT,
               infer_alpha, "add(self, mul(other, alpha))",
               .samples = BINARY_INT_SAMPLES
               " | self=f32[4] other=f32[4] alpha=-2 | self=i64[4] other=i64[4] alpha=3 | "
               "self=bool[6] other=bool[6] | ! self=i64[4] other=i64[4] alpha=1.5"),
    BODY_INFER("aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor", DEFAULT,
               infer_alpha, "add(self, mul(other, alpha))",
               .samples = SCALAR_SAMPLES " | self=f32[4] other=2 alpha=3"),
    BODY_INFER("aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", DEFAULT,
               infer_minus, "sub(self, mul(other, alpha))",
               .samples = BINARY_INT_SAMPLES
               " | self=f32[4] other=f32[4] alpha=0.5 | ! self=bool[6] other=bool[6]"),
    BODY_INFER("aten::sub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor", DEFAULT,
               infer_minus, "sub(self, mul(other, alpha))",
               .samples = SCALAR_SAMPLES " | self=f32[4] other=2 alpha=3"),
    BODY_INFER("aten::subtract.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor",
               DEFAULT, infer_minus, "sub(self, mul(other, alpha))",
               .samples = BINARY_ALIAS_SAMPLES),
    BODY_INFER("aten::subtract.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor",
               DEFAULT, infer_minus, "sub(self, mul(other, alpha))",
               .samples = SCALAR_ALIAS_SAMPLES),
    BODY_INFER("aten::rsub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", DEFAULT,
               infer_rsub, "sub(other, mul(self, alpha))",
               .samples = BINARY_INT_SAMPLES
               " | self=f32[4] other=f32[4] alpha=0.5 | ! self=bool[6] other=bool[6]"),
    BODY_INFER("aten::rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor", DEFAULT,
               infer_rsub, "sub(other, mul(self, alpha))",
               .samples = SCALAR_SAMPLES " | self=f32[4] other=2 alpha=3"),
    BODY("aten::mul.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, "mul(self, other)",
         .samples =
             BINARY_INT_SAMPLES " | self=bool[6] other=bool[6] | self=i64[4]@special other=i64[4]"),
    BODY("aten::mul.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, "mul(self, other)",
         .samples = SCALAR_SAMPLES),
    BODY("aten::multiply.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, "mul(self, other)",
         .samples = BINARY_ALIAS_SAMPLES),
    BODY("aten::multiply.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, "mul(self, other)",
         .samples = SCALAR_ALIAS_SAMPLES),
    BODY("aten::div.Tensor(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT, "div(self, other)",
         .samples = BINARY_INT_SAMPLES
         " | self=bool[6] other=i64[6]@1..3 | self=i64[4] other=i64[4]@[0,1,-2,3]"),
    BODY("aten::div.Scalar(Tensor self, Scalar other) -> Tensor", INT_TO_FLOAT, "div(self, other)",
         .samples = SCALAR_SAMPLES),
    BODY("aten::divide.Tensor(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "div(self, other)", .samples = BINARY_ALIAS_SAMPLES),
    BODY("aten::divide.Scalar(Tensor self, Scalar other) -> Tensor", INT_TO_FLOAT,
         "div(self, other)", .samples = SCALAR_ALIAS_SAMPLES),
    BODY("aten::true_divide.Tensor(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "div(self, other)", .samples = BINARY_ALIAS_SAMPLES),
    BODY("aten::true_divide.Scalar(Tensor self, Scalar other) -> Tensor", INT_TO_FLOAT,
         "div(self, other)", .samples = SCALAR_ALIAS_SAMPLES),
    BODY_FN(
        "aten::div.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor",
        DEFAULT, infer_div_mode, body_div_mode,
        .samples =
            "self=f32[3,5] other=f32[5] rounding_mode='floor' | self=f32[3,5] other=f32[5] "
            "rounding_mode='trunc' | self=f32[4] other=f32[4] rounding_mode=None | "
            "self=i64[12]@-9..9 other=i64[12]@[1,-2,3,-4] rounding_mode='floor' | "
            "self=i64[12]@-9..9 other=i64[12]@[1,-2,3,-4] rounding_mode='trunc' | self=i32[4] "
            "other=i32[4]@1..3 rounding_mode=None | self=u8[4] other=u8[4]@1..3 "
            "rounding_mode='floor' | self=f16[9] other=f16[9] rounding_mode='floor' | self=bf16[9] "
            "other=bf16[9] rounding_mode='trunc' | self=f32[16]@special other=f32[16]@[2,-3,0,inf] "
            "rounding_mode='floor' | ! self=f32[2] other=f32[2] rounding_mode='round'"),
    BODY_FN("aten::div.Scalar_mode(Tensor self, Scalar other, *, str? rounding_mode) -> Tensor",
            DEFAULT, infer_div_mode, body_div_mode,
            .samples =
                "self=f32[3,5] other=0.7 rounding_mode='floor' | self=i64[5] other=-2 "
                "rounding_mode='floor' | self=i64[5] other=-2 rounding_mode='trunc' | self=f32[3] "
                "other=2 rounding_mode=None | self=i32[0] other=2 rounding_mode='trunc'"),
    BODY_FN("aten::divide.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor",
            DEFAULT, infer_div_mode, body_div_mode,
            .samples = "self=f32[5] other=f32[5] rounding_mode='floor' | self=i64[5] "
                       "other=i64[5]@1..3 rounding_mode='trunc'"),
    BODY_FN("aten::divide.Scalar_mode(Tensor self, Scalar other, *, str? rounding_mode) -> Tensor",
            DEFAULT, infer_div_mode, body_div_mode,
            .samples = "self=f32[5] other=0.7 rounding_mode='floor' | self=i64[5] other=2 "
                       "rounding_mode='trunc'"),
    BODY("aten::floor_divide(Tensor self, Tensor other) -> Tensor", DEFAULT,
         "floordiv(self, other)",
         .samples = BINARY_SAMPLES " | self=i64[12]@-9..9 other=i64[12]@[1,-2,3,-4] | self=u8[5] "
                                   "other=u8[5]@1..3 | self=i32[4] other=f32[4]"),
    BODY("aten::floor_divide.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT,
         "floordiv(self, other)", .samples = SCALAR_SAMPLES " | self=i64[9]@-9..9 other=-4"),
    BODY("aten::remainder.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, "mod(self, other)",
         .samples = BINARY_SAMPLES " | self=i64[12]@-9..9 other=i64[12]@[1,-2,3,-4] | self=u8[5] "
                                   "other=u8[5]@1..3 | self=i32[4] other=f32[4]"),
    BODY("aten::remainder.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, "mod(self, other)",
         .samples = "self=f32[3,5] other=1.5 | self=f32[3] other=2 | self=f32[0,4] other=2.5 | "
                    "self=f32[14]@special other=-0.5 | self=f16[7] other=0.3 | self=bf16[7] "
                    "other=3 | self=i64[5] other=2 | self=i32[5] other=1.5 | self=u8[4] other=3 | "
                    "self=f64[] other=2 | self=i64[9]@-9..9 other=-4"),
    BODY("aten::remainder.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", DEFAULT,
         "mod(self, other)",
         .samples = "self=5 other=i64[6]@[1,-2,3] | self=1.5 other=f32[5] | self=-7 other=f32[0] | "
                    "self=3 other=bf16[4]"),
    BODY("aten::fmod.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, "fmod(self, other)",
         .samples = BINARY_SAMPLES " | self=i64[12]@-9..9 other=i64[12]@[1,-2,3,-4] | self=u8[5] "
                                   "other=u8[5]@1..3 | self=i32[4] other=f32[4]"),
    BODY("aten::fmod.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, "fmod(self, other)",
         .samples = "self=f32[3,5] other=1.5 | self=f32[3] other=2 | self=f32[0,4] other=2.5 | "
                    "self=f32[14]@special other=-0.5 | self=f16[7] other=0.3 | self=bf16[7] "
                    "other=3 | self=i64[5] other=2 | self=i32[5] other=1.5 | self=u8[4] other=3 | "
                    "self=f64[] other=2 | self=i64[9]@-9..9 other=-4"),
    BODY_INFER("aten::_add_relu.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor",
               DEFAULT, infer_alpha, "maximum(add(self, mul(other, alpha)), 0)",
               .samples = "self=f32[3,4] other=f32[4] | self=f32[5] other=f32[5] alpha=2 | "
                          "self=i64[4] other=i64[4]"),
    BODY_INFER("aten::_add_relu.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor",
               DEFAULT, infer_alpha, "maximum(add(self, mul(other, alpha)), 0)",
               .samples = "self=f32[5] other=-0.5 | self=i64[5] other=2 alpha=-1"),
    BODY("aten::addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor",
         DEFAULT, "add(self, mul(mul(value, tensor1), tensor2))",
         .samples = "self=f32[3,4] tensor1=f32[3,1] tensor2=f32[4] | self=f32[5] tensor1=f32[5] "
                    "tensor2=f32[5] value=-0.5 | self=i64[4] tensor1=i64[4] tensor2=i64[4] value=2 "
                    "| self=bf16[5] tensor1=bf16[5] tensor2=bf16[5] | self=f32[0] tensor1=f32[0] "
                    "tensor2=f32[0] | self=f64[] tensor1=f64[] tensor2=f64[]"),
    BODY("aten::addcdiv(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor",
         DEFAULT, "add(self, div(mul(value, tensor1), tensor2))",
         .samples = "self=f32[3,4] tensor1=f32[3,1] tensor2=f32[4]@1..3 | self=f32[5] "
                    "tensor1=f32[5] tensor2=f32[5]@1..2 value=-0.5 | self=bf16[5] tensor1=bf16[5] "
                    "tensor2=bf16[5]@1..2 | self=f32[0] tensor1=f32[0] tensor2=f32[0] | ! "
                    "self=i64[4] tensor1=i64[4] tensor2=i64[4]"),
    BODY_FN("aten::pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor", DEFAULT,
            infer_pow_number, body_pow_number,
            .samples = "self=f32[3,5] exponent=2 | self=f32[5] exponent=3 | self=f32[5]@0..3 "
                       "exponent=0.5 | self=f32[5]@0.1..3 exponent=-0.5 | self=f32[5]@0.1..3 "
                       "exponent=-1 | self=f32[5]@0.1..3 exponent=-2 | self=f32[5]@0..3 "
                       "exponent=1.7 | self=f32[16]@special exponent=2.5 | self=i64[5] exponent=3 "
                       "| self=i64[5] exponent=0 | self=i32[5] exponent=0.5 | ! self=i64[5] "
                       "exponent=-1 | self=f16[7] exponent=2 | self=bf16[7]@0..3 exponent=0.5 | "
                       "self=f64[] exponent=4 | self=f32[0] exponent=2 | self=u8[5] exponent=2"),
    BODY("aten::pow.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor", DEFAULT,
         "pow(self, exponent)",
         .samples = "self=f32[3,5]@0..3 exponent=f32[5] | self=i64[5] exponent=i64[5]@0..4 | "
                    "self=i64[6]@[1,-1,2] exponent=i64[6]@[-1,-2,-3] | self=f32[5]@0..2 "
                    "exponent=i64[5]@0..3 | self=f32[16]@special exponent=f32[16]@[2,3,-1,0.5,0] | "
                    "self=bf16[5]@0..2 exponent=bf16[5] | self=f16[5]@0..2 exponent=f16[5] | "
                    "self=f32[0] exponent=f32[]"),
    BODY_FN("aten::pow.Scalar(Scalar self, Tensor exponent) -> Tensor", DEFAULT, NULL,
            body_pow_base,
            .samples = "self=2 exponent=f32[5] | self=2 exponent=i64[5]@0..5 | self=1.5 "
                       "exponent=i64[4] | self=1 exponent=f32[3] | self=0.5 exponent=bf16[4]"),
    EXPAND_FN("aten::float_power.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor",
              expand_float_power,
              .samples = "self=f32[5]@0..3 exponent=f32[5] | self=i64[4] exponent=i64[4]@0..3 | "
                         "self=f16[3]@0..2 exponent=f32[]"),
    EXPAND_FN("aten::float_power.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor",
              expand_float_power,
              .samples = "self=f32[5]@0..3 exponent=1.5 | self=i64[4] exponent=2"),
    EXPAND_FN("aten::float_power.Scalar(Scalar self, Tensor exponent) -> Tensor",
              expand_float_power, .samples = "self=2 exponent=f32[5] | self=1.5 exponent=i64[4]"),
    EXPAND("aten::square(Tensor self) -> Tensor", "return aten.pow.Tensor_Scalar(%self, 2)",
           .samples = "self=f32[3,5] | self=i64[4] | self=f32[0] | self=bf16[5] | self=bool[3]"),
    BODY_INFER("aten::lerp.Scalar(Tensor self, Tensor end, Scalar weight) -> Tensor", FIRST,
               infer_lerp,
               "select(lt(abs(weight), 0.5), add(self, mul(weight, sub(end, self))), sub(end, "
               "mul(sub(end, self), "
               "sub(1, weight))))",
               .samples = "self=f32[3,4] end=f32[3,4] weight=0.3 | self=f32[5] end=f32[5] "
                          "weight=0.75 | self=bf16[5] end=bf16[5] weight=0.5 | self=f32[2,3] "
                          "end=f32[3] weight=2 | self=f64[] end=f64[] weight=0.1 | ! self=f32[2] "
                          "end=f64[2] weight=0.5 | ! self=i64[2] end=i64[2] weight=1"),
    BODY_INFER("aten::lerp.Tensor(Tensor self, Tensor end, Tensor weight) -> Tensor", FIRST,
               infer_lerp,
               "select(lt(abs(weight), 0.5), add(self, mul(weight, sub(end, self))), sub(end, "
               "mul(sub(end, self), "
               "sub(1, weight))))",
               .samples = "self=f32[3,4] end=f32[3,4] weight=f32[4]@0..1 | self=f16[5] end=f16[5] "
                          "weight=f16[5]@0..1 | self=f32[0] end=f32[0] weight=f32[0] | self=f64[2] "
                          "end=f64[2] weight=f64[]@0..1"),
    BODY("aten::hypot(Tensor self, Tensor other) -> Tensor", DEFAULT, "hypot(self, other)",
         .samples = BINARY_SAMPLES),
    BODY("aten::atan2(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT, "atan2(self, other)",
         .samples = BINARY_SAMPLES " | self=i64[5] other=i64[5] | self=bool[3] other=f32[3]"),
    BODY("aten::arctan2(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT, "atan2(self, other)",
         .samples = BINARY_FLOAT_ALIAS_SAMPLES),
    BODY("aten::copysign.Tensor(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "copysign(self, other)",
         .samples = BINARY_SAMPLES " | self=i64[5] other=i64[5] | self=bool[3] other=f32[3]"),
    BODY("aten::copysign.Scalar(Tensor self, Scalar other) -> Tensor", INT_TO_FLOAT,
         "copysign(self, other)",
         .samples = "self=f32[5] other=-1.5 | self=i64[4] other=-2 | self=f32[16]@special "
                    "other=-0.0 | self=f16[5] other=1"),
    BODY("aten::nextafter(Tensor self, Tensor other) -> Tensor", DEFAULT, "nextafter(self, other)",
         .samples = "self=f32[3,4] other=f32[4] | self=f64[5] other=f64[5] | self=f32[16]@special "
                    "other=f32[16]@[1,0,inf,-inf] | self=bf16[6] other=bf16[6] | self=f32[0] "
                    "other=f32[0] | ! self=i64[2] other=i64[2]"),
    BODY("aten::ldexp.Tensor(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "mul(self, exp2(other))",
         .samples = "self=f32[3,4] other=i64[4]@-3..5 | self=f32[5] other=f32[5] | self=i64[3] "
                    "other=i64[3]@0..3 | self=f16[4] other=i32[4]@0..3"),
    BODY("aten::logaddexp(Tensor self, Tensor other) -> Tensor", DEFAULT,
         "select(and(isinf(self), eq(self, other)), self, add(maximum(self, other), "
         "log1p(exp(neg(abs(sub(self, other)))))))",
         .samples = BINARY_SAMPLES),
    BODY("aten::logaddexp2(Tensor self, Tensor other) -> Tensor", DEFAULT,
         "select(and(isinf(self), eq(self, other)), self, add(maximum(self, other), "
         "mul(log1p(exp2(neg(abs(sub(self, other))))), 1.4426950408889634)))",
         .samples = BINARY_SAMPLES),
    BODY("aten::xlogy.Tensor(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log(other))))",
         .samples =
             "self=f32[3,5] other=f32[5]@0..3 | self=f32[16]@special other=f32[16]@[0,1,nan,inf,2] "
             "| self=i64[5] other=i64[5]@1..5 | self=bf16[5] other=bf16[5]@0.1..3 | self=f32[0] "
             "other=f32[] | self=f64[3] other=f32[3]@0.1..2"),
    BODY("aten::xlogy.Scalar_Self(Scalar self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log(other))))",
         .samples = "self=2 other=f32[5]@0.1..3 | self=0 other=f32[5]@[0,nan,inf,1,2] | self=1.5 "
                    "other=i64[4]@1..4"),
    BODY("aten::xlogy.Scalar_Other(Tensor self, Scalar other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log(other))))",
         .samples = "self=f32[5] other=2 | self=f32[16]@special other=0 | self=i64[4] other=1.5"),
    BODY("aten::special_xlogy(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log(other))))",
         .samples = "self=f32[3,5] other=f32[5]@0..3 | self=i64[5] other=i64[5]@1..5"),
    BODY("aten::special_xlogy.self_scalar(Scalar self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log(other))))",
         .samples = "self=2 other=f32[5]@0.1..3"),
    BODY("aten::special_xlogy.other_scalar(Tensor self, Scalar other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log(other))))",
         .samples = "self=f32[5] other=2"),
    BODY("aten::special_xlog1py(Tensor self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log1p(other))))",
         .samples =
             "self=f32[3,5] other=f32[5]@0..3 | self=f32[16]@special other=f32[16]@[0,1,nan,inf,2] "
             "| self=i64[5] other=i64[5]@1..5 | self=bf16[5] other=bf16[5]@0.1..3 | self=f32[0] "
             "other=f32[] | self=f64[3] other=f32[3]@0.1..2"),
    BODY("aten::special_xlog1py.self_scalar(Scalar self, Tensor other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log1p(other))))",
         .samples = "self=2 other=f32[5]@0.1..3 | self=0 other=f32[5]@[0,nan,inf,1,2] | self=1.5 "
                    "other=i64[4]@1..4"),
    BODY("aten::special_xlog1py.other_scalar(Tensor self, Scalar other) -> Tensor", INT_TO_FLOAT,
         "select(isnan(other), other, select(eq(self, 0), 0, mul(self, log1p(other))))",
         .samples = "self=f32[5] other=2 | self=f32[16]@special other=0 | self=i64[4] other=1.5"),
    BODY("aten::maximum(Tensor self, Tensor other) -> Tensor", DEFAULT, "maximum(self, other)",
         .samples =
             BINARY_INT_SAMPLES " | self=bool[6] other=bool[6] | self=i64[8]@special other=i64[8]"),
    BODY("aten::max.other(Tensor self, Tensor other) -> Tensor", DEFAULT, "maximum(self, other)",
         .samples = BINARY_ALIAS_SAMPLES),
    BODY("aten::minimum(Tensor self, Tensor other) -> Tensor", DEFAULT, "minimum(self, other)",
         .samples =
             BINARY_INT_SAMPLES " | self=bool[6] other=bool[6] | self=i64[8]@special other=i64[8]"),
    BODY("aten::min.other(Tensor self, Tensor other) -> Tensor", DEFAULT, "minimum(self, other)",
         .samples = BINARY_ALIAS_SAMPLES),
    BODY("aten::fmax(Tensor self, Tensor other) -> Tensor", DEFAULT, "fmax(self, other)",
         .samples =
             BINARY_INT_SAMPLES " | self=bool[6] other=bool[6] | self=i64[8]@special other=i64[8]"),
    BODY("aten::fmin(Tensor self, Tensor other) -> Tensor", DEFAULT, "fmin(self, other)",
         .samples =
             BINARY_INT_SAMPLES " | self=bool[6] other=bool[6] | self=i64[8]@special other=i64[8]"),
    BODY_FN("aten::clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor", DEFAULT,
            infer_clamp, body_clamp,
            .samples = "self=f32[3,5] min=-1 max=1 | self=f32[5] min=0 | self=f32[5] max=0.5 | "
                       "self=f32[5] min=1 max=-1 | self=i64[9] min=-2 max=2 | self=i64[5] min=-1.5 "
                       "max=1.5 | self=f32[16]@special min=-2 max=2 | self=bf16[5] min=-1 max=1 | "
                       "self=f32[0] min=0 | self=u8[5] min=2 max=5 | ! self=f32[3]"),
    BODY_FN(
        "aten::clamp.Tensor(Tensor self, Tensor? min=None, Tensor? max=None) -> Tensor", DEFAULT,
        infer_clamp, body_clamp,
        .samples =
            "self=f32[3,5] min=f32[5]@-2..0 max=f32[5]@0..2 | self=f32[5] min=f32[] | "
            "self=f32[2,3] max=f32[3] | self=i64[9] min=i64[9] max=i64[9] | self=i64[4] min=f32[4] "
            "| self=f32[16]@special min=f32[16]@[nan,-1] max=f32[16]@[1,nan,2] | ! self=f32[3]"),
    BODY_FN("aten::clip(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor", DEFAULT,
            infer_clamp, body_clamp, .samples = "self=f32[3,5] min=-1 max=1 | self=i64[9] min=-2"),
    BODY_FN("aten::clip.Tensor(Tensor self, Tensor? min=None, Tensor? max=None) -> Tensor", DEFAULT,
            infer_clamp, body_clamp, .samples = "self=f32[3,5] min=f32[5]@-2..0 max=f32[5]@0..2"),
    BODY("aten::clamp_min(Tensor self, Scalar min) -> Tensor", DEFAULT, "maximum(self, min)",
         .samples = "self=f32[3,5] min=0.5 | self=i64[5] min=1 | self=i64[5] min=0.5 | "
                    "self=f32[16]@special min=0 | self=f16[4] min=0"),
    BODY("aten::clamp_min.Tensor(Tensor self, Tensor min) -> Tensor", DEFAULT, "maximum(self, min)",
         .samples = "self=f32[3,5] min=f32[5] | self=i64[4] min=i64[] | self=f32[16]@special "
                    "min=f32[16]@[0,nan]"),
    BODY("aten::clamp_max(Tensor self, Scalar max) -> Tensor", DEFAULT, "minimum(self, max)",
         .samples = "self=f32[3,5] max=0.5 | self=i64[5] max=1 | self=f32[16]@special max=0 | "
                    "self=f16[4] max=0"),
    BODY("aten::clamp_max.Tensor(Tensor self, Tensor max) -> Tensor", DEFAULT, "minimum(self, max)",
         .samples = "self=f32[3,5] max=f32[5] | self=i64[4] max=i64[] | self=f32[16]@special "
                    "max=f32[16]@[0,nan]"),
    BODY_INFER("aten::heaviside(Tensor self, Tensor values) -> Tensor", DEFAULT, infer_same_dtype,
               "select(eq(self, 0), values, select(gt(self, 0), 1, 0))",
               .samples = "self=f32[9]@[0,-1,2] values=f32[9] | self=i64[6]@-1..1 values=i64[6] | "
                          "self=f32[16]@special values=f32[] | self=f32[0] values=f32[] | ! "
                          "self=f32[2] values=f64[2]"),
    EXPAND_FN(
        "aten::cross(Tensor self, Tensor other, int? dim=None) -> Tensor", expand_cross,
        .samples =
            "self=f32[4,3] other=f32[4,3] | self=f32[3,4] other=f32[3,4] dim=0 | self=f32[2,3,3] "
            "other=f32[2,3,3] dim=-1 | self=i64[3] other=i64[3] | ! self=f32[4] other=f32[4]"),
    EXPAND_FN("aten::linalg_cross(Tensor self, Tensor other, *, int dim=-1) -> Tensor",
              expand_cross,
              .samples = "self=f32[4,3] other=f32[4,3] | self=f32[3,4] other=f32[3,4] dim=0 | "
                         "self=f32[1,3] other=f32[5,3] | self=i64[3] other=i64[3] | self=f64[0,3] "
                         "other=f64[0,3] | ! self=f32[4] other=f32[4]"),
    EXPAND_FN("aten::diff(Tensor self, int n=1, int dim=-1, Tensor? prepend=None, Tensor? "
              "append=None) -> Tensor",
              expand_diff,
              .samples = "self=f32[5] | self=f32[3,5] dim=0 | self=f32[3,5] n=2 | self=f32[3,5] "
                         "n=9 | self=i64[6] prepend=i64[2] | self=f32[2,4] append=f32[2,1] | "
                         "self=bool[6] | self=bf16[5] n=0 | ! self=f32[]"),

    /* one operand, any dtype */
    BODY("aten::abs(Tensor self) -> Tensor", DEFAULT, "abs(self)",
         .samples = UNARY_SAMPLES " | self=i64[8]@special | self=u8[4]"),
    BODY("aten::absolute(Tensor self) -> Tensor", DEFAULT, "abs(self)",
         .samples = "self=f32[5] | self=i64[5]"),
    BODY_INFER("aten::neg(Tensor self) -> Tensor", DEFAULT, infer_minus, "neg(self)",
               .samples = UNARY_SAMPLES " | self=i64[8]@special | self=u8[4] | ! self=bool[3]"),
    BODY_INFER("aten::negative(Tensor self) -> Tensor", DEFAULT, infer_minus, "neg(self)",
               .samples = "self=f32[5] | self=i64[5]"),
    BODY("aten::sign(Tensor self) -> Tensor", DEFAULT, "sign(self)",
         .samples = UNARY_SAMPLES " | self=i64[8]@special | self=u8[4]"),
    BODY("aten::sgn(Tensor self) -> Tensor", DEFAULT, "sign(self)",
         .samples = UNARY_SAMPLES " | self=i64[5] | self=bool[3]"),
    BODY("aten::ceil(Tensor self) -> Tensor", DEFAULT, "ceil(self)",
         .samples = UNARY_SAMPLES
         " | self=i64[5] | self=f32[10]@[0.5,1.5,2.5,-0.5,-1.5,8388609,-2147483648,1e10]"),
    BODY("aten::floor(Tensor self) -> Tensor", DEFAULT, "floor(self)",
         .samples = UNARY_SAMPLES
         " | self=i64[5] | self=f32[10]@[0.5,1.5,2.5,-0.5,-1.5,8388609,-2147483648,1e10]"),
    BODY("aten::trunc(Tensor self) -> Tensor", DEFAULT, "trunc(self)",
         .samples = UNARY_SAMPLES
         " | self=i64[5] | self=f32[10]@[0.5,1.5,2.5,-0.5,-1.5,8388609,-2147483648,1e10]"),
    BODY("aten::fix(Tensor self) -> Tensor", DEFAULT, "trunc(self)",
         .samples = "self=f32[5] | self=i64[5]"),
    BODY("aten::round(Tensor self) -> Tensor", DEFAULT, "round(self)",
         .samples = UNARY_SAMPLES
         " | self=i64[5] | self=f32[10]@[0.5,1.5,2.5,-0.5,-1.5,8388609,-2147483648,1e10]"),
    BODY_FN(
        "aten::round.decimals(Tensor self, *, int decimals) -> Tensor", DEFAULT, NULL,
        body_round_decimals,
        .samples =
            "self=f32[3,5] decimals=1 | self=f32[6]@100..999 decimals=-2 | self=f64[5] decimals=3 "
            "| self=f32[16]@special decimals=2 | self=f32[4] decimals=0 | self=bf16[5] decimals=1"),
    BODY_FN("aten::special_round(Tensor self, *, int decimals=0) -> Tensor", DEFAULT, NULL,
            body_round_decimals, .samples = "self=f32[5] | self=f32[5] decimals=1"),
    BODY("aten::frac(Tensor self) -> Tensor", DEFAULT, "sub(self, trunc(self))",
         .samples = UNARY_SAMPLES),
    BODY("aten::conj_physical(Tensor self) -> Tensor", DEFAULT, "self",
         .samples = "self=f32[5] | self=i64[4] | self=f32[0]"),
    BODY("aten::_conj_physical(Tensor self) -> Tensor", DEFAULT, "self",
         .samples = "self=f32[5] | self=i64[4] | self=f32[0]"),
    BODY_INFER("aten::relu(Tensor self) -> Tensor", DEFAULT, infer_no_bool, "maximum(self, 0)",
               .samples = UNARY_SAMPLES " | self=i64[5] | ! self=bool[3]"),
    BODY_FN("aten::nan_to_num(Tensor self, float? nan=None, float? posinf=None, float? "
            "neginf=None) -> Tensor",
            DEFAULT, NULL, body_nan_to_num,
            .samples = "self=f32[16]@special | self=f32[16]@special nan=1.5 posinf=9.0 neginf=-9.0 "
                       "| self=f16[16]@special | self=bf16[16]@special | self=f64[16]@special | "
                       "self=i64[4] | self=f32[0] | self=f32[16]@special nan=2.0"),

    /* functions of floats */
    BODY("aten::exp(Tensor self) -> Tensor", INT_TO_FLOAT, "exp(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::exp2(Tensor self) -> Tensor", INT_TO_FLOAT, "exp2(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::special_exp2(Tensor self) -> Tensor", INT_TO_FLOAT, "exp2(self)",
         .samples = UNARY_ALIAS_SAMPLES),
    BODY("aten::expm1(Tensor self) -> Tensor", INT_TO_FLOAT, "expm1(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::special_expm1(Tensor self) -> Tensor", INT_TO_FLOAT, "expm1(self)",
         .samples = UNARY_ALIAS_SAMPLES),
    BODY("aten::log(Tensor self) -> Tensor", INT_TO_FLOAT, "log(self)",
         .samples = UNARY_POSITIVE_SAMPLES),
    BODY("aten::log2(Tensor self) -> Tensor", INT_TO_FLOAT, "log2(self)",
         .samples = UNARY_POSITIVE_SAMPLES),
    BODY("aten::log10(Tensor self) -> Tensor", INT_TO_FLOAT, "log10(self)",
         .samples = UNARY_POSITIVE_SAMPLES),
    BODY("aten::log1p(Tensor self) -> Tensor", INT_TO_FLOAT, "log1p(self)",
         .samples = UNARY_POSITIVE_SAMPLES),
    BODY("aten::special_log1p(Tensor self) -> Tensor", INT_TO_FLOAT, "log1p(self)",
         .samples = UNARY_ALIAS_SAMPLES),
    BODY("aten::sqrt(Tensor self) -> Tensor", INT_TO_FLOAT, "sqrt(self)",
         .samples = UNARY_POSITIVE_SAMPLES),
    BODY("aten::rsqrt(Tensor self) -> Tensor", INT_TO_FLOAT, "rsqrt(self)",
         .samples = UNARY_POSITIVE_SAMPLES),
    BODY("aten::reciprocal(Tensor self) -> Tensor", INT_TO_FLOAT, "reciprocal(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::sin(Tensor self) -> Tensor", INT_TO_FLOAT, "sin(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::cos(Tensor self) -> Tensor", INT_TO_FLOAT, "cos(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::tan(Tensor self) -> Tensor", INT_TO_FLOAT, "tan(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::asin(Tensor self) -> Tensor", INT_TO_FLOAT, "asin(self)",
         .samples = UNARY_UNIT_SAMPLES),
    BODY("aten::arcsin(Tensor self) -> Tensor", INT_TO_FLOAT, "asin(self)",
         .samples = UNARY_ALIAS_SAMPLES),
    BODY("aten::acos(Tensor self) -> Tensor", INT_TO_FLOAT, "acos(self)",
         .samples = UNARY_UNIT_SAMPLES),
    BODY("aten::arccos(Tensor self) -> Tensor", INT_TO_FLOAT, "acos(self)",
         .samples = UNARY_ALIAS_SAMPLES),
    BODY("aten::atan(Tensor self) -> Tensor", INT_TO_FLOAT, "atan(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::arctan(Tensor self) -> Tensor", INT_TO_FLOAT, "atan(self)",
         .samples = UNARY_ALIAS_SAMPLES),
    BODY("aten::sinh(Tensor self) -> Tensor", INT_TO_FLOAT, "sinh(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::cosh(Tensor self) -> Tensor", INT_TO_FLOAT, "cosh(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::tanh(Tensor self) -> Tensor", INT_TO_FLOAT, "tanh(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::asinh(Tensor self) -> Tensor", INT_TO_FLOAT, "asinh(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::arcsinh(Tensor self) -> Tensor", INT_TO_FLOAT, "asinh(self)",
         .samples = UNARY_ALIAS_SAMPLES),
    BODY("aten::acosh(Tensor self) -> Tensor", INT_TO_FLOAT, "acosh(self)",
         .samples = UNARY_POSITIVE_SAMPLES),
    BODY("aten::arccosh(Tensor self) -> Tensor", INT_TO_FLOAT, "acosh(self)",
         .samples = "self=f32[5]@1..5"),
    BODY("aten::atanh(Tensor self) -> Tensor", INT_TO_FLOAT, "atanh(self)",
         .samples = UNARY_UNIT_SAMPLES),
    BODY("aten::arctanh(Tensor self) -> Tensor", INT_TO_FLOAT, "atanh(self)",
         .samples = UNARY_ALIAS_SAMPLES),
    BODY("aten::erf(Tensor self) -> Tensor", INT_TO_FLOAT, "erf(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::special_erf(Tensor self) -> Tensor", INT_TO_FLOAT, "erf(self)",
         .samples = UNARY_ALIAS_SAMPLES),
    BODY("aten::erfc(Tensor self) -> Tensor", INT_TO_FLOAT, "erfc(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::special_erfc(Tensor self) -> Tensor", INT_TO_FLOAT, "erfc(self)",
         .samples = UNARY_ALIAS_SAMPLES),
    BODY("aten::erfinv(Tensor self) -> Tensor", INT_TO_FLOAT, "erfinv(self)",
         .samples = UNARY_UNIT_SAMPLES),
    BODY("aten::special_erfinv(Tensor self) -> Tensor", INT_TO_FLOAT, "erfinv(self)",
         .samples = UNARY_ALIAS_SAMPLES),
    BODY("aten::lgamma(Tensor self) -> Tensor", INT_TO_FLOAT, "lgamma(self)",
         .samples = UNARY_POSITIVE_SAMPLES),
    BODY("aten::special_gammaln(Tensor self) -> Tensor", INT_TO_FLOAT, "lgamma(self)",
         .samples = UNARY_ALIAS_SAMPLES),
    BODY("aten::digamma(Tensor self) -> Tensor", INT_TO_FLOAT, "digamma(self)",
         .samples = UNARY_POSITIVE_SAMPLES),
    BODY("aten::special_digamma(Tensor self) -> Tensor", INT_TO_FLOAT, "digamma(self)",
         .samples = UNARY_ALIAS_SAMPLES),
    BODY("aten::special_psi(Tensor self) -> Tensor", INT_TO_FLOAT, "digamma(self)",
         .samples = UNARY_ALIAS_SAMPLES),
    BODY("aten::sigmoid(Tensor self) -> Tensor", INT_TO_FLOAT, "sigmoid(self)",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::special_expit(Tensor self) -> Tensor", INT_TO_FLOAT, "sigmoid(self)",
         .samples = UNARY_ALIAS_SAMPLES),
    BODY("aten::deg2rad(Tensor self) -> Tensor", INT_TO_FLOAT, "mul(self, 0.017453292519943295)",
         .samples = "self=f32[5]@-360..360 | self=i64[4] | self=f16[4] | self=f32[0]"),
    BODY("aten::rad2deg(Tensor self) -> Tensor", INT_TO_FLOAT, "mul(self, 57.295779513082321)",
         .samples = "self=f32[5]@-360..360 | self=i64[4] | self=f16[4] | self=f32[0]"),
    BODY("aten::angle(Tensor self) -> Tensor", INT_TO_FLOAT,
         "select(isnan(self), self, select(lt(self, 0), pi, 0))",
         .samples =
             "self=f32[16]@special | self=i64[5] | self=bool[3] | self=f32[0] | self=f64[4]"),
    BODY("aten::sinc(Tensor self) -> Tensor", INT_TO_FLOAT,
         "select(eq(self, 0), 1, div(sin(mul(self, pi)), mul(self, pi)))",
         .samples = UNARY_INT_SAMPLES),
    BODY("aten::special_sinc(Tensor self) -> Tensor", INT_TO_FLOAT,
         "select(eq(self, 0), 1, div(sin(mul(self, pi)), mul(self, pi)))",
         .samples = UNARY_ALIAS_SAMPLES),
    BODY("aten::special_spherical_bessel_j0(Tensor x) -> Tensor", INT_TO_FLOAT,
         "select(isinf(x), 0, select(lt(abs(x), 0.5), add(1, mul(mul(x, x), "
         "add(-0.16666666666666666, "
         "mul(mul(x, x), add(0.0083333333333333332, mul(mul(x, x), add(-0.00019841269841269841, "
         "mul(mul(x, x), 2.7557319223985893e-06)))))))), div(sin(x), x)))",
         .samples = "x=f32[3,5] | x=f32[16]@special | x=f64[5]@-20..20 | x=i64[5]"),
    BODY_FN("aten::logit(Tensor self, float? eps=None) -> Tensor", INT_TO_FLOAT, NULL, body_logit,
            .samples = "self=f32[3,5]@0..1 | self=f32[16]@special | self=f32[5]@-1..2 eps=0.1 | "
                       "self=bf16[5]@0.1..0.9 | self=i64[2] eps=0.25 | self=f32[0]"),
    BODY_FN("aten::special_logit(Tensor self, float? eps=None) -> Tensor", INT_TO_FLOAT, NULL,
            body_logit, .samples = "self=f32[5]@0..1 | self=f32[5]@-1..2 eps=0.1"),
    BODY("aten::special_entr(Tensor self) -> Tensor", INT_TO_FLOAT,
         "select(isnan(self), self, select(gt(self, 0), mul(neg(self), log(self)), select(eq(self, "
         "0), 0, -inf)))",
         .samples = "self=f32[16]@special | self=f32[5]@0..3 | self=i64[5] | self=f64[3]@0..2"),
    BODY("aten::special_ndtr(Tensor self) -> Tensor", INT_TO_FLOAT,
         "mul(0.5, erfc(mul(self, -0.7071067811865476)))",
         .samples = UNARY_SAMPLES " | self=i64[5] | self=f32[9]@-12..12"),
    BODY_FN("aten::mvlgamma(Tensor self, int p) -> Tensor", INT_TO_FLOAT, NULL, body_mvlgamma,
            .samples = "self=f32[5]@3..9 p=2 | self=f64[4]@3..9 p=3 | self=i64[4]@3..9 p=1 | ! "
                       "self=f32[5] p=0"),
    BODY_FN("aten::special_multigammaln(Tensor self, int p) -> Tensor", INT_TO_FLOAT, NULL,
            body_mvlgamma, .samples = "self=f32[5]@3..9 p=2"),
    BODY_FN("aten::i0(Tensor self) -> Tensor", INT_TO_FLOAT, NULL, body_i0,
            .samples = "self=f32[3,5] | self=f32[16]@special | self=f32[6]@-20..20 | "
                       "self=f64[5]@-12..12 | self=i64[5] | self=f32[0]"),
    BODY_FN("aten::special_i0(Tensor self) -> Tensor", INT_TO_FLOAT, NULL, body_i0,
            .samples = UNARY_ALIAS_SAMPLES),
    BODY_FN("aten::special_modified_bessel_i0(Tensor self) -> Tensor", INT_TO_FLOAT, NULL, body_i0,
            .samples = "self=f32[3,5] | self=f64[5]@-12..12 | self=i64[5]"),
    BODY_FN("aten::special_i0e(Tensor self) -> Tensor", INT_TO_FLOAT, NULL, body_i0e,
            .samples = "self=f32[3,5] | self=f32[16]@special | self=f32[6]@-20..20 | "
                       "self=f64[5]@-12..12 | self=i64[5] | self=f32[0]"),
    BODY_FN("aten::special_i1(Tensor self) -> Tensor", INT_TO_FLOAT, NULL, body_i1,
            .samples = "self=f32[3,5] | self=f32[16]@special | self=f32[6]@-20..20 | "
                       "self=f64[5]@-12..12 | self=i64[5] | self=f32[0]"),
    BODY_FN("aten::special_modified_bessel_i1(Tensor self) -> Tensor", INT_TO_FLOAT, NULL, body_i1,
            .samples = "self=f32[3,5] | self=f64[5]@-12..12 | self=i64[5]"),
    BODY_FN("aten::special_i1e(Tensor self) -> Tensor", INT_TO_FLOAT, NULL, body_i1e,
            .samples = "self=f32[3,5] | self=f32[16]@special | self=f32[6]@-20..20 | "
                       "self=f64[5]@-12..12 | self=i64[5] | self=f32[0]"),

    /* activations */
    BODY_FN(
        "aten::gelu(Tensor self, *, str approximate=\"none\") -> Tensor", DEFAULT, infer_gelu,
        body_gelu,
        .samples =
            "self=f32[3,5] | self=f32[6]@[0,-0,nan,-30,30,7] | self=f32[0,4] | self=f64[] | "
            "self=f32[2,3]{1,2} | self=f16[7] | self=bf16[9] | self=f32[3,5] approximate='tanh' | "
            "self=bf16[5] approximate='tanh' | ! self=i64[2] | ! self=f32[2] approximate='erf'"),
    BODY_INFER("aten::silu(Tensor self) -> Tensor", DEFAULT, infer_floating,
               "div(self, add(1, exp(neg(self))))", .samples = UNARY_SAMPLES " | ! self=i64[2]"),
    BODY_INFER("aten::mish(Tensor self) -> Tensor", DEFAULT, infer_floating,
               "mul(self, tanh(log1p(exp(self))))", .samples = UNARY_SAMPLES " | ! self=i64[2]"),
    BODY_INFER("aten::hardsigmoid(Tensor self) -> Tensor", DEFAULT, infer_floating,
               "mul(minimum(maximum(add(self, 3), 0), 6), 0.16666666666666666)",
               .samples = UNARY_SAMPLES " | self=f32[8]@-6..6 | ! self=i64[2]"),
    BODY_INFER("aten::hardswish(Tensor self) -> Tensor", DEFAULT, infer_floating,
               "mul(mul(self, minimum(maximum(add(self, 3), 0), 6)), 0.16666666666666666)",
               .samples = UNARY_SAMPLES " | self=f32[8]@-6..6 | ! self=i64[2]"),
    BODY("aten::hardtanh(Tensor self, Scalar min_val=-1, Scalar max_val=1) -> Tensor", FIRST,
         "minimum(maximum(self, min_val), max_val)",
         .samples = UNARY_SAMPLES
         " | self=f32[5] min_val=-0.5 max_val=2 | self=i64[5] | self=f32[5] min_val=0 max_val=6"),
    BODY("aten::relu6(Tensor self) -> Tensor", DEFAULT, "minimum(maximum(self, 0), 6)",
         .samples = UNARY_SAMPLES " | self=f32[8]@-9..9 | self=i64[5]"),
    BODY_INFER(
        "aten::leaky_relu(Tensor self, Scalar negative_slope=0.01) -> Tensor", FIRST,
        infer_floating, "select(gt(self, 0), self, mul(self, negative_slope))",
        .samples = UNARY_SAMPLES
        " | self=f32[5] negative_slope=0.2 | self=f32[5] negative_slope=-0.5 | ! self=i64[2]"),
    BODY_INFER("aten::_prelu_kernel(Tensor self, Tensor weight) -> Tensor", FIRST, infer_floating,
               "select(gt(self, 0), self, mul(weight, self))",
               .samples = "self=f32[2,3,4] weight=f32[1,3,1] | self=f32[5] weight=f32[1] | "
                          "self=bf16[4] weight=bf16[1]"),
    EXPAND_FN("aten::prelu(Tensor self, Tensor weight) -> Tensor", expand_prelu,
              .samples =
                  "self=f32[2,3,4] weight=f32[3] | self=f32[5] weight=f32[1] | self=f32[] "
                  "weight=f32[] | self=bf16[2,3] weight=bf16[3] | ! self=f32[2,3] weight=f32[2]"),
    BODY_INFER(
        "aten::elu(Tensor self, Scalar alpha=1, Scalar scale=1, Scalar input_scale=1) -> Tensor",
        FIRST, infer_floating,
        "select(le(self, 0), mul(expm1(mul(self, input_scale)), mul(alpha, scale)), mul(self, "
        "scale))",
        .samples = UNARY_SAMPLES
        " | self=f32[5] alpha=0.5 scale=1.5 input_scale=2 | self=f32[5] alpha=2 | ! self=i64[2]"),
    BODY_INFER("aten::celu(Tensor self, Scalar alpha=1.) -> Tensor", FIRST, infer_celu,
               "select(le(self, 0), mul(alpha, expm1(div(self, alpha))), self)",
               .samples = UNARY_SAMPLES
               " | self=f32[5] alpha=0.5 | ! self=f32[2] alpha=0 | ! self=i64[2]"),
    BODY_INFER(
        "aten::selu(Tensor self) -> Tensor", FIRST, infer_floating,
        "mul(1.0507009873554805, select(le(self, 0), mul(1.6732632423543772, expm1(self)), self))",
        .samples = UNARY_SAMPLES " | ! self=i64[2]"),
    BODY_INFER(
        "aten::softplus(Tensor self, Scalar beta=1, Scalar threshold=20) -> Tensor", FIRST,
        infer_floating,
        "select(gt(mul(self, beta), threshold), self, div(log1p(exp(mul(self, beta))), beta))",
        .samples = UNARY_SAMPLES
        " | self=f32[5] beta=2 threshold=1 | self=f32[5]@-30..30 | ! self=i64[2]"),
    BODY_INFER("aten::log_sigmoid(Tensor self) -> Tensor", DEFAULT, infer_floating_row_major,
               "sub(minimum(self, 0), log1p(exp(neg(abs(self)))))",
               .samples = UNARY_SAMPLES " | self=f32[5]@-90..90 | ! self=i64[2]"),
    EXPAND("aten::log_sigmoid_forward(Tensor self) -> (Tensor output, Tensor buffer)",
           "return aten.log_sigmoid.default(%self), "
           "aten.exp.default(aten.neg.default(aten.abs.default(%self)))",
           .samples = "~ self=f32[3,5] | ~ self=f32[0]"),
    BODY_INFER(
        "aten::softshrink(Tensor self, Scalar lambd=0.5) -> Tensor", FIRST, infer_softshrink,
        "select(gt(self, lambd), sub(self, lambd), select(lt(self, neg(lambd)), add(self, lambd), "
        "mul(self, 0)))",
        .samples =
            UNARY_SAMPLES " | self=f32[5] lambd=1.5 | ! self=f32[2] lambd=-1 | ! self=i64[2]"),
    BODY_INFER("aten::hardshrink(Tensor self, Scalar lambd=0.5) -> Tensor", FIRST, infer_floating,
               "select(and(ge(self, neg(lambd)), le(self, lambd)), 0, self)",
               .samples = UNARY_SAMPLES " | self=f32[5] lambd=1.5 | ! self=i64[2]"),
    BODY("aten::threshold(Tensor self, Scalar threshold, Scalar value) -> Tensor", FIRST,
         "select(le(self, threshold), value, self)",
         .samples = "self=f32[3,5] threshold=0.5 value=-9 | self=i64[5] threshold=1 value=0 | "
                    "self=f32[16]@special threshold=0 value=1 | self=bf16[5] threshold=0 value=2 | "
                    "self=f32[0] threshold=0 value=0"),
    EXPAND_FN("aten::glu(Tensor self, int dim=-1) -> Tensor", expand_glu,
              .samples = "self=f32[3,6] | self=f32[4,3] dim=0 | self=bf16[2,4] dim=-1 | "
                         "self=f32[0,4] | ! self=f32[3,5] | ! self=f32[]"),
    EXPAND("aten::native_dropout_backward(Tensor grad_output, Tensor mask, float scale) -> Tensor",
           "return aten.mul.Scalar(aten.mul.Tensor(%grad_output, %mask), %scale)",
           .samples = "grad_output=f32[3,4] mask=bool[3,4] scale=2.0 | grad_output=bf16[5] "
                      "mask=bool[5] scale=1.25"),

    /* bits */
    BODY_INFER("aten::bitwise_and.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "bitand(self, other)", .samples = BITS_SAMPLES),
    BODY_INFER("aten::bitwise_and.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "bitand(self, other)", .samples = BITS_SCALAR_SAMPLES),
    BODY_INFER("aten::bitwise_and.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", DEFAULT,
               infer_bits, "bitand(self, other)", .samples = BITS_SCALAR_TENSOR_SAMPLES),
    BODY_INFER("aten::__and__.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "bitand(self, other)",
               .samples = "self=i64[4] other=i64[4] | self=bool[4] other=bool[4]"),
    BODY_INFER("aten::__and__.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "bitand(self, other)", .samples = "self=i64[4] other=5 | self=bool[4] other=true"),
    BODY_INFER("aten::bitwise_or.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "bitor(self, other)", .samples = BITS_SAMPLES),
    BODY_INFER("aten::bitwise_or.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "bitor(self, other)", .samples = BITS_SCALAR_SAMPLES),
    BODY_INFER("aten::bitwise_or.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", DEFAULT,
               infer_bits, "bitor(self, other)", .samples = BITS_SCALAR_TENSOR_SAMPLES),
    BODY_INFER("aten::__or__.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "bitor(self, other)",
               .samples = "self=i64[4] other=i64[4] | self=bool[4] other=bool[4]"),
    BODY_INFER("aten::__or__.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "bitor(self, other)", .samples = "self=i64[4] other=5 | self=bool[4] other=true"),
    BODY_INFER("aten::bitwise_xor.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "bitxor(self, other)", .samples = BITS_SAMPLES),
    BODY_INFER("aten::bitwise_xor.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "bitxor(self, other)", .samples = BITS_SCALAR_SAMPLES),
    BODY_INFER("aten::bitwise_xor.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", DEFAULT,
               infer_bits, "bitxor(self, other)", .samples = BITS_SCALAR_TENSOR_SAMPLES),
    BODY_INFER("aten::__xor__.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "bitxor(self, other)",
               .samples = "self=i64[4] other=i64[4] | self=bool[4] other=bool[4]"),
    BODY_INFER("aten::__xor__.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "bitxor(self, other)", .samples = "self=i64[4] other=5 | self=bool[4] other=true"),
    BODY_INFER(
        "aten::bitwise_not(Tensor self) -> Tensor", DEFAULT, infer_bits, "bitnot(self)",
        .samples =
            "self=i64[5] | self=bool[4] | self=u8[4] | self=i32[0] | self=i8[] | ! self=f32[2]"),
    BODY_INFER("aten::bitwise_left_shift.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT,
               infer_bits, "shl(self, other)", .samples = SHIFT_SAMPLES),
    BODY_INFER("aten::bitwise_left_shift.Tensor_Scalar(Tensor self, Scalar other) -> Tensor",
               DEFAULT, infer_bits, "shl(self, other)", .samples = SHIFT_SCALAR_SAMPLES),
    BODY_INFER("aten::bitwise_left_shift.Scalar_Tensor(Scalar self, Tensor other) -> Tensor",
               DEFAULT, infer_bits, "shl(self, other)",
               .samples = "self=77 other=i64[4]@0..5 | self=9 other=i32[3]@0..3"),
    BODY_INFER("aten::__lshift__.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "shl(self, other)", .samples = "self=i64[4] other=i64[4]@0..3"),
    BODY_INFER("aten::__lshift__.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "shl(self, other)", .samples = "self=i64[4] other=2 | self=i32[4] other=1"),
    BODY_INFER("aten::bitwise_right_shift.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT,
               infer_bits, "shr(self, other)", .samples = SHIFT_SAMPLES),
    BODY_INFER("aten::bitwise_right_shift.Tensor_Scalar(Tensor self, Scalar other) -> Tensor",
               DEFAULT, infer_bits, "shr(self, other)", .samples = SHIFT_SCALAR_SAMPLES),
    BODY_INFER("aten::bitwise_right_shift.Scalar_Tensor(Scalar self, Tensor other) -> Tensor",
               DEFAULT, infer_bits, "shr(self, other)",
               .samples = "self=77 other=i64[4]@0..5 | self=9 other=i32[3]@0..3"),
    BODY_INFER("aten::__rshift__.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "shr(self, other)", .samples = "self=i64[4] other=i64[4]@0..3"),
    BODY_INFER("aten::__rshift__.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "shr(self, other)", .samples = "self=i64[4] other=2 | self=i32[4] other=1"),

    /* truth */
    BODY("aten::eq.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "eq(self, other)",
         .samples = COMPARE_SAMPLES),
    BODY("aten::eq.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "eq(self, other)",
         .samples = COMPARE_SCALAR_SAMPLES),
    BODY("aten::ne.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "ne(self, other)",
         .samples = COMPARE_SAMPLES),
    BODY("aten::ne.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "ne(self, other)",
         .samples = COMPARE_SCALAR_SAMPLES),
    BODY("aten::not_equal.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "ne(self, other)",
         .samples = "self=i64[9]@0..2 other=i64[9]@0..2"),
    BODY("aten::not_equal.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "ne(self, other)",
         .samples = "self=i64[9]@0..2 other=1"),
    BODY("aten::lt.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "lt(self, other)",
         .samples = COMPARE_SAMPLES),
    BODY("aten::lt.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "lt(self, other)",
         .samples = COMPARE_SCALAR_SAMPLES),
    BODY("aten::less.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "lt(self, other)",
         .samples = "self=i64[9]@0..2 other=i64[9]@0..2"),
    BODY("aten::less.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "lt(self, other)",
         .samples = "self=i64[9]@0..2 other=1"),
    BODY("aten::le.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "le(self, other)",
         .samples = COMPARE_SAMPLES),
    BODY("aten::le.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "le(self, other)",
         .samples = COMPARE_SCALAR_SAMPLES),
    BODY("aten::less_equal.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "le(self, other)",
         .samples = "self=i64[9]@0..2 other=i64[9]@0..2"),
    BODY("aten::less_equal.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "le(self, other)",
         .samples = "self=i64[9]@0..2 other=1"),
    BODY("aten::gt.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "gt(self, other)",
         .samples = COMPARE_SAMPLES),
    BODY("aten::gt.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "gt(self, other)",
         .samples = COMPARE_SCALAR_SAMPLES),
    BODY("aten::greater.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "gt(self, other)",
         .samples = "self=i64[9]@0..2 other=i64[9]@0..2"),
    BODY("aten::greater.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "gt(self, other)",
         .samples = "self=i64[9]@0..2 other=1"),
    BODY("aten::ge.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "ge(self, other)",
         .samples = COMPARE_SAMPLES),
    BODY("aten::ge.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "ge(self, other)",
         .samples = COMPARE_SCALAR_SAMPLES),
    BODY("aten::greater_equal.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE,
         "ge(self, other)", .samples = "self=i64[9]@0..2 other=i64[9]@0..2"),
    BODY("aten::greater_equal.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE,
         "ge(self, other)", .samples = "self=i64[9]@0..2 other=1"),
    BODY("aten::logical_and(Tensor self, Tensor other) -> Tensor", COMPARE,
         "and(ne(self, 0), ne(other, 0))",
         .samples = "self=bool[8] other=bool[8] | self=f32[16]@special other=f32[16]@[0,1] | "
                    "self=i64[2,1] other=f32[3]@[0,1] | self=f32[0] other=bool[]"),
    BODY("aten::logical_or(Tensor self, Tensor other) -> Tensor", COMPARE,
         "or(ne(self, 0), ne(other, 0))",
         .samples = "self=bool[8] other=bool[8] | self=f32[16]@special other=f32[16]@[0,1] | "
                    "self=i64[2,1] other=f32[3]@[0,1] | self=f32[0] other=bool[]"),
    BODY("aten::logical_xor(Tensor self, Tensor other) -> Tensor", COMPARE,
         "xor(ne(self, 0), ne(other, 0))",
         .samples = "self=bool[8] other=bool[8] | self=f32[16]@special other=f32[16]@[0,1] | "
                    "self=i64[2,1] other=f32[3]@[0,1] | self=f32[0] other=bool[]"),
    BODY("aten::logical_not(Tensor self) -> Tensor", COMPARE, "eq(self, 0)",
         .samples = "self=bool[8] | self=f32[16]@special | self=i64[5]@0..1 | self=f32[0]"),
    BODY("aten::isnan(Tensor self) -> Tensor", COMPARE, "isnan(self)",
         .samples = "self=f32[16]@special | self=f16[16]@special | self=bf16[16]@special | "
                    "self=f64[16]@special | self=i64[4] | self=bool[3] | self=f32[0]"),
    BODY("aten::isinf(Tensor self) -> Tensor", COMPARE, "isinf(self)",
         .samples = "self=f32[16]@special | self=f16[16]@special | self=bf16[16]@special | "
                    "self=f64[16]@special | self=i64[4] | self=bool[3] | self=f32[0]"),
    BODY("aten::isfinite(Tensor self) -> Tensor", COMPARE, "not(or(isnan(self), isinf(self)))",
         .samples = "self=f32[16]@special | self=f16[16]@special | self=bf16[16]@special | "
                    "self=f64[16]@special | self=i64[4] | self=bool[3] | self=f32[0]"),
    BODY("aten::isposinf(Tensor self) -> Tensor", COMPARE, "and(isinf(self), gt(self, 0))",
         .samples = "self=f32[16]@special | self=f16[16]@special | self=bf16[16]@special | "
                    "self=f64[16]@special | self=i64[4] | self=bool[3] | self=f32[0]"),
    BODY("aten::isneginf(Tensor self) -> Tensor", COMPARE, "and(isinf(self), lt(self, 0))",
         .samples = "self=f32[16]@special | self=f16[16]@special | self=bf16[16]@special | "
                    "self=f64[16]@special | self=i64[4] | self=bool[3] | self=f32[0]"),
    BODY("aten::isreal(Tensor self) -> Tensor", COMPARE, "true",
         .samples = "self=f32[3] | self=i64[2,0]"),
    BODY("aten::signbit(Tensor self) -> Tensor", COMPARE, "signbit(self)",
         .samples = "self=f32[16]@special | self=f16[16]@special | self=bf16[16]@special | "
                    "self=f64[16]@special | self=i64[4] | self=bool[3] | self=f32[0]"),
    BODY_FN("aten::isclose(Tensor self, Tensor other, float rtol=1.0000000000000001e-05, float "
            "atol=1e-08, bool "
            "equal_nan=False) -> Tensor",
            COMPARE, infer_same_dtype, body_isclose,
            .samples = "self=f32[6]@0..1 other=f32[6]@0..1 rtol=0.5 | self=f32[16]@special "
                       "other=f32[16]@special | self=f32[16]@special other=f32[16]@special "
                       "equal_nan=true | self=i64[5]@0..2 other=i64[5]@0..2 | self=f64[3] "
                       "other=f64[] atol=2.0 | ! self=f32[2] other=f64[2]"),
    EXPAND_FN("aten::isin.Tensor_Tensor(Tensor elements, Tensor test_elements, *, bool "
              "assume_unique=False, bool "
              "invert=False) -> Tensor",
              expand_isin,
              .samples = "elements=i64[3,4] test_elements=i64[3] | elements=i64[7] "
                         "test_elements=i64[20] invert=true | elements=f32[4] test_elements=f32[0] "
                         "| elements=i64[5] test_elements=i64[2,2]"),
    EXPAND_FN("aten::isin.Tensor_Scalar(Tensor elements, Scalar test_element, *, bool "
              "assume_unique=False, bool "
              "invert=False) -> Tensor",
              expand_isin_number,
              .samples = "elements=i64[9]@0..3 test_element=2 | elements=f32[3]@[1,2,3] "
                         "test_element=2 invert=true"),
    EXPAND_FN("aten::isin.Scalar_Tensor(Scalar element, Tensor test_elements, *, bool "
              "assume_unique=False, bool "
              "invert=False) -> Tensor",
              expand_number_isin,
              .samples =
                  "element=2 test_elements=i64[9]@0..3 | element=1.5 test_elements=f32[4]@[1.5,2]"),

    /* choice */
    BODY_INFER("aten::where.self(Tensor condition, Tensor self, Tensor other) -> Tensor", DEFAULT,
               infer_where, "select(condition, self, other)",
               .samples = "condition=bool[3,4] self=f32[3,4] other=f32[3,4] | condition=bool[4] "
                          "self=f32[3,1] other=f32[] | condition=bool[5] self=i64[5] other=f32[5] "
                          "| condition=u8[5]@0..1 self=bf16[5] other=bf16[5] | condition=bool[] "
                          "self=f32[0] other=f32[0] | condition=bool[6] self=f32[6]@special "
                          "other=f32[6] | ! condition=f32[3] self=f32[3] other=f32[3]"),
    BODY_INFER(
        "aten::where.ScalarSelf(Tensor condition, Scalar self, Tensor other) -> Tensor", DEFAULT,
        infer_where, "select(condition, self, other)",
        .samples =
            "condition=bool[3,4] self=1 other=f32[4] | condition=bool[4] self=2.5 other=i64[4]"),
    BODY_INFER(
        "aten::where.ScalarOther(Tensor condition, Tensor self, Scalar other) -> Tensor", DEFAULT,
        infer_where, "select(condition, self, other)",
        .samples =
            "condition=bool[3,4] self=f32[4] other=1 | condition=bool[4] self=i64[4] other=0.5"),
    BODY_INFER("aten::where.Scalar(Tensor condition, Scalar self, Scalar other) -> Tensor", DEFAULT,
               infer_where, "select(condition, self, other)",
               .samples =
                   "condition=bool[3,4] self=1 other=0 | condition=bool[4] self=1.5 other=2"),
    BODY_INFER("aten::masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor", FIRST,
               infer_masked_fill, "select(mask, value, self)",
               .samples = "self=f32[3,4] mask=bool[3,4] value=-inf | self=f32[2,3,4] "
                          "mask=bool[3,1] value=7 | self=i64[5] mask=bool[5] value=2 | "
                          "self=bf16[0] mask=bool[0] value=1 | self=f32[] mask=bool[3] value=1 | "
                          "self=i64[3] mask=bool[3] value=1.5 | ! self=f32[3] mask=i64[3] value=1"),
    BODY_INFER("aten::masked_fill.Tensor(Tensor self, Tensor mask, Tensor value) -> Tensor", FIRST,
               infer_masked_fill, "select(mask, value, self)",
               .samples = "self=f32[3,4] mask=bool[3,4] value=f32[] | self=i64[5] mask=bool[5] "
                          "value=i64[] | ! self=f32[3] mask=bool[3] value=f32[3]"),
    BODY("aten::fill.Scalar(Tensor self, Scalar value) -> Tensor", FIRST, "value",
         .samples = "self=f32[3,4] value=2.5 | self=i64[4] value=7 | self=bool[3] value=1 | "
                    "self=bf16[0] value=1"),
    BODY_INFER(
        "aten::fill.Tensor(Tensor self, Tensor value) -> Tensor", FIRST, infer_fill, "value",
        .samples =
            "self=f32[3,4] value=f32[] | self=i64[4] value=f32[] | ! self=f32[3] value=f32[3]"),
    BODY("aten::copy(Tensor self, Tensor src, bool non_blocking=False) -> Tensor", FIRST, "src",
         .samples = "self=f32[3,4] src=f32[4] | self=i64[4] src=f32[4] | self=f16[3] src=f32[3] | "
                    "self=bool[5] src=f32[5] | self=f32[0] src=f32[]"),
    EXPAND("aten::zero(Tensor self) -> Tensor", "return aten.zeros_like.default(%self)",
           .samples = "self=f32[3,4] | self=i64[0] | self=bf16[5]"),
    {0},
};
