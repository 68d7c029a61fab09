/* The families of operator rows, looking rows up, and types of a node's results.
 *
 * In: a schema or a node.  Out: its OpDesc; result types. */
#include "ir/name_map.h"
#include "ir/ops.h"
#include "ir/ops/ops_internal.h"

#include <stdarg.h>
#include <string.h>

static const OpDesc *const families[] = {
    pointwise_ops,     float_function_ops, activation_ops,     bit_ops,
    compare_ops,       special_ops,        unique_ops,         counting_ops,
    differences_ops,   fractional_ops,     reduction_ops,      view_ops,
    permute_ops,       slice_ops,          split_ops,          creation_ops,
    conversion_ops,    range_ops,          triangle_ops,       window_function_ops,
    arrange_ops,       indexing_ops,       view_scatter_ops,   diagonal_ops,
    scatter_ops,       unbacked_ops,       move_ops,           matmul_ops,
    contraction_ops,   convolution_ops,    norm_ops,           pooling_ops,
    window_ops,        fold_ops,           resize_ops,         pad_ops,
    grid_sample_ops,   shuffle_ops,        attention_ops,      rnn_ops,
    sort_ops,          scan_ops,           loss_ops,           effect_ops,
    higher_order_ops,  random_ops,         random_draw_ops,    fft_ops,
    linalg_call_ops,   linalg_ops,         linalg_qr_ops,      linalg_function_ops,
    scaled_matmul_ops, spectral_ops,       grouped_matmul_ops, foreach_ops,
    vector_norm_ops,   quantize_ops,
};
enum { N_FAMILIES = sizeof families / sizeof families[0] };

void op_for_each(void (*visit)(void *cx, const OpDesc *row), void *cx)
{
    for (int i = 0; i < N_FAMILIES; i++)
        for (const OpDesc *row = families[i]; row->schema; row++)
            visit(cx, row);
}

static void enter_row(void *cx, const OpDesc *row)
{
    Ir        *ir = cx;
    NameEntry *entry = name_map_add(ir->op_rows, schema_dotted_name(ir->arena, row->schema));
    if (!entry->item) /* of two rows for one operator the first counts */
        entry->item = row;
}

static const OpDesc *find_row(Ir *ir, const char *name)
{
    if (!ir->op_rows) {
        ir->op_rows = name_map_create(ir->arena, 1024);
        op_for_each(enter_row, ir);
    }
    NameEntry *entry = name_map_find(ir->op_rows, name);
    return entry ? entry->item : NULL;
}

const OpDesc *op_find(Ir *ir, const OpSchema *schema)
{
    const OpDesc *row = find_row(ir, schema->name);
    return row || !schema->is_custom || schema->is_guessed ? row : &custom_op;
}

const OpSchema *op_schema(Ir *ir, const char *name)
{
    const OpSchema *schema = schema_find(ir, name);
    if (schema || strncmp(name, "aotc.", 5) != 0)
        return schema;
    const OpDesc *row = find_row(ir, name);
    if (!row && !strchr(name + 5, '.'))
        row = find_row(ir, arena_printf(ir->arena, "%s.default", name));
    return row && !schema_add(ir, row->schema, &schema) ? schema : NULL;
}

/* ---- errors ---------------------------------------------------------------------------------- */

Where node_where(const Node *node)
{
    Where where = node->where;
    if (!where.file)
        where.file = node->graph->ir->file;
    if (!where.node)
        where.node = node->name;
    where.op = node->schema->name;
    if (node->n_results && node->results[0]->kind == VALUE_TENSOR &&
        node->results[0]->type.dtype != DT_NONE)
        where.type = tensor_type_text(node->graph->ir->arena, &node->results[0]->type);
    return where;
}

Error *node_error(const Node *node, ErrorCode code, const char *format, ...)
{
    Arena  *arena = node->graph->ir->arena;
    va_list args;
    va_start(args, format);
    const char *message = arena_vprintf(arena, format, args);
    va_end(args);
    return error_new(arena, code, node_where(node), "%s", message);
}

/* ---- types of results ------------------------------------------------------------------------ */

TensorType *node_result_type(Node *node, int result)
{
    while (node->n_results <= result)
        node_add_result(node);
    return &node->results[result]->type;
}

static Error *expand_row(Node *node, Value **results)
{
    if (node->op->expand_fn)
        return node->op->expand_fn(node, results);
    return build_expand(node, node->op->expand, results);
}

/* A composite without infer of its own: expanded for a moment, the types are those of what it
 * becomes. */
static Error *infer_composite(Node *node)
{
    Graph  *graph = node->graph;
    Node   *before = node->prev;
    Value **results = ARENA_ARRAY(graph->ir->arena, Value *, node->n_results);
    Error  *error = expand_row(node, results);
    for (int i = 0; !error && i < node->n_results; i++)
        if (results[i] && results[i]->kind == VALUE_TENSOR)
            *node_result_type(node, i) = results[i]->type;
        else
            node->results[i]->kind = VALUE_NONE;
    while (node->prev != before)
        graph_remove_node(graph, node->prev);
    return error;
}

static bool is_tensor(const Arg *arg)
{
    return arg->kind == ARG_VALUE && arg->value->kind == VALUE_TENSOR;
}

/* sub(1, %x): decomposed exports have a number on the left, too. */
static bool takes_number_first(const Node *node)
{
    int other = schema_param(node->schema, "other");
    return node->op->promote == PROMOTE_DEFAULT && other >= 0 && is_tensor(&node->args[other]);
}

/* Numbers may stand for tensors in pointwise operators (aten.add.Tensor(%x, 2)).  Rows of other
 * kinds, and functions of rows, rely on tensors. */
static Error *check_tensors(const Node *node)
{
    const OpDesc *op = node->op;
    for (int i = 0; i < node->schema->n_params; i++) {
        const Param *param = &node->schema->params[i];
        const Arg   *arg = &node->args[i];
        if (op->kind == OP_POINTWISE && (!op->infer || i > 0 || takes_number_first(node)))
            continue;
        if (param->type != PARAM_TENSOR || arg->kind == ARG_NONE)
            continue;
        bool is_good = param->is_list ? arg->kind == ARG_LIST : is_tensor(arg);
        for (int k = 0; is_good && param->is_list && k < arg->n_items; k++)
            is_good = is_tensor(&arg->items[k]) || arg->items[k].kind == ARG_NONE;
        if (!is_good)
            return node_error(node, E_VALUE, "%s: argument %s has to be a tensor",
                              node->schema->name, param->name);
    }
    return NULL;
}

static Error *infer_by_row(Node *node)
{
    if (!node->op)
        node->op = op_find(node->graph->ir, node->schema);
    const OpDesc *op = node->op;
    if (!op)
        return node_error(node, E_UNSUPPORTED, "operator %s is not supported", node->schema->name);
    TRY(check_tensors(node));
    if (op->infer)
        return op->infer(node);
    if (op->kind == OP_POINTWISE)
        return infer_pointwise(node);
    if (op->kind == OP_REDUCTION)
        return infer_reduction(node);
    if (op->kind == OP_EFFECT && node->n_results == 0)
        return NULL;
    if (op->kind == OP_COMPOSITE && (op->expand || op->expand_fn))
        return infer_composite(node);
    return node_error(node, E_UNSUPPORTED, "%s: the types of its results have to be given",
                      node->schema->name);
}

static DType part_of(DType dtype)
{
    return dtype == DT_C128 ? DT_F64 : DT_F32;
}

static bool is_named(const Node *node, const char *const *names)
{
    for (int i = 0; names[i]; i++)
        if (!strcmp(node->schema->base, names[i]))
            return true;
    return false;
}

/* Rows speak of real numbers.  Sizes of these operators on complex ones are those on the parts; the
 * results are real, or complex as the argument. */
static Error *infer_of_complex(Node *node, bool *done)
{
    static const char *const gives_real[] = {
        "abs",         "absolute",           "angle", "norm", "linalg_vector_norm",
        "linalg_norm", "linalg_matrix_norm", NULL};
    static const char *const gives_complex[] = {"mean", NULL};
    Value *x = node->n_args && is_tensor(&node->args[0]) ? node->args[0].value : NULL;
    bool   is_real = is_named(node, gives_real);
    *done =
        x && dtype_info(x->type.dtype)->is_complex && (is_real || is_named(node, gives_complex));
    if (!*done)
        return NULL;
    DType dtype = x->type.dtype;
    x->type.dtype = part_of(dtype);
    Error *error = infer_by_row(node);
    x->type.dtype = dtype;
    if (!error && !is_real)
        node->results[0]->type.dtype = dtype;
    return error;
}

typedef struct PlaceCx {
    const Device *of_dims, *first;
} PlaceCx;

static void look_at_device(void *user, Arg *arg)
{
    PlaceCx          *cx = user;
    const TensorType *t = &arg->value->type;
    if (arg->value->kind != VALUE_TENSOR)
        return;
    if (!cx->first || t->device.kind == DEVICE_CUDA)
        cx->first = !cx->first || cx->first->kind != DEVICE_CUDA ? &t->device : cx->first;
    if (t->rank && (!cx->of_dims || cx->of_dims->kind != DEVICE_CUDA))
        cx->of_dims = &t->device;
}

/* A device argument decides, else the tensors: an index or a number on the CPU may stand beside
 * CUDA tensors.  Without either the results stay where the row has put them. */
static void place_results(Node *node)
{
    int           p = schema_param(node->schema, "device");
    const Arg    *given = p >= 0 && p < node->n_args ? &node->args[p] : NULL;
    const Device *device = NULL;
    PlaceCx       cx = {NULL, NULL};
    if (given && given->kind == ARG_DEVICE) {
        device = &given->device;
    } else {
        node_for_each_value(node, look_at_device, &cx);
        device = cx.of_dims ? cx.of_dims : cx.first;
    }
    for (int i = 0; device && i < node->n_results; i++)
        node->results[i]->type.device = *device;
}

Error *infer_node(Node *node)
{
    bool done;
    TRY(infer_of_complex(node, &done));
    if (!done)
        TRY(infer_by_row(node));
    if (node->op && !node->op->is_opaque && node->op->kind != OP_HIGHER_ORDER)
        place_results(node);
    /* A row may have copied the type of an input or constant; results start at the front of their
     * memory. */
    for (int i = 0; i < node->n_results; i++)
        node->results[i]->type.storage_offset = expr_int(node->graph->ir->exprs, 0);
    return NULL;
}
