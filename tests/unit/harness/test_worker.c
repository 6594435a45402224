/*
 * Workers as processes: started, used, stopped, killed, left, and what is said when any of that
 * goes wrong. The worker is the reference worker (ASSAY_WORKER_BIN) or a shell script.
 */
#include "capture.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/memory.h"

/* ThreadSanitizer cannot follow a child of several threads into threads of its own. */
#if defined(__has_feature)
#define TSAN __has_feature(thread_sanitizer)
#else
#define TSAN 0
#endif

/* A shell command as a worker; $0 is the reference worker and $1 the port. */
#define SCRIPT(text) {"sh", "-c", text, getenv("ASSAY_WORKER_BIN"), "{port}", NULL}

static struct assay_worker *start(const struct assay_worker_options *options)
{
    struct assay_worker *worker = assay_worker_start(options);
    if (!worker)
        fail_msg("%s", assay_last_error());
    return worker;
}

static struct assay_worker *start_script(const char *const *command)
{
    return start(&(struct assay_worker_options){.command = command});
}

/* Nothing of that pid is left: not running, and reaped by its keeper. */
static void assert_gone(pid_t pid)
{
    int fd = pidfd_open(pid, 0);
    struct pollfd ended = {.fd = fd, .events = POLLIN};
    if (fd >= 0)
        assert_int_equal(poll(&ended, 1, 20000), 1);
    if (fd >= 0)
        close(fd);
}

static void assert_no_start(const struct assay_worker_options *options, const char *words)
{
    assert_null(assay_worker_start(options));
    assert_says(assay_last_error(), words);
}

/* ---- starting ---- */

static void a_worker_starts_in_stub_mode_without_any_options(void **state)
{
    (void)state;
    pid_t pid;
    {
        ASSAY_WORKER_CLEANUP struct assay_worker *worker = start(NULL);
        char url[64];
        snprintf(url, sizeof(url), "http://127.0.0.1:%u", assay_worker_port(worker));
        assert_string_equal(assay_worker_url(worker), url);
        assert_int_equal(assay_health(worker, NULL), ASSAY_OK);
        pid = assay_worker_pid(worker);
        assert_int_equal(kill(pid, 0), 0);
    }
    assert_int_equal(kill(pid, 0), -1);
}

static void the_usual_options_are_given(void **state)
{
    (void)state;
    const char *more[] = {"--delay-ms", "0.5", NULL};
    ASSAY_WORKER_CLEANUP struct assay_worker *worker =
        start(&(struct assay_worker_options){.gpu = 3, .arguments = more});
    ASSAY_RESPONSE_CLEANUP struct assay_response *health = NULL;
    assert_int_equal(assay_health(worker, &health), ASSAY_OK);
    char id[64];
    snprintf(id, sizeof(id), "\"worker_id\":\"test-worker-%u\"", assay_worker_port(worker));
    assert_says(health->body, id);
    assert_says(health->body, "\"model\":\"/dev/null\"");
    assert_says(health->body, "\"gpu_device\":3");
}

static void a_command_of_your_own_has_its_placeholders_filled_in(void **state)
{
    (void)state;
    const char *command[] =
        SCRIPT("echo \"$2 $GREETING {other} $(pwd)\"; exec \"$0\" --stub-mode --port \"$1\"");
    const char *more[] = {"{gpu}/{model}/{worker_id}", NULL},
               *environment[] = {"GREETING=at {port}", NULL};
    struct assay_worker_options options = {.command = command,
                                           .arguments = more,
                                           .environment = environment,
                                           .model = "/m.gguf",
                                           .gpu = 1,
                                           .directory = "/"};
    ASSAY_WORKER_CLEANUP struct assay_worker *worker = start(&options);
    char line[120], *log = assay_worker_log(worker);
    unsigned port = assay_worker_port(worker);
    snprintf(line, sizeof(line), "1//m.gguf/test-worker-%u at %u {other} /\n", port, port);
    assert_says(log, line);
    assert_says(log, "listening on http://127.0.0.1:");
    free(log);
}

static void options_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    const char *nothing[] = {NULL}, *no_port[] = {"true", NULL};
    const struct {
        struct assay_worker_options options;
        const char *words;
    } rows[] = {
        {{.command = nothing}, "options.command is empty"},
        {{.command = no_port}, "does not say where to listen: put {port} into command"},
        {{.command = no_port, .binary = "x"}, "options.command and options.binary"},
        {{.url = "http://127.0.0.1:1", .binary = "x"}, "a worker that runs already"},
        {{.url = "https://127.0.0.1:1"}, "http://"},
        {{.url = "nonsense"}, "expected a URL"},
        {{.stop_timeout_ns = -1}, "a timeout is negative"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_no_start(&rows[i].options, rows[i].words);
}

static void a_program_that_is_not_there_is_said(void **state)
{
    (void)state;
    const char *set = getenv("ASSAY_WORKER_BIN");
    char *before = mem_string(set ? set : "");
    setenv("ASSAY_WORKER_BIN", "no-such-worker", 1);
    assert_no_start(NULL, "\"no-such-worker\": there is no such program in PATH");
    assert_says(assay_last_error(), "say where your worker is: options.binary, options.command");
    setenv("ASSAY_WORKER_BIN", before, 1);
    mem_free(before);
    assert_fails(assay_assert_started(assay_worker_start(
                     &(struct assay_worker_options){.binary = "/no/such/worker"})),
                 "expected a worker, got NULL: ");
}

static void a_worker_that_ends_before_it_is_ready_shows_how_and_its_log(void **state)
{
    (void)state;
    const char *command[] = SCRIPT("echo loading; echo no such model >&2; exit 7");
    assert_no_start(&(struct assay_worker_options){.command = command},
                    "exited with status 7 before it was ready\nits last lines:\n");
    assert_says(assay_last_error(), "no such model");
    const char *killed[] = SCRIPT("kill -SEGV $$");
    assert_no_start(&(struct assay_worker_options){.command = killed}, "SIGSEGV");
}

static void a_worker_that_is_never_ready_is_given_up_and_killed(void **state)
{
    (void)state;
    const char *command[] = SCRIPT("echo still loading; exec sleep 1000");
    assert_no_start(&(struct assay_worker_options){.command = command,
                                                   .ready_timeout_ns = 100 * ASSAY_MILLISECOND},
                    "was not ready within 100 ms");
    assert_says(assay_last_error(), "/health: ");
    assert_says(assay_last_error(), "still loading");
}

static void a_fixed_port_is_used_or_said_to_be_taken(void **state)
{
    (void)state;
    struct assay_worker_options options = {.port = assay_free_port()};
    assert_true(options.port > 0);
    assert_int_not_equal(options.port, assay_free_port());
    ASSAY_WORKER_CLEANUP struct assay_worker *worker = start(&options);
    assert_int_equal(assay_worker_port(worker), options.port);
    assert_no_start(&options, "is in use");
}

static void the_log_can_go_to_a_file(void **state)
{
    (void)state;
    char path[] = "/tmp/assay-harness-XXXXXX", text[256] = "";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    ASSAY_WORKER_CLEANUP struct assay_worker *worker =
        start(&(struct assay_worker_options){.log_path = path});
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    unlink(path);
    assert_says(text, "listening on");
}

/* ---- ending ---- */

static void stopping_finds_what_was_wrong_with_the_end(void **state)
{
    (void)state;
    const char *crashes[] = SCRIPT("trap 'exit 23' TERM; \"$0\" --stub-mode --port \"$1\" & wait");
    const char *asked[] = SCRIPT("trap 'exit 143' TERM; \"$0\" --stub-mode --port \"$1\" & wait");
    const char *deaf[] =
        SCRIPT("trap '' TERM; \"$0\" --stub-mode --port \"$1\" & while :; do sleep 1000; done");
    const char *careless[] =
        SCRIPT("trap '' TERM; setsid sleep 1000 & exec \"$0\" --stub-mode --port \"$1\"");
    assert_int_equal(assay_worker_stop(start_script(crashes)), ASSAY_ERROR_DIED);
    assert_says(assay_last_error(), "expected \"sh\" to end orderly, but it exited with status 23");
    assert_int_equal(assay_worker_stop(start_script(asked)), ASSAY_OK);
    assert_int_equal(assay_worker_stop(start(&(struct assay_worker_options){
                         .command = deaf, .stop_timeout_ns = 50 * ASSAY_MILLISECOND})),
                     ASSAY_ERROR_TIMEOUT);
    assert_says(assay_last_error(), "was killed");
    assert_int_equal(assay_worker_stop(start(&(struct assay_worker_options){
                         .command = careless, .stop_timeout_ns = 50 * ASSAY_MILLISECOND})),
                     ASSAY_ERROR_LEFT_BEHIND);
    assert_says(assay_last_error(), "left 1 processes behind");
    assert_int_equal(assay_worker_stop(NULL), ASSAY_OK);
}

static void the_end_can_be_awaited(void **state)
{
    (void)state;
    int status = -1;
    struct assay_worker *worker = start(NULL);
    assert_int_equal(assay_worker_wait(worker, ASSAY_MILLISECOND, &status), ASSAY_ERROR_TIMEOUT);
    assert_int_equal(kill(assay_worker_pid(worker), SIGTERM), 0);
    assert_int_equal(assay_worker_wait(worker, 20 * ASSAY_SECOND, &status), ASSAY_OK);
    assert_int_equal(status, 0);
    assert_int_equal(assay_worker_pid(worker), 0);
    assert_int_equal(assay_worker_stop(worker), ASSAY_ERROR_DIED);

    worker = start(NULL);
    assert_int_equal(kill(assay_worker_pid(worker), SIGKILL), 0);
    assert_int_equal(assay_worker_wait(worker, 20 * ASSAY_SECOND, &status), ASSAY_OK);
    assert_int_equal(status, 128 + SIGKILL);
    assert_int_equal(assay_health(worker, NULL), ASSAY_ERROR_DIED);
    assert_int_equal(assay_worker_stop(worker), ASSAY_ERROR_DIED);
}

static void shutdown_must_end_with_status_0(void **state)
{
    (void)state;
    struct assay_worker *worker = start(NULL);
    assert_int_equal(assay_shutdown(worker), ASSAY_OK);
    assert_int_equal(assay_worker_stop(worker), ASSAY_OK);
    const char *command[] = SCRIPT("\"$0\" --stub-mode --port \"$1\"; exit 9");
    worker = start_script(command);
    assert_int_equal(assay_shutdown(worker), ASSAY_ERROR_DIED);
    assert_says(assay_last_error(), "expected exit status 0 after /shutdown, got 9");
    assert_int_equal(assay_worker_stop(worker), ASSAY_ERROR_DIED);
}

static bool kill_at_third_token(void *context, const struct assay_event *event)
{
    if (event->kind == ASSAY_EVENT_TOKEN && event->index == 2)
        assert_int_equal(kill(assay_worker_pid(context), SIGKILL), 0);
    return true;
}

static void a_worker_that_dies_within_a_stream_is_the_reason(void **state)
{
    (void)state;
    const char *slow[] = {"--delay-ms", "5", NULL};
    struct assay_worker *worker = start(&(struct assay_worker_options){.arguments = slow});
    struct assay_request request = assay_request("j", ASSAY_PROMPT_HELLO, 2000);
    ASSAY_RESPONSE_CLEANUP struct assay_response *response = NULL;
    assert_int_equal(assay_execute_each(worker, &request, kill_at_third_token, worker, &response),
                     ASSAY_ERROR_DIED);
    assert_says(assay_last_error(), "was killed by signal 9 (SIGKILL)");
    assert_says(assay_last_error(), "its last lines:\nlistening on");
    assert_true(response->events->tokens >= 3 && response->events->tokens < 2000);
    assert_holds(assay_assert_tokens_contiguous(response->events));
    assert_fails(assay_assert_completed(response->events), "expected an end or error event");
    assert_int_equal(assay_worker_stop(worker), ASSAY_ERROR_DIED);
}

static void all_that_is_left_can_be_stopped(void **state)
{
    (void)state;
    pid_t first = assay_worker_pid(start(NULL)), second = assay_worker_pid(start(NULL));
    assay_worker_stop_all();
    assert_int_equal(kill(first, 0), -1);
    assert_int_equal(kill(second, 0), -1);
    assay_worker_stop_all();
}

/* ---- processes and threads ---- */

static pid_t read_pid(int fd)
{
    pid_t pid = 0;
    assert_int_equal(read(fd, &pid, sizeof(pid)), sizeof(pid));
    return pid;
}

static void a_test_process_that_is_killed_leaves_no_worker(void **state)
{
    (void)state;
    int channel[2];
    assert_int_equal(pipe(channel), 0);
    pid_t test = fork();
    if (test == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct assay_worker *worker = assay_worker_start(NULL);
        pid_t pid = worker ? assay_worker_pid(worker) : 0;
        (void)!write(channel[1], &pid, sizeof(pid));
        for (;;)
            pause();
    }
    pid_t worker = read_pid(channel[0]);
    assert_true(worker > 0);
    assert_int_equal(kill(worker, 0), 0);
    assert_int_equal(kill(test, SIGKILL), 0);
    assert_int_equal(waitpid(test, NULL, 0), test);
    assert_gone(worker);
    close(channel[0]);
    close(channel[1]);
}

/* As test frameworks do that fork for every test. */
static int use_in_child(struct assay_worker *worker)
{
    struct assay_request request = assay_request("child", ASSAY_PROMPT_HELLO, 5);
    struct assay_response *response;
    if (assay_execute(worker, &request, &response) != ASSAY_OK)
        return 1;
    assay_response_free(response);
    char *log = assay_worker_log(worker);
    free(log);
    if (assay_worker_stop(worker) != ASSAY_OK || assay_health(worker, NULL) != ASSAY_OK)
        return 2;
#if !TSAN
    struct assay_worker *own = assay_worker_start(NULL);
    if (!own || assay_worker_stop(own) != ASSAY_OK)
        return 3;
#endif
    return 0;
}

static void a_forked_child_uses_the_worker_and_leaves_it_running(void **state)
{
    (void)state;
    ASSAY_WORKER_CLEANUP struct assay_worker *worker = start(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(use_in_child(worker));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(assay_health(worker, NULL), ASSAY_OK);
}

#define THREADS 6

struct share {
    struct assay_worker *worker;
    int number;
    const char *fault; /* a sentence of its own: cmocka's asserts belong to the main thread */
};

static const char *run_jobs(struct assay_worker *worker, int number)
{
    for (int i = 0; i < 5; i++) {
        char id[32];
        snprintf(id, sizeof(id), "job-%d-%d", number, i);
        struct assay_request request = assay_request(id, ASSAY_PROMPT_COUNT, 20);
        ASSAY_RESPONSE_CLEANUP struct assay_response *response = NULL;
        if (assay_execute(worker, &request, &response) != ASSAY_OK)
            return "a job failed";
        if (response->events->tokens != 20)
            return "a job has another number of tokens";
    }
    return assay_cancel(worker, "nobody", ASSAY_CANCEL_PATH) == ASSAY_OK ? NULL : "no cancel";
}

static void *run_share(void *context)
{
    struct share *share = context;
    struct assay_worker *own = share->number % 2 ? assay_worker_start(NULL) : NULL;
    share->fault = run_jobs(own ? own : share->worker, share->number);
    char *log = assay_worker_log(share->worker);
    free(log);
    if (own && assay_worker_stop(own) != ASSAY_OK)
        share->fault = "its own worker did not stop";
    return NULL;
}

static void threads_share_a_worker_and_start_their_own(void **state)
{
    (void)state;
    ASSAY_WORKER_CLEANUP struct assay_worker *worker = start(NULL);
    struct share shares[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        shares[i] = (struct share){.worker = worker, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, run_share, &shares[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        if (shares[i].fault)
            fail_msg("thread %d: %s", i, shares[i].fault);
    }
}

static void a_model_file_is_found_or_not(void **state)
{
    (void)state;
    assert_string_equal(assay_model_file(ASSAY_MODEL_MOCK), "/dev/null");
    unsetenv("ASSAY_MODELS");
    assert_null(assay_model_file((struct assay_model){.path = "models/none.gguf"}));
    setenv("ASSAY_MODELS", "/dev", 1);
    assert_string_equal(assay_model_file((struct assay_model){.path = "null"}), "/dev/null");
    unsetenv("ASSAY_MODELS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_starts_in_stub_mode_without_any_options),
        cmocka_unit_test(the_usual_options_are_given),
        cmocka_unit_test(a_command_of_your_own_has_its_placeholders_filled_in),
        cmocka_unit_test(options_that_contradict_each_other_are_refused),
        cmocka_unit_test(a_program_that_is_not_there_is_said),
        cmocka_unit_test(a_worker_that_ends_before_it_is_ready_shows_how_and_its_log),
        cmocka_unit_test(a_worker_that_is_never_ready_is_given_up_and_killed),
        cmocka_unit_test(a_fixed_port_is_used_or_said_to_be_taken),
        cmocka_unit_test(the_log_can_go_to_a_file),
        cmocka_unit_test(stopping_finds_what_was_wrong_with_the_end),
        cmocka_unit_test(the_end_can_be_awaited),
        cmocka_unit_test(shutdown_must_end_with_status_0),
        cmocka_unit_test(a_worker_that_dies_within_a_stream_is_the_reason),
        cmocka_unit_test(all_that_is_left_can_be_stopped),
        cmocka_unit_test(a_test_process_that_is_killed_leaves_no_worker),
        cmocka_unit_test(a_forked_child_uses_the_worker_and_leaves_it_running),
        cmocka_unit_test(threads_share_a_worker_and_start_their_own),
        cmocka_unit_test(a_model_file_is_found_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
