/*
 * The clocks: one that never goes back, one that people read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/clock.h"

static void the_monotonic_clock_never_goes_back(void **state)
{
    (void)state;
    int64_t last = clock_now();
    for (int i = 0; i < 10000; i++) {
        int64_t now = clock_now();
        assert_true(now >= last);
        last = now;
    }
}

static void wall_time_is_rfc_3339_in_utc(void **state)
{
    (void)state;
    char out[CLOCK_TEXT];
    assert_string_equal(clock_text(out, 0), "1970-01-01T00:00:00.000Z");
    assert_string_equal(clock_text(out, 951782399999999999), "2000-02-28T23:59:59.999Z");
    assert_string_equal(clock_text(out, INT64_MAX), "2262-04-11T23:47:16.854Z");
    assert_true(clock_wall() > 1700000000 * NS_PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_monotonic_clock_never_goes_back),
        cmocka_unit_test(wall_time_is_rfc_3339_in_utc),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
