/*
 * Bodies of /execute: whatever comes, either every rule holds for what was read, or the answer is
 * JSON that lists what is wrong.
 */
#include "core/jsontext.h"
#include "core/text.h"
#include "request.h"

static void check_accepted(const struct execute_request *r)
{
    size_t length = utf8_length(r->prompt);
    MUST(r->job_id.len > 0 && utf8_valid(r->job_id) && utf8_valid(r->prompt), "%zu bytes",
         r->job_id.len);
    MUST(length >= 1 && length <= REQUEST_PROMPT_MAX, "%zu characters", length);
    MUST(r->max_tokens >= 1 && r->max_tokens <= REQUEST_TOKENS_MAX, "%u tokens", r->max_tokens);
    MUST(r->temperature >= 0 && r->temperature <= 2, "%f", (double)r->temperature);
    MUST(r->top_p >= 0 && r->top_p <= 1, "%f", (double)r->top_p);
    MUST(r->min_p >= 0 && r->min_p <= 1, "%f", (double)r->min_p);
    MUST(r->repetition_penalty >= 0 && r->repetition_penalty <= 2, "%f",
         (double)r->repetition_penalty);
    MUST(r->stop_count <= STOP_COUNT_MAX, "%zu stop sequences", r->stop_count);
    for (size_t i = 0; i < r->stop_count; i++)
        MUST(r->stop[i].len >= 1 && r->stop[i].len <= STOP_BYTES_MAX && utf8_valid(r->stop[i]),
             "stop sequence %zu of %zu bytes", i, r->stop[i].len);
}

static void check_refused(struct arena *arena, struct slice errors)
{
    json_t *json;
    struct result read = jsontext_read_in(arena, errors, &json);
    MUST(result_ok(read), "%.*s: %s", SLICE_ARG(errors), error_last()->text);
    const json_t *list = json_object_get(json, "errors");
    size_t count = json_array_size(list);
    MUST(count >= 1 && count <= REQUEST_ERRORS_MAX, "%zu errors", count);
    for (size_t i = 0; i < count; i++) {
        const json_t *error = json_array_get(list, i), *value = json_object_get(error, "value");
        MUST(json_is_string(json_object_get(error, "field")) &&
                 json_is_string(json_object_get(error, "constraint")) &&
                 json_is_string(json_object_get(error, "message")) &&
                 (!value || json_is_string(value)),
             "error %zu of %.*s", i, SLICE_ARG(errors));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct slice body = slice_of((const char *)data, size), errors, job_id;
    struct execute_request request;
    if (request_execute(arena, body, REQUEST_TOKENS_MAX, &request, &errors))
        check_accepted(&request);
    else
        check_refused(arena, errors);
    if (request_cancel(arena, body, &job_id, &errors))
        MUST(job_id.len > 0, "an empty id");
    else
        check_refused(arena, errors);
    arena_free(arena);
    return 0;
}
