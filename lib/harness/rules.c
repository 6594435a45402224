/*
 * The rules. Each first makes sure that there is something to look at: a rule that holds because
 * nothing came would make a hollow test.
 */
#include "harness/rules.h"

#include "core/text.h"

/* Of a text in a message, on each side of the comparison. */
#define SHOWN_BYTES 200
/* Runs of events in a message. */
#define SHOWN_RUNS 12

#define REPLACEMENT "\xef\xbf\xbd"

/* "started token×12 end". */
static const char *sequence(struct arena *arena, const struct assay_events *events)
{
    struct text t = text_in(arena);
    size_t runs = 0;
    for (size_t i = 0, next; i < events->count && runs <= SHOWN_RUNS; i = next, runs++) {
        const char *name = events->items[i].name;
        for (next = i + 1; next < events->count; next++)
            if (strcmp(events->items[next].name, name) != 0)
                break;
        text_add_str(&t, runs ? " " : "");
        text_add_str(&t, runs == SHOWN_RUNS ? "…" : *name ? name : "?");
        if (next - i > 1 && runs < SHOWN_RUNS)
            text_printf(&t, "×%zu", next - i);
    }
    return text_str(&t);
}

/* A failure with the events that came below it. */
#define ENSURE_EVENTS(condition, events, format, ...)                                              \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            DEFER(arena_free_pointer)                                                              \
            struct arena *arena_ = arena_new();                                                    \
            return error_set(ERR_PROTOCOL, format "; the events: %s", __VA_ARGS__,                 \
                             sequence(arena_, (events)));                                          \
        }                                                                                          \
    } while (0)

/* ---- what must be there ---- */

static struct result some_events(const struct assay_events *events)
{
    ENSURE(events, ERR_PROTOCOL, "expected events, got NULL");
    ENSURE(!events->fault, ERR_PROTOCOL, "%s", events->fault);
    ENSURE(events->count > 0, ERR_PROTOCOL, "expected events, got none");
    return RESULT_OK;
}

static struct result some_tokens(const struct assay_events *events)
{
    TRY(some_events(events));
    ENSURE_EVENTS(events->tokens > 0, events, "expected at least %d token event, got none", 1);
    return RESULT_OK;
}

static struct result whole_stream(const struct assay_events *events)
{
    TRY(some_events(events));
    ENSURE_EVENTS(events->terminal, events,
                  "expected an end or error event, but the stream was %s after %zu events",
                  events->stopped ? "left by the test" : "over", events->count);
    return RESULT_OK;
}

static struct result ended(const struct assay_events *events, const char *expected)
{
    TRY(whole_stream(events));
    const struct assay_event *last = events->terminal;
    ENSURE(last->kind == ASSAY_EVENT_END, ERR_PROTOCOL, "expected %s, got the error %s: %s",
           expected, last->code, last->message);
    return RESULT_OK;
}

/* ---- the rules ---- */

struct result rule_terminal(const struct assay_events *events)
{
    TRY(whole_stream(events));
    size_t at = (size_t)(events->terminal - events->items);
    ENSURE_EVENTS(at == events->count - 1, events,
                  "expected nothing after the %s event, got %zu more events",
                  events->terminal->name, events->count - 1 - at);
    ENSURE_EVENTS(!events->unfinished, events,
                  "expected nothing after the %s event, got the beginning of another",
                  events->terminal->name);
    return RESULT_OK;
}

struct result rule_order(const struct assay_events *events)
{
    TRY(some_events(events));
    ENSURE_EVENTS(events->items[0].kind == ASSAY_EVENT_STARTED, events,
                  "expected started as the first event, got %s", events->items[0].name);
    TRY(rule_terminal(events));
    for (size_t i = 1; i + 1 < events->count; i++) {
        enum assay_event_kind kind = events->items[i].kind;
        ENSURE_EVENTS(kind == ASSAY_EVENT_TOKEN || kind == ASSAY_EVENT_METRICS, events,
                      "expected token or metrics as events[%zu], got %s", i, events->items[i].name);
    }
    return RESULT_OK;
}

struct result rule_tokens_contiguous(const struct assay_events *events)
{
    TRY(some_tokens(events));
    int64_t next = 0;
    for (size_t i = 0; i < events->count; i++) {
        const struct assay_event *event = &events->items[i];
        if (event->kind != ASSAY_EVENT_TOKEN)
            continue;
        ENSURE(event->index == next, ERR_PROTOCOL,
               "expected token %lld as events[%zu], got one with \"i\": %lld", (long long)next, i,
               (long long)event->index);
        next++;
    }
    const struct assay_event *last = events->terminal;
    ENSURE(!last || last->kind != ASSAY_EVENT_END || last->tokens_out == next, ERR_PROTOCOL,
           "expected \"tokens_out\": %lld in the end event, as many as came, got %lld",
           (long long)next, (long long)last->tokens_out);
    return RESULT_OK;
}

struct result rule_utf8(const struct assay_events *events)
{
    TRY(some_tokens(events));
    for (size_t i = 0; i < events->count; i++) {
        const struct assay_event *event = &events->items[i];
        if (event->kind != ASSAY_EVENT_TOKEN)
            continue;
        struct slice text = slice_of(event->text, event->text_length);
        ENSURE(text.len > 0, ERR_PROTOCOL, "expected a text in token %lld (events[%zu]), got \"\"",
               (long long)event->index, i);
        ENSURE(utf8_valid(text), ERR_PROTOCOL, "expected UTF-8 in token %lld (events[%zu]): %s",
               (long long)event->index, i, event->data);
        ENSURE(slice_find(text, SLICE(REPLACEMENT)) < 0, ERR_PROTOCOL,
               "token %lld (events[%zu]) has U+FFFD, which becomes of a character cut between two "
               "tokens: %s",
               (long long)event->index, i, event->data);
    }
    return RESULT_OK;
}

struct result rule_token_count(const struct assay_events *events, size_t least, size_t most)
{
    TRY(whole_stream(events));
    ENSURE(least <= most, ERR_VALUE, "no count is at least %zu and at most %zu", least, most);
    ENSURE_EVENTS(events->tokens >= least && events->tokens <= most, events,
                  "expected %zu to %zu tokens, got %zu", least, most, events->tokens);
    return RESULT_OK;
}

struct result rule_text(const struct assay_events *events, const char *expected)
{
    TRY(whole_stream(events));
    struct slice want = slice_str(expected), got = slice_of(events->text, events->text_length);
    if (slice_eq(want, got))
        return RESULT_OK;
    size_t same = 0;
    while (same < want.len && same < got.len && want.data[same] == got.data[same])
        same++;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct slice want_shown = text_shown(arena, want, SHOWN_BYTES),
                 got_shown = text_shown(arena, got, SHOWN_BYTES);
    return error_set(ERR_PROTOCOL,
                     "expected the text \"%.*s\", got \"%.*s\": they differ from byte %zu on",
                     SLICE_ARG(want_shown), SLICE_ARG(got_shown), same);
}

struct result rule_completed(const struct assay_events *events)
{
    static const char *const completions[] = {"MAX_TOKENS", "EOS", "STOP_SEQUENCE"};
    TRY(rule_order(events));
    TRY(ended(events, "completion"));
    struct slice reason = slice_str(events->terminal->stop_reason);
    for (size_t i = 0; i < sizeof(completions) / sizeof(completions[0]); i++)
        if (slice_eq_nocase(reason, slice_str(completions[i])))
            return RESULT_OK;
    return error_set(ERR_PROTOCOL,
                     "expected the stop reason MAX_TOKENS, EOS or STOP_SEQUENCE, got %s",
                     events->terminal->stop_reason);
}

struct result rule_stop_reason(const struct assay_events *events, const char *expected)
{
    TRY(ended(events, expected));
    ENSURE(slice_eq_nocase(slice_str(events->terminal->stop_reason), slice_str(expected)),
           ERR_PROTOCOL, "expected the stop reason %s, got %s", expected,
           events->terminal->stop_reason);
    return RESULT_OK;
}

struct result rule_error_code(const struct assay_events *events, const char *expected)
{
    TRY(whole_stream(events));
    const struct assay_event *last = events->terminal;
    ENSURE(last->kind == ASSAY_EVENT_ERROR, ERR_PROTOCOL,
           "expected the error %s, got an end with the stop reason %s", expected,
           last->stop_reason);
    ENSURE(slice_is(slice_str(last->code), expected), ERR_PROTOCOL,
           "expected the error %s, got %s: %s", expected, last->code, last->message);
    return RESULT_OK;
}

static const struct assay_event *next_token(const struct assay_events *events, size_t *at)
{
    while (*at < events->count) {
        const struct assay_event *event = &events->items[(*at)++];
        if (event->kind == ASSAY_EVENT_TOKEN)
            return event;
    }
    return NULL;
}

/* The stop reason or the error's code. */
static const char *conclusion(const struct assay_events *events)
{
    const struct assay_event *last = events->terminal;
    return last->kind == ASSAY_EVENT_END ? last->stop_reason : last->code;
}

struct result rule_same_tokens(const struct assay_events *events, const struct assay_events *others)
{
    TRY(some_tokens(events));
    TRY(whole_stream(events));
    TRY(whole_stream(others));
    for (size_t i = 0, j = 0, n = 0;; n++) {
        const struct assay_event *a = next_token(events, &i), *b = next_token(others, &j);
        if (!a && !b)
            break;
        ENSURE(a && b, ERR_PROTOCOL, "one stream has %zu tokens, the other %zu", events->tokens,
               others->tokens);
        ENSURE(slice_eq(slice_of(a->text, a->text_length), slice_of(b->text, b->text_length)),
               ERR_PROTOCOL, "token %zu differs: %s in one stream, %s in the other", n, a->data,
               b->data);
    }
    ENSURE(strcmp(conclusion(events), conclusion(others)) == 0, ERR_PROTOCOL,
           "one stream ends with %s, the other with %s", conclusion(events), conclusion(others));
    return RESULT_OK;
}
