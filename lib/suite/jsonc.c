/*
 * The scan of JSON with comments. It keeps its own small stack instead of recursing, looks at each
 * byte once and stops at the first fault: what follows a wrong comma or quote is guesswork.
 */
#include "suite/jsonc.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/limits.h"
#include "core/parse.h"
#include "core/text.h"

enum expectation {
    WANT_VALUE,
    WANT_VALUE_OR_END, /* after "[" or a comma in a list */
    WANT_KEY_OR_END,   /* after "{" or a comma in a map */
    WANT_COLON,
    WANT_COMMA_OR_END,
    DONE,
};

struct scan {
    struct jsonc *j;
    size_t next;
    size_t comma;     /* of the comma just read, until something follows it; else JSONC_NONE */
    size_t value_end; /* of the last value or key */
    enum expectation want;
    size_t depth;
    size_t opened[LIMIT_DEPTH]; /* where each open "[" or "{" stands */
};

static bool fault(struct scan *s, size_t at, const char *remedy, const char *format, ...)
    PRINTF_LIKE(4, 5);

static bool fault(struct scan *s, size_t at, const char *remedy, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(s->j->fault, sizeof(s->j->fault), format, args);
    va_end(args);
    s->j->at = at;
    s->j->reached = s->next;
    s->j->opener = JSONC_NONE;
    s->j->remedy = remedy;
    return false;
}

static void blank(struct jsonc *j, size_t from, size_t to)
{
    for (size_t i = from; j->strict && i < to; i++)
        if (j->strict[i] != '\n' && j->strict[i] != '\r')
            j->strict[i] = ' ';
}

/* Skip blanks and comments from s->next on. */
static bool skip_blanks(struct scan *s)
{
    struct slice text = s->j->text;
    for (;;) {
        while (s->next < text.len && strchr(" \t\r\n", text.data[s->next]) && text.data[s->next])
            s->next++;
        struct slice rest = slice_from(text, s->next);
        ptrdiff_t end;
        if (slice_starts(rest, SLICE("//")) || (s->j->older && slice_starts(rest, SLICE("#")))) {
            end = slice_find_byte(rest, '\n');
            end = end < 0 ? (ptrdiff_t)rest.len : end;
        } else if (slice_starts(rest, SLICE("/*"))) {
            end = slice_find(slice_from(rest, 2), SLICE("*/"));
            if (end < 0) {
                size_t start = s->next;
                s->next = text.len;
                return fault(s, start, NULL, "this comment is never closed by \"*/\"");
            }
            end += 4;
        } else {
            return true;
        }
        blank(s->j, s->next, s->next + (size_t)end);
        s->next += (size_t)end;
    }
}

/* -- Strings --------------------------------------------------------------------------------- */

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The value of \uXXXX at the start of `s`, or -1. */
static int32_t unicode_escape(struct slice s)
{
    int32_t value = 0;
    if (s.len < 6 || s.data[0] != '\\' || s.data[1] != 'u')
        return -1;
    for (size_t i = 2; i < 6; i++) {
        if (hex_value(s.data[i]) < 0)
            return -1;
        value = value * 16 + hex_value(s.data[i]);
    }
    return value;
}

/* Check the escape at s->next and pass over it. */
static bool scan_escape(struct scan *s, bool key)
{
    struct slice rest = slice_from(s->j->text, s->next);
    char c = rest.len > 1 ? rest.data[1] : '\0';
    if (c != 'u') {
        size_t n = utf8_sequence(slice_from(rest, 1));
        if (!c || !strchr("\"\\/bfnrt", c))
            return fault(s, s->next, "a backslash itself is written \\\\",
                         "\"\\%.*s\" is no escape of JSON", (int)(c ? n : 0), rest.data + 1);
        s->next += 2;
        return true;
    }
    int32_t value = unicode_escape(rest);
    if (value < 0)
        return fault(s, s->next, NULL, "\"\\u\" needs four hexadecimal digits");
    if (value == 0 && key)
        return fault(s, s->next, NULL, "a key cannot hold the character U+0000");
    if (value >= 0xd800 && value <= 0xdfff) {
        int32_t low = unicode_escape(slice_from(rest, 6));
        if (value > 0xdbff || low < 0xdc00 || low > 0xdfff)
            return fault(s, s->next,
                         "characters beyond U+FFFF are written as a pair, or simply as themselves",
                         "\\u%04x is half of a surrogate pair", (unsigned)value);
        s->next += 6;
    }
    s->next += 6;
    return true;
}

/* Pass over the string whose opening quote is at s->next. */
static bool scan_string(struct scan *s, bool key)
{
    struct slice text = s->j->text;
    size_t start = s->next++;
    while (s->next < text.len) {
        unsigned char c = (unsigned char)text.data[s->next];
        if (c == '"') {
            s->next++;
            return true;
        }
        if (c == '\n' || c == '\r')
            break;
        if (c < 0x20)
            return fault(s, s->next, c == '\t' ? "a tab is written \\t" : NULL,
                         "the control character 0x%02x cannot stand in a string", c);
        if (c != '\\')
            s->next++;
        else if (!scan_escape(s, key))
            return false;
    }
    return fault(s, start, s->next < text.len ? "a line break is written \\n" : NULL,
                 "this string is not closed on its line");
}

/* -- Numbers and words ----------------------------------------------------------------------- */

static bool ends_word(char c)
{
    return strchr(" \t\r\n,:[]{}\"'/#", c) != NULL; /* NUL too */
}

static bool scan_word(struct scan *s)
{
    static const struct {
        const char *name, *json; /* of one length */
        bool older;
    } words[] = {
        {"true", "true", false}, {"false", "false", false}, {"null", "null", false},
        {"True", "true", true},  {"False", "false", true},  {"None", "null", true},
    };
    size_t start = s->next;
    while (s->next < s->j->text.len && !ends_word(s->j->text.data[s->next]))
        s->next++;
    struct slice word = slice_part(s->j->text, start, s->next - start);
    double number;
    if (strchr("-+.0123456789", word.data[0])) {
        if (result_ok(parse_number(word, &number)))
            return true;
        return fault(s, start, NULL, "%s", error_last()->text);
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!slice_is(word, words[i].name))
            continue;
        if (words[i].older && !s->j->older)
            return fault(s, start, "JSON writes true, false and null", "%s is Python's",
                         words[i].name);
        if (s->j->strict)
            memcpy(s->j->strict + start, words[i].json, word.len);
        return true;
    }
    return fault(s, start, "text is written in double quotes", "expected a value, got %.*s",
                 word.len > 60 ? 60 : (int)word.len, word.data);
}

/* -- Structure ------------------------------------------------------------------------------- */

static char opener(const struct scan *s)
{
    return s->j->text.data[s->opened[s->depth - 1]];
}

static char closer(const struct scan *s)
{
    return opener(s) == '[' ? ']' : '}';
}

static bool open_container(struct scan *s, char c)
{
    if (s->depth == LIMIT_DEPTH)
        return fault(s, s->next, NULL, "nested deeper than %d levels", LIMIT_DEPTH);
    s->opened[s->depth++] = s->next++;
    s->want = c == '[' ? WANT_VALUE_OR_END : WANT_KEY_OR_END;
    return true;
}

static bool close_container(struct scan *s)
{
    if (s->comma != JSONC_NONE)
        blank(s->j, s->comma, s->comma + 1);
    s->comma = JSONC_NONE;
    s->value_end = ++s->next;
    s->want = --s->depth ? WANT_COMMA_OR_END : DONE;
    return true;
}

/* What stands at s->next is not what has to come. */
static bool unexpected(struct scan *s)
{
    char c = s->j->text.data[s->next];
    if (c == '#')
        return fault(s, s->next, "comments begin with //", "unexpected \"#\"");
    if (c == '\'')
        return fault(s, s->next, NULL, "text is written in double quotes, not in single ones");
    if ((c == ']' || c == '}') && s->depth && c != closer(s)) {
        fault(s, s->next, NULL, "expected \"%c\", got \"%c\"", closer(s), c);
        s->j->opener = s->opened[s->depth - 1];
        return false;
    }
    switch (s->want) {
    case WANT_KEY_OR_END:
        if (ends_word(c))
            return fault(s, s->next, NULL, "expected a key in double quotes, got \"%c\"", c);
        return fault(s, s->next, "put it in double quotes", "a key without quotes");
    case WANT_COLON:
        return fault(s, s->value_end, NULL, "a \":\" is missing after this key");
    case WANT_COMMA_OR_END:
        if (c != ':' && c != '/' && c != ']' && c != '}')
            return fault(s, s->value_end, NULL, "a comma is missing here");
        return fault(s, s->next, NULL, "expected a comma or \"%c\", got \"%c\"", closer(s), c);
    case WANT_VALUE:
    case WANT_VALUE_OR_END:
    case DONE:
        break;
    }
    return fault(s, s->next, NULL, "expected a value, got \"%c\"", c);
}

static void value_ended(struct scan *s)
{
    s->value_end = s->next;
    s->want = s->depth ? WANT_COMMA_OR_END : DONE;
}

static bool scan_key(struct scan *s)
{
    size_t start = s->next;
    if (!scan_string(s, true))
        return false;
    struct slice key = slice_part(s->j->text, start, s->next - start);
    if (s->depth == 2 && slice_is(key, "\"test_case_id\"") && s->j->text.data[s->opened[0]] == '[')
        s->j->has_case = true;
    s->value_end = s->next;
    s->want = WANT_COLON;
    return true;
}

static bool scan_value(struct scan *s, char c)
{
    if (c == '[' || c == '{')
        return open_container(s, c);
    if (c == '"' ? !scan_string(s, false) : !scan_word(s))
        return false;
    value_ended(s);
    return true;
}

/* One token, at s->next. */
static bool step(struct scan *s)
{
    char c = s->j->text.data[s->next];
    bool closes = s->depth && c == closer(s);
    switch (s->want) {
    case WANT_KEY_OR_END:
        if (closes)
            return close_container(s);
        s->comma = JSONC_NONE;
        return c == '"' ? scan_key(s) : unexpected(s);
    case WANT_COLON:
        if (c != ':')
            return unexpected(s);
        s->next++;
        s->want = WANT_VALUE;
        return true;
    case WANT_COMMA_OR_END:
        if (closes)
            return close_container(s);
        if (c != ',')
            return unexpected(s);
        s->comma = s->next++;
        s->want = opener(s) == '[' ? WANT_VALUE_OR_END : WANT_KEY_OR_END;
        return true;
    case WANT_VALUE_OR_END:
        if (closes)
            return close_container(s);
        break;
    case WANT_VALUE:
    case DONE:
        break;
    }
    s->comma = JSONC_NONE;
    bool begins = c == '"' || c == '[' || c == '{' || !ends_word(c);
    return begins ? scan_value(s, c) : unexpected(s);
}

static bool ended_early(struct scan *s)
{
    if (s->depth == 0)
        return fault(s, s->next, NULL, "expected a value, got the end of the text");
    return fault(s, s->opened[s->depth - 1], NULL, "this \"%c\" is never closed", opener(s));
}

bool jsonc_value(struct jsonc *j, size_t from)
{
    struct scan s = {.j = j, .next = from, .comma = JSONC_NONE, .want = WANT_VALUE};
    j->has_case = false;
    while (s.want != DONE) {
        if (!skip_blanks(&s))
            return false;
        if (s.next >= j->text.len)
            return ended_early(&s);
        if (!step(&s))
            return false;
    }
    j->at = j->reached = s.next;
    return true;
}

bool jsonc_nothing_more(struct jsonc *j, size_t from)
{
    struct scan s = {.j = j, .next = from, .comma = JSONC_NONE};
    if (!skip_blanks(&s))
        return false;
    j->at = s.next;
    return s.next >= j->text.len ||
           fault(&s, s.next, j->text.data[s.next] == '#' ? "comments begin with //" : NULL,
                 "the value ended before this; nothing may follow it");
}

void jsonc_diagnose(const struct jsonc *j, const struct source *source, struct diagnostics *d)
{
    struct diagnostic *fault = diagnose(d, source_place(source, j->at), "%s", j->fault);
    fault->hint = j->remedy;
    if (j->opener != JSONC_NONE) {
        struct place opener = source_place(source, j->opener);
        fault->hint = arena_printf(d->arena, "the \"%c\" to be closed is at line %u, column %u",
                                   j->text.data[j->opener], opener.line, opener.column);
    }
}
