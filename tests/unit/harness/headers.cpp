/*
 * The public headers in C++, as a test in that language includes them.
 */
#include <assay/harness.h>

int main()
{
    ASSAY_WORKER_CLEANUP struct assay_worker *worker = assay_worker_start(nullptr);
    struct assay_request request =
        assay_request("j", ASSAY_PROMPT_HELLO, ASSAY_LIMITS_FAST.max_tokens);
    ASSAY_RESPONSE_CLEANUP struct assay_response *response = nullptr;
    assay_assert_ok(assay_execute(worker, &request, &response));
    assay_assert_completed(response->events);
    return assay_model_file(ASSAY_MODEL_QWEN2_5_0_5B) == nullptr;
}
