/* See op_files.h. */
#include "aotc/op_files.h"

#include "emit_c/custom.h"
#include "ir/ops.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void op_files_add(Arena *arena, OpFiles *ops, OpFileKind kind, const char *path)
{
    VEC_PUSH(arena, ops->files, ((OpFile){.kind = kind, .path = path}));
}

bool op_files_have_code(const OpFiles *ops)
{
    for (int i = 0; i < ops->files.n; i++)
        if (ops->files.items[i].kind != OP_FILE_SCHEMA)
            return true;
    return false;
}

/* ---- reading --------------------------------------------------------------------------------- */

static Error *read_whole(Arena *arena, OpFile *file)
{
    Text  text = text_new(arena);
    char  buffer[4096];
    FILE *f = fopen(file->path, "rb");
    if (!f)
        return error_new(arena, E_IO, (Where){.file = file->path}, "cannot open the file: %s",
                         strerror(errno));
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, f));)
        text_putn(&text, buffer, n);
    bool failed = ferror(f);
    fclose(f);
    if (failed)
        return error_new(arena, E_IO, (Where){.file = file->path}, "cannot read the file");
    file->text = text.data;
    file->n = text.n;
    return NULL;
}

/* One line of a schema, without the end of a C comment and blanks around. */
static const char *line_text(Arena *arena, const char *line, size_t n)
{
    char *text = arena_strndup(arena, line, n), *comment = strstr(text, "*/");
    if (comment)
        *comment = 0;
    text += strspn(text, " \t");
    for (size_t m = strlen(text); m && strchr(" \t\r", text[m - 1]); m--)
        text[m - 1] = 0;
    return text;
}

/* Are all parentheses closed, and does it say what it returns? */
static bool is_complete(const char *schema)
{
    int         depth = 0;
    const char *arrow = strstr(schema, "->");
    for (const char *p = schema; *p; p++)
        depth += (*p == '(') - (*p == ')');
    return depth <= 0 && (!strchr(schema, '(') || (arrow && arrow[2]));
}

/* The next line of the same comment: behind its "//" or "*"; NULL: there is none. */
static const char *next_line(const char *at, size_t n, bool is_line_comment)
{
    const char *end = at + n, *next = *end ? end + 1 : end;
    if (!*next || (!is_line_comment && memmem(at, n, "*/", 2)))
        return NULL;
    next += strspn(next, " \t");
    if (is_line_comment)
        return strncmp(next, "//", 2) ? NULL : next + 2;
    return next + (*next == '*' && next[1] != '/');
}

/* From "aotc-op:" on, over as many lines of its comment as the schema takes. */
static const char *schema_at(Arena *arena, const char *at, bool is_line_comment)
{
    Text text = text_new(arena);
    while (at) {
        size_t n = strcspn(at, "\n");
        text_printf(&text, "%s%s", text.n ? " " : "", line_text(arena, at, n));
        if (is_complete(text.data))
            break;
        at = next_line(at, n, is_line_comment);
    }
    return text.data;
}

static Error *read_declarations(Arena *arena, OpFiles *ops, const OpFile *file)
{
    static const char mark[] = "aotc-op:";
    int               line = 1;
    for (const char *at = file->text; *at; line++) {
        size_t      n = strcspn(at, "\n");
        const char *found = memmem(at, n, mark, strlen(mark));
        if (found) {
            bool        is_line_comment = memmem(at, (size_t)(found - at), "//", 2) != NULL;
            const char *schema = schema_at(arena, found + strlen(mark), is_line_comment);
            Where       where = {.file = file->path, .path = arena_printf(arena, "line %d", line)};
            if (!*schema)
                return error_new(arena, E_FORMAT, where, "no schema behind \"%s\"", mark);
            VEC_PUSH(arena, ops->declared, ((OpDeclaration){schema, where}));
        }
        at += n + (at[n] == '\n');
    }
    return NULL;
}

static bool ends_in(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);
    return n > m && !strcmp(path + n - m, ending);
}

/* libx.so, libx.so.1.2 */
static bool is_shared(const char *path)
{
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    const char *so = strstr(name, ".so");
    return so && (!so[3] || so[3] == '.');
}

static Error *open_library(Arena *arena, OpFile *file)
{
    file->is_static = ends_in(file->path, ".a");
    if (!file->is_static && !is_shared(file->path))
        return error_new(arena, E_USAGE, (Where){.file = file->path},
                         "--op-library takes a static (.a) or shared (.so) library");
    FILE *f = fopen(file->path, "rb");
    if (!f)
        return error_new(arena, E_IO, (Where){.file = file->path}, "cannot open the library: %s",
                         strerror(errno));
    fclose(f);
    return NULL;
}

Error *op_files_read(Arena *arena, OpFiles *ops)
{
    for (int i = 0; i < ops->files.n && !ops->is_read; i++) {
        OpFile *file = &ops->files.items[i];
        if (file->kind == OP_FILE_LIBRARY) {
            TRY(open_library(arena, file));
            continue;
        }
        file->is_cuda = ends_in(file->path, ".cu");
        if (file->kind == OP_FILE_SOURCE && !file->is_cuda && !ends_in(file->path, ".c"))
            return error_new(arena, E_USAGE, (Where){.file = file->path},
                             "--op-source takes C (.c) or CUDA (.cu)");
        TRY(read_whole(arena, file));
        TRY(read_declarations(arena, ops, file));
    }
    ops->is_read = true;
    if (ops->files.n && !ops->declared.n) {
        Error *error = error_new(arena, E_USAGE, (Where){.file = ops->files.items[0].path},
                                 "no file of --op-source or --op-schema declares an operator");
        error->help = "a comment declares one: aotc-op: mylib::f(Tensor x) -> Tensor";
        return error;
    }
    return NULL;
}

/* ---- declaring ------------------------------------------------------------------------------- */

Error *op_files_declare(const OpFiles *ops, Ir *ir)
{
    for (int i = 0; i < ops->declared.n; i++) {
        const OpDeclaration *d = &ops->declared.items[i];
        const OpSchema      *schema;
        Error               *error = schema_add(ir, d->schema, &schema);
        if (error) {
            error->where.file = d->where.file;
            error->where.path = d->where.path;
            return error;
        }
        const char *problem = custom_op_problem(ir->arena, schema);
        if (problem)
            return error_new(ir->arena, E_UNSUPPORTED, d->where, "%s", problem);
        if (op_find(ir, schema) != &custom_op)
            return error_new(ir->arena, E_USAGE, d->where,
                             "%s is an operator of aotc itself: another one cannot take its place",
                             schema->name);
    }
    return NULL;
}

/* ---- for the toolchain ----------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static const char *folder_of(Arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    return !slash ? "." : arena_strndup(arena, path, slash == path ? 1 : (size_t)(slash - path));
}

/* Prototypes of all declared operators: the schemas are read again, apart from any compile. */
static Error *prototypes(Arena *arena, const OpFiles *ops, const char **out)
{
    Ir              *ir = ir_create(arena, "operators");
    const OpSchema **schemas = ARENA_ARRAY(arena, const OpSchema *, ops->declared.n + 1);
    int              n = 0;
    for (int i = 0; i < ops->declared.n; i++) {
        const OpSchema *schema;
        bool            is_known = false;
        TRY(schema_add(ir, ops->declared.items[i].schema, &schema));
        for (int k = 0; k < n; k++)
            is_known |= schemas[k] == schema;
        if (!is_known)
            schemas[n++] = schema;
    }
    *out = custom_header(arena, schemas, n);
    return NULL;
}

Error *op_files_sources(Arena *arena, const OpFiles *ops, bool is_cuda, EmitFile **files, int *n)
{
    const char *header;
    EmitFile   *out = ARENA_ARRAY(arena, EmitFile, ops->files.n + 3);
    *n = 0;
    *files = out;
    if (!op_files_have_code(ops))
        return NULL;
    TRY(prototypes(arena, ops, &header));
    out[(*n)++] = (EmitFile){"aotc_op.h", emit_text_op_abi, strlen(emit_text_op_abi), NULL};
    out[(*n)++] = (EmitFile){"aotc_ops.h", header, strlen(header), NULL};
    for (int i = 0; i < ops->files.n; i++) {
        const OpFile *f = &ops->files.items[i];
        if (f->kind == OP_FILE_SOURCE && (!f->is_cuda || is_cuda))
            out[(*n)++] = (EmitFile){arena_printf(arena, "op%d_%s", i, base_name(f->path)), f->text,
                                     f->n, folder_of(arena, f->path)};
    }
    return NULL;
}
