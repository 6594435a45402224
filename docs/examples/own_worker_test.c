/*
 * A worker with a command line of its own. {port}, {model}, {gpu} and {worker_id} are filled in;
 * here the command comes from this program's arguments:
 *
 *     ./own_worker_test ./my-worker serve --listen 127.0.0.1:{port} --weights {model}
 */
#include <assay/harness.h>

#include <stdio.h>

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: own_worker_test COMMAND…, with {port} where the port belongs\n");
        return 2;
    }
    const char *environment[] = {"MY_WORKER_LOG=debug", NULL};
    struct assay_worker_options options = {
        .command = (const char *const *)&argv[1],
        .model = assay_model_file(ASSAY_MODEL_QWEN2_5_0_5B), /* NULL: stub mode */
        .environment = environment,
        .ready_timeout_ns = 60 * ASSAY_SECOND,
    };
    struct assay_worker *worker = assay_worker_start(&options);
    if (!worker) {
        /* With its exit status and its last log lines. */
        fprintf(stderr, "no worker: %s\n", assay_last_error());
        return 1;
    }
    printf("ready at %s\n", assay_worker_url(worker));

    /* The same prompt and seed, twice: the same tokens. */
    struct assay_request request = assay_request("a", ASSAY_PROMPT_COUNT, 20);
    ASSAY_RESPONSE_CLEANUP struct assay_response *first = NULL, *second = NULL;
    assay_assert_ok(assay_execute(worker, &request, &first));
    request.job_id = "b";
    assay_assert_ok(assay_execute(worker, &request, &second));
    assay_assert_same_tokens(first->events, second->events);

    /* A refusal: the answer is there all the same. */
    request.temperature = 3.0;
    ASSAY_RESPONSE_CLEANUP struct assay_response *refused = NULL;
    assay_assert_error(assay_execute(worker, &request, &refused), ASSAY_ERROR_STATUS);
    assay_assert_status(refused, 400);

    /* It ends when asked, with status 0; and stopping it finds nothing left behind. */
    assay_assert_ok(assay_shutdown(worker));
    assay_assert_ok(assay_worker_stop(worker));
    return 0;
}
