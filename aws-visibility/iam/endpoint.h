// What a host name says: service, region, partition, and what stands before the service.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "aws-visibility/iam/table.h"

namespace network_mapper::aws {

enum class EndpointKind : uint8_t {
  kNone,
  // service.region.suffix
  kRegional,
  // service.suffix
  kGlobal,
  // Any of the shapes that S3 has.
  kS3,
};

// A host name in lower case, without port and trailing dot; at most 253 bytes.
class HostName {
 public:
  // Empty when it is too long.
  explicit HostName(std::string_view host);
  HostName(const HostName&) = delete;
  HostName& operator=(const HostName&) = delete;

  std::string_view Text() const { return {buffer_, size_}; }

 private:
  // Only its first size_ bytes are ever read.
  char buffer_[254];
  size_t size_ = 0;
};

enum class S3Endpoint : uint8_t {
  kBuckets,
  kAccessPoint,
  // An access point of all regions; `resource` is its alias.
  kGlobalAccessPoint,
  kObjectLambda,
  kOutposts,
  kExpress,
  kExpressControl,
};

// Views into the HostName.
struct Endpoint {
  EndpointKind kind = EndpointKind::kNone;
  std::string_view partition;
  std::string_view region;
  // Who answers there; several may share a name.
  std::span<const NamedService> services;
  // What stands before the service: an account, a bucket with its dots.
  std::string_view before;
  S3Endpoint s3 = S3Endpoint::kBuckets;
};

Endpoint ReadEndpoint(const HostName& host);

// "aws-us-gov" of "us-gov-west-1"; empty when it is no region.
std::string_view PartitionOfRegion(std::string_view region);

}  // namespace network_mapper::aws
