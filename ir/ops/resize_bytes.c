/* Linear, cubic and Lanczos resizing of u8 images, antialiased or not, in fixed point as eager
 * PyTorch on CPUs and Pillow do it (UpSampleKernel.cpp, "Weights computation for uint8_t and
 * multiplication trick").
 *
 *   aten.upsample_bilinear2d.default(%x: u8[n,c,h,w], [oh,ow], false)   becomes, for w then h
 *     %at, %q = positions and whole weights of the taps of each result: i64[ow,k], i32[ow,k]
 *     %y = clamp((sum over k of %x[.., %at] * %q + 2^(p-1)) >> p, 0, 255) : u8[n,c,h,ow]
 *
 * The weights are f64; p is the greatest number of bits with which all of them, times 2^p, fit i16.
 */
#include "ir/ops/resize.h"

#include <math.h>
#include <string.h>

/* One dim that is resized: constants of the call, then what is built of them. */
typedef struct Taps {
    Build       *b;
    int64_t      in, out, n; /* n: taps of each result */
    double       scale, support;
    bool         align;
    ResizeFilter filter;
    Value       *first;   /* i64[out,1]: position of tap 0 */
    Value       *weight;  /* f64[out,n] */
    Value       *largest; /* f64[]: that p is chosen for */
} Taps;

static Value *with_int(Build *b, const char *op, Value *x, int64_t number)
{
    return b->error ? NULL : BUILD(b, op, arg_value(x), arg_int(b->graph, number));
}

static Value *cast(Build *b, Value *x, DType dtype)
{
    return b->error ? NULL : build_cast(b, x, dtype);
}

static Value *count(Build *b, int64_t n, DType dtype)
{
    return b->error ? NULL
                    : BUILD(b, "aten.arange.default", arg_int(b->graph, n), arg_dtype(dtype));
}

/* 0 … out - 1 as a column. */
static Value *column(const Taps *t)
{
    Value *i = count(t->b, t->out, DT_F64);
    return t->b->error ? NULL : build_unsqueeze(t->b, i, 1);
}

static Value *where_else(Build *b, Value *condition, Value *x, double other)
{
    return b->error ? NULL
                    : BUILD(b, "aten.where.ScalarOther", arg_value(condition), arg_value(x),
                            arg_float(other));
}

static Value *reduce_last(Build *b, const char *op, Value *x, bool keep)
{
    int64_t last = -1;
    return b->error
               ? NULL
               : BUILD(b, op, arg_value(x), arg_ints(b->graph, &last, 1), arg_bool(b->graph, keep));
}

/* ---- taps of antialiased resizing ------------------------------------------------------------ */

/* The filter is as wide as the coarser grid asks for; weights are scaled to a sum of 1. */
static void antialiased_taps(Taps *t)
{
    Build *b = t->b;
    Value *center = build_with_float(
        b, "aten.mul.Scalar", build_with_float(b, "aten.add.Scalar", column(t), 0.5), t->scale);
    Value *low = cast(b, build_with_float(b, "aten.add.Scalar", center, 0.5 - t->support), DT_I64);
    Value *high = cast(b, build_with_float(b, "aten.add.Scalar", center, t->support + 0.5), DT_I64);
    t->first = with_int(b, "aten.clamp_min.default", low, 0);
    high = with_int(b, "aten.clamp_max.default", high, t->in);
    Value *k = count(b, t->n, DT_I64);
    Value *at = build_binary(b, "aten.add.Tensor", t->first, k);
    Value *x = build_with_float(
        b, "aten.add.Scalar", build_binary(b, "aten.sub.Tensor", cast(b, at, DT_F64), center), 0.5);
    if (t->scale > 1)
        x = build_with_float(b, "aten.mul.Scalar", x, 1 / t->scale);
    Value *inside = build_binary(b, "aten.lt.Tensor", at, high);
    Value *w = where_else(b, inside, resize_filter(b, x, t->filter, -0.5), 0);
    t->weight =
        build_binary(b, "aten.div.Tensor", w, reduce_last(b, "aten.sum.dim_IntList", w, true));
    t->largest = t->weight;
}

/* ---- taps of plain resizing ------------------------------------------------------------------ */

/* [out, n, n], true where taps j and l of a result lie on one element of the input: those beyond
 * the borders are moved to them. */
static Value *same_element(const Taps *t, Value *at)
{
    Build *b = t->b;
    Value *a = b->error ? NULL : build_unsqueeze(b, at, 2);
    Value *c = b->error ? NULL : build_unsqueeze(b, at, 1);
    return build_binary(b, "aten.eq.Tensor", a, c);
}

static Value *masked_sums(const Taps *t, Value *mask, Value *w)
{
    Build *b = t->b;
    w = b->error ? NULL : build_unsqueeze(b, w, 1);
    return reduce_last(b, "aten.sum.dim_IntList", where_else(b, mask, w, 0), false);
}

/* Weights of taps on one element are added up before they are rounded.  PyTorch looks for the
 * largest while it adds: partial sums count. */
static void plain_taps(Taps *t)
{
    Build *b = t->b;
    Value *x = column(t);
    if (!t->align)
        x = build_with_float(b, "aten.add.Scalar", x, 0.5);
    x = build_with_float(b, "aten.mul.Scalar", x, t->scale);
    if (!t->align)
        x = build_with_float(b, "aten.sub.Scalar", x, 0.5);
    if (!t->align && t->filter == FILTER_LINEAR)
        x = build_with_float(b, "aten.clamp_min.default", x, 0);
    Value *whole = cast(b, build_unary(b, "aten.floor.default", cast(b, x, DT_F32)), DT_I64);
    whole = with_int(b, "aten.clamp_max.default", whole, t->in - 1);
    Value *fraction = build_binary(b, "aten.sub.Tensor", x, cast(b, whole, DT_F64));
    fraction =
        b->error ? NULL
                 : BUILD(b, "aten.clamp.default", arg_value(fraction), arg_float(0), arg_float(1));
    int64_t before = t->n / 2 - 1; /* taps in front of the position */
    Value  *j = count(b, t->n, DT_I64);
    Value  *from = with_int(b, "aten.sub.Scalar", whole, before);
    Value  *at = build_binary(b, "aten.add.Tensor", from, j);
    at = b->error ? NULL
                  : BUILD(b, "aten.clamp.default", arg_value(at), arg_int(b->graph, 0),
                          arg_int(b->graph, t->in - 1));
    Value *distance = build_binary(
        b, "aten.sub.Tensor", cast(b, with_int(b, "aten.sub.Scalar", j, before), DT_F64), fraction);
    Value *w = resize_filter(b, distance, t->filter, -0.75);
    Value *same = same_element(t, at);
    Value *earlier =
        b->error ? NULL : BUILD(b, "aten.tril.default", arg_value(same), arg_int(b->graph, 0));
    t->largest = masked_sums(t, earlier, w);
    t->first = with_int(b, "aten.clamp_min.default", from, 0);
    Value *slots = build_binary(b, "aten.add.Tensor", t->first, j);
    slots = b->error ? NULL : build_unsqueeze(b, slots, 2);
    at = b->error ? NULL : build_unsqueeze(b, at, 1);
    t->weight = masked_sums(t, build_binary(b, "aten.eq.Tensor", slots, at), w);
}

/* ---- fixed point ----------------------------------------------------------------------------- */

/* p: i32[], the first of 0 … 22 for which the largest weight times 2^(p+1) rounds to 2^15 or more.
 */
static Value *weight_bits(Build *b, Value *largest)
{
    Value *shifts = count(b, 22, DT_I64), *one;
    one = b->error ? NULL
                   : BUILD(b, "aten.full.default", arg_list(NULL, 0), arg_int(b->graph, 2),
                           arg_dtype(DT_I64));
    Value *power = cast(b, build_binary(b, "aten.bitwise_left_shift.Tensor", one, shifts), DT_F64);
    Value *scaled = build_binary(b, "aten.mul.Tensor", power, largest);
    Value *fits = build_with_float(b, "aten.lt.Scalar", scaled, 32767.5);
    Value *n = reduce_last(b, "aten.sum.dim_IntList", fits, false);
    return cast(b, n, DT_I32);
}

/* trunc(w 2^p ± 0.5) */
static Value *whole_weights(Build *b, Value *weight, Value *power)
{
    Value *scaled = build_binary(b, "aten.mul.Tensor", weight, cast(b, power, DT_F64));
    Value *up = build_with_float(b, "aten.add.Scalar", scaled, 0.5),
          *down = build_with_float(b, "aten.sub.Scalar", scaled, 0.5),
          *negative = build_with_float(b, "aten.lt.Scalar", scaled, 0);
    scaled = b->error
                 ? NULL
                 : BUILD(b, "aten.where.self", arg_value(negative), arg_value(down), arg_value(up));
    return cast(b, scaled, DT_I32);
}

/* x[…, at, …] along dim; the taps become the dim behind it. */
static Value *gather_taps(Build *b, Value *x, Value *at, int dim)
{
    Arg index[4] = {arg_none(), arg_none(), arg_none(), arg_none()};
    if (b->error)
        return NULL;
    index[dim] = arg_value(at);
    return BUILD(b, "aten._unsafe_index.Tensor", arg_value(x), arg_list(index, dim + 1));
}

static Value *resize_dim(Taps *t, Value *x, int dim, bool antialiased)
{
    Build *b = t->b;
    if (antialiased)
        antialiased_taps(t);
    else
        plain_taps(t);
    Value *largest = build_unary(b, "aten.amax.default", t->largest);
    Value *bits = weight_bits(b, build_with_float(b, "aten.clamp_min.default", largest, 0));
    Value *one = b->error ? NULL
                          : BUILD(b, "aten.full.default", arg_list(NULL, 0), arg_int(b->graph, 1),
                                  arg_dtype(DT_I32));
    Value *power = build_binary(b, "aten.bitwise_left_shift.Tensor", one, bits);
    Value *q = whole_weights(b, t->weight, power);
    Value *at = build_binary(b, "aten.add.Tensor", t->first, count(b, t->n, DT_I64));
    at = with_int(b, "aten.clamp_max.default", at, t->in - 1);
    Value *taps = cast(b, gather_taps(b, x, at, dim), DT_I32);
    if (dim == 2 && !b->error)
        q = build_unsqueeze(b, q, 2);
    Value  *product = build_binary(b, "aten.mul.Tensor", taps, q);
    int64_t over = dim + 1;
    Value  *sum = b->error ? NULL
                           : BUILD(b, "aten.sum.dim_IntList", arg_value(product),
                                   arg_ints(b->graph, &over, 1), arg_bool(b->graph, false),
                                   arg_dtype(DT_I32));
    Value  *half = with_int(b, "aten.bitwise_right_shift.Tensor_Scalar", power, 1);
    sum = build_binary(b, "aten.add.Tensor", sum, half);
    sum = build_binary(b, "aten.bitwise_right_shift.Tensor", sum, bits);
    sum = b->error ? NULL
                   : BUILD(b, "aten.clamp.default", arg_value(sum), arg_int(b->graph, 0),
                           arg_int(b->graph, 255));
    return cast(b, sum, DT_U8);
}

Error *expand_resize_bytes(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *self = shape_first_tensor(node), *x = self;
    bool   antialiased = strstr(node->schema->base, "_aa") != NULL;
    Axis   axes[MAX_RESIZED];
    TRY(upsample_axes(node, axes));
    for (int d = 1; d >= 0 && !b.error; d--) {
        Taps t = {
            .b = &b, .filter = resize_filter_of(node), .align = node_bool(node, "align_corners")};
        if (!expr_is_int(axes[d].in, &t.in) || !expr_is_int(axes[d].out, &t.out))
            return node_error(node, E_UNSUPPORTED,
                              "interpolation of u8 images whose sizes are not constant");
        if (t.in == t.out)
            continue;
        t.scale = resize_scale(&axes[d], t.in, t.out, t.align);
        t.n = t.filter;
        t.support = (double)t.n / 2;
        if (antialiased) {
            t.support *= t.scale > 1 ? t.scale : 1;
            t.n = (int64_t)ceil(t.support) * 2 + 1;
        }
        x = resize_dim(&t, x, 2 + d, antialiased);
    }
    if (x == self)
        x = build_unary(&b, "aten.clone.default", x);
    results[0] = x;
    return b.error;
}
