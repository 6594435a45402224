/*
 * The names of statuses, flags and events: as they stand in every report and in the store.
 */
#include "record/event.h"

static const char *const status_names[] = {
#define X(code, name) [CASE_##code] = name,
    CASE_STATUS_TABLE(X)
#undef X
};

static const char *const flag_names[] = {"slow", "flaky", "leaky", "timed_out"};

static const char *const event_names[] = {
    [EVENT_RUN_STARTED] = "run_started",
    [EVENT_SERVICE] = "service",
    [EVENT_CASE_STARTED] = "case_started",
    [EVENT_CASE_FINISHED] = "case_finished",
    [EVENT_NOTE] = "note",
    [EVENT_SAMPLES] = "samples",
    [EVENT_ANOMALY] = "anomaly",
    [EVENT_BOTTLENECK] = "bottleneck",
    [EVENT_RESOURCES] = "resources",
    [EVENT_CAUSES] = "causes",
    [EVENT_TOTALS] = "totals",
    [EVENT_RUN_FINISHED] = "run_finished",
};

const char *case_status_name(enum case_status status)
{
    MUST(status < CASE_STATUS_COUNT, "status %d", (int)status);
    return status_names[status];
}

const char *case_status_counted(enum case_status status, size_t count)
{
    return status == CASE_ERROR && count != 1 ? "errors" : case_status_name(status);
}

bool case_status_parse(struct slice name, enum case_status *out)
{
    for (size_t i = 0; i < CASE_STATUS_COUNT; i++) {
        if (slice_is(name, status_names[i])) {
            *out = (enum case_status)i;
            return true;
        }
    }
    return false;
}

const char *case_flag_name(size_t i)
{
    return i < sizeof(flag_names) / sizeof(flag_names[0]) ? flag_names[i] : NULL;
}

const char *event_kind_name(enum event_kind kind)
{
    MUST(kind <= EVENT_RUN_FINISHED, "event %d", (int)kind);
    return event_names[kind];
}

static void count_usage(struct model_totals *m, const struct usage *u)
{
    m->answers++;
    m->cached += u->cached;
    m->graded += u->graded;
    if (u->cached)
        return;
    m->input_tokens += u->input_tokens > 0 ? u->input_tokens : 0;
    m->output_tokens += u->output_tokens > 0 ? u->output_tokens : 0;
    m->cost += u->cost > 0 ? u->cost : 0;
    m->untold += u->input_tokens < 0 || u->output_tokens < 0;
    m->unpriced += u->cost < 0;
}

static void count_models(struct model_totals *models, const struct case_result *result)
{
    for (const struct attempt_result *a = result->attempts; a; a = a->next)
        for (const struct step_result *s = a->steps; s; s = s->next)
            for (size_t i = 0; i < s->usage_count; i++)
                count_usage(models, &s->usages[i]);
}

void run_count(struct run_info *run, const struct case_result *result)
{
    count_models(&run->models, result);
    run->counts[result->status]++;
    run->slow += (result->flags & CASE_SLOW) != 0;
    run->flaky += (result->flags & CASE_FLAKY) != 0;
    run->leaky += (result->flags & CASE_LEAKY) != 0;
    run->timed_out += (result->flags & CASE_TIMED_OUT) != 0;
}
