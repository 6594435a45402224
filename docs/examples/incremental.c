/*
 * The events of a stream that your own HTTP client reads: a collector takes bytes however they are
 * cut, here three at a time, through the middle of a character.
 */
#include <assay/harness.h>

#include <stdio.h>
#include <string.h>

static bool print_token(void *context, const struct assay_event *event)
{
    (void)context;
    if (event->kind == ASSAY_EVENT_TOKEN)
        printf("token %lld: %s\n", (long long)event->index, event->text);
    return true;
}

int main(void)
{
    static const char stream[] = "data: {\"type\":\"started\",\"job_id\":\"j\"}\r\n\r\n"
                                 "data:{\"type\":\"token\",\"t\":\"Grüße\",\"i\":0}\r\n\r\n"
                                 "data: {\"type\":\"token\",\"t\":\" 🌊\",\"i\":1}\r\n\r\n"
                                 "data: {\"type\":\"end\",\"tokens_out\":2,\"stop_reason\":\"EOS\"}"
                                 "\r\n\r\n";
    struct assay_collector *collector = assay_collector_new(print_token, NULL);
    for (size_t at = 0, left = sizeof(stream) - 1; left > 0;) {
        size_t piece = left < 3 ? left : 3;
        assay_assert_ok(assay_collector_feed(collector, stream + at, piece));
        at += piece;
        left -= piece;
    }
    ASSAY_EVENTS_CLEANUP struct assay_events *events = assay_collector_end(collector);
    assay_assert_completed(events);
    assay_assert_tokens_contiguous(events);
    assay_assert_text(events, "Grüße 🌊");
    printf("ended with %s\n", events->terminal->stop_reason);
    return 0;
}
