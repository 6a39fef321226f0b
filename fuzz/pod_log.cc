// Fuzzes the reading of a log's bytes: the first byte says how large the chunks are, the second how
// much is read before the stream breaks. Whatever the chunks, the lines are the same; a stream that
// is read again goes on where it broke, if stamps do not step back.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "kafka-watcher/log/line_cutter.h"
#include "kafka-watcher/log/resume_point.h"
#include "kafka-watcher/log/stamped_line.h"

namespace {

using network_mapper::kafka::CutLine;
using network_mapper::kafka::LineCutter;
using network_mapper::kafka::ParseStampedLine;
using network_mapper::kafka::ResumePoint;

constexpr size_t kLongest = 48;

void Require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

struct Line {
  std::string text;
  uint64_t length;
  bool overlong;

  bool operator==(const Line&) const = default;
};

std::vector<Line> CutInto(std::string_view bytes, size_t chunk) {
  LineCutter cutter(kLongest);
  std::vector<Line> lines;
  uint64_t length = 0;
  while (!bytes.empty()) {
    cutter.Push(bytes.substr(0, chunk), [&](const CutLine& line) {
      lines.push_back({std::string(line.text), line.length, line.overlong});
      length += line.length;
      return true;
    });
    bytes.remove_prefix(std::min(chunk, bytes.size()));
  }
  if (const auto rest = cutter.Rest()) {
    Require(rest->text.size() <= kLongest);
    lines.push_back({std::string(rest->text), rest->length, rest->overlong});
  }
  return lines;
}

std::vector<int64_t> StampsOf(const std::vector<Line>& lines) {
  std::vector<int64_t> stamps;
  for (const Line& line : lines) {
    if (const auto stamped = ParseStampedLine(line.text)) {
      stamps.push_back(std::chrono::nanoseconds(stamped->at.time_since_epoch()).count());
    }
  }
  return stamps;
}

void ReadInTwo(const std::vector<int64_t>& stamps, size_t first) {
  ResumePoint point;
  point.BeginStream();
  for (size_t i = 0; i < first; ++i) {
    if (i == 0) {
      point.Accept(stamps[i]);
    } else {
      Require(point.See(stamps[i]) == ResumePoint::Verdict::kUnread);
    }
  }
  point.BeginStream();
  for (size_t i = 0; i < stamps.size(); ++i) {
    Require((point.See(stamps[i]) == ResumePoint::Verdict::kRead) == (i < first));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) {
    return 0;
  }
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::vector<Line> lines = CutInto(bytes, size_t{data[0]} + 1);
  Require(lines == CutInto(bytes, size));
  uint64_t length = 0;
  for (const Line& line : lines) {
    Require(line.text.size() <= kLongest && line.text.find('\n') == std::string::npos);
    length += line.length;
  }
  Require(length == bytes.size());
  const std::vector<int64_t> stamps = StampsOf(lines);
  if (!stamps.empty() && std::is_sorted(stamps.begin(), stamps.end())) {
    ReadInTwo(stamps, 1 + data[1] % stamps.size());
  }
  return 0;
}
