/* Names of one graph: unique per graph only, so each subgraph has its own table. */
#include "ir/import_internal.h"

static Error *find_table(const ImportCx *cx, const Js *graph_js, const char *key, Js *out)
{
    return js_find(graph_js, key, out) ? js_object(cx, out) : NULL;
}

Error *scope_open(ImportCx *cx, Graph *graph, const Js *graph_js, int depth, Scope *out)
{
    *out = (Scope){.graph = graph, .depth = depth};
    TRY(find_table(cx, graph_js, "tensor_values", &out->tensor_values));
    TRY(find_table(cx, graph_js, "sym_int_values", &out->sym_int_values));
    TRY(find_table(cx, graph_js, "sym_float_values", &out->sym_float_values));
    TRY(find_table(cx, graph_js, "sym_bool_values", &out->sym_bool_values));
    out->bindings = name_map_create(cx->arena, (int)json_object_size(out->tensor_values.v) + 16);
    return NULL;
}

const Binding *scope_find(const Scope *scope, const char *name)
{
    const NameEntry *entry = name_map_find(scope->bindings, name);
    return entry ? entry->item : NULL;
}

Error *scope_bind(ImportCx *cx, Scope *scope, const Js *at, const char *name, Value *value,
                  const Expr *expr)
{
    if (scope_find(scope, name))
        return js_error(cx, at, E_FORMAT, "\"%s\" is defined twice", name);
    Binding *binding = ARENA_NEW(cx->arena, Binding);
    *binding = (Binding){value, expr};
    name_map_add(scope->bindings, name)->item = binding;
    return NULL;
}

Error *scope_tensor(ImportCx *cx, const Scope *scope, const Js *at, const char *name, Value **out)
{
    const Binding *b = scope_find(scope, name);
    if (!b)
        return js_error(cx, at, E_FORMAT, "tensor \"%s\" is used before it is defined", name);
    if (!b->value || b->value->kind == VALUE_SCALAR)
        return js_error(cx, at, E_FORMAT, "\"%s\" is a scalar, a tensor is expected", name);
    *out = b->value;
    return NULL;
}

Error *scope_symbolic(ImportCx *cx, const Scope *scope, const Js *at, const char *name,
                      const Expr **out)
{
    const Binding *b = scope_find(scope, name);
    if (!b)
        return js_error(cx, at, E_FORMAT, "symbolic value \"%s\" is used before it is defined",
                        name);
    if (!b->expr)
        return js_error(cx, at, E_FORMAT, "\"%s\" is a tensor, a scalar is expected", name);
    *out = b->expr;
    return NULL;
}
