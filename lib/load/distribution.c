/*
 * Reading and drawing.
 */
#include "load/distribution.h"

#include <math.h>

#include "core/parse.h"

/* Bounds near the mean let few draws pass; after so many the value is moved to the nearest bound.
 */
#define TRIES 100

/* Polar method (Marsaglia and Bray, 1964). */
double draw_normal(struct random *random)
{
    for (;;) {
        double u = 2 * random_unit(random) - 1, v = 2 * random_unit(random) - 1;
        double s = u * u + v * v;
        if (s > 0 && s < 1)
            return u * sqrt(-2 * log(s) / s);
    }
}

double draw_exponential(struct random *random)
{
    return -log1p(-random_unit(random));
}

/* Of a lognormal variable with mean m and deviation s: σ² = ln(1 + s²/m²), μ = ln m - σ²/2. */
static double draw_lognormal(double mean, double deviation, struct random *random)
{
    double variance = log1p(deviation * deviation / (mean * mean));
    return exp(log(mean) - variance / 2 + sqrt(variance) * draw_normal(random));
}

static double draw(const struct distribution *d, struct random *random)
{
    switch (d->kind) {
    case DISTRIBUTION_UNIFORM:
        return (double)random_between(random, llround(d->a), llround(d->b));
    case DISTRIBUTION_NORMAL:
        return d->a + d->b * draw_normal(random);
    case DISTRIBUTION_LOGNORMAL:
        return draw_lognormal(d->a, d->b, random);
    case DISTRIBUTION_EXPONENTIAL:
        return d->a * draw_exponential(random);
    case DISTRIBUTION_CONSTANT:
    default:
        return d->a;
    }
}

int64_t distribution_draw(const struct distribution *d, struct random *random)
{
    double value = round(draw(d, random));
    for (int i = 1; (value < d->least || value > d->most) && i < TRIES; i++)
        value = round(draw(d, random));
    return llround(fmin(fmax(value, d->least), d->most));
}

/* ------------------------------------------------------------------ reading */

typedef bool read_value(struct slice text, double *out);

static bool read_count(struct slice text, double *out)
{
    uint64_t value = 0;
    if (!result_ok(parse_unsigned(text, UINT32_MAX, &value)))
        return false;
    *out = (double)value;
    return true;
}

static bool read_time(struct slice text, double *out)
{
    int64_t value = 0;
    if (!result_ok(parse_duration(text, &value)))
        return false;
    *out = (double)value;
    return true;
}

static const char *const names[DISTRIBUTION_KIND_COUNT] = {
#define X(code, name) name,
    DISTRIBUTION_TABLE(X)
#undef X
};

/* "NAME:" in front; without one it is a constant. */
static enum distribution_kind take_kind(struct slice *rest)
{
    ptrdiff_t colon = slice_find_byte(*rest, ':');
    if (colon < 0)
        return DISTRIBUTION_CONSTANT;
    struct slice name = slice_part(*rest, 0, (size_t)colon);
    *rest = slice_from(*rest, (size_t)colon + 1);
    for (int i = 0; i < DISTRIBUTION_KIND_COUNT; i++)
        if (slice_is(name, names[i]))
            return (enum distribution_kind)i;
    return DISTRIBUTION_KIND_COUNT;
}

/* Two values with `between` between them. */
static bool read_two(struct slice text, struct slice between, read_value *read,
                     struct distribution *out)
{
    ptrdiff_t at = slice_find(text, between);
    return at >= 0 && read(slice_trim(slice_part(text, 0, (size_t)at)), &out->a) &&
           read(slice_trim(slice_from(text, (size_t)at + between.len)), &out->b);
}

static bool read_form(struct slice text, read_value *read, struct distribution *out)
{
    out->kind = take_kind(&text);
    switch (out->kind) {
    case DISTRIBUTION_CONSTANT:
    case DISTRIBUTION_EXPONENTIAL:
        return read(text, &out->a);
    case DISTRIBUTION_UNIFORM:
        return read_two(text, SLICE(".."), read, out) && out->a <= out->b && out->b <= out->most;
    case DISTRIBUTION_NORMAL:
    case DISTRIBUTION_LOGNORMAL:
        return read_two(text, SLICE(","), read, out) && out->b <= out->most;
    default:
        return false;
    }
}

/* What is said of it must lie within the bounds itself, so that draws mostly do. */
static bool read_bounded(const char *text, read_value *read, struct distribution *out)
{
    return read_form(slice_trim(slice_str(text)), read, out) && out->a >= out->least &&
           out->a <= out->most && (out->a > 0 || out->kind != DISTRIBUTION_LOGNORMAL);
}

struct result distribution_counts(const char *option, const char *text, uint32_t least,
                                  uint32_t most, struct distribution *out)
{
    *out = (struct distribution){.least = least, .most = most};
    ENSURE(read_bounded(text, read_count, out), ERR_USAGE,
           "%s %s: expected a number from %u to %u, or how it varies: uniform:100..1000, "
           "normal:512,128 or lognormal:512,400 (mean and standard deviation), exponential:512",
           option, text, least, most);
    return RESULT_OK;
}

struct result distribution_times(const char *option, const char *text, int64_t most,
                                 struct distribution *out)
{
    *out = (struct distribution){.most = (double)most};
    char longest[DURATION_TEXT];
    ENSURE(read_bounded(text, read_time, out), ERR_USAGE,
           "%s %s: expected a time up to %s such as 2s, or how it varies: exponential:2s, "
           "uniform:1s..3s, normal:2s,500ms or lognormal:2s,1s (mean and standard deviation)",
           option, text, format_duration(longest, most));
    return RESULT_OK;
}
