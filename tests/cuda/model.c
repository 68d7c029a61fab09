/* A CUDA model written by hand against abi/aotc_model.h, one entry point for each thing that a run
 * on a device can do.  For the fake driver:
 *
 *   cc -shared -fPIC -fvisibility=hidden -I. tests/cuda/model.c -o model.so
 *
 * For a device, with kernels.cu compiled for it: -DMODEL_IMAGE_SM=90 -DMODEL_IMAGE=kernels.cubin */
#include "tests/cuda/kernels.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#define CONST(n)                                                                                   \
    {                                                                                              \
        AOTC_DIM_CONST, -1, n, 0                                                                   \
    }
#define SYMBOL(i)                                                                                  \
    {                                                                                              \
        AOTC_DIM_SYMBOL, i, 1, 0                                                                   \
    }
#define EXPR(i)                                                                                    \
    {                                                                                              \
        AOTC_DIM_EXPR, i, 0, 0                                                                     \
    }
#define COUNT(a) ((int32_t)(sizeof(a) / sizeof *(a)))
enum { INT = 0, FLOAT = 2, CUDA = 2, CPU = 1 };

#define SIGNATURE(name_, code_, bits_, rank_, dims_, slot_, same_as_, ...)                         \
    {                                                                                              \
        .struct_size = sizeof(aotc_model_tensor), .name = name_, .code = code_, .bits = bits_,     \
        .device = CUDA, .rank = rank_, .dims = dims_, .symbol = slot_, .expr = slot_,              \
        .same_as = same_as_, __VA_ARGS__                                                           \
    }
#define TENSOR(name, code, rank, dims, ...)                                                        \
    SIGNATURE(name, code, code == INT ? 64 : 32, rank, dims, -1, -1, __VA_ARGS__)
#define NUMBER(name_, slot)                                                                        \
    {                                                                                              \
        .struct_size = sizeof(aotc_model_tensor), .flags = AOTC_TENSOR_SCALAR, .name = name_,      \
        .code = INT, .bits = 64, .device = CPU, .symbol = slot, .expr = slot, .same_as = -1        \
    }
#define ENTRY .struct_size = sizeof(aotc_model_entry), .arena_expr = -1, .scratch_expr = -1

/* ---- weights and functions ------------------------------------------------------------------- */

static const int64_t             four[] = {4}, one[] = {1};
static const aotc_model_constant constants[] = {
    {"layer.bias", 0, 16, FLOAT, 32, 0, 1, four, -1, -1},
    {"counter", 64, 4, FLOAT, 32, AOTC_CONSTANT_STATE, 1, one, 0, -1},
    {"zeros", 256, 16, FLOAT, 32, 0, 1, four, -1, -1},
};

enum { F_AFFINE, F_RANDOM, F_FIND, F_TEST, F_CHECK, F_SHARED };
static const aotc_model_function functions[] = {
    {"affine", 0, 0},     {"random_fill", 0, 0}, {"find", 0, 0},
    {"test_above", 0, 0}, {"check", 0, 0},       {"use_shared", 0, 96 << 10},
};

static aotc_model_launch launch_of(int32_t function, int32_t kernel, int64_t n)
{
    int64_t           blocks = (n + 127) / 128;
    aotc_model_launch l = {.function = function,
                           .kernel = kernel,
                           .grid = {(uint32_t)(blocks < 1024 ? blocks : 1024), 1, 1},
                           .block = {128, 1, 1}};
    return l;
}

static void run_affine(const aotc_model_frame *f, const void *x, void *y, int64_t n, float scale,
                       float add, uint32_t flags)
{
    AffineArgs        args = {x, (const float *)(f->weights + 0), y, n, scale, add};
    aotc_model_launch l = launch_of(F_AFFINE, 0, n);
    l.flags = flags;
    f->cuda->launch(f, &l, &args, sizeof args);
}

static const aotc_model_kernel kernels[] = {
    {"k0_affine", "mul, add", "add", "aten.add.Tensor", "model.py:7  return x * 2 + b", 1, 2},
    {"k1_check", "index", "index_3", "aten.index.Tensor", "model.py:12  return x[i]", -1, -1},
};

static int32_t no_exprs(const int64_t *sym, int64_t *out)
{
    (void)sym, (void)out;
    return 0;
}

/* s0 rows of 4: out[0] rows, [1] flops, [2] bytes, [3] bytes of one tensor, [4] the number plus 1
 */
static int32_t row_exprs(const int64_t *sym, int64_t *out)
{
    out[0] = sym[0];
    out[1] = 8 * sym[0];
    out[2] = 32 * sym[0] + 16;
    out[3] = 16 * sym[0];
    out[4] = sym[1] + 1;
    return 0;
}

static const aotc_model_symbol row_symbols[] = {{"s0", 0, 1 << 20, 0, 0}, {"n", -100, 100, 0, 0}};
static const aotc_model_dim    rows[] = {SYMBOL(0), CONST(4)}, rows_out[] = {EXPR(0), CONST(4)};

/* ---- affine: y = 2x + bias, one launch ------------------------------------------------------- */

static const aotc_model_tensor affine_inputs[] = {TENSOR("x", FLOAT, 2, rows, .flags = 0)};
static const aotc_model_tensor affine_outputs[] = {TENSOR("y", FLOAT, 2, rows_out, .flags = 0)};

static void affine_run(const aotc_model_frame *f, int32_t thread)
{
    (void)thread;
    run_affine(f, f->inputs[0], f->outputs[0], 4 * f->sym[0], 2, 0, 0);
}

/* ---- chain: copies, fills, launches through the arena, a number ------------------------------
 * t = 2x + bias; u = t; u[0] = 1; z = u + bias + n; n + 1 */

static const aotc_model_tensor chain_inputs[] = {TENSOR("x", FLOAT, 2, rows, .flags = 0),
                                                 NUMBER("n", 1)};
static const aotc_model_tensor chain_outputs[] = {TENSOR("z", FLOAT, 2, rows_out, .flags = 0),
                                                  NUMBER("n1", 4)};

static void chain_run(const aotc_model_frame *f, int32_t thread)
{
    int64_t n = 4 * f->sym[0];
    float   one_bits = 1;
    (void)thread;
    run_affine(f, f->inputs[0], f->scratch, n, 2, 0, 0);
    f->cuda->copy(f, f->arena, f->scratch, (uint64_t)n * 4);
    uint32_t bits;
    __builtin_memcpy(&bits, &one_bits, 4);
    f->cuda->fill(f, f->arena, bits, 4, n > 0);
    run_affine(f, f->arena, f->outputs[0], n, 1, (float)f->sym[1], 0);
    run_affine(f, f->outputs[0], f->arena, n, 1, 0, AOTC_LAUNCH_EARLY);
}

/* ---- columns: x and y have columns first ----------------------------------------------------- */

static const aotc_model_dim    column_dims[] = {CONST(2), CONST(4)};
static const aotc_model_dim    column_strides[] = {CONST(1), CONST(2)};
static const aotc_model_tensor columns_inputs[] = {
    TENSOR("x", FLOAT, 2, column_dims, .strides = column_strides)};
static const aotc_model_tensor columns_outputs[] = {
    TENSOR("y", FLOAT, 2, column_dims, .strides = column_strides)};

static void columns_run(const aotc_model_frame *f, int32_t thread)
{
    (void)thread;
    run_affine(f, f->inputs[0], f->outputs[0], 8, 1, 0.5f, 0);
}

/* ---- state: counter = 2 * counter + 1; x = x + bias in place; the output is x -----------------
 */

static const aotc_model_tensor state_inputs[] = {
    TENSOR("x", FLOAT, 2, rows, .flags = AOTC_TENSOR_MUTATED)};
static const aotc_model_tensor state_outputs[] = {
    SIGNATURE("x_out", FLOAT, 32, 2, rows_out, -1, 0, .flags = 0)};

static void state_run(const aotc_model_frame *f, int32_t thread)
{
    (void)thread;
    run_affine(f, f->state[0], f->state[0], 1, 2, 0, 0);
    run_affine(f, f->inputs[0], f->inputs[0], 4 * f->sym[0], 1, 0, 0);
}

/* ---- random ---------------------------------------------------------------------------------- */

static const aotc_model_dim    eight[] = {CONST(8)};
static const aotc_model_tensor random_out[] = {TENSOR("y", FLOAT, 1, eight, .flags = 0)};

static void random_run(const aotc_model_frame *f, int32_t thread)
{
    RandomArgs        args = {f->rng, f->outputs[0], 8};
    aotc_model_launch l = launch_of(F_RANDOM, -1, 8);
    (void)thread;
    f->cuda->launch(f, &l, &args, sizeof args);
}

/* ---- late: where x > 0 ----------------------------------------------------------------------- */

static const aotc_model_symbol late_symbols[] = {{"s0", 0, 1 << 20, 0, 0},
                                                 {"u0", 0, INT64_MAX, 1, 0}};
static const aotc_model_dim    late_x[] = {SYMBOL(0)}, late_where[] = {EXPR(4)};
static const aotc_model_tensor late_inputs[] = {TENSOR("x", FLOAT, 1, late_x, .flags = 0)};
static const aotc_model_tensor late_outputs[] = {
    TENSOR("where", INT, 1, late_where, .flags = AOTC_TENSOR_LATE)};

static int32_t late_exprs(const int64_t *sym, int64_t *out)
{
    out[3] = 8 * sym[0] + 64;
    out[4] = sym[1];
    return 0;
}

static void late_run(const aotc_model_frame *f, int32_t thread)
{
    int64_t  n;
    FindArgs args = {f->inputs[0], (int64_t *)(f->arena + 64), (int64_t *)f->arena, f->sym[0]};
    aotc_model_launch l = launch_of(F_FIND, -1, 1);
    (void)thread;
    f->cuda->launch(f, &l, &args, sizeof args);
    if (!f->cuda->read(f, &n, f->arena, sizeof n))
        return;
    f->sym[1] = n;
    f->outputs[0] = f->host->output(f, 0, &n);
    if (!f->outputs[0]) {
        f->failure->message = "no memory for what was found";
        f->failure->code = AOTC_FAIL_MEMORY;
        return;
    }
    f->cuda->copy(f, f->outputs[0], f->arena + 64, (uint64_t)n * 8);
}

/* ---- branch: if x[0] > 10: y = x - 5, else y = x; while y[0] > 1: y = y / 2 -------------------
 */

static const aotc_model_tensor branch_inputs[] = {TENSOR("x", FLOAT, 1, eight, .flags = 0)};

static void test_above(const aotc_model_frame *f, const void *x, float limit)
{
    TestArgs          args = {x, f->arena, limit, 0};
    aotc_model_launch l = launch_of(F_TEST, -1, 1);
    f->cuda->launch(f, &l, &args, sizeof args);
}

/* weights + 256 are zeros */
static void scale(const aotc_model_frame *f, const void *x, float by, float add)
{
    AffineArgs        args = {x, (const float *)(f->weights + 256), f->outputs[0], 8, by, add};
    aotc_model_launch l = launch_of(F_AFFINE, 0, 8);
    f->cuda->launch(f, &l, &args, sizeof args);
}

static void branch_run(const aotc_model_frame *f, int32_t thread)
{
    (void)thread;
    test_above(f, f->inputs[0], 10);
    if (f->cuda->enter(f, AOTC_BRANCH_IF, f->arena)) {
        scale(f, f->inputs[0], 1, -5);
        f->cuda->leave(f);
    }
    if (f->cuda->enter(f, AOTC_BRANCH_UNLESS, f->arena)) {
        scale(f, f->inputs[0], 1, 0);
        f->cuda->leave(f);
    }
    test_above(f, f->outputs[0], 1);
    while (f->cuda->enter(f, AOTC_BRANCH_WHILE, f->arena)) {
        scale(f, f->outputs[0], 0.5f, 0);
        test_above(f, f->outputs[0], 1);
        f->cuda->leave(f);
    }
}

/* ---- check: fails on the device where x < 0, else y = 2x + bias -------------------------------
 */

static void check_run(const aotc_model_frame *f, int32_t thread)
{
    CheckArgs         args = {f->inputs[0], f->cuda->failure, 4 * f->sym[0], 1};
    aotc_model_launch l = launch_of(F_CHECK, 1, 4 * f->sym[0]);
    (void)thread;
    f->cuda->launch(f, &l, &args, sizeof args);
    run_affine(f, f->inputs[0], f->outputs[0], 4 * f->sym[0], 2, 0, 0);
}

/* ---- shared: more shared memory than a launch has without asking; a cluster -------------------
 */

static const aotc_model_tensor shared_outputs[] = {TENSOR("y", FLOAT, 0, 0, .flags = 0)};

static void shared_run(const aotc_model_frame *f, int32_t thread)
{
    SharedArgs        args = {f->outputs[0], 96 << 10};
    aotc_model_launch l = launch_of(F_SHARED, -1, 1);
    (void)thread;
    l.shared_bytes = 96 << 10;
    if (f->cuda->sm >= 90) {
        l.grid[0] = 2;
        l.cluster[0] = 2;
    }
    f->cuda->launch(f, &l, &args, sizeof args);
}

/* ---- hundred: as many launches --------------------------------------------------------------- */

static void hundred_run(const aotc_model_frame *f, int32_t thread)
{
    (void)thread;
    run_affine(f, f->inputs[0], f->outputs[0], 4 * f->sym[0], 1, 0, 0);
    for (int i = 1; i < 100; i++)
        run_affine(f, f->outputs[0], f->outputs[0], 4 * f->sym[0], 1, 0,
                   i % 2 ? AOTC_LAUNCH_EARLY : 0);
}

/* ---- operator: y = 2x + bias, then a host function sets y[0] to the bits of n ------------------
 * n: 98 fails, 97 waits for the stream (which a capture forbids), 96 queues twice. */

typedef struct OperatorArgs {
    void   *y;
    int64_t n;
} OperatorArgs;

typedef int (*SetFunction)(unsigned long long to, unsigned value, size_t n, void *stream);
typedef int (*WaitFunction)(void *stream);

static void *driver_function(const char *name)
{
    const char *path = getenv("AOTC_TEST_DRIVER");
    void       *driver = dlopen(path ? path : "libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
    return driver ? dlsym(driver, name) : 0;
}

static int32_t operator_call(void *stream, char *message, uint64_t message_bytes, const void *args)
{
    const OperatorArgs *a = args;
    SetFunction         set = (SetFunction)driver_function("cuMemsetD32Async");
    WaitFunction        wait = (WaitFunction)driver_function("cuStreamSynchronize");
    if (a->n == 98)
        snprintf(message, message_bytes, "n must not be %d", (int)a->n);
    if (a->n == 98 || !set || !wait || (a->n == 97 && wait(stream)))
        return 5;
    for (int i = 0; i < (a->n == 96 ? 2 : 1); i++)
        if (set((unsigned long long)(uintptr_t)a->y, (unsigned)a->n, 1, stream))
            return 6;
    return 0;
}

static const aotc_model_tensor operator_outputs[] = {TENSOR("y", FLOAT, 2, rows_out, .flags = 0)};

static void operator_run(const aotc_model_frame *f, int32_t thread)
{
    OperatorArgs args = {f->outputs[0], f->sym[1]};
    (void)thread;
    run_affine(f, f->inputs[0], f->outputs[0], 4 * f->sym[0], 2, 0, 0);
    f->cuda->call(f, 1, operator_call, &args, sizeof args);
    run_affine(f, f->outputs[0], f->outputs[0], 0, 2, 0, AOTC_LAUNCH_EARLY);
}

/* ---- the table ------------------------------------------------------------------------------- */

#define FUNCTIONS .n_functions = COUNT(functions), .functions = functions
#define TABLES(name_, inputs_, outputs_)                                                           \
    .name = #name_, .n_inputs = COUNT(inputs_), .n_outputs = COUNT(outputs_), .inputs = inputs_,   \
    .outputs = outputs_, .run = name_##_run, FUNCTIONS, .n_constants = 3, .constants = constants,  \
    .n_state = 1, .n_kernels = COUNT(kernels), .kernels = kernels
#define ROWS(n) .n_symbols = n, .symbols = row_symbols, .n_exprs = 5, .exprs = row_exprs
#define ARENA(arena, scratch)                                                                      \
    .struct_size = sizeof(aotc_model_entry), .arena_expr = arena, .scratch_expr = scratch

#ifndef MODEL_IMAGE_SM
#define MODEL_IMAGE_SM 80
static const unsigned char fake_image[] = "FAKE";
#define IMAGE_BEGIN fake_image
#define IMAGE_END (fake_image + sizeof fake_image)
#else
#define QUOTE(x) #x
#define NAME_OF(x) QUOTE(x)
__asm__(".section .rodata\n.balign 64\nmodel_image:\n.incbin \"" NAME_OF(
    MODEL_IMAGE) "\""
                 "\nmodel_image_end:\n.byte 0\n.previous\n");
extern const unsigned char model_image[] __attribute__((visibility("hidden"))),
    model_image_end[] __attribute__((visibility("hidden")));
#define IMAGE_BEGIN model_image
#define IMAGE_END model_image_end
#endif
#ifndef MODEL_IMAGE_FLAGS
#define MODEL_IMAGE_FLAGS 0
#endif

static int32_t flag_exprs(const int64_t *sym, int64_t *out)
{
    (void)sym;
    out[0] = 64;
    return 0;
}

static const aotc_model_entry entries[] = {
    {ENTRY, TABLES(affine, affine_inputs, affine_outputs), ROWS(1)},
    {ARENA(3, 3), TABLES(chain, chain_inputs, chain_outputs), ROWS(2)},
    {ENTRY, TABLES(columns, columns_inputs, columns_outputs), .n_exprs = 5, .exprs = no_exprs},
    {ENTRY, TABLES(state, state_inputs, state_outputs), ROWS(1)},
    {ENTRY, .name = "random", .n_outputs = 1, .outputs = random_out, .run = random_run, FUNCTIONS,
     .exprs = no_exprs},
    {ARENA(3, -1), TABLES(late, late_inputs, late_outputs), .n_symbols = 2, .symbols = late_symbols,
     .n_exprs = 5, .exprs = late_exprs},
    {ARENA(0, -1), TABLES(branch, branch_inputs, random_out), .n_exprs = 3, .exprs = flag_exprs},
    {ENTRY, TABLES(check, affine_inputs, affine_outputs), ROWS(1)},
    {ENTRY, .name = "shared", .n_outputs = 1, .outputs = shared_outputs, .run = shared_run,
     FUNCTIONS, .exprs = no_exprs},
    {ENTRY, TABLES(hundred, affine_inputs, affine_outputs), ROWS(1)},
    {ENTRY, TABLES(operator, chain_inputs, operator_outputs), ROWS(2)},
};

static const aotc_model_image images[] = {
    {MODEL_IMAGE_SM, MODEL_IMAGE_FLAGS, 0, 0, IMAGE_BEGIN, IMAGE_END},
#ifndef MODEL_IMAGE
    {90, AOTC_IMAGE_EXACT, 0, 0, IMAGE_BEGIN, IMAGE_END},
    {90, AOTC_IMAGE_PTX, 0, 0, IMAGE_BEGIN, IMAGE_END},
#endif
};

static const aotc_model_table table = {
    .struct_size = sizeof table,
    .abi = 3,
    .producer = "by hand",
    .target = "cuda",
    .n_entries = COUNT(entries),
    .entries = entries,
    .weights_bytes = 320,
    .device = CUDA,
    .n_images = COUNT(images),
    .images = images,
};

__attribute__((visibility("default"))) const aotc_model_table *aotc_model_query(uint32_t max_abi);
const aotc_model_table                                        *aotc_model_query(uint32_t max_abi)
{
    return max_abi >= 3 ? &table : 0;
}
