#include "aws-visibility/http/header_decoder.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <new>

#include <nghttp2/nghttp2.h>

namespace network_mapper::aws {

namespace {

std::string_view Text(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// RFC 9113 8.2.1, and RFC 9110 5.1: at least one character, none in upper case.
bool IsFieldName(std::string_view name) {
  if (name.starts_with(':')) {
    name.remove_prefix(1);
  }
  return IsToken(name) &&
         std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// One field more; false: it must not be there.
bool Append(std::string_view name, std::string_view value, HeadText& head) {
  if (!IsFieldName(name) || !IsFieldValue(value)) {
    return false;
  }
  const Slice name_slice{.begin = static_cast<uint32_t>(head.text.size()),
                         .size = static_cast<uint32_t>(name.size())};
  head.text.append(name);
  const Slice slice{.begin = static_cast<uint32_t>(head.text.size()),
                    .size = static_cast<uint32_t>(value.size())};
  head.text.append(value);
  if (!name.starts_with(':')) {
    head.fields.push_back({.name = name_slice, .value = slice});
    if (name == "host" && head.host.size == 0) {
      head.host = slice;
    }
    return true;
  }
  // RFC 9113 8.3: they come first, each once.
  if (!head.fields.empty()) {
    return false;
  }
  if (name == ":status") {
    return head.status == 0 &&
           std::from_chars(value.data(), value.data() + value.size(), head.status).ptr ==
               value.data() + value.size();
  }
  Slice* const place = name == ":method"      ? &head.method
                       : name == ":path"      ? &head.target
                       : name == ":authority" ? &head.host
                                              : nullptr;
  if (place == nullptr) {
    return true;
  }
  const bool first = place->size == 0;
  *place = slice;
  return first;
}

}  // namespace

void HeaderDecoder::Free::operator()(nghttp2_hd_inflater* inflater) const {
  nghttp2_hd_inflate_del(inflater);
}

HeaderDecoder::HeaderDecoder() {
  nghttp2_hd_inflater* inflater = nullptr;
  if (nghttp2_hd_inflate_new(&inflater) != 0) {
    throw std::bad_alloc();
  }
  inflater_.reset(inflater);
}

HeaderDecoder::Block HeaderDecoder::Decode(std::string_view block, size_t limit) {
  Block decoded;
  size_t size = 0;
  const auto* next = reinterpret_cast<const uint8_t*>(block.data());
  size_t left = block.size();
  while (true) {
    nghttp2_nv field{};
    int flags = 0;
    const ssize_t used = nghttp2_hd_inflate_hd2(inflater_.get(), &field, &flags, next, left, 1);
    if (used < 0) {
      return {.reading = Reading::kAmbiguous, .head = {}};
    }
    next += used;
    left -= static_cast<size_t>(used);
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      // RFC 9113 6.5.2 counts like this; so many small fields are large, too.
      constexpr size_t kOverhead = 32;
      size += field.namelen + field.valuelen + kOverhead;
      if (size > limit || decoded.head.fields.size() == kMostFields) {
        return {.reading = Reading::kLargeHead, .head = {}};
      }
      if (!Append(Text(field.name, field.namelen), Text(field.value, field.valuelen),
                  decoded.head)) {
        return {.reading = Reading::kAmbiguous, .head = {}};
      }
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
      nghttp2_hd_inflate_end_headers(inflater_.get());
      return decoded;
    }
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && left == 0) {
      return {.reading = Reading::kAmbiguous, .head = {}};
    }
  }
}

bool HeaderDecoder::SetTableSize(size_t bytes) {
  return bytes <= kLargestHeaderTable &&
         nghttp2_hd_inflate_change_table_size(inflater_.get(), bytes) == 0;
}

}  // namespace network_mapper::aws
