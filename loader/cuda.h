/* What the CUDA files of the loader share.  cuda_driver.c is the driver, cuda_device.c devices and
 * their memory, cuda_code.c modules and weights, cuda_context.c what a context has on a device,
 * cuda_place.c inputs and outputs, cuda_run.c a run and the services it calls, cuda_profile.c
 * times, cuda_graph.c and cuda_record.c graphs, cuda_operator.c custom operators, cuda_host.c what
 * runs on the CPU.
 *
 * Only primary contexts are used, made current around calls, so that another user of the device in
 * the process is not disturbed. */
#ifndef AOTC_LOADER_CUDA_H
#define AOTC_LOADER_CUDA_H

#include "loader/cuda_driver.h"
#include "loader/internal.h"

/* ---- cuda_device.c --------------------------------------------------------------------------- */
typedef struct CudaDevice {
    const CudaDriver  *driver;
    int                refs; /* under the lock of cuda_device.c */
    int                ordinal;
    CuDevice           device;
    CuContext          context;
    int                major, minor, n_sm, max_shared, l2_bytes;
    CuStream           stream; /* for uploads */
    CuModule           helpers, conditions;
    CuFunction         copy_strided, rng_set, rng_next;
    CuFunction         condition; /* NULL: no conditional nodes with this driver */
    struct CudaDevice *next;
} CudaDevice;

typedef struct CudaDeviceInfo {
    char name[128];
    int  sm; /* compute capability, major * 10 + minor */
} CudaDeviceInfo;

extern const char cuda_helpers_ptx[], cuda_condition_ptx[];

aotc_status cuda_device_info(int ordinal, CudaDeviceInfo *out, aotc_error *error);
int         cuda_n_devices(void); /* 0 when there is no driver */
aotc_status cuda_device_open(int ordinal, CudaDevice **out, aotc_error *error);
void        cuda_device_close(CudaDevice *d);

/* The device's context made current, when it is not; and what was current before.  `is_slow`: calls
 * follow that a stream capture of another thread would forbid (allocations, modules). */
typedef struct CudaScope {
    const CudaDriver *driver;
    bool              is_pushed, is_slow;
    int               capture_mode;
} CudaScope;
CuResult cuda_enter(const CudaDevice *d, CudaScope *scope, bool is_slow);
void     cuda_leave(CudaScope *scope);

/* ---- cuda_code.c ----------------------------------------------------------------------------- */
/* A library's modules and weights on one device, shared by its models. */
typedef struct CudaCode {
    int              refs; /* under the package's lock */
    CudaDevice      *device;
    int              sm; /* of the images */
    int              n_parts;
    CuModule        *modules;
    CuAddress        weights; /* what models read, from weights_first on; 0: nothing */
    uint64_t         weights_first;
    struct CudaCode *next;
} CudaCode;

bool        is_cuda_table(const aotc_model_table *t);
/* The sm and flags of the images that run on such a device; false: none does. */
bool        cuda_choose_image(const aotc_model_table *t, int device_sm, int *sm, uint32_t *flags);
/* "sm_80, sm_90a" */
void        cuda_image_names(const aotc_model_table *t, char *text, size_t n);
aotc_status cuda_code_open(aotc_package *p, Code *code, int ordinal, CudaCode **out,
                           aotc_error *error);
void        cuda_code_close(aotc_package *p, Code *code, CudaCode *c);
aotc_status cuda_find_functions(const CudaCode *c, const aotc_model_entry *e, CuFunction **out,
                                aotc_error *error);

/* ---- cuda_graph.c ---------------------------------------------------------------------------- */
enum { NODE_LAUNCH, NODE_COPY, NODE_FILL, NODE_ENTER, NODE_LEAVE, NODE_CALL, NODE_HOST };
enum { COPY_ON_DEVICE, COPY_UP, COPY_DOWN };

typedef void (*HostFunction)(const aotc_model_frame *f, int32_t thread);
typedef struct HostCall HostCall; /* cuda_host.c */

/* What the service `call` is given. */
typedef int32_t (*OperatorFunction)(void *stream, char *message, uint64_t message_bytes,
                                    const void *args);
typedef struct OperatorCall {
    OperatorFunction function;
    int32_t          kernel;
    const void      *args;
    uint32_t         args_bytes;
} OperatorCall;

/* One call of a service, as the graph has it. */
typedef struct GraphNode {
    int               kind;
    CuNode            node;
    aotc_model_launch launch;
    uint32_t          args_offset, args_bytes; /* in Graph.args */
    OperatorFunction  function;                /* CALL */
    void             *to;                      /* FILL, COPY */
    const void       *from;                    /* COPY; ENTER: the flag */
    uint64_t          n;                       /* COPY: bytes; FILL: elements */
    uint32_t          value, item_bytes;       /* FILL; ENTER: branch; COPY: direction */
    HostCall         *call;                    /* HOST */
} GraphNode;

/* What is known of runs of one combination of sizes. */
typedef struct Graph {
    int64_t       *sizes;     /* values of the symbols that dims define */
    int64_t       *sym;       /* all symbols at the last recording or update */
    void         **addresses; /* and all addresses */
    uint64_t       last_used;
    uint32_t       n_runs;
    const char    *skip_reason; /* it cannot be a graph */
    CuGraph        graph;
    CuExec         exec;
    bool           uses_rng;
    bool           has_bodies; /* of conditional nodes */
    GraphNode     *nodes;
    int            n_nodes, cap_nodes;
    unsigned char *args;
    uint32_t       n_args, cap_args;
} Graph;

typedef struct Recorder {
    Graph      *graph;
    int         cursor; /* UPDATE: the next call is nodes[cursor] */
    int         n_changed;
    bool        is_different; /* UPDATE: the calls are others: record again */
    bool        is_left_loop; /* the next enter() is the loop's condition again */
    const char *refusal;      /* RECORD: it can be no graph */
    int         depth;
    struct {
        CuGraph     graph;
        CuNode      last; /* NULL: none */
        bool        last_is_launch;
        int32_t     branch; /* that opened it */
        CuCondition handle;
        const void *flag;
    } levels[8];
} Recorder;

/* ---- cuda_context.c -------------------------------------------------------------------------- */
enum { MODE_PLAIN, MODE_RECORD, MODE_UPDATE };

/* Memory that host and device see. */
typedef struct CudaShared {
    aotc_model_device_failure failure;
    _Alignas(256) unsigned char staging[256]; /* for read() */
    uint64_t rng[2];                          /* for host functions that draw */
} CudaShared;

typedef struct EventPair {
    CuEvent from, to;
    int32_t kernel;
} EventPair;

typedef struct CudaContext {
    const CudaDriver   *driver;
    CudaDevice         *device;
    CuFunction         *functions; /* the model's */
    aotc_model_cuda     services;
    CudaShared         *shared;
    CuStream            stream;       /* of this run */
    CuStream            last_stream;  /* of the last one */
    CuStream            capture;      /* of custom operators, or NULL */
    CuEvent             order;        /* between runs on different streams */
    bool                is_pending;   /* work may still be running on last_stream */
    bool                is_running;   /* a run is queueing */
    bool                is_capturing; /* `stream` belongs to a capture of the caller */
    bool                is_refused;   /* memory was needed in a capture */
    bool                must_wait;    /* this run has something for the host */
    int                 mode;
    Block               small; /* 64 bytes for empty tensors at 0, {seed, offset} at 256 */
    uint64_t           *rng;
    bool                is_rng_set; /* the device's values will be rng_seed, rng_offset */
    uint64_t            rng_seed, rng_offset;
    bool                uses_rng;                 /* this run */
    Block               staging;                  /* on the host: tensors with other strides */
    bool                is_staging_read;          /* a queued copy may still read it */
    Block               host_arena, host_scratch; /* of what runs on the CPU */
    HostCall           *host_calls;
    char                message[256]; /* of a failure */
    char                refusal[192]; /* of the driver: a skip's reason */
    aotc_cuda_graph     policy;
    int                 n_sizes; /* symbols that dims define: */
    int32_t            *size_symbols;
    int                 n_addresses;
    Graph              *graphs, *current; /* current: of the bound sizes, or NULL */
    int                 n_graphs, most_graphs;
    uint64_t            clock;
    Recorder            recorder;
    aotc_graph_counters counters;
    EventPair          *events;
    int                 n_events, cap_events;
    uint64_t           *profile_run; /* ns of each kernel in this run */
} CudaContext;

static inline CuAddress address(const void *p)
{
    return (CuAddress)(uintptr_t)p;
}

aotc_status cuda_context_create(aotc_context *c, const aotc_context_options *o, aotc_error *error);
void        cuda_context_destroy(aotc_context *c);
/* Waits for what the context has queued. */
CuResult    cuda_settle(CudaContext *u);
/* NULL: out of memory, or in a capture (is_refused). */
void       *cuda_allocate(aotc_context *c, size_t bytes);
void        cuda_release(aotc_context *c, void *memory, size_t bytes);
/* The same of pinned memory on the CPU. */
void       *cuda_allocate_pinned(aotc_context *c, size_t bytes);
void        cuda_release_pinned(aotc_context *c, void *memory);
aotc_status cuda_upload(const CudaDevice *d, CuAddress to, const void *from, size_t bytes,
                        aotc_error *error);
/* A failure that the device left, into c->failure; false: none. */
bool        cuda_take_failure(aotc_context *c);
/* The first failure of the run. */
void        cuda_fail(aotc_context *c, CuResult r, const char *call, int32_t kernel);
void        cuda_fail_text(aotc_context *c, const char *text);

/* ---- cuda_place.c ---------------------------------------------------------------------------- */
bool        cuda_takes_device(const aotc_context *c, const Slot *s, DLDevice device);
aotc_status cuda_place_input(aotc_context *c, int i, const DLTensor *x, aotc_error *error);
aotc_status cuda_return_input(aotc_context *c, int i, const DLTensor *x, aotc_error *error);
aotc_status cuda_place_output(aotc_context *c, int i, const DLTensor *x, aotc_error *error);
aotc_status cuda_finish_output(aotc_context *c, int i, const DLTensor *inputs, DLTensor *x,
                               aotc_error *error);

/* ---- cuda_run.c ------------------------------------------------------------------------------ */
aotc_status cuda_run(aotc_context *c, const DLTensor *inputs, DLTensor *outputs, CuStream stream,
                     aotc_error *error);
void        cuda_fill_services(aotc_context *c, int sm);
void        cuda_run_plain(aotc_context *c);
CuResult    cuda_launch_helper(CudaContext *u, CuFunction f, unsigned blocks, unsigned threads,
                               void **params);
/* {seed, offset} on the device are what this run must see. */
void        cuda_set_rng(aotc_context *c);
bool        cuda_reads_rng(const CudaContext *u, const void *args, uint32_t bytes);

/* ---- cuda_profile.c -------------------------------------------------------------------------- */
/* Events around the next launch of that kernel; NULL: failed. */
EventPair  *cuda_next_events(aotc_context *c, int32_t kernel);
aotc_status cuda_collect_events(aotc_context *c, aotc_error *error);
void        cuda_free_events(CudaContext *u);

/* ---- cuda_graph.c ---------------------------------------------------------------------------- */
/* Runs the bound sizes, by a graph where there is one.  Other failures are in c->failure. */
aotc_status cuda_run_graph(aotc_context *c, aotc_error *error);
void        cuda_free_graphs(aotc_context *c);
/* Other parameters of a node of g, for later launches. */
CuResult    graph_set_kernel(const CudaContext *u, const Graph *g, CuNode n, const CuKernelNode *p);
CuResult    graph_set_copy(const CudaContext *u, const Graph *g, CuNode n, const CuCopyNode *p);
CuResult    graph_set_fill(const CudaContext *u, const Graph *g, CuNode n, const CuMemsetNode *p);

/* ---- cuda_record.c --------------------------------------------------------------------------- */
/* The graph's nodes from one walk through the plan; false: g->skip_reason or c->failure says why.
 */
bool    graph_record(aotc_context *c, Graph *g);
/* Another walk, which changes nodes of g->exec where arguments differ.  false: it must be recorded
 * again, or c->failure. */
bool    graph_update(aotc_context *c, Graph *g);
void    graph_drop(CudaContext *u, Graph *g);
/* Services during such a walk. */
void    graph_launch(aotc_context *c, const aotc_model_launch *l, const void *args, uint32_t bytes);
void    graph_copy(aotc_context *c, int direction, void *to, const void *from, uint64_t bytes);
void    graph_fill(aotc_context *c, void *to, uint32_t value, uint32_t item_bytes, uint64_t n);
int32_t graph_enter(aotc_context *c, int32_t branch, const void *flag);
void    graph_leave(aotc_context *c);
void    graph_refuse(aotc_context *c, const char *why);
/* The driver would not: the run goes on without a graph, and the reason is counted. */
void    graph_refuse_result(aotc_context *c, CuResult r, const char *call);
/* Of graph_call(): a new node of the list (NULL: out of memory), its arguments kept; the node that
 * the graph has in this place, when it is of that kind; the driver's answer. */
GraphNode *graph_new_node(aotc_context *c, Graph *g, int kind);
bool graph_keep_args(aotc_context *c, Graph *g, GraphNode *n, const void *args, uint32_t bytes);
GraphNode *graph_next_node(Recorder *r, int kind);
void       graph_note_added(aotc_context *c, CuResult result, CuNode node, const char *call);

/* ---- cuda_operator.c ------------------------------------------------------------------------- */
/* On the stream of a plain run; in a walk for a graph. */
void cuda_call_operator(aotc_context *c, const OperatorCall *call);
void graph_call(aotc_context *c, const OperatorCall *call);

/* ---- cuda_host.c ----------------------------------------------------------------------------- */
/* Does a part of the model run on the CPU? */
bool        has_host_part(const aotc_context *c);
aotc_status cuda_reserve_host(aotc_context *c, aotc_error *error);
/* Services: on the stream of a plain run, or in a walk for a graph. */
void        cuda_host(aotc_context *c, int32_t kernel, HostFunction function, uint32_t flags);
void    cuda_transfer(aotc_context *c, int direction, void *to, const void *from, uint64_t bytes);
int32_t cuda_wait(aotc_context *c);
void    graph_host(aotc_context *c, HostFunction function, uint32_t flags);
/* A node of a graph does not need it any more. */
void    cuda_release_call(HostCall *call);
void    cuda_free_calls(CudaContext *u);

#endif
