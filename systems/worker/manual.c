/*
 * `assay-worker-manual`, a program of the build: prints the manual page of assay-worker, as source
 * for scdoc, from the tables of options and faults. Not installed.
 */
#include <stdio.h>

#include "core/memory.h"
#include "core/text.h"
#include "faults.h"
#include "options.h"

/* With scdoc's signs escaped. */
static void add_escaped(const char *text)
{
    for (; *text; text++) {
        if (strchr("\\*_`#~", *text))
            putchar('\\');
        putchar(*text);
    }
}

static void add_options(void)
{
    struct option_text o;
    puts("\n# OPTIONS");
    for (size_t i = 0; options_text(i, &o); i++) {
        printf("\n*%s*%s%s%s\n\t", o.name, o.argument ? " _" : "", o.argument ? o.argument : "",
               o.argument ? "_" : "");
        add_escaped(o.help);
        putchar('\n');
    }
}

static void add_faults(void)
{
    puts("\n# FAULTS\n\n"
         "What a request can ask the worker to do wrong, for that request only: in the query "
         "(_?fault=reset,at=3_), in the header *X-Assay-Fault*, or as the member "
         "\"assay\\_fault\" of a JSON body. Several are separated by semicolons. "
         "*--help-faults* shows their parameters too.");
    for (size_t i = 0; i < FAULT_COUNT; i++) {
        printf("\n*");
        add_escaped(fault_rows[i].name);
        printf("*\n\t");
        add_escaped(fault_rows[i].help);
        puts(fault_rows[i].openai_only ? " (OpenAI streams)" : "");
    }
}

static const char beginning[] =
    "# NAME\n\n"
    "assay-worker - the reference LLM worker, to test what talks to such workers\n\n"
    "# SYNOPSIS\n\n"
    "*assay-worker* *--stub-mode* [_OPTION_…]++\n"
    "*assay-worker* *--engine* _PATH_ [_OPTION_…]\n\n"
    "# DESCRIPTION\n\n"
    "Serves _/health_, _/execute_ (an event stream), _/cancel_, _/shutdown_ and _/metrics_, "
    "OpenAI's "
    "API below _/v1_ and KServe v2 below _/v2_, without a model, with the timing and the faults "
    "that "
    "it is asked for. It prints its address when it listens.\n\n"
    "A prompt that begins with _echo:_ is answered with what follows it; any other with a text "
    "that "
    "is the same for the same prompt and seed.\n\n"
    "SIGTERM and SIGINT end it in order: it refuses new work and lets running jobs finish; a "
    "second "
    "signal cancels them.";

static const char end[] =
    "\n# EXIT STATUS\n\n"
    "*0*\n\tit was shut down\n\n"
    "*2*\n\tthe command line is wrong\n\n"
    "*3*\n\tit could not listen, the ready callback failed, or the engine cannot load its model\n\n"
    "*4*\n\tthe engine crashed; a line on stderr names its function\n\n"
    "# ENVIRONMENT\n\n"
    "*ASSAY\\_LOG*\n\terror, warning, info or debug: what is told on stderr\n\n"
    "*ASSAY\\_LOG\\_FORMAT*\n\ttext or json\n\n"
    "# EXAMPLES\n\n"
    "*assay-worker --stub-mode --port 0*\n\tA worker on a free port, which it prints\n\n"
    "*assay-worker --stub-mode --first-token-ms lognormal:200,0.4 --delay-ms 20*\n\tOne that takes "
    "its time as a real one does\n\n"
    "# SEE ALSO\n\n"
    "*assay*(1), *assay-run*(1), *assay-suite*(5)";

int main(void)
{
    mem_install();
    printf("assay-worker(1) \"assay %s\" \"Assay\"\n\n", ASSAY_VERSION);
    puts(beginning);
    add_options();
    add_faults();
    puts(end);
    return fflush(stdout) != 0 || ferror(stdout) ? 3 : 0;
}
