#include "mapper/ingest/ledger_codec.h"

#include <chrono>

#include "network_mapper/v1/store.pb.h"

namespace network_mapper {
namespace {

int64_t ToStored(Time time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

Time FromStored(int64_t nanoseconds) {
  return Time(std::chrono::nanoseconds(nanoseconds));
}

void Encode(const CollectorTotals& totals, uint64_t observations, const RefusalCounts& refused,
            v1::StoredCollectorCounts& counts) {
  counts.set_packets_received(totals.packets_received);
  counts.set_packets_dropped_by_kernel(totals.packets_dropped_by_kernel);
  counts.set_observations_dropped_from_spool(totals.observations_dropped_from_spool);
  counts.set_malformed_packets(totals.malformed_packets);
  counts.set_log_lines_read(totals.log_lines_read);
  counts.set_log_lines_refused(totals.log_lines_refused);
  counts.set_observations(observations);
  for (const Refusal refusal : kAllRefusals) {
    if (const uint64_t count = refused.at(static_cast<size_t>(refusal)); count > 0) {
      (*counts.mutable_refused())[std::string(RefusalName(refusal))] = count;
    }
  }
}

void Decode(const v1::StoredCollectorCounts& counts, CollectorTotals& totals,
            uint64_t& observations, RefusalCounts& refused) {
  totals.packets_received = counts.packets_received();
  totals.packets_dropped_by_kernel = counts.packets_dropped_by_kernel();
  totals.observations_dropped_from_spool = counts.observations_dropped_from_spool();
  totals.malformed_packets = counts.malformed_packets();
  totals.log_lines_read = counts.log_lines_read();
  totals.log_lines_refused = counts.log_lines_refused();
  observations = counts.observations();
  for (const Refusal refusal : kAllRefusals) {
    const auto found = counts.refused().find(std::string(RefusalName(refusal)));
    if (found != counts.refused().end()) {
      refused.at(static_cast<size_t>(refusal)) = found->second;
    }
  }
}

}  // namespace

std::string EncodeLedger(const LedgerExtract& ledger) {
  v1::StoredLedger stored;
  stored.set_counted_since(ToStored(ledger.mapper_started));
  stored.set_kept_out(ledger.kept_out);
  Encode(ledger.sums.totals, ledger.sums.observations, ledger.sums.refused, *stored.mutable_sums());
  for (const CollectorAccount& account : ledger.collectors) {
    v1::StoredCollectorAccount& to = *stored.add_collectors();
    to.set_instance_id(account.name.instance_id);
    to.set_component(account.name.component);
    to.set_node_name(account.name.node_name);
    to.set_open_streams(account.open_streams);
    to.set_first_contact(ToStored(account.first_contact));
    to.set_last_contact(ToStored(account.last_contact));
    if (account.clock_offset) {
      to.set_clock_offset(account.clock_offset->count());
    }
    Encode(account.totals, account.observations, account.refused, *to.mutable_counts());
    to.mutable_notices()->Add(account.totals.notices.begin(), account.totals.notices.end());
  }
  return stored.SerializeAsString();
}

std::optional<LedgerExtract> DecodeLedger(std::string_view bytes) {
  v1::StoredLedger stored;
  if (!stored.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return std::nullopt;
  }
  LedgerExtract ledger;
  ledger.mapper_started = FromStored(stored.counted_since());
  ledger.kept_out = stored.kept_out();
  Decode(stored.sums(), ledger.sums.totals, ledger.sums.observations, ledger.sums.refused);
  for (const v1::StoredCollectorAccount& from : stored.collectors()) {
    CollectorAccount account;
    account.name = {.instance_id = from.instance_id(),
                    .component = from.component(),
                    .node_name = from.node_name()};
    account.open_streams = from.open_streams();
    account.first_contact = FromStored(from.first_contact());
    account.last_contact = FromStored(from.last_contact());
    if (from.has_clock_offset()) {
      account.clock_offset = std::chrono::nanoseconds(from.clock_offset());
    }
    Decode(from.counts(), account.totals, account.observations, account.refused);
    account.totals.notices.assign(from.notices().begin(), from.notices().end());
    ledger.collectors.push_back(std::move(account));
  }
  return ledger;
}

}  // namespace network_mapper
