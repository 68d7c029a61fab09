/* A sample as a graph, and as JSON.  In: a Sample.  Out: graph inputs and a typed node; a JSON
 * object. */
#include "ir/sample.h"

#include <math.h>
#include <string.h>

/* ---- graph ----------------------------------------------------------------------------------- */

static Arg number_arg(Graph *graph, const Param *param, const SampleArg *a)
{
    if (a->kind == SAMPLE_FLOAT)
        return arg_float(a->number);
    return param->type == PARAM_FLOAT ? arg_float((double)a->integer) : arg_int(graph, a->integer);
}

static Arg make_arg(const Sample *s, Graph *graph, const Param *param, Value *const *tensors,
                    const SampleArg *a)
{
    switch (a->kind) {
    case SAMPLE_TENSOR:
        return arg_value(tensors[a->tensor->number]);
    case SAMPLE_INT:
    case SAMPLE_FLOAT:
        return number_arg(graph, param, a);
    case SAMPLE_BOOL:
        return arg_bool(graph, a->integer != 0);
    case SAMPLE_STRING:
        return (Arg){.kind = ARG_STRING, .string = a->text};
    case SAMPLE_DTYPE:
        return arg_dtype(a->dtype);
    case SAMPLE_LAYOUT:
        return (Arg){.kind = ARG_LAYOUT, .integer = a->integer};
    case SAMPLE_DEVICE:
        return (Arg){.kind = ARG_DEVICE, .device = {DEVICE_CPU, -1}};
    case SAMPLE_MEMORY_FORMAT:
        return (Arg){.kind = ARG_MEMORY_FORMAT, .integer = a->integer};
    case SAMPLE_LIST: {
        Arg *items = ARENA_ARRAY(graph->ir->arena, Arg, a->n_items + 1);
        for (int i = 0; i < a->n_items; i++)
            items[i] = make_arg(s, graph, param, tensors, &a->items[i]);
        return arg_list(items, a->n_items);
    }
    default:
        return arg_none();
    }
}

static TensorType sample_type(Ir *ir, const SampleTensor *t)
{
    const Expr *sizes[MAX_RANK], *strides[MAX_RANK];
    for (int i = 0; i < t->rank; i++) {
        sizes[i] = expr_int(ir->exprs, t->sizes[i]);
        strides[i] = expr_int(ir->exprs, t->strides[i]);
    }
    return tensor_type_strided(ir, t->dtype, sizes, strides, t->rank);
}

/* Defaults are expressions of one Ir: the graph's own schema is wanted. */
static Error *schema_in(Ir *ir, const Sample *s, const OpSchema **out)
{
    *out = schema_find(ir, s->schema->name);
    return *out ? NULL : schema_add(ir, s->row->schema, out);
}

Error *sample_build(const Sample *s, Graph *graph, const char *prefix, Node **out)
{
    Ir             *ir = graph->ir;
    const OpSchema *schema;
    Value         **tensors = ARENA_ARRAY(ir->arena, Value *, s->n_tensors + 1);
    TRY(schema_in(ir, s, &schema));
    Arg *args = ARENA_ARRAY(ir->arena, Arg, schema->n_params + 1);
    for (int i = 0; i < s->n_tensors; i++)
        tensors[i] = graph_add_input(graph, arena_printf(ir->arena, "%st%d", prefix, i),
                                     sample_type(ir, s->tensors[i]));
    for (int i = 0; i < schema->n_params; i++) {
        const Param *param = &schema->params[i];
        args[i] = s->args[i].kind == SAMPLE_ABSENT && param->has_default
                      ? param->fallback
                      : make_arg(s, graph, param, tensors, &s->args[i]);
    }
    return build_node(graph, NULL, schema->name, args, schema->n_params, out);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* Without a string that JSON would have to escape: names, and texts of rows without such. */
static void json_text(Text *out, const char *text)
{
    text_putc(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            text_putc(out, '\\');
        text_putc(out, *text);
    }
    text_putc(out, '"');
}

static void json_float(Text *out, double value)
{
    if (value == 0)
        text_put(out, signbit(value) ? "-0.0" : "0.0"); /* -0 would be read as an int */
    else if (isfinite(value))
        text_printf(out, "%.17g", value);
    else
        text_printf(out, "\"%s\"", isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
}

static void json_ints(Text *out, const char *name, const int64_t *values, int n)
{
    text_printf(out, ", \"%s\": [", name);
    for (int i = 0; i < n; i++)
        text_printf(out, "%s%lld", i ? ", " : "", (long long)values[i]);
    text_putc(out, ']');
}

static void json_tensor(Text *out, const SampleTensor *t)
{
    static const char *const fills[] = {"uniform", "values", "special", "distinct", "definite"};
    text_printf(out, "{\"kind\": \"tensor\", \"dtype\": \"%s\"", dtype_name(t->dtype));
    json_ints(out, "sizes", t->sizes, t->rank);
    json_ints(out, "strides", t->strides, t->rank);
    text_printf(out, ", \"fill\": \"%s\"", fills[t->fill]);
    if (t->has_range) {
        text_put(out, ", \"range\": [");
        json_float(out, t->low);
        text_put(out, ", ");
        json_float(out, t->high);
        text_putc(out, ']');
    }
    if (t->fill == FILL_VALUES) {
        text_put(out, ", \"values\": [");
        for (int i = 0; i < t->n_values; i++) {
            text_put(out, i ? ", " : "");
            json_float(out, t->values[i]);
        }
        text_putc(out, ']');
    }
    text_printf(out, ", \"number\": %d}", t->number);
}

static void json_arg(Text *out, const SampleArg *a)
{
    static const char *const formats[] = {"", "contiguous_format", "channels_last",
                                          "channels_last_3d", "preserve_format"};
    switch (a->kind) {
    case SAMPLE_TENSOR:
        json_tensor(out, a->tensor);
        break;
    case SAMPLE_INT:
        text_printf(out, "{\"kind\": \"int\", \"value\": %lld}", (long long)a->integer);
        break;
    case SAMPLE_FLOAT:
        text_put(out, "{\"kind\": \"float\", \"value\": ");
        json_float(out, a->number);
        text_putc(out, '}');
        break;
    case SAMPLE_BOOL:
        text_printf(out, "{\"kind\": \"bool\", \"value\": %s}", a->integer ? "true" : "false");
        break;
    case SAMPLE_STRING:
        text_put(out, "{\"kind\": \"string\", \"value\": ");
        json_text(out, a->text);
        text_putc(out, '}');
        break;
    case SAMPLE_DTYPE:
        text_printf(out, "{\"kind\": \"name\", \"value\": \"%s\"}",
                    dtype_info(a->dtype)->torch_name);
        break;
    case SAMPLE_LAYOUT:
        text_put(out, "{\"kind\": \"name\", \"value\": \"strided\"}");
        break;
    case SAMPLE_DEVICE:
        text_put(out, "{\"kind\": \"string\", \"value\": \"cpu\"}");
        break;
    case SAMPLE_MEMORY_FORMAT:
        text_printf(out, "{\"kind\": \"name\", \"value\": \"%s\"}", formats[a->integer]);
        break;
    case SAMPLE_LIST:
        text_put(out, "{\"kind\": \"list\", \"items\": [");
        for (int i = 0; i < a->n_items; i++) {
            text_put(out, i ? ", " : "");
            json_arg(out, &a->items[i]);
        }
        text_put(out, "]}");
        break;
    default:
        text_put(out, "{\"kind\": \"none\"}");
        break;
    }
}

void sample_json(Text *out, const Sample *s)
{
    bool is_first = true;
    text_put(out, "{\"text\": ");
    json_text(out, s->text);
    text_printf(out, ", \"refused\": %s, \"types_only\": %s, \"first_only\": %s, \"args\": {",
                s->is_refused ? "true" : "false", s->types_only ? "true" : "false",
                s->first_only ? "true" : "false");
    for (int i = 0; i < s->schema->n_params; i++) {
        if (s->args[i].kind == SAMPLE_ABSENT)
            continue;
        text_put(out, is_first ? "" : ", ");
        is_first = false;
        json_text(out, s->schema->params[i].name);
        text_put(out, ": ");
        json_arg(out, &s->args[i]);
    }
    text_put(out, "}}");
}
