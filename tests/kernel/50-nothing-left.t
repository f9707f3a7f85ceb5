#!/bin/sh
# shellcheck disable=SC2016,SC2034 # expanded in the run; read by the library
# However a run ends, nothing of it stays: no process, no group, no mount, no record.
. "${LIB:-${0%/*}/../lib.sh}"
require_root
require_controller cpu memory pids
hog=$TOOLS/hog

# ---- what COMMAND may do about it --------------------------------------------------------------

ends_clean() { # NAME OPTIONS... -- COMMAND...: it ends by itself within a minute, nothing is left
    t_name=$1
    shift
    run_ration run "$@"
    if [ "$status" -ge 124 ]; then
        t_fail_run "$t_name" "exit status $status"
    else
        assert_no_leftovers "$t_name"
    fi
}

for options in '' '--init=false' '--pid host' '--memory 50m --cpus 1' \
    '--memory 150m --pid host --ipc host --network host'; do
    # shellcheck disable=SC2086 # a list of words
    {
        ends_clean "a daemon ($options)" $options -- "$hog" daemon
        ends_clean "a daemon that ignores signals ($options)" $options -- \
            sh -c '"$0" ignore-term >/dev/null & exit 0' "$hog"
        ends_clean "a stopped child ($options)" $options -- \
            sh -c '"$0" sleep 1000 & kill -STOP $!; exit 0' "$hog"
        ends_clean "a crowd of forkers ($options)" $options -- \
            sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do
                (while :; do "$0" exit 0; done) & done; sleep 0.3; exit 0' "$hog"
    }
done

if start_sleeper 'stopped COMMAND' --stop-timeout 300ms; then
    kill -STOP "$pid"
    wait_until 10 grep -q '^State:.T' "/proc/$pid/status"
    kill -TERM "$ration_pid"
    wait_ration
    expect_status 137 'a COMMAND that is stopped is killed after the stop timeout'
    assert_no_leftovers
fi

# Groups beneath the run's own, made by somebody while it runs, and processes in them.
subgroups() { # NAME OPTIONS...
    name=$1
    shift
    start_sleeper "$name" "$@" || return
    made=0
    for controller in memory cpu pids unified; do
        dir=$(group_dir "$controller" "$pid") || continue
        case $dir in */ration-*) ;; *) continue ;; esac
        mkdir -p "$dir/one/two" "$dir/three" && made=$((made + 1))
    done
    expect_between $made 1 4 "$name: groups were made beneath"
    end_sleeper
    expect_status 137 "$name: the run ends"
    assert_no_leftovers "$name: they are gone with it"
}
subgroups 'groups beneath' --memory 50m --cpus 1 --pids-limit 50
subgroups 'groups beneath, host processes' --memory 50m --cpus 1 --pids-limit 50 --pid host

if start_sleeper 'a process in a group beneath' --memory 50m --pids-limit 50; then
    dir=$(group_dir memory "$pid")
    mkdir "$dir/one"
    echo "$pid" >"$dir/one/cgroup.procs"
    kill -TERM "$ration_pid"
    wait_ration
    assert_no_leftovers 'a process that moved into a group beneath'
fi

# A run that somebody froze.
freeze() { # PID
    if freezer=$(group_dir unified "$1") && [ -f "$freezer/cgroup.freeze" ]; then
        case $freezer in */ration-*) echo 1 >"$freezer/cgroup.freeze" && return ;; esac
    fi
    freezer=$(group_dir freezer "$1") || return 1
    case $freezer in */ration-*) echo FROZEN >"$freezer/freezer.state" ;; *) return 1 ;; esac
}
for options in '' '--pid host'; do
    # shellcheck disable=SC2086
    if start_sleeper 'a frozen run' --memory 50m --stop-timeout 300ms $options; then
        if freeze "$pid"; then
            kill -TERM "$ration_pid"
            wait_ration
            # A frozen process of v2 dies of SIGTERM at once, one of v1 not before it is thawed.
            expect_between "$status" 137 143 "a frozen run can be ended${options:+ ($options)}"
        else
            end_sleeper
        fi
        assert_no_leftovers
    fi
    # shellcheck disable=SC2086
    if start_sleeper 'a frozen run with a timeout' --memory 50m --timeout "$(pick 1s 5s)" $options; then
        freeze "$pid" || :
        wait_ration
        expect_status 124 "a frozen run does not escape its timeout${options:+ ($options)}"
        assert_no_leftovers
    fi
    # shellcheck disable=SC2086
    if start_sleeper 'a frozen run whose ration is killed' --memory 50m $options; then
        if freeze "$pid"; then
            kill -KILL "$ration_pid"
            wait_ration
            "$RATION" run -- "$hog" exit 0
        else
            end_sleeper
        fi
        assert_no_leftovers "a frozen run whose ration was killed${options:+ ($options)}"
    fi
done

# A process of somebody else's in our group is theirs: it lives, we say so, and a later call clears up.
if start_sleeper 'a foreign process' --memory 50m; then
    dir=$(group_dir memory "$pid")
    sleep 1000 &
    foreign=$!
    echo $foreign >"$dir/cgroup.procs"
    end_sleeper
    expect_status 125 'a foreign process in our group keeps the group from being removed'
    "$RATION" run -- "$hog" exit 0
    check 'and lives, also after the next call' kill -0 $foreign
    kill $foreign
    wait $foreign 2>/dev/null
    "$RATION" run -- "$hog" exit 0
    assert_no_leftovers 'once it has ended, the next call clears up'
fi

# ---- ration itself is killed -------------------------------------------------------------------

# What COMMAND has started must not outlive a killed ration, next call or not; groups and records
# are the next call's to clear away.
no_process_left() {
    [ -z "$(t_processes)" ]
}
kill_at() { # SECONDS OPTIONS...: adds what stays to $bad
    moment=$1
    shift
    [ "${#bad}" -lt 400 ] || return
    "$RATION" run "$@" -- sh -c '"$0" sleep 1000 & "$0" ignore-term & "$0" daemon; "$0" sleep 1000' \
        "$hog" >/dev/null 2>&1 </dev/null &
    victim=$!
    sleep "$moment"
    kill -KILL $victim
    wait $victim 2>/dev/null
    # Without cgroup.kill and without a pid namespace, what COMMAND left is the next call's, too.
    case "$LAYOUT $*" in
    'v1 '*'--pid host'*) ;;
    *) wait_until 3 no_process_left || bad="$bad process-after-$moment" ;;
    esac
    "$RATION" run --memory 50m -- "$hog" exit 0 >"$out" 2>&1 || bad="$bad next-run-after-$moment"
    t_remains=$(t_stays 10)
    [ -z "$t_remains" ] || bad="$bad left-after-$moment:$t_remains"
}
moments='0 0.001 0.002 0.003 0.004 0.005 0.006 0.007 0.008 0.009 0.010 0.012 0.014 0.016 0.018
    0.020 0.025 0.030 0.040 0.050 0.070 0.100 0.200 0.500'
[ "$VM" = 0 ] || moments='0 0.010 0.020 0.040 0.060 0.080 0.120 0.200 0.300 0.500 1.000'
for options in '--memory 50m --cpus 1 --pids-limit 50' '--memory 50m --pid host' \
    '--memory 50m --init=false'; do
    bad=
    count=0
    # shellcheck disable=SC2086
    for moment in $moments; do
        kill_at "$moment" $options
        count=$((count + 1))
    done
    expect_equal "$bad" '' "SIGKILL at $count moments ($options): nothing stays"
done

# Its name, too, is free at once.
if start_sleeper 'a named run' --name "rt-killed-$$" --memory 50m; then
    kill -KILL "$ration_pid"
    wait_ration
    run_ration run --name "rt-killed-$$" --memory 50m -- "$hog" exit 4
    expect_status 4 'the name of a killed run can be used at once'
fi
assert_no_leftovers

# Records that are damaged, and what does not belong there.
if start_sleeper 'a damaged record' --name "rt-damaged-$$" --memory 50m; then
    record=/run/ration/rt-damaged-$$
    check 'a run has a record' test -f "$record"
    expect_equal "$(stat -c %a "$record")" 600 'that is nobody else'"'"'s to read'
    head -c 20 "$record" >"$work/cut"
    kill -KILL "$ration_pid"
    wait_ration
    cat "$work/cut" >"$record"
    "$RATION" run -- "$hog" exit 0
    assert_no_leftovers 'a record that was cut short is enough to clear up'
fi
if start_sleeper 'an empty record' --name "rt-empty-$$" --memory 50m; then
    kill -KILL "$ration_pid"
    wait_ration
    : >"/run/ration/rt-empty-$$"
    "$RATION" run -- "$hog" exit 0
    assert_no_leftovers 'an empty record too'
fi

# Somebody else's process keeps the groups of a killed run from going away: that is waited for while others
# run, but never in the way of their limits. Without --timeout it would have said "late" long before.
if start_sleeper 'a run that others have joined' --name "rt-joined-$$" --memory 50m; then
    sleep 1000 &
    foreign=$!
    find /sys/fs/cgroup -type d -name "ration-rt-joined-$$" 2>/dev/null | while read -r group; do
        echo "$foreign" >"$group/box/cgroup.procs"
    done
    kill -KILL "$ration_pid"
    wait_ration
    run_ration run --timeout 100ms -- sh -c 'sleep 0.8; echo late'
    expect_status 124 'a limit strikes in time while the groups of a killed run do not go'
    expect_stdout_lacks 'late'
    check 'who was put into them by others lives' kill -0 "$foreign"
    kill "$foreign"
    wait "$foreign" 2>/dev/null
    "$RATION" run -- "$hog" exit 0
    assert_no_leftovers 'they go with the next call after that'
fi

# ---- at the same time --------------------------------------------------------------------------

# Killed runs and living ones beside each other: the living are not disturbed by the clearing up.
if start_sleeper 'a run beside others' --memory 50m; then
    kept=$pid kept_ration=$ration_pid
    for moment in $(pick '0.005 0.010 0.015 0.020 0.030' '0.050 0.100 0.200'); do
        "$RATION" run --memory 50m -- "$hog" sleep 1000 >/dev/null 2>&1 </dev/null &
        victim=$!
        sleep "$moment"
        kill -KILL $victim
        wait $victim 2>/dev/null
        "$RATION" run --memory 50m -- "$hog" exit 0
    done
    check 'a living run is not disturbed by clearing up after killed ones' kill -0 "$kept"
    pid=$kept ration_pid=$kept_ration
    end_sleeper
    expect_status 137
fi
assert_no_leftovers
