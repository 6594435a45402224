/*
 * Checks of a generated stream: the order of its events, its tokens and text, how and why it ended.
 */
#include <math.h>

#include "check/families.h"
#include "check/sequence.h"
#include "core/limits.h"
#include "core/text.h"

/* --- events --- */

static void check_pattern(const struct node *node, struct diagnostics *d)
{
    struct sequence *sequence;
    if (!result_ok(sequence_parse(d->arena, node->string, &sequence)))
        diagnose_error(d, node->at);
}

const struct shape check_shape_events = {
    .kind = SHAPE_STRING, .min = 1, .check = check_pattern, .help = "\"started token* end\""};

static struct slice event_name(const void *events, size_t i)
{
    return ((const struct stream_event *)events)[i].name;
}

/* Up to three names before event `at`: "… token token". */
static const char *names_before(struct arena *arena, const struct observation *o, size_t at)
{
    struct text t = text_in(arena);
    size_t from = at > 3 ? at - 3 : 0;
    if (from)
        text_add_str(&t, "…");
    for (size_t i = from; i < at; i++) {
        text_add_str(&t, t.len ? " " : "");
        text_add(&t, text_shown(arena, o->events[i].name, 60));
    }
    return text_str(&t);
}

void check_run_events(struct observation *o, const struct node *expected, struct verdicts *out)
{
    struct sequence *sequence;
    struct arena *arena = out->arena;
    if (o->event_count == 0) {
        verdict_no_data(out, "events", expected->at, expected->string,
                        arena_printf(arena, "expected events %.*s, got none (no data)",
                                     SLICE_ARG(expected->string)));
        return;
    }
    if (!result_ok(sequence_parse(arena, expected->string, &sequence))) {
        verdict_impossible(out, "events", expected->at,
                           arena_printf(arena, "%s", error_last()->text));
        return;
    }
    struct sequence_report report =
        sequence_match(sequence, arena, event_name, o->events, o->event_count);
    if (report.fits) {
        verdict_add(out, "events", expected->at, true);
        return;
    }
    const char *before = names_before(arena, o, report.at);
    const char *after = *before ? arena_printf(arena, " after \"%s\"", before) : "";
    if (report.at == o->event_count) {
        verdict_failed(out, "events", expected->at, expected->string,
                       slice_str(arena_printf(arena, "%zu events", o->event_count)),
                       "the stream ended with event %zu%s; expected %.*s next", report.at, after,
                       SLICE_ARG(report.expected));
        return;
    }
    struct slice name = text_shown(arena, o->events[report.at].name, 60);
    struct slice data = text_shown(arena, o->events[report.at].data, 200);
    verdict_failed(out, "events", expected->at, expected->string, name,
                   "expected event %zu%s to be %.*s, got %.*s%s%.*s", report.at + 1, after,
                   SLICE_ARG(report.expected), SLICE_ARG(name), data.len ? ": " : "",
                   SLICE_ARG(data));
}

/* --- terminal --- */

static const struct shape names = {.kind = SHAPE_LIST, .of = &shape_string, .min = 1};
static const struct shape name = {.kind = SHAPE_STRING, .min = 1};
static const struct shape *const name_either[] = {&name, &names, NULL};
const struct shape check_shape_terminal = {.kind = SHAPE_EITHER, .either = name_either};

/* Is `s` the word, or one of the list of words? */
static bool is_one_of(const struct node *words, struct slice s,
                      bool (*equal)(struct slice a, struct slice b))
{
    if (words->kind == NODE_STRING)
        return equal(words->string, s);
    for (size_t i = 0; i < words->count; i++)
        if (equal(words->items[i]->string, s))
            return true;
    return false;
}

/* "end or error" */
static struct slice words_shown(struct arena *arena, const struct node *words)
{
    struct text t = text_in(arena);
    if (words->kind == NODE_STRING)
        return words->string;
    for (size_t i = 0; i < words->count; i++) {
        text_add_str(&t, i ? " or " : "");
        text_add(&t, words->items[i]->string);
    }
    return text_slice(&t);
}

void check_run_terminal(struct observation *o, const struct node *expected, struct verdicts *out)
{
    struct slice wanted = words_shown(out->arena, expected);
    size_t found = 0, first = 0;
    if (o->event_count == 0) {
        verdict_no_data(out, "terminal", expected->at, wanted,
                        arena_printf(out->arena,
                                     "expected the stream to end with %.*s, got no event (no data)",
                                     SLICE_ARG(wanted)));
        return;
    }
    for (size_t i = 0; i < o->event_count; i++) {
        if (!is_one_of(expected, o->events[i].name, slice_eq))
            continue;
        if (found++ == 0)
            first = i;
    }
    struct slice last = text_shown(out->arena, o->events[o->event_count - 1].name, 60);
    if (found == 1 && first == o->event_count - 1)
        verdict_add(out, "terminal", expected->at, true);
    else if (found == 0)
        verdict_failed(out, "terminal", expected->at, wanted, last,
                       "expected the stream to end with %.*s, got %.*s as the last of %zu events",
                       SLICE_ARG(wanted), SLICE_ARG(last), o->event_count);
    else if (found == 1)
        verdict_failed(out, "terminal", expected->at, wanted, last,
                       "expected %.*s to be the last event, got %zu more after it (event %zu of "
                       "%zu), the last %.*s",
                       SLICE_ARG(wanted), o->event_count - first - 1, first + 1, o->event_count,
                       SLICE_ARG(last));
    else
        verdict_failed(out, "terminal", expected->at, wanted,
                       slice_str(arena_printf(out->arena, "%zu of them", found)),
                       "expected exactly one event %.*s, got %zu, the first as event %zu of %zu",
                       SLICE_ARG(wanted), found, first + 1, o->event_count);
}

/* --- tokens --- */

static const struct field token_table[] = {
    {"count", &shape_number_matcher, false, "How many tokens.", "{\"le\": 100}"},
    {"text", &shape_matcher, false, "Their joined text.", "{\"starts\": \"{\"}"},
    {"contiguous", &shape_only_true, false, "They are numbered 0, 1, 2, … in order.", "true"},
    {"utf8", &shape_only_true, false, "Every token is valid UTF-8 by itself.", "true"},
    {"each", &shape_matcher, false, "Every token's text.", "{\"length\": {\"le\": 20}}"},
    {NULL},
};
static const struct field *const token_fields[] = {token_table, NULL};
const struct shape check_shape_tokens = {
    .name = "tokens check", .kind = SHAPE_OBJECT, .fields = token_fields, .check = map_not_empty};

/* A check over all tokens, of which there must be one. */
static bool has_tokens(const struct observation *o, struct verdicts *out, const char *check,
                       struct place at, const char *wanted)
{
    if (o->token_count)
        return true;
    verdict_no_data(
        out, check, at, slice_str(wanted),
        arena_printf(out->arena, "expected tokens to be %s, got no token (no data)", wanted));
    return false;
}

static void check_contiguous(const struct observation *o, struct place at, struct verdicts *out)
{
    static const char check[] = "tokens contiguous", wanted[] = "numbered 0, 1, 2, …";
    if (!has_tokens(o, out, check, at, wanted))
        return;
    for (size_t i = 0; i < o->token_count; i++) {
        int64_t index = o->tokens[i].index;
        if (index == (int64_t)i)
            continue;
        struct slice got = index < 0
                               ? SLICE("no number")
                               : slice_str(arena_printf(out->arena, "%lld", (long long)index));
        verdict_failed(out, check, at, slice_str(wanted), got,
                       "expected token %zu to be numbered %zu, got %.*s", i + 1, i, SLICE_ARG(got));
        return;
    }
    verdict_add(out, check, at, true);
}

static void check_utf8(const struct observation *o, struct place at, struct verdicts *out)
{
    static const char check[] = "tokens utf8", wanted[] = "valid UTF-8";
    if (!has_tokens(o, out, check, at, wanted))
        return;
    for (size_t i = 0; i < o->token_count; i++) {
        struct slice text = o->tokens[i].text;
        size_t good = 0, n;
        while (good < text.len && (n = utf8_sequence(slice_from(text, good))) > 0)
            good += n;
        if (good == text.len)
            continue;
        struct slice shown = text_shown(out->arena, text, 100);
        verdict_failed(out, check, at, slice_str(wanted), shown,
                       "expected token %zu to be valid UTF-8, got \"%.*s\" (wrong at byte %zu)",
                       i + 1, SLICE_ARG(shown), good + 1);
        return;
    }
    verdict_add(out, check, at, true);
}

static void check_each_token(const struct observation *o, const struct node *matcher,
                             struct verdicts *out)
{
    static const char check[] = "tokens each";
    if (!has_tokens(o, out, check, matcher->at, "seen"))
        return;
    for (size_t i = 0; i < o->token_count; i++) {
        const json_t *text = jsontext_string(out->arena, o->tokens[i].text);
        if (i + 1 < o->token_count && match_holds(out->arena, matcher, text, UNIT_NONE))
            continue;
        match(out, check, matcher, text, arena_printf(out->arena, "token %zu", i + 1), UNIT_NONE);
        return;
    }
}

void check_run_tokens(struct observation *o, const struct node *expected, struct verdicts *out)
{
    for (size_t i = 0; i < expected->count; i++) {
        struct slice key = expected->entries[i].key;
        const struct node *value = expected->entries[i].value;
        if (slice_is(key, "count")) {
            match_count(out, "tokens count", value, o->token_count, "the number of tokens",
                        UNIT_NONE);
        } else if (slice_is(key, "text")) {
            struct text joined = text_in(out->arena);
            for (size_t t = 0; t < o->token_count; t++)
                text_add(&joined, o->tokens[t].text);
            match_text(out, "tokens text", value, text_slice(&joined), "the text of the tokens");
        } else if (slice_is(key, "contiguous")) {
            check_contiguous(o, value->at, out);
        } else if (slice_is(key, "utf8")) {
            check_utf8(o, value->at, out);
        } else {
            check_each_token(o, value, out);
        }
    }
}

/* --- text, stop_reason, stop_sequence --- */

const struct shape check_shape_text = {
    .kind = SHAPE_EITHER, .either = (const struct shape *const[]){&shape_matcher, NULL}};

void check_run_text(struct observation *o, const struct node *expected, struct verdicts *out)
{
    match_text(out, "text", expected, o->text, "the text");
}

const struct shape check_shape_stop_reason = {.kind = SHAPE_EITHER, .either = name_either};

void check_run_stop_reason(struct observation *o, const struct node *expected, struct verdicts *out)
{
    struct slice wanted = words_shown(out->arena, expected);
    if (o->stop_reason.len == 0)
        verdict_no_data(out, "stop_reason", expected->at, wanted,
                        arena_printf(out->arena,
                                     "expected the stop reason to be %.*s, got none (no data)",
                                     SLICE_ARG(wanted)));
    else if (is_one_of(expected, o->stop_reason, slice_eq_nocase))
        verdict_add(out, "stop_reason", expected->at, true);
    else
        verdict_failed(out, "stop_reason", expected->at, wanted, o->stop_reason,
                       "expected the stop reason to be %.*s, got %.*s", SLICE_ARG(wanted),
                       SLICE_ARG(o->stop_reason));
}

const struct shape check_shape_stop_sequence = {
    .kind = SHAPE_EITHER, .either = (const struct shape *const[]){&shape_matcher, NULL}};

void check_run_stop_sequence(struct observation *o, const struct node *expected,
                             struct verdicts *out)
{
    const json_t *reported =
        o->stop_sequence.data ? jsontext_string(out->arena, o->stop_sequence) : NULL;
    match_or_absent(out, "stop_sequence", expected, reported, "the stop sequence");
}

/* --- error --- */

static const struct field error_table[] = {
    {"code", &shape_matcher, false, "Its code.", "\"CANCELLED\""},
    {"message", &shape_matcher, false, "Its message.", "{\"contains\": \"cancel\"}"},
    {"json", &shape_json_paths, false, "Any part of it, as the service sent it.",
     "{\"$.retriable\": true}"},
    {NULL},
};
static const struct field *const error_fields[] = {error_table, NULL};
static const struct shape error_map = {
    .name = "error check", .kind = SHAPE_OBJECT, .fields = error_fields, .check = map_not_empty};
static const struct shape *const error_either[] = {&error_map, &name, NULL};
const struct shape check_shape_error = {.kind = SHAPE_EITHER, .either = error_either};

void check_run_error(struct observation *o, const struct node *expected, struct verdicts *out)
{
    if (expected->kind == NODE_STRING) {
        match(out, "error code", expected, json_object_get(o->error, "code"), "the error's code",
              UNIT_NONE);
        return;
    }
    for (size_t i = 0; i < expected->count; i++) {
        struct slice key = expected->entries[i].key;
        const struct node *value = expected->entries[i].value;
        if (slice_is(key, "json"))
            json_paths_check(out, "error json", value, o->error);
        else
            match(out, arena_printf(out->arena, "error %.*s", SLICE_ARG(key)), value,
                  json_object_getn(o->error, key.data, key.len),
                  arena_printf(out->arena, "the error's %.*s", SLICE_ARG(key)), UNIT_NONE);
    }
}
