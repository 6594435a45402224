/*
 * A streamed chat or text completion put together again: what the same answer would be as one JSON
 * object, and beside it, as `stream`, how the stream kept OpenAI's rules. So a check by JSONPath
 * reads both kinds of answer alike, and a rule of the stream is a path and a number.
 */
#ifndef STEP_ASSEMBLE_H
#define STEP_ASSEMBLE_H

#include "check/observation.h"
#include "net/sse.h"

/* The events of the observation; valid as long as its arena. */
json_t *assemble_answer(const struct observation *o, const struct sse_notes *notes);

/* What kind of event a chunk is: error, done, role, finish, tool_call, content, usage or chunk, the
 * first of these that holds. */
struct slice assemble_name(const struct stream_event *event);

#endif
