/*
 * SQLite's own handle of a database, for what only SQLite has: its pragmas and the checks when a
 * file is opened.
 */
#ifndef RECORD_DATABASE_SQLITE_H
#define RECORD_DATABASE_SQLITE_H

#include <sqlite3.h>

#include "record/database.h"

sqlite3 *database_sqlite(struct database *db);

#endif
