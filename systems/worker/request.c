/*
 * Request bodies. One table of fields drives the reading: a row has the field's name, type and
 * default, and the rule its value is held to. A request has ten fields and is read once per job,
 * so nothing here is made for speed; a body may be up to 2 MiB of anything.
 */
#include "request.h"

#include "core/jsontext.h"
#include "core/parse.h"
#include "core/text.h"
#include "decimal.h"

struct errors {
    struct text text;
    size_t count;
};

/* The value of a field as the body has it. */
struct given {
    const json_t *json; /* NULL: absent */
    struct slice raw;   /* its JSON text, for numbers: jansson's integers end at 63 bits */
};

struct reading {
    struct arena *arena;
    struct errors errors;
    uint32_t tokens_max;
    struct execute_request *out;
};

enum field_type { FIELD_STRING, FIELD_U32, FIELD_U64_OR_NULL, FIELD_F32, FIELD_STRINGS };

static const struct type {
    const char *constraint, *wanted;
} types[] = {
    [FIELD_STRING] = {"type(string)", "a string"},
    [FIELD_U32] = {"type(u32)", "a whole number from 0 to 4294967295"},
    [FIELD_U64_OR_NULL] = {"type(u64)", "a whole number from 0 to 18446744073709551615 or null"},
    [FIELD_F32] = {"type(f32)", "a number"},
    [FIELD_STRINGS] = {"type([string])", "a list of strings"},
};

struct field {
    const char *name;
    enum field_type type;
    bool required;
    size_t offset; /* of the value in struct execute_request, but for FIELD_STRINGS */
    float high;    /* FIELD_F32: at most this, and at least 0 */
    void (*check)(struct reading *r, const struct field *field);
};

static void add_error(struct reading *r, const char *field, const char *constraint,
                      const char *value, const char *format, ...) PRINTF_LIKE(5, 6);

static void add_error(struct reading *r, const char *field, const char *constraint,
                      const char *value, const char *format, ...)
{
    struct text *t = &r->errors.text;
    if (r->errors.count++ >= REQUEST_ERRORS_MAX)
        return;
    va_list args;
    va_start(args, format);
    const char *message = arena_vprintf(r->arena, format, args);
    va_end(args);
    text_printf(t, "%s{\"field\":\"%s\",\"constraint\":\"%s\",\"message\":",
                r->errors.count > 1 ? "," : "", field, constraint);
    text_add_json(t, slice_str(message));
    if (value) {
        text_add_str(t, ",\"value\":");
        text_add_json(t, slice_str(value));
    }
    text_add_byte(t, '}');
}

static struct reading reading_in(struct arena *arena)
{
    struct reading r = {.arena = arena, .errors.text = text_in(arena)};
    text_add_str(&r.errors.text, "{\"errors\":[");
    return r;
}

static struct slice errors_text(struct reading *r)
{
    text_add_str(&r->errors.text, "]}");
    return text_slice(&r->errors.text);
}

/* The rules of single fields. */

static void check_job_id(struct reading *r, const struct field *field)
{
    if (r->out->job_id.len == 0)
        add_error(r, field->name, "non_empty", "", "job_id must not be empty");
}

/* The prompt may be private: it is never repeated. */
static void check_prompt(struct reading *r, const struct field *field)
{
    size_t length = utf8_length(r->out->prompt);
    if (length == 0)
        add_error(r, field->name, "length(1..=32768)", NULL, "prompt must not be empty");
    else if (length > REQUEST_PROMPT_MAX)
        add_error(r, field->name, "length(1..=32768)", NULL,
                  "prompt must be at most 32768 characters (got %zu)", length);
}

static void check_max_tokens(struct reading *r, const struct field *field)
{
    uint32_t tokens = r->out->max_tokens, most = r->tokens_max;
    if (tokens >= 1 && tokens <= most)
        return;
    const char *constraint = arena_printf(r->arena, "range(1..=%u)", most);
    const char *value = arena_printf(r->arena, "%u", tokens);
    if (tokens < 1)
        add_error(r, field->name, constraint, value, "max_tokens must be at least 1");
    else
        add_error(r, field->name, constraint, value, "max_tokens must be at most %u (got %u)", most,
                  tokens);
}

static void check_range(struct reading *r, const struct field *field)
{
    float value;
    memcpy(&value, (const char *)r->out + field->offset, sizeof(value));
    if (value >= 0 && value <= field->high)
        return;
    bool low = value < 0;
    char shown[DECIMAL_TEXT];
    decimal_f32(shown, value);
    add_error(r, field->name, arena_printf(r->arena, "range(0.0..=%.1f)", (double)field->high),
              shown, "%s must be at %s %.1f (got %s)", field->name, low ? "least" : "most",
              low ? 0.0 : (double)field->high, shown);
}

#define OFFSET(member) offsetof(struct execute_request, member)

/* In the order in which failures are reported. */
static const struct field fields[] = {
    {"job_id", FIELD_STRING, true, OFFSET(job_id), .check = check_job_id},
    {"prompt", FIELD_STRING, true, OFFSET(prompt), .check = check_prompt},
    {"max_tokens", FIELD_U32, true, OFFSET(max_tokens), .check = check_max_tokens},
    {"temperature", FIELD_F32, false, OFFSET(temperature), 2, check_range},
    {"seed", FIELD_U64_OR_NULL, false, OFFSET(seed)},
    {"top_p", FIELD_F32, false, OFFSET(top_p), 1, check_range},
    {"top_k", FIELD_U32, false, OFFSET(top_k)},
    {"repetition_penalty", FIELD_F32, false, OFFSET(repetition_penalty), 2, check_range},
    {"stop", FIELD_STRINGS, false, 0},
    {"min_p", FIELD_F32, false, OFFSET(min_p), 1, check_range},
};
#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))
#define FIELD_JOB_ID 0

static bool all_strings(const json_t *list)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)(uintptr_t)list, i, item) if (!json_is_string(item)) return false;
    return true;
}

static void read_stop(struct reading *r, const json_t *list)
{
    size_t count = json_array_size(list);
    if (count > STOP_COUNT_MAX)
        add_error(r, "stop", "max_count(4)", arena_printf(r->arena, "%zu", count),
                  "stop must have at most 4 sequences (got %zu)", count);
    for (size_t i = 0; i < count; i++) {
        struct slice item = jsontext_slice(json_array_get(list, i));
        if (item.len == 0)
            add_error(r, "stop", "non_empty", NULL, "stop sequence %zu must not be empty", i);
        else if (item.len > STOP_BYTES_MAX)
            add_error(r, "stop", "max_length(100)", NULL,
                      "stop sequence %zu must be at most 100 characters (got %zu)", i, item.len);
        else if (r->out->stop_count < STOP_COUNT_MAX)
            r->out->stop[r->out->stop_count++] = item;
    }
}

/* Store the value of a field; false when it is of another type. */
static bool read_value(struct reading *r, const struct field *field, const struct given *given)
{
    void *at = (char *)r->out + field->offset;
    uint64_t whole;
    switch (field->type) {
    case FIELD_STRING:
        if (!json_is_string(given->json))
            return false;
        memcpy(at, &(struct slice){json_string_value(given->json), json_string_length(given->json)},
               sizeof(struct slice));
        return true;
    case FIELD_U32:
        if (!json_is_number(given->json) ||
            !result_ok(parse_unsigned(given->raw, UINT32_MAX, &whole)))
            return false;
        memcpy(at, &(uint32_t){(uint32_t)whole}, sizeof(uint32_t));
        return true;
    case FIELD_U64_OR_NULL:
        if (json_is_null(given->json))
            return true;
        if (!json_is_number(given->json) ||
            !result_ok(parse_unsigned(given->raw, UINT64_MAX, &whole)))
            return false;
        memcpy(at, &whole, sizeof(whole));
        return true;
    case FIELD_F32:
        if (!json_is_number(given->json))
            return false;
        memcpy(at, &(float){(float)json_number_value(given->json)}, sizeof(float));
        return true;
    case FIELD_STRINGS:
        if (!json_is_array(given->json) || !all_strings(given->json))
            return false;
        read_stop(r, given->json);
        return true;
    }
    return false;
}

static void read_field(struct reading *r, const struct field *field, const struct given *given)
{
    if (!given->json) {
        if (field->required)
            add_error(r, field->name, "required", NULL, "%s is required", field->name);
        return;
    }
    if (!read_value(r, field, given)) {
        const struct type *type = &types[field->type];
        const char *got = json_is_number(given->json)
                              ? arena_string(r->arena, slice_part(given->raw, 0, 40))
                              : jsontext_type(given->json);
        if (field->type == FIELD_STRINGS && json_is_array(given->json))
            got = "a list with something else in it";
        add_error(r, field->name, type->constraint, NULL, "%s must be %s (got %s)", field->name,
                  type->wanted, got);
        return;
    }
    if (field->check)
        field->check(r, field);
}

/* The JSON text of a value at the front of `rest`, and what follows it. `rest` is valid JSON. */
static struct slice cut_value(struct slice *rest)
{
    size_t depth = 0, i = 0;
    for (bool in_string = false; i < rest->len; i++) {
        char c = rest->data[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (depth == 0 && (c == ',' || c == '}' || c == ':')) {
            break;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    struct slice value = slice_trim(slice_part(*rest, 0, i));
    *rest = slice_from(*rest, i + 1);
    return value;
}

/* Find the fields in the body: an object keeps its members in the order of the text. */
static void find_fields(const json_t *body, struct slice text, struct given given[FIELD_COUNT])
{
    json_t *object = (json_t *)(uintptr_t)body; /* jansson's iterators have no const */
    struct slice rest = slice_from(text, (size_t)slice_find_byte(text, '{') + 1);
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        cut_value(&rest); /* its name */
        struct slice raw = cut_value(&rest);
        for (size_t i = 0; i < FIELD_COUNT; i++)
            if (slice_is(slice_str(json_object_iter_key(at)), fields[i].name))
                given[i] = (struct given){json_object_iter_value(at), raw};
    }
}

/* The body as a JSON object; NULL when it is none, with the failure added. */
static json_t *read_object(struct reading *r, struct slice body)
{
    json_t *value;
    if (!result_ok(jsontext_read_in(r->arena, body, &value)))
        add_error(r, "body", "json", NULL, "%s", error_last()->text);
    else if (json_is_object(value))
        return value;
    else
        add_error(r, "body", "type(object)", NULL, "body must be a JSON object (got %s)",
                  jsontext_type(value));
    return NULL;
}

bool request_execute(struct arena *arena, struct slice body, uint32_t tokens_max,
                     struct execute_request *out, struct slice *errors)
{
    struct reading r = reading_in(arena);
    r.out = out;
    r.tokens_max = tokens_max;
    *out = (struct execute_request){
        .seed = REQUEST_SEED,
        .temperature = 1,
        .top_p = 1,
        .repetition_penalty = 1,
    };
    json_t *object = read_object(&r, body);
    if (object) {
        struct given given[FIELD_COUNT] = {0};
        find_fields(object, body, given);
        for (size_t i = 0; i < FIELD_COUNT; i++)
            read_field(&r, &fields[i], &given[i]);
    }
    if (r.errors.count)
        *errors = errors_text(&r);
    return r.errors.count == 0;
}

bool request_cancel(struct arena *arena, struct slice body, struct slice *job_id,
                    struct slice *errors)
{
    struct execute_request request = {0};
    struct reading r = reading_in(arena);
    r.out = &request;
    json_t *object = read_object(&r, body);
    if (object) {
        struct given given[FIELD_COUNT] = {0};
        find_fields(object, body, given);
        read_field(&r, &fields[FIELD_JOB_ID], &given[FIELD_JOB_ID]);
    }
    *job_id = request.job_id;
    if (r.errors.count)
        *errors = errors_text(&r);
    return r.errors.count == 0;
}

struct slice request_failure(struct arena *arena, const char *field, const char *constraint,
                             const char *message, const char *value)
{
    struct reading r = reading_in(arena);
    add_error(&r, field, constraint, value, "%s", message);
    return errors_text(&r);
}
