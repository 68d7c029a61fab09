/* Runs the expansion text of a composite operator.
 *
 *   %m = aten.amax.default(%self, [%dim], true)
 *   %e = aten.exp.default(aten.sub.Tensor(%self, %m))
 *   return aten.div.Tensor(%e, aten.sum.dim_IntList(%e, [%dim], true))
 *
 * In: a node and the text.  Out: nodes before it and the values that replace its results.
 * %name is an argument of the node (tensor, number, list, None alike) or an earlier result; `$name`
 * and plain `name` mean the same.  Arguments are calls, names, literals, lists, `name=argument`,
 * and the questions rank(%x), size(%x, 1), numel(%x), dtype(%x).  '#' starts a comment. */
#include "ir/name_map.h"
#include "ir/ops.h"
#include "ir/ops/ops_internal.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ARGS = 64, MAX_DEPTH = 32 };

typedef struct Expander {
    Node       *node;
    Arena      *arena;
    const char *text, *at;
    NameMap    *names; /* -> Arg */
    int         depth;
} Expander;

static Error *fail(const Expander *x, const char *what)
{
    int line = 1;
    for (const char *c = x->text; c < x->at; c++)
        line += *c == '\n';
    return node_error(x->node, E_INTERNAL, "expansion of %s, line %d: %s, at \"%.20s\"",
                      x->node->schema->name, line, what, x->at);
}

/* ---- tokens ---------------------------------------------------------------------------------- */

static void skip_blanks(Expander *x)
{
    while (*x->at == ' ' || *x->at == '\t')
        x->at++;
    if (*x->at == '#')
        x->at += strcspn(x->at, "\n");
}

static void skip_lines(Expander *x)
{
    for (skip_blanks(x); *x->at == '\n' || *x->at == ';'; skip_blanks(x))
        x->at++;
}

static bool accept(Expander *x, char c)
{
    skip_blanks(x);
    if (*x->at != c)
        return false;
    x->at++;
    return true;
}

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Letters, digits and '_' (and '.', for operators); NULL when there is none. */
static const char *read_name(Expander *x, bool with_dots)
{
    skip_blanks(x);
    const char *start = x->at;
    while (is_name_char(*x->at) || (with_dots && *x->at == '.'))
        x->at++;
    return x->at == start ? NULL : arena_strndup(x->arena, start, (size_t)(x->at - start));
}

/* ---- operands -------------------------------------------------------------------------------- */

static Error *read_operand(Expander *x, Arg *out);
static Error *read_call(Expander *x, const char *op, Node **out);

static Error *look_up(Expander *x, Arg *out)
{
    x->at++; /* % or $ */
    const char *name = read_name(x, false);
    NameEntry  *entry = name ? name_map_find(x->names, name) : NULL;
    if (!entry)
        return fail(x, "unknown name before this");
    *out = *(const Arg *)entry->item;
    return NULL;
}

static Error *read_list(Expander *x, Arg *out)
{
    VEC(Arg) items = {0};
    x->at++;
    while (!accept(x, ']')) {
        Arg item;
        if (items.n && !accept(x, ','))
            return fail(x, "expected ',' or ']'");
        TRY(read_operand(x, &item));
        VEC_PUSH(x->arena, items, item);
    }
    *out = arg_list(items.items, items.n);
    return NULL;
}

static Error *read_string(Expander *x, Arg *out)
{
    const char *start = ++x->at;
    x->at += strcspn(x->at, "\"\n");
    if (*x->at != '"')
        return fail(x, "expected a closing quote");
    *out = (Arg){.kind = ARG_STRING,
                 .string = arena_strndup(x->arena, start, (size_t)(x->at - start))};
    x->at++;
    return NULL;
}

static Error *read_number(Expander *x, Arg *out)
{
    char     *end, *int_end;
    double    number = strtod(x->at, &end);
    long long integer = strtoll(x->at, &int_end, 10);
    if (end == x->at)
        return fail(x, "expected an argument");
    *out = end == int_end ? arg_int(x->node->graph, integer) : arg_float(number);
    x->at = end;
    return NULL;
}

static Error *read_tensor(Expander *x, const TensorType **out)
{
    Arg arg;
    TRY(read_operand(x, &arg));
    if (arg.kind != ARG_VALUE || arg.value->kind != VALUE_TENSOR)
        return fail(x, "expected a tensor before this");
    *out = &arg.value->type;
    return NULL;
}

static Error *read_size(Expander *x, const TensorType *type, Arg *out)
{
    Arg     dim;
    int64_t at;
    if (!accept(x, ','))
        return fail(x, "expected ',' and a dim");
    TRY(read_operand(x, &dim));
    if (dim.kind != ARG_INT || !expr_is_int(dim.expr, &at) || at < -type->rank || at >= type->rank)
        return node_error(x->node, E_VALUE, "%s: a dim is out of range for rank %d",
                          x->node->schema->name, type->rank);
    *out = arg_expr(type->sizes[at < 0 ? at + type->rank : at]);
    return NULL;
}

/* rank(%x), size(%x, 1), numel(%x), dtype(%x); after the '('. */
static Error *read_question(Expander *x, const char *name, Arg *out)
{
    const TensorType *type = NULL;
    TRY(read_tensor(x, &type));
    if (strcmp(name, "rank") == 0)
        *out = arg_int(x->node->graph, type->rank);
    else if (strcmp(name, "numel") == 0)
        *out = arg_expr(tensor_numel(x->node->graph->ir, type));
    else if (strcmp(name, "dtype") == 0)
        *out = arg_dtype(type->dtype);
    else if (strcmp(name, "size") == 0)
        TRY(read_size(x, type, out));
    else
        return fail(x, "unknown function before this");
    return accept(x, ')') ? NULL : fail(x, "expected ')'");
}

static Error *read_nested_call(Expander *x, const char *name, Arg *out)
{
    Node *made;
    if (!strchr(name, '.')) {
        x->at++;
        return read_question(x, name, out);
    }
    TRY(read_call(x, name, &made));
    if (made->n_results == 0)
        return fail(x, "a call without result stands as an argument before this");
    *out = arg_value(made->results[0]);
    return NULL;
}

static bool find_literal(Expander *x, const char *name, Arg *out)
{
    static const char *const formats[] = {"contiguous", "channels_last", "channels_last_3d",
                                          "preserve"};
    DType                    dtype = dtype_parse(name);
    if (strcmp(name, "true") == 0 || strcmp(name, "false") == 0)
        *out = arg_bool(x->node->graph, name[0] == 't');
    else if (strcmp(name, "None") == 0)
        *out = arg_none();
    else if (strcmp(name, "inf") == 0 || strcmp(name, "nan") == 0)
        *out = arg_float(name[0] == 'i' ? INFINITY : NAN);
    else if (dtype != DT_NONE)
        *out = arg_dtype(dtype);
    else {
        for (int i = 0; i < 4; i++)
            if (strcmp(name, formats[i]) == 0) {
                *out = (Arg){.kind = ARG_MEMORY_FORMAT, .integer = i + 1};
                return true;
            }
        return false;
    }
    return true;
}

static Error *read_word(Expander *x, Arg *out)
{
    const char *start = x->at, *name = read_name(x, true);
    if (*x->at == '(')
        return read_nested_call(x, name, out);
    NameEntry *entry = name_map_find(x->names, name);
    if (entry) {
        *out = *(const Arg *)entry->item;
        return NULL;
    }
    if (find_literal(x, name, out))
        return NULL;
    x->at = start;
    return fail(x, "unknown name");
}

static Error *read_operand_below(Expander *x, Arg *out)
{
    skip_blanks(x);
    char c = *x->at;
    if (c == '%' || c == '$')
        return look_up(x, out);
    if (c == '[')
        return read_list(x, out);
    if (c == '"')
        return read_string(x, out);
    if (isalpha((unsigned char)c) || c == '_')
        return read_word(x, out);
    return read_number(x, out);
}

static Error *read_operand(Expander *x, Arg *out)
{
    if (x->depth == MAX_DEPTH)
        return fail(x, "nested too deeply");
    x->depth++;
    Error *error = read_operand_below(x, out);
    x->depth--;
    return error;
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* "dtype=" in front of an argument: its position; -1 when there is none, -2 when the schema does
 * not have it. */
static int read_keyword(Expander *x, const OpSchema *schema)
{
    skip_blanks(x);
    const char *start = x->at, *name = read_name(x, false);
    if (name && accept(x, '=')) {
        int at = schema_param(schema, name);
        return at < 0 ? -2 : at;
    }
    x->at = start;
    return -1;
}

static Error *read_args(Expander *x, const OpSchema *schema, Arg *args, bool *is_given, int *n)
{
    int position = 0;
    *n = 0;
    while (!accept(x, ')')) {
        if (*n && !accept(x, ','))
            return fail(x, "expected ',' or ')'");
        int keyword = read_keyword(x, schema);
        int at = keyword == -1 ? position++ : keyword;
        if (at < 0 || at >= schema->n_params || is_given[at])
            return fail(x, "the operator has no such argument");
        TRY(read_operand(x, &args[at]));
        is_given[at] = true;
        *n = at + 1 > *n ? at + 1 : *n;
    }
    return NULL;
}

/* From the '(' on. */
static Error *read_call(Expander *x, const char *op, Node **out)
{
    Graph          *graph = x->node->graph;
    const OpSchema *schema = op_schema(graph->ir, op);
    Arg             args[MAX_ARGS];
    bool            is_given[MAX_ARGS] = {false};
    int             n;
    if (!schema || schema->n_params > MAX_ARGS)
        return fail(x, "unknown operator before this");
    if (!accept(x, '('))
        return fail(x, "expected '('");
    TRY(read_args(x, schema, args, is_given, &n));
    for (int i = 0; i < n; i++) {
        if (is_given[i])
            continue;
        if (!schema->params[i].has_default && !schema->params[i].is_optional)
            return fail(x, "an argument without default is missing before this");
        args[i] = schema->params[i].has_default ? schema->params[i].fallback : arg_none();
    }
    return build_node(graph, x->node, schema->name, args, n, out);
}

/* ---- statements ------------------------------------------------------------------------------ */

static void define(Expander *x, const char *name, Arg arg)
{
    name_map_add(x->names, name)->item = arena_memdup(x->arena, &arg, sizeof arg);
}

/* %a, %b = call   or   %a = any argument */
static Error *read_assignment(Expander *x)
{
    const char *names[MAX_RANK];
    int         n = 0;
    do {
        skip_blanks(x);
        if (!accept(x, '%') || n == MAX_RANK)
            return fail(x, "expected %name");
        names[n] = read_name(x, false);
        if (!names[n++])
            return fail(x, "expected a name");
    } while (accept(x, ','));
    if (!accept(x, '='))
        return fail(x, "expected '='");
    if (n == 1) {
        Arg arg;
        TRY(read_operand(x, &arg));
        define(x, names[0], arg);
        return NULL;
    }
    Node *made;
    TRY(read_call(x, read_name(x, true), &made));
    if (made->n_results < n)
        return fail(x, "the call before this has fewer results");
    for (int i = 0; i < n; i++)
        define(x, names[i], arg_value(made->results[i]));
    return NULL;
}

static Error *read_return(Expander *x, Value **results)
{
    int n = 0;
    do {
        Arg arg;
        TRY(read_operand(x, &arg));
        if (arg.kind != ARG_VALUE && arg.kind != ARG_NONE)
            return fail(x, "expected a tensor before this");
        if (n < x->node->n_results)
            results[n++] = arg.kind == ARG_VALUE ? arg.value : NULL;
    } while (accept(x, ','));
    skip_lines(x);
    if (*x->at)
        return fail(x, "expected the end after return");
    return n == x->node->n_results
               ? NULL
               : fail(x, "return gives fewer values than the operator has results");
}

static bool accept_return(Expander *x)
{
    if (strncmp(x->at, "return", 6) != 0 || is_name_char(x->at[6]))
        return false;
    x->at += 6;
    return true;
}

static Error *run_text(Expander *x, Value **results)
{
    for (;;) {
        skip_lines(x);
        if (!*x->at)
            return fail(x, "return is missing");
        if (accept_return(x))
            return read_return(x, results);
        if (*x->at == '%') {
            TRY(read_assignment(x));
        } else { /* a call for its effect */
            Node       *made;
            const char *op = read_name(x, true);
            TRY(op ? read_call(x, op, &made) : fail(x, "expected a call"));
        }
        skip_blanks(x);
        if (*x->at && *x->at != '\n' && *x->at != ';')
            return fail(x, "expected the end of the line");
    }
}

Error *build_expand(Node *node, const char *text, Value **results)
{
    Arena   *arena = node->graph->ir->arena;
    Expander x = {.node = node,
                  .arena = arena,
                  .text = text,
                  .at = text,
                  .names = name_map_create(arena, 16)};
    for (int i = 0; i < node->n_args; i++)
        define(&x, node->schema->params[i].name, node->args[i]);
    Error *error = run_text(&x, results);
    if (!error)
        return NULL;
    /* What the user knows is the operator of his graph, not the one inside its expansion. */
    Error *named = arena_memdup(arena, error, sizeof *error);
    named->where = node_where(node);
    return error_wrap(arena, named, "expanding %s", node->schema->name);
}
