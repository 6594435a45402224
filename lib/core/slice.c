/*
 * Slices: the small vocabulary on pointer+length text that the rest of the program is written in.
 * Inputs are short (keys, lines, messages), so the simple loops are the right ones.
 */
#include "core/slice.h"

#include <stdlib.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

int slice_cmp(struct slice a, struct slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.data, b.data, n) : 0;
    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

bool slice_starts(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_eq(slice_of(s.data, prefix.len), prefix);
}

bool slice_ends(struct slice s, struct slice suffix)
{
    return s.len >= suffix.len && slice_eq(slice_from(s, s.len - suffix.len), suffix);
}

ptrdiff_t slice_find(struct slice s, struct slice needle)
{
    if (needle.len == 0)
        return 0;
    if (s.len < needle.len)
        return -1;
    const char *at = memmem(s.data, s.len, needle.data, needle.len);
    return at ? at - s.data : -1;
}

ptrdiff_t slice_find_byte(struct slice s, char byte)
{
    const char *at = s.len ? memchr(s.data, byte, s.len) : NULL;
    return at ? at - s.data : -1;
}

struct slice slice_from(struct slice s, size_t from)
{
    return from < s.len ? slice_of(s.data + from, s.len - from) : slice_of(NULL, 0);
}

struct slice slice_part(struct slice s, size_t from, size_t len)
{
    struct slice rest = slice_from(s, from);
    if (rest.len > len)
        rest.len = len;
    return rest;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice slice_trim(struct slice s)
{
    while (s.len && blank(s.data[0]))
        s = slice_of(s.data + 1, s.len - 1);
    while (s.len && blank(s.data[s.len - 1]))
        s.len--;
    return s;
}

bool slice_split(struct slice *rest, char separator, struct slice *part)
{
    if (rest->data == NULL)
        return false;
    ptrdiff_t at = slice_find_byte(*rest, separator);
    if (at < 0) {
        *part = *rest;
        *rest = slice_of(NULL, 0);
    } else {
        *part = slice_of(rest->data, (size_t)at);
        *rest = slice_of(rest->data + at + 1, rest->len - (size_t)at - 1);
    }
    return true;
}

uint64_t slice_hash(struct slice s)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)s.data[i]) * 0x100000001b3u;
    return hash;
}

/* Words longer than this are not typing errors of our keys. */
#define NEAREST_MAX 48

static size_t edit_distance(struct slice a, struct slice b)
{
    size_t rows[3][NEAREST_MAX + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b.len; j++)
        above[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            char x = lower(a.data[i - 1]), y = lower(b.data[j - 1]);
            size_t best = above[j - 1] + (x != y);
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            bool swapped = i > 1 && j > 1 && x == lower(b.data[j - 2]) && lower(a.data[i - 2]) == y;
            if (swapped && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b.len];
}

const char *slice_nearest(struct slice word, const char *const *candidates)
{
    const char *best = NULL;
    size_t best_distance = word.len / 3 > 1 ? word.len / 3 : 1;

    if (word.len == 0 || word.len > NEAREST_MAX)
        return NULL;
    for (; *candidates; candidates++) {
        struct slice candidate = slice_str(*candidates);
        if (candidate.len > NEAREST_MAX)
            continue;
        size_t distance = edit_distance(word, candidate);
        if (distance < best_distance || (distance == best_distance && !best)) {
            best_distance = distance;
            best = *candidates;
        }
    }
    return best;
}
