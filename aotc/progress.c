/* See progress.h. */
#include "aotc/progress.h"

#include <stdio.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

Progress progress_start(bool on, const char *what)
{
    return (Progress){on, what, now()};
}

void progress_step(Progress *p, const char *stage, int done, int total)
{
    if (!p->on)
        return;
    char bar[21];
    for (int i = 0; i < 20; i++)
        bar[i] = total > 0 && i < 20 * done / total ? '#' : '.';
    bar[20] = 0;
    fprintf(stderr, "\r\033[K%s  %-18s [%s] %5.1f s", p->what, stage, bar, now() - p->start);
    fflush(stderr);
}

void progress_end(Progress *p, bool ok, const char *result)
{
    if (!p->on)
        return;
    fputs("\r\033[K", stderr);
    if (ok && result)
        fprintf(stderr, "%s: %.1f s\n", result, now() - p->start);
}
