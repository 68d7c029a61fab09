/* A package of the hand-written CUDA model, for test_device and test_cli.sh.
 *
 *   pack_cuda_model MODEL.so OUT.pt2pkg [INPUTS]     INPUTS: x = 1, 2, … 8 as [2, 4] */
#include "abi/aotc_package.h"
#include "aotc/safetensors.h"
#include "package/write.h"

#include <stdio.h>

static bool write_inputs(const char *path)
{
    float             x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    int64_t           shape[] = {2, 4};
    char              message[512];
    const NamedTensor item = {
        "input0",
        {.data = x, .device = {kDLCPU, 0}, .ndim = 2, .dtype = {kDLFloat, 32, 1}, .shape = shape}};
    return tensor_file_write(path, &item, 1, message, sizeof message);
}

int main(int argc, char **argv)
{
    static unsigned char code[4 << 20];
    static const float   bias[] = {1, 2, 3, 4}, counter[] = {0}, zeros[4];
    FILE                *f = argc >= 3 ? fopen(argv[1], "rb") : NULL;
    size_t               n = f ? fread(code, 1, sizeof code, f) : 0;
    if (!n || n == sizeof code)
        return 2;
    fclose(f);
    const PackageMember member = {.name = "lib/cuda/model.so",
                                  .data = code,
                                  .size_bytes = n,
                                  .kind = AOTC_MEMBER_LIBRARY,
                                  .target = "cuda",
                                  .machine = code[18],
                                  .features = AOTC_NEEDS_CUDA};
    const WeightPiece   pieces[] = {
          {0, sizeof bias, bias}, {64, sizeof counter, counter}, {256, sizeof zeros, zeros}};
    const PackageSpec spec = {&member, 1, pieces, 3, 320};
    Arena            *arena = arena_create(NULL);
    Error            *error = package_write(arena, argv[2], &spec);
    if (error)
        fprintf(stderr, "%s\n", error->message);
    arena_destroy(arena);
    return error || (argc > 3 && !write_inputs(argv[3]));
}
