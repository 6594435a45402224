/*
 * An HTTP answer, kept whole: as bytes, as headers and body, and as events when it is a stream.
 */
#ifndef ASSAY_RESPONSE_H
#define ASSAY_RESPONSE_H

#include <assay/events.h>

#ifdef __cplusplus
extern "C" {
#endif

struct assay_header {
    const char *name, *value; /* the value without blanks around it */
};

/* Everything belongs to the response. */
struct assay_response {
    int status; /* 0: no answer came */
    const struct assay_header *headers;
    size_t header_count;
    const char *body; /* without HTTP's framing, followed by a NUL that does not count */
    size_t body_length;
    const char *raw; /* every byte as it was read from the connection */
    size_t raw_length;
    const struct assay_events *events; /* empty when the answer is no event stream; never NULL */
    int64_t first_byte_ns;             /* from the request's first byte; -1: none came */
    int64_t total_ns;                  /* from there to the end of reading */
    enum assay_error error;            /* what the call returned */
    const char *error_text;            /* what assay_last_error() said; "" for ASSAY_OK */
};

/* The value of the first header of that name, in any case of letters; NULL: there is none. */
ASSAY_PUBLIC const char *assay_response_header(const struct assay_response *response,
                                               const char *name);

/* NULL is allowed. */
ASSAY_PUBLIC void assay_response_free(struct assay_response *response);

/* For ASSAY_RESPONSE_CLEANUP. */
ASSAY_PUBLIC void assay_response_cleanup(struct assay_response **response);

/* Declares a variable that frees its response when it leaves its scope; begin with NULL. */
#define ASSAY_RESPONSE_CLEANUP __attribute__((cleanup(assay_response_cleanup)))

#ifdef __cplusplus
}
#endif

#endif
