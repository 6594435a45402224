/*
 * The condition of a process: a stopped one, one without descriptors, and one that is well.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "service/condition.h"

/* A child that holds all but `spare` of its descriptors (`limit` 0: as they are), says so, and
 * waits. */
static pid_t child(rlim_t limit, rlim_t spare)
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (limit) {
            struct rlimit few = {limit, limit};
            setrlimit(RLIMIT_NOFILE, &few);
            for (int fd = 3; (rlim_t)fd < limit - spare; fd++)
                if (fd != ready[1])
                    dup2(0, fd);
            for (rlim_t fd = limit - spare; fd < 1024; fd++)
                if ((int)fd != ready[1])
                    close((int)fd);
        }
        (void)!write(ready[1], "r", 1);
        for (;;)
            pause();
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void condition_is(pid_t pid, const char *expected)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    assert_string_equal(arena_string(arena, process_condition(arena, pid)), expected);
}

static void a_stopped_process_is_told(void **state)
{
    (void)state;
    pid_t pid = child(0, 0);
    kill(pid, SIGSTOP);
    assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
    condition_is(pid, "is stopped by a signal (state T)");
    kill(pid, SIGCONT);
    assert_int_equal(waitpid(pid, NULL, WCONTINUED), pid);
    condition_is(pid, "");
    end(pid);
}

static void a_process_without_descriptors_is_told(void **state)
{
    (void)state;
    pid_t pid = child(40, 0);
    condition_is(pid, "has 40 of its 40 descriptors open");
    end(pid);
}

static void a_process_with_enough_descriptors_is_well(void **state)
{
    (void)state;
    pid_t pid = child(40, 10);
    condition_is(pid, "");
    end(pid);
}

static void no_process_has_no_condition(void **state)
{
    (void)state;
    condition_is(0, "");
    condition_is(-1, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stopped_process_is_told),
        cmocka_unit_test(a_process_without_descriptors_is_told),
        cmocka_unit_test(a_process_with_enough_descriptors_is_well),
        cmocka_unit_test(no_process_has_no_condition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
