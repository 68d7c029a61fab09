/* A map, scan or associative_scan: what unroll_loops and roll_loops read of its node. */
#ifndef AOTC_PASSES_UNROLL_LOOPS_H
#define AOTC_PASSES_UNROLL_LOOPS_H

#include "passes/graph_util.h"

typedef struct Unroll {
    Graph  *graph;
    Node   *node;
    Graph  *body; /* inputs: carried, a row of each of xs, more; outputs: carried, ys */
    Arg     carried, xs, more; /* lists */
    bool    is_associative;    /* body joins two rows; every result is a running one */
    int64_t steps;             /* -1: not constant, or too many to write out */
} Unroll;

/* The loop as a while_loop (passes/roll_loops.c). */
Error *roll_loop(Unroll *u);
/* A while_loop_stack_output as two while_loops (passes/stack_loop.c). */
Error *stack_loop(Graph *graph, Node *node);

#endif
