/*
 * Engines from shared libraries: a good one is served, and whatever a bad one does, the client is
 * told and the worker answers on, or ends with a status and a line that says why.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/memory.h"
#include "options.h"
#include "plugin.h"
#include "worker.h"

static const char *example_path, *bad_path;

struct live {
    pid_t pid;
    uint16_t port;
    FILE *errors;
};

/* The part of main() that loads an engine, in a process of its own. */
static int run(const char *path, const char *model)
{
    struct options options;
    const struct engine *engine;
    char *argv[] = {(char[]){"assay-worker"}, (char[]){"--stub-mode"}, (char[]){"--port=0"}};
    if (!result_ok(options_read(&options, 3, argv)))
        return 2;
    struct result loaded = plugin_load(path, model, NS_PER_S / 4, &engine);
    if (!result_ok(loaded)) {
        fprintf(stderr, "%s\n", error_last()->text);
        return error_exit_status(loaded.code);
    }
    options.threads = 2;
    return worker_run(&options, engine);
}

static struct live start(const char *path, const char *model)
{
    struct live live = {.errors = tmpfile()};
    int out[2];
    char line[128];
    fflush(NULL);
    assert_int_equal(pipe(out), 0);
    live.pid = fork();
    assert_true(live.pid >= 0);
    if (live.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(out[1], STDOUT_FILENO);
        dup2(fileno(live.errors), STDERR_FILENO);
        close(out[0]);
        close(out[1]);
        _exit(run(path, model));
    }
    close(out[1]);
    FILE *lines = fdopen(out[0], "r");
    if (fgets(line, sizeof(line), lines))
        live.port = (uint16_t)strtoul(strrchr(line, ':') + 1, NULL, 10); /* our own text */
    fclose(lines);
    return live;
}

static int status_of(struct live live)
{
    int status;
    assert_int_equal(waitpid(live.pid, &status, 0), live.pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void expect_error_line(struct live live, const char *part)
{
    char text[8192] = "";
    assert_int_equal(fseek(live.errors, 0, SEEK_SET), 0);
    size_t n = fread(text, 1, sizeof(text) - 1, live.errors);
    text[n] = '\0';
    if (!strstr(text, part))
        fail_msg("expected \"%s\" on stderr, got \"%s\"", part, text);
    fclose(live.errors);
}

static void end(struct live live)
{
    kill(live.pid, SIGTERM);
    assert_int_equal(status_of(live), 0);
}

/* The whole answer, read until the connection ends. */
static const char *ask(struct live live, const char *method, const char *path, const char *body)
{
    static char text[64 << 10];
    char request[1024];
    size_t n = 0;
    ssize_t got;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(live.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    int len = snprintf(request, sizeof(request),
                       "%s %s HTTP/1.1\r\nHost: w\r\nConnection: close\r\n"
                       "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                       method, path, strlen(body), body);
    assert_int_equal(write(fd, request, (size_t)len), len);
    while ((got = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
        n += (size_t)got;
    text[n] = '\0';
    close(fd);
    return text;
}

static void expect(struct live live, const char *method, const char *path, const char *body,
                   const char *part)
{
    const char *answer = ask(live, method, path, body);
    if (!strstr(answer, part))
        fail_msg("expected %s in %s", part, answer);
}

#define JOB "{\"job_id\":\"j\",\"prompt\":\"one two three\",\"max_tokens\":9}"

static void expect_failure(const char *model, const char *part)
{
    struct live live = start(bad_path, model);
    expect(live, "POST", "/execute", JOB, part);
    expect(live, "GET", "/health", "", "\"status\":\"healthy\"");
    expect(live, "POST", "/execute", JOB, part); /* and it goes on working */
    end(live);
    fclose(live.errors);
}

static void an_engine_from_a_library_is_served(void **state)
{
    (void)state;
    struct live live = start(example_path, "m");
    for (int i = 0; i < 3; i++) {
        const char *answer = ask(live, "POST", "/execute", JOB);
        assert_non_null(strstr(answer, "\"t\":\"three\",\"i\":0"));
        assert_non_null(strstr(answer, "\"t\":\"two\",\"i\":2"));
        assert_non_null(strstr(answer, "\"tokens_out\":5"));
        assert_non_null(strstr(answer, "\"stop_reason\":\"EOS\""));
    }
    expect(live, "POST", "/v1/completions", "{\"model\":\"stub\",\"prompt\":\"one two\"}",
           "two one");
    expect(live, "GET", "/health", "", "\"status\":\"healthy\"");
    end(live);
    fclose(live.errors);
}

static void rubbish_is_an_error_of_its_job_and_the_worker_is_healthy(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"utf8", "INFERENCE_FAILED\",\"message\":\"the engine gave a token that is not UTF-8\""},
        {"negative", "the engine gave a token of -7 bytes: expected 0 to 256"},
        {"long", "the engine gave a token of 257 bytes: expected 0 to 256"},
        {"count", "the engine counted -3 tokens in the prompt: expected no negative number"},
        {"refuse", "the engine refused the prompt: not this one"},
        {"empty", "the engine gave only empty tokens"},
        {"fail", "INFERENCE_FAILED\",\"message\":\"the engine failed\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_failure(cases[i][0], cases[i][1]);
}

static void a_call_that_hangs_is_a_timeout_and_the_worker_unhealthy(void **state)
{
    (void)state;
    struct live live = start(bad_path, "hang");
    expect(live, "POST", "/execute", JOB,
           "\"code\":\"TIMEOUT\",\"message\":\"the engine does not answer any more\"");
    expect(live, "GET", "/health", "", "\"status\":\"unhealthy\"");
    expect(live, "POST", "/execute", JOB, "the engine does not answer any more");
    end(live);
    expect_error_line(live, "bad has not come back from a call");
}

static void a_crash_ends_the_process_with_the_name_of_the_function(void **state)
{
    (void)state;
    struct live live = start(bad_path, "crash");
    ask(live, "POST", "/execute", JOB);
    assert_int_equal(status_of(live), PLUGIN_CRASH_STATUS);
    expect_error_line(live, "assay-worker: the engine bad crashed (SIGSEGV) in next()\n");
    live = start(bad_path, "abort");
    ask(live, "POST", "/execute", JOB);
    assert_int_equal(status_of(live), PLUGIN_CRASH_STATUS);
    expect_error_line(live, "assay-worker: the engine bad aborted (SIGABRT) in next()\n");
}

static void what_an_engine_does_not_give_back_is_reported(void **state)
{
    (void)state;
    struct live live = start(bad_path, "leak");
    expect(live, "POST", "/execute", JOB, "\"stop_reason\":\"EOS\"");
    expect(live, "POST", "/execute", JOB,
           "\"stop_reason\":\"EOS\""); /* the first is freed by now */
    end(live);
    expect_error_line(live, "bad leaks: it holds 1 sequences and 1004 bytes, 0 are in use");
}

static void what_is_no_engine_is_refused(void **state)
{
    (void)state;
    struct live live = start("/nowhere/engine.so", "m");
    assert_int_equal(status_of(live), 2);
    expect_error_line(live, "cannot load the engine: /nowhere/engine.so");
    live = start("libm.so.6", "m");
    assert_int_equal(status_of(live), 3);
    expect_error_line(live, "has no function assay_engine");
    live = start(bad_path, "load");
    assert_int_equal(status_of(live), 3);
    expect_error_line(live, "the engine bad cannot load load: it is no model");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_engine_from_a_library_is_served),
        cmocka_unit_test(rubbish_is_an_error_of_its_job_and_the_worker_is_healthy),
        cmocka_unit_test(a_call_that_hangs_is_a_timeout_and_the_worker_unhealthy),
        cmocka_unit_test(a_crash_ends_the_process_with_the_name_of_the_function),
        cmocka_unit_test(what_an_engine_does_not_give_back_is_reported),
        cmocka_unit_test(what_is_no_engine_is_refused),
    };
    mem_install();
    signal(SIGPIPE, SIG_IGN);
    alarm(100); /* a test that hangs is a failure */
    if (argc < 3)
        return 2;
    example_path = argv[1];
    bad_path = argv[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
