/* Threads: runs on the pool, contexts side by side, threads of the caller, no threads at all, after
 * fork(). */
#include "tests/abi/kit.h"

#include <math.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#define N 1000

/* y = x - mean(x) whatever the number of threads. */
static void check_parallel(aotc_context *c, int runs, int want_threads)
{
    float    x[N], y[N], threads = 0;
    int64_t  shape[] = {N};
    DLTensor in = kit_tensor(x, kDLFloat, 32, 1, shape);
    DLTensor out[2] = {kit_tensor(y, kDLFloat, 32, 1, shape),
                       kit_tensor(&threads, kDLFloat, 32, 0, NULL)};
    for (int i = 0; i < N; i++)
        x[i] = (float)(i % 10);
    for (int run = 0; run < runs; run++) {
        aotc_error error = {.struct_size = sizeof error};
        memset(y, 0x7f, sizeof y);
        kit_expect(aotc_run(c, &in, 1, out, 2, NULL, &error), &error, AOTC_OK, "");
        for (int i = 0; i < N; i++)
            assert_true(fabsf(y[i] - (x[i] - 4.5f)) < 1e-4f);
        if (want_threads)
            assert_int_equal((int)threads, want_threads);
    }
}

static void test_pool(void **state)
{
    (void)state;
    for (int n = 1; n <= 4; n++) {
        aotc_context_options o = {.struct_size = sizeof o, .n_threads = n};
        aotc_context        *c = kit_context("parallel", &o);
        check_parallel(c, 100, n);
        usleep(2000); /* workers fall asleep, and wake */
        check_parallel(c, 20, n);
        aotc_context_destroy(c);
    }
}

/* The model says that one thread does all: no other is woken. */
static void test_max_threads(void **state)
{
    (void)state;
    for (int n = 1; n <= 4; n++) {
        aotc_context_options o = {.struct_size = sizeof o, .n_threads = n};
        aotc_context        *c = kit_context("alone", &o);
        check_parallel(c, 2, 1);
        aotc_context_destroy(c);
    }
}

typedef struct Job {
    aotc_context *c;
    int           n_threads;
} Job;

static void *run_job(void *cx)
{
    Job *job = cx;
    check_parallel(job->c, 100, job->n_threads);
    return NULL;
}

/* Contexts of one model, each run by a thread of its own, all at once. */
static void run_jobs(const int *n_threads, int n)
{
    Job       jobs[4];
    pthread_t threads[4];
    for (int i = 0; i < n; i++) {
        aotc_context_options o = {.struct_size = sizeof o, .n_threads = n_threads[i]};
        jobs[i] = (Job){kit_context("parallel", &o), n_threads[i]};
    }
    for (int i = 0; i < n; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_job, &jobs[i]), 0);
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < n; i++)
        aotc_context_destroy(jobs[i].c);
}

static void test_side_by_side(void **state)
{
    (void)state;
    run_jobs((int[]){1, 1}, 2);
    run_jobs((int[]){3, 2, 2}, 3);
}

/* One model, many threads that load, create, run and destroy. */
static void *live(void *cx)
{
    aotc_package *package = cx;
    for (int i = 0; i < 20; i++) {
        aotc_model          *m = NULL;
        aotc_context        *c = NULL;
        aotc_context_options o = {.struct_size = sizeof o, .n_threads = 1 + i % 2};
        assert_int_equal(aotc_model_load(package, "parallel", &m, NULL), AOTC_OK);
        assert_int_equal(aotc_context_create(m, &o, &c, NULL), AOTC_OK);
        aotc_model_release(m);
        check_parallel(c, 3, 0);
        aotc_context_destroy(c);
    }
    return NULL;
}

static void test_shared_package(void **state)
{
    (void)state;
    aotc_package *package = NULL;
    pthread_t     threads[4];
    aotc_context_destroy(kit_context("small", NULL));
    assert_int_equal(aotc_package_open(kit_path("model.pt2pkg"), NULL, &package, NULL), AOTC_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, live, package), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    aotc_package_close(package);
}

/* ---- threads of the caller ------------------------------------------------------------------- */

typedef struct Task {
    void (*task)(void *cx, int32_t i, int32_t n);
    void   *cx;
    int32_t i, n;
} Task;

static void *run_task(void *cx)
{
    Task *t = cx;
    t->task(t->cx, t->i, t->n);
    return NULL;
}

static void own_parallel(void *cx, void (*task)(void *task_cx, int32_t i, int32_t n), void *task_cx,
                         int32_t n)
{
    pthread_t threads[8];
    Task      tasks[8];
    ++*(int *)cx;
    for (int i = 0; i < n; i++) {
        tasks[i] = (Task){task, task_cx, i, n};
        assert_int_equal(pthread_create(&threads[i], NULL, run_task, &tasks[i]), 0);
    }
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
}

static void test_own_threads(void **state)
{
    (void)state;
    int                  calls = 0;
    aotc_threads         threads = {sizeof threads, own_parallel, &calls, 3};
    aotc_context_options o = {.struct_size = sizeof o, .threads = &threads};
    aotc_context        *c = kit_context("parallel", &o);
    check_parallel(c, 10, 3);
    assert_int_equal(calls, 10);
    aotc_context_destroy(c);
    o.n_threads = 2; /* fewer than there are */
    c = kit_context("parallel", &o);
    check_parallel(c, 5, 2);
    aotc_context_destroy(c);
    o.n_threads = 8; /* more than there are */
    c = kit_context("parallel", &o);
    check_parallel(c, 5, 3);
    aotc_context_destroy(c);
}

static void test_failure_on_threads(void **state)
{
    (void)state;
    aotc_context_options o = {.struct_size = sizeof o, .n_threads = 4};
    aotc_context        *c = kit_context("failing", &o);
    float                y;
    for (int64_t i = 0; i < 100; i++) {
        int64_t  how = i % 4;
        DLTensor in = KIT_NUMBER(&how, kDLInt, 64), out = KIT_NUMBER(&y, kDLFloat, 32);
        assert_int_equal(aotc_run(c, &in, 1, &out, 1, NULL, NULL), how == 0   ? AOTC_OK
                                                                   : how == 3 ? AOTC_E_MEMORY
                                                                              : AOTC_E_ASSERT);
    }
    aotc_context_destroy(c);
}

/* In a process that has made no thread yet: none can be made, the run goes on alone. */
static int without_threads(void)
{
    aotc_context_options o = {.struct_size = sizeof o, .n_threads = 4};
    aotc_context        *c = kit_context("parallel", &o);
    kit_fail_threads = true;
    check_parallel(c, 5, 1);
    kit_fail_threads = false;
    check_parallel(c, 5, 4);
    aotc_context_destroy(c);
    return 0;
}

/* The parent has workers, the child has none of them and makes its own. */
static void test_fork(void **state)
{
    (void)state;
    int status = -1;
    if (KIT_THREAD_SANITIZED) /* which cannot follow a fork */
        skip();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(without_threads());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int run_thread_cases(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool),           cmocka_unit_test(test_side_by_side),
        cmocka_unit_test(test_shared_package), cmocka_unit_test(test_max_threads),
        cmocka_unit_test(test_own_threads),    cmocka_unit_test(test_failure_on_threads),
        cmocka_unit_test(test_fork),
    };
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
