/*
 * The console: the face of a run. On a terminal one calm line at the bottom says how far the run
 * is, what is running and how long it will take; above it stands a line for every case that did not
 * simply pass. At the end come the failures in full, why cases were skipped, and one line that sums
 * it up. Workload: events at any rate; the progress line is drawn by the tick only.
 */
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/memory.h"
#include "core/parse.h"
#include "record/areas.h"
#include "record/failure.h"
#include "record/measured.h"
#include "record/sink.h"

/* Failures shown in full at the end; a run with more has one cause, and the store has them all. */
#define FULL_FAILURES 50
#define SKIP_REASONS 10
/* Failures from which on their causes are told together, and how many causes. */
#define CAUSES_FROM 4
#define CAUSES_SHOWN 10
#define SLOWEST 5
/* Of an area, so many of the cases that failed are named; all of them stand above in full. */
#define AREA_NAMED 3
/* Without a terminal a long run still says that it lives. */
#define PLAIN_PROGRESS (30 * NS_PER_S)
/* Not enough has finished before to foretell anything. */
#define FORETELL_CASES 3

struct running {
    char *key, *title;
};

struct skip_reason {
    struct slice reason;
    size_t count;
};

struct slow_case {
    struct slice key;
    int64_t duration;
};

struct console {
    struct sink base;
    FILE *to;
    enum console_detail detail;
    const struct paint *paint;
    bool live;
    int columns;
    struct arena *arena;  /* what is kept for the end */
    struct run_info seen; /* planned, expected, and counts so far */
    size_t earlier;       /* of the finished, those of an earlier session */
    int64_t started, last_output;
    bool line_shown; /* the progress line stands on the terminal */
    struct running *running;
    size_t running_count, running_capacity;
    struct text failures, causes;
    size_t failures_kept, failures_left_out;
    struct skip_reason skips[SKIP_REASONS];
    size_t skip_count, skips_left_out;
    struct slow_case slowest[SLOWEST];
    struct areas *areas;
    struct measured measured;
};

/* --- writing --- */

/* Output takes the place of the progress line, which the next tick draws again below it. */
static void put(struct console *c, const struct text *t)
{
    if (c->line_shown)
        fputs("\r\x1b[K", c->to);
    c->line_shown = false;
    fwrite(text_str(t), 1, t->len, c->to);
    fflush(c->to);
    c->last_output = clock_now();
}

static size_t finished_count(const struct console *c)
{
    size_t count = 0;
    for (size_t i = 0; i < CASE_STATUS_COUNT; i++)
        count += c->seen.counts[i];
    return count;
}

static const char *status_color(const struct paint *p, enum case_status status)
{
    return status == CASE_PASSED                           ? p->good
           : status == CASE_FAILED || status == CASE_ERROR ? p->bad
                                                           : p->warn;
}

static const char *status_word(enum case_status status)
{
    return status == CASE_FAILED  ? "FAILED"
           : status == CASE_ERROR ? "ERROR"
                                  : case_status_name(status);
}

/* The flag of bit `i` in words; NULL past the last. */
static const char *flag_words(size_t i)
{
    return i < 4 && 1u << i == CASE_TIMED_OUT ? "timed out" : case_flag_name(i);
}

static void add_flags(struct text *t, const struct paint *p, unsigned flags)
{
    for (size_t i = 0; case_flag_name(i); i++)
        if (flags & 1u << i)
            text_printf(t, "  %s%s%s", p->warn, flag_words(i), p->off);
}

/* --- the progress line --- */

/* Columns a text takes on a terminal: wide for East Asian and emoji, none for combining marks. */
static size_t display_width(struct slice s)
{
    static const struct {
        uint32_t from, to;
    } wide[] = {{0x1100, 0x115f},   {0x2e80, 0xa4cf},  {0xac00, 0xd7a3}, {0xf900, 0xfaff},
                {0xfe30, 0xfe6f},   {0xff00, 0xff60},  {0xffe0, 0xffe6}, {0x1f300, 0x1f64f},
                {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
    size_t width = 0;
    while (s.len) {
        size_t n = utf8_sequence(s);
        uint32_t code = n ? (unsigned char)s.data[0] : 0;
        if (n > 1)
            code &= 0xffu >> (n + 1);
        for (size_t i = 1; i < n; i++)
            code = code << 6 | ((unsigned char)s.data[i] & 0x3f);
        size_t columns = code >= 0x300 && code <= 0x36f ? 0 : 1;
        for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
            if (code >= wide[i].from && code <= wide[i].to)
                columns = 2;
        width += columns;
        s = slice_from(s, n ? n : 1);
    }
    return width;
}

static size_t terminal_columns(const struct console *c)
{
    struct winsize size;
    if (ioctl(fileno(c->to), TIOCGWINSZ, &size) == 0 && size.ws_col)
        return size.ws_col;
    return c->columns > 0 ? (size_t)c->columns : 80;
}

/*
 * How long it will still take, or -1: by the pace so far, and in the beginning by history. The more
 * is done, the more the pace counts.
 */
static int64_t time_left(const struct console *c, int64_t now)
{
    size_t finished = finished_count(c), done = finished - c->earlier;
    if (finished >= c->seen.planned)
        return -1;
    size_t left = c->seen.planned - finished;
    double elapsed = (double)(now - c->started);
    double share = (double)done / (double)(done + left);
    double by_pace = done ? elapsed * (double)left / (double)done : 0;
    double by_history = (double)c->seen.expected - elapsed;

    if (c->seen.expected > 0 && by_history > 0)
        return (int64_t)(share * by_pace + (1 - share) * by_history);
    return done >= FORETELL_CASES ? (int64_t)by_pace : -1;
}

static void add_time_left(struct text *t, int64_t left)
{
    char shown[DURATION_TEXT];
    int64_t seconds = (left + NS_PER_S - 1) / NS_PER_S;
    if (seconds < 60)
        text_printf(t, " … %lld s left", (long long)(seconds < 1 ? 1 : seconds));
    else
        text_printf(t, " … %s left", format_duration(shown, seconds * NS_PER_S));
}

/* " 124/400  118 passed  2 failed": text and the columns it takes, without the colours. */
static void add_counts(struct text *t, size_t *width, const struct console *c)
{
    static const enum case_status order[] = {CASE_PASSED, CASE_FAILED, CASE_ERROR, CASE_SKIPPED,
                                             CASE_CANCELLED};
    char part[64];
    int n = snprintf(part, sizeof(part), " %zu/%zu", finished_count(c), c->seen.planned);
    text_add(t, slice_of(part, (size_t)n));
    *width += (size_t)n;
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        size_t count = c->seen.counts[order[i]];
        if (count == 0)
            continue;
        n = snprintf(part, sizeof(part), "  %zu %s", count, case_status_counted(order[i], count));
        text_printf(t, "%s%s%s", status_color(c->paint, order[i]), part, c->paint->off);
        *width += (size_t)n;
    }
}

/* As many of the running cases, the longest running first, as there is room for. */
static void add_running(struct text *t, const struct console *c, size_t room)
{
    static const char lead[] = "  running: ";
    size_t used = sizeof(lead) - 1, shown = 0;

    for (; shown < c->running_count; shown++) {
        struct slice title = slice_str(c->running[shown].title);
        size_t rest = c->running_count - shown - 1;
        size_t need = display_width(title) + (shown ? 2 : 0);
        if (used + need + (rest ? 5 : 0) > room)
            break;
        text_add_str(t, shown ? ", " : lead);
        text_add(t, title);
        used += need;
    }
    if (shown && shown < c->running_count)
        text_printf(t, " +%zu", c->running_count - shown);
}

static void draw_progress(struct console *c, int64_t now)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text line = text_in(arena), tail = text_in(arena);
    size_t width = 0, columns = terminal_columns(c);
    int64_t left = time_left(c, now);

    add_counts(&line, &width, c);
    if (left >= 0)
        add_time_left(&tail, left);
    size_t tail_width = display_width(text_slice(&tail));
    if (width >= columns) { /* too narrow even for the counts */
        line = text_in(arena);
        width = (size_t)snprintf(NULL, 0, " %zu/%zu", finished_count(c), c->seen.planned);
        text_printf(&line, " %zu/%zu", finished_count(c), c->seen.planned);
    }
    if (width + tail_width < columns) {
        add_running(&line, c, columns - 1 - width - tail_width);
        text_add(&line, text_slice(&tail));
    }
    fprintf(c->to, "\r\x1b[K%s", width < columns ? text_str(&line) : "");
    fflush(c->to);
    c->line_shown = true;
}

static void tick(struct sink *sink, int64_t now)
{
    struct console *c = (struct console *)sink;
    if (c->detail == CONSOLE_QUIET || c->seen.planned == 0)
        return;
    if (c->live) {
        draw_progress(c, now);
    } else if (now - c->last_output > PLAIN_PROGRESS) {
        DEFER(arena_free_pointer)
        struct arena *arena = arena_new();
        struct text line = text_in(arena);
        size_t width = 0;
        add_counts(&line, &width, c);
        if (time_left(c, now) >= 0)
            add_time_left(&line, time_left(c, now));
        text_add_byte(&line, '\n');
        put(c, &line);
    }
}

/* --- events --- */

static void run_started(struct console *c, const struct run_info *run)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);

    c->seen.planned = run->planned;
    c->seen.expected = run->expected;
    c->started = c->last_output = clock_now();
    if (c->detail == CONSOLE_QUIET)
        return;
    text_printf(&t, "%s%zu case%s, %u at a time, seed %llu%s\n", c->paint->dim, run->planned,
                run->planned == 1 ? "" : "s", run->jobs, (unsigned long long)run->seed,
                c->paint->off);
    put(c, &t);
}

static void service_changed(struct console *c, const struct event *e)
{
    if (c->detail != CONSOLE_VERBOSE)
        return;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    text_printf(&t, "%s%-9s%s  %.*s %.*s  %.*s\n", c->paint->dim, "service", c->paint->off,
                SLICE_ARG(line_text(arena, e->service.name, 100)),
                SLICE_ARG(line_text(arena, e->service.state, 100)),
                SLICE_ARG(line_text(arena, e->service.detail, 500)));
    put(c, &t);
}

static void note(struct console *c, struct slice text)
{
    if (c->detail == CONSOLE_QUIET)
        return;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    text_printf(&t, "%s%-9s%s  %.*s\n", c->paint->warn, "note", c->paint->off,
                SLICE_ARG(line_text(arena, text, LIMIT_SHOWN_BYTES)));
    put(c, &t);
}

static char *copy_string(struct slice s)
{
    char *copy = mem_alloc(s.len + 1);
    if (s.len)
        memcpy(copy, s.data, s.len);
    copy[s.len] = '\0';
    return copy;
}

static void case_started(struct console *c, const struct event *e)
{
    if (!c->live || c->detail == CONSOLE_QUIET)
        return;
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    /* From the id on: the suite before it says little, the matrix values behind it much. */
    ptrdiff_t id = slice_find(e->started.key, e->started.id);
    struct slice title = slice_from(e->started.key, id < 0 ? 0 : (size_t)id);
    GROW(c->running, c->running_count, c->running_capacity);
    struct running *r = &c->running[c->running_count++];
    r->key = copy_string(e->started.key);
    r->title = copy_string(line_text(arena, title, 60));
}

static void remove_running(struct console *c, struct slice key)
{
    for (size_t i = 0; i < c->running_count; i++) {
        if (!slice_is(key, c->running[i].key))
            continue;
        mem_free(c->running[i].key);
        mem_free(c->running[i].title);
        c->running_count--;
        memmove(&c->running[i], &c->running[i + 1], (c->running_count - i) * sizeof(*c->running));
        return;
    }
}

/* "FAILED     worker/stops at a brace  (143 ms)  tokens count: expected at most 100, got 143" */
static void case_line(struct console *c, const struct case_result *r)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    char took[DURATION_TEXT];

    text_printf(&t, "%s%-9s%s  %.*s", status_color(c->paint, r->status), status_word(r->status),
                c->paint->off, SLICE_ARG(line_text(arena, r->key, 300)));
    if (r->attempts)
        text_printf(&t, "  %s(%s)%s", c->paint->dim, format_duration(took, r->duration),
                    c->paint->off);
    add_flags(&t, c->paint, r->flags);
    struct slice why = failure_line(arena, r);
    if (why.len)
        text_printf(&t, "  %.*s", SLICE_ARG(why));
    text_add_byte(&t, '\n');
    put(c, &t);
}

static void keep_failure(struct console *c, const struct case_result *r)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    bool verbose = c->detail == CONSOLE_VERBOSE;
    struct failure_style style = {.paint = c->paint,
                                  .said_before = true,
                                  .indent = 2,
                                  .steps = verbose ? 20 : 3,
                                  .exchange_max = verbose ? LIMIT_EVIDENCE_BYTES : 1500};

    if (c->failures_kept == FULL_FAILURES) {
        c->failures_left_out++;
        return;
    }
    c->failures_kept++;
    text_printf(&t, "\n%s%s%s  %s%.*s%s  %.*s\n", c->paint->bad, status_word(r->status),
                c->paint->off, c->paint->bold, SLICE_ARG(line_text(arena, r->key, 300)),
                c->paint->off, SLICE_ARG(place_text(arena, r->at)));
    failure_text(&t, r, &style);
    text_add(&c->failures, text_slice(&t));
}

static void keep_skip(struct console *c, const struct case_result *r)
{
    for (size_t i = 0; i < c->skip_count; i++) {
        if (slice_eq(c->skips[i].reason, r->reason)) {
            c->skips[i].count++;
            return;
        }
    }
    if (c->skip_count == SKIP_REASONS)
        c->skips_left_out++;
    else
        c->skips[c->skip_count++] = (struct skip_reason){arena_copy(c->arena, r->reason), 1};
}

static void keep_slow(struct console *c, const struct case_result *r)
{
    size_t at = SLOWEST;
    while (at > 0 && r->duration > c->slowest[at - 1].duration)
        at--;
    if (at == SLOWEST)
        return;
    memmove(&c->slowest[at + 1], &c->slowest[at], (SLOWEST - at - 1) * sizeof(c->slowest[0]));
    c->slowest[at] = (struct slow_case){arena_copy(c->arena, r->key), r->duration};
}

static void case_finished(struct console *c, const struct event *e)
{
    const struct case_result *r = e->finished;
    bool bad = r->status == CASE_FAILED || r->status == CASE_ERROR;

    remove_running(c, r->key);
    run_count(&c->seen, r);
    areas_add(c->areas, r);
    c->earlier += e->earlier;
    if (bad)
        keep_failure(c, r);
    else if (r->status == CASE_SKIPPED)
        keep_skip(c, r);
    if (c->detail == CONSOLE_VERBOSE && r->attempts)
        keep_slow(c, r);
    bool said = c->detail == CONSOLE_VERBOSE ||
                (c->detail == CONSOLE_NORMAL && (bad || r->flags) && !e->earlier);
    if (said)
        case_line(c, r);
}

/* --- the end --- */

static void add_skips(struct text *t, const struct console *c)
{
    if (c->skip_count)
        text_add_byte(t, '\n');
    for (size_t i = 0; i < c->skip_count; i++)
        text_printf(t, "%s%zu skipped%s  %.*s\n", c->paint->warn, c->skips[i].count, c->paint->off,
                    SLICE_ARG(line_text(t->arena, c->skips[i].reason, 300)));
    if (c->skips_left_out)
        text_printf(t, "%zu skipped for other reasons\n", c->skips_left_out);
}

static void add_slowest(struct text *t, const struct console *c)
{
    char took[DURATION_TEXT];
    if (c->slowest[0].duration == 0)
        return;
    text_printf(t, "\n%sslowest%s\n", c->paint->bold, c->paint->off);
    for (size_t i = 0; i < SLOWEST && c->slowest[i].duration; i++)
        text_printf(t, "  %9s  %.*s\n", format_duration(took, c->slowest[i].duration),
                    SLICE_ARG(line_text(t->arena, c->slowest[i].key, 300)));
}

/* "  chat streaming  12 of 14  2 failed: usage comes when asked; …" */
static void add_area(struct text *t, const struct console *c, const struct area *area, size_t width,
                     int digits)
{
    struct slice name = line_text(t->arena, area->name, 60);
    const struct paint *p = c->paint;
    int padding = (int)(width - display_width(name));
    bool more = area->failed || area->not_run;
    text_printf(t, "  %.*s%*s  %s%*zu of %-*zu%s", SLICE_ARG(name), padding, "",
                area->failed ? p->bad : p->good, digits, area->passed, more ? digits : 0,
                area->passed + area->failed, p->off);
    if (area->not_run)
        text_printf(t, "  %zu not run", area->not_run);
    if (area->failed)
        text_printf(t, "  %zu failed: ", area->failed);
    size_t named = area->fault_count < AREA_NAMED ? area->fault_count : AREA_NAMED;
    for (size_t i = 0; i < named; i++)
        text_printf(t, "%s%.*s", i ? "; " : "",
                    SLICE_ARG(line_text(t->arena, area->faults[i].id, 100)));
    if (area->failed > named)
        text_printf(t, "; and %zu more", area->failed - named);
    text_add_byte(t, '\n');
}

static void add_areas(struct text *t, const struct console *c)
{
    size_t count, width = 0, most = 0;
    const struct area *areas = areas_sorted(c->areas, &count);
    for (size_t i = 0; i < count; i++) {
        size_t columns = display_width(line_text(t->arena, areas[i].name, 60));
        size_t total = areas[i].passed + areas[i].failed;
        width = columns > width ? columns : width;
        most = total > most ? total : most;
    }
    if (count)
        text_printf(t, "\n%sby area%s\n", c->paint->bold, c->paint->off);
    for (size_t i = 0; i < count; i++)
        add_area(t, c, &areas[i], width, snprintf(NULL, 0, "%zu", most));
}

static void add_resources(struct text *t, const struct console *c, const struct run_info *run)
{
    const struct measured *m = &c->measured;
    if (m->resource_count == 0 || run->duration < MEASURED_SHORTEST)
        return;
    text_printf(t, "\n%s%-20s%s", c->paint->bold, "resources (cores)", c->paint->off);
    /* The GPU's column is of interest only where there is one. */
    bool gpu = false;
    for (size_t i = 0; i < m->resource_count; i++)
        gpu = gpu || m->resources[i].gpu_memory_max >= 0;
    size_t columns = gpu ? MEASURED_COLUMNS : MEASURED_COLUMNS - 1;
    for (size_t i = 0; i < columns; i++)
        text_printf(t, "  %*s", i < 2 ? 8 : 11, measured_head[i]);
    text_add_byte(t, '\n');
    for (size_t k = 0; k < m->resource_count; k++) {
        char cells[MEASURED_COLUMNS][MEASURED_CELL];
        measured_cells(cells, &m->resources[k]);
        struct slice name = line_text(t->arena, m->resources[k].name, 60);
        size_t shown = display_width(name);
        text_printf(t, "  %.*s%*s", SLICE_ARG(name), shown < 18 ? (int)(18 - shown) : 0, "");
        for (size_t i = 0; i < columns; i++)
            text_printf(t, "  %*s", i < 2 ? 8 : 11, cells[i]);
        text_add_byte(t, '\n');
    }
}

static void add_bottleneck(struct text *t, const struct console *c, const struct run_info *run)
{
    struct slice rest = c->measured.bottleneck, line;
    if (rest.len == 0 || run->duration < MEASURED_SHORTEST)
        return;
    text_printf(t, "\n%swhere the time went%s\n", c->paint->bold, c->paint->off);
    while (slice_split(&rest, '\n', &line))
        if (line.len)
            text_printf(t, "  %.*s\n", SLICE_ARG(line_text(t->arena, line, 1000)));
}

static void add_anomalies(struct text *t, const struct console *c, const struct run_info *run)
{
    const struct measured *m = &c->measured;
    if (m->anomaly_count)
        text_add_byte(t, '\n');
    for (size_t i = 0; i < m->anomaly_count; i++) {
        text_printf(t, "%s%-9s%s  ", c->paint->warn, "anomaly", c->paint->off);
        measured_anomaly_line(t, &m->anomalies[i], run->started_wall);
        text_add_byte(t, '\n');
    }
    if (m->anomalies_left_out)
        text_printf(t, "… and %zu more anomalies\n", m->anomalies_left_out);
}

/* "38 passed, 1 failed, 1 skipped in 2.41 s (run 20261121-101530-4f2a)  1 slow, 1 flaky" */
static void add_summary(struct text *t, const struct console *c, const struct run_info *run)
{
    static const enum case_status order[] = {CASE_PASSED, CASE_FAILED, CASE_ERROR, CASE_SKIPPED,
                                             CASE_CANCELLED};
    const struct paint *p = c->paint;
    const char *before = "";
    char took[DURATION_TEXT];
    size_t finished = finished_count(c);

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        size_t count = c->seen.counts[order[i]];
        if (count == 0 && order[i] != CASE_PASSED)
            continue;
        text_printf(t, "%s%s%s%zu %s%s", before, p->bold, status_color(p, order[i]), count,
                    case_status_counted(order[i], count), p->off);
        before = ", ";
    }
    if (finished < run->planned)
        text_printf(t, "%s%s%zu not run%s", before, p->warn, run->planned - finished, p->off);
    text_printf(t, " in %s %s(run %.*s)%s", format_duration(took, run->duration), p->dim,
                SLICE_ARG(run->id), p->off);
    const size_t flags[] = {c->seen.slow, c->seen.flaky, c->seen.leaky, c->seen.timed_out};
    before = "  ";
    for (size_t i = 0; case_flag_name(i); i++) {
        if (flags[i] == 0)
            continue;
        text_printf(t, "%s%s%zu %s%s", before, p->warn, flags[i], flag_words(i), p->off);
        before = ", ";
    }
    text_add_byte(t, '\n');
}

/* "models: 12 answers (3 cached, 4 of judges), 1234 tokens in, 56 out, cost 0.0123" */
static void add_models(struct text *t, const struct console *c)
{
    const struct model_totals *m = &c->seen.models;
    struct text remarks = text_in(t->arena);
    if (m->answers == 0)
        return;
    if (m->cached)
        text_printf(&remarks, ", %zu cached", m->cached);
    if (m->graded)
        text_printf(&remarks, ", %zu of judges", m->graded);
    if (m->untold)
        text_printf(&remarks, ", %zu told no tokens", m->untold);
    if (m->cost && m->unpriced)
        text_printf(&remarks, ", %zu without a price", m->unpriced);
    text_printf(t, "%smodels: %zu answer%s", c->paint->dim, m->answers, m->answers == 1 ? "" : "s");
    if (remarks.len)
        text_printf(t, " (%s)", text_str(&remarks) + 2);
    if (m->input_tokens || m->output_tokens)
        text_printf(t, ", %lld tokens in, %lld out", (long long)m->input_tokens,
                    (long long)m->output_tokens);
    if (m->cost)
        text_printf(t, ", cost %.6g", (double)m->cost / 1e9);
    text_printf(t, "%s\n", c->paint->off);
}

static void run_finished(struct console *c, const struct run_info *run)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);

    text_add(&t, text_slice(&c->failures));
    if (c->failures_left_out)
        text_printf(&t, "\n… and %zu more; all of them: assay report %.*s --report markdown=-\n",
                    c->failures_left_out, SLICE_ARG(run->id));
    text_add(&t, text_slice(&c->causes));
    if (c->detail != CONSOLE_QUIET)
        add_skips(&t, c);
    if (c->detail == CONSOLE_VERBOSE)
        add_slowest(&t, c);
    if (c->detail != CONSOLE_QUIET)
        add_areas(&t, c);
    if (c->detail == CONSOLE_VERBOSE)
        add_resources(&t, c, run);
    if (c->detail == CONSOLE_VERBOSE)
        add_bottleneck(&t, c, run);
    if (c->detail != CONSOLE_QUIET)
        add_anomalies(&t, c, run);
    if (t.len)
        text_add_byte(&t, '\n');
    add_summary(&t, c, run);
    if (c->detail != CONSOLE_QUIET)
        add_models(&t, c);
    put(c, &t);
}

/* A line for each cause, when that is shorter than the failures themselves. */
static void keep_causes(struct console *c, const struct event *e)
{
    const struct paint *p = c->paint;
    size_t failures = 0;
    for (size_t i = 0; i < e->causes.count; i++)
        failures += e->causes.all[i].cases;
    if (failures < CAUSES_FROM || 4 * e->causes.count > 3 * failures)
        return;
    text_printf(&c->causes, "\n%scauses%s of %zu failures, as far as they are known\n", p->bold,
                p->off, failures);
    for (size_t i = 0; i < e->causes.count && i < CAUSES_SHOWN; i++) {
        const struct failure_cause *cause = &e->causes.all[i];
        text_printf(&c->causes, "%5zu  %-8.*s  %.*s", cause->cases, SLICE_ARG(cause->severity),
                    SLICE_ARG(line_text(c->arena, cause->text, 200)));
        if (cause->strength.len)
            text_printf(&c->causes, "  %s%.*s%s", p->dim, SLICE_ARG(cause->strength), p->off);
        text_add_byte(&c->causes, '\n');
    }
    if (e->causes.count > CAUSES_SHOWN)
        text_printf(&c->causes, "       … and %zu more\n", e->causes.count - CAUSES_SHOWN);
    text_printf(&c->causes,
                "  %swith evidence and remedies:%s assay report %.*s --report summary\n", p->dim,
                p->off, SLICE_ARG(e->run->id));
}

static void on_event(struct sink *sink, const struct event *e)
{
    struct console *c = (struct console *)sink;
    switch (e->kind) {
    case EVENT_RUN_STARTED:
        run_started(c, e->run);
        break;
    case EVENT_SERVICE:
        service_changed(c, e);
        break;
    case EVENT_CASE_STARTED:
        case_started(c, e);
        break;
    case EVENT_CASE_FINISHED:
        case_finished(c, e);
        break;
    case EVENT_NOTE:
        note(c, e->note);
        break;
    case EVENT_ANOMALY:
    case EVENT_BOTTLENECK:
    case EVENT_RESOURCES:
        measured_add(&c->measured, e);
        break;
    case EVENT_CAUSES:
        keep_causes(c, e);
        break;
    case EVENT_SAMPLES:
    case EVENT_TOTALS:
        break;
    case EVENT_RUN_FINISHED:
        run_finished(c, e->run);
        break;
    }
}

static struct result close_console(struct sink *sink)
{
    struct console *c = (struct console *)sink;
    if (c->line_shown)
        fputs("\r\x1b[K", c->to);
    bool broken = fflush(c->to) != 0 || ferror(c->to);
    while (c->running_count)
        remove_running(c, slice_str(c->running[0].key));
    mem_free(c->running);
    areas_free(c->areas);
    arena_free(c->arena);
    mem_free(c);
    ENSURE(!broken, ERR_IO, "cannot write to the console");
    return RESULT_OK;
}

struct sink *sink_console(FILE *to, enum console_detail detail, bool color, bool live, int columns)
{
    struct console *c = NEW(struct console);
    c->base = (struct sink){.event = on_event, .tick = tick, .close = close_console};
    c->to = to;
    c->detail = detail;
    c->paint = color ? &paint_terminal : &paint_plain;
    c->live = live;
    c->columns = columns;
    c->arena = arena_new();
    c->measured.arena = c->arena;
    c->areas = areas_new();
    c->failures = text_in(c->arena);
    c->causes = text_in(c->arena);
    return &c->base;
}
