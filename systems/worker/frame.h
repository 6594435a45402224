/*
 * The events of a generation as text: `event: KIND`, `data: {"type":"KIND",…}` and an empty line,
 * so that readers of either generation of the wire find the kind where they look for it. Keys come
 * in the order of the original.
 */
#ifndef WORKER_FRAME_H
#define WORKER_FRAME_H

#include "core/buf.h"

enum stop_reason { REASON_MAX_TOKENS, REASON_EOS, REASON_STOP_SEQUENCE, REASON_CANCELLED };

struct end_event {
    uint32_t tokens_out;
    uint64_t decode_time_ms;
    enum stop_reason reason;
    struct slice stop_sequence; /* data NULL: the field is left out */
};

/* `started_at` is RFC 3339 in UTC. Text is valid UTF-8 in all of these. */
void frame_started(struct buf *out, struct slice job_id, struct slice model,
                   const char *started_at);
void frame_token(struct buf *out, struct slice text, uint32_t index);
void frame_metrics(struct buf *out, double tokens_per_second, uint64_t vram_bytes);
void frame_end(struct buf *out, const struct end_event *end);
void frame_error(struct buf *out, const char *code, struct slice message);

/*
 * Another form for the events of a generation, for wires other than this one. `context` is what the
 * generation was given with it.
 */
struct frames {
    void (*token)(void *context, struct buf *out, struct slice text, uint32_t index);
    void (*end)(void *context, struct buf *out, const struct end_event *end);
    void (*error)(void *context, struct buf *out, const char *code, struct slice message);
};

/* `text` as the inside of a JSON string. */
void frame_escaped(struct buf *out, struct slice text);

/* A buffer that every stream's events fit into: a job id can be as long as a request. */
#define FRAME_BYTES_MAX (32u << 20)

#endif
