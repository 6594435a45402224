/*
 * Handlers of files and batches.
 */
#include "openai_files.h"

#include <pthread.h>

#include "batches.h"
#include "core/memory.h"
#include "multipart.h"

struct openai_store {
    pthread_mutex_t lock;
    struct files files;
    struct batches batches;
};

struct openai_store *openai_store_new(void)
{
    struct openai_store *store = NEW(struct openai_store);
    MUST(pthread_mutex_init(&store->lock, NULL) == 0, "a lock without attributes");
    return store;
}

void openai_store_free(struct openai_store *store)
{
    batches_free(&store->batches);
    files_free(&store->files);
    pthread_mutex_destroy(&store->lock);
    mem_free(store);
}

/* Until the function returns. */
static struct openai_store *lock_store(struct worker *w)
{
    struct openai_store *store = w->store;
    pthread_mutex_lock(&store->lock);
    return store;
}

static void unlock_store(void *pointer_to)
{
    struct openai_store **store = pointer_to;
    pthread_mutex_unlock(&(*store)->lock);
}

static void not_found(struct api_call *call, const char *what, struct slice id)
{
    struct slice shown = text_shown(call->arena, id, 100);
    openai_reply_error(
        call, &(struct openai_error){.status = 404,
                                     .message = arena_printf(call->arena, "No such %s: '%.*s'.",
                                                             what, SLICE_ARG(shown)),
                                     .type = "invalid_request_error",
                                     .param = "id",
                                     .code = NULL});
}

/* ---- files ---- */

static void reply_file(struct api_call *call, const struct file *file)
{
    struct text t = text_in(call->arena);
    files_show(file, &t);
    openai_reply(call, 200, text_slice(&t));
}

void openai_list_files(struct api_call *call)
{
    DEFER(unlock_store)
    struct openai_store *store = lock_store(call->worker);
    struct text t = text_in(call->arena);
    text_add_str(&t, "{\"object\":\"list\",\"data\":[");
    for (const struct file *f = store->files.first; f; f = f->next) {
        files_show(f, &t);
        text_add_str(&t, f->next ? "," : "");
    }
    text_add_str(&t, "],\"has_more\":false}");
    openai_reply(call, 200, text_slice(&t));
}

static const struct part *file_part(const struct multipart *form)
{
    for (size_t i = 0; i < form->count; i++)
        if (slice_is(form->parts[i].name, "file") && form->parts[i].filename.data)
            return &form->parts[i];
    return NULL;
}

void openai_upload_file(struct api_call *call)
{
    struct slice type = SLICE("");
    struct multipart form;
    struct openai_error error;
    (void)http_header_find(call->ex->headers, SLICE("Content-Type"), &type);
    if (!result_ok(multipart_read(type, call->ex->body, &form))) {
        openai_refuse(call->arena, &error, NULL, NULL, "%s", error_last()->text);
        openai_reply_error(call, &error);
        return;
    }
    const struct part *part = file_part(&form);
    struct slice purpose = multipart_field(&form, "purpose");
    if (!part || !purpose.data || !utf8_valid(part->filename) || !utf8_valid(purpose)) {
        const char *missing = part ? "purpose" : "file";
        openai_refuse(call->arena, &error, missing, NULL, "'%s' is a required property", missing);
        openai_reply_error(call, &error);
        return;
    }
    DEFER(unlock_store)
    struct openai_store *store = lock_store(call->worker);
    const struct file *file = files_add(&store->files, part->filename, purpose, part->content);
    if (file)
        reply_file(call, file);
    else
        openai_reply_refusal(call, 413, NULL, "There is no room for this file.");
}

void openai_show_file(struct api_call *call)
{
    DEFER(unlock_store)
    struct openai_store *store = lock_store(call->worker);
    struct slice id = call->rest, suffix = SLICE("/content");
    bool content = slice_ends(id, suffix);
    if (content)
        id.len -= suffix.len;
    const struct file *file = files_find(&store->files, id);
    if (!file)
        not_found(call, "File object", id);
    else if (content)
        exchange_reply(call->ex, 200, SLICE("application/octet-stream"), file->content);
    else
        reply_file(call, file);
}

void openai_delete_file(struct api_call *call)
{
    DEFER(unlock_store)
    struct openai_store *store = lock_store(call->worker);
    struct file *file = files_find(&store->files, call->rest);
    if (!file) {
        not_found(call, "File object", call->rest);
        return;
    }
    const char *json =
        arena_printf(call->arena, "{\"id\":\"%s\",\"object\":\"file\",\"deleted\":true}", file->id);
    files_remove(&store->files, file);
    openai_reply(call, 200, slice_str(json));
}

/* ---- batches ---- */

static struct slice run_request(void *context, struct arena *arena, struct slice url,
                                struct slice body, unsigned *status)
{
    return openai_run(context, arena, url, body, status);
}

static void go_on(struct worker *w, struct batch *batch, size_t lines, int64_t now)
{
    bool working = batch->status == BATCH_IN_PROGRESS;
    batch_advance(batch, &w->store->files, &(struct batch_runner){w, run_request}, lines,
                  clock_wall() / NS_PER_S);
    working = working && batch->status == BATCH_IN_PROGRESS;
    batch->due = now + (working ? BATCH_PAUSE : BATCH_STEP);
}

int64_t openai_work_on_batches(struct worker *w, int64_t now)
{
    DEFER(unlock_store)
    struct openai_store *store = lock_store(w);
    int64_t next = CLOCK_NEVER;
    for (struct batch *b = store->batches.first; b; b = b->next) {
        if (!batch_over(b) && b->due <= now)
            go_on(w, b, BATCH_LINES_PER_STEP, now);
        if (!batch_over(b) && b->due < next)
            next = b->due;
    }
    return next;
}

static struct batch *find_batch(struct api_call *call, const struct openai_store *store,
                                struct slice id)
{
    struct batch *batch = store->batches.first;
    while (batch && !slice_is(id, batch->id))
        batch = batch->next;
    if (!batch)
        not_found(call, "batch", id);
    return batch;
}

static void reply_batch(struct api_call *call, const struct batch *batch)
{
    struct text t = text_in(call->arena);
    batch_show(batch, &t);
    openai_reply(call, 200, text_slice(&t));
}

void openai_list_batches(struct api_call *call)
{
    DEFER(unlock_store)
    struct openai_store *store = lock_store(call->worker);
    struct text t = text_in(call->arena);
    text_add_str(&t, "{\"object\":\"list\",\"data\":[");
    for (const struct batch *b = store->batches.first; b; b = b->next) {
        batch_show(b, &t);
        text_add_str(&t, b->next ? "," : "");
    }
    text_add_str(&t, "],\"has_more\":false}");
    openai_reply(call, 200, text_slice(&t));
}

static bool is_endpoint(const json_t *value)
{
    return json_is_string(value) && (slice_is(jsontext_slice(value), "/v1/chat/completions") ||
                                     slice_is(jsontext_slice(value), "/v1/completions") ||
                                     slice_is(jsontext_slice(value), "/v1/embeddings"));
}

/* NULL when refused. */
static struct batch *read_batch(struct api_call *call, const struct openai_store *store,
                                struct openai_error *error)
{
    json_t *body;
    if (!result_ok(jsontext_read_in(call->arena, call->ex->body, &body))) {
        openai_refuse(call->arena, error, NULL, NULL,
                      "We could not parse the JSON body of your request: %s", error_last()->text);
        return NULL;
    }
    const json_t *endpoint = json_object_get(body, "endpoint"),
                 *window = json_object_get(body, "completion_window"),
                 *input = json_object_get(body, "input_file_id"),
                 *metadata = json_object_get(body, "metadata");
    const char *wrong = !is_endpoint(endpoint) ? "endpoint"
                        : !json_is_string(window) || !slice_is(jsontext_slice(window), "24h")
                            ? "completion_window"
                        : !json_is_string(input) ? "input_file_id"
                                                 : NULL;
    const struct file *file = wrong ? NULL : files_find(&store->files, jsontext_slice(input));
    if (!wrong && !file)
        wrong = "input_file_id";
    if (wrong) {
        openai_refuse(call->arena, error, wrong, "invalid_value",
                      "Invalid or missing value for '%s'.", wrong);
        return NULL;
    }
    return batch_new(jsontext_slice(endpoint), jsontext_slice(input), file->content,
                     json_is_object(metadata) ? jsontext_write(call->arena, metadata)
                                              : SLICE("null"));
}

void openai_create_batch(struct api_call *call)
{
    DEFER(unlock_store)
    struct openai_store *store = lock_store(call->worker);
    struct openai_error error;
    struct batch *batch = read_batch(call, store, &error);
    if (!batch) {
        openai_reply_error(call, &error);
        return;
    }
    if (!batches_add(&store->batches, batch)) {
        batch_free(batch);
        openai_reply_refusal(call, 429, "batch_limit", "There are too many batches under way.");
        return;
    }
    batch->due = clock_now() + BATCH_STEP;
    worker_watch_batches(call->loop, batch->due);
    reply_batch(call, batch);
}

void openai_show_batch(struct api_call *call)
{
    DEFER(unlock_store)
    struct openai_store *store = lock_store(call->worker);
    struct batch *batch = find_batch(call, store, call->rest);
    if (!batch)
        return;
    go_on(call->worker, batch, BATCH_LINES_PER_LOOK, clock_now());
    reply_batch(call, batch);
}

void openai_cancel_batch(struct api_call *call)
{
    struct slice id = call->rest, suffix = SLICE("/cancel");
    if (!slice_ends(id, suffix)) {
        openai_reply_refusal(call, 405, NULL, "Method not allowed");
        return;
    }
    id.len -= suffix.len;
    DEFER(unlock_store)
    struct openai_store *store = lock_store(call->worker);
    struct batch *batch = find_batch(call, store, id);
    if (!batch)
        return;
    if (batch_cancel(batch, clock_wall() / NS_PER_S))
        reply_batch(call, batch);
    else
        openai_reply_refusal(call, 409, NULL, "The batch is over and cannot be cancelled.");
}
