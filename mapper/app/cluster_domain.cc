#include "mapper/app/cluster_domain.h"

#include <sstream>

namespace network_mapper {

std::string FindClusterDomain(std::string_view resolv_conf) {
  constexpr std::string_view kServiceLabel = ".svc.";
  std::istringstream lines{std::string(resolv_conf)};
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string word;
    if (!(words >> word) || word != "search") {
      continue;
    }
    while (words >> word) {
      size_t label = word.find(kServiceLabel);
      if (label != std::string::npos && label > 0 && word.find('.') == label) {
        std::string domain = word.substr(label + kServiceLabel.size());
        while (domain.ends_with('.')) {
          domain.pop_back();
        }
        if (!domain.empty()) {
          return domain;
        }
      }
    }
  }
  return std::string(kDefaultClusterDomain);
}

}  // namespace network_mapper
