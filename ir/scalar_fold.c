/* Constants: what an operation on numbers gives in each dtype, as PyTorch computes it.
 *
 * In: CONST operands.  Out: a CONST, or NULL where the run shall decide.  Integers wrap; f32 is
 * computed in double and rounded once, which is exact for + - * / sqrt (53 >= 2*24 + 2 bits); f16,
 * bf16 and f8 round through f32. */
#include "ir/scalar_internal.h"

#include <math.h>
#include <string.h>

/* ---- numbers in a dtype ---------------------------------------------------------------------- */
int64_t scalar_wrap(DType dtype, int64_t value)
{
    switch (dtype) {
    case DT_BOOL:
        return value != 0;
    case DT_U8:
        return (uint8_t)value;
    case DT_I8:
        return (int8_t)value;
    case DT_I16:
        return (int16_t)value;
    case DT_I32:
        return (int32_t)value;
    case DT_U16:
        return (uint16_t)value;
    case DT_U32:
        return (uint32_t)value;
    default:
        return value; /* u64 keeps its bits */
    }
}

/* precision: bits with the hidden one; lowest: exponent of the smallest normal number. */
static double quantize(double x, int precision, int lowest, double largest, double beyond)
{
    if (isnan(x) || x == 0)
        return x;
    if (isinf(x))
        return copysign(beyond, x);
    int    e = ilogb(x);
    double step = ldexp(1, (e < lowest ? lowest : e) - (precision - 1));
    double r = nearbyint(x / step) * step;
    return fabs(r) > largest ? copysign(beyond, x) : copysign(r, x);
}

double scalar_round(DType dtype, double value)
{
    float f = (float)value;
    switch (dtype) {
    case DT_F32:
    case DT_C64:
        return f;
    case DT_F16:
        return quantize(f, 11, -14, 65504, INFINITY);
    case DT_BF16:
        return quantize(f, 8, -126, 0x1.fep127, INFINITY);
    case DT_F8E5M2:
        return quantize(f, 3, -14, 57344, INFINITY);
    case DT_F8E4M3: /* has no infinity: saturates */
        return quantize(f, 4, -6, 448, 448);
    default:
        return value;
    }
}

/* Bits of the largest integer up to which all are there. */
static int precision_of(DType dtype)
{
    switch (dtype) {
    case DT_F8E4M3:
        return 4;
    case DT_F8E5M2:
        return 3;
    case DT_F16:
        return 11;
    case DT_BF16:
        return 8;
    case DT_F32:
        return 24;
    case DT_F64:
        return 53;
    default:
        return 0;
    }
}

static bool float_holds_float(DType from, DType to)
{
    if (to == DT_F64 || (to == DT_F32 && from != DT_F64))
        return true;
    bool is_f8 = from == DT_F8E4M3 || from == DT_F8E5M2;
    return is_f8 && (to == DT_F16 || to == DT_BF16);
}

bool scalar_is_lossless(DType from, DType to)
{
    const DTypeInfo *a = dtype_info(from), *b = dtype_info(to);
    if (from == to)
        return true;
    if (a->is_complex || b->is_complex || to == DT_BOOL)
        return false;
    if (from == DT_BOOL)
        return true;
    if (a->is_float)
        return b->is_float && float_holds_float(from, to);
    int bits = 8 * a->size_bytes - a->is_signed;
    if (b->is_float)
        return bits <= precision_of(to);
    return (b->is_signed || !a->is_signed) && bits <= 8 * b->size_bytes - b->is_signed;
}

/* ---- casts ----------------------------------------------------------------------------------- */
static bool fits_int(DType dtype, double x)
{
    const DTypeInfo *info = dtype_info(dtype);
    double           top = ldexp(1, 8 * info->size_bytes - info->is_signed);
    x = trunc(x);
    return x < top && x >= (info->is_signed ? -top : 0);
}

Scalar *scalar_fold_cast(ScalarPool *pool, DType dtype, const Scalar *a)
{
    if (dtype_info(dtype)->is_complex || dtype_info(a->dtype)->is_complex)
        return NULL;
    if (!dtype_is_float(a->dtype)) {
        if (a->dtype == DT_U64 && a->i < 0 && dtype_is_float(dtype))
            return NULL;
        return scalar_int(pool, dtype, a->i);
    }
    if (dtype_is_float(dtype) || dtype == DT_BOOL)
        return scalar_float(pool, dtype, a->f);
    if (dtype == DT_U64 || !fits_int(dtype, a->f)) /* out of range: as the machine does it */
        return NULL;
    return scalar_int(pool, dtype, (int64_t)a->f);
}

static Scalar *fold_bitcast(ScalarPool *pool, DType dtype, const Scalar *a)
{
    if ((a->dtype == DT_I32 || a->dtype == DT_U32) && dtype == DT_F32) {
        uint32_t u = (uint32_t)a->i;
        float    f;
        memcpy(&f, &u, sizeof f);
        return isnan(f) ? NULL : scalar_float(pool, dtype, f);
    }
    if (a->dtype == DT_F32 && (dtype == DT_I32 || dtype == DT_U32) && !isnan(a->f)) {
        float    f = (float)a->f;
        uint32_t u;
        memcpy(&u, &f, sizeof u);
        return scalar_int(pool, dtype, u);
    }
    bool both_ints = dtype_is_int(a->dtype) && dtype_is_int(dtype);
    return both_ints && dtype_size(a->dtype) == dtype_size(dtype) ? scalar_int(pool, dtype, a->i)
                                                                  : NULL;
}

/* ---- integers -------------------------------------------------------------------------------- */
static int64_t int_power(int64_t base, int64_t exponent)
{
    if (exponent < 0)
        return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
    uint64_t r = 1, b = (uint64_t)base;
    for (; exponent; exponent >>= 1) {
        if (exponent & 1)
            r *= b;
        b *= b;
    }
    return (int64_t)r;
}

static bool divide_ints(ScalarOp op, DType dtype, int64_t a, int64_t b, int64_t *out)
{
    if (b == 0 || dtype == DT_BOOL)
        return false;
    if (dtype == DT_U64) {
        uint64_t x = (uint64_t)a, y = (uint64_t)b;
        *out = (int64_t)(op == S_FLOORDIV || op == S_TRUNCDIV ? x / y : x % y);
        return true;
    }
    if (b == -1) {
        *out = op == S_FLOORDIV || op == S_TRUNCDIV ? (int64_t)(0 - (uint64_t)a) : 0;
        return true;
    }
    int64_t q = a / b, r = a % b;
    bool    below = r && (r < 0) != (b < 0);
    *out = op == S_TRUNCDIV   ? q
           : op == S_FMOD     ? r
           : op == S_FLOORDIV ? q - below
           : below            ? r + b
                              : r;
    return true;
}

static int64_t shift(ScalarOp op, DType dtype, int64_t a, int64_t b)
{
    int  bits = 8 * dtype_size(dtype);
    bool beyond = b < 0 || b >= bits;
    if (op == S_SHL)
        return beyond ? 0 : (int64_t)((uint64_t)a << b);
    if (dtype == DT_U64)
        return beyond ? 0 : (int64_t)((uint64_t)a >> b);
    return a >> (beyond ? 63 : b);
}

static bool apply_ints(ScalarOp op, DType dtype, int64_t a, int64_t b, int64_t *out)
{
    uint64_t x = (uint64_t)a, y = (uint64_t)b;
    bool     a_less = dtype == DT_U64 ? x < y : a < b;
    switch (op) {
    case S_ADD:
        *out = (int64_t)(x + y);
        return true;
    case S_SUB:
        *out = (int64_t)(x - y);
        return dtype != DT_BOOL;
    case S_MUL:
        *out = (int64_t)(x * y);
        return true;
    case S_FLOORDIV:
    case S_TRUNCDIV:
    case S_MOD:
    case S_FMOD:
        return divide_ints(op, dtype, a, b, out);
    case S_POW:
        *out = int_power(a, b);
        return dtype != DT_U64;
    case S_MAXIMUM:
    case S_FMAX:
        *out = a_less ? b : a;
        return true;
    case S_MINIMUM:
    case S_FMIN:
        *out = a_less ? a : b;
        return true;
    case S_BITAND:
        *out = a & b;
        return true;
    case S_BITOR:
        *out = a | b;
        return true;
    case S_BITXOR:
        *out = a ^ b;
        return true;
    case S_SHL:
    case S_SHR:
        *out = shift(op, dtype, a, b);
        return dtype != DT_BOOL;
    default:
        return false;
    }
}

static bool apply_int(ScalarOp op, DType dtype, int64_t a, int64_t *out)
{
    bool is_unsigned = !dtype_info(dtype)->is_signed;
    switch (op) {
    case S_NEG:
        *out = (int64_t)(0 - (uint64_t)a);
        return dtype != DT_BOOL;
    case S_ABS:
        *out = a < 0 && !is_unsigned ? (int64_t)(0 - (uint64_t)a) : a;
        return true;
    case S_SIGN:
        *out = a == 0 ? 0 : a > 0 || is_unsigned ? 1 : -1;
        return true;
    case S_BITNOT:
        *out = dtype == DT_BOOL ? !a : ~a;
        return true;
    case S_CEIL:
    case S_FLOOR:
    case S_TRUNC:
    case S_ROUND:
        *out = a;
        return true;
    default:
        return false;
    }
}

/* ---- floats ---------------------------------------------------------------------------------- */
/* c10/util/generic_math.h: div_floor_floating */
static double float_floordiv(double a, double b)
{
    double mod = fmod(a, b), q = (a - mod) / b;
    if (mod != 0 && (b < 0) != (mod < 0))
        q -= 1;
    if (q == 0)
        return copysign(0, a / b);
    double low = floor(q);
    return q - low > 0.5 ? low + 1 : low;
}

static bool apply_floats(ScalarOp op, DType dtype, double a, double b, double *out)
{
    double mod;
    switch (op) {
    case S_ADD:
        *out = a + b;
        return true;
    case S_SUB:
        *out = a - b;
        return true;
    case S_MUL:
        *out = a * b;
        return true;
    case S_DIV:
        *out = a / b;
        return true;
    case S_FLOORDIV:
        *out = float_floordiv(a, b);
        return b != 0 &&
               fabs(*out) < 0x1p24; /* larger quotients depend on how f32 rounds on the way */
    case S_TRUNCDIV:
        *out = trunc(scalar_round(dtype, a / b));
        return true;
    case S_MOD:
        mod = fmod(a, b);
        *out = mod != 0 && (b < 0) != (mod < 0) ? mod + b : mod;
        return true;
    case S_FMOD:
        *out = fmod(a, b);
        return true;
    case S_POW:
        *out = pow(a, b);
        return true;
    case S_MAXIMUM:
        *out = isnan(a) || isnan(b) ? NAN : a > b ? a : b;
        return a != b; /* equal ones may be zeros of two signs */
    case S_MINIMUM:
        *out = isnan(a) || isnan(b) ? NAN : a < b ? a : b;
        return a != b;
    case S_FMAX:
        *out = fmax(a, b);
        return a != b;
    case S_FMIN:
        *out = fmin(a, b);
        return a != b;
    case S_ATAN2:
        *out = atan2(a, b);
        return true;
    case S_HYPOT:
        *out = hypot(a, b);
        return true;
    case S_COPYSIGN:
        *out = copysign(a, b);
        return true;
    default:
        return false;
    }
}

typedef double (*Unary)(double);

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double rsqrt(double x)
{
    return 1 / sqrt(x);
}

static double reciprocal(double x)
{
    return 1 / x;
}

static double negated(double x)
{
    return -x;
}

static double ndtr(double x)
{
    return erfc(x * -0.70710678118654752) / 2;
}

static double tanh_plus_1(double x)
{
    return 2 / (1 + exp(-2 * x));
}

static const Unary unary[S_COUNT] = {
    [S_NEG] = negated,     [S_ABS] = fabs,        [S_EXP] = exp,
    [S_EXP2] = exp2,       [S_EXPM1] = expm1,     [S_LOG] = log,
    [S_LOG2] = log2,       [S_LOG10] = log10,     [S_LOG1P] = log1p,
    [S_SQRT] = sqrt,       [S_RSQRT] = rsqrt,     [S_RECIPROCAL] = reciprocal,
    [S_SIN] = sin,         [S_COS] = cos,         [S_TAN] = tan,
    [S_ASIN] = asin,       [S_ACOS] = acos,       [S_ATAN] = atan,
    [S_SINH] = sinh,       [S_COSH] = cosh,       [S_TANH] = tanh,
    [S_ASINH] = asinh,     [S_ACOSH] = acosh,     [S_ATANH] = atanh,
    [S_ERF] = erf,         [S_ERFC] = erfc,       [S_LGAMMA] = lgamma,
    [S_SIGMOID] = sigmoid, [S_NDTR] = ndtr,       [S_TANH_PLUS_1] = tanh_plus_1,
    [S_EXP_TO_1] = exp,    [S_CEIL] = ceil,       [S_FLOOR] = floor,
    [S_TRUNC] = trunc,     [S_ROUND] = nearbyint,
};

static bool apply_float(ScalarOp op, double a, double *out)
{
    if (op == S_SIGN) {
        *out = (a > 0) - (a < 0);
        return !isnan(a);
    }
    if (!unary[op])
        return false;
    *out = unary[op](a);
    return true;
}

/* ---- truth ----------------------------------------------------------------------------------- */
static int order_of(const Scalar *a, const Scalar *b)
{
    if (dtype_is_float(a->dtype))
        return (a->f > b->f) - (a->f < b->f);
    if (a->dtype == DT_U64)
        return ((uint64_t)a->i > (uint64_t)b->i) - ((uint64_t)a->i < (uint64_t)b->i);
    return (a->i > b->i) - (a->i < b->i);
}

static bool truth_of(const Scalar *a)
{
    return dtype_is_float(a->dtype) ? a->f != 0 : a->i != 0;
}

static bool is_nan(const Scalar *a)
{
    return dtype_is_float(a->dtype) && isnan(a->f);
}

static bool compare(ScalarOp op, const Scalar *a, const Scalar *b)
{
    if (is_nan(a) || is_nan(b))
        return op == S_NE;
    int c = order_of(a, b);
    return op == S_EQ   ? c == 0
           : op == S_NE ? c != 0
           : op == S_LT ? c < 0
           : op == S_LE ? c <= 0
           : op == S_GT ? c > 0
                        : c >= 0;
}

static Scalar *fold_truth(ScalarPool *pool, ScalarOp op, Scalar *const *in)
{
    const Scalar *a = in[0];
    bool          is_float = dtype_is_float(a->dtype), value;
    switch (op) {
    case S_EQ:
    case S_NE:
    case S_LT:
    case S_LE:
    case S_GT:
    case S_GE:
        value = compare(op, a, in[1]);
        break;
    case S_AND:
        value = truth_of(a) && truth_of(in[1]);
        break;
    case S_OR:
        value = truth_of(a) || truth_of(in[1]);
        break;
    case S_XOR:
        value = truth_of(a) != truth_of(in[1]);
        break;
    case S_NOT:
        value = !truth_of(a);
        break;
    case S_ISNAN:
        value = is_nan(a);
        break;
    case S_ISINF:
        value = is_float && isinf(a->f);
        break;
    case S_SIGNBIT:
        value = is_float ? signbit(a->f) != 0 : dtype_info(a->dtype)->is_signed && a->i < 0;
        break;
    default:
        return NULL;
    }
    return scalar_int(pool, DT_BOOL, value);
}

Scalar *scalar_fold(ScalarPool *pool, ScalarOp op, DType dtype, Scalar *const *in, int n)
{
    DType   from = in[0]->dtype;
    int64_t i;
    double  f;
    for (int k = 0; k < n; k++)
        if (dtype_info(in[k]->dtype)->is_complex)
            return NULL;
    if (op == S_BITCAST)
        return fold_bitcast(pool, dtype, in[0]);
    if (scalar_op_result(op) == 'b')
        return fold_truth(pool, op, in);
    if (op == S_SELECT || scalar_is_random(op))
        return NULL; /* the rules choose an arm; a run draws */
    if (dtype_is_float(from)) {
        bool ok = false;
        if (n == 1)
            ok = apply_float(op, in[0]->f, &f);
        else if (n == 2)
            ok = apply_floats(op, dtype, in[0]->f, in[1]->f, &f);
        else if (op == S_FMA)
            f = from == DT_F64 ? fma(in[0]->f, in[1]->f, in[2]->f)
                               : fmaf((float)in[0]->f, (float)in[1]->f, (float)in[2]->f),
            ok = true;
        return ok ? scalar_float(pool, dtype, f) : NULL;
    }
    bool ok = n == 1 ? apply_int(op, dtype, in[0]->i, &i)
                     : n == 2 && apply_ints(op, dtype, in[0]->i, in[1]->i, &i);
    return ok ? scalar_int(pool, dtype, i) : NULL;
}
