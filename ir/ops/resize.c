/* Operators that change sizes by a rule of coordinates: padding, upsampling, grid sampling, pixel
 * shuffles.
 *
 * In: a node.  Out: `element` gives the scalar of one result element, with positions as index
 * expressions wherever the rule is exact in integers:
 *
 *   aten.upsample_nearest2d.default(%x: f32[n,c,h,w], [2*h, 2*w])     out[i, j]  =  x[i // 2, j //
 * 2] aten.constant_pad_nd.default(%x, [1, 1])                          out[i]     =  0 <= i - 1 < n
 * ? x[i - 1] : 0 */
#include "ir/ops/shape_util.h"

#include <math.h>
#include <string.h>

static const TensorType *self_type(const Node *node)
{
    return &shape_first_tensor(node)->type;
}

/* ---- padding --------------------------------------------------------------------------------- */
typedef enum PadMode {
    PAD_CONSTANT,
    PAD_REFLECT,
    PAD_REPLICATE,
    PAD_CIRCULAR,
    PAD_UNKNOWN
} PadMode;

static PadMode pad_mode(const Node *node)
{
    const char *base = node->schema->base;
    if (strncmp(base, "reflection", 10) == 0)
        return PAD_REFLECT;
    if (strncmp(base, "replication", 11) == 0)
        return PAD_REPLICATE;
    if (strcmp(base, "_pad_circular") == 0)
        return PAD_CIRCULAR;
    if (schema_param(node->schema, "mode") < 0)
        return PAD_CONSTANT;
    const Arg *mode = node_arg(node, "mode");
    if (mode->kind == ARG_INT) { /* at::padding_mode */
        int64_t number = mode->expr->value;
        return number == 0   ? PAD_REFLECT
               : number == 1 ? PAD_REPLICATE
               : number == 2 ? PAD_CIRCULAR
               : number == 3 ? PAD_CONSTANT
                             : PAD_UNKNOWN;
    }
    static const char *const names[] = {"constant", "reflect", "replicate", "circular"};
    for (int i = 0; i < 4; i++)
        if (strcmp(mode->string, names[i]) == 0)
            return (PadMode)i;
    return PAD_UNKNOWN;
}

/* Pairs (before, after), the last dim first: before[d], after[d]. */
static Error *pad_amounts(const Node *node, const Expr **before, const Expr **after)
{
    const TensorType *t = self_type(node);
    const Expr       *pad[2 * MAX_RANK] = {0};
    int               n;
    TRY(shape_exprs(node, schema_param(node->schema, "pad") >= 0 ? "pad" : "padding", pad, &n));
    if (strncmp(node->schema->base, "re", 2) == 0 && n == 1) { /* SymInt[4]: one stands for all */
        n = 2 * (strpbrk(node->schema->base, "123")[0] - '0');
        for (int i = 1; i < n; i++)
            pad[i] = pad[0];
    }
    if (n % 2 || n / 2 > t->rank)
        return node_error(node, E_VALUE, "%d amounts for a tensor of rank %d", n, t->rank);
    for (int d = 0; d < t->rank; d++) {
        int k = 2 * (t->rank - 1 - d);
        before[d] = k < n ? pad[k] : shape_int(node, 0);
        after[d] = k < n ? pad[k + 1] : shape_int(node, 0);
    }
    return NULL;
}

static Error *infer_pad(Node *node)
{
    ExprPool         *pool = shape_pool(node);
    const TensorType *t = self_type(node);
    const Expr       *before[MAX_RANK], *after[MAX_RANK], *sizes[MAX_RANK];
    PadMode           mode = pad_mode(node);
    TRY(pad_amounts(node, before, after));
    if (mode == PAD_UNKNOWN)
        return node_error(node, E_VALUE, "unknown padding mode");
    for (int d = 0; d < t->rank; d++) {
        const Expr *most = expr_max(pool, before[d], after[d]);
        int64_t     size, amount;
        sizes[d] = expr_add(pool, expr_add(pool, t->sizes[d], before[d]), after[d]);
        if (expr_range(sizes[d]).max < 0)
            return node_error(node, E_VALUE, "padding makes dim %d negative", d);
        if ((mode == PAD_REFLECT || mode == PAD_CIRCULAR) && expr_is_int(t->sizes[d], &size) &&
            expr_is_int(most, &amount) && amount > 0 && amount >= size + (mode == PAD_CIRCULAR))
            return node_error(node, E_VALUE, "padding %lld is too large for dim %d of size %lld",
                              (long long)amount, d, (long long)size);
    }
    shape_result(node, 0, t->dtype, sizes, t->rank);
    return NULL;
}

/* max(e, -e), decided where ranges allow. */
static const Expr *absolute(ExprPool *pool, const Expr *e)
{
    ExprRange range = expr_range(e);
    if (range.min >= 0)
        return e;
    const Expr *minus = expr_neg(pool, e);
    return range.max <= 0 ? minus : expr_max(pool, e, minus);
}

static const Expr *clamped(ExprPool *pool, const Expr *e, const Expr *size)
{
    const Expr *zero = expr_int(pool, 0), *last = expr_sub(pool, size, expr_int(pool, 1));
    if (!expr_prove_le(pool, zero, e))
        e = expr_max(pool, e, zero);
    return expr_prove_lt(pool, e, size) ? e : expr_min(pool, e, last);
}

static const Expr *padded_index(ExprPool *pool, PadMode mode, const Expr *at, const Expr *size)
{
    const Expr *last = expr_sub(pool, size, expr_int(pool, 1));
    if (mode == PAD_REPLICATE)
        return clamped(pool, at, size);
    if (mode == PAD_CIRCULAR)
        return expr_mod(pool, at, size);
    /* mirrored at both ends: n-1 - |n-1 - |i|| */
    return expr_sub(pool, last, absolute(pool, expr_sub(pool, last, absolute(pool, at))));
}

static Scalar *pad_value(LowerCx *cx, const Node *node, DType dtype)
{
    if (schema_param(node->schema, "value") < 0)
        return scalar_int(cx->scalars, dtype, 0);
    const Arg *arg = node_arg(node, "value");
    int64_t    whole;
    if (arg->kind == ARG_NONE)
        return scalar_int(cx->scalars, dtype, 0);
    const Expr *e = arg->kind == ARG_FLOAT && !arg->expr ? NULL : arg_as_expr(arg);
    if (e && expr_is_int(e, &whole))
        return scalar_int(cx->scalars, dtype, whole);
    if (e && e->kind == EXPR_BOOL)
        return scalar_int(cx->scalars, dtype, e->value);
    if (e && e->kind != EXPR_FLOAT)
        return scalar_cast(
            cx->scalars, dtype,
            scalar_index(cx->scalars, e->type == EXPR_TYPE_FLOAT ? DT_F64 : DT_I64, e));
    double value = e ? e->fvalue : arg->number;
    return dtype_is_float(dtype)
               ? scalar_float(cx->scalars, dtype, value)
               : scalar_int(cx->scalars, dtype, dtype == DT_BOOL ? value != 0 : (int64_t)value);
}

static Scalar *element_pad(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    ExprPool         *pool = cx->ir->exprs;
    const TensorType *t = self_type(node);
    const Expr       *before[MAX_RANK], *after[MAX_RANK], *in[MAX_RANK];
    PadMode           mode = pad_mode(node);
    Scalar           *mask = NULL;
    if (pad_amounts(node, before, after) != NULL)
        return scalar_int(cx->scalars, t->dtype, 0); /* infer has refused it */
    for (int d = 0; d < t->rank; d++) {
        bool unchanged = expr_is_value(before[d], 0) && expr_is_value(after[d], 0);
        in[d] = expr_sub(pool, index[d], before[d]);
        if (unchanged)
            continue;
        if (mode != PAD_CONSTANT)
            in[d] = padded_index(pool, mode, in[d], t->sizes[d]);
        else
            mask = scalar_and(cx->scalars, mask, shape_in_range(cx, in[d], t->sizes[d]));
    }
    if (!mask)
        return shape_load(cx, shape_first_tensor(node), in);
    return shape_masked_load(cx, shape_first_tensor(node), in, mask, pad_value(cx, node, t->dtype));
}

/* ---- upsampling: sizes and scales ------------------------------------------------------------ */
/* One spatial dim: what PyTorch computes source positions from (UpSample.h). */
typedef struct Axis {
    const Expr *in, *out;
    double      scale; /* the factor given by the user, 0 when none */
} Axis;

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

static Error *upsample_axes(const Node *node, Axis *axes)
{
    static const char *const names[3][3] = {
        {"scales"}, {"scales_h", "scales_w"}, {"scales_d", "scales_h", "scales_w"}};
    const TensorType *t = self_type(node);
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
    const TensorType *t = self_type(node);
    const Expr       *sizes[MAX_RANK];
    Axis              axes[3];
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
    if (!dtype_is_float(self_type(node)->dtype))
        return node_error(node, E_UNSUPPORTED, "interpolation of dtype %s",
                          dtype_name(self_type(node)->dtype));
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

/* in / out, or 1 / scale, as f32 of the run. */
static Scalar *ratio(LowerCx *cx, const Axis *a, bool align_corners)
{
    ScalarPool *p = cx->scalars;
    ExprPool   *pool = cx->ir->exprs;
    const Expr *num = a->in, *den = a->out;
    if (align_corners) {
        num = expr_sub(pool, num, expr_int(pool, 1));
        den = expr_sub(pool, den, expr_int(pool, 1));
        if (expr_is_value(den, 0))
            return scalar_float(p, DT_F32, 0);
        den = expr_max(pool, den, expr_int(pool, 1));
    } else if (a->scale > 0) {
        return scalar_float(p, DT_F32, 1 / a->scale);
    }
    return scalar_2(p, S_DIV, scalar_index(p, DT_F32, num), scalar_index(p, DT_F32, den));
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
        return clamped(pool, at, a->in);
    }
    Scalar *at = scalar_index(p, DT_F32, i);
    if (exact)
        at = scalar_2(p, S_ADD, at, scalar_float(p, DT_F32, 0.5));
    at = scalar_1(p, S_FLOOR, scalar_2(p, S_MUL, at, ratio(cx, a, false)));
    at = scalar_2(p, S_MINIMUM, at, scalar_index(p, DT_F32, expr_sub(pool, a->in, one)));
    return shape_scalar_index(cx, at, a->in);
}

static Scalar *element_nearest(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    const Expr *in[MAX_RANK] = {index[0], index[1]};
    Axis        axes[3];
    if (upsample_axes(node, axes) != NULL)
        return scalar_int(cx->scalars, self_type(node)->dtype, 0); /* infer has refused it */
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

/* The source position in f32, and its floor as an index (before clamping). */
static Scalar *source_position(LowerCx *cx, const Axis *a, bool align, bool clamp_low,
                               const Expr *i, const Expr **whole)
{
    ExprPool   *pool = cx->ir->exprs;
    ScalarPool *p = cx->scalars;
    const Expr *num, *den, *one = expr_int(pool, 1), *two = expr_int(pool, 2),
                           *zero = expr_int(pool, 0);
    Scalar *half = scalar_float(p, DT_F32, 0.5), *at = scalar_index(p, DT_F32, i),
           *scale = ratio(cx, a, align);
    *whole = NULL;
    if (align) {
        den = expr_max(pool, expr_sub(pool, a->out, one), one);
        num = expr_sub(pool, a->in, one);
        *whole = expr_is_value(a->out, 1) ? zero : expr_floordiv(pool, expr_mul(pool, i, num), den);
        return scalar_2(p, S_MUL, at, scale);
    }
    at = scalar_2(p, S_SUB, scalar_2(p, S_MUL, scalar_2(p, S_ADD, at, half), scale), half);
    if (clamp_low)
        at = scalar_2(p, S_MAXIMUM, at, scalar_float(p, DT_F32, 0));
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
                               scalar_index(p, DT_F32, expr_sub(pool, a->in, one)));
        whole = shape_scalar_index(cx, low, a->in);
    }
    taps.at[0] = clamped(pool, whole, a->in);
    taps.at[1] = clamped(pool, expr_add(pool, taps.at[0], one), a->in);
    taps.weight[1] = scalar_2(p, S_SUB, at, scalar_index(p, DT_F32, taps.at[0]));
    taps.weight[0] = scalar_2(p, S_SUB, scalar_float(p, DT_F32, 1), taps.weight[1]);
    return taps;
}

/* ((a x + b) x + c) x + d */
static Scalar *cubic(ScalarPool *p, Scalar *x, double a, double b, double c, double d)
{
    Scalar *y = scalar_2(p, S_ADD, scalar_2(p, S_MUL, scalar_float(p, DT_F32, a), x),
                         scalar_float(p, DT_F32, b));
    y = scalar_2(p, S_ADD, scalar_2(p, S_MUL, y, x), scalar_float(p, DT_F32, c));
    return scalar_2(p, S_ADD, scalar_2(p, S_MUL, y, x), scalar_float(p, DT_F32, d));
}

/* Cubic convolution with A = -0.75 (Keys 1981): weights of the taps at distances 1 + t, t, 1 - t, 2
 * - t. */
static void cubic_weights(ScalarPool *p, Scalar *t, Scalar **w)
{
    const double a = -0.75;
    Scalar      *one = scalar_float(p, DT_F32, 1), *s = scalar_2(p, S_SUB, one, t);
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
    Scalar     *low = whole ? scalar_index(p, DT_F32, whole) : scalar_1(p, S_FLOOR, at);
    cubic_weights(p, scalar_2(p, S_SUB, at, low), taps.weight);
    for (int k = 0; k < 4; k++) {
        if (whole) {
            taps.at[k] = clamped(pool, expr_add(pool, whole, expr_int(pool, k - 1)), a->in);
            continue;
        }
        Scalar *x = scalar_2(p, S_ADD, low, scalar_float(p, DT_F32, k - 1));
        x = scalar_2(p, S_MAXIMUM, x, scalar_float(p, DT_F32, 0));
        x = scalar_2(p, S_MINIMUM, x,
                     scalar_index(p, DT_F32, expr_sub(pool, a->in, expr_int(pool, 1))));
        taps.at[k] = shape_scalar_index(cx, x, a->in);
    }
    return taps;
}

/* sum over taps of dim i and deeper, innermost first. */
static Scalar *blend_taps(LowerCx *cx, Value *self, const Taps *taps, int n, int i, const Expr **in)
{
    ScalarPool *p = cx->scalars;
    if (i == n)
        return scalar_cast(p, DT_F32, shape_load(cx, self, in));
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
    DType       dtype = self_type(node)->dtype;
    int         n = upsample_dims(node);
    bool        align = node_bool(node, "align_corners"),
         is_cubic = strstr(node->schema->base, "cubic") != NULL;
    Axis axes[3];
    Taps taps[3];
    if (upsample_axes(node, axes) != NULL)
        return scalar_int(cx->scalars, dtype, 0); /* infer has refused it */
    for (int i = 0; i < n; i++)
        taps[i] = is_cubic ? cubic_taps(cx, &axes[i], align, index[2 + i])
                           : linear_taps(cx, &axes[i], align, index[2 + i]);
    return scalar_cast(cx->scalars, dtype,
                       blend_taps(cx, shape_first_tensor(node), taps, n, 0, in));
}

/* ---- antialiased resizing: a product with a matrix of weights for each dim ------------------- */
static Value *with_number(Build *b, const char *op, Value *x, double number)
{
    return BUILD(b, op, arg_value(x), arg_float(number));
}

/* Weight at distance |x| in elements of the coarser grid: a tent, or the cubic kernel with
 * a = -0.5. */
static Value *aa_filter(Build *b, Value *x, bool is_cubic)
{
    if (!is_cubic)
        return with_number(b, "aten.clamp_min.default", with_number(b, "aten.rsub.Scalar", x, 1),
                           0);
    Value *near = with_number(b, "aten.mul.Scalar", x, 1.5),
          *far = with_number(b, "aten.sub.Scalar", x, 5);
    near = with_number(b, "aten.sub.Scalar", near, 2.5);
    near =
        BUILD(b, "aten.mul.Tensor",
              arg_value(BUILD(b, "aten.mul.Tensor", arg_value(near), arg_value(x))), arg_value(x));
    near = with_number(b, "aten.add.Scalar", near, 1);
    far = with_number(b, "aten.add.Scalar",
                      BUILD(b, "aten.mul.Tensor", arg_value(far), arg_value(x)), 8);
    far = with_number(b, "aten.sub.Scalar",
                      BUILD(b, "aten.mul.Tensor", arg_value(far), arg_value(x)), 4);
    far = with_number(b, "aten.mul.Scalar", far, -0.5);
    Value *is_far = with_number(b, "aten.lt.Scalar", x, 2),
          *is_near = with_number(b, "aten.lt.Scalar", x, 1);
    far =
        BUILD(b, "aten.where.ScalarOther", arg_value(is_far), arg_value(far), arg_int(b->graph, 0));
    return BUILD(b, "aten.where.self", arg_value(is_near), arg_value(near), arg_value(far));
}

/* f32 [out, in]: the rows sum to 1 (UpSampleKernel.cpp, _compute_indices_min_size_weights_aa). */
static Value *aa_weights(Build *b, int64_t in, int64_t out, double scale, bool is_cubic)
{
    int64_t last = -1;
    Value  *i = BUILD(b, "aten.arange.default", arg_int(b->graph, out), arg_dtype(DT_F64));
    Value  *j = BUILD(b, "aten.arange.default", arg_int(b->graph, in), arg_dtype(DT_F64));
    Value  *center =
        with_number(b, "aten.mul.Scalar", with_number(b, "aten.add.Scalar", i, 0.5), scale);
    j = with_number(b, "aten.add.Scalar", j, 0.5);
    Value *x = BUILD(b, "aten.sub.Tensor", arg_value(j), arg_value(build_unsqueeze(b, center, 1)));
    x = BUILD(b, "aten.abs.default", arg_value(x));
    Value *w =
        aa_filter(b, scale > 1 ? with_number(b, "aten.mul.Scalar", x, 1 / scale) : x, is_cubic);
    Value *sum = BUILD(b, "aten.sum.dim_IntList", arg_value(w), arg_ints(b->graph, &last, 1),
                       arg_bool(b->graph, true));
    w = BUILD(b, "aten.div.Tensor", arg_value(w), arg_value(sum));
    return b->error ? NULL : build_cast(b, w, DT_F32);
}

static Error *expand_upsample_aa(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *self = shape_first_tensor(node), *x = self;
    bool   align = node_bool(node, "align_corners"),
         is_cubic = strstr(node->schema->base, "cubic") != NULL;
    Axis    axes[3];
    int64_t in, out;
    if (!dtype_is_float(self->type.dtype) || self->type.dtype == DT_F64)
        return node_error(node, E_UNSUPPORTED, "antialiased interpolation of dtype %s",
                          dtype_name(self->type.dtype));
    TRY(upsample_axes(node, axes));
    x = build_cast(&b, x, DT_F32);
    for (int d = 1; d >= 0 && !b.error; d--) {
        if (!expr_is_int(axes[d].in, &in) || !expr_is_int(axes[d].out, &out))
            return node_error(node, E_UNSUPPORTED,
                              "antialiased interpolation of a size that is not constant");
        double scale = align               ? (out > 1 ? (double)(in - 1) / (double)(out - 1) : 0)
                       : axes[d].scale > 0 ? 1 / axes[d].scale
                                           : (double)in / (double)out;
        if (in == out && scale == 1)
            continue;
        Value *w = aa_weights(&b, in, out, scale, is_cubic);
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

/* ---- grid_sampler_2d, grid_sampler_3d -------------------------------------------------------- */
typedef enum GridPad { GRID_ZEROS, GRID_BORDER, GRID_REFLECTION } GridPad;

static Error *infer_grid_sampler(Node *node)
{
    const TensorType *x = shape_type(node, "input"), *grid = shape_type(node, "grid");
    int64_t           mode, padding;
    TRY(shape_const_int(node, "interpolation_mode", &mode));
    TRY(shape_const_int(node, "padding_mode", &padding));
    int n = strstr(node->schema->base, "3d") ? 3 : 2;
    if (x->rank != n + 2 || grid->rank != n + 2 || !expr_is_value(grid->sizes[n + 1], n))
        return node_error(node, E_VALUE, "input of rank %d, grid of rank %d", x->rank, grid->rank);
    if (mode == 2 && n == 3)
        return node_error(node, E_VALUE, "bicubic interpolation of volumes");
    if (mode < 0 || mode > 2 || padding < 0 || padding > 2)
        return node_error(node, E_VALUE, "interpolation %lld, padding %lld", (long long)mode,
                          (long long)padding);
    const Expr *sizes[5] = {x->sizes[0], x->sizes[1]};
    memcpy(sizes + 2, grid->sizes + 1, sizeof *sizes * (size_t)n);
    shape_result(node, 0, x->dtype, sizes, n + 2);
    return NULL;
}

static Scalar *f32(LowerCx *cx, double value)
{
    return scalar_float(cx->scalars, DT_F32, value);
}

static Scalar *clip(LowerCx *cx, Scalar *x, Scalar *last)
{
    /* fmax: a NaN coordinate becomes 0, as in PyTorch */
    return scalar_2(cx->scalars, S_FMIN, scalar_2(cx->scalars, S_FMAX, x, f32(cx, 0)), last);
}

/* Mirrors x at low and low + span as often as needed (grid_sample, reflect_coordinates). */
static Scalar *reflect(LowerCx *cx, Scalar *x, double low, Scalar *span)
{
    ScalarPool *p = cx->scalars;
    x = scalar_1(p, S_ABS, scalar_2(p, S_SUB, x, f32(cx, low)));
    Scalar *extra = scalar_2(p, S_FMOD, x, span);
    Scalar *flips = scalar_1(p, S_FLOOR, scalar_2(p, S_DIV, x, span));
    Scalar *even = scalar_2(p, S_EQ, scalar_2(p, S_FMOD, flips, f32(cx, 2)), f32(cx, 0));
    Scalar *back = scalar_2(p, S_SUB, span, extra);
    x = scalar_2(p, S_ADD, scalar_select(p, even, extra, back), f32(cx, low));
    return scalar_select(p, scalar_2(p, S_GT, span, f32(cx, 0)), x, f32(cx, 0));
}

static Scalar *grid_pad(LowerCx *cx, Scalar *x, const Expr *size, GridPad pad, bool align)
{
    ExprPool *pool = cx->ir->exprs;
    Scalar   *last = scalar_index(cx->scalars, DT_F32, expr_sub(pool, size, expr_int(pool, 1)));
    if (pad == GRID_ZEROS)
        return x;
    if (pad == GRID_REFLECTION)
        x = align ? reflect(cx, x, 0, last)
                  : reflect(cx, x, -0.5, scalar_index(cx->scalars, DT_F32, size));
    return clip(cx, x, last);
}

/* A coordinate in [-1, 1] in elements. */
static Scalar *grid_position(LowerCx *cx, Scalar *x, const Expr *size, bool align)
{
    ScalarPool *p = cx->scalars;
    ExprPool   *pool = cx->ir->exprs;
    Scalar     *one = f32(cx, 1), *half = f32(cx, 0.5);
    x = scalar_2(p, S_ADD, x, one);
    if (align) {
        Scalar *last = scalar_index(p, DT_F32, expr_sub(pool, size, expr_int(pool, 1)));
        return scalar_2(p, S_MUL, scalar_2(p, S_MUL, x, half), last);
    }
    x = scalar_2(p, S_SUB, scalar_2(p, S_MUL, x, scalar_index(p, DT_F32, size)), one);
    return scalar_2(p, S_MUL, x, half);
}

/* input[n, c, at...] for whole numbers; 0 outside. */
static Scalar *grid_tap(LowerCx *cx, Value *input, const Expr *const *index, Scalar *const *at)
{
    ScalarPool *p = cx->scalars;
    const Expr *in[5] = {index[0], index[1]};
    Scalar     *inside = NULL;
    for (int i = 0; i < input->type.rank - 2; i++) {
        const Expr *size = input->type.sizes[2 + i];
        Scalar     *last =
            scalar_index(p, DT_F32, expr_sub(cx->ir->exprs, size, expr_int(cx->ir->exprs, 1)));
        Scalar *ok = scalar_2(p, S_AND, scalar_2(p, S_GE, at[i], f32(cx, 0)),
                              scalar_2(p, S_LE, at[i], last));
        inside = scalar_and(p, inside, ok);
        in[2 + i] = shape_scalar_index(cx, clip(cx, at[i], last), size);
    }
    Scalar *other = scalar_int(p, input->type.dtype, 0);
    return scalar_cast(p, DT_F32, shape_masked_load(cx, input, in, inside, other));
}

/* All taps around the position: 2 a dim, or 4 (bicubic). */
static Scalar *grid_blend(LowerCx *cx, const Node *node, const Expr *const *index,
                          Scalar *const *position)
{
    ScalarPool *p = cx->scalars;
    Value      *input = node_tensor(node, "input");
    bool        is_cubic = node_int(node, "interpolation_mode") == 2,
         align = node_bool(node, "align_corners");
    GridPad pad = (GridPad)node_int(node, "padding_mode");
    Scalar *low[3], *w[3][4], *sum = NULL;
    int     dims = input->type.rank - 2, n = is_cubic ? 4 : 2, taps = 1;
    for (int i = 0; i < dims; i++, taps *= n) {
        low[i] = scalar_1(p, S_FLOOR, position[i]);
        Scalar *t = scalar_2(p, S_SUB, position[i], low[i]);
        if (is_cubic)
            cubic_weights(p, t, w[i]);
        w[i][1] = is_cubic ? w[i][1] : t;
        w[i][0] = is_cubic ? w[i][0] : scalar_2(p, S_SUB, f32(cx, 1), t);
    }
    for (int tap = 0; tap < taps; tap++) {
        Scalar *at[3], *weight = NULL;
        for (int i = dims - 1, rest = tap; i >= 0; i--, rest /= n) {
            int k = rest % n;
            at[i] = scalar_2(p, S_ADD, low[i], f32(cx, k - (is_cubic ? 1 : 0)));
            if (is_cubic) /* cubic taps are padded one by one */
                at[i] = grid_pad(cx, at[i], input->type.sizes[2 + i], pad, align);
            weight = weight ? scalar_2(p, S_MUL, w[i][k], weight) : w[i][k];
        }
        Scalar *term = scalar_2(p, S_MUL, grid_tap(cx, input, index, at), weight);
        sum = sum ? scalar_2(p, S_ADD, sum, term) : term;
    }
    return sum;
}

static Scalar *element_grid_sampler(LowerCx *cx, const Node *node, int result,
                                    const Expr *const *index)
{
    (void)result;
    ExprPool   *pool = cx->ir->exprs;
    ScalarPool *p = cx->scalars;
    Value      *input = node_tensor(node, "input"), *grid = node_tensor(node, "grid");
    int         n = input->type.rank - 2;
    const Expr *at[5] = {index[0]};
    bool        align = node_bool(node, "align_corners");
    int64_t     mode = node_int(node, "interpolation_mode");
    GridPad     pad = (GridPad)node_int(node, "padding_mode");
    Scalar     *pos[3];
    memcpy(at + 1, index + 2, sizeof *at * (size_t)n);
    for (int i = 0; i < n; i++) { /* the grid has x first */
        at[n + 1] = expr_int(pool, n - 1 - i);
        Scalar *g = scalar_cast(p, DT_F32, shape_load(cx, grid, at));
        pos[i] = grid_position(cx, g, input->type.sizes[2 + i], align);
        if (mode != 2)
            pos[i] = grid_pad(cx, pos[i], input->type.sizes[2 + i], pad, align);
        if (mode == 1)
            pos[i] = scalar_1(p, S_ROUND, pos[i]);
    }
    Scalar *out = mode == 1 ? grid_tap(cx, input, index, pos) : grid_blend(cx, node, index, pos);
    return scalar_cast(p, input->type.dtype, out);
}

static Error *expand_grid_sampler(Node *node, Value **results)
{
    bool is_volume = shape_type(node, "input")->rank == 5;
    return expand_as_op(
        node, is_volume ? "aten.grid_sampler_3d.default" : "aten.grid_sampler_2d.default", results);
}

/* ---- shuffles -------------------------------------------------------------------------------- */
/* [..., c*r*r, h, w] -> [..., c, h*r, w*r], and back. */
static Error *expand_pixel_shuffle(Node *node, Value **results)
{
    Build             b = build_at(node);
    ExprPool         *pool = shape_pool(node);
    const TensorType *t = self_type(node);
    bool              back = strcmp(node->schema->base, "pixel_unshuffle") == 0;
    int               n = t->rank - 3, perm[MAX_RANK];
    int64_t           factor;
    TRY(shape_const_int(node, back ? "downscale_factor" : "upscale_factor", &factor));
    if (n < 0 || n + 5 > MAX_RANK || factor < 1)
        return node_error(node, E_VALUE, "rank %d, factor %lld", t->rank, (long long)factor);
    const Expr *r = expr_int(pool, factor), *c = t->sizes[n], *h = t->sizes[n + 1],
               *w = t->sizes[n + 2];
    const Expr *split[MAX_RANK], *joined[MAX_RANK], *rr = expr_mul(pool, r, r);
    memcpy(split, t->sizes, sizeof *split * (size_t)n);
    memcpy(joined, t->sizes, sizeof *joined * (size_t)n);
    const Expr      *in5[2][5] = {{expr_floordiv(pool, c, rr), r, r, h, w},
                                  {c, expr_floordiv(pool, h, r), r, expr_floordiv(pool, w, r), r}};
    const Expr      *out3[2][3] = {{in5[0][0], expr_mul(pool, h, r), expr_mul(pool, w, r)},
                                   {expr_mul(pool, c, rr), in5[1][1], in5[1][3]}};
    static const int order[2][5] = {{0, 3, 1, 4, 2}, {0, 2, 4, 1, 3}};
    memcpy(split + n, in5[back], sizeof in5[0]);
    memcpy(joined + n, out3[back], sizeof out3[0]);
    for (int d = 0; d < n + 5; d++)
        perm[d] = d < n ? d : n + order[back][d - n];
    Value *v = build_reshape(&b, shape_first_tensor(node), split, n + 5);
    results[0] = build_reshape(&b, build_permute(&b, v, perm, n + 5), joined, t->rank);
    return b.error;
}

static Error *expand_channel_shuffle(Node *node, Value **results)
{
    Build             b = build_at(node);
    ExprPool         *pool = shape_pool(node);
    const TensorType *t = self_type(node);
    const Expr       *split[MAX_RANK], *groups = arg_as_expr(node_arg(node, "groups"));
    if (t->rank < 3 || t->rank == MAX_RANK)
        return node_error(node, E_VALUE, "does not take rank %d", t->rank);
    split[0] = t->sizes[0];
    split[1] = groups;
    split[2] = expr_floordiv(pool, t->sizes[1], groups);
    memcpy(split + 3, t->sizes + 2, sizeof *split * (size_t)(t->rank - 2));
    Value *v =
        build_transpose(&b, build_reshape(&b, shape_first_tensor(node), split, t->rank + 1), 1, 2);
    results[0] = build_reshape(&b, v, t->sizes, t->rank);
    return b.error;
}

#define INDEXED(text, infer_fn, element_fn, ...)                                                   \
    {                                                                                              \
        .schema = text, .kind = OP_INDEXED, .infer = infer_fn, .element = element_fn, __VA_ARGS__  \
    }
#define COMPOSITE(text, fn, ...)                                                                   \
    {                                                                                              \
        .schema = text, .kind = OP_COMPOSITE, .expand_fn = fn, __VA_ARGS__                         \
    }
#define PAD(text) INDEXED(text, infer_pad, element_pad)
#define NEAREST(text) INDEXED(text, infer_upsample, element_nearest)
#define INTERPOLATE(text) INDEXED(text, infer_interpolate, element_interpolate)

const OpDesc resize_ops[] = {
    PAD("aten::constant_pad_nd(Tensor self, SymInt[] pad, Scalar value=0) -> Tensor"),
    PAD("aten::pad(Tensor self, SymInt[] pad, str mode=\"constant\", float? value=None) -> Tensor"),
    PAD("aten::_pad_enum(Tensor self, SymInt[] pad, int mode, float? value=None) -> Tensor"),
    PAD("aten::_pad_circular(Tensor self, SymInt[] pad) -> Tensor"),
    PAD("aten::reflection_pad1d(Tensor self, SymInt[2] padding) -> Tensor"),
    PAD("aten::reflection_pad2d(Tensor self, SymInt[4] padding) -> Tensor"),
    PAD("aten::reflection_pad3d(Tensor self, SymInt[6] padding) -> Tensor"),
    PAD("aten::replication_pad1d(Tensor self, SymInt[2] padding) -> Tensor"),
    PAD("aten::replication_pad2d(Tensor self, SymInt[4] padding) -> Tensor"),
    PAD("aten::replication_pad3d(Tensor self, SymInt[6] padding) -> Tensor"),

    NEAREST("aten::upsample_nearest1d(Tensor self, SymInt[1] output_size, float? scales=None) -> "
            "Tensor"),
    NEAREST(
        "aten::upsample_nearest2d(Tensor self, SymInt[2] output_size, float? scales_h=None, float? "
        "scales_w=None) -> Tensor"),
    NEAREST(
        "aten::upsample_nearest3d(Tensor self, SymInt[3] output_size, float? scales_d=None, float? "
        "scales_h=None, float? scales_w=None) -> Tensor"),
    NEAREST("aten::upsample_nearest1d.vec(Tensor input, SymInt[]? output_size, float[]? "
            "scale_factors) -> Tensor"),
    NEAREST("aten::upsample_nearest2d.vec(Tensor input, SymInt[]? output_size, float[]? "
            "scale_factors) -> Tensor"),
    NEAREST("aten::upsample_nearest3d.vec(Tensor input, SymInt[]? output_size, float[]? "
            "scale_factors) -> Tensor"),
    NEAREST("aten::_upsample_nearest_exact1d(Tensor self, SymInt[1] output_size, float? "
            "scales=None) -> Tensor"),
    NEAREST("aten::_upsample_nearest_exact2d(Tensor self, SymInt[2] output_size, float? "
            "scales_h=None, float? "
            "scales_w=None) -> Tensor"),
    NEAREST("aten::_upsample_nearest_exact3d(Tensor self, SymInt[3] output_size, float? "
            "scales_d=None, float? "
            "scales_h=None, float? scales_w=None) -> Tensor"),
    NEAREST("aten::_upsample_nearest_exact1d.vec(Tensor input, SymInt[]? output_size, float[]? "
            "scale_factors) -> "
            "Tensor"),
    NEAREST("aten::_upsample_nearest_exact2d.vec(Tensor input, SymInt[]? output_size, float[]? "
            "scale_factors) -> "
            "Tensor"),
    NEAREST("aten::_upsample_nearest_exact3d.vec(Tensor input, SymInt[]? output_size, float[]? "
            "scale_factors) -> "
            "Tensor"),
    INTERPOLATE("aten::upsample_linear1d(Tensor self, SymInt[1] output_size, bool align_corners, "
                "float? scales=None) "
                "-> Tensor"),
    INTERPOLATE(
        "aten::upsample_bilinear2d(Tensor self, SymInt[2] output_size, bool align_corners, float? "
        "scales_h=None, float? scales_w=None) -> Tensor"),
    INTERPOLATE(
        "aten::upsample_trilinear3d(Tensor self, SymInt[3] output_size, bool align_corners, float? "
        "scales_d=None, float? scales_h=None, float? scales_w=None) -> Tensor"),
    INTERPOLATE(
        "aten::upsample_bicubic2d(Tensor self, SymInt[2] output_size, bool align_corners, float? "
        "scales_h=None, float? scales_w=None) -> Tensor"),
    INTERPOLATE("aten::upsample_linear1d.vec(Tensor input, SymInt[]? output_size, bool "
                "align_corners, float[]? "
                "scale_factors) -> Tensor"),
    INTERPOLATE("aten::upsample_bilinear2d.vec(Tensor input, SymInt[]? output_size, bool "
                "align_corners, float[]? "
                "scale_factors) -> Tensor"),
    INTERPOLATE("aten::upsample_trilinear3d.vec(Tensor input, SymInt[]? output_size, bool "
                "align_corners, float[]? "
                "scale_factors) -> Tensor"),
    INTERPOLATE("aten::upsample_bicubic2d.vec(Tensor input, SymInt[]? output_size, bool "
                "align_corners, float[]? "
                "scale_factors) -> Tensor"),
    COMPOSITE("aten::_upsample_bilinear2d_aa(Tensor self, SymInt[2] output_size, bool "
              "align_corners, float? scales_h=None, float? scales_w=None) -> Tensor",
              expand_upsample_aa),
    COMPOSITE("aten::_upsample_bicubic2d_aa(Tensor self, SymInt[2] output_size, bool "
              "align_corners, float? scales_h=None, float? scales_w=None) -> Tensor",
              expand_upsample_aa),
    COMPOSITE("aten::_upsample_bilinear2d_aa.vec(Tensor input, SymInt[]? output_size, bool "
              "align_corners, float[]? scale_factors) -> Tensor",
              expand_upsample_aa),
    COMPOSITE("aten::_upsample_bicubic2d_aa.vec(Tensor input, SymInt[]? output_size, bool "
              "align_corners, float[]? scale_factors) -> Tensor",
              expand_upsample_aa),
    INDEXED("aten::grid_sampler_3d(Tensor input, Tensor grid, int interpolation_mode, int "
            "padding_mode, bool align_corners) -> Tensor",
            infer_grid_sampler, element_grid_sampler),
    INDEXED("aten::grid_sampler_2d(Tensor input, Tensor grid, int interpolation_mode, int "
            "padding_mode, bool "
            "align_corners) -> Tensor",
            infer_grid_sampler, element_grid_sampler),
    COMPOSITE("aten::grid_sampler(Tensor input, Tensor grid, int interpolation_mode, int "
              "padding_mode, bool "
              "align_corners) -> Tensor",
              expand_grid_sampler),

    COMPOSITE("aten::pixel_shuffle(Tensor self, int upscale_factor) -> Tensor",
              expand_pixel_shuffle),
    COMPOSITE("aten::pixel_unshuffle(Tensor self, int downscale_factor) -> Tensor",
              expand_pixel_shuffle),
    COMPOSITE("aten::channel_shuffle(Tensor self, SymInt groups) -> Tensor",
              expand_channel_shuffle),
    COMPOSITE("aten::native_channel_shuffle(Tensor self, SymInt groups) -> Tensor",
              expand_channel_shuffle),
    {0},
};
