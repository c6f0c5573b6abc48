#!/usr/bin/env bash
# Audit the rows that a growing table got since its last accepted release.
#
#   nightly.sh DATA STATE [OPTION...]        options of `credenza audit`, such as --columns A,B or --fail-on notice
#
# STATE/accepted     the signed manifest of the last accepted release; accept.sh puts it there
# STATE/release.pub  the public key that must have signed it; or name another file in KEY
# STATE/history      verdicts.tsv, a line a night, and a folder a night: audit.json, audit.html, said.txt
# STATE/quarantine   the data as they were, for every night with an alarm
#
# WHOLE=1 audits all rows instead of those that were added: for tables that are made anew every night.
# CREDENZA is the command, `credenza` by default.
#
# Exit status, as of `credenza audit`: 0 no alarm; 1 alarm; 2 bad usage or input; 3 could not be checked.
# 1 is about the data. 2 and 3 are about the monitoring: nothing is known of the data.
set -uo pipefail

if [ $# -lt 2 ]; then
  echo "nightly.sh: takes DATA and STATE: found $# arguments" >&2
  exit 2
fi
data=$1 state=$2
shift 2
read -r -a credenza <<<"${CREDENZA:-credenza}"
rows=(--added-only)
[ -z "${WHOLE:-}" ] || rows=()

mkdir -p "$state/history" || exit 2
stamp=$(date -u +%Y-%m-%dT%H-%M-%SZ)
night="$state/history/$stamp"
number=2
until mkdir "$night" 2>/dev/null; do
  night="$state/history/$stamp-$((number++))"
  if [ "$number" -gt 99 ]; then
    echo "nightly.sh: cannot make a folder in $state/history" >&2
    exit 2
  fi
done

"${credenza[@]}" audit "$data" --reference "$state/accepted" --key "${KEY:-$state/release.pub}" \
  ${rows[@]+"${rows[@]}"} --json "$night/audit.json" --html "$night/audit.html" "$@" >"$night/said.txt" 2>&1
status=$?
cat "$night/said.txt"

case $status in
  0) said=clear ;;
  1) said=alarm ;;
  2) said="bad input" ;;
  3) said="not checked" ;;
  *) said="failed ($status)" status=2 ;;
esac
printf '%s\t%s\t%s\t%s\n' "${night##*/}" "$status" "$said" "$data" >>"$state/history/verdicts.tsv"

if [ "$status" -eq 1 ] && [ -e "$data" ]; then
  mkdir -p "$state/quarantine/${night##*/}" && cp -R "$data" "$state/quarantine/${night##*/}/"
fi
echo "nightly.sh: $said; see $night"
exit "$status"
