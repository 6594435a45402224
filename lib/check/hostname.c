/*
 * Host names label by label. Which characters a U-label may hold is derived from their Unicode
 * properties as RFC 5892 does it, with the tables of PCRE2, so there are no tables of ours but the
 * exceptions of that RFC. Its one rule that needs more than properties, stability under
 * normalization, is not checked.
 */
#include "check/hostname.h"

#include "check/regex.h"
#include "core/arena.h"
#include "core/text.h"

#define LABEL_BYTES 63
#define NAME_BYTES 253

/*
 * RFC 5892: lower-case letters, digits and marks, and the exceptions of 2.6. Of CONTEXTJ and
 * CONTEXTO each character is allowed only where appendix A does.
 */
#define DISALLOWED "\\x{640}\\x{7fa}\\x{302e}\\x{302f}\\x{3031}-\\x{3035}\\x{303b}"
#define U_LABEL                                                                                    \
    "(?!\\p{M})"                                                                                   \
    "(?!(?=.*[\\x{660}-\\x{669}]).*[\\x{6f0}-\\x{6f9}])"                                           \
    "(?!(?=.*\\x{30fb})(?!.*(?:\\p{sc:Hiragana}|\\p{sc:Katakana}|\\p{sc:Han})))"                   \
    "(?:(?![" DISALLOWED "])[\\-\\p{Ll}\\p{Lo}\\p{Lm}\\p{Mn}\\p{Mc}\\p{Nd}\\x{df}\\x{3c2}"         \
    "\\x{6fd}\\x{6fe}\\x{f0b}\\x{3007}]"                                                           \
    "|(?<=l)\\x{b7}(?=l)"                                                                          \
    "|\\x{375}(?=\\p{sc:Greek})"                                                                   \
    "|(?<=\\p{sc:Hebrew})[\\x{5f3}\\x{5f4}]"                                                       \
    "|\\x{30fb}"                                                                                   \
    "|(?<=[" VIRAMA "])[\\x{200c}\\x{200d}]"                                                       \
    "|(?<=[" JOINS_LEFT "])\\x{200c}(?=[" JOINS_RIGHT "]))+"

/* Canonical combining class 9, which PCRE2 does not know. */
#define VIRAMA                                                                                     \
    "\\x{94d}\\x{9cd}\\x{a4d}\\x{acd}\\x{b4d}\\x{bcd}\\x{c4d}\\x{ccd}\\x{d3b}\\x{d3c}\\x{d4d}"     \
    "\\x{dca}\\x{e3a}\\x{eba}\\x{f84}\\x{1039}\\x{103a}\\x{1714}\\x{1734}\\x{17d2}\\x{1a60}"       \
    "\\x{1b44}\\x{1baa}\\x{1bab}\\x{1bf2}\\x{1bf3}\\x{2d7f}\\x{a806}\\x{a8c4}\\x{a953}\\x{a9c0}"   \
    "\\x{aaf6}\\x{abed}"
/* Arabic letters that join to the next and to the one before (joining types D, and D or R). */
#define JOINS_LEFT                                                                                 \
    "\\x{626}\\x{628}\\x{62a}-\\x{62e}\\x{633}-\\x{63f}\\x{641}-\\x{647}\\x{649}\\x{64a}"          \
    "\\x{678}-\\x{687}\\x{69a}-\\x{6bf}\\x{6c1}\\x{6c2}\\x{6cc}\\x{6ce}\\x{6d0}\\x{6d1}"
#define JOINS_RIGHT JOINS_LEFT "\\x{622}-\\x{625}\\x{627}\\x{629}\\x{62f}-\\x{632}\\x{648}"

/* RFC 5893, section 2: what every label of a name with any right-to-left character must match. */
#define NUMBER_OR_NEUTRAL "\\p{bc:EN}\\p{bc:ES}\\p{bc:CS}\\p{bc:ET}\\p{bc:ON}\\p{bc:BN}\\p{bc:NSM}"
#define RIGHT_TO_LEFT "[\\p{bc:R}\\p{bc:AL}\\p{bc:AN}]"
#define BIDI_LABEL                                                                                 \
    "(?!(?=[^.]*\\p{bc:EN})[^.]*\\p{bc:AN})[\\p{bc:R}\\p{bc:AL}]"                                  \
    "(?:[\\p{bc:R}\\p{bc:AL}\\p{bc:AN}" NUMBER_OR_NEUTRAL "]*"                                     \
    "[\\p{bc:R}\\p{bc:AL}\\p{bc:AN}\\p{bc:EN}])?\\p{bc:NSM}*"                                      \
    "|\\p{bc:L}(?:[\\p{bc:L}" NUMBER_OR_NEUTRAL "]*[\\p{bc:L}\\p{bc:EN}])?\\p{bc:NSM}*"
#define BIDI_NAME "(?!.*" RIGHT_TO_LEFT ").*|(?:" BIDI_LABEL ")(?:\\.(?:" BIDI_LABEL "))*"

static bool is_ascii(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.data[i] >= 0x80)
            return false;
    return true;
}

static bool hyphens_valid(struct slice label)
{
    return label.len > 0 && label.data[0] != '-' && label.data[label.len - 1] != '-';
}

static bool u_label_valid(struct slice label)
{
    bool valid = false;
    bool third_and_fourth = label.len >= 4 && label.data[2] == '-' && label.data[3] == '-';
    return hyphens_valid(label) && !third_and_fourth &&
           result_ok(regex_matches(SLICE(U_LABEL), REGEX_PERL | REGEX_WHOLE, label, &valid)) &&
           valid;
}

/* ---- Punycode, RFC 3492 ---- */

enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, FIRST_BIAS = 72, FIRST_N = 128 };

static uint32_t adapt(uint32_t delta, uint32_t count, bool first)
{
    uint32_t k = 0;
    delta = first ? delta / DAMP : delta / 2;
    delta += delta / count;
    for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
        delta /= BASE - TMIN;
    return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static uint32_t punycode_digit(char c)
{
    char lower = (char)(c | 0x20);
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0') + 26;
    return lower >= 'a' && lower <= 'z' ? (uint32_t)(lower - 'a') : BASE;
}

static uint32_t threshold(uint32_t k, uint32_t bias)
{
    return k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;
}

/* Decode into `out` (LABEL_BYTES + 1 code points), letters in lower case; how many, or 0 when it is
 * not Punycode. */
static uint32_t punycode_decode(struct slice s, uint32_t out[LABEL_BYTES + 1])
{
    uint32_t n = FIRST_N, i = 0, bias = FIRST_BIAS, count = 0;
    size_t at = s.len;
    while (at > 0 && s.data[at - 1] != '-')
        at--;
    for (size_t b = 0; b + 1 < at; b++) {
        char c = s.data[b];
        out[count++] = (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    while (at < s.len) {
        uint32_t before = i, weight = 1;
        for (uint32_t k = BASE;; k += BASE) {
            uint32_t digit = at < s.len ? punycode_digit(s.data[at++]) : BASE;
            uint32_t t = threshold(k, bias);
            if (digit == BASE || digit > (UINT32_MAX - i) / weight)
                return 0;
            i += digit * weight;
            if (digit < t)
                break;
            if (weight > UINT32_MAX / (BASE - t))
                return 0;
            weight *= BASE - t;
        }
        bias = adapt(i - before, ++count, before == 0);
        n += i / count;
        i %= count;
        if (n > 0x10ffff || (n >= 0xd800 && n <= 0xdfff) || count > LABEL_BYTES)
            return 0;
        memmove(out + i + 1, out + i, (count - 1 - i) * sizeof *out);
        out[i++] = n;
    }
    return count;
}

static void put(char out[LABEL_BYTES], size_t *len, char c)
{
    if (*len < LABEL_BYTES)
        out[*len] = c;
    ++*len;
}

/* Encode into `out`, as much as fits into LABEL_BYTES; the whole length. */
static size_t punycode_encode(const uint32_t *points, uint32_t count, char out[LABEL_BYTES])
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    uint32_t n = FIRST_N, delta = 0, bias = FIRST_BIAS, basic = 0;
    size_t len = 0;
    for (uint32_t i = 0; i < count; i++)
        if (points[i] < FIRST_N) {
            put(out, &len, (char)points[i]);
            basic++;
        }
    if (basic > 0)
        put(out, &len, '-');
    for (uint32_t done = basic; done < count; n++, delta++) {
        uint32_t next = UINT32_MAX;
        for (uint32_t i = 0; i < count; i++)
            if (points[i] >= n && points[i] < next)
                next = points[i];
        delta += (next - n) * (done + 1);
        n = next;
        for (uint32_t i = 0; i < count; i++) {
            delta += points[i] < n;
            if (points[i] != n)
                continue;
            uint32_t q = delta, k = BASE;
            for (uint32_t t; q >= (t = threshold(k, bias)); k += BASE) {
                put(out, &len, digits[t + (q - t) % (BASE - t)]);
                q = (q - t) / (BASE - t);
            }
            put(out, &len, digits[q]);
            bias = adapt(delta, done + 1, done == basic);
            delta = 0;
            done++;
        }
    }
    return len;
}

/* ---- labels and names ---- */

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(lead[n] | c);
    return n;
}

/* The code points of a label; 0 when there are too many for one. */
static uint32_t code_points(struct slice s, uint32_t out[LABEL_BYTES])
{
    uint32_t count = 0;
    while (s.len) {
        size_t n = utf8_sequence(s);
        if (n == 0 || count == LABEL_BYTES)
            return 0;
        uint32_t c = (unsigned char)s.data[0];
        c = n == 1 ? c : c & (0xffu >> (n + 1));
        for (size_t i = 1; i < n; i++)
            c = c << 6 | ((unsigned char)s.data[i] & 0x3f);
        out[count++] = c;
        s = slice_from(s, n);
    }
    return count;
}

/* A name taken apart: what its labels mean, and how long it is on the wire. */
struct name {
    struct text unicode; /* U-labels with full stops between them */
    size_t wire_length;
};

static void add_label(struct name *name, struct slice unicode, size_t wire_length)
{
    if (name->wire_length) {
        text_add_byte(&name->unicode, '.');
        name->wire_length++;
    }
    text_add(&name->unicode, unicode);
    name->wire_length += wire_length;
}

/* A label that begins with "xn--": it must be what its U-label is encoded to. */
static bool a_label_valid(struct slice label, struct name *name)
{
    struct slice encoded = slice_from(label, 4);
    uint32_t points[LABEL_BYTES + 1];
    char text[LABEL_BYTES * 4], again[LABEL_BYTES];
    size_t len = 0;
    uint32_t count = punycode_decode(encoded, points);
    for (uint32_t i = 0; i < count; i++)
        len += put_utf8(text + len, points[i]);
    struct slice unicode = slice_of(text, len);
    add_label(name, unicode, label.len);
    return count > 0 && !is_ascii(unicode) && u_label_valid(unicode) &&
           punycode_encode(points, count, again) == encoded.len &&
           slice_eq_nocase(slice_of(again, encoded.len), encoded);
}

static bool ascii_label_valid(struct slice label, struct name *name)
{
    for (size_t i = 0; i < label.len; i++) {
        char c = label.data[i], lower = (char)(c | 0x20);
        if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    if (!hyphens_valid(label) || label.len > LABEL_BYTES)
        return false;
    bool reserved = label.len >= 4 && label.data[2] == '-' && label.data[3] == '-';
    if (reserved)
        return slice_eq_nocase(slice_part(label, 0, 4), SLICE("xn--")) &&
               a_label_valid(label, name);
    add_label(name, label, label.len);
    return true;
}

static bool label_valid(struct slice label, bool international, struct name *name)
{
    uint32_t points[LABEL_BYTES];
    char encoded[LABEL_BYTES];
    if (!international || is_ascii(label))
        return ascii_label_valid(label, name);
    uint32_t count = code_points(label, points);
    size_t wire_length = count ? punycode_encode(points, count, encoded) + 4 : 0;
    add_label(name, label, wire_length);
    return count > 0 && wire_length <= LABEL_BYTES && u_label_valid(label);
}

/* The length of a label separator at the start of `s`, or 0 (IDNA 2003, 3.1, still in use). */
static size_t separator(struct slice s, bool international)
{
    static const char *const separators[] = {".", "\u3002", "\uff0e", "\uff61"};
    size_t known = international ? sizeof separators / sizeof *separators : 1;
    for (size_t i = 0; i < known; i++)
        if (slice_starts(s, slice_str(separators[i])))
            return strlen(separators[i]);
    return 0;
}

static bool name_valid(struct slice s, bool international)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct name name = {.unicode = text_in(arena)};
    bool in_order = false;
    size_t start = 0;
    if (s.len > (size_t)NAME_BYTES * 4)
        return false;
    for (size_t i = 0; i <= s.len; i++) {
        size_t n = separator(slice_from(s, i), international);
        if (n == 0 && i < s.len)
            continue;
        if (!label_valid(slice_part(s, start, i - start), international, &name))
            return false;
        start = i + n;
        i += n ? n - 1 : 0;
    }
    return name.wire_length <= NAME_BYTES &&
           result_ok(regex_matches(SLICE(BIDI_NAME), REGEX_PERL | REGEX_WHOLE,
                                   text_slice(&name.unicode), &in_order)) &&
           in_order;
}

bool hostname_valid(struct slice name)
{
    return name_valid(name, false);
}

bool hostname_valid_international(struct slice name)
{
    return name_valid(name, true);
}
