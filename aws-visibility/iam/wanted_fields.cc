#include "aws-visibility/iam/wanted_fields.h"

#include <algorithm>
#include <bit>

#include "aws-visibility/iam/table.h"

namespace network_mapper::aws {
namespace {

template <typename Visit>
void ForEachBit(WantedFields::Mask mask, Visit&& visit) {
  for (; mask != 0; mask &= mask - 1) {
    visit(static_cast<size_t>(std::countr_zero(mask)));
  }
}

}  // namespace

void WantedFields::Want(std::string_view path, std::string_view form_name, FieldValue& value) {
  if (fields_.size() == kMostFields) {
    return;
  }
  Field field;
  while (!path.empty()) {
    std::string_view step = TakePiece(path, '.');
    const bool is_list = step.ends_with("[]");
    if (field.count + (is_list ? 2 : 1) > kMostSteps) {
      return;
    }
    field.many = field.many || is_list || step == "*";
    field.steps[field.count++] = step.substr(0, step.size() - (is_list ? 2 : 0));
    if (is_list) {
      field.steps[field.count++] = "[]";
    }
  }
  field.form_name = form_name;
  field.value = &value;
  fields_.push_back(field);
}

WantedFields::Mask WantedFields::Members(Mask mask, size_t depth, std::string_view name) const {
  Mask found = 0;
  ForEachBit(mask, [&](size_t i) {
    const Field& field = fields_[i];
    if (depth < field.count && field.steps[depth] == name) {
      found |= Mask{1} << i;
    }
  });
  return found;
}

WantedFields::Mask WantedFields::Elements(Mask mask, size_t depth) const {
  return Members(mask, depth, "[]");
}

WantedFields::Mask WantedFields::Keys(Mask mask, size_t depth) const {
  return Members(mask, depth, "*");
}

WantedFields::Mask WantedFields::Ending(Mask mask, size_t depth) const {
  Mask found = 0;
  ForEachBit(mask, [&](size_t i) {
    if (fields_[i].count == depth) {
      found |= Mask{1} << i;
    }
  });
  return found;
}

void WantedFields::Found(Mask mask, std::string_view text) {
  ForEachBit(mask, [&](size_t i) {
    FieldValue& value = *fields_[i].value;
    ++fields_[i].found;
    value.present = true;
    // Batches name the same table again and again, one after the other.
    if (!value.values.empty() && value.values.back() == text) {
      return;
    }
    // Of a member that is there twice the service takes one: which?
    if (!fields_[i].many && !value.values.empty()) {
      value.untellable = true;
      return;
    }
    if (value.values.size() == kMostValues || text.size() > kMostValueBytes) {
      value.cut = true;
      return;
    }
    value.values.emplace_back(text);
  });
}

void WantedFields::Present(Mask mask) {
  ForEachBit(mask, [&](size_t i) { fields_[i].value->present = true; });
}

void WantedFields::Cut() {
  for (const Field& field : fields_) {
    if (field.many || field.value->Empty()) {
      field.value->cut = true;
    }
  }
}

}  // namespace network_mapper::aws
