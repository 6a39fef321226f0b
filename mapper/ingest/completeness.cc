#include "mapper/ingest/completeness.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <set>
#include <unordered_map>
#include <utility>

namespace network_mapper {
namespace {

double Seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

void Add(RefusalCounts& counts, const RefusalCounts& more) {
  for (size_t reason = 0; reason < counts.size(); ++reason) {
    counts.at(reason) += more.at(reason);
  }
}

// Of the same instance, which has changed over from one mapper to another. Its totals are since its
// start, so that each mapper has counted what came before; returns that.
CollectorTotals Add(CollectorAccount& account, const CollectorAccount& other) {
  CollectorTotals counted_twice;
  for (uint64_t CollectorTotals::*total : kGrowingTotals) {
    counted_twice.*total = std::min(account.totals.*total, other.totals.*total);
    account.totals.*total = std::max(account.totals.*total, other.totals.*total);
  }
  if (other.last_contact > account.last_contact) {
    account.clock_offset = other.clock_offset;
    account.totals.notices = other.totals.notices;
    account.name.node_name = other.name.node_name;
  }
  account.first_contact = std::min(account.first_contact, other.first_contact);
  account.last_contact = std::max(account.last_contact, other.last_contact);
  account.open_streams += other.open_streams;
  account.observations += other.observations;
  Add(account.refused, other.refused);
  return counted_twice;
}

void Add(LedgerExtract& ledger, LedgerExtract other) {
  ledger.mapper_started = std::min(ledger.mapper_started, other.mapper_started);
  ledger.kept_out += other.kept_out;
  CollectorSums& sums = ledger.sums;
  sums.observations += other.sums.observations;
  Add(sums.refused, other.sums.refused);
  for (uint64_t CollectorTotals::*total : kGrowingTotals) {
    sums.totals.*total += other.sums.totals.*total;
  }
  std::unordered_map<std::string, size_t> places;
  for (size_t i = 0; i < ledger.collectors.size(); ++i) {
    places.emplace(ledger.collectors[i].name.instance_id, i);
  }
  for (CollectorAccount& account : other.collectors) {
    const auto found = places.find(account.name.instance_id);
    if (found == places.end()) {
      ledger.collectors.push_back(std::move(account));
      continue;
    }
    const CollectorTotals counted_twice = Add(ledger.collectors[found->second], account);
    for (uint64_t CollectorTotals::*total : kGrowingTotals) {
      sums.totals.*total -= std::min(sums.totals.*total, counted_twice.*total);
    }
  }
}

}  // namespace

std::vector<std::string> NodesThatReport(const std::vector<LedgerExtract>& ledgers) {
  std::set<std::string> nodes;
  for (const LedgerExtract& ledger : ledgers) {
    for (const CollectorAccount& account : ledger.collectors) {
      if (account.open_streams > 0 && account.name.component == kNodeComponent) {
        nodes.insert(account.name.node_name);
      }
    }
  }
  return {nodes.begin(), nodes.end()};
}

Completeness JudgeCompleteness(CompletenessParts parts) {
  LedgerExtract ledger = std::move(parts.ledger);
  for (LedgerExtract& other : parts.other_ledgers) {
    Add(ledger, std::move(other));
  }
  if (!parts.other_ledgers.empty()) {
    ledger.collectors = CurrentOnes(ledger.collectors);
  }
  const std::vector<std::string> reporting = NodesThatReport({ledger});
  Completeness completeness{.since = parts.map_since.value_or(ledger.mapper_started),
                            .counted_since = ledger.mapper_started,
                            .nodes = parts.nodes.size(),
                            .reporting_nodes = reporting.size(),
                            .silent_nodes = {},
                            .collectors = std::move(ledger.collectors),
                            .sums = ledger.sums,
                            .kept_out = ledger.kept_out};
  std::set_difference(parts.nodes.begin(), parts.nodes.end(), reporting.begin(), reporting.end(),
                      std::back_inserter(completeness.silent_nodes));
  return completeness;
}

CompletenessMetrics::CompletenessMetrics(MetricsRegistry& registry)
    : nodes(registry.AddGauge("network_mapper_ingest_nodes", "Nodes of the cluster.")),
      silent_nodes(registry.AddGauge(
          "network_mapper_ingest_silent_nodes",
          "Nodes of the cluster without a sniffer that has an open report stream.")),
      oldest_contact_seconds(registry.AddGauge(
          "network_mapper_ingest_oldest_contact_seconds",
          "How long the connected collector that was silent for longest has been so.")),
      clock_offset_seconds(
          registry.AddGauge("network_mapper_ingest_clock_offset_seconds",
                            "The largest difference between the mapper's clock and a connected "
                            "collector's, the way of a batch included.")) {}

void CompletenessMetrics::Set(const Completeness& completeness, Time now) {
  double oldest = 0;
  double offset = 0;
  for (const CollectorAccount& account : completeness.collectors) {
    if (account.open_streams == 0) {
      continue;
    }
    oldest = std::max(oldest, Seconds(now - account.last_contact));
    if (account.clock_offset) {
      offset = std::max(offset, std::abs(Seconds(*account.clock_offset)));
    }
  }
  nodes.Set(static_cast<double>(completeness.nodes));
  silent_nodes.Set(static_cast<double>(completeness.silent_nodes.size()));
  oldest_contact_seconds.Set(oldest);
  clock_offset_seconds.Set(offset);
}

}  // namespace network_mapper
