#!/bin/sh
# config-linux.md: seccomp.
# shellcheck disable=SC2016,SC2034 # lib.sh reads the parts of a document; scripts are for the container
. "${0%/*}/lib.sh"

seccomp() { LINUX=",\"seccomp\":$1"; }

defaults
script 'mkdir /tmp/x 2>&1; echo $?'
seccomp '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}'
expect_prints_matching 'not permitted' 'syscalls: errnoRet defaults to EPERM'
defaults
script 'mkdir /tmp/x 2>&1; echo $?'
seccomp '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":28}]}'
expect_prints_matching 'No space' 'syscalls: errnoRet is the errno return code to use'
defaults
script 'echo ok'
seccomp '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","no_such_call"],"action":"SCMP_ACT_KILL_PROCESS"}]}'
expect_prints ok 'syscalls: a name that the machine does not know concerns nobody'
defaults
NS='"mount","ipc","uts","network"'
script '(mkdir /tmp/x); echo $?'
seccomp '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_KILL_PROCESS"}]}'
expect_prints_matching '^159$' 'syscalls: KILL_PROCESS ends the process with SIGSYS'
defaults
script 'kill -0 1 2>/dev/null && echo zero; kill -s 10 99999 2>&1 | grep -c permitted'
seccomp '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["kill"],"action":"SCMP_ACT_ERRNO","args":[{"index":1,"value":10,"op":"SCMP_CMP_EQ"}]}]}'
expect_prints "$(printf 'zero\n1')" 'args: the action is for these arguments alone'
defaults
script 'kill -s 10 99999 2>&1 | grep -c permitted; kill -s 14 99999 2>&1 | grep -c permitted; true'
seccomp '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["kill"],"action":"SCMP_ACT_ERRNO","args":[{"index":1,"value":12,"valueTwo":8,"op":"SCMP_CMP_MASKED_EQ"}]}]}'
expect_prints "$(printf '1\n0')" 'args: SCMP_CMP_MASKED_EQ compares the argument under value with valueTwo'
defaults
script 'grep ^Seccomp: /proc/self/status | tr -d "\t"'
seccomp '{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86","SCMP_ARCH_X32"],"flags":["SECCOMP_FILTER_FLAG_LOG"],"syscalls":[{"names":["acct"],"action":"SCMP_ACT_ERRNO"}]}'
PROCESS=',"noNewPrivileges":true'
expect_prints Seccomp:2 'architectures and flags'
for bad in '{"defaultAction":"SCMP_ACT_BOGUS"}' '{"syscalls":[]}' \
    '{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_BOGUS"]}' \
    '{"defaultAction":"SCMP_ACT_ALLOW","flags":["SECCOMP_FILTER_FLAG_BOGUS"]}' \
    '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":[],"action":"SCMP_ACT_ERRNO"}]}' \
    '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["acct"],"action":"SCMP_ACT_BOGUS"}]}' \
    '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["acct"],"action":"SCMP_ACT_ALLOW","errnoRet":5}]}' \
    '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["acct"],"action":"SCMP_ACT_ERRNO","args":[{"index":6,"value":1,"op":"SCMP_CMP_EQ"}]}]}' \
    '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["acct"],"action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":1,"op":"SCMP_CMP_BOGUS"}]}]}' \
    '{"defaultAction":"SCMP_ACT_ALLOW","listenerMetadata":"x"}'; do
    defaults
    seccomp "$bad"
    expect_error "seccomp: an invalid value MUST generate an error: $bad"
done
