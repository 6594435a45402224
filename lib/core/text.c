/*
 * Texts under construction, and the UTF-8 they are made of (Unicode 15, table 3-7).
 */
#include "core/text.h"

#include <stdio.h>

static void reserve(struct text *t, size_t more)
{
    size_t need = t->len + more + 1;
    if (t->data && need <= t->size)
        return;
    size_t size = t->size ? t->size * 2 : 128;
    if (size < need)
        size = need;
    char *data = arena_alloc(t->arena, size);
    if (t->data)
        memcpy(data, t->data, t->len);
    t->data = data;
    t->size = size;
}

void text_add(struct text *t, struct slice s)
{
    reserve(t, s.len);
    if (s.len)
        memcpy(t->data + t->len, s.data, s.len);
    t->len += s.len;
    t->data[t->len] = '\0';
}

void text_add_str(struct text *t, const char *s)
{
    text_add(t, slice_str(s));
}

void text_add_byte(struct text *t, char byte)
{
    text_add(t, slice_of(&byte, 1));
}

void text_printf(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    MUST(n >= 0, "format %s", format);
    reserve(t, (size_t)n);
    va_start(args, format);
    vsnprintf(t->data + t->len, (size_t)n + 1, format, args);
    va_end(args);
    t->len += (size_t)n;
}

size_t utf8_sequence(struct slice s)
{
    if (s.len == 0)
        return 0;
    const unsigned char *p = (const unsigned char *)s.data;
    if (p[0] < 0x80)
        return 1;
    size_t n = p[0] >= 0xc2 && p[0] <= 0xdf   ? 2
               : (p[0] & 0xf0) == 0xe0        ? 3
               : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
                                              : 0;
    if (n == 0 || s.len < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool surrogate = p[0] == 0xed && p[1] > 0x9f;
    bool beyond = p[0] == 0xf4 && p[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : n;
}

bool utf8_valid(struct slice s)
{
    while (s.len) {
        size_t n = utf8_sequence(s);
        if (n == 0)
            return false;
        s = slice_of(s.data + n, s.len - n);
    }
    return true;
}

size_t utf8_length(struct slice s)
{
    size_t count = 0;
    while (s.len) {
        size_t n = utf8_sequence(s);
        if (n == 0)
            n = 1;
        s = slice_of(s.data + n, s.len - n);
        count++;
    }
    return count;
}

#define REPLACEMENT "\xef\xbf\xbd"

void text_add_json(struct text *t, struct slice s)
{
    text_add_byte(t, '"');
    while (s.len) {
        size_t n = utf8_sequence(s);
        char c = s.data[0];
        if (n == 0) {
            text_add_str(t, REPLACEMENT);
            n = 1;
        } else if (c == '"' || c == '\\') {
            text_add(t, slice_of((char[]){'\\', c}, 2));
        } else if (c == '\n') {
            text_add_str(t, "\\n");
        } else if ((unsigned char)c < 0x20 || c == 0x7f) {
            text_printf(t, "\\u%04x", c);
        } else {
            text_add(t, slice_of(s.data, n));
        }
        s = slice_of(s.data + n, s.len - n);
    }
    text_add_byte(t, '"');
}

void text_add_xml(struct text *t, struct slice s)
{
    while (s.len) {
        size_t n = utf8_sequence(s);
        unsigned char c = (unsigned char)s.data[0];
        const char *entity = c == '&'    ? "&amp;"
                             : c == '<'  ? "&lt;"
                             : c == '>'  ? "&gt;"
                             : c == '"'  ? "&quot;"
                             : c == '\'' ? "&apos;"
                                         : NULL;
        bool forbidden = n == 0 || (c < 0x20 && c != '\n' && c != '\t' && c != '\r') ||
                         (n == 3 && c == 0xef && (unsigned char)s.data[1] == 0xbf &&
                          (unsigned char)s.data[2] >= 0xbe);
        if (entity)
            text_add_str(t, entity);
        else if (forbidden)
            text_add_str(t, REPLACEMENT);
        else
            text_add(t, slice_of(s.data, n));
        n = n ? n : 1;
        s = slice_of(s.data + n, s.len - n);
    }
}

struct slice text_shown(struct arena *arena, struct slice s, size_t max)
{
    struct text t = text_in(arena);
    size_t taken = 0;
    while (taken < s.len) {
        struct slice rest = slice_from(s, taken);
        size_t n = utf8_sequence(rest);
        unsigned char c = (unsigned char)rest.data[0];
        if (taken + (n ? n : 1) > max)
            break;
        if (n == 0 || (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
            text_printf(&t, "\\x%02x", c);
        else if (n == 2 && c == 0xc2 && (unsigned char)rest.data[1] < 0xa0) /* U+0080 to U+009F */
            text_printf(&t, "\\xc2\\x%02x", (unsigned char)rest.data[1]);
        else
            text_add(&t, slice_of(rest.data, n));
        taken += n ? n : 1;
    }
    if (taken < s.len)
        text_printf(&t, "… (%zu more bytes)", s.len - taken);
    return text_slice(&t);
}

struct slice utf8_repaired(struct arena *arena, struct slice s)
{
    struct text t = text_in(arena);

    if (s.len == 0 || (!memchr(s.data, 0, s.len) && utf8_valid(s)))
        return s;
    while (s.len) {
        size_t n = s.data[0] ? utf8_sequence(s) : 0;
        if (n)
            text_add(&t, slice_of(s.data, n));
        else
            text_add_str(&t, REPLACEMENT);
        s = slice_from(s, n ? n : 1);
    }
    return text_slice(&t);
}

void text_add_markdown(struct text *t, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] && strchr("\\`*_{}[]<>#|~&@!$", s.data[i]))
            text_add_byte(t, '\\');
        text_add_byte(t, s.data[i]);
    }
}

void text_add_shell(struct text *t, struct slice s)
{
    bool plain = s.len > 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        plain = plain && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || (c && strchr("-_./=:@%+,", c)));
    }
    if (plain) {
        text_add(t, s);
        return;
    }
    text_add_byte(t, '\'');
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '\'')
            text_add_str(t, "'\\''");
        else
            text_add_byte(t, s.data[i]);
    }
    text_add_byte(t, '\'');
}

const char *text_article(const char *word)
{
    bool spelled = strncmp(word, "http", 4) == 0;
    return spelled || (*word && strchr("aeiou", *word)) ? "an" : "a";
}
