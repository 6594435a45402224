/*
 * What the fuzz targets of net share.
 */
#ifndef TESTS_NET_FUZZ_H
#define TESTS_NET_FUZZ_H

#include "core/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline const char *fuzz_text(const struct buf *b)
{
    return b->data ? b->data : "";
}

#endif
