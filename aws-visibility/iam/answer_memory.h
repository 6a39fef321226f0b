// Remembers what answers of AWS told and requests do not: whose an access key is (answers of STS),
// and which stream a shard iterator or which workgroup a query id belongs to. Bounded; forgets the
// least recently used. Keys are kept as hashes. Thread-safe.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace network_mapper::aws {

class AnswerMemory {
 public:
  explicit AnswerMemory(size_t most_entries = 100'000);
  AnswerMemory(const AnswerMemory&) = delete;
  AnswerMemory& operator=(const AnswerMemory&) = delete;
  ~AnswerMemory();

  // `kind` is a word of the caller's, such as "role" or "shard-iterator".
  void Remember(std::string_view kind, std::string_view key, std::string_view arn);
  std::optional<std::string> Recall(std::string_view kind, std::string_view key);

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper::aws
