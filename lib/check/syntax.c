/*
 * Validators of program text: is what the model wrote well formed? Nothing of it is ever run. SQL
 * is parsed by SQLite, OpenAPI documents are looked at here, other languages by their own parser
 * (`python3`, `node --check`, `sh -n`, …), which has to be installed: without it the case is an
 * error.
 */
#include <sqlite3.h>

#include "check/schema.h"
#include "check/validator.h"
#include "core/text.h"
#include "suite/load.h"

#define PARSER_TIMEOUT (30 * NS_PER_S)

/* ── the text ── */

/* The first block of that language, else the first without a language, else all of the answer. */
static struct slice code_of(const struct validation *v, const char *const *names)
{
    struct slice language, code, bare = {0};
    size_t from = 0;
    while (code_block_next(v->out->arena, v->text, &from, &language, &code)) {
        for (size_t i = 0; names[i]; i++)
            if (slice_eq_nocase(language, slice_str(names[i])))
                return code;
        if (language.len == 0 && !bare.data)
            bare = code;
    }
    return bare.data ? bare : v->text;
}

static void not_well_formed(const struct validation *v, const char *what, struct slice code,
                            struct slice why)
{
    struct arena *arena = v->out->arena;
    validation_fails(
        v, what, text_shown(arena, code, 100),
        arena_printf(arena, "expected %s: %.*s", what, SLICE_ARG(text_shown(arena, why, 500))));
}

/* ── languages that another program parses ── */

static const struct language {
    const char *names[5]; /* as blocks and parameters name it; the first is shown */
    const char *command[6];
} languages[] = {
    {{"python", "py", "python3"},
     {"python3", "-I", "-c", "import ast, sys; ast.parse(sys.stdin.read())"}},
    {{"javascript", "js", "mjs", "node"}, {"node", "--check", "-"}},
    {{"sh", "shell"}, {"sh", "-n"}},
    {{"bash"}, {"bash", "-n"}},
    {{"c"}, {"cc", "-fsyntax-only", "-xc", "-"}},
    {{"c++", "cpp"}, {"c++", "-fsyntax-only", "-xc++", "-"}},
    {{"go", "golang"}, {"gofmt", "-e", "-l"}},
    {{"ruby", "rb"}, {"ruby", "-c"}},
    {{"php"}, {"php", "-l"}},
};

static const struct language *language_called(struct slice name)
{
    for (size_t i = 0; i < sizeof(languages) / sizeof(languages[0]); i++)
        for (size_t n = 0; languages[i].names[n]; n++)
            if (slice_eq_nocase(name, slice_str(languages[i].names[n])))
                return &languages[i];
    return NULL;
}

static struct question *ask(const struct validation *v, const struct language *language)
{
    struct arena *arena = v->out->arena;
    struct question *q = question_about(v->o, v->item);
    if (q)
        return q;
    json_t *command = json_array();
    for (size_t i = 0; language->command[i]; i++)
        json_array_append_new(command, json_string(language->command[i]));
    q = question_new(v->o, v->item, "exec");
    q->times = 1;
    q->timeout = PARSER_TIMEOUT;
    q->config = jsontext_keep(arena, json_object());
    json_object_set_new(q->config, "command", command);
    json_object_set(q->config, "stdin", jsontext_string(arena, code_of(v, language->names)));
    return q;
}

/* The last line of what a parser complained is where it says what is wrong. */
static struct slice last_line(struct slice text)
{
    struct slice rest = slice_trim(text), line = {0};
    while (slice_split(&rest, '\n', &line))
        continue;
    return line;
}

static void parse_by(const struct validation *v, const struct language *language)
{
    const struct question *q = ask(v, language);
    const struct question_answer *a = q->answers;
    if (!q->asked || !q->answer_count) {
        validation_not_possible(
            v, "%s was not checked: parsers are run in `expect`, not in `until`", v->check);
        return;
    }
    const struct observation *o = a->observation;
    if (!o || !result_ok(a->result) || o->exit_code < 0 || o->exit_code == 127)
        validation_not_possible(v, "%s needs the program %s, which could not be run: %s", v->check,
                                language->command[0], a->error);
    else if (o->exit_code == 0)
        validation_passes(v);
    else
        not_well_formed(v, arena_printf(v->out->arena, "well-formed %s", language->names[0]),
                        code_of(v, language->names), last_line(o->standard_error));
}

void validate_python(const struct validation *v)
{
    parse_by(v, &languages[0]);
}

/* Without a language: that of the first block. */
void validate_code(const struct validation *v)
{
    const struct node *given = validation_param(v, "language");
    struct slice name = given ? given->string : SLICE(""), code;
    size_t from = 0;
    if (!given && !code_block_next(v->out->arena, v->text, &from, &name, &code)) {
        validation_fails(v, "code", validation_beginning(v),
                         "expected a code block, found none, and no language is given");
        return;
    }
    if (slice_eq_nocase(name, SLICE("sql"))) {
        validate_sql(v);
        return;
    }
    const struct language *language = language_called(name);
    if (language)
        parse_by(v, language);
    else
        validation_not_possible(v, "%s knows no parser for the language \"%.*s\"", v->check,
                                SLICE_ARG(name));
}

/* ── SQL ── */

static void close_database(sqlite3 **database)
{
    sqlite3_close(*database);
}

/* Faults of the grammar; that a table or column is not there is none. */
static bool is_grammar_fault(const char *message)
{
    static const char *const words[] = {"syntax error", "incomplete input", "unrecognized token",
                                        "unterminated"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strstr(message, words[i]))
            return true;
    return false;
}

/* One statement after the other; in a database that has nothing and keeps nothing, none is run. */
void validate_sql(const struct validation *v)
{
    static const char *const names[] = {"sql", "sqlite", "postgresql", "mysql", NULL};
    DEFER(close_database)
    sqlite3 *database = NULL;
    struct slice code = slice_trim(code_of(v, names));
    struct slice rest = arena_copy(v->out->arena, code);
    size_t statements = 0;
    if (slice_find_byte(code, '\0') >= 0) { /* SQLite would not read what is behind it */
        not_well_formed(v, "well-formed SQL", code, SLICE("it holds a zero byte"));
        return;
    }
    if (sqlite3_open_v2(":memory:", &database, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
        validation_not_possible(v, "SQLite cannot be used: %s", sqlite3_errmsg(database));
        return;
    }
    while (rest.len) {
        sqlite3_stmt *statement = NULL;
        const char *tail = NULL;
        int code_of_sqlite =
            sqlite3_prepare_v2(database, rest.data, (int)rest.len, &statement, &tail);
        statements += statement != NULL || code_of_sqlite != SQLITE_OK;
        sqlite3_finalize(statement);
        const char *message = sqlite3_errmsg(database);
        if (code_of_sqlite != SQLITE_OK && is_grammar_fault(message)) {
            not_well_formed(v, "well-formed SQL", code, slice_str(message));
            return;
        }
        /* SQLite says where a statement ends only when it is right: then the others are not seen.
         */
        if (code_of_sqlite != SQLITE_OK && (!tail || tail == rest.data)) {
            ptrdiff_t end = slice_find_byte(rest, ';');
            tail = end < 0 ? rest.data + rest.len : rest.data + end + 1;
        }
        if (tail <= rest.data) { /* it read nothing: it never will */
            not_well_formed(v, "well-formed SQL", code, SLICE("SQLite cannot read it"));
            return;
        }
        rest = slice_trim(slice_from(rest, (size_t)(tail - rest.data)));
    }
    if (statements)
        validation_passes(v);
    else
        not_well_formed(v, "well-formed SQL", code, SLICE("there is no statement"));
}

/* ── OpenAPI ── */

/* What a document of version 3 must have, by its specification; of version 2 there is less. */
static const char openapi_schema[] =
    "{\"type\":\"object\",\"required\":[\"info\"],"
    "\"properties\":{\"info\":{\"type\":\"object\",\"required\":[\"title\",\"version\"],"
    "\"properties\":{\"title\":{\"type\":\"string\"},\"version\":{\"type\":\"string\"}}},"
    "\"paths\":{\"type\":\"object\",\"propertyNames\":{\"pattern\":\"^(/|x-)\"},"
    "\"additionalProperties\":{\"type\":\"object\",\"patternProperties\":{"
    "\"^(get|put|post|delete|options|head|patch|trace)$\":{\"type\":\"object\",\"properties\":{"
    "\"responses\":{\"type\":\"object\",\"minProperties\":1,\"propertyNames\":{\"pattern\":"
    "\"^([1-5]([0-9]{2}|XX)|default|x-.*)$\"}}}}}}}},"
    "\"oneOf\":[{\"required\":[\"swagger\",\"paths\"],\"properties\":{\"swagger\":{\"const\":\"2."
    "0\"}}},"
    "{\"required\":[\"openapi\",\"paths\"],\"properties\":{\"openapi\":{\"type\":\"string\","
    "\"pattern\":"
    "\"^3\\\\.0\\\\.[0-9]+\"}}},"
    "{\"required\":[\"openapi\"],\"anyOf\":[{\"required\":[\"paths\"]},{\"required\":["
    "\"components\"]},"
    "{\"required\":[\"webhooks\"]}],\"properties\":{\"openapi\":{\"type\":\"string\",\"pattern\":"
    "\"^3\\\\.1\\\\.[0-9]+\"}}}]}";

/* JSON or YAML. */
static json_t *document_of(const struct validation *v, struct slice code)
{
    json_t *document = NULL;
    struct diagnostics d = diagnostics_in(v->out->arena);
    if (result_ok(jsontext_read_in(v->out->arena, code, &document)))
        return document;
    const struct node *node = load_text(v->out->arena, "answer.yaml", code, &d);
    if (node && d.count == 0)
        return node_json(v->out->arena, node);
    result_ignore(/* it is a verdict, not a failure of ours */
                  error_set(ERR_SYNTAX, "%s", d.first ? d.first->text : "neither JSON nor YAML"));
    return NULL;
}

void validate_openapi(const struct validation *v)
{
    static const char *const names[] = {"yaml", "yml", "json", "openapi", NULL};
    struct arena *arena = v->out->arena;
    struct slice code = code_of(v, names);
    struct schema *schema;
    struct schema_report report;
    struct schema_options options = {.draft = SCHEMA_DRAFT_07};
    json_t *description = NULL, *document = document_of(v, code);
    if (!document) {
        not_well_formed(v, "an OpenAPI document", code, slice_str(error_last()->text));
        return;
    }
    if (!result_ok(jsontext_read_in(arena, slice_str(openapi_schema), &description)) ||
        !result_ok(schema_compile(arena, description, &options, &schema)) ||
        !result_ok(schema_validate(schema, document, 3, arena, &report))) {
        validation_impossible(v);
        return;
    }
    if (report.valid) {
        validation_passes(v);
        return;
    }
    struct text t = text_in(arena);
    for (size_t i = 0; i < report.count; i++)
        text_printf(&t, "%s%.*s: %.*s", i ? "; " : "", SLICE_ARG(report.faults[i].path),
                    SLICE_ARG(report.faults[i].text));
    not_well_formed(v, "an OpenAPI document", code, text_slice(&t));
}
