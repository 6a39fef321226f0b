// The files of one log: the one at its path, and those that rotation renamed. Opening never waits,
// and never opens what is no regular file.
#pragma once

#include <sys/stat.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/status/status.h"

namespace network_mapper::kafka {

struct FileId {
  uint64_t device = 0;
  uint64_t inode = 0;

  friend bool operator==(const FileId&, const FileId&) = default;
};

// When a file was last written, and where that is equal, when it was made, where the file system
// knows: nanoseconds since the Unix epoch.
struct FileAge {
  int64_t modified = 0;
  int64_t born = 0;

  friend auto operator<=>(const FileAge&, const FileAge&) = default;
};

struct FileLook {
  FileId id;
  FileAge age;
  uint64_t size = 0;
};

// An open descriptor, closed at the end.
class OpenFile {
 public:
  // NotFound, PermissionDenied with the remedy, FailedPrecondition for what is no regular file.
  static StatusOr<OpenFile> Open(const std::string& path);
  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&& other) noexcept;
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile();

  StatusOr<FileLook> Look() const;
  // How many bytes were read; 0 at the end.
  StatusOr<size_t> ReadAt(uint64_t offset, char* into, size_t size) const;

  const FileId& Id() const { return id_; }

 private:
  OpenFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}

  int descriptor_;
  std::string path_;
  FileId id_;
};

// Of what stands just before `offset`, by which a file is known again that was truncated and has
// grown, or that has another's inode: never 0, but at the file's begin and where it cannot be read.
// Kept in saved states, so it never changes: FNV-1a, 64 bits, of up to 256 bytes.
uint64_t MarkBefore(const OpenFile& file, uint64_t offset);

// What is at the path now. Errors as of OpenFile::Open.
StatusOr<FileLook> LookAt(const std::string& path);

struct Sibling {
  std::string path;
  FileLook look;
};

// The regular files at `path` and at names that go on after it with ".", "-" or "_", but for
// compressed ones, the oldest first.
std::vector<Sibling> SiblingsOf(const std::string& path);

}  // namespace network_mapper::kafka
