/*
 * The first integration test of an LLM worker, without any test framework: start it, run a job,
 * look at the stream, stop it. A failed assert prints what was expected and aborts.
 *
 *     cc first_worker_test.c $(pkg-config --cflags --libs assay) -o first_worker_test
 *     ASSAY_WORKER_BIN=/path/to/your/worker ./first_worker_test
 */
#include <assay/harness.h>

#include <stdio.h>

int main(void)
{
    /* Stopped when it leaves its scope, and when this program ends in any other way. */
    ASSAY_WORKER_CLEANUP struct assay_worker *worker = assay_worker_start(NULL);
    assay_assert_started(worker);
    assay_assert_ok(assay_health(worker, NULL));

    struct assay_request request =
        assay_request("first", ASSAY_PROMPT_HAIKU, ASSAY_LIMITS_DEFAULT.max_tokens);
    ASSAY_RESPONSE_CLEANUP struct assay_response *response = NULL;
    assay_assert_ok(assay_execute(worker, &request, &response));

    assay_assert_order(response->events);
    assay_assert_tokens_contiguous(response->events);
    assay_assert_utf8(response->events);
    assay_assert_token_count(response->events, 1, request.max_tokens);
    assay_assert_completed(response->events);

    printf("%zu tokens, then %s: %s\n", response->events->tokens,
           response->events->terminal->stop_reason, response->events->text);
    return 0;
}
