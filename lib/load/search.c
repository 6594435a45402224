/*
 * The limit's distribution is made anew from the list of steps each time it is asked for: between
 * the loads that were tried it is even on a logarithmic scale.
 */
#include "load/search.h"

#include <math.h>

#include "core/result.h"

/* What a step of the first length shows may be wrong as often as this, however clear it looks:
 * machines have bad seconds, and a queue near its limit takes long to fill. Longer ones are wrong
 * less often by as much as they are longer. */
#define DOUBT 0.1
/* Standard errors told by a few dozen batches, each like the one before, are too small: on
 * simulated queues intervals nearly hold what they promise when margins count for so much. */
#define WORTH 0.6
#define SATURATED_SURE 0.99
/* A step whose margin is smaller than this decides nothing. */
#define DECIDED 1.0
/* To both sides of a step that decided nothing, as quantiles. */
#define ASIDE 0.2
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

/* The probability that the limit is not below the load of a step. */
static double holds(const struct search_step *s)
{
    if (s->kind == SEARCH_SATURATED)
        return 1 - SATURATED_SURE;
    if (s->kind == SEARCH_INVALID)
        return 0.5;
    double p = 0.5 * erfc(-WORTH * s->margin / sqrt(2));
    double doubt = DOUBT / s->length;
    return fmin(fmax(p, doubt), 1 - doubt);
}

/* ------------------------------------------------------------------ where the limit may be */

/* Pieces in which the limit lies with so much probability; in logarithms of loads. */
struct belief_piece {
    double from, to, mass;
};

struct belief_map {
    struct belief_piece pieces[SEARCH_STEPS + 1];
    size_t count;
};

/* Logarithms of the loads of all steps that are evidence, in order. */
static size_t sorted_loads(const struct search *s, double logs[SEARCH_STEPS])
{
    size_t count = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->steps[i].kind == SEARCH_INVALID)
            continue;
        double at = log(s->steps[i].load);
        size_t place = count++;
        for (; place > 0 && logs[place - 1] > at; place--)
            logs[place] = logs[place - 1];
        logs[place] = at;
    }
    return count;
}

/* How likely all that was seen is when the limit lies just above `from`, as a logarithm. */
static double likelihood(const struct search *s, double from)
{
    double sum = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        double p = holds(&s->steps[i]);
        sum += log(log(s->steps[i].load) <= from ? p : 1 - p);
    }
    return sum;
}

/* At least one step is evidence. */
static struct belief_map believe(const struct search *s)
{
    double logs[SEARCH_STEPS] = {0}, best = -INFINITY, total = 0;
    size_t count = sorted_loads(s, logs);
    struct belief_map map = {.count = count + 1};
    for (size_t i = 0; i <= count; i++) {
        struct belief_piece *p = &map.pieces[i];
        p->from = i > 0 ? logs[i - 1] : logs[0] - log(BEYOND);
        p->to = i < count ? logs[i] : logs[count - 1] + log(BEYOND);
        p->mass = likelihood(s, p->from);
        best = fmax(best, p->mass);
    }
    for (size_t i = 0; i <= count; i++) {
        struct belief_piece *p = &map.pieces[i];
        p->mass = (p->to - p->from) * exp(p->mass - best);
        total += p->mass;
    }
    for (size_t i = 0; i <= count; i++)
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

/* The greatest load that more likely than not holds, 0 when there is none, … */
static double greatest_good(const struct search *s)
{
    double best = 0;
    for (uint32_t i = 0; i < s->count; i++)
        if (holds(&s->steps[i]) > 0.5)
            best = fmax(best, s->steps[i].load);
    return best;
}

/* … and the least that does not, INFINITY when there is none. */
static double least_bad(const struct search *s)
{
    double best = INFINITY;
    for (uint32_t i = 0; i < s->count; i++)
        if (holds(&s->steps[i]) < 0.5)
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
    const struct search_step *last = &s->steps[s->count - 1];
    double share = 0.5;
    if (last->kind == SEARCH_MEASURED && fabs(last->margin) < DECIDED)
        share = s->undecided % 2 ? ASIDE : 1 - ASIDE;
    double load = quantile(&map, share);
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
    return (uint32_t)fmin(fmax(round(length), 1), SEARCH_LENGTH);
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
