/* functionalize: no operator writes to memory any more.
 *
 *   %1 = aten.relu_.default(%0)                   %1 = aten.relu.default(%0), later uses of %0 mean
 * %1 %2 = aten.slice.Tensor(%x, 0, 0, 2)           %2 = aten.slice.Tensor(%x, 0, 0, 2) %3 =
 * aten.mul_.Scalar(%2, 3)                  %3 = aten.mul.Scalar(%2, 3) %4 = aten.sum.default(%x) %5
 * = aten.slice_scatter.default(%x, %3, 0, 0, 2) %4 = aten.sum.default(%5), and %x is mutated to %5
 *
 * Every tensor of the program is an Object: a View of a Memory.  The walk goes in execution order.
 * A write gives the view's new content; the content of what it is a view of follows by the inverse
 * of the view operator, up to the base. A use of another view of that memory takes its view again
 * from the new base.  At the end a written input gets `mutated_to` and a written buffer or
 * parameter a Mutation: the form in which ATEN exports come already. */
#include "passes/functionalize_views.h"
#include "ir/ops/shape_util.h"

#include <string.h>

typedef struct View View;

/* One piece of storage. */
typedef struct Memory {
    View  *base;
    int    generation; /* grows with every write */
    Graph *owner;      /* values of an outer graph must not be written by a subgraph */
} Memory;

struct View {
    Memory    *memory;
    View      *parent; /* NULL: the base */
    Node      *maker;  /* operator that takes it from parent */
    int        base_arg, result;
    Value     *current;    /* its content as a functional value ... */
    int        generation; /* ... at this generation of the memory */
    TensorType type;
};

/* What a name in the user's program means; `x` and the result of `x.add_(1)` are one object. */
typedef struct Object {
    View *view;
} Object;

typedef struct Walk {
    Graph   *graph;
    PassCtx *cx;
    Object **of; /* by value id */
    int      n_of;
    Node    *at; /* new nodes go before it; NULL: the end */
    Error   *error;
} Walk;

/* ---- objects --------------------------------------------------------------------------------- */

static void set_object(Walk *w, const Value *value, Object *object)
{
    if (value->id >= w->n_of) {
        int      n = value->id + 256;
        Object **grown = ARENA_ARRAY(w->cx->arena, Object *, n);
        if (w->n_of)
            memcpy(grown, w->of, (size_t)w->n_of * sizeof *grown);
        w->of = grown;
        w->n_of = n;
    }
    w->of[value->id] = object;
}

static Object *new_object(Walk *w, View *view)
{
    Object *object = ARENA_NEW(w->cx->arena, Object);
    object->view = view;
    return object;
}

static Object *new_base(Walk *w, Value *value, Graph *owner)
{
    View *view = ARENA_NEW(w->cx->arena, View);
    view->memory = ARENA_NEW(w->cx->arena, Memory);
    *view->memory = (Memory){.base = view, .owner = owner};
    view->current = value;
    view->type = value->type;
    Object *object = new_object(w, view);
    set_object(w, value, object);
    return object;
}

static Graph *graph_of(const Walk *w, const Value *value)
{
    if (value->def)
        return value->def->graph;
    for (Graph *g = w->graph; g; g = g->parent) {
        for (int i = 0; i < g->n_inputs; i++)
            if (g->inputs[i].value == value)
                return g;
        for (int i = 0; i < g->constants.n; i++)
            if (g->constants.items[i]->value == value)
                return g;
    }
    return NULL;
}

static Object *object_of(Walk *w, Value *value)
{
    if (value->id < w->n_of && w->of[value->id])
        return w->of[value->id];
    return new_base(w, value, graph_of(w, value));
}

/* Content of the view now; taken again from its base when that was written since. */
static Error *sync(Walk *w, View *v, Value **out)
{
    if (v->generation != v->memory->generation) {
        Value *base;
        TRY(sync(w, v->parent, &base));
        TRY(view_replay(w->graph, w->at, v->maker, v->base_arg, v->result, base, &v->current));
        v->generation = v->memory->generation;
    }
    *out = v->current;
    return NULL;
}

static Error *write_view(Walk *w, const Node *node, View *v, Value *content)
{
    if (v->memory->owner != w->graph)
        return node_error(node, E_UNSUPPORTED, "a write to %%%s of the graph around this one",
                          v->memory->base->current->name);
    /* The inverses need the old contents of the views between, before anything moves to the next
     * generation. */
    for (View *p = v->parent; p; p = p->parent) {
        Value *old;
        TRY(sync(w, p, &old));
    }
    int next = v->memory->generation + 1;
    for (View *p = v; p; p = p->parent) {
        p->current = content;
        p->generation = next;
        if (p->parent)
            TRY(view_inverse(w->graph, w->at, p->maker, p->result, p->parent->current, content,
                             &content));
    }
    v->memory->generation = next;
    pass_count(w->cx, "functionalized_writes", 1);
    return NULL;
}

/* ---- new contents ---------------------------------------------------------------------------- */

static Error *cast_to(Walk *w, const Node *from, const TensorType *to, Value **value)
{
    bool stays = (*value)->type.device.kind == to->device.kind;
    if ((*value)->type.dtype == to->dtype && stays)
        return NULL;
    Arg args[] = {arg_value(*value), arg_dtype(to->dtype), arg_none(),
                  stays ? arg_none() : (Arg){.kind = ARG_DEVICE, .device = to->device}};
    return build_like(w->graph, w->at, from, "aten._to_copy.default", args, 4, value);
}

/* A content has dtype, device, sizes and strides of the tensor it is written to. */
static Error *fit(Walk *w, const Node *from, const View *v, Value **value)
{
    TRY(cast_to(w, from, &v->type, value));
    if (!tensor_same_sizes(w->graph->ir, &(*value)->type, &v->type)) {
        Arg args[] = {arg_value(*value), arg_exprs(w->graph, v->type.sizes, v->type.rank)};
        TRY(build_like(w->graph, w->at, from, "aten.expand.default", args, 2, value));
    }
    return NULL;
}

static Error *full(Walk *w, Node *node, const View *v, const Arg *value, Value **out)
{
    Arg args[] = {arg_exprs(w->graph, v->type.sizes, v->type.rank), *value,
                  arg_dtype(v->type.dtype)};
    return build_like(w->graph, w->at, node, "aten.full.default", args, 3, out);
}

/* Writes that have no functional operator of their own. */
static Error *special_content(Walk *w, Node *node, const View *v, Value **out)
{
    *out = NULL;
    if (node_is(node, "copy_"))
        *out = node->args[1].value;
    else if (node_is(node, "aten.fill_.Tensor"))
        *out = node->args[1].value;
    else if (node_is(node, "aten.fill_.Scalar"))
        return full(w, node, v, &node->args[1], out);
    else if (node_is(node, "zero_"))
        return full(w, node, v, &(Arg){.kind = ARG_INT, .expr = expr_int(w->graph->ir->exprs, 0)},
                    out);
    return *out ? fit(w, node, v, out) : NULL;
}

/* ---- the functional operator of a writing one ------------------------------------------------ */

static Node *functional_node(Walk *w, Node *node, const OpSchema *to, int n_results)
{
    Arg *args = ARENA_ARRAY(w->cx->arena, Arg, to->n_params ? to->n_params : 1);
    for (int i = 0; i < to->n_params; i++)
        args[i] = node->args[schema_param(node->schema, to->params[i].name)];
    Node *f = graph_add_node(w->graph, node, to, to->base, args, to->n_params, n_results);
    f->op = op_find(w->graph->ir, to);
    inherit_where(f, node);
    return f;
}

/* ---- one node -------------------------------------------------------------------------------- */

typedef struct Written {
    VEC(View *) views;
} Written;

static void add_written(Walk *w, Written *written, Arg *arg)
{
    if (arg->kind == ARG_VALUE && arg->value->kind == VALUE_TENSOR)
        VEC_PUSH(w->cx->arena, written->views, object_of(w, arg->value)->view);
    for (int i = 0; arg->kind == ARG_LIST && i < arg->n_items; i++)
        add_written(w, written, &arg->items[i]);
}

static void sync_arg(void *user, Arg *arg)
{
    Walk *w = user;
    if (!w->error && arg->value->kind == VALUE_TENSOR)
        w->error = sync(w, object_of(w, arg->value)->view, &arg->value);
}

static void sync_capture(void *user, Arg *arg)
{
    Walk *w = user;
    /* Only values that the outer walk has met can have been written by it. */
    if (arg->value->id < w->n_of && w->of[arg->value->id])
        sync_arg(user, arg);
}

static void sync_captures(void *user, Graph *graph)
{
    for (Node *n = graph->first; n; n = n->next) {
        node_for_each_value(n, sync_capture, user);
        node_for_each_graph(n, sync_captures, user);
    }
    for (int i = 0; i < graph->n_outputs; i++)
        if (graph->outputs[i].arg.kind == ARG_VALUE)
            sync_capture(user, &graph->outputs[i].arg);
}

/* Results that are "Tensor(a!)" are the written objects themselves, in order. */
static void bind_results(Walk *w, Node *node, Object **objects, int n)
{
    for (int i = 0; i < node->n_results && i < n; i++)
        if (node->results[i]->kind == VALUE_TENSOR)
            set_object(w, node->results[i], objects[i]);
}

static Error *infer_functional(Walk *w, Node *node, Node *f, const Written *written)
{
    if (!f->op) /* decompose reports it with all others */
        for (int i = 0; i < f->n_results && i < written->views.n; i++) {
            f->results[i]->kind = VALUE_TENSOR;
            f->results[i]->type = written->views.items[i]->type;
        }
    else
        TRY(infer_node(f));
    (void)w, (void)node;
    return NULL;
}

static Error *functional_aten(Walk *w, Node *node, const Written *written, Node **out)
{
    const OpSchema *to = functional_schema(w->graph->ir, node->schema);
    if (!to)
        return node_error(node, E_UNSUPPORTED,
                          "%s writes to an argument and has no functional operator",
                          node->schema->name);
    int n_results = to->n_returns == 1 && to->returns[0].is_list ? written->views.n : to->n_returns;
    if (n_results < written->views.n)
        return node_error(node, E_UNSUPPORTED, "%s does not return what %s writes", to->name,
                          node->schema->name);
    *out = functional_node(w, node, to, n_results);
    return infer_functional(w, node, *out, written);
}

/* Results of a custom operator that are not other names of what it writes, lists flattened. */
static int own_results(const Node *node)
{
    for (int i = 0; i < node->schema->n_returns; i++)
        if (node->schema->returns[i].alias)
            return 0;
    return node->n_results;
}

/* Nothing infers the types of a custom operator: its results keep theirs, what it writes too. */
static Error *functional_custom(Walk *w, Node *node, const Written *written, Node **out)
{
    const OpSchema *to;
    int             n_own = own_results(node);
    Error          *error = schema_functional(w->graph->ir, node->schema, &to);
    if (error)
        return node_error(node, error->code, "%s", error->message);
    Node *f = functional_node(w, node, to, n_own + written->views.n);
    for (int i = 0; i < f->n_results; i++) {
        bool is_own = i < n_own;
        f->results[i]->kind = is_own ? node->results[i]->kind : VALUE_TENSOR;
        f->results[i]->type =
            is_own ? node->results[i]->type : written->views.items[i - n_own]->type;
    }
    *out = f;
    return infer_node(f);
}

/* Which results of the functional operator hold the new contents: the last ones (an operator with
 * results of its own gives those first). */
static Error *write_generic(Walk *w, Node *node, const Written *written, Value **own, int *n_own)
{
    Node *f = NULL;
    TRY(node->schema->is_custom ? functional_custom(w, node, written, &f)
                                : functional_aten(w, node, written, &f));
    int n_results = f->n_results;
    *n_own = n_results - written->views.n;
    for (int i = 0; i < *n_own && i < node->n_results; i++)
        own[i] = f->results[i];
    for (int i = 0; i < written->views.n; i++) {
        View  *v = written->views.items[i];
        Value *content = f->results[*n_own + i];
        TRY(fit(w, node, v, &content));
        if (content->def)
            take_strides(content, &v->type);
        TRY(write_view(w, node, v, content));
    }
    return NULL;
}

/* A result of the functional operator in place of one that the export has stated. */
static Error *replace_own(Walk *w, Node *node, Value *from, Value *to)
{
    const TensorType *a = &from->type, *b = &to->type;
    if (from->kind == VALUE_TENSOR && (a->dtype != b->dtype || a->rank != b->rank))
        return node_error(node, E_UNSUPPORTED, "%s: result %d is %s here, %s in the export",
                          node->schema->name, from->result, tensor_type_text(w->cx->arena, b),
                          tensor_type_text(w->cx->arena, a));
    graph_replace_uses(w->graph, from, to);
    return NULL;
}

static Error *process_write(Walk *w, Node *node, const Written *written, Object **objects)
{
    Value **own = ARENA_ARRAY(w->cx->arena, Value *, node->n_results + 1);
    int     n_own = 0;
    Value  *content = NULL;
    if (written->views.n == 1)
        TRY(special_content(w, node, written->views.items[0], &content));
    if (content)
        TRY(write_view(w, node, written->views.items[0], content));
    else
        TRY(write_generic(w, node, written, own, &n_own));
    for (int i = 0; i < n_own && i < node->n_results; i++)
        TRY(replace_own(w, node, node->results[i], own[i]));
    if (n_own == 0)
        bind_results(w, node, objects, written->views.n);
    graph_remove_node(w->graph, node);
    return NULL;
}

/* Norms that write running statistics in training mode although their schemas do not say so. */
static const char *const training_norms[] = {"batch_norm", "native_batch_norm", "instance_norm",
                                             NULL};

static bool writes_statistics(const Node *node)
{
    if (!node_base_in(node, training_norms) || node_arg(node, "running_mean")->kind != ARG_VALUE)
        return false;
    bool is_instance = node_is(node, "instance_norm");
    return arg_is_number(node_arg(node, is_instance ? "use_input_stats" : "training"), 1);
}

static Error *functional_norm(Walk *w, Node *node, Node **out)
{
    static const char *const names[] = {"input",       "weight",   "bias",     "running_mean",
                                        "running_var", "training", "momentum", "eps"};
    Arg                      args[8];
    int                      n = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (schema_param(node->schema, names[i]) >= 0)
            args[n++] = *node_arg(node, names[i]);
    if (node_is(node, "instance_norm")) {
        Build b = build_at(node);
        *out = build_internal_node(&b, INSTANCE_NORM_FUNCTIONAL, args, n);
        return b.error;
    }
    return build_node(w->graph, node, "aten._native_batch_norm_legit_functional.default", args, n,
                      out);
}

static Error *process_norm(Walk *w, Node *node, bool *done)
{
    if (!writes_statistics(node))
        return NULL;
    Value  *mean = node_tensor(node, "running_mean"), *var = node_tensor(node, "running_var");
    Object *objects[2] = {object_of(w, mean), object_of(w, var)};
    node_for_each_value(node, sync_arg, w);
    if (w->error)
        return w->error;
    Node *f;
    TRY(functional_norm(w, node, &f));
    inherit_where(f, node);
    take_strides(f->results[0], &node->results[0]->type);
    for (int i = 0; i < node->n_results; i++)
        graph_replace_uses(w->graph, node->results[i], f->results[i]);
    for (int i = 0; i < 2; i++)
        TRY(write_view(w, node, objects[i]->view, f->results[f->schema->n_returns - 2 + i]));
    graph_remove_node(w->graph, node);
    *done = true;
    return NULL;
}

static View *new_view(Walk *w, Node *node, int base_arg, int result, View *parent)
{
    View *v = ARENA_NEW(w->cx->arena, View);
    *v = (View){.memory = parent->memory,
                .parent = parent,
                .maker = node,
                .base_arg = base_arg,
                .result = result,
                .current = node->results[result],
                .generation = parent->memory->generation,
                .type = node->results[result]->type};
    return v;
}

/* x.unsqueeze_(0): the object is from now on a view of what it was. */
static Error *process_inplace_view(Walk *w, Node *node, const char *functional, Object *object)
{
    const OpSchema *to = schema_find(w->graph->ir, functional);
    if (!to)
        return node_error(node, E_UNSUPPORTED, "%s has no functional operator", node->schema->name);
    Node *f = functional_node(w, node, to, 1);
    if (f->op)
        TRY(infer_node(f));
    else
        f->results[0]->kind = VALUE_TENSOR;
    f->results[0]->type = node->results[0]->type;
    object->view = new_view(w, f, 0, 0, object->view);
    set_object(w, f->results[0], object);
    set_object(w, node->results[0], object);
    graph_remove_node(w->graph, node);
    return NULL;
}

/* as_strided counts from the start of the storage, whatever view it is called on. */
static void rebase_as_strided(Walk *w, Node *node, View **parent)
{
    if (!node_is(node, "as_strided") || node_arg(node, "storage_offset")->kind == ARG_NONE)
        return;
    View *base = (*parent)->memory->base;
    if (base == *parent || base->type.dtype != (*parent)->type.dtype ||
        !tensor_is_contiguous(w->graph->ir, &base->type))
        return;
    Value *value;
    w->error = sync(w, base, &value);
    if (!w->error) {
        node->args[0].value = value;
        *parent = base;
    }
}

static Error *process_plain(Walk *w, Node *node)
{
    Arg  *base = view_base(node);
    View *parent = base ? object_of(w, base->value)->view : NULL;
    node_for_each_graph(node, sync_captures, w);
    node_for_each_value(node, sync_arg, w);
    if (parent && !w->error)
        rebase_as_strided(w, node, &parent);
    for (int i = 0; parent && i < node->n_results; i++)
        set_object(w, node->results[i],
                   new_object(w, new_view(w, node, (int)(base - node->args), i, parent)));
    return w->error;
}

static const char *refused[] = {"set_", "_resize_output_", "swap_tensors", NULL};

static Error *refuse_memory(const Node *node)
{
    return node_error(node, E_UNSUPPORTED, "%s changes what memory a tensor means",
                      node->schema->name);
}

/* ---- resize_ --------------------------------------------------------------------------------- */

static bool has_other_views(const Walk *w, const Object *object)
{
    for (int i = 0; i < w->n_of; i++)
        if (w->of[i] && w->of[i] != object && w->of[i]->view->memory == object->view->memory)
            return true;
    return false;
}

/* The elements in a row, with zeros behind them where there are too few (eager leaves them as the
 * memory was). */
static Error *resized(Walk *w, Node *node, Value *x, int64_t more, Value **out)
{
    Build       b = build_at(node);
    const Expr *n = tensor_numel(w->graph->ir, &x->type);
    int64_t     pads[2] = {0, more};
    Value      *row = build_reshape(&b, x, &n, 1);
    row = BUILD(&b, "aten.constant_pad_nd.default", arg_value(row), arg_ints(w->graph, pads, 2));
    const TensorType *to = &node->results[0]->type;
    *out = build_reshape(&b, row, to->sizes, to->rank);
    return b.error;
}

/* A tensor that owns its memory becomes a view of its beginning, or, where it grows, of new memory.
 */
static Error *process_resize(Walk *w, Node *node)
{
    Object    *object = object_of(w, node->args[0].value);
    View      *v = object->view;
    int64_t    have, want;
    TensorType to = node->results[0]->type;
    Value     *x, *content;
    node_for_each_value(node, sync_arg, w);
    if (w->error)
        return w->error;
    if (v->parent || v->memory->owner != w->graph || !v->current->def ||
        !tensor_is_contiguous(w->graph->ir, &v->type) || !tensor_is_contiguous(w->graph->ir, &to) ||
        !expr_is_int(tensor_numel(w->graph->ir, &v->type), &have) ||
        !expr_is_int(tensor_numel(w->graph->ir, &to), &want))
        return refuse_memory(node);
    TRY(sync(w, v, &x));
    if (want <= have) {
        Arg args[] = {arg_value(x), arg_exprs(w->graph, to.sizes, to.rank),
                      arg_exprs(w->graph, to.strides, to.rank), arg_int(w->graph, 0)};
        TRY(build_like(w->graph, node, node, "aten.as_strided.default", args, 4, &content));
        Node *f = content->def;
        content->type = to;
        object->view = new_view(w, f, 0, 0, v);
    } else {
        if (has_other_views(w, object))
            return refuse_memory(node);
        TRY(resized(w, node, x, want - have, &content));
        object->view = new_base(w, content, w->graph)->view;
    }
    set_object(w, content, object);
    set_object(w, node->results[0], object);
    graph_remove_node(w->graph, node);
    return NULL;
}

static Error *process(Walk *w, Node *node)
{
    static const char *const same_object[] = {"detach_", "requires_grad_", "lift_fresh_", NULL};
    w->at = node;
    bool done = false;
    TRY(process_norm(w, node, &done));
    if (done)
        return NULL;
    if (!node->schema->writes)
        return process_plain(w, node);
    if (node_base_in(node, refused))
        return refuse_memory(node);
    if (node_is(node, "resize_") || node_is(node, "resize_as_"))
        return process_resize(w, node);
    Written written = {0};
    VEC(Object *) objects = {0};
    for (int i = 0; i < node->schema->n_params; i++) {
        if (!node->schema->params[i].is_written)
            continue;
        add_written(w, &written, &node->args[i]);
        if (node->args[i].kind == ARG_VALUE)
            VEC_PUSH(w->cx->arena, objects, object_of(w, node->args[i].value));
    }
    node_for_each_value(node, sync_arg, w);
    if (w->error)
        return w->error;
    const char *view = view_of_inplace(node);
    if (view && objects.n == 1)
        return process_inplace_view(w, node, view, objects.items[0]);
    if (node_base_in(node, same_object)) {
        bind_results(w, node, objects.items, objects.n);
        graph_remove_node(w->graph, node);
        return NULL;
    }
    return process_write(w, node, &written, objects.items);
}

/* ---- the graph ------------------------------------------------------------------------------- */

static bool same_bytes(const Constant *a, const Constant *b)
{
    return a->storage >= 0 && a->storage == b->storage;
}

static bool same_geometry(Ir *ir, const Constant *a, const Constant *b)
{
    const TensorType *s = &a->value->type, *t = &b->value->type;
    return s->dtype == t->dtype && tensor_same_sizes(ir, s, t) && same_strides(s, t) &&
           s->storage_offset == t->storage_offset;
}

/* Tied constants are one object. */
static void bind_constants(Walk *w)
{
    Graph *graph = w->graph;
    for (int i = 0; i < graph->constants.n; i++) {
        Constant *c = graph->constants.items[i];
        for (int j = 0; j < i; j++) {
            Constant *other = graph->constants.items[j];
            if (same_bytes(c, other) && same_geometry(graph->ir, c, other)) {
                set_object(w, c->value, object_of(w, other->value));
                break;
            }
        }
        object_of(w, c->value);
    }
}

static Error *check_shared(const Graph *graph, const Constant *written)
{
    for (int i = 0; i < graph->constants.n; i++) {
        const Constant *c = graph->constants.items[i];
        if (c != written && same_bytes(c, written) && !same_geometry(graph->ir, c, written))
            return error_new(
                graph->ir->arena, E_UNSUPPORTED,
                (Where){.file = graph->ir->file, .node = written->value->name},
                "the model writes \"%s\", whose storage \"%s\" sees with another shape",
                written->fqn, c->fqn);
    }
    return NULL;
}

static Mutation *find_mutation(Graph *graph, const Constant *c)
{
    for (int i = 0; i < graph->mutations.n; i++)
        if (graph->mutations.items[i].constant == c)
            return &graph->mutations.items[i];
    return NULL;
}

static Error *finish_constant(Walk *w, Constant *c)
{
    View *v = object_of(w, c->value)->view;
    /* A metadata change (unsqueeze_) leaves the buffer's own shape. */
    v = v->memory->base;
    Mutation *m = find_mutation(w->graph, c);
    if (m)
        c->is_mutated = true;
    if (v->memory->generation == 0)
        return NULL;
    TRY(check_shared(w->graph, c));
    Value *content;
    TRY(sync(w, v, &content));
    c->is_mutated = true;
    if (m)
        m->value = content;
    else
        VEC_PUSH(w->graph->ir->arena, w->graph->mutations, ((Mutation){c, content}));
    return NULL;
}

static Error *finish_input(Walk *w, GraphInput *in)
{
    if (!in->value || in->value->kind != VALUE_TENSOR)
        return NULL;
    View *v = object_of(w, in->value)->view->memory->base;
    if (v->memory->generation == 0)
        return NULL;
    if (w->graph->parent)
        return error_new(w->cx->arena, E_UNSUPPORTED,
                         (Where){.file = w->graph->ir->file, .node = in->value->name},
                         "a subgraph writes to its operand %%%s", in->value->name);
    return sync(w, v, &in->mutated_to);
}

static Error *sync_value(Walk *w, Value **value)
{
    return sync(w, object_of(w, *value)->view, value);
}

static Error *finish(Walk *w)
{
    Graph *graph = w->graph;
    w->at = NULL;
    for (int i = 0; i < graph->n_outputs; i++)
        if (graph->outputs[i].arg.kind == ARG_VALUE)
            sync_arg(w, &graph->outputs[i].arg);
    if (w->error)
        return w->error;
    /* What a functional export says is written back may have been written here. */
    for (int i = 0; i < graph->mutations.n; i++)
        TRY(sync_value(w, &graph->mutations.items[i].value));
    for (int i = 0; i < graph->n_inputs; i++)
        if (graph->inputs[i].mutated_to)
            TRY(sync_value(w, &graph->inputs[i].mutated_to));
    for (int i = 0; i < graph->constants.n; i++)
        TRY(finish_constant(w, graph->constants.items[i]));
    for (int i = 0; i < graph->n_inputs; i++)
        TRY(finish_input(w, &graph->inputs[i]));
    return NULL;
}

static bool has_writes(const Graph *graph)
{
    for (const Node *n = graph->first; n; n = n->next)
        if (n->schema->writes || node_base_in(n, training_norms) || node_is(n, "as_strided"))
            return true;
    return false;
}

static Error *run(Graph *graph, PassCtx *cx, bool *changed)
{
    for (int i = 0; i < graph->mutations.n; i++)
        graph->mutations.items[i].constant->is_mutated = true;
    if (!has_writes(graph))
        return NULL;
    Walk w = {.graph = graph, .cx = cx};
    bind_constants(&w);
    for (int i = 0; i < graph->n_inputs; i++)
        if (graph->inputs[i].value && graph->inputs[i].value->kind == VALUE_TENSOR)
            new_base(&w, graph->inputs[i].value, graph);
    for (Node *n = graph->first, *next; n; n = next) {
        next = n->next;
        TRY(process(&w, n));
    }
    TRY(finish(&w));
    *changed = true;
    return NULL;
}

const Pass pass_functionalize = {
    .name = "functionalize",
    .purpose = "replace writes to tensors by functional operators; say what is written back",
    .run = run,
};
