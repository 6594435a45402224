/*
 * Doing what a fault plan says to one answer: a tap on the exchange, so that every endpoint has
 * the same faults and none knows of them. It works on whole answers and on event streams of either
 * form; what a stream's frames are it sees from their text.
 *
 *     frames ─ drop, duplicate, swap, malformed, error … ─ crlf, no_space ─ bundle, split_utf8
 *            ─ truncate, overlong ─ segments, loris, one_segment ─ wire
 */
#ifndef WORKER_FAULT_TAP_H
#define WORKER_FAULT_TAP_H

#include "faults.h"
#include "net/server.h"

/* Put the plan between the handler and the wire. Before the answer begins; freed with it. */
void fault_tap_attach(struct exchange *ex, uv_loop_t *loop, const struct fault_plan *plan);

#endif
