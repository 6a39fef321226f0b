#include "tests/support/kube_stand_in/log_requests.h"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "common/time/time_text.h"
#include "tests/support/kube_stand_in/answers.h"
#include "tests/support/kube_stand_in/request_words.h"

namespace network_mapper::stand_in {

namespace {

// False breaks the connection.
bool WriteBytes(LogStream& stream, httplib::DataSink& sink) {
  if (!sink.is_writable()) {
    return false;
  }
  std::string bytes;
  const LogStream::Next next = stream.Read(kStreamSlice, bytes);
  if (!bytes.empty() && !sink.write(bytes.data(), bytes.size())) {
    return false;
  }
  if (next == LogStream::Next::kEnd) {
    sink.done();
  }
  return next != LogStream::Next::kBreak;
}

}  // namespace

void AnswerLog(const httplib::Request& request, const RequestPath& path, const ObjectStore& store,
               PodLogs& logs, const std::function<bool()>& stopping, httplib::Response& response) {
  const auto pods = store.TypeByPath("", "v1", "pods");
  if (store.Get(*pods, {path.name_space, path.name}) == nullptr) {
    AnswerError(response, NotFound("pods \"{}\" not found", path.name));
    return;
  }
  LogRequest wanted;
  wanted.container = {path.name_space, path.name, request.get_param_value("container")};
  wanted.follow = IsTrue(request, "follow");
  wanted.previous = IsTrue(request, "previous");
  wanted.timestamps = IsTrue(request, "timestamps");
  if (request.has_param("sinceTime")) {
    wanted.since = ParseRfc3339(request.get_param_value("sinceTime"));
  }
  if (wanted.container.container.empty() || request.has_param("sinceTime") != !!wanted.since) {
    AnswerError(response, 400, "BadRequest", "a container name and a valid time are needed");
    return;
  }
  const auto stream = std::make_shared<LogStream>(logs, std::move(wanted));
  if (const auto& refusal = stream->Refusal()) {
    if (refusal->code == 204) {
      response.status = 204;
    } else {
      AnswerError(response, refusal->code, "BadRequest", refusal->message);
    }
    return;
  }
  response.status = 200;
  // No type that the HTTP library would compress: that would hold lines back.
  response.set_chunked_content_provider("application/octet-stream",
                                        [stream, stopping](size_t, httplib::DataSink& sink) {
                                          return !stopping() && WriteBytes(*stream, sink);
                                        });
}

void WriteLog(const httplib::Request& request, PodLogs& logs) {
  const ContainerKey key{request.get_param_value("namespace"), request.get_param_value("pod"),
                         request.get_param_value("container")};
  std::string_view text = request.body;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    logs.Write(key, std::chrono::system_clock::now(), text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

}  // namespace network_mapper::stand_in
