// One HTTP request on a stream: cpp-httplib parses it and writes the answer, our handler makes the
// answer. Used by HttpServer only; include it in .cc files.
#pragma once

#include <httplib.h>

#include "common/http/http_server.h"
#include "common/http/request_stream.h"

namespace network_mapper {

// Thread-safe. cpp-httplib's own accept loop, thread pool and timeouts are not used: they bound
// each read instead of the request, and nothing at all beside the body.
class RequestParser final : private httplib::Server {
 public:
  // `options` must outlive this.
  RequestParser(const HttpServerOptions& options, HttpHandler handler);

  // Reads a request, answers it and returns whether the connection may stay open.
  bool ServeOne(RequestStream& stream);

 private:
  // The status with which a request is refused before its body is read; 0: none.
  int Refusal(const httplib::Request& request) const;
  // Calls the handler; an exception becomes 500.
  void Answer(const httplib::Request& request, std::string body, httplib::Response& response);
  void AnswerWithBody(const httplib::Request& request, httplib::Response& response,
                      const httplib::ContentReader& read_content);

  const HttpServerOptions& options_;
  HttpHandler handler_;
};

}  // namespace network_mapper
