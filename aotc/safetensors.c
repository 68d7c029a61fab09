/* See safetensors.h.  Format: 8 bytes of header length, JSON {name: {dtype, shape, data_offsets}},
 * data. */
#include "aotc/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *name;
    uint8_t     code, bits;
} dtypes[] = {
    {"BOOL", kDLBool, 8},
    {"U8", kDLUInt, 8},
    {"I8", kDLInt, 8},
    {"I16", kDLInt, 16},
    {"U16", kDLUInt, 16},
    {"I32", kDLInt, 32},
    {"U32", kDLUInt, 32},
    {"I64", kDLInt, 64},
    {"U64", kDLUInt, 64},
    {"F16", kDLFloat, 16},
    {"BF16", kDLBfloat, 16},
    {"F32", kDLFloat, 32},
    {"F64", kDLFloat, 64},
    {"C64", kDLComplex, 64},
    {"C128", kDLComplex, 128},
    {"F8_E4M3", kDLFloat8_e4m3fn, 8},
    {"F8_E5M2", kDLFloat8_e5m2, 8},
};

static bool problem(char *message, size_t n, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(message, n, format, args);
    va_end(args);
    return false;
}

const char *tensor_dtype_name(const DLTensor *t)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (dtypes[i].code == t->dtype.code && dtypes[i].bits == t->dtype.bits)
            return dtypes[i].name;
    return NULL;
}

int64_t tensor_file_numel(const DLTensor *t)
{
    int64_t n = 1;
    for (int d = 0; d < t->ndim; d++)
        n *= t->shape[d];
    return n;
}

static bool read_entry(const char *name, json_t *entry, unsigned char *data, uint64_t data_bytes,
                       NamedTensor *out, char *message, size_t n)
{
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    json_t     *shape = json_object_get(entry, "shape"),
           *offsets = json_object_get(entry, "data_offsets");
    size_t d, row = sizeof dtypes / sizeof *dtypes;
    for (size_t i = 0; dtype && i < sizeof dtypes / sizeof *dtypes; i++)
        if (!strcmp(dtypes[i].name, dtype))
            row = i;
    if (row == sizeof dtypes / sizeof *dtypes)
        return problem(message, n, "tensor %s has the unknown dtype %s", name,
                       dtype ? dtype : "(none)");
    if (!json_is_array(shape) || !json_is_array(offsets) || json_array_size(offsets) != 2 ||
        json_array_size(shape) > 64)
        return problem(message, n, "tensor %s has a malformed entry", name);
    uint64_t lo = (uint64_t)json_integer_value(json_array_get(offsets, 0));
    uint64_t hi = (uint64_t)json_integer_value(json_array_get(offsets, 1));
    out->tensor.ndim = (int32_t)json_array_size(shape);
    out->tensor.shape = calloc(json_array_size(shape) + 1, sizeof(int64_t));
    out->name = strdup(name);
    if (!out->tensor.shape || !out->name)
        return problem(message, n, "out of memory");
    uint64_t bytes = dtypes[row].bits / 8;
    for (d = 0; d < json_array_size(shape); d++) {
        int64_t size = json_integer_value(json_array_get(shape, d));
        if (size < 0 || __builtin_mul_overflow(bytes, (uint64_t)size, &bytes))
            return problem(message, n, "tensor %s has an impossible shape", name);
        out->tensor.shape[d] = size;
    }
    if (lo > hi || hi > data_bytes || hi - lo != bytes)
        return problem(message, n, "tensor %s: its offsets do not fit its shape or the file", name);
    out->tensor.dtype = (DLDataType){dtypes[row].code, dtypes[row].bits, 1};
    out->tensor.device = (DLDevice){kDLCPU, 0};
    out->tensor.data = data + lo;
    return true;
}

bool tensor_file_read(const char *path, TensorFile *out, char *message, size_t n)
{
    struct stat st;
    *out = (TensorFile){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        problem(message, n, "cannot open %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    out->size_bytes = (size_t)st.st_size;
    out->map = st.st_size ? mmap(NULL, out->size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0)
                          : MAP_FAILED;
    close(fd);
    if (out->map == MAP_FAILED) {
        out->map = NULL;
        return problem(message, n, "cannot read %s", path);
    }
    uint64_t header = 0;
    if (out->size_bytes >= 8)
        memcpy(&header, out->map, 8);
    if (out->size_bytes < 8 || header > out->size_bytes - 8)
        return problem(message, n, "%s is cut off inside its header", path);
    json_error_t error;
    json_t      *root = json_loadb((char *)out->map + 8, (size_t)header, 0, &error);
    if (!json_is_object(root)) {
        json_decref(root);
        return problem(message, n, "the header of %s is no JSON object", path);
    }
    out->items = calloc(json_object_size(root) + 1, sizeof *out->items);
    const char *name;
    json_t     *entry;
    bool        ok = out->items != NULL;
    json_object_foreach(root, name, entry)
    {
        if (!ok || !strcmp(name, "__metadata__"))
            continue;
        ok = read_entry(name, entry, (unsigned char *)out->map + 8 + header,
                        out->size_bytes - 8 - header, &out->items[out->n++], message, n);
    }
    json_decref(root);
    return ok;
}

void tensor_file_free(TensorFile *f)
{
    for (int i = 0; i < f->n; i++) {
        free(f->items[i].name);
        free(f->items[i].tensor.shape);
    }
    free(f->items);
    if (f->map)
        munmap(f->map, f->size_bytes);
    *f = (TensorFile){0};
}

const DLTensor *tensor_file_find(const TensorFile *f, const char *name)
{
    for (int i = 0; i < f->n; i++)
        if (!strcmp(f->items[i].name, name))
            return &f->items[i].tensor;
    return NULL;
}

static bool write_strided(FILE *f, const DLTensor *t, const char *data, int dim, size_t item)
{
    if (dim == t->ndim)
        return fwrite(data, item, 1, f) == 1;
    bool ok = true;
    for (int64_t i = 0; i < t->shape[dim] && ok; i++)
        ok = write_strided(f, t, data + i * t->strides[dim] * (int64_t)item, dim + 1, item);
    return ok;
}

static bool is_row_major(const DLTensor *t)
{
    int64_t step = 1;
    for (int d = t->ndim - 1; d >= 0 && t->strides; d--) {
        if (t->shape[d] != 1 && t->strides[d] != step)
            return false;
        step *= t->shape[d];
    }
    return true;
}

static bool write_data(FILE *f, const DLTensor *t)
{
    size_t      item = t->dtype.bits / 8;
    const char *data = (const char *)t->data + t->byte_offset;
    int64_t     numel = tensor_file_numel(t);
    if (numel == 0)
        return true;
    if (is_row_major(t))
        return fwrite(data, item, (size_t)numel, f) == (size_t)numel;
    return write_strided(f, t, data, 0, item);
}

bool tensor_file_write(const char *path, const NamedTensor *items, int n, char *message,
                       size_t message_bytes)
{
    json_t  *root = json_object();
    uint64_t at = 0;
    for (int i = 0; i < n; i++) {
        const DLTensor *t = &items[i].tensor;
        const char     *dtype = tensor_dtype_name(t);
        if (!dtype) {
            json_decref(root);
            return problem(message, message_bytes, "%s has a dtype that safetensors cannot hold",
                           items[i].name);
        }
        json_t *shape = json_array();
        for (int d = 0; d < t->ndim; d++)
            json_array_append_new(shape, json_integer(t->shape[d]));
        uint64_t bytes = (uint64_t)tensor_file_numel(t) * (t->dtype.bits / 8);
        json_object_set_new(root, items[i].name,
                            json_pack("{s:s, s:o, s:[I,I]}", "dtype", dtype, "shape", shape,
                                      "data_offsets", (json_int_t)at, (json_int_t)(at + bytes)));
        at += bytes;
    }
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    char *temporary = NULL;
    if (!text || asprintf(&temporary, "%s.tmp", path) < 0) {
        free(text);
        return problem(message, message_bytes, "out of memory");
    }
    FILE    *f = fopen(temporary, "wb");
    uint64_t length = (strlen(text) + 7) / 8 * 8;
    bool     ok =
        f && fwrite(&length, 8, 1, f) == 1 && fprintf(f, "%-*s", (int)length, text) == (int)length;
    for (int i = 0; i < n && ok; i++)
        ok = write_data(f, &items[i].tensor);
    if (f && fclose(f))
        ok = false;
    if (!ok || rename(temporary, path)) {
        problem(message, message_bytes, "cannot write %s: %s", path, strerror(errno));
        unlink(temporary);
        ok = false;
    }
    free(text);
    free(temporary);
    return ok;
}
