#include "common/kube/credential_source.h"

#include <chrono>
#include <fstream>

#include "common/kube/base64.h"
#include "common/kube/exec_plugin.h"
#include "common/kube/paths.h"
#include "common/log/log.h"

namespace network_mapper::kube {

namespace {

// As client-go: a token file is read again after a minute, less ten seconds.
constexpr std::chrono::seconds kFileLifetime{50};
// A plugin's credential is not used in its last seconds.
constexpr std::chrono::seconds kExpiryMargin{10};
constexpr std::chrono::seconds kPluginTimeLimit{60};
constexpr size_t kLargestFile = size_t{1} << 20U;

StatusOr<std::string> ReadSmallFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return NotFound("cannot open '{}'", path);
  }
  std::string text(kLargestFile, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (file.bad()) {
    return Unavailable("cannot read '{}'", path);
  }
  return text;
}

std::string TrimRight(std::string text) {
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return text;
}

void AddImpersonation(const Impersonation& who, Credential& credential) {
  auto& headers = credential.headers;
  headers.emplace_back("Impersonate-User", who.user);
  if (!who.uid.empty()) {
    headers.emplace_back("Impersonate-Uid", who.uid);
  }
  for (const std::string& group : who.groups) {
    headers.emplace_back("Impersonate-Group", group);
  }
  for (const auto& [key, values] : who.extra) {
    for (const std::string& value : values) {
      headers.emplace_back("Impersonate-Extra-" + PercentEncode(key), value);
    }
  }
}

}  // namespace

StatusOr<std::string> ReadPem(const PemSource& source) {
  if (!source.pem.empty() || source.path.empty()) {
    return source.pem;
  }
  return ReadSmallFile(source.path);
}

bool CredentialSource::Fresh(const State& state) const {
  if (!state.credential.has_value() || state.rejected) {
    return false;
  }
  if (state.expires.has_value() && clock_.Now() >= *state.expires - kExpiryMargin) {
    return false;
  }
  const bool from_file = !access_.token_file.empty() || !access_.client_certificate.path.empty();
  return !from_file || access_.exec.has_value() ||
         clock_.SteadyNow() - state.read_at < kFileLifetime;
}

StatusOr<std::string> CredentialSource::BearerToken(State& state, Credential& credential) const {
  if (!access_.token_file.empty()) {
    ASSIGN_OR_RETURN(std::string token, ReadSmallFile(access_.token_file));
    token = TrimRight(std::move(token));
    if (token.empty()) {
      return Unauthenticated("'{}' holds no token", access_.token_file);
    }
    return token;
  }
  if (!access_.exec.has_value()) {
    return access_.token;
  }
  ASSIGN_OR_RETURN(const std::string authority, ReadPem(access_.certificate_authority));
  ASSIGN_OR_RETURN(ExecCredential made, RunExecPlugin(access_, authority, kPluginTimeLimit));
  if (!made.client_key.empty()) {
    credential.client_certificate = std::move(made.client_certificate);
    credential.client_key = std::move(made.client_key);
  }
  state.expires = made.expires;
  return std::move(made.token);
}

StatusOr<Credential> CredentialSource::Read(State& state) const {
  Credential credential;
  ASSIGN_OR_RETURN(credential.client_certificate, ReadPem(access_.client_certificate));
  ASSIGN_OR_RETURN(credential.client_key, ReadPem(access_.client_key));
  ASSIGN_OR_RETURN(const std::string token, BearerToken(state, credential));
  if (!token.empty()) {
    if (token.find_first_of("\r\n") != std::string::npos) {
      return Unauthenticated("the token has more than one line");
    }
    credential.headers.emplace_back("Authorization", "Bearer " + token);
  } else if (!access_.username.empty()) {
    credential.headers.emplace_back(
        "Authorization", "Basic " + EncodeBase64(access_.username + ":" + access_.password));
  }
  if (access_.impersonation.has_value()) {
    AddImpersonation(*access_.impersonation, credential);
  }
  return credential;
}

Status CredentialSource::Refresh(State& state) const {
  StatusOr<Credential> credential = Read(state);
  state.read_at = clock_.SteadyNow();
  if (!credential.ok()) {
    const bool keep = state.credential.has_value() && !access_.exec.has_value();
    if (!keep) {
      return credential.status();
    }
    LogWarn("credential not renewed, the old one stays in use", {{"error", credential.status()}});
    return OkStatus();
  }
  state.rejected = false;
  const bool changed = !state.credential.has_value() ||
                       state.credential->headers != credential->headers ||
                       state.credential->client_certificate != credential->client_certificate ||
                       state.credential->client_key != credential->client_key;
  if (changed || access_.exec.has_value()) {
    ++state.generation;
  }
  credential->generation = state.generation;
  state.credential = *std::move(credential);
  return OkStatus();
}

StatusOr<Credential> CredentialSource::Current() {
  return state_.With([this](State& state) -> StatusOr<Credential> {
    if (!Fresh(state)) {
      RETURN_IF_ERROR(Refresh(state));
    }
    return *state.credential;
  });
}

bool CredentialSource::Reject(uint64_t generation) {
  const bool renewable = !access_.token_file.empty() || access_.exec.has_value() ||
                         !access_.client_certificate.path.empty();
  return state_.With([generation, renewable](State& state) {
    if (generation == state.generation) {
      state.rejected = renewable;
    }
    return renewable;
  });
}

}  // namespace network_mapper::kube
