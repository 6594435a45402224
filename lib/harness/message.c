/*
 * Requests: heads by the writers of net/http.h, which let nobody forge a line, and the JSON of
 * jobs.
 */
#include "harness/message.h"

#include <math.h>
#include <stdio.h>

#include "core/jsontext.h"
#include "core/limits.h"
#include "core/text.h"
#include "service/probe.h"

/* ---- heads ---- */

static struct result split_header(const char *line, struct http_header *out)
{
    struct slice rest = slice_str(line);
    ENSURE(slice_find_byte(rest, ':') > 0, ERR_VALUE,
           "expected a header such as \"X-Name: value\", got \"%s\"", line);
    slice_split(&rest, ':', &out->name);
    out->value = slice_trim(rest);
    return RESULT_OK;
}

static bool is_replaced(const struct message *m, const char *name)
{
    struct http_header h;
    for (size_t i = 0; m->headers && m->headers[i]; i++)
        if (result_ok(split_header(m->headers[i], &h)) && slice_eq_nocase(h.name, slice_str(name)))
            return true;
    return false;
}

static struct result add_ours(struct buf *b, const struct message *m, struct slice authority)
{
    char length[24];
    snprintf(length, sizeof(length), "%zu", m->body ? strlen(m->body) : 0);
    const struct {
        const char *name;
        struct slice value;
        bool wanted;
    } ours[] = {
        {"Host", authority, true},
        {"User-Agent", SLICE("assay"), true},
        {"Accept", slice_str(m->accept), true},
        {"Connection", SLICE("close"), true},
        {"Content-Type", SLICE("application/json"), m->body != NULL},
        {"Content-Length", slice_str(length), m->body || strcmp(m->method, "POST") == 0},
    };
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (ours[i].wanted && !is_replaced(m, ours[i].name))
            TRY(http_write_header(b, slice_str(ours[i].name), ours[i].value));
    return RESULT_OK;
}

static struct result write_head(struct buf *b, const struct message *m, struct slice authority,
                                const char *target)
{
    struct http_header h;
    TRY(http_write_request(b, slice_str(m->method), slice_str(target)));
    TRY(add_ours(b, m, authority));
    for (size_t i = 0; m->headers && m->headers[i]; i++) {
        TRY(split_header(m->headers[i], &h));
        TRY(http_write_header(b, h.name, h.value));
    }
    return http_write_head_end(b);
}

/* "host:port" and what follows, of a url that was checked when the worker started. */
static struct slice split_url(const char *url, struct slice *path)
{
    struct slice all = slice_str(url);
    struct slice rest = slice_from(all, (size_t)slice_find(all, SLICE("://")) + 3);
    ptrdiff_t slash = slice_find_byte(rest, '/');
    size_t end = slash < 0 ? rest.len : (size_t)slash;
    *path = slice_from(rest, end);
    return slice_part(rest, 0, end);
}

struct result message_write(struct arena *arena, const struct message *m, struct wire_request *out)
{
    struct probe_target target;
    struct slice base, authority = split_url(m->url, &base);
    TRY(probe_tcp(arena, m->url, &target));
    ENSURE(m->path[0] == '/', ERR_VALUE, "expected a path that begins with /, got \"%s\"", m->path);
    DEFER(buf_free)
    struct buf b = buf_limited(LIMIT_BODY_BYTES);
    TRY(write_head(&b, m, authority, arena_printf(arena, "%.*s%s", SLICE_ARG(base), m->path)));
    TRY(buf_append(&b, slice_str(m->body)));
    *out = (struct wire_request){.host = target.host,
                                 .service = target.service,
                                 .bytes = arena_copy(arena, buf_slice(&b)),
                                 .head = strcmp(m->method, "HEAD") == 0};
    return RESULT_OK;
}

/* ---- jobs ---- */

/* Numbers that are left out when they have their default on the wire. */
static const struct {
    const char *name;
    size_t offset;
    double normal;
} reals[] = {
    {"temperature", offsetof(struct assay_request, temperature), 1.0},
    {"top_p", offsetof(struct assay_request, top_p), 1.0},
    {"repetition_penalty", offsetof(struct assay_request, repetition_penalty), 1.0},
    {"min_p", offsetof(struct assay_request, min_p), 0.0},
};

static struct result add_string(struct text *t, const char *before, const char *name,
                                const char *value)
{
    ENSURE(utf8_valid(slice_str(value)), ERR_VALUE,
           "the %s is not UTF-8, which JSON needs: send what you want to send as request.body",
           name);
    text_add_str(t, before);
    text_add_json(t, slice_str(value));
    return RESULT_OK;
}

static struct result add_reals(struct text *t, const struct assay_request *r)
{
    for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++) {
        double value;
        memcpy(&value, (const char *)r + reals[i].offset, sizeof(value));
        ENSURE(isfinite(value), ERR_VALUE,
               "%s is not finite, which JSON cannot say: send what you want to send as "
               "request.body",
               reals[i].name);
        if (value >= reals[i].normal && value <= reals[i].normal)
            continue;
        struct slice digits = jsontext_write(t->arena, jsontext_keep(t->arena, json_real(value)));
        text_printf(t, ",\"%s\":%.*s", reals[i].name, SLICE_ARG(digits));
    }
    return RESULT_OK;
}

struct result message_job(struct arena *arena, const struct assay_request *r, const char **out)
{
    struct text t = text_in(arena);
    ENSURE(r->job_id && r->prompt, ERR_VALUE, "a request needs a job_id and a prompt, or a body");
    TRY(add_string(&t, "{\"job_id\":", "job_id", r->job_id));
    TRY(add_string(&t, ",\"prompt\":", "prompt", r->prompt));
    text_printf(&t, ",\"max_tokens\":%u", r->max_tokens);
    TRY(add_reals(&t, r));
    if (r->top_k)
        text_printf(&t, ",\"top_k\":%u", r->top_k);
    if (r->has_seed)
        text_printf(&t, ",\"seed\":%llu", (unsigned long long)r->seed);
    for (size_t i = 0; r->stop && r->stop[i]; i++)
        TRY(add_string(&t, i ? "," : ",\"stop\":[", "stop sequence", r->stop[i]));
    text_add_str(&t, r->stop && r->stop[0] ? "]}" : "}");
    *out = text_str(&t);
    return RESULT_OK;
}

const char *message_cancel_path(struct arena *arena, const char *job_id)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    struct text t = text_in(arena);
    text_add_str(&t, "/cancel/");
    for (; *job_id; job_id++) {
        if (strchr(plain, *job_id))
            text_add_byte(&t, *job_id);
        else
            text_printf(&t, "%%%02X", (unsigned char)*job_id);
    }
    return text_str(&t);
}
