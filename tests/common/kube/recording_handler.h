// An ObjectHandler whose log a test compares: "begin", "upsert <name>", "end", "delete <name>".
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/concurrency/guarded.h"
#include "common/kube/object_watch.h"
#include "tests/common/kube/scripted_server.h"

namespace network_mapper {

// Thread-safe.
class RecordingHandler final : public ObjectHandler {
 public:
  void BeginList() override { Add("begin"); }

  void Upsert(std::string_view json) override { Add("upsert " + Name(json)); }

  void EndList() override { Add("end"); }

  void Delete(std::string_view json) override { Add("delete " + Name(json)); }

  std::vector<std::string> Log() const {
    return log_.With([](const std::vector<std::string>& log) { return log; });
  }

  bool WaitFor(size_t entries) const {
    return Eventually([&] { return Log().size() >= entries; });
  }

 private:
  static std::string Name(std::string_view json) {
    const size_t start = json.find(R"("name":")") + 8;
    return std::string(json.substr(start, json.find('"', start) - start));
  }

  void Add(std::string entry) {
    log_.With([&entry](std::vector<std::string>& log) { log.push_back(std::move(entry)); });
  }

  Guarded<std::vector<std::string>> log_;
};

}  // namespace network_mapper
