/*
 * Runs of real small plans: the order in which cases begin, what may run at the same time, and how
 * runs end early. What ran when is read from the results themselves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/memory.h"
#include "core/random.h"
#include "core/text.h"
#include "plan/plan.h"
#include "record/recorder.h"
#include "run/run.h"

#define CASES_MAX 4096

/* What a test needs to know of a finished case. */
struct seen {
    struct slice id, reason, given, held_by;
    enum case_status status;
    unsigned flags;
    int64_t from, to;
    uint32_t slot, attempts, trials, trials_passed;
};

struct running {
    struct sink sink; /* first: the recorder's pointer is ours */
    struct arena *arena;
    char folder[32];
    const char *path;
    struct plan *plan;
    uv_loop_t loop;
    struct run *run;
    struct recorder *recorder;
    struct run_options options;
    struct run_info info;
    struct text begun;    /* ids in the order in which they began, one a line */
    const char *services; /* of the suite, in YAML's flow form; NULL: none */
    struct text changes; /* of services: "name instance state signal exit-code [log]", one a line */
    int64_t pid;         /* of the last of them */
    struct text bottleneck;
    struct text measured; /* names of what was measured, one a line */
    struct seen seen[CASES_MAX];
    size_t seen_count, finished;
    size_t interrupt_at; /* interrupt when so many cases have begun; 0: never */
    uv_idle_t interrupter;
    int status;
};

static void on_event(struct sink *sink, const struct event *e)
{
    struct running *r = (struct running *)sink;
    if (e->kind == EVENT_CASE_STARTED)
        text_printf(&r->begun, "%.*s\n", SLICE_ARG(e->started.id));
    if (e->kind == EVENT_SERVICE) {
        text_printf(&r->changes, "%.*s %u %.*s %d %d [%.*s]\n", SLICE_ARG(e->service.name),
                    e->service.instance, SLICE_ARG(e->service.state), e->service.signal,
                    e->service.exit_code, SLICE_ARG(e->service.log));
        r->pid = e->service.pid;
    }
    if (e->kind == EVENT_BOTTLENECK)
        text_add(&r->bottleneck, e->anomaly.text);
    if (e->kind == EVENT_RESOURCES)
        text_printf(&r->measured, "%.*s\n", SLICE_ARG(e->resources.name));
    if (e->kind != EVENT_CASE_FINISHED)
        return;
    const struct case_result *c = e->finished;
    struct seen *s = &r->seen[r->seen_count++];
    *s = (struct seen){.id = arena_copy(r->arena, c->id),
                       .reason = arena_copy(r->arena, c->reason),
                       .held_by = arena_copy(r->arena, c->held_by),
                       .status = c->status,
                       .flags = c->flags,
                       .from = c->started_wall,
                       .to = c->started_wall + c->duration,
                       .slot = c->slot};
    for (const struct attempt_result *a = c->attempts; a; a = a->next) {
        s->attempts++;
        s->trials = a->trials;
        s->trials_passed = a->trials_passed;
        s->given = arena_copy(r->arena, a->given);
    }
}

static struct result on_close(struct sink *sink)
{
    (void)sink;
    return RESULT_OK;
}

static int begin(void **state)
{
    struct running *r = NEW(struct running);
    r->arena = arena_new();
    r->begun = text_in(r->arena);
    r->changes = text_in(r->arena);
    r->bottleneck = text_in(r->arena);
    r->measured = text_in(r->arena);
    r->sink = (struct sink){.event = on_event, .close = on_close};
    snprintf(r->folder, sizeof(r->folder), "/tmp/assay-run-XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    r->path = arena_printf(r->arena, "%s/s.yaml", r->folder);
    r->options.jobs = 1;
    r->options.rerun_arguments = "";
    r->info = (struct run_info){.id = SLICE("r1"), .seed = 1, .exit_status = -1, .jobs = 1};
    *state = r;
    return 0;
}

static int end(void **state)
{
    struct running *r = *state;
    static const char *const left[] = {"s.yaml", "results.db", "results.db-wal", "results.db-shm",
                                       "tries"};
    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++)
        unlink(arena_printf(r->arena, "%s/%s", r->folder, left[i]));
    rmdir(r->folder);
    arena_free(r->arena);
    mem_free(r);
    return 0;
}

static void on_finished(void *context)
{
    struct running *r = context;
    r->finished++;
    if (!uv_is_closing((uv_handle_t *)&r->interrupter))
        uv_close((uv_handle_t *)&r->interrupter, NULL);
}

static void on_commit(void *context, struct result result)
{
    struct running *r = context;
    assert_true(result_ok(result));
    if (!r->finished)
        run_committed(r->run);
}

static size_t lines_of(const struct text *t)
{
    size_t lines = 0;
    for (size_t i = 0; i < t->len; i++)
        lines += t->data[i] == '\n';
    return lines;
}

static void interrupt_when_begun(uv_idle_t *idle)
{
    struct running *r = idle->data;
    if (lines_of(&r->begun) < r->interrupt_at)
        return;
    uv_close((uv_handle_t *)idle, NULL);
    run_interrupt(r->run);
}

static void make_plan(struct running *r, const char *const *cases)
{
    FILE *file = fopen(r->path, "we");
    assert_non_null(file);
    if (r->services)
        fprintf(file, "services: %s\n", r->services);
    fputs("resources: {gpu: 3}\ncases:\n", file);
    for (size_t i = 0; cases[i]; i++)
        fputs(cases[i], file);
    fclose(file);
    struct diagnostics d = diagnostics_in(r->arena);
    const char *const paths[] = {r->path};
    struct plan_options options = {.paths = paths, .path_count = 1, .seed = 1};
    if (!result_ok(plan_make(r->arena, &options, &d, &r->plan)))
        fail_msg("%s", error_last()->text);
}

static void close_left(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* Run a suite of these cases (NULL-ended) to its end; everything is recorded, as people do. */
static void run_suite(struct running *r, const char *const *cases)
{
    make_plan(r, cases);
    struct store *store = NULL;
    struct sink *sinks[] = {&r->sink};
    assert_true(
        result_ok(store_open(arena_printf(r->arena, "sqlite:%s/results.db", r->folder), &store)));
    struct planned_case *planned =
        ARENA_ARRAY(r->arena, struct planned_case, r->plan->case_count + 1);
    for (size_t i = 0; i < r->plan->case_count; i++)
        planned[i] = (struct planned_case){r->plan->cases[i]->key, r->plan->cases[i]->id,
                                           r->plan->cases[i]->suite->name};
    uv_loop_init(&r->loop);
    uv_idle_init(&r->loop, &r->interrupter);
    r->interrupter.data = r;
    if (r->interrupt_at)
        uv_idle_start(&r->interrupter, interrupt_when_begun);
    r->recorder = recorder_new(&r->loop, store, sinks, 1, NULL);
    assert_true(
        result_ok(recorder_begin(r->recorder, &r->info, planned, r->plan->case_count, false)));
    recorder_on_commit(r->recorder, on_commit, r);
    r->options.loop = &r->loop;
    r->options.plan = r->plan;
    r->options.recorder = r->recorder;
    r->options.info = &r->info;
    r->options.finished = on_finished;
    r->options.context = r;
    run_start(&r->options, &r->run);
    uv_run(&r->loop, UV_RUN_DEFAULT);
    r->status = run_exit_status(r->run);
    run_free(r->run);
    r->info.exit_status = r->status;
    assert_true(result_ok(recorder_end(r->recorder, &r->info)));
    recorder_free(r->recorder);
    uv_walk(&r->loop, close_left, NULL);
    uv_run(&r->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&r->loop), 0);
    assert_int_equal(r->finished, 1);
    assert_int_equal(r->seen_count, r->plan->case_count);
}

static const struct seen *seen_case(const struct running *r, const char *id)
{
    for (size_t i = 0; i < r->seen_count; i++)
        if (slice_is(r->seen[i].id, id))
            return &r->seen[i];
    fail_msg("no case \"%s\" finished", id);
    return NULL;
}

static bool overlap(const struct seen *a, const struct seen *b)
{
    return a->from < b->to && b->from < a->to;
}

/* The most of `weight` at one moment; it is reached when some case begins. */
static int64_t most_at_once(const struct running *r,
                            int64_t (*weight)(const struct running *, struct slice))
{
    int64_t most = 0;
    for (size_t i = 0; i < r->seen_count; i++) {
        int64_t sum = 0;
        for (size_t k = 0; k < r->seen_count; k++)
            if (r->seen[k].from <= r->seen[i].from && r->seen[i].from < r->seen[k].to)
                sum += weight(r, r->seen[k].id);
        most = sum > most ? sum : most;
    }
    return most;
}

static int64_t one_each(const struct running *r, struct slice id)
{
    (void)r;
    (void)id;
    return 1;
}

static int64_t its_use(const struct running *r, struct slice id)
{
    for (size_t i = 0; i < r->plan->case_count; i++)
        if (slice_eq(r->plan->cases[i]->id, id))
            return r->plan->cases[i]->use_count ? r->plan->cases[i]->uses[0].amount : 0;
    return 0;
}

/* Cases in YAML's flow form; `more` are further keys: "needs: a". */
#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define RUNS(id, shell, more)                                                                      \
    "- {id: '" id "', exec: {shell: \"" shell "\"}, expect: {exit: 0}, " more "}\n"
#define WAITS(id, time, more)                                                                      \
    "- {id: '" id "', wait: " time ", expect: {time: {total: <600s}}, " more "}\n"
/* A step that fails within its start: nothing is waited for, so that nothing unwinds the stack but
 * the scheduler's own care. */
#define BREAKS(id, more)                                                                           \
    "- {id: '" id "', http: {get: '${uuid}'}, expect: {status: 200}, " more "}\n"

static void higher_priorities_begin_first(void **state)
{
    struct running *r = *state;
    run_suite(r, LIST(WAITS("low", "1ms", "priority: 1"), WAITS("middle", "1ms", ""),
                      WAITS("high", "1ms", "priority: 9")));
    assert_string_equal(text_str(&r->begun), "high\nmiddle\nlow\n");
    assert_int_equal(r->status, 0);
}

static void the_longest_chain_goes_first_among_equals(void **state)
{
    struct running *r = *state;
    run_suite(r, LIST(WAITS("short", "2ms", ""), WAITS("head", "1ms", ""),
                      WAITS("tail", "9ms", "needs: head"), WAITS("long", "5ms", "")));
    assert_string_equal(text_str(&r->begun), "head\ntail\nlong\nshort\n");
}

static void a_case_begins_only_when_its_needs_have_passed(void **state)
{
    struct running *r = *state;
    r->options.jobs = 8;
    run_suite(r,
              LIST(WAITS("d", "1ms", "needs: [b, c], priority: 10"), WAITS("b", "50ms", "needs: a"),
                   WAITS("c", "20ms", "needs: a"), WAITS("a", "4ms", "")));
    const struct seen *a = seen_case(r, "a"), *b = seen_case(r, "b"), *c = seen_case(r, "c"),
                      *d = seen_case(r, "d");
    assert_true(a->to <= b->from && a->to <= c->from && b->to <= d->from && c->to <= d->from);
    assert_true(overlap(b, c));
}

static void a_failed_need_skips_with_the_chain_as_the_reason(void **state)
{
    struct running *r = *state;
    run_suite(r, LIST(RUNS("a", "exit 1", ""), WAITS("b", "1ms", "needs: a"),
                      WAITS("c", "1ms", "needs: b"), BREAKS("x", ""),
                      WAITS("y", "1ms", "needs: [x]")));
    assert_int_equal(seen_case(r, "b")->status, CASE_SKIPPED);
    assert_true(slice_is(seen_case(r, "b")->reason, "it needs \"a\", which failed"));
    assert_true(slice_is(seen_case(r, "c")->reason,
                         "it needs \"b\", which was not run: it needs \"a\", which failed"));
    assert_true(
        slice_is(seen_case(r, "y")->reason, "it needs \"x\", which could not be carried out"));
    assert_int_equal(r->status, 1);
}

/* Cases that wait 1 to 6 ms, and use 1 to 3 of the three. */
static const char *const *many_waits(struct arena *arena, size_t count, bool use)
{
    const char **cases = ARENA_ARRAY(arena, const char *, count + 1);
    struct random random = random_seeded(4);
    for (size_t i = 0; i < count; i++) {
        int time = (int)random_between(&random, 1, 6), amount = (int)random_between(&random, 1, 3);
        const char *uses = use ? arena_printf(arena, "uses: {gpu: %d}", amount) : "";
        cases[i] = arena_printf(arena, WAITS("c%zu", "%dms", "%s"), i, time, uses);
    }
    return cases;
}

static void as_many_run_at_once_as_there_are_jobs(void **state)
{
    struct running *r = *state;
    r->options.jobs = 3;
    run_suite(r, many_waits(r->arena, 40, false));
    assert_int_equal(most_at_once(r, one_each), 3);
    for (size_t i = 0; i < r->seen_count; i++) {
        assert_in_range(r->seen[i].slot, 0, 2);
        for (size_t k = 0; k < i; k++)
            if (overlap(&r->seen[i], &r->seen[k]))
                assert_int_not_equal(r->seen[i].slot, r->seen[k].slot);
    }
}

static void a_resource_is_never_overdrawn(void **state)
{
    struct running *r = *state;
    r->options.jobs = 16;
    run_suite(r, many_waits(r->arena, 60, true));
    assert_int_equal(most_at_once(r, its_use), 3);
    assert_int_equal(r->info.counts[CASE_PASSED], 60);
}

static void a_case_that_must_be_alone_is(void **state)
{
    struct running *r = *state;
    r->options.jobs = 8;
    run_suite(r, LIST(WAITS("a", "20ms", ""), WAITS("alone", "5ms", "isolate: true, priority: 6"),
                      WAITS("first", "5ms", "priority: 9"), WAITS("b", "20ms", ""),
                      WAITS("alone too", "1ms", "isolate: true, priority: 1")));
    const struct seen *alone = seen_case(r, "alone"), *too = seen_case(r, "alone too");
    for (const struct seen *s = r->seen; s < r->seen + r->seen_count; s++) {
        assert_true(s == alone || !overlap(s, alone));
        assert_true(s == too || !overlap(s, too));
    }
    assert_true(overlap(seen_case(r, "a"), seen_case(r, "b")));
}

static void a_case_tells_what_it_waited_for_longest(void **state)
{
    struct running *r = *state;
    r->options.jobs = 2;
    run_suite(r, LIST(WAITS("first", "60ms", "priority: 9, uses: {gpu: 3}"),
                      WAITS("gpu", "1ms", "priority: 8, uses: {gpu: 1}"),
                      WAITS("after", "1ms", "needs: first, priority: 8"),
                      WAITS("long", "200ms", "priority: 7"),
                      WAITS("longer", "200ms", "priority: 6"), WAITS("jobs", "1ms", "priority: 5"),
                      WAITS("alone", "100ms", "isolate: true, priority: 4, needs: jobs"),
                      WAITS("behind", "1ms", "priority: 3, needs: jobs")));
    assert_int_equal(r->status, 0);
    assert_true(slice_is(seen_case(r, "first")->held_by, ""));
    assert_true(slice_is(seen_case(r, "gpu")->held_by, "resource gpu"));
    assert_true(slice_is(seen_case(r, "after")->held_by, "need first"));
    assert_true(slice_is(seen_case(r, "jobs")->held_by, "jobs"));
    assert_true(slice_is(seen_case(r, "alone")->held_by, "need jobs"));
    assert_true(slice_is(seen_case(r, "behind")->held_by, "need jobs"));
}

static void behind_one_that_must_be_alone_the_wait_is_isolation(void **state)
{
    struct running *r = *state;
    r->options.jobs = 2;
    run_suite(
        r, LIST(WAITS("alone", "50ms", "isolate: true, priority: 9"), WAITS("behind", "1ms", "")));
    assert_true(slice_is(seen_case(r, "behind")->held_by, "isolation"));
}

static void what_limits_a_run_is_told(void **state)
{
    struct running *r = *state;
    r->options.jobs = 4;
    r->options.measure_every = NS_PER_S / 100;
    run_suite(r, LIST(WAITS("a", "50ms", "uses: {gpu: 2}"), WAITS("b", "50ms", "uses: {gpu: 2}"),
                      WAITS("c", "50ms", "uses: {gpu: 2}"), WAITS("d", "1ms", "needs: a")));
    const char *text = text_str(&r->bottleneck);
    assert_non_null(strstr(text, "limited by resource gpu: with 6 instead of 3"));
    assert_non_null(strstr(text, "4 cases took"));
    assert_non_null(strstr(text, "critical path, 3 cases: a ("));
    assert_non_null(strstr(text, "waited for: resource gpu"));
    assert_string_equal(text_str(&r->measured), "assay\n");
}

static void when_jobs_limit_a_run_more_of_them_are_advised(void **state)
{
    struct running *r = *state;
    r->options.jobs = 1;
    r->options.measure_every = NS_PER_S;
    run_suite(r, LIST(WAITS("a", "30ms", ""), WAITS("b", "30ms", "")));
    assert_non_null(
        strstr(text_str(&r->bottleneck), "limited by jobs: with 2 instead of 1 the cases"));
}

static void a_chain_of_needs_cannot_be_made_shorter(void **state)
{
    struct running *r = *state;
    r->options.jobs = 2;
    r->options.measure_every = NS_PER_S;
    run_suite(r, LIST(WAITS("a", "20ms", ""), WAITS("b", "20ms", "needs: a")));
    assert_non_null(strstr(text_str(&r->bottleneck), "neither more jobs nor more of a resource"));
}

static void a_run_ends_after_as_many_failures_as_it_may_have(void **state)
{
    struct running *r = *state;
    r->options.max_failures = 2;
    run_suite(r, LIST(RUNS("a", "exit 1", ""), RUNS("b", "true", ""), RUNS("c", "exit 1", ""),
                      RUNS("d", "true", "")));
    assert_string_equal(text_str(&r->begun), "a\nb\nc\n");
    assert_int_equal(seen_case(r, "d")->status, CASE_CANCELLED);
    assert_true(slice_is(seen_case(r, "d")->reason, "the run ended early, after 2 failures"));
    assert_int_equal(r->status, 1);
}

static void pass_on_the_third_attempt(struct running *r)
{
    run_suite(r, LIST(RUNS("a", "test ${attempt} -ge 3", "retry: {attempts: 5, backoff: 1ms}"),
                      WAITS("n", "1ms", "needs: a")));
}

static void a_pass_on_a_retry_is_flaky(void **state)
{
    struct running *r = *state;
    pass_on_the_third_attempt(r);
    assert_int_equal(seen_case(r, "a")->status, CASE_PASSED);
    assert_int_equal(seen_case(r, "a")->flags, CASE_FLAKY);
    assert_int_equal(seen_case(r, "a")->attempts, 3);
    assert_int_equal(seen_case(r, "n")->status, CASE_PASSED);
    assert_int_equal(r->status, 0);
}

static void a_pass_on_a_retry_may_count_as_failed(void **state)
{
    struct running *r = *state;
    r->options.flaky_fails = true;
    pass_on_the_third_attempt(r);
    assert_int_equal(seen_case(r, "a")->status, CASE_FAILED);
    assert_int_equal(seen_case(r, "n")->status, CASE_SKIPPED);
    assert_int_equal(r->status, 1);
}

static void an_interrupted_run_ends_in_order(void **state)
{
    struct running *r = *state;
    r->options.jobs = 2;
    r->interrupt_at = 3;
    run_suite(r, LIST(WAITS("a", "1ms", "priority: 9"), RUNS("b", "exec sleep 600", ""),
                      WAITS("c", "600s", ""), WAITS("d", "1ms", "priority: 1")));
    assert_int_equal(r->status, 130);
    assert_int_equal(seen_case(r, "a")->status, CASE_PASSED);
    assert_int_equal(seen_case(r, "b")->status, CASE_CANCELLED);
    assert_int_equal(seen_case(r, "c")->status, CASE_CANCELLED);
    assert_int_equal(seen_case(r, "d")->status, CASE_CANCELLED);
}

static void a_run_in_which_nothing_runs_ends(void **state)
{
    struct running *r = *state;
    run_suite(r, LIST(WAITS("a", "1ms", "enabled: false")));
    assert_int_equal(seen_case(r, "a")->status, CASE_SKIPPED);
    assert_int_equal(r->status, 0);
}

static void what_ended_a_service_is_told_with_its_last_lines(void **state)
{
    struct running *r = *state;
    r->services = "{doomed: {command: [sh, -c, 'echo last words; sleep 0.05; kill -SEGV $$'],"
                  " ready: {log: words}}}";
    run_suite(r, LIST(WAITS("a", "600s", "service: doomed")));
    assert_int_equal(seen_case(r, "a")->status, CASE_ERROR);
    assert_string_equal(text_str(&r->changes), "doomed 1 starting 0 -1 []\n"
                                               "doomed 1 ready 0 -1 []\n"
                                               "doomed 1 died 11 -1 [last words\n]\n"
                                               "doomed 1 stopped 11 -1 []\n");
    assert_true(r->pid > 0);
}

static void each_start_of_a_service_has_a_number(void **state)
{
    struct running *r = *state;
    r->services = "{fresh: {command: [sh, -c, 'echo up; exec sleep 600'], scope: case,"
                  " ready: {log: up}}}";
    run_suite(r, LIST(WAITS("a", "1ms", "service: fresh"), WAITS("b", "1ms", "service: fresh")));
    assert_int_equal(r->status, 0);
    assert_string_equal(text_str(&r->changes), "fresh 1 starting 0 -1 []\n"
                                               "fresh 1 ready 0 -1 []\n"
                                               "fresh 1 stopped 15 -1 []\n"
                                               "fresh 2 starting 0 -1 []\n"
                                               "fresh 2 ready 0 -1 []\n"
                                               "fresh 2 stopped 15 -1 []\n");
}

static void thousands_of_cases_and_trials_that_end_at_once_need_no_stack(void **state)
{
    struct running *r = *state;
    const char **cases = ARENA_ARRAY(r->arena, const char *, 3002);
    cases[0] = BREAKS("trials", "repeat: 20000");
    for (int i = 1; i <= 3000; i++)
        cases[i] = arena_printf(r->arena, BREAKS("c%d", ""), i);
    run_suite(r, cases);
    assert_int_equal(r->info.counts[CASE_ERROR], 3001);
    assert_int_equal(seen_case(r, "trials")->trials, 20000);
    assert_int_equal(r->status, 3);
}

static void trials_are_counted_and_judged_by_their_rate(void **state)
{
    struct running *r = *state;
    static const char seven_in_ten[] =
        "- {id: enough, repeat: 5, parallel: 2, exec: {shell: 'test ${trial} -gt 3'},\n"
        "   expect: {exit: 0, pass_rate: '>=0.7'}}\n";
    static const char six_in_ten[] =
        "- {id: too few, repeat: 10, exec: {shell: 'test ${trial} -gt 4'},\n"
        "   expect: {exit: 0, pass_rate: '>=0.7'}}\n";
    run_suite(r, LIST(seven_in_ten, six_in_ten));
    assert_int_equal(seen_case(r, "enough")->status, CASE_PASSED);
    assert_int_equal(seen_case(r, "enough")->trials, 10);
    assert_int_equal(seen_case(r, "enough")->trials_passed, 7);
    assert_int_equal(seen_case(r, "too few")->status, CASE_FAILED);
    assert_int_equal(seen_case(r, "too few")->trials_passed, 6);
}

static void a_failing_example_is_made_smaller(void **state)
{
    struct running *r = *state;
    run_suite(r, LIST(RUNS("a", "test ${n} -lt 42", "given: {n: {int: [0, 100]}}")));
    assert_int_equal(seen_case(r, "a")->status, CASE_FAILED);
    assert_true(slice_is(seen_case(r, "a")->given, "{\"n\":42}"));
}

static void limits_of_time_are_flagged(void **state)
{
    struct running *r = *state;
    r->options.jobs = 4;
    run_suite(
        r,
        LIST(WAITS("case", "600s", "timeout: 20ms"),
             "- {id: step, steps: [{wait: 600s, timeout: 20ms, expect: {time: {total: <1s}}}]}\n",
             WAITS("slow", "5ms", "slow: 1ms"),
             RUNS("program", "trap '' TERM; sleep 600; sleep 600", "timeout: 50ms")));
    assert_int_equal(seen_case(r, "case")->flags, CASE_TIMED_OUT);
    assert_int_equal(seen_case(r, "step")->flags, CASE_TIMED_OUT);
    assert_int_equal(seen_case(r, "program")->flags, CASE_TIMED_OUT);
    assert_int_equal(seen_case(r, "case")->status, CASE_FAILED);
    assert_int_equal(seen_case(r, "slow")->flags, CASE_SLOW);
    assert_int_equal(seen_case(r, "slow")->status, CASE_PASSED);
}

#define RUN_TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    mem_install();
    const struct CMUnitTest tests[] = {
        RUN_TEST(higher_priorities_begin_first),
        RUN_TEST(the_longest_chain_goes_first_among_equals),
        RUN_TEST(a_case_begins_only_when_its_needs_have_passed),
        RUN_TEST(a_failed_need_skips_with_the_chain_as_the_reason),
        RUN_TEST(as_many_run_at_once_as_there_are_jobs),
        RUN_TEST(a_resource_is_never_overdrawn),
        RUN_TEST(a_case_that_must_be_alone_is),
        RUN_TEST(a_case_tells_what_it_waited_for_longest),
        RUN_TEST(behind_one_that_must_be_alone_the_wait_is_isolation),
        RUN_TEST(what_limits_a_run_is_told),
        RUN_TEST(when_jobs_limit_a_run_more_of_them_are_advised),
        RUN_TEST(a_chain_of_needs_cannot_be_made_shorter),
        RUN_TEST(a_run_ends_after_as_many_failures_as_it_may_have),
        RUN_TEST(a_pass_on_a_retry_is_flaky),
        RUN_TEST(a_pass_on_a_retry_may_count_as_failed),
        RUN_TEST(an_interrupted_run_ends_in_order),
        RUN_TEST(a_run_in_which_nothing_runs_ends),
        RUN_TEST(what_ended_a_service_is_told_with_its_last_lines),
        RUN_TEST(each_start_of_a_service_has_a_number),
        RUN_TEST(thousands_of_cases_and_trials_that_end_at_once_need_no_stack),
        RUN_TEST(trials_are_counted_and_judged_by_their_rate),
        RUN_TEST(a_failing_example_is_made_smaller),
        RUN_TEST(limits_of_time_are_flagged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
