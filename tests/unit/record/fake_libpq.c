/*
 * A library that stands in for libpq: a server that is there until the rows of a COPY are sent, and
 * then is gone. As the real one does, it tells of a COPY that was not ended again and again.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More tells that somebody asks for ever. */
#define TOLD_MOST 1000

struct pg_result {
    ExecStatusType status;
};

static struct pg_result done = {PGRES_COMMAND_OK}, copying = {PGRES_COPY_IN};
static int told;
static _Bool in_copy;
static PQconninfoOption no_options[1];

PGconn *PQconnectdbParams(const char *const *names, const char *const *values, int expand)
{
    (void)names, (void)values, (void)expand;
    return (PGconn *)&done; /* any address but NULL */
}

PGresult *PQexec(PGconn *connection, const char *sql)
{
    (void)connection;
    if (strncmp(sql, "COPY", 4) != 0)
        return in_copy ? NULL : &done;
    in_copy = 1;
    return &copying;
}

int PQputCopyData(PGconn *connection, const char *bytes, int length)
{
    (void)connection, (void)bytes, (void)length;
    return -1;
}

int PQputCopyEnd(PGconn *connection, const char *error)
{
    (void)connection, (void)error;
    return -1;
}

PGresult *PQgetResult(PGconn *connection)
{
    (void)connection;
    if (++told > TOLD_MOST) {
        fprintf(stderr, "asked for ever\n");
        abort();
    }
    return in_copy ? &copying : NULL;
}

ExecStatusType PQresultStatus(const PGresult *result)
{
    return result ? result->status : PGRES_FATAL_ERROR;
}

ConnStatusType PQstatus(const PGconn *connection)
{
    (void)connection;
    return in_copy ? CONNECTION_BAD : CONNECTION_OK;
}

char *PQerrorMessage(const PGconn *connection)
{
    static char text[] = "the server went away";
    (void)connection;
    return text;
}

const char *PQparameterStatus(const PGconn *connection, const char *name)
{
    (void)connection, (void)name;
    return "UTF8";
}

PQconninfoOption *PQconninfoParse(const char *url, char **why)
{
    (void)url;
    *why = NULL;
    return no_options;
}

char *PQcmdStatus(PGresult *result)
{
    static char text[] = "COMMIT";
    (void)result;
    return text;
}

char *PQresultErrorField(const PGresult *result, int field)
{
    (void)result, (void)field;
    return NULL;
}

void PQclear(PGresult *result)
{
    (void)result;
}

void PQconninfoFree(PQconninfoOption *options)
{
    (void)options;
}

void PQfinish(PGconn *connection)
{
    (void)connection;
}

void PQfreemem(void *memory)
{
    (void)memory;
}

PQnoticeProcessor PQsetNoticeProcessor(PGconn *connection, PQnoticeProcessor processor,
                                       void *context)
{
    (void)connection, (void)context;
    return processor;
}

/* What the test does not come to; nobody looks at the parameters. */
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define NEVER(type, name, parameters)                                                              \
    type name parameters                                                                           \
    {                                                                                              \
        abort();                                                                                   \
    }
NEVER(PGresult *, PQexecParams,
      (PGconn * a, const char *b, int c, const Oid *d, const char *const *e, const int *f,
       const int *g, int h))
NEVER(PGresult *, PQexecPrepared,
      (PGconn * a, const char *b, int c, const char *const *d, const int *e, const int *f, int g))
NEVER(PGresult *, PQprepare, (PGconn * a, const char *b, const char *c, int d, const Oid *e))
NEVER(int, PQgetisnull, (const PGresult *a, int b, int c))
NEVER(int, PQgetlength, (const PGresult *a, int b, int c))
NEVER(char *, PQgetvalue, (const PGresult *a, int b, int c))
NEVER(int, PQntuples, (const PGresult *a))
