/* Pooling: windows, then a reduction over them.
 *
 *   aten.max_pool2d.default(%x: f32[n,c,h,w], [3, 3], [2, 2], [1, 1])
 *     -> %w = aotc.windows.default(%x, …, pad_value = -inf) : f32[n,c,oh,ow,3,3]     an index map,
 * no memory aten.amax.default(%w, [-2, -1])
 *
 * In: a node.  Out: nodes that replace it; and the index maps of the internal operators:
 *   aotc::windows           a regular grid of windows (pooling, im2col)
 *   aotc::adaptive_windows  windows from floor(i*in/out) to ceil((i+1)*in/out), padded to a common
 * size aotc::window_count      elements that a window covers, for averages at borders
 *   aotc::window_offset     position in the input of the k-th element of each window (indices of
 * max pooling) aotc::fold_windows      the adjoint of windows: which column elements meet at a
 * position (col2im) */
#include "ir/ops/shape_util.h"

#include <math.h>
#include <string.h>

#define WINDOWS                                                                                    \
    "aotc::windows(Tensor self, int[] kernel, int[] stride, int[] padding, int[] dilation, float " \
    "pad_value, bool "                                                                             \
    "ceil_mode) -> Tensor"
#define ADAPTIVE_WINDOWS                                                                           \
    "aotc::adaptive_windows(Tensor self, SymInt[] output_size, float pad_value) -> Tensor"
#define WINDOW_COUNT                                                                               \
    "aotc::window_count(Tensor self, int[] kernel, int[] stride, int[] padding, bool ceil_mode, "  \
    "bool "                                                                                        \
    "count_include_pad) -> Tensor"
#define ADAPTIVE_COUNT "aotc::adaptive_count(Tensor self, SymInt[] output_size) -> Tensor"
#define WINDOW_OFFSET                                                                              \
    "aotc::window_offset(Tensor k, Tensor self, int[] kernel, int[] stride, int[] padding, int[] " \
    "dilation) -> Tensor"
#define ADAPTIVE_OFFSET                                                                            \
    "aotc::adaptive_offset(Tensor k, Tensor self, SymInt[] output_size) -> Tensor"
#define FOLD_WINDOWS                                                                               \
    "aotc::fold_windows(Tensor self, SymInt[] output_size, int[] kernel, int[] dilation, int[] "   \
    "padding, int[] "                                                                              \
    "stride) -> Tensor"

/* ---- geometry -------------------------------------------------------------------------------- */
typedef struct Window {
    int     n; /* spatial dims: the last ones of the input */
    int64_t kernel[3], stride[3], padding[3], dilation[3];
    bool    ceil_mode;
} Window;

static bool has(const Node *node, const char *param)
{
    return schema_param(node->schema, param) >= 0;
}

static Error *check_window(const Node *node, const Window *w, bool half)
{
    for (int i = 0; i < w->n; i++) {
        if (w->kernel[i] < 1 || w->stride[i] < 1 || w->dilation[i] < 1 || w->padding[i] < 0)
            return node_error(node, E_VALUE,
                              "kernel %lld, stride %lld, dilation %lld, padding %lld",
                              (long long)w->kernel[i], (long long)w->stride[i],
                              (long long)w->dilation[i], (long long)w->padding[i]);
        if (half && w->padding[i] > ((w->kernel[i] - 1) * w->dilation[i] + 1) / 2)
            return node_error(node, E_VALUE, "padding %lld is more than half of the kernel %lld",
                              (long long)w->padding[i], (long long)w->kernel[i]);
    }
    return NULL;
}

/* Of an aten operator; n spatial dims. An empty stride means the kernel. */
static Error *read_window(const Node *node, int n, Window *w)
{
    const Expr *list[MAX_RANK];
    int         count;
    *w = (Window){.n = n, .dilation = {1, 1, 1}};
    TRY(shape_ints(node, "kernel_size", w->kernel, n));
    memcpy(w->stride, w->kernel, sizeof w->kernel);
    TRY(shape_exprs(node, "stride", list, &count));
    if (count > 0)
        TRY(shape_ints(node, "stride", w->stride, n));
    TRY(shape_ints(node, "padding", w->padding, n));
    if (has(node, "dilation"))
        TRY(shape_ints(node, "dilation", w->dilation, n));
    w->ceil_mode = has(node, "ceil_mode") && node_bool(node, "ceil_mode");
    return NULL;
}

/* Of an internal operator. */
static Error *internal_window(const Node *node, Window *w)
{
    const Expr *list[MAX_RANK];
    TRY(shape_exprs(node, "kernel", list, &w->n));
    if (w->n < 1 || w->n > 3)
        return node_error(node, E_VALUE, "%d spatial dims", w->n);
    TRY(shape_ints(node, "kernel", w->kernel, w->n));
    TRY(shape_ints(node, "stride", w->stride, w->n));
    TRY(shape_ints(node, "padding", w->padding, w->n));
    for (int i = 0; i < 3; i++)
        w->dilation[i] = 1;
    if (has(node, "dilation"))
        TRY(shape_ints(node, "dilation", w->dilation, w->n));
    w->ceil_mode = has(node, "ceil_mode") && node_bool(node, "ceil_mode");
    return check_window(node, w, false);
}

/* Number of windows along a dim; with ceil_mode the last one still starts inside the input or its
 * left padding. */
static const Expr *window_places(ExprPool *pool, const Expr *in, const Window *w, int i)
{
    const Expr *one = expr_int(pool, 1), *stride = expr_int(pool, w->stride[i]);
    int64_t     span = w->dilation[i] * (w->kernel[i] - 1) + 1;
    const Expr *room = expr_add(pool, in, expr_int(pool, 2 * w->padding[i] - span));
    if (!w->ceil_mode)
        return expr_add(pool, expr_floordiv(pool, room, stride), one);
    room = expr_add(pool, room, expr_int(pool, w->stride[i] - 1));
    const Expr *last = expr_add(pool, in, expr_int(pool, w->padding[i] - 1));
    return expr_add(
        pool, expr_min(pool, expr_floordiv(pool, room, stride), expr_floordiv(pool, last, stride)),
        one);
}

static const TensorType *self_type(const Node *node)
{
    return shape_type(node, "self");
}

static Error *check_spatial(const Node *node, int n)
{
    int rank = self_type(node)->rank;
    if (rank != n + 1 && rank != n + 2)
        return node_error(node, E_VALUE, "takes rank %d or %d, not %d", n + 1, n + 2, rank);
    if (rank + n > MAX_RANK)
        return node_error(node, E_LIMIT, "rank %d is too large", rank);
    return NULL;
}

/* ---- aotc::windows --------------------------------------------------------------------------- */
static Error *infer_windows(Node *node)
{
    const TensorType *t = self_type(node);
    const Expr       *sizes[MAX_RANK];
    Window            w;
    TRY(internal_window(node, &w));
    TRY(check_spatial(node, w.n));
    int lead = t->rank - w.n;
    memcpy(sizes, t->sizes, sizeof *sizes * (size_t)lead);
    for (int i = 0; i < w.n; i++) {
        sizes[lead + i] = window_places(shape_pool(node), t->sizes[lead + i], &w, i);
        sizes[t->rank + i] = shape_int(node, w.kernel[i]);
        if (expr_range(sizes[lead + i]).max < 1)
            return node_error(node, E_VALUE, "dim %d is smaller than its window", lead + i);
    }
    shape_result(node, 0, t->dtype, sizes, t->rank + w.n);
    return NULL;
}

/* -inf stands for the smallest number of an integer type. */
static Scalar *pad_scalar(LowerCx *cx, DType dtype, double value)
{
    static const int64_t lowest[DT_COUNT] = {
        [DT_I8] = INT8_MIN, [DT_I16] = INT16_MIN, [DT_I32] = INT32_MIN, [DT_I64] = INT64_MIN};
    if (dtype_is_float(dtype))
        return scalar_float(cx->scalars, dtype, value);
    return scalar_int(cx->scalars, dtype, isinf(value) ? lowest[dtype] : (int64_t)value);
}

static Scalar *element_windows(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    ExprPool         *pool = cx->ir->exprs;
    Value            *self = node_tensor(node, "self");
    const TensorType *t = &self->type;
    const Expr       *in[MAX_RANK];
    Scalar           *mask = NULL, *other = pad_scalar(cx, t->dtype, node_float(node, "pad_value"));
    Window            w;
    if (internal_window(node, &w) != NULL)
        return other; /* infer has refused it */
    int lead = t->rank - w.n;
    memcpy(in, index, sizeof *in * (size_t)lead);
    for (int i = 0; i < w.n; i++) {
        const Expr *at = expr_mul(pool, index[lead + i], expr_int(pool, w.stride[i]));
        at = expr_add(pool, at, expr_mul(pool, index[t->rank + i], expr_int(pool, w.dilation[i])));
        in[lead + i] = expr_sub(pool, at, expr_int(pool, w.padding[i]));
        if (w.padding[i] > 0 || w.ceil_mode)
            mask =
                scalar_and(cx->scalars, mask, shape_in_range(cx, in[lead + i], t->sizes[lead + i]));
    }
    return shape_masked_load(cx, self, in, mask, other);
}

/* ---- adaptive windows ------------------------------------------------------------------------ */
static const Expr *adaptive_start(ExprPool *pool, const Expr *i, const Expr *in, const Expr *out)
{
    return expr_floordiv(pool, expr_mul(pool, i, in), out);
}

static const Expr *adaptive_end(ExprPool *pool, const Expr *i, const Expr *in, const Expr *out)
{
    return expr_ceildiv(pool, expr_mul(pool, expr_add(pool, i, expr_int(pool, 1)), in), out);
}

static bool is_divisible(ExprPool *pool, const Expr *in, const Expr *out)
{
    return expr_is_value(expr_mod(pool, in, out), 0);
}

/* Largest window: in/out where that is whole, else at most one more than it rounded up. */
static const Expr *adaptive_kernel(ExprPool *pool, const Expr *in, const Expr *out)
{
    if (is_divisible(pool, in, out))
        return expr_floordiv(pool, in, out);
    return expr_ceildiv(pool, expr_sub(pool, expr_add(pool, in, out), expr_int(pool, 1)), out);
}

/* None in output_size keeps the size of the dim. */
static Error *adaptive_sizes(const Node *node, const Expr **out, int *n)
{
    const TensorType *t = self_type(node);
    TRY(shape_exprs(node, "output_size", out, n));
    TRY(check_spatial(node, *n));
    for (int i = 0; i < *n; i++)
        if (expr_range(out[i]).max < 0)
            return node_error(node, E_VALUE, "output_size %d is negative", i);
    return t->rank > *n ? NULL : node_error(node, E_VALUE, "rank %d is too small", t->rank);
}

static Error *infer_adaptive_windows(Node *node)
{
    const TensorType *t = self_type(node);
    const Expr       *sizes[MAX_RANK], *out[MAX_RANK];
    int               n;
    TRY(adaptive_sizes(node, out, &n));
    int lead = t->rank - n;
    memcpy(sizes, t->sizes, sizeof *sizes * (size_t)lead);
    for (int i = 0; i < n; i++) {
        sizes[lead + i] = out[i];
        sizes[t->rank + i] = adaptive_kernel(shape_pool(node), t->sizes[lead + i], out[i]);
    }
    shape_result(node, 0, t->dtype, sizes, t->rank + n);
    return NULL;
}

static Scalar *element_adaptive_windows(LowerCx *cx, const Node *node, int result,
                                        const Expr *const *index)
{
    (void)result;
    ExprPool         *pool = cx->ir->exprs;
    Value            *self = node_tensor(node, "self");
    const TensorType *t = &self->type;
    const Expr       *in[MAX_RANK], *out[MAX_RANK];
    Scalar           *mask = NULL, *other = pad_scalar(cx, t->dtype, node_float(node, "pad_value"));
    int               n;
    if (adaptive_sizes(node, out, &n) != NULL)
        return other; /* infer has refused it */
    int lead = t->rank - n;
    memcpy(in, index, sizeof *in * (size_t)lead);
    for (int i = 0; i < n; i++) {
        const Expr *size = t->sizes[lead + i], *place = index[lead + i];
        in[lead + i] =
            expr_add(pool, adaptive_start(pool, place, size, out[i]), index[t->rank + i]);
        if (is_divisible(pool, size, out[i]))
            continue;
        const Expr *inside =
            expr_cmp(pool, EXPR_LT, in[lead + i], adaptive_end(pool, place, size, out[i]));
        mask = scalar_and(cx->scalars, mask, shape_condition(cx, inside));
    }
    return shape_masked_load(cx, self, in, mask, other);
}

/* ---- counts and positions -------------------------------------------------------------------- */
static DType count_dtype(DType dtype)
{
    return dtype_is_float(dtype) ? dtype_compute(dtype) : dtype;
}

static Error *infer_count(Node *node)
{
    const TensorType *t = self_type(node);
    const Expr       *sizes[MAX_RANK];
    Window            w;
    int               n;
    if (has(node, "output_size")) {
        TRY(adaptive_sizes(node, sizes, &n));
    } else {
        TRY(internal_window(node, &w));
        TRY(check_spatial(node, w.n));
        n = w.n;
        for (int i = 0; i < n; i++)
            sizes[i] = window_places(shape_pool(node), t->sizes[t->rank - n + i], &w, i);
    }
    shape_result(node, 0, count_dtype(t->dtype), sizes, n);
    return NULL;
}

static Scalar *element_window_count(LowerCx *cx, const Node *node, int result,
                                    const Expr *const *index)
{
    (void)result;
    ExprPool         *pool = cx->ir->exprs;
    const TensorType *t = self_type(node);
    const Expr       *count = expr_int(pool, 1), *zero = expr_int(pool, 0);
    Window            w;
    if (internal_window(node, &w) != NULL)
        return scalar_int(cx->scalars, node->results[0]->type.dtype, 1); /* infer has refused it */
    for (int i = 0; i < w.n; i++) {
        const Expr *size = t->sizes[t->rank - w.n + i], *pad = expr_int(pool, w.padding[i]);
        const Expr *start =
            expr_sub(pool, expr_mul(pool, index[i], expr_int(pool, w.stride[i])), pad);
        const Expr *end = expr_add(pool, start, expr_int(pool, w.kernel[i]));
        end = expr_min(pool, end, expr_add(pool, size, pad));
        if (!node_bool(node, "count_include_pad")) {
            start = expr_max(pool, start, zero);
            end = expr_min(pool, end, size);
        }
        count = expr_mul(pool, count, expr_sub(pool, end, start));
    }
    return scalar_index(cx->scalars, node->results[0]->type.dtype, count);
}

static Scalar *element_adaptive_count(LowerCx *cx, const Node *node, int result,
                                      const Expr *const *index)
{
    (void)result;
    ExprPool         *pool = cx->ir->exprs;
    const TensorType *t = self_type(node), *to = &node->results[0]->type;
    const Expr       *count = expr_int(pool, 1);
    for (int i = 0; i < to->rank; i++) {
        const Expr *in = t->sizes[t->rank - to->rank + i], *out = to->sizes[i];
        count = expr_mul(pool, count,
                         expr_sub(pool, adaptive_end(pool, index[i], in, out),
                                  adaptive_start(pool, index[i], in, out)));
    }
    return scalar_index(cx->scalars, to->dtype, count);
}

static Error *infer_offset(Node *node)
{
    const TensorType *k = shape_type(node, "k");
    shape_result(node, 0, DT_I64, k->sizes, k->rank);
    return NULL;
}

static Scalar *index_scalar(LowerCx *cx, const Expr *e)
{
    return scalar_index(cx->scalars, DT_I64, e);
}

/* k counts inside the window, row-major over `kernel`; start and step are those of the window in
 * the input. */
static Scalar *unravel_offset(LowerCx *cx, Scalar *k, const TensorType *t, int n,
                              const Expr *const *kernel, const Expr *const *start,
                              const int64_t *step)
{
    ScalarPool *p = cx->scalars;
    Scalar     *part[3], *flat = NULL;
    for (int i = n - 1; i >= 0; i--) {
        part[i] = i == 0 ? k : scalar_2(p, S_MOD, k, index_scalar(cx, kernel[i]));
        k = i == 0 ? k : scalar_2(p, S_FLOORDIV, k, index_scalar(cx, kernel[i]));
    }
    for (int i = 0; i < n; i++) {
        Scalar *at = scalar_2(p, S_MUL, part[i], scalar_int(p, DT_I64, step[i]));
        at = scalar_2(p, S_ADD, at, index_scalar(cx, start[i]));
        flat = !flat
                   ? at
                   : scalar_2(p, S_ADD,
                              scalar_2(p, S_MUL, flat, index_scalar(cx, t->sizes[t->rank - n + i])),
                              at);
    }
    return flat;
}

static Scalar *element_window_offset(LowerCx *cx, const Node *node, int result,
                                     const Expr *const *index)
{
    (void)result;
    ExprPool         *pool = cx->ir->exprs;
    const TensorType *t = self_type(node);
    const Expr       *kernel[3], *start[3];
    Scalar           *k = shape_load(cx, node_tensor(node, "k"), index);
    Window            w;
    if (internal_window(node, &w) != NULL)
        return k; /* infer of the windows has refused it */
    for (int i = 0; i < w.n; i++) {
        kernel[i] = expr_int(pool, w.kernel[i]);
        start[i] =
            expr_sub(pool, expr_mul(pool, index[t->rank - w.n + i], expr_int(pool, w.stride[i])),
                     expr_int(pool, w.padding[i]));
    }
    return unravel_offset(cx, k, t, w.n, kernel, start, w.dilation);
}

static Scalar *element_adaptive_offset(LowerCx *cx, const Node *node, int result,
                                       const Expr *const *index)
{
    (void)result;
    ExprPool         *pool = cx->ir->exprs;
    const TensorType *t = self_type(node);
    const Expr       *kernel[MAX_RANK], *start[MAX_RANK], *out[MAX_RANK];
    const int64_t     step[3] = {1, 1, 1};
    Scalar           *k = shape_load(cx, node_tensor(node, "k"), index);
    int               n;
    if (adaptive_sizes(node, out, &n) != NULL)
        return k; /* infer of the windows has refused it */
    for (int i = 0; i < n; i++) {
        const Expr *size = t->sizes[t->rank - n + i];
        kernel[i] = adaptive_kernel(pool, size, out[i]);
        start[i] = adaptive_start(pool, index[t->rank - n + i], size, out[i]);
    }
    return unravel_offset(cx, k, t, n, kernel, start, step);
}

/* ---- expansions ------------------------------------------------------------------------------ */
static Value *windows(Build *b, Value *self, const Window *w, double pad_value)
{
    Graph *g = b->graph;
    return build_internal(b, WINDOWS,
                          (const Arg[]){arg_value(self), arg_ints(g, w->kernel, w->n),
                                        arg_ints(g, w->stride, w->n), arg_ints(g, w->padding, w->n),
                                        arg_ints(g, w->dilation, w->n), arg_float(pad_value),
                                        arg_bool(g, w->ceil_mode)},
                          7);
}

static Arg last_dims(Graph *g, int n)
{
    int64_t dims[3];
    for (int i = 0; i < n; i++)
        dims[i] = i - n;
    return arg_ints(g, dims, n);
}

/* The window dims joined, so that one position counts through the window. */
static Value *joined_windows(Build *b, Value *v, int n)
{
    if (b->error)
        return NULL;
    const Expr *sizes[MAX_RANK];
    int         lead = v->type.rank - n;
    memcpy(sizes, v->type.sizes, sizeof *sizes * (size_t)lead);
    sizes[lead] = expr_product(b->graph->ir->exprs, v->type.sizes + lead, n);
    return n == 1 ? v : build_reshape(b, v, sizes, lead + 1);
}

static double lowest(DType dtype)
{
    return dtype == DT_BOOL || dtype == DT_U8 ? 0 : -INFINITY;
}

static int spatial_dims(const Node *node)
{
    const char *digit = strpbrk(node->schema->base, "123"); /* max_pool2d, adaptive_avg_pool3d */
    return digit ? *digit - '0' : 2;
}

static Error *expand_max_pool(Node *node, Value **results)
{
    Build  b = build_at(node);
    Graph *g = node->graph;
    Value *self = node_tensor(node, "self");
    Window w;
    TRY(read_window(node, spatial_dims(node), &w));
    TRY(check_window(node, &w, true));
    Value *v = windows(&b, self, &w, lowest(self->type.dtype));
    results[0] = BUILD(&b, "aten.amax.default", arg_value(v), last_dims(g, w.n));
    if (node->n_results < 2)
        return b.error;
    Value *k =
        BUILD(&b, "aten.argmax.default", arg_value(joined_windows(&b, v, w.n)), arg_int(g, -1));
    if (b.error)
        return b.error;
    results[1] =
        build_internal(&b, WINDOW_OFFSET,
                       (const Arg[]){arg_value(k), arg_value(self), arg_ints(g, w.kernel, w.n),
                                     arg_ints(g, w.stride, w.n), arg_ints(g, w.padding, w.n),
                                     arg_ints(g, w.dilation, w.n)},
                       6);
    return b.error;
}

/* sum / count, computed in f32 for short floats, truncated for integers. */
static Value *average(Build *b, Value *v, int n, Arg count, DType dtype)
{
    Graph *g = b->graph;
    Value *s = BUILD(b, "aten.sum.dim_IntList", arg_value(v), last_dims(g, n), arg_bool(g, false),
                     arg_dtype(count_dtype(dtype)));
    if (!dtype_is_float(dtype))
        return BUILD(b, count.kind == ARG_VALUE ? "aten.div.Tensor_mode" : "aten.div.Scalar_mode",
                     arg_value(s), count, arg_text("trunc"));
    s = BUILD(b, count.kind == ARG_VALUE ? "aten.div.Tensor" : "aten.div.Scalar", arg_value(s),
              count);
    return b->error ? NULL : build_cast(b, s, dtype);
}

static Error *expand_avg_pool(Node *node, Value **results)
{
    Build  b = build_at(node);
    Graph *g = node->graph;
    Value *self = node_tensor(node, "self");
    DType  dtype = self->type.dtype;
    Window w;
    bool   padded = false;
    TRY(read_window(node, spatial_dims(node), &w));
    TRY(check_window(node, &w, true));
    int64_t volume = 1;
    for (int i = 0; i < w.n; i++) {
        padded = padded || w.padding[i] > 0;
        volume *= w.kernel[i];
    }
    Value *v = windows(&b, self, &w, 0);
    Arg  divisor = has(node, "divisor_override") ? *node_arg(node, "divisor_override") : arg_none();
    bool include = node_bool(node, "count_include_pad");
    if (divisor.kind == ARG_NONE && !w.ceil_mode && (include || !padded))
        divisor = arg_int(g, volume);
    if (divisor.kind == ARG_NONE) {
        Value *count =
            build_internal(&b, WINDOW_COUNT,
                           (const Arg[]){arg_value(self), arg_ints(g, w.kernel, w.n),
                                         arg_ints(g, w.stride, w.n), arg_ints(g, w.padding, w.n),
                                         arg_bool(g, w.ceil_mode), arg_bool(g, include)},
                           6);
        divisor = arg_value(count);
    }
    results[0] = b.error ? NULL : average(&b, v, w.n, divisor, dtype);
    return b.error;
}

/* Whole windows are a view: [n, c, oh, h/oh, ow, w/ow] reduced over the inner dims. */
static Value *even_windows(Build *b, Value *self, const Expr *const *out, int n, int64_t *dims)
{
    ExprPool         *pool = b->graph->ir->exprs;
    const TensorType *t = &self->type;
    const Expr       *sizes[MAX_RANK];
    int               lead = t->rank - n;
    memcpy(sizes, t->sizes, sizeof *sizes * (size_t)lead);
    for (int i = 0; i < n; i++) {
        if (!is_divisible(pool, t->sizes[lead + i], out[i]))
            return NULL;
        sizes[lead + 2 * i] = out[i];
        sizes[lead + 2 * i + 1] = expr_floordiv(pool, t->sizes[lead + i], out[i]);
        dims[i] = lead + 2 * i + 1;
    }
    return build_reshape(b, self, sizes, t->rank + n);
}

static Error *expand_adaptive_avg(Node *node, Value **results)
{
    Build       b = build_at(node);
    Graph      *g = node->graph;
    Value      *self = node_tensor(node, "self");
    const Expr *out[MAX_RANK];
    int64_t     dims[MAX_RANK];
    int         n;
    bool        ones = true;
    TRY(adaptive_sizes(node, out, &n));
    for (int i = 0; i < n; i++)
        ones = ones && expr_is_value(out[i], 1);
    if (ones) {
        results[0] =
            BUILD(&b, "aten.mean.dim", arg_value(self), last_dims(g, n), arg_bool(g, true));
        return b.error;
    }
    Value *even = even_windows(&b, self, out, n, dims);
    if (even || b.error) {
        results[0] = BUILD(&b, "aten.mean.dim", arg_value(even), arg_ints(g, dims, n));
        return b.error;
    }
    Arg    list = arg_exprs(g, out, n);
    Value *v =
        build_internal(&b, ADAPTIVE_WINDOWS, (const Arg[]){arg_value(self), list, arg_float(0)}, 3);
    Value *count = build_internal(&b, ADAPTIVE_COUNT, (const Arg[]){arg_value(self), list}, 2);
    results[0] = b.error ? NULL : average(&b, v, n, arg_value(count), self->type.dtype);
    return b.error;
}

static Error *expand_adaptive_max(Node *node, Value **results)
{
    Build       b = build_at(node);
    Graph      *g = node->graph;
    Value      *self = node_tensor(node, "self");
    const Expr *out[MAX_RANK];
    int         n;
    TRY(adaptive_sizes(node, out, &n));
    Arg    list = arg_exprs(g, out, n);
    Value *v = build_internal(
        &b, ADAPTIVE_WINDOWS,
        (const Arg[]){arg_value(self), list, arg_float(lowest(self->type.dtype))}, 3);
    results[0] = BUILD(&b, "aten.amax.default", arg_value(v), last_dims(g, n));
    Value *k =
        BUILD(&b, "aten.argmax.default", arg_value(joined_windows(&b, v, n)), arg_int(g, -1));
    results[1] =
        build_internal(&b, ADAPTIVE_OFFSET, (const Arg[]){arg_value(k), arg_value(self), list}, 3);
    return b.error;
}

/* ---- im2col, col2im -------------------------------------------------------------------------- */
static Error *expand_im2col(Node *node, Value **results)
{
    Build     b = build_at(node);
    ExprPool *pool = shape_pool(node);
    Value    *self = node_tensor(node, "self");
    const int perm[6] = {0, 1, 4, 5, 2, 3};
    Window    w;
    bool      lone = self->type.rank == 3;
    TRY(read_window(node, 2, &w));
    Value *v = windows(&b, lone ? build_unsqueeze(&b, self, 0) : self, &w, 0);
    if (b.error)
        return b.error;
    const Expr *const *s = v->type.sizes;
    const Expr *sizes[3] = {s[0], expr_mul(pool, s[1], expr_int(pool, w.kernel[0] * w.kernel[1])),
                            expr_mul(pool, s[2], s[3])};
    v = build_reshape(&b, build_permute(&b, v, perm, 6), sizes, 3);
    results[0] = lone ? build_squeeze(&b, v, 0) : v;
    return b.error;
}

/* self is [n, c * kh * kw, places]: result [n, c, h, w, kh, kw]. */
static Error *infer_fold(Node *node)
{
    const TensorType *t = self_type(node);
    const Expr       *out[MAX_RANK];
    Window            w;
    int               n;
    TRY(internal_window(node, &w));
    TRY(shape_exprs(node, "output_size", out, &n));
    if (t->rank != 3 || n != 2 || w.n != 2)
        return node_error(node, E_VALUE, "takes rank 3 and two sizes");
    const Expr *volume = shape_int(node, w.kernel[0] * w.kernel[1]);
    const Expr *sizes[6] = {t->sizes[0],
                            expr_floordiv(shape_pool(node), t->sizes[1], volume),
                            out[0],
                            out[1],
                            shape_int(node, w.kernel[0]),
                            shape_int(node, w.kernel[1])};
    shape_result(node, 0, t->dtype, sizes, 6);
    return NULL;
}

/* Position h is element k of the window at (h + padding - k * dilation) / stride, if there is one.
 */
static Scalar *element_fold(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    ExprPool   *pool = cx->ir->exprs;
    const Expr *out[MAX_RANK], *place[2], *places[2], *zero = expr_int(pool, 0);
    Scalar     *mask = NULL, *other = scalar_int(cx->scalars, self_type(node)->dtype, 0);
    Window      w;
    int         n;
    if (internal_window(node, &w) != NULL || shape_exprs(node, "output_size", out, &n) != NULL)
        return other; /* infer has refused it */
    for (int i = 0; i < 2; i++) {
        const Expr *stride = expr_int(pool, w.stride[i]);
        const Expr *at = expr_sub(pool, expr_add(pool, index[2 + i], expr_int(pool, w.padding[i])),
                                  expr_mul(pool, index[4 + i], expr_int(pool, w.dilation[i])));
        const Expr *fits = expr_cmp(pool, EXPR_EQ, expr_mod(pool, at, stride), zero);
        places[i] = window_places(pool, out[i], &w, i);
        place[i] = expr_floordiv(pool, at, stride);
        if (!shape_is_true(fits))
            mask = scalar_and(cx->scalars, mask, shape_condition(cx, fits));
        mask = scalar_and(cx->scalars, mask, shape_in_range(cx, place[i], places[i]));
    }
    const Expr *row[3] = {index[1], index[4], index[5]};
    const Expr *rows[3] = {expr_int(pool, 1), expr_int(pool, w.kernel[0]),
                           expr_int(pool, w.kernel[1])};
    const Expr *in[3] = {index[0], shape_linear(pool, row, rows, 3),
                         shape_linear(pool, place, places, 2)};
    return shape_masked_load(cx, node_tensor(node, "self"), in, mask, other);
}

static Error *expand_col2im(Node *node, Value **results)
{
    Build  b = build_at(node);
    Graph *g = node->graph;
    Value *self = node_tensor(node, "self");
    bool   lone = self->type.rank == 2;
    Value *x = lone ? build_unsqueeze(&b, self, 0) : self;
    if (b.error)
        return b.error;
    Value *v =
        build_internal(&b, FOLD_WINDOWS,
                       (const Arg[]){arg_value(x), *node_arg(node, "output_size"),
                                     *node_arg(node, "kernel_size"), *node_arg(node, "dilation"),
                                     *node_arg(node, "padding"), *node_arg(node, "stride")},
                       6);
    v = BUILD(&b, "aten.sum.dim_IntList", arg_value(v), last_dims(g, 2));
    results[0] = lone ? build_squeeze(&b, v, 0) : v;
    return b.error;
}

#define INDEXED(text, infer_fn, element_fn, ...)                                                   \
    {                                                                                              \
        .schema = text, .kind = OP_INDEXED, .infer = infer_fn, .element = element_fn, __VA_ARGS__  \
    }
/* max_unpool: every element goes where the maximum came from, all other places are 0.  An index
 * counts positions of one channel. */
static Error *expand_max_unpool(Node *node, Value **results)
{
    Build     b = build_at(node);
    ExprPool *pool = shape_pool(node);
    Value    *x = node_tensor(node, "self"), *index = node_tensor(node, "indices");
    int       n = node->schema->base[strlen("max_unpool")] - '0', count, rank = x->type.rank,
        lead = rank - n;
    const Expr *size[MAX_RANK], *out[MAX_RANK], *flat[MAX_RANK];
    TRY(shape_exprs(node, "output_size", size, &count));
    if (count != n || (lead != 1 && lead != 2))
        return node_error(node, E_VALUE, "needs an input of rank %d or %d and %d sizes", n + 1,
                          n + 2, n);
    if (index->type.rank != rank || index->type.dtype != DT_I64)
        return node_error(node, E_VALUE, "indices have to be i64 and of the sizes of the input");
    memcpy(out, x->type.sizes, sizeof *out * (size_t)lead);
    memcpy(flat, x->type.sizes, sizeof *flat * (size_t)lead);
    memcpy(out + lead, size, sizeof *size * (size_t)n);
    flat[lead] = expr_product(pool, x->type.sizes + lead, n);
    x = build_reshape(&b, x, flat, lead + 1);
    index = build_reshape(&b, index, flat, lead + 1);
    flat[lead] = expr_product(pool, size, n);
    Value *zeros = BUILD(&b, "aten.full.default", arg_exprs(b.graph, flat, lead + 1),
                         arg_int(b.graph, 0), arg_dtype(node_tensor(node, "self")->type.dtype));
    Value *put = BUILD(&b, "aten.scatter.src", arg_value(zeros), arg_int(b.graph, lead),
                       arg_value(index), arg_value(x));
    results[0] = build_reshape(&b, put, out, rank);
    return b.error;
}

#define COMPOSITE(text, fn, ...)                                                                   \
    {                                                                                              \
        .schema = text, .kind = OP_COMPOSITE, .expand_fn = fn, __VA_ARGS__                         \
    }

const OpDesc pooling_ops[] = {
    INDEXED(WINDOWS, infer_windows, element_windows),
    INDEXED(ADAPTIVE_WINDOWS, infer_adaptive_windows, element_adaptive_windows),
    INDEXED(WINDOW_COUNT, infer_count, element_window_count),
    INDEXED(ADAPTIVE_COUNT, infer_count, element_adaptive_count),
    INDEXED(WINDOW_OFFSET, infer_offset, element_window_offset),
    INDEXED(ADAPTIVE_OFFSET, infer_offset, element_adaptive_offset),
    INDEXED(FOLD_WINDOWS, infer_fold, element_fold),
    COMPOSITE("aten::max_unpool2d(Tensor self, Tensor indices, SymInt[2] output_size) -> Tensor",
              expand_max_unpool,
              .samples = "self=f32[1,1,2,2] indices=i64[1,1,2,2]@[0,3,9,14] output_size=[4,4]"),
    COMPOSITE("aten::max_unpool3d(Tensor self, Tensor indices, SymInt[3] output_size, int[3] "
              "stride, int[3] padding) "
              "-> Tensor",
              expand_max_unpool,
              .samples = "self=f32[1,1,1,2,2] indices=i64[1,1,1,2,2]@[0,3,9,14] "
                         "output_size=[2,4,4] stride=[2,2,2] padding=[0,0,0]"),

    COMPOSITE("aten::max_pool1d(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] "
              "padding=[0], int[1] "
              "dilation=[1], bool ceil_mode=False) -> Tensor",
              expand_max_pool,
              .samples = "self=f32[1,2,8] kernel_size=[3] | self=f32[2,7] kernel_size=[2] "
                         "stride=[1] padding=[1] dilation=[2] | self=f32[1,1,7] kernel_size=[3] "
                         "stride=[2] ceil_mode=true | ! self=f32[1,1,2] kernel_size=[3]"),
    COMPOSITE("aten::max_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] "
              "padding=0, int[2] "
              "dilation=1, bool ceil_mode=False) -> Tensor",
              expand_max_pool,
              .samples =
                  "self=f32[1,2,6,7] kernel_size=[2,3] | self=f32[1,2,6,7] kernel_size=[3,3] "
                  "stride=[2,2] padding=[1,1] | self=f32[2,5,5] kernel_size=[2,2] stride=[1,1] "
                  "dilation=[2,2] | self=f32[1,1,5,5] kernel_size=[2,2] ceil_mode=true | "
                  "self=bf16[1,1,4,4] kernel_size=[2,2] | self=f32[1,2,4,4]{32,1,8,2} "
                  "kernel_size=[2,2] | self=f32[1,1,3,3]@[1,nan,2] kernel_size=[2,2] stride=[1,1] "
                  "| ! self=f32[1,1,4,4] kernel_size=[2,2] padding=[2,2]"),
    COMPOSITE("aten::max_pool3d(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] "
              "padding=0, int[3] "
              "dilation=1, bool ceil_mode=False) -> Tensor",
              expand_max_pool,
              .samples = "self=f32[1,1,4,4,4] kernel_size=[2,2,2] | self=f32[1,1,4,5,4] "
                         "kernel_size=[3,3,3] stride=[1,2,1] padding=[1,1,1]"),
    COMPOSITE("aten::max_pool1d_with_indices(Tensor self, int[1] kernel_size, int[1] stride=[], "
              "int[1] padding=[0], "
              "int[1] dilation=[1], bool ceil_mode=False) -> (Tensor, Tensor)",
              expand_max_pool,
              .samples = "self=f32[1,2,8] kernel_size=[3] | self=f32[1,1,7] kernel_size=[3] "
                         "stride=[2] padding=[1]"),
    COMPOSITE(
        "aten::max_pool2d_with_indices(Tensor self, int[2] kernel_size, int[2] stride=[], "
        "int[2] padding=0, "
        "int[2] dilation=1, bool ceil_mode=False) -> (Tensor, Tensor)",
        expand_max_pool,
        .samples =
            "self=f32[1,2,6,7] kernel_size=[2,3] | self=f32[1,1,5,5] kernel_size=[3,3] "
            "stride=[2,2] padding=[1,1] ceil_mode=true | self=f32[1,1,4,4]@0..0 kernel_size=[2,2]"),
    COMPOSITE("aten::max_pool3d_with_indices(Tensor self, int[3] kernel_size, int[3] stride=[], "
              "int[3] padding=0, "
              "int[3] dilation=1, bool ceil_mode=False) -> (Tensor, Tensor)",
              expand_max_pool, .samples = "self=f32[1,1,4,4,4] kernel_size=[2,2,2]"),
    COMPOSITE(
        "aten::avg_pool1d(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] "
        "padding=[0], bool "
        "ceil_mode=False, bool count_include_pad=True) -> Tensor",
        expand_avg_pool,
        .samples =
            "self=f32[1,2,8] kernel_size=[3] | self=f32[2,7] kernel_size=[3] stride=[2] "
            "padding=[1] count_include_pad=false | self=f32[1,1,7] kernel_size=[2] ceil_mode=true"),
    COMPOSITE("aten::avg_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] "
              "padding=0, bool "
              "ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor",
              expand_avg_pool,
              .samples =
                  "self=f32[1,2,6,7] kernel_size=[2,3] | self=f32[1,2,6,7] kernel_size=[3,3] "
                  "stride=[2,2] padding=[1,1] count_include_pad=false | self=f32[2,5,5] "
                  "kernel_size=[2,2] ceil_mode=true | self=f32[1,1,4,4] kernel_size=[2,2] "
                  "divisor_override=3 | self=bf16[1,1,4,4] kernel_size=[2,2] | ! self=f32[1,1,4,4] "
                  "kernel_size=[2,2] divisor_override=0"),
    COMPOSITE("aten::avg_pool3d(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] "
              "padding=0, bool "
              "ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor",
              expand_avg_pool,
              .samples = "self=f32[1,1,4,4,4] kernel_size=[2,2,2] | self=f32[1,1,4,5,4] "
                         "kernel_size=[3,3,3] stride=[1,2,1] padding=[1,1,1]"),
    COMPOSITE("aten::adaptive_avg_pool1d(Tensor self, int[1] output_size) -> Tensor",
              expand_adaptive_avg,
              .samples = "self=f32[1,2,7] output_size=[3] | self=f32[2,5] output_size=[1]"),
    COMPOSITE("aten::adaptive_avg_pool2d(Tensor self, SymInt[2] output_size) -> Tensor",
              expand_adaptive_avg,
              .samples =
                  "self=f32[1,2,5,7] output_size=[2,3] | self=f32[2,4,4] output_size=[1,1] | "
                  "self=f32[1,1,3,3] output_size=[5,4] | self=bf16[1,1,4,4] output_size=[2,2]"),
    COMPOSITE("aten::adaptive_avg_pool3d(Tensor self, SymInt[3] output_size) -> Tensor",
              expand_adaptive_avg, .samples = "self=f32[1,1,3,4,5] output_size=[2,2,3]"),
    COMPOSITE("aten::_adaptive_avg_pool2d(Tensor self, SymInt[2] output_size) -> Tensor",
              expand_adaptive_avg, .samples = "self=f32[1,2,5,7] output_size=[2,3]"),
    COMPOSITE("aten::_adaptive_avg_pool3d(Tensor self, SymInt[3] output_size) -> Tensor",
              expand_adaptive_avg, .samples = "self=f32[1,1,3,4,5] output_size=[2,2,3]"),
    COMPOSITE("aten::adaptive_max_pool1d(Tensor self, int[1] output_size) -> (Tensor, Tensor)",
              expand_adaptive_max, .samples = "self=f32[1,2,7] output_size=[3]"),
    COMPOSITE("aten::adaptive_max_pool2d(Tensor self, int[2] output_size) -> (Tensor, Tensor)",
              expand_adaptive_max,
              .samples = "self=f32[1,2,5,7] output_size=[2,3] | self=f32[2,4,4] output_size=[1,1]"),
    COMPOSITE("aten::adaptive_max_pool3d(Tensor self, int[3] output_size) -> (Tensor, Tensor)",
              expand_adaptive_max, .samples = "self=f32[1,1,3,4,5] output_size=[2,2,3]"),
    COMPOSITE("aten::im2col(Tensor self, int[2] kernel_size, int[2] dilation, int[2] padding, "
              "int[2] stride) -> "
              "Tensor",
              expand_im2col,
              .samples =
                  "self=f32[1,2,4,5] kernel_size=[2,3] dilation=[1,1] padding=[1,0] stride=[1,2] | "
                  "self=f32[2,4,4] kernel_size=[2,2] dilation=[2,1] padding=[0,0] stride=[1,1]"),
    COMPOSITE("aten::col2im(Tensor self, SymInt[2] output_size, int[2] kernel_size, int[2] "
              "dilation, int[2] padding, "
              "int[2] stride) -> Tensor",
              expand_col2im,
              .samples = "self=f32[1,8,9] output_size=[4,4] kernel_size=[2,2] dilation=[1,1] "
                         "padding=[0,0] stride=[1,1] | self=f32[8,4] output_size=[4,4] "
                         "kernel_size=[2,2] dilation=[1,1] padding=[0,0] stride=[2,2]"),
    {0},
};
