/*
 * What a test asks of a worker over HTTP: one exchange each, and a judgement of the answer.
 */
#include "core/clock.h"
#include "core/jsontext.h"
#include "core/limits.h"
#include "core/parse.h"
#include "core/text.h"
#include "harness/failure.h"
#include "harness/message.h"
#include "harness/reply.h"
#include "harness/rules.h"
#include "harness/worker.h"

#define EXECUTE_WITHIN (120 * NS_PER_S)
#define FETCH_WITHIN (30 * NS_PER_S)
#define HEALTH_WITHIN (5 * NS_PER_S)
#define CANCEL_WITHIN (5 * NS_PER_S)
#define SHUTDOWN_WITHIN (30 * NS_PER_S)

/* ---- the exchange ---- */

static enum assay_error read_failed(struct assay_worker *worker, const struct reply *reply,
                                    struct result r, int64_t timeout)
{
    char within[DURATION_TEXT];
    if (r.code == ERR_TIMEOUT && reply->ended)
        return harness_fail(ASSAY_ERROR_PROTOCOL,
                            "expected the answer to be over with its last event, but the "
                            "connection stayed open for 2 s more");
    if (r.code == ERR_TIMEOUT)
        r = error_context(r, "not over within %s, with %zu bytes of the answer read",
                          format_duration(within, timeout), reply->raw.len);
    enum assay_error error = harness_result(r);
    bool broken = error == ASSAY_ERROR_HTTP || error == ASSAY_ERROR_TIMEOUT;
    return broken ? worker_blame(worker, error) : error;
}

/* `reply` is complete when this returns, except for a judgement of a whole answer. */
static enum assay_error exchange(struct assay_worker *worker, struct message *message,
                                 struct reply *reply, int64_t timeout)
{
    struct wire_request request;
    message->url = assay_worker_url(worker);
    enum assay_error error = harness_result(message_write(reply->arena, message, &request));
    if (error == ASSAY_OK) {
        struct result r = wire_exchange(&request, &reply->reader);
        if (!result_ok(r))
            error = read_failed(worker, reply, r, timeout);
    }
    (void)reply_finish(reply, error);
    return error;
}

static enum assay_error expect_status(const struct reply *reply, int expected, const char *what)
{
    const struct assay_response *r = &reply->response;
    if (r->status == expected)
        return ASSAY_OK;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct slice body = text_shown(arena, buf_slice(&reply->body), LIMIT_SHOWN_BYTES);
    return harness_fail(ASSAY_ERROR_STATUS, "expected %d%s, got %d: %.*s", expected, what,
                        r->status, SLICE_ARG(body));
}

/* ---- execute ---- */

struct assay_request assay_request(const char *job_id, const char *prompt, uint32_t max_tokens)
{
    return (struct assay_request){
        .job_id = job_id,
        .prompt = prompt,
        .max_tokens = max_tokens,
        .temperature = 0.7,
        .has_seed = true,
        .seed = 42,
        .top_p = 1.0,
        .repetition_penalty = 1.0,
    };
}

static enum assay_error judge_stream(const struct reply *reply, const struct assay_request *request)
{
    const struct assay_events *events = reply->response.events;
    enum assay_error error = expect_status(reply, 200, " and an event stream");
    if (error || events->stopped)
        return error;
    if (!result_ok(rule_order(events)))
        return harness_fail(ASSAY_ERROR_PROTOCOL, "%s", error_last()->text);
    const char *job_id = events->items[0].job_id;
    if (!request->body && strcmp(job_id, request->job_id) != 0)
        return harness_fail(ASSAY_ERROR_PROTOCOL,
                            "expected \"job_id\": \"%s\" in started, got \"%s\"", request->job_id,
                            job_id);
    return ASSAY_OK;
}

enum assay_error assay_execute_each(struct assay_worker *worker,
                                    const struct assay_request *request,
                                    assay_event_callback *callback, void *context,
                                    struct assay_response **response)
{
    int64_t timeout = request->timeout_ns > 0 ? request->timeout_ns : EXECUTE_WITHIN;
    struct reply *reply = reply_new(callback, context, timeout);
    struct message message = {.method = "POST",
                              .path = request->path ? request->path : "/execute",
                              .accept = "text/event-stream",
                              .headers = request->headers,
                              .body = request->body};
    *response = &reply->response;
    enum assay_error error = ASSAY_OK;
    if (!message.body)
        error = harness_result(message_job(reply->arena, request, &message.body));
    if (error) {
        (void)reply_finish(reply, error);
        return error;
    }
    error = exchange(worker, &message, reply, timeout);
    if (error)
        return error;
    error = judge_stream(reply, request);
    reply_set_error(reply, error);
    return error;
}

enum assay_error assay_execute(struct assay_worker *worker, const struct assay_request *request,
                               struct assay_response **response)
{
    return assay_execute_each(worker, request, NULL, NULL, response);
}

/* ---- the rest ---- */

/* A short question and its answer; `*out` is to be freed. */
static enum assay_error ask(struct assay_worker *worker, const char *method, const char *path,
                            const char *body, int64_t timeout, struct reply **out)
{
    struct message message = {.method = method, .path = path, .accept = "*/*", .body = body};
    *out = reply_new(NULL, NULL, timeout);
    return exchange(worker, &message, *out, timeout);
}

static void free_reply(struct reply **reply)
{
    if (*reply)
        assay_response_free(&(*reply)->response);
}

enum assay_error assay_fetch(struct assay_worker *worker, const char *method, const char *path,
                             const char *body, struct assay_response **response)
{
    struct reply *reply;
    enum assay_error error = ask(worker, method, path, body, FETCH_WITHIN, &reply);
    *response = &reply->response;
    return error;
}

static enum assay_error judge_health(const struct reply *reply)
{
    enum assay_error error = expect_status(reply, 200, " from /health");
    if (error)
        return error;
    DEFER(jsontext_release)
    json_t *json = NULL;
    if (!result_ok(jsontext_read(buf_slice(&reply->body), &json)))
        return harness_fail(ASSAY_ERROR_STATUS, "expected JSON from /health, got what is %s",
                            error_last()->text);
    const char *status = json_string_value(json_object_get(json, "status"));
    if (!status || strcmp(status, "healthy") != 0)
        return harness_fail(ASSAY_ERROR_STATUS,
                            "expected \"status\": \"healthy\" from /health, got %.*s",
                            SLICE_ARG(slice_part(buf_slice(&reply->body), 0, LIMIT_SHOWN_BYTES)));
    return ASSAY_OK;
}

enum assay_error assay_health(struct assay_worker *worker, struct assay_response **response)
{
    struct reply *reply;
    enum assay_error error = ask(worker, "GET", "/health", NULL, HEALTH_WITHIN, &reply);
    if (!error) {
        error = judge_health(reply);
        reply_set_error(reply, error);
    }
    if (response)
        *response = &reply->response;
    else
        free_reply(&reply);
    return error;
}

enum assay_error assay_cancel(struct assay_worker *worker, const char *job_id,
                              enum assay_cancel_form form)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text body = text_in(arena);
    text_add_str(&body, "{\"job_id\":");
    text_add_json(&body, slice_str(job_id));
    text_add_byte(&body, '}');
    bool in_path = form == ASSAY_CANCEL_PATH;
    const char *path = in_path ? message_cancel_path(arena, job_id) : "/cancel";
    DEFER(free_reply)
    struct reply *reply = NULL;
    enum assay_error error =
        ask(worker, "POST", path, in_path ? NULL : text_str(&body), CANCEL_WITHIN, &reply);
    return error ? error : expect_status(reply, 202, " from /cancel");
}

enum assay_error assay_shutdown(struct assay_worker *worker)
{
    DEFER(free_reply)
    struct reply *reply = NULL;
    int status = 0;
    bool ours = worker_is_ours(worker);
    if (ours)
        worker_expect_end(worker);
    enum assay_error error = ask(worker, "POST", "/shutdown", NULL, SHUTDOWN_WITHIN, &reply);
    if (!error)
        error = expect_status(reply, 202, " from /shutdown");
    if (!error && ours)
        error = assay_worker_wait(worker, SHUTDOWN_WITHIN, &status);
    if (!error && status != 0)
        error = harness_fail(ASSAY_ERROR_DIED, "expected exit status 0 after /shutdown, got %d%s",
                             status, status > 128 ? " (128 + the signal that ended it)" : "");
    return error;
}
