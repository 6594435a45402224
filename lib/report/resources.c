/*
 * Samples to curves. Workload: some thousand samples of a subject (long runs were thinned when they
 * were stored) and up to as many subjects as a run has service instances.
 */
#include "report/resources.h"

#include <stdlib.h>

#include "record/database.h"

static void finish_track(struct resource_track *track)
{
    for (size_t i = track->count; i-- > 1;) {
        double span = track->at[i] - track->at[i - 1];
        track->cpu[i] = span > 0 ? (track->cpu[i] - track->cpu[i - 1]) / span : 0;
    }
    if (track->count)
        track->cpu[0] = track->count > 1 ? track->cpu[1] : 0;
}

static int by_name(const void *a, const void *b)
{
    const struct resource_track *x = a, *y = b;
    bool x_self = slice_is(x->name, "assay"), y_self = slice_is(y->name, "assay");
    if (x_self != y_self)
        return x_self ? -1 : 1;
    int names = slice_cmp(x->name, y->name);
    return names ? names : (x->at[0] > y->at[0]) - (x->at[0] < y->at[0]);
}

static struct result count_samples(struct database *db, struct slice id, size_t *samples,
                                   size_t *subjects)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    bool row = false;
    TRY(database_prepare(db,
                         "SELECT count(*), count(DISTINCT subject) FROM sample"
                         " WHERE run = (SELECT run FROM run WHERE id = ?1)",
                         &q));
    query_set_text(q, 1, id);
    TRY(query_next(q, &row));
    *samples = row ? (size_t)query_integer(q, 0) : 0;
    *subjects = row ? (size_t)query_integer(q, 1) : 0;
    return RESULT_OK;
}

static struct result load_tracks(struct database *db, struct arena *arena,
                                 const struct run_info *run, struct resource_history *out)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    size_t samples = 0, subjects = 0;
    TRY(count_samples(db, run->id, &samples, &subjects));
    double *values = ARENA_ARRAY(arena, double, 4 * samples + 1);
    out->tracks = ARENA_ARRAY(arena, struct resource_track, subjects + 1);
    TRY(database_prepare(db,
                         "SELECT x.subject, s.name, x.at, x.cpu, x.rss, x.descriptors"
                         " FROM sample x JOIN subject s ON s.run = x.run AND s.subject = x.subject"
                         " WHERE x.run = (SELECT run FROM run WHERE id = ?1)"
                         " ORDER BY x.subject, x.at",
                         &q));
    query_set_text(q, 1, run->id);
    struct resource_track *track = NULL;
    int64_t subject = -1;
    for (size_t i = 0; i < samples; i++) {
        bool row = false;
        TRY(query_next(q, &row));
        if (!row)
            break;
        if (!track || query_integer(q, 0) != subject) {
            if (out->count == subjects)
                break; /* more since they were counted */
            subject = query_integer(q, 0);
            track = &out->tracks[out->count++];
            *track = (struct resource_track){.name = query_copy(q, 1, arena),
                                             .at = values + i,
                                             .cpu = values + samples + i,
                                             .rss = values + 2 * samples + i,
                                             .descriptors = values + 3 * samples + i};
        }
        size_t at = track->count++;
        track->at[at] = (double)(query_integer(q, 2) - run->started_wall);
        track->cpu[at] = (double)query_integer(q, 3);
        track->rss[at] = (double)query_integer(q, 4);
        track->descriptors[at] = (double)query_integer(q, 5);
    }
    for (size_t i = 0; i < out->count; i++)
        finish_track(&out->tracks[i]);
    if (out->count)
        qsort(out->tracks, out->count, sizeof(out->tracks[0]), by_name);
    return RESULT_OK;
}

struct result resource_history_load(struct store *store, struct arena *arena,
                                    const struct run_info *run, struct resource_history *out)
{
    *out = (struct resource_history){0};
    return load_tracks(store_database(store), arena, run, out);
}
