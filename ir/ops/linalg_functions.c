/* LDL factorizations, the exponential of a matrix, and tensors as matrices of inverses and systems.
 */
#include "ir/ops/linalg.h"
#include "ir/ops/rows.h"

#include <string.h>

/* ---- LDL ------------------------------------------------------------------------------------- */

static Error *expand_ldl_factor(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *a = node_tensor(node, "self");
    bool   is_ex = schema_param(node->schema, "check_errors") >= 0;
    TRY(la_check_matrices(node, 1));
    Node *made = BUILD_NODE(&b, "aotc.ldl", arg_value(a), *node_arg(node, "hermitian"));
    if (b.error)
        return b.error;
    for (int i = 0; i < node->n_results; i++)
        results[i] = made->results[i];
    results[0] = la_columns(&b, results[0]);
    if (!is_ex || node_bool(node, "check_errors"))
        la_check(&b, made->results[2],
                 is_ex ? "torch.linalg.ldl_factor_ex" : "torch.linalg.ldl_factor",
                 a->type.rank == 2);
    return b.error;
}

static Error *expand_ldl_solve(Node *node, Value **results)
{
    Build       b = build_at(node);
    const Expr *sizes[MAX_RANK];
    Value      *a = node_tensor(node, "LD"), *x = node_tensor(node, "B");
    TRY(la_check_matrices(node, 1));
    if (x->type.rank < 2)
        return node_error(node, E_VALUE, "B of rank %d", x->type.rank);
    la_broadcast_batch(&b, node, &a, &x);
    if (b.error)
        return b.error;
    int n = a->type.rank - 1;
    memcpy(sizes, a->type.sizes, sizeof *sizes * (size_t)n);
    Value *pivots = build_expand_to(&b, node_tensor(node, "pivots"), sizes, n);
    if (b.error)
        return b.error;
    x = BUILD(&b, "aotc.ldl_solve", arg_value(a), arg_value(x), arg_value(pivots),
              *node_arg(node, "hermitian"));
    results[0] = b.error ? NULL : la_columns(&b, x);
    return b.error;
}

/* ---- exponential ----------------------------------------------------------------------------- */

static Error *expand_matrix_exp(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *a = node->args[0].value;
    DType  dtype = a->type.dtype;
    TRY(la_check_matrices(node, 1));
    if (dtype == DT_F16 || dtype == DT_BF16)
        return node_error(node, E_UNSUPPORTED,
                          "a matrix exponential in %s: PyTorch's own result there comes of memory "
                          "that it never set; convert to float32 before and back after",
                          dtype_name(dtype));
    results[0] = BUILD(&b, "aotc.matrix_exp", arg_value(a));
    return b.error;
}

/* ---- tensors as matrices --------------------------------------------------------------------- */

static Error *expand_tensorinv(Node *node, Value **results)
{
    Build       b = build_at(node);
    ExprPool   *p = shape_pool(node);
    Value      *x = node_tensor(node, "self"), *info;
    int         rank = x->type.rank;
    int64_t     ind = node_int(node, "ind");
    const Expr *sizes[MAX_RANK];
    if (ind < 1 || ind >= rank)
        return node_error(node, E_VALUE, "ind %lld of a tensor of rank %d", (long long)ind, rank);
    int         n = (int)ind;
    const Expr *square[2] = {expr_product(p, x->type.sizes, n),
                             expr_product(p, x->type.sizes + n, rank - n)};
    int64_t     rows, cols;
    if (expr_is_int(square[0], &rows) && expr_is_int(square[1], &cols) && rows != cols)
        return node_error(node, E_VALUE, "%lld and %lld elements on both sides", (long long)rows,
                          (long long)cols);
    square[1] = square[0];
    x = la_inverse(&b, node, build_reshape(&b, x, square, 2), &info);
    if (b.error)
        return b.error;
    const TensorType *t = &node_tensor(node, "self")->type;
    memcpy(sizes, t->sizes + n, sizeof *sizes * (size_t)(rank - n));
    memcpy(sizes + rank - n, t->sizes, sizeof *sizes * (size_t)n);
    results[0] = build_reshape(&b, x, sizes, rank);
    la_check(&b, info, "inv", true);
    return b.error;
}

/* dims go to the end. */
static Error *move_to_end(Build *b, const Node *node, Value **x)
{
    int  dims[MAX_RANK], order[MAX_RANK], n, count = 0, rank = (*x)->type.rank;
    bool moves[MAX_RANK] = {false};
    TRY(shape_dims(node, "dims", rank, dims, &n));
    for (int i = 0; i < n; i++)
        moves[dims[i]] = true;
    for (int d = 0; d < rank; d++)
        if (!moves[d])
            order[count++] = d;
    memcpy(order + count, dims, sizeof *dims * (size_t)n);
    *x = n ? build_permute(b, *x, order, rank) : *x;
    return b->error;
}

static Error *expand_tensorsolve(Node *node, Value **results)
{
    Build       b = build_at(node);
    ExprPool   *p = shape_pool(node);
    Value      *a = node_tensor(node, "self"), *x = node_tensor(node, "other");
    int         n = x->type.rank;
    const Expr *all = tensor_numel(b.graph->ir, &x->type), *square[2] = {all, all};
    TRY(move_to_end(&b, node, &a));
    int rank = a->type.rank;
    if (rank < n)
        return node_error(node, E_VALUE, "operands of rank %d and %d", rank, n);
    const Expr *sizes[MAX_RANK];
    memcpy(sizes, a->type.sizes + n, sizeof *sizes * (size_t)(rank - n));
    if (!shape_same(p, expr_product(p, sizes, rank - n), all))
        return node_error(node, E_VALUE, "tensors of %s and %s do not make a square system",
                          tensor_type_text(b.graph->ir->arena, &a->type),
                          tensor_type_text(b.graph->ir->arena, &x->type));
    a = build_reshape(&b, a, square, 2);
    x = build_reshape(&b, x, &all, 1);
    x = b.error ? NULL : BUILD(&b, "aten.linalg_solve.default", arg_value(a), arg_value(x));
    results[0] = b.error ? NULL : build_reshape(&b, x, sizes, rank - n);
    return b.error;
}

const OpDesc linalg_function_ops[] = {
    EXPAND_FN("aten::linalg_ldl_factor_ex(Tensor self, *, bool hermitian=False, bool "
              "check_errors=False) -> (Tensor LD, Tensor pivots, Tensor info)",
              expand_ldl_factor,
              .samples =
                  "self=f32[3,3]@definite | self=f64[2,4,4]@[0,1,2,3,1,0,1,5,2,1,0,-3,3,5,-3,0] | "
                  "self=f32[2,2]@[0] | self=f32[0,0] | self=f64[3,3]@definite hermitian=true | ! "
                  "self=f32[2,3]"),
    EXPAND_FN("aten::linalg_ldl_factor(Tensor self, *, bool hermitian=False) -> (Tensor LD, Tensor "
              "pivots)",
              expand_ldl_factor, .samples = "self=f32[3,3]@definite"),
    EXPAND_FN("aten::linalg_ldl_solve(Tensor LD, Tensor pivots, Tensor B, *, bool hermitian=False) "
              "-> Tensor",
              expand_ldl_solve,
              .samples = "LD=f32[3,3]@definite pivots=i32[3]@[1,2,3] B=f32[3,2] | "
                         "LD=f64[3,3]@definite pivots=i32[3]@[2,-3,-3] B=f64[2,3,1]"),
    EXPAND_FN("aten::linalg_matrix_exp(Tensor self) -> Tensor", expand_matrix_exp,
              .samples = "self=f32[3,3] | self=f64[2,4,4]@-9..9 | "
                         "self=f32[0,0] | self=f32[1,1] | "
                         "self=f32[2,3,3]@0..0 | ! self=f32[2,3] | ! self=i64[2,2]"),
    EXPAND_FN("aten::matrix_exp(Tensor self) -> Tensor", expand_matrix_exp,
              .samples = "self=f32[3,3]"),
    EXPAND_FN("aten::linalg_tensorinv(Tensor self, int ind=2) -> Tensor", expand_tensorinv,
              .samples = "self=f64[2,3,6] ind=2 | self=f64[6,3,2] ind=1 | ! self=f32[2,3,4] | ! "
                         "self=f32[2,2]@[0] ind=1"),
    EXPAND_FN("aten::linalg_tensorsolve(Tensor self, Tensor other, int[]? dims=None) -> Tensor",
              expand_tensorsolve,
              .samples = "self=f64[2,3,6] other=f64[2,3] | self=f64[2,6,3] other=f64[2,3] dims=[1] "
                         "| ! self=f32[2,3,4] other=f32[2,3]"),
    {0},
};
