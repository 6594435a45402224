/*
 * Every ceiling on what somebody else can make us hold, in one table, each with its reason.
 */
#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H

/* A suite is written by people; 16 MiB is a hundred thousand cases. */
#define LIMIT_SUITE_BYTES (16u << 20)
/* Files that include files: deeper is a loop or a mistake. */
#define LIMIT_INCLUDE_DEPTH 16
/* Nesting of JSON, YAML, schemas and paths: our readers recurse, the stack is 8 MiB. */
#define LIMIT_DEPTH 128
/* One line of an export of a store: the longest we write is an evidence of three texts, escaped. */
#define LIMIT_IMPORT_LINE_BYTES (16u << 20)
/* Nodes of one suite after YAML aliases: stops the "billion laughs". */
#define LIMIT_SUITE_NODES 4000000u
/* Anchors of one YAML suite: each alias searches them all. */
#define LIMIT_SUITE_ANCHORS 1000u
/* Results that wait for their commit; no case begins while there are more. */
#define LIMIT_PENDING_RESULTS 128
/* Faults of one suite that are kept and shown; more help nobody. */
#define LIMIT_DIAGNOSTICS 100
/* Cases after expansion of matrix and each. */
#define LIMIT_CASES 1000000u

/* One HTTP start line or header line: nginx and Apache allow 8 KiB. */
#define LIMIT_HTTP_LINE_BYTES (8u << 10)
/* All header lines together, and how many: h2o and Node use 100 and 16–64 KiB. */
#define LIMIT_HTTP_HEAD_BYTES (64u << 10)
#define LIMIT_HTTP_HEADERS 128
/* A chunk-size line with its extensions; llhttp had to learn that extensions need a limit. */
#define LIMIT_HTTP_CHUNK_LINE_BYTES (1u << 10)
/* Chunk extensions of one message: Node allows 16 KiB; nobody sends any but to waste our time. */
#define LIMIT_HTTP_EXTENSION_BYTES (16u << 10)
/* Answers a simulator holds for a client that does not read them. */
#define LIMIT_HTTP_PENDING_BYTES (64u << 20)
/* Requests a client sends ahead while the one before is answered; then we stop reading. */
#define LIMIT_HTTP_PIPELINE_BYTES (64u << 10)
/* A response kept whole for checks. */
#define LIMIT_BODY_BYTES (64u << 20)
/* One image of a message: what providers take. */
#define LIMIT_IMAGE_BYTES (20u << 20)
/* Images of one request: its body, in base64, is still less than one we would read. */
#define LIMIT_IMAGES 16
/* One SSE event (all its data lines). */
#define LIMIT_SSE_EVENT_BYTES (8u << 20)
/* Events kept of one stream. */
#define LIMIT_STREAM_EVENTS 1000000u

/* Output of one program or service kept in memory for checks and reports; the file has it all. */
#define LIMIT_OUTPUT_BYTES (8u << 20)
/* Of an exchange or a log, how much goes into the evidence of a failed check. */
#define LIMIT_EVIDENCE_BYTES (64u << 10)
/* One value in a failure message. */
#define LIMIT_SHOWN_BYTES 2000

/* Tries to deliver a webhook: with pauses that double, some seconds in all. */
#define LIMIT_WEBHOOK_TRIES 4
/* Cases told in one webhook; the rest are a number. Slack and Teams refuse long messages. */
#define LIMIT_WEBHOOK_CASES 50

/* Cases that a report knows everything of; of more failures it has the line each was summed up in.
 */
#define LIMIT_REPORT_DETAILS 1000
/* Earlier runs looked at for when a failure began. */
#define LIMIT_REPORT_PAST_RUNS 50
/* Of a message, what tells whether two failures are alike. */
#define LIMIT_NORMALISED_BYTES 500

/* An HTML report: what mail servers still take; evidence has the most of it. */
#define LIMIT_HTML_BYTES (5u << 20)
#define LIMIT_HTML_EVIDENCE_BYTES (2u << 20)
/* Rows of one table of it, and marks in one chart: more is not looked at. */
#define LIMIT_HTML_ROWS 2000u
#define LIMIT_HTML_MARKS 6000u

/* Requests a second of a load, the steps its rate may have, and the threads that make it: more than
 * any one machine can do with. */
#define LIMIT_LOAD_RATE 1e7
#define LIMIT_LOAD_STAGES 64
#define LIMIT_LOAD_THREADS 256
/* Prompts and traces of a load: the public ones have up to 30,000 rows a file, and weeks of them
 * some 100 MiB. */
#define LIMIT_LOAD_INPUT_BYTES (256u << 20)
#define LIMIT_LOAD_INPUTS 1000000u
/* Tokens of a prompt that is made up, and of an answer asked for: the longest contexts there are.
 */
#define LIMIT_LOAD_TOKENS 10000000u
/* One request of it: such a prompt, or a conversation so far. */
#define LIMIT_LOAD_REQUEST_BYTES (64u << 20)
/* What a conversation of a load has said, with the answers: contexts of a million tokens. */
#define LIMIT_LOAD_CONVERSATION_BYTES (8u << 20)
/* Questions of one conversation, and how long a user thinks before each (ns, an hour). */
#define LIMIT_LOAD_TURNS 1000u
#define LIMIT_LOAD_THINK 3600000000000
/* All requests of a load, written before it begins. */
#define LIMIT_LOAD_WRITTEN_BYTES (1u << 30)

/* Steps of PCRE2's matcher and its heap (KiB): a pattern must not hang a run. */
#define LIMIT_REGEX_MATCH 1000000u
#define LIMIT_REGEX_DEPTH 10000u
#define LIMIT_REGEX_HEAP_KIB 8192u
/* A pattern itself: its compiled form is several times as long. */
#define LIMIT_REGEX_PATTERN_BYTES (64u << 10)
/* Nodes one JSONPath query may select or visit. */
#define LIMIT_PATH_NODES 1000000u
/* Subschemas applied in one validation: some 10 s; a body of 64 MiB has fewer values. */
#define LIMIT_SCHEMA_STEPS 50000000u

#endif
