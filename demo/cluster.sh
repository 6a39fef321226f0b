# shellcheck shell=bash
# A cluster on one machine, for the demo and the integration tests. Source it, then:
#
#   cluster_init PREFIX BIN_DIR      names and folders; removes what a killed run of the same prefix left behind; fails
#                                    when one of the same prefix still runs; file descriptor 9 is its lock
#   cluster_up                       node namespace, bridge, NAT, API stand-in, DNS server
#   service_up NS NAME PORT:TARGET [pod ...]     a Service with a ClusterIP, its DNS name and EndpointSlice
#   pod_up NS WORKLOAD [option ...] -- PROGRAM [argument ...]    see below; sets POD_NAME, POD_IP, POD_IP6, POD_UID
#   in_pod NS POD COMMAND...        runs a command in that pod
#   pod_down NS POD                  ends its processes, removes its namespace, deletes the API object
#   cluster_down                     removes everything
#   cluster_down_at_exit             has that done however the shell ends
#
# Everything lives in one network namespace per pod and one for the node, so that nothing of the machine's own network
# changes. A pod's only route leads to the node, as with a routed CNI: its own address is a /32, and what it sends to a
# ClusterIP is rewritten on the node and comes back through it.

POD_CIDR_PREFIX=10.88.0
POD_GATEWAY=10.88.0.1
POD6_PREFIX=fd00:88::
POD6_GATEWAY=fd00:88::1
SERVICE_CIDR_PREFIX=10.96.0
SERVICE6_PREFIX=fd00:96::
DNS_SERVICE_IP=10.96.0.10
DNS_SERVICE_IP6=fd00:96::10
NODE_NAME=demo-node
API_PORT=8001
# Further options for dnsmasq.
CLUSTER_DNS_OPTIONS=()

cluster_init() {
  CLUSTER_PREFIX="$1"
  CLUSTER_BIN="$2"
  NODE_NS="$CLUSTER_PREFIX-node"
  CLUSTER_DIR="/run/network-mapper-$CLUSTER_PREFIX"
  CLUSTER_API="http://127.0.0.1:$API_PORT"
  # The lock ends with this shell: what it starts in the background closes 9. A command that a killed run was waiting for
  # may have it some seconds longer.
  exec 9>> "$CLUSTER_DIR.lock"
  flock --wait 5 9 || {
    echo "cluster: $CLUSTER_PREFIX is in use by process $(< "$CLUSTER_DIR.lock"); end that first" >&2
    return 1
  }
  echo $$ > "$CLUSTER_DIR.lock"
  CLUSTER_IS_OURS=1
  cluster_down
  mkdir -p "$CLUSTER_DIR/hosts" "$CLUSTER_DIR/pods" "$CLUSTER_DIR/log"
  echo 10 > "$CLUSTER_DIR/next-pod"
  echo 20 > "$CLUSTER_DIR/next-service"
}

# Runs a command on the node.
on_node() {
  ip netns exec "$NODE_NS" "$@"
}

api_apply() {
  on_node curl -sS --fail-with-body --max-time 10 -X POST --data-binary @- "$CLUSTER_API/stand-in/apply" > /dev/null
}

api_delete() {
  on_node curl -sS --fail-with-body --max-time 10 -X DELETE "$CLUSTER_API$1" > /dev/null
}

take_number() {
  local file="$CLUSTER_DIR/next-$1" number
  number="$(< "$file")"
  echo $((number + 1)) > "$file"
  echo "$number"
}

random_hex() {
  od -An -N "$(($1 / 2))" -tx1 /dev/urandom | tr -d ' \n'
}

new_uid() {
  cat /proc/sys/kernel/random/uuid
}

# The same UID for the same text, as an object keeps its own.
uid_of() {
  md5sum <<< "$1" | sed -E 's/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/\1-\2-\3-\4-\5/'
}

now_rfc3339() {
  date -u +%Y-%m-%dT%H:%M:%SZ
}

# Waits until a command succeeds, at most $1 seconds.
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" > /dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

# Where a pod's processes are put, named as the kubelet names them: by its systemd driver on a machine with cgroup v2 only,
# by its cgroupfs driver otherwise.
pod_cgroup() {
  local uid="$1" container="$2" root
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    echo "/sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${uid//-/_}.slice/cri-containerd-$container.scope"
    return
  fi
  for root in /sys/fs/cgroup/unified /sys/fs/cgroup/pids /sys/fs/cgroup/freezer /sys/fs/cgroup/memory; do
    if [ -w "$root/cgroup.procs" ]; then
      echo "$root/kubepods/burstable/pod$uid/$container"
      return
    fi
  done
  echo "cluster: no writable cgroup hierarchy below /sys/fs/cgroup" >&2
  return 1
}

# Fails while a process is in it. The folders above go with their last pod.
remove_cgroup() {
  local folder="$1"
  while [[ "$folder" == */kubepods* ]]; do
    [ ! -d "$folder" ] || rmdir "$folder" 2> /dev/null || break
    folder="${folder%/*}"
  done
  [ ! -d "$1" ]
}

# ClusterIPs of one family: what pods (prerouting) and the node's own processes (output) send to them is rewritten.
# Arguments: the family, its address type.
nat_table() {
  local protocol chain
  echo "table $1 services {"
  for protocol in tcp udp; do
    echo "map ${protocol}_ports { type $2 . inet_service : $2 . inet_service; }"
  done
  for chain in prerouting output; do
    echo "chain $chain { type nat hook $chain priority -100;"
    for protocol in tcp udp; do
      echo "dnat $1 to $1 daddr . $protocol dport map @${protocol}_ports"
    done
    echo "}"
  done
  echo "}"
}

node_network_up() {
  ip netns add "$NODE_NS"
  on_node ip link set lo up
  on_node ip link add cni0 type bridge
  on_node ip addr add "$POD_GATEWAY/24" dev cni0
  on_node ip -6 addr add "$POD6_GATEWAY/64" dev cni0 nodad
  on_node ip link set cni0 up
  # Something to carry the node's own address, which an agent and host-network pods use.
  on_node ip link add eth0 type bridge
  on_node ip addr add 192.168.88.10/24 dev eth0
  on_node ip link set eth0 up
  on_node sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
    echo 0 > /proc/sys/net/ipv4/conf/all/send_redirects; echo 0 > /proc/sys/net/ipv4/conf/cni0/send_redirects'
  { nat_table ip ipv4_addr; nat_table ip6 ipv6_addr; } | on_node nft -f -
}

resolv_conf() {
  printf 'nameserver %s\nsearch %s.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5 %s\n' "$2" "$1" \
    "${POD_RESOLV_OPTIONS:-}"
}

api_up() {
  # Without on_node, so that the number kept is the program's own.
  ip netns exec "$NODE_NS" "$CLUSTER_BIN/kube_stand_in" --port "$API_PORT" --bookmark-seconds 5 > "$CLUSTER_DIR/log/api.log" 2>&1 9>&- &
  echo $! > "$CLUSTER_DIR/api.pid"
  disown
  wait_for 20 on_node curl -sf --max-time 2 "$CLUSTER_API/api/v1/pods" || {
    echo "cluster: the API stand-in does not answer: $(tail -3 "$CLUSTER_DIR/log/api.log")" >&2
    return 1
  }
  api_apply << EOF
apiVersion: v1
kind: Node
metadata: {name: $NODE_NAME, uid: $(new_uid), creationTimestamp: "$(now_rfc3339)"}
status: {addresses: [{type: InternalIP, address: 192.168.88.10}, {type: Hostname, address: $NODE_NAME}]}
---
apiVersion: v1
kind: Service
metadata: {name: kubernetes, namespace: default, uid: $(new_uid), creationTimestamp: "$(now_rfc3339)"}
spec: {type: ClusterIP, clusterIP: $SERVICE_CIDR_PREFIX.1, clusterIPs: [$SERVICE_CIDR_PREFIX.1], ports: [{name: https, port: 443, protocol: TCP}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kubernetes, namespace: default, uid: $(new_uid), labels: {kubernetes.io/service-name: kubernetes}}
addressType: IPv4
endpoints: [{addresses: [192.168.88.10], conditions: {ready: true}}]
ports: [{name: https, port: 6443, protocol: TCP}]
EOF
}

dns_up() {
  POD_IP6_WANTED=1 pod_up kube-system coredns -- dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts \
    --local=/cluster.local/ --hostsdir="$CLUSTER_DIR/hosts" --user=root --pid-file= --cache-size=10000 --max-ttl=5 \
    --local-ttl=5 "${CLUSTER_DNS_OPTIONS[@]}"
  SERVICE_IP="$DNS_SERVICE_IP" SERVICE_IP6="$DNS_SERVICE_IP6" service_up kube-system kube-dns 53:53 "$POD_NAME"
}

cluster_up() {
  node_network_up
  api_up
  dns_up
}

# Points port $2 of service address $1 at pod address $3, port $4.
service_forward() {
  local table=ip protocol
  case "$1" in *:*) table=ip6 ;; esac
  for protocol in tcp udp; do
    on_node nft "add element $table services ${protocol}_ports { $1 . $2 : $3 . $4 }"
  done
}

# service_up NAMESPACE NAME PORT:TARGET_PORT POD...: the first pod gets the traffic, all are endpoints. SERVICE_IP and
# SERVICE_IP6 choose addresses; without SERVICE_IP6 a service has IPv6 only when its pod has.
service_up() {
  local namespace="$1" name="$2" port="${3%%:*}" target="${3##*:}" number ip ip6 pod pod_ip pod_ip6 pod_uid
  local endpoints="" endpoints6="" cluster_ips=""
  shift 3
  number="$(take_number service)"
  ip="${SERVICE_IP:-$SERVICE_CIDR_PREFIX.$number}"
  ip6="${SERVICE_IP6:-$SERVICE6_PREFIX$number}"
  for pod in "$@"; do
    read -r pod_uid pod_ip pod_ip6 < "$CLUSTER_DIR/pods/$namespace.$pod"
    local reference="targetRef: {kind: Pod, namespace: $namespace, name: $pod, uid: $pod_uid}, nodeName: $NODE_NAME"
    [ "$pod_ip" = - ] || endpoints+="{addresses: [$pod_ip], conditions: {ready: true}, $reference}, "
    [ "$pod_ip6" = - ] || endpoints6+="{addresses: [\"$pod_ip6\"], conditions: {ready: true}, $reference}, "
  done
  read -r pod_uid pod_ip pod_ip6 < "$CLUSTER_DIR/pods/$namespace.$1"
  : > "$CLUSTER_DIR/hosts/.$namespace.$name"
  if [ "$pod_ip" != - ]; then
    cluster_ips="\"$ip\""
    service_forward "$ip" "$port" "$pod_ip" "$target"
    echo "$ip $name.$namespace.svc.cluster.local" >> "$CLUSTER_DIR/hosts/.$namespace.$name"
  fi
  if [ "$pod_ip6" != - ]; then
    cluster_ips="${cluster_ips:+$cluster_ips, }\"$ip6\""
    service_forward "$ip6" "$port" "$pod_ip6" "$target"
    echo "$ip6 $name.$namespace.svc.cluster.local" >> "$CLUSTER_DIR/hosts/.$namespace.$name"
  fi
  # dnsmasq passes over names with a leading dot and reads a file once it appears.
  mv "$CLUSTER_DIR/hosts/.$namespace.$name" "$CLUSTER_DIR/hosts/$namespace.$name"
  api_apply << EOF
apiVersion: v1
kind: Service
metadata: {name: $name, namespace: $namespace, uid: $(new_uid), creationTimestamp: "$(now_rfc3339)"}
spec: {type: ClusterIP, clusterIP: ${cluster_ips%%,*}, clusterIPs: [$cluster_ips], ports: [{port: $port, targetPort: $target, protocol: TCP}], selector: {app: $name}}
$(slice "$namespace" "$name" IPv4 "$target" "$endpoints")
$(slice "$namespace" "$name" IPv6 "$target" "$endpoints6")
EOF
}

# One EndpointSlice document; nothing for an empty list of endpoints.
slice() {
  [ -n "$5" ] || return 0
  cat << EOF
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: $2-${3,,}, namespace: $1, uid: $(new_uid), labels: {kubernetes.io/service-name: $2}}
addressType: $3
endpoints: [${5%, }]
ports: [{port: $4, protocol: TCP}]
EOF
}

# The pod object and, unless it is bare, its Deployment and ReplicaSet. Arguments: namespace workload pod uid phase
api_pod() {
  local namespace="$1" workload="$2" pod="$3" uid="$4" phase="$5" owner="" ips="" host_network=false host_ip=192.168.88.10
  local address deployment_uid replica_set_uid
  deployment_uid="$(uid_of "Deployment/$namespace/$workload")"
  replica_set_uid="$(uid_of "ReplicaSet/$namespace/${pod%-*}")"
  for address in "$POD_IP" "$POD_IP6"; do
    [ "$address" = - ] || ips+="{ip: \"$address\"}, "
  done
  [ -z "${POD_HOST_NETWORK:-}" ] || host_network=true
  if [ -z "${POD_BARE:-}" ]; then
    owner=", ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: ${pod%-*}, uid: $replica_set_uid, controller: true}]"
    api_apply << EOF
apiVersion: apps/v1
kind: Deployment
metadata: {name: $workload, namespace: $namespace, uid: $deployment_uid, labels: {app: $workload}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: ${pod%-*}, namespace: $namespace, uid: $replica_set_uid, labels: {app: $workload}, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: $workload, uid: $deployment_uid, controller: true}]}
EOF
  fi
  api_apply << EOF
apiVersion: v1
kind: Pod
metadata: {name: $pod, namespace: $namespace, uid: $uid, creationTimestamp: "$POD_CREATED", labels: {app: $workload}, annotations: {${POD_ANNOTATIONS:-}}$owner}
spec: {nodeName: $NODE_NAME, hostNetwork: $host_network, containers: [{name: $workload, image: "registry.local/$workload:1"}]}
status: {phase: $phase, hostIP: $host_ip, podIP: "${POD_IP/#-/$POD_IP6}", podIPs: [${ips%, }], startTime: "$POD_CREATED"}
EOF
}

pod_network_up() {
  local namespace="$1" number="$2"
  ip netns add "$namespace"
  ip link add eth0 netns "$namespace" type veth peer name "veth$number" netns "$NODE_NS"
  on_node ip link set "veth$number" master cni0 up
  ip -n "$namespace" link set lo up
  ip -n "$namespace" link set eth0 up
  if [ "$POD_IP" != - ]; then
    ip -n "$namespace" addr add "$POD_IP/32" dev eth0
    ip -n "$namespace" route add "$POD_GATEWAY" dev eth0 scope link
    ip -n "$namespace" route add default via "$POD_GATEWAY"
    on_node ip neigh replace "$POD_IP" dev cni0 lladdr "$(ip -n "$namespace" -o link show eth0 | sed -n 's/.*link\/ether \([^ ]*\).*/\1/p')"
  fi
  if [ "$POD_IP6" != - ]; then
    ip -n "$namespace" -6 addr add "$POD_IP6/128" dev eth0 nodad
    ip -n "$namespace" -6 route add "$POD6_GATEWAY" dev eth0
    ip -n "$namespace" -6 route add default via "$POD6_GATEWAY"
  fi
}

# pod_up NAMESPACE WORKLOAD -- PROGRAM ARGUMENT...: a pod of a Deployment, Running, its program in its namespace and cgroup.
# Environment: POD_IP_WANTED (take this address), POD_IP6_WANTED=1 (dual stack), POD_IP6_ONLY=1, POD_HOST_NETWORK=1 (on the
# node's network), POD_BARE=1 (no owner), POD_RESOLV_OPTIONS (for resolv.conf), POD_ANNOTATIONS ("key: value, ..."), POD_SKIP_API=1 (no API object).
# Sets POD_NAME, POD_UID, POD_IP, POD_IP6 ("-" for none), POD_NS (network namespace).
pod_up() {
  local namespace="$1" workload="$2" number container cgroup dns="$DNS_SERVICE_IP"
  shift 2
  [ "$1" = -- ] && shift
  number="$(take_number pod)"
  POD_UID="$(new_uid)"
  POD_CREATED="$(now_rfc3339)"
  POD_NAME="$workload-$(random_hex 10)-$(random_hex 6)"
  [ -z "${POD_BARE:-}" ] || POD_NAME="$workload"
  POD_IP="${POD_IP_WANTED:-$POD_CIDR_PREFIX.$number}"
  POD_IP6=-
  [ -z "${POD_IP6_WANTED:-}${POD_IP6_ONLY:-}" ] || POD_IP6="$POD6_PREFIX$number"
  POD_NS="$CLUSTER_PREFIX-pod-$number"
  if [ -n "${POD_IP6_ONLY:-}" ]; then
    POD_IP=-
    dns="$DNS_SERVICE_IP6"
  fi
  if [ -n "${POD_HOST_NETWORK:-}" ]; then
    POD_IP=192.168.88.10
    POD_NS="$NODE_NS"
  else
    pod_network_up "$POD_NS" "$number"
  fi
  resolv_conf "$namespace" "$dns" > "$CLUSTER_DIR/pods/$namespace.$POD_NAME.resolv"
  container="$(random_hex 64)"
  cgroup="$(pod_cgroup "$POD_UID" "$container")" || return 1
  # Written down first, so that an end at any moment finds it.
  echo "$POD_NS" > "$CLUSTER_DIR/pods/$namespace.$POD_NAME.netns"
  echo "$cgroup" > "$CLUSTER_DIR/pods/$namespace.$POD_NAME.cgroup"
  mkdir -p "$cgroup"
  echo "$POD_UID $POD_IP $POD_IP6" > "$CLUSTER_DIR/pods/$namespace.$POD_NAME"
  [ -n "${POD_SKIP_API:-}" ] || api_pod "$namespace" "$workload" "$POD_NAME" "$POD_UID" Running
  # A pod that was taken down before its shell came this far has no cgroup any more, and the shell ends.
  # shellcheck disable=SC2016  # expanded by the inner shell, inside the pod
  PATH="$CLUSTER_BIN:$PATH" nsenter --net="/run/netns/$POD_NS" unshare --mount sh -ec '
    echo $$ > "$1/cgroup.procs"; mount --bind "$2" /etc/resolv.conf; shift 2; exec "$@"' \
    pod "$cgroup" "$CLUSTER_DIR/pods/$namespace.$POD_NAME.resolv" "$@" \
    > "$CLUSTER_DIR/log/$namespace.$POD_NAME.log" 2>&1 9>&- &
  echo $! > "$CLUSTER_DIR/pods/$namespace.$POD_NAME.pid"
  disown
}

in_pod() {
  local base="$CLUSTER_DIR/pods/$1.$2"
  shift 2
  # shellcheck disable=SC2016 # expanded in the pod
  nsenter --net="/run/netns/$(< "$base.netns")" unshare --mount sh -ec '
    echo $$ > "$1/cgroup.procs"; mount --bind "$2" /etc/resolv.conf; shift 2; exec "$@"' \
    pod "$(< "$base.cgroup")" "$base.resolv" "$@"
}

# Whether process $1 is ours: started by this shell, or in network namespace $2. The number in a file of a killed run may be
# somebody else's by now.
is_own_process() {
  [ "$(ps -o ppid= -p "$1" | tr -d ' ')" = "$$" ] || [ "/proc/$1/ns/net" -ef "/run/netns/$2" ]
}

# Ends processes and network of the pod whose files begin with $1, leaves the API object.
pod_processes_down() {
  local base="$1" cgroup netns pid tries=0
  cgroup="$(cat "$base.cgroup" 2> /dev/null || true)"
  netns="$(cat "$base.netns" 2> /dev/null || true)"
  pid="$(cat "$base.pid" 2> /dev/null || true)"
  if [ -n "$pid" ] && is_own_process "$pid" "$netns"; then
    kill -KILL "$pid" 2> /dev/null || true
  fi
  # Its shell may join at any moment until the cgroup is gone.
  until [ -z "$cgroup" ] || remove_cgroup "$cgroup"; do
    if [ "$tries" -ge 250 ]; then
      echo "cluster: processes in $cgroup do not end: $(xargs < "$cgroup/cgroup.procs")" >&2
      return 1
    fi
    tries=$((tries + 1))
    xargs -r kill -KILL < "$cgroup/cgroup.procs" 2> /dev/null || true
    sleep 0.02
  done
  if [ -n "$netns" ] && [ "$netns" != "$NODE_NS" ]; then
    ip netns del "$netns" 2> /dev/null || true
  fi
  rm -f "$base" "$base".*
}

pod_down() {
  pod_processes_down "$CLUSTER_DIR/pods/$1.$2"
  [ -n "${POD_SKIP_API:-}" ] || api_delete "/api/v1/namespaces/$1/pods/$2"
}

node_is_empty() {
  [ -z "$(ip netns pids "$NODE_NS" 2> /dev/null)" ]
}

# Safe to call at any time, also when nothing is up; touches nothing while another run holds the lock. What it cannot remove
# stays written down for the next run.
cluster_down() {
  local file pid netns is_clean=1
  [ -n "${CLUSTER_IS_OURS:-}" ] || return 0
  # The last one started may not have been written down yet.
  for pid in $(cat "$CLUSTER_DIR"/*.pid 2> /dev/null || true) ${!:-}; do
    ! is_own_process "$pid" "$NODE_NS" || kill -TERM "$pid" 2> /dev/null || true
  done
  for file in "$CLUSTER_DIR"/pods/*.cgroup; do
    [ -f "$file" ] || continue
    pod_processes_down "${file%.cgroup}" || is_clean=""
  done
  if [ -e "/run/netns/$NODE_NS" ] && ! wait_for 3 node_is_empty; then
    ip netns pids "$NODE_NS" | xargs -r kill -KILL 2> /dev/null || true
    wait_for 3 node_is_empty || is_clean=""
  fi
  for netns in /run/netns/"$CLUSTER_PREFIX"-*; do
    [ -e "$netns" ] || continue
    ip netns del "${netns##*/}" 2> /dev/null || true
  done
  [ -z "$is_clean" ] || rm -rf "$CLUSTER_DIR"
}

# Takes the cluster down however this shell ends; no further signal, as an impatient second Ctrl-C, interrupts that.
cluster_down_at_exit() {
  CLUSTER_SIGNALLED=""
  trap 'CLUSTER_EXIT_CODE=$?; trap "" INT TERM HUP; cluster_down; exit "${CLUSTER_SIGNALLED:-$CLUSTER_EXIT_CODE}"' EXIT
  trap 'trap "" INT TERM HUP; CLUSTER_SIGNALLED=130; exit 130' INT
  trap 'trap "" INT TERM HUP; CLUSTER_SIGNALLED=143; exit 143' TERM
  trap 'trap "" INT TERM HUP; CLUSTER_SIGNALLED=129; exit 129' HUP
}
