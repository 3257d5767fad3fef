#!/bin/sh
# Two runs side by side on a machine of two GPUs, each with half of its cores; they go on when this returns.
#   training/two.sh start "--seed 71" "--seed 72 --scale 0.25 --lr 1.6e-3"   logs in $RUNS/a/log and $RUNS/b/log (RUNS=/tmp/runs)
#   training/two.sh wait end1 540            until both have written that end, or "done" for both finished; at most 540 s
#   training/two.sh pack OUT a a/end3 b      each exported, in pieces of 16 MB in OUT (cat a.* > model.safetensors)
set -eu
cd "$(dirname "$0")/.."
runs=${RUNS:-/tmp/runs}
verb=${1:-}
[ $# -lt 2 ] || shift
case $verb in
start)
  half=$(($(nproc) / 2))
  lib=$(python3 -c "import sys; sys.path.insert(0, 'training'); import world; print(world.build('$runs.so'))")
  gpu=0
  for run in a b; do
    mkdir -p "$runs/$run"
    # shellcheck disable=SC2086  # options are words
    CUDA_VISIBLE_DEVICES=$gpu PYTHONUNBUFFERED=1 setsid nohup taskset -c $((gpu * half))-$((gpu * half + half - 1)) \
      python3 training/train.py --minutes 40 --threads $((half - 1)) --lib "$lib" --state "$runs/$run/state" \
      --out "$runs/$run/out" $1 >"$runs/$run/log" 2>&1 &
    gpu=1
    shift
  done
  sleep 1
  ;;
wait)
  for _ in $(seq "$2"); do
    ready=0
    for run in a b; do
      if [ "$1" = done ]; then grep -q stopped_at "$runs/$run/log"; else [ -e "$runs/$run/out/$1/weights-2.pt" ]; fi && ready=$((ready + 1))
    done
    [ $ready -lt 2 ] || break
    sleep 1
  done
  sleep 2
  tail -n 1 "$runs"/a/log "$runs"/b/log | cut -c1-500
  ;;
pack)
  out=$1
  shift
  for which in "$@"; do
    run=${which%%/*} end=${which#"$run"}
    name=$(echo "$which" | tr / -)
    python3 training/export.py "$runs/$run/out$end" "$runs/export-$name"
    split -b 16000000 -d "$runs/export-$name/model.safetensors" "$out/$name."
  done
  ;;
*)
  sed -n '2,5s/^# *//p' "$0" >&2
  exit 2
  ;;
esac
