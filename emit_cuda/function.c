/* Distinct device functions, and launches of them; see cuda_internal.h.
 *
 *   two bodies   y[i3] = x[i3] + 1;   and   out[i8] = in[i8] + 1;
 *   one function k0_fused_add with fields p0, p1 whose text is the first one's. */
#include "emit_cuda/cuda_internal.h"

#include <ctype.h>
#include <string.h>

/* ---- identifiers that are a kernel's own ----------------------------------------------------- */

typedef struct Names {
    CudaEmit *c;
    VEC(const char *) own;  /* buffers, in the order of reads and writes */
    VEC(const char *) seen; /* own names as they came up in the text */
    const char *kernel;     /* "k3_fused_add" */
} Names;

static bool is_word(char ch)
{
    return isalnum((unsigned char)ch) || ch == '_';
}

/* i3, r4, t12: loop variables and values used as indices. */
static bool is_loop_variable(const Names *n, const char *word, size_t len)
{
    if (len < 2 || !strchr("irt", word[0]) || strspn(word + 1, "0123456789") < len - 1)
        return false;
    for (int i = 0; i < n->c->e.plan->symbols.n; i++) {
        const char *size = n->c->e.plan->symbols.items[i]->name;
        if (strlen(size) == len && !strncmp(size, word, len))
            return false;
    }
    return true;
}

static bool is_own(const Names *n, const char *word, size_t len)
{
    for (int i = 0; i < n->own.n; i++)
        if (strlen(n->own.items[i]) == len && !strncmp(n->own.items[i], word, len))
            return true;
    return is_loop_variable(n, word, len);
}

static int note_seen(Names *n, const char *word, size_t len)
{
    for (int i = 0; i < n->seen.n; i++)
        if (strlen(n->seen.items[i]) == len && !strncmp(n->seen.items[i], word, len))
            return i;
    VEC_PUSH(n->c->e.arena, n->seen, arena_strndup(n->c->e.arena, word, len));
    return n->seen.n - 1;
}

static size_t skip_string(const char *at)
{
    size_t n = 1;
    while (at[n] && at[n] != '"')
        n += at[n] == '\\' && at[n + 1] ? 2 : 1;
    return at[n] ? n + 1 : n;
}

/* The text with own names by order of appearance ($0, $1 …), the kernel's name as $K. */
static void put_canonical(Names *n, Text *out, const char *text)
{
    size_t stem = strlen(n->kernel);
    for (const char *at = text; *at;) {
        if (*at == '"') {
            size_t len = skip_string(at);
            text_putn(out, at, len);
            at += len;
        } else if (isdigit((unsigned char)*at)) { /* 1e5f is no identifier */
            size_t len = 1;
            while (is_word(at[len]))
                len++;
            text_putn(out, at, len);
            at += len;
        } else if (is_word(*at)) {
            size_t len = 1;
            while (is_word(at[len]))
                len++;
            if (len >= stem && !strncmp(at, n->kernel, stem))
                text_printf(out, "$K%.*s", (int)(len - stem), at + stem);
            else if (is_own(n, at, len))
                text_printf(out, "$%d", note_seen(n, at, len));
            else
                text_putn(out, at, len);
            at += len;
        } else {
            text_putc(out, *at++);
        }
    }
}

/* ---- what a body names ----------------------------------------------------------------------- */

typedef struct Field {
    const char *type, *name, *value;
    const char *local; /* its declaration in the body */
    int         order; /* buffers: place by first appearance */
} Field;

typedef struct Fields {
    VEC(Field) items;
} Fields;

static bool is_written(const Kernel *k, const Buffer *b)
{
    for (int i = 0; i < k->n_writes; i++)
        if (k->writes[i] == b)
            return true;
    return false;
}

static const Buffer *buffer_at(const Kernel *k, int i)
{
    const Buffer *b = i < k->n_reads ? k->reads[i] : k->writes[i - k->n_reads];
    for (int j = 0; j < i; j++)
        if (b == (j < k->n_reads ? k->reads[j] : k->writes[j - k->n_reads]))
            return NULL;
    return b->kind == BUFFER_LOCAL || !c_storage_type(b->dtype) ? NULL : b;
}

static int seen_order(const Names *n, const char *name)
{
    for (int i = 0; i < n->seen.n; i++)
        if (!strcmp(n->seen.items[i], name))
            return i;
    return -1;
}

static void add_buffer(CudaEmit *c, const CudaFunction *spec, const Names *names, const Buffer *b,
                       Fields *out)
{
    Arena      *arena = c->e.arena;
    const char *name = emit_buffer_name(&c->e, b), *type = c_storage_type(b->dtype);
    bool        shares = spec->no_restrict;
    Field       f = {.name = name, .order = seen_order(names, name)};
    if (f.order < 0)
        return;
    for (int i = 0; i < c->kernel->n_writes + c->kernel->n_reads; i++) {
        const Buffer *other = buffer_at(c->kernel, i);
        if (other && other != b && (is_written(c->kernel, b) || is_written(c->kernel, other)))
            shares |= emit_shares_memory(b, other);
    }
    f.type = arena_printf(arena, "%s%s *", is_written(c->kernel, b) ? "" : "const ", type);
    f.local =
        arena_printf(arena, "%s%s%s = a.%s;", f.type, shares ? "" : "__restrict__ ", name, name);
    f.value = arena_printf(arena, "(%s)%s", f.type, emit_address(&c->e, b));
    int at = out->items.n;
    VEC_PUSH(arena, out->items, f);
    for (; at > 0 && out->items.items[at - 1].order > f.order; at--) {
        out->items.items[at] = out->items.items[at - 1];
        out->items.items[at - 1] = f;
    }
}

static void add_symbols(CudaEmit *c, const char *text, Fields *out)
{
    Arena *arena = c->e.arena;
    for (int i = 0; i < c->e.plan->symbols.n; i++) {
        const Symbol *s = c->e.plan->symbols.items[i];
        const char   *type = s->type == EXPR_TYPE_FLOAT ? "double " : "int64_t ";
        if (!emit_mentions(text, s->name))
            continue;
        Field f = {type, s->name, s->name,
                   arena_printf(arena, "const %s%s = a.%s;", type, s->name, s->name), 0};
        VEC_PUSH(arena, out->items, f);
    }
}

static void add_services(CudaEmit *c, const char *body, Fields *out)
{
    static const struct {
        const char *word, *type, *value;
    } table[] = {
        {"f", "aotc_model_device_failure *", "f->cuda->failure"},
        {"kernel", "int64_t ", NULL},
        {"rng", "const uint64_t *", "f->rng"},
        {"scratch", "unsigned char *", "f->scratch"},
    };
    Arena *arena = c->e.arena;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (!emit_mentions(body, table[i].word))
            continue;
        const char *value = table[i].value
                                ? table[i].value
                                : arena_printf(arena, "%d", emit_kernel_index(&c->e, c->kernel));
        bool        is_pointer = strchr(table[i].type, '*') != NULL;
        Field       f = {table[i].type, table[i].word, value, NULL, 0};
        f.local = is_pointer
                      ? arena_printf(arena, "%s%s = a.%s;", table[i].type, f.name, f.name)
                      : arena_printf(arena, "const int32_t %s = (int32_t)a.%s;", f.name, f.name);
        VEC_PUSH(arena, out->items, f);
    }
}

static void add_extra(CudaEmit *c, const CudaFunction *spec, Fields *out)
{
    for (int i = 0; i < spec->n_fields; i++) {
        const CudaField *x = &spec->fields[i];
        Field            f = {x->type, x->name, x->value, NULL, 0};
        bool             is_plain = strchr(x->type, '*') || strstr(x->type, "int") ||
                        strstr(x->type, "double") || strstr(x->type, "float");
        f.type = arena_printf(c->e.arena, "%s ", x->type);
        if (is_plain) /* a tensor map is used in place: a copy would leave its memory */
            f.local = arena_printf(c->e.arena, "%s%s %s = a.%s;",
                                   strchr(x->type, '*') ? "" : "const ", x->type, x->name, x->name);
        VEC_PUSH(c->e.arena, out->items, f);
    }
}

/* ---- functions ------------------------------------------------------------------------------- */

static const char *function_text(CudaEmit *c, const CudaFunction *spec, const char *name,
                                 const Fields *fields)
{
    Text t = text_new(c->e.arena);
    text_printf(&t, "struct %s_args {\n", name);
    for (int i = 0; i < fields->items.n; i++)
        text_printf(&t, "    %s%s;\n", fields->items.items[i].type, fields->items.items[i].name);
    text_put(&t, "};\n\n");
    if (spec->support)
        text_printf(&t, "%s\n", spec->support);
    text_put(&t, "extern \"C\" __global__ void __launch_bounds__(");
    text_printf(&t, spec->min_blocks ? "%d, %d" : "%d", spec->threads, spec->min_blocks);
    text_printf(&t, ")\n%s(", name);
    if (fields->items.n)
        text_printf(&t, "const __grid_constant__ %s_args a", name);
    text_put(&t, ")\n{\n");
    for (int i = 0; i < fields->items.n; i++)
        if (fields->items.items[i].local && emit_mentions(spec->body, fields->items.items[i].name))
            text_printf(&t, "    %s\n", fields->items.items[i].local);
    text_printf(&t, "    %s();\n%s}\n\n", spec->begins_itself ? "aotc_open" : "aotc_begin",
                spec->body);
    return t.data;
}

static const char *canonical_text(Names *names, const char *text, const CudaFunction *spec)
{
    Text t = text_new(names->c->e.arena);
    text_printf(&t, "%d %d %d ", spec->threads, spec->min_blocks, spec->max_shared_bytes);
    put_canonical(names, &t, text);
    for (int i = 0; i < names->c->needs.n; i++)
        text_printf(&t, " %s", names->c->needs.items[i]);
    return t.data;
}

static CudaUnique *find_unique(const CudaEmit *c, const char *key, int *index)
{
    for (int i = 0; i < c->functions.n; i++)
        if (!strcmp(c->functions.items[i]->key, key)) {
            *index = i;
            return c->functions.items[i];
        }
    return NULL;
}

static void keep_names(Names *names, const Kernel *k)
{
    for (int i = 0; i < k->n_reads + k->n_writes; i++) {
        const Buffer *b = buffer_at(k, i);
        if (b)
            VEC_PUSH(names->c->e.arena, names->own, emit_buffer_name(&names->c->e, b));
    }
}

Error *cuda_function(CudaEmit *c, const CudaFunction *spec, CudaHandle *out)
{
    Arena      *arena = c->e.arena;
    const char *kernel = emit_kernel_name(&c->e, c->kernel);
    *out = (CudaHandle){0};
    for (int i = 0; i < c->e.device_texts.n; i++)
        cuda_need(c, c->e.device_texts.items[i]);
    c->e.device_texts.n = 0;
    const char *name = arena_printf(arena, "%s%s", kernel, spec->suffix ? spec->suffix : "");
    const char *all = arena_printf(arena, "%s\n%s", spec->support ? spec->support : "", spec->body);
    Names       order = {.c = c, .kernel = kernel}, names = {.c = c, .kernel = kernel};
    Fields      fields = {0};
    Text        ignored = text_new(arena);
    keep_names(&order, c->kernel);
    put_canonical(&order, &ignored, all); /* buffers become fields in the order of the text */
    for (int i = 0; i < c->kernel->n_reads + c->kernel->n_writes; i++) {
        const Buffer *b = buffer_at(c->kernel, i);
        if (b)
            add_buffer(c, spec, &order, b, &fields);
    }
    add_symbols(c, all, &fields);
    add_services(c, all, &fields);
    add_extra(c, spec, &fields);
    if (fields.items.n > 500)
        return emit_unsupported(&c->e, c->kernel, "a device function of %d arguments",
                                fields.items.n);
    const char *text = function_text(c, spec, name, &fields);
    keep_names(&names, c->kernel);
    const char *key = canonical_text(&names, text, spec);
    CudaUnique *u = find_unique(c, key, &out->function);
    if (!u) {
        u = ARENA_NEW(arena, CudaUnique);
        *u = (CudaUnique){.name = name, .key = key, .text = text, .weight = (int)strlen(text)};
        u->max_shared_bytes = spec->max_shared_bytes;
        for (int i = 0; i < fields.items.n; i++)
            VEC_PUSH(arena, u->fields,
                     arena_printf(arena, "%s%s", fields.items.items[i].type,
                                  fields.items.items[i].name));
        for (int i = 0; i < c->needs.n; i++)
            VEC_PUSH(arena, u->runtime, c->needs.items[i]);
        out->function = c->functions.n;
        VEC_PUSH(arena, c->functions, u);
    }
    c->needs.n = 0;
    out->args = fields.items.n ? arena_printf(arena, "%s_args", u->name) : NULL;
    for (int i = 0; i < fields.items.n; i++) {
        const char *field = u->fields.items[i], *at = field + strlen(field);
        while (at > field && is_word(at[-1]))
            at--;
        VEC_PUSH(arena, out->fields, at);
        VEC_PUSH(arena, out->values, fields.items.items[i].value);
    }
    return NULL;
}

/* ---- launches -------------------------------------------------------------------------------- */

static void put_three(Text *t, const char *name, const char *const three[3])
{
    text_printf(t, ".%s = {", name);
    for (int i = 0; i < 3; i++)
        text_printf(t, three[i] ? "%s(uint32_t)(%s)" : "%s%s", i ? ", " : "",
                    three[i] ? three[i] : "1");
    text_put(t, "}");
}

void cuda_launch(CudaEmit *c, const CudaHandle *h, const CudaLaunch *l, int indent)
{
    Text *t = c->launch;
    text_indent(t, indent);
    text_put(t, "{\n");
    if (h->args) {
        text_indent(t, indent + 1);
        text_printf(t, "%s args = {0};\n", h->args);
    }
    for (int i = 0; i < h->fields.n; i++) {
        if (!h->values.items[i])
            continue;
        text_indent(t, indent + 1);
        text_printf(t, "args.%s = %s;\n", h->fields.items[i], h->values.items[i]);
    }
    if (l->set) {
        text_indent(t, indent + 1);
        text_printf(t, "%s\n", l->set);
    }
    text_indent(t, indent + 1);
    text_printf(t, "const aotc_model_launch launch = {.function = %d, .kernel = %d, ", h->function,
                emit_kernel_index(&c->e, c->kernel));
    put_three(t, "grid", l->grid);
    text_put(t, ", ");
    put_three(t, "block", l->block);
    if (l->cluster[0]) {
        text_put(t, ", ");
        put_three(t, "cluster", l->cluster);
    }
    if (l->shared)
        text_printf(t, ", .shared_bytes = (uint32_t)(%s)", l->shared);
    text_printf(t, ", .flags = %s", l->flags ? l->flags : "AOTC_LAUNCH_EARLY");
    text_put(t, "};\n");
    text_indent(t, indent + 1);
    text_printf(t, h->args ? "f->cuda->launch(f, &launch, &args, sizeof args);\n"
                           : "f->cuda->launch(f, &launch, 0, 0);\n");
    text_indent(t, indent);
    text_put(t, "}\n");
}
