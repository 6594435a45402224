/*
 * What must hold of any text whatever: every place that is reported lies in the source, the report
 * can be printed, and what was read comes back equal when it is written as JSON and read again.
 */
#ifndef FUZZ_ROUND_TRIP_H
#define FUZZ_ROUND_TRIP_H

#include "suite/diagnostics.h"
#include "suite/node.h"

/* Read `text` under `name` and check all that. */
void round_trip(const char *name, struct slice text);

#endif
