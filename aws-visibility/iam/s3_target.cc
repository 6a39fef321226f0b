#include "aws-visibility/iam/s3_target.h"

#include <fmt/format.h>

#include "aws-visibility/iam/request_text.h"
#include "aws-visibility/iam/transforms.h"

namespace network_mapper::aws {
namespace {

std::string_view OrStar(std::string_view text) {
  return text.empty() ? "*" : text;
}

std::string Escaped(std::string_view text) {
  return EscapeForArn(text).value_or("*");
}

// "name-123456789012"
std::string_view AccountOfAccessPoint(std::string_view label) {
  return label.size() > 13 && IsAccount(label.substr(label.size() - 12))
             ? label.substr(label.size() - 12)
             : std::string_view();
}

}  // namespace

S3Target ReadS3Target(const Endpoint& endpoint, std::string_view path) {
  S3Target target;
  target.kind = endpoint.s3;
  if (path.starts_with('/')) {
    path.remove_prefix(1);
  }
  if (!endpoint.before.empty()) {
    target.bucket = endpoint.before;
    target.key = PercentDecode(path);
    return target;
  }
  const size_t slash = path.find('/');
  target.bucket = PercentDecode(path.substr(0, slash));
  target.key = slash == std::string_view::npos ? "" : PercentDecode(path.substr(slash + 1));
  return target;
}

std::string S3BucketArn(const S3Target& target, const ArnPlace& place) {
  const std::string_view partition = OrStar(place.partition);
  const std::string_view region = OrStar(place.region);
  const std::string_view account = OrStar(place.account);
  const std::string_view bucket = target.bucket;
  switch (target.kind) {
    case S3Endpoint::kAccessPoint:
    case S3Endpoint::kObjectLambda: {
      const std::string_view own = AccountOfAccessPoint(bucket);
      const std::string_view name = own.empty() ? bucket : bucket.substr(0, bucket.size() - 13);
      return fmt::format("arn:{}:{}:{}:{}:accesspoint/{}", partition,
                         target.kind == S3Endpoint::kAccessPoint ? "s3" : "s3-object-lambda",
                         region, own.empty() ? account : own, Escaped(name));
    }
    case S3Endpoint::kGlobalAccessPoint:
      return fmt::format("arn:{}:s3::{}:accesspoint/{}.mrap", partition, account, Escaped(bucket));
    case S3Endpoint::kOutposts: {
      const size_t dot = bucket.find('.');
      const std::string_view label = bucket.substr(0, dot);
      const std::string_view outpost = dot == std::string_view::npos ? "*" : bucket.substr(dot + 1);
      const std::string_view own = AccountOfAccessPoint(label);
      return fmt::format("arn:{}:s3-outposts:{}:{}:outpost/{}/{}/{}", partition, region,
                         own.empty() ? account : own, outpost,
                         own.empty() ? "bucket" : "accesspoint",
                         Escaped(own.empty() ? label : label.substr(0, label.size() - 13)));
    }
    case S3Endpoint::kExpress:
    case S3Endpoint::kExpressControl:
      return fmt::format("arn:{}:s3express:{}:{}:bucket/{}", partition, region, account,
                         bucket.empty() ? "*" : Escaped(bucket));
    case S3Endpoint::kBuckets:
      break;
  }
  return fmt::format("arn:{}:s3:::{}", partition, bucket.empty() ? "*" : Escaped(bucket));
}

std::string S3ObjectArn(const S3Target& target, std::string_view key, const ArnPlace& place) {
  const bool is_bucket = target.kind == S3Endpoint::kBuckets ||
                         target.kind == S3Endpoint::kExpress ||
                         target.kind == S3Endpoint::kExpressControl;
  // An object lambda's permission is on the access point.
  if (target.kind == S3Endpoint::kObjectLambda) {
    return S3BucketArn(target, place);
  }
  return fmt::format("{}{}{}", S3BucketArn(target, place), is_bucket ? "/" : "/object/",
                     key.empty() ? "*" : Escaped(key));
}

std::optional<CopySource> ReadCopySource(std::string_view header, const ArnPlace& place) {
  CopySource source;
  const size_t question = header.rfind("?versionId=");
  source.has_version = question != std::string_view::npos;
  const std::string path = PercentDecode(header.substr(0, question));
  std::string_view text = path;
  if (IsArn(text)) {
    const std::optional<std::string> escaped = EscapeForArn(text);
    if (!escaped) {
      return std::nullopt;
    }
    source.arn = *escaped;
    return source;
  }
  if (text.starts_with('/')) {
    text.remove_prefix(1);
  }
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos || slash == 0) {
    return std::nullopt;
  }
  S3Target target;
  target.bucket = text.substr(0, slash);
  source.arn = S3ObjectArn(target, text.substr(slash + 1), place);
  return source;
}

}  // namespace network_mapper::aws
