#!/usr/bin/env bash
# Each line of refusals is refused, and the message says what is wrong.
set -euo pipefail
source "$(dirname "$0")/support.sh"

count=0
while IFS= read -r line; do
  case "$line" in "" | "#"*) continue ;; esac
  read -ra arguments <<< "${line%% | *}"
  expected="${line#* | }"
  count=$((count + 1))
  if output="$(render "${arguments[@]}" 2>&1)"; then
    fail "not refused: ${arguments[*]}"
  elif ! grep -qF -- "$expected" <<< "$output"; then
    fail "${arguments[*]} is refused with"$'\n'"$output"$'\n'"but not with: $expected"
  fi
done < tests/chart/refusals
[ "$count" -gt 0 ] || fail "no refusal was read"
finish "All $count contradictions and typos are refused."
