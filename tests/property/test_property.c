/*
 * Random requests to the worker over the wire, in all of its forms and framings, and what must hold
 * for each: its tokens are UTF-8, one by one and together; an echo is the text; stop sequences end
 * it where docs/worker.md says; the framing, the sampling parameters without a part, and whether it
 * is a stream, change nothing; the same seed says the same; and however the bytes are cut, our
 * readers see the same.
 *
 *     test_property WORKER-COMMAND…
 *
 * PROPERTY_CASES scenarios (default 150) of PROPERTY_SEED (default 1) by several threads at once.
 * What fails is made as small as it gets and shown as curl would ask it, with its number:
 * PROPERTY_CASE runs that one alone. Before, real faults show that the rules do find something.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "answer.h"
#include "core/memory.h"
#include "core/parse.h"
#include "splits.h"

#define THREADS 3
/* More than any failure of few settings, a short text and four short stop sequences needs. */
#define SHRINKING_MAX 3000
/* Answers up to this size are cut at every byte, longer ones in so many places. */
#define CUTS_ALL 1200
#define CUTS_SOME 30

static struct assay_worker *worker;
static uint64_t seed, cases;
static atomic_ullong next_case, requests, cuts;
static atomic_bool failed;
static pthread_mutex_t printing = PTHREAD_MUTEX_INITIALIZER;

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    uint64_t value;
    const char *text = getenv(name);
    return text && result_ok(parse_unsigned(slice_str(text), UINT32_MAX, &value)) ? value
                                                                                  : otherwise;
}

/* ---- one request ---- */

static void free_response(void *response)
{
    assay_response_free(response);
}

/* Ask, and read the answer. NULL or what is wrong with it; the response belongs to the arena. */
static const char *ask(struct arena *arena, const struct scenario *s, const struct variant *v,
                       bool with_stops, struct answer *answer, struct assay_response **response)
{
    unsigned long long number = atomic_fetch_add(&requests, 1);
    const char *id = arena_printf(arena, "j%llu", number);
    struct slice body = scenario_body(arena, s, v, id, with_stops);
    struct assay_request request = assay_request(id, "", 1);
    const char *const headers[] = {v->pace, NULL};
    request.body = arena_string(arena, body);
    request.headers = headers;
    if (s->wire == WIRE_EXECUTE)
        (void)assay_execute(worker, &request, response); /* the response has its outcome */
    else
        (void)assay_fetch(worker, "POST", scenario_path(s), request.body, response);
    arena_defer(arena, free_response, *response);
    const char *fault = answer_read(arena, s, v, *response, answer);
    return fault ? arena_printf(arena, "%s\nto %s", fault, request.body) : NULL;
}

/* ---- what must hold ---- */

static const char *same_as_expected(struct arena *arena, const struct answer *answer, size_t choice,
                                    const struct said *expected)
{
    const struct said *said = &answer->choices[choice];
    bool same = slice_eq(said->text, expected->text) && slice_eq(said->finish, expected->finish) &&
                slice_eq(said->sequence, expected->sequence) &&
                (!answer->stream || said->count == expected->count);
    for (size_t i = 0; i < said->count && same && answer->stream; i++)
        same = slice_eq(said->tokens[i], expected->tokens[i]);
    if (same)
        return NULL;
    struct text t = text_in(arena);
    text_printf(&t, "choice %zu: expected %zu tokens, %.*s %.*s: ", choice, expected->count,
                SLICE_ARG(expected->finish), SLICE_ARG(expected->sequence));
    text_add_json(&t, expected->text);
    text_printf(&t, "\ngot %zu tokens, %.*s %.*s: ", said->count, SLICE_ARG(said->finish),
                SLICE_ARG(said->sequence));
    text_add_json(&t, said->text);
    return text_str(&t);
}

/* An echo says the text from its beginning, and all of it when it ends by itself. */
static const char *judge_echo(const struct scenario *s, const struct said *said)
{
    bool by_itself = slice_is(said->finish, "EOS") || slice_is(said->finish, "stop");
    if (!slice_starts(s->text, said->text))
        return "the echo says something else than the text";
    return by_itself && said->text.len != s->text.len ? "the echo ends before the text" : NULL;
}

static const char *check_variant(struct arena *arena, const struct scenario *s,
                                 const struct variant *v, const struct said *expected)
{
    struct answer answer;
    struct assay_response *response = NULL;
    const char *fault = ask(arena, s, v, true, &answer, &response);
    size_t tokens = 0, tried = 0;
    for (size_t i = 0; i < s->n && !fault; i++) {
        fault = same_as_expected(arena, &answer, i, &expected[i]);
        tokens += expected[i].count;
    }
    if (!fault && answer.completion_tokens >= 0 && (size_t)answer.completion_tokens != tokens)
        fault = arena_printf(arena, "%lld tokens counted, and there are %zu",
                             (long long)answer.completion_tokens, tokens);
    if (!fault)
        fault = splits_check(arena, response, v->stream,
                             response->raw_length <= CUTS_ALL ? CUTS_ALL : CUTS_SOME, &tried);
    atomic_fetch_add(&cuts, tried);
    return fault;
}

/* What is wrong with the worker's answers, or NULL. */
static const char *check(struct arena *arena, const struct scenario *s)
{
    struct answer reference;
    struct assay_response *response = NULL;
    struct said expected[CHOICES_MAX];
    struct variant plain = scenario_reference(s);
    const char *fault = ask(arena, s, &plain, false, &reference, &response);
    for (size_t i = 0; i < s->n && !fault; i++) {
        fault = s->echo ? judge_echo(s, &reference.choices[i]) : NULL;
        expected[i] = said_until_stop(arena, s, &reference.choices[i]);
    }
    for (size_t i = 0; i < 2 && !fault; i++)
        fault = check_variant(arena, s, &s->variants[i], expected);
    return fault;
}

/* ---- what fails ---- */

static struct scenario shrink(struct arena *arena, struct scenario s)
{
    struct scenario smaller;
    bool changed = false;
    size_t tries = 0;
    for (size_t i = 0; tries < SHRINKING_MAX && scenario_smaller(arena, &s, i, &smaller, &changed);
         i++) {
        if (!changed)
            continue;
        struct arena *scratch = arena_new();
        bool fails = check(scratch, &smaller) != NULL;
        arena_free(scratch);
        tries++;
        if (fails) {
            s = smaller;
            i = SIZE_MAX; /* from the beginning */
        }
    }
    return s;
}

static void show(struct arena *arena, const struct scenario *s, const char *fault)
{
    struct scenario small = shrink(arena, *s);
    const char *why = check(arena, &small);
    struct text t = text_in(arena);
    text_printf(&t, "case %llu of seed %llu: %s\n", (unsigned long long)s->number,
                (unsigned long long)seed, fault);
    text_printf(&t, "the smallest that fails: %s\n", why ? why : "(it does not fail again)");
    for (size_t i = 0; i < 2; i++) {
        text_printf(&t, "curl -sN URL%s -H 'Content-Type: application/json' -d ",
                    scenario_path(&small));
        text_add_shell(&t, scenario_body(arena, &small, &small.variants[i], "j", true));
        text_printf(&t, "%s%s%s\n", small.variants[i].pace ? " -H '" : "",
                    small.variants[i].pace ? small.variants[i].pace : "",
                    small.variants[i].pace ? "'" : "");
    }
    text_printf(&t, "again: PROPERTY_SEED=%llu PROPERTY_CASE=%llu\n", (unsigned long long)seed,
                (unsigned long long)s->number);
    struct slice rest = text_slice(&t), line;
    pthread_mutex_lock(&printing);
    while (slice_split(&rest, '\n', &line))
        printf("# %.*s\n", SLICE_ARG(line));
    fflush(stdout);
    pthread_mutex_unlock(&printing);
}

static void *run_cases(void *unused)
{
    uint64_t number = 0;
    while (!failed && (number = atomic_fetch_add(&next_case, 1)) < cases) {
        struct arena *arena = arena_new();
        struct scenario s = scenario_random(arena, seed, number);
        const char *fault = check(arena, &s);
        if (fault && !atomic_exchange(&failed, true))
            show(arena, &s, fault);
        arena_free(arena);
    }
    return unused;
}

/* ---- the rules can fail ---- */

static const struct {
    enum wire wire;
    const char *fault;
} wrong[] = {
    {WIRE_EXECUTE, "duplicate,at=0"}, {WIRE_EXECUTE, "drop,at=0"},
    {WIRE_EXECUTE, "swap,at=0"},      {WIRE_EXECUTE, "malformed,at=0"},
    {WIRE_EXECUTE, "error,at=0"},     {WIRE_EXECUTE, "invalid_utf8,at=0"},
    {WIRE_EXECUTE, "close,at=0"},     {WIRE_EXECUTE, "truncate,bytes=9"},
    {WIRE_CHAT, "duplicate,at=0"},    {WIRE_CHAT, "drop,at=0"},
    {WIRE_CHAT, "drop,event=done"},   {WIRE_CHAT, "drop,event=end"},
    {WIRE_CHAT, "malformed,at=0"},    {WIRE_COMPLETIONS, "duplicate,event=end"},
};
#define WRONG (sizeof(wrong) / sizeof(wrong[0]))

/* The same scenario passes, and with the fault it does not. */
static bool is_found(size_t i)
{
    struct arena *arena = arena_new();
    struct scenario s = {.wire = wrong[i].wire, .echo = true, .max_tokens = 9, .n = 1};
    s.text = SLICE("漢字 a b c");
    s.variants[0] = s.variants[1] = scenario_reference(&s);
    const char *before = check(arena, &s);
    s.variants[1].framing = wrong[i].fault;
    const char *after = check(arena, &s);
    bool found = !before && after;
    printf("%s - it finds %s of %s\n", found ? "ok" : "not ok", wrong[i].fault, scenario_path(&s));
    if (!found)
        printf("# without: %s\n", before ? before : "nothing");
    arena_free(arena);
    return found;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    bool ok = argc > 1;
    mem_install();
    seed = from_environment("PROPERTY_SEED", 1);
    cases = from_environment("PROPERTY_CASES", 150);
    if (getenv("PROPERTY_CASE")) {
        next_case = from_environment("PROPERTY_CASE", 0);
        cases = next_case + 1;
    }
    worker = ok ? assay_worker_start(&(struct assay_worker_options){
                      .command = (const char *const *)(void *)(argv + 1)})
                : NULL;
    if (!worker) {
        fprintf(stderr, "usage: test_property WORKER-COMMAND… (%s)\n", assay_last_error());
        return 2;
    }
    printf("1..%zu\n", WRONG + 2);
    for (size_t i = 0; i < WRONG; i++)
        ok = is_found(i) && ok;
    for (size_t i = 0; i < THREADS; i++)
        MUST(pthread_create(&threads[i], NULL, run_cases, NULL) == 0, "thread %zu", i);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("# %llu requests, %llu cuts of their answers\n", atomic_load(&requests),
           atomic_load(&cuts));
    printf("%s - %llu scenarios of seed %llu keep the rules\n", failed ? "not ok" : "ok",
           (unsigned long long)cases, (unsigned long long)seed);
    bool stopped = assay_worker_stop(worker) == ASSAY_OK;
    printf("%s - the worker ends with status 0\n", stopped ? "ok" : "not ok");
    return ok && !failed && stopped ? 0 : 1;
}
