/*
 * A request under way: when what happened to it, and its answer, read without I/O. Bytes come with
 * two stamps, when the kernel received them and when we read them; everything a service is judged
 * by counts by the kernel's, so a slow reader does not look like a slow service.
 *
 * Workload: hundreds of thousands of answers, or a million events, a second and thread. Nothing is
 * allocated as long as heads and events come whole, and of a body that is not streamed only if the
 * API's is to be looked into.
 */
#ifndef LOAD_FLIGHT_H
#define LOAD_FLIGHT_H

#include "load/answer.h"
#include "load/inspect.h"
#include "load/metrics.h"
#include "load/notes.h"
#include "net/http.h"
#include "net/sse.h"

/* A body that is kept to be looked into. */
#define FLIGHT_BODY_BYTES (4u << 20)
/* The beginning of one that tells of an error is shown. */
#define FLIGHT_ERROR_BYTES 160

/* Monotonic nanoseconds; 0: has not happened. */
struct flight {
    const struct target *target; /* how its answer is read */
    struct inspected *kept;      /* its answer, to be looked into; NULL: it is not */
    uint32_t item;               /* of the stock */
    uint64_t number;             /* of the arrival, over all threads */
    struct talk *talk;           /* the conversation it is a turn of; NULL: none */
    uint32_t turn;               /* which, from 1; 0: there are no conversations */
    struct buf *said; /* where the text of the answer goes, escaped as JSON has it; NULL: nowhere */
    struct notes *notes; /* where its events are noted; NULL: nowhere */
    int64_t intended;    /* when the schedule has it start */
    int64_t
        could; /* when it could: as intended, or when a connection became free; 0: no schedule */
    int64_t started;    /* when we got to it */
    int64_t connected;  /* new connections only */
    int64_t secured;    /* … with TLS: the handshake was over; only of those `connected` */
    int64_t sent;       /* just before its first byte was given to the kernel */
    int64_t first_byte; /* by the kernel's stamps, as the rest */
    int64_t first_token, last_token;
    int64_t first_answer;    /* the first token that is no reasoning */
    int64_t last_token_read; /* by ours */
    int64_t end;
    int64_t usage;     /* tokens as the service counts them, until now; -1: it does not */
    int64_t input;     /* of the prompt; -1 */
    uint64_t bytes;    /* of the answer */
    uint32_t tokens;   /* events with text */
    uint32_t results;  /* embeddings or tensors */
    uint32_t choices;  /* how many answers there are in one: `n` */
    uint32_t finished; /* … and how many of them are complete */
    uint16_t status;   /* 0: none yet */
    bool told_to_wait; /* a 429 or 503 said when to come again (Retry-After) … */
    uint32_t wait;     /* … in so many seconds; 0: it gave a date, or nothing readable */
    bool measured;     /* it belongs to the measured phase */
    bool by_event;     /* the service counts tokens with every event */
    bool done;         /* the stream said that it is over */
    bool keep_alive;   /* it is complete, and the connection can have another request */
    enum failure failure;
};

struct reader {
    struct http_parser http;
    struct sse_decoder events;
    struct buf body; /* of answers that are no streams and are looked into */
    bool is_stream;
};

void reader_init(struct reader *reader);
void reader_free(struct reader *reader);

/* Before a request is sent: its answer is the next thing that comes. */
void flight_expect(struct flight *flight, struct reader *reader, const struct target *target);

/*
 * Bytes came. True when the flight is over: its answer is complete, or `flight->failure` says
 * why not and error_last() more. Gaps are added to `metrics` as they are seen.
 */
bool flight_feed(struct flight *flight, struct reader *reader, const struct target *target,
                 struct slice bytes, int64_t received, int64_t read, struct metrics *metrics);

/*
 * The same in pieces, for a protocol that frames answers itself: status and type, the body as it
 * comes, and the end. False when the flight is over before its time; flight_end is its end in any
 * case, well or not.
 */
bool flight_head(struct flight *flight, struct reader *reader, const struct target *target,
                 uint16_t status, struct slice content_type);
/* The value of Retry-After, which a 429 or 503 had. */
void flight_retry_after(struct flight *flight, struct slice value);
bool flight_body(struct flight *flight, struct reader *reader, const struct target *target,
                 struct slice bytes, int64_t received, int64_t read, struct metrics *metrics);
void flight_end(struct flight *flight, struct reader *reader, const struct target *target,
                int64_t received);

/* The connection ended, of itself: as flight_feed, and always over. */
void flight_closed(struct flight *flight, struct reader *reader, const struct target *target,
                   int64_t received);

/* Tokens of the answer: as the service counts them, else events with text. */
static inline int64_t flight_tokens(const struct flight *flight)
{
    return flight->usage >= 0 ? flight->usage : flight->tokens;
}

/* An event of its stream, read from an answer or from a log of one. */
void flight_event(struct flight *flight, const struct answer_part *part, int64_t received,
                  int64_t read, struct metrics *metrics);

/* Bounds on a single request; 0: none. */
struct bounds {
    int64_t latency, ttft, itl_mean;
};

/* The flight is over: count it, when it is measured. `example` tells more of a failure. */
void flight_count(const struct flight *flight, const struct target *target,
                  const struct bounds *bounds, const char *example, struct metrics *metrics);

/* … and when it ended well between these times, its part of what was done then. */
void flight_count_ended(const struct flight *flight, int64_t from, int64_t to,
                        struct metrics *metrics);

#endif
