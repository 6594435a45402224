/*
 * Generated values: the same from the same seed, within their bounds, and made smaller until
 * nothing is left to take away.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/random.h"
#include "core/text.h"
#include "run/given.h"
#include "suite/reader.h"

static const struct node *generators(struct arena *arena, const char *text)
{
    struct diagnostics d = diagnostics_in(arena);
    const struct node *node;
    reader_text(arena, "given.yaml", slice_str(text), &d, &node);
    if (!node)
        fail_msg("%s", d.first ? d.first->text : "not read");
    return node;
}

static const char every_kind[] = "i: {int: [-5, 300]}\n"
                                 "high: {int: [40, 50]}\n"
                                 "low: {int: [-9, -3]}\n"
                                 "f: {float: [-0.5, 2.25]}\n"
                                 "b: {bool: true}\n"
                                 "c: {choice: [x, 7, null]}\n"
                                 "t: {text: [2, 9]}\n"
                                 "l: {list: [1, 4], of: {list: [0, 3], of: {int: [1, 6]}}}\n";

static void assert_between(json_int_t value, json_int_t low, json_int_t high)
{
    if (value < low || value > high)
        fail_msg("%lld is not from %lld to %lld", (long long)value, (long long)low,
                 (long long)high);
}

static void assert_text(const json_t *value, size_t least, size_t most)
{
    struct slice text = jsontext_slice(value);
    assert_true(json_is_string(value));
    assert_true(utf8_valid(text));
    assert_between((json_int_t)utf8_length(text), (json_int_t)least, (json_int_t)most);
}

static void assert_in_bounds(const json_t *v)
{
    const json_t *list = json_object_get(v, "l"), *inner, *item, *c = json_object_get(v, "c");
    size_t i, k;
    assert_between(json_integer_value(json_object_get(v, "i")), -5, 300);
    assert_between(json_integer_value(json_object_get(v, "high")), 40, 50);
    assert_between(json_integer_value(json_object_get(v, "low")), -9, -3);
    double f = json_real_value(json_object_get(v, "f"));
    assert_true(json_is_real(json_object_get(v, "f")) && f >= -0.5 && f <= 2.25);
    assert_true(json_is_boolean(json_object_get(v, "b")));
    assert_true(json_is_null(c) || json_integer_value(c) == 7 || json_is_string(c));
    assert_text(json_object_get(v, "t"), 2, 9);
    assert_between((json_int_t)json_array_size(list), 1, 4);
    json_array_foreach(list, i, inner)
    {
        assert_between((json_int_t)json_array_size(inner), 0, 3);
        json_array_foreach(inner, k, item) assert_between(json_integer_value(item), 1, 6);
    }
}

static void every_example_is_within_its_bounds(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    const struct node *given = generators(arena, every_kind);
    for (uint64_t seed = 0; seed < 20; seed++)
        for (uint32_t number = 0; number < 100; number++)
            assert_in_bounds(given_example(arena, given, seed, number));
}

static void the_same_seed_and_number_give_the_same_example(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    const struct node *given = generators(arena, every_kind);
    size_t different = 0;
    for (uint32_t number = 2; number < 50; number++) {
        const json_t *one = given_example(arena, given, 7, number),
                     *again = given_example(arena, given, 7, number);
        assert_true(json_equal(one, again));
        different += !json_equal(one, given_example(arena, given, 7, number + 1));
    }
    assert_int_equal(different, 48);
}

static void the_corners_come_first(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    const struct node *given = generators(arena, every_kind);
    const json_t *least = given_example(arena, given, 1, 0),
                 *most = given_example(arena, given, 1, 1);
    assert_string_equal(arena_string(arena, jsontext_write(arena, least)),
                        "{\"i\":0,\"high\":40,\"low\":-3,\"f\":0.0,\"b\":false,\"c\":\"x\",\"t\":"
                        "\"aa\",\"l\":[[]]}");
    assert_int_equal(json_integer_value(json_object_get(most, "i")), 300);
    assert_int_equal(json_integer_value(json_object_get(most, "high")), 50);
    assert_true(json_is_true(json_object_get(most, "b")));
    assert_true(json_is_null(json_object_get(most, "c")));
    assert_int_equal(utf8_length(jsontext_slice(json_object_get(most, "t"))), 9);
    assert_int_equal(json_array_size(json_object_get(most, "l")), 4);
}

/* How complex a value is: what shrinking must lessen every time. */
static double weight(const struct node *given, const char *name, const json_t *value);

static double weight_of(const struct node *generator, const json_t *value)
{
    const struct node *spec;
    double sum = 0;
    if ((spec = node_get(generator, "int")) || (spec = node_get(generator, "float"))) {
        double low = node_number(spec->items[0], 0), high = node_number(spec->items[1], 0);
        double target = low > 0 ? low : high < 0 ? high : 0, at = json_number_value(value);
        /* A whole number is simpler than its neighbours. */
        double fraction = at - (double)(int64_t)at;
        return (at > target ? at - target : target - at) +
               (fraction > 0 || fraction < 0 ? 0.75 : 0);
    }
    if (node_get(generator, "bool"))
        return json_is_true(value);
    if ((spec = node_get(generator, "choice"))) {
        for (size_t i = 0; i < spec->count; i++) {
            DEFER(arena_free_pointer)
            struct arena *arena = arena_new();
            if (jsontext_equal(node_json(arena, spec->items[i]), value))
                return (double)i;
        }
        fail_msg("a value that was no choice");
    }
    if (node_get(generator, "text")) {
        struct slice text = jsontext_slice(value);
        double plain = 0;
        for (size_t i = 0; i < text.len; i++)
            plain += text.data[i] == 'a';
        return 2 * (double)utf8_length(text) - plain;
    }
    for (size_t i = 0; i < json_array_size(value); i++)
        sum += 1 + weight_of(node_get(generator, "of"), json_array_get(value, i));
    return sum;
}

static double weight(const struct node *given, const char *name, const json_t *value)
{
    return weight_of(node_get(given, name), json_object_get(value, name));
}

static double total_weight(const struct node *given, const json_t *values)
{
    double sum = 0;
    for (size_t i = 0; i < given->count; i++) {
        char name[16] = "";
        memcpy(name, given->entries[i].key.data, given->entries[i].key.len);
        sum += weight(given, name, values);
    }
    return sum;
}

static void every_simpler_form_is_within_bounds_and_lighter(void **state)
{
    (void)state;
    for (uint32_t number = 0; number < 60; number++) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        const struct node *given = generators(arena, every_kind);
        const json_t *values = given_example(arena, given, 11, number);
        const json_t *simpler = given_simpler(arena, given, values), *form;
        size_t i;
        assert_in_range(json_array_size(simpler), number ? 1 : 0, GIVEN_SIMPLER_MAX);
        json_array_foreach(simpler, i, form)
        {
            assert_in_bounds(form);
            if (total_weight(given, form) >= total_weight(given, values))
                fail_msg("%s is not simpler than %s",
                         arena_string(arena, jsontext_write(arena, form)),
                         arena_string(arena, jsontext_write(arena, values)));
        }
    }
}

static void the_smallest_example_cannot_be_simplified(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    const struct node *given = generators(arena, every_kind);
    const json_t *least = given_example(arena, given, 3, 0);
    assert_int_equal(json_array_size(given_simpler(arena, given, least)), 0);
}

/* Shrink as a case does; how many trials it took. */
static const json_t *shrunk(struct arena *arena, const struct node *given, const json_t *values,
                            bool (*fails)(const json_t *), size_t *tries)
{
    *tries = 0;
    for (bool smaller = true; smaller;) {
        const json_t *candidates = given_simpler(arena, given, values), *candidate;
        size_t i;
        smaller = false;
        json_array_foreach(candidates, i, candidate)
        {
            ++*tries;
            if (!fails(candidate))
                continue;
            values = candidate;
            smaller = true;
            break;
        }
    }
    return values;
}

static bool sum_is_large(const json_t *v)
{
    return json_integer_value(json_object_get(v, "a")) +
               json_integer_value(json_object_get(v, "b")) >
           1234567;
}

static bool holds_two_capitals(const json_t *v)
{
    struct slice text = jsontext_slice(json_object_get(v, "t"));
    size_t capitals = 0;
    for (size_t i = 0; i < text.len; i++)
        capitals += text.data[i] >= 'A' && text.data[i] <= 'Z';
    return capitals >= 2;
}

static bool holds_a_nine(const json_t *v)
{
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(v, "l"), i,
                       item) if (json_integer_value(item) >= 9) return true;
    return false;
}

static void shrinking_finds_the_smallest_and_is_quick(void **state)
{
    (void)state;
    static const struct {
        const char *given, *smallest;
        bool (*fails)(const json_t *);
    } problems[] = {
        {"a: {int: [0, 1000000000]}\nb: {int: [0, 1000000000]}", "{\"a\":0,\"b\":1234568}",
         sum_is_large},
        {"l: {list: [0, 40], of: {int: [0, 100]}}", "{\"l\":[9]}", holds_a_nine},
        {"t: {text: [0, 200]}", NULL, holds_two_capitals},
    };
    for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++) {
        for (uint32_t number = 2; number < 40; number++) {
            DEFER(arena_free_pointer)
            struct arena *arena = arena_new();
            size_t tries;
            const struct node *given = generators(arena, problems[i].given);
            const json_t *values = given_example(arena, given, 99, number);
            if (!problems[i].fails(values))
                continue;
            values = shrunk(arena, given, values, problems[i].fails, &tries);
            assert_in_range(tries, 1, 500);
            if (problems[i].smallest)
                assert_string_equal(arena_string(arena, jsontext_write(arena, values)),
                                    problems[i].smallest);
            else
                assert_int_equal(utf8_length(jsontext_slice(json_object_get(values, "t"))), 2);
        }
    }
}

static void extreme_bounds_are_kept(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    const struct node *given = generators(arena, "i: {int: [-9007199254740991, 9007199254740991]}\n"
                                                 "f: {float: [-1.0e+300, 1.0e+300]}\n"
                                                 "one: {int: [4, 4]}\n"
                                                 "none: {text: [0, 0]}\n");
    for (uint32_t number = 0; number < 200; number++) {
        const json_t *v = given_example(arena, given, 5, number);
        assert_true(json_is_real(json_object_get(v, "f")));
        assert_int_equal(json_integer_value(json_object_get(v, "one")), 4);
        assert_int_equal(json_string_length(json_object_get(v, "none")), 0);
        assert_between(json_integer_value(json_object_get(v, "i")), -9007199254740991,
                       9007199254740991);
        json_t *form;
        size_t i;
        json_array_foreach(given_simpler(arena, given, v), i, form)
            assert_int_equal(json_object_size(form), 4);
    }
}

static void long_texts_are_shrunk_with_few_candidates(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    const struct node *given = generators(arena, "t: {text: [0, 100000]}");
    const json_t *most = given_example(arena, given, 5, 1);
    assert_int_equal(json_array_size(given_simpler(arena, given, most)), GIVEN_SIMPLER_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_is_within_its_bounds),
        cmocka_unit_test(the_same_seed_and_number_give_the_same_example),
        cmocka_unit_test(the_corners_come_first),
        cmocka_unit_test(every_simpler_form_is_within_bounds_and_lighter),
        cmocka_unit_test(the_smallest_example_cannot_be_simplified),
        cmocka_unit_test(shrinking_finds_the_smallest_and_is_quick),
        cmocka_unit_test(extreme_bounds_are_kept),
        cmocka_unit_test(long_texts_are_shrunk_with_few_candidates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
