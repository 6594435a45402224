/*
 * Stop sequences by Knuth, Morris and Pratt: each sequence has the length of its longest prefix
 * that the text ends with, and that length is all that must be remembered of the text. The longest
 * of them is what must be held back. About 1 KiB per stream that has stop sequences.
 */
#include "stop.h"

#include "core/buf.h"
#include "core/memory.h"

struct sequence {
    size_t len, matched;
    char text[STOP_BYTES_MAX];
    /* border[n]: the longest proper prefix of the first n bytes that is also their suffix. */
    unsigned char border[STOP_BYTES_MAX + 1];
};

/* Fewer than STOP_BYTES_MAX bytes are held, each perhaps a token of its own; and the newest. */
#define HELD_TOKENS (STOP_BYTES_MAX + 1)

struct stop_matcher {
    struct buf text;       /* the tokens not yet given by stop_released */
    size_t released_bytes; /* of `text`: these can be given */
    size_t given_bytes;    /* of `text`: these were given, and go with the next stop_take */
    size_t token_count, given_count;
    uint32_t token_bytes[HELD_TOKENS];
    const struct sequence *found;
    size_t count;
    struct sequence sequences[];
};

/* More than a token and what can be held of those before: a request's limits keep it far below. */
#define TEXT_MAX (1u << 20)

static void find_borders(struct sequence *s)
{
    size_t border = 0;
    for (size_t n = 1; n < s->len; n++) {
        while (border > 0 && s->text[border] != s->text[n])
            border = s->border[border];
        if (s->text[border] == s->text[n])
            border++;
        s->border[n + 1] = (unsigned char)border;
    }
}

struct stop_matcher *stop_new(const struct slice *sequences, size_t count)
{
    MUST(count >= 1 && count <= STOP_COUNT_MAX, "%zu stop sequences", count);
    struct stop_matcher *m = mem_zero(sizeof(*m) + count * sizeof(m->sequences[0]));
    m->text = buf_limited(TEXT_MAX);
    m->count = count;
    for (size_t i = 0; i < count; i++) {
        MUST(sequences[i].len >= 1 && sequences[i].len <= STOP_BYTES_MAX, "%zu bytes",
             sequences[i].len);
        m->sequences[i].len = sequences[i].len;
        memcpy(m->sequences[i].text, sequences[i].data, sequences[i].len);
        find_borders(&m->sequences[i]);
    }
    return m;
}

void stop_free(struct stop_matcher *m)
{
    if (m)
        buf_free(&m->text);
    mem_free(m);
}

/* Advance by one byte of text; true when the sequence is complete with it. */
static bool advance(struct sequence *s, char byte)
{
    while (s->matched > 0 && s->text[s->matched] != byte)
        s->matched = s->border[s->matched];
    if (s->text[s->matched] == byte)
        s->matched++;
    return s->matched == s->len;
}

static void forget_given(struct stop_matcher *m)
{
    buf_drop(&m->text, m->given_bytes);
    memmove(m->token_bytes, m->token_bytes + m->given_count,
            (m->token_count - m->given_count) * sizeof(m->token_bytes[0]));
    m->token_count -= m->given_count;
    m->released_bytes -= m->given_bytes;
    m->given_bytes = m->given_count = 0;
}

/* The text ends at the first byte of the match: drop the tokens behind it, cut the one around it.
 */
static void cut_text(struct stop_matcher *m, size_t end)
{
    size_t start = 0, kept = 0;
    while (kept < m->token_count && start < end) {
        if (start + m->token_bytes[kept] > end)
            m->token_bytes[kept] = (uint32_t)(end - start);
        start += m->token_bytes[kept++];
    }
    m->token_count = kept;
    m->text.len = end;
    m->released_bytes = end;
}

bool stop_take(struct stop_matcher *m, struct slice token)
{
    MUST(!m->found && token.len > 0, "a token of %zu bytes after %zu", token.len, m->text.len);
    forget_given(m);
    MUST(m->token_count < HELD_TOKENS, "%zu tokens: the released ones were not fetched",
         m->token_count);
    size_t before = m->text.len;
    struct result room = buf_append(&m->text, token);
    MUST(result_ok(room), "a token of %zu bytes", token.len);
    m->token_bytes[m->token_count++] = (uint32_t)token.len;

    size_t held = 0;
    for (size_t i = 0; i < token.len && !m->found; i++) {
        held = 0;
        for (size_t k = 0; k < m->count; k++) {
            struct sequence *s = &m->sequences[k];
            if (advance(s, token.data[i]) && (!m->found || s->len > m->found->len))
                m->found = s;
            if (s->matched > held)
                held = s->matched;
        }
        if (m->found)
            cut_text(m, before + i + 1 - m->found->len);
    }
    if (!m->found)
        m->released_bytes = m->text.len - held;
    return m->found != NULL;
}

void stop_end(struct stop_matcher *m)
{
    m->released_bytes = m->text.len;
}

bool stop_released(struct stop_matcher *m, struct slice *token)
{
    if (m->given_count == m->token_count)
        return false;
    size_t len = m->token_bytes[m->given_count];
    if (m->given_bytes + len > m->released_bytes)
        return false;
    *token = slice_of(m->text.data + m->given_bytes, len);
    m->given_bytes += len;
    m->given_count++;
    return true;
}

struct slice stop_matched(const struct stop_matcher *m)
{
    return m->found ? slice_of(m->found->text, m->found->len) : (struct slice){NULL, 0};
}
