/* A CUDA driver for tests without a GPU: the functions of libcuda.so.1 that the loader uses, over
 * host memory.  Work on a stream is kept until something waits for it, so that a missing wait shows
 * as a wrong result.  "Kernels" are C functions that a test registers.
 *
 * Tests open the library by the path that they give to the loader (cuda_driver_path), and get its
 * state by fake_state(). */
#ifndef AOTC_TESTS_CUDA_FAKE_H
#define AOTC_TESTS_CUDA_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct FakeDevice {
    const char *name;
    int         sm;
} FakeDevice;

/* What a launch or a node was given, beside its arguments. */
typedef struct FakeLaunch {
    unsigned grid[3], block[3], shared_bytes, cluster[3];
    bool     is_early;
    char     name[64];
} FakeLaunch;

typedef struct FakeState {
    /* what the test decides */
    int        version;   /* 13000 */
    int        init;      /* result of cuInit */
    int        n_devices; /* 1 */
    FakeDevice devices[4];
    long       fail_at; /* that call which takes something (memory, module, node …) fails: 2 */
    bool       has_threads; /* several contexts at once: others' work may be queued at a release */
    bool       no_conditions; /* the module that sets conditions does not load */
    int        instantiate;   /* result of cuGraphInstantiate */
    bool protects; /* kernels that touch pinned memory, and code on the CPU that touches a device's,
                      end the process; also by AOTC_FAKE_PROTECTS=1, and then breaches do */
    int  launch;   /* result of launches */
    /* what there is */
    long live_bytes, live_blocks, live_host, live_modules, live_streams, live_events, live_graphs,
        live_execs, n_retained;
    /* what was called */
    long n_takes, n_launches, n_nodes, n_set_params, n_graph_launches, n_programmatic_edges,
        n_conditionals, n_syncs, n_uploaded_bytes, n_host_calls;
    FakeLaunch last;
    /* Breaches of the driver's rules: an address outside of what is allocated, no context current,
     * a wait in a capture, a chain of nodes with a gap.  Must be 0. */
    int        n_breaches;
    char       breach[160];
} FakeState;

/* `run` gets the bytes of the one parameter. */
typedef struct FakeKernel {
    const char *name;
    void (*run)(const void *args);
    size_t args_bytes;
} FakeKernel;

typedef struct FakeApi {
    FakeState *state;
    void (*reset)(void); /* the test's decisions back to their defaults, counts to 0 */
    void (*add_kernels)(const FakeKernel *kernels, int n);
    /* A capture of the caller: work queued on the stream between begin and end is kept; launch
     * queues it once on another stream. */
    void (*capture_begin)(void *stream);
    void (*capture_end)(void *stream);
    void (*capture_launch)(void *stream);
    bool (*is_idle)(void); /* nothing is queued */
} FakeApi;

typedef const FakeApi *(*fake_api_fn)(void);

#endif
