#!/bin/sh
# shellcheck disable=SC2034,SC2016 # lib.sh reads the parts of a document
# Documents, names and surroundings that are wrong: exit status 1, one sentence, nothing left, in no time.
. "${0%/*}/lib.sh"
require_root

limit_ms=$(pick 8000 60000)
now_ms() { awk '{ print int($1 * 1000) }' /proc/uptime; }

# The last rt must have been refused, and nothing be there of container $id.
expect_refused_now() { # NAME
    t_name=$1 t_took=$(($(now_ms) - t_begun))
    t_there=$(find "$runtime_root" -name "*$id*" 2>/dev/null)$(groups_of "$id")
    if [ "$status" -ne 1 ] && [ "$status" -ne 255 ]; then
        t_fail_run "$t_name" "exit status $status, wanted 1"
        delete_force
    elif [ "$(wc -l <"$err")" -ne 1 ] || [ "$(wc -c <"$err")" -gt 1000 ]; then
        t_fail_run "$t_name" 'stderr has not one sentence'
    elif [ -n "$t_there" ]; then
        t_fail_run "$t_name" "left: $t_there"
        delete_force
    elif [ $t_took -gt "$limit_ms" ]; then
        t_fail_run "$t_name" "it took $t_took ms"
    else
        ok "$t_name"
    fi
}

refused() { # NAME ARGS...
    r_name=$1
    shift
    t_begun=$(now_ms)
    rt "$@"
    expect_refused_now "$r_name"
}

bad() { # NAME: the document as it stands is refused by create
    config
    refused "$1" create --bundle "$bundle" "$id"
}

resources() { LINUX=",\"resources\":{$1}"; }

# ---- values ---------------------------------------------------------------------------------------------

defaults # one bundle for all
for value in -1 4294967295 4294967296 18446744073709551616 '"0"' '"root"' 1.5 1e3 true null '[]' '{}'; do
    USER_JSON="{\"uid\":$value,\"gid\":0}"
    bad "process.user.uid is $value"
    USER_JSON="{\"uid\":0,\"gid\":$value}"
    bad "process.user.gid is $value"
    USER_JSON="{\"uid\":0,\"gid\":0,\"additionalGids\":[$value]}"
    bad "process.user.additionalGids has $value"
done
USER_JSON='{"uid":0,"gid":0,"umask":99999999}'
bad 'a umask of too many bits'
USER_JSON='{"uid":0,"gid":0}'
for value in '[]' 'null' '"sh"' '[1]' '[null]' '["/bin/true",2]' '["/bin/\u0000true"]' '{}'; do
    ARGS=$value
    bad "process.args is $value"
done
ARGS='["/bin/true"]'
for value in '"tmp"' '""' 'null' '1' '"/a\u0000b"'; do
    CWD=$value
    bad "process.cwd is $value"
done
CWD='"/"'
for value in '"A=B"' '[1]' '["A\u0000=B"]'; do
    ENV=$value
    bad "process.env is $value"
done
ENV='["PATH=/bin"]'
for value in 1 '""' '"1"' '"x.y.z"' '"99.0.0"' 'null'; do
    VERSION=$value
    bad "ociVersion is $value"
done
VERSION='"1.0.2"'
: >"$work/plain"
for value in '{}' '{"path":""}' '{"path":"no/such"}' "{\"path\":\"$work/plain\"}" '{"path":"roo\u0000tfs"}' '{"path":1}' \
    '{"path":"rootfs","readonly":"yes"}' '[]'; do
    ROOT=$value
    bad "root is $(echo "$value" | sed "s|$work|...|")"
done
ROOT='{"path":"rootfs"}'
for value in '"soft":1,"hard":1' '"type":"RLIMIT_SOUP","soft":1,"hard":1' '"type":"RLIMIT_NOFILE","soft":9,"hard":1' \
    '"type":"RLIMIT_NOFILE","soft":-1,"hard":-1' '"type":"RLIMIT_NOFILE","soft":"9","hard":9'; do
    PROCESS=",\"rlimits\":[{$value}]"
    bad "process.rlimits has $value"
done
PROCESS=',"rlimits":[{"type":"RLIMIT_CORE","soft":1,"hard":1},{"type":"RLIMIT_CORE","soft":0,"hard":0}]'
bad 'process.rlimits has one twice'
for value in 1001 -1001 '"5"' 1e9; do
    PROCESS=",\"oomScoreAdj\":$value"
    bad "process.oomScoreAdj is $value"
done
PROCESS=',"noNewPrivileges":"true"'
bad 'process.noNewPrivileges is a string'
PROCESS=',"noNewPrivileges":true,"noNewPrivileges":false'
bad 'process.noNewPrivileges stands twice'
PROCESS=',"ioPriority":{"class":"IOPRIO_CLASS_SOUP","priority":0}'
bad 'an I/O class that is none'
PROCESS=',"scheduler":{"policy":"SCHED_SOUP"}'
bad 'a scheduling policy that is none'
PROCESS=

# ---- mounts ------------------------------------------------------------------------------------------------

for value in '{}' '{"destination":""}' '{"destination":1}' '{"destination":"/a\u0000b","type":"tmpfs","source":"t"}' \
    '{"destination":"/mnt","type":"no-such-type","source":"x"}' \
    '{"destination":"/mnt","type":"none","source":"/no/such","options":["bind"]}' \
    '{"destination":"/mnt","type":"tmpfs","source":"t","options":"ro"}' \
    '{"destination":"/mnt","type":"tmpfs","source":"t","options":["no-such-option"]}' \
    '{"destination":"/mnt","type":"tmpfs","source":"t","options":["size=soup"]}'; do
    MORE_MOUNTS=",$value"
    bad "mounts has $value"
done
MORE_MOUNTS=

# ---- linux -------------------------------------------------------------------------------------------------

for value in '{}' '{"type":"soup"}' '{"type":"pid"},{"type":"pid"}' '{"type":"network","path":"/no/such"}' \
    '{"type":"network","path":"/etc/passwd"}' '{"type":"network","path":"/proc/self/ns/pid"}' \
    '{"type":"network","path":""},{"type":1}'; do
    NS_JSON="{\"type\":\"mount\"},$value"
    bad "linux.namespaces has $value"
done
NS_JSON=
for value in '"64M"' '"67108864"' 6.5 -5 1e30 true '[]' 1; do
    resources "\"memory\":{\"limit\":$value}"
    bad "memory.limit is $value"
done
for value in '"memory":{"limit":67108864,"swap":1048576}' '"memory":{"swappiness":101}' '"memory":{"limit":67108864,"limit":0}' \
    '"pids":{"limit":"9"}' '"pids":{"limit":1.5}' '"cpu":{"quota":-2}' \
    '"cpu":{"quota":1,"period":100000}' '"cpu":{"shares":"x"}' '"cpu":{"cpus":"0-99999"}' '"cpu":{"cpus":"soup"}' \
    '"cpu":{"mems":"99"}' '"hugepageLimits":[{"pageSize":"../../x","limit":1}]' \
    '"hugepageLimits":[{"pageSize":"3MB","limit":0}]' '"devices":[{"allow":true,"access":"rwx"}]' \
    '"devices":[{"allow":true,"type":"z","access":"r"}]' '"devices":[{"allow":"yes"}]' \
    '"blockIO":{"weight":1}' '"network":{"priorities":[{"name":"no-such-interface","priority":1}]}' \
    '"unified":{"../memory.max":"1"}' '"unified":{"memory.max":1}' '"unified":{"cgroup.procs":"1"}' \
    '"rdma":{"no-such":{"hcaHandles":1}}'; do
    resources "$value"
    bad "linux.resources has $value"
done
long=$(awk 'BEGIN { for (i = 0; i < 5000; i++) printf "x" }')
for value in '"cgroupsPath":"/../../etc"' "\"cgroupsPath\":\"/$long\"" '"cgroupsPath":"/a\nb"' '"cgroupsPath":1' \
    '"sysctl":{"kernel.core_pattern":"x"}' '"sysctl":{"net/../kernel/domainname":"x"}' '"sysctl":{"kernel.shmmax":1}' \
    '"sysctl":{"kernel.msgmax\n":"1"}' '"sysctl":{"soup":"1"}' '"sysctl":{"/kernel/shmmax":"1"}' '"maskedPaths":["proc"]' \
    '"maskedPaths":[1]' '"readonlyPaths":["/a\u0000b"]' '"rootfsPropagation":"soup"' '"personality":{"domain":"SOUP"}' \
    '"timeOffsets":{"monotonic":{"secs":1}}' '"seccomp":{}' '"seccomp":{"defaultAction":"SCMP_ACT_SOUP"}' \
    '"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_SOUP"]}' \
    '"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":[],"action":"SCMP_ACT_ERRNO"}]}' \
    '"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_ERRNO","args":[{"index":9,"value":0,"op":"SCMP_CMP_EQ"}]}]}' \
    '"uidMappings":[{"containerID":0,"hostID":0,"size":1}]' '"devices":[{"path":"/dev/x","type":"z"}]' \
    '"devices":[{"path":"../x","type":"c","major":1,"minor":3}]' '"devices":[{"path":"/dev/x","type":"c","major":-1,"minor":3}]' \
    '"netDevices":{"no-such-interface":{}}' '"intelRdt":{"closID":"../x"}' '"mountLabel":1'; do
    LINUX=",$value"
    bad "linux has $(echo "$value" | cut -c1-100)"
done
LINUX=
for value in '{"prestart":[{}]}' '{"prestart":[{"path":"relative"}]}' '{"prestart":{}}' '{"prestart":[{"path":"/no/such"}]}' \
    '{"prestart":[{"path":"/bin/sh","timeout":0}]}' '{"prestart":[{"path":"/bin/sh","timeout":-1}]}' \
    '{"prestart":[{"path":"/bin/sh","args":["sh","-c","exit 3"]}]}' \
    '{"createRuntime":[{"path":"/bin/sh","args":["sh","-c","sleep 100"],"timeout":1}]}' \
    '{"prestart":[{"path":"/bin/sh","args":"sh"}]}' '{"prestart":[{"path":"/bin/sh","env":[1]}]}'; do
    HOOKS=$value
    bad "hooks are $value"
done
HOOKS=

# ---- documents ---------------------------------------------------------------------------------------------

raw() { # NAME: config.json as the script has written it
    refused "$1" create --bundle "$bundle" "$id"
}
document=$bundle/config.json
config
cp "$document" "$work/good"
: >"$document"
raw 'an empty document'
head -c 300 "$work/good" >"$document"
raw 'a document that is cut short'
{ cat "$work/good" && echo '{}'; } >"$document"
raw 'something after the document'
for text in null '[]' '"x"' 1 '{}' '{"ociVersion":"1.0.2"}' '{"process":null,"ociVersion":"1.0.2"}' '{,}' "{'a':1}" '{"a":01}' '// x'; do
    echo "$text" >"$document"
    raw "the document is $text"
done
{ printf '\357\273\277' && cat "$work/good"; } >"$document"
raw 'a byte order mark'
sed 's|/bin/true|/bin/tr\xff\xfeue|' "$work/good" >"$document"
raw 'bytes that are not UTF-8'
sed 's|/bin/true|/bin/\xc0\xafue|' "$work/good" >"$document"
raw 'UTF-8 that is longer than it need be'
sed 's|/bin/true|/bin/\\ud800|' "$work/good" >"$document"
raw 'half a surrogate'
tr 'b' '\000' <"$work/good" >"$document"
raw 'NUL bytes'
sed 's|"ociVersion"|"ociVersion":"1.0.2","ociVersion"|' "$work/good" >"$document"
raw 'a key twice'
awk 'BEGIN { printf "{\"annotations\":"; for (i = 0; i < 10000; i++) printf "["; for (i = 0; i < 10000; i++) printf "]"; print "}" }' >"$document"
raw 'nesting 10,000 deep'
awk 'BEGIN { printf "{\"a\":"; for (i = 0; i < 1000000; i++) printf "{\"a\":" }' >"$document"
raw 'nesting a million deep, without an end'
{ printf '{"ociVersion":"1.0.2","annotations":{"a":"' && head -c "$(pick 100000000 20000000)" /dev/zero | tr '\0' x && echo '"}}'; } >"$document"
raw 'a document of 100 MB'
truncate -s 10G "$document"
raw 'a document of 10 GB of nothing'
rm "$document"
raw 'no document'
mkdir "$document"
raw 'a directory for a document'
rmdir "$document"
mkfifo "$document"
raw 'a FIFO that nobody writes to'
rm "$document"
ln -s config.json "$document"
raw 'a symbolic link to itself'
rm "$document"
ln -s /dev/zero "$document"
raw 'a document without an end'
rm "$document"

# ---- names and states -----------------------------------------------------------------------------------------

config
refused 'a bundle that does not exist' create --bundle "$work/no/such" "$id"
refused 'a bundle that is a file' create --bundle "$work/good" "$id"
for name in '' . .. a/b ../a -x 'a b' "$(printf 'a\nb')" "$(printf 'a\tb')" .hidden 'a;b' 'ä' "$long"; do
    refused "the ID '$(printf %s "$name" | tr '\n\t' '??' | cut -c1-20)'" create --bundle "$bundle" -- "$name"
done
for name in _x a+b +x 'A_1.b-c+'; do
    rt create --bundle "$bundle" "$name"
    expect_status 0 "the ID '$name' is one"
    rt delete --force "$name"
    expect_status 0 "... and the container '$name' is deleted"
    expect_equal "$(groups_of "$name")" '' '... with its groups'
done
for verb in start state kill pause resume delete ps 'events --stats' 'update --memory 67108864'; do
    # shellcheck disable=SC2086 # words
    refused "$verb of a container that does not exist" $verb "$id"
done
refused 'exec in one' exec "$id" /bin/true
refused 'a verb that is none' soup "$id"
refused 'an option that is none' create --soup "$id"
mkfifo "$bundle/rootfs/fifo"
rm -f "$bundle/rootfs/etc/passwd"
mkfifo "$bundle/rootfs/etc/passwd"
ln -s fifo "$bundle/rootfs/etc/group2"
rt run --bundle "$bundle" "$id"
expect_status 0 'a FIFO for /etc/passwd is nobody'"'"'s business'
rm "$bundle/rootfs/etc/passwd"
ARGS='["/fifo"]'
bad 'a FIFO for a program'
ARGS='["/proc/self/fd/0"]'
config
rt run --bundle "$bundle" "$id"
check 'an open file for a program is none' test "$status" -ne 0
delete_force
ARGS='["/bin/true"]'

# ---- descriptors and sockets --------------------------------------------------------------------------------

script 'echo out; ls /proc/self/fd >/dev/null'
config
for closed in '<&-' '>&-' '2>&-' '<&- >&-' '<&- >&- 2>&-'; do
    status=0
    eval "\"\$RUNTIME\" --root \"\$runtime_root\" run --bundle \"\$bundle\" \"\$id\" $closed" >"$out" 2>"$err" || status=$?
    # With its output closed, "echo" may fail: what matters is that it ran.
    expect_between $status 0 1 "run with descriptors closed: $closed"
    expect_equal "$(groups_of "$id")" '' '... leaves nothing'
done
TERMINAL=true
config
refused 'a terminal without a console socket' create --bundle "$bundle" "$id"
refused 'a console socket that does not exist' create --console-socket "$work/no-such" --bundle "$bundle" "$id"
refused 'a console socket that is a file' create --console-socket "$work/good" --bundle "$bundle" "$id"
TERMINAL=false
config
refused 'a console socket without a terminal' create --console-socket "$work/no-such" --bundle "$bundle" "$id"
refused 'a pid file in no directory' create --pid-file "$work/no/such/pid" --bundle "$bundle" "$id"
refused 'a log in no directory' --log "$work/no/such/log" create --bundle "$bundle" "$id"
refused 'descriptors that are not open' create --preserve-fds 5 --bundle "$bundle" "$id"
refused 'more descriptors than there are' create --preserve-fds 4294967295 --bundle "$bundle" "$id"

# ---- what the log says ----------------------------------------------------------------------------------------

rt --log "$work/log" --log-format json create --bundle "$work/no/such" "$id"
expect_equal "$("$TOOLS/jget" "$work/log" level)" error 'a log in JSON tells an error'
check 'in a sentence' "$TOOLS/jget" "$work/log" msg
expect_equal "$(wc -l <"$work/log")" 1 'one, in one line'
sed 's|rootfs|ro\\"ot\\nfs\\u2028|' "$work/good" >"$document"
rm -f "$work/log"
rt --log "$work/log" --log-format json create --bundle "$bundle" "$id"
check 'names with quotes and newlines do not break it' "$TOOLS/jget" "$work/log" msg
expect_equal "$(wc -l <"$work/log")" 1 'it stays one line'
assert_no_leftovers 'nothing is left of all that'
