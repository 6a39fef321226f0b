// The cluster of a fault's stage: workloads with a pod each that stays, and pods that come and go.
// Its API server is a stand-in, in this process or, so that it can be killed, in one of its own.
#pragma once

#include <csignal>
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "common/net/ip_address.h"
#include "common/time/clock.h"
#include "tests/support/child_process.h"
#include "tests/support/kube_stand_in/kube_stand_in.h"

namespace network_mapper::faults {

struct Pod {
  std::string workload;
  std::string name;
  std::string address;
  Time started;

  IpAddress Ip() const { return *IpAddress::Parse(address); }
};

// Thread-safe. A change is false when the API server is away.
class Cluster {
 public:
  Cluster() = default;
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;
  virtual ~Cluster() = default;

  bool AddWorkload(const std::string& name);
  bool StartPod(const Pod& pod);
  // As the kubelet tells it: the deletion was asked for, the container ended, the object is gone.
  bool EndPod(const Pod& pod, Time finished);

 private:
  virtual bool Apply(const std::string& object) = 0;
  virtual bool DeletePod(const std::string& name) = 0;
};

inline constexpr size_t kStayingPods = 16;
// Pod `number` of those that only call, and of those that are only called.
Pod StayingClient(size_t number);
Pod StayingServer(size_t number);
// Those, and the workloads of YoungPod.
bool AddStayingPods(Cluster& cluster);
// The `number`th pod that comes and goes, from now on: of one of few workloads, with an address
// that others had before.
Pod YoungPod(size_t number);

class StandInCluster final : public Cluster {
 public:
  explicit StandInCluster(stand_in::ObjectStore& objects);

 private:
  bool Apply(const std::string& object) override;
  bool DeletePod(const std::string& name) override;

  stand_in::ObjectStore& objects_;
  stand_in::ResourceType pods_;
};

// Remembers its objects over the API server's end, as etcd does.
class ProcessCluster final : public Cluster {
 public:
  explicit ProcessCluster(std::filesystem::path directory);

  // False: it does not begin to serve.
  bool Start();

  void Kill() { server_->End(SIGKILL); }

  std::string Url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  bool Apply(const std::string& object) override;
  bool DeletePod(const std::string& name) override;

  const std::filesystem::path directory_;
  const uint16_t port_ = FreePort();
  std::mutex mutex_;
  // By kind and name.
  std::map<std::string, std::string> objects_;
  std::unique_ptr<ChildProcess> server_;
  size_t starts_ = 0;
};

}  // namespace network_mapper::faults
