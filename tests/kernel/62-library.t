#!/bin/sh
# shellcheck disable=SC2034 # read by the library
# libration as a program uses it, by its header alone: tests/tools/apitest.c, a case each.
. "${LIB:-${0%/*}/../lib.sh}"
require_root
require_controller memory pids cpu

for name in $("$TOOLS/apitest"); do
    check "$name" "$TOOLS/apitest" "$name" "$TOOLS/hog"
    assert_no_leftovers "$name: nothing is left"
done
