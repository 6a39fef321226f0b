// Which members of a body are wanted, and what was found of them. The readers of JSON, CBOR and
// forms (body_readers.h) walk a body once, and skip what leads nowhere.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace network_mapper::aws {

// What was found of one field.
struct FieldValue {
  // Texts, decoded, without what is in them twice; numbers as they are written.
  std::vector<std::string> values;
  // It is there, though perhaps not as a text.
  bool present = false;
  // An element of its list has no such member.
  bool missing_in_element = false;
  // There may be more of it than what was read.
  bool cut = false;

  // The values are made by us, and are as ARNs have them.
  bool escaped = false;
  // It names something, and what cannot be told: no ARN can have it, it is there twice, it is not
  // there though the operation needs it, or is not written as the protocol says.
  bool untellable = false;
  // Of an answer that is not written so: there may be a name in it.
  bool unread = false;

  bool Empty() const { return values.empty() && !present; }
};

class WantedFields {
 public:
  // Bounds of what a body can make us keep.
  static constexpr size_t kMostFields = 52;
  static constexpr size_t kMostSteps = 8;
  static constexpr size_t kMostValues = 1000;
  static constexpr size_t kMostValueBytes = 8192;

  using Mask = uint64_t;

  // `path`: "TransactItems[].Put.TableName"; "Requests.*" wants the keys of a map. `form_name` is
  // what forms call its first step, when that differs. Views must outlive this. More than
  // kMostFields or kMostSteps: ignored.
  void Want(std::string_view path, std::string_view form_name, FieldValue& value);

  bool Empty() const { return fields_.empty(); }

  Mask All() const { return (Mask{1} << fields_.size()) - 1; }

  // Of the fields in `mask`, whose first `depth` steps led here: those that go on with member
  // `name`, with an element of a list, and those that end here.
  Mask Members(Mask mask, size_t depth, std::string_view name) const;
  Mask Elements(Mask mask, size_t depth) const;
  Mask Ending(Mask mask, size_t depth) const;
  // Those that want the keys of the map here.
  Mask Keys(Mask mask, size_t depth) const;

  void Found(Mask mask, std::string_view text);
  void Present(Mask mask);

  // How many texts there were for each; to find elements of lists that have none.
  size_t FoundCount(size_t field) const { return fields_[field].found; }

  void MissingInElement(size_t field) { fields_[field].value->missing_in_element = true; }

  // The body ended too early: all fields that could have more.
  void Cut();

  size_t Count() const { return fields_.size(); }

  std::string_view Step(size_t field, size_t i) const { return fields_[field].steps[i]; }

  size_t Steps(size_t field) const { return fields_[field].count; }

  std::string_view FormName(size_t field) const { return fields_[field].form_name; }

 private:
  struct Field {
    std::array<std::string_view, kMostSteps> steps;
    size_t count = 0;
    size_t found = 0;
    std::string_view form_name;
    FieldValue* value = nullptr;
    bool many = false;
  };

  std::vector<Field> fields_;
};

}  // namespace network_mapper::aws
