/* What the files of the fake driver share: fake_driver.c has memory, modules and streams,
 * fake_graph.c graphs. */
#ifndef AOTC_TESTS_CUDA_FAKE_INTERNAL_H
#define AOTC_TESTS_CUDA_FAKE_INTERNAL_H

#include "loader/cuda_driver.h"
#include "tests/cuda/fake.h"

#include <pthread.h>

#define EXPORT __attribute__((visibility("default")))
enum { INVALID_VALUE = 1, INVALID_CONTEXT = 201, NOT_READY = 600, CAPTURE_UNSUPPORTED = 900 };

/* Runs all blocks; the arguments of a launch are FakeLaunch's first ones (emulate.h). */
typedef void (*fake_emulated)(const FakeLaunch *launch, const void *args);

typedef struct Function {
    char                     name[64];
    const struct FakeKernel *kernel; /* NULL: one of the loader's own */
    int                      helper;
    fake_emulated            emulated; /* of an image made by emulated-nvcc, or NULL */
    size_t                   sizes[4]; /* of parameters */
    int                      n_params;
    int                      max_shared;
} Function;

enum { OP_KERNEL, OP_COPY, OP_FILL, OP_IF, OP_WHILE, OP_EVENT, OP_WAIT, OP_CHILD, OP_HOST };

/* Work: of a stream, or a node of a graph. */
typedef struct Op {
    int             kind;
    const Function *function;
    unsigned char  *args; /* owned */
    FakeLaunch      launch;
    void           *to;
    const void     *from;
    unsigned char  *staged; /* owned: what pageable memory held when the copy was queued */
    size_t          bytes, count;
    unsigned        value, item_bytes;
    uint64_t        condition;
    struct OpList  *body; /* owned by the list that has the op, when it is a queue's */
    void           *event, *stream;
    void (*call)(void *user); /* HOST */
    void    *user;
    uint64_t at;
} Op;

typedef struct OpList {
    Op *ops;
    int n, cap;
} OpList;

extern FakeState       fake;
extern pthread_mutex_t fake_lock; /* recursive */

void fake_breach(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool fake_take(void); /* false: this one is to fail */
bool fake_has_context(const char *call);
bool fake_is_mapped(const void *p, size_t bytes, const char *what);
bool fake_is_pinned(const void *p, size_t bytes, const char *what);
Op   fake_kernel_op(const Function *f, const unsigned *grid, const unsigned *block, unsigned shared,
                    void **params);
void fake_push(OpList *list, Op op);
Op   fake_copy_of(const Op *op); /* with arguments and body of its own */
void fake_free_list(OpList *list);
CuResult fake_queue(CuStream s, Op op);
CuGraph  fake_graph_of(OpList *list); /* a chain of what a capture has kept; the list is emptied */
void     fake_set_condition(uint64_t handle, unsigned value);
unsigned fake_condition(uint64_t handle);

#endif
