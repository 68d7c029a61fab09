/* Convolutions: NHWC operands, the weight in the order that the target's kernels read.
 *
 * In: a node and its operands.  Out: a KERNEL_CONV or KERNEL_DEPTHWISE, its raw result in a buffer
 * of its own. */
#include "passes/lower_template.h"
#include "ir/ops/shape_util.h"

#include <string.h>

static bool const_list(const Node *node, const char *name, int spatial, int64_t fallback,
                       int64_t *out)
{
    Arg *a = node_arg(node, name);
    for (int d = 0; d < 3; d++)
        out[d] = fallback;
    for (int d = 0; d < spatial; d++) {
        const Arg *item = a->kind != ARG_LIST ? a : &a->items[a->n_items == 1 ? 0 : d];
        if (item->kind != ARG_INT || !expr_is_int(item->expr, &out[3 - spatial + d]))
            return false;
    }
    return true;
}

static Error *conv_shape(Node *node, Conv *c)
{
    Value *x = node_tensor(node, "input"), *w = node_tensor(node, "weight"),
          *out = node->results[0];
    ExprPool *p = node->graph->ir->exprs;
    c->spatial = x->type.rank - 2;
    if (node_bool(node, "transposed"))
        return lower_refuse(node, "a transposed convolution reached lowering");
    if (c->spatial < 1 || c->spatial > 3)
        return lower_refuse(node, "needs 1 to 3 spatial dims and a batch dim");
    if (!const_list(node, "stride", c->spatial, 1, c->stride) ||
        !const_list(node, "padding", c->spatial, 0, c->padding) ||
        !const_list(node, "dilation", c->spatial, 1, c->dilation))
        return lower_refuse(node, "symbolic stride, padding or dilation");
    c->groups = node_int(node, "groups");
    c->batch = x->type.sizes[0];
    if (!expr_is_int(x->type.sizes[1], &c->in_channels) ||
        !expr_is_int(w->type.sizes[0], &c->out_channels))
        return lower_refuse(node, "a symbolic number of channels");
    for (int d = 0; d < 3; d++) {
        int s = d - (3 - c->spatial);
        c->in[d] = s < 0 ? expr_int(p, 1) : x->type.sizes[2 + s];
        c->out[d] = s < 0 ? expr_int(p, 1) : out->type.sizes[2 + s];
        c->kernel[d] = 1;
        if (s >= 0 && !expr_is_int(w->type.sizes[2 + s], &c->kernel[d]))
            return lower_refuse(node, "a symbolic kernel size");
    }
    c->dtype = x->type.dtype;
    return NULL;
}

/* A weight that is computed at run time, in the order that CUDA kernels take: a copy like any
 * other.
 */
static Error *ordered_conv_weight(Lower *lo, Value *w, Conv *c, bool depthwise)
{
    int     order[MAX_RANK], n = 0, rank = w->type.rank;
    Buffer *b;
    if (!depthwise)
        order[n++] = 0;
    for (int d = 2; d < rank; d++)
        order[n++] = d;
    if (depthwise)
        order[n++] = 0;
    order[n] = 1;
    b = new_buffer(lo, BUFFER_TEMP, "ordered_weight", w->type.dtype, rank, w->type.sizes,
                   strides_in_order(lo->ir, w->type.sizes, rank, order));
    TRY(store_value(lo, w, b));
    c->weight = (Operand){b, expr_int(lo->ir->exprs, 0), NULL, 0};
    return NULL;
}

static Error *conv_weight(Lower *lo, Value *w, Conv *c, bool depthwise)
{
    Ir      *ir = lo->ir;
    PackConv pack = {.groups = c->groups,
                     .oc = c->out_channels,
                     .ic = c->in_channels,
                     .depthwise = depthwise,
                     .plain = lower_for_cuda(lo) && !depthwise};
    memcpy(pack.kernel, c->kernel, sizeof pack.kernel);
    Buffer *packed;
    TRY(packed_conv_weight(lo, w, pack, &packed));
    if (packed) {
        c->weight = (Operand){packed, expr_int(ir->exprs, 0), NULL, 0};
        return NULL;
    }
    if (lower_for_cuda(lo))
        return ordered_conv_weight(lo, w, c, depthwise);
    /* A weight that is computed at run time: packed by a kernel before this one. */
    Operand o;
    TRY(operand_of(lo, w, &o));
    const Expr *strides[5] = {o.strides[0], o.strides[1]};
    for (int d = 0; d < 3; d++)
        strides[2 + d] =
            d < 3 - c->spatial ? expr_int(ir->exprs, 0) : o.strides[2 + d - (3 - c->spatial)];
    pack.from = operand_pick(ir, &o, strides, 5);
    int64_t per_group = c->out_channels / c->groups,
            taps = c->kernel[0] * c->kernel[1] * c->kernel[2];
    const Expr *numel = expr_int(ir->exprs, depthwise ? c->out_channels * taps
                                                      : c->groups * ((per_group + 15) / 16 * 16) *
                                                            taps * (c->in_channels / c->groups));
    pack.to = new_buffer(lo, BUFFER_TEMP, "packed_weight", w->type.dtype, 1, &numel, NULL);
    Kernel *k = new_kernel(lo, KERNEL_PACK_CONV, w->def);
    k->pack_conv = pack;
    add_kernel(lo, k, w->def);
    c->weight = (Operand){pack.to, expr_int(ir->exprs, 0), NULL, 0};
    return NULL;
}

Error *lower_conv(Lower *lo, Node *node)
{
    Ir    *ir = lo->ir;
    Value *x = node_tensor(node, "input"), *out = node->results[0];
    Conv   c = {0};
    TRY(conv_shape(node, &c));
    bool    depthwise = c.groups == c.in_channels && c.groups == c.out_channels && c.groups > 1;
    Kernel *k = new_kernel(lo, depthwise ? KERNEL_DEPTHWISE : KERNEL_CONV, node);
    Operand o;
    TRY(operand_of(lo, x, &o));
    const Expr *strides[5] = {o.strides[0], NULL, NULL, NULL, o.strides[1]};
    for (int d = 0; d < 3; d++)
        strides[1 + d] =
            d < 3 - c.spatial ? expr_int(ir->exprs, 0) : o.strides[2 + d - (3 - c.spatial)];
    c.x = operand_pick(ir, &o, strides, 5);
    TRY(conv_weight(lo, node_tensor(node, "weight"), &c, depthwise));
    int order[MAX_RANK] = {0}, n = 1;
    for (int d = 2; d < out->type.rank; d++)
        order[n++] = d;
    order[n] = 1;
    Lowered *l = lowered(lo, out);
    k->result = raw_buffer(lo, out, accumulator_dtype(c.dtype), order);
    l->raw_is_value = template_is_raw(node) && l->raw->dtype == out->type.dtype;
    const Expr *sizes[6] = {c.batch, c.out[0], c.out[1], c.out[2],
                            expr_int(ir->exprs, c.out_channels)};
    set_outer(lo, k, sizes, 5);
    k->conv = c;
    const Expr *points = expr_product(ir->exprs, sizes, 5);
    k->flops = expr_mul(ir->exprs, points,
                        expr_int(ir->exprs, 2 * c.kernel[0] * c.kernel[1] * c.kernel[2] *
                                                c.in_channels / c.groups));
    add_kernel(lo, k, node);
    return NULL;
}
