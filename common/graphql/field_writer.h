// FieldWriter: through it a resolver writes its field's value straight into the JSON of the
// response. What is written must fit the field's type: one leaf, one object, or a list of those.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace network_mapper::graphql {

class Execution;
struct SelectionPlan;

class FieldWriter {
 public:
  FieldWriter(Execution& execution, const SelectionPlan* selection)
      : execution_(execution), selection_(selection) {}

  FieldWriter(const FieldWriter&) = delete;
  FieldWriter& operator=(const FieldWriter&) = delete;

  void Null();
  void Bool(bool value);
  void Int(int64_t value);
  void Float(double value);
  // Also for enums and custom scalars. Bytes that are no UTF-8 are replaced.
  void String(std::string_view value);

  // Writes the selected fields of an object of the field's object type; `source` is used during the
  // call only. Returns false when the response is lost anyway and the resolver may stop: a part
  // that must not be null failed.
  template <typename T>
  bool Object(const T& source) {
    return WriteObject(&source);
  }

  // Whether a field of that name is selected of the objects that are written here.
  bool Selects(std::string_view field) const;

  void BeginList();
  void EndList();

 private:
  friend class Execution;

  bool WriteObject(const void* source);
  void Separate();

  Execution& execution_;
  const SelectionPlan* selection_;
  int64_t index_ = -1;
  bool in_list_ = false;
  bool failed_ = false;
};

}  // namespace network_mapper::graphql
