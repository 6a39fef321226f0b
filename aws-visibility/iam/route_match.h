// URI templates of the table against requests.
#pragma once

#include <span>
#include <string_view>
#include <tuple>

#include "aws-visibility/iam/exchange.h"
#include "aws-visibility/iam/table.h"

namespace network_mapper::aws {

struct RouteRequest {
  Method method = Method::kGet;
  // Raw.
  std::string_view path;
  std::string_view query;
  std::span<const Header> headers;
  // The first label of templates, where it is not in the path: S3's buckets in host names.
  std::string_view first_label;
};

struct RouteMatch {
  // Empty: none.
  std::string_view operation;
  // What makes one match better than another: literal query keys, literal characters, fewer labels,
  // more other conditions.
  std::tuple<int, int, int, int> rank;
};

// The best match of a service's routes; its labels in `labels`. What a client says that it calls
// (x-id, in queries of Smithy's) is not asked: no service does.
RouteMatch MatchRoutes(const ServiceRow& service, const RouteRequest& request,
                       std::span<std::string_view> labels);

}  // namespace network_mapper::aws
