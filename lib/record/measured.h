/*
 * What was measured, kept by a sink until the run's end, and as lines for people.
 */
#ifndef RECORD_MEASURED_H
#define RECORD_MEASURED_H

#include "core/text.h"
#include "record/event.h"

/* Anomalies that are kept and shown; more have one cause. */
#define MEASURED_ANOMALIES 50

struct measured {
    struct arena *arena; /* of the sink */
    struct resources *resources;
    size_t resource_count;
    struct anomaly *anomalies;
    size_t anomaly_count, anomalies_left_out;
    struct slice bottleneck; /* some lines; empty: nothing to tell */
};

/* What a run this short used says nothing. */
#define MEASURED_SHORTEST NS_PER_S

/* EVENT_RESOURCES, EVENT_ANOMALY and EVENT_BOTTLENECK are kept, others ignored. */
void measured_add(struct measured *m, const struct event *event);

/* The cells of a table: its head, and those of one name. */
#define MEASURED_COLUMNS 9
extern const char *const measured_head[MEASURED_COLUMNS];
#define MEASURED_CELL 24
void measured_cells(char cells[MEASURED_COLUMNS][MEASURED_CELL], const struct resources *r);

/* "1.23 MB". Returns `out`. */
#define BYTES_TEXT 16
const char *format_bytes(char out[BYTES_TEXT], int64_t bytes);

/* "worker: resident memory grew … (4.1 s to 19.8 s)"; times count from the run's start. */
void measured_anomaly_line(struct text *t, const struct anomaly *a, int64_t run_started);

#endif
