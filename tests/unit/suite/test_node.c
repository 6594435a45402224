/*
 * Nodes: values with defaults, JSON and back, and merging.
 */
#include "suite_test.h"

static void an_absent_value_takes_its_default(void **state)
{
    struct fixture *f = *state;
    const struct node *map =
        read_as(f, "x.json", "{\"s\":\"text\",\"i\":7,\"r\":1.5,\"b\":true,\"d\":\"1m30s\"}");
    assert_true(slice_is(node_string(node_get(map, "s"), SLICE("x")), "text"));
    assert_true(slice_is(node_string(node_get(map, "no"), SLICE("x")), "x"));
    assert_int_equal(node_integer(node_get(map, "i"), 1), 7);
    assert_int_equal(node_integer(node_get(map, "no"), 1), 1);
    assert_true(node_number(node_get(map, "r"), 0) > 1.4);
    assert_true(node_number(node_get(map, "i"), 0) > 6.9);
    assert_true(node_boolean(node_get(map, "b"), false));
    assert_true(node_boolean(node_get(map, "no"), true));
    assert_int_equal(node_duration(node_get(map, "d"), 0), 90000000000);
    assert_int_equal(node_duration(NULL, 5), 5);
    assert_null(node_get(NULL, "s"));
    assert_null(node_get(node_get(map, "s"), "s"));
}

static void json_goes_through_nodes_unchanged(void **state)
{
    struct fixture *f = *state;
    static const char text[] =
        "{\"a\":[1,-2.5,true,false,null,\"\\u0000\",\"${x}\"],\"é\":{},\"\":[]}";
    json_t *json;
    assert_true(result_ok(jsontext_read_in(f->arena, slice_str(text), &json)));
    const struct node *node = node_from_json(f->arena, json, (struct place){.line = 3});
    assert_true(jsontext_equal(node_json(f->arena, node), json));
    assert_int_equal(node_get(node, "a")->items[1]->at.line, 3);
    assert_false(node->has_template);
}

static void merging_keeps_the_order_and_lets_the_upper_map_win(void **state)
{
    struct fixture *f = *state;
    const struct node *under = read_as(f, "u.json", "{\"a\":1,\"b\":{\"x\":1},\"c\":3}");
    const struct node *over = read_as(f, "o.json", "{\"d\":\"${v}\",\"b\":{\"y\":2}}");
    const struct node *merged = node_merge(f->arena, under, over);
    assert_string_equal(as_json(f, merged), "{\"a\":1,\"b\":{\"y\":2},\"c\":3,\"d\":\"${v}\"}");
    assert_true(merged->has_template);
    assert_string_equal(as_json(f, under), "{\"a\":1,\"b\":{\"x\":1},\"c\":3}");
    assert_ptr_equal(node_merge(f->arena, NULL, over), over);
    assert_ptr_equal(node_merge(f->arena, under, NULL), under);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(an_absent_value_takes_its_default),
        SUITE_TEST(json_goes_through_nodes_unchanged),
        SUITE_TEST(merging_keeps_the_order_and_lets_the_upper_map_win),
    };
    return cmocka_run_group_tests_name("node", tests, NULL, NULL);
}
