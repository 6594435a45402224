/*
 * Suites as JSON with comments (first byte even) and as YAML (odd).
 */
#include "round_trip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size)
        round_trip(data[0] % 2 ? "x.yaml" : "x.json", slice_of((const char *)data + 1, size - 1));
    return 0;
}
