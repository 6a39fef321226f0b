#include "common/net/cidr.h"

#include <charconv>
#include <vector>

#include <fmt/format.h>

namespace network_mapper {

namespace {

IpAddress Masked(const IpAddress& address, unsigned prefix_length) {
  std::span<const uint8_t> source = address.Bytes();
  std::vector<uint8_t> bytes(source.begin(), source.end());
  for (size_t i = 0; i < bytes.size(); ++i) {
    unsigned first_bit = static_cast<unsigned>(i) * 8;
    if (first_bit >= prefix_length) {
      bytes[i] = 0;
    } else if (first_bit + 8 > prefix_length) {
      unsigned kept = prefix_length - first_bit;
      bytes[i] = static_cast<uint8_t>(bytes[i] & (0xFFU << (8 - kept)));
    }
  }
  return IpAddress::FromBytes(bytes).value_or(address);
}

}  // namespace

std::optional<Cidr> Cidr::Make(const IpAddress& address, unsigned prefix_length) {
  if (prefix_length > address.Bytes().size() * 8) {
    return std::nullopt;
  }
  return Cidr(Masked(address, prefix_length), prefix_length);
}

std::optional<Cidr> Cidr::Parse(std::string_view text) {
  size_t slash = text.find('/');
  std::optional<IpAddress> address = IpAddress::Parse(text.substr(0, slash));
  if (!address) {
    return std::nullopt;
  }
  if (slash == std::string_view::npos) {
    return Make(*address, static_cast<unsigned>(address->Bytes().size() * 8));
  }
  std::string_view length_text = text.substr(slash + 1);
  unsigned prefix_length = 0;
  auto [end, error] =
      std::from_chars(length_text.data(), length_text.data() + length_text.size(), prefix_length);
  if (error != std::errc() || length_text.empty() ||
      end != length_text.data() + length_text.size()) {
    return std::nullopt;
  }
  return Make(*address, prefix_length);
}

bool Cidr::Contains(const IpAddress& address) const {
  return address.IsV4() == network_.IsV4() && Masked(address, prefix_length_) == network_;
}

std::string Cidr::ToString() const {
  return fmt::format("{}/{}", network_.ToString(), prefix_length_);
}

}  // namespace network_mapper
