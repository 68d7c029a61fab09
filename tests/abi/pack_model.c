/* For the tests of the small programs: a package of the hand-written model, and tensors to run it
 * on.
 *
 *   pack_model MODEL.so FOLDER      writes model.pt2pkg, affine.in, state.in, late.in, short.in,
 * bad.in */
#include "abi/aotc_package.h"
#include "aotc/safetensors.h"
#include "package/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *in_folder(const char *folder, const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static bool pack(const char *so, const char *path)
{
    static unsigned char code[1 << 20];
    static const float   bias[] = {1, 2, 3, 4}, counter[] = {0};
    FILE                *f = fopen(so, "rb");
    size_t               n = f ? fread(code, 1, sizeof code, f) : 0;
    if (f)
        fclose(f);
    if (!n || n == sizeof code)
        return false;
    PackageMember member = {.name = "lib/native/model.so",
                            .data = code,
                            .size_bytes = n,
                            .kind = AOTC_MEMBER_LIBRARY,
                            .target = "native",
                            .machine = code[18]};
    WeightPiece   pieces[] = {{0, sizeof bias, bias}, {64, sizeof counter, counter}};
    PackageSpec   spec = {&member, 1, pieces, 2, 128};
    Arena        *arena = arena_create(NULL);
    Error        *error = package_write(arena, path, &spec);
    if (error)
        fprintf(stderr, "%s\n", error->message);
    arena_destroy(arena);
    return !error;
}

static NamedTensor tensor(char *name, void *data, DLDataType dtype, int ndim, int64_t *shape)
{
    return (NamedTensor){
        name, {.data = data, .device = {kDLCPU, 0}, .ndim = ndim, .dtype = dtype, .shape = shape}};
}

int main(int argc, char **argv)
{
    static float      data[64] = {1, 2, -3, 4, 5};
    static int64_t    odd[4];
    const DLDataType  f32 = {kDLFloat, 32, 1}, i64 = {kDLInt, 64, 1};
    int64_t           x[] = {2, 4}, y[] = {4, 4}, four[] = {4}, five[] = {5}, square[] = {2, 2};
    char              message[512] = "cannot pack";
    const NamedTensor affine[] = {tensor("input0", data, f32, 2, x), tensor("y", data, f32, 2, y),
                                  tensor("input2", odd, i64, 1, four)};
    const NamedTensor bad[] = {tensor("input0", data, f32, 2, y), tensor("y", data, f32, 2, y),
                               tensor("input2", odd, i64, 1, four)};
    const NamedTensor state[] = {tensor("x", data, f32, 2, square)};
    const NamedTensor late[] = {tensor("input0", data, f32, 1, five)};
    if (argc != 3)
        return 2;
    const char *folder = argv[2];
    bool        ok = pack(argv[1], in_folder(folder, "model.pt2pkg"));
#define WRITE(name, items, n)                                                                      \
    ok = ok && tensor_file_write(in_folder(folder, name), items, n, message, sizeof message)
    WRITE("affine.in", affine, 3);
    WRITE("short.in", affine, 2);
    WRITE("bad.in", bad, 3);
    WRITE("state.in", state, 1);
    WRITE("late.in", late, 1);
    if (!ok)
        fprintf(stderr, "pack_model: %s\n", message);
    return ok ? 0 : 1;
}
