/* What a context has on a device: memory, the record of failures, random numbers, graphs. */
#include "loader/cuda.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory ---------------------------------------------------------------------------------- */

CuResult cuda_settle(CudaContext *u)
{
    if (!u->is_pending)
        return CU_OK;
    u->is_pending = u->is_running; /* more may be queued */
    u->is_staging_read = false;
    return u->driver->StreamSynchronize(u->last_stream);
}

/* A graph of the caller's cannot hold allocations of ours, and other threads' captures may be in
 * their strictest mode. */
void *cuda_allocate(aotc_context *c, size_t bytes)
{
    CudaContext *u = c->cuda;
    CuAddress    a = 0;
    int          mode = CU_CAPTURE_RELAXED;
    if (u->is_capturing) {
        u->is_refused = true;
        return NULL;
    }
    if (c->allocator.allocate_device)
        return c->allocator.allocate_device(c->allocator.cx, u->device->ordinal, bytes, 256);
    u->driver->ThreadExchangeCaptureMode(&mode);
    if (u->driver->MemAlloc(&a, bytes))
        a = 0;
    u->driver->ThreadExchangeCaptureMode(&mode);
    return (void *)(uintptr_t)a;
}

void cuda_release(aotc_context *c, void *memory, size_t bytes)
{
    CudaContext *u = c->cuda;
    int          mode = CU_CAPTURE_RELAXED;
    cuda_settle(u);
    if (c->allocator.release_device) {
        c->allocator.release_device(c->allocator.cx, u->device->ordinal, memory, bytes);
        return;
    }
    u->driver->ThreadExchangeCaptureMode(&mode);
    u->driver->MemFree(address(memory));
    u->driver->ThreadExchangeCaptureMode(&mode);
}

void *cuda_allocate_pinned(aotc_context *c, size_t bytes)
{
    CudaContext *u = c->cuda;
    void        *p = NULL;
    int          mode = CU_CAPTURE_RELAXED;
    if (u->is_capturing) {
        u->is_refused = true;
        return NULL;
    }
    u->driver->ThreadExchangeCaptureMode(&mode);
    if (u->driver->MemHostAlloc(&p, bytes, CU_HOST_ALLOC_PORTABLE))
        p = NULL;
    u->driver->ThreadExchangeCaptureMode(&mode);
    return p;
}

void cuda_release_pinned(aotc_context *c, void *memory)
{
    CudaContext *u = c->cuda;
    int          mode = CU_CAPTURE_RELAXED;
    cuda_settle(u);
    u->driver->ThreadExchangeCaptureMode(&mode);
    u->driver->MemFreeHost(memory);
    u->driver->ThreadExchangeCaptureMode(&mode);
}

/* ---- failures -------------------------------------------------------------------------------- */

void cuda_fail(aotc_context *c, CuResult r, const char *call, int32_t kernel)
{
    if (c->failure.code)
        return;
    cuda_describe(c->cuda->driver, r, call, c->cuda->message, sizeof c->cuda->message);
    c->failure =
        (aotc_model_failure){.code = r == CU_OUT_OF_MEMORY ? AOTC_FAIL_MEMORY : AOTC_FAIL_DEVICE,
                             .kernel = kernel,
                             .message = c->cuda->message};
}

void cuda_fail_text(aotc_context *c, const char *text)
{
    if (!c->failure.code)
        c->failure = (aotc_model_failure){.code = AOTC_FAIL_DEVICE, .kernel = -1, .message = text};
}

bool cuda_take_failure(aotc_context *c)
{
    CudaContext               *u = c->cuda;
    aotc_model_device_failure *f = &u->shared->failure;
    if (!__atomic_load_n(&f->ready, __ATOMIC_ACQUIRE))
        return false;
    snprintf(u->message, sizeof u->message, "%.*s", (int)sizeof f->message, f->message);
    if (!c->failure.code)
        c->failure = (aotc_model_failure){.code = f->code,
                                          .kernel = f->kernel,
                                          .value = f->value,
                                          .bound = f->bound,
                                          .message = u->message[0] ? u->message : NULL};
    memset(f, 0, sizeof *f);
    return true;
}

/* ---- creation -------------------------------------------------------------------------------- */

/* Symbols that dims of inputs define: a graph belongs to their values. */
static bool find_size_symbols(aotc_context *c)
{
    const aotc_model_entry *e = c->model->entry;
    CudaContext            *u = c->cuda;
    u->size_symbols = calloc((size_t)e->n_symbols + 1, sizeof *u->size_symbols);
    if (!u->size_symbols)
        return false;
    for (int i = 0; i < e->n_inputs; i++) {
        const aotc_model_tensor *t = table_tensor(e->inputs, i);
        for (int d = 0; d < t->rank; d++) {
            bool is_known = t->dims[d].kind != AOTC_DIM_SYMBOL;
            for (int k = 0; k < u->n_sizes && !is_known; k++)
                is_known = u->size_symbols[k] == t->dims[d].index;
            if (!is_known)
                u->size_symbols[u->n_sizes++] = t->dims[d].index;
        }
    }
    return true;
}

static aotc_status take_cuda_options(aotc_context *c, const aotc_context_options *o,
                                     aotc_error *error)
{
    CudaContext *u = c->cuda;
    u->most_graphs = 32;
    if (!o || !HAS_FIELD(o, n_cuda_graphs))
        return AOTC_OK;
    if ((unsigned)o->cuda_graph > AOTC_CUDA_GRAPH_ON || o->n_cuda_graphs < 0 ||
        o->n_cuda_graphs > 1 << 20)
        return error_set(error, AOTC_E_ARGUMENT, "cuda_graph or n_cuda_graphs is out of range");
    u->policy = o->cuda_graph;
    if (o->n_cuda_graphs)
        u->most_graphs = o->n_cuda_graphs;
    return AOTC_OK;
}

static bool make_cuda_tables(aotc_context *c)
{
    const aotc_model_entry *e = c->model->entry;
    CudaContext            *u = c->cuda;
    u->n_addresses = e->n_inputs + e->n_outputs + 4; /* arenas and scratch */
    u->graphs = calloc((size_t)u->most_graphs, sizeof *u->graphs);
    u->profile_run = calloc((size_t)e->n_kernels + 1, sizeof *u->profile_run);
    return u->graphs && u->profile_run && find_size_symbols(c);
}

static CuResult make_device_memory(aotc_context *c)
{
    CudaContext *u = c->cuda;
    CuAddress    shared = 0;
    void        *host = NULL;
    CuResult     r = u->driver->MemHostAlloc(&host, sizeof *u->shared,
                                             CU_HOST_ALLOC_PORTABLE | CU_HOST_ALLOC_MAPPED);
    if (r)
        return r;
    u->shared = host;
    memset(host, 0, sizeof *u->shared);
    r = u->driver->MemHostGetDevicePointer(&shared, host, 0);
    r = r ? r : u->driver->EventCreate(&u->order, CU_EVENT_NO_TIMING);
    if (!r && !block_reserve(c, &u->small, 512))
        r = CU_OUT_OF_MEMORY;
    u->services.failure = (aotc_model_device_failure *)(uintptr_t)shared;
    return r;
}

static void fill_device_frame(aotc_context *c)
{
    CudaContext    *u = c->cuda;
    const CudaCode *code = c->model->cuda;
    c->n_threads = 1;
    c->has_threads = false;
    c->nothing = u->small.memory;
    u->rng = (uint64_t *)(void *)((char *)u->small.memory + 256);
    c->frame.weights = code->weights
                           ? (const unsigned char *)(uintptr_t)(code->weights - code->weights_first)
                           : c->nothing;
    c->frame.rng = u->rng;
    cuda_fill_services(c, code->sm);
    c->frame.cuda = &u->services;
    c->frame.host_arena = loader_nothing;
    for (int i = 0; i < c->model->entry->n_inputs; i++)
        c->inputs[i] = c->in[i].is_on_host ? loader_nothing : c->nothing;
}

aotc_status cuda_context_create(aotc_context *c, const aotc_context_options *o, aotc_error *error)
{
    CudaScope    scope;
    CudaContext *u = c->cuda = calloc(1, sizeof *u);
    if (!u)
        return error_set(error, AOTC_E_MEMORY, "out of memory");
    u->device = c->model->cuda->device;
    u->functions = c->model->functions;
    u->staging.is_host = u->host_scratch.is_host = true;
    u->host_arena.is_pinned = true;
    u->driver = u->device->driver;
    aotc_status s = take_cuda_options(c, o, error);
    if (!s && !make_cuda_tables(c))
        s = error_set(error, AOTC_E_MEMORY, "out of memory");
    if (s)
        return s;
    CuResult r = cuda_enter(u->device, &scope, true);
    if (r)
        return cuda_error(u->driver, r, "cuCtxPushCurrent", error);
    r = make_device_memory(c);
    if (!r)
        fill_device_frame(c);
    cuda_leave(&scope);
    return r ? cuda_error(u->driver, r, "making a context's memory on the device", error) : AOTC_OK;
}

/* With the device current, when it can be; blocks of the context are freed by the caller. */
void cuda_context_destroy(aotc_context *c)
{
    CudaContext *u = c->cuda;
    if (u->graphs)
        cuda_free_graphs(c);
    block_free(c, &u->small);
    block_free(c, &u->staging);
    block_free(c, &u->host_arena);
    block_free(c, &u->host_scratch);
    cuda_free_calls(u);
    cuda_free_events(u);
    if (u->order)
        u->driver->EventDestroy(u->order);
    if (u->capture)
        u->driver->StreamDestroy(u->capture);
    if (u->shared)
        u->driver->MemFreeHost(u->shared);
    free(u->graphs);
    free(u->size_symbols);
    free(u->profile_run);
    free(u);
    c->cuda = NULL;
}

/* ---- public ---------------------------------------------------------------------------------- */

aotc_status aotc_synchronize(aotc_context *c, aotc_error *error)
{
    CudaScope scope;
    error_clear(error);
    if (!c)
        return error_set(error, AOTC_E_ARGUMENT, "context is NULL");
    if (!c->cuda)
        return AOTC_OK;
    CudaContext *u = c->cuda;
    CuResult     r = cuda_enter(u->device, &scope, false);
    if (!r) {
        r = cuda_settle(u);
        cuda_leave(&scope);
    }
    if (r)
        return cuda_error(u->driver, r, "waiting for the device", error);
    c->failure = (aotc_model_failure){.kernel = -1};
    return cuda_take_failure(c) ? report_failure(c, error) : AOTC_OK;
}

aotc_status aotc_context_graph_counters(const aotc_context *c, aotc_graph_counters *out)
{
    if (!c || !out || !HAS_FIELD(out, skip_reason))
        return AOTC_E_ARGUMENT;
    uint32_t size = out->struct_size;
    *out = c->cuda ? c->cuda->counters : (aotc_graph_counters){0};
    out->struct_size = size;
    if (!out->skip_reason)
        out->skip_reason = "";
    for (int i = 0; c->cuda && i < c->cuda->n_graphs; i++)
        out->n_graphs += c->cuda->graphs[i].exec != NULL;
    return AOTC_OK;
}
