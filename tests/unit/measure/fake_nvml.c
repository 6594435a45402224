/*
 * A library that answers as NVML does on a machine with two devices: the process that asks holds
 * 3 MB on the first one, whose use is 40 %, and 5 MB on the second, at 70 %; another process holds
 * 7 MB on the second. There is no GPU in most machines that run the tests.
 */
#include <unistd.h>

struct nvml_process {
    unsigned pid;
    unsigned long long memory;
    unsigned instance, compute_instance;
};

struct nvml_utilization {
    unsigned gpu, memory;
};

struct nvml_device {
    int index;
};

static struct nvml_device devices[2];

int nvmlInit_v2(void);
int nvmlShutdown(void);
const char *nvmlErrorString(int code);
int nvmlDeviceGetCount_v2(unsigned *count);
int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct nvml_device **device);
int nvmlDeviceGetUtilizationRates(struct nvml_device *device, struct nvml_utilization *use);
int nvmlDeviceGetComputeRunningProcesses_v3(struct nvml_device *device, unsigned *count,
                                            struct nvml_process *list);

int nvmlInit_v2(void)
{
    return 0;
}

int nvmlShutdown(void)
{
    return 0;
}

const char *nvmlErrorString(int code)
{
    return code ? "a failure" : "success";
}

int nvmlDeviceGetCount_v2(unsigned *count)
{
    *count = 2;
    return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct nvml_device **device)
{
    *device = &devices[index];
    return 0;
}

int nvmlDeviceGetUtilizationRates(struct nvml_device *device, struct nvml_utilization *use)
{
    *use = (struct nvml_utilization){device == &devices[0] ? 40 : 70, 10};
    return 0;
}

int nvmlDeviceGetComputeRunningProcesses_v3(struct nvml_device *device, unsigned *count,
                                            struct nvml_process *list)
{
    unsigned second = device == &devices[1];
    if (*count < 2)
        return 7;
    list[0] = (struct nvml_process){(unsigned)getpid(), second ? 5000000 : 3000000, 0, 0};
    list[1] = (struct nvml_process){1, 7000000, 0, 0};
    *count = 1 + second;
    return 0;
}
