/*
 * The common ground of assay_compare, assay_history and those who change what these show.
 */
#include "api/lookback.h"

#include "core/jsontext.h"

struct result lookback_open(struct session *session, const char *url, struct lookback *out)
{
    *out = (struct lookback){0};
    TRY(session_store(url, false, &out->store));
    ENSURE(out->store, ERR_NOT_FOUND, "there is no store at %s; `assay run` makes one",
           url ? url : ASSAY_DEFAULT_STORE);
    return past_open(out->store, session->arena, &out->past);
}

void lookback_close(struct lookback *lookback)
{
    past_close(&lookback->past);
    store_close(lookback->store);
}

void lookback_print(struct session *session, const char *text)
{
    fputs(text, session->streams.out);
}

void lookback_print_json(struct session *session, const json_t *json)
{
    struct slice text = jsontext_write_pretty(session->arena, json);
    fprintf(session->streams.out, "%.*s\n", SLICE_ARG(text));
}
