#!/bin/sh
# shellcheck disable=SC2016,SC2034 # expanded in the run; read by the library
# The experiments that every introduction to control groups makes, each with its number.
. "${LIB:-${0%/*}/../lib.sh}"
require_root
require_controller cpu memory cpuset
hog=$TOOLS/hog

# ---- memory ------------------------------------------------------------------------------------

# Where swap is on, none of it: what does not fit shall die.
bounded() { # LIMIT COMMAND...
    limit=$1
    shift
    if [ "$(wc -l </proc/swaps)" -gt 1 ]; then
        run_json --memory "$limit" --memory-swap "$limit" "$@"
    else
        run_json --memory "$limit" "$@"
    fi
}

lives() { # WHAT LIMIT COMMAND...
    what=$1 limit=$2
    shift 2
    bounded "$limit" -- "$@"
    expect_status 0 "$what under --memory $limit lives"
    expect_json "$json" verdict.cause exited
}

dies() { # WHAT LIMIT COMMAND...
    what=$1 limit=$2
    shift 2
    bounded "$limit" -- "$@"
    expect_json "$json" verdict.cause memory "$what under --memory $limit is killed"
    expect_json "$json" verdict.whose own
    expect_json_matches "$json" verdict.text "^memory: own limit \(--memory(-swap)? $limit\)" \
        'the verdict names the limit'
    # Newer kernels do not count failures at the limit of memory and swap together.
    [ "$(wc -l </proc/swaps)" -gt 1 ] ||
        expect_json_between "$json" metrics.memory_failcnt.value 1 100000000 'it had been reached'
    expect_json_between "$json" metrics.oom_kills.value 1 10 'somebody was killed'
    expect_json_between "$json" metrics.memory_peak_bytes.value \
        $((${limit%m} * 1048576 - 1048576)) $((${limit%m} * 1048576)) \
        'the peak is at the limit, not above'
}

lives '40 MiB' 50m "$hog" mem 40m
dies '100 MiB' 50m "$hog" mem 100m
expect_status 137 'SIGKILL ended it'
dies '200 MiB' 100m "$hog" mem 200m
if command -v stress >/dev/null; then
    lives 'stress with 40 MB' 50m stress -q --vm 1 --vm-bytes 40m --vm-hang 1 -t 2
    dies 'stress with 100 MB' 50m stress -q --vm 1 --vm-bytes 100m --vm-hang 1 -t 2
    dies 'stress with 200 MB' 100m stress -q --vm 1 --vm-bytes 200m --vm-hang 1 -t 2
fi
assert_no_leftovers

# ---- memory, where there is swap ---------------------------------------------------------------

swap_on() { # a swap device in memory, in the virtual machine only
    [ "$VM" = 1 ] && modprobe zram 2>/dev/null && echo 128M >/sys/block/zram0/disksize &&
        mkswap /dev/zram0 >/dev/null && swapon /dev/zram0
}
swapped=0
[ "$(wc -l </proc/swaps)" -gt 1 ] || { swap_on && swapped=1; }
if [ "$(wc -l </proc/swaps)" -gt 1 ]; then
    run_json --memory 20m --memory-swap 100m -- "$hog" mem 50m
    expect_status 0 '50 MiB under --memory 20m --memory-swap 100m lives: the rest is swapped'
    expect_json "$json" verdict.cause exited
    expect_json_between "$json" metrics.memory_failcnt.value 1 100000000 \
        'the memory limit was reached again and again'
    run_json --memory 20m --memory-swap 20m -- "$hog" mem 50m
    expect_json "$json" verdict.cause memory 'without swap of its own it is killed'
    run_json --memory 20m --memory-swap 40m -- "$hog" mem 80m
    expect_json "$json" verdict.cause memory 'beyond memory and swap together it is killed'
    expect_json "$json" verdict.whose own
    [ $swapped -eq 0 ] || swapoff /dev/zram0
    assert_no_leftovers
else
    skip '50 MiB under --memory 20m with swap' 'no swap is on here; a virtual machine has some'
fi

# ---- cpu ---------------------------------------------------------------------------------------

# Ten per cent of one CPU over five seconds, give or take one per cent: 450 to 550 ms.
run_json -cpu 10 -- "$hog" cpu 5s
expect_status 0 '-cpu 10, spinning for five seconds'
expect_json_between "$json" metrics.cpu_total_us.value 450000 550000 '10 % give or take 1 %'
expect_json_between "$json" metrics.wall_us.value 5000000 6000000 'of five seconds'
expect_json_between "$json" metrics.nr_throttled.value 20 100 'it was throttled in most periods'
expect_json_between "$json" metrics.throttled_us.value 1000000 10000000 'and for most of the time'
run_json --cpus 0.2 -- "$hog" cputime-tree 2 200ms
expect_json_between "$json" metrics.wall_us.value 1700000 10000000 \
    'two processes share one quota: 400 ms at a fifth of a CPU take close to 2 s'

# Two that spin over the very same four seconds on one CPU, with shares of 1024 and 512. The linear
# map keeps the ratio where shares become weights.
span=$(pick 4 6)
at=$(($(cut -d. -f1 /proc/uptime) + $(pick 2 8)))
# Whatever else runs on that CPU takes from both alike.
"$RATION" run --report "$work/a" --format json --weight-map linear -cpuset 1 -cpushare 1024 -- \
    "$hog" cpu "$span" --at $at 2>"$work/a.err" &
one=$!
"$RATION" run --report "$work/b" --format json --weight-map linear -cpuset 1 -cpushare 512 -- \
    "$hog" cpu "$span" --at $at 2>"$work/b.err" &
two=$!
wait $one $two
first=$(json "$work/a" metrics.cpu_total_us.value)
second=$(json "$work/b" metrics.cpu_total_us.value)
diag "1024 shares: $first us, 512 shares: $second us $(cat "$work/a.err" "$work/b.err")"
# 2 : 1 give or take ten per cent, in thousandths.
expect_between $((${first:-0} * 1000 / ${second:-1})) 1800 2200 'shares 1024 and 512 are as 2 to 1'

# ---- cpuset ------------------------------------------------------------------------------------

run_json --cpuset-cpus 1 -- "$TOOLS/probe" affinity
expect_stdout_is 1 'cpuset pins'
run_json --cpuset-cpus 1 -- "$hog" cputime-tree 2 300ms
expect_json_between "$json" metrics.wall_us.value 550000 20000000 \
    'two processes on one CPU take turns'
assert_no_leftovers 'the groups are gone at the end'

# ---- spelled as in the notes -------------------------------------------------------------------

printed=$("$TOOLS/ptyrun" -t "$(pick 20 90)" -o "$out" send 'exit 3\n' wait -- \
    "$RATION" run -it -mem 10m -cpu 20 -cpuset 1 -cpushare 512 /bin/sh 2>&1)
expect_equal "$printed" 'status 3' 'ration run -it -mem 10m -cpu 20 -cpuset 1 -cpushare 512 /bin/sh'
start_json -mem 10m -cpu 20 -cpuset 1 -cpushare 512 "$hog" sleep "3600.$$"
wait_until 20 find_process hog "3600.$$"
pid=$(find_process hog "3600.$$")
if [ "$(controller_version memory)" = 2 ]; then
    expect_equal "$(group_file memory "$pid" memory.max)" 10485760 '-mem 10m'
    expect_equal "$(group_file cpu "$pid" cpu.max)" '20000 100000' '-cpu 20'
    expect_equal "$(group_file cpu "$pid" cpu.weight)" 59 '-cpushare 512'
else
    expect_equal "$(group_file memory "$pid" memory.limit_in_bytes)" 10485760 '-mem 10m'
    expect_equal "$(group_file cpu "$pid" cpu.cfs_quota_us)" 20000 '-cpu 20'
    expect_equal "$(group_file cpu "$pid" cpu.shares)" 512 '-cpushare 512'
fi
expect_equal "$(group_file cpuset "$pid" cpuset.cpus)" 1 '-cpuset 1'
end_sleeper
assert_no_leftovers
