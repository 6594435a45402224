/*
 * Finding prompt cases of the older form in whatever text surrounds them, and rewriting them as a
 * suite of today. Nothing is checked here that the shape of a suite checks afterwards: what keeps
 * its name and place is handed on as it is. Its strings are no templates, the older form had none.
 */
#include "suite/older.h"

#include <math.h>

#include "core/memory.h"
#include "core/text.h"
#include "suite/events.h"
#include "suite/jsonc.h"
#include "suite/shape.h"

/* -- Finding the list ------------------------------------------------------------------------ */

#define CASE_KEY "test_case_id"

/* Of retry_config: attempts when it says none, and the longest wait between two; and what a case
 * takes beside its requests. In seconds. */
#define USUAL_ATTEMPTS 3.0
#define LONGEST_WAIT 60.0
#define CASE_MARGIN 30.0

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
static const struct shape concurrency = {.kind = SHAPE_INTEGER, .min = 1, .max = 100000};

static bool is_true(const struct node *node)
{
    return node && node->kind == NODE_BOOL && node->boolean;
}

/* {"type": …} for a validator that nobody wrote. */
static const struct node *validator_node(const struct rewriting *outer, const char *type,
                                         struct place at)
{
    struct rewriting r = rewriting_of(outer, 1);
    put(&r, "type", at, text_node(r.arena, type, at));
    return finish(&r, at);
}

/*
 * The validators of all places. Without any, a case passed when there was an answer;
 * `default_validate` asks for that, and for JSON where JSON was asked for, beside the others.
 */
static const struct node *rewrite_validation(struct rewriting *outer, const struct node *from,
                                             const struct node *config, const struct node *request)
{
    const struct node *lists[] = {get(outer, from, "validation", &any_list),
                                  get(outer, config, "validation", &any_list),
                                  get(outer, request, "validation", &any_list)};
    const size_t places = sizeof(lists) / sizeof(lists[0]);
    size_t count = 0;
    for (size_t i = 0; i < places; i++)
        count += lists[i] ? lists[i]->count : 0;
    struct node all = {.kind = NODE_LIST, .at = from->at};
    const struct node **items = ARENA_ARRAY(outer->arena, const struct node *, count + 2);
    all.items = items;
    for (size_t i = 0; i < places; i++) {
        if (!lists[i] || lists[i]->count == 0)
            continue;
        memcpy(items + all.count, lists[i]->items, lists[i]->count * sizeof(*items));
        if (all.count == 0)
            all.at = lists[i]->at;
        all.count += lists[i]->count;
    }
    bool usual = is_true(node_get(config, "default_validate"));
    if (all.count == 0 || usual)
        items[all.count++] = validator_node(outer, "not_empty", all.at);
    if (usual && node_get(config, "response_format"))
        items[all.count++] = validator_node(outer, "json", all.at);
    struct rewriting expect = rewriting_of(outer, 1);
    put(&expect, "validate", all.at, node_new(outer->arena, all));
    return finish(&expect, all.at);
}

/* Keys of llm_config that are said elsewhere today, and those of a batch. */
static bool is_said_elsewhere(struct slice key, bool batch)
{
    static const char *const batch_keys[] = {"batch_mode", "requests", "parallel",
                                             "max_concurrent"};
    for (size_t i = 0; batch && i < sizeof(batch_keys) / sizeof(batch_keys[0]); i++)
        if (slice_is(key, batch_keys[i]))
            return true;
    return slice_is(key, "validation");
}

/* What the model is asked: llm_config, and on top of it one request of a batch. */
static const struct node *rewrite_chat(struct rewriting *outer, const struct node *config,
                                       const struct node *request)
{
    struct rewriting base = rewriting_of(outer, config->count + 1);
    for (size_t i = 0; i < config->count; i++)
        if (!is_said_elsewhere(config->entries[i].key, request != NULL) &&
            config->entries[i].value->kind != NODE_NULL) /* None is as good as nothing */
            base.entries[base.count++] = config->entries[i];
    const struct node *chat = finish(&base, config->at);
    if (!request)
        return chat;
    struct rewriting over = rewriting_of(outer, request->count + 1);
    if (request->kind == NODE_STRING)
        put(&over, "question", request->at, request);
    for (size_t i = 0; request->kind == NODE_MAP && i < request->count; i++)
        if (!is_said_elsewhere(request->entries[i].key, false))
            over.entries[over.count++] = request->entries[i];
    return node_merge(outer->arena, chat, finish(&over, request->at));
}

/* Who holds one of the places of a batch while it is asked: {BATCH: 1}. */
static const struct node *batch_place(const struct rewriting *outer, const char *batch,
                                      struct place at, int64_t places)
{
    struct rewriting r = rewriting_of(outer, 1);
    struct node number = {.kind = NODE_INTEGER, .at = at, .integer = places};
    put(&r, batch, at, node_new(r.arena, number));
    return finish(&r, at);
}

/* `timeout` is of one request: all that may be sent, and the waits between them, have their time.
 */
static void put_time_limit(struct rewriting *r, const struct node *config)
{
    const struct node_entry *limit = node_entry(config, "timeout");
    const struct node *retry = node_get(config, "retry_config"),
                      *others = node_get(config, "fallback_models"),
                      *attempts = node_get(retry, "max_attempts");
    if (!limit || (limit->value->kind != NODE_INTEGER && limit->value->kind != NODE_REAL))
        return;
    double models = 1.0 + (others && others->kind == NODE_LIST ? (double)others->count : 0);
    double tries = attempts && attempts->kind == NODE_INTEGER ? (double)attempts->integer
                   : retry                                    ? USUAL_ATTEMPTS
                                                              : 1.0;
    double seconds =
        node_number(limit->value, 0) * models * tries + (tries - 1) * LONGEST_WAIT + CASE_MARGIN;
    if (seconds > 0 && seconds < 1e9)
        put(r, "timeout", limit->key_at,
            text_node(r->arena, arena_printf(r->arena, "%.0fs", ceil(seconds)), limit->value->at));
}

/* A case, or the case that the `number`-th request of its batch becomes. */
static const struct node *rewrite_case(struct rewriting *outer, const struct node *from,
                                       const struct node *request, size_t number, const char *batch)
{
    struct rewriting r = rewriting_of(outer, from->count + 4);
    const struct node *config = NULL;
    for (size_t i = 0; i < from->count; i++) {
        const struct node_entry *e = &from->entries[i];
        if (slice_is(e->key, CASE_KEY) && request && e->value->kind == NODE_STRING) {
            const char *id =
                arena_printf(r.arena, "%.*s request %zu", SLICE_ARG(e->value->string), number + 1);
            put(&r, "id", e->key_at, text_node(r.arena, id, e->value->at));
        } else if (slice_is(e->key, CASE_KEY)) {
            put(&r, "id", e->key_at, e->value);
        } else if (slice_is(e->key, "description")) {
            put(&r, "describe", e->key_at, e->value);
        } else if (slice_is(e->key, "llm_config")) {
            config = get(&r, from, "llm_config", &any_map);
            if (config)
                put(&r, "chat", e->key_at, rewrite_chat(&r, config, request));
        } else if (!slice_is(e->key, "validation")) {
            r.entries[r.count++] = *e;
        }
    }
    static const char *const required[] = {CASE_KEY, "llm_config"};
    for (size_t i = 0; i < 2; i++)
        if (!node_get(from, required[i]))
            diagnose(r.d, from->at, "a prompt case needs the key \"%s\"", required[i]);
    if (!node_get(from, "timeout"))
        put_time_limit(&r, config);
    if (batch)
        put(&r, "uses", request->at, batch_place(&r, batch, request->at, 1));
    put(&r, "expect", from->at, rewrite_validation(&r, from, config, request));
    return finish(&r, from->at);
}

/* The cases of a suite under construction, and how many requests of each batch go at once. */
struct cases {
    const struct node **items;
    size_t count;
    struct rewriting resources;
};

/* Requests of a case: a list of maps and questions. NULL when it has none. */
static const struct node *requests_of(struct rewriting *suite, const struct node *config)
{
    const struct node *requests = get(suite, config, "requests", &any_list);
    for (size_t i = 0; requests && i < requests->count; i++) {
        const struct node *request = requests->items[i];
        if (request->kind != NODE_MAP && request->kind != NODE_STRING)
            diagnose(suite->d, request->at, "expected a request (a map or a question), got %s %s",
                     request->kind == NODE_INTEGER ? "an" : "a", node_kind_name(request->kind));
    }
    return requests;
}

/* Each request of a batch is validated, so each becomes a case; `parallel` and `max_concurrent`
 * say how many of them are asked at once. */
static void rewrite_batch(struct rewriting *suite, struct cases *cases, const struct node *from,
                          const struct node *config, const struct node *requests)
{
    const struct node *most = get(suite, config, "max_concurrent", &concurrency),
                      *parallel = get(suite, config, "parallel", &shape_bool),
                      *id = node_get(from, CASE_KEY);
    bool limited = most || (parallel && !parallel->boolean);
    const char *batch = NULL;
    if (limited && id && id->kind == NODE_STRING) {
        int64_t places = parallel && !parallel->boolean ? 1 : most->integer;
        batch = arena_string(suite->arena, id->string);
        put(&cases->resources, batch, requests->at,
            node_get(batch_place(suite, batch, requests->at, places), batch));
    }
    for (size_t i = 0; i < requests->count; i++)
        cases->items[cases->count++] = rewrite_case(suite, from, requests->items[i], i, batch);
}

static size_t count_cases(const struct node *list)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct node *requests = node_get(node_get(list->items[i], "llm_config"), "requests");
        count += requests && requests->kind == NODE_LIST ? requests->count : 1;
    }
    return count;
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
    struct rewriting suite = rewriting_of(&(struct rewriting){.arena = arena, .d = d}, 3);
    struct cases cases = {.items = ARENA_ARRAY(arena, const struct node *, count_cases(list) + 1),
                          .resources = rewriting_of(&suite, list->count)};
    for (size_t i = 0; i < list->count; i++) {
        const struct node *item = list->items[i], *config = node_get(item, "llm_config");
        if (item->kind == NODE_MAP) {
            const struct node *requests =
                config && config->kind == NODE_MAP ? requests_of(&suite, config) : NULL;
            if (requests && requests->count)
                rewrite_batch(&suite, &cases, item, config, requests);
            else
                cases.items[cases.count++] = rewrite_case(&suite, item, NULL, 0, NULL);
        } else if (item->kind != NODE_STRING) { /* those are remarks */
            diagnose(d, item->at, "expected a prompt case, got %s %s",
                     item->kind == NODE_INTEGER ? "an" : "a", node_kind_name(item->kind));
        }
    }
    struct node all = {
        .kind = NODE_LIST, .at = list->at, .count = cases.count, .items = cases.items};
    put(&suite, "name", list->at, text_node(arena, stem(arena, source->name), list->at));
    if (cases.resources.count)
        put(&suite, "resources", list->at, finish(&cases.resources, list->at));
    put(&suite, "cases", list->at, node_new(arena, all));
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
