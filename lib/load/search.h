/*
 * Searching for the greatest load (a rate, or a number of users) that holds all objectives, without
 * I/O: `search_next` says what to try and for how long, `search_tell` takes what came of it.
 *
 * Bisection with confidence: what a step shows is uncertain, the more so the nearer the load is to
 * the limit. So no step shuts a half of the range out; all of them together say where the limit may
 * be, by how far each was from the bounds and by how sure that is (Bayesian bisection: Horstein
 * 1963; Waeber, Frazier and Henderson 2013; here with a regression that is learned on the way), and
 * a step that was wrong is outvoted by later ones. The next step is where the limit is as likely
 * below as above. One that decides nothing is followed by longer ones somewhat to both sides of it,
 * where more is to be learned. It is over when the limit lies within the precision wanted, with a
 * probability of 95 %.
 *
 * Assumed: when a load does not hold the objectives, a greater one does not either.
 */
#ifndef LOAD_SEARCH_H
#define LOAD_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEARCH_STEPS 64    /* at most */
#define SEARCH_LENGTH 8    /* a step is at most so many times as long as the first */
#define SEARCH_GROWTH 4    /* the load is multiplied by this until it is too much */
#define SEARCH_BELIEF 0.95 /* of the interval */

struct search_plan {
    double least, most; /* of the load, above 0 */
    double first;       /* tried first, within these */
    double precision;   /* 0.02: the interval goes from 2 % below to 2 % above */
    bool whole;         /* loads are whole numbers */
    uint32_t steps;     /* at most, up to SEARCH_STEPS */
};

enum search_kind {
    SEARCH_MEASURED,
    SEARCH_SATURATED, /* the service fell behind more and more */
    SEARCH_INVALID,   /* no evidence: the client was too slow to be believed */
};

struct search_step {
    double load;
    uint32_t length; /* as asked for */
    enum search_kind kind;
    /* Of what was measured (load/evidence.h): so many standard errors on the good side of the
     * bounds, which are those of a count of so many events; 0: nobody knows of what. */
    double margin, events;
};

enum search_state {
    SEARCH_ON,
    SEARCH_FOUND,
    SEARCH_OPEN,   /* the greatest load allowed holds */
    SEARCH_NONE,   /* not even the least does */
    SEARCH_CLIENT, /* the client could not go further */
    SEARCH_VAGUE,  /* as many steps as allowed, and still not known as precisely as wanted */
};

struct search {
    struct search_plan plan;
    struct search_step steps[SEARCH_STEPS];
    uint32_t count;
    uint32_t undecided; /* steps so far */
    double ceiling;     /* the client was too slow at this load, twice; 0: nowhere yet */
};

struct search_answer {
    enum search_state state;
    double load;      /* the best guess; OPEN, CLIENT: at least this; NONE: less than this */
    double low, high; /* it lies between them, with a probability of SEARCH_BELIEF; else 0 */
};

struct search search_begin(const struct search_plan *plan);

/* False when it is over; else the load to try and how many times as long as the first. */
bool search_next(const struct search *search, double *load, uint32_t *length);

/* What came of a step, of the load asked for last. */
void search_tell(struct search *search, const struct search_step *step);

/* What is known so far. */
struct search_answer search_answer(const struct search *search);

#endif
