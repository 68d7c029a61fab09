/* Stage 2.2: functionalize, decompose, and the folding of per-channel arithmetic, on text cases;
 * the runner itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "passes/pass.h"
#include "tests/pass_text.h"

#include <stdio.h>
#include <string.h>

#ifndef AOTC_SOURCE_DIR
#define AOTC_SOURCE_DIR "."
#endif

static void run_file(const char *name)
{
    char path[1024];
    int  n_cases;
    snprintf(path, sizeof path, "%s/tests/passes/%s.txt", AOTC_SOURCE_DIR, name);
    assert_int_equal(pass_text_file(path, &n_cases), 0);
    assert_true(n_cases > 0);
}

static void test_inline_regions(void **state)
{
    (void)state;
    run_file("inline_regions");
}

static void test_expand_vmap(void **state)
{
    (void)state;
    run_file("expand_vmap");
}

static void test_unroll_loops(void **state)
{
    (void)state;
    run_file("unroll_loops");
}

static void test_index_masks(void **state)
{
    (void)state;
    run_file("index_masks");
}

static void test_functionalize(void **state)
{
    (void)state;
    run_file("functionalize");
}

static void test_functionalize_views(void **state)
{
    (void)state;
    run_file("functionalize_views");
}

static void test_custom(void **state)
{
    (void)state;
    run_file("custom");
}

static void test_check_calls(void **state)
{
    (void)state;
    run_file("check_calls");
}

static void test_complexify(void **state)
{
    (void)state;
    run_file("complexify");
}

static void test_decompose(void **state)
{
    (void)state;
    run_file("decompose");
}

static void test_merge_linear(void **state)
{
    (void)state;
    run_file("merge_linear");
}

static void test_fold_batch_norm(void **state)
{
    (void)state;
    run_file("fold_batch_norm");
}

/* ---- the runner ------------------------------------------------------------------------------ */

static const char source[] = "graph @f(%x: f32[4]) {\n"
                             "  %0 = aten.relu.default(%x) : f32[4]\n"
                             "  %1 = aten.relu_.default(%0) : f32[4]\n"
                             "  return %1\n"
                             "}\n";

static Graph *parse(Arena *arena, const char *text)
{
    Graph *graph;
    Error *error = graph_parse(ir_create(arena, "test"), text, &graph);
    if (error)
        fail_msg("%s", error_text(arena, error));
    return graph;
}

typedef struct Printed {
    int  n;
    char passes[4096];
    char last[4096];
} Printed;

static void note_print(void *cx, const char *pass, const char *text)
{
    Printed *p = cx;
    p->n++;
    strncat(p->passes, pass, sizeof p->passes - strlen(p->passes) - 1);
    strncat(p->passes, " ", sizeof p->passes - strlen(p->passes) - 1);
    snprintf(p->last, sizeof p->last, "%s", text);
}

static void test_print_after(void **state)
{
    (void)state;
    Arena  *arena = arena_create(NULL);
    Printed printed = {0};
    PassCtx cx = {
        .arena = arena, .print_after = "functionalize", .print = note_print, .print_cx = &printed};
    assert_null(passes_run(parse(arena, source), &cx));
    assert_int_equal(printed.n, 1);
    assert_string_equal(printed.passes, "functionalize ");
    assert_null(strstr(printed.last, "relu_"));
    assert_non_null(strstr(printed.last, "aten.relu.default"));
    assert_true(cx.times.n > 5);
    arena_destroy(arena);
}

static void test_print_after_all(void **state)
{
    (void)state;
    Arena  *arena = arena_create(NULL);
    Printed printed = {0};
    PassCtx cx = {.arena = arena, .print_after = "all", .print = note_print, .print_cx = &printed};
    assert_null(passes_run(parse(arena, source), &cx));
    assert_int_equal(printed.n, cx.times.n);
    assert_non_null(strstr(printed.passes, "freeze "));
    assert_non_null(strstr(printed.passes, "post_grad "));
    arena_destroy(arena);
}

static void test_disabled(void **state)
{
    (void)state;
    static const char *const disabled[] = {"constant-fold"};
    static const char weights[] = "graph @f(%x: f32[4], %w: f32[4] = parameter \"w\" storage 0) {\n"
                                  "  %0 = aten.exp.default(%w) : f32[4]\n"
                                  "  %1 = aten.mul.Tensor(%x, %0) : f32[4]\n"
                                  "  return %1\n"
                                  "}\n";
    Arena            *arena = arena_create(NULL);
    PassCtx off = {.arena = arena, .disabled = disabled, .n_disabled = 1}, on = {.arena = arena};
    Graph  *kept = parse(arena, weights), *folded = parse(arena, weights);
    assert_null(passes_run(kept, &off));
    assert_null(passes_run(folded, &on));
    assert_null(kept->fold);
    assert_non_null(folded->fold);
    assert_int_equal(folded->folded.n, 1);
    arena_destroy(arena);
}

static void test_names(void **state)
{
    (void)state;
    assert_non_null(pass_find("functionalize"));
    assert_ptr_equal(pass_find("constant_fold"), pass_find("freeze"));
    assert_ptr_equal(pass_find("fold-noop"), pass_find("fold_noop"));
    assert_null(pass_find("fold_noo"));
    assert_null(pass_find("fold_noop_"));
    assert_null(pass_find(""));
}

/* The text runner must be able to fail. */
static void test_runner_fails(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "# pass: fold_noop\ngraph @f(%x: f32[4]) {\n  return %x\n}\n# expect\ngraph @g(%x: f32[4]) "
        "{\n  return %x\n}\n",
        "# pass: fold_noop\ngraph @f(%x: f32[4]) {\n  return %x\n}\n# error: E_UNSUPPORTED\n",
        "# pass: no_such_pass\ngraph @f(%x: f32[4]) {\n  return %x\n}\n# expect\ngraph @f(%x: "
        "f32[4]) {\n  return %x\n}\n",
        "# pass: fold_noop\ngraph @f(%x: f32[4]) {\n  return %y\n}\n# expect\n",
    };
    int n_cases;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(pass_text_cases("(meant to fail)", bad[i], &n_cases), 1);
    assert_int_equal(pass_text_cases("empty", "no case\n", &n_cases), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expand_vmap),     cmocka_unit_test(test_unroll_loops),
        cmocka_unit_test(test_inline_regions),  cmocka_unit_test(test_index_masks),
        cmocka_unit_test(test_functionalize),   cmocka_unit_test(test_functionalize_views),
        cmocka_unit_test(test_custom),          cmocka_unit_test(test_check_calls),
        cmocka_unit_test(test_complexify),      cmocka_unit_test(test_decompose),
        cmocka_unit_test(test_fold_batch_norm), cmocka_unit_test(test_merge_linear),
        cmocka_unit_test(test_print_after),     cmocka_unit_test(test_print_after_all),
        cmocka_unit_test(test_disabled),        cmocka_unit_test(test_names),
        cmocka_unit_test(test_runner_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
