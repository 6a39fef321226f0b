#!/usr/bin/env bash
# Records the capture files of this folder: real packets of pods, a bridge, NAT and a DNS server, each in
# its own network namespace. Needs root, tcpdump, dnsmasq, nft and python3. Run it again only to add files:
# ports, ids and times change with each run, and the tests do not depend on them.
#
#   node: bridge cni0 10.88.1.1 --- pod A 10.88.1.2 (vetha), pod B 10.88.1.3 (vethb, DNS server)
#         eth0 192.168.77.1 ------- remote node 192.168.77.2
#   services: 10.96.0.10:80 -> pod B:8080, 10.96.0.11:80 -> remote:8080, 10.96.0.2:53 -> pod B:53
set -euo pipefail
out="$(cd "$(dirname "$0")" && pwd)"
node=capture-node a=capture-a b=capture-b remote=capture-remote
work="$(mktemp -d)"
cleanup() {
  kill $(jobs -p) 2> /dev/null || true
  for ns in "$node" "$a" "$b" "$remote"; do ip netns del "$ns" 2> /dev/null || true; done
  rm -rf "$work"
}
trap cleanup EXIT
on() { local ns="$1"; shift; ip netns exec "$ns" "$@"; }

for ns in "$node" "$a" "$b" "$remote"; do ip netns add "$ns"; on "$ns" ip link set lo up; done
on "$node" ip link add cni0 type bridge
on "$node" ip addr add 10.88.1.1/24 dev cni0
on "$node" ip addr add fd00:88::1/64 dev cni0 nodad
on "$node" ip link set cni0 up
number=2
for pod in a b; do
  on "$node" ip link add "veth$pod" type veth peer name eth0 netns "capture-$pod"
  on "$node" ip link set "veth$pod" master cni0 up
  on "capture-$pod" ip addr add "10.88.1.$number/24" dev eth0
  on "capture-$pod" ip addr add "fd00:88::$number/64" dev eth0 nodad
  on "capture-$pod" ip link set eth0 up
  on "capture-$pod" ip route add default via 10.88.1.1
  number=$((number + 1))
done
on "$node" ip link add eth0 type veth peer name eth0 netns "$remote"
on "$node" ip addr add 192.168.77.1/24 dev eth0
on "$node" ip link set eth0 up
on "$remote" ip addr add 192.168.77.2/24 dev eth0
on "$remote" ip link set eth0 up
on "$node" sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1
on "$node" nft -f - <<'RULES'
table ip nat {
  chain prerouting { type nat hook prerouting priority dstnat;
    ip daddr 10.96.0.10 tcp dport 80 dnat to 10.88.1.3:8080
    ip daddr 10.96.0.11 tcp dport 80 dnat to 192.168.77.2:8080
    ip daddr 10.96.0.2 meta l4proto { tcp, udp } th dport 53 dnat to 10.88.1.3:53
    ip daddr 10.96.0.3 udp dport 53 dnat to 192.168.77.2:53
  }
  chain postrouting { type nat hook postrouting priority srcnat;
    oifname "eth0" masquerade random
  }
}
RULES
on "$a" sysctl -qw net.ipv4.tcp_ecn=0

records=(--host-record=host.pool.example,10.1.2.3,fd00:1::3 --host-record=host.pool.example,10.1.2.4
  --cname=www.shop.example,edge.cdn.example --cname=edge.cdn.example,host.pool.example
  --host-record=cart.shop.svc.cluster.local,10.96.0.10)
for i in $(seq 1 30); do records+=("--host-record=big.shop.example,10.2.0.$i"); done
on "$b" dnsmasq --no-daemon --no-resolv --no-hosts --pid-file --listen-address=10.88.1.3,fd00:88::3 \
  --bind-interfaces --local-ttl=30 "${records[@]}" 2> /dev/null &
on "$remote" dnsmasq --no-daemon --no-resolv --no-hosts --pid-file --listen-address=192.168.77.2 \
  --bind-interfaces --local-ttl=30 "${records[@]}" 2> /dev/null &

# Everything that a pod does, as small programs over sockets.
cat > "$work/pod.py" <<'PY'
import random, socket, struct, sys, threading, time

def query(name, kind=1):
    labels = b"".join(bytes([len(l)]) + l.encode() for l in name.split("."))
    return struct.pack(">HHHHHH", random.randrange(65536), 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)

def ask(server, name, kind=1):
    s = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(3)
    s.sendto(query(name, kind), (server, 53))
    return s.recv(4096)

def exactly(s, count):
    data = b""
    while len(data) < count:
        more = s.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data

def ask_tcp(server, port, names):
    s = socket.create_connection((server, port), 3)
    for name in names:
        message = query(name)
        s.sendall(struct.pack(">H", len(message)) + message)
        exactly(s, struct.unpack(">H", exactly(s, 2))[0])
    s.close()

# Port 53 of a second address: passes on what the DNS server says, in pieces of `size` bytes.
def slow_relay(address, upstream, size):
    listener = socket.create_server((address, 53))
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while True:
                length = exactly(client, 2)
                question = exactly(client, struct.unpack(">H", length)[0])
                server = socket.create_connection((upstream, 53), 3)
                server.sendall(length + question)
                length = exactly(server, 2)
                answer = length + exactly(server, struct.unpack(">H", length)[0])
                for start in range(0, len(answer), size):
                    client.sendall(answer[start:start + size])
                    time.sleep(0.03)
        except EOFError:
            client.close()

def accept_all(family, address, port):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, port))
    s.listen()
    while True:
        s.accept()[0].close()

def connect(server, port, options=None):
    s = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_STREAM)
    s.settimeout(3)
    if options:
        # Next header, length, PadN of four bytes: a destination options header of eight bytes.
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, bytes([0, 0, 1, 4, 0, 0, 0, 0]))
    try:
        s.connect((server, port))
    except OSError as error:
        print(server, port, error)
    s.close()

def send_tagged(interface, hex_frame, tags):
    frame = bytes.fromhex(hex_frame)
    tagged = frame[:12] + b"".join(struct.pack(">HH", kind, tag) for kind, tag in tags) + frame[12:]
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((interface, 0))
    s.send(tagged)

verb = sys.argv[1]
if verb == "ask":
    ask(sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 1)
elif verb == "ask_tcp":
    ask_tcp(sys.argv[2], 53, sys.argv[3:])
elif verb == "relay":
    slow_relay(sys.argv[2], sys.argv[3], int(sys.argv[4]))
elif verb == "listen":
    accept_all(socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET, sys.argv[2], int(sys.argv[3]))
elif verb == "connect":
    connect(sys.argv[2], int(sys.argv[3]), len(sys.argv) > 4)
elif verb == "tagged":
    send_tagged(sys.argv[2], sys.argv[3], [(0x88A8, 7), (0x8100, 100)] if sys.argv[4] == "2" else [(0x8100, 100)])
PY
pod() { local ns="$1"; shift; on "$ns" python3 "$work/pod.py" "$@"; }
pod "$b" listen 10.88.1.3 8080 &
pod "$b" listen fd00:88::3 8080 &
pod "$remote" listen 192.168.77.2 8080 &
on "$b" ip addr add 10.88.1.53/24 dev eth0
pod "$b" relay 10.88.1.53 10.88.1.3 100 &
sleep 1
# Neighbour entries first, so that flooding does not add sightings.
pod "$a" ask 10.96.0.2 warmup.example; pod "$a" ask fd00:88::3 warmup.example; pod "$a" ask 10.96.0.3 warmup.example
pod "$a" connect 10.88.1.53 8080 || true

# record <file> <interface> <link type> <filter> -- <commands>
record() {
  local file="$1" interface="$2" link_type="$3" filter="$4"
  shift 5
  # Without the option, tcpdump looks at what the buffer holds only now and then.
  ip netns exec "$node" tcpdump -q -n -U --immediate-mode -i "$interface" -y "$link_type" -s 0 -w "$out/$file" "$filter" 2> "$work/log" &
  local recorder=$!
  until grep -q listening "$work/log" 2> /dev/null; do sleep 0.05; done
  sleep 0.3
  "$@"
  sleep 0.5
  kill -INT "$recorder"; wait "$recorder" || true
  echo "$file: $(tcpdump -n -r "$out/$file" 2> /dev/null | wc -l) packets"
}
syn='tcp[13] & 2 != 0 or (ip6 and ip6[6] = 6 and ip6[53] & 2 != 0)'

record dns_cname_chain_sll2.pcap any LINUX_SLL2 'port 53' -- pod "$a" ask 10.96.0.2 WWW.shop.example
record dns_masqueraded_sll2.pcap any LINUX_SLL2 'udp port 53' -- pod "$a" ask 10.96.0.3 cart.shop.svc.cluster.local
record dns_sll.pcap any LINUX_SLL 'port 53' -- pod "$a" ask 10.96.0.2 cart.shop.svc.cluster.local
record dns_ethernet.pcap vetha EN10MB 'port 53' -- pod "$a" ask 10.96.0.2 cart.shop.svc.cluster.local
record dns_ipv6_aaaa_ethernet.pcap vetha EN10MB 'port 53' -- pod "$a" ask fd00:88::3 host.pool.example 28
record dns_refused_ethernet.pcap vetha EN10MB 'port 53' -- pod "$a" ask 10.96.0.2 cart.shop.example.svc.cluster.local
record dns_tcp_segments_sll2.pcap any LINUX_SLL2 'tcp port 53' -- pod "$a" ask_tcp 10.88.1.53 big.shop.example www.shop.example
record syn_dnat_same_node_sll2.pcap any LINUX_SLL2 "$syn" -- pod "$a" connect 10.96.0.10 80
record syn_dnat_remote_sll2.pcap any LINUX_SLL2 "$syn" -- pod "$a" connect 10.96.0.11 80
record syn_refused_sll2.pcap any LINUX_SLL2 "$syn" -- pod "$a" connect 10.88.1.3 9999
on "$a" sysctl -qw net.ipv4.tcp_ecn=1
record syn_ecn_sll2.pcap any LINUX_SLL2 "$syn" -- pod "$a" connect 10.88.1.3 8080
on "$a" sysctl -qw net.ipv4.tcp_ecn=0
record syn_ipv6_sll2.pcap any LINUX_SLL2 "$syn" -- pod "$a" connect fd00:88::3 8080
record syn_ipv6_destination_options_sll2.pcap any LINUX_SLL2 'ip6[6] = 60 or ip6[6] = 6' -- pod "$a" connect fd00:88::3 8080 options
# The kernel may lack VLAN interfaces: the answer just recorded goes out again as tagged frames.
answer="$(tcpdump -r "$out/dns_ethernet.pcap" -xx -n 'src port 53' 2> /dev/null | awk '/0x/ {$1 = ""; print}' | tr -d ' \n')"
record dns_vlan_ethernet.pcap vetha EN10MB 'vlan' -- pod "$a" tagged eth0 "$answer" 1
record dns_qinq_ethernet.pcap vetha EN10MB 'vlan' -- pod "$a" tagged eth0 "$answer" 2
