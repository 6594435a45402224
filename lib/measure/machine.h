/*
 * The machine that a run is on, and the revision of what is in the working directory: what has to
 * be equal before two runs can be compared.
 */
#ifndef MEASURE_MACHINE_H
#define MEASURE_MACHINE_H

#include "core/arena.h"

/* JSON: {"cores", "memory" (bytes), "kernel", "processor", "revision"}; what is not known is left
   out. `folder` lies in the work tree, or in none. */
struct slice machine_json(struct arena *arena, const char *folder);

/* The commit that is checked out where `folder` lies; empty outside a work tree of git, before its
   first commit, and where it is kept in a way that is not known here. No program is started. */
struct slice machine_revision(struct arena *arena, const char *folder);

/* The object that `ref` ("refs/heads/main") has in the text of a packed-refs file; empty: none. */
struct slice machine_packed_ref(struct slice text, struct slice ref);

#endif
