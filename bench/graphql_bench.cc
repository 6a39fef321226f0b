// How long the GraphQL language takes over a large list.
#include <benchmark/benchmark.h>

#include "tests/support/toy_graphql_schema.h"

namespace network_mapper::graphql {
namespace {

void BM_ListOfObjects(benchmark::State& state) {
  ToySchema toy;
  Engine engine(toy.schema);
  Zoo zoo;
  for (int64_t i = 0; i < state.range(0); ++i) {
    zoo.animals.push_back({.name = "animal-" + std::to_string(i),
                           .legs = i,
                           .foods = {"leaves", "roots"},
                           .young = {},
                           .ill = false});
  }
  // Twenty leaves an object.
  std::string query = "{animals {";
  for (int i = 0; i < 10; ++i) {
    std::string number = std::to_string(i);
    query += "n" + number + ": name l" + number + ": legs ";
  }
  query += "foods}}";
  size_t bytes = 0;
  for (auto iteration : state) {
    (void)iteration;
    bytes =
        engine.Execute({.query = query, .operation_name = "", .variables = {}}, &zoo).body.size();
  }
  state.counters["bytes"] = static_cast<double>(bytes);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(BM_ListOfObjects)->Arg(1000)->Arg(50'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace network_mapper::graphql
