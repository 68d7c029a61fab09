/* Scalars: constant folding by dtype, rules that keep every bit, indirect indices, rewriting, text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ir/loops.h"
#include "ir/scalar_internal.h"

#include <math.h>
#include <string.h>

static Arena      *arena;
static ExprPool   *exprs;
static ScalarPool *pool;
static Buffer      buffers[3]; /* x f32, k i64, h bf16 */

static int setup(void **state)
{
    (void)state;
    arena = arena_create(NULL);
    exprs = expr_pool_create(arena);
    pool = scalar_pool_create(exprs);
    buffers[0] = (Buffer){.name = "x", .dtype = DT_F32};
    buffers[1] = (Buffer){.name = "k", .dtype = DT_I64};
    buffers[2] = (Buffer){.name = "h", .dtype = DT_BF16};
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
    const Expr *e;
    assert_null(expr_parse_infix(exprs, text, &e));
    return e;
}

static Scalar *load(int buffer, const char *index)
{
    return scalar_load(pool, &buffers[buffer], infix(index), NULL);
}

/* x, y f32; k, m i64; h bf16; c bool; half an f64 constant */
static Scalar *lookup(void *cx, const char *name)
{
    (void)cx;
    if (!strcmp(name, "x") || !strcmp(name, "y"))
        return load(0, name[0] == 'x' ? "i0" : "i1");
    if (!strcmp(name, "k") || !strcmp(name, "m"))
        return load(1, name[0] == 'k' ? "i0" : "i1");
    if (!strcmp(name, "h"))
        return load(2, "i0");
    if (!strcmp(name, "c"))
        return scalar_2(pool, S_LT, load(0, "i0"), load(0, "i1"));
    return strcmp(name, "half") ? NULL : scalar_float(pool, DT_F64, 0.5);
}

static Scalar *parse(const char *text)
{
    Scalar *a = NULL;
    Error  *error = scalar_parse(pool, text, DT_F32, lookup, NULL, &a);
    if (error)
        fail_msg("%s: %s", text, error->message);
    return a;
}

static const char *text_of(const Scalar *a)
{
    Text text = text_new(arena);
    scalar_print(&text, a);
    return text.data;
}

static void assert_gives(const char *text, const char *expected)
{
    const char *got = text_of(parse(text));
    if (strcmp(got, expected))
        fail_msg("%s gives %s, not %s", text, got, expected);
}

static void assert_same(const char *a, const char *b)
{
    if (parse(a) != parse(b))
        fail_msg("%s is %s, not %s", a, text_of(parse(a)), text_of(parse(b)));
}

/* ---- constants ------------------------------------------------------------------------------- */
static void test_int_folding(void **state)
{
    (void)state;
    assert_int_equal(parse("add(i8(127), i8(1))")->i, -128);
    assert_int_equal(parse("mul(u8(200), u8(2))")->i, 144);
    assert_int_equal(parse("sub(u8(1), u8(2))")->i, 255);
    assert_int_equal(parse("neg(i32(-2147483648))")->i, INT32_MIN);
    assert_int_equal(parse("floordiv(i64(-7), 2)")->i, -4);
    assert_int_equal(parse("truncdiv(i64(-7), 2)")->i, -3);
    assert_int_equal(parse("mod(i64(-7), 3)")->i, 2);
    assert_int_equal(parse("mod(i64(7), -3)")->i, -2);
    assert_int_equal(parse("fmod(i64(-7), 3)")->i, -1);
    assert_int_equal(parse("pow(i64(3), 4)")->i, 81);
    assert_int_equal(parse("pow(i64(-1), -3)")->i, -1);
    assert_int_equal(parse("pow(i64(2), -1)")->i, 0);
    assert_int_equal(parse("shl(i32(1), 40)")->i, 0);
    assert_int_equal(parse("shr(i32(-8), 1)")->i, -4);
    assert_int_equal(parse("shr(i32(-8), 99)")->i, -1);
    assert_int_equal(parse("bitnot(u8(1))")->i, 254);
    assert_int_equal(parse("bitnot(bool(true))")->i, 0);
    assert_int_equal(parse("maximum(i64(3), -4)")->i, 3);
    assert_int_equal(parse("sign(i64(-4))")->i, -1);
    assert_int_equal(parse("add(true, true)")->i, 1);
    assert_int_equal(parse("floordiv(i64(1), 0)")->op, S_FLOORDIV);
    assert_int_equal(parse("cast(i64(300), u8)")->i, 44);
    assert_int_equal(parse("cast(i64(-1), bool)")->i, 1);
    Scalar *top = scalar_int(pool, DT_U64, -1), *two = scalar_int(pool, DT_U64, 2);
    assert_true(scalar_2(pool, S_FLOORDIV, top, two)->i == INT64_MAX);
    assert_int_equal(scalar_2(pool, S_LT, two, top)->i, 1);
    assert_true(scalar_2(pool, S_MAXIMUM, two, top)->i == -1);
}

static void test_float_folding(void **state)
{
    (void)state;
    assert_true(parse("add(f32(0.1), f32(0.2))")->f == (double)(0.1f + 0.2f));
    assert_true(parse("div(f32(1), f32(3))")->f == (double)(1.0f / 3.0f));
    assert_true(parse("add(f64(0.1), f64(0.2))")->f == 0.1 + 0.2);
    assert_true(parse("mul(f32(3e38), f32(10))")->f == INFINITY);
    assert_true(isnan(parse("maximum(f32(nan), 1)")->f));
    assert_true(isnan(parse("minimum(f32(1), nan)")->f));
    assert_true(parse("fmax(f32(nan), 1)")->f == 1);
    assert_true(parse("mod(f32(-7), 3)")->f == 2);
    assert_true(parse("fmod(f32(-7), 3)")->f == -1);
    assert_true(parse("floordiv(f32(-7), 2)")->f == -4);
    assert_true(parse("truncdiv(f32(-7), 2)")->f == -3);
    assert_true(parse("round(f32(2.5))")->f == 2);
    assert_true(parse("round(f32(-3.5))")->f == -4);
    assert_true(parse("sqrt(f32(2))")->f == (double)sqrtf(2));
    assert_true(signbit(parse("neg(f32(0))")->f));
    assert_int_equal(parse("eq(f32(nan), nan)")->i, 0);
    assert_int_equal(parse("ne(f32(nan), nan)")->i, 1);
    assert_int_equal(parse("ge(f32(nan), nan)")->i, 0);
    assert_int_equal(parse("isnan(f32(nan))")->i, 1);
    assert_int_equal(parse("cast(f32(-2.7), i32)")->i, -2);
    assert_int_equal(parse("cast(f32(1e10), i32)")->op, S_CAST);
    assert_int_equal(parse("cast(f32(nan), bool)")->i, 1);
    assert_int_equal(parse("bitcast(f32(1), i32)")->i, 0x3f800000);
    assert_int_equal(parse("erfinv(f32(0.5))")->op, S_ERFINV);
}

static void test_small_floats(void **state)
{
    (void)state;
    assert_true(scalar_round(DT_BF16, 1.00390625) == 1);        /* tie to even */
    assert_true(scalar_round(DT_BF16, 1.01171875) == 1.015625); /* tie to even, up */
    assert_true(scalar_round(DT_F16, 65519) == 65504);
    assert_true(scalar_round(DT_F16, 65520) == INFINITY);
    assert_true(scalar_round(DT_F16, 0x1p-24) == 0x1p-24);
    assert_true(scalar_round(DT_F16, 0x1p-25) == 0);
    assert_true(scalar_round(DT_F8E4M3, 448) == 448);
    assert_true(scalar_round(DT_F8E4M3, 463) == 448);
    assert_true(scalar_round(DT_F8E4M3, 480) == 448);
    assert_true(scalar_round(DT_F8E4M3, -INFINITY) == -448);
    assert_true(isnan(scalar_round(DT_F8E4M3, NAN)));
    assert_true(scalar_round(DT_F8E5M2, 61440) == INFINITY);
    assert_true(scalar_round(DT_F8E5M2, -57344) == -57344);
    assert_true(scalar_round(DT_F32, 0.1) == (double)0.1f);
    assert_true(scalar_int(pool, DT_F32, 16777217)->f == 16777216);
}

/* ---- rules ----------------------------------------------------------------------------------- */
static void test_rules(void **state)
{
    (void)state;
    assert_same("mul(x, 1)", "x");
    assert_same("div(x, 1)", "x");
    assert_same("sub(x, 0)", "x");
    assert_same("add(k, 0)", "k");
    assert_same("add(0, k)", "k");
    assert_same("mul(k, 0)", "i64(0)");
    assert_same("sub(k, k)", "i64(0)");
    assert_same("floordiv(k, 1)", "k");
    assert_int_equal(parse("add(x, 0)")->op, S_ADD); /* -0.0 + 0.0 is 0.0 */
    assert_same("add(x, -0.0)", "x");
    assert_int_equal(parse("mul(x, 0)")->op, S_MUL);
    assert_int_equal(parse("sub(x, x)")->op, S_SUB);
    assert_same("select(c, x, x)", "x");
    assert_same("select(true, x, y)", "x");
    assert_same("select(not(c), x, y)", "select(c, y, x)");
    assert_same("select(c, true, false)", "c");
    assert_same("select(c, false, true)", "not(c)");
    assert_same("not(not(c))", "c");
    assert_same("not(eq(x, y))", "ne(x, y)");
    assert_same("not(lt(k, m))", "ge(k, m)");
    assert_int_equal(parse("not(lt(x, y))")->op, S_NOT);
    assert_same("and(c, true)", "c");
    assert_same("and(c, false)", "false");
    assert_same("or(c, c)", "c");
    assert_same("xor(c, true)", "not(c)");
    assert_same("maximum(x, x)", "x");
    assert_same("eq(k, k)", "true");
    assert_int_equal(parse("eq(x, x)")->op, S_EQ);
    assert_same("pow(x, 2)", "mul(x, x)");
    assert_same("pow(x, 0.5)", "sqrt(x)");
    assert_same("pow(x, 0)", "f32(1)");
    assert_same("add(x, y)", "add(y, x)");
    assert_ptr_not_equal(parse("sub(x, y)"), parse("sub(y, x)"));
    assert_same("neg(neg(x))", "x");
    assert_same("floor(k)", "k");
}

static void test_casts(void **state)
{
    (void)state;
    assert_same("cast(cast(h, f32), bf16)", "h");
    assert_same("cast(cast(h, f32), f64)", "cast(h, f64)");
    assert_same("cast(x, f32)", "x");
    assert_int_equal(parse("cast(cast(x, bf16), f32)")->in[0]->op, S_CAST);
    assert_int_equal(parse("cast(cast(k, f32), i64)")->in[0]->op, S_CAST);
    assert_same("cast(cast(c, f32), i64)", "cast(c, i64)");
    assert_same("cast(cast(c, i8), bool)", "c");
    assert_true(scalar_is_lossless(DT_U8, DT_BF16));
    assert_false(scalar_is_lossless(DT_I16, DT_F16));
    assert_false(scalar_is_lossless(DT_I8, DT_U32));
    assert_true(scalar_is_lossless(DT_U32, DT_I64));
    assert_false(scalar_is_lossless(DT_F16, DT_BF16));
    assert_false(scalar_is_lossless(DT_I64, DT_F64));
}

/* ---- indices --------------------------------------------------------------------------------- */
static void test_index(void **state)
{
    (void)state;
    Symbol *i = expr_symbol_index(exprs, "i", expr_int(exprs, 8));
    Scalar *a = scalar_index(pool, DT_I64, i->self), *b = scalar_int(pool, DT_I64, 8);
    assert_int_equal(scalar_2(pool, S_LT, a, b)->i, 1);
    assert_int_equal(scalar_2(pool, S_GE, a, b)->op, S_CONST);
    assert_int_equal(scalar_2(pool, S_EQ, a, scalar_int(pool, DT_I64, 3))->op, S_EQ);
    Scalar *sum = scalar_2(pool, S_ADD, a, b);
    assert_int_equal(sum->op, S_INDEX);
    assert_ptr_equal(sum->index, expr_add(exprs, i->self, expr_int(exprs, 8)));
    assert_int_equal(scalar_index(pool, DT_I64, infix("i0 == 3"))->dtype, DT_BOOL);
    assert_int_equal(scalar_index(pool, DT_F32, infix("3"))->op, S_CONST);
}

static void test_indirect(void **state)
{
    (void)state;
    const Expr *ten = expr_int(exprs, 10), *s0 = infix("s0");
    expr_symbol_find(exprs, "s0")->min = 4;
    assert_ptr_equal(scalar_indirect(pool, parse("i64(3)"), ten, "index"), expr_int(exprs, 3));
    assert_ptr_equal(scalar_indirect(pool, parse("i64(-1)"), ten, "index"), expr_int(exprs, 9));
    assert_ptr_equal(scalar_indirect(pool, parse("i64(3)"), s0, "index"), expr_int(exprs, 3));
    assert_ptr_equal(scalar_indirect(pool, parse("i64(-1)"), s0, "index"), infix("s0 - 1"));
    Symbol *j = expr_symbol_index(exprs, "j", s0);
    Scalar *index = scalar_index(pool, DT_I64, j->self);
    assert_ptr_equal(scalar_indirect(pool, index, s0, "index"), j->self);

    const Expr *t = scalar_indirect(pool, parse("i64(10)"), ten, "index");
    assert_int_equal(t->kind, EXPR_SYMBOL); /* out of range: the run reports it */
    assert_int_equal(scalar_indirect(pool, index, expr_int(exprs, 3), "index")->symbol->kind,
                     SYM_SCALAR);
    t = scalar_indirect(pool, parse("k"), ten, "index");
    assert_ptr_equal(scalar_indirect(pool, parse("k"), ten, "index"), t);
    assert_ptr_not_equal(scalar_indirect(pool, parse("k"), s0, "index"), t);
    assert_int_equal(t->symbol->scalar->op, S_INDIRECT);
    assert_ptr_equal(t->symbol->scalar->in[0], parse("k"));
    assert_int_equal(expr_range(t).max, 9);
}

static void test_masked_load(void **state)
{
    (void)state;
    Scalar     *yes = parse("true"), *no = parse("false"), *c = parse("c");
    const Expr *i0 = infix("i0");
    assert_ptr_equal(scalar_load(pool, &buffers[0], i0, yes), load(0, "i0"));
    assert_true(scalar_is_float_value(scalar_load(pool, &buffers[0], i0, no), 0));
    assert_ptr_not_equal(scalar_load(pool, &buffers[0], i0, c), load(0, "i0"));
    assert_ptr_equal(scalar_and(pool, NULL, c), c);
    assert_null(scalar_and(pool, NULL, NULL));
}

/* ---- walking and rewriting ------------------------------------------------------------------- */
typedef struct Seen {
    Scalar *items[32];
    int     n;
} Seen;

static void see(void *cx, Scalar *a)
{
    Seen *seen = cx;
    for (int i = 0; i < seen->n; i++)
        assert_ptr_not_equal(seen->items[i], a);
    for (int i = 0; i < a->n_in; i++) {
        bool before = false;
        for (int j = 0; j < seen->n; j++)
            before |= seen->items[j] == a->in[i];
        assert_true(before);
    }
    seen->items[seen->n++] = a;
}

static Scalar *gather(void)
{
    const Expr *row = scalar_indirect(pool, load(1, "i0"), expr_int(exprs, 100), "index");
    const Expr *at = expr_add(exprs, expr_mul(exprs, row, expr_int(exprs, 64)), infix("i1"));
    return scalar_load(pool, &buffers[0], at, NULL);
}

static void test_walk(void **state)
{
    (void)state;
    Scalar *g = gather(), *sum = scalar_2(pool, S_MUL, g, scalar_2(pool, S_ADD, g, parse("x")));
    Seen    seen = {0};
    scalar_walk(&sum, 1, see, &seen);
    assert_int_equal(seen.n, 6); /* load k, indirect, load x[t], load x[i0], add, mul */
    assert_int_equal(seen.items[0]->op, S_LOAD);
    assert_int_equal(seen.items[1]->op, S_INDIRECT);
    assert_int_equal(scalar_cost(sum), 6);
    assert_int_equal(scalar_cost(parse("exp(x)")), 11);
}

static void test_rewrite(void **state)
{
    (void)state;
    Scalar     *g = gather();
    ScalarPool *other = scalar_pool_create(exprs);
    Symbol     *from[] = {expr_symbol_find(exprs, "i0"), expr_symbol_find(exprs, "i1")};
    const Expr *to[] = {infix("r0"), infix("r1")};
    Scalar     *h = scalar_rewrite(other, g, from, to, 2, NULL, NULL);
    Symbol     *t = NULL;
    for (int i = 0; i < h->index->n; i++)
        if (h->index->args[i]->kind == EXPR_MUL)
            t = h->index->args[i]->args[1]->symbol;
    assert_non_null(t);
    assert_int_equal(t->kind, SYM_SCALAR);
    assert_ptr_equal(t->scalar->in[0]->index, infix("r0"));
    assert_true(expr_contains(h->index, infix("r1")->symbol));
    assert_false(expr_contains(h->index, from[1]));
    /* a second time: the same nodes */
    assert_ptr_equal(scalar_rewrite(other, g, from, to, 2, NULL, NULL), h);
    assert_ptr_equal(scalar_rewrite(pool, g, NULL, NULL, 0, NULL, NULL), g);
}

/* k[…] becomes what computes it; x stays. */
static Scalar *inline_k(void *cx, Scalar *a)
{
    (void)cx;
    return a->buffer == &buffers[1] ? scalar_index(pool, DT_I64, a->index) : NULL;
}

static void test_inline(void **state)
{
    (void)state;
    expr_symbol_named(exprs, "i0", SYM_INDEX, EXPR_TYPE_INT)->bound = expr_int(exprs, 100);
    Scalar *g = scalar_rewrite(pool, gather(), NULL, NULL, 0, inline_k, NULL);
    assert_ptr_equal(g->index, infix("64*i0 + i1"));
    Scalar *sum = parse("add(k, 3)");
    assert_ptr_equal(scalar_rewrite(pool, sum, NULL, NULL, 0, inline_k, NULL)->index,
                     infix("i0 + 3"));
}

/* ---- text ------------------------------------------------------------------------------------ */
static void test_text(void **state)
{
    (void)state;
    assert_gives("select(gt(x, 0), x, mul(x, 2))", "select(gt(%x[i0], 0), %x[i0], mul(%x[i0], 2))");
    assert_gives("mul(x, half)", "mul(%x[i0], 0.5)");
    assert_gives("mul(cast(h, f32), 0.1)", "mul(cast(%h[i0], f32), 0.1)");
    assert_gives("select(c, 1, 0)", "select(lt(%x[i0], %x[i1]), f32(1), f32(0))");
    assert_gives("maximum(x, -inf)", "maximum(%x[i0], -inf)");
    assert_gives("and(x, c)", "and(ne(%x[i0], 0), lt(%x[i0], %x[i1]))");
    assert_gives("1e-05", "1e-05");
    assert_int_equal(parse("select(c, 1, 0)")->dtype, DT_F32);
    assert_int_equal(parse("add(k, 2)")->in[1]->dtype, DT_I64);
    assert_int_equal(parse("gt(k, 2)")->dtype, DT_BOOL);
    assert_int_equal(parse("3")->dtype, DT_F32);
    assert_int_equal(parse("random(k, m)")->dtype, DT_U32);
}

static void assert_refused(const char *text, ErrorCode code, const char *part)
{
    Scalar *a;
    Error  *error = scalar_parse(pool, text, DT_F32, lookup, NULL, &a);
    if (!error || error->code != code || !strstr(error->message, part))
        fail_msg("%s: %s", text, error ? error->message : "accepted");
}

static void test_bad_text(void **state)
{
    (void)state;
    assert_refused("frob(x)", E_FORMAT, "frob");
    assert_refused("add(x)", E_FORMAT, "too few");
    assert_refused("add(x, x, x)", E_FORMAT, "too many");
    assert_refused("add(x, k)", E_FORMAT, "f32 and i64");
    assert_refused("add(k, 0.5)", E_FORMAT, "fraction");
    assert_refused("nobody", E_FORMAT, "unknown name `nobody` at column 1");
    assert_refused("add(x, y", E_FORMAT, "`)`");
    assert_refused("x y", E_FORMAT, "the end");
    assert_refused("", E_FORMAT, "name");
    assert_refused("load(x)", E_FORMAT, "load");
    assert_refused("cast(x, f99)", E_FORMAT, "dtype");
    Text deep = text_new(arena);
    for (int i = 0; i < 100000; i++)
        text_put(&deep, "neg(");
    assert_refused(deep.data, E_LIMIT, "nested");
}

/* 60 doublings of a shared value are 61 nodes; their text must not be 2^60 long. */
static void test_shared_text_is_bounded(void **state)
{
    (void)state;
    Scalar *a = parse("x");
    for (int i = 0; i < 60; i++)
        a = scalar_2(pool, S_MUL, a, scalar_1(pool, S_EXP, a));
    assert_true(strlen(text_of(a)) < 200000);
    assert_int_equal(scalar_cost(a), 1 + 60 * 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_int_folding, setup, teardown),
        cmocka_unit_test_setup_teardown(test_float_folding, setup, teardown),
        cmocka_unit_test_setup_teardown(test_small_floats, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rules, setup, teardown),
        cmocka_unit_test_setup_teardown(test_casts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_index, setup, teardown),
        cmocka_unit_test_setup_teardown(test_indirect, setup, teardown),
        cmocka_unit_test_setup_teardown(test_masked_load, setup, teardown),
        cmocka_unit_test_setup_teardown(test_walk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rewrite, setup, teardown),
        cmocka_unit_test_setup_teardown(test_inline, setup, teardown),
        cmocka_unit_test_setup_teardown(test_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shared_text_is_bounded, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
