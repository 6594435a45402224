/*
 * The forms of a webhook: ours, for programs; and those of Slack (blocks, with `text` for
 * notifications) and of Microsoft Teams (an Adaptive Card, as its workflows take it). What services
 * said stands in them, so it is escaped for each.
 */
#include "record/webhook_form.h"

#include "core/limits.h"
#include "core/parse.h"
#include "record/failure.h"
#include "record/json_out.h"

/* Slack refuses a message with a section above 3,000 characters; its last line is short. */
#define SECTION_BYTES 3000
#define LAST_LINE_BYTES 40
#define LINE_BYTES 200
#define CASES_SHOWN 10

static size_t bad(const struct run_info *run)
{
    return run->counts[CASE_FAILED] + run->counts[CASE_ERROR];
}

/* "3 of 20 cases failed", and what is new in it. */
static const char *headline(struct arena *arena, const struct webhook_message *m)
{
    const struct run_info *run = m->run;
    size_t finished = 0;
    for (size_t i = 0; i < CASE_STATUS_COUNT; i++)
        finished += run->counts[i];
    struct text t = text_in(arena);
    if (bad(run))
        text_printf(&t, "%zu of %zu cases failed", bad(run), finished);
    else if (run->counts[CASE_CANCELLED] || finished < run->planned)
        text_printf(&t, "the run ended early: %zu of %zu cases passed", run->counts[CASE_PASSED],
                    run->planned);
    else
        text_printf(&t, "%zu case%s passed", run->counts[CASE_PASSED],
                    run->counts[CASE_PASSED] == 1 ? "" : "s");
    if (m->failures.fresh)
        text_printf(&t, ", %zu of them new", m->failures.fresh);
    if (m->fixed.count)
        text_printf(&t, ", %zu fixed", m->fixed.count);
    return text_str(&t);
}

static const char *footer(struct arena *arena, const struct run_info *run)
{
    char took[DURATION_TEXT];
    return arena_printf(arena, "run %.*s on %.*s, %s", SLICE_ARG(run->id), SLICE_ARG(run->host),
                        format_duration(took, run->duration));
}

/* ── ours ── */

static void write_cases(struct text *t, const char *name, const struct webhook_cases *cases,
                        bool history)
{
    json_open(t, name, '[');
    for (const struct webhook_case *c = cases->first; c; c = c->next) {
        json_open(t, NULL, '{');
        json_text(t, "key", c->key);
        json_text(t, "status", slice_str(case_status_name(c->status)));
        if (history)
            json_boolean_of(t, "new", c->fresh);
        json_text_if(t, "reason", c->reason);
        json_text_if(t, "place", c->place);
        json_text_if(t, "rerun", c->rerun);
        json_close(t, '}');
    }
    json_close(t, ']');
}

static void write_json(struct text *t, const struct webhook_message *m)
{
    const struct run_info *run = m->run;
    char started[CLOCK_TEXT];
    json_open(t, NULL, '{');
    json_text(t, "type", SLICE("run.finished"));
    json_text(t, "summary", slice_str(headline(t->arena, m)));
    json_open(t, "run", '{');
    json_text(t, "id", run->id);
    json_text(t, "started", slice_str(clock_text(started, run->started_wall)));
    json_integer_of(t, "duration_ns", run->duration);
    json_text(t, "host", run->host);
    json_text(t, "version", run->version);
    json_text(t, "command", run->command);
    json_integer_of(t, "exit_status", run->exit_status);
    json_integer_of(t, "planned", (int64_t)run->planned);
    for (enum case_status s = 0; s < CASE_STATUS_COUNT; s++)
        json_integer_of(t, case_status_name(s), (int64_t)run->counts[s]);
    json_integer_of(t, "flaky", (int64_t)run->flaky);
    json_integer_of(t, "slow", (int64_t)run->slow);
    json_close(t, '}');
    write_cases(t, "failures", &m->failures, m->history);
    json_integer_of(t, "failure_count", (int64_t)m->failures.count);
    if (m->history) {
        json_integer_of(t, "new_failure_count", (int64_t)m->failures.fresh);
        write_cases(t, "fixed", &m->fixed, false);
        json_integer_of(t, "fixed_count", (int64_t)m->fixed.count);
    }
    json_close(t, '}');
}

/* ── for people ── */

/* One line of a case: "new: suite/id: why"; `escape` writes what came from outside. */
static void add_case(struct text *t, const struct webhook_case *c,
                     void (*escape)(struct text *t, struct slice s))
{
    if (c->fresh)
        text_add_str(t, "new: ");
    escape(t, c->key);
    if (c->reason.len) {
        text_add_str(t, ": ");
        escape(t, c->reason);
    }
}

/* https://api.slack.com/reference/surfaces/formatting: these three, and nothing else. */
static void escape_slack(struct text *t, struct slice s)
{
    struct slice line = line_text(t->arena, s, LINE_BYTES);
    for (size_t i = 0; i < line.len; i++) {
        const char *entity = line.data[i] == '&'   ? "&amp;"
                             : line.data[i] == '<' ? "&lt;"
                             : line.data[i] == '>' ? "&gt;"
                                                   : NULL;
        if (entity)
            text_add_str(t, entity);
        else
            text_add_byte(t, line.data[i]);
    }
}

static void slack_section(struct text *t, struct slice markdown)
{
    json_open(t, NULL, '{');
    json_text(t, "type", SLICE("section"));
    json_open(t, "text", '{');
    json_text(t, "type", SLICE("mrkdwn"));
    json_text(t, "text", markdown);
    json_close(t, '}');
    json_close(t, '}');
}

static void slack_cases(struct text *t, const char *title, const struct webhook_cases *cases)
{
    size_t shown = 0;
    if (!cases->count)
        return;
    struct text block = text_in(t->arena);
    text_printf(&block, "*%s*", title);
    for (const struct webhook_case *c = cases->first; c && shown < CASES_SHOWN; c = c->next) {
        struct text line = text_in(t->arena);
        text_add_str(&line, "\n• ");
        add_case(&line, c, escape_slack);
        if (block.len + line.len > SECTION_BYTES - LAST_LINE_BYTES)
            break;
        text_add(&block, text_slice(&line));
        shown++;
    }
    if (cases->count > shown)
        text_printf(&block, "\n… and %zu more", cases->count - shown);
    slack_section(t, text_slice(&block));
}

static void write_slack(struct text *t, const struct webhook_message *m)
{
    struct text line = text_in(t->arena);
    text_printf(&line, "%s %s", bad(m->run) ? ":x:" : ":white_check_mark:", headline(t->arena, m));
    json_open(t, NULL, '{');
    json_text(t, "text", text_slice(&line)); /* what a notification shows */
    json_open(t, "blocks", '[');
    slack_section(t, text_slice(&line));
    slack_cases(t, "Failed", &m->failures);
    slack_cases(t, "Fixed", &m->fixed);
    struct text foot = text_in(t->arena);
    escape_slack(&foot, slice_str(footer(t->arena, m->run)));
    slack_section(t, text_slice(&foot));
    json_close(t, ']');
    json_close(t, '}');
}

/* A TextBlock takes a subset of Markdown. */
static void escape_card(struct text *t, struct slice s)
{
    struct slice line = line_text(t->arena, s, LINE_BYTES);
    for (size_t i = 0; i < line.len; i++) {
        if (line.data[i] && strchr("\\`*_[]()#~<>", line.data[i]))
            text_add_byte(t, '\\');
        text_add_byte(t, line.data[i]);
    }
}

static void card_block(struct text *t, struct slice markdown, const char *weight)
{
    json_open(t, NULL, '{');
    json_text(t, "type", SLICE("TextBlock"));
    json_text(t, "text", markdown);
    json_boolean_of(t, "wrap", true);
    json_text(t, "weight", slice_str(weight));
    json_close(t, '}');
}

static void card_cases(struct text *t, const char *title, const struct webhook_cases *cases)
{
    size_t shown = 0;
    if (!cases->count)
        return;
    card_block(t, slice_str(title), "Bolder");
    for (const struct webhook_case *c = cases->first; c && shown < CASES_SHOWN; c = c->next) {
        struct text line = text_in(t->arena);
        text_add_str(&line, "- ");
        add_case(&line, c, escape_card);
        card_block(t, text_slice(&line), "Default");
        shown++;
    }
    if (cases->count > shown)
        card_block(t, slice_str(arena_printf(t->arena, "… and %zu more", cases->count - shown)),
                   "Default");
}

static void write_teams(struct text *t, const struct webhook_message *m)
{
    struct text foot = text_in(t->arena);
    escape_card(&foot, slice_str(footer(t->arena, m->run)));
    json_open(t, NULL, '{');
    json_text(t, "type", SLICE("message"));
    json_open(t, "attachments", '[');
    json_open(t, NULL, '{');
    json_text(t, "contentType", SLICE("application/vnd.microsoft.card.adaptive"));
    json_open(t, "content", '{');
    json_text(t, "$schema", SLICE("http://adaptivecards.io/schemas/adaptive-card.json"));
    json_text(t, "type", SLICE("AdaptiveCard"));
    json_text(t, "version", SLICE("1.4"));
    json_open(t, "body", '[');
    card_block(t, slice_str(headline(t->arena, m)), "Bolder");
    card_cases(t, "Failed", &m->failures);
    card_cases(t, "Fixed", &m->fixed);
    card_block(t, text_slice(&foot), "Lighter");
    json_close(t, ']');
    json_close(t, '}');
    json_close(t, '}');
    json_close(t, ']');
    json_close(t, '}');
}

const struct webhook_form webhook_forms[] = {
    {"json", write_json},
    {"slack", write_slack},
    {"teams", write_teams},
    {0},
};
