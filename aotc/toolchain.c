/* See toolchain.h.  Each file is one job; when all objects are there, one more command links them.
 */
#include "aotc/toolchain.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* -O2 with the vectorizer on; no -ffast-math: it would change results, and at link time set
 * flush-to-zero in the whole process of whoever loads the model. -fopenmp-simd reads the simd
 * pragmas without OpenMP. */
static const char compile_flags[] =
    "-std=gnu11 -O2 -ftree-vectorize -funswitch-loops -fno-math-errno -fno-trapping-math "
    "-fopenmp-simd "
    "-fno-strict-aliasing -ffp-contract=fast -fPIC -fvisibility=hidden "
    "-fno-asynchronous-unwind-tables -w";
static const char link_flags[] =
    "-shared -Wl,-z,noexecstack -Wl,-z,relro -Wl,--build-id=none -Wl,--as-needed -s";

typedef struct Job {
    const char **argv;
    const char  *file; /* source, for messages */
    const char  *log;
    pid_t        pid;
} Job;

/* ---- signals --------------------------------------------------------------------------------- */

static const int             held_signals[] = {SIGINT, SIGTERM, SIGHUP};
static struct sigaction      held_before[3];
static volatile sig_atomic_t noted_signal;

static void note_signal(int number)
{
    noted_signal = number;
}

void signals_hold(void)
{
    struct sigaction note = {.sa_handler = note_signal, .sa_flags = SA_RESTART | SA_RESETHAND};
    sigemptyset(&note.sa_mask);
    for (int i = 0; i < 3; i++) {
        sigaction(held_signals[i], NULL, &held_before[i]);
        if (held_before[i].sa_handler != SIG_IGN) /* as under nohup */
            sigaction(held_signals[i], &note, NULL);
    }
}

bool signals_noted(void)
{
    return noted_signal != 0;
}

void signals_release(void)
{
    int number = noted_signal;
    for (int i = 0; i < 3; i++)
        sigaction(held_signals[i], &held_before[i], NULL);
    noted_signal = 0;
    if (number)
        raise(number);
}

/* ---- files and jobs -------------------------------------------------------------------------- */

static Error *io_error(Arena *arena, const char *what, const char *path)
{
    return error_new(arena, E_IO, (Where){.file = path}, "cannot %s: %s", what, strerror(errno));
}

static Error *write_text(Arena *arena, const char *path, const char *text, size_t n)
{
    FILE *f = fopen(path, "w");
    if (!f)
        return io_error(arena, "create the file", path);
    bool ok = fwrite(text, 1, n, f) == n;
    ok = fclose(f) == 0 && ok;
    return ok ? NULL : io_error(arena, "write the file", path);
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static void add_words(Arena *arena, const char **argv, int *n, int cap, const char *text)
{
    while (*text) {
        while (*text == ' ')
            text++;
        size_t len = strcspn(text, " ");
        if (len && *n < cap - 1)
            argv[(*n)++] = arena_strndup(arena, text, len);
        text += len;
    }
    argv[*n] = NULL;
}

static const char *compiler(const Toolchain *tool, Arena *arena)
{
    const TargetInfo *target = target_find(tool->target);
    if (tool->cc)
        return tool->cc;
    if (target && target->triple)
        return arena_printf(arena, "%sgcc", target->triple);
    const char *env = getenv("CC");
    return env && *env ? env : "cc";
}

static const char *joined(Arena *arena, const char **argv)
{
    Text t = text_new(arena);
    for (int i = 0; argv[i]; i++)
        text_printf(&t, "%s%s", i ? " " : "", argv[i]);
    return t.data;
}

static Error *spawn_job(Arena *arena, const Toolchain *tool, Job *job)
{
    posix_spawn_file_actions_t actions;
    if (tool->verbose)
        fprintf(stderr, "%s\n", joined(arena, job->argv));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, job->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    int rc =
        posix_spawnp(&job->pid, job->argv[0], &actions, NULL, (char *const *)job->argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (rc) {
        Error *e = error_new(arena, E_TOOLCHAIN, (Where){0}, "cannot run the C compiler \"%s\": %s",
                             job->argv[0], strerror(rc));
        e->help =
            "install a C compiler (Debian: apt-get install gcc), or name one with --cc or $CC";
        return e;
    }
    return NULL;
}

/* The first lines of what the compiler said. */
static const char *read_log(Arena *arena, const char *path)
{
    char  buffer[1500];
    FILE *f = fopen(path, "r");
    if (!f)
        return "";
    size_t n = fread(buffer, 1, sizeof buffer - 1, f);
    fclose(f);
    buffer[n] = 0;
    return arena_strdup(arena, buffer);
}

static Error *job_result(Arena *arena, const Toolchain *tool, const Job *job, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return NULL;
    const char *said = read_log(arena, job->log);
    Error      *e;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        e = error_new(arena, E_TOOLCHAIN, (Where){0}, "cannot run the C compiler \"%s\"",
                      job->argv[0]);
    else if (WIFSIGNALED(status))
        e = error_new(arena, E_TOOLCHAIN, (Where){0},
                      "the C compiler was killed by signal %d (%s) on %s\n%s", WTERMSIG(status),
                      strsignal(WTERMSIG(status)), job->file, said);
    else
        e = error_new(arena, E_TOOLCHAIN, (Where){0},
                      "the C compiler failed on %s (exit status %d)\n%s\ncommand: %s", job->file,
                      WEXITSTATUS(status), said, joined(arena, job->argv));
    if (!tool->keep)
        e->help = "--keep DIR leaves the emitted sources in DIR";
    return e;
}

static Error *interrupt_jobs(Arena *arena, const Job *jobs, int n)
{
    for (int i = 0; i < n; i++)
        if (jobs[i].pid)
            kill(jobs[i].pid, SIGTERM);
    return error_new(arena, E_TOOLCHAIN, (Where){0}, "interrupted by a signal");
}

static Error *run_jobs(const Toolchain *tool, Arena *arena, Job *jobs, int n, int done, int total)
{
    int    started = 0, finished = 0, running = 0;
    Error *error = NULL;
    while (finished < started || (!error && started < n)) {
        while (!error && started < n && running < (tool->jobs < 1 ? 1 : tool->jobs)) {
            error = spawn_job(arena, tool, &jobs[started]);
            if (!error)
                started++, running++;
        }
        if (!running)
            break;
        if (!error && signals_noted())
            error = interrupt_jobs(arena, jobs, started);
        /* Wait for ours only: the caller may have children of its own. */
        for (int i = 0; i < started; i++) {
            int status;
            if (!jobs[i].pid)
                continue;
            pid_t got = waitpid(jobs[i].pid, &status, WNOHANG);
            if (!got)
                continue;
            if (got > 0 && !error)
                error = job_result(arena, tool, &jobs[i], status);
            jobs[i].pid = 0;
            running--;
            finished++;
            if (tool->progress)
                tool->progress(tool->progress_cx, done + finished, total);
        }
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    }
    return error;
}

static Error *read_file(Arena *arena, const char *path, BuiltObject *out)
{
    struct stat st;
    int         fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st)) {
        Error *e = io_error(arena, "read the file", path);
        if (fd >= 0)
            close(fd);
        return e;
    }
    char  *data = arena_alloc(arena, (size_t)st.st_size + 1);
    size_t n = 0;
    while (n < (size_t)st.st_size) {
        ssize_t got = read(fd, data + n, (size_t)st.st_size - n);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    close(fd);
    if (n != (size_t)st.st_size)
        return io_error(arena, "read the file", path);
    out->data = data;
    out->size_bytes = n;
    return NULL;
}

static Error *build_in(const Toolchain *tool, Arena *arena, const char *dir, const EmitFile *files,
                       int n_files, BuiltObject *out)
{
    const TargetInfo *target = target_find(tool->target);
    Job              *jobs = ARENA_ARRAY(arena, Job, n_files + 1);
    Text              commands = text_new(arena);
    const char       *cc = compiler(tool, arena);
    int               n_jobs = 0;
    const char      **link = ARENA_ARRAY(arena, const char *, n_files + 64);
    int               n_link = 0;
    add_words(arena, link, &n_link, n_files + 63, cc);
    add_words(arena, link, &n_link, n_files + 63, link_flags);
    if (tool->sanitize)
        add_words(arena, link, &n_link, n_files + 63,
                  arena_printf(arena, "-fsanitize=%s", tool->sanitize));
    for (int i = 0; i < n_files; i++) {
        const char *path = arena_printf(arena, "%s/%s", dir, files[i].name);
        TRY(write_text(arena, path, files[i].text, files[i].n));
        size_t len = strlen(files[i].name);
        if (len < 3 || strcmp(files[i].name + len - 2, ".c"))
            continue;
        const char  *object = arena_printf(arena, "%s/%.*s.o", dir, (int)len - 2, files[i].name);
        const char **argv = ARENA_ARRAY(arena, const char *, 96);
        int          n = 0;
        add_words(arena, argv, &n, 96, cc);
        add_words(arena, argv, &n, 96, target->flags);
        add_words(arena, argv, &n, 96, compile_flags);
        if (tool->sanitize)
            add_words(arena, argv, &n, 96,
                      arena_printf(arena, "-g -fsanitize=%s -fno-sanitize-recover=undefined",
                                   tool->sanitize));
        const char *tail[] = {"-c", path, "-o", object};
        for (int t = 0; t < 4; t++)
            argv[n++] = tail[t];
        jobs[n_jobs++] =
            (Job){argv, files[i].name, arena_printf(arena, "%s/%s.log", dir, files[i].name), 0};
        link[n_link++] = object;
        text_printf(&commands, "%s\n", joined(arena, argv));
    }
    TRY(run_jobs(tool, arena, jobs, n_jobs, 0, n_jobs + 1));
    const char *so = arena_printf(arena, "%s/model.so", dir);
    const char *tail[] = {"-o", so, "-lm", NULL};
    for (int t = 0; t < 4; t++)
        link[n_link + t] = tail[t];
    Job job = {link, "model.so", arena_printf(arena, "%s/link.log", dir), 0};
    text_printf(&commands, "%s\n", joined(arena, link));
    TRY(run_jobs(tool, arena, &job, 1, n_jobs, n_jobs + 1));
    out->commands = commands.data;
    return read_file(arena, so, out);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Scratch paths are no part of what a package records. */
static const char *without_dir(Arena *arena, const char *text, const char *dir)
{
    Text   t = text_new(arena);
    size_t n = strlen(dir);
    while (*text) {
        if (!strncmp(text, dir, n) && text[n] == '/')
            text += n + 1;
        else
            text_putc(&t, *text++);
    }
    return t.data;
}

Error *toolchain_write_sources(const Toolchain *tool, Arena *arena, const EmitFile *files,
                               int n_files)
{
    if (mkdir(tool->keep, 0777) && errno != EEXIST)
        return io_error(arena, "create the folder", tool->keep);
    for (int i = 0; i < n_files; i++)
        TRY(write_text(arena, arena_printf(arena, "%s/%s", tool->keep, files[i].name),
                       files[i].text, files[i].n));
    return NULL;
}

Error *toolchain_build(const Toolchain *tool, Arena *arena, const EmitFile *files, int n_files,
                       BuiltObject *out)
{
    const char *tmp = getenv("TMPDIR");
    char       *dir = arena_printf(arena, "%s/aotc-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    double      start = now();
    if (tool->keep) {
        dir = arena_strdup(arena, tool->keep);
        if (mkdir(dir, 0777) && errno != EEXIST)
            return io_error(arena, "create the folder", dir);
    } else if (!mkdtemp(dir)) {
        return io_error(arena, "create a scratch folder", dir);
    }
    Error *error = build_in(tool, arena, dir, files, n_files, out);
    if (!error) {
        const char *commands = out->commands;
        out->commands = without_dir(arena, commands, dir);
        if (tool->keep)
            error = write_text(arena, arena_printf(arena, "%s/commands.sh", dir), commands,
                               strlen(commands));
    }
    if (!tool->keep)
        nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    out->seconds = now() - start;
    return error;
}
