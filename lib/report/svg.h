/*
 * Charts as SVG, made by us: axes with round ticks, lines, bars. A chart is a text; colours come
 * from classes of the page around it, so that light and dark need one drawing.
 */
#ifndef REPORT_SVG_H
#define REPORT_SVG_H

#include "core/text.h"

/* From values to pixels. A logarithmic axis needs 0 < low. */
struct axis {
    double low, high;
    bool logarithmic;
    bool bytes;      /* ticks are round in powers of 1024 */
    bool whole;      /* they are whole numbers */
    double step;     /* between ticks; 0: as it comes */
    double from, to; /* pixels of low and high */
};

double axis_at(const struct axis *axis, double value);

/* The same with `high` (and for a linear axis that begins at 0 nothing else) moved out to a tick.
 */
struct axis axis_rounded(struct axis axis);

/* Round values within the axis, ascending; at most `max` of them. */
#define AXIS_TICKS 12
size_t axis_ticks(const struct axis *axis, double *ticks, size_t max);

/* How a tick is written: ns as "20 ms", bytes as "1.5 MiB", "40 %", a number, or not at all. */
/* UNIT_NINES is one in so many: of 100 the percentile 99 is told. */
enum unit { UNIT_NANOSECONDS, UNIT_BYTES, UNIT_PERCENT, UNIT_NINES, UNIT_NUMBER, UNIT_NONE };

/* Ticks are round in their unit: bytes by powers of 1024. */
void text_add_quantity(struct text *t, double value, enum unit unit);

/* The frame of a chart. `title` is said to whoever cannot see it. */
struct chart {
    int width, height;
    struct axis x, y;
    enum unit x_unit, y_unit;
};

/* A chart with room for its ticks; x and y from the values, pixels filled in. */
struct chart chart_make(int width, int height, struct axis x, enum unit x_unit, struct axis y,
                        enum unit y_unit);

void chart_open(struct text *t, const struct chart *chart, struct slice title);
void chart_close(struct text *t);

/* Where y is NAN the line is broken. */
void chart_line(struct text *t, const struct chart *chart, const char *class, const double *x,
                const double *y, size_t count);
/* A point for each value. */
void chart_dots(struct text *t, const struct chart *chart, const char *class, const double *x,
                const double *y, size_t count);
void chart_bar(struct text *t, const struct chart *chart, const char *class, double x_low,
               double x_high, double y_low, double y_high, struct slice title);

/* A vertical line with a word at its top. */
void chart_mark(struct text *t, const struct chart *chart, double x, struct slice label);

/*
 * Fields of a plane, each as strong as the greatest is by the logarithm, so that a single one is
 * seen: `counts` has `rows` of `columns`, from the bottom; they end at the values of `x` and `y`,
 * which begin with where the first begins.
 */
void chart_heat(struct text *t, const struct chart *chart, const double *counts, const double *x,
                size_t columns, const double *y, size_t rows);

/* A stretch of time, from top to bottom. */
void chart_band(struct text *t, const struct chart *chart, const char *class, double x_low,
                double x_high, struct slice title);

#endif
