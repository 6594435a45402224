/*
 * A slice is text or bytes owned by somebody else: a pointer and a length, never a terminator.
 * Everything that comes from outside (suites, wire, child output) travels as slices, so that a
 * NUL byte in hostile input is a byte and not the end of the world.
 */
#ifndef CORE_SLICE_H
#define CORE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *data; /* may be NULL only when len is 0 */
    size_t len;
};

/* A slice of a string literal, known at compile time. */
#define SLICE(literal) ((struct slice){"" literal, sizeof(literal) - 1})

/* printf("%.*s", SLICE_ARG(s)) */
#define SLICE_ARG(s) (int)(s).len, (s).data

static inline struct slice slice_of(const char *data, size_t len)
{
    return (struct slice){data, len};
}

/* A slice over a C string (NULL gives an empty one). */
static inline struct slice slice_str(const char *s)
{
    return (struct slice){s, s ? strlen(s) : 0};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_is(struct slice a, const char *s)
{
    return slice_eq(a, slice_str(s));
}

/* ASCII case-insensitive equality: header names, stop reasons. */
bool slice_eq_nocase(struct slice a, struct slice b);

/* Byte order, the shorter first on a tie: < 0, 0, > 0. */
int slice_cmp(struct slice a, struct slice b);

bool slice_starts(struct slice s, struct slice prefix);
bool slice_ends(struct slice s, struct slice suffix);

/* Offset of the first occurrence of `needle` in `s`, or -1. An empty needle is found at 0. */
ptrdiff_t slice_find(struct slice s, struct slice needle);
ptrdiff_t slice_find_byte(struct slice s, char byte);

/* From `from` to the end, or a part of it; offsets past the end give an empty slice. */
struct slice slice_from(struct slice s, size_t from);
struct slice slice_part(struct slice s, size_t from, size_t len);

/* Without leading and trailing spaces, tabs, CR and LF. */
struct slice slice_trim(struct slice s);

/*
 * Cut off everything up to the first `separator`; false when `rest` is used up.
 * `struct slice rest = s, part; while (slice_split(&rest, ',', &part)) …` visits every part.
 */
bool slice_split(struct slice *rest, char separator, struct slice *part);

/* FNV-1a, 64 bit: for hash tables and shard keys, not for security. Stable across versions. */
uint64_t slice_hash(struct slice s);

/*
 * The candidate nearest to `word` when it is near enough to be meant by it (Damerau-Levenshtein
 * distance of at most a third of the length, at least 1), else NULL. `candidates` ends with NULL.
 */
const char *slice_nearest(struct slice word, const char *const *candidates);

#endif
