/*
 * Every operator with a value it accepts, one it refuses (with the words it does it in), and none.
 */
#include "check_test.h"

#include <math.h>

#include "core/limits.h"
#include "core/text.h"

struct match_case {
    const char *matcher, *passing, *failing;
    const char *message; /* of the failing one */
    enum match_unit unit;
};

static const struct match_case cases[] = {
    {"'completed'", "'completed'", "'running'",
     "expected $.x to equal \"completed\", got \"running\""},
    {"3", "3.0", "4", "expected $.x to equal 3, got 4"},
    {"0.1", "0.1", "0.2", "expected $.x to equal 0.1, got 0.2"},
    {"9007199254740993", "9007199254740993", "9007199254740992",
     "expected $.x to equal 9007199254740993, got 9007199254740992"},
    {"true", "true", "'true'", "expected $.x to equal true, got \"true\""},
    {"null", "null", "0", "expected $.x to equal null, got 0"},
    {"[1, [2]]", "[1.0, [2]]", "[1, [3]]",
     "expected $.x to equal [1,[2]], got [1,[3]]\n$.x[1][0]: expected 2, got 3\n"},
    {"{'eq': {'a': 1, 'b': 2}}", "{'b': 2, 'a': 1}", "{'a': 1, 'c': 3}",
     "expected $.x to equal {\"a\":1,\"b\":2}, got {\"a\":1,\"c\":3}\n"
     "$.x.b: missing, expected 2\n$.x.c: unexpected, got 3\n"},
    {"{'eq': '<5'}", "'<5'", "4", "expected $.x to equal \"<5\", got 4"},
    {"'<5x'", "'<5x'", "4", "expected $.x to equal \"<5x\", got 4"},
    {"'<500'", "499.5", "500", "expected $.x to be less than 500, got 500"},
    {"'<= 5'", "5", "5.5", "expected $.x to be at most 5, got 5.5"},
    {"'>=0.8'", "0.8", "0.75", "expected $.x to be at least 0.8, got 0.75"},
    {"'==3'", "3", "4", "expected $.x to equal 3, got 4"},
    {"'!=3'", "4", "3", "expected $.x to differ from 3, got 3"},
    {"{'ne': 'a'}", "'b'", "'a'", "expected $.x to differ from \"a\", got \"a\""},
    {"{'lt': 3}", "2", "3", "expected $.x to be less than 3, got 3"},
    {"{'lt': 3}", "2", "'2'",
     "expected $.x to be less than 3, got \"2\" (a number is needed and this is a string)"},
    {"{'lt': 'b'}", "'a'", "'c'", "expected $.x to be less than \"b\", got \"c\""},
    {"{'lt': 'b'}", "'a'", "1",
     "expected $.x to be less than \"b\", got 1 (a string is needed and this is an integer)"},
    {"{'le': 3}", "3", "4", "expected $.x to be at most 3, got 4"},
    {"{'gt': 3}", "4", "3", "expected $.x to be more than 3, got 3"},
    {"{'ge': 3}", "3", "2", "expected $.x to be at least 3, got 2"},
    {"{'ge': 3}", "3", "null",
     "expected $.x to be at least 3, got null (a number is needed and this is null)"},
    {"{'ge': 1, 'le': 3}", "2", "4", "expected $.x to be at most 3, got 4"},
    {"{'gt': 9007199254740992}", "9007199254740993", "9007199254740992",
     "expected $.x to be more than 9007199254740992, got 9007199254740992"},
    {"{'lt': '500ms'}", "'450ms'", "'1s'", "expected $.x to be less than \"500ms\", got \"1s\""},
    {"'<500ms'", "'450ms'", "450",
     "expected $.x to be less than \"500ms\", got 450 (a bare number has no unit: compare it with "
     "a bare number)"},
    {"'<64KiB'", "65535", "65536", "expected $.x to be less than \"64KiB\", got 65536"},
    {"{'near': 1.0, 'rel': 1e-3}", "1.001", "1.002",
     "expected $.x to be near 1, got 1.002 (off by 0.002, at most 0.001 is allowed)"},
    {"{'near': 0, 'abs': 0.5}", "0.5", "-0.51",
     "expected $.x to be near 0, got -0.51 (off by 0.51, at most 0.5 is allowed)"},
    {"{'near': 100}", "100.00009", "100.001",
     "expected $.x to be near 100, got 100.001 (off by 0.001, at most 0.0001 is allowed)"},
    {"{'near': [1, 2], 'abs': 0.1}", "[1.05, 2]", "[1, 2.2]",
     "expected $.x[1] to be near 2, got 2.2 (off by 0.2, at most 0.1 is allowed)"},
    {"{'near': [1, 2]}", "[1, 2]", "[1]",
     "expected $.x to be near [1,2], got [1] (1 elements against 2)"},
    {"{'near': 1}", "1", "'1'",
     "expected $.x to be near 1, got \"1\" (a number is needed and this is a string)"},
    {"{'matches': '^a+$'}", "'aaa'", "'ab'", "expected $.x to match \"^a+$\", got \"ab\""},
    {"{'matches': '^$'}", "''", "'a'", "expected $.x to match \"^$\", got \"a\""},
    {"{'matches': 'a'}", "'a'", "1",
     "expected $.x to match \"a\", got 1 (a string is needed and this is an integer)"},
    {"{'contains': 'ell'}", "'hello'", "'help'", "expected $.x to contain \"ell\", got \"help\""},
    {"{'contains': 2}", "[1, 2]", "[1, 3]", "expected $.x to contain 2, got [1,3]"},
    {"{'contains': {'a': 1}}", "[{'a': 1}]", "[{'a': 1, 'b': 2}]",
     "expected $.x to contain {\"a\":1}, got [{\"a\":1,\"b\":2}]"},
    {"{'contains': 2}", "[2]", "'2'",
     "expected $.x to contain 2, got \"2\" (a string can only contain a string)"},
    {"{'not_contains': 'err'}", "'fine'", "'no error'",
     "expected $.x not to contain \"err\", got \"no error\" (found at character 4)"},
    {"{'not_contains': 1}", "[2]", "[2, 1]", "expected $.x not to contain 1, got [2,1]"},
    {"{'not_contains': 'err'}", "'fine'", "''",
     "expected $.x not to contain \"err\", got \"\" (no data: if that is right, say so with "
     "{\"empty\": true})"},
    {"{'starts': 'ab'}", "'abc'", "'bc'", "expected $.x to start with \"ab\", got \"bc\""},
    {"{'ends': 'bc'}", "'abc'", "'ab'", "expected $.x to end with \"bc\", got \"ab\""},
    {"{'in': [1, 'a', null]}", "null", "2", "expected $.x to be one of [1,\"a\",null], got 2"},
    {"{'type': 'number'}", "1", "'1'",
     "expected $.x to be of type \"number\", got \"1\" (which is of type string)"},
    {"{'type': 'integer'}", "1.0", "1.5",
     "expected $.x to be of type \"integer\", got 1.5 (which is of type number)"},
    {"{'type': ['string', 'null']}", "null", "[]",
     "expected $.x to be of type [\"string\",\"null\"], got [] (which is of type array)"},
    {"{'length': 2}", "'äö'", "'abc'", "expected the length of $.x to equal 2, got 3"},
    {"{'length': '>=1'}", "[1]", "[]",
     "expected $.x to have a length ≥ 1, got [] (no data: if that is right, say so with 0 or "
     "{\"ge\": 0})"},
    {"{'length': {'ge': 0, 'le': 1}}", "[]", "[1, 2]",
     "expected the length of $.x to be at most 1, got 2"},
    {"{'length': 1}", "{'a': 1}", "7",
     "expected $.x to have a length 1, got 7 (a string, an array or an object is needed and this "
     "is an integer)"},
    {"{'empty': true}", "''", "'a'", "expected $.x to be empty, got \"a\""},
    {"{'empty': false}", "[0]", "[]", "expected $.x not to be empty, got []"},
    {"{'empty': true}", "{}", "null",
     "expected $.x to be empty, got null (a string, an array or an object is needed and this is "
     "null)"},
    {"{'exists': true}", "null", NULL, "expected $.x to exist, got (no data)"},
    {"{'exists': false}", NULL, "null", "expected $.x not to exist, got null"},
    {"{'each': {'gt': 0}}", "[1, 2]", "[1, 0]", "expected $.x[1] to be more than 0, got 0"},
    {"{'each': {'gt': 0}}", "[1]", "[]",
     "expected $.x to have only elements (> 0), got [] (no data: if that is right, say so "
     "with {\"empty\": true})"},
    {"{'each': {'each': 'a'}}", "[['a']]", "[['a'], ['b']]",
     "expected $.x[1][0] to equal \"a\", got \"b\""},
    {"{'any': {'starts': 'b'}}", "['a', 'bc']", "['a', 'c']",
     "expected $.x to have an element (starts with \"b\"), got [\"a\",\"c\"] (none of 2 does)"},
    {"{'unordered': [1, {'gt': 5}]}", "[6, 1]", "[6, 7]",
     "expected $.x to have in any order [1,{\"gt\":5}], got [6,7] (nothing left for element 1, 1; "
     "left over: 6)"},
    {"{'unordered': [{'gt': 0}, 5]}", "[5, 1]", "[5]",
     "expected $.x to have in any order [{\"gt\":0},5], got [5] (1 elements against 2)"},
    {"{'schema': {'type': 'object', 'required': ['id']}}", "{'id': 1}", "{}", NULL},
    {"{'not': {'contains': 'sorry'}}", "'yes'", "'so sorry'",
     "expected $.x not to contain \"sorry\", got \"so sorry\""},
    {"{'not': 3}", "4", "3", "expected $.x not to equal 3, got 3"},
    {"{'not': {'lt': 3}}", "3", "'a'",
     "expected $.x to be less than 3, got \"a\" (a number is needed and this is a string)"},
    {"{'not': {'not': 3}}", "3", "4", "expected $.x not not to equal 3, got 4"},
    /* units */
    {"'<500ms'", "499000000", "731000000", "expected $.x to be less than 500 ms, got 731 ms",
     UNIT_DURATION},
    {"'<500ms'", "0", "500000100",
     "expected $.x to be less than 500 ms, got 500 ms (500000100 ns against 500000000 ns)",
     UNIT_DURATION},
    {"{'eq': '1s'}", "1000000000", "2000000000", "expected $.x to equal 1.00 s, got 2.00 s",
     UNIT_DURATION},
    {"{'ne': '1s'}", "2000000000", "1000000000", "expected $.x to differ from 1.00 s, got 1.00 s",
     UNIT_DURATION},
    {"{'in': ['1s', '2s']}", "2000000000", "3000000000",
     "expected $.x to be one of [\"1s\",\"2s\"], got 3.00 s", UNIT_DURATION},
    {"'<1MiB'", "-5", "1572864", "expected $.x to be less than 1 MiB, got 1.50 MiB", UNIT_BYTES},
    {"{'le': 1024}", "1024", "1025", "expected $.x to be at most 1 KiB, got 1.00 KiB", UNIT_BYTES},
};

static const struct verdict *verdict_of(struct arena *arena, const struct match_case *c,
                                        const char *actual)
{
    struct verdicts out = verdicts_in(arena);
    match(&out, "json $.x", node_of(arena, c->matcher), json_of(arena, actual), "$.x", c->unit);
    assert_int_equal(out.count, 1);
    assert_int_equal(out.failed, !out.first->passed);
    assert_int_equal(out.first->passed, match_holds(arena, node_of(arena, c->matcher),
                                                    json_of(arena, actual), c->unit));
    return out.first;
}

static void every_operator_accepts_what_is_right_and_refuses_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        const struct match_case *c = &cases[i];
        const struct verdict *passed = verdict_of(arena, c, c->passing);
        if (!passed->passed)
            fail_msg("%s should accept %s: %s", c->matcher, c->passing, passed->message);
        const struct verdict *failed = verdict_of(arena, c, c->failing);
        if (failed->passed)
            fail_msg("%s should refuse %s", c->matcher, c->failing);
        assert_non_null(failed->message);
        if (c->message)
            assert_string_equal(failed->message, c->message);
        assert_string_equal(fault_of(arena,
                                     c->unit == UNIT_DURATION ? &shape_duration_matcher
                                     : c->unit == UNIT_BYTES  ? &shape_size_matcher
                                                              : &shape_matcher,
                                     c->matcher),
                            "");
    }
}

static void no_value_is_never_a_match_and_neither_is_its_negation(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        struct match_case c = cases[i];
        if (strstr(c.matcher, "exists"))
            continue;
        const struct verdict *v = verdict_of(arena, &c, NULL);
        assert_false(v->passed);
        assert_non_null(strstr(v->message, "(no data)"));
        assert_true(slice_is(v->actual, "(no data)"));
        c.matcher = arena_printf(arena, "{'not': %s}", c.matcher);
        assert_false(verdict_of(arena, &c, NULL)->passed);
    }
}

static void what_cannot_be_compared_is_not_proved_by_negation(void **state)
{
    (void)state;
    static const struct match_case wrong[] = {
        {"{'not': {'lt': 3}}", "4", "'text'"},       {"{'not': {'matches': 'a'}}", "'b'", "7"},
        {"{'not': {'matches': 'a'}}", "'b'", "''"},  {"{'not': {'contains': 'a'}}", "'b'", "''"},
        {"{'not': {'each': 1}}", "[2]", "[]"},       {"{'not': {'any': 1}}", "[2]", "[]"},
        {"{'not': {'starts': 'a'}}", "'b'", "''"},   {"{'not': {'length': 2}}", "'b'", "''"},
        {"{'not': {'empty': true}}", "'b'", "null"}, {"{'not': {'near': 1}}", "2", "null"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        assert_true(verdict_of(arena, &wrong[i], wrong[i].passing)->passed);
        if (verdict_of(arena, &wrong[i], wrong[i].failing)->passed)
            fail_msg("%s is no proof for %s", wrong[i].matcher, wrong[i].failing);
    }
}

static void a_verdict_has_short_words_beside_its_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *matcher, *actual, *expected;
    } words[] = {
        {"201", "200", "201"},
        {"{'ge': 3}", "2", "≥ 3"},
        {"{'matches': '^http'}", "'x'", "matches \"^http\""},
        {"{'not': {'contains': 'a'}}", "'a'", "not contains \"a\""},
        {"{'length': '>3'}", "'a'", "> 3"},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        struct match_case c = {.matcher = words[i].matcher};
        const struct verdict *v = verdict_of(arena, &c, words[i].actual);
        assert_string_equal(arena_string(arena, v->expected), words[i].expected);
        assert_true(v->at.line == 1);
    }
}

static void a_long_value_is_cut_in_every_text(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    for (int i = 0; i < 100000; i++)
        text_add_str(&t, "line\n");
    struct verdicts out = verdicts_in(arena);
    match(&out, "text", node_of(arena, "'x\\ny'"), jsontext_string(arena, text_slice(&t)), "",
          UNIT_NONE);
    assert_true(out.first->expected.len <= LIMIT_SHOWN_BYTES);
    assert_true(out.first->actual.len <= LIMIT_SHOWN_BYTES + 40);
    assert_true(strlen(out.first->message) <= 3 * LIMIT_SHOWN_BYTES);
}

static void a_pattern_that_meets_its_limit_is_neither_passed_nor_failed(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct verdicts out = verdicts_in(arena);
    match(&out, "text", node_of(arena, "{'matches': '^(?:a|aa|aaa)+$'}"),
          json_of(arena, "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac'"), "",
          UNIT_NONE);
    assert_false(out.first->passed);
    assert_true(out.first->impossible);
}

static void infinity_and_nan_are_no_data(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    static const char *const matchers[] = {"{'gt': 0}", "{'lt': 0}", "{'ne': 3}", "{'not': 3}"};
    for (size_t i = 0; i < 4; i++) {
        struct verdicts out = verdicts_in(arena);
        match_number(&out, "time total", node_of(arena, matchers[i]), (double)NAN, "", UNIT_NONE);
        match_number(&out, "time total", node_of(arena, matchers[i]), (double)INFINITY, "",
                     UNIT_NONE);
        assert_int_equal(out.failed, 2);
    }
}

static void a_whole_text_that_is_empty_is_no_data_unless_that_is_meant(void **state)
{
    (void)state;
    static const char *const meant[] = {"''",         "{'empty': true}",   "{'length': 0}",
                                        "{'eq': ''}", "{'matches': '^$'}", "{'in': ['', 'a']}"};
    static const char *const not_meant[] = {"{'ne': 'x'}",
                                            "{'type': 'string'}",
                                            "{'not': 'x'}",
                                            "{'not': {'contains': 'x'}}",
                                            "{'not_contains': 'x'}",
                                            "{'length': {'le': 5}}",
                                            "'x'",
                                            "{'schema': true}",
                                            "{'empty': false}",
                                            "{'matches': 'x'}",
                                            "{'in': ['a']}"};
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof(meant) / sizeof(meant[0]); i++) {
        struct verdicts out = verdicts_in(arena);
        match_text(&out, "text", node_of(arena, meant[i]), SLICE(""), "the text");
        if (out.failed)
            fail_msg("%s: %s", meant[i], out.first->message);
    }
    for (size_t i = 0; i < sizeof(not_meant) / sizeof(not_meant[0]); i++) {
        struct verdicts out = verdicts_in(arena);
        match_text(&out, "text", node_of(arena, not_meant[i]), SLICE(""), "the text");
        if (!out.failed)
            fail_msg("%s accepts an empty text", not_meant[i]);
    }
}

static void a_wrong_matcher_is_refused_when_it_is_read(void **state)
{
    (void)state;
    static const struct {
        const struct shape *shape;
        const char *matcher, *fault;
    } wrong[] = {
        {&shape_matcher, "{}",
         "a matcher without an operator checks nothing; write what is expected, such as {\"ge\": "
         "1}, or {\"eq\": {}} for an empty object"},
        {&shape_matcher, "{'contain': 'a'}",
         "unknown key \"contain\" in a matcher; did you mean \"contains\"?"},
        {&shape_matcher, "{'rel': 0.1}", "\"rel\" belongs to \"near\", which is missing"},
        {&shape_matcher, "{'exists': false, 'eq': 1}",
         "what does not exist can have no other property; leave \"exists\": false alone, or leave "
         "it out"},
        {&shape_matcher, "{'not': {}}",
         "a matcher without an operator checks nothing; write what is expected, such as {\"ge\": "
         "1}, or {\"eq\": {}} for an empty object"},
        {&shape_number_matcher, "'<5s'", "expected a comparison such as \">=0.8\", got \"<5s\""},
        {&shape_duration_matcher, "'500ms'",
         "expected a comparison such as \"<500ms\", got \"500ms\""},
        {&shape_duration_matcher, "'<500'",
         "expected a comparison such as \"<500ms\", got \"<500\""},
        {&shape_duration_matcher, "'<5MB'",
         "expected a comparison such as \"<500ms\", got \"<5MB\""},
        {&shape_size_matcher, "'<5s'", "expected a comparison such as \"<64MiB\", got \"<5s\""},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        assert_string_equal(fault_of(arena, wrong[i].shape, wrong[i].matcher), wrong[i].fault);
    }
    static const char *const refused[] = {"{'matches': '('}",
                                          "{'type': 'text'}",
                                          "{'type': []}",
                                          "{'in': []}",
                                          "{'in': 3}",
                                          "{'near': 'a'}",
                                          "{'near': 1, 'rel': -1}",
                                          "{'empty': 1}",
                                          "{'length': 'a'}",
                                          "{'each': {'x': 1}}",
                                          "{'any': {}}",
                                          "{'schema': {'type': 'strin'}}",
                                          "{'lt': [1]}",
                                          "{'starts': 1}",
                                          "{'unordered': {}}"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        if (!*fault_of(arena, &shape_matcher, refused[i]))
            fail_msg("%s should be refused", refused[i]);
    }
}

static void zero_in_a_duration_needs_no_unit(void **state)
{
    (void)state;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct match_case c = {.matcher = "{'gt': '0'}", .unit = UNIT_DURATION};
    assert_true(verdict_of(arena, &c, "1")->passed);
    assert_false(verdict_of(arena, &c, "0")->passed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator_accepts_what_is_right_and_refuses_what_is_wrong),
        cmocka_unit_test(no_value_is_never_a_match_and_neither_is_its_negation),
        cmocka_unit_test(what_cannot_be_compared_is_not_proved_by_negation),
        cmocka_unit_test(a_verdict_has_short_words_beside_its_sentence),
        cmocka_unit_test(a_long_value_is_cut_in_every_text),
        cmocka_unit_test(a_pattern_that_meets_its_limit_is_neither_passed_nor_failed),
        cmocka_unit_test(infinity_and_nan_are_no_data),
        cmocka_unit_test(a_whole_text_that_is_empty_is_no_data_unless_that_is_meant),
        cmocka_unit_test(a_wrong_matcher_is_refused_when_it_is_read),
        cmocka_unit_test(zero_in_a_duration_needs_no_unit),
    };
    return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
