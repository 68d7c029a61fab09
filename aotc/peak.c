/* See peak.h.  Twelve independent accumulators cover the latency of FMA units. */
#include "aotc/peak.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#define FMA_LOOP(name, lanes, attribute)                                                           \
    attribute static float name(long n)                                                            \
    {                                                                                              \
        typedef float v __attribute__((vector_size(4 * (lanes))));                                 \
        v             a[12], m, b;                                                                 \
        for (int l = 0; l < (lanes); l++) {                                                        \
            m[l] = 0.999f;                                                                         \
            b[l] = 0.001f;                                                                         \
        }                                                                                          \
        for (int i = 0; i < 12; i++)                                                               \
            a[i] = b;                                                                              \
        v a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3], a4 = a[4], a5 = a[5], a6 = a[6], a7 = a[7],  \
          a8 = a[8], a9 = a[9], a10 = a[10], a11 = a[11];                                          \
        for (long k = 0; k < n; k++) {                                                             \
            a0 = a0 * m + b, a1 = a1 * m + b, a2 = a2 * m + b, a3 = a3 * m + b, a4 = a4 * m + b,   \
            a5 = a5 * m + b;                                                                       \
            a6 = a6 * m + b, a7 = a7 * m + b, a8 = a8 * m + b, a9 = a9 * m + b, a10 = a10 * m + b, \
            a11 = a11 * m + b;                                                                     \
        }                                                                                          \
        v s = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11;                         \
        return s[0];                                                                               \
    }

#if defined(__x86_64__)
FMA_LOOP(fma_512, 16, __attribute__((target("avx512f"), noinline)))
FMA_LOOP(fma_256, 8, __attribute__((target("avx2,fma"), noinline)))
#endif
FMA_LOOP(fma_128, 4, __attribute__((noinline)))

double peak_fma_gflops(void)
{
    float (*loop)(long) = fma_128;
    double lanes = 4, best = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f"))
        loop = fma_512, lanes = 16;
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        loop = fma_256, lanes = 8;
#endif
    volatile float sink = 0;
    for (int r = 0; r < 20; r++) {
        long   n = 400000;
        double t = now();
        sink = sink + loop(n);
        t = now() - t;
        double gflops = (double)n * 12 * 2 * lanes / t * 1e-9;
        best = gflops > best ? gflops : best;
    }
    return best;
}

double peak_read_gbps(void)
{
    size_t    n = (size_t)256 << 20;
    uint64_t *p = malloc(n);
    double    best = 0;
    if (!p)
        return 0;
    memset(p, 1, n);
    volatile uint64_t sink = 0;
    for (int r = 0; r < 4; r++) {
        uint64_t s[8] = {0};
        double   t = now();
        for (size_t i = 0; i < n / 8; i += 8)
            for (int l = 0; l < 8; l++)
                s[l] += p[i + (size_t)l];
        t = now() - t;
        for (int l = 0; l < 8; l++)
            sink = sink + s[l];
        double gbps = (double)n / t * 1e-9;
        best = gbps > best ? gbps : best;
    }
    free(p);
    return best;
}
