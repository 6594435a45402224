/*
 * Distributions of times. One sample per token: a constant costs a comparison, the others a few
 * dozen nanoseconds.
 */
#include "timing.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/parse.h"

#define EXPECTED                                                                                   \
    "expected milliseconds such as 20 or 0.5, or normal:MEAN,DEVIATION or lognormal:MEDIAN,SIGMA"

static bool read_number(struct slice text, double max, double *out)
{
    return result_ok(parse_number(slice_trim(text), out)) && *out >= 0 && *out <= max;
}

static bool read_pair(struct slice text, struct timing *out)
{
    struct slice first;
    if (!slice_split(&text, ',', &first))
        return false;
    bool lognormal = out->form == TIMING_LOGNORMAL;
    if (!read_number(first, PACE_MS_MAX, &out->middle) ||
        !read_number(text, lognormal ? 10 : PACE_MS_MAX, &out->spread))
        return false;
    out->middle *= (double)NS_PER_MS;
    out->spread *= lognormal ? 1 : (double)NS_PER_MS;
    return true;
}

static struct result read_lines(FILE *file, const char *path, struct arena *arena,
                                struct timing *out)
{
    char line[64];
    double ms;
    int64_t *table = NULL;
    size_t size = 0;
    while (fgets(line, sizeof(line), file)) {
        struct slice text = slice_trim(slice_str(line));
        if (text.len == 0 || text.data[0] == '#')
            continue;
        ENSURE(read_number(text, PACE_MS_MAX, &ms), ERR_VALUE,
               "%s: expected milliseconds in line %zu, got \"%.*s\"", path, out->table_count + 1,
               SLICE_ARG(text));
        ENSURE(out->table_count < TIMING_TABLE_MAX, ERR_TOO_LARGE, "%s has more than %d lines",
               path, TIMING_TABLE_MAX);
        if (out->table_count == size) {
            int64_t *larger = ARENA_ARRAY(arena, int64_t, size ? size * 2 : 64);
            if (size)
                memcpy(larger, table, size * sizeof(*table));
            table = larger;
            size = size ? size * 2 : 64;
        }
        table[out->table_count++] = (int64_t)(ms * (double)NS_PER_MS);
    }
    ENSURE(out->table_count, ERR_VALUE, "%s has no line with milliseconds", path);
    out->table = table;
    return RESULT_OK;
}

static struct result read_table(struct slice name, struct arena *arena, struct timing *out)
{
    const char *path = arena_string(arena, name);
    FILE *file = fopen(path, "r");
    ENSURE(file, ERR_IO, "cannot read the table of times %s: %s", path, strerror(errno));
    struct result read = read_lines(file, path, arena, out);
    fclose(file);
    return read;
}

struct result timing_read(struct slice text, struct arena *arena, struct timing *out)
{
    struct slice rest = text, form;
    *out = (struct timing){0};
    if (read_number(text, PACE_MS_MAX, &out->middle)) {
        out->middle *= (double)NS_PER_MS;
        return RESULT_OK;
    }
    if (slice_find_byte(text, ':') >= 0 && slice_split(&rest, ':', &form)) {
        if (arena && slice_is(form, "table")) {
            out->form = TIMING_TABLE;
            return read_table(rest, arena, out);
        }
        out->form = slice_is(form, "normal")      ? TIMING_NORMAL
                    : slice_is(form, "lognormal") ? TIMING_LOGNORMAL
                                                  : TIMING_CONSTANT;
        if (out->form != TIMING_CONSTANT && read_pair(rest, out))
            return RESULT_OK;
    }
    return error_set(ERR_VALUE, EXPECTED "%s, got \"%.*s\"", arena ? " or table:PATH" : "",
                     SLICE_ARG(text));
}

/* Standard normal (Box and Muller). */
static double normal(struct random *random)
{
    double u = 1 - random_unit(random), v = random_unit(random);
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

int64_t timing_next(const struct timing *timing, struct random *random)
{
    const double max = PACE_MS_MAX * (double)NS_PER_MS;
    double ns = timing->middle;
    if (timing->form == TIMING_TABLE)
        return timing->table[random_between(random, 0, (int64_t)timing->table_count - 1)];
    if (timing->form == TIMING_NORMAL)
        ns += timing->spread * normal(random);
    else if (timing->form == TIMING_LOGNORMAL)
        ns *= exp(timing->spread * normal(random));
    return (int64_t)(ns < 0 ? 0 : ns > max ? max : ns);
}
