/* Operator rows: everything that is known of one ATen operator stands in one row of
 * ir/ops/<family>.c.
 *
 * `kind` says which fields count.  Rows are for functional operators; an in-place or out variant is
 * turned into its functional operator by passes/functionalize.c and needs no row. */
#ifndef AOTC_IR_OPS_H
#define AOTC_IR_OPS_H

#include "ir/graph.h"
#include "ir/scalar.h"
#include "ir/schema.h"

typedef enum OpKind {
    OP_POINTWISE, /* body over broadcast inputs */
    OP_REDUCTION, /* reduce */
    OP_VIEW,      /* index map; shares storage with its first tensor argument in eager PyTorch */
    OP_INDEXED, /* any output element is a scalar expression of the inputs: gather, pad, cat, roll,
                   flip, arange, where the map is written in `element`.  Like a view to lowering,
                   but makes no alias. */
    OP_COMPOSITE,    /* expand or expand_fn: rewritten by passes/decompose.c */
    OP_TEMPLATE,     /* a kernel family: gemm, conv, attention, sort, scan, scatter … */
    OP_HIGHER_ORDER, /* cond, while_loop … */
    OP_EFFECT,       /* assertions and the like: no tensor result that matters */
} OpKind;

typedef enum Promote {
    PROMOTE_DEFAULT, /* common dtype of the tensor and scalar arguments by PyTorch's rules; result
                        the same */
    PROMOTE_INT_TO_FLOAT, /* like default, integers become f32 (exp, div) */
    PROMOTE_COMPARE,      /* operands as default, result bool */
    PROMOTE_FIRST,        /* dtype of the first tensor argument, others are cast to it */
    PROMOTE_NONE,         /* operands keep their dtypes; result is what infer said */
} Promote;

typedef enum ReduceOp {
    REDUCE_SUM,
    REDUCE_PROD,
    REDUCE_MAX,
    REDUCE_MIN,
    REDUCE_ANY,
    REDUCE_ALL,
    REDUCE_ARGMAX,
    REDUCE_ARGMIN,
    REDUCE_COUNT
} ReduceOp;

typedef enum TemplateKind {
    TEMPLATE_NONE,
    TEMPLATE_GEMM, /* mm addmm bmm baddbmm linear matmul after canonicalization */
    TEMPLATE_CONV,
    TEMPLATE_ATTENTION,
    TEMPLATE_SCAN,    /* cumsum cumprod cummax logcumsumexp … */
    TEMPLATE_SORT,    /* sort topk argsort kthvalue */
    TEMPLATE_SCATTER, /* index_put scatter index_copy index_add: base copied (or reused in place),
                         then indexed stores */
    TEMPLATE_LSTM,
    TEMPLATE_GRU,
    TEMPLATE_EMBEDDING_BAG,
    TEMPLATE_NONZERO, /* data-dependent size */
    TEMPLATE_ITEM,    /* tensor to symbol */
    TEMPLATE_MOVE,    /* to another device */
    TEMPLATE_CALL,    /* a function of dense items, once for each batch index: fft */
    TEMPLATE_CUSTOM,  /* a function of the user: docs/custom-operators.md */
} TemplateKind;

/* How lowering asks for an element: `load` gives the scalar of a tensor argument at indices (one
 * Expr a dim of that value), where `mask` (NULL: always) guards every memory access below it. */
typedef struct LowerCx LowerCx;
struct LowerCx {
    Ir         *ir;
    ScalarPool *scalars;
    Scalar *(*load)(LowerCx *cx, Value *value, const Expr *const *index, Scalar *mask);
    Scalar *mask; /* the mask under which this element is wanted: to be passed on */
    Node   *node;
};

/* TEMPLATE_CALL: void FUNCTION_<dtype>(const int64_t *params, const void *const *in, void *const
 * *out, void *scratch) of a fixed text.  in[] and out[] are row-major items: the last core[] dims
 * of each tensor argument, then of each result; all dims before them are batch.  A tensor without
 * batch dims is the same for all items. */
enum { MAX_CALL_TENSORS = 8 }; /* that a function takes, and that it gives */

typedef struct CallDesc {
    const char *function, *text;
    int         core[2 * MAX_CALL_TENSORS];
    /* The text is written for lanes (emit_c/runtime/lanes.c.inc): on a GPU a block shares an item.
     */
    bool        has_lanes;
    /* Numbers for params[] (at most 8); bytes of scratch memory. */
    int (*params)(const Node *node, const Expr **out);
    const Expr *(*scratch)(const Node *node);
} CallDesc;

struct OpDesc {
    const char *schema; /* "aten::relu(Tensor self) -> Tensor"; several rows may share functions,
                           not the text */
    OpKind      kind;
    Promote     promote;
    /* Gives every result its type from the arguments; sizes symbolic.  NULL: from kind (pointwise:
     * broadcast and promote; reduction: from dim and keepdim).  Checks what eager checks: E_VALUE.
     */
    Error *(*infer)(Node *node);

    /* POINTWISE: text over parameter names. Tensor parameters are elements, numbers constants, None
     * an absent name. */
    const char *body;
    /* POINTWISE where text does not do: builds the scalar from the promoted operands (in[i] NULL
     * where not a tensor). */
    Scalar *(*body_fn)(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype);

    /* REDUCTION over "dim" (int, int[] or None), "keepdim"; `before` and `after` are scalar texts
     * around it (x is the element or the result, n the number of elements reduced). */
    ReduceOp    reduce;
    const char *before, *after;

    /* VIEW: in[] (one Expr a dim of the first tensor argument) for an element out[] of the result.
     */
    void (*view)(const Node *node, const Expr *const *out, const Expr **in);
    /* INDEXED: the scalar of result `result` at index[]. */
    Scalar *(*element)(LowerCx *cx, const Node *node, int result, const Expr *const *index);

    /* COMPOSITE: text of calls (see docs/adding-an-operator.md), or a function that adds nodes
     * before `node` and gives the values that replace its results. */
    const char *expand;
    Error *(*expand_fn)(Node *node, Value **results);
    bool keep_for_template; /* COMPOSITE that a template may take whole first (layer_norm, sdpa):
                               decomposed late */

    TemplateKind    template_kind;
    const CallDesc *call; /* TEMPLATE_CALL */
    /* TEMPLATE, INDEXED: does the kernel, or `element`, not take these arguments?  Then expand_fn
     * says them in other operators. */
    bool (*expands)(const Node *node);
    bool is_random;      /* differs from run to run: neither folded nor merged with an equal call */
    bool is_opaque;      /* nothing is known of it: the same */
    const char *samples; /* "self=f32[3,4] | self=f32[0,4] | self=bf16[5] negative_slope=0.2" */
};

/* The families, each a table in ir/ops/<name>.c ended by a row with schema NULL; ir/ops/ops.c lists
 * them. */
extern const OpDesc pointwise_ops[], float_function_ops[], activation_ops[], bit_ops[],
    compare_ops[], special_ops[], unique_ops[], counting_ops[], differences_ops[], reduction_ops[],
    view_ops[], permute_ops[], slice_ops[], split_ops[], creation_ops[], conversion_ops[],
    range_ops[], triangle_ops[], window_function_ops[], arrange_ops[], indexing_ops[],
    view_scatter_ops[], diagonal_ops[], scatter_ops[], unbacked_ops[], move_ops[], matmul_ops[],
    contraction_ops[], convolution_ops[], norm_ops[], pooling_ops[], window_ops[], fold_ops[],
    resize_ops[], pad_ops[], grid_sample_ops[], shuffle_ops[], attention_ops[], rnn_ops[],
    sort_ops[], scan_ops[], loss_ops[], effect_ops[], higher_order_ops[];
extern const OpDesc random_ops[], random_draw_ops[], fft_ops[], fractional_ops[],
    scaled_matmul_ops[], linalg_call_ops[], linalg_ops[], linalg_qr_ops[], linalg_function_ops[],
    spectral_ops[], grouped_matmul_ops[], foreach_ops[], vector_norm_ops[], quantize_ops[];

/* Stands for every declared custom operator. */
extern const OpDesc custom_op;
/* What in the schema a function of abi/aotc_op.h cannot be given or give, or NULL. */
const char         *custom_op_problem(Arena *arena, const OpSchema *schema);

/* Row of a schema, or NULL. */
const OpDesc   *op_find(Ir *ir, const OpSchema *schema);
/* Schema by dotted name: ATen's, or that of a row of ours (aotc.lu); NULL when there is none. */
const OpSchema *op_schema(Ir *ir, const char *name);
void            op_for_each(void (*visit)(void *cx, const OpDesc *row), void *cx);

/* Types of a node's results from its arguments. */
Error *infer_node(Node *node);

/* ---- helpers for expand_fn and passes: build one node before `before` and infer it ----------- */
/* Calls by dotted name; args stand in schema order, missing ones take their defaults. Gives result
 * 0. */
Error *build_call(Graph *graph, Node *before, const char *op, const Arg *args, int n_args,
                  Value **out);
/* The node itself, for several results. */
Error *build_node(Graph *graph, Node *before, const char *op, const Arg *args, int n_args,
                  Node **out);
/* Runs an expansion text: %names are params of the schema, $names their numbers. Used for
 * OpDesc.expand. */
Error *build_expand(Node *node, const char *text, Value **results);

/* Errors that name operator, node and Python line. */
Error *node_error(const Node *node, ErrorCode code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Shape helpers shared by infer functions. */
Error *infer_broadcast(Node *node, const TensorType *const *types, int n, const Expr *const **sizes,
                       int *rank);
DType  infer_promoted_dtype(const Node *node,
                            Promote     promote); /* of all tensor and scalar arguments */
TensorType *node_result_type(Node *node, int result);

#endif
