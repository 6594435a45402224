/*
 * Schedules for tests/unit/load/against_scipy.py: a line for each arrival, in nanoseconds.
 *
 *     schedule_lines KIND SHAPE SEED DURATION FROM TO [DURATION FROM TO …]
 *
 * and times drawn from a distribution, in nanoseconds too:
 *
 *     schedule_lines draw DISTRIBUTION SEED COUNT
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "load/arrival.h"
#include "load/distribution.h"

static const char *const names[] = {
#define X(code, name, help) name,
    ARRIVAL_TABLE(X)
#undef X
};

static int draw(char **argv)
{
    struct distribution d;
    if (!result_ok(distribution_times("draw", argv[2], INT64_MAX / 2, &d)))
        return 2;
    struct random random = random_seeded(strtoul(argv[3], NULL, 10)); /* our own text */
    for (unsigned long i = strtoul(argv[4], NULL, 10); i > 0; i--)    /* our own text */
        printf("%" PRId64 "\n", distribution_draw(&d, &random));
    return 0;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    if (argc == 5 && strcmp(argv[1], "draw") == 0)
        return draw(argv);
    if (argc < 7)
        return 2;
    struct arrival_stage *stages = mem_zero((size_t)argc * sizeof(*stages));
    for (int i = 4; i + 2 < argc; i += 3) {
        double value[3];
        for (int j = 0; j < 3; j++)
            value[j] = strtod(argv[i + j], NULL); /* our own text */
        stages[count++] = (struct arrival_stage){value[0], value[1], value[2]};
    }
    int kind = 0;
    while (kind < ARRIVAL_KIND_COUNT && strcmp(names[kind], argv[1]) != 0)
        kind++;
    double shape = strtod(argv[2], NULL);       /* our own text */
    uint64_t seed = strtoul(argv[3], NULL, 10); /* our own text */
    struct arrival a = arrival_begin(kind, shape, stages, count, seed);
    for (int64_t at; (at = arrival_next(&a)) >= 0;)
        printf("%" PRId64 "\n", at);
    mem_free(stages);
    return 0;
}
