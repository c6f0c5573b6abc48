"""Every night: audit the rows that were added, and train only if they raise no alarm. For Airflow 3."""

from __future__ import annotations

from datetime import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import ShortCircuitOperator
from airflow.sdk import DAG
from airflow_steps import rows_are_fit

DATA = "/data/visits.parquet"
STATE = "/data/monitoring"

with DAG("audited_training", schedule="17 3 * * *", start_date=datetime(2026, 1, 1), catchup=False):
    audit = ShortCircuitOperator(
        task_id="audit", python_callable=rows_are_fit, op_args=[DATA, STATE], retries=0
    )
    train = BashOperator(task_id="train", bash_command=f"echo train on {DATA}")
    audit >> train
