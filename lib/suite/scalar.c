/*
 * The core schema of YAML 1.2: yes, no, on and 012 are not what YAML 1.1 made of them.
 */
#include "suite/scalar.h"

#include "core/parse.h"

static bool one_of(struct slice s, const char *const *words)
{
    for (; *words; words++)
        if (slice_is(s, *words))
            return true;
    return false;
}

static size_t count_digits(struct slice s)
{
    size_t n = 0;
    while (n < s.len && s.data[n] >= '0' && s.data[n] <= '9')
        n++;
    return n;
}

/* [0-9]+ of base 8 or 16, or -1 when it is not one or does not fit. */
static bool based(struct slice digits, unsigned base, int64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        char c = digits.data[i];
        unsigned d = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                     : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                            : 99;
        if (d >= base || value > ((uint64_t)INT64_MAX - d) / base)
            return false;
        value = value * base + d;
    }
    *out = (int64_t)value;
    return digits.len > 0;
}

/* The parts of [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
struct decimal {
    bool negative, real;
    struct slice whole, fraction, exponent;
};

static bool split_decimal(struct slice s, struct decimal *out)
{
    *out = (struct decimal){0};
    if (s.len && (s.data[0] == '-' || s.data[0] == '+')) {
        out->negative = s.data[0] == '-';
        s = slice_from(s, 1);
    }
    out->whole = slice_part(s, 0, count_digits(s));
    s = slice_from(s, out->whole.len);
    if (s.len && s.data[0] == '.') {
        out->real = true;
        s = slice_from(s, 1);
        out->fraction = slice_part(s, 0, count_digits(s));
        s = slice_from(s, out->fraction.len);
    }
    if (out->whole.len + out->fraction.len == 0)
        return false;
    if (s.len && (s.data[0] == 'e' || s.data[0] == 'E')) {
        out->real = true;
        struct slice digits = slice_from(s, 1);
        if (digits.len && (digits.data[0] == '-' || digits.data[0] == '+'))
            digits = slice_from(digits, 1);
        if (digits.len == 0 || count_digits(digits) != digits.len)
            return false;
        out->exponent = slice_from(s, 1);
        s = slice_of(NULL, 0);
    }
    return s.len == 0;
}

/* As JSON spells it, which our number parser reads. */
static struct result read_decimal(struct slice text, struct decimal decimal, struct node *out)
{
    char json[64];
    while (decimal.whole.len && decimal.whole.data[0] == '0')
        decimal.whole = slice_from(decimal.whole, 1);
    size_t need = decimal.whole.len + decimal.fraction.len + decimal.exponent.len + 8;
    ENSURE(need < sizeof(json), ERR_VALUE, "a number of %zu characters is too long", text.len);
    size_t n = 0;
#define PUT(s) (memcpy(json + n, (s).data, (s).len), n += (s).len)
    if (decimal.negative)
        json[n++] = '-';
    if (decimal.whole.len)
        PUT(decimal.whole);
    else
        json[n++] = '0';
    if (!decimal.real && result_ok(parse_integer(slice_of(json, n), &out->integer))) {
        out->kind = NODE_INTEGER;
        return RESULT_OK;
    }
    if (decimal.fraction.len) {
        json[n++] = '.';
        PUT(decimal.fraction);
    }
    if (decimal.exponent.len) {
        json[n++] = 'e';
        PUT(decimal.exponent);
    }
#undef PUT
    out->kind = NODE_REAL;
    return parse_number(slice_of(json, n), &out->real);
}

struct result scalar_resolve(struct slice text, struct node *out)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    static const char *const no_numbers[] = {".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf",
                                             "+.INF", "-.inf", "-.Inf", "-.INF", ".nan",
                                             ".NaN",  ".NAN",  NULL};
    struct decimal decimal;

    out->kind = NODE_STRING;
    out->string = text;
    if (one_of(text, nulls)) {
        out->kind = NODE_NULL;
    } else if (one_of(text, trues) || one_of(text, falses)) {
        out->kind = NODE_BOOL;
        out->boolean = one_of(text, trues);
    } else if (slice_starts(text, SLICE("0x")) || slice_starts(text, SLICE("0o"))) {
        int64_t value;
        if (based(slice_from(text, 2), text.data[1] == 'x' ? 16 : 8, &value)) {
            out->kind = NODE_INTEGER;
            out->integer = value;
        }
    } else if (split_decimal(text, &decimal)) {
        return read_decimal(text, decimal, out);
    } else if (one_of(text, no_numbers)) {
        return error_set(ERR_VALUE, "%.*s has no form in JSON, so no suite can hold it",
                         SLICE_ARG(text));
    }
    return RESULT_OK;
}
