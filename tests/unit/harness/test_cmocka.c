/*
 * The adapter for cmocka: a failed assert fails the test, in its place, and ends it; the teardown
 * stops the worker that the longjmp left running. cmocka runs within cmocka, in a child.
 */
#include "assay/cmocka.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int channel[2], output[2];

static void fails_with_a_worker(void **state)
{
    (void)state;
    struct assay_worker *worker = assay_worker_start(NULL);
    assay_assert_started(worker);
    pid_t pid = assay_worker_pid(worker);
    (void)!write(channel[1], &pid, sizeof(pid));
    assay_assert_order(NULL); /* leaves */
    _exit(99);
}

static int run_failing_group(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(fails_with_a_worker, assay_cmocka_teardown),
    };
    dup2(output[1], STDOUT_FILENO);
    dup2(output[1], STDERR_FILENO);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

static void a_failed_assert_fails_the_test_and_the_teardown_stops_the_worker(void **state)
{
    (void)state;
    assert_int_equal(pipe(channel), 0);
    assert_int_equal(pipe(output), 0);
    pid_t child = fork();
    if (child == 0)
        exit(run_failing_group());
    close(output[1]);
    char text[2048] = "";
    size_t length = 0;
    for (ssize_t n; (n = read(output[0], text + length, sizeof(text) - 1 - length)) > 0;)
        length += (size_t)n;
    int status;
    pid_t worker = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_int_equal(read(channel[0], &worker, sizeof(worker)), sizeof(worker));
    assert_int_equal(kill(worker, 0), -1);
    assert_non_null(strstr(text, "expected events, got NULL"));
    assert_non_null(strstr(text, "test_cmocka.c"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_assert_fails_the_test_and_the_teardown_stops_the_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
