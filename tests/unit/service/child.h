/*
 * The other side of these tests: the test program started again as the program under test. Each
 * argument is an action, done in order:
 *
 *   say=TEXT complain=TEXT   a line on stdout, on stderr
 *   print=TEXT               on stdout without a line ending
 *   fill=BYTES               that many bytes on stdout
 *   show=NAME                the environment variable; cwd: the working directory
 *   cat                      stdin to stdout
 *   ignore=SIGNAL            by number
 *   on-term-exit=STATUS      a handler
 *   sleeper                  a child in the same group that waits for ever; says "sleeper PID"
 *   daemon                   the same, escaped by double fork and setsid; says "daemon PID"
 *   deaf-daemon              the same, ignoring SIGTERM
 *   listen=PORT              on 127.0.0.1 (0: any; says "port N"); without SO_REUSEADDR
 *   serve=N                  answers 503 to the first N requests, then 200 for ever
 *   accept-nothing           waits for ever, connections stay in the backlog
 *   exit=STATUS raise=SIGNAL wait
 */
#ifndef TEST_SERVICE_CHILD_H
#define TEST_SERVICE_CHILD_H

/* For main(): does nothing and returns when there are no arguments. */
void child_main(int argc, char **argv);

/* The path of this program, for argv[0]. */
const char *child_path(void);

#endif
