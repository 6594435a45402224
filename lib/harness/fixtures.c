/*
 * Where models are.
 */
#include "assay/fixtures.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static _Thread_local char found[PATH_MAX];

/* "folder/path" when it can be read. */
static const char *file_below(const char *folder, const char *path)
{
    int n = snprintf(found, sizeof(found), "%s%s%s", folder, *folder ? "/" : "", path);
    return n > 0 && (size_t)n < sizeof(found) && access(found, R_OK) == 0 ? found : NULL;
}

const char *assay_model_file(struct assay_model model)
{
    const char *folder = getenv("ASSAY_MODELS");
    const char *file = NULL;
    if (model.path[0] != '/' && folder && *folder)
        file = file_below(folder, model.path);
    return file ? file : file_below("", model.path);
}
