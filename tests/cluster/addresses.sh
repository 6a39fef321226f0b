# shellcheck shell=bash
# The nodes and their addresses, by the number at the end of their names.
# shellcheck disable=SC2034 # for who reads this
NODES=(node-1 node-2)

node_ip() { echo "192.168.88.$((9 + ${1#node-}))"; }
node_ip6() { echo "fd00:192::$((9 + ${1#node-}))"; }
pods_ip() { echo "10.88.$((${1#node-} - 1)).0/24"; }
pods_ip6() { echo "fd00:88:0:$((${1#node-} - 1))::/64"; }
