/* See ops_dtypes.h.
 *
 *   self=f32[3,4] other=f32[4]   for i64:   self=i64[3,4] other=i64[4]
 *   self=f32[3,4] index=i64[2]   for f16:   self=f16[3,4] index=i64[2]
 *
 * Nothing is compiled by a C compiler here: what emitted code computes is test_parity's matter. */
#include "aotc/ops_dtypes.h"

#include "emit_c/emit_c.h"
#include "emit_cuda/emit_cuda.h"
#include "passes/pass.h"

#include <string.h>

/* Samples of one row that are tried for a dtype which none has as its own. */
#define MAX_TRIES 6

static void add_outputs(Graph *graph, const Node *node)
{
    graph->outputs = ARENA_ARRAY(graph->ir->arena, GraphOutput, node->n_results + 1);
    for (int i = 0; i < node->n_results; i++)
        if (node->results[i]->kind != VALUE_NONE)
            graph->outputs[graph->n_outputs++] = (GraphOutput){.arg = arg_value(node->results[i])};
}

static Error *emit(const Plan *plan, Arena *arena, bool is_cuda)
{
    static const CudaArch arch = {.name = "sm_80", .sm = 80};
    WeightLayout          layout;
    EmitFile             *files;
    int                   n;
    EmitOptions           o = {.n_files = 1, .target = "ops", .layout = &layout};
    o.device = is_cuda ? EMIT_CUDA : EMIT_CPU;
    emit_layout_weights(arena, &plan, 1, &layout);
    return is_cuda ? emit_cuda(plan, arena, &o, &arch, 1, &files, &n)
                   : emit_c(plan, arena, &o, &files, &n);
}

static Error *go_through(Arena *arena, const Sample *sample, bool is_cuda)
{
    Graph  *graph = graph_create(ir_create(arena, "ops"), "ops");
    PassCtx cx = {.arena = arena, .target_is_cuda = is_cuda};
    Plan   *plan;
    Node   *node;
    TRY(sample_build(sample, graph, "", &node));
    add_outputs(graph, node);
    if (sample->first_only)
        graph->n_outputs = graph->n_outputs > 1 ? 1 : graph->n_outputs;
    TRY(passes_run(graph, &cx));
    TRY(lower_graph(graph, &cx, &plan));
    TRY(plan_verify(plan));
    return emit(plan, arena, is_cuda);
}

/* ---- another dtype --------------------------------------------------------------------------- */

/* The `dtype` of an operator without tensors, or NULL. */
static SampleArg *dtype_arg(const Sample *s)
{
    int at = schema_param(s->schema, "dtype");
    return at >= 0 && s->schema->params[at].type == PARAM_DTYPE ? &s->args[at] : NULL;
}

static DType own_dtype(const Sample *s)
{
    if (s->n_tensors)
        return s->tensors[0]->dtype;
    const SampleArg *arg = dtype_arg(s);
    return arg && arg->kind == SAMPLE_DTYPE ? arg->dtype : DT_NONE;
}

static bool tries_with(const Sample *s, DType dtype, bool is_cuda)
{
    Arena     *arena = arena_create(NULL);
    DType      own = own_dtype(s);
    SampleArg *arg = s->n_tensors ? NULL : dtype_arg(s), saved = {0};
    for (int i = 0; i < s->n_tensors; i++)
        if (s->tensors[i]->dtype == own)
            s->tensors[i]->dtype = dtype;
    if (arg) {
        saved = *arg;
        *arg = (SampleArg){.kind = SAMPLE_DTYPE, .dtype = dtype};
    }
    bool is_taken = go_through(arena, s, is_cuda) == NULL;
    for (int i = 0; i < s->n_tensors; i++)
        if (s->tensors[i]->dtype == dtype)
            s->tensors[i]->dtype = own;
    if (arg)
        *arg = saved;
    arena_destroy(arena);
    return is_taken;
}

/* Would putting `dtype` in change tensors back wrongly: another one has it already? */
static bool is_mixed(const Sample *s, DType dtype)
{
    for (int i = 1; i < s->n_tensors; i++)
        if (s->tensors[i]->dtype == dtype && s->tensors[0]->dtype != dtype)
            return true;
    return false;
}

static bool takes(const Sample *samples, int n, DType dtype, bool is_cuda)
{
    for (int i = 0; i < n; i++)
        if (!samples[i].is_refused && own_dtype(&samples[i]) == dtype &&
            tries_with(&samples[i], dtype, is_cuda))
            return true;
    for (int i = 0, tries = 0; i < n && tries < MAX_TRIES; i++) {
        const Sample *s = &samples[i];
        bool          is_open = s->n_tensors || dtype_arg(s);
        if (s->is_refused || !is_open || is_mixed(s, dtype) || own_dtype(s) == dtype)
            continue;
        tries++;
        if (tries_with(s, dtype, is_cuda))
            return true;
    }
    return false;
}

/* A call of a pointwise operator whose row has no samples: tensors, and 1 for what has no default.
 */
static const char *plain_sample(Ir *ir, const OpDesc *row)
{
    const OpSchema *s = op_schema(ir, schema_dotted_name(ir->arena, row->schema));
    Text            t = text_new(ir->arena);
    for (int i = 0; s && i < s->n_params; i++)
        if (!s->params[i].has_default)
            text_printf(&t, "%s%s=%s", t.n ? " " : "", s->params[i].name,
                        s->params[i].type == PARAM_TENSOR ? "f32[3,4]" : "1");
    return t.data;
}

bool op_has_samples(const OpDesc *row)
{
    return row->samples || row->kind == OP_POINTWISE;
}

Error *op_dtypes(Ir *ir, const OpDesc *row, bool is_cuda, uint32_t wanted, uint32_t *out)
{
    Sample *samples;
    int     n;
    OpDesc  own = *row;
    *out = 0;
    if (!row->samples && op_has_samples(row))
        own.samples = plain_sample(ir, row);
    TRY(sample_parse(ir, &own, &samples, &n));
    for (DType d = DT_NONE + 1; d < DT_COUNT; d++)
        if (wanted & 1u << d && takes(samples, n, d, is_cuda))
            *out |= 1u << d;
    return NULL;
}

/* ---- text ------------------------------------------------------------------------------------ */

#define BIT(d) (1u << DT_##d)

const char *dtypes_text(Arena *arena, uint32_t dtypes)
{
    static const struct {
        const char *name;
        uint32_t    dtypes;
    } groups[] = {{"all", ALL_DTYPES},
                  {"float", BIT(F16) | BIT(BF16) | BIT(F32) | BIT(F64)},
                  {"int", BIT(U8) | BIT(I8) | BIT(I16) | BIT(I32) | BIT(I64)},
                  {"uint", BIT(U16) | BIT(U32) | BIT(U64)},
                  {"complex", BIT(C64) | BIT(C128)},
                  {"fp8", BIT(F8E4M3) | BIT(F8E5M2)}};
    Text t = text_new(arena);
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if ((dtypes & groups[i].dtypes) == groups[i].dtypes) {
            text_printf(&t, "%s%s", t.n ? " " : "", groups[i].name);
            dtypes &= ~groups[i].dtypes;
        }
    for (DType d = DT_NONE + 1; d < DT_COUNT; d++)
        if (dtypes & 1u << d)
            text_printf(&t, "%s%s", t.n ? " " : "", dtype_name(d));
    return t.n ? t.data : "-";
}
