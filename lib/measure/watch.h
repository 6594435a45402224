/*
 * Watches one service for what a healthy one does not do: a thread that never rests, memory,
 * descriptors or threads that only become more, a request that nobody works on. It is told twice a
 * second how things stand and remembers little. No clock of its own, nothing read from anywhere:
 * the same beats give the same findings.
 *
 * Each rule asks for much, because a false alarm costs more than a late one. What load, warm-up
 * and caches look like is in docs/measure.md.
 */
#ifndef MEASURE_WATCH_H
#define MEASURE_WATCH_H

#include "core/arena.h"
#include "measure/sample.h"
#include "measure/trend.h"

/* A thread that does not rest, or a request without an answer, for this long is told. Of an answer
   that has begun twice as long: a stream may have nothing to say for a while. */
#define WATCH_PATIENCE (8 * 1000000000LL)

/* How things stand. Times are monotonic ns but `wall`. */
struct beat {
    int64_t at, wall;
    int64_t cpu;                       /* ns so far */
    int64_t moved;                     /* bytes read and written so far */
    int64_t gpu_use;                   /* percent; -1: unknown */
    int64_t rss, descriptors, threads; /* the least since the beat before */
    int64_t restless_since;            /* of the thread below; 0: all rest */
    int64_t restless;                  /* its id */
    struct slice restless_name;
    uint64_t answered; /* requests that ended, so far */
    size_t pending;    /* requests under way */
    int64_t quiet;     /* ns since the quietest of them heard anything */
    bool answering;    /* its answer has begun */
};

struct found {
    struct found *next;
    struct arena *arena;    /* owns everything here; of whoever takes it */
    const char *kind;       /* ANOMALY_… */
    int64_t started, ended; /* ns since the epoch */
    struct slice text, evidence;
};

struct watch;

struct watch *watch_new(void);
void watch_free(struct watch *watch); /* NULL is allowed */

void watch_beat(struct watch *watch, const struct beat *beat);

/* No beat will come any more: what is going on ends now. */
void watch_end(struct watch *watch);

/* What was found and is over, oldest first; the caller frees each arena. NULL: nothing. */
struct found *watch_take(struct watch *watch);

#endif
