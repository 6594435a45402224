/*
 * GPUs by a library that stands in for NVML (fake_nvml.c), whose path is the argument. The loader
 * knows a library that is loaded by its name, so it is the one that is found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <unistd.h>

#include "measure/gpu.h"

static const char *library;

static void without_the_library_it_is_said(void **state)
{
    (void)state;
    struct gpu *gpu = NULL;
    void *there = dlopen("libnvidia-ml.so.1", RTLD_LAZY);
    if (there) { /* the machine has it, or whoever runs this test has told the loader of ours */
        dlclose(there);
        return;
    }
    assert_int_equal(gpu_open(&gpu).code, ERR_UNSUPPORTED);
    assert_null(gpu);
    gpu_close(gpu);
}

static void what_a_process_holds_is_summed_over_its_devices(void **state)
{
    (void)state;
    struct gpu *gpu = NULL;
    int64_t memory = -1, use = -1;
    void *loaded = dlopen(library, RTLD_NOW);
    assert_non_null(loaded);
    assert_true(result_ok(gpu_open(&gpu)));
    assert_int_equal(gpu_devices(gpu), 2);
    gpu_read(gpu);
    gpu_add_process(gpu, 2, &memory, &use);
    assert_int_equal(memory, -1);
    assert_int_equal(use, -1);
    gpu_add_process(gpu, getpid(), &memory, &use);
    assert_int_equal(memory, 8000000);
    assert_int_equal(use, 70);
    gpu_add_process(gpu, 1, &memory, &use);
    assert_int_equal(memory, 15000000);
    gpu_close(gpu);
    dlclose(loaded);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_library_it_is_said),
        cmocka_unit_test(what_a_process_holds_is_summed_over_its_devices),
    };
    library = argc > 1 ? argv[1] : "";
    return cmocka_run_group_tests_name("gpu", tests, NULL, NULL);
}
