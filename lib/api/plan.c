/*
 * assay_plan: what would run, in which order, and how long it should take.
 */
#include "api/session.h"
#include "core/parse.h"
#include "core/text.h"

struct printer {
    struct session *session;
    const struct plan *plan;
    struct plan_estimate estimate;
    uint32_t jobs;
};

static const char *tone(const struct printer *p, const char *code)
{
    return p->session->streams.out_color ? code : "";
}

static void print_case(const struct printer *p, const struct plan_case *pc)
{
    FILE *out = p->session->streams.out;
    char duration[DURATION_TEXT] = "";
    if (pc->expected >= 0)
        format_duration(duration, pc->expected);
    fprintf(out, "  %.*s%s", SLICE_ARG(pc->id), tone(p, "\033[2m"));
    if (pc->skip)
        fprintf(out, "  skipped: %s", pc->skip);
    for (size_t i = 0; i < pc->tag_count; i++)
        fprintf(out, "  #%.*s", SLICE_ARG(pc->tags[i]));
    if (pc->priority != 5)
        fprintf(out, "  priority %d", pc->priority);
    for (size_t i = 0; i < pc->need_count; i++)
        fprintf(out, "%s\"%.*s\"", i ? ", " : "  needs ", SLICE_ARG(pc->needs[i]->id));
    for (size_t i = 0; i < pc->use_count; i++)
        fprintf(out, "%s%lld %.*s", i ? ", " : "  uses ", (long long)pc->uses[i].amount,
                SLICE_ARG(pc->uses[i].resource->name));
    if (pc->isolate)
        fprintf(out, "  alone");
    if (pc->given)
        fprintf(out, "  %u examples", pc->examples);
    else if (pc->repeat * pc->parallel > 1)
        fprintf(out, "  %u times", pc->repeat * pc->parallel);
    if (pc->parallel > 1)
        fprintf(out, ", %u at once", pc->parallel);
    if (*duration)
        fprintf(out, "  %s%s", duration, pc->expected_from_history ? "" : " (declared)");
    if (pc->needed_only)
        fprintf(out, "  (added: another case needs it)");
    fprintf(out, "%s\n", tone(p, "\033[0m"));
}

static void print_estimate(const struct printer *p)
{
    FILE *out = p->session->streams.out;
    const struct plan_estimate *e = &p->estimate;
    char total[DURATION_TEXT], makespan[DURATION_TEXT], length[DURATION_TEXT];
    if (e->known == 0) {
        fprintf(out, "No durations are known yet: run it once, or declare \"estimate\".\n");
        return;
    }
    fprintf(out, "About %s with %u %s (%s one after another; durations known for %zu of %zu).\n",
            format_duration(makespan, e->makespan), p->jobs, p->jobs == 1 ? "job" : "jobs",
            format_duration(total, e->total), e->known, p->plan->case_count);
    if (e->critical_count < 2)
        return;
    fprintf(out, "Longest chain, %s: ", format_duration(length, e->critical_length));
    for (size_t i = 0; i < e->critical_count; i++)
        fprintf(out, "%s%.*s", i ? " → " : "", SLICE_ARG(e->critical[i]->id));
    fprintf(out, "\n");
}

static void print_people(const struct printer *p)
{
    FILE *out = p->session->streams.out;
    const struct plan_suite *suite = NULL;
    for (size_t i = 0; i < p->plan->case_count; i++) {
        const struct plan_case *pc = p->plan->cases[i];
        if (pc->suite != suite) {
            suite = pc->suite;
            fprintf(out, "%s%.*s%s  %s\n", tone(p, "\033[1m"), SLICE_ARG(suite->name),
                    tone(p, "\033[0m"), suite->file);
        }
        print_case(p, pc);
    }
    fprintf(out, "\n%zu %s in %zu %s, %zu %s", p->plan->case_count,
            p->plan->case_count == 1 ? "case" : "cases", p->plan->suite_count,
            p->plan->suite_count == 1 ? "suite" : "suites", p->plan->service_count,
            p->plan->service_count == 1 ? "service" : "services");
    if (p->plan->filtered)
        fprintf(out, " (%zu more %s not match the filters)", p->plan->filtered,
                p->plan->filtered == 1 ? "does" : "do");
    fprintf(out, ".\n");
    print_estimate(p);
}

static json_t *text_json(struct slice s)
{
    return json_stringn(s.data ? s.data : "", s.len);
}

static json_t *duration_json(int64_t nanoseconds)
{
    return nanoseconds < 0 || nanoseconds == CLOCK_NEVER
               ? json_null()
               : json_real((double)nanoseconds / NS_PER_MS);
}

static json_t *case_json(struct arena *arena, const struct plan_case *pc)
{
    json_t *tags = json_array(), *needs = json_array(), *uses = json_object();
    for (size_t i = 0; i < pc->tag_count; i++)
        json_array_append_new(tags, text_json(pc->tags[i]));
    for (size_t i = 0; i < pc->need_count; i++)
        json_array_append_new(needs, text_json(pc->needs[i]->key));
    for (size_t i = 0; i < pc->use_count; i++)
        json_object_set_new(uses, arena_string(arena, pc->uses[i].resource->name),
                            json_integer(pc->uses[i].amount));
    json_t *o = json_pack("{s:o, s:o, s:o, s:s, s:i, s:o, s:i, s:o, s:o}", "key",
                          text_json(pc->key), "suite", text_json(pc->suite->name), "id",
                          text_json(pc->id), "file", pc->suite->file, "line", (int)pc->at.line,
                          "tags", tags, "priority", pc->priority, "needs", needs, "uses", uses);
    json_object_set_new(o, "expected_ms", duration_json(pc->expected));
    json_object_set_new(o, "timeout_ms", duration_json(pc->timeout));
    json_object_set_new(o, "skip", pc->skip ? json_string(pc->skip) : json_null());
    return o;
}

static void print_json(const struct printer *p)
{
    struct arena *arena = p->session->arena;
    json_t *cases = json_array(), *chain = json_array();
    for (size_t i = 0; i < p->plan->case_count; i++)
        json_array_append_new(cases, case_json(arena, p->plan->cases[i]));
    for (size_t i = 0; i < p->estimate.critical_count; i++)
        json_array_append_new(chain, text_json(p->estimate.critical[i]->key));
    json_t *root = json_pack("{s:o, s:i, s:i, s:o, s:o, s:o}", "cases", cases, "filtered",
                             (int)p->plan->filtered, "jobs", (int)p->jobs, "total_ms",
                             duration_json(p->estimate.total), "makespan_ms",
                             duration_json(p->estimate.makespan), "critical_path", chain);
    struct slice text = jsontext_write_pretty(arena, jsontext_keep(arena, root));
    fprintf(p->session->streams.out, "%.*s\n", SLICE_ARG(text));
}

static struct result plan_and_print(struct session *session, const struct assay_plan_options *o)
{
    DEFER(session_store_close)
    struct store *store = NULL;
    struct printer p = {.session = session, .jobs = session_jobs(o->jobs)};
    struct plan *plan;
    ENSURE(o->selection.suites.count, ERR_USAGE,
           "no suite given; `assay init` writes one to start from");
    TRY(session_store(o->store, false, &store));
    TRY(session_plan(session, &o->selection, store, o->selection.seed, NULL, &plan));
    plan_arrange(plan, p.jobs);
    p.plan = plan;
    p.estimate = plan_estimate(session->arena, plan, p.jobs);
    if (o->json)
        print_json(&p);
    else
        print_people(&p);
    return RESULT_OK;
}

int assay_plan(const struct assay_plan_options *options)
{
    DEFER(session_end)
    struct session session = session_begin(&options->streams);
    struct result r = plan_and_print(&session, options);
    return result_ok(r) ? 0 : session_failed(&session, r);
}
