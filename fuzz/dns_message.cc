// DNS responses: no crash, and an answer keeps the promises of DnsAnswer.
#include "sniffer/dns/dns_message.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using network_mapper::sniffer::DnsOutcome;
  network_mapper::sniffer::DnsResponseParser parser;
  if (parser.Parse({data, size}) != DnsOutcome::kAnswer) {
    return 0;
  }
  const network_mapper::sniffer::DnsAnswer& answer = parser.Answer();
  if (answer.name.empty() || answer.name.size() >= network_mapper::sniffer::kMaxDnsNameBytes ||
      answer.addresses.empty() ||
      answer.addresses.size() > network_mapper::sniffer::kMaxDnsAnswerRecords) {
    std::abort();
  }
  for (char c : answer.name) {
    if (c <= ' ' || c > '~' || (c >= 'A' && c <= 'Z')) {
      std::abort();
    }
  }
  return 0;
}
