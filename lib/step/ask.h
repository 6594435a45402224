/*
 * Asking a model: one question, sent to the first of several endpoints that answers. Between the
 * kinds (chat, complete) and an HTTP exchange (step/call.h) it keeps the circuit of each endpoint,
 * the time limit of a request, the budget, the answer cache and the account of tokens. Asking the
 * same again because an answer was not good enough is not done here but by trying the step again.
 */
#ifndef STEP_ASK_H
#define STEP_ASK_H

#include "step/call.h"
#include "step/models.h"

struct ask_options {
    const struct model_target *targets; /* one at least, each with its full url; the others are
                                           asked when it fails */
    size_t target_count;
    json_t *body;         /* all of it but `model` */
    int64_t timeout;      /* ns of each request, when the target has none; CLOCK_NEVER */
    bool cached;          /* the step wants its answer kept, whatever the suite says */
    struct slice variant; /* part of the key of the kept answer */
    bool refresh;         /* a kept answer is not used, only renewed */
    const struct call_events *events;
};

/* Begin; it finishes the step. `options` is copied, what it points to stays the caller's. */
struct result ask_start(struct step *step, const struct ask_options *options) MUST_USE;

/* A kind's `cancel`. */
void ask_cancel(struct step *step);

/*
 * Did it fail in a way that another request may not: no answer, or a status that says "not now"
 * (408, 409, 425, 429, 500 and above)? `result` is how the exchange ended.
 */
bool ask_may_try_again(const struct observation *o, struct result result);

/* How long an answer asks us to wait (Retry-After, in seconds or as a date); 0: it does not. At
 * most ASK_WAIT_MAX. */
#define ASK_WAIT_MAX (60 * NS_PER_S)
int64_t ask_retry_after(const struct observation *o);

#endif
