/* The pass runner: analyses before a pass, the pass on the graph and its subgraphs, the verifier
 * and dumps after it.
 *
 * In: a Graph and what the command line asked of the passes.  Out: the rewritten graph; counters,
 * times and dumps in the PassCtx; errors wrapped with the name of the pass. */
#include "passes/graph_util.h"

#include <string.h>
#include <time.h>

/* Deeper than any program nests control flow; a hostile file may try (the importer has its own
 * limit on JSON). */
#define MAX_SUBGRAPH_DEPTH 64

/* Names that --disable-pass also takes: the stage names users know from PyTorch. */
static const struct {
    const char *alias, *pass;
} aliases[] = {
    {"constant_fold", "freeze"},           {"constant_folding", "freeze"},
    {"cse", "common_subexpression"},       {"dce", "dead_code"},
    {"binary_folding", "fold_batch_norm"},
};

void pass_count(PassCtx *cx, const char *counter, int64_t n)
{
    for (int i = 0; i < cx->counters.n; i++)
        if (!strcmp(cx->counters.items[i].name, counter)) {
            cx->counters.items[i].count += n;
            return;
        }
    VEC_PUSH(cx->arena, cx->counters, ((Counter){counter, n}));
}

/* `-` and `_` are the same in names given by the user. */
static bool same_name(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if (*a != *b && !((*a == '-' || *a == '_') && (*b == '-' || *b == '_')))
            return false;
    return *a == *b;
}

const Pass *pass_replacing(const OpSchema *schema)
{
    for (int i = 0; pipeline[i]; i++)
        if (pipeline[i]->replaces && pipeline[i]->replaces(schema))
            return pipeline[i];
    return NULL;
}

const Pass *pass_find(const char *name)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (same_name(name, aliases[i].alias))
            name = aliases[i].pass;
    for (int i = 0; pipeline[i]; i++)
        if (same_name(name, pipeline[i]->name))
            return pipeline[i];
    return NULL;
}

typedef struct Run {
    const Pass *pass;
    PassCtx    *cx;
    bool        changed;
    int         depth;
} Run;

static Error *run_on(void *user, Graph *graph)
{
    Run *run = user;
    if (run->depth >= MAX_SUBGRAPH_DEPTH)
        return error_new(run->cx->arena, E_LIMIT, (Where){.file = graph->ir->file},
                         "subgraphs are nested deeper than %d", MAX_SUBGRAPH_DEPTH);
    if (run->pass->needs & HAVE_USES)
        graph_count_uses(graph);
    if (run->pass->run)
        TRY(run->pass->run(graph, run->cx, &run->changed));
    run->depth++;
    TRY(graph_for_each_subgraph(graph, run_on, run));
    run->depth--;
    return NULL;
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static bool wants_print(const PassCtx *cx, const Pass *pass)
{
    if (!cx->print_after || !cx->print)
        return false;
    return !strcmp(cx->print_after, "all") || pass_find(cx->print_after) == pass;
}

/* The graph as the run sees it: what is folded happens at compile time and is left out of dumps. */
static void dump(const Pass *pass, const Graph *graph, PassCtx *cx)
{
    Text  text = text_new(graph->ir->arena);
    Graph shown = *graph;
    shown.fold = NULL;
    graph_print(&text, &shown);
    cx->print(cx->print_cx, pass->name, text.data);
}

Error *pass_run(const Pass *pass, Graph *graph, PassCtx *cx)
{
    Run    run = {.pass = pass, .cx = cx};
    double start = now_ms();
    Error *error = run_on(&run, graph);
    VEC_PUSH(cx->arena, cx->times, ((PassTime){pass->name, now_ms() - start}));
    if (!error)
        error = graph_verify(graph);
    if (error)
        return error_wrap(cx->arena, error, "running pass %s", pass->name);
    if (wants_print(cx, pass))
        dump(pass, graph, cx);
    return NULL;
}

static bool is_disabled(const PassCtx *cx, const Pass *pass)
{
    for (int i = 0; i < cx->n_disabled; i++)
        if (pass_find(cx->disabled[i]) == pass)
            return true;
    return false;
}

Error *passes_run(Graph *graph, PassCtx *cx)
{
    for (int i = 0; pipeline[i]; i++) {
        if (!is_disabled(cx, pipeline[i]))
            TRY(pass_run(pipeline[i], graph, cx));
        else if (wants_print(cx, pipeline[i]))
            dump(pipeline[i], graph, cx);
    }
    return NULL;
}
