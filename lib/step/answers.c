/*
 * Kept answers as files: JSON of a status, headers and a body.
 */
#include "step/answers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/limits.h"
#include "core/log.h"

/* Headers that are about one exchange and not about its answer, or that hold credentials. */
static const char *const left_out[] = {
    "set-cookie",        "date",           "connection",      "keep-alive",
    "transfer-encoding", "content-length", "x-correlation-id"};

struct answers {
    const char *folder;
    int64_t max_age;
};

struct answers *answers_in(struct arena *arena, const char *folder, int64_t max_age)
{
    struct answers *a = ARENA_NEW(arena, struct answers);
    *a = (struct answers){folder, max_age};
    return a;
}

static const char *path_of(const struct answers *a, struct arena *arena, const char *key)
{
    return arena_printf(arena, "%s/%s.json", a->folder, key);
}

static void close_file(const int *file)
{
    if (*file >= 0)
        close(*file);
}

/* All of a regular file that is not too old. */
static bool read_file(const char *path, int64_t max_age, struct buf *out)
{
    DEFER(close_file)
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0 || !S_ISREG(status.st_mode))
        return false;
    int64_t written = status.st_mtim.tv_sec * NS_PER_S + status.st_mtim.tv_nsec;
    if (max_age != CLOCK_NEVER && clock_wall() - written > max_age)
        return false;
    char block[16384];
    ssize_t n;
    while ((n = read(file, block, sizeof(block))) > 0)
        if (!result_ok(buf_append(out, slice_of(block, (size_t)n))))
            return false;
    return n == 0;
}

static bool unpack(struct arena *arena, const json_t *json, struct answer *out)
{
    const json_t *status = json_object_get(json, "status"),
                 *headers = json_object_get(json, "headers"), *body = json_object_get(json, "body");
    if (!json_is_integer(status) || !json_is_array(headers) || !json_is_string(body))
        return false;
    size_t count = json_array_size(headers);
    struct header *list = ARENA_ARRAY(arena, struct header, count + 1);
    for (size_t i = 0; i < count; i++) {
        const json_t *name = json_array_get(json_array_get(headers, i), 0),
                     *value = json_array_get(json_array_get(headers, i), 1);
        if (!json_is_string(name) || !json_is_string(value))
            return false;
        list[i] = (struct header){jsontext_slice(name), jsontext_slice(value)};
    }
    *out = (struct answer){(int)json_integer_value(status), list, count, jsontext_slice(body)};
    return true;
}

bool answers_find(const struct answers *a, struct arena *arena, const char *key, struct answer *out)
{
    DEFER(buf_free)
    struct buf text = buf_limited(LIMIT_BODY_BYTES);
    json_t *json = NULL;
    if (!read_file(path_of(a, arena, key), a->max_age, &text))
        return false;
    if (result_ok(jsontext_read_in(arena, arena_copy(arena, buf_slice(&text)), &json)) &&
        unpack(arena, json, out))
        return true;
    log_warning("cache", "%s is damaged and not used", path_of(a, arena, key));
    return false;
}

static bool is_left_out(struct slice name)
{
    for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
        if (slice_eq_nocase(name, slice_str(left_out[i])))
            return true;
    return false;
}

/* NULL when the answer is not text. */
static json_t *pack(struct arena *arena, const struct answer *answer)
{
    json_t *headers = json_array();
    for (size_t i = 0; i < answer->header_count; i++)
        if (!is_left_out(answer->headers[i].name))
            json_array_append_new(headers, json_pack("[s%, s%]", answer->headers[i].name.data,
                                                     answer->headers[i].name.len,
                                                     answer->headers[i].value.data,
                                                     answer->headers[i].value.len));
    json_t *body = json_stringn(answer->body.data ? answer->body.data : "", answer->body.len);
    json_t *json =
        json_pack("{s:i, s:o, s:o}", "status", answer->status, "headers", headers, "body", body);
    return json ? jsontext_keep(arena, json) : NULL;
}

static bool make_folder(struct arena *arena, const char *folder)
{
    for (const char *at = strchr(folder + 1, '/');; at = strchr(at + 1, '/')) {
        struct slice part = at ? slice_of(folder, (size_t)(at - folder)) : slice_str(folder);
        if (mkdir(arena_string(arena, part), 0777) != 0 && errno != EEXIST)
            return false;
        if (!at)
            return true;
    }
}

void answers_keep(const struct answers *a, struct arena *arena, const char *key,
                  const struct answer *answer)
{
    const char *path = path_of(a, arena, key),
               *beside = arena_printf(arena, "%s.%d", path, (int)getpid());
    const json_t *json = pack(arena, answer);
    if (!json)
        return;
    struct slice text = jsontext_write(arena, json);
    FILE *file = make_folder(arena, a->folder) ? fopen(beside, "we") : NULL;
    bool kept = file && fwrite(text.data, 1, text.len, file) == text.len;
    kept = file && fclose(file) == 0 && kept && rename(beside, path) == 0;
    if (!kept)
        log_warning("cache", "cannot keep an answer in %s: %s", a->folder, strerror(errno));
}
