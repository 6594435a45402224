/*
 * What the evidence of a step shows of the answer: its status, the headers that tell why, and how a
 * stream of events went. Read from the text that is kept (lib/step shows it as "HTTP 200", headers,
 * an empty line, the body as text_shown makes it), because that is all there is later.
 *
 * Workload: one answer of at most LIMIT_EVIDENCE_BYTES per failed step. It came from a service
 * under test, so nothing about it is certain, not even that it is an answer.
 */
#ifndef REPORT_ANSWER_H
#define REPORT_ANSWER_H

#include "core/arena.h"

struct answer {
    int status;               /* 0: no answer came */
    struct slice retry_after; /* of the header; empty: none */
    struct slice type;        /* Content-Type without its parameters */
    struct slice body;
    bool cut; /* more came than is kept */

    /* Of an error in the body or in the stream: {"code", "message"}, also within "error". */
    struct slice error_code, error_message;

    /* Of a stream. */
    bool stream;
    size_t events, tokens;
    bool error_event;
    bool ended;               /* end, error, or [DONE] came */
    struct slice not_json;    /* the first data that is no JSON */
    struct slice not_ordered; /* "token 3 is numbered 5"; empty: tokens are numbered 0, 1, 2, … */

    struct slice not_utf8; /* the first text with a byte that was none (shown as \\xff) */
    bool not_json_body;    /* it says it is JSON, all of it is kept, and it is none */
};

/* All slices are of `response` or the arena. */
void answer_read(struct arena *arena, struct slice response, struct answer *out);

#endif
