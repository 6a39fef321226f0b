// One page of a LIST answer (apimachinery meta/v1 ListMeta), taken apart without building a tree of
// it. Used by ObjectWatch. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "common/status/status.h"

namespace network_mapper::kube {

struct ListPage {
  std::string resource_version;
  // Empty on the last page.
  std::string continue_token;
  size_t items = 0;
};

// Calls `on_item` with each item's JSON, in order; the view is valid during the call. Items may
// have been delivered when an error is returned. `body` may grow in capacity, not in content.
StatusOr<ListPage> ReadListPage(std::string& body,
                                const std::function<void(std::string_view)>& on_item);

}  // namespace network_mapper::kube
