/*
 * OpenAI's API: models, chat and text completions, embeddings.
 */
#include "openai.h"

#include "core/text.h"
#include "embedding.h"
#include "openai_answer.h"
#include "openai_files.h"

static struct openai_model served_model(const struct worker *w)
{
    return (struct openai_model){w->model, (uint32_t)w->options->max_tokens_out};
}

/* ---- replies ---- */

void openai_reply(struct api_call *call, unsigned status, struct slice json)
{
    exchange_reply(call->ex, status, SLICE("application/json"), json);
}

void openai_reply_error(struct api_call *call, const struct openai_error *error)
{
    openai_reply(call, error->status, openai_error_json(call->arena, error));
}

void openai_reply_refusal(struct api_call *call, unsigned status, const char *code,
                          const char *message)
{
    openai_reply_error(call, &(struct openai_error){.status = status,
                                                    .message = message,
                                                    .type = status >= 500 ? "server_error"
                                                                          : "invalid_request_error",
                                                    .code = code});
}

static const char *shown_target(struct api_call *call)
{
    struct slice method = text_shown(call->arena, call->ex->method, 20),
                 path = text_shown(call->arena, call->ex->path, 200);
    return arena_printf(call->arena, "%.*s %.*s", SLICE_ARG(method), SLICE_ARG(path));
}

/* False when the body is not announced as JSON, which is then answered. */
static bool require_json(struct api_call *call)
{
    struct slice type, rest;
    if (http_header_find(call->ex->headers, SLICE("Content-Type"), &rest) &&
        slice_split(&rest, ';', &type) &&
        slice_eq_nocase(slice_trim(type), SLICE("application/json")))
        return true;
    openai_reply_refusal(call, 415, NULL,
                         "Unsupported content type: expected Content-Type: application/json.");
    return false;
}

/* ---- models ---- */

static void add_model(struct api_call *call, struct text *t)
{
    text_add_str(t, "{\"id\":");
    text_add_json(t, call->worker->model);
    text_add_str(t, ",\"object\":\"model\",\"created\":1700000000,\"owned_by\":\"assay\"}");
}

static void list_models(struct api_call *call)
{
    struct text t = text_in(call->arena);
    text_add_str(&t, "{\"object\":\"list\",\"data\":[");
    add_model(call, &t);
    text_add_str(&t, "]}");
    openai_reply(call, 200, text_slice(&t));
}

static void show_model(struct api_call *call)
{
    struct text t = text_in(call->arena);
    if (slice_eq(call->rest, call->worker->model)) {
        add_model(call, &t);
        openai_reply(call, 200, text_slice(&t));
        return;
    }
    struct slice shown = text_shown(call->arena, call->rest, 200);
    openai_reply_error(call,
                       &(struct openai_error){
                           .status = 404,
                           .message = arena_printf(call->arena, "The model '%.*s' does not exist",
                                                   SLICE_ARG(shown)),
                           .type = "invalid_request_error",
                           .param = "model",
                           .code = "model_not_found"});
}

/* ---- completions ---- */

static void complete(struct api_call *call, enum openai_form form)
{
    struct worker *w = call->worker;
    struct openai_model model = served_model(w);
    struct openai_request request;
    struct openai_error error;
    if (!require_json(call)) {
        call->loop->metrics.requests[OUTCOME_ERROR]++;
        return;
    }
    if (!openai_read(call->arena, form, &model, call->ex->body, &request, &error)) {
        call->loop->metrics.requests[OUTCOME_ERROR]++;
        openai_reply_error(call, &error);
        return;
    }
    worker_answer(call->loop, call->ex,
                  openai_answer_new(take(&call->arena), &request, &model, w->engine), call->pace);
}

static void chat_completions(struct api_call *call)
{
    complete(call, OPENAI_CHAT);
}

static void completions(struct api_call *call)
{
    complete(call, OPENAI_COMPLETION);
}

/* ---- embeddings ---- */

static void embeddings(struct api_call *call)
{
    struct worker *w = call->worker;
    struct openai_model model = served_model(w);
    struct openai_inputs inputs;
    struct openai_error error;
    if (!require_json(call))
        return;
    if (openai_read_embeddings(call->arena, &model, call->ex->body, &inputs, &error))
        openai_reply(call, 200, embedding_answer(call->arena, &inputs, &model, w->engine));
    else
        openai_reply_error(call, &error);
}

/* ---- without an exchange ---- */

static struct slice run_completion(struct worker *w, struct arena *arena, enum openai_form form,
                                   struct slice body, unsigned *status)
{
    struct openai_model model = served_model(w);
    struct openai_request request;
    struct openai_error error;
    struct arena *own = arena_new();
    bool good = openai_read(own, form, &model, body, &request, &error);
    if (good && request.stream)
        good = openai_refuse(own, &error, "stream", NULL, "A batch cannot be streamed.");
    if (good && w->engine->attach) /* it works at its own pace, and this function does not wait */
        good = openai_refuse(own, &error, "model", NULL,
                             "Batches are answered by the stub, not by an engine from a library.");
    if (!good) {
        *status = error.status;
        struct slice text = arena_copy(arena, openai_error_json(own, &error));
        arena_free(own);
        return text;
    }
    struct openai_answer *answer = openai_answer_new(own, &request, &model, w->engine);
    struct generation_options options = {.timeout = CLOCK_NEVER};
    struct buf none = buf_limited(1);
    while (openai_answer_next(answer, &options, &none)) {
        struct generation g;
        int64_t now = clock_now();
        generation_start(&g, &options, now, &none);
        while (g.state == GENERATION_RUNNING)
            generation_turn(&g, now, UINT32_MAX, &none);
        generation_free(&g);
    }
    struct slice text = arena_copy(arena, openai_answer_whole(answer, status));
    openai_answer_free(answer);
    return text;
}

struct slice openai_run(struct worker *w, struct arena *arena, struct slice url, struct slice body,
                        unsigned *status)
{
    struct openai_model model = served_model(w);
    struct openai_inputs inputs;
    struct openai_error error;
    if (!slice_is(url, "/v1/embeddings"))
        return run_completion(w, arena,
                              slice_is(url, "/v1/completions") ? OPENAI_COMPLETION : OPENAI_CHAT,
                              body, status);
    bool good = openai_read_embeddings(arena, &model, body, &inputs, &error);
    *status = good ? 200 : error.status;
    return good ? embedding_answer(arena, &inputs, &model, w->engine)
                : openai_error_json(arena, &error);
}

/* ---- routes ---- */

static const struct api_route {
    const char *method, *path;
    bool more; /* the path goes on behind `path` */
    void (*handle)(struct api_call *call);
} routes[] = {
    {"GET", "/v1/models", false, list_models},
    {"GET", "/v1/models/", true, show_model},
    {"POST", "/v1/chat/completions", false, chat_completions},
    {"POST", "/v1/completions", false, completions},
    {"POST", "/v1/embeddings", false, embeddings},
    {"GET", "/v1/files", false, openai_list_files},
    {"POST", "/v1/files", false, openai_upload_file},
    {"GET", "/v1/files/", true, openai_show_file},
    {"DELETE", "/v1/files/", true, openai_delete_file},
    {"GET", "/v1/batches", false, openai_list_batches},
    {"POST", "/v1/batches", false, openai_create_batch},
    {"GET", "/v1/batches/", true, openai_show_batch},
    {"POST", "/v1/batches/", true, openai_cancel_batch},
};

/* The route; NULL with `*other` set when the path is known with another method. */
static const struct api_route *find_route(struct api_call *call, bool *other)
{
    const struct exchange *ex = call->ex;
    struct slice method = slice_is(ex->method, "HEAD") ? SLICE("GET") : ex->method;
    *other = false;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        struct slice path = slice_str(routes[i].path);
        if (!(routes[i].more ? slice_starts(ex->path, path) && ex->path.len > path.len
                             : slice_eq(ex->path, path)))
            continue;
        if (slice_is(method, routes[i].method)) {
            call->rest = slice_from(ex->path, path.len);
            return &routes[i];
        }
        *other = true;
    }
    return NULL;
}

static bool authorized(struct api_call *call)
{
    const char *key = call->worker->options->api_key;
    struct slice value;
    bool given = http_header_find(call->ex->headers, SLICE("Authorization"), &value);
    if (!key)
        return true;
    if (given && slice_starts(value, SLICE("Bearer ")) && slice_is(slice_from(value, 7), key))
        return true;
    openai_reply_refusal(
        call, 401, "invalid_api_key",
        given ? "Incorrect API key provided."
              : "You didn't provide an API key. You need to provide your API key in an "
                "Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).");
    return false;
}

static void dispatch(struct api_call *call)
{
    bool other;
    if (!authorized(call))
        return;
    const struct api_route *route = find_route(call, &other);
    if (!route)
        openai_reply_refusal(call, other ? 405 : 404, NULL,
                             arena_printf(call->arena, "%s (%s)",
                                          other ? "Method not allowed" : "Invalid URL",
                                          shown_target(call)));
    else if (worker_draining(call->worker))
        openai_reply_refusal(call, 503, "server_shutting_down", "The server is shutting down.");
    else
        route->handle(call);
}

void openai_request_received(struct loop *loop, struct exchange *ex, const struct pace *pace)
{
    struct api_call call = {
        .loop = loop, .worker = loop->worker, .ex = ex, .arena = arena_new(), .pace = pace};
    dispatch(&call);
    arena_free(call.arena);
}
