#include "tests/faults/cluster.h"

#include <httplib.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/time/time_text.h"
#include "tests/support/test_paths.h"

namespace network_mapper::faults {

namespace {

using nlohmann::json;

constexpr const char* kNamespace = "shop";
constexpr size_t kYoungWorkloads = 8;
constexpr size_t kYoungAddresses = 60;
constexpr std::chrono::seconds kGrace{30};

std::string Seconds(Time time) {
  return FormatRfc3339(std::chrono::floor<std::chrono::seconds>(time));
}

std::string Uid(const std::string& name) {
  return fmt::format("5eed0000-0000-4000-8000-{:012x}",
                     std::hash<std::string>()(name) & 0xffffffffffffULL);
}

json Owner(const char* kind, const std::string& name) {
  return json::array({{{"apiVersion", "apps/v1"},
                       {"kind", kind},
                       {"name", name},
                       {"uid", Uid(kind + name)},
                       {"controller", true}}});
}

json ContainerStatuses(const char* state, json times) {
  return json::array({{{"name", "a"}, {"state", {{state, std::move(times)}}}}});
}

json PodObject(const Pod& pod) {
  json object = {{"apiVersion", "v1"}, {"kind", "Pod"}};
  object["metadata"] = {{"name", pod.name},
                        {"namespace", kNamespace},
                        {"uid", Uid(pod.name)},
                        {"creationTimestamp", Seconds(pod.started)},
                        {"ownerReferences", Owner("ReplicaSet", pod.workload + "-1")}};
  object["spec"]["nodeName"] = "node-1";
  object["spec"]["containers"] = json::array({{{"name", "a"}, {"image", "b:1"}}});
  object["status"] = {
      {"phase", "Running"}, {"podIP", pod.address}, {"startTime", Seconds(pod.started)}};
  object["status"]["podIPs"] = json::array({{{"ip", pod.address}}});
  object["status"]["containerStatuses"] =
      ContainerStatuses("running", {{"startedAt", Seconds(pod.started)}});
  return object;
}

Pod StayingPod(const char* role, int network, size_t number) {
  const std::string workload = fmt::format("{}-{}", role, number);
  return {.workload = workload,
          .name = workload + "-1-a",
          .address = fmt::format("10.1.{}.{}", network, number + 1),
          .started = Time(std::chrono::seconds(1'700'000'000))};
}

}  // namespace

bool Cluster::AddWorkload(const std::string& name) {
  json deployment = {
      {"apiVersion", "apps/v1"},
      {"kind", "Deployment"},
      {"metadata", {{"name", name}, {"namespace", kNamespace}, {"uid", Uid("Deployment" + name)}}}};
  json replica_set = deployment;
  replica_set["kind"] = "ReplicaSet";
  replica_set["metadata"] = {{"name", name + "-1"},
                             {"namespace", kNamespace},
                             {"uid", Uid("ReplicaSet" + name + "-1")},
                             {"ownerReferences", Owner("Deployment", name)}};
  return Apply(deployment.dump()) && Apply(replica_set.dump());
}

bool Cluster::StartPod(const Pod& pod) {
  return Apply(PodObject(pod).dump());
}

bool Cluster::EndPod(const Pod& pod, Time finished) {
  json object = PodObject(pod);
  object["metadata"]["deletionTimestamp"] = Seconds(finished + kGrace);
  object["metadata"]["deletionGracePeriodSeconds"] = kGrace.count();
  object["status"]["containerStatuses"] = ContainerStatuses(
      "terminated",
      {{"exitCode", 0}, {"startedAt", Seconds(pod.started)}, {"finishedAt", Seconds(finished)}});
  return Apply(object.dump()) && DeletePod(pod.name);
}

Pod StayingClient(size_t number) {
  return StayingPod("client", 0, number);
}

Pod StayingServer(size_t number) {
  return StayingPod("server", 1, number);
}

Pod YoungPod(size_t number) {
  const std::string workload = fmt::format("young-{}", number % kYoungWorkloads);
  return {.workload = workload,
          .name = fmt::format("{}-1-{}", workload, number),
          .address = fmt::format("10.1.2.{}", number % kYoungAddresses + 1),
          .started = Clock::System().Now()};
}

bool AddStayingPods(Cluster& cluster) {
  bool fine = true;
  for (size_t number = 0; number < kStayingPods; ++number) {
    for (const Pod& pod : {StayingClient(number), StayingServer(number)}) {
      fine = fine && cluster.AddWorkload(pod.workload) && cluster.StartPod(pod);
    }
  }
  for (size_t number = 0; number < kYoungWorkloads; ++number) {
    fine = fine && cluster.AddWorkload(YoungPod(number).workload);
  }
  return fine;
}

StandInCluster::StandInCluster(stand_in::ObjectStore& objects)
    : objects_(objects), pods_(*objects.TypeByPath("", "v1", "pods")) {}

bool StandInCluster::Apply(const std::string& object) {
  return objects_.Apply(object).ok();
}

bool StandInCluster::DeletePod(const std::string& name) {
  return objects_.Delete(pods_, {kNamespace, name}).ok();
}

ProcessCluster::ProcessCluster(std::filesystem::path directory)
    : directory_(std::move(directory)) {}

bool ProcessCluster::Start() {
  // Far beyond what the last life has handed out.
  constexpr size_t kVersionsPerLife = 1'000'000;
  std::lock_guard lock(mutex_);
  const std::filesystem::path objects = directory_ / "objects.yaml";
  std::ofstream file(objects);
  for (const auto& [key, object] : objects_) {
    file << object << "\n---\n";
  }
  file.close();
  server_ = std::make_unique<ChildProcess>(
      std::vector<std::string>{(BuildDirectory() / "bin/kube_stand_in").string(),
                               "--port=" + std::to_string(port_), "--load=" + objects.string(),
                               "--first-version=" + std::to_string(kVersionsPerLife * ++starts_)},
      directory_ / "kube_stand_in.log");
  httplib::Client client(Url());
  for (int tries = 0; tries < 1000 && server_->IsRunning(); ++tries) {
    if (client.Get("/version")) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

bool ProcessCluster::Apply(const std::string& object) {
  std::lock_guard lock(mutex_);
  const json parsed = json::parse(object);
  const std::string key =
      parsed["kind"].get<std::string>() + "/" + parsed["metadata"]["name"].get<std::string>();
  if (server_ != nullptr) {
    httplib::Client client(Url());
    const httplib::Result answer = client.Post("/stand-in/apply", object, "application/json");
    if (!answer || answer->status != 200) {
      return false;
    }
  }
  objects_[key] = object;
  return true;
}

bool ProcessCluster::DeletePod(const std::string& name) {
  std::lock_guard lock(mutex_);
  httplib::Client client(Url());
  const httplib::Result answer =
      client.Delete(fmt::format("/api/v1/namespaces/{}/pods/{}", kNamespace, name));
  if (!answer || answer->status != 200) {
    return false;
  }
  objects_.erase("Pod/" + name);
  return true;
}

}  // namespace network_mapper::faults
