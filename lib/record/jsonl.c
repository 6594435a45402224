/*
 * JSON lines: every event of a run as one object on one line, written as it happens. For programs
 * that follow a run or keep all of it. Absent means empty, unknown or none; durations are integer
 * nanoseconds, times RFC 3339 in UTC.
 *
 *   every line     event, at (time), run (id)
 *   run_started    command, host, version, seed, jobs, planned, options
 *   service        name, state, detail
 *   case_started   key, id, slot
 *   case_finished  key, suite, id, describe, model, file, line, column, tags [text], status,
 *                  flags [slow|flaky|leaky|timed_out], reason, started (time), queued_ns,
 *                  duration_ns, slot, rerun, earlier (true: in an earlier session of a resumed
 *                  run), attempts:
 *     [ number, status, duration_ns, trials, trials_passed, given (JSON as text), steps:
 *       [ trial, index, name, kind, status, error, error_code, file, line, column, duration_ns,
 *         first_byte_ns, first_token_ns, leaky (true), usages:
 *         [ model, input_tokens, output_tokens, cost_nano (10^-9 of the currency of the prices),
 *           cached (true), graded (true) ], request, response, log, checks:
 *         [ check, passed, impossible, expected, actual, message, detail (JSON as text), file,
 * line, column ] ] ] note           note causes         causes, of the failures, the most severe
 * first: [ cause (its name; absent: not known), severity, text, evidence_strength (certain, strong,
 *       weak), evidence, remedy, last_good, first_bad (ids of runs), cases [key], skipped,
 *       reproduce ]
 *   anomaly        kind, subject, instance, started, ended (time), text, evidence (JSON)
 *   bottleneck     text, evidence (JSON)
 *   resources      name, instances, samples, elapsed_ns, cpu_ns, cpu_cores_mean, cpu_cores_max,
 *                  rss_max, pss_max, processes_max, threads_max, descriptors_max, voluntary,
 *                  involuntary, read_bytes, written_bytes, gpu_memory_max, gpu_use_max
 *   run_finished   passed, skipped, cancelled, failed, error, slow, flaky, leaky, timed_out,
 *                  planned, duration_ns, exit_status
 */
#include "record/formats.h"
#include "record/json_out.h"

static void add_time(struct text *t, const char *name, int64_t wall)
{
    char shown[CLOCK_TEXT];
    json_text(t, name, slice_str(clock_text(shown, wall)));
}

static void add_integer_if(struct text *t, const char *name, int64_t value)
{
    if (value)
        json_integer_of(t, name, value);
}

static void add_place(struct text *t, struct place place)
{
    if (!place.line)
        return;
    json_text_if(t, "file", slice_str(place.source ? place.source->name : NULL));
    json_integer_of(t, "line", place.line);
    json_integer_of(t, "column", place.column);
}

static void add_check(struct text *t, const struct verdict *v)
{
    json_open(t, NULL, '{');
    json_text(t, "check", slice_str(v->check));
    json_boolean_of(t, "passed", v->passed);
    if (v->impossible)
        json_boolean_of(t, "impossible", true);
    json_text_if(t, "expected", v->expected);
    json_text_if(t, "actual", v->actual);
    json_text_if(t, "message", slice_str(v->message));
    json_text_if(t, "detail", v->detail);
    add_place(t, v->at);
    json_close(t, '}');
}

static void add_usages(struct text *t, const struct step_result *s)
{
    json_open(t, "usages", '[');
    for (size_t i = 0; i < s->usage_count; i++) {
        const struct usage *u = &s->usages[i];
        json_open(t, NULL, '{');
        json_text_if(t, "model", u->model);
        if (u->input_tokens >= 0)
            json_integer_of(t, "input_tokens", u->input_tokens);
        if (u->output_tokens >= 0)
            json_integer_of(t, "output_tokens", u->output_tokens);
        if (u->cost >= 0)
            json_integer_of(t, "cost_nano", u->cost);
        if (u->cached)
            json_boolean_of(t, "cached", true);
        if (u->graded)
            json_boolean_of(t, "graded", true);
        json_close(t, '}');
    }
    json_close(t, ']');
}

static void add_step(struct text *t, const struct step_result *s)
{
    json_open(t, NULL, '{');
    json_integer_of(t, "trial", s->trial);
    json_integer_of(t, "index", s->index);
    json_text(t, "name", s->name);
    json_text_if(t, "kind", s->kind);
    json_text(t, "status", slice_str(case_status_name(s->status)));
    json_text_if(t, "error", s->error);
    if (s->error_code != ERR_OK)
        json_text(t, "error_code", slice_str(error_name(s->error_code)));
    add_place(t, s->at);
    json_integer_of(t, "duration_ns", s->duration);
    add_integer_if(t, "first_byte_ns", s->first_byte);
    add_integer_if(t, "first_token_ns", s->first_token);
    if (s->leaky)
        json_boolean_of(t, "leaky", true);
    if (s->usage_count)
        add_usages(t, s);
    json_text_if(t, "request", s->request);
    json_text_if(t, "response", s->response);
    json_text_if(t, "log", s->log);
    json_open(t, "checks", '[');
    for (const struct verdict *v = s->verdicts; v; v = v->next)
        add_check(t, v);
    json_close(t, ']');
    json_close(t, '}');
}

static void add_attempt(struct text *t, const struct attempt_result *a)
{
    json_open(t, NULL, '{');
    json_integer_of(t, "number", a->number);
    json_text(t, "status", slice_str(case_status_name(a->status)));
    json_integer_of(t, "duration_ns", a->duration);
    json_integer_of(t, "trials", a->trials);
    json_integer_of(t, "trials_passed", a->trials_passed);
    json_text_if(t, "given", a->given);
    json_open(t, "steps", '[');
    for (const struct step_result *s = a->steps; s; s = s->next)
        add_step(t, s);
    json_close(t, ']');
    json_close(t, '}');
}

static void add_case(struct text *t, const struct case_result *r, bool earlier)
{
    json_text(t, "key", r->key);
    json_text(t, "suite", r->suite);
    json_text(t, "id", r->id);
    json_text_if(t, "describe", r->describe);
    json_text_if(t, "model", r->model);
    json_text_if(t, "file", r->file);
    add_integer_if(t, "line", r->at.line);
    add_integer_if(t, "column", r->at.column);
    json_open(t, "tags", '[');
    for (size_t i = 0; i < r->tag_count; i++)
        json_text(t, NULL, r->tags[i]);
    json_close(t, ']');
    json_text(t, "status", slice_str(case_status_name(r->status)));
    json_open(t, "flags", '[');
    for (size_t i = 0; case_flag_name(i); i++)
        if (r->flags & 1u << i)
            json_text(t, NULL, slice_str(case_flag_name(i)));
    json_close(t, ']');
    json_text_if(t, "reason", r->reason);
    if (r->started_wall)
        add_time(t, "started", r->started_wall);
    json_integer_of(t, "queued_ns", r->queued);
    json_integer_of(t, "duration_ns", r->duration);
    json_integer_of(t, "slot", r->slot);
    if (r->status != CASE_PASSED)
        json_text_if(t, "rerun", r->rerun);
    if (earlier)
        json_boolean_of(t, "earlier", true);
    json_open(t, "attempts", '[');
    for (const struct attempt_result *a = r->attempts; a; a = a->next)
        add_attempt(t, a);
    json_close(t, ']');
}

static void add_start(struct text *t, const struct run_info *run)
{
    json_text(t, "command", run->command);
    json_text_if(t, "host", run->host);
    json_text_if(t, "version", run->version);
    json_unsigned_of(t, "seed", run->seed);
    json_integer_of(t, "jobs", run->jobs);
    json_integer_of(t, "planned", (int64_t)run->planned);
    if (run->options) {
        text_add_str(t, ",\"options\":");
        text_add(t, jsontext_write(t->arena, run->options));
    }
}

static void add_end(struct text *t, const struct run_info *run)
{
    for (size_t i = 0; i < CASE_STATUS_COUNT; i++)
        json_integer_of(t, case_status_name((enum case_status)i), (int64_t)run->counts[i]);
    json_integer_of(t, "slow", (int64_t)run->slow);
    json_integer_of(t, "flaky", (int64_t)run->flaky);
    json_integer_of(t, "leaky", (int64_t)run->leaky);
    json_integer_of(t, "timed_out", (int64_t)run->timed_out);
    json_integer_of(t, "planned", (int64_t)run->planned);
    json_integer_of(t, "duration_ns", run->duration);
    json_integer_of(t, "exit_status", run->exit_status);
}

static void add_anomaly(struct text *t, const struct anomaly *a)
{
    json_text(t, "kind", a->kind);
    json_text(t, "subject", a->subject);
    json_integer_of(t, "instance", a->instance);
    add_time(t, "started", a->started);
    add_time(t, "ended", a->ended);
    json_text(t, "text", a->text);
    json_text_if(t, "evidence", a->evidence);
}

static void add_bottleneck(struct text *t, const struct anomaly *a)
{
    json_text(t, "text", a->text);
    json_text(t, "evidence", a->evidence);
}

static void add_cores(struct text *t, const char *name, double cores)
{
    text_printf(t, ",\"%s\":%.4f", name, cores);
}

static void add_resources(struct text *t, const struct resources *r)
{
    json_text(t, "name", r->name);
    json_integer_of(t, "instances", r->instances);
    json_integer_of(t, "samples", (int64_t)r->samples);
    json_integer_of(t, "elapsed_ns", r->elapsed);
    json_integer_of(t, "cpu_ns", r->cpu);
    add_cores(t, "cpu_cores_mean", resources_cpu_mean(r));
    add_cores(t, "cpu_cores_max", r->cpu_max);
    json_integer_of(t, "rss_max", r->rss_max);
    add_integer_if(t, "pss_max", r->pss_max);
    json_integer_of(t, "processes_max", r->processes_max);
    json_integer_of(t, "threads_max", r->threads_max);
    json_integer_of(t, "descriptors_max", r->descriptors_max);
    json_integer_of(t, "voluntary", r->voluntary);
    json_integer_of(t, "involuntary", r->involuntary);
    json_integer_of(t, "read_bytes", r->read_bytes);
    json_integer_of(t, "written_bytes", r->written_bytes);
    if (r->gpu_memory_max >= 0)
        json_integer_of(t, "gpu_memory_max", r->gpu_memory_max);
    if (r->gpu_use_max >= 0)
        json_integer_of(t, "gpu_use_max", r->gpu_use_max);
}

static void add_causes(struct text *t, const struct event *e)
{
    json_open(t, "causes", '[');
    for (size_t i = 0; i < e->causes.count; i++) {
        const struct failure_cause *c = &e->causes.all[i];
        json_open(t, NULL, '{');
        json_text_if(t, "cause", c->name);
        json_text(t, "severity", c->severity);
        json_text(t, "text", c->text);
        json_text_if(t, "evidence_strength", c->strength);
        json_text_if(t, "evidence", c->evidence);
        json_text_if(t, "remedy", c->remedy);
        json_text_if(t, "last_good", c->last_good);
        json_text_if(t, "first_bad", c->first_bad);
        json_open(t, "cases", '[');
        for (size_t k = 0; k < c->cases; k++)
            json_text(t, NULL, c->keys[k]);
        json_close(t, ']');
        json_integer_of(t, "skipped", (int64_t)c->skipped);
        json_text_if(t, "reproduce", c->reproduce);
        json_close(t, '}');
    }
    json_close(t, ']');
}

static void on_event(struct sink *sink, const struct event *e)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);

    json_open(&t, NULL, '{');
    json_text(&t, "event", slice_str(event_kind_name(e->kind)));
    add_time(&t, "at", e->at_wall);
    json_text(&t, "run", e->run->id);
    switch (e->kind) {
    case EVENT_RUN_STARTED:
        add_start(&t, e->run);
        break;
    case EVENT_SERVICE:
        json_text(&t, "name", e->service.name);
        json_text(&t, "state", e->service.state);
        json_text_if(&t, "detail", e->service.detail);
        break;
    case EVENT_CASE_STARTED:
        json_text(&t, "key", e->started.key);
        json_text(&t, "id", e->started.id);
        json_integer_of(&t, "slot", e->started.slot);
        break;
    case EVENT_CASE_FINISHED:
        add_case(&t, e->finished, e->earlier);
        break;
    case EVENT_NOTE:
        json_text(&t, "note", e->note);
        break;
    case EVENT_ANOMALY:
        add_anomaly(&t, &e->anomaly);
        break;
    case EVENT_BOTTLENECK:
        add_bottleneck(&t, &e->anomaly);
        break;
    case EVENT_RESOURCES:
        add_resources(&t, &e->resources);
        break;
    case EVENT_CAUSES:
        add_causes(&t, e);
        break;
    case EVENT_SAMPLES:
    case EVENT_TOTALS:
        break;
    case EVENT_RUN_FINISHED:
        add_end(&t, e->run);
        break;
    }
    json_close(&t, '}');
    text_add_byte(&t, '\n');
    report_write(((struct plain_report *)sink)->to, &t);
}

struct sink *jsonl_open(FILE *to, bool color)
{
    (void)color;
    return plain_report_open(to, on_event);
}
