/* See weights.h.
 *
 *   {"config": {"p": {"path_name": "weight_0", "tensor_meta": …}, "q": {"path_name": "weight_0",
 * …}}} becomes  p and q, two constants of the one storage "data/weights/weight_0" */
#include "package/weights.h"

#include <string.h>

enum { MAX_CONSTANT_RANK = 64 };

/* ScalarType of the export schema, with the names of the safetensors format. */
static const struct ElementType {
    int         number, bytes;
    const char *safetensors;
} element_types[] = {
    {1, 1, "U8"},       {2, 1, "I8"},    {3, 2, "I16"},   {4, 4, "I32"},  {5, 8, "I64"},
    {6, 2, "F16"},      {7, 4, "F32"},   {8, 8, "F64"},   {9, 4, NULL},   {10, 8, "C64"},
    {11, 16, NULL},     {12, 1, "BOOL"}, {13, 2, "BF16"}, {28, 2, "U16"}, {29, 1, "F8_E4M3"},
    {30, 1, "F8_E5M2"}, {31, 1, NULL},   {32, 1, NULL},   {33, 1, NULL},  {34, 4, "U32"},
    {35, 8, "U64"},
};

static const struct ElementType *find_element_type(int64_t number, const char *safetensors)
{
    for (size_t i = 0; i < sizeof element_types / sizeof *element_types; i++) {
        const struct ElementType *t = &element_types[i];
        if (safetensors ? t->safetensors && !strcmp(t->safetensors, safetensors)
                        : t->number == number)
            return t;
    }
    return NULL;
}

void weights_init(WeightTable *table, Arena *arena)
{
    *table = (WeightTable){.arena = arena, .by_fqn = json_object(), .by_storage = json_object()};
}

void weights_free(WeightTable *table)
{
    json_decref(table->by_fqn);
    json_decref(table->by_storage);
    table->by_fqn = table->by_storage = NULL;
}

static Error *fail(const WeightTable *table, Where where, ErrorCode code, const char *fqn,
                   const char *what)
{
    return error_new(table->arena, code, where, "constant \"%s\": %s", fqn, what);
}

static int add_storage(WeightTable *table, const char *member, const void *data, size_t n_bytes)
{
    ImportStorage storage = {data, n_bytes, arena_strdup(table->arena, member)};
    VEC_PUSH(table->arena, table->storages, storage);
    json_object_set_new(table->by_storage, member, json_integer(table->storages.n - 1));
    return table->storages.n - 1;
}

static void add_constant(WeightTable *table, ImportConstant constant)
{
    VEC_PUSH(table->arena, table->constants, constant);
    json_object_set_new(table->by_fqn, constant.fqn, json_integer(table->constants.n - 1));
}

bool weights_fit(const int64_t *sizes, const int64_t *strides, int rank, int64_t offset,
                 int64_t item_bytes, size_t n_bytes)
{
    int64_t extent = 1, step;
    if (offset < 0)
        return false;
    for (int i = 0; i < rank; i++)
        if (sizes[i] < 0 || strides[i] < 0)
            return false;
    for (int i = 0; i < rank; i++) {
        if (sizes[i] == 0)
            return true; /* no element is ever read */
        if (__builtin_mul_overflow(sizes[i] - 1, strides[i], &step) ||
            __builtin_add_overflow(extent, step, &extent))
            return false;
    }
    return !__builtin_add_overflow(extent, offset, &extent) &&
           !__builtin_mul_overflow(extent, item_bytes, &extent) && (uint64_t)extent <= n_bytes;
}

/* ---- payload configs ------------------------------------------------------------------------- */

/* {"as_int": 3}: constants have no symbolic sizes. */
static bool read_int_item(const json_t *item, int64_t *out)
{
    const json_t *value = json_object_get(item, "as_int");
    *out = json_integer_value(value);
    return json_is_integer(value) && *out >= 0;
}

static bool read_ints(WeightTable *table, const json_t *list, int rank, const int64_t **out)
{
    int64_t *values = ARENA_ARRAY(table->arena, int64_t, rank + 1);
    *out = values;
    if (!json_is_array(list) || json_array_size(list) != (size_t)rank)
        return false;
    for (int i = 0; i < rank; i++)
        if (!read_int_item(json_array_get(list, (size_t)i), &values[i]))
            return false;
    return true;
}

static Error *read_meta(WeightTable *table, Where where, const json_t *meta, ImportConstant *out,
                        int *item_bytes)
{
    const json_t *sizes = json_object_get(meta, "sizes"), *dtype = json_object_get(meta, "dtype");
    const json_t *layout = json_object_get(meta, "layout");
    if (json_is_integer(layout) && json_integer_value(layout) != 7)
        return fail(table, where, E_UNSUPPORTED, out->fqn, "only strided tensors are supported");
    if (!json_is_array(sizes) || json_array_size(sizes) > MAX_CONSTANT_RANK)
        return fail(table, where, E_FORMAT, out->fqn,
                    "tensor_meta.sizes is no array of at most 64 items");
    out->rank = (int)json_array_size(sizes);
    const struct ElementType *type = find_element_type(json_integer_value(dtype), NULL);
    if (!json_is_integer(dtype) || !type)
        return fail(table, where, E_FORMAT, out->fqn,
                    "tensor_meta.dtype is no ScalarType of the export schema");
    out->dtype = type->number;
    *item_bytes = type->bytes;
    if (!read_ints(table, sizes, out->rank, &out->sizes) ||
        !read_ints(table, json_object_get(meta, "strides"), out->rank, &out->strides) ||
        !read_int_item(json_object_get(meta, "storage_offset"), &out->offset))
        return fail(
            table, where, E_FORMAT, out->fqn,
            "tensor_meta needs sizes, strides and storage_offset of constant integers >= 0");
    return NULL;
}

static Error *find_storage(WeightTable *table, Where where, ImportConstant *constant,
                           const char *member, WeightBytes bytes, void *cx)
{
    const json_t *index = json_object_get(table->by_storage, member);
    const void   *data;
    size_t        n_bytes;
    if (index) {
        constant->storage = (int)json_integer_value(index);
        return NULL;
    }
    TRY(bytes(cx, member, &data, &n_bytes));
    if (!data)
        return fail(table, where, E_FORMAT, constant->fqn,
                    arena_printf(table->arena, "its bytes, member %s, are missing", member));
    constant->storage = add_storage(table, member, data, n_bytes);
    return NULL;
}

static Error *add_payload(WeightTable *table, Where where, const char *fqn, const json_t *payload,
                          const char *folder, WeightBytes bytes, void *cx)
{
    const char    *path_name = json_string_value(json_object_get(payload, "path_name"));
    const json_t  *meta = json_object_get(payload, "tensor_meta");
    ImportConstant constant = {.fqn = arena_strdup(table->arena, fqn)};
    int            item_bytes = 0;
    if (!json_is_object(payload) || !path_name)
        return fail(table, where, E_FORMAT, fqn, "the payload needs a path_name");
    if (json_is_true(json_object_get(payload, "use_pickle")) || !json_is_object(meta)) {
        constant.refused =
            strstr(path_name, "custom_obj") || strstr(path_name, "opaque_obj")
                ? "is a script or Python object, not a tensor"
                : "is a pickled tensor subclass: convert it to plain tensors before the export";
        add_constant(table, constant);
        return NULL;
    }
    constant.is_param = json_is_true(json_object_get(payload, "is_param"));
    TRY(read_meta(table, where, meta, &constant, &item_bytes));
    const char *member = arena_printf(table->arena, "%s/%s", folder, path_name);
    TRY(find_storage(table, where, &constant, member, bytes, cx));
    size_t n_bytes = table->storages.items[constant.storage].size_bytes;
    if (!weights_fit(constant.sizes, constant.strides, constant.rank, constant.offset, item_bytes,
                     n_bytes))
        return fail(table, where, E_FORMAT, fqn,
                    arena_printf(table->arena, "its elements do not lie in the %zu bytes of %s",
                                 n_bytes, member));
    add_constant(table, constant);
    return NULL;
}

Error *weights_add_config(WeightTable *table, Where where, const char *json, size_t n_json,
                          const char *folder, WeightBytes bytes, void *cx)
{
    json_error_t at;
    const char  *fqn;
    json_t      *payload, *root = json_loadb(json, n_json, JSON_REJECT_DUPLICATES, &at);
    json_t      *config = json_object_get(root, "config");
    Error       *error = NULL;
    if (!root)
        error = error_new(table->arena, E_FORMAT, where, "not valid JSON: %s (line %d, column %d)",
                          at.text, at.line, at.column);
    else if (!json_is_object(config))
        error = error_new(table->arena, E_FORMAT, where, "key \"config\" is missing");
    json_object_foreach(config, fqn, payload)
    {
        if (!error && !json_object_get(table->by_fqn, fqn))
            error = add_payload(table, where, fqn, payload, folder, bytes, cx);
    }
    json_decref(root);
    return error;
}

/* ---- safetensors ----------------------------------------------------------------------------- */

/* Row-major strides and the number of bytes. */
static bool lay_out(WeightTable *table, const json_t *shape, int item_bytes, ImportConstant *out,
                    int64_t *n_bytes)
{
    out->rank = (int)json_array_size(shape);
    int64_t *sizes = ARENA_ARRAY(table->arena, int64_t, out->rank + 1);
    int64_t *strides = ARENA_ARRAY(table->arena, int64_t, out->rank + 1);
    int64_t  stride = 1, bytes = item_bytes;
    for (int i = out->rank - 1; i >= 0; i--) {
        const json_t *size = json_array_get(shape, (size_t)i);
        sizes[i] = json_integer_value(size);
        strides[i] = stride;
        if (!json_is_integer(size) || sizes[i] < 0 ||
            __builtin_mul_overflow(bytes, sizes[i], &bytes) ||
            __builtin_mul_overflow(stride, sizes[i] ? sizes[i] : 1, &stride))
            return false;
    }
    out->sizes = sizes;
    out->strides = strides;
    *n_bytes = bytes;
    return true;
}

static Error *add_safetensor(WeightTable *table, Where where, const char *fqn, const json_t *entry,
                             const char *data, size_t n_data)
{
    const char   *dtype = json_string_value(json_object_get(entry, "dtype"));
    const json_t *shape = json_object_get(entry, "shape");
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *begin_js = json_array_get(offsets, 0), *end_js = json_array_get(offsets, 1);
    int64_t       begin = json_integer_value(begin_js), end = json_integer_value(end_js), n_bytes;
    const struct ElementType *type = dtype ? find_element_type(0, dtype) : NULL;
    ImportConstant            constant = {.fqn = arena_strdup(table->arena, fqn)};
    if (!type)
        return fail(table, where, dtype ? E_UNSUPPORTED : E_FORMAT, fqn,
                    arena_printf(table->arena, "element type %s", dtype ? dtype : "is missing"));
    if (!json_is_array(shape) || json_array_size(shape) > MAX_CONSTANT_RANK ||
        json_array_size(offsets) != 2 || !json_is_integer(begin_js) || !json_is_integer(end_js))
        return fail(table, where, E_FORMAT, fqn, "needs dtype, shape and data_offsets");
    if (!lay_out(table, shape, type->bytes, &constant, &n_bytes) || begin < 0 || end < begin ||
        (uint64_t)end > n_data || end - begin != n_bytes)
        return fail(table, where, E_FORMAT, fqn, "data_offsets do not fit its shape or the file");
    constant.dtype = type->number;
    constant.is_param = true;
    constant.storage = add_storage(table, arena_printf(table->arena, "%s:%s", where.file, fqn),
                                   data + begin, (size_t)n_bytes);
    add_constant(table, constant);
    return NULL;
}

Error *weights_add_safetensors(WeightTable *table, Where where, const void *data, size_t n_data)
{
    const unsigned char *bytes = data;
    uint64_t             n_header = 0;
    for (int i = 7; i >= 0 && n_data >= 8; i--)
        n_header = n_header << 8 | bytes[i];
    if (n_data < 8 || n_header > n_data - 8)
        return error_new(table->arena, E_FORMAT, where,
                         "not a safetensors file: the header does not fit");
    json_error_t at;
    const char  *fqn, *body = (const char *)data + 8 + n_header;
    size_t       n_body = n_data - 8 - (size_t)n_header;
    json_t      *entry,
        *root = json_loadb((const char *)data + 8, (size_t)n_header, JSON_REJECT_DUPLICATES, &at);
    Error *error = NULL;
    if (!json_is_object(root))
        error = error_new(table->arena, E_FORMAT, where,
                          "the header of the safetensors file is no JSON object");
    json_object_foreach(root, fqn, entry)
    {
        if (!error && strcmp(fqn, "__metadata__") && !json_object_get(table->by_fqn, fqn))
            error = add_safetensor(table, where, fqn, entry, body, n_body);
    }
    json_decref(root);
    return error;
}
