/* Arguments of calls.
 *
 *   {"name": "shape", "arg": {"as_sym_ints": [{"as_name": "n"}, {"as_int": 4}]}, "kind": 1}
 *   becomes  [s0, 4]  at the place of `shape` in the schema
 *
 * Reading gives what is written; fitting gives what the parameter wants. */
#include "ir/import_internal.h"

#include <string.h>

typedef Error *(*ReadOne)(ImportCx *cx, Scope *scope, const Js *at, Arg *out);

/* ---- one item of each variant ---------------------------------------------------------------- */

static Error *one_none(ImportCx *cx, Scope *scope, const Js *at, Arg *out)
{
    (void)cx, (void)scope, (void)at;
    *out = arg_none();
    return NULL;
}

static Error *one_tensor(ImportCx *cx, Scope *scope, const Js *at, Arg *out)
{
    const char *name;
    Value      *value;
    TRY(js_get_string(cx, at, "name", &name));
    TRY(scope_tensor(cx, scope, at, name, &value));
    *out = arg_value(value);
    return NULL;
}

static Error *one_int(ImportCx *cx, Scope *scope, const Js *at, Arg *out)
{
    int64_t value;
    (void)scope;
    TRY(js_int(cx, at, &value));
    *out = arg_expr(expr_int(cx->exprs, value));
    return NULL;
}

static Error *one_float(ImportCx *cx, Scope *scope, const Js *at, Arg *out)
{
    double value;
    (void)scope;
    TRY(js_number(cx, at, &value));
    *out = arg_float(value);
    return NULL;
}

static Error *one_bool(ImportCx *cx, Scope *scope, const Js *at, Arg *out)
{
    bool value;
    (void)scope;
    TRY(js_bool(cx, at, &value));
    *out = arg_expr(expr_bool(cx->exprs, value));
    return NULL;
}

static Error *one_string(ImportCx *cx, Scope *scope, const Js *at, Arg *out)
{
    (void)scope;
    *out = (Arg){.kind = ARG_STRING};
    return js_string(cx, at, &out->string);
}

/* SymIntArgument, SymFloatArgument, SymBoolArgument: a name or a literal. */
static Error *one_sym(ImportCx *cx, Scope *scope, const Js *at, Arg *out)
{
    const char *key, *name;
    Js          value;
    const Expr *expr;
    TRY(js_union(cx, at, &key, &value));
    if (!strcmp(key, "as_int"))
        return one_int(cx, scope, &value, out);
    if (!strcmp(key, "as_float"))
        return one_float(cx, scope, &value, out);
    if (!strcmp(key, "as_bool"))
        return one_bool(cx, scope, &value, out);
    if (strcmp(key, "as_name"))
        return js_error(cx, at, E_UNSUPPORTED, "unknown kind of symbolic argument \"%s\"", key);
    TRY(js_string(cx, &value, &name));
    TRY(scope_symbolic(cx, scope, &value, name, &expr));
    *out = expr->kind == EXPR_FLOAT ? arg_float(expr->fvalue) : arg_expr(expr);
    return NULL;
}

static Error *one_scalar_type(ImportCx *cx, Scope *scope, const Js *at, Arg *out)
{
    DType dtype;
    (void)scope;
    TRY(read_dtype(cx, at, &dtype));
    *out = arg_dtype(dtype);
    return NULL;
}

static Error *one_memory_format(ImportCx *cx, Scope *scope, const Js *at, Arg *out)
{
    (void)scope;
    *out = (Arg){.kind = ARG_MEMORY_FORMAT};
    TRY(js_int(cx, at, &out->integer));
    if (out->integer < 1 || out->integer > 4)
        return js_error(cx, at, E_FORMAT, "memory format %lld", (long long)out->integer);
    return NULL;
}

static Error *one_layout(ImportCx *cx, Scope *scope, const Js *at, Arg *out)
{
    (void)scope;
    *out = (Arg){.kind = ARG_LAYOUT};
    TRY(js_int(cx, at, &out->integer));
    if (out->integer != 7)
        return js_error(cx, at, E_UNSUPPORTED,
                        "tensor layout %lld: only strided tensors are supported",
                        (long long)out->integer);
    return NULL;
}

static Error *one_device(ImportCx *cx, Scope *scope, const Js *at, Arg *out)
{
    (void)scope;
    *out = (Arg){.kind = ARG_DEVICE};
    return read_device(cx, at, &out->device);
}

static Error *one_graph(ImportCx *cx, Scope *scope, const Js *at, Arg *out)
{
    const char *name;
    Js          graph;
    TRY(js_get_string(cx, at, "name", &name));
    TRY(js_get(cx, at, "graph", &graph));
    *out = (Arg){.kind = ARG_GRAPH};
    return read_subgraph(cx, &graph, name, scope->graph, scope->depth + 1, &out->graph);
}

static Error *one_optional_tensor(ImportCx *cx, Scope *scope, const Js *at, Arg *out)
{
    const char *key;
    Js          value;
    TRY(js_union(cx, at, &key, &value));
    if (!strcmp(key, "as_tensor"))
        return one_tensor(cx, scope, &value, out);
    if (!strcmp(key, "as_none"))
        return one_none(cx, scope, &value, out);
    return js_error(cx, at, E_UNSUPPORTED, "unknown kind of optional tensor \"%s\"", key);
}

static Error *one_custom_obj(ImportCx *cx, Scope *scope, const Js *at, Arg *out)
{
    const char *name, *class_fqn;
    (void)scope, (void)out;
    TRY(js_get_string(cx, at, "name", &name));
    TRY(js_get_string(cx, at, "class_fqn", &class_fqn));
    return js_error(cx, at, E_UNSUPPORTED, "script object \"%s\" of class %s", name, class_fqn);
}

static Error *one_complex(ImportCx *cx, Scope *scope, const Js *at, Arg *out)
{
    Js real, imag;
    (void)scope;
    *out = (Arg){.kind = ARG_COMPLEX};
    TRY(js_get(cx, at, "real", &real));
    TRY(js_get(cx, at, "imag", &imag));
    TRY(js_number(cx, &real, &out->number));
    return js_number(cx, &imag, &out->imag);
}

static Error *make_list(ImportCx *cx, Scope *scope, const Js *at, ReadOne one, Arg *out)
{
    int n;
    TRY(js_array(cx, at, &n));
    Arg *items = ARENA_ARRAY(cx->arena, Arg, n + 1);
    for (int i = 0; i < n; i++) {
        Js item = js_item(at, (size_t)i);
        TRY(one(cx, scope, &item, &items[i]));
    }
    *out = arg_list(items, n);
    return NULL;
}

static Error *one_tensors(ImportCx *cx, Scope *scope, const Js *at, Arg *out)
{
    return make_list(cx, scope, at, one_tensor, out);
}

static Error *one_ints(ImportCx *cx, Scope *scope, const Js *at, Arg *out)
{
    return make_list(cx, scope, at, one_int, out);
}

static Error *one_floats(ImportCx *cx, Scope *scope, const Js *at, Arg *out)
{
    return make_list(cx, scope, at, one_float, out);
}

/* A dictionary is the list of its pairs: [["key", value], …]. */
static Error *one_dictionary(ImportCx *cx, Scope *scope, const Js *at, Arg *out)
{
    TRY(js_object(cx, at));
    Arg        *pairs = ARENA_ARRAY(cx->arena, Arg, json_object_size(at->v) + 1);
    int         n = 0;
    const char *key;
    json_t     *v;
    json_object_foreach(at->v, key, v)
    {
        Js   item = {.v = v, .up = at, .key = key};
        Arg *pair = ARENA_ARRAY(cx->arena, Arg, 2);
        pair[0] = (Arg){.kind = ARG_STRING, .string = arena_strdup(cx->arena, key)};
        TRY(read_argument(cx, scope, &item, &pair[1]));
        pairs[n++] = arg_list(pair, 2);
    }
    *out = arg_list(pairs, n);
    return NULL;
}

static const struct Variant {
    const char *key;
    ReadOne     one;
    bool        is_list;
} variants[] = {
    {"as_none", one_none, false},
    {"as_tensor", one_tensor, false},
    {"as_tensors", one_tensor, true},
    {"as_int", one_int, false},
    {"as_ints", one_int, true},
    {"as_float", one_float, false},
    {"as_floats", one_float, true},
    {"as_string", one_string, false},
    {"as_strings", one_string, true},
    {"as_sym_int", one_sym, false},
    {"as_sym_ints", one_sym, true},
    {"as_scalar_type", one_scalar_type, false},
    {"as_memory_format", one_memory_format, false},
    {"as_layout", one_layout, false},
    {"as_device", one_device, false},
    {"as_bool", one_bool, false},
    {"as_bools", one_bool, true},
    {"as_sym_bool", one_sym, false},
    {"as_sym_bools", one_sym, true},
    {"as_graph", one_graph, false},
    {"as_optional_tensor", one_optional_tensor, false},
    {"as_optional_tensors", one_optional_tensor, true},
    {"as_custom_obj", one_custom_obj, false},
    {"as_operator", one_string, false},
    {"as_sym_float", one_sym, false},
    {"as_sym_floats", one_sym, true},
    {"as_complex", one_complex, false},
    {"as_nested_tensors", one_tensors, true},
    {"as_int_lists", one_ints, true},
    {"as_float_lists", one_floats, true},
    {"as_string_to_argument", one_dictionary, false},
};

Error *read_argument(ImportCx *cx, Scope *scope, const Js *at, Arg *out)
{
    const char *key;
    Js          value;
    *out = arg_none();
    TRY(js_union(cx, at, &key, &value));
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
        if (!strcmp(variants[i].key, key))
            return variants[i].is_list ? make_list(cx, scope, &value, variants[i].one, out)
                                       : variants[i].one(cx, scope, &value, out);
    return js_error(cx, at, E_UNSUPPORTED,
                    "argument of unknown kind \"%s\": the export was written by a newer PyTorch",
                    key);
}

/* ---- fitting to a parameter ------------------------------------------------------------------ */

static const char *arg_kind_name(ArgKind kind)
{
    static const char *const names[] = {
        [ARG_NONE] = "None",
        [ARG_VALUE] = "a tensor",
        [ARG_INT] = "an int",
        [ARG_FLOAT] = "a float",
        [ARG_BOOL] = "a bool",
        [ARG_STRING] = "a string",
        [ARG_DTYPE] = "a dtype",
        [ARG_LAYOUT] = "a layout",
        [ARG_MEMORY_FORMAT] = "a memory format",
        [ARG_DEVICE] = "a device",
        [ARG_LIST] = "a list",
        [ARG_GRAPH] = "a graph",
        [ARG_COMPLEX] = "a complex number",
    };
    return names[kind];
}

static bool is_number(const Arg *arg)
{
    return arg->kind == ARG_INT || arg->kind == ARG_FLOAT || arg->kind == ARG_BOOL ||
           arg->kind == ARG_COMPLEX;
}

static bool fit_int(ImportCx *cx, Arg *arg)
{
    if (arg->kind == ARG_BOOL) {
        const Expr *choice[] = {arg->expr, expr_int(cx->exprs, 1), expr_int(cx->exprs, 0)};
        *arg = arg_expr(expr_make(cx->exprs, EXPR_WHERE, NULL, choice, 3));
    }
    return arg->kind == ARG_INT;
}

static bool fit_float(ImportCx *cx, Arg *arg)
{
    int64_t value;
    if (arg->kind == ARG_FLOAT)
        return true;
    if (!fit_int(cx, arg))
        return false;
    if (expr_is_int(arg->expr, &value))
        *arg = arg_float((double)value);
    else
        *arg = arg_expr(expr_make(cx->exprs, EXPR_TO_FLOAT, NULL, &arg->expr, 1));
    return true;
}

static bool fit_bool(ImportCx *cx, Arg *arg)
{
    if (arg->kind == ARG_INT)
        *arg = arg_expr(expr_cmp(cx->exprs, EXPR_NE, arg->expr, expr_int(cx->exprs, 0)));
    return arg->kind == ARG_BOOL;
}

static bool fit_kind(ImportCx *cx, const Param *param, Arg *arg)
{
    switch (param->type) {
    case PARAM_TENSOR: /* a number stands for a 0-dim tensor of the default dtype */
        return arg->kind == ARG_VALUE || is_number(arg);
    case PARAM_INT:
        return fit_int(cx, arg);
    case PARAM_FLOAT:
        return fit_float(cx, arg);
    case PARAM_BOOL:
        return fit_bool(cx, arg);
    case PARAM_SCALAR:
        return is_number(arg);
    case PARAM_STRING:
        return arg->kind == ARG_STRING;
    case PARAM_DTYPE:
        return arg->kind == ARG_DTYPE;
    case PARAM_LAYOUT:
        return arg->kind == ARG_LAYOUT;
    case PARAM_DEVICE:
        return arg->kind == ARG_DEVICE;
    case PARAM_MEMORY_FORMAT:
        return arg->kind == ARG_MEMORY_FORMAT;
    case PARAM_GENERATOR:
        return false;
    case PARAM_OTHER:
        return true;
    }
    return false;
}

static Error *fit_one(ImportCx *cx, const Js *at, const Param *param, bool none_allowed, Arg *arg)
{
    ArgKind found = arg->kind;
    if (found == ARG_NONE && none_allowed)
        return NULL;
    if (param->type == PARAM_GENERATOR)
        return js_error(cx, at, E_UNSUPPORTED, "a random generator as argument");
    if (fit_kind(cx, param, arg))
        return NULL;
    return js_error(cx, at, E_VALUE, "parameter \"%s\" does not take %s", param->name,
                    arg_kind_name(found));
}

/* int[2] kernel_size=3 means [3, 3]. */
static void repeat(ImportCx *cx, int n, Arg *arg)
{
    Arg *items = ARENA_ARRAY(cx->arena, Arg, n);
    for (int i = 0; i < n; i++)
        items[i] = *arg;
    *arg = arg_list(items, n);
}

Error *fit_argument(ImportCx *cx, const Js *at, const Param *param, Arg *arg)
{
    if (!param->is_list || (arg->kind == ARG_NONE && param->is_optional))
        return fit_one(cx, at, param, param->is_optional, arg);
    if (arg->kind != ARG_LIST) {
        TRY(fit_one(cx, at, param, false, arg));
        if (param->type != PARAM_OTHER)
            repeat(cx, param->list_length > 0 ? param->list_length : 1, arg);
        return NULL;
    }
    for (int i = 0; i < arg->n_items; i++)
        TRY(fit_one(cx, at, param, param->items_optional, &arg->items[i]));
    return NULL;
}

/* ---- all arguments of a call ----------------------------------------------------------------- */

/* Place of an argument in the schema: by name; the n-th one where it has none. */
static Error *find_param(ImportCx *cx, const Js *input, const OpSchema *schema, int position,
                         int *out)
{
    const char *name;
    TRY(js_get_string(cx, input, "name", &name));
    *out = *name ? schema_param(schema, name) : position;
    if (*out >= 0 && *out < schema->n_params)
        return NULL;
    if (!*name)
        return js_error(cx, input, E_VALUE, "%s takes %d arguments", schema->name,
                        schema->n_params);
    return js_error(cx, input, E_VALUE, "%s has no parameter \"%s\"", schema->name, name);
}

Error *read_arguments(ImportCx *cx, Scope *scope, const Js *inputs, const OpSchema *schema,
                      Arg **out)
{
    int n, place;
    TRY(js_array(cx, inputs, &n));
    Arg  *args = ARENA_ARRAY(cx->arena, Arg, schema->n_params + 1);
    bool *given = ARENA_ARRAY(cx->arena, bool, schema->n_params + 1);
    for (int i = 0; i < n; i++) {
        Js input = js_item(inputs, (size_t)i), arg;
        TRY(find_param(cx, &input, schema, i, &place));
        if (given[place])
            return js_error(cx, &input, E_FORMAT, "\"%s\" is given twice",
                            schema->params[place].name);
        given[place] = true;
        TRY(js_get(cx, &input, "arg", &arg));
        TRY(read_argument(cx, scope, &arg, &args[place]));
        TRY(fit_argument(cx, &arg, &schema->params[place], &args[place]));
    }
    for (int i = 0; i < schema->n_params; i++) {
        const Param *param = &schema->params[i];
        if (!given[i] && !param->has_default)
            return js_error(cx, inputs, E_VALUE, "%s needs argument \"%s\"", schema->name,
                            param->name);
        if (!given[i])
            args[i] = param->fallback;
    }
    *out = args;
    return NULL;
}

Error *read_hop_arguments(ImportCx *cx, Scope *scope, const Js *inputs, Arg **out, int *n)
{
    TRY(js_array(cx, inputs, n));
    *out = ARENA_ARRAY(cx->arena, Arg, *n + 1);
    for (int i = 0; i < *n; i++) {
        Js          input = js_item(inputs, (size_t)i), arg, kind;
        const char *name;
        int64_t     number = 0;
        Arg        *pair = ARENA_ARRAY(cx->arena, Arg, 2);
        TRY(js_get(cx, &input, "arg", &arg));
        TRY(js_get_string(cx, &input, "name", &name));
        TRY(read_argument(cx, scope, &arg, &pair[1]));
        if (js_find(&input, "kind", &kind))
            TRY(js_int(cx, &kind, &number));
        pair[0] = (Arg){.kind = ARG_STRING, .string = name};
        (*out)[i] = number == 2 && *name ? arg_list(pair, 2) : pair[1];
    }
    return NULL;
}
