// The labels of the last line, place by place: the next line has most of them in the same bytes,
// and what it has is neither taken apart nor hashed again. Only what stands there plainly, without
// blanks and escapes, and is not long. Only for this folder. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "istio-watcher/metrics/label_set.h"

namespace network_mapper::istio {

struct KnownLabel {
  // `name="value"`
  std::string text;
  // Of `name="`; 0: there is nothing at this place.
  size_t head = 0;
  LabelSet::Name name;
  uint64_t identity = 0;

  std::string_view Head() const { return std::string_view(text).substr(0, head); }
};

class LabelMemory {
 public:
  // What stood at that place; null where nothing can be kept.
  KnownLabel* At(size_t place) {
    if (place >= kPlaces) {
      return nullptr;
    }
    if (place >= labels_.size()) {
      labels_.resize(place + 1);
    }
    return &labels_[place];
  }

  static constexpr size_t kPlaces = 64;
  static constexpr size_t kLongest = 256;

 private:
  std::vector<KnownLabel> labels_;
};

}  // namespace network_mapper::istio
