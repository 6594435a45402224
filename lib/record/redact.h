/*
 * Secrets never leave: every text of an event passes here before any sink sees it. Removed are
 *   - the values of variables marked `secret`, also as they look percent-encoded, JSON-escaped,
 * quoted for a shell or in base64, and cut short at the end of a text;
 *   - what is a credential by its looks: `Bearer …`, the user part of a URL, parameters and JSON
 *     members named like api_key or client_secret, keys and tokens of well-known services;
 *   - in exchanges and logs, the header lines that carry credentials.
 */
#ifndef RECORD_REDACT_H
#define RECORD_REDACT_H

#include "record/event.h"

struct redactor;

struct redactor *redactor_new(void);
void redactor_free(struct redactor *redactor); /* NULL is allowed */

/* A value that must not be shown. Shorter than 4 bytes is ignored: it would blank everything. */
void redactor_add(struct redactor *redactor, struct slice secret);

/*
 * The text without secrets: itself when it holds none, else a copy with "[secret]". The redactor
 * may be NULL (here and below): then credentials are removed by their looks only.
 */
struct slice redact_text(const struct redactor *redactor, struct arena *arena, struct slice text);

/* Also blanks credentials' header lines ("Authorization: [secret]") in an exchange. */
struct slice redact_exchange(const struct redactor *redactor, struct arena *arena,
                             struct slice exchange);

/* Only the values of secret variables: for keys and ids, which are compared with others. */
struct slice redact_name(const struct redactor *redactor, struct arena *arena, struct slice name);

/*
 * Every text of a result, in place (its arena holds the copies). All are valid UTF-8 afterwards:
 * what is not becomes U+FFFD, so that every sink and the store show the same.
 */
void redact_result(const struct redactor *redactor, struct case_result *result);

#endif
