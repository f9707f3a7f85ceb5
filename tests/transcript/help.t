#!/bin/sh
# shellcheck disable=SC2034 # status and the like are read by the library
# Help is made from the tables that the options are read by.
. "${LIB:-${0%/*}/../lib.sh}"

within_80() { # FILE
    ! awk 'length > 80 { print; bad = 1 } END { exit !bad }' "$1"
}

run_ration --help
expect_status 0 'ration --help'
expect_stdout_matches '^Usage: ration COMMAND'
for command in run exec plan doctor version help; do
    expect_stdout_matches "^  $command " "help lists $command"
done
cp "$out" "$work/help"
run_ration help
check 'ration help is ration --help' cmp "$out" "$work/help"
run_ration -h
check 'ration -h is ration --help' cmp "$out" "$work/help"

run_ration
expect_status 2 'ration alone'
check 'ration alone shows help on stderr' cmp "$err" "$work/help"
expect_stdout_is ''

run_ration --version
expect_stdout_matches '^ration [0-9]+\.[0-9]+\.[0-9]+$'
cp "$out" "$work/version"
for form in version -V; do
    run_ration "$form"
    check "ration $form is ration --version" cmp "$out" "$work/version"
done

for command in run exec attach logs top inspect port update plan doctor version help; do
    run_ration "$command" --help
    expect_status 0 "ration $command --help"
    expect_silent
    expect_stdout_matches "^Usage: ration $command"
    check "help of $command keeps within 80 columns" within_80 "$out"
    cp "$out" "$work/$command"
    run_ration help "$command"
    check "ration help $command is the same" cmp "$out" "$work/$command"
done

# Docker's names, the tutorial's, and one of each group of limits.
for option in '-i, --interactive' '-t, --tty' '-e, --env' '-v, --volume' '-w, --workdir' '-u, --user' \
    '-h, --hostname' '-m, --memory' '-c, --cpu-shares' '--env-file' '--mount' '--tmpfs' '--network' \
    '--read-only' '--cap-add' '--cap-drop' '--security-opt' '--ulimit' '--init' '--privileged' \
    '--device' '--shm-size' '--pid' '--ipc' '--uts' '--userns' '--cgroupns' '--cgroup-parent' \
    '--stop-signal' '--stop-timeout' '--timeout' '--oom-score-adj' '--cpus' '--cpuset-cpus' \
    '--pids-limit' '--rlimit-nofile' '--report' '--best-effort' '--rm' '--name'; do
    check "help of run has $option" grep -q -e " $option" "$work/run"
done
check 'plan has the options of run' grep -q -e '--memory SIZE' "$work/plan"
check_not 'doctor has not' grep -q -e '--memory' "$work/doctor"

run_ration run -m 50m --help --bogus true
expect_status 0 'help wins over what follows it'
run_ration run --help true --bogus
expect_status 0 'what follows COMMAND is not ours'

# ---- for shells and man ----------------------------------------------------------------------------

run_ration help --completion bash
expect_status 0
cp "$out" "$work/bash"
if command -v bash >/dev/null; then
    check 'bash reads its completions' bash -n "$work/bash"
    complete_words() { # WORD...: prints what would be offered for the last
        bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ration
                 printf "%s\n" "${COMPREPLY[@]}"' bash "$work/bash" "$@"
    }
    expect_equal "$(complete_words ration ver)" version 'bash completes a command'
    expect_equal "$(complete_words ration run --memory-swapp)" --memory-swappiness \
        'bash completes an option'
    expect_equal "$(complete_words ration run --network h)" host 'bash completes a value'
    expect_equal "$(complete_words ration doctor --f)" --fix 'bash completes an option of doctor'
fi
run_ration help --completion zsh
expect_stdout_matches '^#compdef ration'
if command -v zsh >/dev/null; then
    check 'zsh reads its completions' zsh -n "$out"
fi
run_ration help --completion fish
expect_stdout_matches "^complete -c ration .* -l memory -l mem -s m "
if command -v fish >/dev/null; then
    check 'fish reads its completions' fish -n "$out"
fi
run_ration help --completion csh
expect_refusal 2 'knows bash, zsh and fish'
run_ration help --roff run
expect_status 0
expect_stdout_matches '^.fB.-m.fR, .fB.-.-memory.fR, .fB.-.-mem.fR .fISIZE.fR$'
