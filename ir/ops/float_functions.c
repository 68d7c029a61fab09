/* Functions of floats, one element from one: exp, sin, erf, gamma, Bessel functions.
 *
 * In: a node.  Out: `body`, computed in the promoted dtype (integers become f32), as in
 * pointwise.c:
 *
 *   aten.log1p.default(%a)      log1p(self) */
#include "ir/ops/ops_internal.h"
#include "ir/ops/pointwise_body.h"
#include "ir/ops/pointwise_check.h"
#include "ir/ops/rows.h"
#include "ir/ops/sample_texts.h"
#include "ir/ops/shape_util.h"

#include <math.h>

static Scalar *body_logit(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    if (shape_is_none(node, "eps"))
        return body_text(cx, node, in, dtype, "log(div(self, sub(1, self)))");
    double      eps = node_float(node, "eps");
    const char *x = arena_printf(
        cx->ir->arena, "select(lt(self, %.17g), %.17g, select(gt(self, %.17g), %.17g, self))", eps,
        eps, 1 - eps, 1 - eps);
    return body_text(cx, node, in, dtype,
                     arena_printf(cx->ir->arena, "log(div(%s, sub(1, %s)))", x, x));
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

/* ---- rows ------------------------------------------------------------------------------------ */
const OpDesc float_function_ops[] = {
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

    {0},
};
