/*
 * Services with real processes: every kind of readiness, every way to fail or die, the port race,
 * and what is known when nothing is left. The program under test is this one, started again with
 * actions (child.h); what the test does about it, it does in the events.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "core/clock.h"
#include "core/limits.h"
#include "core/memory.h"
#include "core/text.h"
#include "service/probe.h"
#include "service/service.h"

#define ACTIONS 8
#define ATTEMPTS 4

/* One service, what to do about it, and what was heard. */
struct test {
    struct service *service;
    struct service_spec spec;
    /* Of each attempt; an attempt without any is as the one before. "PORT" becomes the port. */
    const char *actions[ATTEMPTS][ACTIONS];
    const char *url;          /* with PORT */
    bool take_port[ATTEMPTS]; /* this program listens on it first */
    int taken;
    uint32_t resolved; /* times with a port */
    void (*when_ready)(struct test *t);
    void (*when_failed)(struct test *t);
    void (*when_stopped)(struct test *t);

    int readies, failures, deaths, stops;
    enum error_code code;
    char text[512], log[LIMIT_SHOWN_BYTES + 1];
    bool expected;
    struct service_rest rest;
    uint16_t port;
    char seen_url[64];
};

static uv_loop_t loop;
static struct ports *ports;

/* ---- the spec ---- */

static const char *with_port(struct arena *arena, const char *text, uint16_t port)
{
    const char *at = text ? strstr(text, "PORT") : NULL;
    return at ? arena_printf(arena, "%.*s%u%s", (int)(at - text), text, port, at + 4) : text;
}

static int listen_on(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static struct result resolve(void *context, uint16_t port, struct arena *arena,
                             struct service_spec *out)
{
    struct test *t = context;
    *out = t->spec;
    out->name = "subject";
    out->url = with_port(arena, t->url, port);
    uint32_t attempt = service_attempts(t->service) - 1;
    if (port != 0 && t->take_port[attempt] && t->spec.port == PORT_FREE) {
        if (t->taken >= 0)
            close(t->taken);
        t->taken = listen_on(port);
    }
    t->resolved += port != 0;
    while (attempt > 0 && t->actions[attempt][0] == NULL)
        attempt--;
    if (t->actions[attempt][0] == NULL)
        return RESULT_OK;
    const char **argv = ARENA_ARRAY(arena, const char *, ACTIONS + 2);
    argv[0] = child_path();
    for (size_t i = 0; i < ACTIONS && t->actions[attempt][i]; i++)
        argv[i + 1] = with_port(arena, t->actions[attempt][i], port);
    out->argv = argv;
    return RESULT_OK;
}

/* ---- the events ---- */

static void keep(struct test *t, const struct service_failure *why)
{
    t->code = why->code;
    t->expected = why->expected;
    snprintf(t->text, sizeof(t->text), "%s", why->text);
    snprintf(t->log, sizeof(t->log), "%.*s", SLICE_ARG(why->log));
}

static void on_ready(void *context, struct service *service)
{
    struct test *t = context;
    assert_int_equal(t->failures + t->deaths, 0);
    assert_true(service_is_ready(service));
    assert_true(service_start_time(service) > 0);
    t->readies++;
    t->port = service_port(service);
    snprintf(t->seen_url, sizeof(t->seen_url), "%s",
             service_url(service) ? service_url(service) : "");
    if (t->when_ready)
        t->when_ready(t);
    else
        service_stop(service);
}

static void on_failed(void *context, struct service *service, const struct service_failure *why)
{
    struct test *t = context;
    assert_int_equal(service_start_time(service), 0);
    t->failures++;
    keep(t, why);
    if (t->when_failed)
        t->when_failed(t);
}

static void on_died(void *context, struct service *service, const struct service_failure *why)
{
    struct test *t = context;
    assert_false(service_is_ready(service));
    assert_int_equal(service_pid(service), 0);
    t->deaths++;
    keep(t, why);
}

static void on_stopped(void *context, struct service *service, const struct service_rest *rest)
{
    (void)service;
    struct test *t = context;
    t->stops++;
    t->rest = *rest;
    if (t->when_stopped)
        t->when_stopped(t);
}

static struct test *begin(struct test *t)
{
    struct service_events events = {t, on_ready, on_failed, on_died, on_stopped, NULL};
    t->taken = -1;
    t->service = service_new(&loop, ports, "subject", (struct service_source){t, resolve}, events);
    service_start(t->service);
    assert_int_equal(t->readies + t->failures + t->stops, 0);
    return t;
}

static void end(struct test *t)
{
    if (t->taken >= 0)
        close(t->taken);
    service_free(t->service);
    uv_run(&loop, UV_RUN_DEFAULT);
}

static void run(struct test *t)
{
    begin(t);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(t->stops, 1);
}

static void assert_was_ready(struct test *t)
{
    if (t->readies != 1)
        fail_msg("not ready: %s\n%s", t->text, t->log);
    assert_int_equal(t->failures + t->deaths, 0);
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

/* ---- readiness ---- */

static void ready_by_tcp_on_a_free_port(void **state)
{
    (void)state;
    struct test t = {.actions = {{"listen=PORT", "wait"}}, .spec.port = PORT_FREE};
    run(&t);
    assert_was_ready(&t);
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", t.port);
    assert_string_equal(t.seen_url, url);
    assert_false(t.rest.forced || t.rest.port_in_use || t.rest.stragglers);
    end(&t);
}

static void ready_by_http_only_when_the_status_is_the_wanted_one(void **state)
{
    (void)state;
    struct test t = {.actions = {{"listen=PORT", "serve=3"}},
                     .url = "http://localhost:PORT/base/",
                     .spec = {.port = PORT_FREE, .ready = {.kind = READY_HTTP, .path = "/health"}}};
    run(&t);
    assert_was_ready(&t);
    end(&t);

    struct test wanted = {
        .actions = {{"listen=PORT", "serve=1000"}},
        .spec = {.port = PORT_FREE,
                 .ready = {.kind = READY_HTTP, .path = "/health", .status = 503}}};
    run(&wanted);
    assert_was_ready(&wanted);
    end(&wanted);
}

static void ready_by_a_line_of_its_output(void **state)
{
    (void)state;
    struct test t = {.actions = {{"say=starting", "complain=Listening on x", "wait"}},
                     .spec.ready = {.kind = READY_LOG, .pattern = "^Listening"}};
    run(&t);
    assert_was_ready(&t);
    assert_string_equal(t.seen_url, "");
    end(&t);
}

static void ready_by_a_program_when_it_exits_with_0(void **state)
{
    (void)state;
    char count[] = "/tmp/assay-test-XXXXXX";
    close(mkstemp(count));
    char variable[64];
    snprintf(variable, sizeof(variable), "COUNT=%s", count);
    struct test t = {
        .actions = {{"wait"}},
        .spec.ready = {
            .kind = READY_PROGRAM,
            .argv = (const char *[]){"sh", "-c",
                                     "echo >>\"$COUNT\"; test $(wc -l <\"$COUNT\") -ge 3", NULL},
            .environment = (const char *[]){variable, NULL}}};
    run(&t);
    assert_was_ready(&t);
    unlink(count);
    end(&t);
}

static void the_port_is_read_from_the_output(void **state)
{
    (void)state;
    struct test t = {.actions = {{"say=port of call", "listen=0", "wait"}},
                     .url = "http://127.0.0.1:PORT/v1",
                     .spec = {.port = PORT_PATTERN, .port_pattern = "^port (\\d+)$"}};
    run(&t);
    assert_was_ready(&t);
    assert_true(t.port > 0);
    assert_has(t.seen_url, "/v1");
    assert_int_equal(t.resolved, 1);
    end(&t);
}

static void the_line_with_the_port_may_also_be_the_sign_of_readiness(void **state)
{
    (void)state;
    struct test t = {.actions = {{"say=ready on 4711", "wait"}},
                     .spec = {.port = PORT_PATTERN,
                              .port_pattern = "on (\\d+)",
                              .ready = {.kind = READY_LOG, .pattern = "ready"}}};
    run(&t);
    assert_was_ready(&t);
    assert_int_equal(t.port, 4711);
    end(&t);
}

static void what_runs_elsewhere_is_asked_only_if_told_how(void **state)
{
    (void)state;
    struct test t = {.url = "http://127.0.0.1:1"};
    run(&t);
    assert_was_ready(&t);
    assert_false(service_is_ours(t.service));
    assert_int_equal(service_signal(t.service, SIGKILL).code, ERR_UNSUPPORTED);
    end(&t);

    struct test down = {.url = "http://127.0.0.1:1",
                        .spec.ready = {.kind = READY_TCP, .within = 20 * NS_PER_MS}};
    run(&down);
    assert_int_equal(down.code, ERR_TIMEOUT);
    assert_has(down.text, "service \"subject\" was not ready within 20.0 ms (connecting to "
                          "127.0.0.1:1: connection refused)");
    end(&down);
}

/* ---- failing ---- */

static void death_before_ready_is_told_with_status_and_last_lines(void **state)
{
    (void)state;
    struct test t = {
        .actions = {{"say=loading", "complain=out of luck", "print=half a line", "exit=3"}},
        .spec.port = PORT_FREE};
    run(&t);
    assert_int_equal(t.failures, 1);
    assert_int_equal(t.code, ERR_DIED);
    assert_string_equal(t.text, "service \"subject\" exited with status 3 before it was ready");
    assert_has(t.log, "loading\n");
    assert_has(t.log, "out of luck\n");
    assert_has(t.log, "half a line\n");
    assert_int_equal(service_attempts(t.service), 1);
    end(&t);
}

static void a_program_that_is_not_there_fails_at_once(void **state)
{
    (void)state;
    struct test t = {.actions = {{"wait"}}, .spec.cwd = "/no/such/folder"};
    run(&t);
    assert_int_equal(t.code, ERR_SPAWN);
    assert_has(t.text, "/no/such/folder");
    end(&t);
}

static void never_ready_is_told_with_what_the_last_try_met(void **state)
{
    (void)state;
    struct test t = {
        .actions = {{"listen=PORT", "serve=1000"}},
        .spec = {.port = PORT_FREE,
                 .ready = {.kind = READY_HTTP, .path = "health", .within = 60 * NS_PER_MS}}};
    run(&t);
    assert_int_equal(t.code, ERR_TIMEOUT);
    assert_has(t.text, "/health: status 503)");
    end(&t);

    struct test mute = {
        .actions = {{"wait"}},
        .spec = {.port = PORT_PATTERN, .port_pattern = "(.*)", .ready.within = 20 * NS_PER_MS}};
    run(&mute);
    assert_has(mute.text, "its output never showed its port");
    end(&mute);
}

static void a_wrong_port_in_the_output_is_an_error(void **state)
{
    (void)state;
    struct test t = {.actions = {{"say=port 70000", "wait"}},
                     .spec = {.port = PORT_PATTERN, .port_pattern = "port (\\d+)"}};
    run(&t);
    assert_int_equal(t.code, ERR_VALUE);
    assert_has(t.text, "70000");
    end(&t);
}

static void a_service_can_be_stopped_before_it_is_ready(void **state)
{
    (void)state;
    struct test t = {.actions = {{"wait"}}, .spec.port = PORT_FREE};
    begin(&t);
    uv_run(&loop, UV_RUN_NOWAIT);
    service_stop(t.service);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(t.readies + t.failures + t.deaths, 0);
    assert_int_equal(t.stops, 1);
    end(&t);

    struct test at_once = {.actions = {{"wait"}}};
    begin(&at_once);
    service_kill(at_once.service);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(at_once.stops, 1);
    end(&at_once);
}

/* ---- the port race ---- */

static void a_lost_port_race_is_run_again_with_another_port(void **state)
{
    (void)state;
    struct test t = {
        .actions = {{"listen=PORT", "wait"}}, .take_port = {true, true}, .spec.port = PORT_FREE};
    run(&t);
    assert_was_ready(&t);
    assert_int_equal(service_attempts(t.service), 3);
    end(&t);
}

static void a_port_race_is_noticed_when_the_service_says_nothing(void **state)
{
    (void)state;
    struct test t = {.actions = {{"exit=1"}, {"listen=PORT", "wait"}},
                     .take_port = {true},
                     .spec.port = PORT_FREE};
    run(&t);
    assert_was_ready(&t);
    assert_int_equal(service_attempts(t.service), 2);
    end(&t);
}

static void a_port_race_is_noticed_when_the_winner_is_gone_already(void **state)
{
    (void)state;
    struct test t = {
        .actions = {{"complain=listen EADDRINUSE: :::8080", "exit=1"}, {"listen=PORT", "wait"}},
        .spec.port = PORT_FREE};
    run(&t);
    assert_was_ready(&t);
    assert_int_equal(service_attempts(t.service), 2);
    end(&t);
}

static void a_stranger_on_the_port_is_not_taken_for_the_service(void **state)
{
    (void)state;
    struct test t = {.actions = {{"wait"}, {"listen=PORT", "wait"}},
                     .take_port = {true},
                     .spec.port = PORT_FREE};
    run(&t);
    assert_was_ready(&t);
    assert_int_equal(service_attempts(t.service), 2);
    end(&t);
}

static void the_port_race_is_given_up_after_three_attempts(void **state)
{
    (void)state;
    struct test t = {.actions = {{"listen=PORT", "wait"}},
                     .take_port = {true, true, true},
                     .spec = {.port = PORT_FREE, .ready = {.kind = READY_LOG, .pattern = "up"}}};
    run(&t);
    assert_int_equal(t.code, ERR_DIED);
    assert_int_equal(service_attempts(t.service), SERVICE_PORT_ATTEMPTS);
    assert_has(t.log, "Address already in use");
    end(&t);

    struct test strangers = {
        .actions = {{"wait"}}, .take_port = {true, true, true}, .spec.port = PORT_FREE};
    run(&strangers);
    assert_int_equal(strangers.code, ERR_CONNECT);
    assert_int_equal(service_attempts(strangers.service), SERVICE_PORT_ATTEMPTS);
    assert_has(strangers.text, "(test_service), which it did not start");
    end(&strangers);
}

static void the_proxy_of_a_container_is_no_stranger(void **state)
{
    (void)state;
    prctl(PR_SET_NAME, "docker-proxy");
    struct test t = {.actions = {{"wait"}}, .take_port = {true}, .spec.port = PORT_FREE};
    run(&t);
    prctl(PR_SET_NAME, "test_service");
    assert_was_ready(&t);
    assert_true(t.rest.port_in_use);
    end(&t);
}

/* ---- death and stopping ---- */

static void kill_from_outside(struct test *t)
{
    kill(service_pid(t->service), SIGABRT);
}

static void death_after_ready_is_told_at_once(void **state)
{
    (void)state;
    struct test t = {.actions = {{"complain=last words", "say=up", "wait"}},
                     .spec.ready = {.kind = READY_LOG, .pattern = "up"},
                     .when_ready = kill_from_outside};
    run(&t);
    assert_int_equal(t.deaths, 1);
    assert_false(t.expected);
    assert_has(t.text, "service \"subject\" was killed by signal 6 (SIGABRT)");
    assert_has(t.log, "last words\n");
    assert_int_equal(t.failures, 0);
    end(&t);
}

static void kill_by_step(struct test *t)
{
    assert_true(result_ok(service_signal(t->service, SIGKILL)));
}

static void death_by_a_signal_of_the_test_is_expected(void **state)
{
    (void)state;
    struct test t = {.actions = {{"wait"}}, .when_ready = kill_by_step};
    run(&t);
    assert_int_equal(t.deaths, 1);
    assert_true(t.expected);
    assert_int_equal(service_signal(t.service, SIGKILL).code, ERR_NOT_FOUND);
    end(&t);
}

static void what_ignores_the_stop_is_killed(void **state)
{
    (void)state;
    struct test t = {
        .actions = {{"ignore=15", "say=up", "wait"}},
        .spec = {.stop_within = 20 * NS_PER_MS, .ready = {.kind = READY_LOG, .pattern = "up"}}};
    run(&t);
    assert_was_ready(&t);
    assert_true(t.rest.forced);
    end(&t);
}

static void the_stop_signal_may_be_another(void **state)
{
    (void)state;
    struct test t = {.actions = {{"ignore=15", "say=up", "wait"}},
                     .spec = {.stop_signal = SIGINT,
                              .stop_within = 60 * NS_PER_S,
                              .ready = {.kind = READY_LOG, .pattern = "up"}}};
    run(&t);
    assert_false(t.rest.forced);
    end(&t);
}

static void a_daemon_it_leaves_behind_is_counted(void **state)
{
    (void)state;
    struct test t = {
        .actions = {{"deaf-daemon", "say=up", "wait"}},
        .spec = {.stop_within = 20 * NS_PER_MS, .ready = {.kind = READY_LOG, .pattern = "up"}}};
    run(&t);
    assert_int_equal(t.rest.stragglers, 1);
    end(&t);
}

static void start_once_more(struct test *t)
{
    if (t->stops == 1)
        service_start(t->service);
}

static void a_restarted_service_has_its_old_port(void **state)
{
    (void)state;
    struct test t = {.actions = {{"listen=PORT", "wait"}},
                     .spec.port = PORT_FREE,
                     .when_stopped = start_once_more};
    begin(&t);
    while (t.readies == 0)
        uv_run(&loop, UV_RUN_ONCE);
    uint16_t first = t.port;
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(t.readies, 2);
    assert_int_equal(t.stops, 2);
    assert_int_equal(t.port, first);
    end(&t);
}

static void two_services_at_once_have_two_ports(void **state)
{
    (void)state;
    struct test t[2] = {{.actions = {{"listen=PORT", "wait"}}, .spec.port = PORT_FREE},
                        {.actions = {{"listen=PORT", "wait"}}, .spec.port = PORT_FREE}};
    begin(&t[0]);
    run(&t[1]);
    assert_was_ready(&t[0]);
    assert_was_ready(&t[1]);
    assert_int_not_equal(t[0].port, t[1].port);
    end(&t[0]);
    end(&t[1]);
}

/* ---- the log ---- */

static void the_log_is_kept_and_written(void **state)
{
    (void)state;
    char path[] = "/tmp/assay-test-XXXXXX";
    int fd = mkstemp(path);
    struct test t = {.actions = {{"say=one", "say=two", "print=half", "wait"}},
                     .spec = {.log_path = path, .ready = {.kind = READY_LOG, .pattern = "two"}}};
    int64_t before = clock_now();
    run(&t);
    struct arena *arena = arena_new();
    struct slice log = linelog_text(service_log(t.service), before, clock_now(), 1000, arena);
    assert_true(slice_starts(log, SLICE("one\ntwo\n")));
    char written[64] = "";
    assert_true(read(fd, written, sizeof(written) - 1) >= 8);
    assert_has(written, "one\ntwo\n");
    close(fd);
    unlink(path);
    arena_free(arena);
    end(&t);
}

/* ---- urls ---- */

static void urls_are_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *url, *path, *host, *service, *request_line;
    } good[] = {
        {"http://a", "/h", "a", "80", "GET /h HTTP/1.1\r\nHost: a:80\r\n"},
        {"http://a:81/", "h", "a", "81", "GET /h HTTP/1.1\r\nHost: a:81\r\n"},
        {"http://u:p@a:81/v1/", "/h?x=/y#z", "a", "81",
         "GET /v1/h?x=/y HTTP/1.1\r\nHost: a:81\r\n"},
        {"http://[::1]:9/v1", "/h", "::1", "9", "GET /v1/h HTTP/1.1\r\nHost: [::1]:9\r\n"},
        {"http://a", "http://b:7", "b", "7", "GET / HTTP/1.1\r\nHost: b:7\r\n"},
        {"", "http://b?q", "b", "80", "GET /?q HTTP/1.1\r\nHost: b:80\r\n"},
    };
    struct arena *arena = arena_new();
    struct probe_target target;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(result_ok(probe_http(arena, good[i].url, good[i].path, 0, &target)));
        assert_string_equal(target.host, good[i].host);
        assert_string_equal(target.service, good[i].service);
        assert_has(target.request, good[i].request_line);
    }
    assert_true(result_ok(probe_tcp(arena, "https://a/x", &target)));
    assert_string_equal(target.service, "443");

    static const char *const bad[] = {"",           "a:80",          "ftp://a",    "http://",
                                      "http://:80", "http://a:0",    "http://a:x", "http://a:65536",
                                      "http://[::", "http://a:80 0", "tcp://a"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (probe_tcp(arena, bad[i], &target).code != ERR_VALUE)
            fail_msg("\"%s\" was accepted", bad[i]);
    assert_int_equal(probe_http(arena, "http://a", "/h\r\nX: y", 0, &target).code, ERR_VALUE);
    assert_int_equal(probe_http(arena, "https://a", "/h", 0, &target).code, ERR_UNSUPPORTED);
    arena_free(arena);
}

static int set_up(void **state)
{
    (void)state;
    ports = ports_new();
    return uv_loop_init(&loop);
}

/* Nothing of ours may be left: no handle, no child. */
static int tear_down(void **state)
{
    (void)state;
    ports_free(ports);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop) != 0 || waitpid(-1, NULL, WNOHANG) != -1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    child_main(argc, argv);
    const struct CMUnitTest tests[] = {
        TEST(ready_by_tcp_on_a_free_port),
        TEST(ready_by_http_only_when_the_status_is_the_wanted_one),
        TEST(ready_by_a_line_of_its_output),
        TEST(ready_by_a_program_when_it_exits_with_0),
        TEST(the_port_is_read_from_the_output),
        TEST(the_line_with_the_port_may_also_be_the_sign_of_readiness),
        TEST(what_runs_elsewhere_is_asked_only_if_told_how),
        TEST(death_before_ready_is_told_with_status_and_last_lines),
        TEST(a_program_that_is_not_there_fails_at_once),
        TEST(never_ready_is_told_with_what_the_last_try_met),
        TEST(a_wrong_port_in_the_output_is_an_error),
        TEST(a_service_can_be_stopped_before_it_is_ready),
        TEST(a_lost_port_race_is_run_again_with_another_port),
        TEST(a_port_race_is_noticed_when_the_service_says_nothing),
        TEST(a_port_race_is_noticed_when_the_winner_is_gone_already),
        TEST(a_stranger_on_the_port_is_not_taken_for_the_service),
        TEST(the_port_race_is_given_up_after_three_attempts),
        TEST(the_proxy_of_a_container_is_no_stranger),
        TEST(death_after_ready_is_told_at_once),
        TEST(death_by_a_signal_of_the_test_is_expected),
        TEST(what_ignores_the_stop_is_killed),
        TEST(the_stop_signal_may_be_another),
        TEST(a_daemon_it_leaves_behind_is_counted),
        TEST(a_restarted_service_has_its_old_port),
        TEST(two_services_at_once_have_two_ports),
        TEST(the_log_is_kept_and_written),
        TEST(urls_are_taken_apart),
    };
    return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
