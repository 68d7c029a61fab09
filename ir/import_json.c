/* JSON values that know where they stand, so that every error names file, path and node.
 *
 *   $.graph_module.graph.nodes[3].inputs[0].arg: expected exactly one key, found 2 */
#include "ir/import_internal.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ------------------------------------------------------------------------------------ */

static const char *skip_string(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++)
        if (*p == '\\' && p + 1 < end)
            p++;
    return p < end ? p + 1 : end;
}

static bool fits_int64(const char *digits, size_t n)
{
    if (n < 19)
        return true;
    char buffer[24];
    if (n >= sizeof buffer)
        return false;
    memcpy(buffer, digits, n);
    buffer[n] = '\0';
    errno = 0;
    (void)strtoll(buffer, NULL, 10);
    return errno == 0;
}

/* End of the token at p that has to become a string; p when it may stay. *next is where the scan
 * goes on. */
static const char *odd_token(const char *p, const char *end, const char **next)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(end - p) >= n && !memcmp(p, words[i], n))
            return *next = p + n;
    }
    const char *q = p + (*p == '-');
    while (q < end && *q >= '0' && *q <= '9')
        q++;
    bool is_real = q < end && (*q == '.' || *q == 'e' || *q == 'E');
    if (is_real || fits_int64(p, (size_t)(q - p))) {
        while (q < end && strchr("0123456789.eE+-", *q) && *q)
            q++;
        *next = q > p ? q : p + 1;
        return p;
    }
    return *next = q;
}

const char *json_prepare(Arena *arena, const char *text, size_t *n_bytes)
{
    const char *end = text + *n_bytes, *copied = text;
    Text        out = text_new(arena);
    for (const char *p = text; p < end;) {
        if (*p == '"') {
            p = skip_string(p, end);
        } else if (*p == '-' || *p == 'N' || *p == 'I' || (*p >= '0' && *p <= '9')) {
            const char *next, *stop = odd_token(p, end, &next);
            if (stop != p) {
                text_putn(&out, copied, (size_t)(p - copied));
                text_putc(&out, '"');
                text_putn(&out, p, (size_t)(stop - p));
                text_putc(&out, '"');
                copied = stop;
            }
            p = next;
        } else {
            p++;
        }
    }
    if (copied == text)
        return text;
    text_putn(&out, copied, (size_t)(end - copied));
    *n_bytes = out.n;
    return out.data;
}

/* ---- errors ---------------------------------------------------------------------------------- */

static void put_path(Text *text, const Js *at)
{
    if (!at->up) {
        text_putc(text, '$');
        return;
    }
    put_path(text, at->up);
    if (at->key)
        text_printf(text, ".%s", at->key);
    else
        text_printf(text, "[%zu]", at->index);
}

Error *js_error(const ImportCx *cx, const Js *at, ErrorCode code, const char *format, ...)
{
    Where where = cx->node;
    where.file = cx->file;
    if (at) {
        Text path = text_new(cx->arena);
        put_path(&path, at);
        where.path = path.data;
    }
    va_list args;
    va_start(args, format);
    const char *message = arena_vprintf(cx->arena, format, args);
    va_end(args);
    return error_new(cx->arena, code, where, "%s", message);
}

const char *js_kind(const json_t *v)
{
    switch (v ? json_typeof(v) : JSON_NULL) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a real number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    default:
        return "null";
    }
}

static Error *wrong_kind(const ImportCx *cx, const Js *at, const char *expected)
{
    return js_error(cx, at, E_FORMAT, "expected %s, found %s", expected, js_kind(at->v));
}

/* ---- access ---------------------------------------------------------------------------------- */

bool js_find(const Js *object, const char *key, Js *out)
{
    *out = (Js){.v = json_object_get(object->v, key), .up = object, .key = key};
    if (json_is_null(out->v))
        out->v = NULL;
    return out->v;
}

Error *js_get(const ImportCx *cx, const Js *object, const char *key, Js *out)
{
    TRY(js_object(cx, object));
    if (!js_find(object, key, out))
        return js_error(cx, object, E_FORMAT, "key \"%s\" is missing", key);
    return NULL;
}

Js js_item(const Js *array, size_t index)
{
    return (Js){.v = json_array_get(array->v, index), .up = array, .index = index};
}

Error *js_object(const ImportCx *cx, const Js *at)
{
    return json_is_object(at->v) ? NULL : wrong_kind(cx, at, "an object");
}

Error *js_array(const ImportCx *cx, const Js *at, int *n)
{
    if (!json_is_array(at->v))
        return wrong_kind(cx, at, "an array");
    if (json_array_size(at->v) > INT32_MAX / 4)
        return js_error(cx, at, E_LIMIT, "an array of %zu items", json_array_size(at->v));
    *n = (int)json_array_size(at->v);
    return NULL;
}

Error *js_string(const ImportCx *cx, const Js *at, const char **out)
{
    if (!json_is_string(at->v))
        return wrong_kind(cx, at, "a string");
    *out = arena_strdup(cx->arena, json_string_value(at->v));
    return NULL;
}

/* json_prepare() made a string of it: all digits. */
static bool is_big_integer(const json_t *v)
{
    const char *s = json_string_value(v);
    if (!s)
        return false;
    s += *s == '-';
    return *s && strspn(s, "0123456789") == strlen(s);
}

Error *js_int(const ImportCx *cx, const Js *at, int64_t *out)
{
    if (is_big_integer(at->v))
        return js_error(cx, at, E_LIMIT, "%s does not fit a 64-bit integer",
                        json_string_value(at->v));
    if (!json_is_integer(at->v))
        return wrong_kind(cx, at, "an integer");
    *out = json_integer_value(at->v);
    return NULL;
}

Error *js_saturated(const ImportCx *cx, const Js *at, int64_t *out)
{
    if (is_big_integer(at->v)) {
        *out = *json_string_value(at->v) == '-' ? INT64_MIN : INT64_MAX;
        return NULL;
    }
    return js_int(cx, at, out);
}

Error *js_bool(const ImportCx *cx, const Js *at, bool *out)
{
    if (!json_is_boolean(at->v))
        return wrong_kind(cx, at, "true or false");
    *out = json_is_true(at->v);
    return NULL;
}

Error *js_number(const ImportCx *cx, const Js *at, double *out)
{
    const char *s = json_string_value(at->v);
    if (json_is_number(at->v))
        *out = json_number_value(at->v);
    else if (is_big_integer(at->v))
        *out = strtod(s, NULL);
    else if (s && !strcmp(s, "Infinity"))
        *out = INFINITY;
    else if (s && !strcmp(s, "-Infinity"))
        *out = -INFINITY;
    else if (s && !strcmp(s, "NaN"))
        *out = NAN;
    else
        return wrong_kind(cx, at, "a number, \"Infinity\", \"-Infinity\" or \"NaN\"");
    return NULL;
}

Error *js_union(const ImportCx *cx, const Js *at, const char **key, Js *value)
{
    TRY(js_object(cx, at));
    if (json_object_size(at->v) != 1)
        return js_error(cx, at, E_FORMAT, "expected exactly one key, found %zu",
                        json_object_size(at->v));
    *key = arena_strdup(cx->arena, json_object_iter_key(json_object_iter(at->v)));
    *value = (Js){.v = json_object_get(at->v, *key), .up = at, .key = *key};
    return NULL;
}

Error *js_get_string(const ImportCx *cx, const Js *object, const char *key, const char **out)
{
    Js at;
    TRY(js_get(cx, object, key, &at));
    return js_string(cx, &at, out);
}

Error *js_get_int(const ImportCx *cx, const Js *object, const char *key, int64_t *out)
{
    Js at;
    TRY(js_get(cx, object, key, &at));
    return js_int(cx, &at, out);
}

Error *js_get_array(const ImportCx *cx, const Js *object, const char *key, Js *out, int *n)
{
    TRY(js_get(cx, object, key, out));
    return js_array(cx, out, n);
}
