/* Graphs of a context: one for each combination of sizes, the one not used for longest makes room.
 *
 *   first run of the sizes     plain (policy auto)
 *   second                     recorded, launched
 *   later                      launched; where addresses or numbers differ, updated before
 */
#include "loader/cuda.h"

#include <stdlib.h>
#include <string.h>

static void list_addresses(const aotc_context *c, void **out)
{
    const aotc_model_entry *e = c->model->entry;
    memcpy(out, c->inputs, (size_t)e->n_inputs * sizeof *out);
    memcpy(out + e->n_inputs, c->outputs, (size_t)e->n_outputs * sizeof *out);
    out[e->n_inputs + e->n_outputs] = c->arena.memory;
    out[e->n_inputs + e->n_outputs + 1] = c->scratch.memory;
    out[e->n_inputs + e->n_outputs + 2] = c->cuda->host_arena.memory;
    out[e->n_inputs + e->n_outputs + 3] = c->cuda->host_scratch.memory;
}

static bool is_as_recorded(const aotc_context *c, const Graph *g)
{
    const aotc_model_entry *e = c->model->entry;
    void *const            *rest = g->addresses + e->n_inputs + e->n_outputs;
    return !memcmp(g->addresses, c->inputs, (size_t)e->n_inputs * sizeof(void *)) &&
           !memcmp(g->addresses + e->n_inputs, c->outputs, (size_t)e->n_outputs * sizeof(void *)) &&
           rest[0] == c->arena.memory && rest[1] == c->scratch.memory &&
           rest[2] == c->cuda->host_arena.memory && rest[3] == c->cuda->host_scratch.memory &&
           !memcmp(g->sym, c->sym, (size_t)e->n_symbols * sizeof *g->sym);
}

static void note_recorded(const aotc_context *c, Graph *g)
{
    list_addresses(c, g->addresses);
    memcpy(g->sym, c->sym, (size_t)c->model->entry->n_symbols * sizeof *g->sym);
}

/* ---- the cache ------------------------------------------------------------------------------- */

static bool has_sizes(const aotc_context *c, const Graph *g)
{
    const CudaContext *u = c->cuda;
    for (int i = 0; i < u->n_sizes; i++)
        if (g->sizes[i] != c->sym[u->size_symbols[i]])
            return false;
    return true;
}

static bool make_tables(aotc_context *c, Graph *g)
{
    CudaContext *u = c->cuda;
    g->sizes = calloc((size_t)u->n_sizes + 1, sizeof *g->sizes);
    g->sym = calloc((size_t)c->model->entry->n_symbols + 1, sizeof *g->sym);
    g->addresses = calloc((size_t)u->n_addresses, sizeof *g->addresses);
    return g->sizes && g->sym && g->addresses;
}

static void free_tables(Graph *g)
{
    free(g->sizes);
    free(g->sym);
    free(g->addresses);
    free(g->nodes);
    free(g->args);
    *g = (Graph){0};
}

static Graph *oldest(CudaContext *u)
{
    Graph *g = &u->graphs[0];
    for (int i = 1; i < u->n_graphs; i++)
        if (u->graphs[i].last_used < g->last_used)
            g = &u->graphs[i];
    return g;
}

/* A place for the bound sizes, which no graph has; NULL: out of memory. */
static Graph *new_graph(aotc_context *c)
{
    CudaContext *u = c->cuda;
    Graph       *g;
    if (u->n_graphs < u->most_graphs) {
        g = &u->graphs[u->n_graphs];
        if (!make_tables(c, g)) {
            free_tables(g);
            return NULL;
        }
        u->n_graphs++;
    } else {
        g = oldest(u);
        u->counters.evictions += g->exec != NULL;
        graph_drop(u, g);
        g->n_runs = 0;
        g->skip_reason = NULL;
    }
    for (int i = 0; i < u->n_sizes; i++)
        g->sizes[i] = c->sym[u->size_symbols[i]];
    return g;
}

static Graph *find_graph(aotc_context *c)
{
    CudaContext *u = c->cuda;
    if (u->current)
        return u->current;
    for (int i = 0; i < u->n_graphs && !u->current; i++)
        if (has_sizes(c, &u->graphs[i]))
            u->current = &u->graphs[i];
    if (!u->current)
        u->current = new_graph(c);
    return u->current;
}

void cuda_free_graphs(aotc_context *c)
{
    CudaContext *u = c->cuda;
    for (int i = 0; i < u->n_graphs; i++) {
        graph_drop(u, &u->graphs[i]);
        free_tables(&u->graphs[i]);
    }
    u->n_graphs = 0;
    u->current = NULL;
}

/* ---- changes --------------------------------------------------------------------------------- */

/* Nodes of an instantiated graph can be changed one by one; not so those inside of conditional
 * nodes (CUDA C++ Programming Guide, "Updating Instantiated Graphs").  With such, the nodes of the
 * graph that it was made from are changed, and graph_update() hands all of that over at the end. */
CuResult graph_set_kernel(const CudaContext *u, const Graph *g, CuNode n, const CuKernelNode *p)
{
    const CudaDriver *d = u->driver;
    if (!g->has_bodies)
        return d->GraphExecKernelNodeSetParams(g->exec, n, p);
    return d->GraphKernelNodeSetParams ? d->GraphKernelNodeSetParams(n, p) : CU_NOT_SUPPORTED;
}

CuResult graph_set_copy(const CudaContext *u, const Graph *g, CuNode n, const CuCopyNode *p)
{
    const CudaDriver *d = u->driver;
    if (!g->has_bodies)
        return d->GraphExecMemcpyNodeSetParams(g->exec, n, p, u->device->context);
    return d->GraphMemcpyNodeSetParams ? d->GraphMemcpyNodeSetParams(n, p) : CU_NOT_SUPPORTED;
}

CuResult graph_set_fill(const CudaContext *u, const Graph *g, CuNode n, const CuMemsetNode *p)
{
    const CudaDriver *d = u->driver;
    if (!g->has_bodies)
        return d->GraphExecMemsetNodeSetParams(g->exec, n, p, u->device->context);
    return d->GraphMemsetNodeSetParams ? d->GraphMemsetNodeSetParams(n, p) : CU_NOT_SUPPORTED;
}

/* ---- a run ----------------------------------------------------------------------------------- */

static aotc_status skip(aotc_context *c, const char *reason, bool is_failure, aotc_error *error)
{
    CudaContext *u = c->cuda;
    u->counters.skips++;
    u->counters.skip_reason = reason;
    if (is_failure && u->policy == AOTC_CUDA_GRAPH_ON)
        return error_set(error, AOTC_E_UNSUPPORTED, "this run can be no CUDA graph: %s", reason);
    cuda_run_plain(c);
    return AOTC_OK;
}

/* The graph of this run; NULL: see g->skip_reason and c->failure. */
static CuExec prepare(aotc_context *c, Graph *g)
{
    CudaContext *u = c->cuda;
    if (g->exec && is_as_recorded(c, g))
        return g->exec;
    if (g->exec && graph_update(c, g)) {
        u->counters.updates++;
        note_recorded(c, g);
        return g->exec;
    }
    if (c->failure.code) { /* half changed */
        graph_drop(u, g);
        return NULL;
    }
    if (!graph_record(c, g))
        return NULL;
    u->counters.captures++;
    note_recorded(c, g);
    return g->exec;
}

aotc_status cuda_run_graph(aotc_context *c, aotc_error *error)
{
    CudaContext *u = c->cuda;
    if (u->policy == AOTC_CUDA_GRAPH_OFF) {
        cuda_run_plain(c);
        return AOTC_OK;
    }
    if (u->is_capturing)
        return skip(c, "the stream is being captured", false, error);
    if (c->profile)
        return skip(c, "kernels are being timed", false, error);
    Graph *g = find_graph(c);
    if (!g)
        return skip(c, "out of memory", true, error);
    g->last_used = ++u->clock;
    if (g->skip_reason)
        return skip(c, g->skip_reason, true, error);
    if (u->policy == AOTC_CUDA_GRAPH_AUTO && !g->n_runs++) {
        cuda_run_plain(c);
        return AOTC_OK;
    }
    CuExec exec = prepare(c, g);
    if (!exec && !c->failure.code)
        return skip(c, g->skip_reason, true, error);
    if (exec && g->uses_rng)
        cuda_set_rng(c);
    if (!exec || c->failure.code)
        return AOTC_OK;
    CuResult r = u->driver->GraphLaunch(exec, u->stream);
    if (r)
        cuda_fail(c, r, "cuGraphLaunch", -1);
    u->counters.replays++;
    return AOTC_OK;
}
