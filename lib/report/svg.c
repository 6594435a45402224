/*
 * Charts as SVG. Coordinates have one decimal: a tenth of a pixel is less than anybody sees, and
 * every digit is paid a thousand times.
 */
#include "report/svg.h"

#include <math.h>

#include "core/parse.h"

#define LEFT 64
#define RIGHT 28
#define TOP 14
#define BOTTOM 24
#define HEAT_LEVELS 8
/* A logarithmic axis has more ticks below this ratio of its ends, and even ones below this. */
#define SHORT_AXIS 1000
#define NARROW_AXIS 4

double axis_at(const struct axis *axis, double value)
{
    double low = axis->low, high = axis->high;
    if (axis->logarithmic) {
        low = log10(low);
        high = log10(high);
        value = log10(value);
    }
    double share = high > low ? (value - low) / (high - low) : 0;
    return axis->from + share * (axis->to - axis->from);
}

/* 1, 2 or 5 times a power of ten. */
static double round_step(double rough)
{
    double power = pow(10, floor(log10(rough))), digit = rough / power;
    return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}

static double step_of(const struct axis *axis)
{
    double rough = (axis->high - axis->low) / 6, whole = 1;
    if (rough <= 0)
        return 1;
    while (axis->bytes && axis->high >= whole * 1024)
        whole *= 1024;
    double step = whole * round_step(rough / whole);
    return axis->whole && step < 1 ? 1 : step;
}

struct axis axis_rounded(struct axis axis)
{
    if (axis.logarithmic) {
        axis.low = pow(10, floor(log10(axis.low)));
        axis.high = pow(10, ceil(log10(axis.high)));
        if (axis.high <= axis.low)
            axis.high = axis.low * 10;
    } else {
        if (axis.high <= axis.low)
            axis.high = axis.low + 1;
        axis.step = step_of(&axis);
        axis.high = ceil(axis.high / axis.step) * axis.step;
    }
    return axis;
}

/* Powers of ten; of a short axis twice and five times these too. */
static size_t log_ticks(const struct axis *axis, double *ticks, size_t max)
{
    static const double digits[] = {1, 2, 5};
    size_t count = 0, each = axis->high / axis->low < SHORT_AXIS ? 3 : 1;
    double slack = 1 + 1e-9;
    int power = (int)floor(log10(axis->low)), last = (int)floor(log10(axis->high) + 1e-9);
    for (; power <= last; power++)
        for (size_t i = 0; i < each && count < max; i++) {
            double tick = digits[i] * pow(10, power);
            if (tick >= axis->low / slack && tick <= axis->high * slack)
                ticks[count++] = tick;
        }
    return count;
}

size_t axis_ticks(const struct axis *axis, double *ticks, size_t max)
{
    size_t count = 0;
    if (axis->logarithmic && axis->high / axis->low >= NARROW_AXIS)
        return log_ticks(axis, ticks, max);
    double step = axis->step > 0 ? axis->step : step_of(axis);
    double first = ceil(axis->low / step - 1e-9), last = floor(axis->high / step + 1e-9);
    size_t steps = last >= first ? (size_t)(last - first) + 1 : 0;
    for (; count < steps && count < max; count++)
        ticks[count] = (first + (double)count) * step + 0.0; /* no negative zero */
    return count;
}

void text_add_quantity(struct text *t, double value, enum unit unit)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    char duration[DURATION_TEXT];
    size_t scale = 0;
    switch (unit) {
    case UNIT_NANOSECONDS:
        text_add_str(t, value < 0.5 ? "0" : format_duration(duration, (int64_t)llround(value)));
        break;
    case UNIT_BYTES:
        for (; value >= 1024 && scale < 4; scale++)
            value /= 1024;
        text_printf(t, value < 10 && scale ? "%.1f %s" : "%.0f %s", value, units[scale]);
        break;
    case UNIT_PERCENT:
        text_printf(t, "%.3g %%", value);
        break;
    case UNIT_NINES:
        text_printf(t, "%.10g %%", 100 - 100 / value);
        break;
    case UNIT_NUMBER:
        text_printf(t, "%.10g", value);
        break;
    case UNIT_NONE:
        break;
    }
}

struct chart chart_make(int width, int height, struct axis x, enum unit x_unit, struct axis y,
                        enum unit y_unit)
{
    x.from = LEFT;
    x.to = width - RIGHT;
    y.from = height - BOTTOM;
    y.to = TOP;
    return (struct chart){
        .width = width, .height = height, .x = x, .y = y, .x_unit = x_unit, .y_unit = y_unit};
}

static void add_ticks(struct text *t, const struct chart *c)
{
    double ticks[AXIS_TICKS];
    size_t count = axis_ticks(&c->x, ticks, AXIS_TICKS);
    for (size_t i = 0; i < count; i++) {
        text_printf(t, "<text x=\"%.1f\" y=\"%d\" class=\"x\">", axis_at(&c->x, ticks[i]),
                    c->height - 6);
        text_add_quantity(t, ticks[i], c->x_unit);
        text_add_str(t, "</text>");
    }
    count = c->y_unit == UNIT_NONE ? 0 : axis_ticks(&c->y, ticks, AXIS_TICKS);
    for (size_t i = 0; i < count; i++) {
        double y = axis_at(&c->y, ticks[i]);
        text_printf(
            t, "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" class=\"y\">",
            LEFT, y, c->width - RIGHT, LEFT - 6, y + 4);
        text_add_quantity(t, ticks[i], c->y_unit);
        text_add_str(t, "</text>");
    }
}

void chart_open(struct text *t, const struct chart *chart, struct slice title)
{
    text_printf(t, "<div class=\"chart\"><svg viewBox=\"0 0 %d %d\" role=\"img\"><title>",
                chart->width, chart->height);
    text_add_xml(t, title);
    text_add_str(t, "</title>");
    add_ticks(t, chart);
}

void chart_close(struct text *t)
{
    text_add_str(t, "</svg></div>\n");
}

void chart_line(struct text *t, const struct chart *chart, const char *class, const double *x,
                const double *y, size_t count)
{
    bool drawing = false;
    if (count == 0)
        return;
    text_printf(t, "<path class=\"line %s\" d=\"", class);
    for (size_t i = 0; i < count; i++) {
        if (!isnan(y[i]))
            text_printf(t, "%s%.1f %.1f", drawing ? "L" : "M", axis_at(&chart->x, x[i]),
                        axis_at(&chart->y, y[i]));
        /* A line of one point is seen as one: its end is round. */
        if (!isnan(y[i]) && !drawing && (i + 1 == count || isnan(y[i + 1])))
            text_add_str(t, "h0");
        drawing = !isnan(y[i]);
    }
    text_add_str(t, "\"/>");
}

void chart_dots(struct text *t, const struct chart *chart, const char *class, const double *x,
                const double *y, size_t count)
{
    text_printf(t, "<path class=\"line dots %s\" d=\"", class);
    for (size_t i = 0; i < count; i++)
        if (!isnan(y[i]))
            text_printf(t, "M%.1f %.1fh0", axis_at(&chart->x, x[i]), axis_at(&chart->y, y[i]));
    text_add_str(t, "\"/>");
}

/* From 1 to HEAT_LEVELS; 0 of nothing. */
static int heat_level(double count, double most)
{
    if (count <= 0)
        return 0;
    return most > 1 ? 1 + (int)lround((HEAT_LEVELS - 1) * log(count) / log(most)) : HEAT_LEVELS;
}

void chart_heat(struct text *t, const struct chart *chart, const double *counts, const double *x,
                size_t columns, const double *y, size_t rows)
{
    double most = 0;
    for (size_t i = 0; i < rows * columns; i++)
        most = fmax(most, counts[i]);
    for (int level = 1; level <= HEAT_LEVELS; level++) {
        text_printf(t, "<path class=\"heat\" fill-opacity=\"%.2f\" d=\"",
                    (double)level / HEAT_LEVELS);
        for (size_t row = 0; row < rows; row++) {
            double bottom = axis_at(&chart->y, y[row]), top = axis_at(&chart->y, y[row + 1]);
            for (size_t k = 0, next; k < columns; k = next) {
                next = k + 1;
                if (heat_level(counts[row * columns + k], most) != level)
                    continue;
                while (next < columns && heat_level(counts[row * columns + next], most) == level)
                    next++;
                double left = axis_at(&chart->x, x[k]), right = axis_at(&chart->x, x[next]);
                text_printf(t, "M%.1f %.1fH%.1fV%.1fH%.1fz", left, top, right, bottom, left);
            }
        }
        text_add_str(t, "\"/>");
    }
}

void chart_bar(struct text *t, const struct chart *chart, const char *class, double x_low,
               double x_high, double y_low, double y_high, struct slice title)
{
    double left = axis_at(&chart->x, x_low), right = axis_at(&chart->x, x_high);
    double bottom = axis_at(&chart->y, y_low), top = axis_at(&chart->y, y_high);
    text_printf(t, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">",
                class, left, top, fmax(right - left - 1, 0.5), fmax(bottom - top, 0));
    if (title.len) {
        text_add_str(t, "<title>");
        text_add_xml(t, title);
        text_add_str(t, "</title>");
    }
    text_add_str(t, "</rect>");
}

void chart_mark(struct text *t, const struct chart *chart, double x, struct slice label)
{
    double at = axis_at(&chart->x, x);
    text_printf(t,
                "<path class=\"mark\" d=\"M%.1f %d V%d\"/><text class=\"x\" x=\"%.1f\" y=\"%d\">",
                at, TOP, chart->height - BOTTOM, at, TOP - 3);
    text_add_xml(t, label);
    text_add_str(t, "</text>");
}

void chart_band(struct text *t, const struct chart *chart, const char *class, double x_low,
                double x_high, struct slice title)
{
    double left = axis_at(&chart->x, x_low), right = axis_at(&chart->x, x_high);
    text_printf(t, "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"><title>",
                class, left, TOP, fmax(right - left, 1), chart->height - BOTTOM - TOP);
    text_add_xml(t, title);
    text_add_str(t, "</title></rect>");
}
