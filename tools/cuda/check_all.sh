#!/bin/sh
# check_all.sh BIN MODEL OUT GOLDEN...: what a machine with a GPU has to show, as one short table. BIN holds
# compute_all_backends_test, parity and scenes_eval of a build with SIGHTLINE_CUDA=ON; MODEL is models/scenes; OUT takes
# the logs, the table of ops and the replies of both devices; each GOLDEN is a folder that parity takes.
# SCENES (default 60) pictures and CLIPS (default 6) are asked about on both devices, and their replies compared.
set -u
bin=$1 model=$2 out=$3
shift 3
mkdir -p "$out"
table=$out/summary.txt
: > "$table"
failed=0

say() { printf '%-34s %s\n' "$1" "$2" >> "$table"; }
check() {  # name, log, command...: passes when the command does
  name=$1 log=$2
  shift 2
  if "$@" > "$log" 2>&1; then say "$name" ok; else say "$name" "FAILED, see $(basename "$log")"; failed=1; fi
}

export SIGHTLINE_OPS_TABLE="$out/ops.md"
check "ops on every backend" "$out/ops.log" "$bin/compute_all_backends_test"

for golden in "$@"; do
  name=$(basename "$golden")
  for device in cpu cuda:0; do
    log=$out/parity-$name-$(echo $device | tr -d :).txt
    "$bin/parity" "$golden" --weights f32 --device $device > "$log" 2>&1
    status=$?
    # Columns: case, tap, error, bound, verdict.
    worst=$(awk '$2 != "tap" && $4 + 0 > 0 && $3 + 0 > w + 0 && $2 != "pixels" { w = $3 } END { print w }' "$log")
    tokens=$(awk '$2 == "generated" { n++; if ($3 + 0 == 0) same++ } END { if (n) printf "%d of %d token runs equal", same, n }' "$log")
    if [ $status = 0 ]; then verdict=ok; else verdict=FAILED; failed=1; fi
    say "parity $name $device" "$verdict, largest error ${worst:-none}${tokens:+, $tokens}"
  done
done

replies() {  # split, count
  for device in cpu cuda:0; do
    "$bin/scenes_eval" "$model" "$1" 77 "$2" - f32 $device "$out/replies-$1-$(echo $device | tr -d :).txt" \
      > "$out/eval-$1-$(echo $device | tr -d :).json" 2>&1 || failed=1
  done
  a=$out/replies-$1-cpu.txt b=$out/replies-$1-cuda0.txt
  lines=$(wc -l < "$a")
  same=$(( lines - $(diff "$a" "$b" | grep -c '^<') ))
  say "scenes $1: replies cpu = cuda" "$same of $lines"
  [ "$lines" -gt 0 ] && [ "$same" = "$lines" ] || failed=1
}
replies iid "${SCENES:-60}"
replies clips "${CLIPS:-6}"

cat "$table"
exit $failed
