// What follows one version of HTTP on a connection, both ways.
#pragma once

#include <cstddef>
#include <string_view>

#include "aws-visibility/http/reading.h"

namespace network_mapper::aws {

class ProtocolReader {
 public:
  virtual ~ProtocolReader() = default;
  // Anything but kFollowed is the last word of both directions.
  virtual Reading FromClient(std::string_view bytes) = 0;
  virtual Reading FromServer(std::string_view bytes) = 0;
  // The server sends no more, which ends an answer of unknown length.
  virtual void EndOfServer() = 0;
  // The connection is over, or is not read any further: what is known is told.
  virtual void BreakOff() = 0;
  // As KeptExchange's, of all exchanges.
  virtual bool DropStill() = 0;
  // No request is under way.
  virtual bool Idle() const = 0;
  // Bytes that are kept of what has not come whole, both ways.
  virtual size_t Pending() const = 0;
};

}  // namespace network_mapper::aws
