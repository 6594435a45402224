/*
 * A run by area: what is counted where, and that any number of areas and failures is taken.
 */
#include "core/memory.h"
#include "core/text.h"
#include "fixture.h"
#include "record/areas.h"

static void add(struct areas *areas, const char *area, const char *id, enum case_status status)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct slice tags[] = {SLICE("stop"), slice_str(arena_printf(arena, "area:%s", area))};
    struct case_result result = {.id = slice_str(id),
                                 .describe = SLICE("the rule"),
                                 .status = status,
                                 .tags = tags,
                                 .tag_count = 2};
    areas_add(areas, &result);
}

static void cases_are_counted_under_their_area_and_the_areas_sorted(void **state)
{
    (void)state;
    struct areas *areas = areas_new();
    size_t count;
    add(areas, "tools", "a", CASE_PASSED);
    add(areas, "chat", "d", CASE_FAILED);
    add(areas, "chat", "b", CASE_ERROR);
    add(areas, "chat", "c", CASE_PASSED);
    add(areas, "chat", "e", CASE_SKIPPED);
    add(areas, "", "f", CASE_FAILED);
    const struct area *sorted = areas_sorted(areas, &count);
    assert_int_equal(count, 2);
    assert_true(slice_is(sorted[0].name, "chat"));
    assert_int_equal(sorted[0].passed, 1);
    assert_int_equal(sorted[0].failed, 2);
    assert_int_equal(sorted[0].not_run, 1);
    assert_int_equal(sorted[0].fault_count, 2);
    assert_true(slice_is(sorted[0].faults[0].id, "b"));
    assert_true(slice_is(sorted[0].faults[1].id, "d"));
    assert_true(slice_is(sorted[0].faults[1].rule, "the rule"));
    assert_int_equal(sorted[1].passed, 1);
    areas_free(areas);
}

static void one_area_alone_is_not_shown(void **state)
{
    (void)state;
    struct areas *areas = areas_new();
    size_t count;
    add(areas, "chat", "a", CASE_FAILED);
    add(areas, "chat", "b", CASE_PASSED);
    assert_null(areas_sorted(areas, &count));
    assert_int_equal(count, 0);
    areas_free(areas);
}

static void areas_and_failures_beyond_the_limits_are_still_counted(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct areas *areas = areas_new();
    size_t count, failed = 0;
    for (int i = 0; i < 2 * AREAS_MAX; i++)
        add(areas, arena_printf(arena, "%d", i), "a", CASE_FAILED);
    for (int i = 0; i < 2 * AREA_FAULTS; i++)
        add(areas, "0", "b", CASE_FAILED);
    const struct area *sorted = areas_sorted(areas, &count);
    assert_int_equal(count, AREAS_MAX);
    for (size_t i = 0; i < count; i++)
        failed += sorted[i].failed;
    assert_int_equal(failed, 2 * AREAS_MAX + 2 * AREA_FAULTS);
    assert_true(slice_is(sorted[0].name, "0"));
    assert_int_equal(sorted[0].fault_count, AREA_FAULTS);
    assert_true(slice_is(sorted[count - 1].name, "all others"));
    assert_int_equal(sorted[count - 1].failed, AREAS_MAX + 1);
    areas_free(areas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_are_counted_under_their_area_and_the_areas_sorted),
        cmocka_unit_test(one_area_alone_is_not_shown),
        cmocka_unit_test(areas_and_failures_beyond_the_limits_are_still_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
