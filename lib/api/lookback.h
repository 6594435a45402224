/*
 * What looks back on earlier runs has in common: a store that must be there, and its past.
 */
#ifndef API_LOOKBACK_H
#define API_LOOKBACK_H

#include "api/session.h"
#include "report/past.h"

struct lookback {
    struct store *store;
    struct past past;
};

/* ERR_NOT_FOUND when there is no store at `url` (NULL: the default). */
struct result lookback_open(struct session *session, const char *url,
                            struct lookback *out) MUST_USE;
void lookback_close(struct lookback *lookback); /* for DEFER */

/* Text for people on the session's output, or JSON. */
void lookback_print(struct session *session, const char *text);
void lookback_print_json(struct session *session, const json_t *json);

#endif
