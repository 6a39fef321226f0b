// What the mapper answers to the CLI's queries, as plain values. Filled in by mapper_query, turned
// into documents by client_intents.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace network_mapper::cli {

// How sure an intent is, weakest first.
enum class Strength {
  kResolved,   // the name was looked up, nothing more
  kAttempted,  // tried, but no answer was seen
  kConnected,
  kUsed,
};

// "resolved", "ATTEMPTED", ...; absent for what is none.
std::optional<Strength> ParseStrength(std::string_view name);

struct MapperIdentity {
  std::string name;
  std::string name_space;
  std::vector<std::pair<std::string, std::string>> labels;
  // Kind of the owner, such as "Deployment"; empty when the mapper gives none.
  std::string kind;
  std::string kubernetes_service;
};

struct MapperKafkaTopic {
  std::string name;
  // GraphQL enum names, such as "CONSUME".
  std::vector<std::string> operations;
};

struct MapperHttpResource {
  std::string path;
  std::vector<std::string> methods;
};

struct MapperIntent {
  MapperIdentity client;
  MapperIdentity server;
  std::vector<MapperKafkaTopic> kafka_topics;
  std::vector<MapperHttpResource> http_resources;
  // In AWS; the server is a resource then, named by its ARN. Such as "s3:GetObject".
  bool in_aws = false;
  std::vector<std::string> aws_actions{};
  std::vector<std::string> aws_roles{};
  // HTTP calls were seen, though maybe no path of them.
  bool http = false;
  // Absent when the mapper does not tell.
  std::optional<Strength> strength = std::nullopt;

  // All that is known of it is an attempt.
  bool AttemptedOnly() const { return strength == Strength::kAttempted; }
};

}  // namespace network_mapper::cli
