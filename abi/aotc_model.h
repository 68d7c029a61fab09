/* What generated code and the loader share.  A model's .so exports one symbol, aotc_model_query(),
 * and gives const tables.
 *
 * Append-only: structs start with their size, fields are added at the end, meanings never change.
 * All sizes are in bytes or elements as named.  tests/abi/ has a model written by hand against this
 * header. */
#ifndef AOTC_MODEL_H
#define AOTC_MODEL_H

#include <stddef.h>
#include <stdint.h>

/* 2: CUDA models.  3: CUDA models with custom operators.  4: CUDA models a part of which runs on
 * the CPU.  5: CUDA models with convolutions on warpgroup instructions.  A table says the least
 * version that it needs: CPU models stay at 1. */
#define AOTC_MODEL_ABI 5u

/* ---- tensors --------------------------------------------------------------------------------- */
enum {
    AOTC_DIM_CONST = 0,  /* value */
    AOTC_DIM_SYMBOL = 1, /* defines sym[index]: dim == value * sym[index] + add; inputs only;
                            divisibility is checked */
    AOTC_DIM_EXPR = 2    /* exprs[index] */
};

typedef struct aotc_model_dim {
    int32_t kind, index;
    int64_t value, add;
} aotc_model_dim;

enum {
    AOTC_TENSOR_SCALAR =
        1, /* a Python number: 0-d on the CPU; its value is sym[symbol] (input) or exprs[expr] */
    AOTC_TENSOR_MUTATED = 2, /* input that the model writes */
    AOTC_TENSOR_LITERAL = 4, /* input that must equal literal_int or literal_float (by dtype) */
    AOTC_TENSOR_LATE =
        8, /* output whose sizes hold unbacked symbols: memory comes from host->output */
    AOTC_TENSOR_UNUSED = 16,   /* input that no code reads: checked all the same */
    AOTC_TENSOR_SYM_FLOAT = 32 /* SCALAR: sym holds the bits of a double */
};

typedef struct aotc_model_tensor {
    uint32_t              struct_size;
    uint32_t              flags;
    const char           *name;
    uint8_t               code, bits; /* DLPack dtype */
    int16_t               device;     /* DLPack device type.  ABI 4: in a CUDA model, what is not
                                         SCALAR and says CPU is used there */
    int32_t               rank;
    const aotc_model_dim *dims;    /* rank of them */
    const aotc_model_dim *strides; /* elements; NULL: row-major.  What the code expects: the loader
                                      copies otherwise */
    int32_t               symbol;  /* SCALAR input: slot, or -1 */
    int32_t               expr;    /* SCALAR output: exprs index, or -1 */
    int32_t               same_as; /* output: input that it is, or -1 */
    int32_t               reserved;
    int64_t               literal_int;
    double                literal_float;
} aotc_model_tensor;

typedef struct aotc_model_symbol {
    const char *name;
    int64_t     min, max; /* inclusive; INT64_MAX: open */
    int32_t     is_unbacked, is_float;
} aotc_model_symbol;

/* exprs[expr] must not be 0. */
typedef struct aotc_model_guard {
    const char *text;
    int32_t     expr;
    int32_t     reserved;
} aotc_model_guard;

enum {
    AOTC_CONSTANT_STATE = 1, /* mutable: copied into each context */
    AOTC_CONSTANT_HOST = 2   /* ABI 4: in a CUDA model, used on the CPU alone */
};

typedef struct aotc_model_constant {
    const char    *name;               /* fully qualified, or "folded.3" */
    uint64_t       offset, size_bytes; /* in the package's weights; offset is a multiple of 64 */
    uint8_t        code, bits;
    uint16_t       flags;
    int32_t        rank;
    const int64_t *sizes;
    int32_t        state;  /* STATE: slot in frame->state, else -1 */
    int32_t        folded; /* output of the fold entry that makes it, or -1: bytes of the export */
} aotc_model_constant;

typedef struct aotc_model_kernel {
    const char *name, *nodes, *node, *op, *python;
    int32_t     flops, bytes; /* exprs indices, -1 unknown */
} aotc_model_kernel;

/* ---- running --------------------------------------------------------------------------------- */
enum {
    AOTC_FAIL_ASSERT = 1,
    AOTC_FAIL_INDEX = 2,
    AOTC_FAIL_MEMORY = 3,
    AOTC_FAIL_DEVICE = 4,
    AOTC_FAIL_MATRIX = 5 /* a factorization: value is its info, bound the matrix's place in the
                            batch (-1: none), message PyTorch's name of the function */
};

/* First failure of a run; code is set last, atomically. */
typedef struct aotc_model_failure {
    int32_t     code;
    int32_t     kernel;       /* index in the entry's kernels, or -1 */
    int64_t     value, bound; /* INDEX, MATRIX */
    const char *message;
} aotc_model_failure;

/* Barrier of the run's threads: sense counting, see aotc_model_barrier_wait in the emitted prelude.
 */
typedef struct aotc_model_barrier {
    uint32_t waiting, generation; /* accessed atomically */
    char     pad[56];
} aotc_model_barrier;

typedef struct aotc_model_frame aotc_model_frame;

/* ---- CUDA (ABI 2) ---------------------------------------------------------------------------- */
/* Device code of a model.  The loader takes the image that runs on the device with the highest sm:
 * an EXACT one only where the compute capability is equal (sm_90a), a cubin where the major number
 * is equal and the minor one not lower, PTX (compiled by the driver) where the device is not older.
 */
enum {
    AOTC_IMAGE_EXACT = 1, /* architecture-specific: this compute capability alone */
    AOTC_IMAGE_PTX = 2    /* NUL-terminated text */
};

typedef struct aotc_model_image {
    int32_t              sm; /* compute capability, major * 10 + minor */
    uint32_t             flags;
    int32_t              part; /* the code of one sm comes in parts, each a module of its own */
    int32_t              reserved;
    const unsigned char *data, *end;
} aotc_model_image;

/* One __global__ function. */
typedef struct aotc_model_function {
    const char *name;
    int32_t     part;             /* of the image that holds it */
    int32_t     max_shared_bytes; /* dynamic shared memory of a launch at most; above 48 KiB the
                                     loader opts in */
} aotc_model_function;

/* First failure on the device since the loader last looked: memory that both sides see.  code is
 * taken by atomicCAS, then the rest is written, then `ready`. */
typedef struct aotc_model_device_failure {
    int32_t code;   /* AOTC_FAIL_… */
    int32_t kernel; /* index in the entry's kernels */
    int64_t value, bound;
    int32_t ready;
    char    message[100]; /* "index" */
} aotc_model_device_failure;

enum {
    AOTC_LAUNCH_EARLY =
        1 /* may start before the launch in front of it has ended: it waits itself
             (griddepcontrol.wait) before it touches what that one wrote; sm_90 on */
};

typedef struct aotc_model_launch {
    int32_t  function; /* index in the entry's functions */
    int32_t  kernel;   /* index in the entry's kernels, for profiles and messages */
    uint32_t grid[3], block[3], cluster[3]; /* cluster: 0 is 1 */
    uint32_t shared_bytes;                  /* dynamic */
    uint32_t flags;
} aotc_model_launch;

enum { AOTC_HOST_RANDOM = 1 /* of host(): the function reads seed and offset */ };

enum { AOTC_BRANCH_IF = 0, AOTC_BRANCH_UNLESS = 1, AOTC_BRANCH_WHILE = 2 };

/* Services of the loader for a run on a CUDA device.  The run function goes through the plan once,
 * on one thread; each call queues work in order (on a stream, or as nodes of a graph that the
 * loader keeps: the model cannot tell).  After a failure every call does nothing and run returns
 * when it likes; frame->failure has what happened.  Addresses are of the device. */
typedef struct aotc_model_cuda {
    uint32_t                   struct_size;
    int32_t                    sm;         /* compute capability of the image in use */
    int32_t                    n_sm;       /* multiprocessors */
    int32_t                    max_shared; /* dynamic shared memory that a block may have */
    int32_t                    l2_bytes;
    int32_t                    reserved;
    aotc_model_device_failure *failure; /* device address, for kernels that check something */
    /* args: the one parameter of the function, args_bytes (multiple of 8, at most 4096; 0: none).
     * A grid with a 0 in it launches nothing. */
    void (*launch)(const aotc_model_frame *f, const aotc_model_launch *launch, const void *args,
                   uint32_t args_bytes);
    void (*copy)(const aotc_model_frame *f, void *to, const void *from, uint64_t bytes);
    /* count elements of item_bytes (1, 2 or 4) set to the low bits of value */
    void (*fill)(const aotc_model_frame *f, void *to, uint32_t value, uint32_t item_bytes,
                 uint64_t count);
    /* Waits for all that is queued, then copies to the host.  0: no value was read, run must
     * return.  A run that reads is no graph: the loader finds out when it first records it. */
    int32_t (*read)(const aotc_model_frame *f, void *to, const void *from, uint64_t bytes);
    /* Work between enter and leave runs if (WHILE: as long as) the bool byte at `flag` holds.
     *   if (enter(f, AOTC_BRANCH_IF, flag)) { …; leave(f); }
     *   if (enter(f, AOTC_BRANCH_UNLESS, flag)) { …; leave(f); }
     *   while (enter(f, AOTC_BRANCH_WHILE, flag)) { …body, which computes flag again…; leave(f); }
     * A loader that records conditional nodes returns 1 from enter once, whatever the flag. */
    int32_t (*enter)(const aotc_model_frame *f, int32_t branch, const void *flag);
    void (*leave)(const aotc_model_frame *f);
    /* Fills a 128-byte CUtensorMap (64-byte aligned host memory, passed inside args):
     * cuTensorMapEncodeTiled with these arguments, no interleave, element strides 1, out of bounds
     * elements 0.  sizes and box have `rank` entries, strides_bytes rank - 1.  0: it failed. */
    int32_t (*tensor_map)(const aotc_model_frame *f, void *map, int32_t data_type, uint32_t rank,
                          void *address, const uint64_t *sizes, const uint64_t *strides_bytes,
                          const uint32_t *box, int32_t swizzle, int32_t l2_promotion);
    /* ABI 3.  Calls the host function, which queues device work on `stream` without waiting (it may
     * be under capture), and gives 0, or another number and a text in `message`.  args: equal bytes
     * stand for equal work. */
    void (*call)(const aotc_model_frame *f, int32_t kernel,
                 int32_t (*function)(void *stream, char *message, uint64_t message_bytes,
                                     const void *args),
                 const void *args, uint64_t args_bytes);
    /* ABI 4.  Queues a call of the function with thread 0 of 1 and a copy of this frame, as it is
     * now, whose arena, scratch and weights are those on the CPU.  It makes no CUDA call.  kernel:
     * the first one that it stands for. */
    void (*host)(const aotc_model_frame *f, int32_t                                    kernel,
                 void (*function)(const aotc_model_frame *f, int32_t thread), uint32_t flags);
    /* Between the device and memory of the context on the CPU (host_arena, state, host_temporary).
     */
    void (*upload)(const aotc_model_frame *f, void *to, const void *from, uint64_t bytes);
    void (*download)(const aotc_model_frame *f, void *to, const void *from, uint64_t bytes);
    /* Waits for all that is queued, so that run can read what host functions have written.  0: run
     * must return.  As with read, a run that waits is no graph. */
    int32_t (*wait)(const aotc_model_frame *f);
    /* Like host->temporary, on the CPU. */
    void *(*host_temporary)(const aotc_model_frame *f, uint64_t bytes);
    /* ABI 5.  Like tensor_map, by cuTensorMapEncodeIm2col: a copy brings `channels` of `pixels`
     * pixels, which go through a box of the tensor.  sizes and steps (between pixels) have `rank`
     * entries: channels, width, …, batch; lower and upper, the box's corners as distances from the
     * first and the last pixel, rank - 2: width first. */
    int32_t (*window_map)(const aotc_model_frame *f, void *map, int32_t data_type, uint32_t rank,
                          void *address, const uint64_t *sizes, const uint64_t *strides_bytes,
                          const int32_t *lower, const int32_t *upper, const uint32_t *steps,
                          uint32_t channels, uint32_t pixels, int32_t swizzle,
                          int32_t l2_promotion);
} aotc_model_cuda;

typedef struct aotc_model_host {
    uint32_t struct_size;
    uint32_t reserved;
    /* Memory of a LATE output with these sizes (thread 0 only). NULL: out of memory. */
    void *(*output)(const aotc_model_frame *frame, int32_t index, const int64_t *sizes);
    /* Memory for this run, 64-byte aligned, freed by the loader after it (thread 0 only; for sizes
     * that hold unbacked symbols). */
    void *(*temporary)(const aotc_model_frame *frame, uint64_t bytes);
    /* Called by thread 0 after each kernel when frame->profile is set. */
    void (*profile)(const aotc_model_frame *frame, int32_t kernel);
} aotc_model_host;

struct aotc_model_frame {
    uint32_t               struct_size;
    int32_t                n_threads;
    /* Never NULL pointers inside: empty tensors point to 64 readable bytes. */
    void *const           *inputs;
    void                 **outputs; /* LATE ones are set by the model */
    const unsigned char   *weights;
    void *const           *state;
    unsigned char         *arena;   /* 64-byte aligned, exprs[entry->arena_expr] bytes */
    unsigned char         *scratch; /* thread t uses scratch + t * scratch_bytes */
    uint64_t               scratch_bytes;
    void                 **temporaries; /* entry->n_temporaries slots */
    int64_t               *sym;
    aotc_model_barrier    *barrier;
    aotc_model_failure    *failure;
    const aotc_model_host *host;
    void                  *host_cx;
    int32_t                profile;
    int32_t                reserved;
    uint64_t               seed, offset; /* random operators */
    /* ABI 2.  NULL on the CPU; on a device inputs, outputs, weights, state, arena, scratch and
     * temporaries are device addresses (inputs that are Python numbers are in sym alone). */
    const aotc_model_cuda *cuda;
    const uint64_t        *rng; /* device address of {seed, offset}: read by kernels, so that a
                                   graph replays with new values; NULL on the CPU */
    /* ABI 4: inputs, outputs, state and temporaries are addresses on the CPU for what is there. */
    unsigned char         *host_arena; /* exprs[entry->host_arena_expr] bytes on the CPU, pinned */
};

typedef struct aotc_model_entry {
    uint32_t    struct_size;
    int32_t     n_inputs, n_outputs, n_symbols, n_exprs, n_guards, n_kernels, n_constants, n_state;
    int32_t     n_temporaries;
    int32_t     arena_expr, scratch_expr; /* bytes; -1: none */
    const char *name;
    const aotc_model_tensor   *inputs, *outputs;
    const aotc_model_symbol   *symbols;
    const aotc_model_guard    *guards;
    const aotc_model_kernel   *kernels;
    const aotc_model_constant *constants;
    /* All expressions from the symbols; those that hold unbacked symbols are meaningful only after
     * the run. Returns 0, or 1 + the index of the first that overflowed. */
    int32_t (*exprs)(const int64_t *sym, int64_t *out);
    /* Runs the whole plan as thread `thread` of frame->n_threads; all threads must be in it at the
     * same time. */
    void (*run)(const aotc_model_frame *frame, int32_t thread);
    /* ABI 2: __global__ functions that run launches. */
    int32_t                    n_functions;
    int32_t                    max_threads; /* more have nothing to do in `run`; 0: any number */
    const aotc_model_function *functions;
    /* ABI 4, in tables that say so: bytes on the CPU; -1: none. */
    int32_t                    host_arena_expr, host_scratch_expr;
} aotc_model_entry;

typedef struct aotc_model_table {
    uint32_t                struct_size, abi;
    const char             *producer; /* "aotc 0.1" */
    const char             *target;   /* "x86-64-v3" */
    int32_t                 n_entries;
    int32_t                 reserved;
    const aotc_model_entry *entries;
    const aotc_model_entry
        *fold; /* makes folded constants from exported ones: inputs are named by fqn; NULL: none */
    uint64_t                weights_bytes;
    /* ABI 2: DLPack device type that run works on (0: CPU), and its code.  `fold` runs on the CPU
     * always. */
    int32_t                 device, n_images;
    const aotc_model_image *images;
} aotc_model_table;

/* NULL when max_abi is too old for this model. */
typedef const aotc_model_table *(*aotc_model_query_fn)(uint32_t max_abi);

#endif
