/*
 * The functions of report/statistics.h by name, for tests/unit/report/against_scipy.py: a line of
 * standard input is a name and three lists of numbers, separated by semicolons; the line that
 * answers it has the numbers that came back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "report/statistics.h"

struct list {
    double *values;
    size_t count, capacity;
};

static struct list read_list(char **rest)
{
    struct list list = {0};
    char *part = strsep(rest, ";"), *end = NULL;
    for (; part; part = end) {
        double value = strtod(part, &end); /* our own text: the script wrote it */
        if (end == part)
            break;
        GROW(list.values, list.count, list.capacity);
        list.values[list.count++] = value;
    }
    return list;
}

static void say_interval(struct interval i)
{
    printf("%.17g %.17g", i.low, i.high);
}

static void describe(struct list *a, const struct list *c)
{
    printf("%.17g %.17g ", statistics_mean(a->values, a->count),
           statistics_deviation(a->values, a->count));
    statistics_sort(a->values, a->count);
    printf("%.17g %.17g", statistics_median(a->values, a->count),
           statistics_mad(a->values, a->count));
    for (size_t i = 0; i < c->count; i++)
        printf(" %.17g", statistics_percentile(a->values, a->count, c->values[i]));
}

static void normal(const struct list *c)
{
    for (size_t i = 0; i < c->count; i++)
        printf("%.17g %.17g ", statistics_normal_quantile(c->values[i]),
               statistics_normal_tail(c->values[i] * 20 - 10));
}

static void ranks(const struct list *a, const struct list *b)
{
    struct rank_test t = statistics_mann_whitney(a->values, a->count, b->values, b->count);
    printf("%.17g %.17g %d %.17g %.17g %.17g", t.u, t.p, t.exact,
           statistics_mann_whitney_smallest(a->count, b->count),
           statistics_cliff_delta(t.u, a->count, b->count),
           statistics_shift(a->values, a->count, b->values, b->count));
}

static void trend(const struct list *a, const struct list *b)
{
    struct trend t = statistics_trend(a->values, b->values, a->count);
    printf("%.17g %.17g %.17g", t.slope, t.tau, t.p);
}

static void adjust(struct list *a)
{
    statistics_adjust(a->values, a->count);
    for (size_t i = 0; i < a->count; i++)
        printf("%.17g ", a->values[i]);
}

static size_t whole(const struct list *list, size_t at)
{
    return (size_t)list->values[at];
}

static void call(char *line)
{
    const char *name = strsep(&line, ";");
    struct list a = read_list(&line), b = read_list(&line), c = read_list(&line);
    if (strcmp(name, "describe") == 0)
        describe(&a, &c);
    else if (strcmp(name, "normal") == 0)
        normal(&c);
    else if (strcmp(name, "ranks") == 0)
        ranks(&a, &b);
    else if (strcmp(name, "bootstrap") == 0)
        say_interval(statistics_shift_bootstrap(a.values, a.count, b.values, b.count, c.values[0],
                                                whole(&c, 1), (uint64_t)c.values[2]));
    else if (strcmp(name, "trend") == 0)
        trend(&a, &b);
    else if (strcmp(name, "student") == 0)
        printf("%.17g %.17g", statistics_student_tail(c.values[0], c.values[1]),
               statistics_student_quantile(c.values[2], c.values[1]));
    else if (strcmp(name, "wilson") == 0)
        say_interval(statistics_wilson(whole(&c, 0), whole(&c, 1), c.values[2]));
    else if (strcmp(name, "fisher") == 0)
        printf("%.17g", statistics_fisher(whole(&c, 0), whole(&c, 1), whole(&c, 2), whole(&c, 3)));
    else if (strcmp(name, "runs") == 0)
        printf("%.17g", statistics_runs(whole(&c, 0), whole(&c, 1), whole(&c, 2)));
    else if (strcmp(name, "adjust") == 0)
        adjust(&a);
    printf("\n");
    mem_free(a.values);
    mem_free(b.values);
    mem_free(c.values);
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0)
        call(line);
    free(line);
    return 0;
}
