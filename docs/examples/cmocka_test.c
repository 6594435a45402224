/*
 * Tests of a worker in cmocka: one worker for the group, a test for each thing it must do. With
 * <assay/cmocka.h> a failed assert of the harness fails the test like any other.
 *
 *     cc cmocka_test.c $(pkg-config --cflags --libs assay cmocka) -o cmocka_test
 */
#include <assay/cmocka.h>

#include <string.h>

static int start_worker(void **state)
{
    *state = assay_worker_start(NULL);
    assay_assert_started(*state);
    return 0;
}

static void it_is_healthy(void **state)
{
    assay_assert_ok(assay_health(*state, NULL));
}

static void a_stop_sequence_ends_the_answer_before_it(void **state)
{
    const char *stop[] = {"}", NULL};
    struct assay_request request = assay_request("stop", "echo:{\"name\": \"Ada\"} and so on", 50);
    request.stop = stop;
    ASSAY_RESPONSE_CLEANUP struct assay_response *response = NULL;
    assay_assert_ok(assay_execute(*state, &request, &response));
    assay_assert_stop_reason(response->events, "STOP_SEQUENCE");
    assay_assert_text(response->events, "{\"name\": \"Ada\"");
    assert_string_equal(response->events->terminal->stop_sequence, "}");
}

static void a_prompt_without_characters_is_refused(void **state)
{
    struct assay_request request = assay_request("empty", "", 10);
    ASSAY_RESPONSE_CLEANUP struct assay_response *response = NULL;
    assay_assert_error(assay_execute(*state, &request, &response), ASSAY_ERROR_STATUS);
    assay_assert_status(response, 400);
    assert_non_null(strstr(response->body, "\"field\":\"prompt\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_healthy),
        cmocka_unit_test(a_stop_sequence_ends_the_answer_before_it),
        cmocka_unit_test(a_prompt_without_characters_is_refused),
    };
    return cmocka_run_group_tests(tests, start_worker, assay_cmocka_teardown);
}
