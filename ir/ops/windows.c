/* Windows over the last dims of a tensor, as index maps that need no memory.
 *
 *   aotc::windows           a regular grid of windows (pooling, im2col)
 *   aotc::adaptive_windows  windows from floor(i*in/out) to ceil((i+1)*in/out), padded to a common
 *                           size
 *   aotc::window_count      elements that a window covers, for averages at borders
 *   aotc::window_offset     position in the input of the k-th element of each window (indices of
 *                           max pooling)
 *
 * In: a node.  Out: the element at an index. */
#include "ir/ops/windows.h"
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <math.h>
#include <string.h>

/* ---- geometry -------------------------------------------------------------------------------- */
static bool has(const Node *node, const char *param)
{
    return schema_param(node->schema, param) >= 0;
}

Error *window_check(const Node *node, const Window *w, bool half)
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

Error *window_read(const Node *node, int n, Window *w)
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

Error *window_read_internal(const Node *node, Window *w)
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
    return window_check(node, w, false);
}

const Expr *window_places(ExprPool *pool, const Expr *in, const Window *w, int i)
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
    TRY(window_read_internal(node, &w));
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
    if (window_read_internal(node, &w) != NULL)
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

bool window_is_divisible(ExprPool *pool, const Expr *in, const Expr *out)
{
    return expr_is_value(expr_mod(pool, in, out), 0);
}

/* Largest window: in/out where that is whole, else at most one more than it rounded up. */
static const Expr *adaptive_kernel(ExprPool *pool, const Expr *in, const Expr *out)
{
    if (window_is_divisible(pool, in, out))
        return expr_floordiv(pool, in, out);
    return expr_ceildiv(pool, expr_sub(pool, expr_add(pool, in, out), expr_int(pool, 1)), out);
}

Error *window_adaptive_sizes(const Node *node, const Expr **out, int *n)
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
    TRY(window_adaptive_sizes(node, out, &n));
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
    if (window_adaptive_sizes(node, out, &n) != NULL)
        return other; /* infer has refused it */
    int lead = t->rank - n;
    memcpy(in, index, sizeof *in * (size_t)lead);
    for (int i = 0; i < n; i++) {
        const Expr *size = t->sizes[lead + i], *place = index[lead + i];
        in[lead + i] =
            expr_add(pool, adaptive_start(pool, place, size, out[i]), index[t->rank + i]);
        if (window_is_divisible(pool, size, out[i]))
            continue;
        const Expr *inside =
            expr_cmp(pool, EXPR_LT, in[lead + i], adaptive_end(pool, place, size, out[i]));
        mask = scalar_and(cx->scalars, mask, shape_condition(cx, inside));
    }
    return shape_masked_load(cx, self, in, mask, other);
}

/* ---- counts and positions -------------------------------------------------------------------- */
DType window_count_dtype(DType dtype)
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
        TRY(window_adaptive_sizes(node, sizes, &n));
    } else {
        TRY(window_read_internal(node, &w));
        TRY(check_spatial(node, w.n));
        n = w.n;
        for (int i = 0; i < n; i++)
            sizes[i] = window_places(shape_pool(node), t->sizes[t->rank - n + i], &w, i);
    }
    shape_result(node, 0, window_count_dtype(t->dtype), sizes, n);
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
    if (window_read_internal(node, &w) != NULL)
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
    if (window_read_internal(node, &w) != NULL)
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
    if (window_adaptive_sizes(node, out, &n) != NULL)
        return k; /* infer of the windows has refused it */
    for (int i = 0; i < n; i++) {
        const Expr *size = t->sizes[t->rank - n + i];
        kernel[i] = adaptive_kernel(pool, size, out[i]);
        start[i] = adaptive_start(pool, index[t->rank - n + i], size, out[i]);
    }
    return unravel_offset(cx, k, t, n, kernel, start, step);
}

/* ---- building ------------------------------------------------------------------------------- */
Value *build_windows(Build *b, Value *self, const Window *w, double pad_value)
{
    Graph *g = b->graph;
    return build_internal(b, WINDOWS,
                          (const Arg[]){arg_value(self), arg_ints(g, w->kernel, w->n),
                                        arg_ints(g, w->stride, w->n), arg_ints(g, w->padding, w->n),
                                        arg_ints(g, w->dilation, w->n), arg_float(pad_value),
                                        arg_bool(g, w->ceil_mode)},
                          7);
}

Arg window_dims(Graph *g, int n)
{
    int64_t dims[3];
    for (int i = 0; i < n; i++)
        dims[i] = i - n;
    return arg_ints(g, dims, n);
}

/* ---- rows ------------------------------------------------------------------------------------ */
const OpDesc window_ops[] = {
    INDEXED(WINDOWS, infer_windows, element_windows),
    INDEXED(ADAPTIVE_WINDOWS, infer_adaptive_windows, element_adaptive_windows),
    INDEXED(WINDOW_COUNT, infer_count, element_window_count),
    INDEXED(ADAPTIVE_COUNT, infer_count, element_adaptive_count),
    INDEXED(WINDOW_OFFSET, infer_offset, element_window_offset),
    INDEXED(ADAPTIVE_OFFSET, infer_offset, element_adaptive_offset),
    {0},
};
