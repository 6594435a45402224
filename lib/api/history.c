/*
 * assay_history: what became of cases; and what people say of runs and cases beside it: baselines
 * and quarantine.
 */
#include "report/history.h"

#include <time.h>

#include "api/lookback.h"
#include "core/jsontext.h"
#include "core/limits.h"
#include "core/parse.h"
#include "core/text.h"
#include "report/baseline.h"
#include "report/load_history.h"
#include "report/predict.h"

static struct result show_risk(struct session *session, struct past *past, bool json)
{
    struct prediction *prediction;
    TRY(predict(past, &prediction));
    if (json)
        lookback_print_json(session, prediction_json(session->arena, prediction));
    else
        lookback_print(session, prediction_text(session->arena, prediction));
    return RESULT_OK;
}

/* Of loads of one name, or of all. */
static struct result read_loads(struct past *past, const struct assay_history_options *o,
                                struct load_history **out)
{
    struct slice name = o->test_case ? slice_str(o->test_case) : slice_str(NULL);
    return load_history_read(past, name, o->results, CHANGE_THRESHOLD, out);
}

static struct result show_load(struct session *session, struct past *past,
                               const struct assay_history_options *o)
{
    struct load_history *loads = NULL;
    TRY(read_loads(past, o, &loads));
    if (o->json)
        lookback_print_json(
            session,
            jsontext_keep(session->arena,
                          json_pack("{s:O}", "loads", load_history_json(session->arena, loads))));
    else
        lookback_print(session,
                       load_history_text(session->arena, loads, true, session->streams.out_color));
    return RESULT_OK;
}

/* All cases, and then all loads. */
static struct result show_all(struct session *session, struct past *past,
                              const struct assay_history_options *o)
{
    struct history *history = NULL;
    struct load_history *loads = NULL;
    TRY(history_read(past, NULL, o->results ? o->results : OUTCOME_RESULTS, clock_wall(),
                     &history));
    TRY(read_loads(past, o, &loads));
    if (o->json) {
        json_t *json = history_json(session->arena, history);
        json_object_set(json, "loads", load_history_json(session->arena, loads));
        lookback_print_json(session, json);
        return RESULT_OK;
    }
    if (history->count || !loads->count)
        lookback_print(session,
                       history_text(session->arena, history, false, session->streams.out_color));
    if (history->count && loads->count)
        lookback_print(session, "\n");
    lookback_print(session,
                   load_history_text(session->arena, loads, false, session->streams.out_color));
    return RESULT_OK;
}

static struct result show_case(struct session *session, struct past *past,
                               const struct assay_history_options *o)
{
    struct past_case one = {0};
    struct history *history = NULL;
    TRY(past_find_case(past, slice_str(o->test_case), &one));
    TRY(history_read(past, &one, o->results ? o->results : OUTCOME_RESULTS, clock_wall(),
                     &history));
    if (o->json)
        lookback_print_json(session, history_json(session->arena, history));
    else
        lookback_print(session,
                       history_text(session->arena, history, true, session->streams.out_color));
    return RESULT_OK;
}

static struct result history(struct session *session, const struct assay_history_options *o)
{
    DEFER(lookback_close)
    struct lookback lookback = {0};
    struct past *past = &lookback.past;
    TRY(lookback_open(session, o->store, &lookback));
    if (o->risk)
        return show_risk(session, past, o->json);
    if (!o->test_case)
        return show_all(session, past, o);
    return load_history_has(past, slice_str(o->test_case)) ? show_load(session, past, o)
                                                           : show_case(session, past, o);
}

int assay_history(const struct assay_history_options *options)
{
    DEFER(session_end)
    struct session session = session_begin(&options->streams);
    struct result r = history(&session, options);
    return result_ok(r) ? 0 : session_failed(&session, r);
}

/* ── baselines ── */

static struct result list_baselines(struct session *session, struct store *store)
{
    struct baseline *list;
    size_t count;
    char pinned[CLOCK_TEXT];
    FILE *out = session->streams.out;
    TRY(baseline_list(store, session->arena, &list, &count));
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%.*s  %.*s  pinned %.19s", SLICE_ARG(list[i].name), SLICE_ARG(list[i].run),
                clock_text(pinned, list[i].pinned));
        struct slice load = text_shown(session->arena, list[i].load, LIMIT_SHOWN_BYTES);
        if (load.len)
            fprintf(out, "  load %.*s", SLICE_ARG(load));
        struct slice why = text_shown(session->arena, list[i].poisoned, LIMIT_SHOWN_BYTES);
        if (why.len)
            fprintf(out, "  poisoned: %.*s", SLICE_ARG(why));
        fprintf(out, "\n");
    }
    if (count == 0)
        fprintf(out, "There are no baselines; `assay baseline set NAME` makes the last run one.\n");
    return RESULT_OK;
}

static struct result set_baseline(struct session *session, struct past *past,
                                  const struct assay_baseline_options *o)
{
    struct past_place place;
    TRY(past_find_run(past, slice_str(o->run ? o->run : "last"), &place));
    const struct past_run *run = past_run_at(past, place);
    TRY(baseline_set(past->store, slice_str(o->name), run->number, clock_wall()));
    fprintf(session->streams.out, "%s is %s %.*s now.\n", o->name, place.load ? "load" : "run",
            SLICE_ARG(run->id));
    return RESULT_OK;
}

static struct result baseline(struct session *session, const struct assay_baseline_options *o)
{
    DEFER(lookback_close)
    struct lookback lookback = {0};
    TRY(lookback_open(session, o->store, &lookback));
    ENSURE(o->name || o->action == ASSAY_BASELINE_LIST, ERR_USAGE, "which baseline? Give its name");
    switch (o->action) {
    case ASSAY_BASELINE_LIST:
        return list_baselines(session, lookback.store);
    case ASSAY_BASELINE_SET:
        return set_baseline(session, &lookback.past, o);
    case ASSAY_BASELINE_POISON:
        ENSURE(o->reason && *o->reason, ERR_USAGE, "why is it no good? Give a --reason");
        return baseline_poison(lookback.store, slice_str(o->name), slice_str(o->reason));
    case ASSAY_BASELINE_REMOVE:
        return baseline_remove(lookback.store, slice_str(o->name));
    }
    return RESULT_OK;
}

int assay_baseline(const struct assay_baseline_options *options)
{
    DEFER(session_end)
    struct session session = session_begin(&options->streams);
    struct result r = baseline(&session, options);
    return result_ok(r) ? 0 : session_failed(&session, r);
}

/* ── quarantine ── */

static struct result list_quarantine(struct session *session, struct store *store)
{
    struct quarantined *list;
    size_t count;
    char until[CLOCK_TEXT];
    FILE *out = session->streams.out;
    int64_t now = clock_wall();
    TRY(quarantine_list(store, session->arena, &list, &count));
    for (size_t i = 0; i < count; i++) {
        struct slice owner = text_shown(session->arena, list[i].owner, LIMIT_SHOWN_BYTES),
                     reason = text_shown(session->arena, list[i].reason, LIMIT_SHOWN_BYTES);
        fprintf(out, "%.*s  %s %.10s  %.*s: %.*s\n", SLICE_ARG(list[i].key),
                list[i].expires > now ? "until" : "expired on", clock_text(until, list[i].expires),
                SLICE_ARG(owner), SLICE_ARG(reason));
    }
    if (count == 0)
        fprintf(out, "Nothing is in quarantine.\n");
    return RESULT_OK;
}

/* "14d" from `now`, or the last moment of a day in UTC. */
static struct result read_expiry(const char *text, int64_t now, int64_t *out)
{
    struct tm tm = {0};
    int64_t duration;
    const char *end = strptime(text, "%Y-%m-%d", &tm);
    if (end && !*end) {
        *out = ((int64_t)timegm(&tm) + 24 * 60 * 60) * NS_PER_S - 1;
        ENSURE(*out > now, ERR_USAGE, "--expires %s: that day is over", text);
        return RESULT_OK;
    }
    ENSURE(result_ok(parse_duration(slice_str(text), &duration)) && duration > 0 &&
               duration < INT64_MAX - now,
           ERR_USAGE,
           "--expires %s: expected a time from now, such as 14d, or a day, such as "
           "2026-12-31",
           text);
    *out = now + duration;
    return RESULT_OK;
}

static struct result add_quarantine(struct session *session, struct past *past,
                                    const struct past_case *of,
                                    const struct assay_quarantine_options *o)
{
    char until[CLOCK_TEXT];
    struct quarantined entry = {.test_case = of->number,
                                .owner = slice_str(o->owner),
                                .reason = slice_str(o->reason),
                                .since = clock_wall()};
    ENSURE(entry.owner.len, ERR_USAGE, "who sees to it? Give an --owner");
    ENSURE(entry.reason.len, ERR_USAGE, "why may it fail? Give a --reason");
    ENSURE(o->expires, ERR_USAGE, "how long may it fail? Give --expires, such as 14d");
    TRY(read_expiry(o->expires, entry.since, &entry.expires));
    TRY(quarantine_add(past->store, &entry));
    fprintf(session->streams.out, "%.*s is in quarantine until %.10s.\n", SLICE_ARG(of->key),
            clock_text(until, entry.expires));
    return RESULT_OK;
}

static struct result quarantine(struct session *session, const struct assay_quarantine_options *o)
{
    DEFER(lookback_close)
    struct lookback lookback = {0};
    struct past_case of;
    TRY(lookback_open(session, o->store, &lookback));
    if (o->action == ASSAY_QUARANTINE_LIST)
        return list_quarantine(session, lookback.store);
    ENSURE(o->test_case, ERR_USAGE, "which case? Give its suite and id, as SUITE/ID");
    TRY(past_find_case(&lookback.past, slice_str(o->test_case), &of));
    if (o->action == ASSAY_QUARANTINE_ADD)
        return add_quarantine(session, &lookback.past, &of, o);
    return quarantine_remove(lookback.store, of.number, of.key);
}

int assay_quarantine(const struct assay_quarantine_options *options)
{
    DEFER(session_end)
    struct session session = session_begin(&options->streams);
    struct result r = quarantine(&session, options);
    return result_ok(r) ? 0 : session_failed(&session, r);
}
