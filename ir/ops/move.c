/* aotc::move: the same tensor on another device.  passes/place_devices.c makes these calls. */
#include "ir/ops/shape_util.h"

static Error *infer_move(Node *node)
{
    *node_result_type(node, 0) = *shape_first_type(node); /* infer_node() takes the device */
    return NULL;
}

const OpDesc move_ops[] = {
    {.schema = "aotc::move(Tensor self, Device device) -> Tensor",
     .kind = OP_TEMPLATE,
     .promote = PROMOTE_NONE,
     .infer = infer_move,
     .template_kind = TEMPLATE_MOVE},
    {0},
};
