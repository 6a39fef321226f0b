// Where tests find their data and keep their files.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace network_mapper {

// A file under tests/testdata/ of the source tree.
std::filesystem::path TestDataPath(std::string_view relative);
// The build directory (binaries are in bin/), from the environment that ctest sets.
std::filesystem::path BuildDirectory();
std::string ReadFileOrDie(const std::filesystem::path& path);

// A fresh directory that is removed with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();

  const std::filesystem::path& Path() const { return path_; }

  // Writes a file below the directory, making the directories on the way.
  std::filesystem::path WriteFile(std::string_view relative, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

}  // namespace network_mapper
