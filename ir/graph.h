/* Graph: ATen calls in SSA form.  What the importer builds, what passes/normalize and passes/shape
 * rewrite.
 *
 * A graph owns a list of nodes in execution order.  A node calls one operator (an OpSchema, with an
 * OpDesc row where we support it) on arguments that stand in schema order, defaults filled in, and
 * defines results.  Values are tensors, lists of tensors never (they are flattened into results),
 * or symbolic scalars that only the run can know. Sizes are expressions; symbolic arithmetic of the
 * export is not kept as nodes: it is evaluated into Expr on import.
 *
 * All memory is the arena's.  Not thread safe. */
#ifndef AOTC_IR_GRAPH_H
#define AOTC_IR_GRAPH_H

#include "ir/base/arena.h"
#include "ir/base/error.h"
#include "ir/dtype.h"
#include "ir/expr.h"

typedef struct Ir       Ir;
typedef struct Graph    Graph;
typedef struct Node     Node;
typedef struct Value    Value;
typedef struct Arg      Arg;
typedef struct Constant Constant;
typedef struct OpSchema OpSchema; /* ir/schema.h */
typedef struct OpDesc   OpDesc;   /* ir/ops.h */

/* What one compile shares: everything that makes IR takes it from the graph. */
struct Ir {
    Arena      *arena;
    ExprPool   *exprs;
    const char *file; /* name of the input for error messages */
    int         next_id;
    int64_t     next_stream; /* ir/ops/random.c: of the next random draw */

    struct SchemaCache *schemas; /* ir/schema.c: parsed so far, made on first use */
    struct NameMap     *op_rows; /* ir/ops/ops.c: rows by dotted name, made on first use */
};

#define MAX_RANK 16

/* A strided tensor type; sizes, strides in elements (Expr).  storage_offset is 0 except for inputs
 * and constants. */
typedef struct TensorType {
    DType              dtype;
    int                rank;
    const Expr *const *sizes;   /* rank of them */
    const Expr *const *strides; /* rank of them, as eager PyTorch would give */
    const Expr        *storage_offset;
    Device             device;
} TensorType;

typedef enum ValueKind {
    VALUE_TENSOR,
    VALUE_SCALAR, /* int, float or bool made by a node (item) or given as input: `symbol` stands for
                     it in Expr */
    VALUE_NONE,   /* an unused or absent result */
} ValueKind;

typedef struct Use {
    Node       *node; /* NULL: graph output */
    struct Use *next;
} Use;

struct Value {
    ValueKind   kind;
    const char *name;     /* without '%'; unique in its graph */
    TensorType  type;     /* TENSOR */
    Symbol     *symbol;   /* SCALAR */
    Node       *def;      /* NULL: graph input or constant */
    int         result;   /* which result of def */
    Constant   *constant; /* weight, buffer, lifted tensor; NULL else */
    int         n_uses;   /* valid after graph_count_uses(); graph outputs count */
    int         id; /* order of creation; passes may index side tables with it (< ir->next_id) */
    void       *scratch; /* for the running pass only */
};

typedef enum ConstantKind { CONSTANT_PARAMETER, CONSTANT_BUFFER, CONSTANT_TENSOR } ConstantKind;

/* A tensor whose bytes are known at compile time.  Several may share one storage (tied weights,
 * views). */
struct Constant {
    ConstantKind kind;
    const char  *fqn;        /* "encoder.layer.0.weight"; first name when tied */
    Value       *value;      /* its value in the graph */
    int          storage;    /* index in Graph.storages; -1: made later by the fold graph */
    bool         is_mutated; /* a buffer that the model writes: becomes state of the context */
    bool         persistent;
};

/* Raw bytes of one storage. data is borrowed (an mmap of the archive) and lives as long as the
 * compile. */
typedef struct Storage {
    const void *data;
    size_t      size_bytes;
    const char *member;       /* "data/weights/weight_3" */
    uint64_t    content_hash; /* 0: not computed */
} Storage;

typedef enum ArgKind {
    ARG_NONE,
    ARG_VALUE, /* tensor or scalar value */
    ARG_INT,   /* symbolic or constant int: expr */
    ARG_FLOAT, /* constant: number; symbolic: expr of type float */
    ARG_BOOL,  /* constant or symbolic: expr of type bool */
    ARG_STRING,
    ARG_DTYPE,
    ARG_LAYOUT,
    ARG_MEMORY_FORMAT, /* 1 contiguous, 2 channels_last, 3 channels_last_3d, 4 preserve (schema
                          numbering) */
    ARG_DEVICE,
    ARG_LIST, /* of any of these (None inside is possible) */
    ARG_GRAPH,
    ARG_COMPLEX,
} ArgKind;

struct Arg {
    ArgKind     kind;
    Value      *value;  /* VALUE */
    const Expr *expr;   /* INT, FLOAT (NULL when constant), BOOL */
    double      number; /* FLOAT; COMPLEX real */
    double      imag;
    const char *string;
    DType       dtype;
    int64_t     integer; /* MEMORY_FORMAT, LAYOUT */
    Device      device;
    Arg        *items; /* LIST */
    int         n_items;
    Graph      *graph;
};

struct Node {
    const OpSchema *schema; /* never NULL */
    const OpDesc   *op;     /* NULL: no row in ir/ops; refused at the latest by lowering */
    const char     *name;
    Arg *args; /* schema->n_params of them; higher-order operators have one ARG_LIST-free array of
                  their own */
    int  n_args;
    Value     **results;
    int         n_results;
    Where       where;
    const char *module; /* nn_module_stack: "layers.0.attn", or NULL */
    Node       *prev, *next;
    Graph      *graph;
    int         id;
    void       *scratch;
};

typedef enum InputKind { INPUT_USER, INPUT_LITERAL } InputKind;

/* One user input in signature order. Literals (3, "mean", None, True) are inputs whose value the
 * caller must repeat. */
typedef struct GraphInput {
    InputKind   kind;
    const char *name;  /* as in the signature */
    Value      *value; /* USER: tensor or SCALAR value; LITERAL: NULL */
    Arg         literal;
    Value      *mutated_to; /* final content when the model writes this input, else NULL */
    bool        is_complex; /* value is real with a last dim of 2 (passes/complexify.c) */
} GraphInput;

typedef struct GraphOutput {
    const char *name;       /* as in the signature; NULL in graphs read from text that do not say */
    Arg         arg;        /* VALUE, INT, FLOAT, BOOL, STRING or NONE */
    bool        is_complex; /* as for inputs */
} GraphOutput;

/* A buffer that the model writes: at the end of a run `constant` holds `value`. */
typedef struct Mutation {
    Constant *constant;
    Value    *value;
} Mutation;

typedef struct Guard {
    const char *text; /* as exported */
    const Expr *expr; /* NULL: could not be parsed; listed as unchecked */
} Guard;

struct Graph {
    Ir         *ir;
    const char *name;   /* "model" */
    Graph      *parent; /* the graph whose node holds this one as ARG_GRAPH, or NULL */

    GraphInput  *inputs;
    int          n_inputs;
    GraphOutput *outputs;
    int          n_outputs;
    Node        *first, *last;

    VEC(Constant *) constants;
    VEC(Storage *) storages;
    VEC(Mutation) mutations;
    VEC(Guard) guards;

    /* Made by passes/freeze.c: computes the constants whose storage is -1. Its inputs are constants
     * of this graph (same fqn), output i is the content of folded[i].  NULL when there is nothing
     * to fold. */
    Graph *fold;
    VEC(Constant *) folded;

    /* Of the outermost graph.  is_mixed: as read, values are on the CPU and on CUDA devices, other
     * than numbers and constants.  is_placed: passes/place_devices.c has put copies between them;
     * lowering goes by the devices of values. */
    bool is_mixed, is_placed;

    /* From the export, for the package's metadata. */
    const char *torch_version;
    const char *dialect; /* "TRAINING" or "ATEN" */

    struct NameMap *names; /* names taken by values, with the next free suffix of each */
};

/* ---- building -------------------------------------------------------------------------------- */
Ir    *ir_create(Arena *arena, const char *file);
Graph *graph_create(Ir *ir, const char *name);
/* A value that no node defines yet; name is made unique. */
Value *graph_new_value(Graph *graph, const char *name, ValueKind kind);
Value *graph_add_input(Graph *graph, const char *name, TensorType type);
Value *graph_add_constant(Graph *graph, ConstantKind kind, const char *fqn, TensorType type,
                          int storage);
/* Appends, or inserts before `before` when it is not NULL.  args are copied and must be
 * schema->n_params long; results get no types: call infer_node() (ir/ops.h) or set them. */
Node  *graph_add_node(Graph *graph, Node *before, const OpSchema *schema, const char *name,
                      const Arg *args, int n_args, int n_results);
void   graph_remove_node(Graph *graph, Node *node);
void   graph_move_node(Graph *graph, Node *node, Node *before); /* before NULL: to the end */
/* Takes a node out of its graph and appends it to another; what it refers to stays as it is. */
void   graph_adopt_node(Graph *graph, Node *node);
/* Every use in this graph, its outputs, mutations and subgraph captures now means `to`. */
void   graph_replace_uses(Graph *graph, Value *from, Value *to);
void   graph_count_uses(Graph *graph);
/* Calls visit for every ARG_VALUE in a node's arguments, lists included. */
void   node_for_each_value(Node *node, void (*visit)(void *cx, Arg *arg), void *cx);
/* Nodes whose results (and whose symbols) are not used and that have no effect go. Returns how
 * many. */
int    graph_remove_dead(Graph *graph);
/* Writes, asserts, prints or draws random numbers: must stay, in order. */
bool   node_has_effect(const Node *node);
/* Gives the value another name, made unique. */
void   value_rename(Graph *graph, Value *value, const char *name);
/* Appends a result of kind TENSOR without a type, named after the node. */
Value *node_add_result(Node *node);
/* A deep copy with values of its own; storages and schemas are shared. */
Graph *graph_clone(Graph *graph);

/* ---- arguments ------------------------------------------------------------------------------- */
Arg arg_none(void);
Arg arg_value(Value *value);
Arg arg_int(Graph *graph, int64_t value);
Arg arg_expr(const Expr *expr); /* int, float or bool by the type of expr */
Arg arg_float(double value);
Arg arg_bool(Graph *graph, bool value);
Arg arg_dtype(DType dtype);
Arg arg_list(const Arg *items, int n); /* not copied */
Arg arg_ints(Graph *graph, const int64_t *values, int n);
Arg arg_exprs(Graph *graph, const Expr *const *values, int n);

/* Equal kinds and contents, list items too; graphs are equal when they are the same one. */
bool arg_same(const Arg *a, const Arg *b);
/* Lists are copied, at any depth. */
Arg  arg_copy(Arena *arena, const Arg *arg);

/* The argument of that schema name; asserts that the schema has it. */
Arg        *node_arg(const Node *node, const char *name);
Value      *node_tensor(const Node *node, const char *name); /* NULL when None */
int64_t     node_int(const Node *node, const char *name);    /* asserts a constant int */
bool        node_bool(const Node *node, const char *name);
double      node_float(const Node *node, const char *name); /* also from a constant int */
/* A dim argument wrapped into [0, rank); -1 on a bad one. */
int         node_dim(const Node *node, const char *name, int rank);
/* An Expr of an ARG_INT, or of a VALUE_SCALAR; NULL when the argument is None. */
const Expr *arg_as_expr(const Arg *arg);

/* ---- types ----------------------------------------------------------------------------------- */
/* Row-major strides are made. sizes are copied. */
TensorType  tensor_type(Ir *ir, DType dtype, const Expr *const *sizes, int rank);
TensorType  tensor_type_ints(Ir *ir, DType dtype, const int64_t *sizes, int rank);
TensorType  tensor_type_strided(Ir *ir, DType dtype, const Expr *const *sizes,
                                const Expr *const *strides, int rank);
/* Graph.is_mixed: for what makes a graph of an export or text. */
void        graph_note_devices(Graph *graph);
bool        tensor_is_contiguous(Ir *ir, const TensorType *type);
bool        tensor_same_sizes(Ir *ir, const TensorType *a, const TensorType *b);
const Expr *tensor_numel(Ir *ir, const TensorType *type);
const char *tensor_type_text(Arena *arena, const TensorType *type); /* "f32[1,3,s0]" */

/* ---- text: ir/text_print.c, ir/text_parse.c; the form is in docs/ir-text.md ------------------ */
void   graph_print(Text *text, const Graph *graph);
Error *graph_parse(Ir *ir, const char *source, Graph **out);

/* Checks every invariant stated above (definitions before uses, argument kinds against the schema,
 * types complete, names unique).  E_INTERNAL with the node. */
Error *graph_verify(const Graph *graph);

#endif
