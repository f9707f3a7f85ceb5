#!/bin/sh
# Each system call of each verb fails once, in each of these ways: no hang, no crash, a sentence, nothing left
# of a container that was not made, and where the verb succeeds in spite of it, the process is confined as
# if nothing had happened.
. "${0%/*}/lib.sh"
. "${0%/*}/fault.sh"

errors=$(pick 'ENOSPC ENOMEM EIO EINTR EPERM EMFILE EAGAIN' 'ENOMEM EINTR')

# Each error begins at another call, so that together they visit more of them than one would.
fail() { # NAME STRIDE OPTIONS VERB...
    f_name=$1 f_each=$2 f_options=$3 f_shift=0
    f_apart=$((f_each < 14 ? f_each : 14))
    shift 3
    for f_error in $errors; do
        # shellcheck disable=SC2086 # options are several words
        sweep_verb "$f_name: $f_error" "$f_each" -f $((f_shift * f_apart / 7 + 1)) $f_options sweep-fail "$f_error" -- \
            "$RUNTIME" "$@"
        f_shift=$((f_shift + 1))
    done
}

fault_bundle print '["/fingerprint"]' '' ''
for process in supervisor box; do
    fail "run, calls of the $process fail" "$(every 5)" "-p $process -i" run --bundle @BUNDLE @
    fail "create, calls of the $process fail" "$(every 14)" "-p $process -i -z start" create --bundle @BUNDLE @
done
fail 'start, calls fail' "$(every 14)" '-a create -i' start @

fault_bundle sleep '["/hog","sleep","1000"]' '' ''
# The process in between makes a dozen calls only.
for process in supervisor box command; do
    fail "exec, calls of the $process fail" "$([ $process = box ] && every 2 || every 14)" "-p $process -a create,start -i" exec @ /fingerprint
done
fail 'update, calls fail' "$(every 14)" '-a create,start -g' update --memory 41943040 --pids-limit 20 @
fail 'delete, calls fail' "$(every 14)" '-a create' delete @
fail 'delete --force, calls fail' "$(every 14)" '-a create,start' delete --force @
fail 'pause, calls fail' "$(every 14)" '-a create,start' pause @
fail 'kill, calls fail' "$(every 14)" '-a create,start' kill @ KILL

hook="[{\"path\":\"$step\",\"args\":[\"faultstep\",\"nothing\"]}]"
inner='[{"path":"/faultstep","args":["faultstep","nothing"]}]'
fault_bundle hooks '["/fingerprint"]' "{\"createRuntime\":$hook,\"createContainer\":$hook,
    \"startContainer\":$inner,\"poststart\":$hook,\"poststop\":$hook}" ''
for process in supervisor box; do
    fail "run with hooks, calls of the $process fail" "$(every 49)" "-p $process -i" run --bundle @BUNDLE @
done
sweeps_end 'nothing is left of the error sweeps'
