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
  return IsName(name, kLongest, "-.");
}

}  // namespace network_mapper::kube
