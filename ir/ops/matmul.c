/* Matrix products.  mm, bmm, addmm, baddbmm and linear stay for the GEMM template; everything else
 * becomes one of them:
 *
 *   aten.matmul.default(%x: f32[8,s0,64], %w: f32[64,32])
 *     -> reshape to [8*s0,64], mm, reshape to [8,s0,32]      one large product, a weight that can
 *                                                            be packed
 *
 * In: a node.  Out: types of the template rows, or nodes that replace a composite. */
#include "ir/ops/matmul.h"
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <string.h>

/* ---- template rows --------------------------------------------------------------------------- */
Error *matmul_check_inner(const Node *node, const Expr *a, const Expr *b)
{
    int64_t x, y;
    if (expr_is_int(a, &x) && expr_is_int(b, &y) && x != y)
        return node_error(node, E_VALUE, "inner sizes %lld and %lld differ", (long long)x,
                          (long long)y);
    return NULL;
}

static Error *check_dtypes(const Node *node, const TensorType *a, const TensorType *b)
{
    if (a->dtype != b->dtype)
        return node_error(node, E_VALUE, "operands of dtype %s and %s", dtype_name(a->dtype),
                          dtype_name(b->dtype));
    return NULL;
}

/* a [B,] M x K times b [B,] K x N. */
static Error *product(Node *node, const TensorType *a, const TensorType *b, int rank, DType dtype)
{
    if (a->rank != rank || b->rank != rank)
        return node_error(node, E_VALUE, "operands of rank %d and %d, not %d", a->rank, b->rank,
                          rank);
    TRY(check_dtypes(node, a, b));
    TRY(matmul_check_inner(node, a->sizes[rank - 1], b->sizes[rank - 2]));
    if (rank == 3)
        TRY(matmul_check_inner(node, a->sizes[0], b->sizes[0]));
    const Expr *sizes[3] = {a->sizes[0], a->sizes[rank - 2], b->sizes[rank - 1]};
    /* a constant batch says more than a symbol that has to equal it */
    if (rank == 3 && expr_is_const(b->sizes[0]))
        sizes[0] = b->sizes[0];
    shape_result(node, 0, dtype, rank == 3 ? sizes : sizes + 1, rank);
    return NULL;
}

static DType out_dtype(const Node *node, const TensorType *a)
{
    return schema_param(node->schema, "out_dtype") >= 0 ? node_arg(node, "out_dtype")->dtype
                                                        : a->dtype;
}

static Error *infer_mm(Node *node)
{
    const TensorType *a = shape_type(node, "self");
    return product(node, a, shape_type(node, "mat2"), 2, out_dtype(node, a));
}

static Error *infer_bmm(Node *node)
{
    const TensorType *a = shape_type(node, "self");
    return product(node, a, shape_type(node, "mat2"), 3, out_dtype(node, a));
}

static Error *infer_add_product(Node *node)
{
    bool              batch = schema_param(node->schema, "batch1") >= 0;
    const TensorType *a = shape_type(node, batch ? "batch1" : "mat1"),
                     *bias = shape_type(node, "self");
    const TensorType *b = shape_type(node, batch ? "batch2" : "mat2");
    const Expr       *both[MAX_RANK];
    int               n;
    TRY(product(node, a, b, batch ? 3 : 2, out_dtype(node, a)));
    const TensorType *out = node_result_type(node, 0);
    TRY(shape_broadcast(node, bias->sizes, bias->rank, out->sizes, out->rank, both, &n));
    return n == out->rank ? NULL : node_error(node, E_VALUE, "self has rank %d", bias->rank);
}

static Error *infer_linear(Node *node)
{
    const TensorType *x = shape_type(node, "input"), *w = shape_type(node, "weight");
    const Expr       *sizes[MAX_RANK];
    if (x->rank < 1 || w->rank < 1 || w->rank > 2)
        return node_error(node, E_VALUE, "input of rank %d, weight of rank %d", x->rank, w->rank);
    TRY(check_dtypes(node, x, w));
    TRY(matmul_check_inner(node, x->sizes[x->rank - 1], w->sizes[w->rank - 1]));
    if (w->rank == 1)
        return node_error(node, E_UNSUPPORTED, "a weight of rank 1 is not supported");
    memcpy(sizes, x->sizes, sizeof *sizes * (size_t)x->rank);
    sizes[x->rank - 1] = w->sizes[0];
    shape_result(node, 0, x->dtype, sizes, x->rank);
    return NULL;
}

/* ---- matmul ---------------------------------------------------------------------------------- */
static Value *mm(Build *b, Value *x, Value *y)
{
    return BUILD(b, "aten.mm.default", arg_value(x), arg_value(y));
}

static Value *bmm(Build *b, Value *x, Value *y)
{
    return BUILD(b, "aten.bmm.default", arg_value(x), arg_value(y));
}

/* x [..., K] times y [K, N]: leading dims fold into rows. */
static Value *folded_mm(Build *b, Value *x, Value *y)
{
    ExprPool   *pool = b->graph->ir->exprs;
    int         rank = x->type.rank;
    const Expr *sizes[MAX_RANK];
    const Expr *flat[2] = {expr_product(pool, x->type.sizes, rank - 1), x->type.sizes[rank - 1]};
    memcpy(sizes, x->type.sizes, sizeof *sizes * (size_t)rank);
    sizes[rank - 1] = y->type.sizes[1];
    Value *out = mm(b, rank == 2 ? x : build_reshape(b, x, flat, 2), y);
    return rank == 2 ? out : build_reshape(b, out, sizes, rank);
}

/* Both of rank 2 or more, one of 3 or more: batch dims broadcast and folded. */
static Error *batched(Build *b, Node *node, Value *x, Value *y, Value **out)
{
    ExprPool         *pool = shape_pool(node);
    const TensorType *s = &x->type, *t = &y->type;
    const Expr       *batch[MAX_RANK], *xs[MAX_RANK], *ys[MAX_RANK], *os[MAX_RANK];
    int               n;
    TRY(shape_broadcast(node, s->sizes, s->rank - 2, t->sizes, t->rank - 2, batch, &n));
    memcpy(xs, batch, sizeof *xs * (size_t)n);
    memcpy(ys, batch, sizeof *ys * (size_t)n);
    memcpy(os, batch, sizeof *os * (size_t)n);
    os[n] = xs[n] = s->sizes[s->rank - 2];
    xs[n + 1] = s->sizes[s->rank - 1];
    ys[n] = t->sizes[t->rank - 2];
    os[n + 1] = ys[n + 1] = t->sizes[t->rank - 1];
    const Expr *all = expr_product(pool, batch, n);
    const Expr *x3[3] = {all, xs[n], xs[n + 1]}, *y3[3] = {all, ys[n], ys[n + 1]};
    x = build_expand_to(b, x, xs, n + 2);
    y = build_expand_to(b, y, ys, n + 2);
    if (n != 1) {
        x = build_reshape(b, x, x3, 3);
        y = build_reshape(b, y, y3, 3);
    }
    Value *z = bmm(b, x, y);
    *out = n == 1 ? z : build_reshape(b, z, os, n + 2);
    return b->error;
}

static Error *matmul(Build *b, Node *node, Value *x, Value *y, Value **out)
{
    int rx = x->type.rank, ry = y->type.rank;
    if (rx == 0 || ry == 0)
        return node_error(node, E_VALUE, "both operands need rank 1 or more");
    if (rx == 1 && ry == 1) {
        *out = BUILD(b, "aten.dot.default", arg_value(x), arg_value(y));
        return b->error;
    }
    Value *left = rx == 1 ? build_unsqueeze(b, x, 0) : x;
    Value *right = ry == 1 ? build_unsqueeze(b, y, 1) : y;
    if (b->error)
        return b->error;
    Value *z = NULL;
    if (right->type.rank == 2)
        z = folded_mm(b, left, right);
    else
        TRY(batched(b, node, left, right, &z));
    if (rx == 1 && !b->error)
        z = build_squeeze(b, z, z->type.rank - 2);
    if (ry == 1 && !b->error)
        z = build_squeeze(b, z, z->type.rank - 1);
    *out = z;
    return b->error;
}

static Error *expand_matmul(Node *node, Value **results)
{
    Build b = build_at(node);
    return matmul(&b, node, node->args[0].value, node->args[1].value, &results[0]);
}

/* The products below sum over the last dim of both: element products in f32 for short types. */
static Error *expand_dot(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value      *x = node->args[0].value, *y = node->args[1].value;
    const Expr *minus = shape_int(node, -1), *one = shape_int(node, 1);
    if (x->type.rank != 1 || y->type.rank != 1)
        return node_error(node, E_VALUE, "takes vectors, not ranks %d and %d", x->type.rank,
                          y->type.rank);
    TRY(matmul_check_inner(node, x->type.sizes[0], y->type.sizes[0]));
    y = build_reshape(&b, y, (const Expr *[]){minus, one}, 2);
    x = build_reshape(&b, x, (const Expr *[]){one, minus}, 2);
    Value *z = b.error ? NULL : mm(&b, x, y);
    results[0] = build_reshape(&b, z, NULL, 0);
    return b.error;
}

static Error *expand_mv(Node *node, Value **results)
{
    Build b = build_at(node);
    results[0] = build_squeeze(
        &b, mm(&b, node->args[0].value, build_unsqueeze(&b, node->args[1].value, 1)), 1);
    return b.error;
}

static Error *expand_outer(Node *node, Value **results)
{
    Build b = build_at(node);
    results[0] = BUILD(&b, "aten.mul.Tensor",
                       arg_value(build_unsqueeze(&b, node->args[0].value, 1)), node->args[1]);
    return b.error;
}

/* A factor in the dtype of the tensor: integers cut fractions off. */
static Arg factor(const Build *b, const Node *node, const char *name, DType dtype)
{
    const Arg *arg = node_arg(node, name);
    return arg->kind == ARG_FLOAT && !dtype_is_float(dtype)
               ? arg_int(b->graph, (int64_t)arg->number)
               : *arg;
}

static bool is_number(const Arg *arg, double number)
{
    return arg->kind == ARG_FLOAT ? !arg->expr && arg->number == number
                                  : expr_is_value(arg_as_expr(arg), (int64_t)number);
}

/* beta * self + alpha * z; beta == 0 ignores self, NaN included. */
static Value *scale_add(Build *b, Node *node, Value *z)
{
    Graph *g = b->graph;
    if (b->error)
        return NULL;
    Arg beta = factor(b, node, "beta", z->type.dtype),
        alpha = factor(b, node, "alpha", z->type.dtype);
    if (!is_number(&alpha, 1))
        z = BUILD(b, "aten.mul.Scalar", arg_value(z), alpha);
    if (is_number(&beta, 0) || b->error)
        return z;
    Value *self = node_tensor(node, "self");
    if (!is_number(&beta, 1))
        self = BUILD(b, "aten.mul.Scalar", arg_value(self), beta);
    return BUILD(b, "aten.add.Tensor", arg_value(self), arg_value(z), arg_int(g, 1));
}

static Error *expand_addmv(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *z = BUILD(&b, "aten.mv.default", *node_arg(node, "mat"), *node_arg(node, "vec"));
    results[0] = scale_add(&b, node, z);
    return b.error;
}

/* beta and self, or alpha and z */
static Value *scale_add_bool(Build *b, Node *node, Value *z)
{
    Value *self = node_tensor(node, "self");
    if (is_number(node_arg(node, "alpha"), 0))
        z = BUILD(b, "aten.zeros_like.default", arg_value(z));
    if (is_number(node_arg(node, "beta"), 0))
        return z;
    return BUILD(b, "aten.logical_or.default", arg_value(self), arg_value(z));
}

/* x times a factor that is rounded to the dtype of x first. */
static Value *scale_rounded(Build *b, Node *node, const char *name, Value *x)
{
    Arg by = factor(b, node, name, x->type.dtype);
    if (is_number(&by, 1))
        return x;
    Value *number = BUILD(b, "aten.full.default", arg_list(NULL, 0), by, arg_dtype(x->type.dtype));
    return b->error ? NULL : BUILD(b, "aten.mul.Tensor", arg_value(x), arg_value(number));
}

/* beta self + (alpha vec1) vec2, each step rounded, as in eager PyTorch (LinearAlgebraKernel.cpp).
 */
static Error *expand_addr(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *self = node_tensor(node, "self"), *x = node_tensor(node, "vec1");
    bool   is_bool = x->type.dtype == DT_BOOL && self->type.dtype == DT_BOOL;
    bool   same = x->type.dtype == self->type.dtype && !is_bool;
    if (same)
        x = scale_rounded(&b, node, "alpha", x);
    if (b.error)
        return b.error;
    Value *z = BUILD(&b, "aten.outer.default", arg_value(x), *node_arg(node, "vec2"));
    if (b.error)
        return b.error;
    results[0] = z;
    if (!same) {
        is_bool &= z->type.dtype == DT_BOOL;
        results[0] = is_bool ? scale_add_bool(&b, node, z) : scale_add(&b, node, z);
    } else if (!is_number(node_arg(node, "beta"), 0)) {
        Value *scaled = scale_rounded(&b, node, "beta", self);
        results[0] = b.error ? NULL : BUILD(&b, "aten.add.Tensor", arg_value(scaled), arg_value(z));
    }
    return b.error;
}

/* The sum over the batch is a product over batch and k together. */
static Error *expand_addbmm(Node *node, Value **results)
{
    Build             b = build_at(node);
    ExprPool         *pool = shape_pool(node);
    Value            *x = node_tensor(node, "batch1"), *y = node_tensor(node, "batch2");
    const TensorType *s = &x->type, *t = &y->type;
    TRY(shape_check_rank(node, "batch1", 3, 3));
    TRY(shape_check_rank(node, "batch2", 3, 3));
    const Expr *k = expr_mul(pool, s->sizes[0], s->sizes[2]);
    const Expr *xs[2] = {s->sizes[1], k}, *ys[2] = {k, t->sizes[2]};
    x = build_reshape(&b, build_permute(&b, x, (const int[]){1, 0, 2}, 3), xs, 2);
    Value *z = mm(&b, x, build_reshape(&b, y, ys, 2));
    results[0] = scale_add(&b, node, z);
    return b.error;
}

static Error *expand_addmm_activation(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *z = build_args(&b, "aten.addmm.default", node->args, 5);
    results[0] = BUILD(&b, node_bool(node, "use_gelu") ? "aten.gelu.default" : "aten.relu.default",
                       arg_value(z));
    return b.error;
}

/* ---- chains, kron, vecdot -------------------------------------------------------------------- */
static Error *expand_chain(Node *node, Value **results)
{
    Build   b = build_at(node);
    Value **v;
    int     n;
    TRY(shape_tensors(node, node->schema->params[0].name, &v, &n));
    if (n == 0)
        return node_error(node, E_VALUE, "needs a matrix");
    Value *z = v[0];
    for (int i = 1; i < n; i++)
        TRY(matmul(&b, node, z, v[i], &z));
    results[0] = z;
    return b.error;
}

static Error *expand_matrix_power(Node *node, Value **results)
{
    Build   b = build_at(node);
    Value  *x = shape_first_tensor(node), *z = NULL;
    int64_t n;
    TRY(shape_const_int(node, "n", &n));
    if (n < 0) {
        x = BUILD(&b, "aten.linalg_inv.default", arg_value(x));
        n = -n;
    }
    if (b.error)
        return b.error;
    if (n == 0) {
        const TensorType *t = &x->type;
        if (t->rank < 2)
            return node_error(node, E_VALUE, "the power of a tensor of rank %d", t->rank);
        Value *one =
            BUILD(&b, "aten.eye.default", arg_expr(t->sizes[t->rank - 1]), arg_dtype(t->dtype));
        results[0] = build_expand_to(&b, one, t->sizes, t->rank);
        return b.error;
    }
    for (; n > 0; n /= 2) {
        if (n % 2 && z)
            TRY(matmul(&b, node, z, x, &z));
        else if (n % 2)
            z = x;
        if (n > 1)
            TRY(matmul(&b, node, x, x, &x));
    }
    results[0] = z;
    return NULL;
}

/* Dims interleave: [a0, 1, a1, 1] times [1, b0, 1, b1], then pairs are joined. */
static Error *expand_kron(Node *node, Value **results)
{
    Build       b = build_at(node);
    ExprPool   *pool = shape_pool(node);
    Value      *x = node->args[0].value, *y = node->args[1].value;
    int         rx = x->type.rank, ry = y->type.rank, rank = rx > ry ? rx : ry;
    const Expr *xs[MAX_RANK], *ys[MAX_RANK], *os[MAX_RANK], *one = expr_int(pool, 1);
    if (2 * rank > MAX_RANK)
        return node_error(node, E_LIMIT, "rank %d is too large", rank);
    for (int d = 0; d < rank; d++) {
        int i = d - (rank - rx), k = d - (rank - ry);
        xs[2 * d] = i >= 0 ? x->type.sizes[i] : one;
        ys[2 * d + 1] = k >= 0 ? y->type.sizes[k] : one;
        xs[2 * d + 1] = ys[2 * d] = one;
        os[d] = expr_mul(pool, xs[2 * d], ys[2 * d + 1]);
    }
    y = build_reshape(&b, y, ys, 2 * rank);
    x = build_reshape(&b, x, xs, 2 * rank);
    Value *z = b.error ? NULL : BUILD(&b, "aten.mul.Tensor", arg_value(x), arg_value(y));
    results[0] = build_reshape(&b, z, os, rank);
    return b.error;
}

static Error *expand_vecdot(Node *node, Value **results)
{
    Build   b = build_at(node);
    int64_t dim;
    TRY(shape_const_int(node, "dim", &dim));
    Value *z = BUILD(&b, "aten.mul.Tensor", node->args[0], node->args[1]);
    results[0] = BUILD(&b, "aten.sum.dim_IntList", arg_value(z), arg_ints(b.graph, &dim, 1));
    return b.error;
}

/* The sum over sumdim of i1 i2 i3, each with dims of size 1 at its expand dims. */
static Error *expand_trilinear(Node *node, Value **results)
{
    static const char *const names[][2] = {{"i1", "expand1"}, {"i2", "expand2"}, {"i3", "expand3"}};
    Build                    b = build_at(node);
    Value                   *product = NULL;
    int                      dims[MAX_RANK], n;
    for (int i = 0; i < 3 && !b.error; i++) {
        Value *x = node_tensor(node, names[i][0]);
        TRY(shape_dims(node, names[i][1], MAX_RANK, dims, &n));
        for (int d = 0; d < MAX_RANK && !b.error; d++) /* in order of dims */
            for (int k = 0; k < n; k++)
                if (dims[k] == d)
                    x = build_unsqueeze(&b, x, d);
        product = !product || b.error
                      ? x
                      : BUILD(&b, "aten.mul.Tensor", arg_value(product), arg_value(x));
    }
    if (b.error)
        return b.error;
    TRY(shape_dims(node, "sumdim", product->type.rank, dims, &n));
    results[0] =
        n ? BUILD(&b, "aten.sum.dim_IntList", arg_value(product), arg_dims(b.graph, dims, n))
          : product;
    return b.error;
}

#define GEMM(text, infer_fn, ...) TEMPLATE(text, TEMPLATE_GEMM, infer_fn, __VA_ARGS__)
const OpDesc matmul_ops[] = {
    GEMM("aten::mm(Tensor self, Tensor mat2) -> Tensor", infer_mm,
         .samples =
             "self=f32[3,4] mat2=f32[4,5] | self=f32[0,4] mat2=f32[4,5] | self=f32[3,0] "
             "mat2=f32[0,2] | self=f64[2,3] mat2=f64[3,2] | self=bf16[5,7] mat2=bf16[7,3] | "
             "self=f16[4,4] mat2=f16[4,4] | self=i64[2,3] mat2=i64[3,2] | self=f32[3,4]{1,3} "
             "mat2=f32[4,5] | self=f32[17,33] mat2=f32[33,19] | ! self=f32[3,4] mat2=f32[3,4] | ! "
             "self=f32[3,4] mat2=f64[4,2] | ! self=f32[3] mat2=f32[3,2]"),
    GEMM("aten::bmm(Tensor self, Tensor mat2) -> Tensor", infer_bmm,
         .samples =
             "self=f32[2,3,4] mat2=f32[2,4,5] | self=f32[0,3,4] mat2=f32[0,4,5] | self=bf16[2,3,3] "
             "mat2=bf16[2,3,3] | self=f64[1,2,3] mat2=f64[1,3,1] | self=f32[2,3,4]{12,1,3} "
             "mat2=f32[2,4,2] | ! self=f32[2,3,4] mat2=f32[3,4,5] | ! self=f32[3,4] mat2=f32[4,3]"),
    GEMM("aten::addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> "
         "Tensor",
         infer_add_product,
         .samples =
             "self=f32[5] mat1=f32[3,4] mat2=f32[4,5] | self=f32[3,5] mat1=f32[3,4] mat2=f32[4,5] "
             "beta=0.5 alpha=2 | self=f32[3,1] mat1=f32[3,4] mat2=f32[4,5] beta=0 | self=bf16[3] "
             "mat1=bf16[2,4] mat2=bf16[4,3] | self=i64[3] mat1=i64[2,4] mat2=i64[4,3] alpha=2 | "
             "self=f32[2] mat1=f32[3,0] mat2=f32[0,2] | ! self=f32[4] mat1=f32[3,4] mat2=f32[4,5]"),
    GEMM("aten::baddbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar "
         "alpha=1) -> Tensor",
         infer_add_product,
         .samples = "self=f32[2,3,5] batch1=f32[2,3,4] batch2=f32[2,4,5] | self=f32[5] "
                    "batch1=f32[2,3,4] batch2=f32[2,4,5] beta=2 alpha=0.5 | ! self=f32[4] "
                    "batch1=f32[2,3,4] batch2=f32[2,4,5]"),
    GEMM("aten::mm.dtype(Tensor self, Tensor mat2, ScalarType out_dtype) -> Tensor", infer_mm,
         .samples = "self=bf16[5,7] mat2=bf16[7,3] out_dtype=f32 | self=f16[40,70] mat2=f16[70,30] "
                    "out_dtype=f32"),
    GEMM("aten::bmm.dtype(Tensor self, Tensor mat2, ScalarType out_dtype) -> Tensor", infer_bmm,
         .samples = "self=bf16[2,5,7] mat2=bf16[2,7,3] out_dtype=f32"),
    GEMM("aten::addmm.dtype(Tensor self, Tensor mat1, Tensor mat2, ScalarType out_dtype, *, Scalar "
         "beta=1, Scalar alpha=1) -> Tensor",
         infer_add_product,
         .samples = "self=f32[3] mat1=bf16[5,7] mat2=bf16[7,3] out_dtype=f32 | self=f32[5,3] "
                    "mat1=f16[5,7] mat2=f16[7,3] out_dtype=f32 beta=0.5 alpha=2"),
    GEMM("aten::baddbmm.dtype(Tensor self, Tensor batch1, Tensor batch2, ScalarType out_dtype, *, "
         "Scalar beta=1, Scalar alpha=1) -> Tensor",
         infer_add_product,
         .samples = "self=f32[2,5,3] batch1=bf16[2,5,7] batch2=bf16[2,7,3] out_dtype=f32"),
    GEMM("aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor", infer_linear,
         .samples =
             "input=f32[3,4] weight=f32[5,4] bias=f32[5] | input=f32[2,3,4] weight=f32[5,4] | "
             "input=f32[4] weight=f32[5,4] bias=f32[5] | input=bf16[3,7] weight=bf16[2,7] "
             "bias=bf16[2] | input=f32[0,4] weight=f32[5,4] | ! input=f32[3,4] weight=f32[5,3]"),

    EXPAND_FN("aten::matmul(Tensor self, Tensor other) -> Tensor", expand_matmul,
              .samples =
                  "self=f32[3,4] other=f32[4,5] | self=f32[4] other=f32[4] | self=f32[3,4] "
                  "other=f32[4] | self=f32[4] other=f32[4,5] | self=f32[2,3,4] other=f32[4,5] | "
                  "self=f32[2,1,3,4] other=f32[5,4,2] | self=f32[4] other=f32[2,4,3] | "
                  "self=i64[2,2] other=i64[2,2] | self=f16[2,3] other=f16[3,2] | ! self=f32[] "
                  "other=f32[3] | ! self=f32[3,4] other=f32[3]"),
    EXPAND_FN("aten::linalg_matmul(Tensor self, Tensor other) -> Tensor", expand_matmul,
              .samples = "self=f32[3,4] other=f32[4,5]"),
    EXPAND_FN("aten::dot(Tensor self, Tensor tensor) -> Tensor", expand_dot,
              .samples = "self=f32[5] tensor=f32[5] | self=i64[3] tensor=i64[3] | self=f32[0] "
                         "tensor=f32[0] | self=bf16[9] tensor=bf16[9] | ! self=f32[3] "
                         "tensor=f32[4] | ! self=f32[3] tensor=f64[3]"),
    EXPAND_FN("aten::vdot(Tensor self, Tensor other) -> Tensor", expand_dot,
              .samples = "self=f32[5] other=f32[5]"),
    EXPAND_FN("aten::mv(Tensor self, Tensor vec) -> Tensor", expand_mv,
              .samples = "self=f32[3,4] vec=f32[4] | self=f64[2,0] vec=f64[0] | self=i64[2,3] "
                         "vec=i64[3] | ! self=f32[3,4] vec=f32[3]"),
    EXPAND_FN("aten::outer(Tensor self, Tensor vec2) -> Tensor", expand_outer,
              .samples = "self=f32[3] vec2=f32[4] | self=i64[2] vec2=i64[3] | self=f32[0] "
                         "vec2=f32[2] | ! self=f32[2,2] vec2=f32[2]"),
    EXPAND_FN("aten::ger(Tensor self, Tensor vec2) -> Tensor", expand_outer,
              .samples = "self=f32[3] vec2=f32[4] | self=i64[2] vec2=i64[3] | self=f32[0] "
                         "vec2=f32[2] | ! self=f32[2,2] vec2=f32[2]"),
    EXPAND_FN("aten::addmv(Tensor self, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) "
              "-> Tensor",
              expand_addmv,
              .samples = "self=f32[3] mat=f32[3,4] vec=f32[4] | self=f32[] mat=f32[3,4] vec=f32[4] "
                         "beta=0.5 alpha=2 | self=f32[3] mat=f32[3,4] vec=f32[4] beta=0"),
    EXPAND_FN("aten::addr(Tensor self, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1) "
              "-> Tensor",
              expand_addr,
              .samples = "self=f32[3,4] vec1=f32[3] vec2=f32[4] | self=f32[4] vec1=f32[3] "
                         "vec2=f32[4] beta=0.5 alpha=2 | self=bool[3,4] vec1=bool[3] vec2=bool[4] "
                         "beta=3 alpha=2 | self=bool[3,4] vec1=bool[3] vec2=bool[4] beta=0"),
    EXPAND_FN("aten::addbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar "
              "alpha=1) -> Tensor",
              expand_addbmm,
              .samples = "self=f32[3,5] batch1=f32[2,3,4] batch2=f32[2,4,5] | self=f32[5] "
                         "batch1=f32[2,3,4] batch2=f32[2,4,5] beta=0.5 alpha=2"),
    EXPAND_FN("aten::_addmm_activation(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, "
              "Scalar alpha=1, bool "
              "use_gelu=False) -> Tensor",
              expand_addmm_activation,
              .samples = "self=f32[5] mat1=f32[3,4] mat2=f32[4,5] | self=f32[5] mat1=f32[3,4] "
                         "mat2=f32[4,5] use_gelu=true"),
    EXPAND_FN(
        "aten::kron(Tensor self, Tensor other) -> Tensor", expand_kron,
        .samples =
            "self=f32[2,3] other=f32[3,2] | self=f32[2] other=f32[2,2] | self=i64[2] other=i64[3]"),
    EXPAND_FN("aten::chain_matmul(Tensor[] matrices) -> Tensor", expand_chain,
              .samples = "matrices=[f32[2,3],f32[3,4],f32[4,2]]"),
    EXPAND_FN("aten::linalg_multi_dot(Tensor[] tensors) -> Tensor", expand_chain,
              .samples = "tensors=[f32[2,3],f32[3,4],f32[4,2]] | tensors=[f32[3],f32[3,4],f32[4]]"),
    EXPAND_FN(
        "aten::matrix_power(Tensor self, int n) -> Tensor", expand_matrix_power,
        .samples =
            "self=f32[3,3] n=3 | self=f32[2,3,3] n=0 | self=f64[2,2] n=1 | ! self=f32[2,3] n=2"),
    EXPAND_FN("aten::linalg_matrix_power(Tensor self, int n) -> Tensor", expand_matrix_power,
              .samples = "self=f32[3,3] n=3 | self=f32[2,3,3] n=0 | self=f64[2,2] n=1 | "
                         "self=f64[2,2,2]@definite n=-3 | self=f64[2,2]@definite n=-1 | ! "
                         "self=f32[2,2]@[0] n=-1 | ! self=f32[2,3] n=2"),
    EXPAND_FN("aten::linalg_vecdot(Tensor x, Tensor y, *, int dim=-1) -> Tensor", expand_vecdot,
              .samples =
                  "x=f32[3,4] y=f32[3,4] | x=f32[3,4] y=f32[3,4] dim=0 | x=f32[4] y=f32[2,4]"),
    EXPAND_FN(
        "aten::_trilinear(Tensor i1, Tensor i2, Tensor i3, int[] expand1, int[] expand2, int[] "
        "expand3, int[] sumdim, int unroll_dim=1) -> Tensor",
        expand_trilinear,
        .samples = "i1=f32[5,3] i2=f32[2,3,4] i3=f32[5,4] expand1=[1,3] expand2=[0] "
                   "expand3=[1,2] sumdim=[2,3]"),
    {0},
};
