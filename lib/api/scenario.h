/*
 * assay load SCENARIO: the loads of a file, with the services they need.
 */
#ifndef API_SCENARIO_H
#define API_SCENARIO_H

#include <signal.h>

#include "api/session.h"
#include "record/redact.h"
#include "run/stage.h"

struct scenario_load {
    const struct plan_case *pc;
    const struct node *keys;   /* of the load, filled */
    const struct node *expect; /* may be NULL */
    const char *known_as;      /* service and path, when we start the service; NULL */
    struct assay_load_options options;
};

struct scenario {
    struct session *session;
    struct plan *plan;
    struct redactor *redactor; /* of its secrets */
    struct stage *stage;
    struct scenario_load *loads;
    size_t count;
};

/*
 * Read the file of the options, start its services and make the options of each of its loads: what
 * the file says, with what was given besides on top. Faults of the file are printed.
 * scenario_close is due in any case. `signals` are blocked; one of them ends it with ERR_CANCELLED.
 */
struct result scenario_open(struct session *session, const struct assay_load_options *options,
                            const sigset_t *signals, struct scenario *out) MUST_USE;

void scenario_close(struct scenario *scenario); /* for DEFER */

#endif
