/*
 * assay schema.
 */
#include "command.h"

static const struct option options[] = {
    {"reference", 0, OPTION_FLAG, offsetof(struct invocation, reference),
     .help = "The reference page instead, as Markdown."},
    {"scenario", 0, OPTION_FLAG, offsetof(struct invocation, scenario),
     .help = "Of scenarios, the files of `assay load`, instead of suites."},
    {NULL},
};

static const struct example examples[] = {
    {"assay schema > assay.schema.json",
     "for editors: \"$schema\": \"./assay.schema.json\" in a suite"},
    {"assay schema --scenario > scenario.schema.json", "the same for files of assay load"},
    {"assay schema --reference | less", "every key, step and check"},
    {NULL},
};

static int run(struct invocation *in)
{
    enum assay_schema_form json = in->scenario ? ASSAY_SCHEMA_SCENARIO : ASSAY_SCHEMA_JSON,
                           page = in->scenario ? ASSAY_SCHEMA_SCENARIO_REFERENCE
                                               : ASSAY_SCHEMA_REFERENCE;
    return assay_schema(in->reference ? page : json, in->streams.out);
}

const struct command command_schema = {
    .name = "schema",
    .words = "",
    .line = "Print the JSON Schema of suites or scenarios, or their reference",
    .text = "The JSON Schema (draft 2020-12) of suites, for completion and checks in editors, from "
            "the same table that the "
            "reader uses.",
    .options = (const struct option *const[]){options, options_common, NULL},
    .examples = examples,
    .run = run,
};
