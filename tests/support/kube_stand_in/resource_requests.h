// The resources of a store over HTTP: get, list, watch and the verbs that write.
#pragma once

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "tests/support/kube_stand_in/fault_plan.h"
#include "tests/support/kube_stand_in/list_pages.h"
#include "tests/support/kube_stand_in/object_store.h"
#include "tests/support/kube_stand_in/request_path.h"
#include "tests/support/kube_stand_in/watch_requests.h"

namespace network_mapper::stand_in {

class ResourceRequests {
 public:
  // Both must outlive this.
  ResourceRequests(ObjectStore& store, WatchRequests& watches,
                   std::chrono::milliseconds bookmark_interval)
      : store_(store), watches_(watches), bookmark_interval_(bookmark_interval), pages_(store) {}

  // `fault`: how the answer shall be broken.
  void Handle(const httplib::Request& request, const RequestPath& path, const std::string& verb,
              const std::optional<Fault>& fault, httplib::Response& response);

  uint64_t Lists() const { return lists_; }

 private:
  void Get(const httplib::Request& request, const RequestPath& path, const ResourceType& type,
           const std::optional<Fault>& fault, httplib::Response& response) const;
  void List(const httplib::Request& request, const RequestPath& path, const ResourceType& type,
            const std::optional<Fault>& fault, httplib::Response& response);
  void Watch(const httplib::Request& request, const RequestPath& path, const ResourceType& type,
             const std::optional<Fault>& fault, httplib::Response& response);
  void Write(const httplib::Request& request, const RequestPath& path, const ResourceType& type,
             const std::string& verb, httplib::Response& response);

  ObjectStore& store_;
  WatchRequests& watches_;
  const std::chrono::milliseconds bookmark_interval_;
  ListPages pages_;
  std::atomic<uint64_t> lists_{0};
};

}  // namespace network_mapper::stand_in
