// A file of ClientIntents from hostile hands: what is understood is written again and understood
// the same.
#include "cli/intents_file.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "cli/documents.h"
#include "cli/map_diff.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace cli = network_mapper::cli;
  const auto clients =
      cli::ParseClientIntents(std::string(reinterpret_cast<const char*>(data), size));
  if (!clients.ok()) {
    return 0;
  }
  (void)cli::DiffText(cli::Compare({}, *clients));
  const auto again = cli::ParseClientIntents(cli::JsonDocuments(*clients));
  if (!again.ok() || again->size() != clients->size()) {
    std::abort();
  }
  return 0;
}
