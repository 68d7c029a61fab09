/* Names, addresses and declarations that all emitters of emit_c use; see emit_internal.h and
 * nest.h. */
#include "emit_c/nest.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char reserved_words[] =
    "auto break case char const continue default do double else "
    "enum extern float for goto if inline int long register "
    "restrict return short signed sizeof static struct switch "
    "typedef union unsigned void volatile while asm typeof linux "
    "unix i386 memcpy memset new delete class this template operator "
    "private public protected friend virtual typename namespace "
    "using try catch throw and or not xor bitand bitor compl "
    "and_eq or_eq xor_eq not_eq true false bool mutable explicit "
    "export constexpr decltype noexcept nullptr alignas alignof "
    "threadIdx blockIdx blockDim gridDim warpSize";

bool emit_is_c_word(const char *name)
{
    return emit_mentions(reserved_words, name);
}

/* ---- names ----------------------------------------------------------------------------------- */
/* Loop variables, sizes and temporaries are letters and digits: i3, s0, v12, at0. */
static bool looks_generated(const char *name)
{
    size_t letters = strspn(name, "abcdefghijklmnopqrstuvwxyz");
    return letters >= 1 && letters <= 3 && name[letters] &&
           strspn(name + letters, "0123456789") == strlen(name + letters);
}

static bool is_reserved(const char *name)
{
    static const char *const own[] = {
        "f",       "thread", "lo",      "hi",    "zero",  "p",       "v",      "n",     "a",
        "acc",     "out",    "from",    "count", "n0",    "n_count", "tile",   "block", "row",
        "scratch", "bad",    "kernel",  "rng",   "lane",  "point",   "points", "inner", "args",
        "chunk",   "whole",  "aligned", "part",  "parts", "active"};
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(name, own[i]) == 0)
            return true;
    if (looks_generated(name) || strncmp(name, "aotc_", 5) == 0 || strncmp(name, "rt_", 3) == 0 ||
        strncmp(name, "t_", 2) == 0 || strncmp(name, "bad_", 4) == 0 ||
        strncmp(name, "acc_", 4) == 0 || strncmp(name, "load_", 5) == 0 ||
        strncmp(name, "store_", 6) == 0 || strncmp(name, "row_", 4) == 0 ||
        strncmp(name, "cache_", 6) == 0 || strncmp(name, "kept_", 5) == 0 ||
        (n > 2 && strcmp(name + n - 2, "_t") == 0) ||
        (n > 4 && strcmp(name + n - 4, "_acc") == 0) || isupper((unsigned char)name[0]) ||
        name[0] == '_')
        return true;
    return emit_mentions(reserved_words, name);
}

const char *emit_buffer_name(Emit *e, const Buffer *b)
{
    return is_reserved(b->name) ? arena_printf(e->arena, "%s_b%d", b->name, b->id) : b->name;
}

const char *emit_kernel_name(Emit *e, const Kernel *k)
{
    return arena_printf(e->arena, "%sk%d_%s", e->prefix, emit_kernel_index(e, k), k->name);
}

int emit_kernel_index(const Emit *e, const Kernel *k)
{
    for (int i = 0; i < e->plan->kernels.n; i++)
        if (e->plan->kernels.items[i] == k)
            return i;
    return k->id;
}

int emit_symbol_slot(const Emit *e, const Symbol *symbol)
{
    for (int i = 0; i < e->plan->symbols.n; i++)
        if (e->plan->symbols.items[i] == symbol)
            return i;
    return -1;
}

const char *emit_expr(Emit *e, const Expr *expr)
{
    Text text = text_new(e->arena);
    c_print_expr(&text, expr, NULL);
    return text.data;
}

void emit_need_runtime(Emit *e, const char *key, const char *text)
{
    for (int i = 0; i < e->runtime_keys.n; i++)
        if (strcmp(e->runtime_keys.items[i], key) == 0)
            return;
    VEC_PUSH(e->arena, e->runtime_keys, key);
    text_put(e->runtime, text);
    text_putc(e->runtime, '\n');
}

Error *emit_unsupported(Emit *e, const Kernel *k, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *what = arena_vprintf(e->arena, format, args);
    va_end(args);
    return error_new(e->arena, E_UNSUPPORTED, k->where, "kernel %s (%s): %s", k->name,
                     k->nodes ? k->nodes : "", what);
}

/* A whole identifier of the text? */
bool emit_mentions(const char *body, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = strstr(body, name); p; p = strstr(p + 1, name)) {
        bool starts = p == body || !(isalnum((unsigned char)p[-1]) || p[-1] == '_');
        bool ends = !(isalnum((unsigned char)p[n]) || p[n] == '_');
        if (starts && ends)
            return true;
    }
    return false;
}

/* ---- memory ---------------------------------------------------------------------------------- */
static const Buffer *root_of(const Buffer *b)
{
    while (b->alias)
        b = b->alias;
    return b;
}

bool emit_shares_memory(const Buffer *a, const Buffer *b)
{
    a = root_of(a);
    b = root_of(b);
    if (a == b)
        return true;
    return a->kind == b->kind && a->kind != BUFFER_TEMP && a->kind != BUFFER_LOCAL &&
           a->slot == b->slot;
}

static bool aliases_a_write(const Kernel *k, const Buffer *b)
{
    bool is_written = false;
    for (int i = 0; i < k->n_writes; i++)
        is_written |= k->writes[i] == b;
    for (int i = 0; i < k->n_writes; i++)
        if (k->writes[i] != b && emit_shares_memory(k->writes[i], b))
            return true;
    for (int i = 0; is_written && i < k->n_reads; i++)
        if (k->reads[i] != b && emit_shares_memory(k->reads[i], b))
            return true;
    return false;
}

bool emit_has_aliases(const Kernel *k)
{
    for (int i = 0; i < k->n_writes; i++)
        if (aliases_a_write(k, k->writes[i]))
            return true;
    return false;
}

bool emit_is_late(const Buffer *b)
{
    b = root_of(b);
    bool is_unknown = expr_contains_kind(b->numel, SYM_UNBACKED);
    /* An output states its sizes, also where a size of 0 beside them makes its number of elements
     * known. */
    for (int d = 0; d < b->rank && b->kind == BUFFER_OUTPUT; d++)
        is_unknown |= expr_contains_kind(b->sizes[d], SYM_UNBACKED);
    return (b->kind == BUFFER_TEMP && !b->arena_offset && is_unknown) ||
           (b->kind == BUFFER_OUTPUT && is_unknown);
}

static int temporary_slot(Emit *e, const Buffer *b)
{
    for (int i = 0; i < e->temporaries.n; i++)
        if (e->temporaries.items[i] == b)
            return i;
    VEC_PUSH(e->arena, e->temporaries, b);
    return e->temporaries.n - 1;
}

/* Position among the constants that are state. */
static int state_slot(const Emit *e, int constant)
{
    int n = 0;
    for (int i = 0; i < constant; i++)
        n += e->plan->constants.items[i].is_state;
    return n;
}

const char *emit_address(Emit *e, const Buffer *b)
{
    b = root_of(b);
    switch (b->kind) {
    case BUFFER_INPUT:
        return arena_printf(e->arena, "f->inputs[%d]", b->slot);
    case BUFFER_OUTPUT:
        return arena_printf(e->arena, "f->outputs[%d]", b->slot);
    case BUFFER_STATE:
        return arena_printf(e->arena, "f->state[%d]", state_slot(e, b->slot));
    case BUFFER_CONSTANT:
        return arena_printf(e->arena, "(f->weights + %llu)",
                            (unsigned long long)e->layout->offsets[b->slot]);
    default:
        break;
    }
    if (emit_is_late(b) || !b->arena_offset)
        return arena_printf(e->arena, "f->temporaries[%d]", temporary_slot(e, b));
    return arena_printf(e->arena, "(f->%s + %s)", emit_arena(e, b), emit_expr(e, b->arena_offset));
}

const char *emit_arena(const Emit *e, const Buffer *b)
{
    return b->is_host && e->device == EMIT_CUDA ? "host_arena" : "arena";
}

const char *emit_load_operand_base(Emit *e, const Operand *operand)
{
    const char *name = emit_buffer_name(e, operand->buffer);
    if (!operand->offset || expr_is_value(operand->offset, 0))
        return name;
    return arena_printf(e->arena, "(%s + %s)", name, emit_expr(e, operand->offset));
}

static void allocate_output(Emit *e, const Buffer *b, int indent)
{
    text_indent(e->out, indent);
    text_printf(e->out, "aotc_output(f, %d, (const int64_t[]){", b->slot);
    const PlanTensor *tensor = &e->plan->outputs.items[b->slot];
    for (int i = 0; i < tensor->type.rank; i++)
        text_printf(e->out, "%s%s", i ? ", " : "", emit_expr(e, tensor->type.sizes[i]));
    text_put(e->out, tensor->type.rank ? "});\n" : "0});\n");
}

void emit_allocate(Emit *e, const Buffer *b, int indent)
{
    b = root_of(b);
    if (!emit_is_late(b))
        return;
    if (b->kind == BUFFER_OUTPUT) {
        allocate_output(e, b, indent);
        return;
    }
    text_indent(e->out, indent);
    text_printf(e->out, "aotc_%stemporary(f, %d, %s*%d);\n", b->is_host ? "host_" : "",
                temporary_slot(e, b), emit_expr(e, b->numel), dtype_size(b->dtype));
}

/* ---- declarations ---------------------------------------------------------------------------- */
static void declare_symbol(Emit *e, int slot, int indent, const char *frame, const char *attribute)
{
    const Symbol *symbol = e->plan->symbols.items[slot];
    text_indent(e->out, indent);
    if (symbol->type == EXPR_TYPE_FLOAT)
        text_printf(e->out, "const double %s%s = aotc_sym_float(%s->sym[%d]);\n", symbol->name,
                    attribute, frame, slot);
    else
        text_printf(e->out, "const int64_t %s%s = %s->sym[%d];\n", symbol->name, attribute, frame,
                    slot);
}

void emit_symbols(Emit *e, int indent)
{
    for (int i = 0; i < e->plan->symbols.n; i++)
        declare_symbol(e, i, indent, "f", " AOTC_UNUSED");
}

void emit_used_symbols(Emit *e, const char *body, int indent, const char *frame)
{
    for (int i = 0; i < e->plan->symbols.n; i++)
        if (emit_mentions(body, e->plan->symbols.items[i]->name))
            declare_symbol(e, i, indent, frame, "");
}

static bool is_written(const Kernel *k, const Buffer *b)
{
    for (int i = 0; i < k->n_writes; i++)
        if (k->writes[i] == b)
            return true;
    return false;
}

static void declare_pointer(Emit *e, const Kernel *k, const Buffer *b, int indent,
                            const char *attribute)
{
    const char *constant = is_written(k, b) ? "" : "const ";
    const char *restricted = aliases_a_write(k, b) ? "" : "restrict ";
    const char *type = c_storage_type(b->dtype);
    text_indent(e->out, indent);
    text_printf(e->out, "%s%s *%s%s%s = (%s%s *)%s;\n", constant, type, restricted,
                emit_buffer_name(e, b), attribute, constant, type, emit_address(e, b));
}

static void declare_pointers(Emit *e, const Kernel *k, const char *body, int indent)
{
    for (int i = 0; i < k->n_reads + k->n_writes; i++) {
        const Buffer *b = i < k->n_reads ? k->reads[i] : k->writes[i - k->n_reads];
        bool          is_second = false;
        for (int j = 0; j < i && !is_second; j++)
            is_second = b == (j < k->n_reads ? k->reads[j] : k->writes[j - k->n_reads]);
        if (is_second || b->kind == BUFFER_LOCAL || !c_storage_type(b->dtype))
            continue;
        if (!body || emit_mentions(body, emit_buffer_name(e, b)))
            declare_pointer(e, k, b, indent, body ? "" : " AOTC_UNUSED");
    }
}

void emit_pointers(Emit *e, const Kernel *k, int indent)
{
    declare_pointers(e, k, NULL, indent);
}

void emit_used_pointers(Emit *e, const Kernel *k, const char *body, int indent)
{
    declare_pointers(e, k, body, indent);
}

/* ---- functions ------------------------------------------------------------------------------- */
/* Names of nodes and lines of Python must not end the comment. */
static void comment_line(Text *out, const char *prefix, const char *text)
{
    text_put(out, prefix);
    for (const char *p = text; *p; p++)
        text_putc(out, (p[0] == '*' && p[1] == '/') || (p[0] == '/' && p[1] == '*') || *p == '\n' ||
                               *p == '\r'
                           ? ' '
                           : *p);
}

void emit_kernel_comment(Emit *e, const Kernel *k)
{
    comment_line(e->out, "/* ", k->name);
    if (k->nodes && k->nodes[0])
        comment_line(e->out, ": ", k->nodes);
    if (k->where.python && k->where.python[0])
        comment_line(e->out, "\n * ", k->where.python);
    text_put(e->out, " */\n");
}

void emit_kernel_signature(Emit *e, const Kernel *k)
{
    emit_kernel_comment(e, k);
    text_printf(
        e->out,
        "%s void %s(const aotc_model_frame *f AOTC_UNUSED, int32_t thread AOTC_UNUSED)\n{\n",
        e->many_files ? "AOTC_HIDDEN" : "static", emit_kernel_name(e, k));
}

void emit_kernel_open(Emit *e, const Kernel *k)
{
    emit_kernel_signature(e, k);
    emit_symbols(e, 1);
    emit_pointers(e, k, 1);
}

void emit_split(Emit *e, int indent, bool parallel, const char *total, int grain)
{
    text_indent(e->out, indent);
    if (!parallel) {
        text_printf(e->out, "const int64_t lo = 0, hi = thread == 0 ? %s : 0;\n", total);
        return;
    }
    text_put(e->out, "int64_t lo, hi;\n");
    text_indent(e->out, indent);
    text_printf(e->out, "aotc_split(%s, %d, f, thread, &lo, &hi);\n", total, grain);
}

/* ---- walking --------------------------------------------------------------------------------- */
typedef struct Walk {
    Arena *arena;
    VEC(const Scalar *) seen;
    void (*visit)(void *cx, const Scalar *scalar);
    void *cx;
} Walk;

static void walk_scalar(Walk *w, const Scalar *s);

static void walk_symbol(void *cx, Symbol *symbol)
{
    if (symbol->kind == SYM_SCALAR && symbol->scalar)
        walk_scalar(cx, symbol->scalar);
}

static void walk_scalar(Walk *w, const Scalar *s)
{
    if (!s)
        return;
    for (int i = w->seen.n - 1; i >= 0; i--)
        if (w->seen.items[i] == s)
            return;
    VEC_PUSH(w->arena, w->seen, s);
    for (int i = 0; i < s->n_in; i++)
        walk_scalar(w, s->in[i]);
    walk_scalar(w, s->mask);
    if ((s->op == S_LOAD || s->op == S_INDEX) && s->index)
        expr_symbols(s->index, walk_symbol, w);
    w->visit(w->cx, s);
}

void emit_walk_loop(Arena *arena, const Loop *loop, void (*visit)(void *cx, const Scalar *scalar),
                    void *cx)
{
    Walk w = {.arena = arena, .visit = visit, .cx = cx};
    walk_scalar(&w, loop->value);
    walk_scalar(&w, loop->mask);
    if (loop->index)
        expr_symbols(loop->index, walk_symbol, &w);
}
