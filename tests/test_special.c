/* Special functions of generated code against values of mpmath (tests/special_reference.inc), and
 * at the borders of their domains.  The bound is relative where a function has no zeros, and
 * absolute in units of its size near them otherwise. */
#include "abi/aotc_model.h"
#include "emit_c/runtime/prelude.c.inc"
#include "emit_c/runtime/element.c.inc"
#include "emit_c/runtime/math.c.inc"
#include "emit_c/runtime/special.c.inc"
#include "emit_c/runtime/orthogonal.c.inc"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct Reference {
    const char *name;
    double      x, y, value;
} Reference;

static const Reference references[] = {
#include "tests/special_reference.inc"
};

typedef struct Function {
    const char *name;
    double (*of_1)(double);
    double (*of_2)(double, double);
    float (*float_1)(float);
    float (*float_2)(float, float);
    double max_ulp;     /* of double; a few more where the argument is amplified */
    double oscillation; /* size of the function where it has zeros: errors count against this, 0:
                           relative */
} Function;

#define ONE(f, ulp, size)                                                                          \
    {                                                                                              \
#f, aotc_##f##_f64, NULL, aotc_##f##_f32, NULL, ulp, size                                  \
    }
#define TWO(f, ulp, size)                                                                          \
    {                                                                                              \
#f, NULL, aotc_##f##_f64, NULL, aotc_##f##_f32, ulp, size                                  \
    }

static const Function functions[] = {
    ONE(bessel_j0, 8, 1),    ONE(bessel_j1, 8, 1),     ONE(bessel_y0, 8, 1),
    ONE(bessel_y1, 8, 1),    ONE(bessel_k0, 8, 0),     ONE(bessel_k1, 8, 0),
    ONE(bessel_k0e, 8, 0),   ONE(bessel_k1e, 8, 0),    ONE(airy_ai, 24, 0.5),
    ONE(ndtri, 8, 1),        ONE(erfcx, 8, 0),         ONE(log_ndtr, 8, 0),
    TWO(zeta, 8, 0),         TWO(igamma, 64, 0),       TWO(igammac, 64, 0),
    TWO(chebyshev_t, 32, 1), TWO(chebyshev_u, 32, 1),  TWO(chebyshev_v, 32, 1),
    TWO(chebyshev_w, 32, 1), TWO(hermite_h, 32, 1000), TWO(hermite_he, 32, 100),
    TWO(laguerre_l, 32, 1),  TWO(legendre_p, 32, 1),
};

static const Function *find(const char *name)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (!strcmp(functions[i].name, name))
            return &functions[i];
    fail_msg("no function %s", name);
    return NULL;
}

static double units(const Function *f, double got, double expected, double epsilon)
{
    double size = fabs(expected) > f->oscillation ? fabs(expected) : f->oscillation;
    return fabs(got - expected) / (size * epsilon);
}

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof references / sizeof *references; i++) {
        const Reference *r = &references[i];
        const Function  *f = find(r->name);
        double           got = f->of_1 ? f->of_1(r->x) : f->of_2(r->x, r->y);
        double           ulp = units(f, got, r->value, 0x1p-53);
        /* x^a e^-x is an exponential of a rounded number: some ulp for each unit of it */
        double           exponent = strncmp(r->name, "igamma", 6) ? 0 : 2 * fabs(log(r->value));
        if (!(ulp <= f->max_ulp + exponent))
            fail_msg("%s(%.17g, %.17g) is %.17g, not %.17g: %.1f ulp", r->name, r->x, r->y, got,
                     r->value, ulp);
    }
}

/* float is double rounded once, at arguments that float holds. */
static void test_float(void **state)
{
    (void)state;
    int n = 0;
    for (size_t i = 0; i < sizeof references / sizeof *references; i++) {
        const Reference *r = &references[i];
        const Function  *f = find(r->name);
        bool             recurrence = strchr("chl", r->name[0]) && strcmp(r->name, "log_ndtr");
        if (recurrence || (double)(float)r->x != r->x || (double)(float)r->y != r->y ||
            fabs(r->value) < 0x1p-126)
            continue;
        double got = f->float_1 ? (double)f->float_1((float)r->x)
                                : (double)f->float_2((float)r->x, (float)r->y);
        n++;
        if (!(units(f, got, r->value, 0x1p-24) <= 1.01) && fabs(r->value) < 0x1p127)
            fail_msg("%s(%.9g, %.9g) in float is %.9g, not %.9g", r->name, r->x, r->y, got,
                     r->value);
    }
    assert_true(n > 100);
}

static void test_borders(void **state)
{
    (void)state;
    assert_true(aotc_bessel_y0_f64(0) == -INFINITY && isnan(aotc_bessel_y0_f64(-1)) &&
                isnan(aotc_bessel_y1_f64(NAN)));
    assert_true(aotc_bessel_k0_f64(0) == INFINITY && isnan(aotc_bessel_k1_f64(-2)) &&
                aotc_bessel_k0_f64(1e4) == 0);
    assert_true(aotc_ndtri_f64(0) == -INFINITY && aotc_ndtri_f64(1) == INFINITY &&
                isnan(aotc_ndtri_f64(1.5)));
    assert_true(aotc_erfcx_f64(-30) == INFINITY && aotc_erfcx_f64(INFINITY) == 0 &&
                isnan(aotc_erfcx_f64(NAN)));
    assert_true(isnan(aotc_airy_ai_f64(INFINITY)) && aotc_airy_ai_f64(200) == 0);
    assert_true(aotc_zeta_f64(1, 2) == INFINITY && isnan(aotc_zeta_f64(0.5, 2)) &&
                aotc_zeta_f64(2, -3) == INFINITY);
    assert_true(isnan(aotc_igamma_f64(0, 0)) && aotc_igamma_f64(0, 1) == 1 &&
                aotc_igammac_f64(0, 1) == 0);
    assert_true(aotc_igamma_f64(2, 0) == 0 && aotc_igamma_f64(2, INFINITY) == 1 &&
                aotc_igammac_f64(INFINITY, 3) == 1);
    assert_true(isnan(aotc_igamma_f64(-1, 2)) && isnan(aotc_igammac_f64(1, -2)) &&
                isnan(aotc_igamma_f64(NAN, 2)));
    assert_true(aotc_chebyshev_t_f32(2, -1) == 0 && aotc_chebyshev_u_f32(-1, 3) == -4 &&
                aotc_chebyshev_w_f64(1, 4) == 9);
    assert_true(isnan(aotc_hermite_h_f32(1, 129)) && aotc_hermite_h_f64(1, INFINITY) == 0 &&
                aotc_legendre_p_f64(-1, 3) == -1);
    assert_true(aotc_laguerre_l_f32(0, 9) == 1 && aotc_laguerre_l_f32(3, 1) == -2);
}

static void test_gcd(void **state)
{
    (void)state;
    assert_int_equal(aotc_gcd_i32(12, -18), 6);
    assert_int_equal(aotc_gcd_i32(0, -7), 7);
    assert_int_equal(aotc_gcd_i32(0, 0), 0);
    assert_true(aotc_gcd_i64(INT64_MIN, 6) == 2 && aotc_gcd_i64(INT64_MIN, 0) == INT64_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_float),
        cmocka_unit_test(test_borders),
        cmocka_unit_test(test_gcd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
