#!/bin/sh
# shellcheck disable=SC2016,SC2034,SC2154 # read by the library
# Containers are asked whether they are well.
. "${0%/*}/lib.sh"
seconds=$(pick 20 90)
flag=$work/flag

health_is() { # NAME STATUS
    test "$("$RATION" inspect -f '{{.State.Health.Status}}' "$1")" = "$2"
}
expect_health() { # NAME STATUS SENTENCE
    if wait_until "$seconds" health_is "$1" "$2"; then
        ok "$3"
    else
        not_ok "$3" "it is $("$RATION" inspect -f '{{json .State.Health}}' "$1")"
    fi
}

run_ration run -d --name box --health-cmd "echo asked; test -e $flag" --health-interval 200ms --health-retries 2 \
    -- sleep 3600
expect_status 0 'a container with a check'
run_ration ps --format '{{.Status}}'
expect_stdout_matches 'health: starting' 'at first it is starting'
expect_health box unhealthy 'a check that fails twice: unhealthy'
run_ration ps --format '{{.Status}}'
expect_stdout_matches '\(unhealthy\)' 'ps shows it'
run_ration ps -q --filter health=unhealthy
expect_stdout_matches '^[0-9a-f]{12}$' 'and finds it'
: >"$flag"
expect_health box healthy 'a check that succeeds: healthy'
run_ration inspect -f '{{.State.Health.FailingStreak}} {{len .State.Health.Log}}' box
expect_stdout_matches '^0 [1-5]$' 'no failures in a row; the last few results are kept'
run_ration inspect -f '{{range .State.Health.Log}}{{.ExitCode}}:{{.Output}}{{end}}' box
expect_stdout_matches '^(1:)?asked$|0:asked' 'with status and output'
rm "$flag"
expect_health box unhealthy 'and it may become unhealthy again'
run_ration events --since 1h --until 0s --filter container=box
expect_stdout_matches 'health_status: unhealthy' 'the events tell'
expect_stdout_matches 'health_status: healthy' 'of each change'
run_ration pause box
run_ration unpause box
expect_status 0 'a pause is no failure'
run_ration rm -f box
expect_status 0 'it can be removed'

# Too long, too loud, and what is left of such checks.
run_ration run -d --name slow --health-cmd 'sleep 4711' --health-interval 100ms --health-timeout 200ms \
    --health-retries 1 -- sleep 3600
expect_health slow unhealthy 'a check that takes too long is a failure'
run_ration inspect -f '{{range .State.Health.Log}}{{.Output}}{{end}}' slow
expect_stdout_matches 'exceeded timeout' 'and says so'
# One may be on its way.
few() { test "$("$RATION" top --format '{{.COMMAND}}' slow | grep -c 4711)" -le 2; }
check 'nothing of those before is left in it' few
run_ration rm -f slow
expect_status 0 'it is removed with a check on its way'

run_ration run -d --name loud --health-cmd 'i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done' \
    --health-interval 100ms -- sleep 3600
expect_health loud healthy 'a check that writes much ends all the same'
run_ration inspect -f '{{range .State.Health.Log}}{{len .Output}} {{end}}' loud
expect_stdout_matches '^4096 ' 'and what is kept is bounded'
run_ration rm -f loud

run_ration run -d --name patient --health-cmd false --health-interval 100ms --health-retries 1 \
    --health-start-period 1h --health-start-interval 100ms -- sleep 3600
asked() { test "$("$RATION" inspect -f '{{len .State.Health.Log}}' patient)" -ge 3; }
check 'within the start period it is asked' wait_until "$seconds" asked
check 'and failures do not count' health_is patient starting
run_ration rm -f patient

run_ration run -d --name odd --health-cmd 'exit 3' --health-interval 100ms --health-retries 1 --cap-drop ALL \
    --user 65534:65534 --memory 60m -- sleep 3600
expect_health odd unhealthy 'any status but 0 is a failure'
run_ration inspect -f '{{(index .State.Health.Log 0).ExitCode}}' odd
expect_stdout_is 3 'and is told'
run_ration kill odd
run_ration start odd
expect_health odd unhealthy 'it is asked again when it is started again'

for words in '--health-retries 0' '--health-interval soon' '--health-cmd x --no-healthcheck'; do
    # shellcheck disable=SC2086 # words
    run_ration run -d --name wrong $words -- true
    check "$words is refused" test "$status" -ne 0
done
engine_clean
