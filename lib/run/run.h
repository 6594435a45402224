/*
 * The run: carries out a plan. Cases begin in the plan's order as jobs, needs, resources and
 * isolation allow; results go to the recorder as they come; in the end every service is stopped.
 *
 * One loop, one thread: a run waits far more than it works, and what it must be quick at (10,000
 * cases a second) one core does. The order is a scan over the cases that have not begun, which
 * costs something only while the first of them is held up; with N of them held up at once by a
 * resource the scan is O(N) for every case that ends.
 */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include "plan/plan.h"
#include "record/recorder.h"
#include "step/models.h"

struct run;

struct run_options {
    uv_loop_t *loop;
    const struct plan *plan;
    struct recorder *recorder;
    const struct run_info *info;
    uint32_t jobs;           /* cases at once, at least 1 */
    enum models_cache cache; /* which answers of models are kept */
    uint32_t max_failures;   /* stop beginning cases after so many; 0: never */
    bool flaky_fails;        /* a pass on retry counts as failed */
    int64_t measure_every;   /* ns between two looks at the services and ourselves; 0: none */
    /* Of a case that failed: a remark for its reason when somebody put it in quarantine, else NULL;
       `*counts` becomes false when its failure does not fail the run. */
    const char *(*quarantine)(void *context, struct slice key, struct arena *arena, bool *counts);
    /* What the command that reruns one case needs behind it, each with a blank before it:
       " --set a=b --seed 7". Shown, so without secrets. */
    const char *rerun_arguments;
    void (*finished)(void *context);
    void *context;
};

/* Begin; `*out` is set first. `finished` comes from the loop, or from within. */
void run_start(const struct run_options *options, struct run **out);

/*
 * End early: nothing more begins, what runs is cancelled, services are stopped; `finished` follows.
 * A second time: services are killed without grace.
 */
void run_interrupt(struct run *run);

/* The recorder has committed results: call it then, cases may have waited for that. */
void run_committed(struct run *run);

/* Was it interrupted, did a case fail, could one not be carried out? */
int run_exit_status(const struct run *run);

void run_free(struct run *run);

#endif
