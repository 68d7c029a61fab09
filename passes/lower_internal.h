/* What the files of lowering share: lower.c (values, loops), lower_template.c (GEMM, convolution,
 * attention …), lower_control.c (cond, while_loop, effects), loop_util.c (re-indexing), fuse.c,
 * schedule.c, plan_memory.c. */
#ifndef AOTC_PASSES_LOWER_INTERNAL_H
#define AOTC_PASSES_LOWER_INTERNAL_H

#include "passes/pass.h"

/* What is known of a value while lowering; indexed by Value.id. */
typedef struct Lowered {
    Buffer *buffer; /* realized: elements are loaded from here */
    Buffer *raw;    /* result of a template or reduction; the value is a scalar expression of it */
    bool    raw_is_value; /* ... and equals it (no bias, nothing after) */
    bool    realize;
    bool    forced; /* realize whatever it costs: outputs, operands of templates */
    bool    channels_last;
    Buffer *output;        /* the caller's memory that the value shall be written to */
    Buffer *pack_source;   /* constant in panels: its exported layout */
    bool    panel_swapped; /* buffer is in panels and dims of the value are (k, n), not (n, k) */
    int     sites;         /* loop nests that ask for elements, through views and inlined users */
    int     cost;          /* scalar operations of one element, down to realized values */
    int     reads;         /* elements of tensors as large as the value that one element loads */
} Lowered;

/* A constant matrix or weight that the fold plan packs: the key is (value, swapped, offset …) by
 * the printed operand. */
typedef struct PackRequest {
    Value *constant;
    Kernel
        *kernel; /* PACK or PACK_CONV; its `from` still speaks of the main plan's constant buffer */
    bool is_conv;
    PackConv    conv;
    Pack        pack;
    const char *key;
    Buffer     *to;   /* constant buffer in the main plan */
    const char *name; /* of the constant: "packed.w_b3" */
} PackRequest;

typedef struct Block {
    struct Block *outer;
    VEC(Step *) steps; /* kernels before fusion: each LOOPS kernel has one stage with one loop */
} Block;

typedef struct Lower {
    Ir         *ir;
    Graph      *graph;
    PassCtx    *cx;
    Plan       *plan;
    Lowered    *of;
    int         n_of;
    Block      *block;
    bool        is_fold;
    bool        on_host; /* what is being lowered is on the CPU, in a plan for a GPU */
    Error      *failed;  /* an element cannot be expressed: load_element has no way to return it */
    const char *why_not; /* why fusion failed last, for --explain-fusion */
    VEC(PackRequest *) packs;
    VEC(Node *) trace; /* nodes that the loop under construction evaluates: its name and comment */
} Lower;

/* Is it code for a GPU?  The fold plan and what is on_host run on the CPU all the same. */
static inline bool lower_for_cuda(const Lower *lo)
{
    return lo->cx && lo->cx->target_is_cuda && !lo->is_fold && !lo->on_host;
}

/* Is the value on the CPU, in a plan for a GPU?  Not to be asked of constants. */
static inline bool is_on_host(const Lower *lo, const Value *value)
{
    return lo->graph->is_placed && !lo->is_fold && value->type.device.kind == DEVICE_CPU;
}

/* ---- lower.c --------------------------------------------------------------------------------- */
Lowered           *lowered(Lower *lo, const Value *value);
Buffer            *new_buffer(Lower *lo, BufferKind kind, const char *hint, DType dtype, int rank,
                              const Expr *const *sizes, const Expr *const *strides);
/* A step behind all others. */
Step              *copy_step(Lower *lo, Buffer *from, Buffer *to, Where where);
const char        *unique_buffer_name(Lower *lo, const char *hint);
/* Row-major strides of sizes taken in `order` (outermost first). */
const Expr *const *strides_in_order(Ir *ir, const Expr *const *sizes, int rank, const int *order);
/* The buffer that an element of `value` is read from when it is a chain of views over a realized
 * value and the offset is affine in the value's own dims; false otherwise. */
bool               affine_operand(Lower *lo, Value *value, Operand *out);
/* The same, copying the value into a fresh buffer when it must.  strides in the order of the
 * value's dims. */
Error             *operand_of(Lower *lo, Value *value, Operand *out);
/* Emits the loop that stores `value` into `buffer` (same sizes). */
Error             *store_value(Lower *lo, Value *value, Buffer *buffer);
/* Gives the value its own buffer if it has none yet. */
Error             *realize_value(Lower *lo, Value *value);
Scalar            *load_element(LowerCx *cx, Value *value, const Expr *const *index, Scalar *mask);
/* The constant under a chain of views, or NULL. */
Constant          *constant_under(Value *value);
Value             *under_views(Value *value);
Error             *lower_nodes(Lower *lo, Graph *graph);
Step              *add_kernel(Lower *lo, Kernel *kernel, const Node *node);
Kernel            *new_kernel(Lower *lo, KernelKind kind, const Node *node);
/* A kernel of one loop. */
Step              *add_loop(Lower *lo, Loop *loop, const Node *node);
Loop              *new_loop(Lower *lo, LoopKind kind, int n_dims, ScalarPool *pool, Node *node);
LowerCx           *lower_cx(Lower *lo, ScalarPool *pool, Node *node);
const Expr        *buffer_index(Lower *lo, const Buffer *buffer, const Expr *const *index);
void               trace_node(Lower *lo, Node *node);

Value *view_source(const Node *node);
void   stride_order(Ir *ir, const TensorType *type, int *order);
/* reduced[d] for every dim of the first argument. */
void   reduction_dims(const Node *node, bool *reduced);
Error *realize_base(Lower *lo, Value *value);
Error *lower_fold(Lower *main_lo, Plan **out);

/* ---- lower_decide.c -------------------------------------------------------------------------- */
void estimate_costs(Lower *lo, Graph *graph);
void decide_graph(Lower *lo, Graph *graph);
void spread_channels_last(Lower *lo, Graph *graph);

/* ---- pack.c: constants in panels ------------------------------------------------------------- */
/* Constant matrices that GEMMs use whole are put in panels for all their users (tied embeddings
 * too). */
Error *mark_panels(Lower *lo, Graph *graph);
/* The panel buffer of a [n,k] operand that lies in a constant; NULL when the value is not constant.
 */
Error *packed_gemm_operand(Lower *lo, Value *value, bool is_kn, Buffer **out);
Error *packed_conv_weight(Lower *lo, Value *weight, PackConv conv, Buffer **out);
Error *rebase_operand(Lower *lo, Operand *operand, const Buffer *from, Buffer *to);

/* ---- lower_template.c ------------------------------------------------------------------------ */
Error  *lower_template(Lower *lo, Node *node);
/* Element of a template's value from its raw result: bias, alpha, beta, casts. */
Scalar *template_element(LowerCx *cx, Lower *lo, Node *node, const Expr *const *index,
                         Scalar *mask);
bool    template_is_raw(const Node *node); /* nothing is done to the raw result */

/* In a row-major buffer: where it lies, or a copy. */
Error  *dense_operand(Lower *lo, Value *value, Operand *out);
Operand whole_operand(Buffer *buffer);

/* ---- lower_custom.c -------------------------------------------------------------------------- */
Error *lower_custom(Lower *lo, Node *node);

/* ---- lower_control.c ------------------------------------------------------------------------- */
Error *lower_higher_order(Lower *lo, Node *node);
Error *lower_effect(Lower *lo, Node *node);
/* Before analysis: inputs of branches are replaced by the operands that they stand for. */
Error *bind_subgraph_inputs(Graph *graph);

/* ---- loop_util.c ----------------------------------------------------------------------------- */
/* Vars of a loop in the order of the strides of `index` (largest first); dims that are not affine
 * in it keep their place. */
void    loop_order_by(Ir *ir, Loop *loop, const Expr *index);
/* The largest load of a scalar: most loop vars in its index. */
Scalar *main_load(const Loop *loop);
/* Re-expresses the loop in other dims of the same row-major iteration space; NULL when the indices
 * would get worse (more divisions) or the totals differ.  kept dims of reduce loops map to the
 * first n_outer, reduced to the others. */
Loop   *loop_reindex(Lower *lo, const Loop *loop, ScalarPool *pool, Symbol *const *outer,
                     const Expr *const *outer_sizes, int n_outer, Symbol *const *inner,
                     const Expr *const *inner_sizes, int n_inner);
/* With old var d replaced by to[d]. */
Loop   *loop_set_dims(Lower *lo, const Loop *loop, ScalarPool *pool, const Expr *const *to,
                      Symbol *const *outer, const Expr *const *outer_sizes, int n_outer,
                      Symbol *const *inner, const Expr *const *inner_sizes, int n_inner);
/* Pairs the loop's vars with the frame's by the strides of one access that both make; NULL when
 * they do not pair. */
Loop   *loop_map_through(Lower *lo, const Loop *loop, ScalarPool *pool, const Expr *here,
                         const Expr *there, Symbol *const *outer, const Expr *const *outer_sizes,
                         int n_outer, Symbol *const *inner, const Expr *const *inner_sizes,
                         int n_inner);
int     count_divisions(const Loop *loop);
/* Calls visit for each scalar, or each LOAD, below the loop's value, mask and index. */
void    loop_for_each_scalar(const Loop *loop, void (*visit)(void *cx, Scalar *scalar), void *cx);
void    loop_for_each_load(const Loop *loop, void (*visit)(void *cx, Scalar *load), void *cx);
void    kernel_for_each_load(const Kernel *kernel, void (*visit)(void *cx, Scalar *load), void *cx);
#define MAX_KERNEL_OPERANDS MAX_CUSTOM_TENSORS
/* Operands of a template kernel that it reads (at most MAX_KERNEL_OPERANDS; some may have no
 * buffer); how many. */
int   kernel_operands(const Kernel *kernel, Operand **out);
/* The loop that a template evaluates besides its epilogue (attention masks, scan sources), or NULL.
 */
Loop *template_loop(const Kernel *kernel);

/* ---- fuse.c, schedule.c, order_steps.c, plan_memory.c
 * ------------------------------------------------------- */
Error  *fuse_block(Lower *lo, Block *block);
/* Kernels of the steps and of those inside them. */
void    each_kernel(Lower *lo, Step *const *steps, int n,
                    void (*visit)(Lower *lo, Kernel *k, void *cx), void *cx);
Error  *inplace_block(Lower *lo, Block *block);
void    narrow_results(Lower *lo, Block *block); /* narrow_results.c, after fuse_block */
Error  *finish_kernels(Lower *lo);
void    mark_step_buffers(Step *const *steps, int n, bool *used);
void    schedule_kernel(Lower *lo, Kernel *kernel);
void    schedule_cuda(Lower *lo, Kernel *kernel);
void    exp_below_max(Kernel *kernel, Arena *arena);
void    kernel_set_accesses(Lower *lo, Kernel *kernel);
void    order_steps(Plan *plan);
Error  *plan_memory(Lower *lo);
void    plan_barriers(Lower *lo); /* after plan_memory */
/* What a buffer of so many bytes takes of the arena. */
int64_t plan_padded_bytes(int64_t bytes);

#endif
