/* Constants in the layout of kernels: GEMM weights in panels of 16 columns, convolution weights in
 * the order of their kernel.  A request is a kernel of the fold plan; its result is a constant of
 * the main plan without storage. */
#include "passes/lower_internal.h"

#include <string.h>

static Buffer *packed_constant(Lower *lo, const char *name, DType dtype, const Expr *numel)
{
    Buffer      *b = new_buffer(lo, BUFFER_CONSTANT, name, dtype, 1, &numel, NULL);
    PlanConstant c = {
        .fqn = arena_printf(lo->ir->arena, "packed.%s", b->name), .buffer = b, .is_packed = true};
    b->numel = numel;
    b->slot = lo->plan->constants.n;
    VEC_PUSH(lo->ir->arena, lo->plan->constants, c);
    return b;
}

static const Expr *round_up(Ir *ir, const Expr *n, int64_t to)
{
    return expr_mul(ir->exprs, expr_ceildiv(ir->exprs, n, expr_int(ir->exprs, to)),
                    expr_int(ir->exprs, to));
}

static const char *operand_key(Ir *ir, const char *kind, const Operand *o)
{
    Text text = text_new(ir->arena);
    text_printf(&text, "%s %d ", kind, o->buffer->id);
    expr_print(&text, o->offset);
    for (int d = 0; d < o->n; d++) {
        text_put(&text, " ");
        expr_print(&text, o->strides[d]);
    }
    return text.data;
}

static PackRequest *find_request(Lower *lo, const char *key)
{
    for (int i = 0; i < lo->packs.n; i++)
        if (!strcmp(lo->packs.items[i]->key, key))
            return lo->packs.items[i];
    return NULL;
}

/* from: strides of (n, k) in the constant's exported buffer. */
static Buffer *request_panels(Lower *lo, Value *constant, Operand from, const Expr *n,
                              const Expr *k)
{
    Ir          *ir = lo->ir;
    const char  *key = arena_printf(ir->arena, "%s of %s x %s", operand_key(ir, "gemm", &from),
                                    expr_text(ir->arena, n), expr_text(ir->arena, k));
    PackRequest *r = find_request(lo, key);
    if (r)
        return r->to;
    r = ARENA_NEW(ir->arena, PackRequest);
    r->key = key;
    r->constant = constant;
    r->to = packed_constant(lo, constant->constant->fqn, from.buffer->dtype,
                            expr_mul(ir->exprs, round_up(ir, n, 16), k));
    const Expr **sizes = ARENA_ARRAY(ir->arena, const Expr *, 2);
    sizes[0] = n;
    sizes[1] = k;
    r->to->rank = 2;
    r->to->sizes = sizes;
    r->to->strides = NULL;
    r->to->panel = 16;
    r->pack = (Pack){from, n, k, r->to};
    r->name = lo->plan->constants.items[r->to->slot].fqn;
    Lowered *l = lowered(lo, constant);
    if (!l->pack_source)
        l->pack_source = from.buffer;
    VEC_PUSH(ir->arena, lo->packs, r);
    return r->to;
}

static bool packs(DType dtype)
{
    return dtype == DT_F32 || dtype == DT_F16 || dtype == DT_BF16;
}

/* b operand of a GEMM node as a value, and whether it is [k,n] rather than [n,k]. */
static Value *gemm_weight(const Node *node, bool *is_kn)
{
    static const struct {
        const char *name, *weight;
        bool        is_kn;
    } table[] = {
        {"aten.linear.default", "weight", false},  {"aten.mm.default", "mat2", true},
        {"aten.addmm.default", "mat2", true},      {"aotc.lstm_layer.default", "w_hh", false},
        {"aotc.gru_layer.default", "w_hh", false},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(node->schema->name, table[i].name)) {
            *is_kn = table[i].is_kn;
            return node_tensor(node, table[i].weight);
        }
    return NULL;
}

static bool is_transpose(const Node *node)
{
    return node->op->kind == OP_VIEW &&
           (!strcmp(node->schema->base, "t") || !strcmp(node->schema->base, "transpose") ||
            !strcmp(node->schema->base, "permute"));
}

/* The constant when the 2-d value is it or its transpose. */
static Value *whole_constant(Value *value, bool *swapped)
{
    *swapped = false;
    while (value->def && value->def->op && is_transpose(value->def)) {
        Value *source = view_source(value->def);
        if (source->type.rank != 2 || value->type.rank != 2)
            return NULL;
        /* A permute that keeps the order changes nothing. */
        const Expr *out[2], *in[2];
        ExprPool   *p = value->def->graph->ir->exprs;
        out[0] = expr_symbol_index(p, "i", value->type.sizes[0])->self;
        out[1] = expr_symbol_index(p, "i", value->type.sizes[1])->self;
        value->def->op->view(value->def, out, in);
        *swapped ^= in[0] == out[1];
        value = source;
    }
    return value->constant && !value->constant->is_mutated && value->type.rank == 2 ? value : NULL;
}

Error *mark_panels(Lower *lo, Graph *graph)
{
    ExprPool *p = lo->ir->exprs;
    for (Node *n = graph->first; n; n = n->next) {
        bool   is_kn = false, swapped;
        Value *w = n->op ? gemm_weight(n, &is_kn) : NULL;
        for (int i = 0; i < n->n_args; i++)
            if (n->args[i].kind == ARG_GRAPH)
                TRY(mark_panels(lo, n->args[i].graph));
        if (!w || lo->is_fold || lower_for_cuda(lo) || !packs(w->type.dtype) || w->type.rank != 2)
            continue;
        Value *constant = whole_constant(w, &swapped);
        if (!constant || lowered(lo, constant)->buffer->panel)
            continue;
        Lowered     *l = lowered(lo, constant);
        int          nd = is_kn != swapped ? 1 : 0; /* dim of the constant that is n */
        Operand      from = {l->buffer, l->buffer->offset, NULL, 2};
        const Expr **strides = ARENA_ARRAY(lo->ir->arena, const Expr *, 2);
        strides[0] = l->buffer->strides[nd];
        strides[1] = l->buffer->strides[1 - nd];
        from.strides = strides;
        if (expr_is_value(expr_mul(p, constant->type.sizes[0], constant->type.sizes[1]), 0))
            continue;
        Buffer *panels = request_panels(lo, constant, from, constant->type.sizes[nd],
                                        constant->type.sizes[1 - nd]);
        l->pack_source = l->buffer;
        l->buffer = panels;
        l->panel_swapped = nd == 1;
    }
    return NULL;
}

Error *packed_gemm_operand(Lower *lo, Value *value, bool is_kn, Buffer **out)
{
    *out = NULL;
    Constant *c = constant_under(value);
    if (!c || lo->is_fold || lower_for_cuda(lo) || !packs(value->type.dtype) ||
        value->type.rank != 2)
        return NULL;
    bool     swapped;
    Value   *whole = whole_constant(value, &swapped);
    Lowered *l = lowered(lo, c->value);
    if (l->buffer->panel) {
        /* Another orientation than the one in panels, or a slice of it, is read as a strided
         * operand. */
        if (whole && (is_kn != swapped) == l->panel_swapped)
            *out = l->buffer;
        return NULL;
    }
    Operand o;
    if (!affine_operand(lo, value, &o))
        return NULL;
    int          nd = is_kn ? 1 : 0;
    const Expr **strides = ARENA_ARRAY(lo->ir->arena, const Expr *, 2);
    strides[0] = o.strides[nd];
    strides[1] = o.strides[1 - nd];
    o.strides = strides;
    *out = request_panels(lo, c->value, o, value->type.sizes[nd], value->type.sizes[1 - nd]);
    return NULL;
}

Error *packed_conv_weight(Lower *lo, Value *weight, PackConv conv, Buffer **out)
{
    Ir *ir = lo->ir;
    *out = NULL;
    Constant *c = constant_under(weight);
    Operand   o;
    if (!c || lo->is_fold || !(packs(weight->type.dtype) || conv.plain) ||
        !affine_operand(lo, weight, &o))
        return NULL;
    const char  *key = arena_printf(ir->arena, "%s groups %lld %d %d", operand_key(ir, "conv", &o),
                                    (long long)conv.groups, conv.depthwise, conv.plain);
    PackRequest *r = find_request(lo, key);
    if (r) {
        *out = r->to;
        return NULL;
    }
    r = ARENA_NEW(ir->arena, PackRequest);
    r->key = key;
    r->is_conv = true;
    r->constant = c->value;
    /* oc, ic/g, kd, kh, kw: missing spatial dims have size 1 */
    const Expr **strides = ARENA_ARRAY(ir->arena, const Expr *, 5);
    int          spatial = weight->type.rank - 2;
    strides[0] = o.strides[0];
    strides[1] = o.strides[1];
    for (int d = 0; d < 3; d++)
        strides[2 + d] =
            d < 3 - spatial ? expr_int(ir->exprs, 0) : o.strides[2 + d - (3 - spatial)];
    o.strides = strides;
    o.n = 5;
    int64_t per_group = conv.oc / conv.groups;
    int64_t taps = conv.kernel[0] * conv.kernel[1] * conv.kernel[2];
    int64_t numel =
        conv.depthwise ? conv.oc * taps
        : conv.plain   ? conv.oc * taps * (conv.ic / conv.groups)
                     : conv.groups * ((per_group + 15) / 16 * 16) * taps * (conv.ic / conv.groups);
    r->to = packed_constant(lo, c->fqn, o.buffer->dtype, expr_int(ir->exprs, numel));
    conv.from = o;
    conv.to = r->to;
    r->name = lo->plan->constants.items[r->to->slot].fqn;
    r->conv = conv;
    Lowered *l = lowered(lo, c->value);
    if (!l->pack_source)
        l->pack_source = l->buffer;
    VEC_PUSH(ir->arena, lo->packs, r);
    *out = r->to;
    return NULL;
}

Error *rebase_operand(Lower *lo, Operand *operand, const Buffer *from, Buffer *to)
{
    for (int d = 0; d < from->rank; d++)
        if (from->strides[d] != to->strides[d] && !expr_is_value(from->sizes[d], 1))
            return error_new(lo->ir->arena, E_INTERNAL, (Where){0},
                             "constant %s has another layout in the fold plan", from->name);
    operand->offset =
        expr_add(lo->ir->exprs, expr_sub(lo->ir->exprs, operand->offset, from->offset), to->offset);
    operand->buffer = to;
    return NULL;
}
