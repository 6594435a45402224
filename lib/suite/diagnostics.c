/*
 * Faults of a suite and how people see them. What is shown comes from the user's file, which may be
 * anything: control characters never reach the terminal, a line of a megabyte is cut to a window
 * around the fault, and the caret stands under its character whatever its width.
 */
#include "suite/diagnostics.h"

#include "core/limits.h"
#include "core/text.h"

/* Columns of the source line that are shown; fits a terminal with its gutter. */
#define WINDOW 90
/* Of those, how many stand before the caret when the line is longer. */
#define WINDOW_BEFORE 60
#define TAB_WIDTH 4

struct diagnostics diagnostics_in(struct arena *arena)
{
    return (struct diagnostics){.arena = arena};
}

static struct diagnostic *add(struct diagnostics *d, struct place at, const char *text)
{
    struct diagnostic *fault = ARENA_NEW(d->arena, struct diagnostic);
    *fault = (struct diagnostic){.at = at, .text = text};
    if (d->count++ >= LIMIT_DIAGNOSTICS)
        return fault;
    if (d->last)
        d->last->next = fault;
    else
        d->first = fault;
    d->last = fault;
    return fault;
}

struct diagnostic *diagnose(struct diagnostics *d, struct place at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = arena_vprintf(d->arena, format, args);
    va_end(args);
    return add(d, at, text);
}

void diagnostic_suggest(struct diagnostics *d, struct diagnostic *fault, struct slice word,
                        const char *const *candidates)
{
    const char *near = slice_nearest(word, candidates);
    if (near)
        fault->hint = arena_printf(d->arena, "did you mean \"%s\"?", near);
}

void diagnose_unknown(struct diagnostics *d, struct place at, const char *what, struct slice word,
                      const char *const *candidates)
{
    struct slice shown = text_shown(d->arena, word, 60);
    struct diagnostic *fault = diagnose(d, at, "unknown %s \"%.*s\"", what, SLICE_ARG(shown));
    diagnostic_suggest(d, fault, word, candidates);
}

void diagnose_error(struct diagnostics *d, struct place at)
{
    const struct error *error = error_last();
    add(d, error->place.source ? error->place : at, arena_printf(d->arena, "%s", error->text));
}

struct result diagnostics_result(const struct diagnostics *d)
{
    if (!d->first)
        return RESULT_OK;
    return error_at(ERR_SUITE, d->first->at, "%s", d->first->text);
}

/* -- The source line ------------------------------------------------------------------------- */

static uint32_t code_point(const char *s, size_t len)
{
    const unsigned char *p = (const unsigned char *)s;
    switch (len) {
    case 2:
        return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
    case 3:
        return (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
    case 4:
        return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
               (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
    default:
        return p[0];
    }
}

/* Terminal columns of a character. Independent of the locale, which wcwidth() is not. */
static size_t width(uint32_t c)
{
    static const struct {
        uint32_t first, last;
        size_t width;
    } ranges[] = {
        /* combining marks, joiners, variation selectors */
        {0x0300, 0x036f, 0},
        {0x200b, 0x200f, 0},
        {0x20d0, 0x20ff, 0},
        {0xfe00, 0xfe0f, 0},
        /* East Asian Wide and Fullwidth (UAX 11), emoji */
        {0x1100, 0x115f, 2},
        {0x2e80, 0xa4cf, 2},
        {0xac00, 0xd7a3, 2},
        {0xf900, 0xfaff, 2},
        {0xfe30, 0xfe6f, 2},
        {0xff00, 0xff60, 2},
        {0xffe0, 0xffe6, 2},
        {0x1f300, 0x1f64f, 2},
        {0x1f680, 0x1faff, 2},
        {0x20000, 0x3fffd, 2},
    };
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return ranges[i].width;
    return 1;
}

/* One character of a source line as it is shown. */
struct glyph {
    size_t bytes; /* of the source */
    size_t columns;
    struct slice shown;
};

static struct glyph glyph_at(struct slice rest)
{
    size_t n = utf8_sequence(rest);
    unsigned char c = (unsigned char)rest.data[0];
    if (c == '\t')
        return (struct glyph){1, TAB_WIDTH, SLICE("    ")};
    uint32_t point = n ? code_point(rest.data, n) : 0;
    /* Controls (C1 and the ones that turn the writing direction too) could dress up a message. */
    bool control = n == 0 || point < 0x20 || (point >= 0x7f && point < 0xa0) ||
                   (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
    if (control)
        return (struct glyph){n ? n : 1, 1, SLICE("\xef\xbf\xbd")};
    return (struct glyph){n, width(point), slice_of(rest.data, n)};
}

/* Columns before byte `end` of a line. */
static size_t columns_before(struct slice line, size_t end)
{
    size_t columns = 0;
    for (size_t i = 0; i < end && i < line.len;) {
        struct glyph g = glyph_at(slice_from(line, i));
        if (i + g.bytes > end)
            break; /* the place points inside a character: under its first column */
        columns += g.columns;
        i += g.bytes;
    }
    return columns;
}

static void print_source(struct place at, FILE *to, bool color)
{
    struct slice line = source_line(at.source, at.line);
    size_t caret = columns_before(line, at.column ? at.column - 1 : 0);
    size_t first = 0, last = WINDOW;
    if (caret > WINDOW - 10) {
        first = caret - WINDOW_BEFORE;
        last = first + WINDOW;
    }

    char number[16];
    int gutter = snprintf(number, sizeof(number), "%3u", at.line);
    const char *blue = color ? "\033[34m" : "", *red = color ? "\033[1;31m" : "",
               *plain = color ? "\033[0m" : "";
    fprintf(to, "%s%s |%s ", blue, number, plain);
    if (first)
        fputs("…", to);
    size_t column = 0, printed = first ? 1 : 0, caret_at = caret - first + printed;
    for (size_t i = 0; i < line.len;) {
        struct glyph g = glyph_at(slice_from(line, i));
        if (column >= last) {
            fputs("…", to);
            break;
        }
        if (column >= first) {
            fwrite(g.shown.data, 1, g.shown.len, to);
        } else if (column + g.columns > first) {
            /* A wide character cut by the window's edge: keep the columns in step. */
            for (size_t j = first; j < column + g.columns; j++)
                fputc(' ', to);
        }
        column += g.columns;
        i += g.bytes;
    }
    fprintf(to, "\n%s%*s |%s %*s%s^%s\n", blue, gutter, "", plain, (int)caret_at, "", red, plain);
}

/* -- All of them ----------------------------------------------------------------------------- */

/* Does `a` stand behind `b`? */
static bool behind(struct place a, struct place b)
{
    if (a.source != b.source) {
        if (!a.source || !b.source)
            return a.source != NULL;
        int order = strcmp(a.source->name, b.source->name);
        if (order)
            return order > 0;
    }
    return a.line != b.line ? a.line > b.line : a.column > b.column;
}

static bool same(const struct diagnostic *a, const struct diagnostic *b)
{
    return !behind(a->at, b->at) && !behind(b->at, a->at) && strcmp(a->text, b->text) == 0;
}

/* One fault in the defaults comes up in every case: it is told once. */
static size_t drop_repeated(const struct diagnostic **sorted, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        size_t k = kept;
        while (k > 0 && !behind(sorted[i]->at, sorted[k - 1]->at) &&
               !same(sorted[k - 1], sorted[i]))
            k--;
        bool repeated = k > 0 && same(sorted[k - 1], sorted[i]);
        if (!repeated)
            sorted[kept++] = sorted[i];
    }
    return kept;
}

/* Insertion: there are few, mostly in order already, and those at one place keep their order. */
static size_t sort(const struct diagnostics *d, const struct diagnostic **sorted)
{
    size_t count = 0;
    for (const struct diagnostic *fault = d->first; fault; fault = fault->next) {
        size_t i = count++;
        for (; i > 0 && behind(sorted[i - 1]->at, fault->at); i--)
            sorted[i] = sorted[i - 1];
        sorted[i] = fault;
    }
    return count;
}

static void print_one(struct arena *arena, const struct diagnostic *fault, FILE *to, bool color)
{
    const char *bold = color ? "\033[1m" : "", *red = color ? "\033[1;31m" : "",
               *green = color ? "\033[1;32m" : "", *plain = color ? "\033[0m" : "";
    struct place at = fault->at;
    if (at.source && at.line)
        fprintf(to, "%s%s:%u:%u:%s ", bold, at.source->name, at.line, at.column, plain);
    else if (at.source)
        fprintf(to, "%s%s:%s ", bold, at.source->name, plain);
    /* The words may quote the user's file: nothing of it may steer the terminal. */
    struct slice text = text_shown(arena, slice_str(fault->text), LIMIT_SHOWN_BYTES);
    fprintf(to, "%serror:%s %s%.*s%s\n", red, plain, bold, SLICE_ARG(text), plain);
    if (at.source && at.line)
        print_source(at, to, color);
    if (fault->hint) {
        struct slice hint = text_shown(arena, slice_str(fault->hint), LIMIT_SHOWN_BYTES);
        fprintf(to, "%shelp:%s %.*s\n", green, plain, SLICE_ARG(hint));
    }
    fputc('\n', to);
}

void diagnostics_print(const struct diagnostics *d, FILE *to, bool color)
{
    const struct diagnostic *sorted[LIMIT_DIAGNOSTICS];
    size_t kept = sort(d, sorted), count = drop_repeated(sorted, kept);
    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++)
        print_one(d->arena, sorted[i], to, color);
    size_t all = d->count > kept ? d->count : count;
    fprintf(to, "%zu error%s", all, all == 1 ? "" : "s");
    if (count < all)
        fprintf(to, ", the first %zu shown", count);
    fputc('\n', to);
}
