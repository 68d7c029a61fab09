/* Eigenvalues and singular values of emit_c/runtime/spectral*.c.inc: residuals, orthogonality and
 * order in all four kinds of numbers; repeated and graded values, rank one, zeros, empty matrices,
 * and what is not finite.
 *
 * The same file is a second program with TEST_LANES: threads that share an item as those of a block
 * do on a GPU. */
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
#ifdef TEST_LANES
#include "tests/thread_lanes.h"
#else
#include "emit_c/runtime/lanes.c.inc"
#endif
#include "emit_c/runtime/linalg.c.inc"
#include "emit_c/runtime/spectral.c.inc"
#include "emit_c/runtime/spectral_eigh.c.inc"
#include "emit_c/runtime/spectral_schur.c.inc"
#include "emit_c/runtime/spectral_svd.c.inc"

#include "emit_c/runtime/spectral_eig.c.inc"

typedef void Function(const int64_t *params, const void *const *in, void *const *out,
                      void *scratch);

typedef struct Kind {
    int    cx, wide;
    double eps;
} Kind;

static const Kind kinds[] = {{0, 0, 6e-8}, {0, 1, 1.2e-16}, {1, 0, 6e-8}, {1, 1, 1.2e-16}};
#define EACH_KIND(k) (const Kind *k = kinds; k < kinds + 4; k++)

/* Families of matrices. */
enum { RANDOM, ZERO, RANK_ONE, REPEATED, GRADED, N_FAMILIES };

#ifdef TEST_LANES
static const int sizes[] = {0, 1, 2, 3, 17};
#else
static const int sizes[] = {0, 1, 2, 3, 17, 64, 150};
#endif
enum { N_SIZES = sizeof sizes / sizeof *sizes };

/* ---- numbers --------------------------------------------------------------------------------- */
typedef struct Num {
    double re, im;
} Num;

static uint32_t seed = 5;

static double draw(void)
{
    seed = seed * 1664525 + 1013904223;
    return (double)(int32_t)seed / 0x1p31;
}

static Num mul(Num a, Num b)
{
    return (Num){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

static Num conj_of(Num a)
{
    return (Num){a.re, -a.im};
}

static Num *new_numbers(int n)
{
    Num *x = calloc((size_t)n + 1, sizeof *x);
    assert_non_null(x);
    return x;
}

static double norm_of(const Num *a, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += a[i].re * a[i].re + a[i].im * a[i].im;
    return sqrt(sum);
}

/* ---- matrices -------------------------------------------------------------------------------- */
/* Numbers that the kind can hold. */
static void fill(const Kind *k, int family, Num *a, int m, int n)
{
    double span = k->wide ? 30 : 8;
    int    least = m < n ? m : n;
    for (int i = 0; i < m * n; i++) {
        int row = i / n, col = i % n;
        a[i] = family == ZERO ? (Num){0, 0} : (Num){draw(), k->cx ? draw() : 0};
        if (family == RANK_ONE)
            a[i] = (Num){(1 + row % 5) * (2 - col % 3), 0};
        if (family == REPEATED)
            a[i] = (Num){row == col ? 1 + row % 2 : 0, 0};
        if (family == GRADED) {
            double scale = pow(10, span * (1 - 2.0 * (row + col) / (2.0 * least)));
            a[i] = (Num){a[i].re * scale, a[i].im * scale};
        }
        if (!k->wide)
            a[i] = (Num){(float)a[i].re, (float)a[i].im};
    }
}

static void make_hermitian(Num *a, int n)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) {
            a[j * n + i] = conj_of(a[i * n + j]);
            if (i == j)
                a[i * n + i].im = 0;
        }
}

/* ---- calls ----------------------------------------------------------------------------------- */
/* Planes of numbers as a kernel has them. */
static void *plane(const Kind *k, const Num *a, int n, int im)
{
    void *p = calloc((size_t)n + 1, k->wide ? 8 : 4);
    assert_non_null(p);
    for (int i = 0; i < n && a; i++) {
        double x = im ? a[i].im : a[i].re;
        if (k->wide)
            ((double *)p)[i] = x;
        else
            ((float *)p)[i] = (float)x;
    }
    return p;
}

static double number(const Kind *k, const void *p, int i)
{
    return k->wide ? ((const double *)p)[i] : ((const float *)p)[i];
}

typedef struct Run {
    Function      *function;
    const int64_t *params;
    const void   **in;
    void         **out;
    void          *scratch;
} Run;

static void run_lane(void *user)
{
    Run *r = user;
    r->function(r->params, r->in, r->out, r->scratch);
}

/* Result t has numbers[t]; those from `pairs` on are real.  Every function of the family takes one
 * matrix. */
typedef struct Results {
    int  n, pairs, numbers[3];
    Num *at[3];
} Results;

static void call(const Kind *k, Function *const *functions, const int64_t *params, const Num *a,
                 int numel, int force_pairs, Results *r)
{
    const void *in[2] = {plane(k, a, numel, 0), plane(k, a, numel, 1)};
    void       *out[6];
    int         planes = k->cx || force_pairs ? 2 : 1, n_out = 0;
    size_t      side = (size_t)(params[0] > params[1] ? params[0] : params[1]);
    for (int t = 0; t < r->n; t++)
        for (int i = 0; i < (t < r->pairs ? planes : 1); i++)
            out[n_out++] = plane(k, NULL, r->numbers[t], 0);
    Run run = {functions[2 * k->cx + k->wide], params, in, out,
               malloc(8 * (64 + 32 * side + 16 * side * side))};
    assert_non_null(run.scratch);
#ifdef TEST_LANES
    lanes_run(run_lane, &run);
#else
    run_lane(&run);
#endif
    for (int t = 0, at = 0; t < r->n; t++) {
        int has_im = t < r->pairs && planes == 2;
        r->at[t] = new_numbers(r->numbers[t]);
        for (int i = 0; i < r->numbers[t]; i++)
            r->at[t][i] = (Num){number(k, out[at], i), has_im ? number(k, out[at + 1], i) : 0};
        at += has_im ? 2 : 1;
    }
    for (int i = 0; i < n_out; i++)
        free(out[i]);
    free((void *)in[0]), free((void *)in[1]), free(run.scratch);
}

static void free_results(Results *r)
{
    for (int i = 0; i < r->n; i++)
        free(r->at[i]);
}

#define FUNCTIONS(name)                                                                            \
    {                                                                                              \
        rt_##name##_f32, rt_##name##_f64, rt_##name##_complex_f32, rt_##name##_complex_f64         \
    }
static Function *const eigh[] = FUNCTIONS(eigh), *const eigvalsh[] = FUNCTIONS(eigvalsh);
static Function *const svd[] = FUNCTIONS(svd), *const svdvals[] = FUNCTIONS(svdvals);
static Function *const eig[] = FUNCTIONS(eig), *const eigvals[] = FUNCTIONS(eigvals);

/* ---- checks ---------------------------------------------------------------------------------- */
static void assert_small(double error, double bound, const char *what, int m, int n)
{
    if (!(error <= bound))
        fail_msg("%s of %d x %d: %g, more than %g", what, m, n, error, bound);
}

/* `n` rows of `cols` are orthonormal. */
static void check_orthonormal(const Num *v, int n, int cols, double eps)
{
    double worst = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) {
            Num sum = {i == j ? -1 : 0, 0};
            for (int k = 0; k < cols; k++) {
                Num p = mul(v[i * cols + k], conj_of(v[j * cols + k]));
                sum = (Num){sum.re + p.re, sum.im + p.im};
            }
            worst = fmax(worst, hypot(sum.re, sum.im));
        }
    assert_small(worst, eps * (20 + 10 * n), "orthogonality", n, cols);
}

/* a v = value v for rows v. */
static void check_eigen(const Num *a, int n, const Num *v, const Num *values, double bound)
{
    for (int k = 0; k < n; k++) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            Num x = mul(values[k], v[k * n + i]);
            for (int j = 0; j < n; j++) {
                Num p = mul(a[i * n + j], v[k * n + j]);
                x = (Num){x.re - p.re, x.im - p.im};
            }
            sum += x.re * x.re + x.im * x.im;
        }
        assert_small(sqrt(sum), bound, "residual", n, k);
    }
}

static void check_same(const Num *x, const Num *y, int n, double bound)
{
    for (int i = 0; i < n; i++)
        assert_small(hypot(x[i].re - y[i].re, x[i].im - y[i].im), bound, "values alone", n, i);
}

static void check_eigh(const Kind *k, int family, int n, int upper)
{
    Num    *a = new_numbers(n * n), *given = new_numbers(n * n);
    int64_t params[] = {n, upper};
    fill(k, family, a, n, n);
    make_hermitian(a, n);
    for (int i = 0; i < n * n; i++) /* the other triangle is not looked at */
        given[i] = (upper ? i / n > i % n : i / n < i % n) ? (Num){NAN, NAN} : a[i];
    Results r = {.n = 2, .pairs = 1, .numbers = {n * n, n}};
    Results alone = {.n = 1, .numbers = {n}};
    double  size = norm_of(a, n * n), bound = k->eps * (20 + 10 * n) * size;
    call(k, eigh, params, given, n * n, 0, &r);
    call(k, eigvalsh, params, given, n * n, 0, &alone);
    check_orthonormal(r.at[0], n, n, k->eps);
    check_eigen(a, n, r.at[0], r.at[1], bound);
    check_same(r.at[1], alone.at[0], n, bound);
    for (int i = 1; i < n; i++)
        assert_true(r.at[1][i - 1].re <= r.at[1][i].re);
    free_results(&r), free_results(&alone), free(a), free(given);
}

static void test_eigh(void **state)
{
    (void)state;
    for
        EACH_KIND(k)
    for (int family = 0; family < N_FAMILIES; family++)
        for (int i = 0; i < N_SIZES; i++)
            for (int upper = 0; upper < 2; upper++)
                check_eigh(k, family, sizes[i], upper);
}

/* sum of left[k][i] s[k] vh[k][j] against a, where right[j][k] is vh[k][j]. */
static void check_product(const Num *a, int m, int n, const Num *left, const Num *right,
                          int n_right, const Num *s, double bound)
{
    double sum = 0;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            Num x = a[i * n + j];
            for (int k = 0; k < (m < n ? m : n); k++) {
                Num p = mul(left[k * m + i], right[j * n_right + k]);
                x = (Num){x.re - s[k].re * p.re, x.im - s[k].re * p.im};
            }
            sum += x.re * x.re + x.im * x.im;
        }
    assert_small(sqrt(sum), bound, "product", m, n);
}

static void check_svd(const Kind *k, int family, int m, int n, int full)
{
    int     least = m < n ? m : n, n_left = full ? m : least, n_right = full ? n : least;
    Num    *a = new_numbers(m * n), *turned = new_numbers(n * n_right);
    int64_t params[] = {m, n, full};
    fill(k, family, a, m, n);
    Results r = {.n = 3, .pairs = 2, .numbers = {n_left * m, n * n_right, least}};
    Results alone = {.n = 1, .numbers = {least}};
    double  bound = k->eps * (20 + 10 * (m > n ? m : n)) * norm_of(a, m * n);
    call(k, svd, params, a, m * n, 0, &r);
    call(k, svdvals, params, a, m * n, 0, &alone);
    for (int i = 0; i < n * n_right; i++)
        turned[i % n_right * n + i / n_right] = r.at[1][i];
    check_orthonormal(r.at[0], n_left, m, k->eps);
    check_orthonormal(turned, n_right, n, k->eps);
    check_product(a, m, n, r.at[0], r.at[1], n_right, r.at[2], bound);
    check_same(r.at[2], alone.at[0], least, bound);
    for (int i = 0; i < least; i++)
        assert_true(r.at[2][i].re >= 0 && (!i || r.at[2][i - 1].re >= r.at[2][i].re));
    free_results(&r), free_results(&alone), free(a), free(turned);
}

static void test_svd(void **state)
{
    static const int shapes[][2] = {{5, 3}, {3, 5}, {7, 1}, {1, 6},  {9, 2},
                                    {2, 9}, {0, 3}, {4, 0}, {40, 23}};
    (void)state;
    for
        EACH_KIND(k)
    for (int family = 0; family < N_FAMILIES; family++)
        for (int full = 0; full < 2; full++) {
            for (int i = 0; i < N_SIZES; i++)
                check_svd(k, family, sizes[i], sizes[i], full);
            for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
                check_svd(k, family, shapes[i][0], shapes[i][1], full);
        }
}

/* Conjugate pairs of a real matrix stand together, the one with the positive imaginary part first.
 */
static void check_pairs(const Num *values, int n)
{
    for (int i = 0; i < n; i++)
        if (values[i].im != 0) {
            assert_true(i + 1 < n && values[i].im > 0 && values[i].re == values[i + 1].re &&
                        values[i].im == -values[i + 1].im);
            i++;
        }
}

static void check_eig(const Kind *k, int family, int n)
{
    Num    *a = new_numbers(n * n);
    int64_t params[] = {n, n};
    fill(k, family, a, n, n);
    Results r = {.n = 2, .pairs = 2, .numbers = {n, n * n}};
    Results alone = {.n = 1, .pairs = 1, .numbers = {n}};
    double  size = norm_of(a, n * n), bound = k->eps * (20 + 20 * n) * size;
    call(k, eig, params, a, n * n, 1, &r);
    call(k, eigvals, params, a, n * n, 1, &alone);
    check_eigen(a, n, r.at[1], r.at[0], bound);
    for (int i = 0; i < n; i++)
        assert_small(fabs(norm_of(r.at[1] + i * n, n) - 1), 40 * k->eps, "norm of a vector", n, i);
    if (!k->cx) {
        check_pairs(r.at[0], n);
        check_pairs(alone.at[0], n);
    }
    Num trace = {0, 0};
    for (int i = 0; i < n; i++)
        trace = (Num){trace.re + a[i * n + i].re - alone.at[0][i].re,
                      trace.im + a[i * n + i].im - alone.at[0][i].im};
    assert_small(hypot(trace.re, trace.im), bound, "trace", n, n);
    free_results(&r), free_results(&alone), free(a);
}

static void test_eig(void **state)
{
    (void)state;
    for
        EACH_KIND(k)
    for (int family = 0; family < N_FAMILIES; family++)
        for (int i = 0; i < N_SIZES; i++)
            check_eig(k, family, sizes[i]);
}

/* Eigenvalues of a permutation and of a Jordan block, where steps without exceptional shifts stand
 * still. */
static void test_eig_of_special_matrices(void **state)
{
    (void)state;
    for
        EACH_KIND(k)
    for (int jordan = 0; jordan < 2; jordan++) {
        enum { N = 12 };
        Num    *a = new_numbers(N * N);
        int64_t params[] = {N, N};
        for (int i = 0; i < N; i++) {
            if (i + 1 < N || !jordan)
                a[i * N + (i + 1) % N] = (Num){1, 0};
            if (jordan)
                a[i * N + i] = (Num){2, 0};
        }
        Results r = {.n = 2, .pairs = 2, .numbers = {N, N * N}};
        call(k, eig, params, a, N * N, 1, &r);
        check_eigen(a, N, r.at[1], r.at[0], 300 * k->eps);
        for (int i = 0; i < N; i++)
            assert_small(fabs(hypot(r.at[0][i].re, r.at[0][i].im) - (jordan ? 2 : 1)), 100 * k->eps,
                         "size of a value", N, i);
        free_results(&r), free(a);
    }
}

/* What is not finite ends, in NaN. */
static void test_not_finite(void **state)
{
    static const double bad[] = {NAN, INFINITY};
    (void)state;
    for
        EACH_KIND(k)
    for (int b = 0; b < 2; b++) {
        enum { N = 6 };
        Num    *a = new_numbers(N * N);
        int64_t params[] = {N, N, 0}, lower[] = {N, 0};
        fill(k, RANDOM, a, N, N);
        a[3 * N + 1].re = bad[b];
        Results r[3] = {{.n = 2, .pairs = 1, .numbers = {N * N, N}},
                        {.n = 3, .pairs = 2, .numbers = {N * N, N * N, N}},
                        {.n = 2, .pairs = 2, .numbers = {N, N * N}}};
        call(k, eigh, lower, a, N * N, 0, &r[0]);
        call(k, svd, params, a, N * N, 0, &r[1]);
        call(k, eig, params, a, N * N, 1, &r[2]);
        for (int f = 0; f < 3; f++) {
            for (int t = 0; t < r[f].n; t++)
                for (int i = 0; i < r[f].numbers[t]; i++)
                    assert_true(isnan(r[f].at[t][i].re));
            free_results(&r[f]);
        }
        free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eigh),       cmocka_unit_test(test_svd),
        cmocka_unit_test(test_eig),        cmocka_unit_test(test_eig_of_special_matrices),
        cmocka_unit_test(test_not_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
