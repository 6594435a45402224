/*
 * `assay-documents`, a program of the build: prints what is made from the tables of commands, so
 * that manual pages, completions and the reference never differ from the program. Not installed.
 */
#include <string.h>

#include "documents.h"

static const struct document {
    const char *name;
    void (*write)(FILE *to);
} documents[] = {
    {"cli.md", document_page}, {"load.md", document_load}, {"bash", document_bash},
    {"zsh", document_zsh},     {"fish", document_fish},    {NULL},
};

static int usage(void)
{
    fprintf(stderr, "usage: assay-documents man assay[-COMMAND]\n");
    for (const struct document *d = documents; d->name; d++)
        fprintf(stderr, "       assay-documents %s\n", d->name);
    return 2;
}

/* "assay" or "assay-run", as manual pages are called. */
static int write_man(const char *page)
{
    const struct command *command = NULL;
    if (strncmp(page, "assay-", 6) == 0)
        command = command_find(page + 6);
    if (!command && strcmp(page, "assay") != 0)
        return usage();
    document_man(command, stdout);
    return 0;
}

int main(int argc, char **argv)
{
    int status = 2;
    if (argc == 3 && strcmp(argv[1], "man") == 0) {
        status = write_man(argv[2]);
    } else {
        const struct document *d = documents;
        while (d->name && (argc != 2 || strcmp(d->name, argv[1]) != 0))
            d++;
        if (!d->name)
            return usage();
        d->write(stdout);
        status = 0;
    }
    return fflush(stdout) != 0 || ferror(stdout) ? 3 : status;
}
