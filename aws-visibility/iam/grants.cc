#include "aws-visibility/iam/grants.h"

#include <algorithm>

#include <fmt/format.h>

#include "aws-visibility/iam/request_text.h"
#include "aws-visibility/iam/transforms.h"

namespace network_mapper::aws {
namespace {

struct Reference {
  size_t field = 0;
  std::string_view transform;
  std::string_view default_text;
};

// "a:queue=x", without braces.
Reference ReadReference(std::string_view text, size_t fields) {
  Reference reference;
  reference.field = text.empty() ? fields : FieldIndex(text.front(), fields);
  text.remove_prefix(text.empty() ? 0 : 1);
  const size_t equals = text.find('=');
  if (equals != std::string_view::npos) {
    reference.default_text = text.substr(equals + 1);
    text = text.substr(0, equals);
  }
  if (text.starts_with(':')) {
    reference.transform = text.substr(1);
  }
  return reference;
}

class Expansion {
 public:
  explicit Expansion(const GrantInput& input) : input_(input) {}

  // The value `index` of a field, as an ARN has it; nullopt when it is missing or of another kind.
  std::optional<std::string> Value(const Reference& reference, size_t index) const {
    if (reference.field >= input_.fields.size()) {
      return std::nullopt;
    }
    const FieldValue& field = input_.fields[reference.field];
    const std::vector<std::string>& values = field.values;
    untellable_ = untellable_ || field.untellable;
    if (values.empty() || (index >= values.size() && values.size() > 1) || index == kUnknown) {
      return std::nullopt;
    }
    const std::string& value = values.size() == 1 ? values.front() : values[index];
    // A statement may have lines, which are no part of a name.
    const bool is_statement = IsStatement(reference.transform);
    std::optional<std::string> name =
        is_statement ? Transform(reference.transform, value, input_.place) : value;
    if (!name) {
      return std::nullopt;
    }
    std::optional<std::string> escaped = field.escaped ? std::move(name) : EscapeForArn(*name);
    untellable_ = untellable_ || !escaped;
    if (!escaped || escaped->empty() || reference.transform.empty() || is_statement) {
      return escaped && !escaped->empty() ? escaped : std::nullopt;
    }
    return Transform(reference.transform, *escaped, input_.place);
  }

  // Whether any of the field's values is of the kind.
  bool Has(const Reference& reference) const {
    if (reference.field >= input_.fields.size()) {
      return false;
    }
    const FieldValue& field = input_.fields[reference.field];
    untellable_ = untellable_ || field.untellable;
    if (reference.transform.empty()) {
      return !field.Empty();
    }
    for (size_t i = 0; i < field.values.size(); ++i) {
      if (Value(reference, i)) {
        return true;
      }
    }
    return false;
  }

  bool Holds(std::string_view conditions) const {
    while (!conditions.empty()) {
      std::string_view condition = TakePiece(conditions, '&');
      const bool negative = condition.starts_with('!');
      condition.remove_prefix(negative ? 1 : 0);
      const size_t mark = condition.find('!');
      const Reference reference = ReadReference(condition.substr(0, mark), input_.fields.size());
      bool holds = Has(reference);
      if (holds && mark != std::string_view::npos) {
        const std::vector<std::string>& values = input_.fields[reference.field].values;
        holds = values.empty() || values.front() != condition.substr(mark + 1);
      }
      if (holds == negative) {
        return false;
      }
    }
    return true;
  }

  // All that fields of `resources` can be put in; adds to `list`.
  void Add(std::string_view resources, std::string_view actions, AccessList& list) {
    std::string_view chosen;
    bool complete = false;
    const std::string_view all = resources;
    while (!resources.empty() && !complete) {
      chosen = TakePiece(resources, '|');
      complete = IsComplete(chosen);
    }
    // The last one is for names that are not there, not for what was not understood.
    if (!complete || chosen.find('{') == std::string_view::npos) {
      ForEachReference(all, [&](const Reference& reference) {
        untellable_ = untellable_ || IsNotUnderstood(reference);
      });
    }
    size_t count = 1;
    bool more = false;
    bool gaps = false;
    ForEachReference(chosen, [&](const Reference& reference) {
      if (reference.field < input_.fields.size()) {
        const FieldValue& field = input_.fields[reference.field];
        count = std::max(count, field.values.size());
        more = more || (field.cut && !field.values.empty());
        gaps = gaps || (field.missing_in_element && !field.values.empty() &&
                        !reference.default_text.empty());
      }
    });
    const bool has_transform = chosen.find(':') != std::string_view::npos;
    for (size_t i = 0; i < count; ++i) {
      // Of several values, those of another kind are of another grant.
      if (count > 1 && has_transform && !AllOfKind(chosen, i)) {
        continue;
      }
      AddOne(chosen, i, actions, list);
    }
    if (gaps) {
      AddOne(chosen, kUnknown, actions, list);
    }
    if (more) {
      default_is_known_ = false;
      AddOne(chosen, kUnknown, actions, list);
      default_is_known_ = true;
    }
  }

  // Whether a value was looked at that no ARN can have.
  bool Untellable() const { return untellable_; }

  bool IsCut(std::string_view resources) const {
    bool cut = false;
    ForEachReference(resources, [&](const Reference& reference) {
      cut = cut || (reference.field < input_.fields.size() && input_.fields[reference.field].cut);
    });
    return cut;
  }

  void AddOne(std::string_view resource, size_t index, std::string_view actions, AccessList& list) {
    const std::string arn = Resource(resource, index);
    const std::string_view prefix =
        input_.prefix.empty() ? input_.operation.service->prefix : input_.prefix;
    while (!actions.empty()) {
      const std::string_view action = TakePiece(actions, ',');
      if (action == "=") {
        list.Add(arn, fmt::format("{}:{}", prefix, input_.operation.name));
      } else if (action.starts_with(':') && action.ends_with("$M")) {
        list.Add(arn, fmt::format("{}:{}", prefix, input_.method));
      } else if (action.starts_with(':')) {
        list.Add(arn, fmt::format("{}{}", prefix, action));
      } else {
        list.Add(arn, action);
      }
    }
  }

 private:
  static constexpr size_t kUnknown = static_cast<size_t>(-1);

  template <typename Visit>
  void ForEachReference(std::string_view text, Visit&& visit) const {
    for (size_t open = text.find('{'); open != std::string_view::npos;
         open = text.find('{', open)) {
      const size_t close = text.find('}', open);
      const std::string_view inner = text.substr(open + 1, close - open - 1);
      open = close == std::string_view::npos ? text.size() : close;
      if (!inner.empty() && (inner.front() < '1' || inner.front() > '3')) {
        visit(ReadReference(inner, input_.fields.size()));
      }
    }
  }

  // There is a name, or may be one, and it is not of the kind that is wanted.
  bool IsNotUnderstood(const Reference& reference) const {
    if (reference.field >= input_.fields.size()) {
      return false;
    }
    const FieldValue& field = input_.fields[reference.field];
    return field.unread || (!field.values.empty() && reference.transform != "account" &&
                            !reference.transform.empty() && !Has(reference));
  }

  // Without what may be left out.
  bool IsComplete(std::string_view text) const {
    bool complete = true;
    const size_t bracket = text.find('[');
    const auto check = [&](const Reference& reference) {
      complete = complete && (Has(reference) || !reference.default_text.empty() ||
                              reference.transform == "account");
    };
    ForEachReference(text.substr(0, bracket), check);
    const size_t behind = bracket == std::string_view::npos ? bracket : text.find(']', bracket);
    if (behind != std::string_view::npos) {
      ForEachReference(text.substr(behind), check);
    }
    return complete;
  }

  bool AllOfKind(std::string_view text, size_t index) const {
    bool all = true;
    ForEachReference(text, [&](const Reference& reference) {
      all = all && (reference.transform.empty() || reference.transform == "account" ||
                    Value(reference, index).has_value());
    });
    return all;
  }

  std::string Resource(std::string_view text, size_t index) const {
    std::string out;
    const std::string_view partition = OrStar(input_.place.partition);
    if (text.empty()) {
      return "*";
    }
    if (text.front() == '~') {
      out = fmt::format("arn:{}:{}:{}:{}:", partition, input_.operation.service->prefix,
                        OrStar(input_.place.region), OrStar(input_.place.account));
      text.remove_prefix(1);
    } else if (text.front() == '^') {
      out = fmt::format("arn:{}:", partition);
      text.remove_prefix(1);
    }
    Append(text, index, out);
    return out;
  }

  static std::string_view OrStar(std::string_view text) { return text.empty() ? "*" : text; }

  // False when a field was missing.
  bool Append(std::string_view text, size_t index, std::string& out) const {
    bool complete = true;
    while (!text.empty()) {
      const size_t next = FindEither(text, '{', '[');
      out += text.substr(0, next);
      if (next == std::string_view::npos) {
        break;
      }
      const char open = text[next];
      const size_t close = text.find(open == '{' ? '}' : ']', next);
      const std::string_view inner = text.substr(next + 1, close - next - 1);
      text = close == std::string_view::npos ? std::string_view() : text.substr(close + 1);
      if (open == '[') {
        std::string optional;
        if (Append(inner, index, optional)) {
          out += optional;
        }
      } else {
        complete = AppendReference(inner, index, out) && complete;
      }
    }
    return complete;
  }

  bool AppendReference(std::string_view inner, size_t index, std::string& out) const {
    if (inner == "1" || inner == "2" || inner == "3") {
      out += OrStar(inner == "1"   ? input_.place.partition
                    : inner == "2" ? input_.place.region
                                   : input_.place.account);
      return true;
    }
    const Reference reference = ReadReference(inner, input_.fields.size());
    if (std::optional<std::string> value = Value(reference, index)) {
      if (IsArn(*value)) {
        out = std::move(*value);
      } else {
        out += *value;
      }
      return true;
    }
    if (reference.transform == "account") {
      out += OrStar(input_.place.account);
      return true;
    }
    if (!reference.default_text.empty() && default_is_known_) {
      out += reference.default_text;
      return true;
    }
    out += '*';
    return false;
  }

  const GrantInput& input_;
  bool default_is_known_ = true;
  mutable bool untellable_ = false;
};

}  // namespace

void AccessList::Add(std::string_view resource, std::string_view action) {
  pairs_.emplace_back(resource, action);
}

std::vector<Access> AccessList::Take() {
  std::sort(pairs_.begin(), pairs_.end());
  std::vector<Access> accesses;
  for (auto& [resource, action] : pairs_) {
    if (accesses.empty() || accesses.back().resource != resource) {
      accesses.push_back({std::move(resource), {}});
    }
    std::vector<std::string>& actions = accesses.back().actions;
    if (actions.empty() || actions.back() != action) {
      actions.push_back(std::move(action));
    }
  }
  return accesses;
}

size_t FieldIndex(char letter, size_t count) {
  size_t index = count;
  if (letter >= 'a' && letter <= 'z') {
    index = static_cast<size_t>(letter - 'a');
  } else if (letter >= 'A' && letter <= 'Z') {
    index = static_cast<size_t>(letter - 'A') + 26;
  }
  return std::min(index, count);
}

Expanded ExpandGrants(const GrantInput& input, std::vector<Access>& accesses) {
  Expansion expansion(input);
  AccessList list;
  bool cut = false;
  std::string_view grants = input.operation.grants;
  while (!grants.empty()) {
    std::string_view grant = TakePiece(grants, '\t');
    const std::string_view actions = TakePiece(grant, ' ');
    const std::string_view resources = TakePiece(grant, ' ');
    if (actions == ">") {
      continue;
    }
    // Whatever the condition: what it asks for may be beyond what was read.
    cut = cut || expansion.IsCut(resources);
    if (expansion.Holds(grant)) {
      expansion.Add(resources, actions, list);
    }
  }
  if (expansion.Untellable()) {
    return Expanded::kUntellable;
  }
  accesses = list.Take();
  return cut ? Expanded::kCut : Expanded::kWhole;
}

}  // namespace network_mapper::aws
