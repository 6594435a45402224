/*
 * GitHub annotations: workflow commands that show a failure at its line of the suite in a pull
 * request. GitHub shows ten errors and ten warnings of a step and keeps the rest in the log. What
 * is written is escaped as the runner reads it: %, CR and LF, and in properties : and , as well.
 */
#include "core/parse.h"
#include "record/failure.h"
#include "record/formats.h"

/* The runner cuts long messages; the beginning of the evidence is enough to see what is wrong. */
#define MESSAGE_BYTES 4000

static void add_escaped(struct text *t, struct slice s, const char *also)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        if (c == '%' || c == '\r' || c == '\n' || (c && strchr(also, c)))
            text_printf(t, "%%%02X", c);
        else
            text_add_byte(t, c);
    }
}

static void add_property(struct text *t, const char *name, struct slice value)
{
    if (value.len == 0)
        return;
    text_printf(t, "%s%s=", t->data[t->len - 1] == ' ' ? "" : ",", name);
    add_escaped(t, line_text(t->arena, value, 500), ":,");
}

static void annotate(struct text *t, const char *level, struct place place, struct slice title,
                     struct slice message)
{
    text_printf(t, "::%s ", level);
    if (place.line && place.source && place.source->name) {
        add_property(t, "file", slice_str(place.source->name));
        text_printf(t, ",line=%u,col=%u", place.line, place.column);
    }
    add_property(t, "title", title);
    text_add_str(t, "::");
    add_escaped(t, text_shown(t->arena, message, MESSAGE_BYTES), "");
    text_add_byte(t, '\n');
}

static void add_failure(struct text *t, const struct case_result *r)
{
    struct text message = text_in(t->arena);
    const char *word = r->status == CASE_ERROR ? "ERROR" : "FAILED";

    failure_text(&message, r, &failure_brief);
    annotate(t, "error", failure_place(r),
             slice_str(arena_printf(t->arena, "%s %.*s", word, SLICE_ARG(r->key))),
             text_slice(&message));
}

static void add_warning(struct text *t, const struct case_result *r)
{
    struct text title = text_in(t->arena);
    char took[DURATION_TEXT];

    for (size_t i = 0; case_flag_name(i); i++)
        if (r->flags & 1u << i)
            text_printf(&title, "%s%s", title.len ? ", " : "", case_flag_name(i));
    text_printf(&title, ": %.*s", SLICE_ARG(r->key));
    struct slice why = failure_line(t->arena, r);
    if (why.len == 0)
        why = slice_str(
            arena_printf(t->arena, "passed, but took %s", format_duration(took, r->duration)));
    annotate(t, "warning", r->at, text_slice(&title), why);
}

static void add_summary(struct text *t, const struct run_info *run)
{
    struct text message = text_in(t->arena);
    char took[DURATION_TEXT];

    for (size_t i = 0; i < CASE_STATUS_COUNT; i++)
        if (run->counts[i] || i == CASE_PASSED)
            text_printf(&message, "%s%zu %s", message.len ? ", " : "", run->counts[i],
                        case_status_counted((enum case_status)i, run->counts[i]));
    text_printf(&message, " in %s (run %.*s)", format_duration(took, run->duration),
                SLICE_ARG(run->id));
    annotate(t, "notice", (struct place){0}, SLICE("assay"), text_slice(&message));
}

/* One annotation for all: only the first few of a job are shown. */
static void add_causes(struct text *t, const struct event *e)
{
    struct text message = text_in(t->arena);
    for (size_t i = 0; i < e->causes.count; i++) {
        const struct failure_cause *c = &e->causes.all[i];
        text_printf(&message, "%s%zu × %.*s", i ? "\n" : "", c->cases,
                    SLICE_ARG(line_text(t->arena, c->text, 200)));
        if (c->strength.len)
            text_printf(&message, " (%.*s)", SLICE_ARG(c->strength));
    }
    annotate(t, "error", (struct place){0}, SLICE("failures by cause"), text_slice(&message));
}

static void on_event(struct sink *sink, const struct event *e)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);

    if (e->kind == EVENT_RUN_FINISHED) {
        add_summary(&t, e->run);
    } else if (e->kind == EVENT_CAUSES) {
        add_causes(&t, e);
    } else if (e->kind == EVENT_CASE_FINISHED) {
        const struct case_result *r = e->finished;
        if (r->status == CASE_FAILED || r->status == CASE_ERROR)
            add_failure(&t, r);
        else if (r->status == CASE_PASSED && r->flags)
            add_warning(&t, r);
    }
    if (t.len)
        report_write(((struct plain_report *)sink)->to, &t);
}

struct sink *github_open(FILE *to, bool color)
{
    (void)color;
    return plain_report_open(to, on_event);
}
