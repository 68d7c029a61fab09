/* Template nodes: their operands become strided views of buffers, their raw result a buffer of its
 * own; what PyTorch does to the raw result (bias, alpha, beta, the final cast) is a scalar
 * expression of it, so that it fuses like any other. */
#include "passes/lower_template.h"
#include "ir/ops/shape_util.h"

#include <math.h>
#include <string.h>

static bool is(const Node *node, const char *base)
{
    return !strcmp(node->schema->base, base);
}

/* self * beta + alpha * the product */
static bool is_scaled(const Node *node)
{
    return is(node, "addmm") || is(node, "baddbmm");
}

Error *lower_refuse(const Node *node, const char *what)
{
    return node_error(node, E_UNSUPPORTED, "%s: %s", node->schema->name, what);
}

/* ---- what is done to a raw result ------------------------------------------------------------ */

bool arg_is_one(const Arg *arg)
{
    return (arg->kind == ARG_FLOAT && !arg->expr && arg->number == 1) ||
           ((arg->kind == ARG_INT || arg->kind == ARG_BOOL) && expr_is_value(arg->expr, 1));
}

static bool is_zero(const Arg *arg)
{
    return (arg->kind == ARG_FLOAT && !arg->expr && arg->number == 0) ||
           ((arg->kind == ARG_INT || arg->kind == ARG_BOOL) && expr_is_value(arg->expr, 0));
}

Scalar *arg_scalar(LowerCx *cx, const Arg *arg, DType dtype)
{
    if (arg->kind == ARG_FLOAT && !arg->expr)
        return dtype_is_float(dtype) ? scalar_float(cx->scalars, dtype, arg->number)
                                     : scalar_int(cx->scalars, dtype, (int64_t)arg->number);
    const Expr *e = arg_as_expr(arg);
    DType own = e->type == EXPR_TYPE_FLOAT ? DT_F64 : e->type == EXPR_TYPE_BOOL ? DT_BOOL : DT_I64;
    return scalar_cast(cx->scalars, dtype, scalar_index(cx->scalars, own, e));
}

/* The additive operand and its index: bias over the last dim (linear), over dim 1 (convolution),
 * broadcast (addmm). */
static Value *added_value(const Node *node)
{
    if (is(node, "linear") || is(node, "convolution"))
        return node_tensor(node, "bias");
    if (is_scaled(node))
        return is_zero(node_arg(node, "beta")) ? NULL : node_tensor(node, "self");
    return NULL;
}

bool template_is_raw(const Node *node)
{
    return !added_value(node) && (!is_scaled(node) || arg_is_one(node_arg(node, "alpha")));
}

Scalar *template_element(LowerCx *cx, Lower *lo, Node *node, const Expr *const *index, Scalar *mask)
{
    Value   *out = node->results[0];
    Lowered *l = lowered(lo, out);
    DType    dtype = l->raw->dtype;
    Scalar  *x = scalar_load(cx->scalars, l->raw, buffer_index(lo, l->raw, index), mask);
    if (!l->raw_is_value)
        trace_node(lo, node);
    if (is_scaled(node) && !arg_is_one(node_arg(node, "alpha")))
        x = scalar_2(cx->scalars, S_MUL, x, arg_scalar(cx, node_arg(node, "alpha"), dtype));
    Value *added = added_value(node);
    if (added) {
        const Expr *at[MAX_RANK];
        int         rank = out->type.rank, skip = rank - added->type.rank;
        if (is(node, "convolution"))
            at[0] = index[1];
        else
            for (int d = 0; d < added->type.rank; d++)
                at[d] = expr_is_value(added->type.sizes[d], 1) ? expr_int(cx->ir->exprs, 0)
                                                               : index[skip + d];
        Scalar *b = scalar_cast(cx->scalars, dtype, load_element(cx, added, at, mask));
        if (is_scaled(node) && !arg_is_one(node_arg(node, "beta")))
            b = scalar_2(cx->scalars, S_MUL, b, arg_scalar(cx, node_arg(node, "beta"), dtype));
        x = scalar_2(cx->scalars, S_ADD, x, b);
    }
    return scalar_cast(cx->scalars, out->type.dtype, x);
}

/* ---- helpers --------------------------------------------------------------------------------- */

static Symbol **fresh_vars(Lower *lo, const Expr *const *sizes, int n)
{
    Symbol **vars = ARENA_ARRAY(lo->ir->arena, Symbol *, n + 1);
    for (int i = 0; i < n; i++)
        vars[i] = expr_symbol_index(lo->ir->exprs, "i", sizes[i]);
    return vars;
}

void set_outer(Lower *lo, Kernel *k, const Expr *const *sizes, int n)
{
    k->outer_sizes = arena_memdup(lo->ir->arena, sizes, (size_t)n * sizeof *sizes);
    k->outer = fresh_vars(lo, sizes, n);
    k->n_outer = n;
}

Buffer *raw_buffer(Lower *lo, Value *out, DType dtype, const int *order)
{
    int plain[MAX_RANK];
    for (int d = 0; d < out->type.rank; d++)
        plain[d] = d;
    Buffer *b = new_buffer(
        lo, BUFFER_TEMP, out->name, dtype, out->type.rank, out->type.sizes,
        strides_in_order(lo->ir, out->type.sizes, out->type.rank, order ? order : plain));
    Lowered *l = lowered(lo, out);
    l->raw = b;
    return b;
}

/* One stride for the leading n dims taken as one (row-major), if there is one. */
static bool merge_leading(Ir *ir, const Operand *o, const Expr *const *sizes, int n,
                          const Expr **stride)
{
    *stride = NULL;
    const Expr *next = NULL;
    for (int d = n - 1; d >= 0; d--) {
        if (expr_is_value(sizes[d], 1))
            continue;
        if (!*stride)
            *stride = o->strides[d];
        else if (o->strides[d] != next)
            return false;
        next = expr_mul(ir->exprs, o->strides[d], sizes[d]);
    }
    if (!*stride)
        *stride = expr_int(ir->exprs, 0);
    return true;
}

static Error *copy_operand(Lower *lo, Value *value, Operand *out)
{
    Buffer *copy = new_buffer(lo, BUFFER_TEMP, value->name, value->type.dtype, value->type.rank,
                              value->type.sizes, NULL);
    TRY(store_value(lo, value, copy));
    *out = (Operand){copy, copy->offset, copy->strides, copy->rank};
    return NULL;
}

Operand operand_pick(Ir *ir, const Operand *o, const Expr *const *strides, int n)
{
    Operand p = *o;
    p.strides = arena_memdup(ir->arena, strides, (size_t)n * sizeof *strides);
    p.n = n;
    return p;
}

DType accumulator_dtype(DType dtype)
{
    return dtype_compute(dtype);
}

/* ---- GEMM ------------------------------------------------------------------------------------ */

/* b from a constant in panels, else strided (batch…, k, n). is_kn: the value's last two dims are
 * (k, n). */
static Error *gemm_b(Lower *lo, Value *b, bool is_kn, int n_batch, Operand *out)
{
    Buffer *panels = NULL;
    if (!n_batch)
        TRY(packed_gemm_operand(lo, b, is_kn, &panels));
    if (panels) {
        *out = (Operand){panels, expr_int(lo->ir->exprs, 0), NULL, 0};
        return NULL;
    }
    Operand o;
    TRY(operand_of(lo, b, &o));
    const Expr *strides[MAX_RANK];
    for (int d = 0; d < n_batch; d++)
        strides[d] = expr_is_value(b->type.sizes[d], 1) ? expr_int(lo->ir->exprs, 0) : o.strides[d];
    strides[n_batch] = o.strides[n_batch + (is_kn ? 0 : 1)];
    strides[n_batch + 1] = o.strides[n_batch + (is_kn ? 1 : 0)];
    *out = operand_pick(lo->ir, &o, strides, n_batch + 2);
    return NULL;
}

static void gemm_finish(Lower *lo, Kernel *k, const Node *node, Value *out, const Gemm *gemm)
{
    ExprPool   *p = lo->ir->exprs;
    const Expr *sizes[MAX_RANK + 2];
    for (int i = 0; i < gemm->n_batch; i++)
        sizes[i] = gemm->batch[i];
    sizes[gemm->n_batch] = gemm->m;
    sizes[gemm->n_batch + 1] = gemm->n;
    set_outer(lo, k, sizes, gemm->n_batch + 2);
    k->gemm = *gemm;
    Lowered *l = lowered(lo, out);
    l->raw_is_value = template_is_raw(node) && l->raw->dtype == out->type.dtype;
    k->result = l->raw;
    const Expr *flops =
        expr_mul(p, expr_int(p, 2), expr_mul(p, gemm->m, expr_mul(p, gemm->n, gemm->k)));
    k->flops = expr_mul(p, flops, expr_product(p, gemm->batch, gemm->n_batch));
    add_kernel(lo, k, node);
}

/* x[…, K] times a matrix: leading dims are one m. */
static Error *lower_linear(Lower *lo, Node *node, Value *x, Value *w, bool is_kn)
{
    Ir         *ir = lo->ir;
    Value      *out = node->results[0];
    Kernel     *k = new_kernel(lo, KERNEL_GEMM, node);
    Gemm        g = {.dtype = x->type.dtype, .accumulate = accumulator_dtype(x->type.dtype)};
    int         rank = x->type.rank;
    Operand     a;
    const Expr *m_stride;
    TRY(operand_of(lo, x, &a));
    if (!merge_leading(ir, &a, x->type.sizes, rank - 1, &m_stride)) {
        TRY(copy_operand(lo, x, &a));
        merge_leading(ir, &a, x->type.sizes, rank - 1, &m_stride);
    }
    const Expr *strides[2] = {m_stride, a.strides[rank - 1]};
    g.a = operand_pick(ir, &a, strides, 2);
    g.m = expr_product(ir->exprs, x->type.sizes, rank - 1);
    g.k = x->type.sizes[rank - 1];
    g.n = out->type.sizes[out->type.rank - 1];
    if (w->type.rank != 2)
        return lower_refuse(node, "a weight that is not a matrix");
    TRY(gemm_b(lo, w, is_kn, 0, &g.b));
    raw_buffer(lo, out, g.accumulate, NULL);
    gemm_finish(lo, k, node, out, &g);
    return NULL;
}

static Error *lower_bmm(Lower *lo, Node *node, Value *x, Value *y)
{
    Ir     *ir = lo->ir;
    Value  *out = node->results[0];
    Kernel *k = new_kernel(lo, KERNEL_GEMM, node);
    Gemm    g = {.dtype = x->type.dtype, .accumulate = accumulator_dtype(x->type.dtype)};
    Operand a;
    TRY(operand_of(lo, x, &a));
    g.n_batch = 1;
    g.batch = arena_memdup(ir->arena, out->type.sizes, sizeof *out->type.sizes);
    const Expr *strides[3] = {expr_is_value(x->type.sizes[0], 1) ? expr_int(ir->exprs, 0)
                                                                 : a.strides[0],
                              a.strides[1], a.strides[2]};
    g.a = operand_pick(ir, &a, strides, 3);
    g.m = x->type.sizes[1];
    g.k = x->type.sizes[2];
    g.n = y->type.sizes[2];
    TRY(gemm_b(lo, y, true, 1, &g.b));
    raw_buffer(lo, out, g.accumulate, NULL);
    gemm_finish(lo, k, node, out, &g);
    return NULL;
}

/* Operands of the operators that are products; overload "dtype" states the dtype of the result. */
static Error *lower_product(Lower *lo, Node *node)
{
    static const struct {
        const char *base, *a, *b;
    } products[] = {{"linear", "input", "weight"},
                    {"mm", "self", "mat2"},
                    {"addmm", "mat1", "mat2"},
                    {"bmm", "self", "mat2"},
                    {"baddbmm", "batch1", "batch2"}};
    for (size_t i = 0; i < sizeof products / sizeof *products; i++) {
        if (strcmp(node->schema->base, products[i].base) != 0)
            continue;
        Value *a = node_tensor(node, products[i].a), *b = node_tensor(node, products[i].b);
        return strstr(products[i].base, "bmm") ? lower_bmm(lo, node, a, b)
                                               : lower_linear(lo, node, a, b, i > 0);
    }
    return lower_refuse(node, "no kernel for this product");
}

Error *lower_template(Lower *lo, Node *node)
{
    switch (node->op->template_kind) {
    case TEMPLATE_GEMM:
        return lower_product(lo, node);
    case TEMPLATE_CONV:
        return lower_conv(lo, node);
    case TEMPLATE_ATTENTION:
        return lower_attention(lo, node);
    case TEMPLATE_SCATTER:
        return lower_scatter(lo, node);
    case TEMPLATE_SCAN:
        return lower_scan(lo, node);
    case TEMPLATE_SORT:
        return lower_sort(lo, node);
    case TEMPLATE_LSTM:
    case TEMPLATE_GRU:
        return lower_recurrent(lo, node);
    case TEMPLATE_EMBEDDING_BAG:
        return lower_embedding_bag(lo, node);
    case TEMPLATE_NONZERO:
        return lower_nonzero(lo, node);
    case TEMPLATE_MOVE:
        return lower_move(lo, node);
    case TEMPLATE_ITEM:
        return lower_item(lo, node);
    case TEMPLATE_CALL:
        return lower_call(lo, node);
    case TEMPLATE_CUSTOM:
        return lower_custom(lo, node);
    default:
        break;
    }
    return lower_refuse(node, "no kernel for this operator yet");
}
