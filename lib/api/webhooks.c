/*
 * The webhooks of a run or of a report: their sinks, with a look into history.
 */
#include <stdlib.h>

#include "api/session.h"
#include "core/memory.h"
#include "record/webhook.h"

_Static_assert((int)ASSAY_WEBHOOK_ALWAYS == (int)WEBHOOK_ALWAYS &&
                   (int)ASSAY_WEBHOOK_FAILURES == (int)WEBHOOK_FAILURES &&
                   (int)ASSAY_WEBHOOK_CHANGES == (int)WEBHOOK_CHANGES,
               "the public words are the inner ones");

/* One webhook's look into history: the store is read from the loop while the recorder's thread
   writes it, so the connection is one of its own. */
struct history {
    struct store *store;
    char run_id[64];
};

static bool before(void *context, struct slice key, enum case_status *out)
{
    struct history *history = context;
    return store_status_before(history->store, slice_str(history->run_id), key, out);
}

static void closed(void *context)
{
    struct history *history = context;
    store_close(history->store);
    mem_free(history);
}

static struct result add_webhook(struct session *session, const struct assay_webhooks *webhooks,
                                 const char *target, struct history *history, struct sink **out)
{
    struct webhook_options options = {
        .target = target,
        .when = (enum webhook_when)webhooks->when,
        .secret = getenv("ASSAY_WEBHOOK_SECRET"),
        .err = session->streams.err,
        .before = history->store ? before : NULL,
        .closed = closed,
        .context = history,
    };
    ENSURE(history->store || webhooks->when != ASSAY_WEBHOOK_CHANGES, ERR_USAGE,
           "--webhook-when changes needs the store to know what was before, and --store none has "
           "nothing");
    return sink_webhook(&options, out);
}

struct result session_webhooks(struct session *session, const struct assay_webhooks *webhooks,
                               const char *url, struct slice run_id, struct sink **sinks,
                               size_t *count)
{
    for (size_t i = 0; i < webhooks->targets.count; i++) {
        struct history *history = NEW(struct history);
        snprintf(history->run_id, sizeof(history->run_id), "%.*s", SLICE_ARG(run_id));
        struct result r = session_store(url, false, &history->store);
        if (result_ok(r))
            r = add_webhook(session, webhooks, webhooks->targets.items[i], history, &sinks[*count]);
        if (!result_ok(r)) {
            closed(history);
            return r;
        }
        ++*count;
    }
    return RESULT_OK;
}

struct slice session_shown(struct session *session, const struct assay_strings *arguments, size_t i)
{
    static const struct slice option = SLICE("--webhook"), joined = SLICE("--webhook=");
    struct slice argument = slice_str(arguments->items[i]);
    if (i > 0 && slice_eq(slice_str(arguments->items[i - 1]), option))
        return webhook_shown(session->arena, argument);
    if (!slice_starts(argument, joined))
        return argument;
    struct slice target = webhook_shown(session->arena, slice_from(argument, joined.len));
    return slice_str(arena_printf(session->arena, "--webhook=%.*s", SLICE_ARG(target)));
}
