// Looks on while a connection's bytes go by, finds out by the first of them which HTTP it speaks,
// and tells a listener of requests and answers. It changes nothing; but it says when bytes must not
// go on. One thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "aws-visibility/http/exchange_listener.h"
#include "aws-visibility/http/keep_budget.h"
#include "aws-visibility/http/protocol_reader.h"
#include "aws-visibility/http/reading.h"

namespace network_mapper::aws {

class ConnectionReader {
 public:
  // Both must outlive this.
  ConnectionReader(ExchangeListener& listener, KeepBudget& budget)
      : listener_(listener), budget_(budget), charge_(budget) {}

  ConnectionReader(const ConnectionReader&) = delete;
  ConnectionReader& operator=(const ConnectionReader&) = delete;
  // Tells of what is under way.
  ~ConnectionReader();

  // To be called before the bytes go on, in the order in which they do. After anything but
  // kFollowed both directions are over.
  Reading FromClient(std::string_view bytes);
  Reading FromServer(std::string_view bytes);
  void EndOfServer();

  // What there is of bodies that have not come whole, and of which nothing came since the last
  // call, is kept no longer. Whether to call it again without bytes having gone by.
  bool DropStill() { return protocol_ != nullptr && protocol_->DropStill(); }

  // No request is under way.
  bool Idle() const;

 private:
  Reading Choose();
  Reading Note(Reading reading);

  ExchangeListener& listener_;
  KeepBudget& budget_;
  KeptCharge charge_;
  std::unique_ptr<ProtocolReader> protocol_;
  // Until the protocol is known.
  std::string from_client_;
  std::string from_server_;
};

}  // namespace network_mapper::aws
