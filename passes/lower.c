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
    b->is_host = lo->on_host && kind == BUFFER_TEMP;
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
    k->is_host = lo->on_host;
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
    k->is_host = loop->out->is_host;
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
    if (node->op == &custom_op)
        return node_error(node, E_UNSUPPORTED,
                          "%s: result %d has a size that only the operator knows (%s); custom "
                          "operators do not set sizes",
                          node->schema->name, result, symbol->name);
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

/* Where place_devices has put the node; without a result it is where its operands are. */
static bool node_is_on_host(const Lower *lo, const Node *node)
{
    for (int i = 0; i < node->n_results; i++)
        if (node->results[i]->kind == VALUE_TENSOR)
            return is_on_host(lo, node->results[i]);
    const Value *first = view_source(node);
    return first && !(first->constant && !first->constant->is_mutated) && is_on_host(lo, first);
}

Error *lower_nodes(Lower *lo, Graph *graph)
{
    for (Node *n = graph->first; n; n = n->next) {
        lo->on_host = node_is_on_host(lo, n);
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
