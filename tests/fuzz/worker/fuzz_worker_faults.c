/*
 * The text that asks for faults comes from anybody. Whatever it is, reading it ends with a plan
 * whose values are within the table's bounds, or with a sentence.
 */
#include "core/memory.h"
#include "faults.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fault_plan plan = {0};
    struct slice text = slice_of((const char *)data, size);
    bool any = false;
    if (!result_ok(faults_read(text, true, &plan))) {
        MUST(error_last()->text[0], "a refusal without a reason");
        return 0;
    }
    for (size_t fault = 0; fault < FAULT_COUNT; fault++) {
        for (size_t i = 0; plan.asked[fault] && i < FAULT_PARAMETERS; i++) {
            uint64_t value = plan.values[fault][i];
            if (!fault_rows[fault].parameters[i].taken || value == FAULT_NOT_GIVEN)
                continue;
            MUST(value >= fault_rows[fault].parameters[i].min &&
                     value <= fault_rows[fault].parameters[i].max,
                 "%s: %llu", fault_rows[fault].name, (unsigned long long)value);
        }
        any = any || plan.asked[fault];
    }
    MUST(any == plan.any, "any is %d", plan.any);
    return 0;
}
