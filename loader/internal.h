/* What the files of the loader share.  package.c opens and checks, model.c loads code, tables.c
 * checks its tables, bind.c checks inputs and sizes, layout.c knows strides and copies, place.c
 * puts inputs and outputs where the code wants them, context.c owns memory, run.c runs, threads.c
 * is the pool, error.c the texts, cuda*.c (cuda.h) what models on a CUDA device need.
 *
 * Threads: packages and models are immutable after creation and counted atomically; a context is
 * one thread's. */
#ifndef AOTC_LOADER_INTERNAL_H
#define AOTC_LOADER_INTERNAL_H

#include "abi/aotc.h"
#include "abi/aotc_model.h"
#include "abi/aotc_package.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Everything the loader copies from untrusted tables is bounded by these. */
#define MAX_MEMBERS 65536
#define MAX_NDIM 64
#define MAX_PARTS 4095

typedef struct Member {
    uint32_t       kind, machine;
    uint64_t       features;
    const char    *name, *target;
    const uint8_t *data; /* mapped */
    uint64_t       size_bytes;
    uint8_t        sha256[32];
} Member;

typedef struct Mapping {
    void  *base;
    size_t size_bytes;
} Mapping;

/* A loaded .so. */
typedef struct Code {
    void                   *handle;
    const aotc_model_table *table;
    const Member           *member;
    struct CudaCode *cuda; /* on the devices where models of it are, under the package's lock */
    struct Code     *next;
} Code;

struct aotc_package {
    atomic_int      refs;
    Mapping        *maps; /* the package file, or one a member of a directory */
    int             n_maps;
    Member         *members;
    int             n_members;
    const Member   *weights;
    char           *strings;
    Code           *codes; /* each loaded once, on demand, under `lock` */
    pthread_mutex_t lock;
};

struct aotc_model {
    atomic_int              refs;
    aotc_package           *package;
    const aotc_model_table *table;
    const aotc_model_entry *entry;
    Code                   *code;
    DLDevice                device;
    struct CudaCode        *cuda; /* NULL: on the CPU */
    struct CuFuncOpaque   **functions;
    const uint8_t          *weights;
    int64_t                *shapes;   /* aotc_tensor_info: shape, min, max of inputs then outputs */
    int                     max_rank; /* of inputs and outputs */
};

/* Memory of a context: where its model runs, or on the host always. */
typedef struct Block {
    void  *memory;
    size_t size_bytes;
    bool   is_host;
    bool   is_pinned; /* on the host, and copied to and from a device without a wait */
} Block;

/* An input or output, and what is known of it since sizes were last bound.  A run with the same
 * sizes recomputes nothing. */
typedef struct Slot {
    const aotc_model_tensor *model;
    uint32_t                 flags;
    uint32_t                 dtype; /* dtype_word() of a tensor that fits */
    int32_t                  rank;
    uint32_t                 item_bytes, align_mask; /* address & align_mask == 0 */
    bool                     is_opaque;              /* None or a string: carries nothing */
    bool                     is_row_major;           /* strides are */
    int64_t                 *sizes, *strides;        /* that the code expects, elements */
    int64_t extent_bytes; /* from the first element to the end of the last; 0: no elements */
    int64_t scalar;       /* SCALAR input: bits of its value */
    bool    is_callers;   /* output: this run writes the caller's memory */
    Block   own;          /* output: memory of the context */
    Block   copy;         /* for a tensor of the caller's with other strides */
    Block   host;         /* CUDA output that is wanted on the CPU: memory of the context */
    bool    is_to_host;
    bool    is_on_host; /* of a CUDA model: the code uses it on the CPU */
} Slot;

struct aotc_context {
    aotc_model         *model;
    aotc_allocator      allocator;
    aotc_threads        threads;
    bool                has_threads;
    bool                has_unbacked; /* symbols that the run sets */
    bool                bound; /* the slots, exprs and memory are those of the sizes in `in` */
    int32_t             n_threads;
    Slot               *in, *out;
    int64_t            *dims; /* what sizes and strides of the slots point into */
    int64_t            *sym, *exprs;
    uint8_t            *sym_set;
    void              **inputs, **outputs, **state, **temporaries;
    Block              *state_blocks;
    Block               arena, scratch;
    Block              *run_blocks; /* host->temporary, kept for the next run */
    int                 n_run_blocks, cap_run_blocks;
    size_t              arena_used;
    aotc_model_frame    frame;
    aotc_model_barrier *barrier;
    aotc_model_failure  failure;
    bool                profile;
    uint64_t            profile_last;
    uint64_t           *profile_total, *profile_min, *profile_runs;
    void               *nothing; /* what pointers of empty tensors point to */
    struct CudaContext *cuda;    /* NULL: on the CPU */
};

/* What pointers of empty tensors point to. */
extern unsigned char loader_nothing[128];

/* A caller's struct may be older and shorter. */
#define HAS_FIELD(s, field)                                                                        \
    ((s)->struct_size >= offsetof(__typeof__(*(s)), field) + sizeof((s)->field))

/* Append-only structs: an array of them steps by the size that its maker knew. */
static inline const aotc_model_entry *table_entry(const aotc_model_table *t, int i)
{
    return (const aotc_model_entry *)((const char *)t->entries +
                                      (size_t)i * t->entries->struct_size);
}

static inline const aotc_model_tensor *table_tensor(const aotc_model_tensor *tensors, int i)
{
    return (const aotc_model_tensor *)((const char *)tensors + (size_t)i * tensors->struct_size);
}

static inline uint32_t dtype_word(DLDataType t)
{
    return (uint32_t)t.code | (uint32_t)t.bits << 8 | (uint32_t)t.lanes << 16;
}

static inline char *tensor_data(const DLTensor *x)
{
    return x->data ? (char *)x->data + x->byte_offset : NULL;
}

/* ---- error.c --------------------------------------------------------------------------------- */
aotc_status error_set(aotc_error *error, aotc_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void error_clear(aotc_error *error);

/* ---- tables.c -------------------------------------------------------------------------------- */
/* Layout version, indices and bounds of everything that the loader will follow. */
aotc_status check_table(const aotc_model_table *table, uint64_t weights_bytes, aotc_error *error);

/* ---- context.c ------------------------------------------------------------------------------- */
/* Grows the block to at least that size, 64-byte aligned; contents are lost.  false: out of memory.
 */
bool block_reserve(aotc_context *c, Block *block, size_t size_bytes);
void block_free(aotc_context *c, Block *block);

/* ---- layout.c -------------------------------------------------------------------------------- */
void row_major(const int64_t *sizes, int rank, int64_t *strides);
/* A copy between two layouts, outermost dim first, steps in bytes; dims that are one run in both
 * tensors are merged, those of size 1 left out. */
typedef struct Copy {
    int     rank;
    size_t  item;
    int64_t sizes[MAX_NDIM], to[MAX_NDIM], from[MAX_NDIM];
} Copy;
/* Strides in elements.  false: there are no elements. */
bool copy_plan(Copy *c, const int64_t *to_strides, const int64_t *from_strides,
               const int64_t *sizes, int rank, size_t item_bytes);
/* Strides and extent of a slot from its sizes and the current expressions.  false: the size
 * overflows. */
bool slot_layout(const aotc_context *c, Slot *slot);
/* Does x have the strides that the code expects, where they count? */
bool has_slot_strides(const Slot *slot, const DLTensor *x);
/* Between two tensors of the same sizes; strides in elements. */
void copy_strided(void *to, const int64_t *to_strides, const void *from,
                  const int64_t *from_strides, const int64_t *sizes, int rank, size_t item_bytes);

/* ---- bind.c ---------------------------------------------------------------------------------- */
/* Checks the inputs; when sizes or scalars changed, solves symbols, checks guards, lays out slots,
 * reserves the arena. */
aotc_status bind_inputs(aotc_context *c, const DLTensor *inputs, aotc_error *error);

/* ---- place.c --------------------------------------------------------------------------------- */
/* Tensors written through a stride of 0 would hold whatever came last. */
bool           overlaps_itself(const Slot *s, const DLTensor *x);
const int64_t *strides_of(const DLTensor *x, int64_t *buffer);
/* Is the output's memory the caller's?  To be asked before the run, which may move what the context
 * handed out. */
bool           is_callers_memory(const aotc_context *c, const Slot *s, const DLTensor *x);
aotc_status    check_output(const aotc_context *c, const Slot *s, const DLTensor *x,
                            aotc_error *error);
void           write_scalar(const aotc_context *c, const aotc_model_tensor *t, void *to);
aotc_status    place_input(aotc_context *c, int i, const DLTensor *x, aotc_error *error);
/* An input that was copied for its strides and then written: back to the caller. */
void           return_input(aotc_context *c, int i, const DLTensor *x);
aotc_status    place_output(aotc_context *c, int i, const DLTensor *x, aotc_error *error);
aotc_status    finish_output(aotc_context *c, int i, const DLTensor *inputs, DLTensor *x,
                             aotc_error *error);
/* Memory of a LATE output, during the run.  NULL: out of memory. */
void          *late_output(aotc_context *c, int i, const int64_t *sizes);

/* ---- run.c ----------------------------------------------------------------------------------- */
extern const aotc_model_host host_table;
/* Memory for this run; is_pinned: on the CPU, for a model on a device. NULL: out of memory. */
void                        *run_memory(aotc_context *c, uint64_t bytes, bool is_pinned);
/* The time from which the next kernel is timed. */
void                         profile_start(aotc_context *c);
/* c->failure as a status and text. */
aotc_status                  report_failure(const aotc_context *c, aotc_error *error);

/* ---- threads.c ------------------------------------------------------------------------------- */
/* Runs task(cx, i, n) for i in 0..n-1 at the same time on the caller and pool workers, n at most
 * `want`: fewer when no more threads can be made.  `prepare` is called with the final n before any
 * task starts. */
void pool_run(int32_t want, void (*prepare)(void *cx, int32_t n),
              void (*task)(void *cx, int32_t i, int32_t n), void *cx);

#endif
