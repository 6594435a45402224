/*
 * The HTML report and its charts: ticks are round, what comes from outside is no markup, a large
 * run makes no large page, and an empty one makes a page too.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/limits.h"
#include "core/random.h"
#include "report/html.h"
#include "report/svg.h"

/* ── axes ── */

static void ticks_are_round_and_within_the_axis(void **state)
{
    (void)state;
    struct random random = random_seeded(20);
    for (int round = 0; round < 2000; round++) {
        double ticks[AXIS_TICKS];
        struct axis axis = {.high = pow(10, random_unit(&random) * 18 - 6),
                            .bytes = round % 3 == 0,
                            .whole = round % 3 == 1,
                            .to = 100};
        axis = axis_rounded(axis);
        size_t count = axis_ticks(&axis, ticks, AXIS_TICKS);
        assert_in_range(count, 2, AXIS_TICKS);
        for (size_t i = 0; i < count; i++) {
            assert_true(ticks[i] >= axis.low && ticks[i] <= axis.high * (1 + 1e-9));
            assert_true(i == 0 || ticks[i] > ticks[i - 1]);
            if (axis.whole)
                assert_true(fabs(ticks[i] - rint(ticks[i])) < 1e-6 * (ticks[i] + 1));
        }
        /* The rounded axis ends with a tick. */
        assert_true(fabs(ticks[count - 1] - axis.high) <= axis.high * 1e-9);
    }
}

static void a_logarithmic_axis_has_powers_of_ten(void **state)
{
    (void)state;
    double ticks[AXIS_TICKS];
    struct axis axis = {.low = 5, .high = 5000, .logarithmic = true, .from = 0, .to = 100};
    assert_int_equal(axis_ticks(&axis, ticks, AXIS_TICKS), 3);
    assert_true(fabs(ticks[0] - 10) < 1e-6 && fabs(ticks[1] - 100) < 1e-6);
    axis.low = 30;
    axis = axis_rounded(axis);
    assert_true(fabs(axis.low - 10) < 1e-9 && fabs(axis.high - 10000) < 1e-6);
    assert_true(fabs(axis_at(&axis, 10000) - 100) < 1e-9);
    assert_true(fabs(axis_at(&axis, 10)) < 1e-9);
}

static void a_short_logarithmic_axis_has_more_ticks(void **state)
{
    (void)state;
    static const double expected[] = {50, 100, 200, 500, 1000};
    double ticks[AXIS_TICKS];
    struct axis axis = {.low = 30, .high = 1999, .logarithmic = true};
    assert_int_equal(axis_ticks(&axis, ticks, AXIS_TICKS), 5);
    for (size_t i = 0; i < 5; i++)
        assert_true(fabs(ticks[i] - expected[i]) < 1e-6);
    axis = (struct axis){.low = 150, .high = 180, .logarithmic = true};
    assert_int_equal(axis_ticks(&axis, ticks, AXIS_TICKS), 7);
    assert_true(fabs(ticks[1] - 155) < 1e-6);
}

static void quantities_are_written_in_their_unit(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    static const struct {
        double value;
        enum unit unit;
        const char *text;
    } cases[] = {
        {0, UNIT_NANOSECONDS, "0"},        {20e6, UNIT_NANOSECONDS, "20.0 ms"},
        {512, UNIT_BYTES, "512 B"},        {1536, UNIT_BYTES, "1.5 KiB"},
        {50e6, UNIT_BYTES, "48 MiB"},      {12.5, UNIT_PERCENT, "12.5 %"},
        {1234567, UNIT_NUMBER, "1234567"}, {7, UNIT_NONE, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct text t = text_in(arena);
        text_add_quantity(&t, cases[i].value, cases[i].unit);
        assert_string_equal(text_str(&t), cases[i].text);
    }
}

/* ── pages ── */

struct world {
    struct arena *arena;
    struct run_info run;
    struct run_data data;
};

/* A run of `count` cases on 8 workers, every tenth of which failed. */
static struct world world_of(size_t count, struct slice name)
{
    struct world w = {.arena = arena_new()};
    struct random random = random_seeded(7);
    struct case_definition *definition = ARENA_NEW(w.arena, struct case_definition);
    *definition = (struct case_definition){.key = name, .suite = name};
    w.run = (struct run_info){.id = name,
                              .command = name,
                              .host = name,
                              .version = SLICE("1"),
                              .jobs = 8,
                              .started_wall = 1000 * NS_PER_S,
                              .duration = NS_PER_S,
                              .planned = count,
                              .exit_status = 1};
    w.data = (struct run_data){.arena = w.arena,
                               .runs = ARENA_ARRAY(w.arena, struct run_info, 1),
                               .run_count = 1,
                               .cases = ARENA_ARRAY(w.arena, struct case_outcome, count + 1),
                               .count = count,
                               .definitions = definition,
                               .definition_count = 1,
                               .waits = ARENA_ARRAY(w.arena, struct slice, 1),
                               .wait_count = 1};
    for (size_t i = 0; i < count; i++) {
        enum case_status status = i % 10 == 9 ? CASE_FAILED : CASE_PASSED;
        w.data.cases[i] = (struct case_outcome){
            .definition = definition,
            .started = w.run.started_wall + (int64_t)i * NS_PER_MS,
            .duration = random_between(&random, 0, 5 * NS_PER_S),
            .slot = (uint32_t)(i % 8),
            .status = (uint8_t)status,
        };
        w.run.counts[status]++;
    }
    w.data.runs[0] = w.run;
    return w;
}

static char *page_of(const struct world *w, const struct resource_history *resources, size_t *size)
{
    char *text = NULL;
    FILE *to = open_memstream(&text, size);
    assert_non_null(to);
    assert_true(result_ok(html_write(to, &w->data, resources)));
    fclose(to);
    return text;
}

static size_t occurrences(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        count++;
    return count;
}

static void an_empty_run_makes_a_page(void **state)
{
    (void)state;
    struct world w = world_of(0, SLICE("empty"));
    size_t size = 0;
    char *page = page_of(&w, NULL, &size);
    assert_non_null(strstr(page, "0 cases passed"));
    assert_null(strstr(page, "<svg"));
    assert_non_null(strstr(page, "</html>"));
    free(page);
    arena_free(w.arena);
}

static void what_comes_from_outside_is_no_markup(void **state)
{
    (void)state;
    static const struct slice hostile =
        SLICE("</title><script>alert('\"')</script>\x1b[31m\x01\xff&");
    struct world w = world_of(30, hostile);
    double at[] = {0, 1e9}, values[] = {1, 2};
    struct resource_track track = {
        .name = hostile, .at = at, .cpu = values, .rss = values, .descriptors = values, .count = 2};
    struct run_anomaly anomaly = {.kind = hostile,
                                  .subject = hostile,
                                  .text = hostile,
                                  .started = w.run.started_wall,
                                  .ended = w.run.started_wall + NS_PER_S};
    struct resource_history resources = {&track, 1};
    w.data.anomalies = &anomaly;
    w.data.anomaly_count = 1;
    size_t size = 0;
    char *page = page_of(&w, &resources, &size);
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "alert('"));
    assert_int_equal(occurrences(page, "class=\"band\""), 3); /* it is marked in every chart */
    for (size_t i = 0; i < size; i++)
        assert_true((unsigned char)page[i] >= 0x20 || page[i] == '\n');
    assert_true(utf8_valid(slice_of(page, size)));
    free(page);
    arena_free(w.arena);
}

static void a_large_run_makes_no_large_page(void **state)
{
    (void)state;
    char name[400];
    memset(name, '<', sizeof(name)); /* each of them is four bytes in markup */
    struct world w = world_of(50000, slice_of(name, sizeof(name)));
    size_t size = 0;
    char *page = page_of(&w, NULL, &size);
    assert_in_range(size, 100000, LIMIT_HTML_BYTES);
    assert_non_null(strstr(page, "more"));
    assert_null(strstr(page, "nan"));
    free(page);
    arena_free(w.arena);
}

static void every_case_has_its_place_in_the_timeline(void **state)
{
    (void)state;
    struct world w = world_of(200, SLICE("short"));
    size_t size = 0;
    char *page = page_of(&w, NULL, &size);
    const char *timeline = strstr(page, "timeline of the run");
    char *end = strstr(timeline, "</svg>");
    *end = '\0';
    assert_int_equal(occurrences(timeline, "<rect class=\"passed\""), 180);
    assert_int_equal(occurrences(timeline, "<rect class=\"failed\""), 20);
    free(page);
    arena_free(w.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_round_and_within_the_axis),
        cmocka_unit_test(a_logarithmic_axis_has_powers_of_ten),
        cmocka_unit_test(a_short_logarithmic_axis_has_more_ticks),
        cmocka_unit_test(quantities_are_written_in_their_unit),
        cmocka_unit_test(an_empty_run_makes_a_page),
        cmocka_unit_test(what_comes_from_outside_is_no_markup),
        cmocka_unit_test(a_large_run_makes_no_large_page),
        cmocka_unit_test(every_case_has_its_place_in_the_timeline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
