#include "common/graphql/error.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "common/text/edit_distance.h"
#include "common/text/json_string.h"

namespace network_mapper::graphql {

namespace {}  // namespace

std::string ErrorsJson(const std::vector<Error>& errors) {
  std::string out = "[";
  for (const Error& error : errors) {
    out += out.size() > 1 ? ",{\"message\":" : "{\"message\":";
    AppendJsonString(out, error.message);
    if (!error.path.empty()) {
      std::string path;
      for (const PathPart& part : error.path) {
        path += path.empty() ? "" : ",";
        if (const auto* index = std::get_if<size_t>(&part)) {
          path += std::to_string(*index);
        } else {
          AppendJsonString(path, std::get<std::string>(part));
        }
      }
      out += ",\"path\":[" + path + "]";
    }
    if (!error.locations.empty()) {
      std::string locations;
      for (const Location& location : error.locations) {
        locations += fmt::format("{}{{\"line\":{},\"column\":{}}}", locations.empty() ? "" : ",",
                                 location.line, location.column);
      }
      out += ",\"locations\":[" + locations + "]";
    }
    if (!error.code.empty()) {
      out += fmt::format(",\"extensions\":{{\"code\":\"{}\"}}", error.code);
    }
    out += '}';
  }
  return out + "]";
}

std::string DidYouMean(std::string_view name, const std::vector<std::string>& candidates) {
  constexpr size_t kMost = 5;
  constexpr size_t kLongest = 100;
  if (name.size() > kLongest) {
    return "";
  }
  std::vector<std::pair<size_t, std::string>> near;
  for (const std::string& candidate : candidates) {
    size_t distance = EditDistance(name, candidate);
    if (distance <= std::max<size_t>(1, std::max(name.size(), candidate.size()) * 2 / 5)) {
      near.emplace_back(distance, candidate);
    }
  }
  std::sort(near.begin(), near.end());
  if (near.empty()) {
    return "";
  }
  near.resize(std::min(near.size(), kMost));
  std::string text = " Did you mean ";
  for (size_t i = 0; i < near.size(); ++i) {
    text += i == 0 ? "" : i + 1 < near.size() ? ", " : near.size() > 2 ? ", or " : " or ";
    text += fmt::format("\"{}\"", near[i].second);
  }
  return text + "?";
}

}  // namespace network_mapper::graphql
