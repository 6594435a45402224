/*
 * The run that the tests of recording share.
 */
#include "fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/text.h"

#define STARTED 1795256130000000000LL /* 2026-11-21T10:15:30Z */

static const struct source worker = {"suites/worker.json", {0}};
static const struct source shared = {"suites/shared \"checks\".yaml", {0}};

const char *const fixture_secrets[] = {
    "hunter2/and+more", "aHVudGVyMi9hbmQrbW9y", "hunter2%2Fand%2Bmore",
    "tok-1234567890",   "c2Vzc2lvbg",           "dXNlcjpwYXNz",
    "alice:wonderland", "k3y-0f-th3-r34lm",     NULL};

static struct place in_worker(uint32_t line, uint32_t column)
{
    return (struct place){&worker, line, column};
}

struct run_info fixture_run(struct arena *arena)
{
    json_t *options = NULL;
    assert_ok(jsontext_read_in(
        arena,
        SLICE("{\"suites\":[\"suites/worker.json\"],\"set\":{\"key\":\"hunter2/and+more\"}}"),
        &options));
    return (struct run_info){
        .id = SLICE("20261121-101530-4f2a"),
        .command = SLICE("assay run suites/worker.json --set 'key=hunter2/and+more' --jobs 4"),
        .options = options,
        .host = SLICE("builder"),
        .version = SLICE("0.1.0"),
        .machine = SLICE("{\"cores\":2,\"memory\":8000000000}"),
        .seed = 18446744073709551615u,
        .jobs = 4,
        .started_wall = STARTED,
        .duration = 2412345678,
        .planned = FIXTURE_CASES,
        .exit_status = 1,
    };
}

static struct case_result *begin_case(const char *suite, const char *id, enum case_status status,
                                      int64_t duration)
{
    struct arena *arena = arena_new();
    struct case_result *r = ARENA_NEW(arena, struct case_result);
    r->arena = arena;
    r->suite = arena_copy(arena, slice_str(suite));
    r->id = arena_copy(arena, slice_str(id));
    r->key = slice_str(arena_printf(arena, "%s/%s", suite, id));
    r->file = slice_str(worker.name);
    r->at = in_worker(42, 5);
    r->status = status;
    r->started_wall = STARTED + 1000000;
    r->queued = 250000;
    r->starting = duration / 2 > 4000000 ? 4000000 : 0;
    r->duration = duration;
    r->slot = 2;
    r->rerun =
        slice_str(arena_printf(arena, "assay run suites/worker.json --case '%s/%s'", suite, id));
    return r;
}

static void tag(struct case_result *r, const char *first, const char *second)
{
    struct slice *tags = ARENA_ARRAY(r->arena, struct slice, 2);
    tags[0] = arena_copy(r->arena, slice_str(first));
    tags[1] = arena_copy(r->arena, slice_str(second));
    r->tags = tags;
    r->tag_count = 2;
}

static struct attempt_result *add_attempt(struct case_result *r, enum case_status status)
{
    struct attempt_result *a = ARENA_NEW(r->arena, struct attempt_result);
    struct attempt_result *last = (struct attempt_result *)(uintptr_t)r->attempts;
    while (last && last->next)
        last = last->next;
    *a = (struct attempt_result){.number = last ? last->number + 1 : 1,
                                 .status = status,
                                 .started = last ? last->started + 200000000 : 5000000000,
                                 .duration = 100000000,
                                 .trials = 1,
                                 .trials_passed = status == CASE_PASSED};
    if (last)
        last->next = a;
    else
        r->attempts = a;
    return a;
}

static struct step_result *add_step(struct case_result *r, struct attempt_result *a,
                                    const char *name, enum case_status status)
{
    struct step_result *s = ARENA_NEW(r->arena, struct step_result);
    struct step_result *last = (struct step_result *)(uintptr_t)a->steps;
    while (last && last->next)
        last = last->next;
    *s = (struct step_result){.name = arena_copy(r->arena, slice_str(name)),
                              .kind = SLICE("http"),
                              .index = last ? last->index + 1 : 0,
                              .status = status,
                              .at = in_worker(44, 7),
                              .started = a->started,
                              .duration = 3210000,
                              .first_byte = 1000000};
    if (last)
        last->next = s;
    else
        a->steps = s;
    return s;
}

static struct verdict *add_verdict(struct case_result *r, struct step_result *s, const char *check,
                                   const char *expected, const char *actual, const char *message)
{
    struct verdict *v = ARENA_NEW(r->arena, struct verdict);
    struct verdict *last = (struct verdict *)(uintptr_t)s->verdicts;
    while (last && last->next)
        last = last->next;
    *v = (struct verdict){.check = check,
                          .passed = message == NULL,
                          .expected = slice_str(expected),
                          .actual = slice_str(actual),
                          .message = message,
                          .at = in_worker(47, 22)};
    if (last)
        last->next = v;
    else
        s->verdicts = v;
    return v;
}

struct case_result *fixture_passed(const char *suite, const char *id, int64_t duration)
{
    struct case_result *r = begin_case(suite, id, CASE_PASSED, duration);
    struct attempt_result *a = add_attempt(r, CASE_PASSED);
    struct step_result *s = add_step(r, a, "http GET /health", CASE_PASSED);
    add_verdict(r, s, "status", "200", "200", NULL);
    add_verdict(r, s, "json $.status", "\"ok\"", "\"ok\"", NULL);
    return r;
}

static struct case_result *described(void)
{
    struct case_result *r = fixture_passed("worker", "health", 1234567);
    r->describe = SLICE("answers <at once> & says \"ok\"");
    r->model = SLICE("qwen2.5-0.5b");
    tag(r, "smoke", "a|b");
    static const struct slice needs[] = {SLICE("worker/first"), SLICE("other/second")},
                              uses[] = {SLICE("gpu")}, services[] = {SLICE("worker")};
    static const struct usage usages[] = {
        {SLICE("qwen2.5-0.5b"), 12, 34, 560, false, false},
        {SLICE("judge"), -1, -1, -1, true, true},
    };
    r->needs = needs;
    r->need_count = 2;
    r->uses = uses;
    r->use_count = 1;
    r->services = services;
    r->service_count = 1;
    r->held_by = SLICE("resource gpu");
    struct step_result *s = (struct step_result *)(uintptr_t)r->attempts->steps;
    s->service = SLICE("worker");
    s->connect = 150000;
    s->checks = 42000;
    struct usage *copy = ARENA_ARRAY(r->arena, struct usage, 2);
    memcpy(copy, usages, sizeof(usages));
    s->usages = copy;
    s->usage_count = 2;
    s->verdicts->next->detail = SLICE("[{\"vote\":0.9}]");
    return r;
}

static struct case_result *failed(void)
{
    struct case_result *r = begin_case("worker", "stops at a brace", CASE_FAILED, 143000000);
    r->describe = SLICE("Generation stops *before* the stop sequence.");
    tag(r, "area:stop sequences", "stop");
    struct attempt_result *a = add_attempt(r, CASE_FAILED);
    struct step_result *ready = add_step(r, a, "http GET /health", CASE_PASSED);
    add_verdict(r, ready, "status", "200", "200", NULL);
    struct step_result *s =
        add_step(r, a, "execute POST /execute?api_key=k3y-0f-th3-r34lm&n=1", CASE_FAILED);
    s->first_token = 2000000;
    add_verdict(r, s, "status", "200", "200", NULL);
    add_verdict(r, s, "tokens count", "≤ 100", "143",
                "expected the number of tokens to be at most 100, got 143");
    add_verdict(r, s, "text", "\"{\\n  \\\"a\\\": 1\\n}\"", "\"{\\n  \\\"a\\\": 2\\n}\"",
                "the texts differ in line 2\n  {\n-   \"a\": 1\n+   \"a\": 2\n  }\n")
        ->at = (struct place){&shared, 3, 9};
    s->request = SLICE("POST http://alice:wonderland@127.0.0.1:4711/execute\n"
                       "Authorization: Bearer tok-1234567890\n"
                       "Content-Type: application/json\n"
                       "\n"
                       "{\"prompt\":\"hunter2/and+more\",\"max_tokens\":100}");
    s->response = SLICE("HTTP 200\n"
                        "Set-Cookie: c2Vzc2lvbg; HttpOnly\n"
                        "Content-Type: text/event-stream\n"
                        "\n"
                        "event: token\ndata: {\"type\":\"token\",\"text\":\"}\"}\n\n");
    s->log = SLICE("I worker: request 17 begins, auth Basic dXNlcjpwYXNz\n"
                   "W worker: stop sequence \"}\" seen but ignored (hunter2%2Fand%2Bmore)\n");
    return r;
}

static struct case_result *not_carried_out(void)
{
    struct case_result *r = begin_case("worker", "cancels", CASE_ERROR, 5000000);
    tag(r, "area:cancel", "area:<|> & \x1b[31m語");
    struct attempt_result *a = add_attempt(r, CASE_ERROR);
    struct step_result *s = add_step(r, a, "http POST /cancel", CASE_ERROR);
    s->error = SLICE("127.0.0.1:4711 refused the connection");
    s->error_code = ERR_CONNECT;
    struct verdict *v = add_verdict(r, s, "status", "", "(not checked)",
                                    "no HTTP status was seen: the step was not carried out");
    v->impossible = true;
    s->request = SLICE("POST http://127.0.0.1:4711/cancel\n");
    return r;
}

static struct case_result *skipped(void)
{
    struct case_result *r = begin_case("worker", "needs the cancelled", CASE_SKIPPED, 0);
    tag(r, "area:cancel", "late");
    r->started_wall = 0;
    r->reason = SLICE("needs \"cancels\", which ended with an error");
    return r;
}

static struct case_result *cancelled(void)
{
    struct case_result *r = begin_case("worker", "never began", CASE_CANCELLED, 0);
    r->started_wall = 0;
    r->reason = SLICE("the run was interrupted");
    return r;
}

static struct case_result *flaky(void)
{
    struct case_result *r = begin_case("worker", "passes in the end", CASE_PASSED, 300000000);
    tag(r, "area:stop sequences", "area:");
    r->flags = CASE_FLAKY;
    struct attempt_result *a = add_attempt(r, CASE_FAILED);
    struct step_result *s = add_step(r, a, "http GET /slow", CASE_FAILED);
    add_verdict(r, s, "time total", "< 500ms", "612 ms",
                "expected the total time to be less than 500ms, got 612 ms");
    a = add_attempt(r, CASE_PASSED);
    s = add_step(r, a, "http GET /slow", CASE_PASSED);
    add_verdict(r, s, "time total", "", "", NULL);
    return r;
}

static struct case_result *slow_and_leaky(void)
{
    struct case_result *r = fixture_passed("worker", "every level [opt=O2]", 1850000000);
    r->flags = CASE_SLOW | CASE_LEAKY;
    ((struct step_result *)(uintptr_t)r->attempts->steps)->leaky = true;
    return r;
}

static struct case_result *never_passes(void)
{
    struct case_result *r = begin_case("worker", "times out", CASE_ERROR, 600000000);
    r->flags = CASE_TIMED_OUT;
    r->reason = SLICE("no attempt of 3 passed: the case took longer than 100ms");
    for (int i = 0; i < 3; i++) {
        struct attempt_result *a = add_attempt(r, i == 1 ? CASE_FAILED : CASE_ERROR);
        struct step_result *s = add_step(r, a, "http GET /hang", i == 1 ? CASE_FAILED : CASE_ERROR);
        if (i == 1) {
            add_verdict(r, s, "status", "200", "503", "expected the status to be 200, got 503");
        } else {
            s->error = SLICE("no answer within 100ms");
            s->error_code = ERR_TIMEOUT;
        }
    }
    return r;
}

/* Ten kilobytes and every character that means something to some format. */
static struct case_result *nasty(void)
{
    struct case_result *r = begin_case(
        "od\"d <suite>", "q\"uo'te ]]> # SKIP \\ |`*_{}[] ::error:: %", CASE_FAILED, 999);
    r->describe = SLICE("bell \x07, escape \x1b[31m, delete \x7f, \xff\xfe, half \xe2\x82");
    r->at = (struct place){&shared, 1, 1};
    r->file = slice_str(shared.name);
    struct attempt_result *a = add_attempt(r, CASE_FAILED);
    struct step_result *s = add_step(r, a, "exec printf '\x1b]0;title\x07'", CASE_FAILED);
    struct text big = text_in(r->arena);
    text_add_str(&big, "expected a short answer, got 10 KB\n");
    for (int i = 0; big.len < 10000; i++)
        text_printf(&big, "+ line %d \t ```` ]]> %%0A ::error:: \x02 – ünïcode\n", i);
    add_verdict(r, s, "stdout]]>", "\"<&>\"", "\"\\u0000\xc3(\"", text_str(&big));
    s->response = slice_of("nul \0 byte\r\n...\n---\n::error::injected\n##[error]also\n", 52);
    s->log = SLICE("````\nlog with a fence\n````\n</details>\n");
    return r;
}

static struct case_result *trials(void)
{
    struct case_result *r = begin_case("worker", "any size", CASE_FAILED, 70000000);
    r->reason = SLICE("1 of 2 trials failed; the smallest input that fails is {\"batch\":3}");
    struct attempt_result *a = add_attempt(r, CASE_FAILED);
    a->trials = 2;
    a->trials_passed = 1;
    a->given = SLICE("{\"batch\":3,\"features\":1}");
    for (uint32_t trial = 0; trial < 2; trial++) {
        struct step_result *s = add_step(r, a, "infer linear", trial ? CASE_FAILED : CASE_PASSED);
        s->trial = trial;
        s->index = 0;
        add_verdict(r, s, "tensor shape", "[3, 1]", trial ? "[1, 3]" : "[3, 1]",
                    trial ? "expected the shape [3, 1], got [1, 3]" : NULL);
    }
    return r;
}

static struct case_result *placeless(void)
{
    struct case_result *r = fixture_passed("", "alone", 1);
    r->key = r->id;
    r->file = (struct slice){0};
    r->at = (struct place){0};
    r->reason = SLICE("");
    return r;
}

static struct case_result *second_suite(void)
{
    return fixture_passed("platform", "models/list", 12000000);
}

struct case_result *fixture_case(size_t i)
{
    static struct case_result *(*const make[FIXTURE_CASES])(void) = {
        described,      failed,       not_carried_out, skipped, cancelled, flaky,
        slow_and_leaky, never_passes, nasty,           trials,  placeless, second_suite};
    assert_true(i < FIXTURE_CASES);
    return make[i]();
}

struct planned_case fixture_planned(const struct case_result *result)
{
    return (struct planned_case){result->key, result->id, result->suite};
}

struct redactor *fixture_redactor(void)
{
    struct redactor *redactor = redactor_new();
    redactor_add(redactor, slice_str(fixture_secrets[0]));
    return redactor;
}

void fixture_close_loop(uv_loop_t *loop)
{
    uv_run(loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(loop), 0);
}

void fixture_record(uv_loop_t *loop, struct store *store, struct sink *const *sinks, size_t count)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct redactor *redactor = fixture_redactor();
    struct run_info run = fixture_run(arena);
    struct case_result *results[FIXTURE_CASES];
    struct planned_case planned[FIXTURE_CASES];
    for (size_t i = 0; i < FIXTURE_CASES; i++) {
        results[i] = fixture_case(i);
        planned[i] = fixture_planned(results[i]);
    }
    struct recorder *recorder = recorder_new(loop, store, sinks, count, redactor);
    assert_ok(recorder_begin(recorder, &run, planned, FIXTURE_CASES, false));
    for (size_t i = 0; i < FIXTURE_CASES; i++)
        recorder_case(recorder, results[i]);
    while (recorder_pending(recorder))
        uv_run(loop, UV_RUN_ONCE);
    assert_ok(recorder_end(recorder, &run));
    recorder_free(recorder);
    redactor_free(redactor);
}

char *fixture_folder(void)
{
    const char *base = getenv("TMPDIR");
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    char *folder = mem_string(arena_printf(arena, "%s/assay-record-XXXXXX", base ? base : "/tmp"));
    assert_non_null(mkdtemp(folder));
    return folder;
}

void fixture_remove(char *folder)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        if (entry->d_name[0] != '.')
            unlink(fixture_path(arena, folder, entry->d_name));
    closedir(directory);
    assert_int_equal(rmdir(folder), 0);
    mem_free(folder);
}

const char *fixture_path(struct arena *arena, const char *folder, const char *name)
{
    return arena_printf(arena, "%s/%s", folder, name);
}

char *fixture_read(const char *path, size_t *len)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    char *data = mem_alloc(8u << 20);
    *len = fread(data, 1, (8u << 20) - 1, file);
    data[*len] = '\0';
    fclose(file);
    return data;
}
