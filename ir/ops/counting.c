/* Histograms, the most frequent element, reductions of segments: places computed for every element,
 * then a scatter or gather.
 *
 * In: a node.  Out: nodes before it:
 *
 *   aten.histc.default(%x, 10, 0, 5)       p = trunc((x - 0) * 10 / 5), 10 for what lies outside;
 *                                          scatter_add(zeros(11), p, 1)[:10] */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <math.h>
#include <string.h>

/* ---- helpers --------------------------------------------------------------------------------- */
static Value *choose(Build *b, Value *condition, Value *x, Value *y)
{
    return BUILD(b, "aten.where.self", arg_value(condition), arg_value(x), arg_value(y));
}

static Value *full_number(Build *b, Arg number, DType dtype)
{
    return BUILD(b, "aten.full.default", arg_ints(b->graph, NULL, 0), number, arg_dtype(dtype));
}

static Value *flat(Build *b, Value *x)
{
    const Expr *n = tensor_numel(b->graph->ir, &x->type);
    return build_reshape(b, x, &n, 1);
}

/* ---- histograms ------------------------------------------------------------------------------ */
/* One dim of a histogram: aten/src/ATen/native/cpu/HistogramKernel.cpp. */
typedef struct Axis {
    Value  *x;          /* a row of numbers */
    Value  *low, *high; /* 0-d */
    Value  *edges;      /* bins + 1 of them, or NULL (histc) */
    int64_t bins;
    bool    is_even; /* equal bins: places are computed, else searched */
} Axis;

/* The border of the data, moved apart where it is one number; 0 and 1 without data. */
static void data_range(Build *b, Axis *a, double apart)
{
    DType       dtype = b->error ? DT_F32 : a->x->type.dtype;
    const Expr *n = b->error ? NULL : tensor_numel(b->graph->ir, &a->x->type);
    if (n && expr_is_value(n, 0)) {
        a->low = full_number(b, arg_float(0), dtype);
        a->high = full_number(b, arg_float(1), dtype);
        return;
    }
    Value *low = build_unary(b, "aten.amin.default", a->x),
          *high = build_unary(b, "aten.amax.default", a->x);
    Value *same = build_binary(b, "aten.eq.Tensor", low, high);
    a->low = choose(b, same, BUILD(b, "aten.sub.Scalar", arg_value(low), arg_float(apart)), low);
    a->high = choose(b, same, BUILD(b, "aten.add.Scalar", arg_value(high), arg_float(apart)), high);
}

static Error *given_range(Node *node, Build *b, Axis *a, double low, double high, double apart)
{
    DType dtype = b->error ? DT_F32 : a->x->type.dtype;
    if (!(low <= high) || isinf(low) || isinf(high))
        return node_error(node, E_VALUE, "a range from %g to %g", low, high);
    a->low = full_number(b, arg_float(low == high ? low - apart : low), dtype);
    a->high = full_number(b, arg_float(low == high ? high + apart : high), dtype);
    return b->error;
}

static Value *even_edges(Build *b, const Axis *a)
{
    return b->error ? NULL
                    : BUILD(b, "aten.linspace.Tensor_Tensor", arg_value(a->low), arg_value(a->high),
                            arg_int(b->graph, a->bins + 1), arg_dtype(a->x->type.dtype));
}

/* Even bins: computed, then corrected by one against the edges. */
static Value *even_places(Build *b, const Axis *a)
{
    Value *at = build_binary(b, "aten.sub.Tensor", a->x, a->low);
    at = BUILD(b, "aten.mul.Scalar", arg_value(at), arg_int(b->graph, a->bins));
    at =
        build_binary(b, "aten.div.Tensor", at, build_binary(b, "aten.sub.Tensor", a->high, a->low));
    at = BUILD(b, "aten.nan_to_num.default", arg_value(at));
    at = BUILD(b, "aten.clamp.default", arg_value(at), arg_int(b->graph, 0),
               arg_int(b->graph, a->bins - 1));
    at = b->error ? NULL : build_cast(b, at, DT_I64);
    if (!a->edges)
        return at;
    Value *is_less =
        build_binary(b, "aten.lt.Tensor", a->x, build_binary(b, "aten.take.default", a->edges, at));
    at = build_with_int(b, "aten.clamp_min.default",
                        build_binary(b, "aten.sub.Tensor", at, is_less), 0);
    Value *next =
        build_binary(b, "aten.take.default", a->edges, build_with_int(b, "aten.add.Scalar", at, 1));
    Value *is_more = build_binary(b, "aten.ge.Tensor", a->x, next);
    return build_with_int(b, "aten.clamp_max.default",
                          build_binary(b, "aten.add.Tensor", at, is_more), a->bins - 1);
}

/* The bin of every element (any where it is outside), and which are inside: the last bin has both
 * edges. */
static Value *axis_places(Build *b, Axis *a, Value **inside)
{
    Value *above = build_binary(b, "aten.ge.Tensor", a->x, a->low);
    Value *below = build_binary(b, "aten.le.Tensor", a->x, a->high);
    *inside = build_binary(b, "aten.logical_and.default", above, below);
    if (a->is_even)
        return even_places(b, a);
    Value *at = BUILD(b, "aten.searchsorted.Tensor", arg_value(a->edges), arg_value(a->x),
                      arg_bool(b->graph, false), arg_bool(b->graph, true));
    at = build_with_int(b, "aten.sub.Scalar", at, 1);
    return BUILD(b, "aten.clamp.default", arg_value(at), arg_int(b->graph, 0),
                 arg_int(b->graph, a->bins - 1));
}

/* Counts or sums of weights over the grid of all bins; what is outside goes to one place more. */
static Value *fill_grid(Build *b, Axis *axes, int n, Value *weight)
{
    const Expr *sizes[MAX_RANK];
    Value      *place = NULL, *inside = NULL;
    int64_t     total = 1;
    for (int d = 0; d < n; d++) {
        Value *in, *at = axis_places(b, &axes[d], &in);
        place = d ? build_binary(b, "aten.add.Tensor",
                                 BUILD(b, "aten.mul.Scalar", arg_value(place),
                                       arg_int(b->graph, axes[d].bins)),
                                 at)
                  : at;
        inside = d ? build_binary(b, "aten.logical_and.default", inside, in) : in;
        sizes[d] = expr_int(b->graph->ir->exprs, axes[d].bins);
        total *= axes[d].bins;
    }
    place = choose(b, inside, place, full_number(b, arg_int(b->graph, total), DT_I64));
    int64_t room = total + 1;
    Value *zeros = BUILD(b, "aten.full.default", arg_ints(b->graph, &room, 1), arg_int(b->graph, 0),
                         arg_dtype(b->error ? DT_F32 : axes[0].x->type.dtype));
    Value *what = weight ? flat(b, weight) : build_unary(b, "aten.ones_like.default", axes[0].x);
    Value *hist = BUILD(b, "aten.scatter_add.default", arg_value(zeros), arg_int(b->graph, 0),
                        arg_value(place), arg_value(what));
    hist = build_slice(b, hist, 0, expr_int(b->graph->ir->exprs, 0),
                       expr_int(b->graph->ir->exprs, total));
    return build_reshape(b, hist, sizes, n);
}

/* Over the sum and the widths of the bins. */
static Value *to_density(Build *b, Value *hist, const Axis *axes, int n)
{
    hist = build_binary(b, "aten.div.Tensor", hist, build_unary(b, "aten.sum.default", hist));
    for (int d = 0; d < n; d++) {
        Value *width = build_unary(b, "aten.diff.default", axes[d].edges);
        for (int k = d + 1; k < n; k++)
            width = build_unsqueeze(b, width, k - d);
        hist = build_binary(b, "aten.div.Tensor", hist, width);
    }
    return hist;
}

static Error *check_bins(const Node *node, int64_t bins)
{
    return bins > 0 ? NULL : node_error(node, E_VALUE, "%lld bins", (long long)bins);
}

static Error *check_numbers(const Node *node)
{
    DType dtype = shape_type(node, "self")->dtype;
    return dtype_is_float(dtype)
               ? NULL
               : node_error(node, E_VALUE, "a histogram of %s", dtype_name(dtype));
}

static Error *expand_histc(Node *node, Value **results)
{
    Build  b = build_at(node);
    Axis   a = {.x = flat(&b, node_tensor(node, "self")), .is_even = true};
    double low = node_float(node, "min"), high = node_float(node, "max");
    TRY(check_numbers(node));
    TRY(shape_const_int(node, "bins", &a.bins));
    TRY(check_bins(node, a.bins));
    if (low == 0 && high == 0)
        data_range(&b, &a, 1);
    else
        TRY(given_range(node, &b, &a, low, high, 1));
    results[0] = fill_grid(&b, &a, 1, NULL);
    return b.error;
}

static Error *edges_of_tensor(Node *node, Build *b, Axis *a, Value *edges)
{
    if (edges->type.rank != 1 || !expr_is_int(edges->type.sizes[0], &a->bins))
        return node_error(node, E_UNSUPPORTED, "edges of bins whose number is not constant");
    a->bins -= 1;
    TRY(check_bins(node, a->bins));
    a->edges = edges;
    a->low = build_select(b, edges, 0, 0);
    a->high = build_select(b, edges, 0, a->bins);
    return b->error;
}

/* The axis of column d of self (all elements for d < 0), with what the node says of its bins. */
static Error *read_axis(Node *node, Build *b, int d, Axis *a)
{
    Arg *bins = node_arg(node, "bins");
    int  range = schema_param(node->schema, "range");
    int  i = d < 0 ? 0 : d;
    if (bins->kind == ARG_LIST)
        bins = &bins->items[i];
    if (bins->kind == ARG_VALUE && bins->value->kind == VALUE_TENSOR)
        return edges_of_tensor(node, b, a, bins->value);
    if (!arg_as_expr(bins) || !expr_is_int(arg_as_expr(bins), &a->bins))
        return node_error(node, E_UNSUPPORTED, "a number of bins that is not constant");
    TRY(check_bins(node, a->bins));
    a->is_even = true;
    if (range >= 0 && node->args[range].kind == ARG_LIST) {
        const Arg *list = &node->args[range];
        if (list->n_items < 2 * i + 2 || list->items[2 * i].kind != ARG_FLOAT ||
            list->items[2 * i + 1].kind != ARG_FLOAT)
            return node_error(node, E_UNSUPPORTED, "a range that is not constant");
        TRY(given_range(node, b, a, list->items[2 * i].number, list->items[2 * i + 1].number, 0.5));
    } else {
        data_range(b, a, 0.5);
    }
    a->edges = even_edges(b, a);
    return b->error;
}

static Error *expand_histogram(Node *node, Value **results)
{
    Build b = build_at(node);
    Axis  a = {.x = flat(&b, node_tensor(node, "self"))};
    TRY(check_numbers(node));
    TRY(read_axis(node, &b, -1, &a));
    Value *hist = fill_grid(&b, &a, 1, node_tensor(node, "weight"));
    results[0] = node_bool(node, "density") ? to_density(&b, hist, &a, 1) : hist;
    results[1] = a.edges;
    return b.error;
}

/* The last dim holds the coordinates; edges are a list. */
static Error *expand_histogramdd(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value      *x = node_tensor(node, "self");
    Axis        axes[MAX_RANK] = {0};
    int64_t     n;
    const Expr *sizes[2] = {shape_int(node, -1), NULL};
    TRY(check_numbers(node));
    if (x->type.rank < 2 || !expr_is_int(x->type.sizes[x->type.rank - 1], &n) || n < 1 ||
        n > MAX_RANK)
        return node_error(node, E_UNSUPPORTED,
                          "a number of coordinates that is not constant or beyond %d", MAX_RANK);
    const Arg *bins = node_arg(node, "bins");
    if (bins->kind == ARG_LIST && bins->n_items != n)
        return node_error(node, E_VALUE, "%d numbers of bins for %lld coordinates", bins->n_items,
                          (long long)n);
    sizes[0] = shape_quotient(shape_pool(node), x->type.sizes, x->type.rank,
                              &x->type.sizes[x->type.rank - 1], 1);
    sizes[1] = x->type.sizes[x->type.rank - 1];
    Value *rows = build_reshape(&b, x, sizes, 2);
    for (int d = 0; d < n; d++) {
        axes[d].x = build_select(&b, rows, 1, d);
        TRY(read_axis(node, &b, d, &axes[d]));
    }
    Value *hist = fill_grid(&b, axes, (int)n, node_tensor(node, "weight"));
    results[0] = node_bool(node, "density") ? to_density(&b, hist, axes, (int)n) : hist;
    for (int d = 0; d < n && d + 1 < node->n_results; d++)
        results[d + 1] = axes[d].edges;
    return b.error;
}

/* ---- mode ------------------------------------------------------------------------------------ */
/* Sorted; the longest run of equal ones, the first of several; its last place in self. */
static Error *expand_mode(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *x = node_tensor(node, "self");
    int    dim, rank = x->type.rank, one = 1;
    TRY(shape_dim(node, "dim", rank, &dim));
    if (rank == 0) {
        results[0] = build_unary(&b, "aten.clone.default", x);
        results[1] = full_number(&b, arg_int(b.graph, 0), DT_I64);
        return b.error;
    }
    const Expr *n = x->type.sizes[dim], *shape[MAX_RANK];
    if (expr_is_value(n, 0))
        return node_error(node, E_VALUE, "the mode of no elements");
    Node *sorted = BUILD_NODE(&b, "aten.sort.default", arg_value(x), arg_int(b.graph, dim));
    if (b.error)
        return b.error;
    Value *v = sorted->results[0];
    for (int d = 0; d < rank; d++)
        shape[d] = d == dim ? n : shape_int(node, 1);
    Value *at = build_reshape(&b, BUILD(&b, "aten.arange.default", arg_expr(n), arg_dtype(DT_I64)),
                              shape, rank);
    Value *before = BUILD(&b, "aten.roll.default", arg_value(v), arg_dims(b.graph, &one, 1),
                          arg_dims(b.graph, &dim, 1));
    Value *differs = build_binary(&b, "aten.ne.Tensor", v, before);
    Value *begins = build_with_int(&b, "aten.eq.Scalar", at, 0);
    begins = build_binary(&b, "aten.logical_or.default", differs, begins);
    Value *start = choose(&b, begins, at, full_number(&b, arg_int(b.graph, 0), DT_I64));
    Node  *running = BUILD_NODE(&b, "aten.cummax.default", arg_value(start), arg_int(b.graph, dim));
    if (b.error)
        return b.error;
    Value *length = build_binary(&b, "aten.sub.Tensor", at, running->results[0]);
    Value *best = BUILD(&b, "aten.argmax.default", arg_value(length), arg_int(b.graph, dim),
                        arg_bool(b.graph, true));
    for (int r = 0; r < 2; r++) {
        Value *picked = BUILD(&b, "aten.gather.default", arg_value(sorted->results[r]),
                              arg_int(b.graph, dim), arg_value(best));
        results[r] = node_bool(node, "keepdim") ? picked : build_squeeze(&b, picked, dim);
    }
    return b.error;
}

/* ---- segment_reduce -------------------------------------------------------------------------- */
static const struct {
    const char *name, *reduce;
    double      initial;
} segment_table[] = {{"sum", "sum", 0},
                     {"mean", "sum", 0},
                     {"prod", "prod", 1},
                     {"max", "amax", -INFINITY},
                     {"min", "amin", INFINITY}};

/* The segment that each place along axis is in, and how long segments are.  Places behind the last
 * one get the number of segments. */
static Error *segments_of(Node *node, Build *b, const Expr *places, Value **segment,
                          Value **lengths)
{
    Value *given = node_tensor(node, "lengths"), *offsets = node_tensor(node, "offsets"), *ends;
    if (!given && !offsets)
        return node_error(node, E_UNSUPPORTED, "segments by indices");
    int         axis = (given ? given : offsets)->type.rank - 1;
    const Expr *size = (given ? given : offsets)->type.sizes[axis], *one = shape_int(node, 1);
    if (given) {
        *lengths = build_cast(b, given, DT_I64);
        ends = build_with_int(b, "aten.cumsum.default", *lengths, axis);
    } else {
        offsets = build_cast(b, offsets, DT_I64);
        ends = build_slice(b, offsets, axis, one, size);
        *lengths = build_binary(b, "aten.sub.Tensor", ends,
                                build_slice(b, offsets, axis, shape_int(node, 0),
                                            expr_sub(shape_pool(node), size, one)));
    }
    Value  *at = BUILD(b, "aten.arange.default", arg_expr(places), arg_dtype(DT_I64));
    Value  *passed = build_binary(b, "aten.le.Tensor", build_unsqueeze(b, ends, axis + 1), at);
    int64_t dim = axis;
    *segment = BUILD(b, "aten.sum.dim_IntList", arg_value(passed), arg_ints(b->graph, &dim, 1));
    return b->error;
}

static Error *expand_segment_reduce(Node *node, Value **results)
{
    Build       b = build_at(node);
    ExprPool   *pool = shape_pool(node);
    Value      *x = node_tensor(node, "data"), *segment = NULL, *lengths = NULL;
    const char *name = node_arg(node, "reduce")->string;
    const Expr *sizes[MAX_RANK];
    int         axis, row = 0, rank = x->type.rank;
    const int   n_rows = (int)(sizeof segment_table / sizeof *segment_table);
    TRY(shape_dim(node, "axis", rank, &axis));
    while (row < n_rows && strcmp(segment_table[row].name, name))
        row++;
    if (row == n_rows)
        return node_error(node, E_VALUE, "reduce is \"%s\"", name);
    TRY(segments_of(node, &b, x->type.sizes[axis], &segment, &lengths));
    if (b.error || segment->type.rank != axis + 1)
        return b.error ? b.error
                       : node_error(node, E_VALUE, "lengths or offsets have rank %d for axis %d",
                                    segment->type.rank, axis);
    const Expr *count = lengths->type.sizes[axis];
    memcpy(sizes, x->type.sizes, sizeof *sizes * (size_t)rank);
    sizes[axis] = expr_add(pool, count, expr_int(pool, 1));
    bool has_initial = !shape_is_none(node, "initial");
    Arg  initial = has_initial ? *node_arg(node, "initial") : arg_float(segment_table[row].initial);
    Value *base = BUILD(&b, "aten.full.default", arg_exprs(b.graph, sizes, rank), initial,
                        arg_dtype(x->type.dtype));
    for (int d = axis + 1; d < rank; d++) {
        segment = build_unsqueeze(&b, segment, d);
        lengths = build_unsqueeze(&b, lengths, d);
    }
    segment = build_expand_to(&b, segment, x->type.sizes, rank);
    Value *out = BUILD(&b, "aten.scatter_reduce.two", arg_value(base), arg_int(b.graph, axis),
                       arg_value(segment), arg_value(x), arg_text(segment_table[row].reduce));
    out = build_slice(&b, out, axis, expr_int(pool, 0), count);
    out = build_unary(&b, "aten.contiguous.default", out);
    if (!strcmp(name, "mean")) { /* of nothing: the initial value, or NaN */
        Value *is_empty = build_with_int(&b, "aten.eq.Scalar", lengths, 0);
        Value *mean = build_binary(&b, "aten.div.Tensor", out, lengths);
        Value *nan = full_number(&b, arg_float(NAN), x->type.dtype);
        out = choose(&b, is_empty, has_initial ? out : nan, mean);
    }
    results[0] = out;
    return b.error;
}

/* ---- hash_tensor ----------------------------------------------------------------------------- */
/* The exclusive or of the bits of f64 or i64 values: for each bit the parity of a sum. */
static Error *expand_hash_tensor(Node *node, Value **results)
{
    Build   b = build_at(node);
    Value  *x = node_tensor(node, "self");
    int     dims[MAX_RANK], n = 0, rank = x->type.rank;
    bool    keepdim = node_bool(node, "keepdim");
    int64_t last = -1;
    TRY(shape_dims(node, "dim", rank, dims, &n));
    for (int d = 0; n == 0 && d < rank; d++)
        dims[d] = d;
    n = n ? n : rank;
    if (dtype_is_float(x->type.dtype))
        x = BUILD(&b, "aten.view.dtype", arg_value(build_cast(&b, x, DT_F64)), arg_dtype(DT_I64));
    else
        x = build_cast(&b, x, DT_I64);
    Value *bit = BUILD(&b, "aten.arange.default", arg_int(b.graph, 64), arg_dtype(DT_I64));
    Value *bits =
        build_binary(&b, "aten.bitwise_right_shift.Tensor", build_unsqueeze(&b, x, rank), bit);
    bits = build_with_int(&b, "aten.bitwise_and.Scalar", bits, 1);
    if (rank > 0)
        bits = BUILD(&b, "aten.sum.dim_IntList", arg_value(bits), arg_dims(b.graph, dims, n),
                     arg_bool(b.graph, keepdim));
    bits = build_with_int(&b, "aten.bitwise_and.Scalar", bits, 1);
    bits = build_binary(&b, "aten.bitwise_left_shift.Tensor", bits, bit);
    Value *hash = BUILD(&b, "aten.sum.dim_IntList", arg_value(bits), arg_ints(b.graph, &last, 1));
    results[0] = b.error ? NULL : build_cast(&b, hash, DT_U64);
    return b.error;
}

/* ---- rows ------------------------------------------------------------------------------------ */
const OpDesc counting_ops[] = {
    EXPAND_FN(
        "aten::hash_tensor(Tensor self, int[1] dim=[], *, bool keepdim=False, int mode=0) -> "
        "Tensor",
        expand_hash_tensor,
        .samples =
            "self=f32[3,4] | self=i64[2,3] dim=-1 | self=bf16[5] keepdim=true | self=bool[4] | "
            "self=f64[2,2,3] dim=[0,2] keepdim=true | self=u8[3,2] dim=0 | self=f32[]"),
    EXPAND_FN(
        "aten::histc(Tensor self, int bins=100, Scalar min=0, Scalar max=0) -> Tensor",
        expand_histc,
        .samples =
            "self=f32[20] bins=7 | self=f32[3,5] min=-1 max=1.5 | self=f64[9] bins=3 | "
            "self=bf16[12] bins=4 min=-2 "
            "max=2 | self=f16[6]@1..1 bins=4 | self=f32[6]@[1,2,nan,5,0,3] bins=5 min=1 max=5 | "
            "self=f32[] "
            "bins=2 | ! self=f32[3] bins=0 | ! self=i64[4]@0..3"),
    EXPAND_FN("aten::histogram.bin_ct(Tensor self, int bins=100, *, float[]? range=None, Tensor? "
              "weight=None, bool density=False) -> (Tensor hist, Tensor bin_edges)",
              expand_histogram,
              .samples =
                  "self=f32[20] bins=7 | self=f32[3,5] bins=4 range=[-1.0,2.0] density=true | "
                  "self=f64[9] bins=3 weight=f64[9] "
                  "| self=f32[3]@2..2 bins=4 | self=f32[0] bins=2 | ! self=f32[3] bins=0"),
    EXPAND_FN("aten::histogram.bins_tensor(Tensor self, Tensor bins, *, Tensor? weight=None, bool "
              "density=False) -> (Tensor hist, Tensor bin_edges)",
              expand_histogram,
              .samples =
                  "self=f32[20] bins=f32[5]@[-2,-1,0,0.5,3] | self=f32[2,5] bins=f32[3]@[-3,0,3] "
                  "weight=f32[2,5]@0..2 "
                  "density=true | self=f64[6] bins=f64[2]@[-1,1]"),
    EXPAND_FN(
        "aten::histogramdd(Tensor self, int[] bins, float[]? range=None, Tensor? "
        "weight=None, bool density=False) -> (Tensor hist, Tensor[] bin_edges)",
        expand_histogramdd,
        .samples =
            "self=f32[20,2] bins=[3,4] | self=f32[10,1] bins=[3] range=[-1.0,1.0] density=true | "
            "self=f64[6,3] bins=[2,2,2] "
            "weight=f64[6]@0..3"),
    EXPAND_FN("aten::histogramdd.int_bins(Tensor self, int bins, float[]? range=None, Tensor? "
              "weight=None, bool density=False) -> (Tensor hist, Tensor[] bin_edges)",
              expand_histogramdd, .samples = "self=f32[12,2] bins=3"),
    EXPAND_FN("aten::histogramdd.TensorList_bins(Tensor self, Tensor[] bins, float[]? range=None, "
              "Tensor? weight=None, bool density=False) -> (Tensor hist, Tensor[] bin_edges)",
              expand_histogramdd,
              .samples = "self=f32[12,2] bins=[f32[3]@[-3,0,3],f32[4]@[-2,-1,1,2]]"),
    EXPAND_FN(
        "aten::mode(Tensor self, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor "
        "indices)",
        expand_mode,
        .samples =
            "self=i64[12]@0..4 | self=f32[3,5]@[1,2,2,3,3,3,1] dim=0 keepdim=true | self=bool[2,7] "
            "dim=1 | self=f32[] | "
            "self=bf16[3,4]@0..1 | self=u8[9]@0..2 | self=f32[2,1,3] dim=-2 | ! self=f32[3,0] "
            "dim=1"),
    EXPAND_FN(
        "aten::segment_reduce(Tensor data, str reduce, *, Tensor? lengths=None, Tensor? "
        "indices=None, Tensor? offsets=None, int axis=0, bool unsafe=False, Scalar? "
        "initial=None) -> Tensor",
        expand_segment_reduce,
        .samples =
            "data=f32[6] reduce='sum' lengths=i64[3]@[2,0,4] | data=f32[5,2] reduce='mean' "
            "lengths=i64[3]@[1,4,0] | data=f32[5,2] reduce='max' offsets=i64[3]@[0,2,5] "
            "initial=0.5 | "
            "data=f64[4] "
            "reduce='prod' lengths=i32[2]@[1,3] | data=f32[2,4] reduce='min' "
            "lengths=i64[2,2]@[1,3,2,2] axis=1 | "
            "data=f32[4]@[1,nan,2,3] reduce='max' lengths=i64[2]@[2,2] | data=f32[3] reduce='mean' "
            "lengths=i64[2]@[3,0] initial=2"),
    {0},
};
