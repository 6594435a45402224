/*
 * Steps: one file per kind, behind this interface. A kind says what its key may look like, what it
 * lets us see, how it begins and how it is ended early; it knows nothing of cases, retries, checks
 * or reports. While it runs it fills the observation; then it calls step_finish, exactly once.
 *
 *     start ──► (the loop runs) ──► step_finish(step, OK | why it could not be carried out)
 *        └────► cancel: the runner gives up (time limit, Ctrl-C); no step_finish after that
 */
#ifndef STEP_STEP_H
#define STEP_STEP_H

#include <uv.h>

#include "check/observation.h"
#include "net/client.h"
#include "suite/shape.h"

struct models;
struct step;
struct verdict;

struct step_kind {
    const char *name;
    const struct shape *shape; /* of the value of its key */
    unsigned yields;           /* enum observed: all that it can ever let us see */
    const char *help;
    const char *example; /* JSON text of a whole step */

    /* Does it send to a path below a service's url? Known before templates are filled. NULL: no. */
    bool (*needs_url)(const struct node *config);

    /* What is shown for it: "POST /v1/models". Arena-owned or from the node. */
    struct slice (*title)(struct arena *arena, const struct node *config);

    /* Begin. A failure means that nothing was begun and step_finish must not be called. */
    struct result (*start)(struct step *step);

    /*
     * The step was not carried out, or its checks failed: may it be tried once more? Then `*again`
     * is true, `*wait` the time before it in ns, and step->carried is for the next try. A failure
     * is why it ends here, instead of how it ended. NULL: never.
     */
    struct result (*again)(struct step *step, struct result answer, const struct verdict *verdicts,
                           bool *again, int64_t *wait);

    /* End now, from the loop, never from within one of the step's own callbacks. */
    void (*cancel)(struct step *step);
};

/* One execution of a step. The runner fills the first part, the kind uses the second. */
struct step {
    const struct step_kind *kind;
    const struct node *config; /* the value of the kind's key, templates filled */
    struct arena *arena;       /* lives until after the checks */
    struct observation *observation;
    uv_loop_t *loop;
    struct client *client;
    struct slice base_url; /* of its service; empty when it has none */
    struct slice folder;   /* of the suite's file: programs run there */
    void (*finished)(struct step *step, struct result result);
    /* Something new can be seen (a head, an event): lets `during` begin. May be NULL. */
    void (*progressed)(struct step *step);
    void *owner;           /* the runner's */
    struct models *models; /* whom models are asked of (step/models.h); NULL: nobody is known */
    const struct node *model_settings; /* of these, filled; may be NULL */
    uint32_t tries;                    /* which try at this step it is, from 1 */
    void *carried; /* what the try before left for this one (`again`); NULL in the first */
    bool timed;    /* its time is checked: an answer from a cache would prove nothing */

    /* Nothing is sent: the request is only written, and its answer, if any, is there already
       (step/call.h). NULL: as usual. */
    struct call_wire *wire;

    struct call *call; /* of kinds that speak HTTP (step/call.h) */
    void *state;       /* the kind's */
    bool flaky;        /* what it shows is not what its first request was answered */
    bool leaky;        /* it left processes behind */
    /* Make the exchange into text (observation.request_shown, response_shown): called when the
       step did not pass, so that those that pass do not pay for it. NULL: nothing to show. */
    void (*show)(struct step *step);
};

/* All kinds; ends with NULL. */
extern const struct step_kind *const step_kinds[];

/* The kind of a step or of a case that is a step; NULL when it has none. */
const struct step_kind *step_kind_of(const struct node *step);

/* For kinds: the step is over. Sets the end time of the observation when it is not set. */
void step_finish(struct step *step, struct result result);
void step_progress(struct step *step);

/* Is it a path for sure, and no full URL? */
bool step_is_path(const struct node *target);

/* `target` itself when it is a full URL, else appended to the service's; ERR_SUITE without one. */
struct result step_url(struct step *step, struct slice target, struct slice *url) MUST_USE;

#endif
