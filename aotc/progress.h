/* Progress of long work on a terminal: one line with the stage and a bar. Nothing when stderr is no
 * terminal. */
#ifndef AOTC_AOTC_PROGRESS_H
#define AOTC_AOTC_PROGRESS_H

#include <stdbool.h>

typedef struct Progress {
    bool        on;
    const char *what;
    double      start;
} Progress;

Progress progress_start(bool on, const char *what);
void     progress_step(Progress *progress, const char *stage, int done, int total);
void     progress_end(Progress *progress, bool ok, const char *result);

#endif
