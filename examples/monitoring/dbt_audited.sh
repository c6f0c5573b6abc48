#!/usr/bin/env bash
# Build a dbt model, audit the rows that it got, and build what depends on it only if they raise no alarm.
#
#   dbt_audited.sh MODEL ORDER WAREHOUSE STATE [OPTION...]        options of `credenza audit`
#
# ORDER is a column that only grows, such as the time of loading: old rows must keep their places. WAREHOUSE is a file of
# DuckDB; for another warehouse, put its own export to Parquet in the place of export_model.py.
# Exit status: that of nightly.sh; 2 as well when dbt or the export failed. DBT and PYTHON name the commands.
set -uo pipefail

if [ $# -lt 4 ]; then
  echo "dbt_audited.sh: takes MODEL, ORDER, WAREHOUSE and STATE: found $# arguments" >&2
  exit 2
fi
model=$1 order=$2 warehouse=$3 state=$4
shift 4
here=$(cd "$(dirname "$0")" && pwd)
read -r -a dbt <<<"${DBT:-dbt}"

"${dbt[@]}" run --select "$model" || exit 2
mkdir -p "$state" || exit 2
"${PYTHON:-python}" "$here/export_model.py" "$warehouse" "$model" "$order" "$state/$model.parquet" || exit 2
"$here/nightly.sh" "$state/$model.parquet" "$state" "$@" || exit $?
"${dbt[@]}" run --select "$model+" --exclude "$model" || exit 2
