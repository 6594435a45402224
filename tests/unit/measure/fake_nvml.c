/*
 * A library that answers as NVML does on a machine with two devices: the process that asks holds
 * 3 MB on the first one, whose use is 40 %, and 5 MB on the second, at 70 %; another process holds
 * 7 MB on the second. There is no GPU in most machines that run the tests.
 */
#include <unistd.h>

struct process {
    unsigned pid;
    unsigned long long memory;
    unsigned instance, compute_instance;
};

struct utilization {
    unsigned gpu, memory;
};

static int devices[2];

int nvmlInit_v2(void);
int nvmlShutdown(void);
const char *nvmlErrorString(int code);
int nvmlDeviceGetCount_v2(unsigned *count);
int nvmlDeviceGetHandleByIndex_v2(unsigned index, int **device);
int nvmlDeviceGetUtilizationRates(const int *device, struct utilization *use);
int nvmlDeviceGetComputeRunningProcesses_v3(const int *device, unsigned *count,
                                            struct process *list);

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

int nvmlDeviceGetHandleByIndex_v2(unsigned index, int **device)
{
    *device = &devices[index];
    return 0;
}

int nvmlDeviceGetUtilizationRates(const int *device, struct utilization *use)
{
    *use = (struct utilization){device == &devices[0] ? 40 : 70, 10};
    return 0;
}

int nvmlDeviceGetComputeRunningProcesses_v3(const int *device, unsigned *count,
                                            struct process *list)
{
    unsigned second = device == &devices[1];
    if (*count < 2)
        return 7;
    list[0] = (struct process){(unsigned)getpid(), second ? 5000000 : 3000000, 0, 0};
    list[1] = (struct process){1, 7000000, 0, 0};
    *count = 1 + second;
    return 0;
}
