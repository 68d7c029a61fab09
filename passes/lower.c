/* Lowering: Graph in, Loops out.
 *
 *   %0 = aten.mul.Tensor(%x, %y) : f32[s0,64]         for i0 < s0, i1 < 64:
 *   %1 = aten.relu.default(%0)   : f32[s0,64]   ->      %1[64*i0 + i1] = maximum(mul(%x[64*i0 +
 * i1], ...), 0)
 *
 * A first walk decides which values get a buffer; a second one, in execution order, makes one loop
 * nest or template kernel for each of them.  Elements of all other values are computed where they
 * are asked for (load_element). */
#include "passes/lower_internal.h"

#include <assert.h>
#include <string.h>

/* A value with several users is computed again in each of them up to this many operations. */
#define CHEAP_COST 4
/* A chain longer than this is cut by a buffer: bounds recursion and the size of one kernel's body.
 */
#define MAX_INLINE_COST 160

Lowered *lowered(Lower *lo, const Value *value)
{
    assert(value->id < lo->n_of);
    return &lo->of[value->id];
}

/* ---- buffers --------------------------------------------------------------------------------- */

const char *unique_buffer_name(Lower *lo, const char *hint)
{
    Text text = text_new(lo->ir->arena);
    for (const char *c = hint; *c; c++)
        text_putc(&text,
                  (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9')
                      ? *c
                      : '_');
    /* Names of buffers end in their number: no clash with C keywords, symbols (s0, i3) or each
     * other. */
    text_printf(&text, "_b%d", lo->plan->buffers.n);
    if (text.data[0] >= '0' && text.data[0] <= '9')
        return arena_printf(lo->ir->arena, "v%s", text.data);
    return text.data;
}

Buffer *new_buffer(Lower *lo, BufferKind kind, const char *hint, DType dtype, int rank,
                   const Expr *const *sizes, const Expr *const *strides)
{
    Ir     *ir = lo->ir;
    Buffer *b = ARENA_NEW(ir->arena, Buffer);
    b->kind = kind;
    b->name = unique_buffer_name(lo, hint);
    b->id = lo->plan->buffers.n;
    b->dtype = dtype;
    b->rank = rank;
    b->sizes = arena_memdup(ir->arena, sizes, (size_t)rank * sizeof *sizes);
    if (strides) {
        b->strides = arena_memdup(ir->arena, strides, (size_t)rank * sizeof *strides);
    } else {
        int order[MAX_RANK];
        for (int d = 0; d < rank; d++)
            order[d] = d;
        b->strides = strides_in_order(ir, sizes, rank, order);
    }
    b->numel = expr_product(ir->exprs, sizes, rank);
    b->offset = expr_int(ir->exprs, 0);
    b->slot = -1;
    b->first_step = b->last_step = -1;
    VEC_PUSH(ir->arena, lo->plan->buffers, b);
    return b;
}

const Expr *const *strides_in_order(Ir *ir, const Expr *const *sizes, int rank, const int *order)
{
    const Expr **strides = ARENA_ARRAY(ir->arena, const Expr *, rank ? rank : 1);
    const Expr  *step = expr_int(ir->exprs, 1);
    for (int p = rank - 1; p >= 0; p--) {
        int d = order[p];
        strides[d] = step;
        /* A zero size must not make strides zero: other dims keep the strides of a size of one. */
        if (!expr_is_value(sizes[d], 0))
            step = expr_mul(ir->exprs, step, sizes[d]);
    }
    return strides;
}

const Expr *buffer_index(Lower *lo, const Buffer *b, const Expr *const *index)
{
    ExprPool   *p = lo->ir->exprs;
    const Expr *sum = b->offset;
    for (int d = 0; d < b->rank; d++)
        sum = expr_add(p, sum, expr_mul(p, index[d], b->strides[d]));
    return sum;
}

/* Element (n, k) of a matrix in panels of 16 rows: [ceil(N/16)][K][16]. */
static const Expr *panel_index(Lower *lo, const Buffer *b, bool swapped, const Expr *const *index)
{
    ExprPool   *p = lo->ir->exprs;
    const Expr *n = index[swapped ? 1 : 0], *k = index[swapped ? 0 : 1];
    const Expr *width = expr_int(p, b->panel), *rows = b->sizes[1];
    const Expr *panel = expr_mul(p, expr_floordiv(p, n, width), expr_mul(p, rows, width));
    return expr_add(p, panel, expr_add(p, expr_mul(p, k, width), expr_mod(p, n, width)));
}

/* ---- elements -------------------------------------------------------------------------------- */

typedef struct LowerCxFull {
    LowerCx base; /* first: ops see only this */
    Lower  *lo;
} LowerCxFull;

LowerCx *lower_cx(Lower *lo, ScalarPool *pool, Node *node)
{
    LowerCxFull *cx = ARENA_NEW(lo->ir->arena, LowerCxFull);
    cx->base.ir = lo->ir;
    cx->base.scalars = pool;
    cx->base.load = load_element;
    cx->base.node = node;
    cx->lo = lo;
    return &cx->base;
}

static Lower *lower_of(LowerCx *cx)
{
    return ((LowerCxFull *)cx)->lo;
}

/* The element of operand `value` of a pointwise node whose result has rank `rank`, with sizes of
 * one broadcast. */
static Scalar *broadcast_element(LowerCx *cx, Value *value, const Expr *const *index, int rank,
                                 Scalar *mask)
{
    const Expr *own[MAX_RANK];
    int         skip = rank - value->type.rank;
    for (int d = 0; d < value->type.rank; d++)
        own[d] =
            expr_is_value(value->type.sizes[d], 1) ? expr_int(cx->ir->exprs, 0) : index[skip + d];
    return load_element(cx, value, own, mask);
}

typedef struct BodyNames {
    LowerCx    *cx;
    const Node *node;
    Scalar    **in;
    DType       dtype;
} BodyNames;

static Scalar *number_scalar(LowerCx *cx, const Arg *arg, DType dtype)
{
    switch (arg->kind) {
    case ARG_INT:
    case ARG_BOOL: {
        int64_t v;
        if (expr_is_int(arg->expr, &v))
            return dtype_is_float(dtype) ? scalar_float(cx->scalars, dtype, (double)v)
                                         : scalar_int(cx->scalars, dtype, v);
        return scalar_cast(cx->scalars, dtype,
                           scalar_index(cx->scalars,
                                        arg->expr->type == EXPR_TYPE_BOOL    ? DT_BOOL
                                        : arg->expr->type == EXPR_TYPE_FLOAT ? DT_F64
                                                                             : DT_I64,
                                        arg->expr));
    }
    case ARG_FLOAT:
        if (arg->expr)
            return scalar_cast(cx->scalars, dtype, scalar_index(cx->scalars, DT_F64, arg->expr));
        if (dtype_is_float(dtype))
            return scalar_float(cx->scalars, dtype, arg->number);
        return scalar_int(cx->scalars, dtype, (int64_t)arg->number);
    case ARG_VALUE: {
        Symbol *s = arg->value->symbol;
        DType   own = s->type == EXPR_TYPE_FLOAT  ? DT_F64
                      : s->type == EXPR_TYPE_BOOL ? DT_BOOL
                                                  : DT_I64;
        return scalar_cast(cx->scalars, dtype, scalar_index(cx->scalars, own, s->self));
    }
    default:
        return NULL;
    }
}

static Scalar *body_name(void *user, const char *name)
{
    BodyNames *names = user;
    int        i = schema_param(names->node->schema, name);
    if (i < 0)
        return NULL;
    if (names->in[i])
        return names->in[i];
    return number_scalar(names->cx, &names->node->args[i], names->dtype);
}

/* The dtype in which a pointwise node computes. */
static DType pointwise_dtype(const Node *node)
{
    Promote promote = node->op->promote;
    DType   dtype;
    if (promote == PROMOTE_FIRST || promote == PROMOTE_NONE) {
        dtype = node->results[0]->type.dtype;
        for (int i = 0; i < node->n_args && promote == PROMOTE_FIRST; i++)
            if (node->args[i].kind == ARG_VALUE && node->args[i].value->kind == VALUE_TENSOR) {
                dtype = node->args[i].value->type.dtype;
                break;
            }
    } else {
        dtype = infer_promoted_dtype(node, promote);
    }
    return dtype_compute(dtype);
}

static Scalar *pointwise_element(LowerCx *cx, Node *node, const Expr *const *index, Scalar *mask)
{
    DType   dtype = pointwise_dtype(node);
    int     rank = node->results[0]->type.rank;
    Scalar *in[64] = {0};
    for (int i = 0; i < node->n_args && i < 64; i++) {
        Arg *arg = &node->args[i];
        if (arg->kind != ARG_VALUE || arg->value->kind != VALUE_TENSOR)
            continue;
        in[i] = broadcast_element(cx, arg->value, index, rank, mask);
        /* Conditions stay bool: select wants them so, and bool never decides a promotion with
         * numbers. */
        bool is_condition = arg->value->type.dtype == DT_BOOL &&
                            (!strcmp(node->schema->params[i].name, "condition") ||
                             !strcmp(node->schema->params[i].name, "mask"));
        if (node->op->promote != PROMOTE_NONE && !is_condition)
            in[i] = scalar_cast(cx->scalars, dtype, in[i]);
    }
    Scalar *out = NULL;
    Node   *outer = cx->node;
    Scalar *outer_mask = cx->mask;
    trace_node(lower_of(cx), node);
    cx->node = node;
    cx->mask = mask;
    if (node->op->body_fn) {
        out = node->op->body_fn(cx, node, in, dtype);
    } else {
        BodyNames names = {cx, node, in, dtype};
        Error    *error = scalar_parse(cx->scalars, node->op->body, dtype, body_name, &names, &out);
        if (error)
            lower_of(cx)->failed =
                error_wrap(cx->ir->arena, error, "expanding the body of %s", node->schema->name);
    }
    cx->node = outer;
    cx->mask = outer_mask;
    if (!out) {
        if (!lower_of(cx)->failed)
            lower_of(cx)->failed =
                node_error(node, E_UNSUPPORTED, "no scalar form for these arguments of %s",
                           node->schema->name);
        return scalar_int(cx->scalars, node->results[0]->type.dtype, 0);
    }
    return scalar_cast(cx->scalars, node->results[0]->type.dtype, out);
}

/* Number of elements that a reduction node reduces for each result. */
static const Expr *reduced_count(Ir *ir, const Node *node)
{
    const Value *in = node->args[0].value;
    bool         reduced[MAX_RANK];
    reduction_dims(node, reduced);
    const Expr *n = expr_int(ir->exprs, 1);
    for (int d = 0; d < in->type.rank; d++)
        if (reduced[d])
            n = expr_mul(ir->exprs, n, in->type.sizes[d]);
    return n;
}

typedef struct AfterNames {
    LowerCx *cx;
    Node    *node;
    Scalar  *x;
    DType    dtype;
} AfterNames;

static Scalar *after_name(void *user, const char *name)
{
    AfterNames *a = user;
    if (!strcmp(name, "x"))
        return a->x;
    if (!strcmp(name, "n"))
        return scalar_cast(a->cx->scalars, a->dtype,
                           scalar_index(a->cx->scalars, DT_I64, reduced_count(a->cx->ir, a->node)));
    int i = schema_param(a->node->schema, name);
    return i < 0 ? NULL : number_scalar(a->cx, &a->node->args[i], a->dtype);
}

/* before or after text of a reduction around x. */
static Scalar *around_reduction(LowerCx *cx, Node *node, const char *text, Scalar *x)
{
    if (!text)
        return x;
    AfterNames names = {cx, node, x, x->dtype};
    Scalar    *out = x;
    Error     *error = scalar_parse(cx->scalars, text, x->dtype, after_name, &names, &out);
    if (error)
        lower_of(cx)->failed = error_wrap(cx->ir->arena, error, "expanding %s", node->schema->name);
    return out;
}

Scalar *load_element(LowerCx *cx, Value *value, const Expr *const *index, Scalar *mask)
{
    Lower   *lo = lower_of(cx);
    Lowered *l = lowered(lo, value);
    if (l->buffer) {
        const Expr *at = l->buffer->panel ? panel_index(lo, l->buffer, l->panel_swapped, index)
                                          : buffer_index(lo, l->buffer, index);
        return scalar_load(cx->scalars, l->buffer, at, mask);
    }
    Node *node = value->def;
    if (l->raw) {
        if (node->op->kind == OP_TEMPLATE)
            return template_element(cx, lo, node, index, mask);
        Scalar *x = scalar_load(cx->scalars, l->raw, buffer_index(lo, l->raw, index), mask);
        return scalar_cast(cx->scalars, value->type.dtype,
                           around_reduction(cx, node, node->op->after, x));
    }
    if (!node || !node->op) {
        lo->failed = node ? node_error(node, E_INTERNAL,
                                       "value %%%s was asked for before it exists", value->name)
                          : error_new(lo->ir->arena, E_INTERNAL, (Where){0},
                                      "value %%%s has no definition", value->name);
        return scalar_int(cx->scalars, value->type.dtype, 0);
    }
    switch (node->op->kind) {
    case OP_VIEW: {
        const Expr *in[MAX_RANK];
        node->op->view(node, index, in);
        return load_element(cx, view_source(node), in, mask);
    }
    case OP_INDEXED: {
        Scalar *outer = cx->mask;
        Node   *outer_node = cx->node;
        trace_node(lo, node);
        cx->mask = mask;
        cx->node = node;
        Scalar *out = node->op->element(cx, node, value->result, index);
        cx->mask = outer;
        cx->node = outer_node;
        if (!out) {
            if (!lo->failed)
                lo->failed =
                    node_error(node, E_UNSUPPORTED, "these arguments of %s are not supported",
                               node->schema->name);
            return scalar_int(cx->scalars, value->type.dtype, 0);
        }
        return scalar_cast(cx->scalars, value->type.dtype, out);
    }
    case OP_POINTWISE:
        return pointwise_element(cx, node, index, mask);
    default:
        lo->failed =
            node_error(node, E_INTERNAL, "value %%%s was asked for before it exists", value->name);
        return scalar_int(cx->scalars, value->type.dtype, 0);
    }
}

/* ---- views ----------------------------------------------------------------------------------- */

Value *view_source(const Node *node)
{
    for (int i = 0; i < node->n_args; i++)
        if (node->args[i].kind == ARG_VALUE && node->args[i].value->kind == VALUE_TENSOR)
            return node->args[i].value;
    return NULL;
}

Value *under_views(Value *value)
{
    while (value->def && value->def->op && value->def->op->kind == OP_VIEW)
        value = view_source(value->def);
    return value;
}

Constant *constant_under(Value *value)
{
    Value *base = under_views(value);
    return base->constant && !base->constant->is_mutated ? base->constant : NULL;
}

/* ---- which values get a buffer --------------------------------------------------------------- */

static int body_cost(const Node *node)
{
    static const char *const heavy[] = {
        "exp",    "log",     "sin",  "cos",  "tan",       "tanh", "erf",   "sigmoid",
        "pow",    "gelu",    "silu", "mish", "softplus",  "elu",  "sqrt",  "div",
        "lgamma", "digamma", "atan", "sinc", "remainder", "fmod", "logit", "hardswish"};
    if (node->op->kind == OP_INDEXED)
        return 3;
    for (size_t i = 0; i < sizeof heavy / sizeof *heavy; i++)
        if (strstr(node->schema->base, heavy[i]))
            return 10;
    return 1;
}

/* Does every element of the operand take part in at most one element of the result (cat, pad, flip
 * …)?  Others, such as windows and interpolation, ask for the same element many times. */
static bool reads_once(const Node *node)
{
    static const char *const names[] = {
        "cat",  "stack",         "constant_pad_nd",  "flip",
        "roll", "slice_scatter", "select_scatter",   "tril",
        "triu", "_to_copy",      "diagonal_scatter", "as_strided_scatter"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(node->schema->base, names[i]))
            return true;
    return false;
}

typedef struct UseCx {
    Lower *lo;
    Node  *node;
} UseCx;

static void add_cost(void *user, Arg *arg)
{
    UseCx *u = user;
    if (arg->value->kind != VALUE_TENSOR)
        return;
    Lowered *in = lowered(u->lo, under_views(arg->value));
    Lowered *out = lowered(u->lo, u->node->results[0]);
    out->cost += in->realize || arg->value->n_uses > 1 ? 1 : in->cost;
}

/* Costs in execution order, with values of several users counted as realized. */
static void estimate_costs(Lower *lo, Graph *graph)
{
    for (Node *n = graph->first; n; n = n->next) {
        if (!n->n_results || !n->op)
            continue;
        Lowered *out = lowered(lo, n->results[0]);
        if (n->op->kind == OP_POINTWISE || n->op->kind == OP_INDEXED) {
            out->cost = body_cost(n);
            node_for_each_value(n, add_cost, &(UseCx){lo, n});
            if (out->cost > MAX_INLINE_COST) {
                out->forced = out->realize = true;
                out->cost = 1;
            }
        } else {
            out->cost = 1;
        }
    }
}

static bool same_numel(Ir *ir, const Value *a, const Value *b)
{
    return tensor_numel(ir, &a->type) == tensor_numel(ir, &b->type);
}

static void add_sites(void *user, Arg *arg)
{
    UseCx *u = user;
    Value *value = arg->value;
    if (value->kind != VALUE_TENSOR)
        return;
    Value      *base = under_views(value);
    Lowered    *l = lowered(u->lo, base);
    const Node *node = u->node;
    int         sites = 1;
    switch (node->op ? node->op->kind : OP_EFFECT) {
    case OP_VIEW:
        return; /* its users speak for it */
    case OP_POINTWISE:
    case OP_INDEXED: {
        Lowered *out = lowered(u->lo, node->results[0]);
        if (!out->realize)
            sites = out->sites > 1 ? out->sites : 1;
        bool again = node->op->kind == OP_INDEXED ? !reads_once(node)
                                                  : !same_numel(u->lo->ir, value, node->results[0]);
        if (again)
            sites++;
        break;
    }
    case OP_REDUCTION:
        break;
    default:
        l->forced = true; /* templates, control flow, effects take buffers */
    }
    l->sites += sites;
}

static void decide_value(Lower *lo, Node *node, Value *value)
{
    Lowered *l = lowered(lo, value);
    if (value->kind != VALUE_TENSOR || node->op->kind == OP_VIEW)
        return;
    if (l->forced)
        l->realize = true;
    else if (node->op->kind == OP_TEMPLATE)
        l->realize = l->sites > 1;
    else if (node->op->kind == OP_POINTWISE || node->op->kind == OP_INDEXED)
        l->realize = l->sites > 1 && l->cost > CHEAP_COST;
}

static void force_output(Lower *lo, Arg *arg)
{
    if (arg->kind == ARG_VALUE && arg->value->kind == VALUE_TENSOR) {
        Lowered *l = lowered(lo, under_views(arg->value));
        l->sites++;
        if (under_views(arg->value) == arg->value)
            l->forced = true;
    }
}

static void decide_graph(Lower *lo, Graph *graph)
{
    for (int i = 0; i < graph->n_outputs; i++)
        force_output(lo, &graph->outputs[i].arg);
    for (int i = 0; i < graph->mutations.n; i++)
        lowered(lo, graph->mutations.items[i].value)->forced = true;
    for (int i = 0; i < graph->n_inputs; i++)
        if (graph->inputs[i].mutated_to)
            lowered(lo, graph->inputs[i].mutated_to)->forced = true;
    for (Node *n = graph->last; n; n = n->prev) {
        for (int r = 0; r < n->n_results && n->op; r++)
            decide_value(lo, n, n->results[r]);
        node_for_each_value(n, add_sites, &(UseCx){lo, n});
        for (int i = 0; i < n->n_args; i++)
            if (n->args[i].kind == ARG_GRAPH) {
                estimate_costs(lo, n->args[i].graph);
                decide_graph(lo, n->args[i].graph);
            }
    }
}

/* ---- channels last --------------------------------------------------------------------------- */

typedef struct SpreadCx {
    Lower *lo;
    Node  *node;
    bool   any, changed;
} SpreadCx;

static void spread_look(void *user, Arg *arg)
{
    SpreadCx *s = user;
    if (arg->value->kind == VALUE_TENSOR &&
        arg->value->type.rank == s->node->results[0]->type.rank &&
        lowered(s->lo, arg->value)->channels_last)
        s->any = true;
}

static void spread_set(void *user, Arg *arg)
{
    SpreadCx *s = user;
    Value    *v = arg->value;
    if (v->kind != VALUE_TENSOR || v->type.rank != s->node->results[0]->type.rank ||
        lowered(s->lo, v)->channels_last)
        return;
    lowered(s->lo, v)->channels_last = true;
    s->changed = true;
}

/* Convolutions work on channels-last data; what is between them (pointwise, pooling, padding, cat)
 * follows. */
static void spread_channels_last(Lower *lo, Graph *graph)
{
    for (Node *n = graph->first; n; n = n->next)
        if (n->op && n->op->template_kind == TEMPLATE_CONV) {
            lowered(lo, n->results[0])->channels_last = true;
            lowered(lo, node_tensor(n, "input"))->channels_last = true;
        }
    for (int sweep = 0; sweep < 8; sweep++) {
        bool changed = false;
        for (Node *n = graph->first; n; n = n->next) {
            if (!n->op || !n->n_results || n->results[0]->kind != VALUE_TENSOR ||
                n->results[0]->type.rank < 3 ||
                (n->op->kind != OP_POINTWISE && n->op->kind != OP_INDEXED &&
                 n->op->kind != OP_REDUCTION))
                continue;
            SpreadCx s = {lo, n, lowered(lo, n->results[0])->channels_last, false};
            node_for_each_value(n, spread_look, &s);
            if (!s.any)
                continue;
            if (!lowered(lo, n->results[0])->channels_last)
                lowered(lo, n->results[0])->channels_last = s.changed = true;
            node_for_each_value(n, spread_set, &s);
            changed |= s.changed;
        }
        if (!changed)
            break;
    }
}

/* ---- loops ----------------------------------------------------------------------------------- */

Loop *new_loop(Lower *lo, LoopKind kind, int n_dims, ScalarPool *pool, Node *node)
{
    Loop *loop = ARENA_NEW(lo->ir->arena, Loop);
    loop->kind = kind;
    loop->n_dims = n_dims;
    loop->vars = ARENA_ARRAY(lo->ir->arena, Symbol *, n_dims ? n_dims : 1);
    loop->sizes = ARENA_ARRAY(lo->ir->arena, const Expr *, n_dims ? n_dims : 1);
    loop->reduced = ARENA_ARRAY(lo->ir->arena, bool, n_dims ? n_dims : 1);
    loop->pool = pool;
    loop->node = node;
    return loop;
}

/* Loop variables over `sizes`; a size of one needs none. Fills index[rank]. */
static void make_vars(Lower *lo, Loop *loop, const Expr *const *sizes, int rank, const Expr **index)
{
    loop->n_dims = 0;
    for (int d = 0; d < rank; d++) {
        index[d] = expr_int(lo->ir->exprs, 0);
        if (expr_is_value(sizes[d], 1))
            continue;
        Symbol *var = expr_symbol_index(lo->ir->exprs, "i", sizes[d]);
        loop->vars[loop->n_dims] = var;
        loop->sizes[loop->n_dims++] = sizes[d];
        index[d] = var->self;
    }
}

Kernel *new_kernel(Lower *lo, KernelKind kind, const Node *node)
{
    Kernel *k = ARENA_NEW(lo->ir->arena, Kernel);
    k->kind = kind;
    k->nodes = node ? node->name : "";
    if (node)
        k->where = node->where;
    if (node && !k->where.node)
        k->where.node = node->name;
    if (node && !k->where.op)
        k->where.op = node->schema->name;
    return k;
}

void trace_node(Lower *lo, Node *node)
{
    for (int i = 0; i < lo->trace.n; i++)
        if (lo->trace.items[i] == node)
            return;
    int at = lo->trace.n;
    VEC_PUSH(lo->ir->arena, lo->trace, node);
    for (; at > 0 && lo->trace.items[at - 1]->id > node->id; at--)
        lo->trace.items[at] = lo->trace.items[at - 1];
    lo->trace.items[at] = node;
}

/* Names of the nodes that a kernel evaluates, and of their operators. */
static void name_from_trace(Lower *lo, Kernel *kernel, const Node *node)
{
    Text nodes = text_new(lo->ir->arena), ops = text_new(lo->ir->arena);
    if (node)
        trace_node(lo, (Node *)node);
    for (int i = 0; i < lo->trace.n; i++) {
        text_printf(&nodes, "%s%s", i ? ", " : "", lo->trace.items[i]->name);
        if (ops.n < 80)
            text_printf(&ops, "%s%s", i ? "," : "", lo->trace.items[i]->schema->base);
    }
    lo->trace.n = 0;
    kernel->nodes = nodes.data;
    kernel->name = ops.data;
}

Step *add_kernel(Lower *lo, Kernel *kernel, const Node *node)
{
    name_from_trace(lo, kernel, node);
    Step *step = ARENA_NEW(lo->ir->arena, Step);
    step->kind = STEP_KERNEL;
    step->kernel = kernel;
    step->where = kernel->where;
    VEC_PUSH(lo->ir->arena, lo->block->steps, step);
    return step;
}

Step *add_loop(Lower *lo, Loop *loop, const Node *node)
{
    Arena  *arena = lo->ir->arena;
    Kernel *k = new_kernel(lo, KERNEL_LOOPS, node);
    Stage  *stage = ARENA_NEW(arena, Stage);
    k->outer = ARENA_ARRAY(arena, Symbol *, loop->n_dims + 1);
    k->outer_sizes = ARENA_ARRAY(arena, const Expr *, loop->n_dims + 1);
    stage->inner = ARENA_ARRAY(arena, Symbol *, loop->n_dims + 1);
    stage->inner_sizes = ARENA_ARRAY(arena, const Expr *, loop->n_dims + 1);
    for (int d = 0; d < loop->n_dims; d++) {
        if (loop->reduced[d]) {
            stage->inner[stage->n_inner] = loop->vars[d];
            stage->inner_sizes[stage->n_inner++] = loop->sizes[d];
        } else {
            k->outer[k->n_outer] = loop->vars[d];
            k->outer_sizes[k->n_outer++] = loop->sizes[d];
        }
    }
    stage->loops = ARENA_ARRAY(arena, Loop *, 1);
    stage->loops[0] = loop;
    stage->n_loops = 1;
    k->stages = ARENA_ARRAY(arena, Stage *, 1);
    k->stages[0] = stage;
    k->n_stages = 1;
    return add_kernel(lo, k, node);
}

Error *store_value(Lower *lo, Value *value, Buffer *buffer)
{
    ScalarPool *pool = scalar_pool_create(lo->ir->exprs);
    Loop       *loop = new_loop(lo, LOOP_POINTWISE, value->type.rank, pool, value->def);
    const Expr *index[MAX_RANK];
    make_vars(lo, loop, value->type.sizes, value->type.rank, index);
    loop->value = load_element(lower_cx(lo, pool, value->def), value, index, NULL);
    if (lo->failed)
        return lo->failed;
    loop->out = buffer;
    loop->index = buffer_index(lo, buffer, index);
    loop_order_by(lo->ir, loop, loop->index);
    add_loop(lo, loop, value->def);
    return NULL;
}

/* Layout of a fresh buffer for the value. */
static Buffer *value_buffer(Lower *lo, Value *value)
{
    const TensorType *t = &value->type;
    int               order[MAX_RANK], n = 0;
    if (lowered(lo, value)->channels_last && t->rank >= 3) {
        order[n++] = 0;
        for (int d = 2; d < t->rank; d++)
            order[n++] = d;
        order[n++] = 1;
    } else {
        stride_order(lo->ir, t, order);
    }
    return new_buffer(lo, BUFFER_TEMP, value->name, t->dtype, t->rank, t->sizes,
                      strides_in_order(lo->ir, t->sizes, t->rank, order));
}

Error *realize_value(Lower *lo, Value *value)
{
    Lowered *l = lowered(lo, value);
    if (l->buffer)
        return NULL;
    if (l->raw && l->raw_is_value && !l->output) {
        l->buffer = l->raw;
        return NULL;
    }
    Buffer *b = l->output ? l->output : value_buffer(lo, value);
    TRY(store_value(lo, value, b));
    l->buffer = b;
    return NULL;
}

/* dims order by strides as exported, outermost first; logical order where strides say nothing. */
void stride_order(Ir *ir, const TensorType *t, int *order)
{
    for (int d = 0; d < t->rank; d++)
        order[d] = d;
    for (int i = 1; i < t->rank; i++)
        for (int j = i; j > 0; j--) {
            const Expr *a = t->strides[order[j - 1]], *b = t->strides[order[j]];
            bool        ones =
                expr_is_value(t->sizes[order[j]], 1) || expr_is_value(t->sizes[order[j - 1]], 1);
            if (ones || expr_is_value(a, 0) || expr_is_value(b, 0) || a == b ||
                !expr_prove_lt(ir->exprs, a, b))
                break;
            int swap = order[j];
            order[j] = order[j - 1];
            order[j - 1] = swap;
        }
}

/* ---- reductions ------------------------------------------------------------------------------ */

void reduction_dims(const Node *node, bool *reduced)
{
    int rank = node->args[0].value->type.rank;
    int p = schema_param(node->schema, "dim");
    for (int d = 0; d < rank; d++)
        reduced[d] = true;
    if (p < 0 || node->args[p].kind == ARG_NONE)
        return;
    const Arg *dims = &node->args[p];
    const Arg *items = dims->kind == ARG_LIST ? dims->items : dims;
    int        n = dims->kind == ARG_LIST ? dims->n_items : 1;
    if (dims->kind == ARG_LIST && n == 0)
        return; /* an empty list is all dims, as in eager */
    for (int d = 0; d < rank; d++)
        reduced[d] = false;
    for (int i = 0; i < n; i++) {
        int64_t d = 0;
        expr_is_int(items[i].expr, &d);
        if (rank)
            reduced[d < 0 ? d + rank : d] = true;
    }
}

static DType accumulate_dtype(const Node *node)
{
    DType out = node->results[0]->type.dtype;
    if (node->op->reduce == REDUCE_ARGMAX || node->op->reduce == REDUCE_ARGMIN)
        return DT_I64;
    return dtype_compute(out);
}

/* What is accumulated: the element, in the dtype that accumulates, after the row's `before`. */
static Scalar *reduction_element(LowerCx *cx, Node *node, const Expr *const *index)
{
    Scalar *x = load_element(cx, node->args[0].value, index, NULL);
    if (node->op->reduce == REDUCE_ARGMAX || node->op->reduce == REDUCE_ARGMIN)
        return scalar_cast(cx->scalars, dtype_compute(x->dtype), x);
    if (node->op->reduce == REDUCE_ANY || node->op->reduce == REDUCE_ALL)
        x = scalar_cast(cx->scalars, DT_BOOL, x);
    else
        x = scalar_cast(cx->scalars, accumulate_dtype(node), x);
    return around_reduction(cx, node, node->op->before, x);
}

/* Over dims of size 1 alone: the element itself, no loop. */
static void reduce_single(Loop *loop, ScalarPool *pool)
{
    for (int d = 0; d < loop->n_dims; d++)
        if (loop->reduced[d])
            return;
    loop->kind = LOOP_POINTWISE;
    if (loop->reduce == REDUCE_ARGMAX || loop->reduce == REDUCE_ARGMIN)
        loop->value = scalar_int(pool, DT_I64, 0);
}

/* --unroll-reductions-threshold: a reduction of that few elements is a chain of scalars per result,
 * and a pointwise loop. The chain in index order is the order in which a loop would add them. */
static bool unroll_reduction(Lower *lo, Loop *loop)
{
    static const ScalarOp chain[REDUCE_COUNT] = {
        [REDUCE_SUM] = S_ADD,     [REDUCE_PROD] = S_MUL, [REDUCE_MAX] = S_MAXIMUM,
        [REDUCE_MIN] = S_MINIMUM, [REDUCE_ANY] = S_OR,   [REDUCE_ALL] = S_AND};
    int     threshold = lo->cx->unroll_reductions_threshold, n_reduced = 0, n_kept = 0;
    int64_t total = 1, size, sizes[MAX_RANK];
    Symbol *vars[MAX_RANK];
    for (int d = 0; d < loop->n_dims; d++)
        if (loop->reduced[d]) {
            if (!expr_is_int(loop->sizes[d], &size) || size < 1 || size > threshold)
                return false;
            vars[n_reduced] = loop->vars[d];
            sizes[n_reduced++] = size;
            total *= size;
        }
    if (loop->kind != LOOP_REDUCE || !n_reduced || total > threshold ||
        loop->reduce >= REDUCE_ARGMAX)
        return false;
    Scalar *sum = NULL;
    for (int64_t i = 0; i < total; i++) {
        const Expr *at[MAX_RANK];
        int64_t     rest = i;
        for (int d = n_reduced - 1; d >= 0; d--) {
            at[d] = expr_int(lo->ir->exprs, rest % sizes[d]);
            rest /= sizes[d];
        }
        Scalar *x = scalar_rewrite(loop->pool, loop->value, vars, at, n_reduced, NULL, NULL);
        sum = sum ? scalar_2(loop->pool, chain[loop->reduce], sum, x) : x;
    }
    for (int d = 0; d < loop->n_dims; d++)
        if (!loop->reduced[d]) {
            loop->vars[n_kept] = loop->vars[d];
            loop->sizes[n_kept] = loop->sizes[d];
            loop->reduced[n_kept++] = false;
        }
    loop->n_dims = n_kept;
    loop->kind = LOOP_POINTWISE;
    loop->value = sum;
    pass_count(lo->cx, "unrolled_reductions", 1);
    return true;
}

static Error *lower_reduction(Lower *lo, Node *node)
{
    Ir         *ir = lo->ir;
    Value      *in = node->args[0].value, *out = node->results[0];
    bool        reduced[MAX_RANK];
    const Expr *index[MAX_RANK], *kept[MAX_RANK];
    reduction_dims(node, reduced);
    ScalarPool *pool = scalar_pool_create(ir->exprs);
    Loop       *loop = new_loop(lo, LOOP_REDUCE, in->type.rank, pool, node);
    make_vars(lo, loop, in->type.sizes, in->type.rank, index);
    int  v = 0, o = 0;
    bool keepdim = out->type.rank == in->type.rank;
    for (int d = 0; d < in->type.rank; d++) {
        bool is_var = !expr_is_value(in->type.sizes[d], 1);
        if (is_var)
            loop->reduced[v++] = reduced[d];
        if (!reduced[d])
            kept[o++] = index[d];
        else if (keepdim)
            kept[o++] = expr_int(ir->exprs, 0);
    }
    loop->reduce = node->op->reduce;
    loop->value = reduction_element(lower_cx(lo, pool, node), node, index);
    if (lo->failed)
        return lo->failed;
    if (!unroll_reduction(lo, loop))
        reduce_single(loop, pool);
    DType raw = node->op->reduce == REDUCE_ANY || node->op->reduce == REDUCE_ALL
                    ? DT_BOOL
                    : accumulate_dtype(node);
    int   order[MAX_RANK];
    bool  nhwc = lowered(lo, out)->channels_last && out->type.rank >= 3;
    for (int d = 0; d < out->type.rank; d++)
        order[d] = !nhwc || d == 0 ? d : d == out->type.rank - 1 ? 1 : d + 1;
    Lowered *l = lowered(lo, out);
    l->raw_is_value = raw == out->type.dtype && !node->op->after;
    if (l->raw_is_value && l->output)
        l->raw = l->output;
    else
        l->raw = new_buffer(lo, BUFFER_TEMP, out->name, raw, out->type.rank, out->type.sizes,
                            strides_in_order(ir, out->type.sizes, out->type.rank, order));
    loop->out = l->raw;
    loop->index = buffer_index(lo, l->raw, kept);
    bool    positional = loop->reduce == REDUCE_ARGMAX || loop->reduce == REDUCE_ARGMIN;
    Scalar *load = main_load(loop);
    if (load && !positional) /* argmax counts positions in the logical order of its dims */
        loop_order_by(ir, loop, load->index);
    add_loop(lo, loop, node);
    if (l->raw_is_value)
        l->buffer = l->raw;
    else if (l->realize)
        return realize_value(lo, out);
    return NULL;
}

/* ---- cat: every operand is stored into its slice of one buffer ------------------------------- */

static bool is_cat(const Node *node)
{
    return !strcmp(node->schema->name, "aten.cat.default");
}

static Error *lower_cat(Lower *lo, Node *node)
{
    Ir         *ir = lo->ir;
    Value      *out = node->results[0];
    Lowered    *l = lowered(lo, out);
    Arg        *list = node_arg(node, "tensors");
    int         dim = node_dim(node, "dim", out->type.rank);
    Buffer     *b = l->output ? l->output : value_buffer(lo, out);
    const Expr *at = expr_int(ir->exprs, 0);
    for (int i = 0; i < list->n_items; i++) {
        Value *in = list->items[i].value;
        if (in->type.rank != out->type.rank) /* legacy: empty 1-d tensors are skipped */
            continue;
        ScalarPool *pool = scalar_pool_create(ir->exprs);
        Loop       *loop = new_loop(lo, LOOP_POINTWISE, in->type.rank, pool, node);
        const Expr *index[MAX_RANK];
        make_vars(lo, loop, in->type.sizes, in->type.rank, index);
        Scalar *x = load_element(lower_cx(lo, pool, node), in, index, NULL);
        if (lo->failed)
            return lo->failed;
        loop->value = scalar_cast(pool, out->type.dtype, x);
        index[dim] = expr_add(ir->exprs, index[dim], at);
        loop->out = b;
        loop->index = buffer_index(lo, b, index);
        loop_order_by(ir, loop, loop->index);
        add_loop(lo, loop, node);
        at = expr_add(ir->exprs, at, in->type.sizes[dim]);
    }
    l->buffer = b;
    return NULL;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static Error *lower_node(Lower *lo, Node *node)
{
    if (!node->op)
        return node_error(node, E_UNSUPPORTED, "operator %s is not supported", node->schema->name);
    switch (node->op->kind) {
    case OP_VIEW:
        return NULL;
    case OP_POINTWISE:
    case OP_INDEXED:
        if (is_cat(node) &&
            (lowered(lo, node->results[0])->realize || node_arg(node, "tensors")->n_items > 4))
            return lower_cat(lo, node);
        for (int r = 0; r < node->n_results; r++)
            if (node->results[r]->kind == VALUE_TENSOR && lowered(lo, node->results[r])->realize)
                TRY(realize_value(lo, node->results[r]));
        return NULL;
    case OP_REDUCTION:
        return lower_reduction(lo, node);
    case OP_TEMPLATE:
        TRY(lower_template(lo, node));
        for (int r = 0; r < node->n_results; r++)
            if (node->results[r]->kind == VALUE_TENSOR && lowered(lo, node->results[r])->realize)
                TRY(realize_value(lo, node->results[r]));
        return NULL;
    case OP_HIGHER_ORDER:
        return lower_higher_order(lo, node);
    case OP_EFFECT:
        return lower_effect(lo, node);
    case OP_COMPOSITE:
        return node_error(node, E_INTERNAL, "%s was not decomposed", node->schema->name);
    }
    return NULL;
}

/* ---- sizes that an earlier step does not set ------------------------------------------------- */

static bool steps_set(Step *const *steps, int n, const Symbol *symbol)
{
    for (int i = 0; i < n; i++)
        if (steps[i]->symbol == symbol ||
            (steps[i]->kernel && steps[i]->kernel->kind == KERNEL_NONZERO &&
             steps[i]->kernel->nonzero.count == symbol))
            return true;
    return false;
}

typedef struct UnsetCx {
    Lower  *lo;
    Symbol *unset; /* a symbol of the run that no step so far sets */
} UnsetCx;

static void find_unset(void *user, Symbol *symbol)
{
    UnsetCx *u = user;
    bool     is_set = symbol->kind != SYM_UNBACKED;
    for (const Block *b = u->lo->block; b && !is_set; b = b->outer)
        is_set = steps_set(b->steps.items, b->steps.n, symbol);
    for (int i = 0; i < u->lo->graph->n_inputs && !is_set; i++)
        is_set = u->lo->graph->inputs[i].value && u->lo->graph->inputs[i].value->symbol == symbol;
    if (!is_set)
        u->unset = symbol;
}

static Symbol *unset_symbol(Lower *lo, const Expr *e)
{
    UnsetCx u = {lo, NULL};
    expr_symbols(e, find_unset, &u);
    return u.unset;
}

/* The export names a size that it cannot decide (x[:u0] has u1 rows); the row says what it is. */
static Error *define_size(Lower *lo, Node *node, int result, int dim)
{
    const Expr *size = node->results[result]->type.sizes[dim];
    Symbol     *symbol = unset_symbol(lo, size);
    if (!symbol)
        return NULL;
    Value *saved = ARENA_ARRAY(lo->ir->arena, Value, node->n_results);
    for (int r = 0; r < node->n_results; r++)
        saved[r] = *node->results[r];
    TRY(infer_node(node));
    const TensorType *t = &node->results[result]->type;
    const Expr       *known = dim < t->rank ? t->sizes[dim] : NULL;
    for (int r = 0; r < node->n_results; r++)
        *node->results[r] = saved[r];
    if (!known || size->kind != EXPR_SYMBOL || unset_symbol(lo, known))
        return node_error(node, E_UNSUPPORTED, "%s: nothing sets %s of size %s", node->schema->name,
                          symbol->name, expr_text(lo->ir->arena, size));
    Step *s = ARENA_NEW(lo->ir->arena, Step);
    s->kind = STEP_SYMBOL;
    s->symbol = symbol;
    s->condition = known;
    s->where = node->where;
    VEC_PUSH(lo->ir->arena, lo->block->steps, s);
    return NULL;
}

static Error *define_sizes(Lower *lo, Node *node)
{
    if (!node->op || node->op->kind == OP_HIGHER_ORDER ||
        node->op->template_kind == TEMPLATE_NONZERO)
        return NULL;
    for (int r = 0; r < node->n_results; r++)
        for (int d = 0; node->results[r]->kind == VALUE_TENSOR && d < node->results[r]->type.rank;
             d++)
            TRY(define_size(lo, node, r, d));
    return NULL;
}

Error *lower_nodes(Lower *lo, Graph *graph)
{
    for (Node *n = graph->first; n; n = n->next) {
        Error *error = define_sizes(lo, n);
        if (!error)
            error = lower_node(lo, n);
        if (!error && lo->failed)
            error = lo->failed;
        if (error) {
            if (!error->where.node)
                error->where.node = n->name;
            if (!error->where.op)
                error->where.op = n->schema->name;
            if (!error->where.python)
                error->where.python = n->where.python;
            return error;
        }
    }
    return NULL;
}

/* ---- operands -------------------------------------------------------------------------------- */

bool affine_operand(Lower *lo, Value *value, Operand *out)
{
    Ir         *ir = lo->ir;
    Lowered    *base = lowered(lo, under_views(value));
    ScalarPool *pool = scalar_pool_create(ir->exprs);
    const Expr *index[MAX_RANK];
    int         rank = value->type.rank;
    if (!base->buffer || base->buffer->panel || base->buffer->dtype != value->type.dtype)
        return false;
    Symbol *vars[MAX_RANK] = {0};
    for (int d = 0; d < rank; d++) {
        vars[d] = expr_symbol_index(ir->exprs, "i", value->type.sizes[d]);
        index[d] = expr_is_value(value->type.sizes[d], 1) ? expr_int(ir->exprs, 0) : vars[d]->self;
    }
    Scalar *load = load_element(lower_cx(lo, pool, value->def), value, index, NULL);
    if (load->op != S_LOAD || load->buffer != base->buffer || load->mask)
        return false;
    const Expr **strides = ARENA_ARRAY(ir->arena, const Expr *, rank ? rank : 1);
    const Expr  *rest = load->index, *coeff;
    for (int d = 0; d < rank; d++) {
        if (!expr_linear(ir->exprs, rest, vars[d], &coeff, &rest))
            return false;
        for (int e = 0; e < rank; e++)
            if (expr_contains(coeff, vars[e]))
                return false;
        strides[d] = coeff;
    }
    for (int d = 0; d < rank; d++)
        if (expr_contains(rest, vars[d]))
            return false;
    *out = (Operand){base->buffer, rest, strides, rank};
    return true;
}

Error *operand_of(Lower *lo, Value *value, Operand *out)
{
    TRY(realize_base(lo, value));
    if (affine_operand(lo, value, out))
        return NULL;
    int order[MAX_RANK];
    for (int d = 0; d < value->type.rank; d++)
        order[d] = d;
    Buffer *copy = new_buffer(lo, BUFFER_TEMP, value->name, value->type.dtype, value->type.rank,
                              value->type.sizes,
                              strides_in_order(lo->ir, value->type.sizes, value->type.rank, order));
    TRY(store_value(lo, value, copy));
    *out = (Operand){copy, copy->offset, copy->strides, copy->rank};
    return NULL;
}

/* The value under the views gets a buffer, so that the views are strides of it. */
Error *realize_base(Lower *lo, Value *value)
{
    Value *base = under_views(value);
    return base->def ? realize_value(lo, base) : NULL;
}

/* ---- the whole graph ------------------------------------------------------------------------- */

static Buffer *typed_buffer(Lower *lo, BufferKind kind, const char *name, const TensorType *t)
{
    Buffer *b = new_buffer(lo, kind, name, t->dtype, t->rank, t->sizes, t->strides);
    return b;
}

/* Elements between the first and the last that strides reach, plus one. */
static const Expr *storage_extent(Ir *ir, const TensorType *t)
{
    ExprPool   *p = ir->exprs;
    const Expr *last = expr_int(p, 1);
    for (int d = 0; d < t->rank; d++)
        last =
            expr_add(p, last, expr_mul(p, expr_sub(p, t->sizes[d], expr_int(p, 1)), t->strides[d]));
    return last;
}

/* None and strings take no place among the tensors of the ABI. */
static bool has_place(const Arg *arg)
{
    return arg->kind != ARG_NONE && arg->kind != ARG_STRING;
}

static void add_plan_input(Lower *lo, GraphInput *in)
{
    PlanTensor t = {.name = in->name, .same_as = -1};
    if (in->kind == INPUT_LITERAL && !has_place(&in->literal))
        return;
    if (in->kind == INPUT_LITERAL) {
        t.is_literal = true;
        t.literal = in->literal;
    } else if (in->value->kind == VALUE_SCALAR) {
        t.scalar = in->value->symbol;
    } else {
        t.type = in->value->type;
        t.type.storage_offset = expr_int(lo->ir->exprs, 0);
        t.buffer = typed_buffer(lo, BUFFER_INPUT, in->name, &t.type);
        t.buffer->numel = storage_extent(lo->ir, &t.type);
        t.buffer->slot = lo->plan->inputs.n;
        t.buffer->value = in->value;
        t.is_mutated = in->mutated_to != NULL;
        lowered(lo, in->value)->buffer = t.buffer;
    }
    VEC_PUSH(lo->ir->arena, lo->plan->inputs, t);
}

static void add_plan_constant(Lower *lo, Graph *graph, Constant *c)
{
    const TensorType *t = &c->value->type;
    Buffer *b = typed_buffer(lo, c->is_mutated ? BUFFER_STATE : BUFFER_CONSTANT, c->fqn, t);
    b->value = c->value;
    b->numel = storage_extent(lo->ir, t);
    if (c->storage >= 0 && t->storage_offset)
        b->offset = t->storage_offset;
    PlanConstant pc = {.fqn = c->fqn,
                       .buffer = b,
                       .is_state = c->is_mutated,
                       .storage = c->storage >= 0 ? graph->storages.items[c->storage] : NULL};
    b->slot = lo->plan->constants.n;
    VEC_PUSH(lo->ir->arena, lo->plan->constants, pc);
    lowered(lo, c->value)->buffer = b;
}

/* An output that is produced by a node of its own is written where the caller wants it. */
static Error *add_plan_output(Lower *lo, Graph *graph, int i)
{
    GraphOutput *o = &graph->outputs[i];
    PlanTensor   t = {.name = o->name, .same_as = -1};
    if (!has_place(&o->arg))
        return NULL;
    if (o->arg.kind == ARG_VALUE && o->arg.value->kind == VALUE_TENSOR) {
        Value *v = o->arg.value;
        t.type = v->type;
        t.type.storage_offset = expr_int(lo->ir->exprs, 0);
        int order[MAX_RANK];
        stride_order(lo->ir, &v->type, order);
        t.type.strides = strides_in_order(lo->ir, v->type.sizes, v->type.rank, order);
        t.buffer = typed_buffer(lo, BUFFER_OUTPUT, arena_printf(lo->ir->arena, "out_%s", v->name),
                                &t.type);
        t.buffer->slot = lo->plan->outputs.n;
        Lowered *l = lowered(lo, v);
        if (v->def && v->def->op && v->def->op->kind != OP_VIEW &&
            v->def->op->kind != OP_HIGHER_ORDER && !l->output)
            l->output = t.buffer;
    } else if (o->arg.kind == ARG_VALUE && o->arg.value->kind == VALUE_SCALAR) {
        t.expr = o->arg.value->symbol->self;
    } else {
        t.expr = o->arg.expr ? o->arg.expr : expr_float(lo->ir->exprs, o->arg.number);
    }
    VEC_PUSH(lo->ir->arena, lo->plan->outputs, t);
    return NULL;
}

/* Outputs that are views, inputs, constants or come up twice are copied at the end. */
static Error *finish_outputs(Lower *lo, Graph *graph)
{
    for (int i = 0, slot = 0; i < graph->n_outputs; i++) {
        if (!has_place(&graph->outputs[i].arg))
            continue;
        PlanTensor *t = &lo->plan->outputs.items[slot++];
        if (!t->buffer)
            continue;
        Value *v = graph->outputs[i].arg.value;
        if (lowered(lo, v)->buffer != t->buffer)
            TRY(store_value(lo, v, t->buffer));
    }
    return NULL;
}

static Step *copy_step(Lower *lo, Buffer *from, Buffer *to, Where where)
{
    Step *s = ARENA_NEW(lo->ir->arena, Step);
    s->kind = STEP_COPY;
    s->from = from;
    s->to = to;
    s->where = where;
    VEC_PUSH(lo->ir->arena, lo->block->steps, s);
    return s;
}

/* A value that a state buffer or input shall hold after the run: in a buffer of that layout, then
 * copied.  inplace_block() lets the value be computed in place where it can. */
static Error *write_back(Lower *lo, Value *value, Buffer *to)
{
    Lowered *l = lowered(lo, value);
    if (l->buffer == to)
        return NULL;
    /* Through a buffer of its own: the old content may still be read by other write-backs. */
    Buffer *b = l->buffer;
    bool    fits = b && b->kind == BUFFER_TEMP && b->dtype == to->dtype;
    for (int d = 0; fits && d < to->rank; d++)
        fits = b->strides[d] == to->strides[d];
    if (!fits) {
        b = new_buffer(lo, BUFFER_TEMP, value->name, to->dtype, to->rank, to->sizes, to->strides);
        TRY(store_value(lo, value, b));
    }
    b->numel = to->numel;
    copy_step(lo, b, to, value->def ? value->def->where : (Where){0});
    return NULL;
}

static Error *write_mutations(Lower *lo, Graph *graph)
{
    /* All values first, then all copies: a new value may be made of the old content of another
     * buffer. */
    int first = lo->block->steps.n;
    for (int i = 0; i < graph->mutations.n; i++)
        TRY(write_back(lo, graph->mutations.items[i].value,
                       lowered(lo, graph->mutations.items[i].constant->value)->buffer));
    for (int i = 0; i < graph->n_inputs; i++)
        if (graph->inputs[i].mutated_to)
            TRY(write_back(lo, graph->inputs[i].mutated_to,
                           lowered(lo, graph->inputs[i].value)->buffer));
    VEC(Step *) copies = {0};
    int kept = first;
    for (int i = first; i < lo->block->steps.n; i++) {
        Step *s = lo->block->steps.items[i];
        if (s->kind == STEP_COPY)
            VEC_PUSH(lo->ir->arena, copies, s);
        else
            lo->block->steps.items[kept++] = s;
    }
    for (int i = 0; i < copies.n; i++)
        lo->block->steps.items[kept++] = copies.items[i];
    return NULL;
}

static Lower *lower_create(Graph *graph, PassCtx *cx, const char *name)
{
    Ir    *ir = graph->ir;
    Lower *lo = ARENA_NEW(ir->arena, Lower);
    lo->ir = ir;
    lo->graph = graph;
    lo->cx = cx;
    lo->n_of = ir->next_id + 1;
    lo->of = ARENA_ARRAY(ir->arena, Lowered, lo->n_of);
    lo->plan = ARENA_NEW(ir->arena, Plan);
    lo->plan->ir = ir;
    lo->plan->graph = graph;
    lo->plan->name = name;
    lo->block = ARENA_NEW(ir->arena, Block);
    return lo;
}

static void analyse(Lower *lo, Graph *graph)
{
    graph_count_uses(graph);
    estimate_costs(lo, graph);
    decide_graph(lo, graph);
    spread_channels_last(lo, graph);
}

static Error *finish_plan(Lower *lo)
{
    TRY(inplace_block(lo, lo->block));
    TRY(fuse_block(lo, lo->block));
    lo->plan->steps.items = lo->block->steps.items;
    lo->plan->steps.n = lo->block->steps.n;
    lo->plan->steps.cap = lo->block->steps.cap;
    return finish_kernels(lo);
}

/* ---- symbols --------------------------------------------------------------------------------- */

static void add_symbol(void *user, Symbol *symbol)
{
    Lower *lo = user;
    if (symbol->kind != SYM_SIZE && symbol->kind != SYM_UNBACKED)
        return;
    for (int i = 0; i < lo->plan->symbols.n; i++)
        if (lo->plan->symbols.items[i] == symbol)
            return;
    VEC_PUSH(lo->ir->arena, lo->plan->symbols, symbol);
}

static void add_step_symbols(Lower *lo, Step *const *steps, int n)
{
    for (int i = 0; i < n; i++) {
        if (steps[i]->symbol)
            add_symbol(lo, steps[i]->symbol);
        if (steps[i]->kernel && steps[i]->kernel->kind == KERNEL_NONZERO)
            add_symbol(lo, steps[i]->kernel->nonzero.count);
        if (steps[i]->condition)
            expr_symbols(steps[i]->condition, add_symbol, lo);
        add_step_symbols(lo, steps[i]->then_steps.items, steps[i]->then_steps.n);
        add_step_symbols(lo, steps[i]->else_steps.items, steps[i]->else_steps.n);
    }
}

/* Symbols in slot order: as the inputs define them, then those that steps set. */
static void collect_symbols(Lower *lo)
{
    Plan *plan = lo->plan;
    for (int i = 0; i < plan->inputs.n; i++) {
        PlanTensor *t = &plan->inputs.items[i];
        for (int d = 0; d < t->type.rank; d++)
            expr_symbols(t->type.sizes[d], add_symbol, lo);
        for (int d = 0; d < t->type.rank; d++)
            expr_symbols(t->type.strides[d], add_symbol, lo);
        if (t->scalar)
            add_symbol(lo, t->scalar);
    }
    for (int i = 0; i < plan->graph->guards.n; i++)
        if (plan->graph->guards.items[i].expr)
            expr_symbols(plan->graph->guards.items[i].expr, add_symbol, lo);
    add_step_symbols(lo, plan->steps.items, plan->steps.n);
    for (int i = 0; i < plan->outputs.n; i++) {
        PlanTensor *t = &plan->outputs.items[i];
        for (int d = 0; d < t->type.rank; d++)
            expr_symbols(t->type.sizes[d], add_symbol, lo);
        if (t->expr)
            expr_symbols(t->expr, add_symbol, lo);
    }
}

static Error *lower_main(Lower *lo)
{
    Graph *graph = lo->graph;
    for (int i = 0; i < graph->n_inputs; i++)
        add_plan_input(lo, &graph->inputs[i]);
    for (int i = 0; i < graph->constants.n; i++)
        add_plan_constant(lo, graph, graph->constants.items[i]);
    TRY(bind_subgraph_inputs(graph));
    analyse(lo, graph);
    TRY(mark_panels(lo, graph));
    for (int i = 0; i < graph->n_outputs; i++)
        TRY(add_plan_output(lo, graph, i));
    TRY(lower_nodes(lo, graph));
    TRY(finish_outputs(lo, graph));
    TRY(write_mutations(lo, graph));
    TRY(finish_plan(lo));
    collect_symbols(lo);
    return NULL;
}

Error *lower_graph(Graph *graph, PassCtx *cx, Plan **out)
{
    Lower *lo = lower_create(graph, cx, graph->name);
    TRY(lower_main(lo));
    Plan *fold = NULL;
    TRY(lower_fold(lo, &fold));
    lo->plan->fold = fold;
    *out = lo->plan;
    return NULL;
}

/* ---- the fold plan --------------------------------------------------------------------------- */

/* Constants that kernels of the main plan really read; the others (packed ones) leave the package.
 */
static void drop_unused_constants(Lower *lo)
{
    Plan *plan = lo->plan;
    bool *used = ARENA_ARRAY(lo->ir->arena, bool, plan->buffers.n + 1);
    for (int k = 0; k < plan->kernels.n; k++)
        for (int i = 0; i < plan->kernels.items[k]->n_reads; i++)
            used[plan->kernels.items[k]->reads[i]->id] = true;
    mark_step_buffers(plan->steps.items, plan->steps.n, used);
    int n = 0;
    for (int i = 0; i < plan->constants.n; i++) {
        PlanConstant c = plan->constants.items[i];
        if (!used[c.buffer->id] && !c.is_state)
            continue;
        c.buffer->slot = n;
        plan->constants.items[n++] = c;
    }
    plan->constants.n = n;
}

/* The value in the fold graph that a constant of the main graph is: an output of it, or an exported
 * constant. */
static Value *fold_value(Lower *fold, Graph *main_graph, Constant *constant)
{
    for (int i = 0; i < main_graph->folded.n; i++)
        if (main_graph->folded.items[i] == constant)
            return fold->graph->outputs[i].arg.value;
    for (int i = 0; i < fold->graph->n_inputs; i++)
        if (!strcmp(fold->graph->inputs[i].name, constant->fqn))
            return fold->graph->inputs[i].value;
    TensorType type = constant->value->type;
    type.storage_offset = expr_int(fold->ir->exprs, 0);
    Value *v = graph_add_input(fold->graph, constant->fqn, type);
    return v;
}

static void add_fold_output(Lower *fold, const char *name, Buffer *b)
{
    PlanTensor t = {.name = name, .same_as = -1, .buffer = b};
    t.type = tensor_type(fold->ir, b->dtype, b->sizes, b->rank);
    t.type.strides = b->strides;
    if (b->panel || !b->strides) { /* as flat memory */
        t.type = tensor_type(fold->ir, b->dtype, &b->numel, 1);
    }
    b->slot = fold->plan->outputs.n;
    VEC_PUSH(fold->ir->arena, fold->plan->outputs, t);
}

/* Moves a pack kernel into the fold plan: its source becomes the fold graph's value, its result an
 * output. */
static Error *lower_pack(Lower *fold, Lower *main_lo, PackRequest *r)
{
    Value  *v = fold_value(fold, main_lo->graph, r->constant->constant);
    Buffer *main_source = lowered(main_lo, r->constant)->pack_source;
    TRY(realize_value(fold, v));
    Buffer *source = lowered(fold, v)->buffer;
    Buffer *to = new_buffer(fold, BUFFER_OUTPUT, r->to->name, r->to->dtype, 1, &r->to->numel, NULL);
    to->panel = r->to->panel;
    to->numel = r->to->numel;
    Operand *from = r->is_conv ? &r->conv.from : &r->pack.from;
    /* Strides of the request were taken on the constant as the main plan sees it; the fold plan's
     * copy has the same layout unless it was computed there. */
    TRY(rebase_operand(fold, from, main_source, source));
    if (r->is_conv)
        r->conv.to = to;
    else
        r->pack.to = to;
    Kernel *k = new_kernel(fold, r->is_conv ? KERNEL_PACK_CONV : KERNEL_PACK, NULL);
    k->nodes = r->to->name;
    if (r->is_conv)
        k->pack_conv = r->conv;
    else
        k->pack = r->pack;
    add_kernel(fold, k, NULL);
    add_fold_output(fold, r->name, to);
    return NULL;
}

/* Every use of a folded constant must see the layout that the main plan gave it. */
static Error *lower_fold_output(Lower *fold, Value *v, const PlanConstant *c)
{
    Buffer *b = new_buffer(fold, BUFFER_OUTPUT, c->fqn, c->buffer->dtype, c->buffer->rank,
                           c->buffer->sizes, c->buffer->strides);
    TRY(store_value(fold, v, b));
    add_fold_output(fold, c->fqn, b);
    return NULL;
}

Error *lower_fold(Lower *main_lo, Plan **out)
{
    Graph *main_graph = main_lo->graph;
    drop_unused_constants(main_lo);
    Plan *plan = main_lo->plan;
    bool  any = main_lo->packs.n > 0;
    for (int i = 0; i < plan->constants.n; i++)
        any |= !plan->constants.items[i].storage;
    if (!any)
        return NULL;
    Graph *graph = main_graph->fold ? main_graph->fold : graph_create(main_lo->ir, "fold");
    /* Values for exported constants must exist before side tables are made. */
    Lower  probe = {.ir = main_lo->ir, .graph = graph};
    for (int i = 0; i < main_lo->packs.n; i++)
        fold_value(&probe, main_graph, main_lo->packs.items[i]->constant->constant);
    Lower *fold = lower_create(graph, main_lo->cx, "fold");
    fold->is_fold = true;
    for (int i = 0; i < graph->n_inputs; i++)
        add_plan_input(fold, &graph->inputs[i]);
    for (int i = 0; i < graph->constants.n; i++)
        add_plan_constant(fold, graph, graph->constants.items[i]);
    analyse(fold, graph);
    TRY(lower_nodes(fold, graph));
    for (int i = 0; i < plan->constants.n; i++) {
        PlanConstant *c = &plan->constants.items[i];
        if (c->storage || c->is_packed)
            continue;
        TRY(lower_fold_output(fold, fold_value(fold, main_graph, c->buffer->value->constant), c));
    }
    for (int i = 0; i < main_lo->packs.n; i++)
        TRY(lower_pack(fold, main_lo, main_lo->packs.items[i]));
    TRY(finish_plan(fold));
    *out = fold->plan;
    return NULL;
}
