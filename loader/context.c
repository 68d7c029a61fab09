/* Contexts: memory of one thread's runs. */
#include "loader/cuda.h"

#include <stdlib.h>
#include <string.h>

static void *default_allocate(void *cx, size_t bytes, size_t alignment)
{
    (void)cx;
    void *p = NULL;
    return posix_memalign(&p, alignment, bytes) ? NULL : p;
}

static void default_release(void *cx, void *memory, size_t bytes)
{
    (void)cx, (void)bytes;
    free(memory);
}

bool block_reserve(aotc_context *c, Block *b, size_t size_bytes)
{
    /* Vectors may touch a line behind the last element. */
    size_t want = (size_bytes + 127) / 64 * 64;
    if (b->memory && b->size_bytes >= want)
        return true;
    block_free(c, b);
    b->memory = !c->cuda || b->is_host ? c->allocator.allocate(c->allocator.cx, want, 64)
                : b->is_pinned         ? cuda_allocate_pinned(c, want)
                                       : cuda_allocate(c, want);
    if (!b->memory)
        return false;
    b->size_bytes = want;
    return true;
}

void block_free(aotc_context *c, Block *b)
{
    if (b->memory && c->cuda && b->is_pinned) {
        cuda_release_pinned(c, b->memory);
    } else if (b->memory && c->cuda && !b->is_host) {
        cuda_release(c, b->memory, b->size_bytes);
    } else if (b->memory) {
        if (has_host_part(c)) /* a host function may still use it */
            cuda_settle(c->cuda);
        c->allocator.release(c->allocator.cx, b->memory, b->size_bytes);
    }
    b->memory = NULL;
    b->size_bytes = 0;
}

static void make_slot(Slot *s, const aotc_model_tensor *t, int64_t **dims)
{
    s->model = t;
    s->flags = t->flags;
    s->dtype = dtype_word((DLDataType){t->code, t->bits, 1});
    s->rank = t->rank;
    s->is_opaque = t->code == kDLOpaqueHandle;
    s->item_bytes = s->is_opaque ? 0 : t->bits / 8u;
    /* complex128 is two doubles */
    s->align_mask = s->item_bytes == 16 ? 7
                    : s->item_bytes     ? (s->item_bytes & -s->item_bytes) - 1
                                        : 0;
    s->extent_bytes = s->item_bytes;
    s->is_row_major = true;
    s->sizes = *dims;
    s->strides = *dims + t->rank;
    *dims += 2 * t->rank;
}

static bool make_slots(aotc_context *c)
{
    const aotc_model_entry *e = c->model->entry;
    size_t                  n = 1;
    for (int i = 0; i < e->n_inputs; i++)
        n += 2 * (size_t)table_tensor(e->inputs, i)->rank;
    for (int i = 0; i < e->n_outputs; i++)
        n += 2 * (size_t)table_tensor(e->outputs, i)->rank;
    int64_t *dims = c->dims = calloc(n, sizeof *dims);
    c->in = calloc((size_t)e->n_inputs + 1, sizeof *c->in);
    c->out = calloc((size_t)e->n_outputs + 1, sizeof *c->out);
    if (!dims || !c->in || !c->out)
        return false;
    for (int i = 0; i < e->n_inputs + e->n_outputs; i++) {
        bool  is_input = i < e->n_inputs;
        Slot *s = is_input ? &c->in[i] : &c->out[i - e->n_inputs];
        make_slot(s,
                  table_tensor(is_input ? e->inputs : e->outputs, is_input ? i : i - e->n_inputs),
                  &dims);
        bool is_number = s->flags & AOTC_TENSOR_SCALAR;
        s->is_on_host = c->model->cuda && c->model->table->abi >= 4 && !is_number &&
                        !s->is_opaque && s->model->device == kDLCPU;
        s->copy.is_host = s->is_on_host;
        s->own.is_host = s->is_on_host || is_number;
        s->host.is_host = true;
    }
    return true;
}

static bool make_tables(aotc_context *c)
{
    const aotc_model_entry *e = c->model->entry;
#define TABLE(field, n) (c->field = calloc((size_t)(n) + 1, sizeof *c->field))
    return TABLE(sym, e->n_symbols) && TABLE(exprs, e->n_exprs) && TABLE(sym_set, e->n_symbols) &&
           TABLE(inputs, e->n_inputs) && TABLE(outputs, e->n_outputs) && TABLE(state, e->n_state) &&
           TABLE(temporaries, e->n_temporaries) && TABLE(state_blocks, e->n_state) &&
           TABLE(profile_total, e->n_kernels) && TABLE(profile_min, e->n_kernels) &&
           TABLE(profile_runs, e->n_kernels) &&
           (c->barrier = aligned_alloc(64, sizeof *c->barrier)) != NULL;
#undef TABLE
}

static aotc_status fill_state(aotc_context *c, aotc_error *error)
{
    const aotc_model_entry *e = c->model->entry;
    aotc_status             s = AOTC_OK;
    for (int i = 0; i < e->n_constants && !s; i++) {
        const aotc_model_constant *k = &e->constants[i];
        if (!(k->flags & AOTC_CONSTANT_STATE) || !k->size_bytes)
            continue;
        const uint8_t *from = c->model->weights + k->offset;
        if (c->cuda && !(k->flags & AOTC_CONSTANT_HOST))
            s = cuda_upload(c->cuda->device, address(c->state[k->state]), from, k->size_bytes,
                            error);
        else
            memcpy(c->state[k->state], from, k->size_bytes);
    }
    return s;
}

static bool make_state(aotc_context *c)
{
    const aotc_model_entry *e = c->model->entry;
    for (int i = 0; i < e->n_constants; i++) {
        const aotc_model_constant *k = &e->constants[i];
        if (!(k->flags & AOTC_CONSTANT_STATE))
            continue;
        c->state_blocks[k->state].is_pinned = c->cuda && k->flags & AOTC_CONSTANT_HOST;
        if (!block_reserve(c, &c->state_blocks[k->state], k->size_bytes))
            return false;
        c->state[k->state] = c->state_blocks[k->state].memory;
    }
    return true;
}

static aotc_status check_options(const aotc_context_options *o, aotc_error *error)
{
    if (!o)
        return AOTC_OK;
    if (!HAS_FIELD(o, seed))
        return error_set(error, AOTC_E_ARGUMENT, "options->struct_size is not set");
    if (o->n_threads < 0 || o->n_threads > 4096)
        return error_set(error, AOTC_E_ARGUMENT, "%d threads asked for, 1 to 4096 are possible",
                         o->n_threads);
    const aotc_allocator *a = o->allocator;
    if (a && (!HAS_FIELD(a, cx) || !a->allocate || !a->release ||
              (HAS_FIELD(a, release_device) && !a->allocate_device != !a->release_device)))
        return error_set(error, AOTC_E_ARGUMENT,
                         "the allocator lacks a function or its struct_size");
    if (o->threads && (o->threads->struct_size < sizeof *o->threads || !o->threads->parallel ||
                       o->threads->n_threads < 1))
        return error_set(error, AOTC_E_ARGUMENT,
                         "the threads lack a function, a number or their struct_size");
    return AOTC_OK;
}

static void take_options(aotc_context *c, const aotc_context_options *o)
{
    c->allocator = (aotc_allocator){.struct_size = sizeof c->allocator,
                                    .allocate = default_allocate,
                                    .release = default_release};
    c->n_threads = 1;
    if (!o)
        return;
    if (o->allocator)
        memcpy(&c->allocator, o->allocator,
               HAS_FIELD(o->allocator, release_device) ? sizeof c->allocator
                                                       : offsetof(aotc_allocator, allocate_device));
    if (o->n_threads)
        c->n_threads = o->n_threads;
    if (o->threads) {
        c->threads = *o->threads;
        c->has_threads = true;
        if (!o->n_threads || c->n_threads > o->threads->n_threads)
            c->n_threads = o->threads->n_threads;
    }
    c->frame.seed = o->seed;
    const aotc_model_entry *e = c->model->entry;
    if (HAS_FIELD(e, max_threads) && e->max_threads > 0 && c->n_threads > e->max_threads)
        c->n_threads = e->max_threads;
}

/* What no run changes. */
static void fill_frame(aotc_context *c)
{
    const aotc_model_entry *e = c->model->entry;
    c->frame.struct_size = sizeof c->frame;
    c->frame.inputs = c->inputs;
    c->frame.outputs = c->outputs;
    c->nothing = loader_nothing;
    c->frame.weights = c->model->weights ? c->model->weights : loader_nothing;
    c->frame.state = c->state;
    c->frame.temporaries = c->temporaries;
    c->frame.sym = c->sym;
    c->frame.barrier = c->barrier;
    c->frame.failure = &c->failure;
    c->frame.host = &host_table;
    c->frame.host_cx = c;
    c->failure = (aotc_model_failure){.kernel = -1};
    memset(c->barrier, 0, sizeof *c->barrier);
    for (int i = 0; i < e->n_inputs; i++)
        c->inputs[i] = loader_nothing;
    for (int i = 0; i < e->n_symbols; i++)
        c->has_unbacked |= e->symbols[i].is_unbacked != 0;
}

/* With the device current, where there is one. */
static aotc_status fill_context(aotc_context *c, aotc_error *error)
{
    CudaScope scope = {0};
    CuResult  r = c->cuda ? cuda_enter(c->cuda->device, &scope, true) : CU_OK;
    if (r)
        return cuda_error(c->cuda->driver, r, "cuCtxPushCurrent", error);
    aotc_status s = make_state(c) ? fill_state(c, error)
                                  : error_set(error, AOTC_E_MEMORY, "out of memory for state");
    if (c->cuda)
        cuda_leave(&scope);
    return s;
}

aotc_status aotc_context_create(aotc_model *model, const aotc_context_options *options,
                                aotc_context **out, aotc_error *error)
{
    error_clear(error);
    if (!model || !out)
        return error_set(error, AOTC_E_ARGUMENT, "model or out is NULL");
    *out = NULL;
    aotc_status s = check_options(options, error);
    if (s)
        return s;
    aotc_context *c = calloc(1, sizeof *c);
    if (!c)
        return error_set(error, AOTC_E_MEMORY, "out of memory");
    c->model = model;
    aotc_model_retain(model);
    take_options(c, options);
    s = make_slots(c) && make_tables(c) ? AOTC_OK
                                        : error_set(error, AOTC_E_MEMORY, "out of memory");
    if (!s)
        fill_frame(c);
    s = !s && model->cuda ? cuda_context_create(c, options, error) : s;
    if (!s)
        s = fill_context(c, error);
    if (s)
        aotc_context_destroy(c);
    else
        *out = c;
    return s;
}

void aotc_context_destroy(aotc_context *c)
{
    if (!c)
        return;
    const aotc_model_entry *e = c->model->entry;
    CudaScope               scope = {0};
    bool is_there = c->cuda && cuda_enter(c->cuda->device, &scope, true) == CU_OK;
    if (is_there)
        cuda_settle(c->cuda);
    for (int i = 0; c->state_blocks && i < e->n_state; i++)
        block_free(c, &c->state_blocks[i]);
    for (int i = 0; c->in && i < e->n_inputs; i++)
        block_free(c, &c->in[i].copy);
    for (int i = 0; c->out && i < e->n_outputs; i++) {
        block_free(c, &c->out[i].copy);
        block_free(c, &c->out[i].own);
        block_free(c, &c->out[i].host);
    }
    for (int i = 0; i < c->cap_run_blocks; i++)
        block_free(c, &c->run_blocks[i]);
    block_free(c, &c->arena);
    block_free(c, &c->scratch);
    if (c->cuda)
        cuda_context_destroy(c);
    if (is_there)
        cuda_leave(&scope);
    void *tables[] = {c->dims,        c->in,           c->out,          c->sym,
                      c->exprs,       c->sym_set,      c->inputs,       c->outputs,
                      c->state,       c->temporaries,  c->state_blocks, c->profile_total,
                      c->profile_min, c->profile_runs, c->barrier,      c->run_blocks};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        free(tables[i]);
    aotc_model_release(c->model);
    free(c);
}

/* ---- state ----------------------------------------------------------------------------------- */

int32_t aotc_context_n_state(const aotc_context *c)
{
    return c ? c->model->entry->n_state : 0;
}

aotc_status aotc_context_state(aotc_context *c, int32_t index, const char **name, DLTensor *out)
{
    if (!c || !out || index < 0 || index >= c->model->entry->n_state)
        return AOTC_E_ARGUMENT;
    const aotc_model_entry *e = c->model->entry;
    for (int i = 0; i < e->n_constants; i++) {
        const aotc_model_constant *k = &e->constants[i];
        if (!(k->flags & AOTC_CONSTANT_STATE) || k->state != index)
            continue;
        if (name)
            *name = k->name;
        *out = (DLTensor){.data = c->state[index],
                          .device = k->flags & AOTC_CONSTANT_HOST ? (DLDevice){kDLCPU, 0}
                                                                  : c->model->device,
                          .ndim = k->rank,
                          .dtype = {k->code, (uint8_t)k->bits, 1},
                          .shape = (int64_t *)k->sizes};
        return AOTC_OK;
    }
    return AOTC_E_ARGUMENT;
}

aotc_status aotc_context_reset(aotc_context *c, aotc_error *error)
{
    error_clear(error);
    if (!c)
        return error_set(error, AOTC_E_ARGUMENT, "context is NULL");
    CudaScope scope = {0};
    CuResult  r = c->cuda ? cuda_enter(c->cuda->device, &scope, true) : CU_OK;
    if (!r && c->cuda)
        r = cuda_settle(c->cuda);
    aotc_status s =
        r ? cuda_error(c->cuda->driver, r, "cuStreamSynchronize", error) : fill_state(c, error);
    if (c->cuda)
        cuda_leave(&scope);
    if (!s)
        c->frame.offset = 0;
    return s;
}

void aotc_context_seed(aotc_context *c, uint64_t seed)
{
    if (c) {
        c->frame.seed = seed;
        c->frame.offset = 0;
    }
}

size_t aotc_context_arena_bytes(const aotc_context *c)
{
    return c ? c->arena_used : 0;
}

size_t aotc_context_held_bytes(const aotc_context *c)
{
    if (!c)
        return 0;
    const aotc_model_entry *e = c->model->entry;
    size_t                  n = c->arena.size_bytes + c->scratch.size_bytes;
    for (int i = 0; i < e->n_state; i++)
        n += c->state_blocks[i].size_bytes;
    for (int i = 0; i < e->n_inputs; i++)
        n += c->in[i].copy.size_bytes;
    for (int i = 0; i < e->n_outputs; i++)
        n += c->out[i].own.size_bytes + c->out[i].copy.size_bytes + c->out[i].host.size_bytes;
    for (int i = 0; i < c->cap_run_blocks; i++)
        n += c->run_blocks[i].size_bytes;
    if (c->cuda)
        n += c->cuda->small.size_bytes + c->cuda->staging.size_bytes +
             c->cuda->host_arena.size_bytes + c->cuda->host_scratch.size_bytes;
    return n;
}

/* ---- profile --------------------------------------------------------------------------------- */

void aotc_context_profile(aotc_context *c, int32_t on)
{
    if (!c)
        return;
    size_t n = (size_t)c->model->entry->n_kernels;
    if (on && !c->profile) {
        memset(c->profile_total, 0, n * sizeof *c->profile_total);
        memset(c->profile_runs, 0, n * sizeof *c->profile_runs);
        memset(c->profile_min, 0xff, n * sizeof *c->profile_min);
    }
    c->profile = on != 0;
}

int32_t aotc_context_n_kernels(const aotc_context *c)
{
    return c ? c->model->entry->n_kernels : 0;
}

aotc_status aotc_context_kernel(const aotc_context *c, int32_t index, aotc_kernel_info *out)
{
    if (!c || !out || out->struct_size < sizeof *out || index < 0 ||
        index >= c->model->entry->n_kernels)
        return AOTC_E_ARGUMENT;
    const aotc_model_kernel *k = &c->model->entry->kernels[index];
    uint32_t                 size = out->struct_size;
    *out = (aotc_kernel_info){.struct_size = size,
                              .name = k->name,
                              .nodes = k->nodes ? k->nodes : "",
                              .python = k->python ? k->python : "",
                              .flops = k->flops >= 0 ? (double)c->exprs[k->flops] : 0,
                              .bytes = k->bytes >= 0 ? (double)c->exprs[k->bytes] : 0,
                              .runs = c->profile_runs[index],
                              .total_ns = c->profile_total[index],
                              .min_ns = c->profile_runs[index] ? c->profile_min[index] : 0};
    return AOTC_OK;
}
