/* Pooling: windows (windows.c), then a reduction over them; and max_unpool.
 *
 *   aten.max_pool2d.default(%x: f32[n,c,h,w], [3, 3], [2, 2], [1, 1])
 *     -> %w = aotc.windows.default(%x, …, pad_value = -inf) : f32[n,c,oh,ow,3,3]      no memory
 *        aten.amax.default(%w, [-2, -1])
 *
 * In: a node.  Out: nodes that replace it. */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"
#include "ir/ops/windows.h"

#include <math.h>
#include <string.h>

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
    TRY(window_read(node, spatial_dims(node), &w));
    TRY(window_check(node, &w, true));
    Value *v = build_windows(&b, self, &w, lowest(self->type.dtype));
    results[0] = BUILD(&b, "aten.amax.default", arg_value(v), window_dims(g, w.n));
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
    Value *s = BUILD(b, "aten.sum.dim_IntList", arg_value(v), window_dims(g, n), arg_bool(g, false),
                     arg_dtype(window_count_dtype(dtype)));
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
    TRY(window_read(node, spatial_dims(node), &w));
    TRY(window_check(node, &w, true));
    int64_t volume = 1;
    for (int i = 0; i < w.n; i++) {
        padded = padded || w.padding[i] > 0;
        volume *= w.kernel[i];
    }
    Value *v = build_windows(&b, self, &w, 0);
    Arg    divisor = schema_param(node->schema, "divisor_override") >= 0
                         ? *node_arg(node, "divisor_override")
                         : arg_none();
    bool   include = node_bool(node, "count_include_pad");
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
        if (!window_is_divisible(pool, t->sizes[lead + i], out[i]))
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
    TRY(window_adaptive_sizes(node, out, &n));
    for (int i = 0; i < n; i++)
        ones = ones && expr_is_value(out[i], 1);
    if (ones) {
        results[0] =
            BUILD(&b, "aten.mean.dim", arg_value(self), window_dims(g, n), arg_bool(g, true));
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
    TRY(window_adaptive_sizes(node, out, &n));
    Arg    list = arg_exprs(g, out, n);
    Value *v = build_internal(
        &b, ADAPTIVE_WINDOWS,
        (const Arg[]){arg_value(self), list, arg_float(lowest(self->type.dtype))}, 3);
    results[0] = BUILD(&b, "aten.amax.default", arg_value(v), window_dims(g, n));
    Value *k =
        BUILD(&b, "aten.argmax.default", arg_value(joined_windows(&b, v, n)), arg_int(g, -1));
    results[1] =
        build_internal(&b, ADAPTIVE_OFFSET, (const Arg[]){arg_value(k), arg_value(self), list}, 3);
    return b.error;
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

const OpDesc pooling_ops[] = {
    EXPAND_FN("aten::max_unpool2d(Tensor self, Tensor indices, SymInt[2] output_size) -> Tensor",
              expand_max_unpool,
              .samples = "self=f32[1,1,2,2] indices=i64[1,1,2,2]@[0,3,9,14] output_size=[4,4]"),
    EXPAND_FN("aten::max_unpool3d(Tensor self, Tensor indices, SymInt[3] output_size, int[3] "
              "stride, int[3] padding) "
              "-> Tensor",
              expand_max_unpool,
              .samples = "self=f32[1,1,1,2,2] indices=i64[1,1,1,2,2]@[0,3,9,14] "
                         "output_size=[2,4,4] stride=[2,2,2] padding=[0,0,0]"),

    EXPAND_FN("aten::max_pool1d(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] "
              "padding=[0], int[1] "
              "dilation=[1], bool ceil_mode=False) -> Tensor",
              expand_max_pool,
              .samples = "self=f32[1,2,8] kernel_size=[3] | self=f32[2,7] kernel_size=[2] "
                         "stride=[1] padding=[1] dilation=[2] | self=f32[1,1,7] kernel_size=[3] "
                         "stride=[2] ceil_mode=true | ! self=f32[1,1,2] kernel_size=[3]"),
    EXPAND_FN("aten::max_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] "
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
    EXPAND_FN("aten::max_pool3d(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] "
              "padding=0, int[3] "
              "dilation=1, bool ceil_mode=False) -> Tensor",
              expand_max_pool,
              .samples = "self=f32[1,1,4,4,4] kernel_size=[2,2,2] | self=f32[1,1,4,5,4] "
                         "kernel_size=[3,3,3] stride=[1,2,1] padding=[1,1,1]"),
    EXPAND_FN("aten::max_pool1d_with_indices(Tensor self, int[1] kernel_size, int[1] stride=[], "
              "int[1] padding=[0], "
              "int[1] dilation=[1], bool ceil_mode=False) -> (Tensor, Tensor)",
              expand_max_pool,
              .samples = "self=f32[1,2,8] kernel_size=[3] | self=f32[1,1,7] kernel_size=[3] "
                         "stride=[2] padding=[1]"),
    EXPAND_FN(
        "aten::max_pool2d_with_indices(Tensor self, int[2] kernel_size, int[2] stride=[], "
        "int[2] padding=0, "
        "int[2] dilation=1, bool ceil_mode=False) -> (Tensor, Tensor)",
        expand_max_pool,
        .samples =
            "self=f32[1,2,6,7] kernel_size=[2,3] | self=f32[1,1,5,5] kernel_size=[3,3] "
            "stride=[2,2] padding=[1,1] ceil_mode=true | self=f32[1,1,4,4]@0..0 kernel_size=[2,2]"),
    EXPAND_FN("aten::max_pool3d_with_indices(Tensor self, int[3] kernel_size, int[3] stride=[], "
              "int[3] padding=0, "
              "int[3] dilation=1, bool ceil_mode=False) -> (Tensor, Tensor)",
              expand_max_pool, .samples = "self=f32[1,1,4,4,4] kernel_size=[2,2,2]"),
    EXPAND_FN(
        "aten::avg_pool1d(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] "
        "padding=[0], bool "
        "ceil_mode=False, bool count_include_pad=True) -> Tensor",
        expand_avg_pool,
        .samples =
            "self=f32[1,2,8] kernel_size=[3] | self=f32[2,7] kernel_size=[3] stride=[2] "
            "padding=[1] count_include_pad=false | self=f32[1,1,7] kernel_size=[2] ceil_mode=true"),
    EXPAND_FN("aten::avg_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] "
              "padding=0, bool "
              "ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor",
              expand_avg_pool,
              .samples =
                  "self=f32[1,2,6,7] kernel_size=[2,3] | self=f32[1,2,6,7] kernel_size=[3,3] "
                  "stride=[2,2] padding=[1,1] count_include_pad=false | self=f32[2,5,5] "
                  "kernel_size=[2,2] ceil_mode=true | self=f32[1,1,4,4] kernel_size=[2,2] "
                  "divisor_override=3 | self=bf16[1,1,4,4] kernel_size=[2,2] | ! self=f32[1,1,4,4] "
                  "kernel_size=[2,2] divisor_override=0"),
    EXPAND_FN("aten::avg_pool3d(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] "
              "padding=0, bool "
              "ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor",
              expand_avg_pool,
              .samples = "self=f32[1,1,4,4,4] kernel_size=[2,2,2] | self=f32[1,1,4,5,4] "
                         "kernel_size=[3,3,3] stride=[1,2,1] padding=[1,1,1]"),
    EXPAND_FN("aten::adaptive_avg_pool1d(Tensor self, int[1] output_size) -> Tensor",
              expand_adaptive_avg,
              .samples = "self=f32[1,2,7] output_size=[3] | self=f32[2,5] output_size=[1]"),
    EXPAND_FN("aten::adaptive_avg_pool2d(Tensor self, SymInt[2] output_size) -> Tensor",
              expand_adaptive_avg,
              .samples =
                  "self=f32[1,2,5,7] output_size=[2,3] | self=f32[2,4,4] output_size=[1,1] | "
                  "self=f32[1,1,3,3] output_size=[5,4] | self=bf16[1,1,4,4] output_size=[2,2]"),
    EXPAND_FN("aten::adaptive_avg_pool3d(Tensor self, SymInt[3] output_size) -> Tensor",
              expand_adaptive_avg, .samples = "self=f32[1,1,3,4,5] output_size=[2,2,3]"),
    EXPAND_FN("aten::_adaptive_avg_pool2d(Tensor self, SymInt[2] output_size) -> Tensor",
              expand_adaptive_avg, .samples = "self=f32[1,2,5,7] output_size=[2,3]"),
    EXPAND_FN("aten::_adaptive_avg_pool3d(Tensor self, SymInt[3] output_size) -> Tensor",
              expand_adaptive_avg, .samples = "self=f32[1,1,3,4,5] output_size=[2,2,3]"),
    EXPAND_FN("aten::adaptive_max_pool1d(Tensor self, int[1] output_size) -> (Tensor, Tensor)",
              expand_adaptive_max, .samples = "self=f32[1,2,7] output_size=[3]"),
    EXPAND_FN("aten::adaptive_max_pool2d(Tensor self, int[2] output_size) -> (Tensor, Tensor)",
              expand_adaptive_max,
              .samples = "self=f32[1,2,5,7] output_size=[2,3] | self=f32[2,4,4] output_size=[1,1]"),
    EXPAND_FN("aten::adaptive_max_pool3d(Tensor self, int[3] output_size) -> (Tensor, Tensor)",
              expand_adaptive_max, .samples = "self=f32[1,1,3,4,5] output_size=[2,2,3]"),
    {0},
};
