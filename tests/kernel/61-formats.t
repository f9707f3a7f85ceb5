#!/bin/sh
# shellcheck disable=SC2016,SC2034 # expanded in the run; read by the library
# The result in every format, its key fields right.
. "${LIB:-${0%/*}/../lib.sh}"
require_root
require_controller cpu memory
hog=$TOOLS/hog
report=$work/report

in_format() { # FORMAT OPTIONS... -- COMMAND...
    format=$1
    shift
    rm -f "$report"
    run_ration run --report "$report" --format "$format" "$@"
}

has() { # ERE NAME
    if grep -qE -e "$1" "$report"; then
        ok "$2"
    else
        t_fail_run "$2" "the report does not match: $1"
        diag "$(head -c 3000 "$report" 2>&1)"
    fi
}

lacks() { # ERE NAME
    if grep -qE -e "$1" "$report"; then
        t_fail_run "$2" "the report matches: $1"
        diag "$(head -c 3000 "$report" 2>&1)"
    else
        ok "$2"
    fi
}

# ---- text --------------------------------------------------------------------------------------

in_format text --memory 50m -- "$hog" exit 3
expect_status 3 'a report does not change the exit status'
has 'exited' 'text: why it ended'
has 'memory' 'text: the limit'
in_format text --memory 20m -- "$hog" mem 60m
has 'memory: own limit \(--memory 20m\)' 'text: the verdict'
run_ration run --report - -- "$hog" exit 0
expect_stderr_matches 'exited' '--report - is a text on stderr'
expect_stdout_is '' 'and nothing is on stdout'
run_ration run --report fd:2 --format json -- "$hog" exit 0
cp "$err" "$report"
expect_json "$report" verdict.cause exited '--report fd:N writes to a descriptor'

# ---- json --------------------------------------------------------------------------------------

schema=
for candidate in "${LIB%/*}/result.schema.json" "${0%/*}/../../docs/result.schema.json"; do
    [ ! -f "$candidate" ] || schema=$candidate
done
conforms() { # NAME
    [ -n "$schema" ] && command -v python3 >/dev/null && python3 -c 'import jsonschema' 2>/dev/null ||
        return 0
    check "$1: the document is as its schema says" python3 -c '
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
cls = jsonschema.validators.validator_for(schema)
cls.check_schema(schema)
cls(schema).validate(json.load(open(sys.argv[2])))' "$schema" "$report"
}

in_format json --memory 50m --cpus 0.5 --name "rt-formats-$$" -- "$hog" exit 3
conforms 'exited'
expect_json "$report" verdict.cause exited
expect_json "$report" exit_status 3
expect_json "$report" signal null
expect_json "$report" name "rt-formats-$$"
expect_json "$report" argv.1 exit
expect_json "$report" layout "$LAYOUT"
expect_json "$report" rootless false
expect_json "$report" program_status 3
for metric in cpu_total_us cpu_user_us wall_us memory_peak_bytes max_rss_bytes pids_peak; do
    expect_json_matches "$report" "metrics.$metric.unit" '^(us|bytes|count)$'
done
in_format json --memory 20m -- "$hog" mem 60m
conforms 'memory'
expect_json "$report" signal 9
expect_json "$report" exit_status null
expect_json "$report" verdict.limit memory
in_format json -- /nonexistent
conforms 'failed to start'
expect_json "$report" verdict.cause failed_to_start
expect_json "$report" errno 2
in_format json --timeout 200ms -- "$hog" sleep 60
conforms 'timeout'
in_format json --device-cgroup-rule 'deny c 1:5 rwm' --ulimit nofile=50 --pids-limit 20 -- "$hog" fork 40
conforms 'pids'
in_format json -- "$hog" exit 0 "$(printf 'not \377 UTF-8')"
conforms 'an argument that is not UTF-8'
expect_json "$report" verdict.cause exited 'an argument that is not UTF-8 does no harm'

# ---- isolate -----------------------------------------------------------------------------------

in_format isolate --memory 50m -- "$hog" exit 3
has '^exitcode:3$' 'isolate: exitcode'
has '^status:RE$' 'isolate: status of a bad exit'
has '^time:[0-9]+\.[0-9]{3}$' 'isolate: time, three decimals'
has '^time-wall:[0-9]+\.[0-9]{3}$' 'isolate: time-wall'
has '^max-rss:[0-9]+$' 'isolate: max-rss'
has '^cg-mem:[0-9]+$' 'isolate: cg-mem'
in_format isolate --memory 50m -- "$hog" exit 0
lacks '^status:' 'isolate: no status when all went well'
in_format isolate --memory 20m -- "$hog" mem 60m
has '^status:SG$' 'isolate: status of a signal'
has '^exitsig:9$' 'isolate: exitsig'
has '^cg-oom-killed:1$' 'isolate: cg-oom-killed'
in_format isolate --timeout 300ms -- "$hog" sleep 60
has '^status:TO$' 'isolate: status of a timeout'
has '^killed:1$' 'isolate: killed'
in_format isolate -- /nonexistent
has '^status:XX$' 'isolate: status of a failed start'

# ---- runexec -----------------------------------------------------------------------------------

in_format runexec --memory 50m -- "$hog" exit 3
has '^returnvalue=3$' 'runexec: returnvalue'
has '^walltime=[0-9.]+s$' 'runexec: walltime'
has '^cputime=[0-9.]+s$' 'runexec: cputime'
has '^memory=[0-9]+B$' 'runexec: memory'
lacks '^terminationreason=' 'runexec: no reason when nothing ended it'
in_format runexec --memory 20m -- "$hog" mem 60m
has '^terminationreason=memory$' 'runexec: memory'
has '^exitsignal=9$' 'runexec: exitsignal'
in_format runexec --timeout 300ms -- "$hog" sleep 60
has '^terminationreason=walltime$' 'runexec: walltime'
in_format runexec --cpu-time 200 -- "$hog" cpu 60s
has '^terminationreason=cputime$' 'runexec: cputime'

# ---- GNU time ----------------------------------------------------------------------------------

in_format gnu-time -- "$hog" exit 3
has 'Command being timed: ".*hog exit 3"' 'gnu-time: command'
has 'Exit status: 3$' 'gnu-time: exit status'
has 'Maximum resident set size \(kbytes\): [1-9][0-9]*$' 'gnu-time: max RSS'
has 'Elapsed \(wall clock\) time .*: [0-9]+:[0-9]{2}\.[0-9]{2}$' 'gnu-time: elapsed'
in_format gnu-time -- "$hog" signal 15
has 'Command terminated by signal 15' 'gnu-time: signal'

# ---- go-judge ----------------------------------------------------------------------------------

judge() { # STATUS OPTIONS...
    wanted=$1
    shift
    in_format go-judge "$@"
    expect_json "$report" 0.status "$wanted" "go-judge: $wanted"
}
judge Accepted -- "$hog" exit 0
judge 'Nonzero Exit Status' -- "$hog" exit 3
judge Signalled -- "$hog" signal 11
judge 'Memory Limit Exceeded' --memory 20m -- "$hog" mem 60m
judge 'Time Limit Exceeded' --timeout 300ms -- "$hog" sleep 60
judge 'Time Limit Exceeded' --cpu-time 200 -- "$hog" cpu 60s
judge 'Output Limit Exceeded' --output-limit 64k -- "$hog" out 1m
judge 'Dangerous Syscall' -- "$hog" syscall getppid
expect_json_matches "$report" 0.time '^[0-9]+$' 'go-judge: time'
expect_json_matches "$report" 0.memory '^[0-9]+$' 'go-judge: memory'
assert_no_leftovers
