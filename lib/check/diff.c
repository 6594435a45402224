/*
 * Line differences by Myers' greedy algorithm (1986), which is fast when texts are alike, and they
 * mostly are: a failed check compares an answer with nearly the same answer. When more than
 * MOST_EDITS lines differ (or there are more than MOST_LINES) a minimal script helps nobody, and
 * the first differing lines are shown.
 */
#include "check/diff.h"

#include "core/limits.h"
#include "core/text.h"

#define MOST_EDITS 200
#define MOST_LINES 20000
#define CONTEXT_LINES 3
/* Of two long lines, how much is shown before and after the first difference. */
#define BEFORE_CARET 40
#define AFTER_CARET 60
/* One line of a diff, one value of a JSON difference. */
#define LINE_SHOWN 200

struct lines {
    struct slice *items;
    size_t count;
};

static struct lines split_lines(struct arena *arena, struct slice text)
{
    size_t count = 1;
    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == '\n';
    struct lines lines = {ARENA_ARRAY(arena, struct slice, count), 0};
    struct slice rest = text, line;
    while (slice_split(&rest, '\n', &line))
        lines.items[lines.count++] = line;
    /* A final newline ends the last line; it does not begin an empty one. */
    if (lines.count > 1 && lines.items[lines.count - 1].len == 0)
        lines.count--;
    return lines;
}

static void add_line(struct text *out, char mark, struct slice line)
{
    text_printf(out, "%c ", mark);
    text_add(out, text_shown(out->arena, line, LINE_SHOWN));
    text_add_byte(out, '\n');
}

/* One step of an edit script: keep (' '), delete an expected line ('-'), insert an actual one. */
struct edit {
    char mark;
    size_t expected, actual; /* line indices */
};

struct script {
    struct edit *edits;
    size_t count;
};

/*
 * Myers: `furthest[d][k]` is how far along `a` d edits reach on diagonal k (index shifted by d).
 * Returns the number of edits, or -1 when it is more than MOST_EDITS.
 */
static int shortest_path(const struct lines *a, const struct lines *b, int **furthest,
                         struct arena *arena)
{
    for (int d = 0; d <= MOST_EDITS; d++) {
        int *row = furthest[d] = ARENA_ARRAY(arena, int, (size_t)(2 * d + 1));
        const int *before = d ? furthest[d - 1] : NULL;
        for (int k = -d; k <= d; k += 2) {
            int x = 0;
            /* before[i + d - 1] is diagonal i */
            if (d > 0 && (k == -d || (k != d && before[k - 1 + d - 1] < before[k + 1 + d - 1])))
                x = before[k + 1 + d - 1];
            else if (d > 0)
                x = before[k - 1 + d - 1] + 1;
            while (x - k >= 0 && (size_t)x < a->count && (size_t)(x - k) < b->count &&
                   slice_eq(a->items[x], b->items[x - k]))
                x++;
            row[k + d] = x;
            if ((size_t)x >= a->count && x - k >= 0 && (size_t)(x - k) >= b->count)
                return d;
        }
    }
    return -1;
}

/* Walk the path back from the end, filling the script from its last edit. */
static struct script edit_script(const struct lines *a, const struct lines *b, int **furthest,
                                 int edits, struct arena *arena)
{
    size_t most = a->count + b->count, at = most;
    struct edit *script = ARENA_ARRAY(arena, struct edit, most ? most : 1);
    int x = (int)a->count, y = (int)b->count;

    for (int d = edits; d >= 0; d--) {
        int k = x - y, from_k = 0, from_x = 0;
        if (d > 0) {
            const int *before = furthest[d - 1];
            bool down = k == -d || (k != d && before[k - 1 + d - 1] < before[k + 1 + d - 1]);
            from_k = down ? k + 1 : k - 1;
            from_x = before[from_k + d - 1];
        }
        int from_y = from_x - from_k;
        while (x > from_x && y > from_y) {
            x--, y--;
            script[--at] = (struct edit){' ', (size_t)x, (size_t)y};
        }
        if (d == 0)
            break;
        if (x == from_x)
            script[--at] = (struct edit){'+', (size_t)x, (size_t)--y};
        else
            script[--at] = (struct edit){'-', (size_t)--x, (size_t)y};
    }
    return (struct script){script + at, most - at};
}

/* Is there an edit within CONTEXT_LINES of this step? */
static bool near_edit(const struct script *s, size_t i)
{
    size_t from = i > CONTEXT_LINES ? i - CONTEXT_LINES : 0;
    for (size_t j = from; j < s->count && j <= i + CONTEXT_LINES; j++)
        if (s->edits[j].mark != ' ')
            return true;
    return false;
}

static void show_script(struct text *out, const struct lines *a, const struct lines *b,
                        const struct script *s)
{
    bool skipped = true;
    for (size_t i = 0; i < s->count; i++) {
        const struct edit *e = &s->edits[i];
        if (!near_edit(s, i)) {
            skipped = true;
            continue;
        }
        if (out->len > LIMIT_SHOWN_BYTES) {
            text_printf(out, "… (more differences after line %zu)\n", e->actual + 1);
            return;
        }
        if (skipped)
            text_printf(out, "@@ expected line %zu, actual line %zu @@\n", e->expected + 1,
                        e->actual + 1);
        skipped = false;
        add_line(out, e->mark, e->mark == '+' ? b->items[e->actual] : a->items[e->expected]);
    }
}

/* Too different for a script: where it begins, and a few lines of each. */
static void show_beginning(struct text *out, const struct lines *a, const struct lines *b)
{
    size_t same = 0;
    while (same < a->count && same < b->count && slice_eq(a->items[same], b->items[same]))
        same++;
    text_printf(out, "@@ different from line %zu on (expected %zu lines, actual %zu) @@\n",
                same + 1, a->count, b->count);
    for (size_t i = same; i < a->count && i < same + CONTEXT_LINES; i++)
        add_line(out, '-', a->items[i]);
    for (size_t i = same; i < b->count && i < same + CONTEXT_LINES; i++)
        add_line(out, '+', b->items[i]);
}

/* Back to the start of the character that byte `at` belongs to. */
static size_t character_start(struct slice s, size_t at)
{
    while (at > 0 && at < s.len && ((unsigned char)s.data[at] & 0xc0) == 0x80)
        at--;
    return at;
}

/* Columns a slice takes when shown: control characters and invalid bytes are escaped as \xNN. */
static size_t columns(struct arena *arena, struct slice s)
{
    return utf8_length(text_shown(arena, s, s.len));
}

static void show_window(struct text *out, char mark, struct slice s, size_t from, size_t to)
{
    text_printf(out, "%c ", mark);
    if (from > 0)
        text_add_str(out, "…");
    to = character_start(s, to < s.len ? to : s.len);
    text_add(out, text_shown(out->arena, slice_part(s, from, to - from), to - from));
    if (to < s.len)
        text_add_str(out, "…");
    text_add_byte(out, '\n');
}

static void show_caret(struct text *out, struct slice expected, struct slice actual)
{
    size_t at = 0;
    while (at < expected.len && at < actual.len && expected.data[at] == actual.data[at])
        at++;
    at = character_start(at < expected.len ? expected : actual, at);
    size_t from = character_start(expected, at > BEFORE_CARET ? at - BEFORE_CARET : 0);
    show_window(out, '-', expected, from, at + AFTER_CARET);
    show_window(out, '+', actual, from, at + AFTER_CARET);
    size_t column = 2 + (from > 0) + columns(out->arena, slice_part(expected, from, at - from));
    text_printf(out, "%*s^ character %zu\n", (int)column, "",
                utf8_length(slice_part(expected, 0, at)) + 1);
}

struct slice diff_text(struct arena *arena, struct slice expected, struct slice actual)
{
    struct text out = text_in(arena);
    if (slice_eq(expected, actual))
        return text_slice(&out);
    if (slice_find_byte(expected, '\n') < 0 && slice_find_byte(actual, '\n') < 0) {
        show_caret(&out, expected, actual);
        return text_slice(&out);
    }
    struct lines a = split_lines(arena, expected), b = split_lines(arena, actual);
    int **furthest = ARENA_ARRAY(arena, int *, MOST_EDITS + 1);
    bool many = a.count > MOST_LINES || b.count > MOST_LINES;
    int edits = many ? -1 : shortest_path(&a, &b, furthest, arena);
    if (edits == 0) {
        text_add_str(&out, expected.len > actual.len ? "- (a newline at the end)\n"
                                                     : "+ (a newline at the end)\n");
    } else if (edits < 0) {
        show_beginning(&out, &a, &b);
    } else {
        struct script script = edit_script(&a, &b, furthest, edits, arena);
        show_script(&out, &a, &b, &script);
    }
    return text_slice(&out);
}

/* --- JSON --- */

struct json_diff {
    struct text out;
    size_t left_out;
};

static const char *member_path(struct arena *arena, const char *where, const char *key)
{
    bool plain = *key && !(*key >= '0' && *key <= '9');
    for (const char *c = key; *c; c++)
        plain &= (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_' ||
                 (*c >= '0' && *c <= '9') || (unsigned char)*c >= 0x80;
    return arena_printf(arena, plain ? "%s.%s" : "%s['%s']", where, key);
}

static struct slice value_shown(struct arena *arena, const json_t *value)
{
    return text_shown(arena, jsontext_write(arena, value), LINE_SHOWN);
}

static void add_difference(struct json_diff *d, const char *where, const json_t *expected,
                           const json_t *actual)
{
    if (d->out.len > LIMIT_SHOWN_BYTES) {
        d->left_out++;
        return;
    }
    struct arena *arena = d->out.arena;
    text_printf(&d->out, "%s: ", where);
    if (!expected) {
        text_add_str(&d->out, "unexpected, got ");
        text_add(&d->out, value_shown(arena, actual));
    } else {
        text_add_str(&d->out, actual ? "expected " : "missing, expected ");
        text_add(&d->out, value_shown(arena, expected));
    }
    if (expected && actual) {
        text_add_str(&d->out, ", got ");
        text_add(&d->out, value_shown(arena, actual));
    }
    text_add_byte(&d->out, '\n');
}

static void compare(struct json_diff *d, const char *where, const json_t *expected,
                    const json_t *actual);

static void compare_objects(struct json_diff *d, const char *where, const json_t *expected,
                            const json_t *actual)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)expected, key, value)
        compare(d, member_path(d->out.arena, where, key), value, json_object_get(actual, key));
    json_object_foreach((json_t *)(uintptr_t)actual, key, value)
    {
        if (!json_object_get(expected, key))
            compare(d, member_path(d->out.arena, where, key), NULL, value);
    }
}

static void compare_arrays(struct json_diff *d, const char *where, const json_t *expected,
                           const json_t *actual)
{
    size_t n = json_array_size(expected), m = json_array_size(actual);
    for (size_t i = 0; i < n || i < m; i++) {
        /* Past the ceiling only counting goes on, which needs no paths. */
        const char *path = d->out.len > LIMIT_SHOWN_BYTES
                               ? where
                               : arena_printf(d->out.arena, "%s[%zu]", where, i);
        compare(d, path, json_array_get(expected, i), json_array_get(actual, i));
    }
}

static void compare(struct json_diff *d, const char *where, const json_t *expected,
                    const json_t *actual)
{
    if (expected && actual && jsontext_equal(expected, actual))
        return;
    if (json_is_object(expected) && json_is_object(actual))
        compare_objects(d, where, expected, actual);
    else if (json_is_array(expected) && json_is_array(actual))
        compare_arrays(d, where, expected, actual);
    else
        add_difference(d, where, expected, actual);
}

struct slice diff_json(struct arena *arena, const json_t *expected, const json_t *actual,
                       const char *where)
{
    struct json_diff d = {.out = text_in(arena)};
    compare(&d, where, expected, actual);
    if (d.left_out)
        text_printf(&d.out, "… (%zu more differences)\n", d.left_out);
    return text_slice(&d.out);
}
