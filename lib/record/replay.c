/*
 * From the store back to events.
 */
#include "record/replay.h"

struct replay {
    const struct run_info *run;
    struct sink *const *sinks;
    size_t count;
    struct arena *arena;
    struct happened *first, *last; /* service changes and notes not yet told */
};

struct happened {
    struct happened *next;
    struct event event;
};

static void tell(const struct replay *r, struct event *event)
{
    event->run = r->run;
    for (size_t i = 0; i < r->count; i++)
        r->sinks[i]->event(r->sinks[i], event);
}

static void keep_event(void *context, const struct event *event)
{
    struct replay *r = context;
    struct happened *kept = ARENA_NEW(r->arena, struct happened);
    kept->event = *event;
    if (event->kind == EVENT_NOTE) {
        kept->event.note = arena_copy(r->arena, event->note);
    } else {
        kept->event.service.name = arena_copy(r->arena, event->service.name);
        kept->event.service.state = arena_copy(r->arena, event->service.state);
        kept->event.service.detail = arena_copy(r->arena, event->service.detail);
        kept->event.service.log = arena_copy(r->arena, event->service.log);
    }
    *(r->last ? &r->last->next : &r->first) = kept;
    r->last = kept;
}

static void tell_until(struct replay *r, int64_t at)
{
    for (; r->first && r->first->event.at_wall <= at; r->first = r->first->next)
        tell(r, &r->first->event);
}

static void tell_result(void *context, const struct case_result *result)
{
    tell_until(context, result->started_wall + result->duration);
    tell(context, &(struct event){.kind = EVENT_CASE_FINISHED,
                                  .at_wall = result->started_wall + result->duration,
                                  .finished = result});
}

static void tell_measured(void *context, const struct event *event)
{
    struct event copy = *event;
    tell(context, &copy);
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
    r->arena = arena;
    TRY(store_visit_events(store, whole.id, keep_event, r));
    TRY(store_visit(store, whole.id, tell_result, r));
    tell_until(r, INT64_MAX);
    TRY(store_visit_measured(store, whole.id, tell_measured, r));
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
