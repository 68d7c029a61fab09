/* Inputs and outputs of one run: the caller's memory where it fits, else memory of the context and
 * a copy. */
#include "loader/cuda.h"

#include <inttypes.h>
#include <string.h>

_Alignas(64) unsigned char loader_nothing[128];

bool overlaps_itself(const Slot *s, const DLTensor *x)
{
    for (int d = 0; d < s->rank && x->strides; d++)
        if (s->sizes[d] > 1 && x->strides[d] == 0)
            return true;
    return false;
}

const int64_t *strides_of(const DLTensor *x, int64_t *buffer)
{
    if (x->strides)
        return x->strides;
    row_major(x->shape, x->ndim, buffer);
    return buffer;
}

/* ---- inputs ---------------------------------------------------------------------------------- */

static aotc_status copy_input(aotc_context *c, int i, const DLTensor *x, aotc_error *error)
{
    Slot   *s = &c->in[i];
    int64_t have[MAX_NDIM];
    if ((s->flags & AOTC_TENSOR_MUTATED) && overlaps_itself(s, x))
        return error_set(error, AOTC_E_ARGUMENT,
                         "input \"%s\" is written by the model, but has a stride of 0",
                         s->model->name);
    if (!block_reserve(c, &s->copy, (size_t)s->extent_bytes))
        return error_set(error, AOTC_E_MEMORY,
                         "out of memory for a copy of input \"%s\": %" PRId64 " bytes",
                         s->model->name, s->extent_bytes);
    copy_strided(s->copy.memory, s->strides, tensor_data(x), strides_of(x, have), s->sizes, s->rank,
                 s->item_bytes);
    c->inputs[i] = s->copy.memory;
    return AOTC_OK;
}

aotc_status place_input(aotc_context *c, int i, const DLTensor *x, aotc_error *error)
{
    const Slot *s = &c->in[i];
    if (s->extent_bytes == 0) {
        c->inputs[i] = loader_nothing;
        return AOTC_OK;
    }
    char *data = tensor_data(x);
    if (!data)
        return error_set(error, AOTC_E_ARGUMENT, "input \"%s\" has no data", s->model->name);
    c->inputs[i] = data;
    bool fits = !((uintptr_t)data & s->align_mask) && has_slot_strides(s, x);
    return fits || (s->flags & AOTC_TENSOR_UNUSED) ? AOTC_OK : copy_input(c, i, x, error);
}

void return_input(aotc_context *c, int i, const DLTensor *x)
{
    const Slot *s = &c->in[i];
    int64_t     have[MAX_NDIM];
    if (!(s->flags & AOTC_TENSOR_MUTATED) || !s->copy.memory || c->inputs[i] != s->copy.memory)
        return;
    copy_strided(tensor_data(x), strides_of(x, have), s->copy.memory, s->strides, s->sizes, s->rank,
                 s->item_bytes);
}

/* ---- outputs --------------------------------------------------------------------------------- */

/* Tensors that the last run handed out come back as they are: that memory is the context's. */
bool is_callers_memory(const aotc_context *c, const Slot *s, const DLTensor *x)
{
    return x->data && x->data != s->own.memory && x->data != s->host.memory &&
           x->data != c->nothing && x->data != loader_nothing;
}

aotc_status check_output(const aotc_context *c, const Slot *s, const DLTensor *x, aotc_error *error)
{
    const char *name = s->model->name;
    bool is_there = c->cuda ? cuda_takes_device(c, s, x->device) : x->device.device_type == kDLCPU;
    if (dtype_word(x->dtype) != s->dtype || x->ndim != s->rank || !is_there)
        return error_set(error, AOTC_E_ARGUMENT,
                         "output \"%s\" has another dtype, rank or device than the model's", name);
    if (s->rank && x->shape == s->sizes)
        return error_set(
            error, AOTC_E_ARGUMENT,
            "output \"%s\" has memory of the caller, but a shape that belongs to the context",
            name);
    for (int d = 0; d < s->rank; d++)
        if (!x->shape || x->shape[d] != s->sizes[d])
            return error_set(error, AOTC_E_ARGUMENT,
                             "output \"%s\" has size %" PRId64
                             " in dim %d, the model makes %" PRId64,
                             name, x->shape ? x->shape[d] : -1, d, s->sizes[d]);
    if (s->extent_bytes && overlaps_itself(s, x))
        return error_set(error, AOTC_E_ARGUMENT, "output \"%s\" has a stride of 0", name);
    return AOTC_OK;
}

static aotc_status reserve_output(aotc_context *c, int i, Block *block, aotc_error *error)
{
    const Slot *s = &c->out[i];
    if (!block_reserve(c, block, (size_t)s->extent_bytes))
        return error_set(error, AOTC_E_MEMORY, "out of memory for output \"%s\": %" PRId64 " bytes",
                         s->model->name, s->extent_bytes);
    c->outputs[i] = block->memory;
    return AOTC_OK;
}

aotc_status place_output(aotc_context *c, int i, const DLTensor *x, aotc_error *error)
{
    Slot *s = &c->out[i];
    c->outputs[i] = loader_nothing;
    s->is_callers = is_callers_memory(c, s, x);
    if (s->is_opaque || (s->flags & AOTC_TENSOR_LATE))
        return AOTC_OK;
    if (s->is_callers) {
        aotc_status status = check_output(c, s, x, error);
        if (status)
            return status;
    }
    if (s->extent_bytes == 0)
        return AOTC_OK;
    if (s->model->same_as >= 0) {
        c->outputs[i] = c->inputs[s->model->same_as];
        return AOTC_OK;
    }
    if (!s->is_callers)
        return reserve_output(c, i, &s->own, error);
    char *data = tensor_data(x);
    if (((uintptr_t)data & s->align_mask) || !has_slot_strides(s, x))
        return reserve_output(c, i, &s->copy, error);
    c->outputs[i] = data;
    return AOTC_OK;
}

void *late_output(aotc_context *c, int i, const int64_t *sizes)
{
    Slot   *s = &c->out[i];
    int64_t bytes = s->item_bytes;
    for (int d = 0; d < s->rank; d++) {
        s->sizes[d] = sizes[d];
        if (sizes[d] < 0 || (bytes && sizes[d] && __builtin_mul_overflow(bytes, sizes[d], &bytes)))
            return NULL;
        if (sizes[d] == 0)
            bytes = 0;
    }
    if (bytes == 0)
        return c->nothing;
    return block_reserve(c, &s->own, (size_t)bytes) ? s->own.memory : NULL;
}

void write_scalar(const aotc_context *c, const aotc_model_tensor *t, void *to)
{
    int64_t v = t->expr >= 0 ? c->exprs[t->expr] : t->literal_int;
    if (t->expr < 0 && t->code == kDLFloat)
        memcpy(&v, &t->literal_float, sizeof v);
    if (t->code == kDLBool)
        *(uint8_t *)to = v != 0;
    else
        memcpy(to, &v, sizeof v);
}

/* The caller's tensor from what the code wrote. */
static void deliver(const Slot *s, const DLTensor *x, const void *from, const int64_t *from_strides)
{
    int64_t have[MAX_NDIM];
    copy_strided(tensor_data(x), strides_of(x, have), from, from_strides, s->sizes, s->rank,
                 s->item_bytes);
}

/* The output is an input: a view of the caller's own tensor, or its values after the run. */
static void finish_same(const Slot *s, const DLTensor *input, DLTensor *x)
{
    int64_t have[MAX_NDIM];
    if (!s->is_callers)
        *x = *input;
    else if (tensor_data(x) != tensor_data(input))
        deliver(s, x, tensor_data(input), strides_of(input, have));
}

aotc_status finish_output(aotc_context *c, int i, const DLTensor *inputs, DLTensor *x,
                          aotc_error *error)
{
    Slot *s = &c->out[i];
    if (s->is_opaque) {
        *x = (DLTensor){.device = {kDLCPU, 0}, .dtype = {kDLOpaqueHandle, 0, 1}};
        return AOTC_OK;
    }
    if (s->model->same_as >= 0) {
        finish_same(s, &inputs[s->model->same_as], x);
        return AOTC_OK;
    }
    if (s->flags & AOTC_TENSOR_SCALAR)
        write_scalar(c, s->model, c->outputs[i]);
    bool is_late = s->flags & AOTC_TENSOR_LATE;
    if (is_late && !slot_layout(c, s))
        return error_set(error, AOTC_E_GUARD, "output \"%s\" is too large", s->model->name);
    if (!s->is_callers) {
        *x = (DLTensor){.data = c->outputs[i],
                        .device = {kDLCPU, 0},
                        .ndim = s->rank,
                        .dtype = {s->model->code, s->model->bits, 1},
                        .shape = s->sizes,
                        .strides = s->strides};
        return AOTC_OK;
    }
    if (is_late) { /* the caller guessed the sizes right, or not */
        aotc_status status = check_output(c, s, x, error);
        if (status)
            return status;
    }
    if (is_late || (s->copy.memory && c->outputs[i] == s->copy.memory))
        deliver(s, x, c->outputs[i], s->strides);
    return AOTC_OK;
}
