#include "aws-visibility/iam/field_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "aws-visibility/iam/body_readers.h"
#include "aws-visibility/iam/grants.h"
#include "aws-visibility/iam/request_text.h"
#include "aws-visibility/iam/signature.h"
#include "aws-visibility/iam/transforms.h"

namespace network_mapper::aws {
namespace {

void Set(FieldValue& field, std::string value) {
  field.present = true;
  field.values.push_back(std::move(value));
}

void Set(FieldValue& field, std::optional<std::string> arn) {
  if (arn) {
    Set(field, *std::move(arn));
  } else {
    field.untellable = true;
  }
}

// False when it is there, and not written as the protocol says.
bool ReadBody(const Body& body, BodyKind kind, WantedFields& wanted) {
  // With JSON belongs what has URI templates; some of those services speak XML.
  const size_t start = body.bytes.find_first_not_of("\xEF\xBB\xBF \t\r\n");
  const bool is_xml =
      kind == BodyKind::kJson && start != std::string_view::npos && body.bytes[start] == '<';
  const bool whole = is_xml                    ? ReadXml(body.bytes, wanted)
                     : kind == BodyKind::kForm ? ReadForm(body.bytes, wanted)
                     : kind == BodyKind::kCbor ? ReadCbor(body.bytes, wanted)
                                               : ReadJson(body.bytes, wanted);
  if (!body.complete && !(whole && kind != BodyKind::kForm)) {
    wanted.Cut();
  }
  return whole || !body.complete || body.bytes.empty();
}

// A field of the table.
struct FieldText {
  explicit FieldText(std::string_view text)
      : kind(text.empty() ? ' ' : text.front()), name(text.substr(text.empty() ? 0 : 1)) {
    // No path has an empty segment for its label.
    required = kind == 'u' || name.starts_with('!');
    name.remove_prefix(name.starts_with('!') ? 1 : 0);
  }

  char kind;
  std::string_view name;
  bool required = false;
};

bool IsMissing(const FieldValue& field) {
  return field.values.empty() ? !field.cut
                              : std::any_of(field.values.begin(), field.values.end(),
                                            [](const std::string& value) { return value.empty(); });
}

}  // namespace

FieldReader::FieldReader(const HeadFacts& facts, const Identity& identity,
                         const ResponseHead& response)
    : facts_(facts), identity_(identity), response_(response) {
  const std::string_view texts = identity.operation->fields;
  if (!texts.empty()) {
    fields_.resize(1 + static_cast<size_t>(std::count(texts.begin(), texts.end(), ' ')));
  }
}

void FieldReader::Read(const Body& body, const Body& response_body) {
  WantedFields in_request;
  WantedFields in_response;
  std::string_view texts = identity_.operation->fields;
  for (FieldValue& field : fields_) {
    const FieldText text(TakePiece(texts, ' '));
    if (text.kind == 'b') {
      const size_t form = text.name.find('~');
      in_request.Want(
          text.name.substr(0, form),
          form == std::string_view::npos ? std::string_view() : text.name.substr(form + 1), field);
    } else if (text.kind == 'r') {
      in_response.Want(text.name, {}, field);
    } else {
      ReadFromHead(text.kind, text.name, field);
    }
  }
  bool is_read = true;
  bool is_answer_read = true;
  if (!in_request.Empty()) {
    // With Action in the query, the rest is there.
    const bool is_form = identity_.body == BodyKind::kForm;
    const bool in_query = is_form && identity_.form.data() == facts_.query.data();
    is_read = ReadBody(in_query ? Body{.bytes = identity_.form, .complete = true} : body,
                       identity_.body, in_request);
  }
  if (!in_response.Empty()) {
    is_answer_read = ReadBody(response_body, identity_.body, in_response);
  }
  texts = identity_.operation->fields;
  for (FieldValue& field : fields_) {
    const FieldText text(TakePiece(texts, ' '));
    if (text.required || (text.kind == 'b' && !is_read)) {
      field.untellable = field.untellable || IsMissing(field);
    } else if (text.kind == 'r') {
      field.unread = !is_answer_read && field.values.empty();
    }
  }
}

void FieldReader::ReadPlaced(const ArnPlace& place, const Body& body, AnswerMemory& memory) {
  std::string_view texts = identity_.operation->fields;
  for (FieldValue& field : fields_) {
    const std::string_view text = TakePiece(texts, ' ');
    field.escaped = text.starts_with('s') || text.starts_with('m');
    if (text.starts_with('s')) {
      ReadS3(text.substr(1), place, body, field);
    } else if (text.starts_with('m')) {
      // mkind:letter
      const size_t colon = text.find(':');
      const size_t source = FieldIndex(text.back(), fields_.size());
      if (source < fields_.size() && !fields_[source].values.empty()) {
        if (auto arn = memory.Recall(text.substr(1, colon - 1), fields_[source].values.front())) {
          Set(field, std::move(*arn));
        }
      }
    }
  }
}

std::string FieldReader::Account() const {
  for (const FieldValue& field : fields_) {
    for (const std::string& value : field.values) {
      const std::string_view account = ArnPart(value, 4);
      if (IsAccount(account)) {
        return std::string(account);
      }
      if (value.starts_with("https://")) {
        const std::optional<std::string> arn = Transform("queue", value, {});
        if (arn && IsAccount(ArnPart(*arn, 4))) {
          return std::string(ArnPart(*arn, 4));
        }
      }
    }
  }
  return {};
}

void FieldReader::ReadFromHead(char kind, std::string_view name, FieldValue& field) {
  if (kind == 'u') {
    const auto label = static_cast<size_t>(name.front() - '0');
    if (label < identity_.labels.size() && !identity_.labels[label].empty()) {
      Set(field, PercentDecode(identity_.labels[label]));
    }
  } else if (kind == 'q') {
    if (const auto value = FindInQuery(facts_.query, name)) {
      Set(field, PercentDecode(*value, true));
    }
  } else if (kind == 'h' || kind == 'H') {
    if (const auto value =
            FindHeader(kind == 'h' ? facts_.head.headers : response_.headers, name)) {
      Set(field, std::string(*value));
    }
  } else if (kind == 'p') {
    Set(field, PercentDecode(facts_.path));
  }
}

void FieldReader::ReadS3(std::string_view what, const ArnPlace& place, const Body& body,
                         FieldValue& field) {
  const S3Target target = ReadS3Target(facts_.endpoint, facts_.path);
  if (what == "bucket") {
    Set(field, S3BucketArn(target, place));
  } else if (what == "object") {
    Set(field, S3ObjectArn(target, target.key, place));
  } else if (what == "source" || what == "versioned-source") {
    const auto header = FindHeader(facts_.head.headers, "x-amz-copy-source");
    const auto source = header ? ReadCopySource(*header, place) : std::nullopt;
    if (source && source->has_version == (what == "versioned-source")) {
      Set(field, source->arn);
    }
  } else {
    const bool versions = what == "deleted-version";
    bool any = false;
    const bool whole = ReadS3Objects(body.bytes, "Delete", [&](const S3ObjectPart& part) {
      const bool is_object = part.element == "Object";
      any = any || is_object;
      if (is_object && part.has_version == versions &&
          field.values.size() < WantedFields::kMostValues) {
        Set(field, S3ObjectArn(target, part.key, place));
      }
    });
    field.cut = !whole && !body.complete;
    field.untellable = field.untellable || (body.complete && !(whole && any));
    if (field.cut && field.values.empty() && !versions) {
      Set(field, S3ObjectsArn(target, place));
    }
  }
}

}  // namespace network_mapper::aws
