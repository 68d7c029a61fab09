/* Upsampling: nearest, linear, cubic, antialiased.
 *
 * In: a node.  Out: `element` gives the scalar of one result element, with positions as index
 * expressions wherever the rule is exact in integers:
 *
 *   aten.upsample_nearest2d.default(%x: f32[n,c,h,w], [2*h, 2*w])   out[i, j]  =  x[i // 2, j // 2]
 */
#include "ir/ops/resize.h"
#include "ir/ops/rows.h"

#include <math.h>
#include <string.h>

/* ---- upsampling: sizes and scales ------------------------------------------------------------ */
static int upsample_dims(const Node *node)
{
    return strpbrk(node->schema->base, "123")[0] - '0';
}

/* floor(size * factor): exact where the factor is whole. */
static const Expr *scaled_size(ExprPool *pool, const Expr *size, double factor)
{
    int64_t n;
    if (expr_is_int(size, &n))
        return expr_int(pool, (int64_t)floor((double)n * factor));
    if (factor == floor(factor))
        return expr_mul(pool, size, expr_int(pool, (int64_t)factor));
    if (1 / factor == floor(1 / factor))
        return expr_floordiv(pool, size, expr_int(pool, (int64_t)(1 / factor)));
    const Expr *as_float = expr_make(pool, EXPR_TO_FLOAT, NULL, &size, 1);
    const Expr *args[2] = {as_float, expr_float(pool, factor)};
    const Expr *product = expr_make(pool, EXPR_MUL, NULL, args, 2);
    return expr_make(pool, EXPR_FLOOR, NULL, &product, 1);
}

static double factor_of(const Arg *arg)
{
    if (arg->kind == ARG_NONE)
        return 0;
    int64_t whole;
    return arg->expr && expr_is_int(arg->expr, &whole) ? (double)whole : arg->number;
}

Error *upsample_axes(const Node *node, Axis *axes)
{
    static const char *const names[3][3] = {
        {"scales"}, {"scales_h", "scales_w"}, {"scales_d", "scales_h", "scales_w"}};
    const TensorType *t = shape_first_type(node);
    const Expr       *out[MAX_RANK];
    int               n = upsample_dims(node), count;
    bool              is_vec = schema_param(node->schema, "scale_factors") >= 0;
    if (t->rank != n + 2)
        return node_error(node, E_VALUE, "takes rank %d, not %d", n + 2, t->rank);
    const Arg *factors = is_vec ? node_arg(node, "scale_factors") : NULL;
    TRY(shape_exprs(node, "output_size", out, &count));
    if (factors && factors->kind == ARG_NONE && count == 0)
        return node_error(node, E_VALUE, "neither output_size nor scale_factors is given");
    if (count != n &&
        !(count == 0 && factors && factors->kind == ARG_LIST && factors->n_items == n))
        return node_error(node, E_VALUE, "%d output sizes for %d dims", count, n);
    for (int i = 0; i < n; i++) {
        bool listed = factors && factors->kind == ARG_LIST && factors->n_items == n;
        axes[i].in = t->sizes[2 + i];
        axes[i].scale = listed   ? factor_of(&factors->items[i])
                        : is_vec ? 0
                                 : factor_of(node_arg(node, names[n - 1][i]));
        axes[i].out = count ? out[i] : scaled_size(shape_pool(node), axes[i].in, axes[i].scale);
        if (axes[i].scale < 0 || expr_range(axes[i].out).max < 1)
            return node_error(node, E_VALUE, "bad scale or size of dim %d", 2 + i);
    }
    return NULL;
}

static Error *infer_upsample(Node *node)
{
    const TensorType *t = shape_first_type(node);
    const Expr       *sizes[MAX_RANK];
    Axis              axes[MAX_RESIZED];
    TRY(upsample_axes(node, axes));
    sizes[0] = t->sizes[0];
    sizes[1] = t->sizes[1];
    for (int i = 0; i < upsample_dims(node); i++)
        sizes[2 + i] = axes[i].out;
    shape_result(node, 0, t->dtype, sizes, t->rank);
    return NULL;
}

static Error *infer_interpolate(Node *node)
{
    DType dtype = shape_first_type(node)->dtype;
    if (!dtype_is_float(dtype) && !(dtype == DT_U8 && upsample_dims(node) == 2))
        return node_error(node, E_UNSUPPORTED, "interpolation of dtype %s", dtype_name(dtype));
    return infer_upsample(node);
}

/* in / out as the fraction num / den where the scale says the same, else den NULL. */
static bool exact_ratio(ExprPool *pool, const Axis *a, const Expr **num, const Expr **den)
{
    *num = a->in;
    *den = a->out;
    if (a->scale == 0)
        return true;
    if (a->scale == floor(a->scale)) {
        *num = expr_int(pool, 1);
        *den = expr_int(pool, (int64_t)a->scale);
        return true;
    }
    if (1 / a->scale == floor(1 / a->scale)) {
        *num = expr_int(pool, (int64_t)(1 / a->scale));
        *den = expr_int(pool, 1);
        return true;
    }
    return false;
}

/* in / out, or 1 / scale, computed by the run. */
static Scalar *ratio(LowerCx *cx, const Axis *a, bool align_corners, DType dtype)
{
    ScalarPool *p = cx->scalars;
    ExprPool   *pool = cx->ir->exprs;
    const Expr *num = a->in, *den = a->out;
    if (align_corners) {
        num = expr_sub(pool, num, expr_int(pool, 1));
        den = expr_sub(pool, den, expr_int(pool, 1));
        if (expr_is_value(den, 0))
            return scalar_float(p, dtype, 0);
        den = expr_max(pool, den, expr_int(pool, 1));
    } else if (a->scale > 0) {
        return scalar_float(p, dtype, 1 / a->scale);
    }
    return scalar_2(p, S_DIV, scalar_index(p, dtype, num), scalar_index(p, dtype, den));
}

/* ---- nearest --------------------------------------------------------------------------------- */
/* PyTorch rounds in f32: the whole-number rule has to agree for every position. */
static bool rule_agrees(const Axis *a, bool exact, int64_t num, int64_t den)
{
    int64_t in, out;
    if (!expr_is_int(a->in, &in) || !expr_is_int(a->out, &out))
        return num == 1 || den == 1; /* products with 1/k of numbers below 2^24 floor the same */
    if (out > 65536)
        return false;
    float scale = a->scale > 0 ? (float)(1.0 / a->scale) : (float)in / (float)out;
    for (int64_t i = 0; i < out; i++) {
        float   at = exact ? ((float)i + 0.5f) * scale : (float)i * scale;
        int64_t whole = exact ? (2 * i + 1) * num / (2 * den) : i * num / den;
        if ((int64_t)floorf(at) != whole)
            return false;
    }
    return true;
}

static const Expr *nearest_index(LowerCx *cx, const Axis *a, bool exact, const Expr *i)
{
    ExprPool   *pool = cx->ir->exprs;
    ScalarPool *p = cx->scalars;
    const Expr *num, *den, *two = expr_int(pool, 2), *one = expr_int(pool, 1);
    int64_t     n = 0, d = 0;
    if (a->in == a->out && a->scale == 0)
        return i;
    bool ratio_known = exact_ratio(pool, a, &num, &den);
    bool whole = ratio_known && expr_is_value(expr_mod(pool, den, num), 0);
    if (whole) {
        den = expr_floordiv(pool, den, num);
        num = one;
    }
    bool constant = ratio_known && expr_is_int(num, &n) && expr_is_int(den, &d);
    if ((whole && !constant) || (constant && rule_agrees(a, exact, n, d))) {
        const Expr *at = exact ? expr_add(pool, expr_mul(pool, i, two), one) : i;
        at = expr_floordiv(pool, expr_mul(pool, at, num), exact ? expr_mul(pool, den, two) : den);
        return shape_clamped(pool, at, a->in);
    }
    Scalar *at = scalar_index(p, DT_F32, i);
    if (exact)
        at = scalar_2(p, S_ADD, at, scalar_float(p, DT_F32, 0.5));
    at = scalar_1(p, S_FLOOR, scalar_2(p, S_MUL, at, ratio(cx, a, false, DT_F32)));
    at = scalar_2(p, S_MINIMUM, at, scalar_index(p, DT_F32, expr_sub(pool, a->in, one)));
    return shape_scalar_index(cx, at, a->in);
}

static Scalar *element_nearest(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    const Expr *in[MAX_RANK] = {index[0], index[1]};
    Axis        axes[MAX_RESIZED];
    if (upsample_axes(node, axes) != NULL)
        return scalar_int(cx->scalars, shape_first_type(node)->dtype, 0); /* infer has refused it */
    for (int i = 0; i < upsample_dims(node); i++)
        in[2 + i] =
            nearest_index(cx, &axes[i], strstr(node->schema->base, "exact") != NULL, index[2 + i]);
    return shape_load(cx, shape_first_tensor(node), in);
}

/* ---- linear and cubic ------------------------------------------------------------------------ */
/* The taps of one dim: positions and weights. */
typedef struct Taps {
    int         n;
    const Expr *at[4];
    Scalar     *weight[4];
} Taps;

/* f64 for f64, else f32. */
static DType coordinate_dtype(const LowerCx *cx)
{
    return dtype_compute(shape_first_type(cx->node)->dtype);
}

/* The source position, and its floor as an index (before clamping). */
static Scalar *source_position(LowerCx *cx, const Axis *a, bool align, bool clamp_low,
                               const Expr *i, const Expr **whole)
{
    ExprPool   *pool = cx->ir->exprs;
    ScalarPool *p = cx->scalars;
    const Expr *num, *den, *one = expr_int(pool, 1), *two = expr_int(pool, 2),
                           *zero = expr_int(pool, 0);
    Scalar *half = scalar_float(p, coordinate_dtype(cx), 0.5),
           *at = scalar_index(p, coordinate_dtype(cx), i),
           *scale = ratio(cx, a, align, coordinate_dtype(cx));
    *whole = NULL;
    if (align) {
        den = expr_max(pool, expr_sub(pool, a->out, one), one);
        num = expr_sub(pool, a->in, one);
        *whole = expr_is_value(a->out, 1) ? zero : expr_floordiv(pool, expr_mul(pool, i, num), den);
        return scalar_2(p, S_MUL, at, scale);
    }
    at = scalar_2(p, S_SUB, scalar_2(p, S_MUL, scalar_2(p, S_ADD, at, half), scale), half);
    if (clamp_low)
        at = scalar_2(p, S_MAXIMUM, at, scalar_float(p, coordinate_dtype(cx), 0));
    if (exact_ratio(pool, a, &num, &den)) {
        /* ((2i + 1) num / den - 1) / 2 */
        const Expr *top = expr_mul(pool, expr_add(pool, expr_mul(pool, i, two), one), num);
        *whole = expr_floordiv(pool, expr_sub(pool, top, den), expr_mul(pool, den, two));
        if (clamp_low && expr_range(*whole).min < 0)
            *whole = expr_max(pool, *whole, zero);
    }
    return at;
}

static Taps linear_taps(LowerCx *cx, const Axis *a, bool align, const Expr *i)
{
    ExprPool   *pool = cx->ir->exprs;
    ScalarPool *p = cx->scalars;
    const Expr *whole, *one = expr_int(pool, 1);
    Taps        taps = {.n = 2};
    Scalar     *at = source_position(cx, a, align, true, i, &whole);
    if (!whole) {
        Scalar *low = scalar_2(p, S_MINIMUM, scalar_1(p, S_FLOOR, at),
                               scalar_index(p, coordinate_dtype(cx), expr_sub(pool, a->in, one)));
        whole = shape_scalar_index(cx, low, a->in);
    }
    taps.at[0] = shape_clamped(pool, whole, a->in);
    taps.at[1] = shape_clamped(pool, expr_add(pool, taps.at[0], one), a->in);
    taps.weight[1] = scalar_2(p, S_SUB, at, scalar_index(p, coordinate_dtype(cx), taps.at[0]));
    taps.weight[0] = scalar_2(p, S_SUB, scalar_float(p, coordinate_dtype(cx), 1), taps.weight[1]);
    return taps;
}

/* ((a x + b) x + c) x + d */
static Scalar *cubic(ScalarPool *p, Scalar *x, double a, double b, double c, double d)
{
    Scalar *y = scalar_2(p, S_ADD, scalar_2(p, S_MUL, scalar_float(p, x->dtype, a), x),
                         scalar_float(p, x->dtype, b));
    y = scalar_2(p, S_ADD, scalar_2(p, S_MUL, y, x), scalar_float(p, x->dtype, c));
    return scalar_2(p, S_ADD, scalar_2(p, S_MUL, y, x), scalar_float(p, x->dtype, d));
}

/* Cubic convolution with A = -0.75 (Keys 1981): weights of the taps at distances 1 + t, t, 1 - t, 2
 * - t. */
void cubic_weights(ScalarPool *p, Scalar *t, Scalar **w)
{
    const double a = -0.75;
    Scalar      *one = scalar_float(p, t->dtype, 1), *s = scalar_2(p, S_SUB, one, t);
    w[0] = cubic(p, scalar_2(p, S_ADD, t, one), a, -5 * a, 8 * a, -4 * a);
    w[1] = cubic(p, t, a + 2, -(a + 3), 0, 1);
    w[2] = cubic(p, s, a + 2, -(a + 3), 0, 1);
    w[3] = cubic(p, scalar_2(p, S_ADD, s, one), a, -5 * a, 8 * a, -4 * a);
}

static Taps cubic_taps(LowerCx *cx, const Axis *a, bool align, const Expr *i)
{
    ExprPool   *pool = cx->ir->exprs;
    ScalarPool *p = cx->scalars;
    const Expr *whole;
    Taps        taps = {.n = 4};
    Scalar     *at = source_position(cx, a, align, false, i, &whole);
    Scalar *low = whole ? scalar_index(p, coordinate_dtype(cx), whole) : scalar_1(p, S_FLOOR, at);
    cubic_weights(p, scalar_2(p, S_SUB, at, low), taps.weight);
    for (int k = 0; k < 4; k++) {
        if (whole) {
            taps.at[k] = shape_clamped(pool, expr_add(pool, whole, expr_int(pool, k - 1)), a->in);
            continue;
        }
        Scalar *x = scalar_2(p, S_ADD, low, scalar_float(p, coordinate_dtype(cx), k - 1));
        x = scalar_2(p, S_MAXIMUM, x, scalar_float(p, coordinate_dtype(cx), 0));
        x = scalar_2(
            p, S_MINIMUM, x,
            scalar_index(p, coordinate_dtype(cx), expr_sub(pool, a->in, expr_int(pool, 1))));
        taps.at[k] = shape_scalar_index(cx, x, a->in);
    }
    return taps;
}

/* sum over taps of dim i and deeper, innermost first. */
static Scalar *blend_taps(LowerCx *cx, Value *self, const Taps *taps, int n, int i, const Expr **in)
{
    ScalarPool *p = cx->scalars;
    if (i == n || i == MAX_RESIZED)
        return scalar_cast(p, coordinate_dtype(cx), shape_load(cx, self, in));
    Scalar *sum = NULL;
    for (int k = 0; k < taps[i].n; k++) {
        in[2 + i] = taps[i].at[k];
        Scalar *term =
            scalar_2(p, S_MUL, blend_taps(cx, self, taps, n, i + 1, in), taps[i].weight[k]);
        sum = sum ? scalar_2(p, S_ADD, sum, term) : term;
    }
    return sum;
}

static Scalar *element_interpolate(LowerCx *cx, const Node *node, int result,
                                   const Expr *const *index)
{
    (void)result;
    const Expr *in[MAX_RANK] = {index[0], index[1]};
    DType       dtype = shape_first_type(node)->dtype;
    int         n = upsample_dims(node);
    bool        align = node_bool(node, "align_corners"),
         is_cubic = strstr(node->schema->base, "cubic") != NULL;
    Axis axes[MAX_RESIZED];
    Taps taps[MAX_RESIZED];
    if (upsample_axes(node, axes) != NULL)
        return scalar_int(cx->scalars, dtype, 0); /* infer has refused it */
    for (int i = 0; i < n; i++)
        taps[i] = is_cubic ? cubic_taps(cx, &axes[i], align, index[2 + i])
                           : linear_taps(cx, &axes[i], align, index[2 + i]);
    return scalar_cast(cx->scalars, dtype,
                       blend_taps(cx, shape_first_tensor(node), taps, n, 0, in));
}

/* ---- antialiased resizing: a product with a matrix of weights for each dim ------------------- */
ResizeFilter resize_filter_of(const Node *node)
{
    const char *base = node->schema->base;
    return strstr(base, "cubic")     ? FILTER_CUBIC
           : strstr(base, "lanczos") ? FILTER_LANCZOS
                                     : FILTER_LINEAR;
}

static Value *lanczos_filter(Build *b, Value *x)
{
    Value *third = build_with_float(b, "aten.mul.Scalar", x, 1.0 / 3);
    Value *wide = build_unary(b, "aten.sinc.default", third);
    Value *w = build_binary(b, "aten.mul.Tensor", build_unary(b, "aten.sinc.default", x), wide);
    Value *is_near = build_with_float(b, "aten.lt.Scalar", x, 3);
    if (b->error)
        return NULL;
    return BUILD(b, "aten.where.ScalarOther", arg_value(is_near), arg_value(w),
                 arg_int(b->graph, 0));
}

/* Distances are in elements of the coarser grid. */
Value *resize_filter(Build *b, Value *x, ResizeFilter filter, double a)
{
    x = build_unary(b, "aten.abs.default", x);
    if (filter == FILTER_LANCZOS)
        return lanczos_filter(b, x);
    if (filter == FILTER_LINEAR)
        return build_with_float(b, "aten.clamp_min.default",
                                build_with_float(b, "aten.rsub.Scalar", x, 1), 0);
    Value *near = build_with_float(b, "aten.mul.Scalar", x, a + 2),
          *far = build_with_float(b, "aten.mul.Scalar", x, a);
    near = build_with_float(b, "aten.sub.Scalar", near, a + 3);
    near = build_binary(b, "aten.mul.Tensor", build_binary(b, "aten.mul.Tensor", near, x), x);
    near = build_with_float(b, "aten.add.Scalar", near, 1);
    far = build_with_float(b, "aten.sub.Scalar", far, 5 * a);
    far = build_with_float(b, "aten.add.Scalar", build_binary(b, "aten.mul.Tensor", far, x), 8 * a);
    far = build_with_float(b, "aten.sub.Scalar", build_binary(b, "aten.mul.Tensor", far, x), 4 * a);
    Value *is_far = build_with_float(b, "aten.lt.Scalar", x, 2),
          *is_near = build_with_float(b, "aten.lt.Scalar", x, 1);
    if (b->error)
        return NULL;
    far =
        BUILD(b, "aten.where.ScalarOther", arg_value(is_far), arg_value(far), arg_int(b->graph, 0));
    return b->error
               ? NULL
               : BUILD(b, "aten.where.self", arg_value(is_near), arg_value(near), arg_value(far));
}

/* Elements of the input from one of the output to the next. */
double resize_scale(const Axis *axis, int64_t in, int64_t out, bool align)
{
    if (align)
        return out > 1 ? (double)(in - 1) / (double)(out - 1) : 0;
    return axis->scale > 0 ? 1 / axis->scale : (double)in / (double)out;
}

/* [out, in]: the rows sum to 1 (UpSampleKernel.cpp, _compute_indices_min_size_weights_aa). */
static Value *aa_weights(Build *b, int64_t in, int64_t out, double scale, ResizeFilter filter,
                         DType dtype)
{
    int64_t last = -1;
    Value  *i = BUILD(b, "aten.arange.default", arg_int(b->graph, out), arg_dtype(DT_F64));
    Value  *j = BUILD(b, "aten.arange.default", arg_int(b->graph, in), arg_dtype(DT_F64));
    Value  *center = build_with_float(b, "aten.mul.Scalar",
                                      build_with_float(b, "aten.add.Scalar", i, 0.5), scale);
    j = build_with_float(b, "aten.add.Scalar", j, 0.5);
    Value *x = BUILD(b, "aten.sub.Tensor", arg_value(j), arg_value(build_unsqueeze(b, center, 1)));
    Value *w = resize_filter(
        b, scale > 1 ? build_with_float(b, "aten.mul.Scalar", x, 1 / scale) : x, filter, -0.5);
    Value *sum = BUILD(b, "aten.sum.dim_IntList", arg_value(w), arg_ints(b->graph, &last, 1),
                       arg_bool(b->graph, true));
    w = BUILD(b, "aten.div.Tensor", arg_value(w), arg_value(sum));
    return b->error ? NULL : build_cast(b, w, dtype);
}

static Error *expand_upsample_aa(Node *node, Value **results)
{
    Build   b = build_at(node);
    Value  *self = shape_first_tensor(node), *x = self;
    bool    align = node_bool(node, "align_corners");
    Axis    axes[MAX_RESIZED];
    int64_t in, out;
    DType   compute = dtype_compute(self->type.dtype);
    if (self->type.dtype == DT_U8)
        return expand_resize_bytes(node, results);
    if (!dtype_is_float(self->type.dtype))
        return node_error(node, E_UNSUPPORTED, "antialiased interpolation of dtype %s",
                          dtype_name(self->type.dtype));
    TRY(upsample_axes(node, axes));
    x = build_cast(&b, x, compute);
    for (int d = 1; d >= 0 && !b.error; d--) {
        if (!expr_is_int(axes[d].in, &in) || !expr_is_int(axes[d].out, &out))
            return node_error(node, E_UNSUPPORTED,
                              "antialiased interpolation of a size that is not constant");
        double scale = resize_scale(&axes[d], in, out, align);
        if (in == out && scale == 1)
            continue;
        Value *w = aa_weights(&b, in, out, scale, resize_filter_of(node), compute);
        if (d == 1)
            x = BUILD(&b, "aten.matmul.default", arg_value(x),
                      arg_value(build_transpose(&b, w, 0, 1)));
        else
            x = BUILD(&b, "aten.matmul.default", arg_value(w), arg_value(x));
    }
    if (x == self)
        x = BUILD(&b, "aten.clone.default", arg_value(x));
    results[0] = b.error ? NULL : build_cast(&b, x, self->type.dtype);
    return b.error;
}

static bool takes_bytes(const Node *node)
{
    return shape_first_type(node)->dtype == DT_U8;
}

#define NEAREST(text, ...) INDEXED(text, infer_upsample, element_nearest, __VA_ARGS__)
#define INTERPOLATE(text, ...)                                                                     \
    INDEXED(text, infer_interpolate, element_interpolate, .expands = takes_bytes,                  \
            .expand_fn = expand_resize_bytes, __VA_ARGS__)

const OpDesc resize_ops[] = {
    NEAREST("aten::upsample_nearest1d(Tensor self, SymInt[1] output_size, float? scales=None) -> "
            "Tensor",
            .samples = "self=f32[1,2,5] output_size=[8] | self=f32[1,2,5] output_size=[3] | "
                       "self=bf16[1,1,4] output_size=[6] | self=f32[1,2,5] output_size=[7] "
                       "scales=1.5 | ! self=f32[2,5] output_size=[3]"),
    NEAREST(
        "aten::upsample_nearest2d(Tensor self, SymInt[2] output_size, float? scales_h=None, float? "
        "scales_w=None) -> Tensor",
        .samples = "self=f32[1,2,3,4] output_size=[5,7] | self=f32[1,1,4,4] output_size=[2,3] | "
                   "self=f32[1,2,3,4] output_size=[6,8] scales_h=2.0 scales_w=2.0 | "
                   "self=u8[1,1,3,3]@0..255 output_size=[5,5] | self=f32[1,2,3,4]{24,1,8,2} "
                   "output_size=[6,8]"),
    NEAREST(
        "aten::upsample_nearest3d(Tensor self, SymInt[3] output_size, float? scales_d=None, float? "
        "scales_h=None, float? scales_w=None) -> Tensor",
        .samples = "self=f32[1,1,2,3,2] output_size=[3,4,5]"),
    NEAREST("aten::upsample_nearest1d.vec(Tensor input, SymInt[]? output_size, float[]? "
            "scale_factors) -> Tensor",
            .samples = "input=f32[1,2,5] output_size=[8] scale_factors=None | input=f32[1,2,5] "
                       "output_size=None scale_factors=[1.7]"),
    NEAREST("aten::upsample_nearest2d.vec(Tensor input, SymInt[]? output_size, float[]? "
            "scale_factors) -> Tensor",
            .samples = "input=f32[1,2,3,4] output_size=[5,7] scale_factors=None | "
                       "input=f32[1,2,3,4] output_size=None scale_factors=[2.0,1.5]"),
    NEAREST("aten::upsample_nearest3d.vec(Tensor input, SymInt[]? output_size, float[]? "
            "scale_factors) -> Tensor",
            .samples = "input=f32[1,1,2,3,2] output_size=None scale_factors=[2.0,1.5,1.0]"),
    NEAREST("aten::_upsample_nearest_exact1d(Tensor self, SymInt[1] output_size, float? "
            "scales=None) -> Tensor",
            .samples = "self=f32[1,2,5] output_size=[8] | self=f32[1,2,5] output_size=[3] | "
                       "self=bf16[1,1,4] output_size=[6] | self=f32[1,2,5] output_size=[7] "
                       "scales=1.5 | ! self=f32[2,5] output_size=[3]"),
    NEAREST("aten::_upsample_nearest_exact2d(Tensor self, SymInt[2] output_size, float? "
            "scales_h=None, float? "
            "scales_w=None) -> Tensor",
            .samples = "self=f32[1,2,3,4] output_size=[5,7] | self=f32[1,1,4,4] output_size=[2,3] "
                       "| self=f32[1,2,3,4] output_size=[6,8] scales_h=2.0 scales_w=2.0 | "
                       "self=u8[1,1,3,3]@0..255 output_size=[5,5] | self=f32[1,2,3,4]{24,1,8,2} "
                       "output_size=[6,8]"),
    NEAREST("aten::_upsample_nearest_exact3d(Tensor self, SymInt[3] output_size, float? "
            "scales_d=None, float? "
            "scales_h=None, float? scales_w=None) -> Tensor",
            .samples = "self=f32[1,1,2,3,2] output_size=[3,4,5]"),
    NEAREST("aten::_upsample_nearest_exact1d.vec(Tensor input, SymInt[]? output_size, float[]? "
            "scale_factors) -> "
            "Tensor",
            .samples = "input=f32[1,2,5] output_size=[8] scale_factors=None | input=f32[1,2,5] "
                       "output_size=None scale_factors=[1.7]"),
    NEAREST("aten::_upsample_nearest_exact2d.vec(Tensor input, SymInt[]? output_size, float[]? "
            "scale_factors) -> "
            "Tensor",
            .samples = "input=f32[1,2,3,4] output_size=[5,7] scale_factors=None | "
                       "input=f32[1,2,3,4] output_size=None scale_factors=[2.0,1.5]"),
    NEAREST("aten::_upsample_nearest_exact3d.vec(Tensor input, SymInt[]? output_size, float[]? "
            "scale_factors) -> "
            "Tensor",
            .samples = "input=f32[1,1,2,3,2] output_size=None scale_factors=[2.0,1.5,1.0]"),
    INTERPOLATE(
        "aten::upsample_linear1d(Tensor self, SymInt[1] output_size, bool align_corners, "
        "float? scales=None) "
        "-> Tensor",
        .samples =
            "self=f32[1,2,5] output_size=[8] align_corners=false | self=f32[1,2,5] output_size=[3] "
            "align_corners=true | self=bf16[1,1,4] output_size=[6] align_corners=false | "
            "self=f32[1,2,5] output_size=[7] align_corners=false scales=1.5"),
    INTERPOLATE(
        "aten::upsample_bilinear2d(Tensor self, SymInt[2] output_size, bool align_corners, float? "
        "scales_h=None, float? scales_w=None) -> Tensor",
        .samples = "self=f32[1,2,3,4] output_size=[5,7] align_corners=false | self=f32[1,1,4,4] "
                   "output_size=[2,3] align_corners=true | self=f64[1,1,3,3] output_size=[6,6] "
                   "align_corners=false scales_h=2.0 scales_w=2.0 | self=f16[1,1,3,3] "
                   "output_size=[4,4] align_corners=false | self=u8[1,2,5,4]@0..255 "
                   "output_size=[7,3] align_corners=false | self=u8[1,1,3,3]@0..255 "
                   "output_size=[3,5] align_corners=true"),
    INTERPOLATE(
        "aten::upsample_trilinear3d(Tensor self, SymInt[3] output_size, bool align_corners, float? "
        "scales_d=None, float? scales_h=None, float? scales_w=None) -> Tensor",
        .samples = "self=f32[1,1,2,3,2] output_size=[3,4,5] align_corners=false | "
                   "self=f32[1,1,2,3,2] output_size=[3,4,5] align_corners=true"),
    INTERPOLATE(
        "aten::upsample_bicubic2d(Tensor self, SymInt[2] output_size, bool align_corners, float? "
        "scales_h=None, float? scales_w=None) -> Tensor",
        .samples = "self=f32[1,2,3,4] output_size=[5,7] align_corners=false | self=f32[1,1,4,4] "
                   "output_size=[2,3] align_corners=true | self=f64[1,1,3,3] output_size=[6,6] "
                   "align_corners=false scales_h=2.0 scales_w=2.0 | self=f16[1,1,3,3] "
                   "output_size=[4,4] align_corners=false | self=u8[1,2,5,4]@[0,255,9] "
                   "output_size=[7,3] align_corners=false"),
    INTERPOLATE("aten::upsample_linear1d.vec(Tensor input, SymInt[]? output_size, bool "
                "align_corners, float[]? "
                "scale_factors) -> Tensor",
                .samples =
                    "input=f32[1,2,5] output_size=[8] align_corners=false scale_factors=None | "
                    "input=f32[1,2,5] output_size=None align_corners=true scale_factors=[1.7]"),
    INTERPOLATE(
        "aten::upsample_bilinear2d.vec(Tensor input, SymInt[]? output_size, bool "
        "align_corners, float[]? "
        "scale_factors) -> Tensor",
        .samples =
            "input=f32[1,2,3,4] output_size=[5,7] align_corners=false scale_factors=None | "
            "input=f32[1,2,3,4] output_size=None align_corners=false scale_factors=[2.0,1.5]"),
    INTERPOLATE("aten::upsample_trilinear3d.vec(Tensor input, SymInt[]? output_size, bool "
                "align_corners, float[]? "
                "scale_factors) -> Tensor",
                .samples = "input=f32[1,1,2,3,2] output_size=None align_corners=false "
                           "scale_factors=[2.0,1.5,1.0]"),
    INTERPOLATE(
        "aten::upsample_bicubic2d.vec(Tensor input, SymInt[]? output_size, bool "
        "align_corners, float[]? "
        "scale_factors) -> Tensor",
        .samples =
            "input=f32[1,2,3,4] output_size=[5,7] align_corners=false scale_factors=None | "
            "input=f32[1,2,3,4] output_size=None align_corners=false scale_factors=[2.0,1.5]"),
    EXPAND_FN("aten::_upsample_bilinear2d_aa(Tensor self, SymInt[2] output_size, bool "
              "align_corners, float? scales_h=None, float? scales_w=None) -> Tensor",
              expand_upsample_aa,
              .samples = "self=f32[1,2,6,7] output_size=[3,4] align_corners=false | "
                         "self=f32[1,1,3,3] output_size=[5,5] align_corners=false | "
                         "self=f64[1,1,5,4] output_size=[3,6] align_corners=true | "
                         "self=u8[1,2,6,7]@0..255 output_size=[3,9] align_corners=false"),
    EXPAND_FN("aten::_upsample_bicubic2d_aa(Tensor self, SymInt[2] output_size, bool "
              "align_corners, float? scales_h=None, float? scales_w=None) -> Tensor",
              expand_upsample_aa,
              .samples = "self=f32[1,2,6,7] output_size=[3,4] align_corners=false | "
                         "self=f32[1,1,3,3] output_size=[5,5] align_corners=false | "
                         "self=u8[1,2,6,7]@[0,255,9] output_size=[3,9] align_corners=false"),
    EXPAND_FN(
        "aten::_upsample_lanczos2d_aa(Tensor self, SymInt[2] output_size, bool align_corners, "
        "float? scales_h=None, float? scales_w=None) -> Tensor",
        expand_upsample_aa,
        .samples = "self=f32[1,2,6,8] output_size=[3,5] align_corners=false | "
                   "self=f32[1,1,4,5] output_size=[7,9] align_corners=false"),
    EXPAND_FN("aten::_upsample_lanczos2d_aa.vec(Tensor input, SymInt[]? output_size, bool "
              "align_corners, float[]? scale_factors) -> Tensor",
              expand_upsample_aa,
              .samples = "input=f32[1,2,6,8] output_size=[3,5] align_corners=false "
                         "scale_factors=None | input=u8[1,1,6,8]@0..255 output_size=[3,5] "
                         "align_corners=false scale_factors=None"),
    EXPAND_FN("aten::_upsample_bilinear2d_aa.vec(Tensor input, SymInt[]? output_size, bool "
              "align_corners, float[]? scale_factors) -> Tensor",
              expand_upsample_aa,
              .samples =
                  "input=f32[1,2,6,7] output_size=[3,4] align_corners=false scale_factors=None"),
    EXPAND_FN("aten::_upsample_bicubic2d_aa.vec(Tensor input, SymInt[]? output_size, bool "
              "align_corners, float[]? scale_factors) -> Tensor",
              expand_upsample_aa,
              .samples =
                  "input=f32[1,2,6,7] output_size=[3,4] align_corners=false scale_factors=None"),
    {0},
};
