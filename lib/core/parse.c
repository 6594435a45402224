/*
 * Strict parsers. They read slices (no terminator needed), never skip blanks and never stop early.
 */
#include "core/parse.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct result wrong(const char *wanted, struct slice s, size_t at)
{
    if (s.len == 0)
        return error_set(ERR_VALUE, "expected %s, got nothing", wanted);
    int shown = s.len > 60 ? 60 : (int)s.len;
    return error_set(ERR_VALUE, "expected %s, got \"%.*s\" (wrong at character %zu)", wanted, shown,
                     s.data, at + 1);
}

static struct result digits(const char *wanted, struct slice s, size_t from, uint64_t max,
                            uint64_t *out)
{
    uint64_t value = 0;
    if (from >= s.len)
        return wrong(wanted, s, from);
    if (s.data[from] == '0' && s.len > from + 1)
        return wrong(wanted, s, from + 1);
    for (size_t i = from; i < s.len; i++) {
        if (!digit(s.data[i]))
            return wrong(wanted, s, i);
        uint64_t d = (uint64_t)(s.data[i] - '0');
        if (d > max || value > (max - d) / 10)
            return error_set(ERR_VALUE, "%.*s is more than %llu", SLICE_ARG(s),
                             (unsigned long long)max);
        value = value * 10 + d;
    }
    *out = value;
    return RESULT_OK;
}

struct result parse_unsigned(struct slice s, uint64_t max, uint64_t *out)
{
    return digits("a whole number", s, 0, max, out);
}

struct result parse_integer(struct slice s, int64_t *out)
{
    bool negative = s.len && s.data[0] == '-';
    uint64_t max = (uint64_t)INT64_MAX + negative, value;
    TRY(digits("a whole number", s, negative, max, &value));
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return RESULT_OK;
}

/* Length of the JSON number at the start of `s`; 0 when there is none, with `*fault` its place. */
static size_t number_length(struct slice s, size_t *fault)
{
    size_t i = 0;
#define AT(k) ((k) < s.len ? s.data[k] : '\0')
    if (AT(i) == '-')
        i++;
    *fault = i;
    if (!digit(AT(i)))
        return 0;
    if (AT(i) == '0')
        i++;
    else
        while (digit(AT(i)))
            i++;
    if (AT(i) == '.') {
        *fault = ++i;
        if (!digit(AT(i)))
            return 0;
        while (digit(AT(i)))
            i++;
    }
    if (AT(i) == 'e' || AT(i) == 'E') {
        i++;
        if (AT(i) == '+' || AT(i) == '-')
            i++;
        *fault = i;
        if (!digit(AT(i)))
            return 0;
        while (digit(AT(i)))
            i++;
    }
#undef AT
    return i;
}

struct result parse_number(struct slice s, double *out)
{
    size_t fault = 0, n = number_length(s, &fault);
    char text[64];
    if (n == 0)
        return wrong("a number", s, fault);
    if (n < s.len)
        return wrong("a number", s, n);
    ENSURE(n < sizeof(text), ERR_VALUE, "a number of %zu characters is too long", n);
    memcpy(text, s.data, n);
    text[n] = '\0';
    double value = strtod(text, NULL);
    ENSURE(isfinite(value), ERR_VALUE, "%s is too large", text);
    *out = value;
    return RESULT_OK;
}

struct unit {
    const char *name;
    double factor;
};

/* The unit spelled at the start of `s` (letters and µ), or NULL. */
static const struct unit *unit_at(struct slice s, const struct unit *units, size_t *len)
{
    size_t n = 0;
    while (n < s.len && !digit(s.data[n]))
        n++;
    *len = n;
    for (; units->name; units++)
        if (slice_is(slice_of(s.data, n), units->name))
            return units;
    return NULL;
}

struct result parse_duration(struct slice s, int64_t *nanoseconds)
{
    static const struct unit units[] = {{"d", 86400e9}, {"h", 3600e9}, {"m", 60e9},
                                        {"s", 1e9},     {"ms", 1e6},   {"us", 1e3},
                                        {"µs", 1e3},    {"ns", 1},     {NULL, 0}};
    static const char wanted[] = "a duration such as 500ms, 1.5s or 1m30s";
    double total = 0, last_factor = INFINITY;
    size_t at = 0;

    if (slice_is(s, "0")) {
        *nanoseconds = 0;
        return RESULT_OK;
    }
    if (s.len == 0)
        return wrong(wanted, s, 0);
    while (at < s.len) {
        size_t fault = 0, len;
        size_t n = number_length(slice_from(s, at), &fault);
        if (n == 0 || s.data[at] == '-' || n > 24)
            return wrong(wanted, s, at + fault);
        double value = 0;
        TRY(parse_number(slice_part(s, at, n), &value));
        at += n;
        const struct unit *unit = unit_at(slice_from(s, at), units, &len);
        if (!unit || unit->factor >= last_factor)
            return wrong(wanted, s, at);
        total += value * unit->factor;
        last_factor = unit->factor;
        at += len;
    }
    /* A hundred years: past every sensible wait, and far from overflow when added to the clock. */
    ENSURE(total <= 3.2e18, ERR_VALUE, "%.*s is longer than a hundred years", SLICE_ARG(s));
    *nanoseconds = (int64_t)llround(total);
    return RESULT_OK;
}

struct result parse_size(struct slice s, uint64_t *bytes)
{
    static const struct unit units[] = {
        {"", 1},       {"B", 1},         {"KB", 1e3},         {"MB", 1e6}, {"GB", 1e9},
        {"KiB", 1024}, {"MiB", 1 << 20}, {"GiB", 1073741824}, {NULL, 0}};
    static const char wanted[] = "a size such as 512, 64KiB or 1.5MB";
    size_t fault = 0, len, n = number_length(s, &fault);
    double value = 0;

    if (n == 0 || s.data[0] == '-')
        return wrong(wanted, s, fault);
    TRY(parse_number(slice_part(s, 0, n), &value));
    const struct unit *unit = unit_at(slice_from(s, n), units, &len);
    if (!unit || n + len != s.len)
        return wrong(wanted, s, n);
    value *= unit->factor;
    ENSURE(value < 9e15, ERR_VALUE, "%.*s is too large", SLICE_ARG(s));
    *bytes = (uint64_t)llround(value);
    return RESULT_OK;
}

/* The bounds stand where rounding would give a fourth digit: 999.5 µs is shown as 1.00 ms. */
const char *format_duration(char out[DURATION_TEXT], int64_t nanoseconds)
{
    static const struct {
        double below, factor;
        const char *unit;
    } scales[] = {{1e3, 1, "ns"}, {999.5e3, 1e3, "µs"}, {999.5e6, 1e6, "ms"}, {60e9, 1e9, "s"}};
    double value = (double)nanoseconds;

    for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++) {
        if (value >= scales[i].below)
            continue;
        double shown = value / scales[i].factor;
        int decimals = scales[i].factor == 1 || shown >= 99.95 ? 0 : shown >= 9.995 ? 1 : 2;
        snprintf(out, DURATION_TEXT, "%.*f %s", decimals, shown, scales[i].unit);
        return out;
    }
    long long seconds = (long long)(nanoseconds / 1000000000);
    if (seconds < 3600)
        snprintf(out, DURATION_TEXT, "%lldm%02llds", seconds / 60, seconds % 60);
    else
        snprintf(out, DURATION_TEXT, "%lldh%02lldm", seconds / 3600, seconds / 60 % 60);
    return out;
}
