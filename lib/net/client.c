/*
 * libcurl's multi interface on a libuv loop: sockets become uv_poll handles, curl's one timeout a
 * uv_timer. Easy handles are kept and reused; their set-up costs more than a request does.
 */
#include "net/client.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/limits.h"
#include "core/memory.h"

/* The functions of libcurl that we use, found when the first request is sent. */
#define CURL_FUNCTIONS(X)                                                                          \
    X(curl_global_init)                                                                            \
    X(curl_multi_init)                                                                             \
    X(curl_multi_setopt)                                                                           \
    X(curl_multi_cleanup)                                                                          \
    X(curl_multi_add_handle)                                                                       \
    X(curl_multi_remove_handle)                                                                    \
    X(curl_multi_socket_action)                                                                    \
    X(curl_multi_info_read)                                                                        \
    X(curl_multi_assign)                                                                           \
    X(curl_easy_init)                                                                              \
    X(curl_easy_setopt)                                                                            \
    X(curl_easy_getinfo)                                                                           \
    X(curl_easy_reset)                                                                             \
    X(curl_easy_cleanup)                                                                           \
    X(curl_easy_strerror)                                                                          \
    X(curl_slist_append)                                                                           \
    X(curl_slist_free_all)

/* curl's own type-checking macros would hide the functions behind their names. */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

struct curl_library {
#define X(function) __typeof__(function) *function;
    CURL_FUNCTIONS(X)
#undef X
};

#define CALL_MAGIC 0xca11ab1eu
#define REDIRECTS_MAX 10L

struct client {
    uv_loop_t *loop;
    struct curl_library curl;
    void *library; /* NULL until loaded */
    CURLM *multi;
    uv_timer_t *timer;
    struct client_call *idle; /* ended calls, kept with their easy handles */
    size_t active;
};

struct client_call {
    unsigned magic;
    struct client *client;
    struct client_call *next_idle;
    CURL *easy;
    struct curl_slist *header_list;
    struct client_handlers handlers;
    void *context;
    struct arena *arena; /* response headers */
    struct client_header headers[LIMIT_HTTP_HEADERS];
    struct client_response response;
    int64_t started;
    bool head_told;
    size_t body_len, body_max;
    bool has_type;            /* the request's headers say what its body is */
    struct result refused;    /* why we ended the transfer ourselves, */
    const char *refused_text; /* and in words */
    char curl_text[CURL_ERROR_SIZE];
};

/* A socket of curl's under watch. */
struct watch {
    uv_poll_t poll;
    struct client *client;
    curl_socket_t socket;
};

static struct result load_curl(struct client *client)
{
    if (client->library)
        return RESULT_OK;
    void *library = dlopen("libcurl.so.4", RTLD_LAZY | RTLD_LOCAL);
    ENSURE(library, ERR_UNSUPPORTED, "libcurl cannot be loaded: %s", dlerror());
#define X(function)                                                                                \
    client->curl.function = (__typeof__(client->curl.function))dlsym(library, #function);          \
    ENSURE(client->curl.function, ERR_UNSUPPORTED, "libcurl has no " #function);
    CURL_FUNCTIONS(X)
#undef X
    ENSURE(client->curl.curl_global_init(CURL_GLOBAL_ALL) == CURLE_OK, ERR_UNSUPPORTED,
           "libcurl cannot be initialised");
    client->library = library;
    return RESULT_OK;
}

static void end_call(struct client_call *call)
{
    struct client *client = call->client;
    client->curl.curl_multi_remove_handle(client->multi, call->easy);
    client->curl.curl_easy_reset(call->easy);
    client->curl.curl_slist_free_all(call->header_list);
    call->header_list = NULL;
    arena_free(call->arena);
    call->arena = NULL;
    call->magic = 0;
    call->next_idle = client->idle;
    client->idle = call;
    client->active--;
}

/* End the transfer from within a callback of curl's: other transfers may go on before its end is
 * told, so the words are kept. */
static size_t refuse(struct client_call *call, struct result why)
{
    call->refused = why;
    call->refused_text = arena_printf(call->arena, "%s", error_last()->text);
    return 0;
}

static void tell_head(struct client_call *call)
{
    if (call->head_told)
        return;
    call->head_told = true;
    call->response.headers = call->headers;
    call->handlers.on_head(call->context, &call->response);
}

static enum error_code error_of(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return ERR_CONNECT;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2_STREAM:
        return ERR_CLOSED;
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return ERR_TLS;
    default:
        return ERR_PROTOCOL;
    }
}

static void finish_call(struct client_call *call, CURLcode code)
{
    struct client *client = call->client;
    struct result result = RESULT_OK;
    if (!result_ok(call->refused)) {
        result = error_set(call->refused.code, "%s", call->refused_text);
    } else if (code != CURLE_OK) {
        const char *text =
            call->curl_text[0] ? call->curl_text : client->curl.curl_easy_strerror(code);
        enum error_code kind = error_of(code);
        result = error_set(kind, "%s%s", text,
                           code == CURLE_PEER_FAILED_VERIFICATION
                               ? " (a step with \"insecure\": true does not verify)"
                               : "");
    }
    if (call->response.status != 0)
        tell_head(call);
    call->handlers.on_done(call->context, result, &call->response);
    end_call(call);
}

static void read_finished(struct client *client)
{
    CURLMsg *message;
    int left;
    while ((message = client->curl.curl_multi_info_read(client->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        char *private = NULL;
        client->curl.curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        struct client_call *call = (void *)private;
        MAGIC_CHECK(call, CALL_MAGIC);
        finish_call(call, message->data.result);
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    struct client *client = watch->client;
    int running, action = 0;
    if (status < 0)
        action = CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        action |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        action |= CURL_CSELECT_OUT;
    client->curl.curl_multi_socket_action(client->multi, watch->socket, action, &running);
    read_finished(client);
}

static void on_watch_closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *user, void *assigned)
{
    (void)easy;
    struct client *client = user;
    struct watch *watch = assigned;
    if (what == CURL_POLL_REMOVE) {
        if (watch) {
            uv_poll_stop(&watch->poll);
            uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
            client->curl.curl_multi_assign(client->multi, socket, NULL);
        }
        return 0;
    }
    if (!watch) {
        watch = NEW(struct watch);
        watch->client = client;
        watch->socket = socket;
        watch->poll.data = watch;
        if (uv_poll_init_socket(client->loop, &watch->poll, socket) != 0) {
            mem_free(watch);
            return -1;
        }
        client->curl.curl_multi_assign(client->multi, socket, watch);
    }
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return uv_poll_start(&watch->poll, events, on_poll);
}

static void on_timeout(uv_timer_t *timer)
{
    struct client *client = timer->data;
    int running;
    client->curl.curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    read_finished(client);
}

static int on_timer(CURLM *multi, long timeout_ms, void *user)
{
    (void)multi;
    struct client *client = user;
    if (timeout_ms < 0)
        return uv_timer_stop(client->timer);
    return uv_timer_start(client->timer, on_timeout, (uint64_t)timeout_ms, 0);
}

static int64_t connected_at(struct client_call *call)
{
    const struct curl_library *curl = &call->client->curl;
    long connections = 0;
    curl_off_t tcp = 0, tls = 0; /* microseconds after the start */
    curl->curl_easy_getinfo(call->easy, CURLINFO_NUM_CONNECTS, &connections);
    curl->curl_easy_getinfo(call->easy, CURLINFO_CONNECT_TIME_T, &tcp);
    curl->curl_easy_getinfo(call->easy, CURLINFO_APPCONNECT_TIME_T, &tls);
    int64_t after = tls > 0 ? tls : tcp;
    return connections > 0 && after > 0 ? call->started + after * NS_PER_US : 0;
}

static size_t on_header(char *data, size_t size, size_t count, void *user)
{
    struct client_call *call = user;
    struct slice line = slice_trim(slice_of(data, size * count));
    if (slice_starts(line, SLICE("HTTP/"))) {
        /* A new response: the final one, or one before it (100, a redirect). */
        long status = 0;
        call->client->curl.curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
        call->response = (struct client_response){
            .status = (int)status, .connected = connected_at(call), .first_byte = clock_now()};
        return size * count;
    }
    ptrdiff_t colon = slice_find_byte(line, ':');
    if (colon <= 0 || call->head_told) /* the empty line at the end, or a trailer */
        return size * count;
    if (call->response.header_count == LIMIT_HTTP_HEADERS) {
        return refuse(call, error_set(ERR_TOO_LARGE, "the response has more than %d headers",
                                      LIMIT_HTTP_HEADERS));
    }
    line = arena_copy(call->arena, line);
    call->headers[call->response.header_count++] = (struct client_header){
        slice_part(line, 0, (size_t)colon), slice_trim(slice_from(line, (size_t)colon + 1))};
    return size * count;
}

static size_t on_write(char *data, size_t size, size_t count, void *user)
{
    struct client_call *call = user;
    struct slice bytes = slice_of(data, size * count);
    if (bytes.len > call->body_max - call->body_len) {
        return refuse(
            call, error_set(ERR_TOO_LARGE, "the response has more than %zu bytes", call->body_max));
    }
    call->body_len += bytes.len;
    tell_head(call);
    struct result taken = call->handlers.on_body(call->context, bytes, clock_now());
    return result_ok(taken) ? bytes.len : refuse(call, taken);
}

struct client *client_new(uv_loop_t *loop)
{
    struct client *client = NEW(struct client);
    client->loop = loop;
    return client;
}

static struct result start_curl(struct client *client)
{
    if (client->multi)
        return RESULT_OK;
    TRY(load_curl(client));
    client->multi = client->curl.curl_multi_init();
    ENSURE(client->multi, ERR_IO, "libcurl cannot make a multi handle");
    client->timer = NEW(uv_timer_t);
    client->timer->data = client;
    uv_timer_init(client->loop, client->timer);
    client->curl.curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    client->curl.curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    client->curl.curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    client->curl.curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    return RESULT_OK;
}

static struct client_call *take_call(struct client *client)
{
    struct client_call *call = client->idle;
    if (call) {
        client->idle = call->next_idle;
    } else {
        call = NEW(struct client_call);
        call->client = client;
        call->easy = client->curl.curl_easy_init();
        MUST(call->easy != NULL, "curl_easy_init");
    }
    call->magic = CALL_MAGIC;
    call->arena = arena_new();
    call->response = (struct client_response){0};
    call->started = clock_now();
    call->head_told = false;
    call->body_len = 0;
    call->has_type = false;
    call->refused = RESULT_OK;
    call->curl_text[0] = '\0';
    client->active++;
    return call;
}

static bool line_safe(struct slice s)
{
    return slice_find_byte(s, '\r') < 0 && slice_find_byte(s, '\n') < 0 &&
           slice_find_byte(s, '\0') < 0;
}

static struct result build_headers(struct client_call *call, const struct client_request *request)
{
    const struct curl_library *curl = &call->client->curl;
    /* No "Expect: 100-continue", which would cost a round trip or a second. */
    call->header_list = curl->curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; i < request->header_count; i++) {
        struct slice name = request->headers[i].name, value = request->headers[i].value;
        call->has_type = call->has_type || slice_eq_nocase(name, SLICE("content-type"));
        ENSURE(name.len && line_safe(name) && line_safe(value) && slice_find_byte(name, ':') < 0,
               ERR_VALUE, "the header \"%.*s\" holds a character that a header may not",
               SLICE_ARG(name));
        /* curl takes "Name;" for a header with an empty value. */
        const char *line =
            value.len ? arena_printf(call->arena, "%.*s: %.*s", SLICE_ARG(name), SLICE_ARG(value))
                      : arena_printf(call->arena, "%.*s;", SLICE_ARG(name));
        call->header_list = curl->curl_slist_append(call->header_list, line);
    }
    /* curl would call every body a form. */
    if (!call->has_type)
        call->header_list = curl->curl_slist_append(call->header_list, "Content-Type:");
    return RESULT_OK;
}

/* A method that curl is told as such is changed where a redirect changes it (303 makes a GET). */
static void set_method(struct client_call *call, const struct client_request *request)
{
    const struct curl_library *curl = &call->client->curl;
    const char *method = request->method;
    bool post = strcmp(method, "POST") == 0, head = strcmp(method, "HEAD") == 0,
         get = strcmp(method, "GET") == 0 && !request->has_body;
    bool body = request->has_body || post || strcmp(method, "PUT") == 0 ||
                strcmp(method, "PATCH") == 0; /* without one: an empty one, of a length */
    if (head)
        curl->curl_easy_setopt(call->easy, CURLOPT_NOBODY, 1L);
    else if (!post && !get)
        curl->curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, method);
    if (body && !head) {
        curl->curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                               (curl_off_t)request->body.len);
        curl->curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS,
                               request->body.data ? request->body.data : "");
    }
}

/* Services on this machine are behind no proxy, whatever the environment forgets to say. */
static const char *without_proxy(struct client_call *call)
{
    const char *given = getenv("no_proxy");
    given = given ? given : getenv("NO_PROXY");
    if (given && strcmp(given, "*") == 0)
        return given;
    return arena_printf(call->arena, "localhost,127.0.0.1,::1%s%s", given ? "," : "",
                        given ? given : "");
}

static void set_options(struct client_call *call, const struct client_request *request)
{
    const struct curl_library *curl = &call->client->curl;
    CURL *easy = call->easy;
    curl->curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl->curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl->curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    /* "/a/../b" is sent as it stands: what a service makes of it is worth a case. */
    curl->curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl->curl_easy_setopt(easy, CURLOPT_NOPROXY, without_proxy(call));
    curl->curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->header_list);
    curl->curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl->curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl->curl_easy_setopt(easy, CURLOPT_USERAGENT, "assay");
    curl->curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_text);
    curl->curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl->curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl->curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl->curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    curl->curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    set_method(call, request);
    if (request->insecure) {
        curl->curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl->curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (request->follow) {
        curl->curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
        curl->curl_easy_setopt(easy, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
    }
    if (request->http2)
        curl->curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                               (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
}

struct result client_send(struct client *client, const struct client_request *request,
                          const struct client_handlers *handlers, void *context,
                          struct client_call **out)
{
    TRY(start_curl(client));
    struct client_call *call = take_call(client);
    call->handlers = *handlers;
    call->context = context;
    call->body_max = request->body_max;
    struct result result = build_headers(call, request);
    if (result_ok(result)) {
        set_options(call, request);
        CURLMcode code = client->curl.curl_multi_add_handle(client->multi, call->easy);
        if (code != CURLM_OK)
            result = error_set(ERR_IO, "libcurl refuses the request (code %d)", (int)code);
    }
    if (!result_ok(result)) {
        end_call(call);
        return result;
    }
    *out = call;
    return RESULT_OK;
}

void client_cancel(struct client_call *call)
{
    MAGIC_CHECK(call, CALL_MAGIC);
    end_call(call);
}

static void on_timer_closed(uv_handle_t *handle)
{
    mem_free(handle);
}

void client_free(struct client *client)
{
    if (!client)
        return;
    MUST(client->active == 0, "%zu calls under way", client->active);
    struct client_call *next;
    for (struct client_call *call = client->idle; call; call = next) {
        next = call->next_idle;
        client->curl.curl_easy_cleanup(call->easy);
        mem_free(call);
    }
    if (client->multi) {
        client->curl.curl_multi_cleanup(client->multi);
        uv_close((uv_handle_t *)client->timer, on_timer_closed);
    }
    /* The library stays loaded: unloading OpenSSL under its own exit handlers is asking for it. */
    mem_free(client);
}
