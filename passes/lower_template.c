/* Template nodes: their operands become strided views of buffers, their raw result a buffer of its
 * own; what PyTorch does to the raw result (bias, alpha, beta, the final cast) is a scalar
 * expression of it, so that it fuses like any other. */
#include "passes/lower_internal.h"
#include "ir/ops/shape_util.h"

#include <math.h>
#include <string.h>

static bool is(const Node *node, const char *name)
{
    return !strcmp(node->schema->name, name);
}

static Error *refuse(const Node *node, const char *what)
{
    return node_error(node, E_UNSUPPORTED, "%s: %s", node->schema->name, what);
}

/* ---- what is done to a raw result ------------------------------------------------------------ */

static bool is_one(const Arg *arg)
{
    return (arg->kind == ARG_FLOAT && !arg->expr && arg->number == 1) ||
           ((arg->kind == ARG_INT || arg->kind == ARG_BOOL) && expr_is_value(arg->expr, 1));
}

static bool is_zero(const Arg *arg)
{
    return (arg->kind == ARG_FLOAT && !arg->expr && arg->number == 0) ||
           ((arg->kind == ARG_INT || arg->kind == ARG_BOOL) && expr_is_value(arg->expr, 0));
}

static Scalar *arg_scalar(LowerCx *cx, const Arg *arg, DType dtype)
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
    if (is(node, "aten.linear.default") || is(node, "aten.convolution.default"))
        return node_tensor(node, "bias");
    if (is(node, "aten.addmm.default") || is(node, "aten.baddbmm.default"))
        return is_zero(node_arg(node, "beta")) ? NULL : node_tensor(node, "self");
    return NULL;
}

bool template_is_raw(const Node *node)
{
    bool scaled = (is(node, "aten.addmm.default") || is(node, "aten.baddbmm.default")) &&
                  !is_one(node_arg(node, "alpha"));
    return !added_value(node) && !scaled;
}

Scalar *template_element(LowerCx *cx, Lower *lo, Node *node, const Expr *const *index, Scalar *mask)
{
    Value   *out = node->results[0];
    Lowered *l = lowered(lo, out);
    DType    dtype = l->raw->dtype;
    Scalar  *x = scalar_load(cx->scalars, l->raw, buffer_index(lo, l->raw, index), mask);
    if (!l->raw_is_value)
        trace_node(lo, node);
    bool scaled = is(node, "aten.addmm.default") || is(node, "aten.baddbmm.default");
    if (scaled && !is_one(node_arg(node, "alpha")))
        x = scalar_2(cx->scalars, S_MUL, x, arg_scalar(cx, node_arg(node, "alpha"), dtype));
    Value *added = added_value(node);
    if (added) {
        const Expr *at[MAX_RANK];
        int         rank = out->type.rank, skip = rank - added->type.rank;
        if (is(node, "aten.convolution.default"))
            at[0] = index[1];
        else
            for (int d = 0; d < added->type.rank; d++)
                at[d] = expr_is_value(added->type.sizes[d], 1) ? expr_int(cx->ir->exprs, 0)
                                                               : index[skip + d];
        Scalar *b = scalar_cast(cx->scalars, dtype, load_element(cx, added, at, mask));
        if (scaled && !is_one(node_arg(node, "beta")))
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

static void set_outer(Lower *lo, Kernel *k, const Expr *const *sizes, int n)
{
    k->outer_sizes = arena_memdup(lo->ir->arena, sizes, (size_t)n * sizeof *sizes);
    k->outer = fresh_vars(lo, sizes, n);
    k->n_outer = n;
}

static Buffer *raw_buffer(Lower *lo, Value *out, DType dtype, const int *order)
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

static Operand operand_pick(Ir *ir, const Operand *o, const Expr *const *strides, int n)
{
    Operand p = *o;
    p.strides = arena_memdup(ir->arena, strides, (size_t)n * sizeof *strides);
    p.n = n;
    return p;
}

static DType accumulator(DType dtype)
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
    Gemm        g = {.dtype = x->type.dtype, .accumulate = accumulator(x->type.dtype)};
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
        return refuse(node, "a weight that is not a matrix");
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
    Gemm    g = {.dtype = x->type.dtype, .accumulate = accumulator(x->type.dtype)};
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

/* ---- convolution ----------------------------------------------------------------------------- */

static bool const_list(const Node *node, const char *name, int spatial, int64_t fallback,
                       int64_t *out)
{
    Arg *a = node_arg(node, name);
    for (int d = 0; d < 3; d++)
        out[d] = fallback;
    for (int d = 0; d < spatial; d++) {
        const Arg *item = a->kind != ARG_LIST ? a : &a->items[a->n_items == 1 ? 0 : d];
        if (item->kind != ARG_INT || !expr_is_int(item->expr, &out[3 - spatial + d]))
            return false;
    }
    return true;
}

static Error *conv_shape(Node *node, Conv *c)
{
    Value *x = node_tensor(node, "input"), *w = node_tensor(node, "weight"),
          *out = node->results[0];
    ExprPool *p = node->graph->ir->exprs;
    c->spatial = x->type.rank - 2;
    if (node_bool(node, "transposed"))
        return refuse(node, "a transposed convolution reached lowering");
    if (c->spatial < 1 || c->spatial > 3)
        return refuse(node, "needs 1 to 3 spatial dims and a batch dim");
    if (!const_list(node, "stride", c->spatial, 1, c->stride) ||
        !const_list(node, "padding", c->spatial, 0, c->padding) ||
        !const_list(node, "dilation", c->spatial, 1, c->dilation))
        return refuse(node, "symbolic stride, padding or dilation");
    c->groups = node_int(node, "groups");
    c->batch = x->type.sizes[0];
    if (!expr_is_int(x->type.sizes[1], &c->in_channels) ||
        !expr_is_int(w->type.sizes[0], &c->out_channels))
        return refuse(node, "a symbolic number of channels");
    for (int d = 0; d < 3; d++) {
        int s = d - (3 - c->spatial);
        c->in[d] = s < 0 ? expr_int(p, 1) : x->type.sizes[2 + s];
        c->out[d] = s < 0 ? expr_int(p, 1) : out->type.sizes[2 + s];
        c->kernel[d] = 1;
        if (s >= 0 && !expr_is_int(w->type.sizes[2 + s], &c->kernel[d]))
            return refuse(node, "a symbolic kernel size");
    }
    c->dtype = x->type.dtype;
    return NULL;
}

/* A weight that is computed at run time, in the order that CUDA kernels take: a copy like any
 * other.
 */
static Error *ordered_conv_weight(Lower *lo, Value *w, Conv *c, bool depthwise)
{
    int     order[MAX_RANK], n = 0, rank = w->type.rank;
    Buffer *b;
    if (!depthwise)
        order[n++] = 0;
    for (int d = 2; d < rank; d++)
        order[n++] = d;
    if (depthwise)
        order[n++] = 0;
    order[n] = 1;
    b = new_buffer(lo, BUFFER_TEMP, "ordered_weight", w->type.dtype, rank, w->type.sizes,
                   strides_in_order(lo->ir, w->type.sizes, rank, order));
    TRY(store_value(lo, w, b));
    c->weight = (Operand){b, expr_int(lo->ir->exprs, 0), NULL, 0};
    return NULL;
}

static Error *conv_weight(Lower *lo, Value *w, Conv *c, bool depthwise)
{
    Ir      *ir = lo->ir;
    PackConv pack = {.groups = c->groups,
                     .oc = c->out_channels,
                     .ic = c->in_channels,
                     .depthwise = depthwise,
                     .plain = lower_for_cuda(lo) && !depthwise};
    memcpy(pack.kernel, c->kernel, sizeof pack.kernel);
    Buffer *packed;
    TRY(packed_conv_weight(lo, w, pack, &packed));
    if (packed) {
        c->weight = (Operand){packed, expr_int(ir->exprs, 0), NULL, 0};
        return NULL;
    }
    if (lower_for_cuda(lo))
        return ordered_conv_weight(lo, w, c, depthwise);
    /* A weight that is computed at run time: packed by a kernel before this one. */
    Operand o;
    TRY(operand_of(lo, w, &o));
    const Expr *strides[5] = {o.strides[0], o.strides[1]};
    for (int d = 0; d < 3; d++)
        strides[2 + d] =
            d < 3 - c->spatial ? expr_int(ir->exprs, 0) : o.strides[2 + d - (3 - c->spatial)];
    pack.from = operand_pick(ir, &o, strides, 5);
    int64_t per_group = c->out_channels / c->groups,
            taps = c->kernel[0] * c->kernel[1] * c->kernel[2];
    const Expr *numel = expr_int(ir->exprs, depthwise ? c->out_channels * taps
                                                      : c->groups * ((per_group + 15) / 16 * 16) *
                                                            taps * (c->in_channels / c->groups));
    pack.to = new_buffer(lo, BUFFER_TEMP, "packed_weight", w->type.dtype, 1, &numel, NULL);
    Kernel *k = new_kernel(lo, KERNEL_PACK_CONV, w->def);
    k->pack_conv = pack;
    add_kernel(lo, k, w->def);
    c->weight = (Operand){pack.to, expr_int(ir->exprs, 0), NULL, 0};
    return NULL;
}

static Error *lower_conv(Lower *lo, Node *node)
{
    Ir    *ir = lo->ir;
    Value *x = node_tensor(node, "input"), *out = node->results[0];
    Conv   c = {0};
    TRY(conv_shape(node, &c));
    bool    depthwise = c.groups == c.in_channels && c.groups == c.out_channels && c.groups > 1;
    Kernel *k = new_kernel(lo, depthwise ? KERNEL_DEPTHWISE : KERNEL_CONV, node);
    Operand o;
    TRY(operand_of(lo, x, &o));
    const Expr *strides[5] = {o.strides[0], NULL, NULL, NULL, o.strides[1]};
    for (int d = 0; d < 3; d++)
        strides[1 + d] =
            d < 3 - c.spatial ? expr_int(ir->exprs, 0) : o.strides[2 + d - (3 - c.spatial)];
    c.x = operand_pick(ir, &o, strides, 5);
    TRY(conv_weight(lo, node_tensor(node, "weight"), &c, depthwise));
    int order[MAX_RANK] = {0}, n = 1;
    for (int d = 2; d < out->type.rank; d++)
        order[n++] = d;
    order[n] = 1;
    Lowered *l = lowered(lo, out);
    k->result = raw_buffer(lo, out, accumulator(c.dtype), order);
    l->raw_is_value = template_is_raw(node) && l->raw->dtype == out->type.dtype;
    const Expr *sizes[6] = {c.batch, c.out[0], c.out[1], c.out[2],
                            expr_int(ir->exprs, c.out_channels)};
    set_outer(lo, k, sizes, 5);
    k->conv = c;
    const Expr *points = expr_product(ir->exprs, sizes, 5);
    k->flops = expr_mul(ir->exprs, points,
                        expr_int(ir->exprs, 2 * c.kernel[0] * c.kernel[1] * c.kernel[2] *
                                                c.in_channels / c.groups));
    add_kernel(lo, k, node);
    return NULL;
}

/* ---- attention ------------------------------------------------------------------------------- */

static Operand attention_operand(Ir *ir, Value *v, const Operand *o)
{
    const Expr *strides[MAX_RANK];
    for (int d = 0; d < v->type.rank; d++)
        strides[d] = d < v->type.rank - 2 && expr_is_value(v->type.sizes[d], 1)
                         ? expr_int(ir->exprs, 0)
                         : o->strides[d];
    return operand_pick(ir, o, strides, v->type.rank);
}

static Error *attention_mask(Lower *lo, Node *node, Value *mask, const Attention *a, int rank,
                             Loop **out)
{
    ScalarPool *pool = scalar_pool_create(lo->ir->exprs);
    Loop       *loop = new_loop(lo, LOOP_POINTWISE, rank, pool, node);
    const Expr *index[MAX_RANK], *own[MAX_RANK];
    for (int d = 0; d < rank; d++) {
        loop->sizes[d] = d < rank - 2 ? a->batch[d] : d == rank - 2 ? a->q_len : a->kv_len;
        loop->vars[d] = expr_symbol_index(lo->ir->exprs, "i", loop->sizes[d]);
        index[d] = loop->vars[d]->self;
    }
    int skip = rank - mask->type.rank;
    for (int d = 0; d < mask->type.rank; d++)
        own[d] =
            expr_is_value(mask->type.sizes[d], 1) ? expr_int(lo->ir->exprs, 0) : index[skip + d];
    Scalar *x = load_element(lower_cx(lo, pool, node), mask, own, NULL);
    if (lo->failed)
        return lo->failed;
    loop->value = x->dtype == DT_BOOL ? x : scalar_cast(pool, DT_F32, x);
    *out = loop;
    return NULL;
}

static Error *lower_attention(Lower *lo, Node *node)
{
    Ir    *ir = lo->ir;
    Value *q = node_tensor(node, "query"), *kk = node_tensor(node, "key"),
          *v = node_tensor(node, "value");
    Value  *mask = node_tensor(node, "attn_mask"), *out = node->results[0];
    int     rank = q->type.rank;
    Kernel *k = new_kernel(lo, KERNEL_ATTENTION, node);
    Operand oq, ok, ov;
    if (rank < 3 || rank != kk->type.rank || rank != v->type.rank)
        return refuse(node, "query, key and value need the same rank, at least 3");
    Attention a = {.n_batch = rank - 2,
                   .group = 1,
                   .dtype = q->type.dtype,
                   .causal = node_bool(node, "is_causal")};
    a.batch =
        arena_memdup(ir->arena, out->type.sizes, (size_t)(rank - 2) * sizeof *out->type.sizes);
    a.q_len = q->type.sizes[rank - 2];
    a.kv_len = kk->type.sizes[rank - 2];
    a.d = q->type.sizes[rank - 1];
    a.dv = v->type.sizes[rank - 1];
    int64_t d = 0, heads, kv_heads;
    Arg    *scale = node_arg(node, "scale");
    if (scale->kind == ARG_NONE) {
        if (!expr_is_int(a.d, &d))
            return refuse(node, "a symbolic head size without a scale");
        a.scale = d ? 1 / sqrt((double)d) : 1;
    } else {
        a.scale = node_float(node, "scale");
    }
    if (q->type.sizes[rank - 3] != kk->type.sizes[rank - 3] &&
        !expr_is_value(kk->type.sizes[rank - 3], 1)) {
        if (!expr_is_int(q->type.sizes[rank - 3], &heads) ||
            !expr_is_int(kk->type.sizes[rank - 3], &kv_heads) || heads % kv_heads)
            return refuse(node, "numbers of query and key heads that do not divide");
        a.group = heads / kv_heads;
    }
    TRY(operand_of(lo, q, &oq));
    TRY(operand_of(lo, kk, &ok));
    TRY(operand_of(lo, v, &ov));
    a.q = attention_operand(ir, q, &oq);
    a.k = attention_operand(ir, kk, &ok);
    a.v = attention_operand(ir, v, &ov);
    if (mask)
        TRY(attention_mask(lo, node, mask, &a, rank, &a.mask));
    /* Heads inside positions: the transpose and reshape that follow every attention are then views.
     */
    int order[MAX_RANK], n = 0;
    for (int b = 0; b < rank - 3; b++)
        order[n++] = b;
    order[n++] = rank - 2;
    order[n++] = rank - 3;
    order[n++] = rank - 1;
    k->result = raw_buffer(lo, out, accumulator(a.dtype), order);
    lowered(lo, out)->raw_is_value = lowered(lo, out)->raw->dtype == out->type.dtype;
    set_outer(lo, k, out->type.sizes, rank);
    k->attention = a;
    const Expr *per =
        expr_mul(ir->exprs, a.q_len, expr_mul(ir->exprs, a.kv_len, expr_add(ir->exprs, a.d, a.dv)));
    k->flops = expr_mul(ir->exprs, expr_int(ir->exprs, 2),
                        expr_mul(ir->exprs, per, expr_product(ir->exprs, a.batch, a.n_batch)));
    add_kernel(lo, k, node);
    return NULL;
}

/* ---- scatter: the base is copied, then elements are stored at computed places ---------------- */

typedef struct ScatterCx {
    Lower      *lo;
    Node       *node;
    Loop       *loop;
    LowerCx    *cx;
    Value      *base;
    const Expr *at[MAX_RANK]; /* index in the base */
    bool clears; /* this loop gives the elements that will be written the value that changes nothing
                  */
} ScatterCx;

static void scatter_vars(ScatterCx *s, const Expr *const *sizes, int rank, const Expr **index)
{
    s->loop->n_dims = 0;
    index[0] =
        expr_int(s->lo->ir->exprs, 0); /* a tensor of one dim may stand beside one without dims */
    for (int d = 0; d < rank; d++) {
        index[d] = expr_int(s->lo->ir->exprs, 0);
        if (expr_is_value(sizes[d], 1))
            continue;
        Symbol *var = expr_symbol_index(s->lo->ir->exprs, "i", sizes[d]);
        s->loop->vars[s->loop->n_dims] = var;
        s->loop->sizes[s->loop->n_dims++] = sizes[d];
        index[d] = var->self;
    }
}

static const Expr *indirect_at(ScatterCx *s, Value *index_tensor, const Expr *const *at,
                               const Expr *bound)
{
    Scalar *i = load_element(s->cx, index_tensor, at, NULL);
    return scalar_indirect(s->cx->scalars, scalar_cast(s->cx->scalars, DT_I64, i), bound, "index");
}

static void broadcast_at(Ir *ir, const Value *v, const Expr *const *index, int rank,
                         const Expr **at)
{
    for (int d = 0; d < v->type.rank; d++)
        at[d] = expr_is_value(v->type.sizes[d], 1) ? expr_int(ir->exprs, 0)
                                                   : index[rank - v->type.rank + d];
}

/* index_put: index tensors broadcast together; they stand where the first of adjacent ones stands,
 * else in front. */
static Error *scatter_index_put(ScatterCx *s)
{
    Ir               *ir = s->lo->ir;
    Arg              *list = node_arg(s->node, "indices");
    const TensorType *types[MAX_RANK];
    int               n = 0, first = -1, last = -1, rank = s->base->type.rank;
    for (int d = 0; d < list->n_items; d++) {
        if (list->items[d].kind == ARG_NONE)
            continue;
        if (list->items[d].value->type.dtype == DT_BOOL)
            return refuse(s->node, "boolean masks as indices");
        types[n++] = &list->items[d].value->type;
        first = first < 0 ? d : first;
        last = d;
    }
    bool               adjacent = n && last - first + 1 == n;
    const Expr *const *cast;
    int                cast_rank;
    TRY(infer_broadcast(s->node, types, n, &cast, &cast_rank));
    /* iteration space: as the result of index.Tensor */
    const Expr *sizes[2 * MAX_RANK] = {0}, *index[2 * MAX_RANK];
    int         total = 0, cast_at = 0, base_dim_at[MAX_RANK];
    if (!adjacent) {
        for (int c = 0; c < cast_rank; c++)
            sizes[total++] = cast[c];
    }
    for (int d = 0; d < rank; d++) {
        bool indexed = d < list->n_items && list->items[d].kind != ARG_NONE;
        if (indexed && adjacent && d == first) {
            cast_at = total;
            for (int c = 0; c < cast_rank; c++)
                sizes[total++] = cast[c];
        }
        if (!indexed) {
            base_dim_at[d] = total;
            sizes[total++] = s->base->type.sizes[d];
        }
    }
    if (total > MAX_RANK)
        return refuse(s->node, "too many dims");
    scatter_vars(s, sizes, total, index);
    for (int d = 0; d < rank; d++) {
        if (d >= list->n_items || list->items[d].kind == ARG_NONE) {
            s->at[d] = index[base_dim_at[d]];
            continue;
        }
        const Expr *at[MAX_RANK];
        broadcast_at(ir, list->items[d].value, index + cast_at, cast_rank, at);
        s->at[d] = indirect_at(s, list->items[d].value, at, s->base->type.sizes[d]);
    }
    Value      *values = node_tensor(s->node, "values");
    const Expr *at[MAX_RANK];
    broadcast_at(ir, values, index, total, at);
    s->loop->value = load_element(s->cx, values, at, NULL);
    s->loop->accumulate = node_bool(s->node, "accumulate");
    return NULL;
}

/* What leaves every other operand of the reduction as it is. */
static Scalar *reduce_identity(ScatterCx *s, ReduceOp op)
{
    ScalarPool *pool = s->cx->scalars;
    DType       dtype = s->base->type.dtype;
    bool        is_max = op == REDUCE_MAX;
    if (op == REDUCE_SUM || op == REDUCE_PROD)
        return scalar_int(pool, dtype, op == REDUCE_PROD);
    if (dtype_is_float(dtype))
        return scalar_float(pool, dtype, is_max ? -INFINITY : INFINITY);
    if (dtype == DT_BOOL || dtype == DT_U8)
        return scalar_int(pool, dtype, is_max ? 0 : dtype == DT_BOOL ? 1 : UINT8_MAX);
    int     bits = dtype_size(dtype) * 8;
    int64_t lowest = bits == 64 ? INT64_MIN : -((int64_t)1 << (bits - 1));
    return scalar_int(pool, dtype, is_max ? lowest : -1 - lowest);
}

static Error *reduce_as_named(ScatterCx *s)
{
    static const struct {
        const char *name;
        ReduceOp    op;
    } table[] = {{"sum", REDUCE_SUM},       {"add", REDUCE_SUM},  {"prod", REDUCE_PROD},
                 {"multiply", REDUCE_PROD}, {"amax", REDUCE_MAX}, {"amin", REDUCE_MIN}};
    const char *name = node_arg(s->node, "reduce")->string;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(name, table[i].name)) {
            s->loop->accumulate = !s->clears;
            s->loop->accumulate_op = table[i].op;
            if (s->clears)
                s->loop->value = reduce_identity(s, table[i].op);
            return NULL;
        }
    return node_error(s->node, E_UNSUPPORTED, "%s: reduction \"%s\"", s->node->schema->name, name);
}

/* put: the index counts elements of the base in row-major order; source has the same number of
 * elements. */
static Error *scatter_put(ScatterCx *s)
{
    ExprPool         *pool = s->lo->ir->exprs;
    const TensorType *base = &s->base->type;
    Value *index_tensor = node_tensor(s->node, "index"), *source = node_tensor(s->node, "source");
    const Expr *index[MAX_RANK], *from[MAX_RANK];
    scatter_vars(s, index_tensor->type.sizes, index_tensor->type.rank, index);
    const Expr *flat = indirect_at(s, index_tensor, index, tensor_numel(s->lo->ir, base));
    shape_delinear(pool, flat, base->sizes, base->rank, s->at);
    shape_reshape_index(pool, index_tensor->type.sizes, index_tensor->type.rank, index,
                        source->type.sizes, source->type.rank, from);
    s->loop->value = load_element(s->cx, source, from, NULL);
    s->loop->accumulate = node_bool(s->node, "accumulate");
    return NULL;
}

/* index_copy, index_add, index_fill, index_reduce: a 1-d (or 0-d) index along dim. */
static Error *scatter_along(ScatterCx *s)
{
    Ir         *ir = s->lo->ir;
    Node       *node = s->node;
    int         rank = s->base->type.rank, dim = rank ? node_dim(node, "dim", rank) : 0;
    Value      *index_tensor = node_tensor(node, "index");
    const Expr *sizes[MAX_RANK] = {0}, *index[MAX_RANK];
    for (int d = 0; d < rank; d++)
        sizes[d] = d != dim                  ? s->base->type.sizes[d]
                   : index_tensor->type.rank ? index_tensor->type.sizes[0]
                                             : expr_int(ir->exprs, 1);
    scatter_vars(s, sizes, rank, index);
    for (int d = 0; d < rank; d++)
        s->at[d] = d == dim ? indirect_at(s, index_tensor, &index[dim], s->base->type.sizes[dim])
                            : index[d];
    if (!strcmp(node->schema->base, "index_fill")) {
        Arg *value = node_arg(node, "value");
        if (value->kind == ARG_VALUE && value->value->kind == VALUE_TENSOR)
            s->loop->value = load_element(s->cx, value->value, index, NULL);
        else
            s->loop->value = arg_scalar(s->cx, value, s->base->type.dtype);
        return NULL;
    }
    Value *source = node_tensor(node, "source");
    s->loop->value = source->type.rank ? load_element(s->cx, source, index, NULL)
                                       : load_element(s->cx, source, NULL, NULL);
    if (schema_param(node->schema, "reduce") >= 0)
        return reduce_as_named(s);
    if (!strcmp(node->schema->base, "index_add")) {
        s->loop->accumulate = true;
        if (!is_one(node_arg(node, "alpha"))) {
            DType c = dtype_compute(s->base->type.dtype);
            s->loop->value =
                scalar_2(s->cx->scalars, S_MUL, scalar_cast(s->cx->scalars, c, s->loop->value),
                         arg_scalar(s->cx, node_arg(node, "alpha"), c));
        }
    }
    return NULL;
}

/* scatter and its kin: an index for every element of `index`. */
static Error *scatter_elements(ScatterCx *s)
{
    Node       *node = s->node;
    Value      *index_tensor = node_tensor(node, "index");
    int         rank = index_tensor->type.rank, dim = rank ? node_dim(node, "dim", rank) : 0;
    const Expr *index[MAX_RANK];
    scatter_vars(s, index_tensor->type.sizes, rank, index);
    for (int d = 0; d < s->base->type.rank; d++)
        s->at[d] =
            d == dim ? indirect_at(s, index_tensor, index, s->base->type.sizes[dim]) : index[d];
    int src = schema_param(node->schema, "src");
    if (src >= 0)
        s->loop->value = load_element(s->cx, node->args[src].value, index, NULL);
    else
        s->loop->value = arg_scalar(s->cx, node_arg(node, "value"), s->base->type.dtype);
    if (schema_param(node->schema, "reduce") >= 0)
        return reduce_as_named(s);
    s->loop->accumulate = !strcmp(node->schema->base, "scatter_add");
    return NULL;
}

/* One loop of stores into b. */
static Error *scatter_loop(Lower *lo, Node *node, Buffer *b, bool clears)
{
    ScatterCx   s = {.lo = lo, .node = node, .base = node->args[0].value, .clears = clears};
    ScalarPool *pool = scalar_pool_create(lo->ir->exprs);
    const char *op = node->schema->base;
    s.loop = new_loop(lo, LOOP_POINTWISE, MAX_RANK, pool, node);
    s.cx = lower_cx(lo, pool, node);
    if (!strcmp(op, "index_put") || !strcmp(op, "_unsafe_index_put"))
        TRY(scatter_index_put(&s));
    else if (!strcmp(op, "put"))
        TRY(scatter_put(&s));
    else if (!strncmp(op, "index_", 6))
        TRY(scatter_along(&s));
    else
        TRY(scatter_elements(&s));
    if (lo->failed)
        return lo->failed;
    s.loop->value = scalar_cast(pool, node->results[0]->type.dtype, s.loop->value);
    s.loop->out = b;
    s.loop->index = buffer_index(lo, b, s.at);
    s.loop->is_scatter = true;
    add_loop(lo, s.loop, node);
    return NULL;
}

static Error *lower_scatter(Lower *lo, Node *node)
{
    Value   *out = node->results[0];
    Lowered *l = lowered(lo, out);
    Value   *base_value = node->args[0].value;
    TRY(realize_base(lo, base_value));
    /* The base's own layout, so that the copy can be dropped where the base is not needed any more.
     */
    Buffer *base = lowered(lo, base_value)->buffer;
    Buffer *b = l->output;
    if (!b)
        b = new_buffer(lo, BUFFER_TEMP, out->name, out->type.dtype, out->type.rank, out->type.sizes,
                       base && base->strides && !base->panel ? base->strides : NULL);
    if (base && !l->output)
        b->numel = base->numel;
    TRY(store_value(lo, base_value, b));
    int include = schema_param(node->schema, "include_self");
    if (include >= 0 && !node_bool(node, "include_self"))
        TRY(scatter_loop(lo, node, b, true));
    TRY(scatter_loop(lo, node, b, false));
    l->buffer = b;
    return NULL;
}

/* ---- scan, sort, recurrent layers, embedding bags -------------------------------------------- */

static Error *lower_scan(Lower *lo, Node *node)
{
    Ir     *ir = lo->ir;
    Value  *in = node->args[0].value, *out = node->results[0];
    Kernel *k = new_kernel(lo, KERNEL_SCAN, node);
    int     rank = in->type.rank;
    static const struct {
        const char *base;
        ReduceOp    op;
    } table[] = {{"cumsum", REDUCE_SUM},
                 {"cumprod", REDUCE_PROD},
                 {"cummax", REDUCE_MAX},
                 {"cummin", REDUCE_MIN},
                 {"logcumsumexp", REDUCE_SUM}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(node->schema->base, table[i].base))
            k->scan.reduce = table[i].op;
    k->scan.log_sum_exp = !strcmp(node->schema->base, "logcumsumexp");
    ScalarPool *pool = scalar_pool_create(ir->exprs);
    Loop       *loop = new_loop(lo, LOOP_POINTWISE, rank ? rank : 1, pool, node);
    const Expr *index[MAX_RANK];
    for (int d = 0; d < rank; d++) {
        loop->sizes[d] = in->type.sizes[d];
        loop->vars[d] = expr_symbol_index(ir->exprs, "i", in->type.sizes[d]);
        index[d] = loop->vars[d]->self;
    }
    if (!rank) {
        loop->sizes[0] = expr_int(ir->exprs, 1);
        loop->vars[0] = expr_symbol_index(ir->exprs, "i", loop->sizes[0]);
        loop->n_dims = 1;
    }
    Scalar *x = load_element(lower_cx(lo, pool, node), in, index, NULL);
    if (lo->failed)
        return lo->failed;
    loop->value = scalar_cast(pool, dtype_compute(out->type.dtype), x);
    k->scan.axis = rank ? node_dim(node, "dim", rank) : 0;
    k->scan.n_outer = loop->n_dims;
    k->scan.source = loop;
    Buffer *b =
        new_buffer(lo, BUFFER_TEMP, out->name, out->type.dtype, rank, out->type.sizes, NULL);
    loop->out = b;
    loop->index = buffer_index(lo, b, index);
    k->scan.index = loop->index;
    k->result = b;
    lowered(lo, out)->buffer = b;
    if (node->n_results > 1) {
        Value *ind = node->results[1];
        k->scan.indices =
            new_buffer(lo, BUFFER_TEMP, ind->name, ind->type.dtype, rank, ind->type.sizes, NULL);
        lowered(lo, ind)->buffer = k->scan.indices;
    }
    k->outer = loop->vars;
    k->outer_sizes = loop->sizes;
    k->n_outer = loop->n_dims;
    add_kernel(lo, k, node);
    return NULL;
}

Operand whole_operand(Buffer *b)
{
    return (Operand){b, b->offset, b->strides, b->rank};
}

/* Outer dims in logical order, then the sorted axis. */
static Operand axis_last(Lower *lo, const Operand *o, int axis, int rank)
{
    const Expr *strides[MAX_RANK];
    int         n = 0;
    for (int d = 0; d < rank; d++)
        if (d != axis)
            strides[n++] = o->strides[d];
    strides[n] = rank ? o->strides[axis] : expr_int(lo->ir->exprs, 0);
    return operand_pick(lo->ir, o, strides, n + 1);
}

/* Eager PyTorch sorts long rows of integers by radix (SortingKernel.cpp, can_use_radix_sort). */
static bool is_radix_sort(const Sort *s)
{
    int64_t n;
    return !s->n_outer && !s->descending && dtype_info(s->dtype)->is_int &&
           expr_is_int(s->length, &n) && n >= 32768;
}

static SortTies ties_of(const Node *node, const Sort *s)
{
    int stable = schema_param(node->schema, "stable");
    if (!strcmp(node->schema->base, "topk"))
        return TIES_TOPK;
    if (!strcmp(node->schema->base, "kth"))
        return TIES_KTH;
    if (stable >= 0 && node->args[stable].kind == ARG_BOOL && node_bool(node, "stable"))
        return TIES_STABLE;
    return is_radix_sort(s) ? TIES_STABLE : TIES_SORT;
}

static Error *lower_sort(Lower *lo, Node *node)
{
    Ir     *ir = lo->ir;
    Value  *in = node->args[0].value;
    int     rank = in->type.rank, axis = rank ? node_dim(node, "dim", rank) : 0;
    Kernel *k = new_kernel(lo, KERNEL_SORT, node);
    Sort    s = {.dtype = in->type.dtype, .sorted = true};
    Operand x;
    bool    is_topk = !strcmp(node->schema->base, "topk");
    bool    only_index = !strcmp(node->schema->base, "argsort");
    bool    is_kth = !strcmp(node->schema->base, "kth");
    if (schema_param(node->schema, "descending") >= 0)
        s.descending = node_bool(node, "descending");
    if (is_topk) {
        s.descending = node_bool(node, "largest");
        s.sorted = node_bool(node, "sorted");
    }
    TRY(operand_of(lo, in, &x));
    s.x = axis_last(lo, &x, axis, rank);
    const Expr **outer = ARENA_ARRAY(ir->arena, const Expr *, rank + 1);
    for (int d = 0; d < rank; d++)
        if (d != axis)
            outer[s.n_outer++] = in->type.sizes[d];
    s.outer = outer;
    s.length = rank ? in->type.sizes[axis] : expr_int(ir->exprs, 1);
    s.keep = is_topk || is_kth ? arg_as_expr(node_arg(node, "k")) : s.length;
    s.skip = is_kth ? expr_sub(ir->exprs, s.keep, expr_int(ir->exprs, 1)) : NULL;
    s.ties = ties_of(node, &s);
    for (int r = 0; r < node->n_results; r++) {
        Value *v = node->results[r];
        if (v->kind != VALUE_TENSOR)
            continue;
        Buffer *b = new_buffer(lo, BUFFER_TEMP, v->name, v->type.dtype, rank, v->type.sizes, NULL);
        Operand whole = whole_operand(b);
        lowered(lo, v)->buffer = b;
        if (r == 0 && !only_index)
            s.values = axis_last(lo, &whole, axis, rank);
        else
            s.indices = axis_last(lo, &whole, axis, rank);
    }
    k->sort = s;
    k->outer_sizes = outer;
    k->n_outer = s.n_outer;
    k->outer = fresh_vars(lo, s.outer, s.n_outer);
    add_kernel(lo, k, node);
    return NULL;
}

static Operand result_operand(Lower *lo, Node *node, int r)
{
    Value *v = r < node->n_results ? node->results[r] : NULL;
    if (!v || v->kind != VALUE_TENSOR)
        return (Operand){0};
    Buffer *b =
        new_buffer(lo, BUFFER_TEMP, v->name, v->type.dtype, v->type.rank, v->type.sizes, NULL);
    lowered(lo, v)->buffer = b;
    return whole_operand(b);
}

static const Expr *item_numel(Ir *ir, const TensorType *t, int core, bool has_batch)
{
    return has_batch ? expr_product(ir->exprs, t->sizes + t->rank - core, core)
                     : expr_int(ir->exprs, 0);
}

Error *dense_operand(Lower *lo, Value *value, Operand *out)
{
    TRY(operand_of(lo, value, out));
    const Expr *step = expr_int(lo->ir->exprs, 1);
    bool        is_dense = true;
    for (int d = value->type.rank - 1; d >= 0; d--) {
        is_dense &= out->strides[d] == step || expr_is_value(value->type.sizes[d], 1);
        step = expr_mul(lo->ir->exprs, step, value->type.sizes[d]);
    }
    if (is_dense)
        return NULL;
    Buffer *copy = new_buffer(lo, BUFFER_TEMP, value->name, value->type.dtype, value->type.rank,
                              value->type.sizes, NULL);
    TRY(store_value(lo, value, copy));
    *out = whole_operand(copy);
    return NULL;
}

static Error *lower_call(Lower *lo, Node *node)
{
    const CallDesc *desc = node->op->call;
    Kernel         *k = new_kernel(lo, KERNEL_CALL, node);
    Call            c = {.desc = desc, .scratch_bytes = desc->scratch(node)};
    int             at = 0;
    for (int i = 0; i < node->n_args; i++) {
        Value *v = node->args[i].kind == ARG_VALUE ? node->args[i].value : NULL;
        if (!v || v->kind != VALUE_TENSOR)
            continue;
        int core = desc->core[at++];
        TRY(dense_operand(lo, v, &c.in[c.n_in]));
        c.item_in[c.n_in++] = item_numel(lo->ir, &v->type, core, v->type.rank > core);
        c.dtype = c.n_in == 1 ? v->type.dtype : c.dtype;
    }
    const TensorType *first = &node->results[0]->type;
    int               n_batch = first->rank - desc->core[at];
    for (int r = 0; r < node->n_results; r++) {
        c.item_out[r] = item_numel(lo->ir, &node->results[r]->type, desc->core[at + r], true);
        c.out[c.n_out++] = result_operand(lo, node, r);
    }
    c.n_params = desc->params(node, c.params);
    k->call = c;
    set_outer(lo, k, first->sizes, n_batch);
    add_kernel(lo, k, node);
    return NULL;
}

/* In panels, or on CUDA where it lies; neither when it is no constant on the CPU. */
static Error *gemm_weight_operand(Lower *lo, Value *w, Operand *out)
{
    Buffer *panels = NULL;
    *out = (Operand){0};
    if (lower_for_cuda(lo))
        return operand_of(lo, w, out);
    TRY(packed_gemm_operand(lo, w, false, &panels));
    if (panels)
        *out = (Operand){panels, expr_int(lo->ir->exprs, 0), NULL, 0};
    return NULL;
}

/* aotc.lstm_layer(gates_x [T,B,4H], h0 [B,H], c0 [B,H], w_hh [4H,H], reverse) -> (out [T,B,H], h_n,
 * c_n) aotc.gru_layer(gates_x [T,B,3H], h0 [B,H], w_hh [3H,H], b_hn [H] or None, reverse) -> (out
 * [T,B,H], h_n) */
static Error *lower_recurrent(Lower *lo, Node *node)
{
    Ir     *ir = lo->ir;
    Value  *x = node_tensor(node, "gates_x"), *w = node_tensor(node, "w_hh");
    bool    is_gru = node->op->template_kind == TEMPLATE_GRU;
    Kernel *k = new_kernel(lo, is_gru ? KERNEL_GRU : KERNEL_LSTM, node);
    Lstm    s = {.dtype = x->type.dtype, .steps = x->type.sizes[0], .batch = x->type.sizes[1]};
    if (s.dtype != DT_F32)
        return refuse(node, "recurrent layers in other dtypes than float32");
    if (!expr_is_int(w->type.sizes[1], &s.hidden))
        return refuse(node, "a symbolic hidden size");
    s.reverse = node_bool(node, "reverse");
    TRY(operand_of(lo, x, &s.gates_x));
    TRY(operand_of(lo, node_tensor(node, "h0"), &s.h0));
    if (!is_gru)
        TRY(operand_of(lo, node_tensor(node, "c0"), &s.c0));
    else if (node_tensor(node, "b_hn"))
        TRY(operand_of(lo, node_tensor(node, "b_hn"), &s.b_hn));
    TRY(gemm_weight_operand(lo, w, &s.w_hh));
    if (!s.w_hh.strides && !s.w_hh.buffer)
        return refuse(node, "recurrent weights that are no constants");
    s.out = result_operand(lo, node, 0);
    s.h_n = result_operand(lo, node, 1);
    if (!is_gru)
        s.c_n = result_operand(lo, node, 2);
    k->lstm = s;
    const Expr *sizes[3] = {s.steps, s.batch, expr_int(ir->exprs, s.hidden)};
    set_outer(lo, k, sizes, 2);
    k->flops = expr_mul(ir->exprs, expr_product(ir->exprs, sizes, 2),
                        expr_int(ir->exprs, (is_gru ? 6 : 8) * s.hidden * s.hidden));
    add_kernel(lo, k, node);
    return NULL;
}

static Error *lower_embedding_bag(Lower *lo, Node *node)
{
    Value *w = node_tensor(node, "weight"), *indices = node_tensor(node, "indices"),
          *offsets = node_tensor(node, "offsets");
    Value       *samples = node_tensor(node, "per_sample_weights"), *out = node->results[0];
    Kernel      *k = new_kernel(lo, KERNEL_EMBEDDING_BAG, node);
    EmbeddingBag b = {
        .dtype = w->type.dtype, .rows = w->type.sizes[0], .width = w->type.sizes[1], .padding = -1};
    if (indices->type.rank != 1)
        return refuse(node, "indices that are not 1-d");
    for (int r = 1; r < node->n_results; r++)
        if (node->results[r]->kind == VALUE_TENSOR && node->results[r]->n_uses)
            return refuse(node, "only the first result is supported");
    b.n_indices = indices->type.sizes[0];
    b.n_bags = out->type.sizes[0];
    b.mode = (int)node_int(node, "mode");
    int p = schema_param(node->schema, "padding_idx");
    if (p >= 0 && node->args[p].kind == ARG_INT)
        expr_is_int(node->args[p].expr, &b.padding);
    b.include_last = node_bool(node, "include_last_offset");
    TRY(operand_of(lo, w, &b.weight));
    TRY(operand_of(lo, indices, &b.indices));
    TRY(operand_of(lo, offsets, &b.offsets));
    if (samples)
        TRY(operand_of(lo, samples, &b.sample_weights));
    b.out = result_operand(lo, node, 0);
    k->bag = b;
    const Expr *sizes[3] = {b.n_bags, b.width};
    set_outer(lo, k, sizes, 2);
    add_kernel(lo, k, node);
    return NULL;
}

static Error *lower_item(Lower *lo, Node *node)
{
    Value *in = node->args[0].value;
    TRY(realize_base(lo, in));
    Buffer *b = new_buffer(lo, BUFFER_TEMP, in->name, in->type.dtype, 0, NULL, NULL);
    TRY(store_value(lo, in, b));
    Step *s = ARENA_NEW(lo->ir->arena, Step);
    s->kind = STEP_SYMBOL;
    s->symbol = node->results[0]->symbol;
    s->flag = b;
    s->where = node->where;
    VEC_PUSH(lo->ir->arena, lo->block->steps, s);
    return NULL;
}

/* The count is the symbol of the result's first size; the kernel sets it and asks for the memory.
 */
static Error *lower_nonzero(Lower *lo, Node *node)
{
    Ir         *ir = lo->ir;
    Value      *in = node->args[0].value, *out = node->results[0];
    Kernel     *k = new_kernel(lo, KERNEL_NONZERO, node);
    int         rank = in->type.rank;
    const Expr *count = out->type.sizes[0], *index[MAX_RANK];
    if (!rank)
        return refuse(node, "a tensor without dims");
    if (count->kind != EXPR_SYMBOL || count->symbol->kind != SYM_UNBACKED)
        return refuse(node, "a number of results that the export has fixed");
    ScalarPool *pool = scalar_pool_create(ir->exprs);
    Loop       *loop = new_loop(lo, LOOP_POINTWISE, rank, pool, node);
    for (int d = 0; d < rank; d++) {
        loop->sizes[d] = in->type.sizes[d];
        loop->vars[d] = expr_symbol_index(ir->exprs, "i", in->type.sizes[d]);
        index[d] = loop->vars[d]->self;
    }
    loop->value =
        scalar_cast(pool, DT_BOOL, load_element(lower_cx(lo, pool, node), in, index, NULL));
    if (lo->failed)
        return lo->failed;
    k->nonzero.source = loop;
    k->nonzero.count = count->symbol;
    k->nonzero.out = result_operand(lo, node, 0);
    add_kernel(lo, k, node);
    return NULL;
}

/* Memory that a copy between devices reads: all of a buffer that is pinned on the CPU (what the
 * caller gives is not), or any whole one on the GPU.  NULL: the value has none. */
static Buffer *copied_buffer(Lower *lo, const Value *value)
{
    Buffer *b = lowered(lo, value)->buffer;
    bool    is_pinned = b && (b->kind == BUFFER_TEMP || b->kind == BUFFER_STATE);
    bool    is_whole = b && b->strides && !b->panel && b->dtype == value->type.dtype &&
                    expr_is_value(b->offset, 0);
    return is_whole && (is_pinned || !lo->on_host) && b->kind != BUFFER_CONSTANT ? b : NULL;
}

/* aotc.move: a copy of a whole buffer, as it lies in memory. */
static Error *lower_move(Lower *lo, Node *node)
{
    Value *in = node->args[0].value, *out = node->results[0];
    bool   to_host = lo->on_host;
    lo->on_host = !to_host;
    TRY(realize_base(lo, in));
    Buffer *from = copied_buffer(lo, in);
    if (!from) {
        from = new_buffer(lo, BUFFER_TEMP, in->name, in->type.dtype, in->type.rank, in->type.sizes,
                          NULL);
        TRY(store_value(lo, in, from));
    }
    lo->on_host = to_host;
    Buffer *to = new_buffer(lo, BUFFER_TEMP, out->name, out->type.dtype, out->type.rank,
                            out->type.sizes, from->strides);
    to->numel = from->numel;
    copy_step(lo, from, to, node->where);
    lowered(lo, out)->buffer = to;
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
    return refuse(node, "no kernel for this product");
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
    return refuse(node, "no kernel for this operator yet");
}
