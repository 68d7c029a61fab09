/* The transform of emit_c/runtime/fft.c.inc against the sum that defines it, in long double. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AOTC_FN static inline __attribute__((always_inline, unused))
#define AOTC_CALL static __attribute__((unused))
#include "emit_c/runtime/fft.c.inc"

enum { MAX_N = 8192 };
#define TURN 6.283185307179586476925286766559L

typedef struct Row {
    double re[MAX_N], im[MAX_N];
} Row;

static Row in, want, got;

static void fill(int n)
{
    uint32_t seed = 7;
    for (int i = 0; i < n; i++) {
        seed = seed * 1664525 + 1013904223;
        in.re[i] = (double)(int32_t)seed / 0x1p31;
        seed = seed * 1664525 + 1013904223;
        in.im[i] = (double)(int32_t)seed / 0x1p31;
        /* the same numbers in float */
        in.re[i] = (float)in.re[i], in.im[i] = (float)in.im[i];
    }
}

static void plain_sum(int n, int inverse)
{
    static long double c[MAX_N], s[MAX_N];
    for (int i = 0; i < n; i++)
        c[i] = cosl(TURN * i / n), s[i] = (inverse ? 1 : -1) * sinl(TURN * i / n);
    for (int j = 0; j < n; j++) {
        long double re = 0, im = 0;
        for (int k = 0; k < n; k++) {
            int at = (int)((int64_t)j * k % n);
            re += in.re[k] * c[at] - in.im[k] * s[at];
            im += in.re[k] * s[at] + in.im[k] * c[at];
        }
        want.re[j] = (double)re, want.im[j] = (double)im;
    }
}

static void transform_f32(int n, int inverse)
{
    static float re[MAX_N], im[MAX_N], table[2 * MAX_N], out_re[MAX_N], out_im[MAX_N],
        scratch[2 * MAX_N];
    for (int i = 0; i < n; i++) {
        re[i] = (float)in.re[i], im[i] = (float)in.im[i];
        table[2 * i] = (float)cosl(TURN * i / n), table[2 * i + 1] = (float)sinl(TURN * i / n);
    }
    rt_fft_f32((int64_t[]){n, inverse}, (const void *[]){re, im, table}, (void *[]){out_re, out_im},
               scratch);
    for (int i = 0; i < n; i++)
        got.re[i] = out_re[i], got.im[i] = out_im[i];
}

static void transform_f64(int n, int inverse)
{
    static double table[2 * MAX_N], scratch[2 * MAX_N];
    for (int i = 0; i < n; i++)
        table[2 * i] = (double)cosl(TURN * i / n), table[2 * i + 1] = (double)sinl(TURN * i / n);
    rt_fft_f64((int64_t[]){n, inverse}, (const void *[]){in.re, in.im, table},
               (void *[]){got.re, got.im}, scratch);
}

/* Relative to the norm of the result: eps log2(n), and a term for each addition of a prime radix.
 */
static void check(int n, double eps, int radix)
{
    double error = 0, norm = 0;
    for (int i = 0; i < n; i++) {
        error += pow(got.re[i] - want.re[i], 2) + pow(got.im[i] - want.im[i], 2);
        norm += pow(want.re[i], 2) + pow(want.im[i], 2);
    }
    double limit = eps * (1 + log2(n) + sqrt(radix));
    if (sqrt(error / norm) > limit)
        fail_msg("n = %d: error %g, more than %g", n, sqrt(error / norm), limit);
}

static int largest_factor(int n)
{
    int largest = 1;
    for (int p = 2; n > 1; p++)
        for (; n % p == 0; n /= p)
            largest = p;
    return largest;
}

static void check_length(int n)
{
    fill(n);
    for (int inverse = 0; inverse < 2; inverse++) {
        plain_sum(n, inverse);
        transform_f32(n, inverse);
        check(n, 0x1p-24, largest_factor(n));
        transform_f64(n, inverse);
        check(n, 0x1p-53, largest_factor(n));
    }
}

static void test_small_lengths(void **state)
{
    (void)state;
    for (int n = 1; n <= 260; n++) /* primes above 128 too */
        check_length(n);
}

static void test_long_rows(void **state)
{
    (void)state;
    static const int lengths[] = {1000, 1024, 2048, 2187, 3125, 4096, 127 * 16, 7 * 11 * 13 * 5,
                                  8192};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        check_length(lengths[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_lengths),
        cmocka_unit_test(test_long_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
