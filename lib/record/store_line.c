/*
 * One line of an export as values.
 */
#include "record/store_line.h"

#include "core/memory.h"

struct cursor {
    const char *start, *at, *end;
    char *free; /* where the next unescaped string goes */
};

void line_memory_free(struct line_memory *memory)
{
    mem_free(memory->data);
    *memory = (struct line_memory){0};
}

static struct result wrong(const struct cursor *c, const char *expected)
{
    return error_set(ERR_SYNTAX, "expected %s at character %zu", expected,
                     (size_t)(c->at - c->start) + 1);
}

static void skip_blanks(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\r'))
        c->at++;
}

static bool take_byte(struct cursor *c, char byte)
{
    skip_blanks(c);
    if (c->at == c->end || *c->at != byte)
        return false;
    c->at++;
    return true;
}

static struct result read_integer(struct cursor *c, int64_t *out)
{
    bool negative = *c->at == '-';
    uint64_t value = 0, most = (uint64_t)INT64_MAX + negative;
    const char *digits = c->at += negative;

    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        uint64_t digit = (uint64_t)(*c->at - '0');
        if (value > (most - digit) / 10)
            return wrong(c, "a number of 64 bits");
        value = value * 10 + digit;
    }
    if (c->at == digits || (*digits == '0' && c->at - digits > 1))
        return wrong(c, "a whole number, a string or null");
    if (c->at < c->end && (*c->at == '.' || *c->at == 'e' || *c->at == 'E'))
        return wrong(c, "a whole number");
    *out = (int64_t)(negative ? -value : value);
    return RESULT_OK;
}

/* The four digits of \uXXXX. */
static bool read_unit(struct cursor *c, uint32_t *out)
{
    *out = 0;
    if (c->end - c->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char d = *c->at++;
        uint32_t value = d >= '0' && d <= '9'   ? (uint32_t)(d - '0')
                         : d >= 'a' && d <= 'f' ? (uint32_t)(d - 'a' + 10)
                         : d >= 'A' && d <= 'F' ? (uint32_t)(d - 'A' + 10)
                                                : 16;
        if (value > 15)
            return false;
        *out = *out * 16 + value;
    }
    return true;
}

static void put(struct cursor *c, uint32_t byte)
{
    *c->free++ = (char)byte;
}

static void put_character(struct cursor *c, uint32_t code)
{
    if (code < 0x80) {
        put(c, code);
    } else if (code < 0x800) {
        put(c, 0xc0 | code >> 6);
        put(c, 0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        put(c, 0xe0 | code >> 12);
        put(c, 0x80 | (code >> 6 & 0x3f));
        put(c, 0x80 | (code & 0x3f));
    } else {
        put(c, 0xf0 | code >> 18);
        put(c, 0x80 | (code >> 12 & 0x3f));
        put(c, 0x80 | (code >> 6 & 0x3f));
        put(c, 0x80 | (code & 0x3f));
    }
}

/* After the backslash. */
static struct result read_escape(struct cursor *c)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char name = c->at < c->end ? *c->at : '\0';
    const char *found = name ? strchr(names, name) : NULL;
    uint32_t code, low;

    if (found) {
        c->at++;
        put(c, (uint32_t)(unsigned char)values[found - names]);
        return RESULT_OK;
    }
    if (name != 'u')
        return wrong(c, "an escape of JSON");
    c->at++;
    if (!read_unit(c, &code))
        return wrong(c, "four hexadecimal digits");
    if (code >= 0xd800 && code < 0xdc00) {
        if (c->end - c->at < 2 || c->at[0] != '\\' || c->at[1] != 'u')
            return wrong(c, "the second half of a character");
        c->at += 2;
        if (!read_unit(c, &low) || low < 0xdc00 || low > 0xdfff)
            return wrong(c, "the second half of a character");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code < 0xe000) {
        return wrong(c, "the first half of a character before");
    }
    put_character(c, code);
    return RESULT_OK;
}

/* After the opening quote. */
static struct result read_text(struct cursor *c, struct slice *out)
{
    const char *from = c->at;
    while (c->at < c->end && *c->at != '"' && *c->at != '\\' && (unsigned char)*c->at >= ' ')
        c->at++;
    if (c->at < c->end && *c->at == '"') { /* no escape in it */
        *out = slice_of(from, (size_t)(c->at++ - from));
        return RESULT_OK;
    }
    char *text = c->free;
    memcpy(c->free, from, (size_t)(c->at - from));
    c->free += c->at - from;
    while (c->at < c->end && *c->at != '"') {
        if ((unsigned char)*c->at < ' ')
            return wrong(c, "no control character in a string");
        if (*c->at != '\\') {
            *c->free++ = *c->at++;
            continue;
        }
        c->at++;
        TRY(read_escape(c));
    }
    if (c->at == c->end)
        return wrong(c, "the end of a string");
    c->at++;
    *out = slice_of(text, (size_t)(c->free - text));
    return RESULT_OK;
}

static struct result read_value(struct cursor *c, struct line_value *value)
{
    skip_blanks(c);
    if (c->end - c->at >= 4 && memcmp(c->at, "null", 4) == 0) {
        c->at += 4;
        value->kind = LINE_NULL;
        return RESULT_OK;
    }
    if (take_byte(c, '"')) {
        value->kind = LINE_TEXT;
        return read_text(c, &value->text);
    }
    if (c->at == c->end)
        return wrong(c, "a whole number, a string or null");
    value->kind = LINE_INTEGER;
    return read_integer(c, &value->integer);
}

struct result line_read_row(struct slice line, struct line_memory *memory,
                            struct line_value *values, size_t max, size_t *count)
{
    if (line.len > memory->size) { /* unescaped, no line is longer than it was */
        memory->data = mem_resize(memory->data, line.len);
        memory->size = line.len;
    }
    struct cursor c = {line.data, line.data, line.data + line.len, memory->data};

    *count = 0;
    if (!take_byte(&c, '['))
        return wrong(&c, "[");
    if (!take_byte(&c, ']')) {
        for (;;) {
            if (*count == max)
                return wrong(&c, "no more values than there are columns");
            TRY(read_value(&c, &values[(*count)++]));
            if (take_byte(&c, ']'))
                break;
            if (!take_byte(&c, ','))
                return wrong(&c, "a comma or ]");
        }
    }
    skip_blanks(&c);
    return c.at == c.end ? RESULT_OK : wrong(&c, "nothing after ]");
}
