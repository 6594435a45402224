/*
 * Interpolation. A suite is filled once per case, then once more per step with what was saved on
 * the way, so filling shares every node that has nothing to fill, and a ${…} whose value is not
 * known yet stays as it is. In a string that stays a template all the rest is escaped again, so
 * that a value is never mistaken for a template by the next fill.
 */
#include "suite/template.h"

#include <stdio.h>

#include "core/text.h"

/* -- Reading ${…} ---------------------------------------------------------------------------- */

enum piece_kind { PIECE_END, PIECE_TEXT, PIECE_NAME };

/* A walk over the pieces of a string: literal text, escapes already undone, and ${…}. */
struct walk {
    struct slice text;
    struct place at; /* of the string */
    size_t next;
    struct slice literal; /* PIECE_TEXT: what it stands for */
    struct slice raw;     /* PIECE_NAME: as it was written */
    struct template_name name;
};

static bool name_starts(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool name_goes_on(char c)
{
    return name_starts(c) || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

/*
 * The place of byte `offset` of a string: exact when the reader left the string in the source,
 * which it does with what has no escapes and stands on one line; else the place of the string.
 */
static struct place place_in(struct slice string, struct place at, size_t offset)
{
    if (!at.source || at.line == 0)
        return at;
    uintptr_t first = (uintptr_t)at.source->text.data, data = (uintptr_t)string.data;
    if (data <= first || data + string.len > first + at.source->text.len)
        return at;
    bool quoted = string.data[-1] == '"' || string.data[-1] == '\'';
    at.column += (uint32_t)(offset + quoted);
    return at;
}

static struct result wrong(struct walk *w, size_t at, const char *what)
{
    return error_at(ERR_SYNTAX, place_in(w->text, w->at, at), "%s (character %zu of the string)",
                    what, utf8_length(slice_of(w->text.data, at)) + 1);
}

/* Reads the ${…} at w->next. */
static struct result read_name(struct walk *w)
{
    struct slice s = w->text;
    size_t start = w->next, i = start + 2;
    ptrdiff_t close = slice_find_byte(slice_from(s, i), '}');
    if (close < 0)
        return wrong(w, start, "\"${\" is never closed by \"}\"; a literal one is written \"$${\"");
    size_t end = i + (size_t)close;

    if (i < end && name_starts(s.data[i]))
        while (i < end && name_goes_on(s.data[i]))
            i++;
    struct slice name = slice_part(s, start + 2, i - (start + 2)),
                 after = slice_part(s, i, end - i);
    w->name = (struct template_name){.name = name, .at = place_in(s, w->at, start)};
    if (slice_starts(after, SLICE(":-"))) {
        w->name.has_fallback = true;
        w->name.fallback = slice_from(after, 2);
        ptrdiff_t inner = slice_find(after, SLICE("${"));
        if (inner >= 0)
            return wrong(w, i + (size_t)inner,
                         "what follows :- is plain text, it cannot hold another ${…}");
        after = slice_of(NULL, 0);
    }
    if (after.len) {
        char what[128];
        size_t n = utf8_sequence(after);
        snprintf(what, sizeof(what),
                 "\"%.*s\" cannot stand %s in ${…}: names are made of letters, digits, _ . and -",
                 (int)(n ? n : 1), after.data, name.len ? "there" : "first");
        return wrong(w, i, what);
    }
    if (name.len == 0)
        return wrong(w, start, "${} without a name");
    w->next = end + 1;
    w->raw = slice_part(s, start, w->next - start);
    return RESULT_OK;
}

/* Dollars at the start of `s` when a "{" follows them, else 0. */
static size_t dollars_before_brace(struct slice s)
{
    size_t n = 0;
    while (n < s.len && s.data[n] == '$')
        n++;
    return n < s.len && s.data[n] == '{' ? n : 0;
}

static struct result walk_next(struct walk *w, enum piece_kind *kind)
{
    struct slice rest = slice_from(w->text, w->next);
    if (rest.len == 0) {
        *kind = PIECE_END;
        return RESULT_OK;
    }
    size_t dollars = dollars_before_brace(rest);
    if (dollars == 1) {
        *kind = PIECE_NAME;
        return read_name(w);
    }
    *kind = PIECE_TEXT;
    if (dollars > 1) {
        bool brace = dollars % 2 == 0; /* else the last dollar begins a template */
        w->literal = slice_of(rest.data + (dollars + 1) / 2, dollars / 2 + brace);
        w->next += dollars / 2 * 2 + brace;
        return RESULT_OK;
    }
    size_t n = 0;
    while (n < rest.len && rest.data[n] == '$')
        n++;
    while (n < rest.len && rest.data[n] != '$')
        n++;
    w->literal = slice_part(rest, 0, n);
    w->next += n;
    return RESULT_OK;
}

bool template_present(struct slice text)
{
    size_t dollars = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '{' && dollars % 2 == 1)
            return true;
        dollars = text.data[i] == '$' ? dollars + 1 : 0;
    }
    return false;
}

static bool marked(struct slice text)
{
    return slice_find(text, SLICE("${")) >= 0;
}

/* -- Visiting -------------------------------------------------------------------------------- */

struct visit {
    struct diagnostics *d;
    void (*visit)(void *context, const struct template_name *name);
    void *context;
};

static void visit_text(const struct visit *v, struct slice text, struct place at)
{
    struct walk w = {.text = text, .at = at};
    enum piece_kind kind;
    do {
        if (!result_ok(walk_next(&w, &kind))) {
            diagnose_error(v->d, at);
            return;
        }
        if (kind == PIECE_NAME)
            v->visit(v->context, &w.name);
    } while (kind != PIECE_END);
}

static void visit_node(const struct visit *v, const struct node *node)
{
    if (!node->has_template)
        return;
    if (node->kind == NODE_STRING) {
        visit_text(v, node->string, node->at);
    } else if (node->kind == NODE_LIST) {
        for (size_t i = 0; i < node->count; i++)
            visit_node(v, node->items[i]);
    } else if (node->kind == NODE_MAP) {
        for (size_t i = 0; i < node->count; i++) {
            visit_text(v, node->entries[i].key, node->entries[i].key_at);
            visit_node(v, node->entries[i].value);
        }
    }
}

void template_each(const struct node *node, struct diagnostics *d,
                   void (*visit)(void *context, const struct template_name *name), void *context)
{
    visit_node(&(struct visit){d, visit, context}, node);
}

/* -- Filling --------------------------------------------------------------------------------- */

struct fill {
    struct arena *arena;
    const struct template_scope *scope;
};

/* Literal text that will be read as a template again, at its end or before a ${…} of it. */
static void add_escaped(struct text *t, struct slice s, bool before_template)
{
    for (size_t i = 0; i < s.len;) {
        size_t run = i;
        while (run < s.len && s.data[run] == '$')
            run++;
        bool doubled = run < s.len ? s.data[run] == '{' : before_template;
        text_add(t, slice_part(s, i, run - i));
        if (doubled)
            text_add(t, slice_part(s, i, run - i));
        for (i = run; i < s.len && s.data[i] != '$'; i++)
            ;
        text_add(t, slice_part(s, run, i - run));
    }
}

static struct result look_up(const struct fill *f, const struct template_name *name, json_t **value)
{
    *value = NULL;
    struct result r = f->scope->lookup(f->scope->context, name, value);
    if (!result_ok(r) && !error_last()->place.source) {
        char text[sizeof(error_last()->text)];
        snprintf(text, sizeof(text), "%s", error_last()->text);
        return error_at(r.code, name->at, "%s", text);
    }
    return r;
}

static struct slice value_text(struct arena *arena, const json_t *value)
{
    return json_is_string(value) ? jsontext_slice(value) : jsontext_write(arena, value);
}

/* Fill one string. `*kept` says that some ${…} stays, so that the text is a template still. */
static struct result fill_text(const struct fill *f, struct slice text, struct place at, bool *kept,
                               struct slice *out)
{
    struct walk w = {.text = text, .at = at};
    struct text template = text_in(f->arena), literal = text_in(f->arena);
    *kept = false;
    for (;;) {
        enum piece_kind kind;
        TRY(walk_next(&w, &kind));
        if (kind == PIECE_END)
            break;
        if (kind == PIECE_TEXT) {
            text_add(&literal, w.literal);
            continue;
        }
        json_t *value;
        TRY(look_up(f, &w.name, &value));
        if (value) {
            text_add(&literal, value_text(f->arena, value));
            continue;
        }
        *kept = true;
        add_escaped(&template, text_slice(&literal), true);
        text_add(&template, w.raw);
        literal = text_in(f->arena);
    }
    if (*kept)
        add_escaped(&template, text_slice(&literal), false);
    *out = text_slice(*kept ? &template : &literal);
    return RESULT_OK;
}

struct result template_fill_text(struct arena *arena, struct slice text, struct place at,
                                 const struct template_scope *scope, struct slice *out)
{
    bool kept;
    return fill_text(&(struct fill){arena, scope}, text, at, &kept, out);
}

static struct result fill_string(const struct fill *f, const struct node *node,
                                 const struct node **out)
{
    struct walk w = {.text = node->string, .at = node->at};
    enum piece_kind kind;
    TRY(walk_next(&w, &kind));
    if (kind == PIECE_NAME && w.next == node->string.len) {
        json_t *value;
        TRY(look_up(f, &w.name, &value));
        *out = value ? node_from_json(f->arena, value, node->at) : node;
        return RESULT_OK;
    }
    struct node filled = *node;
    TRY(fill_text(f, node->string, node->at, &filled.has_template, &filled.string));
    *out = node_new(f->arena, filled);
    return RESULT_OK;
}

static struct result fill_node(const struct fill *f, const struct node *node,
                               const struct node **out);

static struct result fill_list(const struct fill *f, const struct node *node,
                               const struct node **out)
{
    struct node filled = *node;
    const struct node **items = ARENA_ARRAY(f->arena, const struct node *, node->count);
    filled.items = items;
    filled.has_template = false;
    for (size_t i = 0; i < node->count; i++) {
        TRY(fill_node(f, node->items[i], &items[i]));
        filled.has_template |= items[i]->has_template;
    }
    *out = node_new(f->arena, filled);
    return RESULT_OK;
}

/* Two keys that became one: the later one would silently win. */
static struct result refuse_twins(const struct node *map, const struct node *before)
{
    for (size_t i = 0; i < map->count; i++) {
        if (!marked(before->entries[i].key))
            continue;
        for (size_t j = 0; j < map->count; j++)
            if (j != i && slice_eq(map->entries[i].key, map->entries[j].key))
                return error_at(ERR_SUITE, map->entries[i].key_at,
                                "the filled key \"%.*s\" is in the map twice",
                                SLICE_ARG(map->entries[i].key));
    }
    return RESULT_OK;
}

/* Keys of a map that will be filled again are read as templates again, also those now complete. */
static void escape_keys(struct arena *arena, struct node_entry *entries, const bool *complete,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!complete[i])
            continue;
        struct text escaped = text_in(arena);
        add_escaped(&escaped, entries[i].key, false);
        entries[i].key = text_slice(&escaped);
    }
}

static struct result fill_map(const struct fill *f, const struct node *node,
                              const struct node **out)
{
    struct node filled = *node;
    struct node_entry *entries = ARENA_ARRAY(f->arena, struct node_entry, node->count);
    bool *complete = ARENA_ARRAY(f->arena, bool, node->count), kept;
    filled.entries = entries;
    filled.has_template = false;
    for (size_t i = 0; i < node->count; i++) {
        entries[i] = node->entries[i];
        if (marked(entries[i].key)) {
            TRY(fill_text(f, entries[i].key, entries[i].key_at, &kept, &entries[i].key));
            complete[i] = !kept;
            filled.has_template |= kept;
        }
        TRY(fill_node(f, node->entries[i].value, &entries[i].value));
        filled.has_template |= entries[i].value->has_template;
    }
    TRY(refuse_twins(&filled, node));
    if (filled.has_template)
        escape_keys(f->arena, entries, complete, node->count);
    *out = node_new(f->arena, filled);
    return RESULT_OK;
}

static struct result fill_node(const struct fill *f, const struct node *node,
                               const struct node **out)
{
    *out = node;
    if (!node->has_template)
        return RESULT_OK;
    if (node->kind == NODE_LIST)
        return fill_list(f, node, out);
    if (node->kind == NODE_MAP)
        return fill_map(f, node, out);
    return fill_string(f, node, out);
}

struct result template_fill(struct arena *arena, const struct node *node,
                            const struct template_scope *scope, const struct node **out)
{
    return fill_node(&(struct fill){arena, scope}, node, out);
}
