#include "mapper/api/completeness_type.h"

#include <string>

#include "common/graphql/field_writer.h"
#include "common/time/time_text.h"
#include "mapper/ingest/completeness.h"

namespace network_mapper {

namespace {

using graphql::FieldWriter;
using graphql::ObjectBuilder;
using graphql::Schema;
using graphql::Type;

struct RefusedObservations {
  Refusal reason;
  uint64_t count;
};

const Type* AddRefused(Schema& schema) {
  auto type = schema.AddObject<RefusedObservations>("RefusedObservations",
                                                    "Observations that did not become intents.");
  type.Add("reason", schema.NonNull(schema.String()), "",
           [](const RefusedObservations& refused, FieldWriter& writer) {
             writer.String(RefusalName(refused.reason));
           })
      .Add("count", schema.NonNull(schema.Int()), "",
           [](const RefusedObservations& refused, FieldWriter& writer) {
             writer.Int(static_cast<int64_t>(refused.count));
           })
      .Add("mayHideAnEdge", schema.NonNull(schema.Boolean()),
           "False for what was not meant to be on the map, such as addresses outside the cluster.",
           [](const RefusedObservations& refused, FieldWriter& writer) {
             writer.Bool(MayHideAnEdge(refused.reason));
           });
  return type.Get();
}

void WriteRefused(FieldWriter& writer, const RefusalCounts& counts) {
  writer.BeginList();
  for (Refusal reason : kAllRefusals) {
    const uint64_t count = counts.at(static_cast<size_t>(reason));
    if (count > 0) {
      writer.Object(RefusedObservations{.reason = reason, .count = count});
    }
  }
  writer.EndList();
}

// Adds the counts that a collector has as well as all of them together. `Source` has the members
// totals, observations and refused, or leads to them.
template <typename Source, typename Get>
void AddCounts(Schema& schema, ObjectBuilder<Source>& type, const Type* refused, Get get) {
  auto add = [&](const char* name, const char* description, uint64_t CollectorTotals::*field) {
    type.Add(name, schema.NonNull(schema.Int()), description,
             [get, field](const Source& source, FieldWriter& writer) {
               writer.Int(static_cast<int64_t>(get(source).totals.*field));
             });
  };
  add("packetsReceived", "", &CollectorTotals::packets_received);
  add("packetsDropped", "By the kernel, before the collector could read them.",
      &CollectorTotals::packets_dropped_by_kernel);
  add("packetsMalformed", "", &CollectorTotals::malformed_packets);
  add("logLinesRead", "By collectors that read logs.", &CollectorTotals::log_lines_read);
  add("logLinesRefused", "Lines about an access that could not be used.",
      &CollectorTotals::log_lines_refused);
  add("observationsDropped", "By the collector, whose spool was full.",
      &CollectorTotals::observations_dropped_from_spool);
  type.Add("observations", schema.NonNull(schema.Int()), "Taken in, resolved or not.",
           [get](const Source& source, FieldWriter& writer) {
             writer.Int(static_cast<int64_t>(get(source).observations));
           })
      .Add("refused", schema.NonNull(schema.ListOf(schema.NonNull(refused))), "",
           [get](const Source& source, FieldWriter& writer) {
             WriteRefused(writer, get(source).refused);
           });
}

const Type* AddCollector(Schema& schema, const Type* time, const Type* refused) {
  auto type = schema.AddObject<CollectorAccount>(
      "CollectorState", "What is known of a collector; what is counted is of its present life.");
  const Type* text = schema.NonNull(schema.String());
  type.Add("component", text, "sniffer, ...; graphql for all collectors of the original.",
           [](const CollectorAccount& account, FieldWriter& writer) {
             writer.String(account.name.component);
           })
      .Add("node", text, "",
           [](const CollectorAccount& account, FieldWriter& writer) {
             writer.String(account.name.node_name);
           })
      .Add("instance", text, "One life of the collector.",
           [](const CollectorAccount& account, FieldWriter& writer) {
             writer.String(account.name.instance_id);
           })
      .Add("connected", schema.NonNull(schema.Boolean()), "Its report stream is open.",
           [](const CollectorAccount& account, FieldWriter& writer) {
             writer.Bool(account.open_streams > 0);
           })
      .Add("firstContact", schema.NonNull(time), "",
           [](const CollectorAccount& account, FieldWriter& writer) {
             writer.String(FormatRfc3339(account.first_contact));
           })
      .Add("lastContact", schema.NonNull(time), "When the newest batch came.",
           [](const CollectorAccount& account, FieldWriter& writer) {
             writer.String(FormatRfc3339(account.last_contact));
           })
      .Add("clockOffsetSeconds", schema.Float(),
           "How far the mapper's clock is ahead of the collector's, the way of the newest batch "
           "included; null when the collector does not tell.",
           [](const CollectorAccount& account, FieldWriter& writer) {
             if (account.clock_offset) {
               writer.Float(std::chrono::duration<double>(*account.clock_offset).count());
             } else {
               writer.Null();
             }
           })
      .Add("notices", schema.NonNull(schema.ListOf(text)),
           "What the collector wants a person to know just now.",
           [](const CollectorAccount& account, FieldWriter& writer) {
             writer.BeginList();
             for (const std::string& notice : account.totals.notices) {
               writer.String(notice);
             }
             writer.EndList();
           });
  AddCounts(schema, type, refused,
            [](const CollectorAccount& account) -> const CollectorAccount& { return account; });
  return type.Get();
}

}  // namespace

const Type* AddCompletenessType(Schema& schema, const Type* time) {
  const Type* refused = AddRefused(schema);
  const Type* collector = AddCollector(schema, time, refused);
  auto type = schema.AddObject<Completeness>("Completeness", "How complete the map is.");
  type.Add("since", schema.NonNull(time), "Since when the map holds what was seen.",
           [](const Completeness& source, FieldWriter& writer) {
             writer.String(FormatRfc3339(source.since));
           })
      .Add("countedSince", schema.NonNull(time), "Since when losses and refusals are counted.",
           [](const Completeness& source, FieldWriter& writer) {
             writer.String(FormatRfc3339(source.counted_since));
           })
      .Add("nodes", schema.NonNull(schema.Int()), "Nodes of the cluster, as far as they are known.",
           [](const Completeness& source, FieldWriter& writer) {
             writer.Int(static_cast<int64_t>(source.nodes));
           })
      .Add("reportingNodes", schema.NonNull(schema.Int()), "Nodes with a connected sniffer.",
           [](const Completeness& source, FieldWriter& writer) {
             writer.Int(static_cast<int64_t>(source.reporting_nodes));
           })
      .Add("silentNodes", schema.NonNull(schema.ListOf(schema.NonNull(schema.String()))),
           "Nodes of the cluster without a connected sniffer.",
           [](const Completeness& source, FieldWriter& writer) {
             writer.BeginList();
             for (const std::string& node : source.silent_nodes) {
               writer.String(node);
             }
             writer.EndList();
           })
      .Add(
          "keptOut", schema.NonNull(schema.Int()),
          "Additions that a limit of the map kept out: connections, or topics, paths and the like.",
          [](const Completeness& source, FieldWriter& writer) {
            writer.Int(static_cast<int64_t>(source.kept_out));
          })
      .Add("collectors", schema.NonNull(schema.ListOf(schema.NonNull(collector))), "",
           [](const Completeness& source, FieldWriter& writer) {
             writer.BeginList();
             for (const CollectorAccount& account : source.collectors) {
               writer.Object(account);
             }
             writer.EndList();
           });
  AddCounts(schema, type, refused,
            [](const Completeness& source) -> const CollectorSums& { return source.sums; });
  return type.Get();
}

}  // namespace network_mapper
