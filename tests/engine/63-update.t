#!/bin/sh
# shellcheck disable=SC2034,SC2154 # read by the library
# Limits of a container that runs are changed, and stay so for its later starts.
. "${0%/*}/lib.sh"
require_controller memory pids
hog=$TOOLS/hog
seconds=$(pick 20 90)

file_of() { # CONTROLLER V1-FILE V2-FILE: the limit in force
    f_pid=$("$RATION" inspect -f '{{.State.Pid}}' box)
    f_dir=$(limit_dir "$1" "$f_pid")
    if [ -e "$f_dir/$2" ]; then cat "$f_dir/$2"; else cat "$f_dir/$3"; fi
}

run_ration run -d --name box --memory 100m --memory-swap 100m --pids-limit 50 -- "$hog" sleep 3600
expect_status 0 'a container under limits'
expect_equal "$(file_of memory memory.limit_in_bytes memory.max)" 104857600 'memory as it was asked for'
run_ration update --memory 150m --memory-swap 150m box
expect_status 0 'its memory is raised'
expect_stdout_is box 'and it is named'
expect_equal "$(file_of memory memory.limit_in_bytes memory.max)" 157286400 'the kernel has the new limit'
run_ration update --pids-limit 7 box
expect_equal "$(file_of pids pids.max pids.max)" 7 'another limit'
run_ration exec box "$hog" fork 30
expect_stdout_matches 'hog: [1-6] children' 'and it holds'
run_ration inspect -f '{{.HostConfig.Memory}} {{index .HostConfig.Limits "pids-limit"}}' box
expect_stdout_is '157286400 7' 'inspect tells them'

run_ration exec -d box "$hog" mem 60m --hold-forever
filled() {
    f_used=$(file_of memory memory.usage_in_bytes memory.current)
    test "$f_used" -gt 60000000
}
check 'memory is used' wait_until "$seconds" filled
run_ration update --memory 20m --memory-swap 20m box
check 'a limit below what is used is refused' test "$status" -eq 125
expect_stderr_matches 'memory' 'with a sentence'
expect_equal "$(file_of memory memory.limit_in_bytes memory.max)" 157286400 'and the old one stays'

for words in 'box' '--memory 1k box' '--memory lots box' '--memroy 5m box' '--name x box' '--volume /a:/b box' \
    '--memory 50m nosuch' '--restart sometimes box' '--memory 50m'; do
    # shellcheck disable=SC2086 # words
    run_ration update $words
    check "update $words is refused" test "$status" -ne 0
done
expect_equal "$(file_of memory memory.limit_in_bytes memory.max)" 157286400 'and nothing of it is in force'

run_ration update --restart on-failure:2 box
expect_status 0 'the restart policy is changed'
run_ration inspect -f '{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}' box
expect_stdout_is 'on-failure 2' 'and told'
run_ration stop -t 1 box
run_ration update --pids-limit 9 box
expect_status 0 'one that does not run is changed, too'
run_ration start box
expect_equal "$(file_of pids pids.max pids.max)" 9 'and has it when it is started'
expect_equal "$(file_of memory memory.limit_in_bytes memory.max)" 157286400 'with what was changed before'
engine_clean
