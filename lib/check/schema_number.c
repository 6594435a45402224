/*
 * Exact arithmetic on JSON numbers: an integer or the shortest decimal of a double, as mantissa and
 * power of ten.
 */
#include "check/schema_number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct decimal {
    uint64_t mantissa; /* of the magnitude */
    int exponent;
};

/* How many significant digits, 15 to 17, it takes to read `real` back. */
static int enough_digits(double real)
{
    for (int digits = 15; digits < 17; digits++) {
        char text[NUMBER_TEXT];
        snprintf(text, sizeof text, "%.*e", digits - 1, real);
        double again = strtod(text, NULL); /* our own text */
        if (again >= real && again <= real)
            return digits;
    }
    return 17;
}

const char *number_shortest(char out[NUMBER_TEXT], double real)
{
    snprintf(out, NUMBER_TEXT, "%.*g", enough_digits(real), real);
    return out;
}

/* The digits and the exponent of what "%.*e" wrote. */
static struct decimal decimal_from_text(const char *text)
{
    struct decimal d = {0};
    bool fraction = false;
    const char *c = text;
    for (; *c && *c != 'e'; c++) {
        if (*c == '.')
            fraction = true;
        if (*c < '0' || *c > '9')
            continue;
        d.mantissa = d.mantissa * 10 + (uint64_t)(*c - '0');
        d.exponent -= fraction;
    }
    int exponent = 0, sign = c[1] == '-' ? -1 : 1;
    for (c += 2; *c; c++)
        exponent = exponent * 10 + (*c - '0');
    d.exponent += sign * exponent;
    return d;
}

static struct decimal decimal_of(const json_t *value)
{
    if (json_is_integer(value)) {
        json_int_t i = json_integer_value(value);
        return (struct decimal){.mantissa = i < 0 ? 0 - (uint64_t)i : (uint64_t)i};
    }
    double real = fabs(json_real_value(value));
    char text[NUMBER_TEXT];
    snprintf(text, sizeof text, "%.*e", enough_digits(real) - 1, real);
    struct decimal d = decimal_from_text(text);
    while (d.mantissa && d.mantissa % 10 == 0) {
        d.mantissa /= 10;
        d.exponent++;
    }
    return d;
}

int number_compare(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b)) {
        json_int_t x = json_integer_value(a), y = json_integer_value(b);
        return (x > y) - (x < y);
    }
    /* A long double holds every int64_t and every double. */
    long double x = json_is_integer(a) ? (long double)json_integer_value(a) : json_real_value(a);
    long double y = json_is_integer(b) ? (long double)json_integer_value(b) : json_real_value(b);
    return (x > y) - (x < y);
}

bool number_is_multiple(const json_t *value, const json_t *divisor)
{
    struct decimal v = decimal_of(value), d = decimal_of(divisor);
    MUST(d.mantissa > 0, "divisor 0 × 10^%d", d.exponent);
    if (v.mantissa == 0)
        return true;
    for (; v.exponent < d.exponent; d.exponent--) {
        /* v / (d × 10): only a v that ends in 0 can be a multiple. */
        if (v.mantissa % 10 != 0)
            return false;
        v.mantissa /= 10;
    }
    unsigned __int128 rest = v.mantissa % d.mantissa;
    for (int e = v.exponent; e > d.exponent && rest != 0; e--)
        rest = rest * 10 % d.mantissa;
    return rest == 0;
}

bool number_is_integer(const json_t *value)
{
    double real = json_real_value(value); /* 0 for an integer */
    return json_is_integer(value) ||
           (json_is_real(value) && real >= trunc(real) && real <= trunc(real));
}

size_t number_count(const json_t *value)
{
    double count = json_number_value(value);
    if (count <= 0)
        return 0;
    if (json_is_integer(value))
        return (size_t)json_integer_value(value);
    return count >= 9e18 ? SIZE_MAX : (size_t)count;
}
