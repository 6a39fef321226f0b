// An intent database in PostgreSQL, which several mappers share: each takes reports and answers
// queries, and all have the same map.
//
// A transaction locks the store's only row, so that transactions come one after the other, and
// numbers what it writes with the next version; a mapper is up to date when it has read all that is
// newer than the version it knows. When intents are forgotten the epoch rises, and everything is
// read again. What waits to be resolved belongs to one mapper, and goes to another one when that
// has shown no sign of life for half a minute.
#pragma once

#include <memory>
#include <string>

#include "common/status/status.h"
#include "common/time/clock.h"
#include "mapper/intents/intent_database.h"

namespace network_mapper {

// The version of the schema that this program writes. Older ones are brought up to it.
inline constexpr int kPostgresSchemaVersion = 2;

// `url`: see PostgresConnection::Open. Makes the schema "network_mapper" when there is none. Errors
// name server and remedy: no connection, a missing right, a schema of a newer program. A connection
// that breaks later is made anew by the next transaction. `now` is when a new map begins.
StatusOr<std::unique_ptr<IntentDatabase>> OpenPostgresDatabase(const std::string& url, Time now);

}  // namespace network_mapper
