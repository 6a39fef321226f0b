#include <algorithm>
#include <array>
#include <bit>

#include "aws-visibility/iam/body_readers.h"

namespace network_mapper::aws {
namespace {

enum CborType : uint8_t { kUnsigned, kNegative, kBytes, kText, kArray, kMap, kTag, kSimple };

struct CborHead {
  CborType type = kUnsigned;
  uint64_t value = 0;
  bool indefinite = false;
};

class CborWalk {
 public:
  CborWalk(std::string_view bytes, WantedFields& wanted) : bytes_(bytes), wanted_(wanted) {}

  bool Value(WantedFields::Mask mask, size_t depth) {
    CborHead head;
    do {
      if (!Head(head)) {
        return false;
      }
    } while (head.type == kTag);
    const WantedFields::Mask ending = wanted_.Ending(mask, depth);
    switch (head.type) {
      case kText:
      case kBytes: {
        std::string text;
        if (!String(head, text)) {
          return false;
        }
        wanted_.Found(ending, text);
        return true;
      }
      case kArray:
      case kMap:
        if (head.indefinite || head.value != 0) {
          wanted_.Present(ending);
        }
        return head.type == kArray ? Array(head, mask, depth) : Map(head, mask, depth);
      case kUnsigned:
        wanted_.Found(ending, std::to_string(head.value));
        return true;
      case kSimple:
        // false, true; null and undefined are as if not there.
        if (head.value == 20 || head.value == 21) {
          wanted_.Found(ending, head.value == 20 ? "false" : "true");
        }
        return !head.indefinite;
      default:
        wanted_.Present(ending);
        return true;
    }
  }

 private:
  bool Map(const CborHead& head, WantedFields::Mask mask, size_t depth) {
    for (uint64_t i = 0; head.indefinite || i < head.value; ++i) {
      if (head.indefinite && TakeBreak()) {
        return true;
      }
      CborHead key_head;
      std::string key;
      if (!Head(key_head) || key_head.type != kText || !String(key_head, key)) {
        return false;
      }
      WantedFields::Mask inner = wanted_.Members(mask, depth, key);
      const WantedFields::Mask keys = wanted_.Keys(mask, depth);
      wanted_.Found(wanted_.Ending(keys, depth + 1), key);
      inner |= keys & ~wanted_.Ending(keys, depth + 1);
      if (!(inner == 0 ? Skip() : Value(inner, depth + 1))) {
        return false;
      }
    }
    return true;
  }

  bool Array(const CborHead& head, WantedFields::Mask mask, size_t depth) {
    const WantedFields::Mask elements = wanted_.Elements(mask, depth);
    for (uint64_t i = 0; head.indefinite || i < head.value; ++i) {
      if (head.indefinite && TakeBreak()) {
        return true;
      }
      std::array<size_t, WantedFields::kMostFields> before{};
      for (WantedFields::Mask rest = elements; rest != 0; rest &= rest - 1) {
        const auto field = static_cast<size_t>(std::countr_zero(rest));
        before[field] = wanted_.FoundCount(field);
      }
      if (!(elements == 0 ? Skip() : Value(elements, depth + 1))) {
        return false;
      }
      for (WantedFields::Mask rest = elements; rest != 0; rest &= rest - 1) {
        const auto field = static_cast<size_t>(std::countr_zero(rest));
        if (wanted_.FoundCount(field) == before[field]) {
          wanted_.MissingInElement(field);
        }
      }
    }
    return true;
  }

  bool TakeBreak() {
    if (at_ < bytes_.size() && static_cast<uint8_t>(bytes_[at_]) == 0xFF) {
      ++at_;
      return true;
    }
    return false;
  }

  bool Head(CborHead& head) {
    if (at_ == bytes_.size()) {
      return false;
    }
    const auto first = static_cast<uint8_t>(bytes_[at_++]);
    head.type = static_cast<CborType>(first >> 5);
    head.value = first & 0x1F;
    head.indefinite = false;
    if (head.value < 24) {
      return true;
    }
    if (head.value == 31) {
      head.indefinite = true;
      return (head.type >= kBytes && head.type <= kMap);
    }
    if (head.value > 27) {
      return false;
    }
    const size_t size = size_t{1} << (head.value - 24);
    if (bytes_.size() - at_ < size) {
      return false;
    }
    head.value = 0;
    for (size_t i = 0; i < size; ++i) {
      head.value = head.value << 8 | static_cast<uint8_t>(bytes_[at_++]);
    }
    // Simple values of more than one byte are floating point numbers.
    if (head.type == kSimple && size > 1) {
      head.value = 0;
    }
    return true;
  }

  // Keeps no more than kMostValueBytes and some, so that the value counts as too long.
  bool String(const CborHead& head, std::string& text) {
    if (!head.indefinite) {
      return Chunk(head, text);
    }
    while (!TakeBreak()) {
      CborHead chunk;
      if (!Head(chunk) || chunk.type != head.type || chunk.indefinite || !Chunk(chunk, text)) {
        return false;
      }
    }
    return true;
  }

  bool Chunk(const CborHead& head, std::string& text) {
    if (bytes_.size() - at_ < head.value) {
      return false;
    }
    const auto size = static_cast<size_t>(head.value);
    if (text.size() <= WantedFields::kMostValueBytes) {
      text += bytes_.substr(at_, std::min(size, WantedFields::kMostValueBytes + 1));
    }
    at_ += size;
    return true;
  }

  // Over one value with all that is in it. Definite ones need no memory of what they are in: only
  // the number of values that are still to come, for each level of indefinite ones.
  bool Skip() {
    std::array<uint64_t, kMostOpen> left{};
    size_t open = 0;
    left[0] = 1;
    for (;;) {
      while (left[open] == 0) {
        if (open == 0) {
          return true;
        }
        --open;
      }
      if (left[open] == kUntilBreak) {
        if (TakeBreak()) {
          left[open] = 0;
          continue;
        }
      } else {
        --left[open];
      }
      CborHead head;
      if (!Head(head)) {
        return false;
      }
      if (head.type == kTag) {
        // The value it stands before.
        left[open] += left[open] == kUntilBreak ? 0U : 1U;
      } else if (head.type == kBytes || head.type == kText) {
        std::string ignored;
        if (!String(head, ignored)) {
          return false;
        }
      } else if (head.type == kArray || head.type == kMap) {
        if (++open == kMostOpen || head.value > bytes_.size()) {
          return false;
        }
        left[open] = head.indefinite ? kUntilBreak : head.value * (head.type == kMap ? 2 : 1);
      }
    }
  }

  static constexpr size_t kMostOpen = 64;
  static constexpr uint64_t kUntilBreak = ~uint64_t{0};

  std::string_view bytes_;
  WantedFields& wanted_;
  size_t at_ = 0;
};

}  // namespace

bool ReadCbor(std::string_view body, WantedFields& wanted) {
  // A message is a map, perhaps with a tag before it.
  const uint8_t type = body.empty() ? 0 : static_cast<uint8_t>(body.front()) >> 5;
  return (type == kMap || type == kTag) && CborWalk(body, wanted).Value(wanted.All(), 0);
}

}  // namespace network_mapper::aws
