/*
 * How long something takes, as a distribution: what makes a stub's pace like that of inference.
 * The same generator gives the same times.
 *
 *     20                     always 20 ms
 *     normal:20,5            normal with mean 20 ms and deviation 5 ms; never below 0
 *     lognormal:20,0.5       lognormal with median 20 ms and sigma 0.5: a long tail
 *     table:PATH             one of the lines of a file, each as likely; milliseconds
 */
#ifndef WORKER_TIMING_H
#define WORKER_TIMING_H

#include "core/arena.h"
#include "core/random.h"

/* A day: longer than any test, and far from what nanoseconds overflow at. */
#define PACE_MS_MAX 86400000.0

/* Lines of a table. */
#define TIMING_TABLE_MAX 1000000

enum timing_form { TIMING_CONSTANT, TIMING_NORMAL, TIMING_LOGNORMAL, TIMING_TABLE };

struct timing {
    enum timing_form form;
    double middle;        /* ns: the value, the mean or the median */
    double spread;        /* ns: the deviation; or sigma */
    const int64_t *table; /* ns; in the arena it was read into */
    size_t table_count;
};

static inline struct timing timing_constant(int64_t ns)
{
    return (struct timing){.form = TIMING_CONSTANT, .middle = (double)ns};
}

/*
 * Read one of the forms above. The arena is for a table; NULL: tables are not allowed, for the text
 * comes from outside. ERR_VALUE with what was expected.
 */
struct result timing_read(struct slice text, struct arena *arena, struct timing *out) MUST_USE;

/* The next time in ns: 0 to a day. A constant leaves the generator alone. */
int64_t timing_next(const struct timing *timing, struct random *random);

#endif
