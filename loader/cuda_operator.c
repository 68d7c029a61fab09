/* Custom operators on a device: the model has a host function called that queues work on a stream.
 *
 *   a plain run         on the run's stream, which the caller may be capturing
 *   recording a graph   on a stream of the context, captured; what that gives is one child node
 *   updating a graph    again, where the arguments differ; the child's parameters are replaced
 *
 * What cannot be captured makes the run no graph. */
#include "loader/cuda.h"

#include <string.h>

static bool call_on(aotc_context *c, CuStream stream, const OperatorCall *call)
{
    CudaContext *u = c->cuda;
    u->message[0] = 0;
    int32_t status = call->function(stream, u->message, sizeof u->message, call->args);
    u->message[sizeof u->message - 1] = 0;
    if (!status)
        return true;
    if (!c->failure.code)
        c->failure = (aotc_model_failure){
            .code = AOTC_FAIL_ASSERT,
            .kernel = call->kernel,
            .value = status,
            .message =
                u->message[0] ? u->message : "the custom operator failed and does not say why"};
    return false;
}

void cuda_call_operator(aotc_context *c, const OperatorCall *call)
{
    CudaContext *u = c->cuda;
    EventPair   *e = c->profile && !u->is_capturing ? cuda_next_events(c, call->kernel) : NULL;
    CuResult     r = e ? u->driver->EventRecord(e->from, u->stream) : CU_OK;
    if (!r && call_on(c, u->stream, call) && e)
        r = u->driver->EventRecord(e->to, u->stream);
    if (r)
        cuda_fail(c, r, "cuEventRecord", call->kernel);
}

/* *out NULL: the reason is the recorder's.  What the function says in a capture is no failure of
 * the run: without a graph it is asked again. */
static void capture(aotc_context *c, const OperatorCall *call, CuGraph *out)
{
    CudaContext      *u = c->cuda;
    const CudaDriver *d = u->driver;
    CuResult          r = u->capture ? CU_OK : d->StreamCreate(&u->capture, CU_NON_BLOCKING);
    *out = NULL;
    r = r ? r : d->StreamBeginCapture(u->capture, CU_CAPTURE_THREAD_LOCAL);
    if (r) {
        graph_refuse_result(c, r, "cuStreamBeginCapture");
        return;
    }
    bool is_done = call_on(c, u->capture, call);
    r = d->StreamEndCapture(u->capture, out);
    if (is_done && !r && *out)
        return;
    if (*out)
        d->GraphDestroy(*out);
    *out = NULL;
    c->failure = (aotc_model_failure){.kernel = -1};
    graph_refuse(c, "a custom operator does what cannot be captured");
}

static void record_call(aotc_context *c, GraphNode *n, const OperatorCall *call)
{
    CudaContext *u = c->cuda;
    Recorder    *r = &u->recorder;
    CuGraph      child;
    CuNode       last = r->levels[r->depth].last;
    capture(c, call, &child);
    if (!child)
        return;
    CuResult result = u->driver->GraphAddChildGraphNode(&n->node, r->levels[r->depth].graph, &last,
                                                        last != NULL, child);
    u->driver->GraphDestroy(child); /* the node has a copy */
    graph_note_added(c, result, n->node, "cuGraphAddChildGraphNode");
}

/* Inside of conditional nodes, or with other work than before, it is recorded again. */
static void update_call(aotc_context *c, GraphNode *n, const OperatorCall *call)
{
    CudaContext *u = c->cuda;
    Recorder    *r = &u->recorder;
    CuGraph      child;
    CuResult     result = CU_NOT_SUPPORTED;
    if (!r->graph->has_bodies) {
        capture(c, call, &child);
        if (!child)
            return;
        result = u->driver->GraphExecChildGraphNodeSetParams(r->graph->exec, n->node, child);
        u->driver->GraphDestroy(child);
    }
    r->n_changed++;
    if (result)
        r->is_different = true;
}

void graph_call(aotc_context *c, const OperatorCall *call)
{
    CudaContext *u = c->cuda;
    Recorder    *r = &u->recorder;
    Graph       *g = r->graph;
    if (r->refusal || r->is_different)
        return;
    bool       is_new = u->mode == MODE_RECORD;
    GraphNode *n = is_new ? graph_new_node(c, g, NODE_CALL) : graph_next_node(r, NODE_CALL);
    if (!n)
        return;
    if (is_new) {
        n->function = call->function;
        if (graph_keep_args(c, g, n, call->args, call->args_bytes))
            record_call(c, n, call);
        return;
    }
    if (n->function != call->function || n->args_bytes != call->args_bytes) {
        r->is_different = true;
        return;
    }
    if (!memcmp(g->args + n->args_offset, call->args, call->args_bytes))
        return;
    update_call(c, n, call);
    memcpy(g->args + n->args_offset, call->args, call->args_bytes);
}
