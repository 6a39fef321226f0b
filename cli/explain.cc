#include "cli/explain.h"

#include <algorithm>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "cli/mapper_intent.h"
#include "cli/screen_text.h"
#include "common/text/edit_distance.h"

namespace network_mapper::cli {

namespace {

constexpr std::string_view kPairsQuery = R"(
query Pairs { intents { client { name namespace } server { name namespace } awsActions } })";

constexpr std::string_view kEvidenceQuery = R"(
query Evidence ($namespaces: [String!], $server: ServerFilter) {
  intents(namespaces: $namespaces, server: $server) {
    client { name namespace podOwnerKind { kind } }
    server { name namespace podOwnerKind { kind } kubernetesService }
    type
    kafkaTopics { name operations }
    httpResources { path methods }
    awsActions
    awsRegions
    awsRoles
    strength firstSeen lastSeen count ports protocol
    evidence {
      collector strength firstSeen lastSeen count answered sharedCount ports
      clientPods serverPods serverAddresses
    }
  }
})";

// So many edges are explained at once; more means that the names say too little.
constexpr size_t kMostPairs = 20;

WorkloadName NameOf(const Json& identity) {
  return {.name = TextOf(identity, "name"), .name_space = TextOf(identity, "namespace")};
}

std::vector<WorkloadPair> ReadPairs(const Json& data) {
  // Two workloads may have intents of several types.
  std::set<WorkloadPair> pairs;
  for (const Json& intent : ListOf(data, "intents")) {
    pairs.emplace(NameOf(ObjectOf(intent, "client")), NameOf(ObjectOf(intent, "server")));
  }
  return {pairs.begin(), pairs.end()};
}

std::string InNamespace(const WorkloadName& workload) {
  return workload.name_space.empty()
             ? workload.name
             : fmt::format("{} in namespace {}", workload.name, workload.name_space);
}

std::string FullName(const WorkloadName& workload) {
  return OnScreen(workload.name_space.empty()
                      ? workload.name
                      : fmt::format("{}.{}", workload.name, workload.name_space));
}

// The names that come nearest to what was asked for, best first.
std::vector<std::string> NearestNames(const std::string& text,
                                      const std::set<WorkloadName>& workloads) {
  constexpr size_t kMost = 3;
  constexpr size_t kLongestText = 300;
  std::string_view wanted = std::string_view(text).substr(0, kLongestText);
  std::vector<std::pair<size_t, std::string>> found;
  for (const WorkloadName& workload : workloads) {
    std::string full = FullName(workload);
    if (full.size() > kLongestText) {
      continue;
    }
    size_t distance = std::min(EditDistance(wanted, workload.name), EditDistance(wanted, full));
    if (distance <= std::max<size_t>(2, wanted.size() / 3) ||
        (wanted.size() > 2 && full.find(wanted) != std::string::npos)) {
      found.emplace_back(distance, std::move(full));
    }
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(kMost, found.size()); ++i) {
    names.push_back(found[i].second);
  }
  return names;
}

std::string UnknownText(std::string_view role, const std::string& text,
                        const std::set<WorkloadName>& workloads) {
  std::vector<std::string> near = NearestNames(text, workloads);
  return fmt::format("  - No {} called {} is on the map{}\n", role, text,
                     near.empty() ? "." : fmt::format("; near: {}.", fmt::join(near, ", ")));
}

// The first few, so that a hub does not fill the screen.
std::string Some(const std::set<WorkloadName>& workloads) {
  constexpr size_t kMost = 10;
  std::string text;
  size_t written = 0;
  for (const WorkloadName& workload : workloads) {
    if (++written > kMost) {
      return text + fmt::format(" and {} more", workloads.size() - kMost);
    }
    text += fmt::format("{}{}", text.empty() ? "" : ", ", FullName(workload));
  }
  return text;
}

// What an operation that was not done met with; one of Kafka is always answered.
std::string_view AttemptMeaning(std::string_view collector) {
  if (collector == "kafka") {
    return "tried, and denied";
  }
  return collector == "aws" || collector == "istio" ? "tried, and denied or not answered"
                                                    : "tried, but no answer was seen";
}

std::string_view Meaning(Strength strength, std::string_view collector) {
  switch (strength) {
    case Strength::kResolved:
      return "the name was looked up, nothing more was seen";
    case Strength::kAttempted:
      return AttemptMeaning(collector);
    case Strength::kConnected:
      return "a connection was seen";
    case Strength::kUsed:
      return "an operation was seen";
  }
  return "";
}

// `collector`: whose evidence it is.
std::string StrengthText(const Json& object, std::string_view collector) {
  std::optional<Strength> strength = ParseStrength(TextOf(object, "strength"));
  if (!strength) {
    return "";
  }
  constexpr std::string_view kNames[] = {"resolved", "attempted", "connected", "used"};
  return fmt::format("{} ({})", kNames[static_cast<size_t>(*strength)],
                     Meaning(*strength, collector));
}

void AppendLine(std::string& out, std::string_view indent, std::string_view what,
                const std::string& value) {
  if (!value.empty()) {
    out += fmt::format("{}{:<18}{}\n", indent, what, value);
  }
}

std::string PortsText(const Json& object) {
  std::vector<uint64_t> ports;
  for (const Json& port : ListOf(object, "ports")) {
    if (port.is_number_unsigned()) {
      ports.push_back(port.get<uint64_t>());
    }
  }
  return fmt::format("{}", fmt::join(ports, ", "));
}

std::string TimesText(uint64_t count) {
  return count == 1 ? "once" : fmt::format("{} times", count);
}

std::string SeenText(const Json& evidence) {
  std::string text = TimesText(CountOf(evidence, "count"));
  if (uint64_t shared = CountOf(evidence, "sharedCount"); shared > 0) {
    text += fmt::format(
        "; {} of these to a service with several workloads behind it, and may have been for "
        "another",
        shared);
  }
  return text;
}

void AppendEvidence(std::string& out, const Json& evidence) {
  constexpr std::string_view kIndent = "    ";
  std::string collector = TextOf(evidence, "collector");
  out += fmt::format("  {}: {}\n", collector, StrengthText(evidence, collector));
  AppendLine(out, kIndent, "first seen", TextOf(evidence, "firstSeen"));
  AppendLine(out, kIndent, "last seen", TextOf(evidence, "lastSeen"));
  AppendLine(out, kIndent, "seen", SeenText(evidence));
  if (collector == "tcp_syn") {
    AppendLine(
        out, kIndent, "answered",
        fmt::format("{} of {} SYNs", CountOf(evidence, "answered"), CountOf(evidence, "count")));
  }
  AppendLine(out, kIndent, "ports", PortsText(evidence));
  auto texts = [&evidence](const char* key) {
    return fmt::format("{}", fmt::join(TextsOf(evidence, key), ", "));
  };
  AppendLine(out, kIndent, "client pods", texts("clientPods"));
  AppendLine(out, kIndent, "server pods", texts("serverPods"));
  AppendLine(out, kIndent, "server addresses", texts("serverAddresses"));
}

void AppendDetails(std::string& out, const Json& intent) {
  for (const Json& topic : ListOf(intent, "kafkaTopics")) {
    AppendLine(out, "  ", "Kafka topic",
               fmt::format("{}: {}", TextOf(topic, "name"),
                           fmt::join(TextsOf(topic, "operations"), ", ")));
  }
  for (const Json& resource : ListOf(intent, "httpResources")) {
    AppendLine(out, "  ", "HTTP path",
               fmt::format("{}: {}", TextOf(resource, "path"),
                           fmt::join(TextsOf(resource, "methods"), ", ")));
  }
  constexpr std::pair<std::string_view, const char*> kAwsLines[] = {
      {"AWS actions", "awsActions"}, {"AWS regions", "awsRegions"}, {"IAM roles", "awsRoles"}};
  for (const auto& [name, key] : kAwsLines) {
    AppendLine(out, "  ", name, fmt::format("{}", fmt::join(TextsOf(intent, key), ", ")));
  }
}

// Of intents of a type that one collector alone makes.
std::string_view CollectorOf(std::string_view type) {
  if (type == "KAFKA") {
    return "kafka";
  }
  if (type == "HTTP") {
    return "istio";
  }
  return type == "AWS" ? "aws" : "";
}

void AppendIntent(std::string& out, const Json& intent) {
  const Json& server = ObjectOf(intent, "server");
  out += fmt::format("{} calls {}\n", InNamespace(NameOf(ObjectOf(intent, "client"))),
                     InNamespace(NameOf(server)));
  AppendLine(out, "  ", "strength", StrengthText(intent, CollectorOf(TextOf(intent, "type"))));
  AppendLine(out, "  ", "type", TextOf(intent, "type"));
  AppendLine(out, "  ", "first seen", TextOf(intent, "firstSeen"));
  AppendLine(out, "  ", "last seen", TextOf(intent, "lastSeen"));
  AppendLine(out, "  ", "seen", TimesText(CountOf(intent, "count")));
  if (std::string ports = PortsText(intent); !ports.empty()) {
    AppendLine(out, "  ", "ports", fmt::format("{} ({})", ports, TextOf(intent, "protocol")));
  }
  AppendLine(out, "  ", "by service", TextOf(server, "kubernetesService"));
  AppendDetails(out, intent);
  for (const Json& evidence : ListOf(intent, "evidence")) {
    AppendEvidence(out, evidence);
  }
}

}  // namespace

bool StandsFor(const std::string& text, const std::vector<std::string>& namespaces,
               const WorkloadName& workload) {
  if (text == workload.name) {
    // A resource in AWS is in no namespace.
    return namespaces.empty() || workload.name_space.empty() ||
           std::find(namespaces.begin(), namespaces.end(), workload.name_space) != namespaces.end();
  }
  return text == workload.name + "." + workload.name_space ||
         text == workload.name_space + "/" + workload.name;
}

std::string NoSuchEdgeText(const std::vector<WorkloadPair>& pairs, const PairQuestion& question) {
  std::set<WorkloadName> clients;
  std::set<WorkloadName> servers;
  // Of those that were asked for.
  std::set<WorkloadName> servers_of_client;
  std::set<WorkloadName> clients_of_server;
  bool reversed = false;
  for (const auto& [client, server] : pairs) {
    clients.insert(client);
    servers.insert(server);
    if (StandsFor(question.client, question.namespaces, client)) {
      servers_of_client.insert(server);
    }
    if (StandsFor(question.server, question.namespaces, server)) {
      clients_of_server.insert(client);
    }
    reversed = reversed || (StandsFor(question.server, question.namespaces, client) &&
                            StandsFor(question.client, question.namespaces, server));
  }
  std::string text =
      fmt::format("No connection from {} to {} was seen.\n", question.client, question.server);
  text += servers_of_client.empty()
              ? UnknownText("client", question.client, clients)
              : fmt::format("  - {} calls {}.\n", question.client, Some(servers_of_client));
  text += clients_of_server.empty()
              ? UnknownText("server", question.server, servers)
              : fmt::format("  - {} is called by {}.\n", question.server, Some(clients_of_server));
  if (reversed) {
    text += fmt::format("  - The other way round there is one: {} calls {}.\n", question.server,
                        question.client);
  }
  return text;
}

StatusOr<Explanation> AskForEvidence(const QueryTransport& transport,
                                     const PairQuestion& question) {
  ASSIGN_OR_RETURN(std::optional<Json> data, Ask(transport, kPairsQuery, "Pairs", Json()));
  if (!data) {
    return FailedPrecondition("the mapper does not know the query (HTTP error status code: 422)");
  }
  std::vector<WorkloadPair> pairs = ReadPairs(*data);
  std::set<WorkloadPair> wanted;
  for (const WorkloadPair& pair : pairs) {
    if (StandsFor(question.client, question.namespaces, pair.first) &&
        StandsFor(question.server, question.namespaces, pair.second)) {
      wanted.insert(pair);
    }
  }
  if (wanted.size() > kMostPairs) {
    return InvalidArgument(
        "{} connections have these names; say in which namespaces, by -n or as NAME.NAMESPACE",
        wanted.size());
  }
  Explanation explanation;
  for (const auto& [client, server] : wanted) {
    Json variables = {{"namespaces", Json::array({client.name_space})},
                      {"server", {{"name", server.name}, {"namespace", server.name_space}}}};
    ASSIGN_OR_RETURN(data, Ask(transport, kEvidenceQuery, "Evidence", variables));
    if (!data) {
      return FailedPrecondition(
          "the mapper in the cluster keeps no evidence; it is older than this command, or not of "
          "this project");
    }
    // The answer has all intents of every client of that server.
    for (const Json& intent : ListOf(*data, "intents")) {
      if (NameOf(ObjectOf(intent, "client")) == client &&
          NameOf(ObjectOf(intent, "server")) == server) {
        explanation.intents.push_back(intent);
      }
    }
  }
  if (explanation.intents.empty()) {
    explanation.others = std::move(pairs);
  }
  return explanation;
}

std::string ExplanationText(const Json& intents) {
  std::string out;
  for (const Json& intent : intents) {
    out += out.empty() ? "" : "\n";
    AppendIntent(out, TextsOnScreen(intent));
  }
  return out;
}

}  // namespace network_mapper::cli
