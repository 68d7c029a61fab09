/* Passes over Graph; the runner is passes/run.c, the order passes/pipelines.c. */
#ifndef AOTC_PASSES_PASS_H
#define AOTC_PASSES_PASS_H

#include "ir/graph.h"
#include "ir/loops.h"

/* Analyses that the runner refills before a pass. */
enum { HAVE_USES = 1 };

typedef struct Counter {
    const char *name;
    int64_t     count;
} Counter;

typedef struct PassTime {
    const char *pass;
    double      ms;
} PassTime;

/* An operator that nobody has: one row of the table that `decompose` refuses with. */
typedef struct UnsupportedOp {
    const char *name;
    const Node *node; /* the first call */
    int         times;
} UnsupportedOp;

/* What a compile asks of the passes, and what they report back. */
typedef struct PassCtx {
    Arena *arena;
    VEC(Counter) counters;
    VEC(PassTime) times;
    VEC(UnsupportedOp) unsupported; /* the most frequent first */
    const char *const *disabled;    /* --disable-pass names */
    int                n_disabled;
    const char        *print_after; /* pass name, "all", or NULL */
    void (*print)(void *cx, const char *pass, const char *text);
    void *print_cx;
    int   max_fusion_size;             /* 0: default */
    int   unroll_reductions_threshold; /* 0: default */
    bool  explain_fusion;
    bool  target_is_cuda;
} PassCtx;

typedef struct Pass {
    const char *name;
    const char *purpose;
    unsigned    needs;
    /* Sets *changed when it changed the graph. */
    Error *(*run)(Graph *graph, PassCtx *cx, bool *changed);
    /* Does it say all calls of the operator, which has no row, in others?  NULL: of none. */
    bool (*replaces)(const OpSchema *schema);
} Pass;

/* Adds n to the named counter (names: docs/counters.md). */
void pass_count(PassCtx *cx, const char *counter, int64_t n);

/* All graph passes in order, ended by NULL; then lowering. */
extern const Pass *const pipeline[];
const Pass              *pass_find(const char *name);
/* The pass that replaces calls of the operator, or NULL. */
const Pass              *pass_replacing(const OpSchema *schema);

/* The operator that the user called, where `node` is the functional form that an export has wrapped
 * it into: its schema, guessed where nobody has declared it.  NULL for higher-order operators. */
const OpSchema *called_schema(const Node *node);

/* Runs one pass (and, inside, its work on subgraphs), verifies, dumps, wraps errors. */
Error *pass_run(const Pass *pass, Graph *graph, PassCtx *cx);
/* The whole pipeline. */
Error *passes_run(Graph *graph, PassCtx *cx);

/* Graph to Plan: lower, fuse, schedule, plan memory.  On success *out has everything emitters need.
 */
Error *lower_graph(Graph *graph, PassCtx *cx, Plan **out);

#endif
