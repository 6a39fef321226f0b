#!/usr/bin/env bash
# The twelve workloads of the shop: the map has exactly their connections, with all collectors (no argument) or with one
# alone (dns, tcp, socket).
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"

case "${1:-all}" in
  all) ;;
  dns) sniffer_options=(--enable-tcp=false --enable-socket-scanner=false) ;;
  tcp) sniffer_options=(--enable-dns=false --enable-socket-scanner=false) ;;
  socket) sniffer_options=(--enable-dns=false --enable-tcp=false --socket-scan-budget=150ms) ;;
  *) echo "usage: $0 [dns|tcp|socket]" >&2; exit 2 ;;
esac

map_is_complete() {
  [ "$(on_node "$bin/network-mapper" list --quiet --mapper-url "$mapper_url")" = "$(shop_expected_list shop)" ]
}

test_up
start_mapper
start_sniffer
shop_up shop
wait_for 45 map_is_complete || { shop_expected_list shop >&2; fail "the map is not what the shop does"; }
# What should not be there may come later.
sleep 3
map_is_complete || fail "the map did not stay what the shop does"
