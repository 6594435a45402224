/*
 * Asserts of the harness in cmocka tests: include this in the test file, and a failed assert fails
 * the test, as assert_true does. cmocka leaves a failed test by longjmp, so variables declared with
 * ASSAY_WORKER_CLEANUP are skipped then; give your tests assay_cmocka_teardown, or the worker stays
 * until the process ends (and no longer: its keeper sees to that).
 */
#ifndef ASSAY_CMOCKA_H
#define ASSAY_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <assay/harness.h>

static inline void assay_cmocka_fail(void *context, const char *file, int line, const char *text)
{
    (void)context;
    print_error("%s\n", text);
    _fail(file, line);
}

/* Before main, so that nothing has to be called. */
__attribute__((constructor)) static void assay_cmocka_begin(void)
{
    assay_set_failure_hook(assay_cmocka_fail, NULL);
}

/* A teardown of a test or a group: stops every worker that is left. */
static inline int assay_cmocka_teardown(void **state)
{
    (void)state;
    assay_worker_stop_all();
    return 0;
}

#endif
