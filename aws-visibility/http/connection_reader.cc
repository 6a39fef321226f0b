#include "aws-visibility/http/connection_reader.h"

#include <utility>

#include "aws-visibility/http/http1_connection.h"
#include "aws-visibility/http/http2_connection.h"

namespace network_mapper::aws {

namespace {

// An HTTP/2 server may send its settings before the client has sent anything.
constexpr size_t kMostEarlyBytes = size_t{16} * 1024;

// Whether a connection that begins with it may be HTTP. Empty lines and blanks at the beginning
// are for the reader to refuse: some servers would skip them.
bool MayBeHttp(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return (byte >= 0x20 && byte < 0x7f) || first == '\r' || first == '\n' || first == '\t';
}

}  // namespace

ConnectionReader::~ConnectionReader() {
  if (protocol_ != nullptr) {
    protocol_->BreakOff();
  }
}

Reading ConnectionReader::Note(Reading reading) {
  const size_t pending = from_client_.capacity() + from_server_.capacity() +
                         (protocol_ != nullptr ? protocol_->Pending() : 0);
  if (reading == Reading::kFollowed && !charge_.Set(pending)) {
    reading = Reading::kNoRoom;
  }
  if (reading != Reading::kFollowed && protocol_ != nullptr) {
    protocol_->BreakOff();
    protocol_.reset();
  }
  return reading;
}

Reading ConnectionReader::FromClient(std::string_view bytes) {
  // What comes whole now is paid for by those who keep it.
  charge_.Set(0);
  if (protocol_ != nullptr) {
    return Note(protocol_->FromClient(bytes));
  }
  if (bytes.empty()) {
    return Note(Reading::kFollowed);
  }
  from_client_.append(bytes);
  if (!MayBeHttp(from_client_.front())) {
    return Reading::kNotHttp;
  }
  return kHttp2Preface.starts_with(from_client_) && from_client_.size() < kHttp2Preface.size()
             ? Note(Reading::kFollowed)
             : Choose();
}

Reading ConnectionReader::Choose() {
  const std::string client = std::exchange(from_client_, {});
  const std::string server = std::exchange(from_server_, {});
  std::string_view rest = client;
  if (rest.starts_with(kHttp2Preface)) {
    rest.remove_prefix(kHttp2Preface.size());
    protocol_ = std::make_unique<Http2Connection>(listener_, budget_);
  } else {
    protocol_ = std::make_unique<Http1Connection>(listener_, budget_);
  }
  Reading reading = server.empty() ? Reading::kFollowed : protocol_->FromServer(server);
  if (reading == Reading::kFollowed) {
    reading = protocol_->FromClient(rest);
  }
  return Note(reading);
}

Reading ConnectionReader::FromServer(std::string_view bytes) {
  charge_.Set(0);
  if (protocol_ != nullptr) {
    const Reading reading = protocol_->FromServer(bytes);
    // Nothing that an endpoint sends closes a connection.
    return Note(IsRefusal(reading) ? Reading::kUnreadable : reading);
  }
  from_server_.append(bytes);
  return Note(from_server_.size() > kMostEarlyBytes ? Reading::kNotHttp : Reading::kFollowed);
}

void ConnectionReader::EndOfServer() {
  if (protocol_ != nullptr) {
    protocol_->EndOfServer();
  }
}

bool ConnectionReader::Idle() const {
  return protocol_ != nullptr ? protocol_->Idle() : from_client_.empty();
}

}  // namespace network_mapper::aws
