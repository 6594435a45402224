/*
 * What the tests of lib/suite share: reading a text or fixture, and what people would be shown.
 */
#ifndef SUITE_TEST_H
#define SUITE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/memory.h"
#include "suite/reader.h"

/* One test's arena and faults. */
struct fixture {
    struct arena *arena;
    struct diagnostics d;
};

static inline int set_up(void **state)
{
    struct fixture *f = NEW(struct fixture);
    f->arena = arena_new();
    f->d = diagnostics_in(f->arena);
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_free(f->arena);
    mem_free(f);
    return 0;
}

#define SUITE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

/* Everything that was printed, in arena memory; the faults are forgotten. */
static inline const char *shown(struct fixture *f)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    diagnostics_print(&f->d, to, false);
    fclose(to);
    const char *copy = arena_string(f->arena, slice_of(text, size));
    free(text);
    f->d = diagnostics_in(f->arena);
    return copy;
}

static inline const struct node *read_as(struct fixture *f, const char *name, const char *text)
{
    const struct node *node;
    reader_text(f->arena, name, slice_str(text), &f->d, &node);
    return node;
}

static inline const char *as_json(struct fixture *f, const struct node *node)
{
    return arena_string(f->arena, jsontext_write(f->arena, node_json(f->arena, node)));
}

/* The text reads as this JSON. */
static inline void assert_reads(struct fixture *f, const char *name, const char *text,
                                const char *json)
{
    const struct node *node = read_as(f, name, text);
    if (!node)
        fail_msg("%s", shown(f));
    assert_string_equal(as_json(f, node), json);
}

/* The text is refused with exactly these words. */
static inline void assert_refused(struct fixture *f, const char *name, const char *text,
                                  const char *words)
{
    assert_null(read_as(f, name, text));
    assert_string_equal(shown(f), words);
}

#endif
