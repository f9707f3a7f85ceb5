/* Signals and capabilities by name. */
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

#include "spec/spec.h"

/* ---- signals -------------------------------------------------------------------------------------- */

#define SIGNAL(name) [SIG##name] = "SIG" #name

/* Linux's signal(7); the first two real-time signals are the threads library's own. */
static const char *const signal_table[] = {
    SIGNAL(HUP),  SIGNAL(INT),    SIGNAL(QUIT), SIGNAL(ILL),    SIGNAL(TRAP), SIGNAL(ABRT),
    SIGNAL(BUS),  SIGNAL(FPE),    SIGNAL(KILL), SIGNAL(USR1),   SIGNAL(SEGV), SIGNAL(USR2),
    SIGNAL(PIPE), SIGNAL(ALRM),   SIGNAL(TERM), SIGNAL(STKFLT), SIGNAL(CHLD), SIGNAL(CONT),
    SIGNAL(STOP), SIGNAL(TSTP),   SIGNAL(TTIN), SIGNAL(TTOU),   SIGNAL(URG),  SIGNAL(XCPU),
    SIGNAL(XFSZ), SIGNAL(VTALRM), SIGNAL(PROF), SIGNAL(WINCH),  SIGNAL(IO),   SIGNAL(PWR),
    SIGNAL(SYS),
};

#define RTMIN_NUMBER 34
#define RTMAX_NUMBER 64

static const char *const realtime_table[RTMAX_NUMBER - RTMIN_NUMBER + 1] = {
    "SIGRTMIN",    "SIGRTMIN+1",  "SIGRTMIN+2",  "SIGRTMIN+3",  "SIGRTMIN+4",  "SIGRTMIN+5",
    "SIGRTMIN+6",  "SIGRTMIN+7",  "SIGRTMIN+8",  "SIGRTMIN+9",  "SIGRTMIN+10", "SIGRTMIN+11",
    "SIGRTMIN+12", "SIGRTMIN+13", "SIGRTMIN+14", "SIGRTMIN+15", "SIGRTMAX-14", "SIGRTMAX-13",
    "SIGRTMAX-12", "SIGRTMAX-11", "SIGRTMAX-10", "SIGRTMAX-9",  "SIGRTMAX-8",  "SIGRTMAX-7",
    "SIGRTMAX-6",  "SIGRTMAX-5",  "SIGRTMAX-4",  "SIGRTMAX-3",  "SIGRTMAX-2",  "SIGRTMAX-1",
    "SIGRTMAX",
};

static const struct {
    const char *name;
    int signal;
} signal_alias_table[] = {
    { "CLD", SIGCHLD },
    { "IOT", SIGABRT },
    { "POLL", SIGIO },
};

/* "RTMIN+3" or "RTMAX-3", counted from either end. */
static int realtime_parse(const char *text)
{
    bool from_min = strncasecmp(text, "RTMIN", 5) == 0;
    uint64_t distance = 0;

    if (!from_min && strncasecmp(text, "RTMAX", 5) != 0)
        return -EINVAL;
    text += 5;
    if (*text == (from_min ? '+' : '-')) {
        if (number_parse(text + 1, RTMAX_NUMBER - RTMIN_NUMBER, &distance) < 0)
            return -EINVAL;
    } else if (*text != '\0') {
        return -EINVAL;
    }
    return from_min ? RTMIN_NUMBER + (int)distance : RTMAX_NUMBER - (int)distance;
}

int signal_parse(const char *text)
{
    uint64_t number;

    if (number_parse(text, RTMAX_NUMBER, &number) == 0)
        return number > 0 ? (int)number : -EINVAL;
    if (strncasecmp(text, "SIG", 3) == 0)
        text += 3;
    for (size_t i = 1; i < ARRAY_SIZE(signal_table); i++) {
        if (strcasecmp(signal_table[i] + 3, text) == 0)
            return (int)i;
    }
    for (size_t i = 0; i < ARRAY_SIZE(signal_alias_table); i++) {
        if (strcasecmp(signal_alias_table[i].name, text) == 0)
            return signal_alias_table[i].signal;
    }
    return realtime_parse(text);
}

const char *signal_name(int signal)
{
    if (signal > 0 && (size_t)signal < ARRAY_SIZE(signal_table))
        return signal_table[signal];
    if (signal >= RTMIN_NUMBER && signal <= RTMAX_NUMBER)
        return realtime_table[signal - RTMIN_NUMBER];
    return NULL;
}

/* ---- capabilities ------------------------------------------------------------------------------------ */

#define CAPABILITY(name) [CAP_##name] = #name

/* capabilities(7) */
static const char *const capability_table[] = {
    CAPABILITY(CHOWN),
    CAPABILITY(DAC_OVERRIDE),
    CAPABILITY(DAC_READ_SEARCH),
    CAPABILITY(FOWNER),
    CAPABILITY(FSETID),
    CAPABILITY(KILL),
    CAPABILITY(SETGID),
    CAPABILITY(SETUID),
    CAPABILITY(SETPCAP),
    CAPABILITY(LINUX_IMMUTABLE),
    CAPABILITY(NET_BIND_SERVICE),
    CAPABILITY(NET_BROADCAST),
    CAPABILITY(NET_ADMIN),
    CAPABILITY(NET_RAW),
    CAPABILITY(IPC_LOCK),
    CAPABILITY(IPC_OWNER),
    CAPABILITY(SYS_MODULE),
    CAPABILITY(SYS_RAWIO),
    CAPABILITY(SYS_CHROOT),
    CAPABILITY(SYS_PTRACE),
    CAPABILITY(SYS_PACCT),
    CAPABILITY(SYS_ADMIN),
    CAPABILITY(SYS_BOOT),
    CAPABILITY(SYS_NICE),
    CAPABILITY(SYS_RESOURCE),
    CAPABILITY(SYS_TIME),
    CAPABILITY(SYS_TTY_CONFIG),
    CAPABILITY(MKNOD),
    CAPABILITY(LEASE),
    CAPABILITY(AUDIT_WRITE),
    CAPABILITY(AUDIT_CONTROL),
    CAPABILITY(SETFCAP),
    CAPABILITY(MAC_OVERRIDE),
    CAPABILITY(MAC_ADMIN),
    CAPABILITY(SYSLOG),
    CAPABILITY(WAKE_ALARM),
    CAPABILITY(BLOCK_SUSPEND),
    CAPABILITY(AUDIT_READ),
    CAPABILITY(PERFMON),
    CAPABILITY(BPF),
    CAPABILITY(CHECKPOINT_RESTORE),
};

int capability_parse(const char *text)
{
    if (strncasecmp(text, "CAP_", 4) == 0)
        text += 4;
    for (size_t i = 0; i < ARRAY_SIZE(capability_table); i++) {
        if (strcasecmp(capability_table[i], text) == 0)
            return (int)i;
    }
    return -EINVAL;
}

const char *capability_name(int capability)
{
    if (capability < 0 || (size_t)capability >= ARRAY_SIZE(capability_table))
        return NULL;
    return capability_table[capability];
}
