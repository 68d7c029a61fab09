/* Numbers in steps: arange, range, linspace, logspace.
 *
 * In: a node.  Out: `element`, the number at an index:
 *
 *   aten.arange.start_step(2, 10, 3)      out[i] = 2 + 3 i, an index expression: masks and gathers
 *                                         fold it */
#include "ir/ops/creation.h"
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <math.h>
#include <string.h>

typedef struct Range {
    Arg  start, end, step;
    bool is_whole; /* all three are integers */
} Range;

static Range range_of(const Node *node)
{
    Graph     *graph = node->graph;
    const Arg *start = creation_arg(node, "start"), *step = creation_arg(node, "step");
    Range      r = {start ? *start : arg_int(graph, 0), *node_arg(node, "end"),
               step ? *step : arg_int(graph, 1), true};
    const Arg *all[3] = {&r.start, &r.end, &r.step};
    for (int i = 0; i < 3; i++)
        r.is_whole &= creation_dtype_of_number(all[i]) == DT_I64;
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
    DType       dtype = creation_dtype(node, r.is_whole ? DT_I64 : DT_F32);
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
    creation_set_type(node, tensor_type(node->graph->ir, dtype, &length, 1));
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
    if (r.is_whole || dtype_is_int(creation_element_dtype(node))) {
        const Expr *at = expr_mul(pool, truncated(pool, &r.step), index[0]);
        at = expr_add(pool, truncated(pool, &r.start), at);
        return scalar_cast(cx->scalars, creation_element_dtype(node),
                           scalar_index(cx->scalars, DT_I64, at));
    }
    Scalar *i = scalar_cast(cx->scalars, DT_F64, scalar_index(cx->scalars, DT_I64, index[0]));
    Scalar *offset = scalar_2(cx->scalars, S_MUL, wide_number(cx, &r.step), i);
    Scalar *out = scalar_2(cx->scalars, S_ADD, wide_number(cx, &r.start), offset);
    return scalar_cast(cx->scalars, creation_element_dtype(node), out);
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
    creation_set_type(node, tensor_type(node->graph->ir, creation_dtype(node, DT_F32), &steps, 1));
    return NULL;
}

/* From both ends to the middle, so that the last element is `end` itself (RangeFactories kernel).
 */
static Scalar *element_linspace(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    ScalarPool *pool = cx->scalars;
    DType       dtype = creation_element_dtype(node);
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
    DType       dtype = creation_dtype(node, DT_F32);
    const char *line = arena_printf(b.graph->ir->arena, "aten.linspace.%s", node->schema->overload);
    Value      *powers =
        BUILD(&b, line, *node_arg(node, "start"), *node_arg(node, "end"), *node_arg(node, "steps"),
              arg_dtype(dtype_is_float(dtype) ? dtype_compute(dtype) : DT_F64));
    if (!b.error)
        powers = BUILD(&b, "aten.pow.Scalar", *node_arg(node, "base"), arg_value(powers));
    results[0] = build_cast(&b, powers, dtype);
    return b.error;
}

static Error *expand_dim_arange(Node *node, Value **results)
{
    Build             b = build_at(node);
    const TensorType *like = shape_type(node, "like");
    int               dim;
    TRY(shape_dim(node, "dim", like->rank, &dim));
    results[0] = BUILD(&b, "aten.arange.default", arg_expr(like->sizes[dim]), arg_dtype(DT_I64));
    return b.error;
}

/* range: arange with its end, in f32 unless a dtype is given.  The end in between two steps keeps
 * the length, floor((end - start) / step) + 1, apart from rounding. */
static Error *expand_range(Node *node, Value **results)
{
    Build       b = build_at(node);
    Range       r = range_of(node);
    double      start, end, step;
    const char *op = "aten.arange.start_step";
    Arg         dtype = arg_dtype(creation_dtype(node, DT_F32));
    if (!constant_number(&r.start, &start) || !constant_number(&r.end, &end) ||
        !constant_number(&r.step, &step))
        return node_error(node, E_UNSUPPORTED, "range of numbers that are not constant");
    if (step == 0 || (end - start) / step < 0)
        return node_error(node, E_VALUE, "range from %g to %g in steps of %g", start, end, step);
    double last = start + (floor((end - start) / step) + 0.5) * step;
    results[0] = BUILD(&b, op, r.start, arg_float(last), r.step, dtype);
    return b.error;
}

/* ---- rows ------------------------------------------------------------------------------------ */
const OpDesc range_ops[] = {
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
    EXPAND_FN("aten::_dim_arange(Tensor like, int dim) -> Tensor", expand_dim_arange,
              .samples = "like=f32[2,3] dim=1 | like=i64[4] dim=-1"),
    EXPAND_FN("aten::range(Scalar start, Scalar end, *, ScalarType? dtype=None, Layout? "
              "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
              expand_range,
              .samples = "start=0 end=6 | start=1.5 end=4 dtype=f64 | ! start=3 end=1"),
    EXPAND_FN(
        "aten::range.step(Scalar start, Scalar end, Scalar step=1, *, ScalarType? dtype=None, "
        "Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
        expand_range,
        .samples = "start=0 end=6 | start=1 end=3.5 step=0.5 | start=5 end=-1 step=-2 "
                   "dtype=i64 | start=2 end=2 | ! start=0 end=3 step=0"),
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
    {0},
};
