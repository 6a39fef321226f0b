// What is kept of one request and its answer until the listener is told of them. All of it is paid
// for from the budget: texts, where the fields in them are, bodies, and a sum for the rest.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
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
  // What there is of a body that has not come whole, and of which nothing came since the last call,
  // is kept no longer. Whether there is more of that kind to be asked for again.
  bool DropStill();

 private:
  struct Message {
    HeadText head;
    std::string body;
    size_t need = 0;
    bool ended = false;
    // The body had more than was kept.
    bool cut = false;
    // For the body.
    size_t paid = 0;
    // Some of it came since it was looked whether it does.
    bool moved = false;

    bool Satisfied() const { return ended || cut || body.size() >= need; }

    void GiveBackMemory();

    Body Kept() const { return {.bytes = body, .complete = ended && !cut}; }
  };

  RequestHead Request(const std::vector<Header>& headers) const;
  // False: there is no room for so much more of a body.
  bool Append(Message& message, std::string_view bytes);
  bool DropStill(Message& message);
  void Add(Message& message, std::string_view bytes);
  void TellIfDue();
  void Tell();
  // The listener is told no more of it: without a body that was to be read, a call would say less
  // than what it names, and so seem to be one on anything.
  void GiveUp();

  ExchangeListener& listener_;
  KeptSum heads_;
  KeptSum bodies_;
  Message request_;
  Message response_;
  bool answered_ = false;
  bool told_ = false;
};

}  // namespace network_mapper::aws
