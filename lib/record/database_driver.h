/*
 * What a database must be able to do for database.h. Not for use outside lib/record/database*.
 */
#ifndef RECORD_DATABASE_DRIVER_H
#define RECORD_DATABASE_DRIVER_H

#include "record/database.h"

/* Each driver's own structs begin with these. */
struct database {
    const struct database_driver *driver;
    char *name; /* as shown */
    struct query *queries;
    struct append *appends;
};

struct query {
    struct database *db;
    struct query *next, *before;
    struct arena *repaired; /* texts that were no UTF-8; NULL: none */
};

struct append {
    struct database *db;
    struct append *next;
    struct arena *repaired;
};

struct database_driver {
    enum database_kind kind;
    void (*close)(struct database *db); /* frees `db` itself too; its queries are gone already */
    struct result (*begin)(struct database *db, enum database_access access);
    struct result (*commit)(struct database *db);
    void (*rollback)(struct database *db);
    struct result (*lock)(struct database *db);
    struct result (*execute)(struct database *db, const char *sql);

    struct result (*prepare)(struct database *db, const char *sql, bool scan, struct query **out);
    void (*free_query)(struct query *q);
    void (*set_integer)(struct query *q, int parameter, int64_t value);
    void (*set_real)(struct query *q, int parameter, double value);
    void (*set_text)(struct query *q, int parameter, struct slice value);
    void (*set_null)(struct query *q, int parameter);
    struct result (*next)(struct query *q, bool *row);
    void (*reset)(struct query *q);
    bool (*null)(const struct query *q, int column);
    int64_t (*integer)(const struct query *q, int column);
    double (*real)(const struct query *q, int column);
    struct slice (*text)(const struct query *q, int column);

    struct result (*append)(struct database *db, const char *table, const char *columns,
                            struct append **out);
    void (*free_append)(struct append *a);
    void (*append_integer)(struct append *a, int64_t value);
    void (*append_real)(struct append *a, double value);
    void (*append_text)(struct append *a, struct slice value);
    void (*append_null)(struct append *a);
    struct result (*append_row)(struct append *a);
};

struct result database_open_sqlite(struct slice path, struct database **out) MUST_USE;
struct result database_open_postgresql(const char *url, struct database **out) MUST_USE;

#endif
