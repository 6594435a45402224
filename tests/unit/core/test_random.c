/*
 * Random numbers: the published vectors of the generators, bounds that are reached and kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "core/random.h"

static void the_seeds_are_split_mix_64(void **state)
{
    (void)state;
    struct random r = random_seeded(0);
    static const uint64_t expected[] = {0xe220a8397b1dcdafu, 0x6e789e6aa1b965f4u,
                                        0x06c45d188009454fu, 0xf88bb8a8724c81ecu};
    for (int i = 0; i < 4; i++)
        assert_true(r.state[i] == expected[i]);
}

static void the_sequence_is_xoshiro_256_star_star(void **state)
{
    (void)state;
    struct random r = {{1, 2, 3, 4}};
    static const uint64_t expected[] = {11520u,
                                        0u,
                                        1509978240u,
                                        1215971899390074240u,
                                        1216172134540287360u,
                                        607988272756665600u,
                                        16172922978634559625u,
                                        8476171486693032832u,
                                        10595114339597558777u,
                                        2904607092377533576u};
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        assert_true(random_next(&r) == expected[i]);
}

static void both_bounds_are_reached_and_none_is_passed(void **state)
{
    (void)state;
    struct random r = random_seeded(7);
    int seen[7] = {0};
    for (int i = 0; i < 70000; i++) {
        int64_t x = random_between(&r, -3, 3);
        assert_true(x >= -3 && x <= 3);
        seen[x + 3]++;
    }
    for (int i = 0; i < 7; i++) /* the seed is fixed: this cannot flicker */
        assert_true(seen[i] > 9500 && seen[i] < 10500);
}

static void the_widest_and_the_narrowest_range_work(void **state)
{
    (void)state;
    struct random r = random_seeded(8);
    bool negative = false, positive = false;
    for (int i = 0; i < 100; i++) {
        int64_t x = random_between(&r, INT64_MIN, INT64_MAX);
        negative |= x < 0;
        positive |= x > 0;
        assert_true(random_between(&r, INT64_MIN, INT64_MIN) == INT64_MIN);
        assert_true(random_between(&r, INT64_MAX, INT64_MAX) == INT64_MAX);
        assert_true(random_between(&r, INT64_MIN, INT64_MAX - 1) < INT64_MAX);
    }
    assert_true(negative && positive);
}

static void the_unit_interval_has_no_one_in_it(void **state)
{
    (void)state;
    struct random r = random_seeded(9);
    double sum = 0;
    for (int i = 0; i < 100000; i++) {
        double x = random_unit(&r);
        assert_true(x >= 0 && x < 1);
        sum += x;
    }
    assert_true(fabs(sum / 100000 - 0.5) < 0.01);
}

static void each_name_has_a_sequence_of_its_own(void **state)
{
    (void)state;
    struct random a = random_for(1, SLICE("a")), b = random_for(1, SLICE("b"));
    struct random again = random_for(1, SLICE("a")), other = random_for(2, SLICE("a"));
    uint64_t first = random_next(&a);
    assert_true(first == random_next(&again));
    assert_true(first != random_next(&b));
    assert_true(first != random_next(&other));
}

static void a_fresh_seed_survives_json(void **state)
{
    (void)state;
    uint64_t one = random_fresh_seed(), two = random_fresh_seed();
    assert_true(one < 1ull << 53 && two < 1ull << 53);
    assert_true(one != two);
}

static void a_uuid_is_of_version_4(void **state)
{
    (void)state;
    char one[UUID_TEXT], two[UUID_TEXT];
    assert_ptr_equal(random_uuid(one), one);
    random_uuid(two);
    assert_int_equal(strlen(one), 36);
    for (int i = 0; i < 36; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23)
            assert_int_equal(one[i], '-');
        else
            assert_non_null(memchr("0123456789abcdef", one[i], 16));
    }
    assert_int_equal(one[14], '4');
    assert_non_null(memchr("89ab", one[19], 4));
    assert_string_not_equal(one, two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_seeds_are_split_mix_64),
        cmocka_unit_test(the_sequence_is_xoshiro_256_star_star),
        cmocka_unit_test(both_bounds_are_reached_and_none_is_passed),
        cmocka_unit_test(the_widest_and_the_narrowest_range_work),
        cmocka_unit_test(the_unit_interval_has_no_one_in_it),
        cmocka_unit_test(each_name_has_a_sequence_of_its_own),
        cmocka_unit_test(a_fresh_seed_survives_json),
        cmocka_unit_test(a_uuid_is_of_version_4),
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
