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
/* Device code: contraction as on the CPU, no fast math. */
static const char device_flags[] = "-std=c++17 -O3 -w";
static const char link_flags[] =
    "-shared -Wl,-z,noexecstack -Wl,-z,relro -Wl,--build-id=none -Wl,--as-needed -s";
/* The static CUDA runtime is C++ inside: packages bring what it takes of that, too. */
static const char nvcc_link_flags[] =
    "-shared -cudart=static -Xcompiler -static-libstdc++,-static-libgcc "
    "-Xlinker -z,noexecstack,-z,relro,--build-id=none,--as-needed,--exclude-libs=ALL,-s";

typedef struct Job {
    const char **argv;
    const char  *file; /* source, for messages */
    const char  *log;
    pid_t        pid;
    bool         is_device; /* nvcc, else the C compiler */
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

static const char *compiler(const Toolchain *tool, const Library *library, Arena *arena)
{
    if (tool->cc)
        return tool->cc;
    if (library->triple)
        return arena_printf(arena, "%sgcc", library->triple);
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

static const char *program_kind(const Job *job)
{
    return job->is_device ? "CUDA compiler" : "C compiler";
}

static Error *no_compiler(Arena *arena, const Job *job, const char *why)
{
    Error *e = error_new(arena, E_TOOLCHAIN, (Where){0}, "cannot run the %s \"%s\"%s%s",
                         program_kind(job), job->argv[0], why ? ": " : "", why ? why : "");
    e->help =
        job->is_device
            ? "install the CUDA toolkit's nvcc (12.3 or newer), or name it with --nvcc or $NVCC"
            : "install a C compiler (Debian: apt-get install gcc), or name one with --cc or "
              "$CC";
    return e;
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
        return no_compiler(arena, job, strerror(rc));
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
        e = no_compiler(arena, job, NULL);
    else if (WIFSIGNALED(status))
        e = error_new(arena, E_TOOLCHAIN, (Where){0},
                      "the %s was killed by signal %d (%s) on %s\n%s", program_kind(job),
                      WTERMSIG(status), strsignal(WTERMSIG(status)), job->file, said);
    else
        e = error_new(arena, E_TOOLCHAIN, (Where){0},
                      "the %s failed on %s (exit status %d)\n%s\ncommand: %s", program_kind(job),
                      job->file, WEXITSTATUS(status), said, joined(arena, job->argv));
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

/* ---- the commands of one build --------------------------------------------------------------- */

typedef struct Build {
    const Toolchain *tool;
    const Library   *library;
    Arena           *arena;
    const char      *dir;
    const EmitFile  *files;
    int              n_files;
    int              done, total; /* jobs, for progress */
    Text             commands;
} Build;

#define MAX_WORDS 128

static bool has_suffix(const char *name, const char *suffix)
{
    size_t n = strlen(name), m = strlen(suffix);
    return n > m && !strcmp(name + n - m, suffix);
}

static const char *in_dir(const Build *b, const char *name)
{
    return arena_printf(b->arena, "%s/%s", b->dir, name);
}

static Job new_job(Build *b, const char *program, bool is_device, const char *file)
{
    Job job = {ARENA_ARRAY(b->arena, const char *, MAX_WORDS), file, NULL, 0, is_device};
    int n = 0;
    add_words(b->arena, job.argv, &n, MAX_WORDS, program);
    return job;
}

static void job_words(const Build *b, Job *job, const char *text)
{
    int n = 0;
    while (job->argv[n])
        n++;
    add_words(b->arena, job->argv, &n, MAX_WORDS, text);
}

static void job_files(const Build *b, Job *job, const char *from, const char *to)
{
    const char *tail[] = {from, "-o", to, NULL};
    int         n = 0;
    while (job->argv[n])
        n++;
    memcpy(job->argv + n, tail, sizeof tail);
    job->log = arena_printf(b->arena, "%s.log", to);
}

static Error *run_phase(Build *b, Job *jobs, int n)
{
    for (int i = 0; i < n; i++)
        text_printf(&b->commands, "%s\n", joined(b->arena, jobs[i].argv));
    TRY(run_jobs(b->tool, b->arena, jobs, n, b->done, b->total));
    b->done += n;
    return NULL;
}

/* A cubin or PTX of every device file for every instruction set.  PTX first: a cubin of the same
 * virtual architecture is made from it, which saves reading the C++ a second time. */
static const CudaArch *ptx_of(const Library *l, const CudaArch *arch)
{
    for (int i = 0; i < l->n_archs && !arch->ptx && !arch->exact; i++)
        if (l->archs[i].ptx && l->archs[i].sm == arch->sm)
            return &l->archs[i];
    return NULL;
}

static const char *nvcc(const Toolchain *tool)
{
    const char *env = getenv("NVCC");
    return tool->nvcc ? tool->nvcc : env && *env ? env : "nvcc";
}

static Error *compile_device(Build *b, bool from_ptx)
{
    const Library *l = b->library;
    Job           *jobs = ARENA_ARRAY(b->arena, Job, b->n_files * l->n_archs + 1);
    int            n = 0, part = 0;
    for (int i = 0; i < b->n_files; i++) {
        if (!has_suffix(b->files[i].name, ".cu") || b->files[i].source_folder)
            continue;
        for (int a = 0; a < l->n_archs; a++) {
            const CudaArch *arch = &l->archs[a], *ptx = ptx_of(l, arch);
            if (from_ptx != (ptx != NULL))
                continue;
            const char *from = ptx ? emit_cuda_image_name(b->arena, part, ptx) : b->files[i].name;
            Job        *job = &jobs[n++];
            *job = new_job(b, nvcc(b->tool), true, b->files[i].name);
            job_words(b, job, device_flags);
            job_words(b, job,
                      arena_printf(b->arena, arch->ptx ? "-ptx -arch=%s" : "-cubin -arch=%s",
                                   arch->name));
            job_files(b, job, in_dir(b, from),
                      in_dir(b, emit_cuda_image_name(b->arena, part, arch)));
        }
        part++;
    }
    return run_phase(b, jobs, n);
}

/* Words that may hold blanks. */
static void job_word(Job *job, const char *option, const char *value)
{
    int n = 0;
    while (job->argv[n])
        n++;
    job->argv[n++] = option;
    job->argv[n++] = value;
    job->argv[n] = NULL;
}

/* The user's sources see the prototypes that their schemas ask for, and what lies beside them. */
static void job_operator(const Build *b, Job *job, const EmitFile *file)
{
    job_word(job, "-I", file->source_folder);
    job_word(job, "-I", b->dir);
    job_word(job, "-include", in_dir(b, "aotc_ops.h"));
}

static bool is_device_source(const EmitFile *file)
{
    return file->source_folder && has_suffix(file->name, ".cu");
}

/* The user's CUDA: host code and device code for all instruction sets in one object. */
static void device_source_job(Build *b, Job *job, const EmitFile *file)
{
    *job = new_job(b, nvcc(b->tool), true, file->name);
    job_words(b, job, device_flags);
    job_words(b, job, "-Xcompiler -fPIC,-fvisibility=hidden -c");
    for (int a = 0; a < b->library->n_archs; a++) {
        const CudaArch *arch = &b->library->archs[a];
        const char     *number = strchr(arch->name, '_') + 1;
        job_words(b, job,
                  arena_printf(b->arena, "-gencode arch=compute_%s,code=%s", number, arch->name));
    }
    job_operator(b, job, file);
}

static Error *compile_host(Build *b, const char **objects, int *n_objects)
{
    Job *jobs = ARENA_ARRAY(b->arena, Job, b->n_files + 1);
    int  n = 0;
    for (int i = 0; i < b->n_files; i++) {
        size_t len = strlen(b->files[i].name);
        bool   is_device = is_device_source(&b->files[i]);
        if (!is_device && !has_suffix(b->files[i].name, ".c"))
            continue;
        Job        *job = &jobs[n++];
        const char *object = in_dir(
            b, arena_printf(b->arena, "%.*s.o", (int)len - (is_device ? 3 : 2), b->files[i].name));
        objects[(*n_objects)++] = object;
        if (is_device) {
            device_source_job(b, job, &b->files[i]);
            job_files(b, job, in_dir(b, b->files[i].name), object);
            continue;
        }
        *job = new_job(b, compiler(b->tool, b->library, b->arena), false, b->files[i].name);
        job_words(b, job, b->library->flags);
        job_words(b, job, compile_flags);
        if (b->library->n_archs)
            job_words(b, job, arena_printf(b->arena, "-Wa,-I%s", b->dir));
        if (b->tool->sanitize)
            job_words(b, job,
                      arena_printf(b->arena, "-g -fsanitize=%s -fno-sanitize-recover=undefined",
                                   b->tool->sanitize));
        if (b->files[i].source_folder)
            job_operator(b, job, &b->files[i]);
        job_words(b, job, "-c");
        job_files(b, job, in_dir(b, b->files[i].name), object);
    }
    return run_phase(b, jobs, n);
}

/* nvcc links where there is CUDA of the user: it knows where the static runtime is that his
 * launches call.  What is not needed stays out (the C++ library). */
static void link_words(Build *b, Job *job, bool by_nvcc)
{
    const char *program = by_nvcc ? nvcc(b->tool) : compiler(b->tool, b->library, b->arena);
    add_words(b->arena, job->argv, &(int){0}, MAX_WORDS, program);
    job_words(b, job, by_nvcc ? nvcc_link_flags : link_flags);
    if (b->tool->sanitize)
        job_words(b, job,
                  arena_printf(b->arena, "%s-fsanitize=%s", by_nvcc ? "-Xcompiler " : "",
                               b->tool->sanitize));
    else if (b->tool->ops) /* functions that nobody defines are found here, not by who loads it */
        job_words(b, job, by_nvcc ? "-Xlinker -z,defs" : "-Wl,-z,defs");
}

/* Static libraries give what is asked for and export nothing; shared ones are named in the result
 * and have to be found where it runs. */
static void link_libraries(Build *b, Job *job, int *n, bool by_nvcc)
{
    const OpFiles *ops = b->tool->ops;
    bool           is_hidden = false;
    for (int i = 0; ops && i < ops->files.n; i++) {
        const OpFile *f = &ops->files.items[i];
        if (f->kind != OP_FILE_LIBRARY)
            continue;
        if (f->is_static && !is_hidden) {
            const char *words[] = {by_nvcc ? "-Xlinker" : "-Wl,--exclude-libs,ALL",
                                   by_nvcc ? "--exclude-libs,ALL" : NULL};
            for (int w = 0; w < 2 && words[w]; w++)
                job->argv[(*n)++] = words[w];
            is_hidden = true;
        }
        job->argv[(*n)++] = f->path;
    }
}

static Error *link_objects(Build *b, const char *const *objects, int n_objects, const char *so)
{
    int  n_libraries = b->tool->ops ? b->tool->ops->files.n : 0, n = 0;
    bool by_nvcc = false;
    Job job = {ARENA_ARRAY(b->arena, const char *, n_objects + n_libraries + MAX_WORDS), "model.so",
               in_dir(b, "link.log"), 0, false};
    for (int i = 0; i < b->n_files; i++)
        by_nvcc |= is_device_source(&b->files[i]);
    job.is_device = by_nvcc;
    link_words(b, &job, by_nvcc);
    while (job.argv[n])
        n++;
    for (int i = 0; i < n_objects; i++)
        job.argv[n++] = objects[i];
    link_libraries(b, &job, &n, by_nvcc);
    const char *tail[] = {"-o", so, "-lm", NULL};
    memcpy(job.argv + n, tail, sizeof tail);
    return run_phase(b, &job, 1);
}

/* Commands of one file. */
static int count_jobs(const EmitFile *file, const Library *library)
{
    if (has_suffix(file->name, ".cu") && !file->source_folder)
        return library->n_archs;
    return has_suffix(file->name, ".c") || is_device_source(file);
}

static Error *build_in(const Toolchain *tool, Arena *arena, const Library *library, const char *dir,
                       const EmitFile *files, int n_files, BuiltObject *out)
{
    Build        b = {tool, library, arena, dir, files, n_files, 0, 1, text_new(arena)};
    const char **objects = ARENA_ARRAY(arena, const char *, n_files + 1);
    int          n_objects = 0;
    const char  *so = in_dir(&b, "model.so");
    for (int i = 0; i < n_files; i++) {
        TRY(write_text(arena, in_dir(&b, files[i].name), files[i].text, files[i].n));
        b.total += count_jobs(&files[i], library);
    }
    TRY(compile_device(&b, false));
    TRY(compile_device(&b, true));
    TRY(compile_host(&b, objects, &n_objects));
    TRY(link_objects(&b, objects, n_objects, so));
    out->commands = b.commands.data;
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

Error *toolchain_build(const Toolchain *tool, Arena *arena, const Library *library,
                       const EmitFile *files, int n_files, BuiltObject *out)
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
    Error *error = build_in(tool, arena, library, dir, files, n_files, out);
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
