/*
 * assay schema.
 */
#include "command.h"

static const struct option options[] = {
    {"reference", 0, OPTION_FLAG, offsetof(struct invocation, reference),
     .help = "The reference page instead, as Markdown."},
    {NULL},
};

static const struct example examples[] = {
    {"assay schema > assay.schema.json",
     "for editors: \"$schema\": \"./assay.schema.json\" in a suite"},
    {"assay schema --reference | less", "every key, step and check"},
    {NULL},
};

static int run(struct invocation *in)
{
    return assay_schema(in->reference ? ASSAY_SCHEMA_REFERENCE : ASSAY_SCHEMA_JSON,
                        in->streams.out);
}

const struct command command_schema = {
    .name = "schema",
    .words = "",
    .line = "Print the JSON Schema of the suite format, or its reference",
    .text = "The JSON Schema (draft 2020-12) of suites, for completion and checks in editors, from "
            "the same table that the "
            "reader uses.",
    .options = (const struct option *const[]){options, options_common, NULL},
    .examples = examples,
    .run = run,
};
