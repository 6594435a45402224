/*
 * The validators of LLM answers, by the names and parameters that suites of prompt cases use. What
 * can be decided by looking at the text is decided here. What needs another model (llm.c), a parser
 * of a programming language (syntax.c) or a program (validate_program.c) asks for it first
 * (question.h); what cannot be carried out is an error that says so, never a pass.
 */
#include <math.h>

#include "check/regex.h"
#include "check/schema.h"
#include "check/validator.h"
#include "core/limits.h"
#include "core/text.h"

/* --- Verdicts --- */

struct verdict *validation_passes(const struct validation *v)
{
    return verdict_add(v->out, v->check, v->at, true);
}

struct verdict *validation_fails(const struct validation *v, const char *expected,
                                 struct slice actual, const char *message)
{
    return verdict_failed(v->out, v->check, v->at, slice_str(expected),
                          text_shown(v->out->arena, actual, LIMIT_SHOWN_BYTES), "%s", message);
}

void validation_impossible(const struct validation *v)
{
    validation_not_possible(v, "%s", error_last()->text);
}

void validation_not_possible(const struct validation *v, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    verdict_impossible(v->out, v->check, v->at, arena_vprintf(v->out->arena, format, args));
    va_end(args);
}

struct slice validation_beginning(const struct validation *v)
{
    return text_shown(v->out->arena, v->text, 100);
}

const struct node *validation_param(const struct validation *v, const char *name)
{
    return node_get(v->params, name);
}

/* --- What the text holds --- */

bool code_block_next(struct arena *arena, struct slice text, size_t *from, struct slice *language,
                     struct slice *code)
{
    struct regex_match m;
    struct slice rest = slice_from(text, *from);
    if (!result_ok(regex_search(SLICE("(?s)```([A-Za-z0-9_+#.-]*)[ \\t]*\\r?\\n?(.*?)```"),
                                REGEX_PERL, rest, arena, &m)) ||
        !m.found)
        return false;
    *language = slice_part(rest, m.groups[0].start, m.groups[0].end - m.groups[0].start);
    *code = slice_part(rest, m.groups[1].start, m.groups[1].end - m.groups[1].start);
    *from += m.end;
    return true;
}

const json_t *json_in_text(struct arena *arena, struct slice text)
{
    json_t *value;
    struct slice language, code;
    size_t from = 0;
    if (result_ok(jsontext_read_in(arena, text, &value)))
        return value;
    struct error fault = *error_last();
    while (code_block_next(arena, text, &from, &language, &code))
        if ((language.len == 0 || slice_eq_nocase(language, SLICE("json"))) &&
            result_ok(jsontext_read_in(arena, code, &value)))
            return value;
    result_ignore(/* what the whole text lacks is what is told */
                  error_set(fault.code, "%s", fault.text));
    return NULL;
}

/* The JSON of the answer; NULL after a verdict. */
static const json_t *answer_json(const struct validation *v)
{
    const json_t *value = json_in_text(v->out->arena, v->text);
    if (!value)
        validation_fails(v, "JSON", validation_beginning(v),
                         arena_printf(v->out->arena,
                                      "expected the answer to be JSON or hold a block of it: %s",
                                      error_last()->text));
    return value;
}

/* "user.name" or "items.0.id" in a document; NULL when there is no such field. */
static const json_t *field_at(const json_t *value, struct slice dotted)
{
    struct slice name;
    while (value && slice_split(&dotted, '.', &name)) {
        uint64_t index = 0;
        if (json_is_object(value)) {
            value = json_object_getn(value, name.data, name.len);
        } else if (json_is_array(value)) {
            bool number = name.len > 0 && name.len < 10;
            for (size_t i = 0; i < name.len; i++) {
                number &= name.data[i] >= '0' && name.data[i] <= '9';
                index = index * 10 + (uint64_t)(name.data[i] - '0');
            }
            value = number ? json_array_get(value, index) : NULL;
        } else {
            value = NULL;
        }
    }
    return value;
}

bool text_holds(struct arena *arena, struct slice text, struct slice phrase)
{
    bool found = false;
    struct text pattern = text_in(arena);
    for (size_t i = 0; i < phrase.len; i++) {
        char c = phrase.data[i];
        if (strchr("\\^$.|?*+()[]{}#-", c))
            text_add_byte(&pattern, '\\');
        text_add_byte(&pattern, c);
    }
    result_ignore(/* an escaped text is always a pattern, and has no limit to meet */
                  regex_matches(text_slice(&pattern), REGEX_PERL | REGEX_CASELESS, text, &found));
    return found;
}

/* Does the answer hold `phrase`? Letters of any alphabet count whatever their case, if wanted. */
static bool holds_phrase(const struct validation *v, struct slice phrase, bool case_sensitive)
{
    return case_sensitive ? slice_find(v->text, phrase) >= 0
                          : text_holds(v->out->arena, v->text, phrase);
}

/* Fail when the pattern is found: `what` was looked for and must not be there. */
static void must_not_match(const struct validation *v, const char *pattern, const char *what)
{
    struct regex_match m;
    if (!result_ok(regex_search(slice_str(pattern), REGEX_PERL | REGEX_CASELESS, v->text,
                                v->out->arena, &m))) {
        validation_impossible(v);
        return;
    }
    if (!m.found) {
        validation_passes(v);
        return;
    }
    struct slice found =
        text_shown(v->out->arena, slice_part(v->text, m.start, m.end - m.start), 100);
    validation_fails(v, arena_printf(v->out->arena, "no %s", what), found,
                     arena_printf(v->out->arena, "expected no %s, found \"%.*s\" at character %zu",
                                  what, SLICE_ARG(found),
                                  utf8_length(slice_part(v->text, 0, m.start)) + 1));
}

/* --- The validators --- */

static void run_not_empty(const struct validation *v)
{
    if (slice_trim(v->text).len)
        validation_passes(v);
    else
        validation_fails(v, "an answer", SLICE("(no data)"),
                         "expected an answer, got only blanks (no data)");
}

static void run_json(const struct validation *v)
{
    if (answer_json(v))
        validation_passes(v);
}

static void run_field_present(const struct validation *v)
{
    struct arena *arena = v->out->arena;
    const json_t *document = answer_json(v);
    if (!document)
        return;
    struct slice name = validation_param(v, "field_name")->string;
    const struct node *wanted = validation_param(v, "expected_value");
    bool should_exist = node_boolean(validation_param(v, "should_exist"),
                                     node_boolean(validation_param(v, "present"), true));
    const json_t *value = field_at(document, name);
    const char *where = arena_printf(arena, "field %.*s", SLICE_ARG(name));

    if (!should_exist && !value)
        validation_passes(v);
    else if (!should_exist)
        validation_fails(v, arena_printf(arena, "no %s", where), jsontext_write(arena, value),
                         arena_printf(arena, "expected no %s, but it is there", where));
    else if (!value)
        validation_fails(v, where, SLICE("(no data)"),
                         arena_printf(arena, "expected a %s, got none (no data)", where));
    else if (!wanted || wanted->kind == NODE_NULL)
        validation_passes(v);
    else {
        struct node_entry entry = {SLICE("eq"), v->at, wanted};
        struct node matcher = {.kind = NODE_MAP, .at = v->at, .count = 1, .entries = &entry};
        match(v->out, v->check, &matcher, value, where, UNIT_NONE);
    }
}

static void run_length(const struct validation *v)
{
    struct arena *arena = v->out->arena;
    int64_t length = (int64_t)utf8_length(v->text);
    int64_t least = node_integer(validation_param(v, "min_length"), 0);
    int64_t most = node_integer(validation_param(v, "max_length"), INT64_MAX);
    const char *actual = arena_printf(arena, "%lld", (long long)length);
    if (length < least)
        validation_fails(v, arena_printf(arena, "≥ %lld", (long long)least), slice_str(actual),
                         arena_printf(arena, "expected at least %lld characters, got %s",
                                      (long long)least, actual));
    else if (length > most)
        validation_fails(v, arena_printf(arena, "≤ %lld", (long long)most), slice_str(actual),
                         arena_printf(arena, "expected at most %lld characters, got %s",
                                      (long long)most, actual));
    else
        validation_passes(v);
}

/* Python's re flags, as an integer or by their letters or names, as an inline option. */
static const char *inline_flags(struct arena *arena, const struct node *flags)
{
    static const struct {
        int64_t bit;
        const char *letter, *name;
    } known[] = {
        {2, "i", "IGNORECASE"}, {8, "m", "MULTILINE"}, {16, "s", "DOTALL"}, {64, "x", "VERBOSE"}};
    struct text t = text_in(arena);
    for (size_t i = 0; flags && i < sizeof(known) / sizeof(known[0]); i++) {
        bool set = flags->kind == NODE_INTEGER
                       ? (flags->integer & known[i].bit) != 0
                       : slice_is(flags->string, known[i].name) ||
                             (slice_find(flags->string, slice_str(known[i].letter)) >= 0 &&
                              flags->string.len <= 4);
        if (set)
            text_add_str(&t, known[i].letter);
    }
    return t.len ? arena_printf(arena, "(?%s)", text_str(&t)) : "";
}

static void run_regex(const struct validation *v)
{
    struct arena *arena = v->out->arena;
    struct slice pattern = validation_param(v, "pattern")->string;
    const char *whole = arena_printf(
        arena, "%s%.*s", inline_flags(arena, validation_param(v, "flags")), SLICE_ARG(pattern));
    bool found;
    if (!result_ok(regex_matches(slice_str(whole), REGEX_PERL, v->text, &found)))
        validation_impossible(v);
    else if (found)
        validation_passes(v);
    else
        validation_fails(v, whole, validation_beginning(v),
                         arena_printf(arena, "expected the answer to match %s, got \"%.*s\"", whole,
                                      SLICE_ARG(validation_beginning(v))));
}

/* All of the phrases must be there. */
static void must_hold(const struct validation *v, const struct node *phrases, bool case_sensitive)
{
    struct arena *arena = v->out->arena;
    bool one = phrases->kind == NODE_STRING;
    for (size_t i = 0; i < (one ? 1 : phrases->count); i++) {
        struct slice phrase = one ? phrases->string : phrases->items[i]->string;
        if (holds_phrase(v, phrase, case_sensitive))
            continue;
        validation_fails(v, arena_string(arena, phrase), validation_beginning(v),
                         arena_printf(arena,
                                      "expected the answer to contain \"%.*s\", got \"%.*s\"",
                                      SLICE_ARG(phrase), SLICE_ARG(validation_beginning(v))));
        return;
    }
    validation_passes(v);
}

static void run_contains(const struct validation *v)
{
    must_hold(v, validation_param(v, "required_text"),
              node_boolean(validation_param(v, "case_sensitive"), false));
}

static void run_response_contains(const struct validation *v)
{
    must_hold(v, validation_param(v, "substring"), true);
}

static void run_sql_safe(const struct validation *v)
{
    must_not_match(v, "\\b(?:DROP|DELETE|TRUNCATE|ALTER|GRANT|REVOKE)\\b", "dangerous SQL keyword");
}

static void run_schema(const struct validation *v)
{
    struct arena *arena = v->out->arena;
    struct schema *schema;
    struct schema_report report;
    struct schema_options options = {.draft = SCHEMA_DRAFT_07};
    const json_t *document = answer_json(v);
    if (!document)
        return;
    if (!result_ok(schema_compile(arena, node_json(arena, validation_param(v, "schema")), &options,
                                  &schema)) ||
        !result_ok(schema_validate(schema, document, 3, arena, &report))) {
        validation_impossible(v);
        return;
    }
    if (report.valid) {
        validation_passes(v);
        return;
    }
    struct text t = text_in(arena);
    text_add_str(&t, "expected the answer to fit the schema:");
    for (size_t i = 0; i < report.count; i++)
        text_printf(&t, "\n%.*s: %.*s", SLICE_ARG(report.faults[i].path),
                    SLICE_ARG(report.faults[i].text));
    validation_fails(v, "fits the schema", validation_beginning(v), text_str(&t));
}

static void run_email_format(const struct validation *v)
{
    const struct node *field = validation_param(v, "field_name");
    struct slice email = slice_trim(v->text);
    bool found = false;
    if (field) {
        const json_t *document = answer_json(v);
        if (!document)
            return;
        email = jsontext_slice(field_at(document, field->string));
    }
    if (email.len &&
        !result_ok(regex_matches(SLICE("[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)*"
                                       "\\.[A-Za-z]{2,}"),
                                 REGEX_PERL | REGEX_WHOLE, email, &found))) {
        validation_impossible(v);
        return;
    }
    if (found)
        validation_passes(v);
    else if (email.len == 0)
        validation_fails(v, "an e-mail address", SLICE("(no data)"),
                         "expected an e-mail address, got none (no data)");
    else
        validation_fails(v, "an e-mail address", email,
                         arena_printf(v->out->arena, "expected an e-mail address, got \"%.*s\"",
                                      SLICE_ARG(text_shown(v->out->arena, email, 100))));
}

static void run_age_range(const struct validation *v)
{
    struct arena *arena = v->out->arena;
    const json_t *document = answer_json(v);
    if (!document)
        return;
    struct slice name = validation_param(v, "field_name")->string;
    const json_t *value = field_at(document, name);
    double least = node_number(validation_param(v, "min"), -INFINITY);
    double most = node_number(validation_param(v, "max"), INFINITY);
    struct slice got = value ? jsontext_write(arena, value) : SLICE("(no data)");
    const char *wanted = arena_printf(arena, "%g to %g", least, most);
    if (json_is_number(value) && json_number_value(value) >= least &&
        json_number_value(value) <= most)
        validation_passes(v);
    else
        validation_fails(v, wanted, got,
                         arena_printf(arena, "expected field %.*s to be a number from %s, got %.*s",
                                      SLICE_ARG(name), wanted,
                                      SLICE_ARG(text_shown(arena, got, 100))));
}

static void run_no_injection(const struct validation *v)
{
    static const char usual[] =
        "ignore (?:all |the )?(?:previous|prior|above) (?:instructions|prompts)|"
        "disregard (?:all |the )?(?:previous|prior|above)|you are now |system prompt|"
        "developer mode|jailbreak";
    const struct node *phrases = validation_param(v, "forbidden_phrases");
    if (!phrases) {
        must_not_match(v, usual, "sign of an injection");
        return;
    }
    for (size_t i = 0; i < phrases->count; i++) {
        struct slice phrase = phrases->items[i]->string;
        if (!holds_phrase(v, phrase, false))
            continue;
        validation_fails(v, "no forbidden phrase", phrase,
                         arena_printf(v->out->arena, "expected no forbidden phrase, found \"%.*s\"",
                                      SLICE_ARG(phrase)));
        return;
    }
    validation_passes(v);
}

static void run_no_script_tags(const struct validation *v)
{
    must_not_match(v, "<\\s*/?\\s*script\\b", "script tag");
}

static void run_safe_html(const struct validation *v)
{
    must_not_match(
        v,
        "<\\s*(?:script|iframe|object|embed|link|meta|base|form)\\b|"
        "<[^>]*[\\s\"'/]on[a-z]+\\s*=|(?:javascript|vbscript)\\s*:|data\\s*:\\s*text/html",
        "unsafe HTML");
}

static void run_contains_code_block(const struct validation *v)
{
    const struct node *wanted = validation_param(v, "language");
    struct slice language, code;
    size_t from = 0;
    while (code_block_next(v->out->arena, v->text, &from, &language, &code))
        if (slice_trim(code).len && (!wanted || slice_eq_nocase(language, wanted->string))) {
            validation_passes(v);
            return;
        }
    const char *what =
        wanted ? arena_printf(v->out->arena, "a code block of %.*s", SLICE_ARG(wanted->string))
               : "a code block";
    validation_fails(v, what, validation_beginning(v),
                     arena_printf(v->out->arena, "expected %s, found none", what));
}

static void run_code(const struct validation *v)
{
    const struct node *language = validation_param(v, "language");
    if (language && slice_eq_nocase(language->string, SLICE("json")))
        run_json(v);
    else
        validate_code(v);
}

static void run_conditional(const struct validation *v);

/* --- Their parameters --- */

static const struct shape word = {.kind = SHAPE_STRING, .min = 1};
static const struct shape words = {.kind = SHAPE_LIST, .of = &word, .min = 1};
static const struct shape *const word_either[] = {&word, &words, NULL};
static const struct shape word_or_words = {.kind = SHAPE_EITHER, .either = word_either};
static const struct shape number = {.kind = SHAPE_NUMBER};
static const struct shape flag_bits = {.kind = SHAPE_INTEGER, .min = 0, .max = 511};
static const struct shape *const flags_either[] = {&flag_bits, &word, NULL};
static const struct shape flags = {.kind = SHAPE_EITHER, .either = flags_either};
static const struct shape schema_map = {.kind = SHAPE_MAP, .of = &shape_any};
static const struct shape validator_list;

static const struct field no_params[] = {{NULL}};
static const struct field field_present_params[] = {
    {"field_name", &word, true, "The field, with dots: \"user.name\".", "\"user.name\""},
    {"expected_value", &shape_any, false, "What it must equal; null: anything.", NULL},
    {"should_exist", &shape_bool, false, "It must exist (true, as without this) or not.", NULL},
    {"present", &shape_bool, false, "An older name of `should_exist`.", NULL},
    {NULL},
};
static const struct field length_params[] = {
    {"min_length", &shape_count, false, "At least so many characters.", "1"},
    {"max_length", &shape_count, false, "At most so many characters.", "500"},
    {NULL},
};
static const struct field regex_params[] = {
    {"pattern", &shape_regex, true, "Searched for in the answer.", "\"[0-9]{4}\""},
    {"flags", &flags, false, "Python's re flags: a number, letters of \"imsx\" or a name.", "2"},
    {NULL},
};
static const struct field contains_params[] = {
    {"required_text", &word_or_words, true, "A text, or several that must all be there.", NULL},
    {"case_sensitive", &shape_bool, false, "Without this, case does not matter.", NULL},
    {NULL},
};
static const struct field response_contains_params[] = {
    {"substring", &word, true, "A text, exactly.", NULL}, {NULL}};
static const struct field schema_params[] = {
    {"schema", &schema_map, true, "A JSON Schema (draft 7).", NULL}, {NULL}};
static const struct field email_params[] = {
    {"field_name", &word, false, "The field with the address; without: the whole answer.", NULL},
    {NULL}};
static const struct field age_params[] = {
    {"field_name", &word, true, "The field with the number.", "\"age\""},
    {"min", &number, false, "At least.", "0"},
    {"max", &number, false, "At most.", "120"},
    {NULL}};
static const struct field conditional_params[] = {
    {"condition_field", &word, true,
     "A field of the answer; false, null, 0 and what is empty are "
     "false.",
     NULL},
    {"true_validators", &validator_list, false, "Applied when it is true.", NULL},
    {"false_validators", &validator_list, false, "Applied when it is false.", NULL},
    {NULL}};
static const struct field injection_params[] = {
    {"forbidden_phrases", &words, false, "Without: the usual phrases of injections.", NULL},
    {NULL}};
static const struct field language_params[] = {
    {"language", &word, false, "The language of the block.", "\"json\""}, {NULL}};

/* --- The table --- */

struct validator {
    const char *name;
    const struct field *params;
    void (*run)(const struct validation *v);
    bool sees_empty; /* an empty answer is for it to judge; elsewhere it is no data */
    bool asks;       /* it may ask questions before it judges */
    bool judged;     /* a judge is what it asks */
};

/* X(name, params, run, sees empty, asks, judged) */
#define VALIDATORS(X)                                                                              \
    X(response_not_empty, no_params, run_not_empty, true, false, false)                            \
    X(not_empty, no_params, run_not_empty, true, false, false)                                     \
    X(json_string, no_params, run_json, false, false, false)                                       \
    X(json, no_params, run_json, false, false, false)                                              \
    X(field_present, field_present_params, run_field_present, false, false, false)                 \
    X(length, length_params, run_length, false, false, false)                                      \
    X(regex, regex_params, run_regex, false, false, false)                                         \
    X(contains, contains_params, run_contains, false, false, false)                                \
    X(response_contains, response_contains_params, run_response_contains, false, false, false)     \
    X(sql_safe, no_params, run_sql_safe, false, false, false)                                      \
    X(schema, schema_params, run_schema, false, false, false)                                      \
    X(email_format, email_params, run_email_format, false, false, false)                           \
    X(age_range, age_params, run_age_range, false, false, false)                                   \
    X(conditional_validator, conditional_params, run_conditional, false, true, false)              \
    X(no_injection_detected, injection_params, run_no_injection, false, false, false)              \
    X(no_script_tags, no_params, run_no_script_tags, false, false, false)                          \
    X(safe_html, no_params, run_safe_html, false, false, false)                                    \
    X(contains_code_block, language_params, run_contains_code_block, false, false, false)          \
    X(code, language_params, run_code, false, true, false)                                         \
    X(python, no_params, validate_python, false, true, false)                                      \
    X(sql, no_params, validate_sql, false, true, false)                                            \
    X(openapi_spec, no_params, validate_openapi, false, true, false)                               \
    X(rubric, rubric_params, validate_rubric, false, true, true)                                   \
    X(agent_task, agent_task_params, validate_agent_task, false, true, true)                       \
    X(ai_contradiction_check, contradiction_params, validate_contradictions, false, true, true)    \
    X(sentiment_analysis, sentiment_params, validate_sentiment, false, true, true)                 \
    X(language_detection, detection_params, validate_language, false, true, true)                  \
    X(program, program_params, validate_program, true, true, false)

static const struct validator validators[] = {
#define X(name, params, run, sees_empty, asks, judged)                                             \
    {#name, params, run, sees_empty, asks, judged},
    VALIDATORS(X)
#undef X
};

static const char *const validator_names[] = {
#define X(name, params, run, sees_empty, asks, judged) #name,
    VALIDATORS(X)
#undef X
        NULL,
};

static const struct validator *find(struct slice name)
{
    for (size_t i = 0; i < sizeof(validators) / sizeof(validators[0]); i++)
        if (slice_is(name, validators[i].name))
            return &validators[i];
    return NULL;
}

/* --- Reading --- */

static void check_schema_param(const struct node *schema_node, struct diagnostics *d)
{
    struct schema *schema;
    struct schema_options options = {.draft = SCHEMA_DRAFT_07};
    if (!result_ok(schema_compile(d->arena, node_json(d->arena, schema_node), &options, &schema)))
        diagnose_error(d, schema_node->at);
}

static void check_validator(const struct node *map, struct diagnostics *d)
{
    const struct node *type = node_get(map, "type"), *params = node_get(map, "params");
    const struct node none = {.kind = NODE_MAP, .at = map->at};
    const struct validator *validator = find(type->string);
    if (type->has_template || !validator)
        return;
    size_t before = d->count;
    const struct field *const tables[] = {validator->params, NULL};
    const struct shape shape = {
        .name = arena_printf(d->arena, "%s validator", validator->name),
        .kind = SHAPE_OBJECT,
        .fields = tables,
    };
    if (!params || params->kind == NODE_NULL)
        params = &none;
    shape_check(&shape, params, d);
    if (d->count > before)
        return;
    judged_params_check(params, d);
    if (validator->run == validate_agent_task && !node_get(params, "task_prompt_to_claude") &&
        !node_get(params, "task_prompt"))
        diagnose(d, map->at, "agent_task needs task_prompt_to_claude: what to find out");
    if (validator->run == run_length && params->count == 0)
        diagnose(d, map->at, "length needs min_length or max_length");
    if (validator->run == run_age_range && params->count == 1)
        diagnose(d, map->at, "age_range needs min or max");
    if (validator->run == run_conditional && params->count == 1)
        diagnose(d, map->at, "conditional_validator needs true_validators or false_validators");
    const struct node *schema = node_get(params, "schema");
    if (validator->run == run_schema && !schema->has_template)
        check_schema_param(schema, d);
}

static const struct shape validator_type = {.kind = SHAPE_WORD, .words = validator_names};
static const struct field validator_table[] = {
    {"type", &validator_type, true, "Its name.", "\"contains\""},
    {"params", &shape_any, false, "What it needs to know, by its type.",
     "{\"required_text\": \"Paris\"}"},
    {NULL},
};
static const struct field *const validator_fields[] = {validator_table, NULL};
static const struct shape validator_shape = {.name = "validator",
                                             .kind = SHAPE_OBJECT,
                                             .fields = validator_fields,
                                             .check = check_validator};
static const struct shape validator_list = {.kind = SHAPE_LIST, .of = &validator_shape, .min = 1};
const struct shape check_shape_validate = {.kind = SHAPE_LIST, .of = &validator_shape, .min = 1};

/* --- Running --- */

/* Is an empty answer what these parameters speak of? */
static bool admits_empty(const struct validator *validator, const struct node *params)
{
    const struct node *least = node_get(params, "min_length");
    return validator->sees_empty || (validator->run == run_length && least && least->integer == 0);
}

static void run_one(struct observation *o, struct verdicts *out, const struct node *item,
                    struct slice text)
{
    const struct validator *validator = find(node_get(item, "type")->string);
    MUST(validator, "validator at line %u", item->at.line);
    struct validation v = {
        .o = o,
        .out = out,
        .item = item,
        .check = arena_printf(out->arena, "validate %s", validator->name),
        .at = item->at,
        .params = node_get(item, "params"),
        .text = text,
    };
    if (text.len == 0 && !admits_empty(validator, v.params))
        verdict_no_data(out, v.check, v.at, slice_str(validator->name),
                        arena_printf(out->arena,
                                     "expected an answer for %s, but it is empty (no data)",
                                     validator->name));
    else
        validator->run(&v);
}

/* False as in Python, where these suites come from. */
static bool truthy(const json_t *value)
{
    if (json_is_number(value))
        return json_number_value(value) < 0 || json_number_value(value) > 0;
    if (json_is_string(value))
        return json_string_length(value) > 0;
    if (json_is_array(value) || json_is_object(value))
        return json_array_size(value) + json_object_size(value) > 0;
    return json_is_true(value);
}

static void run_conditional(const struct validation *v)
{
    const json_t *document = answer_json(v);
    if (!document)
        return;
    struct slice name = validation_param(v, "condition_field")->string;
    const json_t *value = field_at(document, name);
    if (!value) {
        validation_fails(
            v, arena_printf(v->out->arena, "field %.*s", SLICE_ARG(name)), SLICE("(no data)"),
            arena_printf(v->out->arena, "expected a field %.*s to decide by, got none (no data)",
                         SLICE_ARG(name)));
        return;
    }
    const struct node *chosen =
        validation_param(v, truthy(value) ? "true_validators" : "false_validators");
    for (size_t i = 0; chosen && i < chosen->count; i++)
        run_one(v->o, v->out, chosen->items[i], v->text);
    if (!chosen)
        validation_passes(v);
}

void check_run_validate(struct observation *o, const struct node *expected, struct verdicts *out)
{
    for (size_t i = 0; i < expected->count; i++)
        run_one(o, out, expected->items[i], o->text);
}

/* --- Questions --- */

struct question *question_about(const struct observation *o, const struct node *about)
{
    struct question *q = o->questions;
    while (q && q->about != about)
        q = q->next;
    return q;
}

struct question *question_new(struct observation *o, const struct node *about, const char *kind)
{
    struct question **end = &o->questions;
    struct question *q = ARENA_NEW(o->arena, struct question);
    while (*end)
        end = &(*end)->next;
    *end = q;
    q->about = about;
    q->kind = kind;
    q->timeout = CLOCK_NEVER;
    return q;
}

static bool names_judge(const struct node *params)
{
    return node_get(params, "model") || node_get(params, "validation_model_alias") ||
           node_get(params, "validation_model");
}

static const struct node *asking_of(const struct node *list, bool judge_unnamed)
{
    for (size_t i = 0; list && list->kind == NODE_LIST && i < list->count; i++) {
        const struct node *item = list->items[i], *params = node_get(item, "params");
        const struct node *type = node_get(item, "type"), *inner;
        const struct validator *v = type && type->kind == NODE_STRING ? find(type->string) : NULL;
        if (v && v->run != run_conditional && v->asks &&
            (!judge_unnamed || (v->judged && !names_judge(params))))
            return item;
        if ((inner = asking_of(node_get(params, "true_validators"), judge_unnamed)) ||
            (inner = asking_of(node_get(params, "false_validators"), judge_unnamed)))
            return inner;
    }
    return NULL;
}

const struct node *questions_expected(const struct node *expect, bool judge_unnamed)
{
    return asking_of(node_get(expect, "validate"), judge_unnamed);
}

/* Making the checks is what finds the questions: which ones of a conditional_validator are asked
 * depends on the answer. */
void questions_collect(struct observation *o, const struct node *expect)
{
    const struct node *validate = node_get(expect, "validate");
    struct verdicts unheard = verdicts_in(o->arena);
    for (size_t i = 0; o->seen & OBSERVED_TEXT && validate && i < validate->count; i++)
        if (find(node_get(validate->items[i], "type")->string)->asks)
            run_one(o, &unheard, validate->items[i], o->text);
}
