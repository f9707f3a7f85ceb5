#!/bin/sh
# config.md, "POSIX-platform Hooks"; runtime.md, "Lifecycle".
# shellcheck disable=SC2016,SC2034 # lib.sh reads the parts of a document; scripts are for the container
. "${0%/*}/lib.sh"

log=$work/log
hook=$work/hook
cat >"$hook" <<'EOF'
#!/bin/sh
# hook LOG WORD: what a hook sees, on one line
state=$(cat)
mnt=$(readlink /proc/self/ns/mnt)
printf '%s %s %s %s\n' "$2" "$mnt" "$(printf '%s' "$state" | tr -d ' \n')" "$(env | grep -c '^LEAKED=')" >>"$1"
EOF
chmod 755 "$hook"

hook_json() { # WORD
    printf '[{"path":"%s","args":["hook","%s","%s"],"env":["PATH=/usr/bin:/bin"]}]' "$hook" "$log" "$1"
}
log_has() { grep -q "^$1 " "$log" 2>/dev/null; }
line_of() { grep "^$1 " "$log" 2>/dev/null; }
state_in() { line_of "$1" | cut -d ' ' -f 3 >"$work/hookstate"; "$TOOLS/jget" "$work/hookstate" "$2"; }

defaults
sleeper
mkdir -p "$bundle"
cp -a "$template" "$bundle/rootfs"
cat >"$bundle/rootfs/bin/inner" <<'EOF'
#!/bin/sh
cat >/tmp/state
echo startContainer >/tmp/inner
[ -e /tmp/program ] && echo late >>/tmp/inner
exit 0
EOF
chmod 755 "$bundle/rootfs/bin/inner"
script 'echo ran >/tmp/program; trap "exit 0" TERM; while :; do sleep 0.1; done'
HOOKS="{\"prestart\":$(hook_json prestart),\"createRuntime\":$(hook_json createRuntime),
\"createContainer\":$(hook_json createContainer),\"startContainer\":[{\"path\":\"/bin/inner\"}],
\"poststart\":$(hook_json poststart),\"poststop\":$(hook_json poststop)}"
config
LEAKED=yes
export LEAKED
create
unset LEAKED
expect_status 0 'create with hooks of six kinds'
here=$(readlink /proc/self/ns/mnt)
pid=$(state_of pid)
check 'the prestart hooks MUST be invoked by the runtime' log_has prestart
check 'the createRuntime hooks MUST be invoked by the runtime' log_has createRuntime
check 'the createContainer hooks MUST be invoked by the runtime' log_has createContainer
expect_equal "$(cut -d ' ' -f 1 "$log" | tr '\n' ' ')" 'prestart createRuntime createContainer ' \
    'the prestart hooks MUST be called before the createRuntime hooks, those before createContainer'
expect_equal "$(line_of prestart | cut -d ' ' -f 2)" "$here" \
    'the prestart hooks MUST be executed in the runtime namespace'
expect_equal "$(line_of createRuntime | cut -d ' ' -f 2)" "$here" \
    'the createRuntime hooks MUST be executed in the runtime namespace'
expect_equal "$(line_of createContainer | cut -d ' ' -f 2)" "$(readlink "/proc/$pid/ns/mnt")" \
    'the createContainer hooks MUST be executed in the container namespace'
for kind in prestart createRuntime createContainer; do
    expect_equal "$(state_in "$kind" id)" "$id" "the state of the container MUST be passed to hooks over stdin: $kind"
    expect_equal "$(state_in "$kind" pid)" "$pid" "... with the container's process: $kind"
    expect_equal "$(state_in "$kind" bundle)" "$bundle" "... and its bundle: $kind"
    expect_equal "$(line_of "$kind" | cut -d ' ' -f 4)" 0 "env has the semantics of environ, nothing more: $kind"
done
check_not 'startContainer hooks are not called by create' test -e "$bundle/rootfs/tmp/inner"
start
expect_status 0 'start with hooks'
expect_equal "$(cat "$bundle/rootfs/tmp/inner" 2>/dev/null)" startContainer \
    'the startContainer hooks MUST be called before the user-specified process is executed'
expect_equal "$("$TOOLS/jget" "$bundle/rootfs/tmp/state" id)" "$id" \
    'startContainer: its path resolves, and it is executed, in the container namespace, with the state'
check 'the poststart hooks MUST be called before the start operation returns' log_has poststart
expect_equal "$(line_of poststart | cut -d ' ' -f 2)" "$here" \
    'the poststart hooks MUST be executed in the runtime namespace'
expect_equal "$(state_in poststart status)" running 'poststart: the state of the container is passed'
rt kill "$id" KILL
wait_status stopped
rt delete "$id"
check 'the poststop hooks MUST be called before the delete operation returns' log_has poststop
expect_equal "$(line_of poststop | cut -d ' ' -f 2)" "$here" \
    'the poststop hooks MUST be executed in the runtime namespace'
expect_equal "$(state_in poststop status)" stopped 'poststop: the state of the container is passed'

# ---- order within a kind -----------------------------------------------------------------------------

rm -f "$log"
defaults
one="{\"path\":\"$hook\",\"args\":[\"hook\",\"$log\",\"one\"],\"env\":[\"PATH=/bin:/usr/bin\"]}"
two="{\"path\":\"$hook\",\"args\":[\"hook\",\"$log\",\"two\"],\"env\":[\"PATH=/bin:/usr/bin\"]}"
HOOKS="{\"createRuntime\":[$one,$two]}"
config
run
expect_equal "$(cut -d ' ' -f 1 "$log" | tr '\n' ' ')" 'one two ' 'hooks MUST be called in the listed order'

# ---- failures ----------------------------------------------------------------------------------------

for kind in prestart createRuntime createContainer; do
    defaults
    HOOKS="{\"$kind\":[{\"path\":\"/bin/false\"}]}"
    config
    expect_create_fails "if any $kind hook fails, the runtime MUST generate an error and stop the container"
done
for kind in startContainer poststart; do
    defaults
    sleeper
    HOOKS="{\"$kind\":[{\"path\":\"/bin/false\"}]}"
    create_here
    start
    check "if any $kind hook fails, the runtime MUST generate an error" test "$status" -ne 0
    check_not "... and stop the container: $kind" status_is running
    delete_force
done
defaults
HOOKS="{\"poststop\":[{\"path\":\"/bin/false\"},{\"path\":\"$hook\",\"args\":[\"hook\",\"$log\",\"after\"],\"env\":[\"PATH=/bin:/usr/bin\"]}]}"
create_here
start
wait_status stopped
rm -f "$log"
rt delete "$id"
check 'if any poststop hook fails the remaining hooks continue as if the hook had succeeded' log_has after
rt state "$id"
check '... and the container is deleted' test "$status" -ne 0

defaults
HOOKS='{"createRuntime":[{"path":"/bin/sleep","args":["sleep","30"],"timeout":1}]}'
config
before=$(date +%s)
expect_create_fails 'timeout is the number of seconds before aborting the hook'
check '... which is not waited for longer' test $(($(date +%s) - before)) -lt 20
defaults
HOOKS='{"createRuntime":[{"path":"/bin/true","timeout":0}]}'
expect_error 'if set, timeout MUST be greater than zero'
defaults
HOOKS='{"createRuntime":[{"path":"bin/true"}]}'
expect_error 'the path of a hook MUST be absolute'
defaults
HOOKS='{"createRuntime":[{"path":"/no/such/hook"}]}'
expect_error 'the path of a createRuntime hook MUST resolve in the runtime namespace'
