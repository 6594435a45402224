/*
 * Normalised messages, by one hand-written pass: at each place the longest thing that varies is
 * looked for, in the order of the table at the end; what nothing matches is copied.
 */
#include "report/normalise.h"

#include "core/limits.h"
#include "core/text.h"

/* A quoted value up to this long is part of what went wrong; a longer one is data. */
#define QUOTED_BYTES 40
#define STACK_FRAMES 8

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static char at(struct slice s, size_t i)
{
    return i < s.len ? s.data[i] : '\0';
}

static size_t digits(struct slice s, size_t from)
{
    size_t n = 0;
    while (is_digit(at(s, from + n)))
        n++;
    return n;
}

/* ── things that vary: each gives the bytes it takes at the start of `s`, or 0 ── */

/* 'h' is a hexadecimal digit, 'd' a decimal one; anything else is itself. */
static size_t form(struct slice s, const char *pattern)
{
    size_t i = 0;
    for (; pattern[i]; i++) {
        char c = at(s, i);
        bool fits = pattern[i] == 'h'   ? is_hex(c)
                    : pattern[i] == 'd' ? is_digit(c)
                                        : c == pattern[i];
        if (!fits)
            return 0;
    }
    return i;
}

static size_t clock_time(struct slice s)
{
    size_t n = form(s, "dd:dd:dd");
    if (n && (at(s, n) == '.' || at(s, n) == ',') && is_digit(at(s, n + 1)))
        n += 1 + digits(s, n + 1);
    return n;
}

static size_t date(struct slice s)
{
    size_t n = form(s, "dddd-dd-dd");
    if (!n)
        return clock_time(s);
    if (at(s, n) == 'T' || at(s, n) == ' ') {
        size_t more = clock_time(slice_from(s, n + 1));
        n += more ? 1 + more : 0;
    }
    if (at(s, n) == 'Z')
        return n + 1;
    if (at(s, n) == '+' && form(slice_from(s, n + 1), "dd:dd"))
        return n + 6;
    return n;
}

static size_t address(struct slice s)
{
    size_t n = 0;
    if (slice_starts(s, SLICE("localhost:")) || slice_starts(s, SLICE("[::1]:")))
        n = (size_t)slice_find_byte(slice_from(s, 5), ':') + 5;
    if (at(s, 0) == '[')
        n = 5;
    if (n)
        return digits(s, n + 1) ? n + 1 + digits(s, n + 1) : 0;
    for (int part = 0; part < 4; part++) {
        size_t d = digits(s, n);
        if (d == 0 || d > 3 || (part < 3 && at(s, n + d) != '.'))
            return 0;
        n += d + (part < 3);
    }
    if (at(s, n) == ':' && digits(s, n + 1))
        n += 1 + digits(s, n + 1);
    return n;
}

static size_t file_path(struct slice s)
{
    /* A path of a URL looks the same and says what was asked for: only where files are. */
    static const char *const roots[] = {"/tmp/",  "/home/", "/usr/", "/var/",  "/opt/",
                                        "/etc/",  "/lib/",  "/run/", "/srv/",  "/mnt/",
                                        "/data/", "/proc/", "/nix/", "/Users/"};
    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
        if (!slice_starts(s, slice_str(roots[i])))
            continue;
        size_t n = 0;
        while (n < s.len && !strchr(" \t\n\r\"'`()<>[],;", s.data[n]) && s.data[n])
            n++;
        while (n > 1 && strchr(":.", s.data[n - 1]))
            n--;
        return n;
    }
    return 0;
}

static size_t hexadecimal(struct slice s)
{
    if (at(s, 0) != '0' || at(s, 1) != 'x' || !is_hex(at(s, 2)))
        return 0;
    size_t n = 2;
    while (is_hex(at(s, n)))
        n++;
    return n;
}

/* A word that no person made up: a UUID, a hash, "req_8sd9f8s7df". */
static size_t identifier(struct slice s)
{
    size_t n = 0, numbers = 0, letters = 0, hex = 0;
    size_t uuid = form(s, "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh");
    if (uuid)
        return uuid;
    for (; is_digit(at(s, n)) || is_letter(at(s, n)) || at(s, n) == '_' || at(s, n) == '-'; n++) {
        numbers += is_digit(s.data[n]);
        letters += is_letter(s.data[n]);
        hex += is_hex(s.data[n]);
    }
    bool hash = n >= 8 && hex == n && numbers && letters;
    return hash || (n >= 12 && numbers >= 4 && letters) ? n : 0;
}

static size_t unit(struct slice s)
{
    static const char *const units[] = {"ns", "µs", "us", "ms", "s", "min", "h"};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        size_t n = strlen(units[i]);
        if (slice_starts(s, slice_str(units[i])) && !is_letter(at(s, n)) && !is_digit(at(s, n)))
            return n;
    }
    return 0;
}

static size_t number(struct slice s)
{
    size_t n = at(s, 0) == '-';
    if (!is_digit(at(s, n)))
        return 0;
    for (;;) {
        n += digits(s, n);
        bool goes_on = (at(s, n) == '.' || at(s, n) == ',') && is_digit(at(s, n + 1));
        if (!goes_on)
            break;
        n++;
    }
    if (at(s, n) == 'e' && is_digit(at(s, n + 1 + (at(s, n + 1) == '-'))))
        n += 1 + (at(s, n + 1) == '-') + digits(s, n + 1 + (at(s, n + 1) == '-'));
    return n;
}

static size_t duration(struct slice s)
{
    size_t n = number(s);
    if (!n)
        return 0;
    size_t blank = at(s, n) == ' ';
    size_t u = unit(slice_from(s, n + blank));
    return u ? n + blank + u : 0;
}

static size_t quoted(struct slice s)
{
    if (at(s, 0) != '"')
        return 0;
    for (size_t n = 1; n < s.len; n++) {
        if (s.data[n] == '\\')
            n++;
        else if (s.data[n] == '"')
            return n + 1 > QUOTED_BYTES ? n + 1 : 0;
    }
    return 0;
}

/* `within`: also where a word goes on, as in "worker3". */
static const struct {
    size_t (*taken)(struct slice s);
    const char *word;
    bool within;
} varying[] = {
    {quoted, "<text>", false},       {date, "<time>", false},       {address, "<address>", false},
    {file_path, "<path>", false},    {hexadecimal, "<hex>", false}, {identifier, "<id>", false},
    {duration, "<duration>", false}, {number, "<n>", false},        {number, "<n>", true},
};

static bool replace(struct text *t, struct slice *rest, bool in_word)
{
    for (size_t i = 0; i < sizeof(varying) / sizeof(varying[0]); i++) {
        if (in_word && !varying[i].within)
            continue;
        size_t taken = varying[i].taken(*rest);
        if (taken == 0 || (in_word && rest->data[0] == '-'))
            continue;
        text_add_str(t, varying[i].word);
        *rest = slice_from(*rest, taken);
        return true;
    }
    return false;
}

struct slice normalise_message(struct arena *arena, struct slice message)
{
    struct text t = text_in(arena);
    struct slice rest = slice_trim(slice_part(message, 0, LIMIT_NORMALISED_BYTES));
    bool in_word = false;

    while (rest.len) {
        char c = rest.data[0];
        if (replace(&t, &rest, in_word)) {
            in_word = true;
            continue;
        }
        bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (blank && t.len && t.data[t.len - 1] != ' ')
            text_add_byte(&t, ' ');
        else if (!blank && (unsigned char)c >= ' ' && c != 0x7f)
            text_add_byte(&t, c);
        in_word = is_letter(c) || is_digit(c) || c == '_';
        rest = slice_from(rest, 1);
    }
    return text_slice(&t);
}

/* ── stacks ── */

struct frames {
    struct slice names[STACK_FRAMES];
    size_t count;
    bool outermost_first; /* Python; then the last ones are kept */
};

static void add_frame(struct frames *f, struct slice name)
{
    name = slice_trim(name);
    if (name.len == 0)
        return;
    if (f->count == STACK_FRAMES) {
        if (!f->outermost_first)
            return;
        memmove(&f->names[0], &f->names[1], (STACK_FRAMES - 1) * sizeof(f->names[0]));
        f->count--;
    }
    f->names[f->count++] = name;
}

static struct slice until(struct slice s, const char *ends)
{
    size_t n = 0;
    while (n < s.len && s.data[n] && !strchr(ends, s.data[n]))
        n++;
    return slice_part(s, 0, n);
}

/* `  File "x.py", line 3, in load` */
static bool python_frame(struct frames *f, struct slice line)
{
    ptrdiff_t in = slice_find(line, SLICE(", in "));
    if (!slice_starts(line, SLICE("File \"")) || in < 0)
        return false;
    f->outermost_first = true;
    add_frame(f, slice_from(line, (size_t)in + 5));
    return true;
}

/* `at load (x.js:3:5)`, `at com.example.Model.load(Model.java:12)` */
static bool at_frame(struct frames *f, struct slice line)
{
    if (!slice_starts(line, SLICE("at ")) || slice_find_byte(line, '(') < 0)
        return false;
    add_frame(f, until(slice_from(line, 3), "("));
    return true;
}

/* `#1 0x55d0 in load /src/x.c:3`, `#1  load (path=0x0) at x.c:3` */
static bool numbered_frame(struct frames *f, struct slice line)
{
    size_t n = at(line, 0) == '#' ? digits(line, 1) : 0;
    if (n == 0)
        return false;
    struct slice rest = slice_trim(slice_from(line, 1 + n));
    ptrdiff_t in = slice_find(rest, SLICE(" in "));
    if (slice_starts(rest, SLICE("0x")) && in >= 0)
        rest = slice_from(rest, (size_t)in + 4);
    add_frame(f, until(rest, " ("));
    return true;
}

/* `   3: model::load`, behind "stack backtrace:" */
static bool rust_frame(struct frames *f, struct slice line, bool in_backtrace)
{
    size_t n = digits(line, 0);
    if (!in_backtrace || n == 0 || at(line, n) != ':')
        return false;
    add_frame(f, slice_from(line, n + 1));
    return true;
}

/* `main.load(0x1, …)`, with the file on the line after it */
static bool go_frame(struct frames *f, struct slice line, struct slice next)
{
    bool file = slice_starts(next, SLICE("\t")) && slice_find(next, SLICE(".go:")) >= 0;
    ptrdiff_t bracket = slice_find_byte(line, '(');
    if (!file || bracket <= 0)
        return false;
    while (slice_find_byte(slice_from(line, (size_t)bracket + 1), '(') >= 0)
        bracket += 1 + slice_find_byte(slice_from(line, (size_t)bracket + 1), '(');
    add_frame(f, slice_part(line, 0, (size_t)bracket));
    return true;
}

struct slice normalise_stack(struct arena *arena, struct slice text)
{
    struct frames f = {0};
    struct slice rest = text, raw;
    struct text t = text_in(arena);
    bool in_backtrace = false;

    while (slice_split(&rest, '\n', &raw)) {
        struct slice line = slice_trim(raw);
        in_backtrace = in_backtrace || slice_eq(line, SLICE("stack backtrace:"));
        if (python_frame(&f, line) || at_frame(&f, line) || numbered_frame(&f, line) ||
            rust_frame(&f, line, in_backtrace))
            continue;
        go_frame(&f, line, until(rest, "\n"));
    }
    for (size_t i = 0; i < f.count; i++) {
        if (i)
            text_add_str(&t, " < ");
        text_add(&t, normalise_message(arena, f.names[f.outermost_first ? f.count - 1 - i : i]));
    }
    return text_slice(&t);
}
