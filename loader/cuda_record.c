/* A walk through the plan that makes nodes of a graph, or compares them with what the graph has.
 *
 *   launch(k0, args)                 kernel node, its arguments kept
 *   if (enter(IF, flag)) {           kernel node that sets the condition, conditional node
 *       launch(k1, args); leave(); }     kernel node in its body
 *   copy(to, from)                   memcpy node
 *
 * Nodes depend on the one before: the plan's order.  A launch that may start early has a
 * programmatic edge, which is the launch attribute's meaning in a graph. */
#include "loader/cuda.h"

#include <stdlib.h>
#include <string.h>

#define MOST_LEVELS ((int)(sizeof((Recorder *)0)->levels / sizeof *((Recorder *)0)->levels))

void graph_refuse(aotc_context *c, const char *why)
{
    Recorder *r = &c->cuda->recorder;
    if (!r->refusal)
        r->refusal = why;
}

void graph_refuse_result(aotc_context *c, CuResult r, const char *call)
{
    CudaContext *u = c->cuda;
    if (u->recorder.refusal)
        return;
    cuda_describe(u->driver, r, call, u->refusal, sizeof u->refusal);
    u->recorder.refusal = u->refusal;
}

static bool is_stopped(const Recorder *r)
{
    return r->refusal || r->is_different;
}

void graph_drop(CudaContext *u, Graph *g)
{
    if (g->exec || g->graph)
        cuda_settle(u);
    if (g->exec)
        u->driver->GraphExecDestroy(g->exec);
    if (g->graph)
        u->driver->GraphDestroy(g->graph);
    for (int i = 0; i < g->n_nodes; i++)
        cuda_release_call(g->nodes[i].call);
    g->exec = NULL;
    g->graph = NULL;
    g->n_nodes = 0;
    g->n_args = 0;
    g->uses_rng = g->has_bodies = false;
}

/* ---- what the graph has ---------------------------------------------------------------------- */

/* A new node of the list; NULL: out of memory. */
GraphNode *graph_new_node(aotc_context *c, Graph *g, int kind)
{
    if (g->n_nodes == g->cap_nodes) {
        int        cap = g->cap_nodes ? 2 * g->cap_nodes : 32;
        GraphNode *more = realloc(g->nodes, (size_t)cap * sizeof *more);
        if (!more) {
            graph_refuse(c, "out of memory");
            return NULL;
        }
        g->nodes = more;
        g->cap_nodes = cap;
    }
    GraphNode *n = &g->nodes[g->n_nodes++];
    *n = (GraphNode){.kind = kind};
    return n;
}

bool graph_keep_args(aotc_context *c, Graph *g, GraphNode *n, const void *args, uint32_t bytes)
{
    if (g->n_args + bytes > g->cap_args) {
        uint32_t       cap = 2 * g->cap_args + bytes + 1024;
        unsigned char *more = realloc(g->args, cap);
        if (!more) {
            graph_refuse(c, "out of memory");
            return false;
        }
        g->args = more;
        g->cap_args = cap;
    }
    if (bytes)
        memcpy(g->args + g->n_args, args, bytes);
    n->args_offset = g->n_args;
    n->args_bytes = bytes;
    g->n_args += bytes;
    return true;
}

/* The node that the graph has in this place, when it is of that kind and may be changed. */
GraphNode *graph_next_node(Recorder *r, int kind)
{
    Graph *g = r->graph;
    if (r->cursor < g->n_nodes && g->nodes[r->cursor].kind == kind)
        return &g->nodes[r->cursor++];
    r->is_different = true;
    return NULL;
}

/* What cannot be changed is recorded again. */
static void note_change(Recorder *r, CuResult result)
{
    r->n_changed++;
    if (result)
        r->is_different = true;
}

/* ---- launches -------------------------------------------------------------------------------- */

static CuKernelNode kernel_params(const CudaContext *u, const aotc_model_launch *l, void **params)
{
    return (CuKernelNode){.function = u->functions[l->function],
                          .grid = {l->grid[0], l->grid[1], l->grid[2]},
                          .block = {l->block[0], l->block[1], l->block[2]},
                          .shared_bytes = l->shared_bytes,
                          .params = params};
}

static bool is_early(const CudaContext *u, const aotc_model_launch *l)
{
    return l->flags & AOTC_LAUNCH_EARLY && u->services.sm >= 90 && u->driver->GraphAddDependencies;
}

static CuResult add_kernel(CudaContext *u, const CuKernelNode *k, bool early, CuNode *out)
{
    Recorder *r = &u->recorder;
    CuNode    last = r->levels[r->depth].last;
    bool      is_edge_early = early && last && r->levels[r->depth].last_is_launch;
    CuResult  result = u->driver->GraphAddKernelNode(out, r->levels[r->depth].graph, &last,
                                                     last && !is_edge_early, k);
    if (!result && is_edge_early) {
        const CuEdge edge = {.from_port = CU_PORT_PROGRAMMATIC, .type = CU_EDGE_PROGRAMMATIC};
        result = u->driver->GraphAddDependencies(r->levels[r->depth].graph, &last, out, &edge, 1);
    }
    if (!result) {
        r->levels[r->depth].last = *out;
        r->levels[r->depth].last_is_launch = true;
    }
    return result;
}

static CuResult set_cluster(const CudaContext *u, CuNode node, const aotc_model_launch *l)
{
    CuAttributeValue v = {{0}};
    if (l->cluster[0] <= 1 && l->cluster[1] <= 1 && l->cluster[2] <= 1)
        return CU_OK;
    for (int d = 0; d < 3; d++)
        v.cluster[d] = l->cluster[d] ? l->cluster[d] : 1;
    return u->driver->GraphKernelNodeSetAttribute(node, CU_ATTRIBUTE_CLUSTER, &v);
}

static void record_launch(aotc_context *c, const aotc_model_launch *l, const void *args,
                          uint32_t bytes)
{
    CudaContext *u = c->cuda;
    Graph       *g = u->recorder.graph;
    void        *params[] = {(void *)(uintptr_t)args};
    CuKernelNode k = kernel_params(u, l, params);
    GraphNode   *n = graph_new_node(c, g, NODE_LAUNCH);
    if (!n || !graph_keep_args(c, g, n, args, bytes))
        return;
    n->launch = *l;
    CuResult r = add_kernel(u, &k, is_early(u, l), &n->node);
    r = r ? r : set_cluster(u, n->node, l);
    if (r)
        graph_refuse_result(c, r, "cuGraphAddKernelNode");
    g->uses_rng |= cuda_reads_rng(u, args, bytes);
}

/* What an update may not change: the function, clusters, edges. */
static bool is_same_kind(const aotc_model_launch *a, const aotc_model_launch *b)
{
    return a->function == b->function && a->flags == b->flags &&
           !memcmp(a->cluster, b->cluster, sizeof a->cluster);
}

static bool is_same_launch(const Graph *g, const GraphNode *n, const aotc_model_launch *l,
                           const void *args)
{
    return !memcmp(n->launch.grid, l->grid, sizeof l->grid) &&
           !memcmp(n->launch.block, l->block, sizeof l->block) &&
           n->launch.shared_bytes == l->shared_bytes &&
           (!n->args_bytes || !memcmp(g->args + n->args_offset, args, n->args_bytes));
}

static void update_launch(aotc_context *c, const aotc_model_launch *l, const void *args,
                          uint32_t bytes)
{
    CudaContext *u = c->cuda;
    Graph       *g = u->recorder.graph;
    GraphNode   *n = graph_next_node(&u->recorder, NODE_LAUNCH);
    if (!n)
        return;
    if (!is_same_kind(&n->launch, l) || n->args_bytes != bytes) {
        u->recorder.is_different = true;
        return;
    }
    if (is_same_launch(g, n, l, args))
        return;
    void        *params[] = {(void *)(uintptr_t)args};
    CuKernelNode k = kernel_params(u, l, params);
    note_change(&u->recorder, graph_set_kernel(u, g, n->node, &k));
    n->launch = *l;
    if (bytes)
        memcpy(g->args + n->args_offset, args, bytes);
}

void graph_launch(aotc_context *c, const aotc_model_launch *l, const void *args, uint32_t bytes)
{
    if (is_stopped(&c->cuda->recorder))
        return;
    if (c->cuda->mode == MODE_RECORD)
        record_launch(c, l, args, bytes);
    else
        update_launch(c, l, args, bytes);
}

/* ---- copies and fills ------------------------------------------------------------------------ */

static CuCopyNode copy_params(int direction, void *to, const void *from, uint64_t bytes)
{
    CuCopyNode p = {.from = {.memory_type = CU_MEMORY_DEVICE, .device = address(from)},
                    .to = {.memory_type = CU_MEMORY_DEVICE, .device = address(to)},
                    .width_bytes = bytes,
                    .height = 1,
                    .depth = 1};
    if (direction == COPY_UP)
        p.from = (CuCopyEnd){.memory_type = CU_MEMORY_HOST, .host = from};
    if (direction == COPY_DOWN)
        p.to = (CuCopyEnd){.memory_type = CU_MEMORY_HOST, .host = to};
    return p;
}

static CuMemsetNode fill_params(void *to, uint32_t value, uint32_t item_bytes, uint64_t n)
{
    return (CuMemsetNode){
        .to = address(to), .value = value, .item_bytes = item_bytes, .width = n, .height = 1};
}

/* What add_kernel() does for kernels. */
void graph_note_added(aotc_context *c, CuResult result, CuNode node, const char *call)
{
    Recorder *r = &c->cuda->recorder;
    if (result) {
        graph_refuse_result(c, result, call);
        return;
    }
    r->levels[r->depth].last = node;
    r->levels[r->depth].last_is_launch = false;
}

static void record_copy(aotc_context *c, GraphNode *n, const CuCopyNode *params)
{
    CudaContext *u = c->cuda;
    Recorder    *r = &u->recorder;
    CuNode       last = r->levels[r->depth].last;
    CuResult     result = u->driver->GraphAddMemcpyNode(&n->node, r->levels[r->depth].graph, &last,
                                                        last != NULL, params, u->device->context);
    graph_note_added(c, result, n->node, "cuGraphAddMemcpyNode");
}

void graph_copy(aotc_context *c, int direction, void *to, const void *from, uint64_t bytes)
{
    CudaContext *u = c->cuda;
    Recorder    *r = &u->recorder;
    CuCopyNode   params = copy_params(direction, to, from, bytes);
    if (is_stopped(r))
        return;
    bool       is_new = u->mode == MODE_RECORD;
    GraphNode *n = is_new ? graph_new_node(c, r->graph, NODE_COPY) : graph_next_node(r, NODE_COPY);
    if (!n)
        return;
    bool is_same = n->to == to && n->from == from && n->n == bytes;
    if (!is_new && n->value != (uint32_t)direction)
        r->is_different = true;
    if (!is_new && (is_same || r->is_different))
        return;
    n->value = (uint32_t)direction;
    n->to = to;
    n->from = from;
    n->n = bytes;
    if (is_new)
        record_copy(c, n, &params);
    else
        note_change(r, graph_set_copy(u, r->graph, n->node, &params));
}

static void record_fill(aotc_context *c, GraphNode *n, const CuMemsetNode *params)
{
    CudaContext *u = c->cuda;
    Recorder    *r = &u->recorder;
    CuNode       last = r->levels[r->depth].last;
    CuResult     result = u->driver->GraphAddMemsetNode(&n->node, r->levels[r->depth].graph, &last,
                                                        last != NULL, params, u->device->context);
    graph_note_added(c, result, n->node, "cuGraphAddMemsetNode");
}

void graph_fill(aotc_context *c, void *to, uint32_t value, uint32_t item_bytes, uint64_t count)
{
    CudaContext *u = c->cuda;
    Recorder    *r = &u->recorder;
    CuMemsetNode params = fill_params(to, value, item_bytes, count);
    if (is_stopped(r))
        return;
    bool       is_new = u->mode == MODE_RECORD;
    GraphNode *n = is_new ? graph_new_node(c, r->graph, NODE_FILL) : graph_next_node(r, NODE_FILL);
    if (!n)
        return;
    bool is_same = n->to == to && n->value == value && n->item_bytes == item_bytes && n->n == count;
    if (!is_new && is_same)
        return;
    n->to = to;
    n->value = value;
    n->item_bytes = item_bytes;
    n->n = count;
    if (is_new)
        record_fill(c, n, &params);
    else
        note_change(r, graph_set_fill(u, r->graph, n->node, &params));
}

/* ---- branches -------------------------------------------------------------------------------- */

/* A kernel that gives the condition the flag's value. */
static CuResult add_condition(CudaContext *u, CuCondition handle, const void *flag, int32_t branch)
{
    uint64_t     h = handle;
    const void  *f = flag;
    unsigned     unless = branch == AOTC_BRANCH_UNLESS;
    void        *params[] = {&h, (void *)&f, &unless};
    CuNode       node;
    CuKernelNode k = {
        .function = u->device->condition, .grid = {1, 1, 1}, .block = {1, 1, 1}, .params = params};
    return add_kernel(u, &k, false, &node);
}

static CuResult open_level(CudaContext *u, int32_t branch, const void *flag)
{
    Recorder         *r = &u->recorder;
    CuCondition       handle;
    CuNode            node;
    CuGraph           graph = r->levels[r->depth].graph;
    CuConditionalNode params = {.type = CU_NODE_CONDITIONAL,
                                .condition =
                                    branch == AOTC_BRANCH_WHILE ? CU_COND_WHILE : CU_COND_IF,
                                .n_bodies = 1,
                                .context = u->device->context};
    CuResult result = u->driver->GraphConditionalHandleCreate(&handle, graph, u->device->context, 0,
                                                              CU_COND_ASSIGN_DEFAULT);
    result = result ? result : add_condition(u, handle, flag, branch);
    if (result)
        return result;
    params.handle = handle;
    CuNode last = r->levels[r->depth].last;
    result = u->driver->GraphAddNode(&node, graph, &last, NULL, 1, &params);
    if (result)
        return result;
    r->levels[r->depth].last = node;
    r->levels[r->depth].last_is_launch = false;
    r->depth++;
    r->levels[r->depth].graph = params.bodies[0];
    r->levels[r->depth].last = NULL;
    r->levels[r->depth].last_is_launch = false;
    r->levels[r->depth].branch = branch;
    r->levels[r->depth].handle = handle;
    r->levels[r->depth].flag = flag;
    return CU_OK;
}

static int32_t record_enter(aotc_context *c, int32_t branch, const void *flag)
{
    CudaContext *u = c->cuda;
    Recorder    *r = &u->recorder;
    if (!u->device->condition)
        graph_refuse(c, "it has a branch or loop on the device, and the driver has no conditional "
                        "nodes (CUDA 12.3)");
    else if (r->depth + 1 >= MOST_LEVELS)
        graph_refuse(c, "its branches are nested too deep");
    if (r->refusal)
        return 0;
    GraphNode *n = graph_new_node(c, r->graph, NODE_ENTER);
    if (!n)
        return 0;
    n->from = flag;
    n->value = (uint32_t)branch;
    r->graph->has_bodies = true;
    CuResult result = open_level(u, branch, flag);
    if (result)
        graph_refuse_result(c, result, "cuGraphAddNode (conditional)");
    return !result;
}

static int32_t update_enter(Recorder *r, int32_t branch, const void *flag)
{
    GraphNode *n = graph_next_node(r, NODE_ENTER);
    if (n && (n->from != flag || n->value != (uint32_t)branch))
        r->is_different = true;
    return !r->is_different;
}

int32_t graph_enter(aotc_context *c, int32_t branch, const void *flag)
{
    Recorder *r = &c->cuda->recorder;
    bool      is_again = r->is_left_loop && branch == AOTC_BRANCH_WHILE;
    r->is_left_loop = false;
    if (is_stopped(r) || is_again)
        return 0;
    return c->cuda->mode == MODE_RECORD ? record_enter(c, branch, flag)
                                        : update_enter(r, branch, flag);
}

void graph_leave(aotc_context *c)
{
    CudaContext *u = c->cuda;
    Recorder    *r = &u->recorder;
    if (is_stopped(r))
        return;
    bool       is_new = u->mode == MODE_RECORD;
    GraphNode *n =
        is_new ? graph_new_node(c, r->graph, NODE_LEAVE) : graph_next_node(r, NODE_LEAVE);
    if (!n)
        return;
    if (!is_new) {
        r->is_left_loop = n->value == AOTC_BRANCH_WHILE;
        return;
    }
    int32_t  branch = r->levels[r->depth].branch;
    CuResult result = CU_OK;
    n->value = (uint32_t)branch;
    r->is_left_loop = branch == AOTC_BRANCH_WHILE;
    if (r->is_left_loop)
        result = add_condition(u, r->levels[r->depth].handle, r->levels[r->depth].flag, branch);
    if (result)
        graph_refuse_result(c, result, "cuGraphAddKernelNode");
    if (r->depth)
        r->depth--;
}

/* ---- walks ----------------------------------------------------------------------------------- */

static void walk(aotc_context *c, Graph *g, int mode)
{
    CudaContext *u = c->cuda;
    u->recorder = (Recorder){.graph = g};
    u->recorder.levels[0].graph = g->graph;
    u->mode = mode;
    c->model->entry->run(&c->frame, 0);
    u->mode = MODE_PLAIN;
    c->n_run_blocks = 0;
    if (u->recorder.refusal) /* what the model makes of it is no failure of the run */
        c->failure = (aotc_model_failure){.kernel = -1};
}

static CuResult finish_recording(CudaContext *u, Graph *g)
{
    CuNode       node;
    void        *params[] = {&u->rng};
    CuKernelNode k = {
        .function = u->device->rng_next, .grid = {1, 1, 1}, .block = {1, 1, 1}, .params = params};
    CuResult r = g->uses_rng ? add_kernel(u, &k, false, &node) : CU_OK;
    return r ? r : u->driver->GraphInstantiate(&g->exec, g->graph, 0);
}

bool graph_record(aotc_context *c, Graph *g)
{
    CudaContext *u = c->cuda;
    graph_drop(u, g);
    u->recorder = (Recorder){.graph = g};
    CuResult r = u->driver->GraphCreate(&g->graph, 0);
    if (r) {
        g->graph = NULL;
        graph_refuse_result(c, r, "cuGraphCreate");
    } else {
        walk(c, g, MODE_RECORD);
    }
    bool is_complete = !c->failure.code && !u->recorder.refusal;
    if (is_complete && !g->n_nodes)
        graph_refuse(c, "it launches nothing");
    else if (is_complete && (r = finish_recording(u, g))) {
        g->exec = NULL;
        graph_refuse_result(c, r, "cuGraphInstantiate");
    }
    g->skip_reason = u->recorder.refusal;
    if (c->failure.code || g->skip_reason)
        graph_drop(u, g);
    return g->exec != NULL;
}

bool graph_update(aotc_context *c, Graph *g)
{
    CudaContext   *u = c->cuda;
    Recorder      *r = &u->recorder;
    CuUpdateResult result;
    walk(c, g, MODE_UPDATE);
    if (c->failure.code || is_stopped(r) || r->cursor != g->n_nodes)
        return false;
    return !g->has_bodies || !r->n_changed ||
           (u->driver->GraphExecUpdate &&
            u->driver->GraphExecUpdate(g->exec, g->graph, &result) == CU_OK);
}
