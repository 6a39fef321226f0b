#!/usr/bin/env bash
# While the shop works, the mapper is killed (-9) three times and started again on its SQLite file: `list` says the same before
# and after, and nothing that had been counted by then is forgotten.
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"

map() {
  on_node "$bin/network-mapper" list --quiet --mapper-url "$mapper_url"
}

map_is_complete() {
  [ "$(map)" = "$(shop_expected_list shop)" ]
}

# "client server count", one a line.
counts() {
  query '{intents{client{name} server{name} evidence{count}}}' | sed 's/{"client"/\n&/g' | awk -F'"' '
    /"client"/ {
      count = 0
      rest = $0
      while (match(rest, /"count":[0-9]+/)) {
        count += substr(rest, RSTART + 8, RLENGTH - 8)
        rest = substr(rest, RSTART + RLENGTH)
      }
      print $6, $12, count
    }'
}

test_up
mapper_options=(--store "sqlite:$CLUSTER_DIR/map.db")
start_mapper
start_sniffer
shop_up shop
wait_for 45 map_is_complete || { shop_expected_list shop >&2; fail "the map is not what the shop does"; }
for kill in 1 2 3; do
  before="$(map)"
  # What is counted here is acknowledged and committed; more may come until the kill.
  counts | sort > "$CLUSTER_DIR/counts-before"
  kill_and_wait KILL "$mapper_pid"
  start_mapper
  [ "$(map)" = "$before" ] || fail "after kill $kill the map is another one; before: $before"
  counts | sort > "$CLUSTER_DIR/counts-after"
  [ "$(wc -l < "$CLUSTER_DIR/counts-after")" -ge 16 ] || fail "no counts were read"
  forgotten="$(join -j 1 <(sed 's/ /->/' "$CLUSTER_DIR/counts-before" | sort) <(sed 's/ /->/' "$CLUSTER_DIR/counts-after" | sort) |
    awk '$3 < $2')"
  [ -z "$forgotten" ] || fail "counted before kill $kill and forgotten: $forgotten"
  sleep 1
done
map_is_complete || fail "the map did not stay what the shop does"
sed 's/^/  /' "$CLUSTER_DIR/counts-after" | head -n 3
echo "killed 3 times: $(wc -l < "$CLUSTER_DIR/counts-after") edges, none forgotten, no count went down"
