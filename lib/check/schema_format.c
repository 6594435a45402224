/*
 * Formats as grammars: each is a regular expression that transcribes the RFC it is defined by, and
 * a few have a rule beyond any grammar in C. Formats are asserted only when somebody asks for it,
 * so a table that can be read against the RFCs goes before speed.
 */
#include "check/schema_format.h"

#include "check/hostname.h"
#include "check/regex.h"
#include "core/arena.h"

/* RFC 3986, appendix A; RFC 3987 adds `UCS` to the characters and `PRIVATE` to those of a query. */
#define ADDRESS_RULES                                                                              \
    "(?<octet>25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"                                        \
    "(?<ipv4>(?&octet)(?:\\.(?&octet)){3})"                                                        \
    "(?<h16>[0-9A-Fa-f]{1,4})"                                                                     \
    "(?<ls32>(?&h16):(?&h16)|(?&ipv4))"                                                            \
    "(?<ipv6>(?:(?&h16):){6}(?&ls32)|::(?:(?&h16):){5}(?&ls32)"                                    \
    "|(?&h16)?::(?:(?&h16):){4}(?&ls32)|(?:(?:(?&h16):){0,1}(?&h16))?::(?:(?&h16):){3}(?&ls32)"    \
    "|(?:(?:(?&h16):){0,2}(?&h16))?::(?:(?&h16):){2}(?&ls32)"                                      \
    "|(?:(?:(?&h16):){0,3}(?&h16))?::(?&h16):(?&ls32)"                                             \
    "|(?:(?:(?&h16):){0,4}(?&h16))?::(?&ls32)|(?:(?:(?&h16):){0,5}(?&h16))?::(?&h16)"              \
    "|(?:(?:(?&h16):){0,6}(?&h16))?::)"
#define URI_RULES(UCS, PRIVATE)                                                                    \
    "(?(DEFINE)" ADDRESS_RULES "(?<pct>%[0-9A-Fa-f]{2})"                                           \
    "(?<scheme>[A-Za-z][A-Za-z0-9+.\\-]*+)"                                                        \
    "(?<userinfo>(?:[A-Za-z0-9\\-._~!$&'()*+,;=:" UCS "]|(?&pct))*+)"                              \
    "(?<host>\\[(?:(?&ipv6)|[Vv][0-9A-Fa-f]+\\.[A-Za-z0-9\\-._~!$&'()*+,;=:]+)\\]"                 \
    "|(?:[A-Za-z0-9\\-._~!$&'()*+,;=" UCS "]|(?&pct))*+)"                                          \
    "(?<authority>(?:(?&userinfo)@)?(?&host)(?::[0-9]*)?)"                                         \
    "(?<pchar>[A-Za-z0-9\\-._~!$&'()*+,;=:@" UCS "]|(?&pct))"                                      \
    "(?<noscheme>(?:[A-Za-z0-9\\-._~!$&'()*+,;=@" UCS "]|(?&pct))++(?:/(?&pchar)*+)*+)"            \
    "(?<tail>(?:\\?(?:(?&pchar)|[/?" PRIVATE "])*+)?+(?:\\#(?:(?&pchar)|[/?])*+)?+)"               \
    "(?<network>//(?&authority)(?:/(?&pchar)*+)*+)"                                                \
    "(?<absolute>/(?:(?&pchar)++(?:/(?&pchar)*+)*+)?+)"                                            \
    "(?<rootless>(?&pchar)++(?:/(?&pchar)*+)*+)"                                                   \
    "(?<full>(?&scheme):(?:(?&network)|(?&absolute)|(?&rootless)|)(?&tail))"                       \
    "(?<relative>(?:(?&network)|(?&absolute)|(?&noscheme)|)(?&tail)))"
#define UCS_CHARS                                                                                  \
    "\\x{a0}-\\x{d7ff}\\x{f900}-\\x{fdcf}\\x{fdf0}-\\x{ffef}\\x{10000}-\\x{1fffd}"                 \
    "\\x{20000}-\\x{2fffd}\\x{30000}-\\x{3fffd}\\x{40000}-\\x{4fffd}\\x{50000}-\\x{5fffd}"         \
    "\\x{60000}-\\x{6fffd}\\x{70000}-\\x{7fffd}\\x{80000}-\\x{8fffd}\\x{90000}-\\x{9fffd}"         \
    "\\x{a0000}-\\x{afffd}\\x{b0000}-\\x{bfffd}\\x{c0000}-\\x{cfffd}\\x{d0000}-\\x{dfffd}"         \
    "\\x{e1000}-\\x{efffd}"
#define PRIVATE_CHARS "\\x{e000}-\\x{f8ff}\\x{f0000}-\\x{ffffd}\\x{100000}-\\x{10fffd}"

/* RFC 3339. */
#define DATE "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
#define TIME                                                                                       \
    "(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\\.[0-9]+)?"                              \
    "(?:[Zz]|[+\\-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
#define HOURS "(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S)"
#define DAYS "(?:[0-9]+D|[0-9]+M(?:[0-9]+D)?|[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?)"

/* RFC 5321, 4.1.2; RFC 6531 adds what is not ASCII. The domain is looked at in C. */
#define MAILBOX(UTF8)                                                                              \
    "(?(DEFINE)" ADDRESS_RULES ")"                                                                 \
    "(?:[A-Za-z0-9!#$%&'*+\\-/=?^_`{|}~" UTF8 "]++(?:\\.[A-Za-z0-9!#$%&'*+\\-/=?^_`{|}~" UTF8      \
    "]++)*+|\"(?:[ !\\#-\\[\\]-~" UTF8 "]|\\\\[ -~])*+\")"                                         \
    "@(?:\\[(?:(?&ipv4)|IPv6:(?&ipv6))\\]|[^\\[\\]@]++)"

/* RFC 6901, RFC 6570. */
#define POINTER "(?:/(?:[^/~]|~[01])*+)*+"
#define VARIABLE                                                                                   \
    "(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})++(?:\\.(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})++)*+"                \
    "(?::[1-9][0-9]{0,3}|\\*)?"

/* ---- rules beyond a grammar ---- */

static int two_digits(const char *s)
{
    return (s[0] - '0') * 10 + (s[1] - '0');
}

/* A date whose month has that day. */
static bool date_exists(struct slice s)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = two_digits(s.data) * 100 + two_digits(s.data + 2);
    int month = two_digits(s.data + 5), day = two_digits(s.data + 8);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= days[month - 1] + (month == 2 && leap);
}

/* A second 60 stands only at the end of a day in UTC. */
static bool time_exists(struct slice s)
{
    const char *offset = s.data + s.len - 6;
    bool local = (s.data[s.len - 1] | 0x20) != 'z';
    int shift = local ? two_digits(offset + 1) * 60 + two_digits(offset + 4) : 0;
    int minute = two_digits(s.data) * 60 + two_digits(s.data + 3);
    minute += local && *offset == '+' ? -shift : shift;
    return two_digits(s.data + 6) != 60 || (minute + 2 * 1440) % 1440 == 1439;
}

static bool date_time_exists(struct slice s)
{
    return date_exists(s) && time_exists(slice_from(s, 11));
}

/* The domain of a mailbox, when it is not an address in brackets. */
static struct slice domain_of(struct slice s)
{
    size_t at = s.len;
    while (at > 0 && s.data[at - 1] != '@')
        at--;
    return slice_from(s, at);
}

static bool has_ascii_domain(struct slice s)
{
    struct slice domain = domain_of(s);
    return *domain.data == '[' || hostname_valid(domain);
}

static bool has_any_domain(struct slice s)
{
    struct slice domain = domain_of(s);
    return *domain.data == '[' || hostname_valid_international(domain);
}

static bool is_regex(struct slice s)
{
    return result_ok(regex_check(s, REGEX_ECMA));
}

/* ---- the table ---- */

static const struct format {
    const char *name;
    const char *grammar;             /* the whole text must match; NULL: anything */
    bool (*rule)(struct slice text); /* asked when the grammar fits; NULL: nothing more */
} formats[] = {
    {"date-time", DATE "[Tt]" TIME, date_time_exists},
    {"date", DATE, date_exists},
    {"time", TIME, time_exists},
    {"duration", "P(?:" DAYS "(?:T" HOURS ")?|T" HOURS "|[0-9]+W)", NULL},
    {"email", MAILBOX(""), has_ascii_domain},
    {"idn-email", MAILBOX("\\x{80}-\\x{10ffff}"), has_any_domain},
    {"hostname", NULL, hostname_valid},
    {"idn-hostname", NULL, hostname_valid_international},
    {"ipv4", "(?(DEFINE)" ADDRESS_RULES ")(?&ipv4)", NULL},
    {"ipv6", "(?(DEFINE)" ADDRESS_RULES ")(?&ipv6)", NULL},
    {"uri", URI_RULES("", "") "(?&full)", NULL},
    {"uri-reference", URI_RULES("", "") "(?:(?&full)|(?&relative))", NULL},
    {"iri", URI_RULES(UCS_CHARS, PRIVATE_CHARS) "(?&full)", NULL},
    {"iri-reference", URI_RULES(UCS_CHARS, PRIVATE_CHARS) "(?:(?&full)|(?&relative))", NULL},
    {"uuid", "[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}", NULL},
    {"uri-template",
     "(?:[!\\#$&'(-;=?-\\[\\]_a-z~" UCS_CHARS PRIVATE_CHARS "]|%[0-9A-Fa-f]{2}"
     "|\\{[+\\#./;?&=,!@|]?" VARIABLE "(?:," VARIABLE ")*+\\})*+",
     NULL},
    {"json-pointer", POINTER, NULL},
    {"relative-json-pointer", "(?:0|[1-9][0-9]*+)(?:\\#|" POINTER ")", NULL},
    {"regex", NULL, is_regex},
};

struct result format_matches(struct slice format, struct slice text, bool *out)
{
    *out = true;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const struct format *f = &formats[i];
        if (!slice_is(format, f->name))
            continue;
        if (f->grammar)
            TRY(regex_matches(slice_str(f->grammar), REGEX_PERL | REGEX_WHOLE, text, out));
        *out = *out && (!f->rule || f->rule(text));
        break;
    }
    return RESULT_OK;
}
