/*
 * assay load --suite: the cases of a suite as what is asked, and their checks as what answers are
 * looked into by.
 */
#ifndef API_SUITE_LOAD_H
#define API_SUITE_LOAD_H

#include "api/session.h"
#include "load/engine.h"
#include "record/redact.h"
#include "run/case_load.h"
#include "run/stage.h"

struct suite_load {
    struct redactor *redactor; /* of the suite's secrets */
    struct stage *stage;       /* NULL: the services run elsewhere */
    struct case_load *cases;
    struct case_load_source *sources;
    size_t count;
    const char *url;      /* where it goes */
    const char *known_as; /* the service, when we start it; NULL */
    const char *words;    /* "3 cases of suite.yaml" */
    double share;         /* of answers that are checked */
    struct inspection inspection;
};

/*
 * Read the suite of the options and choose its cases; those that are no load are named on the error
 * stream, each with the reason. Without a url, the suite's service is started. suite_load_close is
 * due in any case.
 */
struct result suite_load_open(struct session *session, const struct assay_load_options *o,
                              const sigset_t *signals, struct suite_load *out) MUST_USE;

/* Write the requests for a target, into the plan. */
struct result suite_load_plan(struct suite_load *load, struct target *target,
                              struct load_plan *plan) MUST_USE;

void suite_load_close(struct suite_load *load); /* for DEFER */

#endif
