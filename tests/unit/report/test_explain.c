/*
 * Explanations of failures made by hand: what each kind of evidence says, how failures are put
 * together, and that nothing is named without evidence. Real failures are in tests/explain.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "report/answer.h"
#include "report/explain.h"
#include "world.h"

static struct told failed(struct told told)
{
    told.status = told.status == CASE_PASSED ? CASE_FAILED : told.status;
    return told;
}

#define TOLD(...) failed((struct told){__VA_ARGS__})

/* ── one failure ── */

static void check_cause(struct told told, enum cause_kind kind, enum evidence strength,
                        const char *subject)
{
    struct world w = world_new();
    world_case(&w, told);
    const struct explanation *e = explain_failures(&w.data);
    assert_int_equal(e->count, 1);
    const struct failure_group *g = &e->groups[0];
    assert_true(g->cause_count > 0);
    assert_string_equal(cause_name(g->causes[0].kind), cause_name(kind));
    assert_string_equal(evidence_word(g->causes[0].strength), evidence_word(strength));
    if (subject)
        assert_string_equal(arena_string(w.arena, g->causes[0].subject), subject);
    assert_true(g->causes[0].text.len > 0);
    world_free(&w);
}

static void how_a_step_ended_names_a_cause(void **state)
{
    (void)state;
    check_cause(
        TOLD("a", "worker", .code = ERR_DIED, .status = CASE_ERROR,
             .error = "service \"worker\" was killed by signal 11 (SIGSEGV); its last lines:\nx"),
        CAUSE_SERVICE_DIED, EVIDENCE_CERTAIN, "worker");
    check_cause(
        TOLD("a", "worker", .code = ERR_DIED, .status = CASE_ERROR,
             .error =
                 "service \"worker\" exited with status 3; its last lines:\nassay: out of memory"),
        CAUSE_OUT_OF_MEMORY, EVIDENCE_CERTAIN, "worker");
    check_cause(TOLD("a", .code = ERR_SPAWN, .status = CASE_ERROR,
                     .error = "cannot start \"x\": there is no such program in PATH (/usr/bin)"),
                CAUSE_PROGRAM_MISSING, EVIDENCE_CERTAIN, "x");
    check_cause(
        TOLD("a", .code = ERR_CONNECT, .status = CASE_ERROR,
             .error =
                 "Failed to connect to 127.0.0.1 port 1 after 14 ms: Couldn't connect to server"),
        CAUSE_CONNECTION_REFUSED, EVIDENCE_STRONG, "127.0.0.1 port 1");
    check_cause(TOLD("a", .code = ERR_CONNECT, .status = CASE_ERROR,
                     .error = "Could not resolve host: worker.invalid"),
                CAUSE_NAME_NOT_RESOLVED, EVIDENCE_CERTAIN, "worker.invalid");
    check_cause(TOLD("a", "worker", .code = ERR_CLOSED, .status = CASE_ERROR,
                     .error = "Recv failure: Connection reset by peer"),
                CAUSE_CONNECTION_RESET, EVIDENCE_CERTAIN, "worker");
    check_cause(TOLD("a", "worker", .code = ERR_CLOSED, .status = CASE_ERROR,
                     .error = "transfer closed with 3 bytes remaining to read"),
                CAUSE_CONNECTION_CUT, EVIDENCE_CERTAIN, "worker");
    check_cause(TOLD("a", .code = ERR_TLS, .status = CASE_ERROR, .error = "wrong version number"),
                CAUSE_TLS, EVIDENCE_CERTAIN, "");
    check_cause(
        TOLD("a", .code = ERR_SUITE, .status = CASE_ERROR, .error = "there is no name \"x\""),
        CAUSE_SUITE_WRONG, EVIDENCE_CERTAIN, "");
}

static void a_timeout_is_told_by_its_last_byte(void **state)
{
    (void)state;
    struct told late = TOLD("a", "worker", .code = ERR_TIMEOUT, .duration = 700 * NS_PER_MS);
    late.error = "the case took longer than its time limit of 700 ms; not a byte had come";
    check_cause(late, CAUSE_NO_ANSWER, EVIDENCE_CERTAIN, "worker");
    late.error =
        "it took longer than its time limit of 700 ms; the last byte had come 690 ms before";
    check_cause(late, CAUSE_STALLED, EVIDENCE_STRONG, "worker");
    late.error =
        "it took longer than its time limit of 700 ms; the last byte had come 412 µs before";
    check_cause(late, CAUSE_SLOW_ANSWER, EVIDENCE_STRONG, "worker");
    late.error = "it took longer than its time limit of 700 ms";
    check_cause(late, CAUSE_SLOW_ANSWER, EVIDENCE_WEAK, "worker");
    late.error = "it took longer than its time limit of 700 ms; not a byte had come; process 12 of "
                 "service \"worker\" is stopped by a signal (state T)";
    check_cause(late, CAUSE_SERVICE_STOPPED, EVIDENCE_CERTAIN, "worker");
    late.error = "it took longer than its time limit of 700 ms; not a byte had come; process 12 of "
                 "service \"worker\" has 12 of its 12 descriptors open";
    check_cause(late, CAUSE_OUT_OF_DESCRIPTORS, EVIDENCE_STRONG, "worker");
}

static void a_timeout_near_its_limit_tells_how_long_a_pass_takes(void **state)
{
    (void)state;
    struct world w = world_new();
    struct told late = {"a", "worker", .status = CASE_FAILED, .code = ERR_TIMEOUT};
    struct case_past past = {.passed = 3, .usual = 400 * NS_PER_MS, .longest = 480 * NS_PER_MS};
    late.error =
        "it took longer than its time limit of 500 ms; the last byte had come 2.00 ms before";
    late.duration = 500 * NS_PER_MS;
    world_case(&w, late)->past = &past;
    const struct cause *c = &explain_failures(&w.data)->groups[0].causes[0];
    assert_int_equal(c->kind, CAUSE_SLOW_ANSWER);
    assert_true(slice_ends(c->evidence, SLICE("; it has passed with 480 ms")));
    past.longest = 100 * NS_PER_MS; /* far from the limit: then that is no evidence */
    c = &explain_failures(&w.data)->groups[0].causes[0];
    assert_true(slice_ends(c->evidence, SLICE("before")));
    world_free(&w);
}

static void what_a_service_said_when_it_did_not_start_names_a_cause(void **state)
{
    (void)state;
    check_cause(
        TOLD("a", "w",
             .reason =
                 "service \"w\": cannot start \"x\": there is no such program in PATH (/bin)"),
        CAUSE_PROGRAM_MISSING, EVIDENCE_CERTAIN, "x");
    check_cause(
        TOLD("a", "w",
             .reason =
                 "service \"w\" exited with status 2 before it was ready; its last lines:\nusage"),
        CAUSE_SERVICE_NOT_STARTED, EVIDENCE_CERTAIN, "w");
    check_cause(TOLD("a", "w", .reason = "service \"w\" was not ready within 400 ms (status 404)"),
                CAUSE_SERVICE_NOT_READY, EVIDENCE_CERTAIN, "w");
    check_cause(TOLD("a", "w",
                     .reason =
                         "service \"w\" exited with status 3 before it was ready; its last lines:\n"
                         "bind: Address already in use"),
                CAUSE_PORT_TAKEN, EVIDENCE_CERTAIN, "w");
}

static void the_answer_names_a_cause(void **state)
{
    (void)state;
    static const struct {
        const char *response;
        enum cause_kind kind;
        const char *subject;
    } answers[] = {
        {"HTTP 429\nRetry-After: 7\n\n{}", CAUSE_RATE_LIMITED, "w"},
        {"HTTP 503\n\n", CAUSE_SERVICE_UNAVAILABLE, "w"},
        {"HTTP 500\n\noops", CAUSE_SERVER_ERROR, "w 500"},
        {"HTTP 401\n\n", CAUSE_NOT_AUTHORISED, "w"},
        {"HTTP 404\n\n", CAUSE_NO_SUCH_PATH, "w 404"},
        {"HTTP 422\n\n", CAUSE_REQUEST_REFUSED, "w 422"},
        {"HTTP 200\nContent-Type: application/json\n\n{\"a\": 1", CAUSE_MALFORMED_JSON, "w"},
        {"HTTP 200\nContent-Type: text/event-stream\n\nevent: error\ndata: "
         "{\"type\":\"error\",\"code\":\"INFERENCE_FAILED\",\"message\":\"no\"}\n\n",
         CAUSE_ERROR_EVENT, "INFERENCE_FAILED"},
        {"HTTP 200\nContent-Type: text/event-stream\n\ndata: "
         "{\"type\":\"error\",\"code\":\"VRAM_OOM\",\"message\":\"the KV cache is full\"}\n\n",
         CAUSE_OUT_OF_GPU_MEMORY, "w"},
        {"HTTP 200\nContent-Type: text/event-stream\n\ndata: "
         "{\"error\":{\"type\":\"rate_limit_exceeded\","
         "\"message\":\"slow down\"}}\n\n",
         CAUSE_RATE_LIMITED, "w"},
        {"HTTP 200\nContent-Type: text/event-stream\n\ndata: {\"type\":\"token\",\"i\":0}\n\ndata: "
         "{\"type\"\n\n"
         "data: {\"type\":\"end\"}\n\n",
         CAUSE_MALFORMED_JSON, "w"},
        {"HTTP 200\nContent-Type: text/event-stream\n\ndata: "
         "{\"type\":\"token\",\"t\":\"\xef\xbf\xbd\",\"i\":0}\n\n"
         "data: {\"type\":\"end\"}\n\n",
         CAUSE_INVALID_UTF8, "w"},
        {"HTTP 200\nContent-Type: text/event-stream\n\ndata: {\"type\":\"token\",\"i\":0}\n\n"
         "data: {\"type\":\"token\",\"i\":2}\n\ndata: {\"type\":\"end\"}\n\n",
         CAUSE_STREAM_ORDER, "w"},
        {"HTTP 200\nContent-Type: text/event-stream\n\ndata: {\"choices\":[]}\n\n",
         CAUSE_STREAM_UNFINISHED, "w"},
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        check_cause(
            TOLD("a", "w", .response = answers[i].response, .check = "text", .message = "no"),
            answers[i].kind,
            answers[i].kind == CAUSE_INVALID_UTF8 ? EVIDENCE_STRONG : EVIDENCE_CERTAIN,
            answers[i].subject);
}

static void what_was_expected_is_no_cause(void **state)
{
    (void)state;
    check_cause(TOLD("a", "w", .response = "HTTP 404\n\n{}", .agreed = "status", .check = "body",
                     .message = "expected the body to be empty"),
                CAUSE_OTHER_ANSWER, EVIDENCE_WEAK, "body");
    check_cause(TOLD("a", "w",
                     .response = "HTTP 200\nContent-Type: text/event-stream\n\ndata: "
                                 "{\"type\":\"error\",\"code\":\"TIMEOUT\",\"message\":\"no\"}\n\n",
                     .agreed = "error", .check = "text", .message = "no"),
                CAUSE_OTHER_ANSWER, EVIDENCE_WEAK, "text");
}

static void an_answer_cut_by_an_error_is_not_called_malformed(void **state)
{
    (void)state;
    check_cause(TOLD("a", "w", .status = CASE_ERROR, .code = ERR_CLOSED, .error = "transfer closed",
                     .response = "HTTP 200\nContent-Type: application/json\n\n{\"a\""),
                CAUSE_CONNECTION_CUT, EVIDENCE_CERTAIN, "w");
}

static void what_programs_print_names_a_cause(void **state)
{
    (void)state;
    check_cause(TOLD("a", .kind = "exec", .check = "exit", .message = "got 1",
                     .response = "the program exited with status 1\ncp: No space left on device\n"),
                CAUSE_OUT_OF_SPACE, EVIDENCE_STRONG, "");
    check_cause(TOLD("a", .kind = "exec", .check = "exit", .message = "got 1",
                     .response = "the program exited with status 1\nTypeError: no\n"),
                CAUSE_PROGRAM_FAILED, EVIDENCE_STRONG, "");
    check_cause(TOLD("a", "w", .check = "text", .message = "no", .log = "Too many open files\n"),
                CAUSE_OUT_OF_DESCRIPTORS, EVIDENCE_STRONG, "w");
}

static void what_a_service_does_not_reach_counts_when_it_fails_at_the_request(void **state)
{
    (void)state;
    struct told told = TOLD("a", "w", .check = "text", .message = "no",
                            .log = "error: database: Connection refused\n");
    told.response = "HTTP 500\n\n";
    check_cause(told, CAUSE_CONNECTION_REFUSED, EVIDENCE_STRONG, "w");
    told.response = "HTTP 200\n\n";
    check_cause(told, CAUSE_CONNECTION_REFUSED, EVIDENCE_WEAK, "w");
}

static void checks_alone_are_weak_evidence(void **state)
{
    (void)state;
    check_cause(TOLD("a", .check = "time ttft", .message = "got 311 ms"), CAUSE_TOO_SLOW,
                EVIDENCE_WEAK, "time ttft");
    check_cause(TOLD("a", .check = "text", .message = "expected x"), CAUSE_OTHER_ANSWER,
                EVIDENCE_WEAK, "text");
}

static void nothing_is_named_without_evidence(void **state)
{
    (void)state;
    struct world w = world_new();
    world_case(&w, TOLD("a", .reason = "2 of 3 trials passed"));
    const struct explanation *e = explain_failures(&w.data);
    assert_int_equal(e->groups[0].cause_count, 0);
    assert_int_equal(e->unexplained, 1);
    assert_string_equal(arena_string(w.arena, explain_title(w.arena, &e->groups[0])),
                        "2 of 3 trials passed");
    world_free(&w);
}

/* ── several ── */

static void a_death_that_only_the_service_told_is_strong_evidence(void **state)
{
    (void)state;
    struct world w = world_new();
    world_case(&w, TOLD("a", "worker", .code = ERR_CLOSED, .error = "Connection reset by peer"));
    world_change(
        &w, 90, "worker", "died",
        "service \"worker\" was killed by signal 9 (SIGKILL), not by assay: the system does that");
    const struct explanation *e = explain_failures(&w.data);
    const struct failure_group *g = &e->groups[0];
    assert_int_equal(g->causes[0].kind, CAUSE_SERVICE_DIED);
    assert_int_equal(g->causes[0].strength, EVIDENCE_STRONG);
    assert_int_equal(g->causes[1].kind, CAUSE_CONNECTION_RESET);
    assert_int_equal(g->causes[2].kind, CAUSE_OUT_OF_MEMORY);
    assert_int_equal(g->causes[2].strength, EVIDENCE_WEAK);
    assert_string_equal(
        arena_string(w.arena, g->causes[0].evidence),
        "service \"worker\" was killed by signal 9 (SIGKILL), not by assay: the system does that, "
        "90.0 ms after the case began");
    world_free(&w);
}

static void the_death_of_another_service_or_at_another_time_is_no_cause(void **state)
{
    (void)state;
    struct world w = world_new();
    world_case(&w, TOLD("a", "worker", .code = ERR_CLOSED, .error = "Connection reset by peer"));
    world_change(&w, 90, "other", "died", "service \"other\" exited with status 1");
    world_change(&w, 5000, "worker", "died", "service \"worker\" exited with status 1");
    const struct explanation *e = explain_failures(&w.data);
    assert_int_equal(e->groups[0].cause_count, 1);
    assert_int_equal(e->groups[0].causes[0].kind, CAUSE_CONNECTION_RESET);
    world_free(&w);
}

static void one_cause_is_one_group_whatever_the_messages_say(void **state)
{
    (void)state;
    struct world w = world_new();
    world_case(&w,
               TOLD("a", "w", .response = "HTTP 429\n\n", .check = "status", .message = "got 429"));
    world_case(&w, TOLD("b", "w", .response = "HTTP 429\n\n", .check = "events",
                        .message = "got nothing"));
    world_case(&w,
               TOLD("c", "v", .response = "HTTP 429\n\n", .check = "status", .message = "got 429"));
    const struct explanation *e = explain_failures(&w.data);
    assert_int_equal(e->count, 2);
    assert_int_equal(e->groups[0].count, 2);
    assert_int_equal(e->groups[1].count, 1);
    assert_int_equal(e->by_severity[SEVERITY_HIGH], 3);
    world_free(&w);
}

static void messages_that_differ_in_numbers_are_one_group(void **state)
{
    (void)state;
    struct world w = world_new();
    world_case(&w, TOLD("a", .check = "text", .message = "expected 3 words, got 5"));
    world_case(&w, TOLD("b", .check = "text", .message = "expected 8 words, got 1"));
    world_case(&w, TOLD("c", .check = "text", .message = "expected a verb"));
    const struct explanation *e = explain_failures(&w.data);
    assert_int_equal(e->count, 2);
    assert_string_equal(arena_string(w.arena, e->groups[0].message),
                        "text: expected <n> words, got <n>");
    assert_string_equal(arena_string(w.arena, e->groups[1].message), "text: expected a verb");
    assert_string_equal(arena_string(w.arena, e->groups[0].reproduce), "assay run --case a");
    world_free(&w);
}

static void different_stacks_are_different_groups(void **state)
{
    (void)state;
    struct world w = world_new();
    struct told t = TOLD("a", .check = "text", .message = "no");
    t.log = "Traceback\n  File \"a\", line 1, in load\n";
    world_case(&w, t);
    t.log = "Traceback\n  File \"a\", line 1, in save\n";
    world_case(&w, t);
    t.log = "Traceback\n  File \"a\", line 9, in save\n";
    world_case(&w, t);
    const struct explanation *e = explain_failures(&w.data);
    assert_int_equal(e->count, 2);
    assert_string_equal(arena_string(w.arena, e->groups[0].stack), "save");
    world_free(&w);
}

static void what_all_failures_and_no_pass_have_is_named(void **state)
{
    (void)state;
    struct world w = world_new();
    for (int i = 0; i < 12; i++)
        world_case(&w, (struct told){"p", "w", .uses = "cpu", .tags = "fast"});
    for (int i = 0; i < 4; i++)
        world_case(&w, TOLD("f", "w", .uses = "cpu gpu", .tags = "fast", .check = "text",
                            .message = "no"));
    const struct explanation *e = explain_failures(&w.data);
    const struct cause *c = &e->groups[0].causes[0];
    assert_int_equal(c->kind, CAUSE_SHARED_FACTOR);
    assert_int_equal(c->strength, EVIDENCE_STRONG);
    assert_string_equal(arena_string(w.arena, c->subject), "resource gpu");
    assert_string_equal(
        arena_string(w.arena, c->evidence),
        "4 of 4 failures and 0 of 12 passes have it (Fisher's exact test: p = 0.0022)");
    world_free(&w);
}

static void what_chance_may_have_done_is_not_named(void **state)
{
    (void)state;
    struct world w = world_new();
    for (int i = 0; i < 4; i++)
        world_case(&w, (struct told){"p", "w"});
    for (int i = 0; i < 3; i++)
        world_case(&w, TOLD("f", "w", .uses = "gpu", .check = "text", .message = "no"));
    const struct explanation *e = explain_failures(&w.data);
    for (size_t i = 0; i < e->groups[0].cause_count; i++)
        assert_int_not_equal(e->groups[0].causes[i].kind, CAUSE_SHARED_FACTOR);
    world_free(&w);
}

static void a_beginning_is_named_with_what_changed(void **state)
{
    (void)state;
    struct world w = world_new();
    struct case_past past = {.passed = 6,
                             .last_good = SLICE("20261120-100000-0001"),
                             .first_bad = SLICE("20261121-100000-0002"),
                             .last_version = SLICE("0.0.9")};
    w.data.runs[0].version = SLICE("0.1.0");
    world_case(&w, TOLD("a", .check = "text", .message = "no"))->past = &past;
    const struct explanation *e = explain_failures(&w.data);
    const struct failure_group *g = &e->groups[0];
    assert_int_equal(g->causes[0].kind, CAUSE_NEW_SINCE);
    assert_int_equal(g->causes[0].strength, EVIDENCE_STRONG);
    assert_string_equal(arena_string(w.arena, g->causes[0].evidence),
                        "passed 6 times before, last in run 20261120-100000-0001; assay changed "
                        "from 0.0.9 to 0.1.0");
    assert_string_equal(arena_string(w.arena, g->first_bad), "20261121-100000-0002");
    assert_string_equal(arena_string(w.arena, g->last_good), "20261120-100000-0001");
    world_free(&w);
}

static void a_case_that_failed_before_as_well_is_weak_evidence_of_a_beginning(void **state)
{
    (void)state;
    struct world w = world_new();
    struct case_past past = {.passed = 6,
                             .failed = 3,
                             .failing = 2,
                             .last_good = SLICE("20261120-100000-0001"),
                             .first_bad = SLICE("20261121-100000-0002")};
    world_case(&w, TOLD("a", .check = "text", .message = "no"))->past = &past;
    const struct explanation *e = explain_failures(&w.data);
    const struct failure_group *g = &e->groups[0];
    assert_int_equal(g->causes[0].kind, CAUSE_NEW_SINCE);
    assert_int_equal(g->causes[0].strength, EVIDENCE_WEAK);
    world_free(&w);
}

static void cases_skipped_for_a_failed_need_are_counted_with_it(void **state)
{
    (void)state;
    struct world w = world_new();
    world_case(&w, TOLD("root", .check = "text", .message = "no"));
    world_case(&w, (struct told){"leaf", .needs = "branch", .status = CASE_SKIPPED});
    world_case(&w, (struct told){"branch", .needs = "root", .status = CASE_SKIPPED});
    world_case(&w, (struct told){"else", .needs = "other", .status = CASE_SKIPPED});
    const struct explanation *e = explain_failures(&w.data);
    assert_int_equal(e->groups[0].skipped, 2);
    world_free(&w);
}

static void failures_around_the_death_of_their_service_are_related(void **state)
{
    (void)state;
    struct world w = world_new();
    world_case(&w, TOLD("a", "worker", .code = ERR_DIED, .status = CASE_ERROR,
                        .error = "service \"worker\" exited with status 9"));
    world_case(&w, TOLD("b", "worker", .check = "text", .message = "no"));
    world_case(&w, TOLD("c", "other", .check = "tokens", .message = "no"));
    const struct explanation *e = explain_failures(&w.data);
    assert_int_equal(e->count, 3);
    assert_int_equal(e->groups[0].causes[0].kind, CAUSE_SERVICE_DIED);
    assert_int_equal(e->groups[0].related_count, 1);
    assert_int_equal(e->groups[0].related[0], 1);
    assert_string_equal(arena_string(w.arena, e->groups[0].related_why),
                        "service \"worker\" at the same time");
    assert_int_equal(e->groups[2].related_count, 0);
    world_free(&w);
}

static void the_most_severe_come_first(void **state)
{
    (void)state;
    struct world w = world_new();
    for (int i = 0; i < 2; i++)
        world_case(&w, TOLD("a", .check = "text", .message = "no"));
    world_case(&w,
               TOLD("b", "w", .response = "HTTP 500\n\n", .check = "status", .message = "got 500"));
    world_case(&w,
               TOLD("c", "w", .response = "HTTP 401\n\n", .check = "status", .message = "got 401"));
    const struct explanation *e = explain_failures(&w.data);
    assert_int_equal(e->groups[0].severity, SEVERITY_CRITICAL);
    assert_int_equal(e->groups[1].severity, SEVERITY_HIGH);
    assert_int_equal(e->groups[2].severity, SEVERITY_MEDIUM);
    assert_int_equal(e->by_severity[SEVERITY_MEDIUM], 2);
    world_free(&w);
}

static void failures_without_detail_are_counted_and_not_examined(void **state)
{
    (void)state;
    struct world w = world_new();
    world_case(&w, TOLD("a", .check = "text", .message = "no"));
    world_case(&w, TOLD("b", .check = "text", .message = "no"))->detail = NULL;
    const struct explanation *e = explain_failures(&w.data);
    assert_int_equal(e->failures, 2);
    assert_int_equal(e->not_examined, 1);
    assert_int_equal(e->groups[0].count, 1);
    world_free(&w);
}

static void no_failures_need_no_explanation(void **state)
{
    (void)state;
    struct world w = world_new();
    world_case(&w, (struct told){"p"});
    const struct explanation *e = explain_failures(&w.data);
    assert_int_equal(e->failures, 0);
    assert_int_equal(e->count, 0);
    world_free(&w);
}

static void an_anomaly_at_the_same_time_is_weak_evidence(void **state)
{
    (void)state;
    struct world w = world_new();
    struct case_outcome *c =
        world_case(&w, TOLD("a", "worker", .check = "time total", .message = "late"));
    w.data.anomalies[w.data.anomaly_count++] =
        (struct run_anomaly){SLICE("stall"), SLICE("worker"),       SLICE("no work for 3 s"),
                             c->started,     c->started + NS_PER_S, 0};
    const struct explanation *e = explain_failures(&w.data);
    assert_int_equal(e->groups[0].cause_count, 2);
    assert_int_equal(e->groups[0].causes[0].kind, CAUSE_ANOMALY);
    assert_int_equal(e->groups[0].causes[0].strength, EVIDENCE_WEAK);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(how_a_step_ended_names_a_cause),
        cmocka_unit_test(a_timeout_is_told_by_its_last_byte),
        cmocka_unit_test(a_timeout_near_its_limit_tells_how_long_a_pass_takes),
        cmocka_unit_test(what_a_service_said_when_it_did_not_start_names_a_cause),
        cmocka_unit_test(the_answer_names_a_cause),
        cmocka_unit_test(what_was_expected_is_no_cause),
        cmocka_unit_test(an_answer_cut_by_an_error_is_not_called_malformed),
        cmocka_unit_test(what_programs_print_names_a_cause),
        cmocka_unit_test(what_a_service_does_not_reach_counts_when_it_fails_at_the_request),
        cmocka_unit_test(checks_alone_are_weak_evidence),
        cmocka_unit_test(nothing_is_named_without_evidence),
        cmocka_unit_test(a_death_that_only_the_service_told_is_strong_evidence),
        cmocka_unit_test(the_death_of_another_service_or_at_another_time_is_no_cause),
        cmocka_unit_test(one_cause_is_one_group_whatever_the_messages_say),
        cmocka_unit_test(messages_that_differ_in_numbers_are_one_group),
        cmocka_unit_test(different_stacks_are_different_groups),
        cmocka_unit_test(what_all_failures_and_no_pass_have_is_named),
        cmocka_unit_test(what_chance_may_have_done_is_not_named),
        cmocka_unit_test(a_beginning_is_named_with_what_changed),
        cmocka_unit_test(a_case_that_failed_before_as_well_is_weak_evidence_of_a_beginning),
        cmocka_unit_test(cases_skipped_for_a_failed_need_are_counted_with_it),
        cmocka_unit_test(failures_around_the_death_of_their_service_are_related),
        cmocka_unit_test(the_most_severe_come_first),
        cmocka_unit_test(failures_without_detail_are_counted_and_not_examined),
        cmocka_unit_test(no_failures_need_no_explanation),
        cmocka_unit_test(an_anomaly_at_the_same_time_is_weak_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
