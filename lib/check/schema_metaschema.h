/*
 * The metaschemas of drafts 04 to 2020-12, embedded in the program.
 */
#ifndef CHECK_SCHEMA_METASCHEMA_H
#define CHECK_SCHEMA_METASCHEMA_H

#include "core/slice.h"

/* The text of the metaschema whose URI (without fragment) this is; empty when there is none. */
struct slice metaschema_text(struct slice uri);

#endif
