/*
 * One step of a kind that speaks HTTP, against a server of the test's own on the same loop: what it
 * sent, and what it made of an answer.
 */
#ifndef TEST_STEP_SERVED_H
#define TEST_STEP_SERVED_H

#include "core/buf.h"
#include "step/step.h"

struct served {
    struct arena *arena;
    struct result result; /* of the step: of its start when nothing was begun */
    struct observation observation;
    struct slice head; /* of the request: its start line and headers; empty when none came */
    struct slice body;
};

/* `config` is the value of the kind's key, as JSON; `answer` all bytes of the answer. */
struct served *served_step(const struct step_kind *kind, const char *config, struct slice answer);
void served_free(struct served *served);

/* An answer with these headers ("Name: value\r\n"…) and this body, in the arena. */
struct slice served_answer(struct arena *arena, unsigned status, const char *headers,
                           struct slice body);

/* The only tensor it saw; fails the test when there is another number of them. */
const struct tensor *served_tensor(const struct served *served);

#endif
