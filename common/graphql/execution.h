// Execution: runs a plan over objects and writes the data of the response. One a request; not
// thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/graphql/error.h"
#include "common/graphql/plan.h"

namespace network_mapper::graphql {

class Execution {
 public:
  struct Bounds {
    size_t errors = 50;
    size_t bytes = size_t{256} * 1024 * 1024;
  };

  explicit Execution(const Bounds& bounds) : bounds_(bounds) {}

  // Appends the object to Output(); false, with nothing appended, when a field that must not be
  // null failed or the response became too long.
  bool WriteSelection(const SelectionPlan& plan, const void* source);

  std::string& Output() { return output_; }

  const std::vector<Error>& Errors() const { return errors_; }

 private:
  friend class FieldWriter;

  bool WriteField(const PlannedField& planned, const void* source);
  void AddError(std::string message);

  Bounds bounds_;
  bool too_long_ = false;
  std::string output_;
  std::vector<Error> errors_;
  // Where in the response the execution is; list indexes are put in by writers.
  std::vector<PathPart> path_;
};

}  // namespace network_mapper::graphql
