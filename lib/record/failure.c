/*
 * Failures as text. Workload: a few failures among many passes, but each may hold 64 KiB of
 * exchange and logs; the console asks for the head of it, reports for all.
 */
#include "record/failure.h"

#include "core/limits.h"
#include "core/parse.h"

const struct paint paint_plain = {"", "", "", "", "", ""};
const struct paint paint_terminal = {"\x1b[31m", "\x1b[32m", "\x1b[33m",
                                     "\x1b[2m",  "\x1b[1m",  "\x1b[0m"};

const struct failure_style failure_whole = {
    .paint = &paint_plain, .steps = 20, .exchange_max = LIMIT_EVIDENCE_BYTES};

const struct failure_style failure_brief = {.paint = &paint_plain, .steps = 20};

/* A value no longer than this stands in its sentence; a longer one gets a line of its own. */
#define INLINE_VALUE 40
#define LINE_BYTES 200
/* A name of a file is shown whole. */
#define PLACE_BYTES 5000

struct slice place_text(struct arena *arena, struct place place)
{
    if (!place.source || !place.source->name || place.line == 0)
        return (struct slice){0};
    const char *text =
        arena_printf(arena, "%s:%u:%u", place.source->name, place.line, place.column);
    return line_text(arena, slice_str(text), PLACE_BYTES); /* it may come from another's store */
}

struct slice case_title(const struct case_result *result)
{
    struct slice key = result->key, suite = result->suite;
    if (suite.len && slice_starts(key, suite) && key.len > suite.len + 1 &&
        key.data[suite.len] == '/')
        return slice_from(key, suite.len + 1);
    return key;
}

struct slice line_text(struct arena *arena, struct slice s, size_t max)
{
    struct slice shown = text_shown(arena, slice_trim(s), max);
    char *line = ARENA_ARRAY(arena, char, shown.len + 1);
    for (size_t i = 0; i < shown.len; i++)
        line[i] = shown.data[i] == '\n' || shown.data[i] == '\t' ? ' ' : shown.data[i];
    return slice_of(line, shown.len);
}

/* --- finding what failed --- */

const struct attempt_result *failure_attempt(const struct case_result *result)
{
    const struct attempt_result *found = NULL;
    for (const struct attempt_result *a = result->attempts; a; a = a->next)
        if (a->status != CASE_PASSED)
            found = a;
    return found;
}

static const struct step_result *failed_step(const struct attempt_result *attempt)
{
    for (const struct step_result *s = attempt ? attempt->steps : NULL; s; s = s->next)
        if (s->status != CASE_PASSED)
            return s;
    return NULL;
}

/* None for a step that could not be carried out: what its checks say follows from the error. */
static const struct verdict *failed_verdict(const struct step_result *step)
{
    if (step && step->error.len)
        return NULL;
    for (const struct verdict *v = step ? step->verdicts : NULL; v; v = v->next)
        if (!v->passed)
            return v;
    return NULL;
}

struct place failure_place(const struct case_result *result)
{
    const struct step_result *step = failed_step(failure_attempt(result));
    const struct verdict *verdict = failed_verdict(step);
    if (verdict && verdict->at.line)
        return verdict->at;
    if (step && step->at.line)
        return step->at;
    return result->at;
}

/* The sentence of a verdict without the diff that may follow. */
static struct slice sentence(struct arena *arena, const struct verdict *v)
{
    struct slice rest = slice_str(v->message), first = {0};
    if (rest.len && slice_split(&rest, '\n', &first))
        return first;
    return slice_str(arena_printf(arena, "expected %.*s, got %.*s", SLICE_ARG(v->expected),
                                  SLICE_ARG(v->actual)));
}

struct slice failure_attempt_line(struct arena *arena, const struct attempt_result *attempt)
{
    const struct step_result *step = failed_step(attempt);
    const struct verdict *v = failed_verdict(step);
    struct text t = text_in(arena);

    if (v)
        text_printf(&t, "%s: %.*s", v->check, SLICE_ARG(sentence(arena, v)));
    else if (step && step->error.len)
        text_printf(&t, "%.*s: %.*s", SLICE_ARG(step->name), SLICE_ARG(step->error));
    else if (attempt && attempt->trials > 1)
        text_printf(&t, "%u of %u trials passed", attempt->trials_passed, attempt->trials);
    else if (step)
        text_add(&t, step->name);
    return line_text(arena, text_slice(&t), LINE_BYTES);
}

struct slice failure_line(struct arena *arena, const struct case_result *result)
{
    if (result->reason.len)
        return line_text(arena, result->reason, LINE_BYTES);
    return failure_attempt_line(arena, failure_attempt(result));
}

/* --- writing it --- */

static void indent(struct text *t, const struct failure_style *style, size_t more)
{
    for (size_t i = 0; i < style->indent + more; i++)
        text_add_byte(t, ' ');
}

/* Every line behind `mark`: nothing a service sent begins a line of ours. */
static void add_block(struct text *t, const struct failure_style *style, size_t more,
                      const char *mark, struct slice block, size_t max)
{
    struct slice rest = text_shown(t->arena, block, max), line;
    while (slice_split(&rest, '\n', &line)) {
        if (line.len == 0 && rest.len == 0)
            break; /* a newline at the end begins no line */
        indent(t, style, more);
        if (*mark)
            text_printf(t, "%s%s%s", style->paint->dim, mark, style->paint->off);
        text_printf(t, "%.*s\n", SLICE_ARG(line));
    }
}

/* Of an exchange the beginning is shown, of a log the end: there it went wrong. */
static void add_evidence(struct text *t, const struct failure_style *style, const char *name,
                         struct slice block, bool end)
{
    size_t before = end && block.len > style->exchange_max ? block.len - style->exchange_max : 0;

    if (slice_trim(block).len == 0 || style->exchange_max == 0)
        return;
    if (before) { /* begin with a whole line when there is one */
        ptrdiff_t newline = slice_find_byte(slice_from(block, before), '\n');
        before += newline < 0 ? 0 : (size_t)newline + 1;
        block = slice_from(block, before);
    }
    indent(t, style, 2);
    text_printf(t, "%s%s%s\n", style->paint->dim, name, style->paint->off);
    if (before) {
        indent(t, style, 4);
        text_printf(t, "%s│ … (%zu bytes before)%s\n", style->paint->dim, before,
                    style->paint->off);
    }
    add_block(t, style, 4, "│ ", block, style->exchange_max);
}

static void add_verdict(struct text *t, const struct failure_style *style, const struct verdict *v)
{
    const struct paint *p = style->paint;
    struct slice message = slice_str(v->message), first = {0};
    struct slice where = place_text(t->arena, v->at);

    indent(t, style, 2);
    text_printf(t, "%s✗ %.*s%s", p->bad, SLICE_ARG(line_text(t->arena, slice_str(v->check), 200)),
                p->off);
    text_printf(t, "%s  %s%.*s%s\n", v->impossible ? " (could not be checked)" : "", p->dim,
                SLICE_ARG(where), p->off);
    if (message.len)
        slice_split(&message, '\n', &first);
    bool told = first.len && v->expected.len <= INLINE_VALUE && v->actual.len <= INLINE_VALUE &&
                slice_find(first, v->actual) >= 0;
    if (!told && v->expected.len) {
        indent(t, style, 4);
        text_printf(t, "expected  %s%.*s%s\n", p->good,
                    SLICE_ARG(line_text(t->arena, v->expected, LIMIT_SHOWN_BYTES)), p->off);
    }
    if (!told && v->actual.len) {
        indent(t, style, 4);
        text_printf(t, "actual    %s%.*s%s\n", p->bad,
                    SLICE_ARG(line_text(t->arena, v->actual, LIMIT_SHOWN_BYTES)), p->off);
    }
    if (told || slice_find(first, v->actual) < 0 || v->actual.len == 0)
        add_block(t, style, 4, "", first, LIMIT_SHOWN_BYTES);
    if (message.len)
        add_block(t, style, 4, "", message, 2 * LIMIT_SHOWN_BYTES);
}

/* The checks that said no; those that an error kept from being made, by their names. */
static void add_verdicts(struct text *t, const struct failure_style *style,
                         const struct step_result *step)
{
    struct text missed = text_in(t->arena);

    for (const struct verdict *v = step->verdicts; v; v = v->next) {
        if (v->impossible && step->error.len)
            text_printf(&missed, "%s%s", missed.len ? ", " : "", v->check);
        else if (!v->passed)
            add_verdict(t, style, v);
    }
    if (missed.len) {
        indent(t, style, 2);
        text_printf(t, "not checked: %.*s\n",
                    SLICE_ARG(line_text(t->arena, text_slice(&missed), LIMIT_SHOWN_BYTES)));
    }
}

static void add_step(struct text *t, const struct failure_style *style,
                     const struct step_result *step, bool several_trials)
{
    const struct paint *p = style->paint;
    char took[DURATION_TEXT];

    indent(t, style, 0);
    if (several_trials)
        text_printf(t, "trial %u, ", step->trial + 1);
    text_printf(t, "step %u  %s%.*s%s", step->index + 1, p->bold,
                SLICE_ARG(line_text(t->arena, step->name, 300)), p->off);
    text_printf(t, "  %s%.*s%s(%s)%s\n", p->dim, SLICE_ARG(place_text(t->arena, step->at)),
                step->at.line ? "  " : "", format_duration(took, step->duration), p->off);
    if (step->error.len) {
        indent(t, style, 2);
        text_printf(t, "%s%s%s\n", p->bad,
                    step->error_code == ERR_OK ? "error" : error_name(step->error_code), p->off);
        add_block(t, style, 4, "", step->error, LIMIT_SHOWN_BYTES);
    }
    add_verdicts(t, style, step);
    add_evidence(t, style, "request", step->request, false);
    add_evidence(t, style, "response", step->response, false);
    add_evidence(t, style, "log", step->log, true);
}

void failure_steps(struct text *t, const struct attempt_result *attempt,
                   const struct failure_style *style)
{
    size_t shown = 0, left_out = 0;

    if (attempt->trials > 1) {
        indent(t, style, 0);
        text_printf(t, "%u of %u trials passed\n", attempt->trials_passed, attempt->trials);
    }
    for (const struct step_result *s = attempt->steps; s; s = s->next) {
        if (s->status == CASE_PASSED)
            continue;
        if (shown < style->steps) {
            add_step(t, style, s, attempt->trials > 1);
            shown++;
        } else {
            left_out++;
        }
    }
    if (left_out) {
        indent(t, style, 0);
        text_printf(t, "… and %zu more step%s that did not pass\n", left_out,
                    left_out == 1 ? "" : "s");
    }
    if (attempt->given.len) {
        indent(t, style, 0);
        text_printf(t, "given  %.*s\n",
                    SLICE_ARG(line_text(t->arena, attempt->given, LIMIT_SHOWN_BYTES)));
    }
}

/* Does the only step that is shown say what the reason says? */
static bool steps_tell(const struct case_result *result)
{
    const struct attempt_result *only = result->attempts;
    size_t failed = 0;
    if (slice_starts(result->reason, SLICE("in quarantine ")))
        return false; /* only the reason says so */
    if (!only || only->next || only->trials > 1 || only->given.len)
        return false;
    for (const struct step_result *s = only->steps; s; s = s->next)
        failed += s->status != CASE_PASSED;
    return failed == 1 && !(result->flags & CASE_TIMED_OUT);
}

void failure_text(struct text *t, const struct case_result *result,
                  const struct failure_style *style)
{
    bool retried = result->attempts && result->attempts->next;
    struct failure_style inner = *style;

    inner.indent += retried ? 2 : 0;
    if (result->reason.len && !(style->said_before && steps_tell(result)))
        add_block(t, style, 0, "", result->reason, LIMIT_SHOWN_BYTES);
    for (const struct attempt_result *a = result->attempts; a; a = a->next) {
        if (retried) {
            indent(t, style, 0);
            text_printf(t, "attempt %u  %s\n", a->number, case_status_name(a->status));
        }
        if (a->status != CASE_PASSED)
            failure_steps(t, a, &inner);
    }
    if (result->rerun.len && result->status != CASE_PASSED) {
        indent(t, style, 0);
        text_printf(t, "%srerun%s  %.*s\n", style->paint->dim, style->paint->off,
                    SLICE_ARG(line_text(t->arena, result->rerun, LIMIT_SHOWN_BYTES)));
    }
}
