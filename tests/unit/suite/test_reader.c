/*
 * JSON and YAML as nodes: equal trees, exact places, and messages that help.
 */
#include "core/limits.h"
#include "core/text.h"
#include "suite_test.h"

static const struct node *read_file(struct fixture *f, const char *path)
{
    const struct node *node;
    reader_file(f->arena, path, &f->d, &node);
    if (!node)
        fail_msg("%s", shown(f));
    return node;
}

static void assert_place(const struct node *node, uint32_t line, uint32_t column)
{
    assert_non_null(node);
    assert_int_equal(node->at.line, line);
    assert_int_equal(node->at.column, column);
}

static void jsonc_and_yaml_twins_are_equal_trees(void **state)
{
    struct fixture *f = *state;
    const struct node *json = read_file(f, TEST_DATA "/twin.jsonc");
    const struct node *yaml = read_file(f, TEST_DATA "/twin.yaml");
    assert_string_equal(as_json(f, json), as_json(f, yaml));
    assert_true(json->has_template && yaml->has_template);
    assert_false(node_get(json, "vars")->has_template);
}

static void every_node_has_its_place_in_json(void **state)
{
    struct fixture *f = *state;
    const struct node *map =
        read_as(f, "x.json", "\xef\xbb\xbf{ // é\n  \"é\": [1, \"two\",\n\t{\"k\": null}],\n}");
    assert_place(map, 1, 1);
    assert_int_equal(map->entries[0].key_at.line, 2);
    assert_int_equal(map->entries[0].key_at.column, 3);
    const struct node *list = node_get(map, "é");
    assert_place(list, 2, 9);
    assert_place(list->items[0], 2, 10);
    assert_place(list->items[1], 2, 13);
    assert_place(list->items[2], 3, 2);
    assert_place(node_get(list->items[2], "k"), 3, 8);
}

static void every_node_has_its_place_in_yaml(void **state)
{
    struct fixture *f = *state;
    const struct node *map = read_as(f, "x.yaml",
                                     "# c\na:\n- b: \"é\"\n  c: &x 'y'\n- |\n  text\n- *x\n"
                                     "d:\ne: {f: [1]}\n");
    if (!map)
        fail_msg("%s", shown(f));
    assert_place(map, 2, 1);
    const struct node *list = node_get(map, "a");
    assert_place(list, 3, 1);
    assert_place(list->items[0], 3, 3);
    assert_place(node_get(list->items[0], "b"), 3, 6);
    assert_place(node_get(list->items[0], "c"), 4, 9);
    assert_place(list->items[2], 4, 9); /* an alias stands where its anchor does */
    assert_place(node_get(map, "d"), 8, 1);
    assert_place(node_get(node_get(map, "e"), "f")->items[0], 9, 9);
}

static void strings_of_json_are_decoded(void **state)
{
    struct fixture *f = *state;
    static const char decoded[] = "😀 / \0 \b\f\n\r\t \\ \" é \xe2\x80\xa8";
    const struct node *list = read_as(
        f, "x.json", "[\"\\uD83D\\uDE00 \\/ \\u0000 \\b\\f\\n\\r\\t \\\\ \\\" é \xe2\x80\xa8\"]");
    assert_non_null(list);
    assert_true(slice_eq(list->items[0]->string, slice_of(decoded, sizeof(decoded) - 1)));
    assert_reads(f, "x.json", "\"//\"", "\"//\"");
    assert_reads(f, "x.json", "[1e2, -0, 9223372036854775807, 9223372036854775808, 1.0]",
                 "[100.0,0,9223372036854775807,9.223372036854776e+18,1.0]");
}

static void the_form_is_told_by_name_or_first_character(void **state)
{
    struct fixture *f = *state;
    assert_reads(f, "suite", " // c\n [1,]", "[1]");
    assert_reads(f, "suite", "a: 1 # c\n", "{\"a\":1}");
    assert_reads(f, "x.yml", "{a: 1}", "{\"a\":1}");
    assert_null(read_as(f, "x.json", "a: 1"));
}

static void yaml_follows_its_core_schema(void **state)
{
    struct fixture *f = *state;
    assert_reads(f, "x.yaml",
                 "a: !!str 12\nb: !!int \"12\"\nc: !!float 1\nd: ! 12\ne: !!map {}\nf: !!seq []\n"
                 "g: !!null ''\nh: 200\n200: ok\ntrue: yes\n",
                 "{\"a\":\"12\",\"b\":12,\"c\":1.0,\"d\":\"12\",\"e\":{},\"f\":[],\"g\":null,"
                 "\"h\":200,\"200\":\"ok\",\"true\":\"yes\"}");
}

struct refusal {
    const char *text, *words, *hint;
};

/* Each is refused with one fault: `words` begin with line and column. */
static void assert_all_refused(struct fixture *f, const char *name, const struct refusal *cases,
                               size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct node *node = read_as(f, name, cases[i].text);
        const struct diagnostic *fault = f->d.first;
        assert_null(node);
        assert_non_null(fault);
        const char *words =
            arena_printf(f->arena, "%u:%u %s", fault->at.line, fault->at.column, fault->text);
        assert_string_equal(words, cases[i].words);
        assert_string_equal(fault->hint ? fault->hint : "", cases[i].hint ? cases[i].hint : "");
        f->d = diagnostics_in(f->arena);
    }
}

#define REFUSED(f, name, cases)                                                                    \
    assert_all_refused(f, name, cases, sizeof(cases) / sizeof((cases)[0]))

static void wrong_json_says_where_and_what(void **state)
{
    struct fixture *f = *state;
    static const struct refusal cases[] = {
        {"{\n \"a\": 1\n \"b\": 2}", "2:8 a comma is missing here", NULL},
        {"{\"a\": [1,\n 2}", "2:3 expected \"]\", got \"}\"",
         "the \"[\" to be closed is at line 1, column 7"},
        {"{\"a\": [1]", "1:1 this \"{\" is never closed", NULL},
        {"{\"a\": 1}}", "1:9 the value ended before this; nothing may follow it", NULL},
        {"{\"a\" 1}", "1:5 a \":\" is missing after this key", NULL},
        {"{\"a\":}", "1:6 expected a value, got \"}\"", NULL},
        {"{\"a\":1,,}", "1:8 expected a key in double quotes, got \",\"", NULL},
        {"[,]", "1:2 expected a value, got \",\"", NULL},
        {"[1:2]", "1:3 expected a comma or \"]\", got \":\"", NULL},
        {"{a: 1}", "1:2 a key without quotes", "put it in double quotes"},
        {"{'a': 1}", "1:2 text is written in double quotes, not in single ones", NULL},
        {"[tru]", "1:2 expected a value, got tru", "text is written in double quotes"},
        {"[True]", "1:2 True is Python's", "JSON writes true, false and null"},
        {"[01]", "1:2 expected a number, got \"01\" (wrong at character 2)", NULL},
        {"[.5]", "1:2 expected a number, got \".5\" (wrong at character 1)", NULL},
        {"[1e999]", "1:2 1e999 is too large", NULL},
        {"[\"a\nb\"]", "1:2 this string is not closed on its line", "a line break is written \\n"},
        {"[\"a", "1:2 this string is not closed on its line", NULL},
        {"[\"a\tb\"]", "1:4 the control character 0x09 cannot stand in a string",
         "a tab is written \\t"},
        {"[\"\\x\"]", "1:3 \"\\x\" is no escape of JSON", "a backslash itself is written \\\\"},
        {"[\"\\u12\"]", "1:3 \"\\u\" needs four hexadecimal digits", NULL},
        {"[\"é\\ud83d\"]", "1:5 \\ud83d is half of a surrogate pair",
         "characters beyond U+FFFF are written as a pair, or simply as themselves"},
        {"[\"\\ud83d\\ud83d\"]", "1:3 \\ud83d is half of a surrogate pair",
         "characters beyond U+FFFF are written as a pair, or simply as themselves"},
        {"[\"\\udc00\\ud800\"]", "1:3 \\udc00 is half of a surrogate pair",
         "characters beyond U+FFFF are written as a pair, or simply as themselves"},
        {"{\"\\u0000\":1}", "1:3 a key cannot hold the character U+0000", NULL},
        {"[1] # x", "1:5 the value ended before this; nothing may follow it",
         "comments begin with //"},
        {"[1, # x\n2]", "1:5 unexpected \"#\"", "comments begin with //"},
        {"[1 /* 2]", "1:4 this comment is never closed by \"*/\"", NULL},
        {"{\"a\":1,\n\"b\":2,\n\"a\":3}",
         "3:1 the key \"a\" is in this map twice; first at line 1, column 2", NULL},
        {"// only\n/* comments */", "1:1 there is nothing but comments in here", NULL},
        {"", "0:0 the file is empty", NULL},
        {" \n\t\r\n", "0:0 the file is empty", NULL},
        {"\xef\xbb\xbf", "0:0 the file is empty", NULL},
        {"[\n\"\xff\"]", "2:2 the byte 0xff is not UTF-8", "save the file as UTF-8"},
        {"[\"\xed\xa0\x80\"]", "1:3 the byte 0xed is not UTF-8", "save the file as UTF-8"},
        {"\xff\xfe[", "0:0 the file is in UTF-16", "save the file as UTF-8"},
        {"[\"\x01\"]", "1:3 the control character 0x01 cannot stand here",
         "in a string it is written as an escape"},
    };
    REFUSED(f, "x.json", cases);
}

static void wrong_yaml_says_where_and_what(void **state)
{
    struct fixture *f = *state;
    static const struct refusal cases[] = {
        {"a: 1\n\tb: 2\n", "2:1 a tab in the indentation", "YAML indents with spaces only"},
        {"a:\n  b: 1\n c: 2\n", "3:2 indented unlike the keys of its map", NULL},
        {"a: b: c\n", "1:5 a second \": \" on one line", "put a value that holds \": \" in quotes"},
        {"a: 1\nb\nc: 2\n", "2:1 expected \"key: value\"", "is a \":\" missing?"},
        {"a: [1, 2\nb: 3\n", "1:4 this \"[\" is never closed", NULL},
        {"a: [1, , 2]\n", "1:8 a value is missing before this comma", NULL},
        {"a: {b: 1\nc: 2\n", "2:2 a comma is missing here",
         "or is the \"{\" of line 1 never closed?"},
        {"a: \"x\n", "1:4 this string is never closed", NULL},
        {"a: @x\n", "1:4 text cannot begin with this character", "put it in quotes"},
        {"a: 1\n---\nb: 2\n", "2:1 a second document; a suite is a single one", NULL},
        {"a: !foo 2\n", "1:9 the tag !foo is not one of YAML's core schema", NULL},
        {"a: !!set {}\n",
         "1:10 the tag tag:yaml.org,2002:set is not one of YAML's core schema for a map", NULL},
        {"a: !!int x\n", "1:10 this is no integer, as its tag says", NULL},
        {"a: .nan\n", "1:4 .nan has no form in JSON, so no suite can hold it", NULL},
        {"a: *x\n", "1:4 no anchor \"&x\" before this alias", NULL},
        {"a: &x\n  b: *x\n", "2:6 this alias stands inside what it stands for", NULL},
        {"a: 1\nb: 2\na: 3\n", "3:1 the key \"a\" is in this map twice; first at line 1, column 1",
         NULL},
        {"? [1]\n: 2\n", "1:3 a key must be a single word or text", NULL},
        {"a:\n  <<: {b: 1}\n",
         "2:3 merge keys (<<) are not part of YAML 1.2; repeat the keys, or put them in "
         "\"defaults\"",
         NULL},
        {"# nothing\n", "1:1 there is nothing in this file", NULL},
        {"a: \xc3(\n", "1:4 the byte 0xc3 is not UTF-8", "save the file as UTF-8"},
    };
    REFUSED(f, "x.yaml", cases);
}

static void several_faults_are_reported_together(void **state)
{
    struct fixture *f = *state;
    assert_refused(f, "x.yaml", "a: .inf\nb: !x 1\na: *y\n",
                   "x.yaml:1:4: error: .inf has no form in JSON, so no suite can hold it\n"
                   "  1 | a: .inf\n"
                   "    |    ^\n"
                   "\n"
                   "x.yaml:2:7: error: the tag !x is not one of YAML's core schema\n"
                   "  2 | b: !x 1\n"
                   "    |       ^\n"
                   "\n"
                   "x.yaml:3:4: error: no anchor \"&y\" before this alias\n"
                   "  3 | a: *y\n"
                   "    |    ^\n"
                   "\n"
                   "3 errors\n");
}

static void twins_of_a_large_map_are_found_too(void **state)
{
    struct fixture *f = *state;
    struct text text = text_in(f->arena);
    text_add_str(&text, "{");
    for (int i = 0; i < 1000; i++)
        text_printf(&text, "\"key %d\": %d,\n", i, i);
    text_add_str(&text, "\"key 500\": 1}");
    assert_null(read_as(f, "x.json", text_str(&text)));
    assert_string_equal(f->d.first->text,
                        "the key \"key 500\" is in this map twice; first at line 501, column 1");
    assert_int_equal(f->d.first->at.line, 1001);
    assert_int_equal(f->d.count, 1);
}

/* `open` and `close` around each other, `depth` times. */
static const char *nested(struct fixture *f, const char *open, const char *close, int depth)
{
    struct text text = text_in(f->arena);
    for (int i = 0; i < depth; i++)
        text_add_str(&text, open);
    for (int i = 0; i < depth; i++)
        text_add_str(&text, close);
    return text_str(&text);
}

static void nesting_has_a_limit_in_every_form(void **state)
{
    struct fixture *f = *state;
    assert_non_null(read_as(f, "x.json", nested(f, "[", "]", LIMIT_DEPTH)));
    assert_non_null(read_as(f, "x.yaml", nested(f, "[", "]", LIMIT_DEPTH)));
    static const struct {
        const char *name, *open, *close;
    } cases[] = {{"x.json", "[", "]"}, {"x.yaml", "[", "]"}, {"x.yaml", "- ", ""}};
    for (size_t i = 0; i < 3; i++) {
        const char *text = nested(f, cases[i].open, cases[i].close, LIMIT_DEPTH + 1);
        assert_null(read_as(f, cases[i].name, text));
        assert_string_equal(f->d.first->text, "nested deeper than 128 levels");
        f->d = diagnostics_in(f->arena);
    }
}

static void aliases_cannot_make_a_suite_explode(void **state)
{
    struct fixture *f = *state;
    struct text laughs = text_in(f->arena), deep = text_in(f->arena);
    text_add_str(&laughs, "a0: &a0 [x, x]\n");
    text_add_str(&deep, "a0: &a0 []\n");
    for (int i = 1; i < 200; i++) {
        text_printf(&laughs, "a%d: &a%d [*a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1, i - 1);
        text_printf(&deep, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    }
    assert_null(read_as(f, "x.yaml", text_str(&laughs)));
    assert_string_equal(f->d.first->text,
                        "the suite has too many values once its aliases are followed");
    f->d = diagnostics_in(f->arena);
    assert_null(read_as(f, "x.yaml", text_str(&deep)));
    assert_string_equal(f->d.first->text, "nested too deeply once its aliases are followed");
}

static void too_large_a_file_is_refused_before_it_is_read(void **state)
{
    struct fixture *f = *state;
    size_t size = LIMIT_SUITE_BYTES + 1;
    char *text = arena_alloc(f->arena, size);
    memset(text, ' ', size);
    const struct node *node;
    reader_text(f->arena, "x.json", slice_of(text, size), &f->d, &node);
    assert_null(node);
    assert_string_equal(shown(f), "x.json: error: the file is larger than the 16 MiB a suite may "
                                  "have\n\n1 error\n");
}

static void strings_without_escapes_stay_in_the_source(void **state)
{
    struct fixture *f = *state;
    const struct node *list = read_as(f, "x.json", "[\"plain\", \"esc\\n\"]");
    struct slice source = list->at.source->text, text = list->items[0]->string;
    assert_ptr_equal(text.data, source.data + 2);
    assert_true(list->items[1]->string.data < source.data ||
                list->items[1]->string.data > source.data + source.len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(jsonc_and_yaml_twins_are_equal_trees),
        SUITE_TEST(every_node_has_its_place_in_json),
        SUITE_TEST(every_node_has_its_place_in_yaml),
        SUITE_TEST(strings_of_json_are_decoded),
        SUITE_TEST(the_form_is_told_by_name_or_first_character),
        SUITE_TEST(yaml_follows_its_core_schema),
        SUITE_TEST(wrong_json_says_where_and_what),
        SUITE_TEST(wrong_yaml_says_where_and_what),
        SUITE_TEST(several_faults_are_reported_together),
        SUITE_TEST(twins_of_a_large_map_are_found_too),
        SUITE_TEST(nesting_has_a_limit_in_every_form),
        SUITE_TEST(aliases_cannot_make_a_suite_explode),
        SUITE_TEST(too_large_a_file_is_refused_before_it_is_read),
        SUITE_TEST(strings_without_escapes_stay_in_the_source),
    };
    return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
