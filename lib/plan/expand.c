/*
 * Expansion of `each` and `matrix`: rows outside, combinations inside, the last key turning
 * fastest.
 */
#include "plan/expand.h"

#include "core/limits.h"
#include "core/rows.h"
#include "core/text.h"

static const json_t *read_rows(struct arena *arena, const struct plan_suite *suite,
                               const struct node *each, struct diagnostics *d)
{
    const struct node *file = each->kind == NODE_MAP ? node_get(each, "file") : each;
    struct slice name = node_string(file, SLICE(""));
    const char *path = name.data[0] == '/'
                           ? arena_string(arena, name)
                           : arena_printf(arena, "%s/%.*s", suite->folder, SLICE_ARG(name));
    json_t *rows;
    if (result_ok(rows_read(arena, path, &rows)))
        return rows;
    diagnose_error(d, file->at);
    return NULL;
}

/* Values in the suffix are short: text as it is, cut; everything else as JSON. */
static void add_value(struct text *t, const struct node *value)
{
    struct slice shown = text_shown(t->arena, node_text(t->arena, value), 40);
    text_add(t, shown);
}

static void add_combination(struct text *suffix, struct names *names, const struct node *matrix,
                            size_t number)
{
    size_t divisor = 1;
    for (size_t i = 0; i < matrix->count; i++)
        divisor *= matrix->entries[i].value->count;
    for (size_t i = 0; i < matrix->count; i++) {
        const struct node *values = matrix->entries[i].value;
        divisor /= values->count;
        const struct node *value = values->items[number / divisor % values->count];
        names_add(names, matrix->entries[i].key, node_json(names->arena, value));
        text_printf(suffix, "%s%.*s=", suffix->len > 1 ? " " : "",
                    SLICE_ARG(matrix->entries[i].key));
        add_value(suffix, value);
    }
}

static void add_row(struct names *names, const json_t *row)
{
    for (void *it = json_object_iter((json_t *)(uintptr_t)row); it;
         it = json_object_iter_next((json_t *)(uintptr_t)row, it))
        names_add(names, slice_str(json_object_iter_key(it)), json_object_iter_value(it));
}

struct expansion *expand(struct arena *arena, const struct plan_suite *suite,
                         const struct node *node, struct diagnostics *d, size_t *count)
{
    const struct node *each = node_get(node, "each"), *matrix = node_get(node, "matrix");
    size_t combinations = 1, row_count = 1;
    const json_t *rows = NULL;

    *count = 0;
    if (each) {
        rows = read_rows(arena, suite, each, d);
        if (!rows)
            return NULL;
        row_count = json_array_size(rows);
    }
    if (matrix && matrix->has_template)
        matrix = names_fill(suite->names, arena, matrix, d);
    for (size_t i = 0; matrix && i < matrix->count; i++) {
        combinations *= matrix->entries[i].value->count;
        if (combinations * row_count > LIMIT_CASES) {
            diagnose(d, matrix->at, "the matrix gives more than %u cases", LIMIT_CASES);
            return NULL;
        }
    }
    struct expansion *list = ARENA_ARRAY(arena, struct expansion, row_count * combinations);
    for (size_t row = 0; row < row_count; row++) {
        for (size_t number = 0; number < combinations; number++) {
            struct expansion *e = &list[(*count)++];
            struct text suffix = text_in(arena);
            e->names = names_new(arena, suite->names);
            if (!rows && !matrix)
                continue;
            text_add_str(&suffix, "[");
            if (rows) {
                add_row(e->names, json_array_get(rows, row));
                text_printf(&suffix, "row %zu", row + 1);
            }
            if (matrix)
                add_combination(&suffix, e->names, matrix, number);
            text_add_str(&suffix, "]");
            e->suffix = text_slice(&suffix);
        }
    }
    return list;
}
