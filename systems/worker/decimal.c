/*
 * Shortest decimal text of a float. Called once per refused number, so the simple way is right:
 * print with ever more digits until the text reads back as the same float.
 */
#include "decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every float is told apart by 9 significant digits. */
#define DIGITS_MAX 9

/* Write `value` (finite, positive) as significant digits and the power of ten of the first one. */
static int shortest_digits(float value, char digits[DIGITS_MAX + 1])
{
    char text[32];
    for (int precision = 0; precision < DIGITS_MAX; precision++) {
        snprintf(text, sizeof(text), "%.*e", precision, (double)value);
        if (strtof(text, NULL) == value) /* our own text */
            break;
    }
    size_t count = 0;
    const char *p = text;
    for (; *p != 'e'; p++)
        if (*p != '.')
            digits[count++] = *p;
    digits[count] = '\0';
    return (int)strtol(p + 1, NULL, 10); /* our own text */
}

const char *decimal_f32(char out[DECIMAL_TEXT], float value)
{
    const char *sign = signbit(value) ? "-" : "";
    float size = fabsf(value);
    if (isnan(value)) {
        snprintf(out, DECIMAL_TEXT, "NaN");
    } else if (isinf(value)) {
        snprintf(out, DECIMAL_TEXT, "%sinf", sign);
    } else if (fpclassify(size) == FP_ZERO) {
        snprintf(out, DECIMAL_TEXT, "%s0", sign);
    } else {
        char digits[DIGITS_MAX + 1];
        int exponent = shortest_digits(size, digits), count = (int)strlen(digits);
        if (exponent < 0)
            snprintf(out, DECIMAL_TEXT, "%s0.%.*s%s", sign, -exponent - 1,
                     "00000000000000000000000000000000000000000000", digits);
        else if (count <= exponent + 1)
            snprintf(out, DECIMAL_TEXT, "%s%s%.*s", sign, digits, exponent + 1 - count,
                     "00000000000000000000000000000000000000");
        else
            snprintf(out, DECIMAL_TEXT, "%s%.*s.%s", sign, exponent + 1, digits,
                     digits + exponent + 1);
    }
    return out;
}
