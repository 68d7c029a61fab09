/* manifest.json of a package and the --stats file: what the plan says, as JSON. */
#include "aotc/compile.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *expr_json(Arena *arena, const Expr *e)
{
    int64_t v;
    if (!e)
        return json_null();
    return expr_is_int(e, &v) ? json_integer(v) : json_string(expr_text(arena, e));
}

static const char *device_name(const Plan *plan, bool is_host)
{
    return plan->is_cuda && !is_host ? "cuda" : "cpu";
}

static json_t *tensor_json(Arena *arena, const Plan *plan, const PlanTensor *t)
{
    json_t *o = json_object();
    json_object_set_new(o, "name", json_string(t->name));
    if (t->is_literal) {
        json_object_set_new(o, "literal", json_true());
        return o;
    }
    if (t->scalar || t->expr) {
        json_object_set_new(o, "scalar",
                            json_string(t->scalar ? t->scalar->name : expr_text(arena, t->expr)));
        return o;
    }
    json_t *sizes = json_array();
    for (int d = 0; d < t->type.rank; d++)
        json_array_append_new(sizes, expr_json(arena, t->type.sizes[d]));
    json_object_set_new(o, "dtype", json_string(dtype_name(t->type.dtype)));
    json_object_set_new(o, "shape", sizes);
    json_object_set_new(o, "device", json_string(device_name(plan, t->buffer->is_host)));
    if (t->is_mutated)
        json_object_set_new(o, "mutated", json_true());
    return o;
}

static json_t *symbols_json(const Plan *plan)
{
    json_t *list = json_array();
    for (int i = 0; i < plan->symbols.n; i++) {
        const Symbol *s = plan->symbols.items[i];
        json_t       *o = json_object();
        json_object_set_new(o, "name", json_string(s->name));
        json_object_set_new(o, "min", json_integer(s->min));
        json_object_set_new(o, "max", s->max == INT64_MAX ? json_null() : json_integer(s->max));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *kernels_json(Arena *arena, const Plan *plan)
{
    json_t *list = json_array();
    for (int i = 0; i < plan->kernels.n; i++) {
        const Kernel *k = plan->kernels.items[i];
        json_t       *o = json_object();
        json_object_set_new(o, "name", json_string(k->name));
        json_object_set_new(o, "kind", json_string(kernel_kind_name(k->kind)));
        json_object_set_new(o, "device", json_string(device_name(plan, k->is_host)));
        json_object_set_new(o, "nodes", json_string(k->nodes));
        if (k->where.python)
            json_object_set_new(o, "python", json_string(k->where.python));
        json_object_set_new(o, "flops", expr_json(arena, k->flops));
        json_object_set_new(o, "bytes_read", expr_json(arena, k->bytes_read));
        json_object_set_new(o, "bytes_written", expr_json(arena, k->bytes_written));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *guards_json(const Plan *plan, bool checked)
{
    json_t *list = json_array();
    for (int i = 0; i < plan->graph->guards.n; i++)
        if ((plan->graph->guards.items[i].expr != NULL) == checked)
            json_array_append_new(list, json_string(plan->graph->guards.items[i].text));
    return list;
}

static json_t *constants_json(const Plan *plan)
{
    json_t *list = json_array();
    for (int i = 0; i < plan->constants.n; i++) {
        const PlanConstant *c = &plan->constants.items[i];
        json_t             *o = json_object();
        json_object_set_new(o, "name", json_string(c->fqn));
        json_object_set_new(o, "dtype", json_string(dtype_name(c->buffer->dtype)));
        json_object_set_new(o, "from",
                            json_string(c->storage     ? "export"
                                        : c->is_packed ? "packed"
                                                       : "folded"));
        if (c->is_state)
            json_object_set_new(o, "mutable", json_true());
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *lines_json(const char *text)
{
    json_t *list = json_array();
    while (*text) {
        size_t n = strcspn(text, "\n");
        json_array_append_new(list, json_stringn(text, n));
        text += n + (text[n] == '\n');
    }
    return list;
}

static json_t *entry_json(Arena *arena, const Plan *plan)
{
    json_t *entry = json_object(), *inputs = json_array(), *outputs = json_array();
    for (int i = 0; i < plan->inputs.n; i++)
        json_array_append_new(inputs, tensor_json(arena, plan, &plan->inputs.items[i]));
    for (int i = 0; i < plan->outputs.n; i++)
        json_array_append_new(outputs, tensor_json(arena, plan, &plan->outputs.items[i]));
    json_object_set_new(entry, "name", json_string(plan->name));
    json_object_set_new(entry, "device", json_string(device_name(plan, false)));
    json_object_set_new(entry, "inputs", inputs);
    json_object_set_new(entry, "outputs", outputs);
    json_object_set_new(entry, "symbols", symbols_json(plan));
    json_object_set_new(entry, "guards", guards_json(plan, true));
    json_object_set_new(entry, "unchecked_guards", guards_json(plan, false));
    json_object_set_new(entry, "kernels", kernels_json(arena, plan));
    json_object_set_new(entry, "constants", constants_json(plan));
    json_object_set_new(entry, "arena_bytes", expr_json(arena, plan->arena_bytes));
    if (plan->host_arena_bytes)
        json_object_set_new(entry, "host_arena_bytes", expr_json(arena, plan->host_arena_bytes));
    return entry;
}

const char *manifest_text(const ManifestSpec *spec)
{
    const Plan *plan = spec->plans[0];
    json_t     *root = json_object(), *entries = json_array(), *targets = json_array();
    for (int i = 0; i < spec->n_plans; i++)
        json_array_append_new(entries, entry_json(spec->arena, spec->plans[i]));
    for (int i = 0; i < spec->n_targets; i++)
        json_array_append_new(targets, json_string(spec->targets[i]));
    json_object_set_new(root, "format_version", json_integer(1));
    json_object_set_new(root, "producer", json_string("aotc 0.1"));
    json_object_set_new(root, "torch_version",
                        json_string(plan->graph->torch_version ? plan->graph->torch_version : ""));
    json_object_set_new(root, "targets", targets);
    json_object_set_new(root, "weights_bytes", json_integer((json_int_t)spec->weights_bytes));
    json_object_set_new(root, "build", lines_json(spec->commands));
    json_object_set_new(root, "entries", entries);
    char *text = json_dumps(root, JSON_INDENT(1));
    char *copy = text ? arena_strdup(spec->arena, text) : "{}";
    free(text);
    json_decref(root);
    return copy;
}

/* The number at the export's example sizes: symbols take their hints. */
static bool hint_of(void *cx, const Symbol *s, int64_t *i, double *f)
{
    (void)cx;
    double v = s->hint == s->hint ? s->hint : (double)s->min;
    *i = (int64_t)v;
    *f = v;
    return true;
}

static json_int_t at_hints(Arena *arena, const Expr *e)
{
    int64_t v = 0;
    if (!e || expr_eval(arena, e, hint_of, NULL, &v, NULL))
        return 0;
    return v;
}

Error *write_stats(Arena *arena, const Plan *plan, const CompileOptions *o, const CompileTimes *t)
{
    json_t    *root = json_object(), *counters = json_object(), *times = json_object();
    json_int_t read = 0, written = 0, flops = 0;
    for (int i = 0; i < plan->kernels.n; i++) {
        read += at_hints(arena, plan->kernels.items[i]->bytes_read);
        written += at_hints(arena, plan->kernels.items[i]->bytes_written);
        flops += at_hints(arena, plan->kernels.items[i]->flops);
    }
    for (int i = 0; i < o->passes.counters.n; i++)
        json_object_set_new(counters, o->passes.counters.items[i].name,
                            json_integer(o->passes.counters.items[i].count));
    for (int i = 0; i < o->passes.times.n; i++)
        json_object_set_new(times, o->passes.times.items[i].pass,
                            json_real(o->passes.times.items[i].ms));
    const struct {
        const char *name;
        double      s;
    } stages[] = {{"read", t->read}, {"passes", t->passes}, {"lower", t->lower}, {"emit", t->emit},
                  {"cc", t->cc},     {"freeze", t->freeze}, {"write", t->write}};
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        json_object_set_new(times, stages[i].name, json_real(stages[i].s * 1e3));
    json_object_set_new(root, "num_kernels", json_integer(plan->kernels.n));
    json_object_set_new(root, "bytes_read", json_integer(read));
    json_object_set_new(root, "bytes_written", json_integer(written));
    json_object_set_new(root, "flops", json_integer(flops));
    json_object_set_new(root, "peak_temp_bytes", json_integer(at_hints(arena, plan->arena_bytes)));
    json_object_set_new(root, "kernels", kernels_json(arena, plan));
    json_object_set_new(root, "counters", counters);
    json_object_set_new(root, "time_ms", times);
    json_object_set_new(root, "specialized_symbols", json_array());
    json_t *checked = guards_json(plan, true);
    json_object_set_new(root, "guards",
                        json_pack("{s:i, s:i}", "exported", plan->graph->guards.n, "checked",
                                  (int)json_array_size(checked)));
    json_decref(checked);
    json_object_set_new(root, "extern_calls", json_integer(0));
    int rc = json_dump_file(root, o->stats, JSON_INDENT(1));
    json_decref(root);
    return rc ? error_new(arena, E_IO, (Where){.file = o->stats}, "cannot write the statistics: %s",
                          strerror(errno))
              : NULL;
}
