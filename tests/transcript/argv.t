#!/bin/sh
# shellcheck disable=SC2034 # status and the like are read by the library
# The command line: every way to write an option means the same plan, and what is wrong is told.
. "${LIB:-${0%/*}/../lib.sh}"

same_plan() { # WANTED-FILE NAME ARGS...
    t_wanted=$1
    t_name=$2
    shift 2
    run_ration plan --layout v1 "$@"
    if [ "$status" -eq 0 ] && cmp -s "$out" "$t_wanted"; then
        ok "$t_name: $*"
    else
        t_fail_run "$t_name: $*" 'not the same plan'
    fi
}

run_ration plan --layout v1 --memory 50m
expect_status 0 'a plan needs no COMMAND'
expect_stdout_matches 'memory\.limit_in_bytes +52428800'
cp "$out" "$work/memory"
same_plan "$work/memory" 'a value after =' --memory=50m
same_plan "$work/memory" 'one dash before a long name' -memory 50m
same_plan "$work/memory" 'one dash and =' -memory=50m
same_plan "$work/memory" 'an alias' --mem 50m
same_plan "$work/memory" 'an alias with one dash' -mem 50m
same_plan "$work/memory" 'a letter' -m 50m
same_plan "$work/memory" 'a value that sticks to its letter' -m50m
same_plan "$work/memory" 'a letter and =' -m=50m
same_plan "$work/memory" 'a cluster whose last letter has a value' -itm 50m
same_plan "$work/memory" 'a cluster with a value that sticks' -itm50m
same_plan "$work/memory" 'the last of two values' -m 40m -m 50m
same_plan "$work/memory" 'options end at --' -m 50m -- --memory 10m
same_plan "$work/memory" 'options end at COMMAND' -m 50m stress -m 1 --memory 10m
same_plan "$work/memory" 'a COMMAND of one dash' -m 50m - -m 10m
same_plan "$work/memory" 'flags with a value' -m 50m --tty=true --rm=false -i=1

run_ration plan --layout v1 -it -mem 10m -cpu 20 -cpuset 0 -cpushare 512 /bin/sh
expect_status 0 'the tutorial spelling is understood'
expect_stdout_matches 'memory\.limit_in_bytes +10485760'
expect_stdout_matches 'cpu\.cfs_quota_us +20000'
expect_stdout_matches 'cpuset\.cpus +0'
expect_stdout_matches 'cpu\.shares +512'

run_ration plan --layout v1 -ti -m 10m --cpus 0.2 sh -c 'exit 3'
expect_stdout_matches 'cpu\.cfs_quota_us +20000' '--cpus 0.2 is -cpu 20'

# ---- what is none --------------------------------------------------------------------------------

run_ration run --memry 5m true
expect_refusal 2 '^ration: run has no option --memry; did you mean --memory\?$'
run_ration run --memry=5m true
expect_refusal 2 'no option --memry; did you mean --memory\?$'
run_ration run -memroy 5m true
expect_refusal 2 'no option -memroy; did you mean --memory\?$'
run_ration plan --pid-limit 5
expect_refusal 2 'plan has no option --pid-limit; did you mean --pids-limit\?$'
run_ration run --xyzzyxyzzy true
expect_refusal 2 'no option --xyzzyxyzzy; ration run --help'
run_ration run -x true
expect_refusal 2 'no option -x;'
run_ration run -itx true
expect_refusal 2 'no option -itx;'
run_ration run --memory
expect_refusal 2 '^ration: --memory needs a value \(SIZE\)$'
run_ration run -itm
expect_refusal 2 '--memory needs a value'
run_ration run --tty=maybe true
expect_refusal 2 '--tty is a flag: true or false'
run_ration run --dry-run=maybe true
expect_refusal 2 '--dry-run is a flag: true or false'
run_ration run
expect_refusal 2 'run needs an IMAGE or a COMMAND'
run_ration run -m 50m --
expect_refusal 2 'run needs an IMAGE or a COMMAND'
run_ration run ''
expect_refusal 2 'COMMAND is an empty word'
run_ration runn true
expect_refusal 2 'there is no command runn; did you mean run\?'
run_ration frobnicate
expect_refusal 2 'there is no command frobnicate; ration --help'
run_ration --frobnicate
expect_refusal 2 'there is no option --frobnicate'
run_ration doctor --memory 5m
expect_refusal 2 'doctor has no option --memory'
run_ration doctor now
expect_refusal 2 'doctor takes no argument, unlike "now"'
run_ration version now
expect_refusal 2 'version takes no argument'
run_ration help run plan
expect_refusal 2 'help takes one command'
run_ration help frobnicate
expect_refusal 2 'there is no command frobnicate'

long=$(head -c 10000 /dev/zero | tr '\0' x)
run_ration run "--$long" true
expect_refusal 2 'no option --xxxx' 'an option of 10,000 characters is one short sentence'
check 'and a short one' [ "$(wc -c <"$err")" -lt 300 ]
run_ration run --name "$long" true
expect_refusal 2 '--name has 10000 characters, at most 128' 'a name of 10,000 characters'
run_ration "$long"
expect_refusal 2 'there is no command xxxx' 'a command of 10,000 characters'
run_ration run "--$(printf 'a\033[31m\nb')" true
expect_refusal 2 'no option --a' 'control characters do not reach the terminal'
check_not 'no escape is on stderr' grep -q "$(printf '\033')" "$err"
