/* Lowering, fusion, in-place writes and memory: graphs as IR text, plans out.
 *
 * Each case says how many kernels a graph may take, what one of them must or must not hold, and how
 * many bytes of arena it needs.  Numbers are those that follow from the shapes: inputs once,
 * outputs once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "passes/pass.h"

#include <stdio.h>
#include <string.h>

typedef struct Lowering {
    Arena  *arena;
    Plan   *plan;
    PassCtx cx;
} Lowering;

static void plan_of(Lowering *l, const char *source)
{
    Graph *graph = NULL;
    *l = (Lowering){.arena = arena_create(NULL)};
    l->cx.arena = l->arena;
    Error *error = graph_parse(ir_create(l->arena, "test"), source, &graph);
    if (!error)
        error = passes_run(graph, &l->cx);
    if (!error)
        error = lower_graph(graph, &l->cx, &l->plan);
    if (!error)
        error = plan_verify(l->plan);
    if (error)
        fail_msg("%s", error_text(l->arena, error));
}

static int64_t counter(const Lowering *l, const char *name)
{
    for (int i = 0; i < l->cx.counters.n; i++)
        if (!strcmp(l->cx.counters.items[i].name, name))
            return l->cx.counters.items[i].count;
    return 0;
}

static int64_t constant(const Expr *e)
{
    int64_t v = -1;
    assert_true(expr_is_int(e, &v));
    return v;
}

static int64_t bytes_read(const Lowering *l)
{
    int64_t n = 0;
    for (int i = 0; i < l->plan->kernels.n; i++)
        n += constant(l->plan->kernels.items[i]->bytes_read);
    return n;
}

static int64_t bytes_written(const Lowering *l)
{
    int64_t n = 0;
    for (int i = 0; i < l->plan->kernels.n; i++)
        n += constant(l->plan->kernels.items[i]->bytes_written);
    return n;
}

/* ---- one kernel ------------------------------------------------------------------------------ */

static void test_one_kernel(void **state)
{
    (void)state;
    static const struct {
        const char *what, *source;
        int64_t     read, written;
    } cases[] = {
        {"a chain",
         "graph @f(%x: f32[8,16], %y: f32[16]) {\n %0 = aten.mul.Tensor(%x, %y)\n %1 = "
         "aten.exp.default(%0)\n"
         " %2 = aten.add.Tensor(%1, %x)\n return %2\n}\n",
         4 * (128 + 16), 4 * 128},
        {"two results of one input",
         "graph @f(%x: f32[64]) {\n %0 = aten.cos.default(%x)\n %1 = aten.sin.default(%x)\n"
         " return %0, %1\n}\n",
         256, 512},
        {"a value for two users",
         "graph @f(%x: f32[64]) {\n %0 = aten.exp.default(%x)\n %1 = aten.add.Tensor(%0, 1)\n"
         " %2 = aten.mul.Tensor(%0, 2)\n return %1, %2\n}\n",
         256, 512},
        {"softmax",
         "graph @f(%x: f32[4,100]) {\n %0 = aten._softmax.default(%x, -1, false)\n return %0\n}\n",
         1600, 1600},
        {"layer norm",
         "graph @f(%x: f32[4,100], %w: f32[100], %b: f32[100]) {\n"
         " %0 = aten.layer_norm.default(%x, [100], %w, %b)\n return %0\n}\n",
         1600 + 800, 1600},
        {"sum after arithmetic",
         "graph @f(%x: f32[6,100]) {\n %0 = aten.exp.default(%x)\n"
         " %1 = aten.sum.dim_IntList(%0, [1])\n return %1\n}\n",
         2400, 24},
        {"two reductions of one input",
         "graph @f(%x: f32[6,100]) {\n %0 = aten.sum.dim_IntList(%x, [1])\n"
         " %1 = aten.amax.default(%x, [1])\n return %0, %1\n}\n",
         2400, 48},
        {"views in between",
         "graph @f(%x: f32[4,6]) {\n %0 = aten.relu.default(%x)\n %1 = aten.permute.default(%0, "
         "[1,0])\n"
         " %2 = aten.view.default(%x, [24])\n %3 = aten.add.Tensor(%1, 1)\n return %3\n}\n",
         96, 96},
        {"pieces of one buffer",
         "graph @f(%i: i64[5], %u: f32[5,8], %v: f32[5,8], %w: f32[5,8]) {\n"
         " %0 = aten.embedding.default(%u, %i)\n %1 = aten.embedding.default(%v, %i)\n"
         " %2 = aten.embedding.default(%w, %i)\n %3 = aten.stack.default([%0, %1, %2], 1)\n"
         " return %3\n}\n",
         40 + 3 * 160, 480},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Lowering l;
        plan_of(&l, cases[i].source);
        if (l.plan->kernels.n != 1 || bytes_read(&l) != cases[i].read ||
            bytes_written(&l) != cases[i].written)
            fail_msg("%s: %d kernels, %lld bytes read, %lld written", cases[i].what,
                     l.plan->kernels.n, (long long)bytes_read(&l), (long long)bytes_written(&l));
        arena_destroy(l.arena);
    }
}

/* ---- what must not be joined ----------------------------------------------------------------- */

static void test_kept_apart(void **state)
{
    (void)state;
    static const struct {
        const char *what, *source;
        int         kernels;
    } cases[] = {
        {"no memory in common",
         "graph @f(%x: f32[64], %y: f32[64]) {\n %0 = aten.cos.default(%x)\n %1 = "
         "aten.sin.default(%y)\n"
         " return %0, %1\n}\n",
         2},
        {"another element of the row's value",
         "graph @f(%x: f32[64]) {\n %0 = aten.exp.default(%x)\n %1 = aten.flip.default(%0, [0])\n"
         " %2 = aten.add.Tensor(%0, %1)\n return %0, %2\n}\n",
         2},
        {"a product needs all of its operand",
         "graph @f(%x: f32[8,8], %y: f32[8,8]) {\n %0 = aten.exp.default(%x)\n"
         " %1 = aten.mm.default(%0, %y)\n return %1\n}\n",
         2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Lowering l;
        plan_of(&l, cases[i].source);
        if (l.plan->kernels.n != cases[i].kernels)
            fail_msg("%s: %d kernels", cases[i].what, l.plan->kernels.n);
        arena_destroy(l.arena);
    }
}

/* A sum that a later kernel needs too is stored by the first: the second does not read both
 * operands again. */
static void test_residual_is_stored(void **state)
{
    (void)state;
    Lowering l;
    plan_of(&l, "graph @f(%x: f32[4,4], %a: f32[4,4], %w: f32[4,4]) {\n"
                " %0 = aten.add.Tensor(%x, %a)\n %1 = aten._softmax.default(%0, -1, false)\n"
                " %2 = aten.mm.default(%1, %w)\n %3 = aten.add.Tensor(%2, %0)\n return %3\n}\n");
    assert_int_equal(l.plan->kernels.n, 2);
    assert_int_equal(bytes_read(&l), (2 + 3) * 64);
    assert_int_equal(bytes_written(&l), (2 + 1) * 64);
    arena_destroy(l.arena);
}

/* The difference from the mean is cheap beside a value that is stored anyway: no buffer for it,
 * although that value is a sum of two tensors. */
static void test_difference_is_computed_again(void **state)
{
    (void)state;
    Lowering l;
    plan_of(&l,
            "graph @f(%x: f32[1,64,8,8], %a: f32[1,64,8,8], %w: f32[64,64,1,1]) {\n"
            " %0 = aten.add.Tensor(%x, %a)\n"
            " %1 = aten.group_norm.default(%0, 32, None, None, 1e-05, true)\n"
            " %2 = aten.silu.default(%1)\n"
            " %3 = aten.convolution.default(%2, %w, None, [1,1], [0,0], [1,1], false, [0,0], 1)\n"
            " %4 = aten.convolution.default(%0, %w, None, [1,1], [0,0], [1,1], false, [0,0], 1)\n"
            " %5 = aten.add.Tensor(%3, %4)\n return %5\n}\n");
    for (int i = 0; i < l.plan->buffers.n; i++)
        assert_null(strstr(l.plan->buffers.items[i]->name, "sub"));
    arena_destroy(l.arena);
}

/* Every turn would draw the same numbers: refused rather than wrong. */
static void test_random_in_a_loop_is_refused(void **state)
{
    (void)state;
    Lowering l = {.arena = arena_create(NULL)};
    Graph   *graph = NULL;
    l.cx.arena = l.arena;
    assert_null(graph_parse(
        ir_create(l.arena, "test"),
        "graph @f(%x: f32[4]) {\n"
        "  %r = higher_order.while_loop(graph @cond(%y: f32[4]) {\n"
        "    %s = aten.sum.default(%y) : f32[]\n    %0 = aten.lt.Scalar(%s, 9) : bool[]\n"
        "    return %0\n  }, graph @body(%z: f32[4]) {\n"
        "    %1 = aten.rand_like.default(%z) : f32[4]\n"
        "    %2 = aten.add.Tensor(%z, %1) : f32[4]\n    return %2\n  }, [%x], []) : f32[4]\n"
        "  return %r\n}\n",
        &graph));
    Error *error = passes_run(graph, &l.cx);
    if (!error)
        error = lower_graph(graph, &l.cx, &l.plan);
    assert_non_null(error);
    assert_int_equal(error->code, E_UNSUPPORTED);
    assert_non_null(strstr(error_text(l.arena, error), "random numbers inside a while_loop"));
    arena_destroy(l.arena);
}

/* On a GPU small kernels of equal dims share a launch, large ones do not. */
static void test_shared_launch(void **state)
{
    (void)state;
    for (int is_large = 0; is_large < 2; is_large++) {
        Lowering l = {.arena = arena_create(NULL)};
        Graph   *graph = NULL;
        char     source[300];
        snprintf(source, sizeof source,
                 "graph @f(%%x: f32[%d], %%y: f32[%d]) {\n %%0 = aten.cos.default(%%x)\n"
                 " %%1 = aten.sin.default(%%y)\n return %%0, %%1\n}\n",
                 is_large ? 100000 : 64, is_large ? 100000 : 64);
        l.cx.arena = l.arena;
        l.cx.target_is_cuda = true;
        assert_null(graph_parse(ir_create(l.arena, "test"), source, &graph));
        assert_null(passes_run(graph, &l.cx));
        assert_null(lower_graph(graph, &l.cx, &l.plan));
        assert_int_equal(l.plan->kernels.n, is_large ? 2 : 1);
        assert_true(l.plan->is_cuda);
        arena_destroy(l.arena);
    }
}

/* ---- epilogues ------------------------------------------------------------------------------- */

static const char *const linear_source =
    "graph @f(%x: f32[s0,64], %r: f32[s0,32], %w: f32[32,64] = parameter \"w\" storage 0, %b: "
    "f32[32] = parameter \"b\" storage 1)"
    " where 1 <= s0 <= 100 {\n %0 = aten.linear.default(%x, %w, %b)\n %1 = aten.gelu.default(%0)\n"
    " %2 = aten.add.Tensor(%1, %r)\n return %2\n}\n";

static void test_epilogue(void **state)
{
    (void)state;
    Lowering l;
    plan_of(&l, linear_source);
    assert_int_equal(l.plan->kernels.n, 1);
    const Kernel *k = l.plan->kernels.items[0];
    assert_int_equal(k->kind, KERNEL_GEMM);
    assert_int_equal(k->n_stages, 1);
    assert_int_equal(k->result->kind, BUFFER_LOCAL);
    assert_int_equal(k->gemm.b.buffer->panel, 16);
    /* The weight is packed by the fold plan, and nothing else is left of it. */
    assert_non_null(l.plan->fold);
    assert_int_equal(l.plan->fold->kernels.n, 1);
    assert_int_equal(l.plan->fold->kernels.items[0]->kind, KERNEL_PACK);
    assert_int_equal(l.plan->constants.n, 2);
    assert_int_equal(constant(l.plan->arena_bytes), 0);
    arena_destroy(l.arena);
}

static void test_tied_weight_is_stored_once(void **state)
{
    (void)state;
    Lowering l;
    plan_of(&l, "graph @f(%i: i64[5], %w: f32[40,8] = parameter \"w\" storage 0) {\n %0 = "
                "aten.embedding.default(%w, %i)\n"
                " %1 = aten.linear.default(%0, %w)\n return %1\n}\n");
    assert_int_equal(l.plan->constants.n, 1);
    assert_int_equal(l.plan->constants.items[0].buffer->panel, 16);
    arena_destroy(l.arena);
}

/* ---- in place -------------------------------------------------------------------------------- */

static const Step *find_copy(const Plan *plan)
{
    for (int i = 0; i < plan->steps.n; i++)
        if (plan->steps.items[i]->kind == STEP_COPY)
            return plan->steps.items[i];
    return NULL;
}

static void test_cache_is_written_in_place(void **state)
{
    (void)state;
    Lowering l;
    plan_of(&l,
            "graph @f(%k: f32[4,1,8], %p: i64[1], %c: f32[4,16,8] = buffer \"cache\" storage 0) {\n"
            " %0 = aten.index_copy.default(%c, 1, %p, %k)\n %1 = aten.sum.dim_IntList(%0, [1])\n "
            "%c <- %0\n return %1\n}\n");
    assert_null(find_copy(l.plan));
    assert_int_equal(counter(&l, "inplace"), 1);
    /* One row of each of the four heads is written, not the cache. */
    assert_int_equal(constant(l.plan->kernels.items[0]->bytes_written), 4 * 4 * 8);
    arena_destroy(l.arena);
}

static void test_old_content_is_kept_while_read(void **state)
{
    (void)state;
    Lowering l;
    plan_of(&l,
            "graph @f(%k: f32[4,1,8], %p: i64[1], %c: f32[4,16,8] = buffer \"cache\" storage 0) {\n"
            " %0 = aten.index_copy.default(%c, 1, %p, %k)\n %1 = aten.sum.dim_IntList(%0, [1])\n"
            " %2 = aten.sum.dim_IntList(%c, [1])\n %3 = aten.sub.Tensor(%1, %2)\n %c <- %0\n "
            "return %3\n}\n");
    assert_non_null(find_copy(l.plan));
    arena_destroy(l.arena);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static bool lives_overlap(const Buffer *a, const Buffer *b)
{
    return a->first_step <= b->last_step && b->first_step <= a->last_step;
}

/* No two buffers that live at once share a byte; dead ones are used again. */
static void test_arena(void **state)
{
    (void)state;
    Lowering l;
    Text     t;
    Arena   *arena = arena_create(NULL);
    t = text_new(arena);
    text_put(&t, "graph @f(%x: f32[64,64]) {\n");
    for (int i = 0; i < 12; i++)
        text_printf(&t, " %%v%d = aten.mm.default(%%%s, %%x)\n", i,
                    i ? arena_printf(arena, "v%d", i - 1) : "x");
    text_put(&t, " return %v11\n}\n");
    plan_of(&l, t.data);
    int64_t one = 64 * 64 * 4;
    assert_in_range(constant(l.plan->arena_bytes), 2 * one, 2 * one + 512);
    for (int i = 0; i < l.plan->buffers.n; i++)
        for (int j = 0; j < i; j++) {
            const Buffer *a = l.plan->buffers.items[i], *b = l.plan->buffers.items[j];
            if (a->kind != BUFFER_TEMP || b->kind != BUFFER_TEMP || a->first_step < 0 ||
                b->first_step < 0 || !lives_overlap(a, b))
                continue;
            int64_t x = constant(a->arena_offset), y = constant(b->arena_offset);
            assert_true(x >= y + one || y >= x + one);
        }
    arena_destroy(l.arena);
    arena_destroy(arena);
}

static void test_symbolic_arena(void **state)
{
    (void)state;
    Lowering l;
    plan_of(&l, "graph @f(%x: f32[s0,s0]) where 2 <= s0 <= 1000 {\n %0 = aten.mm.default(%x, %x)\n "
                "%1 = aten.mm.default(%0, %x)\n"
                " %2 = aten.mm.default(%1, %x)\n %3 = aten.mm.default(%2, %x)\n return %3\n}\n");
    int64_t     at_100 = 0;
    Symbol     *s0 = expr_symbol_find(l.plan->ir->exprs, "s0");
    const Expr *hundred = expr_int(l.plan->ir->exprs, 100);
    at_100 = constant(expr_subst(l.plan->ir->exprs, l.plan->arena_bytes, &s0, &hundred, 1));
    assert_in_range(at_100, 2 * 40000, 2 * 40000 + 512);
    arena_destroy(l.arena);
}

/* Steps that wait for all threads are '|', the others '.'. */
static void test_barriers(void **state)
{
    (void)state;
    static const struct {
        const char *what, *source, *barriers;
    } cases[] = {
        {"nothing in common",
         "graph @f(%x: f32[64,64], %y: f32[64,64]) {\n %0 = aten.mm.default(%x, %y)\n"
         " %1 = aten.mm.default(%y, %x)\n return %0, %1\n}\n",
         ".."},
        {"what another step wrote",
         "graph @f(%x: f32[64,64], %y: f32[64,64]) {\n %0 = aten.mm.default(%x, %y)\n"
         " %1 = aten.mm.default(%y, %x)\n %2 = aten.mm.default(%1, %0)\n"
         " %3 = aten.mm.default(%x, %x)\n return %2, %3\n}\n",
         "..|."},
        {"the bytes of what another step reads",
         "graph @f(%x: f32[64,64], %y: f32[64,64]) {\n %0 = aten.mm.default(%x, %y)\n"
         " %1 = aten.mm.default(%0, %y)\n %2 = aten.mm.default(%x, %x)\n"
         " %3 = aten.mm.default(%2, %y)\n return %1, %3\n}\n",
         ".|||"},
        {"small steps, run by one thread",
         "graph @f(%x: f32[64]) {\n %0 = aten.exp.default(%x)\n %1 = aten.flip.default(%0, [0])\n"
         " %2 = aten.add.Tensor(%0, %1)\n return %0, %2\n}\n",
         ".."},
        {"the same, run by all",
         "graph @f(%x: f32[65536]) {\n %0 = aten.exp.default(%x)\n %1 = aten.flip.default(%0, "
         "[0])\n"
         " %2 = aten.add.Tensor(%0, %1)\n return %0, %2\n}\n",
         ".|"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Lowering l;
        char     found[16] = "";
        plan_of(&l, cases[i].source);
        for (int j = 0; j < l.plan->steps.n && j < 15; j++)
            strcat(found, l.plan->steps.items[j]->barrier_before ? "|" : ".");
        if (strcmp(found, cases[i].barriers) != 0)
            fail_msg("%s: %s instead of %s", cases[i].what, found, cases[i].barriers);
        arena_destroy(l.arena);
    }
}

/* ---- switches -------------------------------------------------------------------------------- */

static void test_disabled_fusion(void **state)
{
    (void)state;
    static const char *const off[] = {"fuse"};
    Lowering                 l = {.arena = arena_create(NULL)};
    Graph                   *graph = NULL;
    l.cx.arena = l.arena;
    l.cx.disabled = off;
    l.cx.n_disabled = 1;
    Error *error = graph_parse(ir_create(l.arena, "test"), linear_source, &graph);
    assert_null(error);
    assert_null(passes_run(graph, &l.cx));
    assert_null(lower_graph(graph, &l.cx, &l.plan));
    assert_int_equal(l.plan->kernels.n, 2);
    arena_destroy(l.arena);
}

static void test_plans_are_reproducible(void **state)
{
    (void)state;
    Lowering a, b;
    Text     x, y;
    plan_of(&a, linear_source);
    plan_of(&b, linear_source);
    x = text_new(a.arena);
    y = text_new(b.arena);
    plan_print(&x, a.plan);
    plan_print(&y, b.plan);
    assert_string_equal(x.data, y.data);
    arena_destroy(a.arena);
    arena_destroy(b.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_kernel),
        cmocka_unit_test(test_kept_apart),
        cmocka_unit_test(test_shared_launch),
        cmocka_unit_test(test_random_in_a_loop_is_refused),
        cmocka_unit_test(test_residual_is_stored),
        cmocka_unit_test(test_difference_is_computed_again),
        cmocka_unit_test(test_epilogue),
        cmocka_unit_test(test_tied_weight_is_stored_once),
        cmocka_unit_test(test_cache_is_written_in_place),
        cmocka_unit_test(test_old_content_is_kept_while_read),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_symbolic_arena),
        cmocka_unit_test(test_barriers),
        cmocka_unit_test(test_disabled_fusion),
        cmocka_unit_test(test_plans_are_reproducible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
