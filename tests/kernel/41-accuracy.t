#!/bin/sh
# shellcheck disable=SC2016,SC2034 # expanded in the run; read by the library
# Figures against programs of known use. Each tolerance is stated with its reason; none is about how
# fast a machine is, all of them are small against the mistakes they are to find: a supervisor's own
# use counted in, a child forgotten, a factor of 1000 or of the number of CPUs.
. "${LIB:-${0%/*}/../lib.sh}"
require_root
require_controller cpu memory pids
hog=$TOOLS/hog
mib=1048576

figure() { # NAME MIN MAX WHAT
    expect_json_between "$json" "metrics.$1.value" "$2" "$3" "$4"
}

# ---- CPU time ----------------------------------------------------------------------------------

# hog looks at its own clock: it uses the time asked for, the start of a static program and at most
# one look too much. 5 % and 10 ms cover that; emulated, a start alone takes 60 ms.
slack=$(pick 10000 150000)
cpu() { # US WHAT COMMAND...
    us=$1 what=$2
    shift 2
    run_json -- "$@"
    expect_status 0 "$what ends well"
    figure cpu_total_us "$us" $((us + us / 20 + slack)) "$what: $us us of CPU time in the group"
}
cpu 500000 'one process' "$hog" cputime 500ms
# Which part is whose the kernel says to the nearest clock tick; hog reads its clock all the time, which
# is system time. The sum is what can be told for sure.
user=$(json "$json" metrics.rusage_user_us.value)
system=$(json "$json" metrics.rusage_system_us.value)
expect_between $((user + system)) 490000 $((525000 + slack)) 'and so says rusage of the process'
user=$(json "$json" metrics.cpu_user_us.value)
system=$(json "$json" metrics.cpu_system_us.value)
total=$(json "$json" metrics.cpu_total_us.value)
# v1 counts these two by clock ticks, of which an emulated machine loses some, and most on a busy host: a third of
# leeway, which a factor of two or a part that is missing does not fit into; there what is not there at all.
expect_between $((user + system)) $((total - total / 3 - $(pick 0 $((total / 2))))) $((total + total / 3)) \
    'user and system time make up the total'
cpu 600000 'three processes' "$hog" cputime-tree 3 200ms
cpu 400000 'one that nobody waits for' \
    sh -c '"$0" cputime 200ms & "$0" cputime 200ms; sleep '"$(pick 1 6)" "$hog"
cpu 300000 'behind limits of memory, pids and time' "$hog" cputime 300ms
run_json --memory 50m --pids-limit 20 --timeout 60s --cpu-time 60s -- "$hog" cputime 300ms
figure cpu_total_us 300000 $((315000 + slack)) 'the same under limits'

run_json -- "$hog" exit 0
figure cpu_total_us 0 $((slack / 2 + 5000)) \
    'what ration does to start and to end a run is not in the figures'
run_json --memory 50m --pids-limit 20 --cpus 1 --cpuset-cpus 0 -v /tmp:/mnt --timeout 60s -- \
    "$hog" exit 0
figure cpu_total_us 0 $((slack / 2 + 5000)) 'however many limits and mounts there are'
run_json --init=false -- "$hog" exit 0
figure rusage_user_us 0 $((slack / 2 + 5000)) 'nor is it in rusage'

# ---- memory ------------------------------------------------------------------------------------

# Beside the pages touched there are the program, its page tables and stack, and what the kernel
# charges in batches of 32 pages for each CPU: less than 3 MiB.
for size in 8 32 64; do
    run_json -- "$hog" mem ${size}m
    figure memory_peak_bytes $((size * mib)) $(((size + 3) * mib)) "peak of $size MiB touched"
    figure max_rss_bytes $((size * mib)) $(((size + 2) * mib)) "largest process of $size MiB touched"
done
# The figure of a tiny program shows that nothing of the launcher is inherited.
run_json -- "$hog" exit 0
figure max_rss_bytes 1 $((2 * mib)) 'largest process of a program that touches nothing'
figure memory_peak_bytes 1 $((3 * mib)) 'peak of a program that touches nothing'
run_json -- "$hog" rss-tree 8m 3 --hold 100ms
figure memory_peak_bytes $((32 * mib)) $((37 * mib)) 'four processes of 8 MiB: the peak is their sum'
figure max_rss_bytes $((8 * mib)) $((11 * mib)) 'the largest process is one of them'
run_json -- "$hog" shm 16m
figure memory_peak_bytes $((16 * mib)) $((19 * mib)) 'shared memory counts'
# All charged pages go with the last user, but for what waits on a CPU's list to be given back.
run_json -- "$hog" mem 32m
figure memory_current_bytes 0 $((8 * mib)) 'at the end hardly any is left'
figure memory_anon_bytes 0 $((4 * mib)) 'of anonymous memory'

# ---- the others --------------------------------------------------------------------------------

run_json --output-limit 10m -- sh -c '"$0" out 100000; "$0" out 2345 --stderr' "$hog"
figure output_bytes 102345 102345 'bytes of output, both streams, exactly'

# A sleep never ends early. What comes on top is the start of the program and the scheduler's delay
# on a busy machine; a tenth of a second here would be ration's own doing.
run_json -- "$hog" sleep 500ms
figure wall_us 500000 "$(pick 900000 2500000)" 'wall time of half a second'
figure cpu_total_us 0 $((slack + 5000)) 'sleeping costs no CPU time'
figure voluntary_switches 1 1000 'a sleeper gives up the CPU of its own accord'

if json "$json" metrics.pids_peak.value | grep -q '[0-9]'; then
    run_json -- "$hog" fork 10
    figure pids_peak 11 11 'ten children and their parent: eleven at once, exactly'
    run_json -- "$hog" threads 10
    figure pids_peak 11 11 'threads count as processes do'
fi

# 16 MiB of 4 KiB pages, each touched once: 4096 faults, unless huge pages make fewer of them.
run_json -- "$hog" mem 16m
huge=$(sed -n 's/.*\[\(.*\)\].*/\1/p' /sys/kernel/mm/transparent_hugepage/enabled 2>/dev/null)
if [ "${huge:-never}" != always ]; then
    figure minor_faults 4096 6000 'page faults of 16 MiB'
    figure group_page_faults 4096 8000 'the group counts them as well'
fi

# Past the page cache, so that every byte goes to the device at once and on COMMAND's account.
dir=
for candidate in /scratch /var/tmp; do
    case $(awk -v at="$candidate" '$2 == at { print $3 }' /proc/mounts) in
    ext4 | xfs | btrfs) dir=$candidate ;;
    esac
done
if [ -z "$dir" ] && awk '$2 == "/" && $3 ~ /ext4|xfs|btrfs/ { found = 1 } END { exit !found }' \
    /proc/mounts; then
    dir=/var/tmp
fi
if [ -n "$dir" ] && { has_controller io || has_controller blkio; }; then
    run_json -- "$hog" write 4m "$dir/rt-written.$$" --direct
    expect_status 0 'writing past the page cache'
    if [ "$(json "$json" metrics.io_write_bytes.value)" = null ] && has_controller blkio; then
        ok 'I/O that the kernel counts only beneath a limit is unknown, not 0'
    else
        # Beside the data, what the file system writes to remember it.
        figure io_write_bytes $((4 * mib)) $((6 * mib)) '4 MiB written'
        figure io_write_ops 1 5000 'in some operations'
        run_json -- "$hog" read "$dir/rt-written.$$" --direct
        figure io_read_bytes $((4 * mib)) $((5 * mib)) '4 MiB read'
    fi
    rm -f "$dir/rt-written.$$"
fi

# ---- sources -----------------------------------------------------------------------------------

run_json --memory 50m -- "$hog" mem 1m
for name in cpu_total_us cpu_user_us wall_us memory_peak_bytes max_rss_bytes; do
    expect_json_matches "$json" "metrics.$name.source" '[a-zA-Z]' "$name names its source"
    expect_json_matches "$json" "metrics.$name.unit" '^(us|bytes)$' "$name names its unit"
done
assert_no_leftovers
