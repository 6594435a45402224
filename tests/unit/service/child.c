/*
 * The actions of child.h, in one table.
 */
#include "child.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/parse.h"

static int listener = -1;

static int number(const char *text)
{
    int64_t value = -1;
    if (!result_ok(parse_integer(slice_str(text), &value)))
        _exit(99);
    return (int)value;
}

static void do_say(const char *text)
{
    printf("%s\n", text);
    fflush(stdout);
}

static void do_print(const char *text)
{
    fputs(text, stdout);
    fflush(stdout);
}

static void do_complain(const char *text)
{
    fprintf(stderr, "%s\n", text);
}

static void do_fill(const char *count)
{
    for (int i = number(count); i > 0; i--)
        putchar('a' + i % 26);
    fflush(stdout);
}

static void do_show(const char *name)
{
    const char *value = getenv(name);
    do_say(value ? value : "(unset)");
}

static void do_cwd(const char *unused)
{
    (void)unused;
    char path[4096];
    do_say(getcwd(path, sizeof(path)) ? path : "(none)");
}

static void do_cat(const char *unused)
{
    (void)unused;
    char bytes[4096];
    ssize_t n;
    while ((n = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0)
        fwrite(bytes, 1, (size_t)n, stdout);
    fflush(stdout);
}

static void do_ignore(const char *which)
{
    signal(number(which), SIG_IGN);
}

static int exit_status;

static void exit_now(int unused)
{
    (void)unused;
    _exit(exit_status);
}

static void do_on_term_exit(const char *status)
{
    exit_status = number(status);
    signal(SIGTERM, exit_now);
}

static void do_wait(const char *unused)
{
    (void)unused;
    for (;;)
        pause();
}

static void do_sleeper(const char *unused)
{
    pid_t pid = fork();
    if (pid == 0)
        do_wait(unused);
    printf("sleeper %d\n", (int)pid);
    fflush(stdout);
}

/* Says its pid itself: only when it has truly escaped. */
static void daemonize(void)
{
    int escaped[2];
    if (pipe(escaped) != 0)
        _exit(99);
    if (fork() == 0) {
        setsid();
        if (fork() != 0)
            _exit(0);
        printf("daemon %d\n", (int)getpid());
        fflush(stdout);
        close(escaped[0]);
        close(escaped[1]);
        do_wait(NULL);
    }
    close(escaped[1]);
    char byte;
    (void)!read(escaped[0], &byte, 1);
    close(escaped[0]);
}

static void do_daemon(const char *unused)
{
    (void)unused;
    daemonize();
}

static void do_deaf_daemon(const char *unused)
{
    (void)unused;
    signal(SIGTERM, SIG_IGN);
    daemonize();
    signal(SIGTERM, SIG_DFL);
}

static void do_listen(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)number(port)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 16) != 0) {
        perror("bind");
        _exit(98);
    }
    if (number(port) == 0 && getsockname(listener, (struct sockaddr *)&address, &size) == 0) {
        printf("port %d\n", (int)ntohs(address.sin_port));
        fflush(stdout);
    }
}

static void do_serve(const char *refusals)
{
    for (int left = number(refusals);; left--) {
        int connection = accept(listener, NULL, NULL);
        char request[4096];
        ssize_t n = read(connection, request, sizeof(request));
        if (n <= 0)
            left++; /* a connection without a request was not refused anything */
        else
            dprintf(connection, "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                    left > 0 ? "503 Service Unavailable" : "200 OK");
        close(connection);
        if (left < -1000000)
            left = 0;
    }
}

static void do_exit(const char *status)
{
    _exit(number(status));
}

static void do_raise(const char *which)
{
    raise(number(which));
}

static const struct {
    const char *name;
    void (*act)(const char *argument);
} actions[] = {
    {"say", do_say},         {"print", do_print},   {"complain", do_complain},
    {"fill", do_fill},       {"show", do_show},     {"cwd", do_cwd},
    {"cat", do_cat},         {"ignore", do_ignore}, {"on-term-exit", do_on_term_exit},
    {"sleeper", do_sleeper}, {"daemon", do_daemon}, {"deaf-daemon", do_deaf_daemon},
    {"listen", do_listen},   {"serve", do_serve},   {"accept-nothing", do_wait},
    {"exit", do_exit},       {"raise", do_raise},   {"wait", do_wait},
};

static void act(struct slice argument)
{
    struct slice name;
    slice_split(&argument, '=', &name);
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (slice_is(name, actions[i].name)) {
            actions[i].act(argument.data);
            return;
        }
    }
    _exit(97);
}

void child_main(int argc, char **argv)
{
    if (argc < 2)
        return;
    for (int i = 1; i < argc; i++)
        act(slice_str(argv[i]));
    _exit(0);
}

const char *child_path(void)
{
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    return n > 0 ? path : "";
}
