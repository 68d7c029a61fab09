/* The process's pool of worker threads.
 *
 * A worker waits on its own generation number: it spins for about 50 us, then sleeps on a futex, so
 * that runs in quick succession start in well under a microsecond and an idle process uses no time.
 * A run takes the workers that are idle, makes missing ones, and gives them back at its end; two
 * contexts that run at once have different ones.
 *
 * Workers live until the process ends.  They block all signals; a child after fork() starts with no
 * workers; the module that holds their code is pinned, so that dlclose() of it does no harm. */
#include "loader/internal.h"

#include <dlfcn.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SPIN_NS 50000
#define MAX_WORKERS 255

typedef struct Worker {
    _Alignas(64) atomic_uint generation;
    atomic_uint sleeping;
    void (*task)(void *cx, int32_t i, int32_t n);
    void          *cx;
    int32_t        i, n;
    atomic_uint   *pending;
    struct Worker *next_idle;
} Worker;

static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static Worker         *idle_workers;
static int             n_workers;

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void futex_wait(atomic_uint *word, unsigned value)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(atomic_uint *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void wait_for_work(Worker *w, unsigned seen)
{
    uint64_t end = now_ns() + SPIN_NS;
    for (;;) {
        for (int i = 0; i < 64; i++) {
            if (atomic_load_explicit(&w->generation, memory_order_acquire) != seen)
                return;
            relax();
        }
        if (now_ns() > end)
            break;
    }
    while (atomic_load_explicit(&w->generation, memory_order_acquire) == seen) {
        atomic_store(&w->sleeping, 1);
        if (atomic_load(&w->generation) == seen)
            futex_wait(&w->generation, seen);
        atomic_store(&w->sleeping, 0);
    }
}

static void *worker_main(void *arg)
{
    Worker  *w = arg;
    unsigned seen = 0;
    for (;;) {
        wait_for_work(w, seen);
        seen++;
        w->task(w->cx, w->i, w->n);
        atomic_fetch_sub_explicit(w->pending, 1, memory_order_release);
    }
    return NULL;
}

static void lock_pool(void)
{
    pthread_mutex_lock(&pool_lock);
}

static void unlock_pool(void)
{
    pthread_mutex_unlock(&pool_lock);
}

/* Only the thread that forked is in the child.  The workers' memory is given up. */
static void empty_pool(void)
{
    idle_workers = NULL;
    n_workers = 0;
    pthread_mutex_unlock(&pool_lock);
}

static void prepare_process(void)
{
    Dl_info self;
    pthread_atfork(lock_pool, unlock_pool, empty_pool);
    if (dladdr((void *)(uintptr_t)prepare_process, &self) && self.dli_fname)
        (void)!dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

/* Signals are for the threads of the program. */
static int start_thread(Worker *w)
{
    sigset_t       all, before;
    pthread_attr_t attr;
    pthread_t      thread;
    int            rc = pthread_attr_init(&attr);
    if (rc)
        return rc;
    sigfillset(&all);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&thread, &attr, worker_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return rc;
}

/* Under the lock. */
static Worker *new_worker(void)
{
    Worker *w = NULL;
    if (n_workers >= MAX_WORKERS || posix_memalign((void **)&w, 64, sizeof *w))
        return NULL;
    *w = (Worker){0};
    if (start_thread(w)) {
        free(w);
        return NULL;
    }
    n_workers++;
    return w;
}

static int take_workers(Worker **out, int want)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int                   n = 0;
    pthread_once(&once, prepare_process);
    pthread_mutex_lock(&pool_lock);
    while (n < want) {
        Worker *w = idle_workers;
        if (w)
            idle_workers = w->next_idle;
        else
            w = new_worker();
        if (!w)
            break;
        out[n++] = w;
    }
    pthread_mutex_unlock(&pool_lock);
    return n;
}

static void give_workers(Worker **workers, int n)
{
    pthread_mutex_lock(&pool_lock);
    for (int i = 0; i < n; i++) {
        workers[i]->next_idle = idle_workers;
        idle_workers = workers[i];
    }
    pthread_mutex_unlock(&pool_lock);
}

void pool_run(int32_t want, void (*prepare)(void *cx, int32_t n),
              void (*task)(void *cx, int32_t i, int32_t n), void *cx)
{
    Worker     *workers[MAX_WORKERS];
    int         more = want - 1 > MAX_WORKERS ? MAX_WORKERS : want - 1;
    int         n = more > 0 ? take_workers(workers, more) : 0;
    atomic_uint pending;
    atomic_init(&pending, (unsigned)n);
    prepare(cx, n + 1);
    for (int i = 0; i < n; i++) {
        Worker *w = workers[i];
        w->task = task;
        w->cx = cx;
        w->i = i + 1;
        w->n = n + 1;
        w->pending = &pending;
        atomic_fetch_add_explicit(&w->generation, 1, memory_order_seq_cst);
        if (atomic_load(&w->sleeping))
            futex_wake(&w->generation);
    }
    task(cx, 0, n + 1);
    for (int spins = 0; atomic_load_explicit(&pending, memory_order_acquire); spins++) {
        if (spins < 10000)
            relax();
        else
            sched_yield();
    }
    if (n)
        give_workers(workers, n);
}
