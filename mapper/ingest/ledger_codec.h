// What a mapper knows of its collectors, as bytes for the other mappers that share its store
// (network_mapper/v1/store.proto). Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mapper/ingest/completeness.h"

namespace network_mapper {

std::string EncodeLedger(const LedgerExtract& ledger);
// Absent: not what EncodeLedger makes. Reasons of a newer mapper that are not known here are left
// out.
std::optional<LedgerExtract> DecodeLedger(std::string_view bytes);

}  // namespace network_mapper
