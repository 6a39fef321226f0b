// A body of Envoy's admin /stats?format=json, as it arrives -> series: {"stats":[{"name":...,
// "value":...}, ...]}, keys in any order, elements of other shapes passed over. Keeps at most one
// entry. Names are taken apart by stat_name.h. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/status/status.h"
#include "istio-watcher/metrics/label_set.h"
#include "istio-watcher/metrics/reader_options.h"
#include "istio-watcher/metrics/series.h"

namespace network_mapper::istio {

class StatsJsonReader {
 public:
  // `options` must outlive the reader.
  StatsJsonReader(const ReaderOptions& options, SeriesSink sink);

  // The next bytes of the body, cut anywhere. An error (no JSON, or too long) is final.
  Status Feed(std::string_view chunk);
  // The body has ended where its sender said. An error when the JSON has not.
  Status Finish();

  const ReaderCounts& Counts() const { return labels_.Counts(); }

 private:
  enum class State : uint8_t {
    kValue,     // a value must come
    kFirstKey,  // a key, or the end of the object
    kKey,       // a key
    kColon,
    kFirstElement,  // a value, or the end of the array
    kNext,          // a comma, or the end of the object or array
    kString,
    kScalar,  // within a number or a word
    kEnd,     // white space only
  };
  // The key whose value comes next, where it matters.
  enum class Key : uint8_t { kOther, kStats, kName, kValue };

  Status TakeToken(char c);
  Status BeginValue(char c);
  void EndValue();
  Status Open(bool is_object);
  Status Close();
  void BeginString(bool is_key);
  Status TakeString(std::string_view& chunk);
  Status EndString();
  Status TakeScalar(std::string_view& chunk);
  Status EndScalar();
  void EndEntry();
  Status Broken(std::string_view what) const;

  bool InObject() const { return (objects_ & 1U) != 0; }

  const ReaderOptions& options_;
  LabelSet labels_;
  State state_ = State::kValue;
  // The objects and arrays that are open, as bits: the innermost is the lowest, 1 is an object.
  uint64_t objects_ = 0;
  unsigned depth_ = 0;
  // The value of the top-level key "stats" is open, as an array.
  bool in_stats_ = false;
  bool is_key_ = false;
  Key key_ = Key::kOther;
  // The string or scalar that is being read; its first max_line bytes.
  std::string token_;
  bool token_too_long_ = false;
  bool has_escapes_ = false;
  bool in_escape_ = false;
  // Of the entry that is being read.
  std::string name_;
  std::string value_;
  bool name_too_long_ = false;
  size_t body_ = 0;
};

}  // namespace network_mapper::istio
