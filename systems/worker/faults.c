/*
 * The table of faults, its reader and its page.
 */
#include "faults.h"

#include "core/parse.h"
#include "core/text.h"

#define NUMBER(initial, min, max) {true, (initial), (min), (max)}
#define TOKEN_MAX 1000000
#define DAY_MS 86400000

const struct fault_row fault_rows[FAULT_COUNT] = {
    [FAULT_STATUS] = {"status",
                      "answers with this HTTP status instead of doing anything, and with "
                      "Retry-After when seconds are given",
                      false,
                      {[FAULT_CODE] = NUMBER(503, 200, 599),
                       [FAULT_RETRY_AFTER] = NUMBER(FAULT_NOT_GIVEN, 0, TOKEN_MAX)}},
    [FAULT_SILENT] = {"silent",
                      "says nothing for so long, for ever without ms, and then answers",
                      false,
                      {[FAULT_MS] = NUMBER(FAULT_NOT_GIVEN, 0, DAY_MS)}},
    [FAULT_ERROR] = {"error",
                     "an error event takes the place of the token, and the stream ends",
                     false,
                     {[FAULT_AT] = NUMBER(1, 0, TOKEN_MAX)}},
    [FAULT_RESET] = {"reset",
                     "the connection is reset (RST) before the token",
                     false,
                     {[FAULT_AT] = NUMBER(1, 0, TOKEN_MAX)}},
    [FAULT_CLOSE] = {"close",
                     "the connection is closed (FIN) before the token: the body has no end",
                     false,
                     {[FAULT_AT] = NUMBER(1, 0, TOKEN_MAX)}},
    [FAULT_EXIT] = {"exit",
                    "the worker's process ends with this status before the token",
                    false,
                    {[FAULT_AT] = NUMBER(1, 0, TOKEN_MAX), [FAULT_CODE] = NUMBER(70, 0, 255)}},
    [FAULT_STALL] =
        {"stall",
         "nothing comes for so long before the token, for ever without ms",
         false,
         {[FAULT_AT] = NUMBER(1, 0, TOKEN_MAX), [FAULT_MS] = NUMBER(FAULT_NOT_GIVEN, 0, DAY_MS)}},
    [FAULT_TRUNCATE] = {"truncate",
                        "Content-Length is right and the last bytes of the body do not come",
                        false,
                        {[FAULT_BYTES] = NUMBER(1, 1, TOKEN_MAX)}},
    [FAULT_OVERLONG] = {"overlong",
                        "Content-Length is so many bytes less than the body that comes",
                        false,
                        {[FAULT_BYTES] = NUMBER(1, 1, TOKEN_MAX)}},
    [FAULT_MALFORMED] = {"malformed",
                         "the JSON of the token, or of an answer that is no stream, lacks its "
                         "last byte",
                         false,
                         {[FAULT_AT] = NUMBER(1, 0, TOKEN_MAX)}},
    [FAULT_SWAP] = {"swap",
                    "the token comes after the event that follows it",
                    false,
                    {[FAULT_AT] = NUMBER(1, 0, TOKEN_MAX)}},
    [FAULT_DUPLICATE] = {"duplicate",
                         "the event comes twice",
                         false,
                         {[FAULT_AT] = NUMBER(1, 0, TOKEN_MAX),
                          [FAULT_EVENT] = NUMBER(FRAME_TOKEN, 0, FRAME_KINDS)}},
    [FAULT_DROP] = {"drop",
                    "the event does not come: with event=end a stream that closes without its "
                    "end, with event=done one without [DONE]",
                    false,
                    {[FAULT_AT] = NUMBER(1, 0, TOKEN_MAX),
                     [FAULT_EVENT] = NUMBER(FRAME_TOKEN, 0, FRAME_KINDS)}},
    [FAULT_ROLE_ONLY] = {"role_only",
                         "a chunk with nothing but the role before the token",
                         true,
                         {[FAULT_AT] = NUMBER(1, 0, TOKEN_MAX)}},
    [FAULT_USAGE] = {"usage",
                     "a chunk with usage and without choices before the token, asked for or not",
                     true,
                     {[FAULT_AT] = NUMBER(1, 0, TOKEN_MAX)}},
    [FAULT_INVALID_UTF8] = {"invalid_utf8",
                            "a byte FF stands at the beginning of the token's text",
                            false,
                            {[FAULT_AT] = NUMBER(1, 0, TOKEN_MAX)}},
    [FAULT_SPLIT_UTF8] = {"split_utf8",
                          "chunk and segment end inside every character of several bytes",
                          false,
                          {{0}}},
    [FAULT_CRLF] = {"crlf", "lines of the stream end with CRLF", false, {{0}}},
    [FAULT_NO_SPACE] = {"no_space", "no space after the colon of a field", false, {{0}}},
    [FAULT_BUNDLE] = {"bundle",
                      "so many events in one chunk, which waits for the last of them",
                      false,
                      {[FAULT_TOKENS] = NUMBER(4, 2, 10000)}},
    [FAULT_SEGMENTS] = {"segments",
                        "every so many bytes of the answer are a segment of their own",
                        false,
                        {[FAULT_BYTES] = NUMBER(1, 1, 65536)}},
    [FAULT_ONE_SEGMENT] = {"one_segment",
                           "the whole answer leaves at once when it is complete",
                           false,
                           {{0}}},
    [FAULT_LORIS] = {"loris",
                     "so many bytes of the answer, its head too, in every so many milliseconds",
                     false,
                     {[FAULT_BYTES] = NUMBER(1, 1, 65536), [FAULT_MS] = NUMBER(10, 1, DAY_MS)}},
};

static const char *const parameter_names[FAULT_PARAMETERS + 1] = {
    "at", "ms", "bytes", "code", "retry_after", "tokens", "event", NULL};
static const char *const kind_names[FRAME_KINDS + 1] = {"started", "token", "metrics", "usage",
                                                        "end",     "error", "done",    NULL};

static size_t index_of(struct slice word, const char *const *names)
{
    size_t i = 0;
    while (names[i] && !slice_is(word, names[i]))
        i++;
    return i;
}

static struct result read_value(enum fault_name fault, struct slice key, struct slice value,
                                struct fault_plan *plan)
{
    const struct fault_row *row = &fault_rows[fault];
    size_t at = index_of(key, parameter_names);
    ENSURE(at < FAULT_PARAMETERS && row->parameters[at].taken, ERR_VALUE,
           "the fault %s has no parameter \"%.*s\"", row->name, SLICE_ARG(key));
    uint64_t *out = &plan->values[fault][at];
    if (at == FAULT_EVENT) {
        *out = index_of(value, kind_names);
        ENSURE(*out < FRAME_KINDS, ERR_VALUE,
               "%s: event is one of started, token, metrics, usage, end, error and done "
               "(got \"%.*s\")",
               row->name, SLICE_ARG(value));
        return RESULT_OK;
    }
    ENSURE(result_ok(parse_unsigned(value, row->parameters[at].max, out)) &&
               *out >= row->parameters[at].min,
           ERR_VALUE, "%s: %s is a whole number from %llu to %llu (got \"%.*s\")", row->name,
           parameter_names[at], (unsigned long long)row->parameters[at].min,
           (unsigned long long)row->parameters[at].max, SLICE_ARG(value));
    return RESULT_OK;
}

static struct result unknown(struct slice name)
{
    const char *names[FAULT_COUNT + 1] = {NULL};
    for (size_t i = 0; i < FAULT_COUNT; i++)
        names[i] = fault_rows[i].name;
    const char *nearest = slice_nearest(name, names);
    return error_set(ERR_VALUE, "unknown fault \"%.*s\"%s%s%s", SLICE_ARG(name),
                     nearest ? "; did you mean " : " (see assay-worker --help-faults)",
                     nearest ? nearest : "", nearest ? "?" : "");
}

static struct result read_one(struct slice text, bool openai, struct fault_plan *plan)
{
    struct slice part, key;
    slice_split(&text, ',', &part);
    part = slice_trim(part);
    enum fault_name fault = 0;
    while (fault < FAULT_COUNT && !slice_is(part, fault_rows[fault].name))
        fault++;
    if (fault == FAULT_COUNT)
        return unknown(part);
    ENSURE(openai || !fault_rows[fault].openai_only, ERR_VALUE,
           "the fault %s needs a stream of the OpenAI form", fault_rows[fault].name);
    for (size_t i = 0; i < FAULT_PARAMETERS; i++)
        plan->values[fault][i] = fault_rows[fault].parameters[i].initial;
    while (slice_split(&text, ',', &part)) {
        ENSURE(slice_split(&part, '=', &key), ERR_VALUE, "%s: expected KEY=VALUE",
               fault_rows[fault].name);
        TRY(read_value(fault, slice_trim(key), slice_trim(part), plan));
    }
    plan->asked[fault] = plan->any = true;
    return RESULT_OK;
}

struct result faults_read(struct slice text, bool openai, struct fault_plan *plan)
{
    struct slice one;
    while (slice_split(&text, ';', &one))
        TRY(read_one(one, openai, plan));
    return RESULT_OK;
}

static void show_parameter(struct text *t, const struct fault_row *row, size_t i)
{
    uint64_t initial = row->parameters[i].initial;
    text_printf(t, "`%s`", parameter_names[i]);
    if (i == FAULT_EVENT)
        text_printf(t, " (%s)", kind_names[initial]);
    else if (initial != FAULT_NOT_GIVEN)
        text_printf(t, " (%llu)", (unsigned long long)initial);
    text_add_byte(t, ' ');
}

const char *faults_page(struct arena *arena)
{
    struct text t = text_in(arena);
    text_add_str(&t, "| fault | parameters (default) | what happens |\n|---|---|---|\n");
    for (size_t fault = 0; fault < FAULT_COUNT; fault++) {
        const struct fault_row *row = &fault_rows[fault];
        text_printf(&t, "| `%s` | ", row->name);
        for (size_t i = 0; i < FAULT_PARAMETERS; i++)
            if (row->parameters[i].taken)
                show_parameter(&t, row, i);
        text_printf(&t, "| %s%s |\n", row->help, row->openai_only ? " (OpenAI streams)" : "");
    }
    return text_str(&t);
}
