#!/bin/sh
# Pulls that are killed at seeded moments, and several of the same image at once: the store is whole at every moment,
# and the next pull goes on and ends well.
# shellcheck disable=SC2016
. "${0%/*}/lib.sh"
require_command python3
: "${KILLS:=$(pick 200 20)}" "${SEED:=1}"

mkdir "$work/server"
python3 "${0%/*}/bad_registry.py" "$work/server" 2>"$work/server/err" &
server=$!
end_server() {
    kill "$server" 2>/dev/null
    engine_end
}
trap end_server EXIT
wait_until 20 test -e "$work/server/ports" || diag "$(tail -n 3 "$work/server/err")"
main=127.0.0.1:$(awk '$1 == "main" { print $2 }' "$work/server/ports")

# ---- killed ---------------------------------------------------------------------------------------------

run_ration pull -q "$main/good"
expect_status 0 'the good image comes'
good=$(cat "$out")

# Milliseconds of 1 to 700: the pull takes about half a second.
moments() {
    awk -v n="$KILLS" -v seed="$SEED" 'BEGIN { srand(seed); for (i = 0; i < n; i++) printf "%.3f\n", 0.001 + rand() * 0.7 }'
}
left() { # a partial blob, or anything else of a killed call
    find "$RATION_DATA_DIR/image/tmp" -mindepth 1 -maxdepth 1 | wc -l
}

RATION_DATA_DIR=$work/killed
export RATION_DATA_DIR
bad=0 midway=0
for moment in $(moments); do
    rm -rf "$RATION_DATA_DIR"
    timeout -s KILL "$moment" "$RATION" pull -q "$main/blob-slow" >"$out" 2>"$err" </dev/null
    [ ! -d "$RATION_DATA_DIR/image/tmp" ] || [ "$(left)" -eq 0 ] || midway=$((midway + 1))
    run_ration image verify -q
    [ "$status" -eq 0 ] || { bad=$((bad + 1)); diag "killed after $moment s: $(cat "$out" "$err")"; }
    run_ration pull -q "$main/blob-slow"
    [ "$(cat "$out")" = "$good" ] || { bad=$((bad + 1)); diag "pulled after $moment s: $(cat "$err")"; }
    run_ration image verify -q
    [ "$status" -eq 0 ] || { bad=$((bad + 1)); diag "whole after $moment s: $(cat "$out" "$err")"; }
    [ "$(left)" -eq 0 ] || { bad=$((bad + 1)); diag "left after $moment s: $(ls "$RATION_DATA_DIR/image/tmp")"; }
done
expect_equal "$bad" 0 "$KILLS pulls, killed at moments of seed $SEED: the store verifies, the next pull ends well, nothing is left in tmp"
check 'some of them were killed midway' test "$midway" -gt 0

# Killed again and again, without ever being begun anew.
rm -rf "$RATION_DATA_DIR"
tries=0
lines=$(wc -l <"$work/server/log")
while [ "$tries" -lt 60 ]; do
    tries=$((tries + 1))
    timeout -s KILL 0.25 "$RATION" pull -q "$main/blob-slow" >"$out" 2>"$err" </dev/null && break
done
run_ration pull -q "$main/blob-slow"
expect_stdout_is "$good" 'killed again and again it comes all the same'
check 'since each goes on with what the last one had' sh -c '
    tail -n +"$(($1 + 1))" "$2" | grep -q "blob-slow/blobs/.* bytes=[1-9][0-9]*-$"' sh "$lines" "$work/server/log"

# ---- what was kept is wrong ---------------------------------------------------------------------------------

rm -rf "$RATION_DATA_DIR"
run_ration image verify -q
mkdir -p "$RATION_DATA_DIR"
timeout -s KILL 0.3 "$RATION" pull -q --parallel 1 "$main/blob-half" --timeout 20s >"$out" 2>"$err" </dev/null
partial=$(find "$RATION_DATA_DIR/image/tmp" -name 'partial-*' 2>/dev/null | head -n 1)
if [ -z "$partial" ]; then
    # Where all is slow it was killed too early: a partial one is made.
    digest=$(grep -o 'blob-slow/blobs/sha256:[0-9a-f]*' "$work/server/log" | tail -n 1 | sed 's/.*://')
    mkdir -p "$RATION_DATA_DIR/image/tmp"
    partial=$RATION_DATA_DIR/image/tmp/partial-$digest
fi
head -c 50000 /dev/urandom >"$partial"
run_ration pull -q "$main/good"
expect_stdout_is "$good" 'what an earlier call has left is damaged: it is fetched anew'
run_ration image verify -q
expect_status 0 'and the store is whole'

# ---- several at once -------------------------------------------------------------------------------------------

rm -rf "$RATION_DATA_DIR"
lines=$(wc -l <"$work/server/log")
pids=
for i in 1 2 3; do
    "$RATION" pull -q "$main/blob-slow" >"$work/out$i" 2>"$work/err$i" </dev/null &
    pids="$pids $!"
done
for pid in $pids; do
    wait "$pid" || diag "a pull of several ended with $?"
done
for i in 1 2 3; do
    expect_equal "$(cat "$work/out$i" "$work/err$i")" "$good" "pull $i of three of the same image at once"
done
run_ration image verify -q
expect_status 0 'the store is whole'
fetched=$(tail -n +"$((lines + 1))" "$work/server/log" | grep 'GET /v2/blob-slow/blobs/' | sort | uniq -d)
expect_equal "$fetched" '' 'and no blob was fetched twice'

# ---- one waits for another, which is killed ---------------------------------------------------------------------

rm -rf "$RATION_DATA_DIR"
"$RATION" pull -q --timeout 60s "$main/blob-half" >"$work/out1" 2>"$work/err1" </dev/null &
first=$!
partials() {
    [ -n "$(find "$RATION_DATA_DIR/image/tmp" -name 'partial-*' 2>/dev/null)" ]
}
wait_until 20 partials
"$RATION" pull "$main/good" >"$work/out2" 2>"$work/err2" </dev/null &
second=$!
wait_until 20 grep -q 'another call is at it' "$work/err2"
check 'a pull that finds another at the same layers says so' grep -q 'another call is at it' "$work/err2"
kill -9 "$first" 2>/dev/null
wait "$first" 2>/dev/null
wait "$second"
expect_equal "$(tail -n 1 "$work/out2")" "$main/good:latest $good" 'and goes on by itself when that one is killed'

engine_clean 'nothing is left'
