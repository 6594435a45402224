/*
 * Checking nodes against shapes. It runs once per suite over every node, so the way that finds
 * nothing wrong allocates nothing; the words are only put together for a fault.
 */
#include "suite/shape.h"

#include <math.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/parse.h"
#include "core/text.h"
#include "suite/template.h"

/* -- Plain shapes ---------------------------------------------------------------------------- */

static void check_regex(const struct node *node, struct diagnostics *d)
{
    int code;
    size_t offset;
    struct slice pattern = node->string;
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)(pattern.len ? pattern.data : ""), pattern.len,
                                         PCRE2_UTF, &code, &offset, NULL);
    if (compiled) {
        pcre2_code_free(compiled);
        return;
    }
    char what[160];
    pcre2_get_error_message(code, (PCRE2_UCHAR *)what, sizeof(what));
    size_t character = utf8_length(slice_part(pattern, 0, offset)) + 1;
    diagnose(d, node->at, "not a regular expression: %s (at character %zu)", what, character);
}

static const struct shape shape_number = {.kind = SHAPE_NUMBER};
static const struct shape shape_scalar = {
    .kind = SHAPE_EITHER,
    .either = (const struct shape *const[]){&shape_text, &shape_number, &shape_bool, NULL},
};

const struct shape shape_any = {.kind = SHAPE_ANY};
const struct shape shape_bool = {.kind = SHAPE_BOOL};
const struct shape shape_string = {.kind = SHAPE_STRING, .min = 1};
const struct shape shape_text = {.kind = SHAPE_STRING};
const struct shape shape_object = {.kind = SHAPE_MAP, .of = &shape_any};
const struct shape shape_duration = {.kind = SHAPE_DURATION};
const struct shape shape_size = {.kind = SHAPE_SIZE};
const struct shape shape_strings = {.kind = SHAPE_LIST, .of = &shape_text};
const struct shape shape_arguments = {
    .kind = SHAPE_LIST, .min = 1, .max = 10000, .of = &shape_scalar};
const struct shape shape_string_map = {.kind = SHAPE_MAP, .of = &shape_scalar};
const struct shape shape_regex = {.kind = SHAPE_STRING, .min = 1, .check = check_regex};
const struct shape shape_positive = {.kind = SHAPE_INTEGER, .min = 1};
const struct shape shape_count = {.kind = SHAPE_INTEGER, .max = (double)INFINITY};

/* -- Words for people ------------------------------------------------------------------------ */

static bool bounded(const struct shape *shape)
{
    return shape->min < 0 || shape->min > 0 || shape->max < 0 || shape->max > 0;
}

static bool bounded_above(const struct shape *shape)
{
    return bounded(shape) && shape->max >= shape->min && isfinite(shape->max);
}

static bool within(const struct shape *shape, double value)
{
    return !bounded(shape) ||
           (value >= shape->min && (!bounded_above(shape) || value <= shape->max));
}

/* "of 1 or more", "from 0 to 10" */
static void add_range(struct text *t, const struct shape *shape)
{
    if (bounded_above(shape))
        text_printf(t, " from %.16g to %.16g", shape->min, shape->max);
    else if (bounded(shape))
        text_printf(t, " of %.16g or more", shape->min);
}

/* What a list or map is made of: "strings", "cases"; NULL when it goes without saying. */
static const char *plural(struct arena *arena, const struct shape *of)
{
    static const char *const words[] = {
        [SHAPE_BOOL] = "booleans",  [SHAPE_INTEGER] = "integers",   [SHAPE_NUMBER] = "numbers",
        [SHAPE_STRING] = "strings", [SHAPE_WORD] = "strings",       [SHAPE_SIZE] = "sizes",
        [SHAPE_LIST] = "lists",     [SHAPE_DURATION] = "durations", [SHAPE_MAP] = "maps",
        [SHAPE_OBJECT] = "maps",    [SHAPE_EITHER] = NULL,          [SHAPE_ANY] = NULL,
    };
    if (of && of->name)
        return arena_printf(arena, "%ss", of->name);
    return of ? words[of->kind] : NULL;
}

static void add_words(struct text *t, const struct shape *shape)
{
    for (size_t i = 0; shape->words[i]; i++)
        text_printf(t, "%s\"%s\"", i ? ", " : shape->words[1] ? "one of " : "", shape->words[i]);
}

static size_t alternatives(const struct shape *shape, const struct shape **all, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; shape->either[i] && count < max; i++) {
        if (shape->either[i]->kind == SHAPE_EITHER)
            count += alternatives(shape->either[i], all + count, max - count);
        else
            all[count++] = shape->either[i];
    }
    return count;
}

#define ALTERNATIVES_MAX 16

static void add_description(struct text *t, const struct shape *shape)
{
    const char *of = plural(t->arena, shape->of);
    switch (shape->kind) {
    case SHAPE_ANY:
        text_add_str(t, "any value");
        break;
    case SHAPE_BOOL:
        text_add_str(t, "true or false");
        break;
    case SHAPE_INTEGER:
        text_add_str(t, "an integer");
        add_range(t, shape);
        break;
    case SHAPE_NUMBER:
        text_add_str(t, "a number");
        add_range(t, shape);
        break;
    case SHAPE_STRING:
        text_add_str(t, shape->min > 0 ? "a non-empty string" : "a string");
        break;
    case SHAPE_WORD:
        add_words(t, shape);
        break;
    case SHAPE_DURATION:
        text_add_str(t, "a duration such as \"500ms\"");
        break;
    case SHAPE_SIZE:
        text_add_str(t, "a size such as \"64KiB\"");
        break;
    case SHAPE_LIST:
        text_printf(t, of ? "a list of %s" : "a list", of);
        break;
    case SHAPE_MAP:
        text_printf(t, of ? "a map of %s" : "a map", of);
        break;
    case SHAPE_OBJECT:
        text_add_str(t, "a map");
        break;
    case SHAPE_EITHER: {
        const struct shape *all[ALTERNATIVES_MAX];
        size_t count = alternatives(shape, all, ALTERNATIVES_MAX);
        for (size_t i = 0; i < count; i++) {
            text_add_str(t, i == 0 ? "" : i + 1 < count ? ", " : " or ");
            add_description(t, all[i]);
        }
        break;
    }
    }
}

const char *shape_describe(struct arena *arena, const struct shape *shape)
{
    struct text t = text_in(arena);
    add_description(&t, shape);
    return text_str(&t);
}

static const char *got(struct arena *arena, const struct node *node)
{
    switch (node->kind) {
    case NODE_BOOL:
        return node->boolean ? "true" : "false";
    case NODE_INTEGER:
        return arena_printf(arena, "the integer %lld", (long long)node->integer);
    case NODE_REAL:
        return arena_printf(arena, "the number %.15g", node->real);
    case NODE_STRING: {
        if (node->string.len == 0)
            return "an empty string";
        struct slice shown = text_shown(arena, node->string, 40);
        return arena_printf(arena, "the string \"%.*s\"", SLICE_ARG(shown));
    }
    case NODE_LIST:
        return "a list";
    case NODE_MAP:
        return "a map";
    case NODE_NULL:
        break;
    }
    return "null";
}

/* -- Checking -------------------------------------------------------------------------------- */

static bool is_template(const struct node *node)
{
    return node->kind == NODE_STRING && node->has_template && template_present(node->string);
}

static bool is_scalar(const struct shape *shape)
{
    return shape->kind != SHAPE_LIST && shape->kind != SHAPE_MAP && shape->kind != SHAPE_OBJECT;
}

/* Does the kind of the value fit, whatever the value? */
static bool kind_fits(const struct shape *shape, const struct node *node)
{
    enum node_kind kind = node->kind;
    if (is_template(node))
        return is_scalar(shape);
    switch (shape->kind) {
    case SHAPE_ANY:
    case SHAPE_EITHER:
        return true;
    case SHAPE_BOOL:
        return kind == NODE_BOOL;
    case SHAPE_INTEGER:
        return kind == NODE_INTEGER;
    case SHAPE_NUMBER:
        return kind == NODE_INTEGER || kind == NODE_REAL;
    case SHAPE_STRING:
    case SHAPE_WORD:
    case SHAPE_DURATION:
        return kind == NODE_STRING;
    case SHAPE_SIZE:
        return kind == NODE_STRING || kind == NODE_INTEGER;
    case SHAPE_LIST:
        return kind == NODE_LIST;
    case SHAPE_MAP:
    case SHAPE_OBJECT:
        break;
    }
    return kind == NODE_MAP;
}

static bool is_word(const struct shape *shape, struct slice s)
{
    for (size_t i = 0; shape->words[i]; i++)
        if (slice_is(s, shape->words[i]))
            return true;
    return false;
}

/* Does a scalar of the right kind have a right value? A count stands for a list or map. */
static bool value_fits(const struct shape *shape, const struct node *node)
{
    int64_t nanoseconds;
    uint64_t bytes;
    if (is_template(node))
        return true;
    switch (shape->kind) {
    case SHAPE_INTEGER:
    case SHAPE_NUMBER:
        return within(shape, node_number(node, 0));
    case SHAPE_STRING:
        return within(shape, (double)utf8_length(node->string));
    case SHAPE_WORD:
        return is_word(shape, node->string);
    case SHAPE_DURATION:
        return result_ok(parse_duration(node->string, &nanoseconds));
    case SHAPE_SIZE:
        return node->kind == NODE_INTEGER ? node->integer >= 0
                                          : result_ok(parse_size(node->string, &bytes));
    case SHAPE_LIST:
    case SHAPE_MAP:
        return within(shape, (double)node->count);
    case SHAPE_ANY:
    case SHAPE_BOOL:
    case SHAPE_OBJECT:
    case SHAPE_EITHER:
        break;
    }
    return true;
}

/* Which part of the suite is being checked, for the words of a fault. */
struct where {
    struct diagnostics *d;
    struct slice key; /* the key that the value belongs to; empty at the top */
};

static const char *about(const struct where *w)
{
    struct slice key = text_shown(w->d->arena, w->key, 60);
    return key.len ? arena_printf(w->d->arena, "\"%.*s\": ", SLICE_ARG(key)) : "";
}

static struct diagnostic *expected(const struct where *w, const struct shape *shape,
                                   const struct node *node)
{
    struct arena *arena = w->d->arena;
    struct diagnostic *fault = diagnose(w->d, node->at, "%sexpected %s, got %s", about(w),
                                        shape_describe(arena, shape), got(arena, node));
    if (is_template(node))
        fault->hint = "${…} can stand for a single value here, not for a list or map";
    return fault;
}

/* A value of the right kind that does not fit. */
static void report_value(const struct where *w, const struct shape *shape, const struct node *node)
{
    struct arena *arena = w->d->arena;
    if (shape->kind == SHAPE_LIST || shape->kind == SHAPE_MAP) {
        bool few = (double)node->count < shape->min;
        double bound = few ? shape->min : shape->max;
        const char *limit = shape->min >= shape->max && bounded_above(shape) ? ""
                            : few                                            ? "at least "
                                                                             : "at most ";
        diagnose(w->d, node->at, "%sexpected %s%.16g %s, got %zu", about(w), limit, bound,
                 shape->kind == SHAPE_LIST ? bound > 1 ? "items" : "item"
                 : bound > 1               ? "entries"
                                           : "entry",
                 node->count);
    } else if (shape->kind == SHAPE_STRING && node->string.len) {
        struct text range = text_in(arena);
        add_range(&range, shape);
        diagnose(w->d, node->at, "%sexpected a string with a length%s, got %zu characters",
                 about(w), text_str(&range), utf8_length(node->string));
    } else if (shape->kind == SHAPE_DURATION) {
        int64_t nanoseconds;
        result_ignore(parse_duration(node->string, &nanoseconds)); /* for its words */
        diagnose(w->d, node->at, "%s%s", about(w), error_last()->text);
    } else {
        struct diagnostic *fault = expected(w, shape, node);
        if (shape->kind == SHAPE_WORD)
            diagnostic_suggest(w->d, fault, node->string, shape->words);
    }
}

static void check(const struct where *w, const struct shape *shape, const struct node *node);

static const struct field *find_field(const struct shape *object, struct slice key)
{
    for (const struct field *const *table = object->fields; *table; table++)
        for (const struct field *f = *table; f->name; f++)
            if (slice_is(key, f->name))
                return f;
    return NULL;
}

static const char *shape_name(struct arena *arena, const struct shape *shape)
{
    if (!shape->name)
        return "this map";
    return arena_printf(arena, "%s %s", text_article(shape->name), shape->name);
}

static void report_unknown(const struct where *w, const struct shape *object,
                           const struct node_entry *entry)
{
    struct arena *arena = w->d->arena;
    size_t count = 0;
    for (const struct field *const *table = object->fields; *table; table++)
        for (const struct field *f = *table; f->name; f++)
            count++;
    const char **names = ARENA_ARRAY(arena, const char *, count + 1), **name = names;
    for (const struct field *const *table = object->fields; *table; table++)
        for (const struct field *f = *table; f->name; f++)
            *name++ = f->name;

    struct slice key = text_shown(arena, entry->key, 60);
    struct diagnostic *fault = diagnose(w->d, entry->key_at, "unknown key \"%.*s\" in %s",
                                        SLICE_ARG(key), shape_name(arena, object));
    diagnostic_suggest(w->d, fault, entry->key, names);
    if (fault->hint || count == 0 || count > 12)
        return;
    struct text hint = text_in(arena);
    text_printf(&hint, "known here: ");
    for (size_t i = 0; i < count; i++)
        text_printf(&hint, "%s%s", i ? ", " : "", names[i]);
    fault->hint = text_str(&hint);
}

static void check_object(const struct where *w, const struct shape *shape, const struct node *node)
{
    for (size_t i = 0; i < node->count; i++) {
        const struct node_entry *entry = &node->entries[i];
        const struct field *field = find_field(shape, entry->key);
        if (field)
            check(&(struct where){w->d, entry->key}, field->shape, entry->value);
        else
            report_unknown(w, shape, entry);
    }
    for (const struct field *const *table = shape->fields; *table; table++)
        for (const struct field *f = *table; f->name; f++)
            if (f->required && !node_get(node, f->name))
                diagnose(w->d, node->at, "%s needs the key \"%s\"", shape_name(w->d->arena, shape),
                         f->name);
}

/* The alternative for a node; NULL when none is of its kind or several are and none fits. */
static const struct shape *choose(const struct shape *either, const struct node *node)
{
    const struct shape *all[ALTERNATIVES_MAX], *of_kind = NULL;
    size_t count = alternatives(either, all, ALTERNATIVES_MAX), fitting = 0;
    for (size_t i = 0; i < count; i++) {
        if (!kind_fits(all[i], node))
            continue;
        if (!is_scalar(all[i]) || value_fits(all[i], node))
            return all[i];
        of_kind = all[i];
        fitting++;
    }
    return fitting == 1 ? of_kind : NULL;
}

static void check_below(const struct where *w, const struct shape *shape, const struct node *node)
{
    if (shape->kind == SHAPE_OBJECT) {
        check_object(w, shape, node);
    } else if (shape->kind == SHAPE_LIST) {
        for (size_t i = 0; i < node->count; i++)
            check(w, shape->of, node->items[i]);
    } else if (shape->kind == SHAPE_MAP) {
        for (size_t i = 0; i < node->count; i++)
            check(&(struct where){w->d, node->entries[i].key}, shape->of, node->entries[i].value);
    }
}

static void check(const struct where *w, const struct shape *shape, const struct node *node)
{
    size_t before = w->d->count;
    if (shape->kind == SHAPE_EITHER) {
        const struct shape *chosen = choose(shape, node);
        if (chosen)
            check(w, chosen, node);
        else
            expected(w, shape, node);
    } else if (!kind_fits(shape, node)) {
        expected(w, shape, node);
    } else if (!value_fits(shape, node)) {
        report_value(w, shape, node);
    } else {
        check_below(w, shape, node);
    }
    if (shape->check && w->d->count == before && !is_template(node))
        shape->check(node, w->d);
}

void shape_check(const struct shape *shape, const struct node *node, struct diagnostics *d)
{
    check(&(struct where){.d = d}, shape, node);
}

/* -- Converting ------------------------------------------------------------------------------ */

/* What a value would have to be text for: a place for text that no alternative frees it from. */
static bool wants_text(const struct shape *shape)
{
    const struct shape *all[ALTERNATIVES_MAX] = {shape};
    size_t count = shape->kind == SHAPE_EITHER ? alternatives(shape, all, ALTERNATIVES_MAX) : 1;
    for (size_t i = 0; i < count; i++)
        if (all[i]->kind == SHAPE_STRING)
            return true;
    return false;
}

static const struct node *convert_items(struct arena *arena, const struct shape *of,
                                        const struct node *list)
{
    const struct node **items = ARENA_ARRAY(arena, const struct node *, list->count + 1);
    bool changed = false;
    for (size_t i = 0; i < list->count; i++) {
        items[i] = shape_convert(arena, of, list->items[i]);
        changed = changed || items[i] != list->items[i];
    }
    struct node copy = *list;
    copy.items = items;
    return changed ? node_new(arena, copy) : list;
}

static const struct node *convert_entries(struct arena *arena, const struct shape *shape,
                                          const struct node *map)
{
    struct node_entry *entries = ARENA_ARRAY(arena, struct node_entry, map->count + 1);
    bool changed = false;
    for (size_t i = 0; i < map->count; i++) {
        const struct field *field =
            shape->kind == SHAPE_OBJECT ? find_field(shape, map->entries[i].key) : NULL;
        const struct shape *of = field ? field->shape : shape->of;
        entries[i] = map->entries[i];
        if (of)
            entries[i].value = shape_convert(arena, of, entries[i].value);
        changed = changed || entries[i].value != map->entries[i].value;
    }
    struct node copy = *map;
    copy.entries = entries;
    return changed ? node_new(arena, copy) : map;
}

const struct node *shape_convert(struct arena *arena, const struct shape *shape,
                                 const struct node *node)
{
    const struct shape *chosen = shape->kind == SHAPE_EITHER ? choose(shape, node) : shape;
    if (chosen && kind_fits(chosen, node)) {
        if (chosen->kind == SHAPE_LIST)
            return convert_items(arena, chosen->of, node);
        if (chosen->kind == SHAPE_MAP || chosen->kind == SHAPE_OBJECT)
            return convert_entries(arena, chosen, node);
        return node;
    }
    if (!wants_text(shape))
        return node;
    struct node text = {.kind = NODE_STRING, .at = node->at};
    text.string = node_text(arena, node);
    return node_new(arena, text);
}
