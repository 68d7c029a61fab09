/* CUDA models in the loader, over a driver without a GPU (cuda/fake.h) and a model written by hand
 * (cuda/model.c).
 *
 *   test_cuda_loader FAKE_DRIVER.so CUDA_MODEL.so CPU_MODEL.so [group] */
#include "tests/cuda/kit.h"

#include <unistd.h>

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } groups[] = {{"choice", run_choice_cases},
                  {"device", run_device_cases},
                  {"graphs", run_graph_cases},
                  {"failures", run_failure_cases}};
    char folder[4096], command[4200];
    int  failed = 0;
    if (argc < 4) {
        fprintf(stderr, "usage: test_cuda_loader FAKE_DRIVER.so CUDA_MODEL.so CPU_MODEL.so\n");
        return 2;
    }
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/aotc-cuda-XXXXXX", tmp ? tmp : "/tmp");
    cuda_model = argv[2];
    cpu_model = argv[3];
    kit_folder = mkdtemp(folder);
    if (!kit_folder)
        return 2;
    kit_cuda_start(argv[1]);
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (argc < 5 || !strcmp(argv[4], groups[i].name))
            failed += groups[i].run();
    snprintf(command, sizeof command, "rm -rf '%s'", kit_folder);
    return system(command) || failed;
}
