// GET .../pods/<name>/log over HTTP: sends the bytes of a LogStream as they come.
#pragma once

#include <httplib.h>

#include <functional>

#include "tests/support/kube_stand_in/object_store.h"
#include "tests/support/kube_stand_in/pod_logs.h"
#include "tests/support/kube_stand_in/request_path.h"

namespace network_mapper::stand_in {

// Answers at once; the bytes follow from the connection's thread, until `stopping` says so. 404 for
// a pod that is not in the store. The container has to be named. All must outlive the answer.
void AnswerLog(const httplib::Request& request, const RequestPath& path, const ObjectStore& store,
               PodLogs& logs, const std::function<bool()>& stopping, httplib::Response& response);

// POST /stand-in/log: each line of the body is written by the container that the query names, now.
void WriteLog(const httplib::Request& request, PodLogs& logs);

}  // namespace network_mapper::stand_in
