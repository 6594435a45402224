/*
 * Run a function in a forked child and look at how it ended and what it wrote on stderr: for code
 * whose contract is to end the process, and for settings that are read once per process.
 */
#ifndef TEST_CHILD_H
#define TEST_CHILD_H

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
    int status; /* as waitpid() gives it */
    size_t len;
    char errors[65536]; /* what it wrote on stderr, NUL-terminated */
};

static inline struct child in_child(void (*run)(void *context), void *context)
{
    struct child child = {0};
    int ends[2];
    if (pipe(ends) != 0)
        abort();
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        run(context);
        _exit(0);
    }
    close(ends[1]);
    ssize_t n;
    while ((n = read(ends[0], child.errors + child.len, sizeof(child.errors) - 1 - child.len)) > 0)
        child.len += (size_t)n;
    close(ends[0]);
    if (pid < 0 || waitpid(pid, &child.status, 0) != pid)
        abort();
    return child;
}

static inline int child_exited_with(const struct child *child, int status)
{
    return WIFEXITED(child->status) && WEXITSTATUS(child->status) == status;
}

#endif
