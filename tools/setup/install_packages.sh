#!/bin/sh
# Installs what tools/setup/packages.txt lists and this machine lacks; as root or through sudo. Does nothing when all is there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
missing=""
for package in $(grep -v '^#' "$here/packages.txt"); do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ]; then
  sudo=""
elif command -v sudo >/dev/null; then
  sudo=sudo
else
  echo "These packages are missing and there is neither root nor sudo to install them:$missing" >&2
  exit 1
fi
echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# Old lists are better than none: a machine that cannot renew them may still hold the packages.
$sudo apt-get update -q || echo "Going on with the package lists that are there." >&2
# shellcheck disable=SC2086
$sudo apt-get install -y -q --no-install-recommends $missing
