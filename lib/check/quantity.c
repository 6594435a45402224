/*
 * Reading and showing quantities.
 */
#include "check/quantity.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/parse.h"
#include "core/text.h"

bool quantity_read(struct slice text, struct quantity *out)
{
    double number;
    int64_t integer, duration;
    uint64_t size;

    /* Cheap refusal of what is text: the parsers below would write an error message for each. */
    if (text.len == 0 || !(text.data[0] == '-' || (text.data[0] >= '0' && text.data[0] <= '9')))
        return false;
    if (result_ok(parse_integer(text, &integer)))
        *out = (struct quantity){integer, UNIT_NONE};
    else if (result_ok(parse_number(text, &number)))
        *out = (struct quantity){number, UNIT_NONE};
    else if (result_ok(parse_duration(text, &duration)))
        *out = (struct quantity){duration, UNIT_DURATION};
    else if (result_ok(parse_size(text, &size)))
        *out = (struct quantity){size, UNIT_BYTES};
    else
        return false;
    return true;
}

/* Does `q`, as read from a text, count as a quantity in `unit`? */
static bool counts_as(struct quantity *q, enum match_unit unit)
{
    bool zero = q->amount >= 0 && q->amount <= 0;
    if (q->unit == UNIT_NONE && (unit == UNIT_BYTES || (unit == UNIT_DURATION && zero)))
        q->unit = unit;
    return unit == UNIT_NONE ? q->unit != UNIT_NONE : q->unit == unit;
}

bool quantity_of_node(const struct node *operand, enum match_unit unit, struct quantity *out)
{
    switch (operand->kind) {
    case NODE_INTEGER:
        *out = (struct quantity){operand->integer, unit};
        return true;
    case NODE_REAL:
        *out = (struct quantity){operand->real, unit};
        return true;
    case NODE_STRING:
        return quantity_read(operand->string, out) && counts_as(out, unit);
    default:
        return false;
    }
}

bool quantity_of_json(const json_t *actual, enum match_unit unit, enum match_unit context,
                      struct quantity *out)
{
    if (json_is_number(actual)) {
        *out = (struct quantity){json_is_integer(actual) ? (long double)json_integer_value(actual)
                                                         : (long double)json_real_value(actual),
                                 unit};
        /* A bare number that is compared with a duration could be anything: s, ms, ns. */
        return context == unit || unit == UNIT_BYTES;
    }
    return unit != UNIT_NONE && json_is_string(actual) &&
           quantity_read(jsontext_slice(actual), out) && counts_as(out, unit);
}

/* The shortest decimal text that reads back as the same double. */
static const char *shortest(struct arena *arena, double value)
{
    char text[40];
    for (int digits = 1; digits <= DBL_DECIMAL_DIG; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        double back = strtod(text, NULL); /* our own text */
        if (back >= value && back <= value)
            break;
    }
    return arena_printf(arena, "%s", text);
}

static struct slice number_shown(struct arena *arena, long double amount)
{
    bool whole =
        amount >= -9e18L && amount <= 9e18L && truncl(amount) >= amount && truncl(amount) <= amount;
    if (whole)
        return slice_str(arena_printf(arena, "%lld", (long long)amount));
    return slice_str(shortest(arena, (double)amount));
}

static struct slice size_shown(struct arena *arena, long double bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    long double value = bytes;
    size_t unit = 0;
    if (fabsl(value) < 1024)
        return slice_str(arena_printf(arena, "%.0Lf B", value));
    value /= 1024;
    while (fabsl(value) >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1024;
        unit++;
    }
    bool whole = truncl(value) >= value && truncl(value) <= value;
    return slice_str(arena_printf(arena, "%.*Lf %s", whole ? 0 : 2, value, units[unit]));
}

static struct slice duration_shown(struct arena *arena, long double nanoseconds)
{
    char text[DURATION_TEXT];
    /* Centuries: what is longer is no time that passed, and would not fit. */
    if (fabsl(nanoseconds) > 9e18L || isnan(nanoseconds))
        return slice_str(arena_printf(arena, "%.3Lg s", nanoseconds / NS_PER_S));
    int64_t ns = (int64_t)nanoseconds;
    if (ns == 0)
        return SLICE("0 ms");
    format_duration(text, ns < 0 ? -ns : ns);
    return slice_str(arena_printf(arena, "%s%s", ns < 0 ? "-" : "", text));
}

struct slice quantity_shown(struct arena *arena, struct quantity q)
{
    return q.unit == UNIT_DURATION ? duration_shown(arena, q.amount)
           : q.unit == UNIT_BYTES  ? size_shown(arena, q.amount)
                                   : number_shown(arena, q.amount);
}

struct slice quantity_exact(struct arena *arena, struct quantity q)
{
    const char *unit = q.unit == UNIT_DURATION ? " ns" : q.unit == UNIT_BYTES ? " B" : "";
    return slice_str(arena_printf(arena, "%.*s%s", SLICE_ARG(number_shown(arena, q.amount)), unit));
}

bool quantity_short_form(struct slice text, struct short_form *out)
{
    /* The longer signs first: "<=5" is not "<" and "=5". */
    static const struct {
        const char *sign, *operator;
    } signs[] = {{"<=", "le"}, {">=", "ge"}, {"==", "eq"}, {"!=", "ne"}, {"<", "lt"}, {">", "gt"}};
    if (text.len < 2 || !strchr("<>=!", text.data[0]))
        return false;
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (!slice_starts(text, slice_str(signs[i].sign)))
            continue;
        struct slice rest = slice_trim(slice_from(text, strlen(signs[i].sign)));
        struct quantity q;
        if (!quantity_read(rest, &q))
            return false;
        *out = (struct short_form){signs[i].operator, {.kind = NODE_STRING, .string = rest} };
        if (q.unit == UNIT_NONE) {
            out->operand = (struct node){.kind = NODE_REAL, .real = (double)q.amount};
            if (result_ok(parse_integer(rest, &out->operand.integer)))
                out->operand.kind = NODE_INTEGER;
        }
        return true;
    }
    return false;
}
