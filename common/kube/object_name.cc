#include "common/kube/object_name.h"

#include <algorithm>
#include <cstddef>

namespace network_mapper::kube {

namespace {

bool IsOuter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool IsName(std::string_view name, size_t longest, std::string_view further_inner) {
  return !name.empty() && name.size() <= longest && IsOuter(name.front()) && IsOuter(name.back()) &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return IsOuter(c) || further_inner.find(c) != std::string_view::npos;
         });
}

}  // namespace

bool IsLabelName(std::string_view name) {
  constexpr size_t kLongest = 63;
  return IsName(name, kLongest, "-");
}

bool IsSubdomainName(std::string_view name) {
  constexpr size_t kLongest = 253;
  if (!IsName(name, kLongest, "-.")) {
    return false;
  }
  // Each label begins and ends as a name does; the first and last character are no dots.
  for (size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    if (!IsOuter(name[dot - 1]) || !IsOuter(name[dot + 1])) {
      return false;
    }
  }
  return true;
}

}  // namespace network_mapper::kube
