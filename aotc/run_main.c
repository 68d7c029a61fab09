/* aotc-run: runs a package on tensors from files. */
#include "aotc/runner.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PAIRS 1024

static const char usage[] =
    "usage: aotc-run PACKAGE --inputs IN.safetensors --outputs OUT.safetensors [options]\n"
    "\n"
    "Runs a compiled model once for every pair of --inputs and --outputs, in order, with one "
    "context: buffers that the\n"
    "model changes keep their values from run to run.  Tensors are named input0, input1, ... (or "
    "as exported), results\n"
    "output0, output1, ... (None has no tensor); inputs that the model changes are written too, "
    "under their own names.\n"
    "Inputs whose value the export fixed may be left out.\n"
    "\n"
    "  --inputs FILE    tensors to run on; may be left out when the model takes none\n"
    "  --outputs FILE   where results go\n"
    "  --entry NAME     entry point (default: the first)\n"
    "  --threads N      threads of a run (default 1)\n"
    "  --repeat N       runs of each pair; the results of the last are written\n"
    "  --server         print `ready`; every line of standard input is a command line like this "
    "one, "
    "its words with tabs\n"
    "                   between them; answer each with its exit status: one process, so one CUDA "
    "context for all\n"
    "  --seed N         of random operators\n" RUNNER_USAGE "  --help, --version\n";

/* Outputs, then the inputs that the model wrote. */
static int list_results(const Runner *r, NamedTensor *items, char (*names)[32])
{
    int n = 0;
    for (int i = 0; i < r->n_outputs; i++) {
        int number = runner_number(r, i, true);
        if (number < 0)
            continue;
        snprintf(names[n], sizeof names[n], "output%d", number);
        items[n] = (NamedTensor){names[n], r->outputs[i]};
        n++;
    }
    for (int i = 0; i < r->n_inputs; i++) {
        aotc_tensor_info info = {.struct_size = sizeof info};
        aotc_input_info(r->model, i, &info);
        if (!info.is_mutated)
            continue;
        snprintf(names[n], sizeof names[n], "input%d", runner_number(r, i, false));
        items[n] = (NamedTensor){names[n], r->inputs[i]};
        n++;
    }
    return n;
}

static bool write_results(const Runner *r, const char *path)
{
    size_t       most = (size_t)(r->n_inputs + r->n_outputs) + 1;
    NamedTensor *items = calloc(most, sizeof *items);
    char         message[512] = "out of memory", (*names)[32] = calloc(most, sizeof *names);
    bool         ok =
        items && names &&
        tensor_file_write(path, items, list_results(r, items, names), message, sizeof message);
    if (!ok)
        fprintf(stderr, "aotc-run: error: %s\n", message);
    free(items);
    free(names);
    return ok;
}

static bool run_pair(Runner *r, const char *in, const char *out, int repeat)
{
    TensorFile file = {0};
    char       message[512] = "";
    bool       ok = true;
    if (in && !tensor_file_read(in, &file, message, sizeof message)) {
        fprintf(stderr, "aotc-run: error: %s\n", message);
        ok = false;
    }
    ok = ok && runner_bind(r, &file);
    for (int i = 0; i < repeat && ok; i++)
        ok = runner_run(r);
    if (ok && out)
        ok = write_results(r, out);
    tensor_file_free(&file);
    return ok;
}

typedef struct Options {
    const char   *package, *in[MAX_PAIRS], *out[MAX_PAIRS];
    int           n_in, n_out;
    bool          server;
    uint64_t      repeat;
    RunnerOptions runner;
} Options;

static bool add_file(const char **files, int *n, const char *path)
{
    if (*n == MAX_PAIRS) {
        fprintf(stderr, "aotc-run: error: more than %d pairs of files\n", MAX_PAIRS);
        return false;
    }
    files[(*n)++] = path;
    return true;
}

static bool take_option(Options *o, int c)
{
    switch (c) {
    case 'i':
        return add_file(o->in, &o->n_in, optarg);
    case 'o':
        return add_file(o->out, &o->n_out, optarg);
    case 'n':
        return option_number("aotc-run", "--repeat", optarg, 1000000000, &o->repeat);
    case 'S':
        return o->server = true;
    default:
        return runner_option("aotc-run", &o->runner, c, optarg);
    }
}

/* Fills *o from a command line.  False: *status is the program's, all is said. */
static bool parse(int argc, char **argv, Options *o, int *status)
{
    static const struct option options[] = {
        {"inputs", 1, 0, 'i'},  {"outputs", 1, 0, 'o'},    {"entry", 1, 0, 'e'},
        {"threads", 1, 0, 't'}, {"repeat", 1, 0, 'n'},     {"seed", 1, 0, 'r'},
        {"device", 1, 0, 'D'},  {"cuda-graph", 1, 0, 'g'}, {"server", 0, 0, 'S'},
        {"help", 0, 0, 'h'},    {"version", 0, 0, 'v'},    {0}};
    int c;
    *o = (Options){.repeat = 1, .runner = RUNNER_DEFAULTS};
    *status = 0;
    optind = 0; /* glibc: a new command line */
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(usage, stdout);
            return false;
        }
        if (c == 'v') {
            printf("aotc-run %s\n", aotc_version());
            return false;
        }
        if (!take_option(o, c)) {
            *status = 2;
            return false;
        }
    }
    int n_packages = argc - optind;
    if (n_packages != !o->server || (o->n_in && o->n_out && o->n_in != o->n_out)) {
        fputs(usage, stderr);
        *status = 2;
        return false;
    }
    o->package = argv[optind];
    return true;
}

/* Leaves *r open. */
static int run(Runner *r, const Options *o)
{
    bool ok = runner_open(r, o->package, &o->runner);
    int  n = o->n_in > o->n_out ? o->n_in : o->n_out;
    for (int i = 0; i < (n ? n : 1) && ok; i++)
        ok = run_pair(r, o->in[i], o->out[i], (int)o->repeat);
    return ok ? 0 : 1;
}

/* One line of a server: the last model is closed after the next is open, which keeps the device's
 * context alive. */
static int serve_line(char *line, Runner *last)
{
    static Options o;
    char          *argv[2 * MAX_PAIRS + 64], *rest = line;
    int            argc = 1, status;
    argv[0] = "aotc-run";
    line[strcspn(line, "\n")] = 0;
    for (char *word;
         (word = strtok_r(rest, "\t", &rest)) && argc < (int)(sizeof argv / sizeof *argv) - 1;)
        argv[argc++] = word;
    argv[argc] = NULL;
    if (!parse(argc, argv, &o, &status))
        return status;
    if (o.server) {
        fputs("aotc-run: error: --server inside a server\n", stderr);
        return 2;
    }
    Runner r = {.program = "aotc-run"};
    status = run(&r, &o);
    runner_close(last);
    *last = r;
    return status;
}

static int serve(void)
{
    Runner last = {.program = "aotc-run"};
    char  *line = NULL;
    size_t size = 0;
    puts("ready");
    fflush(stdout);
    while (getline(&line, &size, stdin) > 0) {
        printf("%d\n", serve_line(line, &last));
        fflush(stdout);
    }
    free(line);
    runner_close(&last);
    return 0;
}

int main(int argc, char **argv)
{
    static Options o;
    int            status;
    if (!parse(argc, argv, &o, &status))
        return status;
    if (o.server)
        return serve();
    Runner r = {.program = "aotc-run"};
    status = run(&r, &o);
    runner_close(&r);
    return status;
}
