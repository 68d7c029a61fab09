/* A model written by hand against abi/aotc_model.h: what generated code has to be.
 *
 *   cc -shared -fPIC -fvisibility=hidden -I. tests/abi/model.c -o model.so
 *
 * One entry point for each feature of the interface; -DMODEL_SCALE=n makes another model. */
#include "abi/aotc_model.h"

#include <sched.h>
#include <string.h>

#ifndef MODEL_SCALE
#define MODEL_SCALE 2
#endif

#ifndef MODEL_WEIGHTS_BYTES
#define MODEL_WEIGHTS_BYTES 128
#endif

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
enum { INT = 0, FLOAT = 2, OPAQUE = 3, BOOL = 6, CPU = 1 };

/* slot: the symbol of a number that comes in, the expression of one that goes out */
#define SIGNATURE(name_, code_, bits_, rank_, dims_, slot_, same_as_, ...)                         \
    {                                                                                              \
        .struct_size = sizeof(aotc_model_tensor), .name = name_, .code = code_, .bits = bits_,     \
        .device = CPU, .rank = rank_, .dims = dims_, .symbol = slot_, .expr = slot_,               \
        .same_as = same_as_, __VA_ARGS__                                                           \
    }
#define TENSOR(name, code, bits, rank, dims, ...)                                                  \
    SIGNATURE(name, code, bits, rank, dims, -1, -1, __VA_ARGS__)
#define NUMBER(name, code, bits, slot, flags_, ...)                                                \
    SIGNATURE(name, code, bits, 0, 0, slot, -1, .flags = AOTC_TENSOR_SCALAR | (flags_), __VA_ARGS__)
#define ENTRY .struct_size = sizeof(aotc_model_entry), .arena_expr = -1, .scratch_expr = -1

/* weights.bin */
static const int64_t             four[] = {4}, one[] = {1};
static const aotc_model_constant constants[] = {
    {"layer.bias", 0, 16, FLOAT, 32, 0, 1, four, -1, -1},
    {"counter", 64, 4, FLOAT, 32, AOTC_CONSTANT_STATE, 1, one, 0, -1},
};

/* ---- threads and failures: as in every generated file ---------------------------------------- */

static void barrier(const aotc_model_frame *f)
{
    aotc_model_barrier *b = f->barrier;
    if (f->n_threads == 1)
        return;
    uint32_t generation = __atomic_load_n(&b->generation, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&b->waiting, 1, __ATOMIC_ACQ_REL) == (uint32_t)f->n_threads) {
        __atomic_store_n(&b->waiting, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&b->generation, generation + 1, __ATOMIC_RELEASE);
        return;
    }
    for (int looks = 0; __atomic_load_n(&b->generation, __ATOMIC_ACQUIRE) == generation; looks++)
        if (looks > 4096)
            sched_yield();
}

static void fail(const aotc_model_frame *f, int32_t code, int32_t kernel, int64_t value,
                 int64_t bound, const char *message)
{
    int32_t none = 0;
    if (!__atomic_compare_exchange_n(&f->failure->code, &none, -1, 0, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
        return;
    f->failure->kernel = kernel;
    f->failure->value = value;
    f->failure->bound = bound;
    f->failure->message = message;
    __atomic_store_n(&f->failure->code, code, __ATOMIC_RELEASE);
}

static int32_t no_exprs(const int64_t *sym, int64_t *out)
{
    (void)sym, (void)out;
    return 0;
}

/* ---- affine: symbolic and derived sizes, a guard, a constant ----------------------------------
 * z[i,j] = SCALE * x[i,j] + y[2i,j] + bias[j], n = 2 * s0 */

static const aotc_model_symbol affine_symbols[] = {{"s0", 2, 64, 0, 0}, {"s1", 1, INT64_MAX, 0, 0}};
static const aotc_model_guard  affine_guards[] = {{"Ne(Mod(s0, 7), 0)", 1, 0}};
static const aotc_model_dim    affine_x[] = {SYMBOL(0), CONST(4)}, affine_y[] = {EXPR(0), CONST(4)};
static const aotc_model_dim    affine_odd[] = {{AOTC_DIM_SYMBOL, 1, 3, 1}};
static const aotc_model_dim    affine_z[] = {EXPR(2), CONST(4)};
static const aotc_model_tensor affine_inputs[] = {
    TENSOR("x", FLOAT, 32, 2, affine_x, .flags = 0),
    TENSOR("y", FLOAT, 32, 2, affine_y, .flags = 0),
    TENSOR("odd", INT, 64, 1, affine_odd, .flags = AOTC_TENSOR_UNUSED),
};
static const aotc_model_tensor affine_outputs[] = {
    TENSOR("z", FLOAT, 32, 2, affine_z, .flags = 0),
    NUMBER("n", INT, 64, 0, 0, .reserved = 0),
};
static const aotc_model_kernel affine_kernels[] = {
    {"k0_affine", "mul, add", "add", "aten.add.Tensor", "model.py:7  return x * 2 + y[::2]", 4, 3},
};

static int32_t affine_exprs(const int64_t *sym, int64_t *out)
{
    out[0] = 2 * sym[0];
    out[1] = sym[0] % 7 != 0;
    out[2] = sym[0];
    out[3] = 48 * sym[0];
    out[4] = 12 * sym[0];
    return __builtin_mul_overflow(sym[1], INT64_MAX / 1000, &out[5]) ? 6 : 0;
}

static void affine_run(const aotc_model_frame *f, int32_t thread)
{
    const float *x = f->inputs[0], *y = f->inputs[1], *bias = (const float *)(f->weights + 0);
    float       *z = f->outputs[0];
    for (int64_t i = thread; i < f->sym[0]; i += f->n_threads)
        for (int j = 0; j < 4; j++)
            z[4 * i + j] = MODEL_SCALE * x[4 * i + j] + y[8 * i + j] + bias[j];
    if (f->profile) {
        barrier(f);
        if (thread == 0)
            f->host->profile(f, 0);
    }
}

/* ---- numbers: Python numbers, a fixed one, None ---------------------------------------------- */

static const aotc_model_symbol numbers_symbols[] = {
    {"s0", -10, 10, 0, 0}, {"f0", 0, 0, 0, 1}, {"b0", 0, 1, 0, 0}};
static const aotc_model_dim    three[] = {CONST(3)};
static const aotc_model_tensor numbers_inputs[] = {
    TENSOR("x", FLOAT, 64, 1, three, .flags = 0),
    NUMBER("n", INT, 64, 0, 0, .reserved = 0),
    NUMBER("a", FLOAT, 64, 1, AOTC_TENSOR_SYM_FLOAT, .reserved = 0),
    NUMBER("b", BOOL, 8, 2, 0, .reserved = 0),
    NUMBER("seven", INT, 64, -1, AOTC_TENSOR_LITERAL, .literal_int = 7),
    NUMBER("half", FLOAT, 64, -1, AOTC_TENSOR_LITERAL, .literal_float = 0.5),
    NUMBER("mask", OPAQUE, 0, -1, AOTC_TENSOR_LITERAL, .reserved = 0),
};
static const aotc_model_tensor numbers_outputs[] = {
    TENSOR("y", FLOAT, 64, 1, three, .flags = 0),
    NUMBER("n1", INT, 64, 0, 0, .reserved = 0),
    NUMBER("a1", FLOAT, 64, 1, AOTC_TENSOR_SYM_FLOAT, .reserved = 0),
    NUMBER("b1", BOOL, 8, 2, 0, .reserved = 0),
    NUMBER("none", OPAQUE, 0, -1, AOTC_TENSOR_LITERAL, .reserved = 0),
};

static double bits_to_double(int64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static int32_t numbers_exprs(const int64_t *sym, int64_t *out)
{
    out[0] = sym[0] + 1;
    out[1] = sym[1];
    out[2] = !sym[2];
    return 0;
}

static void numbers_run(const aotc_model_frame *f, int32_t thread)
{
    const double *x = f->inputs[0];
    double       *y = f->outputs[0], a = bits_to_double(f->sym[1]);
    for (int i = 0; i < 3 && thread == 0; i++)
        y[i] = f->sym[2] ? a * x[i] + (double)f->sym[0] : x[i];
}

/* ---- state: counter += 1; x += counter; the output is x -------------------------------------- */

static const aotc_model_dim    state_dims[] = {CONST(2), CONST(2)};
static const aotc_model_tensor state_inputs[] = {
    TENSOR("x", FLOAT, 32, 2, state_dims, .flags = AOTC_TENSOR_MUTATED)};
static const aotc_model_tensor state_outputs[] = {
    SIGNATURE("x_out", FLOAT, 32, 2, state_dims, -1, 0, .flags = 0)};

static void state_run(const aotc_model_frame *f, int32_t thread)
{
    float *x = f->inputs[0], *counter = f->state[0];
    if (thread)
        return;
    *counter += 1;
    for (int i = 0; i < 4; i++)
        x[i] += *counter;
}

/* ---- late: sizes that only the run knows
 * --------------------------------------------------------- index int64[u0]: where x > 0.  pairs
 * float32[u0, 2], columns first: value, twice the value. */

static const aotc_model_symbol late_symbols[] = {{"s0", 0, 1 << 20, 0, 0},
                                                 {"u0", 0, INT64_MAX, 1, 0}};
static const aotc_model_dim    late_x[] = {SYMBOL(0)}, late_index[] = {EXPR(0)};
static const aotc_model_dim    late_pairs[] = {EXPR(0), CONST(2)};
static const aotc_model_dim    late_strides[] = {CONST(1), EXPR(0)};
static const aotc_model_tensor late_inputs[] = {TENSOR("x", FLOAT, 32, 1, late_x, .flags = 0)};
static const aotc_model_tensor late_outputs[] = {
    TENSOR("index", INT, 64, 1, late_index, .flags = AOTC_TENSOR_LATE),
    TENSOR("pairs", FLOAT, 32, 2, late_pairs, .flags = AOTC_TENSOR_LATE, .strides = late_strides),
    NUMBER("n", INT, 64, 0, 0, .reserved = 0),
};

static int32_t late_exprs(const int64_t *sym, int64_t *out)
{
    out[0] = sym[1];
    return 0;
}

static void late_run(const aotc_model_frame *f, int32_t thread)
{
    const float *x = f->inputs[0];
    int64_t      n = 0;
    if (thread)
        return;
    float *kept = f->temporaries[0] = f->host->temporary(f, (uint64_t)f->sym[0] * 4 + 1);
    for (int64_t i = 0; kept && i < f->sym[0]; i++)
        if (x[i] > 0)
            kept[n++] = x[i];
    int64_t *index = f->outputs[0] = f->host->output(f, 0, (int64_t[]){n});
    float   *pairs = f->outputs[1] = f->host->output(f, 1, (int64_t[]){n, 2});
    if (!kept || !index || !pairs) {
        fail(f, AOTC_FAIL_MEMORY, -1, n, 0, "no memory for what was found");
        return;
    }
    f->sym[1] = n;
    for (int64_t i = 0, at = 0; i < f->sym[0]; i++)
        if (x[i] > 0)
            index[at++] = i;
    for (int64_t i = 0; i < n; i++) {
        pairs[i] = kept[i];
        pairs[n + i] = 2 * kept[i];
    }
}

/* ---- failing: as the number asks ------------------------------------------------------------- */

static const aotc_model_symbol failing_symbols[] = {{"s0", 0, 4, 0, 0}};
static const aotc_model_tensor failing_inputs[] = {NUMBER("how", INT, 64, 0, 0, .reserved = 0)};
static const aotc_model_tensor failing_outputs[] = {TENSOR("y", FLOAT, 32, 0, 0, .flags = 0)};
static const aotc_model_kernel failing_kernels[] = {
    {"k0_index", "index", "index_3", "aten.index.Tensor", "model.py:12  return x[i]", -1, -1}};

static void failing_run(const aotc_model_frame *f, int32_t thread)
{
    if (f->sym[0] == 1)
        fail(f, AOTC_FAIL_ASSERT, -1, 0, 0, "x must be positive");
    else if (f->sym[0] == 2)
        fail(f, AOTC_FAIL_INDEX, 0, 5 + thread, 4, "index");
    else if (f->sym[0] == 4)
        fail(f, AOTC_FAIL_MATRIX, 0, 3, 1, "linalg.inv");
    else if (f->sym[0] == 3 && thread == 0 && !f->host->temporary(f, (uint64_t)1 << 63))
        fail(f, AOTC_FAIL_MEMORY, -1, 0, 0, "no memory for a temporary tensor");
    else if (thread == 0)
        *(float *)f->outputs[0] = 1;
}

/* ---- parallel: y = x - mean(x), several rounds of partial sums ------------------------------- */

enum { ROUNDS = 20 };

static const aotc_model_symbol parallel_symbols[] = {{"s0", 1, 1 << 24, 0, 0}};
static const aotc_model_dim    parallel_x[] = {SYMBOL(0)}, parallel_y[] = {EXPR(0)};
static const aotc_model_tensor parallel_inputs[] = {
    TENSOR("x", FLOAT, 32, 1, parallel_x, .flags = 0)};
static const aotc_model_tensor parallel_outputs[] = {
    TENSOR("y", FLOAT, 32, 1, parallel_y, .flags = 0),
    TENSOR("threads", FLOAT, 32, 0, 0, .flags = 0)};

static int32_t parallel_exprs(const int64_t *sym, int64_t *out)
{
    out[0] = sym[0];
    out[1] = 64 * 4096;      /* a line for each thread */
    out[2] = 4 * sym[0] + 4; /* scratch of one thread */
    return 0;
}

/* Each round reads all of y, which other threads wrote in the round before. */
static void parallel_run(const aotc_model_frame *f, int32_t thread)
{
    const float *x = f->inputs[0];
    float  *y = f->outputs[0], *own = (float *)(f->scratch + (uint64_t)thread * f->scratch_bytes);
    int64_t n = f->sym[0], lo = n * thread / f->n_threads, hi = n * (thread + 1) / f->n_threads;
    memcpy(y + lo, x + lo, (size_t)(hi - lo) * 4);
    for (int round = 0; round < ROUNDS; round++) {
        double sum = 0, all = 0;
        for (int64_t i = lo; i < hi; i++)
            sum += own[i] = y[i];
        *(double *)(f->arena + 64 * thread) = sum;
        barrier(f);
        for (int t = 0; t < f->n_threads; t++)
            all += *(double *)(f->arena + 64 * t);
        for (int64_t i = lo; i < hi; i++)
            y[i] = own[i] - (float)(all / (double)n);
        barrier(f);
    }
    if (thread == 0)
        *(float *)f->outputs[1] = (float)f->n_threads;
}

/* ---- shapes: a 0-d tensor, no elements, columns first ---------------------------------------- */

static const aotc_model_dim    empty_dims[] = {CONST(0), CONST(3)}, matrix[] = {CONST(2), CONST(3)};
static const aotc_model_dim    columns[] = {CONST(1), CONST(2)};
static const aotc_model_tensor shapes_inputs[] = {
    TENSOR("zero_d", FLOAT, 32, 0, 0, .flags = 0),
    TENSOR("empty", FLOAT, 32, 2, empty_dims, .flags = 0),
    TENSOR("m", INT, 16, 2, matrix, .strides = columns),
};
static const aotc_model_tensor shapes_outputs[] = {
    TENSOR("zero_d_out", FLOAT, 32, 0, 0, .flags = 0),
    TENSOR("empty_out", FLOAT, 32, 2, empty_dims, .flags = 0),
    TENSOR("m_out", INT, 16, 2, matrix, .strides = columns),
};

static void shapes_run(const aotc_model_frame *f, int32_t thread)
{
    const int16_t *m = f->inputs[2];
    int16_t       *out = f->outputs[2];
    volatile char  readable = *(const char *)f->inputs[1];
    (void)readable;
    if (thread)
        return;
    *(float *)f->outputs[0] = -*(const float *)f->inputs[0];
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 3; j++)
            out[i + 2 * j] = (int16_t)(m[i + 2 * j] + 10 * i + j);
}

/* ---- small: one kernel, for the cost of a call ----------------------------------------------- */

static const aotc_model_dim    eight[] = {CONST(8)};
static const aotc_model_tensor small_inputs[] = {TENSOR("x", FLOAT, 32, 1, eight, .flags = 0)};
static const aotc_model_tensor small_outputs[] = {TENSOR("y", FLOAT, 32, 1, eight, .flags = 0)};

static void small_run(const aotc_model_frame *f, int32_t thread)
{
    const float *x = f->inputs[0];
    float       *y = f->outputs[0];
    for (int i = 0; i < 8 && thread == 0; i++)
        y[i] = x[i] + 1;
}

/* ---- the table ------------------------------------------------------------------------------- */

#define TABLES(prefix)                                                                             \
    .n_inputs = COUNT(prefix##_inputs), .n_outputs = COUNT(prefix##_outputs),                      \
    .inputs = prefix##_inputs, .outputs = prefix##_outputs, .run = prefix##_run
#define SYMBOLS(prefix) .n_symbols = COUNT(prefix##_symbols), .symbols = prefix##_symbols

static const aotc_model_entry entries[] = {
    {ENTRY, .name = "affine", TABLES(affine), SYMBOLS(affine), .n_guards = 1,
     .guards = affine_guards, .n_exprs = 6, .exprs = affine_exprs, .n_kernels = 1,
     .kernels = affine_kernels, .n_constants = 1, .constants = constants},
    {ENTRY, .name = "numbers", TABLES(numbers), SYMBOLS(numbers), .n_exprs = 3,
     .exprs = numbers_exprs},
    {ENTRY, .name = "state", TABLES(state), .exprs = no_exprs, .n_constants = 2,
     .constants = constants, .n_state = 1},
    {ENTRY, .name = "late", TABLES(late), SYMBOLS(late), .n_exprs = 1, .exprs = late_exprs,
     .n_temporaries = 1},
    {ENTRY, .name = "failing", TABLES(failing), SYMBOLS(failing), .exprs = no_exprs, .n_kernels = 1,
     .kernels = failing_kernels},
    {.struct_size = sizeof(aotc_model_entry),
     .arena_expr = 1,
     .scratch_expr = 2,
     .name = "parallel",
     TABLES(parallel),
     SYMBOLS(parallel),
     .n_exprs = 3,
     .exprs = parallel_exprs},
    {.struct_size = sizeof(aotc_model_entry),
     .arena_expr = 1,
     .scratch_expr = 2,
     .name = "alone",
     TABLES(parallel),
     SYMBOLS(parallel),
     .n_exprs = 3,
     .exprs = parallel_exprs,
     .max_threads = 1},
    {ENTRY, .name = "shapes", TABLES(shapes), .exprs = no_exprs},
    {ENTRY, .name = "small", TABLES(small), .exprs = no_exprs},
};

static const aotc_model_table table = {
    .struct_size = sizeof table,
    .abi = AOTC_MODEL_ABI,
    .producer = "by hand",
    .target = "any",
    .n_entries = COUNT(entries),
    .entries = entries,
    .weights_bytes = MODEL_WEIGHTS_BYTES,
};

__attribute__((visibility("default"))) const aotc_model_table *aotc_model_query(uint32_t max_abi);
const aotc_model_table                                        *aotc_model_query(uint32_t max_abi)
{
    return max_abi >= AOTC_MODEL_ABI ? &table : 0;
}
