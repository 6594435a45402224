/*
 * The HTML report's document: its head, the verdict, and the sections in the order in which people
 * need them.
 */
#include "report/html.h"

#include <errno.h>

#include "core/parse.h"
#include "record/failure.h"
#include "report/html_parts.h"

void html_text(struct text *t, struct slice s, size_t max)
{
    text_add_xml(t, line_text(t->arena, s, max));
}

void html_open(struct text *t, struct slice title)
{
    text_add_str(t, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                    "<meta name=\"generator\" content=\"assay\">\n"
                    "<link rel=\"icon\" href=\"data:,\">\n<title>");
    html_text(t, title, 100);
    text_printf(t, " · Assay</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n", html_style);
}

void html_close(struct text *t)
{
    text_add_str(t, "</main>\n</body>\n</html>\n");
}

/* The counts of all runs together. */
struct totals {
    size_t counts[CASE_STATUS_COUNT], planned, finished, flaky, slow, leaky, timed_out;
    int64_t duration;
    bool ended;
};

static struct totals totals_of(const struct run_data *run)
{
    struct totals all = {.ended = true};
    for (size_t i = 0; i < run->run_count; i++) {
        const struct run_info *info = &run->runs[i];
        for (size_t s = 0; s < CASE_STATUS_COUNT; s++) {
            all.counts[s] += info->counts[s];
            all.finished += info->counts[s];
        }
        all.planned += info->planned;
        all.flaky += info->flaky;
        all.slow += info->slow;
        all.leaky += info->leaky;
        all.timed_out += info->timed_out;
        if (info->duration > all.duration)
            all.duration = info->duration;
        all.ended = all.ended && info->exit_status >= 0;
    }
    return all;
}

static void add_verdict(struct text *t, const struct totals *all)
{
    size_t bad = all->counts[CASE_FAILED] + all->counts[CASE_ERROR];
    if (bad)
        text_printf(t, "<h1><span class=\"failed\">%zu of %zu cases failed</span></h1>\n", bad,
                    all->finished);
    else if (all->finished < all->planned || all->counts[CASE_CANCELLED])
        text_printf(
            t,
            "<h1><span class=\"error\">The run ended early: %zu of %zu cases passed</span></h1>\n",
            all->counts[CASE_PASSED], all->planned);
    else
        text_printf(t, "<h1><span class=\"passed\">%zu case%s passed</span></h1>\n",
                    all->counts[CASE_PASSED], all->counts[CASE_PASSED] == 1 ? "" : "s");
}

static void add_tile(struct text *t, const char *class, size_t count, const char *name)
{
    text_printf(t, "<div class=\"tile\"><b class=\"%s\">%zu</b>%s</div>\n", class, count, name);
}

static void add_tiles(struct text *t, const struct totals *all)
{
    static const struct {
        enum case_status status;
        bool always;
    } tiles[] = {{CASE_PASSED, true},
                 {CASE_FAILED, true},
                 {CASE_ERROR, false},
                 {CASE_SKIPPED, false},
                 {CASE_CANCELLED, false}};
    char took[DURATION_TEXT];
    text_add_str(t, "<div class=\"tiles\">\n");
    for (size_t i = 0; i < sizeof(tiles) / sizeof(tiles[0]); i++) {
        enum case_status s = tiles[i].status;
        if (all->counts[s] || tiles[i].always)
            add_tile(t, all->counts[s] ? case_status_name(s) : "dim", all->counts[s],
                     case_status_name(s));
    }
    const struct {
        size_t count;
        const char *name;
    } flags[] = {{all->flaky, "flaky"},
                 {all->slow, "slow"},
                 {all->leaky, "leaky"},
                 {all->timed_out, "timed out"}};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (flags[i].count)
            add_tile(t, "flag", flags[i].count, flags[i].name);
    text_printf(t, "<div class=\"tile\"><b>%s</b>time</div>\n</div>\n",
                format_duration(took, all->duration));
}

static void add_run(struct text *t, const struct run_info *info)
{
    char started[CLOCK_TEXT];
    text_add_str(t, "<p class=\"dim\">run <span class=\"mono\">");
    html_text(t, info->id, 100);
    text_printf(t, "</span> · %s · on ", clock_text(started, info->started_wall));
    html_text(t, info->host, 100);
    text_printf(t, " · %u at a time · seed %llu · assay ", info->jobs,
                (unsigned long long)info->seed);
    html_text(t, info->version, 40);
    text_add_str(t, "<br><code>");
    html_text(t, info->command, 2000);
    text_add_str(t, "</code></p>\n");
}

struct result html_write(FILE *to, const struct run_data *run,
                         const struct resource_history *resources)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    struct totals all = totals_of(run);

    html_open(&t, run->run_count ? run->runs[0].id : SLICE("no run"));
    add_verdict(&t, &all);
    add_tiles(&t, &all);
    for (size_t i = 0; i < run->run_count; i++)
        add_run(&t, &run->runs[i]);
    html_failures(&t, run);
    html_timeline(&t, run);
    html_durations(&t, run);
    if (resources)
        html_resources(&t, run, resources);
    html_tables(&t, run);
    html_cases(&t, run);
    html_close(&t);
    bool written = fwrite(text_str(&t), 1, t.len, to) == t.len && fflush(to) == 0;
    ENSURE(written, ERR_IO, "cannot write the report: %s", strerror(errno));
    return RESULT_OK;
}
