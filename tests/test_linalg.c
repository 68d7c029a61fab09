/* Factorizations of emit_c/runtime/linalg*.c.inc: products of the factors against the matrix,
 * orthogonality, solutions against right-hand sides, in all four kinds of numbers; empty and
 * singular matrices. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AOTC_FN static inline __attribute__((always_inline, unused))
#define AOTC_CALL static __attribute__((unused))
#include "emit_c/runtime/lanes.c.inc"
#include "emit_c/runtime/linalg.c.inc"
#include "emit_c/runtime/linalg_factor.c.inc"
#include "emit_c/runtime/linalg_qr.c.inc"
#include "emit_c/runtime/linalg_exp.c.inc"
#include "emit_c/runtime/linalg_ldl.c.inc"

typedef void Function(const int64_t *params, const void *const *in, void *const *out,
                      void *scratch);

/* One kind of numbers: cx planes, wide ones. */
typedef struct Kind {
    int    cx, wide;
    double eps;
} Kind;

static const Kind kinds[] = {{0, 0, 6e-8}, {0, 1, 1.2e-16}, {1, 0, 6e-8}, {1, 1, 1.2e-16}};
static const int  sizes[] = {0, 1, 2, 3, 17, 64, 200};
enum { N_KINDS = 4, N_SIZES = 7 };

/* ---- matrices in double ---------------------------------------------------------------------- */
typedef struct Mat {
    int     rows, cols;
    double *re, *im;
} Mat;

static uint32_t seed = 11;

static double draw(void)
{
    seed = seed * 1664525 + 1013904223;
    return (double)(int32_t)seed / 0x1p31;
}

static Mat new_mat(int rows, int cols)
{
    Mat m = {rows, cols, calloc((size_t)rows * (size_t)cols + 1, sizeof(double)),
             calloc((size_t)rows * (size_t)cols + 1, sizeof(double))};
    assert_non_null(m.re);
    assert_non_null(m.im);
    return m;
}

static void free_mat(Mat m)
{
    free(m.re);
    free(m.im);
}

/* Numbers that the kind can hold. */
static Mat random_mat(const Kind *k, int rows, int cols)
{
    Mat m = new_mat(rows, cols);
    for (int i = 0; i < rows * cols; i++) {
        m.re[i] = (float)draw();
        m.im[i] = k->cx ? (float)draw() : 0;
    }
    return m;
}

/* x times y, or x^H times y. */
static Mat product(Mat x, int adjoint, Mat y)
{
    int rows = adjoint ? x.cols : x.rows, inner = adjoint ? x.rows : x.cols;
    Mat z = new_mat(rows, y.cols);
    assert_int_equal(inner, y.rows);
    for (int i = 0; i < rows; i++)
        for (int k = 0; k < inner; k++) {
            int    at = adjoint ? k * x.cols + i : i * x.cols + k;
            double re = x.re[at], im = adjoint ? -x.im[at] : x.im[at];
            for (int j = 0; j < y.cols; j++) {
                z.re[i * y.cols + j] += re * y.re[k * y.cols + j] - im * y.im[k * y.cols + j];
                z.im[i * y.cols + j] += re * y.im[k * y.cols + j] + im * y.re[k * y.cols + j];
            }
        }
    return z;
}

static Mat adjoint_of(Mat x)
{
    Mat y = new_mat(x.cols, x.rows);
    for (int i = 0; i < x.rows; i++)
        for (int j = 0; j < x.cols; j++) {
            y.re[j * x.rows + i] = x.re[i * x.cols + j];
            y.im[j * x.rows + i] = -x.im[i * x.cols + j];
        }
    return y;
}

static double norm(Mat x)
{
    double sum = 0;
    for (int i = 0; i < x.rows * x.cols; i++)
        sum += x.re[i] * x.re[i] + x.im[i] * x.im[i];
    return sqrt(sum);
}

static double distance(Mat x, Mat y)
{
    Mat d = new_mat(x.rows, x.cols);
    for (int i = 0; i < x.rows * x.cols; i++)
        d.re[i] = x.re[i] - y.re[i], d.im[i] = x.im[i] - y.im[i];
    double n = norm(d);
    free_mat(d);
    return n;
}

/* The part on and below (above) a diagonal; unit: with ones on it. */
static Mat triangle(Mat x, int rows, int cols, int upper, int unit)
{
    Mat y = new_mat(rows, cols);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) {
            int keeps = upper ? j >= i : j <= i;
            y.re[i * cols + j] = keeps ? x.re[i * x.cols + j] : 0;
            y.im[i * cols + j] = keeps ? x.im[i * x.cols + j] : 0;
            if (i == j && unit)
                y.re[i * cols + j] = 1, y.im[i * cols + j] = 0;
        }
    return y;
}

static Mat unit_mat(int rows, int cols)
{
    Mat m = new_mat(rows, cols);
    for (int i = 0; i < rows && i < cols; i++)
        m.re[i * cols + i] = 1;
    return m;
}

/* ---- calling --------------------------------------------------------------------------------- */
typedef struct Call {
    const Kind *kind;
    int         n_in, n_out;
    void       *in[8], *out[8];
} Call;

static void *plane(const Kind *k, const double *from, int n)
{
    void *to = calloc((size_t)n + 1, 8);
    assert_non_null(to);
    for (int i = 0; from && i < n; i++)
        if (k->wide)
            ((double *)to)[i] = from[i];
        else
            ((float *)to)[i] = (float)from[i];
    return to;
}

static void give(Call *c, Mat m)
{
    c->in[c->n_in++] = plane(c->kind, m.re, m.rows * m.cols);
    if (c->kind->cx)
        c->in[c->n_in++] = plane(c->kind, m.im, m.rows * m.cols);
}

static void give_ints(Call *c, const int32_t *ints, int n)
{
    c->in[c->n_in] = calloc((size_t)n + 1, sizeof *ints);
    memcpy(c->in[c->n_in++], ints, (size_t)n * sizeof *ints);
}

static int want(Call *c, int n)
{
    int at = c->n_out;
    c->out[c->n_out++] = plane(c->kind, NULL, n);
    if (c->kind->cx)
        c->out[c->n_out++] = plane(c->kind, NULL, n);
    return at;
}

static int32_t *want_ints(Call *c, int n)
{
    return c->out[c->n_out++] = calloc((size_t)n + 1, sizeof(int32_t));
}

static double number(const Kind *k, const void *from, int i)
{
    return k->wide ? ((const double *)from)[i] : (double)((const float *)from)[i];
}

static Mat taken(const Call *c, int at, int rows, int cols)
{
    Mat m = new_mat(rows, cols);
    for (int i = 0; i < rows * cols; i++) {
        m.re[i] = number(c->kind, c->out[at], i);
        m.im[i] = c->kind->cx ? number(c->kind, c->out[at + 1], i) : 0;
    }
    return m;
}

static void finish(Call *c)
{
    for (int i = 0; i < c->n_in; i++)
        free(c->in[i]);
    for (int i = 0; i < c->n_out; i++)
        free(c->out[i]);
}

#define RUN(c, function, numbers, ...)                                                             \
    do {                                                                                           \
        static Function *const functions[] = {rt_##function##_f32, rt_##function##_f64,            \
                                              rt_##function##_complex_f32,                         \
                                              rt_##function##_complex_f64};                        \
        void                  *scratch = malloc(((size_t)(numbers) + 1) * 2 * sizeof(double));     \
        functions[(c)->kind - kinds]((const int64_t[]){__VA_ARGS__}, (const void *const *)(c)->in, \
                                     (c)->out, scratch);                                           \
        free(scratch);                                                                             \
    } while (0)

#define CHECK(is_good, ...)                                                                        \
    do {                                                                                           \
        if (!(is_good))                                                                            \
            fail_msg(__VA_ARGS__);                                                                 \
    } while (0)

/* ---- Cholesky -------------------------------------------------------------------------------- */
static Mat definite(const Kind *k, int n)
{
    Mat x = random_mat(k, n, n), a = product(x, 1, x);
    for (int i = 0; i < n; i++)
        a.re[i * n + i] += 1;
    for (int i = 0; i < n * n; i++)
        a.re[i] = (float)a.re[i], a.im[i] = (float)a.im[i];
    free_mat(x);
    return a;
}

static void test_cholesky(void **state)
{
    (void)state;
    for (int i = 0; i < N_KINDS * N_SIZES; i++) {
        const Kind *k = &kinds[i % N_KINDS];
        int         n = sizes[i / N_KINDS];
        Mat         a = definite(k, n);
        Call        c = {.kind = k};
        give(&c, a);
        int      at = want(&c, n * n);
        int32_t *info = want_ints(&c, 1);
        RUN(&c, cholesky, n * n, n, n);
        Mat l = taken(&c, at, n, n), t = triangle(l, n, n, 0, 0), h = adjoint_of(l),
            again = product(l, 0, h);
        CHECK(*info == 0 && distance(l, t) == 0, "info %d of %d", *info, n);
        CHECK(distance(a, again) <= 4 * k->eps * norm(a), "A - LL^H of %d: %g", n,
              distance(a, again));
        finish(&c);
        free_mat(a), free_mat(l), free_mat(t), free_mat(h), free_mat(again);
    }
}

/* The order of the first minor that is not positive. */
static void test_not_positive(void **state)
{
    (void)state;
    for (int i = 0; i < N_KINDS; i++) {
        Mat  a = definite(&kinds[i], 17);
        Call c = {.kind = &kinds[i]};
        a.re[9 * 17 + 9] = i % 2 ? -1 : NAN;
        give(&c, a);
        want(&c, 17 * 17);
        int32_t *info = want_ints(&c, 1);
        RUN(&c, cholesky, 17 * 17, 17, 17);
        CHECK(*info == 10, "info %d", *info);
        finish(&c);
        free_mat(a);
    }
}

/* ---- LU -------------------------------------------------------------------------------------- */
static void check_lu(const Kind *k, Mat a, int singular_at)
{
    int  m = a.rows, n = a.cols, least = m < n ? m : n;
    Call c = {.kind = k};
    give(&c, a);
    int      at = want(&c, m * n);
    int32_t *pivots = want_ints(&c, least), *info = want_ints(&c, 1);
    RUN(&c, lu, m * n, m, n);
    int64_t *order = malloc(((size_t)m + 1) * sizeof *order);
    rt_permutation_i32((const int64_t[]){m, least}, (const void *[]){pivots}, (void *[]){order},
                       NULL);
    Mat lu = taken(&c, at, m, n), l = triangle(lu, m, least, 0, 1),
        u = triangle(lu, least, n, 1, 0);
    Mat again = product(l, 0, u), turned = new_mat(m, n);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            turned.re[i * n + j] = a.re[order[i] * n + j];
            turned.im[i * n + j] = a.im[order[i] * n + j];
        }
    CHECK(*info == singular_at, "info %d instead of %d", *info, singular_at);
    CHECK(distance(turned, again) <= 4 * k->eps * (norm(l) + 1) * (norm(u) + 1),
          "PA - LU of %d x %d: %g", m, n, distance(turned, again));
    for (int i = 0; i < m * least; i++)
        CHECK(fabs(l.re[i]) <= (k->cx ? 1.4143 : 1.0000001) && fabs(l.im[i]) <= 1.4143,
              "no partial pivoting");
    free(order);
    finish(&c);
    free_mat(lu), free_mat(l), free_mat(u), free_mat(again), free_mat(turned);
}

static void test_lu(void **state)
{
    static const int shapes[][2] = {{5, 3}, {3, 5}, {64, 17}, {17, 64}, {0, 3}, {3, 0}};
    (void)state;
    for (int i = 0; i < N_KINDS; i++) {
        for (int s = 0; s < N_SIZES + 6; s++) {
            Mat a = random_mat(&kinds[i], s < N_SIZES ? sizes[s] : shapes[s - N_SIZES][0],
                               s < N_SIZES ? sizes[s] : shapes[s - N_SIZES][1]);
            check_lu(&kinds[i], a, 0);
            free_mat(a);
        }
        Mat a = random_mat(&kinds[i], 8, 8); /* columns 2 and 5 are empty */
        for (int r = 0; r < 8; r++)
            a.re[r * 8 + 2] = a.im[r * 8 + 2] = a.re[r * 8 + 5] = a.im[r * 8 + 5] = 0;
        check_lu(&kinds[i], a, 3);
        free_mat(a);
    }
}

static void test_solve(void **state)
{
    (void)state;
    for (int i = 0; i < N_KINDS * N_SIZES * 2; i++) {
        const Kind *k = &kinds[i % N_KINDS];
        int  n = sizes[i / N_KINDS % N_SIZES], adjoint = i / N_KINDS / N_SIZES, cols = n % 4 + 1;
        Mat  a = random_mat(k, n, n), b = random_mat(k, n, cols);
        Call c = {.kind = k}, s = {.kind = k};
        give(&c, a);
        int      at = want(&c, n * n);
        int32_t *pivots = want_ints(&c, n);
        want_ints(&c, 1);
        RUN(&c, lu, n * n, n, n);
        Mat lu = taken(&c, at, n, n);
        give(&s, lu);
        give(&s, b);
        give_ints(&s, pivots, n);
        at = want(&s, n * cols);
        RUN(&s, lu_solve, n * n + n * cols, n, cols, adjoint);
        Mat x = taken(&s, at, n, cols), again = product(a, adjoint, x);
        CHECK(distance(b, again) <= 8 * k->eps * (1 + n) * norm(a) * norm(x), "AX - B of %d: %g", n,
              distance(b, again));
        finish(&c), finish(&s);
        free_mat(a), free_mat(b), free_mat(lu), free_mat(x), free_mat(again);
    }
}

static void test_triangular(void **state)
{
    (void)state;
    for (int i = 0; i < N_KINDS * N_SIZES * 8; i++) {
        const Kind *k = &kinds[i % N_KINDS];
        int         n = sizes[i / N_KINDS % N_SIZES], flags = i / N_KINDS / N_SIZES, cols = 3;
        int         upper = flags & 1, unit = flags >> 1 & 1, adjoint = flags >> 2;
        Mat         a = random_mat(k, n, n), b = random_mat(k, n, cols);
        Call        c = {.kind = k};
        for (int j = 0; j < n * n; j++)
            a.re[j] = (float)(a.re[j] / (1 + n)), a.im[j] = (float)(a.im[j] / (1 + n));
        for (int j = 0; j < n; j++)
            a.re[j * n + j] += 2;
        for (int j = 0; j < n; j++)
            a.re[j * n + j] = (float)a.re[j * n + j];
        give(&c, a);
        give(&c, b);
        int at = want(&c, n * cols);
        RUN(&c, triangular, n * n + n * cols, n, cols, upper, unit, adjoint);
        Mat t = triangle(a, n, n, upper, unit), x = taken(&c, at, n, cols),
            again = product(t, adjoint, x);
        CHECK(distance(b, again) <= 4 * k->eps * (norm(t) + 1) * norm(x), "TX - B of %d: %g", n,
              distance(b, again));
        finish(&c);
        free_mat(a), free_mat(b), free_mat(t), free_mat(x), free_mat(again);
    }
}

static void test_det(void **state)
{
    const double re[] = {0, 2, 3, 4, 5,
                         6, 7, 8, 10}; /* determinant 3 - of [[0,2,3],[4,5,6],[7,8,10]] */
    (void)state;
    for (int i = 0; i < N_KINDS; i++) {
        const Kind *k = &kinds[i];
        Mat         a = new_mat(3, 3);
        Call        c = {.kind = k}, d = {.kind = k};
        memcpy(a.re, re, sizeof re);
        give(&c, a);
        int      at = want(&c, 9);
        int32_t *pivots = want_ints(&c, 3);
        want_ints(&c, 1);
        RUN(&c, lu, 9, 3, 3);
        Mat lu = taken(&c, at, 3, 3);
        give(&d, lu);
        give_ints(&d, pivots, 3);
        int det = want(&d, 1), sign = want(&d, 1);
        d.out[d.n_out++] = plane(k, NULL, 1);
        RUN(&d, lu_det, 1, 3, 3);
        CHECK(fabs(number(k, d.out[det], 0) + 5) < 100 * k->eps, "det %g",
              number(k, d.out[det], 0));
        CHECK(number(k, d.out[sign], 0) == -1, "sign %g", number(k, d.out[sign], 0));
        CHECK(fabs(number(k, d.out[d.n_out - 1], 0) - log(5)) < 100 * k->eps, "log");
        finish(&c), finish(&d);
        free_mat(a), free_mat(lu);
    }
}

/* ---- QR -------------------------------------------------------------------------------------- */
static void check_qr(const Kind *k, Mat a)
{
    int  m = a.rows, n = a.cols, least = m < n ? m : n;
    Call c = {.kind = k}, q = {.kind = k}, p = {.kind = k};
    give(&c, a);
    int at = want(&c, m * n), at_tau = want(&c, least);
    RUN(&c, geqrf, m * n + n, m, n);
    Mat v = taken(&c, at, m, n), tau = taken(&c, at_tau, 1, least), r = triangle(v, m, n, 1, 0);
    Mat wide = new_mat(m, m); /* reflections of the whole Q */
    for (int i = 0; i < m; i++)
        for (int j = 0; j < least; j++)
            wide.re[i * m + j] = v.re[i * n + j], wide.im[i * m + j] = v.im[i * n + j];
    give(&q, wide);
    give(&q, tau);
    at = want(&q, m * m);
    RUN(&q, orgqr, 2 * m * m + m, m, m, least);
    Mat whole = taken(&q, at, m, m), again = product(whole, 0, r), gram = product(whole, 1, whole),
        one = unit_mat(m, m);
    CHECK(distance(a, again) <= 8 * k->eps * (1 + least) * norm(a), "A - QR of %d x %d: %g", m, n,
          distance(a, again));
    CHECK(distance(gram, one) <= 8 * k->eps * (1 + least) * sqrt(m), "Q^H Q of %d: %g", m,
          distance(gram, one));
    give(&p, v); /* Q^H A = R */
    give(&p, tau);
    give(&p, a);
    at = want(&p, m * n);
    RUN(&p, ormqr, 2 * m * n + n, m, n, least, n, 1);
    Mat turned = taken(&p, at, m, n);
    CHECK(distance(turned, r) <= 8 * k->eps * (1 + least) * norm(a), "Q^H A - R of %d: %g", m,
          distance(turned, r));
    for (int i = 0; i < least; i++)
        CHECK(r.im[i * n + i] == 0, "a diagonal that is not real");
    finish(&c), finish(&q), finish(&p);
    free_mat(v), free_mat(tau), free_mat(r), free_mat(wide), free_mat(whole), free_mat(again),
        free_mat(gram);
    free_mat(one), free_mat(turned);
}

static void test_qr(void **state)
{
    static const int shapes[][2] = {{5, 3}, {3, 5}, {64, 17}, {17, 64}, {0, 3}, {3, 0}};
    (void)state;
    for (int i = 0; i < N_KINDS; i++) {
        for (int s = 0; s < N_SIZES + 6; s++) {
            Mat a = random_mat(&kinds[i], s < N_SIZES ? sizes[s] : shapes[s - N_SIZES][0],
                               s < N_SIZES ? sizes[s] : shapes[s - N_SIZES][1]);
            check_qr(&kinds[i], a);
            for (int r = 0; r < a.rows && a.cols > 1; r++) /* a column of zeros, two equal ones */
                a.re[r * a.cols] = a.im[r * a.cols] = 0;
            check_qr(&kinds[i], a);
            free_mat(a);
        }
    }
}

/* ---- LDL ------------------------------------------------------------------------------------- */
/* A matrix with small diagonal elements: blocks of 2. */
static Mat symmetric(const Kind *k, int n, int hermitian)
{
    Mat a = random_mat(k, n, n);
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) {
            a.re[j * n + i] = a.re[i * n + j];
            a.im[j * n + i] = hermitian ? -a.im[i * n + j] : a.im[i * n + j];
        }
    for (int i = 0; i < n; i++) {
        a.re[i * n + i] = i % 3 ? 0 : a.re[i * n + i];
        a.im[i * n + i] = 0;
    }
    return a;
}

/* Solving with the factors tries blocks, exchanges and both substitutions. */
static void test_ldl(void **state)
{
    int twos = 0;
    (void)state;
    for (int i = 0; i < N_KINDS * N_SIZES * 2; i++) {
        const Kind *k = &kinds[i % N_KINDS];
        int         n = sizes[i / N_KINDS % N_SIZES], hermitian = i / N_KINDS / N_SIZES, cols = 3;
        Mat         a = symmetric(k, n, hermitian), b = random_mat(k, n, cols);
        Call        c = {.kind = k}, s = {.kind = k};
        give(&c, a);
        int      at = want(&c, n * n);
        int32_t *pivots = want_ints(&c, n), *info = want_ints(&c, 1);
        RUN(&c, ldl, n * n + 2 * n, n, hermitian);
        Mat ld = taken(&c, at, n, n);
        for (int j = 0; j < n; j++)
            twos += pivots[j] < 0;
        CHECK(*info == 0, "info %d of %d", *info, n);
        give(&s, ld);
        give(&s, b);
        give_ints(&s, pivots, n);
        at = want(&s, n * cols);
        RUN(&s, ldl_solve, n * n + n * cols, n, cols, hermitian);
        Mat x = taken(&s, at, n, cols), again = product(a, 0, x);
        CHECK(distance(b, again) <= 16 * k->eps * (1 + n) * (norm(a) + 1) * (norm(x) + 1),
              "AX - B of %d: %g", n, distance(b, again));
        finish(&c), finish(&s);
        free_mat(a), free_mat(b), free_mat(ld), free_mat(x), free_mat(again);
    }
    assert_true(twos > 100);
}

/* ---- exponential ----------------------------------------------------------------------------- */
static Mat exponential(const Kind *k, Mat a)
{
    Call c = {.kind = k};
    give(&c, a);
    int at = want(&c, a.rows * a.rows);
    RUN(&c, matrix_exp, 6 * a.rows * a.rows, a.rows, a.rows);
    Mat e = taken(&c, at, a.rows, a.rows);
    finish(&c);
    return e;
}

/* exp(A) exp(-A) = 1; the exponential of [[0, t], [-t, 0]] turns by t. */
static void test_exp(void **state)
{
    (void)state;
    for (int i = 0; i < N_KINDS * N_SIZES; i++) {
        const Kind *k = &kinds[i % N_KINDS];
        int         n = sizes[i / N_KINDS];
        Mat         a = random_mat(k, n, n);
        for (int j = 0; j < n * n; j++)
            a.re[j] = (float)(a.re[j] * 3 / (1 + sqrt(n))),
            a.im[j] = (float)(a.im[j] * 3 / (1 + sqrt(n)));
        Mat e = exponential(k, a);
        for (int j = 0; j < n * n; j++)
            a.re[j] = -a.re[j], a.im[j] = -a.im[j];
        Mat f = exponential(k, a), one = unit_mat(n, n), again = product(e, 0, f);
        CHECK(distance(one, again) <= 4 * k->eps * (1 + sqrt(n)) * (norm(e) * norm(f) + 1),
              "of %d: %g", n, distance(one, again));
        free_mat(a), free_mat(e), free_mat(f), free_mat(one), free_mat(again);
    }
    for (int i = 0; i < N_KINDS; i++) {
        Mat a = new_mat(2, 2);
        a.re[1] = 20, a.re[2] = -20;
        Mat e = exponential(&kinds[i], a);
        CHECK(fabs(e.re[0] - cos(20)) < 60 * kinds[i].eps &&
                  fabs(e.re[1] - sin(20)) < 60 * kinds[i].eps,
              "%g %g", e.re[0], e.re[1]);
        free_mat(a), free_mat(e);
    }
}

/* ---- least squares --------------------------------------------------------------------------- */
/* The residual is orthogonal to the columns; of all solutions the shortest lies in the span of the
 * rows. */
static void check_lstsq(const Kind *k, Mat a, int want_rank)
{
    int          m = a.rows, n = a.cols, cols = 2;
    const double rcond = 1e-5;
    Mat          b = random_mat(k, m, cols);
    Call         c = {.kind = k};
    give(&c, a);
    give(&c, b);
    c.in[c.n_in] = malloc(sizeof rcond);
    memcpy(c.in[c.n_in++], &rcond, sizeof rcond);
    int at = want(&c, n * cols);
    int squares = c.n_out;
    c.out[c.n_out++] = plane(k, NULL, cols);
    int64_t *rank = c.out[c.n_out++] = calloc(1, sizeof *rank);
    RUN(&c, lstsq, m * n + (m + n) * cols + n * n + 3 * n + cols, m, n, cols);
    Mat x = taken(&c, at, n, cols), again = product(a, 0, x), rest = new_mat(m, cols);
    for (int i = 0; i < m * cols; i++)
        rest.re[i] = b.re[i] - again.re[i], rest.im[i] = b.im[i] - again.im[i];
    Mat    across = product(a, 1, rest);
    double sum = number(k, c.out[squares], 0) + number(k, c.out[squares], 1),
           size = norm(a) * norm(a) * norm(x) + norm(b);
    CHECK(*rank == want_rank, "rank %d of %d x %d", (int)*rank, m, n);
    CHECK(norm(across) <= 1e3 * k->eps * size, "A^H (b - A x) of %d x %d: %g", m, n, norm(across));
    CHECK(fabs(norm(rest) * norm(rest) - sum) <= 1e3 * k->eps * size * (1 + norm(rest)),
          "residuals");
    finish(&c);
    free_mat(b), free_mat(x), free_mat(again), free_mat(rest), free_mat(across);
}

static void test_lstsq(void **state)
{
    static const int shapes[][2] = {{5, 3}, {3, 5}, {64, 17}, {17, 64}, {7, 7}, {1, 4}};
    (void)state;
    for (int i = 0; i < N_KINDS * 6; i++) {
        const Kind *k = &kinds[i % N_KINDS];
        int         m = shapes[i / N_KINDS][0], n = shapes[i / N_KINDS][1], least = m < n ? m : n;
        Mat         a = random_mat(k, m, n);
        check_lstsq(k, a, least);
        for (int r = 0; r < m && least > 1;
             r++) { /* the last two columns are one, all others too where n > m */
            for (int j = n > m ? 2 : n - 1; j < n; j++)
                a.re[r * n + j] = a.re[r * n + j - 1], a.im[r * n + j] = a.im[r * n + j - 1];
        }
        if (least > 2)
            check_lstsq(k, a, n > m ? 2 : n - 1);
        free_mat(a);
    }
    /* of the solutions of x + y = 2 the shortest */
    for (int i = 0; i < N_KINDS; i++) {
        const double rcond = 1e-6;
        Mat          a = new_mat(1, 2), b = new_mat(1, 1);
        Call         c = {.kind = &kinds[i]};
        int64_t      rank;
        a.re[0] = a.re[1] = 1, b.re[0] = 2;
        give(&c, a);
        give(&c, b);
        c.in[c.n_in] = malloc(sizeof rcond);
        memcpy(c.in[c.n_in++], &rcond, sizeof rcond);
        int at = want(&c, 2);
        c.out[c.n_out++] = plane(&kinds[i], NULL, 1);
        c.out[c.n_out] = &rank;
        RUN(&c, lstsq, 32, 1, 2, 1);
        Mat x = taken(&c, at, 2, 1);
        CHECK(rank == 1 && fabs(x.re[0] - 1) < 1e-6 && fabs(x.re[1] - 1) < 1e-6, "%g %g", x.re[0],
              x.re[1]);
        finish(&c);
        free_mat(a), free_mat(b), free_mat(x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cholesky),   cmocka_unit_test(test_not_positive),
        cmocka_unit_test(test_lu),         cmocka_unit_test(test_solve),
        cmocka_unit_test(test_triangular), cmocka_unit_test(test_det),
        cmocka_unit_test(test_qr),         cmocka_unit_test(test_ldl),
        cmocka_unit_test(test_exp),        cmocka_unit_test(test_lstsq),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
