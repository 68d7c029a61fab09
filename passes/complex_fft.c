/* The fft family: every transform is aotc::fft along the last dim, with what is around it in plain
 * operators.
 *
 *   aten.fft_rfft.default(%x, 8, 1, "ortho")    becomes   pad or crop to 8, aotc.fft of (x, 0), the
 * first 5 columns, / sqrt(8)
 *
 * Lengths with a large prime factor are a convolution with a chirp (L. I. Bluestein, "A linear
 * filtering approach to the computation of discrete Fourier transform", 1970): two transforms of a
 * power of two. */
#include "passes/complex.h"

#include <math.h>
#include <string.h>

#define FFT "aotc::fft(Tensor re, Tensor im, Tensor table, bool inverse) -> (Tensor re, Tensor im)"
#define PI 3.14159265358979323846

/* Up to this prime factor the kernel's sums are cheaper than two longer transforms. */
#define MAX_RADIX 61
/* torch._C._fft_norm: how _fft_c2c and its relatives scale. */
enum { NORM_NONE, NORM_ROOT, NORM_N };

/* ---- one row --------------------------------------------------------------------------------- */

static int64_t largest_prime(int64_t n)
{
    int64_t largest = 1;
    for (int64_t p = 2; p * p <= n; p++)
        for (; n % p == 0; n /= p)
            largest = p;
    return n > 1 ? n : largest;
}

/* Angles step * number[i] in f64 as (cos, sin), rounded once. */
static Pair unit_numbers(Complexify *c, Value *angle)
{
    Value *re = cx_1(c, "aten.cos.default", angle), *im = cx_1(c, "aten.sin.default", angle);
    return c->b.error ? (Pair){0}
                      : (Pair){build_cast(&c->b, re, c->real), build_cast(&c->b, im, c->real)};
}

/* 2 pi k / n for k < n. */
static Value *table_of(Complexify *c, const Expr *n)
{
    if (c->b.error)
        return NULL;
    Value *k = BUILD(&c->b, "aten.arange.default", arg_expr(n), arg_dtype(DT_F64));
    Value *turn = cx_scale(c, k, 2 * PI);
    turn = c->b.error ? NULL : BUILD(&c->b, "aten.div.Scalar", arg_value(turn), arg_expr(n));
    return cx_stack(c, unit_numbers(c, turn));
}

static Pair kernel_fft(Complexify *c, Pair a, bool inverse)
{
    a.im = cx_im(c, a);
    if (c->b.error)
        return a;
    Value *table = table_of(c, a.re->type.sizes[a.re->type.rank - 1]);
    if (c->b.error)
        return a;
    Arg args[] = {arg_value(a.re), arg_value(a.im), arg_value(table), arg_bool(c->graph, inverse)};
    Node *made = build_internal_node(&c->b, FFT, args, 4);
    return c->b.error ? a : (Pair){made->results[0], made->results[1]};
}

static const Expr *number(Complexify *c, int64_t n)
{
    return expr_int(c->graph->ir->exprs, n);
}

static Value *resize_part(Complexify *c, Value *x, int dim, const Expr *n)
{
    if (c->b.error || !x || x->type.sizes[dim] == n)
        return x;
    ExprPool   *pool = c->graph->ir->exprs;
    const Expr *size = x->type.sizes[dim], *pads[2 * MAX_RANK];
    if (expr_prove_le(pool, n, size))
        return build_slice(&c->b, x, dim, number(c, 0), n);
    if (!expr_prove_le(pool, size, n)) {
        c->b.error =
            node_error(c->node, E_UNSUPPORTED, "a transform of %s elements as %s",
                       expr_text(c->graph->ir->arena, size), expr_text(c->graph->ir->arena, n));
        return NULL;
    }
    int count = 2 * (x->type.rank - dim);
    for (int i = 0; i < count; i++)
        pads[i] = number(c, 0);
    pads[count - 1] = expr_sub(pool, n, size);
    return BUILD(&c->b, "aten.constant_pad_nd.default", arg_value(x),
                 arg_exprs(c->graph, pads, count));
}

static Pair resize(Complexify *c, Pair a, int dim, const Expr *n)
{
    return (Pair){resize_part(c, a.re, dim, n), resize_part(c, a.im, dim, n)};
}

/* exp(-+ i pi k^2 / n); k^2 is reduced as an integer, where it is exact. */
static Pair chirp(Complexify *c, int64_t n, bool inverse)
{
    Value *k = c->b.error
                   ? NULL
                   : BUILD(&c->b, "aten.arange.default", arg_int(c->graph, n), arg_dtype(DT_I64));
    Value *square = cx_mul(c, k, k);
    square = c->b.error ? NULL
                        : BUILD(&c->b, "aten.remainder.Scalar", arg_value(square),
                                arg_int(c->graph, 2 * n));
    Value *wide = c->b.error ? NULL : build_cast(&c->b, square, DT_F64);
    return unit_numbers(c, cx_scale(c, wide, (inverse ? PI : -PI) / (double)n));
}

/* jk = (j^2 + k^2 - (k - j)^2) / 2: out = chirp * (x chirp convolved with conj chirp). */
static Pair bluestein(Complexify *c, Pair a, int64_t n, bool inverse)
{
    int64_t m = 1;
    int     dim = a.re->type.rank - 1;
    while (m < 2 * n - 1)
        m *= 2;
    Pair w = chirp(c, n, inverse), back = pair_conj(c, w);
    if (c->b.error)
        return a;
    Pair   x = resize(c, pair_mul(c, a, w), dim, number(c, m));
    Value *parts[2] = {back.re, back.im};
    for (int i = 0; i < 2 && !c->b.error; i++) { /* 0 … n-1, zeros, n-1 … 1 */
        int64_t zero = 0;
        Value  *tail = BUILD(&c->b, "aten.flip.default",
                             arg_value(build_slice(&c->b, parts[i], 0, number(c, 1), number(c, n))),
                             arg_ints(c->graph, &zero, 1));
        Value  *joined[2] = {resize_part(c, parts[i], 0, number(c, m - n + 1)), tail};
        if (!c->b.error)
            parts[i] = BUILD(&c->b, "aten.cat.default", arg_values(c->graph, joined, 2));
    }
    if (c->b.error)
        return a;
    Pair kernel = kernel_fft(c, (Pair){parts[0], parts[1]}, false);
    Pair y = kernel_fft(c, pair_mul(c, kernel_fft(c, x, false), kernel), true);
    y = pair_mul(c, resize(c, y, dim, number(c, n)), w);
    return (Pair){cx_scale(c, y.re, 1 / (double)m), cx_scale(c, y.im, 1 / (double)m)};
}

static Pair swap_last(Complexify *c, Pair a, int dim)
{
    int last = a.re->type.rank - 1;
    if (c->b.error || dim == last)
        return a;
    return (Pair){build_transpose(&c->b, a.re, dim, last),
                  a.im ? build_transpose(&c->b, a.im, dim, last) : NULL};
}

static Pair transform(Complexify *c, Pair a, int dim, bool inverse)
{
    int64_t n;
    if (c->b.error)
        return a;
    a = swap_last(c, a, dim);
    if (c->b.error)
        return a;
    if (expr_is_int(a.re->type.sizes[a.re->type.rank - 1], &n) && largest_prime(n) > MAX_RADIX)
        a = bluestein(c, a, n, inverse);
    else
        a = kernel_fft(c, a, inverse);
    return c->b.error ? a : swap_last(c, a, dim);
}

/* ---- halves ---------------------------------------------------------------------------------- */

static const Expr *half_of(Complexify *c, const Expr *n)
{
    ExprPool *p = c->graph->ir->exprs;
    return expr_add(p, expr_floordiv(p, n, number(c, 2)), number(c, 1));
}

static Value *mirrored(Complexify *c, Value *x, int dim, const Expr *from, const Expr *to)
{
    int64_t d = dim;
    Value  *part = c->b.error ? NULL : build_slice(&c->b, x, dim, from, to);
    return c->b.error
               ? NULL
               : BUILD(&c->b, "aten.flip.default", arg_value(part), arg_ints(c->graph, &d, 1));
}

/* All n columns of a spectrum of real numbers from the first n / 2 + 1. */
static Pair complete(Complexify *c, Pair a, int dim, const Expr *n)
{
    ExprPool   *p = c->graph->ir->exprs;
    const Expr *half = half_of(c, n), *end = expr_add(p, expr_sub(p, n, half), number(c, 1));
    a = resize(c, a, dim, half);
    a.im = cx_im(c, a);
    Value *re[2] = {a.re, mirrored(c, a.re, dim, number(c, 1), end)};
    Value *im[2] = {a.im, cx_neg(c, mirrored(c, a.im, dim, number(c, 1), end))};
    if (c->b.error)
        return a;
    Arg    at = arg_int(c->graph, dim);
    Value *x = BUILD(&c->b, "aten.cat.default", arg_values(c->graph, re, 2), at);
    return (Pair){
        x, c->b.error ? NULL : BUILD(&c->b, "aten.cat.default", arg_values(c->graph, im, 2), at)};
}

/* ---- scaling --------------------------------------------------------------------------------- */

static Value *divide(Complexify *c, Value *x, const Expr *n, int norm)
{
    int64_t count;
    if (c->b.error || !x || norm == NORM_NONE)
        return x;
    if (expr_is_int(n, &count))
        return cx_scale(c, x, 1 / (norm == NORM_ROOT ? sqrt((double)count) : (double)count));
    Value *by =
        BUILD(&c->b, "aten.full.default", arg_list(NULL, 0), arg_expr(n), arg_dtype(c->real));
    return cx_div(c, x, norm == NORM_ROOT ? cx_1(c, "aten.sqrt.default", by) : by);
}

static Pair normalized(Complexify *c, Pair a, const Expr *n, int norm)
{
    return (Pair){divide(c, a.re, n, norm), divide(c, a.im, n, norm)};
}

/* "backward" (the default) scales inverse transforms, "forward" the others. */
static int norm_of(const Complexify *c, bool inverse)
{
    const Arg  *arg = node_arg_or_null(c->node, "norm");
    const char *text = arg && arg->kind == ARG_STRING ? arg->string : "backward";
    if (!strcmp(text, "ortho"))
        return NORM_ROOT;
    return !strcmp(text, "forward") == inverse ? NORM_NONE : NORM_N;
}

/* ---- the family ------------------------------------------------------------------------------ */

typedef struct Dims {
    int         n, dims[MAX_RANK];
    const Expr *sizes[MAX_RANK]; /* of the result of a full transform; NULL: as they are */
} Dims;

/* n and dim, s and dim, or dim alone; sizes of -1 stay. */
static Error *read_dims(Complexify *c, int rank, Dims *d)
{
    const Node *node = c->node;
    const Expr *given[MAX_RANK];
    int         n_given = 0, n;
    memset(d, 0, sizeof *d);
    if (schema_param(node->schema, "s") >= 0)
        TRY(shape_exprs(node, "s", given, &n_given));
    else if (node_arg_or_null(node, "n") && node_arg(node, "n")->kind != ARG_NONE)
        given[n_given++] = arg_as_expr(node_arg(node, "n"));
    if (node_arg(node, "dim")->kind == ARG_INT) {
        d->n = 1;
        TRY(shape_dim(node, "dim", rank, &d->dims[0]));
    } else {
        TRY(shape_dims(node, "dim", rank, d->dims, &n));
        d->n = n;
        if (n == 0) { /* none: the last ones for which there are sizes, or all */
            d->n = n_given ? n_given : rank;
            for (int i = 0; i < d->n; i++)
                d->dims[i] = rank - d->n + i;
        }
    }
    if (n_given && n_given != d->n)
        return node_error(node, E_VALUE, "%d sizes for %d dims", n_given, d->n);
    for (int i = 0; i < n_given; i++)
        d->sizes[i] = expr_is_value(given[i], -1) ? NULL : given[i];
    return NULL;
}

static const Expr *total_of(Complexify *c, const Value *x, const Dims *d, const Expr *last)
{
    ExprPool   *p = c->graph->ir->exprs;
    const Expr *n = number(c, 1);
    for (int i = 0; i < d->n; i++)
        n = expr_mul(p, n, i == d->n - 1 && last ? last : x->type.sizes[d->dims[i]]);
    return n;
}

static Pair resized(Complexify *c, Pair a, const Dims *d, int n)
{
    for (int i = 0; i < n; i++)
        if (d->sizes[i])
            a = resize(c, a, d->dims[i], d->sizes[i]);
    return a;
}

static Pair all_dims(Complexify *c, Pair a, const Dims *d, int n, bool inverse)
{
    for (int i = n - 1; i >= 0; i--)
        a = transform(c, a, d->dims[i], inverse);
    return a;
}

static Error *complex_to_complex(Complexify *c, Pair a, const Dims *d, bool inverse, int norm,
                                 Pair *out)
{
    a = all_dims(c, resized(c, a, d, d->n), d, d->n, inverse);
    if (!c->b.error)
        *out = normalized(c, a, total_of(c, a.re, d, NULL), norm);
    return c->b.error;
}

/* The last dim is real on the way in, and halved on the way out; `conj` for ihfft. */
static Error *real_to_complex(Complexify *c, Pair a, const Dims *d, bool onesided, bool conj,
                              int norm, Pair *out)
{
    int last = d->dims[d->n - 1];
    a = transform(c, resized(c, a, d, d->n), last, false);
    if (c->b.error)
        return c->b.error;
    const Expr *total = total_of(c, a.re, d, NULL);
    if (onesided)
        a = resize(c, a, last, half_of(c, a.re->type.sizes[last]));
    a = all_dims(c, conj ? pair_conj(c, a) : a, d, d->n - 1, conj);
    *out = normalized(c, a, total, norm);
    return c->b.error;
}

/* Real numbers whose half spectrum it is; `forward` for hfft, where the spectrum is conjugated
 * first. */
static Error *complex_to_real(Complexify *c, Pair a, const Dims *d, bool forward, int norm,
                              Pair *out)
{
    int         last = d->dims[d->n - 1];
    ExprPool   *p = c->graph->ir->exprs;
    const Expr *n = d->sizes[d->n - 1];
    if (!n)
        n = expr_mul(p, number(c, 2), expr_sub(p, a.re->type.sizes[last], number(c, 1)));
    a = all_dims(c, resized(c, a, d, d->n - 1), d, d->n - 1, !forward);
    if (c->b.error)
        return c->b.error;
    a = complete(c, forward ? pair_conj(c, a) : a, last, n);
    a = transform(c, a, last, true);
    if (!c->b.error)
        out->re = divide(c, a.re, total_of(c, a.re, d, n), norm);
    return c->b.error;
}

/* fft_fft, fft_ifft2, fft_irfftn …: the letters before "fft" say what it is. */
static Error *rule_fft(Complexify *c, Pair *results)
{
    const char *kind = c->node->schema->base + 4;
    Pair        a = complex_operand(c, &c->node->args[0]);
    Dims        d;
    if (c->b.error)
        return c->b.error;
    TRY(read_dims(c, a.re->type.rank, &d));
    if (kind[0] == 'f')
        return complex_to_complex(c, a, &d, false, norm_of(c, false), results);
    if (kind[0] == 'r')
        return real_to_complex(c, a, &d, true, false, norm_of(c, false), results);
    if (kind[0] == 'h')
        return complex_to_real(c, a, &d, true, norm_of(c, false), results);
    if (kind[1] == 'f')
        return complex_to_complex(c, a, &d, true, norm_of(c, true), results);
    if (kind[1] == 'h')
        return real_to_complex(c, a, &d, true, true, norm_of(c, true), results);
    return complex_to_real(c, a, &d, false, norm_of(c, true), results);
}

/* _fft_c2c, _fft_r2c, _fft_c2r: the decomposed forms. */
static Error *rule_internal(Complexify *c, Pair *results)
{
    const char *base = c->node->schema->base;
    Pair        a = complex_operand(c, &c->node->args[0]);
    Dims        d = {0};
    int         norm = (int)node_int(c->node, "normalization");
    if (c->b.error)
        return c->b.error;
    TRY(shape_dims(c->node, "dim", a.re->type.rank, d.dims, &d.n));
    if (d.n == 0) {
        results[0] = a;
        return NULL;
    }
    if (!strcmp(base, "_fft_c2c"))
        return complex_to_complex(c, a, &d, !node_bool(c->node, "forward"), norm, results);
    if (!strcmp(base, "_fft_r2c"))
        return real_to_complex(c, a, &d, node_bool(c->node, "onesided"), false, norm, results);
    d.sizes[d.n - 1] = arg_as_expr(node_arg(c->node, "last_dim_size"));
    return complex_to_real(c, a, &d, false, norm, results);
}

/* ---- short-time transforms ------------------------------------------------------------------- */

/* The window as wide as a frame, in the middle. */
static Error *window_of(Complexify *c, int64_t n_fft, Pair *out)
{
    const Arg *window = node_arg(c->node, "window"), *length = node_arg(c->node, "win_length");
    int64_t    n = n_fft;
    *out = (Pair){0};
    if (length->kind != ARG_NONE)
        TRY(shape_const_int(c->node, "win_length", &n));
    if (window->kind == ARG_NONE && n == n_fft)
        return NULL;
    if (window->kind == ARG_NONE)
        out->re = BUILD(&c->b, "aten.ones.default", arg_ints(c->graph, &n, 1), arg_dtype(c->real));
    else
        *out = complex_operand(c, window);
    int64_t left = (n_fft - n) / 2, pads[2] = {left, n_fft - n - left};
    for (int i = 0; i < 2 && n < n_fft && !c->b.error; i++) {
        Value **x = i ? &out->im : &out->re;
        if (*x)
            *x = BUILD(&c->b, "aten.constant_pad_nd.default", arg_value(*x),
                       arg_ints(c->graph, pads, 2));
    }
    return c->b.error;
}

static Value *centered(Complexify *c, Value *x, int64_t n_fft)
{
    int64_t pads[2] = {n_fft / 2, n_fft / 2};
    if (c->b.error || !x)
        return x;
    Value *batched = build_unsqueeze(&c->b, x, 0); /* reflection wants a channel */
    Value *padded = c->b.error ? NULL
                               : BUILD(&c->b, "aten.pad.default", arg_value(batched),
                                       arg_ints(c->graph, pads, 2), *node_arg(c->node, "pad_mode"));
    return c->b.error ? NULL : build_squeeze(&c->b, padded, 0);
}

/* stft: frames of the signal, windowed, as columns of spectra. */
static Error *rule_stft(Complexify *c, Pair *results)
{
    Node   *node = c->node;
    Pair    x = complex_operand(c, &node->args[0]), window;
    int64_t n_fft, hop;
    bool    was_complex = dtype_info(node->args[0].value->type.dtype)->is_complex;
    TRY(shape_const_int(node, "n_fft", &n_fft));
    hop = n_fft / 4;
    if (node_arg(node, "hop_length")->kind != ARG_NONE)
        TRY(shape_const_int(node, "hop_length", &hop));
    TRY(window_of(c, n_fft, &window));
    if (schema_param(node->schema, "center") >= 0 && node_bool(node, "center"))
        x = (Pair){centered(c, x.re, n_fft), centered(c, x.im, n_fft)};
    for (int i = 0; i < 2 && !c->b.error; i++) {
        Value **part = i ? &x.im : &x.re;
        if (*part)
            *part = BUILD(&c->b, "aten.unfold.default", arg_value(*part), arg_int(c->graph, -1),
                          arg_int(c->graph, n_fft), arg_int(c->graph, hop));
    }
    if (c->b.error)
        return c->b.error;
    if (window.re)
        x = pair_mul(c, x, window);
    const Arg *sided = node_arg(node, "onesided");
    bool       onesided = sided->kind == ARG_BOOL ? sided->expr->value : !was_complex && !window.im;
    Dims       d = {.n = 1, .dims = {c->b.error ? 0 : x.re->type.rank - 1}};
    TRY(real_to_complex(c, x, &d, onesided, false,
                        node_bool(node, "normalized") ? NORM_ROOT : NORM_NONE, &x));
    x = (Pair){build_transpose(&c->b, x.re, d.dims[0] - 1, d.dims[0]),
               build_transpose(&c->b, x.im, d.dims[0] - 1, d.dims[0])};
    results[0] = x;
    if (complex_part(node->results[0]->type.dtype) == DT_NONE)
        results[0] = (Pair){cx_stack(c, x), NULL};
    return c->b.error;
}

/* Frames y[b, i, n] of a signal added up where they overlap: [b, n + hop (frames - 1)]. */
static Value *overlap_add(Complexify *c, Value *y, int64_t hop)
{
    if (c->b.error || !y)
        return NULL;
    ExprPool   *p = c->graph->ir->exprs;
    const Expr *batch = y->type.sizes[0], *frames = y->type.sizes[1], *n = y->type.sizes[2];
    const Expr *one = number(c, 1);
    const Expr *length = expr_add(p, n, expr_mul(p, number(c, hop), expr_sub(p, frames, one)));
    const Expr *image[2] = {one, length}, *kernel[2] = {one, n}, *step[2] = {one, number(c, hop)};
    const Expr *ones[2] = {one, one}, *zeros[2] = {number(c, 0), number(c, 0)};
    const Expr *flat[2] = {batch, length};
    Value      *columns = build_transpose(&c->b, y, 1, 2);
    if (c->b.error)
        return NULL;
    Graph *g = c->graph;
    Value *sum = BUILD(&c->b, "aten.col2im.default", arg_value(columns), arg_exprs(g, image, 2),
                       arg_exprs(g, kernel, 2), arg_exprs(g, ones, 2), arg_exprs(g, zeros, 2),
                       arg_exprs(g, step, 2));
    return c->b.error ? NULL : build_reshape(&c->b, sum, flat, 2);
}

/* The part of y[b, length] that istft gives: without the centre's padding, as long as asked for. */
static Error *cut_signal(Complexify *c, int64_t n_fft, Value **y)
{
    ExprPool   *p = c->graph->ir->exprs;
    bool        center = node_bool(c->node, "center");
    const Arg  *given = cx_named(c, "length");
    const Expr *full = (*y)->type.sizes[1], *start = number(c, center ? n_fft / 2 : 0);
    const Expr *end = given    ? expr_add(p, start, arg_as_expr(given))
                      : center ? expr_sub(p, full, start)
                               : full;
    if (!expr_prove_le(p, end, full)) {
        if (!expr_prove_le(p, full, end))
            return node_error(c->node, E_UNSUPPORTED, "a signal of %s elements cut at %s",
                              expr_text(c->graph->ir->arena, full),
                              expr_text(c->graph->ir->arena, end));
        *y = build_slice(&c->b, *y, 1, start, full);
        return c->b.error;
    }
    *y = build_slice(&c->b, *y, 1, start, end);
    return c->b.error;
}

/* Eager refuses windows that leave no trace of a place of the signal. */
static void assert_covered(Complexify *c, Value *envelope)
{
    Value *low = cx_number(c, "aten.gt.Scalar", cx_1(c, "aten.abs.default", envelope), 1e-11);
    low = cx_1(c, "aten.all.default", low);
    if (!c->b.error)
        BUILD_NODE(&c->b, "aten._assert_async.msg", arg_value(low),
                   arg_text("istft: the squared windows add up to zero somewhere"));
}

/* Spectra [b, frames, n] as frames of the signal; the imaginary part only where it is returned. */
static Error *frames_of(Complexify *c, Pair x, int64_t n_fft, Pair *out)
{
    const Arg *sided = node_arg(c->node, "onesided");
    int64_t    columns;
    bool       is_complex = complex_part(c->node->results[0]->type.dtype) != DT_NONE;
    int        norm = node_bool(c->node, "normalized") ? NORM_ROOT : NORM_N;
    Dims       d = {.n = 1, .dims = {2}, .sizes = {number(c, n_fft)}};
    if (!expr_is_int(x.re->type.sizes[2], &columns))
        return node_error(c->node, E_UNSUPPORTED, "spectra of symbolic sizes");
    bool onesided = sided->kind == ARG_BOOL ? sided->expr->value : columns != n_fft;
    if (columns != (onesided ? n_fft / 2 + 1 : n_fft))
        return node_error(c->node, E_VALUE, "spectra of %lld columns for n_fft = %lld",
                          (long long)columns, (long long)n_fft);
    return is_complex ? complex_to_complex(c, x, &d, true, norm, out)
                      : complex_to_real(c, x, &d, false, norm, out);
}

/* Spectra as [b, frames, n]. */
static Pair batch_of_spectra(Complexify *c, Pair x)
{
    Value *parts[2] = {x.re, cx_im(c, x)};
    for (int i = 0; i < 2 && !c->b.error; i++) {
        if (parts[i]->type.rank == 2)
            parts[i] = build_unsqueeze(&c->b, parts[i], 0);
        parts[i] = c->b.error ? NULL : build_transpose(&c->b, parts[i], 1, 2);
    }
    return (Pair){parts[0], parts[1]};
}

/* The sum of the squared windows at every place of the signal. */
static Error *envelope_of(Complexify *c, Pair window, int64_t n_fft, const Expr *frames,
                          int64_t hop, Value **out)
{
    const Expr *sizes[3] = {number(c, 1), frames, number(c, n_fft)};
    if (window.im)
        return node_error(c->node, E_UNSUPPORTED, "istft with a complex window");
    Value *square = NULL;
    if (window.re)
        square = cx_mul(c, window.re, window.re);
    else
        square =
            BUILD(&c->b, "aten.ones.default", arg_ints(c->graph, &n_fft, 1), arg_dtype(c->real));
    square = c->b.error ? NULL : build_expand_to(&c->b, square, sizes, 3);
    *out = overlap_add(c, square, hop);
    if (c->b.error)
        return c->b.error;
    TRY(cut_signal(c, n_fft, out));
    assert_covered(c, *out);
    return c->b.error;
}

/* Frames added up, cut and divided; what is beyond the last frame is zero. */
static Error *signal_of(Complexify *c, Value *frames, int64_t n_fft, int64_t hop, Value *envelope,
                        Value **out)
{
    const Expr *length = arg_as_expr(node_arg(c->node, "length"));
    Value      *y = overlap_add(c, frames, hop);
    if (c->b.error)
        return c->b.error;
    TRY(cut_signal(c, n_fft, &y));
    y = cx_div(c, y, envelope);
    if (length)
        y = resize_part(c, y, 1, length);
    bool is_single = c->node->args[0].value->type.rank == 2;
    *out = is_single && !c->b.error ? build_squeeze(&c->b, y, 0) : y;
    return c->b.error;
}

/* istft: the inverse, windowed frames added up, over the sum of the squared windows. */
static Error *rule_istft(Complexify *c, Pair *results)
{
    Node   *node = c->node;
    Pair    x = batch_of_spectra(c, cx_operand(c, 0)), window, y = {0};
    Value  *envelope;
    int64_t n_fft, hop;
    TRY(shape_const_int(node, "n_fft", &n_fft));
    hop = n_fft / 4;
    if (cx_named(c, "hop_length"))
        TRY(shape_const_int(node, "hop_length", &hop));
    TRY(window_of(c, n_fft, &window));
    if (c->b.error)
        return c->b.error;
    TRY(envelope_of(c, window, n_fft, x.re->type.sizes[1], hop, &envelope));
    TRY(frames_of(c, x, n_fft, &y));
    if (window.re)
        y = pair_mul(c, y, window);
    TRY(signal_of(c, y.re, n_fft, hop, envelope, &results[0].re));
    return y.im ? signal_of(c, y.im, n_fft, hop, envelope, &results[0].im) : NULL;
}

ComplexRule complex_fft_rule(const char *base)
{
    if (!strncmp(base, "_fft_", 5))
        return rule_internal;
    if (!strcmp(base, "stft"))
        return rule_stft;
    if (!strcmp(base, "istft"))
        return rule_istft;
    bool is_transform = !strncmp(base, "fft_", 4) && strstr(base + 4, "fft") &&
                        !strstr(base, "shift") && !strstr(base, "freq");
    return is_transform ? rule_fft : NULL;
}
