/*
 * Reading the files under tests/data. A file that is missing or broken ends the test program: there
 * is nothing to test without it.
 */
#ifndef TEST_DATA_H
#define TEST_DATA_H

#include <errno.h>
#include <stdio.h>

#include "core/buf.h"
#include "core/jsontext.h"

/* The JSON of tests/data/<name>, owned by the arena. */
static inline json_t *test_data_json(struct arena *arena, const char *name)
{
    const char *path = arena_printf(arena, TEST_DATA "/%s", name);
    DEFER(buf_free)
    struct buf text = buf_limited(16u << 20);
    FILE *f = fopen(path, "rb");
    MUST(f != NULL, "cannot open %s: %s", path, strerror(errno));
    char chunk[65536];
    size_t n = 0;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0) {
        struct result r = buf_append(&text, slice_of(chunk, n));
        MUST(result_ok(r), "%s: %s", path, error_last()->text);
    }
    fclose(f);
    json_t *value = NULL;
    struct result r = jsontext_read_in(arena, buf_slice(&text), &value);
    MUST(result_ok(r), "%s: %s", path, error_last()->text);
    return value;
}

#endif
