/* Graph core: text round trips, the verifier, schemas, dead code, uses, inference by kind,
 * expansions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "ir/base/text.h"
#include "ir/graph.h"
#include "ir/ops.h"
#include "ir/schema.h"

typedef struct Fixture {
    Arena *arena;
    Ir    *ir;
} Fixture;

static int set_up(void **state)
{
    static Fixture f;
    f.arena = arena_create(NULL);
    f.ir = ir_create(f.arena, "test.pt2");
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    arena_destroy(((Fixture *)*state)->arena);
    return 0;
}

static void assert_ok(Fixture *f, Error *error)
{
    if (error)
        fail_msg("%s", error_text(f->arena, error));
}

static Graph *parse(Fixture *f, const char *text)
{
    Graph *graph = NULL;
    assert_ok(f, graph_parse(f->ir, text, &graph));
    return graph;
}

static const char *print(Fixture *f, const Graph *graph)
{
    Text text = text_new(f->arena);
    graph_print(&text, graph);
    return text.data;
}

/* Parses, verifies, prints: the same bytes, also in an Ir that has seen nothing yet. */
static Graph *round_trip(Fixture *f, const char *text)
{
    Graph *graph = parse(f, text);
    assert_ok(f, graph_verify(graph));
    assert_string_equal(print(f, graph), text);
    assert_string_equal(print(f, graph_clone(graph)), text);
    assert_ok(f, graph_verify(graph_clone(graph)));
    return graph;
}

static Node *node_at(Graph *graph, int i)
{
    Node *node = graph->first;
    while (i-- > 0)
        node = node->next;
    return node;
}

static Value *input_at(Graph *graph, int i)
{
    return graph->inputs[i].value;
}

/* ---- text ------------------------------------------------------------------------------------ */

static void test_text_plain(void **state)
{
    Fixture *f = *state;
    Graph   *graph = round_trip(
          f, "graph @mlp(%x: f32[s0,64], %n: int s1, %w: f32[64,64] = parameter \"lin.weight\" "
               "storage 0, "
               "%b: f32[64]{2} offset 3 = buffer \"b\" storage 1 mutated persistent) where 1 <= s0 <= "
               "4096 {\n"
               "  guard \"L['x'].size()[0] <= 4096\" : s0 <= 4000\n"
               "  guard \"unknown \\\"text\\\"\"\n"
               "  guard \"ends with its line\" : s0 != 7\n"
               "  %0 = aten.mm.default(%x, %w) : f32[s0,64]\n"
               "  %a, %c = aten.split.Tensor(%0, 32, 1) : f32[s0,32]{64,1}, f32[s0,32]{64,1}\n"
               "  %u = aten.item.default(%b) : int u0\n"
               "  %e, %none = aten.max.dim(%x, 1) : f32[s0], none\n"
               "  aten._assert_scalar.default(u0 <= 7, \"u0 <= 7\")\n"
               "  %x <- %x\n"
               "  %b <- %b\n"
               "  return %a, %c as \"logits\", None, s0 + 1, 2.5, true, \"text\", u0\n"
               "}\n");
    assert_int_equal(graph->n_outputs, 8);
    assert_int_equal(graph->storages.n, 2);
    assert_null(graph->storages.items[1]->data);
    assert_ptr_equal(input_at(graph, 0), graph->inputs[0].mutated_to);
    assert_string_equal(graph->outputs[1].name, "logits");
    assert_int_equal(expr_symbol_find(f->ir->exprs, "s0")->max, 4096);
    assert_int_equal(expr_symbol_find(f->ir->exprs, "u0")->kind, SYM_UNBACKED);
    assert_null(graph->guards.items[1].expr);
}

static void test_text_arguments(void **state)
{
    Fixture *f = *state;
    round_trip(
        f, "graph @args(%x: f32[2,3], literal \"k\" = 3, literal \"m\" = \"mean\", literal \"n\" = "
           "None, "
           "%y as \"a.b\": bool[], %z: f32[4,5] on cuda:1) {\n"
           "  %a = aten.sum.dim_IntList(%x, [1], dtype=f64) : f64[2]\n"
           "  %b = aten.sum.dim_IntList(%x, None, true) : f32[1,1]\n"
           "  %c = aten._to_copy.default(%x, bf16, device=cuda:0, memory_format=channels_last) : "
           "bf16[2,3] on cuda:0\n"
           "  %d = aten.index.Tensor(%x, [None,%y]) : f32[2,3]\n"
           "  %e = aten.leaky_relu.default(%x, 0.2) : f32[2,3]\n"
           "  %f = aten.full.default([2,3], -inf, layout=strided, pin_memory=false) : f32[2,3]\n"
           "  %g = aten.add.Tensor(%x, 1e-05) : f32[2,3]\n"
           "  %h = aten.mul.Scalar(%x, complex(1.0, -2.0)) : c64[2,3]\n"
           "  %i = aten.add.Scalar(%x, 3, 0.30000000000000004) : f32[2,3]\n"
           "  %j = aten.einsum.default(\"ij,\\x01\\n\\\\\", [%x,%z]) : f32[2,5]\n"
           "  %k = aten.full.default([], nan) : f32[]\n"
           "  return %a\n"
           "}\n");
}

static void test_text_subgraphs(void **state)
{
    Fixture *f = *state;
    Graph   *graph = round_trip(f, "graph @model(%p: bool[], %x: f32[s0]) {\n"
                                     "  %r = higher_order.cond(%p, graph @true(%y: f32[s0]) {\n"
                                     "    %0 = aten.relu.default(%y) : f32[s0]\n"
                                     "    return %0\n"
                                     "  }, graph @false(%y: f32[s0]) {\n"
                                     "    return %y\n"
                                     "  }, [%x], dtype.f32) : f32[s0]\n"
                                     "  return %r\n"
                                     "}\n");
    Node    *cond = graph->first;
    assert_true(cond->schema->is_higher_order);
    assert_int_equal(cond->n_args, 5);
    assert_ptr_equal(cond->args[1].graph->parent, graph);
    assert_int_equal(graph_remove_dead(graph), 0);
}

static void test_text_fold(void **state)
{
    Fixture *f = *state;
    Graph   *graph = round_trip(
          f, "graph @m(%w: f32[4] = parameter \"w\" storage 0, %v: f32[4] = tensor \"w.exp\" "
               "folded) {\n"
               "  fold graph @m_fold(%w: f32[4] = parameter \"w\" storage 0) {\n"
               "    %0 = aten.exp.default(%w) : f32[4]\n"
               "    return %0\n"
               "  } gives [%v]\n"
               "  return %v\n"
               "}\n");
    assert_ptr_equal(graph->folded.items[0], graph->constants.items[1]);
}

/* Sums print in the order in which symbols were made: it has to survive. */
static void test_text_symbol_order(void **state)
{
    Fixture    *f = *state;
    const char *text = "graph @f<s1, s0>(%x: f32[s0,s1 + s0]) {\n"
                       "  return %x\n"
                       "}\n";
    Graph      *graph = parse(f, text);
    const char *printed = print(f, graph);
    Ir         *other = ir_create(f->arena, "other");
    Graph      *again;
    assert_ok(f, graph_parse(other, printed, &again));
    assert_string_equal(print(f, again), printed);
}

static void test_text_ranges(void **state)
{
    Fixture *f = *state;
    round_trip(f, "graph @f(%x: f32[s0,s1,s2], %n: int s3) where 2 <= s0, s1 <= 9, -inf <= s3, 4 "
                  "<= u0 <= 8 {\n"
                  "  %0 = aten.item.default(%x) : int u0\n"
                  "  return %x, u0\n"
                  "}\n");
    assert_int_equal(expr_symbol_find(f->ir->exprs, "s1")->min, 0);
    assert_int_equal(expr_symbol_find(f->ir->exprs, "s3")->min, INT64_MIN);
}

static void test_text_comments_and_inference(void **state)
{
    Fixture *f = *state;
    Graph   *graph = parse(f, "# a comment\n"
                                "graph @f(%x: f32[2,3]) { # another\n"
                                "  %a = aten.relu.default(%x)  # lin, model.py:12\n"
                                "  return %a\n"
                                "}");
    assert_string_equal(tensor_type_text(f->arena, &graph->first->results[0]->type), "f32[2,3]");
    graph->first->where.python = "model.py:12  relu\n(x)";
    graph->first->module = "layers.0";
    const char *text = print(f, graph);
    assert_non_null(strstr(text, ": f32[2,3]  # layers.0, model.py:12  relu (x)\n"));
    graph->first->where.python = graph->first->module = NULL;
    assert_string_equal(print(f, parse(f, text)), print(f, graph));
}

static void test_text_custom_schema(void **state)
{
    Fixture *f = *state;
    round_trip(f, "schema \"mylib::twice(Tensor x, *, str mode=\\\"fast\\\") -> Tensor\"\n"
                  "graph @f(%x: f32[2]) {\n"
                  "  %a = mylib.twice.default(%x) : f32[2]\n"
                  "  return %a\n"
                  "}\n");
}

static void test_text_errors(void **state)
{
    Fixture                 *f = *state;
    static const char *const bad[][2] = {
        {"", "expected graph"},
        {"graph @f(%x: f32[2]", "expected ','"},
        {"graph @f(%x: f33[2]) { return }", "expected a type"},
        {"graph @f(%x: f32[2]{1,1}) { return }", "2 strides for 1 dims"},
        {"graph @f() { return %y }", "%y is not defined here"},
        {"graph @f(%x: f32[2]) { %x = aten.relu.default(%x) : f32[2] return }",
         "%x is defined twice"},
        {"graph @f(%x: f32[2]) { %y = aten.nothing.default(%x) : f32[2] return }",
         "no operator aten.nothing"},
        {"graph @f(%x: f32[2]) { %y = aten.relu.default() : f32[2] return }",
         "argument self is missing"},
        {"graph @f(%x: f32[2]) { %y = aten.relu.default(%x, 1) : f32[2] return }",
         "takes 1 arguments"},
        {"graph @f(%x: f32[2]) { %y = aten.relu.default(\"a\") : f32[2] return }",
         "self has to be a tensor"},
        {"graph @f(%x: f32[2]) { %y = aten.relu.default(other=%x) : f32[2] return }",
         "no argument other"},
        {"graph @f(%x: f32[2]) { %y = aten.relu.default(%x, self=%x) : f32[2] return }",
         "given twice"},
        {"graph @f(%x: f32[2]) { %y = aten.sum.default(%x, dtype=f31) : f32[2] return }",
         "expected a dtype"},
        {"graph @f(%x: f32[2]) where 5 <= s0 <= 4 { return }", "an empty range"},
        {"graph @f(%x: f32[2]) { %y <- %x return }", "%y is not defined"},
        {"graph @f(%x: f32[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]) { return }", "more than 16 dims"},
        {"graph @f(%x: f32[2] = parameter \"w\" storage 99999999) { return }", "storage index"},
        {"graph @f() { }", "expected return"},
        {"graph @f() { guard \"a\" : 3\n return }", "expected a condition"},
        {"graph @f() { return \"abc", "closing quote"},
        {"graph @f() { return } x", "expected the end"},
        {"graph @f() { return "
         "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
         "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
         "nested more than 100 deep"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        Graph *graph;
        Error *error = graph_parse(f->ir, bad[i][0], &graph);
        if (!error)
            fail_msg("no error for %s", bad[i][0]);
        assert_int_equal(error->code, E_FORMAT);
        assert_non_null(error->where.path);
        if (!strstr(error->message, bad[i][1]))
            fail_msg("%s: got \"%s\", expected \"%s\"", bad[i][0], error->message, bad[i][1]);
    }
}

/* Every cut of a text gives an error, none a crash. */
static void test_text_truncated(void **state)
{
    Fixture    *f = *state;
    const char *text =
        "graph @f(%x: f32[s0,4]{4,1} offset 2, literal \"k\" = [1,2]) where 2 <= s0 <= 9 {\n"
        "  guard \"a\\x41\" : s0 <= 9\n"
        "  %a, %b = aten.split.Tensor(%x, 2, 1) : f32[s0,2]{4,1}, f32[s0,2]{4,1}\n"
        "  %r = higher_order.cond(true, graph @t() { return complex(1.0, 2.0) }, [dtype.f32])\n"
        "  return %a\n}";
    for (size_t n = 0; n < strlen(text); n++) {
        Graph *graph;
        assert_non_null(graph_parse(f->ir, arena_strndup(f->arena, text, n), &graph));
    }
}

/* ---- verify ---------------------------------------------------------------------------------- */

static const char small_text[] = "graph @f(%x: f32[2]) {\n"
                                 "  %a = aten.relu.default(%x) : f32[2]\n"
                                 "  %b = aten.add.Tensor(%a, %x) : f32[2]\n"
                                 "  return %b\n"
                                 "}\n";

static void assert_broken(Fixture *f, const Graph *graph, const char *message)
{
    Error *error = graph_verify(graph);
    assert_non_null(error);
    assert_int_equal(error->code, E_INTERNAL);
    if (!strstr(error->message, message))
        fail_msg("got \"%s\", expected \"%s\"", error->message, message);
    (void)f;
}

static void test_verify_order(void **state)
{
    Fixture *f = *state;
    Graph   *graph = parse(f, small_text);
    assert_ok(f, graph_verify(graph));
    graph_move_node(graph, node_at(graph, 1), node_at(graph, 0));
    assert_broken(f, graph, "not defined before it");
    graph_move_node(graph, node_at(graph, 0), NULL);
    assert_ok(f, graph_verify(graph));
    graph_remove_node(graph, graph->first);
    assert_broken(f, graph, "%a");
}

static void test_verify_nodes(void **state)
{
    Fixture *f = *state;
    Graph   *graph = parse(f, small_text);
    Node    *relu = graph->first;
    Arg      self = relu->args[0];
    relu->args[0] = (Arg){.kind = ARG_STRING, .string = "x"};
    assert_broken(f, graph, "argument self has to be a tensor");
    relu->args[0] = arg_none();
    assert_broken(f, graph, "argument self has to be a tensor");
    relu->args[0] = arg_expr(expr_parse_infix(f->ir->exprs, "u77", &(const Expr *){NULL})
                                 ? NULL
                                 : expr_symbol_find(f->ir->exprs, "u77")->self);
    assert_broken(f, graph, "u77");
    relu->args[0] = self;
    relu->n_args = 0;
    assert_broken(f, graph, "0 arguments for 1");
    relu->n_args = 1;
    relu->results[0]->def = relu->next;
    assert_broken(f, graph, "does not belong");
    relu->results[0]->def = relu;
    relu->next->prev = NULL;
    assert_broken(f, graph, "not linked");
    relu->next->prev = relu;
    assert_ok(f, graph_verify(graph));
}

static void test_verify_values(void **state)
{
    Fixture *f = *state;
    Graph   *graph = parse(f, small_text);
    Value   *a = graph->first->results[0];
    a->name = "x";
    assert_broken(f, graph, "two values are named %x");
    a->name = "a";
    a->type.dtype = DT_NONE;
    assert_broken(f, graph, "has no dtype");
    a->type.dtype = DT_F32;
    a->type.storage_offset = expr_int(f->ir->exprs, 1);
    assert_broken(f, graph, "storage offset");
    a->type.storage_offset = expr_int(f->ir->exprs, 0);
    a->kind = VALUE_NONE;
    assert_broken(f, graph, "absent result");
    a->kind = VALUE_TENSOR;
    assert_ok(f, graph_verify(graph));
}

static void test_verify_scopes(void **state)
{
    Fixture *f = *state;
    Graph   *graph = parse(f, "graph @f(%x: f32[2], %p: bool[]) {\n"
                                "  %r = higher_order.cond(%p, graph @t() { %i = aten.relu.default(%x) "
                                ": f32[2]\n return %i },"
                                " graph @e() { return %x }, []) : f32[2]\n"
                                "  return %r\n}");
    assert_ok(f, graph_verify(graph));
    Graph *inner = graph->first->args[1].graph;
    graph->outputs[0].arg = arg_value(inner->first->results[0]);
    assert_broken(f, graph, "%i, which is not defined");
    graph->outputs[0].arg = arg_value(graph->first->results[0]);
    inner->parent = NULL;
    assert_broken(f, graph, "does not know the graph");
}

/* ---- schemas --------------------------------------------------------------------------------- */

static void test_schema_table(void **state)
{
    Fixture *f = *state;
    assert_true(schema_count() > 3000);
    for (int i = 0; i < schema_count(); i++) {
        const OpSchema *schema = schema_find(f->ir, schema_name_at(i));
        if (!schema)
            fail_msg("%s", schema_name_at(i));
        assert_string_equal(schema->name, schema_name_at(i));
        assert_string_equal(schema->name, schema_dotted_name(f->arena, schema->text));
        assert_true(i == 0 || strcmp(schema_name_at(i - 1), schema_name_at(i)) < 0);
        for (int k = 0; k < schema->n_params; k++) {
            const Param *param = &schema->params[k];
            const char  *name = param->name;
            assert_true(strstr(schema->text, name) != NULL);
            /* Only a default of None may be None. */
            const char *text = arena_printf(f->arena, " %s=None", name);
            if (param->has_default && param->fallback.kind == ARG_NONE)
                assert_non_null(strstr(schema->text, text));
            if (param->is_written)
                assert_true(schema->writes && param->alias);
        }
    }
}

static void test_schema_fields(void **state)
{
    Fixture        *f = *state;
    const OpSchema *s = schema_find(f->ir, "aten.sum.dim_IntList");
    assert_int_equal(s->n_params, 4);
    assert_true(s->params[1].is_list && s->params[1].is_optional && s->params[1].list_length == 1);
    assert_true(s->params[3].kwarg_only && s->params[3].type == PARAM_DTYPE);
    assert_string_equal(s->ns, "aten");
    assert_string_equal(s->base, "sum");
    assert_string_equal(s->overload, "dim_IntList");

    s = schema_find(f->ir, "aten.relu");
    assert_string_equal(s->name, "aten.relu.default");
    assert_ptr_equal(s, schema_find(f->ir, "aten.relu.default"));
    assert_null(schema_find(f->ir, "aten.no_such"));
    assert_null(schema_find(f->ir, "relu"));

    s = schema_find(f->ir, "aten.unbind.int");
    assert_int_equal(s->params[0].alias, 'a');
    assert_true(s->returns[0].is_list && s->returns[0].alias == 'a');
    s = schema_find(f->ir, "aten.index.Tensor");
    assert_true(s->params[1].items_optional && s->params[1].is_list && !s->params[1].is_optional);
    s = schema_find(f->ir, "aten.add_.Tensor");
    assert_true(s->writes && s->params[0].is_written && s->returns[0].is_written);
    s = schema_find(f->ir, "aten.conv2d.default");
    assert_int_equal(s->params[3].fallback.n_items, 2);
    assert_int_equal(s->params[6].fallback.expr->value, 1);
    s = schema_find(f->ir, "aten.layer_norm.default");
    assert_true(s->params[4].fallback.number == 1e-5);
    s = schema_find(f->ir, "aten.contiguous.default");
    assert_int_equal(s->params[1].fallback.integer, 1); /* export numbers, not those of c10 */
    s = schema_find(f->ir, "aten.randint.low");
    assert_int_equal(s->params[3].fallback.dtype, DT_I64);
    assert_true(s->is_random && s->has_effect);
    s = schema_find(f->ir, "aten._assert_scalar.default");
    assert_true(s->has_effect && !s->is_random && s->n_returns == 0);
    assert_false(schema_find(f->ir, "aten.mul.Tensor")->has_effect);
    s = schema_find(f->ir, "aten._test_string_default.default");
    assert_string_equal(s->params[1].fallback.string, "\"'\\");
}

static void test_schema_custom(void **state)
{
    Fixture        *f = *state;
    const OpSchema *s, *again;
    assert_ok(
        f,
        schema_add(
            f->ir,
            "my::op.x(Tensor(a!)? t, SymInt[2]? k=1, MemoryFormat m=channels_last, int r=Mean, "
            "str q='none', Device d=\"cuda:1\", ScalarType s=float16, Layout l=strided, float e=1) "
            "-> (Tensor out, Tensor(b)[])",
            &s));
    assert_string_equal(s->name, "my.op.x");
    assert_true(s->params[0].is_written && s->params[0].is_optional);
    assert_int_equal(s->params[1].fallback.n_items, 2);
    assert_int_equal(s->params[2].fallback.integer, 2);
    assert_int_equal(s->params[3].fallback.expr->value, 1);
    assert_string_equal(s->params[4].fallback.string, "none");
    assert_int_equal(s->params[5].fallback.device.index, 1);
    assert_int_equal(s->params[6].fallback.dtype, DT_F16);
    assert_int_equal(s->params[7].fallback.integer, 7);
    assert_int_equal(s->params[8].fallback.kind, ARG_FLOAT);
    assert_string_equal(s->returns[0].name, "out");
    assert_int_equal(s->n_returns, 2);
    assert_ok(f, schema_add(f->ir, s->text, &again));
    assert_ptr_equal(s, again);
    assert_int_equal(schema_add(f->ir, "my::op.x(Tensor t) -> Tensor", &again)->code, E_FORMAT);
    static const char *const bad[] = {"",
                                      "relu",
                                      "a::b",
                                      "a::b(",
                                      "a::b(Tensor) -> Tensor",
                                      "a::b(Tensor x",
                                      "a::() ->",
                                      "a::b(Tensor x) -> ",
                                      "a::b(int x=) -> int",
                                      "a::b(int[ x) -> int",
                                      "a::b(Tensor x) -> Tensor y z",
                                      "a::b(str s=\"x) -> int",
                                      "a::b(MemoryFormat m=9) -> int",
                                      "a::b(ScalarType m=fp) -> int"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        Error *error = schema_add(f->ir, bad[i], &again);
        if (!error)
            fail_msg("no error for %s", bad[i]);
        assert_int_equal(error->code, E_FORMAT);
    }
}

static void test_schema_higher_order(void **state)
{
    Fixture        *f = *state;
    const OpSchema *s = schema_higher_order(f->ir, "higher_order.cond", 4);
    assert_true(s->is_higher_order);
    assert_int_equal(s->n_params, 4);
    assert_string_equal(s->base, "cond");
    assert_ptr_equal(s, schema_higher_order(f->ir, "higher_order.cond", 4));
    assert_ptr_not_equal(s, schema_higher_order(f->ir, "higher_order.cond", 5));
    assert_int_equal(op_find(f->ir, s)->kind, OP_HIGHER_ORDER);
}

/* ---- changing graphs ------------------------------------------------------------------------- */

static void test_names(void **state)
{
    Fixture *f = *state;
    Graph   *graph = graph_create(f->ir, "g");
    assert_string_equal(graph_new_value(graph, "a.b", VALUE_TENSOR)->name, "a_b");
    assert_string_equal(graph_new_value(graph, "a_b", VALUE_TENSOR)->name, "a_b_1");
    assert_string_equal(graph_new_value(graph, "a_b_2", VALUE_TENSOR)->name, "a_b_2");
    assert_string_equal(graph_new_value(graph, "a_b", VALUE_TENSOR)->name, "a_b_3");
    Value *value = graph_new_value(graph, NULL, VALUE_TENSOR);
    value_rename(graph, value, "a_b");
    assert_string_equal(value->name, "a_b_4");
}

static void test_dead_code(void **state)
{
    Fixture *f = *state;
    Graph   *graph = parse(f, "graph @f(%x: f32[4]) {\n"
                                "  %dead = aten.relu.default(%x) : f32[4]\n"
                                "  %dead2 = aten.exp.default(%dead) : f32[4]\n"
                                "  %n = aten.nonzero.default(%x) : i64[u0,1]\n"
                                "  %n2 = aten.nonzero.default(%x) : i64[u1,1]\n"
                                "  %z = aten.full.default([u0], 0.0) : f32[u0]\n"
                                "  aten._assert_scalar.default(true, \"\")\n"
                                "  %i = aten.item.default(%x) : int u2\n"
                                "  %j = aten.item.default(%x) : int u3\n"
                                "  %r = aten.rand.default([4]) : f32[4]\n"
                                "  %w = aten.add_.Tensor(%x, %x) : f32[4]\n"
                                "  return %z, u2 + 1\n"
                                "}\n");
    assert_int_equal(graph_remove_dead(graph), 4); /* dead, dead2, n2, j */
    assert_string_equal(print(f, graph), "graph @f(%x: f32[4]) {\n"
                                         "  %n = aten.nonzero.default(%x) : i64[u0,1]\n"
                                         "  %z = aten.full.default([u0], 0.0) : f32[u0]\n"
                                         "  aten._assert_scalar.default(true, \"\")\n"
                                         "  %i = aten.item.default(%x) : int u2\n"
                                         "  %r = aten.rand.default([4]) : f32[4]\n"
                                         "  %w = aten.add_.Tensor(%x, %x) : f32[4]\n"
                                         "  return %z, u2 + 1\n"
                                         "}\n");
    assert_int_equal(input_at(graph, 0)->n_uses, 4);
}

static void test_replace_uses(void **state)
{
    Fixture *f = *state;
    Graph   *graph = parse(
          f,
          "graph @f(%x: f32[2], %y: f32[2], %b: f32[2] = buffer \"b\" storage 0 mutated) {\n"
            "  %c = aten.cat.default([%x,%y]) : f32[4]\n"
            "  %r = higher_order.cond(true, graph @t() { return %x }, graph @e() { return %y }, []) : "
            "f32[2]\n"
            "  %y <- %x\n"
            "  %b <- %x\n"
            "  return %x, %c, %r\n"
            "}\n");
    graph_count_uses(graph);
    assert_int_equal(input_at(graph, 0)->n_uses, 5);
    graph_replace_uses(graph, input_at(graph, 0), input_at(graph, 1));
    graph_count_uses(graph);
    assert_int_equal(input_at(graph, 0)->n_uses, 0);
    assert_int_equal(input_at(graph, 1)->n_uses, 7);
    assert_ptr_equal(graph->mutations.items[0].value, input_at(graph, 1));
    assert_ptr_equal(graph->inputs[1].mutated_to, input_at(graph, 1));
}

/* ---- types and inference --------------------------------------------------------------------- */

static void test_contiguous(void **state)
{
    Fixture *f = *state;
    static const struct {
        const char *type;
        bool        is_contiguous;
    } cases[] = {{"f32[2,3]", true},        {"f32[2,3]{1,2}", false},
                 {"f32[1,3]{7,1}", true},   {"f32[2,0]{5,9}", true},
                 {"f32[]", true},           {"f32[s0,4]{4,1}", true},
                 {"f32[4,s0]{s0,1}", true}, {"f32[4,s0]{max(1, s0),1}", true},
                 {"f32[4,s0]{1,4}", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Graph *graph =
            parse(f, arena_printf(f->arena, "graph @f(%%x: %s) { return }", cases[i].type));
        if (tensor_is_contiguous(f->ir, &input_at(graph, 0)->type) != cases[i].is_contiguous)
            fail_msg("%s", cases[i].type);
    }
}

/* The printed type of one call. */
static const char *inferred(Fixture *f, const char *inputs, const char *call)
{
    Graph *graph;
    Error *error = graph_parse(
        f->ir, arena_printf(f->arena, "graph @f(%s) {\n%%r = %s\nreturn %%r\n}", inputs, call),
        &graph);
    if (error)
        return error_code_name(error->code);
    const char *text = print(f, graph), *start = strstr(text, ") : ") + 4;
    return arena_strndup(f->arena, start, strcspn(start, "\n"));
}

#define CHECK_TYPE(inputs, call, type) assert_string_equal(inferred(f, inputs, call), type)

static void test_infer_pointwise(void **state)
{
    Fixture *f = *state;
    CHECK_TYPE("%x: f32[2,1], %y: f32[3]", "aten.add.Tensor(%x, %y)", "f32[2,3]");
    CHECK_TYPE("%x: f32[2,4], %y: f32[3]", "aten.add.Tensor(%x, %y)", "E_VALUE");
    CHECK_TYPE("%x: f32[0], %y: f32[1]", "aten.add.Tensor(%x, %y)", "f32[0]");
    CHECK_TYPE("%x: f32[s0,4], %y: f32[s0,1]", "aten.mul.Tensor(%x, %y)", "f32[s0,4]");
    CHECK_TYPE("%x: f32[s0], %y: f32[7]", "aten.mul.Tensor(%x, %y)", "f32[7]");
    CHECK_TYPE("%x: f32[], %y: f32[]", "aten.mul.Tensor(%x, %y)", "f32[]");
    /* strides: kept when all agree, by the first operand that tells otherwise */
    CHECK_TYPE("%x: f32[2,3]{1,2}", "aten.relu.default(%x)", "f32[2,3]{1,2}");
    CHECK_TYPE("%x: f32[2,3]{6,2}", "aten.relu.default(%x)", "f32[2,3]");
    CHECK_TYPE("%x: f32[2,8,4,4]{128,1,32,8}, %b: f32[8,1,1]", "aten.add.Tensor(%x, %b)",
               "f32[2,8,4,4]{128,1,32,8}");
    CHECK_TYPE("%x: f32[s0,8,s1,s1]{8*s1*s1,1,8*s1,8}", "aten.exp.default(%x)",
               "f32[s0,8,s1,s1]{8*s1*s1,1,8*s1,8}");
    CHECK_TYPE("%x: f32[2,3]{0,1}", "aten.relu.default(%x)", "f32[2,3]");
}

static void test_infer_promotion(void **state)
{
    Fixture *f = *state;
    CHECK_TYPE("%x: bf16[2], %y: f32[]", "aten.mul.Tensor(%x, %y)", "bf16[2]");
    CHECK_TYPE("%x: bf16[2], %y: f32[1]", "aten.mul.Tensor(%x, %y)", "f32[2]");
    CHECK_TYPE("%x: i32[2], %y: f64[]", "aten.mul.Tensor(%x, %y)", "f64[2]");
    CHECK_TYPE("%x: i32[2], %y: i64[]", "aten.mul.Tensor(%x, %y)", "i32[2]");
    CHECK_TYPE("%x: i32[2]", "aten.mul.Tensor(%x, 2.5)", "f32[2]");
    CHECK_TYPE("%x: i8[2]", "aten.mul.Tensor(%x, 300)", "i8[2]");
    CHECK_TYPE("%x: bool[2]", "aten.mul.Tensor(%x, 3)", "i64[2]");
    CHECK_TYPE("%x: bool[2]", "aten.mul.Tensor(%x, true)", "bool[2]");
    CHECK_TYPE("%x: f16[]", "aten.mul.Tensor(%x, 2.5)", "f16[]");
    CHECK_TYPE("%x: i32[2], %n: int s0", "aten.mul.Tensor(%x, %n)", "i32[2]");
    CHECK_TYPE("%x: i32[2]", "aten.add.Scalar(%x, 1, 2)", "i32[2]");
    CHECK_TYPE("%x: f64[2]", "aten.mul.Tensor(%x, complex(1.0, 2.0))", "c128[2]");
    CHECK_TYPE("%x: i32[2]", "aten.exp.default(%x)", "f32[2]");
    CHECK_TYPE("%x: f16[2]", "aten.exp.default(%x)", "f16[2]");
    CHECK_TYPE("%x: i32[2], %y: i32[2]", "aten.div.Tensor(%x, %y)", "f32[2]");
    CHECK_TYPE("%x: i32[2], %y: f16[1]", "aten.gt.Tensor(%x, %y)", "bool[2]");
    CHECK_TYPE("%c: bool[2], %x: f32[2], %y: f16[]", "aten.where.self(%c, %x, %y)", "f32[2]");
}

static void test_infer_reduction(void **state)
{
    Fixture *f = *state;
    CHECK_TYPE("%x: f32[2,3,4]", "aten.sum.dim_IntList(%x, [-1,0])", "f32[3]");
    CHECK_TYPE("%x: f32[2,3,4]", "aten.sum.dim_IntList(%x, [1], true)", "f32[2,1,4]");
    CHECK_TYPE("%x: f32[2,3]", "aten.sum.dim_IntList(%x, None, true)", "f32[1,1]");
    CHECK_TYPE("%x: f32[2,3]", "aten.sum.default(%x)", "f32[]");
    CHECK_TYPE("%x: bool[2,3]", "aten.sum.default(%x)", "i64[]");
    CHECK_TYPE("%x: bf16[2,3]", "aten.sum.default(%x, dtype=f32)", "f32[]");
    CHECK_TYPE("%x: f32[2,3]", "aten.sum.dim_IntList(%x, [2])", "E_VALUE");
    CHECK_TYPE("%x: f32[2,3]", "aten.sum.dim_IntList(%x, [0,-2])", "E_VALUE");
    CHECK_TYPE("%x: f32[]", "aten.sum.dim_IntList(%x, [-1])", "f32[]");
    CHECK_TYPE("%x: i32[s0,3]", "aten.amax.default(%x, [1])", "i32[s0]");
    CHECK_TYPE("%x: f32[0,3]", "aten.amax.default(%x, [0])", "E_VALUE");
    CHECK_TYPE("%x: f32[2,3]", "aten.argmax.default(%x, 1)", "i64[2]");
    CHECK_TYPE("%x: f32[2,3]", "aten.argmax.default(%x)", "i64[]");
    CHECK_TYPE("%x: f32[2,3]", "aten.any.dim(%x, 0)", "bool[3]");
    CHECK_TYPE("%x: u8[2,3]", "aten.any.dim(%x, 0)", "u8[3]");
}

static void test_infer_unsupported(void **state)
{
    Fixture        *f = *state;
    const OpSchema *schema;
    CHECK_TYPE("%x: f32[2]", "aten._cslt_compress.default(%x)", "E_UNSUPPORTED");
    /* of custom operators the export has to say the types */
    assert_ok(f, schema_add(f->ir, "my::strange(Tensor x) -> Tensor", &schema));
    CHECK_TYPE("%x: f32[2]", "my.strange.default(%x)", "E_VALUE");
    assert_ok(f, schema_add(f->ir, "my::count(Tensor x) -> int", &schema));
    CHECK_TYPE("%x: f32[2]", "my.count.default(%x)", "E_UNSUPPORTED");
}

/* ---- building -------------------------------------------------------------------------------- */

static void test_build_call(void **state)
{
    Fixture *f = *state;
    Graph   *graph = parse(f, small_text);
    graph->first->where.python = "model.py:3";
    Value *out;
    Arg    args[] = {arg_value(input_at(graph, 0)), arg_int(graph, 0)};
    assert_ok(f, build_call(graph, graph->first, "aten.sum.dim_IntList", args, 2, &out));
    assert_ptr_equal(graph->first, out->def);
    assert_string_equal(out->def->where.python, "model.py:3");
    assert_int_equal(out->def->args[1].kind, ARG_LIST); /* int[1]: a lone int */
    assert_int_equal(out->def->args[3].kind, ARG_NONE);
    assert_int_equal(out->type.rank, 0);
    assert_ok(f, graph_verify(graph));
    const char *before = print(f, graph);
    assert_int_equal(build_call(graph, graph->last, "aten.no_such", args, 1, &out)->code,
                     E_INTERNAL);
    assert_int_equal(build_call(graph, graph->last, "aten.add.Tensor", args, 1, &out)->code,
                     E_INTERNAL);
    Arg    bad[] = {args[0], arg_int(graph, 7)};
    Error *error = build_call(graph, graph->last, "aten.sum.dim_IntList", bad, 2, &out);
    assert_int_equal(error->code, E_VALUE);
    assert_string_equal(error->where.op, "aten.sum.dim_IntList");
    assert_string_equal(print(f, graph), before); /* a failed call leaves nothing behind */
}

static const char softmax_text[] = "graph @f(%x: f32[s0,8]) {\n"
                                   "  %r = aten._softmax.default(%x, 1, false) : f32[s0,8]\n"
                                   "  return %r\n"
                                   "}\n";

static void test_expand(void **state)
{
    Fixture *f = *state;
    Graph   *graph = parse(f, softmax_text);
    Node    *node = graph->first;
    Value   *result = NULL;
    assert_ok(
        f, build_expand(node,
                        "# as in the row\n"
                        "%m = aten.amax.default(%self, [%dim], true)\n"
                        "%e = aten.exp.default(aten.sub.Tensor(%self, %m))\n"
                        "return aten.div.Tensor(%e, aten.sum.dim_IntList(%e, [dim], keepdim=true))",
                        &result));
    graph_replace_uses(graph, node->results[0], result);
    graph_remove_node(graph, node);
    assert_ok(f, graph_verify(graph));
    assert_string_equal(print(f, graph),
                        "graph @f(%x: f32[s0,8]) {\n"
                        "  %amax = aten.amax.default(%x, [1], true) : f32[s0,1]\n"
                        "  %sub = aten.sub.Tensor(%x, %amax) : f32[s0,8]\n"
                        "  %exp = aten.exp.default(%sub) : f32[s0,8]\n"
                        "  %sum = aten.sum.dim_IntList(%exp, [1], true) : f32[s0,1]\n"
                        "  %div = aten.div.Tensor(%exp, %sum) : f32[s0,8]\n"
                        "  return %div\n"
                        "}\n");
}

static void test_expand_words(void **state)
{
    Fixture *f = *state;
    Graph   *graph = parse(f, softmax_text);
    Value   *result = NULL;
    assert_ok(
        f, build_expand(graph->first,
                        "%n = rank(%self)\n"
                        "%a = aten.add.Tensor(%self, size(%self, -1))\n"
                        "%b = aten.sum.dim_IntList(%a, [1, 0], false, dtype=f64)\n"
                        "%c = aten.mul.Tensor(%b, numel(self)); %d = aten.mul.Tensor(%c, -1.5e0)\n"
                        "%e = aten.sum.default(%d, dtype=dtype(%self))\n"
                        "return aten.mul.Tensor(%e, %n)\n",
                        &result));
    assert_string_equal(print(f, graph),
                        "graph @f(%x: f32[s0,8]) {\n"
                        "  %add = aten.add.Tensor(%x, 8) : f32[s0,8]\n"
                        "  %sum = aten.sum.dim_IntList(%add, [1,0], dtype=f64) : f64[]\n"
                        "  %mul = aten.mul.Tensor(%sum, 8*s0) : f64[]\n"
                        "  %mul_1 = aten.mul.Tensor(%mul, -1.5) : f64[]\n"
                        "  %sum_1 = aten.sum.default(%mul_1, f32) : f32[]\n"
                        "  %mul_2 = aten.mul.Tensor(%sum_1, 2) : f32[]\n"
                        "  %r = aten._softmax.default(%x, 1, false) : f32[s0,8]\n"
                        "  return %r\n"
                        "}\n");
}

static void test_expand_several_results(void **state)
{
    Fixture *f = *state;
    Graph   *graph = parse(f, "graph @f(%x: f32[6]) {\n"
                                "  %v, %i = aten.max.dim(%x, 0) : f32[], i64[]\n"
                                "  return %v, %i\n"
                                "}\n");
    Value   *results[2] = {NULL, NULL};
    assert_ok(f, build_expand(graph->first,
                              "%a, %b, %c = aten.split.Tensor(%self, 2)\n"
                              "return %c, %a",
                              results));
    assert_string_equal(graph->first->schema->name, "aten.split.Tensor");
    assert_int_equal(graph->first->n_results, 3);
    assert_ptr_equal(results[0], graph->first->results[2]);
    assert_ptr_equal(results[1], graph->first->results[0]);
}

static void test_expand_errors(void **state)
{
    Fixture *f = *state;
    static const struct {
        const char *text, *message;
        ErrorCode   code;
    } bad[] = {{"", "return is missing", E_INTERNAL},
               {"return %nothing", "unknown name", E_INTERNAL},
               {"%a = aten.no_such.default(%self)\nreturn %a", "unknown operator", E_INTERNAL},
               {"return aten.add.Tensor(%self)", "is missing", E_INTERNAL},
               {"return aten.relu.default(%self, %self)", "no such argument", E_INTERNAL},
               {"return aten.sum.dim_IntList(%self, [9])", "out of range", E_VALUE},
               {"return size(%self, 5)", "out of range", E_VALUE},
               {"%a = aten.relu.default(%self) %b", "end of the line", E_INTERNAL},
               {"return %self\n%a", "the end after return", E_INTERNAL},
               {"return %dim", "expected a tensor", E_INTERNAL}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        Graph *graph = parse(f, softmax_text);
        Value *result;
        Error *error = build_expand(graph->first, bad[i].text, &result);
        if (!error)
            fail_msg("no error for %s", bad[i].text);
        assert_int_equal(error->code, bad[i].code);
        const char *text = error_text(f->arena, error);
        if (!strstr(text, bad[i].message))
            fail_msg("%s: got %s", bad[i].text, text);
        assert_string_equal(error->where.op, "aten._softmax.default");
        assert_string_equal(error->where.node, "r");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_text_plain),
        TEST(test_text_arguments),
        TEST(test_text_subgraphs),
        TEST(test_text_fold),
        TEST(test_text_symbol_order),
        TEST(test_text_ranges),
        TEST(test_text_comments_and_inference),
        TEST(test_text_custom_schema),
        TEST(test_text_errors),
        TEST(test_text_truncated),
        TEST(test_verify_order),
        TEST(test_verify_nodes),
        TEST(test_verify_values),
        TEST(test_verify_scopes),
        TEST(test_schema_table),
        TEST(test_schema_fields),
        TEST(test_schema_custom),
        TEST(test_schema_higher_order),
        TEST(test_names),
        TEST(test_dead_code),
        TEST(test_replace_uses),
        TEST(test_contiguous),
        TEST(test_infer_pointwise),
        TEST(test_infer_promotion),
        TEST(test_infer_reduction),
        TEST(test_infer_unsupported),
        TEST(test_build_call),
        TEST(test_expand),
        TEST(test_expand_words),
        TEST(test_expand_several_results),
        TEST(test_expand_errors),
    };
    return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
