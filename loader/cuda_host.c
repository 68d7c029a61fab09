/* What a model for a GPU does on the CPU: functions that the stream calls in its order.
 *
 *   run(frame, 0)            host(f, k, host_0): a HostCall has a copy of the frame as it is now
 *   the stream, later        run_call(HostCall): host_0(&copy, 0)
 *
 * A call is kept until it has run, or as long as a graph or a capture of the caller has it. */
#include "loader/cuda.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct HostCall {
    aotc_model_frame   frame; /* whose lists point into words */
    aotc_model_failure failure;
    aotc_context      *context;
    HostFunction       function;
    uint32_t           flags;
    bool               is_kept; /* not free after one call */
    int                is_busy; /* accessed atomically */
    HostCall          *next;
    uint64_t           words[];
};

/* ---- the copy of a frame --------------------------------------------------------------------- */

typedef struct List {
    const void *from;
    size_t      n;
} List;

enum { N_LISTS = 5 };

/* All that a frame points to, of 8-byte items. */
static void list_frame(const aotc_context *c, List *out)
{
    const aotc_model_entry *e = c->model->entry;
    out[0] = (List){c->inputs, (size_t)e->n_inputs};
    out[1] = (List){c->outputs, (size_t)e->n_outputs};
    out[2] = (List){c->state, (size_t)e->n_state};
    out[3] = (List){c->temporaries, (size_t)e->n_temporaries};
    out[4] = (List){c->sym, (size_t)e->n_symbols};
}

static bool is_same(const aotc_context *c, const HostCall *call)
{
    List            lists[N_LISTS];
    const uint64_t *at = call->words;
    list_frame(c, lists);
    for (int i = 0; i < N_LISTS; at += lists[i++].n)
        if (lists[i].n && memcmp(at, lists[i].from, lists[i].n * 8))
            return false;
    return call->frame.arena == c->frame.host_arena &&
           call->frame.scratch == c->cuda->host_scratch.memory;
}

static void fill_call(const aotc_context *c, HostCall *call)
{
    const CudaContext *u = c->cuda;
    List               lists[N_LISTS];
    void              *starts[N_LISTS];
    uint64_t          *at = call->words;
    list_frame(c, lists);
    for (int i = 0; i < N_LISTS; at += lists[i++].n) {
        starts[i] = at;
        if (lists[i].n)
            memcpy(at, lists[i].from, lists[i].n * 8);
    }
    aotc_model_frame *f = &call->frame;
    *f = c->frame;
    f->n_threads = 1;
    f->inputs = starts[0];
    f->outputs = starts[1];
    f->state = starts[2];
    f->temporaries = starts[3];
    f->sym = starts[4];
    f->arena = c->frame.host_arena;
    f->scratch = u->host_scratch.memory;
    f->scratch_bytes = u->host_scratch.size_bytes;
    f->weights = c->model->weights ? c->model->weights : loader_nothing;
    f->failure = &call->failure;
    f->profile = c->profile && u->mode == MODE_PLAIN && !u->is_capturing;
    f->cuda = NULL;
    f->rng = NULL;
}

/* One that is free; NULL: out of memory, which is a failure of the run. */
static HostCall *take_call(aotc_context *c, HostFunction function, uint32_t flags)
{
    CudaContext *u = c->cuda;
    HostCall    *call = u->host_calls;
    while (call && __atomic_load_n(&call->is_busy, __ATOMIC_ACQUIRE))
        call = call->next;
    if (!call) {
        List   lists[N_LISTS];
        size_t n = 0;
        list_frame(c, lists);
        for (int i = 0; i < N_LISTS; i++)
            n += lists[i].n;
        call = calloc(1, sizeof *call + n * sizeof *call->words);
        if (!call) {
            cuda_fail(c, CU_OUT_OF_MEMORY, "a host function", -1);
            return NULL;
        }
        call->context = c;
        call->next = u->host_calls;
        u->host_calls = call;
    }
    call->is_busy = 1;
    call->function = function;
    call->flags = flags;
    call->failure = (aotc_model_failure){.kernel = -1};
    fill_call(c, call);
    return call;
}

void cuda_release_call(HostCall *call)
{
    if (call)
        __atomic_store_n(&call->is_busy, 0, __ATOMIC_RELEASE);
}

void cuda_free_calls(CudaContext *u)
{
    while (u->host_calls) {
        HostCall *next = u->host_calls->next;
        free(u->host_calls);
        u->host_calls = next;
    }
}

/* ---- on the stream's thread ------------------------------------------------------------------ */

/* As a kernel does: the first failure is kept until the caller waits or runs again. */
static void pass_failure_on(CudaShared *shared, aotc_model_failure *from)
{
    aotc_model_device_failure *f = &shared->failure;
    int32_t                    none = 0;
    if (__atomic_compare_exchange_n(&f->code, &none, from->code, 0, __ATOMIC_ACQ_REL,
                                    __ATOMIC_RELAXED)) {
        const char *text = from->message ? from->message : "";
        size_t      n = strlen(text);
        n = n < sizeof f->message ? n : sizeof f->message - 1;
        f->kernel = from->kernel;
        f->value = from->value;
        f->bound = from->bound;
        memcpy(f->message, text, n);
        f->message[n] = 0;
        __atomic_store_n(&f->ready, 1, __ATOMIC_RELEASE);
    }
    *from = (aotc_model_failure){.kernel = -1};
}

static void run_call(void *user)
{
    HostCall   *call = user;
    CudaShared *shared = call->context->cuda->shared;
    if (call->flags & AOTC_HOST_RANDOM) {
        call->frame.seed = shared->rng[0];
        call->frame.offset = shared->rng[1];
    }
    if (call->frame.profile)
        profile_start(call->context);
    call->function(&call->frame, 0);
    if (call->failure.code)
        pass_failure_on(shared, &call->failure);
    if (!call->is_kept)
        cuda_release_call(call);
}

/* ---- services -------------------------------------------------------------------------------- */

/* What the device has, so that a graph replays with new values. */
static void fetch_rng(aotc_context *c)
{
    CudaContext *u = c->cuda;
    if (u->mode != MODE_PLAIN) {
        u->recorder.graph->uses_rng = true;
        graph_copy(c, COPY_DOWN, u->shared->rng, u->rng, sizeof u->shared->rng);
        return;
    }
    cuda_set_rng(c);
    CuResult r = u->driver->MemcpyDtoHAsync(u->shared->rng, address(u->rng), sizeof u->shared->rng,
                                            u->stream);
    if (r)
        cuda_fail(c, r, "cuMemcpyDtoHAsync", -1);
}

void cuda_host(aotc_context *c, int32_t kernel, HostFunction function, uint32_t flags)
{
    CudaContext *u = c->cuda;
    if (flags & AOTC_HOST_RANDOM)
        fetch_rng(c);
    if (u->mode != MODE_PLAIN) {
        graph_host(c, function, flags);
        return;
    }
    HostCall *call = take_call(c, function, flags);
    if (!call)
        return;
    call->is_kept = u->is_capturing;
    CuResult r = u->driver->LaunchHostFunc(u->stream, run_call, call);
    if (r) {
        cuda_release_call(call);
        cuda_fail(c, r, "cuLaunchHostFunc", kernel);
    }
}

static void record_host(aotc_context *c, GraphNode *n, HostFunction function, uint32_t flags)
{
    CudaContext *u = c->cuda;
    Recorder    *r = &u->recorder;
    CuNode       last = r->levels[r->depth].last;
    n->call = take_call(c, function, flags);
    if (!n->call)
        return;
    n->call->is_kept = true;
    const CuHostNode params = {run_call, n->call};
    CuResult result = u->driver->GraphAddHostNode(&n->node, r->levels[r->depth].graph, &last,
                                                  last != NULL, &params);
    graph_note_added(c, result, n->node, "cuGraphAddHostNode");
}

/* The call's copy of the frame is the node's parameter: it changes when no replay is left that
 * reads it. */
void graph_host(aotc_context *c, HostFunction function, uint32_t flags)
{
    CudaContext *u = c->cuda;
    Recorder    *r = &u->recorder;
    if (r->refusal || r->is_different)
        return;
    bool       is_new = u->mode == MODE_RECORD;
    GraphNode *n = is_new ? graph_new_node(c, r->graph, NODE_HOST) : graph_next_node(r, NODE_HOST);
    if (!n)
        return;
    if (is_new) {
        record_host(c, n, function, flags);
    } else if (n->call->function != function || n->call->flags != flags) {
        r->is_different = true;
    } else if (!is_same(c, n->call)) {
        CuResult result = cuda_settle(u);
        if (result)
            cuda_fail(c, result, "waiting for the device", -1);
        fill_call(c, n->call);
    }
}

int32_t cuda_wait(aotc_context *c)
{
    CudaContext *u = c->cuda;
    if (u->mode != MODE_PLAIN) {
        graph_refuse(c, "the host reads a size or a condition that a host function computes");
        return 0;
    }
    if (u->is_capturing) {
        cuda_fail_text(c, "the host must read a value that it computes itself, and the stream is "
                          "being captured");
        return 0;
    }
    CuResult r = u->driver->StreamSynchronize(u->stream);
    if (r)
        cuda_fail(c, r, "waiting for the device", -1);
    return !r && !cuda_take_failure(c);
}

void cuda_transfer(aotc_context *c, int direction, void *to, const void *from, uint64_t bytes)
{
    CudaContext *u = c->cuda;
    if (u->mode != MODE_PLAIN) {
        graph_copy(c, direction, to, from, bytes);
        return;
    }
    CuResult r = direction == COPY_UP
                     ? u->driver->MemcpyHtoDAsync(address(to), from, bytes, u->stream)
                     : u->driver->MemcpyDtoHAsync(to, address(from), bytes, u->stream);
    if (r)
        cuda_fail(c, r, direction == COPY_UP ? "cuMemcpyHtoDAsync" : "cuMemcpyDtoHAsync", -1);
}

/* ---- memory ---------------------------------------------------------------------------------- */

bool has_host_part(const aotc_context *c)
{
    return c->cuda && c->model->table->abi >= 4;
}

static aotc_status reserve(aotc_context *c, int32_t expr, Block *block, const char *what,
                           aotc_error *error)
{
    int64_t bytes = expr >= 0 ? c->exprs[expr] : 0;
    if (bytes < 0 || bytes > INT64_MAX - 4096)
        return error_set(error, AOTC_E_GUARD, "these inputs need more memory than 64 bits can say");
    if (!bytes || block_reserve(c, block, (size_t)bytes))
        return AOTC_OK;
    return error_set(error, AOTC_E_MEMORY, "out of memory for %s of %" PRId64 " bytes on the CPU",
                     what, bytes);
}

aotc_status cuda_reserve_host(aotc_context *c, aotc_error *error)
{
    CudaContext            *u = c->cuda;
    const aotc_model_entry *e = c->model->entry;
    if (!has_host_part(c))
        return AOTC_OK;
    aotc_status s = reserve(c, e->host_arena_expr, &u->host_arena, "an arena", error);
    s = s ? s : reserve(c, e->host_scratch_expr, &u->host_scratch, "scratch", error);
    c->frame.host_arena = u->host_arena.memory ? u->host_arena.memory : loader_nothing;
    return s;
}
