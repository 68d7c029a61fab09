/* Arithmetic and functions of complex numbers as real operators on their parts.
 *
 *   (a + bi)(c + di)    becomes   ac - bd,  ad + bc
 *
 * Formulas that lose nothing where a part is small: W. Kahan, "Branch cuts for complex elementary
 * functions", 1987. */
#include "passes/complex.h"

#include <math.h>
#include <string.h>

#define LN2 0.69314718055994530942
#define LN10 2.30258509299404568402
#define PI 3.14159265358979323846

/* ---- building -------------------------------------------------------------------------------- */

Value *cx_1(Complexify *c, const char *op, Value *a)
{
    return c->b.error || !a ? NULL : BUILD(&c->b, op, arg_value(a));
}

Value *cx_2(Complexify *c, const char *op, Value *a, Value *b)
{
    return c->b.error || !a || !b ? NULL : BUILD(&c->b, op, arg_value(a), arg_value(b));
}

Value *cx_number(Complexify *c, const char *op, Value *a, double number)
{
    return c->b.error || !a ? NULL : BUILD(&c->b, op, arg_value(a), arg_float(number));
}

Value *cx_add(Complexify *c, Value *a, Value *b)
{
    return cx_2(c, "aten.add.Tensor", a, b);
}

Value *cx_sub(Complexify *c, Value *a, Value *b)
{
    return cx_2(c, "aten.sub.Tensor", a, b);
}

Value *cx_mul(Complexify *c, Value *a, Value *b)
{
    return cx_2(c, "aten.mul.Tensor", a, b);
}

Value *cx_div(Complexify *c, Value *a, Value *b)
{
    return cx_2(c, "aten.div.Tensor", a, b);
}

Value *cx_neg(Complexify *c, Value *a)
{
    return cx_1(c, "aten.neg.default", a);
}

Value *cx_scale(Complexify *c, Value *a, double factor)
{
    return cx_number(c, "aten.mul.Scalar", a, factor);
}

Value *cx_where(Complexify *c, Value *condition, Value *a, Value *b)
{
    if (c->b.error || !condition || !a || !b)
        return NULL;
    return BUILD(&c->b, "aten.where.self", arg_value(condition), arg_value(a), arg_value(b));
}

Value *cx_zero(Complexify *c, Value *like)
{
    return cx_1(c, "aten.zeros_like.default", like);
}

Value *cx_im(Complexify *c, Pair a)
{
    return a.im ? a.im : cx_zero(c, a.re);
}

Value *cx_stack(Complexify *c, Pair a)
{
    Value *parts[2] = {a.re, cx_im(c, a)};
    if (c->b.error)
        return NULL;
    return BUILD(&c->b, "aten.stack.default", arg_values(c->graph, parts, 2),
                 arg_int(c->graph, -1));
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

static Value *sum_of(Complexify *c, Value *a, Value *b)
{
    return a && b ? cx_add(c, a, b) : a ? a : b;
}

static Value *difference(Complexify *c, Value *a, Value *b)
{
    return !b ? a : a ? cx_sub(c, a, b) : cx_neg(c, b);
}

/* A part of one operand alone still has the sizes of both. */
static Value *broadcast_im(Complexify *c, Value *im, Pair a, Pair b)
{
    if (!im || c->b.error || (a.im && b.im))
        return im;
    Pair other = a.im ? b : a;
    return cx_add(c, im, cx_zero(c, other.re));
}

Pair pair_add(Complexify *c, Pair a, Pair b)
{
    Value *im = sum_of(c, a.im, b.im);
    return (Pair){cx_add(c, a.re, b.re), broadcast_im(c, im, a, b)};
}

Pair pair_sub(Complexify *c, Pair a, Pair b)
{
    Value *im = difference(c, a.im, b.im);
    return (Pair){cx_sub(c, a.re, b.re), broadcast_im(c, im, a, b)};
}

Pair pair_mul(Complexify *c, Pair a, Pair b)
{
    Value *re = cx_mul(c, a.re, b.re);
    if (a.im && b.im)
        re = cx_sub(c, re, cx_mul(c, a.im, b.im));
    Value *x = b.im ? cx_mul(c, a.re, b.im) : NULL;
    return (Pair){re, sum_of(c, x, a.im ? cx_mul(c, a.im, b.re) : NULL)};
}

/* R. L. Smith, "Algorithm 116: Complex division", 1962, with both branches computed. */
Pair pair_div(Complexify *c, Pair a, Pair b)
{
    if (!b.im)
        return (Pair){cx_div(c, a.re, b.re), a.im ? cx_div(c, a.im, b.re) : NULL};
    Value *x = cx_1(c, "aten.abs.default", b.re), *y = cx_1(c, "aten.abs.default", b.im);
    Value *wide = cx_2(c, "aten.ge.Tensor", x, y); /* |re| >= |im| */
    Value *big = cx_where(c, wide, b.re, b.im), *small = cx_where(c, wide, b.im, b.re);
    Value *none = c->b.error ? NULL : cx_number(c, "aten.eq.Scalar", big, 0);
    Value *ratio = cx_where(c, none, cx_zero(c, big), cx_div(c, small, big));
    Value *below = cx_add(c, big, cx_mul(c, small, ratio));
    Value *im = cx_im(c, a);
    Value *re_1 = cx_add(c, a.re, cx_mul(c, im, ratio)),
          *im_1 = cx_sub(c, im, cx_mul(c, a.re, ratio));
    Value *re_2 = cx_add(c, cx_mul(c, a.re, ratio), im),
          *im_2 = cx_sub(c, cx_mul(c, im, ratio), a.re);
    return (Pair){cx_div(c, cx_where(c, wide, re_1, re_2), below),
                  cx_div(c, cx_where(c, wide, im_1, im_2), below)};
}

Pair pair_neg(Complexify *c, Pair a)
{
    return (Pair){cx_neg(c, a.re), a.im ? cx_neg(c, a.im) : NULL};
}

Pair pair_conj(Complexify *c, Pair a)
{
    return (Pair){a.re, a.im ? cx_neg(c, a.im) : NULL};
}

Value *pair_abs(Complexify *c, Pair a)
{
    return a.im ? cx_2(c, "aten.hypot.default", a.re, a.im) : cx_1(c, "aten.abs.default", a.re);
}

Value *pair_angle(Complexify *c, Pair a)
{
    return cx_2(c, "aten.atan2.default", cx_im(c, a), a.re);
}

Value *pair_is_nonzero(Complexify *c, Pair a)
{
    Value *re = cx_number(c, "aten.ne.Scalar", a.re, 0);
    return a.im ? cx_2(c, "aten.logical_or.default", re, cx_number(c, "aten.ne.Scalar", a.im, 0))
                : re;
}

static Pair pair_scale(Complexify *c, Pair a, double factor)
{
    return (Pair){cx_scale(c, a.re, factor), a.im ? cx_scale(c, a.im, factor) : NULL};
}

static Pair plus_one(Complexify *c, Pair a, double one)
{
    return (Pair){cx_number(c, "aten.add.Scalar", a.re, one), a.im};
}

static Pair times_i(Complexify *c, Pair a) /* i (x + yi) = -y + xi */
{
    return (Pair){cx_neg(c, cx_im(c, a)), a.re};
}

static Pair over_i(Complexify *c, Pair a) /* (x + yi) / i = y - xi */
{
    return (Pair){cx_im(c, a), cx_neg(c, a.re)};
}

/* ---- exponentials and powers ----------------------------------------------------------------- */

static Pair f_exp(Complexify *c, Pair a)
{
    Value *size = cx_1(c, "aten.exp.default", a.re), *y = cx_im(c, a);
    return (Pair){cx_mul(c, size, cx_1(c, "aten.cos.default", y)),
                  cx_mul(c, size, cx_1(c, "aten.sin.default", y))};
}

static Pair f_exp2(Complexify *c, Pair a)
{
    return f_exp(c, pair_scale(c, a, LN2));
}

/* exp(x) cos y - 1 = expm1(x) cos y - 2 sin(y/2)^2 */
static Pair f_expm1(Complexify *c, Pair a)
{
    Value *y = cx_im(c, a), *half = cx_1(c, "aten.sin.default", cx_scale(c, y, 0.5));
    Value *re = cx_mul(c, cx_1(c, "aten.expm1.default", a.re), cx_1(c, "aten.cos.default", y));
    re = cx_sub(c, re, cx_scale(c, cx_mul(c, half, half), 2));
    return (Pair){re, cx_mul(c, cx_1(c, "aten.exp.default", a.re), cx_1(c, "aten.sin.default", y))};
}

static Pair f_log(Complexify *c, Pair a)
{
    return (Pair){cx_1(c, "aten.log.default", pair_abs(c, a)), pair_angle(c, a)};
}

static Pair f_log2(Complexify *c, Pair a)
{
    return pair_scale(c, f_log(c, a), 1 / LN2);
}

static Pair f_log10(Complexify *c, Pair a)
{
    return pair_scale(c, f_log(c, a), 1 / LN10);
}

/* |1 + z|^2 - 1 = x (2 + x) + y^2 where |z| is small */
static Pair f_log1p(Complexify *c, Pair a)
{
    Value *y = cx_im(c, a), *x_2 = cx_number(c, "aten.add.Scalar", a.re, 2);
    Value *excess = cx_add(c, cx_mul(c, a.re, x_2), cx_mul(c, y, y));
    Value *near = cx_scale(c, cx_1(c, "aten.log1p.default", excess), 0.5);
    Pair   far = f_log(c, plus_one(c, a, 1));
    Value *is_near = cx_number(c, "aten.lt.Scalar", pair_abs(c, a), 0.5);
    return (Pair){cx_where(c, is_near, near, far.re), far.im};
}

/* t = sqrt((|x| + |z|) / 2), and the other part is y / 2t */
static Pair f_sqrt(Complexify *c, Pair a)
{
    Value *y = cx_im(c, a), *x = cx_1(c, "aten.abs.default", a.re);
    Value *t = cx_1(c, "aten.sqrt.default", cx_scale(c, cx_add(c, x, pair_abs(c, a)), 0.5));
    Value *none = cx_number(c, "aten.eq.Scalar", t, 0);
    Value *other = cx_where(c, none, y, cx_div(c, y, cx_scale(c, t, 2)));
    Value *right = cx_number(c, "aten.ge.Scalar", a.re, 0);
    Value *re = cx_where(c, right, t, cx_1(c, "aten.abs.default", other));
    return (Pair){re, cx_where(c, right, other, cx_2(c, "aten.copysign.Tensor", t, y))};
}

static Pair one_over(Complexify *c, Pair a)
{
    Value *one = cx_1(c, "aten.ones_like.default", a.re);
    return pair_div(c, (Pair){one, NULL}, a);
}

static Pair f_rsqrt(Complexify *c, Pair a)
{
    return one_over(c, f_sqrt(c, a));
}

static Pair f_square(Complexify *c, Pair a)
{
    return pair_mul(c, a, a);
}

/* exp(b log a); 0 to the power of 0 is 1, to others 0. */
Pair pair_pow(Complexify *c, Pair a, Pair b)
{
    Pair   power = f_exp(c, pair_mul(c, b, f_log(c, a)));
    Value *is_zero = cx_1(c, "aten.logical_not.default", pair_is_nonzero(c, a));
    Value *to_zero = cx_1(c, "aten.logical_not.default", pair_is_nonzero(c, b));
    Value *at_zero = c->b.error ? NULL : build_cast(&c->b, to_zero, c->real);
    Value *re = cx_where(c, is_zero, at_zero, power.re);
    return (Pair){re, cx_where(c, is_zero, cx_zero(c, power.re), cx_im(c, power))};
}

/* log1p(exp(b - a)) + a with the larger real part in a; two of -inf or +inf take no difference. */
Pair pair_log_add_exp(Complexify *c, Pair a, Pair b)
{
    a.im = cx_im(c, a), b.im = cx_im(c, b);
    Value *swap = cx_2(c, "aten.lt.Tensor", a.re, b.re);
    Pair   most = {cx_where(c, swap, b.re, a.re), cx_where(c, swap, b.im, a.im)};
    Pair   least = {cx_where(c, swap, a.re, b.re), cx_where(c, swap, a.im, b.im)};
    Pair   sum = pair_add(c, f_log1p(c, f_exp(c, pair_sub(c, least, most))), most);
    Value *is_same = cx_2(c, "aten.eq.Tensor", most.re, least.re);
    Value *is_none = cx_2(c, "aten.logical_and.default", is_same,
                          cx_number(c, "aten.eq.Scalar", most.re, -INFINITY));
    Value *is_all = cx_2(c, "aten.logical_and.default", is_same,
                         cx_number(c, "aten.eq.Scalar", most.re, INFINITY));
    Pair   all = f_log(c, pair_add(c, f_exp(c, most), f_exp(c, least)));
    sum = (Pair){cx_where(c, is_none, least.re, sum.re), cx_where(c, is_none, least.im, sum.im)};
    return (Pair){cx_where(c, is_all, all.re, sum.re), cx_where(c, is_all, all.im, sum.im)};
}

/* ---- trigonometric and hyperbolic ------------------------------------------------------------ */

static Pair f_sinh(Complexify *c, Pair a)
{
    Value *y = cx_im(c, a);
    return (Pair){cx_mul(c, cx_1(c, "aten.sinh.default", a.re), cx_1(c, "aten.cos.default", y)),
                  cx_mul(c, cx_1(c, "aten.cosh.default", a.re), cx_1(c, "aten.sin.default", y))};
}

static Pair f_cosh(Complexify *c, Pair a)
{
    Value *y = cx_im(c, a);
    return (Pair){cx_mul(c, cx_1(c, "aten.cosh.default", a.re), cx_1(c, "aten.cos.default", y)),
                  cx_mul(c, cx_1(c, "aten.sinh.default", a.re), cx_1(c, "aten.sin.default", y))};
}

/* Kahan's ctanh: with t = tan y, s = sinh x: (beta rho s + it) / (1 + beta s^2), beta = 1 + t^2,
 * rho = sqrt(1 + s^2); beyond |x| = 11 (f64: 20) the real part is 1. */
static Pair f_tanh(Complexify *c, Pair a)
{
    double limit = c->real == DT_F64 ? 20 : 11;
    Value *y = cx_im(c, a), *x = c->b.error ? NULL
                                            : BUILD(&c->b, "aten.clamp.default", arg_value(a.re),
                                                    arg_float(-limit), arg_float(limit));
    Value *t = cx_1(c, "aten.tan.default", y), *s = cx_1(c, "aten.sinh.default", x);
    Value *beta = cx_number(c, "aten.add.Scalar", cx_mul(c, t, t), 1);
    Value *rho = cx_1(c, "aten.cosh.default", x);
    Value *below = cx_number(c, "aten.add.Scalar", cx_mul(c, beta, cx_mul(c, s, s)), 1);
    return (Pair){cx_div(c, cx_mul(c, cx_mul(c, beta, rho), s), below), cx_div(c, t, below)};
}

static Pair f_sin(Complexify *c, Pair a)
{
    return over_i(c, f_sinh(c, times_i(c, a)));
}

static Pair f_cos(Complexify *c, Pair a)
{
    return f_cosh(c, times_i(c, a));
}

static Pair f_tan(Complexify *c, Pair a)
{
    return over_i(c, f_tanh(c, times_i(c, a)));
}

static Value *asinh_of_im(Complexify *c, Pair a)
{
    return cx_1(c, "aten.asinh.default", cx_im(c, a));
}

static Pair f_asin(Complexify *c, Pair a)
{
    Pair   low = f_sqrt(c, plus_one(c, pair_neg(c, a), 1)), high = f_sqrt(c, plus_one(c, a, 1));
    Value *re = cx_2(c, "aten.atan2.default", a.re, pair_mul(c, low, high).re);
    return (Pair){re, asinh_of_im(c, pair_mul(c, pair_conj(c, low), high))};
}

static Pair f_acos(Complexify *c, Pair a)
{
    Pair   low = f_sqrt(c, plus_one(c, pair_neg(c, a), 1)), high = f_sqrt(c, plus_one(c, a, 1));
    Value *re = cx_scale(c, cx_2(c, "aten.atan2.default", low.re, high.re), 2);
    return (Pair){re, asinh_of_im(c, pair_mul(c, pair_conj(c, high), low))};
}

static Pair f_acosh(Complexify *c, Pair a)
{
    Pair   low = f_sqrt(c, plus_one(c, a, -1)), high = f_sqrt(c, plus_one(c, a, 1));
    Value *re = cx_1(c, "aten.asinh.default", pair_mul(c, pair_conj(c, low), high).re);
    return (Pair){re, cx_scale(c, cx_2(c, "aten.atan2.default", cx_im(c, low), high.re), 2)};
}

static Pair f_asinh(Complexify *c, Pair a)
{
    return over_i(c, f_asin(c, times_i(c, a)));
}

/* re = log1p(4 |x| / ((1 - |x|)^2 + y^2)) / 4 with the sign of x, im = atan2(2y, (1 - x)(1 + x) -
 * y^2) / 2 */
static Pair f_atanh(Complexify *c, Pair a)
{
    Value *y = cx_im(c, a), *square = cx_mul(c, y, y), *x = cx_1(c, "aten.abs.default", a.re);
    Value *low = cx_number(c, "aten.add.Scalar", cx_neg(c, x), 1);
    Value *high = cx_number(c, "aten.add.Scalar", x, 1);
    Value *below = cx_add(c, cx_mul(c, low, low), square);
    Value *re = cx_1(c, "aten.log1p.default", cx_div(c, cx_scale(c, x, 4), below));
    Value *im =
        cx_2(c, "aten.atan2.default", cx_scale(c, y, 2), cx_sub(c, cx_mul(c, low, high), square));
    re = cx_2(c, "aten.copysign.Tensor", cx_scale(c, re, 0.25), a.re);
    return (Pair){re, cx_scale(c, im, 0.5)};
}

static Pair f_atan(Complexify *c, Pair a)
{
    return over_i(c, f_atanh(c, times_i(c, a)));
}

/* ---- others ---------------------------------------------------------------------------------- */

static Pair f_sigmoid(Complexify *c, Pair a)
{
    return one_over(c, plus_one(c, f_exp(c, pair_neg(c, a)), 1));
}

static Pair f_silu(Complexify *c, Pair a)
{
    return pair_mul(c, a, f_sigmoid(c, a));
}

static Pair f_sinc(Complexify *c, Pair a)
{
    Pair   turn = pair_scale(c, a, PI), out = pair_div(c, f_sin(c, turn), turn);
    Value *any = pair_is_nonzero(c, a);
    Value *re = cx_where(c, any, out.re, cx_1(c, "aten.ones_like.default", out.re));
    return (Pair){re, cx_where(c, any, out.im, cx_zero(c, out.re))};
}

static Pair f_sgn(Complexify *c, Pair a)
{
    Value *size = pair_abs(c, a), *any = cx_number(c, "aten.ne.Scalar", size, 0), *y = cx_im(c, a);
    Value *zero = cx_zero(c, size);
    return (Pair){cx_where(c, any, cx_div(c, a.re, size), zero),
                  cx_where(c, any, cx_div(c, y, size), zero)};
}

static Pair f_same(Complexify *c, Pair a)
{
    (void)c;
    return a;
}

PairFunction pair_function(const char *base)
{
    static const struct {
        const char  *base;
        PairFunction function;
    } table[] = {
        {"neg", pair_neg},
        {"negative", pair_neg},
        {"conj", pair_conj},
        {"_conj", pair_conj},
        {"conj_physical", pair_conj},
        {"_conj_physical", pair_conj},
        {"resolve_conj", f_same},
        {"resolve_neg", f_same},
        {"positive", f_same},
        {"exp", f_exp},
        {"exp2", f_exp2},
        {"expm1", f_expm1},
        {"log", f_log},
        {"log2", f_log2},
        {"log10", f_log10},
        {"log1p", f_log1p},
        {"sqrt", f_sqrt},
        {"rsqrt", f_rsqrt},
        {"reciprocal", one_over},
        {"square", f_square},
        {"sin", f_sin},
        {"cos", f_cos},
        {"tan", f_tan},
        {"sinh", f_sinh},
        {"cosh", f_cosh},
        {"tanh", f_tanh},
        {"asin", f_asin},
        {"acos", f_acos},
        {"atan", f_atan},
        {"asinh", f_asinh},
        {"acosh", f_acosh},
        {"atanh", f_atanh},
        {"sigmoid", f_sigmoid},
        {"silu", f_silu},
        {"sinc", f_sinc},
        {"sgn", f_sgn},
        {"arcsin", f_asin},
        {"arccos", f_acos},
        {"arctan", f_atan},
        {"arcsinh", f_asinh},
        {"arccosh", f_acosh},
        {"arctanh", f_atanh},
        {"special_expm1", f_expm1},
        {"special_exp2", f_exp2},
        {"special_sinc", f_sinc},
        {"special_log1p", f_log1p},
        {"special_expit", f_sigmoid},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(table[i].base, base))
            return table[i].function;
    return NULL;
}
