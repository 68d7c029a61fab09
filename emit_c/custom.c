/* CUSTOM kernels: one call of the user's function (abi/aotc_op.h).
 *
 *   typedef struct k2_args { void *data[2]; int64_t n[9]; double x[1]; } k2_args;
 *   static int32_t k2_call(void *stream, char *message, uint64_t message_bytes, const void *args)
 *   {
 *       const k2_args *a = args;
 *       const aotc_op_tensor t0 = {a->data[0], a->n + 0, a->n + 2, a->n[4], 2, AOTC_OP_F32};
 *       …
 *       return mylib_scaled_add(&op, &t0, 0, 0x1p+1, &t1);
 *   }
 *
 * What differs from run to run goes through the struct: a loader that records a graph compares it.
 * The kernel's own function fills it and has k2_call called, on the CPU by a fixed text, on a
 * device by the loader's service. */
#include "emit_c/custom.h"
#include "emit_c/nest.h"
#include "emit_c/templates.h"

#include <ctype.h>
#include <string.h>

EMIT_RUNTIME_TEXT(emit_text_op_abi, "abi/aotc_op.h");

/* ---- names and prototypes -------------------------------------------------------------------- */

const char *custom_function_name(Arena *arena, const OpSchema *schema, bool is_cuda)
{
    bool  is_default = !strcmp(schema->overload, "default");
    char *name = arena_printf(arena, "%s_%s%s%s%s", schema->ns, schema->base, is_default ? "" : "_",
                              is_default ? "" : schema->overload, is_cuda ? "_cuda" : "");
    for (char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p))
            *p = '_';
    return name;
}

static bool is_reference(const Param *p)
{
    return p->is_list || p->is_optional || p->type == PARAM_TENSOR || p->type == PARAM_SCALAR ||
           p->type == PARAM_STRING;
}

/* None is 0. */
static bool is_number_of_torch(const Param *p)
{
    return p->type == PARAM_DTYPE || p->type == PARAM_DEVICE || p->type == PARAM_LAYOUT ||
           p->type == PARAM_MEMORY_FORMAT;
}

static const char *item_type(const Param *p)
{
    switch (p->type) {
    case PARAM_TENSOR:
        return p->is_list ? "aotc_op_tensors" : "aotc_op_tensor";
    case PARAM_FLOAT:
        return p->is_list ? "aotc_op_floats" : "double";
    case PARAM_SCALAR:
        return p->is_list ? "aotc_op_scalars" : "aotc_op_scalar";
    case PARAM_STRING:
        return p->is_list ? "aotc_op_strings" : "char";
    case PARAM_INT:
        return p->is_list ? "aotc_op_ints" : "int64_t";
    case PARAM_BOOL:
        return p->is_list ? "aotc_op_ints" : "int32_t";
    default:
        return "int32_t";
    }
}

static void put_parameter(Text *out, const Param *p, const char *name)
{
    bool is_pointer = is_reference(p) && !is_number_of_torch(p);
    text_printf(out, ", %s%s %s%s", is_pointer ? "const " : "", item_type(p), is_pointer ? "*" : "",
                name);
}

static const char *parameter_name(Arena *arena, const char *name)
{
    bool is_taken = emit_is_c_word(name) || !strcmp(name, "op") || !strncmp(name, "result", 6) ||
                    !strncmp(name, "aotc_op_", 8);
    return is_taken ? arena_printf(arena, "%s_", name) : name;
}

void custom_signature(Text *out, const OpSchema *schema, bool is_cuda)
{
    Arena *arena = out->arena;
    text_printf(out, "int32_t %s(const aotc_op *op", custom_function_name(arena, schema, is_cuda));
    for (int i = 0; i < schema->n_params; i++)
        put_parameter(out, &schema->params[i], parameter_name(arena, schema->params[i].name));
    for (int i = 0; i < schema->n_returns; i++)
        if (!schema->returns[i].alias)
            put_parameter(out, &schema->returns[i],
                          schema->n_returns > 1 ? arena_printf(arena, "result%d", i) : "result");
    text_putc(out, ')');
}

const char *custom_header(Arena *arena, const OpSchema *const *schemas, int n)
{
    Text t = text_new(arena);
    text_put(&t,
             "/* The functions that the operators' schemas ask for. */\n#include \"aotc_op.h\"\n\n"
             "#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
    for (int i = 0; i < n; i++) {
        text_printf(&t, "\n/* %s */\n", schemas[i]->text);
        for (int is_cuda = 0; is_cuda < 2; is_cuda++) {
            custom_signature(&t, schemas[i], is_cuda);
            text_put(&t, ";\n");
        }
    }
    text_put(&t, "\n#ifdef __cplusplus\n}\n#endif\n");
    return t.data;
}

/* ---- one call -------------------------------------------------------------------------------- */

typedef struct CustomPrinter {
    Emit             *e;
    const Kernel     *k;
    Text              declared, filled, arguments;
    int               n_data, n_numbers, n_reals; /* places in the struct so far */
    int               n_names;
    const CustomItem *at;
} CustomPrinter;

static const char *new_name(CustomPrinter *c)
{
    return arena_printf(c->e->arena, "v%d", c->n_names++);
}

static int add_number(CustomPrinter *c, const Expr *value)
{
    text_printf(&c->filled, "    args.n[%d] = %s;\n", c->n_numbers, emit_expr(c->e, value));
    return c->n_numbers++;
}

static int add_real(CustomPrinter *c, const CustomItem *item)
{
    const char *value =
        item->number ? emit_expr(c->e, item->number) : c_const(c->e->arena, DT_F64, 0, item->real);
    text_printf(&c->filled, "    args.x[%d] = %s;\n", c->n_reals, value);
    return c->n_reals++;
}

static const char *dtype_constant(Arena *arena, DType dtype)
{
    char *name = arena_printf(arena, "AOTC_OP_%s", dtype_name(dtype));
    for (char *p = name; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    return name;
}

static const char *print_tensor(CustomPrinter *c, const CustomItem *item)
{
    Arena      *arena = c->e->arena;
    ExprPool   *p = c->e->exprs;
    int         rank = item->tensor.n, sizes = c->n_numbers;
    const char *name = new_name(c);
    text_printf(&c->filled, "    args.data[%d] = (void *)(%s);\n", c->n_data,
                emit_load_operand_base(c->e, &item->tensor));
    for (int d = 0; d < rank; d++)
        add_number(c, item->sizes[d]);
    for (int d = 0; d < rank; d++)
        add_number(c, expr_product(p, item->sizes + d + 1, rank - d - 1));
    int numel = add_number(c, expr_product(p, item->sizes, rank));
    text_printf(&c->declared,
                "    const aotc_op_tensor %s = {a->data[%d], a->n + %d, a->n + %d, a->n[%d], %d, "
                "%s};\n",
                name, c->n_data++, sizes, sizes + rank, numel, rank,
                dtype_constant(arena, item->tensor.buffer->dtype));
    return arena_printf(arena, "&%s", name);
}

static const char *print_scalar(CustomPrinter *c, const CustomItem *item)
{
    Arena *arena = c->e->arena;
    if (item->kind == CUSTOM_FLOAT) {
        int at = add_real(c, item);
        return arena_printf(arena, "{a->x[%d], (int64_t)a->x[%d], AOTC_OP_IS_FLOAT}", at, at);
    }
    int at = add_number(c, item->number);
    return arena_printf(arena, "{(double)a->n[%d], a->n[%d], %s}", at, at,
                        item->number->type == EXPR_TYPE_BOOL ? "AOTC_OP_IS_BOOL"
                                                             : "AOTC_OP_IS_INT");
}

/* The C expression of one value that is no list; scalars are initializers of their struct. */
static const char *print_value(CustomPrinter *c, const CustomItem *item, const Param *p)
{
    Arena *arena = c->e->arena;
    if (item->kind == CUSTOM_NONE)
        return "0";
    if (item->kind == CUSTOM_TENSOR)
        return print_tensor(c, item);
    if (item->kind == CUSTOM_STRING)
        return c_string(arena, item->string);
    if (item->kind == CUSTOM_DTYPE)
        return dtype_constant(arena, item->dtype);
    if (p->type == PARAM_SCALAR)
        return print_scalar(c, item);
    if (item->kind == CUSTOM_FLOAT)
        return arena_printf(arena, "a->x[%d]", add_real(c, item));
    return arena_printf(arena, "a->n[%d]", add_number(c, item->number));
}

static const char *declare(CustomPrinter *c, const char *type, const char *value)
{
    const char *name = new_name(c);
    text_printf(&c->declared, "    const %s %s = %s;\n", type, name, value);
    return arena_printf(c->e->arena, "&%s", name);
}

static const char *element_type(const Param *p)
{
    return p->type == PARAM_TENSOR   ? "aotc_op_tensor *const"
           : p->type == PARAM_FLOAT  ? "double"
           : p->type == PARAM_STRING ? "char *const"
           : p->type == PARAM_SCALAR ? "aotc_op_scalar"
                                     : "int64_t";
}

static const char *print_list(CustomPrinter *c, const CustomItem *list, const Param *p)
{
    Text        items = text_new(c->e->arena);
    const char *name;
    for (int i = 0; i < list->n; i++)
        text_printf(&items, "%s%s", i ? ", " : "", print_value(c, c->at++, p));
    name = new_name(c);
    text_printf(&c->declared, "    const %s %s[] = {%s};\n", element_type(p), name,
                list->n                   ? items.data
                : p->type == PARAM_SCALAR ? "{0}"
                                          : "0");
    return declare(c, item_type(p), arena_printf(c->e->arena, "{%s, %d}", name, list->n));
}

static void print_argument(CustomPrinter *c, const Param *p)
{
    const CustomItem *item = c->at++;
    const char       *value =
        item->kind == CUSTOM_LIST ? print_list(c, item, p) : print_value(c, item, p);
    bool by_value = item->kind == CUSTOM_LIST || item->kind == CUSTOM_NONE ||
                    p->type == PARAM_TENSOR || p->type == PARAM_STRING || is_number_of_torch(p);
    if (!by_value && is_reference(p))
        value = declare(c, item_type(p), value);
    text_printf(&c->arguments, ", %s", value);
}

static void print_call_function(CustomPrinter *c, const char *name)
{
    Emit           *e = c->e;
    const OpSchema *schema = c->k->custom.schema;
    bool            is_cuda = e->device == EMIT_CUDA;
    Text            t = text_new(e->arena);
    text_printf(&t,
                "typedef struct %s_args {\n    void *data[%d];\n    int64_t n[%d];\n"
                "    double x[%d];\n} %s_args;\n\n",
                name, c->n_data + 1, c->n_numbers + 1, c->n_reals + 1, name);
    text_printf(&t,
                "static int32_t %s_call(void *stream, char *message, uint64_t message_bytes, const "
                "void *args)\n{\n    const %s_args *a = args;\n%s",
                name, name, c->declared.data);
    text_printf(&t,
                "    const aotc_op op = {sizeof op, %s, %s, stream, message, message_bytes};\n"
                "    return %s(&op%s);\n}\n",
                is_cuda ? "AOTC_OP_CUDA" : "AOTC_OP_CPU", c_string(e->arena, schema->name),
                custom_function_name(e->arena, schema, is_cuda), c->arguments.data);
    emit_need_runtime(e, name, t.data);
}

/* What a file with such kernels holds before them. */
static void need_prototype(Emit *e, const OpSchema *schema)
{
    bool is_cuda = e->device == EMIT_CUDA;
    Text t = text_new(e->arena);
    emit_need_runtime(e, "aotc_op", emit_text_op_abi);
    if (!is_cuda)
        need_text(e, "operator");
    text_printf(&t, "/* %s */\n", schema->text);
    custom_signature(&t, schema, is_cuda);
    text_put(&t, ";\n");
    emit_need_runtime(e, custom_function_name(e->arena, schema, is_cuda), t.data);
}

const char *emit_custom_call(Emit *e, const Kernel *k)
{
    const Custom *custom = &k->custom;
    const char   *name = emit_kernel_name(e, k);
    CustomPrinter c = {.e = e,
                       .k = k,
                       .declared = text_new(e->arena),
                       .filled = text_new(e->arena),
                       .arguments = text_new(e->arena),
                       .at = custom->items};
    need_prototype(e, custom->schema);
    for (int i = 0; i < custom->schema->n_params; i++)
        print_argument(&c, &custom->schema->params[i]);
    for (int i = 0; i < custom->schema->n_returns; i++)
        if (!custom->schema->returns[i].alias)
            print_argument(&c, &custom->schema->returns[i]);
    print_call_function(&c, name);
    return arena_printf(e->arena, "    %s_args args;\n    memset(&args, 0, sizeof args);\n%s", name,
                        c.filled.data);
}

Error *emit_custom(Emit *e, const Kernel *k)
{
    const char *filled = emit_custom_call(e, k);
    emit_kernel_open(e, k);
    text_put(e->out, "    if (thread != 0)\n        return;\n");
    text_printf(e->out, "%s    aotc_call_operator(f, %d, %s_call, &args);\n}\n\n", filled,
                emit_kernel_index(e, k), emit_kernel_name(e, k));
    return NULL;
}
