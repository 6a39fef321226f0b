#include "aws-visibility/proxy/leaf_cache.h"

#include <chrono>

#include <openssl/pem.h>

namespace network_mapper::aws {

namespace {

// A new one is made so long before the end: clocks of pods differ.
constexpr std::chrono::minutes kSpareTime{10};

TlsPtr<BIO> MemoryOf(const std::string& text) {
  return TlsPtr<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

StatusOr<std::shared_ptr<Leaf>> ParseLeaf(const IssuedCertificate& issued) {
  auto leaf = std::make_shared<Leaf>();
  const TlsPtr<BIO> certificates = MemoryOf(issued.chain);
  leaf->certificate.reset(PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr));
  const TlsPtr<BIO> key = MemoryOf(issued.key);
  leaf->key.reset(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr));
  leaf->chain.reset(sk_X509_new_null());
  if (leaf->certificate == nullptr || leaf->key == nullptr || leaf->chain == nullptr) {
    return Internal("issued certificate: {}", TakeTlsError());
  }
  while (X509* next = PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr)) {
    sk_X509_push(leaf->chain.get(), next);
  }
  // The end of the text counts as an error.
  ERR_clear_error();
  leaf->not_after = issued.not_after;
  return leaf;
}

}  // namespace

StatusOr<std::shared_ptr<const Leaf>> LeafCache::For(const std::string& server_name) {
  const Time now = clock_.Now();
  // Asked for first: a change while the certificate is made only makes it made again.
  const uint64_t generation = issuer_.Generation();
  std::shared_ptr<const Leaf> known = leaves_.With([&](const Leaves& leaves) {
    const auto found = leaves.find(server_name);
    return found == leaves.end() ? nullptr : found->second;
  });
  if (known != nullptr && known->generation == generation && known->not_after - kSpareTime > now) {
    return known;
  }
  ASSIGN_OR_RETURN(const IssuedCertificate issued, issuer_.Issue(server_name));
  ASSIGN_OR_RETURN(const std::shared_ptr<Leaf> leaf, ParseLeaf(issued));
  leaf->generation = generation;
  leaves_.With([&](Leaves& leaves) {
    if (leaves.size() >= most_leaves_ && !leaves.contains(server_name)) {
      // Whose turn it is does not matter: making one takes less than a millisecond.
      leaves.erase(leaves.begin());
    }
    leaves[server_name] = leaf;
  });
  return leaf;
}

}  // namespace network_mapper::aws
