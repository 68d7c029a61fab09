/* Pooling over windows that random samples place, and the backward of max pooling: gathers and
 * scatters by computed places.
 *
 * In: a node.  Out: nodes before it:
 *
 *   aten.fractional_max_pool2d.default(%x, [2,2], [3,3], %u)     start[i] = int((i + u) a) - int(u
 * a), a = (in - k) / (out - 1); windows gathered from the plane, then amax and argmax */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <string.h>

static Value *counting(Build *b, int64_t n, DType dtype)
{
    return BUILD(b, "aten.arange.default", arg_int(b->graph, n), arg_dtype(dtype));
}

/* ---- fractional max pooling ------------------------------------------------------------------ */
typedef struct Planes {
    Value  *x;       /* [N, C, in…] */
    Value  *samples; /* [N, C, spatial] */
    int     spatial;
    int64_t in[3], out[3], kernel[3];
} Planes;

static Error *read_planes(Node *node, Build *b, Planes *p)
{
    Value *x = node_tensor(node, "self");
    p->spatial = node->schema->base[strlen(node->schema->base) - 2] - '0';
    p->samples = node_tensor(node, "random_samples");
    if (x->type.rank < p->spatial + 1 || x->type.rank > p->spatial + 2 ||
        p->samples->type.rank != 3)
        return node_error(node, E_VALUE, "an input of rank %d, samples of rank %d", x->type.rank,
                          p->samples->type.rank);
    p->x = x->type.rank == p->spatial + 1 ? build_unsqueeze(b, x, 0) : x;
    TRY(shape_ints(node, "kernel_size", p->kernel, p->spatial));
    TRY(shape_ints(node, "output_size", p->out, p->spatial));
    for (int d = 0; d < p->spatial && !b->error; d++) {
        if (!expr_is_int(p->x->type.sizes[2 + d], &p->in[d]))
            return node_error(node, E_UNSUPPORTED, "a plane whose size is not constant");
        if (p->out[d] < 1 || p->out[d] + p->kernel[d] - 1 > p->in[d])
            return node_error(node, E_VALUE, "%lld windows of %lld in %lld elements",
                              (long long)p->out[d], (long long)p->kernel[d], (long long)p->in[d]);
    }
    return b->error;
}

/* Where the windows of a dim start, i64[N, C, out]; the last one ends with the plane. */
static Value *window_starts(Build *b, const Planes *p, int d)
{
    int64_t room = p->in[d] - p->kernel[d];
    /* Samples of planes stand in the order w, h, those of volumes in the order t, h, w. */
    int     at = p->spatial == 2 ? 1 - d : d;
    DType   dtype = b->error ? DT_F32 : p->samples->type.dtype;
    Value  *u = build_unsqueeze(b, build_select(b, p->samples, 2, at), 2);
    Value  *i = counting(b, p->out[d], DT_I64);
    Value  *last = BUILD(b, "aten.eq.Scalar", arg_value(i), arg_int(b->graph, p->out[d] - 1));
    Value *end = BUILD(b, "aten.full.default", arg_ints(b->graph, NULL, 0), arg_int(b->graph, room),
                       arg_dtype(DT_I64));
    Value *alpha = BUILD(b, "aten.full.default", arg_ints(b->graph, NULL, 0),
                         arg_int(b->graph, room), arg_dtype(dtype));
    alpha = BUILD(b, "aten.div.Scalar", arg_value(alpha),
                  arg_int(b->graph, p->out[d] > 1 ? p->out[d] - 1 : 1));
    Value *from = build_binary(b, "aten.add.Tensor", u, b->error ? NULL : build_cast(b, i, dtype));
    from = build_binary(b, "aten.mul.Tensor", from, alpha);
    Value *base = build_binary(b, "aten.mul.Tensor", u, alpha);
    if (b->error)
        return NULL;
    from = build_cast(b, from, DT_I64);
    base = build_cast(b, base, DT_I64);
    from = build_binary(b, "aten.sub.Tensor", from, base);
    return BUILD(b, "aten.where.self", arg_value(last), arg_value(end), arg_value(from));
}

/* i64[N, C, out…, kernel…]: places in the plane of all elements of all windows. */
static Value *window_places(Build *b, const Planes *p)
{
    Value *places = NULL;
    for (int d = 0; d < p->spatial && !b->error; d++) {
        Value *starts = window_starts(b, p, d), *k = counting(b, p->kernel[d], DT_I64);
        for (int i = 0; i < p->spatial; i++) /* [N, C, 1…, out, …1] */
            starts = i == d ? starts : build_unsqueeze(b, starts, 2 + i);
        for (int i = 0; i < p->spatial; i++) {
            starts = build_unsqueeze(b, starts, 2 + p->spatial + i);
            k = i <= d ? k : build_unsqueeze(b, k, i - d);
        }
        Value *line = build_binary(b, "aten.add.Tensor", starts, k);
        if (places)
            places = BUILD(b, "aten.mul.Scalar", arg_value(places), arg_int(b->graph, p->in[d]));
        places = places ? build_binary(b, "aten.add.Tensor", places, line) : line;
    }
    return places;
}

static Error *expand_fractional_max_pool(Node *node, Value **results)
{
    Build       b = build_at(node);
    Planes      p = {0};
    const Expr *sizes[MAX_RANK], *windows[4], *plane = shape_int(node, 1);
    int64_t     n_out = 1, n_kernel = 1, last = -1;
    TRY(read_planes(node, &b, &p));
    Value *places = window_places(&b, &p);
    if (b.error)
        return b.error;
    for (int d = 0; d < p.spatial; d++) {
        n_out *= p.out[d];
        n_kernel *= p.kernel[d];
        plane = expr_mul(shape_pool(node), plane, p.x->type.sizes[2 + d]);
    }
    memcpy(windows, p.x->type.sizes, sizeof *windows * 2);
    windows[2] = plane;
    Value *rows = build_reshape(&b, p.x, windows, 3);
    windows[2] = shape_int(node, n_out * n_kernel);
    places = build_reshape(&b, places, windows, 3);
    Value *x =
        BUILD(&b, "aten.gather.default", arg_value(rows), arg_int(b.graph, 2), arg_value(places));
    windows[2] = shape_int(node, n_out);
    windows[3] = shape_int(node, n_kernel);
    x = build_reshape(&b, x, windows, 4);
    places = build_reshape(&b, places, windows, 4);
    Value *best = BUILD(&b, "aten.argmax.default", arg_value(x), arg_int(b.graph, 3),
                        arg_bool(b.graph, true));
    Value *pooled[2] = {BUILD(&b, "aten.amax.default", arg_value(x), arg_ints(b.graph, &last, 1)),
                        NULL};
    pooled[1] =
        BUILD(&b, "aten.gather.default", arg_value(places), arg_int(b.graph, 3), arg_value(best));
    int rank = 0;
    if (node_tensor(node, "self")->type.rank > p.spatial + 1)
        sizes[rank++] = p.x->type.sizes[0];
    sizes[rank++] = p.x->type.sizes[1];
    for (int d = 0; d < p.spatial; d++)
        sizes[rank++] = shape_int(node, p.out[d]);
    for (int i = 0; i < 2; i++)
        results[i] = build_reshape(&b, pooled[i], sizes, rank);
    return b.error;
}

/* ---- max pooling, backwards ------------------------------------------------------------------ */
/* Gradients are added at the places that the indices name in their plane. */
static Error *expand_max_pool_backward(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *x = node_tensor(node, "self"), *grad = node_tensor(node, "grad_output"),
          *at = node_tensor(node, "indices");
    int         spatial = strstr(node->schema->base, "3d") ? 3 : 2, lead = x->type.rank - spatial;
    const Expr *in[MAX_RANK], *out[MAX_RANK];
    if (lead < 1 || lead > 2 || grad->type.rank != x->type.rank || at->type.rank != x->type.rank)
        return node_error(node, E_VALUE, "ranks %d, %d and %d", x->type.rank, grad->type.rank,
                          at->type.rank);
    memcpy(in, x->type.sizes, sizeof *in * (size_t)lead);
    memcpy(out, x->type.sizes, sizeof *out * (size_t)lead);
    in[lead] = expr_product(shape_pool(node), x->type.sizes + lead, spatial);
    out[lead] = expr_product(shape_pool(node), grad->type.sizes + lead, spatial);
    Value *zeros = BUILD(&b, "aten.full.default", arg_exprs(b.graph, in, lead + 1),
                         arg_int(b.graph, 0), arg_dtype(grad->type.dtype));
    grad = build_reshape(&b, grad, out, lead + 1);
    at = build_reshape(&b, at, out, lead + 1);
    Value *sum = BUILD(&b, "aten.scatter_add.default", arg_value(zeros), arg_int(b.graph, lead),
                       arg_value(at), arg_value(grad));
    results[0] = build_reshape(&b, sum, x->type.sizes, x->type.rank);
    return b.error;
}

/* ---- rows ------------------------------------------------------------------------------------ */
const OpDesc fractional_ops[] = {
    EXPAND_FN(
        "aten::fractional_max_pool2d(Tensor self, int[2] kernel_size, int[2] output_size, "
        "Tensor random_samples) -> (Tensor, Tensor)",
        expand_fractional_max_pool,
        .samples =
            "self=f32[2,3,6,7]@distinct kernel_size=[2,3] output_size=[3,2] "
            "random_samples=f32[2,3,2]@0..0.9 | self=f32[1,5,5]@distinct kernel_size=2 "
            "output_size=[4,1] "
            "random_samples=f32[1,1,2]@0..0.9 | ! self=f32[1,1,3,3] kernel_size=3 output_size=2 "
            "random_samples=f32[1,1,2]@0..0.9"),
    EXPAND_FN("aten::fractional_max_pool3d(Tensor self, int[3] kernel_size, int[3] output_size, "
              "Tensor random_samples) -> (Tensor, Tensor)",
              expand_fractional_max_pool,
              .samples = "self=f32[1,2,4,5,6]@distinct kernel_size=[2,3,1] output_size=[2,2,3] "
                         "random_samples=f32[1,2,3]@0..0.9"),
    EXPAND_FN(
        "aten::max_pool2d_with_indices_backward(Tensor grad_output, Tensor self, int[2] "
        "kernel_size, int[2] stride, int[2] padding, int[2] dilation, bool ceil_mode, Tensor "
        "indices) -> Tensor",
        expand_max_pool_backward,
        .samples =
            "grad_output=f32[1,2,2,2] self=f32[1,2,4,4] kernel_size=2 stride=2 padding=0 "
            "dilation=1 "
            "ceil_mode=false indices=i64[1,2,2,2]@0..15 | grad_output=f32[1,2,2] self=f32[1,3,3] "
            "kernel_size=2 stride=1 padding=0 dilation=1 ceil_mode=false "
            "indices=i64[1,2,2]@[4,4,4,8]"),
    EXPAND_FN("aten::max_pool3d_with_indices_backward(Tensor grad_output, Tensor self, int[3] "
              "kernel_size, int[3] stride, int[3] padding, int[3] dilation, bool ceil_mode, Tensor "
              "indices) -> Tensor",
              expand_max_pool_backward,
              .samples =
                  "grad_output=f32[1,2,1,2,2] self=f32[1,2,2,4,4] kernel_size=2 stride=2 padding=0 "
                  "dilation=1 "
                  "ceil_mode=false indices=i64[1,2,1,2,2]@0..31"),
    {0},
};
