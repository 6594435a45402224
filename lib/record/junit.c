/*
 * JUnit XML as Maven Surefire and nextest write it and Jenkins, GitLab and others read it: a
 * <testsuite> per suite, failed attempts of a case that passed in the end as <flakyFailure> or
 * <flakyError>, further attempts of one that did not as <rerunFailure> or <rerunError>.
 *
 * Suites run at the same time and their counts stand in front of their cases, so the cases of each
 * are kept as text until the end.
 */
#include "core/buf.h"
#include "core/memory.h"
#include "record/failure.h"
#include "record/formats.h"

/* Cases of one suite; beyond this a report is refused by every reader we know. */
#define SUITE_BYTES (1u << 30)

struct suite {
    struct slice name, file;
    struct buf cases;
    size_t tests, failures, errors, skipped;
    int64_t started, duration;
};

struct junit {
    struct sink base;
    FILE *to;
    struct arena *arena; /* names of suites */
    struct suite *suites;
    size_t count, capacity;
    bool too_large;
};

static void add_attribute(struct text *t, const char *name, struct slice value)
{
    if (value.len == 0)
        return;
    text_printf(t, " %s=\"", name);
    text_add_xml(t, value);
    text_add_byte(t, '"');
}

static void add_seconds(struct text *t, const char *name, int64_t ns)
{
    text_printf(t, " %s=\"%lld.%06lld\"", name, (long long)(ns / NS_PER_S),
                (long long)(ns % NS_PER_S / NS_PER_US));
}

static void add_time(struct text *t, const char *name, int64_t wall)
{
    char shown[CLOCK_TEXT];
    if (wall)
        add_attribute(t, name, slice_str(clock_text(shown, wall)));
}

static void add_property(struct text *t, const char *indent, const char *name, struct slice value)
{
    if (value.len == 0)
        return;
    text_printf(t, "%s<property name=\"%s\"", indent, name);
    add_attribute(t, "value", value);
    text_add_str(t, "/>\n");
}

static void add_properties(struct text *t, const struct case_result *r)
{
    static const char indent[] = "        ";
    if (!r->describe.len && !r->model.len && !r->tag_count && !r->flags)
        return;
    text_add_str(t, "      <properties>\n");
    add_property(t, indent, "description", r->describe);
    add_property(t, indent, "model", r->model);
    for (size_t i = 0; i < r->tag_count; i++)
        add_property(t, indent, "tag", r->tags[i]);
    for (size_t i = 0; case_flag_name(i); i++)
        if (r->flags & 1u << i)
            add_property(t, indent, "flag", slice_str(case_flag_name(i)));
    text_add_str(t, "      </properties>\n");
}

static void add_fault(struct text *t, const char *element, enum case_status status,
                      struct slice message, struct slice body)
{
    text_printf(t, "      <%s", element);
    add_attribute(t, "message", message);
    add_attribute(t, "type", slice_str(status == CASE_ERROR ? "error" : "check"));
    text_add_byte(t, '>');
    text_add_xml(t, body);
    text_printf(t, "</%s>\n", element);
}

/* An attempt beside the one that decided: <flakyFailure>, <rerunError>, … */
static void add_attempt(struct text *t, const struct case_result *r, const char *prefix,
                        const struct attempt_result *a)
{
    struct text trace = text_in(t->arena);
    const char *kind = a->status == CASE_ERROR ? "Error" : "Failure";

    failure_steps(&trace, a, &failure_whole);
    text_printf(t, "      <%s%s", prefix, kind);
    add_attribute(t, "message", failure_attempt_line(t->arena, a));
    add_attribute(t, "type", slice_str(a->status == CASE_ERROR ? "error" : "check"));
    if (r->started_wall)
        add_time(t, "timestamp", r->started_wall + (a->started - r->attempts->started));
    add_seconds(t, "time", a->duration);
    text_add_str(t, "><stackTrace>");
    text_add_xml(t, text_slice(&trace));
    text_printf(t, "</stackTrace></%s%s>\n", prefix, kind);
}

/* Surefire's form: the first attempt is the failure, those after it are reruns of it. */
static void add_failure(struct text *t, const struct case_result *r)
{
    struct text body = text_in(t->arena), all = text_in(t->arena);
    const struct attempt_result *first = r->attempts;

    if (first)
        failure_steps(&body, first, &failure_brief);
    if (r->rerun.len)
        text_printf(&body, "rerun  %.*s\n", SLICE_ARG(line_text(t->arena, r->rerun, 2000)));
    add_fault(t, r->status == CASE_ERROR ? "error" : "failure", r->status,
              failure_line(t->arena, r), text_slice(&body));
    for (const struct attempt_result *a = first ? first->next : NULL; a; a = a->next)
        if (a->status != CASE_PASSED)
            add_attempt(t, r, "rerun", a);
    failure_text(&all, r, &failure_whole);
    text_add_str(t, "      <system-out>");
    text_add_xml(t, text_slice(&all));
    text_add_str(t, "</system-out>\n");
}

static void add_outcome(struct text *t, const struct case_result *r)
{
    switch (r->status) {
    case CASE_PASSED:
        for (const struct attempt_result *a = r->attempts; a; a = a->next)
            if (a->status != CASE_PASSED)
                add_attempt(t, r, "flaky", a);
        break;
    case CASE_FAILED:
    case CASE_ERROR:
        add_failure(t, r);
        break;
    case CASE_SKIPPED:
    case CASE_CANCELLED:
        text_add_str(t, "      <skipped message=\"");
        if (r->status == CASE_CANCELLED)
            text_add_str(t, r->reason.len ? "cancelled: " : "cancelled");
        text_add_xml(t, r->reason);
        text_add_str(t, "\"/>\n");
        break;
    case CASE_STATUS_COUNT:
        MUST(false, "no such status");
    }
}

static void add_case(struct text *t, const struct case_result *r)
{
    text_add_str(t, "    <testcase");
    add_attribute(t, "name", case_title(r));
    add_attribute(t, "classname", r->suite);
    add_seconds(t, "time", r->duration);
    add_time(t, "timestamp", r->started_wall);
    add_attribute(t, "file", r->file);
    if (r->at.line)
        text_printf(t, " line=\"%u\"", r->at.line);
    struct text content = text_in(t->arena);
    add_properties(&content, r);
    add_outcome(&content, r);
    if (content.len)
        text_printf(t, ">\n%s    </testcase>\n", text_str(&content));
    else
        text_add_str(t, "/>\n");
}

static struct suite *suite_of(struct junit *j, const struct case_result *r)
{
    for (size_t i = j->count; i-- > 0;) /* mostly the one before */
        if (slice_eq(j->suites[i].name, r->suite))
            return &j->suites[i];
    GROW(j->suites, j->count, j->capacity);
    struct suite *suite = &j->suites[j->count++];
    *suite = (struct suite){.name = arena_copy(j->arena, r->suite),
                            .file = arena_copy(j->arena, r->file),
                            .cases = buf_limited(SUITE_BYTES)};
    return suite;
}

static void finished(struct junit *j, const struct case_result *r)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    struct suite *suite = suite_of(j, r);

    suite->tests++;
    suite->failures += r->status == CASE_FAILED;
    suite->errors += r->status == CASE_ERROR;
    suite->skipped += r->status == CASE_SKIPPED || r->status == CASE_CANCELLED;
    suite->duration += r->duration;
    if (r->started_wall && (!suite->started || r->started_wall < suite->started))
        suite->started = r->started_wall;
    add_case(&t, r);
    if (!result_ok(buf_append(&suite->cases, text_slice(&t))))
        j->too_large = true; /* told when closed */
}

static void add_suite(struct text *t, const struct suite *suite, const struct run_info *run)
{
    static const char indent[] = "      ";
    text_add_str(t, "  <testsuite");
    add_attribute(t, "name", suite->name.len ? suite->name : SLICE("assay"));
    text_printf(t, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"", suite->tests,
                suite->failures, suite->errors, suite->skipped);
    add_seconds(t, "time", suite->duration);
    add_time(t, "timestamp", suite->started);
    add_attribute(t, "hostname", run->host);
    add_attribute(t, "file", suite->file);
    text_add_str(t, ">\n    <properties>\n");
    add_property(t, indent, "run", run->id);
    add_property(t, indent, "command", run->command);
    add_property(t, indent, "version", run->version);
    add_property(t, indent, "seed",
                 slice_str(arena_printf(t->arena, "%llu", (unsigned long long)run->seed)));
    text_add_str(t, "    </properties>\n");
}

static void end(struct junit *j, const struct run_info *run)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    size_t tests = 0;

    for (size_t i = 0; i < j->count; i++)
        tests += j->suites[i].tests;
    text_add_str(&t, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"assay\"");
    text_printf(&t, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"", tests,
                run->counts[CASE_FAILED], run->counts[CASE_ERROR],
                run->counts[CASE_SKIPPED] + run->counts[CASE_CANCELLED]);
    add_seconds(&t, "time", run->duration);
    add_time(&t, "timestamp", run->started_wall);
    text_add_str(&t, ">\n");
    for (size_t i = 0; i < j->count; i++) {
        struct text head = text_in(arena);
        add_suite(&head, &j->suites[i], run);
        report_write(j->to, &t);
        report_write(j->to, &head);
        fwrite(j->suites[i].cases.data, 1, j->suites[i].cases.len, j->to);
        t = text_in(arena);
        text_add_str(&t, "  </testsuite>\n");
    }
    text_add_str(&t, "</testsuites>\n");
    report_write(j->to, &t);
}

static void on_event(struct sink *sink, const struct event *e)
{
    struct junit *j = (struct junit *)sink;
    if (e->kind == EVENT_CASE_FINISHED)
        finished(j, e->finished);
    else if (e->kind == EVENT_RUN_FINISHED)
        end(j, e->run);
}

static struct result close_junit(struct sink *sink)
{
    struct junit *j = (struct junit *)sink;
    struct result written = report_written(j->to);
    bool too_large = j->too_large;
    for (size_t i = 0; i < j->count; i++)
        buf_free(&j->suites[i].cases);
    mem_free(j->suites);
    arena_free(j->arena);
    mem_free(j);
    ENSURE(!too_large, ERR_TOO_LARGE,
           "the cases of a suite take more than %u bytes as JUnit XML; use the format jsonl",
           SUITE_BYTES);
    return written;
}

struct sink *junit_open(FILE *to, bool color)
{
    (void)color;
    struct junit *j = NEW(struct junit);
    j->base = (struct sink){.event = on_event, .close = close_junit};
    j->to = to;
    j->arena = arena_new();
    return &j->base;
}
