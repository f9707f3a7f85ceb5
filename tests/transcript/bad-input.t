#!/bin/sh
# shellcheck disable=SC2034 # status and the like are read by the library
# Bad input that is refused without asking the kernel: one sentence that names the option, status 2,
# nothing left.
. "${LIB:-${0%/*}/../lib.sh}"

# refused STATUS ERE ARGS...: the same from run, which must not start anything, and from plan
refused() {
    t_wanted=$1
    t_ere=$2
    shift 2
    t_args=$(printf '%s' "$*" | tr '\n' '?' | cut -c 1-80)
    run_ration plan --layout v1 "$@" touch "$work/ran"
    expect_refusal "$t_wanted" "$t_ere" "plan refuses $t_args"
    run_ration run "$@" -- touch "$work/ran"
    expect_refusal "$t_wanted" "$t_ere" "run refuses $t_args"
}

# ---- numbers and sizes ---------------------------------------------------------------------------
refused 2 '--memory' --memory ''
refused 2 '--memory' --memory x
refused 2 '--memory' --memory 50q
refused 2 '--memory' --memory -5m
refused 2 '--memory' --memory ' 50m'
refused 2 '--memory' --memory '50m '
refused 2 '--memory' --memory 0x10
refused 2 '--memory' --memory 1e9
refused 2 '--memory' --memory 99999999999999999999
refused 2 '--memory' --memory 20000000t
refused 2 '--memory' --memory 1k
refused 2 '--cpus' --cpus 0
refused 2 '--cpus' --cpus -1.5
refused 2 '--cpus' --cpus 1.5x
refused 2 '--cpu' -cpu 0
refused 2 '--pids-limit' --pids-limit 1.5
refused 2 '--pids-limit' --pids-limit 99999999999
refused 2 '--cpu-shares' --cpu-shares 1
refused 2 '--cpuset-cpus' --cpuset-cpus 3-1
refused 2 '--cpuset-cpus' --cpuset-cpus 0,,1
refused 2 '--timeout' --timeout -5
refused 2 '--timeout' --timeout 5y
refused 2 '--cpu-time' --cpu-time 99999999999999999999
refused 2 '--memory-swap' --memory 50m --memory-swap 40m
refused 2 '--shm-size' --shm-size 0
refused 2 '--ulimit' --ulimit nofile
refused 2 '--ulimit' --ulimit nofile=10:5
refused 2 '--ulimit' --ulimit files=10
refused 2 '--umask' --umask 9
refused 2 '--oom-score-adj' --oom-score-adj 1001
refused 2 '--stop-timeout' --stop-timeout soon
refused 2 '--stop-signal' --stop-signal NOPE
refused 2 '--weight-map' --weight-map legacy

# ---- names ---------------------------------------------------------------------------------------
refused 2 '--name' --name ''
refused 2 '--name' --name a/b
refused 2 '--name' --name ../x
refused 2 '--name' --name -- # the value is "--"
refused 2 '--name' --name "$(printf 'a\nb')"
refused 2 '--name' --name "$(head -c 10000 /dev/zero | tr '\0' n)"
refused 2 '--hostname' --hostname 'a b'
refused 2 '--hostname' -h "$(head -c 65 /dev/zero | tr '\0' h)"
refused 2 '--network' --network a/b
refused 2 '--pid' --pid container:x
refused 2 '--cgroup-parent' --cgroup-parent a/../../b
refused 2 '--user' --user -1
refused 2 '--user' --user 4294967295
refused 2 '--user' --user 4294967296
refused 2 '--user' --user 1:
refused 2 '--user' --user 0x10
refused 2 '--user' --user ' 1'
refused 2 '--user' --user no-such-user-here
refused 2 '--group-add' --group-add no-such-group-here
refused 2 '--cap-add' --cap-add NET
refused 2 '--cap-drop' --cap-drop ''
refused 2 '--security-opt' --security-opt seccomp=profile.json
refused 2 '--hostname' --uts host --hostname x
refused 2 '--time-offset' --time-offset soon

# ---- mounts, devices, files --------------------------------------------------------------------------
refused 2 '--volume' -v tmp
refused 2 '--volume.*volume.s name' -v a/b:/data
refused 2 'storage-opt takes an IMAGE' --storage-opt size=1m
refused 2 'entrypoint takes an IMAGE' --entrypoint true
refused 2 '--volume' -v /tmp:data
refused 2 '--volume' -v /tmp:/data:bogus
refused 2 '--volume' -v /tmp:/
refused 2 '--volume' -v /tmp:/proc/sys
refused 2 '--volume' -v /tmp:/a/../b
refused 2 '--tmpfs' -v /tmp:/data --tmpfs /data
refused 2 '--mount.*not the path' --mount type=volume,src=/a,dst=/b
refused 2 '--mount' --mount type=bind,src=/tmp
refused 2 '--tmpfs' --tmpfs data
refused 2 '--tmpfs' --tmpfs /data:size=-1
refused 2 '--device' --device /dev/no-such-device
refused 2 '--device' --device /dev
refused 2 '--device' --device /dev/null:/etc/null
refused 2 '--workdir' --workdir data
refused 2 '--rootfs' --rootfs ''
refused 2 '--env' --env =x
refused 2 '--env-file.*No such file' --env-file "$work/missing"
mkdir "$work/dir"
refused 2 '--env-file.*directory' --env-file "$work/dir"
printf 'GOOD=1\nBAD NAME=2\n' >"$work/blank"
refused 2 '--env-file.*line 2 has a blank' --env-file "$work/blank"
printf '=2\n' >"$work/nameless"
refused 2 '--env-file.*line 1 has no name' --env-file "$work/nameless"
printf 'A=\344\n' >"$work/latin1"
refused 2 '--env-file.*UTF-8' --env-file "$work/latin1"
printf 'A=\000\n' >"$work/nul"
refused 2 '--env-file' --env-file "$work/nul"
mkfifo "$work/fifo"
refused 2 '--env-file' --env-file "$work/fifo"

# ---- the report ------------------------------------------------------------------------------------------
run_ration run --format json -- true
expect_refusal 2 '--format.*--report'
run_ration run --report - --format yaml -- true
expect_refusal 2 '--format: there is no format "yaml"'
run_ration run --report '' -- true
expect_refusal 2 '--report is empty'
run_ration run --report fd:x -- true
expect_refusal 2 '--report fd:N'
run_ration run --report fd:77 -- touch "$work/ran"
expect_refusal 125 '--report fd:77'
run_ration run --report "$work/none/report" -- touch "$work/ran"
expect_refusal 125 '--report.*No such file' 'an unwritable report is refused before anything runs'
run_ration run --report "$work/dir" -- touch "$work/ran"
expect_refusal 125 '--report.*directory' 'a directory is no report'
run_ration run --report "$work/report" --user no-such-user-here -- touch "$work/ran"
expect_refusal 2 '--user'
check_not 'a refused run leaves no report' [ -e "$work/report" ]
echo old >"$work/report"
run_ration run --report "$work/report" --user no-such-user-here -- touch "$work/ran"
expect_equal "$(cat "$work/report")" '' 'a refused run does not leave the report of the one before'

run_ration plan --layout v3
expect_refusal 2 '--layout v3'

check_not 'nothing was run' [ -e "$work/ran" ]
assert_no_leftovers 'nothing is left of what was refused'
