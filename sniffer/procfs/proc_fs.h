// The proc file system of the node, below a root that is injected: /proc, /hostproc, or a directory
// tree in tests. Reads files and links with a bound on their size; knows nothing of their meaning.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/status/status.h"

namespace network_mapper::sniffer {

// A network namespace is the file that /proc/<pid>/ns/net points to.
struct NamespaceId {
  uint64_t device = 0;
  uint64_t inode = 0;

  friend auto operator<=>(const NamespaceId&, const NamespaceId&) = default;
};

struct ProcessDirectory {
  int32_t pid = 0;
  // Inode of /proc/<pid>: while it stays the same, the pid is the same process.
  uint64_t inode = 0;
};

// Not thread-safe. Movable.
class ProcFs {
 public:
  // No file of a process is read beyond this; 64 MiB hold about 400 000 sockets.
  static constexpr size_t kMaxFileBytes = size_t{64} << 20;

  // Fails when `root` cannot be opened.
  static StatusOr<ProcFs> Open(const std::string& root);
  ProcFs(ProcFs&&) noexcept = default;
  ProcFs& operator=(ProcFs&&) noexcept = default;

  // Replaces `processes` with all processes, one readdir of the root and no other system call.
  Status ListProcesses(std::vector<ProcessDirectory>& processes) const;

  // Replaces `content` with the file <root>/<pid>/<name>; its capacity is reused. A file longer
  // than `max_bytes` is cut there.
  Status ReadFile(int32_t pid, std::string_view name, std::string& content,
                  size_t max_bytes = kMaxFileBytes) const;
  // The same for a table of lines up to kMaxLineBytes. It does without the read that would say that
  // the file has ended: for net/tcp the kernel walks its whole hash table to answer that.
  Status ReadTable(int32_t pid, std::string_view name, std::string& content) const;
  static constexpr size_t kMaxLineBytes = 512;

  // ReadFile for the calling process, whose number the root may know under another one.
  Status ReadOwnFile(std::string_view name, std::string& content,
                     size_t max_bytes = kMaxFileBytes) const;

  // PermissionDenied without CAP_SYS_PTRACE, NotFound when the process has gone.
  StatusOr<NamespaceId> NetworkNamespaceOf(int32_t pid) const;
  // The namespace of the calling process.
  StatusOr<NamespaceId> OwnNetworkNamespace() const;

  // Appends the inodes of the sockets that the process holds open. Another user's /proc/<pid>/fd
  // would take CAP_DAC_READ_SEARCH; fdinfo, which takes CAP_SYS_PTRACE only, is read instead.
  Status ListSocketInodes(int32_t pid, std::vector<uint64_t>& inodes) const;

 private:
  struct CloseDescriptor {
    void operator()(const int* descriptor) const;
  };

  explicit ProcFs(int root_descriptor);

  // A read that left room for `line_bytes` was the last; 0: read until there is nothing more.
  Status ReadAt(const char* path, std::string& content, size_t max_bytes, size_t line_bytes) const;

  Status ListSocketInodesByFdinfo(int32_t pid, std::vector<uint64_t>& inodes) const;
  StatusOr<uint64_t> SocketMount() const;

  std::unique_ptr<int, CloseDescriptor> root_;
  // The kernel's own mount that all sockets are on; found when first needed.
  mutable std::optional<uint64_t> socket_mount_;
};

}  // namespace network_mapper::sniffer
