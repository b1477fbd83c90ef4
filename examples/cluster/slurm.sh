#!/usr/bin/env bash
# A comparison as a Slurm array: every task makes its part of the runs, in one folder.
#
#   sbatch examples/cluster/slurm.sh
#   sbatch --array=0-15 --export=ALL,EXPERIMENT=wide,OUT=/shared/wide examples/cluster/slurm.sh
#   rmrl status /shared/wide       # meanwhile
#   rmrl report /shared/wide       # afterwards: merges, and says what is missing
#
# A minute before its time is over a task is told so: it stops at its next trial, keeps what it has and
# is queued again. Whatever else ends it (a node that fails, scancel), the same sbatch goes on.
#SBATCH --job-name=rmrl
#SBATCH --array=0-3
#SBATCH --cpus-per-task=1
#SBATCH --time=01:00:00
#SBATCH --signal=B:TERM@60
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=rmrl-%A_%a.log
set -u

rmrl=${RMRL:-rmrl}
experiment=${EXPERIMENT:-narrow}
out=${OUT:-$PWD/runs/$experiment}
# On the node: SQLite's journal does not work on most network file systems.
scratch=${TMPDIR:-/tmp}

again() {
  trap '' TERM
  kill -TERM "$run" 2>/dev/null
  wait "$run"
  # Not zero only if there was something left to do.
  if [ $? -ne 0 ]; then
    scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
  fi
  exit 0
}
trap again TERM

# EXTRA is split into words on purpose.
# shellcheck disable=SC2086
"$rmrl" compare "$experiment" --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
  --jobs "${SLURM_CPUS_PER_TASK:-1}" --scratch "$scratch" --out "$out" --resume ${EXTRA:-} &
run=$!
wait "$run"
