/* What the graph passes share: questions about nodes and values, and replacing one value by
 * another.
 *
 * In: nodes of one graph.  Out: answers; nothing here decides what a pass does. */
#ifndef AOTC_PASSES_GRAPH_UTIL_H
#define AOTC_PASSES_GRAPH_UTIL_H

#include "ir/graph.h"
#include "ir/ops.h"
#include "passes/pass.h"

/* Stands the operator's dotted name ("aten.add.Tensor") or, without dots, its base name ("add")? */
bool node_is(const Node *node, const char *name);
bool node_base_in(const Node *node, const char *const *names); /* aten only; names ended by NULL */

/* No effect, no randomness, no write, no subgraph: may be merged, moved and computed at compile
 * time. */
bool node_is_pure(const Node *node);
bool node_has_graph(const Node *node);

/* Calls visit for every ARG_GRAPH of the node, lists included. */
void   node_for_each_graph(Node *node, void (*visit)(void *cx, Graph *graph), void *cx);
/* The same for all nodes of a graph; stops at the first error. */
Error *graph_for_each_subgraph(Graph *graph, Error *(*visit)(void *cx, Graph *graph), void *cx);

/* Argument by schema name, or NULL where the schema does not have it. */
const Arg *node_arg_or_null(const Node *node, const char *name);
/* The first tensor argument, or NULL. */
Value     *node_first_tensor(const Node *node);
/* A constant int, float or bool. */
bool       arg_number(const Arg *arg, double *number);
bool       arg_is_number(const Arg *arg, double number);
Arg        arg_tensors(Arena *arena, Value *const *values, int n);

bool same_strides(const TensorType *a, const TensorType *b);
bool same_dtype_and_sizes(Ir *ir, const Value *a, const Value *b);
/* Are strides or identity of the value seen from outside: graph output, new content of an input or
 * buffer? */
bool value_is_observed(const Graph *graph, const Value *value);
/* Does the node look at the memory of its arguments, not at the elements alone? */
bool node_reads_layout(const Node *node);

/* Can uses of `from` mean `to` without the caller of the model seeing a difference? */
bool value_can_stand_for(const Graph *graph, const Value *from, const Value *to);
/* Replaces where value_can_stand_for() allows it. */
bool try_replace(Graph *graph, Value *from, Value *to);

/* What a value is made of. */
typedef enum Origin {
    FROM_INPUTS,    /* inputs, mutated state, random numbers, symbols, effects */
    FROM_NOTHING,   /* generators: arange, full */
    FROM_CONSTANTS, /* at least one weight, and nothing of FROM_INPUTS */
} Origin;
/* Of every value by id; *n is the length of the table, what is made later is not in it. */
Origin *graph_origins(Graph *graph, int *n);

/* Tensor type of `like` with other strides' owner: dtype and sizes stay, strides are copied. */
void take_strides(Value *value, const TensorType *like);
/* A new node gets where and module of the node it comes from. */
void inherit_where(Node *node, const Node *from);

/* One-result calls that copy strides and origin; `before` is also where they come from. */
Error *build_like(Graph *graph, Node *before, const Node *origin, const char *op, const Arg *args,
                  int n_args, Value **out);

#endif
