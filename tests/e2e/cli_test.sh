#!/bin/sh
# The command line against a real server process: start, ask, errors, drain on SIGTERM.
# cli_test.sh SIGHTLINE SCENE_FILES
set -eu
sightline=$1
scenes=$2
work=$(mktemp -d)
trap 'kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
fail() { echo "FAIL: $*" >&2; exit 1; }

address="unix:$work/sock"
"$sightline" serve --listen "$address" 2>"$work/log" &
pid=$!
for _ in $(seq 100); do
  grep -q '"serving"' "$work/log" && break
  kill -0 "$pid" || { cat "$work/log" >&2; fail "the server stopped"; }
  sleep 0.1
done

"$sightline" list --server "$address" | grep -q '^models/scenes' || fail "list"
streamed=$("$sightline" ask --server "$address" "$scenes/scene-0.png" "How many objects are there?")
unary=$("$sightline" ask --server "$address" --no-stream "$scenes/scene-0.png" "How many objects are there?")
inside=$("$sightline" ask --local "$scenes/scene-0.png" "How many objects are there?")
[ -n "$streamed" ] && [ "$streamed" = "$unary" ] && [ "$streamed" = "$inside" ] || fail "answers differ: '$streamed' '$unary' '$inside'"
"$sightline" ask --server "$address" --json "$scenes/clip-0.mp4" "What happens?" | python3 -c 'import json, sys; r = json.load(sys.stdin); assert r["text"] and r["summary"]["media"][0]["frame_offsets"]' || fail "json"
"$sightline" caption --server "$address" "$scenes/scene-0.png" "$scenes/clip-1.mp4" | grep -q 'clip-1.mp4: ' || fail "caption"
"$sightline" inspect "$(dirname "$0")/../../models/scenes" | grep -q 'memory with --weights: stored .* GiB, f32 .* q4 .* GiB$' || fail "inspect"
"$sightline" inspect --json "$(dirname "$0")/../../models/scenes" | python3 -c '
import json, sys
m = json.load(sys.stdin)
bytes = {"F32": 4, "F16": 2, "BF16": 2}
assert m["file_bytes"] == sum(n * bytes[f] for f, n in m["stored"].items()), m
w, v, kv = m["memory_bytes"], m["visual_memory_bytes"], m["kv_bytes_per_token"]
assert w["f32"] > w["bf16"] > w["q8"] > w["q4"] > v["q4"] > 0, m
assert w["bf16"] <= w["stored"] <= w["f32"], m
assert w.keys() == v.keys() and len(set(v.values())) == 1, m  # float32 in this family, whatever the decoder is
assert w["f32"] >= 4 * m["weights"] and kv["f32"] == 2 * kv["f16"] > 0, m
' || fail "inspect --json"
"$sightline" doctor --server "$address" | grep -q "a server answers" || fail "doctor"

head -c 400 "$scenes/scene-0.png" > "$work/half.png"
"$sightline" ask --server "$address" "$work/half.png" "what?" 2>"$work/error" && fail "a broken file was answered"
grep -q 'INVALID_ARGUMENT.*content\[0\].image.data' "$work/error" || fail "no clear error: $(cat "$work/error")"
"$sightline" ask --server "unix:$work/nobody" "$scenes/scene-0.png" "what?" 2>"$work/error" && fail "nobody answered"
grep -q 'sightline serve' "$work/error" || fail "no advice: $(cat "$work/error")"
"$sightline" ask --server "$address" missing.png "what?" 2>/dev/null && fail "a missing file was taken for text"
"$sightline" nonsense >/dev/null 2>&1 && fail "nonsense was taken"

kill -TERM "$pid"
wait "$pid" || fail "exit status $? after SIGTERM"
grep -q '"stopped"' "$work/log" || fail "no drain"
python3 -c 'import json, sys; [json.loads(l) for l in open(sys.argv[1])]' "$work/log" || fail "the log is not JSON"
echo "ok"
