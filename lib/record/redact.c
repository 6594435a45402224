/*
 * Removing secrets. Workload: a handful of secrets and, for a case that passed, a few hundred bytes
 * of text, tens of thousands of times a second; so one pass over the text, with a table that tells
 * for most bytes at once that no secret begins there.
 */
#include "record/redact.h"

#include <ctype.h>
#include <stdlib.h>

#include "core/memory.h"
#include "core/text.h"

#define HIDDEN SLICE("[secret]")

#define SECRET_SHORTEST 4
/* The part of a secret in base64 that does not depend on its neighbours; shorter ones turn up in
   texts by chance. */
#define BASE64_SHORTEST 5
/* A text that was cut may end in the middle of a secret; this much of one is taken for it. */
#define CUT_SHORTEST 6

struct pattern {
    char *data;
    size_t len;
};

struct redactor {
    struct pattern *patterns; /* by first byte, then the longest first */
    size_t count, capacity;
    size_t first[257]; /* patterns that begin with byte b: first[b] up to first[b + 1] */
};

struct redactor *redactor_new(void)
{
    return NEW(struct redactor);
}

void redactor_free(struct redactor *redactor)
{
    if (!redactor)
        return;
    for (size_t i = 0; i < redactor->count; i++)
        mem_free(redactor->patterns[i].data);
    mem_free(redactor->patterns);
    mem_free(redactor);
}

/* --- patterns: the shapes a secret takes --- */

static int by_first_byte(const void *a, const void *b)
{
    const struct pattern *x = a, *y = b;
    int difference = (unsigned char)x->data[0] - (unsigned char)y->data[0];
    return difference ? difference : (x->len < y->len) - (x->len > y->len);
}

static void add_pattern(struct redactor *r, struct slice text)
{
    for (size_t i = 0; i < r->count; i++)
        if (slice_eq(text, slice_of(r->patterns[i].data, r->patterns[i].len)))
            return;
    GROW(r->patterns, r->count, r->capacity);
    struct pattern *p = &r->patterns[r->count++];
    p->data = memcpy(mem_alloc(text.len), text.data, text.len);
    p->len = text.len;
}

static void index_patterns(struct redactor *r)
{
    qsort(r->patterns, r->count, sizeof(*r->patterns), by_first_byte);
    size_t at = 0;
    for (size_t byte = 0; byte < 256; byte++) {
        r->first[byte] = at;
        while (at < r->count && (unsigned char)r->patterns[at].data[0] == byte)
            at++;
    }
    r->first[256] = at;
}

/* `+` for a blank and lower-case hex digits are both usual. */
static void add_percent(struct redactor *r, struct arena *arena, struct slice secret,
                        const char *digits, bool plus)
{
    struct text t = text_in(arena);
    for (size_t i = 0; i < secret.len; i++) {
        unsigned char c = (unsigned char)secret.data[i];
        if (isalnum(c) || strchr("-._~", c))
            text_add_byte(&t, (char)c);
        else if (plus && c == ' ')
            text_add_byte(&t, '+');
        else
            text_add(&t, slice_of((char[]){'%', digits[c >> 4], digits[c & 15]}, 3));
    }
    add_pattern(r, text_slice(&t));
}

/* JSON within JSON within JSON: an answer tells what it was sent, and a log tells the answer. */
#define JSON_LEVELS 3

/*
 * As JSON strings have it: with as little escaped as must be, or as the JSON of Go (<, > and & by
 * their numbers) and of PHP (\/), and everything outside ASCII as it is or, as Python's, by number.
 */
static struct slice json_escaped(struct arena *arena, struct slice s, const char *also, bool ascii)
{
    struct text t = text_in(arena);
    while (s.len) {
        unsigned char c = (unsigned char)s.data[0];
        size_t len = utf8_sequence(s);
        if (c && c < 0x80 && strchr(also, c)) {
            text_printf(&t, c == '/' ? "\\%c" : "\\u%04x", c);
        } else if (ascii && len > 1) {
            uint32_t point = c & (0x7fu >> len);
            for (size_t i = 1; i < len; i++)
                point = point << 6 | ((unsigned char)s.data[i] & 0x3f);
            if (point < 0x10000)
                text_printf(&t, "\\u%04x", point);
            else
                text_printf(&t, "\\u%04x\\u%04x", 0xd7c0 + (point >> 10), 0xdc00 + (point & 0x3ff));
        } else {
            struct text one = text_in(arena);
            text_add_json(&one, slice_part(s, 0, len ? len : 1));
            text_add(&t, slice_part(text_slice(&one), 1, one.len - 2));
        }
        s = slice_from(s, len ? len : 1);
    }
    return text_slice(&t);
}

static void add_json(struct redactor *r, struct arena *arena, struct slice secret, const char *also)
{
    struct slice kept = secret, ascii = secret;
    for (int level = 0; level < JSON_LEVELS; level++) {
        kept = json_escaped(arena, kept, also, false);
        ascii = json_escaped(arena, ascii, also, true);
        add_pattern(r, kept);
        add_pattern(r, ascii);
    }
}

/* Inside single quotes, as the commands that rerun a case have it. */
static void add_shell(struct redactor *r, struct arena *arena, struct slice secret)
{
    struct text t = text_in(arena);
    for (size_t i = 0; i < secret.len; i++) {
        if (secret.data[i] == '\'')
            text_add_str(&t, "'\\''");
        else
            text_add_byte(&t, secret.data[i]);
    }
    add_pattern(r, text_slice(&t));
}

/*
 * In base64 a secret may begin at any of three positions of a group ("user:SECRET"); the characters
 * that its own bytes alone decide are the same whatever stands around it. At most one character
 * on each side, which a few bits of the secret share with its neighbour, is left standing.
 */
static void add_base64(struct redactor *r, struct arena *arena, struct slice secret,
                       const char *alphabet, size_t shift)
{
    struct text t = text_in(arena);
    size_t bits = (shift + secret.len) * 8;
    for (size_t bit = (shift * 8 + 5) / 6 * 6; bit + 6 <= bits; bit += 6) {
        unsigned value = 0;
        for (size_t i = bit; i < bit + 6; i++) {
            unsigned char byte = (unsigned char)secret.data[i / 8 - shift];
            value = value << 1 | (byte >> (7 - i % 8) & 1u);
        }
        text_add_byte(&t, alphabet[value]);
    }
    if (t.len >= BASE64_SHORTEST)
        add_pattern(r, text_slice(&t));
}

void redactor_add(struct redactor *redactor, struct slice secret)
{
    static const char standard[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    if (secret.len < SECRET_SHORTEST)
        return;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    add_pattern(redactor, secret);
    add_percent(redactor, arena, secret, "0123456789ABCDEF", false);
    add_percent(redactor, arena, secret, "0123456789abcdef", false);
    add_percent(redactor, arena, secret, "0123456789ABCDEF", true);
    add_json(redactor, arena, secret, "");
    add_json(redactor, arena, secret, "<>&");
    add_json(redactor, arena, secret, "/");
    struct text xml = text_in(arena);
    text_add_xml(&xml, secret);
    add_pattern(redactor, text_slice(&xml));
    add_shell(redactor, arena, secret);
    for (size_t shift = 0; shift < 3; shift++) {
        add_base64(redactor, arena, secret, standard, shift);
        add_base64(redactor, arena, secret, url, shift);
    }
    index_patterns(redactor);
}

/* Bytes at the start of `text` that are a secret, or the part of one that a cut has left; else 0.
 */
static size_t secret_at(const struct redactor *r, struct slice text)
{
    size_t byte = (unsigned char)text.data[0];
    for (size_t i = r->first[byte]; i < r->first[byte + 1]; i++) {
        const struct pattern *p = &r->patterns[i];
        size_t same = 1;
        while (same < p->len && same < text.len && p->data[same] == text.data[same])
            same++;
        if (same == p->len)
            return same;
        if (same >= CUT_SHORTEST &&
            (same == text.len || slice_starts(slice_from(text, same), SLICE("…"))))
            return same;
    }
    return 0;
}

/* --- credentials by their looks --- */

enum {
    HEADER = 1 << 0,    /* a header line of that name is a credential */
    PARAMETER = 1 << 1, /* name=value, "name": "value" */
    QUERY = 1 << 2,     /* only behind ? or &: the word alone is too common */
};

/* Compared without regard to case, `_` as `-`; a longer name that ends in -NAME counts too. */
static const struct {
    const char *name;
    unsigned where;
} credentials[] = {
    {"authorization", HEADER | PARAMETER},
    {"cookie", HEADER},
    {"set-cookie", HEADER},
    {"api-key", HEADER | PARAMETER},
    {"apikey", HEADER | PARAMETER},
    {"auth-token", HEADER | PARAMETER},
    {"access-token", HEADER | PARAMETER},
    {"security-token", HEADER | PARAMETER},
    {"refresh-token", PARAMETER},
    {"id-token", PARAMETER},
    {"client-secret", PARAMETER},
    {"clientsecret", PARAMETER},
    {"accesstoken", PARAMETER},
    {"secret-key", HEADER | PARAMETER},
    {"secret-access-key", PARAMETER},
    {"private-key", PARAMETER},
    {"password", PARAMETER},
    {"passwd", PARAMETER},
    {"amz-signature", PARAMETER},
    {"amz-credential", PARAMETER},
    {"token", QUERY},
    {"secret", QUERY},
    {"key", QUERY},
    {"sig", QUERY},
    {"signature", QUERY},
};

/* Beginnings of the keys of well-known services. */
static const char *const key_prefixes[] = {"sk-",         "hf_",    "ghp_", "gho_",  "ghs_",
                                           "github_pat_", "xox",    "AKIA", "ASIA",  "AIza",
                                           "eyJ",         "nvapi-", "gsk_", "glpat-"};
#define KEY_SHORTEST 20

static bool word_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static unsigned credential_named(struct slice name)
{
    unsigned where = 0;
    for (size_t i = 0; i < sizeof(credentials) / sizeof(credentials[0]); i++) {
        struct slice want = slice_str(credentials[i].name);
        if (name.len < want.len)
            continue;
        size_t before = name.len - want.len, same = 0;
        while (same < want.len &&
               (name.data[before + same] == '_'
                    ? '-'
                    : tolower((unsigned char)name.data[before + same])) == want.data[same])
            same++;
        if (same == want.len && (before == 0 || !isalnum((unsigned char)name.data[before - 1])))
            where |= credentials[i].where;
    }
    return where;
}

static size_t span_until(struct slice s, size_t from, const char *stops)
{
    while (from < s.len && !strchr(stops, s.data[from]))
        from++;
    return from;
}

static size_t span_of(struct slice s, size_t from, const char *bytes)
{
    while (from < s.len && s.data[from] && strchr(bytes, s.data[from]))
        from++;
    return from;
}

struct span {
    size_t start, end; /* empty when nothing is to be hidden */
};

/* NAME=VALUE; `name_end` is where the = stands. */
static struct span parameter_value(struct slice s, size_t name_end)
{
    size_t start = span_of(s, name_end + 1, "\"'");
    return (struct span){start, span_until(s, start, "&;#\"'<>\\) \t\r\n")};
}

/* "NAME": "VALUE", also inside a JSON string, where each quote has a backslash. */
static struct span member_value(struct slice s, size_t name_end)
{
    size_t at = span_of(s, name_end, "\\\"'");
    at = span_of(s, at, " \t");
    if (at == name_end || at >= s.len || s.data[at] != ':')
        return (struct span){0};
    size_t quote = span_of(s, at + 1, " \t");
    size_t start = span_of(s, quote, "\\\"'");
    if (start == quote)
        return (struct span){0};
    char close = s.data[start - 1];
    bool escaped = start - quote > 1;
    size_t end = start;
    while (end < s.len && s.data[end] != close)
        end += !escaped && s.data[end] == '\\' && end + 1 < s.len ? 2 : 1;
    if (escaped && end > start && s.data[end - 1] == '\\')
        end--;
    return (struct span){start, end < s.len ? end : s.len};
}

/* "Bearer TOKEN": what follows must look like one, for prose speaks of bearers too. */
static struct span scheme_value(struct slice s, struct slice word, size_t word_end)
{
    if (!slice_eq_nocase(word, SLICE("bearer")) && !slice_eq_nocase(word, SLICE("basic")))
        return (struct span){0};
    size_t end = word_end + 1;
    bool mixed = false;
    while (end < s.len && (word_byte(s.data[end]) || strchr("._~+/=", s.data[end]))) {
        mixed |= isdigit((unsigned char)s.data[end]) || isupper((unsigned char)s.data[end]);
        end++;
    }
    if (word_end >= s.len || s.data[word_end] != ' ' || end - word_end <= 8 || !mixed)
        return (struct span){0};
    return (struct span){word_end + 1, end};
}

static struct span known_key(struct slice s, size_t start)
{
    size_t end = start;
    bool digit = false;
    while (end < s.len && (word_byte(s.data[end]) || s.data[end] == '.')) {
        digit |= isdigit((unsigned char)s.data[end]) != 0;
        end++;
    }
    if (end - start < KEY_SHORTEST || !digit)
        return (struct span){0};
    for (size_t i = 0; i < sizeof(key_prefixes) / sizeof(key_prefixes[0]); i++)
        if (slice_starts(slice_from(s, start), slice_str(key_prefixes[i])))
            return (struct span){start, end};
    return (struct span){0};
}

/* The user part in "scheme://user:password@host"; `at` is where :// stands. */
static struct span user_part(struct slice s, size_t at)
{
    size_t start = at + 3, end = span_until(s, start, "/?#\"'<>\\ \t\r\n"), user_end = start;
    for (size_t i = start; i < end; i++)
        if (s.data[i] == '@')
            user_end = i;
    return (struct span){start, user_end};
}

/* A word begins at `start`: is it, or what follows it, a credential? */
static struct span credential_at(struct slice s, size_t start, bool exchange)
{
    size_t end = start;
    while (end < s.len && word_byte(s.data[end]))
        end++;
    struct slice word = slice_part(s, start, end - start);
    char next = end < s.len ? s.data[end] : '\0';
    char before = start ? s.data[start - 1] : '\n';

    if (next == ' ') {
        struct span value = scheme_value(s, word, end);
        return value.end ? value : known_key(s, start);
    }
    if (next == '=' || next == '"' || next == '\'' || next == '\\' || next == ':') {
        unsigned where = credential_named(word);
        bool query = before == '?' || before == '&';
        if (next == '=' && where & (query ? PARAMETER | HEADER | QUERY : PARAMETER))
            return parameter_value(s, end);
        if (exchange && next == ':' && where & HEADER && before == '\n') {
            size_t value = span_of(s, end + 1, " \t");
            return (struct span){value, span_until(s, value, "\r\n")};
        }
        if (next != '=' && next != ':' && where & (PARAMETER | HEADER)) {
            struct span value = member_value(s, end);
            if (value.end > value.start)
                return value;
        }
    }
    return known_key(s, start);
}

/* --- the pass --- */

enum looks { NAME_ONLY, TEXT, EXCHANGE };

static struct slice redact(const struct redactor *r, struct arena *arena, struct slice s,
                           enum looks looks)
{
    static const struct redactor none;
    struct text out = text_in(arena);
    size_t copied = 0;

    if (!r)
        r = &none;
    for (size_t i = 0; i < s.len;) {
        struct span hide = {0};
        char c = s.data[i];
        size_t secret = secret_at(r, slice_from(s, i));
        if (secret)
            hide = (struct span){i, i + secret};
        else if (looks == NAME_ONLY)
            ;
        else if (c == ':' && slice_starts(slice_from(s, i), SLICE("://")))
            hide = user_part(s, i);
        else if (word_byte(c) && (i == 0 || !word_byte(s.data[i - 1])))
            hide = credential_at(s, i, looks == EXCHANGE);
        if (hide.end <= hide.start) {
            i++;
            continue;
        }
        /* What looks like a credential may end in the middle of a secret: all of that goes. */
        for (size_t k = hide.start; k < hide.end; k++) {
            size_t more = secret_at(r, slice_from(s, k));
            hide.end = k + more > hide.end ? k + more : hide.end;
        }
        text_add(&out, slice_part(s, copied, hide.start - copied));
        text_add(&out, HIDDEN);
        i = copied = hide.end;
    }
    if (copied == 0)
        return s;
    text_add(&out, slice_from(s, copied));
    return text_slice(&out);
}

struct slice redact_text(const struct redactor *redactor, struct arena *arena, struct slice text)
{
    return redact(redactor, arena, text, TEXT);
}

struct slice redact_exchange(const struct redactor *redactor, struct arena *arena,
                             struct slice exchange)
{
    return redact(redactor, arena, exchange, EXCHANGE);
}

struct slice redact_name(const struct redactor *redactor, struct arena *arena, struct slice name)
{
    return redact(redactor, arena, name, NAME_ONLY);
}

/* --- results --- */

struct cleaning {
    const struct redactor *redactor;
    struct arena *arena;
};

static void clean(const struct cleaning *c, struct slice *text, enum looks looks)
{
    if (text->len)
        *text = utf8_repaired(c->arena, redact(c->redactor, c->arena, *text, looks));
}

static const char *clean_string(const struct cleaning *c, const char *string)
{
    struct slice text = slice_str(string);
    const char *before = text.data;
    clean(c, &text, TEXT);
    return text.data == before ? string : arena_string(c->arena, text);
}

static void clean_verdict(const struct cleaning *c, struct verdict *v)
{
    v->check = clean_string(c, v->check);
    clean(c, &v->expected, TEXT);
    clean(c, &v->actual, TEXT);
    v->message = clean_string(c, v->message);
    clean(c, &v->detail, EXCHANGE);
}

static void clean_step(const struct cleaning *c, struct step_result *s)
{
    clean(c, &s->name, TEXT);
    clean(c, &s->error, TEXT);
    clean(c, &s->request, EXCHANGE);
    clean(c, &s->response, EXCHANGE);
    clean(c, &s->log, EXCHANGE);
    clean(c, &s->service, NAME_ONLY);
    for (size_t i = 0; i < s->usage_count; i++)
        clean(c, &((struct usage *)(uintptr_t)s->usages)[i].model, TEXT);
    for (const struct verdict *v = s->verdicts; v; v = v->next)
        clean_verdict(c, (struct verdict *)(uintptr_t)v);
}

/* The texts belong to the plan, which other results share: what changes, changes in a copy. */
static void clean_list(const struct cleaning *c, const struct slice **list, size_t count)
{
    struct slice *copy = ARENA_ARRAY(c->arena, struct slice, count + 1);
    for (size_t i = 0; i < count; i++) {
        copy[i] = (*list)[i];
        clean(c, &copy[i], NAME_ONLY);
    }
    *list = copy;
}

/* The steps are const for the sinks; here, before any sink, they are ours to change. */
void redact_result(const struct redactor *redactor, struct case_result *r)
{
    struct cleaning c = {redactor, r->arena};
    struct slice *names[] = {&r->key, &r->suite, &r->id, &r->file, &r->held_by};
    struct slice *texts[] = {&r->describe, &r->model, &r->reason, &r->rerun};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        clean(&c, names[i], NAME_ONLY);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        clean(&c, texts[i], TEXT);
    clean_list(&c, &r->tags, r->tag_count);
    clean_list(&c, &r->needs, r->need_count);
    clean_list(&c, &r->uses, r->use_count);
    clean_list(&c, &r->services, r->service_count);
    for (const struct attempt_result *a = r->attempts; a; a = a->next) {
        clean(&c, &((struct attempt_result *)(uintptr_t)a)->given, TEXT);
        for (const struct step_result *s = a->steps; s; s = s->next)
            clean_step(&c, (struct step_result *)(uintptr_t)s);
    }
}
