/*
 * The same with Criterion, which runs each test in a process of its own.
 *
 *     cc criterion_test.c $(pkg-config --cflags --libs assay criterion) -o criterion_test
 */
#include <assay/criterion.h>

Test(worker, completes_a_job)
{
    ASSAY_WORKER_CLEANUP struct assay_worker *worker = assay_worker_start(NULL);
    assay_assert_started(worker);
    struct assay_request request = assay_request("job", ASSAY_PROMPT_HELLO, 10);
    ASSAY_RESPONSE_CLEANUP struct assay_response *response = NULL;
    assay_assert_ok(assay_execute(worker, &request, &response));
    assay_assert_completed(response->events);
}
