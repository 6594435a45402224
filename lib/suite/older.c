/*
 * Finding prompt cases of the older form in whatever text surrounds them, and rewriting them as a
 * suite of today. Nothing is checked here that the shape of a suite checks afterwards: what keeps
 * its name and place is handed on as it is. Its strings are no templates, the older form had none.
 */
#include "suite/older.h"

#include "core/memory.h"
#include "core/text.h"
#include "suite/events.h"
#include "suite/jsonc.h"
#include "suite/shape.h"

/* -- Finding the list ------------------------------------------------------------------------ */

#define CASE_KEY "test_case_id"

/* A map of today's form may well hold older cases, in the body of a request for instance. */
static bool is_map(struct slice text)
{
    struct jsonc j = {.text = text, .older = true};
    if (jsonc_nothing_more(&j, 0) || j.at >= text.len || text.data[j.at] != '{')
        return false;
    return !jsonc_nothing_more(&j, j.at + 1) && j.at < text.len && strchr("\"}", text.data[j.at]);
}

/* Does `key` stand in what was scanned or where the scan stopped? */
static bool was_meant(struct slice text, size_t from, const struct jsonc *j)
{
    if (j->has_case)
        return true;
    struct slice scanned = slice_part(text, from, j->at - from + strlen(CASE_KEY) + 1);
    return slice_find(scanned, SLICE(CASE_KEY)) >= 0;
}

bool older_find(struct slice text, size_t *list)
{
    if (slice_find(text, SLICE(CASE_KEY)) < 0 || is_map(text))
        return false;
    /* A preamble may hold brackets too, so every one is tried; how much of that, has a limit. */
    size_t budget = 8 * text.len, furthest = 0;
    for (size_t at = 0; at < text.len; at++) {
        ptrdiff_t bracket = slice_find_byte(slice_from(text, at), '[');
        if (bracket < 0)
            break;
        at += (size_t)bracket;
        struct jsonc j = {.text = text, .older = true};
        bool whole = jsonc_value(&j, at);
        if (whole && j.has_case) {
            *list = at;
            return true;
        }
        size_t spent = 64 + (j.reached - at);
        if (!whole && spent > furthest && was_meant(text, at, &j)) {
            *list = at;
            furthest = spent;
        }
        if (spent > budget)
            break;
        budget -= spent;
    }
    return furthest > 0;
}

/* -- Rewriting ------------------------------------------------------------------------------- */

/* A map or list under construction. */
struct rewriting {
    struct arena *arena;
    struct diagnostics *d;
    struct node_entry *entries;
    size_t count;
};

static struct rewriting rewriting_of(const struct rewriting *from, size_t most)
{
    return (struct rewriting){
        .arena = from->arena,
        .d = from->d,
        .entries = ARENA_ARRAY(from->arena, struct node_entry, most),
    };
}

static void put(struct rewriting *r, const char *key, struct place key_at, const struct node *value)
{
    r->entries[r->count++] = (struct node_entry){slice_str(key), key_at, value};
}

static const struct node *finish(struct rewriting *r, struct place at)
{
    struct node map = {.kind = NODE_MAP, .at = at, .count = r->count, .entries = r->entries};
    return node_new(r->arena, map);
}

static const struct node *text_node(struct arena *arena, const char *text, struct place at)
{
    struct node node = {.kind = NODE_STRING, .at = at, .string = slice_str(text)};
    return node_new(arena, node);
}

/* The value of `key` when it is of `shape`; what else it is, is reported. */
static const struct node *get(struct rewriting *r, const struct node *map, const char *key,
                              const struct shape *shape)
{
    const struct node *value = node_get(map, key);
    size_t before = r->d->count;
    if (value)
        shape_check(shape, value, r->d);
    return r->d->count == before ? value : NULL;
}

static const struct shape any_list = {.kind = SHAPE_LIST, .of = &shape_any};
static const struct shape any_map = {.kind = SHAPE_MAP, .of = &shape_any};
static const struct shape seconds = {.kind = SHAPE_NUMBER, .max = 86400};

static const struct node *duration_node(struct arena *arena, const struct node *from)
{
    int64_t us = (int64_t)(node_number(from, 0) * 1e6 + 0.5);
    const char *text = us % 1000000 == 0 ? arena_printf(arena, "%llds", (long long)us / 1000000)
                       : us % 1000 == 0  ? arena_printf(arena, "%lldms", (long long)us / 1000)
                                         : arena_printf(arena, "%lldus", (long long)us);
    return text_node(arena, text, from->at);
}

/* {max_attempts, initial_delay in seconds, backoff_factor, debug_mode} */
static const struct node *rewrite_retry(struct rewriting *outer, const struct node *config)
{
    struct rewriting r = rewriting_of(outer, config->count);
    for (size_t i = 0; i < config->count; i++) {
        const struct node_entry *e = &config->entries[i];
        if (slice_is(e->key, "max_attempts")) {
            put(&r, "attempts", e->key_at, e->value);
        } else if (slice_is(e->key, "backoff_factor")) {
            put(&r, "factor", e->key_at, e->value);
        } else if (slice_is(e->key, "initial_delay")) {
            const struct node *delay = get(&r, config, "initial_delay", &seconds);
            if (delay)
                put(&r, "backoff", e->key_at, duration_node(r.arena, delay));
        } else if (!slice_is(e->key, "debug_mode")) { /* how much its runner printed */
            r.entries[r.count++] = *e;
        }
    }
    return finish(&r, config->at);
}

/* The validators of both places. Without any, a case passed when there was an answer. */
static const struct node *rewrite_validation(struct rewriting *outer, const struct node *from,
                                             const struct node *config)
{
    const struct node *lists[] = {get(outer, from, "validation", &any_list),
                                  get(outer, config, "validation", &any_list)};
    size_t count = 0;
    for (size_t i = 0; i < 2; i++)
        count += lists[i] ? lists[i]->count : 0;
    struct node all = {.kind = NODE_LIST, .at = from->at};
    const struct node **items = ARENA_ARRAY(outer->arena, const struct node *, count + 1);
    all.items = items;
    for (size_t i = 0; i < 2; i++) {
        if (!lists[i] || lists[i]->count == 0)
            continue;
        memcpy(items + all.count, lists[i]->items, lists[i]->count * sizeof(*items));
        if (all.count == 0)
            all.at = lists[i]->at;
        all.count += lists[i]->count;
    }
    if (all.count == 0) {
        struct rewriting r = rewriting_of(outer, 1);
        put(&r, "type", all.at, text_node(r.arena, "not_empty", all.at));
        items[all.count++] = finish(&r, all.at);
    }
    struct rewriting expect = rewriting_of(outer, 1);
    put(&expect, "validate", all.at, node_new(outer->arena, all));
    return finish(&expect, all.at);
}

/* What the model is asked: llm_config without what is said elsewhere today. */
static const struct node *rewrite_chat(struct rewriting *outer, const struct node *config)
{
    struct rewriting r = rewriting_of(outer, config->count);
    for (size_t i = 0; i < config->count; i++) {
        struct slice key = config->entries[i].key;
        if (!slice_is(key, "validation") && !slice_is(key, "retry_config"))
            r.entries[r.count++] = config->entries[i];
    }
    return finish(&r, config->at);
}

static const struct node *rewrite_case(struct rewriting *outer, const struct node *from)
{
    struct rewriting r = rewriting_of(outer, from->count + 2);
    const struct node *config = NULL;
    for (size_t i = 0; i < from->count; i++) {
        const struct node_entry *e = &from->entries[i];
        if (slice_is(e->key, CASE_KEY)) {
            put(&r, "id", e->key_at, e->value);
        } else if (slice_is(e->key, "description")) {
            put(&r, "describe", e->key_at, e->value);
        } else if (slice_is(e->key, "llm_config")) {
            config = get(&r, from, "llm_config", &any_map);
            if (config)
                put(&r, "chat", e->key_at, rewrite_chat(&r, config));
        } else if (!slice_is(e->key, "validation")) {
            r.entries[r.count++] = *e;
        }
    }
    static const char *const required[] = {CASE_KEY, "llm_config"};
    for (size_t i = 0; i < 2; i++)
        if (!node_get(from, required[i]))
            diagnose(r.d, from->at, "a prompt case needs the key \"%s\"", required[i]);
    const struct node_entry *retry = node_entry(config, "retry_config");
    const struct node *retry_config = get(&r, config, "retry_config", &any_map);
    if (retry_config)
        put(&r, "retry", retry->key_at, rewrite_retry(&r, retry_config));
    put(&r, "expect", from->at, rewrite_validation(&r, from, config));
    return finish(&r, from->at);
}

/* "suites/prompts.json" → "prompts" */
static const char *stem(struct arena *arena, const char *name)
{
    const char *slash = strrchr(name, '/');
    struct slice file = slice_str(slash ? slash + 1 : name);
    const char *dot = strrchr(file.data, '.');
    if (dot && dot != file.data)
        file.len = (size_t)(dot - file.data);
    return arena_string(arena, file);
}

static const struct node *rewrite(struct arena *arena, const struct node *list,
                                  const struct source *source, struct diagnostics *d)
{
    struct rewriting suite = rewriting_of(&(struct rewriting){.arena = arena, .d = d}, 2);
    struct node cases = {.kind = NODE_LIST, .at = list->at};
    const struct node **items = ARENA_ARRAY(arena, const struct node *, list->count);
    cases.items = items;
    for (size_t i = 0; i < list->count; i++) {
        const struct node *item = list->items[i];
        if (item->kind == NODE_MAP)
            items[cases.count++] = rewrite_case(&suite, item);
        else if (item->kind != NODE_STRING) /* those are remarks */
            diagnose(d, item->at, "expected a prompt case, got %s %s",
                     item->kind == NODE_INTEGER ? "an" : "a", node_kind_name(item->kind));
    }
    put(&suite, "name", list->at, text_node(arena, stem(arena, source->name), list->at));
    put(&suite, "cases", list->at, node_new(arena, cases));
    return finish(&suite, list->at);
}

/* -- Both ------------------------------------------------------------------------------------ */

/* All but the list becomes blank, so that every byte of it keeps its place. */
static void blank_around(char *strict, size_t len, size_t from, size_t to)
{
    for (size_t i = 0; i < len; i++)
        if ((i < from || i >= to) && strict[i] != '\n')
            strict[i] = ' ';
}

const struct node *older_read(struct arena *arena, const struct source *source, size_t list,
                              struct diagnostics *d)
{
    struct slice text = source->text;
    size_t before = d->count;
    DEFER(mem_free_pointer)
    char *strict = mem_alloc(text.len);
    memcpy(strict, text.data, text.len);
    struct jsonc j = {.text = text, .older = true, .strict = strict};
    if (!jsonc_value(&j, list)) {
        jsonc_diagnose(&j, source, d);
        return NULL;
    }
    blank_around(strict, text.len, list, j.at);
    const struct node *nodes =
        events_read(arena, source, slice_of(strict, text.len), EVENTS_OLDER, d);
    const struct node *suite = nodes ? rewrite(arena, nodes, source, d) : NULL;
    return d->count == before ? suite : NULL;
}
