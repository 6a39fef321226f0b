// An HTTP/2 server on a stream of tls_peers.h, by nghttp2: answers every request with 200 and the
// body that it had.
#pragma once

#include "tests/aws-visibility/proxy/tls_peers.h"

namespace network_mapper::aws {

// Until the client ends.
void ServeHttp2(PeerStream& stream);

}  // namespace network_mapper::aws
