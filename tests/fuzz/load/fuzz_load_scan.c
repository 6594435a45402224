/*
 * The JSON scanner of the load generator: never beyond its input, and of one mind with jansson.
 */
#include "scan_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scan_check(slice_of((const char *)data, size));
    return 0;
}
