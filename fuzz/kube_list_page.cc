// A LIST page from a hostile server.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/kube/api_error.h"
#include "common/kube/discovery.h"
#include "common/kube/lease.h"
#include "common/kube/list_page.h"
#include "common/kube/token_review.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace kube = network_mapper::kube;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string body(text);
  size_t bytes = 0;
  const auto page =
      kube::ReadListPage(body, [&bytes](std::string_view item) { bytes += item.size(); });
  if (page.ok() && bytes > size) {
    __builtin_trap();
  }
  (void)kube::ParseApiStatus(text);
  (void)kube::ParseObjectMetadata(text);
  (void)kube::ParseResourceList(text);
  (void)kube::ParseTokenReview(text, "network-mapper");
  if (const auto lease = kube::ParseLease(text); lease.ok()) {
    // What is written is what was read.
    const auto again = kube::ParseLease(kube::EncodeLease(*lease, "ns", "name"));
    if (!again.ok() || again->transitions != lease->transitions ||
        again->duration != lease->duration) {
      __builtin_trap();
    }
  }
  return 0;
}
