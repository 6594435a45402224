/*
 * What a worker said, in whichever of its forms, as the tokens of each choice; and what a stop
 * sequence makes of them by the rule of docs/worker.md.
 */
#ifndef PROPERTY_ANSWER_H
#define PROPERTY_ANSWER_H

#include "assay/harness.h"
#include "generate.h"

#define CHOICES_MAX 8

/* One choice; of an answer that is no stream, `tokens` is one text. */
struct said {
    struct slice *tokens;
    size_t count;
    struct slice text;     /* all of them */
    struct slice finish;   /* the stop or finish reason */
    struct slice sequence; /* the stop sequence that matched, where the wire tells it */
};

struct answer {
    bool stream;
    struct said choices[CHOICES_MAX];
    size_t choice_count;
    int64_t completion_tokens; /* as the answer itself counts them; -1: it does not */
};

/* Read it and hold it to what every answer owes. A sentence when it does not, else NULL. */
const char *answer_read(struct arena *arena, const struct scenario *s, const struct variant *v,
                        const struct assay_response *response, struct answer *answer);

/* What should have been said, when this was said without stop sequences. */
struct said said_until_stop(struct arena *arena, const struct scenario *s, const struct said *said);

#endif
