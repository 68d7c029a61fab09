/* Ranges of symbols and guards.
 *
 *   range_constraints {"s39": {2, 100}, "2*s39": {4, 200}}
 *       ranges of symbols; a derived key that does not follow from them becomes guards
 *   guards_code ["L['x'].size()[0] != 1"]
 *       L['x'] is found through the treespec of the inputs
 *
 * The range of an unbacked symbol folds the assertions that state it, so whatever sets the symbol
 * during a run has to check min and max.  A guard that cannot be parsed stays with its text and no
 * expression: it is listed as unchecked, never dropped. */
#include "ir/import_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- ranges ---------------------------------------------------------------------------------- */

static bool is_symbol_name(const char *key)
{
    if (!isalpha((unsigned char)*key) && *key != '_')
        return false;
    for (; *key; key++)
        if (!isalnum((unsigned char)*key) && *key != '_')
            return false;
    return true;
}

static Error *read_range(const ImportCx *cx, const Js *at, int64_t *min, int64_t *max)
{
    Js bound;
    TRY(js_object(cx, at));
    *min = INT64_MIN;
    *max = INT64_MAX;
    if (js_find(at, "min_val", &bound))
        TRY(js_saturated(cx, &bound, min));
    if (js_find(at, "max_val", &bound))
        TRY(js_saturated(cx, &bound, max));
    if (*min > *max)
        return js_error(cx, at, E_FORMAT, "an empty range: %lld to %lld", (long long)*min,
                        (long long)*max);
    return NULL;
}

static Error *symbol_range(ImportCx *cx, const Js *at, const char *key, int64_t min, int64_t max)
{
    const Expr *e;
    Error      *error = expr_parse_infix(cx->exprs, key, &e);
    if (error)
        return js_error(cx, at, error->code, "range of \"%s\": %s", key, error->message);
    if (e->kind != EXPR_SYMBOL)
        return NULL;
    e->symbol->min = min;
    e->symbol->max = max;
    return NULL;
}

Error *read_ranges(ImportCx *cx, const Js *program)
{
    Js          ranges;
    const char *key;
    json_t     *v;
    int64_t     min, max;
    if (!js_find(program, "range_constraints", &ranges))
        return NULL;
    TRY(js_object(cx, &ranges));
    json_object_foreach(ranges.v, key, v)
    {
        Js at = {.v = v, .up = &ranges, .key = key};
        TRY(read_range(cx, &at, &min, &max));
        if (is_symbol_name(key))
            TRY(symbol_range(cx, &at, key, min, max));
    }
    return NULL;
}

/* a <= b as a guard, unless it always holds. */
static void add_bound(ImportCx *cx, const Expr *a, const Expr *b)
{
    if (expr_prove_le(cx->exprs, a, b))
        return;
    Guard guard = {.expr = expr_cmp(cx->exprs, EXPR_LE, a, b)};
    guard.text =
        arena_printf(cx->arena, "%s <= %s", expr_text(cx->arena, a), expr_text(cx->arena, b));
    VEC_PUSH(cx->arena, cx->top->guards, guard);
}

Error *read_derived_ranges(ImportCx *cx, const Js *program)
{
    Js          ranges;
    const char *key;
    json_t     *v;
    int64_t     min, max;
    const Expr *e;
    if (!js_find(program, "range_constraints", &ranges))
        return NULL;
    json_object_foreach(ranges.v, key, v)
    {
        Js at = {.v = v, .up = &ranges, .key = key};
        if (is_symbol_name(key))
            continue;
        TRY(read_range(cx, &at, &min, &max));
        Error *error = expr_parse_infix(cx->exprs, key, &e);
        if (error) {
            Guard guard = {.text = arena_printf(cx->arena, "%lld <= %s <= %lld", (long long)min,
                                                key, (long long)max)};
            VEC_PUSH(cx->arena, cx->top->guards, guard);
            continue;
        }
        if (min != INT64_MIN)
            add_bound(cx, expr_int(cx->exprs, min), e);
        if (max != INT64_MAX)
            add_bound(cx, e, expr_int(cx->exprs, max));
    }
    return NULL;
}

/* ---- paths of inputs ------------------------------------------------------------------------- */

/* Leaves of the input tree in order: user inputs in order. */
typedef struct Paths {
    ImportCx *cx;
    Graph    *graph;
    NameMap  *inputs; /* "L['x']['k']" to GraphInput */
    int       n_leaves;
} Paths;

static void add_path(Paths *paths, const char *path, int leaf)
{
    if (leaf < paths->graph->n_inputs)
        name_map_add(paths->inputs, path)->item = &paths->graph->inputs[leaf];
}

/* Text of a child's subscript: the context of a dict lists its keys as JSON. */
static const char *child_step(Paths *paths, const json_t *type, json_t *keys, size_t i)
{
    Arena      *arena = paths->cx->arena;
    json_t     *key = json_array_get(keys, i);
    const char *name = json_string_value(type);
    if (name && (!strcmp(name, "builtins.tuple") || !strcmp(name, "builtins.list")))
        return arena_printf(arena, "[%zu]", i);
    if (json_is_string(key))
        return arena_printf(arena, "['%s']", json_string_value(key));
    if (json_is_integer(key))
        return arena_printf(arena, "[%lld]", (long long)json_integer_value(key));
    return arena_printf(arena, ".<%zu>", i); /* of a class of the user: no guard text equals it */
}

static json_t *parse_context(const json_t *spec)
{
    const char *text = json_string_value(json_object_get(spec, "context"));
    json_t     *context = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    /* defaultdict writes [factory, keys] */
    json_t     *inner = json_array_get(context, 1);
    if (json_array_size(context) == 2 && json_is_array(inner)) {
        json_incref(inner);
        json_decref(context);
        return inner;
    }
    return context;
}

static void walk_spec(Paths *paths, const json_t *spec, const char *path, int depth)
{
    enum { MAX_TREE_DEPTH = 32 };
    const json_t *children = json_object_get(spec, "children_spec"),
                 *type = json_object_get(spec, "type");
    if (!json_is_string(type)) {
        add_path(paths, path, paths->n_leaves++);
        return;
    }
    json_t *keys = parse_context(spec);
    for (size_t i = 0; i < json_array_size(children) && depth < MAX_TREE_DEPTH; i++) {
        const char *step = child_step(paths, type, keys, i);
        walk_spec(paths, json_array_get(children, i),
                  arena_printf(paths->cx->arena, "%s%s", path, step), depth + 1);
    }
    json_decref(keys);
}

/* forward(x, *args): the names are x, args_0, args_1; a guard writes the last two as L['args'][0],
 * L['args'][1]. */
static void walk_positional(Paths *paths, const json_t *spec, const char *name)
{
    Arena      *arena = paths->cx->arena;
    const char *underscore = strrchr(name, '_');
    int         first_leaf = paths->n_leaves;
    walk_spec(paths, spec, arena_printf(arena, "L['%s']", name), 0);
    if (!underscore || underscore == name || !underscore[1] ||
        strspn(underscore + 1, "0123456789") != strlen(underscore + 1))
        return;
    paths->n_leaves = first_leaf;
    walk_spec(paths, spec,
              arena_printf(arena, "L['%.*s'][%s]", (int)(underscore - name), name, underscore + 1),
              0);
}

/* in_spec: [1, tuple(args tuple, kwargs dict)]. */
static void walk_in_spec(Paths *paths, const json_t *in_spec, const Js *names)
{
    const json_t *top = json_object_get(json_array_get(in_spec, 1), "children_spec");
    const json_t *args = json_object_get(json_array_get(top, 0), "children_spec");
    const json_t *kwargs = json_array_get(top, 1);
    const json_t *kwarg_specs = json_object_get(kwargs, "children_spec");
    for (size_t i = 0; i < json_array_size(args); i++) {
        const char *name = json_string_value(json_array_get(names->v, i));
        walk_positional(paths, json_array_get(args, i),
                        name ? name : arena_printf(paths->cx->arena, "%zu", i));
    }
    json_t *keys = parse_context(kwargs);
    for (size_t i = 0; i < json_array_size(kwarg_specs); i++) {
        const char *name = json_string_value(json_array_get(keys, i));
        int         first_leaf = paths->n_leaves;
        if (!name)
            break;
        walk_spec(paths, json_array_get(kwarg_specs, i),
                  arena_printf(paths->cx->arena, "L['%s']", name), 0);
        paths->n_leaves = first_leaf; /* forward(**kwargs): a guard writes L['kwargs']['k'] */
        walk_spec(paths, json_array_get(kwarg_specs, i),
                  arena_printf(paths->cx->arena, "L['kwargs']['%s']", name), 0);
    }
    json_decref(keys);
}

/* The signature of the whole model is the entry with the empty name. */
static void find_tree(Paths *paths, const Js *graph_module)
{
    Js calls, signature, names, spec;
    if (!js_find(graph_module, "module_call_graph", &calls))
        return;
    for (size_t i = 0; i < json_array_size(calls.v); i++) {
        Js          entry = js_item(&calls, i);
        const char *fqn = json_string_value(json_object_get(entry.v, "fqn"));
        if (!fqn || *fqn || !js_find(&entry, "signature", &signature) ||
            !js_find(&signature, "in_spec", &spec))
            continue;
        js_find(&signature, "forward_arg_names", &names);
        json_t *in_spec =
            json_is_string(spec.v) ? json_loads(json_string_value(spec.v), 0, NULL) : NULL;
        walk_in_spec(paths, in_spec, &names);
        json_decref(in_spec);
        return;
    }
}

static void find_paths(Paths *paths, const Js *graph_module)
{
    find_tree(paths, graph_module);
    if (paths->n_leaves == paths->graph->n_inputs)
        return;
    /* No tree, or one that does not fit: the names of the inputs are all there is. */
    paths->inputs = name_map_create(paths->cx->arena, paths->graph->n_inputs);
    for (int i = 0; i < paths->graph->n_inputs; i++)
        add_path(paths, arena_printf(paths->cx->arena, "L['%s']", paths->graph->inputs[i].name), i);
}

static const Expr *literal_expr(const Arg *literal)
{
    return literal->kind == ARG_INT || literal->kind == ARG_BOOL ? literal->expr : NULL;
}

static const Expr *resolve_path(void *cx, const char *path, const char *kind, int dim)
{
    const Paths     *paths = cx;
    const NameEntry *entry = name_map_find(paths->inputs, path);
    if (!entry)
        return NULL;
    const GraphInput *input = entry->item;
    bool              is_value = !strcmp(kind, "value");
    if (!input->value)
        return is_value ? literal_expr(&input->literal) : NULL;
    if (input->value->kind == VALUE_SCALAR)
        return is_value ? input->value->symbol->self : NULL;
    const TensorType *type = &input->value->type;
    if (!strcmp(kind, "storage_offset"))
        return type->storage_offset;
    if (dim < 0 || dim >= type->rank)
        return NULL;
    if (!strcmp(kind, "size"))
        return type->sizes[dim];
    return !strcmp(kind, "stride") ? type->strides[dim] : NULL;
}

Error *read_guards(ImportCx *cx, const Js *program, const Js *graph_module)
{
    Js    list;
    int   n;
    Paths paths = {
        .cx = cx, .graph = cx->top, .inputs = name_map_create(cx->arena, cx->top->n_inputs)};
    if (!js_find(program, "guards_code", &list))
        return NULL;
    TRY(js_array(cx, &list, &n));
    find_paths(&paths, graph_module);
    for (int i = 0; i < n; i++) {
        Js    item = js_item(&list, (size_t)i);
        Guard guard = {0};
        TRY(js_string(cx, &item, &guard.text));
        if (expr_parse_guard(cx->exprs, guard.text, resolve_path, &paths, &guard.expr) ||
            guard.expr->type != EXPR_TYPE_BOOL)
            guard.expr = NULL;
        VEC_PUSH(cx->arena, cx->top->guards, guard);
    }
    return NULL;
}
