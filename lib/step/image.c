/*
 * Image files to data URLs.
 */
#include "step/image.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/limits.h"

static void close_file(const int *file)
{
    if (*file >= 0)
        close(*file);
}

static struct result read_image(const char *path, struct buf *out)
{
    DEFER(close_file)
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    ENSURE(file >= 0 && fstat(file, &status) == 0, ERR_IO, "cannot read the image %s: %s", path,
           strerror(errno));
    ENSURE(S_ISREG(status.st_mode), ERR_IO, "the image %s is no regular file", path);
    char block[16384];
    ssize_t n;
    while ((n = read(file, block, sizeof(block))) > 0)
        if (!result_ok(buf_append(out, slice_of(block, (size_t)n))))
            return error_set(ERR_TOO_LARGE, "the image %s has more than %u MiB", path,
                             LIMIT_IMAGE_BYTES >> 20);
    ENSURE(n == 0, ERR_IO, "cannot read the image %s: %s", path, strerror(errno));
    return RESULT_OK;
}

/* By its first bytes: names lie. */
static const char *type_of(struct slice bytes)
{
    if (slice_starts(bytes, SLICE("\x89PNG\r\n\x1a\n")))
        return "image/png";
    if (slice_starts(bytes, SLICE("\xff\xd8\xff")))
        return "image/jpeg";
    if (slice_starts(bytes, SLICE("GIF87a")) || slice_starts(bytes, SLICE("GIF89a")))
        return "image/gif";
    if (slice_starts(bytes, SLICE("RIFF")) && slice_is(slice_part(bytes, 8, 4), "WEBP"))
        return "image/webp";
    return NULL;
}

static struct slice with_base64(struct arena *arena, const char *before, struct slice bytes)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t start = strlen(before), len = start + (bytes.len + 2) / 3 * 4;
    char *out = arena_alloc(arena, len + 1), *to = out + start;
    memcpy(out, before, start);
    for (size_t i = 0; i < bytes.len; i += 3, to += 4) {
        size_t have = bytes.len - i;
        uint32_t word = (uint32_t)(uint8_t)bytes.data[i] << 16;
        word |= have > 1 ? (uint32_t)(uint8_t)bytes.data[i + 1] << 8 : 0;
        word |= have > 2 ? (uint8_t)bytes.data[i + 2] : 0u;
        for (int c = 0; c < 4; c++)
            to[c] = letters[word >> (18 - 6 * c) & 63];
        if (have < 3)
            to[3] = '=';
        if (have < 2)
            to[2] = '=';
    }
    return slice_of(out, len);
}

bool image_is_url(struct slice text)
{
    return slice_starts(text, SLICE("data:")) || slice_starts(text, SLICE("http://")) ||
           slice_starts(text, SLICE("https://"));
}

struct result image_data_url(struct arena *arena, struct slice folder, struct slice path,
                             struct slice *url)
{
    DEFER(buf_free)
    struct buf bytes = buf_limited(LIMIT_IMAGE_BYTES);
    ENSURE(path.len && slice_find_byte(path, '\0') < 0, ERR_VALUE,
           "the name of an image is empty or holds a zero byte");
    bool absolute = path.data[0] == '/' || folder.len == 0;
    const char *where = absolute
                            ? arena_string(arena, path)
                            : arena_printf(arena, "%.*s/%.*s", SLICE_ARG(folder), SLICE_ARG(path));
    TRY(read_image(where, &bytes));
    const char *type = type_of(buf_slice(&bytes));
    ENSURE(type, ERR_VALUE, "%s is no PNG, JPEG, GIF or WebP image", where);
    *url = with_base64(arena, arena_printf(arena, "data:%s;base64,", type), buf_slice(&bytes));
    return RESULT_OK;
}
