/* Text of a graph; docs/ir-text.md has the form.
 *
 * In: a graph.  Out: text that graph_parse() reads back, and that prints to the same bytes again.
 * Parameters and body are printed first: they tell which symbols and custom operators the head has
 * to name. */
#include "ir/graph_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Printer {
    Ir   *ir;
    Text *text;
    int   level;
    VEC(Symbol *) symbols;         /* in order of appearance */
    VEC(const OpSchema *) schemas; /* custom ones, in order of appearance */
} Printer;

static const char *const layout_names[] = {"unknown",    "sparse_coo", "sparse_csr", "sparse_csc",
                                           "sparse_bsr", "sparse_bsc", "mkldnn",     "strided"};
static const char *const memory_format_names[] = {"unknown", "contiguous", "channels_last",
                                                  "channels_last_3d", "preserve"};
#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

static int find_name(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

const char *layout_name(int64_t number)
{
    return number >= 0 && number < COUNT(layout_names) ? layout_names[number] : NULL;
}

const char *memory_format_name(int64_t number)
{
    return number >= 0 && number < COUNT(memory_format_names) ? memory_format_names[number] : NULL;
}

int layout_number(const char *name)
{
    return find_name(layout_names, COUNT(layout_names), name);
}

int memory_format_number(const char *name)
{
    return find_name(memory_format_names, COUNT(memory_format_names), name);
}

/* ---- small things ---------------------------------------------------------------------------- */

void text_put_string(Text *text, const char *string)
{
    text_putc(text, '"');
    for (const unsigned char *c = (const unsigned char *)string; *c; c++) {
        if (*c == '"' || *c == '\\')
            text_printf(text, "\\%c", *c);
        else if (*c == '\n')
            text_put(text, "\\n");
        else if (*c < 0x20 || *c == 0x7f)
            text_printf(text, "\\x%02x", *c);
        else
            text_putc(text, (char)*c);
    }
    text_putc(text, '"');
}

/* The shortest of 15 to 17 digits that reads back as the same number, always with '.' or 'e'. */
void text_put_float(Text *text, double number)
{
    char digits[40];
    if (isnan(number) || isinf(number)) {
        text_put(text, isnan(number) ? "nan" : number > 0 ? "inf" : "-inf");
        return;
    }
    for (int n = 15; n <= 17; n++) {
        snprintf(digits, sizeof digits, "%.*g", n, number);
        if (strtod(digits, NULL) == number)
            break;
    }
    text_put(text, digits);
    if (!strpbrk(digits, ".e"))
        text_put(text, ".0");
}

static void note_symbol(Printer *p, Symbol *symbol)
{
    for (int i = 0; i < p->symbols.n; i++)
        if (p->symbols.items[i] == symbol)
            return;
    VEC_PUSH(p->ir->arena, p->symbols, symbol);
}

static bool is_name_char(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Symbols are noted in the order of the text, which is the order in which the parser will make
 * them. */
static void note_symbols(Printer *p, const char *text)
{
    for (const char *c = text; *c;) {
        size_t n = 0;
        while (is_name_char(c[n]))
            n++;
        if (n) {
            Symbol *symbol = expr_symbol_find(p->ir->exprs, arena_strndup(p->ir->arena, c, n));
            if (symbol)
                note_symbol(p, symbol);
        }
        c += n ? n : 1;
    }
}

static void put_expr(Printer *p, const Expr *e)
{
    if (expr_is_const(e)) {
        expr_print(p->text, e);
        return;
    }
    const char *text = expr_text(p->ir->arena, e);
    note_symbols(p, text);
    text_put(p->text, text);
}

static void put_exprs(Printer *p, const Expr *const *exprs, int n)
{
    for (int i = 0; i < n; i++) {
        if (i)
            text_putc(p->text, ',');
        put_expr(p, exprs[i]);
    }
}

/* ---- types ----------------------------------------------------------------------------------- */

static bool has_row_major_strides(Ir *ir, const TensorType *type)
{
    TensorType plain = tensor_type(ir, type->dtype, type->sizes, type->rank);
    for (int i = 0; i < type->rank; i++)
        if (plain.strides[i] != type->strides[i])
            return false;
    return true;
}

static void put_device(Text *text, Device device)
{
    text_put(text, device.kind == DEVICE_CUDA ? "cuda" : "cpu");
    if (device.index >= 0)
        text_printf(text, ":%d", device.index);
}

static void put_tensor_type(Printer *p, const TensorType *type)
{
    text_printf(p->text, "%s[", dtype_name(type->dtype));
    put_exprs(p, type->sizes, type->rank);
    text_putc(p->text, ']');
    if (type->strides && !has_row_major_strides(p->ir, type)) {
        text_putc(p->text, '{');
        put_exprs(p, type->strides, type->rank);
        text_putc(p->text, '}');
    }
    if (type->storage_offset && !expr_is_value(type->storage_offset, 0)) {
        text_put(p->text, " offset ");
        put_expr(p, type->storage_offset);
    }
    if (type->device.kind != DEVICE_CPU) {
        text_put(p->text, " on ");
        put_device(p->text, type->device);
    }
}

static const char *const expr_type_names[] = {
    [EXPR_TYPE_INT] = "int", [EXPR_TYPE_FLOAT] = "float", [EXPR_TYPE_BOOL] = "bool"};

static void put_type(Printer *p, const Value *value)
{
    if (value->kind == VALUE_TENSOR) {
        put_tensor_type(p, &value->type);
    } else if (value->kind == VALUE_SCALAR) {
        note_symbol(p, value->symbol);
        text_printf(p->text, "%s %s", expr_type_names[value->symbol->type], value->symbol->name);
    } else {
        text_put(p->text, "none");
    }
}

/* ---- arguments ------------------------------------------------------------------------------- */

static void put_graph(Printer *p, const Graph *graph);

/* Where the parameter's type says what a word means it stands alone, elsewhere after its kind:
 * dtype.f32. */
static void put_word(Printer *p, const Param *param, ParamType own, const char *kind,
                     const char *word)
{
    if (!param || param->type != own)
        text_printf(p->text, "%s.", kind);
    text_put(p->text, word);
}

static void put_device_arg(Printer *p, const Param *param, Device device)
{
    put_word(p, param, PARAM_DEVICE, "device", "");
    put_device(p->text, device);
}

static void put_number_word(Printer *p, const Param *param, const Arg *arg)
{
    bool        is_layout = arg->kind == ARG_LAYOUT;
    const char *word = is_layout ? layout_name(arg->integer) : memory_format_name(arg->integer);
    if (!word)
        word = "unknown";
    put_word(p, param, is_layout ? PARAM_LAYOUT : PARAM_MEMORY_FORMAT,
             is_layout ? "layout" : "memory_format", word);
}

static void put_arg(Printer *p, const Param *param, const Arg *arg)
{
    switch (arg->kind) {
    case ARG_NONE:
        text_put(p->text, "None");
        break;
    case ARG_VALUE:
        text_printf(p->text, "%%%s", arg->value->name);
        break;
    case ARG_BOOL:
        if (arg->expr->kind == EXPR_BOOL)
            text_put(p->text, arg->expr->value ? "true" : "false");
        else
            put_expr(p, arg->expr);
        break;
    case ARG_INT:
        put_expr(p, arg->expr);
        break;
    case ARG_FLOAT:
        if (arg->expr)
            put_expr(p, arg->expr);
        else
            text_put_float(p->text, arg->number);
        break;
    case ARG_STRING:
        text_put_string(p->text, arg->string);
        break;
    case ARG_DTYPE:
        put_word(p, param, PARAM_DTYPE, "dtype", dtype_name(arg->dtype));
        break;
    case ARG_LAYOUT:
    case ARG_MEMORY_FORMAT:
        put_number_word(p, param, arg);
        break;
    case ARG_DEVICE:
        put_device_arg(p, param, arg->device);
        break;
    case ARG_LIST:
        text_putc(p->text, '[');
        for (int i = 0; i < arg->n_items; i++) {
            text_put(p->text, i ? "," : "");
            put_arg(p, param, &arg->items[i]);
        }
        text_putc(p->text, ']');
        break;
    case ARG_GRAPH:
        put_graph(p, arg->graph);
        break;
    case ARG_COMPLEX:
        text_put(p->text, "complex(");
        text_put_float(p->text, arg->number);
        text_put(p->text, ", ");
        text_put_float(p->text, arg->imag);
        text_putc(p->text, ')');
        break;
    }
}

/* The first argument that equals its default is left out; what follows and differs is named. */
static void put_args(Printer *p, const Node *node)
{
    bool is_first = true, is_named = false;
    for (int i = 0; i < node->n_args; i++) {
        const Param *param = &node->schema->params[i];
        if (param->has_default && arg_same(&param->fallback, &node->args[i])) {
            is_named = true;
            continue;
        }
        text_put(p->text, is_first ? "" : ", ");
        if (is_named)
            text_printf(p->text, "%s=", param->name);
        put_arg(p, param, &node->args[i]);
        is_first = false;
    }
}

/* ---- body ------------------------------------------------------------------------------------ */

static void put_indent(Printer *p)
{
    for (int i = 0; i < p->level; i++)
        text_put(p->text, "  ");
}

static void put_comment_text(Text *text, const char *comment)
{
    for (; *comment; comment++)
        text_putc(text, *comment == '\n' || *comment == '\r' ? ' ' : *comment);
}

static void put_comment(Printer *p, const Node *node)
{
    if (!node->module && !node->where.python)
        return;
    text_put(p->text, "  # ");
    if (node->module)
        put_comment_text(p->text, node->module);
    if (node->module && node->where.python)
        text_put(p->text, ", ");
    if (node->where.python)
        put_comment_text(p->text, node->where.python);
}

static void note_schema(Printer *p, const OpSchema *schema)
{
    if (schema->functional_of) /* which is found by its name when the text is read */
        note_schema(p, schema->functional_of);
    for (int i = 0; i < p->schemas.n; i++)
        if (!strcmp(p->schemas.items[i]->name, schema->name))
            return;
    VEC_PUSH(p->ir->arena, p->schemas, schema);
}

static void put_node(Printer *p, const Node *node)
{
    put_indent(p);
    for (int i = 0; i < node->n_results; i++)
        text_printf(p->text, "%s%%%s", i ? ", " : "", node->results[i]->name);
    if (node->n_results)
        text_put(p->text, " = ");
    text_printf(p->text, "%s(", node->schema->name);
    put_args(p, node);
    text_putc(p->text, ')');
    for (int i = 0; i < node->n_results; i++) {
        text_put(p->text, i ? ", " : " : ");
        put_type(p, node->results[i]);
    }
    put_comment(p, node);
    text_putc(p->text, '\n');
    if (node->schema->is_custom)
        note_schema(p, node->schema);
}

static void put_guards(Printer *p, const Graph *graph)
{
    for (int i = 0; i < graph->guards.n; i++) {
        const Guard *guard = &graph->guards.items[i];
        put_indent(p);
        text_put(p->text, "guard ");
        text_put_string(p->text, guard->text ? guard->text : "");
        if (guard->expr) {
            text_put(p->text, " : ");
            put_arg(p, NULL, &(Arg){.kind = ARG_BOOL, .expr = guard->expr});
        }
        text_putc(p->text, '\n');
    }
}

static void put_mutations(Printer *p, const Graph *graph)
{
    for (int i = 0; i < graph->n_inputs; i++) {
        const GraphInput *input = &graph->inputs[i];
        if (!input->mutated_to || !input->value)
            continue;
        put_indent(p);
        text_printf(p->text, "%%%s <- %%%s\n", input->value->name, input->mutated_to->name);
    }
    for (int i = 0; i < graph->mutations.n; i++) {
        const Mutation *m = &graph->mutations.items[i];
        put_indent(p);
        text_printf(p->text, "%%%s <- %%%s\n", m->constant->value->name, m->value->name);
    }
}

static void put_fold(Printer *p, const Graph *graph)
{
    if (!graph->fold)
        return;
    put_indent(p);
    text_put(p->text, "fold ");
    put_graph(p, graph->fold);
    text_put(p->text, " gives [");
    for (int i = 0; i < graph->folded.n; i++)
        text_printf(p->text, "%s%%%s", i ? "," : "", graph->folded.items[i]->value->name);
    text_put(p->text, "]\n");
}

static void put_as(Printer *p, const char *name, const char *own)
{
    if (!name || (own && strcmp(name, own) == 0))
        return;
    text_put(p->text, " as ");
    text_put_string(p->text, name);
}

static void put_return(Printer *p, const Graph *graph)
{
    put_indent(p);
    text_put(p->text, "return");
    for (int i = 0; i < graph->n_outputs; i++) {
        const GraphOutput *output = &graph->outputs[i];
        text_put(p->text, i ? ", " : " ");
        put_arg(p, NULL, &output->arg);
        put_as(p, output->name, output->arg.kind == ARG_VALUE ? output->arg.value->name : NULL);
    }
    text_putc(p->text, '\n');
}

/* ---- parameters ------------------------------------------------------------------------------ */

static void put_input(Printer *p, const GraphInput *input)
{
    if (input->value) {
        text_printf(p->text, "%%%s", input->value->name);
        put_as(p, input->name, input->value->name);
        text_put(p->text, ": ");
        put_type(p, input->value);
        return;
    }
    text_put(p->text, "literal ");
    text_put_string(p->text, input->name ? input->name : "");
    text_put(p->text, " = ");
    put_arg(p, NULL, &input->literal);
}

static void put_constant(Printer *p, const Constant *constant)
{
    static const char *const kinds[] = {[CONSTANT_PARAMETER] = "parameter",
                                        [CONSTANT_BUFFER] = "buffer",
                                        [CONSTANT_TENSOR] = "tensor"};
    text_printf(p->text, "%%%s: ", constant->value->name);
    put_type(p, constant->value);
    text_printf(p->text, " = %s ", kinds[constant->kind]);
    text_put_string(p->text, constant->fqn);
    if (constant->storage < 0)
        text_put(p->text, " folded");
    else
        text_printf(p->text, " storage %d", constant->storage);
    if (constant->is_mutated)
        text_put(p->text, " mutated");
    if (constant->persistent)
        text_put(p->text, " persistent");
}

static void put_parameters(Printer *p, const Graph *graph)
{
    text_putc(p->text, '(');
    for (int i = 0; i < graph->n_inputs; i++) {
        text_put(p->text, i ? ", " : "");
        put_input(p, &graph->inputs[i]);
    }
    for (int i = 0; i < graph->constants.n; i++) {
        text_put(p->text, i || graph->n_inputs ? ", " : "");
        put_constant(p, graph->constants.items[i]);
    }
    text_putc(p->text, ')');
}

static void put_body(Printer *p, const Graph *graph)
{
    text_put(p->text, " {\n");
    p->level++;
    put_guards(p, graph);
    for (const Node *node = graph->first; node; node = node->next)
        put_node(p, node);
    put_fold(p, graph);
    put_mutations(p, graph);
    put_return(p, graph);
    p->level--;
    put_indent(p);
    text_putc(p->text, '}');
}

/* A graph inside another: its symbols are declared by the outermost one. */
static void put_graph(Printer *p, const Graph *graph)
{
    text_printf(p->text, "graph @%s", graph->name);
    put_parameters(p, graph);
    put_body(p, graph);
}

/* ---- symbols --------------------------------------------------------------------------------- */

static int64_t default_min(const Symbol *symbol)
{
    return symbol->kind == SYM_SIZE ? 0 : INT64_MIN;
}

static bool has_default_range(const Symbol *symbol)
{
    return symbol->type != EXPR_TYPE_INT ||
           (symbol->min == default_min(symbol) && symbol->max == INT64_MAX);
}

static int compare_ids(const void *a, const void *b)
{
    const Symbol *x = *(Symbol *const *)a, *y = *(Symbol *const *)b;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* Bounds that are those of every symbol of its kind are left out. */
static void put_range(Text *text, const Symbol *symbol)
{
    if (symbol->min == INT64_MIN && symbol->min != default_min(symbol))
        text_put(text, "-inf <= ");
    else if (symbol->min != default_min(symbol))
        text_printf(text, "%" PRId64 " <= ", symbol->min);
    text_put(text, symbol->name);
    if (symbol->max != INT64_MAX)
        text_printf(text, " <= %" PRId64, symbol->max);
}

/* The parser makes the symbols of `where` first, then the others as they appear.  Sums print in the
 * order in which symbols were made, so when that is another order it has to be said: graph @f<s1,
 * s0>(…). */
static bool parser_keeps_order(Symbol *const *sorted, Symbol *const *met, int n)
{
    int last = -1;
    for (int i = 0; i < n; i++) {
        if (has_default_range(sorted[i]))
            continue;
        if (sorted[i]->id < last)
            return false;
        last = sorted[i]->id;
    }
    for (int i = 0; i < n; i++) {
        if (!has_default_range(met[i]))
            continue;
        if (met[i]->id < last)
            return false;
        last = met[i]->id;
    }
    return true;
}

static void put_symbol_order(Text *text, Symbol *const *sorted, int n)
{
    for (int i = 0; i < n; i++) {
        text_printf(text, "%s%s", i ? ", " : "<", sorted[i]->name);
        if (sorted[i]->type != EXPR_TYPE_INT)
            text_printf(text, ": %s", expr_type_names[sorted[i]->type]);
    }
    text_putc(text, '>');
}

static void put_where(Text *text, Symbol *const *sorted, int n)
{
    const char *before = " where ";
    for (int i = 0; i < n; i++) {
        if (has_default_range(sorted[i]))
            continue;
        text_put(text, before);
        put_range(text, sorted[i]);
        before = ", ";
    }
}

void graph_print(Text *text, const Graph *graph)
{
    Arena  *arena = graph->ir->arena;
    Text    parameters = text_new(arena), body = text_new(arena);
    Printer p = {.ir = graph->ir, .text = &parameters};
    put_parameters(&p, graph);
    p.text = &body;
    put_body(&p, graph);

    int      n = p.symbols.n;
    Symbol **sorted = ARENA_ARRAY(arena, Symbol *, n);
    for (int i = 0; i < n; i++)
        sorted[i] = p.symbols.items[i];
    if (n)
        qsort(sorted, (size_t)n, sizeof *sorted, compare_ids);

    for (int i = 0; i < p.schemas.n; i++) {
        text_put(text, p.schemas.items[i]->is_guessed ? "undeclared " : "schema ");
        text_put_string(text, p.schemas.items[i]->text);
        text_putc(text, '\n');
    }
    text_printf(text, "graph @%s", graph->name);
    if (!parser_keeps_order(sorted, p.symbols.items, n))
        put_symbol_order(text, sorted, n);
    text_put(text, parameters.data);
    put_where(text, sorted, n);
    text_put(text, body.data);
    text_putc(text, '\n');
}
