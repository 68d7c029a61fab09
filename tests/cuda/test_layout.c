/* The loader's own declarations of the driver interface against cuda.h.  Built only where that
 * header is; there is nothing to run. */
#include "loader/cuda_driver.h"

#include <cuda.h>

#define SAME_SIZE(ours, theirs) _Static_assert(sizeof(ours) == sizeof(theirs), #theirs)
#define SAME_FIELD(ours, field, theirs, their_field)                                               \
    _Static_assert(offsetof(ours, field) == offsetof(theirs, their_field) &&                       \
                       sizeof(((ours *)0)->field) >= sizeof(((theirs *)0)->their_field),           \
                   #theirs "." #their_field)
#define SAME_VALUE(ours, theirs) _Static_assert((int)(ours) == (int)(theirs), #theirs)

SAME_SIZE(CuAddress, CUdeviceptr);
SAME_SIZE(CuDevice, CUdevice);
SAME_SIZE(CuCondition, CUgraphConditionalHandle);
SAME_SIZE(CuAttributeValue, CUlaunchAttributeValue);
SAME_FIELD(CuAttributeValue, cluster, CUlaunchAttributeValue, clusterDim);
SAME_SIZE(CuAttribute, CUlaunchAttribute);
SAME_FIELD(CuAttribute, value, CUlaunchAttribute, value);
SAME_SIZE(CuLaunch, CUlaunchConfig);
SAME_FIELD(CuLaunch, block, CUlaunchConfig, blockDimX);
SAME_FIELD(CuLaunch, shared_bytes, CUlaunchConfig, sharedMemBytes);
SAME_FIELD(CuLaunch, stream, CUlaunchConfig, hStream);
SAME_FIELD(CuLaunch, attributes, CUlaunchConfig, attrs);
SAME_FIELD(CuLaunch, n_attributes, CUlaunchConfig, numAttrs);
SAME_SIZE(CuKernelNode, CUDA_KERNEL_NODE_PARAMS_v2);
SAME_FIELD(CuKernelNode, grid, CUDA_KERNEL_NODE_PARAMS_v2, gridDimX);
SAME_FIELD(CuKernelNode, block, CUDA_KERNEL_NODE_PARAMS_v2, blockDimX);
SAME_FIELD(CuKernelNode, shared_bytes, CUDA_KERNEL_NODE_PARAMS_v2, sharedMemBytes);
SAME_FIELD(CuKernelNode, params, CUDA_KERNEL_NODE_PARAMS_v2, kernelParams);
SAME_FIELD(CuKernelNode, extra, CUDA_KERNEL_NODE_PARAMS_v2, extra);
SAME_FIELD(CuKernelNode, context, CUDA_KERNEL_NODE_PARAMS_v2, ctx);
SAME_SIZE(CuHostNode, CUDA_HOST_NODE_PARAMS_v1);
SAME_FIELD(CuHostNode, function, CUDA_HOST_NODE_PARAMS_v1, fn);
SAME_FIELD(CuHostNode, user, CUDA_HOST_NODE_PARAMS_v1, userData);
SAME_SIZE(CuMemsetNode, CUDA_MEMSET_NODE_PARAMS_v1);
SAME_FIELD(CuMemsetNode, value, CUDA_MEMSET_NODE_PARAMS_v1, value);
SAME_FIELD(CuMemsetNode, item_bytes, CUDA_MEMSET_NODE_PARAMS_v1, elementSize);
SAME_FIELD(CuMemsetNode, width, CUDA_MEMSET_NODE_PARAMS_v1, width);
SAME_SIZE(CuCopyNode, CUDA_MEMCPY3D);
SAME_FIELD(CuCopyNode, from.memory_type, CUDA_MEMCPY3D, srcMemoryType);
SAME_FIELD(CuCopyNode, from.device, CUDA_MEMCPY3D, srcDevice);
SAME_FIELD(CuCopyNode, to.memory_type, CUDA_MEMCPY3D, dstMemoryType);
SAME_FIELD(CuCopyNode, to.device, CUDA_MEMCPY3D, dstDevice);
SAME_FIELD(CuCopyNode, width_bytes, CUDA_MEMCPY3D, WidthInBytes);
SAME_FIELD(CuCopyNode, depth, CUDA_MEMCPY3D, Depth);
SAME_SIZE(CuUpdateResult, CUgraphExecUpdateResultInfo);
SAME_VALUE(CU_OUT_OF_MEMORY, CUDA_ERROR_OUT_OF_MEMORY);
SAME_VALUE(CU_NO_BINARY, CUDA_ERROR_NO_BINARY_FOR_GPU);
SAME_VALUE(CU_NOT_SUPPORTED, CUDA_ERROR_NOT_SUPPORTED);
SAME_VALUE(CU_HOST_ALLOC_PORTABLE, CU_MEMHOSTALLOC_PORTABLE);
SAME_VALUE(CU_HOST_ALLOC_MAPPED, CU_MEMHOSTALLOC_DEVICEMAP);
SAME_VALUE(CU_NON_BLOCKING, CU_STREAM_NON_BLOCKING);
SAME_VALUE(CU_EVENT_NO_TIMING, CU_EVENT_DISABLE_TIMING);
SAME_VALUE(CU_CAPTURE_NONE, CU_STREAM_CAPTURE_STATUS_NONE);
SAME_VALUE(CU_CAPTURE_RELAXED, CU_STREAM_CAPTURE_MODE_RELAXED);
SAME_VALUE(CU_MAX_DYNAMIC_SHARED, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
SAME_VALUE(CU_MEMORY_DEVICE, CU_MEMORYTYPE_DEVICE);
SAME_VALUE(CU_DEVICE_N_SM, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
SAME_VALUE(CU_DEVICE_L2_BYTES, CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE);
SAME_VALUE(CU_DEVICE_MAJOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
SAME_VALUE(CU_DEVICE_MINOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
SAME_VALUE(CU_DEVICE_MAX_SHARED, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
SAME_VALUE(CU_ATTRIBUTE_CLUSTER, CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION);
SAME_VALUE(CU_ATTRIBUTE_PROGRAMMATIC, CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION);

#if CUDA_VERSION >= 12030
SAME_SIZE(CuEdge, CUgraphEdgeData);
SAME_FIELD(CuEdge, from_port, CUgraphEdgeData, from_port);
SAME_FIELD(CuEdge, type, CUgraphEdgeData, type);
SAME_SIZE(CuConditionalNode, CUgraphNodeParams);
SAME_FIELD(CuConditionalNode, handle, CUgraphNodeParams, conditional.handle);
SAME_FIELD(CuConditionalNode, condition, CUgraphNodeParams, conditional.type);
SAME_FIELD(CuConditionalNode, n_bodies, CUgraphNodeParams, conditional.size);
SAME_FIELD(CuConditionalNode, bodies, CUgraphNodeParams, conditional.phGraph_out);
SAME_VALUE(CU_PORT_PROGRAMMATIC, CU_GRAPH_KERNEL_NODE_PORT_PROGRAMMATIC);
SAME_VALUE(CU_EDGE_PROGRAMMATIC, CU_GRAPH_DEPENDENCY_TYPE_PROGRAMMATIC);
SAME_VALUE(CU_NODE_CONDITIONAL, CU_GRAPH_NODE_TYPE_CONDITIONAL);
SAME_VALUE(CU_COND_ASSIGN_DEFAULT, CU_GRAPH_COND_ASSIGN_DEFAULT);
SAME_VALUE(CU_COND_IF, CU_GRAPH_COND_TYPE_IF);
SAME_VALUE(CU_COND_WHILE, CU_GRAPH_COND_TYPE_WHILE);
#endif
#if CUDA_VERSION >= 13000
SAME_FIELD(CuConditionalNode, context, CUgraphNodeParams, conditional.ctx);
#endif

int main(void)
{
    return 0;
}
