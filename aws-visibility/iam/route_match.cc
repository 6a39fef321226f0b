#include "aws-visibility/iam/route_match.h"

#include <algorithm>

#include "aws-visibility/iam/request_text.h"

namespace network_mapper::aws {
namespace {

struct TemplateMatch {
  bool matches = false;
  int literal = 0;
  size_t labels = 0;
};

class TemplateMatcher {
 public:
  TemplateMatcher(std::string_view path, std::span<std::string_view> labels)
      : path_(path), labels_(labels) {}

  TemplateMatch Match(std::string_view text) {
    while (!text.empty()) {
      const size_t open = text.find('{');
      const std::string_view literal = text.substr(0, open);
      if (!path_.starts_with(literal)) {
        // One slash at the end is the same with and without.
        return Result(open == std::string_view::npos && literal.ends_with('/') &&
                          path_ == literal.substr(0, literal.size() - 1),
                      literal);
      }
      path_.remove_prefix(literal.size());
      match_.literal += static_cast<int>(literal.size());
      if (open == std::string_view::npos) {
        break;
      }
      text.remove_prefix(open + 1);
      const bool rest = text.starts_with('+');
      text.remove_prefix(rest ? 2 : 1);
      if (!(rest ? TakeRest(text) : TakeSegment(text))) {
        return {};
      }
    }
    return Result(path_.empty() || path_ == "/", {});
  }

  void AddLabel(std::string_view label) {
    if (match_.labels < labels_.size()) {
      labels_[match_.labels] = label;
    }
    ++match_.labels;
  }

 private:
  TemplateMatch Result(bool matches, std::string_view literal) {
    match_.matches = matches;
    match_.literal += static_cast<int>(literal.size());
    return match_;
  }

  bool TakeSegment(std::string_view behind) {
    std::string_view segment = path_.substr(0, path_.find('/'));
    if (!behind.empty() && behind.front() != '/') {
      segment = segment.substr(0, segment.rfind(behind.front()));
    }
    if (segment.empty()) {
      return false;
    }
    AddLabel(segment);
    path_.remove_prefix(segment.size());
    return true;
  }

  // To the end, or to the literal that stands behind.
  bool TakeRest(std::string_view behind) {
    const std::string_view literal = behind.substr(0, behind.find('{'));
    size_t end = path_.size();
    if (!literal.empty()) {
      end = path_.rfind(literal);
      if (end == std::string_view::npos) {
        return false;
      }
    }
    if (end == 0) {
      return false;
    }
    AddLabel(path_.substr(0, end));
    path_.remove_prefix(end);
    return true;
  }

  std::string_view path_;
  std::span<std::string_view> labels_;
  TemplateMatch match_;
};

bool ConditionHolds(std::string_view condition, const RouteRequest& request) {
  const char kind = condition.front();
  condition.remove_prefix(1);
  if (kind == '#') {
    return FindHeader(request.headers, condition).has_value();
  }
  const size_t equals = condition.find('=');
  const std::optional<std::string_view> value =
      FindInQuery(request.query, condition.substr(0, equals));
  return value && (equals == std::string_view::npos || *value == condition.substr(equals + 1));
}

bool ConditionsHold(std::string_view conditions, const RouteRequest& request) {
  while (!conditions.empty()) {
    if (!ConditionHolds(TakePiece(conditions, ' '), request)) {
      return false;
    }
  }
  return true;
}

}  // namespace

RouteMatch MatchRoutes(const ServiceRow& service, const RouteRequest& request,
                       std::span<std::string_view> labels) {
  static constexpr std::string_view kFirstLabel = "/{}";
  std::string_view lines = service.routes[static_cast<size_t>(request.method)];
  while (!lines.empty()) {
    std::string_view line = TakePiece(lines, '\n');
    // Only conditions have these letters.
    if (request.query.empty() &&
        (line.find('?') != std::string_view::npos || line.find('&') != std::string_view::npos)) {
      continue;
    }
    const std::string_view name = TakePiece(line, ' ');
    std::string_view text = TakePiece(line, ' ');
    TemplateMatcher matcher(request.path, labels);
    if (!request.first_label.empty()) {
      if (!text.starts_with(kFirstLabel)) {
        continue;
      }
      text.remove_prefix(kFirstLabel.size());
      matcher.AddLabel(request.first_label);
    }
    const TemplateMatch match = matcher.Match(text);
    if (!match.matches || !ConditionsHold(line, request)) {
      continue;
    }
    const auto literal_keys = std::count(line.begin(), line.end(), '?');
    const auto others =
        std::count(line.begin(), line.end(), '&') + std::count(line.begin(), line.end(), '#');
    return {name,
            {static_cast<int>(literal_keys), match.literal, -static_cast<int>(match.labels),
             static_cast<int>(others)}};
  }
  return {};
}

}  // namespace network_mapper::aws
