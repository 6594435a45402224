/*
 * An HTTP exchange as an observation: what every kind of step that speaks HTTP shares. A kind
 * builds the request, and may look at the response as it comes.
 */
#ifndef STEP_CALL_H
#define STEP_CALL_H

#include "step/step.h"

struct call;

struct call_request {
    const char *method;
    struct slice url;           /* full */
    const struct node *headers; /* map of strings, or NULL */
    const char *content_type;   /* used unless `headers` has one; NULL: none */
    struct slice body;
    bool has_body;
    bool follow, insecure, http2;
};

struct call_events {
    /* The status and headers are in the observation. May be NULL. */
    struct result (*on_head)(struct step *step);
    /* A piece of the body, also kept in the observation. A failure ends the exchange. May be NULL.
     */
    struct result (*on_body)(struct step *step, struct slice bytes, int64_t at);
    /* The exchange is over; call step_finish. The observation is complete but for what the kind
       itself adds. */
    void (*on_done)(struct step *step, struct result result);
};

/* Begin; the call is part of the step's arena. */
struct result call_start(struct step *step, const struct call_request *request,
                         const struct call_events *events, struct call **out) MUST_USE;

void call_cancel(struct call *call);

#endif
