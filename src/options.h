/*
 * Reading a command line by a command's tables: --name VALUE, --name=VALUE, -n VALUE, flags, and
 * words; "--" ends the options. An unknown option is answered with the nearest known one.
 */
#ifndef SRC_OPTIONS_H
#define SRC_OPTIONS_H

#include "command.h"

/*
 * Read `argv` (after the command's name) into `*out`, whose lists live in its arena. False after
 * saying on `err` what is wrong.
 */
bool options_read(const struct command *command, int argc, char **argv, struct invocation *out,
                  FILE *err);

/* The option of a command with this long name, or NULL. */
const struct option *option_find(const struct command *command, const char *name, size_t length);

#endif
