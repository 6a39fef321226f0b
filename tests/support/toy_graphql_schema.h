// A small schema for tests, the fuzz target and the benchmark of the GraphQL language: a zoo.
#pragma once

#include <string>
#include <vector>

#include "common/graphql/engine.h"
#include "common/graphql/field_writer.h"
#include "common/graphql/schema.h"

namespace network_mapper::graphql {

struct Animal {
  std::string name;
  int64_t legs = 4;
  std::vector<std::string> foods;
  std::vector<Animal> young;
  bool ill = false;
};

struct Zoo {
  std::vector<Animal> animals;
};

class ToySchema {
 public:
  ToySchema();

  Schema schema;
};

}  // namespace network_mapper::graphql
