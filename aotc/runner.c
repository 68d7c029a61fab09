/* See runner.h. */
#include "aotc/runner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool report(const Runner *r, const aotc_error *e)
{
    fprintf(stderr, "%s: error: %s\n", r->program, e->text);
    if (e->op[0] || e->node[0])
        fprintf(stderr, "  node    %s%s%s\n", e->node, e->op[0] ? "  " : "", e->op);
    if (e->python[0])
        fprintf(stderr, "  python  %s\n", e->python);
    fprintf(stderr, "  status  %s\n", aotc_status_name(e->status));
    return false;
}

bool runner_open(Runner *r, const char *path, const RunnerOptions *o)
{
    aotc_error           e = {.struct_size = sizeof e};
    aotc_context_options options = {.struct_size = sizeof options,
                                    .n_threads = (int)o->threads,
                                    .seed = o->seed,
                                    .cuda_graph = o->cuda_graph};
    if (aotc_package_open(path, NULL, &r->package, &e) ||
        aotc_model_load_for(r->package, o->entry, &o->load, &r->model, &e) ||
        aotc_context_create(r->model, &options, &r->context, &e))
        return report(r, &e);
    r->n_inputs = aotc_model_n_inputs(r->model);
    r->n_outputs = aotc_model_n_outputs(r->model);
    r->inputs = calloc((size_t)r->n_inputs + 1, sizeof *r->inputs);
    r->outputs = calloc((size_t)r->n_outputs + 1, sizeof *r->outputs);
    r->literals = calloc((size_t)r->n_inputs + 1, sizeof *r->literals);
    return r->inputs && r->outputs && r->literals;
}

/* The number that the export fixed for input i. */
static bool bind_fixed(Runner *r, int i, const aotc_tensor_info *info)
{
    int64_t *v = &r->literals[i];
    if (!info->is_literal)
        return false;
    if (info->dtype.code == kDLFloat)
        memcpy(v, &info->literal_float, sizeof *v);
    else if (info->dtype.code == kDLBool)
        *(uint8_t *)v = info->literal_int != 0;
    else
        *v = info->literal_int;
    r->inputs[i] = (DLTensor){.data = v, .device = {kDLCPU, 0}, .dtype = info->dtype};
    return true;
}

static bool is_opaque(const Runner *r, int index, bool is_output)
{
    aotc_tensor_info info = {.struct_size = sizeof info};
    if (is_output)
        aotc_output_info(r->model, index, &info);
    else
        aotc_input_info(r->model, index, &info);
    return info.dtype.code == kDLOpaqueHandle;
}

int runner_number(const Runner *r, int index, bool is_output)
{
    int number = 0;
    for (int i = 0; i < index; i++)
        number += !is_opaque(r, i, is_output);
    return is_opaque(r, index, is_output) ? -1 : number;
}

bool runner_bind(Runner *r, const TensorFile *file)
{
    for (int i = 0; i < r->n_inputs; i++) {
        char             name[32];
        aotc_tensor_info info = {.struct_size = sizeof info};
        int              number = runner_number(r, i, false);
        if (number < 0)
            continue;
        aotc_input_info(r->model, i, &info);
        snprintf(name, sizeof name, "input%d", number);
        const DLTensor *t = tensor_file_find(file, name);
        if (!t)
            t = tensor_file_find(file, info.name);
        if (!t && bind_fixed(r, i, &info))
            continue;
        if (!t) {
            fprintf(stderr, "%s: error: the inputs have neither \"%s\" nor \"%s\"\n", r->program,
                    name, info.name);
            return false;
        }
        r->inputs[i] = *t;
    }
    return true;
}

bool runner_run(Runner *r)
{
    aotc_error e = {.struct_size = sizeof e};
    for (int i = 0; i < r->n_outputs && !r->keeps_outputs; i++)
        r->outputs[i] = (DLTensor){.device = {kDLCPU, 0}};
    if (aotc_run(r->context, r->inputs, r->n_inputs, r->outputs, r->n_outputs, r->stream, &e))
        return report(r, &e);
    return true;
}

bool runner_wait(Runner *r)
{
    aotc_error e = {.struct_size = sizeof e};
    return aotc_synchronize(r->context, &e) ? report(r, &e) : true;
}

void runner_close(Runner *r)
{
    aotc_context_destroy(r->context);
    aotc_model_release(r->model);
    aotc_package_close(r->package);
    free(r->inputs);
    free(r->outputs);
    free(r->literals);
}

bool option_number(const char *program, const char *option, const char *text, uint64_t most,
                   uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end && !errno && v <= most) {
        *out = v;
        return true;
    }
    fprintf(stderr, "%s: error: %s takes a number from 0 to %llu, not \"%s\"\n", program, option,
            (unsigned long long)most, text);
    return false;
}

static bool take_device(const char *program, RunnerOptions *o, const char *value)
{
    uint64_t ordinal = 0;
    if (!strcmp(value, "cpu")) {
        o->load.device_type = kDLCPU;
        return true;
    }
    o->load.device_type = kDLCUDA;
    o->load.device_id = -1;
    if (!strcmp(value, "cuda"))
        return true;
    if (!strncmp(value, "cuda:", 5) &&
        option_number(program, "--device cuda:N", value + 5, 4096, &ordinal)) {
        o->load.device_id = (int32_t)ordinal;
        return true;
    }
    if (strncmp(value, "cuda:", 5))
        fprintf(stderr, "%s: error: --device takes cpu, cuda or cuda:N, not \"%s\"\n", program,
                value);
    return false;
}

static bool take_graph(const char *program, RunnerOptions *o, const char *value)
{
    static const char *const names[] = {"auto", "off", "on"};
    for (int i = 0; i < 3; i++)
        if (!strcmp(value, names[i])) {
            o->cuda_graph = (aotc_cuda_graph)i;
            return true;
        }
    fprintf(stderr, "%s: error: --cuda-graph takes off, auto or on, not \"%s\"\n", program, value);
    return false;
}

bool runner_option(const char *program, RunnerOptions *o, int option, const char *value)
{
    switch (option) {
    case 'e':
        o->entry = value;
        return true;
    case 't':
        return option_number(program, "--threads", value, 4096, &o->threads);
    case 'r':
        return option_number(program, "--seed", value, UINT64_MAX, &o->seed);
    case 'D':
        return take_device(program, o, value);
    case 'g':
        return take_graph(program, o, value);
    default:
        return false;
    }
}
