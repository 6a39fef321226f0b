#include "tests/aws-visibility/proxy/http2_peer.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>

#include <nghttp2/nghttp2.h>

namespace network_mapper::aws {

namespace {

struct EchoedBody {
  std::string bytes;
  size_t sent = 0;
};

using EchoedBodies = std::map<int32_t, EchoedBody>;

ssize_t ReadEchoed(nghttp2_session*, int32_t, uint8_t* buffer, size_t length, uint32_t* flags,
                   nghttp2_data_source* source, void*) {
  auto& body = *static_cast<EchoedBody*>(source->ptr);
  const size_t part = std::min(length, body.bytes.size() - body.sent);
  std::memcpy(buffer, body.bytes.data() + body.sent, part);
  body.sent += part;
  if (body.sent == body.bytes.size()) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
  }
  return static_cast<ssize_t>(part);
}

int OnEchoedChunk(nghttp2_session*, uint8_t, int32_t stream, const uint8_t* data, size_t length,
                  void* bodies) {
  (*static_cast<EchoedBodies*>(bodies))[stream].bytes.append(reinterpret_cast<const char*>(data),
                                                             length);
  return 0;
}

int OnEchoedFrame(nghttp2_session* session, const nghttp2_frame* frame, void* bodies) {
  if ((frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) ||
      (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) {
    return 0;
  }
  std::string name = ":status";
  std::string value = "200";
  nghttp2_nv status{.name = reinterpret_cast<uint8_t*>(name.data()),
                    .value = reinterpret_cast<uint8_t*>(value.data()),
                    .namelen = name.size(),
                    .valuelen = value.size(),
                    .flags = 0};
  nghttp2_data_provider provider{};
  provider.source.ptr = &(*static_cast<EchoedBodies*>(bodies))[frame->hd.stream_id];
  provider.read_callback = ReadEchoed;
  return nghttp2_submit_response(session, frame->hd.stream_id, &status, 1, &provider);
}

}  // namespace

void ServeHttp2(PeerStream& stream) {
  EchoedBodies bodies;
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, OnEchoedChunk);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, OnEchoedFrame);
  nghttp2_session* session = nullptr;
  nghttp2_session_server_new(&session, callbacks, &bodies);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, nullptr, 0);
  while (true) {
    const uint8_t* out = nullptr;
    ssize_t size = 0;
    while ((size = nghttp2_session_mem_send(session, &out)) > 0) {
      stream.Send({reinterpret_cast<const char*>(out), static_cast<size_t>(size)});
    }
    const std::string bytes = stream.ReceiveSome();
    if (bytes.empty() ||
        nghttp2_session_mem_recv(session, reinterpret_cast<const uint8_t*>(bytes.data()),
                                 bytes.size()) < 0) {
      break;
    }
  }
  nghttp2_session_del(session);
}

}  // namespace network_mapper::aws
