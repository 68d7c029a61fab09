/* Graphs of the fake driver: nodes are work that an exec has a copy of; a launch queues a copy of
 * that.  The loader makes chains, and this checks that they have no gap. */
#include "tests/cuda/fake_internal.h"

#include <stdlib.h>
#include <string.h>

#define API EXPORT CuResult
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wmissing-declarations"
#define LOCK() pthread_mutex_lock(&fake_lock)
#define UNLOCK() pthread_mutex_unlock(&fake_lock)

typedef struct Graph Graph;
typedef struct Node {
    Op           op;
    Graph       *graph, *body;
    struct Node *after; /* the one dependency, or NULL */
    int          index; /* in its graph */
} Node;
struct Graph {
    Node *nodes[1024];
    int   n;
    bool  is_body;
};
typedef struct Exec {
    OpList list;
    Graph *graph;
} Exec;

static uint64_t n_conditions;

static Graph *new_graph(bool is_body)
{
    Graph *g = calloc(1, sizeof *g);
    g->is_body = is_body;
    return g;
}

static void free_graph(Graph *g)
{
    for (int i = 0; i < g->n; i++) {
        if (g->nodes[i]->body)
            free_graph(g->nodes[i]->body);
        OpList one = {&g->nodes[i]->op, 1, 1};
        free(one.ops->args);
        free(g->nodes[i]);
    }
    free(g);
}

API cuGraphCreate(CuGraph *out, unsigned flags)
{
    if (flags || !fake_take())
        return CU_OUT_OF_MEMORY;
    *out = (CuGraph)(void *)new_graph(false);
    LOCK();
    fake.live_graphs++;
    UNLOCK();
    return CU_OK;
}

CuGraph fake_graph_of(OpList *list)
{
    Graph *g = new_graph(false);
    for (int i = 0; i < list->n; i++) {
        Node *n = calloc(1, sizeof *n);
        *n =
            (Node){.op = list->ops[i], .graph = g, .index = i, .after = i ? g->nodes[i - 1] : NULL};
        g->nodes[g->n++] = n;
    }
    free(list->ops);
    *list = (OpList){0};
    LOCK();
    fake.live_graphs++;
    UNLOCK();
    return (CuGraph)(void *)g;
}

API cuGraphDestroy(CuGraph g)
{
    LOCK();
    fake.live_graphs--;
    UNLOCK();
    free_graph((Graph *)(void *)g);
    return CU_OK;
}

static CuResult add(CuNode *out, CuGraph graph, const CuNode *after, size_t n_after, Op op)
{
    Graph *g = (Graph *)(void *)graph;
    if (!fake_take()) {
        free(op.args);
        return CU_OUT_OF_MEMORY;
    }
    Node *n = calloc(1, sizeof *n);
    n->op = op;
    n->graph = g;
    n->index = g->n;
    n->after = n_after ? (Node *)(void *)after[0] : NULL;
    if (n_after > 1 || (n->after && n->after->graph != g))
        fake_breach("a node depends on what is not in its graph");
    if (g->n == 1024)
        abort();
    g->nodes[g->n++] = n;
    LOCK();
    fake.n_nodes++;
    UNLOCK();
    *out = (CuNode)(void *)n;
    return CU_OK;
}

static Op kernel_op(const CuKernelNode *k)
{
    return fake_kernel_op((const Function *)(void *)k->function, k->grid, k->block, k->shared_bytes,
                          k->params);
}

/* An end of a copy: of the kind that it says, in memory that a graph may use. */
static const void *copy_end(const CuCopyEnd *end, size_t bytes)
{
    const void *device = (const void *)(uintptr_t)end->device;
    if (end->memory_type == CU_MEMORY_HOST) {
        fake_is_pinned(end->host, bytes, "memcpy node");
        return end->host;
    }
    if (end->memory_type != CU_MEMORY_DEVICE)
        fake_breach("a memcpy node of memory type %d", end->memory_type);
    fake_is_mapped(device, bytes, "memcpy node");
    return device;
}

static Op copy_op(const CuCopyNode *p)
{
    Op op = {.kind = OP_COPY,
             .to = (void *)(uintptr_t)copy_end(&p->to, p->width_bytes),
             .from = copy_end(&p->from, p->width_bytes),
             .bytes = p->width_bytes};
    if (p->height != 1 || p->depth != 1)
        fake_breach("a memcpy node is not one row");
    return op;
}

static Op fill_op(const CuMemsetNode *p)
{
    Op op = {.kind = OP_FILL,
             .to = (void *)(uintptr_t)p->to,
             .value = p->value,
             .item_bytes = p->item_bytes,
             .count = p->width};
    fake_is_mapped(op.to, p->width * p->item_bytes, "memset node");
    if (p->height != 1)
        fake_breach("a memset node has rows");
    return op;
}

API cuGraphAddKernelNode_v2(CuNode *out, CuGraph g, const CuNode *after, size_t n,
                            const CuKernelNode *k)
{
    return add(out, g, after, n, kernel_op(k));
}

API cuGraphAddMemcpyNode(CuNode *out, CuGraph g, const CuNode *after, size_t n, const CuCopyNode *p,
                         CuContext c)
{
    return c ? add(out, g, after, n, copy_op(p)) : INVALID_VALUE;
}

API cuGraphAddMemsetNode(CuNode *out, CuGraph g, const CuNode *after, size_t n,
                         const CuMemsetNode *p, CuContext c)
{
    return c ? add(out, g, after, n, fill_op(p)) : INVALID_VALUE;
}

API cuGraphAddHostNode(CuNode *out, CuGraph g, const CuNode *after, size_t n, const CuHostNode *p)
{
    if (((Graph *)(void *)g)->is_body) /* CUDA C++ Programming Guide, "Conditional Node Bodies" */
        return INVALID_VALUE;
    return add(out, g, after, n, (Op){.kind = OP_HOST, .call = p->function, .user = p->user});
}

API cuGraphAddDependencies_v2(CuGraph g, const CuNode *from, const CuNode *to, const CuEdge *edges,
                              size_t n)
{
    Node *a = (Node *)(void *)from[0], *b = (Node *)(void *)to[0];
    bool  is_programmatic =
        edges[0].type == CU_EDGE_PROGRAMMATIC && edges[0].from_port == CU_PORT_PROGRAMMATIC;
    if (n != 1 || a->graph != (Graph *)(void *)g || b->graph != a->graph || b->after ||
        a->op.kind != OP_KERNEL || b->op.kind != OP_KERNEL || !is_programmatic)
        return INVALID_VALUE;
    b->after = a;
    b->op.launch.is_early = true;
    fake.n_programmatic_edges++;
    return CU_OK;
}

API cuGraphKernelNodeSetAttribute(CuNode node, int attribute, const CuAttributeValue *v)
{
    if (attribute != CU_ATTRIBUTE_CLUSTER)
        return INVALID_VALUE;
    memcpy(((Node *)(void *)node)->op.launch.cluster, v->cluster, 12);
    return CU_OK;
}

API cuGraphConditionalHandleCreate(CuCondition *out, CuGraph g, CuContext c, unsigned value,
                                   unsigned flags)
{
    if (!g || !c || flags != CU_COND_ASSIGN_DEFAULT || !fake_take())
        return INVALID_VALUE;
    *out = ++n_conditions;
    fake_set_condition(*out, value);
    return CU_OK;
}

API cuGraphAddNode_v2(CuNode *out, CuGraph g, const CuNode *after, const CuEdge *edges, size_t n,
                      void *params)
{
    CuConditionalNode *p = params;
    static CuGraph     bodies[1];
    if (edges || p->type != CU_NODE_CONDITIONAL || p->n_bodies != 1 || !p->context)
        return INVALID_VALUE;
    Op op = {.kind = p->condition == CU_COND_WHILE ? OP_WHILE : OP_IF, .condition = p->handle};
    CuResult r = add(out, g, after, n, op);
    if (r)
        return r;
    Node *node = (Node *)(void *)*out;
    node->body = new_graph(true);
    bodies[0] = (CuGraph)(void *)node->body;
    p->bodies = bodies;
    fake.n_conditionals++;
    return CU_OK;
}

static Graph *copy_graph(const Graph *from)
{
    Graph *g = new_graph(true);
    for (int i = 0; i < from->n; i++) {
        Node *n = calloc(1, sizeof *n);
        *n = (Node){.op = fake_copy_of(&from->nodes[i]->op),
                    .graph = g,
                    .index = i,
                    .after = i ? g->nodes[i - 1] : NULL};
        g->nodes[g->n++] = n;
    }
    return g;
}

API cuGraphAddChildGraphNode(CuNode *out, CuGraph g, const CuNode *after, size_t n, CuGraph child)
{
    CuResult r = add(out, g, after, n, (Op){.kind = OP_CHILD});
    if (!r)
        ((Node *)(void *)*out)->body = copy_graph((Graph *)(void *)child);
    return r;
}

/* ---- execution ------------------------------------------------------------------------------- */

static void instantiate(Graph *g, OpList *out)
{
    for (int i = 0; i < g->n; i++) {
        Node *n = g->nodes[i];
        if (n->after != (i ? g->nodes[i - 1] : NULL))
            fake_breach("node %d does not wait for the one before", i);
        Op op = fake_copy_of(&n->op);
        if (n->body) {
            op.body = calloc(1, sizeof *op.body);
            instantiate(n->body, op.body);
        }
        fake_push(out, op);
    }
}

API cuGraphInstantiateWithFlags(CuExec *out, CuGraph g, unsigned long long flags)
{
    if (flags || fake.instantiate || !fake_take())
        return fake.instantiate ? fake.instantiate : CU_OUT_OF_MEMORY;
    Exec *e = calloc(1, sizeof *e);
    e->graph = (Graph *)(void *)g;
    instantiate(e->graph, &e->list);
    LOCK();
    fake.live_execs++;
    UNLOCK();
    *out = (CuExec)(void *)e;
    return CU_OK;
}

API cuGraphExecDestroy(CuExec exec)
{
    Exec *e = (Exec *)(void *)exec;
    fake_free_list(&e->list);
    free(e);
    LOCK();
    fake.live_execs--;
    UNLOCK();
    return CU_OK;
}

API cuGraphLaunch(CuExec exec, CuStream s)
{
    Exec    *e = (Exec *)(void *)exec;
    CuResult r = fake.launch;
    LOCK();
    fake.n_graph_launches++;
    for (int i = 0; i < e->list.n && !r; i++)
        r = fake_queue(s, fake_copy_of(&e->list.ops[i]));
    UNLOCK();
    return r;
}

/* Only nodes of the graph itself can be changed. */
static CuResult change(CuExec exec, CuNode node, Op op)
{
    Exec *e = (Exec *)(void *)exec;
    Node *n = (Node *)(void *)node;
    Op   *at = n->graph == e->graph ? &e->list.ops[n->index] : NULL;
    if (!at || at->kind != op.kind || at->function != op.function) {
        free(op.args);
        return INVALID_VALUE;
    }
    memcpy(op.launch.cluster, at->launch.cluster, sizeof op.launch.cluster);
    op.launch.is_early = at->launch.is_early;
    free(at->args);
    *at = op;
    fake.n_set_params++;
    return CU_OK;
}

API cuGraphExecKernelNodeSetParams_v2(CuExec e, CuNode n, const CuKernelNode *k)
{
    return change(e, n, kernel_op(k));
}

API cuGraphExecMemcpyNodeSetParams(CuExec e, CuNode n, const CuCopyNode *p, CuContext c)
{
    return c ? change(e, n, copy_op(p)) : INVALID_VALUE;
}

API cuGraphExecMemsetNodeSetParams(CuExec e, CuNode n, const CuMemsetNode *p, CuContext c)
{
    return c ? change(e, n, fill_op(p)) : INVALID_VALUE;
}

/* The work may have other parameters; it must be of the same kinds. */
API cuGraphExecChildGraphNodeSetParams(CuExec exec, CuNode node, CuGraph child)
{
    Exec  *e = (Exec *)(void *)exec;
    Node  *n = (Node *)(void *)node;
    Graph *g = (Graph *)(void *)child;
    Op    *at = n->graph == e->graph ? &e->list.ops[n->index] : NULL;
    if (!at || at->kind != OP_CHILD || at->body->n != g->n)
        return INVALID_VALUE;
    for (int i = 0; i < g->n; i++)
        if (g->nodes[i]->op.kind != at->body->ops[i].kind)
            return INVALID_VALUE;
    fake_free_list(at->body);
    instantiate(g, at->body);
    fake.n_set_params++;
    return CU_OK;
}

/* Nodes of a graph, also of a body: what is instantiated from it stays as it is. */
static CuResult change_node(CuNode node, Op op)
{
    Op *at = &((Node *)(void *)node)->op;
    if (at->kind != op.kind || at->function != op.function) {
        free(op.args);
        return INVALID_VALUE;
    }
    memcpy(op.launch.cluster, at->launch.cluster, sizeof op.launch.cluster);
    op.launch.is_early = at->launch.is_early;
    free(at->args);
    *at = op;
    fake.n_set_params++;
    return CU_OK;
}

API cuGraphKernelNodeSetParams_v2(CuNode n, const CuKernelNode *k)
{
    return change_node(n, kernel_op(k));
}

API cuGraphMemcpyNodeSetParams(CuNode n, const CuCopyNode *p)
{
    return change_node(n, copy_op(p));
}

API cuGraphMemsetNodeSetParams(CuNode n, const CuMemsetNode *p)
{
    return change_node(n, fill_op(p));
}

API cuGraphExecUpdate_v2(CuExec exec, CuGraph g, CuUpdateResult *out)
{
    Exec *e = (Exec *)(void *)exec;
    if (e->graph != (Graph *)(void *)g)
        return INVALID_VALUE;
    out->result = 0;
    fake_free_list(&e->list);
    instantiate(e->graph, &e->list);
    return CU_OK;
}
