/* Operators whose sizes the run decides, made of nonzero, item and gathers: unique and its kin,
 * repeat_interleave by counts, combinations, splits at the numbers of a tensor, bincount; also
 * nonzero_static.
 *
 * In: a node whose results have the sizes of the export.  Out: nodes before it, one of which sets
 * the symbol of those sizes:
 *
 *   aten.unique_consecutive.default(%x) : f32[u0]      m = x != roll(x, 1), or first;  i =
 * nonzero(m) : i64[u0,1];  x[i] */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <string.h>

/* ---- helpers --------------------------------------------------------------------------------- */
static Value *counting(Build *b, const Expr *n)
{
    return BUILD(b, "aten.arange.default", arg_expr(n), arg_dtype(DT_I64));
}

static Value *full_of(Build *b, const Expr *n, int64_t number)
{
    return BUILD(b, "aten.full.default", arg_exprs(b->graph, &n, 1), arg_int(b->graph, number),
                 arg_dtype(DT_I64));
}

static Value *flat(Build *b, Value *x)
{
    const Expr *n = tensor_numel(b->graph->ir, &x->type);
    return build_reshape(b, x, &n, 1);
}

static bool is_set_by_run(const Expr *e)
{
    return e->kind == EXPR_SYMBOL && e->symbol->kind == SYM_UNBACKED;
}

/* NULL where nobody has said the size of a result: it gets a symbol of its own. */
static const Expr *exported_size(const Node *node, int result, int dim)
{
    const Value *v = result < node->n_results ? node->results[result] : NULL;
    return v && v->kind == VALUE_TENSOR && v->type.rank > dim ? v->type.sizes[dim] : NULL;
}

static void build_assert(Build *b, const Expr *condition, const char *text)
{
    BUILD_NODE(b, "aten._assert_scalar.default", arg_expr(condition), arg_text(text));
}

static void assert_size(Build *b, const Expr *made, const Expr *wanted)
{
    if (made != wanted)
        build_assert(b, expr_cmp(b->graph->ir->exprs, EXPR_EQ, made, wanted),
                     "a size is not the exported one");
}

/* The columns of nonzero(mask), whose number of rows the export calls `count`. */
static Value *build_nonzero(Build *b, Value *mask, const Expr *count)
{
    Ir   *ir = b->graph->ir;
    Node *node = b->error ? NULL : BUILD_NODE(b, "aten.nonzero.default", arg_value(mask));
    if (!node)
        return NULL;
    if (count && is_set_by_run(count)) {
        const Expr *sizes[2] = {count, expr_int(ir->exprs, mask->type.rank)};
        node->results[0]->type = tensor_type(ir, DT_I64, sizes, 2);
    } else if (count) {
        assert_size(b, node->results[0]->type.sizes[0], count);
    }
    return node->results[0];
}

/* The one element of a tensor, which is `size` where the export calls it so. */
static const Expr *build_item(Build *b, Value *tensor, const Expr *size)
{
    Node *node = b->error ? NULL : BUILD_NODE(b, "aten.item.default", arg_value(tensor));
    if (!node)
        return expr_int(b->graph->ir->exprs, 0);
    if (size && is_set_by_run(size))
        node->results[0]->symbol = size->symbol;
    else if (size)
        assert_size(b, node->results[0]->symbol->self, size);
    return size ? size : node->results[0]->symbol->self;
}

static const Expr *define_size(Build *b, const Expr *size, Value *tensor)
{
    const Expr *made = build_item(b, tensor, size);
    if (!size && made->kind == EXPR_SYMBOL)
        made->symbol->min = 0;
    return made;
}

/* The least element of an integer tensor, of none 0. */
static void assert_not_negative(Build *b, Value *x, const char *text)
{
    Value *parts[2] = {build_cast(b, flat(b, x), DT_I64), NULL};
    parts[1] = full_of(b, expr_int(b->graph->ir->exprs, 1), 0);
    Value      *all = BUILD(b, "aten.cat.default", arg_values(b->graph, parts, 2));
    const Expr *least = build_item(b, BUILD(b, "aten.amin.default", arg_value(all)), NULL);
    build_assert(b, expr_cmp(b->graph->ir->exprs, EXPR_LE, expr_int(b->graph->ir->exprs, 0), least),
                 text);
}

/* ---- unique ---------------------------------------------------------------------------------- */
typedef struct Runs {
    Value *starts; /* i64[count]: where a run of equal ones begins */
    Value *run;    /* i64[n]: the number of the run that a place is in */
} Runs;

/* differs: bool[n], true where an element is not the one before it. */
static Runs find_runs(Build *b, Value *differs, const Expr *count)
{
    Runs r = {0};
    if (b->error)
        return r;
    Value *is_first = build_with_int(b, "aten.eq.Scalar", counting(b, differs->type.sizes[0]), 0);
    Value *begins = build_binary(b, "aten.logical_or.default", differs, is_first);
    r.starts = build_select(b, build_nonzero(b, begins, count), 1, 0);
    r.run = build_with_int(b, "aten.sub.Scalar",
                           build_with_int(b, "aten.cumsum.default", begins, 0), 1);
    return r;
}

static Value *differs_before(Build *b, Value *x)
{
    int    one = 1, dim = 0;
    Value *before = BUILD(b, "aten.roll.default", arg_value(x), arg_dims(b->graph, &one, 1),
                          arg_dims(b->graph, &dim, 1));
    return build_binary(b, "aten.ne.Tensor", x, before);
}

/* How many places are in each run. */
static Value *run_lengths(Build *b, const Runs *r)
{
    if (b->error)
        return NULL;
    const Expr *count = r->starts->type.sizes[0];
    Value *zeros = full_of(b, count, 0), *ones = build_unary(b, "aten.ones_like.default", r->run);
    return BUILD(b, "aten.scatter_add.default", arg_value(zeros), arg_int(b->graph, 0),
                 arg_value(r->run), arg_value(ones));
}

/* Eager gives inverse and counts of slices always. */
static bool is_asked_for(const Node *node, int result)
{
    int dim = schema_param(node->schema, "dim");
    return (dim >= 0 && node->args[dim].kind != ARG_NONE) ||
           node_bool(node, result == 1 ? "return_inverse" : "return_counts");
}

/* Eager gives tensors of no elements for what is not asked for; their dtype is that of self in some
 * versions of PyTorch, so that the export decides it. */
static Value *not_asked_for(const Node *node, Build *b, int result)
{
    const Value *exported = result < node->n_results ? node->results[result] : NULL;
    DType        dtype = exported ? exported->type.dtype : DT_NONE;
    if (dtype == DT_NONE)
        dtype = DT_I64;
    return build_cast(b, full_of(b, shape_int(node, 0), 0), dtype);
}

static void finish_unique(Node *node, Build *b, Value *inverse, const Runs *r, Value **results)
{
    for (int i = 1; i < node->schema->n_returns && !b->error; i++)
        results[i] = !is_asked_for(node, i) ? not_asked_for(node, b, i)
                     : i == 1               ? inverse
                                            : run_lengths(b, r);
}

/* Places in order become places of the original: out[order[i]] = run[i]. */
static Value *undo_order(Build *b, Value *order, Value *run)
{
    return BUILD(b, "aten.scatter.src",
                 arg_value(BUILD(b, "aten.zeros_like.default", arg_value(run))),
                 arg_int(b->graph, 0), arg_value(order), arg_value(run));
}

/* Of all elements, sorted or as they stand.  NaN differs from NaN. */
static Error *expand_unique(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value      *x = node_tensor(node, "self"), *row = flat(&b, x), *order = NULL;
    const Expr *count = exported_size(node, 0, 0);
    bool        sorts = strcmp(node->schema->base, "unique_consecutive") != 0;
    if (sorts && !b.error) {
        Node *s = BUILD_NODE(&b, "aten.sort.stable", arg_value(row), arg_bool(b.graph, true),
                             arg_int(b.graph, 0), arg_bool(b.graph, false));
        row = b.error ? NULL : s->results[0];
        order = b.error ? NULL : s->results[1];
    }
    Runs r = find_runs(&b, differs_before(&b, row), count);
    results[0] = BUILD(&b, "aten.index_select.default", arg_value(row), arg_int(b.graph, 0),
                       arg_value(r.starts));
    Value *inverse = sorts ? undo_order(&b, order, r.run) : r.run;
    finish_unique(node, &b, build_reshape(&b, inverse, x->type.sizes, x->type.rank), &r, results);
    return b.error;
}

/* Most keys that slices are compared by: each is a sort. */
enum { MAX_KEYS = 128 };

/* The order of the rows of [n, keys]: stable sorts from the last key to the first. */
static Error *order_rows(Node *node, Build *b, Value *rows, Value **order)
{
    int64_t keys;
    if (b->error)
        return b->error;
    if (!expr_is_int(rows->type.sizes[1], &keys) || keys > MAX_KEYS)
        return node_error(node, E_UNSUPPORTED, "slices of %s elements; at most %d are supported",
                          expr_text(b->graph->ir->arena, rows->type.sizes[1]), MAX_KEYS);
    *order = counting(b, rows->type.sizes[0]);
    for (int64_t k = keys - 1; k >= 0; k--) {
        Value *key = build_binary(b, "aten.take.default", build_select(b, rows, 1, k), *order);
        Node  *s = b->error
                       ? NULL
                       : BUILD_NODE(b, "aten.sort.stable", arg_value(key), arg_bool(b->graph, true),
                                    arg_int(b->graph, 0), arg_bool(b->graph, false));
        *order = build_binary(b, "aten.take.default", *order, s ? s->results[1] : NULL);
    }
    return b->error;
}

/* Of the slices along a dim. */
static Error *expand_unique_dim(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value      *x = node_tensor(node, "self"), *order = NULL;
    const Expr *sizes[2] = {NULL, shape_int(node, -1)};
    int         dim, first = 0;
    if (!strcmp(node->schema->base, "unique_consecutive") && shape_is_none(node, "dim"))
        return expand_unique(node, results);
    TRY(shape_dim(node, "dim", x->type.rank, &dim));
    if (x->type.rank == 0)
        return expand_unique(node, results);
    const TensorType *known = &node->results[0]->type;
    if (known->sizes && known->rank != x->type.rank)
        return node_error(node, E_UNSUPPORTED,
                          "%s: the export says that result 0 has rank %d, eager PyTorch gives rank "
                          "%d (torch.export gets the sizes of a negative dim wrong: pass dim=%d)",
                          node->schema->name, known->rank, x->type.rank, dim);
    sizes[0] = x->type.sizes[dim];
    const Expr *count = exported_size(node, 0, dim);
    const Expr *others = shape_int(node, 1);
    for (int d = 0; d < x->type.rank; d++)
        others = d == dim ? others : expr_mul(shape_pool(node), others, x->type.sizes[d]);
    sizes[1] = others;
    Value *moved =
        BUILD(&b, "aten.movedim.int", arg_value(x), arg_int(b.graph, dim), arg_int(b.graph, first));
    Value *rows = build_reshape(&b, moved, sizes, 2);
    if (!strcmp(node->schema->base, "unique_dim")) {
        TRY(order_rows(node, &b, rows, &order));
        rows = BUILD(&b, "aten.index_select.default", arg_value(rows), arg_int(b.graph, 0),
                     arg_value(order));
    }
    Value *differs = build_with_int(&b, "aten.any.dim", differs_before(&b, rows), 1);
    Runs   r = find_runs(&b, differs, count);
    Value *at = order ? build_binary(&b, "aten.take.default", order, r.starts) : r.starts;
    moved = BUILD(&b, "aten.index_select.default", arg_value(moved), arg_int(b.graph, 0),
                  arg_value(at));
    results[0] = BUILD(&b, "aten.movedim.int", arg_value(moved), arg_int(b.graph, first),
                       arg_int(b.graph, dim));
    finish_unique(node, &b, order ? undo_order(&b, order, r.run) : r.run, &r, results);
    return b.error;
}

/* ---- repeat_interleave by counts ------------------------------------------------------------- */
/* Which source each of the count places comes from: marks where a source begins, summed up. */
static Value *repeated_sources(Node *node, Build *b, Value *repeats, const Expr *count)
{
    Value *wide = build_cast(b, flat(b, repeats), DT_I64);
    Value *ends = build_with_int(b, "aten.cumsum.default", wide, 0);
    assert_not_negative(b, wide, "repeats are negative");
    count = define_size(b, count, build_unary(b, "aten.sum.default", wide));
    Value *starts = build_binary(b, "aten.sub.Tensor", ends, wide);
    Value *marks = full_of(b, expr_add(shape_pool(node), count, shape_int(node, 1)), 0);
    marks =
        BUILD(b, "aten.scatter_add.default", arg_value(marks), arg_int(b->graph, 0),
              arg_value(starts), arg_value(BUILD(b, "aten.ones_like.default", arg_value(starts))));
    marks = build_slice(b, marks, 0, shape_int(node, 0), count);
    return build_with_int(b, "aten.sub.Scalar", build_with_int(b, "aten.cumsum.default", marks, 0),
                          1);
}

/* What the caller or the export says. */
static const Expr *repeated_size(const Node *node, int dim)
{
    const Expr *size = exported_size(node, 0, dim);
    return size ? size : arg_as_expr(node_arg(node, "output_size"));
}

static Error *expand_repeat_interleave(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *repeats = node_tensor(node, "repeats"), *x;
    int    dim = 0;
    if (!dtype_is_int(repeats->type.dtype) || repeats->type.rank > 1)
        return node_error(node, E_VALUE, "repeats have to be integers of one dim");
    if (schema_param(node->schema, "self") < 0) {
        Value *from = repeated_sources(node, &b, repeats, repeated_size(node, 0));
        results[0] = b.error ? NULL : build_cast(&b, from, repeats->type.dtype);
        return b.error;
    }
    x = node_tensor(node, "self");
    if (shape_is_none(node, "dim") || x->type.rank == 0)
        x = flat(&b, x);
    else
        TRY(shape_dim(node, "dim", x->type.rank, &dim));
    if (!b.error && (repeats->type.rank == 0 || expr_is_value(repeats->type.sizes[0], 1)))
        repeats = build_expand_to(&b, flat(&b, repeats), &x->type.sizes[dim], 1);
    Value *from = repeated_sources(node, &b, repeats, repeated_size(node, dim));
    results[0] = BUILD(&b, "aten.index_select.default", arg_value(x), arg_int(b.graph, dim),
                       arg_value(from));
    return b.error;
}

/* ---- combinations, splits -------------------------------------------------------------------- */
/* Of the places of an r-dimensional grid those whose indices rise (or do not fall). */
static Error *expand_combinations(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value      *x = node_tensor(node, "self"), *mask = NULL;
    bool        again = node_bool(node, "with_replacement");
    int64_t     r;
    const Expr *sizes[MAX_RANK];
    TRY(shape_const_int(node, "r", &r));
    if (x->type.rank != 1 || r < 0 || r > MAX_RANK)
        return node_error(node, E_VALUE, "combinations of %lld out of a tensor of rank %d",
                          (long long)r, x->type.rank);
    if (r == 0) {
        const Expr *none = shape_int(node, 0);
        results[0] =
            BUILD(&b, "aten.new_zeros.default", arg_value(x), arg_exprs(b.graph, &none, 1));
        return b.error;
    }
    Value *i = counting(&b, x->type.sizes[0]);
    for (int64_t k = 0; k < r; k++)
        sizes[k] = x->type.sizes[0];
    mask = BUILD(&b, "aten.full.default", arg_exprs(b.graph, sizes, (int)r),
                 arg_bool(b.graph, true), arg_dtype(DT_BOOL));
    for (int64_t k = 0; k + 1 < r && !b.error; k++) {
        Value *high = i, *low;
        for (int64_t d = k + 2; d < r; d++)
            high = build_unsqueeze(&b, high, (int)(d - k - 1));
        low = build_unsqueeze(&b, high, 1);
        Value *rises = build_binary(&b, again ? "aten.le.Tensor" : "aten.lt.Tensor", low, high);
        mask = build_binary(&b, "aten.logical_and.default", mask, rises);
    }
    Value *where = build_nonzero(&b, mask, exported_size(node, 0, 0));
    results[0] = build_binary(&b, "aten.take.default", x, where);
    return b.error;
}

/* A place of a slice: counted from the end where negative, kept inside. */
static Value *slice_place(Build *b, Value *at, const Expr *size)
{
    Value *wrapped = BUILD(b, "aten.add.Scalar", arg_value(at), arg_expr(size));
    Value *negative = build_with_int(b, "aten.lt.Scalar", at, 0);
    wrapped = BUILD(b, "aten.where.self", arg_value(negative), arg_value(wrapped), arg_value(at));
    return BUILD(b, "aten.clamp.default", arg_value(wrapped), arg_int(b->graph, 0), arg_expr(size));
}

/* The number of parts is that of the indices; sizes are set one by one. */
static Error *expand_tensor_split(Node *node, Value **results)
{
    Build   b = build_at(node);
    Value  *x = node_tensor(node, "self"), *at = node_tensor(node, "tensor_indices_or_sections");
    int64_t n;
    int     dim;
    TRY(shape_dim(node, "dim", x->type.rank, &dim));
    if (at->type.rank != 1 || !expr_is_int(at->type.sizes[0], &n) || n + 1 != node->n_results)
        return node_error(node, E_UNSUPPORTED, "a number of parts that the data decide");
    const Expr *size = x->type.sizes[dim];
    at = build_cast(&b, at, DT_I64);
    Value *zero = BUILD(&b, "aten.full.default", arg_ints(b.graph, NULL, 0), arg_int(b.graph, 0),
                        arg_dtype(DT_I64));
    Value *whole = BUILD(&b, "aten.full.default", arg_ints(b.graph, NULL, 0), arg_expr(size),
                         arg_dtype(DT_I64));
    for (int64_t i = 0; i <= n && !b.error; i++) {
        if (node->results[i]->kind != VALUE_TENSOR)
            continue;
        Value      *start = i == 0 ? zero : slice_place(&b, build_select(&b, at, 0, i - 1), size);
        Value      *end = i == n ? whole : slice_place(&b, build_select(&b, at, 0, i), size);
        Value      *length = build_with_int(&b, "aten.clamp_min.default",
                                            build_binary(&b, "aten.sub.Tensor", end, start), 0);
        const Expr *part = define_size(&b, exported_size(node, (int)i, dim), length);
        Value      *from = build_binary(&b, "aten.add.Tensor", counting(&b, part), start);
        results[i] = BUILD(&b, "aten.index_select.default", arg_value(x), arg_int(b.graph, dim),
                           arg_value(from));
    }
    return b.error;
}

/* ---- bincount -------------------------------------------------------------------------------- */
static Error *expand_bincount(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value      *x = node_tensor(node, "self"), *weights = node_tensor(node, "weights");
    const Expr *count, *one = shape_int(node, 1);
    if (x->type.rank != 1 || !dtype_is_int(x->type.dtype))
        return node_error(node, E_VALUE, "bincount takes integers of one dim");
    x = build_cast(&b, x, DT_I64);
    assert_not_negative(&b, x, "bincount of negative numbers");
    Value *parts[2] = {x, full_of(&b, one, -1)};
    Value *all = BUILD(&b, "aten.cat.default", arg_values(b.graph, parts, 2));
    Value *n = build_with_int(&b, "aten.add.Scalar", build_unary(&b, "aten.amax.default", all), 1);
    n = BUILD(&b, "aten.clamp_min.default", arg_value(n), *node_arg(node, "minlength"));
    count = define_size(&b, exported_size(node, 0, 0), n);
    Value *what = BUILD(&b, "aten.ones_like.default", arg_value(x));
    DType  dtype = !weights ? DT_I64 : weights->type.dtype == DT_F32 ? DT_F32 : DT_F64;
    if (weights)
        what = build_cast(&b, weights, dtype);
    Value *zeros = BUILD(&b, "aten.full.default", arg_exprs(b.graph, &count, 1),
                         arg_int(b.graph, 0), arg_dtype(dtype));
    results[0] = BUILD(&b, "aten.scatter_add.default", arg_value(zeros), arg_int(b.graph, 0),
                       arg_value(x), arg_value(what));
    return b.error;
}

/* ---- nonzero of a fixed number --------------------------------------------------------------- */
/* The first `size` true elements; rows without one hold fill_value. */
static Error *expand_nonzero_static(Node *node, Value **results)
{
    Build       b = build_at(node);
    ExprPool   *pool = shape_pool(node);
    Value      *x = node_tensor(node, "self"), *columns[MAX_RANK];
    const Expr *size = arg_as_expr(node_arg(node, "size"));
    const Expr *rows[2] = {size, shape_int(node, x->type.rank)}, *zero = shape_int(node, 0);
    if (x->type.rank == 0) {
        results[0] = BUILD(&b, "aten.full.default", arg_exprs(b.graph, rows, 2),
                           arg_int(b.graph, 0), arg_dtype(DT_I64));
        return b.error;
    }
    Value *mask = build_with_int(&b, "aten.ne.Scalar", flat(&b, x), 0);
    Value *order = build_with_int(&b, "aten.sub.Scalar",
                                  build_with_int(&b, "aten.cumsum.default", mask, 0), 1);
    Value *fits = BUILD(&b, "aten.lt.Scalar", arg_value(order), arg_expr(size));
    Value *spill = full_of(&b, expr_int(pool, 1), 0); /* the last place takes what is not wanted */
    spill = BUILD(&b, "aten.add.Scalar", arg_value(spill), arg_expr(size));
    Value *to = BUILD(&b, "aten.where.self",
                      arg_value(build_binary(&b, "aten.logical_and.default", mask, fits)),
                      arg_value(order), arg_value(spill));
    Value *from = counting(&b, tensor_numel(b.graph->ir, &x->type));
    Value *found = full_of(&b, expr_add(pool, size, expr_int(pool, 1)), -1);
    found = BUILD(&b, "aten.scatter.src", arg_value(found), arg_int(b.graph, 0), arg_value(to),
                  arg_value(from));
    found = build_slice(&b, found, 0, zero, size);
    Value *none = build_with_int(&b, "aten.lt.Scalar", found, 0);
    for (int d = x->type.rank - 1; d >= 0 && !b.error; d--) {
        Arg    by = arg_expr(expr_max(pool, x->type.sizes[d], expr_int(pool, 1)));
        Value *place = BUILD(&b, "aten.remainder.Scalar", arg_value(found), by);
        found = BUILD(&b, "aten.div.Scalar_mode", arg_value(found), by, arg_text("floor"));
        columns[d] = BUILD(&b, "aten.masked_fill.Scalar", arg_value(place), arg_value(none),
                           *node_arg(node, "fill_value"));
    }
    results[0] = BUILD(&b, "aten.stack.default", arg_values(b.graph, columns, x->type.rank),
                       arg_int(b.graph, 1));
    return b.error;
}

/* ---- rows ------------------------------------------------------------------------------------ */
const OpDesc unique_ops[] = {
    EXPAND_FN("aten::_unique(Tensor self, bool sorted=True, bool return_inverse=False) -> (Tensor, "
              "Tensor)",
              expand_unique, .samples = "self=i64[9]@0..3 return_inverse=true | self=f32[5]"),
    EXPAND_FN(
        "aten::_unique2(Tensor self, bool sorted=True, bool return_inverse=False, bool "
        "return_counts=False) -> (Tensor, Tensor, Tensor)",
        expand_unique,
        .samples =
            "self=i64[9]@0..3 return_inverse=true return_counts=true | self=f32[2,3] | "
            "self=f32[16]@special return_counts=true | self=f32[] return_inverse=true | "
            "self=bool[7] return_inverse=true | self=u8[9]@0..3 | self=i64[0] return_counts=true "
            "| self=bf16[3,5]@0..2 return_inverse=true | self=i32[40]@0..9 return_counts=true"),
    EXPAND_FN(
        "aten::unique_consecutive(Tensor self, bool return_inverse=False, bool "
        "return_counts=False, int? dim=None) -> (Tensor, Tensor, Tensor)",
        expand_unique_dim,
        .samples =
            "self=i64[9]@0..1 return_inverse=true return_counts=true | self=f32[2,3] | "
            "self=f32[4]@[nan,nan,-0,0] return_counts=true | self=bool[2,5] return_inverse=true | "
            "self=i64[6,2]@[1,2,1,2,3,2] dim=0 return_inverse=true return_counts=true | "
            "self=i64[2,5]@0..0 dim=-1 return_counts=true | self=f16[] return_inverse=true"),
    EXPAND_FN(
        "aten::unique_dim(Tensor self, int dim, bool sorted=True, bool return_inverse=False, "
        "bool return_counts=False) -> (Tensor, Tensor, Tensor)",
        expand_unique_dim,
        .samples =
            "self=i64[9,2]@0..1 dim=0 return_inverse=true return_counts=true | self=f32[2,6]@[2,1] "
            "dim=-1 return_counts=true | self=bool[3,4,2] dim=1 return_inverse=true"),
    EXPAND_FN("aten::unique_dim_consecutive(Tensor self, int dim, bool return_inverse=False, bool "
              "return_counts=False) -> (Tensor, Tensor, Tensor)",
              expand_unique_dim,
              .samples =
                  "self=i64[6,2]@[1,2,1,2,3,2] dim=0 return_inverse=true return_counts=true"),
    EXPAND_FN(
        "aten::repeat_interleave.Tensor(Tensor repeats, *, SymInt? output_size=None) -> "
        "Tensor",
        expand_repeat_interleave,
        .samples =
            "repeats=i64[5]@0..3 | repeats=i32[3]@[2,0,1] | repeats=i64[3]@[0,0,0] | "
            "repeats=i64[3]@[1,2,3] output_size=6 | ! repeats=i64[2]@[1,-1] | ! repeats=f32[3]"),
    EXPAND_FN(
        "aten::repeat_interleave.self_Tensor(Tensor self, Tensor repeats, int? dim=None, *, "
        "SymInt? output_size=None) -> Tensor",
        expand_repeat_interleave,
        .samples =
            "self=f32[2,3] repeats=i64[3]@[2,0,1] dim=1 | self=i64[4] repeats=i64[4]@0..3 | "
            "self=f16[2,2] repeats=i64[1]@[2] dim=-2 | self=f32[2,2] repeats=i64[4]@[0,3,1,0] | "
            "self=bool[3]{2} repeats=i64[]@[2] dim=0"),
    EXPAND_FN(
        "aten::combinations(Tensor self, int r=2, bool with_replacement=False) -> Tensor",
        expand_combinations,
        .samples =
            "self=f32[4] | self=i64[4] r=3 | self=f32[3] with_replacement=true | self=f32[3] r=1 | "
            "self=f32[2] r=3 | self=f32[3] r=0 | ! self=f32[2,2]"),
    EXPAND_FN("aten::tensor_split.tensor_indices_or_sections(Tensor(a -> *) self, Tensor "
              "tensor_indices_or_sections, int dim=0) -> Tensor(a)[]",
              expand_tensor_split,
              .samples = "self=f32[5,2] tensor_indices_or_sections=i64[2]@[1,3] | self=f32[2,5] "
                         "tensor_indices_or_sections=i64[3]@[-2,2,9] dim=1 | self=i64[4] "
                         "tensor_indices_or_sections=i64[1]@[0]"),
    EXPAND_FN(
        "aten::bincount(Tensor self, Tensor? weights=None, SymInt minlength=0) -> Tensor",
        expand_bincount,
        .samples =
            "self=i64[9]@0..5 | self=u8[5]@0..9 minlength=12 | self=i32[6]@0..3 weights=f32[6] | "
            "self=i64[4]@0..3 weights=f64[4] | self=i64[0] minlength=3 | ! self=i64[3]@[0,-1,2] | "
            "! "
            "self=i64[2,2]@0..3"),
    EXPAND_FN("aten::nonzero_static(Tensor self, *, SymInt size, int fill_value=-1) -> Tensor",
              expand_nonzero_static,
              .samples = "self=f32[2,3]@[0,1,0,2,3,0] size=4 | self=bool[7] size=2 fill_value=9 | "
                         "self=i64[4]@0..0 "
                         "size=3 | self=f32[3,0] size=2 | self=f32[5] size=0"),
    {0},
};
