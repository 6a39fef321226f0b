#include "common/graphql/execution.h"

#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "common/graphql/field_writer.h"
#include "common/text/json_string.h"

namespace network_mapper::graphql {

void Execution::AddError(std::string message) {
  if (errors_.size() < bounds_.errors) {
    errors_.push_back({.message = std::move(message), .locations = {}, .path = path_, .code = {}});
  }
}

bool Execution::WriteField(const PlannedField& planned, const void* source) {
  if (!planned.type_name_json.empty()) {
    output_ += planned.type_name_json;
    return true;
  }
  size_t start = output_.size();
  path_.emplace_back(planned.response_key);
  FieldWriter writer(*this, planned.selection.get());
  Status status = planned.field->resolve(source, planned.arguments, writer);
  bool ok = !writer.failed_;
  if (!status.ok()) {
    AddError(StatusMessage(status));
    ok = false;
  } else if (ok && output_.size() == start) {
    AddError("the field has no value");
    ok = false;
  } else if (ok && planned.field->type->IsNonNull() &&
             output_.compare(start, std::string::npos, "null") == 0) {
    AddError("must not be null");
    ok = false;
  }
  path_.pop_back();
  if (ok) {
    return true;
  }
  output_.resize(start);
  if (planned.field->type->IsNonNull()) {
    return false;
  }
  output_ += "null";
  return true;
}

bool Execution::WriteSelection(const SelectionPlan& plan, const void* source) {
  size_t start = output_.size();
  char separator = '{';
  for (const PlannedField& planned : plan.fields) {
    output_ += separator;
    output_ += planned.key_json;
    separator = ',';
    if (!too_long_ && output_.size() > bounds_.bytes) {
      too_long_ = true;
      AddError(fmt::format("the response is longer than {} bytes", bounds_.bytes));
    }
    if (too_long_ || !WriteField(planned, source)) {
      output_.resize(start);
      return false;
    }
  }
  if (plan.fields.empty()) {
    output_ += '{';
  }
  output_ += '}';
  return true;
}

void FieldWriter::Separate() {
  if (in_list_ && ++index_ > 0) {
    execution_.output_ += ',';
  }
}

void FieldWriter::Null() {
  Separate();
  execution_.output_ += "null";
}

void FieldWriter::Bool(bool value) {
  Separate();
  execution_.output_ += value ? "true" : "false";
}

void FieldWriter::Int(int64_t value) {
  Separate();
  fmt::format_int text(value);
  execution_.output_.append(text.data(), text.size());
}

void FieldWriter::Float(double value) {
  Separate();
  execution_.output_ += std::isfinite(value) ? fmt::format("{}", value) : "null";
}

void FieldWriter::String(std::string_view value) {
  Separate();
  AppendJsonString(execution_.output_, value);
}

bool FieldWriter::Selects(std::string_view field) const {
  return selection_ != nullptr && std::any_of(selection_->fields.begin(), selection_->fields.end(),
                                              [field](const PlannedField& planned) {
                                                return planned.field != nullptr &&
                                                       planned.field->name == field;
                                              });
}

void FieldWriter::BeginList() {
  in_list_ = true;
  execution_.output_ += '[';
}

void FieldWriter::EndList() {
  in_list_ = false;
  execution_.output_ += ']';
}

// An object that fails takes the whole field with it: items of lists are non-null in every schema
// that we write.
bool FieldWriter::WriteObject(const void* source) {
  if (failed_) {
    return false;
  }
  Separate();
  if (in_list_) {
    execution_.path_.emplace_back(static_cast<size_t>(index_));
  }
  failed_ = !execution_.WriteSelection(*selection_, source);
  if (in_list_) {
    execution_.path_.pop_back();
  }
  return !failed_;
}

}  // namespace network_mapper::graphql
