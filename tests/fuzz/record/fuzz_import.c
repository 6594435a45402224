/*
 * Exports of stores from anybody: any bytes are taken whole or refused with a sentence; what was
 * refused leaves nothing, and what was taken can be exported and taken again, as it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/text.h"
#include "record/store_admin.h"
#include "record/store_line.h"
#include "record/store_tables.h"

static struct store *store;
static char folder[] = "/tmp/assay-fuzz-import-XXXXXX";

static void leave(void)
{
    static const char *const files[] = {"/a.db", "/a.db-wal", "/a.db-shm"};
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    store_close(store);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        unlink(arena_printf(arena, "%s%s", folder, files[i]));
    rmdir(folder);
}

static void begin(struct arena *arena)
{
    MUST(mkdtemp(folder), "no folder");
    struct result r = store_open(arena_printf(arena, "%s/a.db", folder), &store);
    MUST(result_ok(r), "%s", error_last()->text);
    r = database_execute(store_database(store), "PRAGMA synchronous = OFF");
    MUST(result_ok(r), "%s", error_last()->text);
    atexit(leave);
}

static void empty(struct arena *arena)
{
    for (const struct stored_table *t = stored_tables; t->name; t++) {
        struct result r =
            database_execute(store_database(store), arena_printf(arena, "DELETE FROM %s", t->name));
        MUST(result_ok(r), "%s", error_last()->text);
    }
}

static struct result import(struct slice text)
{
    struct store_copy copied;
    char nothing = 0;
    void *data = text.len ? (void *)(uintptr_t)text.data : &nothing;
    FILE *from = fmemopen(data, text.len, "r");
    MUST(from, "no stream");
    struct result r = store_import(store, from, "input", &copied);
    fclose(from);
    return r;
}

static struct slice export_all(struct arena *arena)
{
    char *data = NULL;
    size_t length = 0;
    struct store_copy copied;
    FILE *to = open_memstream(&data, &length);
    MUST(to, "no stream");
    struct result r = store_export(store, NULL, 0, to, &copied);
    MUST(result_ok(r), "%s", error_last()->text);
    fclose(to);
    struct slice text = arena_copy(arena, slice_of(data, length));
    free(data);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of((const char *)data, size);
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct line_memory memory = {0};
    struct line_value values[8];
    size_t count;

    if (!store)
        begin(arena);
    result_ignore(line_read_row(input, &memory, values, 8, &count)); /* either will do */
    line_memory_free(&memory);
    if (!result_ok(import(input))) {
        MUST(error_last()->text[0], "a refusal without words");
        struct store_facts facts;
        struct result r = store_facts(store, &facts);
        MUST(result_ok(r) && facts.runs + facts.cases + facts.results == 0, "something was left");
        return 0;
    }
    struct slice first = export_all(arena);
    empty(arena);
    struct result again = import(first);
    MUST(result_ok(again), "%s", error_last()->text);
    struct slice second = export_all(arena);
    MUST(slice_eq(first, second), "%.*s\n%.*s", SLICE_ARG(first), SLICE_ARG(second));
    empty(arena);
    return 0;
}
