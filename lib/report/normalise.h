/*
 * Messages without what differs from one failure to the next, so that one cause is one line: two
 * failures are alike when their normalised messages are equal. What is taken out is replaced by a
 * word in angle brackets that says what stood there.
 *
 *   "Recv failure after 312 ms from 127.0.0.1:41235"   "Recv failure after <n> ms from <address>"
 *   "job 0fe1d2c3-b4a5-…-5a4b3c2d1e0f of /tmp/x7/a.py" "job <id> of <path>"
 *
 * Workload: the messages of the failures of a run, each at most LIMIT_NORMALISED_BYTES long; one
 * pass over the text.
 */
#ifndef REPORT_NORMALISE_H
#define REPORT_NORMALISE_H

#include "core/arena.h"

/*
 * On one line: <id> for UUIDs and other long hexadecimal or mixed identifiers, <time> for dates and
 * times, <address> for HOST:PORT, <path> for absolute paths, <hex> for 0x… and <n> for numbers,
 * also within words ("worker3"). Blanks are one blank each, control characters none.
 */
struct slice normalise_message(struct arena *arena, struct slice message);

/*
 * The functions of the stack that `text` (a log, an answer, standard error) shows, innermost first:
 * "load < main", at most 8. Tracebacks of Python, Java and JavaScript ("at f (…)"), Rust, Go, and
 * gdb's and sanitizers' "#0 0x… in f". Empty when there is none.
 */
struct slice normalise_stack(struct arena *arena, struct slice text);

#endif
