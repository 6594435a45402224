/*
 * The table of causes, as functions.
 */
#include "report/cause.h"

const char *evidence_word(enum evidence strength)
{
    static const char *const words[] = {
#define X(name, word, rule) word,
        EVIDENCE_TABLE(X)
#undef X
    };
    return words[strength];
}

const char *evidence_rule(enum evidence strength)
{
    static const char *const rules[] = {
#define X(name, word, rule) rule,
        EVIDENCE_TABLE(X)
#undef X
    };
    return rules[strength];
}

const char *severity_word(enum severity severity)
{
    static const char *const words[] = {
#define X(name, word) word,
        SEVERITY_TABLE(X)
#undef X
    };
    return words[severity];
}

static const struct {
    const char *name;
    bool alike;
    enum severity severity;
    const char *reason, *remedy;
} causes[] = {
#define X(code, name, alike, severity, reason, remedy)                                             \
    {name, alike, SEVERITY_##severity, reason, remedy},
    CAUSE_TABLE(X)
#undef X
};

const char *cause_name(enum cause_kind kind)
{
    return causes[kind].name;
}

bool cause_alike(enum cause_kind kind)
{
    return causes[kind].alike;
}

enum severity cause_severity(enum cause_kind kind)
{
    return causes[kind].severity;
}

const char *cause_severity_reason(enum cause_kind kind)
{
    return causes[kind].reason;
}

const char *cause_remedy(enum cause_kind kind)
{
    return causes[kind].remedy;
}
