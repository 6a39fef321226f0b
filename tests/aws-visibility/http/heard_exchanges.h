// A listener that writes down what it hears, for tests of readers.
#pragma once

#include <malloc.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "aws-visibility/http/exchange_listener.h"

namespace network_mapper::aws {

// Of this process. Sanitizers say 0.
inline size_t AllocatedBytes() {
  return mallinfo2().uordblks;
}

class HeardExchanges final : public ExchangeListener {
 public:
  bool MayPass(std::string_view host) override { return only_host.empty() || host == only_host; }

  BodyNeeds NeedsOf(const RequestHead&) override { return needs; }

  // "POST host /target [body] -> 200 [body]"; a body of which there is more ends in "...".
  void OnExchange(const RequestHead& head, const Body& body, const ResponseHead& response,
                  const Body& response_body) override {
    all.push_back(std::string(head.method) + " " + std::string(head.host) + " " +
                  std::string(head.target) + " " + Text(body) + " -> " +
                  std::to_string(response.status) + " " + Text(response_body));
    fields.clear();
    for (const Header& header : head.headers) {
      fields.push_back(std::string(header.name) + "=" + std::string(header.value));
    }
  }

  void OnLoss(Loss loss) override { losses.push_back(loss); }

  // Empty: any.
  std::string only_host;
  BodyNeeds needs{.request = 16, .response = 16};
  std::vector<std::string> all;
  // Of the last request.
  std::vector<std::string> fields;
  std::vector<Loss> losses;

 private:
  static std::string Text(const Body& body) {
    return "[" + std::string(body.bytes) + (body.complete ? "]" : "...]");
  }
};

}  // namespace network_mapper::aws
