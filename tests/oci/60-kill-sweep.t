#!/bin/sh
# SIGKILL at each system call of each verb, of the runtime and of the processes that it starts. Afterwards one
# "delete --force ID" succeeds, nothing of the container is left, and its ID serves again.
. "${0%/*}/lib.sh"
. "${0%/*}/fault.sh"

# ---- verbs that make a container ------------------------------------------------------------------

fault_bundle say '["/faultstep","say","ran"]' '' ''
for process in supervisor box; do
    sweep_verb "create, the $process killed" "$(every 1)" -p $process sweep-kill -- \
        "$RUNTIME" create --bundle @BUNDLE @
    sweep_verb "run, the $process killed" "$(every 1)" -p $process -x ran sweep-kill -- \
        "$RUNTIME" run --bundle @BUNDLE @
done
sweep_verb 'run --detach, the runtime killed' "$(every 7)" sweep-kill -- \
    "$RUNTIME" run --detach --pid-file "$work/pid" --bundle @BUNDLE @
sweep_verb 'start, the runtime killed' "$(every 1)" -a create sweep-kill -- "$RUNTIME" start @

# ---- verbs that go to one that runs -----------------------------------------------------------------

fault_bundle sleep '["/hog","sleep","1000"]' '' ''
for process in supervisor box command; do
    sweep_verb "exec, the $process killed" "$(every 2)" -p $process -a create,start -x ran sweep-kill -- \
        "$RUNTIME" exec @ /faultstep say ran
done
sweep_verb 'kill, the runtime killed' "$(every 1)" -a create,start sweep-kill -- "$RUNTIME" kill @ KILL
sweep_verb 'kill --all, the runtime killed' "$(every 2)" -a create,start sweep-kill -- "$RUNTIME" kill --all @ KILL
sweep_verb 'pause, the runtime killed' "$(every 2)" -a create,start sweep-kill -- "$RUNTIME" pause @
sweep_verb 'resume, the runtime killed' "$(every 2)" -a create,start,pause sweep-kill -- "$RUNTIME" resume @
sweep_verb 'update, the runtime killed' "$(every 2)" -a create,start sweep-kill -- \
    "$RUNTIME" update --memory 41943040 --pids-limit 20 @
sweep_verb 'delete --force, the runtime killed' "$(every 1)" -a create,start sweep-kill -- "$RUNTIME" delete --force @

# ---- with hooks ---------------------------------------------------------------------------------------

hook="[{\"path\":\"$step\",\"args\":[\"faultstep\",\"nothing\"]}]"
inner='[{"path":"/faultstep","args":["faultstep","nothing"]}]'
fault_bundle hooks '["/faultstep","say","ran"]' "{\"createRuntime\":$hook,\"createContainer\":$hook,
    \"startContainer\":$inner,\"poststart\":$hook,\"poststop\":$hook}" ''
for process in supervisor box; do
    sweep_verb "run with hooks, the $process killed" "$(every 5)" -p $process -x ran sweep-kill -- \
        "$RUNTIME" run --bundle @BUNDLE @
done
sweeps_end 'nothing is left of the kill sweeps'
