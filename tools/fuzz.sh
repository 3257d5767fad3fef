#!/bin/sh
# tools/fuzz.sh BIN SECONDS [NAME...]: runs the fuzz targets BIN/*_fuzz (or the named ones) for SECONDS each. Seeds come from
# tests/fuzz/corpus/NAME and stay as they are; what is found new is kept in BIN/../fuzz/NAME for the next run. Exit status 1:
# some target crashed, hung or ran out of memory; the input lies in BIN/../fuzz/NAME.crashes.
set -eu
[ $# -ge 2 ] || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
bin=$(cd "$1" && pwd)
seconds=$2
shift 2
work=$bin/../fuzz
failed=""
ran=0
for target in "$bin"/*_fuzz; do
  name=$(basename "$target" _fuzz)
  [ -x "$target" ] || continue
  if [ $# -gt 0 ]; then case " $* " in *" $name "*) ;; *) continue ;; esac; fi
  seeds=$root/tests/fuzz/corpus/$name
  [ -d "$seeds" ] || { echo "$name: no seeds in tests/fuzz/corpus/$name" >&2; failed="$failed $name"; continue; }
  mkdir -p "$work/$name" "$work/$name.crashes"
  log=$work/$name.log
  ran=$((ran + 1))
  # Long inputs are slow and teach little; no parser needs more than its largest seed several times over.
  if ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=1:${ASAN_OPTIONS:-}" UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}" \
    "$target" -max_total_time="$seconds" -max_len=65536 -rss_limit_mb=2048 -malloc_limit_mb=1024 -timeout=20 -print_final_stats=1 \
    -artifact_prefix="$work/$name.crashes/" "$work/$name" "$seeds" >"$log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    cover=$(grep -o 'cov: [0-9]*' "$log" | tail -1)
    echo "$name: clean, ${runs:-?} runs in $seconds s, ${cover:-cov: ?}"
  else
    echo "$name: FAILED, see $log" >&2
    tail -25 "$log" >&2
    failed="$failed $name"
  fi
done
[ "$ran" -gt 0 ] || { echo "no fuzz targets in $bin" >&2; exit 2; }
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
