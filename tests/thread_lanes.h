/* emit_c/runtime/lanes.c.inc for TEST_LANES threads, which share an item as those of a block do on
 * a GPU: what they read too early or write too late comes out wrong, and -fsanitize=thread sees it.
 *
 *   lanes_run(function, user)    calls it once in each of the threads */
#include <pthread.h>

static _Thread_local int64_t test_lane;
static pthread_barrier_t     test_barrier;
static double                test_values[TEST_LANES];
static int64_t               test_places[TEST_LANES];

#define AOTC_LANE test_lane
#define AOTC_LANES TEST_LANES
#define AOTC_ROW (test_lane / 2)
#define AOTC_ROWS (TEST_LANES / 2)
#define AOTC_COL (test_lane % 2)
#define AOTC_COLS 2
#define AOTC_SYNC() ((void)pthread_barrier_wait(&test_barrier))

static double aotc_lane_sum(double x)
{
    double sum = 0;
    AOTC_SYNC();
    test_values[test_lane] = x;
    AOTC_SYNC();
    for (int i = 0; i < TEST_LANES; i++)
        sum += test_values[i];
    AOTC_SYNC();
    return sum;
}

static void aotc_lane_first_max(double *value, int64_t *at)
{
    AOTC_SYNC();
    test_values[test_lane] = *value, test_places[test_lane] = *at;
    AOTC_SYNC();
    *value = test_values[0], *at = test_places[0];
    for (int i = 1; i < TEST_LANES; i++) {
        double x = test_values[i];
        int    is_more = x > *value || (isnan(x) && !isnan(*value));
        if (is_more || (x == *value && test_places[i] < *at))
            *value = x, *at = test_places[i];
    }
    AOTC_SYNC();
}

typedef struct LaneStart {
    void (*function)(void *user);
    void   *user;
    int64_t lane;
} LaneStart;

static void *lane_main(void *arg)
{
    LaneStart *start = arg;
    test_lane = start->lane;
    start->function(start->user);
    return NULL;
}

static void lanes_run(void (*function)(void *user), void *user)
{
    pthread_t thread[TEST_LANES];
    LaneStart start[TEST_LANES];
    assert_int_equal(pthread_barrier_init(&test_barrier, NULL, TEST_LANES), 0);
    for (int i = 0; i < TEST_LANES; i++) {
        start[i] = (LaneStart){function, user, i};
        assert_int_equal(pthread_create(&thread[i], NULL, lane_main, &start[i]), 0);
    }
    for (int i = 0; i < TEST_LANES; i++)
        pthread_join(thread[i], NULL);
    pthread_barrier_destroy(&test_barrier);
}
