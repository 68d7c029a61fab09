/* Text of plans: what is printed can be parsed and prints to the same bytes, and emits the same C;
 * what is malformed is refused with a line, what is wrong is found by the verifier, and nothing
 * crashes.
 *
 * Plans come from the exports in tests/fixtures, the graphs in tests/passes and the texts in
 * tests/plans, which between them hold every kind of kernel and step that lowering makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "emit_c/emit_c.h"
#include "ir/import.h"
#include "package/archive_read.h"
#include "passes/pass.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef AOTC_SOURCE_DIR
#define AOTC_SOURCE_DIR "."
#endif

enum { N_KERNEL_KINDS = KERNEL_CUSTOM + 1, N_STEP_KINDS = STEP_COPY + 1 };

static bool kernel_seen[N_KERNEL_KINDS], step_seen[N_STEP_KINDS];

static char *read_file(Arena *arena, const char *path)
{
    FILE *f = fopen(path, "rb");
    Text  text = text_new(arena);
    char  part[4096];
    if (!f)
        fail_msg("cannot read %s", path);
    for (size_t n; (n = fread(part, 1, sizeof part, f));)
        text_putn(&text, part, n);
    fclose(f);
    return text.data;
}

static const char *print(Arena *arena, const Plan *plan)
{
    Text text = text_new(arena);
    plan_print(&text, plan);
    return text.data;
}

/* Calls visit for every file of tests/<folder> with that ending; how many. */
static int for_each_file(const char *folder, const char *ending, void (*visit)(const char *path))
{
    char path[1024];
    snprintf(path, sizeof path, "%s/tests/%s", AOTC_SOURCE_DIR, folder);
    DIR *dir = opendir(path);
    int  n = 0;
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        size_t length = strlen(e->d_name), m = strlen(ending);
        if (length < m || strcmp(e->d_name + length - m, ending))
            continue;
        snprintf(path, sizeof path, "%s/tests/%s/%s", AOTC_SOURCE_DIR, folder, e->d_name);
        visit(path);
        n++;
    }
    closedir(dir);
    return n;
}

/* ---- round trips ----------------------------------------------------------------------------- */

static void note_steps(Step *const *steps, int n)
{
    for (int i = 0; i < n; i++) {
        step_seen[steps[i]->kind] = true;
        note_steps(steps[i]->then_steps.items, steps[i]->then_steps.n);
        note_steps(steps[i]->else_steps.items, steps[i]->else_steps.n);
    }
}

static void note_kinds(const Plan *plan)
{
    for (int i = 0; i < plan->kernels.n; i++)
        kernel_seen[plan->kernels.items[i]->kind] = true;
    note_steps(plan->steps.items, plan->steps.n);
    if (plan->fold)
        note_kinds(plan->fold);
}

static Error *emit(Arena *arena, const Plan *plan, const char **text)
{
    WeightLayout layout;
    EmitFile    *files;
    int          n;
    EmitOptions options = {.target = "native", .producer = "test", .n_files = 1, .layout = &layout};
    Text        all = text_new(arena);
    emit_layout_weights(arena, &plan, 1, &layout);
    TRY(emit_c(plan, arena, &options, &files, &n));
    for (int i = 0; i < n; i++)
        text_putn(&all, files[i].text, files[i].n);
    *text = all.data;
    return NULL;
}

static void check_same(const char *what, const char *path, const char *a, const char *b)
{
    size_t i = 0;
    if (!strcmp(a, b))
        return;
    while (a[i] == b[i])
        i++;
    i = i > 100 ? i - 100 : 0;
    fail_msg("%s: %s differs:\n%.300s\n--- and\n%.300s", path, what, a + i, b + i);
}

/* The plan as text, and what is emitted from it: before and after. */
static void check_round_trip(const char *path, Arena *arena, const Plan *plan)
{
    const char *text = print(arena, plan), *a = "", *b = "";
    Plan       *again;
    Error      *error = plan_parse(ir_create(arena, path), text, &again);
    if (!error)
        error = plan_verify(again);
    if (error)
        fail_msg("%s: %s", path, error_text(arena, error));
    check_same("the text", path, text, print(arena, again));
    note_kinds(plan);
    if (plan->is_cuda)
        return;
    assert_null(emit(arena, plan, &a));
    assert_null(emit(arena, again, &b));
    check_same("the code", path, a, b);
}

static void check_lowered(const char *path, Arena *arena, Graph *graph, bool is_cuda)
{
    PassCtx cx = {.arena = arena, .target_is_cuda = is_cuda};
    Plan   *plan;
    Error  *error = passes_run(graph, &cx);
    if (!error)
        error = lower_graph(graph, &cx, &plan);
    if (!error)
        error = plan_verify(plan);
    if (error)
        fail_msg("%s: %s", path, error_text(arena, error));
    check_round_trip(path, arena, plan);
}

static void check_export(const char *path)
{
    for (int is_cuda = 0; is_cuda < 2; is_cuda++) {
        Arena       *arena = arena_create(NULL);
        Archive     *archive = NULL;
        ImportSource source;
        Graph       *graph;
        assert_null(archive_open(arena, path, NULL, &archive));
        assert_null(archive_load(archive, NULL, &source));
        assert_null(graph_import(ir_create(arena, path), &source, &graph));
        check_lowered(path, arena, graph, is_cuda);
        archive_close(archive);
        arena_destroy(arena);
    }
}

static void test_exports(void **state)
{
    (void)state;
    assert_true(for_each_file("fixtures", ".pt2", check_export) >= 9);
}

static int n_graphs;

/* A graph of a text case; some cannot be lowered (they hold operators without a row, or are
 * refused). */
static void check_graph(const char *path, const char *text)
{
    Arena  *arena = arena_create(NULL);
    PassCtx cx = {.arena = arena};
    Graph  *graph;
    Plan   *plan;
    if (!graph_parse(ir_create(arena, path), text, &graph) && !passes_run(graph, &cx) &&
        !lower_graph(graph, &cx, &plan) && !plan_verify(plan)) {
        check_round_trip(path, arena, plan);
        n_graphs++;
    }
    arena_destroy(arena);
}

static void check_cases(const char *path)
{
    Arena *arena = arena_create(NULL);
    char  *text = read_file(arena, path);
    while (*text) { /* parts are between lines that start with '#' */
        char *end = text[0] == '#' ? strchr(text, '\n') : strstr(text, "\n#");
        char *next = end ? end + 1 : text + strlen(text);
        if (text[0] != '#') {
            char *part = arena_strndup(arena, text, (size_t)(next - text));
            check_graph(path, part);
        }
        text = next;
    }
    arena_destroy(arena);
}

static void test_graphs(void **state)
{
    (void)state;
    assert_true(for_each_file("passes", ".txt", check_cases) >= 10);
    assert_true(n_graphs > 100);
}

static void check_text(const char *path)
{
    Arena      *arena = arena_create(NULL);
    const char *text = read_file(arena, path);
    Plan       *plan;
    assert_true(plan_is_text(text));
    Error *error = plan_parse(ir_create(arena, path), text, &plan);
    if (!error)
        error = plan_verify(plan);
    if (error)
        fail_msg("%s: %s", path, error_text(arena, error));
    check_same("the text", path, text, print(arena, plan));
    check_round_trip(path, arena, plan);
    arena_destroy(arena);
}

static void test_texts(void **state)
{
    (void)state;
    assert_true(for_each_file("plans", ".ir", check_text) > 5);
    for (int i = 0; i < N_STEP_KINDS; i++)
        if (!step_seen[i])
            fail_msg("no plan has a step of kind %d", i);
    for (int i = 0; i < N_KERNEL_KINDS; i++) /* item is no kernel that lowering or emitters know */
        if (!kernel_seen[i] && i != KERNEL_ITEM)
            fail_msg("no plan has a kernel of kind %s", kernel_kind_name((KernelKind)i));
}

static int streams_seen;

/* Memory that an epilogue reads and writes in whole rows is announced to the runtime: a residual
 * and a result are, a bias, a result in another layout and a depthwise convolution's are not. */
static void check_streams(const char *path)
{
    Arena *arena = arena_create(NULL);
    static const struct {
        const char *name, *streams;
    } expected[] = {{"linear.ir", "{{r_b1, 128}, {out_2_b5, 128}};"},
                    {"convolution.ir", "{{v1_b6, 64}};"}};
    const char *text = "";
    Plan       *plan;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        size_t n = strlen(path), m = strlen(expected[i].name);
        if (n < m || strcmp(path + n - m, expected[i].name))
            continue;
        assert_null(plan_parse(ir_create(arena, path), read_file(arena, path), &plan));
        assert_null(emit(arena, plan, &text));
        const char *at = strstr(text, "t_streams[] = ");
        if (!at || strncmp(at + 14, expected[i].streams, strlen(expected[i].streams)))
            fail_msg("%s: streams are %.60s", path, at ? at : "not there");
        assert_null(strstr(at + 14, "t_streams[] = "));
        streams_seen++;
    }
    arena_destroy(arena);
}

static void test_streams(void **state)
{
    (void)state;
    streams_seen = 0;
    for_each_file("plans", ".ir", check_streams);
    assert_int_equal(streams_seen, 2);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static const char *const small_plan =
    "plan @f {\n"
    "    symbol s0: int min 2 max 100 hint 8.0\n"
    "    buffer %x: f32[s0,4] input slot 0\n"
    "    buffer %y: f32[s0,4] output slot 0\n"
    "    buffer %m: f32[s0] local\n"
    "    buffer %t: f32[s0,4] temp at 0 from 0 to 1\n"
    "    input %x as \"x\"\n"
    "    output %y as \"y\"\n"
    "    memory arena 16*s0\n"
    "    kernel @k0(in %x: f32[s0,4], out %t: f32[s0,4]) over i0 < s0 {\n"
    "        stage over r0 < 4\n"
    "            %m[i0] = max(%x[4*i0 + r0])\n"
    "        stage over r1 < 4\n"
    "            $0 = exp(sub(%x[4*i0 + r1], %m[i0]))\n"
    "            %t[4*i0 + r1] = add($0, mul($0, 0.5))\n"
    "        run parallel 1\n"
    "        cost flops 20*s0 bytes_read 16*s0 bytes_written 16*s0\n"
    "        nodes \"softmax\"\n"
    "    }\n"
    "    kernel @k1(in %t: f32[s0,4], out %y: f32[s0,4]) over i1 < s0, i2 < 4 {\n"
    "        stage\n"
    "            %y[4*i1 + i2] = neg(%t[4*i1 + i2]) where gt(%t[4*i1 + i2], 0)\n"
    "        run parallel 1\n"
    "        cost\n"
    "        nodes \"neg\"\n"
    "    }\n"
    "    launch @k0\n"
    "    barrier launch @k1\n"
    "}\n";

static const char *replaced(Arena *arena, const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    if (!at)
        fail_msg("the plan has no %s", from);
    return arena_printf(arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void test_malformed(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *line;
    } cases[] = {
        {"plan @f", "plen @f", "line 1,"},
        {"int min 2", "long min 2", "line 2,"},
        {"max 100", "max 1", "line 2,"},
        {"f32[s0,4] input", "f33[s0,4] input", "line 3,"},
        {"f32[s0,4] input", "f32[s1,4] input", "line 3,"},
        {"input slot 0", "inputs slot 0", "line 3,"},
        {"buffer %y", "buffer %x", "line 4,"},
        {"input %x as", "input %z as", "line 7,"},
        {"as \"y\"", "as \"y", "line 8,"},
        {"arena 16*s0", "arena 16*(s0", "line 9,"},
        {"in %x: f32[s0,4]", "in %x: f32[s0,5]", "line 10,"},
        {"over i0 < s0", "over s0 < s0", "line 10,"},
        {"over r0 < 4", "over r0 < 4 <", "line 11,"},
        {"max(%x[4*i0 + r0])", "max(%x[4*i0 + r9])", "line 12,"},
        {"max(%x[4*i0 + r0])", "max(%x[4*i0 + r0]", "line 13,"},
        {"exp(sub(", "exq(sub(", "line 14,"},
        {"$0 = exp", "$0 = $1 = exp", "line 14,"},
        {"mul($0, 0.5)", "mul($7, 0.5)", "line 15,"},
        {"mul($0, 0.5)", "mul(0.5, 0.5)", "line 15,"},
        {"gt(%t[4*i1 + i2], 0)", "gt(%t[4*i1 - i2], 0)", "line 22,"},
        {"nodes \"neg\"", "notes \"neg\"", "line 25,"},
        {"launch @k0", "launch @k9", "line 27,"},
        {"launch @k1\n}", "launch @k1\n} }", "line 29,"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena      *arena = arena_create(NULL);
        Plan       *plan;
        const char *text = replaced(arena, small_plan, cases[i].from, cases[i].to);
        Error      *error = plan_parse(ir_create(arena, "t.ir"), text, &plan);
        if (!error)
            fail_msg("%s is taken", cases[i].to);
        assert_int_equal(error->code, E_FORMAT);
        if (!error->where.path || strncmp(error->where.path, cases[i].line, strlen(cases[i].line)))
            fail_msg("%s: %s, not %s", cases[i].to, error_text(arena, error), cases[i].line);
        arena_destroy(arena);
    }
}

static void test_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *message;
    } cases[] = {
        {"launch @k0\n", "launch @k1\n    launch @k0\n", "no step before it makes: %t"},
        {"input slot 0", "input slot 1", "input 0: %x"},
        {"input slot 0", "temp at 0", "input 0: %x"},
        {" at 0 from 0 to 1", "", "%t has no place"},
        {"%m[i0] = max(", "%t[i0] = max(", "reads %m before it stores it"},
        {"%m[i0] = max(%x[4*i0 + r0])", "%m[i0] = max(%y[4*i0 + r0])", "reads %y, which is not"},
        {"%t[4*i0 + r1] = add", "%y[4*i0 + r1] = add", "stores into %y, which is not"},
        {"4*i1 + i2] = neg", "4*i1 + r1] = neg", "loop variable r1"},
        {"gt(%t[4*i1 + i2], 0)", "%t[4*i1 + i2]", "mask of f32"},
        {"add($0, mul($0, 0.5))", "add($0, cast($0, f64))", "add of f32 and f64"},
        {"add($0, mul($0, 0.5))", "cast($0, f64)", "stores f64 into %t"},
        {"run parallel 1", "run parallel 2", "splits 2 of its 1 dims"},
        {"hint 8.0", "hint 8.0 without slot", "s0, which has no slot"},
        {"        stage\n            %y[4*i1 + i2] = neg(%t[4*i1 + i2]) where gt(%t[4*i1 + i2], "
         "0)\n",
         "", "has no stage"},
        {"        stage\n            %y", "        gemm result %t\n        stage\n            %y",
         "has no m"},
        {"        stage\n            %y[4*i1 + i2] = neg(%t[4*i1 + i2]) where gt(%t[4*i1 + i2], "
         "0)\n",
         "        scan n_outer 9 axis 8 source over j0 < 4 { %y[j0] = %t[j0] } index j0\n",
         "scans axis 8 of 9 dims of 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena      *arena = arena_create(NULL);
        Plan       *plan;
        const char *text = replaced(arena, small_plan, cases[i].from, cases[i].to);
        Error      *error = plan_parse(ir_create(arena, "t.ir"), text, &plan);
        if (error)
            fail_msg("%s: %s", cases[i].to, error_text(arena, error));
        error = plan_verify(plan);
        if (!error || !strstr(error->message, cases[i].message))
            fail_msg("%s: %s, not %s", cases[i].to, error ? error->message : "nothing found",
                     cases[i].message);
        arena_destroy(arena);
    }
}

/* ---- damaged texts --------------------------------------------------------------------------- */

/* An error, or a plan that goes on to the emitter. */
static void try_text(const char *text)
{
    Arena      *arena = arena_create(NULL);
    Plan       *plan;
    const char *code;
    Error      *error = plan_parse(ir_create(arena, "damaged.ir"), text, &plan);
    if (!error)
        error = plan_verify(plan);
    if (!error) {
        print(arena, plan);
        error = plan->is_cuda ? NULL : emit(arena, plan, &code);
    }
    if (error)
        assert_non_null(error_text(arena, error));
    arena_destroy(arena);
}

static void truncate_text(const char *text)
{
    Arena *arena = arena_create(NULL);
    size_t n = strlen(text);
    char  *copy = arena_strdup(arena, text);
    for (size_t i = n > 6000 ? n - 6000 : 0; i < n; i++) {
        copy[i] = 0;
        try_text(copy);
        copy[i] = text[i];
    }
    arena_destroy(arena);
}

typedef struct Token {
    size_t at, n;
} Token;

static Token next_token(const char *text, size_t at)
{
    at += strspn(text + at, " \n");
    size_t n =
        strspn(text + at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");
    return (Token){at, n ? n : text[at] != 0};
}

static uint32_t random_number(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* One token gone, or another token of the text in its place. */
static void flip_tokens(const char *text, int n_flips, uint32_t seed)
{
    Arena *arena = arena_create(NULL);
    VEC(Token) tokens = {0};
    for (size_t at = 0;;) {
        Token token = next_token(text, at);
        if (!token.n)
            break;
        VEC_PUSH(arena, tokens, token);
        at = token.at + token.n;
    }
    for (int i = 0; i < n_flips; i++) {
        ArenaMark mark = arena_mark(arena);
        Token     old = tokens.items[random_number(&seed) % (uint32_t)tokens.n];
        Token     other = tokens.items[random_number(&seed) % (uint32_t)tokens.n];
        int       kept = i % 4 ? (int)other.n : 0;
        try_text(arena_printf(arena, "%.*s%.*s%s", (int)old.at, text, kept, text + other.at,
                              text + old.at + old.n));
        arena_release(arena, mark);
    }
    arena_destroy(arena);
}

static void damage_file(const char *path)
{
    Arena *arena = arena_create(NULL);
    char  *text = read_file(arena, path);
    flip_tokens(text, 400, 1);
    arena_destroy(arena);
}

static void test_truncated(void **state)
{
    (void)state;
    truncate_text(small_plan);
}

static void test_flipped(void **state)
{
    (void)state;
    flip_tokens(small_plan, 3000, 7);
    for_each_file("plans", ".ir", damage_file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exports),   cmocka_unit_test(test_graphs),
        cmocka_unit_test(test_texts),     cmocka_unit_test(test_streams),
        cmocka_unit_test(test_malformed), cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_truncated), cmocka_unit_test(test_flipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
