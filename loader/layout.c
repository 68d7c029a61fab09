/* Strides: what the code expects of a tensor, and copies between layouts. */
#include "loader/internal.h"

#include <string.h>

/* Of tensors that exist: the product of sizes fits, or one size is 0 and the strides do not matter.
 */
void row_major(const int64_t *sizes, int rank, int64_t *strides)
{
    uint64_t step = 1;
    for (int d = rank - 1; d >= 0; d--) {
        strides[d] = (int64_t)step;
        step *= sizes[d] > 0 ? (uint64_t)sizes[d] : 1;
    }
}

static bool is_empty(const int64_t *sizes, int rank)
{
    for (int d = 0; d < rank; d++)
        if (sizes[d] <= 0)
            return true;
    return false;
}

bool slot_layout(const aotc_context *c, Slot *s)
{
    const aotc_model_dim *strides = s->model->strides;
    int64_t               last = 0, step = 1, reach;
    s->is_row_major = true;
    s->extent_bytes = 0;
    if (is_empty(s->sizes, s->rank)) {
        row_major(s->sizes, s->rank, s->strides);
        return true;
    }
    for (int d = s->rank - 1; d >= 0; d--) {
        int64_t stride = !strides                           ? step
                         : strides[d].kind == AOTC_DIM_EXPR ? c->exprs[strides[d].index]
                                                            : strides[d].value;
        s->strides[d] = stride;
        s->is_row_major &= stride == step || s->sizes[d] == 1;
        if (stride < 0 || __builtin_mul_overflow(s->sizes[d] - 1, stride, &reach) ||
            __builtin_add_overflow(last, reach, &last) ||
            __builtin_mul_overflow(step, s->sizes[d], &step))
            return false;
    }
    return !__builtin_add_overflow(last, 1, &last) &&
           !__builtin_mul_overflow(last, (int64_t)s->item_bytes, &s->extent_bytes) &&
           s->extent_bytes < INT64_MAX - 4096;
}

bool has_slot_strides(const Slot *s, const DLTensor *x)
{
    if (!x->strides)
        return s->is_row_major;
    for (int d = 0; d < s->rank; d++)
        if (x->strides[d] != s->strides[d] && s->sizes[d] != 1)
            return false;
    return true;
}

/* ---- copies ---------------------------------------------------------------------------------- */

static void add_dim(Copy *c, int64_t size, int64_t to, int64_t from)
{
    int last = c->rank - 1;
    if (size == 1)
        return;
    if (c->rank && c->to[last] == to * size && c->from[last] == from * size) {
        c->sizes[last] *= size;
        c->to[last] = to;
        c->from[last] = from;
        return;
    }
    c->sizes[c->rank] = size;
    c->to[c->rank] = to;
    c->from[c->rank++] = from;
}

#define COPY_ROW(bytes)                                                                            \
    for (int64_t i = 0; i < n; i++)                                                                \
    memcpy(to + i * to_step, from + i * from_step, bytes)

static void copy_row(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t n,
                     size_t item)
{
    if (to_step == (int64_t)item && from_step == (int64_t)item) {
        memcpy(to, from, (size_t)n * item);
        return;
    }
    switch (item) {
    case 1:
        COPY_ROW(1);
        break;
    case 2:
        COPY_ROW(2);
        break;
    case 4:
        COPY_ROW(4);
        break;
    case 8:
        COPY_ROW(8);
        break;
    default:
        COPY_ROW(item);
        break;
    }
}

static void copy_dims(const Copy *c, int d, char *to, const char *from)
{
    if (d == c->rank - 1) {
        copy_row(to, c->to[d], from, c->from[d], c->sizes[d], c->item);
        return;
    }
    for (int64_t i = 0; i < c->sizes[d]; i++)
        copy_dims(c, d + 1, to + i * c->to[d], from + i * c->from[d]);
}

bool copy_plan(Copy *c, const int64_t *to_strides, const int64_t *from_strides,
               const int64_t *sizes, int rank, size_t item_bytes)
{
    int64_t item = (int64_t)item_bytes;
    c->rank = 0;
    c->item = item_bytes;
    if (is_empty(sizes, rank))
        return false;
    for (int d = 0; d < rank; d++)
        add_dim(c, sizes[d], to_strides[d] * item, from_strides[d] * item);
    return true;
}

void copy_strided(void *to, const int64_t *to_strides, const void *from,
                  const int64_t *from_strides, const int64_t *sizes, int rank, size_t item_bytes)
{
    Copy c;
    if (!copy_plan(&c, to_strides, from_strides, sizes, rank, item_bytes))
        return;
    if (c.rank)
        copy_dims(&c, 0, to, from);
    else
        memcpy(to, from, item_bytes);
}
