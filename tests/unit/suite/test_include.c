/*
 * Files that include files: what is merged, in which order, and what is refused.
 */
#include "suite_test.h"

static const struct node *read_file(struct fixture *f, const char *path)
{
    const struct node *node;
    reader_file(f->arena, path, &f->d, &node);
    return node;
}

/* The path of the fixtures is another one on every machine. */
static const char *shown_without_path(struct fixture *f)
{
    const char *text = shown(f);
    char *out = arena_alloc(f->arena, strlen(text) + 1), *o = out;
    while (*text) {
        size_t n = strlen(TEST_DATA);
        if (strncmp(text, TEST_DATA "/", n + 1) == 0)
            text += n + 1;
        else
            *o++ = *text++;
    }
    return out;
}

static void the_including_file_wins_and_included_cases_come_first(void **state)
{
    struct fixture *f = *state;
    const struct node *suite = read_file(f, TEST_DATA "/include/main.json");
    if (!suite)
        fail_msg("%s", shown(f));
    assert_string_equal(
        as_json(f, suite),
        "{\"name\":\"main\",\"vars\":{\"model\":\"large\",\"key\":\"k\",\"extra\":true},"
        "\"services\":{\"worker\":{\"command\":[\"worker\"]}},"
        "\"defaults\":{\"timeout\":\"5s\",\"service\":\"worker\"},"
        "\"cases\":[{\"id\":\"of base\"},{\"id\":\"of deeper\"},{\"id\":\"of extra\"},"
        "{\"id\":\"of main\"}],"
        "\"unknown\":1,\"resources\":{\"gpu\":1}}");
}

static void every_node_keeps_the_file_it_stands_in(void **state)
{
    struct fixture *f = *state;
    const struct node *cases = node_get(read_file(f, TEST_DATA "/include/main.json"), "cases");
    assert_non_null(cases);
    assert_string_equal(cases->items[0]->at.source->name, TEST_DATA "/include/base.yaml");
    assert_int_equal(cases->items[0]->at.line, 7);
    assert_string_equal(cases->items[1]->at.source->name, TEST_DATA "/include/more/deeper.json");
    assert_string_equal(cases->items[3]->at.source->name, TEST_DATA "/include/main.json");
}

static void a_circle_is_shown_as_a_path(void **state)
{
    struct fixture *f = *state;
    assert_null(read_file(f, TEST_DATA "/include/circle-a.json"));
    assert_string_equal(shown_without_path(f),
                        "include/circle-b.json:1:15: error: these files include each other in a "
                        "circle: include/circle-a.json → include/circle-b.json → "
                        "include/circle-a.json\n"
                        "  1 | { \"include\": [\"more/../circle-a.json\"] }\n"
                        "    |               ^\n"
                        "\n"
                        "1 error\n");
}

static void a_file_is_included_once(void **state)
{
    struct fixture *f = *state;
    assert_null(read_file(f, TEST_DATA "/include/twice.json"));
    assert_string_equal(shown_without_path(f),
                        "include/twice.json:3:15: error: include/./base.yaml is included twice\n"
                        "  3 |               \"./base.yaml\"]\n"
                        "    |               ^\n"
                        "help: it is included already at include/twice.json:2:15\n"
                        "\n"
                        "1 error\n");
}

static void what_cannot_be_included_is_reported_all_at_once(void **state)
{
    struct fixture *f = *state;
    assert_null(read_file(f, TEST_DATA "/include/missing.json"));
    assert_string_equal(
        shown_without_path(f),
        "include/list.json:1:1: error: expected a map in an included file, got a list\n"
        "  1 | [1]\n"
        "    | ^\n"
        "\n"
        "include/missing.json:2:15: error: \"include\": expected the path of a file or a list of "
        "paths\n"
        "  2 |   \"include\": [7, \"none.json\", \"${file}.json\", \"list.json\"],\n"
        "    |               ^\n"
        "\n"
        "include/missing.json:2:18: error: cannot read include/none.json: No such file or "
        "directory\n"
        "  2 |   \"include\": [7, \"none.json\", \"${file}.json\", \"list.json\"],\n"
        "    |                  ^\n"
        "\n"
        "include/missing.json:2:31: error: \"include\": expected the path of a file or a list of "
        "paths\n"
        "  2 |   \"include\": [7, \"none.json\", \"${file}.json\", \"list.json\"],\n"
        "    |                               ^\n"
        "help: files are included before any ${…} has a value\n"
        "\n"
        "4 errors\n");
}

static void a_text_without_a_file_includes_nothing(void **state)
{
    struct fixture *f = *state;
    assert_refused(f, "<text>", "{\"include\": \"x.json\"}",
                   "<text>:1:2: error: only a file can include files\n"
                   "  1 | {\"include\": \"x.json\"}\n"
                   "    |  ^\n"
                   "\n"
                   "1 error\n");
}

static void a_file_that_is_not_there_is_an_error(void **state)
{
    struct fixture *f = *state;
    assert_null(read_file(f, TEST_DATA "/none.json"));
    assert_string_equal(shown_without_path(f),
                        "error: cannot read none.json: No such file or directory\n\n1 error\n");
    assert_null(read_file(f, TEST_DATA "/include"));
    assert_string_equal(shown_without_path(f),
                        "error: cannot read include: Is a directory\n\n1 error\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(the_including_file_wins_and_included_cases_come_first),
        SUITE_TEST(every_node_keeps_the_file_it_stands_in),
        SUITE_TEST(a_circle_is_shown_as_a_path),
        SUITE_TEST(a_file_is_included_once),
        SUITE_TEST(what_cannot_be_included_is_reported_all_at_once),
        SUITE_TEST(a_text_without_a_file_includes_nothing),
        SUITE_TEST(a_file_that_is_not_there_is_an_error),
    };
    return cmocka_run_group_tests_name("include", tests, NULL, NULL);
}
