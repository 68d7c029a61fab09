/* Running reductions along one dim: cumsum, cumprod, cummax, cummin, logcumsumexp; and integrals
 * made of them.
 *
 * In: a node.  Out: types; the kernel is a template (emit_c/runtime/scan_sort.c.inc):
 *
 *   aten.cumsum.default(%x, 1) : i64[2,5]       integers and bool are summed as i64 unless dtype
 * says otherwise */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <string.h>

static Error *check_dim(const Node *node, const TensorType *in)
{
    int dim;
    return shape_dim(node, "dim", in->rank, &dim);
}

/* cumsum, cumprod. */
static Error *infer_accumulation(Node *node)
{
    const TensorType *in = shape_type(node, "self");
    const Arg        *given = node_arg(node, "dtype");
    bool              whole = in->dtype == DT_BOOL || dtype_is_int(in->dtype);
    TRY(check_dim(node, in));
    shape_result(node, 0,
                 given->kind == ARG_DTYPE ? given->dtype
                 : whole                  ? DT_I64
                                          : in->dtype,
                 in->sizes, in->rank);
    return NULL;
}

static Error *infer_logcumsumexp(Node *node)
{
    const TensorType *in = shape_type(node, "self");
    TRY(check_dim(node, in));
    if (!dtype_is_float(in->dtype))
        return node_error(node, E_VALUE, "logcumsumexp needs a floating point input, got %s",
                          dtype_name(in->dtype));
    shape_result(node, 0, in->dtype, in->sizes, in->rank);
    return NULL;
}

/* cummax, cummin: values and the index where each stands. */
static Error *infer_running_extreme(Node *node)
{
    const TensorType *in = shape_type(node, "self");
    TRY(check_dim(node, in));
    shape_result(node, 0, in->dtype, in->sizes, in->rank);
    shape_result(node, 1, DT_I64, in->sizes, in->rank);
    return NULL;
}

/* ---- integrals by the trapezoid rule --------------------------------------------------------- */
/* The elements of v along dim without the first (from 1) or without the last. */
static Value *neighbours(Build *b, Value *v, int dim, bool upper)
{
    ExprPool *pool = b->graph->ir->exprs;
    if (b->error)
        return NULL;
    const Expr *n = v->type.sizes[dim], *one = expr_int(pool, 1);
    const Expr *last = expr_max(pool, expr_int(pool, 0), expr_sub(pool, n, one));
    return build_slice(b, v, dim, upper ? one : expr_int(pool, 0), upper ? n : last);
}

/* Areas (y[i] + y[i+1]) (x[i+1] - x[i]) / 2, summed or accumulated; x is 1-d along dim or as y, or
 * dx is fixed. */
static Error *expand_trapezoid(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *y = node_tensor(node, "y"), *area;
    bool   cumulative = !strncmp(node->schema->base, "cumulative", 10);
    int    dim;
    if (y->type.rank == 0)
        return node_error(node, E_VALUE, "%s of a tensor without dims", node->schema->base);
    TRY(shape_dim(node, "dim", y->type.rank, &dim));
    Value *before = neighbours(&b, y, dim, false);
    area = build_binary(&b, "aten.add.Tensor", neighbours(&b, y, dim, true), before);
    if (schema_param(node->schema, "x") >= 0) {
        Value *x = node_tensor(node, "x");
        if (x->type.rank == 1 && y->type.rank > 1) {
            const Expr *sizes[MAX_RANK];
            for (int d = 0; d < y->type.rank; d++)
                sizes[d] = d == dim ? x->type.sizes[0] : shape_int(node, 1);
            x = build_reshape(&b, x, sizes, y->type.rank);
        } else if (x->type.rank != y->type.rank) {
            return node_error(node, E_UNSUPPORTED, "x of rank %d beside y of rank %d", x->type.rank,
                              y->type.rank);
        }
        before = neighbours(&b, x, dim, false);
        Value *step = build_binary(&b, "aten.sub.Tensor", neighbours(&b, x, dim, true), before);
        area = build_binary(&b, "aten.mul.Tensor", area, step);
    } else if (!b.error) {
        area = BUILD(&b, "aten.mul.Scalar", arg_value(area), *node_arg(node, "dx"));
    }
    if (!b.error)
        area = BUILD(&b, "aten.div.Scalar", arg_value(area), arg_int(b.graph, 2));
    if (!b.error)
        results[0] = BUILD(&b, cumulative ? "aten.cumsum.default" : "aten.sum.dim_IntList",
                           arg_value(area), arg_int(b.graph, dim));
    return b.error;
}

/* Powers 0 … N - 1 along a new last dim, N the size of x's last dim where it is None. */
static Error *expand_vander(Node *node, Value **results)
{
    Build     b = build_at(node);
    ExprPool *pool = shape_pool(node);
    Value    *x = build_at_least(&b, node_tensor(node, "x"), 1);
    if (b.error)
        return b.error;
    int         rank = x->type.rank;
    const Expr *n =
        shape_is_none(node, "N") ? x->type.sizes[rank - 1] : arg_as_expr(node_arg(node, "N"));
    const Expr *sizes[MAX_RANK];
    int64_t     count;
    if (x->type.dtype == DT_BOOL)
        return node_error(node, E_VALUE, "linalg_vander of bool");
    if (rank + 1 >= MAX_RANK || (expr_is_int(n, &count) && count < 2))
        return node_error(node, E_VALUE, "N = %s is not above 1",
                          expr_text(node->graph->ir->arena, n));
    memcpy(sizes, x->type.sizes, sizeof *sizes * (size_t)rank);
    sizes[rank] = expr_sub(pool, n, expr_int(pool, 1));
    Value *same = build_expand_to(&b, build_unsqueeze(&b, x, rank), sizes, rank + 1);
    Value *powers =
        b.error ? NULL : BUILD(&b, "aten.cumprod.default", arg_value(same), arg_int(b.graph, -1));
    sizes[rank] = expr_int(pool, 1);
    Value *both[2] = {b.error ? NULL
                              : BUILD(&b, "aten.new_ones.default", arg_value(powers),
                                      arg_exprs(b.graph, sizes, rank + 1)),
                      powers};
    if (!b.error)
        results[0] =
            BUILD(&b, "aten.cat.default", arg_values(b.graph, both, 2), arg_int(b.graph, -1));
    return b.error;
}

/* Powers N - 1 … 0, or rising ones, of integers in i64. */
static Error *expand_plain_vander(Node *node, Value **results)
{
    Build       b = build_at(node);
    ExprPool   *pool = shape_pool(node);
    Value      *x = node_tensor(node, "x"), *powers;
    const Arg  *given = node_arg(node, "N");
    const Expr *zero = expr_int(pool, 0), *n, *sizes[2];
    int64_t     last = 1;
    if (x->type.rank != 1)
        return node_error(node, E_VALUE, "x has %d dims", x->type.rank);
    n = given->kind == ARG_NONE ? x->type.sizes[0] : arg_as_expr(given);
    if (dtype_info(x->type.dtype)->is_int || x->type.dtype == DT_BOOL)
        x = build_cast(&b, x, DT_I64);
    sizes[0] = x->type.sizes[0];
    sizes[1] = expr_max(pool, n, expr_int(pool, 2));
    powers = BUILD(&b, "aten.linalg_vander.default", arg_value(x), arg_expr(sizes[1]));
    powers = b.error ? NULL : build_slice(&b, powers, 1, zero, n);
    if (!node_bool(node, "increasing"))
        powers = BUILD(&b, "aten.flip.default", arg_value(powers), arg_ints(b.graph, &last, 1));
    results[0] = powers;
    return b.error;
}

/* ---- rows ------------------------------------------------------------------------------------ */
#define SCAN(text, infer_fn, ...) TEMPLATE(text, TEMPLATE_SCAN, infer_fn, __VA_ARGS__)

const OpDesc scan_ops[] = {
    SCAN("aten::cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor",
         infer_accumulation,
         .samples =
             "self=f32[3,5] dim=1 | self=f32[3,5] dim=0 | self=i32[5] dim=0 | self=bool[6] dim=0 | "
             "self=f32[4] dim=-1 dtype=f64 | self=f32[] dim=0 | self=f32[0,3] dim=0 | self=bf16[9] "
             "dim=0 | self=f32[3,4]{1,3} dim=1 | self=u8[300] dim=0 | ! self=f32[3] dim=1"),
    SCAN("aten::cumprod(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor",
         infer_accumulation,
         .samples = "self=f32[3,5] dim=1 | self=f32[3,5] dim=0 | self=i32[5] dim=0 | self=f64[4] "
                    "dim=-1 | self=f32[] dim=0"),
    SCAN("aten::logcumsumexp(Tensor self, int dim) -> Tensor", infer_logcumsumexp,
         .samples = "self=f32[3,5] dim=1 | self=f32[3,5]@-90..90 dim=0 | "
                    "self=f32[5]@[-inf,1,2,inf,3] dim=0 | self=bf16[5] dim=0"),
    SCAN("aten::cummax(Tensor self, int dim) -> (Tensor values, Tensor indices)",
         infer_running_extreme,
         .samples = "self=f32[3,5] dim=1 | self=f32[3,5] dim=0 | self=i64[9]@0..3 dim=0 | "
                    "self=f32[5]@[1,nan,3,2,0] dim=0 | self=f32[] dim=0 | self=bool[5] dim=0"),
    SCAN("aten::cummin(Tensor self, int dim) -> (Tensor values, Tensor indices)",
         infer_running_extreme,
         .samples = "self=f32[3,5] dim=1 | self=f32[3,5] dim=0 | self=i64[9]@0..3 dim=0 | "
                    "self=f32[5]@[1,nan,3,2,0] dim=0 | self=f32[] dim=0 | self=bool[5] dim=0"),
    EXPAND_FN("aten::trapezoid.x(Tensor y, Tensor x, *, int dim=-1) -> Tensor", expand_trapezoid,
              .samples = "y=f32[3,5] x=f32[5] | y=f32[3,5] x=f32[3,5] dim=0"),
    EXPAND_FN("aten::trapezoid.dx(Tensor y, *, Scalar dx=1, int dim=-1) -> Tensor",
              expand_trapezoid, .samples = "y=f32[3,5] | y=f32[3,5] dx=0.5 dim=0"),
    EXPAND_FN("aten::trapz.x(Tensor y, Tensor x, *, int dim=-1) -> Tensor", expand_trapezoid,
              .samples = "y=f32[3,5] x=f32[5] | y=f32[3,5] x=f32[3,5] dim=0"),
    EXPAND_FN("aten::trapz.dx(Tensor y, *, float dx=1., int dim=-1) -> Tensor", expand_trapezoid,
              .samples = "y=f32[3,5] | y=f32[3,5] dx=0.5 dim=0"),
    EXPAND_FN("aten::cumulative_trapezoid.x(Tensor y, Tensor x, *, int dim=-1) -> Tensor",
              expand_trapezoid, .samples = "y=f32[3,5] x=f32[5] | y=f32[3,5] x=f32[3,5] dim=0"),
    EXPAND_FN("aten::cumulative_trapezoid.dx(Tensor y, *, Scalar dx=1, int dim=-1) -> Tensor",
              expand_trapezoid, .samples = "y=f32[3,5] | y=f32[3,5] dx=0.5 dim=0"),
    EXPAND_FN("aten::vander(Tensor x, int? N=None, bool increasing=False) -> Tensor",
              expand_plain_vander,
              .samples = "x=f32[3] | x=f32[4] N=2 increasing=true | x=i32[3] N=5 | x=f64[3] N=1 | "
                         "x=f32[3] N=0 | x=bool[3] | ! x=f32[2,3]"),
    EXPAND_FN("aten::linalg_vander(Tensor x, *, SymInt? N=None) -> Tensor", expand_vander,
              .samples = "x=f32[3] | x=f32[2,3] N=5 | x=i64[3] N=2 | x=u8[3] | x=f64[] N=3 | "
                         "! x=f32[3] N=1 | ! x=bool[3]"),
    {.schema = "aten::_logcumsumexp(Tensor self, int dim) -> Tensor",
     .kind = OP_COMPOSITE,
     .expand = "return aten.logcumsumexp.default(%self, %dim)",
     .samples = "self=f32[3,5] dim=1"},
    {0},
};
