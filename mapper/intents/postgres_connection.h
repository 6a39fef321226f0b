// A connection to a PostgreSQL server (libpq), with parameters and rows in the binary format of the
// protocol (https://www.postgresql.org/docs/15/libpq-exec.html). Not thread-safe. Errors name the
// server and the remedy, never the password.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/status/status.h"

struct pg_conn;
struct pg_result;

namespace network_mapper {

// Values for "$1", "$2" ... of a statement.
class PostgresParameters {
 public:
  PostgresParameters& Integer(int64_t value);
  PostgresParameters& Blob(std::string_view value);
  // Arrays, bigint[] and bytea[].
  PostgresParameters& Integers(const std::vector<int64_t>& values);
  PostgresParameters& Blobs(const std::vector<std::string>& values);

 private:
  friend class PostgresConnection;

  struct Value {
    uint32_t type = 0;
    std::string bytes;
  };

  void Array(uint32_t type, uint32_t element, const std::vector<std::string>& values);

  std::vector<Value> values_;
};

class PostgresRows {
 public:
  explicit PostgresRows(pg_result* result) : result_(result) {}

  size_t Size() const;
  // 0 and "" for NULL, and for what is of another type.
  int64_t Integer(size_t row, int column) const;
  std::string_view Bytes(size_t row, int column) const;

 private:
  friend class PostgresConnection;

  struct Clear {
    void operator()(pg_result* result) const;
  };

  std::unique_ptr<pg_result, Clear> result_;
};

class PostgresConnection {
 public:
  // `url` as libpq takes it: "postgresql://user@host:port/database?sslmode=verify-full"; what is
  // not in it comes from the variables PGPASSWORD, PGSSLROOTCERT ... and from ~/.pgpass.
  static StatusOr<PostgresConnection> Open(const std::string& url);

  // How long one statement may take from now on; at first kPatience. A server may be frozen, which
  // no limit of its own would end. After that the connection is of no use.
  void SetPatience(std::chrono::milliseconds patience) { patience_ = patience; }

  // One statement.
  StatusOr<PostgresRows> Run(const char* sql, const PostgresParameters& parameters = {});
  // Several ones without parameters, in one transaction.
  Status RunScript(const std::string& sql);

  static constexpr std::chrono::seconds kPatience{10};

 private:
  struct Finish {
    void operator()(pg_conn* connection) const;
  };

  PostgresConnection(std::unique_ptr<pg_conn, Finish> connection, std::string name)
      : connection_(std::move(connection)), name_(std::move(name)) {}

  Status ErrorFrom(const pg_result* result) const;
  // Of what was sent; the last result if there are several.
  StatusOr<PostgresRows> Await(bool sent);
  Status WaitForSocket(std::chrono::steady_clock::time_point deadline, bool to_write);

  std::unique_ptr<pg_conn, Finish> connection_;
  std::string name_;
  std::chrono::milliseconds patience_ = kPatience;
};

// "postgresql://host:port/database", for logs.
std::string PostgresName(const std::string& url);

}  // namespace network_mapper
