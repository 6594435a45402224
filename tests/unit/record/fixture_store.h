/*
 * Where a test keeps its results: in a file of its own or, in programs built with
 * -DSTORE_POSTGRESQL, in a schema of its own on a server that the program starts.
 */
#ifndef TEST_RECORD_FIXTURE_STORE_H
#define TEST_RECORD_FIXTURE_STORE_H

#include "fixture.h"
#include "record/database.h"

#ifdef STORE_POSTGRESQL
#define ON_POSTGRESQL true
#else
#define ON_POSTGRESQL false
#endif

/* The url of a new store; `folder` is the test's. */
const char *fixture_store(struct arena *arena, const char *folder);

/* The whole number that a query gives. */
int64_t fixture_number(struct database *db, const char *sql);

#endif
