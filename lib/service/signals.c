/*
 * The names of signals, and an end of a process in words.
 */
#include <signal.h>
#include <stdio.h>

#include "service/process.h"

static const struct {
    int number;
    const char *name;
} signals[] = {
#define X(name) {name, #name}
    X(SIGHUP),  X(SIGINT),  X(SIGQUIT),   X(SIGILL),  X(SIGTRAP), X(SIGABRT), X(SIGBUS),
    X(SIGFPE),  X(SIGKILL), X(SIGUSR1),   X(SIGSEGV), X(SIGUSR2), X(SIGPIPE), X(SIGALRM),
    X(SIGTERM), X(SIGCHLD), X(SIGCONT),   X(SIGSTOP), X(SIGTSTP), X(SIGTTIN), X(SIGTTOU),
    X(SIGXCPU), X(SIGXFSZ), X(SIGVTALRM), X(SIGPROF), X(SIGSYS),
#undef X
};

#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

const char *process_signal_name(int signal)
{
    for (size_t i = 0; i < SIGNALS; i++)
        if (signals[i].number == signal)
            return signals[i].name;
    return "signal";
}

struct result process_signal_named(struct slice name, int *signal)
{
    for (size_t i = 0; i < SIGNALS; i++) {
        struct slice full = slice_str(signals[i].name);
        if (slice_eq_nocase(name, full) || slice_eq_nocase(name, slice_from(full, 3))) {
            *signal = signals[i].number;
            return RESULT_OK;
        }
    }
    return error_set(ERR_VALUE, "expected a signal such as SIGTERM or SIGHUP, got \"%.*s\"",
                     SLICE_ARG(name));
}

const char *process_end_text(char out[PROCESS_END_TEXT], const struct process_end *end)
{
    const char *core = end->core_dumped ? ", core dumped" : "";
    switch (end->fate) {
    case PROCESS_EXITED:
        snprintf(out, PROCESS_END_TEXT, "exited with status %d", end->code);
        break;
    case PROCESS_SIGNALLED:
        snprintf(out, PROCESS_END_TEXT, "was killed by signal %d (%s)%s", end->code,
                 process_signal_name(end->code), core);
        break;
    case PROCESS_LOST:
        snprintf(out, PROCESS_END_TEXT, "was lost: its keeper was killed from outside");
        break;
    }
    return out;
}
