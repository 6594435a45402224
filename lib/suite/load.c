/*
 * Deciding what a text is. The name decides when it ends in .yaml, .yml, .json or .jsonc; otherwise
 * a bracket as the first thing means JSON. Prompt cases of the older form come under any name but
 * YAML's. Before that, what no parser should see is refused: too much, no UTF-8, control
 * characters.
 */
#include "suite/load.h"

#include <errno.h>
#include <stdio.h>

#include "core/buf.h"
#include "core/limits.h"
#include "core/memory.h"
#include "core/text.h"
#include "suite/events.h"
#include "suite/jsonc.h"
#include "suite/older.h"

/* Valid UTF-8 without control characters but tab and line ends? */
static bool check_text(const struct source *source, struct diagnostics *d)
{
    struct slice text = source->text;
    for (size_t i = 0; i < text.len;) {
        unsigned char c = (unsigned char)text.data[i];
        size_t n = c < 0x80 ? 1 : utf8_sequence(slice_from(text, i));
        if (n == 0) {
            diagnose(d, source_place(source, i), "the byte 0x%02x is not UTF-8", c)->hint =
                "save the file as UTF-8";
            return false;
        }
        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f) {
            diagnose(d, source_place(source, i), "the control character 0x%02x cannot stand here",
                     c)
                ->hint = "in a string it is written as an escape";
            return false;
        }
        i += n;
    }
    return true;
}

static bool named(const struct source *source, const char *extension)
{
    struct slice name = slice_str(source->name), end = slice_str(extension);
    return name.len > end.len && slice_eq_nocase(slice_from(name, name.len - end.len), end);
}

/* Does the text begin with a bracket, comments aside? */
static bool looks_like_json(struct slice text)
{
    struct jsonc j = {.text = text};
    return !jsonc_nothing_more(&j, 0) && j.at < text.len && strchr("[{", text.data[j.at]);
}

static const struct node *read_json(struct arena *arena, const struct source *source,
                                    struct diagnostics *d)
{
    struct slice text = source->text;
    DEFER(mem_free_pointer)
    char *strict = mem_alloc(text.len);
    memcpy(strict, text.data, text.len);
    struct jsonc j = {.text = text, .strict = strict};
    if (jsonc_nothing_more(&j, 0)) {
        diagnose(d, source_place(source, 0), "there is nothing but comments in here");
        return NULL;
    }
    if (!jsonc_value(&j, 0) || !jsonc_nothing_more(&j, j.at)) {
        jsonc_diagnose(&j, source, d);
        return NULL;
    }
    return events_read(arena, source, slice_of(strict, text.len), EVENTS_JSON, d);
}

static const struct node *read_any(struct arena *arena, const struct source *source,
                                   struct diagnostics *d)
{
    size_t cases;
    if (!check_text(source, d))
        return NULL;
    if (named(source, ".yaml") || named(source, ".yml"))
        return events_read(arena, source, source->text, EVENTS_YAML, d);
    if (older_find(source->text, &cases))
        return older_read(arena, source, cases, d);
    if (named(source, ".json") || named(source, ".jsonc") || looks_like_json(source->text))
        return read_json(arena, source, d);
    return events_read(arena, source, source->text, EVENTS_YAML, d);
}

/* `text` stays as long as the arena. */
static const struct node *load(struct arena *arena, const char *name, struct slice text,
                               struct diagnostics *d)
{
    if (slice_starts(text, SLICE("\xef\xbb\xbf")))
        text = slice_from(text, 3);
    struct source *source = ARENA_NEW(arena, struct source);
    *source = (struct source){arena_string(arena, slice_str(name)), text};
    struct place whole = {.source = source};

    if (text.len > LIMIT_SUITE_BYTES)
        diagnose(d, whole, "the file is larger than the %u MiB a suite may have",
                 LIMIT_SUITE_BYTES >> 20);
    else if (slice_trim(text).len == 0)
        diagnose(d, whole, "the file is empty");
    else if (slice_starts(text, SLICE("\xff\xfe")) || slice_starts(text, SLICE("\xfe\xff")))
        diagnose(d, whole, "the file is in UTF-16")->hint = "save the file as UTF-8";
    else
        return read_any(arena, source, d);
    return NULL;
}

const struct node *load_text(struct arena *arena, const char *name, struct slice text,
                             struct diagnostics *d)
{
    return load(arena, name, arena_copy(arena, text), d);
}

static void free_buf(void *buf)
{
    buf_free(buf);
}

static void close_file(FILE **file)
{
    if (*file)
        fclose(*file);
}

const struct node *load_file(struct arena *arena, const char *path, struct place at,
                             struct diagnostics *d)
{
    DEFER(close_file)
    FILE *file = fopen(path, "re");
    if (!file) {
        diagnose(d, at, "cannot read %s: %s", path, strerror(errno));
        return NULL;
    }
    /* One byte more than allowed, to see that it is too much. */
    struct buf *text = ARENA_NEW(arena, struct buf);
    *text = buf_limited(LIMIT_SUITE_BYTES + 1);
    arena_defer(arena, free_buf, text);
    char part[16384];
    size_t n;
    while ((n = fread(part, 1, sizeof(part), file)) > 0) {
        size_t room = text->max - text->len;
        result_ignore(buf_append(text, slice_of(part, n < room ? n : room))); /* it has the room */
        if (n > room)
            break;
    }
    if (ferror(file)) {
        diagnose(d, at, "cannot read %s: %s", path, strerror(errno));
        return NULL;
    }
    return load(arena, path, buf_slice(text), d);
}
