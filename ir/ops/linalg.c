/* Linear algebra of ATen: Cholesky, LU, QR and what is said with them, in calls of linalg_calls.c.
 *
 *   aten.linalg_cholesky_ex.default(%a, upper=true)   becomes   %l, %info = aotc.cholesky(%a^H);
 *                                                               %l^H, %info
 *
 * Expansions are the same for real and for complex tensors: passes/complexify.c comes after. */
#include "ir/ops/linalg.h"
#include "ir/ops/rows.h"

#include <math.h>
#include <string.h>

/* ---- helpers --------------------------------------------------------------------------------- */

bool la_is_complex(const Value *value)
{
    return dtype_info(value->type.dtype)->is_complex;
}

Value *la_columns(Build *b, Value *value)
{
    return b->error ? NULL : la_columns_of(b, value, value->type.sizes[value->type.rank - 2]);
}

Value *la_columns_of(Build *b, Value *value, const Expr *rows)
{
    if (b->error)
        return NULL;
    Ir         *ir = b->graph->ir;
    ExprPool   *p = ir->exprs;
    const Expr *strides[MAX_RANK], *step = expr_int(p, 1), *one = step;
    int         m = value->type.rank - 2;
    bool        same = true;
    for (int i = m + 1; i >= 0; i--) {
        int d = i < m ? i : 2 * m + 1 - i; /* rows before columns */
        strides[d] = step;
        step = expr_mul(p, step, expr_max(p, d == m ? rows : value->type.sizes[d], one));
        same &= strides[d] == value->type.strides[d];
    }
    if (same)
        return value;
    if (value->def && value->def->op && value->def->op->kind == OP_VIEW)
        value = BUILD(b, "aten.clone.default", arg_value(value));
    if (!b->error)
        value->type = tensor_type_strided(ir, value->type.dtype, value->type.sizes, strides, m + 2);
    return value;
}

Value *la_transpose(Build *b, Value *value)
{
    return b->error ? NULL : build_transpose(b, value, value->type.rank - 2, value->type.rank - 1);
}

Value *la_adjoint(Build *b, Value *value)
{
    Value *t = la_transpose(b, value);
    return b->error || !la_is_complex(t) ? t : BUILD(b, "aten.conj_physical.default", arg_value(t));
}

void la_broadcast_batch(Build *b, const Node *node, Value **x, Value **y)
{
    const Expr *batch[MAX_RANK];
    int         n;
    if (b->error)
        return;
    const TensorType *s = &(*x)->type, *t = &(*y)->type;
    b->error = shape_broadcast(node, s->sizes, s->rank - 2, t->sizes, t->rank - 2, batch, &n);
    for (int i = 0; i < 2 && !b->error; i++) {
        Value     **v = i ? y : x;
        const Expr *sizes[MAX_RANK];
        memcpy(sizes, batch, sizeof *sizes * (size_t)n);
        memcpy(sizes + n, (*v)->type.sizes + (*v)->type.rank - 2, sizeof *sizes * 2);
        *v = build_expand_to(b, *v, sizes, n + 2);
    }
}

/* The first n tensor arguments are (batches of) matrices of one dtype. */
Error *la_check_matrices(const Node *node, int n)
{
    const TensorType *first = NULL;
    for (int i = 0; i < node->n_args && n; i++) {
        if (node->args[i].kind != ARG_VALUE)
            continue;
        const TensorType *t = &node->args[i].value->type;
        n--;
        if (t->rank < 2)
            return node_error(node, E_VALUE, "a tensor of rank %d is no matrix", t->rank);
        if (first && t->dtype != first->dtype)
            return node_error(node, E_VALUE, "matrices of dtype %s and %s",
                              dtype_name(first->dtype), dtype_name(t->dtype));
        first = t;
    }
    return NULL;
}

/* ---- errors ---------------------------------------------------------------------------------- */

void la_check(Build *b, Value *info, const char *api_name, bool is_matrix)
{
    if (!b->error)
        BUILD_NODE(b, "aten._linalg_check_errors.default", arg_value(info), arg_text(api_name),
                   arg_bool(b->graph, is_matrix));
}

static Error *expand_check_errors(Node *node, Value **results)
{
    Build       b = build_at(node);
    const Expr *all = shape_int(node, -1);
    Value      *flat = build_reshape(&b, node_tensor(node, "info"), &all, 1);
    Value      *first =
        b.error ? NULL
                     : BUILD(&b, "aotc.first_info", arg_value(flat), *node_arg(node, "is_matrix"));
    if (!b.error)
        BUILD_NODE(&b, "aotc.assert_info", arg_value(first), *node_arg(node, "api_name"));
    (void)results;
    return b.error;
}

static bool checks(const Node *node)
{
    return node_bool(node, "check_errors");
}

/* ---- Cholesky -------------------------------------------------------------------------------- */

static Node *cholesky(Build *b, Value *a, bool upper, Value **l)
{
    Value *lower = upper ? la_adjoint(b, a) : a;
    Node  *made = b->error ? NULL : BUILD_NODE(b, "aotc.cholesky", arg_value(lower));
    if (b->error)
        return NULL;
    *l = la_columns(b, upper ? la_adjoint(b, made->results[0]) : made->results[0]);
    return made;
}

static Error *expand_cholesky_ex(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *a = node_tensor(node, "self");
    Node  *made = cholesky(&b, a, node_bool(node, "upper"), &results[0]);
    if (b.error)
        return b.error;
    results[1] = made->results[1];
    if (checks(node))
        la_check(&b, results[1], "linalg.cholesky_ex", a->type.rank == 2);
    return b.error;
}

static Error *expand_cholesky(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *a = node_tensor(node, "self");
    Node  *made = cholesky(&b, a, node_bool(node, "upper"), &results[0]);
    if (!b.error)
        la_check(&b, made->results[1],
                 strcmp(node->schema->base, "cholesky") ? "linalg.cholesky" : "cholesky",
                 a->type.rank == 2);
    return b.error;
}

static Value *triangular(Build *b, Value *a, Value *x, bool upper, bool unit, bool adjoint)
{
    Graph *g = b->graph;
    return b->error ? NULL
                    : BUILD(b, "aotc.triangular", arg_value(a), arg_value(x), arg_bool(g, upper),
                            arg_bool(g, unit), arg_bool(g, adjoint));
}

/* With the factor of A = L L^H or U^H U. */
static Value *with_cholesky(Build *b, Value *factor, Value *x, bool upper)
{
    Value *half = triangular(b, factor, x, upper, false, upper);
    Value *whole = triangular(b, factor, half, upper, false, !upper);
    return b->error ? NULL : la_columns(b, whole);
}

static Error *expand_cholesky_solve(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *x = node_tensor(node, "self"),
          *a = node_tensor(node, schema_param(node->schema, "A") >= 0 ? "A" : "input2");
    TRY(la_check_matrices(node, 2));
    la_broadcast_batch(&b, node, &a, &x);
    results[0] = with_cholesky(&b, a, x, node_bool(node, "upper"));
    return b.error;
}

Value *la_eye(Build *b, const Value *like)
{
    const TensorType *t = &like->type;
    if (b->error)
        return NULL;
    Value *one = BUILD(b, "aten.eye.default", arg_expr(t->sizes[t->rank - 1]), arg_dtype(t->dtype));
    return b->error ? NULL : build_expand_to(b, one, t->sizes, t->rank);
}

/* Place of the first zero of a diagonal, from 1 on; 0 where there is none. */
static Value *zero_of_diagonal(Build *b, Value *a)
{
    Graph  *g = b->graph;
    Value  *d = b->error ? NULL
                         : BUILD(b, "aten.diagonal.default", arg_value(a), arg_int(g, 0),
                                 arg_int(g, -2), arg_int(g, -1));
    Value  *n = b->error ? NULL
                         : BUILD(b, "aten.arange.start", arg_int(g, 1),
                                 arg_expr(expr_add(g->ir->exprs, a->type.sizes[a->type.rank - 1],
                                                   expr_int(g->ir->exprs, 1))));
    Value  *is_zero = b->error ? NULL : BUILD(b, "aten.eq.Scalar", arg_value(d), arg_int(g, 0));
    Value  *big = b->error ? NULL
                           : BUILD(b, "aten.where.ScalarOther", arg_value(is_zero), arg_value(n),
                                   arg_int(g, INT32_MAX));
    int64_t last = -1;
    Value  *first =
        b->error ? NULL : BUILD(b, "aten.amin.default", arg_value(big), arg_ints(g, &last, 1));
    Value *none =
        b->error ? NULL : BUILD(b, "aten.eq.Scalar", arg_value(first), arg_int(g, INT32_MAX));
    Value *place = b->error ? NULL
                            : BUILD(b, "aten.where.ScalarSelf", arg_value(none), arg_int(g, 0),
                                    arg_value(first));
    return b->error ? NULL : build_cast(b, place, DT_I32);
}

static Error *expand_cholesky_inverse(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *a = node_tensor(node, "self");
    TRY(la_check_matrices(node, 1));
    results[0] = with_cholesky(&b, a, la_eye(&b, a), node_bool(node, "upper"));
    if (!b.error && !expr_is_value(a->type.sizes[a->type.rank - 1], 0))
        la_check(&b, zero_of_diagonal(&b, a), "cholesky_inverse", a->type.rank == 2);
    return b.error;
}

/* ---- triangles ------------------------------------------------------------------------------- */

static Error *expand_solve_triangular(Node *node, Value **results)
{
    Build  b = build_at(node);
    bool   left = node_bool(node, "left"), upper = node_bool(node, "upper");
    bool   unit = node_bool(node, "unitriangular");
    Value *a = node_tensor(node, "self"), *x = node_tensor(node, "B");
    TRY(la_check_matrices(node, 2));
    la_broadcast_batch(&b, node, &a, &x);
    if (left) /* X A = B is A^H X^H = B^H */
        x = triangular(&b, a, x, upper, unit, false);
    else
        x = la_adjoint(&b, triangular(&b, a, la_adjoint(&b, x), upper, unit, true));
    results[0] = la_columns(&b, x);
    return b.error;
}

static Error *expand_triangular_solve(Node *node, Value **results)
{
    Build  b = build_at(node);
    bool   turned = node_bool(node, "transpose");
    Value *x = node_tensor(node, "self"), *a = node_tensor(node, "A");
    TRY(la_check_matrices(node, 2));
    la_broadcast_batch(&b, node, &a, &x);
    Value *same = a;
    if (!b.error && turned && la_is_complex(a)) /* A^T is the adjoint of the conjugate */
        a = BUILD(&b, "aten.conj_physical.default", arg_value(a));
    results[0] = la_columns(&b, triangular(&b, a, x, node_bool(node, "upper"),
                                           node_bool(node, "unitriangular"), turned));
    if (!b.error)
        results[1] = la_columns(&b, BUILD(&b, "aten.clone.default", arg_value(same)));
    return b.error;
}

/* ---- LU -------------------------------------------------------------------------------------- */

static Node *lu(Build *b, Value *a)
{
    return b->error ? NULL : BUILD_NODE(b, "aotc.lu", arg_value(a));
}

static Error *refuse_no_pivot(const Node *node)
{
    return node_bool(node, "pivot")
               ? NULL
               : node_error(node, E_UNSUPPORTED,
                            "%s: LU without pivoting is not implemented on the CPU",
                            node->schema->name);
}

static Error *expand_lu_factor(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *a = node->args[0].value;
    bool   checks_always = schema_param(node->schema, "check_errors") < 0;
    TRY(refuse_no_pivot(node));
    Node *made = lu(&b, a);
    if (b.error)
        return b.error;
    for (int i = 0; i < node->n_results; i++)
        results[i] = made->results[i];
    results[0] = la_columns(&b, results[0]);
    bool is_old = !strcmp(node->schema->base, "_lu_with_info"); /* whatever check_errors says */
    if (!is_old && (checks_always || checks(node)))
        la_check(&b, made->results[2],
                 checks_always ? "torch.linalg.lu_factor" : "torch.linalg.lu_factor_ex",
                 a->type.rank == 2);
    return b.error;
}

static Value *none_of(Build *b, DType dtype)
{
    int64_t zero = 0;
    return b->error
               ? NULL
               : BUILD(b, "aten.zeros.default", arg_ints(b->graph, &zero, 1), arg_dtype(dtype));
}

/* P with P[order[j], j] = 1 */
static Value *permutation_matrix(Build *b, Value *pivots, const Expr *rows, DType dtype)
{
    Value *order =
        b->error ? NULL : BUILD(b, "aotc.permutation", arg_value(pivots), arg_expr(rows));
    Value *n = b->error ? NULL : BUILD(b, "aten.arange.default", arg_expr(rows));
    if (b->error)
        return NULL;
    n = build_unsqueeze(b, n, 1);
    order = build_unsqueeze(b, order, order->type.rank - 1);
    Value *is_one = b->error ? NULL : BUILD(b, "aten.eq.Tensor", arg_value(order), arg_value(n));
    return b->error ? NULL : build_cast(b, is_one, dtype);
}

/* The first k of a dim; all of it where k is its size. */
Value *la_first(Build *b, Value *x, int from_end, const Expr *k)
{
    int dim = b->error ? 0 : x->type.rank - from_end;
    return b->error || x->type.sizes[dim] == k
               ? x
               : build_slice(b, x, dim, expr_int(b->graph->ir->exprs, 0), k);
}

static void unpack(Build *b, Value *lu, Value **l, Value **u)
{
    ExprPool   *p = b->graph->ir->exprs;
    int         rank = lu->type.rank;
    const Expr *m = lu->type.sizes[rank - 2], *k = expr_min(p, m, lu->type.sizes[rank - 1]);
    Value      *below = la_first(b, lu, 1, k), *above = la_first(b, lu, 2, k);
    if (b->error)
        return;
    Value *one = BUILD(b, "aten.eye.m", arg_expr(m), arg_expr(k), arg_dtype(lu->type.dtype));
    below =
        b->error ? NULL : BUILD(b, "aten.tril.default", arg_value(below), arg_int(b->graph, -1));
    *l = b->error ? NULL : BUILD(b, "aten.add.Tensor", arg_value(below), arg_value(one));
    *u = b->error ? NULL : BUILD(b, "aten.triu.default", arg_value(above));
}

static Error *expand_lu(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *a = node_tensor(node, "A");
    TRY(refuse_no_pivot(node));
    Node *made = lu(&b, a);
    if (b.error)
        return b.error;
    unpack(&b, made->results[0], &results[1], &results[2]);
    results[0] =
        permutation_matrix(&b, made->results[1], a->type.sizes[a->type.rank - 2], a->type.dtype);
    return b.error;
}

static Error *expand_lu_unpack(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *a = node_tensor(node, "LU_data"), *pivots = node_tensor(node, "LU_pivots");
    TRY(la_check_matrices(node, 1));
    for (int i = 0; i < 3; i++)
        results[i] = NULL;
    if (node_bool(node, "unpack_data"))
        unpack(&b, a, &results[1], &results[2]);
    if (node_bool(node, "unpack_pivots"))
        results[0] = permutation_matrix(&b, pivots, a->type.sizes[a->type.rank - 2], a->type.dtype);
    for (int i = 0; i < 3 && !b.error; i++)
        if (!results[i])
            results[i] = none_of(&b, a->type.dtype);
    return b.error;
}

/* A X = B or X A = B (of the adjoint of A) with the factors of A; all with one batch after it. */
static Value *with_lu(Build *b, const Node *node, Value *lu, Value *pivots, Value *x, bool left,
                      bool adjoint)
{
    const Expr *sizes[MAX_RANK];
    la_broadcast_batch(b, node, &lu, &x);
    if (b->error)
        return NULL;
    int n = lu->type.rank - 2;
    memcpy(sizes, lu->type.sizes, sizeof *sizes * (size_t)(n + 1));
    pivots = build_expand_to(b, pivots, sizes, n + 1);
    x = left ? x : la_adjoint(b, x);
    if (b->error)
        return NULL;
    x = BUILD(b, "aotc.lu_solve", arg_value(lu), arg_value(x), arg_value(pivots),
              arg_bool(b->graph, adjoint != !left));
    x = b->error ? NULL : la_columns(b, x);
    return left ? x : la_adjoint(b, x);
}

static Error *expand_lu_solve(Node *node, Value **results)
{
    Build b = build_at(node);
    bool  is_old = schema_param(node->schema, "LU_data") >= 0;
    TRY(la_check_matrices(node, is_old ? 2 : 1));
    results[0] =
        is_old
            ? with_lu(&b, node, node_tensor(node, "LU_data"), node_tensor(node, "LU_pivots"),
                      node_tensor(node, "self"), true, false)
            : with_lu(&b, node, node_tensor(node, "LU"), node_tensor(node, "pivots"),
                      node_tensor(node, "B"), node_bool(node, "left"), node_bool(node, "adjoint"));
    return b.error;
}

/* ---- systems --------------------------------------------------------------------------------- */

/* Eager factors the transpose of what is contiguous and real, and says so in the LU it gives. */
static bool is_turned(const Build *b, const Value *a)
{
    return !la_is_complex(a) && tensor_is_contiguous(b->graph->ir, &a->type);
}

/* torch._linalg_utils: the right-hand side is a vector for each matrix. */
bool la_is_vector(const Build *b, const Value *a, const Value *x)
{
    if (x->type.rank == 1)
        return true;
    if (x->type.rank != a->type.rank - 1)
        return false;
    for (int d = 0; d < x->type.rank; d++)
        if (!shape_same(b->graph->ir->exprs, x->type.sizes[d], a->type.sizes[d]))
            return false;
    return true;
}

/* results: X, LU, pivots, info */
static Error *solve(Build *b, const Node *node, bool left, Value **results)
{
    Value *a = node_tensor(node, "A"), *x = node_tensor(node, "B");
    bool   turned = is_turned(b, a), vector = la_is_vector(b, a, x);
    if (a->type.rank < 2 || x->type.rank < (vector ? 1 : 2))
        return node_error(node, E_VALUE, "A of rank %d, B of rank %d", a->type.rank, x->type.rank);
    if (vector && !left)
        return node_error(node, E_VALUE, "a vector B with left=false");
    Node *made = lu(b, turned ? la_transpose(b, a) : a);
    if (b->error)
        return b->error;
    x = vector ? build_unsqueeze(b, x, x->type.rank) : x;
    x = with_lu(b, node, made->results[0], made->results[1], x, left, turned);
    if (vector && !b->error) {
        x = build_squeeze(b, x, x->type.rank - 1);
        x = !b->error && x->type.rank > 1 ? la_columns(b, x) : x; /* as if it were a matrix */
    }
    results[0] = x;
    results[1] = b->error ? NULL : la_columns(b, made->results[0]);
    results[2] = made->results[1];
    results[3] = made->results[2];
    return b->error;
}

/* linalg_solve(_ex), _linalg_solve_ex: one to four of the results. */
static Error *expand_solve(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *all[4];
    int    n = node->n_results;
    bool   is_ex = schema_param(node->schema, "check_errors") >= 0;
    TRY(solve(&b, node, node_bool(node, "left"), all));
    for (int i = 0; i < n; i++)
        results[i] = n == 2 && i == 1 ? all[3] : all[i];
    if (!is_ex || checks(node))
        la_check(&b, all[3], is_ex ? "torch.linalg.solve_ex" : "torch.linalg.solve",
                 node_tensor(node, "A")->type.rank == 2);
    return b.error;
}

Value *la_inverse(Build *b, const Node *node, Value *a, Value **info)
{
    Node *made = lu(b, a);
    if (b->error)
        return NULL;
    *info = made->results[2];
    return with_lu(b, node, made->results[0], made->results[1], la_eye(b, a), true, false);
}

static Error *expand_inverse(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *a = node->args[0].value, *info;
    bool   is_ex = node->n_results == 2;
    TRY(la_check_matrices(node, 1));
    results[0] = la_inverse(&b, node, a, &info);
    if (b.error)
        return b.error;
    if (is_ex)
        results[1] = info;
    if (!is_ex || checks(node))
        la_check(&b, info, is_ex ? "linalg.inv_ex" : "linalg.inv", a->type.rank == 2);
    return b.error;
}

/* ---- determinants ---------------------------------------------------------------------------- */

/* made: of aotc.lu_det */
static Error *determinant(Build *b, Value *a, Node **factors, Node **made)
{
    *factors = lu(b, is_turned(b, a) ? la_transpose(b, a) : a);
    if (b->error)
        return b->error;
    *made = BUILD_NODE(b, "aotc.lu_det", arg_value((*factors)->results[0]),
                       arg_value((*factors)->results[1]));
    return b->error;
}

/* det, linalg_det; _linalg_det gives the factors, too. */
static Error *expand_det(Node *node, Value **results)
{
    Build b = build_at(node);
    Node *factors, *made;
    TRY(la_check_matrices(node, 1));
    TRY(determinant(&b, node->args[0].value, &factors, &made));
    results[0] = made->results[0];
    if (node->n_results > 1) {
        results[1] = la_columns(&b, factors->results[0]);
        results[2] = factors->results[1];
    }
    return b.error;
}

static Error *expand_slogdet(Node *node, Value **results)
{
    Build b = build_at(node);
    Node *factors, *made;
    TRY(la_check_matrices(node, 1));
    TRY(determinant(&b, node->args[0].value, &factors, &made));
    results[0] = made->results[1];
    results[1] = made->results[2];
    if (node->n_results > 2) {
        results[2] = la_columns(&b, factors->results[0]);
        results[3] = factors->results[1];
    }
    return b.error;
}

/* NaN where a real determinant is negative. */
static Error *expand_logdet(Node *node, Value **results)
{
    Build b = build_at(node);
    Node *factors, *made;
    TRY(la_check_matrices(node, 1));
    TRY(determinant(&b, node->args[0].value, &factors, &made));
    Value *sign = made->results[1], *log_abs = made->results[2];
    if (la_is_complex(sign)) {
        sign = BUILD(&b, "aten.log.default", arg_value(sign));
        if (!b.error)
            results[0] = BUILD(&b, "aten.add.Tensor", arg_value(sign), arg_value(log_abs));
        return b.error;
    }
    Value *is_negative = BUILD(&b, "aten.lt.Scalar", arg_value(sign), arg_int(b.graph, 0));
    if (!b.error)
        results[0] = BUILD(&b, "aten.where.ScalarSelf", arg_value(is_negative), arg_float(NAN),
                           arg_value(log_abs));
    return b.error;
}

const OpDesc linalg_ops[] = {
    EXPAND_FN(
        "aten::_linalg_check_errors(Tensor info, str api_name, *, bool is_matrix) -> ()",
        expand_check_errors,
        .samples =
            "info=i32[]@[0] api_name='linalg.inv' is_matrix=true | info=i32[3]@[0] "
            "api_name='linalg.inv' is_matrix=false | ! info=i32[]@[2] api_name='linalg.inv' "
            "is_matrix=true | ! info=i32[3]@[0,0,3] api_name='linalg.cholesky' is_matrix=false"),
    EXPAND_FN("aten::linalg_cholesky_ex(Tensor self, *, bool upper=False, bool check_errors=False) "
              "-> (Tensor L, Tensor info)",
              expand_cholesky_ex,
              .samples = "self=f32[3,3]@definite | self=f64[2,4,4]@definite upper=true | "
                         "self=f32[0,0] | self=f32[2,2]@[1,2,2,1] | ! self=f32[2,2]@[1,2,2,1] "
                         "check_errors=true | ! self=f32[2,3] | ! self=i64[2,2]"),
    EXPAND_FN("aten::linalg_cholesky(Tensor self, *, bool upper=False) -> Tensor", expand_cholesky,
              .samples = "self=f32[3,3]@definite | self=f64[2,4,4]@definite upper=true | ! "
                         "self=f32[2,2]@[1,2,2,1]"),
    EXPAND_FN("aten::cholesky(Tensor self, bool upper=False) -> Tensor", expand_cholesky,
              .samples = "self=f32[3,3]@definite upper=true | ! self=f32[1,1]@[-1]"),
    EXPAND_FN(
        "aten::cholesky_solve(Tensor self, Tensor input2, bool upper=False) -> Tensor",
        expand_cholesky_solve,
        .samples =
            "self=f32[3,2] input2=f32[3,3]@1..3 | self=f64[3,2] input2=f64[2,3,3]@1..3 upper=true"),
    EXPAND_FN("aten::_cholesky_solve_helper(Tensor self, Tensor A, bool upper) -> Tensor",
              expand_cholesky_solve, .samples = "self=f32[3,2] A=f32[3,3]@1..3 upper=false"),
    EXPAND_FN("aten::cholesky_inverse(Tensor self, bool upper=False) -> Tensor",
              expand_cholesky_inverse,
              .samples = "self=f32[3,3]@1..3 | self=f64[2,2,2]@1..3 upper=true | self=f32[0,0] | ! "
                         "self=f32[2,2]@[1,2,3,0]"),
    EXPAND_FN("aten::linalg_solve_triangular(Tensor self, Tensor B, *, bool upper, bool left=True, "
              "bool unitriangular=False) -> Tensor",
              expand_solve_triangular,
              .samples = "self=f32[3,3]@1..3 B=f32[3,2] upper=true | self=f64[2,3,3]@1..3 "
                         "B=f64[4,3] upper=false left=false unitriangular=true | self=f32[0,0] "
                         "B=f32[0,2] upper=true | ! self=f32[3,3] B=f32[2,2] upper=true"),
    EXPAND_FN(
        "aten::triangular_solve(Tensor self, Tensor A, bool upper=True, bool transpose=False, bool "
        "unitriangular=False) -> (Tensor solution, Tensor cloned_coefficient)",
        expand_triangular_solve,
        .samples = "self=f32[3,2] A=f32[3,3]@1..3 | self=f64[3,2] A=f64[2,3,3]@1..3 upper=false "
                   "transpose=true | self=f32[3,2] A=f32[3,3]@1..3 unitriangular=true"),
    EXPAND_FN("aten::_lu_with_info(Tensor self, bool pivot=True, bool check_errors=True) -> "
              "(Tensor LU, Tensor pivots, Tensor info)",
              expand_lu_factor, .samples = "self=f32[3,3] | self=f64[2,3,4] check_errors=false"),
    EXPAND_FN("aten::linalg_lu_factor_ex(Tensor A, *, bool pivot=True, bool check_errors=False) -> "
              "(Tensor LU, Tensor pivots, Tensor info)",
              expand_lu_factor,
              .samples = "A=f32[3,3] | A=f64[2,4,3] | A=f32[3,3]@[0] | A=f32[0,2] | ! A=f32[3] | ! "
                         "A=f32[2,2]@[0] check_errors=true"),
    EXPAND_FN("aten::linalg_lu_factor(Tensor A, *, bool pivot=True) -> (Tensor LU, Tensor pivots)",
              expand_lu_factor, .samples = "A=f32[3,4] | ! A=f32[2,2]@[0]"),
    EXPAND_FN("aten::linalg_lu(Tensor A, *, bool pivot=True) -> (Tensor P, Tensor L, Tensor U)",
              expand_lu, .samples = "A=f32[3,3] | A=f64[2,4,3] | A=f32[3,5] | A=f32[0,2]"),
    EXPAND_FN(
        "aten::lu_unpack(Tensor LU_data, Tensor LU_pivots, bool unpack_data=True, bool "
        "unpack_pivots=True) -> (Tensor P, Tensor L, Tensor U)",
        expand_lu_unpack,
        .samples =
            "LU_data=f32[3,3] LU_pivots=i32[3]@[2,3,3] | LU_data=f64[2,4,2] "
            "LU_pivots=i32[2,2]@[3,4,1,2] | LU_data=f32[2,3] LU_pivots=i32[2]@[2,2] "
            "unpack_data=false | LU_data=f32[2,3] LU_pivots=i32[2]@[2,2] unpack_pivots=false"),
    EXPAND_FN("aten::lu_solve(Tensor self, Tensor LU_data, Tensor LU_pivots) -> Tensor",
              expand_lu_solve,
              .samples = "self=f32[3,2] LU_data=f32[3,3]@1..3 LU_pivots=i32[3]@[2,3,3]"),
    EXPAND_FN("aten::linalg_lu_solve(Tensor LU, Tensor pivots, Tensor B, *, bool left=True, bool "
              "adjoint=False) -> Tensor",
              expand_lu_solve,
              .samples = "LU=f32[3,3]@1..3 pivots=i32[3]@[2,3,3] B=f32[3,2] | LU=f64[2,3,3]@1..3 "
                         "pivots=i32[2,3]@[2,2,3] B=f64[4,3] left=false | LU=f32[3,3]@1..3 "
                         "pivots=i32[3]@[3,3,3] B=f32[2,3,2] adjoint=true | LU=f32[3,3]@1..3 "
                         "pivots=i32[3]@[3,3,3] B=f32[2,3] left=false adjoint=true"),
    EXPAND_FN("aten::_linalg_solve_ex(Tensor A, Tensor B, *, bool left=True, bool "
              "check_errors=False) -> (Tensor result, Tensor LU, Tensor pivots, Tensor info)",
              expand_solve,
              .samples = "A=f32[3,3]@definite B=f32[3,2] | A=f64[2,3,3]@definite B=f64[2,3] | "
                         "A=f32[3,3]{1,3}@definite B=f32[2,3] left=false | A=f32[0,0] B=f32[0,2] | "
                         "! A=f32[2,2]@[0] B=f32[2,2] check_errors=true"),
    EXPAND_FN("aten::linalg_solve_ex(Tensor A, Tensor B, *, bool left=True, bool "
              "check_errors=False) -> (Tensor result, Tensor info)",
              expand_solve, .samples = "A=f32[3,3]@definite B=f32[3]"),
    EXPAND_FN("aten::linalg_solve(Tensor A, Tensor B, *, bool left=True) -> Tensor", expand_solve,
              .samples = "A=f32[3,3]@definite B=f32[3,2] | A=f64[3,3]@definite B=f64[2,3,2] | "
                         "A=f32[3,3]@definite B=f32[2,3] left=false | ! A=f32[2,2]@[0] B=f32[2,2] "
                         "| ! A=f32[2,3] B=f32[2,2]"),
    EXPAND_FN("aten::linalg_inv_ex(Tensor A, *, bool check_errors=False) -> (Tensor inverse, "
              "Tensor info)",
              expand_inverse,
              .samples = "A=f32[3,3]@definite | A=f64[2,3,3]@definite | A=f32[0,0] | ! "
                         "A=f32[2,2]@[0] check_errors=true"),
    EXPAND_FN("aten::linalg_inv(Tensor A) -> Tensor", expand_inverse,
              .samples = "A=f32[3,3]@definite | ! A=f32[2,2,2]@[1,0,0,1,0,0,0,0]"),
    EXPAND_FN("aten::inverse(Tensor self) -> Tensor", expand_inverse,
              .samples = "self=f32[3,3]@definite | ! self=f32[2,2]@[0]"),
    EXPAND_FN("aten::_linalg_det(Tensor A) -> (Tensor result, Tensor LU, Tensor pivots)",
              expand_det, .samples = "A=f32[3,3] | A=f64[2,3,3] | A=f32[0,0] | A=f32[3,3]{1,3}"),
    EXPAND_FN("aten::linalg_det(Tensor A) -> Tensor", expand_det,
              .samples = "A=f32[3,3] | A=f64[2,1,1] | A=f32[2,2]@[0] | ! A=f32[2,3]"),
    EXPAND_FN("aten::det(Tensor self) -> Tensor", expand_det, .samples = "self=f32[3,3]"),
    EXPAND_FN("aten::_linalg_slogdet(Tensor A) -> (Tensor sign, Tensor logabsdet, Tensor LU, "
              "Tensor pivots)",
              expand_slogdet, .samples = "A=f32[3,3] | A=f64[2,3,3] | A=f32[0,0]"),
    EXPAND_FN("aten::linalg_slogdet(Tensor A) -> (Tensor sign, Tensor logabsdet)", expand_slogdet,
              .samples = "A=f32[3,3] | A=f32[2,2]@[0]"),
    EXPAND_FN("aten::slogdet(Tensor self) -> (Tensor sign, Tensor logabsdet)", expand_slogdet,
              .samples = "self=f32[3,3]"),
    EXPAND_FN("aten::logdet(Tensor self) -> Tensor", expand_logdet,
              .samples = "self=f32[3,3]@definite | self=f64[2,2]@[0,1,1,0]"),
    {0},
};
