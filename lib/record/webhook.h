/*
 * Webhooks: a person, or a program, told when it matters. One POST at the end of a run, as JSON of
 * our own, or in the form that Slack or Microsoft Teams shows. What cannot be delivered is kept in
 * a file and said; it never changes how the run ended.
 *
 * Signed as https://www.standardwebhooks.com says (version 1.0.0), so that ready-made libraries
 * verify it: `webhook-id`, `webhook-timestamp` (seconds), and `webhook-signature: v1,` and the
 * HMAC-SHA256 of "ID.TIMESTAMP.BODY" in base64. The secret is bytes, or base64 behind "whsec_".
 */
#ifndef RECORD_WEBHOOK_H
#define RECORD_WEBHOOK_H

#include "record/sink.h"

/* Where that file is. */
#define WEBHOOK_DEAD_LETTERS ".assay/webhooks"

enum webhook_when {
    WEBHOOK_ALWAYS,
    WEBHOOK_FAILURES, /* when a case failed or could not be carried out */
    WEBHOOK_CHANGES,  /* when a case failed that did not before, or passed that did not before */
};

struct webhook_options {
    const char *target; /* [FORM=]URL; a URL written $NAME is taken from the environment */
    enum webhook_when when;
    const char *secret; /* to sign with; NULL or empty: not signed */
    FILE *err;          /* for people: what could not be delivered, and where it is */
    /*
     * How a case ended in the run before this one that has it; false when it never ran. NULL when
     * no history is kept, and then nothing is known to be new or fixed. Called from the loop.
     */
    bool (*before)(void *context, struct slice key, enum case_status *out);
    void (*closed)(void *context); /* `before` is not called any more; may be NULL */
    void *context;
};

/*
 * A sink that sends when it is closed, and waits for it: at most LIMIT_WEBHOOK_TRIES times, with
 * growing pauses or those the receiver asks for. ERR_USAGE for a target that cannot be.
 */
struct result sink_webhook(const struct webhook_options *options, struct sink **out) MUST_USE;

/* The target as it may be shown: what follows the host is a secret with Slack and Teams. */
struct slice webhook_shown(struct arena *arena, struct slice target);

#endif
