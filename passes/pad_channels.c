/* pad_channels: an odd number of channels of a half-precision convolution gets zeros behind it, on
 * a GPU.
 *
 *   aten.convolution.default(%x, %w, …)     %x : bf16[16,3,224,224], %w : bf16[64,3,7,7]
 *   -> %p = aten.constant_pad_nd.default(%x, [0,0,0,0,0,1]) : bf16[16,4,224,224]
 *      %q = aten.constant_pad_nd.default(%w, [0,0,0,0,0,1]) : bf16[64,4,7,7]
 *      aten.convolution.default(%p, %q, …)
 *
 * A window's values then come to shared memory in pieces of 8 bytes, asynchronously, not one by one
 * through registers.  Lowering makes %p channels last in the copy that it makes of most inputs
 * anyway, freeze computes %q of a constant.  Each sum gets zeros: results are the same. */
#include "passes/graph_util.h"

#include "ir/ops/shape_util.h"

/* Channels of one piece.  What comes in twos already (4 bytes) is not worth the copy: 6 channels of
 * 256 x 256, batch 8, 3x3 take 107 us on an H100, 118 with it; 3 channels of 224 x 224, batch 16,
 * 7x7 take 118, 87 with it. */
#define PIECE 4
/* A pointwise convolution reads each value once: a copy costs more than it brings. */
#define LEAST_TAPS 4

/* Zeros to add, 0: leave it. */
static int64_t missing_channels(const Node *node)
{
    const Value *x = node_tensor(node, "input"), *w = node_tensor(node, "weight");
    int64_t      channels, taps = 1, groups;
    if ((x->type.dtype != DT_F16 && x->type.dtype != DT_BF16) || x->type.rank < 3 ||
        node_bool(node, "transposed") || shape_const_int(node, "groups", &groups) || groups != 1 ||
        !expr_is_int(x->type.sizes[1], &channels) || channels % 2 == 0)
        return 0;
    for (int d = 2; d < w->type.rank; d++) {
        int64_t size;
        if (!expr_is_int(w->type.sizes[d], &size))
            return 0;
        taps *= size;
    }
    return taps < LEAST_TAPS ? 0 : PIECE - channels % PIECE;
}

static Value *pad(Build *b, Value *v, int64_t channels)
{
    int64_t amounts[2 * MAX_RANK] = {0}; /* from the last dim on */
    int     n = 2 * (v->type.rank - 1);
    amounts[n - 1] = channels;
    return BUILD(b, "aten.constant_pad_nd.default", arg_value(v), arg_ints(b->graph, amounts, n));
}

static Error *rewrite(Node *node, int64_t channels)
{
    Build  b = build_at(node);
    Value *x = pad(&b, node_tensor(node, "input"), channels);
    Value *w = pad(&b, node_tensor(node, "weight"), channels);
    if (b.error)
        return b.error;
    *node_arg(node, "input") = arg_value(x);
    *node_arg(node, "weight") = arg_value(w);
    return NULL;
}

static Error *run(Graph *graph, PassCtx *cx, bool *changed)
{
    if (!cx->target_is_cuda || graph->is_mixed)
        return NULL;
    for (Node *n = graph->first; n; n = n->next) {
        int64_t channels = node_is(n, "aten.convolution.default") ? missing_channels(n) : 0;
        if (!channels)
            continue;
        TRY(rewrite(n, channels));
        pass_count(cx, "pad_channels", 1);
        *changed = true;
    }
    return NULL;
}

const Pass pass_pad_channels = {
    .name = "pad_channels",
    .purpose = "odd channels of half-precision convolutions get zeros behind them, on a GPU",
    .run = run,
};
