/*
 * What loads one after the other have shown: the points of a sweep or a search, and what follows.
 */
#ifndef LOAD_CURVE_H
#define LOAD_CURVE_H

#include <jansson.h>

#include "core/text.h"
#include "load/search.h"
#include "load/verdict.h"

#define CURVE_POINTS 64
_Static_assert(SEARCH_STEPS <= CURVE_POINTS, "every step of a search is a point");

/* Of a metric at a point; ns. */
struct curve_times {
    uint64_t count;
    double mean;
    int64_t p50, p90, p99, most;
};

struct curve_point {
    struct search_step step;
    enum load_verdict verdict;
    int64_t measured; /* ns */
    uint64_t requests, answered;
    uint64_t failures[FAILURE_COUNT];
    double answers_per_s, tokens_per_s;
    struct curve_times times[SECOND_METRICS];
};

struct curve {
    const struct load_plan *plan; /* of every point, but for its load */
    const struct slo *slos;
    size_t slo_count;
    bool users;           /* loads are users, else requests a second */
    bool searched;        /* there is an answer */
    bool interrupted;     /* it was ended before its time */
    int64_t started_wall; /* ns since the epoch */
    struct search_answer answer;
    size_t count;
    struct curve_point points[CURVE_POINTS]; /* as they were taken */
};

/* What a step came to. */
struct curve_point curve_point_of(const struct search_step *step, enum load_verdict verdict,
                                  const struct load_outcome *outcome);

/*
 * The point at which throughput by mean latency is greatest (Kleinrock's power: L. Kleinrock,
 * "Power and deterministic rules of thumb for probabilistic problems in computer communications",
 * ICC 1979): below it more load brings more than it costs, above it less. NULL when that is the
 * greatest load there was, so that the knee lies beyond, or fewer than three can be believed.
 */
const struct curve_point *curve_knee(const struct curve *curve);

/* "holds", "saturated", "INVALID", …; "" when there is nothing to say. */
const char *curve_word(const struct curve *curve, const struct curve_point *point);

/* What a search came to, for programs: "found", … */
extern const char *const curve_states[]; /* by enum search_state */

/* Lines for people: what is in the columns, a point, and what follows from all of them. */
void curve_columns(struct text *t, const struct curve *curve);
void curve_line(struct text *t, const struct curve *curve, const struct curve_point *point);
void curve_conclusion(struct text *t, const struct curve *curve);

/* Reports. The caller owns the reference. */
json_t *curve_json(const struct curve *curve);
void curve_csv(struct text *t, const struct curve *curve);
void curve_markdown(struct text *t, const struct curve *curve);

#endif
