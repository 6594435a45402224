/*
 * What the jobs of the public API share: streams with their defaults, saying what went wrong, and a
 * plan made from a selection.
 */
#ifndef API_SESSION_H
#define API_SESSION_H

#include "assay/assay.h"
#include "plan/plan.h"
#include "record/sink.h"
#include "record/store.h"

struct session {
    struct arena *arena;
    struct assay_streams streams;
    bool faults_shown; /* of suites: session_failed has nothing to add */
};

/* Streams without NULLs. */
struct session session_begin(const struct assay_streams *streams);
void session_end(struct session *session); /* for DEFER */

/* The output stream where it is a terminal, on which lines can be drawn anew; else NULL. */
static inline FILE *session_terminal(const struct session *session)
{
    return session->streams.live ? session->streams.out : NULL;
}

/* Say what went wrong on the error stream, with the source line when it has a place; the status. */
int session_failed(const struct session *session, struct result result);

/* Make the plan; faults of suites are printed. `store` may be NULL: no history;
   `earlier` too: nothing to go on from. */
struct result session_plan(struct session *session, const struct assay_selection *selection,
                           struct store *store, uint64_t seed, const struct plan_earlier *earlier,
                           struct plan **out) MUST_USE;

/* The store of a url, NULL for "none". With `create` false a missing database is no store at all.
 */
struct result session_store(const char *url, bool create, struct store **out) MUST_USE;

void session_store_close(struct store **store); /* for DEFER */

/*
 * Open the reports that are sinks, into `sinks`, which has room for them. ERR_USAGE for one that is
 * made from the store when nothing is `stored`. What was opened stays on failure.
 */
struct result session_reports(const struct assay_strings *reports, bool stored, struct sink **sinks,
                              size_t *count) MUST_USE;

/* Write those that are made from the store, where the runs have ended. */
struct result session_whole_reports(struct session *session, const struct assay_strings *reports,
                                    const char *url, const struct slice *runs,
                                    size_t count) MUST_USE;

/* Are there reports, and all of them such? Only those can be of several runs. */
bool session_all_whole(const struct assay_strings *reports);

/*
 * Add the sinks of webhooks to `sinks`, which has room for them; `before` and the run's texts are
 * read from a connection of their own to the store at `url`. What was added stays on failure.
 */
struct result session_webhooks(struct session *session, const struct assay_webhooks *webhooks,
                               const char *url, struct slice run_id, struct sink **sinks,
                               size_t *count) MUST_USE;

/* --keep of a run or load: "100" (the newest so many runs) or "30d" (those that began since); NULL:
 * all of them. To be checked at the beginning and done at the end, when the store is closed. */
struct result session_keep_check(const char *keep) MUST_USE;
struct result session_keep(struct session *session, const char *url, const char *keep) MUST_USE;

/* A new run: its id, where and by which version it is made, and when it begins; not yet ended. */
void session_new_run(struct session *session, struct run_info *out);

/* The arguments of a command as they may be shown: no secret part of a webhook's url. */
struct slice session_shown(struct session *session, const struct assay_strings *arguments,
                           size_t i);

/* One job per processor. */
uint32_t session_jobs(uint32_t wanted);

#endif
