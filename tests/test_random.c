/* Random operators: graphs as text are compiled and run; means, variances and distribution
 * functions of the samples are compared with the exact ones (Kolmogorov and Smirnov).
 *
 * The seed is fixed, so a case passes always or never.  KS_LIMIT is the value that one sample in a
 * hundred thousand of the right distribution exceeds (2 exp(-2 x^2)); means get five standard
 * errors. */
#include "abi/aotc_model.h"
#include "emit_c/emit_c.h"
#include "passes/pass.h"

#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { N = 40000, MAX_OUTPUTS = 24 };
#define KS_LIMIT (2.47 / sqrt(N))

/* ---- compiling a graph ----------------------------------------------------------------------- */

typedef struct Model {
    char                    folder[64];
    void                   *handle;
    const aotc_model_entry *entry;
} Model;

static void build(Model *m, Arena *arena, const char *source)
{
    Graph    *graph = NULL;
    Plan     *plan = NULL;
    EmitFile *files = NULL;
    int       n_files = 0;
    PassCtx   cx = {.arena = arena};
    Error    *error = graph_parse(ir_create(arena, "test"), source, &graph);
    if (!error)
        error = passes_run(graph, &cx);
    if (!error)
        error = lower_graph(graph, &cx, &plan);
    if (!error)
        error = emit_c(plan, arena, &(EmitOptions){.target = "native", .producer = "test"}, &files,
                       &n_files);
    if (error)
        fail_msg("%s", error_text(arena, error));
    strcpy(m->folder, "/tmp/aotc_random_XXXXXX");
    assert_non_null(mkdtemp(m->folder));
    FILE *f = fopen(arena_printf(arena, "%s/model.c", m->folder), "w");
    assert_non_null(f);
    fwrite(files[0].text, 1, files[0].n, f);
    fclose(f);
    assert_int_equal(n_files, 1);
    const char *cc = getenv("CC");
    assert_int_equal(
        system(arena_printf(
            arena,
            "%s -std=gnu11 -O2 -march=native -fPIC -fno-math-errno -fopenmp-simd -shared "
            "%s/model.c -o %s/model.so -lm",
            cc ? cc : "cc", m->folder, m->folder)),
        0);
    m->handle = dlopen(arena_printf(arena, "%s/model.so", m->folder), RTLD_NOW | RTLD_LOCAL);
    assert_non_null(m->handle);
    aotc_model_query_fn query =
        (aotc_model_query_fn)(uintptr_t)dlsym(m->handle, "aotc_model_query");
    m->entry = query(AOTC_MODEL_ABI)->entries;
}

static void discard(Model *m, Arena *arena)
{
    dlclose(m->handle);
    assert_int_equal(system(arena_printf(arena, "rm -rf %s", m->folder)), 0);
    arena_destroy(arena);
}

/* ---- running --------------------------------------------------------------------------------- */

typedef struct Task {
    const Model            *m;
    const aotc_model_frame *frame;
    int32_t                 thread;
} Task;

static void *run_thread(void *cx)
{
    const Task *t = cx;
    t->m->entry->run(t->frame, t->thread);
    return NULL;
}

static const aotc_model_host host = {.struct_size = sizeof host};

/* Each output has room for N doubles. */
static void run(const Model *m, void *const *inputs, void **outputs, uint64_t seed, uint64_t offset,
                int n_threads)
{
    int64_t            sym[4] = {0}, sizes[64];
    aotc_model_barrier barrier = {0};
    aotc_model_failure failure = {0};
    assert_true(m->entry->n_exprs < 64);
    assert_int_equal(m->entry->exprs(sym, sizes), 0);
    uint64_t scratch = m->entry->scratch_expr >= 0 ? (uint64_t)sizes[m->entry->scratch_expr] : 0;
    uint64_t bytes = m->entry->arena_expr >= 0 ? (uint64_t)sizes[m->entry->arena_expr] : 0;

    aotc_model_frame frame = {.struct_size = sizeof frame,
                              .n_threads = n_threads,
                              .inputs = inputs,
                              .outputs = outputs,
                              .sym = sym,
                              .barrier = &barrier,
                              .failure = &failure,
                              .host = &host,
                              .scratch_bytes = scratch,
                              .seed = seed,
                              .offset = offset};
    frame.arena = aligned_alloc(64, (bytes + 127) / 64 * 64);
    frame.scratch = aligned_alloc(64, (scratch * (uint64_t)n_threads + 127) / 64 * 64);
    pthread_t threads[4];
    Task      tasks[4];
    for (int i = n_threads - 1; i >= 0; i--) {
        tasks[i] = (Task){m, &frame, i};
        if (i)
            assert_int_equal(pthread_create(&threads[i], NULL, run_thread, &tasks[i]), 0);
        else
            run_thread(&tasks[0]);
    }
    for (int i = 1; i < n_threads; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(failure.code, 0);
    free(frame.arena);
    free(frame.scratch);
}

/* ---- distributions --------------------------------------------------------------------------- */

static double cdf_uniform(double x)
{
    return fmin(fmax(x, 0), 1);
}

static double cdf_uniform_2_6(double x)
{
    return cdf_uniform((x - 2) / 4);
}

static double cdf_normal(double x)
{
    return erfc(-x / sqrt(2)) / 2;
}

static double cdf_normal_3_2(double x)
{
    return cdf_normal((x - 3) / 2);
}

static double cdf_exponential_2(double x)
{
    return x <= 0 ? 0 : -expm1(-2 * x);
}

static double cdf_cauchy_1_3(double x)
{
    return 0.5 + atan((x - 1) / 3) / M_PI;
}

static double cdf_log_normal(double x)
{
    return x <= 0 ? 0 : cdf_normal((log(x) - 0.5) / 0.25);
}

static double cdf_geometric_02(double x)
{
    return x < 1 ? 0 : 1 - pow(0.8, floor(x));
}

static double cdf_poisson(double x, double rate)
{
    double sum = 0;
    for (int k = 0; k <= x; k++)
        sum += exp(k * log(rate) - rate - lgamma(k + 1.0));
    return sum;
}

static double cdf_poisson_4(double x)
{
    return cdf_poisson(x, 4);
}

static double cdf_poisson_60(double x)
{
    return cdf_poisson(x, 60);
}

static double cdf_binomial(double x, double n, double p)
{
    double sum = 0;
    for (int k = 0; k <= x; k++)
        sum += exp(lgamma(n + 1) - lgamma(k + 1.0) - lgamma(n - k + 1) + k * log(p) +
                   (n - k) * log1p(-p));
    return sum;
}

static double cdf_binomial_20_03(double x)
{
    return cdf_binomial(x, 20, 0.3);
}

static double cdf_binomial_100_07(double x)
{
    return cdf_binomial(x, 100, 0.7);
}

static double cdf_gamma_3(double x)
{
    return x <= 0 ? 0 : 1 - exp(-x) * (1 + x + x * x / 2);
}

/* shape 1/2: half a squared normal number */
static double cdf_gamma_half(double x)
{
    return x <= 0 ? 0 : erf(sqrt(x));
}

static double cdf_whole_10(double x)
{
    return fmin(fmax((floor(x) - 4) / 10, 0), 1); /* 5 … 14 */
}

static double cdf_wide(double x)
{
    return cdf_uniform(x / 1e15);
}

static double cdf_coin_03(double x)
{
    return x < 0 ? 0 : x < 1 ? 0.7 : 1;
}

static double cdf_dropped(double x)
{
    return x < 0 ? 0 : x < 4.0 / 3 ? 0.25 : 1; /* 0, or 1 / 0.75 */
}

static double cdf_picked(double x)
{
    return x < 0 ? 0 : x < 1 ? 0.1 : x < 3 ? 0.7 : 1; /* weights 1 6 0 3 */
}

typedef struct Case {
    const char *calls; /* ends in %<name> = ... : f64[40000] */
    double      mean, variance;
    double (*cdf)(double);
} Case;

static const Case cases[] = {
    {"%u = aten.rand.default([40000], dtype=f64) : f64[40000]", 0.5, 1.0 / 12, cdf_uniform},
    {"%u = aten.rand.default([40000]) : f32[40000]", 0.5, 1.0 / 12, cdf_uniform},
    {"%u = aten.uniform.default(%x, 2.0, 6.0) : f64[40000]", 4, 16.0 / 12, cdf_uniform_2_6},
    {"%u = aten.randn.default([40000], dtype=f64) : f64[40000]", 0, 1, cdf_normal},
    {"%u = aten.randn.default([40000]) : f32[40000]", 0, 1, cdf_normal},
    {"%u = aten.normal_functional.default(%x, 3.0, 2.0) : f64[40000]", 3, 4, cdf_normal_3_2},
    {"%u = aten.exponential.default(%x, 2.0) : f64[40000]", 0.5, 0.25, cdf_exponential_2},
    {"%u = aten.cauchy.default(%x, 1.0, 3.0) : f64[40000]", NAN, NAN, cdf_cauchy_1_3},
    {"%u = aten.log_normal.default(%x, 0.5, 0.25) : f64[40000]", 1.7010902, 0.1866225,
     cdf_log_normal},
    {"%u = aten.geometric.default(%x, 0.2) : f64[40000]", 5, 20, cdf_geometric_02},
    {"%u = aten.poisson.default(%four) : f64[40000]", 4, 4, cdf_poisson_4},
    {"%u = aten.poisson.default(%sixty) : f64[40000]", 60, 60, cdf_poisson_60},
    {"%u = aten._standard_gamma.default(%three) : f64[40000]", 3, 3, cdf_gamma_3},
    {"%u = aten._standard_gamma.default(%half) : f64[40000]", 0.5, 0.5, cdf_gamma_half},
    {"%u = aten.binomial.default(%twenty, %p) : f64[40000]", 6, 4.2, cdf_binomial_20_03},
    {"%u = aten.binomial.default(%hundred, %q) : f64[40000]", 70, 21, cdf_binomial_100_07},
    {"%u = aten.randint.low(5, 15, [40000], dtype=f64) : f64[40000]", 9.5, 99.0 / 12, cdf_whole_10},
    {"%u = aten.randint.default(1000000000000000, [40000], dtype=f64) : f64[40000]", 5e14,
     1e30 / 12, cdf_wide},
    {"%u = aten.bernoulli.p(%x, 0.3) : f64[40000]", 0.3, 0.21, cdf_coin_03},
    {"%u = aten.bernoulli.default(%p) : f64[40000]", 0.3, 0.21, cdf_coin_03},
    {"%u = aten.dropout.default(%one, 0.25, true) : f64[40000]", 1, 1.0 / 3, cdf_dropped},
    {"%u = aten.multinomial.default(%weights, 40000, true) : i64[40000]", 1.5, 1.05, cdf_picked},
};
enum { N_CASES = sizeof cases / sizeof *cases };

static const char *const inputs_text[] = {
    "%one: f64[40000]",  "%four: f64[40000]",   "%sixty: f64[40000]", "%three: f64[40000]",
    "%half: f64[40000]", "%twenty: f64[40000]", "%p: f64[40000]",     "%hundred: f64[40000]",
    "%q: f64[40000]",    "%x: f64[40000]",      "%weights: f64[4]"};
static const double inputs_value[] = {1, 4, 60, 3, 0.5, 20, 0.3, 100, 0.7, 0, 0};
enum { N_INPUTS = sizeof inputs_value / sizeof *inputs_value };

/* All cases in one graph: "%u" becomes %u0, %u1 … and every result is f64. */
static const char *graph_of_cases(Arena *arena)
{
    Text t = text_new(arena), names = text_new(arena);
    text_put(&t, "graph @random(");
    for (int i = 0; i < N_INPUTS; i++)
        text_printf(&t, "%s%s", i ? ", " : "", inputs_text[i]);
    text_put(&t, ") {\n");
    for (int i = 0; i < N_CASES; i++) {
        text_printf(&t, "  %%u%d%s\n", i, cases[i].calls + 2);
        if (!strstr(cases[i].calls, " : f64"))
            text_printf(&t, "  %%w%d = aten._to_copy.default(%%u%d, dtype=f64) : f64[40000]\n", i,
                        i);
        text_printf(&names, "%s%%%c%d", i ? ", " : "", strstr(cases[i].calls, " : f64") ? 'u' : 'w',
                    i);
    }
    text_printf(&t, "  return %s\n}\n", names.data);
    return t.data;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void check_distribution(const Case *c, double *x)
{
    double mean = 0, variance = 0, fourth = 0, worst = 0;
    for (int i = 0; i < N; i++)
        mean += x[i] / N;
    for (int i = 0; i < N; i++) {
        double d = (x[i] - mean) * (x[i] - mean);
        variance += d / N;
        fourth += d * d / N;
    }
    qsort(x, N, sizeof *x, compare);
    for (int i = 0, next; i < N; i = next) {
        for (next = i; next < N && x[next] == x[i]; next++)
            continue;
        worst = fmax(worst, fabs((double)next / N - c->cdf(x[i])));
        worst = fmax(worst, fabs((double)i / N - c->cdf(nextafter(x[i], -INFINITY))));
    }
    if (worst > KS_LIMIT)
        fail_msg("%s: distribution functions differ by %g", c->calls, worst);
    if (isnan(c->mean))
        return;
    if (fabs(mean - c->mean) > 5 * sqrt(c->variance / N))
        fail_msg("%s: mean %g, not %g", c->calls, mean, c->mean);
    if (fabs(variance - c->variance) > 5 * sqrt(fourth / N))
        fail_msg("%s: variance %g, not %g", c->calls, variance, c->variance);
}

typedef struct Memory {
    double *inputs[N_INPUTS], *outputs[N_CASES];
} Memory;

static void set_up(Memory *m)
{
    for (int i = 0; i < N_CASES; i++)
        m->outputs[i] = calloc(N, sizeof(double));
    for (int i = 0; i < N_INPUTS; i++) {
        m->inputs[i] = calloc(N, sizeof(double));
        for (int k = 0; k < N; k++)
            m->inputs[i][k] = inputs_value[i];
    }
    memcpy(m->inputs[N_INPUTS - 1], (double[]){1, 6, 0, 3}, 4 * sizeof(double));
}

static void free_memory(Memory *m)
{
    for (int i = 0; i < N_CASES; i++)
        free(m->outputs[i]);
    for (int i = 0; i < N_INPUTS; i++)
        free(m->inputs[i]);
}

static void test_distributions(void **state)
{
    (void)state;
    Arena *arena = arena_create(NULL);
    Model  model;
    Memory a, b;
    build(&model, arena, graph_of_cases(arena));
    set_up(&a);
    set_up(&b);
    run(&model, (void *const *)a.inputs, (void **)a.outputs, 7, 0, 1);
    run(&model, (void *const *)b.inputs, (void **)b.outputs, 7, 0, 3);
    for (int i = 0; i < N_CASES; i++) /* threads do not matter */
        if (memcmp(a.outputs[i], b.outputs[i], N * sizeof(double)))
            fail_msg("%s: 3 threads give other numbers than 1", cases[i].calls);
    run(&model, (void *const *)b.inputs, (void **)b.outputs, 7, 1, 1);
    for (int i = 0; i < N_CASES; i++) /* the next run does */
        if (!memcmp(a.outputs[i], b.outputs[i], N * sizeof(double)))
            fail_msg("%s: the next run gives the same numbers", cases[i].calls);
    run(&model, (void *const *)b.inputs, (void **)b.outputs, 8, 0, 1);
    for (int i = 0; i < N_CASES; i++)
        if (!memcmp(a.outputs[i], b.outputs[i], N * sizeof(double)))
            fail_msg("%s: another seed gives the same numbers", cases[i].calls);
    for (int i = 0; i < N_CASES; i++)
        check_distribution(&cases[i], a.outputs[i]);
    free_memory(&a);
    free_memory(&b);
    discard(&model, arena);
}

/* Two equal calls draw on their own; one value that is used twice is drawn once. */
static void test_independence(void **state)
{
    (void)state;
    Arena *arena = arena_create(NULL);
    Model  model;
    build(&model, arena,
          "graph @g() {\n"
          "  %a = aten.randn.default([40000], dtype=f64) : f64[40000]\n"
          "  %b = aten.randn.default([40000], dtype=f64) : f64[40000]\n"
          "  %p = aten.mul.Tensor(%a, %b) : f64[40000]\n"
          "  %d = aten.sub.Tensor(%a, %a) : f64[40000]\n"
          "  %n = aten.randperm.default(40000) : i64[40000]\n"
          "  return %a, %p, %d, %n\n}\n");
    double *a = calloc(N, sizeof *a), *p = calloc(N, sizeof *p), *d = calloc(N, sizeof *d),
           mean = 0;
    int64_t *n = calloc(N, sizeof *n);
    char    *seen = calloc(N, 1);
    run(&model, NULL, (void *[]){a, p, d, n}, 1, 0, 2);
    int kept = 0;
    for (int i = 0; i < N; i++) {
        mean += p[i] / N;
        assert_true(d[i] == 0);
        assert_true(n[i] >= 0 && n[i] < N && !seen[n[i]]);
        seen[n[i]] = 1;
        kept += n[i] == i;
    }
    assert_true(fabs(mean) < 5 / sqrt(N)); /* the covariance of independent numbers */
    assert_true(kept < 12);                /* fixed points of a permutation: one is expected */
    free(a), free(p), free(d), free(n), free(seen);
    discard(&model, arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distributions),
        cmocka_unit_test(test_independence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
