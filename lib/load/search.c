/*
 * The limit's distribution is made anew from the list of steps each time it is asked for, on a grid
 * that is finer where more loads were tried; before anything is known it is even on a logarithmic
 * scale.
 */
#include "load/search.h"

#include <math.h>

#include "core/result.h"

/* What a step of the first length shows may mean nothing as often as this: machines have bad
 * seconds. Longer ones do less often by as much as they are longer. */
#define DOUBT 0.1
#define SATURATED_SURE 0.99
/* A step whose margin is smaller than this decides nothing. */
#define DECIDED 1.0
/* To both sides of a step that decided nothing, as quantiles. */
#define ASIDE 0.2
/* Between the loads below and above which the limit may be, one lies so many times nearer to the
 * best guess, while the other is further away than is wanted: there nobody has looked yet. */
#define LOPSIDED 4
#define FAR_SHARE 0.1
/* The client's ceiling is as near to the greatest load that held as is worth the time. */
#define CEILING_NEAR 1.1
/* The limit may lie beyond the loads tried so far by this factor. */
#define BEYOND 2.0

struct search search_begin(const struct search_plan *plan)
{
    MUST(plan->least > 0 && plan->first >= plan->least && plan->most >= plan->first &&
             plan->precision > 0 && plan->steps <= SEARCH_STEPS,
         "loads %g, %g, %g, precision %g, %u steps", plan->least, plan->first, plan->most,
         plan->precision, plan->steps);
    return (struct search){.plan = *plan};
}

/* ------------------------------------------------------------------ how likely a step is */

/*
 * Near the limit, what was seen beside what the bound allows (the share of latencies above it, by
 * the share that may be) goes with a power of the load, of 1 at the limit; which power is not
 * known, from hardly any growth to a wall.
 */
static const double powers[] = {0.5, 1, 2, 5, 10, 20, 40, 80, 200, 1000};
#define POWERS (sizeof(powers) / sizeof(powers[0]))
/* How far "near" goes, of the logarithm of what is seen: what is more or less counts for so much.
 * How wrong that logarithm may be, as a share of it. */
#define NEAR 3.0
#define MOST_RATIO 20.0 /* its exponential */
#define POWER_ERROR 0.25
/* Loads whose logarithms are nearer than this are similar. */
#define ALIKE 0.15
/* Standard errors told by a few dozen batches, each like the one before, are too small: on
 * simulated queues (tests/soak/search.c) intervals hold what they promise when events count for so
 * much. */
#define WORTH 0.7

/* What one step tells, ready to be compared with loads. */
struct sight {
    double at;                   /* logarithm of the load */
    double holds;                /* how likely the limit is not below it, by this step alone */
    double ratio, events, doubt; /* events 0: no ratio is known */
};

/* A step at `below` (of the logarithm of the load) under the limit, when the power is this. */
static double likelihood_of(const struct sight *s, double below, double power)
{
    if (s->events <= 0) /* only on which side it is */
        return below < 0 ? 1 - s->holds : s->holds;
    double told = fmin(fmax(-power * below, -NEAR), NEAR), error = POWER_ERROR * told;
    double events = 1 / (1 / s->events + error * error), expected = exp(told);
    /* Of Poisson's likelihood, what it is less than its most. */
    double log_ratio = s->ratio > 0 ? s->ratio * (told - log(s->ratio)) : 0;
    double less = events * (log_ratio - expected + s->ratio);
    return s->doubt + (1 - s->doubt) * exp(less);
}

/*
 * How many events a step had is known only roughly, and wrongly so when it had bad luck: a step
 * with more latencies above the bound has them more in a row. What the steps at similar loads say
 * is put together; a step of twice the length has twice as many.
 */
static double events_of(const struct search *s, const struct search_step *of)
{
    double sum = 0, lengths = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct search_step *t = &s->steps[i];
        if (t->kind != SEARCH_MEASURED || t->events <= 0 || fabs(log(t->load / of->load)) > ALIKE)
            continue;
        sum += t->length * (t->length / t->events);
        lengths += t->length;
    }
    return WORTH * of->length * lengths / sum;
}

/* Of all steps that are evidence, in the order of their loads. */
static size_t sights_of(const struct search *s, struct sight sights[SEARCH_STEPS])
{
    size_t count = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct search_step *step = &s->steps[i];
        if (step->kind == SEARCH_INVALID)
            continue;
        struct sight one = {.at = log(step->load), .doubt = DOUBT / step->length};
        one.holds = 0.5 * erfc(-step->margin / sqrt(2));
        one.holds = fmin(fmax(one.holds, one.doubt), 1 - one.doubt);
        if (step->kind == SEARCH_SATURATED) {
            one.holds = 1 - SATURATED_SURE;
        } else if (step->events > 0) {
            one.ratio = fmin(fmax(1 - step->margin / sqrt(step->events), 0), MOST_RATIO);
            one.events = events_of(s, step);
        }
        size_t place = count++;
        for (; place > 0 && sights[place - 1].at > one.at; place--)
            sights[place] = sights[place - 1];
        sights[place] = one;
    }
    return count;
}

/* ------------------------------------------------------------------ where the limit may be */

/* Pieces in which the limit lies with so much probability; in logarithms of loads. */
struct belief_piece {
    double from, to, mass;
};

/* So many between two loads that were tried. */
#define FINE 8

struct belief_map {
    struct belief_piece pieces[(SEARCH_STEPS + 1) * FINE];
    size_t count;
};

/* How likely all that was seen is when the limit is at `limit` and the power this, as a logarithm.
 */
static double likelihood(const struct sight *sights, size_t count, double limit, double power)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += log(likelihood_of(&sights[i], limit - sights[i].at, power));
    return sum;
}

/* At least one step is evidence. */
static struct belief_map believe(const struct search *s)
{
    struct sight sights[SEARCH_STEPS] = {0};
    double total = 0, best = -INFINITY;
    double each[(SEARCH_STEPS + 1) * FINE][POWERS];
    size_t count = sights_of(s, sights);
    struct belief_map map = {.count = (count + 1) * FINE};
    for (size_t i = 0; i < map.count; i++) {
        struct belief_piece *p = &map.pieces[i];
        size_t between = i / FINE;
        double from = between > 0 ? sights[between - 1].at : sights[0].at - log(BEYOND);
        double to = between < count ? sights[between].at : sights[count - 1].at + log(BEYOND);
        p->from = from + (to - from) * (double)(i % FINE) / FINE;
        p->to = from + (to - from) * (double)(i % FINE + 1) / FINE;
        for (size_t k = 0; k < POWERS; k++) {
            each[i][k] = likelihood(sights, count, (p->from + p->to) / 2, powers[k]);
            best = fmax(best, each[i][k]);
        }
    }
    for (size_t i = 0; i < map.count; i++) {
        struct belief_piece *p = &map.pieces[i];
        for (size_t k = 0; k < POWERS; k++)
            p->mass += (p->to - p->from) * exp(each[i][k] - best);
        total += p->mass;
    }
    for (size_t i = 0; i < map.count; i++)
        map.pieces[i].mass /= total;
    return map;
}

/* The load that the limit is below with a probability of `share`. */
static double quantile(const struct belief_map *map, double share)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct belief_piece *p = &map->pieces[i];
        if (p->mass > 0 && share <= p->mass)
            return exp(p->from + (p->to - p->from) * share / p->mass);
        share -= p->mass;
    }
    return exp(map->pieces[map->count - 1].to);
}

/* ------------------------------------------------------------------ what was seen */

static bool step_holds(const struct search_step *s)
{
    return s->kind == SEARCH_MEASURED && s->margin > 0;
}

static bool step_fails(const struct search_step *s)
{
    return s->kind == SEARCH_SATURATED || (s->kind == SEARCH_MEASURED && s->margin <= 0);
}

/* The greatest load that held, 0 when there is none, … */
static double greatest_good(const struct search *s)
{
    double best = 0;
    for (uint32_t i = 0; i < s->count; i++)
        if (step_holds(&s->steps[i]))
            best = fmax(best, s->steps[i].load);
    return best;
}

/* … and the least that did not, INFINITY when there is none. */
static double least_bad(const struct search *s)
{
    double best = INFINITY;
    for (uint32_t i = 0; i < s->count; i++)
        if (step_fails(&s->steps[i]))
            best = fmin(best, s->steps[i].load);
    return best;
}

/* How many of the last steps were at this load and no evidence. */
static uint32_t invalid_in_a_row(const struct search *s)
{
    uint32_t n = 0;
    while (n < s->count && s->steps[s->count - 1 - n].kind == SEARCH_INVALID &&
           s->steps[s->count - 1 - n].load == s->steps[s->count - 1].load)
        n++;
    return n;
}

static bool near_enough(const struct search *s, double low, double high)
{
    if (s->plan.whole && floor(high) - floor(low) <= (s->undecided > 0 ? 1 : 0))
        return true; /* one of them may lie right on the bound */
    double room = 1 + s->plan.precision;
    return high <= low * room * room;
}

static enum search_state state_of(const struct search *s, const struct search_answer *a)
{
    double good = greatest_good(s), bad = least_bad(s);
    if (s->ceiling > 0 && bad > s->ceiling &&
        (good * CEILING_NEAR >= s->ceiling || s->ceiling <= s->plan.least ||
         (s->plan.whole && good + 1 >= s->ceiling)))
        return SEARCH_CLIENT;
    if (bad == INFINITY && good >= s->plan.most)
        return SEARCH_OPEN;
    if (good == 0 && bad <= s->plan.least)
        return SEARCH_NONE;
    if (good > 0 && bad < INFINITY && near_enough(s, a->low, a->high))
        return SEARCH_FOUND;
    return s->count >= s->plan.steps ? SEARCH_VAGUE : SEARCH_ON;
}

struct search_answer search_answer(const struct search *s)
{
    struct search_answer a = {0};
    double good = greatest_good(s), bad = least_bad(s);
    if (good > 0 && bad < INFINITY) {
        struct belief_map map = believe(s);
        a.low = quantile(&map, (1 - SEARCH_BELIEF) / 2);
        a.high = quantile(&map, (1 + SEARCH_BELIEF) / 2);
        a.load = quantile(&map, 0.5);
        if (s->plan.whole) {
            a.low = floor(a.low);
            a.high = floor(a.high);
            a.load = floor(a.load);
        }
    }
    a.state = state_of(s, &a);
    if (a.state == SEARCH_CLIENT || a.state == SEARCH_OPEN || a.state == SEARCH_NONE)
        a = (struct search_answer){.state = a.state, .load = a.state == SEARCH_NONE ? bad : good};
    return a;
}

/* ------------------------------------------------------------------ what next */

/* A whole number on that side of the guess of which less is known. */
static double whole_load(const struct search *s, double guess)
{
    struct belief_map map = believe(s);
    double below = floor(guess), share_below = 0, share_above = 0;
    for (size_t i = 0; i < map.count; i++) {
        if (exp(map.pieces[i].to) <= below * (1 + 1e-9))
            share_below += map.pieces[i].mass;
        if (exp(map.pieces[i].from) >= (below + 1) * (1 - 1e-9))
            share_above += map.pieces[i].mass;
    }
    return share_above > share_below ? below + 1 : below;
}

/* Which quantile to try: the middle, but where more is to be learned. */
static double share_next(const struct search *s, const struct belief_map *map)
{
    const struct search_step *last = &s->steps[s->count - 1];
    if (last->kind == SEARCH_MEASURED && fabs(last->margin) < DECIDED)
        return s->undecided % 2 ? ASIDE : 1 - ASIDE;
    double middle = log(quantile(map, 0.5));
    double down = middle - log(quantile(map, (1 - SEARCH_BELIEF) / 2));
    double up = log(quantile(map, (1 + SEARCH_BELIEF) / 2)) - middle;
    if (!s->plan.whole && fmax(up, down) > 2 * s->plan.precision &&
        fmax(up, down) > LOPSIDED * fmin(up, down))
        return up > down ? 1 - FAR_SHARE : FAR_SHARE;
    return 0.5;
}

static double guess_next(const struct search *s)
{
    double good = greatest_good(s), bad = least_bad(s);
    if (s->count == 0)
        return s->plan.first;
    if (invalid_in_a_row(s) == 1)
        return s->steps[s->count - 1].load;
    if (good == 0)
        return fmin(bad, s->ceiling > 0 ? s->ceiling : INFINITY) / SEARCH_GROWTH;
    if (bad == INFINITY)
        return s->ceiling > 0 ? sqrt(good * s->ceiling) : good * SEARCH_GROWTH;
    struct belief_map map = believe(s);
    double share = share_next(s, &map), load = quantile(&map, share);
    if (s->ceiling > 0 && load >= s->ceiling)
        load = sqrt(good * s->ceiling);
    if (!s->plan.whole)
        return load;
    return share < 0.5 ? floor(load) : share > 0.5 ? floor(load) + 1 : whole_load(s, load);
}

/* The nearer to the limit, the longer a step has to be to tell on which side of it it is. */
static uint32_t length_next(const struct search *s, const struct search_answer *known)
{
    if (known->low <= 0)
        return 1;
    double half = sqrt(known->high / known->low) - 1;
    double length = SEARCH_LENGTH * s->plan.precision * 2 / fmax(half, s->plan.precision);
    return (uint32_t)fmin(fmax(round(length), 1 + floor(s->undecided / 2.0)), SEARCH_LENGTH);
}

bool search_next(const struct search *s, double *load, uint32_t *length)
{
    struct search_answer known = search_answer(s);
    *load = 0;
    *length = length_next(s, &known);
    if (known.state != SEARCH_ON)
        return false;
    double guess = fmin(fmax(guess_next(s), s->plan.least), s->plan.most);
    *load = s->plan.whole ? fmax(round(guess), 1) : guess;
    return true;
}

void search_tell(struct search *s, const struct search_step *step)
{
    MUST(s->count < SEARCH_STEPS, "%u steps", s->count);
    s->steps[s->count++] = *step;
    if (step->kind == SEARCH_MEASURED && fabs(step->margin) < DECIDED)
        s->undecided++;
    if (invalid_in_a_row(s) == 2 && (s->ceiling == 0 || step->load < s->ceiling))
        s->ceiling = step->load;
}
