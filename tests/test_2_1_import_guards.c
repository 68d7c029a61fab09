/* The importer: real exports from tests/fixtures, small programs written here for each rule of the
 * format, and hostile JSON (every value of an export replaced in turn, cuts), which must give an
 * Error and nothing worse.
 *
 * Run from the repository root, or with AOTC_FIXTURES set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ir/import.h"
#include "ir/schema.h"
#include "package/archive_read.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Arena   *arena;
static Archive *archive;

static int setup(void **state)
{
    (void)state;
    arena = arena_create(NULL);
    archive = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    archive_close(archive);
    arena_destroy(arena);
    return 0;
}

static void check_error(Error *error)
{
    if (error)
        fail_msg("%s", error_text(arena, error));
}

static ImportSource open_fixture(const char *name)
{
    const char  *folder = getenv("AOTC_FIXTURES");
    ImportSource source;
    check_error(archive_open(
        arena, arena_printf(arena, "%s/%s.pt2", folder ? folder : "tests/fixtures", name), NULL,
        &archive));
    check_error(archive_load(archive, NULL, &source));
    return source;
}

static Graph *import_fixture(const char *name)
{
    ImportSource source = open_fixture(name);
    Graph       *graph = NULL;
    check_error(graph_import(ir_create(arena, name), &source, &graph));
    return graph;
}

static Node *find_node(const Graph *graph, const char *name)
{
    for (Node *n = graph->first; n; n = n->next)
        if (!strcmp(n->name, name))
            return n;
    fail_msg("no node %s", name);
    return NULL;
}

static int count_nodes(const Graph *graph, const char *op)
{
    int count = 0;
    for (Node *n = graph->first; n; n = n->next)
        count += !op || !strcmp(n->schema->name, op);
    return count;
}

#define assert_type(value, text) assert_string_equal(tensor_type_text(arena, &(value)->type), text)
#define assert_expr(expr, text) assert_string_equal(expr_text(arena, expr), text)

/* ---- real exports ---------------------------------------------------------------------------- */

static void pitfalls_inputs_and_constants(void **state)
{
    (void)state;
    Graph *g = import_fixture("pitfalls");
    assert_string_equal(g->dialect, "TRAINING");
    assert_int_equal(g->n_inputs, 3);
    assert_type(g->inputs[0].value, "f32[2*s39,s27]");
    assert_int_equal(g->inputs[2].value->kind, VALUE_SCALAR);
    assert_string_equal(g->inputs[2].value->symbol->name, "s86");
    /* p and q are tied: one constant, first name kept */
    assert_int_equal(g->constants.n, 3);
    assert_int_equal(g->storages.n, 3);
    assert_string_equal(g->constants.items[0]->fqn, "p");
    assert_int_equal(g->storages.items[0]->size_bytes, 96);
    /* transposed, not persistent */
    const Constant *t = g->constants.items[1];
    assert_int_equal(t->kind, CONSTANT_BUFFER);
    assert_false(t->persistent);
    assert_true(expr_is_value(t->value->type.strides[0], 1) &&
                expr_is_value(t->value->type.strides[1], 4));
    /* no elements */
    assert_int_equal(g->storages.items[g->constants.items[2]->storage]->size_bytes, 0);
    /* the square of the tied parameter uses one value twice */
    const Node *square = find_node(g, "mul_1");
    assert_ptr_equal(square->args[0].value, square->args[1].value);
}

static void pitfalls_symbols(void **state)
{
    (void)state;
    Graph  *g = import_fixture("pitfalls");
    Symbol *h = expr_symbol_find(g->ir->exprs, "s39"), *u = expr_symbol_find(g->ir->exprs, "u0");
    assert_int_equal(h->min, 2);
    assert_int_equal(h->max, 100);
    assert_true(h->hint == 4 && isnan(u->hint));
    assert_int_equal(u->kind, SYM_UNBACKED);
    assert_int_equal(u->min, 0);
    assert_int_equal(u->max, 8);
    assert_ptr_equal(find_node(g, "item")->results[0]->symbol, u);
    assert_type(find_node(g, "zeros")->results[0], "f32[u0,s27]");
    assert_int_equal(count_nodes(g, "aten._assert_scalar.default"), 2);
    /* symbolic arithmetic is no node */
    assert_int_equal(count_nodes(g, "aten.sym_size.int"), 0);
    assert_expr(find_node(g, "reshape")->args[1].items[1].expr, "2*s27");
}

static void pitfalls_arguments(void **state)
{
    (void)state;
    Graph  *g = import_fixture("pitfalls");
    int64_t end;
    assert_true(isinf(node_arg(find_node(g, "clamp"), "min")->number));
    assert_int_equal(node_arg(find_node(g, "clamp"), "max")->kind, ARG_NONE);
    const Node *slice = find_node(g, "slice_2");
    assert_true(expr_is_int(node_arg(slice, "end")->expr, &end) && end == INT64_MAX);
    assert_int_equal(node_int(slice, "step"), 1); /* the default */
    assert_string_equal(find_node(g, "item")->where.python,
                        "make_fixtures.py:39  count = y.item()");
    assert_int_equal(g->n_outputs, 12);
    assert_int_equal(g->outputs[10].arg.kind, ARG_NONE);
    assert_expr(g->outputs[11].arg.expr, "2*s39");
}

static void pitfalls_guards(void **state)
{
    (void)state;
    Graph *g = import_fixture("pitfalls");
    assert_true(g->guards.n >= 15);
    for (int i = 0; i < g->guards.n; i++)
        assert_non_null(g->guards.items[i].expr);
    const Guard *last = &g->guards.items[g->guards.n - 1];
    assert_string_equal(last->text, "max(1, (-3) + L['x'].size()[0]) != 1");
    assert_expr(last->expr, "s39 != 2");
}

static void mutations_of_both_dialects(void **state)
{
    (void)state;
    Graph *aten = import_fixture("mutation_aten");
    assert_string_equal(aten->dialect, "ATEN");
    assert_int_equal(aten->mutations.n, 1);
    assert_string_equal(aten->mutations.items[0].constant->fqn, "calls");
    assert_true(aten->mutations.items[0].constant->is_mutated);
    assert_ptr_equal(aten->mutations.items[0].value, find_node(aten, "add")->results[0]);
    assert_non_null(aten->inputs[0].mutated_to);
    assert_int_equal(aten->n_outputs, 1);
    archive_close(archive);
    Graph *training = import_fixture("mutation_train");
    assert_int_equal(training->mutations.n, 0);
    assert_null(training->inputs[0].mutated_to);
    assert_int_equal(count_nodes(training, "aten.add_.Tensor"), 1);
    assert_string_equal(find_node(training, "linear")->module, "lin");
}

static void unbacked_sizes(void **state)
{
    (void)state;
    Graph *g = import_fixture("unbacked_aten");
    assert_type(find_node(g, "nonzero")->results[0], "i64[u0,2]");
    assert_int_equal(expr_symbol_find(g->ir->exprs, "u0")->max, 12);
    assert_int_equal(find_node(g, "_local_scalar_dense")->results[0]->kind, VALUE_SCALAR);
    assert_expr(g->outputs[3].arg.expr, "u0");
    assert_int_equal(count_nodes(g, "aten._assert_tensor_metadata.default"), 1);
}

static void literal_inputs_and_paths(void **state)
{
    (void)state;
    Graph *g = import_fixture("inputs");
    assert_int_equal(g->n_inputs, 10);
    assert_int_equal(g->inputs[4].kind, INPUT_LITERAL);
    assert_true(expr_is_value(g->inputs[4].literal.expr, 3));
    assert_string_equal(g->inputs[5].literal.string, "twice");
    assert_true(g->inputs[8].literal.number == 2.5);
    assert_int_equal(g->inputs[9].literal.kind, ARG_NONE);
    assert_int_equal(g->guards.n, 1);
    assert_non_null(g->guards.items[0].expr); /* L['pair'][0].size()[0] == L['pair'][1].size()[0] */
}

static void subgraphs(void **state)
{
    (void)state;
    Graph      *g = import_fixture("while_loop");
    const Node *loop = g->first;
    assert_string_equal(loop->schema->name, "higher_order.while_loop");
    assert_int_equal(loop->n_args, 4);
    assert_int_equal(loop->args[1].kind, ARG_GRAPH);
    assert_ptr_equal(loop->args[1].graph->parent, g);
    assert_int_equal(loop->args[1].graph->n_outputs, 2);
    assert_int_equal(loop->args[3].n_items, 0);
    assert_int_equal(loop->n_results, 2);
    assert_type(loop->results[1], "f32[3]");
    archive_close(archive);
    g = import_fixture("cond");
    assert_expr(g->first->args[0].expr, "4 < s77");
    assert_int_equal(g->first->args[0].kind, ARG_BOOL);
    assert_expr(g->first->args[1].graph->first->args[1].expr,
                "s77"); /* x + x.shape[0]: a symbol of the outer graph */
    archive_close(archive);
    g = import_fixture("regions");
    assert_int_equal(count_nodes(g, "higher_order.wrap_with_autocast"), 1);
}

static void symbolic_scalars(void **state)
{
    (void)state;
    Graph *g = import_fixture("scalars");
    assert_int_equal(count_nodes(g, NULL), 3);
    const Arg *size = &find_node(g, "new_zeros")->args[1];
    assert_expr(size->items[0].expr, "min(s86 + 1, max(s77 // 3, 2))");
    assert_int_equal(find_node(g, "mul")->args[1].kind, ARG_FLOAT);
}

/* ---- programs written here ------------------------------------------------------------------- */

/* Parts of a program over inputs x: f32[s0,4] and y: f32[4]; NULL takes what stands in
 * default_parts. */
typedef struct Parts {
    const char *nodes, *outputs, *output_specs, *tensors, *sym_ints, *ranges, *guards, *version,
        *input, *input_spec;
} Parts;

#define META(sizes, strides)                                                                       \
    "{\"dtype\":7,\"sizes\":[" sizes "],\"strides\":[" strides "],\"requires_grad\":false,"        \
    "\"device\":{\"type\":\"cpu\",\"index\":null},\"storage_offset\":{\"as_int\":0},\"layout\":7," \
    "\"new_key\":[1]}"
#define INT(n) "{\"as_int\":" #n "}"
#define S0                                                                                         \
    "{\"as_expr\":{\"expr_str\":\"Symbol('s0', positive=True, "                                    \
    "integer=True)\",\"hint\":{\"as_int\":6}}}"
#define TENSOR(name) "{\"as_tensor\":{\"name\":\"" name "\"}}"
#define ARG(name, arg) "{\"name\":\"" name "\",\"arg\":" arg ",\"kind\":null}"
#define NODE(target, inputs, outputs)                                                              \
    "{\"target\":\"" target "\",\"inputs\":[" inputs "],\"outputs\":[" outputs "],"                \
    "\"metadata\":{\"stack_trace\":\"File \\\"/a/b/model.py\\\", line 7, in forward\\n    z = "    \
    "f(x)\"}}"
#define RELU NODE("torch.ops.aten.relu.default", ARG("self", TENSOR("x")), TENSOR("z"))

static const Parts default_parts = {
    .nodes = RELU,
    .outputs = TENSOR("z"),
    .output_specs = "{\"user_output\":{\"arg\":" TENSOR("z") "}}",
    .tensors = "\"z\":" META(S0 "," INT(4), INT(4) "," INT(1)),
    .sym_ints = "\"n\":" S0,
    .ranges = "\"s0\":{\"min_val\":2,\"max_val\":100}",
    .guards = "",
    .version = "8",
    .input = TENSOR("y"),
    .input_spec = "{\"user_input\":{\"arg\":" TENSOR("y") "}}",
};

#define PART(name) (parts.name ? parts.name : default_parts.name)

static const char *program_text(Parts parts)
{
    return arena_printf(
        arena,
        "{\"schema_version\":{\"major\":%s,\"minor\":99},\"verifiers\":[\"ATEN\"],\"torch_"
        "version\":\"2.13\","
        "\"range_constraints\":{%s},\"guards_code\":[%s],\"graph_module\":{\"signature\":{\"input_"
        "specs\":["
        "{\"user_input\":{\"arg\":" TENSOR(
            "x") "}},%s],\"output_specs\":[%s]},\"graph\":{"
                 "\"inputs\":[" TENSOR(
                     "x") ",%s],\"outputs\":[%s],"
                          "\"nodes\":[%s],"
                          "\"tensor_values\":{"
                          "\"x\":" META(
                              S0 "," INT(4),
                              INT(4) "," INT(1)) ",\"y\""
                                                 ":" META(INT(4),
                                                          INT(1)) ",%s},\"sym_int_values\":{%s}}}}",
        PART(version), PART(ranges), PART(guards), PART(input_spec), PART(output_specs),
        PART(input), PART(outputs), PART(nodes), PART(tensors), PART(sym_ints));
}

static Error *import_text(const char *json, size_t n, Graph **out)
{
    ImportSource source = {.file = "t.json", .json = json, .json_bytes = n};
    return graph_import(ir_create(arena, "t.json"), &source, out);
}

static Graph *import_parts(Parts parts)
{
    Graph      *graph = NULL;
    const char *text = program_text(parts);
    check_error(import_text(text, strlen(text), &graph));
    return graph;
}

/* The import fails with this code and a text that holds `words`. */
static void assert_refused(Parts parts, ErrorCode code, const char *words)
{
    Graph      *graph = NULL;
    const char *text = program_text(parts);
    Error      *error = import_text(text, strlen(text), &graph);
    assert_non_null(error);
    const char *shown = error_text(arena, error);
    if (error->code != code || !strstr(shown, words))
        fail_msg("expected %s with \"%s\", got %s:\n%s", error_code_name(code), words,
                 error_code_name(error->code), shown);
}

static void defaults_and_order_of_arguments(void **state)
{
    (void)state;
    Graph *g =
        import_parts((Parts){.nodes = NODE("torch.ops.aten.add.Tensor",
                                           ARG("alpha", "{\"as_int\":2}") "," ARG(
                                               "other", TENSOR("y")) "," ARG("self", TENSOR("x")),
                                           TENSOR("z"))});
    assert_string_equal(g->first->args[0].value->name, "x");
    assert_string_equal(g->first->args[1].value->name, "y");
    assert_int_equal(node_int(g->first, "alpha"), 2);
    assert_string_equal(g->first->name, "z"); /* the node has no name: its result's */
    assert_string_equal(g->first->where.python, "model.py:7  z = f(x)");
    assert_refused(
        (Parts){.nodes = NODE("torch.ops.aten.add.Tensor", ARG("self", TENSOR("x")), TENSOR("z"))},
        E_VALUE, "needs argument \"other\"");
    assert_refused(
        (Parts){.nodes = NODE("torch.ops.aten.relu.default",
                              ARG("self", TENSOR("x")) "," ARG("self", TENSOR("x")), TENSOR("z"))},
        E_FORMAT, "given twice");
    assert_refused((Parts){.nodes = NODE("torch.ops.aten.relu.default", ARG("selff", TENSOR("x")),
                                         TENSOR("z"))},
                   E_VALUE, "no parameter \"selff\"");
}

static void numbers_fit_their_parameters(void **state)
{
    (void)state;
    Graph *g = import_parts((Parts){
        .nodes = NODE("torch.ops.aten.elu.default",
                      ARG("self", TENSOR("x")) "," ARG("alpha", "{\"as_int\":2}") "," ARG(
                          "scale", "{\"as_float\":\"-Infinity\"}") "," ARG("input_scale",
                                                                           "{\"as_float\":NaN}"),
                      TENSOR("z"))});
    assert_true(node_float(g->first, "alpha") == 2);
    assert_true(node_float(g->first, "scale") == -INFINITY);
    assert_true(isnan(node_float(g->first, "input_scale")));
    g = import_parts(
        (Parts){.nodes = NODE("torch.ops.aten.dropout.default",
                              ARG("input", TENSOR("x")) "," ARG("p", "{\"as_int\":1}") "," ARG(
                                  "train", "{\"as_bool\":false}"),
                              TENSOR("z"))});
    assert_int_equal(node_arg(g->first, "p")->kind, ARG_FLOAT);
    assert_true(node_arg(g->first, "p")->number == 1);
    g = import_parts(
        (Parts){.nodes = NODE("torch.ops.aten.avg_pool2d.default",
                              ARG("self", TENSOR("x")) "," ARG("kernel_size", "{\"as_int\":3}"),
                              TENSOR("z"))});
    assert_int_equal(node_arg(g->first, "kernel_size")->n_items, 2);
    assert_refused((Parts){.nodes = NODE("torch.ops.aten.unsqueeze.default",
                                         ARG("self", TENSOR("x")) "," ARG(
                                             "dim", "{\"as_int\":99999999999999999999}"),
                                         TENSOR("z"))},
                   E_LIMIT, "does not fit a 64-bit integer");
    assert_refused(
        (Parts){.nodes = NODE("torch.ops.aten.unsqueeze.default",
                              ARG("self", TENSOR("x")) "," ARG("dim", "{\"as_float\":1.5}"),
                              TENSOR("z"))},
        E_VALUE, "does not take a float");
}

static void unknown_argument_kind_is_named(void **state)
{
    (void)state;
    assert_refused((Parts){.nodes = NODE("torch.ops.aten.relu.default",
                                         ARG("self", "{\"as_hologram\":1}"), TENSOR("z"))},
                   E_UNSUPPORTED, "as_hologram");
    assert_refused(
        (Parts){.nodes = NODE("torch.ops.aten.relu.default",
                              ARG("self", "{\"as_none\":true,\"as_int\":1}"), TENSOR("z"))},
        E_FORMAT, "exactly one key");
}

/* The passes refuse them, all in one table: tests/test_custom.c. */
static void undeclared_operators_get_a_schema(void **state)
{
    (void)state;
    Parts parts = {
        .nodes = NODE("torch.ops.mylib.foo.default", ARG("a", TENSOR("x")), TENSOR("a")) "," NODE(
            "torch._functorch.predispatch._add_batch_dim",
            ARG("a", TENSOR("x")) "," ARG("", "{\"as_ints\":[1,2]}"),
            TENSOR("b")) "," NODE("torch.ops.mylib.foo.default", ARG("a", TENSOR("a")),
                                  TENSOR("z")),
        .tensors = "\"a\":" META(INT(4), INT(1)) ",\"b\":" META(INT(4), INT(1)) ",\"z\":" META(
            INT(4), INT(1)),
    };
    const Node *n = import_parts(parts)->first;
    assert_string_equal(n->schema->text, "mylib::foo(Tensor a) -> Tensor");
    assert_true(n->schema->is_guessed && node_has_effect(n) && !n->op);
    assert_string_equal(n->next->schema->text, "torch::_functorch.predispatch._add_batch_dim("
                                               "Tensor a, SymInt[] arg1) -> Tensor");
    parts.nodes = NODE("torch.ops.mylib.foo.default", ARG("a", "{\"as_hologram\":1}"), TENSOR("z"));
    assert_refused(parts, E_UNSUPPORTED, "as_hologram");
    parts.nodes = NODE("foo", ARG("a", TENSOR("x")), TENSOR("z"));
    assert_refused(parts, E_UNSUPPORTED, "\"foo\" is no operator");
}

static void names_are_checked(void **state)
{
    (void)state;
    assert_refused((Parts){.nodes = NODE("torch.ops.aten.relu.default", ARG("self", TENSOR("q")),
                                         TENSOR("z"))},
                   E_FORMAT, "before it is defined");
    assert_refused((Parts){.nodes = RELU "," RELU}, E_FORMAT, "defined twice");
    assert_refused((Parts){.tensors = "\"w\":" META(INT(4), INT(1))}, E_FORMAT,
                   "tensor_values has no \"z\"");
    assert_refused((Parts){.output_specs = ""}, E_FORMAT, "0 output specs for 1");
}

static void versions_and_kinds_are_refused_by_name(void **state)
{
    (void)state;
    assert_refused((Parts){.version = "9"}, E_UNSUPPORTED, "export schema 9");
    assert_refused((Parts){.output_specs = "{\"loss_output\":{\"arg\":{\"name\":\"z\"}}}"},
                   E_UNSUPPORTED, "loss_output: this is an export for training");
    assert_refused((Parts){.output_specs = "{\"token\":{\"arg\":{\"name\":\"z\"}}}"}, E_UNSUPPORTED,
                   "kind token");
    assert_refused((Parts){.input_spec =
                               "{\"custom_obj\":{\"arg\":{\"name\":\"y\",\"class_fqn\":\"C\"},"
                               "\"custom_obj_name\":\"o\"}}"},
                   E_UNSUPPORTED, "kind custom_obj");
    assert_refused(
        (Parts){.input_spec =
                    "{\"parameter\":{\"arg\":{\"name\":\"y\"},\"parameter_name\":\"lin.w\"}}"},
        E_FORMAT, "no bytes for \"lin.w\"");
    assert_refused(
        (Parts){.nodes =
                    NODE("torch.ops.aten.relu.default",
                         ARG("self", "{\"as_custom_obj\":{\"name\":\"o\",\"class_fqn\":\"a.B\"}}"),
                         TENSOR("z"))},
        E_UNSUPPORTED, "class a.B");
}

static void tensors_are_checked(void **state)
{
    (void)state;
    assert_refused(
        (Parts){.tensors =
                    "\"z\":{\"dtype\":7,\"sizes\":[],\"strides\":[],\"device\":{\"type\":\"cpu\"},"
                    "\"storage_offset\":{\"as_int\":0},\"layout\":2}"},
        E_UNSUPPORTED, "only strided");
    assert_refused((Parts){.tensors = "\"z\":{\"dtype\":31,\"sizes\":[]}"}, E_UNSUPPORTED,
                   "float8_e4m3fnuz");
    assert_refused((Parts){.tensors = "\"z\":" META(INT(4) "," INT(4), INT(4))}, E_FORMAT,
                   "1 strides");
    assert_refused((Parts){.tensors = "\"z\":" META(INT(-4), INT(1))}, E_FORMAT, "-4");
    assert_refused((Parts){.tensors = "\"z\":" META(INT(4611686018427387904), INT(1))}, E_LIMIT,
                   "2^63");
    assert_refused(
        (Parts){.tensors = "\"z\":" META("{\"as_expr\":{\"expr_str\":\"Nope(1)\"}}", INT(1))},
        E_UNSUPPORTED, "Nope");
}

static void results_are_flattened(void **state)
{
    (void)state;
    Graph *g = import_parts((Parts){
        .nodes = NODE("torch.ops.aten.unbind.int", ARG("self", TENSOR("y")), "{\"as_tensors\":[{\"name\":\"z\"},{\"name\":\"b\"}]}") "," NODE(
            "torch.ops.aten.native_layer_norm_backward.default",
            ARG("grad_out", TENSOR("x")) "," ARG("input", TENSOR("x")) "," ARG("normalized_shape", "{\"as_ints\":[4]}") "," ARG(
                "mean",
                TENSOR(
                    "y")) "," ARG("rstd",
                                  TENSOR(
                                      "y")) "," ARG("weight",
                                                    "{\"as_none\":true}") "," ARG("bias",
                                                                                  "{\"as_none\":"
                                                                                  "true}") "," ARG("output_mask",
                                                                                                   "{\"as_bools\":[true,false,false]}"),
            TENSOR("c") ",{\"as_none\":true},{\"as_none\":true}"),
        .tensors = "\"z\":" META("", "") ",\"b\":" META("", "") ",\"c\":" META(INT(4), INT(1))});
    assert_int_equal(g->first->n_results, 2);
    assert_string_equal(g->first->results[1]->name, "b");
    assert_ptr_equal(g->first->results[1]->def, g->first);
    assert_int_equal(g->last->n_results, 3);
    assert_int_equal(g->last->results[2]->kind, VALUE_NONE);
    g = import_parts((Parts){
        .nodes =
            NODE("torch.ops.aten.index.Tensor",
                 ARG("self", TENSOR("x")) "," ARG(
                     "indices", "{\"as_optional_tensors\":[{\"as_none\":true}," TENSOR("y") "]}"),
                 TENSOR("z"))});
    assert_int_equal(g->first->args[1].items[0].kind, ARG_NONE);
    assert_string_equal(g->first->args[1].items[1].value->name, "y");
}

static void ranges_become_symbols_and_guards(void **state)
{
    (void)state;
    Graph *g = import_parts(
        (Parts){.ranges = "\"s0\":{\"min_val\":2,\"max_val\":99999999999999999999999},\"2*s0\":{"
                          "\"min_val\":4,\"max_val\":200},"
                          "\"u7\":{\"min_val\":-99999999999999999999,\"max_val\":null}"});
    assert_int_equal(expr_symbol_find(g->ir->exprs, "s0")->max, INT64_MAX);
    assert_int_equal(expr_symbol_find(g->ir->exprs, "u7")->min, INT64_MIN);
    assert_int_equal(g->guards.n, 1); /* 4 <= 2*s0 follows from 2 <= s0 */
    assert_expr(g->guards.items[0].expr, "s0 <= 100");
    assert_refused((Parts){.ranges = "\"s0\":{\"min_val\":5,\"max_val\":4}"}, E_FORMAT,
                   "empty range");
}

static void guards_are_never_dropped(void **state)
{
    (void)state;
    Graph *g = import_parts((Parts){
        .guards =
            "\"L['x'].size()[0] % 2 == 0\",\"L['zzz'].size()[0] == 1\",\"frobnicate(L['x'])\","
            "\"L['x'].size()[9] > 1\",\"L['x'].stride()[0] == 4\""});
    assert_int_equal(g->guards.n, 5);
    assert_expr(g->guards.items[0].expr, "(s0 % 2) == 0");
    assert_null(g->guards.items[1].expr);
    assert_null(g->guards.items[2].expr);
    assert_null(g->guards.items[3].expr);
    assert_expr(g->guards.items[4].expr, "True");
    assert_string_equal(g->guards.items[2].text, "frobnicate(L['x'])");
}

static void a_symbol_is_defined_once(void **state)
{
    (void)state;
#define ITEM(name)                                                                                 \
    NODE("torch.ops.aten.item.default", ARG("self", TENSOR("y")),                                  \
         "{\"as_sym_int\":{\"as_name\":\"" name "\"}}")
#define U0 "{\"as_expr\":{\"expr_str\":\"Symbol('u0', integer=True)\",\"hint\":null}}"
    Graph *g = import_parts(
        (Parts){.nodes = RELU "," ITEM("a") "," ITEM("b"), .sym_ints = "\"a\":" U0 ",\"b\":" U0});
    const Node *a = g->first->next, *b = a->next, *check = b->next;
    assert_string_equal(a->results[0]->symbol->name, "u0");
    assert_ptr_not_equal(a->results[0]->symbol, b->results[0]->symbol);
    assert_string_equal(check->schema->name, "aten._assert_scalar.default");
    assert_true(expr_contains(check->args[0].expr, b->results[0]->symbol));
    /* two int inputs of one symbol: the second is an equation */
    g = import_parts(
        (Parts){.input = "{\"as_sym_int\":{\"as_name\":\"n\"}}",
                .input_spec = "{\"user_input\":{\"arg\":{\"as_sym_int\":{\"as_name\":\"n\"}}}}",
                .sym_ints = "\"n\":{\"as_int\":5}"});
    assert_int_equal(g->guards.n, 1);
    assert_true(expr_contains(g->guards.items[0].expr, g->inputs[1].value->symbol));
    assert_int_equal(g->inputs[1].value->symbol->min, INT64_MIN);
}

static void symbolic_calls_without_a_stated_result(void **state)
{
    (void)state;
#define SYM(target, inputs, name)                                                                  \
    NODE(target, inputs, "{\"as_sym_int\":{\"as_name\":\"" name "\"}}")
#define NAME(name) "{\"as_sym_int\":{\"as_name\":\"" name "\"}}"
    Graph *g = import_parts((Parts){
        .nodes =
            SYM("torch.ops.aten.sym_size.int",
                ARG("self", TENSOR("x")) "," ARG("dim", "{\"as_int\":-2}"),
                "a") "," SYM("_operator.sub", ARG("a", NAME("a")) "," ARG("b", "{\"as_int\":3}"),
                             "b") "," SYM("_operator.floordiv",
                                          ARG("a", NAME("b")) "," ARG("b", "{\"as_int\":2}"),
                                          "c") "," SYM("_operator.gt",
                                                       ARG("a", NAME("a")) "," ARG("b", NAME("c")),
                                                       "d") "," RELU,
        .outputs = NAME("c"),
        .output_specs = "{\"user_output\":{\"arg\":" NAME("c") "}}",
        .sym_ints = ""});
    assert_int_equal(count_nodes(g, NULL), 1);
    const Expr *expected;
    check_error(expr_parse_infix(g->ir->exprs, "(s0 - 3) // 2", &expected));
    assert_ptr_equal(g->outputs[0].arg.expr, expected);
    assert_refused(
        (Parts){.nodes = SYM("_operator.matmul", ARG("a", TENSOR("x")), "a"), .sym_ints = ""},
        E_UNSUPPORTED, "cannot evaluate _operator.matmul");
}

static const char *nested_cond(int depth)
{
    const char *inner =
        "{\"inputs\":[],\"outputs\":[],\"nodes\":[],\"tensor_values\":{},\"sym_int_values\":{}}";
    for (int i = 0; i < depth; i++)
        inner = arena_printf(
            arena,
            "{\"inputs\":[],\"outputs\":[],\"nodes\":[{\"target\":\"torch.ops.higher_order.cond\","
            "\"inputs\":[{\"name\":\"\",\"arg\":{\"as_graph\":{\"name\":\"g\",\"graph\":%s}}}],"
            "\"outputs\":[],\"metadata\":{}}],\"tensor_values\":{},\"sym_int_values\":{}}",
            inner);
    return arena_printf(
        arena,
        RELU ",{\"target\":\"torch.ops.higher_order.cond\",\"inputs\":[{\"name\":\"\",\"arg\":"
             "{\"as_graph\":{\"name\":\"g\",\"graph\":%s}}}],\"outputs\":[],\"metadata\":{}}",
        inner);
}

static void subgraph_depth_is_limited(void **state)
{
    (void)state;
    import_parts((Parts){.nodes = nested_cond(60)});
    assert_refused((Parts){.nodes = nested_cond(70)}, E_LIMIT, "deeper than 64");
    assert_refused((Parts){.nodes = nested_cond(1000)}, E_FORMAT,
                   "not valid JSON"); /* the JSON reader's own limit */
}

/* ---- hostile JSON ---------------------------------------------------------------------------- */

/* Imports in an arena of its own; only the absence of crashes counts, and that an error has a text.
 */
static bool survives(const ImportSource *base, const char *json, size_t n)
{
    Arena       *scratch = arena_create(NULL);
    ImportSource source = *base;
    Graph       *graph = NULL;
    source.json = json;
    source.json_bytes = n;
    Error *error = graph_import(ir_create(scratch, "hostile"), &source, &graph);
    bool   failed = error;
    assert_true(!error == (graph != NULL));
    if (error)
        assert_true(strlen(error_text(scratch, error)) > 10);
    arena_destroy(scratch);
    return failed;
}

static bool survives_root(const ImportSource *base, const json_t *root)
{
    char *text = json_dumps(root, JSON_COMPACT);
    bool  failed = survives(base, text, strlen(text));
    free(text);
    return failed;
}

typedef struct Mutator {
    const ImportSource *base;
    const json_t       *root;
    int                 n_tried, n_refused;
} Mutator;

static json_t *replacement(int i)
{
    switch (i) {
    case 0:
        return json_null();
    case 1:
        return json_integer(-1);
    case 2:
        return json_integer(INT64_MAX);
    case 3:
        return json_real(0.5);
    case 4:
        return json_string("x");
    case 5:
        return json_array();
    case 6:
        return json_object();
    default:
        return json_true();
    }
}

static void try_one(Mutator *m)
{
    m->n_tried++;
    m->n_refused += survives_root(m->base, m->root);
}

static void mutate(Mutator *m, json_t *at)
{
    void *next;
    for (void *it = json_object_iter(at); it; it = next) {
        char   *key = strdup(json_object_iter_key(it));
        json_t *old = json_incref(json_object_iter_value(it));
        mutate(m, old);
        for (int i = 0; i < 8; i++) {
            json_object_set_new(at, key, replacement(i));
            try_one(m);
        }
        json_object_set_new(at, key, old);
        it = json_object_iter_at(at, key);
        next = json_object_iter_next(at, it);
        free(key);
    }
    for (size_t k = 0; k < json_array_size(at); k++) {
        json_t *old = json_incref(json_array_get(at, k));
        mutate(m, old);
        for (int i = 0; i < 8; i++) {
            json_array_set_new(at, k, replacement(i));
            try_one(m);
        }
        json_array_set_new(at, k, old);
    }
}

static void mutate_fixture(const char *name)
{
    ImportSource source = open_fixture(name);
    json_t      *root = json_loadb(source.json, source.json_bytes, 0, NULL);
    assert_non_null(root);
    /* what the importer reads; texts such as stack traces only cost time */
    Mutator m = {&source, root, 0, 0};
    assert_false(survives_root(&source, root));
    mutate(&m, root);
    assert_true(m.n_tried > 1000 && m.n_refused > m.n_tried / 3);
    json_decref(root);
}

static void every_value_replaced(void **state)
{
    (void)state;
    mutate_fixture("while_loop");
    archive_close(archive);
    mutate_fixture("mutation_aten");
}

static void every_cut(void **state)
{
    (void)state;
    ImportSource source = open_fixture("cond");
    for (size_t n = 0; n < source.json_bytes; n += 29) {
        char *cut = malloc(n + 1); /* exact size: reading past it is seen by the sanitizer */
        memcpy(cut, source.json, n);
        char *exact = realloc(cut, n ? n : 1);
        assert_true(survives(&source, exact, n));
        free(exact);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(pitfalls_inputs_and_constants),
        TEST(pitfalls_symbols),
        TEST(pitfalls_arguments),
        TEST(pitfalls_guards),
        TEST(mutations_of_both_dialects),
        TEST(unbacked_sizes),
        TEST(literal_inputs_and_paths),
        TEST(subgraphs),
        TEST(symbolic_scalars),
        TEST(defaults_and_order_of_arguments),
        TEST(numbers_fit_their_parameters),
        TEST(unknown_argument_kind_is_named),
        TEST(undeclared_operators_get_a_schema),
        TEST(names_are_checked),
        TEST(versions_and_kinds_are_refused_by_name),
        TEST(tensors_are_checked),
        TEST(results_are_flattened),
        TEST(ranges_become_symbols_and_guards),
        TEST(guards_are_never_dropped),
        TEST(a_symbol_is_defined_once),
        TEST(symbolic_calls_without_a_stated_result),
        TEST(subgraph_depth_is_limited),
        TEST(every_value_replaced),
        TEST(every_cut),
    };
    return cmocka_run_group_tests_name("2.1 import and guards", tests, NULL, NULL);
}
