/* The fixed texts of emit_c/runtime against plain loops in double: odd sizes, every operand form
 * and dtype, any number of threads.  Compile with several -march= values: the texts choose their
 * vectors by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "emit_c/runtime/vector.c.inc"
#include "emit_c/runtime/gemm.c.inc"
#include "emit_c/runtime/conv.c.inc"
#include "emit_c/runtime/depthwise.c.inc"
#include "emit_c/runtime/attention.c.inc"
#include "emit_c/runtime/rnn.c.inc"
#include "emit_c/runtime/scan_sort.c.inc"

static uint32_t seed = 1;

static float uniform(void) /* multiples of 1/64 in [-1, 1): exact in bf16 and f16 */
{
    seed = seed * 1664525 + 1013904223;
    return (float)((int)(seed >> 25) - 64) / 64;
}

/* n elements of the type with slack that would show up in sums when read as data. */
typedef struct Array {
    void   *data;
    int     type;
    int64_t n;
} Array;

static Array array_new(int64_t n, int type)
{
    Array a = {malloc((size_t)(n * rt_type_bytes(type) + 1)), type, n};
    for (int64_t i = 0; i < n; i++) {
        float    x = uniform();
        uint32_t bits;
        memcpy(&bits, &x, 4);
        if (type == RT_F32) {
            ((float *)a.data)[i] = x;
        } else if (type == RT_BF16) {
            ((uint16_t *)a.data)[i] = (uint16_t)(bits >> 16);
        } else { /* exact: rebias the exponent */
            int      e = (int)(bits >> 23 & 255) - 112;
            uint16_t h = x == 0 ? 0
                                : (uint16_t)(bits >> 16 & 0x8000) | (uint16_t)(e << 10) |
                                      (uint16_t)(bits >> 13 & 1023);
            ((uint16_t *)a.data)[i] = h;
        }
    }
    return a;
}

static double at(const Array *a, int64_t i)
{
    assert_true(i >= 0 && i < a->n);
    return rt_element(a->data, i, a->type);
}

/* Results are added, so that an element stored twice is wrong. */
typedef struct Sink {
    double *c;
    int64_t ld, rows;
} Sink;

static Sink sink_new(int64_t rows, int64_t cols)
{
    return (Sink){calloc((size_t)(rows * cols + 1), sizeof(double)), cols, rows};
}

static void store(const void *cx, int64_t batch, int64_t m, int64_t rows, int64_t n, int64_t cols,
                  const float *tile, int64_t tile_row)
{
    const Sink *s = cx;
    (void)batch;
    assert_true(m >= 0 && m + rows <= s->rows && n >= 0 && n + cols <= s->ld);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            s->c[(m + i) * s->ld + n + j] +=
                tile[i * tile_row + j] + 1000; /* never stored: far off */
}

static void expect(const Sink *s, int64_t m, int64_t n, double want, double tolerance)
{
    double got = s->c[m * s->ld + n] - 1000;
    if (!(fabs(got - want) <= tolerance))
        fail_msg("[%d,%d] is %g, not %g", (int)m, (int)n, got, want);
}

/* ---- GEMM ------------------------------------------------------------------------------------ */
typedef struct GemmCase {
    int64_t m, n, k;
    int     b_form; /* 0 panels, 1 [k,n], 2 [n,k] */
    int     a_turned, type, threads;
} GemmCase;

/* streams: 1: the store's memory is announced, so that rows may pass one by one. */
static void run_gemm_with(GemmCase t, int streams)
{
    const int64_t panels = (t.n + 15) / 16;
    Array         a = array_new(t.m * t.k, t.type),
          b = array_new(t.b_form ? t.n * t.k : panels * 16 * t.k, t.type);
    Sink            sink = sink_new(t.m, t.n);
    float          *scratch = malloc(RT_GEMM_SCRATCH);
    rt_gemm         g = {.m = t.m,
                         .n = t.n,
                         .k = t.k,
                         .a = a.data,
                         .a_type = t.type,
                         .b = b.data,
                         .b_type = t.type,
                         .b_strided = t.b_form != 0,
                         .store = store,
                         .cx = &sink};
    const rt_stream rows = {sink.c, t.n * (int64_t)sizeof *sink.c};
    g.streams = &rows, g.n_streams = streams;
    g.a_m = t.a_turned ? 1 : t.k, g.a_k = t.a_turned ? t.m : 1;
    g.b_k = t.b_form == 1 ? t.n : 1, g.b_n = t.b_form == 1 ? 1 : t.k;
    for (int i = 0; i < t.threads; i++) {
        rt_box box = rt_gemm_split(1, t.m, t.n, i, t.threads);
        if (box.lo[0] < box.hi[0])
            rt_gemm_part(&g, box.lo[1], box.hi[1], box.lo[2], box.hi[2], scratch);
    }
    for (int64_t i = 0; i < t.m; i++)
        for (int64_t j = 0; j < t.n; j++) {
            double sum = 0;
            for (int64_t k = 0; k < t.k; k++)
                sum +=
                    at(&a, i * g.a_m + k * g.a_k) *
                    at(&b, t.b_form ? k * g.b_k + j * g.b_n : j / 16 * 16 * t.k + k * 16 + j % 16);
            expect(&sink, i, j, sum, 2e-4);
        }
    free(a.data), free(b.data), free(sink.c), free(scratch);
}

static void run_gemm(GemmCase t)
{
    run_gemm_with(t, 0);
    run_gemm_with(t, 1);
}

/* The calls of a row tile reach every line of what the streams hold of a tile, and nothing else. */
static void test_rows_ahead(void **state)
{
    (void)state;
    static const int64_t shapes[][2] = {{64, 256}, {64, 250}, {147, 64}, {128, 256}, {1, 40}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const int64_t k = shapes[i][0], n = shapes[i][1], panels = RT_CEIL(n, 16),
                      calls = RT_CEIL(panels, RT_NP);
        const int64_t bytes = RT_MR * n * 4, m = 28, rows = RT_MR;
        char *memory = malloc((size_t)(bytes + 1)), *touched = calloc((size_t)(bytes + 1), 1);
        const rt_stream stream = {memory - (m + RT_ROWS_AHEAD * rows) * n * 4, n * 4};
        const rt_rows   order = rt_by_rows(&stream, 1, k, panels);
        assert_int_equal(order.n, 1);
        for (int64_t call = 0; call < calls; call++) {
            rt_micro u = {.a = (const float *)memory};
            rt_look_ahead_rows(&u, &order, m, rows, call);
            for (int64_t at = 0; at < k; at++) {
                const int64_t line = u.ahead + at * u.ahead_step - memory;
                assert_true(line >= 0 && line < bytes + calls * k + u.ahead_step);
                for (int64_t b = line; b < line + 64 && b < bytes; b++)
                    touched[b] = 1;
            }
        }
        if (order.ahead[0].step <= 64)
            for (int64_t b = 0; b < bytes; b++)
                assert_true(touched[b]);
        free(memory), free(touched);
    }
    const rt_stream s[2] = {{NULL, 1024}, {NULL, 0}};
    assert_int_equal(rt_by_rows(s, 1, 4096, 16).n, 0);   /* bound by its operands */
    assert_int_equal(rt_by_rows(s, 1, 64, 4096).n, 0);   /* B does not stay in L2 */
    assert_int_equal(rt_by_rows(s + 1, 1, 64, 16).n, 0); /* nothing to fetch */
    assert_int_equal(rt_by_rows(s, 1, 0, 16).n, 0);
}

static void test_gemm_sizes(void **state)
{
    (void)state;
    static const int64_t ms[] = {0, 1, 2, 3, 4, 7, 13, 14, 15, 29},
                         ns[] = {0, 1, 15, 16, 17, 50, 97}, ks[] = {0, 1, 5, 67};
    for (size_t m = 0; m < sizeof ms / 8; m++)
        for (size_t n = 0; n < sizeof ns / 8; n++)
            for (size_t k = 0; k < sizeof ks / 8; k++)
                for (int form = 0; form < 3; form++)
                    run_gemm((GemmCase){ms[m], ns[n], ks[k], form, 0, RT_F32, 1});
}

static void test_gemm_every_height(void **state)
{
    (void)state;
    for (int64_t m = 1; m <= 2 * RT_MR + 1; m++)
        run_gemm((GemmCase){m, 49, 33, 0, 0, RT_F32, 1});
}

static void test_gemm_forms(void **state)
{
    (void)state;
    for (int type = RT_F32; type <= RT_BF16; type++)
        for (int form = 0; form < 3; form++)
            for (int turned = 0; turned < 2; turned++)
                for (int64_t m = 1; m < 30; m += 9)
                    run_gemm((GemmCase){m, 45, 71, form, turned, type, 1});
}

static void
test_gemm_blocks(void **state) /* K blocks, row blocks, column chunks; rows 4 KiB apart */
{
    (void)state;
    run_gemm((GemmCase){61, 70, 3000, 0, 0, RT_F32, 1});
    run_gemm((GemmCase){61, 70, 2048, 1, 0, RT_F32, 2});
    run_gemm((GemmCase){211, 33, 1500, 2, 0, RT_F32, 1});
    run_gemm((GemmCase){300, 500, 1100, 0, 0, RT_F32, 3});
    run_gemm((GemmCase){40, 200, 1024, 0, 0, RT_F32, 1});
    run_gemm((GemmCase){19, 40, 1030, 0, 1, RT_BF16, 1});
    run_gemm((GemmCase){2, 40, 90000, 0, 0, RT_BF16, 1}); /* rows that do not fit the scratch */
}

static void test_gemm_threads(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 17; threads++) {
        run_gemm((GemmCase){33, 100, 20, 0, 0, RT_F32, threads});
        run_gemm((GemmCase){2, 130, 20, 0, 0, RT_F32, threads});
        run_gemm((GemmCase){100, 3, 20, 1, 0, RT_F32, threads});
    }
}

/* Each unit in exactly one box; the largest box close to its fair share. */
static void test_split(void **state)
{
    (void)state;
    static const int64_t sizes[][3] = {{1, 128, 48}, {12, 128, 8}, {1, 3136, 4},
                                       {1, 1, 192},  {7, 1, 1},    {1, 200, 2}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int n = 1; n <= 16; n++) {
            const int64_t grain[3] = {1, 1, 1}, total = sizes[s][0] * sizes[s][1] * sizes[s][2];
            int64_t       covered = 0, largest = 0;
            for (int i = 0; i < n; i++) {
                rt_box  box = rt_split(sizes[s], grain, i, n);
                int64_t units = 1;
                for (int d = 0; d < 3; d++)
                    units *= box.hi[d] - box.lo[d];
                covered += units;
                largest = units > largest ? units : largest;
            }
            assert_int_equal(covered, total);
            if (total >= 100 * n)
                assert_true((double)largest * n <= 1.35 * (double)total);
        }
}

/* ---- convolution ----------------------------------------------------------------------------- */
typedef struct ConvCase {
    int64_t batch, in[3], kernel[3], stride[3], dilation[3], padding[3], groups, ic, oc;
    int     layout; /* 0 channels last, 1 channels first, 2 weight by strides */
    int     type, threads;
} ConvCase;

static void conv_fill(const ConvCase *t, rt_conv *v)
{
    *v = (rt_conv){.batch = t->batch,
                   .groups = t->groups,
                   .ic = t->ic,
                   .oc = t->oc,
                   .x_type = t->type,
                   .w_type = t->type,
                   .store = store};
    for (int d = 0; d < 3; d++) {
        v->in[d] = t->in[d], v->kernel[d] = t->kernel[d], v->stride[d] = t->stride[d];
        v->dilation[d] = t->dilation[d], v->padding[d] = t->padding[d];
        v->out[d] = (t->in[d] + 2 * t->padding[d] - (t->kernel[d] - 1) * t->dilation[d] - 1) /
                        t->stride[d] +
                    1;
    }
    const int64_t c = t->groups * t->ic, pixels = t->in[0] * t->in[1] * t->in[2],
                  last = t->layout != 1;
    v->x_n = pixels * c, v->x_c = last ? 1 : pixels;
    v->x_d[2] = last ? c : 1, v->x_d[1] = v->x_d[2] * t->in[2], v->x_d[0] = v->x_d[1] * t->in[1];
    v->w_strided = t->layout == 2;
    v->w_k[2] = 1, v->w_k[1] = t->kernel[2], v->w_k[0] = t->kernel[1] * t->kernel[2];
    v->w_ic = t->kernel[0] * v->w_k[0], v->w_oc = t->ic * v->w_ic;
}

static double conv_point(const rt_conv *v, const Array *x, const Array *w, int depthwise,
                         int64_t pixel, int64_t channel)
{
    const int64_t *K = v->kernel, o = channel % v->oc, group = channel / v->oc;
    int64_t        p[3], i[3], n = pixel;
    double         sum = 0;
    for (int d = 2; d >= 0; n /= v->out[d], d--)
        p[d] = n % v->out[d];
    for (int64_t tap = 0; tap < K[0] * K[1] * K[2]; tap++) {
        const int64_t k[3] = {tap / (K[1] * K[2]), tap / K[2] % K[1], tap % K[2]};
        int           inside = 1;
        for (int d = 0; d < 3; d++) {
            i[d] = p[d] * v->stride[d] + k[d] * v->dilation[d] - v->padding[d];
            inside &= i[d] >= 0 && i[d] < v->in[d];
        }
        for (int64_t c = 0; inside && c < v->ic; c++) {
            int64_t at_w =
                ((group * ((v->oc + 15) / 16) + o / 16) * K[0] * K[1] * K[2] + tap) * v->ic * 16 +
                c * 16 + o % 16;
            if (depthwise)
                at_w = tap * v->groups + channel;
            else if (v->w_strided)
                at_w = channel * v->w_oc + c * v->w_ic + k[0] * v->w_k[0] + k[1] * v->w_k[1] +
                       k[2] * v->w_k[2];
            sum += at(w, at_w) * at(x, n * v->x_n + i[0] * v->x_d[0] + i[1] * v->x_d[1] +
                                           i[2] * v->x_d[2] + (group * v->ic + c) * v->x_c);
        }
    }
    return sum;
}

static void run_conv_with(ConvCase t, int depthwise, int streams)
{
    rt_conv v;
    conv_fill(&t, &v);
    const int64_t taps = t.kernel[0] * t.kernel[1] * t.kernel[2],
                  pixels = t.batch * v.out[0] * v.out[1] * v.out[2];
    const int64_t oc = t.groups * t.oc, weights = t.groups * ((t.oc + 15) / 16 * 16) * t.ic * taps;
    Array         x = array_new(t.batch * v.x_n, t.type),
          w = array_new(depthwise ? t.groups * taps : weights, t.type);
    Sink   sink = sink_new(pixels, oc);
    float *scratch = malloc(RT_GEMM_SCRATCH);
    v.x = x.data, v.w = w.data, v.cx = &sink;
    const rt_stream rows = {sink.c, oc * (int64_t)sizeof *sink.c};
    v.streams = &rows, v.n_streams = streams;
    for (int i = 0; i < t.threads; i++)
        (depthwise ? rt_depthwise_run : rt_conv_run)(&v, i, t.threads, scratch);
    for (int64_t p = 0; p < pixels; p++)
        for (int64_t c = 0; c < oc; c++)
            expect(&sink, p, c, conv_point(&v, &x, &w, depthwise, p, c), 1e-4);
    free(x.data), free(w.data), free(sink.c), free(scratch);
}

static void run_conv(ConvCase t, int depthwise)
{
    run_conv_with(t, depthwise, 0);
    run_conv_with(t, depthwise, 1);
}

#define ONES                                                                                       \
    {                                                                                              \
        1, 1, 1                                                                                    \
    }
#define D2(a)                                                                                      \
    {                                                                                              \
        1, a, a                                                                                    \
    }
static const ConvCase convs[] = {
    /* batch, in, kernel, stride, dilation, padding, groups, ic, oc, layout, type, threads */
    {1, D2(12), D2(3), ONES, ONES, {0, 1, 1}, 1, 5, 20, 0, RT_F32, 1},
    {2, D2(15), D2(3), D2(2), ONES, {0, 1, 1}, 1, 16, 33, 0, RT_F32, 3},
    {1, {1, 24, 40}, D2(7), D2(2), ONES, {0, 3, 3}, 1, 3, 64, 1, RT_F32, 2},
    {2, D2(7), D2(3), ONES, ONES, {0, 1, 1}, 1, 8, 17, 0, RT_F32, 1},  /* gathered: small map */
    {2, D2(11), ONES, ONES, ONES, {0, 0, 0}, 1, 19, 18, 0, RT_F32, 5}, /* the product itself */
    {1, D2(23), ONES, D2(2), ONES, {0, 0, 0}, 1, 7, 16, 0, RT_F32, 1},
    {1, D2(14), ONES, ONES, ONES, {0, 0, 0}, 1, 7, 16, 1, RT_F32, 1},
    {1, D2(20), D2(3), ONES, D2(2), {0, 2, 2}, 1, 6, 4, 0, RT_F32, 1}, /* dilation */
    {1, D2(20), D2(3), ONES, D2(2), {0, 0, 0}, 1, 6, 4, 0, RT_F32, 2}, /* in place */
    {2, D2(13), D2(3), ONES, ONES, {0, 1, 1}, 3, 4, 18, 0, RT_F32, 2}, /* groups */
    {1, D2(14), D2(3), ONES, ONES, {0, 0, 0}, 2, 4, 3, 0, RT_F32, 1},
    {1, {1, 1, 50}, {1, 1, 5}, ONES, {1, 1, 3}, {0, 0, 4}, 1, 3, 9, 1, RT_F32, 1}, /* 1-d */
    {2, {6, 7, 11}, {3, 2, 3}, {2, 1, 1}, ONES, {1, 0, 1}, 1, 4, 5, 0, RT_F32, 2}, /* 3-d */
    {1, {6, 7, 12}, {2, 3, 3}, ONES, {2, 1, 1}, {0, 0, 0}, 1, 4, 5, 0, RT_F32, 1},
    {1, {5, 12, 12}, D2(3), ONES, ONES, {0, 1, 1}, 1, 4, 5, 1, RT_F32, 1},
    {1, D2(12), D2(3), ONES, ONES, {0, 1, 1}, 2, 5, 20, 0, RT_BF16, 1},
    {1, D2(12), D2(3), ONES, ONES, {0, 1, 1}, 1, 5, 20, 1, RT_F16, 1},
    {1, D2(12), D2(3), ONES, ONES, {0, 1, 1}, 2, 5, 20, 2, RT_F32, 2}, /* weight by strides */
    {1, {1, 30, 30}, D2(5), {1, 3, 2}, ONES, {0, 2, 2}, 1, 64, 40, 0, RT_F32, 2},
    {1, {1, 64, 200}, D2(3), ONES, ONES, {0, 1, 1}, 1, 48, 16, 0, RT_F32, 1}, /* several strips */
    {0, D2(12), D2(3), ONES, ONES, {0, 1, 1}, 1, 5, 20, 0, RT_F32, 1},
};
static const ConvCase depthwises[] = {
    {1, D2(9), D2(3), ONES, ONES, {0, 1, 1}, 37, 1, 1, 0, RT_F32, 1},
    {2, D2(17), D2(3), D2(2), ONES, {0, 1, 1}, 16, 1, 1, 0, RT_F32, 3},
    {1, D2(12), D2(5), ONES, ONES, {0, 2, 2}, 40, 1, 1, 0, RT_F32, 2},
    {1, D2(12), D2(5), D2(2), ONES, {0, 2, 2}, 300, 1, 1, 0, RT_F32, 2},
    {1, D2(15), D2(3), ONES, D2(2), {0, 2, 2}, 5, 1, 1, 0, RT_F32, 1}, /* fewer channels than lanes
                                                                        */
    {1, D2(15), D2(3), ONES, D2(3), {0, 3, 3}, 24, 1, 1, 0, RT_F32, 1},
    {1, D2(3), D2(7), ONES, ONES, {0, 3, 3}, 24, 1, 1, 0, RT_F32, 1},  /* kernel wider than the map
                                                                        */
    {2, D2(10), D2(3), ONES, ONES, {0, 1, 1}, 21, 1, 1, 1, RT_F32, 2}, /* channels first: copied */
    {1, D2(10), D2(3), ONES, ONES, {0, 1, 1}, 20, 1, 1, 0, RT_BF16, 1},
    {1, D2(10), D2(3), D2(2), ONES, {0, 1, 1}, 20, 1, 1, 1, RT_F16, 1},
    {1, {6, 7, 9}, {3, 3, 3}, {1, 2, 1}, {2, 1, 1}, {2, 1, 1}, 18, 1, 1, 0, RT_F32, 2},
    {1, {6, 7, 9}, {3, 3, 3}, {1, 2, 1}, {2, 1, 1}, {2, 1, 1}, 18, 1, 1, 1, RT_F32, 1},
    {1, {1, 1, 40}, {1, 1, 4}, ONES, ONES, {0, 0, 3}, 48, 1, 1, 0, RT_F32, 4},
};

static void test_conv(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof convs / sizeof *convs; i++)
        run_conv(convs[i], 0);
}

static void test_depthwise(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof depthwises / sizeof *depthwises; i++)
        run_conv(depthwises[i], 1);
}

/* ---- attention ------------------------------------------------------------------------------- */
typedef struct AttentionCase {
    int64_t q_len, kv_len, d, dv;
    int causal, mask; /* 0 none, 1 of query and key, 2 of the key, 3 hides all keys of query 1 */
    int type, turned; /* K and V with positions innermost */
} AttentionCase;

static const AttentionCase *mask_case;

static float mask_value(const AttentionCase *t, int64_t q, int64_t k)
{
    if (t->mask == 1)
        return (q * 7 + k * 3) % 5 == 0 ? -INFINITY : (float)((q + k) % 3);
    if (t->mask == 2)
        return k % 4 == 1 ? -INFINITY : 0.5f;
    return t->mask == 3 && q == 1 ? -INFINITY : 0;
}

static void mask_row(const void *cx, int64_t q, int64_t k, int64_t n, float *out)
{
    (void)cx;
    assert_true(q >= 0 && q < mask_case->q_len && k >= 0 && k + n <= mask_case->kv_len &&
                n <= RT_KEYS);
    for (int64_t j = 0; j < n; j++)
        out[j] = mask_value(mask_case, q, k + j);
}

static void check_attention_row(const rt_attention *x, const AttentionCase *t, const Array in[3],
                                const Sink *sink, int64_t q)
{
    double *s = calloc((size_t)t->kv_len + 1, sizeof *s), max = -INFINITY, sum = 0;
    for (int64_t k = 0; k < t->kv_len; k++) {
        for (int64_t i = 0; i < t->d; i++)
            s[k] += at(&in[0], q * x->q_row + i * x->q_col) *
                    at(&in[1], k * x->k_row + i * x->k_col) * x->scale;
        s[k] += mask_value(t, q, k);
        if (t->causal && k > q)
            s[k] = -INFINITY;
        max = fmax(max, s[k]);
    }
    for (int64_t k = 0; k < t->kv_len; k++)
        sum += s[k] = max == -INFINITY ? 0 : exp(s[k] - max);
    for (int64_t e = 0; e < t->dv; e++) {
        double o = 0;
        for (int64_t k = 0; k < t->kv_len; k++)
            o += s[k] * at(&in[2], k * x->v_row + e * x->v_col);
        expect(sink, q, e, sum == 0 ? 0 : o / sum, 2e-4);
    }
    free(s);
}

static void run_attention(AttentionCase t)
{
    Array        in[3] = {array_new(t.q_len * t.d, t.type), array_new(t.kv_len * t.d, t.type),
                          array_new(t.kv_len * t.dv, t.type)};
    Sink         sink = sink_new(t.q_len, t.dv);
    float       *scratch = malloc(RT_ATTENTION_SCRATCH);
    rt_attention x = {.q_len = t.q_len,
                      .kv_len = t.kv_len,
                      .d = t.d,
                      .dv = t.dv,
                      .q = in[0].data,
                      .k = in[1].data,
                      .v = in[2].data,
                      .q_row = t.d,
                      .q_col = 1,
                      .type = t.type,
                      .scale = 0.3f,
                      .causal = t.causal,
                      .store = store,
                      .cx = &sink};
    x.k_row = t.turned ? 1 : t.d, x.k_col = t.turned ? t.kv_len : 1;
    x.v_row = t.turned ? 1 : t.dv, x.v_col = t.turned ? t.kv_len : 1;
    x.mask = t.mask ? mask_row : NULL, x.mask_has_query = t.mask != 2;
    mask_case = &t;
    for (int i = 0; i < 3; i++) {
        rt_box box = rt_attention_split(1, t.q_len, i, 3);
        if (box.lo[0] < box.hi[0])
            rt_attention_part(&x, box.lo[1], box.hi[1], scratch);
    }
    for (int64_t q = 0; q < t.q_len; q++)
        check_attention_row(&x, &t, in, &sink, q);
    free(in[0].data), free(in[1].data), free(in[2].data), free(sink.c), free(scratch);
}

static void test_attention(void **state)
{
    (void)state;
    static const int64_t lengths[][4] = {
        {1, 1, 4, 4},      {1, 300, 64, 64}, {3, 17, 5, 7},     {4, 4, 8, 8}, {16, 40, 32, 16},
        {33, 257, 24, 40}, {49, 49, 32, 32}, {70, 600, 64, 64}, {5, 0, 8, 8}, {1, 0, 8, 8}};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (int causal = 0; causal < 2; causal++)
            for (int mask = 0; mask < 4; mask++)
                run_attention((AttentionCase){lengths[i][0], lengths[i][1], lengths[i][2],
                                              lengths[i][3], causal, mask, RT_F32, 0});
    for (int type = RT_F32; type <= RT_BF16; type++)
        for (int turned = 0; turned < 2; turned++) {
            run_attention((AttentionCase){20, 500, 40, 24, 0, 1, type, turned});
            run_attention((AttentionCase){2, 500, 40, 24, 1, 1, type, turned});
            run_attention((AttentionCase){5, 300, 1024, 1024, 0, 0, type, turned});
        }
}

/* ---- recurrent layers ------------------------------------------------------------------------ */
typedef struct RnnRun {
    rt_rnn r;
    int    gates, threads, thread;
} RnnRun;

static void *rnn_thread(void *arg)
{
    RnnRun *x = arg;
    float  *scratch =
        malloc((size_t)(RT_GEMM_SCRATCH + 4096 + x->r.batch * 4 * (6 * x->r.hidden + 256)));
    rt_rnn_run(&x->r, x->gates, x->thread, x->threads, scratch);
    free(scratch);
    return NULL;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static void rnn_reference(const RnnRun *x, double *h, double *c, double *out)
{
    const rt_rnn *r = &x->r;
    const int64_t H = r->hidden;
    double       *next = calloc((size_t)(r->batch * H), sizeof *next);
    for (int64_t s = 0; s < r->steps; s++) {
        const int64_t t = r->reverse ? r->steps - 1 - s : s;
        for (int64_t b = 0; b < r->batch; b++)
            for (int64_t j = 0; j < H; j++) {
                double g[4], in[4];
                for (int i = 0; i < x->gates; i++) {
                    const int64_t n = i * H + j;
                    in[i] = r->x[t * r->x_t + b * r->x_b + n];
                    g[i] = 0;
                    for (int64_t k = 0; k < H; k++)
                        g[i] += h[b * H + k] * r->w[n / 16 * 16 * H + k * 16 + n % 16];
                }
                if (x->gates == 4) {
                    double *cell = &c[b * H + j];
                    *cell =
                        sigmoid(in[1] + g[1]) * *cell + sigmoid(in[0] + g[0]) * tanh(in[2] + g[2]);
                    next[b * H + j] = sigmoid(in[3] + g[3]) * tanh(*cell);
                } else {
                    const double z = sigmoid(in[1] + g[1]);
                    const double n = tanh(in[2] + sigmoid(in[0] + g[0]) * (g[2] + r->b_hn[j]));
                    next[b * H + j] = (1 - z) * n + z * h[b * H + j];
                }
            }
        memcpy(h, next, (size_t)(r->batch * H) * sizeof *h);
        memcpy(out + t * r->batch * H, h, (size_t)(r->batch * H) * sizeof *h);
    }
    free(next);
}

static void run_rnn(int64_t steps, int64_t batch, int64_t H, int gates, int reverse, int threads)
{
    uint32_t waiting = 0, generation = 0;
    Array    x = array_new(steps * batch * gates * H, RT_F32), h0 = array_new(batch * H, RT_F32),
          c0 = array_new(batch * H, RT_F32);
    Array w = array_new((gates * H + 15) / 16 * 16 * H, RT_F32), b = array_new(H, RT_F32),
          out = array_new(steps * batch * H, RT_F32);
    Array  hn = array_new(batch * H, RT_F32), cn = array_new(batch * H, RT_F32);
    RnnRun runs[4];
    for (int64_t i = 0; i < w.n; i++)
        ((float *)w.data)[i] *= 0.25f;
    for (int i = 0; i < threads; i++)
        runs[i] = (RnnRun){{.steps = steps,
                            .batch = batch,
                            .hidden = H,
                            .reverse = reverse,
                            .x = x.data,
                            .x_t = batch * gates * H,
                            .x_b = gates * H,
                            .x_j = 1,
                            .h0 = h0.data,
                            .h0_b = H,
                            .h0_j = 1,
                            .c0 = c0.data,
                            .c0_b = H,
                            .c0_j = 1,
                            .w = w.data,
                            .b_hn = b.data,
                            .b_hn_j = 1,
                            .out = out.data,
                            .out_t = batch * H,
                            .out_b = H,
                            .out_j = 1,
                            .h_n = hn.data,
                            .h_n_b = H,
                            .h_n_j = 1,
                            .c_n = gates == 4 ? cn.data : NULL,
                            .c_n_b = H,
                            .c_n_j = 1,
                            .waiting = &waiting,
                            .generation = &generation},
                           gates,
                           threads,
                           i};
    pthread_t t[4];
    for (int i = 1; i < threads; i++)
        pthread_create(&t[i], NULL, rnn_thread, &runs[i]);
    rnn_thread(&runs[0]);
    for (int i = 1; i < threads; i++)
        pthread_join(t[i], NULL);
    double *h = calloc((size_t)(batch * H), 8), *c = calloc((size_t)(batch * H), 8),
           *want = calloc((size_t)(steps * batch * H + 1), 8);
    for (int64_t i = 0; i < batch * H; i++)
        h[i] = at(&h0, i), c[i] = at(&c0, i);
    rnn_reference(&runs[0], h, c, want);
    for (int64_t i = 0; i < steps * batch * H; i++)
        assert_true(fabs(want[i] - at(&out, i)) < 1e-4);
    for (int64_t i = 0; i < batch * H; i++) {
        assert_true(fabs(h[i] - at(&hn, i)) < 1e-4);
        if (gates == 4)
            assert_true(fabs(c[i] - at(&cn, i)) < 1e-4);
    }
    free(x.data), free(h0.data), free(c0.data), free(w.data), free(b.data), free(out.data),
        free(hn.data), free(cn.data);
    free(h), free(c), free(want);
}

static void test_rnn(void **state)
{
    (void)state;
    static const int64_t sizes[][3] = {{1, 1, 1}, {3, 2, 5},   {4, 1, 16}, {5, 7, 50},
                                       {0, 2, 8}, {3, 1, 300}, {3, 20, 64}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int gates = 3; gates <= 4; gates++)
            for (int reverse = 0; reverse < 2; reverse++)
                run_rnn(sizes[i][0], sizes[i][1], sizes[i][2], gates, reverse, 1 + (int)i % 3);
}

/* ---- sort, functions, conversion ------------------------------------------------------------- */
static int by_key(const void *a, const void *b)
{
    const rt_item *x = a, *y = b;
    return rt_before(*x, *y) ? -1 : 1;
}

static void test_sort(void **state)
{
    (void)state;
    static const int64_t sizes[] = {0, 1, 2, 15, 16, 17, 33, 100, 1000};
    for (size_t s = 0; s < sizeof sizes / 8; s++)
        for (int64_t keep = 0; keep <= sizes[s]; keep += 1 + sizes[s] / 7) {
            const int64_t n = sizes[s];
            rt_item      *a = malloc((size_t)(2 * n + 1) * sizeof *a),
                    *b = malloc((size_t)(n + 1) * sizeof *b);
            for (int64_t i = 0; i < n; i++) {
                seed = seed * 1664525 + 1013904223;
                a[i] = b[i] = (rt_item){seed >> 26, i}; /* many equal keys */
            }
            qsort(b, (size_t)n, sizeof *b, by_key);
            rt_sort_first(a, a + n, n, keep);
            for (int64_t i = 0; i < keep; i++)
                assert_true(a[i].key == b[i].key && a[i].index == b[i].index);
            free(a), free(b);
        }
}

static void test_keys(void **state)
{
    (void)state;
    static const double order[] = {-INFINITY, -1e300, -2, -1e-310, 0, 1e-310, 1, 3, INFINITY, NAN};
    for (size_t i = 1; i < sizeof order / sizeof *order; i++)
        assert_true(rt_key_float(order[i - 1]) < rt_key_float(order[i]));
    assert_true(rt_key_float(-0.0) == rt_key_float(0.0));
    assert_true(rt_key_float(-NAN) == rt_key_float(NAN));
    assert_true(rt_key_signed(INT64_MIN) < rt_key_signed(-1) &&
                rt_key_signed(-1) < rt_key_signed(0));
    assert_true(rt_key_unsigned(0) < rt_key_unsigned(UINT64_MAX));
}

static void test_functions(void **state)
{
    (void)state;
    for (double x = -110; x < 95; x += 0.0137) {
        const double want = exp((double)(float)x), got = rt_exp1((float)x);
        assert_true(fabs(got - want) <= 2e-7 * want + 1.5e-45 ||
                    (isinf((float)want) && isinf(got)));
        if (x <= 0)
            assert_true(fabs(rt_exp_down(rt_splat((float)x))[0] - want) <= 2e-7 * want + 2e-38);
        assert_true(fabs(rt_tanh(rt_splat((float)x))[0] - tanh((float)x)) <= 3e-7);
        assert_true(fabs(rt_sigmoid(rt_splat((float)x))[0] - sigmoid((float)x)) <= 3e-7);
    }
    assert_true(rt_exp1(-INFINITY) == 0 && isinf(rt_exp1(INFINITY)) && isnan(rt_exp1(NAN)));
    assert_true(rt_exp_down(rt_splat(-INFINITY))[0] == 0 && isnan(rt_exp_down(rt_splat(NAN))[0]));
    assert_true(isnan(rt_tanh(rt_splat(NAN))[0]) && rt_tanh(rt_splat(INFINITY))[0] == 1);
    assert_true(rt_f16(0x0001) == 0x1p-24f && rt_f16(0x7c00) == INFINITY &&
                rt_f16(0xfbff) == -65504);
    assert_true(isnan(rt_f16(0x7e00)) && rt_f16(0x3c00) == 1 && rt_bf16(0xff80) == -INFINITY);
}

static void test_transpose(void **state)
{
    (void)state;
    for (int64_t rows = 0; rows < 10; rows++)
        for (int64_t cols = 0; cols < 10; cols++)
            for (int64_t step = 1; step < 3; step++) {
                Array  from = array_new(rows * 23 + 23, RT_F32);
                float *to = calloc((size_t)(cols * 11 + 1), 4);
                rt_transpose(to, 11, from.data, 23, step, rows, cols, RT_F32);
                for (int64_t i = 0; i < rows; i++)
                    for (int64_t j = 0; j < cols; j++)
                        assert_true(to[j * 11 + i] == (float)at(&from, i * 23 + j * step));
                free(from.data), free(to);
            }
}

static void test_scratch_sizes(void **state) /* as emit_c/templates.c promises them */
{
    (void)state;
    assert_true(RT_GEMM_SCRATCH <= 1 << 20);
    assert_true(RT_ATTENTION_SCRATCH <= 3 << 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions),    cmocka_unit_test(test_transpose),
        cmocka_unit_test(test_split),        cmocka_unit_test(test_rows_ahead),
        cmocka_unit_test(test_gemm_sizes),   cmocka_unit_test(test_gemm_every_height),
        cmocka_unit_test(test_gemm_forms),   cmocka_unit_test(test_gemm_blocks),
        cmocka_unit_test(test_gemm_threads), cmocka_unit_test(test_conv),
        cmocka_unit_test(test_depthwise),    cmocka_unit_test(test_attention),
        cmocka_unit_test(test_rnn),          cmocka_unit_test(test_sort),
        cmocka_unit_test(test_keys),         cmocka_unit_test(test_scratch_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
