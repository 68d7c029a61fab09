/* Speed of the runtime texts as a share of the FMA peak measured beside each of them.
 *
 *   gcc -std=gnu11 -O2 -march=native -I. tests/bench_kernels.c -lpthread -lm -o bench && ./bench
 * [threads] [name]
 *
 * Every figure is the best of many single calls; the peak is measured again before each kernel,
 * because the clock of a shared machine moves. */
#include "emit_c/runtime/vector.c.inc"
#include "emit_c/runtime/gemm.c.inc"
#include "emit_c/runtime/conv.c.inc"
#include "emit_c/runtime/depthwise.c.inc"
#include "emit_c/runtime/attention.c.inc"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

/* 12 independent chains: more than latency times ports. Flops of one call. */
static double peak_run(int rounds)
{
    rt_v c[12];
    for (int i = 0; i < 12; i++)
        c[i] = rt_splat(i);
    rt_v x = rt_splat(0.999f), y = rt_splat(0.001f);
    __asm__ volatile("" : "+x"(x), "+x"(y));
#define STEP(i) c[i] = c[i] * x + y;
    for (int r = 0; r < rounds; r++) {
        STEP(0)
        STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7) STEP(8) STEP(9) STEP(10) STEP(11)
    }
#undef STEP
    rt_v s = c[0];
    for (int i = 1; i < 12; i++)
        s += c[i];
    __asm__ volatile("" ::"x"(s));
    return 2.0 * RT_W * 12 * rounds;
}

/* ---- threads: a spin pool -------------------------------------------------------------------- */
static int        n_threads = 1;
static atomic_int generation, finished;
static void (*job)(void *, int);
static void  *job_cx;
static float *scratches[64];

static void
pin(int core) /* two spinning threads on one core would wait for each other's time slice */
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

static void *worker(void *arg)
{
    pin((int)(intptr_t)arg);
    for (int seen = 0, me = (int)(intptr_t)arg;;) {
        while (atomic_load_explicit(&generation, memory_order_acquire) == seen)
            __builtin_ia32_pause();
        seen++;
        job(job_cx, me);
        atomic_fetch_add_explicit(&finished, 1, memory_order_release);
    }
    return NULL;
}

static void parallel(void (*fn)(void *, int), void *cx)
{
    job = fn, job_cx = cx;
    atomic_store(&finished, 0);
    atomic_fetch_add_explicit(&generation, 1, memory_order_release);
    fn(cx, 0);
    while (atomic_load_explicit(&finished, memory_order_acquire) != n_threads - 1)
        __builtin_ia32_pause();
}

static void peak_job(void *cx, int thread)
{
    (void)cx, (void)thread;
    peak_run(20000);
}

static double best_of(void (*fn)(void *, int), void *cx, double seconds)
{
    double best = 1e9, end = now() + seconds;
    do {
        double t = now();
        parallel(fn, cx);
        t = now() - t;
        best = t < best ? t : best;
    } while (now() < end);
    return best;
}

static void report(const char *name, double flops, double bytes, void (*fn)(void *, int), void *cx)
{
    parallel(fn, cx);
    double peak = 0, best = 1e9;
    for (int i = 0; i < 5; i++) { /* alternating, so that both see the same clock */
        double p = peak_run(1) * 20000 * n_threads / best_of(peak_job, NULL, 0.004);
        peak = p > peak ? p : peak;
        double t = best_of(fn, cx, 0.03);
        best = t < best ? t : best;
    }
    printf("%-34s %9.1f us %8.1f GF/s %5.1f %% of peak %6.1f GB/s\n", name, best * 1e6,
           flops / best * 1e-9, 100 * flops / best / peak, bytes / best * 1e-9);
    fflush(stdout);
}

static float *random_floats(int64_t n)
{
    float   *p = aligned_alloc(64, (size_t)((n * 4 + 4096) / 64 * 64));
    uint32_t x = 1;
    for (int64_t i = 0; i < n + 512; i++) {
        x = x * 1664525 + 1013904223;
        p[i] = (float)(int32_t)x * 0x1p-31f;
    }
    return p;
}

/* ---- GEMM ------------------------------------------------------------------------------------ */
typedef struct Out {
    float       *c;
    int64_t      ld;
    const float *bias, *sum;
} Out;

static void store_bias_relu(const void *cx, int64_t batch, int64_t m, int64_t rows, int64_t n,
                            int64_t cols, const float *tile, int64_t tile_row)
{
    const Out *o = cx;
    (void)batch;
    const float *restrict bias = o->bias + n;
    for (int64_t i = 0; i < rows; i++) {
        float *restrict c = o->c + (m + i) * o->ld + n;
        const float *restrict t = tile + i * tile_row;
#pragma omp simd
        for (int64_t j = 0; j < cols; j++) {
            float v = t[j] + bias[j];
            c[j] = v > 0 ? v : 0;
        }
    }
}

/* The end of a residual block: `sum` is read beside what is written. */
static void store_bias_add_relu(const void *cx, int64_t batch, int64_t m, int64_t rows, int64_t n,
                                int64_t cols, const float *tile, int64_t tile_row)
{
    const Out *o = cx;
    (void)batch;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t at = 0; at < cols; at += RT_TILE) { /* a constant count, as in emitted code */
            float *restrict c = o->c + (m + i) * o->ld + n + at;
            const float *restrict t = tile + i * tile_row + at;
            const float *restrict s = o->sum + (m + i) * o->ld + n + at, *bias = o->bias + n + at;
#pragma omp simd
            for (int64_t j = 0; j < RT_TILE; j++) {
                float v = t[j] + bias[j] + s[j];
                c[j] = v > 0 ? v : 0;
            }
        }
}

typedef struct GemmJob {
    rt_gemm g;
    Out     out;
} GemmJob;

static void gemm_job(void *cx, int thread)
{
    GemmJob *x = cx;
    rt_box   box = rt_gemm_split(1, x->g.m, x->g.n, thread, n_threads);
    if (box.lo[0] < box.hi[0])
        rt_gemm_part(&x->g, box.lo[1], box.hi[1], box.lo[2], box.hi[2], scratches[thread]);
}

static void bench_gemm(int64_t m, int64_t n, int64_t k, int strided)
{
    GemmJob x = {.g = {.m = m, .n = n, .k = k, .a_m = k, .a_k = 1, .store = store_bias_relu}};
    int64_t panels = (n + 15) / 16;
    float *a = random_floats(m * k), *b = random_floats(panels * 16 * k), *c = random_floats(m * n);
    x.g.a = a, x.g.b = b, x.g.cx = &x.out;
    if (strided)
        x.g.b_strided = 1, x.g.b_k = strided == 1 ? n : 1, x.g.b_n = strided == 1 ? 1 : k;
    x.out = (Out){c, n, b, NULL};
    char name[64];
    snprintf(name, sizeof name, "gemm %dx%dx%d%s", (int)m, (int)n, (int)k,
             strided == 0   ? ""
             : strided == 1 ? " b[k,n]"
                            : " b[n,k]");
    report(name, 2.0 * m * n * k, 4.0 * n * k, gemm_job, &x);
    free(a), free(b), free(c);
}

#include "tests/bench_conv.c.inc"
#include "tests/bench_attention.c.inc"

int main(int argc, char **argv)
{
    n_threads = argc > 1 ? atoi(argv[1]) : 1;
    const char *only = argc > 2 ? argv[2] : "";
    for (int i = 0; i < n_threads; i++)
        scratches[i] = random_floats(1 << 20);
    if (n_threads > 1)
        pin(0);
    for (int i = 1; i < n_threads; i++) {
        pthread_t t;
        pthread_create(&t, NULL, worker, (void *)(intptr_t)i);
    }
    if (!*only || !strcmp(only, "gemm")) {
        static const int sizes[][3] = {{128, 768, 768},   {128, 3072, 768}, {128, 768, 3072},
                                       {512, 512, 512},   {49, 2048, 512},  {8, 2048, 2048},
                                       {3136, 64, 256},   {3136, 64, 576},  {196, 512, 4608},
                                       {128, 1024, 1024}, {4, 2048, 2048},  {16, 2048, 2048},
                                       {1, 768, 768},     {1, 3072, 768},   {1, 50257, 768},
                                       {2, 768, 768},     {3, 768, 768},    {197, 3072, 768}};
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            bench_gemm(sizes[i][0], sizes[i][1], sizes[i][2], 0);
        bench_gemm(128, 768, 768, 1);
        bench_gemm(128, 768, 768, 2);
        bench_gemm(1, 768, 768, 2);
        bench_gemm(128, 128, 64, 2);
    }
    if (!*only || !strcmp(only, "conv"))
        bench_convs();
    if (!*only || !strcmp(only, "attention"))
        bench_attentions();
    return 0;
}
