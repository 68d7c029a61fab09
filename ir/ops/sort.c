/* Sorting along one dim: sort, argsort, topk as templates; kthvalue, median, msort, quantile as
 * places in a sorted row.
 *
 * In: a node.  Out: types, or nodes before it:
 *
 *   aten.median.dim(%x, 1)      s, i = sort(x, 1);  s[(n - 1) / 2], or the last element where that
 * is NaN
 *
 * NaN counts as larger than everything, equal elements keep their order. */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <math.h>
#include <string.h>

static Error *infer_sort(Node *node)
{
    const TensorType *in = shape_type(node, "self");
    int               dim;
    TRY(shape_dim(node, "dim", in->rank, &dim));
    if (dtype_info(in->dtype)->is_complex)
        return node_error(node, E_VALUE, "%s has no order", dtype_name(in->dtype));
    bool only_index = !strcmp(node->schema->base, "argsort");
    shape_result(node, 0, only_index ? DT_I64 : in->dtype, in->sizes, in->rank);
    if (!only_index)
        shape_result(node, 1, DT_I64, in->sizes, in->rank);
    return NULL;
}

static Error *infer_topk(Node *node)
{
    const TensorType *in = shape_type(node, "self");
    const Expr       *k = arg_as_expr(node_arg(node, "k")), *sizes[MAX_RANK];
    int               dim;
    int64_t           count, size;
    TRY(shape_dim(node, "dim", in->rank, &dim));
    memcpy(sizes, in->sizes, sizeof *sizes * (size_t)in->rank);
    const Expr *n = in->rank ? in->sizes[dim] : shape_int(node, 1);
    if (expr_range(k).max < 0 || (expr_is_int(k, &count) && expr_is_int(n, &size) && count > size))
        return node_error(node, E_VALUE, "k = %s is not in 0 ... %s",
                          expr_text(node->graph->ir->arena, k),
                          expr_text(node->graph->ir->arena, n));
    if (in->rank)
        sizes[dim] = k;
    shape_result(node, 0, in->dtype, sizes, in->rank);
    shape_result(node, 1, DT_I64, sizes, in->rank);
    return NULL;
}

/* ---- places in a sorted row ------------------------------------------------------------------ */
/* Values and indices of self sorted along dim. */
static Node *build_sort(Build *b, Value *x, int dim)
{
    return b->error ? NULL
                    : BUILD_NODE(b, "aten.sort.stable", arg_value(x), arg_bool(b->graph, true),
                                 arg_int(b->graph, dim), arg_bool(b->graph, false));
}

/* The element at a place of a dim, which goes or stays with size 1. */
static Value *pick(Build *b, Value *v, int dim, const Expr *place, bool keepdim)
{
    if (b->error || v->type.rank == 0)
        return v;
    ExprPool *pool = b->graph->ir->exprs;
    if (keepdim)
        return build_slice(b, v, dim, place, expr_add(pool, place, expr_int(pool, 1)));
    return BUILD(b, "aten.select.int", arg_value(v), arg_int(b->graph, dim), arg_expr(place));
}

static const Expr *dim_size(const Node *node, const Value *x, int dim)
{
    return x->type.rank ? x->type.sizes[dim] : shape_int(node, 1);
}

#define KTH "aotc::kth(Tensor self, SymInt k, int dim) -> (Tensor values, Tensor indices)"

/* kthvalue with keepdim, of tensors that have dims; k is checked. */
static Error *infer_kth(Node *node)
{
    const TensorType *in = shape_type(node, "self");
    const Expr       *sizes[MAX_RANK];
    int               dim;
    TRY(shape_check_rank(node, "self", 1, MAX_RANK));
    TRY(shape_dim(node, "dim", in->rank, &dim));
    memcpy(sizes, in->sizes, sizeof *sizes * (size_t)in->rank);
    sizes[dim] = shape_int(node, 1);
    shape_result(node, 0, in->dtype, sizes, in->rank);
    shape_result(node, 1, DT_I64, sizes, in->rank);
    return NULL;
}

static Error *expand_kthvalue(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value      *x = node_tensor(node, "self");
    const Expr *k = arg_as_expr(node_arg(node, "k"));
    int         dim;
    int64_t     count, size;
    TRY(shape_dim(node, "dim", x->type.rank, &dim));
    if (expr_range(k).max < 1 ||
        (expr_is_int(k, &count) && expr_is_int(dim_size(node, x, dim), &size) && count > size))
        return node_error(node, E_VALUE, "k = %s is not in 1 ... %s",
                          expr_text(b.graph->ir->arena, k),
                          expr_text(b.graph->ir->arena, dim_size(node, x, dim)));
    bool   is_lone = x->type.rank == 0;
    Value *row = is_lone ? build_unsqueeze(&b, x, 0) : x;
    if (b.error)
        return b.error;
    Arg   args[] = {arg_value(row), arg_expr(k), arg_int(b.graph, dim)};
    Node *found = build_internal_node(&b, KTH, args, 3);
    bool  keeps = node_bool(node, "keepdim") && !is_lone;
    for (int i = 0; i < 2 && !b.error; i++)
        results[i] = keeps ? found->results[i] : build_squeeze(&b, found->results[i], dim);
    return b.error;
}

/* The lower of the two middle elements; NaN where there is one. */
static Error *build_median(Build *b, Value *x, int dim, bool keepdim, Value **results)
{
    ExprPool   *pool = b->graph->ir->exprs;
    const Expr *n = x->type.rank ? x->type.sizes[dim] : expr_int(pool, 1), *one = expr_int(pool, 1);
    if (expr_is_value(n, 0))
        return node_error(b->at, E_VALUE, "the median of no elements");
    const Expr *last = expr_sub(pool, n, one),
               *middle = expr_floordiv(pool, last, expr_int(pool, 2));
    Node *sorted = build_sort(b, x, dim);
    if (b->error)
        return b->error;
    for (int i = 0; i < 2; i++)
        results[i] = pick(b, sorted->results[i], dim, middle, keepdim);
    if (!dtype_is_float(x->type.dtype) || b->error)
        return b->error;
    Value *top[2] = {pick(b, sorted->results[0], dim, last, keepdim), NULL};
    /* argmax finds the first NaN. */
    top[1] = b->error ? NULL
                      : BUILD(b, "aten.argmax.default", arg_value(x), arg_int(b->graph, dim),
                              arg_bool(b->graph, keepdim));
    Value *is_nan = b->error ? NULL : BUILD(b, "aten.isnan.default", arg_value(top[0]));
    for (int i = 0; i < 2 && !b->error; i++)
        results[i] = BUILD(b, "aten.where.self", arg_value(is_nan), arg_value(top[i]),
                           arg_value(results[i]));
    return b->error;
}

static Error *expand_median_dim(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *x = node_tensor(node, "self");
    int    dim;
    TRY(shape_dim(node, "dim", x->type.rank, &dim));
    return build_median(&b, x, dim, node_bool(node, "keepdim"), results);
}

/* Of all elements. */
static Error *expand_median(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value      *x = node_tensor(node, "self"), *both[2] = {0};
    const Expr *n = tensor_numel(b.graph->ir, &x->type);
    x = build_reshape(&b, x, &n, 1);
    if (b.error)
        return b.error;
    TRY(build_median(&b, x, 0, false, both));
    results[0] = both[0];
    return NULL;
}

/* ---- quantile -------------------------------------------------------------------------------- */
/* Between the sorted elements below and above q (n - 1); NaN where there is one. */
static Error *expand_quantile_number(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value      *x = node_tensor(node, "self");
    double      q = node_float(node, "q");
    bool        keepdim = node_bool(node, "keepdim");
    const char *mode = node_arg(node, "interpolation")->string;
    int         dim = 0, rank = x->type.rank;
    int64_t     n;
    const Expr *flat = tensor_numel(b.graph->ir, &x->type), *ones[MAX_RANK];
    if (q < 0 || q > 1)
        return node_error(node, E_VALUE, "q is %g, not in 0 ... 1", q);
    bool all = shape_is_none(node, "dim");
    if (all)
        x = build_reshape(&b, x, &flat, 1);
    else
        TRY(shape_dim(node, "dim", rank, &dim));
    if (b.error)
        return b.error;
    if (!expr_is_int(dim_size(node, x, dim), &n))
        return node_error(node, E_UNSUPPORTED, "quantile along a dim whose size is not constant");
    if (n == 0)
        return node_error(node, E_VALUE, "the quantile of no elements");
    double place = q * (double)(n - 1), low = floor(place), high = ceil(place),
           weight = place - low;
    Node *sorted = build_sort(&b, x, dim);
    if (!strcmp(mode, "lower") || !strcmp(mode, "higher") || !strcmp(mode, "nearest")) {
        low = high = mode[0] == 'l' ? low : mode[0] == 'h' ? high : nearbyint(place);
        weight = 0;
    } else if (!strcmp(mode, "midpoint")) {
        weight = high > low ? 0.5 : 0;
    } else if (strcmp(mode, "linear")) {
        return node_error(node, E_VALUE, "interpolation \"%s\"", mode);
    }
    if (b.error)
        return b.error;
    Value *values = sorted->results[0];
    Value *below = pick(&b, values, dim, shape_int(node, (int64_t)low), !all && keepdim);
    Value *above = pick(&b, values, dim, shape_int(node, (int64_t)high), !all && keepdim);
    Value *top = pick(&b, values, dim, shape_int(node, n - 1), !all && keepdim), *out = below;
    if (weight > 0 && !b.error)
        out = BUILD(&b, "aten.lerp.Scalar", arg_value(below), arg_value(above), arg_float(weight));
    if (!b.error) {
        Value *is_nan = BUILD(&b, "aten.isnan.default", arg_value(top));
        if (!b.error)
            out = BUILD(&b, "aten.where.self", arg_value(is_nan), arg_value(top), arg_value(out));
    }
    for (int d = 0; d < rank; d++)
        ones[d] = shape_int(node, 1);
    results[0] = all && keepdim && !b.error ? build_reshape(&b, out, ones, rank) : out;
    return b.error;
}

/* The sorted row and, where NaN is left out, how many numbers stand in front of it. */
typedef struct Row {
    Value *sorted, *n; /* n: of the result's sizes with 1 for the row, in its dtype */
} Row;

/* self with dim last (all dims as one for None), sorted. */
static Error *sorted_row(Node *node, Build *b, bool skip_nan, int *dim, Row *row)
{
    Value      *x = node_tensor(node, "self");
    int         order[MAX_RANK], n = 0;
    const Expr *minus = shape_int(node, -1);
    if (!dtype_is_float(x->type.dtype))
        return node_error(node, E_VALUE, "needs floating point numbers, not %s",
                          dtype_name(x->type.dtype));
    *dim = 0;
    if (shape_is_none(node, "dim") || x->type.rank == 0) {
        x = build_reshape(b, x, &minus, 1);
    } else {
        TRY(shape_dim(node, "dim", x->type.rank, dim));
        for (int d = 0; d < x->type.rank; d++)
            if (d != *dim)
                order[n++] = d;
        order[n++] = *dim;
        x = build_permute(b, x, order, n);
    }
    if (b->error)
        return b->error;
    const Expr *size = x->type.sizes[x->type.rank - 1];
    if (expr_is_value(size, 0))
        return node_error(node, E_VALUE, "the quantile of no elements");
    Node   *sorted = build_sort(b, x, x->type.rank - 1);
    int64_t last = -1;
    if (b->error)
        return b->error;
    row->sorted = sorted->results[0];
    Value *nans = BUILD(b, "aten.isnan.default", arg_value(row->sorted));
    Value *some =
        BUILD(b, "aten.any.dim", arg_value(nans), arg_int(b->graph, -1), arg_bool(b->graph, true));
    if (skip_nan) {
        Value *numbers = BUILD(b, "aten.logical_not.default", arg_value(nans));
        row->n = BUILD(b, "aten.sum.dim_IntList", arg_value(numbers), arg_ints(b->graph, &last, 1),
                       arg_bool(b->graph, true));
        row->n = b->error ? NULL : build_cast(b, row->n, x->type.dtype);
    } else {
        row->n = BUILD(b, "aten.full_like.default", arg_value(some), arg_expr(size),
                       arg_dtype(x->type.dtype));
    }
    return b->error;
}

/* Elements of the row at places that are whole numbers of a float dtype. */
static Value *at_places(Build *b, Value *sorted, Value *places)
{
    Value *index = b->error ? NULL : build_cast(b, places, DT_I64);
    return BUILD(b, "aten.gather.default", arg_value(sorted), arg_int(b->graph, -1),
                 arg_value(index));
}

/* Between the elements below and above q (n - 1), for q of any number of dims (0 or 1). */
static Value *between(Build *b, const Row *row, Value *q, const char *mode)
{
    Value *last = BUILD(b, "aten.sub.Scalar", arg_value(row->n), arg_int(b->graph, 1));
    Value *place = BUILD(b, "aten.mul.Tensor", arg_value(q), arg_value(last));
    place = BUILD(b, "aten.clamp_min.default", arg_value(place),
                  arg_int(b->graph, 0)); /* only NaN: the first */
    if (!strcmp(mode, "nearest"))
        return at_places(b, row->sorted, BUILD(b, "aten.round.default", arg_value(place)));
    Value *low = BUILD(b, "aten.floor.default", arg_value(place)),
          *high = BUILD(b, "aten.ceil.default", arg_value(place));
    Value *below = at_places(b, row->sorted, low), *above = at_places(b, row->sorted, high);
    if (!strcmp(mode, "lower") || !strcmp(mode, "higher"))
        return *mode == 'l' ? below : above;
    if (!strcmp(mode, "midpoint"))
        return BUILD(b, "aten.lerp.Scalar", arg_value(below), arg_value(above), arg_float(0.5));
    Value *weight = BUILD(b, "aten.sub.Tensor", arg_value(place), arg_value(low));
    return BUILD(b, "aten.lerp.Tensor", arg_value(below), arg_value(above), arg_value(weight));
}

/* [..., k] to the form that eager gives: [k, ...] with dim kept as 1, or without k. */
static Value *quantile_form(Node *node, Build *b, Value *out, bool has_k, int dim)
{
    const TensorType *x = shape_type(node, "self");
    const Expr       *ones[MAX_RANK];
    int               order[MAX_RANK], rank = b->error ? 0 : out->type.rank;
    bool              keepdim = node_bool(node, "keepdim");
    for (int d = 0; d < rank; d++)
        order[d] = d == 0 ? rank - 1 : d - 1;
    out = has_k ? build_permute(b, out, order, rank) : build_squeeze(b, out, rank - 1);
    if (!keepdim || b->error || x->rank == 0)
        return out;
    if (!shape_is_none(node, "dim"))
        return build_unsqueeze(b, out, dim + has_k);
    for (int d = 0; d < x->rank + has_k; d++)
        ones[d] = has_k && d == 0 ? out->type.sizes[0] : shape_int(node, 1);
    return build_reshape(b, out, ones, x->rank + has_k);
}

/* quantile with a tensor q, nanquantile: places are values, elements are gathered. */
static Error *expand_quantile(Node *node, Value **results)
{
    static const char *const modes[] = {"linear", "lower", "higher", "midpoint", "nearest"};
    Build                    b = build_at(node);
    Row                      row = {0};
    int                      dim, known = 0;
    bool                     skip_nan = !strncmp(node->schema->base, "nan", 3), has_k = false;
    const char              *mode = node_arg(node, "interpolation")->string;
    Value                   *q = NULL;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        known |= !strcmp(mode, modes[i]);
    if (!known)
        return node_error(node, E_VALUE, "interpolation \"%s\"", mode);
    TRY(sorted_row(node, &b, skip_nan, &dim, &row));
    if (!strcmp(node->schema->overload, "scalar")) {
        double number = node_float(node, "q");
        if (!(number >= 0 && number <= 1))
            return node_error(node, E_VALUE, "q is %g, not in 0 ... 1", number);
        q = BUILD(&b, "aten.full.default", arg_ints(b.graph, NULL, 0), arg_float(number),
                  arg_dtype(row.sorted->type.dtype));
    } else {
        q = node_tensor(node, "q");
        has_k = q->type.rank == 1;
        if (q->type.rank > 1 || q->type.dtype != row.sorted->type.dtype)
            return node_error(node, E_VALUE, "q has to be a number or a list of the dtype of self");
    }
    Value *out = between(&b, &row, q, mode);
    if (!skip_nan && !b.error) { /* a NaN anywhere makes the result NaN */
        int64_t last = -1;
        Value  *bad = BUILD(&b, "aten.amax.default", arg_value(row.sorted),
                            arg_ints(b.graph, &last, 1), arg_bool(b.graph, true));
        Value  *is_nan = BUILD(&b, "aten.isnan.default", arg_value(bad));
        out = BUILD(&b, "aten.where.self", arg_value(is_nan), arg_value(bad), arg_value(out));
    }
    results[0] = quantile_form(node, &b, out, has_k, dim);
    return b.error;
}

/* ---- nanmedian ------------------------------------------------------------------------------- */
/* The lower of the two middle numbers; NaN where there are no numbers. */
static Error *build_nanmedian(Build *b, Value *x, int dim, bool keepdim, Value **results)
{
    int64_t at = dim;
    if (!dtype_is_float(x->type.dtype))
        return build_median(b, x, dim, keepdim, results);
    Node  *sorted = build_sort(b, x, dim);
    Value *nans = BUILD(b, "aten.isnan.default", arg_value(x));
    Value *numbers = BUILD(b, "aten.logical_not.default", arg_value(nans));
    Value *n = BUILD(b, "aten.sum.dim_IntList", arg_value(numbers), arg_ints(b->graph, &at, 1),
                     arg_bool(b->graph, true));
    Value *last = BUILD(b, "aten.sub.Scalar", arg_value(n), arg_int(b->graph, 1));
    last = BUILD(b, "aten.clamp_min.default", arg_value(last), arg_int(b->graph, 0));
    Value *middle = BUILD(b, "aten.floor_divide.Scalar", arg_value(last), arg_int(b->graph, 2));
    for (int i = 0; i < 2 && !b->error; i++) {
        results[i] = BUILD(b, "aten.gather.default", arg_value(sorted->results[i]),
                           arg_int(b->graph, dim), arg_value(middle));
        if (!keepdim && x->type.rank)
            results[i] = build_squeeze(b, results[i], dim);
    }
    return b->error;
}

static Error *expand_nanmedian_dim(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *x = node_tensor(node, "self");
    int    dim;
    TRY(shape_dim(node, "dim", x->type.rank, &dim));
    return build_nanmedian(&b, x, dim, node_bool(node, "keepdim"), results);
}

static Error *expand_nanmedian(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value      *both[2] = {0};
    const Expr *n = tensor_numel(b.graph->ir, &node_tensor(node, "self")->type);
    Value      *x = build_reshape(&b, node_tensor(node, "self"), &n, 1);
    if (b.error)
        return b.error;
    TRY(build_nanmedian(&b, x, 0, false, both));
    results[0] = both[0];
    return NULL;
}

/* ---- rows ------------------------------------------------------------------------------------ */
#define SORT(text, infer_fn, ...) TEMPLATE(text, TEMPLATE_SORT, infer_fn, __VA_ARGS__)

const OpDesc sort_ops[] = {
    SORT("aten::sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor "
         "indices)",
         infer_sort,
         .samples = "self=f32[3,5]@distinct | self=f32[3,5]@distinct dim=0 descending=true | "
                    "self=bool[90] | self=i64[2,99]@0..9 descending=true | self=f16[64]@0..0 | "
                    "self=i64[9]@distinct | self=f32[7]@[3,nan,1,-inf,2,inf,0] | self=f32[] | "
                    "self=f32[0,3] | self=bf16[6]@distinct | self=f32[130]@distinct"),
    SORT("aten::sort.stable(Tensor self, *, bool? stable, int dim=-1, bool descending=False) -> "
         "(Tensor values, "
         "Tensor indices)",
         infer_sort,
         .samples = "self=i64[9]@0..3 stable=true | self=f32[3,5]@0..0 stable=true dim=-1 "
                    "descending=true | self=bool[7] stable=true"),
    SORT("aten::argsort(Tensor self, int dim=-1, bool descending=False) -> Tensor", infer_sort,
         .samples = "self=f32[3,5]@distinct | self=i64[9]@distinct dim=0 descending=true"),
    SORT("aten::argsort.stable(Tensor self, *, bool stable, int dim=-1, bool descending=False) -> "
         "Tensor",
         infer_sort,
         .samples =
             "self=i64[9]@0..3 stable=true | self=f32[2,4]@0..0 stable=true descending=true"),
    SORT("aten::topk(Tensor self, SymInt k, int dim=-1, bool largest=True, bool sorted=True) -> "
         "(Tensor values, "
         "Tensor indices)",
         infer_topk,
         .samples = "self=f32[3,7]@distinct k=3 | self=f32[3,7]@distinct k=2 dim=0 largest=false | "
                    "self=i64[99]@0..3 k=60 | self=i64[99]@0..3 k=1 | self=i64[70]@0..3 k=70 "
                    "largest=false | self=u8[40]@0..3 k=20 sorted=false | "
                    "self=i64[9]@distinct k=9 | self=f32[4]@distinct k=0 | self=bf16[6]@distinct "
                    "k=2 | ! self=f32[3] k=4"),
    SORT(KTH, infer_kth,
         .samples = "self=f32[3,7]@distinct k=3 dim=1 | self=i64[3,40]@0..3 k=20 dim=1 | "
                    "self=f32[20,3]@[1,nan,2,1,3] k=15 dim=0"),
    EXPAND_FN("aten::kthvalue(Tensor self, SymInt k, int dim=-1, bool keepdim=False) -> (Tensor "
              "values, Tensor "
              "indices)",
              expand_kthvalue,
              .samples = "self=f32[3,7]@distinct k=3 | self=f32[3,7]@distinct k=1 dim=0 "
                         "keepdim=true | self=i64[9]@distinct k=9 | ! self=f32[3] k=4"),
    EXPAND_FN("aten::median.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, "
              "Tensor indices)",
              expand_median_dim,
              .samples = "self=f32[3,7]@distinct dim=1 | self=f32[4,3]@distinct dim=0 keepdim=true "
                         "| self=i64[5]@distinct dim=0 | self=f32[2,3]@[1,nan,2] dim=1"),
    EXPAND_FN(
        "aten::median(Tensor self) -> Tensor", expand_median,
        .samples =
            "self=f32[3,5]@distinct | self=f32[6]@distinct | self=i64[5] | self=f32[5]@[1,nan,2]"),
    EXPAND_FN(
        "aten::quantile.scalar(Tensor self, float q, int? dim=None, bool keepdim=False, *, str "
        "interpolation=\"linear\") -> Tensor",
        expand_quantile_number,
        .samples = "self=f32[3,5] q=0.3 | self=f32[3,5] q=0.5 dim=1 | self=f32[3,5] q=0.7 dim=0 "
                   "keepdim=true interpolation='nearest' | self=f32[6] q=0.4 interpolation='lower' "
                   "| self=f64[6] q=1.0 interpolation='higher' | self=f32[6] q=0.25 "
                   "interpolation='midpoint' | self=f32[5]@[1,nan,3] q=0.5"),
    EXPAND_FN("aten::quantile(Tensor self, Tensor q, int? dim=None, bool keepdim=False, *, str "
              "interpolation=\"linear\") -> Tensor",
              expand_quantile,
              .samples = "self=f32[3,5] q=f32[3]@[0,0.5,0.9] | self=f32[3,5] q=f32[2]@[0.25,1] "
                         "dim=1 keepdim=true"),
    EXPAND_FN(
        "aten::nanquantile.scalar(Tensor self, float q, int? dim=None, bool keepdim=False, *, str "
        "interpolation=\"linear\") -> Tensor",
        expand_quantile,
        .samples = "self=f32[3,5] q=0.3 | self=f32[3,5] q=0.5 dim=1 | self=f32[3,5] q=0.7 dim=0 "
                   "keepdim=true interpolation='nearest' | self=f32[6] q=0.4 interpolation='lower' "
                   "| self=f64[6] q=1.0 interpolation='higher' | self=f32[6] q=0.25 "
                   "interpolation='midpoint' | self=f32[5]@[1,nan,3] q=0.5"),
    EXPAND_FN("aten::nanquantile(Tensor self, Tensor q, int? dim=None, bool keepdim=False, *, str "
              "interpolation=\"linear\") -> Tensor",
              expand_quantile,
              .samples = "self=f32[3,5] q=f32[3]@[0,0.5,0.9] | self=f32[3,5] q=f32[2]@[0.25,1] "
                         "dim=1 keepdim=true"),
    EXPAND_FN("aten::nanmedian.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, "
              "Tensor indices)",
              expand_nanmedian_dim,
              .samples = "self=f32[3,7]@distinct dim=1 | self=f32[4,3]@distinct dim=0 keepdim=true "
                         "| self=i64[5]@distinct dim=0 | self=f32[2,3]@[1,nan,2] dim=1"),
    EXPAND_FN(
        "aten::nanmedian(Tensor self) -> Tensor", expand_nanmedian,
        .samples =
            "self=f32[3,5]@distinct | self=f32[6]@distinct | self=i64[5] | self=f32[5]@[1,nan,2]"),
    {.schema = "aten::msort(Tensor self) -> Tensor",
     .kind = OP_COMPOSITE,
     .expand = "%values, %indices = aten.sort.default(%self, 0)\nreturn %values",
     .samples = "self=f32[5,3]@distinct | self=i64[4]@distinct"},
    {0},
};
