/*
 * What is written from the tables of commands besides --help: manual pages, the reference page,
 * completions of shells. Each writer prints a whole document; nothing can fail but the file.
 */
#ifndef SRC_DOCUMENTS_H
#define SRC_DOCUMENTS_H

#include "command.h"

/* The manual page of a command, or of assay itself for NULL; source for scdoc. */
void document_man(const struct command *command, FILE *to);

/* docs/reference/cli.md */
void document_page(FILE *to);
void document_load(FILE *to);

void document_bash(FILE *to);
void document_zsh(FILE *to);
void document_fish(FILE *to);

#endif
