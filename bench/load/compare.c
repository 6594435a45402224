/*
 * How often `assay compare` is wrong about two loads, and how often it finds what is there: on
 * latencies made up so that those near each other are alike, as those of a service are.
 *
 *     bench-load-compare [PAIRS]
 *
 * A latency is 20 ms times a log-normal factor of 30 %, whose logarithm follows a process of first
 * order: what is so long apart is alike by 1/e. Each load as a whole is faster or slower by 1 %, as
 * machines are. "earlier" loads are ten of the same kind, from which the noise between loads is
 * known. Prints a table: of all pairs, how many were called slower or faster.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../tests/unit/report/load_world.h"
#include "core/clock.h"
#include "core/random.h"
#include "report/load_compare.h"

#define BETWEEN 0.01
#define EARLIER 10

struct setting {
    double alike; /* s */
    uint32_t rate, seconds;
    bool earlier;
};

static double normal(struct random *random)
{
    double u = random_unit(random), v = random_unit(random);
    return sqrt(-2 * log(1 - u)) * cos(2 * M_PI * v);
}

static void make(struct random *random, const struct setting *s, double slower,
                 struct load_figure out[LOAD_FIGURES])
{
    struct arena *arena = arena_new();
    struct made_load how = {
        .id = "x",
        .started = NS_PER_S,
        .latency = 0.02 * exp(BETWEEN * normal(random)) * slower,
        .spread = 0.3,
        .memory = s->alike > 0 ? exp(-1 / (s->alike * s->rate)) : 0,
        .seed = random_next(random),
        .rate = s->rate,
        .seconds = s->seconds,
    };
    struct load_data *data = made_load_data(arena, &how);
    load_figures(data, out);
    load_data_free(&data);
    arena_free(arena);
}

static double noise_of(struct random *random, const struct setting *s, enum load_figure_code code,
                       size_t *pairs)
{
    static struct load_figure loads[EARLIER + 1][LOAD_FIGURES];
    double squares[EARLIER], within[EARLIER];
    *pairs = 0;
    if (!s->earlier)
        return load_noise(NULL, NULL, 0);
    if (code == FIGURE_LATENCY_P50) /* the same loads for every figure */
        for (int i = 0; i <= EARLIER; i++)
            make(random, s, 1, loads[i]);
    for (int i = 0; i < EARLIER; i++) {
        const struct load_figure *a = &loads[i][code], *b = &loads[i + 1][code];
        if (!a->sure || !b->sure)
            continue;
        double apart = log(b->value / a->value);
        squares[*pairs] = apart * apart;
        within[(*pairs)++] = a->variance + b->variance;
    }
    return load_noise(squares, within, *pairs);
}

static void row(struct random *random, const struct setting *s, int pairs)
{
    static const enum load_figure_code codes[] = {FIGURE_LATENCY_P50, FIGURE_LATENCY_P99};
    static const double shifts[] = {1, 1.05, 1.1};
    static const char *const names[] = {"p50", "p99"};
    int found[2][3] = {{0}}, told[2] = {0};
    double wide[2] = {0};
    for (int i = 0; i < pairs; i++) {
        struct load_figure before[LOAD_FIGURES], after[LOAD_FIGURES];
        double noise[2];
        size_t known[2];
        make(random, s, 1, before);
        for (int c = 0; c < 2; c++)
            noise[c] = noise_of(random, s, codes[c], &known[c]);
        for (int k = 0; k < 3; k++) {
            make(random, s, shifts[k], after);
            for (int c = 0; c < 2; c++) {
                struct load_change change =
                    load_change_of(codes[c], &before[codes[c]], &after[codes[c]], noise[c],
                                   known[c], CHANGE_THRESHOLD);
                found[c][k] +=
                    change.kind == CHANGE_SLOWER || (k == 0 && change.kind == CHANGE_FASTER);
                if (k == 0 && change.kind != CHANGE_UNKNOWN) {
                    told[c]++;
                    wide[c] += log(change.interval.high / change.interval.low) / 2;
                }
            }
        }
    }
    for (int c = 0; c < 2; c++) {
        char alike[32];
        snprintf(alike, sizeof(alike), s->alike > 0 ? "%g s" : "not", s->alike);
        printf("| %s | %u/s for %u s | %s | %s |", alike, s->rate, s->seconds,
               s->earlier ? "ten" : "none", names[c]);
        if (told[c] < pairs / 2) {
            printf(" too little to tell | | | |\n");
            continue;
        }
        printf(" ± %.1f %% | %.1f %% | %.1f %% | %.1f %% |\n", 100 * wide[c] / told[c],
               100.0 * found[c][0] / pairs, 100.0 * found[c][1] / pairs,
               100.0 * found[c][2] / pairs);
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int pairs = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1000; /* our own text */
    static const double alike[] = {0, 0.2, 1, 5};
    struct random random = random_seeded(20261121);
    printf(
        "| alike for | load | earlier loads | latency | interval | no change | +5 %% | +10 %% |\n"
        "|---|---|---|---|---|---|---|---|\n");
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 4; k++) {
            const struct setting s = {alike[i], 100, k % 2 ? 60 : 20, k >= 2};
            row(&random, &s, pairs);
        }
    return 0;
}
