#include "common/report/pem_file.h"

#include <cerrno>
#include <fstream>
#include <iterator>

namespace network_mapper {

StatusOr<std::string> ReadPem(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return ErrnoStatus(errno, fmt::format("open {}", path));
  }
  std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (content.find("-----BEGIN ") == std::string::npos) {
    return InvalidArgument("{} is not a PEM file", path);
  }
  return content;
}

}  // namespace network_mapper
