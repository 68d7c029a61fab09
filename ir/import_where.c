/* Where a node comes from, in the user's terms.
 *
 *   'File "/home/me/bert/model.py", line 41, in forward\n    out = self.dense(x)\n  File "<eval>",
 * …' becomes  model.py:41  out = self.dense(x)
 *
 * Only the base name of a file is kept: a package says nothing of the folders of the machine that
 * exported. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif
#include "ir/import_internal.h"

#include <stdlib.h>
#include <string.h>

/* Frames of PyTorch itself and of generated code say nothing to the user. */
static bool is_user_file(const char *file, size_t n)
{
    if (n == 0 || file[0] == '<' || (n >= 6 && !memcmp(file, "torch/", 6)))
        return false;
    return !memmem(file, n, "/site-packages/torch/", 21) &&
           !memmem(file, n, "/dist-packages/torch/", 21);
}

static const char *base_name(const char *file, size_t *n)
{
    for (size_t i = *n; i > 0; i--)
        if (file[i - 1] == '/' || file[i - 1] == '\\') {
            *n -= i;
            return file + i;
        }
    return file;
}

const char *python_line(Arena *arena, const char *stack_trace)
{
    enum { MAX_SOURCE = 160 };
    const char *found = NULL;
    for (const char *p = stack_trace; (p = strstr(p, "File \"")); p++) {
        const char *file = p + 6, *quote = strchr(file, '"');
        if (quote && is_user_file(file, (size_t)(quote - file)) && !strncmp(quote, "\", line ", 8))
            found = file;
    }
    if (!found)
        return NULL;
    const char *quote = strchr(found, '"'), *end_of_line = strchr(quote, '\n');
    size_t      n = (size_t)(quote - found), n_source = 0;
    const char *file = base_name(found, &n), *source = "";
    if (end_of_line) {
        source = end_of_line + 1 + strspn(end_of_line + 1, " \t");
        n_source = strcspn(source, "\n");
    }
    if (!strncmp(source, "File \"", 6))
        n_source = 0;
    if (n_source > MAX_SOURCE)
        n_source = MAX_SOURCE;
    while (n_source &&
           ((unsigned char)source[n_source] & 0xC0) == 0x80) /* not inside a UTF-8 sequence */
        n_source--;
    long line = strtol(quote + 8, NULL, 10);
    return arena_printf(arena, "%.*s:%ld%s%.*s", (int)n, file, line, n_source ? "  " : "",
                        (int)n_source, source);
}

/* "key,path,type;key,path,type": the path of the last entry. Keys may hold commas, paths and types
 * do not. */
const char *module_path(Arena *arena, const char *nn_module_stack)
{
    const char *entry = strrchr(nn_module_stack, ';');
    entry = entry ? entry + 1 : nn_module_stack;
    const char *type = strrchr(entry, ',');
    if (!type)
        return NULL;
    const char *path = type;
    while (path > entry && path[-1] != ',')
        path--;
    if (path == entry || path == type || !strncmp(path, "_empty_nn_module", 16))
        return NULL;
    return arena_strndup(arena, path, (size_t)(type - path));
}
