# What the sweeps of faults share: sourced after lib.sh.
#
# RATION_SWEEP: full (each system call is one place for a fault), quick (some of them: the default in a
# virtual machine, which is emulated), or the distance between two.
# shellcheck shell=sh
# shellcheck disable=SC2034 # some are for the scripts

case ${RATION_SWEEP:-$(pick full quick)} in
full) stride=1 asleep_ms=300 hang_ms=5000 ;;
quick) stride=7 asleep_ms=2500 hang_ms=20000 ;;
*) stride=$RATION_SWEEP asleep_ms=2500 hang_ms=20000 ;;
esac
limits='--memory 50m --cpus 0.5 --pids-limit 32'
step=$TOOLS/faultstep
[ -x "$step" ] || skip_all 'no faultstep for this processor'

# A run directory of our own: nobody else's next call clears away what ours are to find.
RATION_STATE_DIR=$work/run
export RATION_STATE_DIR

make_root() { # DIR: a root with nothing in it but what sweeps run
    mkdir -p "$1/proc" "$1/sys" "$1/dev" "$1/tmp" &&
        cp "$step" "$TOOLS/fingerprint" "$1/"
}

# What a count means in words, for those that must be 0.
t_fault() { # COUNT
    case $1 in
    alive) echo 'a process lived on' ;;
    stuck) echo 'the next call did not clear away' ;;
    hung) echo 'it hung' ;;
    crashed) echo 'it crashed' ;;
    open) echo 'success, but not as confined as usual' ;;
    untrue) echo 'an exit status that is not true' ;;
    mute) echo 'failure without a word' ;;
    unclean) echo 'something left though only a call failed' ;;
    given_up) echo 'gave up on an interrupted call' ;;
    unrestored) echo 'the terminal was not put back' ;;
    esac
}

# Runs faultstep and asserts that each fault was answered as it should be.
sweep() { # NAME STRIDE FAULTSTEP-ARGUMENT...
    t_name=$1 t_stride=$2
    shift 2
    status=0
    "$step" -s "$t_stride" -w "$hang_ms" "$@" >"$out" 2>"$err" </dev/null || status=$?
    sweep_judge "$t_name"
}

sweep_judge() { # NAME: what faultstep said stands in $status, $out and $err
    t_name=$1
    t_counts=$(tail -n 1 "$out")
    if [ "$status" -ne 0 ] || [ "${t_counts#points=}" = "$t_counts" ]; then
        not_ok "$t_name" "faultstep ended with status $status"
        diag "$(tail -n 5 "$out" "$err")"
        return
    fi
    diag "$t_name: $t_counts"
    t_points=0 t_late=0 t_why=
    for t_count_of in $t_counts; do
        t_n=${t_count_of#*=}
        case ${t_count_of%%=*} in
        points) t_points=$t_n ;;
        late) t_late=$t_n ;;
        left) ;;
        *) [ "$t_n" -eq 0 ] || t_why="$t_why $t_n times: $(t_fault "${t_count_of%%=*}");" ;;
        esac
    done
    # A process that is killed needs a moment to be gone, and a busy machine a longer one: not always.
    [ "$((t_late * 10))" -le "$t_points" ] || t_why="$t_why processes live on for 100 ms;"
    [ "$t_points" -gt 0 ] || t_why='no fault was made'
    if [ -z "$t_why" ]; then
        ok "$t_name"
    else
        not_ok "$t_name" "$t_why"
        grep '^#' "$out" | head -n 60
    fi
}
