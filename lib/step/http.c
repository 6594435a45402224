/*
 * The `http` step: one request, one response. Any SSE service can be checked event by event.
 */
#include "core/limits.h"
#include "core/text.h"
#include "step/call.h"
#include "step/kinds.h"

static const char *const methods[] = {"get",    "post", "put",     "patch",
                                      "delete", "head", "options", NULL};

static const struct node_entry *method_entry(const struct node *config)
{
    for (size_t i = 0; methods[i]; i++) {
        const struct node_entry *entry = node_entry(config, methods[i]);
        if (entry)
            return entry;
    }
    return NULL;
}

static void check_http(const struct node *config, struct diagnostics *d)
{
    size_t found = 0, bodies = 0;
    for (size_t i = 0; methods[i]; i++)
        found += node_get(config, methods[i]) != NULL;
    static const char *const body_keys[] = {"json", "body", "form", NULL};
    for (size_t i = 0; body_keys[i]; i++)
        bodies += node_get(config, body_keys[i]) != NULL;
    if (found != 1)
        diagnose(d, config->at,
                 "an http step has exactly one of get, post, put, patch, delete, head, options; "
                 "this one has %zu",
                 found)
            ->hint = "for example \"http\": { \"get\": \"/health\" }";
    if (bodies > 1)
        diagnose(d, config->at, "an http step has at most one of json, body and form");
}

static const struct field http_fields[] = {
    {"get", &shape_string,
     .help = "Send a GET request to this path (below the service's url) or full URL.",
     .example = "\"/health\""},
    {"post", &shape_string, .help = "Send a POST request."},
    {"put", &shape_string, .help = "Send a PUT request."},
    {"patch", &shape_string, .help = "Send a PATCH request."},
    {"delete", &shape_string, .help = "Send a DELETE request."},
    {"head", &shape_string, .help = "Send a HEAD request."},
    {"options", &shape_string, .help = "Send an OPTIONS request."},
    {"query", &shape_string_map,
     .help = "Query parameters, percent-encoded and appended to the URL.",
     .example = "{ \"limit\": 10 }"},
    {"headers", &shape_string_map, .help = "Request headers.",
     .example = "{ \"Authorization\": \"Bearer ${key}\" }"},
    {"json", &shape_any, .help = "The body, sent as JSON with Content-Type application/json.",
     .example = "{ \"model\": \"m\" }"},
    {"body", &shape_text, .help = "The body as text, sent as it is."},
    {"form", &shape_string_map, .help = "The body, sent as application/x-www-form-urlencoded."},
    {"follow", &shape_bool,
     .help = "Follow redirects, up to 10. Default false: a redirect is an answer to be checked."},
    {"insecure", &shape_bool, .help = "Do not verify the server's TLS certificate. Default false."},
    {"http2", &shape_bool,
     .help = "Speak HTTP/2 without asking first (h2c). Over https HTTP/2 is negotiated anyway."},
    {NULL},
};

static const struct shape http_shape = {
    .name = "http step",
    .kind = SHAPE_OBJECT,
    .fields = (const struct field *const[]){http_fields, NULL},
    .help = "One HTTP request and its response. A response of type text/event-stream is also read "
            "as events.",
    .check = check_http,
};

static bool http_needs_url(const struct node *config)
{
    return step_is_path(method_entry(config)->value);
}

/* "get" as it is sent. */
static const char *upper_case(struct arena *arena, struct slice method)
{
    struct text t = text_in(arena);
    for (size_t i = 0; i < method.len; i++)
        text_add_byte(&t, (char)(method.data[i] - 32));
    return text_str(&t);
}

static struct slice http_title(struct arena *arena, const struct node *config)
{
    const struct node_entry *entry = method_entry(config);
    return slice_str(arena_printf(arena, "%s %.*s", upper_case(arena, entry->key),
                                  SLICE_ARG(node_text(arena, entry->value))));
}

/* RFC 3986: everything but unreserved characters as %XX. */
static void add_encoded(struct text *t, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c && strchr("-._~", c));
        if (plain)
            text_add_byte(t, (char)c);
        else
            text_printf(t, "%%%02X", c);
    }
}

static void add_pairs(struct text *t, const struct node *map)
{
    for (size_t i = 0; i < map->count; i++) {
        if (i > 0)
            text_add_byte(t, '&');
        add_encoded(t, map->entries[i].key);
        text_add_byte(t, '=');
        add_encoded(t, node_text(t->arena, map->entries[i].value));
    }
}

static void read_body(struct step *step, struct call_request *request)
{
    const struct node *json = node_get(step->config, "json"),
                      *body = node_get(step->config, "body"),
                      *form = node_get(step->config, "form");
    request->has_body = json || body || form;
    if (json) {
        request->body = jsontext_write(step->arena, node_json(step->arena, json));
        request->content_type = "application/json";
    } else if (body) {
        request->body = node_string(body, SLICE(""));
    } else if (form) {
        struct text t = text_in(step->arena);
        add_pairs(&t, form);
        request->body = text_slice(&t);
        request->content_type = "application/x-www-form-urlencoded";
    }
}

/* The kind of an event is what its JSON says in `type`, when it says so. */
static struct result name_event(struct step *step, struct stream *stream,
                                struct stream_event *event)
{
    (void)stream;
    const json_t *type = json_object_get(event->json, "type");
    if (json_is_string(type))
        event->name = arena_copy(step->arena, jsontext_slice(type));
    return RESULT_OK;
}

static struct result http_start(struct step *step)
{
    static const struct call_events events = {.on_event = name_event};
    const struct node_entry *method = method_entry(step->config);
    const struct node *query = node_get(step->config, "query");
    struct call_request request = {
        .method = upper_case(step->arena, method->key),
        .headers = node_get(step->config, "headers"),
        .follow = node_boolean(node_get(step->config, "follow"), false),
        .insecure = node_boolean(node_get(step->config, "insecure"), false),
        .http2 = node_boolean(node_get(step->config, "http2"), false),
    };
    TRY(step_url(step, node_text(step->arena, method->value), &request.url));
    if (query && query->count) {
        struct text t = text_in(step->arena);
        text_add(&t, request.url);
        text_add_byte(&t, slice_find_byte(request.url, '?') < 0 ? '?' : '&');
        add_pairs(&t, query);
        request.url = text_slice(&t);
    }
    read_body(step, &request);
    return call_start(step, &request, &events);
}

const struct step_kind step_http = {
    .name = "http",
    .shape = &http_shape,
    .yields = OBSERVED_STATUS | OBSERVED_HEADERS | OBSERVED_BODY | OBSERVED_EVENTS | OBSERVED_TIME |
              OBSERVED_MEMORY,
    .help = "One HTTP request and its response.",
    .example = "{ \"http\": { \"get\": \"/health\" }, \"expect\": { \"status\": 200 } }",
    .needs_url = http_needs_url,
    .title = http_title,
    .start = http_start,
    .cancel = call_cancel,
};
