// What the fuzz targets of the AWS proxy's HTTP readers share: both directions of a connection, cut
// into parts, with checks that hold for any bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "aws-visibility/http/connection_reader.h"

namespace network_mapper::aws {

class CheckingListener final : public ExchangeListener {
 public:
  static constexpr size_t kNeed = 100;

  BodyNeeds NeedsOf(const RequestHead& head) override {
    Touch(head.headers);
    return {.request = kNeed, .response = kNeed};
  }

  void OnExchange(const RequestHead& head, const Body& body, const ResponseHead& response,
                  const Body& response_body) override {
    ++told;
    Touch(head.headers);
    Touch(response.headers);
    if (body.bytes.size() > kNeed || response_body.bytes.size() > kNeed || response.status < 0) {
      std::abort();
    }
    sum += Sum(head.method) + Sum(head.host) + Sum(head.target) + Sum(body.bytes) +
           Sum(response_body.bytes) + static_cast<size_t>(response.status) +
           (body.complete ? 3U : 0U);
  }

  void OnLoss(Loss) override {}

  size_t told = 0;
  // Of all that was told.
  size_t sum = 0;

 private:
  static size_t Sum(std::string_view text) {
    size_t sum = text.size();
    for (const char c : text) {
      sum = sum * 31 + static_cast<unsigned char>(c);
    }
    return sum;
  }

  void Touch(std::span<const Header> headers) {
    for (const Header& header : headers) {
      sum += Sum(header.name) + Sum(header.value);
    }
  }
};

struct FuzzedConnection {
  Reading client = Reading::kFollowed;
  Reading server = Reading::kFollowed;
  size_t told = 0;
  size_t sum = 0;
};

// `prefix` comes before the client's bytes; `room` is what may be kept. The client sends all before
// the server answers. `slow`: so slowly that bodies seem to stand still.
inline FuzzedConnection ReadConnection(std::string_view prefix, std::string_view from_client,
                                       std::string_view from_server, size_t part, size_t room,
                                       bool slow = false) {
  FuzzedConnection result;
  KeepBudget budget(room);
  CheckingListener listener;
  {
    ConnectionReader reader(listener, budget);
    if (!prefix.empty()) {
      reader.FromClient(prefix);
    }
    while (!from_client.empty() && result.client == Reading::kFollowed) {
      result.client = reader.FromClient(from_client.substr(0, part));
      if (slow && reader.DropStill() && reader.DropStill()) {
        std::abort();
      }
      from_client.remove_prefix(std::min(part, from_client.size()));
    }
    while (!from_server.empty() && result.client == Reading::kFollowed &&
           result.server == Reading::kFollowed) {
      result.server = reader.FromServer(from_server.substr(0, part));
      if (slow && reader.DropStill() && reader.DropStill()) {
        std::abort();
      }
      from_server.remove_prefix(std::min(part, from_server.size()));
    }
    if (result.client == Reading::kFollowed && result.server == Reading::kFollowed) {
      reader.EndOfServer();
    }
  }
  if (budget.Used() != 0 || IsRefusal(result.server)) {
    std::abort();
  }
  result.told = listener.told;
  result.sum = listener.sum;
  return result;
}

// The input: the size of the parts, then what the client sends, a byte 0xff twice, and what the
// server sends. However it is cut, it means the same.
inline void CheckConnection(std::string_view prefix, const uint8_t* data, size_t size) {
  if (size < 2) {
    return;
  }
  constexpr std::string_view kBorder = "\xff\xff";
  constexpr size_t kWhole = size_t{1} << 24U;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t border = bytes.find(kBorder);
  const std::string_view client = bytes.substr(0, border);
  const std::string_view server =
      border == std::string_view::npos ? std::string_view() : bytes.substr(border + kBorder.size());
  // More than one connection can fill: how much is kept of what is still coming depends on the cut.
  constexpr size_t kRoom = size_t{256} << 20U;
  constexpr size_t kLittleRoom = size_t{16} << 10U;
  const size_t part = std::max<size_t>(data[0], 1);
  const FuzzedConnection whole = ReadConnection(prefix, client, server, kWhole, kRoom);
  const FuzzedConnection cut = ReadConnection(prefix, client, server, part, kRoom);
  ReadConnection(prefix, client, server, part, kLittleRoom, true);
  // How far a refused input was followed depends on how it was cut, what was told does not.
  if (whole.client != cut.client || whole.server != cut.server || whole.told != cut.told) {
    std::abort();
  }
}

}  // namespace network_mapper::aws
