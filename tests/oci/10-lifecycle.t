#!/bin/sh
# runtime.md: state, lifecycle, errors and operations.
# shellcheck disable=SC2016,SC2034 # lib.sh reads the parts of a document; scripts are for the container
. "${0%/*}/lib.sh"

# ---- state -----------------------------------------------------------------------------------------

defaults
sleeper
TOP=',"annotations":{"org.example.key":"a value","empty":""}'
create_here
expect_status 0 'create: using the data in config.json, this operation MUST create a new container'
rt state "$id"
expect_status 0 'state: this operation MUST return the state of a container'
expect_equal "$("$TOOLS/jget" "$out" id)" "$id" "state: id is the container's ID"
check 'state: ociVersion is the specification version with which the state complies' \
    "$TOOLS/jget" "$out" ociVersion
expect_equal "$("$TOOLS/jget" "$out" status)" created \
    'create: upon successful completion the status property of this container MUST be created'
pid=$("$TOOLS/jget" "$out" pid)
check 'state: pid (REQUIRED when status is created or running) is the ID of the container process' \
    test -d "/proc/$pid"
expect_equal "$("$TOOLS/jget" "$out" bundle)" "$bundle" \
    "state: bundle is the absolute path to the container's bundle directory"
expect_equal "$("$TOOLS/jget" "$out" 'annotations.org\.example\.key')" 'a value' \
    'state: annotations contains the list of annotations associated with the container'
expect_equal "$("$TOOLS/jget" "$out" annotations.empty)" '' 'annotations: values MAY be an empty string'

# ---- start and kill --------------------------------------------------------------------------------

start
expect_status 0 'start: this operation MUST run the user-specified program'
wait_status running
expect_state status running 'start: the status property of this container MUST be running'
start
check 'start: attempting to start a container that is not created MUST generate an error' test "$status" -ne 0
expect_state status running 'start: ... and MUST have no effect on the container'
rt delete "$id"
check 'delete: attempting to delete a container that is not stopped MUST generate an error' \
    test "$status" -ne 0
expect_state status running 'delete: ... and MUST have no effect on the container'
config # the document's file is written again
rt create --bundle "$bundle" "$id"
check 'create: an ID that is not unique MUST generate an error' test "$status" -ne 0
expect_state status running 'create: ... and leaves the container of that ID as it was'
rt kill "$id" TERM
expect_status 0 'kill: this operation MUST send the specified signal to the container process'
wait_status stopped
expect_state status stopped 'when the process is stopped the status property MUST be stopped'
rt kill "$id" TERM
check 'kill: a container neither created nor running MUST generate an error' test "$status" -ne 0
start
check 'start: a stopped container MUST generate an error' test "$status" -ne 0
rt delete "$id"
expect_status 0 'delete: MUST delete the resources that were created during the create step'
rt state "$id"
check 'state: attempting to query a container that does not exist MUST generate an error' \
    test "$status" -ne 0
check_not 'delete: the groups that create made are gone' sh -c "find /sys/fs/cgroup -name '*$id*' | grep ."
create_here
expect_status 0 'delete: once a container is deleted its ID MAY be used by a subsequent container'
rt kill "$id" KILL
expect_status 0 'kill: a created container can be sent a signal'
wait_status stopped
rt delete "$id"
expect_status 0 'delete: a container that was never started'

# ---- what create does not do -----------------------------------------------------------------------

defaults
script 'echo first >>/tmp/said; cat /tmp/said'
config
create
check_not 'create: the user-specified program MUST NOT be run at this time' test -e "$bundle/rootfs/tmp/said"
script 'echo changed'
config
"$RUNTIME" --root "$runtime_root" start "$id" >/dev/null 2>&1
wait_status stopped
expect_equal "$(cat "$bundle/rootfs/tmp/said" 2>/dev/null)" first \
    'create: any updates to config.json after this step MUST NOT affect the container'
rt delete "$id"

# ---- operations without what they need ---------------------------------------------------------------

defaults
for operation in state create start kill delete; do
    rt "$operation"
    check "$operation: MUST generate an error if it is not provided the ID of a container" \
        test "$status" -ne 0
done
for operation in state start delete; do
    rt "$operation" no-such-container
    check "$operation: a container that does not exist MUST generate an error" test "$status" -ne 0
done
rt kill no-such-container TERM
check 'kill: a container that does not exist MUST generate an error' test "$status" -ne 0
rt create --bundle "$work/nowhere" "$id"
check 'create: MUST generate an error if it is not provided a path to the bundle' test "$status" -ne 0
config
for bad in ../escape a/b '' '.' '..' 'a b' "$(printf 'a\nb')"; do
    rt create --bundle "$bundle" "$bad"
    check "create: an ID that is not valid ($(printf '%s' "$bad" | tr '\n' '?')) MUST generate an error" \
        test "$status" -ne 0
    [ "$status" -ne 0 ] || "$RUNTIME" --root "$runtime_root" delete --force "$bad" >/dev/null 2>&1
done

# ---- errors ----------------------------------------------------------------------------------------

defaults
ARGS='["/no/such/program"]'
config
rt run --bundle "$bundle" "$id"
check 'a program that does not exist is an error' test "$status" -ne 0
delete_force
check_not 'generating an error MUST leave the environment as if the operation were never attempted: groups' \
    sh -c "find /sys/fs/cgroup -name '*$id*' | grep ."
check_not '... mounts' grep -q "$bundle" /proc/self/mountinfo

defaults
sleeper
config
mkdir -p "$work/elsewhere"
echo keep >"$work/elsewhere/file"
MORE_MOUNTS=",{\"destination\":\"/data\",\"type\":\"none\",\"source\":\"$work/elsewhere\",\"options\":[\"bind\",\"rw\"]}"
mkdir -p "$bundle/rootfs/data"
create_here
start
rt kill "$id" KILL
wait_status stopped
rt delete "$id"
expect_equal "$(cat "$work/elsewhere/file")" keep \
    'delete: resources associated with the container, but not created by it, MUST NOT be deleted'

# ---- exit statuses and the process's surroundings ------------------------------------------------------

defaults
script 'exit 7'
config
run
expect_status 7 'run: the exit status is that of the container process'

defaults
NS='"mount","ipc","uts","network"' # process 1 of its namespace would not be killed by its own signal
script 'kill -9 $$'
config
run
expect_status 137 'run: the end by a signal is 128 and its number'
