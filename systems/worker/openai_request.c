/*
 * OpenAI's requests. A table says what each parameter may be; what takes more than a row (messages,
 * prompts, tools, response_format) has a function of its own.
 */
#include "openai_request.h"

#include "core/random.h"
#include "core/text.h"
#include "json_answer.h"

struct reader {
    struct arena *arena;
    const struct openai_model *model;
    const json_t *body;
    struct openai_request *out;
    struct openai_error *error;
    struct slice said;    /* chat: the text of the last message when it is the user's */
    bool speaks_of_json;  /* chat: a message contains the word */
    struct random random; /* for what is made up: arguments, JSON */
};

#define REFUSE(r, param, code, ...) openai_refuse((r)->arena, (r)->error, param, code, __VA_ARGS__)

/* ---- the body ---- */

static bool read_body(struct reader *r, struct slice text)
{
    json_t *body;
    if (!result_ok(jsontext_read_in(r->arena, text, &body)))
        return REFUSE(r, NULL, NULL, "We could not parse the JSON body of your request: %s",
                      error_last()->text);
    if (!json_is_object(body))
        return REFUSE(r, NULL, NULL, "The body of your request must be an object, but got %s",
                      jsontext_type(body));
    r->body = body;
    return true;
}

/* A parameter that is given; NULL when it is left out or null. */
static json_t *given(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    return json_is_null(value) ? NULL : value;
}

static bool wrong_type(struct reader *r, const char *param, const char *expected, const json_t *got)
{
    return REFUSE(r, param, "invalid_type", "Invalid type for '%s': expected %s, but got %s %s.",
                  param, expected, text_article(jsontext_type(got)), jsontext_type(got));
}

static bool missing(struct reader *r, const char *param)
{
    return REFUSE(r, param, "missing_required_parameter", "Missing required parameter: '%s'.",
                  param);
}

static bool read_model(struct reader *r)
{
    const json_t *model = given(r->body, "model");
    if (!model)
        return REFUSE(r, "model", "missing_required_parameter",
                      "you must provide a model parameter");
    if (!json_is_string(model))
        return wrong_type(r, "model", "a string", model);
    if (slice_eq(jsontext_slice(model), r->model->name))
        return true;
    struct slice shown = text_shown(r->arena, jsontext_slice(model), 200);
    (void)REFUSE(r, "model", "model_not_found",
                 "The model '%.*s' does not exist or you do not have access to it; this server has "
                 "'%.*s'.",
                 SLICE_ARG(shown), SLICE_ARG(r->model->name));
    r->error->status = 404;
    return false;
}

/* ---- simple parameters ---- */

enum parameter_kind { PARAMETER_BOOL, PARAMETER_INTEGER, PARAMETER_NUMBER };

struct parameter {
    const char *name;
    enum parameter_kind kind;
    size_t offset; /* in struct openai_request; SIZE_MAX: validated only */
    double min, max;
};

#define AT(member) offsetof(struct openai_request, member)
#define CHECKED_ONLY SIZE_MAX

static const struct parameter common[] = {
    {"stream", PARAMETER_BOOL, AT(stream), 0, 0},
    {"n", PARAMETER_INTEGER, AT(n), 1, OPENAI_CHOICES_MAX},
    {"seed", PARAMETER_INTEGER, AT(seed), -0x1p63, 0x1p63},
    {"temperature", PARAMETER_NUMBER, AT(temperature), 0, 2},
    {"top_p", PARAMETER_NUMBER, AT(top_p), 0, 1},
    {"presence_penalty", PARAMETER_NUMBER, CHECKED_ONLY, -2, 2},
    {"frequency_penalty", PARAMETER_NUMBER, CHECKED_ONLY, -2, 2},
    {"max_tokens", PARAMETER_INTEGER, AT(max_tokens), 1, 0x1p53},
    {NULL},
};
static const struct parameter of_chat[] = {
    {"max_completion_tokens", PARAMETER_INTEGER, AT(max_tokens), 1, 0x1p53},
    {"logprobs", PARAMETER_BOOL, AT(logprobs), 0, 0},
    {"top_logprobs", PARAMETER_INTEGER, AT(top_logprobs), 0, 20},
    {"parallel_tool_calls", PARAMETER_BOOL, AT(parallel_calls), 0, 0},
    {NULL},
};
static const struct parameter of_completion[] = {
    {"echo", PARAMETER_BOOL, AT(echo), 0, 0},
    {"logprobs", PARAMETER_INTEGER, AT(top_logprobs), 0, 5},
    {"best_of", PARAMETER_INTEGER, CHECKED_ONLY, 1, 20},
    {NULL},
};

static bool out_of_range(struct reader *r, const struct parameter *p, const json_t *value)
{
    double number = json_number_value(value);
    bool below = number < p->min, whole = p->kind == PARAMETER_INTEGER;
    const char *type = whole ? "integer" : "decimal";
    const char *code =
        arena_printf(r->arena, "%s_%s_value", type, below ? "below_min" : "above_max");
    return REFUSE(r, p->name, code,
                  "Invalid '%s': %s %s value. Expected a value %s %.17g, but got %.17g instead.",
                  p->name, type, below ? "below minimum" : "above maximum",
                  below ? ">=" : "<=", below ? p->min : p->max, number);
}

static bool read_parameter(struct reader *r, const struct parameter *p, const json_t *value)
{
    static const char *const expected[] = {[PARAMETER_BOOL] = "a boolean",
                                           [PARAMETER_INTEGER] = "an integer",
                                           [PARAMETER_NUMBER] = "a decimal"};
    bool fits = p->kind == PARAMETER_BOOL      ? json_is_boolean(value)
                : p->kind == PARAMETER_INTEGER ? json_is_integer(value)
                                               : json_is_number(value);
    if (!fits)
        return wrong_type(r, p->name, expected[p->kind], value);
    if (p->kind != PARAMETER_BOOL &&
        !(json_number_value(value) >= p->min && json_number_value(value) <= p->max))
        return out_of_range(r, p, value);
    if (p->offset == CHECKED_ONLY)
        return true;
    char *at = (char *)r->out + p->offset;
    if (p->kind == PARAMETER_BOOL)
        memcpy(at, &(bool){json_is_true(value)}, sizeof(bool));
    else if (p->kind == PARAMETER_INTEGER)
        memcpy(at, &(int64_t){json_integer_value(value)}, sizeof(int64_t));
    else
        memcpy(at, &(double){json_number_value(value)}, sizeof(double));
    return true;
}

static bool read_parameters(struct reader *r, const struct parameter *table)
{
    for (const struct parameter *p = table; p->name; p++) {
        const json_t *value = given(r->body, p->name);
        if (value && !read_parameter(r, p, value))
            return false;
    }
    return true;
}

static bool check_max_tokens(struct reader *r)
{
    if (r->out->max_tokens <= (int64_t)r->model->tokens_max)
        return true;
    const char *name =
        given(r->body, "max_completion_tokens") ? "max_completion_tokens" : "max_tokens";
    return REFUSE(r, name, "invalid_value",
                  "%s is too large: %lld. This model supports at most %u completion tokens.", name,
                  (long long)r->out->max_tokens, r->model->tokens_max);
}

static bool take_stop(struct reader *r, const json_t *text)
{
    struct openai_request *out = r->out;
    if (!json_is_string(text))
        return wrong_type(r, "stop", "a string or a list of strings", text);
    struct slice s = jsontext_slice(text);
    if (s.len < 1 || s.len > STOP_BYTES_MAX)
        return REFUSE(r, "stop", "invalid_value",
                      "Invalid 'stop': a stop sequence has 1 to %d bytes, but got %zu.",
                      STOP_BYTES_MAX, s.len);
    out->stop[out->stop_count++] = s;
    return true;
}

static bool read_stop(struct reader *r)
{
    const json_t *stop = given(r->body, "stop");
    if (!stop)
        return true;
    if (!json_is_array(stop))
        return take_stop(r, stop);
    if (json_array_size(stop) > STOP_COUNT_MAX)
        return REFUSE(r, "stop", "array_above_max_length",
                      "Invalid 'stop': at most %d stop sequences, but got %zu.", STOP_COUNT_MAX,
                      json_array_size(stop));
    for (size_t i = 0; i < json_array_size(stop); i++)
        if (!take_stop(r, json_array_get(stop, i)))
            return false;
    return true;
}

static bool read_stream_options(struct reader *r)
{
    const json_t *options = given(r->body, "stream_options");
    if (!options)
        return true;
    if (!json_is_object(options))
        return wrong_type(r, "stream_options", "an object", options);
    if (!r->out->stream)
        return REFUSE(r, "stream_options", NULL,
                      "The 'stream_options' parameter is only allowed when 'stream' is enabled.");
    const json_t *usage = given(options, "include_usage");
    if (usage && !json_is_boolean(usage))
        return wrong_type(r, "stream_options.include_usage", "a boolean", usage);
    r->out->include_usage = json_is_true(usage);
    return true;
}

static bool check_prompt(struct reader *r, const char *param, struct slice prompt)
{
    size_t length = utf8_length(prompt);
    if (length >= 1 && length <= OPENAI_PROMPT_MAX)
        return true;
    if (length == 0)
        return REFUSE(r, param, "invalid_value", "Invalid '%s': it must not be empty.", param);
    return REFUSE(r, param, "context_length_exceeded",
                  "This model's maximum context length is %d characters. However, your %s "
                  "resulted in %zu characters. Please reduce the length.",
                  OPENAI_PROMPT_MAX, param, length);
}

/* ---- prompts of a completion ---- */

static bool read_prompts(struct reader *r)
{
    const json_t *prompt = given(r->body, "prompt");
    if (!prompt)
        return missing(r, "prompt");
    size_t count = json_is_array(prompt) ? json_array_size(prompt) : 1;
    if (count < 1 || count > OPENAI_CHOICES_MAX || (int64_t)count * r->out->n > OPENAI_CHOICES_MAX)
        return REFUSE(r, "prompt", "invalid_value",
                      "Invalid 'prompt': 1 to %d prompts times n, but got %zu times %lld.",
                      OPENAI_CHOICES_MAX, count, (long long)r->out->n);
    struct slice *prompts = ARENA_ARRAY(r->arena, struct slice, count);
    for (size_t i = 0; i < count; i++) {
        const json_t *text = json_is_array(prompt) ? json_array_get(prompt, i) : prompt;
        if (!json_is_string(text))
            return wrong_type(r, "prompt", "a string or a list of strings (no token ids)", text);
        prompts[i] = jsontext_slice(text);
        if (!check_prompt(r, "prompt", prompts[i]))
            return false;
    }
    r->out->prompts = prompts;
    r->out->prompt_count = count;
    return true;
}

/* ---- messages ---- */

static bool add_parts(struct reader *r, const char *param, const json_t *parts, struct text *text)
{
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *part = json_array_get(parts, i), *type = given(part, "type"),
                     *words = given(part, "text");
        const char *at = arena_printf(r->arena, "%s[%zu]", param, i);
        if (!json_is_string(type))
            return missing(r, arena_printf(r->arena, "%s.type", at));
        if (!slice_is(jsontext_slice(type), "text") && !slice_is(jsontext_slice(type), "refusal"))
            return REFUSE(r, at, "invalid_value",
                          "Invalid content of type '%s': this model reads text only.",
                          json_string_value(type));
        if (!json_is_string(words))
            return missing(r, arena_printf(r->arena, "%s.text", at));
        text_add(text, jsontext_slice(words));
    }
    return true;
}

static bool read_content(struct reader *r, const char *param, const json_t *message,
                         struct text *text)
{
    const json_t *content = given(message, "content");
    param = arena_printf(r->arena, "%s.content", param);
    if (!content && (given(message, "tool_calls") || given(message, "function_call")))
        return true;
    if (!content)
        return missing(r, param);
    if (json_is_array(content))
        return add_parts(r, param, content, text);
    if (!json_is_string(content))
        return wrong_type(r, param, "a string or a list of content parts", content);
    text_add(text, jsontext_slice(content));
    return true;
}

static bool check_role(struct reader *r, const char *param, const json_t *message)
{
    static const char *const roles[] = {"system",    "developer", "user",
                                        "assistant", "tool",      "function"};
    const json_t *role = given(message, "role");
    param = arena_printf(r->arena, "%s.role", param);
    if (!role)
        return missing(r, param);
    if (!json_is_string(role))
        return wrong_type(r, param, "a string", role);
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        if (slice_is(jsontext_slice(role), roles[i]))
            return true;
    return REFUSE(r, param, "invalid_value",
                  "Invalid value: '%s'. Supported values are: 'system', 'developer', 'user', "
                  "'assistant', 'tool', and 'function'.",
                  json_string_value(role));
}

static bool check_tool_message(struct reader *r, const char *param, const json_t *message)
{
    if (slice_is(jsontext_slice(json_object_get(message, "role")), "tool") &&
        !json_is_string(given(message, "tool_call_id")))
        return missing(r, arena_printf(r->arena, "%s.tool_call_id", param));
    return true;
}

static bool contains_json(struct slice s)
{
    for (size_t i = 0; i + 4 <= s.len; i++)
        if (slice_eq_nocase(slice_part(s, i, 4), SLICE("json")))
            return true;
    return false;
}

/* The prompt is the conversation, a line for each role; or the last message alone when that is for
 * the stub to echo. */
static bool read_messages(struct reader *r)
{
    const json_t *messages = given(r->body, "messages");
    struct text prompt = text_in(r->arena);
    struct slice last = SLICE("");
    if (!messages)
        return missing(r, "messages");
    if (!json_is_array(messages))
        return wrong_type(r, "messages", "an array of objects", messages);
    if (json_array_size(messages) == 0)
        return REFUSE(r, "messages", "empty_array",
                      "Invalid 'messages': empty array. Expected an array with minimum length 1, "
                      "but got an empty array instead.");
    for (size_t i = 0; i < json_array_size(messages); i++) {
        const json_t *message = json_array_get(messages, i);
        const char *param = arena_printf(r->arena, "messages[%zu]", i);
        struct text content = text_in(r->arena);
        if (!json_is_object(message))
            return wrong_type(r, param, "an object", message);
        if (!check_role(r, param, message) || !read_content(r, param, message, &content) ||
            !check_tool_message(r, param, message))
            return false;
        last = text_slice(&content);
        const char *role = json_string_value(json_object_get(message, "role"));
        r->said = slice_is(slice_str(role), "user") ? last : SLICE("");
        r->speaks_of_json = r->speaks_of_json || contains_json(last);
        text_printf(&prompt, "%s: ", role);
        text_add(&prompt, last);
        text_add_byte(&prompt, '\n');
    }
    struct slice *whole = ARENA_NEW(r->arena, struct slice);
    *whole = slice_starts(last, SLICE("echo:")) ? last : text_slice(&prompt);
    r->out->prompts = whole;
    r->out->prompt_count = 1;
    return check_prompt(r, "messages", *whole);
}

/* ---- tools ---- */

static bool valid_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '_' && c != '-')
            return false;
    }
    return name.len >= 1 && name.len <= 64;
}

static bool check_tool(struct reader *r, const json_t *tool, size_t i)
{
    const char *param = arena_printf(r->arena, "tools[%zu]", i);
    const json_t *type = given(tool, "type"), *function = given(tool, "function"),
                 *name = given(function, "name"), *parameters = given(function, "parameters");
    if (!json_is_string(type))
        return missing(r, arena_printf(r->arena, "%s.type", param));
    if (!slice_is(jsontext_slice(type), "function"))
        return REFUSE(r, arena_printf(r->arena, "%s.type", param), "invalid_value",
                      "Invalid value: '%s'. Supported values are: 'function'.",
                      json_string_value(type));
    if (!json_is_string(name))
        return missing(r, arena_printf(r->arena, "%s.function.name", param));
    if (!valid_name(jsontext_slice(name)))
        return REFUSE(r, arena_printf(r->arena, "%s.function.name", param), "invalid_value",
                      "Invalid '%s.function.name': expected 1 to 64 of the characters a-z, A-Z, "
                      "0-9, _ and -.",
                      param);
    if (parameters && !json_is_object(parameters))
        return wrong_type(r, arena_printf(r->arena, "%s.function.parameters", param), "an object",
                          parameters);
    return true;
}

/* A schema that cannot be answered is a refusal that names the keyword. */
static bool answer_schema(struct reader *r, const char *param, const json_t *schema,
                          struct slice *out)
{
    if (result_ok(json_answer(r->arena, schema, &r->random, out)))
        return true;
    return REFUSE(r, param, "unsupported_schema", "Invalid schema for '%s': %s.", param,
                  error_last()->text);
}

static bool add_call(struct reader *r, const json_t *tool, size_t i)
{
    const json_t *function = json_object_get(tool, "function"),
                 *parameters = given(function, "parameters");
    struct openai_call *call = &r->out->calls[r->out->call_count++];
    call->name = jsontext_slice(json_object_get(function, "name"));
    call->arguments = SLICE("{}");
    const char *param = arena_printf(r->arena, "tools[%zu].function.parameters", i);
    if (!parameters || json_object_size(parameters) == 0)
        return true;
    return answer_schema(r, param, parameters, &call->arguments);
}

static struct slice tool_name(const json_t *tool)
{
    return jsontext_slice(json_object_get(json_object_get(tool, "function"), "name"));
}

/* Call what the last message of the user mentions. */
static bool call_mentioned(struct reader *r, const json_t *tools)
{
    for (size_t i = 0; i < json_array_size(tools); i++) {
        const json_t *tool = json_array_get(tools, i);
        if (slice_find(r->said, tool_name(tool)) < 0)
            continue;
        if (!add_call(r, tool, i))
            return false;
        if (!r->out->parallel_calls)
            return true;
    }
    return true;
}

static bool call_named(struct reader *r, const json_t *tools, const json_t *choice)
{
    const json_t *name = given(given(choice, "function"), "name");
    if (!json_is_string(name))
        return missing(r, "tool_choice.function.name");
    for (size_t i = 0; i < json_array_size(tools); i++)
        if (slice_eq(tool_name(json_array_get(tools, i)), jsontext_slice(name)))
            return add_call(r, json_array_get(tools, i), i);
    struct slice shown = text_shown(r->arena, jsontext_slice(name), 100);
    return REFUSE(r, "tool_choice", "invalid_value",
                  "Invalid value for 'tool_choice': no tool is named '%.*s'.", SLICE_ARG(shown));
}

static bool read_tool_choice(struct reader *r, const json_t *tools)
{
    const json_t *choice = given(r->body, "tool_choice");
    if (!tools && choice)
        return REFUSE(r, "tool_choice", NULL,
                      "Invalid value for 'tool_choice': it is only allowed when 'tools' are "
                      "specified.");
    if (json_is_object(choice))
        return call_named(r, tools, choice);
    struct slice word = json_is_string(choice) ? jsontext_slice(choice) : SLICE("auto");
    bool required = slice_is(word, "required");
    if ((choice && !json_is_string(choice)) ||
        (!required && !slice_is(word, "auto") && !slice_is(word, "none")))
        return REFUSE(r, "tool_choice", "invalid_value",
                      "Invalid value for 'tool_choice'. Supported values are: 'none', 'auto', "
                      "'required', and an object that names a function.");
    if (!slice_is(word, "none") && !call_mentioned(r, tools))
        return false;
    if (required && r->out->call_count == 0)
        return add_call(r, json_array_get(tools, 0), 0);
    return true;
}

static bool read_tools(struct reader *r)
{
    const json_t *tools = given(r->body, "tools");
    size_t count = json_array_size(tools);
    if (tools && !json_is_array(tools))
        return wrong_type(r, "tools", "an array of objects", tools);
    if (tools && (count < 1 || count > OPENAI_TOOLS_MAX))
        return REFUSE(r, "tools", "invalid_value", "Invalid 'tools': 1 to %d, but got %zu.",
                      OPENAI_TOOLS_MAX, count);
    for (size_t i = 0; i < count; i++)
        if (!check_tool(r, json_array_get(tools, i), i))
            return false;
    r->out->calls = ARENA_ARRAY(r->arena, struct openai_call, count + 1);
    return read_tool_choice(r, tools);
}

/* ---- response_format ---- */

static bool read_response_format(struct reader *r)
{
    const json_t *format = given(r->body, "response_format"), *type = given(format, "type"),
                 *described = given(format, "json_schema"), *schema = given(described, "schema");
    if (!format)
        return true;
    if (!json_is_string(type))
        return missing(r, "response_format.type");
    struct slice word = jsontext_slice(type);
    if (slice_is(word, "text"))
        return true;
    if (slice_is(word, "json_object")) {
        if (!r->speaks_of_json)
            return REFUSE(r, "messages", NULL,
                          "'messages' must contain the word 'json' in some form, to use "
                          "'response_format' of type 'json_object'.");
        r->out->json = SLICE("{\"answer\":\"seven\",\"items\":[1,2,3],\"certain\":true}");
        return true;
    }
    if (!slice_is(word, "json_schema"))
        return REFUSE(r, "response_format.type", "invalid_value",
                      "Invalid value: '%s'. Supported values are: 'text', 'json_object', and "
                      "'json_schema'.",
                      json_string_value(type));
    if (!json_is_string(given(described, "name")))
        return missing(r, "response_format.json_schema.name");
    if (!schema)
        return missing(r, "response_format.json_schema.schema");
    return answer_schema(r, "response_format.json_schema.schema", schema, &r->out->json);
}

/* ---- whole requests ---- */

static bool check_scores(struct reader *r)
{
    const struct openai_request *out = r->out;
    int64_t tokens = out->max_tokens ? out->max_tokens : (int64_t)r->model->tokens_max;
    int64_t each = 1 + (out->top_logprobs > 0 ? out->top_logprobs : 0);
    if (!out->logprobs || (int64_t)out->prompt_count * out->n * tokens * each <= OPENAI_SCORES_MAX)
        return true;
    return REFUSE(r, "logprobs", "invalid_value",
                  "These are more than %d log probabilities: ask for fewer choices, tokens or "
                  "alternatives.",
                  OPENAI_SCORES_MAX);
}

bool openai_read(struct arena *arena, enum openai_form form, const struct openai_model *model,
                 struct slice body, struct openai_request *out, struct openai_error *error)
{
    struct reader r = {.arena = arena, .model = model, .out = out, .error = error};
    bool chat = form == OPENAI_CHAT;
    *out = (struct openai_request){.form = form,
                                   .n = 1,
                                   .seed = OPENAI_SEED,
                                   .temperature = 1,
                                   .top_p = 1,
                                   .parallel_calls = true,
                                   .top_logprobs = -1};
    if (!read_body(&r, body) || !read_model(&r) || !read_parameters(&r, common) ||
        !read_parameters(&r, chat ? of_chat : of_completion) || !check_max_tokens(&r) ||
        !read_stop(&r) || !read_stream_options(&r))
        return false;
    if (!chat) {
        out->logprobs = out->top_logprobs >= 0;
        return read_prompts(&r) && check_scores(&r);
    }
    if (out->top_logprobs > 0 && !out->logprobs)
        return openai_refuse(arena, error, "top_logprobs", NULL,
                             "The 'top_logprobs' parameter is only allowed when 'logprobs' is "
                             "enabled.");
    if (!read_messages(&r))
        return false;
    r.random = random_for((uint64_t)out->seed, out->prompts[0]);
    return read_tools(&r) && read_response_format(&r) && check_scores(&r);
}

/* ---- embeddings ---- */

static bool add_input(struct reader *r, struct openai_inputs *out, const json_t *input)
{
    struct slice text;
    if (json_is_string(input))
        text = jsontext_slice(input);
    else if (json_is_array(input) && json_is_integer(json_array_get(input, 0)))
        text = jsontext_write(r->arena, input); /* token ids are as good as words to us */
    else
        return wrong_type(r, "input", "a string, a list of strings or of token ids", input);
    if (!check_prompt(r, "input", text))
        return false;
    out->texts[out->count++] = text;
    return true;
}

static bool read_inputs(struct reader *r, struct openai_inputs *out)
{
    const json_t *input = given(r->body, "input");
    bool many = json_is_array(input) && !json_is_integer(json_array_get(input, 0));
    size_t count = many ? json_array_size(input) : 1;
    if (!input)
        return missing(r, "input");
    if (count < 1 || count > OPENAI_INPUTS_MAX || count * out->dimensions > OPENAI_NUMBERS_MAX)
        return REFUSE(r, "input", "invalid_value",
                      "Invalid 'input': 1 to %d inputs with at most %u numbers in all, but got %zu "
                      "inputs of %u dimensions.",
                      OPENAI_INPUTS_MAX, OPENAI_NUMBERS_MAX, count, out->dimensions);
    out->texts = ARENA_ARRAY(r->arena, struct slice, count);
    for (size_t i = 0; i < count; i++)
        if (!add_input(r, out, many ? json_array_get(input, i) : input))
            return false;
    return true;
}

bool openai_read_embeddings(struct arena *arena, const struct openai_model *model,
                            struct slice body, struct openai_inputs *out,
                            struct openai_error *error)
{
    static const struct parameter dimensions[] = {
        {"dimensions", PARAMETER_INTEGER, AT(n), 1, OPENAI_DIMENSIONS_MAX}, {NULL}};
    struct openai_request request = {.n = OPENAI_DIMENSIONS};
    struct reader r = {.arena = arena, .model = model, .out = &request, .error = error};
    *out = (struct openai_inputs){0};
    if (!read_body(&r, body) || !read_model(&r) || !read_parameters(&r, dimensions))
        return false;
    const json_t *encoding = given(r.body, "encoding_format");
    out->base64 = json_is_string(encoding) && slice_is(jsontext_slice(encoding), "base64");
    if (encoding && !out->base64 &&
        !(json_is_string(encoding) && slice_is(jsontext_slice(encoding), "float")))
        return openai_refuse(arena, error, "encoding_format", "invalid_value",
                             "Invalid 'encoding_format'. Supported values are: 'float' and "
                             "'base64'.");
    out->dimensions = (uint32_t)request.n;
    return read_inputs(&r, out);
}
