/*
 * What is measured of a subject (assay itself, or a service with all its processes): samples, what
 * they come to, and what was found wrong with them. Plain values that pass from the sampler to the
 * recorder, the store and the reports.
 */
#ifndef MEASURE_SAMPLE_H
#define MEASURE_SAMPLE_H

#include "core/slice.h"

/* One look at all processes of a subject; sums over them. */
struct sample {
    int64_t at;       /* ns since the epoch */
    int64_t cpu;      /* ns used so far, by processes that have ended too */
    int64_t rss, pss; /* bytes; pss 0: not taken, it is dear */
    int64_t processes, threads, descriptors;
    int64_t voluntary, involuntary;    /* context switches so far */
    int64_t read_bytes, written_bytes; /* so far, of storage */
    int64_t gpu_memory;                /* bytes; -1: unknown */
    int64_t gpu_use; /* percent of the devices it is on, the busiest; -1: unknown */
};

/* Samples of one subject, in the order of time. */
struct samples {
    struct slice name; /* "assay", or of a service */
    uint32_t subject;  /* its number in the run, from 1 */
    uint32_t instance; /* which of that name, from 1 */
    int64_t pid;
    const struct sample *items;
    size_t count;
};

/* What samples of one name (all its instances) come to. */
struct resources {
    struct slice name;
    uint32_t instances;
    uint64_t samples;
    int64_t elapsed, cpu; /* ns: how long it was looked at, and CPU time used meanwhile */
    double cpu_max;       /* cores, the most during a second; of less time, during all of it */
    int64_t rss_max, pss_max, processes_max, threads_max, descriptors_max;
    int64_t voluntary, involuntary, read_bytes, written_bytes; /* meanwhile */
    int64_t gpu_memory_max, gpu_use_max;                       /* -1: unknown */
};

/* Sums up the samples of one instance, one after another. */
struct resources_sum {
    struct resources all;              /* without a name */
    struct sample first, last, anchor; /* anchor: where the present second began */
};

struct resources_sum resources_sum(void);
void resources_add(struct resources_sum *sum, const struct sample *sample);
/* Add what came of one instance to those before it; the name of `into` stays. */
void resources_merge(struct resources *into, const struct resources *r);

/* Mean use of the processor, in cores. */
double resources_cpu_mean(const struct resources *r);

/* Something that a healthy subject does not do. */
struct anomaly {
    struct slice kind;    /* ANOMALY_… */
    struct slice subject; /* name of the service */
    uint32_t number;      /* of the subject; 0: the run as a whole */
    uint32_t instance;
    int64_t started, ended; /* ns since the epoch */
    struct slice text;      /* a sentence with its figures */
    struct slice evidence;  /* JSON: the figures */
};

#define ANOMALY_CPU "cpu"                 /* a thread that never rests */
#define ANOMALY_MEMORY "memory"           /* resident memory that only grows */
#define ANOMALY_DESCRIPTORS "descriptors" /* open files that only become more */
#define ANOMALY_THREADS "threads"         /* threads that only become more */
#define ANOMALY_BOTTLENECK "bottleneck"   /* none: where the time of a run went; of no subject */
#define ANOMALY_STALL "stall"             /* a request that nobody works on, or works on in vain */

#endif
