/* Times of kernels on a device: a pair of events around each launch, read after the run. */
#include "loader/cuda.h"

#include <stdlib.h>
#include <string.h>

static bool grow_events(CudaContext *u)
{
    int        cap = u->cap_events ? 2 * u->cap_events : 64;
    EventPair *more = realloc(u->events, (size_t)cap * sizeof *more);
    if (!more)
        return false;
    memset(more + u->cap_events, 0, (size_t)(cap - u->cap_events) * sizeof *more);
    u->events = more;
    u->cap_events = cap;
    return true;
}

EventPair *cuda_next_events(aotc_context *c, int32_t kernel)
{
    CudaContext *u = c->cuda;
    if (u->n_events == u->cap_events && !grow_events(u)) {
        cuda_fail(c, CU_OUT_OF_MEMORY, "making events", kernel);
        return NULL;
    }
    EventPair *e = &u->events[u->n_events];
    CuResult   r = e->from ? CU_OK : u->driver->EventCreate(&e->from, 0);
    r = r || e->to ? r : u->driver->EventCreate(&e->to, 0);
    if (r) {
        cuda_fail(c, r, "cuEventCreate", kernel);
        return NULL;
    }
    e->kernel = kernel;
    u->n_events++;
    return e;
}

/* Launches of one kernel in a run count together. */
aotc_status cuda_collect_events(aotc_context *c, aotc_error *error)
{
    CudaContext *u = c->cuda;
    int          n = c->model->entry->n_kernels;
    if (u->is_capturing)
        return AOTC_OK;
    CuResult r = cuda_settle(u);
    memset(u->profile_run, 0, (size_t)n * sizeof *u->profile_run);
    for (int i = 0; i < u->n_events && !r; i++) {
        float ms = 0;
        r = u->driver->EventElapsedTime(&ms, u->events[i].from, u->events[i].to);
        if (!r && u->events[i].kernel >= 0 && u->events[i].kernel < n)
            u->profile_run[u->events[i].kernel] += (uint64_t)(1e6 * (double)ms) + 1;
    }
    if (r)
        return cuda_error(u->driver, r, "cuEventElapsedTime", error);
    for (int k = 0; k < n; k++) {
        uint64_t ns = u->profile_run[k];
        if (!ns)
            continue;
        c->profile_total[k] += ns;
        c->profile_runs[k]++;
        if (ns < c->profile_min[k])
            c->profile_min[k] = ns;
    }
    return AOTC_OK;
}

void cuda_free_events(CudaContext *u)
{
    for (int i = 0; i < u->cap_events; i++) {
        if (u->events[i].from)
            u->driver->EventDestroy(u->events[i].from);
        if (u->events[i].to)
            u->driver->EventDestroy(u->events[i].to);
    }
    free(u->events);
}
