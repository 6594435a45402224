/*
 * TAP version 14 (testanything.org): a test point as each case ends, with a YAML block where there
 * is something to say, and the plan at the end, when the number is known.
 */
#include "core/limits.h"
#include "record/failure.h"
#include "record/formats.h"

/* A description or reason: one line, with # and \ escaped, for a # could begin a directive. */
static void add_escaped(struct text *t, struct slice s)
{
    struct slice line = line_text(t->arena, s, 1000);
    for (size_t i = 0; i < line.len; i++) {
        if (line.data[i] == '#' || line.data[i] == '\\')
            text_add_byte(t, '\\');
        text_add_byte(t, line.data[i]);
    }
}

/*
 * "  name: value". One line as a JSON string, which is YAML too; several as a literal block, whose
 * indentation is given, since the first line may begin with blanks of its own.
 */
static void add_value(struct text *t, const char *name, struct slice value)
{
    struct slice line, rest = text_shown(t->arena, value, 2 * LIMIT_EVIDENCE_BYTES);

    if (value.len == 0)
        return;
    text_printf(t, "  %s: ", name);
    if (slice_find_byte(rest, '\n') < 0) {
        text_add_json(t, rest);
        text_add_byte(t, '\n');
        return;
    }
    text_add_str(t, "|2\n");
    while (slice_split(&rest, '\n', &line))
        if (line.len || rest.len)
            text_printf(t, "    %.*s\n", SLICE_ARG(line));
}

static void add_place(struct text *t, struct place place)
{
    if (!place.line)
        return;
    text_add_str(t, "  at:\n    file: ");
    text_add_json(t, slice_str(place.source ? place.source->name : NULL));
    text_printf(t, "\n    line: %u\n    column: %u\n", place.line, place.column);
}

static void add_flags(struct text *t, unsigned flags)
{
    const char *before = "  flags: [";
    for (size_t i = 0; case_flag_name(i); i++) {
        if (!(flags & 1u << i))
            continue;
        text_printf(t, "%s%s", before, case_flag_name(i));
        before = ", ";
    }
    if (flags)
        text_add_str(t, "]\n");
}

static void add_details(struct text *t, const struct case_result *r)
{
    struct text evidence = text_in(t->arena);
    bool skipped = r->status == CASE_SKIPPED || r->status == CASE_CANCELLED;

    if (skipped || (r->status == CASE_PASSED && r->flags == 0))
        return;
    text_add_str(t, "  ---\n");
    add_value(t, "message", failure_line(t->arena, r));
    text_printf(t, "  status: %s\n", case_status_name(r->status));
    add_flags(t, r->flags);
    add_place(t, failure_place(r));
    text_printf(t, "  duration_ms: %lld.%03lld\n", (long long)(r->duration / NS_PER_MS),
                (long long)(r->duration / NS_PER_US % 1000));
    failure_text(&evidence, r, &failure_whole);
    add_value(t, "evidence", text_slice(&evidence));
    if (r->status != CASE_PASSED)
        add_value(t, "rerun", r->rerun);
    text_add_str(t, "  ...\n");
}

static void add_case(struct text *t, const struct case_result *r, size_t number)
{
    bool bad = r->status == CASE_FAILED || r->status == CASE_ERROR;

    text_printf(t, "%sok %zu - ", bad ? "not " : "", number);
    add_escaped(t, r->key);
    if (r->status == CASE_SKIPPED || r->status == CASE_CANCELLED) {
        text_add_str(t, r->status == CASE_CANCELLED ? " # SKIP cancelled" : " # SKIP");
        text_add_str(t, r->reason.len == 0 ? "" : r->status == CASE_CANCELLED ? ": " : " ");
        add_escaped(t, r->reason);
    }
    text_add_byte(t, '\n');
    add_details(t, r);
}

static void on_event(struct sink *sink, const struct event *e)
{
    struct plain_report *tap = (struct plain_report *)sink;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);

    if (e->kind == EVENT_RUN_STARTED)
        text_add_str(&t, "TAP version 14\n");
    else if (e->kind == EVENT_CASE_FINISHED)
        add_case(&t, e->finished, ++tap->count);
    else if (e->kind == EVENT_RUN_FINISHED && tap->count == 0)
        text_add_str(&t, "1..0 # no case ran\n");
    else if (e->kind == EVENT_RUN_FINISHED)
        text_printf(&t, "1..%zu\n", tap->count);
    if (e->kind == EVENT_RUN_FINISHED && e->run->counts[CASE_CANCELLED])
        text_add_str(&t, "Bail out! The run ended early.\n");
    if (t.len)
        report_write(tap->to, &t);
}

struct sink *tap_open(FILE *to, bool color)
{
    (void)color;
    return plain_report_open(to, on_event);
}
