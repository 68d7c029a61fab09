/* Reads plan text; docs/ir-text.md has the form.
 *
 * In: text.  Out: a plan that prints to the same text, with a graph that holds its guards alone.
 * Constants of an export have a name and a size, no bytes.  What the text says is taken as it is:
 * plan_verify() then says whether it can be emitted. */
#include "ir/loops_text.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STEP_DEPTH = 60, MAX_PLAN_STORAGES = 1 << 16, MAX_BUFFERS = 1 << 20 };

/* An alias may be declared after what stands for it. */
typedef struct Alias {
    Buffer     *buffer;
    const char *name;
    const char *at;
} Alias;

typedef VEC(Step *) Steps;

typedef struct Reader {
    PlanIo io;
    VEC(Alias) aliases;
    VEC(Storage *) storages;
} Reader;

static bool accept(PlanIo *io, const char *word)
{
    return !io->error && parse_accept_word(&io->in, word);
}

static void expect(PlanIo *io, const char *punctuation)
{
    if (!io->error)
        io_fail(io, parse_expect(&io->in, punctuation));
}

static void fail(PlanIo *io, const char *what)
{
    if (!io->error)
        io_fail(io, parse_fail(&io->in, "%s", what));
}

/* "@name" */
static const char *get_name(PlanIo *io)
{
    expect(io, "@");
    const char *name = io->error ? NULL : parse_dotted_word(&io->in);
    if (!name)
        fail(io, "expected a name after @");
    return name;
}

/* ---- symbols and buffers --------------------------------------------------------------------- */

static ExprType get_symbol_type(PlanIo *io)
{
    if (accept(io, "float"))
        return EXPR_TYPE_FLOAT;
    if (accept(io, "bool"))
        return EXPR_TYPE_BOOL;
    if (!accept(io, "int"))
        fail(io, "expected int, float or bool");
    return EXPR_TYPE_INT;
}

static void get_symbol_range(PlanIo *io, Symbol *symbol)
{
    symbol->min = INT64_MIN;
    if (accept(io, "min"))
        io_fail(io, parse_int(&io->in, &symbol->min));
    if (accept(io, "max"))
        io_fail(io, parse_int(&io->in, &symbol->max));
    if (symbol->min > symbol->max)
        fail(io, "an empty range before this");
    io_double(io, "hint", &symbol->hint);
}

static void get_symbol(PlanIo *io)
{
    const char *name = parse_word(&io->in);
    if (!name || isdigit((unsigned char)*name))
        fail(io, "expected a symbol");
    else if (expr_symbol_find(io->in.ir->exprs, name))
        fail(io, "the symbol before this is declared already");
    expect(io, ":");
    ExprType type = get_symbol_type(io);
    bool     is_unbacked = accept(io, "unbacked");
    if (io->error)
        return;
    Symbol *symbol =
        expr_symbol_named(io->in.ir->exprs, name, is_unbacked ? SYM_UNBACKED : SYM_SIZE, type);
    get_symbol_range(io, symbol);
    if (!accept(io, "without"))
        VEC_PUSH(io->arena, io->plan->symbols, symbol);
    else if (!accept(io, "slot"))
        fail(io, "expected slot");
}

/* Numbers that are left out are those of buffers that nothing refers to. */
static void get_buffer_id(PlanIo *io, Buffer *b)
{
    int id = io->plan->buffers.n;
    io_index(io, "id", &id);
    if (id < io->plan->buffers.n || id > MAX_BUFFERS)
        fail(io, "a number that is taken before this");
    while (!io->error && io->plan->buffers.n < id) {
        Buffer *gap = ARENA_NEW(io->arena, Buffer);
        *gap = (Buffer){.kind = BUFFER_LOCAL,
                        .id = io->plan->buffers.n,
                        .name = "",
                        .dtype = DT_BOOL,
                        .slot = -1,
                        .first_step = -1,
                        .last_step = -1,
                        .numel = expr_int(io->in.ir->exprs, 1),
                        .offset = expr_int(io->in.ir->exprs, 0)};
        VEC_PUSH(io->arena, io->plan->buffers, gap);
    }
    b->id = id;
}

static void get_buffer_line(Reader *r)
{
    PlanIo     *io = &r->io;
    Buffer     *b = ARENA_NEW(io->arena, Buffer);
    const char *start = io->in.at;
    io_fail(io, parse_value_name(&io->in, &b->name));
    expect(io, ":");
    b->slot = b->first_step = b->last_step = -1;
    io_buffer_type(io, b);
    if (io->error)
        return;
    io_buffer_fields(io, b);
    if (accept(io, "alias")) {
        Alias alias = {b, NULL, io->in.at};
        io_fail(io, parse_value_name(&io->in, &alias.name));
        VEC_PUSH(io->arena, r->aliases, alias);
    }
    get_buffer_id(io, b);
    NameEntry *entry = name_map_add(io->buffers, b->name);
    if (entry->item) {
        io->in.at = start;
        fail(io, "a buffer of this name is declared already");
    }
    entry->item = b;
    VEC_PUSH(io->arena, io->plan->buffers, b);
}

/* A chain of aliases ends at a buffer that has memory. */
static void resolve_aliases(Reader *r)
{
    PlanIo *io = &r->io;
    for (int i = 0; i < r->aliases.n && !io->error; i++) {
        Alias     *alias = &r->aliases.items[i];
        NameEntry *entry = name_map_find(io->buffers, alias->name);
        int        n = 0;
        io->in.at = alias->at;
        if (!entry) {
            fail(io, "there is no such buffer");
            return;
        }
        alias->buffer->alias = (Buffer *)entry->item;
        for (const Buffer *b = alias->buffer; b && n <= r->aliases.n; b = b->alias)
            n++;
        if (n > r->aliases.n + 1 || alias->buffer->alias == alias->buffer)
            fail(io, "a buffer that stands for itself");
    }
}

/* ---- tables ---------------------------------------------------------------------------------- */

static void get_literal(PlanIo *io, Arg *out)
{
    char       *end;
    const char *start;
    parse_skip(&io->in);
    start = io->in.at;
    if (accept(io, "opaque")) {
        out->kind = ARG_DTYPE;
        return;
    }
    /* A float has '.', 'e', or is a word; text_put_float() wrote it. */
    double number = strtod(start, &end);
    size_t n = (size_t)(end - start);
    bool   is_float = n && strcspn(start, ".einf") < n;
    if (is_float) {
        io->in.at = end;
        *out = arg_float(number);
        return;
    }
    const Expr *e = get_expr(io);
    if (e)
        *out = arg_expr(e);
}

static void get_device(PlanIo *io, TensorType *type)
{
    type->device = (Device){DEVICE_CPU, -1};
    if (accept(io, "on"))
        io_fail(io, parse_device(&io->in, &type->device));
}

/* " type f32[2,3] on cuda:0", or what the buffer says. */
static void get_tensor_type(PlanIo *io, PlanTensor *t)
{
    Buffer like = *t->buffer;
    bool   is_own = !accept(io, "type");
    if (!is_own) {
        like = (Buffer){.rank = 0};
        io_buffer_type(io, &like);
    }
    if (io->error)
        return;
    t->type = (TensorType){.dtype = like.dtype,
                           .rank = like.rank,
                           .sizes = like.sizes,
                           .strides = like.strides,
                           .storage_offset = expr_int(io->in.ir->exprs, 0)};
    get_device(io, &t->type);
    if (!t->type.strides)
        fail(io, "a tensor of the ABI without strides before this");
}

static void get_tensor_value(PlanIo *io, PlanTensor *t, bool is_input)
{
    parse_skip(&io->in);
    t->is_literal = accept(io, "literal");
    if (t->is_literal) {
        get_literal(io, &t->literal);
    } else if (*io->in.at == '%') {
        t->buffer = get_buffer(io);
    } else if (!accept(io, "none")) {
        const Expr *e = get_expr(io);
        if (is_input && e && e->kind != EXPR_SYMBOL)
            fail(io, "an input that is no symbol before this");
        else if (is_input && e)
            t->scalar = e->symbol;
        else
            t->expr = e;
    }
}

static PlanTensor get_tensor(PlanIo *io, bool is_input)
{
    PlanTensor t = {.same_as = -1};
    get_tensor_value(io, &t, is_input);
    io_string(io, "as", &t.name);
    if (t.buffer)
        get_tensor_type(io, &t);
    io_flag(io, "mutated", &t.is_mutated);
    io_index(io, "same_as", &t.same_as);
    return t;
}

static void get_storage(Reader *r, PlanConstant *c)
{
    PlanIo     *io = &r->io;
    int         index = -1;
    int64_t     bytes = -1;
    const char *member = NULL;
    io_index(io, "storage", &index);
    if (index < 0 || io->error)
        return;
    if (accept(io, "bytes"))
        io_fail(io, parse_int(&io->in, &bytes));
    io_string(io, "member", &member);
    if (index >= MAX_PLAN_STORAGES || bytes < 0)
        fail(io, "a storage without its size in bytes before this");
    while (!io->error && r->storages.n <= index)
        VEC_PUSH(io->arena, r->storages, NULL);
    if (io->error)
        return;
    if (!r->storages.items[index])
        r->storages.items[index] = ARENA_NEW(io->arena, Storage);
    c->storage = r->storages.items[index];
    c->storage->size_bytes = (size_t)bytes;
    c->storage->member = member;
}

static void get_constant(Reader *r)
{
    PlanIo      *io = &r->io;
    PlanConstant c = {.buffer = get_buffer(io)};
    io_string(io, "as", &c.fqn);
    if (!c.fqn)
        fail(io, "expected as and the name of the constant");
    get_storage(r, &c);
    io_flag(io, "packed", &c.is_packed);
    io_flag(io, "state", &c.is_state);
    if (!io->error)
        VEC_PUSH(io->arena, io->plan->constants, c);
}

static void get_guard(PlanIo *io)
{
    Guard guard = {0};
    io_fail(io, parse_string(&io->in, &guard.text));
    if (!io->error && parse_accept(&io->in, ":"))
        guard.expr = get_expr(io);
    if (!io->error)
        VEC_PUSH(io->arena, io->plan->graph->guards, guard);
}

/* ---- kernels --------------------------------------------------------------------------------- */

typedef VEC(Buffer *) Buffers;

static bool same_type(const Buffer *a, const Buffer *b)
{
    bool same = a->dtype == b->dtype && a->rank == b->rank && a->panel == b->panel &&
                !a->strides == !b->strides;
    for (int d = 0; same && d < a->rank; d++)
        same = a->sizes[d] == b->sizes[d] && (!a->strides || a->strides[d] == b->strides[d]);
    return same;
}

/* in %x: f32[s0,64] */
static void get_port(PlanIo *io, Buffers *reads, Buffers *writes)
{
    bool is_in = accept(io, "in");
    if (!is_in && !accept(io, "out"))
        fail(io, "expected in or out");
    Buffer *b = get_buffer(io), like = {0};
    expect(io, ":");
    io_buffer_type(io, &like);
    if (io->error)
        return;
    if (!same_type(b, &like))
        fail(io, "the buffer before this is declared with another type");
    if (is_in)
        VEC_PUSH(io->arena, *reads, b);
    else
        VEC_PUSH(io->arena, *writes, b);
}

static void get_ports(PlanIo *io, Kernel *k)
{
    Buffers reads = {0}, writes = {0};
    expect(io, "(");
    for (bool is_first = true; !io->error && !parse_accept(&io->in, ")"); is_first = false) {
        if (!is_first)
            expect(io, ",");
        get_port(io, &reads, &writes);
    }
    k->reads = reads.items;
    k->n_reads = reads.n;
    k->writes = writes.items;
    k->n_writes = writes.n;
}

static void get_kind(PlanIo *io, Kernel *k)
{
    for (int i = KERNEL_LOOPS; kernel_kind_name((KernelKind)i); i++)
        if (accept(io, kernel_kind_name((KernelKind)i))) {
            k->kind = (KernelKind)i;
            io_template(io, k);
            return;
        }
}

Kernel *get_kernel(PlanIo *io)
{
    Kernel *k = ARENA_NEW(io->arena, Kernel);
    VEC(Stage *) stages = {0};
    k->name = get_name(io);
    k->id = io->plan->kernels.n;
    io->pool = scalar_pool_create(io->in.ir->exprs);
    get_ports(io, k);
    get_dims(io, &k->outer, &k->outer_sizes, &k->n_outer);
    expect(io, "{");
    get_kind(io, k);
    while (accept(io, "stage")) {
        Stage *stage = get_stage(io, k);
        VEC_PUSH(io->arena, stages, stage);
    }
    k->stages = stages.items;
    k->n_stages = stages.n;
    io_kernel_fields(io, k);
    expect(io, "}");
    return k;
}

static void get_kernel_line(PlanIo *io)
{
    Kernel *k = get_kernel(io);
    if (io->error)
        return;
    NameEntry *entry = name_map_add(io->kernels, k->name);
    if (entry->item)
        fail(io, "a kernel of this name stands before");
    entry->item = k;
    VEC_PUSH(io->arena, io->plan->kernels, k);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static Step *get_step(PlanIo *io, int depth);

static void get_block(PlanIo *io, Steps *out, int depth)
{
    expect(io, "{");
    if (depth > MAX_STEP_DEPTH)
        fail(io, "steps are nested too deeply");
    while (!io->error && !parse_accept(&io->in, "}")) {
        Step *step = get_step(io, depth);
        VEC_PUSH(io->arena, *out, step);
    }
}

static void get_launch(PlanIo *io, Step *s)
{
    const char *name = get_name(io);
    NameEntry  *entry = name ? name_map_find(io->kernels, name) : NULL;
    if (!entry) {
        fail(io, "there is no such kernel before this");
        return;
    }
    s->kernel = (Kernel *)entry->item;
    s->where = s->kernel->where;
}

static void get_condition(PlanIo *io, Step *s)
{
    parse_skip(&io->in);
    if (*io->in.at == '%')
        s->flag = get_buffer(io);
    else
        s->condition = get_expr(io);
    if (s->condition && s->condition->type != EXPR_TYPE_BOOL)
        fail(io, "expected a condition before this");
}

static void get_nested(PlanIo *io, Step *s, int depth)
{
    Steps first = {0}, second = {0};
    get_condition(io, s);
    get_block(io, &first, depth + 1);
    if (!accept(io, s->kind == STEP_IF ? "else" : "flag"))
        fail(io, s->kind == STEP_IF ? "expected else" : "expected flag");
    get_block(io, &second, depth + 1);
    for (int i = 0; i < first.n; i++)
        VEC_PUSH(io->arena, s->then_steps, first.items[i]);
    for (int i = 0; i < second.n; i++)
        VEC_PUSH(io->arena, s->else_steps, second.items[i]);
}

/* u0 = item %x, s3 = s0 + 1 */
static void get_symbol_step(PlanIo *io, Step *s)
{
    const char *word = parse_word(&io->in);
    s->symbol = word ? expr_symbol_find(io->in.ir->exprs, word) : NULL;
    if (!s->symbol || (s->symbol->kind != SYM_SIZE && s->symbol->kind != SYM_UNBACKED)) {
        fail(io, "expected a step before this");
        return;
    }
    expect(io, "=");
    if (accept(io, "item"))
        s->flag = get_buffer(io);
    else
        s->condition = get_expr(io);
}

static void get_step_kind(PlanIo *io, Step *s, int depth)
{
    if (accept(io, "launch")) {
        s->kind = STEP_KERNEL;
        get_launch(io, s);
    } else if (accept(io, "assert")) {
        s->kind = STEP_ASSERT;
        get_condition(io, s);
        if (!io->error)
            io_fail(io, parse_string(&io->in, &s->message));
    } else if (accept(io, "copy")) {
        s->kind = STEP_COPY;
        s->from = get_buffer(io);
        io_word(io, "to");
        s->to = get_buffer(io);
    } else if (accept(io, "if")) {
        s->kind = STEP_IF;
        get_nested(io, s, depth);
    } else if (accept(io, "while")) {
        s->kind = STEP_WHILE;
        get_nested(io, s, depth);
    } else {
        s->kind = STEP_SYMBOL;
        get_symbol_step(io, s);
    }
}

static Step *get_step(PlanIo *io, int depth)
{
    Step *s = ARENA_NEW(io->arena, Step);
    s->barrier_before = accept(io, "barrier");
    get_step_kind(io, s, depth);
    if (s->kind != STEP_KERNEL)
        io_where(io, &s->where);
    return s;
}

/* ---- plans ----------------------------------------------------------------------------------- */

static Plan *get_plan(PlanIo *outer, bool is_fold);

static void get_fold(PlanIo *io)
{
    if (io->plan->fold)
        fail(io, "a second fold plan before this");
    io_word(io, "plan");
    Plan *fold = get_plan(io, true);
    io->plan->fold = fold;
}

static void get_statement(Reader *r)
{
    PlanIo *io = &r->io;
    if (accept(io, "symbol")) {
        get_symbol(io);
    } else if (accept(io, "buffer")) {
        get_buffer_line(r);
    } else if (accept(io, "input")) {
        PlanTensor t = get_tensor(io, true);
        VEC_PUSH(io->arena, io->plan->inputs, t);
    } else if (accept(io, "output")) {
        PlanTensor t = get_tensor(io, false);
        VEC_PUSH(io->arena, io->plan->outputs, t);
    } else if (accept(io, "constant")) {
        get_constant(r);
    } else if (accept(io, "guard")) {
        get_guard(io);
    } else if (accept(io, "memory")) {
        io_expr_if(io, "arena", &io->plan->arena_bytes);
        io_expr_if(io, "host_arena", &io->plan->host_arena_bytes);
        io_expr_if(io, "scratch", &io->plan->scratch_bytes);
    } else if (accept(io, "kernel")) {
        get_kernel_line(io);
    } else if (accept(io, "fold")) {
        get_fold(io);
    } else {
        Step *step = get_step(io, 0);
        VEC_PUSH(io->arena, io->plan->steps, step);
    }
}

/* After the word "plan". */
static Plan *get_plan(PlanIo *outer, bool is_fold)
{
    Reader  r = {.io = *outer};
    PlanIo *io = &r.io;
    io->plan = ARENA_NEW(io->arena, Plan);
    io->plan->ir = io->in.ir;
    io->buffers = name_map_create(io->arena, 64);
    io->kernels = name_map_create(io->arena, 64);
    io->plan->name = get_name(io);
    io->plan->is_cuda = accept(io, "cuda");
    io->plan->graph = graph_create(io->in.ir, io->plan->name ? io->plan->name : "");
    expect(io, "{");
    while (!io->error && !parse_accept(&io->in, "}"))
        get_statement(&r);
    const char *end = io->in.at;
    resolve_aliases(&r);
    if (is_fold && io->plan->fold)
        fail(io, "a fold plan has none of its own");
    outer->error = io->error;
    outer->in.at = end;
    return io->plan;
}

bool plan_is_text(const char *source)
{
    source += strspn(source, " \t\r\n");
    while (*source == '#') {
        source += strcspn(source, "\n");
        source += strspn(source, " \t\r\n");
    }
    return !strncmp(source, "plan", 4) && strchr(" \t\r\n@#", source[4]);
}

Error *plan_parse(Ir *ir, const char *source, Plan **out)
{
    PlanIo io = {.mode = IO_PARSE, .arena = ir->arena};
    io.in = (Parser){.ir = ir, .text = source, .at = source};
    io_word(&io, "plan");
    *out = get_plan(&io, false);
    if (!io.error) {
        parse_skip(&io.in);
        if (*io.in.at)
            fail(&io, "expected the end after the plan");
    }
    return io.error;
}
