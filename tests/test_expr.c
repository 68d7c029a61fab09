/* Expressions: folding, ranges, proofs, printing, the three grammars; and random expressions
 * against plain arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ir/expr.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static Arena    *arena;
static ExprPool *pool;

static int setup(void **state)
{
    (void)state;
    arena = arena_create(NULL);
    pool = expr_pool_create(arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_destroy(arena);
    return 0;
}

static const Expr *infix(const char *text)
{
    const Expr *e = NULL;
    Error      *error = expr_parse_infix(pool, text, &e);
    if (error)
        fail_msg("%s: %s", text, error->message);
    return e;
}

static void assert_folds(const char *text, const char *expected)
{
    const Expr *e = infix(text);
    if (strcmp(expr_text(arena, e), expected))
        fail_msg("%s gives %s, not %s", text, expr_text(arena, e), expected);
    if (infix(expected) != e)
        fail_msg("%s is not read back as the same expression", expected);
}

static void declare(const char *name, int64_t min, int64_t max)
{
    Symbol *s = expr_symbol_named(pool, name, SYM_SIZE, EXPR_TYPE_INT);
    s->min = min;
    s->max = max;
}

/* Index variables i, j, k … with bounds given as text. */
static void index_named(const char *name, const char *bound)
{
    Symbol *s = expr_symbol_named(pool, name, SYM_INDEX, EXPR_TYPE_INT);
    s->bound = infix(bound);
}

/* ---- sums and products ----------------------------------------------------------------------- */
static void test_sums(void **state)
{
    (void)state;
    assert_folds("2 + 3*4", "14");
    assert_folds("s1 + s0 + 3 + s0", "2*s0 + s1 + 3");
    assert_folds("s10 + s2", "s2 + s10");
    assert_folds("s0 - s0", "0");
    assert_folds("(a + b)*s0", "a*s0 + b*s0");
    assert_folds("(s0 + 1)*(s0 - 1)", "s0*s0 + -1");
    assert_folds("2*(s0 + 3) - 6", "2*s0");
    assert_folds("s0*0 + 7", "7");
    assert_folds("s0**2 - s0*s0", "0");
    assert_folds("-s0", "-1*s0");
    assert_folds("s0 << 3", "8*s0");
    assert_folds("7 & 12 | 1 ^ 3", "6");
    assert_ptr_equal(infix("s1*s0"), infix("s0*s1"));
    assert_ptr_equal(expr_product(pool, NULL, 0), expr_int(pool, 1));
}

static void test_overflow_stays(void **state)
{
    (void)state;
    const Expr *e = infix("9223372036854775807 + 1");
    assert_int_equal(e->kind, EXPR_ADD);
    int64_t value;
    Error  *error = expr_eval(arena, e, NULL, NULL, &value, NULL);
    assert_non_null(error);
    assert_int_equal(error->code, E_VALUE);
    assert_ptr_equal(infix(expr_text(arena, e)), e);
    e = infix("9223372036854775807*2*s0");
    assert_non_null(expr_eval(arena, e, NULL, NULL, &value, NULL));
    assert_ptr_equal(infix(expr_text(arena, e)), e);
    assert_int_equal(infix("-9223372036854775808")->value, INT64_MIN);
    assert_ptr_equal(infix("-9223372036854775808 // -1"), infix("-9223372036854775808 // -1"));
    assert_non_null(expr_eval(arena, infix("5 // (s0 - s0)"), NULL, NULL, &value, NULL));
    assert_non_null(expr_eval(arena, infix("5 % 0"), NULL, NULL, &value, NULL));
}

/* ---- division -------------------------------------------------------------------------------- */
static void test_division(void **state)
{
    (void)state;
    assert_folds("-7 // 2", "-4");
    assert_folds("-7 % 2", "1");
    assert_folds("7 % -2", "-1");
    assert_folds("s0 // 1", "s0");
    assert_folds("s0 % 1", "0");
    assert_folds("s0 // s0", "1");
    assert_folds("(6*x + 2) // 4", "x + ((x + 1) // 2)");
    assert_folds("(6*x + 3) // 4", "x + ((x + 1) // 2)");
    assert_folds("(x // 3) // 4", "x // 12");
    assert_folds("(x % 12) % 4", "x % 4");
    assert_folds("(x % 12) // 4", "(x // 4) % 3");
    assert_folds("(x + 8*y) % 4", "x % 4");
    assert_folds("(4*x) % 8", "4*(x % 2)");
    assert_folds("(x*s0 + s0) // s0", "x + 1");
    assert_folds("(128*x*s0) // (64*s0)", "2*x");
    assert_folds("(x // 4)*4 + x % 4", "x");
    assert_folds("x - (x // 4)*4 - x % 4", "0");
    assert_folds("(x // 48)*48 + ((x // 8) % 6)*8 + x % 8", "x");
    assert_folds("(x*s0 // s1)*s1 + (x*s0) % s1", "s0*x");
    assert_folds("(s0 - 3) // 2 + 1", "((s0 + 1) // 2) + -1");
}

static void test_ceildiv(void **state)
{
    (void)state;
    const Expr *x = infix("x");
    assert_string_equal(expr_text(arena, expr_ceildiv(pool, x, expr_int(pool, 4))), "(x + 3) // 4");
    assert_ptr_equal(expr_ceildiv(pool, expr_int(pool, 9), expr_int(pool, 4)), expr_int(pool, 3));
    assert_ptr_equal(expr_ceildiv(pool, expr_int(pool, -9), expr_int(pool, 4)), expr_int(pool, -2));
    assert_ptr_equal(expr_ceildiv(pool, expr_int(pool, 9), expr_int(pool, -4)), expr_int(pool, -2));
    assert_ptr_equal(expr_ceildiv(pool, infix("16*x"), expr_int(pool, 16)), x);
}

static void test_reshapes(void **state)
{
    (void)state;
    index_named("i", "4");
    index_named("j", "6");
    index_named("k", "8");
    assert_folds("((48*i + 8*j + k) // 8) % 6", "j");
    assert_folds("(48*i + 8*j + k) // 48", "i");
    assert_folds("((48*i + 8*j + k) % 48) // 8", "j");
    assert_folds("(48*i + 8*j + k) % 8", "k");
    assert_folds("(48*i + 8*j + k) // 192", "0");
    assert_folds("(48*i + 8*j + k) // 6 // 8", "i");
    assert_folds("(48*i + 8*j + k) // 16", "3*i + (j // 2)");
    assert_folds("((8*j + k) // 4) % 2", "k // 4");
}

/* The same with a symbolic size in one place. */
static void test_symbolic_reshapes(void **state)
{
    (void)state;
    index_named("a", "s0");
    index_named("b", "6");
    index_named("c", "8");
    assert_folds("((48*a + 8*b + c) // 8) % 6", "b");
    assert_folds("(48*a + 8*b + c) // 48", "a");
    assert_folds("(48*a + 8*b + c) % 48 // 8", "b");
    assert_folds("(48*a + 8*b + c) // (48*s0)", "0");
    assert_folds("(48*a + 8*b + c) % (48*s0)", "48*a + 8*b + c");
    index_named("d", "4");
    index_named("e", "s0");
    assert_folds("((8*s0*d + 8*e + c) // 8) % s0", "e");
    assert_folds("(8*s0*d + 8*e + c) // (8*s0)", "d");
    assert_folds("((8*s0*d + 8*e + c) % (8*s0)) // 8", "e");
    assert_folds("(8*s0*d + 8*e + c) % 8", "c");
    index_named("f", "s0");
    assert_folds("((6*s0*d + s0*b + f) // s0) % 6", "b");
    assert_folds("(6*s0*d + s0*b + f) // (6*s0)", "d");
    assert_folds("((6*s0*d + s0*b + f) % (6*s0)) // s0", "b");
    assert_folds("(6*s0*d + s0*b + f) % s0", "f");
}

static void test_more_symbolic(void **state)
{
    (void)state;
    index_named("a", "s0");
    index_named("b", "s1");
    index_named("c", "s2");
    assert_folds("(a*s1*s2 + b*s2 + c) // (s1*s2)", "a");
    assert_folds("((a*s1*s2 + b*s2 + c) // s2) % s1", "b");
    assert_folds("(a*s1*s2 + b*s2 + c) % (s1*s2) // s2", "b");
    assert_folds("(a*s1*s2 + b*s2 + c) // (s0*s1*s2)", "0");
    /* a flat index of s0*64 elements */
    index_named("n", "64*s0");
    assert_folds("n // (64*s0)", "0");
    assert_folds("(n // 64) % s0", "n // 64");
    assert_folds("64*(n // 64) + n % 64", "n");
    assert_folds("(64*(n // 64) + n % 64) // 32", "n // 32");
    /* sums as sizes: cat and padding */
    index_named("p", "s0 + 3");
    index_named("q", "5");
    assert_folds("(q*(s0 + 3) + p) // (s0 + 3)", "q");
    assert_folds("(q*(s0 + 3) + p) % (s0 + 3)", "p");
    index_named("r", "s0 // 2");
    assert_folds("(q*(s0 // 2) + r) // (s0 // 2)", "q");
}

/* ---- ranges, relations, proofs --------------------------------------------------------------- */
static void assert_range(const char *text, int64_t min, int64_t max)
{
    ExprRange r = expr_range(infix(text));
    if (r.min != min || r.max != max)
        fail_msg("%s in [%" PRId64 ", %" PRId64 "]", text, r.min, r.max);
}

static void test_ranges(void **state)
{
    (void)state;
    declare("n", 2, 10);
    declare("m", 0, INT64_MAX);
    index_named("i", "n");
    expr_symbol_named(pool, "u0", SYM_UNBACKED, EXPR_TYPE_INT);
    assert_range("3*n - 1", 5, 29);
    assert_range("i", 0, 9);
    assert_range("m + n", 2, INT64_MAX);
    assert_range("-1*m", INT64_MIN, 0);
    assert_range("n // 3", 0, 3);
    assert_range("m % n", 0, 9);
    assert_range("u0", INT64_MIN, INT64_MAX);
    assert_range("max(u0, 5)", 5, INT64_MAX);
    assert_range("min(n, 4)", 2, 4);
    assert_range("u0 % 7", 0, 6);
    assert_range("trunc(0.5*float(n))", 1, 5);
    assert_range("n == 3", 0, 1);
    assert_range("where(n == 3, n, -4)", -4, 10);
}

static void test_relations(void **state)
{
    (void)state;
    declare("s0", 1, INT64_MAX);
    declare("s1", 2, 16);
    assert_folds("s0 >= 1", "True");
    assert_folds("s0 != 0", "True");
    assert_folds("s1 > 16", "False");
    assert_folds("s0 < s0 + 1", "True");
    assert_folds("s0*s1 >= s0", "True");
    assert_folds("2*s0 + 4 <= 2*s1", "s0 + 2 <= s1");
    assert_folds("s0 <= 10", "s0 <= 10");
    assert_folds("10 >= s0", "s0 <= 10");
    assert_folds("3*s0 == 7", "False");
    assert_folds("3*s0 != 7", "True");
    assert_folds("3*s0 == 6", "s0 == 2");
    assert_folds("3*s0 <= 7", "s0 <= 2");
    assert_folds("3*s0 < 7", "s0 < 3");
    assert_folds("3*s0 > 7", "2 < s0");
    assert_folds("s1 == s0", "s0 == s1");
    assert_folds("not s0 < 5", "5 <= s0");
    assert_folds("max(1, s0)", "s0");
    assert_folds("max(s0, s1, s0 + s1)", "s0 + s1");
    assert_folds("min(s1, 20)", "s1");
    assert_folds("s0 == 4 and s0 != 4", "False");
    assert_folds("s0 == 4 or s0 != 4", "True");
    assert_folds("2 <= s0 <= 5", "s0 <= 5 and 2 <= s0");
    assert_folds("where(s1 < 100, s0, 3)", "s0");
}

static void test_proofs(void **state)
{
    (void)state;
    index_named("i", "s0");
    index_named("j", "64");
    declare("s0", 1, INT64_MAX);
    assert_true(expr_prove_lt(pool, infix("64*i + j"), infix("64*s0")));
    assert_false(expr_prove_lt(pool, infix("64*i + j + 1"), infix("64*s0")));
    assert_true(expr_prove_le(pool, infix("64*i + j + 1"), infix("64*s0")));
    assert_true(expr_prove_le(pool, infix("0"), infix("i")));
    assert_false(expr_prove_lt(pool, infix("0"), infix("i")));
    assert_true(expr_prove_lt(pool, infix("x % s0"), infix("s0")));
    assert_true(expr_prove_lt(pool, infix("(64*i + j) // 4"), infix("16*s0")));
    assert_true(expr_prove_le(pool, infix("(x // 4)*4"), infix("x")));
    assert_true(expr_prove_lt(pool, infix("min(i, x)"), infix("s0")));
    assert_true(expr_prove_le(pool, infix("i*s0 + i"), infix("s0*s0 - 1")));
    assert_true(expr_prove_eq(pool, infix("s0*2 // 2"), infix("s0")));
    assert_false(expr_prove_eq(pool, infix("s0"), infix("s1")));
    assert_false(expr_prove_lt(pool, infix("s1"), infix("s0")));
    assert_false(expr_prove_le(pool, infix("9223372036854775807 - x"), infix("0")));
}

/* ---- questions ------------------------------------------------------------------------------- */
static void count(void *cx, Symbol *symbol)
{
    (void)symbol;
    ++*(int *)cx;
}

static void test_questions(void **state)
{
    (void)state;
    const Expr   *e = infix("64*i*s0 + (j // 4)*3 + i + 5"), *c, *rest;
    const Symbol *i = expr_symbol_find(pool, "i"), *j = expr_symbol_find(pool, "j");
    assert_true(expr_linear(pool, e, i, &c, &rest));
    assert_ptr_equal(c, infix("64*s0 + 1"));
    assert_ptr_equal(rest, infix("3*(j // 4) + 5"));
    assert_false(expr_linear(pool, e, j, &c, &rest));
    assert_false(expr_linear(pool, infix("i*i"), i, &c, &rest));
    assert_true(expr_linear(pool, infix("s0"), i, &c, &rest));
    assert_ptr_equal(c, expr_int(pool, 0));
    int n = 0;
    expr_symbols(e, count, &n);
    assert_int_equal(n, 3);
    assert_true(expr_contains(e, j));
    assert_false(expr_contains(infix("s0 + 1"), j));
    assert_true(expr_is_const(infix("3")));
    assert_false(expr_is_const(e));
    assert_true(expr_contains_kind(e, SYM_SIZE));
    assert_false(expr_contains_kind(e, SYM_UNBACKED));
}

static void test_subst(void **state)
{
    (void)state;
    const Expr *e = infix("(48*i + 8*j + k) // 8");
    Symbol     *from[] = {expr_symbol_find(pool, "i"), expr_symbol_find(pool, "j"),
                          expr_symbol_find(pool, "k")};
    const Expr *to[] = {infix("n // 48"), infix("(n // 8) % 6"), infix("n % 8")};
    assert_ptr_equal(expr_subst(pool, e, from, to, 3), infix("n // 8"));
    /* all at once: i -> j and j -> i is a swap */
    const Expr *swapped[] = {infix("j"), infix("i")};
    assert_ptr_equal(expr_subst(pool, infix("i - 2*j"), from, swapped, 2), infix("j - 2*i"));
    assert_ptr_equal(expr_subst(pool, infix("s0"), from, to, 3), infix("s0"));
}

static void test_symbols(void **state)
{
    (void)state;
    expr_symbol_named(pool, "i0", SYM_SIZE, EXPR_TYPE_INT);
    Symbol *a = expr_symbol_index(pool, "i", expr_int(pool, 64));
    Symbol *b = expr_symbol_index(pool, "i", infix("s0"));
    assert_string_equal(a->name, "i1");
    assert_string_equal(b->name, "i2");
    assert_int_equal(expr_range(a->self).max, 63);
    assert_true(expr_prove_lt(pool, b->self, infix("s0")));
    assert_int_equal(infix("u3")->symbol->kind, SYM_UNBACKED);
    assert_int_equal(infix("zuf0")->symbol->kind, SYM_UNBACKED);
    assert_int_equal(infix("zuf0")->type, EXPR_TYPE_FLOAT);
    assert_int_equal(infix("zf1")->type, EXPR_TYPE_FLOAT);
    assert_int_equal(infix("zf1")->symbol->kind, SYM_SIZE);
    for (int i = 0; i < 500; i++)
        expr_symbol_index(pool, "r", expr_int(pool, 2));
    assert_ptr_equal(expr_symbol_find(pool, "i1"), a);
    assert_null(expr_symbol_find(pool, "nobody"));
}

/* ---- grammars -------------------------------------------------------------------------------- */
static const Expr *srepr(const char *text)
{
    const Expr *e = NULL;
    Error      *error = expr_parse_srepr(pool, text, &e);
    if (error)
        fail_msg("%s: %s", text, error->message);
    return e;
}

#define S27 "Symbol('s27', positive=True, integer=True)"
#define S39 "Symbol('s39', positive=True, integer=True)"

static void test_srepr(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"Add(Mul(Integer(2), " S39 "), Integer(-3))", "2*s39 + -3"},
        {"Max(Integer(1), TruncToInt(Mul(Float('0.5', precision=53), ToFloat(" S27 "))))",
         "max(trunc(0.5*float(s27)), 1)"},
        {"GreaterThan(Symbol('u0', integer=True), Integer(0))", "0 <= u0"},
        {"StrictGreaterThan(" S27 ", Integer(3))", "3 < s27"},
        {"StrictLessThan(" S27 ", Integer(3))", "s27 < 3"},
        {"Equality(" S27 ", " S39 ")", "s27 == s39"},
        {"Unequality(Mod(" S27 ", Integer(4)), Integer(0))", "(s27 % 4) != 0"},
        {"And(Equality(" S27 ", Integer(3)), Not(Equality(" S39 ", Integer(3))))",
         "s27 == 3 and s39 != 3"},
        {"ModularIndexing(" S27 ", Integer(4), Integer(3))", "(s27 // 4) % 3"},
        {"CeilDiv(" S27 ", Integer(4))", "(s27 + 3) // 4"},
        {"PowByNatural(" S27 ", Integer(2))", "s27*s27"},
        {"Pow(" S27 ", Integer(-1))", "1.0 / float(s27)"},
        {"Rational(1, 2)", "0.5"},
        {"IntTrueDiv(" S27 ", Integer(4))", "float(s27) / 4.0"},
        {"Where(Equality(" S27 ", Integer(3)), Integer(1), " S39 ")", "where(s27 == 3, 1, s39)"},
        {"OpaqueUnaryFn_sqrt(ToFloat(" S27 "))", "sqrt(float(s27))"},
        {"BitwiseFn_bitwise_and(" S27 ", Integer(7))", "s27 & 7"},
        {"LShift(" S27 ", Integer(3))", "8*s27"},
        {"RShift(" S27 ", " S39 ")", "s27 >> s39"},
        {"Identity(" S27 ")", "s27"},
        {"LessThan(Symbol('u0', integer=True), int_oo)", "True"},
        {"LessThan(-int_oo, Symbol('u0', integer=True))", "True"},
        {"true", "True"},
        {"RoundDecimal(Float('2.675', precision=53), Integer(2))", "2.67"},
        {"IsNonOverlappingAndDenseIndicator(Integer(2), Integer(3), Integer(3), Integer(1))", "1"},
        {"IsNonOverlappingAndDenseIndicator(Integer(2), Integer(3), Integer(4), Integer(1))", "0"},
        {"TruncToFloat(Float('-2.5', precision=53))", "-2.0"},
        {"CeilToInt(Float('2.5', precision=53))", "3"},
        {"RoundToInt(Float('2.5', precision=53))", "2"},
        {"Symbol('zf0', real=True)", "zf0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const Expr *e = srepr(cases[i][0]);
        if (strcmp(expr_text(arena, e), cases[i][1]))
            fail_msg("%s gives %s", cases[i][0], expr_text(arena, e));
        assert_ptr_equal(infix(cases[i][1]), e);
    }
}

static const Expr *resolve(void *cx, const char *path, const char *kind, int dim)
{
    (void)cx;
    if (!strcmp(path, "L['x']") && !strcmp(kind, "size") && dim >= 0 && dim < 2)
        return infix(dim ? "s27" : "s39");
    if (!strcmp(path, "L['args'][0]['k']") && !strcmp(kind, "stride"))
        return expr_int(pool, 1);
    if (!strcmp(path, "L['x']") && !strcmp(kind, "storage_offset"))
        return expr_int(pool, 0);
    return !strcmp(path, "L['n']") && !strcmp(kind, "value") ? infix("s5") : NULL;
}

static const Expr *guard(const char *text)
{
    const Expr *e = NULL;
    Error      *error = expr_parse_guard(pool, text, resolve, NULL, &e);
    if (error)
        fail_msg("%s: %s", text, error->message);
    return e;
}

static void test_guards(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"(L['x'].size()[1]*L['x'].size()[0]) == (2*L['x'].size()[1]*(L['x'].size()[0] // 2))",
         "s27*s39 == 2*s27*(s39 // 2)"},
        {"(L['x'].size()[0] % (L['x'].size()[0] // 2)) == 0", "(s39 % (s39 // 2)) == 0"},
        {"math.trunc(0.5*torch.sym_float(L['x'].size()[1])) >= 2", "2 <= trunc(0.5*float(s27))"},
        {"max(1, (-3) + L['x'].size()[0]) != 1", "max(s39 + -3, 1) != 1"},
        {"L['args'][0]['k'].stride()[0] == 1", "True"},
        {"L['x'].storage_offset() == 0 and L['x'].shape[0] > 2", "2 < s39"},
        {"2 <= L['n'] <= 8 or not L['n'] % 2 == 0", "(s5 % 2) != 0 or s5 <= 8 and 2 <= s5"},
        {"torch.sym_max(L['n'], 4) == 4", "max(s5, 4) == 4"},
        {"torch.sym_ite(L['n'] == 1, 2, L['n']) != 3", "where(s5 == 1, 2, s5) != 3"},
        {"torch._sym_sqrt(torch.sym_float(L['n'])) < 3.5", "sqrt(float(s5)) < 3.5"},
        {"torch.sym_not(L['n'] == 2)", "s5 != 2"},
        {"L['n'] / 2 > 1.5", "1.5 < (float(s5) / 2.0)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const Expr *e = guard(cases[i][0]);
        if (strcmp(expr_text(arena, e), cases[i][1]))
            fail_msg("%s gives %s", cases[i][0], expr_text(arena, e));
    }
}

static void assert_refused(Error *error, ErrorCode code, const char *part)
{
    assert_non_null(error);
    assert_int_equal(error->code, code);
    if (!strstr(error->message, part))
        fail_msg("%s", error->message);
}

static void test_bad_texts(void **state)
{
    (void)state;
    const Expr *e;
    assert_refused(expr_parse_infix(pool, "2*", &e), E_FORMAT, "column 3");
    assert_refused(expr_parse_infix(pool, "", &e), E_FORMAT, "expected an operand at column 1");
    assert_refused(expr_parse_infix(pool, "(s0", &e), E_FORMAT, "`)`");
    assert_refused(expr_parse_infix(pool, "s0 s1", &e), E_FORMAT, "the end");
    assert_refused(expr_parse_infix(pool, "s0 == None", &e), E_FORMAT, "operand");
    assert_refused(expr_parse_infix(pool, "99999999999999999999", &e), E_LIMIT, "64 bits");
    assert_refused(expr_parse_srepr(pool, "Frob(Integer(2))", &e), E_UNSUPPORTED, "Frob");
    assert_refused(expr_parse_srepr(pool, "FloorDiv(Integer(2))", &e), E_UNSUPPORTED, "FloorDiv");
    assert_refused(expr_parse_srepr(pool, "s0", &e), E_FORMAT, "a call");
    assert_refused(expr_parse_srepr(pool, "Add(Integer(2)", &e), E_FORMAT, "`)`");
    assert_refused(expr_parse_srepr(pool, "Symbol('s0", &e), E_FORMAT, "quoted");
    assert_refused(expr_parse_guard(pool, "L['y'].size()[0] == 1", resolve, NULL, &e),
                   E_UNSUPPORTED, "L['y']");
    assert_refused(expr_parse_guard(pool, "L['y'].foo() == 1", resolve, NULL, &e), E_UNSUPPORTED,
                   "method");
    assert_refused(expr_parse_guard(pool, "isinstance(3)", resolve, NULL, &e), E_UNSUPPORTED,
                   "isinstance");
    assert_refused(expr_parse_guard(pool, "L['x", resolve, NULL, &e), E_FORMAT, "`]`");
}

static void test_hostile_texts(void **state)
{
    (void)state;
    const Expr *e;
    Text        deep = text_new(arena), powers = text_new(arena), mods = text_new(arena);
    for (int i = 0; i < 100000; i++) {
        text_putc(&deep, '(');
        text_put(&powers, "x**");
        text_put(&mods, "x % y % ");
    }
    assert_refused(expr_parse_infix(pool, deep.data, &e), E_LIMIT, "nested");
    assert_refused(expr_parse_infix(pool, powers.data, &e), E_LIMIT, "nested");
    assert_refused(expr_parse_infix(pool, mods.data, &e), E_LIMIT, "operators");
}

static void test_stops(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"64*i0 + i1] = 3", "] = 3"},
        {"s0, j < 64", ", j < 64"},
        {"2*s0) : f32", ") : f32"},
        {"s0:", ":"},
        {"s0 {", " {"},
        {"s0 % 4 -> x", " -> x"},
        {"(s0 + 1) # no", " # no"},
        {"256*s0 align 64", " align 64"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *cursor = cases[i][0];
        const Expr *e;
        assert_null(expr_parse_infix_at(pool, &cursor, &e));
        assert_string_equal(cursor, cases[i][1]);
    }
    const char *cursor = "1 <= s0 <= 4096 {";
    const Expr *e;
    assert_null(expr_parse_infix_at(pool, &cursor, &e));
    assert_string_equal(cursor, " {");
}

static void test_floats(void **state)
{
    (void)state;
    assert_folds("0.1 + 0.2", "0.30000000000000004");
    assert_folds("1e300*1e10*1e10", "inf");
    assert_folds("-0.0", "-0.0");
    assert_folds("zf0 + 0.5 + 0.25", "zf0 + 0.5 + 0.25");
    assert_folds("trunc(float(3) + 0.7)", "3");
    assert_folds("floor(-0.5)", "-1");
    assert_folds("round(0.5)", "0");
    assert_folds("round(1.5)", "2");
    assert_folds("3 / 2", "1.5");
    assert_folds("2**-1", "0.5");
    assert_folds("2**10", "1024");
    assert_folds("sqrt(16)", "4.0");
    assert_folds("s0 / 4", "float(s0) / 4.0");
    declare("s0", 0, 100);
    assert_folds("trunc(float(s0))", "s0");
    assert_folds("max(1, trunc(0.5*float(s0 + 2)))", "trunc(0.5*float(s0 + 2))");
}

/* ---- random expressions against plain arithmetic --------------------------------------------- */
static uint64_t seed;

static uint32_t roll(uint32_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

enum { N_SYMBOLS = 7, MAX_PLAIN = 256 };

typedef struct Plain {
    ExprKind kind;
    int64_t  value;
    int      a, b, c;
} Plain;

static Plain   plain[MAX_PLAIN];
static int     n_plain;
static int64_t values[N_SYMBOLS];
static Symbol *symbols[N_SYMBOLS];

static int new_plain(ExprKind kind, int64_t value, int a, int b, int c)
{
    plain[n_plain] = (Plain){kind, value, a, b, c};
    return n_plain++;
}

static int random_int(int depth)
{
    static const int64_t  numbers[] = {0, 1, 2, 3, 4, 6, 8, 12, 48, 64, -1, -2, -3, -8};
    static const ExprKind kinds[] = {EXPR_ADD,      EXPR_ADD, EXPR_ADD, EXPR_MUL,
                                     EXPR_MUL,      EXPR_MOD, EXPR_MOD, EXPR_FLOORDIV,
                                     EXPR_FLOORDIV, EXPR_MAX, EXPR_MIN, EXPR_WHERE};
    if (depth == 0 || roll(5) == 0)
        return roll(3) ? new_plain(EXPR_SYMBOL, roll(N_SYMBOLS), 0, 0, 0)
                       : new_plain(EXPR_INT, numbers[roll(14)], 0, 0, 0);
    ExprKind kind = kinds[roll(12)];
    int      a = random_int(depth - 1), c = 0;
    int      b = (kind == EXPR_MOD || kind == EXPR_FLOORDIV) && roll(4)
                     ? new_plain(EXPR_INT, numbers[roll(14)], 0, 0, 0)
                     : random_int(depth - 1);
    if (kind == EXPR_WHERE) {
        int x = random_int(depth - 1), y = random_int(depth - 1);
        c = new_plain(EXPR_EQ + (int)roll(4), 0, x, y, 0);
    }
    return new_plain(kind, 0, a, b, c);
}

static const Expr *build(int at)
{
    const Plain *p = &plain[at];
    if (p->kind == EXPR_INT)
        return expr_int(pool, p->value);
    if (p->kind == EXPR_SYMBOL)
        return symbols[p->value]->self;
    const Expr *args[3] = {build(p->a), build(p->b), NULL};
    if (p->kind == EXPR_WHERE) {
        args[2] = args[1];
        args[1] = args[0];
        args[0] = build(p->c);
        return expr_make(pool, EXPR_WHERE, NULL, args, 3);
    }
    return expr_make(pool, p->kind, NULL, args, 2);
}

/* In 128 bits; false where there is no value, or one so large that a rearranged form may leave
 * int64 on the way. */
static bool plain_value(int at, __int128 *out)
{
    const Plain *p = &plain[at];
    __int128     a, b, c;
    if (p->kind == EXPR_INT || p->kind == EXPR_SYMBOL) {
        *out = p->kind == EXPR_INT ? p->value : values[p->value];
        return true;
    }
    if (!plain_value(p->a, &a) || !plain_value(p->b, &b))
        return false;
    switch (p->kind) {
    case EXPR_ADD:
        *out = a + b;
        break;
    case EXPR_MUL:
        *out = a * b;
        break;
    case EXPR_FLOORDIV:
    case EXPR_MOD:
        if (b == 0)
            return false;
        c = a / b - (a % b && (a < 0) != (b < 0));
        *out = p->kind == EXPR_MOD ? a - c * b : c;
        break;
    case EXPR_MAX:
        *out = a > b ? a : b;
        break;
    case EXPR_MIN:
        *out = a < b ? a : b;
        break;
    case EXPR_EQ:
        *out = a == b;
        break;
    case EXPR_NE:
        *out = a != b;
        break;
    case EXPR_LT:
        *out = a < b;
        break;
    case EXPR_LE:
        *out = a <= b;
        break;
    case EXPR_WHERE:
        if (!plain_value(p->c, &c))
            return false;
        *out = c ? a : b;
        break;
    default:
        return false;
    }
    return *out < ((__int128)1 << 40) && *out > -((__int128)1 << 40);
}

static bool lookup(void *cx, const Symbol *symbol, int64_t *i, double *f)
{
    (void)cx;
    (void)f;
    for (int k = 0; k < N_SYMBOLS; k++)
        if (symbols[k] == symbol) {
            *i = values[k];
            return true;
        }
    return false;
}

/* s0, s1 sizes; i < s0, j < 6, k < 8, n < 64*s1 indices; u0 anything. */
static void make_symbols(void)
{
    static const char *const names[] = {"s0", "s1", "i", "j", "k", "n", "u0"};
    static const char *const bounds[] = {NULL, NULL, "s0", "6", "8", "64*s1", NULL};
    for (int k = 0; k < N_SYMBOLS; k++) {
        SymbolKind kind = bounds[k] ? SYM_INDEX : names[k][0] == 'u' ? SYM_UNBACKED : SYM_SIZE;
        symbols[k] = expr_symbol_named(pool, names[k], kind, EXPR_TYPE_INT);
        if (bounds[k])
            symbols[k]->bound = infix(bounds[k]);
    }
    symbols[1]->min = roll(2) ? 1 : 3;
    symbols[1]->max = roll(2) ? 16 : INT64_MAX;
}

static void draw_values(void)
{
    values[0] = 1 + roll(9);
    values[1] = symbols[1]->min + roll(14);
    values[2] = roll((uint32_t)values[0]);
    values[3] = roll(6);
    values[4] = roll(8);
    values[5] = roll((uint32_t)(64 * values[1]));
    values[6] = (int64_t)roll(41) - 20;
}

static void check_value(int at, const Expr *e)
{
    __int128 expected;
    int64_t  got;
    if (!plain_value(at, &expected))
        return;
    Error *error = expr_eval(arena, e, lookup, NULL, &got, NULL);
    if (error)
        fail_msg("%s: %s", expr_text(arena, e), error->message);
    ExprRange r = expr_range(e);
    if (got != expected || got < r.min || got > r.max)
        fail_msg("%s gives %" PRId64 ", not %" PRId64, expr_text(arena, e), got, (int64_t)expected);
}

static void check_proofs(int a, const Expr *x, int b, const Expr *y)
{
    __int128 va, vb;
    bool     less = expr_prove_lt(pool, x, y), at_most = expr_prove_le(pool, x, y);
    bool     same = expr_prove_eq(pool, x, y);
    for (int i = 0; i < 10; i++) {
        draw_values();
        if (!plain_value(a, &va) || !plain_value(b, &vb))
            continue;
        if ((less && va >= vb) || (at_most && va > vb) || (same && va != vb))
            fail_msg("proved %s %s %s", expr_text(arena, x),
                     less ? "<" : "<=", expr_text(arena, y));
    }
}

static void test_random(void **state)
{
    (void)state;
    seed = 20240607;
    for (int round = 0; round < 6000; round++) {
        if (round % 500 == 0) { /* a new pool with other ranges */
            teardown(NULL);
            setup(NULL);
            make_symbols();
        }
        n_plain = 0;
        int         depth = 2 + (int)roll(2);
        int         a = random_int(depth), b = random_int(2);
        const Expr *x = build(a), *y = build(b);
        const char *text = expr_text(arena, x);
        if (infix(text) != x)
            fail_msg("%s reads back as %s", text, expr_text(arena, infix(text)));
        for (int i = 0; i < 10; i++) {
            draw_values();
            check_value(a, x);
        }
        check_proofs(a, x, b, y);
    }
}

/* Substituting an expression for a symbol is computing with its value. */
static void test_random_subst(void **state)
{
    (void)state;
    seed = 99;
    make_symbols();
    for (int round = 0; round < 1500; round++) {
        n_plain = 0;
        int         a = random_int(2), b = random_int(2);
        const Expr *x = build(a), *y = build(b);
        Symbol     *from = symbols[6];
        const Expr *e = expr_subst(pool, x, &from, &y, 1);
        for (int i = 0; i < 8; i++) {
            __int128 v;
            draw_values();
            if (!plain_value(b, &v))
                continue;
            int64_t kept = values[6], got, again;
            values[6] = (int64_t)v;
            bool has_value = plain_value(a, &v);
            values[6] = kept;
            if (!has_value || expr_eval(arena, e, lookup, NULL, &got, NULL))
                continue;
            again = (int64_t)v;
            if (got != again)
                fail_msg("%s with u0 = %s gives %s", expr_text(arena, x), expr_text(arena, y),
                         expr_text(arena, e));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sums, setup, teardown),
        cmocka_unit_test_setup_teardown(test_overflow_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_division, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ceildiv, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reshapes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_symbolic_reshapes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_more_symbolic, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ranges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_relations, setup, teardown),
        cmocka_unit_test_setup_teardown(test_proofs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_questions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_subst, setup, teardown),
        cmocka_unit_test_setup_teardown(test_symbols, setup, teardown),
        cmocka_unit_test_setup_teardown(test_srepr, setup, teardown),
        cmocka_unit_test_setup_teardown(test_guards, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_texts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile_texts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stops, setup, teardown),
        cmocka_unit_test_setup_teardown(test_floats, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_subst, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
