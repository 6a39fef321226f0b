// Namespace and name as a hash map's key that is looked up by views, without building a string.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace network_mapper {

struct ObjectNameView {
  std::string_view name_space;
  std::string_view name;
};

struct ObjectName {
  std::string name_space;
  std::string name;

  ObjectNameView View() const { return {name_space, name}; }
};

struct ObjectNameHash {
  size_t operator()(const ObjectNameView& key) const {
    size_t hash = std::hash<std::string_view>()(key.name_space);
    return (hash * 0x9E3779B97F4A7C15ULL) ^ std::hash<std::string_view>()(key.name);
  }

  size_t operator()(const ObjectName& key) const { return (*this)(key.View()); }

  using is_transparent = void;  // NOLINT(readability-identifier-naming): the standard's name
};

struct ObjectNameEqual {
  static ObjectNameView ViewOf(const ObjectNameView& key) { return key; }

  static ObjectNameView ViewOf(const ObjectName& key) { return key.View(); }

  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    ObjectNameView left = ViewOf(a);
    ObjectNameView right = ViewOf(b);
    return left.name == right.name && left.name_space == right.name_space;
  }

  using is_transparent = void;  // NOLINT(readability-identifier-naming): the standard's name
};

}  // namespace network_mapper
