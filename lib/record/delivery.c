/*
 * Delivering a webhook. Workload: one or two requests at the end of a run, to a receiver that may
 * be gone; so it is all on a loop that lives as long as the delivery, and libcrypto, which costs
 * milliseconds to load, is loaded only to sign.
 */
#include "record/delivery.h"

#include <dlfcn.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <time.h>
#include <uv.h>

#include "core/clock.h"
#include "core/limits.h"
#include "core/memory.h"
#include "core/parse.h"
#include "core/text.h"
#include "net/client.h"

/* A receiver that takes longer has taken the message, or never will. */
#define ANSWER_WITHIN (10 * NS_PER_S)
#define FIRST_PAUSE (500 * NS_PER_MS)
#define ANSWER_BYTES (1u << 20)

/* ── the signature ── */

struct crypto {
    __typeof__(HMAC) *hmac;
    __typeof__(EVP_sha256) *sha256;
    __typeof__(EVP_EncodeBlock) *encode;
    __typeof__(EVP_DecodeBlock) *decode;
};

/* It stays loaded: unloading OpenSSL under its own exit handlers is asking for it. */
static struct result load(struct crypto *crypto)
{
    void *library = dlopen("libcrypto.so.3", RTLD_LAZY | RTLD_LOCAL);
    ENSURE(library, ERR_UNSUPPORTED, "cannot sign: libcrypto cannot be loaded: %s", dlerror());
    crypto->hmac = (__typeof__(crypto->hmac))dlsym(library, "HMAC");
    crypto->sha256 = (__typeof__(crypto->sha256))dlsym(library, "EVP_sha256");
    crypto->encode = (__typeof__(crypto->encode))dlsym(library, "EVP_EncodeBlock");
    crypto->decode = (__typeof__(crypto->decode))dlsym(library, "EVP_DecodeBlock");
    ENSURE(crypto->hmac && crypto->sha256 && crypto->encode && crypto->decode, ERR_UNSUPPORTED,
           "cannot sign: libcrypto lacks what is needed");
    return RESULT_OK;
}

/* The key: the bytes of the secret, or what stands in base64 behind "whsec_". */
static struct result key_of(const struct crypto *crypto, struct arena *arena, const char *secret,
                            struct slice *out)
{
    struct slice text = slice_str(secret);
    *out = text;
    if (!slice_starts(text, SLICE("whsec_")))
        return RESULT_OK;
    text = slice_from(text, 6);
    ENSURE(text.len && text.len % 4 == 0 && text.len < 4096, ERR_USAGE,
           "the webhook secret has no base64 behind \"whsec_\"");
    unsigned char *key = ARENA_ARRAY(arena, unsigned char, text.len);
    int len = crypto->decode(key, (const unsigned char *)text.data, (int)text.len);
    ENSURE(len > 0, ERR_USAGE, "the webhook secret has no base64 behind \"whsec_\"");
    for (size_t i = text.len; i > text.len - 2 && text.data[i - 1] == '='; i--)
        len--;
    *out = slice_of((const char *)key, (size_t)len);
    return RESULT_OK;
}

static struct result sign(struct arena *arena, const struct delivery *d, const char *timestamp,
                          const char **out)
{
    struct crypto crypto = {0};
    TRY(load(&crypto));
    struct slice key;
    TRY(key_of(&crypto, arena, d->secret, &key));
    struct text signed_text = text_in(arena);
    text_printf(&signed_text, "%s.%s.", d->id, timestamp);
    text_add(&signed_text, d->body);
    unsigned char mac[EVP_MAX_MD_SIZE], base64[EVP_MAX_MD_SIZE * 2];
    unsigned len = 0;
    ENSURE(crypto.hmac(crypto.sha256(), key.data, (int)key.len,
                       (const unsigned char *)text_str(&signed_text), signed_text.len, mac, &len),
           ERR_UNSUPPORTED, "cannot sign: libcrypto failed");
    crypto.encode(base64, mac, (int)len);
    *out = arena_printf(arena, "v1,%s", (const char *)base64);
    return RESULT_OK;
}

/* ── one try ── */

struct attempt {
    uv_loop_t *loop;
    uv_timer_t timer;
    struct client *client;
    struct client_call *call;
    struct result result;
    int status;    /* 0: no answer */
    int64_t asked; /* ns that Retry-After asks for; -1: it does not */
    bool over;
};

static void on_head(void *context, const struct client_response *response)
{
    (void)context, (void)response;
}

static struct result on_body(void *context, struct slice bytes, int64_t at)
{
    (void)context, (void)bytes, (void)at; /* nobody reads it */
    return RESULT_OK;
}

static void on_done(void *context, struct result result, const struct client_response *response)
{
    struct attempt *a = context;
    a->result = result;
    a->over = true;
    a->call = NULL;
    uv_timer_stop(&a->timer);
    if (!result_ok(result) || !response)
        return;
    a->status = response->status;
    for (size_t i = 0; i < response->header_count; i++) {
        uint64_t seconds;
        if (slice_eq_nocase(response->headers[i].name, SLICE("retry-after")) &&
            result_ok(parse_unsigned(slice_trim(response->headers[i].value), 86400, &seconds)))
            a->asked = (int64_t)seconds * NS_PER_S;
    }
}

static void on_late(uv_timer_t *timer)
{
    struct attempt *a = timer->data;
    client_cancel(a->call);
    a->call = NULL;
    a->over = true;
    a->result = error_set(ERR_TIMEOUT, "no answer within %lld s", ANSWER_WITHIN / NS_PER_S);
}

static const struct client_handlers handlers = {
    .on_head = on_head, .on_body = on_body, .on_done = on_done};

static struct result send_once(struct attempt *a, const struct delivery *d)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    const char *timestamp = arena_printf(arena, "%lld", (long long)time(NULL));
    struct client_header headers[5] = {
        {SLICE("Content-Type"), SLICE("application/json")},
        {SLICE("User-Agent"), SLICE("assay")},
        {SLICE("webhook-id"), slice_str(d->id)},
        {SLICE("webhook-timestamp"), slice_str(timestamp)},
    };
    struct client_request request = {.method = "POST",
                                     .url = d->url,
                                     .headers = headers,
                                     .header_count = 4,
                                     .body = d->body,
                                     .has_body = true,
                                     .body_max = ANSWER_BYTES};
    if (d->secret) {
        const char *signature = NULL;
        TRY(sign(arena, d, timestamp, &signature));
        headers[request.header_count++] =
            (struct client_header){SLICE("webhook-signature"), slice_str(signature)};
    }
    a->over = false;
    a->status = 0;
    a->asked = -1;
    a->result = RESULT_OK;
    TRY(client_send(a->client, &request, &handlers, a, &a->call));
    uv_timer_start(&a->timer, on_late, ANSWER_WITHIN / NS_PER_MS, 0);
    while (!a->over)
        uv_run(a->loop, UV_RUN_ONCE);
    TRY(a->result);
    ENSURE(a->status >= 200 && a->status < 300, ERR_PROTOCOL, "the receiver answered %d",
           a->status);
    return RESULT_OK;
}

/* May it work when tried again? */
static bool passing(const struct attempt *a, struct result failure)
{
    if (a->status)
        return a->status == 408 || a->status == 429 || a->status >= 500;
    return failure.code != ERR_USAGE && failure.code != ERR_UNSUPPORTED &&
           failure.code != ERR_VALUE;
}

static struct result send_until(struct attempt *a, const struct delivery *d, uint32_t *tries)
{
    int64_t pause = FIRST_PAUSE, waited = 0;
    for (*tries = 1;; ++*tries) {
        struct result sent = send_once(a, d);
        int64_t wait = a->asked > pause ? a->asked : pause;
        if (result_ok(sent) || !passing(a, sent) || *tries == LIMIT_WEBHOOK_TRIES ||
            waited + wait > d->patience)
            return sent;
        struct timespec span = {wait / NS_PER_S, wait % NS_PER_S};
        if (clock_nanosleep(CLOCK_MONOTONIC, 0, &span, NULL))
            return sent; /* a signal: somebody does not want to wait */
        waited += wait;
        pause *= 2;
    }
}

struct result delivery_send(const struct delivery *delivery, uint32_t *tries)
{
    uv_loop_t loop;
    struct attempt attempt = {.loop = &loop, .asked = -1};
    *tries = 0;
    ENSURE(uv_loop_init(&loop) == 0, ERR_IO, "no event loop can be made");
    uv_timer_init(&loop, &attempt.timer);
    attempt.timer.data = &attempt;
    attempt.client = client_new(&loop);
    struct result sent = send_until(&attempt, delivery, tries);
    client_free(attempt.client);
    uv_close((uv_handle_t *)&attempt.timer, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return sent;
}
