#!/usr/bin/env bash
# The archive of the command line runs where it is unpacked, also as a plugin, and the manifest for Krew has what Krew asks of one
# (https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest) and the sum of that archive.
set -euo pipefail
build="${NETWORK_MAPPER_BINARY_DIR:?}"
cd "$(dirname "$0")/../.."

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

fail() {
  echo "$*" >&2
  exit 1
}

has() {
  grep -qxE -- "$1" <<< "$manifest" || fail "no line \"$1\" in"$'\n'"$manifest"
}

archive="$(scripts/make-cli-archive --build "$build" "$work")"
architecture="$(dpkg --print-architecture)"
[ "${archive##*/}" = "network-mapper_linux_$architecture.tar.gz" ] || fail "the archive is $archive"
mkdir "$work/unpacked" "$work/bin"
tar -xzf "$archive" -C "$work/unpacked"
# As Krew does it.
ln -s "$work/unpacked/bin/network-mapper" "$work/bin/kubectl-network_mapper"
[[ "$("$work/bin/kubectl-network_mapper" list --help)" = *"kubectl network-mapper list [flags]"* ]] || fail "the plugin does not name itself"
own="$(ldd "$work/unpacked/bin/network-mapper" | sed -nE 's|.* => (/[^ ]+) .*|\1|p' | grep -vE '/lib(c|m)\.so\.[0-9]+$')"
[ -n "$own" ] || fail "no library is found"
! foreign="$(grep -v "^$work/unpacked/" <<< "$own")" || fail "loaded from elsewhere: $foreign"

# The other platform's, which this machine cannot build.
other=arm64
[ "$architecture" != arm64 ] || other=amd64
echo other > "$work/network-mapper_linux_$other.tar.gz"
manifest="$(scripts/make-krew-manifest --url https://example.com/v1/ "$work"/*.tar.gz)"
has 'apiVersion: krew\.googlecontainertools\.github\.com/v1alpha2'
has 'kind: Plugin'
has '  name: network-mapper'
has '  version: v[0-9]+\.[0-9]+\.[0-9]+'
has '  shortDescription: .{10,50}'
for platform in "$architecture" "$other"; do
  sum="$(sha256sum < "$work/network-mapper_linux_$platform.tar.gz")"
  expected="          os: linux
          arch: $platform
      uri: https://example.com/v1/network-mapper_linux_$platform.tar.gz
      sha256: ${sum%% *}
      bin: bin/network-mapper"
  [[ "$manifest" = *"$expected"* ]] || fail "not as expected for $platform:"$'\n'"$manifest"
done
[[ "$manifest" != *@* ]] || fail "not filled in:"$'\n'"$manifest"
[ -x "$work/unpacked/bin/network-mapper" ] || fail "the manifest's bin is not in the archive"

for arguments in "--url https://example.com $archive" "--url http://example.com $archive" "--url https://example.com $0"; do
  read -ra words <<< "$arguments"
  ! scripts/make-krew-manifest "${words[@]}" > /dev/null 2>&1 || fail "not refused: $arguments"
done
echo "Archive and manifest are good."
