/*
 * Host names label by label. Which characters a U-label may hold is derived from their Unicode
 * properties as RFC 5892 does it, with the tables of PCRE2, so there are no tables of ours but the
 * exceptions of that RFC. Two of its rules need more than properties and are not checked: stability
 * under normalization, and the order of right-to-left scripts (RFC 5893).
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

/* Decode into `out` (LABEL_BYTES code points); how many, or 0 when it is not Punycode. */
static uint32_t punycode_decode(struct slice s, uint32_t out[LABEL_BYTES])
{
    uint32_t n = FIRST_N, i = 0, bias = FIRST_BIAS, count = 0;
    size_t at = s.len;
    while (at > 0 && s.data[at - 1] != '-')
        at--;
    for (size_t b = 0; b + 1 < at; b++)
        out[count++] = (unsigned char)s.data[b];
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

/* The length of the Punycode of a U-label, without "xn--". */
static size_t punycode_length(const uint32_t *points, uint32_t count)
{
    uint32_t n = FIRST_N, delta = 0, bias = FIRST_BIAS, basic = 0;
    for (uint32_t i = 0; i < count; i++)
        basic += points[i] < FIRST_N;
    size_t length = basic + (basic > 0);
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
            uint32_t q = delta;
            for (uint32_t k = BASE; q >= threshold(k, bias); k += BASE, length++)
                q = (q - threshold(k, bias)) / (BASE - threshold(k, bias));
            length++;
            bias = adapt(delta, done + 1, done == basic);
            delta = 0;
            done++;
        }
    }
    return length;
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

/* After "xn--". */
static bool a_label_valid(struct slice encoded)
{
    uint32_t points[LABEL_BYTES + 1];
    char text[LABEL_BYTES * 4];
    size_t len = 0;
    uint32_t count = punycode_decode(encoded, points);
    for (uint32_t i = 0; i < count; i++)
        len += put_utf8(text + len, points[i]);
    return count > 0 && !is_ascii(slice_of(text, len)) && u_label_valid(slice_of(text, len));
}

static bool ascii_label_valid(struct slice label)
{
    for (size_t i = 0; i < label.len; i++) {
        char c = label.data[i], lower = (char)(c | 0x20);
        if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    if (!hyphens_valid(label) || label.len > LABEL_BYTES)
        return false;
    if (label.len < 4 || label.data[2] != '-' || label.data[3] != '-')
        return true;
    return slice_eq_nocase(slice_part(label, 0, 4), SLICE("xn--")) &&
           a_label_valid(slice_from(label, 4));
}

static bool any_label_valid(struct slice label)
{
    uint32_t points[LABEL_BYTES];
    if (is_ascii(label))
        return ascii_label_valid(label);
    uint32_t count = code_points(label, points);
    return count > 0 && punycode_length(points, count) + 4 <= LABEL_BYTES && u_label_valid(label);
}

bool hostname_valid(struct slice name)
{
    struct slice rest = name, label;
    if (name.len == 0 || name.len > NAME_BYTES || name.data[name.len - 1] == '.')
        return false;
    while (slice_split(&rest, '.', &label))
        if (!ascii_label_valid(label))
            return false;
    return true;
}

/* The length of a label separator at the start of `s`, or 0 (IDNA 2003, 3.1, still in use). */
static size_t separator(struct slice s)
{
    static const char *const separators[] = {".", "\u3002", "\uff0e", "\uff61"};
    for (size_t i = 0; i < sizeof separators / sizeof *separators; i++)
        if (slice_starts(s, slice_str(separators[i])))
            return strlen(separators[i]);
    return 0;
}

bool hostname_valid_international(struct slice name)
{
    size_t start = 0;
    if (name.len > (size_t)NAME_BYTES * 4)
        return false;
    for (size_t i = 0; i <= name.len; i++) {
        size_t n = separator(slice_from(name, i));
        if (n == 0 && i < name.len)
            continue;
        if (!any_label_valid(slice_part(name, start, i - start)))
            return false;
        start = i + n;
        i += n ? n - 1 : 0;
    }
    return true;
}
