/* Eigenvalues, singular values, and what ATen says with them: pseudo-inverse, rank, condition,
 * spectral norms.  In calls of linalg_calls.c.
 *
 *   aten.linalg_svdvals.default(%a)       becomes   aotc.svdvals(%a)
 *   aten._linalg_svd.default(%a, false)   becomes   %ut, %v, %s = aotc.svd(%a, false);
 *                                                   %ut^T, %s, %v^T
 *
 * A matrix that is not finite has NaN for values and vectors, where eager PyTorch raises an error
 * or lets LAPACK decide. */
#include "ir/ops/linalg.h"
#include "ir/ops/rows.h"

#include <math.h>
#include <string.h>

/* ---- building -------------------------------------------------------------------------------- */

/* Over the last dim. */
static Value *reduce_last(Build *b, const char *op, Value *x)
{
    int64_t last = -1;
    return b->error ? NULL : BUILD(b, op, arg_value(x), arg_ints(b->graph, &last, 1));
}

static Value *unsqueeze_at(Build *b, Value *x, int from_end)
{
    return b->error ? NULL : build_unsqueeze(b, x, x->type.rank - from_end);
}

/* Element `at` of the last dim, which stays; of an empty one nothing. */
static Value *element_of(Build *b, Value *x, int64_t at)
{
    if (b->error || expr_is_value(x->type.sizes[x->type.rank - 1], 0))
        return x;
    ExprPool   *p = b->graph->ir->exprs;
    const Expr *size = x->type.sizes[x->type.rank - 1];
    const Expr *from = at < 0 ? expr_sub(p, size, expr_int(p, 1)) : expr_int(p, at);
    return build_slice(b, x, x->type.rank - 1, from, expr_add(p, from, expr_int(p, 1)));
}

static Value *conjugate(Build *b, Value *x)
{
    return b->error || !la_is_complex(x) ? x : build_unary(b, "aten.conj_physical.default", x);
}

static Value *empty_like(Build *b, const Value *x)
{
    int64_t zero = 0;
    return b->error ? NULL
                    : BUILD(b, "aten.zeros.default", arg_ints(b->graph, &zero, 1),
                            arg_dtype(x->type.dtype));
}

/* What all operators of this file ask of their matrix. */
static Error *check_matrix(const Node *node, const Value *a)
{
    const TensorType *t = &a->type;
    bool              is_float = t->dtype == DT_F32 || t->dtype == DT_F64 || la_is_complex(a);
    if (t->rank < 2 || !is_float)
        return node_error(node, E_VALUE, "%s of %s", node->schema->base,
                          tensor_type_text(node->graph->ir->arena, t));
    return NULL;
}

static Error *check_square(const Node *node, const Value *a)
{
    const TensorType *t = &a->type;
    int64_t           m, n;
    TRY(check_matrix(node, a));
    if (expr_is_int(t->sizes[t->rank - 2], &m) && expr_is_int(t->sizes[t->rank - 1], &n) && m != n)
        return node_error(node, E_VALUE, "%s of a matrix of %lld rows and %lld columns",
                          node->schema->base, (long long)m, (long long)n);
    return NULL;
}

static Value *matrix_of(const Node *node)
{
    return node->args[0].value;
}

static bool flag_or(const Node *node, const char *name, bool otherwise)
{
    return schema_param(node->schema, name) >= 0 ? node_bool(node, name) : otherwise;
}

/* ---- eigenvalues ----------------------------------------------------------------------------- */

/* UPLO: "L" or "U", also small. */
static Error *read_upper(const Node *node, bool *upper)
{
    const Arg *arg = node_arg(node, "UPLO");
    char c = arg->kind == ARG_STRING && arg->string[0] && !arg->string[1] ? arg->string[0] : 0;
    if (!c || !strchr("LlUu", c))
        return node_error(node, E_VALUE, "UPLO has to be \"L\" or \"U\"");
    *upper = c == 'U' || c == 'u';
    return NULL;
}

static Value *eigenvalues(Build *b, Value *a, bool upper)
{
    return b->error ? NULL : BUILD(b, "aotc.eigvalsh", arg_value(a), arg_bool(b->graph, upper));
}

/* Values and vectors, as columns. */
static Value *eigenvectors(Build *b, Value *a, bool upper, Value **vectors)
{
    Node *made =
        b->error ? NULL : BUILD_NODE(b, "aotc.eigh", arg_value(a), arg_bool(b->graph, upper));
    *vectors = made ? la_transpose(b, made->results[0]) : NULL;
    return made ? made->results[1] : NULL;
}

static Error *expand_eigh(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *a = matrix_of(node);
    bool   upper = false;
    TRY(check_square(node, a));
    TRY(read_upper(node, &upper));
    if (flag_or(node, "compute_v", true)) {
        results[0] = eigenvectors(&b, a, upper, &results[1]);
    } else {
        results[0] = eigenvalues(&b, a, upper);
        results[1] = empty_like(&b, a);
    }
    return b.error;
}

static Error *expand_eigvalsh(Node *node, Value **results)
{
    Build b = build_at(node);
    bool  upper = false;
    TRY(check_square(node, matrix_of(node)));
    TRY(read_upper(node, &upper));
    results[0] = eigenvalues(&b, matrix_of(node), upper);
    return b.error;
}

static Error *expand_eig(Node *node, Value **results)
{
    Build b = build_at(node);
    TRY(check_square(node, matrix_of(node)));
    Node *made = BUILD_NODE(&b, "aotc.eig", arg_value(matrix_of(node)));
    results[0] = made ? made->results[0] : NULL;
    results[1] = made ? la_transpose(&b, made->results[1]) : NULL;
    return b.error;
}

static Error *expand_eigvals(Node *node, Value **results)
{
    Build b = build_at(node);
    TRY(check_square(node, matrix_of(node)));
    results[0] = build_unary(&b, "aotc.eigvals", matrix_of(node));
    return b.error;
}

/* ---- singular values ------------------------------------------------------------------------- */

/* U^T and conj(V) as the kernel has them. */
static Value *singular_vectors(Build *b, Value *a, bool full, Value **ut, Value **v)
{
    Node *made =
        b->error ? NULL : BUILD_NODE(b, "aotc.svd", arg_value(a), arg_bool(b->graph, full));
    *ut = made ? made->results[0] : NULL;
    *v = made ? made->results[1] : NULL;
    return made ? made->results[2] : NULL;
}

/* driver: what eager accepts on CUDA alone is refused there, too. */
static Error *check_driver(const Node *node)
{
    if (schema_param(node->schema, "driver") >= 0 && node_arg(node, "driver")->kind != ARG_NONE)
        return node_error(node, E_VALUE, "driver is for CUDA tensors alone");
    return NULL;
}

static Error *expand_linalg_svd(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *a = matrix_of(node), *ut, *v;
    TRY(check_matrix(node, a));
    TRY(check_driver(node));
    if (flag_or(node, "compute_uv", true)) {
        results[1] = singular_vectors(&b, a, node_bool(node, "full_matrices"), &ut, &v);
        results[0] = la_transpose(&b, ut);
        results[2] = la_transpose(&b, v);
    } else {
        results[0] = empty_like(&b, a);
        results[1] = build_unary(&b, "aotc.svdvals", a);
        results[2] = empty_like(&b, a);
    }
    return b.error;
}

static Error *expand_svdvals(Node *node, Value **results)
{
    Build b = build_at(node);
    TRY(check_matrix(node, matrix_of(node)));
    TRY(check_driver(node));
    results[0] = build_unary(&b, "aotc.svdvals", matrix_of(node));
    return b.error;
}

/* Zeros of n x n in the batch of a. */
static Value *square_zeros(Build *b, const Value *a, const Expr *n)
{
    const Expr *sizes[MAX_RANK];
    int         rank = a->type.rank;
    memcpy(sizes, a->type.sizes, sizeof *sizes * (size_t)rank);
    sizes[rank - 2] = sizes[rank - 1] = n;
    return b->error ? NULL
                    : BUILD(b, "aten.zeros.default", arg_exprs(b->graph, sizes, rank),
                            arg_dtype(a->type.dtype));
}

/* V itself, and without vectors zeros of the full sizes. */
static Error *expand_svd(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *a = matrix_of(node), *ut, *v;
    TRY(check_matrix(node, a));
    int rank = a->type.rank;
    if (node_bool(node, "compute_uv")) {
        results[1] = singular_vectors(&b, a, !node_bool(node, "some"), &ut, &v);
        results[0] = la_transpose(&b, ut);
        results[2] = conjugate(&b, v);
    } else {
        results[0] = square_zeros(&b, a, a->type.sizes[rank - 2]);
        results[1] = build_unary(&b, "aotc.svdvals", a);
        results[2] = la_transpose(&b, square_zeros(&b, a, a->type.sizes[rank - 1]));
    }
    return b.error;
}

/* ---- tolerances ------------------------------------------------------------------------------ */

/* A number, or a tensor that has it for each matrix. */
typedef struct Limit {
    Value *tensor;
    double number;
    bool   is_given;
} Limit;

static Limit limit_of(const Node *node, const char *name)
{
    int   at = schema_param(node->schema, name);
    Limit limit = {0};
    if (at < 0 || node->args[at].kind == ARG_NONE)
        return limit;
    limit.is_given = true;
    if (node->args[at].kind == ARG_VALUE && node->args[at].value->kind == VALUE_TENSOR)
        limit.tensor = node->args[at].value;
    else
        limit.number = node_float(node, name);
    return limit;
}

/* In f64, as [..., 1]. */
static Value *limit_value(Build *b, const Limit *limit)
{
    int64_t one = 1;
    if (b->error)
        return NULL;
    if (limit->tensor)
        return unsqueeze_at(b, build_cast(b, limit->tensor, DT_F64), 0);
    return BUILD(b, "aten.full.default", arg_ints(b->graph, &one, 1), arg_float(limit->number),
                 arg_dtype(DT_F64));
}

/* eps of the dtype times the longer side; none where an absolute limit is set. */
static Error *default_relative(Build *b, const Value *a, const Limit *absolute, Limit *out)
{
    *out = (Limit){0};
    if (!absolute->tensor && absolute->is_given && absolute->number > 0)
        return NULL;
    out->tensor = la_default_rcond(b, a);
    if (!absolute->tensor)
        return b->error;
    Value *is_set = build_with_float(b, "aten.gt.Scalar", absolute->tensor, 0);
    Value *zero = build_with_float(b, "aten.mul.Scalar", out->tensor, 0);
    if (!b->error)
        out->tensor =
            BUILD(b, "aten.where.self", arg_value(is_set), arg_value(zero), arg_value(out->tensor));
    return b->error;
}

Value *la_default_rcond(Build *b, const Value *a)
{
    ExprPool   *p = b->graph->ir->exprs;
    int         rank = a->type.rank;
    bool        is_wide = a->type.dtype == DT_F64 || a->type.dtype == DT_C128;
    const Expr *longer = expr_max(p, a->type.sizes[rank - 2], a->type.sizes[rank - 1]);
    Value      *sides = b->error ? NULL
                                 : BUILD(b, "aten.full.default", arg_list(NULL, 0), arg_expr(longer),
                                         arg_dtype(DT_F64));
    return build_with_float(b, "aten.mul.Scalar", sides, is_wide ? 0x1p-52 : 0x1p-23);
}

/* tol of pinv and matrix_rank: "rcond" and "tol" are old names of one of them. */
static Error *limits_of(Build *b, const Node *node, const Value *a, Limit *absolute,
                        Limit *relative)
{
    *absolute = limit_of(node, schema_param(node->schema, "tol") >= 0 ? "tol" : "atol");
    *relative = limit_of(node, schema_param(node->schema, "rcond") >= 0 ? "rcond" : "rtol");
    bool has_relative = schema_param(node->schema, "tol") < 0;
    if (has_relative && !relative->is_given)
        return default_relative(b, a, absolute, relative);
    return NULL;
}

/* Which of the values `size`, whose largest is [..., 1], count. */
static Value *above_limit(Build *b, Value *size, Value *largest, const Limit *absolute,
                          const Limit *relative)
{
    if (b->error)
        return NULL;
    Value *limit = limit_value(b, relative);
    limit = build_binary(b, "aten.mul.Tensor", build_cast(b, largest, DT_F64), limit);
    if (absolute->tensor || absolute->number != 0)
        limit = build_binary(b, "aten.maximum.default", limit, limit_value(b, absolute));
    return b->error ? NULL : build_binary(b, "aten.gt.Tensor", build_cast(b, size, DT_F64), limit);
}

/* Of ascending eigenvalues whose sizes these are. */
static Value *largest_of_ends(Build *b, Value *size)
{
    Value *last = element_of(b, size, -1);
    return build_binary(b, "aten.maximum.default", element_of(b, size, 0), last);
}

/* ---- pseudo-inverse and rank ----------------------------------------------------------------- */

/* 1 / values where they count, else 0, as a row. */
static Value *inverse_row(Build *b, Value *values, Value *counts)
{
    Value *inverse = build_unary(b, "aten.reciprocal.default", values);
    if (b->error)
        return NULL;
    inverse =
        BUILD(b, "aten.where.ScalarOther", arg_value(counts), arg_value(inverse), arg_float(0.0));
    return unsqueeze_at(b, inverse, 1);
}

static Error *expand_pinv(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *a = matrix_of(node), *left, *right, *values, *size, *largest;
    Limit  absolute, relative;
    TRY(flag_or(node, "hermitian", false) ? check_square(node, a) : check_matrix(node, a));
    TRY(limits_of(&b, node, a, &absolute, &relative));
    if (flag_or(node, "hermitian", false)) {
        values = eigenvectors(&b, a, false, &left);
        right = la_adjoint(&b, left);
        size = build_unary(&b, "aten.abs.default", values);
        largest = largest_of_ends(&b, size);
    } else {
        values = size = singular_vectors(&b, a, false, &right, &left);
        left = conjugate(&b, left);
        right = conjugate(&b, right);
        largest = element_of(&b, size, 0);
    }
    Value *row = inverse_row(&b, values, above_limit(&b, size, largest, &absolute, &relative));
    results[0] = build_binary(&b, "aten.matmul.default",
                              build_binary(&b, "aten.mul.Tensor", left, row), right);
    return b.error;
}

/* The solutions of least norm: V / S U^H x, over the singular values that count. */
void la_lstsq_svd(Build *b, Value *a, Value *x, Value *rcond, LeastSquares *out)
{
    Limit  absolute = {0}, relative = {.tensor = rcond};
    Value *uh, *v, *s = singular_vectors(b, a, false, &uh, &v);
    uh = conjugate(b, uh);
    v = conjugate(b, v);
    Value *counts = above_limit(b, s, element_of(b, s, 0), &absolute, &relative);
    Value *scaled = build_binary(b, "aten.mul.Tensor", v, inverse_row(b, s, counts));
    out->solution = build_binary(b, "aten.matmul.default", scaled,
                                 build_binary(b, "aten.matmul.default", uh, x));
    out->rank = reduce_last(b, "aten.sum.dim_IntList", counts);
    out->singular_values = s;
}

static Error *expand_rank(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *a = matrix_of(node), *size, *largest;
    Limit  absolute, relative;
    TRY(flag_or(node, "hermitian", false) ? check_square(node, a) : check_matrix(node, a));
    TRY(limits_of(&b, node, a, &absolute, &relative));
    if (flag_or(node, "hermitian", false)) {
        size = build_unary(&b, "aten.abs.default", eigenvalues(&b, a, false));
        largest = largest_of_ends(&b, size);
    } else {
        size = build_unary(&b, "aotc.svdvals", a);
        largest = element_of(&b, size, 0);
    }
    results[0] = reduce_last(&b, "aten.sum.dim_IntList",
                             above_limit(&b, size, largest, &absolute, &relative));
    return b.error;
}

/* ---- norms and condition --------------------------------------------------------------------- */

Error *la_expand_spectral_norm(Node *node, SpectralNorm norm, const int dims[2], Value **result)
{
    static const char *const over[] = {"aten.amax.default", "aten.amin.default",
                                       "aten.sum.dim_IntList"};
    Build                    b = build_at(node);
    Value                   *x = node_tensor(node, "self");
    const Arg               *dtype = node_arg(node, "dtype");
    int                      order[MAX_RANK], n = 0, low = dims[0] < dims[1] ? 0 : 1;
    for (int d = 0; d < x->type.rank; d++)
        if (d != dims[0] && d != dims[1])
            order[n++] = d;
    order[n] = dims[0], order[n + 1] = dims[1];
    if (dtype->kind == ARG_DTYPE)
        x = build_cast(&b, x, dtype->dtype);
    if (b.error)
        return b.error;
    TRY(check_matrix(node, x));
    x = build_unary(&b, "aotc.svdvals", build_permute(&b, x, order, n + 2));
    *result = reduce_last(&b, over[norm], x);
    for (int i = 0; i < 2 && node_bool(node, "keepdim") && !b.error; i++)
        *result = build_unsqueeze(&b, *result, dims[i ? 1 - low : low]);
    return b.error;
}

static Error *expand_nuclear_norm(Node *node, Value **results)
{
    Build   b = build_at(node);
    int64_t both[2] = {-2, -1};
    Arg     dims = arg_ints(b.graph, both, 2);
    bool    has_dims = schema_param(node->schema, "dim") >= 0;
    results[0] = BUILD(&b, "aten.linalg_matrix_norm.str_ord", node->args[0], arg_text("nuc"),
                       has_dims ? *node_arg(node, "dim") : dims, *node_arg(node, "keepdim"));
    return b.error;
}

/* Zeros for matrices without elements. */
static Value *zero_batch(Build *b, const Value *a)
{
    DType real = a->type.dtype == DT_C64    ? DT_F32
                 : a->type.dtype == DT_C128 ? DT_F64
                                            : a->type.dtype;
    return BUILD(b, "aten.zeros.default", arg_exprs(b->graph, a->type.sizes, a->type.rank - 2),
                 arg_dtype(real));
}

static Value *first_or_last(Build *b, Value *values, int64_t at)
{
    return b->error ? NULL : build_select(b, values, values->type.rank - 1, at);
}

/* The norm of a times that of its inverse, which is infinite where there is none. */
static Value *condition_by_inverse(Build *b, Value *a, const char *op, Arg order)
{
    Node *made = b->error ? NULL : BUILD_NODE(b, "aten.linalg_inv_ex.default", arg_value(a));
    if (b->error)
        return NULL;
    Value *fails = build_with_float(b, "aten.gt.Scalar", made->results[1], 0);
    fails = unsqueeze_at(b, unsqueeze_at(b, fails, 0), 0);
    if (b->error)
        return NULL;
    Value *inverse = BUILD(b, "aten.masked_fill.Scalar", arg_value(made->results[0]),
                           arg_value(fails), arg_float(INFINITY));
    if (b->error)
        return NULL;
    Value *x = BUILD(b, op, arg_value(a), order);
    Value *y = b->error ? NULL : BUILD(b, op, arg_value(inverse), order);
    return build_binary(b, "aten.mul.Tensor", x, y);
}

static bool is_empty(const Value *a)
{
    int rank = a->type.rank;
    return expr_is_value(a->type.sizes[rank - 2], 0) || expr_is_value(a->type.sizes[rank - 1], 0);
}

static Error *expand_cond(Node *node, Value **results)
{
    Build      b = build_at(node);
    Value     *a = matrix_of(node);
    const Arg *p = node_arg(node, "p");
    double     order = p->kind == ARG_NONE || p->kind == ARG_STRING ? 2 : node_float(node, "p");
    bool       by_values = p->kind != ARG_STRING && fabs(order) == 2;
    TRY(by_values ? check_matrix(node, a) : check_square(node, a));
    if (is_empty(a)) {
        results[0] = zero_batch(&b, a);
    } else if (by_values) {
        Value *s = build_unary(&b, "aotc.svdvals", a);
        Value *below = first_or_last(&b, s, order > 0 ? -1 : 0);
        s = first_or_last(&b, s, order > 0 ? 0 : -1);
        results[0] = build_binary(&b, "aten.div.Tensor", s, below);
    } else if (p->kind == ARG_STRING && !strcmp(p->string, "nuc")) {
        Value *s = build_unary(&b, "aotc.svdvals", a);
        Value *inverse = build_unary(&b, "aten.reciprocal.default", s);
        inverse = reduce_last(&b, "aten.sum.dim_IntList", inverse);
        s = reduce_last(&b, "aten.sum.dim_IntList", s);
        results[0] = build_binary(&b, "aten.mul.Tensor", s, inverse);
    } else {
        const char *op = p->kind == ARG_STRING ? "aten.linalg_matrix_norm.str_ord"
                                               : "aten.linalg_matrix_norm.default";
        results[0] = condition_by_inverse(&b, a, op, *p);
    }
    return b.error;
}

/* ---- the table ------------------------------------------------------------------------------- */

const OpDesc spectral_ops[] = {
    EXPAND_FN("aten::_linalg_eigh(Tensor A, str UPLO=\"L\", bool compute_v=True) -> (Tensor "
              "eigenvalues, Tensor eigenvectors)",
              expand_eigh,
              .samples = "A=f32[4,4] | A=f64[2,3,3] UPLO='U' | A=f32[3,3] compute_v=false | "
                         "A=f32[0,0] | A=c64[4,4] | A=c128[3,3] UPLO='U' | ! A=f32[2,3] | ! "
                         "A=i64[2,2]"),
    EXPAND_FN("aten::linalg_eigh(Tensor self, str UPLO=\"L\") -> (Tensor eigenvalues, Tensor "
              "eigenvectors)",
              expand_eigh,
              .samples = "self=f32[3,3] | self=f32[2,1,3,3] UPLO='u' | self=f64[5,5] | "
                         "self=f32[1,1] | self=f32[0,3,3] | ! self=f32[3,3] UPLO='X'"),
    EXPAND_FN("aten::linalg_eigvalsh(Tensor self, str UPLO=\"L\") -> Tensor", expand_eigvalsh,
              .samples = "self=f32[4,4] | self=f32[2,3,3] UPLO='U' | self=f64[6,6]{1,6} | "
                         "self=f32[0,0] | self=f32[3,3]@[0] | ! self=f32[3]"),
    EXPAND_FN("aten::linalg_eig(Tensor self) -> (Tensor eigenvalues, Tensor eigenvectors)",
              expand_eig,
              .samples = "self=f32[4,4] | self=c64[3,3] | self=f64[2,3,3] | self=c128[4,4] | "
                         "self=f32[3,3]@[1,2,0] | self=f32[0,0] | self=f32[1,1] | ! self=f32[2,3]"),
    EXPAND_FN("aten::linalg_eigvals(Tensor self) -> Tensor", expand_eigvals,
              .samples = "self=f32[5,5] | self=c64[2,3,3] | self=f64[3,3]@[0] | self=f32[2,0,0]"),
    EXPAND_FN("aten::_linalg_eigvals(Tensor self) -> Tensor", expand_eigvals,
              .samples = "self=f64[4,4] | self=c128[3,3]"),
    EXPAND_FN("aten::_linalg_svd(Tensor A, bool full_matrices=False, bool compute_uv=True, *, str? "
              "driver=None) -> (Tensor U, Tensor S, Tensor Vh)",
              expand_linalg_svd,
              .samples = "A=f32[4,3] | A=f32[3,5] full_matrices=true | A=f64[2,5,3] "
                         "full_matrices=true | A=f32[2,3] compute_uv=false | A=f32[0,3] | "
                         "A=f32[3,0] full_matrices=true | ! A=f32[3] | ! A=f32[3,3] "
                         "driver='gesvd'"),
    EXPAND_FN("aten::linalg_svd(Tensor A, bool full_matrices=True, *, str? driver=None) -> (Tensor "
              "U, Tensor S, Tensor Vh)",
              expand_linalg_svd,
              .samples = "A=f32[3,3] | A=f32[2,4,2] | A=c64[3,2] | A=c128[2,4] | A=f32[2,4] "
                         "full_matrices=false | "
                         "A=f32[7,2]{1,7} full_matrices=false"),
    EXPAND_FN("aten::linalg_svdvals(Tensor A, *, str? driver=None) -> Tensor", expand_svdvals,
              .samples = "A=f32[3,4] | A=f64[2,5,3] | A=f32[0,3] | A=f32[2,2]@[1] | ! A=f16[2,2]"),
    EXPAND_FN("aten::svd(Tensor self, bool some=True, bool compute_uv=True) -> (Tensor U, Tensor "
              "S, Tensor V)",
              expand_svd,
              .samples = "self=f32[4,3] | self=f32[3,4] some=false | self=f32[2,3] "
                         "compute_uv=false | self=f64[2,3,3]"),
    EXPAND_FN("aten::linalg_pinv.atol_rtol_float(Tensor self, *, float? atol=None, float? "
              "rtol=None, bool hermitian=False) -> Tensor",
              expand_pinv,
              .samples = "self=f32[4,3] | self=f64[2,3,4] | self=f32[3,3] rtol=0.5 | self=f32[3,3] "
                         "atol=1.0 | self=f32[3,3] hermitian=true | self=f32[0,3] | "
                         "self=f32[3,3]@[1] | self=f32[0,0] hermitian=true | self=c64[3,4] | ! "
                         "self=i64[2,2]"),
    EXPAND_FN("aten::linalg_pinv.atol_rtol_tensor(Tensor self, *, Tensor? atol=None, Tensor? "
              "rtol=None, bool hermitian=False) -> Tensor",
              expand_pinv,
              .samples = "self=f32[2,4,3] rtol=f32[2]@0..1 | self=f32[3,3] atol=f32[]@[0.5] | "
                         "self=f64[3,3] atol=f64[]@[0]"),
    EXPAND_FN(
        "aten::linalg_pinv(Tensor self, float rcond, bool hermitian=False) -> Tensor", expand_pinv,
        .samples = "self=f32[4,3] rcond=1e-5 | self=f32[3,3]@definite rcond=0.2 hermitian=true"),
    EXPAND_FN("aten::linalg_pinv.rcond_tensor(Tensor self, Tensor rcond, bool hermitian=False) -> "
              "Tensor",
              expand_pinv, .samples = "self=f32[4,3] rcond=f32[]@[0.1]"),
    EXPAND_FN("aten::pinverse(Tensor self, float rcond=1.0000000000000001e-15) -> Tensor",
              expand_pinv, .samples = "self=f32[3,4] | self=f64[4,2] rcond=0.3"),
    EXPAND_FN("aten::linalg_matrix_rank.atol_rtol_float(Tensor self, *, float? atol=None, float? "
              "rtol=None, bool hermitian=False) -> Tensor",
              expand_rank,
              .samples =
                  "self=f32[4,3] | self=f32[2,3,3]@[1] | self=f64[3,3] atol=2.0 | "
                  "self=f32[3,3] rtol=0.5 hermitian=true | self=f32[0,3] | self=f32[4,4]@[0]"),
    EXPAND_FN("aten::linalg_matrix_rank.atol_rtol_tensor(Tensor input, *, Tensor? atol=None, "
              "Tensor? rtol=None, bool hermitian=False) -> Tensor",
              expand_rank,
              .samples = "input=f32[2,4,3] atol=f32[2]@0..3 | input=f32[3,3] rtol=f32[]@[0.3]"),
    EXPAND_FN("aten::linalg_matrix_rank(Tensor self, float tol, bool hermitian=False) -> Tensor",
              expand_rank,
              .samples = "self=f32[4,4] tol=1.0 | self=f32[3,3] tol=0.5 hermitian=true"),
    EXPAND_FN("aten::linalg_matrix_rank.tol_tensor(Tensor input, Tensor tol, bool "
              "hermitian=False) -> Tensor",
              expand_rank, .samples = "input=f32[2,3,3] tol=f32[2]@0..4"),
    EXPAND_FN("aten::linalg_cond(Tensor self, Scalar? p=None) -> Tensor", expand_cond,
              .samples = "self=f32[4,3] | self=f64[2,3,3] p=-2 | self=f32[3,3] p=2 | self=f32[3,3] "
                         "p=1 | self=f32[2,3,3] p=-inf | self=f32[0,0] | self=f32[2,2]@[1] p=1 | ! "
                         "self=f32[2,3] p=1"),
    EXPAND_FN("aten::linalg_cond.p_str(Tensor self, str p) -> Tensor", expand_cond,
              .samples = "self=f32[3,3] p='nuc' | self=f32[2,3,3] p='fro'"),
    EXPAND_FN("aten::nuclear_norm(Tensor self, bool keepdim=False) -> Tensor", expand_nuclear_norm,
              .samples = "self=f32[3,4] | self=f64[4,2] keepdim=true | self=f32[2,3,3]"),
    EXPAND_FN("aten::nuclear_norm.dim(Tensor self, int[2] dim, bool keepdim=False) -> Tensor",
              expand_nuclear_norm,
              .samples = "self=f32[3,2,4] dim=[0,2] | self=f32[3,4] dim=[1,0] keepdim=true"),
    {0},
};
