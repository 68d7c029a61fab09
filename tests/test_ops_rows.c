/* Operator rows: texts equal the schema table, bodies and expansions parse, result types are those
 * of eager PyTorch.
 *
 * The types were taken from PyTorch 2.13 (fake tensors). */
#include "ir/base/arena.h"
#include "ir/ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct Case {
    Arena *arena;
    Ir    *ir;
    int    n_rows, n_failed;
} Case;

static Case new_case(void)
{
    Arena *arena = arena_create(NULL);
    return (Case){.arena = arena, .ir = ir_create(arena, "test")};
}

/* ---- rows and schemas ------------------------------------------------------------------------ */
static const char *dotted_name(Case *c, const char *text)
{
    int         n = (int)strcspn(text, "(");
    char       *name = arena_strndup(c->arena, text, (size_t)n);
    char       *colons = strstr(name, "::");
    const char *base = colons ? colons + 2 : "";
    if (colons)
        *colons = 0;
    return arena_printf(c->arena, "%s.%s%s", name, base, strchr(base, '.') ? "" : ".default");
}

static void fail_row(Case *c, const OpDesc *row, const char *what)
{
    print_error("%s: %s\n", row->schema, what);
    c->n_failed++;
}

static void check_schema(void *user, const OpDesc *row)
{
    Case *c = user;
    c->n_rows++;
    if (strncmp(row->schema, "aten::", 6) != 0)
        return; /* our own operators are registered when they are first built */
    const OpSchema *schema = schema_find(c->ir, dotted_name(c, row->schema));
    if (!schema)
        fail_row(c, row, "not in the schema table");
    else if (strcmp(schema->text, row->schema) != 0)
        fail_row(c, row, schema->text);
    else if (op_find(c->ir, schema) != row)
        fail_row(c, row, "another row stands for this operator");
}

static void test_rows_equal_schema_table(void **state)
{
    (void)state;
    Case c = new_case();
    op_for_each(check_schema, &c);
    assert_int_equal(c.n_failed, 0);
    assert_true(c.n_rows > 500);
    arena_destroy(c.arena);
}

static void check_fields(void *user, const OpDesc *row)
{
    Case *c = user;
    switch (row->kind) {
    case OP_POINTWISE:
        if (!row->body == !row->body_fn)
            fail_row(c, row, "wants one of body and body_fn");
        if (row->promote == PROMOTE_NONE && !row->infer)
            fail_row(c, row, "without promotion infer has to say the dtype");
        break;
    case OP_VIEW:
        if (!row->view || !row->infer)
            fail_row(c, row, "wants view and infer");
        break;
    case OP_INDEXED:
        if (!row->element || !row->infer)
            fail_row(c, row, "wants element and infer");
        break;
    case OP_COMPOSITE:
        if (!row->expand == !row->expand_fn)
            fail_row(c, row, "wants one of expand and expand_fn");
        break;
    case OP_TEMPLATE:
        if (!row->infer || row->template_kind == TEMPLATE_NONE)
            fail_row(c, row, "wants infer and template_kind");
        break;
    default:
        break;
    }
}

static void test_rows_are_complete(void **state)
{
    (void)state;
    Case c = new_case();
    op_for_each(check_fields, &c);
    assert_int_equal(c.n_failed, 0);
    arena_destroy(c.arena);
}

/* ---- bodies ---------------------------------------------------------------------------------- */
typedef struct Names {
    const OpSchema *schema;
    ScalarPool     *pool;
    ExprPool       *exprs;
    DType           dtype;
    bool            is_reduction;
} Names;

static bool is_condition(const char *name)
{
    return !strcmp(name, "condition") || !strcmp(name, "mask");
}

/* An unknown element of every parameter. */
static Scalar *any_element(void *user, const char *name)
{
    Names *n = user;
    bool   known = n->is_reduction ? !strcmp(name, "x") || !strcmp(name, "n")
                                   : schema_param(n->schema, name) >= 0;
    if (!known)
        return NULL;
    const Expr *e = expr_symbol_named(n->exprs, name, SYM_SIZE, EXPR_TYPE_INT)->self;
    if (is_condition(name))
        return scalar_index(n->pool, DT_BOOL,
                            expr_cmp(n->exprs, EXPR_LT, e, expr_int(n->exprs, 3)));
    return scalar_cast(n->pool, n->dtype, scalar_index(n->pool, DT_I64, e));
}

static void parse_text(Case *c, const OpDesc *row, const char *text, DType dtype, bool is_reduction)
{
    ScalarPool     *pool = scalar_pool_create(c->ir->exprs);
    const OpSchema *schema = schema_find(c->ir, dotted_name(c, row->schema));
    Names           names = {schema, pool, c->ir->exprs, dtype, is_reduction};
    Scalar         *out = NULL;
    Error *error = schema ? scalar_parse(pool, text, dtype, any_element, &names, &out) : NULL;
    if (error)
        fail_row(c, row, error->message);
    else if (!out || (out->dtype != dtype && out->dtype != DT_BOOL))
        fail_row(c, row, "the body has another dtype");
}

static void check_body(void *user, const OpDesc *row)
{
    Case *c = user;
    if (row->kind == OP_POINTWISE && row->body) {
        c->n_rows++;
        parse_text(c, row, row->body, DT_F32, false);
        parse_text(c, row, row->body, DT_F64, false);
        if (row->promote == PROMOTE_COMPARE)
            parse_text(c, row, row->body, DT_I64, false);
    }
    if (row->kind == OP_REDUCTION && row->before)
        parse_text(c, row, row->before, DT_F32, true);
    if (row->kind == OP_REDUCTION && row->after)
        parse_text(c, row, row->after, DT_F32, true);
}

static void test_bodies_parse(void **state)
{
    (void)state;
    Case c = new_case();
    op_for_each(check_body, &c);
    assert_int_equal(c.n_failed, 0);
    assert_true(c.n_rows > 150);
    arena_destroy(c.arena);
}

/* ---- types ----------------------------------------------------------------------------------- */
typedef struct TypeCase {
    const char *inputs, *call;
    const char *types; /* of all results, separated by blanks; or the name of an error */
} TypeCase;

/* Results as text; symbols of lists print without blanks. */
static const char *result_types(Case *c, Node *node)
{
    Text out = text_new(c->arena);
    for (int i = 0; i < node->n_results; i++) {
        const char *type = node->results[i]->kind == VALUE_TENSOR
                               ? tensor_type_text(c->arena, &node->results[i]->type)
                               : "-";
        text_printf(&out, "%s%s", i ? " " : "", type);
    }
    return out.data;
}

static void run_type_case(const TypeCase *t)
{
    Case                     c = new_case();
    Graph                   *graph;
    static const char *const names[] = {"%r",         "%r", "%r, %s",
                                        "%r, %s, %t", "",   "%r, %s, %t, %u, %v"};
    static const char *const blanks[] = {"f32[]",
                                         "f32[]",
                                         "f32[], f32[]",
                                         "f32[], f32[], f32[]",
                                         "",
                                         "f32[], f32[], f32[], f32[], f32[]"};
    bool                     fails = t->types[0] == 'E';
    int n = fails && strchr(t->types, '2') ? 2 : 0; /* "E_VALUE 2": of two results */
    for (const char *p = t->types; *p; p++)
        n += *p == ']';
    const char *text = arena_printf(c.arena, "graph @t(%s) {\n  %s = %s : %s\n  return %%r\n}\n",
                                    t->inputs, names[n], t->call, blanks[n]);
    Error      *error = graph_parse(c.ir, text, &graph);
    if (error)
        print_error("%s\n%s\n", text, error_text(c.arena, error));
    assert_null(error);
    error = infer_node(graph->last);
    if (fails) {
        if (!error)
            print_error("%s gives %s\n", t->call, result_types(&c, graph->last));
        assert_non_null(error);
        assert_memory_equal(error_code_name(error->code), t->types, strcspn(t->types, " "));
    } else {
        if (error)
            print_error("%s: %s\n", t->call, error_text(c.arena, error));
        assert_null(error);
        if (strcmp(result_types(&c, graph->last), t->types) != 0)
            print_error("%s\n", t->call);
        assert_string_equal(result_types(&c, graph->last), t->types);
    }
    arena_destroy(c.arena);
}

static void run_type_cases(const TypeCase *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        run_type_case(&cases[i]);
}
#define RUN(cases) run_type_cases(cases, sizeof cases / sizeof *cases)

static void test_pointwise_types(void **state)
{
    (void)state;
    static const TypeCase cases[] = {
        {"%x: f32[2,3], %y: i64[3]", "aten.add.Tensor(%x, %y)", "f32[2,3]"},
        {"%x: f16[2,3], %y: f32[]", "aten.mul.Tensor(%x, %y)", "f16[2,3]"},
        {"%x: i64[2]", "aten.add.Scalar(%x, 1.5)", "f32[2]"},
        {"%x: i64[2]", "aten.div.Scalar(%x, 2)", "f32[2]"},
        {"%x: i64[2], %y: i32[2]", "aten.div.Tensor_mode(%x, %y, rounding_mode=\"floor\")",
         "i64[2]"},
        {"%x: i64[2], %y: i32[2]", "aten.div.Tensor_mode(%x, %y, rounding_mode=None)", "f32[2]"},
        {"%x: i64[2], %y: i32[2]", "aten.div.Tensor_mode(%x, %y, rounding_mode=\"up\")", "E_VALUE"},
        {"%x: f32[s0,3], %y: f32[s0,1]", "aten.lt.Tensor(%x, %y)", "bool[s0,3]"},
        {"%x: bool[2]", "aten.exp.default(%x)", "f32[2]"},
        {"%x: bool[2]", "aten.square.default(%x)", "i64[2]"},
        {"%x: bool[2]", "aten.neg.default(%x)", "E_VALUE"},
        {"%x: f32[2]", "aten.bitwise_not.default(%x)", "E_VALUE"},
        {"%x: i64[2]", "aten.pow.Tensor_Scalar(%x, -1)", "E_VALUE"},
        {"%x: i64[2]", "aten.pow.Tensor_Scalar(%x, 0.5)", "f32[2]"},
        {"%x: i32[2]", "aten.float_power.Tensor_Scalar(%x, 2)", "f64[2]"},
        {"%c: bool[2,1], %x: f32[3], %y: f64[]", "aten.where.self(%c, %x, %y)", "f32[2,3]"},
        {"%c: bool[2]", "aten.where.Scalar(%c, 1, 0)", "i64[2]"},
        {"%x: i64[2], %m: bool[2]", "aten.masked_fill.Scalar(%x, %m, 1.5)", "i64[2]"},
        {"%x: i64[2], %m: u8[2]", "aten.masked_fill.Scalar(%x, %m, 1)", "E_VALUE"},
        {"%x: f32[2,6]", "aten.glu.default(%x)", "f32[2,3]"},
        {"%x: f32[2,5]", "aten.glu.default(%x)", "E_VALUE"},
        {"%x: f32[2,3,4], %w: f32[3]", "aten.prelu.default(%x, %w)", "f32[2,3,4]"},
        {"%x: f32[2,3,4], %w: f32[4]", "aten.prelu.default(%x, %w)", "E_VALUE"},
        {"%x: f32[2]", "aten.dropout.default(%x, 0.5, false)", "f32[2]"},
        {"%x: f32[2]", "aten.dropout.default(%x, 0.5, true)", "f32[2]"},
        {"%x: f32[2]", "aten.native_dropout.default(%x, 0.5, false)", "f32[2] bool[2]"},
        {"%x: f32[2,7], %p: f32[2,1]", "aten.diff.default(%x, 2, prepend=%p)", "f32[2,6]"},
        {"%x: bool[7]", "aten.diff.default(%x)", "bool[6]"},
        {"%x: f32[4,3], %y: f32[4,3]", "aten.linalg_cross.default(%x, %y)", "f32[4,3]"},
        {"%x: i64[2,3], %y: i64[5,1]", "aten.isin.Tensor_Tensor(%x, %y)", "bool[2,3]"},
        {"%x: f32[2]", "aten.gelu.default(%x, approximate=\"tan\")", "E_VALUE"},
        {"%x: f32[2], %y: f32[3]", "aten.add.Tensor(%x, %y)", "E_VALUE"},
        {"%x: f32[3,4,5,6]{120,1,24,4}, %y: f32[3,4,1,1]", "aten.mul.Tensor(%x, %y)",
         "f32[3,4,5,6]"},
        {"%x: f16[2]", "aten.log_sigmoid_forward.default(%x)", "f16[2] f16[2]"},
    };
    RUN(cases);
}

static void test_reduction_types(void **state)
{
    (void)state;
    static const TypeCase cases[] = {
        {"%x: bool[2,3]", "aten.sum.default(%x)", "i64[]"},
        {"%x: f16[2,s0]", "aten.sum.dim_IntList(%x, [-1], true)", "f16[2,1]"},
        {"%x: f32[2,3]", "aten.sum.dim_IntList(%x, [1, -1])", "E_VALUE"},
        {"%x: f32[2,3]", "aten.sum.dim_IntList(%x, [2])", "E_VALUE"},
        {"%x: i64[2,3]", "aten.mean.dim(%x, [1])", "E_VALUE"},
        {"%x: i64[2,3]", "aten.mean.dim(%x, [1], dtype=f32)", "f32[2]"},
        {"%x: f32[2,0]", "aten.amax.default(%x, [1])", "E_VALUE"},
        {"%x: f32[2,0]", "aten.amax.default(%x, [0])", "f32[0]"},
        {"%x: u8[2,3]", "aten.any.dim(%x, 1)", "u8[2]"},
        {"%x: f32[2,3]", "aten.any.dims(%x, [])", "bool[2,3]"},
        {"%x: f32[2,3,4]", "aten.all.dims(%x, [0, 2], true)", "bool[1,3,1]"},
        {"%x: f32[2,3]", "aten.argmax.default(%x, 0)", "i64[3]"},
        {"%x: f32[2,3]", "aten.max.dim(%x, 1)", "f32[2] i64[2]"},
        {"%x: f32[]", "aten.max.dim(%x, 0)", "f32[] i64[]"},
        {"%x: bf16[2,3]", "aten.aminmax.default(%x, dim=0)", "bf16[3] bf16[3]"},
        {"%x: f16[2,s0]", "aten.var.correction(%x, [1], correction=0)", "f16[2]"},
        {"%x: f32[2,3]", "aten.var_mean.correction(%x, [0], keepdim=true)", "f32[1,3] f32[1,3]"},
        {"%x: f32[2,3]", "aten.std_mean.default(%x)", "f32[] f32[]"},
        {"%x: i64[2,3]", "aten.std.default(%x)", "E_VALUE"},
        {"%x: f32[s0]", "aten.var.correction(%x, [0], correction=0.5)", "E_UNSUPPORTED"},
        {"%x: f32[2,3]", "aten.linalg_vector_norm.default(%x, 3.5, [1], dtype=f64)", "f64[2]"},
        {"%x: i64[2,3]", "aten.linalg_vector_norm.default(%x)", "E_VALUE"},
        {"%x: f32[2,3,4]", "aten.linalg_matrix_norm.default(%x, inf, keepdim=true)", "f32[2,1,1]"},
        {"%x: f32[3,4]", "aten.linalg_norm.ord_str(%x, \"fro\")", "f32[]"},
        {"%x: f32[3,4]", "aten.linalg_norm.default(%x, 2)", "f32[]"},
        {"%x: i64[2,3]", "aten.logsumexp.default(%x, [1], true)", "f32[2,1]"},
        {"%x: f32[2,0]", "aten.logsumexp.default(%x, [1])", "f32[2]"},
        {"%x: f32[2,3]", "aten.count_nonzero.dim_IntList(%x, [0])", "i64[3]"},
        {"%x: f16[2,3]", "aten.nanmean.default(%x, [1])", "f16[2]"},
        {"%x: f32[2,3,4]", "aten.sum_to_size.default(%x, [3, 1])", "f32[3,1]"},
        {"%x: f32[2,3]", "aten.sum_to_size.default(%x, [4])", "E_VALUE"},
        {"%x: f32[2,3]", "aten.dist.default(%x, %x)", "f32[]"},
    };
    RUN(cases);
}

static void test_creation_types(void **state)
{
    (void)state;
    static const TypeCase cases[] = {
        {"%x: f32[2]", "aten.arange.default(10)", "i64[10]"},
        {"%x: f32[2]", "aten.arange.start_step(10, 0, -3)", "i64[4]"},
        {"%x: f32[2]", "aten.arange.start_step(0, 1, 0.25)", "f32[4]"},
        {"%x: f32[s0]", "aten.arange.default(s0 + 1, dtype=f16)", "f16[s0 + 1]"},
        {"%x: f32[2]", "aten.arange.start(3, 1)", "E_VALUE"},
        {"%x: f32[2]", "aten.arange.start_step(3, 1, 0)", "E_VALUE"},
        {"%x: f32[s0]", "aten.full.default([s0, 2], true)", "bool[s0,2]"},
        {"%x: f32[s0]", "aten.full.default([2], 3)", "i64[2]"},
        {"%x: f32[s0]", "aten.full.default([-2], 3)", "E_VALUE"},
        {"%x: i32[s0]", "aten.new_ones.default(%x, [3])", "i32[3]"},
        {"%x: i32[s0]", "aten.full_like.default(%x, 1.5, dtype=f32)", "f32[s0]"},
        {"%x: f32[2]", "aten.scalar_tensor.default(2, dtype=i64)", "i64[]"},
        {"%x: f32[2]", "aten.linspace.default(0, 1, 5)", "f32[5]"},
        {"%x: f32[2]", "aten.logspace.default(0, 1, 5, dtype=i64)", "i64[5]"},
        {"%x: f32[2]", "aten.eye.m(2, 3)", "f32[2,3]"},
        {"%x: f32[2]", "aten.tril.default(%x)", "E_VALUE"},
        {"%x: f32[2,s0]", "aten.triu.default(%x, 1)", "f32[2,s0]"},
        {"%x: f32[2]", "aten.tril_indices.default(3, 4, 1)", "i64[2,9]"},
        {"%x: f32[2]", "aten.tril_indices.default(3, 4, -2)", "i64[2,1]"},
        {"%x: f32[2]", "aten.triu_indices.default(4, 3, -1)", "i64[2,9]"},
        {"%x: f32[2]", "aten.triu_indices.default(4, 3, 2)", "i64[2,1]"},
        {"%x: f32[2]", "aten.hann_window.periodic(8, false, dtype=f64)", "f64[8]"},
        {"%x: f32[2,3]{1,2}", "aten.alias.default(%x)", "f32[2,3]"},
        {"%x: f32[2,1], %y: i64[3]", "aten.broadcast_tensors.default([%x, %y])",
         "f32[2,3] i64[2,3]"},
        {"%x: f32[2], %y: i64[3]", "aten.broadcast_tensors.default([%x, %y])", "E_VALUE 2"},
        {"%x: f32[2,3]", "aten.to.dtype(%x, bf16)", "bf16[2,3]"},
        {"%x: f32[2,3], %y: i64[1]", "aten.to.other(%x, %y)", "i64[2,3]"},
        {"%x: f32[2,3]", "aten._to_copy.default(%x, dtype=f64)", "f64[2,3]"},
        {"%x: f32[2,3]{1,2}", "aten.contiguous.default(%x)", "f32[2,3]"},
    };
    RUN(cases);
}

/* Memory formats show in strides. */
static void test_copy_strides(void **state)
{
    (void)state;
    static const struct {
        const char *call;
        int64_t     strides[4];
    } cases[] = {
        {"aten.clone.default(%x)", {120, 1, 24, 4}},
        {"aten.zeros_like.default(%x)", {120, 1, 24, 4}},
        {"aten.clone.default(%x, memory_format=contiguous)", {120, 30, 6, 1}},
        {"aten.contiguous.default(%x)", {120, 30, 6, 1}},
        {"aten.clone.default(%y, memory_format=channels_last)", {120, 1, 24, 4}},
        {"aten.clone.default(%y)", {120, 30, 6, 1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Case   c = new_case();
        Graph *graph;
        assert_null(graph_parse(
            c.ir,
            arena_printf(c.arena,
                         "graph @t(%%x: f32[3,4,5,6]{120,1,24,4}, %%y: f32[3,4,5,6]) {\n"
                         "  %%r = %s : f32[]\n  return %%r\n}\n",
                         cases[i].call),
            &graph));
        assert_null(infer_node(graph->last));
        const TensorType *type = &graph->last->results[0]->type;
        assert_int_equal(type->rank, 4);
        for (int d = 0; d < 4; d++)
            assert_true(expr_is_value(type->strides[d], cases[i].strides[d]));
        arena_destroy(c.arena);
    }
}

static void test_norm_types(void **state)
{
    (void)state;
    static const TypeCase cases[] = {
        {"%x: f16[2,s0]", "aten.softmax.int(%x, -1, f32)", "f32[2,s0]"},
        {"%x: f16[2,s0]", "aten._softmax.default(%x, 1, false)", "f16[2,s0]"},
        {"%x: f16[2,3]", "aten._softmax.default(%x, 1, true)", "f32[2,3]"},
        {"%x: f32[2,0]", "aten._log_softmax.default(%x, 1, false)", "f32[2,0]"},
        {"%x: f32[]", "aten.log_softmax.int(%x, 0)", "f32[]"},
        {"%x: f32[2,3]", "aten._safe_softmax.default(%x, 2)", "E_VALUE"},
        {"%x: i64[2,3]", "aten.softmax.int(%x, 1)", "E_VALUE"},
        {"%x: f32[2,3,4], %w: f32[3,4]", "aten.layer_norm.default(%x, [3, 4], %w)", "f32[2,3,4]"},
        {"%x: f32[2,3,4]", "aten.layer_norm.default(%x, [3])", "E_VALUE"},
        {"%x: f16[2,3], %w: f32[3]", "aten.native_layer_norm.default(%x, [3], %w, None, 1e-05)",
         "f16[2,3] f32[2,1] f32[2,1]"},
        {"%x: bf16[2,3]", "aten.rms_norm.default(%x, [3])", "bf16[2,3]"},
        {"%x: bf16[2,3]", "aten._fused_rms_norm.default(%x, [3], None, None)",
         "bf16[2,3] f32[2,1]"},
        {"%x: f32[s0,3,4,4], %w: f32[3]",
         "aten._native_batch_norm_legit_no_training.default(%x, %w, %w, %w, %w, 0.1, 1e-05)",
         "f32[s0,3,4,4] f32[0] f32[0]"},
        {"%x: f32[2,3], %w: f32[4]",
         "aten.batch_norm.default(%x, %w, %w, %w, %w, false, 0.1, 1e-05, false)", "E_VALUE"},
        {"%x: f32[2,3], %w: f32[3]",
         "aten.batch_norm.default(%x, %w, %w, %w, %w, true, 0.1, 1e-05, false)", "E_UNSUPPORTED"},
        {"%x: f16[2,3,4], %w: f32[3]",
         "aten._native_batch_norm_legit_functional.default(%x, %w, %w, %w, %w, true, 0.1, 1e-05)",
         "f16[2,3,4] f32[3] f32[3] f32[3] f32[3]"},
        {"%x: f32[2,6,s0], %w: f32[6]", "aten.group_norm.default(%x, 3, %w, %w)", "f32[2,6,s0]"},
        {"%x: f32[2,6,5]", "aten.group_norm.default(%x, 4)", "E_VALUE"},
        {"%x: f16[2,6,5]", "aten.native_group_norm.default(%x, None, None, 2, 6, 5, 3, 1e-05)",
         "f16[2,6,5] f16[2,3] f16[2,3]"},
        {"%x: f32[2,6,5,5]",
         "aten.instance_norm.default(%x, None, None, None, None, true, 0.1, 1e-05, false)",
         "f32[2,6,5,5]"},
        {"%v: f32[4,5], %g: f32[4,1]", "aten._weight_norm.default(%v, %g)", "f32[4,5]"},
    };
    RUN(cases);
}

static void test_loss_types(void **state)
{
    (void)state;
    static const TypeCase cases[] = {
        {"%x: f32[2,3], %t: f32[2,3]", "aten.mse_loss.default(%x, %t)", "f32[]"},
        {"%x: f32[2,3], %t: f32[2,3]", "aten.huber_loss.default(%x, %t, 0)", "f32[2,3]"},
        {"%x: f32[2,3], %t: f32[2,3]", "aten.l1_loss.default(%x, %t, 3)", "E_VALUE"},
        {"%x: f32[2,3], %t: f32[2,3]",
         "aten.binary_cross_entropy_with_logits.default(%x, %t, None, %t, 2)", "f32[]"},
        {"%x: f32[2,3], %t: f32[2,3]",
         "aten.poisson_nll_loss.default(%x, %t, false, true, 1e-08, 0)", "f32[2,3]"},
        {"%x: f32[2,3,4], %t: i64[2,4], %w: f32[3]", "aten.nll_loss_nd.default(%x, %t, %w, 0)",
         "f32[2,4]"},
        {"%x: f32[3], %t: i64[]", "aten.nll_loss.default(%x, %t)", "f32[]"},
        {"%x: f32[2,3], %t: i64[2,3]", "aten.nll_loss.default(%x, %t)", "E_VALUE"},
        {"%x: f32[2,3], %t: i64[2], %w: f32[3]",
         "aten.nll_loss_forward.default(%x, %t, %w, 1, -100)", "f32[] f32[]"},
        {"%x: f32[2,3], %t: i64[2], %w: f32[3]",
         "aten.cross_entropy_loss.default(%x, %t, %w, 1, -100, 0.1)", "f32[]"},
        {"%x: f32[2,3], %t: f32[2,3], %w: f32[3]",
         "aten.cross_entropy_loss.default(%x, %t, %w, 0, -100, 0.1)", "f32[2]"},
        {"%x: f32[2,3], %y: f32[1,3]", "aten.cosine_similarity.default(%x, %y)", "f32[2]"},
        {"%x: f32[5,3], %y: f32[2,3]", "aten.cdist.default(%x, %y)", "f32[5,2]"},
        {"%x: f32[5,3]", "aten.pdist.default(%x)", "f32[10]"},
        {"%x: f32[5,3]", "aten.triplet_margin_loss.default(%x, %x, %x, swap=true, reduction=0)",
         "f32[5]"},
        {"%x: f32[5,3], %t: f32[5]", "aten.cosine_embedding_loss.default(%x, %x, %t)", "f32[]"},
    };
    RUN(cases);
}

static void test_scan_and_sort_types(void **state)
{
    (void)state;
    static const TypeCase cases[] = {
        {"%x: bool[2,s0]", "aten.cumsum.default(%x, -1)", "i64[2,s0]"},
        {"%x: i32[2]", "aten.cumprod.default(%x, 0, dtype=f32)", "f32[2]"},
        {"%x: f32[2]", "aten.cumsum.default(%x, 1)", "E_VALUE"},
        {"%x: f32[2,3]", "aten.cummax.default(%x, 1)", "f32[2,3] i64[2,3]"},
        {"%x: i64[2,3]", "aten.logcumsumexp.default(%x, 1)", "E_VALUE"},
        {"%x: f32[2,s0]", "aten.sort.default(%x)", "f32[2,s0] i64[2,s0]"},
        {"%x: f32[2,s0]", "aten.argsort.default(%x)", "i64[2,s0]"},
        {"%x: f32[2,5]", "aten.topk.default(%x, 3)", "f32[2,3] i64[2,3]"},
        {"%x: f32[2,5]", "aten.topk.default(%x, 6)", "E_VALUE 2"},
        {"%x: f32[2,s0]", "aten.topk.default(%x, s0 // 2, 1)", "f32[2,s0 // 2] i64[2,s0 // 2]"},
        {"%x: f32[2,5]", "aten.kthvalue.default(%x, 5, keepdim=true)", "f32[2,1] i64[2,1]"},
        {"%x: f32[2,5]", "aten.kthvalue.default(%x, 0)", "E_VALUE 2"},
        {"%x: f32[2,5]", "aten.median.dim(%x, 0)", "f32[5] i64[5]"},
        {"%x: i64[2,5]", "aten.median.default(%x)", "i64[]"},
        {"%x: f32[2,5]", "aten.quantile.scalar(%x, 0.3, 1)", "f32[2]"},
        {"%x: f32[2,5]", "aten.msort.default(%x)", "f32[2,5]"},
        {"%x: f32[2,5]", "aten.cumulative_trapezoid.dx(%x)", "f32[2,4]"},
        {"%x: f32[2,5], %y: f32[5]", "aten.trapezoid.x(%x, %y)", "f32[2]"},
    };
    RUN(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_equal_schema_table),
        cmocka_unit_test(test_rows_are_complete),
        cmocka_unit_test(test_bodies_parse),
        cmocka_unit_test(test_pointwise_types),
        cmocka_unit_test(test_reduction_types),
        cmocka_unit_test(test_creation_types),
        cmocka_unit_test(test_copy_strides),
        cmocka_unit_test(test_norm_types),
        cmocka_unit_test(test_loss_types),
        cmocka_unit_test(test_scan_and_sort_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
