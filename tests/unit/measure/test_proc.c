/*
 * What /proc says: its texts, with names that try to break them, and this very process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "measure/proc.h"

/* From the fourth field on: parent 7, … 3 and 4 ticks of children, 5 threads, 100 pages. */
#define REST " 7 9 9 0 -1 4194304 1 2 3 4 10 20 3 4 20 0 5 0 1234 10485760 100 18446744073709551615"

static void a_stat_is_read_whatever_the_name(void **state)
{
    (void)state;
    static const char *const names[] = {"(plain)", "(with blank)", "(a) R 1 (b)", "())",
                                        "(\n)",    "()",           "(((())))"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char text[512];
        struct proc_stat stat;
        snprintf(text, sizeof(text), "42 %s S" REST " 0 0\n", names[i]);
        assert_true(proc_parse_stat(slice_str(text), &stat));
        assert_int_equal(stat.parent, 7);
        assert_int_equal(stat.state, 'S');
        assert_int_equal(stat.threads, 5);
        assert_int_equal(stat.rss, 100 * sysconf(_SC_PAGESIZE));
        assert_int_equal(stat.reaped, 7 * (NS_PER_S / sysconf(_SC_CLK_TCK)));
    }
}

static void what_is_no_stat_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "42 (x",
        "42 (x)",
        "42 (x) S",
        "42 (x) S 1 2 3",
        "42 (x) SS" REST,
        "42 (x) S -7" REST,
        "42 (x) S 7 9 9 0 -1 4194304 1 2 3 4 10 20 3 4 20 0 five 0 1234 10485760 100"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct proc_stat stat;
        assert_false(proc_parse_stat(slice_str(texts[i]), &stat));
    }
}

static void lines_are_found_by_their_beginning(void **state)
{
    (void)state;
    const struct slice text = SLICE("Name:\tPss: 7\nPss:      12 kB\nPss_Dirty: 3 kB\n");
    int64_t value = 0;
    assert_true(proc_parse_line(text, SLICE("Pss:"), &value));
    assert_int_equal(value, 12);
    assert_false(proc_parse_line(text, SLICE("Rss:"), &value));
    assert_false(proc_parse_line(SLICE("Pss: -1 kB"), SLICE("Pss:"), &value));
    assert_false(proc_parse_line(SLICE("Pss: x"), SLICE("Pss:"), &value));
}

static void a_schedstat_has_two_times(void **state)
{
    (void)state;
    int64_t ran = 0, waited = 0;
    assert_true(proc_parse_schedstat(SLICE("12 34 5"), &ran, &waited));
    assert_int_equal(ran, 12);
    assert_int_equal(waited, 34);
    assert_false(proc_parse_schedstat(SLICE("12"), &ran, &waited));
    assert_false(proc_parse_schedstat(SLICE("12 -3 5"), &ran, &waited));
}

static void no_child(void *context, pid_t pid)
{
    (void)pid;
    ++*(int *)context;
}

static void this_process_is_as_it_is(void **state)
{
    (void)state;
    struct proc p;
    struct proc_figures before, after;
    struct proc_details details;
    int children = 0;
    assert_int_equal(prctl(PR_SET_NAME, "a) b (c"), 0);
    assert_true(proc_open(&p, getpid()));
    assert_true(proc_read(&p, &before));
    assert_int_equal(before.stat.parent, getppid());
    assert_true(before.stat.threads >= 1); /* a sanitizer has one of its own */
    assert_true(before.stat.rss > 100000);
    assert_true(proc_look(&p, before.cpu, no_child, &children, &details));
    assert_int_equal(children, 0);
    int64_t files = details.descriptors;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(proc_look(&p, before.cpu, no_child, &children, &details));
    assert_int_equal(details.descriptors, files + 1);
    close(fd);
    for (volatile int i = 0; i < 1000000; i++)
        continue;
    assert_true(proc_read(&p, &after));
    assert_true(after.cpu > before.cpu);
    assert_true(proc_pss(&p) > 0);
    proc_close(&p);
}

static void a_tree_holds_what_its_processes_hold(void **state)
{
    (void)state;
    int pipes[2];
    char byte;
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        char *pages = sbrk(32 << 20);
        memset(pages, 1, 32 << 20);
        (void)!write(pipes[1], "r", 1);
        for (;;)
            pause();
    }
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    int64_t all = proc_resident_tree(getpid(), false), below = proc_resident_tree(getpid(), true);
    assert_true(below >= 32 << 20);
    assert_true(all > below);
    struct proc p;
    struct proc_figures figures;
    assert_true(proc_open(&p, child));
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_false(proc_read(&p, &figures));
    assert_int_equal(proc_pss(&p), 0);
    proc_close(&p);
    assert_false(proc_open(&p, child));
    assert_int_equal(proc_resident_tree(child, false), 0);
    close(pipes[0]);
    close(pipes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stat_is_read_whatever_the_name),
        cmocka_unit_test(what_is_no_stat_is_refused),
        cmocka_unit_test(lines_are_found_by_their_beginning),
        cmocka_unit_test(a_schedstat_has_two_times),
        cmocka_unit_test(this_process_is_as_it_is),
        cmocka_unit_test(a_tree_holds_what_its_processes_hold),
    };
    return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
