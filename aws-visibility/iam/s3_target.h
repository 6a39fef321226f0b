// Which bucket, access point or object a request to S3 is about.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aws-visibility/iam/endpoint.h"

namespace network_mapper::aws {

struct S3Target {
  S3Endpoint kind = S3Endpoint::kBuckets;
  // As it stands in the host or path.
  std::string bucket;
  // Decoded; without the slash that divides it from the bucket. Empty: the bucket itself.
  std::string key;
};

// `path`: raw.
S3Target ReadS3Target(const Endpoint& endpoint, std::string_view path);

// What takes the place of unknown parts is "*"; partition, region and account may be empty.
struct ArnPlace {
  std::string_view partition;
  std::string_view region;
  std::string_view account;
};

// Nullopt: a name has letters that no ARN can have, or the object has no name.
std::optional<std::string> S3BucketArn(const S3Target& target, const ArnPlace& place);
std::optional<std::string> S3ObjectArn(const S3Target& target, std::string_view key,
                                       const ArnPlace& place);
// Of all objects in the bucket.
std::optional<std::string> S3ObjectsArn(const S3Target& target, const ArnPlace& place);

struct CopySource {
  // Nullopt: as above.
  std::optional<std::string> arn;
  bool has_version = false;
};

// Of the header x-amz-copy-source: [/]bucket/key[?versionId=ID], percent-encoded, or an access
// point's ARN with /object/key.
std::optional<CopySource> ReadCopySource(std::string_view header, const ArnPlace& place);

}  // namespace network_mapper::aws
