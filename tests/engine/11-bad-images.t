#!/bin/sh
# What an image may not be: each is refused in one sentence, and leaves a store that is whole and a machine untouched.
. "${0%/*}/lib.sh"
require_command python3
here=${0%/*}

run_ration image verify
expect_status 0 'a store that is not there is whole'
for kind in dotdot absolute-dotdot whiteout-dotdot whiteout-nothing top-link zero-device long-name deep hard-outside \
    hard-missing hard-directory truncated truncated-tar mislabelled corrupt diff-id digest other-architecture nested \
    many-layers layer-count not-json bomb; do
    "$here/layers.py" "$kind" "$work/$kind"
    run_ration load "$work/$kind"
    expect_refusal 125 . "$kind is refused in one sentence"
    diag "$(cat "$err")"
    rm -rf "${work:?}/$kind"
done
run_ration image verify
expect_status 0 'the store is whole after all of them'
run_ration images -q
expect_stdout_is '' 'and has no image'
run_ration image gc
expect_equal "$(find "$RATION_DATA_DIR/image/layers" "$RATION_DATA_DIR/image/tmp" "$RATION_DATA_DIR/image/blobs/sha256" -mindepth 1 | wc -l)" 0 \
    'gc leaves nothing of them'

# Ceilings that are asked for.
busybox_image
run_ration save -o "$work/b.tar" busybox
run_ration rmi busybox
run_ration load --max-entries 5 -i "$work/b.tar"
expect_refusal 125 max-entries
run_ration load --max-bytes 100k -i "$work/b.tar"
expect_refusal 125 max-bytes
run_ration import --max-entries many "$work/b.tar" x
expect_refusal 2 max-entries

# The disk is full in the middle of each step.
mkdir "$work/small"
refused=0
for size in 100k 600k 1m 1500k 2m 2500k 3m 3500k 4m 4500k 5m; do
    mount -t tmpfs -o "size=$size" none "$work/small"
    for what in "import --host-busybox x" "load -i $work/b.tar"; do
        # shellcheck disable=SC2086 # words
        RATION_DATA_DIR=$work/small run_ration $what
        [ "$status" -eq 0 ] || {
            refused=$((refused + 1))
            [ "$(wc -l <"$err")" -eq 1 ] || t_fail_run "one sentence with $size" 'not one'
        }
        RATION_DATA_DIR=$work/small run_ration image verify
        [ "$status" -eq 0 ] || t_fail_run "the store is whole after $what with $size" 'it is not'
    done
    umount "$work/small"
done
expect_between "$refused" 8 22 'a full disk is told, in every step'
