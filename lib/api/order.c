/*
 * Turns by risk; see the header.
 */
#include "api/order.h"

#include <stdlib.h>

#include "report/predict.h"

struct risky {
    struct plan_case *pc;
    double risk;
    size_t written; /* place in the text */
};

static int by_risk(const void *a, const void *b)
{
    const struct risky *x = a, *y = b;
    if (x->risk != y->risk)
        return x->risk < y->risk ? 1 : -1;
    return (x->written > y->written) - (x->written < y->written);
}

/* What a risky case needs is to be done before it; `mark` is the place in `all`. */
static void hand_on(struct risky *all, size_t count)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = count; i-- > 0;) {
            for (size_t n = 0; n < all[i].pc->need_count; n++) {
                struct risky *need = &all[all[i].pc->needs[n]->mark];
                if (need->risk >= all[i].risk)
                    continue;
                need->risk = all[i].risk;
                changed = true;
            }
        }
    }
}

static struct result predict_with(struct session *session, struct store *store,
                                  struct prediction **out)
{
    DEFER(past_close)
    struct past past = {0};
    TRY(past_open(store, session->arena, &past));
    return predict(&past, out);
}

struct result order_by_risk(struct session *session, struct store *store, struct plan *plan,
                            const char **summary)
{
    struct risky *all = ARENA_ARRAY(session->arena, struct risky, plan->case_count + 1);
    struct prediction *p = NULL;
    *summary = "nothing is known of any case yet: the order is that of the suites";
    if (!store)
        return RESULT_OK;
    TRY(predict_with(session, store, &p));
    *summary = prediction_summary(session->arena, p);
    for (size_t i = 0; i < plan->case_count; i++) {
        plan->cases[i]->mark = (unsigned)i;
        all[i] = (struct risky){plan->cases[i], prediction_risk(p, plan->cases[i]->key), i};
    }
    hand_on(all, plan->case_count);
    qsort(all, plan->case_count, sizeof(*all), by_risk);
    for (size_t i = 0; i < plan->case_count; i++)
        all[i].pc->turn = (uint32_t)i + 1;
    return RESULT_OK;
}
