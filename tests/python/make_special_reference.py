#!/usr/bin/env python3
"""Values of special functions from mpmath (1.3.0, 50 digits) for tests/test_special.c.

    python tests/python/make_special_reference.py > tests/special_reference.inc
"""
import random

import mpmath as mp

mp.mp.dps = 50
rng = random.Random(1)


def spread(low, high, n):
    return [rng.uniform(low, high) for _ in range(n)]


def laguerre(x, n):
    return mp.laguerre(int(n), 0, x)


def ndtri(y):
    with mp.workdps(360):
        return mp.sqrt(2) * mp.erfinv(2 * mp.mpf(y) - 1)


def zeta(x, q):
    with mp.workdps(200):            # mpmath itself loses digits for large q
        return mp.zeta(x, q)


def upper_gamma(a, x):
    return mp.gammainc(a, x, mp.inf, regularized=True)


def lower_gamma(a, x):
    return mp.gammainc(a, 0, x, regularized=True)


BESSEL = [1e-7, 0.01, 0.5, 1.0, 2.0, 2.5, 4.999, 5.001] + spread(0, 40, 12)
GAMMA = [(a, a * f) for a in (0.1, 0.7, 1.0, 2.5, 8.0, 19.5, 21.0, 60.0, 150.0) for f in (0.05, 0.4, 0.8, 1.0, 1.3, 2.0)] + \
    [(a, a + d * a ** 0.5) for a in (201.0, 250.0, 1000.0, 12345.0, 1e6) for d in (-4.0, -1.0, -0.01, 0.0, 0.5, 3.0)]
POLY = [(x, n) for x in (-0.9, -0.3, 0.2, 0.75, 1.5, -2.25) for n in (0, 1, 2, 3, 5, 7, 10)]
TABLE = [
    ("bessel_j0", mp.j0, BESSEL + [-3.25]),
    ("bessel_j1", mp.j1, BESSEL + [-3.25]),
    ("bessel_y0", lambda x: mp.bessely(0, x), BESSEL),
    ("bessel_y1", lambda x: mp.bessely(1, x), BESSEL),
    ("bessel_k0", lambda x: mp.besselk(0, x), BESSEL + [100.0, 600.0]),
    ("bessel_k1", lambda x: mp.besselk(1, x), BESSEL + [100.0, 600.0]),
    ("bessel_k0e", lambda x: mp.besselk(0, x) * mp.exp(x), BESSEL + [1000.0]),
    ("bessel_k1e", lambda x: mp.besselk(1, x) * mp.exp(x), BESSEL + [1000.0]),
    ("airy_ai", mp.airyai, [0.0, 1e-3, -1.0, 1.0, 2.0, 2.089, 2.1, 8.3, 8.4, 50.0, 100.0] + spread(-12, 12, 12)),
    ("ndtri", ndtri, [1e-300, 1e-15, 1e-5, 0.1, 0.13, 0.14, 0.5, 0.86, 0.87, 0.999] +
     spread(0.01, 0.99, 8)),
    ("erfcx", lambda x: mp.exp(mp.mpf(x) ** 2) * mp.erfc(x), [-26.0, -5.0, -1.0, 0.0, 1e-9, 24.9, 25.1, 1e3, 1e9] + spread(-6, 30, 12)),
    ("log_ndtr", lambda x: mp.log(mp.erfc(-mp.mpf(x) / mp.sqrt(2)) / 2), [-200.0, -40.0, -1.01, -0.99, 0.0, 1.0, 8.0] + spread(-30, 8, 12)),
    ("zeta", zeta, [(x, q) for x in (1.5, 2.0, 3.0, 7.25, 20.0) for q in (0.25, 1.0, 3.5, 50.0, 1e4)]),
    ("igamma", lower_gamma, GAMMA),
    ("igammac", upper_gamma, GAMMA),
    ("chebyshev_t", lambda x, n: mp.chebyt(int(n), x), POLY),
    ("chebyshev_u", lambda x, n: mp.chebyu(int(n), x), POLY),
    ("chebyshev_v", lambda x, n: mp.chebyu(int(n), x) - (mp.chebyu(int(n) - 1, x) if n else 0), POLY),
    ("chebyshev_w", lambda x, n: mp.chebyu(int(n), x) + (mp.chebyu(int(n) - 1, x) if n else 0), POLY),
    ("hermite_h", lambda x, n: mp.hermite(int(n), x), POLY),
    ("hermite_he", lambda x, n: mp.hermite(int(n), x / mp.sqrt(2)) / mp.mpf(2) ** (mp.mpf(n) / 2), POLY),
    ("laguerre_l", laguerre, POLY),
    ("legendre_p", lambda x, n: mp.legendre(int(n), x), POLY),
]


def main():
    print("/* Made by tests/python/make_special_reference.py from mpmath 1.3.0; do not edit. */")
    print("/* clang-format off */")
    for name, f, points in TABLE:
        for p in points:
            args = p if isinstance(p, tuple) else (p,)
            y = mp.mpf(mp.re(f(*[mp.mpf(a) for a in args])))
            x = ", ".join(repr(float(a)) for a in (args + (0.0,))[:2])
            print(f'    {{"{name}", {x}, {mp.nstr(y, 19)}}},')


if __name__ == "__main__":
    main()
