#include "aws-visibility/app/text_file.h"

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

namespace network_mapper::aws {

Status WriteTextFile(const std::string& path, const std::string& text) {
  {
    std::ifstream before(path, std::ios::binary);
    if (before && std::string(std::istreambuf_iterator<char>(before), {}) == text) {
      return OkStatus();
    }
  }
  const std::string next = path + ".next";
  {
    std::ofstream file(next, std::ios::binary | std::ios::trunc);
    file << text;
    if (!file.flush()) {
      return ErrnoStatus(errno, fmt::format("could not write {}", next));
    }
  }
  return std::rename(next.c_str(), path.c_str()) == 0
             ? OkStatus()
             : ErrnoStatus(errno, fmt::format("could not write {}", path));
}

}  // namespace network_mapper::aws
