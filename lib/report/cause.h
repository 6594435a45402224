/*
 * Causes of failures: the one table of what is recognised, how bad each is and what can be done,
 * and the scale on which evidence is weighed. docs/failures.md explains both, and a test holds it
 * to this table.
 *
 * A cause is never more than what was seen allows: each carries its evidence and how strong that
 * is. Where nothing speaks for a cause, none is named.
 */
#ifndef REPORT_CAUSE_H
#define REPORT_CAUSE_H

#include "core/slice.h"

/* In the order of worth; the words are the ones shown. */
#define EVIDENCE_TABLE(X)                                                                          \
    X(WEAK, "weak", "it fits what was seen, and other causes would fit as well")                   \
    X(STRONG, "strong", "what was seen points to it, and nothing seen speaks against it")          \
    X(CERTAIN, "certain", "it was itself observed: an event, a status, the bytes that came")

enum evidence {
#define X(name, word, rule) EVIDENCE_##name,
    EVIDENCE_TABLE(X)
#undef X
        EVIDENCE_COUNT
};

#define SEVERITY_TABLE(X)                                                                          \
    X(LOW, "low")                                                                                  \
    X(MEDIUM, "medium")                                                                            \
    X(HIGH, "high")                                                                                \
    X(CRITICAL, "critical")

enum severity {
#define X(name, word) SEVERITY_##name,
    SEVERITY_TABLE(X)
#undef X
        SEVERITY_COUNT
};

/*
 * Roots before what follows from them: of two causes with evidence of the same strength, the one
 * higher up is named first. `alike`: failures with this cause and the same subject are one group,
 * whatever their messages say; others must say the same as well.
 *
 *   code, name, alike, severity, why it is so severe, remedy
 */
#define CAUSE_TABLE(X)                                                                             \
    X(OUT_OF_MEMORY, "out_of_memory", true, CRITICAL, "what runs out of memory ends",              \
      "give it more memory, or less to do at once (`uses`, --jobs); look for a leak in its "       \
      "memory over the run")                                                                       \
    X(SERVICE_DIED, "service_died", true, CRITICAL, "nothing that uses a dead service can pass",   \
      "its last lines and a core dump say where; run the command below under a debugger")          \
    X(PROGRAM_MISSING, "program_missing", true, CRITICAL, "nothing that needs it can begin",       \
      "install it, put its folder into PATH, or correct the command in the suite")                 \
    X(PORT_TAKEN, "port_taken", true, CRITICAL, "the service cannot listen",                       \
      "end what holds the port, or let assay choose a free one with ${port}")                      \
    X(SERVICE_NOT_STARTED, "service_not_started", true, CRITICAL,                                  \
      "nothing that uses the service can begin",                                                   \
      "run its command by hand; its last lines say what it misses")                                \
    X(SERVICE_NOT_READY, "service_not_ready", true, CRITICAL,                                      \
      "nothing that uses the service can begin",                                                   \
      "see whether `ready` asks for the right thing, or give it more time with `within`")          \
    X(SERVICE_STOPPED, "service_stopped", true, CRITICAL, "a stopped service answers nobody",      \
      "continue it (kill -CONT), and find who stopped it: a debugger, a shell, a freezer")         \
    X(OUT_OF_DESCRIPTORS, "out_of_descriptors", true, HIGH,                                        \
      "no further connection or file can be opened",                                               \
      "raise the limit (ulimit -n, LimitNOFILE=), or look for descriptors that are never closed")  \
    X(OUT_OF_SPACE, "out_of_space", true, HIGH, "nothing can be written",                          \
      "make room on the device, or write elsewhere")                                               \
    X(OUT_OF_GPU_MEMORY, "out_of_gpu_memory", true, HIGH, "no further job finds room",             \
      "enlarge the cache, shorten prompts and answers, or run fewer at once (`uses`)")             \
    X(NOT_AUTHORISED, "not_authorised", true, CRITICAL,                                            \
      "everything sent with these credentials is refused",                                         \
      "see whether the key is there, valid, and allowed to do this")                               \
    X(RATE_LIMITED, "rate_limited", true, HIGH, "what comes too often is refused",                 \
      "ask less often: fewer at once (`uses`, --jobs), or retry after the time it names")          \
    X(NAME_NOT_RESOLVED, "name_not_resolved", true, HIGH, "the service cannot be reached",         \
      "correct the url, or see to the name service")                                               \
    X(CONNECTION_REFUSED, "connection_refused", true, HIGH, "the service cannot be reached",       \
      "start it, or correct the url: nothing listens there")                                       \
    X(TLS, "tls", true, HIGH, "no request gets through",                                           \
      "see which certificate and protocol it offers: openssl s_client -connect HOST:PORT")         \
    X(SERVICE_UNAVAILABLE, "service_unavailable", true, HIGH, "it refuses all work for now",       \
      "wait until it is ready again (`ready`, `retry`), and look for why in its log")              \
    X(SERVER_ERROR, "server_error", true, HIGH, "the service failed at a request",                 \
      "its log at that time says why")                                                             \
    X(ERROR_EVENT, "error_event", true, HIGH, "the service gave up a job it had begun",            \
      "its error code and its log say why")                                                        \
    X(NO_SUCH_PATH, "no_such_path", false, MEDIUM, "this request cannot work",                     \
      "correct the path, or see which version of the API the service serves")                      \
    X(REQUEST_REFUSED, "request_refused", false, MEDIUM, "this request cannot work",               \
      "correct the request: the answer says what is wrong with it")                                \
    X(CONNECTION_RESET, "connection_reset", true, HIGH, "answers are lost on the way",             \
      "look for a crash, a limit or a time-out in the service and in what stands before it")       \
    X(CONNECTION_CUT, "connection_cut", true, HIGH, "answers are lost on the way",                 \
      "look for who closes: the service, or a proxy's limit of time or size")                      \
    X(INVALID_UTF8, "invalid_utf8", true, MEDIUM, "strict clients stop at it",                     \
      "hold back bytes until a character is complete before sending them")                         \
    X(MALFORMED_JSON, "malformed_json", true, MEDIUM, "clients cannot read it",                    \
      "see what writes the JSON: the first bytes that are none are shown")                         \
    X(STREAM_ORDER, "stream_order", true, MEDIUM, "clients put the text together wrongly",         \
      "see what numbers and sends the events, above all when several threads do")                  \
    X(STREAM_UNFINISHED, "stream_unfinished", true, MEDIUM, "clients wait, or take half for all",  \
      "send the last event in every case, also after an error")                                    \
    X(PROTOCOL_BROKEN, "protocol_broken", false, MEDIUM, "clients cannot read the answer",         \
      "the message says which rule was broken")                                                    \
    X(STALLED, "stalled", true, HIGH, "an answer that began does not go on",                       \
      "look for a deadlock or a lost wake-up: what was it doing when the last byte came?")         \
    X(NO_ANSWER, "no_answer", true, HIGH, "requests are taken and not answered",                   \
      "look for a deadlock, a full queue or an endless loop in the service")                       \
    X(SLOW_ANSWER, "slow_answer", false, MEDIUM, "the answer was on its way when time was up",     \
      "give it more time (`timeout`), ask for less, or find what makes it slow")                   \
    X(SHARED_FACTOR, "shared_factor", true, MEDIUM, "it concerns a whole group of cases",          \
      "look at what these cases have in common and the others do not")                             \
    X(NEW_SINCE, "new_since", true, MEDIUM, "it worked before",                                    \
      "look at what changed between the two runs: assay compare GOOD BAD")                         \
    X(ANOMALY, "anomaly", true, MEDIUM, "the surroundings were out of the ordinary",               \
      "see what the machine and the service did at that time")                                     \
    X(LOG_LINE, "log_line", false, MEDIUM, "the service itself reports an error",                  \
      "its log around that time says more")                                                        \
    X(SUITE_WRONG, "suite_wrong", false, MEDIUM, "the test does not test what it should",          \
      "correct the suite at the place shown")                                                      \
    X(PROGRAM_FAILED, "program_failed", false, MEDIUM, "a program that the case runs failed",      \
      "its standard error says why")                                                               \
    X(TOO_SLOW, "too_slow", false, MEDIUM, "it works, but later than it should",                   \
      "compare with earlier runs (assay history), and see what else ran at that time")             \
    X(OTHER_ANSWER, "other_answer", false, MEDIUM, "it answers, but not what was expected",        \
      "compare expected and actual: either the service or the expectation is wrong")

enum cause_kind {
#define X(code, name, alike, severity, reason, remedy) CAUSE_##code,
    CAUSE_TABLE(X)
#undef X
        CAUSE_KIND_COUNT
};

const char *evidence_word(enum evidence strength);
const char *evidence_rule(enum evidence strength);
const char *severity_word(enum severity severity);

const char *cause_name(enum cause_kind kind);
bool cause_alike(enum cause_kind kind);
enum severity cause_severity(enum cause_kind kind);
const char *cause_severity_reason(enum cause_kind kind);
const char *cause_remedy(enum cause_kind kind);

#endif
