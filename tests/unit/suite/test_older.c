/*
 * The older form of prompt cases: every oddity of it in one file, and what is wrong in a broken
 * one.
 */
#include "suite_test.h"

static const struct node *read_file(struct fixture *f, const char *path)
{
    const struct node *node;
    reader_file(f->arena, path, &f->d, &node);
    return node;
}

static void every_oddity_of_the_older_form_is_read(void **state)
{
    struct fixture *f = *state;
    const struct node *suite = read_file(f, TEST_DATA "/older.txt");
    if (!suite)
        fail_msg("%s", shown(f));
    assert_string_equal(
        as_json(f, suite),
        "{\"name\":\"older\",\"cases\":["
        "{\"id\":\"plain\","
        "\"describe\":\"URLs stay: https://example.org//a#b /* c */ 'd' ${e}\","
        "\"tags\":[\"simple\",\"url\"],\"priority\":9,\"enabled\":true,"
        "\"chat\":{\"model\":\"gpt-4\",\"question\":\"Where is // and # in \\\"this\\\"?\","
        "\"temperature\":0.5,\"stream\":false,\"retry_config\":{\"max_attempts\":3,"
        "\"initial_delay\":0.5,\"backoff_factor\":2,\"debug_mode\":true}},"
        "\"expect\":{\"validate\":["
        "{\"type\":\"contains\",\"params\":{\"required_text\":[\"a\",\"b\"],"
        "\"case_sensitive\":false}},{\"type\":\"not_empty\"},"
        "{\"type\":\"length\",\"params\":{\"min_length\":1}}]}},"
        "{\"id\":\"messages\",\"describe\":\"validation inside\",\"enabled\":false,"
        "\"chat\":{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],"
        "\"response_format\":{\"type\":\"json_object\"}},"
        "\"expect\":{\"validate\":[{\"type\":\"json_string\"}]}},"
        "{\"id\":\"nothing to check\",\"describe\":\"passed when there was an answer\","
        "\"chat\":{\"question\":\"?\"},\"expect\":{\"validate\":[{\"type\":\"not_empty\"}]}}]}");
}

static void nodes_keep_their_old_places_and_are_no_templates(void **state)
{
    struct fixture *f = *state;
    const struct node *suite = read_file(f, TEST_DATA "/older.txt");
    assert_non_null(suite);
    assert_false(suite->has_template);
    const struct node *first = node_get(suite, "cases")->items[0];
    assert_int_equal(first->at.line, 7);
    assert_int_equal(first->at.column, 3);
    assert_int_equal(node_entry(first, "id")->key_at.line, 8);
    assert_int_equal(node_get(first, "id")->at.column, 21);
    assert_int_equal(
        node_get(node_get(node_get(first, "chat"), "retry_config"), "max_attempts")->at.line, 20);
    const struct node *validate = node_get(node_get(first, "expect"), "validate");
    assert_int_equal(validate->items[0]->at.line, 23);
    assert_int_equal(validate->items[2]->at.line, 19);
}

static void requests_of_a_batch_are_cases_that_share_its_places(void **state)
{
    struct fixture *f = *state;
    static const char text[] =
        "[{'test_case_id': 'b', 'validation': [{'type': 'json'}], 'tags': ['t'], 'llm_config': {"
        "'batch_mode': true, 'max_concurrent': 2, 'parallel': true, 'model': 'm', 'requests': ["
        "'one', {'question': 'two', 'model': 'n', 'validation': [{'type': 'sql'}]}]}},"
        " {'test_case_id': 'c', 'llm_config': {'requests': ['x'], 'parallel': false, 'timeout': "
        "2.5,"
        " 'retry_config': {'max_attempts': 2}, 'fallback_models': ['n']}},"
        " {'test_case_id': 'd', 'llm_config': {'requests': ['y'], 'default_validate': true,"
        " 'response_format': {'type': 'json_object'}}}]";
    char *quoted = arena_alloc(f->arena, sizeof(text));
    for (size_t i = 0; i < sizeof(text); i++)
        quoted[i] = text[i] == '\'' ? '"' : text[i];
    assert_reads(
        f, "old", quoted,
        "{\"name\":\"old\",\"resources\":{\"b\":2,\"c\":1},\"cases\":["
        "{\"id\":\"b request 1\",\"tags\":[\"t\"],\"chat\":{\"model\":\"m\",\"question\":\"one\"},"
        "\"uses\":{\"b\":1},\"expect\":{\"validate\":[{\"type\":\"json\"}]}},"
        "{\"id\":\"b request 2\",\"tags\":[\"t\"],\"chat\":{\"model\":\"n\",\"question\":\"two\"},"
        "\"uses\":{\"b\":1},\"expect\":{\"validate\":[{\"type\":\"json\"},{\"type\":\"sql\"}]}},"
        "{\"id\":\"c request 1\",\"chat\":{\"timeout\":2.5,\"retry_config\":{\"max_attempts\":2},"
        "\"fallback_models\":[\"n\"],\"question\":\"x\"},\"timeout\":\"100s\",\"uses\":{\"c\":1},"
        "\"expect\":{\"validate\":[{\"type\":\"not_empty\"}]}},"
        "{\"id\":\"d request 1\",\"chat\":{\"default_validate\":true,\"response_format\":{\"type\":"
        "\"json_object\"},\"question\":\"y\"},"
        "\"expect\":{\"validate\":[{\"type\":\"not_empty\"},{\"type\":\"json\"}]}}]}");
}

static void a_broken_file_says_where(void **state)
{
    struct fixture *f = *state;
    assert_null(read_file(f, TEST_DATA "/older-broken.txt"));
    assert_string_equal(shown(f),
                        TEST_DATA "/older-broken.txt:11:18: error: a comma is missing here\n"
                                  " 11 |     \"priority\": 9\n"
                                  "    |                  ^\n"
                                  "\n"
                                  "1 error\n");
}

static void a_case_without_its_parts_is_reported_with_all_others(void **state)
{
    struct fixture *f = *state;
    assert_refused(f, "old",
                   "[{\"test_case_id\": \"a\"},\n"
                   " 7, \"remark\",\n"
                   " {\"test_case_id\": \"b\", \"llm_config\": [], \"validation\": {}},\n"
                   " {\"llm_config\": {\"requests\": [\"a\", 7], \"parallel\": 1}}]",
                   "old:1:2: error: a prompt case needs the key \"llm_config\"\n"
                   "  1 | [{\"test_case_id\": \"a\"},\n"
                   "    |  ^\n"
                   "\n"
                   "old:2:2: error: expected a prompt case, got an integer\n"
                   "  2 |  7, \"remark\",\n"
                   "    |  ^\n"
                   "\n"
                   "old:3:38: error: expected a map, got a list\n"
                   "  3 |  {\"test_case_id\": \"b\", \"llm_config\": [], \"validation\": {}},\n"
                   "    |                                      ^\n"
                   "\n"
                   "old:3:56: error: expected a list, got a map\n"
                   "  3 |  {\"test_case_id\": \"b\", \"llm_config\": [], \"validation\": {}},\n"
                   "    |                                                        ^\n"
                   "\n"
                   "old:4:2: error: a prompt case needs the key \"test_case_id\"\n"
                   "  4 |  {\"llm_config\": {\"requests\": [\"a\", 7], \"parallel\": 1}}]\n"
                   "    |  ^\n"
                   "\n"
                   "old:4:36: error: expected a request (a map or a question), got an integer\n"
                   "  4 |  {\"llm_config\": {\"requests\": [\"a\", 7], \"parallel\": 1}}]\n"
                   "    |                                    ^\n"
                   "\n"
                   "old:4:52: error: expected true or false, got the integer 1\n"
                   "  4 |  {\"llm_config\": {\"requests\": [\"a\", 7], \"parallel\": 1}}]\n"
                   "    |                                                    ^\n"
                   "\n"
                   "7 errors\n");
}

static void a_suite_of_today_may_hold_older_cases_as_data(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "{\"cases\":[{\"body\":[{\"test_case_id\":\"x\"}]}]}";
    assert_reads(f, "x.json", text, text);
    assert_reads(f, "x.yaml", "a: [{test_case_id: x}]\n", "{\"a\":[{\"test_case_id\":\"x\"}]}");
}

static void a_fault_in_the_first_key_is_found_behind_a_preamble(void **state)
{
    struct fixture *f = *state;
    assert_refused(f, "old", "cases [1]: [{test_case_id: 'a'}]",
                   "old:1:14: error: a key without quotes\n"
                   "  1 | cases [1]: [{test_case_id: 'a'}]\n"
                   "    |              ^\n"
                   "help: put it in double quotes\n"
                   "\n"
                   "1 error\n");
}

static void many_brackets_without_a_list_are_given_up_soon(void **state)
{
    struct fixture *f = *state;
    static const size_t size = 1 << 20;
    static const char *const parts[] = {"[/*", "[\"", "[{\"a\":", "[", "[{\"a\":1]"};
    for (size_t p = 0; p < sizeof(parts) / sizeof(parts[0]); p++) {
        char *text = arena_alloc(f->arena, size);
        struct slice part = slice_str(parts[p]);
        for (size_t i = 0; i < size; i++)
            text[i] = part.data[i % part.len];
        memcpy(text, "test_case_id ", 13);
        const struct node *node;
        reader_text(f->arena, "old.json", slice_of(text, size), &f->d, &node);
        assert_null(node);
        assert_int_equal(f->d.count, p + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(every_oddity_of_the_older_form_is_read),
        SUITE_TEST(nodes_keep_their_old_places_and_are_no_templates),
        SUITE_TEST(requests_of_a_batch_are_cases_that_share_its_places),
        SUITE_TEST(a_broken_file_says_where),
        SUITE_TEST(a_case_without_its_parts_is_reported_with_all_others),
        SUITE_TEST(a_suite_of_today_may_hold_older_cases_as_data),
        SUITE_TEST(a_fault_in_the_first_key_is_found_behind_a_preamble),
        SUITE_TEST(many_brackets_without_a_list_are_given_up_soon),
    };
    return cmocka_run_group_tests_name("older", tests, NULL, NULL);
}
