#!/usr/bin/env bash
# Accept a table as it is: sign it, and audit later rows against it.
#
#   accept.sh DATA STATE PRIVATE_KEY [OPTION...]        options of `credenza audit`
#
# The first time, there is nothing to audit it against. Afterwards it is signed, audited (nightly.sh) against what was
# accepted before, and accepted only when that raised no alarm. ANYWAY=1 accepts after an alarm, or where the rows
# are too few to be checked: for a person who has looked.
#
# STATE/accepted is the manifest of the latest release, STATE/releases has them all; the data themselves are not copied.
# Exit status: 0 accepted; else that of the audit or of `credenza sign`, and what was accepted before stays.
set -uo pipefail

if [ $# -lt 3 ]; then
  echo "accept.sh: takes DATA, STATE and PRIVATE_KEY: found $# arguments" >&2
  exit 2
fi
data=${1%/} state=$2 private=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)
read -r -a credenza <<<"${CREDENZA:-credenza}"
home="$data.credenza"
[ ! -d "$data" ] || home="$data/.credenza"

before="$state/before"
mkdir -p "$state/releases" || exit 2
rm -rf "$before"
[ ! -d "$home" ] || mv "$home" "$before" || exit 2
put_back() {
  rm -rf "$home"
  [ ! -d "$before" ] || mv "$before" "$home"
  exit "$1"
}

replace=()
if [ -d "$state/accepted" ]; then # the new manifest names the hash of this one
  cp -R "$state/accepted" "$home" || put_back 2
  replace=(--replace)
fi
"${credenza[@]}" sign "$data" --key "$private" ${replace[@]+"${replace[@]}"} || put_back $?

if [ -d "$state/accepted" ]; then # the same files as are signed now, or CZ701 raises an alarm
  "$here/nightly.sh" "$data" "$state" --manifest "$home" "$@"
  status=$?
  if [ "$status" -eq 2 ] || { [ "$status" -ne 0 ] && [ -z "${ANYWAY:-}" ]; }; then
    echo "accept.sh: not accepted; $state/accepted stays as it is" >&2
    put_back "$status"
  fi
fi

release="$state/releases/$(date -u +%Y-%m-%dT%H-%M-%SZ)-$$"
cp -R "$home" "$release" && cp -R "$home" "$state/accepted.new" || put_back 2
rm -rf "$state/accepted" "$before" && mv "$state/accepted.new" "$state/accepted" || exit 2
echo "accept.sh: accepted; the manifest is $release"
