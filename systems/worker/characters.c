/*
 * Whole characters out of bytes. Most tokens are ASCII or whole words, and those are only looked
 * at.
 */
#include "characters.h"

#include "core/text.h"

/* Can `s`, shorter than a character, be completed? True when the longest well-formed continuation
 * exists: tried with the two extreme continuation bytes, which every second byte allows one of. */
static bool may_begin_character(struct slice s)
{
    static const char low[3] = {'\x80', '\x80', '\x80'}, high[3] = {'\xbf', '\xbf', '\xbf'};
    char tried[7];
    memcpy(tried, s.data, s.len);
    memcpy(tried + s.len, low, sizeof(low));
    if (utf8_sequence(slice_of(tried, s.len + sizeof(low))) > s.len)
        return true;
    memcpy(tried + s.len, high, sizeof(high));
    return utf8_sequence(slice_of(tried, s.len + sizeof(high))) > s.len;
}

struct result characters_take(struct characters *c, struct slice bytes, char *room,
                              struct slice *whole)
{
    if (c->held_len) {
        memcpy(room, c->held, c->held_len);
        if (bytes.len)
            memcpy(room + c->held_len, bytes.data, bytes.len);
        bytes = slice_of(room, bytes.len + c->held_len);
        c->held_len = 0;
    }
    size_t done = 0;
    while (done < bytes.len) {
        if ((unsigned char)bytes.data[done] < 0x80) {
            done++;
            continue;
        }
        struct slice rest = slice_from(bytes, done);
        size_t n = utf8_sequence(rest);
        if (n == 0) {
            ENSURE(rest.len < 4 && may_begin_character(rest), ERR_PROTOCOL,
                   "bytes that are not UTF-8: 0x%02x at byte %zu", (unsigned char)rest.data[0],
                   done);
            memcpy(c->held, rest.data, rest.len);
            c->held_len = (unsigned char)rest.len;
            break;
        }
        done += n;
    }
    *whole = slice_part(bytes, 0, done);
    return RESULT_OK;
}
