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

#define AOTC_MODEL_ABI 1u

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
    int16_t               device;     /* DLPack device type */
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

enum { AOTC_CONSTANT_STATE = 1 /* mutable: copied into each context */ };

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
enum { AOTC_FAIL_ASSERT = 1, AOTC_FAIL_INDEX = 2, AOTC_FAIL_MEMORY = 3, AOTC_FAIL_DEVICE = 4 };

/* First failure of a run; code is set last, atomically. */
typedef struct aotc_model_failure {
    int32_t     code;
    int32_t     kernel;       /* index in the entry's kernels, or -1 */
    int64_t     value, bound; /* INDEX */
    const char *message;
} aotc_model_failure;

/* Barrier of the run's threads: sense counting, see aotc_model_barrier_wait in the emitted prelude.
 */
typedef struct aotc_model_barrier {
    uint32_t waiting, generation; /* accessed atomically */
    char     pad[56];
} aotc_model_barrier;

typedef struct aotc_model_frame aotc_model_frame;

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
    uint64_t weights_bytes;
} aotc_model_table;

/* NULL when max_abi is too old for this model. */
typedef const aotc_model_table *(*aotc_model_query_fn)(uint32_t max_abi);

#endif
