#include <optional>
#include <utility>

#include "aws-visibility/ca/authority_store.h"
#include "common/kube/data_object.h"

namespace network_mapper::aws {

namespace {

constexpr const char* kStateKey = "authorities.json";

class SecretAuthorityStore final : public AuthorityStore {
 public:
  SecretAuthorityStore(std::string name, std::shared_ptr<kube::Client> client)
      : client_(std::move(client)),
        name_{.kind = kube::DataKind::kSecret,
              .name_space = client_->Namespace(),
              .name = std::move(name)} {}

  StatusOr<std::string> Load() override {
    ASSIGN_OR_RETURN(last_, kube::ReadData(*client_, name_));
    const auto found = last_->values.find(kStateKey);
    return found == last_->values.end() ? std::string() : found->second;
  }

  Status Save(const std::string& text) override {
    if (!last_) {
      return FailedPrecondition("{} was not read", Place());
    }
    kube::DataObject changed = *last_;
    changed.values.insert_or_assign(kStateKey, text);
    ASSIGN_OR_RETURN(last_, kube::UpdateData(*client_, name_, changed));
    return OkStatus();
  }

  std::string Place() const override { return name_.ToString(); }

  std::string Remedy() const override {
    return fmt::format(
        "put back what was there, or have a new authority made: kubectl patch secret -n {} {} "
        "--type=json -p '[{{\"op\":\"remove\",\"path\":\"/data/{}\"}}]'",
        name_.name_space, name_.name, kStateKey);
  }

 private:
  std::shared_ptr<kube::Client> client_;
  const kube::DataName name_;
  std::optional<kube::DataObject> last_;
};

}  // namespace

std::unique_ptr<AuthorityStore> MakeSecretAuthorityStore(std::string name,
                                                         std::shared_ptr<kube::Client> client) {
  return std::make_unique<SecretAuthorityStore>(std::move(name), std::move(client));
}

}  // namespace network_mapper::aws
