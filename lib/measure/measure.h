/*
 * The sampler: a thread that looks at assay itself and at every service with all its processes,
 * every MEASURE_INTERVAL by absolute deadlines, so that the run's loop never waits for /proc. What
 * it has seen is taken from it now and then by the loop (measure_take).
 *
 * It costs what it costs and says so: it counts its own CPU time, and when a look at everything
 * would take more than MEASURE_BUDGET of a core it looks less often. A subject that is looked at
 * for long is looked at less often too; docs/measure.md has the figures.
 *
 * All functions are for the loop's thread.
 */
#ifndef MEASURE_MEASURE_H
#define MEASURE_MEASURE_H

#include <sys/types.h>

#include "core/arena.h"
#include "core/clock.h"
#include "measure/sample.h"

#define MEASURE_INTERVAL (100 * NS_PER_MS)
/* The share of one core that it may use. */
#define MEASURE_BUDGET 0.01
/* What is dearer is looked at every so many samples: threads, children, storage. */
#define MEASURE_BEAT 5
/* Samples of one subject at the first resolution, 102 s; each later doubling of its time gives half
   as many more. */
#define MEASURE_SAMPLES 1024
/* Processes of one subject that are looked at; of further ones only the number is told. */
#define MEASURE_PROCESSES 64

struct measure;
struct measure_subject;

/* Starts the thread, and measures this process itself as "assay". */
struct result measure_start(int64_t interval, struct measure **out) MUST_USE;

/*
 * Measure everything below the process `root` (not itself): a service under its keeper, whose
 * program is `pid`. It is watched for anomalies from measure_ready on.
 */
struct measure_subject *measure_add(struct measure *measure, struct slice name, uint32_t instance,
                                    pid_t root, pid_t pid);
void measure_ready(struct measure_subject *subject);

/* It has ended; the subject must not be used any more, but for requests under way. */
void measure_remove(struct measure_subject *subject);

/*
 * A request to a subject while it is under way: for stalls, and for the most memory meanwhile. The
 * caller keeps the struct where it is until measure_request_end.
 */
struct measure_request {
    struct measure_subject *subject; /* NULL: nobody that is measured */
    struct measure_request *previous, *next;
    int64_t heard; /* monotonic ns: when it began, or when a part of its answer came */
    bool answering;
    int64_t rss_max; /* bytes, at the samples meanwhile */
};

void measure_request_begin(struct measure_request *request, struct measure_subject *subject);
void measure_request_heard(struct measure_request *request);
void measure_request_end(struct measure_request *request);

/* Its resident memory at this moment, in bytes; dear: some 50 us for each process. 0: it is gone.
 */
int64_t measure_resident(const struct measure_subject *subject);

/* What is new since the last call. `samples` come in pieces, a subject's before its resources and
   anomalies, which come when it has ended. */
struct measure_news {
    void *context;
    void (*samples)(void *context, const struct samples *samples);
    void (*resources)(void *context, const struct resources *resources);
    void (*anomaly)(void *context, const struct anomaly *anomaly);
    /* Something people should know: it looks less often. */
    void (*note)(void *context, const char *text);
};
void measure_take(struct measure *measure, const struct measure_news *news);

/* A last look at everything; then the thread is gone, and measure_take gives what is left. */
void measure_stop(struct measure *measure);
void measure_free(struct measure *measure); /* NULL is allowed */

/* CPU time that the thread has used, ns. Only after measure_stop. */
int64_t measure_cost(const struct measure *measure);

#endif
