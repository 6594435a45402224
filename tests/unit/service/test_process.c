/*
 * Processes: what is reported of an end, what is delivered of the output, and above all that
 * nothing is left behind, whoever dies first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "core/clock.h"
#include "core/memory.h"
#include "core/parse.h"
#include "service/process.h"

#define KEEP 65536
#define LONG_GRACE (3600 * NS_PER_S)

/* One program under test and what was heard of it. */
struct run {
    struct process *process;
    char heard[KEEP];
    size_t length;
    const char *awaited; /* stop the loop when this was heard */
    int ends, exits;
    struct process_end at_end, end;
};

static uv_loop_t loop;

static void on_output(void *context, enum process_stream stream, struct slice bytes)
{
    struct run *r = context;
    assert_int_equal(r->exits, 0);
    if (stream == PROCESS_STDOUT && r->length + bytes.len < sizeof(r->heard)) {
        memcpy(r->heard + r->length, bytes.data, bytes.len);
        r->length += bytes.len;
    }
    if (r->awaited && strstr(r->heard, r->awaited))
        uv_stop(&loop);
}

static void on_end(void *context, const struct process_end *end)
{
    struct run *r = context;
    assert_int_equal(r->exits, 0);
    r->ends++;
    r->at_end = *end;
}

static void on_exit_(void *context, const struct process_end *end)
{
    struct run *r = context;
    assert_int_equal(r->ends, 1);
    r->exits++;
    r->end = *end;
}

static struct process_events events_of(struct run *r)
{
    return (struct process_events){r, on_output, on_end, on_exit_};
}

#define CHILD(...) ((const char *const[]){child_path(), __VA_ARGS__, NULL})

static void start_with(struct run *r, const struct process_options *options)
{
    *r = (struct run){0};
    struct result started = process_start(&loop, options, events_of(r), &r->process);
    if (!result_ok(started))
        fail_msg("%s", error_last()->text);
}

static void start(struct run *r, const char *const *argv)
{
    start_with(r, &(struct process_options){.argv = argv, .keep = KEEP});
}

static void await(struct run *r, const char *text)
{
    r->awaited = text;
    while (!strstr(r->heard, text))
        assert_true(uv_run(&loop, UV_RUN_DEFAULT) != 0);
    r->awaited = NULL;
}

static void finish(struct run *r)
{
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(r->ends, 1);
    assert_int_equal(r->exits, 1);
}

static void finish_and_free(struct run *r)
{
    finish(r);
    process_free(r->process);
}

/* "WORD PID" in what was heard. */
static pid_t pid_after(const struct run *r, const char *word)
{
    const char *at = strstr(r->heard, word);
    assert_non_null(at);
    struct slice digits = slice_str(at + strlen(word));
    digits.len = strspn(digits.data, "0123456789");
    int64_t pid = 0;
    assert_true(result_ok(parse_integer(digits, &pid)));
    return (pid_t)pid;
}

static bool is_alive(pid_t pid)
{
    return kill(pid, 0) == 0;
}

static void exit_status_and_times_are_reported(void **state)
{
    (void)state;
    struct run r;
    start(&r, CHILD("exit=7"));
    assert_true(process_pid(r.process) > 0);
    finish(&r);
    assert_int_equal(r.end.fate, PROCESS_EXITED);
    assert_int_equal(r.end.code, 7);
    assert_int_equal(r.end.stragglers, 0);
    assert_false(r.end.forced);
    assert_true(r.end.started < r.end.ended && r.end.ended <= clock_now());
    char text[PROCESS_END_TEXT];
    assert_string_equal(process_end_text(text, &r.end), "exited with status 7");
    process_free(r.process);
}

static void a_deadly_signal_is_reported_by_name(void **state)
{
    (void)state;
    struct run r;
    start(&r, CHILD("raise=9"));
    finish_and_free(&r);
    assert_int_equal(r.end.fate, PROCESS_SIGNALLED);
    char text[PROCESS_END_TEXT];
    assert_string_equal(process_end_text(text, &r.end), "was killed by signal 9 (SIGKILL)");
    int signal = 0;
    assert_true(result_ok(process_signal_named(SLICE("hup"), &signal)));
    assert_int_equal(signal, SIGHUP);
    assert_int_equal(process_signal_named(SLICE("SIG"), &signal).code, ERR_VALUE);
}

static void the_resident_set_is_known_when_it_is_not_hidden_by_ours(void **state)
{
    (void)state;
    struct run r;
    start(&r, (const char *const[]){"true", NULL});
    finish_and_free(&r);
    assert_int_equal(r.end.max_resident, 0);
    start(&r, (const char *const[]){"dd", "if=/dev/zero", "of=/dev/null", "bs=200M", "count=1",
                                    "status=none", NULL});
    finish_and_free(&r);
    assert_int_equal(r.end.code, 0);
    assert_in_range(r.end.max_resident, 200 << 20, 220 << 20);
}

static void assert_refused(const struct process_options *options, const char *part)
{
    struct run r = {0};
    assert_int_equal(process_start(&loop, options, events_of(&r), &r.process).code, ERR_SPAWN);
    if (!strstr(error_last()->text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, error_last()->text);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(r.ends + r.exits, 0);
}

static void what_cannot_be_started_says_why_and_where_it_was_looked_for(void **state)
{
    (void)state;
    assert_refused(&(struct process_options){.argv = (const char *[]){"no-such-program", NULL}},
                   "cannot start \"no-such-program\": there is no such program in PATH (/");
    assert_refused(&(struct process_options){.argv = (const char *[]){"./none", NULL}, .cwd = "/"},
                   "cannot start \"./none\" in /: No such file or directory");
    assert_refused(&(struct process_options){.argv = (const char *[]){"/etc/passwd", NULL}},
                   "execute permission?");
    assert_refused(&(struct process_options){.argv = CHILD("wait"), .cwd = "/no/such/folder"},
                   "the working directory could not be entered: /no/such/folder");
    char script[] = "/tmp/assay-test-XXXXXX";
    int fd = mkstemp(script);
    assert_true(fd >= 0 && fchmod(fd, 0700) == 0);
    dprintf(fd, "#!/no/such/interpreter\n");
    close(fd);
    assert_refused(&(struct process_options){.argv = (const char *[]){script, NULL}},
                   "its interpreter is missing");
    unlink(script);
}

static void both_streams_are_delivered_before_the_end(void **state)
{
    (void)state;
    struct run r;
    start(&r, CHILD("say=one", "complain=two", "say=three"));
    finish(&r);
    assert_true(slice_is(process_output(r.process, PROCESS_STDOUT), "one\nthree\n"));
    assert_true(slice_is(process_output(r.process, PROCESS_STDERR), "two\n"));
    assert_string_equal(r.heard, "one\nthree\n");
    process_free(r.process);
}

static void only_the_last_bytes_of_much_output_are_kept(void **state)
{
    (void)state;
    struct run r;
    start_with(&r,
               &(struct process_options){.argv = CHILD("fill=1000000", "say=end"), .keep = 1000});
    finish(&r);
    struct slice kept = process_output(r.process, PROCESS_STDOUT);
    assert_int_equal(kept.len, 1000);
    assert_true(slice_ends(kept, SLICE("cbend\n")));
    assert_int_equal(process_output_total(r.process, PROCESS_STDOUT), 1000004);
    assert_true(r.end.user_time + r.end.system_time > 0);
    process_free(r.process);
}

static void input_arguments_environment_and_folder_reach_the_program(void **state)
{
    (void)state;
    struct run r;
    setenv("ASSAY_TEST_OLD", "inherited", 1);
    setenv("ASSAY_TEST_NEW", "hidden", 1);
    start_with(&r, &(struct process_options){
                       .argv = CHILD("cat", "show=ASSAY_TEST_OLD", "show=ASSAY_TEST_NEW", "cwd"),
                       .environment = (const char *[]){"ASSAY_TEST_NEW=a=b", NULL},
                       .cwd = "/usr",
                       .input = SLICE("in\n"),
                       .keep = KEEP});
    finish(&r);
    assert_true(slice_is(process_output(r.process, PROCESS_STDOUT), "in\ninherited\na=b\n/usr\n"));
    process_free(r.process);
}

/* An ignored SIGPIPE and a blocked SIGTERM of ours are not the program's. */
static void the_program_starts_with_default_signals_and_no_descriptors(void **state)
{
    (void)state;
    struct run r;
    sigset_t term, before;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, &before);
    signal(SIGPIPE, SIG_IGN);
    int leaky = dup(STDERR_FILENO); /* without close-on-exec */
    const char *const argv[] = {"sh", "-c",
                                "grep -E 'Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd", NULL};
    start(&r, argv);
    finish(&r);
    close(leaky);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    /* 3 is ls reading the folder. */
    assert_string_equal(r.heard, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"
                                 "0\n1\n2\n3\n");
    process_free(r.process);
}

static void stop_ends_an_obedient_program_with_its_own_status(void **state)
{
    (void)state;
    struct run r;
    start(&r, CHILD("on-term-exit=3", "say=up", "wait"));
    await(&r, "up");
    process_stop(r.process, SIGTERM, LONG_GRACE);
    finish_and_free(&r);
    assert_int_equal(r.end.fate, PROCESS_EXITED);
    assert_int_equal(r.end.code, 3);
    assert_false(r.end.forced);
}

static void stop_kills_what_ignores_it_when_the_grace_is_over(void **state)
{
    (void)state;
    struct run r;
    start(&r, CHILD("ignore=15", "sleeper", "say=up", "wait"));
    await(&r, "up");
    process_stop(r.process, SIGTERM, 20 * NS_PER_MS);
    finish_and_free(&r);
    assert_int_equal(r.end.fate, PROCESS_SIGNALLED);
    assert_int_equal(r.end.code, SIGKILL);
    assert_true(r.end.forced);
    assert_int_equal(r.end.stragglers, 0);
    assert_false(is_alive(pid_after(&r, "sleeper ")));
}

static void the_shorter_grace_wins(void **state)
{
    (void)state;
    struct run r;
    start(&r, CHILD("ignore=15", "say=up", "wait"));
    await(&r, "up");
    process_stop(r.process, SIGTERM, LONG_GRACE);
    process_stop(r.process, SIGTERM, 20 * NS_PER_MS);
    process_stop(r.process, SIGTERM, LONG_GRACE);
    finish_and_free(&r);
    assert_int_equal(r.end.code, SIGKILL);

    start(&r, CHILD("ignore=15", "say=up", "wait"));
    await(&r, "up");
    process_stop(r.process, SIGTERM, LONG_GRACE);
    process_stop(r.process, SIGKILL, LONG_GRACE);
    finish_and_free(&r);
    assert_int_equal(r.end.code, SIGKILL);
}

static void a_stopped_program_can_be_continued_and_ended(void **state)
{
    (void)state;
    struct run r;
    start(&r, CHILD("on-term-exit=4", "say=up", "wait"));
    await(&r, "up");
    process_signal(r.process, SIGSTOP);
    process_stop(r.process, SIGTERM, LONG_GRACE);
    finish_and_free(&r);
    assert_int_equal(r.end.fate, PROCESS_EXITED);
    assert_int_equal(r.end.code, 4);
}

static void what_outlives_its_program_is_counted_and_killed(void **state)
{
    (void)state;
    struct run r;
    start_with(&r, &(struct process_options){.argv = CHILD("sleeper", "daemon", "daemon", "exit=0"),
                                             .linger = 1});
    finish_and_free(&r);
    assert_int_equal(r.at_end.fate, PROCESS_EXITED);
    assert_int_equal(r.at_end.stragglers, 0);
    assert_int_equal(r.end.code, 0);
    assert_int_equal(r.end.stragglers, 3);
    assert_false(is_alive(pid_after(&r, "sleeper ")));
    assert_false(is_alive(pid_after(&r, "daemon ")));
}

static void descendants_that_end_by_themselves_are_no_stragglers(void **state)
{
    (void)state;
    struct run r;
    const char *const argv[] = {"sh", "-c", "(read line; echo late) <&0 & exit 0", NULL};
    start_with(&r, &(struct process_options){
                       .argv = argv, .input = SLICE("x\n"), .linger = LONG_GRACE, .keep = KEEP});
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(r.end.stragglers, 0);
    process_free(r.process);
}

static void an_escaped_daemon_hears_the_stop_and_a_deaf_one_is_killed(void **state)
{
    (void)state;
    struct run r;
    start(&r, CHILD("daemon", "say=up", "wait"));
    await(&r, "up");
    process_stop(r.process, SIGTERM, LONG_GRACE);
    finish_and_free(&r);
    assert_int_equal(r.end.stragglers, 0);
    assert_false(is_alive(pid_after(&r, "daemon ")));

    start(&r, CHILD("deaf-daemon", "say=up", "wait"));
    await(&r, "up");
    process_stop(r.process, SIGTERM, 20 * NS_PER_MS);
    finish_and_free(&r);
    assert_int_equal(r.end.code, SIGTERM);
    assert_int_equal(r.end.stragglers, 1);
    assert_false(is_alive(pid_after(&r, "daemon ")));
}

static int pidfd(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    assert_true(fd >= 0);
    return fd;
}

static void assert_ends(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 30000), 1);
    close(fd);
}

static int count_descriptors(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    int count = -2; /* . and .. */
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* Else whoever reads our output would not see its end, nor another keeper ours. */
static void the_keeper_holds_nothing_it_inherited(void **state)
{
    (void)state;
    struct run r;
    start(&r, CHILD("say=up", "wait"));
    await(&r, "up");
    int64_t patience = clock_now() + 10 * NS_PER_S;
    /* Its socket and its signals. */
    while (count_descriptors(process_keeper(r.process)) > 2 && clock_now() < patience)
        sched_yield();
    assert_int_equal(count_descriptors(process_keeper(r.process)), 2);
    process_stop(r.process, SIGKILL, 0);
    finish_and_free(&r);
}

static void a_program_dies_with_its_keeper(void **state)
{
    (void)state;
    struct run r;
    start(&r, CHILD("sleeper", "say=up", "wait"));
    await(&r, "up");
    int program = pidfd(process_pid(r.process));
    int sleeper = pidfd(pid_after(&r, "sleeper "));
    kill(process_keeper(r.process), SIGKILL);
    finish_and_free(&r);
    assert_int_equal(r.end.fate, PROCESS_LOST);
    assert_ends(program);
    assert_ends(sleeper);
}

/* What another assay would do: start programs that try to escape, tell their pids, and wait. */
static void run_victim(int tell)
{
    struct run r[2];
    if (uv_loop_init(&loop) != 0)
        _exit(1);
    for (int i = 0; i < 2; i++) {
        start(&r[i], CHILD("ignore=15", "ignore=1", "sleeper", "deaf-daemon", "say=up", "wait"));
        await(&r[i], "up");
        pid_t pids[] = {process_keeper(r[i].process), process_pid(r[i].process),
                        pid_after(&r[i], "sleeper "), pid_after(&r[i], "daemon ")};
        if (write(tell, pids, sizeof(pids)) != (ssize_t)sizeof(pids))
            _exit(1);
    }
    for (;;)
        pause();
}

/* Of each of its two programs: the keeper, the program, a child of it, an escaped daemon. */
enum { KEEPER, PROGRAM, SLEEPER, DAEMON, ROLES };

static pid_t start_victim(pid_t pids[2 * ROLES], int fds[2 * ROLES])
{
    int told[2];
    assert_int_equal(pipe(told), 0);
    pid_t victim = fork();
    if (victim == 0)
        run_victim(told[1]);
    close(told[1]);
    for (int i = 0; i < 2; i++) {
        ssize_t size = ROLES * sizeof(pid_t);
        assert_int_equal(read(told[0], pids + i * ROLES, (size_t)size), size);
    }
    close(told[0]);
    for (int i = 0; i < 2 * ROLES; i++)
        fds[i] = pidfd(pids[i]);
    return victim;
}

static void nothing_survives_a_sigkill_of_whoever_started_it(void **state)
{
    (void)state;
    pid_t pids[2 * ROLES];
    int fds[2 * ROLES];
    pid_t victim = start_victim(pids, fds);
    kill(victim, SIGKILL);
    for (int i = 0; i < 2 * ROLES; i++)
        assert_ends(fds[i]);
    assert_int_equal(waitpid(victim, NULL, 0), victim);
}

/* The keepers are held still while assay dies, and killed before they can do anything. */
static void a_program_does_not_survive_assay_and_its_keeper_together(void **state)
{
    (void)state;
    pid_t pids[2 * ROLES];
    int fds[2 * ROLES];
    pid_t victim = start_victim(pids, fds);
    for (int i = 0; i < 2 * ROLES; i += ROLES)
        kill(pids[i + KEEPER], SIGSTOP);
    kill(victim, SIGKILL);
    assert_int_equal(waitpid(victim, NULL, 0), victim);
    for (int i = 0; i < 2 * ROLES; i += ROLES) {
        kill(pids[i + KEEPER], SIGKILL);
        assert_ends(fds[i + KEEPER]);
        assert_ends(fds[i + PROGRAM]);
        /* These are beyond reach then, as keeper.h says. */
        kill(pids[i + SLEEPER], SIGKILL);
        kill(pids[i + DAEMON], SIGKILL);
        assert_ends(fds[i + SLEEPER]);
        assert_ends(fds[i + DAEMON]);
    }
}

static void many_programs_at_once_end_each_with_its_own_status(void **state)
{
    (void)state;
    enum { MANY = 40 };
    struct run *runs = mem_alloc(MANY * sizeof(*runs));
    for (int i = 0; i < MANY; i++) {
        char action[16];
        snprintf(action, sizeof(action), "exit=%d", i);
        start(&runs[i], CHILD(action));
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(runs[i].exits, 1);
        assert_int_equal(runs[i].end.code, i);
        process_free(runs[i].process);
    }
    mem_free(runs);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static int set_up(void **state)
{
    (void)state;
    return uv_loop_init(&loop);
}

static int tear_down(void **state)
{
    (void)state;
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    child_main(argc, argv);
    const struct CMUnitTest tests[] = {
        TEST(exit_status_and_times_are_reported),
        TEST(a_deadly_signal_is_reported_by_name),
        TEST(the_resident_set_is_known_when_it_is_not_hidden_by_ours),
        TEST(what_cannot_be_started_says_why_and_where_it_was_looked_for),
        TEST(both_streams_are_delivered_before_the_end),
        TEST(only_the_last_bytes_of_much_output_are_kept),
        TEST(input_arguments_environment_and_folder_reach_the_program),
        TEST(the_program_starts_with_default_signals_and_no_descriptors),
        TEST(stop_ends_an_obedient_program_with_its_own_status),
        TEST(stop_kills_what_ignores_it_when_the_grace_is_over),
        TEST(the_shorter_grace_wins),
        TEST(a_stopped_program_can_be_continued_and_ended),
        TEST(what_outlives_its_program_is_counted_and_killed),
        TEST(descendants_that_end_by_themselves_are_no_stragglers),
        TEST(an_escaped_daemon_hears_the_stop_and_a_deaf_one_is_killed),
        TEST(the_keeper_holds_nothing_it_inherited),
        TEST(a_program_dies_with_its_keeper),
        TEST(nothing_survives_a_sigkill_of_whoever_started_it),
        TEST(a_program_does_not_survive_assay_and_its_keeper_together),
        TEST(many_programs_at_once_end_each_with_its_own_status),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
