/* Factorizations as calls of emit_c/runtime/linalg*.c.inc, an item a matrix: what linalg.c and its
 * relatives are made of.
 *
 * A row is there for real operands, and as NAME_complex for pairs of real and imaginary parts: a
 * call of the first one on complex tensors becomes the second (passes/complex_linalg.c), so that
 * expansions speak of the first alone.  Tensors that are complex with the operands come first,
 * pivots, info and what is always real behind them. */
#include "ir/ops/linalg.h"

#include <string.h>

/* ---- operands -------------------------------------------------------------------------------- */

/* Tensors that an operand or result takes: 2 in the rows of parts. */
static int parts(const Node *node)
{
    size_t n = strlen(node->schema->base);
    return n > 8 && !strcmp(node->schema->base + n - 8, "_complex") ? 2 : 1;
}

/* Type of operand t of those that come first. */
static const TensorType *operand(const Node *node, int t)
{
    return &node->args[t * parts(node)].value->type;
}

static const Expr *size_of(const Node *node, int t, int from_end)
{
    const TensorType *type = operand(node, t);
    return type->sizes[type->rank - from_end];
}

#define ROWS(node, t) size_of(node, t, 2)
#define COLS(node, t) size_of(node, t, 1)

static const Expr *least(const Node *node, const Expr *a, const Expr *b)
{
    return expr_min(shape_pool(node), a, b);
}

static bool is_kernel_dtype(const Node *node, DType dtype)
{
    bool is_complex = dtype == DT_C64 || dtype == DT_C128;
    return dtype == DT_F32 || dtype == DT_F64 || (is_complex && parts(node) == 1);
}

/* The first n operands are matrices (rank 2 and more) of one dtype and batch. */
static Error *check_operands(const Node *node, int n, int min_rank)
{
    const TensorType *first = operand(node, 0);
    for (int i = 0; i < n * parts(node); i++) {
        const TensorType *t = &node->args[i].value->type;
        if (t->dtype != first->dtype || !is_kernel_dtype(node, t->dtype) || t->rank < min_rank)
            return node_error(node, E_VALUE, "an operand of type %s",
                              tensor_type_text(node->graph->ir->arena, t));
    }
    return NULL;
}

static Error *check_same(const Node *node, const Expr *a, const Expr *b, const char *what)
{
    int64_t m, n;
    if (expr_is_int(a, &m) && expr_is_int(b, &n) && m != n)
        return node_error(node, E_VALUE, "%s: %lld and %lld", what, (long long)m, (long long)n);
    return NULL;
}

static Error *check_square(const Node *node)
{
    TRY(check_operands(node, 1, 2));
    return check_same(node, ROWS(node, 0), COLS(node, 0), "rows and columns of a matrix differ");
}

/* Result `at` of those that may be pairs: the batch of operand 0, then core sizes. */
static void set_pair(Node *node, int at, const Expr *const *core, int n_core)
{
    const TensorType *t = operand(node, 0);
    const Expr       *sizes[MAX_RANK];
    int               n_batch = t->rank - 2;
    memcpy(sizes, t->sizes, sizeof *sizes * (size_t)n_batch);
    if (n_core)
        memcpy(sizes + n_batch, core, sizeof *sizes * (size_t)n_core);
    for (int i = 0; i < parts(node); i++)
        shape_result(node, at * parts(node) + i, t->dtype, sizes, n_batch + n_core);
}

/* Result `at` of those behind `pairs` others. */
static void set_plain(Node *node, int pairs, int at, DType dtype, const Expr *const *core,
                      int n_core)
{
    const TensorType *t = operand(node, 0);
    const Expr       *sizes[MAX_RANK];
    int               n_batch = t->rank - 2;
    memcpy(sizes, t->sizes, sizeof *sizes * (size_t)n_batch);
    if (n_core)
        memcpy(sizes + n_batch, core, sizeof *sizes * (size_t)n_core);
    shape_result(node, pairs * parts(node) + at, dtype, sizes, n_batch + n_core);
}

static DType real_dtype(const Node *node)
{
    DType dtype = operand(node, 0)->dtype;
    return dtype == DT_C64 ? DT_F32 : dtype == DT_C128 ? DT_F64 : dtype;
}

/* Bytes of `numbers` real or complex numbers in f64. */
static const Expr *scratch_of(const Node *node, const Expr *numbers)
{
    const Expr *some = expr_add(shape_pool(node), numbers, shape_int(node, 1));
    return expr_mul(shape_pool(node), some, shape_int(node, 8 * parts(node)));
}

static const Expr *times(const Node *node, const Expr *a, const Expr *b)
{
    return expr_mul(shape_pool(node), a, b);
}

/* Of one matrix. */
static const Expr *scratch_matrix(const Node *node)
{
    return scratch_of(node, times(node, ROWS(node, 0), COLS(node, 0)));
}

/* Of one matrix and a row. */
static const Expr *scratch_matrix_row(const Node *node)
{
    const Expr *rows = expr_add(shape_pool(node), ROWS(node, 0), shape_int(node, 1));
    return scratch_of(node, times(node, rows, COLS(node, 0)));
}

/* Of operands 0 and 1. */
static const Expr *scratch_two(const Node *node)
{
    return expr_add(shape_pool(node), scratch_matrix(node),
                    scratch_of(node, times(node, ROWS(node, 1), COLS(node, 1))));
}

static const Expr *scratch_none(const Node *node)
{
    return shape_int(node, 8);
}

static int params_matrix(const Node *node, const Expr **out)
{
    out[0] = ROWS(node, 0);
    out[1] = COLS(node, 0);
    return 2;
}

static const Expr *flag(const Node *node, const char *name)
{
    return shape_int(node, node_bool(node, name));
}

/* ---- square systems -------------------------------------------------------------------------- */

static Error *infer_cholesky(Node *node)
{
    const Expr *core[2];
    TRY(check_square(node));
    core[0] = core[1] = ROWS(node, 0);
    set_pair(node, 0, core, 2);
    set_plain(node, 1, 0, DT_I32, NULL, 0);
    return NULL;
}

static Error *infer_lu(Node *node)
{
    TRY(check_operands(node, 1, 2));
    const Expr *core[2] = {ROWS(node, 0), COLS(node, 0)}, *k = least(node, core[0], core[1]);
    set_pair(node, 0, core, 2);
    set_plain(node, 1, 0, DT_I32, &k, 1);
    set_plain(node, 1, 1, DT_I32, NULL, 0);
    return NULL;
}

/* Result as operand 1. */
static Error *infer_solve(Node *node)
{
    TRY(check_square(node));
    TRY(check_operands(node, 2, 2));
    TRY(check_same(node, ROWS(node, 0), ROWS(node, 1), "rows of both sides differ"));
    const Expr *core[2] = {ROWS(node, 1), COLS(node, 1)};
    set_pair(node, 0, core, 2);
    return NULL;
}

static int params_triangular(const Node *node, const Expr **out)
{
    out[0] = ROWS(node, 1);
    out[1] = COLS(node, 1);
    out[2] = flag(node, "upper");
    out[3] = flag(node, "unit");
    out[4] = flag(node, "adjoint");
    return 5;
}

static int params_lu_solve(const Node *node, const Expr **out)
{
    out[0] = ROWS(node, 1);
    out[1] = COLS(node, 1);
    out[2] = flag(node, "adjoint");
    return 3;
}

static Error *infer_lu_det(Node *node)
{
    TRY(check_square(node));
    set_pair(node, 0, NULL, 0);
    set_pair(node, 1, NULL, 0);
    set_plain(node, 2, 0, real_dtype(node), NULL, 0);
    return NULL;
}

static Error *infer_permutation(Node *node)
{
    const TensorType *t = operand(node, 0);
    const Expr       *sizes[MAX_RANK], *rows = arg_as_expr(node_arg(node, "rows"));
    if (t->rank < 1 || t->dtype != DT_I32)
        return node_error(node, E_VALUE, "pivots of type %s",
                          tensor_type_text(node->graph->ir->arena, t));
    memcpy(sizes, t->sizes, sizeof *sizes * (size_t)t->rank);
    sizes[t->rank - 1] = rows;
    shape_result(node, 0, DT_I64, sizes, t->rank);
    return NULL;
}

static int params_permutation(const Node *node, const Expr **out)
{
    out[0] = arg_as_expr(node_arg(node, "rows"));
    out[1] = COLS(node, 0);
    return 2;
}

static Error *infer_first_info(Node *node)
{
    const TensorType *t = operand(node, 0);
    if (t->rank != 1 || t->dtype != DT_I32)
        return node_error(node, E_VALUE, "info of type %s",
                          tensor_type_text(node->graph->ir->arena, t));
    shape_result(node, 0, DT_I64, NULL, 0);
    return NULL;
}

static int params_first_info(const Node *node, const Expr **out)
{
    out[0] = COLS(node, 0);
    out[1] = flag(node, "is_matrix");
    return 2;
}

static Error *infer_ldl(Node *node)
{
    TRY(check_square(node));
    const Expr *core[2] = {ROWS(node, 0), COLS(node, 0)};
    set_pair(node, 0, core, 2);
    set_plain(node, 1, 0, DT_I32, core, 1);
    set_plain(node, 1, 1, DT_I32, NULL, 0);
    return NULL;
}

static int params_ldl(const Node *node, const Expr **out)
{
    out[0] = ROWS(node, 0);
    out[1] = flag(node, "hermitian");
    return 2;
}

/* Of one matrix and two rows. */
static const Expr *scratch_ldl(const Node *node)
{
    const Expr *rows = expr_add(shape_pool(node), ROWS(node, 0), shape_int(node, 2));
    return scratch_of(node, times(node, rows, COLS(node, 0)));
}

static int params_ldl_solve(const Node *node, const Expr **out)
{
    out[0] = ROWS(node, 1);
    out[1] = COLS(node, 1);
    out[2] = flag(node, "hermitian");
    return 3;
}

static Error *infer_matrix_exp(Node *node)
{
    TRY(check_square(node));
    const Expr *core[2] = {ROWS(node, 0), COLS(node, 0)};
    set_pair(node, 0, core, 2);
    return NULL;
}

static const Expr *scratch_matrix_exp(const Node *node)
{
    return times(node, scratch_matrix(node), shape_int(node, 6));
}

/* ---- QR -------------------------------------------------------------------------------------- */

static Error *infer_geqrf(Node *node)
{
    TRY(check_operands(node, 1, 2));
    const Expr *core[2] = {ROWS(node, 0), COLS(node, 0)}, *k = least(node, core[0], core[1]);
    set_pair(node, 0, core, 2);
    set_pair(node, 1, &k, 1);
    return NULL;
}

/* Reflections in operand 0, their factors in 1. */
static Error *check_reflections(Node *node, int n)
{
    TRY(check_operands(node, n, 1));
    TRY(check_operands(node, 1, 2));
    const TensorType *v = operand(node, 0), *tau = operand(node, 1);
    ExprPool         *p = shape_pool(node);
    if (tau->rank != v->rank - 1 || expr_prove_lt(p, COLS(node, 0), COLS(node, 1)) ||
        (n == 2 && expr_prove_lt(p, ROWS(node, 0), COLS(node, 0))))
        return node_error(node, E_VALUE, "reflections %s with factors %s",
                          tensor_type_text(node->graph->ir->arena, v),
                          tensor_type_text(node->graph->ir->arena, tau));
    return NULL;
}

static Error *infer_orgqr(Node *node)
{
    TRY(check_reflections(node, 2));
    const Expr *core[2] = {ROWS(node, 0), COLS(node, 0)};
    set_pair(node, 0, core, 2);
    return NULL;
}

static int params_orgqr(const Node *node, const Expr **out)
{
    params_matrix(node, out);
    out[2] = COLS(node, 1);
    return 3;
}

static const Expr *scratch_orgqr(const Node *node)
{
    return expr_add(shape_pool(node), scratch_matrix(node), scratch_matrix_row(node));
}

static Error *infer_ormqr(Node *node)
{
    TRY(check_reflections(node, 3));
    const Expr *core[2] = {ROWS(node, 2), COLS(node, 2)};
    set_pair(node, 0, core, 2);
    return NULL;
}

static int params_ormqr(const Node *node, const Expr **out)
{
    out[0] = ROWS(node, 2);
    out[1] = COLS(node, 2);
    out[2] = COLS(node, 1);
    out[3] = COLS(node, 0);
    out[4] = flag(node, "adjoint");
    return 5;
}

static const Expr *scratch_ormqr(const Node *node)
{
    const Expr *rows = expr_add(shape_pool(node), ROWS(node, 2), shape_int(node, 1));
    return expr_add(shape_pool(node), scratch_matrix(node),
                    scratch_of(node, times(node, rows, COLS(node, 2))));
}

/* ---- eigenvalues and singular values --------------------------------------------------------- */

/* Vectors are results as rows, so that the matrix of columns has eager's strides. */
static Error *infer_eigh(Node *node)
{
    const Expr *core[2];
    TRY(check_square(node));
    core[0] = core[1] = ROWS(node, 0);
    set_pair(node, 0, core, 2);
    set_plain(node, 1, 0, real_dtype(node), core, 1);
    return NULL;
}

static Error *infer_eigvalsh(Node *node)
{
    const Expr *core;
    TRY(check_square(node));
    core = ROWS(node, 0);
    set_plain(node, 0, 0, real_dtype(node), &core, 1);
    return NULL;
}

static int params_eigh(const Node *node, const Expr **out)
{
    out[0] = ROWS(node, 0);
    out[1] = flag(node, "upper");
    return 2;
}

static const Expr *add(const Node *node, const Expr *a, const Expr *b)
{
    return expr_add(shape_pool(node), a, b);
}

/* RT_SPECTRAL_STATE of emit_c/runtime/spectral.c.inc, and `rows` rows of n numbers. */
static const Expr *scratch_state(const Node *node, int64_t rows, const Expr *n)
{
    return add(node, shape_int(node, 32), times(node, shape_int(node, rows), n));
}

static const Expr *scratch_eigh(const Node *node)
{
    const Expr *n = ROWS(node, 0), *square = times(node, n, n);
    return scratch_of(node, add(node, scratch_state(node, 7, n), add(node, square, square)));
}

/* Results that are complex whatever the operands are: the row of ATen's dtypes has them whole, the
 * rows of parts as two. */
static void set_complex(Node *node, int at, const Expr *const *core, int n_core)
{
    const TensorType *t = operand(node, 0);
    const Expr       *sizes[MAX_RANK];
    int               n_batch = t->rank - 2;
    bool is_whole = !strcmp(node->schema->base, "eig") || !strcmp(node->schema->base, "eigvals");
    memcpy(sizes, t->sizes, sizeof *sizes * (size_t)n_batch);
    memcpy(sizes + n_batch, core, sizeof *sizes * (size_t)n_core);
    DType real = real_dtype(node);
    if (is_whole)
        shape_result(node, at, real == DT_F64 ? DT_C128 : DT_C64, sizes, n_batch + n_core);
    for (int i = 0; i < 2 && !is_whole; i++)
        shape_result(node, 2 * at + i, real, sizes, n_batch + n_core);
}

static Error *infer_eig(Node *node)
{
    const Expr *core[2];
    TRY(check_square(node));
    core[0] = core[1] = ROWS(node, 0);
    set_complex(node, 0, core, 1);
    if (!strncmp(node->schema->base, "eigvals", 7))
        return NULL;
    set_complex(node, 1, core, 2);
    return NULL;
}

static const Expr *scratch_eig(const Node *node)
{
    const Expr *n = ROWS(node, 0), *square = times(node, n, n);
    return scratch_of(
        node, add(node, scratch_state(node, 4, n), times(node, shape_int(node, 6), square)));
}

static Error *infer_svd(Node *node)
{
    TRY(check_operands(node, 1, 2));
    const Expr *m = ROWS(node, 0), *n = COLS(node, 0), *k = least(node, m, n);
    bool        full = node_bool(node, "full");
    const Expr *left[2] = {full ? m : k, m}, *right[2] = {n, full ? n : k};
    set_pair(node, 0, left, 2);
    set_pair(node, 1, right, 2);
    set_plain(node, 2, 0, real_dtype(node), &k, 1);
    return NULL;
}

static Error *infer_svdvals(Node *node)
{
    TRY(check_operands(node, 1, 2));
    const Expr *k = least(node, ROWS(node, 0), COLS(node, 0));
    set_plain(node, 0, 0, real_dtype(node), &k, 1);
    return NULL;
}

static int params_svd(const Node *node, const Expr **out)
{
    params_matrix(node, out);
    out[2] = schema_param(node->schema, "full") >= 0 ? flag(node, "full") : shape_int(node, 0);
    return 3;
}

static const Expr *scratch_svd(const Node *node)
{
    const Expr *m = ROWS(node, 0), *n = COLS(node, 0);
    const Expr *rows = expr_max(shape_pool(node), m, n), *k = least(node, m, n);
    const Expr *square = times(node, k, k), *all = times(node, rows, rows);
    const Expr *some = times(node, rows, k), *two = shape_int(node, 2);
    const bool  has_vectors = schema_param(node->schema, "full") >= 0;
    const Expr *numbers = add(node, scratch_state(node, 9, k), add(node, rows, some));
    numbers = add(node, numbers, times(node, two, square));
    if (has_vectors)
        numbers = add(node, numbers,
                      times(node, two, add(node, square, node_bool(node, "full") ? all : some)));
    return scratch_of(node, numbers);
}

static Error *infer_lstsq(Node *node)
{
    TRY(check_operands(node, 2, 2));
    TRY(check_same(node, ROWS(node, 0), ROWS(node, 1), "rows of both sides differ"));
    const Expr *core[2] = {COLS(node, 0), COLS(node, 1)};
    set_pair(node, 0, core, 2);
    set_plain(node, 1, 0, real_dtype(node), core + 1, 1);
    set_plain(node, 1, 1, DT_I64, NULL, 0);
    return NULL;
}

static int params_lstsq(const Node *node, const Expr **out)
{
    params_matrix(node, out);
    out[2] = COLS(node, 1);
    return 3;
}

/* a, x, t, tau, w, order of rt_lstsq, with max(m, n) <= m + n. */
static const Expr *scratch_lstsq(const Node *node)
{
    ExprPool   *p = shape_pool(node);
    const Expr *m = ROWS(node, 0), *n = COLS(node, 0), *k = COLS(node, 1);
    const Expr *a = times(node, m, n), *x = times(node, expr_add(p, m, n), k);
    const Expr *t = times(node, n, least(node, m, n));
    const Expr *rest = expr_add(p, times(node, n, shape_int(node, 3)), k);
    return scratch_of(node, expr_add(p, expr_add(p, a, x), expr_add(p, t, rest)));
}

/* ---- the table ------------------------------------------------------------------------------- */

/* A row and the one of its parts: core dims of in[] and out[], with pairs written out. */
#define CALL(row, text_name, infer_fn, params_fn, scratch_fn, real_core, complex_core, real_args,  \
             complex_args, ...)                                                                    \
    {.schema = "aotc::" #row real_args,                                                            \
     .kind = OP_TEMPLATE,                                                                          \
     .infer = infer_fn,                                                                            \
     .template_kind = TEMPLATE_CALL,                                                               \
     .call =                                                                                       \
         &(const CallDesc){"rt_" #row, text_name, UNPACK real_core, true, params_fn, scratch_fn},  \
     __VA_ARGS__},                                                                                 \
    {                                                                                              \
        .schema = "aotc::" #row "_complex" complex_args, .kind = OP_TEMPLATE, .infer = infer_fn,   \
        .template_kind = TEMPLATE_CALL, .call = &(const CallDesc)                                  \
        {                                                                                          \
            "rt_" #row "_complex", text_name, UNPACK complex_core, true, params_fn, scratch_fn     \
        }                                                                                          \
    }
#define UNPACK(...)                                                                                \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

#define EIG_PARTS " -> (Tensor values_re, Tensor values_im, Tensor vectors_re, Tensor vectors_im)"
#define EIG(name, function, core, args)                                                            \
    {                                                                                              \
        .schema = "aotc::" name args, .kind = OP_TEMPLATE, .infer = infer_eig,                     \
        .template_kind = TEMPLATE_CALL, .call = &(const CallDesc)                                  \
        {                                                                                          \
            function, "spectral_eig", UNPACK core, true, params_matrix, scratch_eig                \
        }                                                                                          \
    }

const OpDesc linalg_call_ops[] = {
    /* info: order of the leading minor that is not positive, or 0 */
    CALL(cholesky, "linalg_factor", infer_cholesky, params_matrix, scratch_matrix, (2, 2, 0),
         (2, 2, 2, 2, 0), "(Tensor a) -> (Tensor l, Tensor info)",
         "(Tensor re, Tensor im) -> (Tensor re, Tensor im, Tensor info)"),
    /* pivots count from 1; info: place of the first diagonal element of U that is 0, or 0 */
    CALL(lu, "linalg_factor", infer_lu, params_matrix, scratch_matrix, (2, 2, 1, 0),
         (2, 2, 2, 2, 1, 0), "(Tensor a) -> (Tensor lu, Tensor pivots, Tensor info)",
         "(Tensor re, Tensor im) -> (Tensor re, Tensor im, Tensor pivots, Tensor info)"),
    /* the inverse of a triangle of a, or of its adjoint, times b */
    CALL(triangular, "linalg_factor", infer_solve, params_triangular, scratch_two, (2, 2, 2),
         (2, 2, 2, 2, 2, 2), "(Tensor a, Tensor b, bool upper, bool unit, bool adjoint) -> Tensor",
         "(Tensor a_re, Tensor a_im, Tensor b_re, Tensor b_im, bool upper, bool unit, bool "
         "adjoint) -> (Tensor re, Tensor im)"),
    CALL(lu_solve, "linalg_factor", infer_solve, params_lu_solve, scratch_two, (2, 2, 1, 2),
         (2, 2, 2, 2, 1, 2, 2), "(Tensor lu, Tensor b, Tensor pivots, bool adjoint) -> Tensor",
         "(Tensor lu_re, Tensor lu_im, Tensor b_re, Tensor b_im, Tensor pivots, bool adjoint) -> "
         "(Tensor re, Tensor im)"),
    CALL(lu_det, "linalg_factor", infer_lu_det, params_matrix, scratch_none, (2, 1, 0, 0, 0),
         (2, 2, 1, 0, 0, 0, 0, 0),
         "(Tensor lu, Tensor pivots) -> (Tensor det, Tensor sign, Tensor log_abs)",
         "(Tensor lu_re, Tensor lu_im, Tensor pivots) -> (Tensor det_re, Tensor det_im, Tensor "
         "sign_re, Tensor sign_im, Tensor log_abs)"),
    {.schema = "aotc::permutation(Tensor pivots, SymInt rows) -> Tensor",
     .kind = OP_TEMPLATE,
     .infer = infer_permutation,
     .template_kind = TEMPLATE_CALL,
     .call =
         &(const CallDesc){
             "rt_permutation", "linalg_factor", {1, 1}, true, params_permutation, scratch_none}},
    /* the first number that is not 0, with its place above 32 bits (-1 where is_matrix), or 0 */
    {.schema = "aotc::first_info(Tensor info, bool is_matrix) -> Tensor",
     .kind = OP_TEMPLATE,
     .infer = infer_first_info,
     .template_kind = TEMPLATE_CALL,
     .call =
         &(const CallDesc){
             "rt_first_info", "linalg_factor", {1, 0}, true, params_first_info, scratch_none}},
    /* ends the run with PyTorch's words for `api_name` where info is not 0 */
    {.schema = "aotc::assert_info(Tensor info, str api_name) -> ()", .kind = OP_EFFECT},
    CALL(geqrf, "linalg_qr", infer_geqrf, params_matrix, scratch_matrix_row, (2, 2, 1),
         (2, 2, 2, 2, 1, 1), "(Tensor a) -> (Tensor a, Tensor tau)",
         "(Tensor re, Tensor im) -> (Tensor re, Tensor im, Tensor tau_re, Tensor tau_im)"),
    CALL(orgqr, "linalg_qr", infer_orgqr, params_orgqr, scratch_orgqr, (2, 1, 2),
         (2, 2, 1, 1, 2, 2), "(Tensor v, Tensor tau) -> Tensor",
         "(Tensor v_re, Tensor v_im, Tensor tau_re, Tensor tau_im) -> (Tensor re, Tensor im)"),
    /* the product of all reflections, or its adjoint, times c */
    CALL(ormqr, "linalg_qr", infer_ormqr, params_ormqr, scratch_ormqr, (2, 1, 2, 2),
         (2, 2, 1, 1, 2, 2, 2, 2), "(Tensor v, Tensor tau, Tensor c, bool adjoint) -> Tensor",
         "(Tensor v_re, Tensor v_im, Tensor tau_re, Tensor tau_im, Tensor c_re, Tensor c_im, bool "
         "adjoint) -> (Tensor re, Tensor im)"),
    /* the lower triangle; pivots as LAPACK's sytrf and hetrf give them */
    CALL(ldl, "linalg_ldl", infer_ldl, params_ldl, scratch_ldl, (2, 2, 1, 0), (2, 2, 2, 2, 1, 0),
         "(Tensor a, bool hermitian) -> (Tensor ld, Tensor pivots, Tensor info)",
         "(Tensor re, Tensor im, bool hermitian) -> (Tensor re, Tensor im, Tensor pivots, Tensor "
         "info)"),
    CALL(ldl_solve, "linalg_ldl", infer_solve, params_ldl_solve, scratch_two, (2, 2, 1, 2),
         (2, 2, 2, 2, 1, 2, 2), "(Tensor ld, Tensor b, Tensor pivots, bool hermitian) -> Tensor",
         "(Tensor ld_re, Tensor ld_im, Tensor b_re, Tensor b_im, Tensor pivots, bool hermitian) "
         "-> (Tensor re, Tensor im)"),
    CALL(matrix_exp, "linalg_exp", infer_matrix_exp, params_matrix, scratch_matrix_exp, (2, 2),
         (2, 2, 2, 2), "(Tensor a) -> Tensor", "(Tensor re, Tensor im) -> (Tensor re, Tensor im)"),
    /* the solution of least norm; squares of residuals; diagonal elements of R above rcond (f64)
     * times the first */
    CALL(lstsq, "linalg_qr", infer_lstsq, params_lstsq, scratch_lstsq, (2, 2, 0, 2, 1, 0),
         (2, 2, 2, 2, 0, 2, 2, 1, 0),
         "(Tensor a, Tensor b, Tensor rcond) -> (Tensor x, Tensor residuals, Tensor rank)",
         "(Tensor a_re, Tensor a_im, Tensor b_re, Tensor b_im, Tensor rcond) -> (Tensor re, Tensor "
         "im, Tensor residuals, Tensor rank)"),
    /* vectors as rows; values in ascending order */
    CALL(eigh, "spectral_eigh", infer_eigh, params_eigh, scratch_eigh, (2, 2, 1), (2, 2, 2, 2, 1),
         "(Tensor a, bool upper) -> (Tensor vectors, Tensor values)",
         "(Tensor re, Tensor im, bool upper) -> (Tensor re, Tensor im, Tensor values)"),
    CALL(eigvalsh, "spectral_eigh", infer_eigvalsh, params_eigh, scratch_eigh, (2, 1), (2, 2, 1),
         "(Tensor a, bool upper) -> Tensor", "(Tensor re, Tensor im, bool upper) -> Tensor"),
    /* U^T, conj(V), values in descending order */
    CALL(svd, "spectral_svd", infer_svd, params_svd, scratch_svd, (2, 2, 2, 1),
         (2, 2, 2, 2, 2, 2, 1), "(Tensor a, bool full) -> (Tensor ut, Tensor v, Tensor values)",
         "(Tensor re, Tensor im, bool full) -> (Tensor ut_re, Tensor ut_im, Tensor v_re, Tensor "
         "v_im, Tensor values)"),
    CALL(svdvals, "spectral_svd", infer_svdvals, params_svd, scratch_svd, (2, 1), (2, 2, 1),
         "(Tensor a) -> Tensor", "(Tensor re, Tensor im) -> Tensor"),
    /* complex values and vectors, as rows; always called by parts */
    EIG("eig", "rt_eig", (2, 1, 2), "(Tensor a) -> (Tensor values, Tensor vectors)"),
    EIG("eig_real", "rt_eig", (2, 1, 1, 2, 2), "(Tensor a)" EIG_PARTS),
    EIG("eig_complex", "rt_eig_complex", (2, 2, 1, 1, 2, 2), "(Tensor re, Tensor im)" EIG_PARTS),
    EIG("eigvals", "rt_eigvals", (2, 1), "(Tensor a) -> Tensor"),
    EIG("eigvals_real", "rt_eigvals", (2, 1, 1), "(Tensor a) -> (Tensor re, Tensor im)"),
    EIG("eigvals_complex", "rt_eigvals_complex", (2, 2, 1, 1),
        "(Tensor re, Tensor im) -> (Tensor re, Tensor im)"),
    {0},
};
