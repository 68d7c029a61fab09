/* QR factorizations, their reflections, and least squares, in calls of linalg_calls.c. */
#include "ir/ops/linalg.h"
#include "ir/ops/rows.h"

#include <string.h>

/* ---- QR -------------------------------------------------------------------------------------- */

static Node *geqrf(Build *b, Value *a)
{
    return b->error ? NULL : BUILD_NODE(b, "aotc.geqrf", arg_value(a));
}

static Value *orgqr(Build *b, Value *v, Value *tau)
{
    Value *q = b->error ? NULL : BUILD(b, "aotc.orgqr", arg_value(v), arg_value(tau));
    return b->error ? NULL : la_columns(b, q);
}

/* x with k columns: the first ones, or with zeros behind. */
static Error *set_columns(Build *b, Value **x, const Expr *k)
{
    ExprPool   *p = b->graph->ir->exprs;
    const Expr *n = b->error ? k : (*x)->type.sizes[(*x)->type.rank - 1];
    const Expr *pads[2] = {expr_int(p, 0), expr_sub(p, k, n)};
    if (b->error || n == k)
        return b->error;
    if (expr_prove_le(p, k, n))
        *x = la_first(b, *x, 1, k);
    else if (expr_prove_le(p, n, k))
        *x = BUILD(b, "aten.constant_pad_nd.default", arg_value(*x), arg_exprs(b->graph, pads, 2));
    else
        return node_error(b->at, E_UNSUPPORTED, "%s columns as %s",
                          expr_text(b->graph->ir->arena, n), expr_text(b->graph->ir->arena, k));
    return b->error;
}

typedef enum QrMode { QR_REDUCED, QR_COMPLETE, QR_R } QrMode;

static Error *qr(Node *node, Value *a, QrMode mode, Value **results)
{
    Build b = build_at(node);
    TRY(la_check_matrices(node, 1));
    Node *made = geqrf(&b, a);
    if (b.error)
        return b.error;
    int         rank = a->type.rank;
    const Expr *m = a->type.sizes[rank - 2];
    const Expr *k = expr_min(shape_pool(node), m, a->type.sizes[rank - 1]);
    Value      *v = made->results[0];
    Value      *r = mode == QR_COMPLETE ? v : la_first(&b, v, 2, k);
    r = b.error ? NULL : BUILD(&b, "aten.triu.default", arg_value(r));
    results[1] = b.error ? NULL : la_columns(&b, r);
    if (mode == QR_R) {
        int64_t none = 0;
        results[0] = b.error ? NULL
                             : BUILD(&b, "aten.zeros.default", arg_ints(b.graph, &none, 1),
                                     arg_dtype(a->type.dtype));
        return b.error;
    }
    TRY(set_columns(&b, &v, mode == QR_COMPLETE ? m : k));
    results[0] = orgqr(&b, v, made->results[1]);
    return b.error;
}

static Error *expand_qr(Node *node, Value **results)
{
    const char *mode = node_arg(node, "mode")->string;
    if (strcmp(mode, "reduced") && strcmp(mode, "complete") && strcmp(mode, "r"))
        return node_error(node, E_VALUE, "mode '%s'", mode);
    return qr(node, node_tensor(node, "A"),
              !strcmp(mode, "r")         ? QR_R
              : !strcmp(mode, "reduced") ? QR_REDUCED
                                         : QR_COMPLETE,
              results);
}

static Error *expand_old_qr(Node *node, Value **results)
{
    return qr(node, node_tensor(node, "self"), node_bool(node, "some") ? QR_REDUCED : QR_COMPLETE,
              results);
}

static Error *expand_geqrf(Node *node, Value **results)
{
    Build b = build_at(node);
    TRY(la_check_matrices(node, 1));
    Node *made = geqrf(&b, node_tensor(node, "self"));
    if (b.error)
        return b.error;
    results[0] = la_columns(&b, made->results[0]);
    results[1] = made->results[1];
    return b.error;
}

static Error *expand_orgqr(Node *node, Value **results)
{
    Build b = build_at(node);
    TRY(la_check_matrices(node, 1));
    results[0] = orgqr(&b, node->args[0].value, node->args[1].value);
    return b.error;
}

/* C op(Q) is the adjoint of op(Q)^H C^H. */
static Error *expand_ormqr(Node *node, Value **results)
{
    Build  b = build_at(node);
    bool   left = node_bool(node, "left"), adjoint = node_bool(node, "transpose");
    Value *v = node->args[0].value, *tau = node->args[1].value, *c = node->args[2].value;
    if (v->type.rank < 2 || c->type.rank < 2)
        return node_error(node, E_VALUE, "operands of rank %d and %d", v->type.rank, c->type.rank);
    c = left ? c : la_adjoint(&b, c);
    if (b.error)
        return b.error;
    c = BUILD(&b, "aotc.ormqr", arg_value(v), arg_value(tau), arg_value(c),
              arg_bool(b.graph, adjoint != !left));
    c = left ? c : la_adjoint(&b, c);
    results[0] = b.error ? NULL : la_columns(&b, c);
    return b.error;
}

/* ---- least squares --------------------------------------------------------------------------- */

/* The LAPACK routine that the user chose. */
typedef enum Driver { GELSY, GELS, BY_SINGULAR_VALUES } Driver;

/* rcond as given, or eps max(m, n); gels takes no notice of it. */
static Value *rcond_of(Build *b, const Node *node, const Value *a, Driver driver)
{
    const Arg *given = node_arg(node, "rcond");
    if (driver != GELS && given->kind == ARG_NONE)
        return la_default_rcond(b, a);
    return BUILD(b, "aten.full.default", arg_list(NULL, 0), driver == GELS ? arg_float(0) : *given,
                 arg_dtype(DT_F64));
}

static Value *none_of(Build *b, DType dtype)
{
    int64_t none = 0;
    return b->error
               ? NULL
               : BUILD(b, "aten.zeros.default", arg_ints(b->graph, &none, 1), arg_dtype(dtype));
}

static DType real_of(DType dtype)
{
    return dtype == DT_C64 ? DT_F32 : dtype == DT_C128 ? DT_F64 : dtype;
}

/* gels takes full rank for granted, and gives zeros for a matrix of zeros. */
static void check_rank(Build *b, Value *rank, const Value *a)
{
    ExprPool   *p = b->graph->ir->exprs;
    int         r = a->type.rank;
    const Expr *full = expr_min(p, a->type.sizes[r - 2], a->type.sizes[r - 1]);
    Value      *next =
        b->error ? NULL : BUILD(b, "aten.add.Scalar", arg_value(rank), arg_int(b->graph, 1));
    Value *is_less = b->error ? NULL : BUILD(b, "aten.lt.Scalar", arg_value(rank), arg_expr(full));
    Value *some =
        b->error ? NULL : BUILD(b, "aten.gt.Scalar", arg_value(rank), arg_int(b->graph, 0));
    is_less =
        b->error ? NULL : BUILD(b, "aten.logical_and.default", arg_value(is_less), arg_value(some));
    Value *info = b->error ? NULL
                           : BUILD(b, "aten.where.ScalarOther", arg_value(is_less), arg_value(next),
                                   arg_int(b->graph, 0));
    info = b->error ? NULL : build_cast(b, info, DT_I32);
    la_check(b, info, "torch.linalg.lstsq", r == 2);
}

/* Sums over rows of |a y - x|^2. */
static Value *residuals_of(Build *b, Value *a, Value *y, Value *x)
{
    int64_t rows = -2;
    Value  *off =
        build_binary(b, "aten.sub.Tensor", build_binary(b, "aten.matmul.default", a, y), x);
    off = build_unary(b, "aten.abs.default", off);
    off = build_binary(b, "aten.mul.Tensor", off, off);
    return b->error
               ? NULL
               : BUILD(b, "aten.sum.dim_IntList", arg_value(off), arg_ints(b->graph, &rows, 1));
}

/* Eager PyTorch leaves residuals out where a rank is not full: their size would depend on data, and
 * the export has decided for it. */
static void check_residuals(Build *b, Node *node, Value *rank, const Value *a)
{
    graph_count_uses(node->graph);
    if (node->n_results > 1 && node->results[1]->kind == VALUE_TENSOR && node->results[1]->n_uses)
        check_rank(b, rank, a);
}

static Error *solve_by_svd(Build *b, Node *node, Value *a, Value *x, bool over, Value **results)
{
    LeastSquares found;
    la_lstsq_svd(b, a, x, rcond_of(b, node, a, BY_SINGULAR_VALUES), &found);
    results[0] = found.solution;
    results[1] = over ? residuals_of(b, a, found.solution, x) : none_of(b, real_of(a->type.dtype));
    results[2] = found.rank;
    results[3] = found.singular_values;
    if (over)
        check_residuals(b, node, found.rank, a);
    return b->error;
}

static Error *solve_by_qr(Build *b, Node *node, Value *a, Value *x, Driver driver, bool over,
                          Value **results)
{
    DType  real = real_of(a->type.dtype);
    Value *rcond = rcond_of(b, node, a, driver);
    Node  *made =
        b->error ? NULL : BUILD_NODE(b, "aotc.lstsq", arg_value(a), arg_value(x), arg_value(rcond));
    if (b->error)
        return b->error;
    results[0] = made->results[0];
    results[1] = over && driver == GELS ? made->results[1] : none_of(b, real);
    results[2] = driver == GELSY ? made->results[2] : none_of(b, DT_I64);
    results[3] = none_of(b, real);
    if (driver == GELS)
        check_rank(b, made->results[2], a);
    return b->error;
}

static Error *solve_lstsq(Build *b, Node *node, Driver driver, Value **results)
{
    Value *a = node_tensor(node, "self"), *x = node_tensor(node, "b");
    bool   vector = la_is_vector(b, a, x);
    if (a->type.rank < 2 || x->type.rank < (vector ? 1 : 2))
        return node_error(node, E_VALUE, "operands of rank %d and %d", a->type.rank, x->type.rank);
    x = vector ? build_unsqueeze(b, x, x->type.rank) : x;
    la_broadcast_batch(b, node, &a, &x);
    if (b->error)
        return b->error;
    const Expr *m = a->type.sizes[a->type.rank - 2], *n = a->type.sizes[a->type.rank - 1];
    bool        over = expr_prove_lt(shape_pool(node), n, m);
    if (!over && !expr_prove_le(shape_pool(node), m, n))
        return node_error(node, E_UNSUPPORTED, "least squares of %s rows and %s columns",
                          expr_text(b->graph->ir->arena, m), expr_text(b->graph->ir->arena, n));
    TRY(driver == BY_SINGULAR_VALUES ? solve_by_svd(b, node, a, x, over, results)
                                     : solve_by_qr(b, node, a, x, driver, over, results));
    /* eager gives the first rows of what held the right-hand sides */
    Value *solution = la_columns_of(b, results[0], expr_max(shape_pool(node), m, n));
    results[0] = vector ? build_squeeze(b, solution, solution->type.rank - 1) : solution;
    return b->error;
}

static Error *expand_lstsq(Node *node, Value **results)
{
    static const struct {
        const char *name;
        Driver      driver;
    } drivers[] = {{"gelsy", GELSY},
                   {"gels", GELS},
                   {"gelsd", BY_SINGULAR_VALUES},
                   {"gelss", BY_SINGULAR_VALUES}};
    Build      b = build_at(node);
    const Arg *name = node_arg(node, "driver");
    if (name->kind != ARG_STRING)
        return solve_lstsq(&b, node, GELSY, results);
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++)
        if (!strcmp(name->string, drivers[i].name))
            return solve_lstsq(&b, node, drivers[i].driver, results);
    return node_error(node, E_VALUE, "%s with driver '%s'", node->schema->name, name->string);
}

const OpDesc linalg_qr_ops[] = {
    EXPAND_FN("aten::linalg_qr(Tensor A, str mode=\"reduced\") -> (Tensor Q, Tensor R)", expand_qr,
              .samples = "A=f32[3,3] | A=f64[2,5,3] | A=f32[3,5] mode='complete' | A=f64[5,3] "
                         "mode='complete' | A=f32[4,2] mode='r' | A=f32[0,3] | A=f32[3,0] "
                         "mode='complete' | ! A=f32[3] | ! A=f32[2,2] mode='full'"),
    EXPAND_FN("aten::qr(Tensor self, bool some=True) -> (Tensor Q, Tensor R)", expand_old_qr,
              .samples = "self=f32[4,3] | self=f32[4,3] some=false"),
    EXPAND_FN("aten::geqrf(Tensor self) -> (Tensor a, Tensor tau)", expand_geqrf,
              .samples = "self=f32[3,3] | self=f64[2,4,3] | self=f32[2,5] | self=f32[0,2]"),
    EXPAND_FN("aten::linalg_householder_product(Tensor input, Tensor tau) -> Tensor", expand_orgqr,
              .samples = "input=f32[4,3] tau=f32[2]@1..2 | input=f64[2,3,3] tau=f64[2,3]@1..2 | ! "
                         "input=f32[3,4] tau=f32[3] | ! input=f32[4,3] tau=f32[4]"),
    EXPAND_FN("aten::orgqr(Tensor self, Tensor input2) -> Tensor", expand_orgqr,
              .samples = "self=f32[4,3] input2=f32[3]@1..2"),
    EXPAND_FN("aten::ormqr(Tensor self, Tensor input2, Tensor input3, bool left=True, bool "
              "transpose=False) -> Tensor",
              expand_ormqr,
              .samples = "self=f32[4,3] input2=f32[3]@1..2 input3=f32[4,2] | self=f64[2,4,3] "
                         "input2=f64[2,3]@1..2 input3=f64[2,2,4] left=false | self=f32[4,3] "
                         "input2=f32[3]@1..2 input3=f32[4,2] transpose=true"),
    EXPAND_FN("aten::linalg_lstsq(Tensor self, Tensor b, float? rcond=None, *, str? driver=None) "
              "-> (Tensor solution, Tensor residuals, Tensor rank, Tensor singular_values)",
              expand_lstsq,
              .samples = "self=f32[4,3] b=f32[4,2] | self=f64[2,3,4] b=f64[2,3,2] | self=f32[4,3] "
                         "b=f32[4,2] driver='gels' | self=f64[2,4,3] b=f64[2,4] driver='gels' | "
                         "self=f64[4,3]@[1,2,3,2,4,6,0,1,1] b=f64[4,2] | self=f32[3,5] b=f32[3,1] "
                         "driver='gels' | ^ self=f64[4,3]@[1,2,3,2,4,6,0,1,1] b=f64[4,2] "
                         "rcond=0.0001 driver='gelsd' | self=f32[2,4,3] b=f32[2,4,2] "
                         "driver='gelsd' | self=f64[2,3,4] b=f64[2,3,2] driver='gelss' | "
                         "! self=f32[4,3] b=f32[3,2] "
                         "| ! self=f32[4,2]@[0,1] b=f32[4,1] driver='gels'"),
    {0},
};
