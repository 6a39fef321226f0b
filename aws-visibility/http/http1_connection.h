// Follows both directions of an HTTP/1.1 connection and puts requests and answers together. One
// thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aws-visibility/http/http1_reader.h"
#include "aws-visibility/http/kept_exchange.h"
#include "aws-visibility/http/protocol_reader.h"

namespace network_mapper::aws {

class Http1Connection final : public ProtocolReader {
 public:
  // Both must outlive this.
  Http1Connection(ExchangeListener& listener, KeepBudget& budget)
      : listener_(listener), budget_(budget) {}

  Reading FromClient(std::string_view bytes) override { return requests_.Take(bytes); }

  Reading FromServer(std::string_view bytes) override { return responses_.Take(bytes); }

  void EndOfServer() override { responses_.End(); }

  void BreakOff() override;

  bool DropStill() override;

  bool Idle() const override { return waiting_.empty() && requests_.BetweenMessages(); }

  size_t Pending() const override { return requests_.Pending() + responses_.Pending(); }

 private:
  // A request whose answer has not ended.
  struct Waiting {
    bool is_head = false;
    // Null: not kept.
    std::shared_ptr<KeptExchange> exchange;
  };

  class RequestHandler final : public Http1Reader::Handler {
   public:
    explicit RequestHandler(Http1Connection& connection) : connection_(connection) {}

    Reading OnHead(std::string text, BodyFraming& framing) override;
    void OnBody(std::string_view bytes) override;
    void OnMessageEnd() override;

   private:
    Http1Connection& connection_;
    // What is coming belongs to it, also when its answer has ended before.
    std::shared_ptr<KeptExchange> exchange_;
  };

  class ResponseHandler final : public Http1Reader::Handler {
   public:
    explicit ResponseHandler(Http1Connection& connection) : connection_(connection) {}

    Reading OnHead(std::string text, BodyFraming& framing) override;
    void OnBody(std::string_view bytes) override;
    void OnMessageEnd() override;

   private:
    Http1Connection& connection_;
    bool interim_ = false;
  };

  ExchangeListener& listener_;
  KeepBudget& budget_;
  // In the order of the requests; mostly one, so that a deque's first block would be waste.
  std::vector<Waiting> waiting_;
  RequestHandler request_handler_{*this};
  ResponseHandler response_handler_{*this};
  Http1Reader requests_{request_handler_};
  Http1Reader responses_{response_handler_};
};

}  // namespace network_mapper::aws
