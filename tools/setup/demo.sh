#!/bin/sh
# Renders scenes to real files, starts the server, asks it about them over gRPC, shows what was asked and what came back.
set -eu
bin=${1:-build/release/bin}
work=$(mktemp -d)
pid=""
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
"$bin/scene_files" "$work" --seed 2 --images 3 --clips 2
address="unix:$work/sock"
"$bin/sightline" serve --listen "$address" --log-level warn &
pid=$!
for _ in $(seq 100); do "$bin/sightline" list --server "$address" >/dev/null 2>&1 && break; sleep 0.1; done
echo "Sightline is serving:"
"$bin/sightline" list --server "$address"
python3 - "$work/questions.json" <<'PY' > "$work/plan"
import json, sys
seen = {}
for q in json.load(open(sys.argv[1])):
    if seen.setdefault(q["file"], 0) < 3:
        seen[q["file"]] += 1
        print(q["file"], q["answer"].replace("\t", " "), q["question"], sep="\t")
PY
tab=$(printf '\t')
while IFS="$tab" read -r file truth question; do
  answer=$("$bin/sightline" ask --server "$address" "$work/$file" "$question" </dev/null)
  printf '\n%s: %s\n  answer: %s\n  truth:  %s\n' "$file" "$question" "$answer" "$truth"
done < "$work/plan"
printf '\nDense captions:\n'
"$bin/sightline" caption --server "$address" "$work/scene-0.png" "$work/clip-0.mp4" | sed "s|$work/||"
kill -TERM "$pid"
wait "$pid"
pid=""
printf '\nTry your own wording: %s/sightline ask --local FILE "QUESTION"\n' "$bin"
