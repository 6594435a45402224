/*
 * Reading a URL and writing the request. Only what the load generator speaks is let through, with
 * a sentence for what it does not.
 */
#include "load/target.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <strings.h>
#include <unistd.h>

#include "core/jsontext.h"
#include "core/limits.h"
#include "core/parse.h"
#include "core/text.h"
#include "load/h2.h"
#include "net/http.h"

#define REACH_MS 5000
#define DEFAULT_PROMPT "Write a haiku about the sea."
#define DEFAULT_TOKENS 128

const char *const target_api_names[TARGET_API_COUNT + 1] = {
#define X(code, name, path, help) name,
    TARGET_API_TABLE(X)
#undef X
};

static const char *const api_paths[TARGET_API_COUNT] = {
#define X(code, name, path, help) path,
    TARGET_API_TABLE(X)
#undef X
};

struct address {
    struct slice authority; /* as it goes into Host */
    const char *host;
    const char *port;
    struct slice target; /* path and query */
    struct slice path;
    bool secure; /* https */
};

static struct result split_authority(struct arena *arena, const char *url, struct address *out)
{
    struct slice rest = out->authority, port = out->secure ? SLICE("443") : SLICE("80");
    ENSURE(slice_find_byte(rest, '@') < 0, ERR_USAGE, /* and are not shown either */
           "--url: a user and password in a URL are not sent; give --header 'Authorization: …'");
    struct slice host = rest;
    ptrdiff_t colon = slice_find_byte(rest, ':');
    if (rest.len > 0 && rest.data[0] == '[') { /* [::1]:8080 */
        ptrdiff_t end = slice_find_byte(rest, ']');
        ENSURE(end > 0, ERR_USAGE, "--url %s: the [ has no ]", url);
        host = slice_part(rest, 1, (size_t)end - 1);
        struct slice after = slice_from(rest, (size_t)end + 1);
        colon = after.len ? end + 1 : -1;
        ENSURE(after.len == 0 || after.data[0] == ':', ERR_USAGE,
               "--url %s: expected a port behind the address", url);
    } else if (colon >= 0) {
        host = slice_part(rest, 0, (size_t)colon);
    }
    if (colon >= 0)
        port = slice_from(rest, (size_t)colon + 1);
    uint64_t number = 0;
    ENSURE(host.len > 0, ERR_USAGE, "--url %s: it names no host", url);
    ENSURE(result_ok(parse_unsigned(port, 65535, &number)) && number > 0, ERR_USAGE,
           "--url %s: expected a port from 1 to 65535, got \"%.*s\"", url, SLICE_ARG(port));
    out->host = arena_string(arena, host);
    out->port = arena_string(arena, port);
    return RESULT_OK;
}

static struct result split_url(struct arena *arena, const char *url, struct address *out)
{
    struct slice rest = slice_str(url);
    ENSURE(rest.len > 0, ERR_USAGE, "load needs --url, such as --url http://127.0.0.1:8080/");
    out->secure = strncasecmp(url, "https://", 8) == 0;
    ENSURE(out->secure || strncasecmp(url, "http://", 7) == 0, ERR_USAGE,
           "--url %s: expected http://HOST[:PORT]/PATH, or https://…", url);
    rest = slice_from(rest, out->secure ? 8 : 7);
    ENSURE(rest.len > 0, ERR_USAGE, "--url %s: it names no host", url);
    ptrdiff_t fragment = slice_find_byte(rest, '#');
    if (fragment >= 0)
        rest.len = (size_t)fragment;
    size_t end = strcspn(rest.data, "/?#");
    out->authority = slice_part(rest, 0, end);
    out->target = slice_from(rest, out->authority.len);
    if (out->target.len == 0)
        out->target = SLICE("/");
    if (out->target.data[0] == '?')
        out->target = slice_str(arena_printf(arena, "/%.*s", SLICE_ARG(out->target)));
    ptrdiff_t query = slice_find_byte(out->target, '?');
    out->path = query >= 0 ? slice_part(out->target, 0, (size_t)query) : out->target;
    return split_authority(arena, url, out);
}

static void use_address(struct target *target, uint32_t i)
{
    target->address = target->addresses[i];
    target->address_size = target->address.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                                 : sizeof(struct sockaddr_in);
}

static struct result resolve(const struct address *address, struct target *out)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int fault = getaddrinfo(address->host, address->port, &hints, &found);
    ENSURE(fault == 0, ERR_CONNECT, "the host \"%s\" has no address: %s", address->host,
           gai_strerror(fault));
    for (const struct addrinfo *a = found; a && out->address_count < TARGET_ADDRESSES;
         a = a->ai_next)
        memcpy(&out->addresses[out->address_count++], a->ai_addr, a->ai_addrlen);
    freeaddrinfo(found);
    use_address(out, 0);
    return RESULT_OK;
}

static enum target_api api_of(const struct target_options *o, struct slice path)
{
    if (o->api)
        for (int i = 0; i < TARGET_API_COUNT; i++)
            if (strcmp(o->api, target_api_names[i]) == 0)
                return (enum target_api)i;
    for (int i = 0; i < TARGET_API_COUNT; i++)
        if (api_paths[i] && slice_ends(path, slice_str(api_paths[i])))
            return (enum target_api)i;
    return TARGET_HTTP;
}

struct form target_form(struct arena *arena, const struct target *target, struct slice model,
                        uint32_t max_tokens)
{
    struct text before = text_in(arena), after = text_in(arena);
    struct form form = {.messages = target->api == TARGET_CHAT};
    uint32_t tokens = max_tokens ? max_tokens : target->max_tokens;
    struct slice name = model.len ? model : target->model;
    if (target->api == TARGET_EXECUTE) {
        text_printf(&before, "{\"job_id\":\"load-%0*d\",\"prompt\":\"", TARGET_SERIAL, 0);
        text_printf(&after, "\",\"max_tokens\":%u", tokens);
    } else if (target->api == TARGET_INFER) { /* one text, as a tensor */
        text_add_str(&before, "{\"inputs\":[{\"name\":\"INPUT0\",\"datatype\":\"BYTES\","
                              "\"shape\":[1],\"data\":[\"");
        text_add_str(&after, "\"]}]");
    } else if (target->api == TARGET_EMBED) {
        text_printf(&before, "{\"model\":%.*s,\"input\":\"", SLICE_ARG(name));
        text_add_str(&after, "\"");
    } else {
        text_printf(&before, "{\"model\":%.*s,%s", SLICE_ARG(name),
                    form.messages ? "\"messages\":[" : "\"prompt\":\"");
        text_printf(&after, "%s,\"max_tokens\":%u", form.messages ? "]" : "\"", tokens);
        if (target->stream)
            text_add_str(&after, ",\"stream\":true,\"stream_options\":{\"include_usage\":true}");
    }
    if (target->extra.len)
        text_printf(&after, ",%.*s", SLICE_ARG(target->extra));
    text_add_byte(&after, '}');
    form.before = text_slice(&before);
    form.after = text_slice(&after);
    return form;
}

struct result target_request(const struct target *target, struct slice body, struct buf *out)
{
    TRY(buf_append(out, target->opening));
    if (body.len > 0 || target->has_body)
        TRY(http_write_length(out, body.len));
    TRY(http_write_head_end(out));
    return buf_append(out, body);
}

static struct result write_headers(struct buf *b, const struct target_options *o, bool *has_type)
{
    for (size_t i = 0; i < o->header_count; i++) {
        struct slice line = slice_str(o->headers[i]);
        ptrdiff_t colon = slice_find_byte(line, ':');
        ENSURE(colon > 0, ERR_USAGE, "--header '%s': expected 'Name: value'", o->headers[i]);
        struct slice name = slice_part(line, 0, (size_t)colon);
        ENSURE(!slice_eq_nocase(name, SLICE("content-length")) &&
                   !slice_eq_nocase(name, SLICE("transfer-encoding")),
               ERR_USAGE, "--header '%s': load itself says how long the body is", o->headers[i]);
        struct result r = http_write_header(b, name, slice_trim(slice_from(line, name.len + 1)));
        ENSURE(result_ok(r), ERR_USAGE, "--header '%s': %s", o->headers[i], error_last()->text);
        *has_type = *has_type || slice_eq_nocase(name, SLICE("content-type"));
    }
    return RESULT_OK;
}

static bool has_host(const struct target_options *o)
{
    for (size_t i = 0; i < o->header_count; i++)
        if (strncasecmp(o->headers[i], "host:", 5) == 0)
            return true;
    return false;
}

/* Request line and headers, but for how long the body is. */
static struct result write_opening(struct arena *arena, const struct target_options *o,
                                   const struct address *address, struct target *out)
{
    DEFER(buf_free)
    struct buf b = buf_limited(LIMIT_SUITE_BYTES);
    bool has_type = false;
    struct slice method = slice_str(o->method ? o->method : out->has_body ? "POST" : "GET");
    out->head = slice_is(method, "HEAD");
    struct result r = http_write_request(&b, method, address->target);
    ENSURE(result_ok(r), ERR_USAGE, "the request cannot be written: %s", error_last()->text);
    if (!has_host(o))
        TRY(http_write_header(&b, SLICE("Host"), address->authority));
    TRY(write_headers(&b, o, &has_type));
    if (out->has_body && !has_type)
        TRY(http_write_header(&b, SLICE("Content-Type"), SLICE("application/json")));
    out->opening = arena_copy(arena, buf_slice(&b));
    return RESULT_OK;
}

/* The body that was given, or what the API has for the prompt. */
static struct slice write_body(struct arena *arena, const struct target_options *o,
                               const struct target *target)
{
    if (target->as_given)
        return slice_str(o->body);
    struct form form = target_form(arena, target, SLICE(""), 0);
    struct text quoted = text_in(arena), body = text_in(arena);
    text_add_json(&quoted, slice_str(target->prompt));
    text_add(&body, form.before);
    if (form.messages)
        text_printf(&body, "{\"role\":\"user\",\"content\":%s}", text_str(&quoted));
    else
        text_add(&body, slice_part(text_slice(&quoted), 1, quoted.len - 2));
    text_add(&body, form.after);
    return text_slice(&body);
}

/* Members of --extra, as they go into bodies. */
static struct result read_extra(struct arena *arena, const char *text, struct target *out)
{
    static const char *const ours[] = {"model",      "messages", "prompt", "input",
                                       "inputs",     "job_id",   "stream", "stream_options",
                                       "max_tokens", NULL};
    json_t *json = NULL;
    if (!text)
        return RESULT_OK;
    ENSURE(
        !out->as_given, ERR_USAGE,
        "--extra goes into bodies that load writes: give --api chat, complete, execute, embed or "
        "infer, and no --body");
    struct result r = jsontext_read_in(arena, slice_str(text), &json);
    ENSURE(result_ok(r) && json_is_object(json), ERR_USAGE,
           "--extra %s: expected a JSON object, such as '{\"ignore_eos\": true}'", text);
    for (size_t i = 0; ours[i]; i++)
        ENSURE(!json_object_get(json, ours[i]), ERR_USAGE,
               "--extra: load itself writes \"%s\", or there is an option for it", ours[i]);
    struct slice written = jsontext_write(arena, json);
    out->extra = slice_part(written, 1, written.len - 2);
    return RESULT_OK;
}

static struct result write_request(struct arena *arena, const struct target_options *o,
                                   const struct address *address, struct target *out)
{
    DEFER(buf_free)
    struct buf b = buf_limited(LIMIT_SUITE_BYTES);
    struct text model = text_in(arena);
    text_add_json(&model, slice_str(o->model ? o->model : "default"));
    out->model = text_slice(&model);
    out->prompt = o->prompt ? o->prompt : DEFAULT_PROMPT;
    out->max_tokens = o->max_tokens ? o->max_tokens : DEFAULT_TOKENS;
    out->as_given = o->body || out->api == TARGET_HTTP;
    out->has_body = o->body || !out->as_given;
    TRY(read_extra(arena, o->extra, out));
    TRY(write_opening(arena, o, address, out));
    struct slice body = write_body(arena, o, out);
    TRY(target_request(out, body, &b));
    out->request = arena_copy(arena, buf_slice(&b));
    out->body_at = b.len - body.len;
    if (out->api == TARGET_EXECUTE && !o->body)
        out->serial_at = strlen("{\"job_id\":\"load-");
    return RESULT_OK;
}

struct result target_build(struct arena *arena, const struct target_options *o, struct target *out)
{
    struct address address = {0};
    *out = (struct target){.url = o->url};
    TRY(split_url(arena, o->url, &address));
    out->secure = address.secure;
    out->tls = o->tls;
    out->tls.host = address.host;
    out->http2 = out->tls.http2 = o->http2;
    ENSURE(!o->http2 || o->header_count <= H2_FIELDS, ERR_USAGE,
           "--header: more than %d with --http2", H2_FIELDS);
    ENSURE(out->secure || !(o->tls.cacert || o->tls.insecure || o->tls.full), ERR_USAGE,
           "--url %s: --cacert, --insecure and --tls-no-resume are of https", o->url);
    out->where = arena_printf(arena, "%.*s", SLICE_ARG(address.authority));
    out->api = api_of(o, address.path);
    out->stream = o->stream || out->api == TARGET_EXECUTE;
    ENSURE(!o->stream || (out->api != TARGET_EMBED && out->api != TARGET_INFER), ERR_USAGE,
           "--stream: answers of --api %s are no streams", target_api_names[out->api]);
    ENSURE(!o->prompt || out->api != TARGET_HTTP, ERR_USAGE,
           "--prompt: nothing is known of the API at %.*s; give --api (chat, complete, execute, "
           "embed, infer), or the whole request with --body",
           SLICE_ARG(address.path));
    ENSURE(!o->prompt || !o->body, ERR_USAGE, "--prompt and --body do not go together");
    TRY(write_request(arena, o, &address, out));
    return resolve(&address, out);
}

static void close_descriptor(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static struct result reach(const struct target *target)
{
    DEFER(close_descriptor)
    int fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ENSURE(fd >= 0, ERR_IO, "a socket cannot be had: %s", strerror(errno));
    int fault = connect(fd, (const struct sockaddr *)&target->address, target->address_size) == 0
                    ? 0
                    : errno;
    if (fault == EINPROGRESS) {
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        socklen_t size = sizeof(fault);
        int ready = poll(&wait, 1, REACH_MS);
        fault = ETIMEDOUT;
        if (ready > 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &size) != 0)
            fault = errno;
    }
    ENSURE(fault == 0, ERR_CONNECT, "%s cannot be reached: %s%s", target->where, strerror(fault),
           fault == ECONNREFUSED ? "; nothing listens there: is it the right port, and does the "
                                   "service run?"
                                 : "");
    return RESULT_OK;
}

struct result target_reach(struct target *target)
{
    struct result r = RESULT_OK;
    for (uint32_t i = 0; i < target->address_count; i++) {
        use_address(target, i);
        r = reach(target);
        if (result_ok(r))
            return r;
    }
    return r;
}
