/*
 * What assay and its services used, in the HTML report: a row of charts for each name, with a line
 * for each of its instances, and what was out of the ordinary marked in all of them.
 */
#include <math.h>

#include "report/html_parts.h"
#include "report/svg.h"

#define WIDTH 440
#define HEIGHT 150
/* Names with charts of their own; a suite with more services has a table. */
#define NAMES_SHOWN 10
/* Lines in one chart, and points in one line: more than a screen has. */
#define LINES_SHOWN 40
#define POINTS_SHOWN 500
#define ANOMALIES_SHOWN 100

struct measure_shown {
    const char *title;
    enum unit unit;
    bool whole;
    size_t offset; /* of its array in struct resource_track */
};

static const struct measure_shown measures[] = {
    {"processor, cores", UNIT_NUMBER, false, offsetof(struct resource_track, cpu)},
    {"resident memory", UNIT_BYTES, false, offsetof(struct resource_track, rss)},
    {"open descriptors", UNIT_NUMBER, true, offsetof(struct resource_track, descriptors)},
};

static const double *values_of(const struct resource_track *track, const struct measure_shown *m)
{
    return *(double *const *)(const void *)((const char *)track + m->offset);
}

/* Of every stretch of points the largest: a peak must not be lost. */
static size_t thin(struct arena *arena, const struct resource_track *track, const double *values,
                   double **x, double **y)
{
    size_t step = (track->count + POINTS_SHOWN - 1) / POINTS_SHOWN, count = 0;
    *x = ARENA_ARRAY(arena, double, POINTS_SHOWN + 1);
    *y = ARENA_ARRAY(arena, double, POINTS_SHOWN + 1);
    for (size_t i = 0; i < track->count; i += step) {
        (*x)[count] = track->at[i];
        (*y)[count] = values[i];
        for (size_t k = i; k < i + step && k < track->count; k++)
            (*y)[count] = fmax((*y)[count], values[k]);
        count++;
    }
    return count;
}

static void draw(struct text *t, const struct run_data *run, const struct resource_track *tracks,
                 size_t count, const struct measure_shown *m, double end)
{
    double highest = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < tracks[i].count; k++)
            highest = fmax(highest, values_of(&tracks[i], m)[k]);
    struct axis x = {.high = end},
                y = {.high = highest, .bytes = m->unit == UNIT_BYTES, .whole = m->whole};
    struct chart chart =
        chart_make(WIDTH, HEIGHT, axis_rounded(x), UNIT_NANOSECONDS, axis_rounded(y), m->unit);
    struct text title = text_in(t->arena);
    text_printf(&title, "%s of %.*s", m->title, SLICE_ARG(tracks[0].name));
    text_printf(t, "<div><p class=\"dim\">%s</p>\n", m->title);
    chart_open(t, &chart, text_slice(&title));
    for (size_t i = 0; i < run->anomaly_count; i++) {
        const struct run_anomaly *a = &run->anomalies[i];
        if (slice_eq(a->subject, tracks[0].name))
            chart_band(t, &chart, "band", (double)(a->started - run->runs[0].started_wall),
                       (double)(a->ended - run->runs[0].started_wall), a->text);
    }
    for (size_t i = 0; i < count && i < LINES_SHOWN; i++) {
        double *px, *py;
        size_t points = thin(t->arena, &tracks[i], values_of(&tracks[i], m), &px, &py);
        chart_line(t, &chart, i % 2 ? "b" : "a", px, py, points);
    }
    chart_close(t);
    text_add_str(t, "</div>\n");
}

static void add_anomalies(struct text *t, const struct run_data *run)
{
    size_t count = run->anomaly_count < ANOMALIES_SHOWN ? run->anomaly_count : ANOMALIES_SHOWN;
    if (count)
        text_add_str(t, "<ul>\n");
    for (size_t i = 0; i < count; i++) {
        text_add_str(t, "<li><span class=\"flag\">");
        html_text(t, run->anomalies[i].kind, 40);
        text_add_str(t, "</span> ");
        html_text(t, run->anomalies[i].text, 400);
        text_add_byte(t, '\n');
    }
    if (count)
        text_add_str(t, "</ul>\n");
}

void html_resources(struct text *t, const struct run_data *run, const struct resource_history *h)
{
    double end = 0;
    size_t names = 0, next;
    if (h->count == 0)
        return;
    for (size_t i = 0; i < h->count; i++)
        end = fmax(end, h->tracks[i].at[h->tracks[i].count - 1]);
    text_add_str(t, "<h2 id=\"resources\">What was used</h2>\n");
    add_anomalies(t, run);
    for (size_t i = 0; i < h->count && names < NAMES_SHOWN; i = next, names++) {
        for (next = i + 1; next < h->count; next++)
            if (!slice_eq(h->tracks[next].name, h->tracks[i].name))
                break;
        text_add_str(t, "<h3>");
        html_text(t, h->tracks[i].name, 100);
        if (next > i + 1)
            text_printf(t, " <span class=\"dim\">%zu instances</span>", next - i);
        text_add_str(t, "</h3>\n<div class=\"charts\">\n");
        for (size_t m = 0; m < sizeof(measures) / sizeof(measures[0]); m++)
            draw(t, run, h->tracks + i, next - i, &measures[m], end);
        text_add_str(t, "</div>\n");
    }
}
