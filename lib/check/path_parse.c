/*
 * The parser of JSONPath queries: recursive descent, one function per rule of RFC 9535's grammar.
 * Queries are short and parsed once, so an error may take its time to say where and what.
 */
#include <math.h>

#include "check/path_query.h"
#include "core/limits.h"
#include "core/parse.h"
#include "core/text.h"

/* Integers of a query must be exact in a double (2.1). */
#define INTEGER_MOST ((INT64_C(1) << 53) - 1)

struct parser {
    struct arena *arena;
    struct slice s;
    size_t at;
    int depth;
};

static const struct function {
    const char *name;
    enum path_type result;
    size_t argument_count;
    enum path_type arguments[PATH_ARGUMENTS];
} functions[] = {
    [FUNCTION_LENGTH] = {"length", TYPE_VALUE, 1, {TYPE_VALUE}},
    [FUNCTION_COUNT] = {"count", TYPE_VALUE, 1, {TYPE_NODES}},
    [FUNCTION_MATCH] = {"match", TYPE_LOGICAL, 2, {TYPE_VALUE, TYPE_VALUE}},
    [FUNCTION_SEARCH] = {"search", TYPE_LOGICAL, 2, {TYPE_VALUE, TYPE_VALUE}},
    [FUNCTION_VALUE] = {"value", TYPE_VALUE, 1, {TYPE_NODES}},
};
#define FUNCTION_COUNT_ALL (sizeof functions / sizeof *functions)

static struct result parse_or(struct parser *p, const struct path_logical **out);
static struct result parse_segments(struct parser *p, struct path_query *query);
static struct result parse_operand(struct parser *p, struct path_operand *out);

/* ---- errors ---- */

static size_t character_at(const struct parser *p, size_t at)
{
    return utf8_length(slice_part(p->s, 0, at)) + 1;
}

static struct result fault(const struct parser *p, size_t at, const char *what)
{
    struct slice shown = text_shown(p->arena, p->s, 200);
    return error_set(ERR_SYNTAX, "JSONPath: %s at character %zu of %.*s", what, character_at(p, at),
                     SLICE_ARG(shown));
}

/* "expected X, got Y at character N". */
static struct result expected(const struct parser *p, const char *what)
{
    if (p->at >= p->s.len)
        return fault(p, p->at, arena_printf(p->arena, "expected %s, got the end", what));
    struct slice rest = slice_from(p->s, p->at);
    struct slice got = text_shown(p->arena, slice_of(rest.data, utf8_sequence(rest)), 16);
    return fault(p, p->at, arena_printf(p->arena, "expected %s, got '%.*s'", what, SLICE_ARG(got)));
}

/* ---- characters ---- */

static char peek(const struct parser *p)
{
    return p->at < p->s.len ? p->s.data[p->at] : '\0';
}

static bool looking_at(const struct parser *p, const char *s)
{
    return slice_starts(slice_from(p->s, p->at), slice_str(s));
}

static bool accept(struct parser *p, const char *s)
{
    if (!looking_at(p, s))
        return false;
    p->at += strlen(s);
    return true;
}

static void skip_blanks(struct parser *p)
{
    while (p->at < p->s.len && strchr(" \t\n\r", p->s.data[p->at]) && p->s.data[p->at])
        p->at++;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_first(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_function_first(char c)
{
    return c >= 'a' && c <= 'z';
}

/* ---- names, strings and numbers ---- */

/* member-name-shorthand */
static struct slice parse_shorthand(struct parser *p)
{
    size_t start = p->at;
    while (is_name_first(peek(p)) || (p->at > start && is_digit(peek(p))))
        p->at++;
    return arena_copy(p->arena, slice_of(p->s.data + start, p->at - start));
}

static struct result parse_hex4(struct parser *p, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++, p->at++) {
        char c = peek(p);
        char lower = (char)(c | 0x20);
        if (is_digit(c))
            *out = *out << 4 | (uint32_t)(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            *out = *out << 4 | (uint32_t)(lower - 'a' + 10);
        else
            return expected(p, "four hexadecimal digits after \\u");
    }
    return RESULT_OK;
}

static void add_utf8(struct text *t, uint32_t c)
{
    if (c < 0x80) {
        text_add_byte(t, (char)c);
    } else if (c < 0x800) {
        text_add_byte(t, (char)(0xc0 | c >> 6));
        text_add_byte(t, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        text_add_byte(t, (char)(0xe0 | c >> 12));
        text_add_byte(t, (char)(0x80 | (c >> 6 & 0x3f)));
        text_add_byte(t, (char)(0x80 | (c & 0x3f)));
    } else {
        text_add_byte(t, (char)(0xf0 | c >> 18));
        text_add_byte(t, (char)(0x80 | (c >> 12 & 0x3f)));
        text_add_byte(t, (char)(0x80 | (c >> 6 & 0x3f)));
        text_add_byte(t, (char)(0x80 | (c & 0x3f)));
    }
}

/* After "\u". */
static struct result parse_unicode_escape(struct parser *p, struct text *out)
{
    uint32_t c = 0, low = 0;
    size_t start = p->at;
    TRY(parse_hex4(p, &c));
    if (c >= 0xdc00 && c <= 0xdfff)
        return fault(p, start, "a low surrogate needs a high one before it");
    if (c >= 0xd800 && c <= 0xdbff) {
        if (!accept(p, "\\u"))
            return expected(p, "\\u and a low surrogate after a high one");
        start = p->at;
        TRY(parse_hex4(p, &low));
        if (low < 0xdc00 || low > 0xdfff)
            return fault(p, start, "expected a low surrogate after a high one");
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    add_utf8(out, c);
    return RESULT_OK;
}

/* string-literal */
static struct result parse_string(struct parser *p, struct slice *out)
{
    static const char letters[] = "bfnrt/\\", meanings[] = "\b\f\n\r\t/\\";
    struct text text = text_in(p->arena);
    size_t start = p->at;
    char quote = peek(p);
    p->at++;
    while (p->at < p->s.len && peek(p) != quote) {
        char c = peek(p);
        if ((unsigned char)c < 0x20)
            return fault(p, p->at, "a control character must be escaped");
        p->at++;
        if (c != '\\') {
            text_add_byte(&text, c);
            continue;
        }
        char escaped = peek(p);
        const char *letter = escaped ? strchr(letters, escaped) : NULL;
        if (!letter && escaped != quote && escaped != 'u')
            return expected(p, quote == '"' ? "one of b f n r t / \\ \" u after the backslash"
                                            : "one of b f n r t / \\ ' u after the backslash");
        p->at++;
        if (escaped == 'u')
            TRY(parse_unicode_escape(p, &text));
        else
            text_add_byte(&text, letter ? meanings[letter - letters] : quote);
    }
    if (p->at >= p->s.len)
        return fault(p, start, "a string that does not end");
    p->at++;
    *out = arena_copy(p->arena, text_slice(&text));
    return RESULT_OK;
}

/* int */
static struct result parse_int(struct parser *p, int64_t *out)
{
    size_t start = p->at;
    accept(p, "-");
    if (!is_digit(peek(p)))
        return expected(p, "a digit");
    while (is_digit(peek(p)))
        p->at++;
    struct slice digits = slice_of(p->s.data + start, p->at - start);
    if (slice_is(digits, "-0"))
        return fault(p, start, "-0 is not an integer here");
    if (digits.len > 1 && *digits.data == '0')
        return fault(p, start, "an integer has no leading zeros");
    if (!result_ok(parse_integer(digits, out)) || *out > INTEGER_MOST || *out < -INTEGER_MOST)
        return fault(p, start, "an integer must be within ±(2^53 − 1)");
    return RESULT_OK;
}

/* number */
static struct result parse_number_literal(struct parser *p, json_t **out)
{
    size_t start = p->at;
    bool real = false;
    int64_t integer = 0;
    double value = 0;
    accept(p, "-");
    if (!is_digit(peek(p)))
        return expected(p, "a digit");
    while (is_digit(peek(p)))
        p->at++;
    if (accept(p, ".")) {
        real = true;
        if (!is_digit(peek(p)))
            return expected(p, "a digit after the decimal point");
        while (is_digit(peek(p)))
            p->at++;
    }
    if (peek(p) == 'e' || peek(p) == 'E') {
        real = true;
        p->at++;
        if (!accept(p, "-"))
            accept(p, "+");
        if (!is_digit(peek(p)))
            return expected(p, "a digit in the exponent");
        while (is_digit(peek(p)))
            p->at++;
    }
    struct slice digits = slice_of(p->s.data + start, p->at - start);
    if (!real && slice_is(digits, "-0"))
        *out = json_integer(0);
    else if (!real && result_ok(parse_integer(digits, &integer)))
        *out = json_integer(integer);
    else if (result_ok(parse_number(digits, &value)))
        *out = json_real(value);
    else
        return fault(p, start, "not a number a double can hold (leading zeros are not allowed)");
    return RESULT_OK;
}

/* literal; *is_literal tells whether there was one. */
static struct result parse_literal(struct parser *p, const json_t **out, bool *is_literal)
{
    json_t *value = NULL;
    *is_literal = true;
    if (peek(p) == '"' || peek(p) == '\'') {
        struct slice s;
        TRY(parse_string(p, &s));
        *out = jsontext_string(p->arena, s);
        return RESULT_OK;
    }
    if (is_digit(peek(p)) || peek(p) == '-')
        TRY(parse_number_literal(p, &value));
    else if (accept(p, "true"))
        value = json_true();
    else if (accept(p, "false"))
        value = json_false();
    else if (accept(p, "null"))
        value = json_null();
    *is_literal = value != NULL;
    if (value)
        *out = jsontext_keep(p->arena, value);
    return RESULT_OK;
}

/* ---- selectors and segments ---- */

/* An optional int of a slice selector. */
static struct result parse_bound(struct parser *p, bool *has, int64_t *out)
{
    *has = is_digit(peek(p)) || peek(p) == '-';
    if (*has) {
        TRY(parse_int(p, out));
        skip_blanks(p);
    }
    return RESULT_OK;
}

/* index-selector or slice-selector */
static struct result parse_index_or_slice(struct parser *p, struct path_selector *out)
{
    struct path_slice slice = {.step = 1};
    bool has_step = false;
    size_t start = p->at;
    TRY(parse_bound(p, &slice.has_start, &slice.start));
    if (!accept(p, ":")) {
        if (slice.has_start) {
            /* The blanks after an index belong to the brackets. */
            out->kind = SELECTOR_INDEX;
            out->index = slice.start;
            return RESULT_OK;
        }
        p->at = start;
        return expected(p, "a selector (a quoted name, an index, a slice, * or ?)");
    }
    skip_blanks(p);
    TRY(parse_bound(p, &slice.has_end, &slice.end));
    if (accept(p, ":")) {
        skip_blanks(p);
        TRY(parse_bound(p, &has_step, &slice.step));
    }
    out->kind = SELECTOR_SLICE;
    out->slice = slice;
    return RESULT_OK;
}

static struct result parse_selector(struct parser *p, struct path_selector *out)
{
    if (peek(p) == '"' || peek(p) == '\'') {
        out->kind = SELECTOR_NAME;
        return parse_string(p, &out->name);
    }
    if (accept(p, "*")) {
        out->kind = SELECTOR_WILDCARD;
        return RESULT_OK;
    }
    if (accept(p, "?")) {
        out->kind = SELECTOR_FILTER;
        skip_blanks(p);
        return parse_or(p, &out->filter);
    }
    return parse_index_or_slice(p, out);
}

/* After "[": the selectors up to and with "]". */
static struct result parse_bracketed(struct parser *p, const struct path_selector **out)
{
    const struct path_selector **tail = out;
    ENSURE(++p->depth <= LIMIT_DEPTH, ERR_TOO_LARGE, "JSONPath: nested deeper than %d levels",
           LIMIT_DEPTH);
    for (;;) {
        struct path_selector *selector = ARENA_NEW(p->arena, struct path_selector);
        skip_blanks(p);
        TRY(parse_selector(p, selector));
        *tail = selector;
        tail = &selector->next;
        skip_blanks(p);
        if (accept(p, "]"))
            break;
        if (!accept(p, ","))
            return expected(p, "',' or ']'");
    }
    p->depth--;
    return RESULT_OK;
}

/* One segment; *found is false when there is none here. */
static struct result parse_segment(struct parser *p, struct path_segment *out, bool *found)
{
    struct path_selector *selector = NULL;
    *found = true;
    if (accept(p, "[")) {
        return parse_bracketed(p, &out->selectors);
    }
    if (accept(p, "..")) {
        out->descendant = true;
        if (accept(p, "["))
            return parse_bracketed(p, &out->selectors);
    } else if (!accept(p, ".")) {
        *found = false;
        return RESULT_OK;
    }
    selector = ARENA_NEW(p->arena, struct path_selector);
    out->selectors = selector;
    if (accept(p, "*")) {
        selector->kind = SELECTOR_WILDCARD;
    } else if (is_name_first(peek(p))) {
        selector->kind = SELECTOR_NAME;
        selector->name = parse_shorthand(p);
    } else {
        return expected(p, out->descendant ? "a name, * or [ after .." : "a name or * after .");
    }
    return RESULT_OK;
}

static bool segment_singular(const struct path_segment *segment)
{
    const struct path_selector *only = segment->selectors;
    return !segment->descendant && !only->next &&
           (only->kind == SELECTOR_NAME || only->kind == SELECTOR_INDEX);
}

static struct result parse_segments(struct parser *p, struct path_query *query)
{
    const struct path_segment **tail = &query->segments;
    query->singular = true;
    for (;;) {
        struct path_segment *segment = ARENA_NEW(p->arena, struct path_segment);
        size_t before = p->at;
        bool found = false;
        skip_blanks(p);
        TRY(parse_segment(p, segment, &found));
        if (!found) {
            p->at = before;
            return RESULT_OK;
        }
        query->singular = query->singular && segment_singular(segment);
        *tail = segment;
        tail = &segment->next;
    }
}

/* ---- filters ---- */

/* One argument, which has to be of type `type`. */
static struct result parse_argument(struct parser *p, const struct function *f, enum path_type type,
                                    struct path_operand *out)
{
    size_t start = p->at;
    TRY(parse_operand(p, out));
    bool query = out->kind == OPERAND_QUERY;
    bool call = out->kind == OPERAND_FUNCTION;
    bool fits = type == TYPE_NODES
                    ? query || (call && out->call->type == TYPE_NODES)
                    : (query ? out->query.singular : !call || out->call->type == TYPE_VALUE);
    if (fits)
        return RESULT_OK;
    return fault(p, start,
                 arena_printf(p->arena,
                              type == TYPE_NODES
                                  ? "%s() takes a query here"
                                  : "%s() takes a single value here: a literal, a query that "
                                    "selects at most one node, or a function that yields a value",
                              f->name));
}

/* function-expr, at its name. */
static struct result parse_call(struct parser *p, const struct path_call **out)
{
    static const char *const names[] = {"length", "count", "match", "search", "value", NULL};
    const struct function *f = NULL;
    struct path_call *call = ARENA_NEW(p->arena, struct path_call);
    size_t start = p->at;
    while (is_function_first(peek(p)) || peek(p) == '_' || is_digit(peek(p)))
        p->at++;
    struct slice name = slice_of(p->s.data + start, p->at - start);
    if (peek(p) != '(') {
        p->at = start;
        return expected(p, "a literal, @, $ or a function with ( right after its name");
    }
    for (size_t i = 0; i < FUNCTION_COUNT_ALL; i++)
        if (slice_is(name, functions[i].name)) {
            f = &functions[i];
            call->function = (enum path_function_name)i;
        }
    if (!f) {
        const char *near = slice_nearest(name, names);
        return fault(p, start,
                     near ? arena_printf(p->arena, "unknown function, did you mean %s()?", near)
                          : "unknown function; there are length, count, match, search and value");
    }
    call->type = f->result;
    p->at++;
    ENSURE(++p->depth <= LIMIT_DEPTH, ERR_TOO_LARGE, "JSONPath: nested deeper than %d levels",
           LIMIT_DEPTH);
    for (size_t i = 0; i < f->argument_count; i++) {
        skip_blanks(p);
        if (i > 0 && !accept(p, ","))
            return expected(p, arena_printf(p->arena, "',' (%s() takes %zu arguments)", f->name,
                                            f->argument_count));
        skip_blanks(p);
        TRY(parse_argument(p, f, f->arguments[i], &call->arguments[i]));
    }
    skip_blanks(p);
    if (!accept(p, ")"))
        return expected(p, arena_printf(p->arena, "')' (%s() takes %zu argument%s)", f->name,
                                        f->argument_count, f->argument_count == 1 ? "" : "s"));
    p->depth--;
    *out = call;
    return RESULT_OK;
}

/* A literal, a query or a function call. */
static struct result parse_operand(struct parser *p, struct path_operand *out)
{
    bool is_literal = false;
    size_t start = p->at;
    if (peek(p) == '@' || peek(p) == '$') {
        out->kind = OPERAND_QUERY;
        out->query.relative = peek(p) == '@';
        p->at++;
        return parse_segments(p, &out->query);
    }
    TRY(parse_literal(p, &out->literal, &is_literal));
    if (is_literal) {
        out->kind = OPERAND_LITERAL;
        return RESULT_OK;
    }
    if (is_function_first(peek(p))) {
        out->kind = OPERAND_FUNCTION;
        return parse_call(p, &out->call);
    }
    p->at = start;
    return expected(p, "a literal, @, $ or a function");
}

static bool accept_comparison(struct parser *p, enum path_comparison *out)
{
    static const char *const operators[] = {
        [COMPARE_EQUAL] = "==",         [COMPARE_NOT_EQUAL] = "!=",
        [COMPARE_LESS_OR_EQUAL] = "<=", [COMPARE_GREATER_OR_EQUAL] = ">=",
        [COMPARE_LESS] = "<",           [COMPARE_GREATER] = ">",
    };
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (accept(p, operators[i])) {
            *out = (enum path_comparison)i;
            return true;
        }
    return false;
}

/* An operand of a comparison must be a single value. */
static struct result check_comparable(struct parser *p, size_t at, const struct path_operand *o)
{
    if (o->kind == OPERAND_QUERY && !o->query.singular)
        return fault(p, at, "only a query that selects at most one node can be compared");
    if (o->kind == OPERAND_FUNCTION && o->call->type != TYPE_VALUE)
        return fault(p, at,
                     arena_printf(p->arena, "%s() is true or false by itself and is not compared",
                                  functions[o->call->function].name));
    return RESULT_OK;
}

/* comparison-expr, or the inside of test-expr. */
static struct result parse_comparison_or_test(struct parser *p, struct path_logical *out)
{
    struct path_operand *operands = out->operands;
    size_t start = p->at;
    TRY(parse_operand(p, &operands[0]));
    size_t end = p->at;
    skip_blanks(p);
    if (accept_comparison(p, &out->comparison)) {
        out->kind = LOGICAL_COMPARISON;
        TRY(check_comparable(p, start, &operands[0]));
        skip_blanks(p);
        start = p->at;
        TRY(parse_operand(p, &operands[1]));
        return check_comparable(p, start, &operands[1]);
    }
    if (operands[0].kind == OPERAND_LITERAL)
        return expected(p, "a comparison after the literal");
    if (operands[0].kind == OPERAND_FUNCTION && operands[0].call->type == TYPE_VALUE)
        return expected(p, arena_printf(p->arena, "a comparison after %s()",
                                        functions[operands[0].call->function].name));
    p->at = end;
    out->kind = LOGICAL_TEST;
    return RESULT_OK;
}

/* basic-expr */
static struct result parse_basic(struct parser *p, const struct path_logical **out)
{
    struct path_logical *logical = ARENA_NEW(p->arena, struct path_logical);
    bool negated = accept(p, "!");
    size_t start = p->at;
    if (negated)
        skip_blanks(p);
    *out = logical;
    if (accept(p, "(")) {
        ENSURE(++p->depth <= LIMIT_DEPTH, ERR_TOO_LARGE, "JSONPath: nested deeper than %d levels",
               LIMIT_DEPTH);
        skip_blanks(p);
        TRY(parse_or(p, out));
        skip_blanks(p);
        if (!accept(p, ")"))
            return expected(p, "')' or an operator");
        p->depth--;
    } else {
        TRY(parse_comparison_or_test(p, logical));
        if (negated && logical->kind == LOGICAL_COMPARISON)
            return fault(p, start, "! does not apply to a comparison; put it in parentheses");
    }
    if (negated) {
        struct path_logical *negation = ARENA_NEW(p->arena, struct path_logical);
        negation->kind = LOGICAL_NOT;
        negation->left = *out;
        *out = negation;
    }
    return RESULT_OK;
}

/*
 * logical-and-expr and logical-or-expr lean to the right: `left` is one operand, `right` the rest
 * of the chain, so that a long chain is walked in a loop.
 */
static struct result parse_and(struct parser *p, const struct path_logical **out)
{
    for (;;) {
        TRY(parse_basic(p, out));
        size_t before = p->at;
        skip_blanks(p);
        if (!accept(p, "&&")) {
            p->at = before;
            return RESULT_OK;
        }
        skip_blanks(p);
        struct path_logical *both = ARENA_NEW(p->arena, struct path_logical);
        both->kind = LOGICAL_AND;
        both->left = *out;
        *out = both;
        out = &both->right;
    }
}

static struct result parse_or(struct parser *p, const struct path_logical **out)
{
    for (;;) {
        TRY(parse_and(p, out));
        size_t before = p->at;
        skip_blanks(p);
        if (!accept(p, "||")) {
            p->at = before;
            return RESULT_OK;
        }
        skip_blanks(p);
        struct path_logical *either = ARENA_NEW(p->arena, struct path_logical);
        either->kind = LOGICAL_OR;
        either->left = *out;
        *out = either;
        out = &either->right;
    }
}

struct result path_parse(struct arena *arena, struct slice text, struct path **out)
{
    struct path *path = ARENA_NEW(arena, struct path);
    path->text = arena_copy(arena, text);
    struct parser p = {.arena = arena, .s = path->text};
    for (size_t i = 0; i < text.len;) {
        size_t n = utf8_sequence(slice_from(text, i));
        ENSURE(n > 0, ERR_SYNTAX, "JSONPath: invalid UTF-8 at character %zu", character_at(&p, i));
        i += n;
    }
    if (!accept(&p, "$"))
        return expected(&p, "$ to begin the query");
    TRY(parse_segments(&p, &path->query));
    if (p.at < p.s.len)
        return expected(&p, ". or [ or the end");
    *out = path;
    return RESULT_OK;
}
