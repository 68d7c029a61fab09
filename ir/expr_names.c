/* Functions by name, as srepr text, sympy's str() and Python guards write them, and the numbers of
 * float functions.
 *
 * In: "FloorDiv", "max", "math.trunc", "OpaqueUnaryFn_sqrt" with operands.  Out: the expression.
 * Heads: PyTorch, torch/utils/_sympy/functions.py, and sympy's core. */
#include "ir/expr_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- float functions: EXPR_CALL -------------------------------------------------------------- */
typedef struct FloatFunction {
    const char *name;
    double (*one)(double);
    double (*two)(double, double);
} FloatFunction;

static double float_floordiv(double a, double b)
{
    return floor(a / b);
}

static double float_mod(double a, double b)
{
    double r = fmod(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

/* Python's round(x, n): correctly rounded decimal text and back. */
static double round_decimal(double x, double digits)
{
    if (isnan(x) || isinf(x) || digits > 22)
        return x;
    if (digits < 0) {
        double scale = pow(10, -digits);
        return nearbyint(x / scale) * scale;
    }
    char text[400];
    snprintf(text, sizeof text, "%.*f", (int)digits, x);
    return strtod(text, NULL);
}

static const FloatFunction float_functions[] = {
    {"sqrt", sqrt, NULL},
    {"cos", cos, NULL},
    {"cosh", cosh, NULL},
    {"sin", sin, NULL},
    {"sinh", sinh, NULL},
    {"tan", tan, NULL},
    {"tanh", tanh, NULL},
    {"asin", asin, NULL},
    {"acos", acos, NULL},
    {"atan", atan, NULL},
    {"exp", exp, NULL},
    {"log", log, NULL},
    {"log2", log2, NULL},
    {"log10", log10, NULL},
    {"asinh", asinh, NULL},
    {"acosh", acosh, NULL},
    {"atanh", atanh, NULL},
    {"fabs", fabs, NULL},
    {"ftrunc", trunc, NULL},
    {"float_floordiv", NULL, float_floordiv},
    {"float_mod", NULL, float_mod},
    {"round_decimal", NULL, round_decimal},
};

enum { N_FLOAT_FUNCTIONS = sizeof float_functions / sizeof float_functions[0] };

static const FloatFunction *find_float(const char *name, int n)
{
    for (int i = 0; i < N_FLOAT_FUNCTIONS; i++)
        if (!strcmp(float_functions[i].name, name) &&
            (n == 2) == (float_functions[i].two != NULL) && n >= 1 && n <= 2)
            return &float_functions[i];
    return NULL;
}

/* args: sizes, then as many strides. The strides sorted are the products of the sizes. */
static bool is_dense(const double *args, int n)
{
    const double *size = args, *stride = args + n / 2;
    double        expected = 1;
    bool          used[8] = {false};
    n /= 2;
    for (int i = 0; i < n; i++)
        if (size[i] == 1)
            used[i] = true;
    for (int step = 0; step < n; step++) {
        int next = -1;
        for (int i = 0; i < n; i++)
            if (!used[i] && (next < 0 || stride[i] < stride[next]))
                next = i;
        if (next < 0)
            return true;
        if (stride[next] != expected)
            return false;
        expected *= size[next];
        used[next] = true;
    }
    return true;
}

bool expr_call_value(const char *name, const double *args, int n, double *out)
{
    if (!strcmp(name, "is_dense") && n % 2 == 0 && n <= 16) {
        *out = is_dense(args, n);
        return true;
    }
    const FloatFunction *f = find_float(name, n);
    if (f)
        *out = f->one ? f->one(args[0]) : f->two(args[0], args[1]);
    return f != NULL;
}

/* ---- names of kinds -------------------------------------------------------------------------- */
typedef struct NamedKind {
    const char *name;
    ExprKind    kind;
    int         n_min, n_max;
} NamedKind;

enum { ANY = 1 << 20 };

static const NamedKind named_kinds[] = {
    {"Add", EXPR_ADD, 0, ANY},
    {"Mul", EXPR_MUL, 0, ANY},
    {"Max", EXPR_MAX, 1, ANY},
    {"Min", EXPR_MIN, 1, ANY},
    {"max", EXPR_MAX, 1, ANY},
    {"min", EXPR_MIN, 1, ANY},
    {"sym_max", EXPR_MAX, 1, ANY},
    {"sym_min", EXPR_MIN, 1, ANY},
    {"And", EXPR_AND, 0, ANY},
    {"Or", EXPR_OR, 0, ANY},
    {"Not", EXPR_NOT, 1, 1},
    {"sym_not", EXPR_NOT, 1, 1},
    {"Pow", EXPR_POW, 2, 2},
    {"pow", EXPR_POW, 2, 2},
    {"PowByNatural", EXPR_POW, 2, 2},
    {"FloatPow", EXPR_POW, 2, 2},
    {"Equality", EXPR_EQ, 2, 2},
    {"Eq", EXPR_EQ, 2, 2},
    {"Unequality", EXPR_NE, 2, 2},
    {"Ne", EXPR_NE, 2, 2},
    {"StrictLessThan", EXPR_LT, 2, 2},
    {"Lt", EXPR_LT, 2, 2},
    {"LessThan", EXPR_LE, 2, 2},
    {"Le", EXPR_LE, 2, 2},
    {"FloorDiv", EXPR_FLOORDIV, 2, 2},
    {"CleanDiv", EXPR_FLOORDIV, 2, 2},
    {"Mod", EXPR_MOD, 2, 2},
    {"PythonMod", EXPR_MOD, 2, 2},
    {"LShift", EXPR_LSHIFT, 2, 2},
    {"RShift", EXPR_RSHIFT, 2, 2},
    {"BitwiseFn_bitwise_and", EXPR_BITAND, 2, 2},
    {"BitwiseFn_bitwise_or", EXPR_BITOR, 2, 2},
    {"BitwiseFn_bitwise_xor", EXPR_BITXOR, 2, 2},
    {"Where", EXPR_WHERE, 3, 3},
    {"where", EXPR_WHERE, 3, 3},
    {"sym_ite", EXPR_WHERE, 3, 3},
    {"IntTrueDiv", EXPR_TRUEDIV, 2, 2},
    {"FloatTrueDiv", EXPR_TRUEDIV, 2, 2},
    {"Rational", EXPR_TRUEDIV, 2, 2},
    {"ToFloat", EXPR_TO_FLOAT, 1, 1},
    {"float", EXPR_TO_FLOAT, 1, 1},
    {"sym_float", EXPR_TO_FLOAT, 1, 1},
    {"TruncToInt", EXPR_TRUNC, 1, 1},
    {"trunc", EXPR_TRUNC, 1, 1},
    {"int", EXPR_TRUNC, 1, 1},
    {"sym_int", EXPR_TRUNC, 1, 1},
    {"CeilToInt", EXPR_CEIL, 1, 1},
    {"ceil", EXPR_CEIL, 1, 1},
    {"ceiling", EXPR_CEIL, 1, 1},
    {"FloorToInt", EXPR_FLOOR, 1, 1},
    {"floor", EXPR_FLOOR, 1, 1},
    {"RoundToInt", EXPR_ROUND, 1, 1},
    {"round", EXPR_ROUND, 1, 1},
};

/* "math.trunc", "torch.sym_max" and "torch._sym_sqrt" are their last part; "OpaqueUnaryFn_sqrt" is
 * sqrt. */
static const char *bare_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    if (dot)
        name = dot + 1;
    if (!strncmp(name, "OpaqueUnaryFn_", 14))
        return name + 14;
    if (!strncmp(name, "_sym_", 5))
        name++;
    return name;
}

static const Expr *build_special(ExprPool *pool, const char *name, const Expr *const *args, int n)
{
    if ((!strcmp(name, "Identity") || !strcmp(name, "Integer")) && n == 1)
        return args[0];
    if (!strcmp(name, "bool") && n == 1)
        return expr_truth(pool, args[0]);
    if ((!strcmp(name, "CeilDiv") || !strcmp(name, "ceildiv")) && n == 2)
        return expr_ceildiv(pool, args[0], args[1]);
    if (!strcmp(name, "ModularIndexing") && n == 3)
        return expr_mod(pool, expr_floordiv(pool, args[0], args[1]), args[2]);
    if ((!strcmp(name, "StrictGreaterThan") || !strcmp(name, "Gt")) && n == 2)
        return expr_cmp(pool, EXPR_LT, args[1], args[0]);
    if ((!strcmp(name, "GreaterThan") || !strcmp(name, "Ge")) && n == 2)
        return expr_cmp(pool, EXPR_LE, args[1], args[0]);
    if ((!strcmp(name, "Abs") || !strcmp(name, "abs")) && n == 1)
        return args[0]->type == EXPR_TYPE_FLOAT ? expr_make(pool, EXPR_CALL, "fabs", args, 1)
                                                : expr_max(pool, args[0], expr_neg(pool, args[0]));
    if (!strcmp(name, "TruncToFloat") && n == 1)
        return expr_make(pool, EXPR_CALL, "ftrunc", args, 1);
    if ((!strcmp(name, "RoundDecimal") || !strcmp(name, "round")) && n == 2)
        return expr_make(pool, EXPR_CALL, "round_decimal", args, 2);
    if (!strcmp(name, "IsNonOverlappingAndDenseIndicator") && n % 2 == 0 && n <= 16) {
        const Expr *number = expr_make(pool, EXPR_CALL, "is_dense", args, n);
        return expr_make(pool, EXPR_TRUNC, NULL, &number, 1);
    }
    return NULL;
}

const Expr *expr_build_named(ExprPool *pool, const char *name, const Expr *const *args, int n)
{
    name = bare_name(name);
    const Expr *special = build_special(pool, name, args, n);
    if (special)
        return special;
    if (!strncmp(name, "sym_", 4) && find_float(name + 4, n))
        name += 4;
    for (size_t i = 0; i < sizeof named_kinds / sizeof named_kinds[0]; i++) {
        const NamedKind *k = &named_kinds[i];
        if (!strcmp(k->name, name) && n >= k->n_min && n <= k->n_max)
            return expr_make(pool, k->kind, NULL, args, n);
    }
    if (find_float(name, n) || (!strcmp(name, "is_dense") && n % 2 == 0 && n <= 16))
        return expr_make(pool, EXPR_CALL, name, args, n);
    return NULL;
}
