#include "common/report/token_file.h"

#include <algorithm>
#include <cerrno>
#include <fstream>

namespace network_mapper {

namespace {

// The mapper takes no more in a request's head.
constexpr size_t kLongestToken = size_t{12} << 10U;

bool IsTokenCharacter(char c) {
  return c > ' ' && c < 0x7F;
}

}  // namespace

StatusOr<std::string> ReadTokenFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string token(kLongestToken + 1, '\0');
  file.read(token.data(), static_cast<std::streamsize>(token.size()));
  // A directory opens, but cannot be read.
  if (!file.is_open() || file.bad()) {
    return ErrnoStatus(errno, fmt::format("option {}: read {}", kTokenFile, path));
  }
  token.resize(static_cast<size_t>(file.gcount()));
  if (token.size() > kLongestToken) {
    return InvalidArgument("option {}: {} is longer than {} bytes", kTokenFile, path,
                           kLongestToken);
  }
  token.resize(token.find_last_not_of(" \r\n\t") + 1);
  if (token.empty() || !std::all_of(token.begin(), token.end(), IsTokenCharacter)) {
    return InvalidArgument("option {}: {} holds no token", kTokenFile, path);
  }
  return token;
}

}  // namespace network_mapper
