// A proc file system made of files in a temporary directory: processes, the network namespaces that
// they share, and their open sockets.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "common/net/ip_address.h"
#include "common/observation/pod_uid.h"
#include "sniffer/procfs/proc_fs.h"
#include "tests/support/test_paths.h"

namespace network_mapper::sniffer {

struct FakeProcess {
  int32_t pid = 0;
  std::string network_namespace{};
  // Empty: a process of the node.
  std::string pod_uid{};
  uint64_t start_ticks = 100;
  std::vector<uint64_t> sockets{};
};

// One line of net/tcp or net/tcp6. `state` as the kernel writes it: "01" ESTABLISHED, "0A" LISTEN.
struct FakeSocket {
  std::string_view local{};
  uint16_t local_port = 0;
  std::string_view remote = "0.0.0.0";
  uint16_t remote_port = 0;
  std::string_view state = "01";
  uint64_t inode = 0;
};

class FakeProcTree {
 public:
  FakeProcTree() { AddNamespace("host"); }

  // A namespace of one address, without sockets.
  void AddNamespace(const std::string& name, std::string_view address = "192.168.0.1") {
    directory_.WriteFile(NamespaceFile(name), "");
    SetAddresses(name, {address});
    for (const char* table : {"tcp", "tcp6"}) {
      SetSockets(name, table, {});
    }
  }

  void SetAddresses(const std::string& name, const std::vector<std::string_view>& addresses) {
    std::string trie = "Local:\n";
    std::string v6;
    for (std::string_view text : addresses) {
      IpAddress address = IpAddress::Parse(text).value();
      if (address.IsV4()) {
        trie += fmt::format("  |-- {}\n     /32 host LOCAL\n", text);
      } else {
        v6 += Hex(address) + " 02 40 00 80     eth0\n";
      }
    }
    SetNetFile(name, "fib_trie", trie);
    SetNetFile(name, "if_inet6", v6);
  }

  // `table`: tcp or tcp6. Counts as a change, as in the kernel.
  void SetSockets(const std::string& name, const std::string& table,
                  const std::vector<FakeSocket>& sockets) {
    std::string text = "  sl  local_address rem_address   st ...\n";
    for (const FakeSocket& socket : sockets) {
      text += fmt::format("   0: {} {} {} 00000000:00000000 00:00000000 00000000  0  0 {} 1\n",
                          Endpoint(socket.local, socket.local_port, table.ends_with('6')),
                          Endpoint(socket.remote, socket.remote_port, table.ends_with('6')),
                          socket.state, socket.inode);
    }
    SetNetFile(name, table, text);
    SetCounters(name, ++changes_);
    if (table == "tcp6") {
      SetNetFile(name, "sockstat6", fmt::format("TCP6: inuse {}\n", sockets.size()));
    }
  }

  // Connections that were opened since the namespace exists, and how many are open.
  void SetCounters(const std::string& name, uint64_t active_opens, uint64_t open = 1) {
    SetNetFile(
        name, "snmp",
        fmt::format("Tcp: ActiveOpens PassiveOpens CurrEstab\nTcp: {} 0 {}\n", active_opens, open));
  }

  void SetNetFile(const std::string& name, const std::string& file, std::string_view text) {
    directory_.WriteFile("net-of/" + name + "/" + file, text);
  }

  void AddProcess(const FakeProcess& process) {
    std::string base = std::to_string(process.pid);
    WriteStat(process.pid, process.start_ticks);
    SetPod(process.pid, process.pod_uid);
    std::filesystem::create_directories(Root() / base / "ns");
    std::filesystem::create_directories(Root() / base / "fd");
    std::filesystem::create_symlink(Root() / NamespaceFile(process.network_namespace),
                                    Root() / base / "ns/net");
    std::filesystem::create_directory_symlink(Root() / "net-of" / process.network_namespace,
                                              Root() / base / "net");
    std::filesystem::create_symlink("/dev/null", Root() / base / "fd/0");
    for (uint64_t inode : process.sockets) {
      OpenSocket(process.pid, inode);
    }
  }

  // Which process the scanner itself is.
  void SetSelf(int32_t pid) {
    std::filesystem::remove(Root() / "self");
    std::filesystem::create_directory_symlink(std::to_string(pid), Root() / "self");
  }

  void WriteStat(int32_t pid, uint64_t start_ticks) {
    directory_.WriteFile(
        fmt::format("{}/stat", pid),
        fmt::format("{} (some (app)) S 1 1 1 0 -1 4194560 90 0 0 0 0 0 0 0 20 0 1 0 {} 1 1\n", pid,
                    start_ticks));
  }

  void SetPod(int32_t pid, const std::string& uid) {
    directory_.WriteFile(fmt::format("{}/cgroup", pid),
                         uid.empty()
                             ? "0::/system.slice/some.service\n"
                             : fmt::format("0::/kubepods/burstable/pod{}/0123456789abcdef\n", uid));
  }

  void OpenSocket(int32_t pid, uint64_t inode) {
    std::filesystem::create_symlink(fmt::format("socket:[{}]", inode),
                                    Root() / fmt::format("{}/fd/{}", pid, inode));
  }

  void CloseSocket(int32_t pid, uint64_t inode) {
    std::filesystem::remove(Root() / fmt::format("{}/fd/{}", pid, inode));
  }

  // Renamed, not removed: the file system would give its inode to the next process.
  void EndProcess(int32_t pid) {
    std::filesystem::rename(Root() / std::to_string(pid),
                            Root() / fmt::format("ended-{}", ++ended_));
  }

  void RemoveFile(int32_t pid, const std::string& name) {
    std::filesystem::remove(Root() / std::to_string(pid) / name);
  }

  const std::filesystem::path& Root() const { return directory_.Path(); }

  ProcFs Open() const { return ProcFs::Open(Root()).value(); }

 private:
  static std::string NamespaceFile(const std::string& name) { return "namespaces/" + name; }

  // As the kernel prints it: words of 32 bits in the byte order of this machine.
  static std::string Hex(const IpAddress& address, bool kernel_words = false) {
    std::string text;
    std::span<const uint8_t> bytes = address.Bytes();
    for (size_t i = 0; i < bytes.size(); ++i) {
      text += fmt::format("{:02X}", bytes[kernel_words ? i / 4 * 4 + 3 - i % 4 : i]);
    }
    return text;
  }

  static std::string Endpoint(std::string_view text, uint16_t port, bool v6) {
    IpAddress address = IpAddress::Parse(text).value();
    std::string mapped = v6 && address.IsV4() ? "0000000000000000FFFF0000" : "";
    return fmt::format("{}{}:{:04X}", mapped, Hex(address, true), port);
  }

  TemporaryDirectory directory_;
  uint64_t changes_ = 0;
  int ended_ = 0;
};

inline constexpr const char* kPodA = "aaaaaaaa-0000-0000-0000-000000000001";
inline constexpr const char* kPodB = "bbbbbbbb-0000-0000-0000-000000000002";

inline PodUid Uid(const char* text) {
  return PodUid::Parse(text).value();
}

inline IpAddress Address(std::string_view text) {
  return IpAddress::Parse(text).value();
}

}  // namespace network_mapper::sniffer
