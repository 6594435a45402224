/*
 * Reading rows. A row is a JSON object for as long as it is read; what is kept of it is text as it
 * will be sent.
 */
#include "load/inputs.h"

#include <math.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/limits.h"
#include "core/parse.h"
#include "core/rows.h"
#include "core/text.h"

enum field {
    FIELD_PROMPT,
    FIELD_MESSAGES,
    FIELD_CONVERSATION,
    FIELD_SYSTEM,
    FIELD_TOKENS,
    FIELD_BLOCKS,
    FIELD_MAX_TOKENS,
    FIELD_MODEL,
    FIELD_AT,
    FIELD_COUNT,
};

static const struct {
    const char *name;
    enum field field;
    double unit; /* of a time that is a number, ns; 0: it is a date */
} names[] = {
    {"prompt", FIELD_PROMPT, 0},
    {"text", FIELD_PROMPT, 0},
    {"input", FIELD_PROMPT, 0},
    {"input_text", FIELD_PROMPT, 0},
    {"question", FIELD_PROMPT, 0},
    {"messages", FIELD_MESSAGES, 0},
    {"conversations", FIELD_CONVERSATION, 0},
    {"system", FIELD_SYSTEM, 0},
    {"system_prompt", FIELD_SYSTEM, 0},
    {"input_tokens", FIELD_TOKENS, 0},
    {"prompt_tokens", FIELD_TOKENS, 0},
    {"input_length", FIELD_TOKENS, 0},
    {"ContextTokens", FIELD_TOKENS, 0},
    {"Request tokens", FIELD_TOKENS, 0},
    {"hash_ids", FIELD_BLOCKS, 0},
    {"max_tokens", FIELD_MAX_TOKENS, 0},
    {"max_completion_tokens", FIELD_MAX_TOKENS, 0},
    {"output_tokens", FIELD_MAX_TOKENS, 0},
    {"output_length", FIELD_MAX_TOKENS, 0},
    {"GeneratedTokens", FIELD_MAX_TOKENS, 0},
    {"Response tokens", FIELD_MAX_TOKENS, 0},
    {"model", FIELD_MODEL, 0},
    {"at_s", FIELD_AT, 1e9},
    {"at_ms", FIELD_AT, 1e6},
    {"timestamp", FIELD_AT, 1e6},
    {"Timestamp", FIELD_AT, 1e9},
    {"TIMESTAMP", FIELD_AT, 0},
};

/* A row while it is read. */
struct row {
    struct arena *arena;   /* what is kept */
    struct arena *scratch; /* of this row */
    const char *path;
    size_t line;
    const json_t *values[FIELD_COUNT];
    const char *called[FIELD_COUNT];
    double unit;
    struct input_message *messages;
    uint32_t count;
};

#define WRONG(row, ...)                                                                            \
    error_context(error_set(ERR_VALUE, __VA_ARGS__), "%s:%zu", (row)->path, (row)->line)

static bool is_empty(const json_t *value)
{
    return json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0);
}

static void find_fields(struct row *row, const json_t *object)
{
    const json_t *body = json_object_get(object, "body");
    if (json_is_object(body))
        object = body;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const json_t *value = json_object_get(object, names[i].name);
        if (!value || is_empty(value) || row->values[names[i].field])
            continue;
        row->values[names[i].field] = value;
        row->called[names[i].field] = names[i].name;
        if (names[i].field == FIELD_AT)
            row->unit = names[i].unit;
    }
}

/* ------------------------------------------------------------------ numbers and times */

/* A whole number, as JSON or as a field of CSV has it; `*out` stays when there is none. */
static struct result read_count(struct row *row, enum field field, uint32_t *out)
{
    const json_t *value = row->values[field];
    uint64_t count = 0;
    bool good = false;
    if (!value)
        return RESULT_OK;
    if (json_is_integer(value)) {
        good = json_integer_value(value) >= 0;
        count = (uint64_t)json_integer_value(value);
    } else if (json_is_string(value)) {
        good = result_ok(parse_unsigned(slice_trim(jsontext_slice(value)), UINT32_MAX, &count));
    }
    if (!good || count > LIMIT_LOAD_TOKENS)
        return WRONG(row, "%s: expected a whole number up to %u", row->called[field],
                     LIMIT_LOAD_TOKENS);
    *out = (uint32_t)count;
    return RESULT_OK;
}

/* So many digits, and then `then` (0: anything). */
static bool take_digits(struct slice *rest, size_t digits, char then, int64_t *out)
{
    *out = 0;
    if (rest->len < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (rest->data[i] < '0' || rest->data[i] > '9')
            return false;
        *out = *out * 10 + (rest->data[i] - '0');
    }
    *rest = slice_from(*rest, digits);
    if (!then)
        return true;
    if (rest->len == 0 || rest->data[0] != then)
        return false;
    *rest = slice_from(*rest, 1);
    return true;
}

/* Days since 1970-01-01 of the Gregorian calendar (H. Hinnant, chrono-compatible date algorithms).
 */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* "Z", "+00:00", "+0200" or nothing; seconds that the clock there is ahead. */
static bool take_zone(struct slice *text, int64_t *ahead)
{
    int64_t hours = 0, minutes = 0;
    *ahead = 0;
    if (text->len == 0)
        return true;
    char sign = text->data[0];
    *text = slice_from(*text, 1);
    if (sign == 'Z')
        return true;
    if ((sign != '+' && sign != '-') || !take_digits(text, 2, 0, &hours))
        return false;
    if (text->len > 0 && text->data[0] == ':')
        *text = slice_from(*text, 1);
    if (text->len > 0 && !take_digits(text, 2, 0, &minutes))
        return false;
    *ahead = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
    return true;
}

/* "2023-11-16 18:17:03.9799600", with T, Z, +00:00 or +0200 as they please. */
static bool read_date(struct slice text, int64_t *out)
{
    int64_t year, month, day, hour, minute, second, unit = NS_PER_S, digit, fraction = 0, zone = 0;
    bool good = take_digits(&text, 4, '-', &year) && take_digits(&text, 2, '-', &month) &&
                take_digits(&text, 2, text.len > 2 && text.data[2] == 'T' ? 'T' : ' ', &day) &&
                take_digits(&text, 2, ':', &hour) && take_digits(&text, 2, ':', &minute) &&
                take_digits(&text, 2, 0, &second);
    if (!good || year < 1970 || year > 2200 || month < 1 || month > 12 || day < 1 || day > 31 ||
        hour > 23 || minute > 59 || second > 60)
        return false;
    if (text.len > 0 && text.data[0] == '.')
        for (text = slice_from(text, 1); take_digits(&text, 1, 0, &digit);)
            fraction += digit * (unit /= 10);
    if (!take_zone(&text, &zone))
        return false;
    int64_t seconds = ((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second - zone;
    *out = seconds * NS_PER_S + fraction;
    return text.len == 0;
}

static struct result read_at(struct row *row, int64_t *out)
{
    const json_t *value = row->values[FIELD_AT];
    double number = 0;
    bool good = false;
    if (!value)
        return WRONG(row, "it does not say when: expected at_s, at_ms or timestamp");
    if (json_is_number(value)) {
        number = json_number_value(value);
        good = true;
    } else if (json_is_string(value)) {
        struct slice text = slice_trim(jsontext_slice(value));
        if (read_date(text, out))
            return RESULT_OK;
        good = result_ok(parse_number(text, &number));
    }
    if (!good || row->unit <= 0)
        return WRONG(row, "%s: expected %sa date such as 2023-11-16 18:17:03.97",
                     row->called[FIELD_AT], row->unit > 0 ? "a number, or " : "");
    double ns = number * row->unit;
    if (!(ns >= 0 && ns < 4e18))
        return WRONG(row, "%s: %g is no time", row->called[FIELD_AT], number);
    *out = llround(ns);
    return RESULT_OK;
}

static struct result read_blocks(struct row *row, struct input *out)
{
    const json_t *value = row->values[FIELD_BLOCKS];
    if (!value)
        return RESULT_OK;
    size_t count = json_array_size(value);
    if (!json_is_array(value) || count > LIMIT_LOAD_TOKENS / INPUT_BLOCK_TOKENS)
        return WRONG(row, "hash_ids: expected an array of at most %u numbers",
                     LIMIT_LOAD_TOKENS / INPUT_BLOCK_TOKENS);
    uint64_t *blocks = ARENA_ARRAY(row->arena, uint64_t, count);
    for (size_t i = 0; i < count; i++) {
        const json_t *id = json_array_get(value, i);
        if (!json_is_integer(id))
            return WRONG(row, "hash_ids: expected whole numbers");
        blocks[i] = (uint64_t)json_integer_value(id);
    }
    out->blocks = blocks;
    out->block_count = (uint32_t)count;
    if (!out->tokens)
        out->tokens = out->block_count * INPUT_BLOCK_TOKENS;
    return RESULT_OK;
}

/* ------------------------------------------------------------------ messages */

static struct input_message *add_message(struct row *row, const char *role)
{
    ARENA_GROW(row->scratch, row->messages, row->count);
    struct input_message *m = &row->messages[row->count++];
    *m = (struct input_message){.user = strcmp(role, "user") == 0,
                                .assistant = strcmp(role, "assistant") == 0};
    return m;
}

static void add_text(struct row *row, const char *role, const json_t *content)
{
    struct input_message *m = add_message(row, role);
    struct text t = text_in(row->scratch);
    text_add_str(&t, "{\"role\":");
    text_add_json(&t, slice_str(role));
    text_add_str(&t, ",\"content\":");
    size_t from = t.len + 1;
    text_add_json(&t, jsontext_slice(content));
    size_t len = t.len - 1 - from;
    text_add_byte(&t, '}');
    m->json = arena_copy(row->arena, text_slice(&t));
    m->text = slice_part(m->json, from, len);
}

/* OpenAI's: those that are more than a role and a text are sent as they are. */
static struct result add_messages(struct row *row, const json_t *messages)
{
    for (size_t i = 0; i < json_array_size(messages); i++) {
        const json_t *message = json_array_get(messages, i);
        const char *role = json_string_value(json_object_get(message, "role"));
        const json_t *content = json_object_get(message, "content");
        if (!role)
            return WRONG(row, "message %zu: expected an object with role and content", i + 1);
        if (json_is_string(content) && json_object_size(message) == 2)
            add_text(row, role, content);
        else
            add_message(row, role)->json =
                arena_copy(row->arena, jsontext_write(row->scratch, message));
    }
    return RESULT_OK;
}

static const struct {
    const char *from, *role;
} speakers[] = {
    {"human", "user"},        {"user", "user"},           {"gpt", "assistant"},
    {"chatgpt", "assistant"}, {"assistant", "assistant"}, {"model", "assistant"},
    {"bing", "assistant"},    {"bard", "assistant"},      {"system", "system"},
};

/* ShareGPT's; what was answered before anything was asked is left out. */
static struct result add_conversation(struct row *row, const json_t *said)
{
    bool asked = false;
    for (size_t i = 0; i < json_array_size(said); i++) {
        const json_t *one = json_array_get(said, i);
        const char *from = json_string_value(json_object_get(one, "from")), *role = NULL;
        const json_t *value = json_object_get(one, "value");
        for (size_t k = 0; from && k < sizeof(speakers) / sizeof(speakers[0]); k++)
            if (strcmp(from, speakers[k].from) == 0)
                role = speakers[k].role;
        if (!role || !json_is_string(value))
            return WRONG(
                row, "conversations %zu: expected \"from\" (human, gpt or system) and \"value\"",
                i + 1);
        asked = asked || strcmp(role, "user") == 0;
        if (asked || strcmp(role, "system") == 0)
            add_text(row, role, value);
    }
    return RESULT_OK;
}

static struct result read_messages(struct row *row, struct input *out)
{
    const json_t *prompt = row->values[FIELD_PROMPT], *messages = row->values[FIELD_MESSAGES];
    const json_t *said = row->values[FIELD_CONVERSATION], *system = row->values[FIELD_SYSTEM];
    if (json_is_array(prompt) && !messages)
        messages = prompt; /* `input` of OpenAI's newer form */
    if (system && !json_is_string(system))
        return WRONG(row, "%s: expected a text", row->called[FIELD_SYSTEM]);
    if ((messages && !json_is_array(messages)) || (said && !json_is_array(said)))
        return WRONG(row, "%s: expected an array", messages ? "messages" : "conversations");
    if (system && (messages || said || prompt))
        add_text(row, "system", system);
    if (messages) {
        TRY(add_messages(row, messages));
    } else if (said) {
        TRY(add_conversation(row, said));
    } else if (json_is_string(prompt)) {
        add_text(row, "user", prompt);
    } else if (prompt) {
        return WRONG(row, "%s: expected a text", row->called[FIELD_PROMPT]);
    }
    bool asks = false;
    for (uint32_t i = 0; i < row->count; i++)
        asks = asks || row->messages[i].user;
    if ((messages || said) && !asks)
        return WRONG(row, "nobody asks anything: expected a message of the user's (leave such rows "
                          "out)");
    struct input_message *kept = ARENA_ARRAY(row->arena, struct input_message, row->count);
    if (row->count)
        memcpy(kept, row->messages, row->count * sizeof(*kept));
    out->messages = kept;
    out->message_count = row->count;
    return RESULT_OK;
}

/* ------------------------------------------------------------------ rows */

static struct result read_row(struct row *row, bool trace, struct input *out)
{
    const json_t *model = row->values[FIELD_MODEL];
    *out = (struct input){.line = (uint32_t)row->line};
    TRY(read_messages(row, out));
    TRY(read_count(row, FIELD_TOKENS, &out->tokens));
    TRY(read_blocks(row, out));
    TRY(read_count(row, FIELD_MAX_TOKENS, &out->max_tokens));
    if (model && !json_is_string(model))
        return WRONG(row, "model: expected a text");
    if (model) {
        struct text t = text_in(row->scratch);
        text_add_json(&t, jsontext_slice(model));
        out->model = arena_copy(row->arena, text_slice(&t));
    }
    if (trace)
        return read_at(row, &out->at);
    if (!out->message_count && !out->tokens)
        return WRONG(row, "it does not say what to ask: expected prompt, text, messages or "
                          "conversations, or how long with input_tokens");
    return RESULT_OK;
}

static int by_time(const void *a, const void *b)
{
    const struct input *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

static struct result read_all(struct arena *arena, struct rows *rows, bool trace,
                              struct inputs *out)
{
    json_t *object = NULL;
    *out = (struct inputs){.path = rows->name};
    for (;;) {
        TRY(rows_next(rows, &object));
        if (!object)
            break;
        struct row row = {
            .arena = arena, .scratch = arena_new(), .path = rows->name, .line = rows->line};
        ARENA_GROW(arena, out->items, out->count);
        find_fields(&row, object);
        struct result r = read_row(&row, trace, &out->items[out->count]);
        json_decref(object);
        arena_free(row.scratch);
        TRY(r);
        ENSURE(++out->count <= LIMIT_LOAD_INPUTS, ERR_TOO_LARGE, "%s: more than %u rows",
               rows->name, LIMIT_LOAD_INPUTS);
    }
    ENSURE(out->count > 0, ERR_SYNTAX, "%s: no rows", rows->name);
    if (!trace)
        return RESULT_OK;
    qsort(out->items, out->count, sizeof(*out->items), by_time);
    for (uint32_t i = out->count; i-- > 0;)
        out->items[i].at -= out->items[0].at;
    return RESULT_OK;
}

struct result inputs_parse(struct arena *arena, const char *name, struct slice text, bool trace,
                           struct inputs *out)
{
    struct rows rows;
    *out = (struct inputs){.path = name};
    TRY(rows_begin(arena, name, text, &rows));
    return read_all(arena, &rows, trace, out);
}

struct result inputs_read(struct arena *arena, const char *path, bool trace, struct inputs *out)
{
    DEFER(rows_close)
    struct rows rows;
    *out = (struct inputs){.path = path};
    TRY(rows_open(arena, path, LIMIT_LOAD_INPUT_BYTES, &rows));
    return read_all(arena, &rows, trace, out);
}
