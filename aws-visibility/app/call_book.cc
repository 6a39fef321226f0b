#include "aws-visibility/app/call_book.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace network_mapper::aws {

namespace {

Counter& Calls(MetricsRegistry& registry, RecognitionResult result) {
  return registry.AddCounter("network_mapper_aws_calls_total",
                             "Calls that went through the proxy, by what they were recognised as.",
                             {{"result", std::string(RecognitionResultName(result))}});
}

Counter& Answers(MetricsRegistry& registry, std::string_view answer) {
  return registry.AddCounter(
      "network_mapper_aws_answers_total",
      "Calls that need a permission, by the answer; failed: with another error than a denial.",
      {{"answer", std::string(answer)}});
}

bool IsS3(std::string_view arn) {
  return arn.find(":s3:::") != std::string_view::npos;
}

std::string KeyOf(const ObservedCall& call, const std::string& resource, const Access& access) {
  const Recognition& recognition = call.recognition;
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", call.client.ToString(), resource,
                     fmt::join(access.actions, ","), recognition.region, recognition.role,
                     recognition.Succeeded());
}

}  // namespace

CallBookMetrics::CallBookMetrics(MetricsRegistry& registry)
    : calls{&Calls(registry, RecognitionResult::kRecognized),
            &Calls(registry, RecognitionResult::kUnknownOperation),
            &Calls(registry, RecognitionResult::kNeedsNoPermission),
            &Calls(registry, RecognitionResult::kUnknownService),
            &Calls(registry, RecognitionResult::kMalformed)},
      answers{&Answers(registry, "none"), &Answers(registry, "succeeded"),
              &Answers(registry, "denied"), &Answers(registry, "failed")},
      truncated(registry.AddCounter(
          "network_mapper_aws_truncated_calls_total",
          "Calls whose resource stood beyond what is read of a body; it is shown as *.")),
      folded(registry.AddCounter(
          "network_mapper_aws_folded_calls_total",
          "Accesses to resources that are shown as one, since a client uses so many alike.")),
      dropped(registry.AddCounter(
          "network_mapper_aws_dropped_calls_total",
          "Accesses that are not on the map: too many different ones between two reports.")) {}

std::string FamilyOf(std::string_view arn) {
  // arn:partition:service:region:account:resource
  size_t resource = 0;
  for (int part = 0; part < 5; ++part) {
    const size_t colon = arn.find(':', resource);
    if (colon == std::string_view::npos) {
      return "";
    }
    resource = colon + 1;
  }
  const bool of_s3 = arn.find(":s3:::") < resource;
  const size_t last = of_s3 ? arn.find('/', resource) : arn.find_last_of("/:");
  if (last == std::string_view::npos || last < resource) {
    return "";
  }
  std::string family = fmt::format("{}*", arn.substr(0, last + 1));
  return family == arn ? "" : family;
}

CallBook::CallBook(CallBookLimits limits, CallBookMetrics& metrics, const Clock& clock)
    : limits_(limits), metrics_(metrics), clock_(clock) {}

void CallBook::OnCall(ObservedCall call) {
  const Recognition& recognition = call.recognition;
  metrics_.calls[static_cast<size_t>(recognition.result)]->Increment();
  if (recognition.truncated) {
    metrics_.truncated.Increment();
  }
  if (recognition.accesses.empty()) {
    return;
  }
  metrics_.answers[static_cast<size_t>(recognition.answer)]->Increment();
  pages_.With([&](Pages& pages) {
    for (const Access& access : recognition.accesses) {
      Add(pages, call, access);
    }
  });
}

std::string CallBook::FoldedResource(Client& client, const std::string& resource) const {
  std::string family = FamilyOf(resource);
  if (family.empty()) {
    return resource;
  }
  const size_t most = IsS3(resource) ? limits_.exact_objects : limits_.exact_resources;
  const uint64_t member = std::hash<std::string>{}(resource);
  const auto found = client.families.find(family);
  if (found != client.families.end() && found->second.contains(member)) {
    return resource;
  }
  if (found != client.families.end() && found->second.size() >= most) {
    metrics_.folded.Increment();
    return family;
  }
  if (client.members < limits_.members) {
    ++client.members;
    client.families[family].insert(member);
  }
  return resource;
}

void CallBook::Add(Pages& pages, const ObservedCall& call, const Access& access) const {
  const Recognition& recognition = call.recognition;
  Client& client = pages.clients[call.client];
  client.last_call = std::max(client.last_call, call.time);
  std::string resource =
      recognition.Succeeded() ? FoldedResource(client, access.resource) : access.resource;
  std::string key = KeyOf(call, resource, access);
  const auto found = pages.observations.find(key);
  if (found != pages.observations.end()) {
    Observation& known = found->second;
    ++known.count;
    known.first_seen = std::min(known.first_seen, call.time);
    known.last_seen = std::max(known.last_seen, call.time);
    return;
  }
  // The key has all texts.
  size_t& bytes = recognition.Succeeded() ? client.used_bytes : client.attempted_bytes;
  const size_t most = recognition.Succeeded() ? limits_.used_bytes : limits_.attempted_bytes;
  if (bytes + key.size() > most || pages.bytes + key.size() > limits_.bytes) {
    metrics_.dropped.Increment();
    return;
  }
  bytes += key.size();
  pages.bytes += key.size();
  Observation observation;
  observation.collector = Collector::kAws;
  observation.first_seen = call.time;
  observation.last_seen = call.time;
  observation.client.ip = call.client;
  observation.target = AwsTarget{.resource_arn = std::move(resource),
                                 .actions = access.actions,
                                 .iam_role = recognition.role,
                                 .client_name = "",
                                 .client_namespace = "",
                                 .region = recognition.region,
                                 .allowed = recognition.Succeeded()};
  pages.observations.emplace(std::move(key), std::move(observation));
}

std::vector<Observation> CallBook::Take() {
  std::unordered_map<std::string, Observation> taken = pages_.With([&](Pages& pages) {
    const Time old = clock_.Now() - limits_.memory;
    std::erase_if(pages.clients, [&](const auto& each) { return each.second.last_call < old; });
    for (auto& [address, client] : pages.clients) {
      client.used_bytes = 0;
      client.attempted_bytes = 0;
    }
    pages.bytes = 0;
    return std::exchange(pages.observations, {});
  });
  std::vector<Observation> observations;
  observations.reserve(taken.size());
  for (auto& [key, observation] : taken) {
    observations.push_back(std::move(observation));
  }
  return observations;
}

}  // namespace network_mapper::aws
