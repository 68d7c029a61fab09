/* Operator rows against eager PyTorch: every row has samples, every sample gives eager's numbers.
 *
 * The numbers are tests/fixtures/op_samples.txt (tests/python/make_op_samples.py).  Samples are
 * compiled some hundred at a time.  AOTC_SAMPLES=aten.cumsum runs those whose operator or text
 * starts with that. */
#include "tests/sample_batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define REFERENCE "tests/fixtures/op_samples.txt"
#define BATCH 256

/* Rows that are still without samples.  A row leaves the list when it gets some; none comes in. */
static const char *const lacking[] = {
#include "tests/samples_lacking.inc"
    NULL};

/* Samples that are known to differ.  One leaves the list when it agrees; none comes in to make the
 * test pass. */
static const char *const differing[] = {
#include "tests/samples_differing.inc"
    NULL};

typedef struct Parity {
    Arena          *arena;
    Ir             *ir;
    SampleReference reference;
    VEC(ParityCase) cases;
    int n_failed;
} Parity;

static void fail_case(Parity *p, const char *name, const char *why)
{
    print_error("%s\n    %s\n", name, why);
    p->n_failed++;
}

static bool is_listed(const char *const *list, const char *name)
{
    for (; *list; list++)
        if (!strcmp(*list, name))
            return true;
    return false;
}

/* Higher-order operators take graphs, which samples cannot say: the fixtures cond, while_loop and
 * regions are theirs. */
static void take_row(void *user, const OpDesc *row)
{
    Parity     *p = user;
    const char *name = schema_dotted_name(p->arena, row->schema);
    Sample     *samples;
    int         n;
    Error      *error = sample_parse(p->ir, row, &samples, &n);
    if (error)
        fail_case(p, name, error_text(p->arena, error));
    else if (row->kind != OP_HIGHER_ORDER && !n && !is_listed(lacking, name))
        fail_case(p, name, "has no samples: docs/adding-an-operator.md, \"Samples\"");
    else if (n && is_listed(lacking, name))
        fail_case(p, name, "has samples: take it out of tests/samples_lacking.inc");
    for (int i = 0; !error && i < n; i++)
        VEC_PUSH(p->arena, p->cases, ((ParityCase){.sample = samples[i]}));
}

static Parity new_parity(void)
{
    Arena *arena = arena_create(NULL);
    Parity p = {.arena = arena, .ir = ir_create(arena, "ir/ops")};
    op_for_each(take_row, &p);
    Error *error = sample_reference_read(arena, REFERENCE, &p.reference);
    if (error)
        fail_case(&p, REFERENCE, error_text(arena, error));
    return p;
}

static const char *case_name(Parity *p, const ParityCase *c)
{
    return arena_printf(p->arena, "%s %s", c->sample.schema->name, c->sample.text);
}

/* A mistake is named with its column. */
static void test_mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *samples, *column;
    } cases[] = {
        {"self=f32[2] othr=f32[2]", "column 13: there is no argument \"othr\""},
        {"self=f32[2]", "column 12: argument \"other\" is missing"},
        {"self=f32[2] self=f32[2]", "column 13: \"self\" is given twice"},
        {"self=f33[2] other=f32[2]", "column 6: expected a value"},
        {"self=f32[2,-1] other=f32[2]", "column 14: a size or stride below 0"},
        {"self=f32[2]{1,1} other=f32[2]", "column 17: 2 strides for 1 dims"},
        {"self=f32[2]@5..1 other=f32[2]", "column 17: an empty range"},
        {"self=f32[2,3]@definite other=f32[2]", "column 23: definite wants square"},
        {"self=f32[2] other=f32[2] |", "column 27: expected a sample"},
        {"self=f32[2]other=f32[2]", "column 12: expected a blank"},
    };
    Arena *arena = arena_create(NULL);
    Ir    *ir = ir_create(arena, "ir/ops");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        OpDesc  row = {.schema = "aten::mul.Tensor(Tensor self, Tensor other) -> Tensor",
                       .samples = cases[i].samples};
        Sample *samples;
        int     n;
        Error  *error = sample_parse(ir, &row, &samples, &n);
        assert_non_null(error);
        assert_int_equal(error->code, E_FORMAT);
        if (!strstr(error->message, cases[i].column))
            print_error("%s: %s\n", cases[i].samples, error->message);
        assert_non_null(strstr(error->message, cases[i].column));
    }
    arena_destroy(arena);
}

static void test_every_row_has_samples(void **state)
{
    (void)state;
    Parity p = new_parity();
    assert_int_equal(p.n_failed, 0);
    arena_destroy(p.arena);
}

static bool find_record(Parity *p, ParityCase *c)
{
    SampleRecord *record = sample_reference_find(&p->reference, p->arena, &c->sample);
    c->record = record;
    if (record)
        record->is_used = true;
    return record && record->is_refused == c->sample.is_refused;
}

static void test_reference_is_current(void **state)
{
    (void)state;
    Parity p = new_parity();
    assert_non_null(p.reference.torch_version);
    for (int i = 0; i < p.cases.n; i++)
        if (!find_record(&p, &p.cases.items[i]))
            fail_case(&p, case_name(&p, &p.cases.items[i]),
                      "has no numbers: run tests/python/make_op_samples.py");
    for (int i = 0; i < p.reference.n_records; i++)
        if (!p.reference.records[i].is_used)
            fail_case(&p, p.reference.records[i].key,
                      "is no sample: run tests/python/make_op_samples.py");
    assert_int_equal(p.n_failed, 0);
    arena_destroy(p.arena);
}

static bool is_wanted(Parity *p, ParityCase *c)
{
    const char *filter = getenv("AOTC_SAMPLES");
    return find_record(p, c) && (!filter || !strncmp(case_name(p, c), filter, strlen(filter)));
}

/* A refusal is an error of the arguments or of what is not supported, never of the verifier. */
static bool is_refusal(const Error *error)
{
    return error->code == E_VALUE || error->code == E_UNSUPPORTED || error->code == E_LIMIT;
}

/* Gives whether the case is to be run with others. */
static bool lower_case(Parity *p, const char *dir, ParityCase *c)
{
    Error *error = parity_lower(p->arena, c);
    if (c->sample.is_refused) {
        if (!error) { /* its values may be what eager refuses */
            parity_run(p->arena, dir, &c, 1);
            c->why = c->why ? NULL : "eager refuses it";
        } else if (!is_refusal(error)) {
            c->why = error->message;
        }
        return false;
    }
    if (error && !c->why)
        c->why = error->message;
    return !error;
}

/* Gives the number of those that are known to differ. */
static int judge_cases(Parity *p)
{
    int known = 0;
    for (int i = 0; i < p->cases.n; i++) {
        ParityCase *c = &p->cases.items[i];
        const char *name = case_name(p, c);
        bool        is_known = is_listed(differing, name);
        known += is_known && c->why;
        if (is_wanted(p, c) && is_known && !c->why)
            fail_case(p, name, "agrees: take it out of tests/samples_differing.inc");
        else if (c->why && !is_known)
            fail_case(p, name, c->why);
    }
    return known;
}

static void test_samples_agree(void **state)
{
    (void)state;
    Parity       p = new_parity();
    const char  *tmp = getenv("TMPDIR");
    char        *dir = arena_printf(p.arena, "%s/aotc-parity-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    ParityCase **batch = ARENA_ARRAY(p.arena, ParityCase *, BATCH);
    int          n = 0, total = 0;
    assert_non_null(mkdtemp(dir));
    for (int i = 0; i < p.cases.n; i++) {
        ParityCase *c = &p.cases.items[i];
        if (is_wanted(&p, c) && ++total && lower_case(&p, dir, c))
            batch[n++] = c;
        if (n == BATCH || (n && i + 1 == p.cases.n)) {
            parity_run(p.arena, dir, batch, n);
            n = 0;
        }
    }
    rmdir(dir);
    int known = judge_cases(&p);
    print_message("%d samples, %d differ, %d more are known to\n", total, p.n_failed, known);
    assert_int_equal(p.n_failed, 0);
    arena_destroy(p.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes_are_named),
        cmocka_unit_test(test_every_row_has_samples),
        cmocka_unit_test(test_reference_is_current),
        cmocka_unit_test(test_samples_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
