// Header blocks of one direction of an HTTP/2 connection (RFC 7541, RFC 9113 8). One thread at a
// time.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "aws-visibility/http/head_text.h"
#include "aws-visibility/http/reading.h"

struct nghttp2_hd_inflater;

namespace network_mapper::aws {

// Of a dynamic table; a larger one is not followed.
inline constexpr size_t kLargestHeaderTable = size_t{64} * 1024;

class HeaderDecoder {
 public:
  HeaderDecoder();

  struct Block {
    // kAmbiguous: malformed. kLargeHead: larger than the limit when decoded, or
    // of too many fields.
    Reading reading = Reading::kFollowed;
    HeadText head;
  };

  // Every block in its order, since they build on each other; nothing more after a reading that is
  // not kFollowed.
  Block Decode(std::string_view block, size_t limit);

  // The receiver of the blocks allows so much, as its acknowledged settings say.
  bool SetTableSize(size_t bytes);

 private:
  struct Free {
    void operator()(nghttp2_hd_inflater* inflater) const;
  };

  std::unique_ptr<nghttp2_hd_inflater, Free> inflater_;
};

}  // namespace network_mapper::aws
