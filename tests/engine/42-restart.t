#!/bin/sh
# shellcheck disable=SC2016,SC2034,SC2154 # expanded inside; read by the library
# Restart policies: who is started again, how often, and who is not any more.
. "${0%/*}/lib.sh"
seconds=$(pick 20 90)

starts() { # NAME: how often it has begun
    "$RATION" events --filter "container=$1" | grep -cE ' container (start|restart) '
}
has_started() { [ "$(starts "$1")" -ge "$2" ]; }

run_ration run -d --name fails --restart on-failure:2 -- sh -c 'exit 9'
run_ration wait fails
expect_stdout_is 9 'wait waits for the last end'
expect_equal "$(starts fails)" 3 'on-failure:2 is once and two times more'
run_ration ps -a --filter name=fails --format '{{.Restarts}} {{.Status}}'
expect_stdout_matches '^2 Exited \(9\)' 'ps tells how often'

run_ration run -d --name well --restart on-failure -- true
run_ration wait well
expect_equal "$(starts well)" 1 'who ends well is not started again'

run_ration run -d --name once -- false
run_ration wait once
expect_equal "$(starts once)" 1 'without a policy nobody is'

run_ration run -d --name ever --restart always -- true
check 'always is whatever the status' wait_until "$seconds" has_started ever 3
run_ration stop ever
expect_status 0 'it can be stopped, between two runs as well'
before=$(starts ever)
run_ration ps -a --filter name=ever
expect_stdout_matches 'Exited \(0\)' 'stopped, it stays so'
expect_equal "$(starts ever)" "$before" 'and is not started again'

run_ration run -d --name held --restart unless-stopped -- sleep 3600
run_ration kill held
run_ration wait held
expect_stdout_is 137 'who is killed by a user is not started again'
run_ration start held
pid=$("$RATION" ps --filter name=held --format '{{.Pid}}')
kill -KILL "$pid"
check 'who is killed by others is' wait_until "$seconds" has_started held 3
run_ration rm -f held
expect_status 0 'rm -f ends that, too'
run_ration create --restart sometimes -- true
expect_refusal_of 2 'on-failure' 'an unknown policy is refused'

engine_clean
