/*
 * The older form of prompt cases. What comes out of it is a suite of today, so it must not be taken
 * for the older form when it is read again.
 */
#include "round_trip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    round_trip("older.txt", slice_of((const char *)data, size));
    return 0;
}
