/*
 * What a webhook says, and the forms it is said in.
 */
#ifndef RECORD_WEBHOOK_FORM_H
#define RECORD_WEBHOOK_FORM_H

#include "core/text.h"
#include "record/event.h"

/* A case that did not pass, or that passes again. */
struct webhook_case {
    struct webhook_case *next;
    struct slice key, reason, place, rerun;
    enum case_status status;
    bool fresh; /* it did not fail before */
};

struct webhook_cases {
    struct webhook_case *first, **last; /* the first LIMIT_WEBHOOK_CASES */
    size_t count, fresh;                /* of all */
};

struct webhook_message {
    const struct run_info *run;
    struct webhook_cases failures, fixed;
    bool history; /* it is known what is new */
};

struct webhook_form {
    const char *name;
    void (*write)(struct text *t, const struct webhook_message *message); /* the body, JSON */
};

/* The first is the one that needs no name; ends with name NULL. */
extern const struct webhook_form webhook_forms[];

#endif
