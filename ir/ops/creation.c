/* Tensors made from nothing (arange, full, eye), made like another (full_like, new_zeros), and
 * copies, conversions and aliases of one tensor (clone, to, alias).
 *
 * In: a node.  Out: for generators `element`, the value at an index, so that they never need
 * memory:
 *
 *   aten.arange.start_step(2, 10, 3)      out[i] = 2 + 3 i        (an index expression: masks and
 * gathers fold it) aten.tril.default(%x, 1)              out[i,j] = select(j - i <= 1, x[i,j], 0)
 */
#include "ir/ops/ops_internal.h"
#include "ir/ops/sample_texts.h"
#include "ir/ops/shape_util.h"

#include <math.h>
#include <string.h>

static const Arg *arg_given(const Node *node, const char *name)
{
    int at = schema_param(node->schema, name);
    return at < 0 || node->args[at].kind == ARG_NONE ? NULL : &node->args[at];
}

/* dtype=, or what stands for it. */
static DType dtype_or(const Node *node, DType otherwise)
{
    const Arg *arg = arg_given(node, "dtype");
    return arg && arg->kind == ARG_DTYPE ? arg->dtype : otherwise;
}

static void set_type(Node *node, TensorType type)
{
    const Value *first = shape_first_tensor(node);
    const Arg   *device = arg_given(node, "device");
    if (first)
        type.device = first->type.device;
    if (device && device->kind == ARG_DEVICE)
        type.device = device->device;
    *node_result_type(node, 0) = type;
}

/* ---- memory formats -------------------------------------------------------------------------- */
enum {
    FORMAT_CONTIGUOUS = 1,
    FORMAT_CHANNELS_LAST = 2,
    FORMAT_CHANNELS_LAST_3D = 3,
    FORMAT_PRESERVE = 4
};

static int64_t memory_format(const Node *node, int64_t otherwise)
{
    const Arg *arg = arg_given(node, "memory_format");
    return arg && arg->kind == ARG_MEMORY_FORMAT ? arg->integer : otherwise;
}

/* N, C, spatial…: the channel moves last. */
static Error *channels_last(Node *node, DType dtype, const Expr *const *sizes, int rank, int wanted)
{
    ExprPool   *pool = shape_pool(node);
    const Expr *strides[MAX_RANK], *stride = expr_int(pool, 1);
    if (rank != wanted)
        return node_error(node, E_VALUE, "this memory format needs rank %d, not %d", wanted, rank);
    strides[1] = stride;
    stride = sizes[1];
    for (int d = rank - 1; d >= 2; d--) {
        strides[d] = stride;
        stride = expr_mul(pool, stride, sizes[d]);
    }
    strides[0] = stride;
    set_type(node, tensor_type_strided(node->graph->ir, dtype, sizes, strides, rank));
    return NULL;
}

static Error *formatted(Node *node, DType dtype, const Expr *const *sizes, int rank, int64_t format)
{
    if (format == FORMAT_CHANNELS_LAST || format == FORMAT_CHANNELS_LAST_3D)
        return channels_last(node, dtype, sizes, rank, format == FORMAT_CHANNELS_LAST ? 4 : 5);
    set_type(node, tensor_type(node->graph->ir, dtype, sizes, rank));
    return NULL;
}

/* Like self, dense in the order of its strides unless a format is asked for.  self is the only
 * tensor argument. */
static Error *infer_like(Node *node)
{
    TensorType in = shape_type(node, "self")[0];
    DType      dtype = dtype_or(node, in.dtype);
    int64_t    format = memory_format(node, FORMAT_PRESERVE);
    if (format != FORMAT_PRESERVE)
        return formatted(node, dtype, in.sizes, in.rank, format);
    TRY(infer_pointwise(node));
    TensorType type = *node_result_type(node, 0);
    type.dtype = dtype;
    set_type(node, type);
    return NULL;
}

/* ---- views and copies ------------------------------------------------------------------------ */
static Error *infer_alias(Node *node)
{
    TensorType type = shape_type(node, "self")[0];
    type.storage_offset = shape_int(node, 0);
    *node_result_type(node, 0) = type;
    return NULL;
}

static void map_alias(const Node *node, const Expr *const *out, const Expr **in)
{
    memcpy(in, out, sizeof *in * (size_t)node->results[0]->type.rank);
}

/* Only dense CPU and CUDA tensors exist here. */
static Error *check_layout(const Node *node)
{
    const Arg *layout = arg_given(node, "layout");
    /* 7 is strided in the numbering of the export schema. */
    if (layout && layout->kind == ARG_LAYOUT && layout->integer != 7)
        return node_error(node, E_UNSUPPORTED, "layout %lld: only strided tensors",
                          (long long)layout->integer);
    return NULL;
}

static Error *infer_to_copy(Node *node)
{
    TRY(check_layout(node));
    return infer_like(node);
}

/* A copy, or the tensor itself where nothing changes. */
static Error *build_conversion(Node *node, DType dtype, const Arg *device, Value **results)
{
    Build         b = build_at(node);
    Value        *x = node_tensor(node, "self");
    int64_t       format = memory_format(node, FORMAT_PRESERVE);
    const Device *to = device && device->kind == ARG_DEVICE ? &device->device : NULL;
    bool          moves =
        to && (to->kind != x->type.device.kind ||
               (to->index >= 0 && x->type.device.index >= 0 && to->index != x->type.device.index));
    const Arg *copy = arg_given(node, "copy");
    bool must = copy && copy->kind == ARG_BOOL && expr_is_const(copy->expr) && copy->expr->value;
    bool keeps = format == FORMAT_PRESERVE ||
                 (format == FORMAT_CONTIGUOUS && tensor_is_contiguous(b.graph->ir, &x->type));
    TRY(check_layout(node));
    if (x->type.dtype == dtype && !moves && !must && keeps) {
        results[0] = x;
        return NULL;
    }
    Arg shape = {.kind = ARG_MEMORY_FORMAT, .integer = format};
    results[0] = BUILD(&b, "aten._to_copy.default", arg_value(x), arg_dtype(dtype), arg_none(),
                       moves ? *device : arg_none(), arg_none(), arg_bool(b.graph, false), shape);
    return b.error;
}

static Error *expand_to(Node *node, Value **results)
{
    return build_conversion(node, dtype_or(node, shape_type(node, "self")->dtype),
                            arg_given(node, "device"), results);
}

static Error *expand_to_other(Node *node, Value **results)
{
    const TensorType *other = shape_type(node, "other");
    Arg               device = {.kind = ARG_DEVICE, .device = other->device};
    return build_conversion(node, other->dtype, &device, results);
}

/* The operators _cast_Float and so on. */
static Error *expand_cast(Node *node, Value **results)
{
    static const struct {
        const char *base;
        DType       dtype;
    } table[] = {{"_cast_Byte", DT_U8},   {"_cast_Char", DT_I8},   {"_cast_Short", DT_I16},
                 {"_cast_Int", DT_I32},   {"_cast_Long", DT_I64},  {"_cast_Half", DT_F16},
                 {"_cast_Float", DT_F32}, {"_cast_Double", DT_F64}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(node->schema->base, table[i].base))
            return build_conversion(node, table[i].dtype, NULL, results);
    return node_error(node, E_INTERNAL, "no dtype known");
}

static Error *expand_contiguous(Node *node, Value **results)
{
    Build   b = build_at(node);
    Value  *x = node_tensor(node, "self");
    int64_t format = memory_format(node, FORMAT_CONTIGUOUS);
    Arg     shape = {.kind = ARG_MEMORY_FORMAT, .integer = format};
    results[0] = x;
    if (format == FORMAT_PRESERVE)
        return node_error(node, E_VALUE, "contiguous() to preserve_format");
    if (format != FORMAT_CONTIGUOUS || !tensor_is_contiguous(b.graph->ir, &x->type))
        results[0] = BUILD(&b, "aten.clone.default", arg_value(x), shape);
    return b.error;
}

/* Every tensor expanded to the sizes of all; those that have them already pass through. */
static Error *expand_broadcast_tensors(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value     **v;
    const Expr *sizes[MAX_RANK], *joined[MAX_RANK];
    int         n, rank = 0;
    TRY(shape_tensors(node, "tensors", &v, &n));
    for (int i = 0; i < n; i++) {
        TRY(shape_broadcast(node, sizes, rank, v[i]->type.sizes, v[i]->type.rank, joined, &rank));
        memcpy(sizes, joined, sizeof *sizes * (size_t)rank);
    }
    for (int i = 0; i < n && i < node->n_results; i++) {
        bool same = v[i]->type.rank == rank;
        for (int d = 0; same && d < rank; d++)
            same = v[i]->type.sizes[d] == sizes[d];
        results[i] = same ? v[i] : build_expand_to(&b, v[i], sizes, rank);
    }
    return b.error;
}

/* ---- constants ------------------------------------------------------------------------------- */
/* Numbers of a result are made in the dtype that computes; lowering rounds. */
static DType element_dtype(const Node *node)
{
    return dtype_compute(node->results[0]->type.dtype);
}

static Scalar *number_scalar(LowerCx *cx, const Node *node, const Arg *arg)
{
    DType dtype = element_dtype(node);
    if (arg->kind == ARG_FLOAT && !arg->expr)
        return scalar_float(cx->scalars, dtype, arg->number);
    const Expr *e = arg->kind == ARG_FLOAT ? arg->expr : arg_as_expr(arg);
    int64_t     value;
    if (!e)
        return NULL;
    if (expr_is_int(e, &value))
        return scalar_int(cx->scalars, dtype, value);
    if (e->kind == EXPR_BOOL)
        return scalar_int(cx->scalars, dtype, e->value);
    DType own = e->type == EXPR_TYPE_BOOL ? DT_BOOL : e->type == EXPR_TYPE_FLOAT ? DT_F64 : DT_I64;
    return scalar_cast(cx->scalars, dtype, scalar_index(cx->scalars, own, e));
}

static Scalar *element_number(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result, (void)index;
    int at = schema_param(node->schema, "fill_value");
    return number_scalar(cx, node, &node->args[at >= 0 ? at : schema_param(node->schema, "s")]);
}

static Scalar *element_zero(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result, (void)index;
    return scalar_int(cx->scalars, element_dtype(node), 0);
}

static Scalar *element_one(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result, (void)index;
    return scalar_int(cx->scalars, element_dtype(node), 1);
}

/* dtype of a Python number as a tensor; the default dtype is taken to be float32. */
static DType dtype_of_number(const Arg *arg)
{
    if (arg->kind == ARG_BOOL)
        return DT_BOOL;
    if (arg->kind == ARG_COMPLEX)
        return DT_C64;
    const Expr *e = arg->kind == ARG_FLOAT ? NULL : arg_as_expr(arg);
    return !e || e->type == EXPR_TYPE_FLOAT ? DT_F32 : e->type == EXPR_TYPE_BOOL ? DT_BOOL : DT_I64;
}

static Error *infer_sized(Node *node, DType dtype)
{
    const Expr *sizes[MAX_RANK];
    int         rank;
    TRY(check_layout(node));
    TRY(shape_exprs(node, "size", sizes, &rank));
    for (int d = 0; d < rank; d++)
        if (expr_range(sizes[d]).max < 0)
            return node_error(node, E_VALUE, "size %d is negative", d);
    return formatted(node, dtype, sizes, rank, memory_format(node, FORMAT_CONTIGUOUS));
}

static Error *infer_full(Node *node)
{
    return infer_sized(node, dtype_or(node, dtype_of_number(node_arg(node, "fill_value"))));
}

static Error *infer_zeros(Node *node)
{
    return infer_sized(node, dtype_or(node, DT_F32));
}

static Error *infer_new(Node *node)
{
    return infer_sized(node, dtype_or(node, shape_type(node, "self")->dtype));
}

static Error *infer_scalar_tensor(Node *node)
{
    const Expr *no_size = NULL;
    set_type(node, tensor_type(node->graph->ir, dtype_or(node, DT_F32), &no_size, 0));
    return NULL;
}

/* Given strides (empty_strided), or an order of dims, outermost first (empty_permuted). */
static Error *infer_empty_strided(Node *node)
{
    const Expr  *sizes[MAX_RANK], *strides[MAX_RANK];
    int          rank, n;
    const Value *self = shape_first_tensor(node);
    DType        dtype = dtype_or(node, self ? self->type.dtype : DT_F32);
    TRY(shape_exprs(node, "size", sizes, &rank));
    TRY(shape_exprs(node, "stride", strides, &n));
    if (n != rank)
        return node_error(node, E_VALUE, "%d sizes and %d strides", rank, n);
    set_type(node, tensor_type_strided(node->graph->ir, dtype, sizes, strides, rank));
    return NULL;
}

static Error *infer_empty_permuted(Node *node)
{
    ExprPool   *pool = shape_pool(node);
    const Expr *sizes[MAX_RANK], *strides[MAX_RANK], *stride = expr_int(pool, 1);
    int         rank, n, order[MAX_RANK];
    TRY(shape_exprs(node, "size", sizes, &rank));
    TRY(shape_dims(node, "physical_layout", rank, order, &n));
    if (n != rank)
        return node_error(node, E_VALUE, "%d sizes and an order of %d", rank, n);
    for (int i = rank - 1; i >= 0; i--) {
        strides[order[i]] = stride;
        stride = expr_mul(pool, stride, sizes[order[i]]);
    }
    set_type(node,
             tensor_type_strided(node->graph->ir, dtype_or(node, DT_F32), sizes, strides, rank));
    return NULL;
}

/* ---- arange, linspace ------------------------------------------------------------------------ */
typedef struct Range {
    Arg  start, end, step;
    bool is_whole; /* all three are integers */
} Range;

static Range range_of(const Node *node)
{
    Graph     *graph = node->graph;
    const Arg *start = arg_given(node, "start"), *step = arg_given(node, "step");
    Range      r = {start ? *start : arg_int(graph, 0), *node_arg(node, "end"),
               step ? *step : arg_int(graph, 1), true};
    const Arg *all[3] = {&r.start, &r.end, &r.step};
    for (int i = 0; i < 3; i++)
        r.is_whole &= dtype_of_number(all[i]) == DT_I64;
    return r;
}

static bool constant_number(const Arg *arg, double *out)
{
    int64_t value;
    if (arg->kind == ARG_FLOAT && !arg->expr) {
        *out = arg->number;
        return true;
    }
    const Expr *e = arg->kind == ARG_FLOAT ? arg->expr : arg_as_expr(arg);
    if (e && e->kind == EXPR_BOOL)
        value = e->value;
    else if (!e || !expr_is_int(e, &value))
        return false;
    *out = (double)value;
    return true;
}

static Error *whole_length(Node *node, const Range *r, const Expr **length)
{
    ExprPool   *pool = shape_pool(node);
    const Expr *start = arg_as_expr(&r->start), *end = arg_as_expr(&r->end),
               *step = arg_as_expr(&r->step);
    const Expr *zero = expr_int(pool, 0), *distance = expr_sub(pool, end, start);
    ExprRange   range = expr_range(step);
    if (range.min <= 0 && range.max >= 0)
        return node_error(node, expr_is_value(step, 0) ? E_VALUE : E_UNSUPPORTED,
                          "the step %s of arange has to be known not to be 0",
                          expr_text(node->graph->ir->arena, step));
    if (range.max < 0) {
        distance = expr_neg(pool, distance);
        step = expr_neg(pool, step);
    }
    if (expr_range(distance).max < 0)
        return node_error(node, E_VALUE, "arange runs away from its end");
    *length = expr_max(pool, zero, expr_ceildiv(pool, distance, step));
    return NULL;
}

static Error *infer_arange(Node *node)
{
    Range       r = range_of(node);
    const Expr *length;
    DType       dtype = dtype_or(node, r.is_whole ? DT_I64 : DT_F32);
    if (r.is_whole) {
        TRY(whole_length(node, &r, &length));
    } else {
        double start, end, step;
        if (!constant_number(&r.start, &start) || !constant_number(&r.end, &end) ||
            !constant_number(&r.step, &step))
            return node_error(node, E_UNSUPPORTED, "arange of fractions that are not constant");
        double n = ceil((end - start) / step);
        if (!isfinite(n) || n < 0 || n > 1e15)
            return node_error(node, E_VALUE, "arange(%g, %g, %g)", start, end, step);
        length = shape_int(node, (int64_t)n);
    }
    set_type(node, tensor_type(node->graph->ir, dtype, &length, 1));
    return NULL;
}

/* A number, or a tensor without dims. */
static Scalar *wide_number(LowerCx *cx, const Arg *arg)
{
    if (arg->kind == ARG_VALUE && arg->value->kind == VALUE_TENSOR)
        return scalar_cast(cx->scalars, DT_F64, shape_load(cx, arg->value, NULL));
    if (arg->kind == ARG_FLOAT && !arg->expr)
        return scalar_float(cx->scalars, DT_F64, arg->number);
    const Expr *e = arg->kind == ARG_FLOAT ? arg->expr : arg_as_expr(arg);
    DType own = e->type == EXPR_TYPE_FLOAT ? DT_F64 : e->type == EXPR_TYPE_BOOL ? DT_BOOL : DT_I64;
    return scalar_cast(cx->scalars, DT_F64, scalar_index(cx->scalars, own, e));
}

/* A number as eager converts it for an integer result: toward zero. */
static const Expr *truncated(ExprPool *pool, const Arg *arg)
{
    if (arg->kind == ARG_FLOAT && !arg->expr)
        return expr_int(pool, (int64_t)arg->number);
    const Expr *e = arg_as_expr(arg);
    return e->kind == EXPR_BOOL ? expr_int(pool, e->value) : e;
}

static Scalar *element_arange(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    ExprPool *pool = cx->ir->exprs;
    Range     r = range_of(node);
    if (r.is_whole || dtype_is_int(element_dtype(node))) {
        const Expr *at = expr_mul(pool, truncated(pool, &r.step), index[0]);
        at = expr_add(pool, truncated(pool, &r.start), at);
        return scalar_cast(cx->scalars, element_dtype(node), scalar_index(cx->scalars, DT_I64, at));
    }
    Scalar *i = scalar_cast(cx->scalars, DT_F64, scalar_index(cx->scalars, DT_I64, index[0]));
    Scalar *offset = scalar_2(cx->scalars, S_MUL, wide_number(cx, &r.step), i);
    Scalar *out = scalar_2(cx->scalars, S_ADD, wide_number(cx, &r.start), offset);
    return scalar_cast(cx->scalars, element_dtype(node), out);
}

static Error *infer_linspace(Node *node)
{
    for (int i = 0; i < 2; i++)
        if (node->args[i].kind == ARG_VALUE && node->args[i].value->kind == VALUE_TENSOR &&
            node->args[i].value->type.rank != 0)
            return node_error(node, E_VALUE, "an end of rank %d, not a single number",
                              node->args[i].value->type.rank);
    const Expr *steps = arg_as_expr(node_arg(node, "steps"));
    if (expr_range(steps).max < 0)
        return node_error(node, E_VALUE, "steps is negative");
    set_type(node, tensor_type(node->graph->ir, dtype_or(node, DT_F32), &steps, 1));
    return NULL;
}

/* From both ends to the middle, so that the last element is `end` itself (RangeFactories kernel).
 */
static Scalar *element_linspace(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    ScalarPool *pool = cx->scalars;
    DType       dtype = element_dtype(node);
    DType       compute = dtype_is_float(dtype) ? dtype : DT_F64;
    const Expr *steps = arg_as_expr(node_arg(node, "steps"));
    const Expr *last = expr_sub(cx->ir->exprs, steps, expr_int(cx->ir->exprs, 1));
    Scalar     *start = scalar_cast(pool, compute, wide_number(cx, node_arg(node, "start")));
    Scalar     *end = scalar_cast(pool, compute, wide_number(cx, node_arg(node, "end")));
    if (expr_is_value(steps, 1))
        return scalar_cast(pool, dtype, start);
    Scalar     *count = scalar_cast(pool, compute, scalar_index(pool, DT_I64, last));
    Scalar     *step = scalar_2(pool, S_DIV, scalar_2(pool, S_SUB, end, start), count);
    Scalar     *i = scalar_cast(pool, compute, scalar_index(pool, DT_I64, index[0]));
    Scalar     *back = scalar_cast(pool, compute,
                                   scalar_index(pool, DT_I64, expr_sub(cx->ir->exprs, last, index[0])));
    Scalar     *low = scalar_2(pool, S_ADD, start, scalar_2(pool, S_MUL, step, i));
    Scalar     *high = scalar_2(pool, S_SUB, end, scalar_2(pool, S_MUL, step, back));
    const Expr *half = expr_floordiv(cx->ir->exprs, steps, expr_int(cx->ir->exprs, 2));
    Scalar *is_low = scalar_index(pool, DT_BOOL, expr_cmp(cx->ir->exprs, EXPR_LT, index[0], half));
    return scalar_cast(pool, dtype, scalar_select(pool, is_low, low, high));
}

/* base to the power of linspace; integers are rounded toward zero at the end. */
static Error *expand_logspace(Node *node, Value **results)
{
    Build       b = build_at(node);
    DType       dtype = dtype_or(node, DT_F32);
    const char *line = arena_printf(b.graph->ir->arena, "aten.linspace.%s", node->schema->overload);
    Value      *powers =
        BUILD(&b, line, *node_arg(node, "start"), *node_arg(node, "end"), *node_arg(node, "steps"),
              arg_dtype(dtype_is_float(dtype) ? dtype_compute(dtype) : DT_F64));
    if (!b.error)
        powers = BUILD(&b, "aten.pow.Scalar", *node_arg(node, "base"), arg_value(powers));
    results[0] = build_cast(&b, powers, dtype);
    return b.error;
}

/* ---- matrices of ones and zeros -------------------------------------------------------------- */
static Error *infer_eye(Node *node)
{
    const Arg  *m = arg_given(node, "m");
    const Expr *sizes[2] = {arg_as_expr(node_arg(node, "n")), NULL};
    sizes[1] = m ? arg_as_expr(m) : sizes[0];
    if (expr_range(sizes[0]).max < 0 || expr_range(sizes[1]).max < 0)
        return node_error(node, E_VALUE, "a size is negative");
    set_type(node, tensor_type(node->graph->ir, dtype_or(node, DT_F32), sizes, 2));
    return NULL;
}

static Scalar *element_eye(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    DType   dtype = element_dtype(node);
    Scalar *on =
        scalar_index(cx->scalars, DT_BOOL, expr_cmp(cx->ir->exprs, EXPR_EQ, index[0], index[1]));
    return scalar_select(cx->scalars, on, scalar_int(cx->scalars, dtype, 1),
                         scalar_int(cx->scalars, dtype, 0));
}

static Error *infer_triangle(Node *node)
{
    TRY(shape_check_rank(node, "self", 2, MAX_RANK));
    return infer_like(node);
}

/* tril keeps j <= i + diagonal, triu j >= i + diagonal; nothing is loaded outside. */
static Scalar *element_triangle(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    ExprPool   *pool = cx->ir->exprs;
    Value      *x = node_tensor(node, "self");
    int         rank = x->type.rank;
    const Expr *edge = expr_add(pool, index[rank - 2], arg_as_expr(node_arg(node, "diagonal"))),
               *j = index[rank - 1];
    bool        lower = !strcmp(node->schema->base, "tril");
    const Expr *inside =
        lower ? expr_cmp(pool, EXPR_LE, j, edge) : expr_cmp(pool, EXPR_LE, edge, j);
    Scalar *zero = scalar_int(cx->scalars, x->type.dtype, 0);
    if (shape_is_false(inside))
        return zero;
    return shape_masked_load(cx, x, index, shape_condition(cx, inside), zero);
}

/* Triangles in row order: a rectangle of full rows (r_rows x cols) and a trapezoid whose first row
 * has `first` entries, growing (tril) or shrinking (triu) by one a row; as in
 * aten/src/ATen/native/cuda/TensorFactories.cu. */
typedef struct Triangle {
    int64_t row, col, offset, first, skipped, trapezoid, rectangle;
} Triangle;

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool is_lower(const Node *node)
{
    return node->schema->base[3] == 'l'; /* tril_indices, triu_indices */
}

static Triangle triangle_of(const Node *node)
{
    Triangle t = {.row = node_int(node, "row"),
                  .col = node_int(node, "col"),
                  .offset = node_int(node, "offset")};
    if (is_lower(node)) {
        t.skipped = least(t.row, most(0, -t.offset)); /* rows without an entry */
        t.first = least(t.col, most(0, t.offset) + 1);
        int64_t rows = least(t.row - t.skipped, most(0, t.col - t.first + 1));
        t.trapezoid = rows * t.first + rows * (rows - 1) / 2;
        t.rectangle = (t.row - t.skipped - rows) * t.col;
        if (t.col == 0)
            t.trapezoid = t.rectangle = 0;
    } else {
        t.skipped = least(t.row, most(0, -t.offset)); /* full rows */
        t.first = most(0, t.col - most(0, t.offset));
        int64_t rows = least(t.row - t.skipped, t.first);
        t.rectangle = t.skipped * t.col;
        t.trapezoid = rows * t.first - rows * (rows - 1) / 2;
    }
    return t;
}

static Error *infer_triangle_indices(Node *node)
{
    int64_t row, col, offset;
    TRY(shape_const_int(node, "row", &row));
    TRY(shape_const_int(node, "col", &col));
    TRY(shape_const_int(node, "offset", &offset));
    if (row < 0 || col < 0)
        return node_error(node, E_VALUE, "a size is negative");
    if (row > INT32_MAX || col > INT32_MAX || offset > INT32_MAX || offset < -INT32_MAX)
        return node_error(node, E_LIMIT, "a matrix of %lld x %lld", (long long)row, (long long)col);
    Triangle    t = triangle_of(node);
    const Expr *sizes[2] = {shape_int(node, 2), shape_int(node, t.trapezoid + t.rectangle)};
    set_type(node, tensor_type(node->graph->ir, dtype_or(node, DT_I64), sizes, 2));
    return NULL;
}

static Scalar *i64(LowerCx *cx, int64_t value)
{
    return scalar_int(cx->scalars, DT_I64, value);
}

static Scalar *op2(LowerCx *cx, ScalarOp op, Scalar *a, Scalar *b)
{
    return scalar_2(cx->scalars, op, a, b);
}

/* Row and column of entry p of the trapezoid: the root of r (2 first +- (r - 1)) / 2 = p. */
static void trapezoid_place(LowerCx *cx, bool lower, int64_t first, Scalar *p, Scalar **row,
                            Scalar **column)
{
    ScalarPool *pool = cx->scalars;
    double      b = lower ? 2 * (double)first - 1 : 2 * (double)first + 1;
    Scalar     *wide = scalar_cast(pool, DT_F64, p), *eight = scalar_float(pool, DT_F64, 8);
    Scalar     *square = scalar_float(pool, DT_F64, b * b), *base = scalar_float(pool, DT_F64, b);
    Scalar     *root =
        scalar_1(pool, S_SQRT, op2(cx, lower ? S_ADD : S_SUB, square, op2(cx, S_MUL, eight, wide)));
    Scalar *twice = lower ? op2(cx, S_SUB, root, base) : op2(cx, S_SUB, base, root);
    Scalar *r = scalar_1(pool, S_FLOOR, op2(cx, S_MUL, twice, scalar_float(pool, DT_F64, 0.5)));
    *row = scalar_cast(pool, DT_I64, r);
    Scalar *growth =
        op2(cx, lower ? S_ADD : S_SUB, i64(cx, lower ? 2 * first - 1 : 2 * first + 1), *row);
    Scalar *before = op2(cx, S_FLOORDIV, op2(cx, S_MUL, *row, growth), i64(cx, 2));
    *column = op2(cx, S_SUB, p, before);
}

static Scalar *element_triangle_indices(LowerCx *cx, const Node *node, int result,
                                        const Expr *const *index)
{
    (void)result;
    ScalarPool *pool = cx->scalars;
    Triangle    t = triangle_of(node);
    bool        lower = is_lower(node);
    Scalar     *p = scalar_index(pool, DT_I64, index[1]), *row, *column;
    int64_t     full_start = lower ? t.trapezoid : 0; /* first entry of the rectangle */
    int64_t     full_row = lower ? t.row - t.rectangle / most(1, t.col) : 0; /* and its row */
    Scalar     *in_full = op2(cx, S_SUB, p, i64(cx, full_start));
    trapezoid_place(cx, lower, t.first, lower ? p : op2(cx, S_SUB, p, i64(cx, t.rectangle)), &row,
                    &column);
    row = op2(cx, S_ADD, row, i64(cx, t.skipped));
    if (!lower) { /* a row of triu starts at its diagonal */
        Scalar *start = op2(cx, S_ADD, row, i64(cx, most(0, t.offset) - t.skipped));
        column = op2(cx, S_ADD, column, start);
    }
    Scalar *columns = i64(cx, most(1, t.col));
    Scalar *full[2] = {op2(cx, S_ADD, op2(cx, S_FLOORDIV, in_full, columns), i64(cx, full_row)),
                       op2(cx, S_MOD, in_full, columns)};
    Scalar *is_full =
        lower ? op2(cx, S_GE, p, i64(cx, t.trapezoid)) : op2(cx, S_LT, p, i64(cx, t.rectangle));
    row = scalar_select(pool, is_full, full[0], row);
    column = scalar_select(pool, is_full, full[1], column);
    const Expr *first_row = expr_cmp(cx->ir->exprs, EXPR_EQ, index[0], expr_int(cx->ir->exprs, 0));
    Scalar     *is_row = scalar_index(pool, DT_BOOL, first_row);
    return scalar_cast(pool, element_dtype(node), scalar_select(pool, is_row, row, column));
}

/* ---- windows --------------------------------------------------------------------------------- */
static Error *infer_window(Node *node)
{
    int64_t n;
    TRY(shape_const_int(node, "window_length", &n));
    if (n < 0)
        return node_error(node, E_VALUE, "window_length is %lld", (long long)n);
    const Expr *size = shape_int(node, n);
    set_type(node, tensor_type(node->graph->ir, dtype_or(node, DT_F32), &size, 1));
    return NULL;
}

static double window_number(const Node *node, const char *name, double otherwise)
{
    return arg_given(node, name) ? node_float(node, name) : otherwise;
}

/* a - b cos(t) + c cos(2 t) with t = 2 pi i / length; bartlett is a triangle. */
static Scalar *element_window(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    ScalarPool *pool = cx->scalars;
    int64_t     n = node_int(node, "window_length");
    const Arg  *periodic = arg_given(node, "periodic");
    if (n == 1)
        return scalar_int(pool, element_dtype(node), 1);
    double  length = (double)(periodic && !periodic->expr->value ? n - 1 : n);
    Scalar *i = scalar_cast(pool, DT_F64, scalar_index(pool, DT_I64, index[0]));
    if (!strcmp(node->schema->base, "bartlett_window")) {
        Scalar *x = op2(cx, S_MUL, i, scalar_float(pool, DT_F64, 2 / length));
        Scalar *down = op2(cx, S_SUB, scalar_float(pool, DT_F64, 2), x);
        return scalar_cast(pool, element_dtype(node), op2(cx, S_MINIMUM, x, down));
    }
    bool    hann = !strcmp(node->schema->base, "hann_window");
    bool    blackman = !strcmp(node->schema->base, "blackman_window");
    double  a = blackman ? 0.42 : hann ? 0.5 : window_number(node, "alpha", 0.54);
    double  b = blackman || hann ? 0.5 : window_number(node, "beta", 0.46);
    double  turn = 2 * 3.14159265358979323846 / length;
    Scalar *wave = scalar_1(pool, S_COS, op2(cx, S_MUL, i, scalar_float(pool, DT_F64, turn)));
    Scalar *out = op2(cx, S_SUB, scalar_float(pool, DT_F64, a),
                      op2(cx, S_MUL, scalar_float(pool, DT_F64, b), wave));
    if (blackman) {
        Scalar *second =
            scalar_1(pool, S_COS, op2(cx, S_MUL, i, scalar_float(pool, DT_F64, 2 * turn)));
        out = op2(cx, S_ADD, out, op2(cx, S_MUL, scalar_float(pool, DT_F64, 0.08), second));
    }
    return scalar_cast(pool, element_dtype(node), out);
}

/* ---- rows ------------------------------------------------------------------------------------ */
#define INDEXED(text, infer_fn, element_fn, ...)                                                   \
    {                                                                                              \
        .schema = text, .kind = OP_INDEXED, .infer = infer_fn, .element = element_fn, __VA_ARGS__  \
    }
#define ALIAS(text, ...)                                                                           \
    {                                                                                              \
        .schema = text, .kind = OP_VIEW, .infer = infer_alias, .view = map_alias, __VA_ARGS__      \
    }
#define COPY(text, ...)                                                                            \
    {                                                                                              \
        .schema = text, .kind = OP_POINTWISE, .promote = PROMOTE_NONE, .infer = infer_to_copy,     \
        .body = "self", __VA_ARGS__                                                                \
    }
#define EXPAND_FN(text, fn, ...)                                                                   \
    {                                                                                              \
        .schema = text, .kind = OP_COMPOSITE, .expand_fn = fn, __VA_ARGS__                         \
    }

const OpDesc creation_ops[] = {
    /* the same storage */
    ALIAS("aten::alias(Tensor(a) self) -> Tensor(a)", .samples = SAME_SAMPLES),
    ALIAS("aten::detach(Tensor(a) self) -> Tensor(a)", .samples = SAME_SAMPLES),
    ALIAS("aten::lift_fresh(Tensor(a) self) -> Tensor(a)", .samples = SAME_SAMPLES),
    ALIAS("aten::positive(Tensor(a) self) -> Tensor(a)",
          .samples = "self=f32[2,3] | self=i64[0] | ! self=bool[4]"),

    /* copies and conversions */
    COPY("aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor",
         .samples =
             SAME_SAMPLES " | self=f32[2,3,4,5] memory_format=channels_last | self=f32[3,2]{1,3} "
                          "memory_format=contiguous | self=f32[3,2]{1,3} memory_format=preserve | "
                          "! self=f32[2,3] memory_format=channels_last"),
    COPY("aten::_to_copy(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? "
         "device=None, bool? "
         "pin_memory=None, bool non_blocking=False, MemoryFormat? memory_format=None) -> Tensor",
         .samples = "self=f32[2,3] dtype=f64 | self=f32[5]@-90..90 dtype=i8 | self=f32[3,2]{1,3} | "
                    "self=i64[4] dtype=bool | self=f64[5] dtype=bf16 | self=f32[7]@-90..90 "
                    "dtype=f8e4m3 | self=f32[7]@-90..90 dtype=f8e5m2 | self=bf16[5] dtype=f16 | "
                    "self=f32[4]@0..200 dtype=u8 | self=bool[4] dtype=f32 | self=i32[0] dtype=i16 "
                    "| self=f32[1,2,3,4] memory_format=channels_last"),
    COPY("aten::alias_copy(Tensor self) -> Tensor", .samples = "self=f32[2,3] | self=i64[0]"),
    COPY("aten::detach_copy(Tensor self) -> Tensor", .samples = "self=f32[2,3] | self=i64[0]"),
    COPY("aten::lift(Tensor self) -> Tensor", .samples = "self=f32[2,3] | self=i64[0]"),
    COPY("aten::lift_fresh_copy(Tensor self) -> Tensor", .samples = "self=f32[2,3] | self=i64[0]"),
    EXPAND_FN(
        "aten::to.dtype(Tensor(a) self, ScalarType dtype, bool non_blocking=False, bool "
        "copy=False, "
        "MemoryFormat? memory_format=None) -> Tensor(a)",
        expand_to,
        .samples =
            "self=f32[2,3] dtype=f16 | self=f32[3] dtype=f32 | self=f32[3] dtype=f32 copy=true | "
            "self=i64[6]@special dtype=i32 | self=f64[3,2]{1,3} dtype=f32 | self=f32[16]@special "
            "dtype=bf16 | self=f32[16]@special dtype=f16 | self=f32[16]@special dtype=bool"),
    EXPAND_FN("aten::to.device(Tensor(a) self, Device device, ScalarType dtype, bool "
              "non_blocking=False, bool "
              "copy=False, MemoryFormat? memory_format=None) -> Tensor(a)",
              expand_to, .samples = "self=f32[2,3] device=cpu dtype=f64"),
    EXPAND_FN("aten::to.dtype_layout(Tensor(a) self, *, ScalarType? dtype=None, Layout? "
              "layout=None, Device? "
              "device=None, bool? pin_memory=None, bool non_blocking=False, bool copy=False, "
              "MemoryFormat? "
              "memory_format=None) -> Tensor(a)",
              expand_to,
              .samples =
                  "self=f32[2,3] dtype=i64 | self=i32[3] dtype=f32 layout=strided device=cpu"),
    EXPAND_FN(
        "aten::to.other(Tensor(a) self, Tensor other, bool non_blocking=False, bool copy=False, "
        "MemoryFormat? memory_format=None) -> Tensor(a)",
        expand_to_other, .samples = "self=f32[2,3] other=i64[] | self=i64[3] other=bf16[2]"),
    EXPAND_FN("aten::type_as(Tensor self, Tensor other) -> Tensor", expand_to_other,
              .samples = "self=f32[2,3] other=i32[] | self=bool[3] other=f32[1]"),
    EXPAND_FN("aten::_cast_Byte(Tensor self, bool non_blocking=False) -> Tensor", expand_cast,
              .samples = "self=f32[5]@0..90 | self=i64[3]"),
    EXPAND_FN("aten::_cast_Char(Tensor self, bool non_blocking=False) -> Tensor", expand_cast,
              .samples = "self=f32[5]@0..90 | self=i64[3]"),
    EXPAND_FN("aten::_cast_Short(Tensor self, bool non_blocking=False) -> Tensor", expand_cast,
              .samples = "self=f32[5]@0..90 | self=i64[3]"),
    EXPAND_FN("aten::_cast_Int(Tensor self, bool non_blocking=False) -> Tensor", expand_cast,
              .samples = "self=f32[5]@0..90 | self=i64[3]"),
    EXPAND_FN("aten::_cast_Long(Tensor self, bool non_blocking=False) -> Tensor", expand_cast,
              .samples = "self=f32[5]@0..90 | self=i64[3]"),
    EXPAND_FN("aten::_cast_Half(Tensor self, bool non_blocking=False) -> Tensor", expand_cast,
              .samples = "self=f32[5] | self=i64[3]"),
    EXPAND_FN("aten::_cast_Float(Tensor self, bool non_blocking=False) -> Tensor", expand_cast,
              .samples = "self=f32[5] | self=i64[3]"),
    EXPAND_FN("aten::_cast_Double(Tensor self, bool non_blocking=False) -> Tensor", expand_cast,
              .samples = "self=f32[5] | self=i64[3]"),
    EXPAND_FN("aten::contiguous(Tensor(a) self, *, MemoryFormat memory_format=0) -> Tensor(a)",
              expand_contiguous,
              .samples = "self=f32[3,2]{1,3} | self=f32[2,3] | self=f32[1,2,3,4] "
                         "memory_format=channels_last | self=f32[0,2]"),
    EXPAND_FN("aten::broadcast_tensors(Tensor[] tensors) -> Tensor[]", expand_broadcast_tensors,
              .samples =
                  "tensors=[f32[3,1],f32[4],f32[]] | tensors=[i64[2]] | ! tensors=[f32[3],f32[4]]"),

    /* one number */
    INDEXED("aten::full(SymInt[] size, Scalar fill_value, *, ScalarType? dtype=None, Layout? "
            "layout=None, Device? "
            "device=None, bool? pin_memory=None) -> Tensor",
            infer_full, element_number,
            .samples = "size=[2,3] fill_value=1.5 | size=[2] fill_value=3 | size=[] "
                       "fill_value=true | size=[0,2] fill_value=1 | size=[3] fill_value=2 "
                       "dtype=bf16 | size=[3] fill_value=2.5 dtype=i32 | size=[2] fill_value=-inf"),
    INDEXED("aten::new_full(Tensor self, SymInt[] size, Scalar fill_value, *, ScalarType? "
            "dtype=None, Layout? "
            "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
            infer_new, element_number,
            .samples = "self=f32[1] size=[2,3] fill_value=1.5 | self=i64[1] size=[2] "
                       "fill_value=2.5 | self=f32[1] size=[2] fill_value=1 dtype=bool"),
    INDEXED(
        "aten::full_like(Tensor self, Scalar fill_value, *, ScalarType? dtype=None, Layout? "
        "layout=None, "
        "Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
        infer_like, element_number,
        .samples = "self=f32[2,3] fill_value=1.5 | self=i64[2] fill_value=7 dtype=f32 | "
                   "self=f32[3,2]{1,3} fill_value=2"),
    INDEXED("aten::scalar_tensor(Scalar s, *, ScalarType? dtype=None, Layout? layout=None, Device? "
            "device=None, "
            "bool? pin_memory=None) -> Tensor",
            infer_scalar_tensor, element_number,
            .samples = "s=1.5 | s=3 | s=true | s=2 dtype=f64 | s=nan"),
    INDEXED("aten::zeros(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? "
            "device=None, bool? "
            "pin_memory=None) -> Tensor",
            infer_zeros, element_zero,
            .samples = "size=[2,3] | size=[] | size=[0,4] | size=[3] dtype=i64 | size=[2] "
                       "dtype=bool | size=[5] dtype=bf16 | ! size=[-1]"),
    INDEXED("aten::empty.memory_format(SymInt[] size, *, ScalarType? dtype=None, Layout? "
            "layout=None, Device? "
            "device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
            infer_zeros, element_zero,
            .samples = "~ size=[2,3] | ~ size=[2,3] dtype=i64 | ~ size=[] | ~ size=[1,2,3,4] "
                       "memory_format=channels_last"),
    INDEXED("aten::_efficientzerotensor(SymInt[] size, *, ScalarType? dtype=None, Layout? "
            "layout=None, Device? "
            "device=None, bool? pin_memory=None) -> Tensor",
            infer_zeros, element_zero, .samples = "size=[2,3] | size=[3] dtype=f64"),
    INDEXED("aten::new_zeros(Tensor self, SymInt[] size, *, ScalarType? dtype=None, Layout? "
            "layout=None, Device? "
            "device=None, bool? pin_memory=None) -> Tensor",
            infer_new, element_zero,
            .samples =
                "self=f32[1] size=[2,3] | self=i64[1] size=[2] | self=f32[1] size=[0] dtype=bool"),
    INDEXED("aten::new_empty(Tensor self, SymInt[] size, *, ScalarType? dtype=None, Layout? "
            "layout=None, Device? "
            "device=None, bool? pin_memory=None) -> Tensor",
            infer_new, element_zero,
            .samples = "~ self=f32[1] size=[2,3] | ~ self=f32[1] size=[2] dtype=i64"),
    INDEXED("aten::zeros_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? "
            "device=None, "
            "bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
            infer_like, element_zero,
            .samples = "self=f32[2,3] | self=i64[0] | self=f32[3,2]{1,3} | self=f32[2] dtype=bool "
                       "| self=f32[1,2,3,4] memory_format=channels_last | self=bf16[]"),
    INDEXED("aten::empty_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? "
            "device=None, "
            "bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
            infer_like, element_zero,
            .samples = "~ self=f32[2,3] | ~ self=f32[3,2]{1,3} | ~ self=f32[2] dtype=i64"),
    INDEXED("aten::empty_strided(SymInt[] size, SymInt[] stride, *, ScalarType? dtype=None, "
            "Layout? layout=None, "
            "Device? device=None, bool? pin_memory=None) -> Tensor",
            infer_empty_strided, element_zero,
            .samples = "~ size=[2,3] stride=[1,2] | ~ size=[2] stride=[1] dtype=i64"),
    INDEXED("aten::new_empty_strided(Tensor self, SymInt[] size, SymInt[] stride, *, ScalarType? "
            "dtype=None, "
            "Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
            infer_empty_strided, element_zero, .samples = "~ self=f32[1] size=[2,3] stride=[3,1]"),
    INDEXED("aten::empty_permuted(SymInt[] size, int[] physical_layout, *, ScalarType? dtype=None, "
            "Layout? "
            "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
            infer_empty_permuted, element_zero,
            .samples = "~ size=[2,3,4] physical_layout=[0,2,1]"),
    INDEXED("aten::ones(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? "
            "device=None, bool? "
            "pin_memory=None) -> Tensor",
            infer_zeros, element_one,
            .samples = "size=[2,3] | size=[] | size=[0,4] | size=[3] dtype=i64 | size=[2] "
                       "dtype=bool | size=[5] dtype=bf16 | ! size=[-1]"),
    INDEXED("aten::new_ones(Tensor self, SymInt[] size, *, ScalarType? dtype=None, Layout? "
            "layout=None, Device? "
            "device=None, bool? pin_memory=None) -> Tensor",
            infer_new, element_one,
            .samples =
                "self=f32[1] size=[2,3] | self=i64[1] size=[2] | self=f32[1] size=[0] dtype=bool"),
    INDEXED("aten::ones_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? "
            "device=None, "
            "bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
            infer_like, element_one,
            .samples = "self=f32[2,3] | self=i64[0] | self=f32[3,2]{1,3} | self=f32[2] dtype=bool "
                       "| self=f32[1,2,3,4] memory_format=channels_last | self=bf16[]"),

    /* ranges */
    INDEXED("aten::arange(Scalar end, *, ScalarType? dtype=None, Layout? layout=None, Device? "
            "device=None, bool? "
            "pin_memory=None) -> Tensor",
            infer_arange, element_arange,
            .samples = "end=5 | end=2.5 | end=0 | end=5 dtype=f32 | end=4 dtype=bf16 | ! end=-1"),
    INDEXED("aten::arange.start(Scalar start, Scalar end, *, ScalarType? dtype=None, Layout? "
            "layout=None, Device? "
            "device=None, bool? pin_memory=None) -> Tensor",
            infer_arange, element_arange,
            .samples = "start=2 end=7 | start=-1.5 end=3 | start=3 end=3 | ! start=3 end=1"),
    INDEXED("aten::arange.start_step(Scalar start, Scalar end, Scalar step=1, *, ScalarType? "
            "dtype=None, Layout? "
            "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
            infer_arange, element_arange,
            .samples = "start=0 end=10 step=3 | start=5 end=0 step=-2 | start=0.0 end=1 step=0.3 | "
                       "start=1 end=2 step=0.25 dtype=f64 | start=0 end=9 step=2 dtype=f32 | ! "
                       "start=0 end=5 step=0 | ! start=0 end=5 step=-1"),
    INDEXED("aten::linspace(Scalar start, Scalar end, int steps, *, ScalarType? dtype=None, "
            "Layout? layout=None, "
            "Device? device=None, bool? pin_memory=None) -> Tensor",
            infer_linspace, element_linspace,
            .samples = "start=0 end=1 steps=5 | start=-2.5 end=3 steps=7 | start=3 end=-3 steps=4 "
                       "dtype=f64 | start=0 end=10 steps=4 dtype=i64 | start=1 end=2 steps=1 | "
                       "start=1 end=2 steps=0 | ! start=0 end=1 steps=-1"),
    INDEXED("aten::linspace.Tensor_Tensor(Tensor start, Tensor end, int steps, *, ScalarType? "
            "dtype=None, "
            "Layout? layout=None, "
            "Device? device=None, bool? pin_memory=None) -> Tensor",
            infer_linspace, element_linspace,
            .samples = "start=f32[]@[-1] end=f32[]@[2] steps=7 | start=i64[]@[0] end=f32[]@[5] "
                       "steps=4 dtype=i64 | start=f32[]@[1] end=f32[]@[3] steps=1 | "
                       "start=f32[]@[1] end=f32[]@[3] steps=0 | ! start=f32[2] end=f32[] steps=3"),
    INDEXED("aten::linspace.Tensor_Scalar(Tensor start, Scalar end, int steps, *, ScalarType? "
            "dtype=None, "
            "Layout? layout=None, "
            "Device? device=None, bool? pin_memory=None) -> Tensor",
            infer_linspace, element_linspace,
            .samples =
                "start=f32[]@[-1] end=2 steps=5 | start=i64[]@[3] end=-1.5 steps=4 dtype=f64"),
    INDEXED("aten::linspace.Scalar_Tensor(Scalar start, Tensor end, int steps, *, ScalarType? "
            "dtype=None, "
            "Layout? layout=None, "
            "Device? device=None, bool? pin_memory=None) -> Tensor",
            infer_linspace, element_linspace, .samples = "start=-1 end=f32[]@[2] steps=5"),
    EXPAND_FN("aten::logspace(Scalar start, Scalar end, int steps, float base=10., *, ScalarType? "
              "dtype=None, "
              "Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
              expand_logspace,
              .samples = "start=0 end=2 steps=5 | start=-1 end=3 steps=4 base=2.0 | start=0 end=1 "
                         "steps=1 | start=0 end=3 steps=4 dtype=f64"),
    EXPAND_FN("aten::logspace.Tensor_Tensor(Tensor start, Tensor end, int steps, float base=10., "
              "*, ScalarType? "
              "dtype=None, "
              "Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
              expand_logspace,
              .samples = "start=f32[]@[-1] end=f32[]@[2] steps=7 base=2.0 | start=i64[]@[0] "
                         "end=i64[]@[3] steps=4 dtype=i64"),
    EXPAND_FN("aten::logspace.Tensor_Scalar(Tensor start, Scalar end, int steps, float base=10., "
              "*, ScalarType? "
              "dtype=None, "
              "Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
              expand_logspace, .samples = "start=f32[]@[-1] end=2 steps=5"),
    EXPAND_FN("aten::logspace.Scalar_Tensor(Scalar start, Tensor end, int steps, float base=10., "
              "*, ScalarType? "
              "dtype=None, "
              "Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
              expand_logspace, .samples = "start=-1 end=f64[]@[2] steps=5 dtype=f64"),

    /* matrices */
    INDEXED("aten::eye(SymInt n, *, ScalarType? dtype=None, Layout? layout=None, Device? "
            "device=None, bool? "
            "pin_memory=None) -> Tensor",
            infer_eye, element_eye, .samples = "n=3 | n=0 | n=2 dtype=i64 | ! n=-1"),
    INDEXED("aten::eye.m(SymInt n, SymInt m, *, ScalarType? dtype=None, Layout? layout=None, "
            "Device? device=None, "
            "bool? pin_memory=None) -> Tensor",
            infer_eye, element_eye, .samples = "n=3 m=5 | n=4 m=2 dtype=bool | n=0 m=3"),
    INDEXED("aten::tril(Tensor self, SymInt diagonal=0) -> Tensor", infer_triangle,
            element_triangle,
            .samples = "self=f32[4,5] | self=f32[4,5] diagonal=1 | self=f32[2,5,3] diagonal=-2 | "
                       "self=i64[3,3] | self=bool[3,4] diagonal=1 | self=f32[0,3] | "
                       "self=f32[3,4]{1,3} | ! self=f32[4]"),
    INDEXED("aten::triu(Tensor self, SymInt diagonal=0) -> Tensor", infer_triangle,
            element_triangle,
            .samples = "self=f32[4,5] | self=f32[4,5] diagonal=1 | self=f32[2,5,3] diagonal=-2 | "
                       "self=i64[3,3] | self=bool[3,4] diagonal=1 | self=f32[0,3] | "
                       "self=f32[3,4]{1,3} | ! self=f32[4]"),
    INDEXED(
        "aten::tril_indices(int row, int col, int offset=0, *, ScalarType? dtype=4, Layout? "
        "layout=None, "
        "Device? device=None, bool? pin_memory=None) -> Tensor",
        infer_triangle_indices, element_triangle_indices,
        .samples =
            "row=3 col=4 | row=4 col=3 offset=1 | row=3 col=3 offset=-1 dtype=i32 | row=0 col=3"),
    INDEXED(
        "aten::triu_indices(int row, int col, int offset=0, *, ScalarType? dtype=4, Layout? "
        "layout=None, "
        "Device? device=None, bool? pin_memory=None) -> Tensor",
        infer_triangle_indices, element_triangle_indices,
        .samples =
            "row=3 col=4 | row=4 col=3 offset=1 | row=3 col=3 offset=-1 dtype=i32 | row=0 col=3"),

    /* windows */
    INDEXED("aten::hann_window(int window_length, *, ScalarType? dtype=None, Layout? layout=None, "
            "Device? "
            "device=None, bool? pin_memory=None) -> Tensor",
            infer_window, element_window,
            .samples =
                "window_length=7 | window_length=1 | window_length=0 | window_length=8 dtype=f64"),
    INDEXED("aten::hann_window.periodic(int window_length, bool periodic, *, ScalarType? "
            "dtype=None, Layout? "
            "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
            infer_window, element_window,
            .samples = "window_length=7 periodic=false | window_length=8 periodic=true dtype=f64"),
    INDEXED("aten::hamming_window(int window_length, *, ScalarType? dtype=None, Layout? "
            "layout=None, Device? "
            "device=None, bool? pin_memory=None) -> Tensor",
            infer_window, element_window,
            .samples =
                "window_length=7 | window_length=1 | window_length=0 | window_length=8 dtype=f64"),
    INDEXED("aten::hamming_window.periodic(int window_length, bool periodic, *, ScalarType? "
            "dtype=None, Layout? "
            "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
            infer_window, element_window,
            .samples = "window_length=7 periodic=false | window_length=8 periodic=true dtype=f64"),
    INDEXED(
        "aten::hamming_window.periodic_alpha(int window_length, bool periodic, float alpha, *, "
        "ScalarType? "
        "dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
        infer_window, element_window, .samples = "window_length=7 periodic=false alpha=0.6"),
    INDEXED("aten::hamming_window.periodic_alpha_beta(int window_length, bool periodic, float "
            "alpha, float beta, "
            "*, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? "
            "pin_memory=None) -> Tensor",
            infer_window, element_window,
            .samples = "window_length=7 periodic=true alpha=0.6 beta=0.3"),
    INDEXED("aten::blackman_window(int window_length, *, ScalarType? dtype=None, Layout? "
            "layout=None, Device? "
            "device=None, bool? pin_memory=None) -> Tensor",
            infer_window, element_window,
            .samples =
                "window_length=7 | window_length=1 | window_length=0 | window_length=8 dtype=f64"),
    INDEXED("aten::blackman_window.periodic(int window_length, bool periodic, *, ScalarType? "
            "dtype=None, Layout? "
            "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
            infer_window, element_window,
            .samples = "window_length=7 periodic=false | window_length=8 periodic=true dtype=f64"),
    INDEXED("aten::bartlett_window(int window_length, *, ScalarType? dtype=None, Layout? "
            "layout=None, Device? "
            "device=None, bool? pin_memory=None) -> Tensor",
            infer_window, element_window,
            .samples =
                "window_length=7 | window_length=1 | window_length=0 | window_length=8 dtype=f64"),
    INDEXED("aten::bartlett_window.periodic(int window_length, bool periodic, *, ScalarType? "
            "dtype=None, Layout? "
            "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
            infer_window, element_window,
            .samples = "window_length=7 periodic=false | window_length=8 periodic=true dtype=f64"),
    {0},
};
