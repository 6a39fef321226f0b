// Follows both directions of an HTTP/2 connection and puts requests and answers together (RFC
// 9113). It only looks: flow control and errors are the two ends' own. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "aws-visibility/http/header_decoder.h"
#include "aws-visibility/http/http2_frames.h"
#include "aws-visibility/http/kept_exchange.h"
#include "aws-visibility/http/protocol_reader.h"

namespace network_mapper::aws {

// What an HTTP/2 client sends first.
inline constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

class Http2Connection final : public ProtocolReader {
 public:
  // Both must outlive this.
  Http2Connection(ExchangeListener& listener, KeepBudget& budget)
      : listener_(listener), budget_(budget) {}

  // After the preface.
  Reading FromClient(std::string_view bytes) override { return client_.frames.Take(bytes); }

  Reading FromServer(std::string_view bytes) override;

  void EndOfServer() override {}

  void BreakOff() override;

  bool DropStill() override;

  bool Idle() const override { return streams_.empty() && client_.frames.BetweenFrames(); }

  size_t Pending() const override { return client_.Pending() + server_.Pending(); }

 private:
  struct Stream {
    std::shared_ptr<KeptExchange> exchange;
    bool answered = false;
  };

  // One direction.
  class Side final : public Http2Frames::Handler {
   public:
    Side(Http2Connection& connection, bool is_client)
        : connection_(connection), is_client_(is_client) {}

    Reading OnHeaderBlock(uint32_t stream, std::string_view block, bool ends_stream,
                          bool promise) override;
    void OnData(uint32_t stream, std::string_view bytes) override;
    void OnStreamEnd(uint32_t stream) override;
    void OnReset(uint32_t stream) override;
    Reading OnSettings(std::string_view payload, bool acknowledgement) override;

    size_t Pending() const;

    Http2Frames frames{*this};
    HeaderDecoder headers;
    // Of each SETTINGS frame that this side sent and the other did not acknowledge: the sizes that
    // it allows the other's header table, in their order.
    std::vector<std::vector<uint32_t>> table_sizes;

   private:
    Http2Connection& connection_;
    const bool is_client_;
  };

  Reading TakeRequest(uint32_t stream, HeadText head, bool ends_stream);
  void TakeResponse(uint32_t stream, HeadText head, bool ends_stream);
  KeptExchange* Find(uint32_t stream);
  void EndRequest(uint32_t stream);
  void EndResponse(uint32_t stream);

  ExchangeListener& listener_;
  KeepBudget& budget_;
  std::unordered_map<uint32_t, Stream> streams_;
  // Of the client's streams.
  uint32_t last_stream_ = 0;
  Side client_{*this, true};
  Side server_{*this, false};
};

}  // namespace network_mapper::aws
