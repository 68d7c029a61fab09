/* Lowering, the frame: inputs, constants, outputs, write-backs and symbols of a plan, and the plan
 * that folds constants.
 *
 * In: a Graph after all passes.  Out: a Plan with kernels, steps and memory; Plan.fold for what is
 * made of constants. */
#include "passes/lower_internal.h"

#include <string.h>

/* ---- the whole graph ------------------------------------------------------------------------- */

static Buffer *typed_buffer(Lower *lo, BufferKind kind, const char *name, const TensorType *t)
{
    return new_buffer(lo, kind, name, t->dtype, t->rank, t->sizes, t->strides);
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

/* What the caller sees of a real tensor whose last dim of 2 is a complex number. */
static TensorType complex_type(Lower *lo, const TensorType *t)
{
    ExprPool    *p = lo->ir->exprs;
    TensorType   out = *t;
    const Expr **strides = ARENA_ARRAY(lo->ir->arena, const Expr *, t->rank);
    out.dtype = t->dtype == DT_F64 ? DT_C128 : DT_C64;
    out.rank = t->rank - 1;
    for (int d = 0; d < out.rank; d++)
        strides[d] = expr_floordiv(p, t->strides[d], expr_int(p, 2));
    out.strides = strides;
    return out;
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
        t.buffer->is_host = is_on_host(lo, in->value);
        t.is_mutated = in->mutated_to != NULL;
        lowered(lo, in->value)->buffer = t.buffer;
        if (in->is_complex)
            t.type = complex_type(lo, &t.type);
    }
    VEC_PUSH(lo->ir->arena, lo->plan->inputs, t);
}

static void add_plan_constant(Lower *lo, Graph *graph, Constant *c)
{
    const TensorType *t = &c->value->type;
    Buffer *b = typed_buffer(lo, c->is_mutated ? BUFFER_STATE : BUFFER_CONSTANT, c->fqn, t);
    b->value = c->value;
    b->is_host = c->is_mutated && is_on_host(lo, c->value);
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
        t.buffer->is_host = is_on_host(lo, v);
        Lowered *l = lowered(lo, v);
        if (v->def && v->def->op && v->def->op->kind != OP_VIEW &&
            v->def->op->kind != OP_HIGHER_ORDER && !l->output)
            l->output = t.buffer;
        if (o->is_complex)
            t.type = complex_type(lo, &t.type);
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
        lo->on_host = t->buffer->is_host;
        if (lowered(lo, v)->buffer != t->buffer)
            TRY(store_value(lo, v, t->buffer));
    }
    return NULL;
}

Step *copy_step(Lower *lo, Buffer *from, Buffer *to, Where where)
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
        lo->on_host = to->is_host;
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
    narrow_results(lo, lo->block);
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
    lo->plan->is_cuda = cx->target_is_cuda;
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
