/* aotc: open and run compiled models.  The public interface of libaotc; nothing else is needed to
 * use a .pt2pkg.
 *
 *   aotc_error error = {.struct_size = sizeof error};
 *   aotc_package *package; aotc_model *model; aotc_context *context;
 *   aotc_package_open("model.pt2pkg", NULL, &package, &error);
 *   aotc_model_load(package, NULL, &model, &error);
 *   aotc_context_create(model, NULL, &context, &error);
 *   aotc_run(context, inputs, n_inputs, outputs, n_outputs, NULL, &error);
 *
 * Tensors are DLPack views.  Packages and models may be used from any thread; a context by one
 * thread at a time.  A package is native code: open only what you trust.  Every function returns a
 * status; on failure the text is in *error (which may be NULL).  Nothing here exits, aborts or
 * prints. */
#ifndef AOTC_H
#define AOTC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* DLPack (https://dmlc.github.io/dlpack), version 1.0: the same definitions as dlpack.h, used when
 * it is not included. */
#ifndef DLPACK_DLPACK_H_
#define DLPACK_DLPACK_H_
#define DLPACK_MAJOR_VERSION 1
#define DLPACK_MINOR_VERSION 0
typedef enum { kDLCPU = 1, kDLCUDA = 2, kDLCUDAHost = 3, kDLCUDAManaged = 13 } DLDeviceType;
typedef struct {
    DLDeviceType device_type;
    int32_t      device_id;
} DLDevice;
typedef enum {
    kDLInt = 0,
    kDLUInt = 1,
    kDLFloat = 2,
    kDLOpaqueHandle = 3,
    kDLBfloat = 4,
    kDLComplex = 5,
    kDLBool = 6,
    kDLFloat8_e4m3fn = 10,
    kDLFloat8_e5m2 = 12
} DLDataTypeCode;
typedef struct {
    uint8_t  code, bits;
    uint16_t lanes;
} DLDataType;
typedef struct {
    void      *data;
    DLDevice   device;
    int32_t    ndim;
    DLDataType dtype;
    int64_t   *shape;
    int64_t   *strides; /* elements; NULL: row-major */
    uint64_t   byte_offset;
} DLTensor;
#endif

#define AOTC_VERSION_MAJOR 0
#define AOTC_VERSION_MINOR 1

#if defined(_WIN32)
#define AOTC_API
#else
#define AOTC_API __attribute__((visibility("default")))
#endif

typedef enum aotc_status {
    AOTC_OK = 0,
    AOTC_E_ARGUMENT = 1, /* a NULL, a bad index, a wrong count */
    AOTC_E_IO = 2,       /* a file cannot be read */
    AOTC_E_FORMAT = 3,   /* the package is malformed */
    AOTC_E_VERSION = 4,  /* made for another ABI version */
    AOTC_E_TARGET = 5,   /* no code for this machine: text says what is needed and what is there */
    AOTC_E_GUARD = 6,    /* an input does not fit: dtype, rank, size, range, guard */
    AOTC_E_MEMORY = 7,   /* the allocator returned NULL */
    AOTC_E_ASSERT = 8,   /* an assertion of the model failed, or an index was out of bounds */
    AOTC_E_DEVICE = 9,   /* CUDA: text has the function, the driver's name of the error, its text */
    AOTC_E_UNSUPPORTED = 10 /* this build of the loader cannot do it */
} aotc_status;

/* Caller-owned. text is cut at its end when too long. */
typedef struct aotc_error {
    uint32_t    struct_size;
    aotc_status status;
    char        text[512];   /* what is wrong, with values */
    char        node[128];   /* node of the export, or "" */
    char        op[96];      /* its operator, or "" */
    char        python[256]; /* "model.py:41  out = …", or "" */
} aotc_error;

typedef struct aotc_package aotc_package;
typedef struct aotc_model   aotc_model;
typedef struct aotc_context aotc_context;

/* Memory for contexts (arenas, outputs). alignment is a power of two, at most 4096. Thread safe. */
typedef struct aotc_allocator {
    uint32_t struct_size;
    void *(*allocate)(void *cx, size_t bytes, size_t alignment);
    void (*release)(void *cx, void *memory, size_t bytes);
    void *cx;
    /* Memory of a CUDA device (its primary context is current); NULL: cuMemAlloc and cuMemFree.
     * What is released is no longer in use by the device.  Both or none. */
    void *(*allocate_device)(void *cx, int32_t device_id, size_t bytes, size_t alignment);
    void (*release_device)(void *cx, int32_t device_id, void *memory, size_t bytes);
} aotc_allocator;

/* Threads brought by the caller: runs task(task_cx, i, n) for i in 0..n-1, all at the same time
 * (they synchronize among themselves), and returns when all are done. */
typedef struct aotc_threads {
    uint32_t struct_size;
    void (*parallel)(void *cx, void (*task)(void *task_cx, int32_t i, int32_t n), void *task_cx,
                     int32_t n);
    void   *cx;
    int32_t n_threads;
} aotc_threads;

typedef struct aotc_open_options {
    uint32_t struct_size;
    uint32_t check_weights; /* 1: compare the content hash of the weights too (reads all of them) */
} aotc_open_options;

typedef enum aotc_cuda_graph {
    AOTC_CUDA_GRAPH_AUTO = 0, /* a run whose sizes come for the second time is recorded, where the
                                 model allows it; else it is counted as a skip, with the reason */
    AOTC_CUDA_GRAPH_OFF = 1,
    AOTC_CUDA_GRAPH_ON = 2 /* recorded at the first run; a run that can be no graph fails */
} aotc_cuda_graph;

typedef struct aotc_context_options {
    uint32_t struct_size;
    int32_t
        n_threads; /* 0: 1. Threads come from one pool of the process unless `threads` is given */
    const aotc_allocator *allocator; /* NULL: malloc */
    const aotc_threads   *threads;   /* NULL: the process pool */
    uint64_t              seed;      /* of random operators */
    /* CUDA models: */
    aotc_cuda_graph       cuda_graph;
    int32_t n_cuda_graphs; /* kept at most, one for each combination of sizes; the one not
                              used for longest makes room.  0: 32 */
} aotc_context_options;

/* Where a model is to run. */
typedef struct aotc_load_options {
    uint32_t    struct_size;
    int32_t     device_type; /* kDLCPU, kDLCUDA; 0: CUDA where a device has code in the package,
                                else the CPU */
    int32_t     device_id;   /* with kDLCUDA: this device and no other; -1: the first that fits */
    int32_t     reserved;
    const char *target; /* "x86-64-v3", "cuda": this library and no other; NULL: the best */
} aotc_load_options;

/* ---- packages and models --------------------------------------------------------------------- */
AOTC_API const char *aotc_version(void);

/* A .pt2pkg file or an unpacked directory.  Everything but weight contents is checked here; weights
 * are mapped, not read. */
AOTC_API aotc_status aotc_package_open(const char *path, const aotc_open_options *options,
                                       aotc_package **out, aotc_error *error);
/* The descriptor may be closed afterwards. */
AOTC_API aotc_status aotc_package_open_fd(int fd, const aotc_open_options *options,
                                          aotc_package **out, aotc_error *error);
/* memory stays the caller's, 64-byte aligned, and must outlive the package. */
AOTC_API aotc_status aotc_package_open_memory(const void *memory, size_t size_bytes,
                                              const aotc_open_options *options, aotc_package **out,
                                              aotc_error *error);
/* Models made from it stay valid. */
AOTC_API void        aotc_package_close(aotc_package *package);

AOTC_API int32_t     aotc_package_n_entries(const aotc_package *package);
AOTC_API const char *aotc_package_entry_name(const aotc_package *package, int32_t index);

/* entry NULL: the only or first one.  Picks the best target for this machine. */
AOTC_API aotc_status aotc_model_load(aotc_package *package, const char *entry, aotc_model **out,
                                     aotc_error *error);
/* The same with a choice; nothing else than what is asked for is loaded.  AOTC_E_TARGET: the text
 * says what the package has and what this machine has. */
AOTC_API aotc_status aotc_model_load_for(aotc_package *package, const char *entry,
                                         const aotc_load_options *options, aotc_model **out,
                                         aotc_error *error);
/* "x86-64-v3", "cuda"; the device that inputs and outputs live on, but for those that
 * aotc_tensor_info.device says are on the CPU. */
AOTC_API const char *aotc_model_target(const aotc_model *model);
AOTC_API DLDevice    aotc_model_device(const aotc_model *model);
AOTC_API void        aotc_model_retain(aotc_model *model);
AOTC_API void        aotc_model_release(aotc_model *model);

/* dtype kDLOpaqueHandle stands for None and strings: such an input is not looked at, such an output
 * has no data. */
typedef struct aotc_tensor_info {
    uint32_t       struct_size;
    const char    *name; /* as exported */
    DLDataType     dtype;
    int32_t        ndim;
    const int64_t *shape;     /* -1 where dynamic */
    const int64_t *shape_min; /* bounds, inclusive */
    const int64_t *shape_max; /* INT64_MAX: open */
    int32_t
        is_scalar; /* a Python number, passed as a 0-d int64, float64 or bool tensor on the CPU */
    int32_t  is_mutated;  /* input: the model writes it */
    int32_t  is_literal;  /* input: must have the exported value */
    int32_t  same_as;     /* output: index of the input whose memory it is, or -1 */
    int64_t  literal_int; /* is_literal: the value, of bool too */
    double   literal_float;
    /* Where the code uses it.  CUDA: it may be given on the CPU too, and is copied.  CPU in a CUDA
     * model: a number, or a tensor that the export has on the CPU, where it must be given; see
     * aotc_run(). */
    DLDevice device;
} aotc_tensor_info;

AOTC_API int32_t     aotc_model_n_inputs(const aotc_model *model);
AOTC_API int32_t     aotc_model_n_outputs(const aotc_model *model);
AOTC_API aotc_status aotc_input_info(const aotc_model *model, int32_t index, aotc_tensor_info *out);
AOTC_API aotc_status aotc_output_info(const aotc_model *model, int32_t index,
                                      aotc_tensor_info *out);

/* Sizes that fit together.  shapes[i]: ndim sizes of input i, -1 where none is wanted in
 * particular: a free size becomes the least that the model takes, one that follows from others is
 * computed. What is given stays, also where a run would refuse it; numbers count as their literal
 * or 0. AOTC_E_GUARD: a size overflows.  Any thread. */
AOTC_API aotc_status aotc_complete_shapes(const aotc_model *model, int64_t *const *shapes,
                                          aotc_error *error);

/* ---- running --------------------------------------------------------------------------------- */
AOTC_API aotc_status aotc_context_create(aotc_model *model, const aotc_context_options *options,
                                         aotc_context **out, aotc_error *error);
AOTC_API void        aotc_context_destroy(aotc_context *context);

/* Queues one run on `stream`; returns before the device is done (a CPU model: when all is done).
 * A CUDA model waits where the host needs something: a size that comes from data, an output or a
 * changed input that the caller gave on the CPU.  Inputs that it uses on the CPU
 * (aotc_tensor_info.device) are read where they lie while the run goes on: they stay as they are
 * until it is done.
 *
 * inputs   n_inputs DLPack views in the order of aotc_input_info(); sizes obey the model's
 * constraints (checked), any strides; data stays the caller's and is written only where is_mutated.
 * outputs  n_outputs DLPack views.  data NULL: data, shape, strides, dtype and device are set by
 * the context, which owns the memory until its next run or its end.  data given: shape (and
 * strides, NULL is row-major) must fit.  CUDA models: device kDLCPU and data NULL asks for the
 * values on the CPU; the run waits for them.
 * stream   CUstream, NULL for the default one; ignored by CPU models.  May be capturing: then the
 * run becomes part of the capture, which may be launched until the context's end.
 *
 * AOTC_E_GUARD: a constraint failed, error->text names input, dim, value and bound.  After a
 * failure the context can be used again.  Allocates nothing once sizes have been seen before. */
AOTC_API aotc_status aotc_run(aotc_context *context, const DLTensor *inputs, int32_t n_inputs,
                              DLTensor *outputs, int32_t n_outputs, void *stream,
                              aotc_error *error);

/* CUDA models: waits for the runs of this context and reports what failed in them on the device.
 * Without it, the next aotc_run() reports such a failure, and does nothing else. */
AOTC_API aotc_status aotc_synchronize(aotc_context *context, aotc_error *error);

/* CUDA graphs of a context.  A replay is a run by a graph; an update is a replay for which
 * addresses or numbers in the graph were changed first. */
typedef struct aotc_graph_counters {
    uint32_t    struct_size;
    int32_t     n_graphs; /* kept now */
    uint64_t    captures, replays, updates, evictions;
    uint64_t    skips;       /* runs without a graph where the policy allows one, but for the first
                                of their sizes */
    const char *skip_reason; /* of the last skip, or ""; valid until the context's end */
} aotc_graph_counters;
AOTC_API aotc_status aotc_context_graph_counters(const aotc_context  *context,
                                                 aotc_graph_counters *out);

/* Mutable buffers (KV caches, counters) as named views that stay valid until the context's end. */
AOTC_API int32_t     aotc_context_n_state(const aotc_context *context);
AOTC_API aotc_status aotc_context_state(aotc_context *context, int32_t index, const char **name,
                                        DLTensor *out);
/* Back to the exported values. */
AOTC_API aotc_status aotc_context_reset(aotc_context *context, aotc_error *error);
AOTC_API void        aotc_context_seed(aotc_context *context, uint64_t seed);

/* Bytes of arena that the last run used, and bytes that the context holds now. */
AOTC_API size_t aotc_context_arena_bytes(const aotc_context *context);
AOTC_API size_t aotc_context_held_bytes(const aotc_context *context);

/* ---- profiling ------------------------------------------------------------------------------- */
typedef struct aotc_kernel_info {
    uint32_t    struct_size;
    const char *name;
    const char *nodes;  /* nodes of the export in it */
    const char *python; /* line of the first, or "" */
    double      flops;  /* at the sizes of the last run; 0 when unknown */
    double      bytes;  /* read and written */
    uint64_t    runs;   /* since profiling was switched on */
    uint64_t    total_ns;
    uint64_t    min_ns;
} aotc_kernel_info;

AOTC_API void        aotc_context_profile(aotc_context *context,
                                          int32_t       on); /* switching on clears the counts */
AOTC_API int32_t     aotc_context_n_kernels(const aotc_context *context);
AOTC_API aotc_status aotc_context_kernel(const aotc_context *context, int32_t index,
                                         aotc_kernel_info *out);

AOTC_API const char *aotc_status_name(aotc_status status); /* "AOTC_E_GUARD" */

#ifdef __cplusplus
}
#endif
#endif
