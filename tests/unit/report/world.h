/*
 * Runs made by hand, for tests of what reports make of them: no store, no services, only what a
 * test says happened. One run of a minute; cases follow each other by a second.
 */
#ifndef TEST_REPORT_WORLD_H
#define TEST_REPORT_WORLD_H

#include "report/run_data.h"

struct world {
    struct arena *arena;
    struct run_data data;
};

struct world world_new(void);
void world_free(struct world *world);

/* A case and its result; the words of `services`, `uses`, `tags` and `needs` are separated by
   blanks. A case that did not pass has a detail with one attempt and one step. */
struct told {
    const char *key, *services, *uses, *tags, *needs, *model;
    enum case_status status;
    enum error_code code;
    const char *kind, *error, *response, *log, *reason;
    const char *check, *message; /* of a check that said no */
    const char *agreed;          /* a check that said yes */
    int64_t duration;            /* 0: 100 ms */
};
struct case_outcome *world_case(struct world *world, struct told told);

/* A service changed its state `ms` after the run began. */
struct service_change *world_change(struct world *world, int64_t ms, const char *service,
                                    const char *state, const char *text);

#endif
