/* Inputs and outputs of a run on a device: the caller's device memory where it fits; else memory of
 * the context and a copy that is queued on the stream.
 *
 *   input  on the device, other strides    → aotc_copy_strided into the context
 *   input  on the CPU                      → (packed on the host when strides differ) → copied up
 *   output on the CPU                      ← copied down; the run then waits
 *   Python numbers stay on the host: the code has them in frame->sym. */
#include "loader/cuda.h"

#include <inttypes.h>

static bool is_host(DLDevice d)
{
    return d.device_type == kDLCPU || d.device_type == kDLCUDAHost;
}

bool cuda_takes_device(const aotc_context *c, const Slot *s, DLDevice d)
{
    if (s->is_on_host || s->flags & AOTC_TENSOR_SCALAR)
        return is_host(d);
    return is_host(d) || d.device_type == kDLCUDAManaged ||
           (d.device_type == kDLCUDA && d.device_id == c->model->device.device_id);
}

static aotc_status failed_copy(const aotc_context *c, CuResult r, const char *what,
                               const char *name, aotc_error *error)
{
    char text[256];
    cuda_describe(c->cuda->driver, r, "copying", text, sizeof text);
    return error_set(error, r == CU_OUT_OF_MEMORY ? AOTC_E_MEMORY : AOTC_E_DEVICE, "%s \"%s\": %s",
                     what, name, text);
}

/* ---- used on the CPU ------------------------------------------------------------------------- */

static bool is_in_place(const Slot *s, const DLTensor *x)
{
    return !((uintptr_t)tensor_data(x) & s->align_mask) && has_slot_strides(s, x);
}

static aotc_status not_in_capture(const Slot *s, const char *what, aotc_error *error)
{
    return error_set(error, AOTC_E_UNSUPPORTED,
                     "%s \"%s\" cannot be used where it lies, and the stream is being captured",
                     what, s->model->name);
}

/* Host functions read the caller's memory when the stream comes to them.  A copy of it may still be
 * read by an earlier run. */
static aotc_status place_host_input(aotc_context *c, int i, const DLTensor *x, aotc_error *error)
{
    CudaContext *u = c->cuda;
    const Slot  *s = &c->in[i];
    bool         is_copied = s->extent_bytes && !is_in_place(s, x) && tensor_data(x);
    if (is_copied && u->is_capturing)
        return not_in_capture(s, "input", error);
    CuResult r = is_copied ? cuda_settle(u) : CU_OK;
    if (s->flags & AOTC_TENSOR_MUTATED)
        u->must_wait |= !u->is_capturing;
    return r ? failed_copy(c, r, "input", s->model->name, error) : place_input(c, i, x, error);
}

static aotc_status place_host_output(aotc_context *c, int i, const DLTensor *x, aotc_error *error)
{
    Slot       *s = &c->out[i];
    aotc_status status = place_output(c, i, x, error);
    bool        is_copied = s->is_callers && s->extent_bytes && c->outputs[i] != tensor_data(x);
    s->is_to_host = false;
    return !status && is_copied && c->cuda->is_capturing ? not_in_capture(s, "output", error)
                                                         : status;
}

/* What host functions have written is there when the caller goes on. */
static CuResult wait_for_functions(CudaContext *u)
{
    if (u->is_capturing)
        return CU_OK;
    u->must_wait = true;
    return cuda_settle(u);
}

/* ---- copies ---------------------------------------------------------------------------------- */

/* As in cuda_helpers.cu. */
typedef struct CopyArgs {
    void       *to;
    const void *from;
    int64_t     numel;
    int32_t     rank, item_bytes;
    int32_t     unit, reserved;
    int64_t     sizes[MAX_NDIM], to_strides[MAX_NDIM], from_strides[MAX_NDIM];
} CopyArgs;

/* The largest power of two, up to 8, that divides the element and all addresses. */
static int32_t copy_unit(const Copy *plan, const void *to, const void *from)
{
    uint64_t bits = plan->item | (uintptr_t)to | (uintptr_t)from | 8;
    for (int d = 0; d < plan->rank; d++)
        bits |= (uint64_t)plan->to[d] | (uint64_t)plan->from[d];
    return (int32_t)(bits & -bits);
}

static CuResult copy_on_device(CudaContext *u, void *to, const int64_t *to_strides,
                               const void *from, const int64_t *from_strides, const Slot *s)
{
    Copy     plan;
    CopyArgs a = {.to = to, .from = from, .numel = 1};
    if (!copy_plan(&plan, to_strides, from_strides, s->sizes, s->rank, s->item_bytes))
        return CU_OK;
    a.rank = plan.rank;
    a.item_bytes = (int32_t)plan.item;
    a.unit = copy_unit(&plan, to, from);
    for (int d = 0; d < plan.rank; d++) {
        a.sizes[d] = plan.sizes[d];
        a.to_strides[d] = plan.to[d];
        a.from_strides[d] = plan.from[d];
        a.numel *= plan.sizes[d];
    }
    int64_t blocks = (a.numel + 255) / 256, most = 32 * (int64_t)u->device->n_sm;
    void   *params[] = {&a};
    return cuda_launch_helper(u, u->device->copy_strided, (unsigned)(blocks < most ? blocks : most),
                              256, params);
}

/* Strides of a tensor that fills its extent: it can be copied as it is, also on the host. */
static bool is_dense(const Slot *s)
{
    int64_t numel = 1;
    for (int d = 0; d < s->rank; d++)
        numel *= s->sizes[d];
    return numel * s->item_bytes == s->extent_bytes;
}

static bool reserve_staging(aotc_context *c, const Slot *s)
{
    CudaContext *u = c->cuda;
    if (u->is_staging_read)
        cuda_settle(u);
    return block_reserve(c, &u->staging, (size_t)s->extent_bytes);
}

/* From the caller's memory on the host to `to`, which has the slot's strides. */
static CuResult copy_up(aotc_context *c, const Slot *s, void *to, const DLTensor *x)
{
    CudaContext *u = c->cuda;
    const void  *from = tensor_data(x);
    int64_t      have[MAX_NDIM];
    if (!has_slot_strides(s, x) || !is_dense(s)) {
        if (!reserve_staging(c, s))
            return CU_OUT_OF_MEMORY;
        copy_strided(u->staging.memory, s->strides, from, strides_of(x, have), s->sizes, s->rank,
                     s->item_bytes);
        from = u->staging.memory;
        u->is_staging_read = true;
    }
    return u->driver->MemcpyHtoDAsync(address(to), from, (size_t)s->extent_bytes, u->stream);
}

/* The other way.  Where strides differ it waits: the rest is the host's. */
static CuResult copy_down(aotc_context *c, const Slot *s, const DLTensor *x, const void *from)
{
    CudaContext *u = c->cuda;
    int64_t      have[MAX_NDIM];
    bool         is_direct = has_slot_strides(s, x) && is_dense(s);
    if (!is_direct && !reserve_staging(c, s))
        return CU_OUT_OF_MEMORY;
    CuResult r = u->driver->MemcpyDtoHAsync(is_direct ? (void *)tensor_data(x) : u->staging.memory,
                                            address(from), (size_t)s->extent_bytes, u->stream);
    u->must_wait = true;
    if (r || is_direct)
        return r;
    r = cuda_settle(u);
    if (!r)
        copy_strided(tensor_data(x), strides_of(x, have), u->staging.memory, s->strides, s->sizes,
                     s->rank, s->item_bytes);
    return r;
}

/* From memory with the slot's strides to the caller's tensor, wherever that is. */
static aotc_status deliver(aotc_context *c, const Slot *s, const DLTensor *x, const void *from,
                           const char *what, aotc_error *error)
{
    int64_t  have[MAX_NDIM];
    CuResult r = is_host(x->device) ? copy_down(c, s, x, from)
                                    : copy_on_device(c->cuda, tensor_data(x), strides_of(x, have),
                                                     from, s->strides, s);
    return r ? failed_copy(c, r, what, s->model->name, error) : AOTC_OK;
}

/* ---- inputs ---------------------------------------------------------------------------------- */

static aotc_status in_capture(const Slot *s, const char *what, aotc_error *error)
{
    return error_set(error, AOTC_E_UNSUPPORTED,
                     "%s \"%s\" is on the CPU, and the stream is being captured", what,
                     s->model->name);
}

static aotc_status copy_input(aotc_context *c, int i, const DLTensor *x, aotc_error *error)
{
    Slot   *s = &c->in[i];
    int64_t have[MAX_NDIM];
    if ((s->flags & AOTC_TENSOR_MUTATED) && overlaps_itself(s, x))
        return error_set(error, AOTC_E_ARGUMENT,
                         "input \"%s\" is written by the model, but has a stride of 0",
                         s->model->name);
    if (is_host(x->device) && c->cuda->is_capturing)
        return in_capture(s, "input", error);
    if (!block_reserve(c, &s->copy, (size_t)s->extent_bytes))
        return error_set(error, AOTC_E_MEMORY,
                         "out of memory for a copy of input \"%s\": %" PRId64 " bytes",
                         s->model->name, s->extent_bytes);
    c->inputs[i] = s->copy.memory;
    CuResult r = is_host(x->device) ? copy_up(c, s, s->copy.memory, x)
                                    : copy_on_device(c->cuda, s->copy.memory, s->strides,
                                                     tensor_data(x), strides_of(x, have), s);
    return r ? failed_copy(c, r, "input", s->model->name, error) : AOTC_OK;
}

aotc_status cuda_place_input(aotc_context *c, int i, const DLTensor *x, aotc_error *error)
{
    const Slot *s = &c->in[i];
    if (s->is_on_host)
        return place_host_input(c, i, x, error);
    if (s->extent_bytes == 0 || s->is_opaque || (s->flags & AOTC_TENSOR_SCALAR)) {
        c->inputs[i] = c->nothing;
        return AOTC_OK;
    }
    char *data = tensor_data(x);
    if (!data)
        return error_set(error, AOTC_E_ARGUMENT, "input \"%s\" has no data", s->model->name);
    bool fits = !is_host(x->device) && !((uintptr_t)data & s->align_mask) && has_slot_strides(s, x);
    c->inputs[i] = fits ? data : c->nothing;
    return fits || (s->flags & AOTC_TENSOR_UNUSED) ? AOTC_OK : copy_input(c, i, x, error);
}

aotc_status cuda_return_input(aotc_context *c, int i, const DLTensor *x, aotc_error *error)
{
    const Slot *s = &c->in[i];
    if (!(s->flags & AOTC_TENSOR_MUTATED) || !s->copy.memory || c->inputs[i] != s->copy.memory)
        return AOTC_OK;
    if (s->is_on_host) {
        CuResult r = wait_for_functions(c->cuda);
        return_input(c, i, x);
        return r ? failed_copy(c, r, "input", s->model->name, error) : AOTC_OK;
    }
    return deliver(c, s, x, s->copy.memory, "input", error);
}

/* ---- outputs --------------------------------------------------------------------------------- */

static aotc_status reserve_output(aotc_context *c, int i, Block *block, aotc_error *error)
{
    const Slot *s = &c->out[i];
    if (!block_reserve(c, block, (size_t)s->extent_bytes))
        return error_set(error, AOTC_E_MEMORY, "out of memory for output \"%s\": %" PRId64 " bytes",
                         s->model->name, s->extent_bytes);
    c->outputs[i] = block->memory;
    return AOTC_OK;
}

aotc_status cuda_place_output(aotc_context *c, int i, const DLTensor *x, aotc_error *error)
{
    Slot       *s = &c->out[i];
    aotc_status status = AOTC_OK;
    if (s->is_on_host)
        return place_host_output(c, i, x, error);
    c->outputs[i] = c->nothing;
    s->is_callers = is_callers_memory(c, s, x);
    s->is_to_host =
        !s->is_callers && x->device.device_type == kDLCPU && !(s->flags & AOTC_TENSOR_SCALAR);
    if (!s->is_opaque && s->is_to_host && c->cuda->is_capturing)
        return in_capture(s, "output", error);
    if (s->is_opaque || (s->flags & AOTC_TENSOR_LATE))
        return AOTC_OK;
    if (s->is_callers)
        status = check_output(c, s, x, error);
    if (status || s->extent_bytes == 0)
        return status;
    if (s->is_callers && is_host(x->device) && c->cuda->is_capturing)
        return in_capture(s, "output", error);
    if (s->model->same_as >= 0) {
        c->outputs[i] = c->inputs[s->model->same_as];
        return AOTC_OK;
    }
    if (s->flags & AOTC_TENSOR_SCALAR) /* written by the host after the run */
        return s->is_callers || block_reserve(c, &s->own, sizeof(int64_t))
                   ? AOTC_OK
                   : error_set(error, AOTC_E_MEMORY, "out of memory");
    if (!s->is_callers)
        return reserve_output(c, i, &s->own, error);
    char *data = tensor_data(x);
    if (is_host(x->device) || ((uintptr_t)data & s->align_mask) || !has_slot_strides(s, x))
        return reserve_output(c, i, &s->copy, error);
    c->outputs[i] = data;
    return AOTC_OK;
}

/* Into memory of the context on the host, with the strides of `s`. */
static aotc_status hand_down(aotc_context *c, Slot *out, const Slot *s, const void *from,
                             DLTensor *x, aotc_error *error)
{
    CudaContext *u = c->cuda;
    CuResult     r = CU_OK;
    *x = (DLTensor){.data = loader_nothing,
                    .device = {kDLCPU, 0},
                    .ndim = s->rank,
                    .dtype = {s->model->code, s->model->bits, 1},
                    .shape = s->sizes,
                    .strides = s->strides};
    if (!s->extent_bytes)
        return AOTC_OK;
    if (!block_reserve(c, &out->host, (size_t)s->extent_bytes))
        return error_set(error, AOTC_E_MEMORY, "out of memory for output \"%s\": %" PRId64 " bytes",
                         s->model->name, s->extent_bytes);
    x->data = out->host.memory;
    u->must_wait = true;
    r = u->driver->MemcpyDtoHAsync(x->data, address(from), (size_t)s->extent_bytes, u->stream);
    return r ? failed_copy(c, r, "output", out->model->name, error) : AOTC_OK;
}

/* The output is an input: the caller's own tensor, or its values after the run. */
static aotc_status finish_same(aotc_context *c, Slot *s, const DLTensor *input, DLTensor *x,
                               aotc_error *error)
{
    int64_t     have[MAX_NDIM];
    const Slot *in = &c->in[s->model->same_as];
    const void *now = c->inputs[s->model->same_as]; /* with the input's strides */
    if (s->is_to_host && !is_host(input->device))
        return hand_down(c, s, in, now, x, error);
    if (!s->is_callers) {
        *x = *input;
        return AOTC_OK;
    }
    if (tensor_data(x) == tensor_data(input) || s->extent_bytes == 0)
        return AOTC_OK;
    if (is_host(x->device))
        return deliver(c, in, x, now, "output", error);
    CuResult r = copy_on_device(c->cuda, tensor_data(x), strides_of(x, have), now, in->strides, in);
    return r ? failed_copy(c, r, "output", s->model->name, error) : AOTC_OK;
}

static aotc_status finish_scalar(aotc_context *c, Slot *s, DLTensor *x)
{
    write_scalar(c, s->model, s->is_callers ? (void *)tensor_data(x) : s->own.memory);
    if (!s->is_callers)
        *x = (DLTensor){.data = s->own.memory,
                        .device = {kDLCPU, 0},
                        .dtype = {s->model->code, s->model->bits, 1},
                        .shape = s->sizes,
                        .strides = s->strides};
    return AOTC_OK;
}

aotc_status cuda_finish_output(aotc_context *c, int i, const DLTensor *inputs, DLTensor *x,
                               aotc_error *error)
{
    Slot *s = &c->out[i];
    if (s->is_on_host) {
        CuResult r = wait_for_functions(c->cuda);
        return r ? failed_copy(c, r, "output", s->model->name, error)
                 : finish_output(c, i, inputs, x, error);
    }
    if (s->is_opaque) {
        *x = (DLTensor){.device = {kDLCPU, 0}, .dtype = {kDLOpaqueHandle, 0, 1}};
        return AOTC_OK;
    }
    if (s->model->same_as >= 0)
        return finish_same(c, s, &inputs[s->model->same_as], x, error);
    if (s->flags & AOTC_TENSOR_SCALAR)
        return finish_scalar(c, s, x);
    bool is_late = s->flags & AOTC_TENSOR_LATE;
    if (is_late && !slot_layout(c, s))
        return error_set(error, AOTC_E_GUARD, "output \"%s\" is too large", s->model->name);
    if (s->is_to_host)
        return hand_down(c, s, s, c->outputs[i], x, error);
    if (!s->is_callers) {
        *x = (DLTensor){.data = c->outputs[i],
                        .device = c->model->device,
                        .ndim = s->rank,
                        .dtype = {s->model->code, s->model->bits, 1},
                        .shape = s->sizes,
                        .strides = s->strides};
        return AOTC_OK;
    }
    aotc_status status = is_late ? check_output(c, s, x, error) : AOTC_OK;
    bool        is_copied = is_late || (s->copy.memory && c->outputs[i] == s->copy.memory);
    if (status || !is_copied || s->extent_bytes == 0)
        return status;
    return deliver(c, s, x, c->outputs[i], "output", error);
}
