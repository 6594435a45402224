/*
 * Shapes as a page of Markdown: a section for every named shape, in the order in which a reader of
 * the page comes upon them, and in it a row for every key.
 */
#include <ctype.h>

#include "core/memory.h"
#include "core/text.h"
#include "suite/shape.h"

struct page {
    struct text text;
    const struct shape **sections;
    size_t count, capacity;
};

/* Text in a table's cell. */
static void add_cell(struct text *t, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '|')
            text_add_byte(t, '\\');
        text_add_byte(t, s.data[i] == '\n' ? ' ' : s.data[i]);
    }
}

/* The named shapes within `shape`, itself included: those get sections, and links. */
static void add_sections(struct page *page, const struct shape *shape)
{
    if (!shape)
        return;
    if (shape->name) {
        for (size_t i = 0; i < page->count; i++)
            if (page->sections[i] == shape)
                return;
        GROW(page->sections, page->count, page->capacity);
        page->sections[page->count++] = shape;
        return;
    }
    add_sections(page, shape->of);
    for (size_t i = 0; shape->kind == SHAPE_EITHER && shape->either[i]; i++)
        add_sections(page, shape->either[i]);
}

/* GitHub's anchor of a heading. */
static void add_link(struct text *t, const char *words, const char *name)
{
    text_printf(t, "[%s](#", words);
    for (const char *c = name; *c; c++)
        text_add_byte(t, *c == ' ' ? '-' : (char)tolower((unsigned char)*c));
    text_add_byte(t, ')');
}

static void add_value(struct text *t, const struct shape *shape)
{
    if (shape->name) {
        add_link(t, shape->name, shape->name);
    } else if ((shape->kind == SHAPE_LIST || shape->kind == SHAPE_MAP) && shape->of->name) {
        text_add_str(t, shape->kind == SHAPE_LIST ? "a list of " : "a map of ");
        add_link(t, arena_printf(t->arena, "%ss", shape->of->name), shape->of->name);
    } else if (shape->kind == SHAPE_EITHER) {
        for (size_t i = 0; shape->either[i]; i++) {
            text_add_str(t, i == 0 ? "" : shape->either[i + 1] ? ", " : " or ");
            add_value(t, shape->either[i]);
        }
    } else {
        add_cell(t, slice_str(shape_describe(t->arena, shape)));
    }
}

static void add_row(struct page *page, const struct field *f)
{
    struct text *t = &page->text;
    text_printf(t, "| `%s` | ", f->name);
    add_value(t, f->shape);
    text_printf(t, " | %s | ", f->required ? "yes" : "");
    add_cell(t, slice_str(f->help));
    if (f->example) {
        text_add_str(t, f->help ? " Example: `" : "Example: `");
        add_cell(t, slice_str(f->example));
        text_add_byte(t, '`');
    }
    text_add_str(t, " |\n");
    add_sections(page, f->shape);
}

static bool has_table(const struct shape *shape, const struct field *wanted)
{
    for (const struct field *const *table = shape->fields; *table; table++)
        if (*table == wanted)
            return true;
    return false;
}

/* An earlier section all of whose tables are this shape's too: they are not printed again. */
static const struct shape *section_within(const struct page *page, const struct shape *shape)
{
    for (size_t i = 0; i < page->count && page->sections[i] != shape; i++) {
        const struct shape *earlier = page->sections[i];
        bool within = earlier->kind == SHAPE_OBJECT;
        for (size_t j = 0; within && earlier->fields[j]; j++)
            within = has_table(shape, earlier->fields[j]);
        if (within)
            return earlier;
    }
    return NULL;
}

static void add_tables(struct page *page, const struct shape *shape)
{
    struct text *t = &page->text;
    const struct shape *within = section_within(page, shape);
    if (within) {
        text_add_str(t, "It has the keys of ");
        add_link(t, within->name, within->name);
        text_add_str(t, ".\n\n");
    }
    bool headed = false;
    for (const struct field *const *table = shape->fields; *table; table++) {
        if (within && has_table(within, *table))
            continue;
        if (!headed)
            text_add_str(t, "| key | value | required | what it is |\n|---|---|---|---|\n");
        headed = true;
        for (const struct field *f = *table; f->name; f++)
            add_row(page, f);
    }
    if (headed)
        text_add_byte(t, '\n');
}

static void add_section(struct page *page, const struct shape *shape)
{
    struct text *t = &page->text;
    if (shape->name)
        text_printf(t, "## %s\n\n", shape->name);
    if (shape->help)
        text_printf(t, "%s\n\n", shape->help);
    if (shape->kind != SHAPE_OBJECT) {
        struct shape plain = *shape;
        plain.name = NULL;
        text_add_str(t, "Its value is ");
        add_value(t, &plain);
        text_add_str(t, ".\n\n");
        add_sections(page, &plain);
        return;
    }
    add_tables(page, shape);
}

struct slice shape_reference(struct arena *arena, const struct shape *shape, const char *title)
{
    struct page page = {.text = text_in(arena)};
    text_printf(&page.text, "# %s\n\n", title);
    if (shape->name)
        add_sections(&page, shape);
    else
        add_section(&page, shape);
    for (size_t i = 0; i < page.count; i++)
        add_section(&page, page.sections[i]);
    mem_free(page.sections);
    return text_slice(&page.text);
}
