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
    [EVENT_RESOURCES] = "resources",
    [EVENT_CAUSES] = "causes",
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

void run_count(struct run_info *run, const struct case_result *result)
{
    run->counts[result->status]++;
    run->slow += (result->flags & CASE_SLOW) != 0;
    run->flaky += (result->flags & CASE_FLAKY) != 0;
    run->leaky += (result->flags & CASE_LEAKY) != 0;
    run->timed_out += (result->flags & CASE_TIMED_OUT) != 0;
}
