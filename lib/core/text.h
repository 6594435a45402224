/*
 * A text under construction in an arena: messages, diffs, reports. What goes in is already bounded
 * (it was read into a buf first), so there is no ceiling here and no error to look at.
 */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include "core/arena.h"

struct text {
    struct arena *arena;
    char *data; /* NUL-terminated once anything was added */
    size_t len, size;
};

static inline struct text text_in(struct arena *arena)
{
    return (struct text){.arena = arena};
}

void text_add(struct text *t, struct slice s);
void text_add_str(struct text *t, const char *s);
void text_add_byte(struct text *t, char byte);
void text_printf(struct text *t, const char *format, ...) PRINTF_LIKE(2, 3);

/* As a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void text_add_json(struct text *t, struct slice s);

/* With & < > " ' as entities and characters XML 1.0 forbids as U+FFFD. */
void text_add_xml(struct text *t, struct slice s);

/* As one word for a POSIX shell: quoted when it has to be. */
void text_add_shell(struct text *t, struct slice s);

/* For Markdown: what it or HTML would take for markup gets a backslash. `s` is one line. */
void text_add_markdown(struct text *t, struct slice s);

static inline struct slice text_slice(const struct text *t)
{
    return slice_of(t->data, t->len);
}

/* The finished text, never NULL. */
static inline const char *text_str(const struct text *t)
{
    return t->data ? t->data : "";
}

/*
 * Text shown to people, at most `max` bytes of `s`: cut at a character, with a note of how much is
 * missing; control characters (terminals obey them) and invalid UTF-8 as \xNN, byte by byte.
 * Newlines and tabs stay.
 */
struct slice text_shown(struct arena *arena, struct slice s, size_t max);

/* "a" or "an", as the word is spoken: an exec step, an http step. */
const char *text_article(const char *word);

/* Length of the well-formed UTF-8 sequence at the start of `s` (1–4), or 0. */
size_t utf8_sequence(struct slice s);
bool utf8_valid(struct slice s);

/* Unicode scalar values in valid UTF-8; invalid bytes count one each. */
size_t utf8_length(struct slice s);

/* The text itself when it is UTF-8 without NUL bytes, else a copy with U+FFFD for each bad byte. */
struct slice utf8_repaired(struct arena *arena, struct slice s);

#endif
