/*
 * A real PostgreSQL server for a test program: on a socket in a folder of its own, without a port,
 * as another user when the test is run by root, and gone when the program ends, however it ends.
 */
#include "fixture_store.h"

#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/text.h"

int64_t fixture_number(struct database *db, const char *sql)
{
    DEFER(query_free_pointer)
    struct query *q = NULL;
    bool row = false;
    assert_ok(database_prepare(db, sql, &q));
    assert_ok(query_next(q, &row));
    assert_true(row);
    return query_integer(q, 0);
}

#ifndef STORE_POSTGRESQL

const char *fixture_store(struct arena *arena, const char *folder)
{
    return fixture_path(arena, folder, "results.db");
}

#else

static char folder_name[] = "/tmp/assay-postgresql-XXXXXX"; /* a socket's path is short */
static pid_t server;
static pid_t owner;

/* A server refuses to be run by root. */
static void become_another(const char *home)
{
    struct passwd *user = getpwnam("postgres");
    if (geteuid() != 0)
        return;
    if (!user)
        user = getpwnam("nobody");
    if (!user || setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 ||
        setuid(user->pw_uid) != 0 || chdir(home) != 0)
        _exit(126);
}

static void give_away(const char *path)
{
    struct passwd *user = getpwnam("postgres");
    if (geteuid() != 0)
        return;
    if (!user)
        user = getpwnam("nobody");
    assert_non_null(user);
    assert_int_equal(chown(path, user->pw_uid, user->pw_gid), 0);
}

/* A child whose standard output and error go to `out`. */
static pid_t child(char *const argv[], int out)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    become_another(folder_name);
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    setenv("LC_ALL", "C.UTF-8", 1);
    execv(argv[0], argv);
    _exit(127);
}

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *at)
{
    (void)s;
    (void)type;
    (void)at;
    return remove(path);
}

static void stop_server(void)
{
    if (server <= 0 || owner != getpid())
        return;
    kill(server, SIGQUIT);
    waitpid(server, NULL, 0);
    nftw(folder_name, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Its programs are not in the path: Debian has a folder for each version. */
static char *program(struct arena *arena, const char *name)
{
    static const char *const patterns[] = {"/usr/lib/postgresql/*/bin/%s", "/usr/pgsql-*/bin/%s",
                                           "/usr/local/pgsql/bin/%s", "/usr/bin/%s"};
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        struct text pattern = text_in(arena);
        struct slice rest = slice_str(patterns[i]);
        ptrdiff_t at = slice_find(rest, SLICE("%s"));
        text_add(&pattern, slice_part(rest, 0, (size_t)at));
        text_add_str(&pattern, name);
        glob_t found;
        if (glob(text_str(&pattern), 0, NULL, &found) == 0) {
            struct slice path = slice_str(found.gl_pathv[found.gl_pathc - 1]);
            char *copy = (char *)(uintptr_t)arena_string(arena, path);
            globfree(&found);
            return copy;
        }
    }
    fail_msg("no %s: tools/deps.sh check installs PostgreSQL", name);
    return NULL;
}

static void make_cluster(struct arena *arena, char *data)
{
    int status, log[2];
    char rest[4096];
    char auth[] = "--auth=trust", user[] = "--username=assay", encoding[] = "--encoding=UTF8",
         locale[] = "--locale=C.UTF-8", no_sync[] = "--no-sync", where[] = "-D";
    char *argv[] = {
        program(arena, "initdb"), auth, user, encoding, locale, no_sync, where, data, NULL};
    assert_int_equal(pipe(log), 0);
    pid_t pid = child(argv, log[1]);
    close(log[1]);
    size_t len = 0;
    for (ssize_t n; (n = read(log[0], rest + len, sizeof(rest) - 1 - len)) > 0;)
        len = (len + (size_t)n) % (sizeof(rest) - 1);
    rest[len] = '\0';
    close(log[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0)
        fail_msg("initdb ended with %d: %s", status, rest);
}

/* Read and forget, so that the server never waits for us. */
static void *drain(void *argument)
{
    FILE *log = argument;
    char line[1024];
    while (fgets(line, sizeof(line), log))
        ;
    fclose(log);
    return NULL;
}

static void start_server(void)
{
    DEFER(arena_free_pointer)
    struct arena *arena = arena_new();
    int log[2];
    assert_non_null(mkdtemp(folder_name));
    give_away(folder_name);
    assert_int_equal(chmod(folder_name, 0755), 0);
    char *data = (char *)(uintptr_t)arena_printf(arena, "%s/data", folder_name);
    make_cluster(arena, data);

    char where[] = "-D", socket[] = "-k", option[] = "-c",
         no_port[] = "listen_addresses=", no_sync[] = "fsync=off";
    char *argv[] = {program(arena, "postgres"),
                    where,
                    data,
                    socket,
                    folder_name,
                    option,
                    no_port,
                    option,
                    no_sync,
                    NULL};
    assert_int_equal(pipe(log), 0);
    server = child(argv, log[1]);
    owner = getpid();
    atexit(stop_server);
    close(log[1]);
    FILE *lines = fdopen(log[0], "r");
    char line[1024] = "";
    while (!strstr(line, "ready to accept connections"))
        if (!fgets(line, sizeof(line), lines))
            fail_msg("the server does not start");
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, drain, lines), 0);
    pthread_detach(thread);
}

const char *fixture_store(struct arena *arena, const char *folder)
{
    static unsigned schemas;
    struct database *db;
    (void)folder;

    if (server == 0)
        start_server();
    const char *base = arena_printf(arena, "postgresql://assay@/postgres?host=%s", folder_name);
    assert_ok(database_open(base, &db));
    assert_ok(database_execute(db, arena_printf(arena, "CREATE SCHEMA s%u", ++schemas)));
    database_close(db);
    return arena_printf(arena, "%s&options=-csearch_path%%3Ds%u", base, schemas);
}

#endif
