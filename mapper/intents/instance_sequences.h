// How far each collector instance has come; the longest silent one goes when there are too many.
// Part of the intent store, under its lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

namespace network_mapper {

class InstanceSequences {
 public:
  // The highest sequence numbers that were taken, and that are in the database.
  struct Sequences {
    uint64_t applied = 0;
    uint64_t committed = 0;
  };

  // Zeros for an unknown instance.
  Sequences Of(const std::string& instance_id) const;

  // Returns the instances that had to go.
  std::vector<std::string> Apply(const std::string& instance_id, uint64_t sequence, size_t limit);

  // What was applied is in the database now.
  void Commit(const std::string& instance_id);

  // The database says so; it may be behind of what was applied.
  // Returns the instances that had to go.
  std::vector<std::string> Adopt(const std::string& instance_id, uint64_t committed, size_t limit);

  size_t Size() const { return places_.size(); }

 private:
  struct Instance {
    std::string instance_id;
    Sequences sequences;
  };

  // The newest from now on. What had to go is appended to `evicted`.
  Sequences& Touch(const std::string& instance_id, size_t limit, std::vector<std::string>& evicted);

  // Newest first.
  std::list<Instance> by_age_;
  std::unordered_map<std::string, std::list<Instance>::iterator> places_;
};

}  // namespace network_mapper
