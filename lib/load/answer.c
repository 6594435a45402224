/*
 * What is looked for in answers, and what it means.
 */
#include "load/answer.h"

#include "core/result.h"
#include "load/scan.h"

const char *const answer_kind_names[ANSWER_KIND_COUNT] = {
#define X(code, name, what) name,
    ANSWER_KIND_TABLE(X)
#undef X
};

enum wanted {
    WANTED_TEXT,
    WANTED_REASONING,
    WANTED_REASONING_TOO, /* under the name that newer servers have for it */
    WANTED_REFUSAL,
    WANTED_TOOLS,
    WANTED_CHOICES,
    WANTED_CHOICE,
    WANTED_FINISH,
    WANTED_TOKENS,
    WANTED_INPUT,
    WANTED_ERROR,
    WANTED_COUNT,
};

#define PATH(depth, ...) {{__VA_ARGS__}, depth}
#define NOTHING PATH(SCAN_DEPTH, SLICE(""), SLICE(""), SLICE(""), SLICE(""))
#define OF_CHOICE(...) PATH(4, SLICE("choices"), SLICE("0"), __VA_ARGS__)
#define COMMON                                                                                     \
    [WANTED_CHOICES] = PATH(1, SLICE("choices")),                                                  \
    [WANTED_CHOICE] = PATH(3, SLICE("choices"), SLICE("0"), SLICE("index")),                       \
    [WANTED_FINISH] = PATH(3, SLICE("choices"), SLICE("0"), SLICE("finish_reason")),               \
    [WANTED_TOKENS] = PATH(2, SLICE("usage"), SLICE("completion_tokens")),                         \
    [WANTED_INPUT] = PATH(2, SLICE("usage"), SLICE("prompt_tokens")),                              \
    [WANTED_ERROR] = PATH(1, SLICE("error"))
#define CHAT(where)                                                                                \
    [WANTED_TEXT] = OF_CHOICE(SLICE(where), SLICE("content")),                                     \
    [WANTED_REASONING] = OF_CHOICE(SLICE(where), SLICE("reasoning_content")),                      \
    [WANTED_REASONING_TOO] = OF_CHOICE(SLICE(where), SLICE("reasoning")),                          \
    [WANTED_REFUSAL] = OF_CHOICE(SLICE(where), SLICE("refusal")),                                  \
    [WANTED_TOOLS] = OF_CHOICE(SLICE(where), SLICE("tool_calls"))

static const struct scan_path chat_event[WANTED_COUNT] = {CHAT("delta"), COMMON};
static const struct scan_path chat_answer[WANTED_COUNT] = {CHAT("message"), COMMON};
static const struct scan_path completion[WANTED_COUNT] = {
    [WANTED_TEXT] = PATH(3, SLICE("choices"), SLICE("0"), SLICE("text")),
    [WANTED_REASONING] = NOTHING,
    [WANTED_REASONING_TOO] = NOTHING,
    [WANTED_REFUSAL] = NOTHING,
    [WANTED_TOOLS] = NOTHING,
    COMMON,
};

/* What came is no event of the API, or tells of an error: say what it was. */
static enum failure malformed(const char *what, struct slice data)
{
    (void)error_set(ERR_PROTOCOL, "%s: %.*s", what, (int)(data.len < 160 ? data.len : 160),
                    data.data);
    return FAILURE_MALFORMED;
}

static enum failure told_error(struct slice data)
{
    (void)error_set(ERR_PROTOCOL, "%.*s", (int)(data.len < 200 ? data.len : 200), data.data);
    return FAILURE_STREAM_ERROR;
}

/* ------------------------------------------------------------------ events */

static enum failure execute_event(struct slice data, struct answer_part *out)
{
    static const struct scan_path paths[] = {PATH(1, SLICE("t")), PATH(1, SLICE("tokens_out")),
                                             PATH(1, SLICE("type"))};
    enum { TEXT, TOKENS, TYPE, COUNT };
    struct scan_value values[COUNT];
    if (!scan_json(data, paths, COUNT, values))
        return malformed("an event is not JSON", data);
    struct slice type = values[TYPE].text;
    if (slice_is(type, "error"))
        return told_error(data);
    if (slice_is(type, "token")) {
        out->kind = scan_has_text(&values[TEXT]) ? ANSWER_TEXT : ANSWER_EMPTY;
        if (out->kind == ANSWER_TEXT)
            out->text = values[TEXT].text;
    } else if (slice_is(type, "end")) {
        out->kind = ANSWER_DONE;
        out->tokens = scan_count(&values[TOKENS]);
    }
    return FAILURE_NONE;
}

static enum answer_kind openai_kind(const struct scan_value *values)
{
    if (scan_has_text(&values[WANTED_TEXT]) || scan_has_text(&values[WANTED_REFUSAL]))
        return ANSWER_TEXT;
    if (values[WANTED_TOOLS].elements > 0)
        return ANSWER_TOOL;
    if (scan_has_text(&values[WANTED_REASONING]) || scan_has_text(&values[WANTED_REASONING_TOO]))
        return ANSWER_REASONING;
    if (values[WANTED_CHOICES].elements > 0)
        return ANSWER_EMPTY;
    return values[WANTED_TOKENS].kind == SCAN_NUMBER ? ANSWER_USAGE : ANSWER_OTHER;
}

static enum failure openai(const struct scan_path *paths, struct slice data, const char *what,
                           struct answer_part *out)
{
    struct scan_value values[WANTED_COUNT];
    if (!scan_json(data, paths, WANTED_COUNT, values))
        return malformed(what, data);
    if (values[WANTED_ERROR].kind > SCAN_NULL)
        return told_error(data);
    int64_t choice = scan_count(&values[WANTED_CHOICE]);
    out->kind = openai_kind(values);
    if (scan_has_text(&values[WANTED_TEXT]))
        out->text = values[WANTED_TEXT].text;
    out->choice = choice > 0 && choice < UINT32_MAX ? (uint32_t)choice : 0;
    out->finish = values[WANTED_FINISH].kind == SCAN_STRING;
    out->tokens = scan_count(&values[WANTED_TOKENS]);
    out->input = scan_count(&values[WANTED_INPUT]);
    return FAILURE_NONE;
}

static const struct answer_part nothing = {.kind = ANSWER_OTHER, .tokens = -1, .input = -1};

enum failure answer_event(enum target_api api, struct slice data, struct answer_part *out)
{
    *out = nothing;
    switch (api) {
    case TARGET_EXECUTE:
        return execute_event(data, out);
    case TARGET_CHAT:
    case TARGET_COMPLETE:
        if (!slice_is(data, "[DONE]"))
            return openai(api == TARGET_CHAT ? chat_event : completion, data,
                          "an event is not JSON", out);
        out->kind = ANSWER_DONE;
        return FAILURE_NONE;
    default: /* nothing is known of it, nor of its end */
        out->kind = data.len > 0 ? ANSWER_TEXT : ANSWER_OTHER;
        out->finish = true;
        return FAILURE_NONE;
    }
}

/* ------------------------------------------------------------------ whole answers */

/* Embeddings or tensors: an array of them under `name`. */
static enum failure numbers(const char *name, struct slice body, struct answer_part *out)
{
    const struct scan_path paths[] = {PATH(1, slice_str(name)),
                                      PATH(2, SLICE("usage"), SLICE("prompt_tokens")),
                                      PATH(1, SLICE("error"))};
    enum { RESULTS, INPUT, ERROR, COUNT };
    struct scan_value values[COUNT];
    if (!scan_json(body, paths, COUNT, values))
        return malformed("the answer is not JSON", body);
    if (values[ERROR].kind > SCAN_NULL)
        return told_error(body);
    if (values[RESULTS].elements == 0)
        return malformed("the answer has no results", body);
    out->results = values[RESULTS].elements;
    out->input = scan_count(&values[INPUT]);
    return FAILURE_NONE;
}

enum failure answer_body(enum target_api api, struct slice body, struct answer_part *out)
{
    *out = nothing;
    switch (api) {
    case TARGET_CHAT:
    case TARGET_COMPLETE:
        return openai(api == TARGET_CHAT ? chat_answer : completion, body, "the answer is not JSON",
                      out);
    case TARGET_EMBED:
        return numbers("data", body, out);
    case TARGET_INFER:
        return numbers("outputs", body, out);
    default:
        return FAILURE_NONE;
    }
}
