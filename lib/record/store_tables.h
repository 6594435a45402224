/*
 * The tables of a store as export, import and prune see them: their order, what their rows belong
 * to, and their columns, which are asked of the database. Not for use outside lib/record.
 */
#ifndef RECORD_STORE_TABLES_H
#define RECORD_STORE_TABLES_H

#include "record/database.h"

/* In an order in which what is referred to comes first. */
struct stored_table {
    const char *name;  /* NULL ends the table */
    const char *order; /* the columns of its key */
    enum stored_of {
        STORED_OF_RUN,   /* belongs to the run of its column `run` */
        STORED_OF_CASE,  /* test_case, definition: shared by runs */
        STORED_OF_STORE, /* a decision of people: a baseline, a quarantine */
    } of;
};

extern const struct stored_table stored_tables[];

const struct stored_table *stored_table_find(struct slice name);

struct stored_column {
    const char *name;
    bool text; /* else a whole number */
    bool not_null;
};

/* The columns of a table, in its order; arena-owned. */
struct result stored_columns(struct database *db, struct arena *arena, const char *table,
                             struct stored_column **columns, size_t *count) MUST_USE;

#endif
