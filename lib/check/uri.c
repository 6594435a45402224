/*
 * Resolution of URI references, RFC 3986 section 5.2, over slices. Runs when schemas are compiled,
 * a few times per `$ref` and `$id`.
 */
#include "check/uri.h"

#include "core/text.h"

/* The components of appendix B; data is NULL for one that is absent. The path is never absent. */
struct uri {
    struct slice scheme, authority, path, query, fragment;
};

/* Cut `*rest` at the first of `stops`; what was before it. */
static struct slice cut(struct slice *rest, const char *stops)
{
    size_t n = 0;
    while (n < rest->len && !(rest->data[n] && strchr(stops, rest->data[n])))
        n++;
    struct slice head = slice_of(rest->data, n);
    *rest = slice_from(*rest, n);
    return head;
}

static bool is_scheme(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || (c && strchr("+-.", c)))))
            return false;
    }
    return s.len > 0;
}

static struct uri split(struct slice s)
{
    struct uri u = {0};
    struct slice rest = s, head = cut(&rest, ":/?#");
    if (rest.len && *rest.data == ':' && is_scheme(head)) {
        u.scheme = head;
        rest = slice_from(rest, 1);
    } else {
        rest = s;
    }
    if (slice_starts(rest, SLICE("//"))) {
        rest = slice_from(rest, 2);
        u.authority = cut(&rest, "/?#");
    }
    u.path = cut(&rest, "?#");
    if (rest.len && *rest.data == '?') {
        rest = slice_from(rest, 1);
        u.query = cut(&rest, "#");
    }
    if (rest.len)
        u.fragment = slice_from(rest, 1);
    return u;
}

/* 5.2.4 */
static struct slice remove_dot_segments(struct arena *arena, struct slice path)
{
    char *out = arena_alloc(arena, path.len + 1);
    size_t len = 0;
    while (path.len) {
        if (slice_starts(path, SLICE("../"))) {
            path = slice_from(path, 3);
        } else if (slice_starts(path, SLICE("./")) || slice_starts(path, SLICE("/./"))) {
            path = slice_from(path, 2);
        } else if (slice_is(path, "/.")) {
            path = SLICE("/");
        } else if (slice_starts(path, SLICE("/../")) || slice_is(path, "/..")) {
            path = path.len > 3 ? slice_from(path, 3) : SLICE("/");
            do
                len -= len > 0;
            while (len > 0 && out[len] != '/');
        } else if (slice_is(path, ".") || slice_is(path, "..")) {
            break;
        } else {
            size_t n = 1;
            while (n < path.len && path.data[n] != '/')
                n++;
            memcpy(out + len, path.data, n);
            len += n;
            path = slice_from(path, n);
        }
    }
    return slice_of(out, len);
}

/* 5.2.3 */
static struct slice merge(struct arena *arena, const struct uri *base, struct slice path)
{
    struct text t = text_in(arena);
    size_t keep = base->path.len;
    while (keep > 0 && base->path.data[keep - 1] != '/')
        keep--;
    if (base->authority.data && base->path.len == 0)
        text_add_byte(&t, '/');
    text_add(&t, slice_part(base->path, 0, keep));
    text_add(&t, path);
    return text_slice(&t);
}

static struct slice join(struct arena *arena, const struct uri *u)
{
    struct text t = text_in(arena);
    if (u->scheme.data) {
        text_add(&t, u->scheme);
        text_add_byte(&t, ':');
    }
    if (u->authority.data) {
        text_add_str(&t, "//");
        text_add(&t, u->authority);
    }
    text_add(&t, u->path);
    if (u->query.data) {
        text_add_byte(&t, '?');
        text_add(&t, u->query);
    }
    if (u->fragment.data) {
        text_add_byte(&t, '#');
        text_add(&t, u->fragment);
    }
    return text_slice(&t);
}

struct slice uri_resolve(struct arena *arena, struct slice base, struct slice reference)
{
    struct uri b = split(base), u = split(reference);
    bool relative = !u.scheme.data && base.len > 0;
    if (!relative)
        return arena_copy(arena, reference);
    u.scheme = b.scheme;
    if (!u.authority.data) {
        u.authority = b.authority;
        if (u.path.len == 0) {
            u.path = b.path;
            u.query = u.query.data ? u.query : b.query;
        } else if (*u.path.data != '/') {
            u.path = merge(arena, &b, u.path);
            u.path = remove_dot_segments(arena, u.path);
        } else {
            u.path = remove_dot_segments(arena, u.path);
        }
    }
    return join(arena, &u);
}

struct slice uri_document(struct slice uri)
{
    ptrdiff_t at = slice_find_byte(uri, '#');
    return at < 0 ? uri : slice_part(uri, 0, (size_t)at);
}

struct slice uri_fragment(struct slice uri)
{
    ptrdiff_t at = slice_find_byte(uri, '#');
    return at < 0 ? slice_of("", 0) : slice_from(uri, (size_t)at + 1);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

struct slice uri_decode(struct arena *arena, struct slice encoded)
{
    char *out = arena_alloc(arena, encoded.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < encoded.len; i++) {
        bool escape = encoded.data[i] == '%' && i + 2 < encoded.len &&
                      hex_digit(encoded.data[i + 1]) >= 0 && hex_digit(encoded.data[i + 2]) >= 0;
        if (escape) {
            out[len++] =
                (char)(hex_digit(encoded.data[i + 1]) * 16 + hex_digit(encoded.data[i + 2]));
            i += 2;
        } else {
            out[len++] = encoded.data[i];
        }
    }
    return slice_of(out, len);
}
