/*
 * The live panel: bars of block characters on a logarithmic scale.
 */
#include "load/live.h"

#include <math.h>

#include "core/parse.h"
#include "load/print_parts.h"

/* Beside the bars: a name, two ends, and which these are. */
#define NAME_WIDTH 9
#define END_WIDTH 10
#define KIND_WIDTH 12
#define LEAST_BARS 20
#define MOST_BARS 100

void live_begin(struct live *live, FILE *to, int columns)
{
    live->columns = columns > 0 ? columns : 80;
    live->to = live->columns > NAME_WIDTH + 2 * END_WIDTH + KIND_WIDTH + LEAST_BARS ? to : NULL;
    live->lines = 0;
    live->warming = false;
    histogram_clear(&live->latency);
    histogram_clear(&live->ttft);
}

void live_hide(struct live *live)
{
    if (live->lines > 0)
        fprintf(live->to, "\033[%dA\r\033[J", live->lines); /* up, and what is below goes */
    live->lines = 0;
}

/* The lines of a panel, each with its end. */
static void show(struct live *live, struct slice panel)
{
    live_hide(live);
    for (size_t i = 0; i < panel.len; i++)
        live->lines += panel.data[i] == '\n';
    fwrite(panel.data, 1, panel.len, live->to);
    fflush(live->to);
}

/* ------------------------------------------------------------------ bars */

static size_t bars_of(const struct live *live)
{
    int room = live->columns - 1 - NAME_WIDTH - 2 * END_WIDTH - KIND_WIDTH;
    return room < MOST_BARS ? (size_t)room : MOST_BARS;
}

static void add_bar(struct text *t, uint64_t count, uint64_t most)
{
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    size_t height = most > 0 ? (size_t)ceil(8 * (double)count / (double)most) : 0;
    text_add_str(t, blocks[height]);
}

/* How values spread between two ends, by their logarithms. */
static void add_bars(struct text *t, const struct histogram *h, int64_t least, int64_t most,
                     size_t bars)
{
    uint64_t counts[MOST_BARS] = {0}, highest = 0;
    double low = log1p((double)least), span = fmax(log1p((double)most) - low, 1e-9);
    for (size_t i = histogram_index(least); h->count > 0 && i <= histogram_index(most); i++) {
        int64_t from = 0, to = 0;
        if (h->counts[i] == 0)
            continue;
        histogram_step(i, &from, &to);
        double at = (log1p((double)from / 2 + (double)to / 2) - low) / span * (double)bars;
        size_t bar = at > 0 ? (size_t)at : 0;
        bar = bar < bars ? bar : bars - 1;
        counts[bar] += h->counts[i];
        highest = counts[bar] > highest ? counts[bar] : highest;
    }
    for (size_t i = 0; i < bars; i++)
        add_bar(t, counts[i], highest);
}

static void add_end(struct text *t, int64_t value, bool shown)
{
    if (shown)
        print_time(t, value, END_WIDTH - 1);
    else
        text_printf(t, "%*s", END_WIDTH - 1, "");
    text_add_byte(t, ' ');
}

static void add_distribution(struct text *t, const struct live *live, const char *name,
                             const struct histogram *all, const struct histogram *last)
{
    const struct histogram *const of[] = {all, last};
    static const char *const kinds[] = {"so far", "last second"};
    char most[DURATION_TEXT];
    if (all->count == 0)
        return;
    for (int i = 0; i < 2; i++) {
        text_printf(t, "%-*s", NAME_WIDTH, i ? "" : name);
        add_end(t, all->least, i == 0);
        add_bars(t, of[i], all->least, all->most, bars_of(live));
        size_t before = t->len;
        text_printf(t, " %s", i ? "" : format_duration(most, all->most));
        for (size_t w = utf8_length(slice_from(text_slice(t), before)); w < END_WIDTH; w++)
            text_add_byte(t, ' ');
        text_printf(t, " %s\n", kinds[i]);
    }
}

/* ------------------------------------------------------------------ what is shown */

static void add_progress(struct text *t, const struct live *live, const struct load_plan *plan,
                         int64_t at)
{
    char now[DURATION_TEXT], whole[DURATION_TEXT];
    int64_t span = plan->warmup + plan->duration;
    size_t bars = bars_of(live), done = (size_t)((double)bars * (double)at / (double)span);
    text_printf(t, "%*s", NAME_WIDTH + END_WIDTH, "");
    for (size_t i = 0; i < bars; i++)
        text_add_str(t, i < done ? "━" : "─");
    format_duration(now, at < span ? at : span);
    text_printf(t, " %s of %s\n", now, format_duration(whole, span));
}

void live_second(struct live *live, const struct load_plan *plan, const struct load_second *second,
                 int64_t at, bool warming)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    if (!live->to)
        return;
    if (live->warming && !warming) { /* what was before does not count */
        histogram_clear(&live->latency);
        histogram_clear(&live->ttft);
    }
    live->warming = warming;
    histogram_merge(&live->latency, &second->latency);
    histogram_merge(&live->ttft, &second->ttft);
    add_distribution(&t, live, "latency", &live->latency, &second->latency);
    add_distribution(&t, live, "ttft", &live->ttft, &second->ttft);
    add_progress(&t, live, plan, at);
    show(live, text_slice(&t));
}

void live_line(struct live *live, struct slice line)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    struct text t = text_in(arena);
    if (!live->to)
        return;
    text_add(&t, slice_part(line, 0, (size_t)live->columns - 1));
    text_add_byte(&t, '\n');
    show(live, text_slice(&t));
}
