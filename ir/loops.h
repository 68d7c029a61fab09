/* Loops: buffers and loop nests around scalar expressions; Plan: kernels in order, memory, host
 * steps.
 *
 * passes/lower.c makes Loops from a Graph, passes/fuse.c groups them into Kernels, passes/plan.c
 * orders steps and plans memory.  Emitters read a Plan and decide nothing.
 *
 *   kernel @k1_softmax(in %x: f32[s0,768], out %y: f32[s0,768]) over i0 < s0 {
 *     stage over r0 < 768 { %m = max(%x[768*i0 + r0]) }
 *     stage over r0 < 768 { %e[r0] = exp(sub(%x[768*i0 + r0], %m));  %s = sum(%e[r0]) }
 *     stage over r0 < 768 { %y[768*i0 + r0] = div(%e[r0], %s) }
 *   } */
#ifndef AOTC_IR_LOOPS_H
#define AOTC_IR_LOOPS_H

#include "ir/ops.h"

typedef struct Buffer Buffer;
typedef struct Loop   Loop;
typedef struct Stage  Stage;
typedef struct Kernel Kernel;
typedef struct Step   Step;
typedef struct Plan   Plan;

typedef enum BufferKind {
    BUFFER_INPUT,    /* caller's memory */
    BUFFER_OUTPUT,   /* caller's memory, written */
    BUFFER_CONSTANT, /* weights blob, read only (written by the fold plan that makes it) */
    BUFFER_STATE,    /* mutable buffer of the context */
    BUFFER_TEMP,     /* arena */
    BUFFER_LOCAL, /* private to one kernel: a scalar per outer point, or a row per stage space; no
                     memory */
} BufferKind;

struct Buffer {
    BufferKind         kind;
    int                id;   /* position in Plan.buffers */
    const char        *name; /* C identifier, unique in the plan */
    DType              dtype;
    int                rank;
    const Expr *const *sizes;
    const Expr *const
        *strides;      /* of the logical dims; physical layout is theirs alone.  NULL when panels */
    const Expr *numel; /* elements that the storage holds, from element 0 */
    const Expr *offset; /* of the first element from the storage's start; 0 except views of
                           constants/inputs */
    int    panel; /* 0; or 16: a [N,K] matrix stored as [ceil(N/16)][K][16], padded with zeros */
    Value *value; /* what it holds, or NULL */
    int slot; /* INPUT, OUTPUT: tensor position in the ABI; CONSTANT, STATE: index in Plan tables */
    Buffer     *alias;        /* shares the memory of that buffer (in place); NULL: own */
    const Expr *arena_offset; /* TEMP: bytes from the arena's start, set by plan */
    bool        is_row;       /* LOCAL: one element per inner point of its stages (else a scalar) */
    bool        is_host; /* in a plan for a GPU: lies on the CPU; constants, which are read from
                            both sides, never say so */
    int         first_step, last_step; /* TEMP: life, in positions of the flattened step list */
};

typedef enum LoopKind { LOOP_POINTWISE, LOOP_REDUCE } LoopKind;

/* for every point of dims: POINTWISE stores value to out[index]; REDUCE accumulates value over the
 * dims that are reduced and stores at out[index] (index holds kept vars only). */
struct Loop {
    LoopKind kind;
    int      n_dims;
    Symbol *
        *vars; /* loop variables, outermost first, in the physical order of the largest access */
    const Expr **sizes;
    bool        *reduced; /* per dim; all false for POINTWISE */
    ReduceOp     reduce;
    Scalar      *value;
    Buffer      *out;
    const Expr  *index; /* element offset in out */
    Scalar      *mask;  /* POINTWISE: store only where it holds, or NULL */
    bool
        accumulate; /* POINTWISE scatter: out[index] += value (duplicates add up; not vectorized) */
    bool        is_scatter;    /* index depends on loaded values: iterations may collide */
    ReduceOp    accumulate_op; /* with accumulate: SUM, PROD, MAX, MIN */
    ScalarPool *pool;
    Node       *node; /* for names and Where */
};

/* Loops that run together over the same inner dims inside the kernel's outer dims. REDUCE loops
 * reduce all inner dims. */
struct Stage {
    int          n_inner;
    Symbol     **inner;
    const Expr **inner_sizes;
    Loop       **loops;
    int          n_loops;
};

/* An operand that is affine in the template's own dims: element at offset + sum(index[d] *
 * stride[d]). */
typedef struct Operand {
    Buffer            *buffer; /* NULL: absent */
    const Expr        *offset;
    const Expr *const *strides;
    int                n; /* dims, in the order that the template states */
} Operand;

/* How a LOOPS kernel runs on a GPU, chosen by passes/schedule_cuda.c.
 *
 *   FLAT     a thread takes points of the outer dims (no stage has inner dims)
 *   ROWS     row_threads threads share a point of the outer dims and all that its stages do; up to
 *            32 of them stand in one warp, more are a block of their own
 *   COLUMNS  the same where neighbouring points are neighbours in memory: each warp of a block of
 *            32*row_threads threads has another part of the inner dims of the same 32*vector points
 *   TILES    a block has `tile` points of the outer dim tile_dim times as many of the last one;
 * what stands in memory along tile_dim goes through shared memory (kernel_tiled_loads)
 */
typedef enum CudaShape { CUDA_FLAT, CUDA_ROWS, CUDA_COLUMNS, CUDA_TILES } CudaShape;

typedef struct CudaSchedule {
    CudaShape shape;
    int       threads; /* of a block */
    int       row_threads;
    int  vector; /* adjacent elements that a thread takes at a time, along the last outer (FLAT) or
                    inner (ROWS) dim */
    int  chunks; /* ROWS: such vectors of a row that a thread keeps in registers from stage to
                    stage: LOCAL rows and repeated loads; 0: a loop, LOCAL rows are computed again */
    int  split;  /* blocks that share a point's first stage, which is reductions alone; a second
                    function adds up and does the rest; 0: none do */
    int  tile, tile_dim; /* TILES */
    bool reads_ahead;    /* ROWS: blocks stay and take row after row; while one is computed the next
                            one's first loads come in */
    bool keeps_fixed; /* with reads_ahead: loads that are the same for all rows stay in registers */
    bool is_int32;    /* every index and count fits int32_t */
    bool is_impossible; /* a row that would be computed again is made of memory that the kernel
                           overwrites in between: emitters refuse */
} CudaSchedule;

typedef enum KernelKind {
    KERNEL_LOOPS,
    KERNEL_GEMM,
    KERNEL_CONV,
    KERNEL_DEPTHWISE,
    KERNEL_ATTENTION,
    KERNEL_SCAN,
    KERNEL_SORT,
    KERNEL_LSTM,
    KERNEL_GRU,
    KERNEL_PACK, /* fold plan: matrix to panels */
    KERNEL_COPY, /* out buffer = in buffer, same layout */
    KERNEL_ITEM, /* reads one element into a symbol */
    KERNEL_EMBEDDING_BAG,
    KERNEL_PACK_CONV, /* fold plan: convolution weight to panels, or [KD][KH][KW][C] for depthwise
                       */
    KERNEL_NONZERO,   /* indices of true elements; sets a symbol */
    KERNEL_CALL,      /* a function of a fixed text for each item */
    KERNEL_CUSTOM,    /* a function of the user, once */
} KernelKind;

/* out[b…, m, n] = sum_k a[b…, m, k] * b[b…, k, n]   (then the epilogue).
 * b is a constant in panels (buffer->panel == 16, one [N,K] matrix, no batch), or strided (packed
 * at run time). */
typedef struct Gemm {
    int                n_batch;
    const Expr *const *batch;
    const Expr        *m, *n, *k;
    Operand            a;                 /* batch…, m, k */
    Operand            b;                 /* batch…, k, n; for panels: only buffer */
    DType              dtype, accumulate; /* of the operands; f32 for f16, bf16, f32 */
} Gemm;

/* 1-d and 2-d forward convolution over NHWC data (missing spatial dims are 1 at the front); 3-d has
 * depth. weight panels: [groups][ceil(OC/g/16)][KD][KH][KW][IC/g][16]; on CUDA
 * [OC][KD][KH][KW][IC/g]; depthwise: [KD][KH][KW][C]. */
typedef struct Conv {
    const Expr *batch;
    int         spatial;        /* 1, 2, 3 */
    const Expr *in[3], *out[3]; /* depth, height, width; 1 where absent */
    int64_t     kernel[3], stride[3], dilation[3], padding[3];
    int64_t     groups, in_channels, out_channels;
    Operand     x;        /* n, d, h, w, c */
    Operand     weight;   /* packed constant, or n/a: see weight_strided */
    bool  weight_strided; /* the weight is no constant: oc, ic, kd, kh, kw strides; packed at run
                             time */
    DType dtype;
} Conv;

/* out[b…, q, e] = softmax(score(scale * sum_d Q[b…,q,d] K[b…,k,d])) V[b…, k, e]; kv heads = heads /
 * group. */
typedef struct Attention {
    int                n_batch;
    const Expr *const *batch; /* last one is heads */
    const Expr        *q_len, *kv_len, *d, *dv;
    Operand q, k, v; /* batch…, position, d;  k and v have stride 0 or head strides for GQA */
    int64_t group;   /* query heads a kv head serves: index of head is head / group for k, v */
    double  scale;
    bool    causal; /* k <= q (top-left aligned, as PyTorch's is_causal) */
    Loop   *mask; /* value is added to (float) or selects (bool) the score; vars: batch…, q, k; or
                     NULL */
    DType   dtype;
} Attention;

typedef struct Scan {
    ReduceOp    reduce; /* SUM PROD MAX MIN */
    bool        log_sum_exp;
    int         n_outer, axis;
    Loop       *source;  /* value over all dims; dims[axis] is scanned */
    Buffer     *indices; /* cummax, cummin: or NULL */
    const Expr *index;   /* offsets in out */
} Scan;

/* The order of equal elements.  Where PyTorch promises none, a CPU kernel leaves them as eager
 * does, so that indices agree. */
typedef enum SortTies {
    TIES_STABLE,
    TIES_SORT, /* as std::sort of libstdc++ */
    TIES_TOPK, /* as its partial_sort, or nth_element and sort */
    TIES_KTH,  /* as quick_select_template of ATen (Sorting.cpp) */
    N_TIES,
} SortTies;

extern const char *const sort_ties_names[N_TIES];

typedef struct Sort {
    Operand            x; /* outer dims…, axis */
    int                n_outer;
    const Expr *const *outer;
    const Expr        *length, *keep; /* keep < length for topk */
    const Expr        *skip;          /* how many of the kept are not stored; NULL: none */
    bool               descending, sorted;
    SortTies           ties;
    Operand            values, indices; /* outer…, axis; buffer NULL when unused */
    DType              dtype;
} Sort;

typedef struct Lstm {
    const Expr *steps, *batch;
    int64_t     input, hidden;
    bool        reverse;
    Operand     gates_x;  /* x W_ih^T + b_ih + b_hh, by a GEMM before: step, batch, 4*hidden */
    Operand     h0, c0;   /* batch, hidden */
    Operand     w_hh;     /* 4*hidden, hidden; in panels: only buffer */
    Operand     out;      /* step, batch, hidden */
    Operand     h_n, c_n; /* batch, hidden; buffer NULL when unused */
    DType       dtype;
    Operand b_hn; /* GRU (gates 3*hidden: r, z, n; c0 and c_n absent): hidden, bias of n's recurrent
                     part */
} Lstm;

/* out[bag, e] = sum, mean or max of weight[index[j], e] * sample_weight[j] over offset[bag] <= j <
 * offset[bag + 1]. */
typedef struct EmbeddingBag {
    const Expr *n_bags, *n_indices, *rows, *width;
    Operand     weight;         /* rows, width */
    Operand     indices;        /* n_indices: i32 or i64 */
    Operand     offsets;        /* n_bags (or n_bags + 1 with include_last) */
    Operand     sample_weights; /* n_indices, or absent */
    int         mode;           /* 0 sum, 1 mean, 2 max */
    int64_t     padding;        /* index that is skipped, -1: none */
    bool        include_last;
    Operand     out; /* n_bags, width */
    DType       dtype;
} EmbeddingBag;

/* out[i, d] = index in dim d of the i-th true element, row-major order; the number of them becomes
 * `count`. */
typedef struct Nonzero {
    Loop   *source; /* bool value over all dims, at least one */
    Symbol *count;
    Operand out; /* count, dims; i64 */
} Nonzero;

/* in[], out[]: element 0 of item 0; items are row-major and follow each other, item_in[] and
 * item_out[] elements each (0: the same for all). Kernel.outer: the batch dims. */
typedef struct Call {
    const CallDesc *desc;
    Operand         in[MAX_CALL_TENSORS], out[MAX_CALL_TENSORS];
    const Expr     *item_in[MAX_CALL_TENSORS], *item_out[MAX_CALL_TENSORS];
    int             n_in, n_out;
    const Expr     *params[8];
    int             n_params;
    const Expr     *scratch_bytes;
    DType           dtype;
} Call;

typedef enum CustomKind {
    CUSTOM_NONE, /* None, or a result that nobody uses */
    CUSTOM_TENSOR,
    CUSTOM_INT, /* bool too */
    CUSTOM_FLOAT,
    CUSTOM_STRING,
    CUSTOM_DTYPE,
    CUSTOM_LIST, /* of the n items behind it */
} CustomKind;

/* An argument or result of a custom operator.  Tensors are row-major in their buffers. */
typedef struct CustomItem {
    CustomKind         kind;
    Operand            tensor;
    const Expr *const *sizes;      /* TENSOR: rank of them */
    bool               is_written; /* TENSOR: an argument that the operator writes */
    bool               is_result;  /* TENSOR: holds nothing before */
    const Expr        *number;     /* INT; FLOAT: symbolic, or NULL */
    double             real;       /* FLOAT that is known */
    const char        *string;
    DType              dtype;
    int                n; /* LIST */
} CustomItem;

/* A call of the user's function for `schema` (abi/aotc_op.h): items are its parameters in order,
 * then its results. */
typedef struct Custom {
    const OpSchema *schema; /* the user's, with its alias marks */
    CustomItem     *items;
    int             n_items;
} Custom;

#define MAX_CUSTOM_TENSORS 64

typedef struct Pack {
    Operand     from; /* n, k */
    const Expr *n, *k;
    Buffer     *to; /* panel == 16 */
} Pack;

/* Weight order for convolutions; from: oc, ic/g, kd, kh, kw. */
typedef struct PackConv {
    Operand from;
    int64_t groups, oc, ic, kernel[3];
    bool    depthwise;
    bool    plain; /* [oc][kd][kh][kw][ic/g] instead of panels: for CUDA */
    Buffer *to;
} PackConv;

struct Kernel {
    KernelKind  kind;
    const char *name; /* "fused_add_relu_0": unique in the plan, a C identifier */
    int         id;

    /* LOOPS: outer dims shared by all stages.  Templates with an epilogue: dims of the result in
     * the template's order (GEMM: batch…, m, n; CONV: n, d, h, w, c) and one stage without inner
     * dims, whose loads of `result` are the accumulators. */
    int          n_outer;
    Symbol     **outer;
    const Expr **outer_sizes;
    Stage      **stages;
    int          n_stages;
    Buffer      *result; /* templates: what the epilogue loads; LOCAL when there is an epilogue */

    /* How to run it, chosen by passes/schedule.c and schedule_cuda.c. */
    bool vector_is_outer; /* vectorize the last outer dim (inner loops inside) rather than the last
                             inner one */
    int  parallel; /* leading outer dims that are collapsed and split over threads; 0: one thread
                      runs it */
    bool is_host;  /* in a plan for a GPU: runs on the CPU */
    CudaSchedule cuda; /* LOOPS in a plan for a GPU */

    union {
        Gemm         gemm;
        Conv         conv;
        Attention    attention;
        Scan         scan;
        Sort         sort;
        Lstm         lstm;
        Pack         pack;
        PackConv     pack_conv;
        EmbeddingBag bag;
        Nonzero      nonzero;
        Call         call;
        Custom       custom;
    };

    /* Every distinct buffer outside the kernel; aliases count as their own. */
    Buffer    **reads, **writes;
    int         n_reads, n_writes;
    const Expr *scratch_bytes; /* per thread, from the arena's per-thread tail; NULL: none */
    const Expr *flops;
    const Expr *bytes_read, *bytes_written; /* Inductor's num_bytes_accessed rule */
    Where       where;                      /* of its first node */
    const char *nodes;                      /* "add_3, relu_1": for the comment above the code */
};

typedef enum StepKind {
    STEP_KERNEL,
    STEP_SYMBOL, /* symbol = element of a buffer (item): host reads it */
    STEP_ASSERT, /* host condition on symbols, or the info of a factorization (`flag`) */
    STEP_IF,     /* condition or flag; then_steps, else_steps */
    STEP_WHILE,  /* else_steps compute `flag`; while it holds, then_steps run */
    STEP_COPY, /* buffer to buffer of equal numel and layout (state write-back, outputs), also from
                  one device to another */
} StepKind;

struct Step {
    StepKind    kind;
    Kernel     *kernel;
    Symbol     *symbol;    /* SYMBOL */
    const Expr *condition; /* ASSERT, IF on a symbol; SYMBOL without flag: its value */
    const char *message;   /* ASSERT; with `flag`: PyTorch's name of the function */
    /* IF, WHILE: 0-d bool buffer; SYMBOL: source; ASSERT: 0-d i64 that has to be 0, as
     * aotc::first_info gives it.  IF and ASSERT may use `condition` instead. */
    Buffer     *flag;
    Buffer     *from, *to;  /* COPY */
    VEC(Step *) then_steps; /* WHILE: the body */
    VEC(Step *) else_steps; /* WHILE: what computes the flag, before each turn */
    bool  barrier_before;   /* data crosses threads before this step */
    Where where;
};

typedef enum CheckKind { CHECK_CONST, CHECK_SYMBOL, CHECK_EXPR } CheckKind;

/* One input or output tensor of the ABI. */
typedef struct PlanTensor {
    const char *name;
    TensorType  type;
    Buffer     *buffer; /* NULL for scalars */
    Symbol     *scalar; /* int, float or bool input or output given as a 0-d tensor: its symbol */
    const Expr *expr;   /* scalar output */
    bool        is_mutated; /* input that the model writes */
    bool        is_literal; /* must equal the exported literal */
    Arg         literal;
    int         same_as; /* outputs: index of an input that it aliases, -1 */
} PlanTensor;

/* A constant in the package. */
typedef struct PlanConstant {
    const char *fqn;
    Buffer     *buffer;
    Storage    *storage;   /* bytes taken from the export; NULL: made by the fold plan */
    bool        is_packed; /* a constant in the layout of a kernel, made by the fold plan */
    bool        is_state;  /* mutable: its initial value is in the weights */
} PlanConstant;

struct Plan {
    Ir         *ir;
    Graph      *graph;
    const char *name;
    bool        is_cuda; /* for a GPU, but for what says is_host; its fold plan is for the CPU */
    VEC(Buffer *) buffers;
    VEC(Kernel *) kernels;
    VEC(Step *) steps;
    VEC(PlanTensor) inputs;
    VEC(PlanTensor) outputs;
    VEC(PlanConstant) constants;
    VEC(Symbol *) symbols; /* backed and unbacked, in slot order: sym[0], sym[1], … */
    const Expr *arena_bytes;
    const Expr *host_arena_bytes; /* of buffers on the CPU in a plan for a GPU, or NULL */
    const Expr *scratch_bytes;    /* per thread */
    Plan *fold; /* run once at compile time (and after a weight update): makes the constants without
                   storage */
};

const char *kernel_kind_name(KernelKind kind);
/* Text of plans: docs/ir-text.md.  The parser gives constants of an export no bytes. */
void        plan_print(Text *text, const Plan *plan);
void        kernel_print(Text *text, const Plan *plan, const Kernel *kernel);
bool        plan_is_text(const char *source); /* rather than text of a graph */
Error      *plan_parse(Ir *ir, const char *source, Plan **out);
/* E_INTERNAL names what is wrong; a plan that passes can be emitted. */
Error      *plan_verify(const Plan *plan);

#endif
