/*
 * A load goes into the store while it goes on, as a run of its own: who and what at its beginning,
 * a row a second, everything at its end. Nothing of it is on the threads that make the load.
 */
#ifndef API_LOAD_RECORD_H
#define API_LOAD_RECORD_H

#include "api/session.h"
#include "load/print.h"

struct load_record {
    struct session *session;
    struct store *store; /* NULL: nothing is kept */
    struct run_info info;
    int64_t seconds;
    bool lost; /* the store failed, which was told */
};

/*
 * Open the store of the options and begin a run of this plan, before anything is sent. With --store
 * none nothing is kept, and the rest does nothing. What was opened stays on failure.
 */
struct result load_record_begin(struct load_record *record, struct session *session,
                                const struct assay_load_options *o,
                                const struct load_plan *plan) MUST_USE;

/* The id of the run; NULL when nothing is kept. */
const char *load_record_id(const struct load_record *record);

/* What happened between two times, ns since the beginning. When the store fails, that is told once,
 * and the load goes on. */
void load_record_second(struct load_record *record, const struct load_second *second, int64_t from,
                        int64_t to);

/* What came of it; `status` is the exit status. The store's failure, when nothing could be kept. */
struct result load_record_end(struct load_record *record, const struct load_report *report,
                              int status) MUST_USE;

void load_record_close(struct load_record *record); /* for DEFER */

#endif
