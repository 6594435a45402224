/*
 * Questions of checks: what a check cannot decide by looking at an observation, it asks of a model
 * or a program. Checks do no I/O; so the check only says what is to be asked (a step of some kind,
 * as a suite would write it), lib/run asks, and then the check is made as always and finds the
 * answers in the observation. A question that was not asked makes the check impossible, never
 * passed.
 */
#ifndef CHECK_QUESTION_H
#define CHECK_QUESTION_H

#include "check/observation.h"
#include "core/result.h"
#include "suite/node.h"

struct question_answer {
    struct result result;            /* how the step ended */
    const char *error;               /* why it failed; else "" */
    struct observation *observation; /* what it showed; NULL when it could not begin */
};

struct question {
    struct question *next;
    const struct node *about; /* the expectation it is asked for: its name in the observation */
    const char *kind;         /* of step: "chat", "exec" */
    json_t *config;           /* the value of the kind's key; of "chat", the judge's settings may be
                                 missing, and `format` says how its answer is to be JSON:
                                 {name, schema} */
    uint32_t times;           /* how often; 0: as often as the judge votes */
    int64_t timeout;          /* ns for each time; CLOCK_NEVER */
    bool asked;
    struct slice model; /* whom it was asked of, once it was */
    uint32_t answer_count;
    const struct question_answer *answers;
};

/* The question asked about `about`; NULL when there is none. */
struct question *question_about(const struct observation *o, const struct node *about);

/* A new one, to be filled. */
struct question *question_new(struct observation *o, const struct node *about, const char *kind);

/*
 * For the plan: the first validator of `expect` that asks others, or only one that asks a judge and
 * does not name it; NULL when there is none.
 */
const struct node *questions_expected(const struct node *expect, bool judge_unnamed);

/* What the checks of `expect` have to ask, in the observation (its `questions`). */
void questions_collect(struct observation *o, const struct node *expect);

#endif
