// Writes what a patched pod mounts, for tests with clients that read it.
//
// Usage: aws_make_trust_bundle OWN.pem PUBLIC-ROOTS.pem FOLDER
#include <cstdio>
#include <fstream>
#include <sstream>

#include "aws-visibility/ca/trust_bundle.h"

namespace {

std::string TextOf(const char* path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace

int main(int argc, char** argv) {
  using namespace network_mapper;  // NOLINT(google-build-using-namespace): the whole file is this
                                   // function
  if (argc != 4) {
    std::fprintf(stderr, "Usage: aws_make_trust_bundle OWN.pem PUBLIC-ROOTS.pem FOLDER\n");
    return 2;
  }
  const StatusOr<aws::TrustBundle> bundle = aws::MakeTrustBundle(TextOf(argv[1]), TextOf(argv[2]));
  if (!bundle.ok()) {
    std::fprintf(stderr, "%s\n", StatusMessage(bundle.status()).c_str());
    return 1;
  }
  const std::string folder = std::string(argv[3]) + "/";
  std::ofstream(folder + aws::kOwnCertificatesKey, std::ios::binary) << bundle->own;
  std::ofstream(folder + aws::kBundleKey, std::ios::binary) << bundle->bundle;
  std::ofstream(folder + aws::kTrustStoreKey, std::ios::binary) << bundle->trust_store;
  return 0;
}
