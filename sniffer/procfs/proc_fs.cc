#include "sniffer/procfs/proc_fs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "sniffer/procfs/proc_process.h"

namespace network_mapper::sniffer {

namespace {

// Enough for the lines that every open file has.
constexpr size_t kMaxFdinfoBytes = 512;

// Owns a descriptor for the length of a function.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}

  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  ~Descriptor() {
    if (value_ >= 0) {
      close(value_);
    }
  }

  int Get() const { return value_; }

  int Release() { return std::exchange(value_, -1); }

 private:
  int value_;
};

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

using Directory = std::unique_ptr<DIR, CloseDirectory>;

// "<process>/<name>", without allocation; the process is a number or "self".
class RelativePath {
 public:
  template <typename Process>
  RelativePath(Process process, std::string_view name) {
    auto result = fmt::format_to_n(text_.data(), text_.size() - 1, "{}/{}", process, name);
    *result.out = '\0';
  }

  const char* Get() const { return text_.data(); }

 private:
  std::array<char, 128> text_{};
};

// A process that ends while it is read shows up as ENOENT, ESRCH or, for its namespaces, EINVAL.
Status ProcStatus(int error_number, const char* path) {
  if (error_number == ESRCH || error_number == EINVAL) {
    error_number = ENOENT;
  }
  return ErrnoStatus(error_number, path);
}

Directory OpenDirectory(int parent, const char* path) {
  Descriptor descriptor(openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.Get() < 0) {
    return nullptr;
  }
  Directory directory(fdopendir(descriptor.Get()));
  if (directory) {
    descriptor.Release();
  }
  return directory;
}

std::optional<int32_t> ParsePid(std::string_view name) {
  int32_t pid = 0;
  const char* end = name.data() + name.size();
  auto [stop, error] = std::from_chars(name.data(), end, pid);
  if (error != std::errc() || stop != end || pid <= 0) {
    return std::nullopt;
  }
  return pid;
}

StatusOr<NamespaceId> NamespaceAt(int root, const char* path) {
  struct stat attributes {};

  if (fstatat(root, path, &attributes, 0) != 0) {
    return ProcStatus(errno, path);
  }
  return NamespaceId{.device = attributes.st_dev, .inode = attributes.st_ino};
}

}  // namespace

void ProcFs::CloseDescriptor::operator()(const int* descriptor) const {
  close(*descriptor);
  delete descriptor;
}

ProcFs::ProcFs(int root_descriptor) : root_(new int(root_descriptor)) {}

StatusOr<ProcFs> ProcFs::Open(const std::string& root) {
  int descriptor = open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    return ErrnoStatus(errno, "open " + root);
  }
  return ProcFs(descriptor);
}

Status ProcFs::ListProcesses(std::vector<ProcessDirectory>& processes) const {
  processes.clear();
  Directory directory = OpenDirectory(*root_, ".");
  if (!directory) {
    return ErrnoStatus(errno, "list processes");
  }
  errno = 0;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this function's own.
  while (const dirent* entry = readdir(directory.get())) {
    if (std::optional<int32_t> pid = ParsePid(entry->d_name)) {
      processes.push_back({.pid = *pid, .inode = entry->d_ino});
    }
  }
  return errno == 0 ? OkStatus() : ErrnoStatus(errno, "list processes");
}

Status ProcFs::ReadFile(int32_t pid, std::string_view name, std::string& content,
                        size_t max_bytes) const {
  return ReadAt(RelativePath(pid, name).Get(), content, max_bytes, 0);
}

Status ProcFs::ReadTable(int32_t pid, std::string_view name, std::string& content) const {
  return ReadAt(RelativePath(pid, name).Get(), content, kMaxFileBytes, kMaxLineBytes);
}

Status ProcFs::ReadOwnFile(std::string_view name, std::string& content, size_t max_bytes) const {
  return ReadAt(RelativePath("self", name).Get(), content, max_bytes, 0);
}

Status ProcFs::ReadAt(const char* path, std::string& content, size_t max_bytes,
                      size_t line_bytes) const {
  content.clear();
  Descriptor file(openat(*root_, path, O_RDONLY | O_CLOEXEC));
  if (file.Get() < 0) {
    return ProcStatus(errno, path);
  }
  constexpr size_t kFirstRead = 4096;
  constexpr size_t kLargestRead = size_t{1} << 16;
  // The kernel fills at least a page with lines, if there are so many (fs/seq_file.c).
  static const auto page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  size_t used = 0;
  size_t step = kFirstRead;
  bool ended = false;
  while (used < max_bytes && !ended) {
    content.resize(std::min(used + step, max_bytes));
    size_t least = std::min(content.size() - used, page_bytes);
    ssize_t count = read(file.Get(), content.data() + used, content.size() - used);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      int error_number = errno;
      content.clear();
      return ProcStatus(error_number, path);
    }
    used += static_cast<size_t>(count);
    ended = count == 0 || (line_bytes > 0 && static_cast<size_t>(count) + line_bytes <= least);
    step = kLargestRead;
  }
  content.resize(used);
  return OkStatus();
}

StatusOr<NamespaceId> ProcFs::NetworkNamespaceOf(int32_t pid) const {
  return NamespaceAt(*root_, RelativePath(pid, "ns/net").Get());
}

StatusOr<NamespaceId> ProcFs::OwnNetworkNamespace() const {
  return NamespaceAt(*root_, "self/ns/net");
}

Status ProcFs::ListSocketInodes(int32_t pid, std::vector<uint64_t>& inodes) const {
  RelativePath path(pid, "fd");
  Directory directory = OpenDirectory(*root_, path.Get());
  if (!directory) {
    int error_number = errno;
    return error_number == EACCES ? ListSocketInodesByFdinfo(pid, inodes)
                                  : ProcStatus(error_number, path.Get());
  }
  std::array<char, 64> target{};
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this function's own.
  while (const dirent* entry = readdir(directory.get())) {
    ssize_t length =
        readlinkat(dirfd(directory.get()), entry->d_name, target.data(), target.size());
    if (length <= 0) {
      continue;  // "." and "..", or a file that was closed meanwhile.
    }
    std::string_view text(target.data(), static_cast<size_t>(length));
    if (std::optional<uint64_t> inode = InodeFromLinkTarget(text, "socket")) {
      inodes.push_back(*inode);
    }
  }
  return OkStatus();
}

StatusOr<uint64_t> ProcFs::SocketMount() const {
  if (!socket_mount_) {
    Descriptor socket_descriptor(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (socket_descriptor.Get() < 0) {
      return ErrnoStatus(errno, "socket");
    }
    std::string content;
    RETURN_IF_ERROR(
        ReadOwnFile(fmt::format("fdinfo/{}", socket_descriptor.Get()), content, kMaxFdinfoBytes));
    std::optional<OpenFile> file = OpenFileFromFdinfo(content);
    if (!file) {
      return PermissionDenied("this kernel's fdinfo has no inodes (Linux 5.14 and later have)");
    }
    socket_mount_ = file->mount_id;
  }
  return *socket_mount_;
}

Status ProcFs::ListSocketInodesByFdinfo(int32_t pid, std::vector<uint64_t>& inodes) const {
  ASSIGN_OR_RETURN(uint64_t socket_mount, SocketMount());
  RelativePath path(pid, "fdinfo");
  Directory directory = OpenDirectory(*root_, path.Get());
  if (!directory) {
    return ProcStatus(errno, path.Get());
  }
  std::string content;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this function's own.
  while (const dirent* entry = readdir(directory.get())) {
    if (!ReadFile(pid, fmt::format("fdinfo/{}", entry->d_name), content, kMaxFdinfoBytes).ok()) {
      continue;  // "." and "..", or a file that was closed meanwhile.
    }
    std::optional<OpenFile> file = OpenFileFromFdinfo(content);
    if (file && file->mount_id == socket_mount) {
      inodes.push_back(file->inode);
    }
  }
  return OkStatus();
}

}  // namespace network_mapper::sniffer
