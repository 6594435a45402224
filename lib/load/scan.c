/*
 * The scanner: a recursive descent that remembers which paths still lead to where it is.
 */
#include "load/scan.h"

#include "core/limits.h"

struct scan {
    const char *at, *end;
    const struct scan_path *paths;
    struct scan_value *values;
    size_t count;
    unsigned depth;
};

static void skip_blanks(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
        s->at++;
}

static bool take_byte(struct scan *s, char byte)
{
    if (s->at == s->end || *s->at != byte)
        return false;
    s->at++;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits at `at`; -1 when they are none. */
static int32_t hex_four(const char *at, const char *end)
{
    int32_t value = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* What a byte behind a backslash stands for; 0: nothing, or 'u'. */
static char unescaped(char c)
{
    switch (c) {
    case '"':
    case '\\':
    case '/':
        return c;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return 0;
    }
}

/* A string; `*text` is what is between its quotes. */
static bool scan_string(struct scan *s, struct slice *text)
{
    if (!take_byte(s, '"'))
        return false;
    const char *begin = s->at;
    for (; s->at < s->end; s->at++) {
        unsigned char c = (unsigned char)*s->at;
        if (c == '"') {
            *text = slice_of(begin, (size_t)(s->at - begin));
            s->at++;
            return true;
        }
        if (c < 0x20)
            return false;
        if (c != '\\')
            continue;
        if (++s->at == s->end)
            return false;
        if (*s->at == 'u') {
            if (hex_four(s->at + 1, s->end) < 0)
                return false;
            s->at += 4;
        } else if (!unescaped(*s->at)) {
            return false;
        }
    }
    return false;
}

/* A name as written, with escapes, is this one, which is ASCII. */
static bool escaped_is(struct slice written, struct slice name)
{
    size_t at = 0;
    for (size_t i = 0; i < written.len; i++, at++) {
        int32_t c = (unsigned char)written.data[i];
        if (c == '\\') {
            c = (unsigned char)unescaped(written.data[++i]);
            if (!c) {
                c = hex_four(written.data + i + 1, written.data + written.len);
                i += 4;
            }
        }
        if (at == name.len || c != (unsigned char)name.data[at])
            return false;
    }
    return at == name.len;
}

/* Those of `open` whose next name is this one. */
static uint32_t follow(const struct scan *s, uint32_t open, struct slice written)
{
    uint32_t left = 0;
    struct slice last = {0};
    bool is = false, escaped = open && memchr(written.data, '\\', written.len);
    for (uint32_t rest = open; rest; rest &= rest - 1) {
        size_t i = (size_t)__builtin_ctz(rest);
        const struct scan_path *path = &s->paths[i];
        if (path->depth < s->depth)
            continue;
        struct slice name = path->names[s->depth - 1];
        if (name.data != last.data || name.len != last.len) { /* many begin with one literal */
            last = name;
            is = escaped ? escaped_is(written, name) : slice_eq(written, name);
        }
        left |= (uint32_t)is << i;
    }
    return left;
}

static bool scan_value(struct scan *s, uint32_t open);

static bool scan_members(struct scan *s, uint32_t open)
{
    skip_blanks(s);
    if (take_byte(s, '}'))
        return true;
    do {
        struct slice name = {0};
        skip_blanks(s);
        if (!scan_string(s, &name))
            return false;
        skip_blanks(s);
        if (!take_byte(s, ':') || !scan_value(s, follow(s, open, name)))
            return false;
        skip_blanks(s);
    } while (take_byte(s, ','));
    return take_byte(s, '}');
}

static bool scan_elements(struct scan *s, uint32_t open, uint32_t *count)
{
    skip_blanks(s);
    if (take_byte(s, ']'))
        return true;
    uint32_t below = follow(s, open, SLICE("0"));
    do {
        if (!scan_value(s, below))
            return false;
        below = 0;
        ++*count;
        skip_blanks(s);
    } while (take_byte(s, ','));
    return take_byte(s, ']');
}

static bool scan_digits(struct scan *s)
{
    const char *begin = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return s->at > begin;
}

static bool scan_number(struct scan *s)
{
    take_byte(s, '-');
    if (!take_byte(s, '0') && !scan_digits(s))
        return false;
    if (take_byte(s, '.') && !scan_digits(s))
        return false;
    if (take_byte(s, 'e') || take_byte(s, 'E')) {
        if (!take_byte(s, '+'))
            take_byte(s, '-');
        return scan_digits(s);
    }
    return true;
}

static bool scan_word(struct scan *s, struct slice word)
{
    if (!slice_starts(slice_of(s->at, (size_t)(s->end - s->at)), word))
        return false;
    s->at += word.len;
    return true;
}

/* A value of any kind; `value->text` only when it is a string. */
static bool scan_any(struct scan *s, uint32_t open, struct scan_value *value)
{
    enum scan_kind *kind = &value->kind;
    switch (s->at < s->end ? *s->at : 0) {
    case '"':
        *kind = SCAN_STRING;
        return scan_string(s, &value->text);
    case '{':
    case '[': {
        bool object = *s->at++ == '{';
        *kind = object ? SCAN_OBJECT : SCAN_ARRAY;
        if (s->depth == LIMIT_DEPTH)
            return false;
        s->depth++;
        bool good = object ? scan_members(s, open) : scan_elements(s, open, &value->elements);
        s->depth--;
        return good;
    }
    case 'n':
        *kind = SCAN_NULL;
        return scan_word(s, SLICE("null"));
    case 't':
        *kind = SCAN_BOOLEAN;
        return scan_word(s, SLICE("true"));
    case 'f':
        *kind = SCAN_BOOLEAN;
        return scan_word(s, SLICE("false"));
    default:
        *kind = SCAN_NUMBER;
        return scan_number(s);
    }
}

static bool scan_value(struct scan *s, uint32_t open)
{
    skip_blanks(s);
    const char *begin = s->at;
    struct scan_value value = {0};
    /* What an earlier member of the same name had below it is not there any more. */
    for (uint32_t rest = open; rest; rest &= rest - 1)
        s->values[__builtin_ctz(rest)] = (struct scan_value){0};
    if (!scan_any(s, open, &value))
        return false;
    if (value.kind != SCAN_STRING)
        value.text = slice_of(begin, (size_t)(s->at - begin));
    for (uint32_t rest = open; rest; rest &= rest - 1) {
        size_t i = (size_t)__builtin_ctz(rest);
        if (s->paths[i].depth == s->depth)
            s->values[i] = value;
    }
    return true;
}

bool scan_json(struct slice text, const struct scan_path *paths, size_t count,
               struct scan_value *values)
{
    memset(values, 0, count * sizeof(*values));
    if (text.len == 0)
        return false;
    struct scan s = {.at = text.data,
                     .end = text.data + text.len,
                     .paths = paths,
                     .values = values,
                     .count = count};
    if (!scan_value(&s, (uint32_t)((1ull << count) - 1)))
        return false;
    skip_blanks(&s);
    return s.at == s.end;
}

int64_t scan_count(const struct scan_value *value)
{
    int64_t n = 0;
    if (value->kind != SCAN_NUMBER || value->text.len > 15)
        return -1;
    for (size_t i = 0; i < value->text.len; i++) {
        char c = value->text.data[i];
        if (c < '0' || c > '9')
            return -1;
        n = n * 10 + (c - '0');
    }
    return n;
}
