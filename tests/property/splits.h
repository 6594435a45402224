/*
 * The bytes of an answer, cut everywhere: whoever reads them has to see the same.
 */
#ifndef PROPERTY_SPLITS_H
#define PROPERTY_SPLITS_H

#include "assay/harness.h"
#include "core/arena.h"

/*
 * Our parsers of HTTP and of event streams read the raw answer, the harness's collector reads its
 * body: byte by byte, and in two parts for every place to cut, or about `most` of them,
 * spread evenly. What differs, as a sentence, or NULL. `tried` counts the cuts.
 */
const char *splits_check(struct arena *arena, const struct assay_response *response, bool stream,
                         size_t most, size_t *tried);

#endif
