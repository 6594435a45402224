/*
 * Asking what checks have to ask (check/question.h): one question after the other, the votes of
 * each at once, every one a step of the kind that the question names, after the step under test has
 * answered and before its checks are made. A judge that is not there or overloaded is asked again a
 * few times: it is not what is tested.
 */
#ifndef RUN_GRADING_H
#define RUN_GRADING_H

#include "check/question.h"
#include "step/step.h"

struct grading;

struct grading_options {
    uv_loop_t *loop;
    struct client *client;
    struct arena *arena;
    struct models *models;
    const struct node *model_settings; /* as of a step */
    struct slice base_url; /* of the service of the step: a judge without an endpoint is there */
    struct slice folder;
    struct observation *observation; /* with the questions */
    /* The answers are in the questions. From the loop, or from within grading_start. */
    void (*finished)(void *context);
    void *context;
};

/* Begin; false when there is nothing to ask: then `finished` does not come. */
bool grading_start(const struct grading_options *options, struct grading **out);

void grading_cancel(struct grading *grading);

#endif
