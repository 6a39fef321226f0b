#include "aws-visibility/iam/s3_target.h"

#include <fmt/format.h>

#include "aws-visibility/iam/request_text.h"
#include "aws-visibility/iam/transforms.h"

namespace network_mapper::aws {
namespace {

std::string_view OrStar(std::string_view text) {
  return text.empty() ? "*" : text;
}

// Part of an ARN that is put together from what the request says: once something cannot be told in
// an ARN, there is none.
class ArnText {
 public:
  ArnText& operator<<(std::string_view text) {
    text_ += text;
    return *this;
  }

  ArnText& Escaped(std::string_view text) {
    if (const std::optional<std::string> escaped = EscapeForArn(text)) {
      text_ += *escaped;
    } else {
      tellable_ = false;
    }
    return *this;
  }

  std::optional<std::string> Take() {
    return tellable_ ? std::optional<std::string>(std::move(text_)) : std::nullopt;
  }

 private:
  std::string text_;
  bool tellable_ = true;
};

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

std::optional<std::string> S3BucketArn(const S3Target& target, const ArnPlace& place) {
  const std::string_view partition = OrStar(place.partition);
  const std::string_view region = OrStar(place.region);
  const std::string_view account = OrStar(place.account);
  const std::string_view bucket = target.bucket;
  ArnText arn;
  arn << "arn:" << partition;
  switch (target.kind) {
    case S3Endpoint::kAccessPoint:
    case S3Endpoint::kObjectLambda: {
      const std::string_view own = AccountOfAccessPoint(bucket);
      arn << (target.kind == S3Endpoint::kAccessPoint ? ":s3:" : ":s3-object-lambda:") << region
          << ":" << (own.empty() ? account : own) << ":accesspoint/";
      return arn.Escaped(own.empty() ? bucket : bucket.substr(0, bucket.size() - 13)).Take();
    }
    case S3Endpoint::kGlobalAccessPoint:
      arn << ":s3::" << account << ":accesspoint/";
      return (arn.Escaped(bucket) << ".mrap").Take();
    case S3Endpoint::kOutposts: {
      const size_t dot = bucket.find('.');
      const std::string_view label = bucket.substr(0, dot);
      const std::string_view own = AccountOfAccessPoint(label);
      arn << ":s3-outposts:" << region << ":" << (own.empty() ? account : own) << ":outpost/";
      if (dot == std::string_view::npos) {
        arn << "*";
      } else {
        arn.Escaped(bucket.substr(dot + 1));
      }
      arn << (own.empty() ? "/bucket/" : "/accesspoint/");
      return arn.Escaped(own.empty() ? label : label.substr(0, label.size() - 13)).Take();
    }
    case S3Endpoint::kExpress:
    case S3Endpoint::kExpressControl:
      arn << ":s3express:" << region << ":" << account << ":bucket/";
      break;
    case S3Endpoint::kBuckets:
      arn << ":s3:::";
      break;
  }
  return bucket.empty() ? (arn << "*").Take() : arn.Escaped(bucket).Take();
}

namespace {

// `key`: as ARNs have it; nullopt: it cannot be told.
std::optional<std::string> ObjectArn(const S3Target& target, const std::optional<std::string>& key,
                                     const ArnPlace& place) {
  const bool is_bucket = target.kind == S3Endpoint::kBuckets ||
                         target.kind == S3Endpoint::kExpress ||
                         target.kind == S3Endpoint::kExpressControl;
  std::optional<std::string> bucket = S3BucketArn(target, place);
  // An object lambda's permission is on the access point.
  if (!bucket || target.kind == S3Endpoint::kObjectLambda) {
    return bucket;
  }
  return key ? *bucket + (is_bucket ? "/" : "/object/") + *key : key;
}

}  // namespace

std::optional<std::string> S3ObjectArn(const S3Target& target, std::string_view key,
                                       const ArnPlace& place) {
  return ObjectArn(target, key.empty() ? std::nullopt : EscapeForArn(key), place);
}

std::optional<std::string> S3ObjectsArn(const S3Target& target, const ArnPlace& place) {
  return ObjectArn(target, "*", place);
}

std::optional<CopySource> ReadCopySource(std::string_view header, const ArnPlace& place) {
  CopySource source;
  const size_t question = header.rfind("?versionId=");
  source.has_version = question != std::string_view::npos;
  const std::string path = PercentDecode(header.substr(0, question));
  std::string_view text = path;
  if (IsArn(text)) {
    source.arn = EscapeForArn(text);
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
