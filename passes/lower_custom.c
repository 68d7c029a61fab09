/* Lowering of custom operators: a kernel that calls the user's function once.
 *
 *   %1, %2 = mylib.add_to.functional(%acc, %x.t(), 2)
 * becomes
 *   copy %acc to %b1;  copy %x.t() to %b2        (row-major; a dense operand is taken as it lies)
 *   kernel custom "mylib::add_to(Tensor(a!) acc, Tensor x, int n) -> Tensor" (%b1, %b2, 2, %out)
 *
 * Nothing fuses with it: to the fusion pass it reads and writes whole buffers.  An argument that
 * the operator writes is the buffer of the new content, which holds the old one before. */
#include "passes/lower_internal.h"

#include "ir/schema.h"

#include <string.h>

typedef struct CustomCx {
    Lower *lo;
    Node  *node;
    VEC(CustomItem) items;
    int n_tensors;
    int next_written; /* result of the node that holds the next written argument */
} CustomCx;

typedef enum Role { READ, WRITTEN, RESULT } Role;

static Error *add_tensor(CustomCx *c, const Operand *operand, const TensorType *type, Role role)
{
    if (++c->n_tensors > MAX_CUSTOM_TENSORS)
        return node_error(c->node, E_LIMIT, "%s has more than %d tensors", c->node->schema->name,
                          MAX_CUSTOM_TENSORS);
    CustomItem item = {.kind = CUSTOM_TENSOR,
                       .tensor = *operand,
                       .sizes = type->sizes,
                       .is_written = role == WRITTEN,
                       .is_result = role == RESULT};
    item.tensor.n = type->rank;
    VEC_PUSH(c->lo->ir->arena, c->items, item);
    return NULL;
}

static bool is_row_major(Lower *lo, const Buffer *b)
{
    TensorType plain = tensor_type(lo->ir, b->dtype, b->sizes, b->rank);
    for (int d = 0; d < b->rank; d++)
        if (plain.strides[d] != b->strides[d])
            return false;
    return true;
}

/* The memory of a result: the caller's where that is row-major. */
static Buffer *result_buffer(Lower *lo, Value *value)
{
    Lowered *l = lowered(lo, value);
    l->buffer = l->output && is_row_major(lo, l->output)
                    ? l->output
                    : new_buffer(lo, BUFFER_TEMP, value->name, value->type.dtype, value->type.rank,
                                 value->type.sizes, NULL);
    return l->buffer;
}

static Error *add_result(CustomCx *c, Value *value)
{
    if (value->kind != VALUE_TENSOR)
        return node_error(c->node, E_UNSUPPORTED, "%s: the result %%%s is no tensor",
                          c->node->schema->name, value->name);
    Operand whole = whole_operand(result_buffer(c->lo, value));
    return add_tensor(c, &whole, &value->type, RESULT);
}

static Error *add_written(CustomCx *c, Value *old)
{
    Value *new = c->node->results[c->next_written++];
    TRY(realize_base(c->lo, old));
    Buffer *b = result_buffer(c->lo, new);
    TRY(store_value(c->lo, old, b));
    Operand whole = whole_operand(b);
    return add_tensor(c, &whole, &new->type, WRITTEN);
}

static Error *add_value(CustomCx *c, Value *value, bool is_written)
{
    Operand operand;
    if (value->kind == VALUE_SCALAR) {
        CustomItem item = {.kind =
                               value->symbol->type == EXPR_TYPE_FLOAT ? CUSTOM_FLOAT : CUSTOM_INT,
                           .number = value->symbol->self};
        VEC_PUSH(c->lo->ir->arena, c->items, item);
        return NULL;
    }
    if (is_written)
        return add_written(c, value);
    TRY(dense_operand(c->lo, value, &operand));
    return add_tensor(c, &operand, &value->type, READ);
}

static Error *add_item(CustomCx *c, const Arg *arg, bool is_written)
{
    ExprPool  *p = c->lo->ir->exprs;
    CustomItem item = {.kind = CUSTOM_INT, .number = arg->expr};
    switch (arg->kind) {
    case ARG_NONE:
        item = (CustomItem){.kind = CUSTOM_NONE};
        break;
    case ARG_VALUE:
        return add_value(c, arg->value, is_written);
    case ARG_INT:
    case ARG_BOOL:
        break;
    case ARG_FLOAT:
        item = (CustomItem){.kind = CUSTOM_FLOAT, .number = arg->expr, .real = arg->number};
        break;
    case ARG_STRING:
        item = (CustomItem){.kind = CUSTOM_STRING, .string = arg->string};
        break;
    case ARG_DTYPE:
        item = (CustomItem){.kind = CUSTOM_DTYPE, .dtype = arg->dtype};
        break;
    case ARG_LAYOUT:
    case ARG_MEMORY_FORMAT:
        item.number = expr_int(p, arg->integer);
        break;
    case ARG_DEVICE: /* of the run: DLPack's numbers */
        item.number = expr_int(p, lower_for_cuda(c->lo) ? 2 : 1);
        break;
    case ARG_LIST:
        item = (CustomItem){.kind = CUSTOM_LIST, .n = arg->n_items};
        VEC_PUSH(c->lo->ir->arena, c->items, item);
        for (int i = 0; i < arg->n_items; i++)
            TRY(add_item(c, &arg->items[i], is_written));
        return NULL;
    default:
        return node_error(c->node, E_UNSUPPORTED,
                          "%s: an argument of a kind that functions of "
                          "custom operators do not take",
                          c->node->schema->name);
    }
    VEC_PUSH(c->lo->ir->arena, c->items, item);
    return NULL;
}

static int count_tensors(const Arg *arg)
{
    int n = arg->kind == ARG_VALUE;
    for (int i = 0; arg->kind == ARG_LIST && i < arg->n_items; i++)
        n += count_tensors(&arg->items[i]);
    return n;
}

/* Results of its own come first, then what it writes. */
static int count_own(const Node *node, const OpSchema *schema)
{
    int n = node->n_results;
    for (int i = 0; i < schema->n_params; i++)
        if (schema->params[i].is_written)
            n -= count_tensors(&node->args[i]);
    return n;
}

static Error *add_results(CustomCx *c, const OpSchema *schema, int n_own)
{
    int at = 0;
    for (int i = 0; i < schema->n_returns && at < n_own; i++) {
        if (schema->returns[i].alias) /* another name of what is written */
            continue;
        bool is_list = schema->returns[i].is_list;
        int  n = is_list ? n_own - (schema->n_returns - 1) : 1;
        if (is_list)
            VEC_PUSH(c->lo->ir->arena, c->items, ((CustomItem){.kind = CUSTOM_LIST, .n = n}));
        for (int k = 0; k < n && at < n_own; k++)
            TRY(add_result(c, c->node->results[at++]));
    }
    return NULL;
}

Error *lower_custom(Lower *lo, Node *node)
{
    const OpSchema *schema =
        node->schema->functional_of ? node->schema->functional_of : node->schema;
    CustomCx c = {.lo = lo, .node = node};
    int      n_own = count_own(node, schema);
    Kernel  *k = new_kernel(lo, KERNEL_CUSTOM, node);
    c.next_written = n_own;
    if (n_own < 0)
        return node_error(node, E_INTERNAL, "%s has fewer results than it writes", schema->name);
    for (int i = 0; i < schema->n_params; i++)
        TRY(add_item(&c, &node->args[i], schema->params[i].is_written));
    TRY(add_results(&c, schema, n_own));
    k->custom = (Custom){schema, c.items.items, c.items.n};
    add_kernel(lo, k, node);
    k->where.op = schema->name; /* what the user has called */
    return NULL;
}
