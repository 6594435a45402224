/*
 * Who is due when: things that want a turn at an absolute time, on a libuv loop. One heap and one
 * timer serve ten thousand paced streams; what is due already gets its turn without the loop
 * waiting, but the loop looks at its sockets between any two turns of the same thing.
 */
#ifndef WORKER_SCHEDULE_H
#define WORKER_SCHEDULE_H

#include <uv.h>

#include "core/clock.h"

/* Embedded in what wants turns. */
struct wake {
    int64_t due; /* monotonic ns */
    size_t at;   /* place in the heap, from 1; 0: not scheduled */
};

struct schedule {
    uv_timer_t timer; /* to the millisecond, never early */
    uv_idle_t idle;   /* active while somebody is due already */
    struct wake **heap;
    size_t count, size;
    int64_t armed; /* what the handles are set for */
    int64_t pass;  /* the time of the pass going on, or 0 */
    void (*turn)(void *context, struct wake *wake, int64_t now);
    void *context;
};

/* `turn` is called once for each wake that is due, which is not scheduled any more by then. */
void schedule_init(struct schedule *s, uv_loop_t *loop,
                   void (*turn)(void *context, struct wake *wake, int64_t now), void *context);

/* Give `wake` a turn at `due`, instead of when it was due before. In a turn: after its `now`. */
void schedule_set(struct schedule *s, struct wake *wake, int64_t due);

/* Forget it; nothing when it is not scheduled. */
void schedule_remove(struct schedule *s, struct wake *wake);

/* Nothing may be scheduled. The handles close on the loop's next turns. */
void schedule_close(struct schedule *s);

#endif
