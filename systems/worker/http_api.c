/*
 * Routes and their handlers. Replies are JSON; every one carries X-Correlation-ID. Errors that have
 * no field of a request to name are {"code","message","retriable"}, the original's form.
 */
#include "http_api.h"

#include <ctype.h>

#include "core/jsontext.h"
#include "core/parse.h"
#include "core/text.h"
#include "fault_tap.h"
#include "kserve.h"
#include "openai.h"
#include "openai_error.h"

#define JSON_TYPE SLICE("application/json")

struct call {
    struct loop *loop;
    struct worker *worker; /* the loop's */
    struct exchange *ex;
    struct arena *arena; /* until the handler returns */
    struct slice rest;   /* of the path, behind the route's */
};

static void add_header(struct exchange *ex, struct slice name, struct slice value)
{
    struct result added = exchange_header(ex, name, value);
    MUST(result_ok(added), "header %.*s", SLICE_ARG(name));
}

/* ---- X-Correlation-ID ---- */

/* A UUID in form: the original looks at the hyphens and the hexadecimal digits, not the version. */
static bool acceptable_id(struct slice id)
{
    if (id.len != UUID_TEXT - 1)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (hyphen ? id.data[i] != '-' : !isxdigit((unsigned char)id.data[i]))
            return false;
    }
    return true;
}

static void add_correlation_id(struct exchange *ex)
{
    struct slice id;
    char fresh[UUID_TEXT];
    if (!http_header_find(ex->headers, SLICE("X-Correlation-ID"), &id) || !acceptable_id(id))
        id = slice_str(random_uuid(fresh));
    add_header(ex, SLICE("X-Correlation-ID"), id);
}

/* ---- replies ---- */

static void reply_json(struct call *call, unsigned status, struct slice json)
{
    exchange_reply(call->ex, status, JSON_TYPE, json);
}

static void add_error(struct text *t, const char *code, const char *message, bool retriable)
{
    text_printf(t, "{\"code\":\"%s\",\"message\":", code);
    text_add_json(t, slice_str(message));
    text_printf(t, ",\"retriable\":%s}", retriable ? "true" : "false");
}

static void reply_error(struct call *call, unsigned status, const char *code, const char *message,
                        bool retriable)
{
    struct text t = text_in(call->arena);
    add_error(&t, code, message, retriable);
    reply_json(call, status, text_slice(&t));
}

/* application/json or application/…+json, whatever parameters follow. */
static bool is_json(const struct exchange *ex)
{
    struct slice type, rest;
    if (!http_header_find(ex->headers, SLICE("Content-Type"), &rest) ||
        !slice_split(&rest, ';', &type))
        return false;
    type = slice_trim(type);
    return slice_eq_nocase(type, JSON_TYPE) ||
           (type.len > 17 && slice_eq_nocase(slice_part(type, 0, 12), SLICE("application/")) &&
            slice_eq_nocase(slice_from(type, type.len - 5), SLICE("+json")));
}

/* False when the body is not JSON, which is then answered. */
static bool require_json(struct call *call)
{
    bool json = is_json(call->ex);
    if (!json)
        reply_error(call, 415, "UNSUPPORTED_MEDIA_TYPE",
                    "expected a request with Content-Type: application/json", false);
    return json;
}

/* ---- handlers ---- */

static void health(struct call *call)
{
    struct worker *w = call->worker;
    struct buf *out = &call->loop->out;
    long long uptime = (clock_now() - w->started) / NS_PER_S;
    struct result written =
        buf_printf(out, "{\"status\":\"%s\",\"state\":\"%s\",\"uptime_seconds\":%lld,%.*s}",
                   worker_healthy(w) ? "healthy" : "unhealthy", worker_state(w), uptime,
                   SLICE_ARG(w->health_facts));
    MUST(result_ok(written), "%zu bytes", out->len);
    reply_json(call, worker_healthy(w) ? 200 : 503, buf_slice(out));
    buf_clear(out);
}

static void metrics(struct call *call)
{
    const struct worker *w = call->worker;
    struct text t = text_in(call->arena);
    double uptime = (double)(clock_now() - w->started) / (double)NS_PER_S;
    struct metrics counted = worker_metrics(w);
    metrics_show(&counted, w->vram_bytes, uptime, &t);
    exchange_reply(call->ex, 200, SLICE("text/plain; version=0.0.4; charset=utf-8"),
                   text_slice(&t));
}

static bool refuse_header(struct call *call, const char *name, struct slice value,
                          const char *constraint, const char *expected)
{
    const char *shown = arena_string(call->arena, value);
    reply_json(call, 400,
               request_failure(call->arena, name, constraint,
                               arena_printf(call->arena, "%s %s (got %s)", name, expected, shown),
                               shown));
    return false;
}

/* A header of ours that changes the pace of this request; false when its value is wrong. */
static bool read_pace_header(struct call *call, const char *name, struct timing *out)
{
    struct slice value;
    struct timing timing;
    if (!http_header_find(call->ex->headers, slice_str(name), &value))
        return true;
    if (!result_ok(timing_read(value, NULL, &timing)))
        return refuse_header(call, name, value, "range(0..=86400000)",
                             "must be milliseconds from 0 to 86400000, normal:MEAN,DEVIATION or "
                             "lognormal:MEDIAN,SIGMA");
    *out = timing;
    return true;
}

static bool read_interval_header(struct call *call, const char *name, int64_t *out)
{
    struct slice value;
    double ms;
    if (!http_header_find(call->ex->headers, slice_str(name), &value))
        return true;
    if (!result_ok(parse_number(value, &ms)) || ms < 0 || ms > PACE_MS_MAX)
        return refuse_header(call, name, value, "range(0..=86400000)",
                             "must be milliseconds from 0 to 86400000");
    *out = (int64_t)(ms * (double)NS_PER_MS);
    return true;
}

/* X-Deadline: when the client gives up, in milliseconds since 1970. */
static bool read_deadline(struct call *call, int64_t *timeout)
{
    struct slice value;
    int64_t deadline;
    if (!http_header_find(call->ex->headers, SLICE("X-Deadline"), &value))
        return true;
    if (!result_ok(parse_integer(value, &deadline)) || deadline < 0 ||
        deadline > INT64_MAX / NS_PER_MS)
        return refuse_header(call, "X-Deadline", value, "type(u64)",
                             "must be milliseconds since 1970");
    int64_t left = deadline * NS_PER_MS - clock_wall();
    if (left < *timeout)
        *timeout = left > 0 ? left : 0;
    return true;
}

static bool read_pace(struct call *call, struct pace *pace)
{
    *pace = call->worker->pace;
    return read_pace_header(call, "X-Assay-First-Token-Ms", &pace->first_token) &&
           read_pace_header(call, "X-Assay-Delay-Ms", &pace->delay) &&
           read_interval_header(call, "X-Assay-Metrics-Interval-Ms", &pace->metrics_interval) &&
           read_interval_header(call, "X-Assay-Prefill-Ms-Per-Token", &pace->prefill) &&
           read_deadline(call, &pace->timeout);
}

/* False when the prompt is longer than --max-tokens-in allows, which is then answered. */
static bool prompt_fits(struct call *call, struct slice prompt)
{
    const struct worker *w = call->worker;
    uint64_t max = w->options->max_tokens_in, tokens = w->engine->prompt_tokens(prompt);
    if (max == 0 || tokens <= max)
        return true;
    const char *got = arena_printf(call->arena, "%llu", (unsigned long long)tokens);
    reply_json(
        call, 400,
        request_failure(call->arena, "prompt",
                        arena_printf(call->arena, "max_tokens(%llu)", (unsigned long long)max),
                        arena_printf(call->arena, "prompt must have at most %llu tokens (got %s)",
                                     (unsigned long long)max, got),
                        got));
    return false;
}

/* False when the request was refused and answered. */
static bool try_execute(struct call *call)
{
    struct worker *w = call->worker;
    struct execute_request request;
    struct pace pace;
    struct slice errors;
    if (!require_json(call))
        return false;
    if (!request_execute(call->arena, call->ex->body, (uint32_t)w->options->max_tokens_out,
                         &request, &errors)) {
        reply_json(call, 400, errors);
        return false;
    }
    if (!prompt_fits(call, request.prompt) || !read_pace(call, &pace))
        return false;
    bool accepted = worker_execute(call->loop, call->ex, &request, &pace);
    if (!accepted)
        reply_error(call, 409, "INVALID_REQUEST", "a job with this job_id is running", false);
    return accepted;
}

static void execute(struct call *call)
{
    if (!try_execute(call))
        call->loop->metrics.requests[OUTCOME_ERROR]++;
}

static void cancel_job(struct call *call, struct slice job_id)
{
    struct text t = text_in(call->arena);
    bool found = worker_cancel(call->loop, job_id);
    text_add_str(&t, "{\"job_id\":");
    text_add_json(&t, job_id);
    text_printf(&t, ",\"cancelled\":%s}", found ? "true" : "false");
    reply_json(call, 202, text_slice(&t));
}

static void cancel_in_body(struct call *call)
{
    struct slice job_id, errors;
    if (!require_json(call))
        return;
    if (request_cancel(call->arena, call->ex->body, &job_id, &errors))
        cancel_job(call, job_id);
    else
        reply_json(call, 400, errors);
}

static int hex_value(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Undo %XX; anything else stands for itself. */
static struct slice percent_decoded(struct arena *arena, struct slice s)
{
    char *out = arena_alloc(arena, s.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '%' && i + 2 < s.len && isxdigit((unsigned char)s.data[i + 1]) &&
            isxdigit((unsigned char)s.data[i + 2])) {
            out[len++] = (char)(hex_value(s.data[i + 1]) << 4 | hex_value(s.data[i + 2]));
            i += 2;
        } else {
            out[len++] = s.data[i];
        }
    }
    return slice_of(out, len);
}

static void cancel_in_path(struct call *call)
{
    if (call->rest.len == 0)
        reply_json(
            call, 400,
            request_failure(call->arena, "job_id", "non_empty", "job_id must not be empty", ""));
    else
        cancel_job(call, percent_decoded(call->arena, call->rest));
}

static void shut_down(struct call *call)
{
    reply_json(call, 202, SLICE("{\"status\":\"draining\"}"));
    worker_shut_down(call->loop);
}

static void openai(struct call *call)
{
    struct pace pace;
    if (read_pace(call, &pace))
        openai_request_received(call->loop, call->ex, &pace);
}

static void kserve(struct call *call)
{
    kserve_request(call->worker, call->ex);
}

/* ---- routes ---- */

static const struct route {
    const char *method; /* NULL: the handler looks at it, and answers while draining as it likes */
    const char *path;
    bool more;           /* the path goes on behind `path` */
    bool while_draining; /* answered then too; the others get 503 */
    void (*handle)(struct call *call);
} routes[] = {
    {"GET", "/health", false, true, health},
    {"GET", "/metrics", false, true, metrics},
    {"POST", "/execute", false, false, execute},
    {"POST", "/cancel", false, true, cancel_in_body},
    {"POST", "/cancel/", true, true, cancel_in_path},
    {"POST", "/shutdown", false, true, shut_down},
    {NULL, "/v1/", true, true, openai},
    {NULL, "/v2", false, true, kserve},
    {NULL, "/v2/", true, true, kserve},
};

static void refuse_method(struct call *call, const struct route *route)
{
    bool get = slice_is(SLICE("GET"), route->method);
    add_header(call->ex, SLICE("Allow"), get ? SLICE("GET, HEAD") : SLICE("POST"));
    reply_error(call, 405, "METHOD_NOT_ALLOWED",
                arena_printf(call->arena, "%s takes %s only", route->path, route->method), false);
}

static void dispatch(struct call *call)
{
    struct exchange *ex = call->ex;
    struct slice method = slice_is(ex->method, "HEAD") ? SLICE("GET") : ex->method;
    const struct route *route = NULL;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]) && !route; i++) {
        struct slice path = slice_str(routes[i].path);
        if (routes[i].more ? slice_starts(ex->path, path) : slice_eq(ex->path, path))
            route = &routes[i];
    }
    if (!route) {
        reply_error(call, 404, "NOT_FOUND",
                    "there is nothing here; see /health, /execute, /cancel, /shutdown, /metrics",
                    false);
        return;
    }
    call->rest = slice_from(ex->path, strlen(route->path));
    if (route->method && !slice_is(method, route->method))
        refuse_method(call, route);
    else if (worker_draining(call->worker) && !route->while_draining)
        reply_error(call, 503, "WORKER_UNHEALTHY", "the worker is shutting down", false);
    else
        route->handle(call);
}

/* ---- faults ---- */

static struct result read_query_faults(struct call *call, bool openai, struct fault_plan *plan)
{
    struct slice rest = call->ex->query, pair, key;
    while (slice_split(&rest, '&', &pair))
        if (slice_split(&pair, '=', &key) && slice_is(key, "fault"))
            TRY(faults_read(percent_decoded(call->arena, pair), openai, plan));
    return RESULT_OK;
}

static struct result read_body_faults(struct call *call, bool openai, struct fault_plan *plan)
{
    json_t *body;
    /* Most requests have none and need not be read twice; a body that is no JSON has none either */
    if (slice_find(call->ex->body, SLICE("\"assay_fault\"")) < 0 ||
        !result_ok(jsontext_read_in(call->arena, call->ex->body, &body)))
        return RESULT_OK;
    const json_t *fault = json_object_get(body, "assay_fault");
    if (!fault)
        return RESULT_OK;
    ENSURE(json_is_string(fault), ERR_VALUE, "assay_fault is a text such as \"reset,at=3\"");
    return faults_read(jsontext_slice(fault), openai, plan);
}

static struct result read_faults(struct call *call, struct fault_plan *plan)
{
    bool openai = slice_starts(call->ex->path, SLICE("/v1/"));
    struct slice header;
    TRY(read_query_faults(call, openai, plan));
    if (http_header_find(call->ex->headers, SLICE("X-Assay-Fault"), &header))
        TRY(faults_read(header, openai, plan));
    return read_body_faults(call, openai, plan);
}

static void reply_status_fault(struct call *call, const struct fault_plan *plan)
{
    const uint64_t *values = plan->values[FAULT_STATUS];
    if (values[FAULT_RETRY_AFTER] != FAULT_NOT_GIVEN)
        add_header(call->ex, SLICE("Retry-After"),
                   slice_str(arena_printf(call->arena, "%llu",
                                          (unsigned long long)values[FAULT_RETRY_AFTER])));
    reply_error(call, (unsigned)values[FAULT_CODE], "FAULT", "a fault was asked for", true);
}

/* Put the faults that the request asks for onto its answer; false when it is answered by that. */
static bool accept_faults(struct call *call)
{
    struct fault_plan plan = {0};
    if (!result_ok(read_faults(call, &plan))) {
        reply_json(call, 400,
                   request_failure(call->arena, "fault", "fault", error_last()->text, NULL));
        return false;
    }
    if (!plan.any)
        return true;
    if (call->worker->options->no_faults) {
        reply_error(call, 403, "FAULTS_OFF", "this worker was started with --no-faults", false);
        return false;
    }
    fault_tap_attach(call->ex, &call->loop->uv, &plan);
    if (plan.asked[FAULT_STATUS])
        reply_status_fault(call, &plan);
    return !plan.asked[FAULT_STATUS];
}

void http_api_request(void *context, struct exchange *ex)
{
    struct loop *loop = context;
    struct call call = {.loop = loop, .worker = loop->worker, .ex = ex, .arena = arena_new()};
    add_correlation_id(ex);
    if (accept_faults(&call))
        dispatch(&call);
    arena_free(call.arena);
}

void http_api_refusal(void *context, struct slice path, const char *why, struct text *body)
{
    (void)context;
    if (slice_starts(path, SLICE("/v1/"))) {
        struct arena *arena = arena_new();
        struct openai_error error;
        openai_refuse(arena, &error, NULL, NULL, "%s", why);
        text_add(body, openai_error_json(arena, &error));
        arena_free(arena);
    } else if (slice_starts(path, SLICE("/v2/"))) {
        text_add_str(body, "{\"error\":");
        text_add_json(body, slice_str(why));
        text_add_byte(body, '}');
    } else {
        add_error(body, "PAYLOAD_TOO_LARGE", why, false);
    }
}
