#include "tests/support/test_paths.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <system_error>

namespace network_mapper {

namespace {

std::filesystem::path FromEnvironment(const char* name, const std::filesystem::path& fallback) {
  const char* value =
      std::getenv(name);  // NOLINT(concurrency-mt-unsafe): tests read the environment only
  return value == nullptr ? fallback : std::filesystem::path(value);
}

}  // namespace

std::filesystem::path TestDataPath(std::string_view relative) {
  return FromEnvironment("NETWORK_MAPPER_SOURCE_DIR", std::filesystem::current_path()) /
         "tests/testdata" / relative;
}

std::filesystem::path BuildDirectory() {
  return FromEnvironment("NETWORK_MAPPER_BINARY_DIR", std::filesystem::current_path());
}

std::string ReadFileOrDie(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    std::abort();
  }
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern =
      (std::filesystem::temp_directory_path() / "network-mapper-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) {
    std::perror("mkdtemp");
    std::abort();
  }
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TemporaryDirectory::WriteFile(std::string_view relative,
                                                    std::string_view content) const {
  std::filesystem::path path = path_ / relative;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

}  // namespace network_mapper
