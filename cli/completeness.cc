#include "cli/completeness.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/screen_text.h"
#include "common/time/time_text.h"

namespace network_mapper::cli {

namespace {

constexpr std::string_view kQuery = R"(
query Completeness {{
  completeness {{
    since countedSince nodes reportingNodes silentNodes {0} {2}
    packetsReceived packetsDropped packetsMalformed observationsDropped observations
    refused {{ reason count mayHideAnEdge }}
    collectors {{
      component node instance connected firstContact lastContact clockOffsetSeconds {0} {1}
      packetsReceived packetsDropped packetsMalformed observationsDropped observations
      refused {{ reason count mayHideAnEdge }}
    }}
  }}
}})";
// Fields that a mapper older than Kafka watchers does not know: of sums, and of collectors.
constexpr std::string_view kLineFields = "logLinesRead logLinesRefused";
constexpr std::string_view kNoticeFields = "notices";
// What a mapper older than AWS visibility does not know.
constexpr std::string_view kLimitFields = "keptOut";

// 1204113 as "1,204,113".
std::string Grouped(uint64_t number) {
  constexpr size_t kGroup = 3;
  std::string text = std::to_string(number);
  for (size_t end = text.size(); end > kGroup; end -= kGroup) {
    text.insert(end - kGroup, 1, ',');
  }
  return text;
}

std::string Counted(uint64_t number, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", Grouped(number), number == 1 ? one : many);
}

bool IsTrue(const Json& object, const char* key) {
  auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

struct Reasons {
  uint64_t sum = 0;
  // "12 unknown_client, 3 no_backends", the most frequent first.
  std::string text;
};

// Of the refusals that may hide an edge, or of the others.
Reasons ReasonsOf(const Json& counts, bool may_hide_an_edge) {
  std::vector<std::pair<uint64_t, std::string>> found;
  Reasons reasons;
  for (const Json& refused : ListOf(counts, "refused")) {
    if (IsTrue(refused, "mayHideAnEdge") == may_hide_an_edge) {
      found.emplace_back(CountOf(refused, "count"), TextOf(refused, "reason"));
      reasons.sum += found.back().first;
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (const auto& [count, reason] : found) {
    reasons.text +=
        fmt::format("{}{} {}", reasons.text.empty() ? "" : ", ", Grouped(count), reason);
  }
  return reasons;
}

std::string SomeOf(const std::vector<std::string>& names) {
  constexpr size_t kMost = 5;
  if (names.size() <= kMost) {
    return fmt::format("{}", fmt::join(names, ", "));
  }
  return fmt::format("{} and {} more", fmt::join(names.begin(), names.begin() + kMost, ", "),
                     names.size() - kMost);
}

std::string NodesText(const Json& completeness) {
  const uint64_t nodes = CountOf(completeness, "nodes");
  const std::vector<std::string> silent = TextsOf(completeness, "silentNodes");
  if (nodes == 0) {
    return Counted(CountOf(completeness, "reportingNodes"), "node reporting", "nodes reporting");
  }
  return fmt::format("{} of {} reporting{}",
                     Grouped(nodes - std::min<uint64_t>(nodes, silent.size())),
                     Counted(nodes, "node", "nodes"),
                     silent.empty() ? "" : fmt::format(" (not {})", SomeOf(silent)));
}

// Packets that the kernel dropped are among those received.
std::string DroppedText(const Json& counts) {
  return fmt::format("{} of {} dropped", Grouped(CountOf(counts, "packetsDropped")),
                     Counted(CountOf(counts, "packetsReceived"), "packet", "packets"));
}

// When the counts began; the map, where it began at another time.
std::string SinceText(const Json& completeness) {
  const std::string counted = TextOf(completeness, "countedSince");
  const std::string map = TextOf(completeness, "since");
  return map == counted ? counted : fmt::format("{} (map: since {})", counted, map);
}

size_t NoticesOf(const Json& completeness) {
  size_t notices = 0;
  for (const Json& collector : ListOf(completeness, "collectors")) {
    notices += TextsOf(collector, "notices").size();
  }
  return notices;
}

bool NothingIsMissing(const Json& completeness) {
  return CountOf(completeness, "reportingNodes") > 0 &&
         TextsOf(completeness, "silentNodes").empty() &&
         CountOf(completeness, "packetsDropped") == 0 &&
         CountOf(completeness, "packetsMalformed") == 0 &&
         CountOf(completeness, "observationsDropped") == 0 && NoticesOf(completeness) == 0 &&
         CountOf(completeness, "keptOut") == 0 && ReasonsOf(completeness, true).sum == 0;
}

using Row = std::vector<std::string>;

std::string AgeText(const std::string& time, Time now) {
  const std::optional<Time> parsed = ParseRfc3339(time);
  if (!parsed) {
    return "?";
  }
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - *parsed);
  return FormatDuration(std::max(age, std::chrono::seconds(0))) + " ago";
}

std::string OffsetText(const Json& collector) {
  auto found = collector.find("clockOffsetSeconds");
  return found != collector.end() && found->is_number()
             ? fmt::format("{:+.3f}s", found->get<double>())
             : "?";
}

Row CollectorRow(const Json& collector, Time now) {
  const std::string node = TextOf(collector, "node");
  return {TextOf(collector, "component"),
          node.empty() ? "-" : node,
          IsTrue(collector, "connected") ? "yes" : "no",
          AgeText(TextOf(collector, "lastContact"), now),
          Grouped(CountOf(collector, "packetsReceived")),
          Grouped(CountOf(collector, "packetsDropped")),
          Grouped(CountOf(collector, "packetsMalformed")),
          Grouped(CountOf(collector, "observations")),
          Grouped(CountOf(collector, "observationsDropped")),
          Grouped(ReasonsOf(collector, true).sum),
          OffsetText(collector)};
}

// Columns as wide as they need to be.
std::string TableText(const std::vector<Row>& rows) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string out;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += fmt::format("{:<{}}  ", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace

StatusOr<std::optional<Json>> AskForCompleteness(const QueryTransport& transport) {
  std::optional<Json> data;
  for (const std::string& query :
       {fmt::format(kQuery, kLineFields, kNoticeFields, kLimitFields),
        fmt::format(kQuery, kLineFields, kNoticeFields, ""), fmt::format(kQuery, "", "", "")}) {
    if (!data) {
      ASSIGN_OR_RETURN(data, Ask(transport, query, "Completeness", Json()));
    }
  }
  if (!data || ObjectOf(*data, "completeness").empty()) {
    return std::optional<Json>();
  }
  return std::optional<Json>(ObjectOf(*data, "completeness"));
}

std::string CompletenessLine(const Json& answer) {
  const Json completeness = TextsOnScreen(answer);
  std::string line =
      fmt::format("{} {}: {}, {}", NothingIsMissing(completeness) ? "Complete since" : "Since",
                  SinceText(completeness), NodesText(completeness), DroppedText(completeness));
  if (uint64_t malformed = CountOf(completeness, "packetsMalformed"); malformed > 0) {
    line += fmt::format(", {}", Counted(malformed, "packet malformed", "packets malformed"));
  }
  if (uint64_t dropped = CountOf(completeness, "observationsDropped"); dropped > 0) {
    line += fmt::format(", {} by full spools",
                        Counted(dropped, "observation dropped", "observations dropped"));
  }
  if (uint64_t kept_out = CountOf(completeness, "keptOut"); kept_out > 0) {
    line += fmt::format(", {} kept out by the map's limits",
                        Counted(kept_out, "addition", "additions"));
  }
  const Reasons unresolved = ReasonsOf(completeness, true);
  line += fmt::format(", {} unresolved{}", Counted(unresolved.sum, "observation", "observations"),
                      unresolved.sum == 0 ? "" : fmt::format(": {}", unresolved.text));
  if (const size_t notices = NoticesOf(completeness); notices > 0) {
    line += fmt::format(", {} (`network-mapper status` shows {})",
                        Counted(notices, "notice", "notices"), notices == 1 ? "it" : "them");
  }
  return line + ".";
}

std::string CompletenessText(const Json& answer, Time now, bool with_headers) {
  const Json completeness = TextsOnScreen(answer);
  auto reasons_line = [](const Reasons& reasons) {
    return reasons.sum == 0 ? "0" : fmt::format("{}: {}", Grouped(reasons.sum), reasons.text);
  };
  std::vector<Row> sums(
      {{"map since", TextOf(completeness, "since")},
       {"counted since", TextOf(completeness, "countedSince")},
       {"nodes", NodesText(completeness)},
       {"packets", fmt::format("{}, {} malformed", DroppedText(completeness),
                               Grouped(CountOf(completeness, "packetsMalformed")))},
       {"observations", fmt::format("{} taken in, {} dropped by full spools",
                                    Grouped(CountOf(completeness, "observations")),
                                    Grouped(CountOf(completeness, "observationsDropped")))},
       {"unresolved", reasons_line(ReasonsOf(completeness, true))},
       {"left out", reasons_line(ReasonsOf(completeness, false))}});
  if (const uint64_t lines = CountOf(completeness, "logLinesRead"); lines > 0) {
    sums.insert(
        sums.begin() + 4,
        {"log lines", fmt::format("{} read, {} about an access could not be used", Grouped(lines),
                                  Grouped(CountOf(completeness, "logLinesRefused")))});
  }
  if (const uint64_t kept_out = CountOf(completeness, "keptOut"); kept_out > 0) {
    sums.push_back(
        {"kept out", fmt::format("{} by the map's limits: which, say the mapper's metrics "
                                 "network_mapper_intents_overflow_total",
                                 Counted(kept_out, "addition", "additions"))});
  }
  std::string out = TableText(sums);
  std::vector<Row> rows;
  if (with_headers) {
    rows.push_back({"COLLECTOR", "NODE", "CONNECTED", "LAST CONTACT", "PACKETS", "DROPPED",
                    "MALFORMED", "OBSERVATIONS", "SPOOL DROPPED", "UNRESOLVED", "CLOCK"});
  }
  for (const Json& collector : ListOf(completeness, "collectors")) {
    rows.push_back(CollectorRow(collector, now));
  }
  out += "\n" + TableText(rows);
  for (const Json& collector : ListOf(completeness, "collectors")) {
    for (const std::string& notice : TextsOf(collector, "notices")) {
      out += fmt::format("\n{}: {}\n", TextOf(collector, "component"), notice);
    }
  }
  return out;
}

}  // namespace network_mapper::cli
