/* A run on a device: places inputs and outputs, goes through the plan or launches its graph, queues
 * the copies behind it.  Nothing waits unless the host needs a result. */
#include "loader/cuda.h"

#include <string.h>

static aotc_context *context_of(const aotc_model_frame *f)
{
    return f->host_cx;
}

/* ---- services: on the stream ----------------------------------------------------------------- */

/* Random numbers count runs: what a kernel of this run reads must be the host's {seed, offset}.
 * They are written on the stream when they are not what the kernel at the end of the last run left
 * there. */
void cuda_set_rng(aotc_context *c)
{
    CudaContext *u = c->cuda;
    uint64_t     seed = c->frame.seed, offset = c->frame.offset;
    if (u->uses_rng)
        return;
    u->uses_rng = true;
    if (u->is_rng_set && u->rng_seed == seed && u->rng_offset == offset)
        return;
    void    *params[] = {&u->rng, &seed, &offset};
    CuResult r = cuda_launch_helper(u, u->device->rng_set, 1, 1, params);
    if (r)
        cuda_fail(c, r, "cuLaunchKernel", -1);
    u->is_rng_set = !r && !u->is_capturing;
    u->rng_seed = seed;
    u->rng_offset = offset;
}

bool cuda_reads_rng(const CudaContext *u, const void *args, uint32_t bytes)
{
    const char *at = args;
    for (uint32_t i = 0; i + sizeof(void *) <= bytes; i += sizeof(void *))
        if (!memcmp(at + i, &u->rng, sizeof u->rng))
            return true;
    return false;
}

CuResult cuda_launch_helper(CudaContext *u, CuFunction f, unsigned blocks, unsigned threads,
                            void **params)
{
    return u->driver->LaunchKernel(f, blocks, 1, 1, threads, 1, 1, 0, u->stream, params, NULL);
}

/* Attributes of a launch beyond grid and block; NULL at n 0. */
static unsigned launch_attributes(const CudaContext *u, const aotc_model_launch *l,
                                  CuAttribute *out)
{
    unsigned n = 0;
    if (l->cluster[0] > 1 || l->cluster[1] > 1 || l->cluster[2] > 1) {
        out[n] = (CuAttribute){.id = CU_ATTRIBUTE_CLUSTER};
        for (int d = 0; d < 3; d++)
            out[n].value.cluster[d] = l->cluster[d] ? l->cluster[d] : 1;
        n++;
    }
    /* the code waits itself only where its instruction set has that */
    if (l->flags & AOTC_LAUNCH_EARLY && u->services.sm >= 90) {
        out[n] = (CuAttribute){.id = CU_ATTRIBUTE_PROGRAMMATIC};
        out[n++].value.programmatic = 1;
    }
    return n;
}

static CuResult launch_on_stream(const CudaContext *u, const aotc_model_launch *l, void **params)
{
    CuAttribute attributes[2];
    CuFunction  f = u->functions[l->function];
    unsigned    n = launch_attributes(u, l, attributes);
    if (!n)
        return u->driver->LaunchKernel(f, l->grid[0], l->grid[1], l->grid[2], l->block[0],
                                       l->block[1], l->block[2], l->shared_bytes, u->stream, params,
                                       NULL);
    CuLaunch launch = {.grid = {l->grid[0], l->grid[1], l->grid[2]},
                       .block = {l->block[0], l->block[1], l->block[2]},
                       .shared_bytes = l->shared_bytes,
                       .stream = u->stream,
                       .attributes = attributes,
                       .n_attributes = n};
    return u->driver->LaunchKernelEx(&launch, f, params, NULL);
}

static void launch_timed(aotc_context *c, const aotc_model_launch *l, void **params)
{
    CudaContext *u = c->cuda;
    EventPair   *e = cuda_next_events(c, l->kernel);
    if (!e)
        return;
    CuResult r = u->driver->EventRecord(e->from, u->stream);
    r = r ? r : launch_on_stream(u, l, params);
    r = r ? r : u->driver->EventRecord(e->to, u->stream);
    if (r)
        cuda_fail(c, r, "cuLaunchKernel", l->kernel);
}

static void service_launch(const aotc_model_frame *f, const aotc_model_launch *l, const void *args,
                           uint32_t args_bytes)
{
    aotc_context *c = context_of(f);
    CudaContext  *u = c->cuda;
    if (c->failure.code || !l->grid[0] || !l->grid[1] || !l->grid[2])
        return;
    if (l->function < 0 || l->function >= c->model->entry->n_functions || args_bytes > 4096) {
        cuda_fail_text(c, "the model launches a kernel that it does not have");
        return;
    }
    if (u->mode != MODE_PLAIN) {
        graph_launch(c, l, args, args_bytes);
        return;
    }
    if (!u->uses_rng && cuda_reads_rng(u, args, args_bytes))
        cuda_set_rng(c);
    void *params[] = {(void *)(uintptr_t)args};
    if (c->profile && !u->is_capturing) {
        launch_timed(c, l, params);
        return;
    }
    CuResult r = launch_on_stream(u, l, params);
    if (r)
        cuda_fail(c, r, "cuLaunchKernel", l->kernel);
}

static void service_copy(const aotc_model_frame *f, void *to, const void *from, uint64_t bytes)
{
    aotc_context *c = context_of(f);
    CudaContext  *u = c->cuda;
    if (c->failure.code || !bytes)
        return;
    if (u->mode != MODE_PLAIN) {
        graph_copy(c, COPY_ON_DEVICE, to, from, bytes);
        return;
    }
    CuResult r = u->driver->MemcpyDtoDAsync(address(to), address(from), bytes, u->stream);
    if (r)
        cuda_fail(c, r, "cuMemcpyDtoDAsync", -1);
}

static void service_fill(const aotc_model_frame *f, void *to, uint32_t value, uint32_t item_bytes,
                         uint64_t count)
{
    aotc_context *c = context_of(f);
    CudaContext  *u = c->cuda;
    if (c->failure.code || !count)
        return;
    if (u->mode != MODE_PLAIN) {
        graph_fill(c, to, value, item_bytes, count);
        return;
    }
    CuAddress at = address(to);
    CuResult  r =
        item_bytes == 1   ? u->driver->MemsetD8Async(at, (unsigned char)value, count, u->stream)
         : item_bytes == 2 ? u->driver->MemsetD16Async(at, (unsigned short)value, count, u->stream)
                           : u->driver->MemsetD32Async(at, value, count, u->stream);
    if (r)
        cuda_fail(c, r, "cuMemsetAsync", -1);
}

static int32_t service_read(const aotc_model_frame *f, void *to, const void *from, uint64_t bytes)
{
    aotc_context *c = context_of(f);
    CudaContext  *u = c->cuda;
    if (c->failure.code)
        return 0;
    if (u->mode != MODE_PLAIN) {
        graph_refuse(c, "the host reads a size or a condition from the device");
        return 0;
    }
    if (u->is_capturing) {
        cuda_fail_text(c, "the host must read a value from the device, and the stream is being "
                          "captured");
        return 0;
    }
    bool     is_small = bytes <= sizeof u->shared->staging;
    void    *host = is_small ? u->shared->staging : to;
    CuResult r = u->driver->MemcpyDtoHAsync(host, address(from), bytes, u->stream);
    r = r ? r : u->driver->StreamSynchronize(u->stream);
    if (r)
        cuda_fail(c, r, "reading a value from the device", -1);
    if (r || cuda_take_failure(c))
        return 0;
    if (is_small)
        memcpy(to, host, bytes);
    return 1;
}

static int32_t service_enter(const aotc_model_frame *f, int32_t branch, const void *flag)
{
    aotc_context *c = context_of(f);
    uint8_t       holds = 0;
    if (c->failure.code)
        return 0;
    if (c->cuda->mode != MODE_PLAIN)
        return graph_enter(c, branch, flag);
    if (!service_read(f, &holds, flag, 1))
        return 0;
    return (holds != 0) != (branch == AOTC_BRANCH_UNLESS);
}

static void service_leave(const aotc_model_frame *f)
{
    aotc_context *c = context_of(f);
    if (!c->failure.code && c->cuda->mode != MODE_PLAIN)
        graph_leave(c);
}

static int32_t service_tensor_map(const aotc_model_frame *f, void *map, int32_t data_type,
                                  uint32_t rank, void *at, const uint64_t *sizes,
                                  const uint64_t *strides_bytes, const uint32_t *box,
                                  int32_t swizzle, int32_t l2_promotion)
{
    static const uint32_t ones[5] = {1, 1, 1, 1, 1};
    aotc_context         *c = context_of(f);
    if (c->failure.code)
        return 0;
    CuResult r = c->cuda->driver->TensorMapEncodeTiled(
        map, data_type, rank, at, sizes, strides_bytes, box, ones, 0, swizzle, l2_promotion, 0);
    if (r)
        cuda_fail(c, r, "cuTensorMapEncodeTiled", -1);
    return !r;
}

static int32_t service_window_map(const aotc_model_frame *f, void *map, int32_t data_type,
                                  uint32_t rank, void *at, const uint64_t *sizes,
                                  const uint64_t *strides_bytes, const int32_t *lower,
                                  const int32_t *upper, const uint32_t *steps, uint32_t channels,
                                  uint32_t pixels, int32_t swizzle, int32_t l2_promotion)
{
    aotc_context *c = context_of(f);
    if (c->failure.code)
        return 0;
    CuResult r = c->cuda->driver->TensorMapEncodeIm2col(map, data_type, rank, at, sizes,
                                                        strides_bytes, lower, upper, channels,
                                                        pixels, steps, 0, swizzle, l2_promotion, 0);
    if (r)
        cuda_fail(c, r, "cuTensorMapEncodeIm2col", -1);
    return !r;
}

static void service_call(const aotc_model_frame *f, int32_t kernel, OperatorFunction function,
                         const void *args, uint64_t args_bytes)
{
    aotc_context *c = context_of(f);
    OperatorCall  call = {function, kernel, args, (uint32_t)args_bytes};
    if (c->failure.code)
        return;
    if (args_bytes > 1u << 20)
        cuda_fail_text(c, "a custom operator has more arguments than a megabyte");
    else if (c->cuda->mode != MODE_PLAIN)
        graph_call(c, &call);
    else
        cuda_call_operator(c, &call);
}

static void service_host(const aotc_model_frame *f, int32_t kernel, HostFunction function,
                         uint32_t flags)
{
    aotc_context *c = context_of(f);
    if (!c->failure.code)
        cuda_host(c, kernel, function, flags);
}

static void service_upload(const aotc_model_frame *f, void *to, const void *from, uint64_t bytes)
{
    aotc_context *c = context_of(f);
    if (!c->failure.code && bytes)
        cuda_transfer(c, COPY_UP, to, from, bytes);
}

static void service_download(const aotc_model_frame *f, void *to, const void *from, uint64_t bytes)
{
    aotc_context *c = context_of(f);
    if (!c->failure.code && bytes)
        cuda_transfer(c, COPY_DOWN, to, from, bytes);
}

static int32_t service_wait(const aotc_model_frame *f)
{
    aotc_context *c = context_of(f);
    return !c->failure.code && cuda_wait(c);
}

static void *service_host_temporary(const aotc_model_frame *f, uint64_t bytes)
{
    return run_memory(context_of(f), bytes, true);
}

void cuda_fill_services(aotc_context *c, int sm)
{
    CudaContext               *u = c->cuda;
    aotc_model_device_failure *failure = u->services.failure;
    u->services = (aotc_model_cuda){.struct_size = sizeof u->services,
                                    .sm = sm,
                                    .n_sm = u->device->n_sm,
                                    .max_shared = u->device->max_shared,
                                    .l2_bytes = u->device->l2_bytes,
                                    .failure = failure,
                                    .launch = service_launch,
                                    .copy = service_copy,
                                    .fill = service_fill,
                                    .read = service_read,
                                    .enter = service_enter,
                                    .leave = service_leave,
                                    .tensor_map = service_tensor_map,
                                    .call = service_call,
                                    .host = service_host,
                                    .upload = service_upload,
                                    .download = service_download,
                                    .wait = service_wait,
                                    .host_temporary = service_host_temporary,
                                    .window_map = service_window_map};
}

/* ---- the run --------------------------------------------------------------------------------- */

void cuda_run_plain(aotc_context *c)
{
    CudaContext *u = c->cuda;
    u->mode = MODE_PLAIN;
    c->model->entry->run(&c->frame, 0);
    if (!u->uses_rng || c->failure.code)
        return;
    void    *params[] = {&u->rng};
    CuResult r = cuda_launch_helper(u, u->device->rng_next, 1, 1, params);
    if (r)
        cuda_fail(c, r, "cuLaunchKernel", -1);
}

/* What an earlier run left: its failure, or work on another stream. */
static aotc_status look_back(aotc_context *c, aotc_error *error)
{
    CudaContext *u = c->cuda;
    CuResult     r = CU_OK;
    if (__atomic_load_n(&u->shared->failure.ready, __ATOMIC_ACQUIRE)) {
        r = cuda_settle(u);
        if (!r && cuda_take_failure(c))
            return report_failure(c, error);
    }
    if (!r && u->is_pending && u->last_stream != u->stream) {
        r = u->driver->EventRecord(u->order, u->last_stream);
        r = r ? r : u->driver->StreamWaitEvent(u->stream, u->order, 0);
    }
    return r ? cuda_error(u->driver, r, "an earlier run", error) : AOTC_OK;
}

static aotc_status begin(aotc_context *c, CuStream stream, aotc_error *error)
{
    CudaContext *u = c->cuda;
    int          capture = CU_CAPTURE_NONE;
    if (c->failure.code)
        c->failure = (aotc_model_failure){.kernel = -1};
    u->stream = stream;
    u->must_wait = u->is_refused = u->uses_rng = false;
    u->n_events = 0;
    CuResult r = stream ? u->driver->StreamIsCapturing(stream, &capture) : CU_OK;
    if (r)
        return cuda_error(u->driver, r, "cuStreamIsCapturing", error);
    u->is_capturing = capture != CU_CAPTURE_NONE;
    if (u->is_capturing)
        return AOTC_OK;
    aotc_status s = look_back(c, error);
    u->last_stream = stream;
    u->is_pending = u->is_running = true;
    return s;
}

/* A captured run happens when the capture is launched: it counts nothing here. */
static void count_run(aotc_context *c)
{
    CudaContext *u = c->cuda;
    c->n_run_blocks = 0;
    if (u->is_capturing)
        return;
    c->frame.offset++;
    if (u->uses_rng)
        u->rng_offset++;
    if (c->failure.code)
        u->is_rng_set = false; /* the last kernel may not have been queued */
}

static aotc_status run_code(aotc_context *c, aotc_error *error)
{
    aotc_status s = cuda_run_graph(c, error);
    count_run(c);
    if (!s && c->failure.code)
        s = report_failure(c, error);
    if (!s && c->has_unbacked && c->model->entry->exprs(c->sym, c->exprs))
        s = error_set(error, AOTC_E_GUARD, "a size that the run computed overflows 64 bits");
    return s;
}

/* Everything that the host was given is there. */
static aotc_status wait_for_host(aotc_context *c, aotc_error *error)
{
    CudaContext *u = c->cuda;
    if (!u->must_wait)
        return AOTC_OK;
    u->is_running = false;
    CuResult r = cuda_settle(u);
    if (r)
        return cuda_error(u->driver, r, "waiting for the device", error);
    return cuda_take_failure(c) ? report_failure(c, error) : AOTC_OK;
}

static aotc_status run_current(aotc_context *c, const DLTensor *inputs, DLTensor *outputs,
                               aotc_error *error)
{
    const aotc_model_entry *e = c->model->entry;
    aotc_status             s = bind_inputs(c, inputs, error);
    for (int i = 0; i < e->n_inputs && !s; i++)
        s = cuda_place_input(c, i, &inputs[i], error);
    for (int i = 0; i < e->n_outputs && !s; i++)
        s = cuda_place_output(c, i, &outputs[i], error);
    if (!s)
        s = run_code(c, error);
    for (int i = 0; i < e->n_inputs && !s; i++)
        s = cuda_return_input(c, i, &inputs[i], error);
    for (int i = 0; i < e->n_outputs && !s; i++)
        s = cuda_finish_output(c, i, inputs, &outputs[i], error);
    if (!s && c->profile)
        s = cuda_collect_events(c, error);
    return s ? s : wait_for_host(c, error);
}

aotc_status cuda_run(aotc_context *c, const DLTensor *inputs, DLTensor *outputs, CuStream stream,
                     aotc_error *error)
{
    CudaContext *u = c->cuda;
    CudaScope    scope;
    CuResult     r = cuda_enter(u->device, &scope, false);
    if (r)
        return cuda_error(u->driver, r, "cuCtxPushCurrent", error);
    aotc_status s = begin(c, stream, error);
    if (!s)
        s = run_current(c, inputs, outputs, error);
    if (s && u->is_refused)
        s = error_set(error, AOTC_E_UNSUPPORTED,
                      "these sizes need memory that the context does not have, and the stream is "
                      "being captured: run them once before the capture");
    u->is_capturing = u->is_running = false;
    cuda_leave(&scope);
    return s;
}
