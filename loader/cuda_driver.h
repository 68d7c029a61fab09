/* The CUDA driver interface, as far as the loader uses it: own declarations, so that it builds on
 * machines without CUDA, and a table of functions that cuda_driver_get() fills from libcuda.so.1.
 *
 * Names and layouts are those of cuda.h (CUDA Driver API reference); tests/cuda/test_layout.c
 * compares them where that header exists. */
#ifndef AOTC_LOADER_CUDA_DRIVER_H
#define AOTC_LOADER_CUDA_DRIVER_H

#include "abi/aotc.h"

#include <stdbool.h>

typedef int                     CuResult;
typedef int                     CuDevice;
typedef uint64_t                CuAddress;
typedef struct CuContextOpaque *CuContext;
typedef struct CuModuleOpaque  *CuModule;
typedef struct CuFuncOpaque    *CuFunction;
typedef struct CuStreamOpaque  *CuStream;
typedef struct CuEventOpaque   *CuEvent;
typedef struct CuGraphOpaque   *CuGraph;
typedef struct CuNodeOpaque    *CuNode;
typedef struct CuExecOpaque    *CuExec;
typedef uint64_t                CuCondition;

enum {
    CU_OK = 0,
    CU_OUT_OF_MEMORY = 2,
    CU_NO_BINARY = 209,
    CU_NOT_SUPPORTED = 801,

    CU_HOST_ALLOC_PORTABLE = 1,
    CU_HOST_ALLOC_MAPPED = 2,
    CU_NON_BLOCKING = 1,
    CU_EVENT_NO_TIMING = 2,
    CU_CAPTURE_NONE = 0,
    CU_CAPTURE_THREAD_LOCAL = 1,
    CU_CAPTURE_RELAXED = 2,
    CU_MAX_DYNAMIC_SHARED = 8, /* function attribute */
    CU_MEMORY_HOST = 1,
    CU_MEMORY_DEVICE = 2,

    CU_DEVICE_N_SM = 16,
    CU_DEVICE_L2_BYTES = 38,
    CU_DEVICE_MAJOR = 75,
    CU_DEVICE_MINOR = 76,
    CU_DEVICE_MAX_SHARED = 97, /* with an opt-in */

    CU_ATTRIBUTE_CLUSTER = 4,
    CU_ATTRIBUTE_PROGRAMMATIC = 6,
    CU_PORT_PROGRAMMATIC = 1,
    CU_EDGE_PROGRAMMATIC = 1,
    CU_NODE_CONDITIONAL = 13,
    CU_COND_ASSIGN_DEFAULT = 1,
    CU_COND_IF = 0,
    CU_COND_WHILE = 1
};

typedef union CuAttributeValue {
    char     pad[64];
    unsigned cluster[3];
    int      programmatic;
} CuAttributeValue;

typedef struct CuAttribute {
    int              id, pad;
    CuAttributeValue value;
} CuAttribute;

typedef struct CuLaunch {
    unsigned     grid[3], block[3], shared_bytes;
    CuStream     stream;
    CuAttribute *attributes;
    unsigned     n_attributes;
} CuLaunch;

typedef struct CuKernelNode {
    CuFunction function;
    unsigned   grid[3], block[3], shared_bytes;
    void     **params;
    void     **extra;
    void      *kernel;
    CuContext  context;
} CuKernelNode;

typedef struct CuMemsetNode {
    CuAddress to;
    size_t    pitch;
    unsigned  value, item_bytes;
    size_t    width, height;
} CuMemsetNode;

typedef struct CuCopyEnd {
    size_t      x_bytes, y, z, lod;
    int         memory_type;
    const void *host;
    CuAddress   device;
    void       *array, *reserved;
    size_t      pitch, height;
} CuCopyEnd;

/* CUDA_MEMCPY3D */
typedef struct CuCopyNode {
    CuCopyEnd from, to;
    size_t    width_bytes, height, depth;
} CuCopyNode;

typedef struct CuHostNode {
    void (*function)(void *user);
    void *user;
} CuHostNode;

typedef struct CuEdge {
    unsigned char from_port, to_port, type, reserved[5];
} CuEdge;

/* CUgraphNodeParams with the conditional member of its union. */
typedef struct CuConditionalNode {
    int         type, reserved0[3];
    CuCondition handle;
    int         condition; /* CU_COND_… */
    unsigned    n_bodies;
    CuGraph    *bodies; /* out */
    CuContext   context;
    int64_t     padding[25];
    int64_t     reserved2;
} CuConditionalNode;

typedef struct CuUpdateResult {
    int    result;
    CuNode node, from_node;
} CuUpdateResult;

/* F(field, symbol, parameters): without the needed ones no model runs; the others came later. */
#define CUDA_NEEDED(F)                                                                             \
    F(Init, "cuInit", (unsigned flags))                                                            \
    F(DriverGetVersion, "cuDriverGetVersion", (int *version))                                      \
    F(GetErrorName, "cuGetErrorName", (CuResult r, const char **text))                             \
    F(GetErrorString, "cuGetErrorString", (CuResult r, const char **text))                         \
    F(DeviceGetCount, "cuDeviceGetCount", (int *n))                                                \
    F(DeviceGet, "cuDeviceGet", (CuDevice * out, int ordinal))                                     \
    F(DeviceGetName, "cuDeviceGetName", (char *name, int size, CuDevice d))                        \
    F(DeviceGetAttribute, "cuDeviceGetAttribute", (int *out, int attribute, CuDevice d))           \
    F(DevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain", (CuContext * out, CuDevice d))           \
    F(DevicePrimaryCtxRelease, "cuDevicePrimaryCtxRelease_v2", (CuDevice d))                       \
    F(CtxGetCurrent, "cuCtxGetCurrent", (CuContext * out))                                         \
    F(CtxPushCurrent, "cuCtxPushCurrent_v2", (CuContext c))                                        \
    F(CtxPopCurrent, "cuCtxPopCurrent_v2", (CuContext * out))                                      \
    F(ModuleLoadData, "cuModuleLoadData", (CuModule * out, const void *image))                     \
    F(ModuleUnload, "cuModuleUnload", (CuModule m))                                                \
    F(ModuleGetFunction, "cuModuleGetFunction", (CuFunction * out, CuModule m, const char *name))  \
    F(FuncSetAttribute, "cuFuncSetAttribute", (CuFunction f, int attribute, int value))            \
    F(MemAlloc, "cuMemAlloc_v2", (CuAddress * out, size_t bytes))                                  \
    F(MemFree, "cuMemFree_v2", (CuAddress a))                                                      \
    F(MemHostAlloc, "cuMemHostAlloc", (void **out, size_t bytes, unsigned flags))                  \
    F(MemFreeHost, "cuMemFreeHost", (void *p))                                                     \
    F(MemHostGetDevicePointer, "cuMemHostGetDevicePointer_v2",                                     \
      (CuAddress * out, void *p, unsigned flags))                                                  \
    F(MemcpyHtoDAsync, "cuMemcpyHtoDAsync_v2",                                                     \
      (CuAddress to, const void *from, size_t bytes, CuStream s))                                  \
    F(MemcpyDtoHAsync, "cuMemcpyDtoHAsync_v2",                                                     \
      (void *to, CuAddress from, size_t bytes, CuStream s))                                        \
    F(MemcpyDtoDAsync, "cuMemcpyDtoDAsync_v2",                                                     \
      (CuAddress to, CuAddress from, size_t bytes, CuStream s))                                    \
    F(MemsetD8Async, "cuMemsetD8Async", (CuAddress to, unsigned char v, size_t n, CuStream s))     \
    F(MemsetD16Async, "cuMemsetD16Async", (CuAddress to, unsigned short v, size_t n, CuStream s))  \
    F(MemsetD32Async, "cuMemsetD32Async", (CuAddress to, unsigned v, size_t n, CuStream s))        \
    F(StreamCreate, "cuStreamCreate", (CuStream * out, unsigned flags))                            \
    F(StreamDestroy, "cuStreamDestroy_v2", (CuStream s))                                           \
    F(StreamSynchronize, "cuStreamSynchronize", (CuStream s))                                      \
    F(StreamWaitEvent, "cuStreamWaitEvent", (CuStream s, CuEvent e, unsigned flags))               \
    F(StreamIsCapturing, "cuStreamIsCapturing", (CuStream s, int *status))                         \
    F(StreamBeginCapture, "cuStreamBeginCapture_v2", (CuStream s, int mode))                       \
    F(StreamEndCapture, "cuStreamEndCapture", (CuStream s, CuGraph * out))                         \
    F(ThreadExchangeCaptureMode, "cuThreadExchangeStreamCaptureMode", (int *mode))                 \
    F(EventCreate, "cuEventCreate", (CuEvent * out, unsigned flags))                               \
    F(EventDestroy, "cuEventDestroy_v2", (CuEvent e))                                              \
    F(EventRecord, "cuEventRecord", (CuEvent e, CuStream s))                                       \
    F(EventElapsedTime, "cuEventElapsedTime", (float *ms, CuEvent from, CuEvent to))               \
    F(LaunchKernel, "cuLaunchKernel",                                                              \
      (CuFunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, \
       unsigned shared, CuStream s, void **params, void **extra))                                  \
    F(LaunchKernelEx, "cuLaunchKernelEx",                                                          \
      (const CuLaunch *launch, CuFunction f, void **params, void **extra))                         \
    F(LaunchHostFunc, "cuLaunchHostFunc", (CuStream s, void (*function)(void *user), void *user))  \
    F(GraphCreate, "cuGraphCreate", (CuGraph * out, unsigned flags))                               \
    F(GraphDestroy, "cuGraphDestroy", (CuGraph g))                                                 \
    F(GraphAddKernelNode, "cuGraphAddKernelNode_v2",                                               \
      (CuNode * out, CuGraph g, const CuNode *after, size_t n_after, const CuKernelNode *params))  \
    F(GraphAddMemcpyNode, "cuGraphAddMemcpyNode",                                                  \
      (CuNode * out, CuGraph g, const CuNode *after, size_t n_after, const CuCopyNode *params,     \
       CuContext c))                                                                               \
    F(GraphAddMemsetNode, "cuGraphAddMemsetNode",                                                  \
      (CuNode * out, CuGraph g, const CuNode *after, size_t n_after, const CuMemsetNode *params,   \
       CuContext c))                                                                               \
    F(GraphAddHostNode, "cuGraphAddHostNode",                                                      \
      (CuNode * out, CuGraph g, const CuNode *after, size_t n_after, const CuHostNode *params))    \
    F(GraphAddChildGraphNode, "cuGraphAddChildGraphNode",                                          \
      (CuNode * out, CuGraph g, const CuNode *after, size_t n_after, CuGraph child))               \
    F(GraphExecChildGraphNodeSetParams, "cuGraphExecChildGraphNodeSetParams",                      \
      (CuExec e, CuNode n, CuGraph child))                                                         \
    F(GraphKernelNodeSetAttribute, "cuGraphKernelNodeSetAttribute",                                \
      (CuNode n, int attribute, const CuAttributeValue *value))                                    \
    F(GraphInstantiate, "cuGraphInstantiateWithFlags",                                             \
      (CuExec * out, CuGraph g, unsigned long long flags))                                         \
    F(GraphExecDestroy, "cuGraphExecDestroy", (CuExec e))                                          \
    F(GraphLaunch, "cuGraphLaunch", (CuExec e, CuStream s))                                        \
    F(GraphExecKernelNodeSetParams, "cuGraphExecKernelNodeSetParams_v2",                           \
      (CuExec e, CuNode n, const CuKernelNode *params))                                            \
    F(GraphExecMemcpyNodeSetParams, "cuGraphExecMemcpyNodeSetParams",                              \
      (CuExec e, CuNode n, const CuCopyNode *params, CuContext c))                                 \
    F(GraphExecMemsetNodeSetParams, "cuGraphExecMemsetNodeSetParams",                              \
      (CuExec e, CuNode n, const CuMemsetNode *params, CuContext c))                               \
    F(TensorMapEncodeTiled, "cuTensorMapEncodeTiled",                                              \
      (void *map, int type, uint32_t rank, void *address, const uint64_t *sizes,                   \
       const uint64_t *strides_bytes, const uint32_t *box, const uint32_t *element_strides,        \
       int interleave, int swizzle, int l2_promotion, int out_of_bounds))                          \
    F(TensorMapEncodeIm2col, "cuTensorMapEncodeIm2col",                                            \
      (void *map, int type, uint32_t rank, void *address, const uint64_t *sizes,                   \
       const uint64_t *strides_bytes, const int *lower, const int *upper, uint32_t channels,       \
       uint32_t pixels, const uint32_t *element_strides, int interleave, int swizzle,              \
       int l2_promotion, int out_of_bounds))

#define CUDA_OPTIONAL(F)                                                                           \
    F(GraphKernelNodeSetParams, "cuGraphKernelNodeSetParams_v2",                                   \
      (CuNode n, const CuKernelNode *params))                                                      \
    F(GraphMemcpyNodeSetParams, "cuGraphMemcpyNodeSetParams",                                      \
      (CuNode n, const CuCopyNode *params))                                                        \
    F(GraphMemsetNodeSetParams, "cuGraphMemsetNodeSetParams",                                      \
      (CuNode n, const CuMemsetNode *params))                                                      \
    F(GraphExecUpdate, "cuGraphExecUpdate_v2", (CuExec e, CuGraph g, CuUpdateResult * out))        \
    F(GraphAddDependencies, "cuGraphAddDependencies_v2",                                           \
      (CuGraph g, const CuNode *from, const CuNode *to, const CuEdge *edges, size_t n))            \
    F(GraphAddNode, "cuGraphAddNode_v2",                                                           \
      (CuNode * out, CuGraph g, const CuNode *after, const CuEdge *edges, size_t n_after,          \
       void *params))                                                                              \
    F(GraphConditionalHandleCreate, "cuGraphConditionalHandleCreate",                              \
      (CuCondition * out, CuGraph g, CuContext c, unsigned value, unsigned flags))                 \
    F(FuncLoad, "cuFuncLoad", (CuFunction f))

typedef struct CudaDriver {
    void *handle;
    int   version; /* 12040 is 12.4 */
#define F(field, symbol, parameters) CuResult(*field) parameters;
    CUDA_NEEDED(F) CUDA_OPTIONAL(F)
#undef F
} CudaDriver;

/* Graphs with node attributes, and tensor maps. */
#define CUDA_LEAST_VERSION 12000

/* What dlopen() is asked for: tests put their own driver in its place, before the first use. */
extern const char *cuda_driver_path;

/* The process's driver, initialized once.  On failure *out is NULL and the text says what is
 * missing. */
aotc_status cuda_driver_get(const CudaDriver **out, aotc_error *error);

/* "cuMemAlloc failed: CUDA_ERROR_OUT_OF_MEMORY (out of memory)" */
void        cuda_describe(const CudaDriver *d, CuResult r, const char *call, char *text, size_t n);
aotc_status cuda_error(const CudaDriver *d, CuResult r, const char *call, aotc_error *error);

#endif
