#!/usr/bin/env bash
# Makes the pictures of the README and the handbook anew, from runs on this machine: the terminal's screens as SVG by the
# lab itself, the report's page by Chromium (Debian: apt-get install chromium). Takes about two minutes.
set -euo pipefail
cd "$(dirname "$0")"
lab="${LAB:-../../../target/release/lab}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
export LAB_STATE="$work/state"

# A verdict other than pass is no reason to show nothing: the exit code is the verdict's.
"$lab" run cpu-blocking --seed 7 --guess 10 --ui plain > "$work/report.txt" || true
cpu="$(ls "$LAB_STATE/runs" | tail -n 1)"
"$lab" run race-condition --quick --seed 7 --guess 2 --ui plain > /dev/null || true

"$lab" picture home --size 120x34 -o home.svg
# Round 2 begins with the last arm; in the middle of the run the arm with round robin is under load.
"$lab" picture "$cpu" --at "$(python3 - "$LAB_STATE/runs/$cpu/run.jsonl" <<'PY'
import json, sys
# Just before the second arm's load ends: the burn is over, and all who waited for it have their answers.
turn, began, load = None, None, None
for line in open(sys.argv[1]):
    event = json.loads(line)
    kind = event["kind"]
    if kind["type"] == "turn_started":
        turn = kind["turn"]
    if kind["type"] == "phase" and kind["phase"] == "load" and turn == 1:
        began = event["elapsed_ms"]
print((began + 3050) / 1000)
PY
)" --size 120x34 -o live.svg
"$lab" picture "$cpu" --size 110x44 -o verdict.svg

chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
  --disable-component-update --disable-sync --hide-scrollbars --user-data-dir="$work/chromium" \
  --window-size=1200,1180 --screenshot="$PWD/report.png" "file://$LAB_STATE/runs/$cpu/report.html" 2> "$work/chromium.log"
echo "made home.svg, live.svg, verdict.svg and report.png in $PWD"
