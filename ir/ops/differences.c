/* Composites without a larger family: gradient, diff, cross, the backward of softmax,
 * _chunk_cat.
 *
 * In: a node.  Out: nodes before it:
 *
 *   aten.gradient.scalarint(%x)       cat([x[1:2] - x[:1], (x[2:] - x[:-2]) / 2, x[-1:] -
 * x[-2:-1]]) */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <string.h>

static Value *times(Build *b, Value *x, double number)
{
    return BUILD(b, "aten.mul.Scalar", arg_value(x), arg_float(number));
}

/* ---- gradient -------------------------------------------------------------------------------- */
/* The spacing along a dim: a number, or coordinates. */
typedef struct Spacing {
    Arg    number;
    Value *coordinates;
} Spacing;

/* n elements along dim from the place `from`; negative ones count from the end. */
static Value *piece(Build *b, Value *x, int dim, int64_t from, int64_t n)
{
    if (b->error)
        return NULL;
    ExprPool   *pool = b->graph->ir->exprs;
    const Expr *size = x->type.sizes[dim], *start = expr_int(pool, from);
    if (from < 0)
        start = expr_add(pool, size, start);
    return build_slice(b, x, dim, start, expr_add(pool, start, expr_int(pool, n)));
}

/* The elements shifted by `from` (0, 1, 2) that stand beside those inside. */
static Value *inner(Build *b, Value *x, int dim, int64_t from)
{
    if (b->error)
        return NULL;
    ExprPool *pool = b->graph->ir->exprs;
    return build_slice(b, x, dim, expr_int(pool, from),
                       expr_add(pool, x->type.sizes[dim], expr_int(pool, from - 2)));
}

static Value *combine(Build *b, Value *x, Value *y, Value *z)
{
    return build_binary(b, "aten.add.Tensor", build_binary(b, "aten.add.Tensor", x, y), z);
}

/* at::gradient_helper_float */
static void by_number(Build *b, Value *x, int dim, const Arg *h, int64_t order, Value *parts[3])
{
    Value *above = inner(b, x, dim, 2), *below = inner(b, x, dim, 0);
    Value *wide = build_binary(b, "aten.sub.Tensor", above, below);
    wide = BUILD(b, "aten.div.Scalar", arg_value(wide), *h);
    parts[1] = BUILD(b, "aten.div.Scalar", arg_value(wide), arg_int(b->graph, 2));
    for (int end = 0; end < 2; end++) {
        int64_t from = end ? -3 : 0, sign = end ? -1 : 1;
        Value  *p[3];
        if (order == 1) {
            p[0] = piece(b, x, dim, end ? -1 : 1, 1);
            p[1] = piece(b, x, dim, end ? -2 : 0, 1);
            parts[2 * end] = build_binary(b, "aten.sub.Tensor", p[0], p[1]);
            continue;
        }
        static const double weights[3] = {-1.5, 2, -0.5};
        for (int i = 0; i < 3; i++)
            p[i] = times(b, piece(b, x, dim, from + i, 1), (double)sign * weights[end ? 2 - i : i]);
        parts[2 * end] = combine(b, p[0], p[1], p[2]);
    }
    for (int i = 0; i < 3; i += 2)
        parts[i] = BUILD(b, "aten.div.Scalar", arg_value(parts[i]), *h);
}

/* a x + b y + c z for coefficients along dim. */
static Value *weighted(Build *b, int dim, int rank, Value *const w[3], Value *const x[3])
{
    Value *parts[3] = {0};
    for (int i = 0; i < 3; i++) {
        Value *line = w[i];
        for (int d = dim + 1; d < rank; d++)
            line = build_unsqueeze(b, line, 1 + d - dim - 1);
        parts[i] = build_binary(b, "aten.mul.Tensor", line, x[i]);
    }
    return combine(b, parts[0], parts[1], parts[2]);
}

/* The first derivative of the parabola through three points p before q before r, at the point `at`
 * of them: coefficients of the values there, from the distances. */
static void parabola(Build *b, Value *pq, Value *qr, int at, Value *w[3])
{
    Value *all = build_binary(b, "aten.add.Tensor", pq, qr);
    Value *left = build_binary(b, "aten.mul.Tensor", pq, all),
          *right = build_binary(b, "aten.mul.Tensor", qr, all),
          *both = build_binary(b, "aten.mul.Tensor", pq, qr);
    Value *top[3] = {qr, build_binary(b, "aten.sub.Tensor", qr, pq), pq};
    double sign[3] = {-1, 1, 1};
    if (at == 0) {
        top[0] = build_binary(b, "aten.add.Tensor", all, pq), top[1] = all, top[2] = pq;
        sign[2] = -1;
    } else if (at == 2) {
        top[0] = qr, top[1] = all, top[2] = build_binary(b, "aten.add.Tensor", all, qr);
        sign[0] = 1, sign[1] = -1;
    }
    Value *bottom[3] = {left, both, right};
    for (int i = 0; i < 3; i++)
        w[i] = times(b, build_binary(b, "aten.div.Tensor", top[i], bottom[i]), sign[i]);
}

/* at::gradient_helper */
static void by_coordinates(Build *b, Value *x, int dim, Value *coordinates, int64_t order,
                           Value *parts[3])
{
    int    rank = b->error ? 0 : x->type.rank;
    Value *steps = BUILD(b, "aten.diff.default", arg_value(coordinates)), *w[3];
    if (b->error)
        return;
    ExprPool   *pool = b->graph->ir->exprs;
    const Expr *n = steps->type.sizes[0], *one = expr_int(pool, 1), *zero = expr_int(pool, 0);
    Value      *pq = build_slice(b, steps, 0, zero, expr_sub(pool, n, one)),
          *qr = build_slice(b, steps, 0, one, n);
    parabola(b, pq, qr, 1, w);
    Value *x3[3] = {inner(b, x, dim, 0), inner(b, x, dim, 1), inner(b, x, dim, 2)};
    parts[1] = weighted(b, dim, rank, w, x3);
    for (int end = 0; end < 2; end++) {
        int64_t at = end ? -1 : 0, next = end ? -2 : 1;
        Value  *step = piece(b, steps, 0, at, 1);
        if (order == 1) {
            Value *high = piece(b, x, dim, end ? -1 : 1, 1),
                  *low = piece(b, x, dim, end ? -2 : 0, 1);
            Value *d = build_binary(b, "aten.sub.Tensor", high, low);
            parts[2 * end] = build_binary(b, "aten.div.Tensor", d, build_select(b, step, 0, 0));
            continue;
        }
        Value *other = piece(b, steps, 0, next, 1);
        parabola(b, end ? other : step, end ? step : other, 2 * end, w);
        for (int i = 0; i < 3; i++)
            x3[i] = piece(b, x, dim, end ? i - 3 : i, 1);
        parts[2 * end] = weighted(b, dim, rank, w, x3);
    }
}

static Error *spacing_of(Node *node, int i, int n, Spacing *out)
{
    int        at = schema_param(node->schema, "spacing");
    const Arg *arg = at < 0 ? NULL : &node->args[at];
    *out = (Spacing){.number = arg_int(node->graph, 1)};
    if (!arg || arg->kind == ARG_NONE)
        return NULL;
    if (arg->kind == ARG_LIST && arg->n_items != n)
        return node_error(node, E_VALUE, "%d spacings for %d dims", arg->n_items, n);
    if (arg->kind == ARG_LIST)
        arg = &arg->items[i];
    if (arg->kind == ARG_VALUE && arg->value->kind == VALUE_TENSOR)
        out->coordinates = arg->value;
    else
        out->number = *arg;
    return NULL;
}

static Error *expand_gradient(Node *node, Value **results)
{
    Build   b = build_at(node);
    Value  *x = node_tensor(node, "self"), *parts[3] = {0};
    int     dims[MAX_RANK], n = 0;
    int64_t order = node_int(node, "edge_order"), size;
    TRY(shape_dims(node, "dim", x->type.rank, dims, &n));
    if (shape_is_none(node, "dim"))
        for (n = 0; n < x->type.rank; n++)
            dims[n] = n;
    if (order != 1 && order != 2)
        return node_error(node, E_VALUE, "edge_order is %lld, not 1 or 2", (long long)order);
    for (int i = 0; i < n && i < node->n_results; i++) {
        Spacing s;
        TRY(spacing_of(node, i, n, &s));
        if (expr_is_int(x->type.sizes[dims[i]], &size) && size < order + 1)
            return node_error(node, E_VALUE, "dim %d has %lld elements, %lld are needed", dims[i],
                              (long long)size, (long long)order + 1);
        if (s.coordinates)
            by_coordinates(&b, x, dims[i], s.coordinates, order, parts);
        else
            by_number(&b, x, dims[i], &s.number, order, parts);
        Value *ordered[3] = {parts[0], parts[1], parts[2]};
        results[i] = BUILD(&b, "aten.cat.default", arg_values(b.graph, ordered, 3),
                           arg_int(b.graph, dims[i]));
    }
    return b.error;
}

/* ---- _chunk_cat ------------------------------------------------------------------------------ */
/* Every tensor is padded along dim to a multiple of num_chunks, seen as [before, chunks, rest], and
 * they are joined by their rests. */
static Error *expand_chunk_cat(Node *node, Value **results)
{
    Build     b = build_at(node);
    ExprPool *pool = shape_pool(node);
    Value   **v;
    int       n, dim;
    int64_t   chunks;
    TRY(shape_tensors(node, "tensors", &v, &n));
    TRY(shape_const_int(node, "num_chunks", &chunks));
    if (n == 0 || chunks < 1)
        return node_error(node, E_VALUE, "%d tensors in %lld chunks", n, (long long)chunks);
    TRY(shape_dim(node, "dim", v[0]->type.rank, &dim));
    for (int i = 0; i < n && !b.error; i++) {
        const TensorType *t = &v[i]->type;
        const Expr       *sizes[MAX_RANK], *pads[2 * MAX_RANK], *count = expr_int(pool, chunks);
        int               behind = t->rank - dim;
        for (int k = 0; k < 2 * behind; k++)
            pads[k] = expr_int(pool, 0);
        pads[2 * behind - 1] = expr_mod(pool, expr_neg(pool, t->sizes[dim]), count);
        const Expr *rest = expr_ceildiv(pool, t->sizes[dim], count);
        for (int d = 0; d < t->rank; d++)
            if (d < dim)
                sizes[d] = t->sizes[d];
            else if (d > dim)
                rest = expr_mul(pool, rest, t->sizes[d]);
        sizes[dim] = count;
        sizes[dim + 1] = rest;
        Value *padded = BUILD(&b, "aten.constant_pad_nd.default", arg_value(v[i]),
                              arg_exprs(b.graph, pads, 2 * behind));
        v[i] = build_reshape(&b, padded, sizes, dim + 2);
    }
    results[0] =
        BUILD(&b, "aten.cat.default", arg_values(b.graph, v, n), arg_int(b.graph, dim + 1));
    return b.error;
}

/* ---- softmax, backwards ---------------------------------------------------------------------- */
/* y (g - sum(g y)), or g - exp(y) sum(g) of log_softmax; f16 and bf16 are rounded once. */
static Error *expand_softmax_backward(Node *node, Value **results)
{
    Build   b = build_at(node);
    Value  *grad = node_tensor(node, "grad_output"), *y = node_tensor(node, "output");
    bool    is_log = !strcmp(node->schema->base, "_log_softmax_backward_data");
    DType   dtype = dtype_compute(dtype_promote(grad->type.dtype, y->type.dtype));
    int     dim;
    int64_t wide_dim;
    TRY(shape_dim(node, "dim", y->type.rank, &dim));
    wide_dim = dim;
    grad = build_cast(&b, grad, dtype);
    y = build_cast(&b, y, dtype);
    Value *part = is_log ? grad : build_binary(&b, "aten.mul.Tensor", grad, y);
    Value *sum = BUILD(&b, "aten.sum.dim_IntList", arg_value(part), arg_ints(b.graph, &wide_dim, 1),
                       arg_bool(b.graph, true));
    Value *out;
    if (is_log) {
        Value *e = BUILD(&b, "aten.exp.default", arg_value(y));
        out =
            build_binary(&b, "aten.sub.Tensor", grad, build_binary(&b, "aten.mul.Tensor", e, sum));
    } else {
        out =
            build_binary(&b, "aten.mul.Tensor", build_binary(&b, "aten.sub.Tensor", grad, sum), y);
    }
    results[0] = b.error ? NULL : build_cast(&b, out, node_arg(node, "input_dtype")->dtype);
    return b.error;
}

/* ---- diff, cross ------------------------------------------------------------------------------
 */
/* n-th difference along dim, of the input with prepend and append around it. */
static Error *expand_diff(Node *node, Value **results)
{
    Build   b = build_at(node);
    Value  *x = node_tensor(node, "self"), *parts[3];
    int64_t n;
    int     dim, count = 0;
    if (x->type.rank == 0)
        return node_error(node, E_VALUE, "diff of a tensor without dims");
    TRY(shape_const_int(node, "n", &n));
    TRY(shape_dim(node, "dim", x->type.rank, &dim));
    if (n < 0 || n > 64)
        return node_error(node, n < 0 ? E_VALUE : E_LIMIT, "diff of order %lld", (long long)n);
    if (n == 0) { /* nothing is joined either */
        results[0] = BUILD(&b, "aten.clone.default", arg_value(x));
        return b.error;
    }
    if (node_tensor(node, "prepend"))
        parts[count++] = node_tensor(node, "prepend");
    parts[count++] = x;
    if (node_tensor(node, "append"))
        parts[count++] = node_tensor(node, "append");
    if (count > 1)
        x = BUILD(&b, "aten.cat.default", arg_values(b.graph, parts, count), arg_int(b.graph, dim));
    for (int64_t i = 0; i < n && !b.error; i++) {
        const Expr *size = x->type.sizes[dim], *one = shape_int(node, 1);
        const Expr *end = expr_is_value(size, 0) ? size : expr_sub(shape_pool(node), size, one);
        Value      *high = build_slice(&b, x, dim, one, size),
              *low = build_slice(&b, x, dim, shape_int(node, 0), end);
        if (!b.error)
            x = BUILD(&b, x->type.dtype == DT_BOOL ? "aten.logical_xor.default" : "aten.sub.Tensor",
                      arg_value(high), arg_value(low));
    }
    results[0] = x;
    return b.error;
}

/* cross product: a[i+1] b[i+2] - a[i+2] b[i+1]. */
static Error *expand_cross(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *x = node_tensor(node, "self"), *y = node_tensor(node, "other"), *p[4];
    int    dim = -1;
    if (!shape_is_none(node, "dim"))
        TRY(shape_dim(node, "dim", x->type.rank, &dim));
    for (int d = 0; d < x->type.rank && dim < 0; d++)
        dim = expr_is_value(x->type.sizes[d], 3) ? d : -1;
    int back = x->type.rank - dim; /* the same dim of other, which may have fewer */
    if (dim < 0 || back > y->type.rank || !expr_is_value(x->type.sizes[dim], 3))
        return node_error(node, E_VALUE, "the cross product needs a dim of size 3");
    for (int i = 0; i < 4; i++) {
        Value *from = i % 2 == 0 ? x : y;
        int    shift = i == 0 || i == 3 ? -1 : -2, at = from->type.rank - back;
        p[i] = BUILD(&b, "aten.roll.default", arg_value(from), arg_dims(b.graph, &shift, 1),
                     arg_dims(b.graph, &at, 1));
    }
    if (b.error)
        return b.error;
    Value *left = BUILD(&b, "aten.mul.Tensor", arg_value(p[0]), arg_value(p[1]));
    Value *right = BUILD(&b, "aten.mul.Tensor", arg_value(p[2]), arg_value(p[3]));
    if (!b.error)
        results[0] = BUILD(&b, "aten.sub.Tensor", arg_value(left), arg_value(right));
    return b.error;
}

/* ---- rows ------------------------------------------------------------------------------------ */
#define GRADIENT(args, samples_text)                                                               \
    {                                                                                              \
        .schema = "aten::gradient." args " -> Tensor[]", .kind = OP_COMPOSITE,                     \
        .expand_fn = expand_gradient, .samples = samples_text                                      \
    }

const OpDesc differences_ops[] = {
    GRADIENT("array(Tensor self, *, int[] dim, int edge_order=1)",
             "self=f32[4,5] dim=[0,1] | self=f32[3,4] dim=[-1] edge_order=2"),
    GRADIENT("scalararray(Tensor self, *, Scalar spacing, int[] dim, int edge_order=1)",
             "self=f32[4,5] spacing=0.5 dim=[0,1] | self=f64[5] spacing=2 dim=[0] edge_order=2"),
    GRADIENT("scalarint(Tensor self, *, Scalar? spacing=None, int? dim=None, int edge_order=1)",
             "self=f32[5] | self=f32[3,4] spacing=0.5 dim=1 | self=i64[6] | self=bf16[7] | "
             "self=f32[4,3,5] edge_order=2 | self=f32[2]{3} | ! self=f32[1]"),
    GRADIENT("scalarrayarray(Tensor self, *, Scalar[] spacing, int[] dim, int edge_order=1)",
             "self=f32[4,5] spacing=[0.5,2.0] dim=[1,0]"),
    GRADIENT("scalarrayint(Tensor self, *, Scalar[] spacing, int? dim=None, int edge_order=1)",
             "self=f32[4,5] spacing=[2,1.5]"),
    GRADIENT("tensorarray(Tensor self, *, Tensor[] spacing, int[] dim, int edge_order=1)",
             "self=f32[4,5] spacing=[f32[4]@[0,1,3,4],f32[5]@[-1,0,0.5,2,3]] dim=[0,1]"),
    GRADIENT("tensorarrayint(Tensor self, *, Tensor[] spacing, int? dim=None, int edge_order=1)",
             "self=f32[4,5] spacing=[f32[5]@[-1,0,0.5,2,3]] dim=1 edge_order=2 | self=f64[5] "
             "spacing=[f64[5]@[0,1,3,4,7]]"),
    {.schema = "aten::_softmax_backward_data(Tensor grad_output, Tensor output, int dim, "
               "ScalarType input_dtype) -> Tensor",
     .kind = OP_COMPOSITE,
     .expand_fn = expand_softmax_backward,
     .samples =
         "grad_output=f32[3,4] output=f32[3,4]@0..1 dim=1 input_dtype=f32 | grad_output=bf16[2,3] "
         "output=bf16[2,3]@0..1 dim=-2 input_dtype=bf16 | grad_output=f64[] output=f64[] dim=0 "
         "input_dtype=f64"},
    {.schema = "aten::_log_softmax_backward_data(Tensor grad_output, Tensor output, int dim, "
               "ScalarType input_dtype) -> Tensor",
     .kind = OP_COMPOSITE,
     .expand_fn = expand_softmax_backward,
     .samples =
         "grad_output=f32[3,4] output=f32[3,4]@0..1 dim=1 input_dtype=f32 | grad_output=bf16[2,3] "
         "output=bf16[2,3]@0..1 dim=-2 input_dtype=bf16 | grad_output=f64[] output=f64[] dim=0 "
         "input_dtype=f64"},
    {.schema = "aten::_chunk_cat(Tensor[] tensors, int dim, int num_chunks) -> Tensor",
     .kind = OP_COMPOSITE,
     .expand_fn = expand_chunk_cat,
     .samples = "tensors=[f32[5,2],f32[3]] dim=0 num_chunks=2 | tensors=[i64[2,3],i64[2,5,2]] "
                "dim=1 num_chunks=3"},
    EXPAND_FN(
        "aten::cross(Tensor self, Tensor other, int? dim=None) -> Tensor", expand_cross,
        .samples =
            "self=f32[4,3] other=f32[4,3] | self=f32[3,4] other=f32[3,4] dim=0 | self=f32[2,3,3] "
            "other=f32[2,3,3] dim=-1 | self=i64[3] other=i64[3] | ! self=f32[4] other=f32[4]"),
    EXPAND_FN("aten::linalg_cross(Tensor self, Tensor other, *, int dim=-1) -> Tensor",
              expand_cross,
              .samples = "self=f32[4,3] other=f32[4,3] | self=f32[3,4] other=f32[3,4] dim=0 | "
                         "self=f32[1,3] other=f32[5,3] | self=i64[3] other=i64[3] | self=f64[0,3] "
                         "other=f64[0,3] | ! self=f32[4] other=f32[4]"),
    EXPAND_FN("aten::diff(Tensor self, int n=1, int dim=-1, Tensor? prepend=None, Tensor? "
              "append=None) -> Tensor",
              expand_diff,
              .samples = "self=f32[5] | self=f32[3,5] dim=0 | self=f32[3,5] n=2 | self=f32[3,5] "
                         "n=9 | self=i64[6] prepend=i64[2] | self=f32[2,4] append=f32[2,1] | "
                         "self=bool[6] | self=bf16[5] n=0 | ! self=f32[]"),
    {0},
};
