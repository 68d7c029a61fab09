/* C spelling of Scalars; expressions are in cfamily_expr.c.
 *
 * In: one node of the vocabulary and the texts of its operands.  Out: its text: add(x, y) -> "(x +
 * y)". The table has a row for every ScalarOp; an empty column means that the op does not exist for
 * that kind. */
#include "emit_c/cfamily.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Placeholders: $0 $1 $2 operands; $t register type; $u unsigned type that computes it; $n bits; $s
 * name of the function family: f32, f64, and i32 i64 u32 u64 (8 and 16-bit integers are computed as
 * i32). */
typedef struct Spelling {
    const char *of_float, *of_int, *of_bool;
    bool        wants_variables; /* operands stand under a condition or twice */
} Spelling;

#define FUNCTION_1(f) "aotc_" f "_$s($0)"
#define FUNCTION_2(f) "aotc_" f "_$s($0, $1)"
#define WRAP(operator) "($t)(($u)$0 " operator" ($u)$1)"
#define INT_2(f) "($t)aotc_" f "_$s($0, $1)"

static const Spelling spellings[S_COUNT] = {
    [S_ADD] = {"($0 + $1)", WRAP("+"), "($0 | $1)", false},
    [S_SUB] = {"($0 - $1)", WRAP("-"), "($0 ^ $1)", false},
    [S_MUL] = {"($0 * $1)", WRAP("*"), "($0 & $1)", false},
    [S_DIV] = {"($0 / $1)", NULL, NULL, false},
    [S_FLOORDIV] = {FUNCTION_2("floordiv"), INT_2("floordiv"), NULL, false},
    [S_TRUNCDIV] = {"aotc_trunc_$s($0 / $1)", INT_2("truncdiv"), NULL, false},
    [S_MOD] = {FUNCTION_2("mod"), INT_2("mod"), NULL, false},
    [S_FMOD] = {FUNCTION_2("fmod"), INT_2("fmod"), NULL, false},
    [S_POW] = {FUNCTION_2("pow"), INT_2("pow"), "($0 | ($1 ^ 1))", false},
    [S_MAXIMUM] = {FUNCTION_2("maximum"), INT_2("max"), "($0 | $1)", false},
    [S_MINIMUM] = {FUNCTION_2("minimum"), INT_2("min"), "($0 & $1)", false},
    [S_FMAX] = {FUNCTION_2("fmax"), INT_2("max"), "($0 | $1)", false},
    [S_FMIN] = {FUNCTION_2("fmin"), INT_2("min"), "($0 & $1)", false},
    [S_FMA] = {"($0 * $1 + $2)", "($t)(($u)$0 * ($u)$1 + ($u)$2)", "(($0 & $1) | $2)", false},
    [S_NEG] = {"(-$0)", "($t)(0u - ($u)$0)", NULL, false},
    [S_ABS] = {FUNCTION_1("abs"), "($t)aotc_abs_$s($0)", "$0", false},
    [S_SIGN] = {FUNCTION_1("sign"), "($t)aotc_sign_$s($0)", "$0", false},
    [S_EXP] = {FUNCTION_1("exp"), NULL, NULL, false},
    [S_EXP2] = {FUNCTION_1("exp2"), NULL, NULL, false},
    [S_EXPM1] = {FUNCTION_1("expm1"), NULL, NULL, false},
    [S_LOG] = {FUNCTION_1("log"), NULL, NULL, false},
    [S_LOG2] = {FUNCTION_1("log2"), NULL, NULL, false},
    [S_LOG10] = {FUNCTION_1("log10"), NULL, NULL, false},
    [S_LOG1P] = {FUNCTION_1("log1p"), NULL, NULL, false},
    [S_SQRT] = {FUNCTION_1("sqrt"), NULL, NULL, false},
    [S_RSQRT] = {FUNCTION_1("rsqrt"), NULL, NULL, false},
    [S_RECIPROCAL] = {"(1 / $0)", NULL, NULL, false},
    [S_SIN] = {FUNCTION_1("sin"), NULL, NULL, false},
    [S_COS] = {FUNCTION_1("cos"), NULL, NULL, false},
    [S_TAN] = {FUNCTION_1("tan"), NULL, NULL, false},
    [S_ASIN] = {FUNCTION_1("asin"), NULL, NULL, false},
    [S_ACOS] = {FUNCTION_1("acos"), NULL, NULL, false},
    [S_ATAN] = {FUNCTION_1("atan"), NULL, NULL, false},
    [S_ATAN2] = {FUNCTION_2("atan2"), NULL, NULL, false},
    [S_SINH] = {FUNCTION_1("sinh"), NULL, NULL, false},
    [S_COSH] = {FUNCTION_1("cosh"), NULL, NULL, false},
    [S_TANH] = {FUNCTION_1("tanh"), NULL, NULL, false},
    [S_ASINH] = {FUNCTION_1("asinh"), NULL, NULL, false},
    [S_ACOSH] = {FUNCTION_1("acosh"), NULL, NULL, false},
    [S_ATANH] = {FUNCTION_1("atanh"), NULL, NULL, false},
    [S_ERF] = {FUNCTION_1("erf"), NULL, NULL, false},
    [S_ERFC] = {FUNCTION_1("erfc"), NULL, NULL, false},
    [S_NDTR] = {FUNCTION_1("ndtr"), NULL, NULL, false},
    [S_TANH_PLUS_1] = {FUNCTION_1("tanh_plus_1"), NULL, NULL, false},
    [S_EXP_TO_1] = {FUNCTION_1("exp_to_1"), NULL, NULL, false},
    [S_ERFINV] = {FUNCTION_1("erfinv"), NULL, NULL, false},
    [S_LGAMMA] = {FUNCTION_1("lgamma"), NULL, NULL, false},
    [S_DIGAMMA] = {FUNCTION_1("digamma"), NULL, NULL, false},
    [S_SIGMOID] = {FUNCTION_1("sigmoid"), NULL, NULL, false},
    [S_HYPOT] = {FUNCTION_2("hypot"), NULL, NULL, false},
    [S_COPYSIGN] = {FUNCTION_2("copysign"), NULL, NULL, false},
    [S_NEXTAFTER] = {FUNCTION_2("nextafter"), NULL, NULL, false},
    [S_CEIL] = {FUNCTION_1("ceil"), "$0", "$0", false},
    [S_FLOOR] = {FUNCTION_1("floor"), "$0", "$0", false},
    [S_TRUNC] = {FUNCTION_1("trunc"), "$0", "$0", false},
    [S_ROUND] = {FUNCTION_1("round"), "$0", "$0", false},
    [S_BITAND] = {NULL, "($t)($0 & $1)", "($0 & $1)", false},
    [S_BITOR] = {NULL, "($t)($0 | $1)", "($0 | $1)", false},
    [S_BITXOR] = {NULL, "($t)($0 ^ $1)", "($0 ^ $1)", false},
    [S_BITNOT] = {NULL, "($t)(~$0)", "($0 ^ 1)", false},
    [S_SHL] = {NULL, "($t)aotc_shl_$s($0, $1, $n)", NULL, false},
    [S_SHR] = {NULL, "($t)aotc_shr_$s($0, $1, $n)", NULL, false},
    [S_EQ] = {"($0 == $1)", "($0 == $1)", "($0 == $1)", false},
    [S_NE] = {"($0 != $1)", "($0 != $1)", "($0 != $1)", false},
    [S_LT] = {"($0 < $1)", "($0 < $1)", "($0 < $1)", false},
    [S_LE] = {"($0 <= $1)", "($0 <= $1)", "($0 <= $1)", false},
    [S_GT] = {"($0 > $1)", "($0 > $1)", "($0 > $1)", false},
    [S_GE] = {"($0 >= $1)", "($0 >= $1)", "($0 >= $1)", false},
    [S_AND] = {"(($0 != 0) & ($1 != 0))", "(($0 != 0) & ($1 != 0))", "($0 & $1)", false},
    [S_OR] = {"(($0 != 0) | ($1 != 0))", "(($0 != 0) | ($1 != 0))", "($0 | $1)", false},
    [S_XOR] = {"(($0 != 0) ^ ($1 != 0))", "(($0 != 0) ^ ($1 != 0))", "($0 ^ $1)", false},
    [S_NOT] = {"($0 == 0)", "($0 == 0)", "($0 ^ 1)", false},
    [S_ISNAN] = {FUNCTION_1("isnan"), "0", "0", false},
    [S_ISINF] = {FUNCTION_1("isinf"), "0", "0", false},
    [S_SIGNBIT] = {FUNCTION_1("signbit"), "($0 < 0)", "0", false},
    [S_SELECT] = {"($0 ? $1 : $2)", "($0 ? $1 : $2)", "($0 ? $1 : $2)", true},
    [S_BESSEL_J0] = {FUNCTION_1("bessel_j0"), NULL, NULL, false},
    [S_BESSEL_J1] = {FUNCTION_1("bessel_j1"), NULL, NULL, false},
    [S_BESSEL_Y0] = {FUNCTION_1("bessel_y0"), NULL, NULL, false},
    [S_BESSEL_Y1] = {FUNCTION_1("bessel_y1"), NULL, NULL, false},
    [S_BESSEL_K0] = {FUNCTION_1("bessel_k0"), NULL, NULL, false},
    [S_BESSEL_K1] = {FUNCTION_1("bessel_k1"), NULL, NULL, false},
    [S_BESSEL_K0E] = {FUNCTION_1("bessel_k0e"), NULL, NULL, false},
    [S_BESSEL_K1E] = {FUNCTION_1("bessel_k1e"), NULL, NULL, false},
    [S_AIRY_AI] = {FUNCTION_1("airy_ai"), NULL, NULL, false},
    [S_NDTRI] = {FUNCTION_1("ndtri"), NULL, NULL, false},
    [S_ERFCX] = {FUNCTION_1("erfcx"), NULL, NULL, false},
    [S_LOG_NDTR] = {FUNCTION_1("log_ndtr"), NULL, NULL, false},
    [S_ZETA] = {FUNCTION_2("zeta"), NULL, NULL, false},
    [S_IGAMMA] = {FUNCTION_2("igamma"), NULL, NULL, false},
    [S_IGAMMAC] = {FUNCTION_2("igammac"), NULL, NULL, false},
    [S_CHEBYSHEV_T] = {FUNCTION_2("chebyshev_t"), NULL, NULL, false},
    [S_CHEBYSHEV_U] = {FUNCTION_2("chebyshev_u"), NULL, NULL, false},
    [S_CHEBYSHEV_V] = {FUNCTION_2("chebyshev_v"), NULL, NULL, false},
    [S_CHEBYSHEV_W] = {FUNCTION_2("chebyshev_w"), NULL, NULL, false},
    [S_HERMITE_H] = {FUNCTION_2("hermite_h"), NULL, NULL, false},
    [S_HERMITE_HE] = {FUNCTION_2("hermite_he"), NULL, NULL, false},
    [S_LAGUERRE_L] = {FUNCTION_2("laguerre_l"), NULL, NULL, false},
    [S_LEGENDRE_P] = {FUNCTION_2("legendre_p"), NULL, NULL, false},
    [S_GCD] = {NULL, INT_2("gcd"), NULL, false},
    [S_RANDOM] = {NULL, "aotc_random(aotc_seed, aotc_run, (uint64_t)$0, (uint64_t)$1)", NULL,
                  false},
    [S_POISSON] = {"aotc_poisson_$s(aotc_seed, aotc_run, $0, $1, $2)", NULL, NULL, false},
    [S_GAMMA] = {"aotc_gamma_$s(aotc_seed, aotc_run, $0, $1, $2)", NULL, NULL, false},
    [S_BINOMIAL] = {"aotc_binomial_$s(aotc_seed, aotc_run, $0, $1, $2)", NULL, NULL, false},
};

const char *c_storage_type(DType dtype)
{
    return dtype_info(dtype)->is_complex || dtype == DT_NONE ? NULL : dtype_info(dtype)->c_name;
}

DType c_register_dtype(DType dtype)
{
    switch (dtype) {
    case DT_F8E4M3:
    case DT_F8E5M2:
    case DT_F16:
    case DT_BF16:
        return DT_F32;
    default:
        return dtype;
    }
}

const char *c_register_type(DType dtype)
{
    return dtype == DT_BOOL ? "int" : c_storage_type(c_register_dtype(dtype));
}

static bool is_narrow_float(DType dtype)
{
    return c_register_dtype(dtype) != dtype;
}

const char *c_load(Arena *arena, DType dtype, const char *element)
{
    if (is_narrow_float(dtype))
        return arena_printf(arena, "aotc_%s_to_f32(%s)", dtype_name(dtype), element);
    return dtype == DT_BOOL ? arena_printf(arena, "(%s != 0)", element) : element;
}

/* The argument of a text that is one call, `call` being "f("; else the text itself. */
static const char *argument_of(Arena *arena, const char *text, const char *call)
{
    size_t n = strlen(call), length = strlen(text);
    int    depth = 1;
    if (strncmp(text, call, n) != 0)
        return text;
    for (const char *p = text + n; *p; p++) {
        depth += (*p == '(') - (*p == ')');
        if (depth == 0)
            return p[1] ? text : arena_strndup(arena, text + n, length - n - 1);
    }
    return text;
}

const char *c_store(Arena *arena, DType dtype, const char *value)
{
    if (is_narrow_float(dtype)) { /* which rounds: need not be rounded before */
        const char *call = arena_printf(arena, "aotc_round_%s(", dtype_name(dtype));
        return arena_printf(arena, "aotc_f32_to_%s(%s)", dtype_name(dtype),
                            argument_of(arena, value, call));
    }
    return dtype == DT_BOOL ? arena_printf(arena, "(uint8_t)%s", value) : value;
}

static const char *float_const(Arena *arena, DType dtype, double f)
{
    bool        is_double = dtype == DT_F64;
    const char *suffix = is_double ? "" : "f";
    if (isnan(f))
        return arena_printf(arena, "__builtin_nan%s(\"\")", suffix);
    if (isinf(f))
        return arena_printf(arena, f < 0 ? "(-__builtin_inf%s())" : "__builtin_inf%s()", suffix);
    char text[64];
    snprintf(text, sizeof text, "%.*g", is_double ? 17 : 9, f);
    const char *point = strpbrk(text, ".e") ? "" : ".0";
    return arena_printf(arena, text[0] == '-' ? "(%s%s%s)" : "%s%s%s", text, point, suffix);
}

static const char *int_const(Arena *arena, DType dtype, int64_t i)
{
    switch (dtype) {
    case DT_I64:
        if (i == INT64_MIN)
            return "INT64_MIN";
        return arena_printf(arena, i < 0 ? "(-INT64_C(%" PRIu64 "))" : "INT64_C(%" PRIu64 ")",
                            i < 0 ? 0 - (uint64_t)i : (uint64_t)i);
    case DT_U64:
        return arena_printf(arena, "UINT64_C(%" PRIu64 ")", (uint64_t)i);
    case DT_U32:
        return arena_printf(arena, "%" PRIu32 "u", (uint32_t)i);
    case DT_I32:
        if ((int32_t)i == INT32_MIN)
            return "INT32_MIN";
        break;
    default:
        break;
    }
    return arena_printf(arena, i < 0 ? "(%" PRId64 ")" : "%" PRId64, i);
}

const char *c_const(Arena *arena, DType dtype, int64_t i, double f)
{
    if (dtype_is_float(dtype))
        return float_const(arena, dtype, f);
    return dtype == DT_BOOL ? (i ? "1" : "0") : int_const(arena, dtype, i);
}

static const char *cast_to_int(Arena *arena, DType from, DType to, const char *value)
{
    if (!dtype_is_float(from)) {
        return arena_printf(arena, "(%s)%s", c_register_type(to), value);
    }
    const char *of = from == DT_F64 ? "f64" : "f32";
    switch (to) {
    case DT_I32:
        return arena_printf(arena, "aotc_%s_to_i32(%s)", of, value);
    case DT_I64:
        return arena_printf(arena, "aotc_%s_to_i64(%s)", of, value);
    case DT_U64:
        return arena_printf(arena, "aotc_f64_to_u64(%s)", value);
    case DT_U32:
        return arena_printf(arena, "(uint32_t)aotc_%s_to_i64(%s)", of, value);
    default: /* 8 and 16 bits: through i32, cut */
        return arena_printf(arena, "(%s)aotc_%s_to_i32(%s)", c_register_type(to), of, value);
    }
}

const char *c_cast(Arena *arena, DType from, DType to, const char *value)
{
    if (from == to)
        return value;
    if (to == DT_BOOL)
        return arena_printf(arena, "(%s != 0)", value);
    if (!dtype_is_float(to))
        return cast_to_int(arena, from, to, value);
    const char *wide = value;
    if (c_register_dtype(from) != c_register_dtype(to)) {
        if (from == DT_I64)
            wide = arena_printf(arena, "aotc_i64_to_%s(%s)", to == DT_F64 ? "f64" : "f32", value);
        else
            wide = arena_printf(arena, "(%s)%s", c_register_type(to), value);
    }
    return is_narrow_float(to) ? arena_printf(arena, "aotc_round_%s(%s)", dtype_name(to), wide)
                               : wide;
}

static const char *bits_name(int bytes)
{
    return bytes == 1 ? "uint8_t" : bytes == 2 ? "uint16_t" : bytes == 4 ? "uint32_t" : "uint64_t";
}

static const char *bitcast(Arena *arena, DType from, DType to, const char *value)
{
    if (dtype_size(from) != dtype_size(to))
        return NULL;
    const char *bits = value;
    if (from == DT_F32 || from == DT_F64)
        bits = arena_printf(arena, "aotc_bits_%s(%s)", dtype_name(from), value);
    else if (is_narrow_float(from))
        bits = arena_printf(arena, "aotc_f32_to_%s(%s)", dtype_name(from), value);
    if (to == DT_F32 || to == DT_F64)
        return arena_printf(arena, "aotc_%s_of_bits((%s)%s)", dtype_name(to),
                            bits_name(dtype_size(to)), bits);
    if (is_narrow_float(to))
        return arena_printf(arena, "aotc_%s_to_f32((%s)%s)", dtype_name(to),
                            bits_name(dtype_size(to)), bits);
    return arena_printf(arena, "(%s)%s", c_register_type(to), bits);
}

static const char *family(DType dtype)
{
    switch (dtype) {
    case DT_I64:
        return "i64";
    case DT_U32:
        return "u32";
    case DT_U64:
        return "u64";
    case DT_F64:
        return "f64";
    default:
        return dtype_is_float(dtype) ? "f32" : "i32";
    }
}

static const char *fill_in(Arena *arena, const char *pattern, DType dtype, const char *const in[3])
{
    Text text = text_new(arena);
    for (const char *p = pattern; *p; p++) {
        if (*p != '$') {
            text_putc(&text, *p);
            continue;
        }
        switch (*++p) {
        case 't':
            text_put(&text, c_register_type(dtype));
            break;
        case 'u':
            text_put(&text, dtype_size(dtype) == 8 ? "uint64_t" : "uint32_t");
            break;
        case 'n':
            text_printf(&text, "%d", 8 * dtype_size(dtype));
            break;
        case 's':
            text_put(&text, family(dtype));
            break;
        default:
            text_put(&text, in[*p - '0']);
        }
    }
    return text.data;
}

const char *c_op(Arena *arena, const Scalar *s, const char *const in[3])
{
    DType operands = s->op == S_SELECT || scalar_is_random(s->op) ? s->dtype : s->in[0]->dtype;
    if (!c_register_type(operands) || !c_register_type(s->dtype))
        return NULL;
    if (s->op == S_CAST)
        return c_cast(arena, operands, s->dtype, in[0]);
    if (s->op == S_BITCAST)
        return bitcast(arena, operands, s->dtype, in[0]);
    const Spelling *row = &spellings[s->op];
    const char     *pattern = dtype_is_float(operands) ? row->of_float
                              : operands == DT_BOOL    ? row->of_bool
                                                       : row->of_int;
    if (!pattern)
        return NULL;
    const char *text = fill_in(arena, pattern, operands, in);
    bool exact = s->op == S_SELECT || s->op == S_NEG || s->op == S_ABS || s->op == S_MAXIMUM ||
                 s->op == S_MINIMUM;
    if (is_narrow_float(s->dtype) && !exact)
        return arena_printf(arena, "aotc_round_%s(%s)", dtype_name(s->dtype), text);
    return text;
}

const char *c_op_runtime(ScalarOp op)
{
    if (op >= S_BESSEL_J0 && op <= S_IGAMMAC)
        return "special";
    if (op >= S_POISSON && op <= S_BINOMIAL)
        return "random";
    return op >= S_CHEBYSHEV_T && op <= S_GCD ? "orthogonal" : NULL;
}

bool c_op_wants_variables(ScalarOp op)
{
    return spellings[op].wants_variables;
}

/* ---- reductions ------------------------------------------------------------------------------ */
const char *c_accumulator_type(ReduceOp op, DType dtype)
{
    if (op == REDUCE_ANY || op == REDUCE_ALL)
        return "int";
    if (op == REDUCE_COUNT)
        return "int64_t";
    if ((op == REDUCE_SUM || op == REDUCE_PROD) && !dtype_is_float(dtype))
        return dtype_size(dtype) == 8 ? "uint64_t" : "uint32_t";
    return c_register_type(dtype);
}

static const char *lowest(DType dtype)
{
    switch (dtype) {
    case DT_I8:
        return "INT8_MIN";
    case DT_I16:
        return "INT16_MIN";
    case DT_I32:
        return "INT32_MIN";
    case DT_I64:
        return "INT64_MIN";
    case DT_F64:
        return "(-__builtin_inf())";
    default:
        return dtype_is_float(dtype) ? "(-__builtin_inff())" : "0";
    }
}

static const char *highest(DType dtype)
{
    static const char *const names[DT_COUNT] = {
        [DT_BOOL] = "1",         [DT_U8] = "UINT8_MAX",
        [DT_I8] = "INT8_MAX",    [DT_I16] = "INT16_MAX",
        [DT_I32] = "INT32_MAX",  [DT_I64] = "INT64_MAX",
        [DT_U16] = "UINT16_MAX", [DT_U32] = "UINT32_MAX",
        [DT_U64] = "UINT64_MAX", [DT_F64] = "__builtin_inf()",
    };
    return names[dtype] ? names[dtype] : "__builtin_inff()";
}

const char *c_reduce_init(ReduceOp op, DType dtype, Arena *arena)
{
    (void)arena;
    switch (op) {
    case REDUCE_PROD:
    case REDUCE_ALL:
        return dtype_is_float(dtype) ? (dtype == DT_F64 ? "1.0" : "1.0f") : "1";
    case REDUCE_MAX:
    case REDUCE_ARGMAX:
        return lowest(dtype);
    case REDUCE_MIN:
    case REDUCE_ARGMIN:
        return highest(dtype);
    default:
        return dtype_is_float(dtype) && op == REDUCE_SUM ? (dtype == DT_F64 ? "0.0" : "0.0f") : "0";
    }
}

const char *c_reduce_step(Arena *arena, ReduceOp op, DType dtype, const char *acc,
                          const char *value)
{
    switch (op) {
    case REDUCE_SUM:
        return arena_printf(arena, "%s + %s", acc, value);
    case REDUCE_PROD:
        return arena_printf(arena, "%s * %s", acc, value);
    case REDUCE_ANY:
        return arena_printf(arena, dtype == DT_BOOL ? "%s | %s" : "%s | (%s != 0)", acc, value);
    case REDUCE_ALL:
        return arena_printf(arena, dtype == DT_BOOL ? "%s & %s" : "%s & (%s != 0)", acc, value);
    case REDUCE_COUNT:
        return arena_printf(arena, "%s + (%s != 0)", acc, value);
    case REDUCE_MAX:
    case REDUCE_MIN: {
        bool is_max = op == REDUCE_MAX;
        if (dtype_is_float(dtype))
            return arena_printf(arena, "aotc_%s_%s(%s, %s)", is_max ? "maximum" : "minimum",
                                family(dtype), acc, value);
        return arena_printf(arena, "%s %s %s ? %s : %s", value, is_max ? ">" : "<", acc, value,
                            acc);
    }
    default:
        return NULL;
    }
}
