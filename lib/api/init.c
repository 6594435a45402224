/*
 * assay_init_suite: a starter suite that explains itself and can be run as it is.
 */
#include <errno.h>

#include "api/session.h"

static const char starter[] =
    "// This is JSON with comments and trailing commas; YAML is read as well.\n"
    "{\n"
    "  \"name\": \"starter\",\n"
    "\n"
    "  // Values for ${…}. `--set model=other` replaces one for a run. A secret never reaches a "
    "report.\n"
    "  \"vars\": {\n"
    "    \"model\": \"stub\",\n"
    "    \"key\": { \"env\": \"API_KEY\", \"default\": \"\", \"secret\": true },\n"
    "  },\n"
    "\n"
    "  // The services under test. With a command, assay starts it on a free port, waits until it "
    "is\n"
    "  // ready, watches it and stops it. With only a \"url\" it runs elsewhere and is left "
    "alone.\n"
    "  \"services\": {\n"
    "    \"worker\": {\n"
    "      \"command\": [\"assay-worker\", \"--stub-mode\", \"--port\", \"${port}\"],\n"
    "      \"ready\": { \"http\": \"/health\", \"within\": \"10s\" },\n"
    "    },\n"
    "    // \"gateway\": { \"url\": \"${env.GATEWAY_URL:-http://localhost:8080}\" },\n"
    "  },\n"
    "\n"
    "  \"cases\": [\n"
    "    {\n"
    "      \"id\": \"the worker is healthy\",\n"
    "      \"http\": { \"get\": \"/health\" },\n"
    "      \"expect\": { \"status\": 200, \"json\": { \"$.status\": \"healthy\" } },\n"
    "    },\n"
    "    {\n"
    "      \"id\": \"a stream begins, brings tokens and ends once\",\n"
    "      \"tags\": [\"stream\"],\n"
    "      \"execute\": { \"prompt\": \"Say hello\", \"max_tokens\": 20, \"seed\": 42 },\n"
    "      \"expect\": {\n"
    "        \"events\": \"started token+ end\",\n"
    "        \"tokens\": { \"count\": { \"le\": 20 }, \"contiguous\": true },\n"
    "        \"time\": { \"ttft\": \"<1s\" },\n"
    "      },\n"
    "    },\n"
    "    {\n"
    "      \"id\": \"several steps share what they save\",\n"
    "      \"needs\": [\"the worker is healthy\"],\n"
    "      \"steps\": [\n"
    "        { \"execute\": { \"prompt\": \"One\", \"max_tokens\": 5, \"seed\": 7 }, \"save\": { "
    "\"first\": \"text\" },\n"
    "          \"expect\": { \"stop_reason\": \"MAX_TOKENS\" } },\n"
    "        { \"execute\": { \"prompt\": \"One\", \"max_tokens\": 5, \"seed\": 7 },\n"
    "          \"expect\": { \"text\": \"${first}\" } },   // the same seed, the same text\n"
    "      ],\n"
    "    },\n"
    "  ],\n"
    "}\n";

int assay_init_suite(const char *path, const struct assay_streams *streams)
{
    DEFER(session_end)
    struct session session = session_begin(streams);
    path = path ? path : "assay.jsonc";
    FILE *file = fopen(path, "wx"); /* never over something that is there */
    if (!file) {
        const char *why = errno == EEXIST
                              ? "it exists already; give another name: `assay init NAME.jsonc`"
                              : strerror(errno);
        return session_failed(&session, error_set(ERR_USAGE, "cannot write %s: %s", path, why));
    }
    fprintf(file, "// A suite of Assay: `assay run %s` runs it, `assay plan %s` only reads it.\n",
            path, path);
    fputs(starter, file);
    if (fclose(file) != 0)
        return session_failed(&session,
                              error_set(ERR_IO, "cannot write %s: %s", path, strerror(errno)));
    fprintf(session.streams.out, "Wrote %s. Next: assay run %s\n", path, path);
    return 0;
}
