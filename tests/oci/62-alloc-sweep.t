#!/bin/sh
# Each allocation of each verb fails, alone and with all that follow it: no crash, nothing left, and either what
# was asked for or a sentence and a failure's exit status.
. "${0%/*}/lib.sh"
. "${0%/*}/fault.sh"
runtime=$TOOLS/ration-oci-alloc
[ -x "$runtime" ] || skip_all 'takes a static build, for ration-oci-alloc'

fault_bundle say '["/faultstep","say","ran"]' '' ''
sweep_verb 'run, allocations fail' "$(every 8)" -x ran sweep-alloc -- "$runtime" run --bundle @BUNDLE @
sweep_verb 'create, allocations fail' "$(every 9)" -x ran -z start sweep-alloc -- "$runtime" create --bundle @BUNDLE @
sweep_verb 'start, allocations fail' "$(every 1)" -a create -x ran sweep-alloc -- "$runtime" start @

fault_bundle sleep '["/hog","sleep","1000"]' '' ''
sweep_verb 'exec, allocations fail' "$(every 6)" -a create,start -x ran sweep-alloc -- "$runtime" exec @ /faultstep say ran
sweep_verb 'state, allocations fail' "$(every 3)" -a create -x created sweep-alloc -- "$runtime" state @
sweep_verb 'list, allocations fail' "$(every 3)" -a create -x created sweep-alloc -- "$runtime" list
sweep_verb 'update, allocations fail' "$(every 3)" -a create,start -g sweep-alloc -- \
    "$runtime" update --memory 41943040 --pids-limit 20 @
sweep_verb 'delete, allocations fail' "$(every 2)" -a create sweep-alloc -- "$runtime" delete @
sweep_verb 'kill --all, allocations fail' "$(every 1)" -a create,start sweep-alloc -- "$runtime" kill --all @ KILL
sweep_verb 'events, allocations fail' "$(every 2)" -a create,start -x memory sweep-alloc -- "$runtime" events --stats @
sweeps_end 'nothing is left of the allocation sweeps'
