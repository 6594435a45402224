/*
 * The tables of metrics and failures, and adding up what threads counted.
 */
#include "load/metrics.h"

#include <stdio.h>

_Static_assert(METRIC_COUNT <= 64, "metrics_follow has a bit for each");

const struct metric_kind metric_kinds[METRIC_COUNT] = {
#define X(code, name, time, definition) {name, definition, time},
    METRIC_TABLE(X)
#undef X
};

const struct failure_kind failure_kinds[FAILURE_COUNT] = {{"", "", ""},
#define X(code, name, meaning, remedy) {name, meaning, remedy},
                                                          FAILURE_TABLE(X)
#undef X
};

void metrics_clear(struct metrics *m)
{
    memset(m, 0, sizeof(*m));
    for (int i = 0; i < METRIC_COUNT; i++)
        histogram_clear(&m->histograms[i]);
}

void metrics_merge(struct metrics *into, const struct metrics *from)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        histogram_merge(&into->histograms[i], &from->histograms[i]);
    for (int i = 0; i < FAILURE_COUNT; i++) {
        into->failures[i] += from->failures[i];
        if (!*into->examples[i])
            memcpy(into->examples[i], from->examples[i], FAILURE_EXAMPLE);
    }
    into->requests += from->requests;
    into->answered += from->answered;
    into->checked += from->checked;
    into->unchecked += from->unchecked;
    into->good += from->good;
    into->waited += from->waited;
    into->together += from->together;
    into->counted += from->counted;
    into->several += from->several;
    into->ended += from->ended;
    into->ended_tokens += from->ended_tokens;
    into->ended_bytes += from->ended_bytes;
    into->conversations += from->conversations;
    into->conversations_failed += from->conversations_failed;
    into->told_to_wait += from->told_to_wait;
    if (from->longest_wait > into->longest_wait)
        into->longest_wait = from->longest_wait;
    into->lost += from->lost;
    into->reads += from->reads;
    into->unstamped += from->unstamped;
    into->out_of_order += from->out_of_order;
}

void metrics_follow(struct metrics *m, const struct metrics *from, uint64_t watched)
{
    const size_t counts = offsetof(struct metrics, failures);
    memcpy((char *)m + counts, (const char *)from + counts, sizeof(*m) - counts);
    for (int i = 0; i < METRIC_COUNT; i++)
        if (watched & (uint64_t)1 << i)
            m->histograms[i] = from->histograms[i];
}

/* What was said, as one line: pages of proxies have many. */
static void keep_example(char kept[FAILURE_EXAMPLE], const char *said)
{
    size_t len = 0;
    for (; *said && len < FAILURE_EXAMPLE - 1; said++) {
        bool blank = strchr(" \t\r\n", *said);
        if (!blank || (len > 0 && kept[len - 1] != ' '))
            kept[len++] = blank ? ' ' : *said;
    }
    kept[len] = '\0';
}

void metrics_failed(struct metrics *m, enum failure failure, const char *example)
{
    m->failures[failure]++;
    if (!*m->examples[failure])
        keep_example(m->examples[failure], example);
}

void metrics_failed_checks(struct metrics *m, uint64_t failed, const char *example)
{
    if (failed == 0)
        return;
    metrics_failed(m, FAILURE_CHECK, example);
    m->failures[FAILURE_CHECK] = failed;
    m->answered -= failed < m->answered ? failed : m->answered;
    m->good -= failed < m->good ? failed : m->good;
}

int metric_find(struct slice name)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        if (slice_is(name, metric_kinds[i].name))
            return i;
    return -1;
}
