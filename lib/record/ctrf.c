/*
 * CTRF, the Common Test Report Format (ctrf.io, schema/ctrf.schema.json): one JSON document. The
 * order of members is free, so the tests are written as they come and the summary after them: a
 * report of a million cases needs no more memory than one of ten.
 *
 * CTRF knows no `error` and no `cancelled`: they become failed and other, and `rawStatus` says
 * which. What it has no place for (flags, the key, how to rerun) stands in `extra`.
 */
#include "core/memory.h"
#include "record/areas.h"
#include "record/failure.h"
#include "record/formats.h"
#include "record/json_out.h"

/* Steps listed of one case; a case of a thousand trials is told by its failures. */
#define STEPS_SHOWN 50

enum { PASSED, FAILED, SKIPPED, OTHER, CTRF_STATUS_COUNT };

static const char *const status_names[] = {"passed", "failed", "skipped", "other"};

static const int status_of[] = {
    [CASE_PASSED] = PASSED, [CASE_SKIPPED] = SKIPPED, [CASE_CANCELLED] = OTHER,
    [CASE_FAILED] = FAILED, [CASE_ERROR] = FAILED,
};

struct ctrf {
    struct sink base;
    FILE *to;
    bool any; /* a test was written */
    size_t counts[CTRF_STATUS_COUNT];
    struct arena *arena;
    struct slice *suites; /* seen so far */
    size_t suite_count, suite_capacity;
    struct areas *areas;
};

static int64_t ms(int64_t ns)
{
    return (ns + NS_PER_MS / 2) / NS_PER_MS;
}

static void add_status(struct text *t, enum case_status status)
{
    json_text(t, "status", slice_str(status_names[status_of[status]]));
}

static void add_trace(struct text *t, const struct attempt_result *attempt)
{
    struct text trace = text_in(t->arena);
    failure_steps(&trace, attempt, &failure_whole);
    json_text_if(t, "trace", text_slice(&trace));
}

static void add_attempts(struct text *t, const struct case_result *r)
{
    json_open(t, "retryAttempts", '[');
    for (const struct attempt_result *a = r->attempts; a; a = a->next) {
        int64_t start = r->started_wall + (a->started - r->attempts->started);
        json_open(t, NULL, '{');
        json_integer_of(t, "attempt", a->number);
        add_status(t, a->status);
        json_integer_of(t, "duration", ms(a->duration));
        json_integer_of(t, "start", start / NS_PER_MS);
        json_integer_of(t, "stop", (start + a->duration) / NS_PER_MS);
        if (a->status != CASE_PASSED) {
            json_text_if(t, "message", failure_attempt_line(t->arena, a));
            add_trace(t, a);
        }
        json_close(t, '}');
    }
    json_close(t, ']');
}

static void add_steps(struct text *t, const struct attempt_result *attempt)
{
    size_t shown = 0;
    json_open(t, "steps", '[');
    for (const struct step_result *s = attempt->steps; s && shown < STEPS_SHOWN; s = s->next) {
        size_t checks = 0;
        for (const struct verdict *v = s->verdicts; v; v = v->next)
            checks++;
        json_open(t, NULL, '{');
        json_text(t, "name", s->name);
        add_status(t, s->status);
        json_open(t, "extra", '{');
        json_text_if(t, "kind", s->kind);
        json_integer_of(t, "duration_ns", s->duration);
        json_integer_of(t, "checks", (int64_t)checks);
        json_close(t, '}');
        json_close(t, '}');
        shown++;
    }
    json_close(t, ']');
}

static void add_extra(struct text *t, const struct case_result *r)
{
    const struct attempt_result *failed = failure_attempt(r);
    json_open(t, "extra", '{');
    json_text(t, "key", r->key);
    json_text_if(t, "describe", r->describe);
    json_open(t, "flags", '[');
    for (size_t i = 0; case_flag_name(i); i++)
        if (r->flags & 1u << i)
            json_text(t, NULL, slice_str(case_flag_name(i)));
    json_close(t, ']');
    json_integer_of(t, "duration_ns", r->duration);
    json_integer_of(t, "queued_ns", r->queued);
    if (failed)
        json_text_if(t, "given", failed->given);
    if (r->status != CASE_PASSED)
        json_text_if(t, "rerun", r->rerun);
    json_close(t, '}');
}

static size_t attempt_count(const struct case_result *r)
{
    size_t count = 0;
    for (const struct attempt_result *a = r->attempts; a; a = a->next)
        count++;
    return count;
}

static void add_test(struct text *t, const struct case_result *r)
{
    size_t attempts = attempt_count(r);
    struct slice title = case_title(r);

    json_open(t, NULL, '{');
    json_text(t, "name", title.len ? title : SLICE("(no name)"));
    add_status(t, r->status);
    json_text(t, "rawStatus", slice_str(case_status_name(r->status)));
    json_integer_of(t, "duration", ms(r->duration));
    if (r->started_wall) {
        json_integer_of(t, "start", r->started_wall / NS_PER_MS);
        json_integer_of(t, "stop", (r->started_wall + r->duration) / NS_PER_MS);
        json_text(t, "threadId", slice_str(arena_printf(t->arena, "%u", r->slot)));
    }
    if (r->suite.len) {
        json_open(t, "suite", '[');
        json_text(t, NULL, r->suite);
        json_close(t, ']');
    }
    if (r->status != CASE_PASSED) {
        json_text_if(t, "message", failure_line(t->arena, r));
        if (failure_attempt(r))
            add_trace(t, failure_attempt(r));
    }
    json_text_if(t, "filePath", r->file);
    if (r->at.line)
        json_integer_of(t, "line", r->at.line);
    if (r->tag_count) {
        json_open(t, "tags", '[');
        for (size_t i = 0; i < r->tag_count; i++)
            json_text(t, NULL, r->tags[i]);
        json_close(t, ']');
    }
    if (r->model.len) {
        json_open(t, "labels", '{');
        json_text(t, "model", r->model);
        json_close(t, '}');
    }
    json_text(t, "type", SLICE("integration"));
    json_integer_of(t, "retries", attempts > 1 ? (int64_t)attempts - 1 : 0);
    if (attempts > 1)
        add_attempts(t, r);
    json_boolean_of(t, "flaky", (r->flags & CASE_FLAKY) != 0);
    if (r->attempts)
        add_steps(t, failure_attempt(r) ? failure_attempt(r) : r->attempts);
    add_extra(t, r);
    json_close(t, '}');
}

static void begin(struct ctrf *c, const struct run_info *run)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    json_open(&t, NULL, '{');
    json_text(&t, "reportFormat", SLICE("CTRF"));
    json_text(&t, "specVersion", SLICE("0.0.0"));
    json_text(&t, "generatedBy", SLICE("assay"));
    json_open(&t, "results", '{');
    json_open(&t, "tool", '{');
    json_text(&t, "name", SLICE("assay"));
    json_text_if(&t, "version", run->version);
    json_close(&t, '}');
    json_open(&t, "tests", '[');
    report_write(c->to, &t);
}

static void count_suite(struct ctrf *c, struct slice suite)
{
    for (size_t i = c->suite_count; i-- > 0;) /* mostly the one before */
        if (slice_eq(c->suites[i], suite))
            return;
    GROW(c->suites, c->suite_count, c->suite_capacity);
    c->suites[c->suite_count++] = arena_copy(c->arena, suite);
}

static void finished(struct ctrf *c, const struct case_result *r)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    text_add_str(&t, c->any ? ",\n" : "\n");
    add_test(&t, r);
    c->any = true;
    c->counts[status_of[r->status]]++;
    count_suite(c, r->suite);
    areas_add(c->areas, r);
    fwrite(text_str(&t), 1, t.len, c->to);
}

static void add_areas(struct text *t, struct areas *all)
{
    size_t count;
    const struct area *areas = areas_sorted(all, &count);
    if (count == 0)
        return;
    json_open(t, "areas", '[');
    for (size_t i = 0; i < count; i++) {
        json_open(t, NULL, '{');
        json_text(t, "name", areas[i].name);
        json_integer_of(t, "passed", (int64_t)areas[i].passed);
        json_integer_of(t, "failed", (int64_t)areas[i].failed);
        json_integer_of(t, "not_run", (int64_t)areas[i].not_run);
        json_close(t, '}');
    }
    json_close(t, ']');
}

static void end(struct ctrf *c, const struct run_info *run)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    char shown[CLOCK_TEXT];
    size_t tests = 0;

    text_add_str(&t, "\n]");
    json_open(&t, "summary", '{');
    for (size_t i = 0; i < CTRF_STATUS_COUNT; i++) {
        json_integer_of(&t, status_names[i], (int64_t)c->counts[i]);
        tests += c->counts[i];
    }
    json_integer_of(&t, "pending", 0);
    json_integer_of(&t, "tests", (int64_t)tests);
    json_integer_of(&t, "flaky", (int64_t)run->flaky);
    json_integer_of(&t, "suites", (int64_t)c->suite_count);
    json_integer_of(&t, "start", run->started_wall / NS_PER_MS);
    json_integer_of(&t, "stop", (run->started_wall + run->duration) / NS_PER_MS);
    json_integer_of(&t, "duration", ms(run->duration));
    json_close(&t, '}');
    json_open(&t, "extra", '{');
    json_text(&t, "run", run->id);
    json_text(&t, "command", run->command);
    json_text_if(&t, "host", run->host);
    json_unsigned_of(&t, "seed", run->seed);
    json_integer_of(&t, "jobs", run->jobs);
    json_integer_of(&t, "planned", (int64_t)run->planned);
    json_integer_of(&t, "exit_status", run->exit_status);
    add_areas(&t, c->areas);
    json_close(&t, '}');
    json_close(&t, '}');
    json_text(&t, "timestamp", slice_str(clock_text(shown, run->started_wall + run->duration)));
    json_close(&t, '}');
    text_add_byte(&t, '\n');
    report_write(c->to, &t);
}

static void on_event(struct sink *sink, const struct event *e)
{
    struct ctrf *c = (struct ctrf *)sink;
    if (e->kind == EVENT_RUN_STARTED)
        begin(c, e->run);
    else if (e->kind == EVENT_CASE_FINISHED)
        finished(c, e->finished);
    else if (e->kind == EVENT_RUN_FINISHED)
        end(c, e->run);
}

static struct result close_ctrf(struct sink *sink)
{
    struct ctrf *c = (struct ctrf *)sink;
    struct result written = report_written(c->to);
    mem_free(c->suites);
    areas_free(c->areas);
    arena_free(c->arena);
    mem_free(c);
    return written;
}

struct sink *ctrf_open(FILE *to, bool color)
{
    (void)color;
    struct ctrf *c = NEW(struct ctrf);
    c->base = (struct sink){.event = on_event, .close = close_ctrf};
    c->to = to;
    c->arena = arena_new();
    c->areas = areas_new();
    return &c->base;
}
