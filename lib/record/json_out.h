/*
 * JSON written as it is made, without a tree in between: members and elements are appended to a
 * text, and the commas come by themselves. Workload: one object per event, at the pace of the run.
 */
#ifndef RECORD_JSON_OUT_H
#define RECORD_JSON_OUT_H

#include "core/text.h"

/* `name` is NULL for an element of an array and for the outermost value. */
void json_open(struct text *t, const char *name, char bracket); /* '{' or '[' */
void json_close(struct text *t, char bracket);                  /* '}' or ']' */
void json_text(struct text *t, const char *name, struct slice value);
void json_text_if(struct text *t, const char *name, struct slice value); /* unless empty */
void json_integer_of(struct text *t, const char *name, int64_t value);
/* Above 2^53, where readers lose digits, as a string. */
void json_unsigned_of(struct text *t, const char *name, uint64_t value);
void json_boolean_of(struct text *t, const char *name, bool value);

#endif
