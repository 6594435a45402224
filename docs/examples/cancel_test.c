/*
 * Cancelling a job while it runs, in both forms that workers know, and leaving it: the callback
 * sees each event when it comes.
 */
#include <assay/harness.h>

#include <stdio.h>

struct plan {
    struct assay_worker *worker;
    const char *job_id;
    enum assay_cancel_form form;
};

/* After the third token, from within the stream: another connection cancels this job. */
static bool cancel_at_third_token(void *context, const struct assay_event *event)
{
    struct plan *plan = context;
    if (event->kind == ASSAY_EVENT_TOKEN && event->index == 2)
        assay_assert_ok(assay_cancel(plan->worker, plan->job_id, plan->form));
    return true;
}

/* false closes the connection, as a user does who leaves the page. */
static bool leave_at_third_token(void *context, const struct assay_event *event)
{
    (void)context;
    return event->kind != ASSAY_EVENT_TOKEN || event->index < 2;
}

static void cancel_one(struct assay_worker *worker, const char *job_id, enum assay_cancel_form form)
{
    struct plan plan = {worker, job_id, form};
    struct assay_request request = assay_request(job_id, ASSAY_PROMPT_TRANSFORMER, 2000);
    ASSAY_RESPONSE_CLEANUP struct assay_response *response = NULL;
    assay_assert_ok(assay_execute_each(worker, &request, cancel_at_third_token, &plan, &response));
    assay_assert_order(response->events);
    assay_assert_stop_reason(response->events, "CANCELLED");
    assay_assert_token_count(response->events, 3, 1999);
    printf("%s: cancelled after %zu tokens\n", job_id, response->events->tokens);
}

int main(void)
{
    const char *pace[] = {"--delay-ms", "5", NULL}; /* slow enough to be cancelled */
    struct assay_worker_options options = {.arguments = pace};
    ASSAY_WORKER_CLEANUP struct assay_worker *worker = assay_worker_start(&options);
    assay_assert_started(worker);

    cancel_one(worker, "by body", ASSAY_CANCEL_BODY);
    cancel_one(worker, "by path", ASSAY_CANCEL_PATH);
    assay_assert_ok(assay_cancel(worker, "never heard of", ASSAY_CANCEL_BODY));

    struct assay_request request = assay_request("left", ASSAY_PROMPT_TRANSFORMER, 2000);
    ASSAY_RESPONSE_CLEANUP struct assay_response *response = NULL;
    assay_assert_ok(assay_execute_each(worker, &request, leave_at_third_token, NULL, &response));
    printf("left: %s after %zu tokens\n", response->events->stopped ? "stopped" : "whole",
           response->events->tokens);
    assay_assert_ok(assay_health(worker, NULL));
    return 0;
}
