// Cuts a stream of bytes into lines of bounded length. Unlike kube::LineSplitter it goes on after
// an overlong line, and hands on the begin of it: logs are written by anybody. No input or output
// of its own; memory is bounded by three times the longest line.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace network_mapper::kafka {

// Of a line that is kept, without its end.
inline constexpr size_t kLongestLine = size_t{64} << 10U;

struct CutLine {
  // Without "\n" or "\r\n"; of an overlong line, its begin.
  std::string_view text;
  // Of the whole line in the stream, its end included.
  uint64_t length = 0;
  bool overlong = false;
};

class LineCutter {
 public:
  explicit LineCutter(size_t longest = kLongestLine) : longest_(longest) {}

  // Calls `on_line` with each line that is complete now, and false from it ends the call. The
  // texts are valid until the next call.
  template <typename OnLine>
  bool Push(std::string_view bytes, OnLine&& on_line) {
    while (!bytes.empty()) {
      const size_t end = bytes.find('\n');
      if (end == std::string_view::npos) {
        Begin(bytes);
        return true;
      }
      std::string_view text = bytes.substr(0, end);
      uint64_t length = end + 1;
      if (begun_length_ > 0) {
        Begin(text);
        length = begun_length_ + 1;
        ended_.swap(begun_);
        text = ended_;
        Clear();
      }
      bytes.remove_prefix(end + 1);
      if (!on_line(Cut(text, length, length - 1))) {
        return false;
      }
    }
    return true;
  }

  // What follows the last line's end: a line too, when it is known that nothing follows.
  std::optional<CutLine> Rest() const {
    return begun_length_ == 0 ? std::nullopt
                              : std::optional(Cut(begun_, begun_length_, begun_length_));
  }

  void Clear() {
    begun_.clear();
    begun_length_ = 0;
  }

 private:
  void Begin(std::string_view bytes) {
    // One byte more than the longest line may be the "\r" of its end.
    begun_.append(bytes.substr(0, longest_ + 1 - std::min(begun_.size(), longest_ + 1)));
    begun_length_ += bytes.size();
  }

  // `written`: length without the "\n".
  CutLine Cut(std::string_view text, uint64_t length, uint64_t written) const {
    if (text.size() == written && text.ends_with('\r')) {
      text.remove_suffix(1);
      --written;
    }
    return {text.substr(0, longest_), length, written > longest_};
  }

  const size_t longest_;
  std::string begun_;
  // Of the begun line, also where begun_ does not hold all of it.
  uint64_t begun_length_ = 0;
  // The line that ended in the last Push, if it began before.
  std::string ended_;
};

}  // namespace network_mapper::kafka
