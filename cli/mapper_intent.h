// What the mapper answers to the CLI's queries, as plain values. Filled in by mapper_query, turned
// into documents by client_intents.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace network_mapper::cli {

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
};

}  // namespace network_mapper::cli
