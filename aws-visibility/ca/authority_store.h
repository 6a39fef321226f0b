// Where the authorities are kept, such that all who use the place end with the same ones.
#pragma once

#include <memory>
#include <string>

#include "common/kube/client.h"
#include "common/status/status.h"

namespace network_mapper::aws {

// Not thread-safe.
class AuthorityStore {
 public:
  AuthorityStore() = default;
  AuthorityStore(const AuthorityStore&) = delete;
  AuthorityStore& operator=(const AuthorityStore&) = delete;
  virtual ~AuthorityStore() = default;

  // What is there; empty when nothing is yet. Text is never part of an error.
  virtual StatusOr<std::string> Load() = 0;
  // In place of what the last Load gave. Aborted: somebody has changed it since; load it again.
  virtual Status Save(const std::string& text) = 0;
  // "Secret otterize-system/otterize-aws-visibility-ca", for messages.
  virtual std::string Place() const = 0;
  // What to do to have what is there replaced.
  virtual std::string Remedy() const = 0;
};

// In a Secret of the client's namespace, which exists, maybe empty: key authorities.json. RBAC: get
// and update of that one.
std::unique_ptr<AuthorityStore> MakeSecretAuthorityStore(std::string name,
                                                         std::shared_ptr<kube::Client> client);

// In a file that nobody else can read (mode 0600), with a lock beside it ("<path>.lock"). The
// folder must exist.
std::unique_ptr<AuthorityStore> MakeFileAuthorityStore(std::string path);

}  // namespace network_mapper::aws
