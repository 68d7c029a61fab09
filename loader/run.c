/* One run: check and place inputs and outputs, enter the code on all threads, report what failed.
 */
#include "loader/cuda.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- host services --------------------------------------------------------------------------- */

static void *host_output(const aotc_model_frame *frame, int32_t index, const int64_t *sizes)
{
    return late_output(frame->host_cx, index, sizes);
}

/* Blocks stay for the next run, which asks for much the same in the same order. */
void *run_memory(aotc_context *c, uint64_t bytes, bool is_pinned)
{
    if (bytes > (uint64_t)INT64_MAX - 4096)
        return NULL;
    if (c->n_run_blocks == c->cap_run_blocks) {
        int    cap = c->cap_run_blocks ? 2 * c->cap_run_blocks : 16;
        Block *more = realloc(c->run_blocks, (size_t)cap * sizeof *more);
        if (!more)
            return NULL;
        memset(more + c->cap_run_blocks, 0, (size_t)(cap - c->cap_run_blocks) * sizeof *more);
        c->run_blocks = more;
        c->cap_run_blocks = cap;
    }
    Block *b = &c->run_blocks[c->n_run_blocks];
    if (b->is_pinned != is_pinned)
        block_free(c, b);
    b->is_pinned = is_pinned;
    if (!block_reserve(c, b, (size_t)bytes))
        return NULL;
    c->n_run_blocks++;
    return b->memory;
}

static void *host_temporary(const aotc_model_frame *frame, uint64_t bytes)
{
    return run_memory(frame->host_cx, bytes, false);
}

void profile_start(aotc_context *c)
{
    c->profile_last = now_ns();
}

static void host_profile(const aotc_model_frame *frame, int32_t kernel)
{
    aotc_context *c = frame->host_cx;
    uint64_t      ns = now_ns() - c->profile_last;
    if (kernel < 0 || kernel >= c->model->entry->n_kernels)
        return;
    c->profile_total[kernel] += ns;
    c->profile_runs[kernel]++;
    if (ns < c->profile_min[kernel])
        c->profile_min[kernel] = ns;
    c->profile_last = now_ns();
}

const aotc_model_host host_table = {sizeof host_table, 0, host_output, host_temporary,
                                    host_profile};

/* ---- failures -------------------------------------------------------------------------------- */

static void put_text(char *to, size_t n, const char *from)
{
    size_t length = from ? strlen(from) : 0;
    length = length < n ? length : n - 1;
    memcpy(to, from ? from : "", length);
    to[length] = 0;
}

/* What PyTorch says (aten/src/ATen/native/BatchLinearAlgebra.cpp, _linalg_check_errors), by what
 * stands in the function's name. */
static const struct {
    const char *in_name, *text; /* %info: the number */
} matrix_texts[] = {
    {"inv", "The diagonal element %info is zero, the inversion could not be completed because the "
            "input matrix is singular."},
    {"solve", "The solver failed because the input matrix is singular."},
    {"cholesky", "The factorization could not be completed because the input is not "
                 "positive-definite (the leading minor of order %info is not positive-definite)."},
    {"svd", "The algorithm failed to converge because the input matrix is ill-conditioned or has "
            "too many repeated singular values (error code: %info)."},
    {"eig", "The algorithm failed to converge because the input matrix is ill-conditioned or has "
            "too many repeated eigenvalues (error code: %info)."},
    {"lstsq", "The least squares problem could not be solved because the input matrix does not "
              "have full rank (error code: %info)."},
    {"lu_factor", "U[%info,%info] is zero and using it on lu_solve would result in a division by "
                  "zero. If you still want to perform the factorization, consider calling "
                  "linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"},
    {"", "The factorization failed (error code: %info)."},
};

static void report_matrix(const aotc_model_failure *f, aotc_error *error)
{
    const char *name = f->message ? f->message : "linalg", *from = NULL;
    char        text[400], place[64] = "";
    size_t      n = 0, i = 0;
    while (!strstr(name, matrix_texts[i].in_name))
        i++;
    if (f->bound >= 0)
        snprintf(place, sizeof place, "(Batch element %" PRId64 "): ", f->bound);
    for (from = matrix_texts[i].text; *from && n + 24 < sizeof text;)
        if (!strncmp(from, "%info", 5)) {
            n += (size_t)snprintf(text + n, sizeof text - n, "%" PRId64, f->value);
            from += 5;
        } else {
            text[n++] = *from++;
        }
    text[n] = 0;
    error_set(error, AOTC_E_ASSERT, "%s: %s%s", name, place, text);
}

aotc_status report_failure(const aotc_context *c, aotc_error *error)
{
    const aotc_model_failure *f = &c->failure;
    const aotc_model_entry   *e = c->model->entry;
    aotc_status               s = f->code == AOTC_FAIL_MEMORY   ? AOTC_E_MEMORY
                                  : f->code == AOTC_FAIL_DEVICE ? AOTC_E_DEVICE
                                                                : AOTC_E_ASSERT;
    if (f->code == AOTC_FAIL_INDEX)
        error_set(error, s, "%s %" PRId64 " is out of bounds for size %" PRId64,
                  f->message ? f->message : "index", f->value, f->bound);
    else if (f->code == AOTC_FAIL_MATRIX)
        report_matrix(f, error);
    else
        error_set(error, s, "%s", f->message ? f->message : "the run failed");
    if (error && error->struct_size >= sizeof *error && f->kernel >= 0 &&
        f->kernel < e->n_kernels) {
        const aotc_model_kernel *k = &e->kernels[f->kernel];
        put_text(error->node, sizeof error->node, k->node);
        put_text(error->op, sizeof error->op, k->op);
        put_text(error->python, sizeof error->python, k->python);
    }
    return s;
}

/* ---- the run --------------------------------------------------------------------------------- */

static void set_threads(void *cx, int32_t n)
{
    ((aotc_context *)cx)->frame.n_threads = n;
}

static void run_thread(void *cx, int32_t i, int32_t n)
{
    aotc_context *c = cx;
    (void)n;
    c->model->entry->run(&c->frame, i);
}

static aotc_status enter(aotc_context *c, aotc_error *error)
{
    if (c->failure.code)
        c->failure = (aotc_model_failure){.kernel = -1};
    c->frame.profile = c->profile;
    if (c->profile)
        profile_start(c);
    if (c->n_threads == 1) {
        c->frame.n_threads = 1;
        c->model->entry->run(&c->frame, 0);
    } else {
        memset(c->barrier, 0, sizeof *c->barrier);
        c->frame.n_threads = c->n_threads;
        if (c->has_threads)
            c->threads.parallel(c->threads.cx, run_thread, c, c->n_threads);
        else
            pool_run(c->n_threads, set_threads, run_thread, c);
    }
    c->frame.offset++;
    c->n_run_blocks = 0;
    return c->failure.code ? report_failure(c, error) : AOTC_OK;
}

static aotc_status check_arguments(const aotc_context *c, const DLTensor *inputs, int32_t n_inputs,
                                   const DLTensor *outputs, int32_t n_outputs, aotc_error *error)
{
    if (!c || (n_inputs && !inputs) || (n_outputs && !outputs))
        return error_set(error, AOTC_E_ARGUMENT, "context, inputs or outputs is NULL");
    const aotc_model_entry *e = c->model->entry;
    if (n_inputs != e->n_inputs)
        return error_set(error, AOTC_E_ARGUMENT, "%d inputs given, the model takes %d", n_inputs,
                         e->n_inputs);
    if (n_outputs != e->n_outputs)
        return error_set(error, AOTC_E_ARGUMENT, "%d outputs given, the model makes %d", n_outputs,
                         e->n_outputs);
    return AOTC_OK;
}

aotc_status aotc_run(aotc_context *c, const DLTensor *inputs, int32_t n_inputs, DLTensor *outputs,
                     int32_t n_outputs, void *stream, aotc_error *error)
{
    if (error && error->status)
        error_clear(error);
    aotc_status s = check_arguments(c, inputs, n_inputs, outputs, n_outputs, error);
    if (!s && c->cuda)
        return cuda_run(c, inputs, outputs, stream, error);
    if (!s)
        s = bind_inputs(c, inputs, error);
    for (int i = 0; i < n_inputs && !s; i++)
        s = place_input(c, i, &inputs[i], error);
    for (int i = 0; i < n_outputs && !s; i++)
        s = place_output(c, i, &outputs[i], error);
    if (!s)
        s = enter(c, error);
    if (s)
        return s;
    if (c->has_unbacked && c->model->entry->exprs(c->sym, c->exprs))
        return error_set(error, AOTC_E_GUARD, "a size that the run computed overflows 64 bits");
    for (int i = 0; i < n_inputs; i++)
        return_input(c, i, &inputs[i]);
    for (int i = 0; i < n_outputs && !s; i++)
        s = finish_output(c, i, inputs, &outputs[i], error);
    return s;
}
