// An intent database in an SQLite file. Each transaction is on the disk when its commit returns
// (write-ahead log, synced). Two programs never share a file: it stays locked while it is open.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "common/status/status.h"
#include "common/time/clock.h"
#include "mapper/intents/intent_database.h"

namespace network_mapper {

// The version of the schema that this program writes. Older ones are brought up to it.
inline constexpr int kSqliteSchemaVersion = 2;

// Makes the file when there is none; waits while another program, such as the former mapper that
// is about to end, has it open. Errors name the file and the remedy: a folder that does not exist
// or may not be written, a disk that is full, something that is no database, a schema of a newer
// program, a file in use. `now` is when a new file begins.
StatusOr<std::unique_ptr<IntentDatabase>> OpenSqliteDatabase(
    const std::string& path, Time now,
    std::chrono::milliseconds wait_for_other = std::chrono::seconds(20));

}  // namespace network_mapper
