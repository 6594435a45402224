/*
 * What a load comes to in a few figures, and how sure each is. Latencies that follow each other are
 * alike (one queue, one garbage collection delays them all), so a thousand of them are worth less
 * than a thousand independent ones. How much less is seen in how the seconds of a load differ
 * (load/evidence.h); the interval of a percentile is that of its rank, read from the histogram
 * (Woodruff, 1952). Variances are of the logarithm, so that they are of relative differences.
 *
 * Of metrics that are not kept second by second, the seconds of the one nearest to them tell.
 */
#ifndef REPORT_LOAD_FIGURES_H
#define REPORT_LOAD_FIGURES_H

#include "report/load_data.h"

enum load_figure_unit { LOAD_TIME, LOAD_COUNT, LOAD_RATE, LOAD_SHARE };

/*    code               name                 unit        metric       percent (0: mean), seconds
 * of, is worse when greater */
#define LOAD_FIGURE_TABLE(X)                                                                       \
    X(LATENCY_P50, "latency p50", LOAD_TIME, METRIC_LATENCY, 50, SECOND_LATENCY, 1)                \
    X(LATENCY_P90, "latency p90", LOAD_TIME, METRIC_LATENCY, 90, SECOND_LATENCY, 1)                \
    X(LATENCY_P99, "latency p99", LOAD_TIME, METRIC_LATENCY, 99, SECOND_LATENCY, 1)                \
    X(FIRST_BYTE_P50, "first_byte p50", LOAD_TIME, METRIC_FIRST_BYTE, 50, SECOND_LATENCY, 1)       \
    X(FIRST_BYTE_P99, "first_byte p99", LOAD_TIME, METRIC_FIRST_BYTE, 99, SECOND_LATENCY, 1)       \
    X(TTFT_P50, "ttft p50", LOAD_TIME, METRIC_TTFT, 50, SECOND_TTFT, 1)                            \
    X(TTFT_P90, "ttft p90", LOAD_TIME, METRIC_TTFT, 90, SECOND_TTFT, 1)                            \
    X(TTFT_P99, "ttft p99", LOAD_TIME, METRIC_TTFT, 99, SECOND_TTFT, 1)                            \
    X(ITL_P50, "itl p50", LOAD_TIME, METRIC_ITL, 50, SECOND_ITL, 1)                                \
    X(ITL_P99, "itl p99", LOAD_TIME, METRIC_ITL, 99, SECOND_ITL, 1)                                \
    X(TPOT_P50, "tpot p50", LOAD_TIME, METRIC_TPOT, 50, SECOND_LATENCY, 1)                         \
    X(TPOT_P99, "tpot p99", LOAD_TIME, METRIC_TPOT, 99, SECOND_LATENCY, 1)                         \
    X(TOKENS, "output_tokens mean", LOAD_COUNT, METRIC_TOKENS, 0, SECOND_LATENCY, 0)               \
    X(ANSWERS, "answers/s", LOAD_RATE, METRIC_COUNT, 0, SECOND_LATENCY, -1)                        \
    X(TOKEN_RATE, "tokens/s", LOAD_RATE, METRIC_COUNT, 0, SECOND_LATENCY, -1)                      \
    X(ERRORS, "errors", LOAD_SHARE, METRIC_COUNT, 0, SECOND_LATENCY, 1)

enum load_figure_code {
#define X(code, name, unit, metric, percent, seconds, worse) FIGURE_##code,
    LOAD_FIGURE_TABLE(X)
#undef X
        LOAD_FIGURES
};

struct load_figure_kind {
    const char *name;
    enum load_figure_unit unit;
    enum metric metric;
    double percent;
    enum second_metric seconds;
    int worse; /* 1: when greater, -1: when less, 0: it is neither good nor bad */
};
extern const struct load_figure_kind load_figure_kinds[LOAD_FIGURES];

struct load_figure {
    bool seen; /* there is a value: ns, a count, a second, or a share */
    bool sure; /* … and it is known how sure it is: */
    double value;
    double variance; /* of its logarithm; unused of a share */
    double freedom;  /* degrees, of the variance */
    /* Of a share: so many independent requests it is worth, and so many of these. */
    double hits, of;
};

/* Of a load that ended. */
void load_figures(const struct load_data *data, struct load_figure out[LOAD_FIGURES]);

#endif
