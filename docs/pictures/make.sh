#!/usr/bin/env bash
# Makes the pictures of the README from a real run on this machine. Needs Chromium (Debian: apt-get install chromium).
set -euo pipefail
cd "$(dirname "$0")"
lab="${LAB:-../../target/release/lab}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

LAB_STATE="$work/state" "$lab" run cpu-blocking --seed 7 --out "$work/run" > "$work/report.txt" || true
chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
  --disable-component-update --disable-sync --hide-scrollbars --user-data-dir="$work/chromium" \
  --window-size=1200,1180 --screenshot="$PWD/report.png" "file://$work/run/report.html" 2> "$work/chromium.log"
echo "made $PWD/report.png"
