/*
 * A library that stands in for libpq: a server that is there until the rows of a COPY are sent, and
 * then is gone. As the real one does, it tells of a COPY that was not ended again and again. Only
 * its names and numbers have to be those of libpq-fe.h: it is found by name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More tells that somebody asks for ever. */
#define TOLD_MOST 1000

enum { PGRES_COMMAND_OK = 1, PGRES_COPY_IN = 4, PGRES_FATAL_ERROR = 7 };
enum { CONNECTION_OK, CONNECTION_BAD };

struct pg_result {
    int status;
};

static struct pg_result done = {PGRES_COMMAND_OK}, copying = {PGRES_COPY_IN};
static int told;
static _Bool in_copy;
static int no_options;

void *PQconnectdbParams(const char *const *names, const char *const *values, int expand);
struct pg_result *PQexec(void *connection, const char *sql);
int PQputCopyData(void *connection, const char *bytes, int length);
int PQputCopyEnd(void *connection, const char *error);
struct pg_result *PQgetResult(void *connection);
int PQresultStatus(const struct pg_result *result);
int PQstatus(const void *connection);
char *PQerrorMessage(const void *connection);
const char *PQparameterStatus(const void *connection, const char *name);
void *PQconninfoParse(const char *url, char **why);
char *PQcmdStatus(struct pg_result *result);
char *PQresultErrorField(const struct pg_result *result, int field);
void PQclear(struct pg_result *result);
void PQconninfoFree(void *options);
void PQfinish(void *connection);
void PQfreemem(void *memory);
void *PQsetNoticeProcessor(void *connection, void *processor, void *context);

void *PQconnectdbParams(const char *const *names, const char *const *values, int expand)
{
    (void)names, (void)values, (void)expand;
    return &done; /* any address but NULL */
}

struct pg_result *PQexec(void *connection, const char *sql)
{
    (void)connection;
    if (strncmp(sql, "COPY", 4) != 0)
        return in_copy ? NULL : &done;
    in_copy = 1;
    return &copying;
}

int PQputCopyData(void *connection, const char *bytes, int length)
{
    (void)connection, (void)bytes, (void)length;
    return -1;
}

int PQputCopyEnd(void *connection, const char *error)
{
    (void)connection, (void)error;
    return -1;
}

struct pg_result *PQgetResult(void *connection)
{
    (void)connection;
    if (++told > TOLD_MOST) {
        fprintf(stderr, "asked for ever\n");
        abort();
    }
    return in_copy ? &copying : NULL;
}

int PQresultStatus(const struct pg_result *result)
{
    return result ? result->status : PGRES_FATAL_ERROR;
}

int PQstatus(const void *connection)
{
    (void)connection;
    return in_copy ? CONNECTION_BAD : CONNECTION_OK;
}

char *PQerrorMessage(const void *connection)
{
    static char text[] = "the server went away";
    (void)connection;
    return text;
}

const char *PQparameterStatus(const void *connection, const char *name)
{
    (void)connection, (void)name;
    return "UTF8";
}

void *PQconninfoParse(const char *url, char **why)
{
    (void)url;
    *why = NULL;
    return &no_options;
}

char *PQcmdStatus(struct pg_result *result)
{
    static char text[] = "COMMIT";
    (void)result;
    return text;
}

char *PQresultErrorField(const struct pg_result *result, int field)
{
    (void)result, (void)field;
    return NULL;
}

void PQclear(struct pg_result *result)
{
    (void)result;
}

void PQconninfoFree(void *options)
{
    (void)options;
}

void PQfinish(void *connection)
{
    (void)connection;
}

void PQfreemem(void *memory)
{
    (void)memory;
}

void *PQsetNoticeProcessor(void *connection, void *processor, void *context)
{
    (void)connection, (void)context;
    return processor;
}

/* What the test does not come to. */
#define NEVER(name)                                                                                \
    void name(void);                                                                               \
    void name(void)                                                                                \
    {                                                                                              \
        abort();                                                                                   \
    }
NEVER(PQexecParams)
NEVER(PQexecPrepared)
NEVER(PQprepare)
NEVER(PQgetisnull)
NEVER(PQgetlength)
NEVER(PQgetvalue)
NEVER(PQntuples)
