/*
 * URI references as RFC 3986 resolves them: enough to find out which document and which part of it
 * a `$ref` means. Nothing here checks that a reference is well-formed (check/schema_format.h does).
 */
#ifndef CHECK_URI_H
#define CHECK_URI_H

#include "core/arena.h"

/* `reference` relative to `base` (5.2), in the arena. An empty base leaves it as it is. */
struct slice uri_resolve(struct arena *arena, struct slice base, struct slice reference);

/* The part before "#", and the part after it (empty when there is none). */
struct slice uri_document(struct slice uri);
struct slice uri_fragment(struct slice uri);

/* With %XX decoded. */
struct slice uri_decode(struct arena *arena, struct slice encoded);

#endif
