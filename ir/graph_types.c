/* Tensor types: row-major strides, questions about layout, and their short text. */
#include "ir/graph.h"

#include <assert.h>
#include <string.h>

static const Expr **copy_exprs(Ir *ir, const Expr *const *exprs, int n)
{
    const Expr **copy = ARENA_ARRAY(ir->arena, const Expr *, n);
    for (int i = 0; i < n; i++)
        copy[i] = exprs[i];
    return copy;
}

/* A stride counts an empty dim as 1, as PyTorch does; for a symbolic size that could be 0 nothing
 * is stored anyhow. */
static const Expr *stride_size(Ir *ir, const Expr *size)
{
    return expr_is_value(size, 0) ? expr_int(ir->exprs, 1) : size;
}

TensorType tensor_type_strided(Ir *ir, DType dtype, const Expr *const *sizes,
                               const Expr *const *strides, int rank)
{
    assert(rank >= 0 && rank <= MAX_RANK);
    return (TensorType){.dtype = dtype,
                        .rank = rank,
                        .sizes = copy_exprs(ir, sizes, rank),
                        .strides = copy_exprs(ir, strides, rank),
                        .storage_offset = expr_int(ir->exprs, 0),
                        .device = {DEVICE_CPU, -1}};
}

TensorType tensor_type(Ir *ir, DType dtype, const Expr *const *sizes, int rank)
{
    assert(rank >= 0 && rank <= MAX_RANK);
    const Expr *strides[MAX_RANK], *stride = expr_int(ir->exprs, 1);
    for (int i = rank - 1; i >= 0; i--) {
        strides[i] = stride;
        stride = expr_mul(ir->exprs, stride, stride_size(ir, sizes[i]));
    }
    return tensor_type_strided(ir, dtype, sizes, strides, rank);
}

TensorType tensor_type_ints(Ir *ir, DType dtype, const int64_t *sizes, int rank)
{
    assert(rank >= 0 && rank <= MAX_RANK);
    const Expr *exprs[MAX_RANK];
    for (int i = 0; i < rank; i++)
        exprs[i] = expr_int(ir->exprs, sizes[i]);
    return tensor_type(ir, dtype, exprs, rank);
}

bool tensor_is_contiguous(Ir *ir, const TensorType *type)
{
    /* Exports write strides of dims that may be empty as max(1, s0). */
    const Expr *plain = expr_int(ir->exprs, 1), *clamped = plain, *one = plain;
    for (int i = 0; i < type->rank; i++)
        if (expr_is_value(type->sizes[i], 0))
            return true;
    for (int i = type->rank - 1; i >= 0; i--) {
        const Expr *size = type->sizes[i], *stride = type->strides[i];
        if (!expr_is_value(size, 1) && stride != plain && stride != clamped &&
            !expr_prove_eq(ir->exprs, stride, plain))
            return false;
        plain = expr_mul(ir->exprs, plain, size);
        clamped = expr_mul(ir->exprs, clamped, expr_max(ir->exprs, one, size));
    }
    return true;
}

bool tensor_same_sizes(Ir *ir, const TensorType *a, const TensorType *b)
{
    if (a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank; i++)
        if (a->sizes[i] != b->sizes[i] && !expr_prove_eq(ir->exprs, a->sizes[i], b->sizes[i]))
            return false;
    return true;
}

const Expr *tensor_numel(Ir *ir, const TensorType *type)
{
    return expr_product(ir->exprs, type->sizes, type->rank);
}

const char *tensor_type_text(Arena *arena, const TensorType *type)
{
    Text text = text_new(arena);
    text_printf(&text, "%s[", dtype_name(type->dtype));
    for (int i = 0; i < type->rank; i++) {
        if (i)
            text_putc(&text, ',');
        expr_print(&text, type->sizes[i]);
    }
    text_putc(&text, ']');
    return text.data;
}

/* ---- devices --------------------------------------------------------------------------------- */

typedef struct Kinds {
    bool seen[2]; /* by DeviceKind */
} Kinds;

static void note_value(Kinds *k, const Value *value)
{
    if (value && value->kind == VALUE_TENSOR)
        k->seen[value->type.device.kind] = true;
}

static void note_graph(Kinds *k, const Graph *graph)
{
    for (int i = 0; i < graph->n_inputs; i++)
        note_value(k, graph->inputs[i].value);
    for (int i = 0; i < graph->constants.n; i++)
        if (graph->constants.items[i]->is_mutated)
            note_value(k, graph->constants.items[i]->value);
    for (int i = 0; i < graph->n_outputs; i++)
        if (graph->outputs[i].arg.kind == ARG_VALUE)
            note_value(k, graph->outputs[i].arg.value);
    for (const Node *n = graph->first; n; n = n->next) {
        for (int i = 0; i < n->n_results; i++) /* numbers on the CPU stand beside CUDA tensors */
            if (n->results[i]->type.rank)
                note_value(k, n->results[i]);
        for (int i = 0; i < n->n_args; i++)
            if (n->args[i].kind == ARG_GRAPH)
                note_graph(k, n->args[i].graph);
    }
}

void graph_note_devices(Graph *graph)
{
    Kinds k = {{false, false}};
    note_graph(&k, graph);
    graph->is_mixed = k.seen[DEVICE_CPU] && k.seen[DEVICE_CUDA];
}
