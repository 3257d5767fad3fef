#!/bin/sh
# all_splits.sh EVAL MODEL SEED COUNT OUT: every split in a process of its own, all at once; one JSON report each in OUT.
# EVAL is scenes_eval or a wrapper of it. For machines with many cores.
set -u
eval=$1 model=$2 seed=$3 count=$4 out=$5
export OMP_NUM_THREADS=1
for split in iid heldout prior_broken pope_random pope_popular pope_adversarial labels captions boxes clips pairs wording wording_clips; do
  $eval "$model" "$split" "$seed" "$count" > "$out/$split.json" 2> "$out/$split.err" &
done
wait
