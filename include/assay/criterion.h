/*
 * Asserts of the harness in Criterion tests: include this in the test file, and a failed assert
 * fails the test and ends it. Criterion runs each test in a process of its own, whose end stops
 * what the test had started.
 */
#ifndef ASSAY_CRITERION_H
#define ASSAY_CRITERION_H

#include <criterion/criterion.h>

#include <assay/harness.h>

static inline void assay_criterion_fail(void *context, const char *file, int line, const char *text)
{
    (void)context;
    cr_assert_fail("%s:%d: %s", file, line, text);
}

/* Before main, so that nothing has to be called. */
__attribute__((constructor)) static void assay_criterion_begin(void)
{
    assay_set_failure_hook(assay_criterion_fail, NULL);
}

#endif
