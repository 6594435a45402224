/*
 * What is measured, each quantity under a name that says what it is, with its definition. Other
 * tools call different things by the same name; docs/load.md has the table.
 *
 * Workload: each thread has one of these to itself, some 900 KB; they are merged after the run.
 */
#ifndef LOAD_METRICS_H
#define LOAD_METRICS_H

#include "core/clock.h"
#include "core/slice.h"
#include "load/failure.h"
#include "load/histogram.h"

/*    code            name, is a time, definition */
#define METRIC_TABLE(X)                                                                            \
    X(LATENCY, "latency", true,                                                                    \
      "from when the request should have started to the end of its answer")                        \
    X(LATENCY_SENT, "latency_sent", true,                                                          \
      "from when the request was sent to the end of its answer")                                   \
    X(FIRST_BYTE, "first_byte", true,                                                              \
      "from when the request was sent to the first byte of the "                                   \
      "answer")                                                                                    \
    X(CONNECT, "connect", true, "making a connection, of requests that needed a new one")          \
    X(TLS_HANDSHAKE, "tls_handshake", true, "agreeing on keys, after the connection was made")     \
    X(TTFT, "ttft", true,                                                                          \
      "time to first token: from when the request should have started to the "                     \
      "first event with text")                                                                     \
    X(TTFT_SENT, "ttft_sent", true, "from when the request was sent to the first event with text") \
    X(TTFT_ANSWER, "ttft_answer", true,                                                            \
      "from when the request should have started to the first event with text that is no "         \
      "reasoning")                                                                                 \
    X(TTFT_FIRST_TURN, "ttft_first_turn", true, "ttft of the first turns of conversations")        \
    X(TTFT_LATER_TURNS, "ttft_later_turns", true, "ttft of all other turns")                       \
    X(ITL, "itl", true,                                                                            \
      "inter-token latency: each gap between events with text, of all streams "                    \
      "together, by the kernel's receive stamps")                                                  \
    X(ITL_READ, "itl_read", true, "the same gaps by when this program read the events")            \
    X(ITL_MEAN, "itl_mean", true, "of each stream, the mean of its gaps")                          \
    X(TPOT, "tpot", true,                                                                          \
      "time per output token without the first: from the first to the last "                       \
      "event with text, by tokens - 1")                                                            \
    X(TPOT_FIRST, "tpot_first", true,                                                              \
      "with the first: from when the request was sent to its last "                                \
      "event with text, by tokens")                                                                \
    X(TOKENS, "output_tokens", false,                                                              \
      "tokens of each answer: as the service counts them when it "                                 \
      "does, else events with text")                                                               \
    X(TOKENS_PER_CHUNK, "tokens_per_chunk", false,                                                 \
      "tokens of each event with text, where the service counts: with every event, else those of " \
      "the answer, spread evenly")                                                                 \
    X(INPUT_TOKENS, "input_tokens", false, "tokens of each prompt, as the service counts them")    \
    X(RESULTS, "results", false, "embeddings, or output tensors, of each answer")                  \
    X(SCHEDULE_DELAY, "schedule_delay", true,                                                      \
      "from when a request should have started to when it "                                        \
      "was sent")                                                                                  \
    X(LATENESS, "lateness", true,                                                                  \
      "how much of that is this program's own: it did not get to a "                               \
      "request that could have gone")                                                              \
    X(CLIENT_LAG, "client_lag", true,                                                              \
      "from when the kernel received bytes to when this program "                                  \
      "read them")

enum metric {
#define X(code, name, time, definition) METRIC_##code,
    METRIC_TABLE(X)
#undef X
        METRIC_COUNT
};

struct metric_kind {
    const char *name, *definition;
    bool time; /* nanoseconds; else a count */
};
extern const struct metric_kind metric_kinds[METRIC_COUNT];

/* What one failure of a class said. */
#define FAILURE_EXAMPLE 240

struct metrics {
    struct histogram histograms[METRIC_COUNT];
    uint64_t failures[FAILURE_COUNT];
    char examples[FAILURE_COUNT][FAILURE_EXAMPLE];
    uint64_t requests;      /* of the measured phase that came to an end, good or bad */
    uint64_t answered;      /* of these the good ones */
    uint64_t checked;       /* answers that were looked into (load/inspect.h) … */
    uint64_t unchecked;     /* … and that would have been, had there been time */
    uint64_t good;          /* of these the ones that met every bound on a single request */
    uint64_t waited;        /* requests for which no connection was free when they were due */
    uint64_t together;      /* events with text that came in one read with the one before */
    uint64_t counted;       /* answers whose tokens the service counted */
    uint64_t several;       /* streams with more than one choice (`n`), whose gaps are of all */
    uint64_t ended;         /* good answers that ended within the measured time, … */
    uint64_t ended_tokens;  /* … events with text that came then … */
    uint64_t ended_bytes;   /* … and bytes of all kinds */
    uint64_t conversations; /* whose last turn was answered well */
    uint64_t conversations_failed;           /* that ended before, by a failed turn */
    uint64_t told_to_wait;                   /* answers that said when to come again … */
    uint64_t longest_wait;                   /* … and in how many seconds at most */
    uint64_t lost;                           /* requests that the event log had no room for */
    uint64_t reads, unstamped, out_of_order; /* reads without a stamp; with one from the future */
};

void metrics_clear(struct metrics *m);
void metrics_merge(struct metrics *into, const struct metrics *from);

/* Become as `from` is, save for histograms of which no bit is set in `watched`. */
void metrics_follow(struct metrics *m, const struct metrics *from, uint64_t watched);

static inline void metrics_add(struct metrics *m, enum metric metric, int64_t value)
{
    histogram_add(&m->histograms[metric], value);
}

/* Count a failure; the first text of a class is kept, on one line. */
void metrics_failed(struct metrics *m, enum failure failure, const char *example);

/*
 * So many answers came and were not as they should be: they are no good ones, and their times stay
 * where they were counted.
 */
void metrics_failed_checks(struct metrics *m, uint64_t failed, const char *example);

/* So many in a time of `ns`, by the second; 0 in none. */
static inline double metrics_per_second(uint64_t count, int64_t ns)
{
    return ns > 0 ? (double)count * (double)NS_PER_S / (double)ns : 0;
}

/* The metric of this name; -1 when there is none. */
int metric_find(struct slice name);

#endif
