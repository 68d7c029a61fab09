/* Printing of loop nests; see nest.h. */
#include "emit_c/nest.h"
#include "emit_c/templates.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest text that is written inside its user instead of as a statement. */
#define MAX_INLINE 48

void nest_init(Nest *nest, Emit *e, const Kernel *k, int indent)
{
    *nest = (Nest){.e = e, .k = k, .out = e->out, .indent = indent, .reductions = ""};
    nest->keep_loads = emit_has_aliases(k);
    nest->table_size = 64;
    nest->table = ARENA_ARRAY(e->arena, int, nest->table_size);
}

void nest_var(Nest *nest, const Symbol *symbol, int level)
{
    VEC_PUSH(nest->e->arena, nest->vars, ((NestVar){symbol, level}));
}

void nest_bind(Nest *nest, const Buffer *buffer, const char *text, int level)
{
    nest_bind_at(nest, buffer, NULL, text, level);
}

void nest_bind_at(Nest *nest, const Buffer *buffer, const Expr *index, const char *text, int level)
{
    VEC_PUSH(nest->e->arena, nest->bindings, ((NestBinding){buffer, index, text, level}));
}

void nest_level(Nest *nest, const Symbol *symbol, const char *loop, const char *first)
{
    VEC_PUSH(nest->e->arena, nest->levels, ((NestLevel){loop, first, NULL, NULL}));
    if (symbol)
        nest_var(nest, symbol, nest->levels.n);
}

/* An item's number between two of these, which no C text has. */
#define LATER '\1'

const char *nest_later(Nest *nest, int item)
{
    return arena_printf(nest->e->arena, "%c%d%c", LATER, item, LATER);
}

static void put_front(Nest *nest, const char *lines)
{
    for (const char *mark; (mark = strchr(lines, LATER)); lines = strchr(mark + 1, LATER) + 1) {
        text_printf(nest->out, "%.*s", (int)(mark - lines), lines);
        text_put(nest->out, nest_text(nest, atoi(mark + 1)));
    }
    text_put(nest->out, lines);
}

void nest_front(Nest *nest, const char *lines)
{
    nest->levels.items[nest->levels.n - 1].front = lines;
}

void nest_behind(Nest *nest, const char *lines)
{
    nest->levels.items[nest->levels.n - 1].behind = lines;
}

/* The kernel's number in failures. */
static const char *kernel_number(const Nest *nest)
{
    if (nest->e->is_device)
        return "kernel";
    return arena_printf(nest->e->arena, "%d", emit_kernel_index(nest->e, nest->k));
}

/* ---- table of items -------------------------------------------------------------------------- */
static unsigned slot_of(const Nest *nest, const Scalar *scalar)
{
    unsigned at = (unsigned)((uintptr_t)scalar >> 4) * 2654435761u % (unsigned)nest->table_size;
    while (nest->table[at] && nest->items.items[nest->table[at] - 1].scalar != scalar)
        at = (at + 1) % (unsigned)nest->table_size;
    return at;
}

static int find_item(const Nest *nest, const Scalar *scalar)
{
    return nest->table[slot_of(nest, scalar)] - 1;
}

static int add_item(Nest *nest, NestItem item)
{
    Arena *arena = nest->e->arena;
    VEC_PUSH(arena, nest->items, item);
    if (nest->items.n * 2 > nest->table_size) {
        nest->table_size *= 4;
        nest->table = ARENA_ARRAY(arena, int, nest->table_size);
        for (int i = 0; i < nest->items.n; i++)
            if (nest->items.items[i].scalar)
                nest->table[slot_of(nest, nest->items.items[i].scalar)] = i + 1;
    } else if (item.scalar) {
        nest->table[slot_of(nest, item.scalar)] = nest->items.n;
    }
    return nest->items.n - 1;
}

/* ---- expressions ----------------------------------------------------------------------------- */
typedef struct LevelOf {
    Nest *nest;
    int   level;
} LevelOf;

static int symbol_level(const Nest *nest, const Symbol *symbol)
{
    for (int i = nest->vars.n - 1; i >= 0; i--)
        if (nest->vars.items[i].symbol == symbol)
            return nest->vars.items[i].level;
    return 0;
}

static void raise_level(void *cx, Symbol *symbol)
{
    LevelOf *of = cx;
    int      level = symbol_level(of->nest, symbol);
    if (symbol->kind == SYM_SCALAR && symbol->scalar) {
        int item = nest_value(of->nest, symbol->scalar);
        of->nest->items.items[item].as_variable = true;
        level = of->nest->items.items[item].level;
    }
    if (level > of->level)
        of->level = level;
}

/* Also announces the values that the expression refers to. */
static int expr_level(Nest *nest, const Expr *e)
{
    LevelOf of = {nest, 0};
    expr_symbols(e, raise_level, &of);
    return of.level;
}

static const char *wide_symbol(void *cx, const Symbol *symbol)
{
    const Nest *nest = cx;
    return symbol == nest->narrow ? arena_printf(nest->e->arena, "(int64_t)%s", symbol->name)
                                  : symbol->name;
}

static const char *small_symbol(void *cx, const Symbol *symbol)
{
    const Nest *nest = cx;
    bool        is_int32 = symbol == nest->narrow || (nest->is_int32 && symbol->kind == SYM_INDEX);
    return is_int32 ? symbol->name : arena_printf(nest->e->arena, "(int32_t)%s", symbol->name);
}

static const char *expr_text_as(Nest *nest, const Expr *e, bool small)
{
    Text       text = text_new(nest->e->arena);
    CExprStyle style = {small ? small_symbol : wide_symbol, nest, false};
    c_print_expr(&text, e, &style);
    return text.data;
}

static bool mentions_narrow(const Nest *nest, const Expr *e)
{
    return nest->narrow && expr_contains(e, nest->narrow);
}

static bool is_small(const Nest *nest, const Expr *e)
{
    return nest->is_int32 ? expr_fits_int32(e, true)
                          : mentions_narrow(nest, e) && expr_fits_int32(e, false);
}

static const char *expr_text_of(Nest *nest, const Expr *e)
{
    return expr_text_as(nest, e, is_small(nest, e));
}

/* The name of a variable that holds `text` from `level` on. */
static const char *offset_variable(Nest *nest, const char *text, int level)
{
    int n = 0;
    for (int i = 0; i < nest->items.n; i++) {
        const NestItem *item = &nest->items.items[i];
        n += !item->scalar;
        if (!item->scalar && item->level == level && strcmp(item->index, text) == 0)
            return item->text;
    }
    NestItem item = {
        .index = text, .text = arena_printf(nest->e->arena, "at%d", n), .level = level};
    add_item(nest, item);
    return item.text;
}

static const char *fixed_part(Nest *nest, const Expr *const *args, int n, int innermost)
{
    Text text = text_new(nest->e->arena);
    int  level = 0, parts = 0;
    for (int i = 0; i < n; i++) {
        int at = expr_level(nest, args[i]);
        if (at == innermost)
            continue;
        text_printf(&text, "%s%s", parts++ ? " + " : "", expr_text_of(nest, args[i]));
        level = at > level ? at : level;
    }
    if (parts == 0)
        return NULL;
    bool is_name = parts == 1 && !strpbrk(text.data, "*+(/% ");
    return is_name ? text.data : offset_variable(nest, text.data, level);
}

/* The part that the innermost variable moves stays in the subscript, the rest becomes an offset
 * above the loop. */
const char *nest_index(Nest *nest, const Expr *index)
{
    int                innermost = nest->levels.n, level = expr_level(nest, index);
    bool               is_sum = index->kind == EXPR_ADD;
    const Expr *const *args = is_sum ? index->args : &index;
    int                n = is_sum ? index->n : 1;
    if (level < innermost || innermost == 0)
        return index->n ? fixed_part(nest, args, n, innermost + 1) : expr_text_of(nest, index);
    const char *fixed = fixed_part(nest, args, n, innermost);
    Text        text = text_new(nest->e->arena);
    if (fixed)
        text_put(&text, fixed);
    for (int i = 0; i < n; i++)
        if (expr_level(nest, args[i]) == innermost)
            text_printf(&text, "%s%s", text.n ? " + " : "",
                        expr_text_as(nest, args[i],
                                     (args[i]->kind == EXPR_SYMBOL && !nest->is_int32)
                                         ? mentions_narrow(nest, args[i])
                                         : is_small(nest, args[i])));
    return text.data;
}

/* ---- values ---------------------------------------------------------------------------------- */
static const NestBinding *find_binding(const Nest *nest, const Scalar *load)
{
    for (int i = nest->bindings.n - 1; i >= 0; i--) {
        const NestBinding *binding = &nest->bindings.items[i];
        if (binding->buffer == load->buffer && (!binding->index || binding->index == load->index))
            return binding;
    }
    return NULL;
}

static const NestStore *find_store(const Nest *nest, const Scalar *load)
{
    for (int i = nest->stores.n - 1; i >= 0; i--) {
        const NestStore *store = &nest->stores.items[i];
        if (store->buffer == load->buffer &&
            (store->index == load->index || load->buffer->kind == BUFFER_LOCAL))
            return store;
    }
    return NULL;
}

static int use(Nest *nest, int item, int user)
{
    NestItem *it = &nest->items.items[item];
    it->uses++;
    it->user = user;
    return it->level;
}

static int load_level(Nest *nest, const Scalar *s, NestItem *item)
{
    const NestStore   *store = find_store(nest, s);
    const NestBinding *binding = find_binding(nest, s);
    if (store) {
        nest->items.items[store->item].as_variable = true;
        return nest->items.items[store->item].level;
    }
    if (binding)
        return binding->level;
    if (s->buffer->kind == BUFFER_LOCAL && !nest->error)
        nest->error =
            error_new(nest->e->arena, E_INTERNAL, nest->k->where,
                      "kernel %s reads %s before it stores it", nest->k->name, s->buffer->name);
    int level = expr_level(nest, s->index);
    item->index = nest_index(nest, s->index);
    if (s->mask)
        nest->has_masked_load = true;
    for (int i = 0; i < nest->stores.n;
         i++) /* stored in this nest at another index: after those stores */
        if (nest->stores.items[i].buffer == s->buffer)
            level = nest->levels.n;
    return level;
}

static bool divides_integers(const Scalar *s)
{
    return (s->op == S_FLOORDIV || s->op == S_TRUNCDIV || s->op == S_MOD || s->op == S_FMOD) &&
           !dtype_is_float(s->dtype) && s->in[1]->op != S_CONST;
}

static int value_level(Nest *nest, const Scalar *s)
{
    int item = nest_value(nest, s); /* first: it may move the items */
    return nest->items.items[item].level;
}

int nest_value(Nest *nest, const Scalar *s)
{
    int found = find_item(nest, s);
    if (found >= 0)
        return found;
    NestItem item = {.scalar = s, .user = -1};
    for (int i = 0; i < s->n_in; i++) {
        int level = value_level(nest, s->in[i]);
        item.level = level > item.level ? level : item.level;
    }
    if (s->mask) {
        int level = value_level(nest, s->mask);
        item.level = level > item.level ? level : item.level;
    }
    int level = s->op == S_LOAD ? load_level(nest, s, &item) : 0;
    if (s->op == S_INDEX)
        level = expr_level(nest, s->index);
    if (s->op == S_INDIRECT && s->symbol->bound)
        level = expr_level(nest, s->symbol->bound);
    item.level = level > item.level ? level : item.level;
    nest->has_random |= scalar_is_random(s->op);
    int at = add_item(nest, item);
    for (int i = 0; i < s->n_in; i++)
        use(nest, find_item(nest, s->in[i]), at);
    if (s->mask)
        use(nest, find_item(nest, s->mask), at);
    if (divides_integers(s))
        nest->items.items[find_item(nest, s->in[1])].as_variable = true;
    return at;
}

int nest_root(Nest *nest, const Scalar *s)
{
    int item = nest_value(nest, s);
    use(nest, item, -1);
    return item;
}

void nest_stored(Nest *nest, const Buffer *buffer, const Expr *index, int item)
{
    VEC_PUSH(nest->e->arena, nest->stores, ((NestStore){buffer, index, item}));
}

void nest_want_variable(Nest *nest, int item)
{
    nest->items.items[item].as_variable = true;
}

bool nest_is_innermost(const Nest *nest, int item)
{
    return nest->items.items[item].level == nest->levels.n;
}

const char *nest_text(const Nest *nest, int item)
{
    return nest->items.items[item].text;
}

/* ---- printing -------------------------------------------------------------------------------- */
void nest_line(Nest *nest, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    text_indent(nest->out, nest->indent);
    text_put(nest->out, arena_vprintf(nest->e->arena, format, args));
    text_putc(nest->out, '\n');
    va_end(args);
}

/* "(a + b)" -> "a + b" where the first parenthesis belongs to the last */
static const char *strip(Nest *nest, const char *text)
{
    size_t n = strlen(text);
    if (n < 2 || text[0] != '(' || text[n - 1] != ')')
        return text;
    int depth = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        depth += (text[i] == '(') - (text[i] == ')');
        if (depth == 0)
            return text;
    }
    return arena_strndup(nest->e->arena, text + 1, n - 2);
}

static const char *index_value(Nest *nest, const Scalar *s)
{
    Arena      *arena = nest->e->arena;
    bool        small = is_small(nest, s->index);
    const char *text = expr_text_as(nest, s->index, small);
    if (s->index->type == EXPR_TYPE_BOOL)
        return c_cast(arena, DT_BOOL, s->dtype, text);
    if (s->index->type == EXPR_TYPE_FLOAT)
        return c_cast(arena, DT_F64, s->dtype, text);
    if (s->dtype == DT_I64)
        return small ? arena_printf(arena, "(int64_t)%s", text) : text;
    return c_cast(arena, small ? DT_I32 : DT_I64, s->dtype, text);
}

static const char *load_text(Nest *nest, const NestItem *item)
{
    Arena             *arena = nest->e->arena;
    const Scalar      *s = item->scalar;
    const NestStore   *store = find_store(nest, s);
    const NestBinding *binding = find_binding(nest, s);
    const char        *text;
    if (store && !item->index)
        text = c_cast(arena, nest->items.items[store->item].scalar->dtype, s->dtype,
                      nest_text(nest, store->item));
    else if (binding && !item->index)
        text = binding->text;
    else
        text = c_load(
            arena, s->buffer->dtype,
            arena_printf(arena, "%s[%s]", emit_buffer_name(nest->e, s->buffer), item->index));
    if (!s->mask)
        return text;
    return arena_printf(arena, "(%s ? %s : %s)", nest_text(nest, find_item(nest, s->mask)), text,
                        c_const(arena, c_register_dtype(s->dtype), 0, 0));
}

static void print_indirect(Nest *nest, int at)
{
    NestItem     *item = &nest->items.items[at];
    const Scalar *s = item->scalar;
    const char   *value = nest_text(nest, find_item(nest, s->in[0]));
    const char   *bound =
        s->symbol->bound ? expr_text_as(nest, s->symbol->bound, false) : "INT64_MAX";
    const char *name = s->symbol->name;
    item->text = name;
    if (nest->simd && item->level == nest->levels.n) {
        nest_line(nest, "bad_%s = aotc_max_bad(bad_%s, %s, %s);", name, name, value, bound);
        nest_line(nest, "const int64_t %s = aotc_wrap(%s, %s);", name, value, bound);
        return;
    }
    nest_line(nest, "const int64_t %s = aotc_index(f, %s, %s, %s, %s);", name, kernel_number(nest),
              value, bound, c_string(nest->e->arena, s->what ? s->what : "index"));
}

static const char *value_text(Nest *nest, const NestItem *item)
{
    const Scalar *s = item->scalar;
    const char   *in[3] = {NULL, NULL, NULL};
    switch (s->op) {
    case S_CONST:
        return c_const(nest->e->arena, s->dtype, s->i, s->f);
    case S_INDEX:
        return index_value(nest, s);
    case S_LOAD:
        return load_text(nest, item);
    default:
        break;
    }
    for (int i = 0; i < s->n_in; i++)
        in[i] = nest_text(nest, find_item(nest, s->in[i]));
    const char *text = c_op(nest->e->arena, s, in);
    if (text && c_op_runtime(s->op) && nest->e->is_device)
        VEC_PUSH(nest->e->arena, nest->e->device_texts, c_op_runtime(s->op));
    else if (text && c_op_runtime(s->op))
        need_text(nest->e, c_op_runtime(s->op));
    if (!text && !nest->error)
        nest->error =
            emit_unsupported(nest->e, nest->k, "%s of %s has no C text", scalar_op_name(s->op),
                             dtype_name(s->in[0] ? s->in[0]->dtype : s->dtype));
    return text ? text : "0";
}

static bool is_inline(const Nest *nest, const NestItem *item, const char *text)
{
    const Scalar *s = item->scalar;
    if (s->op == S_CONST)
        return true;
    bool is_word = strlen(text) <= 32 && !strpbrk(text, " *+-/?[(");
    if (is_word)
        return true;
    if (item->as_variable || item->uses != 1 || strlen(text) > MAX_INLINE || s->mask ||
        c_op_wants_variables(s->op))
        return false;
    if (s->op == S_LOAD && nest->keep_loads)
        return false;
    if (item->user < 0)
        return item->level == nest->levels.n;
    const NestItem *user = &nest->items.items[item->user];
    return user->level == item->level && !user->scalar->mask &&
           !c_op_wants_variables(user->scalar->op);
}

static void print_item(Nest *nest, int at)
{
    NestItem *item = &nest->items.items[at];
    if (!item->scalar) {
        nest_line(nest, "const %s %s = %s;", nest->is_int32 ? "int32_t" : "int64_t", item->text,
                  strip(nest, item->index));
        return;
    }
    const Scalar *s = item->scalar;
    if (s->op == S_INDIRECT) {
        print_indirect(nest, at);
        return;
    }
    const char *text = value_text(nest, item);
    if (divides_integers(s) && !nest->has_masked_load)
        nest_line(nest, "zero |= (%s == 0);", nest_text(nest, find_item(nest, s->in[1])));
    if (is_inline(nest, item, text)) {
        item->text = text;
        return;
    }
    item->text = arena_printf(nest->e->arena, "v%d", at);
    nest_line(nest, "const %s %s = %s;", c_register_type(s->dtype), item->text, strip(nest, text));
}

static void print_level(Nest *nest, int level)
{
    for (int i = 0; i < nest->items.n; i++)
        if (nest->items.items[i].level == level)
            print_item(nest, i);
}

static void declare_checks(Nest *nest, Text *clauses)
{
    for (int i = 0; i < nest->items.n; i++) {
        const NestItem *item = &nest->items.items[i];
        if (!item->scalar)
            continue;
        nest->checks_zero |= divides_integers(item->scalar) && !nest->has_masked_load;
        if (item->scalar->op == S_INDIRECT && nest->simd && item->level == nest->levels.n) {
            const char *name = item->scalar->symbol->name;
            nest_line(nest, "int64_t bad_%s = AOTC_INDEX_OK;", name);
            text_printf(clauses, " reduction(max:bad_%s)", name);
            VEC_PUSH(nest->e->arena, nest->checked, i);
        }
    }
    if (nest->checks_zero) {
        nest_line(nest, "int zero = 0;");
        text_put(clauses, " reduction(|:zero)");
    }
    if (nest->has_random)
        nest_line(nest, nest->e->is_device
                            ? "const uint64_t aotc_seed = rng[0], aotc_run = rng[1];"
                            : "const uint64_t aotc_seed = f->seed, aotc_run = f->offset;");
}

Error *nest_open(Nest *nest)
{
    Text clauses = text_new(nest->e->arena);
    text_put(&clauses, nest->reductions);
    declare_checks(nest, &clauses);
    print_level(nest, 0);
    for (int level = 1; level <= nest->levels.n; level++) {
        const NestLevel *loop = &nest->levels.items[level - 1];
        if (loop->front)
            put_front(nest, loop->front);
        if (nest->simd && level == nest->levels.n)
            text_printf(nest->out, "#pragma omp simd%s\n", clauses.data);
        nest_line(nest, "%s {", loop->loop);
        nest->indent++;
        if (loop->first)
            nest_line(nest, "%s", loop->first);
        print_level(nest, level);
    }
    return nest->error;
}

void nest_close(Nest *nest)
{
    const char *kernel = kernel_number(nest);
    for (int level = nest->levels.n; level > 0; level--) {
        nest->indent--;
        nest_line(nest, "}");
        if (nest->levels.items[level - 1].behind)
            text_put(nest->out, nest->levels.items[level - 1].behind);
    }
    for (int i = 0; i < nest->checked.n; i++) {
        const Scalar *s = nest->items.items[nest->checked.items[i]].scalar;
        nest_line(nest, "if (bad_%s != AOTC_INDEX_OK)", s->symbol->name);
        nest_line(nest, "    aotc_fail(f, AOTC_FAIL_INDEX, %s, bad_%s, %s, %s);", kernel,
                  s->symbol->name,
                  s->symbol->bound && !mentions_narrow(nest, s->symbol->bound)
                      ? expr_text_as(nest, s->symbol->bound, false)
                      : "0",
                  c_string(nest->e->arena, s->what ? s->what : "index"));
    }
    if (nest->checks_zero) {
        nest_line(nest, "if (zero)");
        nest_line(
            nest,
            "    aotc_fail(f, AOTC_FAIL_ASSERT, %s, 0, 0, \"integer division or modulo by zero\");",
            kernel);
    }
}
