#!/bin/sh
# The command line against a real server process: start, ask, flags and environment, errors, drain on SIGTERM.
# cli_test.sh SIGHTLINE SCENE_FILES MEDIA_FILES
set -eu
sightline=$1
scenes=$2
media=$3
work=$(mktemp -d)
trap 'kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
fail() { echo "FAIL: $*" >&2; exit 1; }

address="unix:$work/sock"
"$sightline" serve --listen "$address" --max-message-mib 4 2>"$work/log" &
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
"$sightline" doctor --server "$address" >"$work/out" || fail "doctor: $(cat "$work/out")"
grep -q "a server answers" "$work/out" || fail "doctor"
grep -q 'rendered questions right' "$work/out" || fail "doctor does not score scenes"
# Memory that holds files for now can be had.
python3 -c '
import re, sys
said = float(re.search(r"memory +([0-9.]+) GiB available", open(sys.argv[1]).read())[1])
have = int(re.search(r"MemAvailable: +(\d+)", open("/proc/meminfo").read())[1]) / (1 << 20)
assert have / 2 - 1 < said < have * 2 + 1, (said, have)
' "$work/out" || fail "doctor's memory: $(cat "$work/out")"
# Any other model is asked, not scored.
for model in qwen2_5_vl smolvlm; do
  "$sightline" doctor --server "$address" --model "$(dirname "$0")/../golden/models/$model" >"$work/out" || fail "doctor fails $model: $(cat "$work/out")"
  grep -q 'ok *answers *an image and a question in, [1-8] tokens out in [0-9]* ms' "$work/out" || fail "doctor of $model: $(cat "$work/out")"
done
# Of one without eyes, text; the 512 tokens of this decoder are the first of another's.
golden="$(dirname "$0")/../golden/models"
mkdir "$work/llama3"
cp "$golden"/llama3/*.json "$golden/llama3/model.safetensors" "$golden"/qwen2_5_vl/chat_template.jinja "$golden"/qwen2_5_vl/tokenizer_config.json "$work/llama3"
python3 -c '
import json, sys
t = json.load(open(sys.argv[1]))
model, first = t["model"], 512 - len(t["added_tokens"])
model["vocab"] = {k: i for k, i in model["vocab"].items() if i < first}
pairs = [m.split(" ") if isinstance(m, str) else m for m in model["merges"]]
model["merges"] = [[a, b] for a, b in pairs if {a, b, a + b} <= model["vocab"].keys()]
for n, token in enumerate(t["added_tokens"]):
    token["id"] = first + n
json.dump(t, open(sys.argv[2], "w"))
' "$golden/qwen2_5_vl/tokenizer.json" "$work/llama3/tokenizer.json"
"$sightline" doctor --server "$address" --model "$work/llama3" >"$work/out" || fail "doctor fails a text model: $(cat "$work/out")"
grep -q 'ok *answers *a question in, [1-8] tokens out in [0-9]* ms' "$work/out" || fail "doctor of a text model: $(cat "$work/out")"

head -c 400 "$scenes/scene-0.png" > "$work/half.png"
"$sightline" ask --server "$address" "$work/half.png" "what?" 2>"$work/error" && fail "a broken file was answered"
grep -q 'INVALID_ARGUMENT.*content\[0\].image.data' "$work/error" || fail "no clear error: $(cat "$work/error")"
"$sightline" ask --server "unix:$work/nobody" "$scenes/scene-0.png" "what?" 2>"$work/error" && fail "nobody answered"
grep -q 'sightline serve' "$work/error" || fail "no advice: $(cat "$work/error")"
"$sightline" ask --server "$address" missing.png "what?" 2>/dev/null && fail "a missing file was taken for text"
"$sightline" ask --server "$address" "my photo.PNG" "what?" 2>"$work/error" && fail "a missing file with a space was taken for text"
grep -q 'there is no file my photo.PNG' "$work/error" || fail "no clear error: $(cat "$work/error")"
for command in ask caption; do
  "$sightline" $command --server "$address" "$work" 2>"$work/error" && fail "$command took a folder"
  grep -q "$work is a folder" "$work/error" || fail "no clear error: $(cat "$work/error")"
done
{ cat "$scenes/scene-0.png"; head -c 5000000 /dev/zero; } > "$work/large.png"
"$sightline" ask --server "$address" "$work/large.png" "what?" 2>"$work/error" && fail "a request over the limit was taken"
grep -q "larger than the server's max_message_mib" "$work/error" || fail "no clear error: $(cat "$work/error")"
"$sightline" ask --server "$address" "$media/cut_mp4.mp4" "What happens?" 2>"$work/error" >/dev/null || fail "a cut-off clip was refused"
grep -q "part 0: this clip's file is damaged: it is cut off, 1.5 seconds could be read and at least 0.9 are missing$" "$work/error" || fail "no warning: $(cat "$work/error")"
echo "no picture" > "$work/notes.txt"
"$sightline" ask --server "$address" "$work/notes.txt" "what?" 2>"$work/error" && fail "a text file was answered about"
grep -q 'notes.txt is neither an image' "$work/error" || fail "no clear error: $(cat "$work/error")"
# Text that is not UTF-8: what protobuf says of it must not break the log, which is read below.
/usr/bin/python3 -c '
import grpc, sys
answer = grpc.insecure_channel(sys.argv[1]).unary_unary("/sightline.v1.VisionLanguageService/Answer")
try:
    answer(b"\x0a\x04\x0a\x02\xff\xfe", timeout=30)
    sys.exit("answered")
except grpc.RpcError as e:
    assert e.code() == grpc.StatusCode.INVALID_ARGUMENT, e
' "$address" || fail "a malformed message"
"$sightline" nonsense >/dev/null 2>&1 && fail "nonsense was taken"

# Every flag of true or false takes a value.
printed() { "$sightline" serve --print-config "$@"; }
for flag in --insecure --insecure=true; do printed "$flag" | grep -q '^insecure = true$' || fail "$flag"; done
printed --insecure=false | grep -q '^insecure = false$' || fail "--insecure=false"
printed --reuse-prefixes=false | grep -q '^reuse_prefixes = false$' || fail "--reuse-prefixes=false"
SIGHTLINE_REUSE_PREFIXES=false printed --reuse-prefixes | grep -q '^reuse_prefixes = true$' || fail "--reuse-prefixes"
printed --print-config=false --reuse-prefixes=perhaps >"$work/out" 2>&1 && fail "--reuse-prefixes=perhaps was taken"
grep -q -- '--reuse-prefixes.*must be true or false' "$work/out" || fail "the flag is not named: $(cat "$work/out")"
"$sightline" list --server "$address" --json=perhaps >"$work/out" 2>&1 && fail "--json=perhaps was taken"
grep -q -- '--json' "$work/out" || fail "the flag is not named: $(cat "$work/out")"
"$sightline" list --server "$address" --local=false --json=false | grep -q '^models/scenes' || fail "--local=false"

# Flags win over the environment, and nothing listens inside this program.
here="$(dirname "$0")/../.."
SIGHTLINE_SERVER="$address" "$sightline" list | grep -q '^models/scenes' || fail "SIGHTLINE_SERVER"
SIGHTLINE_SERVER="unix:$work/nobody" "$sightline" list --server "$address" | grep -q '^models/scenes' || fail "--server does not win"
SIGHTLINE_SERVER="unix:$work/nobody" SIGHTLINE_LISTEN=0.0.0.0:50051 SIGHTLINE_ROLE=gateway SIGHTLINE_VISION="unix:$work/v" \
  "$sightline" list --local | grep -q '^models/scenes' || fail "--local listens to what servers are told"
SIGHTLINE_MODEL=/nonexistent SIGHTLINE_DEVICE=none SIGHTLINE_WEIGHTS=none SIGHTLINE_KV=none "$sightline" list --local \
  --model "$here/models/scenes" --device cpu --weights f32 --kv f32 | grep -q '^models/scenes' || fail "flags of --local do not win"
SIGHTLINE_MODEL="$work/none" "$sightline" list --local >/dev/null 2>&1 && fail "the model of the environment was not looked for"
for command in doctor "eval scenes --count 1"; do
  # shellcheck disable=SC2086  # options are words
  SIGHTLINE_MODEL="$work/none" "$sightline" $command >"$work/out" 2>&1 && fail "$command without its model"
  grep -q "$work/none" "$work/out" || fail "$command says nothing of SIGHTLINE_MODEL: $(cat "$work/out")"
done
"$sightline" list --server "$address" --local >/dev/null 2>&1 && fail "--server and --local were both taken"
"$sightline" list --server "$address" --model "$here/models/scenes" >/dev/null 2>&1 && fail "--model was taken without --local"

for penalty in presence frequency; do
  "$sightline" ask --server "$address" --$penalty-penalty 2 "$scenes/scene-0.png" "what?" >/dev/null || fail "$penalty penalty"
  "$sightline" caption --server "$address" --$penalty-penalty 3 "$scenes/scene-0.png" 2>"$work/error" && fail "$penalty penalty 3"
  grep -q "field generation_options.${penalty}_penalty" "$work/error" || fail "no clear error: $(cat "$work/error")"
done

# A moving GIF is a picture unless it is said to be a clip.
is_clip() { "$sightline" ask --server "$address" --json "$@" "What happens?" | grep -q frame_offsets; }
is_clip "$media/clip_gif.gif" && fail "a GIF was taken for a clip"
is_clip --as video "$media/clip_gif.gif" || fail "--as video"
"$sightline" caption --server "$address" --as video "$media/clip_gif.gif" | grep -q . || fail "caption --as video"
"$sightline" ask --server "$address" --as film "$media/clip_gif.gif" "what?" >/dev/null 2>&1 && fail "--as film was taken"

kill -TERM "$pid"
wait "$pid" || fail "exit status $? after SIGTERM"
grep -q '"stopped"' "$work/log" || fail "no drain"
python3 -c 'import json, sys; [json.loads(l) for l in open(sys.argv[1])]' "$work/log" || fail "the log is not JSON"
echo "ok"
