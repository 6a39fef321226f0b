#include "mapper/app/cluster_wide_collectors.h"

#include <unistd.h>

#include <array>
#include <random>
#include <utility>

#include <fmt/format.h>

namespace network_mapper {

namespace {

// One thread each.
void RunCollectors(const std::vector<ClusterWideCollectors::Collector>& collectors,
                   const std::stop_token& stop) {
  std::vector<std::jthread> threads;
  threads.reserve(collectors.size());
  for (const ClusterWideCollectors::Collector& collector : collectors) {
    threads.emplace_back([&collector, &stop] { collector(stop); });
  }
}

}  // namespace

ClusterWideCollectors::ClusterWideCollectors(std::vector<Collector> collectors)
    : alone_([collectors = std::move(collectors)](const std::stop_token& stop) {
        RunCollectors(collectors, stop);
      }) {}

ClusterWideCollectors::ClusterWideCollectors(std::vector<Collector> collectors,
                                             kube::LeaseElectionOptions lease,
                                             kube::LeaseElection::Dependencies dependencies) {
  election_.emplace(std::move(lease), dependencies,
                    [collectors = std::move(collectors)](const std::stop_token& stop) {
                      RunCollectors(collectors, stop);
                    });
}

ClusterWideCollectors::~ClusterWideCollectors() {
  Stop();
}

void ClusterWideCollectors::Stop() {
  if (election_) {
    election_->Stop();
  } else if (alone_.joinable()) {
    alone_.request_stop();
    alone_.join();
  }
}

Status ClusterWideCollectors::Health() const {
  return election_ ? election_->State().last_error : OkStatus();
}

bool ClusterWideCollectors::AnotherLeads() const {
  return election_ && election_->State().another_leads;
}

std::string ClusterWideCollectors::Leader() const {
  if (!election_) {
    return "this mapper leads";
  }
  const std::string holder = election_->State().holder;
  return holder.empty() ? "nobody leads" : holder + " leads";
}

std::string LeaseIdentity() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  std::random_device random;
  return fmt::format("{}_{:08x}{:08x}", host.data(), random(), random());
}

}  // namespace network_mapper
