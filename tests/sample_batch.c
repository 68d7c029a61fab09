/* See sample_batch.h.  In: samples and their records.  Out: `why` of those that differ.
 *
 * A batch is written as IR text, compiled by compile() into a package, and run by the loader: the
 * way of a user's model. */
#include "tests/sample_batch.h"

#include "abi/aotc.h"
#include "aotc/compile.h"
#include "tests/sample_values.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Elements of one tensor that are looked at: all of them, in the order of indices. */
static size_t numel_of(const DLTensor *t)
{
    size_t n = 1;
    for (int i = 0; i < t->ndim; i++)
        n *= (size_t)t->shape[i];
    return n;
}

static size_t offset_of(const DLTensor *t, size_t element)
{
    int64_t offset = 0, stride = 1;
    for (int i = t->ndim - 1; i >= 0; i--) {
        int64_t index = (int64_t)(element % (size_t)t->shape[i]);
        element /= (size_t)t->shape[i];
        offset += index * (t->strides ? t->strides[i] : stride);
        stride *= t->shape[i];
    }
    return (size_t)offset;
}

static DType dtype_of(DLDataType type)
{
    for (DType d = DT_NONE + 1; d < DT_COUNT; d++)
        if (dtype_info(d)->dlpack_code == type.code && dtype_info(d)->dlpack_bits == type.bits)
            return d;
    return DT_NONE;
}

/* ---- comparing ------------------------------------------------------------------------------- */

typedef struct Tolerance {
    double relative, absolute;
} Tolerance;

/* torch.testing.assert_close; f8 has two or three bits: one step. */
static Tolerance tolerance_of(DType dtype)
{
    switch (dtype) {
    case DT_F16:
        return (Tolerance){1e-3, 1e-5};
    case DT_BF16:
        return (Tolerance){1.6e-2, 1e-5};
    case DT_F32:
    case DT_C64:
        return (Tolerance){1.3e-6, 1e-5};
    case DT_F64:
    case DT_C128:
        return (Tolerance){1e-7, 1e-7};
    default:
        return (Tolerance){0, 0};
    }
}

static bool is_close(double got, double want, Tolerance t, double bound)
{
    if (isnan(got) || isnan(want))
        return isnan(got) && isnan(want);
    if (isinf(got) || isinf(want))
        return got == want;
    double most = t.absolute + t.relative * fabs(want);
    return fabs(got - want) <= (most > bound ? most : bound);
}

static const char *compare_floats(Arena *arena, const ResultRecord *want, const DLTensor *got,
                                  int result)
{
    DType     dtype = want->type->dtype;
    int       parts = dtype_info(dtype)->is_complex ? 2 : 1;
    Tolerance t = tolerance_of(dtype);
    for (int i = 0; i < want->n_values; i++) {
        size_t element = (size_t)(i / parts) * (size_t)want->every;
        double value = sample_element(dtype, got->data, offset_of(got, element), i % parts);
        if (!is_close(value, want->values[i], t, want->bound))
            return arena_printf(arena, "result %d, element %zu is %.9g, eager has %.9g", result,
                                element, value, want->values[i]);
    }
    return NULL;
}

static int64_t integer_at(DType dtype, const void *data, size_t i)
{
    if (dtype == DT_I64 || dtype == DT_U64)
        return ((const int64_t *)data)[i];
    return (int64_t)sample_element(dtype, data, i, 0);
}

static const char *compare_integers(Arena *arena, const ResultRecord *want, const DLTensor *got,
                                    int result)
{
    DType    dtype = want->type->dtype;
    uint64_t sum = 0;
    for (int i = 0; i < want->n_values; i++) {
        size_t  element = (size_t)i * (size_t)want->every;
        int64_t value = integer_at(dtype, got->data, offset_of(got, element));
        if (value != want->integers[i])
            return arena_printf(arena, "result %d, element %zu is %lld, eager has %lld", result,
                                element, (long long)value, (long long)want->integers[i]);
    }
    for (size_t i = 0; want->has_sum && i < numel_of(got); i++)
        sum += (uint64_t)integer_at(dtype, got->data, offset_of(got, i));
    if (want->has_sum && (int64_t)sum != want->sum)
        return arena_printf(arena, "result %d sums to %lld, eager's to %lld", result,
                            (long long)sum, (long long)want->sum);
    return NULL;
}

/* Random results: mean and deviation of both are those of n draws, so they differ by some standard
 * errors at most. */
static const char *compare_mean(Arena *arena, const ResultRecord *want, const DLTensor *got,
                                int result)
{
    size_t n = numel_of(got);
    double sum = 0, squares = 0, error = 6 * want->deviation * sqrt(2.0 / (double)n);
    for (size_t i = 0; i < n; i++)
        sum += sample_element(want->type->dtype, got->data, offset_of(got, i), 0);
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) {
        double d = sample_element(want->type->dtype, got->data, offset_of(got, i), 0) - mean;
        squares += d * d;
    }
    double deviation = sqrt(squares / (double)(n - 1));
    if (!(fabs(mean - want->mean) <= error) || !(fabs(deviation - want->deviation) <= error + 1e-9))
        return arena_printf(arena, "result %d: mean %g and deviation %g, eager has %g and %g",
                            result, mean, deviation, want->mean, want->deviation);
    return NULL;
}

static const char *shape_text(Arena *arena, DType dtype, const int64_t *sizes, int rank)
{
    Text text = text_new(arena);
    text_printf(&text, "%s[", dtype_name(dtype));
    for (int i = 0; i < rank; i++)
        text_printf(&text, "%s%lld", i ? "," : "", (long long)sizes[i]);
    text_putc(&text, ']');
    return text.data;
}

static const char *compare_number(Arena *arena, const ResultRecord *want, const DLTensor *got,
                                  int result)
{
    double value = sample_element(dtype_of(got->dtype), got->data, 0, 0);
    if (numel_of(got) == 1 && is_close(value, want->values[0], (Tolerance){1.3e-6, 0}, 0))
        return NULL;
    return arena_printf(arena, "result %d is %.9g, eager has %.9g", result, value, want->values[0]);
}

static const char *compare_result(Arena *arena, const ResultRecord *want, const DLTensor *got,
                                  int result)
{
    if (want->kind == RESULT_NUMBER)
        return compare_number(arena, want, got, result);
    const SampleTensor *t = want->type;
    DType               dtype = dtype_of(got->dtype);
    bool                is_same = dtype == t->dtype && got->ndim == t->rank;
    for (int i = 0; is_same && i < t->rank; i++)
        is_same = got->shape[i] == t->sizes[i];
    if (!is_same)
        return arena_printf(arena, "result %d is %s, eager has %s", result,
                            shape_text(arena, dtype, got->shape, got->ndim),
                            shape_text(arena, t->dtype, t->sizes, t->rank));
    if (want->has_mean)
        return compare_mean(arena, want, got, result);
    if (!want->has_values)
        return NULL;
    if (dtype_is_float(dtype) || dtype_info(dtype)->is_complex)
        return compare_floats(arena, want, got, result);
    return compare_integers(arena, want, got, result);
}

/* ---- graphs ---------------------------------------------------------------------------------- */

static void add_output(Graph *g, Value *value)
{
    GraphOutput *outputs = ARENA_ARRAY(g->ir->arena, GraphOutput, g->n_outputs + 1);
    if (g->n_outputs)
        memcpy(outputs, g->outputs, sizeof *outputs * (size_t)g->n_outputs);
    outputs[g->n_outputs++] = (GraphOutput){.arg = arg_value(value)};
    g->outputs = outputs;
}

static int n_compared(const ParityCase *c, const Node *node)
{
    return c->sample.first_only && node->n_results > 1 ? 1 : node->n_results;
}

/* Adds the call; every result becomes an output.  Results that eager gives as None are skipped. */
static Error *add_case(Graph *g, const ParityCase *c, const char *prefix, Node **node)
{
    TRY(sample_build(&c->sample, g, prefix, node));
    for (int i = 0; i < n_compared(c, *node); i++)
        if ((*node)->results[i]->kind != VALUE_NONE)
            add_output(g, (*node)->results[i]);
    return NULL;
}

/* Strides of dims with more than one element, as far as the type knows them. */
static const char *compare_strides(Arena *arena, const TensorType *type, const SampleTensor *want,
                                   int result)
{
    for (int i = 0; i < want->rank; i++)
        if (want->sizes[i] == 0)
            return NULL;
    for (int i = 0; i < want->rank && i < type->rank; i++) {
        int64_t stride;
        if (want->sizes[i] == 1 || !expr_is_int(type->strides[i], &stride))
            continue;
        if (stride != want->strides[i])
            return arena_printf(arena, "result %d: stride %d is %lld, eager has %lld", result, i,
                                (long long)stride, (long long)want->strides[i]);
    }
    return NULL;
}

static const char *compare_types(Arena *arena, const ParityCase *c, const Node *node)
{
    int n = 0;
    for (int i = 0; i < n_compared(c, node); i++) {
        const Value *value = node->results[i];
        if (n == c->record->n_results)
            return arena_printf(arena, "%d results, eager has %d", node->n_results, n);
        const ResultRecord *want = &c->record->results[n++];
        bool is_tensor = value->kind == VALUE_TENSOR, is_none = value->kind == VALUE_NONE;
        if (is_tensor != (want->kind == RESULT_TENSOR) || is_none != (want->kind == RESULT_NONE))
            return arena_printf(arena, "result %d is of another kind than eager's", i);
        const char *why = is_tensor ? compare_strides(arena, &value->type, want->type, i) : NULL;
        if (why)
            return why;
    }
    return n == c->record->n_results
               ? NULL
               : arena_printf(arena, "%d results, eager has %d", n, c->record->n_results);
}

Error *parity_lower(Arena *arena, ParityCase *c)
{
    Arena  *own = arena_create(NULL);
    Graph  *g = graph_create(ir_create(own, "sample"), "sample");
    PassCtx cx = {.arena = own};
    Plan   *plan;
    Node   *node;
    Error  *error = add_case(g, c, "", &node);
    if (!error && !c->record->is_refused)
        c->why = compare_types(arena, c, node);
    if (!error)
        error = passes_run(g, &cx);
    if (!error)
        error = lower_graph(g, &cx, &plan);
    if (error)
        error = error_new(arena, error->code, (Where){0}, "%s", error_text(arena, error));
    arena_destroy(own);
    return error;
}

/* ---- one package ----------------------------------------------------------------------------- */

typedef struct Batch {
    Arena        *arena;
    const char   *source, *package;
    ParityCase  **cases;
    int           n;
    aotc_package *opened;
    aotc_model   *model;
    aotc_context *context;
    DLTensor     *inputs, *outputs;
    int           n_inputs, n_outputs;
    VEC(void *) memory;
} Batch;

static Error *write_source(Batch *b)
{
    Graph *g = graph_create(ir_create(b->arena, "samples"), "samples");
    Node  *node;
    for (int i = 0; i < b->n; i++)
        TRY(add_case(g, b->cases[i], arena_printf(b->arena, "s%d_", i), &node));
    Text text = text_new(b->arena);
    graph_print(&text, g);
    FILE *f = fopen(b->source, "w");
    if (!f || fwrite(text.data, 1, text.n, f) != text.n || fclose(f))
        return error_new(b->arena, E_IO, (Where){.file = b->source}, "cannot write the file");
    return NULL;
}

static Error *build_package(Batch *b)
{
    CompileOptions o = {.input = b->source,
                        .output = b->package,
                        .tool = {.jobs = (int)sysconf(_SC_NPROCESSORS_ONLN)}};
    TRY(write_source(b));
    TRY(targets_parse(b->arena, "native", &o.targets));
    return compile(b->arena, &o);
}

static void *hold(Batch *b, size_t bytes)
{
    void *memory = aligned_alloc(64, (bytes + 127) / 64 * 64);
    VEC_PUSH(b->arena, b->memory, memory);
    return memory;
}

static void bind_inputs(Batch *b)
{
    b->inputs = ARENA_ARRAY(b->arena, DLTensor, b->n_inputs + 1);
    for (int i = 0, k = 0; i < b->n; i++) {
        const Sample *s = &b->cases[i]->sample;
        for (int t = 0; t < s->n_tensors; t++) {
            SampleTensor    *tensor = s->tensors[t];
            const DTypeInfo *info = dtype_info(tensor->dtype);
            size_t           n = sample_storage(tensor);
            void            *data = hold(b, n * (size_t)info->size_bytes);
            sample_fill(s, tensor, data);
            b->inputs[k++] = (DLTensor){.data = data,
                                        .device = {kDLCPU, 0},
                                        .ndim = tensor->rank,
                                        .dtype = {info->dlpack_code, info->dlpack_bits, 1},
                                        .shape = tensor->sizes,
                                        .strides = tensor->strides};
        }
    }
}

static Error *loader_error(const Batch *b, const aotc_error *e)
{
    return error_new(b->arena, E_VALUE, (Where){0}, "%s: %s %s", aotc_status_name(e->status),
                     e->text, e->node);
}

static int count_tensors(const Batch *b)
{
    int n = 0;
    for (int i = 0; i < b->n; i++)
        n += b->cases[i]->sample.n_tensors;
    return n;
}

static Error *run_package(Batch *b)
{
    aotc_error           e = {.struct_size = sizeof e};
    aotc_context_options options = {.struct_size = sizeof options, .n_threads = 1, .seed = 1};
    if (aotc_package_open(b->package, NULL, &b->opened, &e) ||
        aotc_model_load(b->opened, NULL, &b->model, &e) ||
        aotc_context_create(b->model, &options, &b->context, &e))
        return loader_error(b, &e);
    b->n_inputs = aotc_model_n_inputs(b->model);
    b->n_outputs = aotc_model_n_outputs(b->model);
    if (b->n_inputs != count_tensors(b))
        return error_new(b->arena, E_INTERNAL, (Where){0}, "%d inputs of %d", b->n_inputs,
                         count_tensors(b));
    bind_inputs(b);
    b->outputs = ARENA_ARRAY(b->arena, DLTensor, b->n_outputs + 1);
    if (aotc_run(b->context, b->inputs, b->n_inputs, b->outputs, b->n_outputs, NULL, &e))
        return loader_error(b, &e);
    return NULL;
}

static void compare(Arena *arena, Batch *b)
{
    int k = 0;
    for (int i = 0; i < b->n; i++) {
        ParityCase *c = b->cases[i];
        for (int r = 0; r < c->record->n_results; r++) {
            const ResultRecord *want = &c->record->results[r];
            const char         *why =
                want->kind == RESULT_NONE ? NULL : compare_result(arena, want, &b->outputs[k++], r);
            if (why && !c->why)
                c->why = why;
        }
    }
}

static void close_package(Batch *b)
{
    if (b->context)
        aotc_context_destroy(b->context);
    if (b->model)
        aotc_model_release(b->model);
    if (b->opened)
        aotc_package_close(b->opened);
    for (int i = 0; i < b->memory.n; i++)
        free(b->memory.items[i]);
    unlink(b->source);
    unlink(b->package);
}

void parity_run(Arena *arena, const char *dir, ParityCase **cases, int n)
{
    Arena *own = arena_create(NULL);
    Batch  b = {.arena = own,
                .source = arena_printf(own, "%s/samples.ir", dir),
                .package = arena_printf(own, "%s/samples.pt2pkg", dir),
                .cases = cases,
                .n = n};
    Error *error = build_package(&b);
    if (!error)
        error = run_package(&b);
    if (!error)
        compare(arena, &b);
    else if (n == 1)
        cases[0]->why = error_text(arena, error);
    close_package(&b);
    arena_destroy(own);
    if (error && n > 1) {
        parity_run(arena, dir, cases, n / 2);
        parity_run(arena, dir, cases + n / 2, n - n / 2);
    }
}
