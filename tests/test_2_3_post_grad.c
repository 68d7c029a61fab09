/* Stage 2.3: the passes that shape a functional graph, on text cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/pass_text.h"

#include <stdio.h>

#ifndef AOTC_SOURCE_DIR
#define AOTC_SOURCE_DIR "."
#endif

static void test_file(void **state)
{
    const char *name = *state;
    char        path[1024];
    int         n_cases;
    snprintf(path, sizeof path, "%s/tests/passes/%s.txt", AOTC_SOURCE_DIR, name);
    assert_int_equal(pass_text_file(path, &n_cases), 0);
    assert_true(n_cases > 0);
}

#define FILE_TEST(file)                                                                            \
    {                                                                                              \
        "passes/" #file ".txt", test_file, NULL, NULL, #file                                       \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(fold_noop),     FILE_TEST(canonicalize),    FILE_TEST(common_subexpression),
        FILE_TEST(dead_code),     FILE_TEST(match_attention), FILE_TEST(freeze),
        FILE_TEST(place_devices), FILE_TEST(pad_channels),    FILE_TEST(patches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
