#include "common/report/connection_remedy.h"

#include <string>

namespace network_mapper {

namespace {

// gRPC gives UNAVAILABLE for all of these; only the text, which comes from OpenSSL or gRPC's own
// check of names, tells them apart.
std::string_view UnavailableRemedy(const std::string& text, bool tls) {
  auto says = [&text](std::string_view part) { return text.find(part) != std::string::npos; };
  // The server's first bytes are HTTP/2 in the clear.
  if (says("wrong version number")) {
    return "the mapper speaks plain text and this client TLS: give the mapper --tls-cert-file and "
           "--tls-key-file, or leave out --tls-ca-file here";
  }
  if (says("is not in peer certificate")) {
    return "the mapper's certificate is for another name: set --tls-server-name to a name in it, "
           "or issue it for the name in --mapper-address";
  }
  if (says("Ssl handshake failed")) {
    return "the mapper's certificate is not accepted: check that --tls-ca-file holds the authority "
           "that issued it, that it has not expired, and both clocks";
  }
  if (says("shutting down")) {
    return "none is needed if the mapper was restarted: it is tried again until the next one is "
           "there";
  }
  if (says("token")) {
    return "the mapper cannot ask the API server whose token this is: see its log";
  }
  bool hung_up = says("Socket closed") || says("Connection reset");
  if (hung_up && says("failed to connect")) {
    return tls ? "the mapper hung up during the TLS handshake: it may demand a client certificate; "
                 "set --tls-cert-file and --tls-key-file, issued by its --tls-client-ca-file"
               : "the mapper hung up at once: it may expect TLS, then set --tls-ca-file; or too "
                 "many "
                 "connections are open, then its log says so";
  }
  return "check the mapper's address, that it runs, that network policies let this pod reach it, "
         "and that both sides use TLS or neither does";
}

}  // namespace

std::string_view ConnectionRemedy(const Status& outcome, bool tls) {
  switch (outcome.code()) {
    case StatusCode::kUnavailable:
    case StatusCode::kDeadlineExceeded:
      return UnavailableRemedy(StatusMessage(outcome), tls);
    case StatusCode::kUnauthenticated:
      return "set --token-file to a ServiceAccount token for the mapper's --token-audience; if the "
             "ServiceAccount was deleted and made anew, restart this pod, since its token is the "
             "old one's";
    case StatusCode::kPermissionDenied:
      return "name this collector's ServiceAccount in the mapper's --collector-service-accounts, "
             "and set --node-name to the node that it is on";
    case StatusCode::kUnimplemented:
    case StatusCode::kInvalidArgument:
      return "check the TLS files and the token, and that the mapper and this collector are of the "
             "same release";
    case StatusCode::kNotFound:
      return "check the paths of the TLS files and of the token";
    case StatusCode::kResourceExhausted:
      return "the mapper has reached a limit: give it more memory or raise its stream limit";
    default:
      return "see the mapper's log";
  }
}

}  // namespace network_mapper
