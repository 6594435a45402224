/*
 * What answers say, of each API: whether an event of a stream carries a token, of what kind, how
 * many tokens the service has counted, whether this was the end. Without I/O and without times.
 *
 * Workload: a million events a second and thread; nothing is allocated or copied.
 */
#ifndef LOAD_ANSWER_H
#define LOAD_ANSWER_H

#include "core/slice.h"
#include "load/failure.h"
#include "load/target.h"

/*    code       name         what it is */
#define ANSWER_KIND_TABLE(X)                                                                       \
    X(BYTES, "bytes", "bytes that end no event: a head, a part of an event or of a body")          \
    X(OTHER, "other", "an event that is no part of an answer: a start, a report")                  \
    X(EMPTY, "empty", "a part without text: a role, a reason why the answer ends")                 \
    X(REASONING, "reasoning", "text of the reasoning before the answer")                           \
    X(TEXT, "text", "text of the answer")                                                          \
    X(TOOL, "tool", "a part of a call of a tool")                                                  \
    X(USAGE, "usage", "only counts of tokens")                                                     \
    X(DONE, "done", "the end: [DONE], or the worker's event end")

enum answer_kind {
#define X(code, name, what) ANSWER_##code,
    ANSWER_KIND_TABLE(X)
#undef X
        ANSWER_KIND_COUNT
};

extern const char *const answer_kind_names[ANSWER_KIND_COUNT];

/* It carries at least one token. */
static inline bool answer_has_token(enum answer_kind kind)
{
    return kind == ANSWER_REASONING || kind == ANSWER_TEXT || kind == ANSWER_TOOL;
}

struct answer_part {
    enum answer_kind kind;
    bool finish;       /* the answer is complete, or the choice is of several */
    uint32_t choice;   /* … which of them: 0, 1, … */
    int64_t tokens;    /* of the whole answer until now, as the service counts; -1: it does not */
    int64_t input;     /* tokens of the prompt, as it counts them; -1 */
    uint32_t results;  /* embeddings, or tensors */
    struct slice text; /* ANSWER_TEXT: it, escaped as between the quotes of JSON */
};

/*
 * Read an event, or a whole answer that is no stream. FAILURE_MALFORMED or FAILURE_STREAM_ERROR
 * with the beginning of the text in error_last().
 */
enum failure answer_event(enum target_api api, struct slice data, struct answer_part *out);
enum failure answer_body(enum target_api api, struct slice body, struct answer_part *out);

#endif
