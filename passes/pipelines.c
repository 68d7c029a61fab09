/* The graph passes in the order in which they run; --list-passes prints this list.
 *
 * Every stage leaves a graph that the next one and the text form understand: `functionalize` no
 * writes, `decompose` no composite operator except those that a template or a pattern wants whole,
 * `decompose_late` none at all. */
#include "passes/pass.h"

extern const Pass pass_expand_vmap, pass_unroll_loops, pass_inline_regions,
    pass_auto_functionalized, pass_split_foreach, pass_functionalize, pass_complexify,
    pass_decompose, pass_canonicalize, pass_fold_noop, pass_common_subexpression, pass_dead_code,
    pass_match_attention, pass_decompose_late, pass_index_masks, pass_transposed_convolution,
    pass_fold_batch_norm, pass_merge_linear, pass_patches, pass_pad_channels, pass_freeze,
    pass_check_calls, pass_place_devices;

static Error *nothing(Graph *graph, PassCtx *cx, bool *changed)
{
    (void)graph, (void)cx, (void)changed;
    return NULL;
}

/* A place for --print-after=post_grad: the graph as lowering gets it. */
static const Pass pass_post_grad = {
    .name = "post_grad",
    .purpose = "all graph passes are done (changes nothing)",
    .run = nothing,
};

/* One a line. */
/* clang-format off */
const Pass *const pipeline[] = {
    &pass_expand_vmap,
    &pass_unroll_loops,
    &pass_inline_regions,
    &pass_auto_functionalized,
    &pass_split_foreach,
    &pass_functionalize,
    &pass_index_masks,
    &pass_complexify,
    &pass_fold_noop,
    &pass_check_calls,
    &pass_decompose,
    &pass_fold_noop,
    &pass_canonicalize,
    &pass_common_subexpression,
    &pass_dead_code,
    &pass_match_attention,
    &pass_decompose_late,
    &pass_transposed_convolution,
    &pass_fold_noop,
    &pass_canonicalize,
    &pass_fold_batch_norm,
    &pass_common_subexpression,
    &pass_dead_code,
    &pass_merge_linear,
    &pass_patches,
    &pass_pad_channels,
    &pass_freeze,
    &pass_dead_code,
    &pass_place_devices,
    &pass_post_grad,
    NULL,
};
/* clang-format on */
