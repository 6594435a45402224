/*
 * How often the rule of lib/report/change.h cries wolf, and how often it sees what is there, on the
 * real noise of a machine. Standard input: a line per series, its name, a tab, and the times of one
 * case in the order of the runs. Each series is compared with itself, 20 results against 20, the
 * later ones made slower by 0, 2, 5 and 10 %:
 *
 *     drawn     both sides drawn at random from the whole series, so that they are independent
 *     in turns  neighbouring results as they came, in turns to the one side and the other
 *     in order  neighbouring results as they came, first the one side, then the other
 *
 * The last two have the spells of the machine, which is told the results before as history.
 *
 * Its argument is how many are drawn (2000). Output: a table in Markdown for docs/statistics.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "report/change.h"

#define SIDE CHANGE_RESULTS

static const double shifts[] = {1, 1.02, 1.05, 1.10};
#define SHIFTS (sizeof(shifts) / sizeof(shifts[0]))

struct series {
    char *name;
    double *values;
    size_t count, capacity;
};

/* What was said: at no shift how often slower or faster, else how often slower. */
struct tally {
    size_t asked, said[SHIFTS];
};

static void ask(struct tally *tally, const double *before, const double *after, double spells)
{
    double moved[SIDE];
    tally->asked++;
    for (size_t s = 0; s < SHIFTS; s++) {
        for (size_t i = 0; i < SIDE; i++)
            moved[i] = after[i] * shifts[s];
        struct change c = change_measure(before, SIDE, moved, SIDE, spells);
        enum change_kind kind = change_judge(&c, c.p, CHANGE_THRESHOLD);
        tally->said[s] += kind == CHANGE_SLOWER || (s == 0 && kind == CHANGE_FASTER);
    }
}

static struct tally drawn(const struct series *series, size_t draws, struct random *r)
{
    struct tally tally = {0};
    for (size_t d = 0; d < draws; d++) {
        double both[2 * SIDE];
        for (size_t i = 0; i < 2 * SIDE; i++)
            both[i] = series->values[random_between(r, 0, (int64_t)series->count - 1)];
        ask(&tally, both, both + SIDE, 1);
    }
    return tally;
}

static struct tally in_order(const struct series *series, bool in_turns)
{
    struct tally tally = {0};
    bool after[2 * SIDE];
    for (size_t i = 0; i < 2 * SIDE; i++)
        after[i] = in_turns ? i % 2 : i >= SIDE;
    for (size_t at = CHANGE_HISTORY; at + SIDE <= series->count; at++) {
        const double *from = series->values + at - SIDE;
        /* What was before the first result of the after side. */
        size_t known = in_turns ? CHANGE_HISTORY - SIDE + 1 : CHANGE_HISTORY;
        double spells = change_spells(series->values + at - CHANGE_HISTORY, known, after, 2 * SIDE);
        double sides[2][SIDE];
        size_t counts[2] = {0};
        for (size_t i = 0; i < 2 * SIDE; i++)
            sides[after[i]][counts[after[i]]++] = from[i];
        ask(&tally, sides[0], sides[1], spells);
    }
    return tally;
}

static void print_row(const struct series *series, const char *how, const struct tally *tally)
{
    double *sorted = mem_alloc(series->count * sizeof(*sorted));
    memcpy(sorted, series->values, series->count * sizeof(*sorted));
    statistics_sort(sorted, series->count);
    double median = statistics_median(sorted, series->count);
    double noise = STATISTICS_MAD_NORMAL * statistics_mad(sorted, series->count) / median;
    mem_free(sorted);
    printf("| %s | %.3g ms | %.1f %% | %s | %zu |", series->name, median / 1e6, 100 * noise, how,
           tally->asked);
    for (size_t s = 0; s < SHIFTS; s++)
        printf(" %.1f %% |", 100 * (double)tally->said[s] / (double)tally->asked);
    printf("\n");
}

static void run_series(const struct series *series, size_t draws)
{
    struct random r = random_for(1, slice_str(series->name));
    if (series->count < CHANGE_HISTORY + SIDE) {
        fprintf(stderr, "%s: %zu results; at least %d are needed\n", series->name, series->count,
                CHANGE_HISTORY + SIDE);
        exit(1);
    }
    struct tally tally = drawn(series, draws, &r);
    print_row(series, "drawn", &tally);
    tally = in_order(series, true);
    print_row(series, "in turns", &tally);
    tally = in_order(series, false);
    print_row(series, "in order", &tally);
}

int main(int argc, char **argv)
{
    size_t draws = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000; /* our own text */
    char *line = NULL;
    size_t size = 0;
    printf("| case | median | noise | pairs | asked | no change | +2 %% | +5 %% | +10 %% |\n"
           "|---|---|---|---|---|---|---|---|---|\n");
    while (getline(&line, &size, stdin) > 0) {
        char *rest = line, *end = NULL;
        struct series series = {.name = strsep(&rest, "\t")};
        for (char *at = rest; at; at = end) {
            double value = strtod(at, &end); /* our own text: run.py wrote it */
            if (end == at)
                break;
            GROW(series.values, series.count, series.capacity);
            series.values[series.count++] = value;
        }
        run_series(&series, draws);
        mem_free(series.values);
    }
    free(line);
    return 0;
}
