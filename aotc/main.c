/* aotc: the command line. */
#include "aotc/compile.h"
#include "package/archive_read.h"
#include "passes/pass.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aotc/commands.h"

static const char usage_text[] =
    "usage: aotc MODEL -o OUT.pt2pkg [options]     compile (MODEL: .pt2, its folder, export.json "
    "or IR text)\n"
    "       aotc opt MODEL [--passes=a,b]          run passes alone, print IR text\n"
    "       aotc inspect PACKAGE [--json]          what is in a package\n"
    "       aotc ops [NAME ...] [--target cpu|cuda] [--dtype f16] [--json|--markdown]\n"
    "                                              operators and the dtypes that they take\n"
    "\n"
    "Output\n"
    "  -o, --output FILE         the package\n"
    "  --emit-only               stop after the sources (needs --keep)\n"
    "  --keep DIR                leave sources, objects and commands in DIR\n"
    "  --stats FILE              statistics as JSON\n"
    "  --entry NAME              name of the entry point\n"
    "\n"
    "Input\n"
    "  --weights-from PATH       weights of a bare export.json: .safetensors file or folder\n"
    "  --model NAME              which model of an archive with several\n"
    "\n"
    "Code\n"
    "  --target NAME[,NAME...]   native (default), x86-64-v2, x86-64-v3, x86-64-v4, "
    "aarch64-linux-gnu,\n"
    "                            cuda:sm_80, sm_86, sm_89, sm_90, sm_100, sm_120: one package for "
    "all\n"
    "  --cc COMMAND              C compiler (default: $CC, else cc)\n"
    "  --nvcc COMMAND            CUDA compiler (default: $NVCC, else nvcc)\n"
    "  -j, --jobs N              compilers at once (default: processors)\n"
    "  --sanitize LIST           -fsanitize=LIST in emitted code\n"
    "\n"
    "Custom operators\n"
    "  --op-source FILE          C (.c) or CUDA (.cu) that declares and defines operators\n"
    "  --op-library FILE         .a or .so that defines them\n"
    "  --op-schema FILE          text that declares the operators of a library\n"
    "  --explain-unsupported     on stdout: a source to start from, for operators that are "
    "missing\n"
    "\n"
    "Passes\n"
    "  --list-passes             names and purposes, in order\n"
    "  --disable-pass NAME       may be given several times\n"
    "  --print-after PASS        IR text after a pass (all: after each) on stdout\n"
    "  --max-fusion-size N       loops in one kernel\n"
    "  --unroll-reductions-threshold N  reductions of up to N elements without a loop\n"
    "  --explain-fusion          on stdout: why a kernel was not fused into the one it needs\n"
    "\n"
    "  -v, --verbose             print the compiler's commands\n"
    "  --help, --version\n";

enum {
    OPT_EMIT_ONLY = 256,
    OPT_KEEP,
    OPT_STATS,
    OPT_ENTRY,
    OPT_WEIGHTS,
    OPT_MODEL,
    OPT_TARGET,
    OPT_CC,
    OPT_NVCC,
    OPT_SANITIZE,
    OPT_LIST_PASSES,
    OPT_DISABLE,
    OPT_PRINT_AFTER,
    OPT_MAX_FUSION,
    OPT_UNROLL,
    OPT_EXPLAIN,
    OPT_EXPLAIN_OPS,
    OPT_HELP,
    OPT_VERSION,
    OPT_OP_SOURCE,
    OPT_OP_LIBRARY,
    OPT_OP_SCHEMA,
    OPT_PASSES,
    OPT_JSON,
    OPT_MARKDOWN,
    OPT_DTYPE
};

static const struct option long_options[] = {{"output", 1, 0, 'o'},
                                             {"jobs", 1, 0, 'j'},
                                             {"verbose", 0, 0, 'v'},
                                             {"emit-only", 0, 0, OPT_EMIT_ONLY},
                                             {"keep", 1, 0, OPT_KEEP},
                                             {"stats", 1, 0, OPT_STATS},
                                             {"entry", 1, 0, OPT_ENTRY},
                                             {"weights-from", 1, 0, OPT_WEIGHTS},
                                             {"model", 1, 0, OPT_MODEL},
                                             {"target", 1, 0, OPT_TARGET},
                                             {"cc", 1, 0, OPT_CC},
                                             {"nvcc", 1, 0, OPT_NVCC},
                                             {"sanitize", 1, 0, OPT_SANITIZE},
                                             {"list-passes", 0, 0, OPT_LIST_PASSES},
                                             {"disable-pass", 1, 0, OPT_DISABLE},
                                             {"print-after", 1, 0, OPT_PRINT_AFTER},
                                             {"max-fusion-size", 1, 0, OPT_MAX_FUSION},
                                             {"unroll-reductions-threshold", 1, 0, OPT_UNROLL},
                                             {"explain-fusion", 0, 0, OPT_EXPLAIN},
                                             {"explain-unsupported", 0, 0, OPT_EXPLAIN_OPS},
                                             {"op-source", 1, 0, OPT_OP_SOURCE},
                                             {"op-library", 1, 0, OPT_OP_LIBRARY},
                                             {"op-schema", 1, 0, OPT_OP_SCHEMA},
                                             {"help", 0, 0, OPT_HELP},
                                             {"version", 0, 0, OPT_VERSION},
                                             {"passes", 1, 0, OPT_PASSES},
                                             {"json", 0, 0, OPT_JSON},
                                             {"markdown", 0, 0, OPT_MARKDOWN},
                                             {"dtype", 1, 0, OPT_DTYPE},
                                             {0}};

static void out_of_memory(size_t bytes)
{
    fprintf(stderr, "aotc: error: out of memory (%zu bytes)\n", bytes);
    exit(1);
}

static void print_dump(void *cx, const char *pass, const char *text)
{
    (void)cx;
    printf("# after %s\n%s\n", pass, text);
}

/* Edit distance with unit costs, for "did you mean". */
static int distance(const char *a, const char *b)
{
    int row[64], n = (int)strlen(b);
    if (n > 62)
        return 99;
    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int old = row[j], best = diagonal + (a[i - 1] != b[j - 1]);
            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            row[j] = best;
            diagonal = old;
        }
    }
    return row[n];
}

static int unknown_option(const char *arg)
{
    const char *best = NULL;
    int         least = 5;
    char        name[64];
    size_t      n = strcspn(arg, "=");
    snprintf(name, sizeof name, "%.*s", (int)(n < 63 ? n : 63), arg);
    for (const struct option *o = long_options; o->name && !strncmp(name, "--", 2); o++)
        if (distance(name + 2, o->name) < least) {
            least = distance(name + 2, o->name);
            best = o->name;
        }
    fprintf(stderr, "aotc: unknown option %s", name);
    if (best)
        fprintf(stderr, "; did you mean --%s?", best);
    fputs("\n", stderr);
    return 2;
}

static int positive(const char *option, const char *text, int *out)
{
    char *end;
    long  v = strtol(text, &end, 10);
    if (*end || !*text || v < 0 || v > 1000000) {
        fprintf(stderr, "aotc: %s takes a number, not \"%s\"\n", option, text);
        return 2;
    }
    *out = (int)v;
    return 0;
}

static int list_passes(void)
{
    for (int i = 0; pipeline[i]; i++)
        printf("%-28s %s\n", pipeline[i]->name, pipeline[i]->purpose);
    printf("%-28s %s\n", "lower", "loops, fusion, schedule and memory");
    return 0;
}

static bool known_pass(const char *name)
{
    static const char *const others[] = {"lower", "all", "fuse", "split_cat", "constant_fold"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!strcmp(others[i], name))
            return true;
    return pass_find(name) != NULL;
}

static int take_option(Arena *arena, Command *c, int opt, const char *arg)
{
    CompileOptions *o = &c->compile;
    switch (opt) {
    case 'o':
        o->output = arg;
        return 0;
    case 'j':
        return positive("-j", arg, &o->tool.jobs);
    case 'v':
        o->verbose = o->tool.verbose = true;
        return 0;
    case OPT_EMIT_ONLY:
        o->emit_only = true;
        return 0;
    case OPT_KEEP:
        o->tool.keep = arg;
        return 0;
    case OPT_STATS:
        o->stats = arg;
        return 0;
    case OPT_ENTRY:
        o->entry = arg;
        return 0;
    case OPT_WEIGHTS:
        o->weights_from = arg;
        return 0;
    case OPT_MODEL:
        o->model = arg;
        return 0;
    case OPT_TARGET:
        c->target = arg;
        return 0;
    case OPT_CC:
        o->tool.cc = arg;
        return 0;
    case OPT_NVCC:
        o->tool.nvcc = arg;
        return 0;
    case OPT_SANITIZE:
        o->tool.sanitize = arg;
        return 0;
    case OPT_DISABLE: {
        const char **names = ARENA_ARRAY(arena, const char *, o->passes.n_disabled + 1);
        for (int i = 0; i < o->passes.n_disabled; i++)
            names[i] = o->passes.disabled[i];
        names[o->passes.n_disabled++] = arg;
        o->passes.disabled = names;
        if (!known_pass(arg)) {
            fprintf(stderr, "aotc: unknown pass %s; --list-passes names them\n", arg);
            return 2;
        }
        return 0;
    }
    case OPT_PRINT_AFTER:
        o->passes.print_after = arg;
        if (!known_pass(arg)) {
            fprintf(stderr, "aotc: unknown pass %s; --list-passes names them\n", arg);
            return 2;
        }
        return 0;
    case OPT_MAX_FUSION:
        return positive("--max-fusion-size", arg, &o->passes.max_fusion_size);
    case OPT_UNROLL:
        return positive("--unroll-reductions-threshold", arg,
                        &o->passes.unroll_reductions_threshold);
    case OPT_EXPLAIN:
        o->passes.explain_fusion = true;
        return 0;
    case OPT_EXPLAIN_OPS:
        c->explain_unsupported = true;
        return 0;
    case OPT_OP_SOURCE:
        op_files_add(arena, &o->ops, OP_FILE_SOURCE, arg);
        return 0;
    case OPT_OP_LIBRARY:
        op_files_add(arena, &o->ops, OP_FILE_LIBRARY, arg);
        return 0;
    case OPT_OP_SCHEMA:
        op_files_add(arena, &o->ops, OP_FILE_SCHEMA, arg);
        return 0;
    case OPT_PASSES:
        c->passes = arg;
        return 0;
    case OPT_MARKDOWN:
        c->markdown = true;
        return 0;
    case OPT_DTYPE:
        c->dtype = arg;
        return 0;
    case OPT_JSON:
        c->json = true;
        return 0;
    }
    return 2;
}

static int report(Arena *arena, Error *error)
{
    if (!error)
        return 0;
    fflush(stdout);
    fputs(error_text(arena, error), stderr);
    return error->code == E_USAGE ? 2 : 1;
}

static Error *usage_error(Arena *arena, const char *text)
{
    return error_new(arena, E_USAGE, (Where){0}, "%s", text);
}

static Error *run_compile(Arena *arena, Command *c)
{
    CompileOptions *o = &c->compile;
    if (c->n_files != 1)
        return usage_error(arena,
                           c->n_files ? "one model at a time" : "no model given; --help says how");
    if (!o->output && !o->emit_only)
        return usage_error(arena, "no output given: -o OUT.pt2pkg");
    if (o->emit_only && !o->tool.keep)
        return usage_error(arena, "--emit-only needs --keep DIR");
    o->target = c->target;
    TRY(targets_parse(arena, c->target ? c->target : "native", &o->targets));
    o->input = c->files[0];
    Text stubs = text_new(arena);
    o->stubs = c->explain_unsupported ? &stubs : NULL;
    Error *error = compile(arena, o);
    fputs(stubs.data, stdout);
    return error;
}

static int run(Arena *arena, int argc, char **argv)
{
    Command c = {0};
    int     opt, first = 1, processors = (int)sysconf(_SC_NPROCESSORS_ONLN);
    c.compile.tool.jobs = processors > 0 ? processors : 1;
    c.compile.passes.print = print_dump;
    c.compile.progress = isatty(2);
    if (argc > 1 && (!strcmp(argv[1], "opt") || !strcmp(argv[1], "inspect") ||
                     !strcmp(argv[1], "ops") || !strcmp(argv[1], "compile"))) {
        c.name = argv[1];
        first = 2;
    }
    c.files = ARENA_ARRAY(arena, const char *, argc + 1);
    opterr = 0;
    optind = first;
    /* "-": names come as options in order, so that they may stand anywhere. */
    while ((opt = getopt_long(argc, argv, "-o:j:v", long_options, NULL)) != -1) {
        int rc = 0;
        if (opt == 1)
            c.files[c.n_files++] = optarg;
        else if (opt == '?')
            return unknown_option(argv[optind - 1]);
        else if (opt == OPT_HELP)
            return fputs(usage_text, stdout), 0;
        else if (opt == OPT_VERSION)
            return puts("aotc 0.1"), 0;
        else if (opt == OPT_LIST_PASSES)
            return list_passes();
        else
            rc = take_option(arena, &c, opt, optarg);
        if (rc)
            return rc;
    }
    if (c.name && !strcmp(c.name, "opt"))
        return report(arena, command_opt(arena, &c));
    if (c.name && !strcmp(c.name, "inspect"))
        return report(arena, command_inspect(arena, &c));
    if (c.name && !strcmp(c.name, "ops"))
        return report(arena, command_ops(arena, &c));
    return report(arena, run_compile(arena, &c));
}

int main(int argc, char **argv)
{
    Arena *arena = arena_create(out_of_memory);
    int    rc = run(arena, argc, argv);
    arena_destroy(arena);
    return rc;
}
