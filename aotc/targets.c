/* Machines that code is made for: one row each. */
#include "aotc/toolchain.h"

#include <string.h>

static const TargetInfo targets[] = {
    {"native", "-march=native", NULL},
    {"x86-64-v2", "-march=x86-64-v2", NULL},
    {"x86-64-v3", "-march=x86-64-v3", NULL},
    {"x86-64-v4", "-march=x86-64-v4 -mprefer-vector-width=512", NULL},
    {"aarch64-linux-gnu", "-march=armv8-a", "aarch64-linux-gnu-"},
};

const TargetInfo *target_at(int index)
{
    return index >= 0 && index < (int)(sizeof targets / sizeof *targets) ? &targets[index] : NULL;
}

const TargetInfo *target_find(const char *name)
{
    const TargetInfo *t;
    for (int i = 0; (t = target_at(i)); i++)
        if (!strcmp(t->name, name))
            return t;
    return NULL;
}
