/* What functionalize needs to know of views: which results share memory with which argument in
 * eager PyTorch, how a view is taken again from a new base, and how a write to a view becomes a new
 * base.
 *
 * In: a node that calls a view operator.  Out: new nodes before a given one. */
#ifndef AOTC_PASSES_FUNCTIONALIZE_VIEWS_H
#define AOTC_PASSES_FUNCTIONALIZE_VIEWS_H

#include "passes/graph_util.h"

/* The argument whose memory all results share in eager PyTorch, NULL when the results are fresh.
 *
 * From the schema's alias marks; where the mark only says "may", the types decide: `contiguous` and
 * `to` give their argument back when nothing changes, `reshape` and `flatten` are views when the
 * strides allow it. */
Arg *view_base(Node *node);

/* `view` with another base as argument number base_arg, before `before`. */
Error *view_replay(Graph *graph, Node *before, Node *view, int base_arg, int result, Value *base,
                   Value **out);

/* The content of the base after `content` was written through `view`. */
Error *view_inverse(Graph *graph, Node *before, Node *view, int result, Value *base, Value *content,
                    Value **out);

/* "aten.unsqueeze_" changes what the tensor is a view of, not the memory: the view operator it
 * stands for, or NULL. */
const char *view_of_inplace(const Node *node);

/* functionalize_schema.c: the operator that does the same as a writing one, to fresh memory; NULL:
 * none has all its arguments. */
const OpSchema *functional_schema(Ir *ir, const OpSchema *from);

#endif
