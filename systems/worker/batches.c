/*
 * Batches, a line at a time.
 */
#include "batches.h"

#include <stdio.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/random.h"

static const char *const names[BATCH_STATUS_COUNT] = {
    "validating", "in_progress", "completed", "failed", "cancelling", "cancelled", "expired"};

static struct slice copied(struct slice s)
{
    char *copy = mem_alloc(s.len + 1);
    if (s.len)
        memcpy(copy, s.data, s.len);
    return slice_of(copy, s.len);
}

struct batch *batch_new(struct slice endpoint, struct slice input_file, struct slice input,
                        struct slice metadata)
{
    struct batch *batch = NEW(struct batch);
    char uuid[UUID_TEXT];
    snprintf(batch->id, sizeof(batch->id), "batch_%s", random_uuid(uuid));
    batch->created = clock_wall() / NS_PER_S;
    batch->endpoint = copied(endpoint);
    batch->input_file = copied(input_file);
    batch->input = copied(input);
    batch->metadata = copied(metadata);
    batch->output = buf_limited(FILES_BYTES_MAX);
    batch->errors = buf_limited(FILES_BYTES_MAX);
    return batch;
}

void batch_free(struct batch *batch)
{
    const struct slice *const owned[] = {&batch->endpoint, &batch->input_file, &batch->input,
                                         &batch->metadata};
    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++)
        mem_free((void *)(uintptr_t)owned[i]->data);
    buf_free(&batch->output);
    buf_free(&batch->errors);
    mem_free(batch->fault);
    mem_free(batch);
}

static void become(struct batch *batch, enum batch_status status, int64_t now_s)
{
    batch->status = status;
    batch->at[status] = now_s;
}

/* ---- lines ---- */

/* The next line that is not blank; false at the end. */
static bool next_line(const struct batch *batch, size_t *position, struct slice *line)
{
    while (*position < batch->input.len) {
        struct slice rest = slice_from(batch->input, *position);
        ptrdiff_t end = slice_find_byte(rest, '\n');
        *line = slice_part(rest, 0, end < 0 ? rest.len : (size_t)end);
        *position += line->len + 1;
        *line = slice_trim(*line);
        if (line->len)
            return true;
    }
    return false;
}

static bool is_text(const json_t *object, const char *name)
{
    return json_string_length(json_object_get(object, name)) > 0;
}

/* What is wrong with a line; NULL: nothing. `ids` are those of the lines before. */
static const char *fault_of(const struct batch *batch, struct arena *arena, struct slice text,
                            json_t *ids)
{
    json_t *line;
    if (!result_ok(jsontext_read_in(arena, text, &line)) || !json_is_object(line))
        return "invalid_json_line";
    const json_t *method = json_object_get(line, "method"), *url = json_object_get(line, "url");
    if (!is_text(line, "custom_id"))
        return "missing_required_parameter";
    const char *id = json_string_value(json_object_get(line, "custom_id"));
    if (json_object_get(ids, id))
        return "duplicate_custom_id";
    json_object_set_new(ids, id, json_true());
    if (!json_is_string(method) || !slice_is(jsontext_slice(method), "POST"))
        return "invalid_method";
    if (!json_is_string(url) || !slice_eq(jsontext_slice(url), batch->endpoint))
        return "mismatched_url";
    return json_is_object(json_object_get(line, "body")) ? NULL : "missing_required_parameter";
}

static void set_fault(struct batch *batch, const char *code, const char *message, size_t line)
{
    char text[256];
    snprintf(text, sizeof(text),
             "{\"object\":\"list\",\"data\":[{\"code\":\"%s\",\"message\":\"%s\",\"param\":null,"
             "\"line\":%zu}]}",
             code, message, line);
    mem_free(batch->fault);
    batch->fault = mem_string(text);
}

/* Every line is looked at before the first is answered. */
static void validate(struct batch *batch, int64_t now_s)
{
    size_t position = 0;
    struct slice line;
    const char *fault = NULL;
    json_t *ids = json_object();
    while (!fault && next_line(batch, &position, &line)) {
        struct arena *arena = arena_new();
        batch->total++;
        fault = fault_of(batch, arena, line, ids);
        arena_free(arena);
    }
    json_decref(ids);
    if (!fault && batch->total == 0)
        fault = "empty_file";
    if (!fault) {
        become(batch, BATCH_IN_PROGRESS, now_s);
        return;
    }
    char message[80];
    snprintf(message, sizeof(message), "Line %zu of the input file is not a request of this batch.",
             batch->total);
    set_fault(batch, fault, message, batch->total);
    batch->total = 0;
    become(batch, BATCH_FAILED, now_s);
}

/* False when the answers have no room left. */
static bool answer_line(struct batch *batch, struct slice text, const struct batch_runner *runner)
{
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    char uuid[UUID_TEXT];
    unsigned status = 0;
    json_t *line = NULL;
    struct result read = jsontext_read_in(arena, text, &line);
    MUST(result_ok(read), "a line was valid: %s", error_last()->text);
    struct slice body = runner->run(runner->context, arena, batch->endpoint,
                                    jsontext_write(arena, json_object_get(line, "body")), &status);
    text_printf(&t, "{\"id\":\"batch_req_%s\",\"custom_id\":", random_uuid(uuid));
    text_add_json(&t, jsontext_slice(json_object_get(line, "custom_id")));
    text_printf(&t, ",\"response\":{\"status_code\":%u,\"request_id\":\"req_%s\",\"body\":", status,
                random_uuid(uuid));
    text_add(&t, body);
    text_add_str(&t, "},\"error\":null}\n");
    bool good = status < 400;
    bool room = result_ok(buf_append(good ? &batch->output : &batch->errors, text_slice(&t)));
    batch->completed += good;
    batch->failed += !good;
    arena_free(arena);
    return room;
}

/* ---- the life of a batch ---- */

/* False when there is no room for it. */
static bool keep_file(struct files *files, struct buf *content, const char *suffix,
                      const struct batch *batch, char id[48])
{
    char name[80];
    if (content->len == 0)
        return true;
    snprintf(name, sizeof(name), "%s_%s.jsonl", batch->id, suffix);
    const struct file *file =
        files_add(files, slice_str(name), SLICE("batch_output"), buf_slice(content));
    if (file)
        memcpy(id, file->id, sizeof(file->id));
    buf_free(content);
    return file != NULL;
}

/* `room`: for all answers, until now. */
static void end(struct batch *batch, struct files *files, enum batch_status status, bool room,
                int64_t now_s)
{
    room &= keep_file(files, &batch->output, "output", batch, batch->output_file);
    room &= keep_file(files, &batch->errors, "error", batch, batch->error_file);
    if (!room) {
        set_fault(batch, "no_room", "Files and batches have no room left for all answers.",
                  batch->completed + batch->failed);
        status = status == BATCH_COMPLETED ? BATCH_FAILED : status;
    }
    mem_free((void *)(uintptr_t)batch->input.data);
    batch->input = (struct slice){0};
    become(batch, status, now_s);
}

void batch_advance(struct batch *batch, struct files *files, const struct batch_runner *runner,
                   size_t lines, int64_t now_s)
{
    struct slice line;
    bool running = batch->status == BATCH_VALIDATING || batch->status == BATCH_IN_PROGRESS;
    if (running && now_s >= batch->created + BATCH_WINDOW_S) {
        end(batch, files, BATCH_EXPIRED, true, now_s);
    } else if (batch->status == BATCH_CANCELLING) {
        end(batch, files, BATCH_CANCELLED, true, now_s);
    } else if (batch->status == BATCH_VALIDATING) {
        validate(batch, now_s);
    } else if (batch->status == BATCH_IN_PROGRESS) {
        bool room = true;
        for (; room && lines > 0 && next_line(batch, &batch->position, &line); lines--)
            room = answer_line(batch, line, runner);
        if (!room || batch->completed + batch->failed == batch->total)
            end(batch, files, BATCH_COMPLETED, room, now_s);
    }
}

bool batch_over(const struct batch *batch)
{
    return batch->status != BATCH_VALIDATING && batch->status != BATCH_IN_PROGRESS &&
           batch->status != BATCH_CANCELLING;
}

bool batch_cancel(struct batch *batch, int64_t now_s)
{
    bool running = batch->status == BATCH_VALIDATING || batch->status == BATCH_IN_PROGRESS;
    if (running)
        become(batch, BATCH_CANCELLING, now_s);
    return !batch_over(batch);
}

static void add_time(struct text *out, const char *name, int64_t at)
{
    if (at)
        text_printf(out, ",\"%s\":%lld", name, (long long)at);
    else
        text_printf(out, ",\"%s\":null", name);
}

static void add_id(struct text *out, const char *name, const char *id)
{
    if (id[0])
        text_printf(out, ",\"%s\":\"%s\"", name, id);
    else
        text_printf(out, ",\"%s\":null", name);
}

void batch_show(const struct batch *batch, struct text *out)
{
    static const char *const times[BATCH_STATUS_COUNT] = {
        [BATCH_IN_PROGRESS] = "in_progress_at", [BATCH_COMPLETED] = "completed_at",
        [BATCH_FAILED] = "failed_at",           [BATCH_CANCELLING] = "cancelling_at",
        [BATCH_CANCELLED] = "cancelled_at",     [BATCH_EXPIRED] = "expired_at"};
    text_printf(out, "{\"id\":\"%s\",\"object\":\"batch\",\"endpoint\":", batch->id);
    text_add_json(out, batch->endpoint);
    text_printf(out, ",\"errors\":%s,\"input_file_id\":", batch->fault ? batch->fault : "null");
    text_add_json(out, batch->input_file);
    text_printf(out, ",\"completion_window\":\"24h\",\"status\":\"%s\"", names[batch->status]);
    add_id(out, "output_file_id", batch->output_file);
    add_id(out, "error_file_id", batch->error_file);
    add_time(out, "created_at", batch->created);
    add_time(out, "expires_at", batch->created + BATCH_WINDOW_S);
    for (size_t i = 0; i < BATCH_STATUS_COUNT; i++)
        if (times[i])
            add_time(out, times[i], batch->at[i]);
    text_printf(out, ",\"request_counts\":{\"total\":%zu,\"completed\":%zu,\"failed\":%zu}",
                batch->total, batch->completed, batch->failed);
    text_add_str(out, ",\"metadata\":");
    text_add(out, batch->metadata);
    text_add_byte(out, '}');
}

/* ---- those of a worker ---- */

bool batches_add(struct batches *batches, struct batch *batch)
{
    struct batch **oldest = NULL;
    for (struct batch **at = &batches->first; *at; at = &(*at)->next)
        if (batch_over(*at))
            oldest = at;
    if (batches->count == BATCHES_MAX) {
        if (!oldest)
            return false;
        struct batch *gone = *oldest;
        *oldest = gone->next;
        batch_free(gone);
        batches->count--;
    }
    batch->next = batches->first;
    batches->first = batch;
    batches->count++;
    return true;
}

void batches_free(struct batches *batches)
{
    for (struct batch *next; batches->first; batches->first = next) {
        next = batches->first->next;
        batch_free(batches->first);
    }
    batches->count = 0;
}
