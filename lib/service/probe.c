/*
 * Resolve, connect to each address in turn, send the request, look at the first bytes of the
 * answer. The probe frees itself when it is over and nothing in the loop refers to it any more.
 */
#include "service/probe.h"

#include <netdb.h>
#include <stdio.h>

#include "core/memory.h"
#include "core/parse.h"

#define PROBE_MAGIC 0x70726f62u

/* "HTTP/1.1 200" and the byte after it. */
#define STATUS_LINE_START 13

struct probe {
    unsigned magic;
    uv_loop_t *loop;
    const struct probe_target *target;
    probe_answer *answer; /* NULL once answered or cancelled */
    void *context;
    uv_getaddrinfo_t resolve;
    struct addrinfo *addresses, *next;
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    char head[512];
    size_t head_length;
    int references; /* requests and handles that the loop still holds */
    int error;      /* of the last connection tried */
    char problem[160];
};

/* ---- the url ---- */

struct address {
    struct slice scheme, host, port, path;
};

static struct result take_apart(const char *url, struct address *out)
{
    static const struct {
        const char *scheme, *port;
    } schemes[] = {{"http", "80"}, {"https", "443"}, {"tcp", ""}};
    struct slice all = slice_str(url);
    ptrdiff_t colon = slice_find(all, SLICE("://"));
    ENSURE(colon > 0, ERR_VALUE, "expected a URL such as http://127.0.0.1:8080, got \"%s\"", url);
    out->scheme = slice_part(all, 0, (size_t)colon);
    out->port = (struct slice){0};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (slice_is(out->scheme, schemes[i].scheme))
            out->port = slice_str(schemes[i].port);
    ENSURE(out->port.data, ERR_VALUE, "expected http, https or tcp before :// in \"%s\"", url);

    struct slice rest = slice_from(all, (size_t)colon + 3);
    size_t end = 0;
    while (end < rest.len && !strchr("/?#", rest.data[end]))
        end++;
    out->path = slice_from(rest, end);
    struct slice authority = slice_part(rest, 0, end);
    ptrdiff_t at = slice_find_byte(authority, '@');
    authority = slice_from(authority, (size_t)(at + 1));
    bool bracketed = slice_starts(authority, SLICE("["));
    ptrdiff_t bracket = bracketed ? slice_find_byte(authority, ']') : -1;
    ENSURE(!bracketed || bracket > 0, ERR_VALUE, "the address in \"%s\" has no ]", url);
    struct slice after = slice_from(authority, (size_t)(bracket + 1));
    ptrdiff_t port = slice_find_byte(after, ':');
    if (port >= 0)
        out->port = slice_from(after, (size_t)port + 1);
    out->host = bracketed ? slice_part(authority, 1, (size_t)bracket - 1)
                          : slice_part(after, 0, port >= 0 ? (size_t)port : after.len);
    uint64_t number = 0;
    ENSURE(out->host.len > 0, ERR_VALUE, "there is no host in \"%s\"", url);
    ENSURE(result_ok(parse_unsigned(out->port, UINT16_MAX, &number)) && number > 0, ERR_VALUE,
           "expected a port from 1 to 65535 in \"%s\"", url);
    return RESULT_OK;
}

struct result probe_tcp(struct arena *arena, const char *url, struct probe_target *out)
{
    struct address a;
    TRY(take_apart(url, &a));
    *out = (struct probe_target){.host = arena_string(arena, a.host),
                                 .service = arena_string(arena, a.port)};
    out->shown = arena_printf(arena, "connecting to %s:%s", out->host, out->service);
    return RESULT_OK;
}

static bool has_control_character(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || *text == 0x7f)
            return true;
    return false;
}

struct result probe_http(struct arena *arena, const char *url, const char *path, int status,
                         struct probe_target *out)
{
    /* "/health" is added to the url's own path, as every path of a case is. */
    const char *whole = path;
    if (!strstr(path, "://")) {
        struct slice base = slice_str(url);
        while (slice_ends(base, SLICE("/")))
            base.len--;
        whole = arena_printf(arena, "%.*s%s%s", SLICE_ARG(base), path[0] == '/' ? "" : "/", path);
    }
    struct address a;
    TRY(take_apart(whole, &a));
    ENSURE(slice_is(a.scheme, "http"), ERR_UNSUPPORTED,
           "readiness by HTTP needs an http:// URL, got \"%s\": ask with tcp, or with a program "
           "such as curl",
           whole);
    ENSURE(!has_control_character(whole), ERR_VALUE,
           "a URL may not hold blanks or control "
           "characters: \"%s\"",
           whole);
    TRY(probe_tcp(arena, whole, out));
    ptrdiff_t fragment = slice_find_byte(a.path, '#');
    if (fragment >= 0)
        a.path.len = (size_t)fragment;
    bool ipv6 = strchr(out->host, ':') != NULL;
    out->request = arena_printf(arena,
                                "GET %s%.*s HTTP/1.1\r\nHost: %s%s%s:%s\r\nAccept: */*\r\n"
                                "User-Agent: assay\r\nConnection: close\r\n\r\n",
                                slice_starts(a.path, SLICE("/")) ? "" : "/", SLICE_ARG(a.path),
                                ipv6 ? "[" : "", out->host, ipv6 ? "]" : "", out->service);
    out->shown = arena_printf(arena, "GET %s", whole);
    out->status = status;
    return RESULT_OK;
}

/* ---- the answer ---- */

static void release(struct probe *p)
{
    if (--p->references > 0)
        return;
    if (p->addresses)
        uv_freeaddrinfo(p->addresses);
    p->magic = 0;
    mem_free(p);
}

static void tcp_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void close_connection(struct probe *p)
{
    uv_handle_t *handle = (uv_handle_t *)&p->tcp;
    if (handle->data && !uv_is_closing(handle))
        uv_close(handle, tcp_closed);
}

/* NULL: ready. */
static void answer(struct probe *p, const char *problem)
{
    probe_answer *tell = p->answer;
    p->answer = NULL;
    close_connection(p);
    if (tell)
        tell(p->context, problem);
}

static void answer_error(struct probe *p, int error)
{
    snprintf(p->problem, sizeof(p->problem), "%s", uv_strerror(error));
    answer(p, p->problem);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Strictly "HTTP/1.x NNN" and a blank or the end of the line (RFC 9112, section 4). */
static int status_of(const char *head)
{
    bool strict = memcmp(head, "HTTP/1.", 7) == 0 && is_digit(head[7]) && head[8] == ' ' &&
                  is_digit(head[9]) && is_digit(head[10]) && is_digit(head[11]) &&
                  (head[12] == ' ' || head[12] == '\r' || head[12] == '\n');
    return strict ? (head[9] - '0') * 100 + (head[10] - '0') * 10 + (head[11] - '0') : 0;
}

static void judge(struct probe *p)
{
    int status = status_of(p->head), wanted = p->target->status;
    if (wanted != 0 ? status == wanted : status / 100 == 2) {
        answer(p, NULL);
        return;
    }
    if (status == 0)
        snprintf(p->problem, sizeof(p->problem), "the answer is not HTTP/1");
    else
        snprintf(p->problem, sizeof(p->problem), "status %d", status);
    answer(p, p->problem);
}

static void head_space(uv_handle_t *handle, size_t suggested, uv_buf_t *space)
{
    (void)suggested;
    struct probe *p = handle->data;
    *space = uv_buf_init(p->head + p->head_length, (unsigned)(sizeof(p->head) - p->head_length));
}

static void head_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *space)
{
    (void)space;
    struct probe *p = stream->data;
    MAGIC_CHECK(p, PROBE_MAGIC);
    if (n == UV_EOF)
        answer(p, "the connection was closed without an answer");
    else if (n < 0)
        answer_error(p, (int)n);
    else if ((p->head_length += (size_t)n) >= STATUS_LINE_START)
        judge(p);
}

/* ---- the question ---- */

static void written(uv_write_t *write, int status)
{
    struct probe *p = write->data;
    MAGIC_CHECK(p, PROBE_MAGIC);
    if (status != 0 && status != UV_ECANCELED)
        answer_error(p, status);
    release(p);
}

static void ask(struct probe *p)
{
    if (p->target->request == NULL) {
        answer(p, NULL);
        return;
    }
    struct slice request = slice_str(p->target->request);
    /* libuv only reads what it writes. */
    uv_buf_t bytes = {.base = (char *)(uintptr_t)request.data, .len = request.len};
    uv_stream_t *stream = (uv_stream_t *)&p->tcp;
    p->write.data = p;
    int failed = uv_write(&p->write, stream, &bytes, 1, written);
    if (failed == 0)
        p->references++;
    if (failed == 0)
        failed = uv_read_start(stream, head_space, head_read);
    if (failed != 0)
        answer_error(p, failed);
}

static void connect_next(struct probe *p);

static void connection_failed(uv_handle_t *handle)
{
    struct probe *p = handle->data;
    handle->data = NULL;
    if (p->answer && p->next)
        connect_next(p);
    else if (p->answer)
        answer_error(p, p->error);
    release(p);
}

static void connected(uv_connect_t *connect, int status)
{
    struct probe *p = connect->data;
    MAGIC_CHECK(p, PROBE_MAGIC);
    if (p->answer && status == 0) {
        ask(p);
    } else if (p->answer) {
        p->error = status;
        uv_close((uv_handle_t *)&p->tcp, connection_failed);
    }
    release(p);
}

static void connect_next(struct probe *p)
{
    const struct addrinfo *to = p->next;
    p->next = to->ai_next;
    int failed = uv_tcp_init(p->loop, &p->tcp);
    MUST(failed == 0, "a TCP handle: %s", uv_strerror(failed));
    p->tcp.data = p->connect.data = p;
    p->references += 2; /* the handle and the request */
    p->error = uv_tcp_connect(&p->connect, &p->tcp, to->ai_addr, connected);
    if (p->error != 0) {
        uv_close((uv_handle_t *)&p->tcp, connection_failed);
        release(p);
    }
}

static void resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses)
{
    struct probe *p = request->data;
    MAGIC_CHECK(p, PROBE_MAGIC);
    p->addresses = p->next = addresses;
    if (p->answer && status == 0)
        connect_next(p);
    else if (p->answer)
        answer_error(p, status);
    release(p);
}

struct probe *probe_begin(uv_loop_t *loop, const struct probe_target *target,
                          probe_answer *answer_to, void *context)
{
    struct probe *p = NEW(struct probe);
    p->magic = PROBE_MAGIC;
    p->loop = loop;
    p->target = target;
    p->answer = answer_to;
    p->context = context;
    p->resolve.data = p;
    p->references = 1;
    /* An address in digits needs no resolver and no thread of libuv's. */
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    if (getaddrinfo(target->host, target->service, &hints, &p->addresses) == 0) {
        resolved(&p->resolve, 0, p->addresses);
        return p;
    }
    hints.ai_flags = 0;
    int failed = uv_getaddrinfo(loop, &p->resolve, resolved, target->host, target->service, &hints);
    MUST(failed == 0, "resolving %s: %s", target->host, uv_strerror(failed));
    return p;
}

void probe_cancel(struct probe *probe)
{
    if (probe == NULL)
        return;
    MAGIC_CHECK(probe, PROBE_MAGIC);
    MUST(probe->answer, "a probe was cancelled after its answer");
    probe->answer = NULL;
    close_connection(probe);
    /* Refused when it is running already; either way `resolved` will be called. */
    if (probe->addresses == NULL)
        (void)uv_cancel((uv_req_t *)&probe->resolve);
}
