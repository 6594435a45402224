/*
 * Filter expressions: a recursive descent parser and a tree walk.
 */
#include "plan/filter.h"

#include <fnmatch.h>

#include "check/regex.h"
#include "core/limits.h"

enum filter_kind { FILTER_AND, FILTER_OR, FILTER_NOT, FILTER_CONTAINS, FILTER_GLOB, FILTER_REGEX };
enum filter_field { FIELD_ID, FIELD_TAG, FIELD_MODEL, FIELD_PATH, FIELD_SUITE };

static const char *const field_names[] = {"id", "tag", "model", "path", "suite", NULL};

struct filter {
    enum filter_kind kind;
    enum filter_field field;
    const struct filter *left, *right;
    const char *value;
};

struct parser {
    struct arena *arena;
    struct slice text;
    size_t at;
    unsigned depth;
};

static struct result parse_or(struct parser *p, struct filter **out);

static struct filter *new_filter(struct parser *p, enum filter_kind kind)
{
    struct filter *f = ARENA_NEW(p->arena, struct filter);
    f->kind = kind;
    return f;
}

static struct result expected(const struct parser *p, const char *what)
{
    return error_set(ERR_USAGE, "--filter: expected %s at character %zu of \"%.*s\"", what,
                     p->at + 1, SLICE_ARG(p->text));
}

static void skip_blanks(struct parser *p)
{
    while (p->at < p->text.len && (p->text.data[p->at] == ' ' || p->text.data[p->at] == '\t'))
        p->at++;
}

static bool take_token(struct parser *p, struct slice token)
{
    skip_blanks(p);
    if (!slice_starts(slice_from(p->text, p->at), token))
        return false;
    p->at += token.len;
    return true;
}

static bool word_byte(char c)
{
    return c && !strchr(" \t()=!~&|\"'", c);
}

static struct slice peek_word(struct parser *p)
{
    skip_blanks(p);
    size_t end = p->at;
    while (end < p->text.len && word_byte(p->text.data[end]))
        end++;
    return slice_part(p->text, p->at, end - p->at);
}

static bool take_word(struct parser *p, const char *word)
{
    if (!slice_is(peek_word(p), word))
        return false;
    p->at += strlen(word);
    return true;
}

static struct result parse_value(struct parser *p, const char **out)
{
    skip_blanks(p);
    char quote = p->at < p->text.len ? p->text.data[p->at] : '\0';
    if (quote == '"' || quote == '\'') {
        ptrdiff_t end = slice_find_byte(slice_from(p->text, p->at + 1), quote);
        if (end < 0)
            return expected(p, "a closing quote for the text that begins");
        *out = arena_string(p->arena, slice_part(p->text, p->at + 1, (size_t)end));
        p->at += (size_t)end + 2;
        return RESULT_OK;
    }
    struct slice word = peek_word(p);
    if (word.len == 0)
        return expected(p, "a value");
    *out = arena_string(p->arena, word);
    p->at += word.len;
    return RESULT_OK;
}

static int field_named(struct slice word)
{
    for (int i = 0; field_names[i]; i++)
        if (slice_is(word, field_names[i]))
            return i;
    return -1;
}

static struct result check_regex(const char *pattern)
{
    struct result r = regex_check(slice_str(pattern), REGEX_PERL);
    return result_ok(r) ? r : error_set(ERR_USAGE, "--filter: %s", error_last()->text);
}

static struct result parse_comparison(struct parser *p, enum filter_field field,
                                      struct filter **out)
{
    bool negated = take_token(p, SLICE("!"));
    struct filter *f;
    if (take_token(p, SLICE("==")) || take_token(p, SLICE("="))) {
        f = new_filter(p, FILTER_GLOB);
    } else if (take_token(p, SLICE("~"))) {
        f = new_filter(p, FILTER_REGEX);
    } else {
        return expected(p, "one of = != ~ !~");
    }
    f->field = field;
    TRY(parse_value(p, &f->value));
    if (f->kind == FILTER_REGEX)
        TRY(check_regex(f->value));
    *out = f;
    if (negated) {
        *out = new_filter(p, FILTER_NOT);
        (*out)->left = f;
    }
    return RESULT_OK;
}

static struct result parse_factor(struct parser *p, struct filter **out)
{
    struct filter *inner;
    ENSURE(++p->depth <= LIMIT_DEPTH, ERR_USAGE, "--filter: nested too deeply");
    if (take_token(p, SLICE("("))) {
        TRY(parse_or(p, out));
        if (!take_token(p, SLICE(")")))
            return expected(p, "\")\"");
    } else if (take_word(p, "not") || take_token(p, SLICE("!"))) {
        TRY(parse_factor(p, &inner));
        *out = new_filter(p, FILTER_NOT);
        (*out)->left = inner;
    } else {
        size_t start = p->at;
        struct slice word = peek_word(p);
        int field = field_named(word);
        p->at += word.len;
        skip_blanks(p);
        bool compares = p->at < p->text.len && strchr("=!~", p->text.data[p->at]);
        if (field >= 0 && compares) {
            TRY(parse_comparison(p, (enum filter_field)field, out));
        } else {
            p->at = start;
            *out = new_filter(p, FILTER_CONTAINS);
            TRY(parse_value(p, &(*out)->value));
        }
    }
    p->depth--;
    return RESULT_OK;
}

static struct result parse_and(struct parser *p, struct filter **out)
{
    TRY(parse_factor(p, out));
    while (take_word(p, "and") || take_token(p, SLICE("&&"))) {
        struct filter *both = new_filter(p, FILTER_AND), *right;
        TRY(parse_factor(p, &right));
        both->left = *out;
        both->right = right;
        *out = both;
    }
    return RESULT_OK;
}

static struct result parse_or(struct parser *p, struct filter **out)
{
    TRY(parse_and(p, out));
    while (take_word(p, "or") || take_token(p, SLICE("||"))) {
        struct filter *either = new_filter(p, FILTER_OR), *right;
        TRY(parse_and(p, &right));
        either->left = *out;
        either->right = right;
        *out = either;
    }
    return RESULT_OK;
}

struct result filter_parse(struct arena *arena, struct slice text, struct filter **out)
{
    struct parser p = {.arena = arena, .text = text};
    TRY(parse_or(&p, out));
    skip_blanks(&p);
    if (p.at < text.len)
        return expected(&p, "\"and\", \"or\" or the end");
    return RESULT_OK;
}

static bool value_matches(const struct filter *f, struct slice value)
{
    if (f->kind == FILTER_CONTAINS)
        return slice_find(value, slice_str(f->value)) >= 0;
    if (f->kind == FILTER_GLOB)
        return fnmatch(f->value, value.data, 0) == 0; /* values are NUL-terminated copies */
    bool found = false;
    /* A pattern that hits its limits on a name matches nothing. */
    return result_ok(regex_matches(slice_str(f->value), REGEX_PERL, value, &found)) && found;
}

bool filter_matches(const struct filter *f, const struct plan_case *c)
{
    switch (f->kind) {
    case FILTER_AND:
        return filter_matches(f->left, c) && filter_matches(f->right, c);
    case FILTER_OR:
        return filter_matches(f->left, c) || filter_matches(f->right, c);
    case FILTER_NOT:
        return !filter_matches(f->left, c);
    case FILTER_CONTAINS:
    case FILTER_GLOB:
    case FILTER_REGEX:
        break;
    }
    switch (f->field) {
    case FIELD_ID:
        return value_matches(f, c->id);
    case FIELD_TAG:
        for (size_t i = 0; i < c->tag_count; i++)
            if (value_matches(f, c->tags[i]))
                return true;
        return false;
    case FIELD_MODEL:
        return value_matches(f, c->model);
    case FIELD_PATH:
        return value_matches(f, slice_str(c->suite->file));
    case FIELD_SUITE:
        return value_matches(f, c->suite->name);
    }
    return false;
}
