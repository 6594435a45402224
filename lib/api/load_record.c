/*
 * What a load is called, what is kept of its options, and handing it to the store.
 */
#include "api/load_record.h"

#include "core/clock.h"
#include "core/jsontext.h"
#include "core/log.h"
#include "core/sha256.h"
#include "load/keep.h"
#include "record/redact.h"
#include "record/store_load.h"

/* A prompt or body that is longer is kept as its digest. */
#define KEPT_TEXT 200

/* ------------------------------------------------------------------ what was asked */

/* "Authorization: …": the value of a header is nobody's business. */
static struct slice header_name(struct slice header)
{
    ptrdiff_t colon = slice_find_byte(header, ':');
    return colon < 0 ? header : slice_part(header, 0, (size_t)colon);
}

static json_t *headers_json(struct arena *arena, const struct assay_strings *headers)
{
    json_t *names = json_array();
    for (size_t i = 0; i < headers->count; i++)
        json_array_append(names, jsontext_string(arena, header_name(slice_str(headers->items[i]))));
    return names;
}

static void set_text(struct arena *arena, json_t *object, const char *name, const char *text)
{
    if (!text)
        return;
    struct slice clean = redact_text(NULL, arena, slice_str(text));
    if (clean.len > KEPT_TEXT) {
        char digest[SHA256_HEX];
        sha256_hex(clean, digest);
        clean = slice_str(arena_printf(arena, "%zu bytes, sha256:%s", clean.len, digest));
    }
    json_object_set(object, name, jsontext_string(arena, clean));
}

/* What makes a load that one: loads that differ here are not alike. */
static json_t *request_json(struct arena *arena, const struct assay_load_options *o)
{
    json_t *out = json_object();
    set_text(arena, out, "method", o->method);
    set_text(arena, out, "model", o->model);
    set_text(arena, out, "prompt", o->prompt);
    set_text(arena, out, "body", o->body);
    if (o->max_tokens)
        json_object_set_new(out, "max_tokens", json_integer(o->max_tokens));
    if (o->headers.count)
        json_object_set_new(out, "headers", headers_json(arena, &o->headers));
    return out;
}

static const char *known_as(const struct target *target)
{
    return target->known_as ? target->known_as : target->url;
}

static struct slice parameters(struct arena *arena, const struct assay_load_options *o,
                               const struct load_plan *plan)
{
    json_t *all = jsontext_keep(arena, json_object());
    json_t *shown = print_plan_json(plan);
    set_text(arena, shown, "url", known_as(plan->target));
    json_object_set_new(all, "plan", shown);
    json_object_set_new(all, "request", request_json(arena, o));
    set_text(arena, all, "objectives", o->slo);
    if (o->lag_ns)
        json_object_set_new(all, "lag_ns", json_integer(o->lag_ns));
    return jsontext_write(arena, all);
}

/* "http://127.0.0.1:8080/execute, execute, 50/s": what it does to whom. */
static struct slice default_name(struct arena *arena, const struct assay_load_options *o,
                                 const struct load_plan *plan)
{
    struct text t = text_in(arena);
    text_printf(&t, "%s, %s, ", known_as(plan->target), target_api_names[plan->target->api]);
    if (!plan->stages)
        text_printf(&t, "%u user%s", plan->users, plan->users == 1 ? "" : "s");
    else if (o->trace)
        text_add_str(&t, "trace");
    else
        text_printf(&t, "%s/s%s%s", o->rate, o->arrivals ? " " : "",
                    o->arrivals ? o->arrivals : "");
    if (plan->inputs)
        text_printf(&t, ", %s", plan->inputs);
    return redact_text(NULL, arena, text_slice(&t));
}

/* The command as typed, without what headers say. */
static struct slice command_typed(struct session *session, const struct assay_load_options *o)
{
    struct arena *arena = session->arena;
    struct text t = text_in(arena);
    bool header = false;
    text_add_str(&t, "assay");
    for (size_t i = 0; i < o->arguments.count; i++) {
        struct slice word = slice_str(o->arguments.items[i]);
        bool option = slice_is(word, "--header") || slice_is(word, "-H");
        bool joined = slice_starts(word, SLICE("--header=")) ||
                      (slice_starts(word, SLICE("-H")) && word.len > 2);
        if (header || joined)
            word = slice_str(arena_printf(arena, "%.*s: [secret]", SLICE_ARG(header_name(word))));
        header = option;
        text_add_byte(&t, ' ');
        text_add_shell(&t, redact_text(NULL, arena, word));
    }
    return text_slice(&t);
}

/* ------------------------------------------------------------------ into the store */

struct result load_record_begin(struct load_record *r, struct session *session,
                                const struct assay_load_options *o, const struct load_plan *plan)
{
    struct arena *arena = session->arena;
    *r = (struct load_record){.session = session};
    TRY(session_store(o->store, true, &r->store));
    if (!r->store)
        return RESULT_OK;
    session_new_run(session, &r->info);
    r->info.load = true;
    r->info.command = command_typed(session, o);
    r->info.seed = plan->seed;
    r->info.jobs = plan->threads;
    struct slice name =
        o->name ? redact_text(NULL, arena, slice_str(o->name)) : default_name(arena, o, plan);
    return store_load_begin(r->store, &r->info, name, parameters(arena, o, plan));
}

const char *load_record_id(const struct load_record *r)
{
    return r->store ? arena_string(r->session->arena, r->info.id) : NULL;
}

void load_record_second(struct load_record *r, const struct load_second *second, int64_t from,
                        int64_t to)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    if (!r->store || r->lost)
        return;
    struct stored_second s = {
        .at = to,
        .span = to - from,
        .started = (int64_t)second->started,
        .answered = (int64_t)second->answered,
        .failed = (int64_t)second->failed,
        .tokens = (int64_t)second->tokens,
        .bytes = (int64_t)second->bytes,
        .in_flight = second->busy,
        .reads = (int64_t)second->lags,
        .lag = second->lag_sum,
        .lag_most = second->lag_most,
        .late_most = second->late_most,
    };
    if (second->failed)
        s.failures = jsontext_write(arena, jsontext_keep(arena, keep_failures(second)));
    s.histograms = jsontext_write(arena, jsontext_keep(arena, keep_second(second)));
    struct result kept = store_load_second(r->store, r->info.id, ++r->seconds, &s);
    if (result_ok(kept))
        return;
    r->lost = true;
    log_error("store", "%s", error_last()->text);
}

static struct stored_metric metric_of(struct arena *arena, enum metric metric,
                                      const struct histogram *h)
{
    struct text t = text_in(arena);
    keep_histogram(&t, h);
    return (struct stored_metric){
        .name = slice_str(metric_kinds[metric].name),
        .count = (int64_t)h->count,
        .mean = (int64_t)histogram_mean(h),
        .p50 = histogram_percentile(h, 50),
        .p90 = histogram_percentile(h, 90),
        .p99 = histogram_percentile(h, 99),
        .p999 = histogram_percentile(h, 99.9),
        .most = h->most,
        .histogram = text_slice(&t),
    };
}

static struct stored_load load_of(struct arena *arena, const struct load_report *report)
{
    const struct metrics *m = &report->outcome->metrics;
    const struct judgement *j = report->judgement;
    json_t *reasons = jsontext_keep(arena, json_array());
    for (size_t i = 0; i < j->reason_count; i++)
        json_array_append_new(reasons, json_string(j->reasons[i]));
    struct stored_load load = {
        .verdict = slice_str(verdict_words[j->verdict].name),
        .reasons = jsontext_write(arena, reasons),
        .outcome = jsontext_write(arena, jsontext_keep(arena, keep_outcome(report->outcome))),
        .metrics = ARENA_ARRAY(arena, struct stored_metric, METRIC_COUNT),
        .failures = ARENA_ARRAY(arena, struct stored_failure, FAILURE_COUNT),
    };
    for (int i = 0; i < METRIC_COUNT; i++)
        if (m->histograms[i].count)
            load.metrics[load.metric_count++] = metric_of(arena, (enum metric)i, &m->histograms[i]);
    for (int i = 1; i < FAILURE_COUNT; i++)
        if (m->failures[i])
            load.failures[load.failure_count++] = (struct stored_failure){
                slice_str(failure_kinds[i].name),
                redact_exchange(NULL, arena, slice_str(m->examples[i])), (int64_t)m->failures[i]};
    return load;
}

struct result load_record_end(struct load_record *r, const struct load_report *report, int status)
{
    if (!r->store)
        return RESULT_OK;
    r->info.duration = clock_wall() - r->info.started_wall;
    r->info.exit_status = status;
    struct stored_load load = load_of(r->session->arena, report);
    return store_load_end(r->store, &r->info, &load);
}

void load_record_close(struct load_record *r)
{
    store_close(r->store);
    r->store = NULL;
}
