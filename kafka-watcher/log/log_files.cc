#include "kafka-watcher/log/log_files.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <utility>

namespace network_mapper::kafka {

namespace {

// More are not looked at; a rotation keeps far fewer.
constexpr size_t kMostSiblings = 10'000;
constexpr std::array<std::string_view, 5> kCompressed = {".gz", ".bz2", ".xz", ".zst", ".zip"};

int64_t NanosecondsOf(const struct statx_timestamp& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

// `directory` and `path` as of statx.
StatusOr<FileLook> LookWith(int directory, const char* path, int flags, const std::string& what) {
  struct statx found {};

  if (statx(directory, path, flags, STATX_BASIC_STATS | STATX_BTIME, &found) != 0) {
    if (errno == EACCES) {
      return PermissionDenied("{} may not be looked at: let the watcher's user enter its directory",
                              what);
    }
    return ErrnoStatus(errno, what);
  }
  if (!S_ISREG(found.stx_mode)) {
    return FailedPrecondition("{} is no regular file", what);
  }
  FileLook look;
  look.id = {makedev(found.stx_dev_major, found.stx_dev_minor), found.stx_ino};
  look.age = {NanosecondsOf(found.stx_mtime),
              (found.stx_mask & STATX_BTIME) != 0 ? NanosecondsOf(found.stx_btime) : 0};
  look.size = found.stx_size;
  return look;
}

}  // namespace

StatusOr<OpenFile> OpenFile::Open(const std::string& path) {
  // A FIFO would wait for its writer.
  OpenFile file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), path);
  if (file.descriptor_ < 0) {
    if (errno == EACCES) {
      return PermissionDenied("{} may not be read: let the watcher's user read it", path);
    }
    return ErrnoStatus(errno, path);
  }
  ASSIGN_OR_RETURN(const FileLook look, file.Look());
  file.id_ = look.id;
  return file;
}

OpenFile::OpenFile(OpenFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      id_(other.id_) {}

OpenFile& OpenFile::operator=(OpenFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  std::swap(id_, other.id_);
  return *this;
}

OpenFile::~OpenFile() {
  if (descriptor_ >= 0) {
    close(descriptor_);
  }
}

StatusOr<FileLook> OpenFile::Look() const {
  return LookWith(descriptor_, "", AT_EMPTY_PATH, path_);
}

StatusOr<size_t> OpenFile::ReadAt(uint64_t offset, char* into, size_t size) const {
  while (true) {
    const ssize_t count = pread(descriptor_, into, size, static_cast<off_t>(offset));
    if (count >= 0) {
      return static_cast<size_t>(count);
    }
    if (errno != EINTR) {
      return ErrnoStatus(errno, path_);
    }
  }
}

uint64_t MarkBefore(const OpenFile& file, uint64_t offset) {
  constexpr uint64_t kOffsetBasis = 14695981039346656037U;
  constexpr uint64_t kPrime = 1099511628211U;
  std::array<char, 256> before{};
  const size_t wanted = std::min<uint64_t>(before.size(), offset);
  const StatusOr<size_t> count = file.ReadAt(offset - wanted, before.data(), wanted);
  if (!count.ok() || *count == 0) {
    return 0;
  }
  uint64_t mark = kOffsetBasis;
  for (const char byte : std::string_view(before.data(), *count)) {
    mark = (mark ^ static_cast<uint8_t>(byte)) * kPrime;
  }
  return std::max<uint64_t>(mark, 1);
}

StatusOr<FileLook> LookAt(const std::string& path) {
  return LookWith(AT_FDCWD, path.c_str(), 0, path);
}

namespace {

bool IsRotationOf(std::string_view path, std::string_view name) {
  const std::string_view rest = name.starts_with(path) ? name.substr(path.size()) : "x";
  return (rest.empty() || rest.find_first_of(".-_") == 0) &&
         std::none_of(kCompressed.begin(), kCompressed.end(),
                      [&](std::string_view end) { return rest.ends_with(end); });
}

}  // namespace

std::vector<Sibling> SiblingsOf(const std::string& path) {
  std::vector<Sibling> siblings;
  std::error_code error;
  std::filesystem::directory_iterator entry(std::filesystem::path(path).parent_path(), error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().string();
    if (!IsRotationOf(path, name) || siblings.size() >= kMostSiblings) {
      continue;
    }
    if (const StatusOr<FileLook> look = LookAt(name); look.ok()) {
      siblings.push_back({name, *look});
    }
  }
  std::sort(siblings.begin(), siblings.end(),
            [](const Sibling& a, const Sibling& b) { return a.look.age < b.look.age; });
  return siblings;
}

}  // namespace network_mapper::kafka
