/* See op_stub.h.
 *
 *   // mylib.f.default, 2 times, first in model.py:41  y = f(x)
 *   //   x       f32[s0,4]
 *   //   result  f32[s0,4]
 *   // Guessed from that call; PyTorch knows: print(torch.ops.mylib.f.default._schema)
 *   // aotc-op: mylib::f(Tensor x) -> Tensor
 *   int32_t mylib_f(const aotc_op *op, const aotc_op_tensor *x, const aotc_op_tensor *result)
 *   { … } */
#include "aotc/op_stub.h"

#include "emit_c/custom.h"
#include "ir/ops.h"

#include <string.h>

/* Texts of the model must not end the comment. */
static void put_comment(Text *out, const char *text)
{
    for (const char *p = text; *p; p++)
        text_putc(out, (p[0] == '*' && p[1] == '/') || (p[0] == '/' && p[1] == '*') || *p == '\n'
                           ? ' '
                           : *p);
}

static void put_tensor(Text *out, const char *name, const Value *value)
{
    if (value->kind == VALUE_TENSOR)
        text_printf(out, " *   %-12s %s\n", name, tensor_type_text(out->arena, &value->type));
}

/* The types of the first call: what the function will be given. */
static void put_types(Text *out, const Node *node, const OpSchema *schema)
{
    bool is_as_called = node->schema == schema && node->n_args == schema->n_params;
    for (int i = 0; i < node->n_args && is_as_called; i++)
        if (node->args[i].kind == ARG_VALUE)
            put_tensor(out, schema->params[i].name, node->args[i].value);
    for (int i = 0; i < node->n_results && is_as_called; i++)
        put_tensor(out, node->n_results > 1 ? arena_printf(out->arena, "result%d", i) : "result",
                   node->results[i]);
}

static void put_head(Text *out, const UnsupportedOp *op, const OpSchema *schema)
{
    text_printf(out, "\n/* %s, %d time%s", op->name, op->times, op->times == 1 ? "" : "s");
    if (op->node->where.python) {
        text_put(out, ", first in ");
        put_comment(out, op->node->where.python);
    }
    text_putc(out, '\n');
    if (schema)
        put_types(out, op->node, schema);
}

static void put_function(Text *out, const OpSchema *schema, bool is_cuda)
{
    custom_signature(out, schema, is_cuda);
    text_put(out, "\n{\n    snprintf(op->message, op->message_bytes, \"%s is not written yet\", "
                  "op->name);\n    return 1;\n}\n");
}

static void put_operator(Text *out, const UnsupportedOp *op, bool is_cuda)
{
    const OpSchema *schema = called_schema(op->node);
    put_head(out, op, schema);
    const char *problem =
        !schema ? "no function can stand for it" : custom_op_problem(out->arena, schema);
    if (problem) {
        text_printf(out, " * It cannot be a custom operator: %s. */\n", problem);
        return;
    }
    if (schema->is_guessed)
        text_printf(out, " * Guessed from that call; PyTorch knows: print(torch.ops.%s._schema)\n",
                    schema->name);
    text_printf(out, " * aotc-op: %s */\n", schema->text);
    put_function(out, schema, is_cuda);
}

void op_stub_print(Text *out, const UnsupportedOp *ops, int n, const char *model,
                   const char *target, bool is_cuda)
{
    const char *file = is_cuda ? "ops.cu" : "ops.c";
    text_put(out, "/* Operators that ");
    put_comment(out, model);
    text_printf(out,
                " needs and aotc does not have.  Fill them in, in %s, then:\n *\n"
                " *   aotc ",
                file);
    put_comment(out, model);
    text_printf(out,
                " -o OUT.pt2pkg%s%s --op-source %s\n *\n"
                " * docs/custom-operators.md says what the functions get and give. */\n"
                "#include \"aotc_op.h\"\n\n#include <stdio.h>\n",
                target ? " --target=" : "", target ? target : "", file);
    for (int i = 0; i < n; i++)
        put_operator(out, &ops[i], is_cuda);
}
