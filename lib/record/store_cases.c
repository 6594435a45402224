/*
 * What is known of the cases of the run that is written: their numbers, their latest definitions
 * and whether they have a result already. It is asked of the database for many cases at once and
 * then kept, so that a result costs no question: over a network each is a round trip.
 *
 * Workload: a run of up to a million cases; a hash table by key, kept while the run is written and
 * forgotten when a transaction fails, since what it had added is then gone.
 */
#include "record/store_internal.h"

#include "core/memory.h"
#include "core/text.h"

/* Keys asked for in one statement. */
#define ASKED 100

void store_forget(struct store *store)
{
    arena_free(store->known.arena);
    mem_free(store->known.table);
    store->known = (struct known_cases){0};
    store->known_run = store->sequence = 0;
}

/* As the database has it: it takes only UTF-8. */
static struct slice clean(struct store *store, struct slice key)
{
    return utf8_repaired(store_scratch(store), key);
}

/* Where the key is, or the free place where it would be. */
static struct known_case *place_of(const struct known_cases *known, struct slice key)
{
    size_t mask = known->capacity - 1;
    for (size_t i = slice_hash(key) & mask;; i = (i + 1) & mask) {
        struct known_case *at = &known->table[i];
        if (!at->key.data || slice_eq(at->key, key))
            return at;
    }
}

static void grow(struct known_cases *known)
{
    struct known_cases old = *known;
    if (!known->arena)
        known->arena = arena_new();
    known->capacity = old.capacity ? old.capacity * 2 : 256;
    known->table = mem_zero(known->capacity * sizeof(*known->table));
    for (size_t i = 0; i < old.capacity; i++)
        if (old.table[i].key.data)
            *place_of(known, old.table[i].key) = old.table[i];
    mem_free(old.table);
}

/* The entry of a key; a new one has the number 0. */
static struct known_case *entry(struct known_cases *known, struct slice key)
{
    if (2 * known->count >= known->capacity)
        grow(known);
    struct known_case *at = place_of(known, key);
    if (!at->key.data) {
        *at = (struct known_case){.key = arena_copy(known->arena, key)};
        known->count++;
    }
    return at;
}

struct known_case *store_known(struct store *store, struct slice key)
{
    struct known_case *at = NULL;
    if (store->known.capacity)
        at = place_of(&store->known, clean(store, key));
    MUST(at && at->test_case, "nobody asked for the case %.*s", SLICE_ARG(key));
    return at;
}

/* --- asking the database --- */

static struct result read_cases(struct store *store, struct query *q)
{
    bool row;
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            return RESULT_OK;
        struct known_case *at = entry(&store->known, query_text(q, 0));
        at->test_case = query_integer(q, 1);
        at->definition = query_integer(q, 2);
        at->definition_hash = query_integer(q, 3);
    }
}

/* Ask for every case with its definitions; the latest comes last and stays. */
static struct result ask(struct store *store, const struct planned_case *const *cases, size_t count)
{
    struct text sql = text_in(store_scratch(store));
    DEFER(query_free_pointer)
    struct query *q = NULL;

    if (count == 0)
        return RESULT_OK;
    text_add_str(&sql, "SELECT t.key, t.test_case, d.definition, d.hash FROM test_case t"
                       " LEFT JOIN definition d ON d.test_case = t.test_case WHERE t.key IN (?1");
    size_t asked = count < ASKED ? count : ASKED;
    for (size_t i = 1; i < asked; i++)
        text_printf(&sql, ", ?%zu", i + 1);
    text_add_str(&sql, ") ORDER BY d.definition");
    TRY(database_prepare(store->database, text_str(&sql), &q));
    for (size_t from = 0; from < count; from += asked) {
        for (size_t i = 0; i < asked; i++) { /* the last time, some are asked for again */
            size_t at = from + i < count ? from + i : count - 1;
            query_set_text(q, (int)i + 1, cases[at]->key);
        }
        TRY(read_cases(store, q));
    }
    return RESULT_OK;
}

/* Those of the cases whose number is not known, each once. */
static size_t unknown(struct store *store, const struct planned_case *const *cases, size_t count,
                      const struct planned_case **out)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        struct known_case *at = entry(&store->known, clean(store, cases[i]->key));
        if (at->test_case == 0) {
            at->test_case = -1; /* do not take it twice */
            out[found++] = cases[i];
        }
    }
    for (size_t i = 0; i < found; i++)
        place_of(&store->known, clean(store, out[i]->key))->test_case = 0;
    return found;
}

static struct result add(struct store *store, const struct planned_case *const *cases, size_t count)
{
    struct append *a = NULL;
    TRY(store_table(store, TABLE_test_case, &a));
    for (size_t i = 0; i < count; i++) {
        store_append_text(a, cases[i]->key);
        store_append_text(a, cases[i]->suite);
        store_append_text(a, cases[i]->id);
        TRY(append_row(a));
    }
    return ask(store, cases, count);
}

struct result store_know(struct store *store, const struct planned_case *cases, size_t count)
{
    struct arena *arena = store_scratch(store);
    const struct planned_case **wanted = ARENA_ARRAY(arena, const struct planned_case *, count + 1);

    for (size_t i = 0; i < count; i++)
        wanted[i] = &cases[i];
    count = unknown(store, wanted, count, wanted);
    if (count == 0)
        return RESULT_OK;
    TRY(ask(store, wanted, count));
    count = unknown(store, wanted, count, wanted);
    if (count == 0)
        return RESULT_OK;
    /* Another program may be adding them now: one at a time, and look again. */
    TRY(database_lock(store->database));
    TRY(ask(store, wanted, count));
    return add(store, wanted, unknown(store, wanted, count, wanted));
}

struct result store_know_results(struct store *store, int64_t run)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    bool row;

    if (store->known_run == run)
        return RESULT_OK;
    store_forget(store);
    TRY(database_prepare(store->database,
                         "SELECT t.key, t.test_case, r.sequence FROM result r"
                         " JOIN test_case t USING (test_case) WHERE r.run = ?1",
                         &q));
    query_set_integer(q, 1, run);
    for (;;) {
        TRY(query_next(q, &row));
        if (!row)
            break;
        struct known_case *at = entry(&store->known, query_text(q, 0));
        at->test_case = query_integer(q, 1);
        at->sequence = query_integer(q, 2);
        if (at->sequence > store->sequence)
            store->sequence = at->sequence;
    }
    store->known_run = run;
    return RESULT_OK;
}

/* --- definitions --- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * 0x9e3779b97f4a7c15u;
}

static uint64_t mix_list(uint64_t hash, const struct slice *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hash = mix(hash, slice_hash(list[i]));
    return mix(hash, count);
}

static uint64_t definition_hash(const struct case_result *r)
{
    uint64_t hash = 1;
    struct slice texts[] = {r->describe, r->model, r->file};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        hash = mix(hash, slice_hash(texts[i]));
    hash = mix_list(hash, r->tags, r->tag_count);
    hash = mix_list(hash, r->needs, r->need_count);
    hash = mix_list(hash, r->uses, r->use_count);
    hash = mix_list(hash, r->services, r->service_count);
    return mix(mix(hash, r->at.line), r->at.column);
}

static struct slice list_json(struct store *store, const struct slice *list, size_t count)
{
    if (count == 0)
        return (struct slice){0};
    struct text t = text_in(store_scratch(store));
    for (size_t i = 0; i < count; i++) {
        text_add_byte(&t, i ? ',' : '[');
        text_add_json(&t, list[i]);
    }
    text_add_byte(&t, ']');
    return text_slice(&t);
}

static struct result find_definition(struct store *store, int64_t test_case, int64_t hash,
                                     int64_t *out)
{
    struct query *q = NULL;
    bool row;

    TRY(store_statement(store, STATEMENT_FIND_DEFINITION, &q));
    query_set_integer(q, 1, test_case);
    query_set_integer(q, 2, hash);
    TRY(query_next(q, &row));
    *out = row ? query_integer(q, 0) : 0;
    if (row)
        query_reset(q);
    return RESULT_OK;
}

static struct result add_definition(struct store *store, int64_t test_case, int64_t hash,
                                    const struct case_result *r)
{
    struct append *a = NULL;
    TRY(store_table(store, TABLE_definition, &a));
    append_integer(a, test_case);
    append_integer(a, hash);
    store_append_text(a, r->describe);
    store_append_text(a, r->model);
    store_append_text(a, r->file);
    append_integer(a, r->at.line);
    append_integer(a, r->at.column);
    store_append_text(a, list_json(store, r->tags, r->tag_count));
    store_append_text(a, list_json(store, r->needs, r->need_count));
    store_append_text(a, list_json(store, r->uses, r->use_count));
    store_append_text(a, list_json(store, r->services, r->service_count));
    return append_row(a);
}

/* Those results whose definition is not the latest known of their case, each case once. */
static size_t undefined(struct store *store, const struct case_result *const *results, size_t count,
                        const struct case_result **out)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        struct known_case *at = store_known(store, results[i]->key);
        bool latest = at->definition && at->definition_hash == (int64_t)definition_hash(results[i]);
        if (!latest && !at->wanted)
            out[found++] = results[i];
        at->wanted = !latest;
    }
    for (size_t i = 0; i < found; i++)
        store_known(store, out[i]->key)->wanted = false;
    return found;
}

static struct result ask_again(struct store *store, const struct case_result *const *results,
                               size_t count)
{
    struct arena *arena = store_scratch(store);
    struct planned_case *cases = ARENA_ARRAY(arena, struct planned_case, count + 1);
    const struct planned_case **wanted = ARENA_ARRAY(arena, const struct planned_case *, count + 1);
    for (size_t i = 0; i < count; i++) {
        cases[i] = (struct planned_case){.key = results[i]->key};
        wanted[i] = &cases[i];
    }
    return ask(store, wanted, count);
}

struct result store_define(struct store *store, const struct case_result *const *results,
                           size_t count)
{
    const struct case_result **wanted =
        ARENA_ARRAY(store_scratch(store), const struct case_result *, count + 1);

    count = undefined(store, results, count, wanted);
    if (count == 0)
        return RESULT_OK;
    /* Another program may be adding them now: one at a time, and look again. */
    TRY(database_lock(store->database));
    TRY(ask_again(store, wanted, count));
    count = undefined(store, wanted, count, wanted);
    for (size_t i = 0; i < count; i++) {
        struct known_case *at = store_known(store, wanted[i]->key);
        int64_t hash = (int64_t)definition_hash(wanted[i]), former = 0;
        if (at->definition) /* it may be as it was once, before it was changed */
            TRY(find_definition(store, at->test_case, hash, &former));
        if (former == 0)
            TRY(add_definition(store, at->test_case, hash, wanted[i]));
    }
    return ask_again(store, wanted, count);
}

struct result store_definition(struct store *store, const struct case_result *r, int64_t *out)
{
    struct known_case *at = store_known(store, r->key);
    int64_t hash = (int64_t)definition_hash(r);

    *out = at->definition;
    if (at->definition && at->definition_hash == hash)
        return RESULT_OK;
    TRY(find_definition(store, at->test_case, hash, out));
    if (*out == 0) { /* a case with two definitions in one batch */
        TRY(add_definition(store, at->test_case, hash, r));
        TRY(find_definition(store, at->test_case, hash, out));
    }
    at->definition = *out;
    at->definition_hash = hash;
    return RESULT_OK;
}
