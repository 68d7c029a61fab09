/* emit_c: plans made by hand are emitted, compiled by gcc and by clang, run through a frame made by
 * hand, and compared with plain loops; element functions are compared with libm in double over the
 * whole range of float.
 *
 * CC_LIST in the environment (names with spaces between) replaces "gcc clang". */
#include "abi/aotc_model.h"
#include "emit_c/emit_c.h"
#include "emit_c/emit_internal.h"
#include "emit_c/runtime/prelude.c.inc"
#include "emit_c/runtime/element.c.inc"
#include "emit_c/runtime/math.c.inc"

#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define FLAGS                                                                                      \
    "-std=gnu11 -fPIC -Wall -Wextra -Werror -fno-math-errno -fno-trapping-math -fopenmp-simd "     \
    "-fno-strict-aliasing"

/* ---- building plans -------------------------------------------------------------------------- */
typedef struct Build {
    Arena      *arena;
    Ir         *ir;
    ExprPool   *p;
    ScalarPool *s;
    Plan       *plan;
} Build;

static Build start(void)
{
    Build b = {.arena = arena_create(NULL)};
    b.ir = ir_create(b.arena, "test");
    b.p = b.ir->exprs;
    b.s = scalar_pool_create(b.p);
    b.plan = ARENA_NEW(b.arena, Plan);
    b.plan->ir = b.ir;
    b.plan->name = "model";
    return b;
}

static const Expr *num(Build *b, int64_t n)
{
    return expr_int(b->p, n);
}

static Buffer *buffer(Build *b, BufferKind kind, const char *name, DType dtype, int rank,
                      const Expr *const *sizes)
{
    Buffer    *x = ARENA_NEW(b->arena, Buffer);
    TensorType type = tensor_type(b->ir, dtype, sizes, rank);
    *x = (Buffer){.kind = kind,
                  .id = b->plan->buffers.n,
                  .name = name,
                  .dtype = dtype,
                  .rank = rank,
                  .sizes = type.sizes,
                  .strides = type.strides,
                  .numel = tensor_numel(b->ir, &type),
                  .offset = num(b, 0),
                  .slot = -1};
    VEC_PUSH(b->arena, b->plan->buffers, x);
    PlanTensor t = {.name = name, .type = type, .buffer = x, .same_as = -1};
    if (kind == BUFFER_INPUT) {
        x->slot = b->plan->inputs.n;
        VEC_PUSH(b->arena, b->plan->inputs, t);
    } else if (kind == BUFFER_OUTPUT) {
        x->slot = b->plan->outputs.n;
        VEC_PUSH(b->arena, b->plan->outputs, t);
    }
    return x;
}

static Buffer *buffer_1(Build *b, BufferKind kind, const char *name, DType dtype, const Expr *n)
{
    return buffer(b, kind, name, dtype, 1, &n);
}

static Buffer *buffer_2(Build *b, BufferKind kind, const char *name, DType dtype, const Expr *m,
                        const Expr *n)
{
    return buffer(b, kind, name, dtype, 2, (const Expr *[]){m, n});
}

static Symbol *size_symbol(Build *b, const char *name)
{
    Symbol *s = expr_symbol_named(b->p, name, SYM_SIZE, EXPR_TYPE_INT);
    s->min = 0;
    s->max = 1000000;
    VEC_PUSH(b->arena, b->plan->symbols, s);
    return s;
}

static Kernel *kernel(Build *b, const char *name, int n_outer, Symbol *const *outer, int parallel,
                      bool vector_is_outer)
{
    Kernel *k = ARENA_NEW(b->arena, Kernel);
    k->kind = KERNEL_LOOPS;
    k->name = name;
    k->nodes = "node_a, node_b";
    k->where.python = "model.py:3  y = f(x) */";
    k->n_outer = n_outer;
    k->outer = arena_memdup(b->arena, outer, sizeof *outer * (size_t)n_outer);
    k->outer_sizes = ARENA_ARRAY(b->arena, const Expr *, n_outer + 1);
    for (int i = 0; i < n_outer; i++)
        k->outer_sizes[i] = outer[i]->bound;
    k->parallel = parallel;
    k->vector_is_outer = vector_is_outer;
    k->id = b->plan->kernels.n;
    k->stages = ARENA_ARRAY(b->arena, Stage *, 8);
    k->reads = ARENA_ARRAY(b->arena, Buffer *, 16);
    k->writes = ARENA_ARRAY(b->arena, Buffer *, 16);
    VEC_PUSH(b->arena, b->plan->kernels, k);
    return k;
}

static Step *add_step(Build *b, Step step)
{
    Step *s = arena_memdup(b->arena, &step, sizeof step);
    s->barrier_before = b->plan->steps.n > 0;
    VEC_PUSH(b->arena, b->plan->steps, s);
    return s;
}

static Stage *stage(Build *b, Kernel *k, Symbol *inner)
{
    Stage *s = ARENA_NEW(b->arena, Stage);
    s->loops = ARENA_ARRAY(b->arena, Loop *, 16);
    if (inner) {
        s->n_inner = 1;
        s->inner = arena_memdup(b->arena, &inner, sizeof inner);
        s->inner_sizes = arena_memdup(b->arena, &inner->bound, sizeof inner->bound);
    }
    k->stages[k->n_stages++] = s;
    return s;
}

static Loop *loop(Build *b, Stage *s, Scalar *value, Buffer *out, const Expr *index)
{
    Loop *l = ARENA_NEW(b->arena, Loop);
    *l = (Loop){.kind = LOOP_POINTWISE, .value = value, .out = out, .index = index, .pool = b->s};
    s->loops[s->n_loops++] = l;
    return l;
}

static Loop *reduce(Build *b, Stage *s, ReduceOp op, Scalar *value, Buffer *out, const Expr *index)
{
    Loop *l = loop(b, s, value, out, index);
    l->kind = LOOP_REDUCE;
    l->reduce = op;
    return l;
}

static Symbol *var(Build *b, const Expr *bound)
{
    return expr_symbol_index(b->p, "i", bound);
}

static Scalar *load(Build *b, Buffer *x, const Expr *index)
{
    return scalar_load(b->s, x, index, NULL);
}

static const Expr *add(Build *b, const Expr *x, const Expr *y)
{
    return expr_add(b->p, x, y);
}

static const Expr *mul(Build *b, const Expr *x, const Expr *y)
{
    return expr_mul(b->p, x, y);
}

/* ---- compiling and running ------------------------------------------------------------------- */
typedef struct Model {
    void                   *handle;
    const aotc_model_table *table;
    char                    folder[64];
} Model;

static const char *compilers(void)
{
    return getenv("CC_LIST") ? getenv("CC_LIST") : "gcc clang";
}

static void emit_or_fail(Build *b, const EmitOptions *options, EmitFile **files, int *n)
{
    Error *error = emit_c(b->plan, b->arena, options, files, n);
    if (error)
        fail_msg("%s", error_text(b->arena, error));
}

static void write_file(const char *path, const EmitFile *file)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(file->text, 1, file->n, f), file->n);
    fclose(f);
}

static Model compile(Build *b, const char *cc, const char *flags, int n_files)
{
    Model     m = {.folder = "/tmp/aotc_codegen_XXXXXX"};
    EmitFile *files;
    int       n;
    char      command[2048];
    emit_or_fail(b, &(EmitOptions){.n_files = n_files, .target = "native", .producer = "test"},
                 &files, &n);
    assert_non_null(mkdtemp(m.folder));
    for (int i = 0; i < n; i++)
        write_file(arena_printf(b->arena, "%s/%s", m.folder, files[i].name), &files[i]);
    snprintf(command, sizeof command, "cd %s && %s " FLAGS " %s -shared *.c -o model.so -lm 2>log",
             m.folder, cc, flags);
    if (system(command) != 0) {
        snprintf(command, sizeof command, "head -40 %s/log >&2", m.folder);
        (void)!system(command);
        fail_msg("%s cannot compile %s", cc, m.folder);
    }
    m.handle = dlopen(arena_printf(b->arena, "%s/model.so", m.folder), RTLD_NOW | RTLD_LOCAL);
    assert_non_null(m.handle);
    aotc_model_query_fn query = (aotc_model_query_fn)(uintptr_t)dlsym(m.handle, "aotc_model_query");
    assert_null(query(0));
    m.table = query(AOTC_MODEL_ABI);
    assert_non_null(m.table);
    return m;
}

static void discard(Model *m)
{
    char command[128];
    dlclose(m->handle);
    snprintf(command, sizeof command, "rm -rf %s", m->folder);
    assert_int_equal(system(command), 0);
}

typedef struct Run {
    const aotc_model_entry *entry;
    aotc_model_frame        frame;
    aotc_model_barrier      barrier;
    aotc_model_failure      failure;
    void                   *temporaries[4];
    void                   *late[4]; /* memory of late outputs */
    int64_t                 late_sizes[4];
    int                     profiled;
} Run;

typedef struct Task {
    Run    *run;
    int32_t thread;
} Task;

static void *run_thread(void *cx)
{
    Task *t = cx;
    t->run->entry->run(&t->run->frame, t->thread);
    return NULL;
}

/* Memory that the host side gives to a run lives until the next one begins. */
static void           *host_memory[1024];
static int             n_host_memory;
static pthread_mutex_t host_lock = PTHREAD_MUTEX_INITIALIZER;

static void *host_calloc(size_t bytes)
{
    pthread_mutex_lock(&host_lock);
    assert_true(n_host_memory < 1024);
    void *p = host_memory[n_host_memory++] = calloc(1, bytes);
    pthread_mutex_unlock(&host_lock);
    return p;
}

static void free_host_memory(void)
{
    while (n_host_memory > 0)
        free(host_memory[--n_host_memory]);
}

static void *host_output(const aotc_model_frame *frame, int32_t index, const int64_t *sizes)
{
    Run *run = frame->host_cx;
    run->late_sizes[index] = sizes[0];
    return run->late[index] = host_calloc(4096);
}

static void *host_temporary(const aotc_model_frame *frame, uint64_t bytes)
{
    (void)frame;
    return bytes > 1 << 20 ? NULL : host_calloc(1 << 20);
}

static void host_profile(const aotc_model_frame *frame, int32_t kernel)
{
    (void)kernel;
    ((Run *)frame->host_cx)->profiled++;
}

static const aotc_model_host host = {sizeof host, 0, host_output, host_temporary, host_profile};

static void run_entry(Run *run, const aotc_model_entry *entry, void *const *inputs, void **outputs,
                      const void *weights, void *const *state, int64_t *sym, int n_threads)
{
    int64_t *sizes = calloc((size_t)entry->n_exprs + 1, sizeof *sizes);
    assert_int_equal(entry->exprs(sym, sizes), 0);
    uint64_t arena = entry->arena_expr >= 0 ? (uint64_t)sizes[entry->arena_expr] : 0;
    uint64_t scratch = entry->scratch_expr >= 0 ? (uint64_t)sizes[entry->scratch_expr] : 0;
    free(sizes);
    int profiled = run->frame.profile;
    memset(&run->failure, 0, sizeof run->failure);
    run->entry = entry;
    run->frame = (aotc_model_frame){.struct_size = sizeof run->frame,
                                    .n_threads = n_threads,
                                    .inputs = inputs,
                                    .outputs = outputs,
                                    .weights = weights,
                                    .state = state,
                                    .sym = sym,
                                    .barrier = &run->barrier,
                                    .failure = &run->failure,
                                    .host = &host,
                                    .host_cx = run,
                                    .temporaries = run->temporaries,
                                    .scratch_bytes = scratch,
                                    .profile = profiled,
                                    .seed = 7};
    run->frame.arena = aligned_alloc(64, (arena + 127) / 64 * 64);
    run->frame.scratch = aligned_alloc(64, scratch * (uint64_t)n_threads + 64);
    pthread_t threads[8];
    Task      tasks[8];
    free_host_memory();
    for (int i = 0; i < n_threads; i++) {
        tasks[i] = (Task){run, i};
        if (i > 0)
            assert_int_equal(pthread_create(&threads[i], NULL, run_thread, &tasks[i]), 0);
    }
    run_thread(&tasks[0]);
    for (int i = 1; i < n_threads; i++)
        pthread_join(threads[i], NULL);
    free(run->frame.arena);
    free(run->frame.scratch);
}

/* Compiles with each compiler, optimized and with undefined behaviour trapped; runs with 1 and 3
 * threads. */
typedef struct Variant {
    const char *cc, *flags;
} Variant;

static int variants(Variant out[8], char *names)
{
    int n = 0;
    for (char *cc = strtok(names, " "); cc; cc = strtok(NULL, " ")) {
        const char *trap =
            strstr(cc, "clang")
                ? "-O1 -Wno-pass-failed -fsanitize=undefined -fsanitize-trap=undefined"
                : "-O1 -fsanitize=undefined -fsanitize-undefined-trap-on-error";
        out[n++] = (Variant){cc, "-O2 -march=native -ftree-vectorize"};
        out[n++] = (Variant){cc, trap};
    }
    return n;
}

typedef void (*Check)(Run *run, const Model *m, int n_threads);

static void for_all(Build *b, Check check)
{
    char    names[256];
    Variant v[8];
    snprintf(names, sizeof names, "%s", compilers());
    int n = variants(v, names);
    for (int i = 0; i < n; i++) {
        Model m = compile(b, v[i].cc, v[i].flags, i % 2 ? 0 : 3);
        for (int threads = 1; threads <= 3; threads += 2) {
            Run run = {0};
            check(&run, &m, threads);
        }
        discard(&m);
    }
    arena_destroy(b->arena);
}

static void near(double got, double expected, double tolerance)
{
    if (isnan(expected)
            ? !isnan(got)
            : !(fabs(got - expected) <= tolerance * (1 + fabs(expected))) && got != expected)
        fail_msg("%.9g is not %.9g", got, expected);
}

static float *ramp(int n)
{
    float *x = malloc(sizeof *x * (size_t)n);
    for (int i = 0; i < n; i++)
        x[i] = (float)((i * 37) % 101) / 25.0f - 2.0f;
    return x;
}

/* ---- pointwise ------------------------------------------------------------------------------- */
enum { POINT_ROWS = 37, POINT_COLS = 70 };

static void check_pointwise(Run *run, const Model *m, int n_threads)
{
    float   *x = ramp(POINT_ROWS * POINT_COLS), *y = ramp(POINT_COLS), out[POINT_ROWS * POINT_COLS];
    uint16_t narrow[POINT_ROWS * POINT_COLS];
    int64_t  sym[] = {POINT_ROWS};
    run->frame.profile = 1;
    run_entry(run, m->table->entries, (void *[]){x, y}, (void *[]){out, narrow}, NULL, NULL, sym,
              n_threads);
    assert_int_equal(run->profiled, 1);
    for (int i = 0; i < POINT_ROWS * POINT_COLS; i++) {
        double expected = exp((double)x[i] * y[i % POINT_COLS]) + x[i];
        near(out[i], expected, 1e-6);
        assert_int_equal(narrow[i], aotc_f32_to_bf16(out[i] > 1.0f ? out[i] : x[i]));
    }
    free(x);
    free(y);
}

static void test_pointwise(void **state)
{
    (void)state;
    Build   b = start();
    Symbol *s0 = size_symbol(&b, "s0"), *i = var(&b, s0->self), *j = var(&b, num(&b, POINT_COLS));
    Buffer *x = buffer_2(&b, BUFFER_INPUT, "x", DT_F32, s0->self, num(&b, POINT_COLS));
    Buffer *y = buffer_1(&b, BUFFER_INPUT, "double", DT_F32, num(&b, POINT_COLS));
    Buffer *out = buffer_2(&b, BUFFER_OUTPUT, "exp", DT_F32, s0->self, num(&b, POINT_COLS));
    Buffer *narrow = buffer_2(&b, BUFFER_OUTPUT, "i0", DT_BF16, s0->self, num(&b, POINT_COLS));
    const Expr *at = add(&b, mul(&b, i->self, num(&b, POINT_COLS)), j->self);
    Kernel     *k = kernel(&b, "fused_exp", 2, (Symbol *[]){i, j}, 2, true);
    Stage      *st = stage(&b, k, NULL);
    Scalar     *v = load(&b, x, at);
    Scalar     *e = scalar_2(b.s, S_ADD,
                             scalar_1(b.s, S_EXP, scalar_2(b.s, S_MUL, v, load(&b, y, j->self))), v);
    loop(&b, st, e, out, at);
    Scalar *large = scalar_2(b.s, S_GT, load(&b, out, at), scalar_float(b.s, DT_F32, 1.0));
    loop(&b, st, scalar_cast(b.s, DT_BF16, scalar_select(b.s, large, load(&b, out, at), v)), narrow,
         at);
    k->reads[k->n_reads++] = x;
    k->reads[k->n_reads++] = y;
    k->writes[k->n_writes++] = out;
    k->writes[k->n_writes++] = narrow;
    add_step(&b, (Step){.kind = STEP_KERNEL, .kernel = k});
    for_all(&b, check_pointwise);
}

/* ---- softmax rows ---------------------------------------------------------------------------- */
enum { SOFT_ROWS = 19, SOFT_COLS = 77 };

static void check_softmax(Run *run, const Model *m, int n_threads)
{
    float  *x = ramp(SOFT_ROWS * SOFT_COLS), out[SOFT_ROWS * SOFT_COLS], top[SOFT_ROWS];
    int64_t sym[] = {SOFT_COLS}, where[SOFT_ROWS];
    x[3] = -INFINITY;
    x[2 * SOFT_COLS + 5] = NAN;
    x[2 * SOFT_COLS + 9] = INFINITY;
    run_entry(run, m->table->entries, (void *[]){x}, (void *[]){out, top, where}, NULL, NULL, sym,
              n_threads);
    for (int i = 0; i < SOFT_ROWS; i++) {
        double max = -INFINITY, sum = 0;
        int    at = 0;
        for (int j = 0; j < SOFT_COLS; j++) {
            double v = x[i * SOFT_COLS + j];
            if (v > max || (isnan(v) && !isnan(max))) {
                max = v;
                at = j;
            }
        }
        for (int j = 0; j < SOFT_COLS; j++)
            sum += exp(x[i * SOFT_COLS + j] - max);
        near(top[i], max, 0);
        assert_int_equal(where[i], at);
        for (int j = 0; j < SOFT_COLS; j++)
            near(out[i * SOFT_COLS + j], exp(x[i * SOFT_COLS + j] - max) / sum, 1e-6);
    }
    free(x);
}

/* %e is a LOCAL row: on the stack where the size is known, in scratch memory with a symbolic one.
 */
static void softmax(bool symbolic)
{
    Build       b = start();
    Symbol     *s0 = size_symbol(&b, "s0");
    const Expr *cols = symbolic ? s0->self : num(&b, SOFT_COLS), *rows = num(&b, SOFT_ROWS);
    Symbol     *i = var(&b, rows), *r = var(&b, cols);
    Buffer     *x = buffer_2(&b, BUFFER_INPUT, "x", DT_F32, rows, cols);
    if (!symbolic)
        b.plan->symbols.n = 0;
    Buffer *out = buffer_2(&b, BUFFER_OUTPUT, "y", DT_F32, rows, cols);
    Buffer *top = buffer_1(&b, BUFFER_OUTPUT, "top", DT_F32, rows),
           *where = buffer_1(&b, BUFFER_OUTPUT, "where", DT_I64, rows);
    Buffer *max = buffer_1(&b, BUFFER_LOCAL, "m", DT_F32, rows),
           *sum = buffer_1(&b, BUFFER_LOCAL, "s", DT_F32, rows);
    Buffer     *e = buffer_2(&b, BUFFER_LOCAL, "e", DT_F32, rows, cols);
    const Expr *at = add(&b, mul(&b, i->self, cols), r->self);
    Kernel     *k = kernel(&b, "softmax", 1, &i, 1, false);
    e->is_row = true;
    Stage *st = stage(&b, k, r);
    reduce(&b, st, REDUCE_MAX, load(&b, x, at), max, i->self);
    reduce(&b, st, REDUCE_MAX, load(&b, x, at), top, i->self);
    st = stage(&b, k, r);
    reduce(&b, st, REDUCE_ARGMAX, load(&b, x, at), where, i->self);
    st = stage(&b, k, r);
    loop(&b, st,
         scalar_1(b.s, S_EXP, scalar_2(b.s, S_SUB, load(&b, x, at), load(&b, max, i->self))), e,
         at);
    reduce(&b, st, REDUCE_SUM, load(&b, e, at), sum, i->self);
    st = stage(&b, k, r);
    loop(&b, st, scalar_2(b.s, S_DIV, load(&b, e, at), load(&b, sum, i->self)), out, at);
    k->reads[k->n_reads++] = x;
    k->writes[k->n_writes++] = out;
    k->writes[k->n_writes++] = top;
    k->writes[k->n_writes++] = where;
    add_step(&b, (Step){.kind = STEP_KERNEL, .kernel = k});
    for_all(&b, check_softmax);
}

static void test_softmax(void **state)
{
    (void)state;
    softmax(false);
    softmax(true);
}

/* ---- reductions over the outer dim ----------------------------------------------------------- */
enum { COL_ROWS = 23, COL_COLS = 300 };

static void check_columns(Run *run, const Model *m, int n_threads)
{
    float  *x = ramp(COL_ROWS * COL_COLS), max[COL_COLS], centred[COL_ROWS * COL_COLS];
    int64_t sym[] = {COL_ROWS}, count[COL_COLS];
    x[5 * COL_COLS + 7] = NAN;
    run_entry(run, m->table->entries, (void *[]){x}, (void *[]){max, centred, count}, NULL, NULL,
              sym, n_threads);
    for (int j = 0; j < COL_COLS; j++) {
        double top = -INFINITY, sum = 0;
        int    n = 0;
        for (int i = 0; i < COL_ROWS; i++) {
            double v = x[i * COL_COLS + j];
            top = isnan(v) || v > top ? v : top;
            sum += v;
            n += v > 0;
        }
        near(max[j], top, 0);
        assert_int_equal(count[j], n);
        for (int i = 0; i < COL_ROWS; i++)
            near(centred[i * COL_COLS + j], x[i * COL_COLS + j] - sum, 1e-5);
    }
    free(x);
}

static void test_columns(void **state)
{
    (void)state;
    Build       b = start();
    Symbol     *s0 = size_symbol(&b, "s0");
    const Expr *cols = num(&b, COL_COLS);
    Symbol     *r = var(&b, s0->self), *j = var(&b, cols);
    Buffer     *x = buffer_2(&b, BUFFER_INPUT, "x", DT_F32, s0->self, cols);
    Buffer     *max = buffer_1(&b, BUFFER_OUTPUT, "max", DT_F32, cols);
    Buffer     *out = buffer_2(&b, BUFFER_OUTPUT, "y", DT_F32, s0->self, cols);
    Buffer     *count = buffer_1(&b, BUFFER_OUTPUT, "count", DT_I64, cols);
    Buffer     *sum = buffer_1(&b, BUFFER_LOCAL, "sum", DT_F32, cols);
    const Expr *at = add(&b, mul(&b, r->self, cols), j->self);
    Kernel     *k = kernel(&b, "columns", 1, &j, 1, true);
    Stage      *st = stage(&b, k, r);
    reduce(&b, st, REDUCE_MAX, load(&b, x, at), max, j->self);
    reduce(&b, st, REDUCE_SUM, load(&b, x, at), sum, j->self);
    reduce(&b, st, REDUCE_COUNT, scalar_2(b.s, S_GT, load(&b, x, at), scalar_float(b.s, DT_F32, 0)),
           count, j->self);
    st = stage(&b, k, r);
    loop(&b, st, scalar_2(b.s, S_SUB, load(&b, x, at), load(&b, sum, j->self)), out, at);
    k->reads[k->n_reads++] = x;
    k->writes[k->n_writes++] = max;
    k->writes[k->n_writes++] = out;
    k->writes[k->n_writes++] = count;
    add_step(&b, (Step){.kind = STEP_KERNEL, .kernel = k});
    for_all(&b, check_columns);
}

/* ---- gather, scatter, masks ------------------------------------------------------------------ */
enum { TABLE = 11, WIDTH = 40, PICKS = 9 };

static void check_gather(Run *run, const Model *m, int n_threads)
{
    float *x = ramp(TABLE * WIDTH), rows[PICKS * WIDTH], taken[PICKS], sums[TABLE],
          padded[PICKS + 4];
    int64_t index[PICKS] = {0, 10, -1, 3, 3, -11, 7, 3, 5}, sym[1] = {0};
    for (int bad = 0; bad < 2; bad++) {
        memset(sums, 0, sizeof sums);
        run_entry(run, m->table->entries, (void *[]){x, index},
                  (void *[]){rows, taken, sums, padded}, NULL, NULL, sym, n_threads);
        if (bad) {
            assert_int_equal(run->failure.code, AOTC_FAIL_INDEX);
            assert_int_equal(run->failure.value, 11);
            assert_int_equal(run->failure.bound, TABLE);
            assert_string_equal(run->failure.message, "index");
            break;
        }
        assert_int_equal(run->failure.code, 0);
        float expected[TABLE] = {0};
        for (int i = 0; i < PICKS; i++) {
            int64_t at = index[i] < 0 ? index[i] + TABLE : index[i];
            near(taken[i], x[at * WIDTH], 0);
            expected[at] += x[i];
            for (int j = 0; j < WIDTH; j++)
                near(rows[i * WIDTH + j], x[at * WIDTH + j] * 2, 0);
        }
        for (int i = 0; i < TABLE; i++)
            near(sums[i], expected[i], 1e-6);
        for (int i = 0; i < PICKS + 4; i++)
            near(padded[i], i >= 2 && i < PICKS + 2 ? x[i - 2] : 5, 0);
        index[4] = 11;
    }
    free(x);
}

static void test_gather(void **state)
{
    (void)state;
    Build       b = start();
    const Expr *picks = num(&b, PICKS), *width = num(&b, WIDTH), *table = num(&b, TABLE);
    Buffer     *x = buffer_2(&b, BUFFER_INPUT, "x", DT_F32, table, width),
           *index = buffer_1(&b, BUFFER_INPUT, "index", DT_I64, picks);
    Buffer     *rows = buffer_2(&b, BUFFER_OUTPUT, "rows", DT_F32, picks, width);
    Buffer     *taken = buffer_1(&b, BUFFER_OUTPUT, "taken", DT_F32, picks);
    Buffer     *sums = buffer_1(&b, BUFFER_OUTPUT, "sums", DT_F32, table);
    Buffer     *padded = buffer_1(&b, BUFFER_OUTPUT, "padded", DT_F32, num(&b, PICKS + 4));
    Symbol     *i = var(&b, picks), *j = var(&b, width);
    /* an embedding: the index stands outside the vector */
    Kernel     *k = kernel(&b, "embedding", 2, (Symbol *[]){i, j}, 1, true);
    const Expr *row = scalar_indirect(b.s, load(&b, index, i->self), table, "index");
    Scalar     *v = load(&b, x, add(&b, mul(&b, row, width), j->self));
    loop(&b, stage(&b, k, NULL), scalar_2(b.s, S_MUL, v, scalar_float(b.s, DT_F32, 2)), rows,
         add(&b, mul(&b, i->self, width), j->self));
    k->reads[k->n_reads++] = x;
    k->reads[k->n_reads++] = index;
    k->writes[k->n_writes++] = rows;
    add_step(&b, (Step){.kind = STEP_KERNEL, .kernel = k});
    /* a gather: inside it */
    k = kernel(&b, "take", 1, &i, 1, true);
    loop(&b, stage(&b, k, NULL), load(&b, x, mul(&b, row, width)), taken, i->self);
    k->reads[k->n_reads++] = x;
    k->reads[k->n_reads++] = index;
    k->writes[k->n_writes++] = taken;
    add_step(&b, (Step){.kind = STEP_KERNEL, .kernel = k});
    /* a scatter that adds: positions come up more than once */
    k = kernel(&b, "scatter", 1, &i, 0, true);
    Loop *l = loop(&b, stage(&b, k, NULL), load(&b, x, i->self), sums, row);
    l->is_scatter = l->accumulate = true;
    l->accumulate_op = REDUCE_SUM;
    k->reads[k->n_reads++] = x;
    k->reads[k->n_reads++] = index;
    k->writes[k->n_writes++] = sums;
    add_step(&b, (Step){.kind = STEP_KERNEL, .kernel = k});
    /* padding: lanes outside must not be read */
    Symbol     *p = var(&b, num(&b, PICKS + 4));
    const Expr *source = add(&b, p->self, num(&b, -2));
    Scalar     *inside =
        scalar_and(b.s, scalar_index(b.s, DT_BOOL, expr_cmp(b.p, EXPR_LE, num(&b, 0), source)),
                   scalar_index(b.s, DT_BOOL, expr_cmp(b.p, EXPR_LT, source, picks)));
    k = kernel(&b, "pad", 1, &p, 0, true);
    loop(&b, stage(&b, k, NULL),
         scalar_select(b.s, inside, scalar_load(b.s, x, source, inside),
                       scalar_float(b.s, DT_F32, 5)),
         padded, p->self);
    k->reads[k->n_reads++] = x;
    k->writes[k->n_writes++] = padded;
    add_step(&b, (Step){.kind = STEP_KERNEL, .kernel = k});
    for_all(&b, check_gather);
}

/* ---- dtypes ---------------------------------------------------------------------------------- */
enum { KINDS = 64 };

static void check_dtypes(Run *run, const Model *m, int n_threads)
{
    float    x[KINDS];
    int64_t  a[KINDS], d[KINDS], quotient[KINDS], sum[KINDS], wide[KINDS], sym[1] = {0};
    uint8_t  odd[KINDS], f8[KINDS];
    int8_t   small[KINDS];
    uint16_t half[KINDS];
    float    back[KINDS], ints[KINDS];
    for (int i = 0; i < KINDS; i++) {
        x[i] = ldexpf((float)(i - 32) * 1.37f, i % 23 - 10);
        a[i] = (i % 3 ? 1 : -1) *
               (int64_t)((uint64_t)0x9E3779B97F4A7C15ull * (uint64_t)(i + 1) >> (i % 50 + 1));
        d[i] = i % 7 - 3 ? i % 7 - 3 : 5;
    }
    a[0] = INT64_MIN;
    d[0] = -1;
    a[1] = INT64_MAX;
    x[0] = NAN;
    x[1] = INFINITY;
    x[2] = 3e9f;
    for (int bad = 0; bad < 2; bad++) {
        run_entry(run, m->table->entries, (void *[]){x, a, d},
                  (void *[]){quotient, sum, wide, odd, f8, small, half, back, ints}, NULL, NULL,
                  sym, n_threads);
        if (bad) {
            assert_int_equal(run->failure.code, AOTC_FAIL_ASSERT);
            assert_int_equal(quotient[9], 0);
            break;
        }
        assert_int_equal(run->failure.code, 0);
        for (int i = 0; i < KINDS; i++) {
            int64_t q = i == 0 ? INT64_MIN : a[i] / d[i];
            if (i && a[i] % d[i] != 0 && (a[i] < 0) != (d[i] < 0))
                q--;
            assert_int_equal(quotient[i], q);
            assert_int_equal(sum[i], (int64_t)((uint64_t)a[i] + (uint64_t)d[i]));
            bool fits = fabsf(x[i]) < 0x1p62f;
            assert_int_equal(wide[i], fits ? (int64_t)x[i] : INT64_MIN);
            assert_int_equal(small[i], (int8_t)(fabsf(x[i]) < 0x1p31f ? (int32_t)x[i] : INT32_MIN));
            assert_int_equal(odd[i], (a[i] & 1) && x[i] > 0);
            assert_int_equal(f8[i], aotc_f32_to_f8e4m3(x[i]));
            assert_int_equal(half[i], aotc_f32_to_f16(x[i]));
            near(back[i], aotc_f16_to_f32(half[i]), 0);
            near(ints[i], (float)a[i], 0);
        }
        d[9] = 0;
    }
}

static void test_dtypes(void **state)
{
    (void)state;
    Build       b = start();
    const Expr *n = num(&b, KINDS);
    Symbol     *i = var(&b, n);
    Buffer     *x = buffer_1(&b, BUFFER_INPUT, "x", DT_F32, n),
           *a = buffer_1(&b, BUFFER_INPUT, "a", DT_I64, n),
           *d = buffer_1(&b, BUFFER_INPUT, "d", DT_I64, n);
    static const DType       types[] = {DT_I64, DT_I64, DT_I64, DT_BOOL, DT_F8E4M3,
                                        DT_I8,  DT_F16, DT_F32, DT_F32};
    static const char *const names[] = {"q",     "sum",  "wide", "odd", "f8",
                                        "small", "half", "back", "ints"};
    Buffer                  *out[9];
    for (int o = 0; o < 9; o++)
        out[o] = buffer_1(&b, BUFFER_OUTPUT, names[o], types[o], n);
    Kernel *k = kernel(&b, "dtypes", 1, &i, 1, true);
    Stage  *st = stage(&b, k, NULL);
    Scalar *vx = load(&b, x, i->self), *va = load(&b, a, i->self), *vd = load(&b, d, i->self);
    Scalar *one = scalar_int(b.s, DT_I64, 1), *half = scalar_cast(b.s, DT_F16, vx);
    Scalar *odd = scalar_2(b.s, S_EQ, scalar_2(b.s, S_BITAND, va, one), one);
    Scalar *values[] = {scalar_2(b.s, S_FLOORDIV, va, vd),
                        scalar_2(b.s, S_ADD, va, vd),
                        scalar_cast(b.s, DT_I64, vx),
                        scalar_and(b.s, odd, scalar_2(b.s, S_GT, vx, scalar_float(b.s, DT_F32, 0))),
                        scalar_cast(b.s, DT_F8E4M3, vx),
                        scalar_cast(b.s, DT_I8, vx),
                        half,
                        scalar_cast(b.s, DT_F32, half),
                        scalar_cast(b.s, DT_F32, va)};
    for (int o = 0; o < 9; o++) {
        loop(&b, st, values[o], out[o], i->self);
        k->writes[k->n_writes++] = out[o];
    }
    k->reads[k->n_reads++] = x;
    k->reads[k->n_reads++] = a;
    k->reads[k->n_reads++] = d;
    add_step(&b, (Step){.kind = STEP_KERNEL, .kernel = k});
    for_all(&b, check_dtypes);
}

/* ---- host program ---------------------------------------------------------------------------- */
static void check_host(Run *run, const Model *m, int n_threads)
{
    const aotc_model_entry *entry = m->table->entries;
    int64_t                 sym[2] = {6, 0}, sizes[64];
    float                   x[6] = {1, 2, 3, 4, 5, 6}, *outputs[2] = {0};
    int64_t                 n = 4, counter = 0, copied = -1;
    uint8_t                 weights[256] __attribute__((aligned(64))) = {0};
    float                  *w = (float *)(weights + 64);
    w[2] = 10;
    assert_int_equal(entry->n_temporaries, 1);
    assert_int_equal(entry->n_state, 1);
    assert_int_equal(entry->inputs[0].dims[0].kind, AOTC_DIM_SYMBOL);
    assert_int_equal(entry->inputs[0].dims[0].index, 0);
    assert_true(entry->outputs[0].flags & AOTC_TENSOR_LATE);
    assert_int_equal(entry->constants[1].offset, entry->constants[0].offset + 64);
    assert_int_equal(entry->constants[2].offset, entry->constants[1].offset);
    assert_int_equal(m->table->weights_bytes, 128);
    run_entry(run, entry, (void *[]){x, &n}, (void **)outputs, weights, (void *[]){&counter}, sym,
              n_threads);
    (void)copied;
    assert_int_equal(run->failure.code, 0);
    assert_int_equal(sym[1], 4);
    assert_int_equal(run->late_sizes[0], 4);
    assert_int_equal(counter, 5); /* the loop counts to n + 1 */
    for (int i = 0; i < 4; i++)
        near(((float *)run->late[0])[i], (x[i] + 10) * 2, 0);
    assert_int_equal(entry->exprs((int64_t[]){INT64_MAX / 2, 0}, sizes) > 0, 1);
    n = 7; /* more than there is: the assertion of the model */
    run_entry(run, entry, (void *[]){x, &n}, (void **)outputs, weights, (void *[]){&counter}, sym,
              n_threads);
    assert_int_equal(run->failure.code, AOTC_FAIL_ASSERT);
    assert_string_equal(run->failure.message, "u0 <= \"s0\"");
}

/* y[:u0] = (x[:u0] + w[2]) * 2 through a temporary of unknown size; a state counter runs to u0 + 1.
 */
static void test_host(void **state)
{
    (void)state;
    static const char small[8] = {0}, large[16] = {0};
    Build             b = start();
    Symbol           *s0 = size_symbol(&b, "s0"),
           *u0 = expr_symbol_named(b.p, "u0", SYM_UNBACKED, EXPR_TYPE_INT);
    u0->min = 0;
    u0->max = 1000000;
    VEC_PUSH(b.arena, b.plan->symbols, u0);
    Buffer *x = buffer_1(&b, BUFFER_INPUT, "x", DT_F32, s0->self),
           *n = buffer(&b, BUFFER_INPUT, "n", DT_I64, 0, NULL);
    Buffer *out = buffer_1(&b, BUFFER_OUTPUT, "out", DT_F32, u0->self);
    Buffer *temp = buffer_1(&b, BUFFER_TEMP, "temp", DT_F32, u0->self);
    Buffer *next = buffer(&b, BUFFER_TEMP, "next", DT_I64, 0, NULL),
           *flag = buffer(&b, BUFFER_TEMP, "flag", DT_BOOL, 0, NULL);
    next->arena_offset = num(&b, 0);
    flag->arena_offset = num(&b, 64);
    b.plan->arena_bytes = mul(&b, num(&b, 128), add(&b, s0->self, num(&b, 1)));
    Storage *storages = ARENA_ARRAY(b.arena, Storage, 2);
    storages[0] = (Storage){.data = small, .size_bytes = 8, .member = "a"};
    storages[1] = (Storage){.data = large, .size_bytes = 16, .member = "b"};
    Buffer *count = buffer(&b, BUFFER_STATE, "count", DT_I64, 0, NULL);
    Buffer *w = buffer_1(&b, BUFFER_CONSTANT, "w", DT_F32, num(&b, 4)),
           *view = buffer_1(&b, BUFFER_CONSTANT, "view", DT_F32, num(&b, 2));
    view->offset = num(&b, 2);
    count->slot = 0;
    w->slot = 1;
    view->slot = 2;
    VEC_PUSH(b.arena, b.plan->constants,
             ((PlanConstant){
                 .fqn = "count", .buffer = count, .storage = &storages[0], .is_state = true}));
    VEC_PUSH(b.arena, b.plan->constants,
             ((PlanConstant){.fqn = "w", .buffer = w, .storage = &storages[1]}));
    VEC_PUSH(b.arena, b.plan->constants,
             ((PlanConstant){.fqn = "view", .buffer = view, .storage = &storages[1]}));

    add_step(&b, (Step){.kind = STEP_SYMBOL, .symbol = u0, .flag = n});
    add_step(&b, (Step){.kind = STEP_ASSERT,
                        .condition = expr_cmp(b.p, EXPR_LE, u0->self, s0->self),
                        .message = "u0 <= \"s0\""});
    Symbol *i = var(&b, u0->self);
    Kernel *k = kernel(&b, "first", 1, &i, 1, true);
    loop(&b, stage(&b, k, NULL),
         scalar_2(b.s, S_ADD, load(&b, x, i->self), load(&b, view, view->offset)), temp, i->self);
    k->reads[k->n_reads++] = x;
    k->reads[k->n_reads++] = view;
    k->writes[k->n_writes++] = temp;
    add_step(&b, (Step){.kind = STEP_KERNEL, .kernel = k});
    k = kernel(&b, "second", 1, &i, 1, true);
    loop(&b, stage(&b, k, NULL),
         scalar_2(b.s, S_MUL, load(&b, temp, i->self), scalar_float(b.s, DT_F32, 2)), out, i->self);
    k->reads[k->n_reads++] = temp;
    k->writes[k->n_writes++] = out;
    add_step(&b, (Step){.kind = STEP_KERNEL, .kernel = k});

    Kernel *compare = kernel(&b, "compare", 0, (Symbol *[]){NULL}, 0, true);
    loop(&b, stage(&b, compare, NULL),
         scalar_2(b.s, S_LE, load(&b, count, num(&b, 0)), scalar_index(b.s, DT_I64, u0->self)),
         flag, num(&b, 0));
    compare->reads[compare->n_reads++] = count;
    compare->writes[compare->n_writes++] = flag;
    Kernel *increase = kernel(&b, "increase", 0, (Symbol *[]){NULL}, 0, true);
    loop(&b, stage(&b, increase, NULL),
         scalar_2(b.s, S_ADD, load(&b, count, num(&b, 0)), scalar_int(b.s, DT_I64, 1)), next,
         num(&b, 0));
    increase->reads[increase->n_reads++] = count;
    increase->writes[increase->n_writes++] = next;
    Step *loop_step = add_step(&b, (Step){.kind = STEP_WHILE, .flag = flag});
    Step  steps[] = {{.kind = STEP_KERNEL, .kernel = compare},
                     {.kind = STEP_KERNEL, .kernel = increase},
                     {.kind = STEP_COPY, .from = next, .to = count, .barrier_before = true}};
    VEC_PUSH(b.arena, loop_step->else_steps, arena_memdup(b.arena, &steps[0], sizeof steps[0]));
    VEC_PUSH(b.arena, loop_step->then_steps, arena_memdup(b.arena, &steps[1], sizeof steps[1]));
    VEC_PUSH(b.arena, loop_step->then_steps, arena_memdup(b.arena, &steps[2], sizeof steps[2]));
    for_all(&b, check_host);
}

/* ---- epilogues and row functions ------------------------------------------------------------- */
/* The generated functions with a driver in place of a template: acc is 3 rows of 5 columns. */
static void test_epilogue(void **state)
{
    (void)state;
    Build       b = start();
    Symbol     *s0 = size_symbol(&b, "s0");
    const Expr *n = num(&b, 5);
    Symbol     *m_var = var(&b, s0->self), *n_var = var(&b, n);
    Buffer     *bias = buffer_1(&b, BUFFER_INPUT, "bias", DT_F32, n),
           *out = buffer_2(&b, BUFFER_OUTPUT, "out", DT_BF16, s0->self, n);
    Buffer     *raw = buffer_2(&b, BUFFER_LOCAL, "raw", DT_F32, s0->self, n);
    const Expr *at = add(&b, mul(&b, m_var->self, n), n_var->self);
    Kernel     *k = kernel(&b, "gemm", 2, (Symbol *[]){m_var, n_var}, 1, true);
    k->kind = KERNEL_GEMM;
    k->result = raw;
    Scalar *sum = scalar_2(b.s, S_ADD, load(&b, raw, at), load(&b, bias, n_var->self));
    loop(&b, stage(&b, k, NULL),
         scalar_cast(b.s, DT_BF16, scalar_2(b.s, S_MAXIMUM, sum, scalar_float(b.s, DT_F32, 0))),
         out, at);
    k->reads[k->n_reads++] = bias;
    k->writes[k->n_writes++] = out;
    Text text = text_new(b.arena), runtime = text_new(b.arena);
    Emit e = {.plan = b.plan,
              .root = b.plan,
              .arena = b.arena,
              .exprs = b.p,
              .out = &text,
              .runtime = &runtime,
              .prefix = ""};
    assert_null(emit_epilogue(&e, k, "float"));
    assert_int_equal(emit_result_rank(k), 2);
    assert_non_null(
        strstr(text.data,
               "static inline AOTC_UNUSED void k0_gemm_epilogue(const k0_gemm_args *a, int64_t "));
    assert_non_null(strstr(text.data, "aotc_maximum_f32("));
    assert_non_null(strstr(text.data, "acc[v]"));
    assert_non_null(strstr(text.data, "#pragma omp simd"));
    /* a stored raw result beside the epilogue */
    raw->kind = BUFFER_TEMP;
    raw->arena_offset = num(&b, 0);
    k->writes[k->n_writes++] = raw;
    assert_null(emit_epilogue(&e, k, "float"));
    assert_non_null(strstr(text.data, "= acc[v];"));
    k->n_stages = 0;
    k->n_outer = 0;
    assert_int_equal(emit_epilogue(&e, k, "float")->code, E_INTERNAL);
    arena_destroy(b.arena);
}

/* ---- refusals and equal bytes ---------------------------------------------------------------- */
static Build vector_plan(void)
{
    Build       b = start();
    const Expr *n = num(&b, 1000);
    Symbol     *i = var(&b, n);
    Buffer     *x = buffer_1(&b, BUFFER_INPUT, "x", DT_F32, n),
           *flags = buffer_1(&b, BUFFER_INPUT, "flags", DT_BOOL, n),
           *ints = buffer_1(&b, BUFFER_INPUT, "ints", DT_I64, n);
    static const ScalarOp ops[] = {S_EXP, S_ERF,   S_TANH,  S_SIGMOID, S_LOG,   S_SIN,
                                   S_COS, S_LOG1P, S_EXPM1, S_EXP2,    S_RSQRT, S_FLOOR};
    for (size_t o = 0; o < sizeof ops / sizeof *ops; o++) {
        Buffer *out = buffer_1(&b, BUFFER_OUTPUT,
                               arena_printf(b.arena, "out_%s", scalar_op_name(ops[o])), DT_F32, n);
        Kernel *k =
            kernel(&b, arena_printf(b.arena, "map_%s", scalar_op_name(ops[o])), 1, &i, 1, true);
        Scalar *v = scalar_select(b.s, load(&b, flags, i->self),
                                  scalar_1(b.s, ops[o], load(&b, x, i->self)),
                                  scalar_cast(b.s, DT_F32, load(&b, ints, i->self)));
        loop(&b, stage(&b, k, NULL), v, out, i->self);
        k->reads[k->n_reads++] = x;
        k->reads[k->n_reads++] = flags;
        k->reads[k->n_reads++] = ints;
        k->writes[k->n_writes++] = out;
        add_step(&b, (Step){.kind = STEP_KERNEL, .kernel = k});
    }
    return b;
}

static int count_text(const char *text, const char *what)
{
    int n = 0;
    for (const char *p = strstr(text, what); p; p = strstr(p + 1, what))
        n++;
    return n;
}

/* gcc says which lines became vectors: every `omp simd` loop must be among them, with AVX2 and with
 * what this machine has. */
static void test_loops_become_vectors(void **state)
{
    (void)state;
    Build b = vector_plan();
    if (!strstr(compilers(), "gcc"))
        skip();
#if defined(__x86_64__)
    static const char *const machines[] = {"-march=native", "-march=x86-64-v3"};
    for (int t = 0; t < 2; t++) {
        Model m = compile(
            &b, "gcc",
            arena_printf(b.arena, "-O2 %s -ftree-vectorize -fopt-info-vec=vec.txt", machines[t]),
            0);
        FILE *f = fopen(arena_printf(b.arena, "%s/vec.txt", m.folder), "r");
        assert_non_null(f);
        static char text[200000];
        text[fread(text, 1, sizeof text - 1, f)] = '\0';
        fclose(f);
        EmitFile *files;
        int       n, line_number = 1;
        emit_or_fail(&b, &(EmitOptions){.target = "native", .producer = "test"}, &files, &n);
        for (const char *p = files[0].text; *p; p = strchr(p, '\n') + 1, line_number++)
            if (strncmp(p, "#pragma omp simd", 16) == 0 &&
                !strstr(text, arena_printf(b.arena, "model.c:%d:", line_number + 2)) &&
                !strstr(text, arena_printf(b.arena, "model.c:%d:", line_number + 1)))
                fail_msg("line %d of %s/model.c is no vector loop with %s", line_number, m.folder,
                         machines[t]);
        assert_int_equal(count_text(files[0].text, "#pragma omp simd"), 12);
        discard(&m);
    }
#endif
    arena_destroy(b.arena);
}

static void test_equal_bytes(void **state)
{
    (void)state;
    Build     first = vector_plan(), second = vector_plan();
    EmitFile *a, *b;
    int       n, m;
    emit_or_fail(&first, &(EmitOptions){.n_files = 4, .target = "native", .producer = "test"}, &a,
                 &n);
    emit_or_fail(&second, &(EmitOptions){.n_files = 4, .target = "native", .producer = "test"}, &b,
                 &m);
    assert_int_equal(n, 5);
    assert_int_equal(m, 5);
    for (int i = 0; i < n; i++) {
        assert_string_equal(a[i].name, b[i].name);
        assert_int_equal(a[i].n, b[i].n);
        assert_memory_equal(a[i].text, b[i].text, a[i].n);
    }
    assert_int_equal(count_text(a[0].text, "*/\n *"),
                     0); /* the comment with the Python line does not end early */
    arena_destroy(first.arena);
    arena_destroy(second.arena);
}

static void test_refusals(void **state)
{
    (void)state;
    Build       b = start();
    const Expr *n = num(&b, 8);
    Symbol     *i = var(&b, n);
    Buffer     *x = buffer_1(&b, BUFFER_INPUT, "x", DT_I32, n),
           *out = buffer_1(&b, BUFFER_OUTPUT, "y", DT_I32, n);
    Kernel *k = kernel(&b, "bad", 1, &i, 0, true);
    Scalar *in[1] = {load(&b, x, i->self)};
    Scalar  wrong = {.op = S_EXP, .dtype = DT_I32, .n_in = 1, .in = {in[0]}, .id = 1000};
    loop(&b, stage(&b, k, NULL), &wrong, out, i->self);
    k->reads[k->n_reads++] = x;
    k->writes[k->n_writes++] = out;
    k->where.node = "exp_1";
    EmitFile *files;
    int       n_files;
    Error *error = emit_c(b.plan, b.arena, &(EmitOptions){.target = "native", .producer = "test"},
                          &files, &n_files);
    assert_non_null(error);
    assert_int_equal(error->code, E_UNSUPPORTED);
    assert_string_equal(error->where.node, "exp_1");
    /* a symbol that no input size gives */
    Build   c = start();
    Symbol *s0 = size_symbol(&c, "s0"), *s1 = size_symbol(&c, "s1");
    buffer_1(&c, BUFFER_INPUT, "x", DT_F32, mul(&c, s0->self, s1->self));
    error = emit_c(c.plan, c.arena, &(EmitOptions){.target = "native", .producer = "test"}, &files,
                   &n_files);
    assert_non_null(error);
    assert_int_equal(error->code, E_UNSUPPORTED);
    arena_destroy(b.arena);
    arena_destroy(c.arena);
}

/* ---- element functions ----------------------------------------------------------------------- */
static double in_ulps(double expected, float got)
{
    float rounded = (float)expected;
    if (isnan(expected) || isnan(got))
        return isnan(expected) == isnan(got) ? 0 : 1e9;
    if (isinf(rounded) || isinf(got))
        return rounded == got || (fabs(expected) > 3.4028234e38 && fabsf(got) > 3.402823e38f) ? 0
                                                                                              : 1e9;
    int e;
    frexp(expected, &e);
    double ulp = fabs(expected) < 0x1p-126 ? 0x1p-149 : ldexp(1, e - 24);
    return fabs(expected - (double)got) / ulp;
}

static double logistic(double x)
{
    return 1 / (1 + exp(-x));
}

typedef struct Function {
    const char *name;
    float (*ours)(float);
    double (*exact)(double);
    double max_ulp;
    float  from; /* where the bound holds */
} Function;

#define OURS(f)                                                                                    \
    static float ours_##f(float x)                                                                 \
    {                                                                                              \
        return aotc_##f##_f32(x);                                                                  \
    }
/* clang-format off */
OURS(exp)
OURS(exp2)
OURS(expm1)
OURS(log)
OURS(log2) OURS(log10) OURS(log1p) OURS(sin) OURS(cos) OURS(tan) OURS(tanh) OURS(sigmoid) OURS(erf)
    OURS(sinh) OURS(cosh) OURS(asinh) OURS(acosh) OURS(atanh) OURS(asin) OURS(acos) OURS(atan)
    /* clang-format on */

    static void test_functions(void **state)
{
    (void)state;
    static const Function functions[] = {
        {"exp", ours_exp, exp, 1.1, -INFINITY},
        {"exp2", ours_exp2, exp2, 1.1, -INFINITY},
        {"expm1", ours_expm1, expm1, 1.8, -INFINITY},
        {"log", ours_log, log, 1.0, -INFINITY},
        {"log2", ours_log2, log2, 0.6, -INFINITY},
        {"log10", ours_log10, log10, 0.6, -INFINITY},
        {"log1p", ours_log1p, log1p, 1.6, -INFINITY},
        {"sin", ours_sin, sin, 1.7, -INFINITY},
        {"cos", ours_cos, cos, 1.7, -INFINITY},
        {"tan", ours_tan, tan, 0.7, -INFINITY},
        {"tanh", ours_tanh, tanh, 1.6, -INFINITY},
        {"sigmoid", ours_sigmoid, logistic, 2.5, -87.0f},
        {"erf", ours_erf, erf, 1.2, -INFINITY},
        {"sinh", ours_sinh, sinh, 0.7, -INFINITY},
        {"cosh", ours_cosh, cosh, 0.6, -INFINITY},
        {"asinh", ours_asinh, asinh, 0.6, -INFINITY},
        {"acosh", ours_acosh, acosh, 0.6, -INFINITY},
        {"atanh", ours_atanh, atanh, 0.6, -INFINITY},
        {"asin", ours_asin, asin, 0.6, -INFINITY},
        {"acos", ours_acos, acos, 0.6, -INFINITY},
        {"atan", ours_atan, atan, 0.6, -INFINITY},
    };
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++)
        for (uint64_t bits = 0; bits < (uint64_t)1 << 32; bits += 40009) {
            float x = aotc_f32_of_bits((uint32_t)bits);
            if (x < functions[f].from)
                continue;
            double ulps = in_ulps(functions[f].exact(x), functions[f].ours(x));
            if (ulps > functions[f].max_ulp)
                fail_msg("%s(%.9g) is %.9g: %.2f ulp", functions[f].name, x, functions[f].ours(x),
                         ulps);
        }
    for (int i = 0; i < 2; i++) /* zeros keep their sign */
        for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
            float zero = i ? -0.0f : 0.0f;
            if (!isnan(functions[f].exact(zero)))
                assert_int_equal(signbit(functions[f].ours(zero)) != 0,
                                 signbit((float)functions[f].exact(zero)) != 0);
        }
}

static void test_pow(void **state)
{
    (void)state;
    static const float special[] = {0.0f,   -0.0f,  1.0f,        -1.0f,        2.0f,     -2.0f,
                                    3.0f,   -3.0f,  0.5f,        -0.5f,        2.5f,     1e30f,
                                    -1e30f, 1e-40f, 16777215.0f, -16777217.0f, INFINITY, -INFINITY,
                                    NAN,    88.7f,  0.99f};
    int                n = sizeof special / sizeof *special;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double expected = pow(special[i], special[j]);
            float  got = aotc_pow_f32(special[i], special[j]);
            if (in_ulps(expected, got) > 0.7 ||
                (!isnan(got) && !signbit(got) != !signbit(expected)))
                fail_msg("pow(%g, %g) is %g, not %g", special[i], special[j], got, expected);
            expected = atan2(special[i], special[j]);
            got = aotc_atan2_f32(special[i], special[j]);
            if (in_ulps(expected, got) > 0.7 ||
                (!isnan(got) && !signbit(got) != !signbit(expected)))
                fail_msg("atan2(%g, %g) is %g, not %g", special[i], special[j], got, expected);
        }
    assert_true(in_ulps(0.4769362762044699, aotc_erfinv_f32(0.5f)) < 0.7);
    assert_true(in_ulps(-3.458910737279500, aotc_erfinv_f32(-0.99999900f)) < 1e5);
    assert_true(fabs(aotc_erfinv_f64(0.98683902761844479) - 1.7531888707675114) < 1e-15);
    assert_true(fabs(aotc_erfinv_f64(-0.98683902761844479) + 1.7531888707675114) < 1e-15);
    assert_true(isinf(aotc_erfinv_f32(1.0f)) && isnan(aotc_erfinv_f32(1.5f)));
    assert_true(in_ulps(-0.5772156649015329, aotc_digamma_f32(1.0f)) < 0.7);
    assert_true(in_ulps(0.03648997397857652, aotc_digamma_f32(-0.5f)) < 1.0);
}

/* Every f16 and fp8 value survives the way to float and back; ties go to even; NaN stays NaN. */
static void test_narrow_floats(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        float f = aotc_f16_to_f32((uint16_t)h), g = aotc_bf16_to_f32((uint16_t)h);
        if (isnan(f))
            assert_int_equal(aotc_f32_to_f16(f) & 0x7fff, 0x7e00);
        else
            assert_int_equal(aotc_f32_to_f16(f), h);
        if (isnan(g))
            assert_int_equal(aotc_f32_to_bf16(g), 0x7fc0);
        else
            assert_int_equal(aotc_f32_to_bf16(g), h);
    }
    for (uint32_t h = 0; h < 256; h++) {
        float f = aotc_f8e4m3_to_f32((uint8_t)h), g = aotc_f8e5m2_to_f32((uint8_t)h);
        assert_int_equal(aotc_f32_to_f8e4m3(f), h);
        if (!isnan(g))
            assert_int_equal(aotc_f32_to_f8e5m2(g), h);
    }
    assert_int_equal(aotc_f32_to_f16(65519.0f), 0x7bff);
    assert_int_equal(aotc_f32_to_f16(65520.0f), 0x7c00);
    assert_int_equal(aotc_f32_to_f16(0x1p-25f), 0);
    assert_int_equal(aotc_f32_to_f16(0x1.8p-24f), 2);
    assert_int_equal(aotc_f32_to_bf16(1.00390625f), 0x3f80);
    assert_int_equal(aotc_f32_to_f8e4m3(464.0f), 0x7e);
    assert_int_equal(aotc_f32_to_f8e4m3(465.0f), 0x7e);
    assert_int_equal(aotc_f32_to_f8e4m3(-INFINITY), 0xfe);
    assert_int_equal(aotc_f32_to_f8e4m3(NAN), 0x7f);
    assert_int_equal(aotc_f32_to_f8e5m2(61440.0f), 0x7c);
}

static void test_integers(void **state)
{
    (void)state;
    assert_int_equal(aotc_floordiv_i64(-7, 2), -4);
    assert_int_equal(aotc_mod_i64(-7, 2), 1);
    assert_int_equal(aotc_mod_i64(7, -2), -1);
    assert_int_equal(aotc_fmod_i64(-7, 2), -1);
    assert_int_equal(aotc_truncdiv_i32(INT32_MIN, -1), INT32_MIN);
    assert_int_equal(aotc_mod_i32(INT32_MIN, -1), 0);
    assert_int_equal(aotc_floordiv_i64(5, 0), 0);
    assert_int_equal(aotc_floordiv_u64(UINT64_MAX, 2), UINT64_MAX / 2);
    assert_int_equal(aotc_shl_i64(1, 64, 64), 0);
    assert_int_equal(aotc_shl_i64(1, -1, 64), 0);
    assert_int_equal(aotc_shr_i64(-1, 70, 64), -1);
    assert_int_equal(aotc_shr_i64(1, -1, 64), 0);
    assert_int_equal(aotc_shr_u32(0x80000000u, 40, 32), 0);
    assert_int_equal(aotc_pow_i64(2, 3), 8);
    assert_int_equal(aotc_pow_i64(3, -1), 0);
    assert_int_equal(aotc_pow_i64(-1, -3), -1);
    near(aotc_floordiv_f32(-1, INFINITY), -1, 0);
    near(aotc_mod_f32(-5, 3), 1, 0);
    near(aotc_floordiv_f64(5, 0), INFINITY, 0);
    assert_true(isnan(aotc_maximum_f32(1, NAN)) && isnan(aotc_maximum_f32(NAN, 1)) &&
                aotc_fmax_f32(NAN, 1) == 1);
    assert_true(isnan(aotc_minimum_f32(1, NAN)) && isnan(aotc_minimum_f32(NAN, 1)) &&
                aotc_fmin_f32(1, NAN) == 1);
    assert_int_equal(aotc_f32_to_i32(NAN), INT32_MIN);
    assert_int_equal(aotc_f32_to_i64(1e30f), INT64_MIN);
    assert_true(aotc_i64_to_f32((1 << 25) + ((int64_t)1 << 60) + 1) ==
                (float)((1 << 25) + ((int64_t)1 << 60) + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pointwise),     cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_columns),       cmocka_unit_test(test_gather),
        cmocka_unit_test(test_dtypes),        cmocka_unit_test(test_host),
        cmocka_unit_test(test_epilogue),      cmocka_unit_test(test_loops_become_vectors),
        cmocka_unit_test(test_equal_bytes),   cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_functions),     cmocka_unit_test(test_pow),
        cmocka_unit_test(test_narrow_floats), cmocka_unit_test(test_integers),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free_host_memory();
    return failed;
}
