/*
 * Resources and anomalies as text.
 */
#include "record/measured.h"

#include <stdio.h>

#include "core/clock.h"
#include "core/parse.h"
#include "record/failure.h"

static void *grown(struct arena *arena, const void *items, size_t count, size_t size)
{
    char *more = arena_alloc(arena, (count + 1) * size);
    if (count)
        memcpy(more, items, count * size);
    return more;
}

void measured_add(struct measured *m, const struct event *e)
{
    if (e->kind == EVENT_RESOURCES) {
        m->resources = grown(m->arena, m->resources, m->resource_count, sizeof(*m->resources));
        m->resources[m->resource_count] = e->resources;
        m->resources[m->resource_count++].name = arena_copy(m->arena, e->resources.name);
    }
    if (e->kind == EVENT_BOTTLENECK)
        m->bottleneck = arena_copy(m->arena, e->anomaly.text);
    if (e->kind != EVENT_ANOMALY)
        return;
    if (m->anomaly_count == MEASURED_ANOMALIES) {
        m->anomalies_left_out++;
        return;
    }
    m->anomalies = grown(m->arena, m->anomalies, m->anomaly_count, sizeof(*m->anomalies));
    struct anomaly *a = &m->anomalies[m->anomaly_count++];
    *a = e->anomaly;
    struct slice *texts[] = {&a->kind, &a->subject, &a->text, &a->evidence};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = arena_copy(m->arena, *texts[i]);
}

const char *format_bytes(char out[BYTES_TEXT], int64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.5 && unit < 4) {
        value /= 1000;
        unit++;
    }
    snprintf(out, BYTES_TEXT, "%.*f %s", unit == 0 || value >= 100 ? 0 : 1, value, units[unit]);
    return out;
}

const char *const measured_head[MEASURED_COLUMNS] = {"CPU mean", "CPU max",   "memory max",
                                                     "PSS max",  "files max", "threads max",
                                                     "read",     "written",   "GPU memory max"};

void measured_cells(char cells[MEASURED_COLUMNS][MEASURED_CELL], const struct resources *r)
{
    char bytes[BYTES_TEXT];
    double mean = resources_cpu_mean(r);
    snprintf(cells[0], MEASURED_CELL, "%.2f", mean);
    /* The second that began last may have been the busiest, and was not over. */
    snprintf(cells[1], MEASURED_CELL, "%.2f", r->cpu_max > mean ? r->cpu_max : mean);
    snprintf(cells[2], MEASURED_CELL, "%s", format_bytes(bytes, r->rss_max));
    snprintf(cells[3], MEASURED_CELL, "%s", r->pss_max ? format_bytes(bytes, r->pss_max) : "");
    snprintf(cells[4], MEASURED_CELL, "%lld", (long long)r->descriptors_max);
    snprintf(cells[5], MEASURED_CELL, "%lld", (long long)r->threads_max);
    snprintf(cells[6], MEASURED_CELL, "%s", format_bytes(bytes, r->read_bytes));
    snprintf(cells[7], MEASURED_CELL, "%s", format_bytes(bytes, r->written_bytes));
    snprintf(cells[8], MEASURED_CELL, "%s",
             r->gpu_memory_max >= 0 ? format_bytes(bytes, r->gpu_memory_max) : "");
}

void measured_anomaly_line(struct text *t, const struct anomaly *a, int64_t run_started)
{
    char from[DURATION_TEXT], to[DURATION_TEXT];
    if (a->subject.len)
        text_printf(t, "%.*s: ", SLICE_ARG(line_text(t->arena, a->subject, 100)));
    text_add(t, line_text(t->arena, a->text, 500));
    format_duration(from, a->started > run_started ? a->started - run_started : 0);
    format_duration(to, a->ended > run_started ? a->ended - run_started : 0);
    text_printf(t, " (%s to %s)", from, to);
}
