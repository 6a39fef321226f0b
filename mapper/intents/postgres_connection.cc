#include "mapper/intents/postgres_connection.h"

#include <endian.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <libpq-fe.h>

namespace network_mapper {
namespace {

// pg_type.dat
constexpr uint32_t kBytea = 17;
constexpr uint32_t kBigint = 20;
constexpr uint32_t kByteaArray = 1001;
constexpr uint32_t kBigintArray = 1016;

constexpr int kBinary = 1;

void Append32(std::string& bytes, uint32_t value) {
  const uint32_t swapped = htobe32(value);
  bytes.append(reinterpret_cast<const char*>(&swapped), sizeof(swapped));
}

std::string Bytes64(int64_t value) {
  const uint64_t swapped = htobe64(static_cast<uint64_t>(value));
  return {reinterpret_cast<const char*>(&swapped), sizeof(swapped)};
}

// libpq's messages end with a line feed, and some have several lines.
std::string OneLine(std::string_view message) {
  std::string line(message);
  while (!line.empty() && line.back() == '\n') {
    line.pop_back();
  }
  for (char& c : line) {
    c = c == '\n' || c == '\t' ? ' ' : c;
  }
  return line;
}

}  // namespace

PostgresParameters& PostgresParameters::Integer(int64_t value) {
  values_.push_back({kBigint, Bytes64(value)});
  return *this;
}

PostgresParameters& PostgresParameters::Blob(std::string_view value) {
  values_.push_back({kBytea, std::string(value)});
  return *this;
}

PostgresParameters& PostgresParameters::Integers(const std::vector<int64_t>& values) {
  std::vector<std::string> elements;
  elements.reserve(values.size());
  for (const int64_t value : values) {
    elements.push_back(Bytes64(value));
  }
  Array(kBigintArray, kBigint, elements);
  return *this;
}

PostgresParameters& PostgresParameters::Blobs(const std::vector<std::string>& values) {
  Array(kByteaArray, kBytea, values);
  return *this;
}

// array_send: dimensions, whether there are NULLs, element type, length, lower bound, elements.
void PostgresParameters::Array(uint32_t type, uint32_t element,
                               const std::vector<std::string>& values) {
  Value array{type, {}};
  Append32(array.bytes, values.empty() ? 0 : 1);
  Append32(array.bytes, 0);
  Append32(array.bytes, element);
  if (!values.empty()) {
    Append32(array.bytes, static_cast<uint32_t>(values.size()));
    Append32(array.bytes, 1);
  }
  for (const std::string& value : values) {
    Append32(array.bytes, static_cast<uint32_t>(value.size()));
    array.bytes += value;
  }
  values_.push_back(std::move(array));
}

void PostgresRows::Clear::operator()(pg_result* result) const {
  PQclear(result);
}

size_t PostgresRows::Size() const {
  return static_cast<size_t>(PQntuples(result_.get()));
}

int64_t PostgresRows::Integer(size_t row, int column) const {
  const std::string_view bytes = Bytes(row, column);
  uint64_t value = 0;
  if (bytes.size() != sizeof(value)) {
    return 0;
  }
  std::memcpy(&value, bytes.data(), sizeof(value));
  return static_cast<int64_t>(be64toh(value));
}

std::string_view PostgresRows::Bytes(size_t row, int column) const {
  const int at = static_cast<int>(row);
  return {PQgetvalue(result_.get(), at, column),
          static_cast<size_t>(PQgetlength(result_.get(), at, column))};
}

void PostgresConnection::Finish::operator()(pg_conn* connection) const {
  PQfinish(connection);
}

namespace {

struct UrlParts {
  std::string host;
  std::string port;
  std::string database;
};

// Absent for what is no URL. libpq's text of the error would quote it, with the password.
std::optional<UrlParts> PartsOf(const std::string& url) {
  char* error = nullptr;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
      PQconninfoParse(url.c_str(), &error), PQconninfoFree);
  PQfreemem(error);
  if (options == nullptr) {
    return std::nullopt;
  }
  const auto value = [&options](std::string_view keyword) -> std::string {
    for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
      if (option->keyword == keyword && option->val != nullptr) {
        return option->val;
      }
    }
    return "";
  };
  return UrlParts{.host = value("host").empty() ? value("hostaddr") : value("host"),
                  .port = value("port").empty() ? "5432" : value("port"),
                  .database = value("dbname")};
}

// A password with "@", "/" or ":" that is not percent-encoded ends up in the host, the port or the
// database.
bool LooksSplitWrongly(const UrlParts& parts) {
  return parts.host.find('@') != std::string::npos ||
         parts.database.find_first_of("@:") != std::string::npos ||
         parts.port.find_first_not_of("0123456789,") != std::string::npos;
}

}  // namespace

std::string PostgresName(const std::string& url) {
  const std::optional<UrlParts> parts = PartsOf(url);
  return !parts || LooksSplitWrongly(*parts)
             ? "postgresql://..."
             : fmt::format("postgresql://{}:{}/{}", parts->host, parts->port, parts->database);
}

StatusOr<PostgresConnection> PostgresConnection::Open(const std::string& url) {
  const std::optional<UrlParts> parts = PartsOf(url);
  if (!parts || LooksSplitWrongly(*parts)) {
    return InvalidArgument(
        "option store: not a PostgreSQL URL: \"postgresql://user:password@host:5432/database\" is "
        "one; in the password write %40 for @, %2F for /, %3A for :, %25 for %");
  }
  // A server that stops answering must not hold up the mapper for long. What comes later wins.
  constexpr std::array<const char*, 7> kKeywords = {"connect_timeout",
                                                    "keepalives_idle",
                                                    "tcp_user_timeout",
                                                    "application_name",
                                                    "client_encoding",
                                                    "dbname",
                                                    nullptr};
  const std::array<const char*, 7> values = {"5",    "10",        "10000", "network-mapper",
                                             "UTF8", url.c_str(), nullptr};
  constexpr int kExpandDatabaseName = 1;
  PostgresConnection connection(std::unique_ptr<pg_conn, Finish>(PQconnectdbParams(
                                    kKeywords.data(), values.data(), kExpandDatabaseName)),
                                PostgresName(url));
  if (PQstatus(connection.connection_.get()) != CONNECTION_OK) {
    return Unavailable("store {}: no connection: {}", connection.name_,
                       OneLine(PQerrorMessage(connection.connection_.get())));
  }
  // Notices would go to standard error as they are.
  PQsetNoticeProcessor(
      connection.connection_.get(), [](void*, const char*) {}, nullptr);
  RETURN_IF_ERROR(
      connection.RunScript("SET statement_timeout = '120s'; SET lock_timeout = '10s'; "
                           "SET idle_in_transaction_session_timeout = '10s'"));
  return connection;
}

StatusOr<PostgresRows> PostgresConnection::Run(const char* sql,
                                               const PostgresParameters& parameters) {
  std::vector<uint32_t> types;
  std::vector<const char*> values;
  std::vector<int> lengths;
  const std::vector<int> formats(parameters.values_.size(), kBinary);
  for (const PostgresParameters::Value& value : parameters.values_) {
    types.push_back(value.type);
    values.push_back(value.bytes.data());
    lengths.push_back(static_cast<int>(value.bytes.size()));
  }
  return Await(PQsendQueryParams(connection_.get(), sql, static_cast<int>(values.size()),
                                 types.data(), values.data(), lengths.data(), formats.data(),
                                 kBinary) == 1);
}

Status PostgresConnection::RunScript(const std::string& sql) {
  return Await(PQsendQuery(connection_.get(), sql.c_str()) == 1).status();
}

StatusOr<PostgresRows> PostgresConnection::Await(bool sent) {
  if (!sent) {
    return ErrorFrom(nullptr);
  }
  const auto deadline = std::chrono::steady_clock::now() + patience_;
  for (int unsent = PQflush(connection_.get()); unsent != 0; unsent = PQflush(connection_.get())) {
    if (unsent < 0) {
      return ErrorFrom(nullptr);
    }
    RETURN_IF_ERROR(WaitForSocket(deadline, true));
  }
  PostgresRows last(nullptr);
  while (true) {
    while (PQisBusy(connection_.get()) == 1) {
      RETURN_IF_ERROR(WaitForSocket(deadline, false));
    }
    PostgresRows rows(PQgetResult(connection_.get()));
    const pg_result* result = rows.result_.get();
    if (result == nullptr) {
      break;
    }
    const ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      return ErrorFrom(result);
    }
    last = std::move(rows);
  }
  if (last.result_ == nullptr) {
    return ErrorFrom(nullptr);
  }
  return last;
}

Status PostgresConnection::WaitForSocket(std::chrono::steady_clock::time_point deadline,
                                         bool to_write) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline - std::chrono::steady_clock::now());
  // What the server says meanwhile may be what it waits for us to read.
  pollfd entry{.fd = PQsocket(connection_.get()),
               .events = static_cast<int16_t>(to_write ? POLLIN | POLLOUT : POLLIN),
               .revents = 0};
  const int ready = left.count() <= 0 ? 0 : poll(&entry, 1, static_cast<int>(left.count()));
  if (ready == 0) {
    return Unavailable("store {}: the server did not answer within {}", name_, patience_);
  }
  if (ready < 0 && errno != EINTR) {
    return ErrnoStatus(errno, fmt::format("store {}: poll", name_));
  }
  return (entry.revents & ~POLLOUT) == 0 || PQconsumeInput(connection_.get()) == 1
             ? OkStatus()
             : ErrorFrom(nullptr);
}

// Classes of SQLSTATE: https://www.postgresql.org/docs/15/errcodes-appendix.html
Status PostgresConnection::ErrorFrom(const pg_result* result) const {
  const char* field = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const std::string_view state = field == nullptr ? "" : field;
  const std::string message = OneLine(PQerrorMessage(connection_.get()));
  if (state == "53100") {
    return ResourceExhausted("store {}: the server's disk is full: make room: {}", name_, message);
  }
  if (state == "42501") {
    return PermissionDenied(
        "store {}: this user needs the right to create the schema network_mapper, or its "
        "ownership: {}",
        name_, message);
  }
  if (state == "25006") {
    return PermissionDenied(
        "store {}: the server is read-only: name the primary server in --store: {}", name_,
        message);
  }
  // Data exception, integrity constraint violation.
  if (state.starts_with("22") || state.starts_with("23")) {
    return InvalidArgument("store {}: the server refuses the content: {}", name_, message);
  }
  return Unavailable("store {}: {}", name_, message);
}

}  // namespace network_mapper
