#!/bin/sh
# config.md: process, user, hostname, root.
# shellcheck disable=SC2016,SC2034 # lib.sh reads the parts of a document; scripts are for the container
. "${0%/*}/lib.sh"

# ---- version, extensibility ----------------------------------------------------------------------------

defaults
script 'echo ok'
TOP=',"unknownTop":{"a":[1]}'
PROCESS=',"unknownMember":"x"'
LINUX=',"unknownLinux":true'
expect_prints ok 'runtimes MUST ignore unknown properties'
defaults
VERSION='"9.9.9"'
expect_error 'ociVersion: another major version MUST generate an error'
defaults
VERSION='"1.0"'
expect_error 'ociVersion MUST be in SemVer v2.0.0 format'
defaults
VERSION=7
expect_error 'ociVersion: a number MUST generate an error'

# ---- process -------------------------------------------------------------------------------------------

defaults
script 'pwd'
CWD='"/tmp"'
expect_prints /tmp 'cwd is the working directory that will be set for the executable'
defaults
CWD='"tmp"'
expect_error 'cwd MUST be an absolute path'
defaults
ENV='["PATH=/bin","ONE=1","WITH=a=b c","EMPTY="]'
script 'env'
expect_prints_matching '^WITH=a=b c$' 'env: with the same semantics as environ'
check 'env: an empty value stays one' grep -qx 'EMPTY=' "$out"
check_not 'env: nothing is inherited from the runtime' grep -q '^OLDPWD=\|^RUNTIME=' "$out"
defaults
ARGS='["echo","a b","","c"]'
expect_prints 'a b  c' 'args: the first entry is looked up as execvp does, the others are passed as they are'
defaults
ARGS='[]'
expect_run_fails 'args: at least one entry is REQUIRED'
defaults
ARGS='["nosuchprogram"]'
config
rt run --bundle "$bundle" "$id"
# shellcheck disable=SC2016
check 'a program that PATH does not lead to is an error that says so' \
    grep -q 'executable file not found in \$PATH' "$err"
delete_force
defaults
ARGS='["/no/such/program"]'
config
rt run --bundle "$bundle" "$id"
check 'a program that is not there is an error that says so' grep -qi 'no such file or directory' "$err"
delete_force
defaults
ARGS='["/etc/passwd"]'
config
rt run --bundle "$bundle" "$id"
check 'a program that cannot be executed is an error that says so' grep -qi 'permission denied' "$err"
delete_force
defaults
script 'tty >/dev/null; echo $?'
expect_prints 1 'terminal defaults to false'
defaults
script 'exit 0'
PROCESS=',"consoleSize":{"height":10,"width":20}'
config
run
expect_status 0 'runtimes MUST ignore consoleSize if terminal is false or unset'

# ---- user ----------------------------------------------------------------------------------------------

defaults
script 'id -u; id -g; id -G'
USER_JSON='{"uid":1234,"gid":5678,"additionalGids":[11,22]}'
expect_prints "$(printf '1234\n5678\n5678 11 22')" 'user: uid, gid and additionalGids in the container namespace'
defaults
script 'umask'
USER_JSON='{"uid":0,"gid":0,"umask":63}'
expect_prints 0077 'user: umask specifies the umask of the user'
for bad in -1 4294967295 4294967296 '"0"' 1.5 null; do
    defaults
    USER_JSON="{\"uid\":$bad,\"gid\":0}"
    script 'id -u'
    expect_run_fails "user: a uid of $bad MUST generate an error"
done

# ---- rlimits -------------------------------------------------------------------------------------------

defaults
script 'ulimit -Sn; ulimit -Hn; ulimit -Sc'
PROCESS=',"rlimits":[{"type":"RLIMIT_NOFILE","soft":77,"hard":99},{"type":"RLIMIT_CORE","soft":0,"hard":0}]'
expect_prints "$(printf '77\n99\n0')" 'rlimits: rlim_cur and rlim_max MUST match the configured values'
defaults
PROCESS=',"rlimits":[{"type":"RLIMIT_BOGUS","soft":1,"hard":1}]'
expect_error 'rlimits: a type that cannot be mapped to a kernel interface MUST generate an error'
defaults
PROCESS=',"rlimits":[{"type":"RLIMIT_NOFILE","soft":9,"hard":9},{"type":"RLIMIT_NOFILE","soft":8,"hard":8}]'
expect_error 'rlimits: duplicated entries with same type MUST generate an error'
defaults
PROCESS=',"rlimits":[{"type":"RLIMIT_NOFILE","soft":99,"hard":77}]'
expect_run_fails 'rlimits: a soft limit above the hard one MUST generate an error'

# ---- capabilities, privileges ----------------------------------------------------------------------------

defaults
script 'grep ^Cap /proc/self/status | tr -d "\t" | tr "\n" " "'
CAPS='{"bounding":["CAP_KILL","CAP_CHOWN"],"effective":["CAP_KILL"],"permitted":["CAP_KILL","CAP_CHOWN"]}'
expect_prints_matching 'CapInh:0000000000000000 CapPrm:0000000000000021 CapEff:00000000000000(20|21) CapBnd:0000000000000021 CapAmb:0000000000000000' \
    'capabilities: the sets are kept for the process'
defaults
script 'grep ^Cap /proc/self/status | tr -d "\t" | tr "\n" " "'
USER_JSON='{"uid":1000,"gid":1000}'
CAPS='{"bounding":["CAP_KILL","CAP_CHOWN"],"effective":["CAP_KILL"],"permitted":["CAP_KILL"],"inheritable":["CAP_KILL"],"ambient":["CAP_KILL"]}'
expect_prints_matching 'CapInh:0000000000000020 CapPrm:0000000000000020 CapEff:0000000000000020 CapBnd:0000000000000021 CapAmb:0000000000000020' \
    'capabilities: the ambient and inheritable sets are kept for the process of another user'
defaults
script 'grep ^Cap /proc/self/status | tr -d "\t" | tr "\n" " "'
USER_JSON='{"uid":1000,"gid":1000}'
CAPS='{}'
expect_prints_matching 'CapInh:0000000000000000 CapPrm:0000000000000000 CapEff:0000000000000000 CapBnd:0000000000000000 CapAmb:0000000000000000' \
    'capabilities: a set that is not given is empty'
defaults
script 'echo ok'
CAPS='{"bounding":["CAP_KILL","CAP_NO_SUCH"],"effective":["CAP_KILL"],"permitted":["CAP_KILL"]}'
expect_prints ok 'capabilities: a value that cannot be mapped SHOULD NOT make the runtime fail'
config
rt run --bundle "$bundle" "$id"
check '... and MUST be logged as a warning' grep -qi 'CAP_NO_SUCH' "$err"
delete_force
for wanted in true false; do
    defaults
    script 'grep ^NoNewPrivs /proc/self/status | tr -d "\t"'
    PROCESS=",\"noNewPrivileges\":$wanted"
    expect_prints "NoNewPrivs:$([ $wanted = true ] && echo 1 || echo 0)" "noNewPrivileges: $wanted"
done

# ---- scores, priorities ----------------------------------------------------------------------------------

mine=$(cat /proc/self/oom_score_adj)
defaults
script 'cat /proc/self/oom_score_adj'
PROCESS=',"oomScoreAdj":321'
expect_prints 321 'oomScoreAdj: if set, the runtime MUST set oom_score_adj to the given value'
defaults
script 'cat /proc/self/oom_score_adj'
expect_prints "$mine" 'oomScoreAdj: if not set, the runtime MUST NOT change the value of oom_score_adj'
defaults
PROCESS=',"oomScoreAdj":5000'
expect_run_fails 'oomScoreAdj: a value that the kernel does not take MUST generate an error'
defaults
script 'cut -d " " -f 41 /proc/self/stat'
PROCESS=',"scheduler":{"policy":"SCHED_BATCH","nice":5}'
expect_prints 3 'scheduler: policy'
defaults
script 'cut -d " " -f 19 /proc/self/stat'
PROCESS=',"scheduler":{"policy":"SCHED_OTHER","nice":7}'
expect_prints 7 'scheduler: nice'
defaults
PROCESS=',"scheduler":{"policy":"SCHED_BOGUS"}'
expect_error 'scheduler: an invalid policy MUST generate an error'
defaults
ARGS='["/bin/probe","ioprio"]'
PROCESS=',"ioPriority":{"class":"IOPRIO_CLASS_IDLE","priority":4}'
expect_prints '3 4' 'ioPriority: class and priority'
defaults
PROCESS=',"ioPriority":{"class":"IOPRIO_CLASS_BOGUS","priority":4}'
expect_error 'ioPriority: an invalid class MUST generate an error'

# ---- hostname, root --------------------------------------------------------------------------------------

defaults
script 'hostname; cat /proc/sys/kernel/domainname'
TOP=',"hostname":"mrsdalloway","domainname":"example.test"'
expect_prints "$(printf 'mrsdalloway\nexample.test')" 'hostname and domainname as seen by processes inside'
expect_equal "$(hostname)" "$(cat /proc/sys/kernel/hostname)" "the runtime's own hostname is as it was"
defaults
script 'touch /file 2>/dev/null && echo writable || echo read-only'
ROOT='{"path":"rootfs","readonly":true}'
expect_prints read-only 'root.readonly: the root filesystem MUST be read-only inside the container'
defaults
script 'touch /file && echo writable'
expect_prints writable 'root.readonly defaults to false'
defaults
mkdir -p "$work/absolute"
cp -a "$template/." "$work/absolute"
ROOT="{\"path\":\"$work/absolute\"}"
script 'echo here'
expect_prints here 'root.path is either an absolute path or a relative path to the bundle'
defaults
ROOT='{"path":"nowhere"}'
expect_error 'root.path: a directory MUST exist at the path declared by the field'
defaults
ROOT='{}'
expect_error 'root.path is REQUIRED'

# ---- annotations -----------------------------------------------------------------------------------------

for bad in '{"":"x"}' '{"a":1}' '["a"]' '"a"'; do
    defaults
    TOP=",\"annotations\":$bad"
    expect_error "annotations MUST be a map of non-empty strings to strings: $bad"
done
