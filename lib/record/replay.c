/*
 * From the store back to events.
 */
#include "record/replay.h"

struct replay {
    const struct run_info *run;
    struct sink *const *sinks;
    size_t count;
};

static void tell(const struct replay *r, struct event *event)
{
    event->run = r->run;
    for (size_t i = 0; i < r->count; i++)
        r->sinks[i]->event(r->sinks[i], event);
}

static void tell_result(void *context, const struct case_result *result)
{
    tell(context, &(struct event){.kind = EVENT_CASE_FINISHED,
                                  .at_wall = result->started_wall + result->duration,
                                  .finished = result});
}

static struct result play(struct store *store, struct slice run, struct replay *r)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct run_info whole, begun;

    TRY(store_find(store, arena, run, &whole));
    begun = whole; /* as it was known when it began */
    memset(begun.counts, 0, sizeof(begun.counts));
    begun.slow = begun.flaky = begun.leaky = begun.timed_out = 0;
    begun.duration = 0;
    begun.exit_status = -1;
    r->run = &begun;
    tell(r, &(struct event){.kind = EVENT_RUN_STARTED, .at_wall = whole.started_wall});
    TRY(store_visit(store, whole.id, tell_result, r));
    r->run = &whole;
    tell(r, &(struct event){.kind = EVENT_RUN_FINISHED,
                            .at_wall = whole.started_wall + whole.duration});
    return RESULT_OK;
}

struct result record_replay(struct store *store, struct slice run, struct sink *const *sinks,
                            size_t count)
{
    struct replay r = {.sinks = sinks, .count = count};
    struct result played = play(store, run, &r);
    struct error kept = *error_last(); /* closing may fail too; the first failure counts */
    struct result first = played;

    for (size_t i = 0; i < count; i++) {
        struct result closed = sinks[i]->close(sinks[i]);
        if (result_ok(first) && !result_ok(closed)) {
            first = closed;
            kept = *error_last();
        }
    }
    return result_ok(first) ? RESULT_OK : error_set(kept.code, "%s", kept.text);
}
