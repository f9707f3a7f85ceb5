#!/bin/sh
# shellcheck disable=SC2034 # status and the like are read by the library
# A plan is a pure function of the options and the layout: it touches nothing and needs no privilege.
. "${LIB:-${0%/*}/../lib.sh}"

run_ration plan --layout v1 --memory 50m --cpus 0.5 --pids-limit 20 --cpu-shares 512
expect_status 0
expect_stdout_matches '^  memory .*memory\.limit_in_bytes +52428800' 'v1: memory'
expect_stdout_matches '^  cpus .*cpu\.cfs_quota_us +50000' 'v1: cpus'
expect_stdout_matches '^  pids-limit .*pids\.max +20' 'v1: pids'
expect_stdout_matches '^  cpu-shares .*cpu\.shares +512' 'v1: shares'
expect_stdout_lacks 'memory\.max|cpu\.max|cpu\.weight' 'v1: no file of v2'
cp "$out" "$work/v1"

run_ration plan --layout v2 --memory 50m --cpus 0.5 --pids-limit 20 --cpu-shares 512
expect_status 0
expect_stdout_matches '^  memory .*memory\.max +52428800' 'v2: memory'
expect_stdout_matches '^  cpus .*cpu\.max +50000 100000' 'v2: cpus'
expect_stdout_matches '^  pids-limit .*pids\.max +20' 'v2: pids'
expect_stdout_matches '^  cpu-shares .*cpu\.weight +59 .*--weight-map oci' 'v2: shares are converted, and said so'
expect_stdout_lacks 'limit_in_bytes|cfs_quota|cpu\.shares' 'v2: no file of v1'

run_ration plan --layout hybrid --memory 50m --cpus 0.5 --pids-limit 20 --cpu-shares 512
expect_status 0
sed 1d "$out" >"$work/hybrid.body"
sed 1d "$work/v1" >"$work/v1.body"
check 'hybrid: limits go where the controllers are' cmp "$work/hybrid.body" "$work/v1.body"

run_ration plan --layout v2 --weight-map linear --cpu-shares 512
expect_stdout_matches 'cpu\.weight +50 ' '--weight-map linear is another weight'

run_ration plan --layout v1 --memory 50m --memory-swap 60m
expect_stdout_matches 'memsw\.limit_in_bytes +62914560' 'v1: memory and swap together'
first=$(grep -n 'memory\.limit_in_bytes' "$out" | cut -d: -f1)
second=$(grep -n 'memsw\.limit_in_bytes' "$out" | cut -d: -f1)
check 'v1: memory before memsw' [ "${first:-9}" -lt "${second:-0}" ]
run_ration plan --layout v2 --memory 50m --memory-swap 60m
expect_stdout_matches 'memory\.swap\.max +10485760' 'v2: swap alone'

run_ration plan --layout v1 --memory 52428801
expect_stdout_matches '52428800|52428801' 'a size that is not whole pages'
expect_stdout_matches '52428801.*(page|4096)' 'and the rounding is said'

run_ration plan --layout v1 --memory-high 50m
expect_refusal 125 '--memory-high' 'a limit that the layout does not have is refused'
run_ration plan --layout v1 --memory-high 50m --best-effort
expect_status 0 'but with --best-effort it is listed'
expect_stdout_matches 'memory-high'

run_ration plan --layout v2 --memory 50m --json
expect_status 0
check 'the JSON is JSON' json "$out" layout
expect_silent

run_ration run --dry-run --memory 50m -- touch "$work/ran"
expect_status 0 '--dry-run is the plan of this machine'
cp "$out" "$work/dry"
run_ration plan --memory 50m touch "$work/ran"
check 'the same as ration plan' cmp "$out" "$work/dry"
check_not 'and runs nothing' [ -e "$work/ran" ]

run_ration_as_nobody plan --layout v1 --memory 50m
expect_status 0 'a plan needs no privilege'

if [ -e /dev/full ]; then
    status=0
    "$RATION" plan --layout v1 --memory 50m >/dev/full 2>"$err" || status=$?
    expect_refusal 125 'No space left' 'a full disk beneath stdout is told'
    status=0
    "$RATION" help run >/dev/full 2>"$err" || status=$?
    expect_refusal 125 'standard output.*No space left' 'also of help'
fi
status=0
"$RATION" plan --layout v1 --memory 50m >&- 2>"$err" </dev/null || status=$?
expect_status 0 'a closed stdout harms nobody'


# ---- the plan of an OCI bundle -----------------------------------------------------------------------------

: "${RATION_OCI:?the OCI runtime beside it}"
mkdir "$work/bundle"
"$RATION_OCI" spec --bundle "$work/bundle"
sed -i 's/"resources": {/& "memory": { "limit": 52428800 }, "pids": { "limit": 64 },/' \
    "$work/bundle/config.json"
run_ration plan --bundle "$work/bundle" --layout v1
expect_status 0 'the plan of a bundle'
expect_stdout_matches 'memory\.limit_in_bytes +52428800'
expect_stdout_matches 'pids\.max +64'
run_ration plan --bundle "$work/bundle" --layout v2 --json
expect_status 0 'on another layout, as JSON'
expect_stdout_matches 'memory\.max'
run_ration plan --bundle "$work/bundle" --memory 5m
expect_refusal 2 '--bundle describes all of the container: --memory cannot go with it'
run_ration plan --bundle "$work/bundle" true
expect_refusal 2 'no COMMAND goes with it'
run_ration plan --bundle "$work/none"
expect_refusal 2 'cannot open the bundle .*No such file'
rm "$work/bundle/config.json"
run_ration plan --bundle "$work/bundle"
expect_refusal 2 'cannot read .*/config.json: No such file'

assert_no_leftovers
