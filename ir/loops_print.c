/* Plans as text; docs/ir-text.md has the form.
 *
 * In: a plan.  Out: text that plan_parse() reads back, and that prints to the same bytes again.
 * Kernels and steps are printed first: they tell which buffers and symbols the head has to declare.
 * Buffers that nothing refers to (values that fusion did away with) are left out. */
#include "ir/loops_text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void put_line(PlanIo *io, int level)
{
    text_putc(io->out, '\n');
    text_indent(io->out, level);
    io->is_at_start = true;
}

/* ---- kernels --------------------------------------------------------------------------------- */

static void put_ports(PlanIo *io, const char *word, Buffer *const *buffers, int n, bool is_first)
{
    for (int i = 0; i < n; i++) {
        text_printf(io->out, "%s%s ", i || !is_first ? ", " : "", word);
        put_buffer(io, buffers[i]);
        text_put(io->out, ": ");
        io_buffer_type(io, buffers[i]);
    }
}

void put_kernel(PlanIo *io, const Kernel *k, int level)
{
    put_line(io, level);
    text_printf(io->out, "kernel @%s(", k->name);
    put_ports(io, "in", k->reads, k->n_reads, true);
    put_ports(io, "out", k->writes, k->n_writes, k->n_reads == 0);
    text_putc(io->out, ')');
    put_dims(io, k->outer, k->outer_sizes, k->n_outer);
    text_put(io->out, " {");
    if (k->kind != KERNEL_LOOPS || k->result) {
        put_line(io, level + 1);
        io_put(io, kernel_kind_name(k->kind));
        io_template(io, (Kernel *)k);
    }
    for (int s = 0; s < k->n_stages; s++)
        put_stage(io, k, k->stages[s], level + 1);
    io_kernel_fields(io, (Kernel *)k);
    put_line(io, level);
    text_put(io->out, "}");
}

void kernel_print(Text *text, const Plan *plan, const Kernel *kernel)
{
    PlanIo io = {.mode = IO_PRINT, .arena = plan->ir->arena, .plan = (Plan *)plan, .out = text};
    put_kernel(&io, kernel, 0);
    text_putc(text, '\n');
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void put_steps(PlanIo *io, Step *const *steps, int n, int level);

static void put_condition(PlanIo *io, const Step *s)
{
    if (s->flag)
        put_buffer(io, s->flag);
    else if (s->condition)
        put_expr(io, s->condition);
}

static void put_nested(PlanIo *io, const Step *s, int level)
{
    text_put(io->out, s->kind == STEP_IF ? "if " : "while ");
    put_condition(io, s);
    text_put(io->out, " {");
    put_steps(io, s->then_steps.items, s->then_steps.n, level + 1);
    put_line(io, level);
    text_put(io->out, s->kind == STEP_IF ? "} else {" : "} flag {");
    put_steps(io, s->else_steps.items, s->else_steps.n, level + 1);
    put_line(io, level);
    text_put(io->out, "}");
}

static void put_symbol_step(PlanIo *io, const Step *s)
{
    put_expr(io, s->symbol->self);
    text_put(io->out, s->flag ? " = item " : " = ");
    put_condition(io, s);
}

static void put_step(PlanIo *io, const Step *s, int level)
{
    if (s->barrier_before)
        text_put(io->out, "barrier ");
    switch (s->kind) {
    case STEP_KERNEL:
        text_printf(io->out, "launch @%s", s->kernel->name);
        break;
    case STEP_SYMBOL:
        put_symbol_step(io, s);
        break;
    case STEP_ASSERT:
        text_put(io->out, "assert ");
        put_condition(io, s);
        text_putc(io->out, ' ');
        text_put_string(io->out, s->message ? s->message : "");
        break;
    case STEP_COPY:
        text_put(io->out, "copy ");
        put_buffer(io, s->from);
        text_put(io->out, " to ");
        put_buffer(io, s->to);
        break;
    case STEP_IF:
    case STEP_WHILE:
        put_nested(io, s, level);
        break;
    }
}

/* A launch comes from where its kernel comes from: said once. */
static bool is_where_of_kernel(const Step *s)
{
    return s->kind == STEP_KERNEL;
}

static void put_steps(PlanIo *io, Step *const *steps, int n, int level)
{
    for (int i = 0; i < n; i++) {
        put_line(io, level);
        put_step(io, steps[i], level);
        io->is_at_start = false;
        if (!is_where_of_kernel(steps[i]))
            io_where(io, &steps[i]->where);
    }
}

/* ---- tables ---------------------------------------------------------------------------------- */

static bool is_own_type(const PlanTensor *t)
{
    const Buffer *b = t->buffer;
    if (t->type.dtype != b->dtype || t->type.rank != b->rank || !b->strides || !t->type.strides ||
        t->type.device.kind != DEVICE_CPU || t->type.device.index >= 0)
        return false;
    for (int d = 0; d < b->rank; d++)
        if (t->type.sizes[d] != b->sizes[d] || t->type.strides[d] != b->strides[d])
            return false;
    return true;
}

/* The type, where it is not that of the buffer. */
static void put_tensor_type(PlanIo *io, const PlanTensor *t)
{
    Buffer like = {.dtype = t->type.dtype,
                   .rank = t->type.rank,
                   .sizes = t->type.sizes,
                   .strides = t->type.strides};
    if (is_own_type(t))
        return;
    text_put(io->out, " type ");
    io_buffer_type(io, &like);
    if (t->type.device.kind != DEVICE_CPU || t->type.device.index >= 0) {
        text_put(io->out, t->type.device.kind == DEVICE_CUDA ? " on cuda" : " on cpu");
        if (t->type.device.index >= 0)
            text_printf(io->out, ":%d", t->type.device.index);
    }
}

static void put_literal(PlanIo *io, const Arg *a)
{
    text_put(io->out, "literal ");
    if (a->kind == ARG_FLOAT && !a->expr)
        text_put_float(io->out, a->number);
    else if ((a->kind == ARG_INT || a->kind == ARG_FLOAT || a->kind == ARG_BOOL) && a->expr)
        put_expr(io, a->expr);
    else
        text_put(io->out, "opaque");
}

static void put_tensor(PlanIo *io, const char *word, const PlanTensor *t)
{
    put_line(io, 1);
    text_printf(io->out, "%s ", word);
    if (t->is_literal)
        put_literal(io, &t->literal);
    else if (t->buffer)
        put_buffer(io, t->buffer);
    else if (t->scalar)
        put_expr(io, t->scalar->self);
    else if (t->expr)
        put_expr(io, t->expr);
    else
        text_put(io->out, "none");
    if (t->name) {
        text_put(io->out, " as ");
        text_put_string(io->out, t->name);
    }
    if (t->buffer)
        put_tensor_type(io, t);
    if (t->is_mutated)
        text_put(io->out, " mutated");
    if (t->same_as >= 0)
        text_printf(io->out, " same_as %d", t->same_as);
}

static int storage_number(Plan *plan, const Storage *storage)
{
    VEC(const Storage *) seen = {0};
    for (int i = 0; i < plan->constants.n; i++) {
        const Storage *s = plan->constants.items[i].storage;
        bool           is_new = s != NULL;
        for (int k = 0; k < seen.n; k++)
            is_new = is_new && seen.items[k] != s;
        if (!is_new)
            continue;
        if (s == storage)
            return seen.n;
        VEC_PUSH(plan->ir->arena, seen, s);
    }
    return -1;
}

static void put_storage(PlanIo *io, const Storage *s)
{
    text_printf(io->out, " storage %d bytes %zu", storage_number(io->plan, s), s->size_bytes);
    if (s->member) {
        text_put(io->out, " member ");
        text_put_string(io->out, s->member);
    }
}

/* The first constant of a storage says what it is. */
static void put_constant(PlanIo *io, int index)
{
    const PlanConstant *c = &io->plan->constants.items[index];
    put_line(io, 1);
    text_put(io->out, "constant ");
    put_buffer(io, c->buffer);
    text_put(io->out, " as ");
    text_put_string(io->out, c->fqn);
    if (c->storage)
        put_storage(io, c->storage);
    if (c->is_packed)
        text_put(io->out, " packed");
    if (c->is_state)
        text_put(io->out, " state");
}

static void put_guards(PlanIo *io)
{
    const Graph *graph = io->plan->graph;
    for (int i = 0; graph && i < graph->guards.n; i++) {
        put_line(io, 1);
        text_put(io->out, "guard ");
        text_put_string(io->out, graph->guards.items[i].text ? graph->guards.items[i].text : "");
        if (!graph->guards.items[i].expr)
            continue;
        text_put(io->out, " : ");
        put_expr(io, graph->guards.items[i].expr);
    }
}

static void put_tables(PlanIo *io)
{
    Plan *plan = io->plan;
    for (int i = 0; i < plan->inputs.n; i++)
        put_tensor(io, "input", &plan->inputs.items[i]);
    for (int i = 0; i < plan->constants.n; i++)
        put_constant(io, i);
    for (int i = 0; i < plan->outputs.n; i++)
        put_tensor(io, "output", &plan->outputs.items[i]);
    put_guards(io);
    if (!plan->arena_bytes && !plan->host_arena_bytes && !plan->scratch_bytes)
        return;
    put_line(io, 1);
    text_put(io->out, "memory");
    io->is_at_start = false;
    io_expr_if(io, "arena", &plan->arena_bytes);
    io_expr_if(io, "host_arena", &plan->host_arena_bytes);
    io_expr_if(io, "scratch", &plan->scratch_bytes);
}

/* ---- declarations ---------------------------------------------------------------------------- */

static bool has_slot(const Plan *plan, const Symbol *symbol)
{
    for (int i = 0; i < plan->symbols.n; i++)
        if (plan->symbols.items[i] == symbol)
            return true;
    return false;
}

static void put_symbol(PlanIo *io, const Symbol *s)
{
    static const char *const types[] = {
        [EXPR_TYPE_INT] = "int", [EXPR_TYPE_FLOAT] = "float", [EXPR_TYPE_BOOL] = "bool"};
    put_line(io, 1);
    text_printf(io->out, "symbol %s: %s", s->name, types[s->type]);
    if (s->kind == SYM_UNBACKED)
        text_put(io->out, " unbacked");
    if (s->min != INT64_MIN)
        text_printf(io->out, " min %" PRId64, s->min);
    if (s->max != INT64_MAX)
        text_printf(io->out, " max %" PRId64, s->max);
    if (!isnan(s->hint)) {
        text_put(io->out, " hint ");
        text_put_float(io->out, s->hint);
    }
    if (!has_slot(io->plan, s))
        text_put(io->out, " without slot");
}

static bool is_outer_symbol(const Plan *outer, const SymbolList *outer_symbols, const Symbol *s)
{
    for (int i = 0; outer_symbols && i < outer_symbols->n; i++)
        if (outer_symbols->items[i] == s)
            return true;
    return outer && has_slot(outer, s);
}

/* Numbers are kept, they are part of names in emitted code: one is said where it does not follow on
 * the one before. */
static void put_buffers(PlanIo *io)
{
    int next = 0;
    for (int i = 0; i < io->plan->buffers.n; i++) {
        Buffer *b = io->plan->buffers.items[i];
        if (!io->is_used[i])
            continue;
        put_line(io, 1);
        text_printf(io->out, "buffer %%%s: ", b->name);
        io_buffer_type(io, b);
        io->is_at_start = false;
        io_buffer_fields(io, b);
        if (b->alias)
            text_printf(io->out, " alias %%%s", b->alias->name);
        if (b->id != next)
            text_printf(io->out, " id %d", b->id);
        next = b->id + 1;
    }
}

static void print_plan(Text *text, Plan *plan, const Plan *outer, const SymbolList *outer_symbols);

/* Printing buffers finds symbols too, so symbols are printed last and stand first. */
static void print_parts(PlanIo *io, Text *parts)
{
    io->out = &parts[3];
    for (int k = 0; k < io->plan->kernels.n; k++)
        put_kernel(io, io->plan->kernels.items[k], 1);
    put_steps(io, io->plan->steps.items, io->plan->steps.n, 1);
    io->out = &parts[2];
    put_tables(io);
    io->out = &parts[1];
    put_buffers(io);
}

static void print_plan(Text *text, Plan *plan, const Plan *outer, const SymbolList *outer_symbols)
{
    Arena     *arena = plan->ir->arena;
    SymbolList symbols = {0};
    Text       parts[4] = {text_new(arena), text_new(arena), text_new(arena), text_new(arena)};
    PlanIo     io = {.mode = IO_PRINT,
                     .arena = arena,
                     .plan = plan,
                     .symbols = &symbols,
                     .is_used = ARENA_ARRAY(arena, bool, plan->buffers.n + 1)};
    print_parts(&io, parts);
    io.out = &parts[0];
    for (int i = 0; i < plan->symbols.n; i++)
        put_symbol(&io, plan->symbols.items[i]);
    for (int i = 0; i < symbols.n; i++)
        if (!has_slot(plan, symbols.items[i]) &&
            !is_outer_symbol(outer, outer_symbols, symbols.items[i]))
            put_symbol(&io, symbols.items[i]);
    text_printf(text, "plan @%s%s {", plan->name, plan->is_cuda ? " cuda" : "");
    for (int i = 0; i < 4; i++)
        text_put(text, parts[i].data);
    text_putc(text, '\n');
    if (plan->fold) {
        text_put(text, "fold ");
        print_plan(text, plan->fold, plan, &symbols);
    }
    text_put(text, "}\n");
}

void plan_print(Text *text, const Plan *plan)
{
    print_plan(text, (Plan *)plan, NULL, NULL);
}
