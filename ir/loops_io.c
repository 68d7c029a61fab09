/* Words of plan text, printed, parsed and checked; see loops_text.h. */
#include "ir/loops_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LIST = 4096 };

/* ---- words ----------------------------------------------------------------------------------- */

void io_fail(PlanIo *io, Error *error)
{
    if (!io->error)
        io->error = error;
}

void io_put(PlanIo *io, const char *word)
{
    if (!io->is_at_start)
        text_putc(io->out, ' ');
    io->is_at_start = false;
    text_put(io->out, word);
}

static bool is_stopped(const PlanIo *io)
{
    return io->error || io->problem;
}

static void missing(PlanIo *io, const char *name)
{
    io->problem = arena_printf(io->arena, "has no %s", name);
}

void io_word(PlanIo *io, const char *word)
{
    if (is_stopped(io))
        return;
    if (io->mode == IO_PRINT)
        io_put(io, word);
    else if (io->mode == IO_PARSE && !parse_accept_word(&io->in, word))
        io_fail(io, parse_fail(&io->in, "expected %s", word));
}

/* Whether a value has to be printed, parsed or checked here. */
static bool field(PlanIo *io, const char *name, bool is_there)
{
    if (is_stopped(io))
        return false;
    if (io->mode == IO_PARSE)
        return parse_accept_word(&io->in, name);
    if (io->mode == IO_PRINT && is_there)
        io_put(io, name);
    return is_there;
}

void io_flag(PlanIo *io, const char *name, bool *value)
{
    bool is_there = field(io, name, *value);
    if (io->mode == IO_PARSE && is_there)
        *value = true;
}

/* ---- numbers --------------------------------------------------------------------------------- */

void io_int64(PlanIo *io, const char *name, int64_t *value)
{
    if (!field(io, name, *value != 0))
        return;
    if (io->mode == IO_PRINT)
        text_printf(io->out, " %" PRId64, *value);
    else if (io->mode == IO_PARSE)
        io_fail(io, parse_int(&io->in, value));
}

void io_int(PlanIo *io, const char *name, int *value)
{
    int64_t wide = *value;
    io_int64(io, name, &wide);
    if (wide < INT32_MIN || wide > INT32_MAX)
        io_fail(io, parse_fail(&io->in, "%s is beyond 32 bits", name));
    else if (io->mode == IO_PARSE)
        *value = (int)wide;
}

void io_index(PlanIo *io, const char *name, int *value)
{
    int64_t wide = *value;
    if (!field(io, name, *value >= 0) || io->mode == IO_CHECK)
        return;
    if (io->mode == IO_PRINT) {
        text_printf(io->out, " %d", *value);
        return;
    }
    io_fail(io, parse_int(&io->in, &wide));
    if (wide < 0 || wide > INT32_MAX)
        io_fail(io, parse_fail(&io->in, "%s is out of range before this", name));
    else
        *value = (int)wide;
}

void io_int64s(PlanIo *io, const char *name, int64_t *values, int n)
{
    bool is_there = false;
    for (int i = 0; i < n; i++)
        is_there |= values[i] != 0;
    if (!field(io, name, is_there) || io->mode == IO_CHECK)
        return;
    for (int i = 0; i < n; i++) {
        if (io->mode == IO_PRINT) {
            text_printf(io->out, "%s%" PRId64, i ? "," : " [", values[i]);
            continue;
        }
        io_fail(io, parse_expect(&io->in, i ? "," : "["));
        if (!io->error)
            io_fail(io, parse_int(&io->in, &values[i]));
    }
    if (io->mode == IO_PRINT)
        text_putc(io->out, ']');
    else if (!io->error)
        io_fail(io, parse_expect(&io->in, "]"));
}

void io_double(PlanIo *io, const char *name, double *value)
{
    if (!field(io, name, *value != 0) || io->mode == IO_CHECK)
        return;
    if (io->mode == IO_PRINT) {
        text_putc(io->out, ' ');
        text_put_float(io->out, *value);
        return;
    }
    char *end;
    parse_skip(&io->in);
    *value = strtod(io->in.at, &end);
    if (end == io->in.at)
        io_fail(io, parse_fail(&io->in, "expected a number"));
    io->in.at = end;
}

/* ---- names out of a table -------------------------------------------------------------------- */

void io_dtype(PlanIo *io, const char *name, DType *value)
{
    if (!field(io, name, *value != DT_NONE) || io->mode == IO_CHECK)
        return;
    if (io->mode == IO_PRINT) {
        text_printf(io->out, " %s", dtype_name(*value));
        return;
    }
    const char *word = parse_word(&io->in);
    *value = word ? dtype_parse(word) : DT_NONE;
    if (*value == DT_NONE)
        io_fail(io, parse_fail(&io->in, "expected a dtype before this"));
}

void io_choice(PlanIo *io, const char *name, const char *const *names, int n, int *value)
{
    if (!field(io, name, *value != 0) || io->mode == IO_CHECK)
        return;
    if (io->mode == IO_PRINT) {
        text_printf(io->out, " %s", names[*value]);
        return;
    }
    for (int i = 0; i < n; i++)
        if (parse_accept_word(&io->in, names[i])) {
            *value = i;
            return;
        }
    io_fail(io, parse_fail(&io->in, "no such %s", name));
}

void io_string(PlanIo *io, const char *name, const char **value)
{
    if (!field(io, name, *value != NULL) || io->mode == IO_CHECK)
        return;
    if (io->mode == IO_PRINT) {
        text_putc(io->out, ' ');
        text_put_string(io->out, *value);
    } else {
        io_fail(io, parse_string(&io->in, value));
    }
}

/* ---- expressions ----------------------------------------------------------------------------- */

static void note_symbol(void *cx, Symbol *symbol)
{
    PlanIo *io = cx;
    if (!io->symbols || (symbol->kind != SYM_SIZE && symbol->kind != SYM_UNBACKED))
        return;
    for (int i = 0; i < io->symbols->n; i++)
        if (io->symbols->items[i] == symbol)
            return;
    VEC_PUSH(io->arena, *io->symbols, symbol);
}

void put_expr(PlanIo *io, const Expr *e)
{
    expr_symbols(e, note_symbol, io);
    expr_print(io->out, e);
}

const Expr *get_expr(PlanIo *io)
{
    if (io->error)
        return NULL;
    parse_skip(&io->in);
    const char *start = io->in.at;
    const Expr *e = NULL;
    Error      *error = expr_parse_exact_at(io->in.ir->exprs, &io->in.at, &e);
    if (!error)
        return e;
    io->in.at = start;
    Error *here = parse_fail(&io->in, "expected an expression");
    here->cause = error;
    io_fail(io, here);
    return NULL;
}

typedef struct SymbolCheck {
    PlanIo     *io;
    const char *name;
} SymbolCheck;

/* Fields of templates are about whole kernels: no loop variable, and only symbols with a slot. */
static void check_symbol(void *cx, Symbol *symbol)
{
    SymbolCheck *c = cx;
    for (int i = 0; i < c->io->plan->symbols.n; i++)
        if (c->io->plan->symbols.items[i] == symbol)
            return;
    c->io->problem = arena_printf(c->io->arena, "has symbol %s in %s, which is none of the plan's",
                                  symbol->name, c->name);
}

void io_expr_if(PlanIo *io, const char *name, const Expr **value)
{
    SymbolCheck check = {io, name};
    if (!field(io, name, *value != NULL))
        return;
    if (io->mode == IO_CHECK) {
        expr_symbols(*value, check_symbol, &check);
    } else if (io->mode == IO_PRINT) {
        text_putc(io->out, ' ');
        put_expr(io, *value);
    } else {
        *value = get_expr(io);
    }
}

void io_expr(PlanIo *io, const char *name, const Expr **value)
{
    if (io->mode == IO_CHECK && !*value && !is_stopped(io))
        missing(io, name);
    io_expr_if(io, name, value);
}

void io_loop_expr(PlanIo *io, const char *name, const Expr **value)
{
    if (io->mode != IO_CHECK)
        io_expr_if(io, name, value);
    else if (!*value && !is_stopped(io))
        missing(io, name);
}

const Expr **get_exprs(PlanIo *io, const char *close, int *n)
{
    VEC(const Expr *) list = {0};
    while (!io->error && !parse_accept(&io->in, close)) {
        if (list.n)
            io_fail(io, parse_expect(&io->in, ","));
        if (list.n == MAX_LIST)
            io_fail(io, parse_fail(&io->in, "more than %d expressions", MAX_LIST));
        const Expr *e = get_expr(io);
        VEC_PUSH(io->arena, list, e);
    }
    *n = io->error ? 0 : list.n;
    return list.items ? list.items : ARENA_ARRAY(io->arena, const Expr *, 1);
}

void io_exprs(PlanIo *io, const char *name, const Expr *const **items, int *n)
{
    SymbolCheck check = {io, name};
    if (!field(io, name, *n > 0))
        return;
    for (int i = 0; i < *n && io->mode == IO_CHECK; i++)
        expr_symbols((*items)[i], check_symbol, &check);
    if (io->mode == IO_PRINT) {
        for (int i = 0; i < *n; i++) {
            text_put(io->out, i ? "," : " [");
            put_expr(io, (*items)[i]);
        }
        text_putc(io->out, ']');
    } else if (io->mode == IO_PARSE) {
        io_fail(io, parse_expect(&io->in, "["));
        *items = get_exprs(io, "]", n);
    }
}

void io_symbol(PlanIo *io, const char *name, Symbol **value)
{
    if (io->mode == IO_CHECK && !*value && !is_stopped(io))
        missing(io, name);
    if (!field(io, name, *value != NULL))
        return;
    if (io->mode == IO_PRINT) {
        text_putc(io->out, ' ');
        put_expr(io, (*value)->self);
    } else if (io->mode == IO_PARSE) {
        const char *word = parse_word(&io->in);
        *value = word ? expr_symbol_find(io->in.ir->exprs, word) : NULL;
        if (!*value)
            io_fail(io, parse_fail(&io->in, "expected a symbol before this"));
    }
}

/* ---- loop variables -------------------------------------------------------------------------- */

/* A variable's bound is its size, but where passes have changed that since. */
void put_dims(PlanIo *io, Symbol *const *vars, const Expr *const *sizes, int n)
{
    for (int d = 0; d < n; d++) {
        text_printf(io->out, "%s%s < ", d ? ", " : " over ", vars[d]->name);
        put_expr(io, sizes[d]);
        if (vars[d]->bound && vars[d]->bound != sizes[d]) {
            text_put(io->out, " bound ");
            put_expr(io, vars[d]->bound);
        }
    }
}

static Symbol *declare_index(PlanIo *io, const char *name, const Expr *bound)
{
    ExprPool *pool = io->in.ir->exprs;
    Symbol   *symbol = expr_symbol_find(pool, name);
    if (symbol) {
        if (symbol->kind != SYM_INDEX || symbol->bound != bound)
            io_fail(io, parse_fail(&io->in, "%s is something else before this", name));
        return symbol;
    }
    symbol = expr_symbol_named(pool, name, SYM_INDEX, EXPR_TYPE_INT);
    symbol->bound = bound;
    int64_t value;
    if (expr_is_int(bound, &value))
        symbol->max = value > 0 ? value - 1 : 0;
    return symbol;
}

static bool is_int(PlanIo *io, const Expr *e)
{
    if (e && e->type != EXPR_TYPE_INT)
        io_fail(io, parse_fail(&io->in, "expected an integer before this"));
    return e && !io->error;
}

void get_dims(PlanIo *io, Symbol ***vars, const Expr ***sizes, int *n)
{
    VEC(Symbol *) symbols = {0};
    VEC(const Expr *) list = {0};
    bool more = !io->error && parse_accept_word(&io->in, "over");
    while (more && !io->error) {
        const char *name = parse_word(&io->in);
        if (!name || isdigit((unsigned char)*name))
            io_fail(io, parse_fail(&io->in, "expected a loop variable"));
        if (!io->error)
            io_fail(io, parse_expect(&io->in, "<"));
        const Expr *size = get_expr(io), *bound = size;
        if (!io->error && parse_accept_word(&io->in, "bound"))
            bound = get_expr(io);
        if (!is_int(io, size) || !is_int(io, bound))
            break;
        Symbol *symbol = declare_index(io, name, bound);
        VEC_PUSH(io->arena, symbols, symbol);
        VEC_PUSH(io->arena, list, size);
        more = parse_accept(&io->in, ",");
    }
    *vars = symbols.items;
    *sizes = list.items;
    *n = symbols.n;
}

/* ---- buffers --------------------------------------------------------------------------------- */

void put_buffer(PlanIo *io, const Buffer *b)
{
    for (const Buffer *at = b; io->is_used && at; at = at->alias)
        io->is_used[at->id] = true;
    text_printf(io->out, "%%%s", b->name);
}

Buffer *get_buffer(PlanIo *io)
{
    const char *name;
    if (io->error)
        return NULL;
    io_fail(io, parse_value_name(&io->in, &name));
    if (io->error)
        return NULL;
    NameEntry *entry = name_map_find(io->buffers, name);
    if (!entry)
        io_fail(io, parse_fail(&io->in, "there is no buffer %%%s before this", name));
    return entry ? (Buffer *)entry->item : NULL;
}

static void check_buffer(PlanIo *io, const char *name, const Buffer *b)
{
    const Plan *plan = io->plan;
    if (b->id < 0 || b->id >= plan->buffers.n || plan->buffers.items[b->id] != b)
        io->problem =
            arena_printf(io->arena, "has a buffer %%%s in %s, which is none of the plan's",
                         b->name ? b->name : "?", name);
    const Kernel *k = io->kernel;
    bool          is_port = !k || b == k->result || b->kind == BUFFER_LOCAL;
    for (int i = 0; k && i < k->n_reads; i++)
        is_port |= k->reads[i] == b;
    for (int i = 0; k && i < k->n_writes; i++)
        is_port |= k->writes[i] == b;
    if (!is_port && !io->problem)
        io->problem = arena_printf(
            io->arena, "has %%%s in %s, which is not among what it takes or gives", b->name, name);
}

void io_buffer_if(PlanIo *io, const char *name, Buffer **value)
{
    if (!field(io, name, *value != NULL))
        return;
    if (io->mode == IO_CHECK) {
        check_buffer(io, name, *value);
    } else if (io->mode == IO_PRINT) {
        text_putc(io->out, ' ');
        put_buffer(io, *value);
    } else {
        *value = get_buffer(io);
    }
}

void io_buffer(PlanIo *io, const char *name, Buffer **value)
{
    if (io->mode == IO_CHECK && !*value && !is_stopped(io))
        missing(io, name);
    io_buffer_if(io, name, value);
}

/* %x[offset; stride,stride] */
static void put_operand(PlanIo *io, const Operand *o)
{
    text_putc(io->out, ' ');
    put_buffer(io, o->buffer);
    text_putc(io->out, '[');
    if (o->offset)
        put_expr(io, o->offset);
    for (int d = 0; d < o->n; d++) {
        text_put(io->out, d ? "," : "; ");
        put_expr(io, o->strides[d]);
    }
    text_putc(io->out, ']');
}

static void get_operand(PlanIo *io, Operand *o)
{
    o->buffer = get_buffer(io);
    if (!io->error)
        io_fail(io, parse_expect(&io->in, "["));
    if (io->error || parse_accept(&io->in, "]"))
        return;
    o->offset = get_expr(io);
    if (io->error || parse_accept(&io->in, "]"))
        return;
    io_fail(io, parse_expect(&io->in, ";"));
    o->strides = get_exprs(io, "]", &o->n);
}

static void check_operand(PlanIo *io, const char *name, const Operand *o, int n)
{
    SymbolCheck check = {io, name};
    check_buffer(io, name, o->buffer);
    if (o->offset)
        expr_symbols(o->offset, check_symbol, &check);
    for (int d = 0; d < o->n; d++)
        expr_symbols(o->strides[d], check_symbol, &check);
    if (o->n != n && !io->problem)
        io->problem = arena_printf(io->arena, "has %d strides in %s instead of %d", o->n, name, n);
    if (!o->offset && n && !io->problem)
        missing(io, "offset");
}

void io_operand_if(PlanIo *io, const char *name, Operand *value, int n)
{
    if (!field(io, name, value->buffer != NULL))
        return;
    if (io->mode == IO_PRINT)
        put_operand(io, value);
    else if (io->mode == IO_PARSE)
        get_operand(io, value);
    else
        check_operand(io, name, value, n);
}

void io_operand(PlanIo *io, const char *name, Operand *value, int n)
{
    if (io->mode == IO_CHECK && !value->buffer && !is_stopped(io))
        missing(io, name);
    io_operand_if(io, name, value, n);
}

void io_packed(PlanIo *io, const char *name, Operand *value, int n, bool is_packed)
{
    io_operand(io, name, value, is_packed ? value->n : n);
}
