/* Device code of LOOPS kernels without a GPU: plans of small graphs as CUDA, compiled for the CPU
 * (tests/cuda/emulate.h) and compared with what emit_c makes of the same graphs; launches recorded;
 * every scalar function compiled by nvcc, where there is one, and no register spilled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "emit_cuda/cuda_internal.h"
#include "passes/pass.h"
#include "tests/cuda/emulated_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const CudaArch sm_80 = {"sm_80", 80, false, false};

/* ---- building -------------------------------------------------------------------------------- */

static void run_command(Arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *command = arena_vprintf(arena, format, args);
    va_end(args);
    if (system(command) != 0)
        fail_msg("%s", command);
}

static const char *new_folder(Arena *arena)
{
    const char *parent = getenv("TMPDIR");
    char       *path = (char *)arena_printf(arena, "%s/aotc-cuda-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(path));
    return path;
}

static void write_files(Arena *arena, const char *folder, const EmitFile *files, int n)
{
    for (int i = 0; i < n; i++) {
        FILE *f = fopen(arena_printf(arena, "%s/%s", folder, files[i].name), "w");
        assert_non_null(f);
        assert_int_equal(fwrite(files[i].text, 1, files[i].n, f), files[i].n);
        fclose(f);
    }
}

static Plan *plan_of(Arena *arena, const char *source, bool is_cuda)
{
    Graph  *graph = NULL;
    Plan   *plan = NULL;
    PassCtx cx = {.arena = arena, .target_is_cuda = is_cuda};
    Error  *error = graph_parse(ir_create(arena, "test"), source, &graph);
    if (!error)
        error = passes_run(graph, &cx);
    if (!error)
        error = lower_graph(graph, &cx, &plan);
    if (!error)
        error = plan_verify(plan);
    if (error)
        fail_msg("%s", error_text(arena, error));
    return plan;
}

/* The folder that holds model.so. */
static const char *build(Arena *arena, const char *source, bool is_cuda)
{
    const char *folder = new_folder(arena);
    EmitOptions options = {.n_files = 1, .target = "test", .producer = "test"};
    EmitFile   *files;
    int         n;
    Plan       *plan = plan_of(arena, source, is_cuda);
    options.device = is_cuda ? EMIT_CUDA : EMIT_CPU;
    Error *error = is_cuda ? emit_cuda(plan, arena, &options, &sm_80, 1, &files, &n)
                           : emit_c(plan, arena, &options, &files, &n);
    if (error)
        fail_msg("%s", error_text(arena, error));
    write_files(arena, folder, files, n);
    for (int i = 0; i < n; i++)
        if (strstr(files[i].name, ".cu"))
            run_command(arena, "cd %s && %s/tests/cuda/emulated-nvcc -cubin %s -o %s", folder,
                        AOTC_SOURCE_DIR, files[i].name, emit_cuda_image_name(arena, 0, &sm_80));
    run_command(arena,
                "cd %s && ${CC:-cc} -std=gnu11 -O1 -w -fPIC -shared -fno-strict-aliasing -Wa,-I. "
                "%s -o model.so -lm",
                folder, is_cuda ? "model.c" : "*.c");
    return folder;
}

static void remove_folder(Arena *arena, const char *folder)
{
    run_command(arena, "rm -rf %s", folder);
}

/* ---- comparing ------------------------------------------------------------------------------- */

static int64_t dim_of(const aotc_model_dim *d, const int64_t *sym, const int64_t *exprs)
{
    return d->kind == AOTC_DIM_CONST    ? d->value
           : d->kind == AOTC_DIM_SYMBOL ? d->value * sym[d->index] + d->add
                                        : exprs[d->index];
}

static int64_t numel_of(const aotc_model_tensor *t, const int64_t *sym, const int64_t *exprs)
{
    int64_t n = 1;
    for (int d = 0; d < t->rank; d++)
        n *= dim_of(&t->dims[d], sym, exprs);
    return n;
}

enum { FLOAT = 2, BFLOAT = 4 };

static float half_value(uint16_t x)
{
    int    exponent = x >> 10 & 31;
    double v = exponent ? ldexp((x & 1023) + 1024, exponent - 25) : ldexp(x & 1023, -24);
    if (exponent == 31)
        v = x & 1023 ? NAN : INFINITY;
    return (float)(x >> 15 ? -v : v);
}

static double value_at(const aotc_model_tensor *t, const void *data, int64_t i)
{
    union {
        uint32_t u;
        float    f;
    } bf;
    switch (t->code * 100 + t->bits) {
    case FLOAT * 100 + 64:
        return ((const double *)data)[i];
    case FLOAT * 100 + 32:
        return ((const float *)data)[i];
    case FLOAT * 100 + 16:
        return half_value(((const uint16_t *)data)[i]);
    case BFLOAT * 100 + 16:
        bf.u = (uint32_t)((const uint16_t *)data)[i] << 16;
        return bf.f;
    default:
        return t->bits == 8    ? ((const int8_t *)data)[i]
               : t->bits == 16 ? ((const int16_t *)data)[i]
               : t->bits == 32 ? ((const int32_t *)data)[i]
                               : (double)((const int64_t *)data)[i];
    }
}

/* Small numbers of both signs; indices and bools in [0, 8); some NaN and infinities. */
static void *make_input(const aotc_model_tensor *t, int64_t n, uint32_t seed)
{
    uint32_t x = seed * 2654435761u + 1;
    void    *data = calloc((size_t)n + 16, 8);
    for (int64_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        int   whole = (int)(x >> 20) % 8;
        float f = (float)((int)(x >> 12) % 4001 - 2000) / 500.0f;
        if (x >> 20 == 77)
            f = x & 4096 ? NAN : INFINITY;
        union {
            float    f;
            uint32_t u;
        } bits = {f};
        if (t->code == FLOAT && t->bits == 64)
            ((double *)data)[i] = f;
        else if (t->code == FLOAT && t->bits == 32)
            ((float *)data)[i] = f;
        else if (t->code == FLOAT)
            ((uint16_t *)data)[i] = (uint16_t)(0x3000 + (x >> 20 & 0x8fff));
        else if (t->code == BFLOAT)
            ((uint16_t *)data)[i] = (uint16_t)(bits.u >> 16);
        else if (t->bits == 64)
            ((int64_t *)data)[i] = whole;
        else if (t->bits == 32)
            ((int32_t *)data)[i] = whole;
        else
            ((uint8_t *)data)[i] = (uint8_t)(t->code == 6 ? whole & 1 : whole);
    }
    return data;
}

typedef struct Results {
    void       *inputs[16], *outputs[64];
    int64_t     numel[64];
    EmulatedRun run;
} Results;

static Results *run_model(EmulatedModel *model, const int64_t *sizes)
{
    const aotc_model_entry *entry = &model->table->entries[0];
    Results                *r = calloc(1, sizeof *r);
    int64_t                *exprs = calloc((size_t)entry->n_exprs + 1, 8), sym[16] = {0};
    for (int i = 0; i < entry->n_symbols; i++)
        sym[i] = sizes[i];
    entry->exprs(sym, exprs);
    for (int i = 0; i < entry->n_inputs; i++)
        r->inputs[i] =
            make_input(&entry->inputs[i], numel_of(&entry->inputs[i], sym, exprs), (uint32_t)i + 1);
    for (int i = 0; i < entry->n_outputs; i++) {
        r->numel[i] = numel_of(&entry->outputs[i], sym, exprs);
        r->outputs[i] = malloc((size_t)r->numel[i] * 8 + 64);
        memset(r->outputs[i], 0x7f, (size_t)r->numel[i] * 8 + 64);
    }
    emulated_model_run(model, r->inputs, r->outputs, "", sym, 1234, &r->run);
    free(exprs);
    return r;
}

static void free_results(Results *r)
{
    for (int i = 0; i < 16; i++)
        free(r->inputs[i]);
    for (int i = 0; i < 64; i++)
        free(r->outputs[i]);
    free(r);
}

static bool is_close(double a, double b, const aotc_model_tensor *t)
{
    double limit = t->code == BFLOAT ? 2e-2 : t->code != FLOAT ? 0 : t->bits == 16 ? 4e-3 : 2e-4;
    if (a != a || b != b)
        return a != a && b != b;
    return a == b || fabs(a - b) <= limit * (fabs(a) > 1 ? fabs(a) : 1);
}

static void compare(const aotc_model_entry *entry, const Results *cpu, const Results *cuda)
{
    for (int o = 0; o < entry->n_outputs; o++)
        for (int64_t i = 0; i < cpu->numel[o]; i++) {
            double a = value_at(&entry->outputs[o], cpu->outputs[o], i),
                   b = value_at(&entry->outputs[o], cuda->outputs[o], i);
            if (!is_close(a, b, &entry->outputs[o]))
                fail_msg("output %d element %lld: %g on the CPU, %g on the device", o, (long long)i,
                         a, b);
        }
    assert_int_equal(cpu->run.failure.code, cuda->run.device_failure.code);
}

/* Both emitters, the same values, for every set of sizes. */
static void check(const char *source, const int64_t (*sizes)[4], int n_sizes)
{
    Arena        *arena = arena_create(NULL);
    EmulatedModel cpu, cuda;
    const char   *cpu_folder = build(arena, source, false), *folder = build(arena, source, true);
    assert_true(emulated_open(&cpu, arena_printf(arena, "%s/model.so", cpu_folder)));
    assert_true(emulated_open(&cuda, arena_printf(arena, "%s/model.so", folder)));
    for (int i = 0; i < n_sizes; i++) {
        Results *a = run_model(&cpu, sizes[i]), *b = run_model(&cuda, sizes[i]);
        compare(&cpu.table->entries[0], a, b);
        assert_true(b->run.n_launches > 0);
        free_results(a);
        free_results(b);
    }
    emulated_close(&cpu);
    emulated_close(&cuda);
    remove_folder(arena, cpu_folder);
    remove_folder(arena, folder);
    arena_destroy(arena);
}

static const int64_t no_sizes[1][4];

/* Vectors with and without an end, broadcasts, other dtypes, gathers, pads, transposes. */
static void test_flat(void **state)
{
    (void)state;
    check("graph @flat(%x: f32[600,512], %y: f32[512], %h: f16[600,513], %b: bf16[600,512],\n"
          "            %i: i64[700], %w: f32[8,512], %u: u8[600,512]) {\n"
          "  %0 = aten.add.Tensor(%x, %y)\n"
          "  %1 = aten.gelu.default(%0)\n"
          "  %2 = aten.silu.default(%h)\n"
          "  %3 = aten.mul.Tensor(%2, %h)\n"
          "  %4 = aten._to_copy.default(%x, dtype=bf16)\n"
          "  %5 = aten.add.Tensor(%4, %b)\n"
          "  %6 = aten.gt.Scalar(%x, 0)\n"
          "  %7 = aten.embedding.default(%w, %i)\n"
          "  %8 = aten.transpose.int(%x, 0, 1)\n"
          "  %9 = aten.contiguous.default(%8)\n"
          "  %10 = aten.constant_pad_nd.default(%w, [1,2,3,4], 0.5)\n"
          "  %11 = aten._to_copy.default(%u, dtype=f32)\n"
          "  %12 = aten.div.Tensor(%11, 255)\n"
          "  %13 = aten.cat.default([%w,%x])\n"
          "  %14 = aten.remainder.Scalar(%i, 3)\n"
          "  return %1, %3, %5, %6, %7, %9, %10, %12, %13, %14\n"
          "}\n",
          no_sizes, 1);
}

/* Transposes through shared memory: sides that are no multiple of a tile, both widths of tiles, two
 * loads of one dim and a third of another, rows found by an index, sizes known at run time (none, a
 * part of a tile, many). */
static void test_tiles(void **state)
{
    static const int64_t sizes[][4] = {{0, 40}, {3, 33}, {70, 64}, {5, 1}};
    (void)state;
    check("graph @tiles(%x: f32[601,515], %y: f32[515,601], %b: f32[515], %h: bf16[3,1100,900],\n"
          "             %d: f64[9,130,250], %i: i64[515], %u: u8[2,300,700], %w: f32[8,601],\n"
          "             %p: f32[20,130,70], %q: f32[70,130,20], %m: f16[1200,2000]) {\n"
          "  %0 = aten.transpose.int(%x, 0, 1)\n"
          "  %1 = aten.add.Tensor(%0, %y)\n"
          "  %2 = aten.mul.Tensor(%1, %0)\n"
          "  %3 = aten.add.Tensor(%x, %b)\n"
          "  %4 = aten.transpose.int(%3, 0, 1)\n"
          "  %5 = aten.exp.default(%4)\n"
          "  %6 = aten.contiguous.default(%5)\n"
          "  %7 = aten.permute.default(%h, [2,0,1])\n"
          "  %8 = aten.clone.default(%7, memory_format=contiguous)\n"
          "  %9 = aten.permute.default(%d, [0,2,1])\n"
          "  %10 = aten.clone.default(%9, memory_format=contiguous)\n"
          "  %11 = aten.permute.default(%u, [2,1,0])\n"
          "  %12 = aten._to_copy.default(%11, dtype=f32, memory_format=contiguous)\n"
          "  %13 = aten.embedding.default(%w, %i)\n"
          "  %14 = aten.transpose.int(%13, 0, 1)\n"
          "  %15 = aten.mul.Tensor(%14, %x)\n"
          "  %16 = aten.permute.default(%p, [2,1,0])\n"
          "  %17 = aten.add.Tensor(%q, %16)\n"
          "  %18 = aten.transpose.int(%m, 0, 1)\n"
          "  %19 = aten.add.Scalar(%18, 1)\n"
          "  %20 = aten.clone.default(%19, memory_format=contiguous)\n"
          "  return %2, %6, %8, %10, %12, %15, %17, %20\n"
          "}\n",
          no_sizes, 1);
    check("graph @tiles(%x: f16[s0,700,s1], %y: f32[700,s1,s0]) where 0 <= s0 <= 400, 0 <= s1 <= "
          "400 {\n"
          "  %0 = aten.permute.default(%x, [1,2,0])\n"
          "  %1 = aten.add.Tensor(%y, %0)\n"
          "  return %1\n"
          "}\n",
          sizes, 4);
}

/* Sides of the tiles of a graph's kernels, 0 for other shapes: "64 0 ". */
static const char *tiles_of(Arena *arena, const char *source)
{
    const Plan *plan = plan_of(arena, source, true);
    Text        text = text_new(arena);
    for (int i = 0; i < plan->kernels.n; i++)
        text_printf(&text, "%d ",
                    plan->kernels.items[i]->cuda.shape == CUDA_TILES
                        ? plan->kernels.items[i]->cuda.tile
                        : 0);
    return text.data;
}

/* Which kernels have tiles: wide ones where elements are small and many; none for few points, for a
 * dim of three channels, for what all rows share, where nothing is transposed. */
static void test_tile_choice(void **state)
{
    static const struct {
        const char *source, *tiles;
    } cases[] = {
        {"graph @f(%x: f32[512,600]) {\n"
         "  %0 = aten.transpose.int(%x, 0, 1)\n"
         "  %1 = aten.clone.default(%0, memory_format=contiguous)\n"
         "  return %1\n}\n",
         "32 "},
        {"graph @f(%x: bf16[4,1024,1024], %y: bf16[4,1024,1024]) {\n"
         "  %0 = aten.transpose.int(%x, 1, 2)\n"
         "  %1 = aten.add.Tensor(%y, %0)\n"
         "  return %1\n}\n",
         "64 "},
        {"graph @f(%x: f32[64,60]) {\n"
         "  %0 = aten.transpose.int(%x, 0, 1)\n"
         "  %1 = aten.clone.default(%0, memory_format=contiguous)\n"
         "  return %1\n}\n",
         "0 "},
        {"graph @f(%x: f32[640,480,3]) {\n"
         "  %0 = aten.permute.default(%x, [2,0,1])\n"
         "  %1 = aten.clone.default(%0, memory_format=contiguous)\n"
         "  return %1\n}\n",
         "0 "},
        {"graph @f(%x: f32[512,600], %y: f32[20,600,512]) {\n"
         "  %0 = aten.transpose.int(%x, 0, 1)\n"
         "  %1 = aten.add.Tensor(%y, %0)\n"
         "  return %1\n}\n",
         "0 "},
        {"graph @f(%x: f32[512,600], %y: f32[512,600]) {\n"
         "  %0 = aten.add.Tensor(%x, %y)\n"
         "  return %0\n}\n",
         "0 "},
    };
    Arena *arena = arena_create(NULL);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(tiles_of(arena, cases[i].source), cases[i].tiles);
    arena_destroy(arena);
}

/* Rows in registers, in a warp, in a block; too long for registers; of one element. */
static void test_rows(void **state)
{
    (void)state;
    check("graph @rows(%x: f32[40,1000], %b: bf16[30,2048], %w: bf16[2048], %s: f32[300,64],\n"
          "            %l: f32[3,40000], %i: i64[50,30], %o: f32[20,1], %h: f16[12,513]) {\n"
          "  %0 = aten.softmax.int(%x, -1)\n"
          "  %1 = aten.layer_norm.default(%b, [2048], %w, %w)\n"
          "  %2 = aten.softmax.int(%s, -1)\n"
          "  %3 = aten.log_softmax.int(%l, -1)\n"
          "  %4 = aten.argmax.default(%i, 1)\n"
          "  %5 = aten.argmin.default(%x, 1)\n"
          "  %6 = aten.sum.dim_IntList(%o, [1])\n"
          "  %7 = aten.var.correction(%h, [1])\n"
          "  %8 = aten.sum.dim_IntList(%i, [1])\n"
          "  %9 = aten.any.dim(%i, 1)\n"
          "  %10 = aten.amax.default(%h, [1])\n"
          "  return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10\n"
          "}\n",
          no_sizes, 1);
}

/* Blocks that stay: the next row is read while one is computed, scale and bias are read once. */
static void test_rows_ahead(void **state)
{
    (void)state;
    check("graph @ahead(%x: f32[4300,1100], %y: f32[4300,1100], %a: f32[1100], %b: f32[1100]) {\n"
          "  %0 = aten.mul.Tensor(%x, %a)\n"
          "  %1 = aten.add.Tensor(%0, %b)\n"
          "  %2 = aten.gelu.default(%1)\n"
          "  %3 = aten.softmax.int(%2, -1)\n"
          "  %4 = aten.mul.Tensor(%y, %a)\n"
          "  %5 = aten.exp.default(%4)\n"
          "  %6 = aten.sum.dim_IntList(%5, [1])\n"
          "  return %3, %6\n"
          "}\n",
          no_sizes, 1);
}

/* Dims that are not contiguous, and few results of many elements. */
static void test_columns_and_parts(void **state)
{
    (void)state;
    check("graph @columns(%x: f32[1000,256], %b: bf16[6,49,512], %o: f32[6,300,77],\n"
          "               %l: f32[300000], %m: f32[3,100000], %i: i32[100000]) {\n"
          "  %0 = aten.sum.dim_IntList(%x, [0])\n"
          "  %1 = aten.mean.dim(%b, [1])\n"
          "  %2 = aten.softmax.int(%o, 1)\n"
          "  %3 = aten.amax.default(%o, [1])\n"
          "  %4 = aten.amin.default(%l, [0])\n"
          "  %5 = aten.argmax.default(%m, 1)\n"
          "  %6 = aten.sum.default(%i)\n"
          "  %7 = aten.any.default(%l)\n"
          "  %8 = aten.sum.dim_IntList(%m, [1])\n"
          "  %9 = aten.mul.Tensor(%8, 2)\n"
          "  return %0, %1, %2, %3, %4, %5, %6, %7, %9\n"
          "}\n",
          no_sizes, 1);
}

/* Two products that meet: the first one's sums are stored as their reader rounds them. */
static void test_narrow_results(void **state)
{
    static const char graph[] =
        "graph @two(%x: bf16[70,48], %w: bf16[48,40], %y: bf16[70,24], %v: bf16[24,40],\n"
        "           %b: bf16[40]) {\n"
        "  %0 = aten.mm.default(%x, %w)\n"
        "  %1 = aten.mm.default(%y, %v)\n"
        "  %2 = aten.sub.Tensor(%0, %1)\n"
        "  %3 = aten.addmm.default(%b, %x, %w)\n"
        "  %4 = aten.addmm.default(%b, %y, %v)\n"
        "  %5 = aten.sub.Tensor(%3, %4)\n"
        "  return %2, %5\n"
        "}\n";
    Arena *arena = arena_create(NULL);
    Plan  *plan = plan_of(arena, graph, true);
    (void)state;
    /* A bias is added before the sums are rounded. */
    static const DType expected[] = {DT_BF16, DT_F32};
    int                n = 0;
    for (int k = 0; k < plan->kernels.n; k++)
        if (plan->kernels.items[k]->kind == KERNEL_GEMM && !plan->kernels.items[k]->n_stages) {
            assert_in_range(n, 0, 1);
            assert_int_equal(plan->kernels.items[k]->result->dtype, expected[n++]);
        }
    assert_int_equal(n, 2);
    arena_destroy(arena);
}

/* Pooling of channels last: a thread has a vector of channels, all of the window, and nothing is
 * read outside. */
static void test_short_columns(void **state)
{
    (void)state;
    check("graph @pooling(%x: bf16[3,64,33,35]{73920,1,2240,64}, %y: "
          "f32[2,24,40,31]{29760,1,744,24},\n"
          "               %z: f16[2,20,30,33]{19800,1,660,20}, %u: f32[40,100,120,3]) {\n"
          "  %0, %1 = aten.max_pool2d_with_indices.default(%x, [3,3], [2,2], [1,1])\n"
          "      : bf16[3,64,17,18]{19584,1,1152,64}, i64[3,64,17,18]{19584,1,1152,64}\n"
          "  %2 = aten.avg_pool2d.default(%y, [3,2], [1,2], [1,1]) : "
          "f32[2,24,40,16]{15360,1,384,24}\n"
          "  %3, %4 = aten.max_pool2d_with_indices.default(%z, [2,3], [2,1], [1,1], [1,2], true)\n"
          "      : f16[2,20,16,31]{9920,1,620,20}, i64[2,20,16,31]{9920,1,620,20}\n"
          "  %5 = aten.amax.default(%u, [3])\n"
          "  %6 = aten.permute.default(%y, [0,2,3,1])\n"
          "  %7 = aten.constant_pad_nd.default(%6, [0,0,1,2,3,1], 2.5)\n"
          "  return %0, %1, %2, %3, %4, %5, %7\n"
          "}\n",
          no_sizes, 1);
}

/* Accumulation with colliding indices, in types with and without an instruction for it. */
static void test_scatter(void **state)
{
    (void)state;
    check("graph @scatter(%x: f32[8,70], %h: f16[8,70], %n: i64[8,70], %i: i64[33],\n"
          "               %v: f32[33,70], %g: f16[33,70], %k: i64[33,70]) {\n"
          "  %0 = aten.index_add.default(%x, 0, %i, %v)\n"
          "  %1 = aten.index_add.default(%h, 0, %i, %g)\n"
          "  %2 = aten.index_add.default(%n, 0, %i, %k)\n"
          "  %3 = aten.scatter_reduce.two(%x, 0, %k, %v, \"amax\")\n"
          "  %4 = aten.scatter_reduce.two(%x, 0, %k, %v, \"prod\")\n"
          "  %5 = aten.index_select.default(%x, 0, %i)\n"
          "  return %0, %1, %2, %3, %4, %5\n"
          "}\n",
          no_sizes, 1);
}

static const char dynamic_graph[] =
    "graph @dynamic(%x: f32[s0,s1], %y: f32[s0,64]) where 0 <= s0, 1 <= s1 {\n"
    "  %0 = aten.mul.Tensor(%x, 2)\n"
    "  %1 = aten.softmax.int(%x, -1)\n"
    "  %2 = aten.sum.dim_IntList(%x, [0])\n"
    "  %3 = aten.relu.default(%y)\n"
    "  return %0, %1, %2, %3\n"
    "}\n";

static void test_dynamic(void **state)
{
    static const int64_t sizes[][4] = {{6, 100}, {1, 1}, {33, 1030}, {0, 7}};
    (void)state;
    check(dynamic_graph, sizes, 4);
}

/* Epilogues of convolutions: what all rows share and what each row has, dense results and others,
 * whose pixels stand at no one stride. */
static void test_conv_epilogues(void **state)
{
    static const int64_t sizes[][4] = {{3, 7}, {1, 1}, {0, 4}};
    (void)state;
    check("graph @convs(%x: f32[s0,8,s1,9]{72*s1,1,72,8}, %w: f32[12,8,3,3], %b: f32[12],\n"
          "             %r: f32[s0,12,s1,9]{108*s1,1,108,12}, %t: f32[s0,12,s1,9],\n"
          "             %q: f32[s0,12,1,9], %d: f32[8,1,3,3], %e: f32[s0,8,s1,9]{72*s1,1,72,8})\n"
          "      where 0 <= s0, 1 <= s1 {\n"
          "  %0 = aten.convolution.default(%x, %w, %b, [1,1], [1,1], [1,1], false, [0,0], 1)\n"
          "  %1 = aten.add.Tensor(%0, %r)\n"
          "  %2 = aten.relu.default(%1) : f32[s0,12,s1,9]{108*s1,1,108,12}\n"
          "  %3 = aten.convolution.default(%x, %w, None, [1,1], [1,1], [1,1], false, [0,0], 1)\n"
          "  %4 = aten.mul.Tensor(%3, %t)\n"
          "  %5 = aten.convolution.default(%x, %w, %b, [1,1], [1,1], [1,1], false, [0,0], 1)\n"
          "  %6 = aten.sub.Tensor(%5, %q) : f32[s0,12,s1,9]{108*s1,1,108,12}\n"
          "  %7 = aten.convolution.default(%x, %d, None, [1,1], [1,1], [1,1], false, [0,0], 8)\n"
          "  %8 = aten.add.Tensor(%7, %e) : f32[s0,8,s1,9]{72*s1,1,72,8}\n"
          "  return %2, %4, %6, %8\n"
          "}\n",
          sizes, 3);
}

/* Windows that do not overlap, as products: borders that none reaches, three dims, a weight that is
 * an input. */
static void test_patches(void **state)
{
    static const int64_t sizes[][4] = {{3, 14}, {1, 4}, {0, 9}, {2, 7}};
    (void)state;
    check("graph @patches(%x: f32[s0,3,s1,30], %w: f32[8,3,4,7], %b: f32[8], %y: f32[2,1,9,8,8],\n"
          "               %v: f32[5,1,2,4,3]) where 0 <= s0, 4 <= s1 {\n"
          "  %0 = aten.convolution.default(%x, %w, %b, [4,7], [0,0], [1,1], false, [0,0], 1)\n"
          "  %1 = aten.relu.default(%0)\n"
          "  %2 = aten.convolution.default(%y, %v, None, [2,4,3], [0,0,0], [1,1,1], false, "
          "[0,0,0], 1)\n"
          "  %3 = aten.mul.Tensor(%2, 3)\n"
          "  return %1, %3\n"
          "}\n",
          sizes, 4);
}

/* f32 products and convolutions: four values of an operand at a time where sizes allow it, one by
 * one where they do not; pieces of k. */
static void test_products(void **state)
{
    static const int64_t sizes[][4] = {{8, 36}, {7, 36}, {8, 35}, {3, 1}, {0, 4}};
    (void)state;
    check("graph @products(%x: f32[s0,s1], %y: f32[s1,20], %z: f32[7,s1], %a: f32[12,600],\n"
          "                %b: f32[600,68], %i: f32[1,8,s0,5], %w: f32[8,8,3,3], %c: f32[5,4,3])\n"
          "    where 0 <= s0, 1 <= s1 {\n"
          "  %0 = aten.mm.default(%x, %y)\n"
          "  %1 = aten.permute.default(%z, [1,0])\n"
          "  %2 = aten.mm.default(%x, %1)\n"
          "  %3 = aten.permute.default(%x, [1,0])\n"
          "  %4 = aten.mm.default(%3, %x)\n"
          "  %5 = aten.mm.default(%a, %b)\n"
          "  %6 = aten.convolution.default(%i, %w, None, [1,1], [1,1], [1,1], false, [0,0], 1)\n"
          "  %7 = aten.permute.default(%c, [0,2,1])\n"
          "  %8 = aten.bmm.default(%c, %7)\n"
          "  return %0, %2, %4, %5, %6, %8\n"
          "}\n",
          sizes, 5);
}

/* "4 5": the second convolution of x -> w -> v is described to the copy engine by a map of rank 4,
 * and the model asks for ABI 5; "0 2": it gathers. */
static const char *windows_of(Arena *arena, const char *channels, const char *weight,
                              const char *options)
{
    static const CudaArch sm_90a = {.name = "sm_90a", .sm = 90, .exact = true};
    EmitOptions o = {.n_files = 1, .target = "test", .producer = "test", .device = EMIT_CUDA};
    EmitFile   *files;
    int         n, abi = 0, rank = 0;
    const char *source = arena_printf(
        arena,
        "graph @windows(%%x: bf16[4,64,20,20], %%w: bf16[%s,64,1,1] = parameter \"w\" storage 0,\n"
        "               %%v: bf16[%s] = parameter \"v\" storage 1) {\n"
        "  %%0 = aten.convolution.default(%%x, %%w, None, [1,1], [0,0], [1,1], false, [0,0], 1)\n"
        "  %%1 = aten.convolution.default(%%0, %%v, None, %s)\n"
        "  return %%1\n}\n",
        channels, weight, options);
    Error *error = emit_cuda(plan_of(arena, source, true), arena, &o, &sm_90a, 1, &files, &n);
    if (error)
        fail_msg("%s", error_text(arena, error));
    const char *map = strstr(files[0].text, "f->cuda->window_map(");
    const char *table = strstr(files[0].text, ".abi = ");
    assert_non_null(table);
    sscanf(table, ".abi = %d", &abi);
    if (map)
        sscanf(map, "f->cuda->window_map(f, &args.t_a, 9, %d", &rank);
    return arena_printf(arena, "%d %d", rank, abi);
}

/* Convolutions on warpgroup instructions: what the copy engine can walk through, and nothing else.
 */
static void test_windows(void **state)
{
    static const struct {
        const char *channels, *weight, *options, *want;
    } cases[] = {
        {"64", "96,64,3,3", "[1,1], [1,1], [1,1], false, [0,0], 1", "4 5"},
        {"64", "96,64,3,3", "[2,2], [1,1], [1,1], false, [0,0], 1", "4 5"},
        {"72", "96,72,3,3", "[1,1], [1,1], [1,1], false, [0,0], 1", "4 5"},
        {"128", "128,64,3,3", "[1,1], [6,6], [6,6], false, [0,0], 2", "4 5"},
        {"128", "128,32,3,3", "[1,1], [1,1], [1,1], false, [0,0], 4", "0 2"}, /* 32 of 64 */
        {"68", "96,68,3,3", "[1,1], [1,1], [1,1], false, [0,0], 1", "0 2"},   /* not 16 bytes */
        {"64", "96,64,3,3", "[9,9], [1,1], [1,1], false, [0,0], 1", "0 2"},   /* beyond 8 */
        {"64", "96,64,3,3", "[1,1], [130,130], [1,1], false, [0,0], 1", "0 2"},
    };
    Arena *arena = arena_create(NULL);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(windows_of(arena, cases[i].channels, cases[i].weight, cases[i].options),
                            cases[i].want);
    arena_destroy(arena);
}

/* Grids: none for no elements, none beyond what the driver takes, enough for what there is. */
static void test_grids(void **state)
{
    Arena         *arena = arena_create(NULL);
    EmulatedModel  m;
    static int64_t cases[][2] = {{0, 5}, {1, 1}, {65536, 1000}, {1 << 20, 1 << 20}};
    (void)state;
    const char *folder = build(arena, dynamic_graph, true);
    assert_true(emulated_open(&m, arena_printf(arena, "%s/model.so", folder)));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        void        *inputs[2] = {0}, *outputs[4] = {0};
        EmulatedRun *run = calloc(1, sizeof *run);
        int64_t      sym[16] = {cases[i][0], cases[i][1]};
        run->only_record = 1;
        emulated_model_run(&m, inputs, outputs, "", sym, 0, run);
        for (int l = 0; l < run->n_launches; l++) {
            const aotc_model_launch *launch = &run->launches[l].launch;
            double                   threads = (double)launch->grid[0] * launch->block[0];
            bool                     sums = strstr(run->launches[l].function, "_sum_") != NULL;
            assert_in_range(launch->block[0] * launch->block[1] * launch->block[2], 32, 1024);
            assert_in_range(launch->grid[1], 1, 65535);
            assert_true(launch->grid[0] <= 2147483647u);
            if (!sums && !sym[0])
                assert_int_equal(launch->grid[0], 0);
            if (!sums && sym[0])
                assert_true(threads >= (sym[0] < 65536 ? 1 : (double)sym[0]));
        }
        free(run);
    }
    emulated_close(&m);
    remove_folder(arena, folder);
    arena_destroy(arena);
}

/* Points beyond the largest grid are reached by steps of the grid. */
static void test_folding(void **state)
{
    Arena        *arena = arena_create(NULL);
    EmulatedModel m;
    void         *inputs[1] = {0}, *outputs[1] = {0};
    int64_t       sym[16] = {INT64_C(1) << 45};
    (void)state;
    const char *folder =
        build(arena, "graph @huge(%x: u8[s0]) { %0 = aten.add.Tensor(%x, 1)\n return %0 }\n", true);
    EmulatedRun *run = calloc(1, sizeof *run);
    assert_true(emulated_open(&m, arena_printf(arena, "%s/model.so", folder)));
    run->only_record = 1;
    emulated_model_run(&m, inputs, outputs, "", sym, 0, run);
    assert_int_equal(run->n_launches, 1);
    assert_true(run->launches[0].launch.grid[0] == 2147483647u);
    run_command(arena, "grep -q 'for (; point < .*gridDim.x' %s/kernels_0.cu", folder);
    free(run);
    emulated_close(&m);
    remove_folder(arena, folder);
    arena_destroy(arena);
}

/* Blocks that share a matrix: real and complex, batches, wide and tall ones. */
static const char factorizations[] =
    "graph @factorizations(%x: f32[3,40,40], %t: f64[50,33], %w: f32[2,7,150], %y: f32[40,40],\n"
    "                      %i: f32[40,40], %b: f32[3,40,5]) {\n"
    "  %h = aten.transpose.int(%x, 1, 2)\n"
    "  %0 = aten.bmm.default(%x, %h)\n"
    "  %e = aten.eye.default(40)\n"
    "  %1 = aten.add.Tensor(%0, %e, alpha=40)\n"
    "  %2, %3 = aotc.cholesky.default(%1)\n"
    "  %4, %5, %6 = aotc.lu.default(%1)\n"
    "  %7 = aotc.lu_solve.default(%4, %b, %5, false)\n"
    "  %8 = aotc.triangular.default(%2, %b, false, false, true)\n"
    "  %9, %10, %11 = aotc.lu_det.default(%4, %5)\n"
    "  %12, %13 = aotc.geqrf.default(%t)\n"
    "  %14 = aotc.orgqr.default(%12, %13)\n"
    "  %15 = aotc.ormqr.default(%12, %13, %t, true)\n"
    "  %16, %17 = aotc.geqrf.default(%w)\n"
    "  %18, %19, %20, %21 = aotc.lu_complex.default(%y, %i)\n"
    "  %22 = aotc.permutation.default(%20, 40)\n"
    "  %23, %24, %25, %26 = aotc.geqrf_complex.default(%y, %i)\n"
    "  %r = aten.transpose.int(%y, 0, 1)\n"
    "  %s = aten.add.Tensor(%y, %r)\n"
    "  %28, %29, %30 = aotc.ldl.default(%s, false)\n"
    "  %31 = aotc.ldl_solve.default(%28, %y, %29, false)\n"
    "  %32 = aotc.matrix_exp.default(%y)\n"
    "  %33 = aten.full.default([], 0.00001, dtype=f64)\n"
    "  %34, %35, %36 = aotc.lstsq.default(%w, %w, %33)\n"
    "  %27 = aotc.first_info.default(%6, false)\n"
    "  aotc.assert_info.default(%27, \"linalg.inv\")\n"
    "  return %2, %3, %5, %6, %7, %8, %10, %11, %14, %15, %16, %17, %18, %19, %22, %23, %24, %28, "
    "%29,\n"
    "         %31, %32, %34, %36\n"
    "}\n";

static void test_factorizations(void **state)
{
    (void)state;
    check(factorizations, no_sizes, 1);
}

/* Steps of one lane and turns of all: symmetric and general, real and complex, tall and wide. */
static const char spectra[] =
    "graph @spectra(%x: f32[3,24,24], %t: f64[37,20], %w: f32[2,7,30], %y: f32[20,20],\n"
    "               %i: f32[20,20]) {\n"
    "  %0, %1 = aotc.eigh.default(%x, true)\n"
    "  %2 = aotc.eigvalsh.default(%x, false)\n"
    "  %3, %4, %5 = aotc.svd.default(%t, true)\n"
    "  %6, %7, %8 = aotc.svd.default(%w, false)\n"
    "  %9, %10, %11, %12, %13 = aotc.svd_complex.default(%y, %i, false)\n"
    "  %14, %15, %16, %17 = aotc.eig_real.default(%x)\n"
    "  %18, %19 = aotc.eigvals_complex.default(%y, %i)\n"
    "  %20, %21, %22 = aotc.eigh_complex.default(%y, %i, false)\n"
    "  return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17,\n"
    "         %18, %19, %20, %21, %22\n"
    "}\n";

static void test_spectra(void **state)
{
    (void)state;
    check(spectra, no_sizes, 1);
}

/* ---- nvcc ------------------------------------------------------------------------------------ */

static const char *nvcc(void)
{
    const char *name = getenv("NVCC");
    return name && *name ? name : "nvcc";
}

static bool has_nvcc(Arena *arena)
{
    if (system(arena_printf(arena, "%s --version >/dev/null 2>&1", nvcc())) == 0)
        return true;
    print_message("no CUDA compiler (%s): device code is not compiled here\n", nvcc());
    return false;
}

/* Compiles for both instruction sets; no function may spill but the named ones. */
static void compile_device(Arena *arena, const char *folder, const char *file,
                           const char *const *may_spill)
{
    static const char *const archs[] = {"sm_80", "sm_90a"};
    for (int a = 0; a < 2; a++) {
        const char *log = arena_printf(arena, "%s/%s.log", folder, archs[a]);
        char        line[1024], function[512] = "";
        run_command(arena,
                    "cd %s && %s -std=c++17 -O3 -Werror all-warnings -Xptxas -v -cubin -arch=%s %s "
                    "-o %s.cubin >%s 2>&1 || { head -20 %s; false; }",
                    folder, nvcc(), archs[a], file, archs[a], log, log);
        FILE *f = fopen(log, "r");
        assert_non_null(f);
        while (fgets(line, sizeof line, f)) {
            const char *at = strstr(line, "Function properties for ");
            const char *spill = strstr(line, " bytes spill stores");
            bool        allowed = false;
            if (at)
                snprintf(function, sizeof function, "%s", at + 24);
            for (int i = 0; may_spill[i]; i++)
                allowed |= strstr(function, may_spill[i]) != NULL;
            if (spill && !allowed && !strstr(line, " 0 bytes spill stores"))
                fail_msg("%s spills on %s: %s", function, archs[a], line);
        }
        fclose(f);
    }
}

typedef struct ScalarCode {
    Arena *arena;
    Text   body;
    int    n;
} ScalarCode;

/* y = op(a, b, c) where the vocabulary has a text for the dtype. */
static void add_scalar(ScalarCode *c, ScalarOp op, DType dtype, const char *const *texts)
{
    static Scalar operand[3];
    Scalar        s = {.op = op, .n_in = 3};
    bool          is_compared = op >= S_EQ && op <= S_SIGNBIT;
    for (int i = 0; i < 3; i++) {
        operand[i] = (Scalar){.op = S_LOAD, .dtype = op == S_RANDOM ? DT_I64 : dtype};
        s.in[i] = &operand[i];
    }
    if (op == S_SELECT)
        operand[0].dtype = DT_BOOL;
    s.dtype = op == S_RANDOM ? DT_U32 : is_compared ? DT_BOOL : dtype;
    if ((op == S_RANDOM && dtype != DT_I64) || !c_storage_type(dtype))
        return;
    const char *text = c_op(c->arena, &s, texts);
    if (!text)
        return;
    text_printf(&c->body, "    y[%d] += (double)(%s);\n", c->n++ % 64, text);
}

static const char *scalar_kernel(Arena *arena, DType dtype)
{
    static const char *const texts[3] = {"a", "b", "c"};
    ScalarCode               c = {arena, text_new(arena), 0};
    const char              *type = c_register_type(dtype), *name = dtype_name(dtype);
    text_printf(&c.body,
                "extern \"C\" __global__ void k_%s(const %s *x, %s *z, double *y) {\n"
                "    const %s a = %s, b = %s, c = %s;\n    uint64_t aotc_seed = 1, aotc_run = 2;\n",
                name, c_storage_type(dtype), c_storage_type(dtype), type,
                c_load(arena, dtype, "x[threadIdx.x]"), c_load(arena, dtype, "x[1]"),
                c_load(arena, dtype, "x[2]"));
    for (int op = S_ADD; op < S_COUNT; op++)
        add_scalar(&c, op, dtype, texts);
    for (int to = DT_BOOL; to < DT_C64; to++)
        text_printf(&c.body, "    y[%d] += (double)(%s);\n", to, c_cast(arena, dtype, to, "a"));
    text_printf(&c.body, "    z[0] = %s;\n}\n", c_store(arena, dtype, "a"));
    return c.body.data;
}

static void test_scalars(void **state)
{
    static const char *const none[] = {NULL};
    static const char *const texts[] = {"special", "orthogonal", "random"};
    Arena                   *arena = arena_create(NULL);
    (void)state;
    if (!has_nvcc(arena)) {
        arena_destroy(arena);
        skip();
    }
    const char *folder = new_folder(arena);
    Text        file = text_new(arena);
    cuda_put_head(&file);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        text_put(&file, cuda_text(texts[i])->text);
    for (int dtype = DT_BOOL; dtype < DT_C64; dtype++)
        text_put(&file, scalar_kernel(arena, dtype));
    write_files(arena, folder, &(EmitFile){"scalars.cu", file.data, file.n, NULL}, 1);
    compile_device(arena, folder, "scalars.cu", none);
    remove_folder(arena, folder);
    arena_destroy(arena);
}

/* A graph's device code through nvcc; no function may spill but the named ones. */
static void compile_graph(const char *source, const char *const *may_spill)
{
    Arena      *arena = arena_create(NULL);
    EmitOptions options = {.n_files = 1, .target = "test", .producer = "test", .device = EMIT_CUDA};
    EmitFile   *files;
    int         n;
    if (!has_nvcc(arena)) {
        arena_destroy(arena);
        skip();
    }
    Error *error = emit_cuda(plan_of(arena, source, true), arena, &options, &sm_80, 1, &files, &n);
    if (error)
        fail_msg("%s", error_text(arena, error));
    const char *folder = new_folder(arena);
    write_files(arena, folder, files, n);
    compile_device(arena, folder, "kernels_0.cu", may_spill);
    remove_folder(arena, folder);
    arena_destroy(arena);
}

static void test_registers(void **state)
{
    static const char *const none[] = {NULL};
    (void)state;
    compile_graph("graph @rows(%x: f32[4096,4096], %b: bf16[8192,4096], %w: bf16[4096],\n"
                  "            %a: f32[4096], %c: f32[4096], %l: f32[64,30000],\n"
                  "            %z: f32[4096,4096]) {\n"
                  "  %7 = aten.mul.Tensor(%x, %a)\n"
                  "  %0 = aten.add.Tensor(%7, %c)\n"
                  "  %1 = aten.gelu.default(%0)\n"
                  "  %2 = aten.softmax.int(%1, -1)\n"
                  "  %3 = aten.layer_norm.default(%b, [4096], %w, %w)\n"
                  "  %4 = aten.softmax.int(%l, -1)\n"
                  "  %5 = aten.sum.dim_IntList(%x, [0])\n"
                  "  %6 = aten.sum.default(%x)\n"
                  "  %8 = aten.mul.Tensor(%z, %a)\n"
                  "  %9 = aten.add.Tensor(%8, %c)\n"
                  "  %10 = aten.gelu.default(%9)\n"
                  "  %11 = aten.softmax.int(%10, -1)\n"
                  "  %12 = aten.amin.default(%11, [1])\n"
                  "  return %2, %3, %4, %5, %6, %12\n"
                  "}\n",
                  none);
}

static void test_factorizations_compile(void **state)
{
    static const char *const calls[] = {"rt_", NULL}; /* not inlined: few registers */
    (void)state;
    compile_graph(factorizations, calls);
    compile_graph(spectra, calls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flat),
        cmocka_unit_test(test_tiles),
        cmocka_unit_test(test_tile_choice),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_rows_ahead),
        cmocka_unit_test(test_columns_and_parts),
        cmocka_unit_test(test_conv_epilogues),
        cmocka_unit_test(test_patches),
        cmocka_unit_test(test_short_columns),
        cmocka_unit_test(test_narrow_results),
        cmocka_unit_test(test_scatter),
        cmocka_unit_test(test_dynamic),
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_grids),
        cmocka_unit_test(test_folding),
        cmocka_unit_test(test_factorizations),
        cmocka_unit_test(test_spectra),
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_registers),
        cmocka_unit_test(test_factorizations_compile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
