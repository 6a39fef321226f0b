// What is kept of one request and its answer until the listener is told of them.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "aws-visibility/http/exchange_listener.h"
#include "aws-visibility/http/head_text.h"
#include "aws-visibility/http/keep_budget.h"

namespace network_mapper::aws {

class KeptExchange {
 public:
  // Null when there is no room for the head, of which the listener is told. Both must outlive it.
  static std::shared_ptr<KeptExchange> Create(HeadText request, ExchangeListener& listener,
                                              KeepBudget& budget);
  KeptExchange(ExchangeListener& listener, KeepBudget& budget);
  KeptExchange(const KeptExchange&) = delete;
  KeptExchange& operator=(const KeptExchange&) = delete;
  ~KeptExchange() = default;

  void AddRequestBody(std::string_view bytes);
  void EndRequest();
  // The final answer's, not that of an interim one.
  void SetResponse(HeadText response);
  void AddResponseBody(std::string_view bytes);
  // Tells the listener, whatever is known by then.
  void EndResponse();
  // There will be no more of either.
  void BreakOff();

 private:
  struct Message {
    explicit Message(KeepBudget& budget) : body(budget) {}

    HeadText head;
    KeptBytes body;
    size_t need = 0;
    bool ended = false;
    // The body had more than was kept.
    bool cut = false;

    bool Satisfied() const { return ended || cut || body.View().size() >= need; }

    Body Kept() const { return {.bytes = body.View(), .complete = ended && !cut}; }
  };

  RequestHead Request(const std::vector<Header>& headers) const;
  void Add(Message& message, std::string_view bytes);
  void TellIfDue();
  void Tell();

  ExchangeListener& listener_;
  KeptBytes request_text_;
  KeptBytes response_text_;
  Message request_;
  Message response_;
  bool answered_ = false;
  bool told_ = false;
};

}  // namespace network_mapper::aws
