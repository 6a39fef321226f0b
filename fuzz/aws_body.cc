// The readers of bodies: JSON, CBOR, forms, XML. No crash, and what is found is bounded.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "aws-visibility/iam/body_readers.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace aws = network_mapper::aws;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (const auto read : {aws::ReadJson, aws::ReadCbor, aws::ReadForm, aws::ReadXml}) {
    aws::FieldValue values[5];
    aws::WantedFields wanted;
    wanted.Want("TableName", {}, values[0]);
    wanted.Want("RequestItems.*", {}, values[1]);
    wanted.Want("Entries[].EventBusName", {}, values[2]);
    wanted.Want("TransactItems[].Put.TableName", {}, values[3]);
    wanted.Want("tags", "Tag", values[4]);
    if (!read(body, wanted)) {
      wanted.Cut();
    }
    for (const aws::FieldValue& value : values) {
      if (value.values.size() > aws::WantedFields::kMostValues) {
        std::abort();
      }
      for (const std::string& text : value.values) {
        if (text.size() > aws::WantedFields::kMostValueBytes) {
          std::abort();
        }
      }
    }
  }
  size_t at = 0;
  while (aws::ReadXmlText(body, "Code", at)) {
  }
  for (const std::string_view list : {"Responses", "Entries"}) {
    aws::ReadJsonElements(body, list, [&](std::string_view element) {
      if (element.empty()) {
        std::abort();
      }
    });
  }
  for (const std::string_view root : {"Delete", "DeleteResult"}) {
    aws::ReadS3Objects(body, root, [&](const aws::S3ObjectPart& part) {
      if (body.find(part.raw) == std::string_view::npos || !part.raw.ends_with('>')) {
        std::abort();
      }
    });
  }
  return 0;
}
