#include "cli/iam_policy.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "cli/screen_text.h"

namespace network_mapper::cli {

namespace {

using OrderedJson = nlohmann::ordered_json;
using Texts = std::set<std::string>;

std::string Dump(const OrderedJson& json, int indent) {
  return LinesOnScreen(json.dump(indent, ' ', false, OrderedJson::error_handler_t::replace));
}

// A "*" of a name itself is written "${*}" (IAM's policy variables), and is then none.
bool HasWildcard(std::string_view arn) {
  return arn.find_first_of("*?") != std::string_view::npos &&
         arn.find("${") == std::string_view::npos;
}

// IAM's wildcards: "*" stands for any characters, "?" for one. Linear but for the last "*".
bool Covers(std::string_view pattern, std::string_view arn) {
  size_t p = 0;
  size_t a = 0;
  size_t star = std::string_view::npos;
  size_t resume = 0;
  while (a < arn.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = a;
    } else if (p < pattern.size() && (pattern[p] == arn[a] || pattern[p] == '?')) {
      ++p;
      ++a;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      a = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

// IAM's policy variables: "${*}", "${?}" and "${$}" stand for these characters. Any other would
// stand for something of whoever calls, and is none, since a resource was named: then its "$" is a
// "$".
std::string WithoutVariables(std::string_view arn) {
  std::string text;
  for (size_t i = 0; i < arn.size(); ++i) {
    const std::string_view rest = arn.substr(i);
    const bool is_character =
        rest.starts_with("${*}") || rest.starts_with("${?}") || rest.starts_with("${$}");
    if (is_character) {
      text += rest.substr(0, 4);
      i += 3;
    } else {
      text += rest.starts_with("${") ? std::string_view("${$}") : rest.substr(0, 1);
    }
  }
  return text;
}

// Whether `arn` is of a group of CloudWatch Logs: arn:partition:logs:region:account:log-group:name.
bool IsLogGroup(std::string_view arn) {
  std::array<std::string_view, 7> parts;
  for (std::string_view& part : parts) {
    const size_t colon = std::min(arn.find(':'), arn.size());
    part = arn.substr(0, colon);
    arn.remove_prefix(std::min(colon + 1, arn.size()));
  }
  return parts[0] == "arn" && parts[2] == "logs" && parts[5] == "log-group" && !parts[6].empty() &&
         arn.empty();
}

// What has to be named so that a resource is allowed.
Texts NamesOf(const std::string& resource) {
  const std::string arn = WithoutVariables(resource);
  Texts names{arn};
  // CloudWatch Logs checks some actions on a group against its ARN, and most against that of
  // everything in it.
  if (IsLogGroup(arn) && arn.back() != ':') {
    names.insert(arn + ":*");
  }
  return names;
}

bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Such as "s3:GetObject". In a policy there is no way to write a wildcard that is none.
bool IsAction(std::string_view text) {
  const size_t colon = text.find(':');
  return colon != std::string_view::npos && colon > 0 && colon + 1 < text.size() &&
         std::all_of(text.begin(), text.begin() + static_cast<ptrdiff_t>(colon),
                     [](char c) { return IsLetterOrDigit(c) || c == '-'; }) &&
         std::all_of(text.begin() + static_cast<ptrdiff_t>(colon) + 1, text.end(), IsLetterOrDigit);
}

// By resource: what was done with it.
std::map<std::string, Texts> ActionsByResource(const ClientIntents& client) {
  std::map<std::string, Texts> actions;
  for (const Target& target : client.targets) {
    if (target.kind != Target::Kind::kAws) {
      continue;
    }
    Texts done;
    std::copy_if(target.actions.begin(), target.actions.end(), std::inserter(done, done.end()),
                 IsAction);
    if (done.empty()) {
      continue;
    }
    for (const std::string& name : NamesOf(target.name)) {
      actions[name].insert(done.begin(), done.end());
    }
  }
  return actions;
}

void LeaveOutCovered(std::map<std::string, Texts>& actions) {
  std::vector<std::string> patterns;
  for (const auto& [resource, unused] : actions) {
    if (HasWildcard(resource)) {
      patterns.push_back(resource);
    }
  }
  for (auto each = actions.begin(); each != actions.end();) {
    const std::string& resource = each->first;
    const Texts& needed = each->second;
    const bool covered =
        std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
          if (pattern == resource || !Covers(pattern, resource)) {
            return false;
          }
          const auto wider = actions.find(pattern);
          return wider != actions.end() && std::includes(wider->second.begin(), wider->second.end(),
                                                         needed.begin(), needed.end());
        });
    each = covered ? actions.erase(each) : std::next(each);
  }
}

OrderedJson StatementOf(const Texts& actions, const Texts& resources) {
  return {{"Effect", "Allow"}, {"Action", actions}, {"Resource", resources}};
}

// Halves until each part is small enough.
void AppendStatements(std::vector<OrderedJson>& out, const Texts& actions, const Texts& resources,
                      size_t most) {
  OrderedJson statement = StatementOf(actions, resources);
  Texts first = resources.size() > 1 ? resources : actions;
  if (Dump(statement, -1).size() <= most || first.size() < 2) {
    out.push_back(std::move(statement));
    return;
  }
  Texts second;
  while (second.size() < first.size()) {
    second.insert(first.extract(std::prev(first.end())));
  }
  for (const Texts& half : {first, second}) {
    resources.size() > 1 ? AppendStatements(out, actions, half, most)
                         : AppendStatements(out, half, resources, most);
  }
}

}  // namespace

std::vector<PolicyDocument> PoliciesOf(const ClientIntents& client) {
  std::map<std::string, Texts> actions = ActionsByResource(client);
  LeaveOutCovered(actions);
  std::map<Texts, Texts> resources;
  for (const auto& [resource, done] : actions) {
    resources[done].insert(resource);
  }
  const OrderedJson empty = {{"Version", "2012-10-17"}, {"Statement", OrderedJson::array()}};
  const size_t room = kMostPolicyCharacters - Dump(empty, -1).size();
  std::vector<OrderedJson> statements;
  for (const auto& [done, on] : resources) {
    AppendStatements(statements, done, on, room);
  }
  std::vector<OrderedJson> documents;
  std::vector<size_t> rooms;
  for (OrderedJson& statement : statements) {
    const size_t size = Dump(statement, -1).size() + 1;
    const auto fits =
        std::find_if(rooms.begin(), rooms.end(), [size](size_t left) { return size <= left; });
    const auto index = static_cast<size_t>(fits - rooms.begin());
    if (fits == rooms.end()) {
      documents.push_back(empty);
      // The first statement needs no comma before it.
      rooms.push_back(room + 1);
    }
    documents[index]["Statement"].push_back(std::move(statement));
    rooms[index] -= std::min(rooms[index], size);
  }
  std::vector<PolicyDocument> texts;
  texts.reserve(documents.size());
  for (const OrderedJson& document : documents) {
    texts.push_back(Dump(document, 2));
  }
  return texts;
}

std::string PolicyDocuments(const std::vector<ClientIntents>& clients) {
  OrderedJson workloads = OrderedJson::array();
  for (const ClientIntents& client : clients) {
    OrderedJson policies = OrderedJson::array();
    for (const PolicyDocument& policy : PoliciesOf(client)) {
      policies.push_back(OrderedJson::parse(policy));
    }
    if (policies.empty()) {
      continue;
    }
    Texts roles;
    for (const Target& target : client.targets) {
      roles.insert(target.roles.begin(), target.roles.end());
    }
    OrderedJson workload = {{"name", client.name}, {"namespace", client.name_space}};
    if (!client.workload_kind.empty()) {
      workload["kind"] = client.workload_kind;
    }
    workloads.push_back({{"workload", workload}, {"roles", roles}, {"policies", policies}});
  }
  return Dump(workloads, 2);
}

}  // namespace network_mapper::cli
