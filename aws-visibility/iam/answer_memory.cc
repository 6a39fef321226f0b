#include "aws-visibility/iam/answer_memory.h"

#include <array>
#include <list>
#include <mutex>
#include <random>
#include <unordered_map>

namespace network_mapper::aws {
namespace {

constexpr size_t kShards = 16;
constexpr size_t kMostArn = 2048;

// FNV-1a with a seed of its own, so that nobody chooses keys that meet.
uint64_t HashOf(uint64_t seed, std::string_view kind, std::string_view key) {
  uint64_t hash = seed ^ 0xCBF29CE484222325U;
  const auto add = [&hash](std::string_view text) {
    for (const char c : text) {
      hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3U;
    }
    hash = (hash ^ 0xFFU) * 0x100000001B3U;
  };
  add(kind);
  add(key);
  hash ^= hash >> 32;
  hash *= 0x9E3779B97F4A7C15U;
  return hash ^ (hash >> 29);
}

uint64_t RandomSeed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

struct Entry {
  uint64_t key = 0;
  std::string arn;
};

struct Shard {
  // The most recently used first.
  std::list<Entry> entries;
  std::unordered_map<uint64_t, std::list<Entry>::iterator> by_key;
};

}  // namespace

struct AnswerMemory::Implementation {
  size_t most_in_shard = 1;
  uint64_t seed = RandomSeed();
  std::array<std::mutex, kShards> mutexes;
  std::array<Shard, kShards> shards;
};

AnswerMemory::AnswerMemory(size_t most_entries) : implementation_(new Implementation) {
  implementation_->most_in_shard = 1 + most_entries / kShards;
}

AnswerMemory::~AnswerMemory() = default;

void AnswerMemory::Remember(std::string_view kind, std::string_view key, std::string_view arn) {
  if (key.empty() || arn.empty() || arn.size() > kMostArn) {
    return;
  }
  const uint64_t hash = HashOf(implementation_->seed, kind, key);
  const std::lock_guard lock(implementation_->mutexes[hash % kShards]);
  Shard& shard = implementation_->shards[hash % kShards];
  if (const auto found = shard.by_key.find(hash); found != shard.by_key.end()) {
    found->second->arn = arn;
    shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
    return;
  }
  if (shard.entries.size() == implementation_->most_in_shard) {
    shard.by_key.erase(shard.entries.back().key);
    shard.entries.pop_back();
  }
  shard.entries.push_front({hash, std::string(arn)});
  shard.by_key.emplace(hash, shard.entries.begin());
}

std::optional<std::string> AnswerMemory::Recall(std::string_view kind, std::string_view key) {
  const uint64_t hash = HashOf(implementation_->seed, kind, key);
  const std::lock_guard lock(implementation_->mutexes[hash % kShards]);
  Shard& shard = implementation_->shards[hash % kShards];
  const auto found = shard.by_key.find(hash);
  if (found == shard.by_key.end()) {
    return std::nullopt;
  }
  shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
  return found->second->arn;
}

}  // namespace network_mapper::aws
