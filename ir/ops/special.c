/* Special functions: operators whose element is one rare function of the scalar vocabulary,
 * polygamma, frexp, and the greatest common divisor.
 *
 * In: a node.  Out: `body`, computed in the promoted dtype (integers become f32), as in
 * pointwise.c:
 *
 *   aten.special_zeta.default(%a, %b)      zeta(self, other) */
#include "ir/ops/ops_internal.h"
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <math.h>

/* ---- polygamma ------------------------------------------------------------------------------- */
static Scalar *number(LowerCx *cx, DType dtype, double value)
{
    return scalar_float(cx->scalars, dtype, value);
}

static Scalar *two(LowerCx *cx, ScalarOp op, Scalar *a, Scalar *b)
{
    return scalar_2(cx->scalars, op, a, b);
}

/* 1/x + 1/(2 x^2) + 1/(6 x^3) - 1/(30 x^5) + 1/(42 x^7) */
static Scalar *trigamma_series(LowerCx *cx, Scalar *x)
{
    DType   d = x->dtype;
    Scalar *ii = scalar_1(cx->scalars, S_RECIPROCAL, two(cx, S_MUL, x, x)), *sum;
    sum = two(cx, S_SUB, number(cx, d, 1.0 / 30), two(cx, S_MUL, ii, number(cx, d, 1.0 / 42)));
    sum = two(cx, S_SUB, number(cx, d, 1.0 / 6), two(cx, S_MUL, ii, sum));
    Scalar *half = two(cx, S_DIV, number(cx, d, 0.5), x);
    sum = two(cx, S_ADD, two(cx, S_ADD, number(cx, d, 1), half), two(cx, S_MUL, ii, sum));
    return two(cx, S_DIV, sum, x);
}

/* Reflected below 1/2, six steps up, then the asymptotic series.  At the poles the sine of a
 * rounded multiple of pi decides, as in PyTorch (trigamma of aten/src/ATen/native/Math.h). */
static Scalar *trigamma(LowerCx *cx, Scalar *x)
{
    ScalarPool  *pool = cx->scalars;
    DType        d = x->dtype;
    const double pi = 3.14159265358979323846;
    Scalar      *below = two(cx, S_LT, x, number(cx, d, 0.5)), *one = number(cx, d, 1);
    Scalar      *sine = scalar_1(pool, S_SIN, two(cx, S_MUL, number(cx, d, pi), x));
    Scalar      *reflected = two(cx, S_DIV, number(cx, d, pi * pi), two(cx, S_MUL, sine, sine));
    Scalar      *z = scalar_select(pool, below, two(cx, S_SUB, one, x), x);
    Scalar      *sum = number(cx, d, 0);
    for (int i = 0; i < 6; i++) {
        sum = two(cx, S_ADD, sum, scalar_1(pool, S_RECIPROCAL, two(cx, S_MUL, z, z)));
        z = two(cx, S_ADD, z, one);
    }
    sum = two(cx, S_ADD, sum, trigamma_series(cx, z));
    return scalar_select(pool, below, two(cx, S_SUB, reflected, sum), sum);
}

/* (-1)^(n+1) n! zeta(n + 1, x) */
static Scalar *body_polygamma(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    int64_t n = node_int(node, "n");
    Scalar *x = in[schema_param(node->schema, "self")];
    if (n == 0)
        return scalar_1(cx->scalars, S_DIGAMMA, x);
    if (n == 1)
        return trigamma(cx, x);
    double  factorial = tgamma((double)n + 1);
    Scalar *zeta = two(cx, S_ZETA, number(cx, dtype, (double)(n + 1)), x);
    return two(cx, S_MUL, number(cx, dtype, n % 2 ? factorial : -factorial), zeta);
}

static Error *infer_polygamma(Node *node)
{
    int64_t n;
    TRY(shape_const_int(node, "n", &n));
    if (n < 0)
        return node_error(node, E_VALUE, "polygamma of order %lld", (long long)n);
    return infer_pointwise(node);
}

/* ---- frexp ----------------------------------------------------------------------------------- */
#define FREXP_MANTISSA "aotc::frexp_mantissa(Tensor self) -> Tensor"
#define FREXP_EXPONENT "aotc::frexp_exponent(Tensor self) -> Tensor"

typedef struct Parts {
    Scalar *bits;  /* of x, or of x times a power of 2 where it is subnormal */
    Scalar *shift; /* what that power adds to the exponent */
    Scalar *plain; /* false for 0, infinities and NaN */
    bool    is_double;
} Parts;

static Parts split_float(LowerCx *cx, Scalar *x)
{
    ScalarPool *pool = cx->scalars;
    bool        is_double = x->dtype == DT_F64;
    DType       bits = is_double ? DT_I64 : DT_I32;
    int         up = is_double ? 54 : 25;
    Scalar     *magnitude = scalar_1(pool, S_ABS, x);
    Scalar *tiny = two(cx, S_LT, magnitude, number(cx, x->dtype, is_double ? 0x1p-1022 : 0x1p-126));
    Scalar *scaled = two(cx, S_MUL, x, number(cx, x->dtype, ldexp(1, up)));
    Scalar *normal = scalar_select(pool, tiny, scaled, x);
    Scalar *zero = number(cx, x->dtype, 0), *top = number(cx, x->dtype, INFINITY);
    return (Parts){scalar_make(pool, S_BITCAST, bits, &normal, 1),
                   scalar_select(pool, tiny, scalar_int(pool, bits, up), scalar_int(pool, bits, 0)),
                   two(cx, S_AND, two(cx, S_GT, magnitude, zero), two(cx, S_LT, magnitude, top)),
                   is_double};
}

static Scalar *body_frexp_mantissa(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    (void)node, (void)dtype;
    ScalarPool *pool = cx->scalars;
    Scalar     *x = scalar_cast(pool, dtype_compute(in[0]->dtype), in[0]);
    Parts       p = split_float(cx, x);
    DType       d = p.bits->dtype;
    int64_t     keep = p.is_double ? ~((int64_t)0x7ff << 52) : ~((int64_t)0xff << 23),
            half = p.is_double ? (int64_t)1022 << 52 : (int64_t)126 << 23;
    Scalar *bits = two(cx, S_BITOR, two(cx, S_BITAND, p.bits, scalar_int(pool, d, keep)),
                       scalar_int(pool, d, half));
    return scalar_select(pool, p.plain, scalar_make(pool, S_BITCAST, x->dtype, &bits, 1), x);
}

static Scalar *body_frexp_exponent(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    (void)node, (void)dtype;
    ScalarPool *pool = cx->scalars;
    Parts       p = split_float(cx, scalar_cast(pool, dtype_compute(in[0]->dtype), in[0]));
    DType       d = p.bits->dtype;
    Scalar     *e = two(cx, S_SHR, p.bits, scalar_int(pool, d, p.is_double ? 52 : 23));
    e = two(cx, S_BITAND, e, scalar_int(pool, d, p.is_double ? 0x7ff : 0xff));
    e = two(cx, S_SUB, e, two(cx, S_ADD, scalar_int(pool, d, p.is_double ? 1022 : 126), p.shift));
    return scalar_cast(pool, DT_I32, scalar_select(pool, p.plain, e, scalar_int(pool, d, 0)));
}

static Error *infer_frexp_exponent(Node *node)
{
    const TensorType *t = shape_type(node, "self");
    shape_result(node, 0, DT_I32, t->sizes, t->rank);
    return NULL;
}

static Error *expand_frexp(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *x = node_tensor(node, "self");
    if (!dtype_is_float(x->type.dtype))
        return node_error(node, E_VALUE, "frexp of %s", dtype_name(x->type.dtype));
    Arg arg = arg_value(x);
    results[0] = build_internal(&b, FREXP_MANTISSA, &arg, 1);
    results[1] = build_internal(&b, FREXP_EXPONENT, &arg, 1);
    return b.error;
}

/* ---- integers -------------------------------------------------------------------------------- */
static Error *infer_divisor(Node *node)
{
    TRY(infer_pointwise(node));
    DType dtype = node_result_type(node, 0)->dtype;
    if (!dtype_is_int(dtype) || dtype == DT_U16 || dtype == DT_U32 || dtype == DT_U64)
        return node_error(node, E_VALUE, "%s of %s", node->schema->base, dtype_name(dtype));
    return NULL;
}

/* ---- rows ------------------------------------------------------------------------------------ */
#define SPECIAL(text, body_text, ...)                                                              \
    BODY_INFER("aten::special_" text " -> Tensor", INT_TO_FLOAT, NULL, body_text, __VA_ARGS__)
/* A polynomial of degree n at x; either may be a number. */
#define POLYNOMIAL(name, body_text)                                                                \
    SPECIAL(name "(Tensor x, Tensor n)", body_text),                                               \
        SPECIAL(name ".x_scalar(Scalar x, Tensor n)", body_text),                                  \
        SPECIAL(name ".n_scalar(Tensor x, Scalar n)", body_text)

const OpDesc special_ops[] = {
    SPECIAL("airy_ai(Tensor x)", "airy_ai(x)"),
    SPECIAL("bessel_j0(Tensor self)", "bessel_j0(self)"),
    SPECIAL("bessel_j1(Tensor self)", "bessel_j1(self)"),
    SPECIAL("bessel_y0(Tensor self)", "bessel_y0(self)"),
    SPECIAL("bessel_y1(Tensor self)", "bessel_y1(self)"),
    SPECIAL("modified_bessel_k0(Tensor self)", "bessel_k0(self)"),
    SPECIAL("modified_bessel_k1(Tensor self)", "bessel_k1(self)"),
    SPECIAL("scaled_modified_bessel_k0(Tensor x)", "bessel_k0e(x)"),
    SPECIAL("scaled_modified_bessel_k1(Tensor x)", "bessel_k1e(x)"),
    SPECIAL("erfcx(Tensor self)", "erfcx(self)"),
    SPECIAL("ndtri(Tensor self)", "ndtri(self)"),
    SPECIAL("log_ndtr(Tensor self)", "log_ndtr(self)"),
    SPECIAL("zeta(Tensor self, Tensor other)", "zeta(self, other)"),
    SPECIAL("zeta.self_scalar(Scalar self, Tensor other)", "zeta(self, other)"),
    SPECIAL("zeta.other_scalar(Tensor self, Scalar other)", "zeta(self, other)"),
    SPECIAL("gammainc(Tensor self, Tensor other)", "igamma(self, other)"),
    SPECIAL("gammaincc(Tensor self, Tensor other)", "igammac(self, other)"),
    BODY_INFER(
        "aten::igamma(Tensor self, Tensor other) -> Tensor", DEFAULT, NULL, "igamma(self, other)",
        .samples =
            "self=f32[3,5]@0.1..6 other=f32[3,5]@0..9 | self=f32[12]@[0.5,0,1,inf,-1,nan,30] "
            "other=f32[12]@[0,1,2,inf,20] | self=f64[6]@0.1..30 other=f64[6]@0..30 | "
            "self=bf16[3]@0.1..6 other=bf16[3]@0..9"),
    BODY_INFER(
        "aten::igammac(Tensor self, Tensor other) -> Tensor", DEFAULT, NULL, "igammac(self, other)",
        .samples =
            "self=f32[3,5]@0.1..6 other=f32[3,5]@0..9 | self=f32[12]@[0.5,0,1,inf,-1,nan,30] "
            "other=f32[12]@[0,1,2,inf,20] | self=f64[6]@0.1..30 other=f64[6]@0..30 | "
            "self=bf16[3]@0.1..6 other=bf16[3]@0..9"),

    POLYNOMIAL("chebyshev_polynomial_t", "chebyshev_t(x, n)"),
    POLYNOMIAL("chebyshev_polynomial_u", "chebyshev_u(x, n)"),
    POLYNOMIAL("chebyshev_polynomial_v", "chebyshev_v(x, n)"),
    POLYNOMIAL("chebyshev_polynomial_w", "chebyshev_w(x, n)"),
    POLYNOMIAL("shifted_chebyshev_polynomial_t", "chebyshev_t(sub(add(x, x), 1), n)"),
    POLYNOMIAL("shifted_chebyshev_polynomial_u", "chebyshev_u(sub(add(x, x), 1), n)"),
    POLYNOMIAL("shifted_chebyshev_polynomial_v", "chebyshev_v(sub(add(x, x), 1), n)"),
    POLYNOMIAL("shifted_chebyshev_polynomial_w", "chebyshev_w(sub(add(x, x), 1), n)"),
    POLYNOMIAL("hermite_polynomial_h", "hermite_h(x, n)"),
    POLYNOMIAL("hermite_polynomial_he", "hermite_he(x, n)"),
    POLYNOMIAL("laguerre_polynomial_l", "laguerre_l(x, n)"),
    POLYNOMIAL("legendre_polynomial_p", "legendre_p(x, n)"),

    BODY_FN("aten::polygamma(int n, Tensor self) -> Tensor", INT_TO_FLOAT, infer_polygamma,
            body_polygamma,
            .samples = "n=1 self=f32[6]@0.1..5 | n=0 self=f32[6]@0.1..5 | n=3 self=f64[5]@0.5..5 | "
                       "n=1 self=i64[4]@1..6 | ! n=-1 self=f32[2]"),
    BODY_FN("aten::special_polygamma(int n, Tensor self) -> Tensor", INT_TO_FLOAT, infer_polygamma,
            body_polygamma, .samples = "n=2 self=f32[6]@0.1..5"),

    {.schema = "aten::frexp.Tensor(Tensor self) -> (Tensor mantissa, Tensor exponent)",
     .kind = OP_COMPOSITE,
     .expand_fn = expand_frexp,
     .samples = "self=f32[3,5] | self=f32[6]@[0,-0,1,-8,0.75,1e-40] | self=f64[4] | self=f16[5] | "
                "! self=i64[2]"},
    BODY_FN(FREXP_MANTISSA, FIRST, NULL, body_frexp_mantissa),
    BODY_FN(FREXP_EXPONENT, NONE, infer_frexp_exponent, body_frexp_exponent),

    BODY_INFER(
        "aten::gcd(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_divisor,
        "gcd(self, other)",
        .samples =
            "self=i64[3,5] other=i64[5] | self=i32[6]@-30..30 other=i32[6]@-30..30 | self=u8[5] "
            "other=u8[5] | self=i64[0] other=i64[] | ! self=f32[2] other=f32[2]"),
    BODY_INFER(
        "aten::lcm(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_divisor,
        "select(eq(gcd(self, other), 0), 0, abs(mul(truncdiv(self, gcd(self, other)), other)))",
        .samples =
            "self=i64[3,5] other=i64[5] | self=i32[6]@-30..30 other=i32[6]@-30..30 | self=u8[5] "
            "other=u8[5] | self=i64[0] other=i64[] | ! self=f32[2] other=f32[2]"),
    {0},
};
