/*
 * The order of `--order risk`: what is likely to fail begins first.
 */
#ifndef API_ORDER_H
#define API_ORDER_H

#include "api/session.h"

/*
 * Give the plan's cases their turns by the risk of failing that the store's past tells; a case that
 * others need takes on the risk of the riskiest of them. `*summary`, one sentence in the session's
 * arena, says what the order was made by. `store` may be NULL: nothing is known yet.
 */
struct result order_by_risk(struct session *session, struct store *store, struct plan *plan,
                            const char **summary) MUST_USE;

#endif
