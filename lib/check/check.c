/*
 * The table of checks and what goes over all of it: finding one, running an expectation, and
 * refusing, while the suite is read, checks that could never see their data.
 */
#include "check/check.h"

#include "check/families.h"
#include "core/text.h"

/* --- The table --- */

#define X(name, needs, needs_any, parts, help, example)                                            \
    static const struct check_kind kind_##name = {                                                 \
        #name, &check_shape_##name, needs, needs_any, parts, help, example, check_run_##name};
CHECKS(X)
#undef X

/* Made by lib/run over several executions of a case; here it is only known. */
#define PASS_RATE_HELP "With `parallel` or `repeat`: the share of executions that passed, 0 to 1."
static const struct check_kind kind_pass_rate = {
    "pass_rate", &shape_number_matcher, 0, 0, NULL, PASS_RATE_HELP, "\">=0.95\"", NULL};

const struct check_kind *const check_kinds[] = {
#define X(name, ...) &kind_##name,
    CHECKS(X)
#undef X
        & kind_pass_rate,
    NULL,
};

const struct field check_fields[] = {
#define X(name, needs, needs_any, parts, help, example)                                            \
    {#name, &check_shape_##name, false, help, example},
    CHECKS(X)
#undef X
        {"pass_rate", &shape_number_matcher, false, PASS_RATE_HELP, "\">=0.95\""},
    {NULL},
};

const struct check_kind *check_find(struct slice name)
{
    for (size_t i = 0; check_kinds[i]; i++)
        if (slice_is(name, check_kinds[i]->name))
            return check_kinds[i];
    return NULL;
}

/* --- Verdicts --- */

struct verdicts verdicts_in(struct arena *arena)
{
    return (struct verdicts){.arena = arena};
}

struct verdict *verdict_add(struct verdicts *out, const char *check, struct place at, bool passed)
{
    struct verdict *v = ARENA_NEW(out->arena, struct verdict);
    *v = (struct verdict){.check = check, .passed = passed, .at = at};
    if (out->last)
        out->last->next = v;
    else
        out->first = v;
    out->last = v;
    out->count++;
    out->failed += !passed;
    return v;
}

struct verdict *verdict_failed(struct verdicts *out, const char *check, struct place at,
                               struct slice expected, struct slice actual, const char *format, ...)
{
    struct verdict *v = verdict_add(out, check, at, false);
    va_list args;
    va_start(args, format);
    v->message = arena_vprintf(out->arena, format, args);
    va_end(args);
    v->expected = expected;
    v->actual = actual;
    return v;
}

struct verdict *verdict_no_data(struct verdicts *out, const char *check, struct place at,
                                struct slice expected, const char *message)
{
    return verdict_failed(out, check, at, expected, SLICE("(no data)"), "%s", message);
}

struct verdict *verdict_impossible(struct verdicts *out, const char *check, struct place at,
                                   const char *message)
{
    struct verdict *v =
        verdict_failed(out, check, at, SLICE(""), SLICE("(not checked)"), "%s", message);
    v->impossible = true;
    return v;
}

/* --- Running --- */

const char *observed_name(enum observed part)
{
    switch (part) {
    case OBSERVED_STATUS:
        return "an HTTP status";
    case OBSERVED_HEADERS:
        return "response headers";
    case OBSERVED_BODY:
        return "a response body";
    case OBSERVED_EVENTS:
        return "an event stream";
    case OBSERVED_TEXT:
        return "a generated text";
    case OBSERVED_TOKENS:
        return "tokens";
    case OBSERVED_STOP:
        return "a stop reason";
    case OBSERVED_ERROR:
        return "an error reported by the service";
    case OBSERVED_EXIT:
        return "the end of a program";
    case OBSERVED_OUTPUT:
        return "a program's output";
    case OBSERVED_TIME:
        return "a start and an end";
    case OBSERVED_STREAM_TIME:
        return "times of tokens";
    case OBSERVED_MEMORY:
        return "the service's memory";
    case OBSERVED_TENSORS:
        return "output tensors";
    case OBSERVED_ROWS:
        return "rows";
    case OBSERVED_SPANS:
        return "spans";
    case OBSERVED_LOAD:
        return "a load's figures";
    case OBSERVED_SERIES:
        return "series";
    }
    return "its data";
}

/* The names of the parts in `missing`: "a response body or a program's output". */
static const char *names_of(struct arena *arena, unsigned missing, const char *between)
{
    struct text t = text_in(arena);
    for (unsigned bit = 1; bit && bit <= missing; bit <<= 1)
        if (missing & bit)
            text_printf(&t, "%s%s", t.len ? between : "", observed_name((enum observed)bit));
    return text_str(&t);
}

/* What of the needs is not in `seen`, in words; NULL when nothing is missing. */
static const char *missing(struct arena *arena, unsigned needs, unsigned needs_any, unsigned seen)
{
    if (needs & ~seen)
        return names_of(arena, needs & ~seen, " and ");
    if (needs_any && !(needs_any & seen))
        return names_of(arena, needs_any, " or ");
    return NULL;
}

void check_run(struct observation *o, const struct node *expect, struct verdicts *out)
{
    for (size_t i = 0; i < expect->count; i++) {
        const struct node_entry *entry = &expect->entries[i];
        const struct check_kind *kind = check_find(entry->key);
        MUST(kind, "check \"%.*s\" at line %u", SLICE_ARG(entry->key), entry->key_at.line);
        if (!kind->run)
            continue;
        const char *unseen = missing(out->arena, kind->needs, kind->needs_any, o->seen);
        size_t before = out->count;
        if (unseen)
            verdict_no_data(out, kind->name, entry->key_at, slice_str(unseen),
                            arena_printf(out->arena,
                                         "expected %s, got nothing: %s saw no data (no data)",
                                         unseen, kind->name));
        else
            kind->run(o, entry->value, out);
        MUST(out->count > before, "check %s gave no verdict", kind->name);
    }
}

/* --- Reading --- */

static const char *possible_checks(struct arena *arena, unsigned yields, const char *step)
{
    struct text t = text_in(arena);
    for (size_t i = 0; check_kinds[i]; i++) {
        const struct check_kind *kind = check_kinds[i];
        if (!missing(arena, kind->needs, kind->needs_any, yields))
            text_printf(&t, "%s%s", t.len ? ", " : "", kind->name);
    }
    return arena_printf(arena, "checks of %s %s step: %s", text_article(step), step, text_str(&t));
}

static void refuse(struct diagnostics *d, struct place at, const char *check, const char *unseen,
                   unsigned yields, const char *step)
{
    diagnose(d, at, "%s cannot be seen by %s %s step: it needs %s", check, text_article(step), step,
             unseen)
        ->hint = possible_checks(d->arena, yields, step);
}

void check_applicable(const struct node *expect, unsigned yields, const char *step,
                      struct diagnostics *d)
{
    if (expect->count == 0)
        diagnose(d, expect->at, "expect holds no check, so that it would always pass")->hint =
            possible_checks(d->arena, yields, step);
    for (size_t i = 0; i < expect->count; i++) {
        const struct node_entry *entry = &expect->entries[i];
        const struct check_kind *kind = check_find(entry->key);
        if (!kind)
            continue; /* the shape has reported it */
        const char *unseen = missing(d->arena, kind->needs, kind->needs_any, yields);
        if (unseen) {
            refuse(d, entry->key_at, kind->name, unseen, yields, step);
            continue;
        }
        for (const struct check_part *part = kind->parts; part && part->name; part++) {
            const struct node_entry *key = node_entry(entry->value, part->name);
            unseen = missing(d->arena, part->needs, 0, yields);
            if (key && unseen)
                refuse(d, key->key_at, arena_printf(d->arena, "%s %s", kind->name, part->name),
                       unseen, yields, step);
        }
    }
}
