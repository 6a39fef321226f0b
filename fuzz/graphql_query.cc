// Parses, validates and executes arbitrary text as a GraphQL request against a small schema. Input:
// the query, a NUL byte, the variables as JSON.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tests/support/toy_graphql_schema.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace network_mapper::graphql;
  static ToySchema toy;
  static const Engine engine(toy.schema);
  static const Zoo zoo{
      .animals = {{.name = "a", .legs = 4, .foods = {"b"}, .young = {}, .ill = true}}};
  std::string_view input(reinterpret_cast<const char*>(data), size);
  size_t nul = input.find('\0');
  network_mapper::StatusOr<Value> variables =
      nul == std::string_view::npos ? Value() : ValueFromJson(input.substr(nul + 1));
  Response response = engine.Execute({.query = input.substr(0, nul),
                                      .operation_name = "",
                                      .variables = variables.ok() ? *variables : Value()},
                                     &zoo);
  // A response is always one JSON object.
  if (!ValueFromJson(response.body, {.depth = 1000}).ok()) {
    std::abort();
  }
  return 0;
}
